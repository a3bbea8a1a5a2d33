//! Vectors of space and symmetric tensors, axes z, y, x.

use nalgebra::Matrix3;
use serde::{Deserialize, Serialize};

use crate::combine::Combine;

/// A vector: z, y, x.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vector(pub [f64; 3]);

impl Vector {
    /// The inner product.
    #[inline(always)]
    pub fn dot(self, other: Self) -> f64 {
        self.0[0] * other.0[0] + self.0[1] * other.0[1] + self.0[2] * other.0[2]
    }

    /// The vector product.
    pub fn cross(self, other: Self) -> Self {
        let ([az, ay, ax], [bz, by, bx]) = (self.0, other.0);
        Self([ax * by - ay * bx, az * bx - ax * bz, ay * bz - az * by])
    }

    /// The vector times a number.
    #[inline(always)]
    pub fn times(self, factor: f64) -> Self {
        Self(self.0.map(|component| component * factor))
    }

    /// The sum.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|axis| self.0[axis] + other.0[axis]))
    }

    /// The difference.
    #[inline(always)]
    pub fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|axis| self.0[axis] - other.0[axis]))
    }

    /// Its length.
    pub fn length(self) -> f64 {
        self.dot(self).sqrt()
    }

    /// The components along axes that are held; nothing along the others.
    #[inline(always)]
    pub fn held(self, held: [bool; 3]) -> Self {
        self.free(held.map(|held| !held))
    }

    /// The components along axes that are not held; nothing along the others.
    #[inline(always)]
    pub fn free(self, held: [bool; 3]) -> Self {
        Self(std::array::from_fn(|axis| if held[axis] { 0.0 } else { self.0[axis] }))
    }
}

/// Sums; floats, so only up to rounding the same in any order.
impl Combine for Vector {
    const ORDER_FREE: bool = false;

    #[inline(always)]
    fn combine(&mut self, other: Self) {
        *self = self.plus(other);
    }
}

/// A symmetric tensor: zz, yy, xx, zy, zx, yx.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tensor([f64; 6]);

/// Stiffness less than this share of the largest in a node is none.
const NONE: f64 = 1e-12;

impl Tensor {
    /// A factor times the product of a vector with itself.
    pub fn outer(vector: Vector, factor: f64) -> Self {
        let [z, y, x] = vector.0;
        Self([z * z, y * y, x * x, z * y, z * x, y * x].map(|product| product * factor))
    }

    /// The same along all directions.
    pub fn isotropic(factor: f64) -> Self {
        Self([factor, factor, factor, 0.0, 0.0, 0.0])
    }

    /// The tensor of a vector.
    #[inline(always)]
    pub fn times(self, vector: Vector) -> Vector {
        let [zz, yy, xx, zy, zx, yx] = self.0;
        let [z, y, x] = vector.0;
        Vector([zz * z + zy * y + zx * x, zy * z + yy * y + yx * x, zx * z + yx * y + xx * x])
    }

    fn matrix(self) -> Matrix3<f64> {
        let [zz, yy, xx, zy, zx, yx] = self.0;
        Matrix3::new(zz, zy, zx, zy, yy, yx, zx, yx, xx)
    }

    /// Its least and its largest eigenvalue along axes that are not held; the others count as 0.
    pub fn extremes(self, held: [bool; 3]) -> (f64, f64) {
        let values = self.along(held).symmetric_eigenvalues();
        (values.min(), values.max())
    }

    /// What it is along axes that are not held.
    fn along(self, held: [bool; 3]) -> Matrix3<f64> {
        let mut matrix = self.matrix();
        for axis in (0..3).filter(|axis| held[*axis]) {
            matrix.row_mut(axis).fill(0.0);
            matrix.column_mut(axis).fill(0.0);
        }
        matrix
    }

    /// The inverse along axes that are not held, of what has one (Moore and Penrose), and how many
    /// directions have none.
    pub fn inverse(self, held: [bool; 3]) -> (Self, u32) {
        let eigen = self.along(held).symmetric_eigen();
        let largest = eigen.eigenvalues.iter().copied().fold(0.0, f64::max);
        let mut inverse = Matrix3::zeros();
        let mut rank = 0;
        for (value, vector) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
            if *value > NONE * largest {
                inverse += vector * vector.transpose() / *value;
                rank += 1;
            }
        }
        let free = held.into_iter().filter(|held| !held).count() as u32;
        let at = |row: usize, column: usize| inverse[(row, column)];
        (Self([at(0, 0), at(1, 1), at(2, 2), at(1, 0), at(2, 0), at(2, 1)]), free - rank)
    }
}

impl Combine for Tensor {
    const ORDER_FREE: bool = false;

    fn combine(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, term)| *sum += term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inverse_takes_back_what_has_one() {
        let mut tensor = Tensor::default();
        let springs = [([1.0, 2.0, -0.5], 3.0), ([0.0, 1.0, 1.0], 0.5), ([2.0, 0.0, 0.3], 7.0)];
        for (count, (direction, stiffness)) in springs.into_iter().enumerate() {
            tensor.combine(Tensor::outer(Vector(direction), stiffness));
            let (inverse, none) = tensor.inverse([false; 3]);
            assert_eq!(none, 2 - count as u32);
            for vector in springs[..=count].iter().map(|(direction, _)| Vector(*direction)) {
                let back = inverse.times(tensor.times(vector));
                assert!(back.minus(vector).length() < 1e-12, "{count}");
            }
            let (inverse, none) = tensor.inverse([true, false, false]);
            assert_eq!(none, [1, 0, 0][count]);
            assert_eq!(inverse.times(Vector([1.0, 0.0, 0.0])), Vector::default());
        }
        assert_eq!(Tensor::default().inverse([false, true, false]), (Tensor::default(), 2));
    }
}
