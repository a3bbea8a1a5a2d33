//! A graph in both forms, for the engine and for the plain kernels, and what making it cost.

use std::time::Instant;

use serde::Serialize;

use crate::bench::input::{Cube, Form, Input, kronecker};
use crate::bench::lists::Lists;
use crate::bench::stencil::Padded;
use crate::bench::{memory, plain};
use crate::error::{Error, Result};
use crate::graph::csr::{Csr, Plain};
use crate::graph::cut::ranges;
use crate::graph::kronecker::weight;
use crate::graph::walk::Walk;
use crate::id::VertexId;
use crate::lattice::lattice::Lattice;
use crate::lattice::select::Select;
use crate::lattice::tiling::Tiling;
use crate::programs::weigh::{StepLength, Weigh};
use crate::volume::grid::Grid;
use crate::volume::shape::Spacing;

/// The blocks of every graph, for any number of workers.
pub const BLOCKS: u32 = 2;

/// A graph as the engine has it.
pub enum Graph {
    /// Edges in memory.
    Csr(Csr<()>),
    /// Edges implied by voxels.
    Lattice(Lattice),
}

/// A graph with lengths on its edges, in both forms.
pub enum Lengths {
    /// Of stored edges: whole numbers from 1 to 255, as GAP draws them.
    Drawn {
        /// As the engine has it.
        graph: Csr<u32>,
        /// As the plain kernels have it.
        lists: Lists<(u32, u32)>,
    },
    /// Of implied edges: the distance between the centres of the voxels.
    Steps {
        /// As the engine has it.
        graph: Lattice,
        /// The lengths, as the engine has them.
        weigh: Box<StepLength>,
        /// As the plain kernels have it.
        lists: Lists<(u32, f64)>,
    },
}

/// A graph to measure on, in both forms.
pub struct Case {
    /// What it cost to make.
    pub made: Made,
    /// As the engine has it.
    pub graph: Graph,
    /// As the plain kernels have it; vertex k is the k-th of the engine's.
    pub lists: Lists,
    /// The engine's numbers of the vertices, where they are not 0, 1, 2, ...
    pub names: Option<Vec<u64>>,
    /// As the plain stencil loop has it, where edges are implied.
    pub padded: Option<Padded>,
    /// Where searches begin: the smallest vertex of the largest component.
    pub source: u32,
    lengths: Option<Lengths>,
    seed: u64,
}

/// What making a graph cost. Memory is resident pages more than before, of the whole process;
/// nothing where the system does not tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Made {
    /// The name of the graph.
    pub case: String,
    /// Its vertices.
    pub vertices: u64,
    /// Its edges, each counted once.
    pub edges: u64,
    /// Making the edges or voxels.
    pub generate_seconds: f64,
    /// From the list of edges to the engine's graph; of a lattice only its grid.
    pub build_seconds: f64,
    /// From the list of edges to the plain lists.
    pub plain_build_seconds: f64,
    /// The engine's graph, when it is made.
    pub graph_rss_bytes: Option<u64>,
    /// The most while it is made, the list of edges (8 bytes each) not counted.
    pub build_rss_bytes: Option<u64>,
    /// The plain lists.
    pub plain_bytes: u64,
}

/// What a call gives, and its seconds.
pub(crate) fn timed<T>(call: impl FnOnce() -> T) -> (T, f64) {
    let start = Instant::now();
    let made = call();
    (made, start.elapsed().as_secs_f64())
}

impl Case {
    /// Makes the graph of `input`.
    ///
    /// # Errors
    /// Where it is too large.
    pub fn make(input: &Input, seed: u64) -> Result<Self> {
        let start = Instant::now();
        let (cube, implied) = match input.form {
            Form::Kronecker { .. } => (None, false),
            Form::Stored { edge, stencil } => (Some(Cube::full(edge, stencil)), false),
            Form::Implied { edge, stencil } => (Some(Cube::full(edge, stencil)), true),
            Form::Percolated { edge } => (Some(Cube::percolated(edge, seed)?), true),
        };
        let names = cube.as_ref().filter(|cube| cube.mask.contains(&0)).map(Cube::names);
        let (vertices, edges) = match (input.form, &cube) {
            (Form::Kronecker { scale }, _) => (1 << scale, kronecker(scale, seed)?),
            (_, Some(cube)) => (names.as_ref().map_or(cube.mask.len(), Vec::len) as u64, cube.edges()),
            (_, None) => unreachable!("all others are cubes"),
        };
        if edges.len() >= (u32::MAX / 2) as usize {
            return Err(Error::resource(format!("{}: the plain kernels hold fewer than 2^32 edges", input.name)));
        }
        let generate_seconds = start.elapsed().as_secs_f64();
        let (graph, build) = match &cube {
            Some(cube) if implied => lattice(cube)?,
            _ => build(|| Ok(Graph::Csr(stored(vertices, &edges)?)))?,
        };
        let (lists, plain_build_seconds) = timed(|| Lists::new(vertices as u32, &edges));
        let made = Made {
            case: input.name.clone(),
            vertices,
            edges: edges.len() as u64,
            generate_seconds,
            build_seconds: build.seconds,
            plain_build_seconds,
            graph_rss_bytes: build.kept,
            build_rss_bytes: build.peak,
            plain_bytes: lists.bytes(),
        };
        drop(edges);
        let padded = cube.filter(|_| implied).map(|cube| Padded::new(cube.shape, cube.stencil, &cube.mask));
        Ok(Self { made, graph, names, padded, source: source(&lists), lists, lengths: None, seed })
    }

    /// The plain vertex that the engine calls `name`.
    pub fn number(&self, name: u64) -> Option<u32> {
        let place = match &self.names {
            Some(names) => names.binary_search(&name).ok(),
            None => usize::try_from(name).ok().filter(|place| *place < self.lists.len()),
        };
        place.map(|place| place as u32)
    }

    /// The engine's number of a plain vertex.
    pub fn name(&self, number: u32) -> VertexId {
        VertexId(self.names.as_ref().map_or(number.into(), |names| names[number as usize]))
    }

    /// Gives the edges lengths, where they have none yet.
    ///
    /// # Errors
    /// Where the graph is too large with them.
    pub fn measure_edges(&mut self) -> Result<()> {
        let lengths = match &self.graph {
            Graph::Csr(_) => {
                let lists = self.lists.weighted(|a, b| weight(self.seed, VertexId(a.into()), VertexId(b.into())));
                let graph = stored(self.made.vertices, &lists)?;
                Lengths::Drawn { graph, lists }
            }
            Graph::Lattice(lattice) => {
                let shape = lattice.grid().shape();
                let weigh = Box::new(StepLength::new(&Spacing::default()));
                let length = |a, b| {
                    let [from, to] = [a, b].map(|number| shape.voxel(self.name(number).0));
                    weigh.weigh(std::array::from_fn(|axis| (to[axis] as isize - from[axis] as isize) as i8))
                };
                let lists = self.lists.weighted(length);
                Lengths::Steps { graph: lattice.clone(), weigh, lists }
            }
        };
        self.lengths = Some(lengths);
        Ok(())
    }

    /// The graph with lengths.
    ///
    /// # Panics
    /// If the edges were not given any by [`measure_edges`](Case::measure_edges).
    pub fn lengths(&self) -> &Lengths {
        self.lengths.as_ref().expect("the caller has measured the edges")
    }
}

/// A graph whose edges are stored.
fn stored<E: Plain>(vertices: u64, edges: &impl Walk<E>) -> Result<Csr<E>> {
    Csr::undirected_from(vertices, edges, BLOCKS, ranges(vertices, BLOCKS))
}

/// What building a graph cost.
struct Build {
    seconds: f64,
    kept: Option<u64>,
    peak: Option<u64>,
}

/// Builds a graph, and watches time and memory.
fn build(make: impl FnOnce() -> Result<Graph>) -> Result<(Graph, Build)> {
    let before = memory::resident();
    let forgot = memory::forget();
    let (graph, seconds) = timed(make);
    let more = |now: Option<u64>| Some(now?.saturating_sub(before?));
    let build = Build { seconds, kept: more(memory::resident()), peak: more(memory::peak()).filter(|_| forgot) };
    Ok((graph?, build))
}

fn lattice(cube: &Cube) -> Result<(Graph, Build)> {
    let volume = cube.volume();
    let [nz, ny, nx] = cube.shape.0;
    let slabs = [nz.div_ceil(BLOCKS as usize), ny, nx];
    build(|| {
        let tiling = Tiling::with_grid(volume, Grid::with_block(cube.shape, slabs)?)?;
        Ok(Graph::Lattice(Lattice::of(tiling, Select::NonZero, cube.stencil)?))
    })
}

/// The smallest vertex of the largest component.
fn source(lists: &Lists) -> u32 {
    let components = plain::components(lists);
    let mut sizes = vec![0u32; lists.len()];
    components.iter().for_each(|component| sizes[*component as usize] += 1);
    let largest = (0..).zip(&sizes).max_by_key(|(vertex, size)| (**size, std::cmp::Reverse(*vertex)));
    largest.map_or(0, |(vertex, _)| vertex)
}
