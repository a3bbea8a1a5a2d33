//! Bridges and articulation points: the edges and vertices without which a part of the graph falls
//! apart.
//!
//! Each block reduces its edges to a sparse certificate: a breadth-first spanning forest, and a
//! spanning forest of what is left. Take away any one vertex or edge, and what hangs together in
//! the certificate is what hangs together in the block, whatever edges other blocks add; so
//! certificates of certificates are certificates too (Eppstein, Galil, Italiano and Nissenzweig,
//! Sparsification, 1997; Cheriyan, Kao and Thurimella, 1993). Blocks hand them on in pairs,
//! pairs of pairs, and so on, and block 0 walks the last one in depth (Hopcroft and Tarjan, 1973).
//!
//! Parallel edges are one edge with a mark, which is never a bridge: a forest of parallel edges
//! would hide an articulation point. Loops do not count. The graph is undirected.
//!
//! Cost: O(edges), and O(vertices) for each of the log2(blocks) rounds. Memory of block 0: some
//! 200 bytes for each vertex that has an edge.

use serde::{Deserialize, Serialize};

use crate::combine::Sum;
use crate::disjoint::Disjoint;
use crate::error::Result;
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::pregel::block::{BlockProgram, Superstep, Vote};

/// Whether every vertex is an articulation point, and which edges are bridges. The global counts
/// both, articulation points first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bridges;

/// What was found in a block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weak {
    /// The vertices of the block, and whether they are articulation points.
    pub articulation: Vec<(VertexId, bool)>,
    /// The bridges whose smaller end is in the block, that end first; ascending.
    pub bridges: Vec<(VertexId, VertexId)>,
}

/// A graph that falls apart as another one does.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Certificate {
    /// The vertices that have an edge, ascending, and the blocks that own them.
    vertices: Vec<(VertexId, BlockId)>,
    edges: Vec<Edge>,
}

/// An edge between two vertices by their places in the list.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Edge {
    ends: [u32; 2],
    /// There are several between the two.
    parallel: bool,
}

/// What one block tells another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Told {
    /// The edges of some blocks.
    Edges(Certificate),
    /// The articulation points of the block, and its bridges.
    Answer(Vec<VertexId>, Vec<(VertexId, VertexId)>),
}

/// Before the first and after the last.
const NONE: u32 = u32::MAX;

/// The certificate of `count` vertices, whose neighbours `each_neighbor` visits with the number of
/// edges to them from either end: an edge that is visited several times is parallel.
fn reduce(count: usize, each_neighbor: impl Fn(u32, &mut dyn FnMut(u32, bool))) -> Vec<Edge> {
    let mut parent = vec![NONE; count];
    let mut queue = Vec::with_capacity(count);
    for root in 0..count as u32 {
        if parent[root as usize] != NONE {
            continue;
        }
        parent[root as usize] = root;
        let mut next = queue.len();
        queue.push(root);
        while let Some(&vertex) = queue.get(next) {
            next += 1;
            each_neighbor(vertex, &mut |to, _| {
                if parent[to as usize] == NONE {
                    parent[to as usize] = vertex;
                    queue.push(to);
                }
            });
        }
    }
    let mut rest = Disjoint::new(count);
    let mut edges = Vec::new();
    let mut above = Vec::new();
    for vertex in 0..count as u32 {
        above.clear();
        each_neighbor(vertex, &mut |to, parallel| {
            if to > vertex {
                above.push((to, parallel));
            }
        });
        above.sort_unstable();
        for same in above.chunk_by(|a, b| a.0 == b.0) {
            let to = same[0].0;
            let in_first = parent[to as usize] == vertex || parent[vertex as usize] == to;
            if in_first || rest.find(vertex) != rest.find(to) {
                edges.push(Edge { ends: [vertex, to], parallel: same.len() > 1 || same[0].1 });
                if !in_first {
                    rest.union(vertex, to);
                }
            }
        }
    }
    edges
}

/// For each vertex its edges: their other ends and numbers.
struct Rows {
    starts: Vec<u32>,
    ends: Vec<(u32, u32)>,
}

impl Rows {
    fn new(count: usize, edges: &[Edge]) -> Self {
        let mut starts = vec![0u32; count + 1];
        edges.iter().flat_map(|edge| edge.ends).for_each(|end| starts[end as usize + 1] += 1);
        for vertex in 0..count {
            starts[vertex + 1] += starts[vertex];
        }
        let mut next = starts.clone();
        let mut ends = vec![(0, 0); 2 * edges.len()];
        for (Edge { ends: [a, b], .. }, number) in edges.iter().zip(0u32..) {
            for (from, to) in [(*a, *b), (*b, *a)] {
                ends[next[from as usize] as usize] = (to, number);
                next[from as usize] += 1;
            }
        }
        Self { starts, ends }
    }

    fn of(&self, vertex: u32) -> &[(u32, u32)] {
        &self.ends[self.starts[vertex as usize] as usize..self.starts[vertex as usize + 1] as usize]
    }
}

impl Certificate {
    /// Of a block: the edges between its own vertices, and those to larger vertices of others.
    fn of_block<B: Block>(block: &B, id: BlockId) -> Self {
        let mut owner = vec![NONE; block.slots()];
        block.rows().flat_map(|row| block.owned(row)).flatten().for_each(|slot| owner[slot] = id.0);
        for seam in block.seams() {
            seam.halo.iter().for_each(|slot| owner[slot.index()] = seam.to.0);
        }
        let counts_here = |a: u32, b: u32| {
            let (ours, theirs) = if owner[a as usize] == id.0 { (a, b) } else { (b, a) };
            a != b && (owner[theirs as usize] == id.0 || block.id(Slot(ours)) < block.id(Slot(theirs)))
        };
        let edges = reduce(block.slots(), |slot, visit| {
            if owner[slot as usize] != NONE {
                block.each_neighbor(Slot(slot), |to, _| {
                    if counts_here(slot, to.0) {
                        visit(to.0, false);
                    }
                });
            }
        });
        let mut slots: Vec<u32> = edges.iter().flat_map(|edge| edge.ends).collect();
        slots.sort_unstable();
        slots.dedup();
        slots.sort_by_key(|slot| block.id(Slot(*slot)));
        let vertices = slots.iter().map(|slot| (block.id(Slot(*slot)), BlockId(owner[*slot as usize]))).collect();
        // The owners are not needed any more: their room is for the places.
        let mut place = owner;
        slots.iter().zip(0u32..).for_each(|(slot, number)| place[*slot as usize] = number);
        let named = |edge: Edge| Edge { ends: edge.ends.map(|end| place[end as usize]), ..edge };
        Self { vertices, edges: edges.into_iter().map(named).collect() }
    }

    /// Of the edges of both, which have none in common.
    fn join(self, other: Self) -> Self {
        if self.edges.is_empty() || other.edges.is_empty() {
            return if self.edges.is_empty() { other } else { self };
        }
        let mut vertices: Vec<_> = self.vertices.iter().chain(&other.vertices).copied().collect();
        vertices.sort_unstable();
        vertices.dedup();
        let mut edges = Vec::with_capacity(self.edges.len() + other.edges.len());
        for part in [self, other] {
            // Both lists ascend, so one walk places all.
            let mut at = 0;
            let places: Vec<u32> = part
                .vertices
                .iter()
                .map(|vertex| {
                    while vertices[at] != *vertex {
                        at += 1;
                    }
                    at as u32
                })
                .collect();
            edges.extend(
                part.edges.iter().map(|edge| Edge { ends: edge.ends.map(|end| places[end as usize]), ..*edge }),
            );
        }
        let rows = Rows::new(vertices.len(), &edges);
        let edges = reduce(vertices.len(), |vertex, visit| {
            rows.of(vertex).iter().for_each(|(to, number)| visit(*to, edges[*number as usize].parallel));
        });
        Self { vertices, edges }
    }

    /// Which vertices are articulation points, and which edges are bridges: by the lowest place in
    /// the order of a walk in depth that is reached from beyond a vertex or an edge.
    fn weak(&self) -> (Vec<bool>, Vec<u32>) {
        let count = self.vertices.len();
        let rows = Rows::new(count, &self.edges);
        let mut next = rows.starts.clone();
        let mut order = vec![NONE; count];
        let mut low = vec![NONE; count];
        let mut articulation = vec![false; count];
        let mut bridges = Vec::new();
        // The vertices from the root to where the walk is, and the edges that led to them.
        let mut path: Vec<(u32, u32)> = Vec::new();
        let mut seen = 0;
        for root in 0..count as u32 {
            if order[root as usize] != NONE {
                continue;
            }
            (order[root as usize], low[root as usize]) = (seen, seen);
            seen += 1;
            path.push((root, NONE));
            let mut from_root = 0;
            while let Some(&(vertex, by)) = path.last() {
                let here = vertex as usize;
                if next[here] < rows.starts[here + 1] {
                    let (to, number) = rows.ends[next[here] as usize];
                    next[here] += 1;
                    if number == by {
                        continue;
                    }
                    if order[to as usize] == NONE {
                        (order[to as usize], low[to as usize]) = (seen, seen);
                        seen += 1;
                        path.push((to, number));
                    } else {
                        low[here] = low[here].min(order[to as usize]);
                    }
                    continue;
                }
                path.pop();
                let Some(&(above, _)) = path.last() else { break };
                low[above as usize] = low[above as usize].min(low[here]);
                if low[here] > order[above as usize] && !self.edges[by as usize].parallel {
                    bridges.push(by);
                }
                if above == root {
                    from_root += 1;
                } else if low[here] >= order[above as usize] {
                    articulation[above as usize] = true;
                }
            }
            articulation[root as usize] = from_root > 1;
        }
        (articulation, bridges)
    }

    /// What each block that has any should know of its own.
    fn answers(&self) -> Vec<(BlockId, Told)> {
        let (articulation, bridges) = self.weak();
        let named = |end: u32| self.vertices[end as usize];
        let points = self.vertices.iter().zip(articulation).filter(|(_, is)| *is);
        let mut points: Vec<_> = points.map(|((vertex, block), _)| (*block, *vertex)).collect();
        points.sort_unstable();
        let mut edges: Vec<_> = bridges
            .into_iter()
            .map(|number| {
                let [a, b] = self.edges[number as usize].ends;
                let ((from, block), (to, _)) = (named(a.min(b)), named(a.max(b)));
                (block, (from, to))
            })
            .collect();
        edges.sort_unstable();
        let mut blocks: Vec<BlockId> =
            points.iter().map(|(block, _)| *block).chain(edges.iter().map(|(block, _)| *block)).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let (mut points, mut edges) = (points.into_iter().peekable(), edges.into_iter().peekable());
        let answer = |block: BlockId| {
            let points = std::iter::from_fn(|| points.next_if(|(of, _)| *of == block)).map(|(_, vertex)| vertex);
            let edges = std::iter::from_fn(|| edges.next_if(|(of, _)| *of == block)).map(|(_, edge)| edge);
            (block, Told::Answer(points.collect(), edges.collect()))
        };
        blocks.into_iter().map(answer).collect()
    }
}

/// The state of a block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Finding {
    /// The number of blocks of the graph.
    blocks: u32,
    /// The edges of the blocks that have handed theirs on to this one; nothing once they were
    /// handed on.
    edges: Option<Certificate>,
    articulation: Vec<VertexId>,
    bridges: Vec<(VertexId, VertexId)>,
}

impl<G: Topology> BlockProgram<G> for Bridges {
    type State = Finding;
    type Parcel = Told;
    /// Articulation points and bridges.
    type Global = (Sum<u64>, Sum<u64>);
    type Output = Weak;

    fn init(&self, graph: &G, _: &G::Block) -> Result<Finding> {
        Ok(Finding { blocks: graph.blocks(), ..Finding::default() })
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Told, Self::Global>,
        block: &G::Block,
        state: &mut Finding,
        mail: Vec<(BlockId, Told)>,
    ) -> Result<Vote> {
        let id = at.block();
        if at.number() == 0 {
            state.edges = Some(Certificate::of_block(block, id));
        }
        for (_, told) in mail {
            match told {
                Told::Edges(edges) => state.edges = state.edges.take().map(|ours| ours.join(edges)),
                Told::Answer(articulation, bridges) => {
                    at.contribute((Sum(articulation.len() as u64), Sum(bridges.len() as u64)));
                    (state.articulation, state.bridges) = (articulation, bridges);
                }
            }
        }
        // In round r those hand on to the block 2^r before theirs whose number has r zeros at the end.
        let round = at.number().min(32);
        let waits = u64::from(id.0) % (1 << (round + 1)) == 0;
        let last = 1 << round >= u64::from(state.blocks);
        if waits && !last && state.edges.is_some() {
            return Ok(Vote::Stay);
        }
        match state.edges.take() {
            Some(edges) if id.0 == 0 => {
                for (to, answer) in edges.answers() {
                    at.count(1);
                    at.send(to, answer);
                }
            }
            Some(edges) => {
                at.count(edges.edges.len() as u64);
                at.send(BlockId(id.0 - (1 << round)), Told::Edges(edges));
            }
            None => {}
        }
        Ok(Vote::Halt)
    }

    fn finish(&self, block: &G::Block, state: Finding) -> Result<Weak> {
        let owned = block.rows().flat_map(|row| block.owned(row)).flatten();
        let vertices = owned.map(|slot| block.id(Slot(slot as u32)));
        let is = |vertex: VertexId| (vertex, state.articulation.binary_search(&vertex).is_ok());
        Ok(Weak { articulation: vertices.map(is).collect(), bridges: state.bridges })
    }
}
