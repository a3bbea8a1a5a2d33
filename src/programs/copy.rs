//! A volume computed and handed out block by block: masks, phantoms, conversions.
//!
//! One superstep, and one read of each block. A block is held only while it is handed out. Where
//! blocks are only counted, the global is the number of voxels that are not zero.

use serde::{Deserialize, Serialize};

use crate::combine::Sum;
use crate::error::Result;
use crate::id::BlockId;
use crate::lattice::tiling::{Tile, Tiling};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::volume::region::Region;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type};

/// Reads every block and gives its voxels, or only counts them.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Copy {
    /// Whether blocks give their voxels; else they are only counted.
    pub give: bool,
}

impl BlockProgram<Tiling> for Copy {
    type State = ();
    type Parcel = ();
    type Global = Sum<u64>;
    type Output = Option<(Region, Voxels)>;

    fn init(&self, _tiling: &Tiling, _tile: &Tile) -> Result<()> {
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, (), Sum<u64>>,
        tile: &Tile,
        _state: &mut (),
        _mail: Vec<(BlockId, ())>,
    ) -> Result<Vote> {
        if !self.give {
            at.contribute(Sum(count(&tile.read(0)?.1)));
        }
        Ok(Vote::Halt)
    }

    fn finish(&self, tile: &Tile, _state: ()) -> Result<Option<(Region, Voxels)>> {
        self.give.then(|| tile.read(0)).transpose()
    }
}

/// The number of voxels that are not zero.
pub fn count(voxels: &Voxels) -> u64 {
    fn of<T: Voxel>(array: &ndarray::ArcArray<T, ndarray::Ix3>) -> u64 {
        array.rows().into_iter().map(|row| row.iter().filter(|value| **value != T::default()).count() as u64).sum()
    }
    each_voxel_type!(voxels, array => of(array))
}
