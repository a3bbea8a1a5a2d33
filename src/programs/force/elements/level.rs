//! Where the nodes of a block lie on one level of a multigrid.
//!
//! Elements of a level are two of the level below along each axis, the last ones perhaps half outside of the
//! body; node `j` is node `2 j` of the level below. A block has the nodes whose namesakes below it has, and a
//! layer around them that others have. Arrays are over the slots of that padded box; a slot is also the element
//! whose nearest corner lies there. Rows are long enough for whole strokes of elements.

use serde::{Deserialize, Serialize};

use crate::id::BlockId;
use crate::programs::force::elements::element::CORNERS;
use crate::programs::force::elements::field::{Field, Real};
use crate::volume::grid::Grid;
use crate::volume::region::Region;
use crate::volume::shape::Shape;

/// Elements that are worked on at a stroke.
pub(super) const STROKE: usize = 8;

/// A level of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Level {
    /// Nodes of the whole body along z, y, x.
    pub(super) nodes: [usize; 3],
    /// The nodes of the block.
    pub(super) own: Region,
    /// Slots along z, y, x.
    pub(super) padded: [usize; 3],
    /// What other blocks have as halo, and what is halo here, by block.
    pub(super) seams: Vec<(BlockId, Region, Region)>,
}

/// The nodes of a block at level 0: as many as its voxels where voxels are nodes; where they are elements the last
/// block along an axis has one more.
fn nodes_of(grid: &Grid, nodes: [usize; 3], block: BlockId) -> Region {
    let mut region = grid.region(block);
    for ((end, voxels), nodes) in region.end.iter_mut().zip(grid.shape().0).zip(nodes) {
        if *end == voxels {
            *end = nodes;
        }
    }
    region
}

/// How many nodes there are a level up.
pub(super) fn coarser(nodes: [usize; 3]) -> [usize; 3] {
    nodes.map(|nodes| (nodes - 1).div_ceil(2) + 1)
}

/// Nodes of a level as nodes of the level above.
fn halved(region: Region, nodes: [usize; 3]) -> Region {
    let above = coarser(nodes);
    Region {
        start: region.start.map(|start| start.div_ceil(2)),
        end: std::array::from_fn(|axis| {
            if region.end[axis] == nodes[axis] { above[axis] } else { region.end[axis].div_ceil(2) }
        }),
    }
}

/// The nodes of a box and a layer around them, as far as there are nodes.
fn around(region: &Region, nodes: [usize; 3]) -> Region {
    region.grown([1; 3], [1; 3], Shape(nodes))
}

impl Level {
    /// The levels `0..=levels` of a block, where the body has `nodes` nodes.
    pub(super) fn of_block(grid: &Grid, nodes: [usize; 3], block: BlockId, levels: usize) -> Vec<Self> {
        let mut nodes = nodes;
        let mut own = nodes_of(grid, nodes, block);
        let mut others: Vec<(BlockId, Region)> =
            grid.neighbors(block).map(|other| (other, nodes_of(grid, nodes, other))).collect();
        let mut all = Vec::new();
        for _ in 0..=levels {
            let seam = |(to, theirs): &(BlockId, Region)| {
                (*to, own.intersection(&around(theirs, nodes)), theirs.intersection(&around(&own, nodes)))
            };
            all.push(Self { nodes, own, padded: padded(&own), seams: others.iter().map(seam).collect() });
            own = halved(own, nodes);
            others.iter_mut().for_each(|(_, theirs)| *theirs = halved(*theirs, nodes));
            nodes = coarser(nodes);
        }
        all
    }

    /// A level of which one block has all nodes.
    pub(super) fn whole(nodes: [usize; 3]) -> Self {
        let own = Region { start: [0; 3], end: nodes };
        Self { nodes, own, padded: padded(&own), seams: Vec::new() }
    }

    /// Elements of the whole body.
    pub(super) fn elements(&self) -> [usize; 3] {
        self.nodes.map(|nodes| nodes - 1)
    }

    /// The length of an array over slots.
    pub(super) fn slots(&self) -> usize {
        self.padded.iter().product()
    }

    /// The slot of a node of the padded box.
    #[inline(always)]
    pub(super) fn slot(&self, node: [usize; 3]) -> usize {
        let [z, y, x] = std::array::from_fn(|axis| node[axis] + 1 - self.own.start[axis]);
        (z * self.padded[1] + y) * self.padded[2] + x
    }

    /// The strides along z, y, x.
    pub(super) fn strides(&self) -> [usize; 3] {
        [self.padded[1] * self.padded[2], self.padded[2], 1]
    }

    /// How far the corners of an element lie from its slot, by their numbers.
    pub(super) fn corners(&self) -> [usize; CORNERS] {
        let [dz, dy, dx] = self.strides();
        [0, dx, dy, dy + dx, dz, dz + dx, dz + dy, dz + dy + dx]
    }

    /// The values of a box of nodes, in raster order, component by component.
    pub(super) fn gather<T: Real>(&self, region: &Region, field: &Field<T>) -> Vec<T> {
        let mut values = Vec::with_capacity(3 * region.shape().0.iter().product::<usize>());
        field.0.iter().for_each(|component| self.gather_into(region, component, &mut values));
        values
    }

    /// The values of a box of slots, in raster order.
    pub(super) fn gather_into<T: Copy>(&self, region: &Region, values: &[T], into: &mut Vec<T>) {
        for (z, y) in region.rows() {
            let first = self.slot([z, y, region.start[2]]);
            into.extend_from_slice(&values[first..first + region.shape().0[2]]);
        }
    }

    /// Puts what another gathered of a box.
    pub(super) fn scatter<T: Real>(&self, region: &Region, values: &[T], field: &mut Field<T>) {
        let each = values.len() / 3;
        for (axis, component) in field.0.iter_mut().enumerate() {
            self.scatter_into(region, &values[axis * each..(axis + 1) * each], component);
        }
    }

    /// The same of one array.
    pub(super) fn scatter_into<T: Copy>(&self, region: &Region, values: &[T], into: &mut [T]) {
        let width = region.shape().0[2];
        for ((z, y), row) in region.rows().zip(values.chunks_exact(width.max(1))) {
            let first = self.slot([z, y, region.start[2]]);
            into[first..first + width].copy_from_slice(row);
        }
    }

    /// The halo that a block fills.
    ///
    /// # Panics
    /// Where the blocks are no neighbours: seams come in pairs.
    pub(super) fn halo(&self, of: BlockId) -> &Region {
        &self.seams.iter().find(|(to, ..)| *to == of).expect("seams come in pairs").2
    }
}

/// Slots of the padded box: along x as many as whole strokes of elements reach, and one.
fn padded(own: &Region) -> [usize; 3] {
    let [z, y, x] = own.shape().0;
    [z + 2, y + 2, (x + 1).next_multiple_of(STROKE) + 1]
}
