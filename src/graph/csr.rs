//! A graph in compressed sparse rows, whole or cut into blocks.
//!
//! Each block has, for each vertex it owns, the list of neighbours (edges out) and of sources
//! (edges in), ascending by vertex whatever the cut, parallel edges as they were given. Where the
//! graph is undirected the two are one list. Memory: a slot (4 bytes) and the edge value for each
//! directed edge, twice where the graph is directed; 12 bytes an owned vertex, 16 a halo vertex,
//! and for the table of owners at most 4 a vertex.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::graph::csr_block::CsrBlock;
use crate::graph::csr_build::build;
use crate::graph::csr_lists::Lists;
use crate::graph::owners::Owners;
use crate::graph::topology::{Cut, Topology};
use crate::graph::walk::Walk;
use crate::id::{BlockId, VertexId};

/// What edges and vertices of a [`Csr`] can bear: plain data.
pub trait Plain: Copy + Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Copy + Serialize + DeserializeOwned + Send + Sync + 'static> Plain for T {}

/// A graph with edges of type `E` and vertices of type `V`, numbered from 0 without gaps.
///
/// A clone shares the graph.
#[derive(Debug)]
pub struct Csr<E, V = ()> {
    blocks: Arc<[CsrBlock<E, V>]>,
    owners: Arc<Owners>,
    vertices: u64,
    edges: u64,
    directed: bool,
}

impl<E, V> Clone for Csr<E, V> {
    fn clone(&self) -> Self {
        Self { blocks: Arc::clone(&self.blocks), owners: Arc::clone(&self.owners), ..*self }
    }
}

impl<E: Plain> Csr<E> {
    /// A directed graph of `vertices` vertices from its edges `(from, to, value)`, cut by `owner`,
    /// which names the block of each vertex (blocks `0..blocks`).
    ///
    /// # Errors
    /// As [`Csr::directed_from`].
    pub fn directed(
        vertices: u64,
        edges: &[(VertexId, VertexId, E)],
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
    ) -> Result<Self> {
        Self::directed_from(vertices, edges, blocks, owner)
    }

    /// An undirected graph: each of `edges` is given once and joins both ways; a loop once.
    ///
    /// # Errors
    /// As [`Csr::directed_from`].
    pub fn undirected(
        vertices: u64,
        edges: &[(VertexId, VertexId, E)],
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
    ) -> Result<Self> {
        Self::undirected_from(vertices, edges, blocks, owner)
    }

    /// A directed graph of edges that are walked over, twice or more, on several threads.
    ///
    /// # Errors
    /// Where an edge names a vertex that is not there, or `owner` a block that is not; where a
    /// block has 2^32 slots or 2^32 edges, or the graph does not fit in memory; where two walks
    /// differ.
    pub fn directed_from<W: Walk<E> + ?Sized>(
        vertices: u64,
        edges: &W,
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
    ) -> Result<Self> {
        Self::of_edges(vertices, edges, blocks, owner, true)
    }

    /// An undirected graph of edges that are walked over: each is given once and joins both ways;
    /// a loop once.
    ///
    /// # Errors
    /// As [`Csr::directed_from`].
    pub fn undirected_from<W: Walk<E> + ?Sized>(
        vertices: u64,
        edges: &W,
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
    ) -> Result<Self> {
        Self::of_edges(vertices, edges, blocks, owner, false)
    }

    fn of_edges<W: Walk<E> + ?Sized>(
        vertices: u64,
        edges: &W,
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
        directed: bool,
    ) -> Result<Self> {
        let (made, edges, owners) = build(vertices, edges, blocks, owner, directed)?;
        let made = made.into_iter().map(|inner| {
            let values = std::iter::repeat_n((), inner.owned).collect();
            CsrBlock { inner: Arc::new(inner), values }
        });
        Ok(Self { blocks: made.collect(), owners, vertices, edges, directed })
    }
}

impl<E, V> Csr<E, V> {
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

    /// The same graph with another value for each vertex, in their order; it shares the edges.
    /// A vertex that is added while a program runs has the default value.
    ///
    /// # Errors
    /// Where there are more or fewer values than vertices.
    pub fn with_values<U: Copy>(&self, values: Vec<U>) -> Result<Csr<E, U>> {
        if values.len() as u64 != self.vertices {
            let (given, vertices) = (values.len(), self.vertices);
            return Err(Error::usage(format!("{given} values were given for the {vertices} vertices of a graph")));
        }
        let own = |block: &CsrBlock<E, V>| CsrBlock {
            inner: Arc::clone(&block.inner),
            values: block.inner.names[..block.inner.owned].iter().map(|vertex| values[vertex.0 as usize]).collect(),
        };
        let blocks = self.blocks.iter().map(own).collect();
        let owners = Arc::clone(&self.owners);
        Ok(Csr { blocks, owners, vertices: self.vertices, edges: self.edges, directed: self.directed })
    }

    /// Visits the vertices in their order: the block of each, and its slot there.
    fn each_place(&self, mut visit: impl FnMut(VertexId, &CsrBlock<E, V>, usize)) {
        let mut next = vec![0; self.blocks.len()];
        for vertex in (0..self.vertices).map(VertexId) {
            let block = self.owners.of(vertex).expect("every vertex has a block").index();
            visit(vertex, &self.blocks[block], next[block]);
            next[block] += 1;
        }
    }

    /// The entries that each vertex has in the lists of its block: the edges at it, a loop once
    /// where the graph is undirected and twice where it is directed. What an edge costs a block.
    pub fn degrees(&self) -> Vec<u64> {
        let mut degrees = Vec::with_capacity(self.vertices as usize);
        let degree = |lists: &Lists<E>, slot: usize| u64::from(lists.starts[slot + 1] - lists.starts[slot]);
        self.each_place(|_, CsrBlock { inner, .. }, slot| {
            let into = inner.sources.as_ref().map_or(0, |lists| degree(lists, slot));
            degrees.push(degree(&inner.neighbors, slot) + into);
        });
        degrees
    }

    /// The number of edges that join two blocks: what a cut costs.
    pub fn edge_cut(&self) -> u64 {
        let foreign = |CsrBlock { inner, .. }: &CsrBlock<E, V>| {
            inner.neighbors.targets.iter().filter(|(target, _)| target.index() >= inner.owned).count() as u64
        };
        let cut: u64 = self.blocks.iter().map(foreign).sum();
        if self.directed { cut } else { cut / 2 }
    }
}

impl<E: Plain, V: Plain> Csr<E, V> {
    /// The same graph, cut by another `owner` into so many blocks.
    ///
    /// # Errors
    /// As [`Csr::directed_from`].
    pub fn recut(&self, blocks: u32, owner: impl Fn(VertexId) -> BlockId) -> Result<Self> {
        let mut values = Vec::with_capacity(self.vertices as usize);
        self.each_place(|_, block, slot| values.push(block.values[slot]));
        Csr::of_edges(self.vertices, self, blocks, owner, self.directed)?.with_values(values)
    }
}

impl<E: Copy, V> Csr<E, V> {
    /// Every edge `(from, to, value)`, an undirected one once, from its smaller end; ascending,
    /// parallel edges as they were given.
    pub fn each_edge(&self, mut visit: impl FnMut(VertexId, VertexId, E)) {
        self.each_place(|from, CsrBlock { inner, .. }, slot| {
            for &(to, edge) in inner.neighbors.of(slot) {
                let to = inner.names[to.index()];
                if self.directed || from <= to {
                    visit(from, to, edge);
                }
            }
        });
    }
}

impl<E: Plain, V: Send + Sync> Walk<E> for Csr<E, V> {
    fn walk(&self, visit: impl FnMut(VertexId, VertexId, E)) {
        self.each_edge(visit);
    }
}

impl<E: Plain, V: Plain + Default> Cut for Csr<E, V> {
    type Block = CsrBlock<E, V>;

    fn blocks(&self) -> u32 {
        self.blocks.len() as u32
    }

    fn block(&self, id: BlockId) -> Result<CsrBlock<E, V>> {
        Ok(self.blocks[id.index()].clone())
    }

    fn digest(&self, block: &CsrBlock<E, V>) -> Result<u64> {
        let inner = &block.inner;
        let mut hash = Xxh3::new();
        let sizes = [inner.owned as u64, inner.names.len() as u64, u64::from(inner.sources.is_some())];
        hash.update(bytemuck::cast_slice(&sizes));
        hash.update(bytemuck::cast_slice(&inner.names));
        for lists in [Some(&inner.neighbors), inner.sources.as_ref()].into_iter().flatten() {
            hash.update(bytemuck::cast_slice(&lists.starts));
            absorb(&mut hash, &lists.targets)?;
        }
        absorb(&mut hash, &block.values)?;
        Ok(hash.digest())
    }
}

/// Hashes values by their bytes, a piece at a time.
fn absorb<T: Serialize>(hash: &mut Xxh3, values: &[T]) -> Result<()> {
    let mut bytes = Vec::new();
    for piece in values.chunks(1 << 12) {
        bytes.clear();
        bytes = postcard::to_extend(piece, bytes)
            .map_err(|cause| Error::usage("what the graph bears cannot be written as bytes").because(cause))?;
        hash.update(&bytes);
    }
    Ok(())
}

impl<E: Plain, V: Plain + Default> Topology for Csr<E, V> {
    type Edge = E;

    /// A vertex that the graph did not begin with belongs to the block of its number modulo the
    /// number of blocks.
    fn owner(&self, vertex: VertexId) -> Option<BlockId> {
        self.owners.of(vertex)
    }
}
