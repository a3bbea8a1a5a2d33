//! Mechanisms: displacements that draw no spring out, and so are resisted by nothing. Single contacts, chains,
//! frames without diagonals, bodies that nothing holds.
//!
//! A displacement is what forces can bring about and a mechanism, at right angles to each other. Given the
//! forces that a displacement makes, conjugate gradients find the first part; what is left is the second.
//! A displacement drawn at random has a share of every mechanism, so where it leaves nothing there is none.
//! The method is iterative: what is softer than 1e-5 of the stiffest may count as a mechanism.

use crate::error::{Error, Kind, Result};
use crate::graph::mix::mix;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::force::contact_springs::{AsGiven, Body};
use crate::programs::force::elastic::Node;
use crate::programs::force::solve::{Stop, balance};
use crate::programs::force::vector::Vector;

/// The balance that finds the part of a displacement that forces can bring about.
const STOP: Stop = Stop { tolerance: 1e-10, iterations: 100_000 };

/// A displacement that is none, beside one of about 1.
const NONE: f64 = 1e-5;

/// Nodes named in an error.
const NAMED: usize = 8;

/// The nodes that a mechanism moves, by their place in the body; on every process.
///
/// # Errors
/// As [`balance`].
pub fn mechanisms(runtime: &Runtime, body: &Body, config: &Config) -> Result<Vec<usize>> {
    let drawn = |node: usize| Vector(std::array::from_fn(|axis| drawn(3 * node as u64 + axis as u64)));
    let drawn: Vec<Vector> = (0..body.nodes.len()).map(drawn).collect();
    idle(runtime, body, drawn, config)
}

/// Refuses loads that work on a mechanism, or on what is so soft that it passes for one: for those that find no
/// balance. Alike on every process.
///
/// # Errors
/// Such a load, with the cells it moves; as [`balance`].
pub fn refuse_idle_loads(runtime: &Runtime, body: &Body, config: &Config) -> Result<()> {
    match idle_loads(runtime, body, config)? {
        None => Ok(()),
        Some(what) => Err(Error::new(Kind::Program, what)),
    }
}

/// What is wrong with loads that work on a mechanism, if there are any.
pub(super) fn idle_loads(runtime: &Runtime, body: &Body, config: &Config) -> Result<Option<String>> {
    if body.nodes.iter().all(|node| node.load.free(node.held) == Vector::default()) {
        return Ok(None);
    }
    let largest = body.nodes.iter().map(|node| node.load.free(node.held).length()).fold(0.0, f64::max);
    let loads = body.nodes.iter().map(|node| node.load.times(1.0 / largest)).collect();
    let moved = idle(runtime, body, loads, config)?;
    if moved.is_empty() {
        return Ok(None);
    }
    let named: Vec<String> = moved.iter().take(NAMED).map(|node| body.labels[*node].to_string()).collect();
    let more = if moved.len() > NAMED { format!(" and {} more", moved.len() - NAMED) } else { String::new() };
    Ok(Some(format!(
        "a load moves cells that nothing, or next to nothing, holds back: {}{more}: hold them, or load others",
        named.join(", ")
    )))
}

/// The nodes that mechanisms have a share of, in displacements of free nodes the largest of which is about 1.
fn idle(runtime: &Runtime, body: &Body, displacements: Vec<Vector>, config: &Config) -> Result<Vec<usize>> {
    let free = |(vector, node): (Vector, &Node)| vector.free(node.held);
    let displacements: Vec<Vector> = displacements.into_iter().zip(&body.nodes).map(free).collect();
    let still = |node: &Node| Node { held: node.held, ..Node::default() };
    let mut asked = Body { nodes: body.nodes.iter().map(still).collect(), ..body.scaled(body.scales()) };
    let forces = asked.response(&displacements).reactions;
    asked.nodes.iter_mut().zip(forces).for_each(|(node, force)| node.load = force.free(node.held));
    // Process 0 has what forces can bring about, and tells the others.
    let brought = balance(runtime, &asked.graph()?, &AsGiven, STOP, config)?.displacements;
    let left = displacements.iter().zip(&brought).map(|(all, brought)| all.minus(*brought).length());
    let moved: Vec<usize> = left.enumerate().filter(|(_, left)| *left > NONE).map(|(node, _)| node).collect();
    Ok(runtime.all_gather(Ok(moved))?.concat())
}

/// A number between -1 and 1 that depends on `at` alone.
pub(super) fn drawn(at: u64) -> f64 {
    mix(at) as f64 / 2f64.powi(63) - 1.0
}
