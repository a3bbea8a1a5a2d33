//! The engine against plain, synchronous loops: the same bits for every cut and number of workers.

mod common;

use std::collections::{BTreeMap, VecDeque};

use common::mix::mix;
use common::random::Random;
use common::volume::{cells, cuts, memory, voxels_of};
use septa::combine::{Min, Sum};
use septa::error::Kind;
use septa::graph::csr::Csr;
use septa::graph::cut::{hashed, ranges};
use septa::graph::laws::check;
use septa::graph::topology::{Block, Cut, Topology};
use septa::id::{BlockId, Slot, VertexId};
use septa::lattice::lattice::Lattice;
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::pregel::block::Vote;
use septa::pregel::local;
use septa::pregel::run::{Config, Report};
use septa::pregel::runtime::Runtime;
use septa::pregel::sweep::Sweep;
use septa::pregel::vertex::{Vertex, VertexProgram};
use septa::programs::components::Components;
use septa::programs::labelling::Labelling;
use septa::programs::pagerank::PageRank;
use septa::programs::propagation::Propagation;
use septa::volume::grid::BlockSize;
use septa::volume::shape::Shape;
use septa::workers::Workers;

const STENCILS: [Stencil; 3] = [Stencil::N6, Stencil::N18, Stencil::N26];

type Edges = Vec<(VertexId, VertexId, u32)>;

/// Edges at random: loops and parallel edges among them, and vertices that have none.
fn edges(vertices: u64, count: usize, random: &mut Random) -> Edges {
    let used = (vertices - vertices / 5).max(1);
    let mut edges: Edges =
        (0..count).map(|value| (VertexId(random.below(used)), VertexId(random.below(used)), value as u32)).collect();
    for copy in 0..count / 10 {
        let (from, to, value) = edges[copy * 7 % count];
        edges.push((from, to, value + 1000));
        edges.push((from, from, value + 2000));
    }
    edges
}

/// The graph by ranges and by hash, in one block up to more blocks than vertices.
fn graphs(vertices: u64, edges: &Edges, directed: bool) -> Vec<Csr<u32>> {
    let build = |blocks, owner: &dyn Fn(VertexId) -> BlockId| match directed {
        true => Csr::directed(vertices, edges, blocks, owner).unwrap(),
        false => Csr::undirected(vertices, edges, blocks, owner).unwrap(),
    };
    let mut graphs = Vec::new();
    for blocks in [1, 2, 3, 7, 2 * vertices as u32] {
        graphs.push(build(blocks, &ranges(vertices, blocks)));
        graphs.push(build(blocks, &hashed(blocks)));
    }
    // Most blocks own nothing.
    graphs.push(build(9, &|vertex| BlockId(if vertex.0 % 2 == 0 { 3 } else { 8 })));
    graphs
}

/// Every lattice of a random volume: all stencils, selects and cuts.
fn lattices(shape: Shape, random: &mut Random) -> Vec<Lattice> {
    let volume = memory(shape, cells(shape, 40, 3, random));
    let selects = [Select::NonZero, Select::Zero, Select::Labels, Select::Above(1.0), Select::AtMost(2.0)];
    let mut lattices = Vec::new();
    for stencil in STENCILS {
        for select in selects {
            lattices.extend(cuts(&volume).into_iter().map(|tiling| Lattice::of(tiling, select, stencil).unwrap()));
        }
    }
    lattices
}

fn runtimes() -> Vec<Runtime> {
    (1..=4).map(|threads| Runtime::start(&Workers::threads(threads)).unwrap()).collect()
}

/// The state of every vertex, ascending, and the report.
type Ran<S, Gl> = (Vec<(VertexId, S)>, Report<Gl>);

/// Runs a vertex program on the plain engine.
fn plainly<G: Topology, P: VertexProgram<G>>(graph: &G, program: &P) -> Ran<P::State, P::Global> {
    let mut states = Vec::new();
    let sweep = Sweep::<G, P>::new(program.clone());
    let report = local::run(graph, &sweep, &Config::default(), |_, made| {
        states.extend(made);
        Ok(())
    });
    states.sort_by_key(|(vertex, _)| *vertex);
    (states, report.unwrap())
}

/// The sources of each vertex in the order in which it hears them, and its degree.
struct Plain {
    sources: Vec<(u64, Vec<u64>)>,
    degrees: Vec<u32>,
}

impl Plain {
    /// Of edge lists: by source, parallel edges as they were given.
    fn of_edges(vertices: u64, edges: &Edges, directed: bool) -> Self {
        let mut plain = Self {
            sources: (0..vertices).map(|vertex| (vertex, Vec::new())).collect(),
            degrees: vec![0; vertices as usize],
        };
        let mut join = |from: VertexId, to: VertexId| {
            plain.sources[to.0 as usize].1.push(from.0);
            plain.degrees[from.0 as usize] += 1;
        };
        for (from, to, _) in edges {
            join(*from, *to);
            if !directed && from != to {
                join(*to, *from);
            }
        }
        plain.sources.iter_mut().for_each(|(_, sources)| sources.sort_unstable());
        plain
    }

    /// Of a lattice in one block, as that tells it.
    fn of_block<B: Block>(block: &B) -> Self {
        let slots: Vec<usize> = block.rows().flat_map(|row| block.owned(row)).flatten().collect();
        let mut plain = Self { sources: Vec::new(), degrees: Vec::new() };
        for slot in slots {
            let mut sources = Vec::new();
            block.each_source(Slot(slot as u32), |source, _| sources.push(block.id(source).0));
            plain.sources.push((block.id(Slot(slot as u32)).0, sources));
            plain.degrees.push(block.degree(Slot(slot as u32)));
        }
        plain
    }
}

#[test]
fn graphs_keep_the_laws_for_every_cut() {
    let mut random = Random(21);
    for (vertices, count) in [(1, 2), (5, 10), (40, 30), (60, 300)] {
        let edges = edges(vertices, count, &mut random);
        for directed in [true, false] {
            let graphs = graphs(vertices, &edges, directed);
            for graph in &graphs {
                assert_eq!(check(graph), Ok(()), "{vertices} vertices, directed {directed}");
                let mut listed = Vec::new();
                graph.each_edge(|from, to, value| listed.push((from, to, value)));
                let mut given: Edges = edges.clone();
                if !directed {
                    given.iter_mut().for_each(|(from, to, _)| (*from, *to) = (*from.min(to), *from.max(to)));
                }
                listed.sort_unstable();
                given.sort_unstable();
                assert_eq!(listed, given);
            }
        }
    }
    assert_eq!(check(&Csr::<()>::directed(0, &[], 0, ranges(0, 0)).unwrap()), Ok(()));
    assert_eq!(check(&Csr::<()>::undirected(0, &[], 3, ranges(0, 3)).unwrap()), Ok(()));
}

#[test]
fn lattices_keep_the_laws_for_every_cut() {
    let mut random = Random(22);
    for shape in [[1, 1, 1], [1, 6, 9], [5, 1, 7], [6, 4, 1], [5, 6, 7], [2, 3, 20]].map(Shape) {
        for lattice in lattices(shape, &mut random) {
            assert_eq!(check(&lattice), Ok(()), "{:?}", lattice.grid());
        }
    }
}

#[test]
fn an_edge_that_leaves_the_graph_is_refused() {
    let edges = [(VertexId(0), VertexId(3), ())];
    assert_eq!(Csr::directed(3, &edges, 1, ranges(3, 1)).unwrap_err().kind(), Kind::Input);
    assert_eq!(Csr::<()>::directed(3, &[], 2, |_| BlockId(2)).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn pagerank_is_a_power_iteration_and_its_bits_do_not_depend_on_the_cut() {
    let (runtimes, mut random) = (runtimes(), Random(23));
    for (vertices, count) in [(1, 1), (30, 40), (90, 700)] {
        let edges = edges(vertices, count, &mut random);
        for directed in [true, false] {
            let plain = Plain::of_edges(vertices, &edges, directed);
            let n = vertices as f64;
            let mut ranks = vec![1.0 / n; vertices as usize];
            for _ in 0..20 {
                let dangling: f64 = (0..ranks.len()).filter(|v| plain.degrees[*v] == 0).map(|v| ranks[v]).sum();
                let given = |sources: &Vec<u64>| -> f64 {
                    sources.iter().map(|s| ranks[*s as usize] / f64::from(plain.degrees[*s as usize])).sum()
                };
                ranks = plain.sources.iter().map(|(_, s)| 0.15 / n + 0.85 * (given(s) + dangling / n)).collect();
            }
            let mut whole = None;
            for graph in graphs(vertices, &edges, directed) {
                let program = PageRank::new(vertices);
                let (states, report) = plainly(&graph, &program);
                assert_eq!(report.supersteps, 21);
                assert_eq!(states.len(), ranks.len());
                for ((_, rank), expected) in states.iter().zip(&ranks) {
                    assert!((rank - expected).abs() < 1e-12, "{rank} and {expected}");
                }
                assert_eq!(&states, whole.get_or_insert_with(|| states.clone()), "{} blocks", graph.blocks());
                for runtime in &runtimes {
                    let (fast, told) = runtime.vertices(&graph, &program, &Config::default()).unwrap();
                    assert_eq!(fast, states, "{} workers", runtime.workers().total());
                    assert_eq!((told.supersteps, told.messages), (report.supersteps, report.messages));
                    assert_eq!(told.global, report.global);
                }
            }
        }
    }
}

#[test]
fn rows_at_a_stroke_have_the_bits_of_vertices_one_by_one() {
    let mut random = Random(31);
    let edges = edges(90, 150, &mut random);
    for graph in graphs(90, &edges, true) {
        hold_rows(&graph);
    }
    for lattice in lattices(Shape([5, 6, 20]), &mut random) {
        hold_rows(&lattice);
    }
}

/// With a tolerance vertices are called one by one.
fn hold_rows<G: Topology>(graph: &G) {
    let at_a_stroke = PageRank::new(90);
    let one_by_one = PageRank { tolerance: f64::MIN_POSITIVE, ..at_a_stroke };
    let ((states, report), (expected, told)) = (plainly(graph, &at_a_stroke), plainly(graph, &one_by_one));
    let same = |((a, x), (b, y)): (&(VertexId, f64), &(VertexId, f64))| a == b && x.to_bits() == y.to_bits();
    assert!(states.len() == expected.len() && states.iter().zip(&expected).all(same));
    assert!(report.messages == told.messages || told.supersteps < report.supersteps);
    assert!(report.global.0.value().to_bits() == told.global.0.value().to_bits());
}

/// The least toll on the way from a vertex whose number is divisible by 11; each vertex takes a toll
/// of its own. Some vertices want another call after each that they had news in.
#[derive(Clone, Debug)]
struct Tolls {
    asynchronous: bool,
    heeds: bool,
}

impl<G: Topology> VertexProgram<G> for Tolls {
    /// The toll, and whether a word is due.
    type State = (u64, bool);
    type Message = Min<u64>;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> ((u64, bool), Vote) {
        let id = vertex.id().0;
        if id.is_multiple_of(11) {
            vertex.broadcast(Min(mix(id) % 50));
            return ((0, false), Vote::Halt);
        }
        ((u64::MAX, false), Vote::Halt)
    }

    fn asynchronous(&self) -> bool {
        self.asynchronous
    }

    fn heeds(&self, (toll, _): &(u64, bool), heard: &Min<u64>) -> bool {
        !self.heeds || heard.0 < *toll
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, (toll, due): &mut (u64, bool), heard: Min<u64>) -> Vote {
        let (id, news) = (vertex.id().0, heard.0 < *toll);
        *toll = heard.0.min(*toll);
        if news && id.is_multiple_of(3) {
            *due = true;
            return Vote::Stay;
        }
        if news || std::mem::take(due) {
            vertex.broadcast(Min(*toll + mix(id) % 50));
        }
        Vote::Halt
    }
}

/// The same by relaxing every vertex until nothing changes.
fn tolls(plain: &Plain) -> Vec<(VertexId, (u64, bool))> {
    let mut tolls: BTreeMap<u64, u64> = BTreeMap::new();
    plain.sources.iter().for_each(|(id, _)| _ = tolls.insert(*id, if id.is_multiple_of(11) { 0 } else { u64::MAX }));
    loop {
        let mut quiet = true;
        for (id, sources) in &plain.sources {
            let heard = sources.iter().map(|source| tolls[source].saturating_add(mix(*source) % 50)).min();
            if let Some(heard) = heard.filter(|heard| *heard < tolls[id]) {
                tolls.insert(*id, heard);
                quiet = false;
            }
        }
        if quiet {
            return tolls.into_iter().map(|(id, toll)| (VertexId(id), (toll, false))).collect();
        }
    }
}

#[test]
fn what_is_heard_at_once_ends_as_what_is_heard_in_step() {
    let (runtimes, mut random) = (runtimes(), Random(32));
    let programs = [(false, false), (false, true), (true, false), (true, true)]
        .map(|(asynchronous, heeds)| Tolls { asynchronous, heeds });
    for (vertices, count) in [(1, 1), (200, 260), (300, 1500)] {
        let edges = edges(vertices, count, &mut random);
        for directed in [true, false] {
            let expected = tolls(&Plain::of_edges(vertices, &edges, directed));
            for (turn, graph) in graphs(vertices, &edges, directed).into_iter().enumerate() {
                for program in &programs {
                    let (states, report) = plainly(&graph, program);
                    assert!(states == expected, "{program:?}, {} blocks", graph.blocks());
                    let (states, told) = runtimes[turn % 4].vertices(&graph, program, &Config::default()).unwrap();
                    assert!(states == expected, "{program:?}, {} blocks", graph.blocks());
                    assert_eq!((told.supersteps, told.messages), (report.supersteps, report.messages));
                }
            }
        }
    }
    for lattice in lattices(Shape([6, 7, 11]), &mut random) {
        let in_step = plainly(&lattice, &programs[1]);
        let at_once = plainly(&lattice, &programs[3]);
        assert!(in_step.0 == at_once.0 && at_once.1.supersteps <= in_step.1.supersteps);
    }
}

#[test]
fn a_block_goes_on_until_it_is_quiet() {
    // One path: in step the smallest label takes a superstep a hop.
    let edges: Edges = (1..400).map(|v| (VertexId(v - 1), VertexId(v), 0)).collect();
    for blocks in [1, 4] {
        let graph = Csr::undirected(400, &edges, blocks, ranges(400, blocks)).unwrap();
        let (states, report) = plainly(&graph, &Components);
        assert!(states.iter().all(|(_, label)| *label == 0));
        assert!(report.supersteps <= 2 + u64::from(blocks), "{report:?}");
    }
}

#[test]
fn pagerank_that_has_settled_ends_before_its_iterations() {
    let edges: Vec<_> = (0..20).map(|v| (VertexId(v), VertexId((v * 7 + 1) % 20), ())).collect();
    let graph = Csr::undirected(20, &edges, 3, hashed(3)).unwrap();
    let program = PageRank { iterations: 1000, tolerance: 1e-9, ..PageRank::new(20) };
    let (_, report) = plainly(&graph, &program);
    assert!(report.supersteps < 200 && report.global.1.value() <= 1e-9, "{report:?}");
}

#[test]
fn components_of_a_graph_are_what_a_search_finds() {
    let (runtimes, mut random) = (runtimes(), Random(24));
    for (vertices, count) in [(1, 1), (30, 12), (200, 120), (150, 400)] {
        let edges = edges(vertices, count, &mut random);
        let plain = Plain::of_edges(vertices, &edges, false);
        let mut smallest = vec![u64::MAX; vertices as usize];
        for start in 0..vertices {
            let mut queue = VecDeque::from([start]);
            while let Some(vertex) = queue.pop_front().filter(|_| smallest[start as usize] >= start) {
                if smallest[vertex as usize] == u64::MAX {
                    smallest[vertex as usize] = start;
                    queue.extend(&plain.sources[vertex as usize].1);
                }
            }
        }
        let expected: Vec<_> = (0..vertices).map(VertexId).zip(smallest).collect();
        for graph in graphs(vertices, &edges, false) {
            assert_eq!(plainly(&graph, &Components).0, expected);
            for runtime in &runtimes {
                assert_eq!(runtime.vertices(&graph, &Components, &Config::default()).unwrap().0, expected);
            }
        }
    }
}

#[test]
fn components_of_a_lattice_are_those_of_labelling() {
    let (runtimes, mut random) = (runtimes(), Random(25));
    let shape = Shape([6, 7, 8]);
    for stencil in STENCILS {
        for select in [Select::NonZero, Select::Zero, Select::Labels] {
            let volume = memory(shape, cells(shape, 60, 3, &mut random));
            for (turn, tiling) in cuts(&volume).into_iter().enumerate() {
                let runtime = &runtimes[turn % 4];
                let grid = *tiling.grid();
                let program = Labelling { select, stencil, min_voxels: 0, paint: true, want: None, grid };
                let (painted, _) = runtime.collect(&tiling, &program, &Config::default()).unwrap();
                let mut labelled = Vec::new();
                for block in painted.into_iter().filter_map(|(_, block)| block) {
                    let voxels = block.voxels();
                    for inside in voxels_of(block.region.shape()) {
                        let voxel = std::array::from_fn(|axis| block.region.start[axis] + inside[axis]);
                        labelled.push((VertexId(shape.raster(voxel)), voxels.get(inside) as u64));
                    }
                }
                labelled.sort_unstable();
                labelled.retain(|(_, label)| *label != 0);
                let lattice = Lattice::of(tiling, select, stencil).unwrap();
                let (states, _) = runtime.vertices(&lattice, &Components, &Config::default()).unwrap();
                // Components are named by their first voxel, and numbered in its order.
                let mut names: Vec<u64> = states.iter().map(|(_, first)| *first).collect();
                names.sort_unstable();
                names.dedup();
                let number = |first: u64| names.binary_search(&first).unwrap() as u64 + 1;
                let numbered: Vec<_> = states.into_iter().map(|(vertex, first)| (vertex, number(first))).collect();
                assert!(numbered == labelled, "{stencil} {select:?} {grid:?}");
            }
        }
    }
}

#[test]
fn propagation_is_that_of_a_plain_loop() {
    let (runtimes, mut random) = (runtimes(), Random(26));
    for (vertices, count, directed) in [(1, 1, true), (50, 90, false), (50, 200, true)] {
        let edges = edges(vertices, count, &mut random);
        let plain = Plain::of_edges(vertices, &edges, directed);
        let mut labels: Vec<u64> = (0..vertices).collect();
        for _ in 0..10 {
            let most = |vertex: &(u64, Vec<u64>)| {
                let heard: Vec<u64> = vertex.1.iter().map(|source| labels[*source as usize]).collect();
                let often = |label: u64| heard.iter().filter(|other| **other == label).count();
                let best = heard.iter().copied().max_by_key(|label| (often(*label), u64::MAX - label));
                best.unwrap_or(labels[vertex.0 as usize])
            };
            labels = plain.sources.iter().map(most).collect();
        }
        let expected: Vec<_> = (0..vertices).map(VertexId).zip(labels).collect();
        for graph in graphs(vertices, &edges, directed) {
            assert_eq!(plainly(&graph, &Propagation::default()).0, expected);
            for runtime in &runtimes {
                assert_eq!(runtime.vertices(&graph, &Propagation::default(), &Config::default()).unwrap().0, expected);
            }
        }
    }
}

/// Floats that flare up and die down: in some supersteps nearly all vertices speak, in most a
/// few, so that sweeps go from dense to sparse and back, with sums whose bits tell the order.
#[derive(Clone, Debug)]
struct Flicker {
    supersteps: u64,
}

impl Flicker {
    fn act(&self, id: u64, superstep: u64, state: &mut f64, heard: f64) -> (Option<f64>, Vote) {
        let chance = mix(id * 1000 + superstep);
        let one_in = [1, 2, 3, 60, 60, 60, 200, 200, 200, 7][superstep as usize % 10];
        *state = *state * 0.7 + heard + 1.0 / (1.0 + id as f64);
        let said = chance.is_multiple_of(one_in).then_some(*state / 3.0);
        let stays = superstep < self.supersteps && (chance / 256).is_multiple_of(one_in + 5);
        (said, if stays { Vote::Stay } else { Vote::Halt })
    }
}

impl<G: Topology> VertexProgram<G> for Flicker {
    type State = f64;
    type Message = Sum<f64>;
    type Global = Sum<u64>;

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (f64, Vote) {
        let mut state = 0.0;
        let vote = self.compute(vertex, &mut state, Sum(0.0));
        (state, vote)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut f64, heard: Sum<f64>) -> Vote {
        let (said, vote) = self.act(vertex.id().0, vertex.superstep(), state, heard.0);
        said.into_iter().for_each(|said| vertex.broadcast(Sum(said)));
        vertex.contribute(Sum(1));
        vote
    }

    fn done(&self, superstep: u64, _called: &Sum<u64>) -> bool {
        superstep >= self.supersteps
    }
}

/// The same by a plain loop: the states, the supersteps, and the calls in the last of them.
fn flicker(plain: &Plain, program: &Flicker) -> (Vec<(VertexId, f64)>, u64, u64) {
    let place = |id: u64| plain.sources.binary_search_by_key(&id, |(vertex, _)| *vertex).unwrap();
    let mut states = vec![0.0; plain.sources.len()];
    let mut said = vec![0.0; states.len()];
    let mut stays = vec![true; states.len()];
    for superstep in 0.. {
        let mut saying = vec![0.0; states.len()];
        let mut called = 0;
        for (at, (id, sources)) in plain.sources.iter().enumerate() {
            let heard = sources.iter().fold(0.0, |sum, source| sum + said[place(*source)]);
            if stays[at] || heard != 0.0 {
                called += 1;
                let (word, vote) = program.act(*id, superstep, &mut states[at], heard);
                saying[at] = word.unwrap_or(0.0);
                stays[at] = vote == Vote::Stay;
            }
        }
        said = saying;
        let quiet = said.iter().all(|word| *word == 0.0) && !stays.contains(&true);
        if quiet || superstep >= program.supersteps {
            let vertices = plain.sources.iter().map(|(id, _)| VertexId(*id));
            return (vertices.zip(states).collect(), superstep + 1, called);
        }
    }
    unreachable!("it ends")
}

fn hold_flicker<G: Topology>(plain: &Plain, graph: &G, runtime: &Runtime) {
    let program = Flicker { supersteps: 60 };
    let expected = flicker(plain, &program);
    let (states, report) = plainly(graph, &program);
    assert!((states, report.supersteps, report.global.0) == expected, "plain");
    let (states, report) = runtime.vertices(graph, &program, &Config::default()).unwrap();
    assert!((states, report.supersteps, report.global.0) == expected, "{} workers", runtime.workers().total());
}

#[test]
fn dense_and_sparse_sweeps_give_the_bits_of_a_plain_loop_on_graphs() {
    let (runtimes, mut random) = (runtimes(), Random(27));
    for (vertices, count) in [(1, 1), (12, 20), (600, 500), (600, 2500)] {
        let edges = edges(vertices, count, &mut random);
        for directed in [true, false] {
            let plain = Plain::of_edges(vertices, &edges, directed);
            for (turn, graph) in graphs(vertices, &edges, directed).into_iter().enumerate() {
                hold_flicker(&plain, &graph, &runtimes[turn % 4]);
            }
        }
    }
}

#[test]
fn dense_and_sparse_sweeps_give_the_bits_of_a_plain_loop_on_lattices() {
    let (runtimes, mut random) = (runtimes(), Random(28));
    let shape = Shape([9, 10, 11]);
    for (stencil, select) in STENCILS.into_iter().zip([Select::NonZero, Select::Labels, Select::Zero]) {
        let volume = memory(shape, cells(shape, 60, 2, &mut random));
        let whole = Lattice::new(volume.clone(), BlockSize::Whole, select, stencil).unwrap();
        let plain = Plain::of_block(&whole.block(BlockId(0)).unwrap());
        for (turn, tiling) in cuts(&volume).into_iter().enumerate() {
            hold_flicker(&plain, &Lattice::of(tiling, select, stencil).unwrap(), &runtimes[turn % 4]);
        }
    }
}
