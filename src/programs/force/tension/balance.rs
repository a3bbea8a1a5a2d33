//! Tensions at which the contacts balance at every junction: for each of them Σ T n = 0 along two directions.
//!
//! Contacts that no chain of junctions joins have no common scale: they are of different *groups*, and the mean
//! tension of each group is 1. A junction counts by the inverse of the covariance of what the errors of its angles
//! leave out of balance (generalised least squares). Where junctions are out of balance by more than those
//! errors, the angles are no better than that, and the same is added to all (as DerSimonian and Laird, 1986,
//! do with studies that differ; here by the median, which for errors along two directions is ln 2 of the mean).

use std::collections::BTreeMap;
use std::f64::consts::LN_2;

use crate::disjoint::Disjoint;
use crate::lattice::patches::Sides;
use crate::programs::force::tension::junction::{Arm, Junction};
use crate::programs::force::tension::least_squares::{Equations, Row, Solution};

/// The variance of what is out of balance that no junction is better than.
const FLOOR: f64 = 1e-8;

/// How often the weights are found anew from what the last left out of balance.
const ROUNDS: usize = 4;

/// A contact in balance.
#[derive(Clone, Debug, PartialEq)]
pub struct Tension {
    /// The cells, the smaller label first.
    pub sides: Sides,
    /// The number of its group.
    pub group: u32,
    /// Its tension, in those of the group's mean. Below zero where only a push would balance.
    pub tension: f64,
    /// Its standard error.
    pub error: f64,
    /// The root of the mean square of what is out of balance at its junctions.
    pub residual: f64,
}

/// Contacts that junctions join.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// Contacts.
    pub contacts: u64,
    /// Junctions.
    pub junctions: u64,
    /// The condition of its equations: errors of angles may come out larger by as much.
    pub condition: f64,
    /// Directions in which its tensions are not determined at all.
    pub undetermined: u64,
    /// The root of the mean square of what is out of balance at its junctions.
    pub residual: f64,
    /// Iterations of the solver.
    pub iterations: u64,
    /// Whether they came to their end.
    pub converged: bool,
}

/// Tensions, by sides ascending, and their groups by their first contact.
pub fn balance(junctions: &[Junction]) -> (Vec<Tension>, Vec<Group>) {
    let mut number: BTreeMap<Sides, u32> =
        junctions.iter().flat_map(|junction| &junction.arms).map(|arm| (arm.sides, 0)).collect();
    number.values_mut().zip(0..).for_each(|(number, next)| *number = next);
    let contact = |sides: &Sides| number[sides];
    let mut sets = Disjoint::new(number.len());
    for junction in junctions {
        junction.arms.iter().for_each(|arm| sets.join(contact(&junction.arms[0].sides), contact(&arm.sides)));
    }
    let (group_of, groups) = sets.number();
    let mut inside: Vec<(Vec<u32>, Vec<&Junction>)> = vec![Default::default(); groups as usize];
    for (contact, group) in group_of.iter().enumerate() {
        inside[*group as usize].0.push(contact as u32);
    }
    for junction in junctions {
        inside[group_of[contact(&junction.arms[0].sides) as usize] as usize].1.push(junction);
    }
    let sides: Vec<Sides> = number.keys().copied().collect();
    let mut tensions: Vec<Option<Tension>> = vec![None; sides.len()];
    let mut told = Vec::new();
    for ((contacts, junctions), group) in inside.iter().zip(0..) {
        let place = |sides: &Sides| contacts.binary_search(&contact(sides)).expect("contacts of a group are its own");
        let (found, residuals) = solved(contacts.len(), junctions, &place);
        let mut squares = vec![(0.0, 0u64); contacts.len()];
        for (junction, residual) in junctions.iter().zip(&residuals) {
            for arm in &junction.arms {
                let square = &mut squares[place(&arm.sides)];
                *square = (square.0 + residual * residual, square.1 + 1);
            }
        }
        for (at, contact) in contacts.iter().enumerate() {
            let (square, count) = squares[at];
            tensions[*contact as usize] = Some(Tension {
                sides: sides[*contact as usize],
                group,
                tension: found.values[at],
                error: found.errors[at],
                residual: (square / count as f64).sqrt(),
            });
        }
        let square: f64 = residuals.iter().map(|residual| residual * residual).sum();
        told.push(Group {
            contacts: contacts.len() as u64,
            junctions: junctions.len() as u64,
            condition: found.condition,
            undetermined: found.undetermined as u64,
            residual: (square / junctions.len() as f64).sqrt(),
            iterations: found.iterations,
            converged: found.converged,
        });
    }
    (tensions.into_iter().flatten().collect(), told)
}

/// How a junction is weighed: the inverse of the Cholesky factor of the covariance of what is out of balance there,
/// where angles have their variances and each direction `excess` more. An angle moves the balance across the
/// normal of its arm, so a bad one leaves what is along it as it was.
fn weighing(junction: &Junction, excess: f64, tension: &dyn Fn(&Arm) -> f64) -> [f64; 3] {
    let (mut a, mut b, mut c) = (excess, 0.0, excess);
    for arm in &junction.arms {
        let (sine, cosine) = arm.angle.sin_cos();
        let variance = arm.variance * tension(arm).powi(2);
        a += variance * sine * sine;
        b -= variance * sine * cosine;
        c += variance * cosine * cosine;
    }
    let first = a.sqrt();
    let second = (c - b * b / a).max(0.5 * excess).sqrt();
    [1.0 / first, -b / a / second, 1.0 / second]
}

/// A vector times that.
fn weighed([first, mixed, second]: [f64; 3], [x, y]: [f64; 2]) -> [f64; 2] {
    [first * x, mixed * x + second * y]
}

/// The tensions of a group, and what is out of balance at each junction.
fn solved(contacts: usize, junctions: &[&Junction], place: &dyn Fn(&Sides) -> usize) -> (Solution, Vec<f64>) {
    let mut excess = FLOOR;
    let mut found = Solution { values: vec![1.0; contacts], ..Solution::default() };
    let mut residuals = Vec::new();
    for round in 0..ROUNDS {
        let tension = |arm: &Arm| found.values[place(&arm.sides)].abs();
        let mut equations = Equations { unknowns: contacts, mean: 1.0, ..Equations::default() };
        for junction in junctions {
            let weighing = weighing(junction, excess, &tension);
            let at = equations.rows.len();
            let mut terms = [Vec::new(), Vec::new()];
            for arm in &junction.arms {
                let (sine, cosine) = arm.angle.sin_cos();
                let factors = weighed(weighing, [cosine, sine]);
                terms.iter_mut().zip(factors).for_each(|(terms, factor)| terms.push((place(&arm.sides), factor)));
                let pull = tension(arm) * arm.variance.sqrt();
                let [first, second] = weighed(weighing, [-pull * sine, pull * cosine]);
                equations.noise.push([(at, first), (at + 1, second)]);
            }
            for unit in [[excess.sqrt(), 0.0], [0.0, excess.sqrt()]] {
                let [first, second] = weighed(weighing, unit);
                equations.noise.push([(at, first), (at + 1, second)]);
            }
            equations.rows.extend(terms.map(|terms| Row { terms, right: 0.0, weight: 1.0 }));
        }
        if round + 1 < ROUNDS {
            // Errors cost more than tensions do; the last round has them.
            equations.noise.clear();
        }
        let next = equations.solve();
        let of = |arm: &Arm| next.values[place(&arm.sides)];
        residuals.clear();
        let free = 2.0 * junctions.len() as f64 - (contacts as f64 - 1.0);
        let spare = 2.0 * junctions.len() as f64 / free.max(1.0);
        let mut beyond: Vec<f64> = Vec::new();
        for junction in junctions {
            let sum = |part: fn(f64) -> f64| junction.arms.iter().map(|arm| of(arm) * part(arm.angle)).sum::<f64>();
            let residual = sum(f64::cos).hypot(sum(f64::sin));
            residuals.push(residual);
            let expected = junction.arms.iter().map(|arm| arm.variance * of(arm).powi(2)).sum::<f64>();
            beyond.push(0.5 * (residual * residual * spare / LN_2 - expected));
        }
        if free > 0.0 {
            // The median, as a few bad junctions are to be out of balance, and not to make all others vague.
            beyond.sort_by(f64::total_cmp);
            excess = FLOOR.max(beyond[beyond.len() / 2]);
        }
        found = next;
    }
    (found, residuals)
}
