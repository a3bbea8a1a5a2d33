//! `septa run`: its arguments, and what it runs on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use crate::cli::contacts::summarise;
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::cli::progress::{Attended, bar};
use crate::cli::run_programs::{Asked, Program, Ran, on, percolation};
use crate::cli::run_saving::Saving;
use crate::error::{Error, Result};
use crate::graph::cut::{blocks, ranges};
use crate::graph::read::{is_graph, read_graph};
use crate::id::VertexId;
use crate::lattice::contact::ContactGraph;
use crate::lattice::lattice::Lattice;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Want};
use crate::lattice::tiling::Tiling;
use crate::measure::table::{Column, Table};
use crate::measure::write::write_table;
use crate::pregel::run::Config;
use crate::programs::copy::{Copy, count};
use crate::programs::weigh::{Hop, StepLength, Value};
use crate::volume::region::Region;
use crate::volume::source::VolumeSource;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa run components data/spheres.tif --connectivity 26 -o components.csv\n  \
                        septa run pagerank data/cells.tif --contacts -o rank.csv\n  \
                        septa run distance graph.csv --source 7 --weight length -o distance.csv\n  \
                        septa run pagerank graph.csv --iterations 1000 --checkpoint saved --every-seconds 30")]
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
    /// Which voxels are neighbours [default: 6]
    #[arg(long, value_name = "6|18|26")]
    connectivity: Option<Stencil>,
    /// The edges of an edge list have a direction; GraphML says so itself
    #[arg(long)]
    directed: bool,
    /// bfs, distance: vertices that the search starts from; of a volume one voxel z,y,x
    #[arg(long, value_name = "ID[,ID...]")]
    source: Option<String>,
    /// distance: the attribute of the edges that is their length [default: 1 each; in a volume as its spacing]
    #[arg(long, value_name = "COLUMN")]
    weight: Option<String>,
    /// betweenness: from how many vertices, chosen by --seed [default: all up to 200 vertices, else 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sources: Option<u64>,
    /// pagerank, propagation: supersteps at most [default: 20 for pagerank, 10 for propagation]
    #[arg(long, value_name = "N")]
    iterations: Option<u64>,
    /// More supersteps than this are an error
    #[arg(long, value_name = "N")]
    max_supersteps: Option<u64>,
    /// pagerank: the share that follows an edge [default: 0.85]
    #[arg(long, value_name = "D")]
    damping: Option<f64>,
    /// pagerank: end when no more rank than this has moved [default: 0]
    #[arg(long, value_name = "T")]
    tolerance: Option<f64>,
    #[command(flatten)]
    saving: Saving,
}

/// What a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    File,
    Contacts,
    Volume,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let (Some(program), Some(input), false) = (args.program, &args.input, args.list) else {
        let programs = Program::value_variants().iter().filter_map(|program| program.to_possible_value());
        let named = programs.map(|named| (named.get_name().to_string(), named.get_help().map(ToString::to_string)));
        return Ok(named.fold(Figures::default(), |all, (name, help)| all.with(&name, help)));
    };
    let sort = match (is_graph(input), args.contacts) {
        (true, _) => Sort::File,
        (false, true) => Sort::Contacts,
        (false, false) => Sort::Volume,
    };
    args.check(program, sort)?;
    if args.saving.steps && !context.common.json {
        return Err(Error::usage("--steps: tells its figures as JSON alone: give --json too"));
    }
    if let Some(path) = &args.output {
        context.check_table(path, Some(input))?;
        context.check_record(path)?;
    }
    let (config, steps) = args.saving.config(args.max_supersteps);
    let ran = match sort {
        Sort::File => on_file(context, args, program, input, config)?,
        Sort::Contacts => on_contacts(context, args, program, input, config)?,
        Sort::Volume => on_volume(context, args, program, input, config)?,
    };
    let figures = match args.saving.resumes() {
        true => ran.figures.with("resumed", ran.resumed),
        false => ran.figures,
    };
    if let Some(path) = &args.output {
        if context.is_first() {
            let mut columns = vec![Column::new("vertex", "", ran.vertices)];
            columns.extend(ran.columns);
            write_table(path, &Table::new("vertices", columns)?)?;
        }
        context.record(path, &[input], &figures)?;
    }
    Ok(figures.and(steps.figures(ran.supersteps)))
}

impl Args {
    /// Refuses options that the program or what it runs on has no use for, and values that make
    /// no sense.
    fn check(&self, program: Program, sort: Sort) -> Result<()> {
        let name = program.name();
        let iterate = matches!(program, Program::Pagerank | Program::Propagation);
        let pagerank = program == Program::Pagerank;
        let reading = &self.reading;
        let shaped = reading.shape.is_some() || reading.dtype.is_some();
        let spaced = reading.spacing.is_some() || reading.unit.is_some();
        for (given, option, of_use, what) in [
            (self.iterations.is_some(), "--iterations", iterate, "pagerank and propagation"),
            (self.damping.is_some(), "--damping", pagerank, "pagerank"),
            (self.tolerance.is_some(), "--tolerance", pagerank, "pagerank"),
            (self.source.is_some(), "--source", program.searches(), "bfs and distance"),
            (self.weight.is_some(), "--weight", program == Program::Distance, "distance"),
            (self.sources.is_some(), "--sources", program == Program::Betweenness, "betweenness"),
            (self.output.is_some(), "--output", program != Program::Percolation, "programs that give rows"),
        ] {
            if given && !of_use {
                return Err(Error::usage(format!("{option}: an option of {what}, not of {name}: leave it out")));
            }
        }
        for (given, option, of_use, what) in [
            (self.contacts, "--contacts", sort != Sort::File, "volumes, not of graph files"),
            (self.connectivity.is_some(), "--connectivity", sort != Sort::File, "volumes, not of graph files"),
            (shaped, "--shape or --dtype", sort != Sort::File, "volumes, not of graph files"),
            (spaced, "--spacing or --unit", sort != Sort::File, "volumes, not of graph files"),
            (self.directed, "--directed", sort == Sort::File, "edge lists, not of volumes"),
            (self.weight.is_some(), "--weight", sort == Sort::File, "graph files, not of volumes"),
        ] {
            if given && !of_use {
                return Err(Error::usage(format!("{option}: an option of {what}: leave it out")));
            }
        }
        if program.searches() && self.source.is_none() {
            let form = if sort == Sort::Volume { "Z,Y,X" } else { "ID[,ID...]" };
            return Err(Error::usage(format!("{name}: say where the search starts: --source {form}")));
        }
        if self.directed && program.is_undirected() {
            return Err(Error::usage(format!("{name}: only where edges have no direction: leave --directed out")));
        }
        match (program, sort) {
            (Program::Percolation, Sort::File | Sort::Contacts) => {
                Err(Error::usage("percolation: only of a volume, without --contacts"))
            }
            (Program::Betweenness, Sort::Volume) => {
                let what = "betweenness: of cells, not of voxels: label the volume, and give --contacts";
                Err(Error::usage(what))
            }
            _ => self.check_numbers(),
        }
    }

    fn check_numbers(&self) -> Result<()> {
        let (damping, tolerance) = (self.damping.unwrap_or(0.85), self.tolerance.unwrap_or(0.0));
        if (0.0..=1.0).contains(&damping) && (0.0..).contains(&tolerance) {
            return Ok(());
        }
        let given = format!("--damping {damping} --tolerance {tolerance}");
        Err(Error::usage(format!("{given}: give a share between 0 and 1, and 0 or more")))
    }

    /// The program asked with these options, of so many vertices, edges of length `weigh`.
    fn asked<W>(&self, program: Program, config: Config, vertices: u64, weigh: W) -> Asked<W> {
        Asked {
            program,
            config,
            vertices,
            directed: self.directed,
            iterations: self.iterations,
            damping: self.damping,
            tolerance: self.tolerance,
            from: Vec::new(),
            weigh,
            unit: "",
            sources: self.sources,
        }
    }

    /// The vertices that `--source` means, where vertex k is called `names[k]`.
    fn from(&self, names: &[u64], input: &Path) -> Result<Vec<VertexId>> {
        let given = self.source.as_deref().map(|given| given.split(','));
        let vertex = |id: &str| {
            let wrong = |what: String| Error::usage(format!("--source {id}: {what}"));
            let id: u64 = id.trim().parse().map_err(|_| wrong("no number of a vertex".into()))?;
            let place = names.iter().position(|name| *name == id);
            place.map(|place| VertexId(place as u64)).ok_or_else(|| wrong(format!("not in {}", input.display())))
        };
        given.into_iter().flatten().map(vertex).collect()
    }

    /// The voxel that `--source` means.
    fn voxel(&self, source: &Arc<dyn VolumeSource>) -> Result<Vec<VertexId>> {
        let Some(given) = &self.source else { return Ok(Vec::new()) };
        let wrong = |what: String| Error::usage(format!("--source {given}: {what}"));
        let places = given.split(',').map(|place| place.trim().parse().ok()).collect::<Option<Vec<usize>>>();
        let voxel: Option<[usize; 3]> = places.and_then(|places| places.try_into().ok());
        let voxel = voxel.ok_or_else(|| wrong("give one voxel as z,y,x".into()))?;
        let (shape, name) = (source.header().shape, &source.header().name);
        if !Region::whole(shape).contains(voxel) {
            return Err(wrong(format!("outside of {name}, which is {shape}")));
        }
        let region = Region { start: voxel, end: voxel.map(|place| place + 1) };
        match count(&source.read(&region)?) {
            0 => Err(wrong(format!("a voxel of {name} that is zero, and so no vertex"))),
            _ => Ok(vec![VertexId(shape.raster(voxel))]),
        }
    }
}

fn on_file(context: &Context, args: &Args, program: Program, input: &Path, config: Config) -> Result<Ran> {
    let mut file = read_graph(input)?;
    file.directed |= args.directed;
    if file.directed && program.is_undirected() {
        let what = format!("its edges have a direction, and {} is of graphs whose edges have none", program.name());
        return Err(Error::input(input.display(), what));
    }
    let count = file.nodes.len() as u64;
    // What does not read back to itself might name two vertices by one number.
    let number = |name: &String| name.parse().ok().filter(|number: &u64| number.to_string() == *name);
    let names: Option<Vec<u64>> = file.nodes.iter().map(number).collect();
    let names = names.ok_or_else(|| {
        let what = "its vertices are named by words, and tables of vertices hold numbers: number them";
        Error::input(input.display(), what)
    })?;
    let from = args.from(&names, input)?;
    let graph = file.to_csr(args.weight.as_deref(), blocks(count), ranges(count, blocks(count)))?;
    let asked = args.asked(program, config, count, Value);
    Ok(on(context, &graph, Asked { from, directed: file.directed, ..asked })?.renamed(&names))
}

fn on_contacts(context: &Context, args: &Args, program: Program, input: &Path, config: Config) -> Result<Ran> {
    let source = context.readable(args.reading.open(input)?)?;
    let want = Want { cells: Detail::Shape, contacts: Some(args.connectivity.unwrap_or(Stencil::N6)) };
    let summary = summarise(context, &source, want)?;
    let count = summary.cells.len() as u64;
    let graph = ContactGraph::new(summary.cells.keys().copied(), &summary.contacts, blocks(count))?;
    let asked = args.asked(program, config, count, Hop);
    let from = args.from(&graph.labels, input)?;
    Ok(on(context, &graph.graph, Asked { from, ..asked })?.renamed(&graph.labels))
}

fn on_volume(context: &Context, args: &Args, program: Program, input: &Path, config: Config) -> Result<Ran> {
    let source = context.readable(args.reading.open(input)?)?;
    let from = args.voxel(&source)?;
    let vertices = match program.counts() {
        true => {
            let tiling = Tiling::new(Arc::clone(&source), context.common.block)?;
            context.runtime()?.run(&tiling, &Copy { give: false }, &Config::default(), |_, _| Ok(()))?.global.0
        }
        false => 0,
    };
    let voxels = source.header().shape.voxels().unwrap_or(0);
    let spacing = source.header().spacing;
    let attended = Attended::new(source, bar("read", voxels, context.common.quiet));
    let stencil = args.connectivity.unwrap_or(Stencil::N6);
    let lattice = Lattice::new(Arc::new(attended), context.common.block, Select::NonZero, stencil)?;
    if program == Program::Percolation {
        return percolation(context, &lattice, &config, vertices);
    }
    let asked = args.asked(program, config, vertices, StepLength::new(&spacing));
    on(context, &lattice, Asked { from, unit: spacing.unit.symbol(), ..asked })
}
