//! A balance of forces that are not linear in displacements: FIRE, from the linear balance where that is nearer, and
//! Newton's method where it has come near.

use crate::error::{Error, Kind, Result};
use crate::graph::csr::Csr;
use crate::graph::cut::ranges;
use crate::id::VertexId;
use crate::pregel::run::{Checkpoint, Config};
use crate::pregel::runtime::Runtime;
use crate::programs::force::contact_springs::Body;
use crate::programs::force::fire::{Fire, Place, Placed};
use crate::programs::force::fire_steps::End;
use crate::programs::force::gradients::failed;
use crate::programs::force::law::Law;
use crate::programs::force::mechanisms::{drawn, idle_loads};
use crate::programs::force::newton::newton;
use crate::programs::force::solve::{Balance, Stop};
use crate::programs::force::vector::Vector;

/// The linear balance that it begins with need be no better.
const NEAR: f64 = 1e-6;

/// How near FIRE comes before Newton's method is tried, leg by leg; the last comes as near as is asked.
const LEGS: [f64; 3] = [1e-3, 1e-5, 0.0];

/// How often a balance that does not last is left.
const NUDGES: u64 = 4;

/// How far nodes are displaced to leave it, over the length of the shortest spring.
const NUDGE: f64 = 1e-3;

/// Balances the forces of a body whose law is not linear, and whose stiffness and forces are near 1.
///
/// # Errors
/// Where loads move what nothing holds, with the cells; where there is no balance in so many iterations.
pub(super) fn relax(runtime: &Runtime, body: &Body, stop: Stop, config: &Config) -> Result<Balance> {
    let lengths =
        body.springs.iter().map(|(a, b, _)| body.places[*b as usize].minus(body.places[*a as usize]).length());
    let (shortest, longest) = lengths.fold((f64::INFINITY, 0.0), |(low, high), l| (l.min(low), l.max(high)));
    let fits = body.springs.is_empty() || shortest.is_normal() && (longest * longest).is_finite();
    if !fits {
        return Err(Error::usage("distances are too large or too small for forces like these: choose other units"));
    }
    let mut found = settle(runtime, body, body.beginning(runtime)?, stop, config)?;
    if !body.law.large {
        // The energy has no saddles.
        return Ok(found);
    }
    for nudge in 0..NUDGES {
        let at = everywhere(runtime, &found.displacements)?;
        if body.tangent(&at).lasts(runtime)? {
            return Ok(found);
        }
        let jolt = |node: usize| Vector(std::array::from_fn(|axis| drawn((3 * node + axis) as u64 + (nudge << 40))));
        let start: Vec<Vector> =
            at.iter().enumerate().map(|(node, at)| at.plus(jolt(node).times(NUDGE * shortest))).collect();
        let more = settle(runtime, body, start, stop, &Config::default())?;
        found = found.then(more);
    }
    let what = "forces balance, but the least push ends that, again and again: load it less, or hold more";
    Err(Error::new(Kind::Program, what))
}

/// What process 0 has, on all of them.
pub(super) fn everywhere(runtime: &Runtime, displacements: &[Vector]) -> Result<Vec<Vector>> {
    Ok(runtime.all_gather(Ok(displacements.to_vec()))?.concat())
}

/// FIRE from a start, leg by leg, and Newton's method where it has come near.
fn settle(runtime: &Runtime, body: &Body, start: Vec<Vector>, stop: Stop, config: &Config) -> Result<Balance> {
    let mut at = start;
    let mut all: Option<Balance> = None;
    for (leg, near) in LEGS.into_iter().enumerate() {
        let flown = all.as_ref().map_or(0, |all| all.iterations);
        let tolerance = stop.tolerance.max(near);
        let until = Stop { tolerance, iterations: stop.iterations.saturating_sub(flown) };
        let (next, end) = fly(runtime, body, &at, until, &of_leg(config, leg))?;
        let found = match all.take() {
            None => next,
            Some(before) => before.then(next),
        };
        at = everywhere(runtime, &found.displacements)?;
        if end == End::Balanced && tolerance <= stop.tolerance {
            return Ok(found);
        }
        let finite = at.iter().all(|displacement| displacement.length().is_finite());
        if end != End::Tired
            && finite
            && let Some((there, residual)) = newton(runtime, body, &at, stop)?
        {
            let displacements = if runtime.workers().is_first() { there } else { Vec::new() };
            return Ok(Balance { displacements, residual, ..found });
        }
        if end != End::Balanced {
            return Err(unbalanced(runtime, body, finite.then_some(&at), end, found.history)?);
        }
        all = Some(found);
    }
    let history = all.map_or_else(Vec::new, |all| all.history);
    Err(unbalanced(runtime, body, Some(&at), End::Nowhere, history)?)
}

/// How a leg is run: it is saved in a folder of its own, and the first is watched.
fn of_leg(config: &Config, leg: usize) -> Config {
    let checkpoint = config
        .checkpoint
        .as_ref()
        .map(|saved| Checkpoint { folder: saved.folder.join(format!("leg-{leg}")), ..saved.clone() });
    let watch = config.watch.clone().filter(|_| leg == 0);
    Config { checkpoint, watch, ..config.clone() }
}

/// FIRE from a start, and why it ended.
fn fly(runtime: &Runtime, body: &Body, start: &[Vector], stop: Stop, config: &Config) -> Result<(Balance, End)> {
    let program = Fire { law: body.law, stop };
    let (made, report) = runtime.collect(&body.placed(start, None)?, &program, config)?;
    // Three supersteps begin, one ends, and two are an iteration.
    let iterations = report.supersteps.saturating_sub(5) / 2;
    let end = report.global.end.unwrap_or(End::Nowhere);
    Ok((Balance::of(made, report.global.relative(), iterations, &report), end))
}

/// The error of a body that has come to no balance, with the cells that loads move without end, if there are any.
fn unbalanced(runtime: &Runtime, body: &Body, at: Option<&Vec<Vector>>, end: End, history: Vec<f64>) -> Result<Error> {
    let what = match end {
        End::Tired => "no balance yet: allow more iterations, or a larger tolerance",
        End::Beyond => "forces left the range of floats: load less, or hold more",
        _ => "forces come no nearer to a balance: allow a larger tolerance, load less, or hold more",
    };
    let history: Vec<f64> = runtime.all_gather(Ok(history))?.concat();
    let idle = at.map_or(Ok(None), |at| idle_loads(runtime, &body.tangent(at), &Config::default()));
    match idle {
        Ok(Some(idle)) => Ok(Error::new(Kind::Program, idle)),
        Err(error) if error.kind() != Kind::Program => Err(error),
        _ => Ok(failed(what, &history)),
    }
}

impl Balance {
    /// What was found by going on from here.
    fn then(mut self, next: Self) -> Self {
        self.history.extend(&next.history);
        self.iterations += next.iterations;
        self.supersteps += next.supersteps;
        (self.displacements, self.residual) = (next.displacements, next.residual);
        self.resumed = self.resumed.or(next.resumed);
        self
    }
}

impl Body {
    /// The graph of its springs and places, with what its nodes begin with; in so many blocks, by default in as
    /// many as [`graph`](Self::graph).
    ///
    /// # Errors
    /// As [`Csr::undirected`].
    pub fn placed(&self, start: &[Vector], blocks: Option<u32>) -> Result<Placed> {
        let count = self.nodes.len() as u64;
        let blocks = blocks.unwrap_or_else(|| self.blocks());
        let vertex = |node: &u32| VertexId(u64::from(*node));
        let springs: Vec<_> = self.springs.iter().map(|(a, b, s)| (vertex(a), vertex(b), s.stiffness)).collect();
        let nodes = self.places.iter().zip(&self.nodes).zip(start);
        let nodes = nodes.map(|((place, node), start)| Place { place: *place, node: *node, start: *start });
        Csr::undirected(count, &springs, blocks, ranges(count, blocks))?.with_values(nodes.collect())
    }

    /// Displacements to begin with: those of the linear balance where there is one and its energy is less than that of
    /// what is given alone.
    fn beginning(&self, runtime: &Runtime) -> Result<Vec<Vector>> {
        let given = self.given();
        if self.out_of_balance(&self.response(&given)) == 0.0 {
            return Ok(given);
        }
        let linear = Self { law: Law::default(), ..self.clone() };
        let stop = Stop { tolerance: NEAR, ..Stop::default() };
        match linear.balance(runtime, stop, &Config::default()) {
            Ok(found) => {
                let found = everywhere(runtime, &found.displacements)?;
                Ok(if self.potential(&found) < self.potential(&given) { found } else { given })
            }
            // What bears the load only when it has moved far, or not at all: which of them is found later.
            Err(error) if error.kind() == Kind::Program => Ok(given),
            Err(error) => Err(error),
        }
    }

    /// The energy of springs and loads.
    pub(super) fn potential(&self, displacements: &[Vector]) -> f64 {
        let springs: f64 = self.response(displacements).energies.iter().sum();
        let loads = self.nodes.iter().zip(displacements).map(|(node, at)| node.load.free(node.held).dot(*at));
        springs - loads.sum::<f64>()
    }
}
