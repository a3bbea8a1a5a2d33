//! Percolation: does a component of the selected voxels join two opposite faces of the volume?
//!
//! Components are those of [`fragments`](crate::programs::fragments), each voxel marked with the
//! faces it lies at; a component percolates along an axis if it has the marks of both faces. Where
//! the volume is one voxel thick, that voxel lies at both. Four supersteps; memory as there.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::Result;
use crate::graph::topology::Cut;
use crate::id::{BlockId, VertexId};
use crate::lattice::lattice::Lattice;
use crate::lattice::lattice_block::LatticeBlock;
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::fragments::{Fragments, Parcel};
use crate::volume::shape::Shape;

/// Finds the components that join opposite faces of a volume. The answer is the [`Spanning`] of
/// the run's report; blocks make nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percolation;

/// The components that join opposite faces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spanning {
    /// For each axis (z, y, x) the smallest voxel, by raster index, of each component that
    /// touches both faces across it, ascending.
    pub axes: [Vec<u64>; 3],
}

impl Spanning {
    /// For each axis (z, y, x) the number of components that touch both faces across it.
    pub fn counts(&self) -> [u64; 3] {
        self.axes.each_ref().map(|components| components.len() as u64)
    }
}

impl Combine for Spanning {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        for (ours, mut theirs) in self.axes.iter_mut().zip(other.axes) {
            ours.append(&mut theirs);
            ours.sort_unstable();
        }
    }
}

/// The marks of the two faces across an axis.
fn both(axis: usize) -> u8 {
    3 << (2 * axis)
}

/// Tells the faces of voxels that are asked for one after another: along a row without a division.
struct Faces {
    shape: Shape,
    /// The row that was asked last, and the marks all its voxels have.
    row: Range<u64>,
    marks: u8,
}

impl Faces {
    fn new(shape: Shape) -> Self {
        Self { shape, row: 0..0, marks: 0 }
    }

    fn of(&mut self, voxel: VertexId) -> u8 {
        let at = |axis: usize, place: u64| {
            let last = self.shape.0[axis] as u64 - 1;
            (u8::from(place == 0) | u8::from(place == last) << 1) << (2 * axis)
        };
        if !self.row.contains(&voxel.0) {
            let [z, y, x] = self.shape.voxel(voxel.0).map(|place| place as u64);
            self.row = voxel.0 - x..voxel.0 - x + self.shape.0[2] as u64;
            self.marks = at(0, z) | at(1, y);
        }
        self.marks | at(2, voxel.0 - self.row.start)
    }
}

impl BlockProgram<Lattice> for Percolation {
    type State = Fragments;
    type Parcel = Parcel;
    type Global = Spanning;
    type Output = ();

    fn init(&self, lattice: &Lattice, block: &LatticeBlock) -> Result<Fragments> {
        let mut faces = Faces::new(lattice.grid().shape());
        Fragments::new(block, |voxel| faces.of(voxel))
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Parcel, Spanning>,
        block: &<Lattice as Cut>::Block,
        fragments: &mut Fragments,
        mail: Vec<(BlockId, Parcel)>,
    ) -> Result<Vote> {
        let vote = fragments.step(at, block, mail)?;
        if vote == Vote::Halt {
            let across = |axis| {
                let spans = fragments.components().filter(move |component| component.marks & both(axis) == both(axis));
                let mut least: Vec<u64> = spans.map(|component| component.least).collect();
                least.sort_unstable();
                least
            };
            at.contribute(Spanning { axes: [across(0), across(1), across(2)] });
        }
        Ok(vote)
    }

    fn finish(&self, _block: &LatticeBlock, _fragments: Fragments) -> Result<()> {
        Ok(())
    }
}
