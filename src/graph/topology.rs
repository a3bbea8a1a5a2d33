//! A graph cut into blocks with halo slots: what every engine, program and partitioner speaks of.
//!
//! A block owns vertices, and has a *halo slot* for every vertex of another block that one of its
//! own is joined to. Per-vertex data are plain arrays over slots; a neighbour is a slot. Two
//! blocks that share an edge meet at a [`Seam`]: the k-th halo slot on one side and the k-th
//! border slot on the other are the same vertex, so what crosses is `(k, value)`.

use std::ops::Range;

use crate::combine::Combine;
use crate::error::Result;
use crate::id::{BlockId, Slot, VertexId};

/// Something large that is cut into blocks, each read on the worker that owns it.
///
/// Law: [`block`](Cut::block) gives the same block however often and wherever it is called.
pub trait Cut: Clone + Send + Sync + 'static {
    /// One block.
    type Block: 'static;

    /// The number of blocks; they are `0..blocks`.
    fn blocks(&self) -> u32;

    /// Reads a block.
    ///
    /// # Errors
    /// Where what lies beneath cannot be read.
    fn block(&self, id: BlockId) -> Result<Self::Block>;
}

/// A graph cut into blocks.
///
/// Laws, which [`check`] tests: every vertex is owned by one block; seams come in pairs, and
/// their k-th slots are the same vertex; an edge out of one vertex is an edge into the other; a
/// slot lists its sources in an order that is the same for every cut. Where they are broken
/// messages go astray, or results depend on the cut.
pub trait Topology: Cut<Block: Block<Edge = Self::Edge>> {
    /// What is known of an edge: nothing, a step on a lattice, a contact.
    type Edge: Copy + Send + Sync + 'static;
}

/// One block of a graph.
pub trait Block {
    /// What is known of an edge.
    type Edge: Copy;
    /// What is known of a vertex: nothing, a voxel's value, a cell's row.
    type Vertex: Copy;

    /// The length of an array over slots: owned, halo and padding.
    fn slots(&self) -> usize;

    /// Spans of slots that are gathered at a stroke, ascending, together all the owned slots.
    fn rows(&self) -> impl Iterator<Item = Range<usize>>;

    /// The runs of owned slots in a row (or any span), ascending.
    fn owned(&self, row: Range<usize>) -> impl Iterator<Item = Range<usize>>;

    /// The vertex in an owned slot.
    fn vertex(&self, slot: Slot) -> (VertexId, Self::Vertex);

    /// Visits the edges out of an owned or halo slot, into owned slots; out of an owned slot also
    /// into halo slots.
    fn each_neighbor(&self, slot: Slot, visit: impl FnMut(Slot, Self::Edge));

    /// Visits the edges into an owned slot, in one order for every cut.
    fn each_source(&self, slot: Slot, visit: impl FnMut(Slot, Self::Edge));

    /// The seams of the block, at most one for each other block, ascending by block.
    fn seams(&self) -> &[Seam];

    /// The number of edges out of an owned slot. Override it where it is known without a walk.
    fn degree(&self, slot: Slot) -> u32 {
        let mut degree = 0;
        self.each_neighbor(slot, |_, _| degree += 1);
        degree
    }

    /// What each owned slot of `row` hears when every slot has said `said`: the merge, in the
    /// order of [`each_source`](Block::each_source), of what `along` makes of it on the way.
    /// `heard[0]` belongs to the first slot of the row. Overriding it buys speed where whole rows
    /// can be merged at once.
    fn gather<M, F>(&self, row: Range<usize>, said: &[M], heard: &mut [M], along: F)
    where
        M: Combine + Default,
        F: Fn(Self::Edge, &M) -> M,
    {
        let first = row.start;
        for run in self.owned(row) {
            for slot in run {
                let mut sum = M::default();
                self.each_source(Slot(slot as u32), |source, edge| sum.combine(along(edge, &said[source.index()])));
                heard[slot - first] = sum;
            }
        }
    }
}

/// Where two blocks meet, seen from one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seam {
    /// The other block.
    pub to: BlockId,
    /// Own slots that the other block has as halo.
    pub border: Vec<Slot>,
    /// Halo slots here of vertices that the other block owns.
    pub halo: Vec<Slot>,
}

impl Seam {
    /// The values of the border, in the order of the seam.
    pub fn gather<T: Clone>(&self, values: &[T], out: &mut Vec<T>) {
        out.clear();
        out.extend(self.border.iter().map(|slot| values[slot.index()].clone()));
    }

    /// Puts what the other block gathered into the halo.
    pub fn scatter<T: Clone>(&self, values: &[T], into: &mut [T]) {
        debug_assert_eq!(values.len(), self.halo.len(), "seams come in pairs");
        for (slot, value) in self.halo.iter().zip(values) {
            into[slot.index()] = value.clone();
        }
    }
}

/// Holds a graph to the laws of [`Topology`]: for tests of a graph of one's own.
///
/// Reads every block and walks every edge; memory O(vertices + edges).
///
/// # Errors
/// The first law that is broken, in words, or the failure to read a block.
pub fn check<G: Topology>(graph: &G) -> Result<(), String> {
    use std::collections::HashMap;

    let blocks: Vec<G::Block> =
        (0..graph.blocks()).map(|id| graph.block(BlockId(id))).collect::<Result<_>>().map_err(|e| e.to_string())?;
    let mut owner: HashMap<VertexId, (usize, Slot)> = HashMap::new();
    // The vertex that each slot of each block stands for: its own, or the peer's across a seam.
    let mut names: Vec<Vec<Option<VertexId>>> = blocks.iter().map(|block| vec![None; block.slots()]).collect();
    for (at, block) in blocks.iter().enumerate() {
        for slot in block.rows().flat_map(|row| block.owned(row)).flatten() {
            let vertex = block.vertex(Slot(slot as u32)).0;
            names[at][slot] = Some(vertex);
            if let Some((other, _)) = owner.insert(vertex, (at, Slot(slot as u32))) {
                return Err(format!("vertex {vertex} is owned by block {other} and by block {at}"));
            }
        }
    }
    for (at, block) in blocks.iter().enumerate() {
        if !block.seams().is_sorted_by(|a, b| a.to < b.to) {
            return Err(format!("block {at}: the seams are not in ascending order, one for each block"));
        }
        for seam in block.seams() {
            let back = blocks[seam.to.index()].seams().iter().find(|back| back.to.index() == at);
            let back = back.ok_or_else(|| format!("block {}: no seam back to block {at}", seam.to))?;
            if back.border.len() != seam.halo.len() {
                return Err(format!("blocks {at} and {}: border and halo differ in length", seam.to));
            }
            for (halo, border) in seam.halo.iter().zip(&back.border) {
                let vertex = names[seam.to.index()][border.index()];
                if names[at][halo.index()].is_some() || vertex.is_none() {
                    return Err(format!("block {at}: halo slot {halo} is not a vertex of block {} alone", seam.to));
                }
                names[at][halo.index()] = vertex;
            }
        }
    }
    let mut out: HashMap<(VertexId, VertexId), i64> = HashMap::new();
    for (at, block) in blocks.iter().enumerate() {
        for slot in block.rows().flat_map(|row| block.owned(row)).flatten() {
            let vertex = block.vertex(Slot(slot as u32)).0;
            let mut strangers = 0;
            let mut count = |from: Slot, to: Slot, sign: i64| match (names[at][from.index()], names[at][to.index()]) {
                (Some(from), Some(to)) => *out.entry((from, to)).or_default() += sign,
                _ => strangers += 1,
            };
            let here = Slot(slot as u32);
            block.each_neighbor(here, |to, _| count(here, to, 1));
            block.each_source(here, |from, _| count(from, here, -1));
            if strangers > 0 {
                return Err(format!("vertex {vertex}: joined to a slot that is no vertex"));
            }
        }
    }
    match out.iter().find(|(_, balance)| **balance != 0) {
        Some(((from, to), _)) => Err(format!("the edge from {from} to {to} is not seen from both its ends")),
        None => Ok(()),
    }
}
