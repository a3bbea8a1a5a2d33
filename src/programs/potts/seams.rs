//! Where the blocks of a Potts model meet, round the volume where it is periodic.
//!
//! A block has a side for each step to another (or to itself, on the far side of a torus). What it tells there
//! are the voxels of its border that a step of one colour may have changed, in raster order; the other block
//! puts them into its shell at the opposite side.

use std::ops::Range;

use crate::id::BlockId;
use crate::lattice::stencil::Step;
use crate::programs::potts::model::Boundary;
use crate::programs::potts::neighborhood::Neighborhood;
use crate::programs::potts::spins::Spins;
use crate::volume::grid::Grid;
use crate::volume::region::Region;

/// Where a block lies, and how its places count.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its voxels.
    pub own: Region,
    /// Voxels of the shell before the first along each axis: none along z in a plane.
    pub shell: [usize; 3],
    /// The blocks beside it, by the step to them.
    pub beside: Vec<(Step, BlockId)>,
}

impl Site {
    /// Block `id` of a grid. Blocks that share no neighbours know nothing of each other.
    pub fn new(grid: &Grid, id: BlockId, neighborhood: Neighborhood, boundary: Boundary) -> Self {
        let (place, counts) = (grid.place(id), grid.counts());
        let shell = if neighborhood.is_planar() { [0, 1, 1] } else { [1; 3] };
        let there = |step: Step| -> Option<BlockId> {
            let mut to = [0; 3];
            for axis in 0..3 {
                let moved = place[axis] as isize + step[axis] as isize;
                let inside = (0..counts[axis] as isize).contains(&moved);
                if !inside && boundary == Boundary::Walls {
                    return None;
                }
                to[axis] = moved.rem_euclid(counts[axis] as isize) as usize;
            }
            grid.at(to)
        };
        let beside = neighborhood.steps().filter_map(|step| Some((step, there(step)?))).collect();
        Self { own: grid.region(id), shell, beside }
    }

    /// The sizes of the box of its spins.
    pub fn padded(&self) -> [usize; 3] {
        let own = self.own.shape().0;
        std::array::from_fn(|axis| own[axis] + 2 * self.shell[axis])
    }

    /// The places of its own voxels along an axis.
    pub fn places(&self, axis: usize) -> Range<usize> {
        self.shell[axis]..self.shell[axis] + self.own.shape().0[axis]
    }

    /// The rows of its own places, as (z, y), in raster order.
    pub fn rows(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let along_y = self.places(1);
        self.places(0).flat_map(move |z| along_y.clone().map(move |y| (z, y)))
    }

    /// The first of its own places along an axis whose voxels leave `residue` when divided by `period`.
    #[inline]
    pub fn first_of(&self, axis: usize, residue: usize, period: usize) -> usize {
        self.shell[axis] + (residue + period - self.own.start[axis] % period) % period
    }

    /// The voxel of an own place.
    #[inline]
    pub fn voxel(&self, place: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| place[axis] - self.shell[axis] + self.own.start[axis])
    }

    /// The places along an axis of the side that a step leads to: its own, or those of the shell.
    fn side(&self, axis: usize, step: i8, shell: bool) -> Range<usize> {
        let own = self.places(axis);
        match step {
            -1 if shell => own.start - 1..own.start,
            -1 => own.start..own.start + 1,
            1 if shell => own.end..own.end + 1,
            1 => own.end - 1..own.end,
            _ => own,
        }
    }

    /// Visits the places of a side that have the colour of `parity`, in raster order.
    fn each_place(&self, step: Step, shell: bool, parity: [usize; 3], mut visit: impl FnMut([usize; 3])) {
        let along = |axis: usize| {
            let side = self.side(axis, step[axis], shell);
            let wrong = (side.start + self.first_of(axis, parity[axis], 2)) & 1;
            (side.start + wrong..side.end).step_by(2)
        };
        for z in along(0) {
            for y in along(1) {
                along(2).for_each(|x| visit([z, y, x]));
            }
        }
    }

    /// The spins of its border at the side of `step`, of one colour.
    pub fn border(&self, spins: &Spins, step: Step, parity: [usize; 3]) -> Vec<u32> {
        let mut border = Vec::new();
        self.each_place(step, false, parity, |place| border.push(spins.get(place)));
        border
    }

    /// Puts what a block beside it has at its border, of one colour, into the shell at the side of `step`.
    pub fn take(&self, spins: &mut Spins, step: Step, parity: [usize; 3], border: &[u32]) {
        let mut border = border.iter();
        self.each_place(step, true, parity, |place| {
            spins.set(place, *border.next().expect("a border is as large as the shell that it fills"));
        });
    }

    /// What lies in its shell at the side of `step`, as voxels of the volume.
    pub fn beyond(&self, step: Step, grid: &Grid) -> Region {
        let (own, shape) = (self.own, grid.shape().0);
        let along = |axis: usize| match step[axis] {
            -1 => {
                let at = own.start[axis].checked_sub(1).unwrap_or(shape[axis] - 1);
                at..at + 1
            }
            1 => {
                let at = if own.end[axis] == shape[axis] { 0 } else { own.end[axis] };
                at..at + 1
            }
            _ => own.range(axis),
        };
        let ranges = [along(0), along(1), along(2)];
        Region { start: [0, 1, 2].map(|axis| ranges[axis].start), end: [0, 1, 2].map(|axis| ranges[axis].end) }
    }

    /// The first place of the shell at the side of `step`, or of its own voxels where there is no step.
    pub fn corner(&self, step: Step) -> [usize; 3] {
        std::array::from_fn(|axis| self.side(axis, step[axis], true).start)
    }
}
