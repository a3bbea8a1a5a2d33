//! Vertex programs: Pregel (Malewicz et al., 2010) with two differences that buy its speed.
//!
//! A vertex does not send a message along each edge: it *broadcasts* one value, and what an edge
//! makes of it is [`along`](VertexProgram::along), so a vertex says one value however many
//! neighbours it has. And there is no absent message: the default value of the message is
//! *silence*, which a receiver cannot tell from nothing said.

use std::fmt::Debug;

use crate::combine::Combine;
use crate::graph::change::Change;
use crate::graph::topology::{Block, Mutable, Topology};
use crate::id::{Slot, VertexId};
use crate::pregel::block::{Vote, Wire};
use crate::pregel::requests::Requests;
use crate::pregel::row::Row;
use crate::pregel::warm::Warm;

/// A computation at every vertex.
///
/// Laws: absorbing `Message::default()` changes nothing, and `along` keeps it. Where a law is
/// broken, vertices hear what was never said. `Debug` tells a program and its parameters whole:
/// what was saved of another is refused by it.
pub trait VertexProgram<G: Topology>: Clone + Debug + Send + Sync + 'static {
    /// What a vertex keeps between supersteps.
    type State: Clone + Sync + Wire;
    /// What a vertex says; what it hears is the merge of what its sources said.
    type Message: Combine + Default + Clone + PartialEq + Wire;
    /// What all vertices contribute to and, one superstep later, all see.
    type Global: Combine + Default + Clone + Wire;

    /// Superstep 0: the state of a vertex. It may broadcast and contribute.
    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (Self::State, Vote);

    /// Superstep 0 of a vertex whose state of an earlier run the caller gave. As it stands it
    /// begins as all others; a program that can go on from there says how.
    fn resume(&self, vertex: &mut Vertex<'_, G, Self>, state: Self::State) -> (Self::State, Vote) {
        drop(state);
        self.init(vertex)
    }

    /// What states of an earlier run are worth to [`resume`](VertexProgram::resume) on a graph that has
    /// changed since.
    ///
    /// Law: from such states it ends as a run from the beginning would, to its tolerance.
    fn warm(&self) -> Warm {
        Warm::Never
    }

    /// A state where vertices have other numbers, in the same order, as `now` tells; nothing where it
    /// is of no use then. Only a state that holds numbers of vertices needs more than what is here.
    fn renumbered(&self, state: Self::State, now: &dyn Fn(VertexId) -> Option<VertexId>) -> Option<Self::State> {
        let _ = now;
        Some(state)
    }

    /// A later superstep of a vertex that stayed, or heard something.
    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut Self::State, heard: Self::Message) -> Vote;

    /// The same for a whole row, all of whose vertices are called, at a stroke: the vote of each, or
    /// nothing where they are to be called one by one. It buys speed where the work is arithmetic
    /// alone, and is asked only where every vertex of a block stayed.
    ///
    /// Law: it does what [`compute`](VertexProgram::compute) does at each vertex, to the bit; and
    /// where it gives nothing it has done nothing.
    #[inline(always)]
    fn compute_row(&self, row: &mut Row<'_, G, Self>) -> Option<Vote> {
        let _ = row;
        None
    }

    /// Whether a vertex in `state` would do anything on hearing `message`. Saying no to what cannot
    /// matter saves the call, where messages are pushed.
    ///
    /// Law: leaving out a message to which it says no changes neither what
    /// [`compute`](VertexProgram::compute) does nor, where nothing else is heard, that it does
    /// nothing and halts; whatever else is heard before.
    #[inline]
    fn heeds(&self, state: &Self::State, message: &Self::Message) -> bool {
        let _ = (state, message);
        true
    }

    /// Whether a vertex may hear in the same superstep what another of its block says, so that a
    /// block goes on until it is quiet and supersteps are needed only from block to block. It is so
    /// for order-free messages alone, and buys most where words have far to go. How many supersteps and
    /// messages it takes depends on the cut.
    ///
    /// Law: states in the end are the same whatever is heard first and however often, and so is what
    /// is contributed; and who has heard the last word of a vertex need not have heard those before.
    /// The smallest label of a component is such a state; a count of messages, or of supersteps, is not.
    #[inline]
    fn asynchronous(&self) -> bool {
        false
    }

    /// What an edge makes of a message.
    fn along(&self, edge: G::Edge, message: &Self::Message) -> Self::Message {
        let _ = edge;
        message.clone()
    }

    /// Whether to end after `superstep`, told what all vertices contributed in it.
    fn done(&self, superstep: u64, global: &Self::Global) -> bool {
        let _ = (superstep, global);
        false
    }
}

/// A vertex while it is called.
pub struct Vertex<'a, G: Topology, P: VertexProgram<G>> {
    pub(crate) block: &'a G::Block,
    pub(crate) slot: Slot,
    pub(crate) superstep: u64,
    pub(crate) global: &'a P::Global,
    pub(crate) contribution: &'a mut P::Global,
    pub(crate) said: &'a mut P::Message,
    pub(crate) requests: &'a mut Requests<G::Edge, P::Message>,
}

impl<G: Topology, P: VertexProgram<G>> Vertex<'_, G, P> {
    /// Its number in the whole graph.
    #[inline]
    pub fn id(&self) -> VertexId {
        self.block.id(self.slot)
    }

    /// What the graph knows of it: a voxel's value, nothing.
    #[inline]
    pub fn value(&self) -> <G::Block as Block>::Vertex {
        self.block.value(self.slot)
    }

    /// The number of edges out of it.
    #[inline]
    pub fn degree(&self) -> u32 {
        self.block.degree(self.slot)
    }

    /// The number of the superstep, from 0.
    #[inline]
    pub fn superstep(&self) -> u64 {
        self.superstep
    }

    /// What all vertices contributed in the superstep before.
    #[inline]
    pub fn global(&self) -> &P::Global {
        self.global
    }

    /// Says `message` to every neighbour; the last word counts.
    #[inline]
    pub fn broadcast(&mut self, message: P::Message) {
        *self.said = message;
    }

    /// Says `message` to one vertex, wherever it is, which hears it merged with all else it
    /// hears. It is dear beside a broadcast: the message carries a name. To a vertex that is not
    /// there is an error that ends the run; to one that was removed, nothing.
    pub fn send(&mut self, to: VertexId, message: P::Message) {
        self.requests.sends.push((self.id(), to, message));
    }

    /// Adds to what all vertices see in the next superstep.
    #[inline]
    pub fn contribute(&mut self, value: P::Global) {
        self.contribution.combine(value);
    }

    /// Visits the edges out of the vertex: the vertex they lead to, and what is known of them.
    pub fn each_neighbor(&self, mut visit: impl FnMut(VertexId, G::Edge)) {
        self.block.each_neighbor(self.slot, |to, edge| visit(self.block.id(to), edge));
    }

    /// Ends the run on every worker: an error that names this vertex, the superstep and `reason`.
    pub fn fail(&mut self, reason: impl Into<String>) {
        let slot = self.slot;
        self.requests.failure.get_or_insert_with(|| (slot, reason.into()));
    }
}

/// Requests for [changes](Change) of the graph, made at the end of the superstep.
impl<G: Topology<Block: Mutable>, P: VertexProgram<G>> Vertex<'_, G, P> {
    /// Removes this vertex and all its edges; its state is not part of the result.
    pub fn remove(&mut self) {
        self.requests.changes.push(Change::RemoveVertex(self.id()));
    }

    /// Adds a vertex without edges; one that is there stays as it is.
    pub fn add_vertex(&mut self, id: VertexId) {
        self.requests.changes.push(Change::AddVertex(id));
    }

    /// Adds an edge from this vertex.
    pub fn add_edge(&mut self, to: VertexId, value: G::Edge) {
        self.requests.changes.push(Change::AddEdge(self.id(), to, value));
    }

    /// Removes all edges from this vertex to another.
    pub fn remove_edge(&mut self, to: VertexId) {
        self.requests.changes.push(Change::RemoveEdge(self.id(), to));
    }

    /// Gives the edges from this vertex to another a value.
    pub fn set_edge(&mut self, to: VertexId, value: G::Edge) {
        self.requests.changes.push(Change::SetEdge(self.id(), to, value));
    }
}
