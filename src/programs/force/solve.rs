//! A balance of forces as one call.

use crate::error::Result;
use crate::graph::topology::Topology;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::force::elastic::Elastic;
use crate::programs::force::gradients::ConjugateGradients;
use crate::programs::force::vector::Vector;

/// When to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// At this share of the forces of the beginning.
    pub tolerance: f64,
    /// More iterations are an error.
    pub iterations: u64,
}

impl Default for Stop {
    fn default() -> Self {
        Self { tolerance: 1e-8, iterations: 100_000 }
    }
}

/// A balance of forces.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    /// The displacement of each node, by vertex; on process 0.
    pub displacements: Vec<Vector>,
    /// The share of the forces of the beginning that is out of balance.
    pub residual: f64,
    /// The same before each iteration; on process 0.
    pub history: Vec<f64>,
    /// How many there were.
    pub iterations: u64,
}

/// Balances the forces on a graph of vertices 0, 1, ... without gaps.
///
/// # Errors
/// As [`Runtime::run`]; where no balance is found: a load that works on what nothing holds, more iterations.
pub fn balance<G: Topology, M: Elastic<G>>(
    runtime: &Runtime,
    graph: &G,
    model: &M,
    stop: Stop,
    config: &Config,
) -> Result<Balance> {
    let Stop { tolerance, iterations } = stop;
    let program = ConjugateGradients { model: model.clone(), tolerance, iterations };
    let (made, report) = runtime.collect(graph, &program, config)?;
    let history = made.first().map_or_else(Vec::new, |(_, found)| found.history.clone());
    let mut displacements: Vec<_> = made.into_iter().flat_map(|(_, found)| found.displacements).collect();
    displacements.sort_unstable_by_key(|(node, _)| *node);
    Ok(Balance {
        displacements: displacements.into_iter().map(|(_, displacement)| displacement).collect(),
        residual: report.global.relative(),
        history,
        // Two supersteps each, after three that begin.
        iterations: report.supersteps.saturating_sub(3) / 2,
    })
}
