//! The programs of `septa run`: what each is asked with, and what it gives.

use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::error::{Error, Result};
use crate::graph::topology::Topology;
use crate::id::{BlockId, VertexId};
use crate::lattice::lattice::Lattice;
use crate::measure::table::{Column, Values};
use crate::pregel::run::{Config, Report};
use crate::programs::betweenness::Betweenness;
use crate::programs::bfs::Bfs;
use crate::programs::bridges::Bridges;
use crate::programs::connectivity::Connectivity;
use crate::programs::degree::Degree;
use crate::programs::distance::Distance;
use crate::programs::kcore::KCore;
use crate::programs::pagerank::PageRank;
use crate::programs::percolation::Percolation;
use crate::programs::propagation::Propagation;
use crate::programs::triangles::Triangles;
use crate::programs::weigh::Weigh;

/// Betweenness is exact up to so many vertices, where nothing else is asked for.
const SOURCES: u64 = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Program {
    /// The smallest vertex of each vertex's component; for a volume «septa label» is quicker
    Components,
    /// PageRank, 20 iterations as a rule
    Pagerank,
    /// Communities by label propagation, 10 iterations as a rule
    Propagation,
    /// The edges of each vertex; with a direction those out of it and those into it
    Degree,
    /// The core number of each vertex
    Kcore,
    /// The triangles at each vertex
    Triangles,
    /// Bridges, and the vertices without which a component falls apart
    Bridges,
    /// The shortest paths through each vertex, from all sources or some
    Betweenness,
    /// The hops from the nearest source
    Bfs,
    /// The length of the shortest path from the nearest source
    Distance,
    /// Components of a volume that join opposite faces
    Percolation,
}

impl Program {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_string())
    }

    /// Whether it searches from vertices that it must be given.
    pub(crate) fn searches(self) -> bool {
        matches!(self, Program::Bfs | Program::Distance)
    }

    /// Whether its edges have no direction.
    pub(crate) fn is_undirected(self) -> bool {
        matches!(self, Program::Kcore | Program::Triangles | Program::Bridges | Program::Betweenness)
    }

    /// Whether it must be told how many vertices there are.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Program::Pagerank | Program::Betweenness | Program::Percolation)
    }
}

/// What a program is asked with.
pub(crate) struct Asked<W> {
    pub(crate) program: Program,
    pub(crate) config: Config,
    /// The vertices of the graph, where the program must know.
    pub(crate) vertices: u64,
    pub(crate) directed: bool,
    pub(crate) iterations: Option<u64>,
    pub(crate) damping: Option<f64>,
    pub(crate) tolerance: Option<f64>,
    /// Where a search starts.
    pub(crate) from: Vec<VertexId>,
    /// How long edges are, and in what unit.
    pub(crate) weigh: W,
    pub(crate) unit: &'static str,
    /// From how many vertices betweenness is found.
    pub(crate) sources: Option<u64>,
}

/// What a run gives: columns of values, a row a vertex, and its figures.
pub(crate) struct Ran {
    pub(crate) vertices: Vec<u64>,
    pub(crate) columns: Vec<Column>,
    pub(crate) figures: Figures,
    /// Supersteps computed since the start of this process.
    pub(crate) supersteps: u64,
    pub(crate) resumed: Option<u64>,
}

/// Runs a program on a graph of any sort.
pub(crate) fn on<G: Topology, W: Weigh<G::Edge>>(context: &Context, graph: &G, asked: Asked<W>) -> Result<Ran> {
    let (runtime, config, vertices) = (context.runtime()?, &asked.config, asked.vertices);
    let none = Figures::default();
    Ok(match asked.program {
        Program::Components => {
            let (made, report) = runtime.collect(graph, &Connectivity, config)?;
            let made = rows(made);
            let components = made.iter().filter(|(vertex, label)| vertex.0 == *label).count();
            ran("component", made, &report, none.with("components", components))
        }
        Program::Pagerank => {
            let (iterations, damping) = (asked.iterations.unwrap_or(20), asked.damping.unwrap_or(0.85));
            let tolerance = asked.tolerance.unwrap_or(0.0);
            let program = PageRank { vertices, damping, iterations, tolerance };
            let (made, report) = runtime.vertices(graph, &program, config)?;
            let moved = (tolerance > 0.0).then(|| report.global.1.value());
            ran("pagerank", made, &report, none.with("moved", moved))
        }
        Program::Propagation => {
            let program = Propagation { iterations: asked.iterations.unwrap_or(10) };
            let (made, report) = runtime.vertices(graph, &program, config)?;
            let mut communities: Vec<u64> = made.iter().map(|(_, label)| *label).collect();
            communities.sort_unstable();
            communities.dedup();
            ran("community", made, &report, none.with("communities", communities.len()))
        }
        Program::Degree => {
            let (made, report) = runtime.vertices(graph, &Degree, config)?;
            let entering = asked.directed.then(|| made.iter().map(|(_, degrees)| degrees.entering).collect::<Vec<_>>());
            let leaving = made.into_iter().map(|(vertex, degrees)| (vertex, degrees.leaving)).collect();
            let mut ran = ran("degree", leaving, &report, none);
            ran.columns.extend(entering.map(|entering| Column::new("in_degree", "", entering)));
            ran
        }
        Program::Kcore => {
            let (made, report) = runtime.collect(graph, &KCore, config)?;
            let made = rows(made);
            let largest = made.iter().map(|(_, core)| *core).max();
            ran("core", made, &report, none.with("largest_core", largest))
        }
        Program::Triangles => {
            let (made, report) = runtime.collect(graph, &Triangles, config)?;
            ran("triangles", rows(made), &report, none.with("triangles", report.global.0))
        }
        Program::Bridges => {
            let (made, report) = runtime.collect(graph, &Bridges, config)?;
            let made = rows(made.into_iter().map(|(block, weak)| (block, weak.articulation)).collect());
            let figures = none.with("bridges", report.global.1.0).with("articulation_points", report.global.0.0);
            ran("articulation", made, &report, figures)
        }
        Program::Betweenness => {
            let count = asked.sources.unwrap_or(SOURCES);
            let program = Betweenness::sampled(vertices, count, context.common.seed);
            let (made, report) = runtime.vertices(graph, &program, config)?;
            let made = made.into_iter().map(|(vertex, paths)| (vertex, paths.betweenness)).collect();
            ran("betweenness", made, &report, none.with("sources", program.sources().len()))
        }
        Program::Bfs => {
            let (made, report) = runtime.collect(graph, &Bfs { sources: asked.from }, config)?;
            let found = |hops: u32| if hops == u32::MAX { f64::NAN } else { f64::from(hops) };
            reached("hops", "", rows(made).into_iter().map(|(vertex, hops)| (vertex, found(hops))).collect(), &report)
        }
        Program::Distance => {
            let (made, report) = runtime.collect(graph, &Distance::new(asked.from, asked.weigh), config)?;
            let found = |length: f64| if length.is_finite() { length } else { f64::NAN };
            let made = rows(made).into_iter().map(|(vertex, length)| (vertex, found(length))).collect();
            reached("distance", asked.unit, made, &report)
        }
        Program::Percolation => return Err(Error::usage("percolation: only of a volume, without --contacts")),
    })
}

/// Whether components of a lattice join its faces: figures, and no rows.
pub(crate) fn percolation(context: &Context, lattice: &Lattice, config: &Config, vertices: u64) -> Result<Ran> {
    let report = context.runtime()?.run(lattice, &Percolation, config, |_, ()| Ok(()))?;
    let [z, y, x] = report.global.counts();
    let counts = Figures::default().with("percolating_z", z).with("percolating_y", y).with("percolating_x", x);
    let figures = Figures::default().with("vertices", vertices).and(counts).and(told(&report));
    let supersteps = report.supersteps - report.resumed.unwrap_or(0);
    Ok(Ran { vertices: Vec::new(), columns: Vec::new(), figures, supersteps, resumed: report.resumed })
}

/// What the blocks made, ascending by vertex.
fn rows<S>(made: Vec<(BlockId, impl IntoIterator<Item = (VertexId, S)>)>) -> Vec<(VertexId, S)> {
    let mut rows: Vec<_> = made.into_iter().flat_map(|(_, rows)| rows).collect();
    rows.sort_unstable_by_key(|(vertex, _)| *vertex);
    rows
}

/// What a search gives, NaN where it did not come.
fn reached<Gl>(name: &str, unit: &str, made: Vec<(VertexId, f64)>, report: &Report<Gl>) -> Ran {
    let found = || made.iter().map(|(_, value)| *value).filter(|value| !value.is_nan());
    let farthest = found().reduce(f64::max);
    let figures = Figures::default().with("reached", found().count()).with("farthest", farthest);
    let mut ran = ran(name, made, report, figures);
    ran.columns.iter_mut().for_each(|column| column.unit = unit.to_string());
    ran
}

fn ran<S, Gl>(name: &str, made: Vec<(VertexId, S)>, report: &Report<Gl>, figures: Figures) -> Ran
where
    Values: From<Vec<S>>,
{
    let (vertices, values): (Vec<u64>, Vec<S>) = made.into_iter().map(|(vertex, value)| (vertex.0, value)).unzip();
    let figures = Figures::default().with("vertices", vertices.len()).and(figures).and(told(report));
    let supersteps = report.supersteps - report.resumed.unwrap_or(0);
    Ran { columns: vec![Column::new(name, "", values)], vertices, figures, supersteps, resumed: report.resumed }
}

fn told<Gl>(report: &Report<Gl>) -> Figures {
    let Report { supersteps, messages, seconds, .. } = report;
    Figures::default().with("supersteps", supersteps).with("messages", messages).with("seconds", seconds)
}

impl Ran {
    /// The same with vertex k, and every value that names it, called `names[k]`.
    pub(crate) fn renamed(mut self, names: &[u64]) -> Self {
        let name = |vertex: &mut u64| *vertex = names[*vertex as usize];
        self.vertices.iter_mut().for_each(name);
        for column in &mut self.columns {
            if let (Values::Labels(values), "component" | "community") = (&mut column.values, column.name.as_str()) {
                values.iter_mut().for_each(name);
            }
        }
        self
    }
}
