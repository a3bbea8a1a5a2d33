//! A balance of forces as one call.

use crate::error::Result;
use crate::graph::topology::Topology;
use crate::id::BlockId;
use crate::pregel::run::{Config, Report};
use crate::pregel::runtime::Runtime;
use crate::programs::force::chebyshev::Chebyshev;
use crate::programs::force::elastic::Elastic;
use crate::programs::force::gradients::{ConjugateGradients, Found};
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

/// How displacements are found where forces are linear in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Solver {
    /// Conjugate gradients: the fewest iterations, of two supersteps.
    #[default]
    Gradients,
    /// Chebyshev iteration: more of them, of one superstep.
    Chebyshev,
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
    /// Supersteps, those before a checkpoint included.
    pub supersteps: u64,
    /// The superstep at which it went on from a checkpoint.
    pub resumed: Option<u64>,
}

/// Balances the forces on a graph of vertices 0, 1, ... without gaps, by conjugate gradients.
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
    balance_by(Solver::Gradients, runtime, graph, model, stop, config)
}

/// The same by a solver of one's choice.
///
/// # Errors
/// As [`balance`].
pub fn balance_by<G: Topology, M: Elastic<G>>(
    solver: Solver,
    runtime: &Runtime,
    graph: &G,
    model: &M,
    stop: Stop,
    config: &Config,
) -> Result<Balance> {
    let model = model.clone();
    match solver {
        Solver::Gradients => {
            let Stop { tolerance, iterations } = stop;
            let (made, report) =
                runtime.collect(graph, &ConjugateGradients { model, tolerance, iterations }, config)?;
            // Two supersteps each, after three that begin.
            let iterations = report.supersteps.saturating_sub(3) / 2;
            Ok(Balance::of(made, report.global.relative(), iterations, &report))
        }
        Solver::Chebyshev => {
            let (made, report) = runtime.collect(graph, &Chebyshev { model, stop }, config)?;
            // One each, after two that begin.
            let iterations = report.supersteps.saturating_sub(2);
            Ok(Balance::of(made, report.global.relative(), iterations, &report))
        }
    }
}

impl Balance {
    /// From what blocks have found.
    pub(super) fn of<G>(made: Vec<(BlockId, Found)>, residual: f64, iterations: u64, report: &Report<G>) -> Self {
        let history = made.first().map_or_else(Vec::new, |(_, found)| found.history.clone());
        let mut displacements: Vec<_> = made.into_iter().flat_map(|(_, found)| found.displacements).collect();
        displacements.sort_unstable_by_key(|(node, _)| *node);
        Self {
            displacements: displacements.into_iter().map(|(_, displacement)| displacement).collect(),
            residual,
            history,
            iterations,
            supersteps: report.supersteps,
            resumed: report.resumed,
        }
    }
}
