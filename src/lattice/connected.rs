//! What the edges of a block of a lattice connect: its runs, [joined](crate::lattice::parts) as its rows are
//! scanned.

use crate::error::Result;
use crate::graph::connected::Connected;
use crate::graph::members::Members;
use crate::id::{Slot, VertexId};
use crate::lattice::lattice_block::LatticeBlock;
use crate::lattice::parts::{Boxed, Parts};

/// See [`Block::connected`](crate::graph::topology::Block::connected). Cost: O(voxels / 64) words and
/// O(runs). Memory: 12 bytes a run beside what it gives.
pub(super) fn connected(block: &LatticeBlock) -> Result<Connected> {
    let LatticeBlock { own, boxed: region, voxels, volume, .. } = block;
    let boxed = Boxed { voxels, region: *region, own: *region, volume: *volume, name: &block.name };
    let Parts { runs, part_of, parts, .. } = Parts::scan(boxed, block.select, block.stencil, |_, _| true, false)?;
    let mut members = Members::with_capacity(runs.len());
    runs.within(own, |run, [z, y], span| {
        let first = volume.raster([z, y, own.start[2] + span.start as usize]);
        members.add(VertexId(first), span.len(), part_of[run]);
    });
    let of = |slot: Slot| {
        let [z, y, x] = block.voxel(slot.index());
        let row = runs.row(z as i64, y as i64);
        let x = (x - region.start[2]) as u32;
        part_of[row.start + runs.spans()[row].partition_point(|span| span.end <= x)]
    };
    Ok(Connected::new(parts.len() as u32, members, &block.seams, of))
}
