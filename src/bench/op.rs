//! The operations that are measured: for each a plain kernel, the engine's program, and how the
//! two are held to each other.
//!
//! To add one, write a line in [`OPS`]; its kernel is in [`plain`].

use crate::bench::case::{Case, Graph, Lengths};
use crate::bench::plain::{self, DAMPING, NOWHERE};
use crate::bench::spread::{Spread, label};
use crate::error::{Error, Kind, Result};
use crate::graph::topology::Cut;
use crate::id::VertexId;
use crate::pregel::block::BlockProgram;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::pregel::sweep::Sweep;
use crate::programs::bfs::Bfs;
use crate::programs::components::Components;
use crate::programs::connectivity::Connectivity;
use crate::programs::distance::Distance;
use crate::programs::pagerank::PageRank;
use crate::programs::weigh::Value;

/// PageRank's iterations.
pub const ITERATIONS: u64 = 20;

/// How far apart two ranks may be, relative to the larger.
const TOLERANCE: f64 = 1e-9;

/// A value for each vertex, by its plain number.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Ranks, to be compared up to rounding.
    Ranks(Vec<f64>),
    /// Ranks in the slots of [`Case::padded`].
    Slots(Vec<f64>),
    /// Plain numbers of vertices, hops, or distances in integers.
    Numbers(Vec<u32>),
    /// Distances, to be compared to the bit.
    Distances(Vec<f64>),
}

/// An operation.
pub struct Op {
    /// How rows call it.
    pub name: &'static str,
    /// How often every directed edge is used: what a rate counts.
    pub passes: u64,
    /// Whether it is measured on a case.
    pub fits: fn(&Case) -> bool,
    /// Makes what only this operation needs, before all else.
    pub prepare: fn(&mut Case) -> Result<()>,
    /// The plain kernel.
    pub plain: fn(&Case) -> Answer,
    /// The engine, its results dropped on the workers that made them; the supersteps.
    pub run: fn(&Case, &Runtime) -> Result<u64>,
    /// The engine's results, to be compared; empty on processes other than 0.
    pub answer: fn(&Case, &Runtime) -> Result<Answer>,
}

/// Does the same with the graph of a case, whichever it is.
macro_rules! on {
    ($case:expr, $graph:ident => $call:expr) => {
        match &$case.graph {
            Graph::Csr($graph) => $call,
            Graph::Lattice($graph) => $call,
        }
    };
}

/// Every operation.
pub const OPS: [Op; 6] = [
    Op {
        name: "pagerank",
        passes: ITERATIONS,
        fits: |_| true,
        prepare: |_| Ok(()),
        plain: |case| match &case.padded {
            Some(padded) => Answer::Slots(padded.pagerank(ITERATIONS)),
            None => Answer::Ranks(plain::pagerank(&case.lists, ITERATIONS)),
        },
        run: |case, runtime| on!(case, graph => dropped(runtime, graph, &Sweep::new(rank(case)))),
        answer: |case, runtime| on!(case, graph => values(runtime, graph, &Sweep::new(rank(case)))).map(Answer::Ranks),
    },
    Op {
        name: "components",
        passes: 1,
        fits: |_| true,
        prepare: |_| Ok(()),
        plain: |case| Answer::Numbers(plain::components(&case.lists)),
        run: |case, runtime| on!(case, graph => dropped(runtime, graph, &Connectivity)),
        answer: |case, runtime| smallest(case, on!(case, graph => values(runtime, graph, &Connectivity))?),
    },
    Op {
        name: "labels",
        passes: 1,
        fits: |case| case.made.case == "percolated",
        prepare: |_| Ok(()),
        plain: |case| Answer::Numbers(plain::labels(&case.lists, (0..case.lists.len() as u32).collect())),
        run: |case, runtime| on!(case, graph => dropped(runtime, graph, &Sweep::new(Components))),
        answer: |case, runtime| smallest(case, on!(case, graph => values(runtime, graph, &Sweep::new(Components)))?),
    },
    Op {
        name: "spread",
        passes: 1,
        fits: |case| case.made.case == "percolated",
        prepare: |_| Ok(()),
        plain: |case| {
            let vertices = 0..case.lists.len() as u32;
            Answer::Numbers(plain::labels(&case.lists, vertices.map(|v| label(case.name(v).0)).collect()))
        },
        run: |case, runtime| on!(case, graph => dropped(runtime, graph, &Sweep::new(Spread))),
        answer: |case, runtime| on!(case, graph => values(runtime, graph, &Sweep::new(Spread))).map(Answer::Numbers),
    },
    Op {
        name: "bfs",
        passes: 1,
        fits: |_| true,
        prepare: |_| Ok(()),
        plain: |case| Answer::Numbers(plain::bfs(&case.lists, case.source)),
        run: |case, runtime| on!(case, graph => dropped(runtime, graph, &Bfs { sources: source(case) })),
        answer: |case, runtime| {
            on!(case, graph => values(runtime, graph, &Bfs { sources: source(case) })).map(Answer::Numbers)
        },
    },
    Op {
        name: "sssp",
        passes: 1,
        fits: |_| true,
        prepare: Case::measure_edges,
        plain: |case| match case.lengths() {
            Lengths::Drawn { lists, .. } => Answer::Numbers(plain::sssp(lists, case.source)),
            Lengths::Steps { lists, .. } => Answer::Distances(plain::sssp(lists, case.source)),
        },
        run: |case, runtime| match case.lengths() {
            Lengths::Drawn { graph, .. } => dropped(runtime, graph, &Distance::new(source(case), Value)),
            Lengths::Steps { graph, weigh, .. } => dropped(runtime, graph, &Distance::new(source(case), **weigh)),
        },
        answer: |case, runtime| {
            let distances = match case.lengths() {
                Lengths::Drawn { graph, .. } => values(runtime, graph, &Distance::new(source(case), Value)),
                Lengths::Steps { graph, weigh, .. } => values(runtime, graph, &Distance::new(source(case), **weigh)),
            };
            distances.map(Answer::Distances)
        },
    },
];

impl Op {
    /// Holds what the engine says to what the plain kernel says.
    ///
    /// # Errors
    /// Where they differ, naming a vertex.
    pub fn compare(&self, case: &Case, engine: &Answer, plain: &Answer) -> Result<()> {
        let near = |a: &f64, b: &f64| (a - b).abs() <= TOLERANCE * a.abs().max(b.abs());
        let different = match (engine, plain, &case.padded) {
            (Answer::Ranks(ours), Answer::Ranks(theirs), _) => difference(ours, theirs, near),
            (Answer::Ranks(ours), Answer::Slots(slots), Some(padded)) => {
                difference(ours, &padded.of_vertices(slots), near)
            }
            (Answer::Numbers(ours), Answer::Numbers(theirs), _) => difference(ours, theirs, |a, b| a == b),
            (Answer::Distances(ours), Answer::Distances(theirs), _) => difference(ours, theirs, |a, b| a == b),
            (Answer::Distances(ours), Answer::Numbers(theirs), _) => {
                let float = |distance: &u32| if *distance == NOWHERE { f64::INFINITY } else { f64::from(*distance) };
                difference(ours, &theirs.iter().map(float).collect::<Vec<_>>(), |a, b| a == b)
            }
            _ => Some("it says another sort of thing than the plain kernel".into()),
        };
        different.map_or(Ok(()), |what| {
            let message = format!("{} on {}: {what}", self.name, case.made.case);
            Err(Error::new(Kind::Program, message))
        })
    }
}

fn difference<T: std::fmt::Debug>(ours: &[T], theirs: &[T], same: impl Fn(&T, &T) -> bool) -> Option<String> {
    if ours.len() != theirs.len() {
        return Some(format!("{} values, and the plain kernel has {}", ours.len(), theirs.len()));
    }
    let place = ours.iter().zip(theirs).position(|(ours, theirs)| !same(ours, theirs))?;
    Some(format!("vertex {place} has {:?}, and the plain kernel says {:?}", ours[place], theirs[place]))
}

fn rank(case: &Case) -> PageRank {
    PageRank { iterations: ITERATIONS, damping: DAMPING, ..PageRank::new(case.made.vertices) }
}

/// Where searches begin, as the engine calls it.
fn source(case: &Case) -> Vec<VertexId> {
    vec![case.name(case.source)]
}

/// Components by the plain number of their smallest vertex.
fn smallest(case: &Case, names: Vec<u64>) -> Result<Answer> {
    let unknown = |name| Error::new(Kind::Program, format!("components on {}: no vertex is {name}", case.made.case));
    let numbers: Result<_> = names.into_iter().map(|name| case.number(name).ok_or_else(|| unknown(name))).collect();
    numbers.map(Answer::Numbers)
}

/// Runs a program and drops what it gives; the supersteps.
fn dropped<G: Cut, P: BlockProgram<G>>(runtime: &Runtime, graph: &G, program: &P) -> Result<u64> {
    Ok(runtime.run(graph, program, &Config::default(), |_, _| Ok(()))?.supersteps)
}

/// Runs a program; the values of the vertices, ascending.
fn values<G, P, T>(runtime: &Runtime, graph: &G, program: &P) -> Result<Vec<T>>
where
    G: Cut,
    P: BlockProgram<G, Output: IntoIterator<Item = (VertexId, T)>>,
{
    let (outputs, _) = runtime.collect(graph, program, &Config::default())?;
    let mut values: Vec<(VertexId, T)> = outputs.into_iter().flat_map(|(_, values)| values).collect();
    values.sort_by_key(|(vertex, _)| *vertex);
    Ok(values.into_iter().map(|(_, value)| value).collect())
}
