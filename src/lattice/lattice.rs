//! The voxel-adjacency graph: selected voxels, joined to those beside them.
//!
//! No edge is stored. A block is a box padded by one voxel on every side; a slot is a place in the
//! padded box, and a neighbour is a constant stride away. Memory: 1 byte a slot beside what a
//! program keeps (9 where only equal labels are joined).

use std::ops::Range;
use std::sync::Arc;

use crate::combine::Combine;
use crate::error::{Error, Result};
use crate::graph::topology::{Block, Cut, Seam, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::lattice::runs::Runs;
use crate::lattice::select::Select;
use crate::lattice::stencil::{Stencil, Step};
use crate::lattice::tiling::Tiling;
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::Voxels;

/// Voxels of a volume as a graph. A [`VertexId`] is the raster index of the voxel.
#[derive(Clone)]
pub struct Lattice {
    tiling: Tiling,
    select: Select,
    stencil: Stencil,
}

impl Lattice {
    /// The voxels that `select` takes, each joined to its neighbours in `stencil`.
    ///
    /// # Errors
    /// As [`Grid::new`]; a block of 2^32 slots.
    pub fn new(source: Arc<dyn VolumeSource>, size: BlockSize, select: Select, stencil: Stencil) -> Result<Self> {
        Self::of(Tiling::new(source, size)?, select, stencil)
    }

    /// The same of a volume that is already cut.
    ///
    /// # Errors
    /// A block of 2^32 slots.
    pub fn of(tiling: Tiling, select: Select, stencil: Stencil) -> Result<Self> {
        let slots = Shape(tiling.grid().region(BlockId(0)).shape().0.map(|n| n + 2)).voxels();
        if slots.is_none_or(|slots| slots >= u64::from(u32::MAX)) {
            return Err(Error::usage("a block of 2^32 voxels or more: make blocks smaller"));
        }
        Ok(Self { tiling, select, stencil })
    }

    /// How the volume is cut.
    pub fn grid(&self) -> &Grid {
        self.tiling.grid()
    }
}

/// What a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No vertex.
    Empty,
    /// A vertex of this block.
    Owned,
    /// A vertex of another block.
    Halo,
}

/// A block of a [`Lattice`].
pub struct LatticeBlock {
    own: Region,
    volume: Shape,
    /// Slots along y and x.
    padded: [usize; 2],
    kinds: Vec<Kind>,
    /// The label of each slot, where only equal labels are joined; else empty.
    labels: Vec<u64>,
    steps: Vec<(Step, isize)>,
    seams: Vec<Seam>,
    /// The voxels of `boxed`, shared with the volume where that is in memory.
    voxels: Voxels,
    boxed: Region,
}

impl LatticeBlock {
    /// The slot of a voxel of the padded box.
    fn slot(&self, [z, y, x]: [usize; 3]) -> usize {
        let [z, y, x] = [z + 1 - self.own.start[0], y + 1 - self.own.start[1], x + 1 - self.own.start[2]];
        (z * self.padded[0] + y) * self.padded[1] + x
    }

    /// The voxel of an owned slot.
    fn voxel(&self, slot: usize) -> [usize; 3] {
        let (row, x) = (slot / self.padded[1], slot % self.padded[1]);
        let (z, y) = (row / self.padded[0], row % self.padded[0]);
        [z + self.own.start[0] - 1, y + self.own.start[1] - 1, x + self.own.start[2] - 1]
    }

    /// The slots of the vertices in a part of the padded box, in raster order.
    fn vertices(&self, part: &Region) -> Vec<Slot> {
        let row_of = |(z, y)| self.slot([z, y, part.start[2]])..self.slot([z, y, part.start[2]]) + part.shape().0[2];
        let slots = part.rows().flat_map(row_of).filter(|slot| self.kinds[*slot] != Kind::Empty);
        slots.map(|slot| Slot(slot as u32)).collect()
    }

    #[inline]
    fn each_beside(&self, slot: Slot, mut visit: impl FnMut(Slot, Step)) {
        let here = slot.index();
        let from_halo = self.kinds[here] == Kind::Halo;
        for (step, stride) in &self.steps {
            // Beyond the padding, and from one end of a row to the next, there is halo at most,
            // and a halo slot is asked only for owned neighbours.
            let Some(there) = here.checked_add_signed(*stride) else { continue };
            let joined = match self.kinds.get(there) {
                Some(Kind::Owned) => true,
                Some(Kind::Halo) => !from_halo,
                _ => false,
            };
            if joined && (self.labels.is_empty() || self.labels[here] == self.labels[there]) {
                visit(Slot(there as u32), *step);
            }
        }
    }
}

impl Cut for Lattice {
    type Block = LatticeBlock;

    fn blocks(&self) -> u32 {
        self.tiling.blocks()
    }

    fn block(&self, id: BlockId) -> Result<LatticeBlock> {
        let (grid, source) = (self.tiling.grid(), self.tiling.source());
        let (own, volume) = (grid.region(id), grid.shape());
        let boxed = own.grown([1; 3], [1; 3], volume);
        let voxels = source.read(&boxed)?;
        let runs = Runs::scan(&voxels, boxed, self.select, &source.header().name)?;
        let [nz, ny, nx] = own.shape().0;
        let padded = [ny + 2, nx + 2];
        let slots = (nz + 2) * padded[0] * padded[1];
        let stride =
            |[dz, dy, dx]: Step| (dz as isize * padded[0] as isize + dy as isize) * padded[1] as isize + dx as isize;
        let mut block = LatticeBlock {
            own,
            volume,
            padded,
            kinds: vec![Kind::Empty; slots],
            labels: vec![0; if self.select == Select::Labels { slots } else { 0 }],
            steps: self.stencil.steps().map(|step| (step, stride(step))).collect(),
            seams: Vec::new(),
            voxels,
            boxed,
        };
        let mut fill = |part: &Region, kind: Kind| {
            runs.within(part, |run, [z, y], span| {
                let start = block.slot([z, y, part.start[2]]);
                let slots = start + span.start as usize..start + span.end as usize;
                if let Some(label) = runs.labels().get(run) {
                    block.labels[slots.clone()].fill(*label);
                }
                block.kinds[slots].fill(kind);
            });
        };
        fill(&boxed, Kind::Halo);
        fill(&own, Kind::Owned);
        let place = grid.place(id);
        for to in grid.neighbors(id) {
            let there = grid.place(to);
            if !self.stencil.has(std::array::from_fn(|axis| there[axis] as i8 - place[axis] as i8)) {
                continue;
            }
            let theirs = grid.region(to);
            let halo = block.vertices(&boxed.intersection(&theirs));
            let border = block.vertices(&own.intersection(&theirs.grown([1; 3], [1; 3], volume)));
            if !(halo.is_empty() && border.is_empty()) {
                block.seams.push(Seam { to, border, halo });
            }
        }
        Ok(block)
    }
}

impl Topology for Lattice {
    type Edge = Step;
}

impl Block for LatticeBlock {
    /// The step from the one voxel to the other.
    type Edge = Step;
    /// The value of the voxel.
    type Vertex = f64;

    fn slots(&self) -> usize {
        self.kinds.len()
    }

    fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let width = self.own.shape().0[2];
        self.own.rows().map(move |(z, y)| {
            let start = self.slot([z, y, self.own.start[2]]);
            start..start + width
        })
    }

    fn owned(&self, row: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut next = row.start;
        std::iter::from_fn(move || {
            let start = (next..row.end).find(|slot| self.kinds[*slot] == Kind::Owned)?;
            next = (start..row.end).find(|slot| self.kinds[*slot] != Kind::Owned).unwrap_or(row.end);
            Some(start..next)
        })
    }

    fn vertex(&self, slot: Slot) -> (VertexId, f64) {
        let voxel = self.voxel(slot.index());
        let inside = std::array::from_fn(|axis| voxel[axis] - self.boxed.start[axis]);
        (VertexId(self.volume.raster(voxel)), self.voxels.get(inside))
    }

    fn each_neighbor(&self, slot: Slot, visit: impl FnMut(Slot, Step)) {
        self.each_beside(slot, visit);
    }

    fn each_source(&self, slot: Slot, mut visit: impl FnMut(Slot, Step)) {
        self.each_beside(slot, |source, step| visit(source, step.map(|along| -along)));
    }

    fn seams(&self) -> &[Seam] {
        &self.seams
    }

    fn gather<M, F>(&self, row: Range<usize>, said: &[M], heard: &mut [M], along: F)
    where
        M: Combine + Default,
        F: Fn(Step, &M) -> M,
    {
        for run in self.owned(row.clone()) {
            let out = &mut heard[run.start - row.start..run.end - row.start];
            out.iter_mut().for_each(|heard| *heard = M::default());
            for (step, stride) in &self.steps {
                let back = step.map(|along| -along);
                let first = run.start.checked_add_signed(*stride).expect("an owned slot is padded on every side");
                if self.labels.is_empty() {
                    // Who is no vertex is silent, so whole runs are merged without a question.
                    let said = &said[first..first + run.len()];
                    out.iter_mut().zip(said).for_each(|(heard, said)| heard.combine(along(back, said)));
                } else {
                    for (at, heard) in out.iter_mut().enumerate() {
                        if self.labels[run.start + at] == self.labels[first + at] {
                            heard.combine(along(back, &said[first + at]));
                        }
                    }
                }
            }
        }
    }
}
