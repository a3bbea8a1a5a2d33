//! A balance of a body of voxels as one call.

use crate::error::Result;
use crate::lattice::tiling::Tiling;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::force::elements::found::Found;
use crate::programs::force::elements::solver::Solver;
use crate::programs::force::vector::Vector;

/// A body at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The forces that hold it at each of the supports, for moduli as they are in the volume and voxels of edge 1
    /// along x.
    pub reactions: Vec<Vector>,
    /// The share of the forces of the beginning that is out of balance, found from the displacements.
    pub residual: f64,
    /// The same before each iteration; on process 0.
    pub history: Vec<f64>,
    /// How many there were.
    pub iterations: usize,
    /// Supersteps, those before a checkpoint included.
    pub supersteps: u64,
    /// The superstep at which it went on from a checkpoint.
    pub resumed: Option<u64>,
    /// What the blocks have, in their order; on process 0.
    pub found: Vec<Found>,
}

/// Balances the forces in a volume.
///
/// # Errors
/// As [`Runtime::run`]; where no balance is found: more iterations, parts that hang by nothing.
pub fn settle(runtime: &Runtime, tiling: &Tiling, solver: &Solver, config: &Config) -> Result<Settled> {
    let (made, report) = runtime.collect(tiling, solver, config)?;
    let found: Vec<Found> = made.into_iter().map(|(_, found)| found).collect();
    let history = found.first().map_or_else(Vec::new, |found| found.history.clone());
    let (residual, mut reactions) = report.global.closed();
    reactions.resize(solver.supports.0.len(), Vector::default());
    let (supersteps, resumed) = (report.supersteps, report.resumed);
    let iterations = solver.iterations(supersteps);
    Ok(Settled { reactions, residual, history, iterations, supersteps, resumed, found })
}
