//! A graph in compressed sparse rows, whole or cut into blocks.
//!
//! Each block has its owned vertices first, then its halo, and per slot the list of neighbours
//! (edges out) and of sources (edges in), sources ascending by vertex whatever the cut. Where the
//! graph is undirected the two are one list. Memory: a slot (4 bytes) and the edge value for each
//! directed edge, 12 bytes a slot; twice the edges where the graph is directed.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::topology::{Block, Cut, Seam, Topology};
use crate::id::{BlockId, Slot, VertexId};

/// Owned slots that are gathered at a stroke.
const ROW: usize = 512;

/// A graph with edges of type `E`, its vertices numbered from 0 without gaps.
///
/// A clone shares the graph.
#[derive(Debug)]
pub struct Csr<E> {
    blocks: Arc<[CsrBlock<E>]>,
    vertices: u64,
    edges: u64,
    directed: bool,
}

impl<E> Clone for Csr<E> {
    fn clone(&self) -> Self {
        Self { blocks: Arc::clone(&self.blocks), ..*self }
    }
}

/// Neighbour lists: those of slot `s` are `targets[starts[s]..starts[s + 1]]`.
#[derive(Clone, Debug, Default)]
struct Lists<E> {
    starts: Vec<u32>,
    targets: Vec<(Slot, E)>,
}

impl<E: Copy> Lists<E> {
    #[inline]
    fn of(&self, slot: Slot) -> &[(Slot, E)] {
        &self.targets[self.starts[slot.index()] as usize..self.starts[slot.index() + 1] as usize]
    }

    /// Lists from edges sorted by slot.
    fn new(slots: usize, edges: impl Iterator<Item = (Slot, Slot, E)>) -> Self {
        let mut lists = Self { starts: Vec::with_capacity(slots + 1), targets: Vec::new() };
        lists.starts.push(0);
        for (slot, target, edge) in edges {
            while lists.starts.len() <= slot.index() {
                lists.starts.push(lists.targets.len() as u32);
            }
            lists.targets.push((target, edge));
        }
        lists.starts.resize(slots + 1, lists.targets.len() as u32);
        lists
    }
}

/// A block of a [`Csr`]. A clone shares it.
#[derive(Debug)]
pub struct CsrBlock<E> {
    inner: Arc<Inner<E>>,
}

#[derive(Debug)]
struct Inner<E> {
    /// The vertex of each slot: the owned ones first, ascending, then the halo.
    names: Vec<VertexId>,
    owned: usize,
    neighbors: Lists<E>,
    /// Nothing where the graph is undirected: then the sources are the neighbours.
    sources: Option<Lists<E>>,
    seams: Vec<Seam>,
}

impl<E> Clone for CsrBlock<E> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<E: Copy + Send + Sync + 'static> Csr<E> {
    /// A directed graph of `vertices` vertices from its edges `(from, to, value)`, cut by `owner`,
    /// which names the block of each vertex (blocks `0..blocks`).
    ///
    /// # Errors
    /// Where an edge names a vertex that is not there, `owner` a block that is not, or a block has
    /// 2^32 slots; where the graph has 2^32 edges, or does not fit in memory.
    pub fn directed(
        vertices: u64,
        edges: &[(VertexId, VertexId, E)],
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
    ) -> Result<Self> {
        Self::build(vertices, edges, blocks, owner, true)
    }

    /// An undirected graph: each of `edges` is given once and joins both ways; a loop once.
    ///
    /// # Errors
    /// As [`Csr::directed`].
    pub fn undirected(
        vertices: u64,
        edges: &[(VertexId, VertexId, E)],
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
    ) -> Result<Self> {
        if edges.len() >= (u32::MAX / 2) as usize {
            return Err(Error::resource("a graph of 2^31 edges or more does not fit"));
        }
        let back = edges.iter().filter(|(a, b, _)| a != b).map(|&(a, b, value)| (b, a, value));
        let both: Vec<_> = edges.iter().copied().chain(back).collect();
        let mut graph = Self::build(vertices, &both, blocks, owner, false)?;
        graph.edges = edges.len() as u64;
        Ok(graph)
    }

    fn build(
        vertices: u64,
        edges: &[(VertexId, VertexId, E)],
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
        directed: bool,
    ) -> Result<Self> {
        if let Some((from, to, _)) = edges.iter().find(|(from, to, _)| from.0 >= vertices || to.0 >= vertices) {
            let what = format!("the edge from {from} to {to} leaves the vertices 0..{vertices}");
            return Err(Error::input("edge list", what));
        }
        // A block has no more edges than the graph, so its lists are addressed by 32 bits.
        if edges.len() >= u32::MAX as usize {
            return Err(Error::resource("a graph of 2^32 edges or more does not fit"));
        }
        // The place of each vertex: its block, and its slot there.
        let mut place = Vec::new();
        let room = usize::try_from(vertices).ok().filter(|count| place.try_reserve_exact(*count).is_ok());
        if room.is_none() {
            return Err(Error::resource(format!("a graph of {vertices} vertices does not fit in memory")));
        }
        let mut owned: Vec<Vec<VertexId>> = vec![Vec::new(); blocks as usize];
        for vertex in (0..vertices).map(VertexId) {
            let block = owner(vertex);
            let list = owned.get_mut(block.index()).ok_or_else(|| {
                Error::usage(format!("vertex {vertex} was given to block {block}, but there are only {blocks}"))
            })?;
            place.push((block, list.len() as u32));
            list.push(vertex);
        }
        let at = |vertex: VertexId| place[vertex.0 as usize];

        // The halo of a block: foreign vertices at the end of one of its edges, by block, then by
        // vertex. So both sides of a seam know its order without asking.
        let mut halos: Vec<Vec<(BlockId, VertexId)>> = vec![Vec::new(); blocks as usize];
        for &(from, to, _) in edges {
            let ((a, _), (b, _)) = (at(from), at(to));
            if a != b {
                halos[a.index()].push((b, to));
                halos[b.index()].push((a, from));
            }
        }
        for halo in &mut halos {
            halo.sort_unstable();
            halo.dedup();
        }
        let slot_in = |block: BlockId, vertex: VertexId| {
            let (owner, slot) = at(vertex);
            if owner == block {
                return Slot(slot);
            }
            let halo = halos[block.index()].binary_search(&(owner, vertex)).expect("both ends of an edge are known");
            Slot((owned[block.index()].len() + halo) as u32)
        };
        let slots = |block: usize| owned[block].len() + halos[block].len();
        if (0..blocks as usize).any(|block| slots(block) >= u32::MAX as usize) {
            return Err(Error::resource("a block of the graph has 2^32 slots: cut it into more blocks"));
        }

        let mut out: Vec<Vec<(Slot, VertexId, Slot, E)>> = vec![Vec::new(); blocks as usize];
        let mut into: Vec<Vec<(Slot, VertexId, Slot, E)>> = vec![Vec::new(); blocks as usize];
        for &(from, to, value) in edges {
            let ((a, _), (b, _)) = (at(from), at(to));
            out[a.index()].push((slot_in(a, from), to, slot_in(a, to), value));
            into[b.index()].push((slot_in(b, to), from, slot_in(b, from), value));
            if a != b {
                // A halo slot knows its edges into the block, so that who speaks can wake.
                out[b.index()].push((slot_in(b, from), to, slot_in(b, to), value));
            }
        }
        let lists = |mut edges: Vec<(Slot, VertexId, Slot, E)>, block: usize| {
            edges.sort_by_key(|&(slot, vertex, ..)| (slot, vertex));
            Lists::new(slots(block), edges.into_iter().map(|(slot, _, other, value)| (slot, other, value)))
        };
        let made: Vec<CsrBlock<E>> = out
            .into_iter()
            .zip(into)
            .enumerate()
            .map(|(block, (out, into))| {
                let halo = halos[block].iter().map(|&(_, vertex)| vertex);
                let inner = Inner {
                    names: owned[block].iter().copied().chain(halo).collect(),
                    owned: owned[block].len(),
                    neighbors: lists(out, block),
                    sources: directed.then(|| lists(into, block)),
                    seams: seams_of(BlockId(block as u32), &owned, &halos, &slot_in),
                };
                CsrBlock { inner: Arc::new(inner) }
            })
            .collect();
        Ok(Self { blocks: made.into(), vertices, edges: edges.len() as u64, directed })
    }

    /// The number of vertices.
    pub fn vertices(&self) -> u64 {
        self.vertices
    }

    /// The number of edges: undirected ones count once.
    pub fn edges(&self) -> u64 {
        self.edges
    }

    /// Whether edges have a direction.
    pub fn is_directed(&self) -> bool {
        self.directed
    }

    /// Every edge `(from, to, value)`, an undirected one once, from its smaller end; ascending.
    pub fn each_edge(&self, mut visit: impl FnMut(VertexId, VertexId, E)) {
        let mut all = Vec::with_capacity(self.edges as usize);
        for block in self.blocks.iter() {
            let names = &block.inner.names;
            for (slot, &from) in names[..block.inner.owned].iter().enumerate() {
                for &(to, value) in block.inner.neighbors.of(Slot(slot as u32)) {
                    let to = names[to.index()];
                    if self.directed || from <= to {
                        all.push((from, to, value));
                    }
                }
            }
        }
        all.sort_by_key(|&(from, to, _)| (from, to));
        all.into_iter().for_each(|(from, to, value)| visit(from, to, value));
    }
}

/// The seams of a block: one for each block in its halo.
fn seams_of(
    block: BlockId,
    owned: &[Vec<VertexId>],
    halos: &[Vec<(BlockId, VertexId)>],
    slot_in: &impl Fn(BlockId, VertexId) -> Slot,
) -> Vec<Seam> {
    let first_halo = owned[block.index()].len() as u32;
    let mut seams: Vec<Seam> = Vec::new();
    for (place, &(to, _)) in halos[block.index()].iter().enumerate() {
        let slot = Slot(first_halo + place as u32);
        match seams.last_mut() {
            Some(seam) if seam.to == to => seam.halo.push(slot),
            _ => seams.push(Seam { to, border: Vec::new(), halo: vec![slot] }),
        }
    }
    for seam in &mut seams {
        let theirs = &halos[seam.to.index()];
        let mine =
            theirs.partition_point(|(owner, _)| *owner < block)..theirs.partition_point(|(owner, _)| *owner <= block);
        seam.border = theirs[mine].iter().map(|&(_, vertex)| slot_in(block, vertex)).collect();
    }
    seams
}

impl<E: Copy + Send + Sync + 'static> Cut for Csr<E> {
    type Block = CsrBlock<E>;

    fn blocks(&self) -> u32 {
        self.blocks.len() as u32
    }

    fn block(&self, id: BlockId) -> Result<CsrBlock<E>> {
        Ok(self.blocks[id.index()].clone())
    }
}

impl<E: Copy + Send + Sync + 'static> Topology for Csr<E> {
    type Edge = E;
}

impl<E: Copy> Block for CsrBlock<E> {
    type Edge = E;
    type Vertex = ();

    fn slots(&self) -> usize {
        self.inner.names.len()
    }

    fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let owned = self.inner.owned;
        (0..owned).step_by(ROW).map(move |start| start..(start + ROW).min(owned))
    }

    fn owned(&self, row: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let run = row.start..row.end.min(self.inner.owned);
        (!run.is_empty()).then_some(run).into_iter()
    }

    #[inline]
    fn vertex(&self, slot: Slot) -> (VertexId, ()) {
        (self.inner.names[slot.index()], ())
    }

    #[inline]
    fn each_neighbor(&self, slot: Slot, mut visit: impl FnMut(Slot, E)) {
        for &(to, edge) in self.inner.neighbors.of(slot) {
            visit(to, edge);
        }
    }

    #[inline]
    fn each_source(&self, slot: Slot, mut visit: impl FnMut(Slot, E)) {
        for &(from, edge) in self.inner.sources.as_ref().unwrap_or(&self.inner.neighbors).of(slot) {
            visit(from, edge);
        }
    }

    fn seams(&self) -> &[Seam] {
        &self.inner.seams
    }

    #[inline]
    fn degree(&self, slot: Slot) -> u32 {
        self.inner.neighbors.of(slot).len() as u32
    }
}
