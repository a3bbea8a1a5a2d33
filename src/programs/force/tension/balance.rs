//! Tensions at which the contacts balance at every junction: for each of them Σ T n = 0 along two directions.
//!
//! Contacts that no chain of junctions joins have no common scale: they are of different *groups*, and the mean
//! tension of each group is 1. A junction counts by the inverse of the variance of its angles.

use std::collections::BTreeMap;

use crate::disjoint::Disjoint;
use crate::lattice::patches::Sides;
use crate::programs::force::tension::junction::Junction;
use crate::programs::force::tension::least_squares::{Equations, Row, Solution};

/// The variance of an angle that no surface is better than: half a degree.
const FLOOR: f64 = 1e-4;

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

fn weight(junction: &Junction) -> f64 {
    1.0 / (junction.arms.iter().map(|arm| arm.variance).sum::<f64>() + FLOOR)
}

/// The tensions of a group, and what is out of balance at each junction.
fn solved(contacts: usize, junctions: &[&Junction], place: &dyn Fn(&Sides) -> usize) -> (Solution, Vec<f64>) {
    let mut equations = Equations { unknowns: contacts, mean: 1.0, ..Equations::default() };
    for junction in junctions {
        for part in [f64::cos, f64::sin] {
            let terms = junction.arms.iter().map(|arm| (place(&arm.sides), part(arm.angle))).collect();
            equations.rows.push(Row { terms, right: 0.0, weight: weight(junction) });
        }
    }
    let first = equations.solve();
    let of = |arm: &super::junction::Arm| first.values[place(&arm.sides)];
    let (mut seen, mut expected) = (0.0, 0.0);
    let mut residuals = Vec::new();
    for (at, junction) in junctions.iter().enumerate() {
        let sum = |part: fn(f64) -> f64| junction.arms.iter().map(|arm| of(arm) * part(arm.angle)).sum::<f64>();
        let residual = sum(f64::cos).hypot(sum(f64::sin));
        seen += weight(junction) * residual * residual;
        for arm in &junction.arms {
            let pull = of(arm).abs() * arm.variance.sqrt();
            expected += weight(junction) * pull * pull;
            equations.noise.push([(2 * at, -pull * arm.angle.sin()), (2 * at + 1, pull * arm.angle.cos())]);
        }
        residuals.push(residual);
    }
    let mut found = equations.solve();
    // What is out of balance by more than the angles' errors makes all errors larger (Birge, 1932).
    let (rows, free) = (equations.rows.len() as f64, equations.rows.len() as f64 - (contacts as f64 - 1.0));
    if free > 0.0 && expected > 0.0 {
        let ratio = (seen / expected * rows / free).sqrt().max(1.0);
        found.errors.iter_mut().for_each(|error| *error *= ratio);
    }
    (found, residuals)
}
