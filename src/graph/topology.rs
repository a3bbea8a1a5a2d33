//! A graph cut into blocks with halo slots: what every engine, program and partitioner speaks of.
//!
//! A block owns vertices, and has a *halo slot* for every vertex of another block that one of its
//! own is joined to. Per-vertex data are plain arrays over slots; a neighbour is a slot. Two
//! blocks that share an edge meet at a [`Seam`]: the k-th halo slot on one side and the k-th
//! border slot on the other are the same vertex, so what crosses is `(k, value)`.

use std::ops::Range;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::combine::Combine;
use crate::error::{Error, Kind, Result};
use crate::graph::change::Change;
use crate::graph::connected::Connected;
use crate::id::{BlockId, Slot, VertexId};

/// Something large that is cut into blocks, each read on the worker that owns it.
///
/// Law: [`block`](Cut::block) gives the same block however often and wherever it is called.
pub trait Cut: Clone + Send + Sync + 'static {
    /// One block.
    type Block: Send + 'static;

    /// The number of blocks; they are `0..blocks`.
    fn blocks(&self) -> u32;

    /// Reads a block.
    ///
    /// # Errors
    /// Where what lies beneath cannot be read.
    fn block(&self, id: BlockId) -> Result<Self::Block>;

    /// A hash of all that a program can see of a block: what was saved of a run on another graph
    /// is refused by it.
    ///
    /// # Errors
    /// Where what lies beneath cannot be read.
    fn digest(&self, block: &Self::Block) -> Result<u64>;
}

/// A graph cut into blocks.
///
/// Laws, which [`check`](crate::graph::laws::check) tests: every vertex is owned by one block; seams
/// come in pairs, and their k-th slots are the same vertex; an edge out of one vertex is an edge into
/// the other; a slot lists its sources in an order that is the same for every cut. Where they are broken
/// messages go astray, or results depend on the cut.
pub trait Topology: Cut<Block: Block<Edge = Self::Edge>> {
    /// What is known of an edge: nothing, a step on a lattice, a contact.
    type Edge: Copy + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// The block that owns a vertex, if there can be such a vertex. Where vertices may be added,
    /// this is also where a new one goes.
    fn owner(&self, vertex: VertexId) -> Option<BlockId>;
}

/// One block of a graph.
pub trait Block: Sized {
    /// What is known of an edge.
    type Edge: Copy;
    /// What is known of a vertex: nothing, a voxel's value, a cell's row.
    type Vertex: Copy;

    /// The length of an array over slots: owned, halo and padding.
    fn slots(&self) -> usize;

    /// Spans of slots that are gathered at a stroke, ascending, together all the owned slots.
    fn rows(&self) -> impl Iterator<Item = Range<usize>>;

    /// The runs of owned slots in a row (or any span), ascending.
    fn owned(&self, row: Range<usize>) -> impl DoubleEndedIterator<Item = Range<usize>>;

    /// The vertex in an owned or halo slot.
    fn id(&self, slot: Slot) -> VertexId;

    /// What is known of the vertex in an owned slot.
    fn value(&self, slot: Slot) -> Self::Vertex;

    /// The slot of a vertex that the block owns.
    fn slot(&self, vertex: VertexId) -> Option<Slot>;

    /// Whether a slot is owned.
    fn owns(&self, slot: Slot) -> bool;

    /// Visits the edges out of an owned or halo slot, into owned slots; out of an owned slot also
    /// into halo slots.
    fn each_neighbor(&self, slot: Slot, visit: impl FnMut(Slot, Self::Edge));

    /// The same without those into halo slots. Override it where they are known without a look at
    /// each.
    #[inline]
    fn each_owned_neighbor(&self, slot: Slot, mut visit: impl FnMut(Slot, Self::Edge)) {
        self.each_neighbor(slot, |to, edge| {
            if self.owns(to) {
                visit(to, edge);
            }
        });
    }

    /// Visits the edges into an owned slot, in one order for every cut.
    fn each_source(&self, slot: Slot, visit: impl FnMut(Slot, Self::Edge));

    /// The seams of the block, at most one for each other block, ascending by block.
    fn seams(&self) -> &[Seam];

    /// The seam with a block that something came from.
    ///
    /// # Panics
    /// Where there is none: seams come in pairs.
    #[inline]
    fn seam(&self, with: BlockId) -> &Seam {
        let seams = self.seams();
        &seams[seams.binary_search_by_key(&with, |seam| seam.to).expect("seams come in pairs")]
    }

    /// The number of edges out of an owned slot. Override it where it is known without a walk.
    fn degree(&self, slot: Slot) -> u32 {
        let mut degree = 0;
        self.each_neighbor(slot, |_, _| degree += 1);
        degree
    }

    /// Of each slot of a part of a row 1 over the number of edges out of it; 0 where there is none, and
    /// where a slot is not owned any finite number but 0. Override it where that lies side by side.
    #[inline]
    fn shares(&self, span: Range<usize>) -> impl Iterator<Item = f64> {
        span.map(|slot| Slot(slot as u32)).map(|slot| if self.owns(slot) { share(self.degree(slot)) } else { 1.0 })
    }

    /// The owned slots of a part of a row that no edge leaves, ascending. Override it where they are known
    /// without a look at each.
    #[inline]
    fn dead_ends(&self, span: Range<usize>) -> impl Iterator<Item = usize> {
        span.clone().zip(self.shares(span)).filter(|(_, share)| *share == 0.0).map(|(slot, _)| slot)
    }

    /// Whether each slot of a part of a row is owned. Override it where that lies side by side.
    #[inline]
    fn each_owns(&self, span: Range<usize>) -> impl Iterator<Item = bool> {
        span.map(|slot| self.owns(Slot(slot as u32)))
    }

    /// Visits runs of owned slots whose vertices are consecutive, ascending, with the first vertex: by
    /// default slot by slot. Override it where a vertex is known from the one before.
    #[inline]
    fn each_run(&self, mut visit: impl FnMut(Range<usize>, VertexId)) {
        for row in self.rows() {
            for run in self.owned(row) {
                for slot in run {
                    visit(slot..slot + 1, self.id(Slot(slot as u32)));
                }
            }
        }
    }

    /// Visits the owned slots, ascending, with their vertices.
    #[inline]
    fn each_owned(&self, mut visit: impl FnMut(Slot, VertexId)) {
        self.each_run(|run, first| {
            for slot in run.clone() {
                visit(Slot(slot as u32), VertexId(first.0 + (slot - run.start) as u64));
            }
        });
    }

    /// Visits the edges out of a slot, as [`each_neighbor`](Block::each_neighbor), until `visit` says
    /// that it has found what it looks for; whether it has. Overriding it buys that the rest of the
    /// list is not walked.
    #[inline]
    fn any_neighbor(&self, slot: Slot, mut visit: impl FnMut(Slot, Self::Edge) -> bool) -> bool {
        let mut found = false;
        self.each_neighbor(slot, |to, edge| found = found || visit(to, edge));
        found
    }

    /// Whether every edge is seen from both its ends: who is a source of a slot is its neighbour
    /// too; the same for every block of a graph. Saying so buys ways that only such graphs have.
    fn is_symmetric(&self) -> bool {
        false
    }

    /// What the edges of the block connect, where that is known without a walk along each of them. Edges
    /// between halo slots may count.
    ///
    /// # Errors
    /// Where there is too much of it.
    fn connected(&self) -> Result<Option<Connected>> {
        Ok(None)
    }

    /// What one owned slot hears when every slot has said `said`, as in
    /// [`gather`](Block::gather).
    #[inline]
    fn hear<M, F>(&self, slot: Slot, said: &[M], along: F) -> M
    where
        M: Combine + Default,
        F: Fn(Self::Edge, &M) -> M,
    {
        let mut heard = M::default();
        self.each_source(slot, |source, edge| heard.combine(along(edge, &said[source.index()])));
        heard
    }

    /// What each owned slot of `row` hears when every slot has said `said`: the merge, in the
    /// order of [`each_source`](Block::each_source), of what `along` makes of it on the way.
    /// `heard[0]` belongs to the first slot of the row; what is not owned is left as it was.
    /// Overriding it buys speed where whole rows can be merged at once.
    fn gather<M, F>(&self, row: Range<usize>, said: &[M], heard: &mut [M], along: F)
    where
        M: Combine + Default,
        F: Fn(Self::Edge, &M) -> M,
    {
        let first = row.start;
        for run in self.owned(row) {
            for slot in run {
                heard[slot - first] = self.hear(Slot(slot as u32), said, &along);
            }
        }
    }

    /// The block after `changes`, which are all of one superstep that it is told of, and for each
    /// of its slots, owned and halo, the slot here that held the same vertex: none where the
    /// vertex is new to the block or begins anew. No list where all slots are as before. The
    /// [rules](crate::graph::change) say what becomes of a change, and who is told of it.
    ///
    /// # Errors
    /// Where the graph cannot be changed, or an edge is to be added at a vertex that the block
    /// would own and that is not there.
    #[allow(clippy::type_complexity)]
    fn apply(&self, changes: &[Change<Self::Edge>]) -> Result<(Self, Option<Vec<Option<Slot>>>)> {
        let _ = changes;
        Err(Error::new(Kind::Program, "this graph cannot be changed"))
    }
}

/// A block that can be changed: it overrides [`Block::apply`].
///
/// Law: where each block of a graph that keeps the laws of [`Topology`] has applied the changes
/// that it was told of, the new blocks keep them too.
pub trait Mutable: Block {}

/// 1 over the number of edges out of a vertex, and 0 where there is none.
#[inline]
pub const fn share(degree: u32) -> f64 {
    if degree == 0 { 0.0 } else { 1.0 / degree as f64 }
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
