//! Where a cell divides: across its long axis, through its centre.
//!
//! Sums over the voxels of a cell, of how far they lie from one of them (its first in raster order; round a torus by the
//! shorter way), give its centre and its covariance; the axis along which it is longest is found by Jacobi's rotations
//! and rounded to whole numbers, and a voxel is the daughter's where the product of its place and that axis is more than
//! the centre's. Sums and products are whole numbers, and the rotations are made of sums, products, quotients and square
//! roots, which give the same bits on every machine. Of a cell that is as long along several axes one of them is taken,
//! always the same. A cell that is not convex may fall into more than two pieces; one that reaches round half a torus is
//! taken for another shape than it has.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::programs::potts::model::{Boundary, Model};
use crate::volume::shape::Shape;

/// Sums over voxels of a cell, of how far they lie from its anchor along z, y and x.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulk {
    voxels: i64,
    sums: [i64; 3],
    /// Products along zz, zy, zx, yy, yx, xx.
    products: [i64; 6],
}

/// The axes of the six products.
const PAIRS: [[usize; 2]; 6] = [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]];

impl Bulk {
    /// Adds a voxel.
    pub fn add(&mut self, offset: [i64; 3]) {
        self.voxels += 1;
        self.sums.iter_mut().zip(offset).for_each(|(sum, along)| *sum += along);
        self.products.iter_mut().zip(PAIRS).for_each(|(product, [a, b])| *product += offset[a] * offset[b]);
    }

    /// The square of the number of voxels times the covariance.
    fn covariance(&self) -> [[f64; 3]; 3] {
        let mut covariance = [[0.0; 3]; 3];
        for (product, [a, b]) in self.products.iter().zip(PAIRS) {
            let whole =
                i128::from(self.voxels) * i128::from(*product) - i128::from(self.sums[a]) * i128::from(self.sums[b]);
            (covariance[a][b], covariance[b][a]) = (whole as f64, whole as f64);
        }
        covariance
    }
}

impl Combine for Bulk {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.voxels += other.voxels;
        self.sums.iter_mut().zip(other.sums).for_each(|(ours, theirs)| *ours += theirs);
        self.products.iter_mut().zip(other.products).for_each(|(ours, theirs)| *ours += theirs);
    }
}

/// The plane along which a cell divides.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    bulk: Bulk,
    normal: [i64; 3],
}

impl Plane {
    /// The plane of a cell.
    pub fn new(bulk: Bulk) -> Self {
        let axis = longest(bulk.covariance());
        let normal = axis.map(|along| (along * f64::from(1 << 20)).round() as i64);
        // An axis has two directions: the one whose first number is above 0.
        let back = normal.iter().find(|along| **along != 0).is_some_and(|first| *first < 0);
        Self { bulk, normal: if back { normal.map(|along| -along) } else { normal } }
    }

    /// Whether a voxel so far from the anchor is the daughter's.
    pub fn parts(&self, offset: [i64; 3]) -> bool {
        let along = |axis: usize| {
            let from_centre =
                i128::from(self.bulk.voxels) * i128::from(offset[axis]) - i128::from(self.bulk.sums[axis]);
            i128::from(self.normal[axis]) * from_centre
        };
        (0..3).map(along).sum::<i128>() > 0
    }
}

/// How far a voxel lies from an anchor along z, y and x, round a torus by the shorter way.
pub fn offset(model: &Model, shape: Shape, anchor: [usize; 3], voxel: [usize; 3]) -> [i64; 3] {
    std::array::from_fn(|axis| {
        let (away, n) = (voxel[axis] as i64 - anchor[axis] as i64, shape.0[axis] as i64);
        match model.boundary {
            Boundary::Periodic if 2 * away > n => away - n,
            Boundary::Periodic if 2 * away <= -n => away + n,
            _ => away,
        }
    })
}

/// The unit vector of the largest eigenvalue of a symmetric matrix (Jacobi, 1846).
fn longest(mut matrix: [[f64; 3]; 3]) -> [f64; 3] {
    let mut axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    // Twelve rounds are twice what a matrix of doubles has ever needed.
    for _ in 0..12 {
        for [p, q] in [[0, 1], [0, 2], [1, 2]] {
            let off = matrix[p][q];
            if off == 0.0 {
                continue;
            }
            let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * off);
            let root = theta.abs() + (theta * theta + 1.0).sqrt();
            let tangent = if theta < 0.0 { -1.0 / root } else { 1.0 / root };
            let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
            let sine = tangent * cosine;
            for row in &mut matrix {
                let (a, b) = (row[p], row[q]);
                (row[p], row[q]) = (cosine * a - sine * b, sine * a + cosine * b);
            }
            let (of_p, of_q) = (matrix[p], matrix[q]);
            matrix[p] = std::array::from_fn(|k| cosine * of_p[k] - sine * of_q[k]);
            matrix[q] = std::array::from_fn(|k| sine * of_p[k] + cosine * of_q[k]);
            for axis in &mut axes {
                let (a, b) = (axis[p], axis[q]);
                (axis[p], axis[q]) = (cosine * a - sine * b, sine * a + cosine * b);
            }
        }
    }
    let most = (1..3).fold(0, |most, at| if matrix[at][at] > matrix[most][most] { at } else { most });
    axes.map(|row| row[most])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::combine::check;

    #[test]
    fn bulks_keep_the_laws() {
        let of = |offsets: &[[i64; 3]]| {
            let mut bulk = Bulk::default();
            offsets.iter().for_each(|offset| bulk.add(*offset));
            bulk
        };
        let samples = [of(&[]), of(&[[1, 2, 3]]), of(&[[0, -4, 2], [5, 5, -5]])];
        assert_eq!(check(&samples, |a, b| a == b), Ok(()));
    }

    #[test]
    fn the_longest_axis_is_an_eigenvector_of_the_largest_eigenvalue() {
        for seed in 1..200u64 {
            let number = |k: u64| ((seed * 7 + k).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / 1e5 - 80.0;
            // A product with its own transpose is a covariance.
            let root: [[f64; 3]; 3] = std::array::from_fn(|a| std::array::from_fn(|b| number((3 * a + b) as u64)));
            let matrix: [[f64; 3]; 3] =
                std::array::from_fn(|a| std::array::from_fn(|b| (0..3).map(|k| root[a][k] * root[b][k]).sum()));
            let axis = longest(matrix);
            let times: [f64; 3] = std::array::from_fn(|a| (0..3).map(|b| matrix[a][b] * axis[b]).sum());
            let value: f64 = (0..3).map(|a| times[a] * axis[a]).sum();
            let trace: f64 = (0..3).map(|a| matrix[a][a]).sum();
            assert!((0..3).all(|a| (times[a] - value * axis[a]).abs() < 1e-9 * trace), "{matrix:?} {axis:?}");
            // No vector is stretched more.
            for other in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.6, 0.8, 0.0], [0.0, -0.6, 0.8]] {
                let along: f64 = (0..3).map(|a| (0..3).map(|b| other[a] * matrix[a][b] * other[b]).sum::<f64>()).sum();
                assert!(along <= value * (1.0 + 1e-12));
            }
        }
    }

    #[test]
    fn a_plane_parts_a_rod_across() {
        let mut bulk = Bulk::default();
        (0..9).for_each(|x| (0..2).for_each(|y| bulk.add([0, y, x])));
        let plane = Plane::new(bulk);
        assert!((5..9).all(|x| plane.parts([0, 0, x]) && plane.parts([0, 1, x])));
        assert!((0..4).all(|x| !plane.parts([0, 0, x]) && !plane.parts([0, 1, x])));
    }
}
