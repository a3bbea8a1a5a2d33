//! The smooth surface that the faces of a patch lie on, as far as voxels tell.
//!
//! By Young and Laplace a contact of one tension between cells of one pressure each has one mean curvature: in a
//! plane it is an arc, in space a sphere where it is bounded by circles, else another such surface. So all the
//! faces of a patch, and not those next to a junction alone, tell its tangent there: their centres are a step
//! of the staircase away from the surface at most and nothing on average, and are fitted whole by an implicit
//! polynomial. Three are tried and the simplest that the data do not refuse is taken (Schwarz's criterion,
//! 1978): a plane or line, a sphere or circle, and in space a quadric. The first two are of least mean square
//! distance as Taubin has it (Estimation of planar curves, surfaces, and nonplanar space curves defined by
//! implicit equations, 1991): square of the value over square of the gradient. The quadric is one step of
//! inverse iteration from the sphere, so that it has no second sheet near.
//!
//! A line of an image that leaves every voxel on its side is known better than by least squares: it is the middle of
//! all that do (`between.rs`).
//!
//! Independent errors are as many as there are steps in the staircase, not as there are faces: twice the faces
//! along all axes but the one with most of them.

use nalgebra::{DMatrix, DVector, Matrix2, SymmetricEigen};

use crate::lattice::banks::{Banks, Hull};
use crate::lattice::face_moments::FaceMoments;
use crate::lattice::patches::Patch;
use crate::programs::force::tension::between::between;
use crate::programs::force::vector::Vector;

/// Exponents of the terms of a polynomial, beside the constant.
const TERMS: [[u32; 3]; 9] =
    [[1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [0, 2, 0], [0, 0, 2], [1, 1, 0], [1, 0, 1], [0, 1, 1]];

/// A quadric is fitted to so many faces at least.
const QUADRIC: u64 = 40;

/// A curvature counts where it is three times its error at least.
const SURE: f64 = 9.0;

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
    polynomial: Polynomial,
    /// The covariance of the coefficients, the constant first.
    spread: DMatrix<f64>,
}

/// A polynomial of the second degree in coordinates of its own.
#[derive(Clone, Debug)]
struct Polynomial {
    origin: Vector,
    scale: f64,
    constant: f64,
    terms: DVector<f64>,
}

/// Means over the faces of a patch, in coordinates whose origin lies among them and in which they extend by one.
struct Means<'a> {
    frame: &'a Frame,
    moments: FaceMoments,
    origin: Vector,
    scale: f64,
}

impl<'a> Means<'a> {
    fn new(frame: &'a Frame, moments: &FaceMoments) -> Self {
        let count = i128::from(moments.count());
        let unit = |axis: usize| std::array::from_fn(|other| u32::from(other == axis));
        let middle: [i128; 3] =
            std::array::from_fn(|axis| (moments.sum(unit(axis)) + count / 2).div_euclid(count.max(1)));
        let moments = moments.shifted(middle.map(|at| -(at as i64)));
        let mut means = Self { frame, moments, origin: frame.place(middle.map(|at| at as f64)), scale: 1.0 };
        let squares = frame.axes.iter().map(|axis| means.of(unit(*axis).map(|exponent| 2 * exponent)));
        means.scale = squares.sum::<f64>().sqrt().max(frame.half.iter().fold(0.0, |a, b| a.max(*b)));
        means
    }

    /// The mean of a monomial.
    fn of(&self, exponents: [u32; 3]) -> f64 {
        let unit = |axis: usize| (self.frame.half[axis] / self.scale).powi(exponents[axis] as i32);
        self.moments.sum(exponents) as f64 / self.moments.count() as f64 * unit(0) * unit(1) * unit(2)
    }

    /// The covariance of the terms, and the mean product of their gradients.
    fn matrices(&self) -> (DMatrix<f64>, DMatrix<f64>) {
        let sum = |a: [u32; 3], b: [u32; 3]| std::array::from_fn(|axis| a[axis] + b[axis]);
        let covariance = DMatrix::from_fn(9, 9, |i, j| {
            let (a, b) = (TERMS[i], TERMS[j]);
            self.of(sum(a, b)) - self.of(a) * self.of(b)
        });
        let gradients = DMatrix::from_fn(9, 9, |i, j| {
            let (a, b) = (TERMS[i], TERMS[j]);
            let along = |axis: usize| match a[axis].min(b[axis]) {
                0 => 0.0,
                _ => {
                    let mut rest = sum(a, b);
                    rest[axis] -= 2;
                    f64::from(a[axis] * b[axis]) * self.of(rest)
                }
            };
            self.frame.axes.iter().map(|axis| along(*axis)).sum()
        });
        (covariance, gradients)
    }

    /// The covariance of the constant and the terms, from that of the terms and the variance of the mean.
    fn with_constant(&self, spread: DMatrix<f64>, of_mean: f64) -> DMatrix<f64> {
        let means = DVector::from_iterator(9, TERMS.iter().map(|term| self.of(*term)));
        let mixed = -(&spread * &means);
        let mut all = DMatrix::zeros(10, 10);
        all[(0, 0)] = of_mean - means.dot(&mixed);
        for at in 0..9 {
            (all[(0, at + 1)], all[(at + 1, 0)]) = (mixed[at], mixed[at]);
        }
        all.view_mut((1, 1), (9, 9)).copy_from(&spread);
        all
    }

    /// The polynomial of these terms that is nothing on average, its normals from the smaller label on.
    fn polynomial(&self, mut terms: DVector<f64>) -> Polynomial {
        let mut forward = 0.0;
        for axis in self.frame.axes.iter().copied() {
            let [faces, first @ ..] = self.moments.signed(axis).map(|sum| sum as f64);
            forward += terms[axis] * faces;
            for (other, first) in first.iter().enumerate() {
                forward += hessian(&terms, axis, other) * first * self.frame.half[other] / self.scale;
            }
        }
        if forward < 0.0 {
            terms = -terms;
        }
        let constant = -TERMS.iter().zip(terms.iter()).map(|(term, factor)| factor * self.of(*term)).sum::<f64>();
        Polynomial { origin: self.origin, scale: self.scale, constant, terms }
    }

    /// The middle of the lines that leave all voxels of an image on their sides, and its covariance: none where
    /// there are no such. All of them are near `flat`.
    fn straight(&self, flat: &DVector<f64>, banks: &Banks) -> Option<(Polynomial, DMatrix<f64>)> {
        let [u, v] = self.frame.axes[..] else { return None };
        let mut line = self.polynomial(flat.clone());
        let across = line.terms.clone();
        let mut along = DVector::zeros(9);
        (along[u], along[v]) = (-across[v], across[u]);
        let told = |hull: &Hull| {
            let mut place = [0.0; 3];
            let corners = hull.corners().iter().map(|[at, other]| {
                (place[u], place[v]) = (2.0 * *at as f64, 2.0 * *other as f64);
                let parts = line.parts(self.frame.place(place));
                let parts = parts.rows(1, 9);
                [parts.dot(&along), line.constant + parts.dot(&across)]
            });
            corners.collect::<Vec<_>>()
        };
        let [below, above] = banks.0.each_ref().map(told);
        let found = between(below.into_iter(), above.into_iter())?;
        let [height, slope] = found.middle;
        line.constant -= height;
        line.terms -= &along * slope;
        // How the coefficients change with height and slope.
        let change = DMatrix::from_fn(10, 2, |row, part| match (row, part) {
            (0, 0) => 1.0,
            (0, _) | (_, 0) => 0.0,
            _ => along[row - 1],
        });
        let [high, mixed, steep] = found.spread;
        let spread = &change * Matrix2::new(high, mixed, mixed, steep) * change.transpose();
        Some((line, spread))
    }
}

/// The second derivative along two axes.
fn hessian(terms: &DVector<f64>, a: usize, b: usize) -> f64 {
    const MIXED: [[usize; 3]; 3] = [[3, 6, 7], [6, 4, 8], [7, 8, 5]];
    terms[MIXED[a][b]] * if a == b { 2.0 } else { 1.0 }
}

/// The combination of the columns of `basis` whose mean square is least where that of its gradient is one.
fn least(basis: &DMatrix<f64>, covariance: &DMatrix<f64>, gradients: &DMatrix<f64>) -> Option<DVector<f64>> {
    let mut inner = basis.transpose() * gradients * basis;
    let ridge = 1e-12 * inner.trace();
    (0..inner.nrows()).for_each(|at| inner[(at, at)] += ridge);
    let lower = inner.cholesky()?.l();
    let half = lower.solve_lower_triangular(&(basis.transpose() * covariance * basis))?;
    let whole = lower.solve_lower_triangular(&half.transpose())?;
    let eigen = SymmetricEigen::new((&whole + whole.transpose()) * 0.5);
    let smallest = eigen.eigenvalues.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1))?.0;
    let found = lower.tr_solve_lower_triangular(&eigen.eigenvectors.column(smallest).into_owned())?;
    unit(basis * found, gradients)
}

/// The same, with a mean square gradient of one.
fn unit(terms: DVector<f64>, gradients: &DMatrix<f64>) -> Option<DVector<f64>> {
    let square = terms.dot(&(gradients * &terms));
    (square.is_finite() && square > 0.0).then(|| terms / square.sqrt())
}

/// What can change in the combination `terms` of the columns of `basis` without a change of its mean square
/// beyond one: the inverse of the covariance, but along the combination itself.
fn spread(basis: &DMatrix<f64>, covariance: &DMatrix<f64>, terms: &DVector<f64>) -> Option<DMatrix<f64>> {
    let normal = (basis.transpose() * basis).cholesky()?;
    let along = normal.solve(&(basis.transpose() * terms)).normalize();
    let count = basis.ncols();
    let across = DMatrix::identity(count, count) - &along * along.transpose();
    let inner = &across * (basis.transpose() * covariance * basis) * &across;
    let eigen = SymmetricEigen::new((&inner + inner.transpose()) * 0.5);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*a].total_cmp(&eigen.eigenvalues[*b]));
    let largest = eigen.eigenvalues[*order.last()?];
    let mut inverse = DMatrix::zeros(count, count);
    for at in order.into_iter().skip(1) {
        let vector = eigen.eigenvectors.column(at);
        inverse += vector * vector.transpose() / eigen.eigenvalues[at].max(1e-12 * largest);
    }
    Some(basis * inverse * basis.transpose())
}

/// Unit columns of these terms.
fn columns(terms: &[&[usize]]) -> DMatrix<f64> {
    DMatrix::from_fn(9, terms.len(), |row, column| f64::from(u8::from(terms[column].contains(&row))))
}

impl Surface {
    /// The surface of a patch; none where its faces are too few to tell.
    pub fn fit(frame: &Frame, patch: &Patch) -> Option<Self> {
        let moments = &patch.moments;
        let faces = moments.count();
        let means = Means::new(frame, moments);
        let (covariance, gradients) = means.matrices();
        let squares: Vec<usize> = frame.axes.iter().map(|axis| 3 + axis).collect();
        let linear: Vec<&[usize]> = frame.axes.iter().map(std::slice::from_ref).collect();
        let flat_basis = columns(&linear);
        let round_basis = columns(&[&linear[..], &[&squares[..]]].concat());
        let flat = least(&flat_basis, &covariance, &gradients)?;
        let round = least(&round_basis, &covariance, &gradients)?;
        let square = |terms: &DVector<f64>| terms.dot(&(&covariance * terms)).max(0.0);

        // Faces are off by as much as a step, evenly: half of it counts where none is seen.
        let steps = (0..3).map(|axis| moments.faces[axis] as f64 * (2.0 * frame.half[axis]).powi(2));
        let least_square = 0.5 / 12.0 * steps.sum::<f64>() / faces as f64 / means.scale.powi(2);
        let most = moments.faces.iter().max().copied().unwrap_or(0);
        let independent = (2 * (faces - most)).clamp(2, faces.max(2)) as f64;
        // With few independent errors a fit that follows them proves little (Hurvich and Tsai, 1989).
        let refuses = |simple: &DVector<f64>, other: &DVector<f64>, unknowns: usize, more: f64| {
            let [simple, other] = [simple, other].map(|terms| square(terms).max(0.25 * least_square));
            let free = independent - unknowns as f64 - 2.0;
            free > 0.0 && free * (simple / other).ln() > more * independent.ln().max(SURE)
        };
        let straight = means.straight(&flat, &patch.banks);
        let (mut model, mut basis, mut terms) = (Model::Flat, flat_basis, flat);
        // Steps of a line that leaves every voxel on its side are no errors by chance, and may look like an arc.
        if straight.is_none() && refuses(&terms, &round, round_basis.ncols(), 1.0) {
            (model, basis, terms) = (Model::Round, round_basis.clone(), round.clone());
        }
        if frame.axes.len() == 3 && faces >= QUADRIC {
            let ridge = DMatrix::identity(9, 9) * (1e-10 * covariance.trace());
            let solved = (&covariance + ridge).cholesky().map(|factor| factor.solve(&(&gradients * &round)));
            if let Some(quadric) = solved.and_then(|terms| unit(terms, &gradients))
                && refuses(&terms, &quadric, 9, if model == Model::Flat { 6.0 } else { 5.0 })
            {
                (model, basis, terms) = (Model::Quadric, DMatrix::identity(9, 9), quadric);
            }
        }
        let noise = |terms: &DVector<f64>| square(terms).max(least_square) / independent;
        let round_spread = spread(&round_basis, &covariance, &round)? * noise(&round);
        let smooth = means.with_constant(spread(&basis, &covariance, &terms)? * noise(&terms), noise(&terms));
        let misfit = square(&terms).sqrt() * means.scale;
        let round = means.polynomial(round);
        let (polynomial, spread) = straight.unwrap_or_else(|| (means.polynomial(terms), smooth));

        // On a circle or sphere the gradient is everywhere as large.
        let bent = 2.0 * (frame.axes.len() - 1) as f64;
        let factor = round.terms[squares[0]];
        let gradient =
            frame.axes.iter().map(|axis| round.terms[*axis].powi(2)).sum::<f64>() - 4.0 * factor * round.constant;
        let curvature = bent * factor / gradient.max(1e-12).sqrt() / means.scale;
        let curvature_variance = bent.powi(2) * round_spread[(squares[0], squares[0])] / means.scale.powi(2);
        let middle = Vector(std::array::from_fn(|axis| {
            let first = std::array::from_fn(|other| u32::from(other == axis));
            means.origin.0[axis] + means.of(first) * means.scale
        }));
        let sound = [curvature, curvature_variance, misfit].iter().all(|number| number.is_finite())
            && polynomial.terms.iter().chain(spread.iter()).all(|number| number.is_finite());
        sound.then_some(Self { model, curvature, curvature_variance, misfit, faces, middle, polynomial, spread })
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
    fn parts(&self, place: Vector) -> DVector<f64> {
        let at = self.inside(place);
        let term = |exponents: &[u32; 3]| (0..3).map(|axis| at[axis].powi(exponents[axis] as i32)).product::<f64>();
        DVector::from_iterator(10, std::iter::once(1.0).chain(TERMS.iter().map(term)))
    }

    fn value(&self, place: Vector) -> f64 {
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
