//! `septa run`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;

use crate::cli::contacts::summarise;
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::cli::progress::{Attended, bar};
use crate::error::{Error, Result};
use crate::graph::cut::ranges;
use crate::graph::read::read_graph;
use crate::graph::topology::Topology;
use crate::id::VertexId;
use crate::lattice::contact::ContactGraph;
use crate::lattice::lattice::Lattice;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::Want;
use crate::lattice::tiling::Tiling;
use crate::measure::table::{Column, Table, Values};
use crate::measure::write::write_table;
use crate::pregel::run::{Config, Report};
use crate::programs::components::Components;
use crate::programs::copy::Copy;
use crate::programs::pagerank::PageRank;
use crate::programs::propagation::Propagation;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa run components data/spheres.tif --connectivity 26 -o components.csv\n  \
                        septa run pagerank data/cells.tif --contacts -o rank.csv\n  \
                        septa run propagation graph.graphml -o communities.csv")]
pub(crate) struct Args {
    /// Names the programs
    #[arg(long)]
    list: bool,
    /// The program
    #[arg(value_name = "PROGRAM", required_unless_present = "list")]
    program: Option<Program>,
    /// A volume (its voxels that are not zero, as a lattice), an edge list (.csv .tsv .txt .edges), GraphML
    #[arg(value_name = "INPUT", required_unless_present = "list")]
    input: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Where to write one row a vertex: .csv, .json (.parquet where that was built in)
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// The volume holds labels: run on the graph of cells and contacts
    #[arg(long)]
    contacts: bool,
    /// Which voxels are neighbours
    #[arg(long, value_name = "6|18|26", default_value = "6")]
    connectivity: Stencil,
    /// The edges of an edge list have a direction; GraphML says so itself
    #[arg(long)]
    directed: bool,
    /// Supersteps at most, of programs that iterate [default: 20 for pagerank, 10 for propagation]
    #[arg(long, value_name = "N")]
    iterations: Option<u64>,
    /// More supersteps than this are an error
    #[arg(long, value_name = "N")]
    max_supersteps: Option<u64>,
    /// pagerank: the share that follows an edge
    #[arg(long, value_name = "D", default_value_t = 0.85)]
    damping: f64,
    /// pagerank: end when no more rank than this has moved
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    tolerance: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Program {
    /// The smallest vertex of each vertex's component; for a volume «septa label» is far quicker
    Components,
    /// PageRank, 20 iterations as a rule
    Pagerank,
    /// Communities by label propagation, 10 iterations as a rule
    Propagation,
}

/// What a run gives: a value a vertex, and its report.
struct Ran {
    column: Column,
    vertices: Vec<u64>,
    figures: Figures,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let (Some(program), Some(input), false) = (args.program, &args.input, args.list) else {
        let programs = Program::value_variants().iter().filter_map(|program| program.to_possible_value());
        let named = programs.map(|named| (named.get_name().to_string(), named.get_help().map(ToString::to_string)));
        return Ok(named.fold(Figures::default(), |all, (name, help)| all.with(&name, help)));
    };
    if let Some(path) = &args.output {
        context.check_table(path, Some(input))?;
        context.check_record(path)?;
    }
    if !(0.0..=1.0).contains(&args.damping) || !(0.0..).contains(&args.tolerance) {
        let given = format!("--damping {} --tolerance {}", args.damping, args.tolerance);
        return Err(Error::usage(format!("{given}: give a share between 0 and 1, and 0 or more")));
    }
    let ran = if is_graph(input) {
        let mut file = read_graph(input)?;
        file.directed |= args.directed;
        let count = file.nodes.len() as u64;
        let names: Option<Vec<u64>> = file.nodes.iter().map(|name| name.parse().ok()).collect();
        let names = names.ok_or_else(|| {
            let what = "its vertices are named by words, and tables of vertices hold numbers: number them";
            Error::input(input.display(), what)
        })?;
        let graph = file.to_csr(None, blocks(count), ranges(count, blocks(count)))?;
        let ran = on(context, args, program, &graph, count)?;
        renamed(ran, &names)
    } else if args.contacts {
        let source = context.readable(args.reading.open(input)?)?;
        let want = Want { cells: true, contacts: Some(args.connectivity) };
        let summary = summarise(context, &source, want)?;
        let count = summary.cells.len() as u64;
        let graph = ContactGraph::new(summary.cells.keys().copied(), &summary.contacts, blocks(count))?;
        renamed(on(context, args, program, &graph.graph, count)?, &graph.labels)
    } else {
        let source = context.readable(args.reading.open(input)?)?;
        let tiling = Tiling::new(Arc::clone(&source), context.common.block)?;
        let counted = context.runtime()?.run(&tiling, &Copy { give: false }, &Config::default(), |_, _| Ok(()))?;
        let voxels = source.header().shape.voxels().unwrap_or(0);
        let attended = Attended::new(source, bar("read", voxels, context.common.quiet));
        let lattice = Lattice::new(Arc::new(attended), context.common.block, Select::NonZero, args.connectivity)?;
        on(context, args, program, &lattice, counted.global.0)?
    };
    if let Some(path) = &args.output {
        if context.is_first() {
            let table = Table::new("vertices", vec![Column::new("vertex", "", ran.vertices), ran.column])?;
            write_table(path, &table)?;
        }
        context.record(path, &[input], &ran.figures)?;
    }
    Ok(ran.figures)
}

fn is_graph(path: &std::path::Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    ["graphml", "csv", "tsv", "txt", "edges"].contains(&ending.as_str())
}

/// As many blocks as keep every worker busy; never one for a handful of vertices. The number
/// does not depend on the workers, so that sums of floats do not either.
fn blocks(vertices: u64) -> u32 {
    vertices.div_ceil(1 << 14).clamp(1, 64) as u32
}

fn on<G: Topology>(context: &Context, args: &Args, program: Program, graph: &G, count: u64) -> Result<Ran> {
    let config = Config { max_supersteps: args.max_supersteps };
    let runtime = context.runtime()?;
    match program {
        Program::Components => {
            let (states, report) = runtime.vertices(graph, &Components, &config)?;
            let components = states.iter().filter(|(vertex, label)| vertex.0 == *label).count();
            Ok(ran("component", states, &report, Figures::default().with("components", components)))
        }
        Program::Pagerank => {
            let iterations = args.iterations.unwrap_or(20);
            let pagerank = PageRank { vertices: count, damping: args.damping, iterations, tolerance: args.tolerance };
            let (states, report) = runtime.vertices(graph, &pagerank, &config)?;
            let moved = report.global.1.0;
            let moved = moved.is_finite().then_some(moved);
            Ok(ran("pagerank", states, &report, Figures::default().with("moved", moved)))
        }
        Program::Propagation => {
            let propagation = Propagation { iterations: args.iterations.unwrap_or(10) };
            let (states, report) = runtime.vertices(graph, &propagation, &config)?;
            let mut communities: Vec<u64> = states.iter().map(|(_, label)| *label).collect();
            communities.sort_unstable();
            communities.dedup();
            Ok(ran("community", states, &report, Figures::default().with("communities", communities.len())))
        }
    }
}

fn ran<S, Gl>(name: &str, states: Vec<(VertexId, S)>, report: &Report<Gl>, figures: Figures) -> Ran
where
    Values: From<Vec<S>>,
{
    let (vertices, values): (Vec<u64>, Vec<S>) = states.into_iter().map(|(vertex, state)| (vertex.0, state)).unzip();
    let figures = Figures::default()
        .with("vertices", vertices.len())
        .and(figures)
        .with("supersteps", report.supersteps)
        .with("messages", report.messages)
        .with("seconds", report.seconds);
    Ran { column: Column::new(name, "", values), vertices, figures }
}

/// The same with vertex k, and every value that names it, called `names[k]`.
fn renamed(mut ran: Ran, names: &[u64]) -> Ran {
    let name = |vertex: &mut u64| *vertex = names[*vertex as usize];
    ran.vertices.iter_mut().for_each(name);
    if let Values::Labels(values) = &mut ran.column.values {
        values.iter_mut().for_each(name);
    }
    ran
}
