//! How `--max-memory` is kept where a volume is labelled: blocks that are small enough for all
//! workers at once, and scratch for what would be kept of the others.

use std::path::Path;
use std::sync::Arc;

use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::lattice::tiling::Tiling;
use crate::store::scratch::Scratch;
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::source::{Header, VolumeSource};
use crate::volume::voxel::Dtype;

/// What the program takes by itself, with the stacks of a few threads.
const PROGRAM: u64 = 24 << 20;

/// What a voxel takes beside its own bytes and those of its label while its block is scanned, put
/// aside or painted, where neighbours are as different as they can be: a run for each two voxels,
/// with its part, twice while lists grow, and what is known of the part.
const SCANNED: u64 = 24;

/// Blocks of fewer voxels are mostly seam.
const LEAST: u64 = 1 << 17;

/// How a volume is cut, and how much may be kept of it between two passes.
pub(crate) struct Plan {
    pub(crate) grid: Grid,
    /// Bytes that may be taken for them, and for what joins the blocks.
    pub(crate) spare: u64,
    /// Bytes that the workers take while blocks are scanned and painted.
    working: u64,
}

impl Plan {
    /// The plan for labelling a volume.
    ///
    /// # Errors
    /// Where `--max-memory` is given and not even small blocks fit there.
    pub(crate) fn new(context: &Context, source: &dyn VolumeSource) -> Result<Self> {
        let Header { name, shape, dtype, chunk, .. } = source.header();
        if context.workers.processes() > 1 {
            // All processes cut alike, whatever memory each has.
            return Ok(Self {
                grid: Grid::new(*shape, context.common.block)?,
                spare: context.memory() / 2,
                working: 0,
            });
        }
        let voxels = shape.voxels().unwrap_or(u64::MAX);
        let bytes = dtype.bytes() as u64;
        let resident = if source.is_resident() { voxels.saturating_mul(bytes) } else { 0 };
        // A compressed chunk is held beside its voxels, twice at most.
        let chunk_bytes = (chunk.iter().product::<usize>() as u64).saturating_mul(3 * bytes);
        let voxel = bytes + Dtype::for_labels(voxels).bytes() as u64 + SCANNED;
        let threads = context.threads() as u64;
        let overhead = (PROGRAM + resident).saturating_add(threads.saturating_mul(chunk_bytes));
        let left = context.memory().saturating_sub(overhead);
        let most = left / 2 / threads / voxel;
        let least = LEAST.max(4 * shape.0[2] as u64).min(voxels);
        let grid = match context.common.block {
            BlockSize::Auto => Grid::within(*shape, most, chunk[1]).filter(|_| most >= least),
            size => Some(Grid::new(*shape, size)?),
        };
        let fitting = grid.map(|grid| {
            let boxed = grid.region(BlockId(0)).grown([0; 3], [1; 3], *shape).shape();
            let working = boxed.voxels().unwrap_or(u64::MAX).saturating_mul(voxel * threads.min(grid.blocks().into()));
            (grid, left.checked_sub(working), working)
        });
        match fitting {
            Some((grid, Some(rest), working)) => Ok(Self { grid, spare: rest, working }),
            // Nobody asked for less than the machine has.
            _ if context.common.max_memory.is_none() => {
                Ok(Self { grid: Grid::new(*shape, context.common.block)?, spare: left / 2, working: 0 })
            }
            _ => {
                let needed = overhead.saturating_add(threads * voxel * least * 2);
                let remedy = match context.common.block {
                    BlockSize::Auto => {
                        format!("allow {} MiB, or take fewer workers (-w)", needed.div_ceil(1 << 20) + 1)
                    }
                    _ => "allow more, or make blocks smaller with --block".into(),
                };
                Err(Error::resource(format!("{name}: a block does not fit in --max-memory: {remedy}")))
            }
        }
    }

    /// The volume cut so, with scratch beside `output` where there is one.
    pub(crate) fn cut(&self, source: Arc<dyn VolumeSource>, output: Option<&Path>) -> Result<Tiling> {
        let tiling = Tiling::with_grid(source, self.grid)?;
        Ok(match output {
            Some(output) => {
                tiling.with_scratch(Arc::new(Scratch::beside(output, self.spare).with_working(self.working)))
            }
            None => tiling,
        })
    }
}
