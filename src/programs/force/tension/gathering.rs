//! The patches of a labels volume, as a block program: each block is read once, with a voxel more, and what
//! they found is merged. One superstep, no messages.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::id::BlockId;
use crate::lattice::patch_scan::{Gather, gather};
use crate::lattice::patches::Patches;
use crate::lattice::tiling::{Tile, Tiling};
use crate::pregel::block::{BlockProgram, Superstep, Vote};

/// Gathers patches and beads; they are the global of the run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Gathering {
    /// The edge of the cube of a bead, in voxels.
    pub cube: u32,
    /// Patches of fewer faces are left out.
    pub least: u64,
}

impl BlockProgram<Tiling> for Gathering {
    type State = ();
    type Parcel = ();
    type Global = Patches;
    type Output = ();

    fn init(&self, _tiling: &Tiling, _tile: &Tile) -> Result<()> {
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, (), Patches>,
        tile: &Tile,
        _state: &mut (),
        _mail: Vec<(BlockId, ())>,
    ) -> Result<Vote> {
        let (region, voxels) = tile.read(1)?;
        let how = Gather { shape: tile.tiling.grid().shape(), cube: self.cube, least: self.least };
        at.contribute(gather(&voxels, region, tile.region, how, tile.name())?);
        Ok(Vote::Halt)
    }

    fn finish(&self, _tile: &Tile, _state: ()) -> Result<()> {
        Ok(())
    }
}
