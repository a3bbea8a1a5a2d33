//! Pressures of cells from tensions and curvatures: p_a - p_b = T_ab c_ab (Young and Laplace), where c is the sum
//! of the principal curvatures, 1/r of an arc and 2/r of a sphere.

use std::collections::BTreeSet;

use crate::programs::force::tension::balance::Tension;
use crate::programs::force::tension::least_squares::{Equations, Row};

/// Of the mean square of T c what no contact is better than.
const FLOOR: f64 = 1e-6;

/// A cell under pressure.
#[derive(Clone, Debug, PartialEq)]
pub struct Pressure {
    /// The cell.
    pub label: u64,
    /// The group of contacts whose tensions it is told in.
    pub group: u32,
    /// How much it is above that of the outside, or where the group does not touch it, of its smallest label.
    pub pressure: f64,
    /// Its standard error.
    pub error: f64,
}

/// Pressures of a group by label; the root of the mean square by which contacts miss their sum; whether the
/// solver came to its end. Contacts come with their curvature and its variance.
pub fn pressures(contacts: &[(&Tension, f64, f64)], group: u32) -> (Vec<Pressure>, f64, bool) {
    let labels: BTreeSet<u64> = contacts.iter().flat_map(|(tension, ..)| [tension.sides.0, tension.sides.1]).collect();
    let labels: Vec<u64> = labels.into_iter().collect();
    let place = |label: u64| labels.binary_search(&label).expect("every cell of a contact is listed");
    let mut equations = Equations { unknowns: labels.len(), reference: Some(0), ..Equations::default() };
    let jumps: Vec<f64> = contacts.iter().map(|(tension, curvature, _)| tension.tension * curvature).collect();
    let square = jumps.iter().map(|jump| jump * jump).sum::<f64>() / jumps.len() as f64;
    for (at, ((tension, curvature, variance), jump)) in contacts.iter().zip(&jumps).enumerate() {
        let of_curvature = tension.tension * tension.tension * variance;
        let variance = of_curvature + (curvature * tension.error).powi(2) + FLOOR * square;
        let variance = if variance > 0.0 { variance } else { 1.0 };
        let terms = vec![(place(tension.sides.0), 1.0), (place(tension.sides.1), -1.0)];
        equations.rows.push(Row { terms, right: *jump, weight: 1.0 / variance });
        equations.noise.push([(at, variance.sqrt()), (at, 0.0)]);
    }
    let found = equations.solve();
    let missed = contacts.iter().zip(&jumps).map(|((tension, ..), jump)| {
        (found.values[place(tension.sides.0)] - found.values[place(tension.sides.1)] - jump).powi(2)
    });
    let missed = (missed.sum::<f64>() / jumps.len() as f64).sqrt();
    let cells = labels.iter().zip(found.values.iter().zip(&found.errors));
    let cells =
        cells.map(|(label, (pressure, error))| Pressure { label: *label, group, pressure: *pressure, error: *error });
    (cells.collect(), missed, found.converged)
}
