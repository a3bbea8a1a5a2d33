//! Cells and contacts of a labels volume, as a block program: each block is read once, with its
//! shell, and summarised; the summaries are merged.
//!
//! One superstep, no messages. Cost: O(voxels) to scan, O(runs) to count.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::id::BlockId;
use crate::lattice::faces::faces;
use crate::lattice::runs::Runs;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Summary, Want, summarise};
use crate::lattice::tiling::{Tile, Tiling};
use crate::pregel::block::{BlockProgram, Superstep, Vote};

/// Summarises a labels volume; the summary is the global of the run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// What to count.
    pub want: Want,
}

impl BlockProgram<Tiling> for Measure {
    type State = ();
    type Parcel = ();
    type Global = Summary;
    type Output = ();

    fn init(&self, _tiling: &Tiling, _tile: &Tile) -> Result<()> {
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, (), Summary>,
        tile: &Tile,
        _state: &mut (),
        _mail: Vec<(BlockId, ())>,
    ) -> Result<Vote> {
        let (region, voxels) = tile.read(1)?;
        at.contribute(match self.want {
            Want { cells: Detail::Listed, contacts: Some(Stencil::N6) } => {
                faces(&voxels, region, tile.region, tile.name())?
            }
            want => {
                let runs = Runs::scan(&voxels, region, Select::Labels, tile.name())?;
                summarise(&runs, runs.labels(), tile.region, want)
            }
        });
        Ok(Vote::Halt)
    }

    fn finish(&self, _tile: &Tile, _state: ()) -> Result<()> {
        Ok(())
    }
}
