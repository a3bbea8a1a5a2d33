//! The spins of a block and of the voxels around it, laid out for steps that change every second voxel.
//!
//! A row has the voxels of even places first, and then those of odd ones: the voxels of one colour in a row, and
//! their neighbours of each kind, lie one after another. Memory: 4 bytes a voxel, the shell included.

use serde::{Deserialize, Serialize};

use crate::lattice::stencil::Step;

/// Voxels that are read at a stroke: as many lie beyond the last row.
pub const LANES: usize = 16;

/// A box of spins with a shell; places count from the corner of the shell.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Spins {
    /// The sizes of the box with its shell.
    padded: [usize; 3],
    /// The voxels of a row that lie at even places.
    half: usize,
    spins: Vec<u32>,
}

/// Voxels of one row, every second, that lie one after another.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Where the first lies.
    pub first: usize,
    /// How many there are.
    pub len: usize,
    /// The parity of their places along x.
    pub parity: usize,
}

impl Spins {
    /// A box of these sizes, the shell included, of one spin. Along z a shell may be missing.
    pub fn new(padded: [usize; 3], spin: u32) -> Self {
        let [pz, py, px] = padded;
        let half = px.div_ceil(2);
        Self { padded, half, spins: vec![spin; pz * py * 2 * half + LANES] }
    }

    /// Where the spin of a place lies.
    #[inline]
    fn at(&self, [z, y, x]: [usize; 3]) -> usize {
        (z * self.padded[1] + y) * 2 * self.half + (x & 1) * self.half + x / 2
    }

    /// The spin of a place.
    #[inline]
    pub fn get(&self, place: [usize; 3]) -> u32 {
        self.spins[self.at(place)]
    }

    /// Sets the spin of a place.
    #[inline]
    pub fn set(&mut self, place: [usize; 3], spin: u32) {
        let at = self.at(place);
        self.spins[at] = spin;
    }

    /// The voxels of row (z, y) from `start` on up to, not including, `end`, that are an even number of places
    /// from `start`.
    #[inline]
    pub fn stretch(&self, [z, y]: [usize; 2], start: usize, end: usize) -> Stretch {
        let len = end.saturating_sub(start).div_ceil(2);
        Stretch { first: self.at([z, y, start]), len, parity: start & 1 }
    }

    /// The spins from a place of a row on, and how many of them apart those lie whose places are `period` apart, which
    /// is even.
    #[inline]
    pub fn every(&self, start: [usize; 3], period: usize) -> (&[u32], usize) {
        (&self.spins[self.at(start)..], period / 2)
    }

    /// The same, to be changed.
    #[inline]
    pub fn every_mut(&mut self, start: [usize; 3], period: usize) -> (&mut [u32], usize) {
        let at = self.at(start);
        (&mut self.spins[at..], period / 2)
    }

    /// All spins, in their layout.
    #[inline]
    pub(super) fn all(&self) -> &[u32] {
        &self.spins
    }

    /// All spins, in their layout.
    #[inline]
    pub(super) fn all_mut(&mut self) -> &mut [u32] {
        &mut self.spins
    }

    /// From where a spin lies, at places along x of a parity, to where its neighbour by a step does.
    pub fn stride(&self, [dz, dy, dx]: Step, parity: usize) -> isize {
        let (half, parity, dx) = (self.half as isize, parity as isize, dx as isize);
        let rows = (dz as isize * self.padded[1] as isize + dy as isize) * 2 * half;
        // Place 2k + parity is the kth of its half of a row.
        let there = (parity + dx).rem_euclid(2);
        rows + (there - parity) * half + (parity + dx - there) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stride_leads_to_the_neighbour_and_a_stretch_along_the_row() {
        for padded in [[3, 4, 5], [5, 3, 8], [3, 6, 3]] {
            let mut spins = Spins::new(padded, 0);
            let places = || {
                (0..padded[0])
                    .flat_map(move |z| (0..padded[1]).flat_map(move |y| (0..padded[2]).map(move |x| [z, y, x])))
            };
            let number = |[z, y, x]: [usize; 3]| ((z * padded[1] + y) * padded[2] + x) as u32 + 1;
            places().for_each(|place| spins.set(place, number(place)));
            assert!(places().all(|place| spins.get(place) == number(place)));
            let steps = || (0..125i8).map(|code| [code / 25 - 2, code / 5 % 5 - 2, code % 5 - 2]);
            let moved = |place: [usize; 3], step: Step| {
                let there: [_; 3] = std::array::from_fn(|axis| place[axis].checked_add_signed(step[axis].into()));
                let [z, y, x] = there;
                Some([z?, y?, x?]).filter(|there| (0..3).all(|axis| there[axis] < padded[axis]))
            };
            for place in places() {
                for (step, there) in steps().filter_map(|step| Some((step, moved(place, step)?))) {
                    let stride = spins.stride(step, place[2] & 1);
                    let found = spins.all()[spins.at(place).strict_add_signed(stride)];
                    assert_eq!(found, number(there), "{place:?} {step:?}");
                }
                let stretch = spins.stretch([place[0], place[1]], place[2], padded[2] - 1);
                let expected = (place[2]..padded[2] - 1).step_by(2).map(|x| number([place[0], place[1], x]));
                assert!(spins.all()[stretch.first..][..stretch.len].iter().copied().eq(expected));
            }
        }
    }
}
