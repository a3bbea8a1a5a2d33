//! Least squares for unknowns whose mean is given: tensions, and pressures.
//!
//! Up to [`DENSE`] unknowns the eigenvalues of the normal equations are found, and what no row determines keeps
//! the mean. Beyond it conjugate gradients on the normal equations (Hestenes and Stiefel, 1952), with the
//! condition from the tridiagonal matrix that they build (Lanczos, 1950) and errors from a few random
//! disturbances with a fixed seed. One thread, one order of sums: the same bits everywhere.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

use crate::graph::mix::mix;

/// The most unknowns that are solved for by eigenvalues.
pub const DENSE: usize = 400;

/// Disturbances that errors are estimated from.
const PROBES: u64 = 24;

/// The share of the beginning at which iterations end.
const TOLERANCE: f64 = 1e-12;

/// A singular value below this share of the largest determines nothing; the eigenvalues of the normal equations,
/// its squares, are not much surer.
const NONE: f64 = 1e-6;

/// One equation.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Unknowns and their factors.
    pub terms: Vec<(usize, f64)>,
    /// What they are to sum up to.
    pub right: f64,
    /// What the square of its residual counts.
    pub weight: f64,
}

/// Equations for unknowns.
#[derive(Clone, Debug, Default)]
pub struct Equations {
    /// How many unknowns there are.
    pub unknowns: usize,
    /// Their mean.
    pub mean: f64,
    /// The unknown that all are told relative to, instead of by their mean.
    pub reference: Option<usize>,
    /// The equations.
    pub rows: Vec<Row>,
    /// Independent errors of the right-hand sides: each of unit variance times these factors of rows.
    pub noise: Vec<[(usize, f64); 2]>,
}

/// What solves equations best.
#[derive(Clone, Debug, Default)]
pub struct Solution {
    /// The unknowns.
    pub values: Vec<f64>,
    /// Their standard errors, from the noise of the equations.
    pub errors: Vec<f64>,
    /// The largest singular value over the smallest of those that are not nothing; an estimate from below where
    /// it was found by iterations.
    pub condition: f64,
    /// Directions that nothing determines.
    pub undetermined: usize,
    /// Iterations.
    pub iterations: u64,
    /// Whether the iterations came to their end.
    pub converged: bool,
}

impl Equations {
    /// Solves them.
    pub fn solve(&self) -> Solution {
        if self.unknowns <= DENSE { self.solve_dense() } else { self.solve_by_iterations() }
    }

    /// By eigenvalues.
    pub fn solve_dense(&self) -> Solution {
        let count = self.unknowns;
        let mut normal = DMatrix::<f64>::zeros(count, count);
        let mut right = DVector::<f64>::zeros(count);
        for row in &self.rows {
            let rest = row.right - self.mean * row.terms.iter().map(|(_, factor)| factor).sum::<f64>();
            for (a, factor) in &row.terms {
                right[*a] += row.weight * factor * rest;
                row.terms.iter().for_each(|(b, other)| normal[(*a, *b)] += row.weight * factor * other);
            }
        }
        // A stiff spring against a change of the mean, which no other change feels.
        let across = DMatrix::from_element(count, count, 1.0 / count as f64);
        let stiff = if normal.trace() > 0.0 { 2.0 * normal.trace() } else { 1.0 };
        let free = DMatrix::identity(count, count) - &across;
        normal = &free * normal * &free;
        let eigen = SymmetricEigen::new((&normal + normal.transpose()) * 0.5 + &across * stiff);
        let right = free * right;
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        // The first is the spring.
        let kept: Vec<usize> = order.into_iter().skip(1).collect();
        let singular = |at: usize| eigen.eigenvalues[at].max(0.0).sqrt();
        let largest = kept.first().map_or(0.0, |at| singular(*at));
        let (sound, nothing): (Vec<usize>, Vec<usize>) =
            kept.into_iter().partition(|at| largest > 0.0 && singular(*at) > NONE * largest);
        let solved = |right: &DVector<f64>| {
            let mut found = DVector::zeros(count);
            for at in &sound {
                let vector = eigen.eigenvectors.column(*at);
                found += vector * (vector.dot(right) / eigen.eigenvalues[*at]);
            }
            found
        };
        let values = self.told(solved(&right).add_scalar(self.mean).as_slice());
        let mut squares = vec![0.0; count];
        for noise in &self.noise {
            let error = self.told(solved(&DVector::from_vec(self.gathered(&self.disturbed(noise)))).as_slice());
            squares.iter_mut().zip(&error).for_each(|(square, error)| *square += error * error);
        }
        // What nothing determines may be anything of the size of the mean.
        for at in &nothing {
            let vector = eigen.eigenvectors.column(*at);
            squares.iter_mut().zip(vector.iter()).for_each(|(square, share)| *square += share * share);
        }
        let condition = sound.last().map_or(1.0, |at| largest / singular(*at));
        let errors = squares.into_iter().map(f64::sqrt).collect();
        Solution { values, errors, condition, undetermined: nothing.len(), iterations: 1, converged: true }
    }

    /// By conjugate gradients.
    pub fn solve_by_iterations(&self) -> Solution {
        let rest = |row: &Row| row.right - self.mean * row.terms.iter().map(|(_, factor)| factor).sum::<f64>();
        let right: Vec<f64> = self.rows.iter().map(rest).collect();
        let main = self.gradients(&right);
        let mut squares = vec![0.0; self.unknowns];
        let mut iterations = main.iterations;
        let mut converged = main.converged;
        for probe in 0..PROBES {
            let mut disturbed = vec![0.0; self.rows.len()];
            for (at, noise) in self.noise.iter().enumerate() {
                let sign = if mix(probe << 40 | at as u64) & 1 == 0 { 1.0 } else { -1.0 };
                noise.iter().for_each(|(row, factor)| disturbed[*row] += sign * factor);
            }
            let found = self.gradients(&disturbed);
            iterations += found.iterations;
            converged &= found.converged;
            let error = self.told(&found.values);
            squares.iter_mut().zip(error).for_each(|(square, error)| *square += error * error / PROBES as f64);
        }
        let values: Vec<f64> = main.values.iter().map(|value| self.mean + value).collect();
        let values = self.told(&values);
        let errors = squares.into_iter().map(f64::sqrt).collect();
        Solution { values, errors, condition: main.condition, undetermined: 0, iterations, converged }
    }

    /// The same relative to the reference.
    fn told(&self, values: &[f64]) -> Vec<f64> {
        let base = self.reference.map_or(0.0, |at| values[at]);
        values.iter().map(|value| value - base).collect()
    }

    /// The right-hand sides under one disturbance.
    fn disturbed(&self, noise: &[(usize, f64); 2]) -> Vec<(usize, f64)> {
        noise.iter().filter(|(_, factor)| *factor != 0.0).copied().collect()
    }

    /// What right-hand sides of some rows add to those of the normal equations, the mean kept.
    fn gathered(&self, right: &[(usize, f64)]) -> Vec<f64> {
        let mut sums = vec![0.0; self.unknowns];
        for (at, right) in right {
            let row = &self.rows[*at];
            row.terms.iter().for_each(|(unknown, factor)| sums[*unknown] += row.weight * factor * right);
        }
        centred(sums)
    }

    fn gradients(&self, right: &[f64]) -> Solution {
        let all: Vec<(usize, f64)> = right.iter().copied().enumerate().collect();
        let mut residual = self.gathered(&all);
        let mut along = residual.clone();
        let mut values = vec![0.0; self.unknowns];
        let mut square = dot(&residual, &residual);
        let end = square * TOLERANCE * TOLERANCE;
        let (mut diagonal, mut beside) = (Vec::new(), Vec::new());
        let (mut iterations, mut last) = (0, None);
        while square > end && iterations < 20 * self.unknowns as u64 {
            let rows: Vec<(usize, f64)> = self
                .rows
                .iter()
                .enumerate()
                .map(|(at, row)| (at, row.terms.iter().map(|(unknown, factor)| factor * along[*unknown]).sum::<f64>()))
                .collect();
            let image = self.gathered(&rows);
            let bent = dot(&along, &image);
            if bent <= 0.0 {
                break;
            }
            let step = square / bent;
            values.iter_mut().zip(&along).for_each(|(value, along)| *value += step * along);
            residual.iter_mut().zip(&image).for_each(|(residual, image)| *residual -= step * image);
            let next = dot(&residual, &residual);
            let turn = next / square;
            if diagonal.len() < 300 {
                let before = last.map_or(0.0, |(step, turn): (f64, f64)| turn / step);
                diagonal.push(1.0 / step + before);
                beside.push(turn.sqrt() / step);
                last = Some((step, turn));
            }
            along.iter_mut().zip(&residual).for_each(|(along, residual)| *along = residual + turn * *along);
            square = next;
            iterations += 1;
        }
        let size = diagonal.len();
        let ritz = DMatrix::from_fn(size, size, |a, b| match a.abs_diff(b) {
            0 => diagonal[a],
            1 => beside[a.min(b)],
            _ => 0.0,
        });
        let found = if size > 0 { ritz.symmetric_eigenvalues().iter().copied().collect() } else { vec![1.0] };
        let (low, high) = found.iter().fold((f64::INFINITY, 0.0), |(low, high), v| (v.min(low), v.max(high)));
        let condition = (high / low.max(NONE * NONE * high)).sqrt();
        let converged = square <= end;
        Solution { values, errors: Vec::new(), condition, undetermined: 0, iterations, converged }
    }
}

/// The same without their mean.
fn centred(mut values: Vec<f64>) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|value| *value -= mean);
    values
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
