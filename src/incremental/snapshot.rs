//! The selected voxels of a session at one moment, as a volume: labels as they are, of a mask ones.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::incremental::held::{Blocks, gather};
use crate::incremental::owners::Owners;
use crate::lattice::runs::{Runs, Span};
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::voxel::{Dtype, Voxels};

/// A volume made of the runs that a session held when it was asked; it costs nothing to make, and
/// later commits do not change it.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) header: Header,
    pub(crate) owners: Owners,
    pub(crate) blocks: Arc<Blocks>,
}

impl VolumeSource for Snapshot {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        let grid = self.owners.grid();
        if let Some(far) = grid.holding(region).find(|block| !self.owners.is_near(*block)) {
            let what = "is of another process: here its own blocks can be read, and those beside them";
            return Err(Error::usage(format!("session: block {far} {what}")));
        }
        Ok(paint(&gather(grid, &self.blocks, *region).0).cast(self.header.dtype))
    }

    fn is_resident(&self) -> bool {
        true
    }
}

/// The voxels of a box, as [`Dtype::U64`].
pub(crate) fn paint(runs: &Runs) -> Voxels {
    let region = runs.region();
    let Shape([_, ny, nx]) = region.shape();
    let mut voxels = vec![0u64; region.shape().0.iter().product()];
    for (z, y) in region.rows() {
        let first = ((z - region.start[0]) * ny + (y - region.start[1])) * nx;
        for run in runs.row(z as i64, y as i64) {
            let Span { start, end } = runs.spans()[run];
            let value = runs.labels().get(run).copied().unwrap_or(1);
            voxels[first + start as usize..first + end as usize].fill(value);
        }
    }
    Voxels::from_vec(region.shape(), voxels)
}

/// The type that labels, or a mask, are read as.
pub(crate) fn dtype(labels: bool) -> Dtype {
    if labels { Dtype::U64 } else { Dtype::U8 }
}
