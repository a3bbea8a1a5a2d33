//! Sums over voxel faces, exact in integers: what surfaces are fitted to.
//!
//! A fit of a plane, sphere or quadric by least squares asks of its points nothing but the sums of their
//! monomials up to the fourth degree. Those of a part of a boundary add up to those of the whole, so no face
//! is kept. Cost: 35 products a face. Memory: 1 kB a patch.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;

/// Monomials up to the third degree.
const CUBIC: usize = 20;
/// Monomials of the fourth degree.
const QUARTIC: usize = 15;

/// The exponents of z, y, x in each monomial, by degree.
pub const MONOMIALS: [[u32; 3]; CUBIC + QUARTIC] = monomials();

const fn monomials() -> [[u32; 3]; CUBIC + QUARTIC] {
    let mut all = [[0; 3]; CUBIC + QUARTIC];
    let (mut at, mut degree) = (0, 0);
    while degree <= 4 {
        let mut z = 0;
        while z <= degree {
            let mut y = 0;
            while y + z <= degree {
                all[at] = [z, y, degree - z - y];
                at += 1;
                y += 1;
            }
            z += 1;
        }
        degree += 1;
    }
    all
}

/// The place of a monomial among [`MONOMIALS`].
const fn place([z, y, x]: [u32; 3]) -> usize {
    let degree = z + y + x;
    // All of lower degree, then all of a lower power of z.
    let lower = degree * (degree + 1) * (degree + 2) / 6;
    let before = z * (degree + 1) - if z == 0 { 0 } else { z * (z - 1) / 2 };
    (lower + before + y) as usize
}

/// What is summed over faces. Coordinates are twice those of voxel centres, z, y, x, so that the centre of the
/// face between voxels v and v + 1 along an axis is 2 v + 1 there.
///
/// Exact: 128 bits hold the sums of 2^32 faces in a volume of 2^22 voxels a side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaceMoments {
    cubic: [i128; CUBIC],
    quartic: [i128; QUARTIC],
    /// By axis of the normal: sums of the sign of the face, and of it times z, y, x.
    signed: [[i128; 4]; 3],
    /// Faces by the axis they are normal to.
    pub faces: [u64; 3],
}

impl FaceMoments {
    /// Adds a face at `place`, normal to `axis`. `forward` says that the smaller label lies on the side of the
    /// smaller coordinate.
    #[inline]
    pub fn add(&mut self, place: [i64; 3], axis: usize, forward: bool) {
        let [z, y, x] = place;
        self.faces[axis] += 1;
        let sign = if forward { 1 } else { -1 };
        for (sum, term) in self.signed[axis].iter_mut().zip([1, z, y, x]) {
            *sum += i128::from(sign * term);
        }
        // In the order of the monomials of the second degree: xx, yx, yy, zx, zy, zz.
        let squares = [x * x, y * x, y * y, z * x, z * y, z * z].map(i128::from);
        let [xx, yx, yy, zx, zy, zz] = squares;
        let [z, y, x] = place.map(i128::from);
        let terms = [1, x, y, z, xx, yx, yy, zx, zy, zz, xx * x, yx * x, yy * x, yy * y, xx * z, yx * z, yy * z];
        let more = [zz * x, zz * y, zz * z];
        self.cubic.iter_mut().zip(terms.into_iter().chain(more)).for_each(|(sum, term)| *sum += term);
        let terms = [xx * xx, xx * yx, xx * yy, yx * yy, yy * yy, xx * zx, xx * zy, yx * zy, yy * zy];
        let more = [zz * xx, zz * yx, zz * yy, zz * zx, zz * zy, zz * zz];
        self.quartic.iter_mut().zip(terms.into_iter().chain(more)).for_each(|(sum, term)| *sum += term);
    }

    /// The number of faces.
    pub fn count(&self) -> u64 {
        self.faces.iter().sum()
    }

    /// The sum of a monomial of [`MONOMIALS`], by its exponents of z, y, x.
    pub fn sum(&self, exponents: [u32; 3]) -> i128 {
        let place = place(exponents);
        if place < CUBIC { self.cubic[place] } else { self.quartic[place - CUBIC] }
    }

    /// Over the faces normal to `axis`: the sum of their signs, and of the signs times z, y, x.
    pub fn signed(&self, axis: usize) -> [i128; 4] {
        self.signed[axis]
    }

    /// The same faces, every coordinate larger by `by`.
    pub fn shifted(&self, by: [i64; 3]) -> Self {
        const CHOOSE: [[i128; 5]; 5] =
            [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 2, 1, 0, 0], [1, 3, 3, 1, 0], [1, 4, 6, 4, 1]];
        let powers = by.map(|by| std::array::from_fn::<i128, 5, _>(|power| i128::from(by).pow(power as u32)));
        let mut moved = Self { faces: self.faces, ..Self::default() };
        for (at, exponents) in MONOMIALS.iter().enumerate() {
            let mut sum = 0;
            for z in 0..=exponents[0] {
                for y in 0..=exponents[1] {
                    for x in 0..=exponents[2] {
                        let kept = [z, y, x];
                        let factor = |axis: usize| {
                            let (all, kept) = (exponents[axis] as usize, kept[axis] as usize);
                            CHOOSE[all][kept] * powers[axis][all - kept]
                        };
                        sum += factor(0) * factor(1) * factor(2) * self.sum(kept);
                    }
                }
            }
            if at < CUBIC { moved.cubic[at] = sum } else { moved.quartic[at - CUBIC] = sum }
        }
        for (moved, signed) in moved.signed.iter_mut().zip(&self.signed) {
            moved[0] = signed[0];
            (0..3).for_each(|axis| moved[axis + 1] = signed[axis + 1] + i128::from(by[axis]) * signed[0]);
        }
        moved
    }
}

impl Combine for FaceMoments {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.cubic.iter_mut().zip(other.cubic).for_each(|(ours, theirs)| *ours += theirs);
        self.quartic.iter_mut().zip(other.quartic).for_each(|(ours, theirs)| *ours += theirs);
        for (ours, theirs) in self.signed.iter_mut().zip(other.signed) {
            ours.iter_mut().zip(theirs).for_each(|(ours, theirs)| *ours += theirs);
        }
        self.faces.iter_mut().zip(other.faces).for_each(|(ours, theirs)| *ours += theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::drawn::Drawn;

    #[test]
    fn sums_are_those_of_every_monomial_wherever_the_faces_lie() {
        let mut drawn = Drawn(5);
        for far in [0i64, 1000, 1 << 22] {
            let by = [far, -far, far / 3];
            let (mut near, mut there, mut plain) = (FaceMoments::default(), FaceMoments::default(), [0i128; 35]);
            for _ in 0..50 {
                let place: [i64; 3] = std::array::from_fn(|_| drawn.below(40) as i64 - 20);
                let (axis, forward) = (drawn.below(3), drawn.below(2) == 0);
                near.add(place, axis, forward);
                let moved: [i64; 3] = std::array::from_fn(|axis| place[axis] + by[axis]);
                there.add(moved, axis, forward);
                for (sum, exponents) in plain.iter_mut().zip(MONOMIALS) {
                    *sum += (0..3).map(|axis| i128::from(moved[axis]).pow(exponents[axis])).product::<i128>();
                }
            }
            assert_eq!(near.shifted(by), there);
            for (sum, exponents) in plain.iter().zip(MONOMIALS) {
                assert_eq!(there.sum(exponents), *sum, "{exponents:?}");
            }
        }
    }
}
