//! Newton's method from where FIRE has come near, kept back by foundations (Levenberg and Marquardt): what is out of
//! balance is borne by the springs as they resist there, and by nodes that cling to where they are; the more these
//! cling, the shorter the step. A step is taken as far as it goes downhill: springs that get slack, or taut, on the way
//! would have it end elsewhere. Nodes cling less after each step that takes energy, or what is out of balance, and
//! more after one that does not. It ends in a few steps where FIRE needs thousands. Steps of small bodies are found
//! outright, others by conjugate gradients.

use crate::error::{Kind, Result};
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::force::contact_springs::{Body, Response};
use crate::programs::force::relaxation::everywhere;
use crate::programs::force::solve::{Solver, Stop};
use crate::programs::force::vector::Vector;

/// Steps that are tried before it gives up.
const STEPS: usize = 250;

/// How nodes cling in the beginning, at least and at most, over the stiffness of their springs; and how that changes.
const FIRST: f64 = 1e-3;
const LEAST: f64 = 1e-12;
const MOST: f64 = 10.0;
const LESS: f64 = 0.1;
const MORE: f64 = 8.0;

/// The balance of each step, and its iterations for each unknown.
const STEP: f64 = 1e-6;
const ITERATIONS: u64 = 10;

/// How often a step that goes too far is halved, or lengthened by as much.
const HALVES: usize = 50;

/// Energy that is no more than rounding.
const ROUNDING: f64 = 1e-12;

/// A place on the way.
struct Stand {
    at: Vec<Vector>,
    response: Response,
    energy: f64,
    /// The share of the forces of the beginning that is out of balance.
    left: f64,
    /// The size of the forces on what is held.
    held: f64,
}

/// Displacements near `at`, on every process, at which the forces of a body balance, and the share of them that is left;
/// none where it is not near enough.
///
/// # Errors
/// A lost process.
pub(super) fn newton(runtime: &Runtime, body: &Body, at: &[Vector], stop: Stop) -> Result<Option<(Vec<Vector>, f64)>> {
    let mut mass = vec![0.0; body.nodes.len()];
    for (a, b, spring) in &body.springs {
        mass[*a as usize] += spring.stiffness;
        mass[*b as usize] += spring.stiffness;
    }
    // What no spring holds does not move by itself.
    mass.iter_mut().filter(|mass| **mass == 0.0).for_each(|mass| *mass = 1.0);
    let given = body.response(&body.given());
    let beginning = Some(body.out_of_balance(&given)).filter(|left| *left > 0.0).unwrap_or(1.0);
    let mut now = Stand::new(body, at.to_vec(), beginning);
    let mut cling = FIRST;
    for _ in 0..STEPS {
        let Some(step) = step(runtime, body, &now, cling, &mass)? else {
            cling *= MORE;
            if cling > MOST {
                return Ok(None);
            }
            continue;
        };
        let next = now.downhill(body, &step, beginning);
        // Of springs that are all slack rounding is left, which has no size to come near to.
        let stays = (next.held - now.held).abs() <= stop.tolerance * next.held || next.response.is_slack(&given);
        if next.left <= stop.tolerance && stays {
            return Ok(Some((next.at, next.left)));
        }
        let better = next.energy < now.energy - ROUNDING * now.energy.abs() || next.left < now.left;
        if better {
            cling = (cling * LESS).max(LEAST);
            now = next;
        } else if cling < MOST {
            cling *= MORE;
        } else {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The step from a place, on every process; none where what resists there, and what clings, do not bear what is out of
/// balance.
fn step(runtime: &Runtime, body: &Body, now: &Stand, cling: f64, mass: &[f64]) -> Result<Option<Vec<Vector>>> {
    let mut tangent = body.tangent_above(&now.at, 0.0);
    for ((node, reaction), mass) in tangent.nodes.iter_mut().zip(&now.response.reactions).zip(mass) {
        (node.displacement, node.load) = (Vector::default(), reaction.free(node.held).times(-1.0));
        node.foundation += cling * mass;
    }
    if tangent.is_small() {
        let first = runtime.workers().is_first();
        let step = if first { tangent.outright().unwrap_or_default() } else { Vec::new() };
        let step = everywhere(runtime, &step)?;
        return Ok(Some(step).filter(|step| step.len() == body.nodes.len()));
    }
    // Steps become as small as what is left: so do the numbers of this balance.
    let scales = tangent.scales();
    let back = scales.1 / scales.0;
    let within = Stop { tolerance: STEP, iterations: 1000 + ITERATIONS * 3 * body.nodes.len() as u64 };
    match tangent.scaled(scales).balance_linear(Solver::Gradients, runtime, within, &Config::default()) {
        Ok(found) => {
            let step = everywhere(runtime, &found.displacements)?;
            Ok(Some(step.into_iter().map(|step| step.times(back)).collect()))
        }
        Err(error) if error.kind() == Kind::Program => Ok(None),
        Err(error) => Err(error),
    }
}

impl Stand {
    fn new(body: &Body, at: Vec<Vector>, beginning: f64) -> Self {
        let response = body.response(&at);
        let square = |sum: f64, reaction: Vector| sum + reaction.dot(reaction);
        Self {
            energy: body.potential(&at),
            left: body.out_of_balance(&response) / beginning,
            held: body.reactions(&response).into_iter().fold(0.0, square).sqrt(),
            response,
            at,
        }
    }

    /// The place where a step ends, or before it the one from which it would go uphill.
    fn downhill(&self, body: &Body, step: &[Vector], beginning: f64) -> Self {
        let to = |share: f64| -> Vec<Vector> {
            self.at.iter().zip(step).map(|(at, step)| at.plus(step.times(share))).collect()
        };
        let uphill = |response: &Response| {
            let nodes = response.reactions.iter().zip(&body.nodes).zip(step);
            nodes.map(|((reaction, node), step)| reaction.free(node.held).dot(*step)).sum::<f64>() > 0.0
        };
        let end = Self::new(body, to(1.0), beginning);
        if !uphill(&end.response) {
            return end;
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVES {
            let middle = 0.5 * (low + high);
            match uphill(&body.response(&to(middle))) {
                true => high = middle,
                false => low = middle,
            }
        }
        Self::new(body, to(low), beginning)
    }
}
