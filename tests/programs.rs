//! The programs against plain loops over an edge list, for several cuts and numbers of workers.

mod common;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use common::random::Random;
use common::volume::{cells, cuts, memory};
use septa::combine::Sum;
use septa::graph::csr::Csr;
use septa::graph::cut::{hashed, ranges};
use septa::graph::topology::{Block, Cut, Topology};
use septa::id::{BlockId, Slot, VertexId};
use septa::lattice::lattice::Lattice;
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::pregel::block::BlockProgram;
use septa::pregel::local;
use septa::pregel::run::{Config, Report};
use septa::pregel::runtime::Runtime;
use septa::pregel::sweep::Sweep;
use septa::programs::betweenness::Betweenness;
use septa::programs::bridges::{Bridges, Weak};
use septa::programs::degree::Degree;
use septa::programs::kcore::KCore;
use septa::programs::triangles::Triangles;
use septa::volume::grid::BlockSize;
use septa::volume::shape::Shape;
use septa::workers::Workers;

type Edges = Vec<(VertexId, VertexId, ())>;

/// What blocks made, and the report without its time.
type Ran<O, Gl> = (Vec<(BlockId, O)>, Report<Gl>);

/// Vertices by number, and what each is joined to: parallel edges as often as they are, a loop once.
struct Plain {
    names: Vec<u64>,
    joined: Vec<Vec<usize>>,
}

impl Plain {
    fn of_edges(vertices: u64, edges: &Edges) -> Self {
        let mut joined = vec![Vec::new(); vertices as usize];
        for (a, b, ()) in edges {
            joined[a.0 as usize].push(b.0 as usize);
            if a != b {
                joined[b.0 as usize].push(a.0 as usize);
            }
        }
        Self { names: (0..vertices).collect(), joined }
    }

    /// Of a lattice in one block.
    fn of_block<B: Block>(block: &B) -> Self {
        let slots: Vec<Slot> =
            block.rows().flat_map(|row| block.owned(row)).flatten().map(|s| Slot(s as u32)).collect();
        let place: BTreeMap<Slot, usize> = slots.iter().copied().zip(0..).collect();
        let joined = |slot: &Slot| {
            let mut joined = Vec::new();
            block.each_neighbor(*slot, |to, _| joined.push(place[&to]));
            joined
        };
        Self { names: slots.iter().map(|slot| block.id(*slot).0).collect(), joined: slots.iter().map(joined).collect() }
    }

    fn len(&self) -> usize {
        self.names.len()
    }

    /// How often `a` and `b` are joined.
    fn edges_between(&self, a: usize, b: usize) -> usize {
        self.joined[a].iter().filter(|to| **to == b).count()
    }

    /// The number of parts of the graph without a vertex and without the edges between two.
    fn parts(&self, vertex: Option<usize>, edge: Option<(usize, usize)>) -> usize {
        let mut seen: Vec<bool> = (0..self.len()).map(|v| Some(v) == vertex).collect();
        let mut parts = 0;
        for start in 0..self.len() {
            if seen[start] {
                continue;
            }
            parts += 1;
            seen[start] = true;
            let mut stack = vec![start];
            while let Some(at) = stack.pop() {
                for to in self.joined[at].iter().copied() {
                    if !seen[to] && edge != Some((at.min(to), at.max(to))) {
                        seen[to] = true;
                        stack.push(to);
                    }
                }
            }
        }
        parts
    }

    /// Every value with the name of its vertex.
    fn named<T>(&self, values: Vec<T>) -> Vec<(VertexId, T)> {
        self.names.iter().map(|name| VertexId(*name)).zip(values).collect()
    }
}

/// Edges at random: loops and parallel edges among them, and vertices that have none.
fn edges(vertices: u64, count: usize, random: &mut Random) -> Edges {
    let used = (vertices - vertices / 6).max(1);
    let mut edges: Edges =
        (0..count).map(|_| (VertexId(random.below(used)), VertexId(random.below(used)), ())).collect();
    for copy in 0..count / 10 {
        let (from, to, ()) = edges[copy * 7 % count];
        edges.push(if copy % 2 == 0 { (to, from, ()) } else { (from, to, ()) });
        edges.push((from, from, ()));
    }
    edges
}

/// Trees of rings and hubs: what has many bridges, and vertices in whose absence it falls apart.
fn cactus(vertices: u64, random: &mut Random) -> Edges {
    let mut edges = Vec::new();
    let mut grown = 1;
    while grown < vertices {
        let ring = (1 + random.below(5)).min(vertices - grown);
        let root = random.below(grown);
        for vertex in grown..grown + ring {
            edges.push((VertexId(if vertex == grown { root } else { vertex - 1 }), VertexId(vertex), ()));
        }
        if random.below(3) > 0 {
            edges.push((VertexId(grown + ring - 1), VertexId(root), ()));
        }
        grown += ring;
    }
    // Numbers in no order, so that ranges cut the rings.
    let mut order: Vec<u64> = (0..vertices).collect();
    (1..order.len()).rev().for_each(|i| order.swap(i, random.below(i as u64 + 1) as usize));
    edges.iter().map(|(a, b, ())| (VertexId(order[a.0 as usize]), VertexId(order[b.0 as usize]), ())).collect()
}

/// Graphs of all kinds, sparse and dense.
fn samples(random: &mut Random) -> Vec<(u64, Edges)> {
    let mut samples = vec![(0, Vec::new()), (3, Vec::new())];
    for (vertices, count) in [(1, 2), (2, 1), (6, 5), (12, 14), (40, 30), (40, 48), (60, 80), (50, 400)] {
        samples.push((vertices, edges(vertices, count, random)));
    }
    samples.extend([5, 20, 60].map(|vertices| (vertices, cactus(vertices, random))));
    // A hub, and a clique.
    samples.push((30, (1..30).map(|v| (VertexId(0), VertexId(v), ())).collect()));
    samples.push((9, (0..81).filter(|e| e / 9 < e % 9).map(|e| (VertexId(e / 9), VertexId(e % 9), ())).collect()));
    samples
}

/// The graph by ranges and by hash, in one block up to more blocks than vertices.
fn graphs(vertices: u64, edges: &Edges) -> Vec<Csr<()>> {
    let build = |blocks, owner: &dyn Fn(VertexId) -> BlockId| Csr::undirected(vertices, edges, blocks, owner).unwrap();
    let mut graphs = Vec::new();
    for blocks in [1, 2, 3, 7, 8, 2 * vertices as u32 + 1] {
        graphs.push(build(blocks, &ranges(vertices, blocks)));
        graphs.push(build(blocks, &hashed(blocks)));
    }
    // Most blocks own nothing, block 0 among them.
    graphs.push(build(9, &|vertex| BlockId(if vertex.0 % 2 == 0 { 3 } else { 8 })));
    graphs
}

/// Lattices of small volumes, each in many cuts, and the plain graph of each.
fn lattices(random: &mut Random) -> Vec<(Plain, Vec<Lattice>)> {
    let shape = Shape([5, 6, 7]);
    let kinds = [(Stencil::N6, Select::NonZero), (Stencil::N18, Select::Labels), (Stencil::N26, Select::Zero)];
    kinds
        .into_iter()
        .map(|(stencil, select)| {
            let volume = memory(shape, cells(shape, 50, 2, random));
            let whole = Lattice::new(volume.clone(), BlockSize::Whole, select, stencil).unwrap();
            let plain = Plain::of_block(&whole.block(BlockId(0)).unwrap());
            let tilings = cuts(&volume).into_iter().step_by(3);
            (plain, tilings.map(|tiling| Lattice::of(tiling, select, stencil).unwrap()).collect())
        })
        .collect()
}

fn runtimes() -> Vec<Runtime> {
    (1..=3).map(|threads| Runtime::start(&Workers::threads(threads)).unwrap()).collect()
}

/// Runs a program on the plain engine and on the fast one, which must agree.
fn run<G, P>(graph: &G, program: &P, runtimes: &[Runtime]) -> Ran<P::Output, P::Global>
where
    G: Cut,
    P: BlockProgram<G>,
    P::Output: PartialEq + std::fmt::Debug,
    P::Global: PartialEq + std::fmt::Debug,
{
    let mut made = Vec::new();
    let emit = |block, output| {
        made.push((block, output));
        Ok(())
    };
    let report = local::run(graph, program, &Config::default(), emit).unwrap();
    for runtime in runtimes {
        let (fast, told) = runtime.collect(graph, program, &Config::default()).unwrap();
        assert_eq!(fast, made, "{} workers", runtime.workers().total());
        assert_eq!((told.supersteps, told.messages), (report.supersteps, report.messages));
        assert_eq!(told.global, report.global);
    }
    (made, report)
}

/// All that blocks made for their vertices, ascending by vertex.
fn by_vertex<T>(made: Vec<(BlockId, Vec<(VertexId, T)>)>) -> Vec<(VertexId, T)> {
    let mut all: Vec<_> = made.into_iter().flat_map(|(_, values)| values).collect();
    all.sort_by_key(|(vertex, _)| *vertex);
    all
}

/// What a program finds, against what a plain loop does.
trait Claim {
    type Truth;

    fn truth(&self, plain: &Plain) -> Self::Truth;

    fn hold<G: Topology>(&self, graph: &G, plain: &Plain, truth: &Self::Truth, runtimes: &[Runtime]);
}

/// Holds every sample and lattice to a claim, in every cut.
fn everywhere<C: Claim>(seed: u64, claim: &C) {
    let (runtimes, mut random) = (runtimes(), Random(seed));
    for (vertices, edges) in samples(&mut random) {
        let plain = Plain::of_edges(vertices, &edges);
        let truth = claim.truth(&plain);
        for graph in graphs(vertices, &edges) {
            claim.hold(&graph, &plain, &truth, &runtimes);
        }
    }
    for (plain, lattices) in lattices(&mut random) {
        let truth = claim.truth(&plain);
        lattices.iter().for_each(|lattice| claim.hold(lattice, &plain, &truth, &runtimes));
    }
}

struct Cores;

impl Claim for Cores {
    type Truth = Vec<u64>;

    /// While there is a vertex with k neighbours left or fewer, it goes; then k is one more.
    fn truth(&self, plain: &Plain) -> Vec<u64> {
        let mut core: Vec<Option<u64>> = vec![None; plain.len()];
        let mut k = 0;
        while core.contains(&None) {
            let left = |v: usize| plain.joined[v].iter().filter(|to| **to != v && core[**to].is_none()).count() as u64;
            match (0..plain.len()).find(|v| core[*v].is_none() && left(*v) <= k) {
                Some(vertex) => core[vertex] = Some(k),
                None => k += 1,
            }
        }
        core.into_iter().flatten().collect()
    }

    fn hold<G: Topology>(&self, graph: &G, plain: &Plain, truth: &Vec<u64>, runtimes: &[Runtime]) {
        assert_eq!(by_vertex(run(graph, &KCore, runtimes).0), plain.named(truth.clone()));
    }
}

#[test]
fn cores_are_what_is_left_by_peeling() {
    everywhere(41, &Cores);
}

#[test]
fn a_long_path_is_peeled_in_a_few_supersteps() {
    let vertices = 100_000;
    let edges: Edges = (1..vertices).map(|v| (VertexId(v - 1), VertexId(v), ())).collect();
    for blocks in [1, 2, 5] {
        let graph = Csr::undirected(vertices, &edges, blocks, ranges(vertices, blocks)).unwrap();
        let (made, report) = run(&graph, &KCore, &[]);
        assert!(by_vertex(made).iter().all(|(_, core)| *core == 1));
        assert!(report.supersteps <= 3 + u64::from(blocks), "{}", report.supersteps);
    }
}

struct Corners;

impl Claim for Corners {
    /// At every vertex, and in all.
    type Truth = (Vec<u64>, u64);

    fn truth(&self, plain: &Plain) -> (Vec<u64>, u64) {
        let mut at = vec![0; plain.len()];
        let sets: Vec<BTreeSet<usize>> = plain.joined.iter().map(|joined| joined.iter().copied().collect()).collect();
        for a in 0..plain.len() {
            for b in sets[a].range(a + 1..) {
                for c in sets[a].range(b + 1..).filter(|c| sets[*b].contains(c)) {
                    [a, *b, *c].into_iter().for_each(|corner| at[corner] += 1);
                }
            }
        }
        let all = at.iter().sum::<u64>() / 3;
        (at, all)
    }

    fn hold<G: Topology>(&self, graph: &G, plain: &Plain, (at, all): &Self::Truth, runtimes: &[Runtime]) {
        let (made, report) = run(graph, &Triangles, runtimes);
        assert_eq!(by_vertex(made), plain.named(at.clone()));
        assert_eq!((report.global, report.supersteps), (Sum(*all), 4));
    }
}

#[test]
fn triangles_are_three_vertices_of_which_any_two_are_joined() {
    everywhere(42, &Corners);
}

struct FallsApart;

impl Claim for FallsApart {
    type Truth = (Vec<bool>, Vec<(VertexId, VertexId)>);

    /// Takes away every vertex and every edge in turn.
    fn truth(&self, plain: &Plain) -> Self::Truth {
        let parts = plain.parts(None, None);
        let alone = |v: usize| plain.joined[v].iter().all(|to| *to == v);
        let articulation = (0..plain.len()).map(|v| !alone(v) && plain.parts(Some(v), None) > parts).collect();
        let mut bridges = Vec::new();
        for a in 0..plain.len() {
            for b in (a + 1..plain.len()).filter(|b| plain.edges_between(a, *b) == 1) {
                if plain.parts(None, Some((a, b))) > parts {
                    bridges.push((VertexId(plain.names[a]), VertexId(plain.names[b])));
                }
            }
        }
        (articulation, bridges)
    }

    fn hold<G: Topology>(&self, graph: &G, plain: &Plain, (articulation, bridges): &Self::Truth, runtimes: &[Runtime]) {
        let (made, report) = run(graph, &Bridges, runtimes);
        let mut found: Vec<(VertexId, VertexId)> = Vec::new();
        for (block, Weak { articulation, bridges }) in &made {
            let owned: BTreeSet<_> = articulation.iter().map(|(vertex, _)| *vertex).collect();
            assert!(bridges.is_sorted() && bridges.iter().all(|(from, _)| owned.contains(from)), "block {block}");
            found.extend(bridges);
        }
        found.sort_unstable();
        assert_eq!(found, *bridges);
        let counts = (articulation.iter().filter(|is| **is).count() as u64, bridges.len() as u64);
        assert_eq!(report.global, (Sum(counts.0), Sum(counts.1)));
        let made = made.into_iter().map(|(block, weak)| (block, weak.articulation)).collect();
        assert_eq!(by_vertex(made), plain.named(articulation.clone()));
    }
}

#[test]
fn without_a_bridge_or_an_articulation_point_a_part_falls_apart() {
    everywhere(43, &FallsApart);
}

#[test]
fn certificates_hide_no_articulation_point_of_many_small_graphs() {
    let mut random = Random(44);
    for turn in 0..1500u64 {
        let vertices = 3 + random.below(14);
        let edges = match turn % 3 {
            0 => cactus(vertices, &mut random),
            _ => {
                let count = 2 + random.below(2 * vertices);
                edges(vertices, count as usize, &mut random)
            }
        };
        let plain = Plain::of_edges(vertices, &edges);
        let truth = FallsApart.truth(&plain);
        for blocks in [1, 2, 3, 5] {
            let graph = Csr::undirected(vertices, &edges, blocks, hashed(blocks)).unwrap();
            FallsApart.hold(&graph, &plain, &truth, &[]);
        }
    }
}

/// Betweenness from every so many-th vertex.
struct Between {
    every: usize,
}

impl Between {
    fn sources(&self, plain: &Plain) -> impl Iterator<Item = usize> + use<> {
        (0..plain.len()).step_by(self.every)
    }
}

impl Claim for Between {
    type Truth = (Vec<f64>, std::cell::RefCell<Option<Vec<u64>>>);

    /// Brandes' algorithm with a queue.
    fn truth(&self, plain: &Plain) -> Self::Truth {
        let n = plain.len();
        let mut sums = vec![0.0; n];
        for source in self.sources(plain) {
            let (mut distance, mut paths) = (vec![usize::MAX; n], vec![0.0; n]);
            (distance[source], paths[source]) = (0, 1.0);
            let mut queue = VecDeque::from([source]);
            let mut order = Vec::new();
            while let Some(at) = queue.pop_front() {
                order.push(at);
                for to in plain.joined[at].iter().copied() {
                    if distance[to] == usize::MAX {
                        distance[to] = distance[at] + 1;
                        queue.push_back(to);
                    }
                    if distance[to] == distance[at] + 1 {
                        paths[to] += paths[at];
                    }
                }
            }
            let mut depends = vec![0.0; n];
            for at in order.into_iter().rev() {
                for to in plain.joined[at].iter().filter(|to| distance[**to] == distance[at].wrapping_add(1)) {
                    depends[at] += paths[at] / paths[*to] * (1.0 + depends[*to]);
                }
                if at != source {
                    sums[at] += depends[at];
                }
            }
        }
        let sources = self.sources(plain).count() as f64;
        (sums.into_iter().map(|sum| sum * n as f64 / sources / 2.0).collect(), None.into())
    }

    fn hold<G: Topology>(&self, graph: &G, plain: &Plain, (truth, bits): &Self::Truth, runtimes: &[Runtime]) {
        let program = Betweenness::new(plain.len() as u64, self.sources(plain).map(|v| VertexId(plain.names[v])));
        let sweep = Sweep::<G, Betweenness>::new(program);
        let mut made = Vec::new();
        let emit = |_, states| {
            made.push((BlockId(0), states));
            Ok(())
        };
        let report = local::run(graph, &sweep, &Config::default(), emit).unwrap();
        let found: Vec<_> = by_vertex(made).into_iter().map(|(vertex, paths)| (vertex, paths.betweenness)).collect();
        for ((vertex, value), (expected, name)) in found.iter().zip(truth.iter().zip(&plain.names)) {
            assert_eq!(vertex.0, *name);
            assert!((value - expected).abs() <= 1e-9 * expected.max(1.0), "{vertex}: {value} and {expected}");
        }
        let ours: Vec<u64> = found.iter().map(|(_, value)| value.to_bits()).collect();
        assert_eq!(bits.borrow_mut().get_or_insert_with(|| ours.clone()), &ours, "other bits in another cut");
        for runtime in runtimes {
            let program = Betweenness::new(plain.len() as u64, self.sources(plain).map(|v| VertexId(plain.names[v])));
            let (fast, told) = runtime.vertices(graph, &program, &Config::default()).unwrap();
            let fast: Vec<_> = fast.into_iter().map(|(vertex, paths)| (vertex, paths.betweenness)).collect();
            assert_eq!((fast, told.supersteps), (found.clone(), report.supersteps));
        }
    }
}

#[test]
fn betweenness_from_all_vertices_is_that_of_brandes() {
    everywhere(45, &Between { every: 1 });
}

#[test]
fn betweenness_from_a_sample_is_an_estimate_for_all() {
    everywhere(46, &Between { every: 3 });
}

#[test]
fn samples_are_of_different_vertices_and_of_every_vertex_alike() {
    let mut chosen = vec![0; 50];
    for seed in 0..2000 {
        let sample = Betweenness::sampled(50, 10, seed);
        assert_eq!(sample.sources().len(), 10);
        sample.sources().iter().for_each(|source| chosen[source.0 as usize] += 1);
        assert_eq!(sample, Betweenness::sampled(50, 10, seed));
    }
    assert!(chosen.iter().all(|count| (300..500).contains(count)), "{chosen:?}");
    assert_ne!(Betweenness::sampled(50, 10, 1), Betweenness::sampled(50, 10, 2));
    assert_eq!(Betweenness::sampled(5, 10, 1), Betweenness::exact(5));
}

#[test]
fn degrees_are_those_of_the_edge_list() {
    let (runtimes, mut random) = (runtimes(), Random(47));
    for (vertices, edges) in samples(&mut random) {
        let plain = Plain::of_edges(vertices, &edges);
        for (turn, graph) in graphs(vertices, &edges).into_iter().enumerate() {
            let (states, _) = runtimes[turn % 3].vertices(&graph, &Degree, &Config::default()).unwrap();
            let both = states.into_iter().map(|(vertex, degrees)| (vertex, (degrees.leaving, degrees.entering)));
            let truth = plain.joined.iter().map(|joined| (joined.len() as u64, joined.len() as u64)).collect();
            assert_eq!(both.collect::<Vec<_>>(), plain.named(truth));
        }
        for blocks in [1, 4] {
            let graph = Csr::directed(vertices, &edges, blocks, hashed(blocks)).unwrap();
            let (states, _) = runtimes[2].vertices(&graph, &Degree, &Config::default()).unwrap();
            for (vertex, degrees) in states {
                let leaving = edges.iter().filter(|(from, ..)| *from == vertex).count() as u64;
                let entering = edges.iter().filter(|(_, to, _)| *to == vertex).count() as u64;
                assert_eq!((degrees.leaving, degrees.entering), (leaving, entering));
            }
        }
    }
}
