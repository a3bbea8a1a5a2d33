//! What the faces of a patch tell of the smooth surface that they lie on.
//!
//! By Young and Laplace a contact of one tension between cells of one pressure each has one mean curvature: in a
//! plane it is an arc, in space a sphere where it is bounded by circles, else another such surface. So all the
//! faces of a patch, and not those next to a junction alone, tell its tangent there: their centres are a step
//! of the staircase away from the surface at most and nothing on average, and are fitted whole by an implicit
//! polynomial: a plane or line, a sphere or circle, and in space a quadric. The first two are of least mean square
//! distance as Taubin has it (Estimation of planar curves, surfaces, and nonplanar space curves defined by
//! implicit equations, 1991): square of the value over square of the gradient. The quadric is one step of
//! inverse iteration from the sphere, so that it has no second sheet near.
//!
//! In space the simplest that the data do not refuse is taken (Schwarz's criterion, 1978). In an image a contact is an
//! arc whose bend is drawn towards that of a line, by what all contacts together tell of bends (`bend.rs`). Where
//! arcs leave every voxel on its side they are known better than by least squares: by the mean of all that do
//! (`arcs.rs`), which of straight contacts is the middle of such lines.
//!
//! Independent errors are as many as there are steps in the staircase, not as there are faces: twice the faces
//! along all axes but the one with most of them.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::lattice::banks::{Bank, Banks};
use crate::lattice::face_moments::FaceMoments;
use crate::lattice::patches::Patch;
use crate::programs::force::tension::arcs::{Arc, Sides};
use crate::programs::force::tension::bend::Bend;
use crate::programs::force::tension::surface::{Frame, Model, Polynomial, Surface, TERMS, hessian};
use crate::programs::force::vector::Vector;

/// A quadric is fitted to so many faces at least.
const QUADRIC: u64 = 40;

/// A curvature counts where it is three times its error at least.
const SURE: f64 = 9.0;

/// What a patch tells by itself.
#[derive(Clone, Debug)]
pub struct Fit {
    /// In space the surface; in an image the line.
    surface: Surface,
    /// In an image.
    arcs: Option<Arcs>,
}

/// What a patch of an image is where it is bent.
#[derive(Clone, Debug)]
struct Arcs {
    /// What it tells of its curvature.
    bend: Bend,
    /// Whether no line would do.
    bent: bool,
    /// By the voxels beside it.
    course: Course,
    /// By least squares: the circle, and the covariance of its coefficients.
    round: Polynomial,
    spread: DMatrix<f64>,
    /// The place of the factor of squares among the coefficients.
    square: usize,
    /// The root of the mean square distance of the faces from that.
    misfit: f64,
}

impl Fit {
    /// The fit of a patch; none where its faces are too few to tell.
    pub fn new(frame: &Frame, patch: &Patch) -> Option<Self> {
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
        let (mut model, mut basis, mut terms) = (Model::Flat, flat_basis, flat);
        let bent = refuses(&terms, &round, round_basis.ncols(), 1.0);
        if bent && frame.axes.len() == 3 {
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
        let line = (frame.axes.len() == 2).then(|| terms.clone());
        let round = means.polynomial(round);
        // On a circle or sphere the gradient is everywhere as large.
        let both = 2.0 * (frame.axes.len() - 1) as f64;
        let factor = round.terms[squares[0]];
        let gradient =
            frame.axes.iter().map(|axis| round.terms[*axis].powi(2)).sum::<f64>() - 4.0 * factor * round.constant;
        let curvature = both * factor / gradient.max(1e-12).sqrt() / means.scale;
        let curvature_variance = both.powi(2) * round_spread[(squares[0], squares[0])] / means.scale.powi(2);
        let middle = Vector(std::array::from_fn(|axis| {
            let first = std::array::from_fn(|other| u32::from(other == axis));
            means.origin.0[axis] + means.of(first) * means.scale
        }));
        let surface = Surface {
            model,
            curvature,
            curvature_variance,
            misfit,
            faces,
            middle,
            polynomial: means.polynomial(terms),
            spread: smooth,
        };
        let arcs = line.map(|line| {
            let course = means.course(&line, &patch.banks);
            let bent = bent && course.sides.line().is_none();
            let spread = means.with_constant(round_spread, noise(&round.terms));
            let misfit = square(&round.terms).sqrt() * means.scale;
            Arcs::new(course, round, spread, squares[0], bent, misfit)
        });
        surface.sound().then_some(Self { surface, arcs })
    }

    /// In an image, what it tells of its curvature.
    pub fn bend(&self) -> Option<Bend> {
        let bend = self.arcs.as_ref()?.bend;
        (bend.curvature.is_finite() && bend.variance.is_normal()).then_some(bend)
    }

    /// The surface, where true curvatures of the contacts of an image have this variance.
    pub fn surface(&self, variance: f64) -> Surface {
        let bent = self.arcs.as_ref().and_then(|arcs| arcs.surface(&self.surface, variance));
        bent.filter(Surface::sound).unwrap_or_else(|| self.surface.clone())
    }
}

impl Arcs {
    fn new(
        mut course: Course,
        round: Polynomial,
        spread: DMatrix<f64>,
        square: usize,
        bent: bool,
        misfit: f64,
    ) -> Self {
        // A bend is the factor of squares, beside one of height.
        let along = round.terms.dot(&course.line.terms).abs().max(1e-3);
        let (guess, variance) =
            (-2.0 * round.terms[square] / along, 4.0 * spread[(1 + square, 1 + square)] / along.powi(2));
        course.bends = course.sides.bends(guess, variance.sqrt());
        let arc = course.arc(f64::INFINITY);
        let [guess, variance] = arc.map_or([guess, variance], |arc| [arc.middle[2], arc.spread[(2, 2)]]);
        let bend = Bend { curvature: guess / round.scale, variance: variance / round.scale.powi(2) };
        Self { bend, bent, course, round, spread, square, misfit }
    }

    /// None where the line by least squares is as good.
    fn surface(&self, line: &Surface, variance: f64) -> Option<Surface> {
        // What is bent by much more than others is none of them.
        let alone = self.bent && self.bend.curvature.powi(2) > SURE * (self.bend.variance + variance);
        let variance = if alone { f64::INFINITY } else { variance };
        let (polynomial, spread) = match self.course.arc(variance * self.round.scale.powi(2)) {
            Some(arc) => self.course.surface(&arc),
            None if variance > 0.0 => self.drawn(variance),
            None => return None,
        };
        let (model, misfit) = if variance > 0.0 { (Model::Round, self.misfit) } else { (Model::Flat, line.misfit) };
        Some(Surface { model, misfit, polynomial, spread, ..line.clone() })
    }

    /// The circle of least squares where bends are known to be nothing but for this variance (Kalman, 1960).
    fn drawn(&self, variance: f64) -> (Polynomial, DMatrix<f64>) {
        let (mut round, square) = (self.round.clone(), 1 + self.square);
        let share = self.bend.variance / (self.bend.variance + variance);
        let along = self.spread.column(square) / self.spread[(square, square)].max(f64::MIN_POSITIVE);
        let step = &along * (share * round.terms[self.square]);
        round.constant -= step[0];
        round.terms -= step.rows(1, 9);
        let spread = &self.spread - &along * self.spread.row(square) * share;
        (round, spread)
    }
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

    /// What lies on the two sides of a patch of an image, seen along the line `flat`.
    fn course(&self, flat: &DVector<f64>, banks: &Banks) -> Course {
        let axes = &self.frame.axes;
        let line = self.polynomial(flat.clone());
        // How the coefficients change with height, slope and bend.
        let mut change = DMatrix::zeros(10, 3);
        change[(0, 0)] = 1.0;
        (change[(1 + axes[0], 1)], change[(1 + axes[1], 1)]) = (-line.terms[axes[1]], line.terms[axes[0]]);
        for axis in axes {
            let square = 3 + axis;
            change[(1 + square, 2)] = 0.5;
            change[(0, 2)] -= 0.5 * self.of(TERMS[square]);
        }
        let told = |bank: &Bank| {
            let mut place = [0.0; 3];
            let points = bank.pixels().iter().map(|pixel| {
                axes.iter().zip(pixel).for_each(|(axis, at)| place[*axis] = 2.0 * f64::from(*at));
                let parts = line.parts(self.frame.place(place));
                let along = change.tr_mul(&parts);
                [along[1], along[2], line.constant + parts.rows(1, 9).dot(&line.terms)]
            });
            points.collect::<Vec<_>>()
        };
        let [below, above] = banks.0.each_ref().map(told);
        Course { sides: Sides { below, above }, bends: None, line, change }
    }
}

/// What lies on the two sides of a patch of an image.
#[derive(Clone, Debug)]
struct Course {
    sides: Sides,
    /// The bends of arcs that go between, where such are.
    bends: Option<[f64; 2]>,
    /// The line that it is seen along.
    line: Polynomial,
    /// How the coefficients change with height, slope and bend.
    change: DMatrix<f64>,
}

impl Course {
    /// The arcs where true bends have this variance.
    fn arc(&self, variance: f64) -> Option<Arc> {
        match variance > 0.0 {
            true => self.sides.arc(self.bends?, variance),
            false => self.sides.line(),
        }
    }

    fn surface(&self, arc: &Arc) -> (Polynomial, DMatrix<f64>) {
        let mut found = self.line.clone();
        let step = &self.change * arc.middle;
        found.constant -= step[0];
        found.terms -= step.rows(1, 9);
        (found, &self.change * arc.spread * self.change.transpose())
    }
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
