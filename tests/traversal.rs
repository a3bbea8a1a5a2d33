//! Connectivity, breadth-first search, distances and percolation against plain loops: the same for
//! every cut and number of workers.

mod common;

use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::ops::Range;

use common::random::Random;
use common::volume::{cells, cuts, memory, voxels_of};
use septa::error::{Kind, Result};
use septa::graph::csr::Csr;
use septa::graph::csr_block::CsrBlock;
use septa::graph::cut::{hashed, ranges};
use septa::graph::topology::{Block, Cut, Seam, Topology};
use septa::id::{BlockId, Slot, VertexId};
use septa::lattice::lattice::Lattice;
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::pregel::block::BlockProgram;
use septa::pregel::local;
use septa::pregel::run::{Config, Report};
use septa::pregel::runtime::Runtime;
use septa::programs::bfs::Bfs;
use septa::programs::components::Components;
use septa::programs::connectivity::Connectivity;
use septa::programs::distance::Distance;
use septa::programs::percolation::Percolation;
use septa::programs::weigh::{Hop, StepLength, Value, Weigh};
use septa::volume::grid::BlockSize;
use septa::volume::shape::{Shape, Spacing, Unit};
use septa::workers::Workers;

const STENCILS: [Stencil; 3] = [Stencil::N6, Stencil::N18, Stencil::N26];

type Edges<E> = Vec<(VertexId, VertexId, E)>;

/// Edges at random: loops and parallel edges among them, and vertices that have none.
fn edges<E: Copy>(vertices: u64, count: usize, random: &mut Random, value: impl Fn(u64) -> E) -> Edges<E> {
    let used = (vertices - vertices / 5).max(1);
    let vertex = |random: &mut Random| VertexId(random.below(used));
    let mut edges = Vec::new();
    for _ in 0..count {
        edges.push((vertex(random), vertex(random), value(random.next())));
    }
    for copy in 0..count / 10 {
        let (from, to, _) = edges[copy * 7 % count];
        edges.push((from, to, value(random.next())));
        edges.push((from, from, value(random.next())));
    }
    edges
}

/// One giant component in dense bundles that lone edges join, and small ones, so that few edges
/// hold together what blocks skip.
fn bundles(vertices: u64, random: &mut Random) -> Edges<()> {
    let mut edges = Vec::new();
    let bundle = vertices / 10;
    for first in (0..vertices - bundle).step_by(bundle as usize) {
        for _ in 0..bundle * 4 {
            edges.push((VertexId(first + random.below(bundle)), VertexId(first + random.below(bundle)), ()));
        }
        if first % (3 * bundle) != 0 {
            edges.push((VertexId(first + random.below(bundle)), VertexId(first - bundle + random.below(bundle)), ()));
        }
    }
    edges
}

/// The graph by ranges and by hash, in one block up to more blocks than vertices.
fn graphs<E>(vertices: u64, edges: &Edges<E>, directed: bool) -> Vec<Csr<E>>
where
    E: septa::graph::csr::Plain,
{
    let build = |blocks, owner: &dyn Fn(VertexId) -> BlockId| match directed {
        true => Csr::directed(vertices, edges, blocks, owner).unwrap(),
        false => Csr::undirected(vertices, edges, blocks, owner).unwrap(),
    };
    let mut graphs = Vec::new();
    for blocks in [1, 2, 3, 7] {
        graphs.push(build(blocks, &ranges(vertices, blocks)));
        graphs.push(build(blocks, &hashed(blocks)));
    }
    // Most blocks own nothing.
    graphs.push(build(9, &|vertex| BlockId(if vertex.0 % 2 == 0 { 3 } else { 8 })));
    graphs
}

/// An undirected graph that says, or does not say, that its edges are seen from both ends; and
/// otherwise leaves all to the defaults.
#[derive(Clone)]
struct Said(Csr<()>, bool);

struct SaidBlock(CsrBlock<()>, bool);

impl Cut for Said {
    type Block = SaidBlock;

    fn blocks(&self) -> u32 {
        self.0.blocks()
    }

    fn block(&self, id: BlockId) -> Result<SaidBlock> {
        Ok(SaidBlock(self.0.block(id)?, self.1))
    }

    fn digest(&self, block: &SaidBlock) -> Result<u64> {
        self.0.digest(&block.0)
    }
}

impl Topology for Said {
    type Edge = ();

    fn owner(&self, vertex: VertexId) -> Option<BlockId> {
        self.0.owner(vertex)
    }
}

impl Block for SaidBlock {
    type Edge = ();
    type Vertex = ();

    fn slots(&self) -> usize {
        self.0.slots()
    }

    fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        self.0.rows()
    }

    fn owned(&self, row: Range<usize>) -> impl DoubleEndedIterator<Item = Range<usize>> {
        self.0.owned(row)
    }

    fn id(&self, slot: Slot) -> VertexId {
        self.0.id(slot)
    }

    fn value(&self, _: Slot) {}

    fn slot(&self, vertex: VertexId) -> Option<Slot> {
        self.0.slot(vertex)
    }

    fn owns(&self, slot: Slot) -> bool {
        self.0.owns(slot)
    }

    fn each_neighbor(&self, slot: Slot, visit: impl FnMut(Slot, ())) {
        self.0.each_neighbor(slot, visit);
    }

    fn each_source(&self, slot: Slot, visit: impl FnMut(Slot, ())) {
        self.0.each_source(slot, visit);
    }

    fn is_symmetric(&self) -> bool {
        self.1
    }

    fn seams(&self) -> &[Seam] {
        self.0.seams()
    }
}

fn runtimes() -> Vec<Runtime> {
    (1..=3).map(|threads| Runtime::start(&Workers::threads(threads)).unwrap()).collect()
}

/// Runs a program that gives values of vertices on the plain engine and on one with workers, which
/// must agree; the values by vertex.
fn run<G, P, T>(graph: &G, program: &P, runtime: &Runtime) -> (BTreeMap<u64, T>, Report<P::Global>)
where
    G: Topology,
    P: BlockProgram<G, Output: IntoIterator<Item = (VertexId, T)>, Global: PartialEq>,
    T: Copy + PartialEq + std::fmt::Debug,
{
    let listed = |made: P::Output| made.into_iter().collect::<Vec<_>>();
    let mut plain = Vec::new();
    let plain_report = local::run(graph, program, &Config::default(), |block, made| {
        plain.push((block, listed(made)));
        Ok(())
    });
    let (made, report) = runtime.collect(graph, program, &Config::default()).unwrap();
    let made: Vec<_> = made.into_iter().map(|(block, made)| (block, listed(made))).collect();
    let plain_report = plain_report.unwrap();
    assert!(made == plain, "{program:?}: {} workers", runtime.workers().total());
    assert_eq!((plain_report.supersteps, plain_report.messages), (report.supersteps, report.messages));
    assert!(plain_report.global == report.global);
    for (block, made) in &made {
        let block = graph.block(*block).unwrap();
        let owned = block.rows().flat_map(|row| block.owned(row)).flatten();
        assert!(owned.map(|slot| block.id(Slot(slot as u32))).eq(made.iter().map(|(vertex, _)| *vertex)));
    }
    (made.into_iter().flat_map(|(_, made)| made).map(|(vertex, value)| (vertex.0, value)).collect(), report)
}

/// A graph as lists of the edges out of each vertex.
struct Plain {
    out: BTreeMap<u64, Vec<(u64, f64)>>,
}

impl Plain {
    fn of_edges<E: Copy>(vertices: u64, edges: &Edges<E>, directed: bool, weigh: &impl Weigh<E>) -> Self {
        let mut out: BTreeMap<u64, Vec<(u64, f64)>> = (0..vertices).map(|vertex| (vertex, Vec::new())).collect();
        for &(from, to, edge) in edges {
            out.get_mut(&from.0).unwrap().push((to.0, weigh.weigh(edge)));
            if !directed {
                out.get_mut(&to.0).unwrap().push((from.0, weigh.weigh(edge)));
            }
        }
        Self { out }
    }

    /// The voxels of a volume, joined as a lattice joins them.
    fn of_voxels(shape: Shape, voxels: &[u64], select: Select, stencil: Stencil, spacing: [f64; 3]) -> Self {
        let mut out = BTreeMap::new();
        for (at, voxel) in voxels_of(shape).enumerate().filter(|(at, _)| select.takes(voxels[*at])) {
            let mut edges = Vec::new();
            for step in stencil.steps() {
                let there = [0, 1, 2].map(|axis| voxel[axis].wrapping_add_signed(isize::from(step[axis])));
                if (0..3).any(|axis| there[axis] >= shape.0[axis]) {
                    continue;
                }
                let to = shape.raster(there) as usize;
                if select.takes(voxels[to]) && (select != Select::Labels || voxels[to] == voxels[at]) {
                    let squares = [0, 1, 2].map(|axis| (f64::from(step[axis]) * spacing[axis]).powi(2));
                    edges.push((to as u64, (squares[0] + squares[1] + squares[2]).sqrt()));
                }
            }
            out.insert(at as u64, edges);
        }
        Self { out }
    }

    /// The smallest vertex of each component, by flooding from the smallest on.
    fn components(&self) -> BTreeMap<u64, u64> {
        let mut beside: BTreeMap<u64, Vec<u64>> = self.out.keys().map(|vertex| (*vertex, Vec::new())).collect();
        for (from, edges) in &self.out {
            for (to, _) in edges {
                beside.get_mut(from).unwrap().push(*to);
                beside.get_mut(to).unwrap().push(*from);
            }
        }
        let mut least = BTreeMap::new();
        for start in self.out.keys() {
            let mut flood = vec![*start];
            while let Some(vertex) = flood.pop() {
                if let Entry::Vacant(dry) = least.entry(vertex) {
                    dry.insert(*start);
                    flood.extend(&beside[&vertex]);
                }
            }
        }
        least
    }

    fn hops(&self, sources: &[VertexId]) -> BTreeMap<u64, u32> {
        let mut hops: BTreeMap<u64, u32> = self.out.keys().map(|vertex| (*vertex, u32::MAX)).collect();
        let mut queue = VecDeque::new();
        for source in sources {
            hops.insert(source.0, 0);
            queue.push_back(source.0);
        }
        while let Some(from) = queue.pop_front() {
            for (to, _) in &self.out[&from] {
                if hops[to] == u32::MAX {
                    hops.insert(*to, hops[&from] + 1);
                    queue.push_back(*to);
                }
            }
        }
        hops
    }

    /// Distances by a heap (Dijkstra, 1959), as bits: of numbers that are not negative they
    /// have the same order.
    fn distances(&self, sources: &[VertexId]) -> BTreeMap<u64, u64> {
        let mut distances: BTreeMap<u64, f64> = self.out.keys().map(|vertex| (*vertex, f64::INFINITY)).collect();
        let mut heap = BinaryHeap::new();
        for source in sources {
            distances.insert(source.0, 0.0);
            heap.push(Reverse((0u64, source.0)));
        }
        while let Some(Reverse((distance, from))) = heap.pop() {
            let distance = f64::from_bits(distance);
            if distance > distances[&from] {
                continue;
            }
            for (to, length) in &self.out[&from] {
                let through = distance + length;
                if through < distances[to] {
                    distances.insert(*to, through);
                    heap.push(Reverse((through.to_bits(), *to)));
                }
            }
        }
        distances.into_iter().map(|(vertex, distance)| (vertex, distance.to_bits())).collect()
    }
}

fn bits(distances: BTreeMap<u64, f64>) -> BTreeMap<u64, u64> {
    distances.into_iter().map(|(vertex, distance)| (vertex, distance.to_bits())).collect()
}

/// From one source to many, some of them twice.
fn sources(vertices: &[u64], random: &mut Random) -> Vec<Vec<VertexId>> {
    let mut pick = |count: usize| -> Vec<VertexId> {
        (0..count).map(|_| VertexId(vertices[random.below(vertices.len() as u64) as usize])).collect()
    };
    vec![Vec::new(), pick(1), pick(2), [pick(6), pick(1).repeat(2)].concat()]
}

#[test]
fn connectivity_is_a_flood_fill_on_graphs_and_takes_four_supersteps() {
    let (runtimes, mut random) = (runtimes(), Random(41));
    // Sparse, dense enough to look for a giant, and dense with weak joints.
    let mut cases: Vec<(u64, Edges<()>)> =
        [(1, 1), (12, 20), (60, 300), (600, 500), (600, 900), (3000, 9000), (3000, 4000)]
            .map(|(vertices, count)| (vertices, edges(vertices, count, &mut random, |_| ())))
            .to_vec();
    cases.extend((0..6).map(|_| (1000, bundles(1000, &mut random))));
    for (vertices, edges) in cases {
        for directed in [true, false] {
            let expected = Plain::of_edges(vertices, &edges, directed, &Hop).components();
            for (turn, graph) in graphs(vertices, &edges, directed).into_iter().enumerate() {
                let (least, report) = run(&graph, &Connectivity, &runtimes[turn % 3]);
                assert!(least == expected, "{vertices} vertices, directed {directed}, cut {turn}");
                assert_eq!(report.supersteps, 4);
                if !directed && turn % 4 == 0 {
                    let (judged, _) = runtimes[0].vertices(&graph, &Components, &Config::default()).unwrap();
                    assert!(judged.into_iter().map(|(vertex, least)| (vertex.0, least)).eq(least));
                }
            }
        }
    }
}

#[test]
fn a_giant_that_holds_together_only_across_seams_is_one_component() {
    // Both halves are cliques, and each has its own giant; of the edges across there is one.
    let (runtimes, mut random) = (runtimes(), Random(42));
    for turn in 0..20 {
        let half = 24;
        let mut edges: Edges<()> = Vec::new();
        for a in 0..half {
            for b in 0..a {
                edges.push((VertexId(a), VertexId(b), ()));
                edges.push((VertexId(half + a), VertexId(half + b), ()));
            }
        }
        let (a, b) = (VertexId(random.below(half)), VertexId(half + random.below(half)));
        edges.push(if turn % 2 == 0 { (a, b, ()) } else { (b, a, ()) });
        for directed in [true, false] {
            for graph in graphs(2 * half, &edges, directed) {
                let (least, _) = run(&graph, &Connectivity, &runtimes[turn % 3]);
                assert!(least.values().all(|least| *least == 0), "{a} to {b}, directed {directed}");
            }
        }
    }
}

#[test]
fn an_empty_graph_has_no_components_and_no_distances() {
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    for blocks in [0, 3] {
        let graph = Csr::<()>::undirected(0, &[], blocks, ranges(0, blocks)).unwrap();
        assert!(run(&graph, &Connectivity, &runtime).0.is_empty());
        assert!(run(&graph, &Bfs { sources: Vec::new() }, &runtime).0.is_empty());
        assert!(run(&graph, &Distance::new(Vec::new(), Hop), &runtime).0.is_empty());
    }
}

#[test]
fn hops_are_those_of_a_queue_on_graphs() {
    let (runtimes, mut random) = (runtimes(), Random(43));
    for (vertices, count) in [(1, 1), (12, 20), (60, 300), (600, 700), (600, 3000), (3000, 30_000)] {
        let edges = edges(vertices, count, &mut random, |_| ());
        let all: Vec<u64> = (0..vertices).collect();
        for directed in [true, false] {
            let plain = Plain::of_edges(vertices, &edges, directed, &Hop);
            for sources in sources(&all, &mut random) {
                let expected = plain.hops(&sources);
                for (turn, graph) in graphs(vertices, &edges, directed).into_iter().enumerate() {
                    let program = Bfs { sources: sources.clone() };
                    let (hops, _) = run(&graph, &program, &runtimes[turn % 3]);
                    assert!(hops == expected, "{vertices} vertices, directed {directed}, cut {turn}, {sources:?}");
                }
            }
        }
    }
}

#[test]
fn it_is_no_matter_what_a_graph_says_of_its_edges() {
    let (runtimes, mut random) = (runtimes(), Random(51));
    for (vertices, count) in [(60, 300), (600, 900), (600, 3000), (600, 20_000), (3000, 30_000)] {
        let edges = edges(vertices, count, &mut random, |_| ());
        let plain = Plain::of_edges(vertices, &edges, false, &Hop);
        let components = plain.components();
        for sources in sources(&(0..vertices).collect::<Vec<_>>(), &mut random) {
            let expected = plain.hops(&sources);
            for (turn, graph) in graphs(vertices, &edges, false).into_iter().enumerate() {
                for says in [true, false] {
                    let graph = Said(graph.clone(), says);
                    let program = Bfs { sources: sources.clone() };
                    let (hops, _) = run(&graph, &program, &runtimes[turn % 3]);
                    assert!(hops == expected, "{vertices} vertices, cut {turn}, {sources:?}, {says}");
                    assert!(run(&graph, &Connectivity, &runtimes[turn % 3]).0 == components);
                }
            }
        }
    }
}

fn hold_distances<E, W>(value: impl Fn(u64) -> E, weigh: W, seed: u64)
where
    E: Copy + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
    W: Weigh<E>,
{
    let (runtimes, mut random) = (runtimes(), Random(seed));
    for (vertices, count) in [(1, 1), (12, 20), (60, 300), (600, 700), (600, 3000)] {
        let edges = edges(vertices, count, &mut random, &value);
        let all: Vec<u64> = (0..vertices).collect();
        for directed in [true, false] {
            let plain = Plain::of_edges(vertices, &edges, directed, &weigh);
            for (sources, delta) in sources(&all, &mut random).into_iter().zip([None, None, Some(1e-3), Some(1e9)]) {
                let expected = plain.distances(&sources);
                for (turn, graph) in graphs(vertices, &edges, directed).into_iter().enumerate() {
                    let program = Distance { sources: sources.clone(), weigh: weigh.clone(), delta };
                    let (distances, _) = run(&graph, &program, &runtimes[turn % 3]);
                    assert!(bits(distances) == expected, "{vertices} vertices, directed {directed}, cut {turn}");
                }
            }
        }
    }
}

#[test]
fn distances_have_the_bits_of_dijkstra_on_graphs() {
    hold_distances(|_| (), Hop, 44);
    hold_distances(|random| (random % 256) as u32, Value, 45);
    hold_distances(|random| (random >> 11) as f64 / (1u64 << 53) as f64, Value, 46);
    // From nothing over eight decades, so that most paths are beyond the ring.
    hold_distances(|random| 10f64.powf((random % 1000) as f64 / 125.0) - 1.0, Value, 47);
    hold_distances(|random| [0.0, 1e-300, 0.1, 1e300, f64::MAX, f64::INFINITY][(random % 6) as usize], Value, 48);
}

#[test]
fn a_length_that_is_no_length_is_an_error_that_names_the_vertex() {
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    for wrong in [-1.0, -1e-300, f64::NAN, f64::NEG_INFINITY] {
        let path = |last| vec![(VertexId(0), VertexId(1), 1.0), (VertexId(1), VertexId(2), 2.0), last];
        for graph in graphs(5, &path((VertexId(2), VertexId(3), wrong)), true) {
            let error = runtime.collect(&graph, &Distance::new(vec![VertexId(0)], Value), &Config::default());
            let error = error.unwrap_err();
            assert_eq!(error.kind(), Kind::Input);
            assert!(error.message().contains("vertex 2"), "{error}");
        }
        // Where no path comes to it, it is no matter.
        for graph in graphs(5, &path((VertexId(4), VertexId(3), wrong)), true) {
            let (distances, _) = run(&graph, &Distance::new(vec![VertexId(0)], Value), &runtime);
            assert_eq!(distances[&2], 3.0);
        }
    }
}

#[test]
fn what_cannot_be_searched_for_is_refused() {
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    let config = Config::default();
    let path = vec![(VertexId(0), VertexId(1), ()), (VertexId(1), VertexId(2), ())];
    for graph in graphs(3, &path, false) {
        let sources = vec![VertexId(1), VertexId(3)];
        let hops = runtime.collect(&graph, &Bfs { sources: sources.clone() }, &config).unwrap_err();
        assert!(hops.message().contains("the source 3"), "{hops}");
        let distance = runtime.collect(&graph, &Distance::new(sources, Hop), &config).unwrap_err();
        assert!(distance.message().contains("the source 3"), "{distance}");
        for delta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let program = Distance { sources: Vec::new(), weigh: Hop, delta: Some(delta) };
            assert_eq!(runtime.collect(&graph, &program, &config).unwrap_err().kind(), Kind::Usage);
        }
    }
    // A voxel that is there and not selected.
    let volume = memory(Shape([1, 2, 3]), vec![1u8, 1, 0, 0, 1, 1]);
    for tiling in cuts(&volume) {
        let lattice = Lattice::of(tiling, Select::NonZero, Stencil::N6).unwrap();
        let hops = runtime.collect(&lattice, &Bfs { sources: vec![VertexId(3)] }, &config).unwrap_err();
        assert!(hops.message().contains("the source 3"), "{hops}");
    }
}

/// Noise of this many values of a hundred, the others 0.
fn noise(shape: Shape, of_hundred: u64, random: &mut Random) -> Vec<u64> {
    voxels_of(shape).map(|_| u64::from(random.below(100) < of_hundred) * (1 + random.below(2))).collect()
}

#[test]
fn components_hops_and_distances_are_those_of_plain_loops_on_lattices() {
    let (runtimes, mut random) = (runtimes(), Random(49));
    let spacing = [0.7, 0.3, 0.45];
    let weigh = StepLength::new(&Spacing::new(spacing, Unit::Um).unwrap());
    let volumes = [([1, 1, 1], 100), ([1, 6, 9], 60), ([9, 10, 11], 35), ([6, 7, 20], 20), ([5, 1, 40], 75)];
    for (shape, of_hundred) in volumes.map(|(shape, of_hundred)| (Shape(shape), of_hundred)) {
        for voxels in [noise(shape, of_hundred, &mut random), cells(shape, 40, 3, &mut random)] {
            let volume = memory(shape, voxels.clone());
            for (stencil, select) in STENCILS.into_iter().flat_map(|stencil| {
                [Select::NonZero, Select::Zero, Select::Labels, Select::Above(1.0)].map(|select| (stencil, select))
            }) {
                let plain = Plain::of_voxels(shape, &voxels, select, stencil, spacing);
                let all: Vec<u64> = plain.out.keys().copied().collect();
                if all.is_empty() {
                    continue;
                }
                let sources = sources(&all, &mut random).swap_remove(1 + random.below(3) as usize);
                let (components, hops) = (plain.components(), plain.hops(&sources));
                let distances = plain.distances(&sources);
                for (turn, tiling) in cuts(&volume).into_iter().enumerate() {
                    let lattice = Lattice::of(tiling, select, stencil).unwrap();
                    let what = format!("{shape} {stencil} {select:?} cut {turn}");
                    let runtime = &runtimes[turn % 3];
                    assert!(run(&lattice, &Connectivity, runtime).0 == components, "components {what}");
                    let program = Bfs { sources: sources.clone() };
                    assert!(run(&lattice, &program, runtime).0 == hops, "hops {what}");
                    let program = Distance::new(sources.clone(), weigh);
                    assert!(bits(run(&lattice, &program, runtime).0) == distances, "distances {what}");
                }
            }
        }
    }
}

#[test]
fn percolation_finds_the_components_at_opposite_faces() {
    let (runtimes, mut random) = (runtimes(), Random(50));
    let mut found = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
    let volumes = [([1, 1, 1], 100), ([1, 6, 9], 60), ([7, 6, 8], 32), ([6, 7, 12], 45), ([4, 3, 30], 60)];
    for (shape, of_hundred) in volumes.map(|(shape, of_hundred)| (Shape(shape), of_hundred)) {
        for turn in 0..4 {
            let voxels = noise(shape, of_hundred, &mut random);
            let volume = memory(shape, voxels.clone());
            let select = [Select::NonZero, Select::Labels][turn % 2];
            for stencil in STENCILS {
                let components = Plain::of_voxels(shape, &voxels, select, stencil, [1.0; 3]).components();
                let expected = [0, 1, 2].map(|axis| {
                    let at = |place: usize| -> BTreeSet<u64> {
                        let there = |(voxel, _): &(&u64, &u64)| shape.voxel(**voxel)[axis] == place;
                        components.iter().filter(there).map(|(_, least)| *least).collect()
                    };
                    at(0).intersection(&at(shape.0[axis] - 1)).copied().collect::<Vec<u64>>()
                });
                for (turn, tiling) in cuts(&volume).into_iter().enumerate() {
                    let lattice = Lattice::of(tiling, select, stencil).unwrap();
                    let report = local::run(&lattice, &Percolation, &Config::default(), |_, ()| Ok(())).unwrap();
                    let spanning = report.global;
                    assert_eq!(spanning.axes, expected, "{shape} {stencil} cut {turn}");
                    let (_, report) = runtimes[turn % 3].collect(&lattice, &Percolation, &Config::default()).unwrap();
                    assert_eq!(report.global, spanning);
                    assert_eq!(spanning.counts(), expected.each_ref().map(|components| components.len() as u64));
                    (0..3).for_each(|axis| {
                        found[axis].insert(spanning.counts()[axis].min(2));
                    });
                }
            }
        }
    }
    // None, one and several: the volumes are of all sorts.
    assert!(found.iter().all(|counts| counts.len() == 3), "{found:?}");
    let whole = Lattice::new(memory(Shape([2, 2, 2]), vec![0u8; 8]), BlockSize::Whole, Select::NonZero, Stencil::N6);
    let report = local::run(&whole.unwrap(), &Percolation, &Config::default(), |_, ()| Ok(())).unwrap();
    assert_eq!(report.global.counts(), [0; 3]);
}
