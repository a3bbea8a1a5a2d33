//! Graphs in compressed sparse rows against plain lists of edges: built, cut, changed.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;

use std::collections::{BTreeMap, BTreeSet};

use random::Random;
use septa::error::{Kind, Result};
use septa::graph::change::Change;
use septa::graph::csr::Csr;
use septa::graph::csr_block::CsrBlock;
use septa::graph::cut::{hashed, ranges};
use septa::graph::laws::check;
use septa::graph::topology::{Block, Cut, Topology};
use septa::id::{BlockId, Slot, VertexId};

type Edges = Vec<(u64, u64, u32)>;
type Owner = Box<dyn Fn(VertexId) -> BlockId>;

fn named(edges: &Edges) -> Vec<(VertexId, VertexId, u32)> {
    edges.iter().map(|&(from, to, value)| (VertexId(from), VertexId(to), value)).collect()
}

fn build(vertices: u64, edges: &Edges, directed: bool, blocks: u32, owner: &Owner) -> Csr<u32> {
    let build = if directed { Csr::directed } else { Csr::undirected };
    build(vertices, &named(edges), blocks, owner).unwrap()
}

fn edges(vertices: u64, count: u64, random: &mut Random) -> Edges {
    (0..count).map(|value| (random.below(vertices), random.below(vertices), value as u32)).collect()
}

fn owners(vertices: u64) -> Vec<(u32, Owner)> {
    let mut owners: Vec<(u32, Owner)> = Vec::new();
    // More blocks than are built during one walk, too.
    for blocks in [1, 2, 5, 70] {
        owners.push((blocks, Box::new(ranges(vertices, blocks))));
        owners.push((blocks, Box::new(hashed(blocks))));
    }
    owners.push((4, Box::new(|vertex| BlockId(if vertex.0 % 3 == 0 { 3 } else { 1 }))));
    owners
}

fn slots<B: Block>(block: &B) -> Vec<Slot> {
    block.rows().flat_map(|row| block.owned(row)).flatten().map(|slot| Slot(slot as u32)).collect()
}

/// All that a block lets see of each vertex it owns: its sources and its neighbours, in order.
type Seen = BTreeMap<u64, [Vec<(u64, u32)>; 2]>;

fn seen(block: &CsrBlock<u32, u8>) -> Seen {
    let of = |slot: Slot| {
        let mut lists = [Vec::new(), Vec::new()];
        block.each_source(slot, |from, value| lists[0].push((block.id(from).0, value)));
        block.each_neighbor(slot, |to, value| lists[1].push((block.id(to).0, value)));
        (block.id(slot).0, lists)
    };
    slots(block).into_iter().map(of).collect()
}

/// The same, of all vertices, from the list of edges alone.
fn expected(vertices: &BTreeSet<u64>, edges: &Edges, directed: bool) -> Seen {
    let mut seen: Seen = vertices.iter().map(|vertex| (*vertex, [Vec::new(), Vec::new()])).collect();
    for &(from, to, value) in edges {
        seen.get_mut(&to).unwrap()[0].push((from, value));
        seen.get_mut(&from).unwrap()[1].push((to, value));
        if !directed && from != to {
            seen.get_mut(&from).unwrap()[0].push((to, value));
            seen.get_mut(&to).unwrap()[1].push((from, value));
        }
    }
    seen.values_mut().flatten().for_each(|list| list.sort_by_key(|(other, _)| *other));
    seen
}

type Named = (BlockId, Vec<VertexId>, Vec<VertexId>);

/// Blocks that have been changed, as a graph.
#[derive(Clone)]
struct Changed {
    blocks: Vec<CsrBlock<u32, u8>>,
    graph: Csr<u32, u8>,
}

impl Changed {
    fn new(graph: Csr<u32, u8>) -> Self {
        Self { blocks: (0..graph.blocks()).map(|id| graph.block(BlockId(id)).unwrap()).collect(), graph }
    }

    fn seen(&self) -> Seen {
        self.blocks.iter().flat_map(seen).collect()
    }

    /// The seams of each block by the vertices at them: the other block, the border, the halo.
    fn seams(&self) -> Vec<Vec<Named>> {
        let names = |block: &CsrBlock<u32, u8>, slots: &[Slot]| slots.iter().map(|slot| block.id(*slot)).collect();
        let of = |block: &CsrBlock<u32, u8>| {
            let seams = block.seams().iter();
            seams.map(|seam| (seam.to, names(block, &seam.border), names(block, &seam.halo))).collect()
        };
        self.blocks.iter().map(of).collect()
    }
}

impl Cut for Changed {
    type Block = CsrBlock<u32, u8>;

    fn blocks(&self) -> u32 {
        self.blocks.len() as u32
    }

    fn block(&self, id: BlockId) -> Result<Self::Block> {
        Ok(self.blocks[id.index()].clone())
    }

    fn digest(&self, block: &Self::Block) -> Result<u64> {
        self.graph.digest(block)
    }
}

impl Topology for Changed {
    type Edge = u32;

    fn owner(&self, vertex: VertexId) -> Option<BlockId> {
        self.graph.owner(vertex)
    }
}

#[test]
fn a_graph_is_its_list_of_edges_for_every_cut() {
    let mut random = Random(31);
    for (vertices, count) in [(1, 3), (7, 30), (90, 60), (60, 700)] {
        let (edges, all) = (edges(vertices, count, &mut random), (0..vertices).collect());
        for directed in [true, false] {
            let expected = expected(&all, &edges, directed);
            for (blocks, owner) in owners(vertices) {
                let values: Vec<u8> = (0..vertices).map(|vertex| vertex as u8).collect();
                let graph = build(vertices, &edges, directed, blocks, &owner).with_values(values).unwrap();
                assert_eq!(check(&graph), Ok(()));
                assert_eq!((graph.edges(), graph.vertices()), (count, vertices));
                let blocks = Changed::new(graph.clone());
                assert!(blocks.seen() == expected, "{vertices} vertices, directed {directed}");
                for block in &blocks.blocks {
                    assert!(slots(block).iter().all(|slot| block.value(*slot) == block.id(*slot).0 as u8));
                }
                let crosses = |edge: &&(u64, u64, u32)| owner(VertexId(edge.0)) != owner(VertexId(edge.1));
                assert_eq!(graph.edge_cut(), edges.iter().filter(crosses).count() as u64);
                let degree = |lists: &[Vec<_>; 2]| (lists[1].len() + if directed { lists[0].len() } else { 0 }) as u64;
                assert!(graph.degrees().into_iter().eq(expected.values().map(degree)));
            }
        }
    }
}

#[test]
fn edges_may_be_walked_over_and_cut_again() {
    let mut random = Random(32);
    let (vertices, edges) = (50, edges(50, 400, &mut random));
    let compact: Vec<(u32, u32)> = edges.iter().map(|&(from, to, _)| (from as u32, to as u32)).collect();
    let digests = |graph: &dyn Fn(BlockId) -> u64, blocks| (0..blocks).map(BlockId).map(graph).collect::<Vec<_>>();
    for (blocks, owner) in owners(vertices) {
        let given = build(vertices, &edges, false, blocks, &owner);
        let walk = |visit: &mut dyn FnMut(VertexId, VertexId, u32)| {
            edges.iter().for_each(|&(from, to, value)| visit(VertexId(from), VertexId(to), value));
        };
        let walked = Csr::undirected_from(vertices, &walk, blocks, &owner).unwrap();
        let again = walked.recut(3, hashed(3)).unwrap().recut(blocks, &owner).unwrap();
        let digest = |graph: &Csr<u32>| digests(&|id| graph.digest(&graph.block(id).unwrap()).unwrap(), blocks);
        assert_eq!(digest(&given), digest(&walked));
        assert_eq!(digest(&given), digest(&again));
        let plain = Csr::directed_from(vertices, &compact, blocks, &owner).unwrap();
        let mut listed = Vec::new();
        plain.each_edge(|from, to, ()| listed.push((from.0 as u32, to.0 as u32)));
        let mut sorted = compact.clone();
        sorted.sort_unstable();
        assert_eq!(listed, sorted);
    }
}

#[test]
fn a_digest_tells_whatever_a_program_can_see() {
    let edges = vec![(0, 1, 5), (1, 2, 6), (2, 2, 7)];
    let owner: Owner = Box::new(ranges(4, 1));
    let digest = |graph: &Csr<u32, u8>| graph.digest(&graph.block(BlockId(0)).unwrap()).unwrap();
    let of = |edges: &Edges, directed, values: [u8; 4]| {
        digest(&build(4, edges, directed, 1, &owner).with_values(values.to_vec()).unwrap())
    };
    let all = [
        of(&edges, true, [0; 4]),
        of(&edges, false, [0; 4]),
        of(&edges, true, [0, 0, 0, 1]),
        of(&vec![(0, 1, 5), (1, 2, 6), (2, 2, 8)], true, [0; 4]),
        of(&vec![(0, 1, 5), (1, 2, 6), (2, 3, 7)], true, [0; 4]),
        of(&vec![(0, 1, 5), (1, 2, 6)], true, [0; 4]),
    ];
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    assert_eq!(all[0], of(&edges, true, [0; 4]));
}

#[test]
fn edges_that_are_not_the_same_each_time_are_refused() {
    use std::sync::atomic::{AtomicU64, Ordering};

    for directed in [true, false] {
        let walks = AtomicU64::new(0);
        let walk = |visit: &mut dyn FnMut(VertexId, VertexId, ())| {
            let turn = walks.fetch_add(1, Ordering::Relaxed);
            (0..40).for_each(|v| visit(VertexId(v), VertexId((v * 3 + turn) % 40), ()));
        };
        let build = if directed { Csr::directed_from } else { Csr::undirected_from };
        assert_eq!(build(40, &walk, 3, hashed(3)).unwrap_err().kind(), Kind::Usage);
    }
    let none = |_: &mut dyn FnMut(VertexId, VertexId, ())| {};
    assert_eq!(Csr::directed_from(u64::MAX, &none, 1, ranges(1, 1)).unwrap_err().kind(), Kind::Resource);
    assert_eq!(Csr::undirected_from(3, &none, 1, ranges(3, 1)).unwrap().edges(), 0);
    let stray = vec![(0u64, 9u64)];
    assert_eq!(Csr::directed_from(0, &stray, 0, ranges(0, 0)).unwrap_err().kind(), Kind::Input);
    assert!(Csr::directed_from(9, &[(0u64, 1u64)][..], 1, ranges(9, 1)).unwrap().with_values(vec![0u8; 8]).is_err());
}

/// The rules of changes on a list of edges, in plain words.
struct Model {
    vertices: BTreeSet<u64>,
    edges: Edges,
    directed: bool,
}

impl Model {
    /// Whether an edge is one that a change from `from` to `to` is of.
    fn is_of(&self, edge: &(u64, u64, u32), from: u64, to: u64) -> bool {
        (edge.0, edge.1) == (from, to) || (!self.directed && (edge.1, edge.0) == (from, to))
    }

    /// The same pair of ends for the same edge.
    fn pair(&self, from: u64, to: u64) -> (u64, u64) {
        if self.directed { (from, to) } else { (from.min(to), from.max(to)) }
    }

    /// What is asked for each pair: the value that the smaller vertex asked for last.
    fn values(&self, asked: impl Iterator<Item = (u64, u64, u32)>) -> BTreeMap<(u64, u64), u32> {
        let mut values: BTreeMap<(u64, u64), (u64, u32)> = BTreeMap::new();
        for (by, to, value) in asked {
            let (first, kept) = values.entry(self.pair(by, to)).or_insert((by, value));
            if by <= *first {
                (*first, *kept) = (by, value);
            }
        }
        values.into_iter().map(|(pair, (_, value))| (pair, value)).collect()
    }

    /// False where an edge is to be added at a vertex that is not there.
    fn apply(&mut self, changes: &[Change<u32>]) -> bool {
        for change in changes {
            if let Change::RemoveEdge(from, to) = change {
                let edges = std::mem::take(&mut self.edges);
                self.edges = edges.into_iter().filter(|edge| !self.is_of(edge, from.0, to.0)).collect();
            }
        }
        for change in changes {
            if let Change::RemoveVertex(vertex) = change {
                self.vertices.remove(&vertex.0);
                self.edges.retain(|(from, to, _)| *from != vertex.0 && *to != vertex.0);
            }
        }
        for change in changes {
            if let Change::AddVertex(vertex) = change {
                self.vertices.insert(vertex.0);
            }
        }
        let added = changes.iter().filter_map(|change| match *change {
            Change::AddEdge(from, to, value) => Some((from.0, to.0, value)),
            _ => None,
        });
        for ((from, to), value) in self.values(added) {
            if !self.vertices.contains(&from) || !self.vertices.contains(&to) {
                return false;
            }
            self.edges.push((from, to, value));
        }
        let set = changes.iter().filter_map(|change| match *change {
            Change::SetEdge(from, to, value) => Some((from.0, to.0, value)),
            _ => None,
        });
        for ((from, to), value) in self.values(set) {
            let mut edges = std::mem::take(&mut self.edges);
            edges.iter_mut().filter(|edge| self.is_of(edge, from, to)).for_each(|edge| edge.2 = value);
            self.edges = edges;
        }
        true
    }
}

/// Changes at random, of vertices that are there and of some that are not.
fn changes(model: &Model, strays: bool, random: &mut Random) -> Vec<Change<u32>> {
    let there: Vec<u64> = model.vertices.iter().copied().collect();
    let any = |random: &mut Random| match (there.len() as u64, random.below(10)) {
        (0, _) | (_, 0) => random.below(150),
        (count, _) => there[random.below(count) as usize],
    };
    let mut changes = Vec::new();
    for _ in 0..random.below(40) {
        let known = (!model.edges.is_empty()).then(|| model.edges[random.below(model.edges.len() as u64) as usize]);
        // Most changes of edges are of edges that are there, some of the same edges as others.
        let (from, to) = match (random.below(3), known) {
            (0, _) | (_, None) => (any(random), any(random)),
            (1, Some((from, to, _))) => (from, to),
            (_, Some((from, to, _))) => (to, from),
        };
        let (from, to, value) = (VertexId(from), VertexId(to), random.below(1000) as u32);
        changes.push(match random.below(12) {
            0..3 => Change::RemoveEdge(from, to),
            3 => Change::RemoveVertex(from),
            4..6 => Change::AddVertex(VertexId(any(random))),
            6..9 => Change::AddEdge(from, to, value),
            _ => Change::SetEdge(from, to, value),
        });
    }
    if !strays {
        let gone = |vertex: &VertexId| {
            let is = |change: &Change<u32>, wanted| *change == wanted;
            let added = changes.iter().any(|change| is(change, Change::AddVertex(*vertex)));
            let removed = changes.iter().any(|change| is(change, Change::RemoveVertex(*vertex)));
            !added && (removed || !model.vertices.contains(&vertex.0))
        };
        let keep = |change: &Change<u32>| match change {
            Change::AddEdge(from, to, _) => !gone(from) && !gone(to),
            _ => true,
        };
        return changes.iter().copied().filter(keep).collect();
    }
    changes
}

/// What one block is told of, the changes of different vertices in any order.
fn told(graph: &Changed, block: usize, changes: &[Change<u32>], random: &mut Random) -> Vec<Change<u32>> {
    let own = |vertex: VertexId| graph.owner(vertex) == Some(BlockId(block as u32));
    let halo: BTreeSet<VertexId> = graph.seams()[block].iter().flat_map(|(_, _, halo)| halo.clone()).collect();
    let told = changes.iter().filter(|change| match **change {
        Change::RemoveVertex(vertex) => own(vertex) || halo.contains(&vertex),
        Change::AddVertex(vertex) => own(vertex),
        Change::RemoveEdge(from, to) | Change::AddEdge(from, to, _) | Change::SetEdge(from, to, _) => {
            own(from) || own(to)
        }
    });
    let mut told: Vec<Change<u32>> = told.copied().collect();
    let asker = |change: &Change<u32>| match *change {
        Change::RemoveVertex(vertex) | Change::AddVertex(vertex) => vertex,
        Change::RemoveEdge(from, _) | Change::AddEdge(from, ..) | Change::SetEdge(from, ..) => from,
    };
    let salt = random.next() | 1;
    told.sort_by_key(|change| asker(change).0.wrapping_mul(salt));
    told
}

/// Applies changes to all blocks; the kind of the error, where one fails.
fn apply(graph: &mut Changed, changes: &[Change<u32>], random: &mut Random) -> Result<(), Kind> {
    let mut blocks = Vec::new();
    for (at, old) in graph.blocks.iter().enumerate() {
        let (new, before) = old.apply(&told(graph, at, changes, random)).map_err(|error| error.kind())?;
        let before = before.unwrap_or_else(|| (0..old.slots() as u32).map(|slot| Some(Slot(slot))).collect());
        assert_eq!(before.len(), new.slots());
        let removed = |vertex: VertexId| changes.contains(&Change::RemoveVertex(vertex));
        let was: BTreeMap<VertexId, Slot> =
            (0..old.slots() as u32).map(Slot).map(|slot| (old.id(slot), slot)).collect();
        for (slot, before) in (0..).map(Slot).zip(&before) {
            let vertex = new.id(slot);
            assert_eq!(*before, was.get(&vertex).copied().filter(|_| !removed(vertex)), "vertex {vertex}");
            if new.slot(vertex) == Some(slot) {
                let value = before.map_or(0, |before| old.value(before));
                assert_eq!(new.value(slot), value);
            }
        }
        blocks.push(new);
    }
    graph.blocks = blocks;
    Ok(())
}

#[test]
fn changed_blocks_are_those_of_the_changed_list_of_edges() {
    let mut random = Random(33);
    for turn in 0..60 {
        let vertices = 1 + random.below(60);
        let count = random.below(5 * vertices);
        let directed = turn % 2 == 0;
        let list = edges(vertices, count, &mut random);
        for (blocks, owner) in owners(vertices) {
            let mut model = Model { vertices: (0..vertices).collect(), edges: list.clone(), directed };
            let values = (1..=vertices as u8).collect();
            let graph = build(vertices, &list, directed, blocks, &owner).with_values::<u8>(values).unwrap();
            let mut graph = Changed::new(graph);
            for _ in 0..4 {
                let changes = changes(&model, false, &mut random);
                assert!(model.apply(&changes));
                apply(&mut graph, &changes, &mut random).unwrap();
                assert_eq!(check(&graph), Ok(()));
                assert_eq!(graph.seen(), expected(&model.vertices, &model.edges, directed), "{changes:?}");
                // Built anew of the same edges, vertices that are gone stand in it without any.
                let whole: Owner = {
                    let (blocks, table) = (u64::from(blocks), graph.graph.clone());
                    Box::new(move |vertex| table.owner(vertex).unwrap_or(BlockId((vertex.0 % blocks) as u32)))
                };
                let fresh = build(150, &model.edges, directed, blocks, &whole).with_values(vec![0u8; 150]).unwrap();
                assert_eq!(graph.seams(), Changed::new(fresh).seams());
            }
        }
    }
}

#[test]
fn an_edge_to_a_vertex_that_is_not_there_is_an_error() {
    let mut random = Random(34);
    let (mut failed, mut passed) = (0, 0);
    for turn in 0..200 {
        let list = edges(30, 60, &mut random);
        let (blocks, owner) = owners(30).swap_remove(turn % 9);
        let directed = turn % 2 == 0;
        let mut model = Model { vertices: (0..30).collect(), edges: list.clone(), directed };
        let graph = build(30, &list, directed, blocks, &owner).with_values(vec![0u8; 30]).unwrap();
        let changes = changes(&model, true, &mut random);
        let fine = model.apply(&changes);
        let applied = apply(&mut Changed::new(graph), &changes, &mut random);
        assert_eq!(applied, if fine { Ok(()) } else { Err(Kind::Program) });
        *(if fine { &mut passed } else { &mut failed }) += 1;
    }
    assert!(failed > 20 && passed > 20, "{failed} and {passed}");
}

#[test]
fn where_only_values_are_set_slots_are_the_same() {
    let owner: Owner = Box::new(ranges(3, 1));
    let graph = build(3, &vec![(0, 1, 5), (1, 2, 6)], false, 1, &owner);
    let block = graph.block(BlockId(0)).unwrap();
    let set = Change::SetEdge(VertexId(2), VertexId(1), 9);
    let (new, before) = block.apply(&[set, Change::SetEdge(VertexId(2), VertexId(0), 1)]).unwrap();
    assert_eq!(before, None);
    let mut listed = Vec::new();
    new.each_neighbor(Slot(1), |to, value| listed.push((to.0, value)));
    assert_eq!(listed, [(0, 5), (2, 9)]);
    let again = [Change::RemoveVertex(VertexId(1)), Change::AddVertex(VertexId(1))];
    let (new, before) = new.apply(&again).unwrap();
    assert_eq!(before, Some(vec![Some(Slot(0)), None, Some(Slot(2))]));
    assert_eq!((new.slots(), new.degree(Slot(1))), (3, 0));
    let stray = block.apply(&[Change::AddEdge(VertexId(0), VertexId(7), 1)]).unwrap_err();
    assert_eq!(stray.message(), "an edge from 0 to 7 was asked for, but there is no vertex 7");
}
