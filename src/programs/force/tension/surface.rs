//! A surface that a patch lies on, and how sure it is: the zeros of a polynomial of the second degree, whose
//! coefficients have a covariance. What it is fitted to is told in `fit.rs`.

use nalgebra::{DMatrix, DVector};

use crate::programs::force::vector::Vector;

/// Exponents of the terms of a polynomial, beside the constant.
pub(super) const TERMS: [[u32; 3]; 9] =
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [0, 2, 0], [0, 0, 2], [1, 1, 0], [1, 0, 1], [0, 1, 1]];

/// Where a patch lies in space: the axes along which the volume has more than one voxel, and half the spacing.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Three, or the two of an image.
    pub axes: Vec<usize>,
    /// Half the edges of a voxel: z, y, x.
    pub half: [f64; 3],
}

impl Frame {
    /// The place of twice a place in voxels.
    pub fn place(&self, doubled: [f64; 3]) -> Vector {
        Vector(std::array::from_fn(|axis| doubled[axis] * self.half[axis]))
    }

    /// The longest edge of a voxel.
    pub fn voxel(&self) -> f64 {
        self.axes.iter().map(|axis| 2.0 * self.half[*axis]).fold(0.0, f64::max)
    }
}

/// What a patch was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// A line or plane.
    Flat,
    /// A circle or sphere.
    Round,
    /// Any surface of the second degree.
    Quadric,
}

/// A fitted surface. Its normals point from the cell of the smaller label to the other.
#[derive(Clone, Debug)]
pub struct Surface {
    /// What it is.
    pub model: Model,
    /// The sum of its principal curvatures, by the circle or sphere of least distance: above zero where the cell
    /// of the smaller label is the inner one. In one over the unit of the spacing.
    pub curvature: f64,
    /// Its variance.
    pub curvature_variance: f64,
    /// The root of the mean square distance of its faces, in the unit of the spacing.
    pub misfit: f64,
    /// Its faces.
    pub faces: u64,
    /// The middle of its faces.
    pub middle: Vector,
    pub(super) polynomial: Polynomial,
    /// The covariance of the coefficients, the constant first.
    pub(super) spread: DMatrix<f64>,
}

/// A polynomial of the second degree in coordinates of its own.
#[derive(Clone, Debug)]
pub(super) struct Polynomial {
    pub(super) origin: Vector,
    pub(super) scale: f64,
    pub(super) constant: f64,
    pub(super) terms: DVector<f64>,
}

/// The second derivative along two axes.
pub(super) fn hessian(terms: &DVector<f64>, a: usize, b: usize) -> f64 {
    const MIXED: [[usize; 3]; 3] = [[3, 6, 7], [6, 4, 8], [7, 8, 5]];
    terms[MIXED[a][b]] * if a == b { 2.0 } else { 1.0 }
}

impl Surface {
    /// Whether all of it are numbers.
    pub(super) fn sound(&self) -> bool {
        let of = [self.curvature, self.curvature_variance, self.misfit, self.polynomial.constant];
        of.iter().chain(&self.polynomial.terms).chain(&self.spread).all(|number| number.is_finite())
    }

    /// At a place: the unit normal, and how far the surface lies behind the place along it, to first order.
    pub fn normal(&self, place: Vector) -> (Vector, f64) {
        let gradient = self.polynomial.gradient(place);
        let length = gradient.length().max(f64::MIN_POSITIVE);
        (gradient.times(1.0 / length), self.polynomial.value(place) / length * self.polynomial.scale)
    }

    /// The variance of the angle by which the normal at a place turns towards the unit vector `towards`.
    pub fn angle_variance(&self, place: Vector, towards: Vector) -> f64 {
        let change = self.polynomial.change(place, towards).insert_row(0, 0.0);
        let gradient = self.polynomial.gradient(place);
        change.dot(&(&self.spread * &change)).max(0.0) / gradient.dot(gradient).max(f64::MIN_POSITIVE)
    }

    /// The variance of how far the surface lies from a place.
    pub fn distance_variance(&self, place: Vector) -> f64 {
        let value = self.polynomial.parts(place);
        let gradient = self.polynomial.gradient(place);
        let square = gradient.dot(gradient).max(f64::MIN_POSITIVE);
        value.dot(&(&self.spread * &value)).max(0.0) / square * self.polynomial.scale.powi(2)
    }

    /// The same surface where it is known to pass a place, off by this variance (Kalman, 1960).
    pub fn through(mut self, place: Vector, variance: f64) -> Self {
        let parts = self.polynomial.parts(place);
        let gradient = self.polynomial.gradient(place);
        let variance = variance / self.polynomial.scale.powi(2) * gradient.dot(gradient);
        let moved = &self.spread * &parts;
        let all = parts.dot(&moved) + variance;
        if all > 0.0 && all.is_finite() {
            let step = &moved * (self.polynomial.value(place) / all);
            self.polynomial.constant -= step[0];
            self.polynomial.terms -= step.rows(1, 9);
            self.spread -= &moved * moved.transpose() / all;
        }
        self
    }

    /// The sum of the principal curvatures at a place.
    pub fn curvature_at(&self, place: Vector) -> f64 {
        let terms = &self.polynomial.terms;
        let gradient = self.polynomial.gradient(place);
        let length = gradient.length().max(f64::MIN_POSITIVE);
        let normal = gradient.times(1.0 / length).0;
        let mut bent = 0.0;
        for a in 0..3 {
            bent += hessian(terms, a, a);
            bent -= (0..3).map(|b| normal[a] * hessian(terms, a, b) * normal[b]).sum::<f64>();
        }
        bent / length / self.polynomial.scale
    }
}

impl Polynomial {
    fn inside(&self, place: Vector) -> [f64; 3] {
        place.minus(self.origin).times(1.0 / self.scale).0
    }

    /// One, and each term.
    pub(super) fn parts(&self, place: Vector) -> DVector<f64> {
        let at = self.inside(place);
        let term = |exponents: &[u32; 3]| (0..3).map(|axis| at[axis].powi(exponents[axis] as i32)).product::<f64>();
        DVector::from_iterator(10, std::iter::once(1.0).chain(TERMS.iter().map(term)))
    }

    pub(super) fn value(&self, place: Vector) -> f64 {
        let parts = self.parts(place);
        self.constant + parts.rows(1, 9).dot(&self.terms)
    }

    /// The derivative of each term along `towards`.
    fn change(&self, place: Vector, towards: Vector) -> DVector<f64> {
        let [z, y, x] = self.inside(place);
        let [dz, dy, dx] = towards.0;
        let all = [dz, dy, dx, 2.0 * z * dz, 2.0 * y * dy, 2.0 * x * dx];
        let mixed = [z * dy + y * dz, z * dx + x * dz, y * dx + x * dy];
        DVector::from_iterator(9, all.into_iter().chain(mixed))
    }

    fn gradient(&self, place: Vector) -> Vector {
        let unit = |axis: usize| Vector(std::array::from_fn(|other| f64::from(u8::from(other == axis))));
        Vector(std::array::from_fn(|axis| self.change(place, unit(axis)).dot(&self.terms)))
    }
}
