//! Vertex programs: Pregel (Malewicz et al., 2010) with two differences that buy its speed.
//!
//! A vertex does not send a message along each edge: it *broadcasts* one value, and what an edge
//! makes of it is [`along`](VertexProgram::along), so a vertex says one value however many
//! neighbours it has. And there is no absent message: the default value of the message is
//! *silence*, which a receiver cannot tell from nothing said.

use crate::combine::Combine;
use crate::graph::topology::{Block, Topology};
use crate::id::{Slot, VertexId};
use crate::pregel::block::{Vote, Wire};

/// A computation at every vertex.
///
/// Laws: absorbing `Message::default()` changes nothing, and `along` keeps it. Where a law is
/// broken, vertices hear what was never said.
pub trait VertexProgram<G: Topology>: Clone + Send + Sync + 'static {
    /// What a vertex keeps between supersteps.
    type State: Clone + Wire;
    /// What a vertex says; what it hears is the merge of what its sources said.
    type Message: Combine + Default + Clone + PartialEq + Wire;
    /// What all vertices contribute to and, one superstep later, all see.
    type Global: Combine + Default + Clone + Wire;

    /// Superstep 0: the state of a vertex. It may broadcast and contribute.
    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (Self::State, Vote);

    /// A later superstep of a vertex that stayed, or heard something.
    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut Self::State, heard: Self::Message) -> Vote;

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
}

impl<G: Topology, P: VertexProgram<G>> Vertex<'_, G, P> {
    /// Its number in the whole graph.
    pub fn id(&self) -> VertexId {
        self.block.vertex(self.slot).0
    }

    /// What the graph knows of it: a voxel's value, nothing.
    pub fn value(&self) -> <G::Block as Block>::Vertex {
        self.block.vertex(self.slot).1
    }

    /// The number of edges out of it.
    pub fn degree(&self) -> u32 {
        self.block.degree(self.slot)
    }

    /// The number of the superstep, from 0.
    pub fn superstep(&self) -> u64 {
        self.superstep
    }

    /// What all vertices contributed in the superstep before.
    pub fn global(&self) -> &P::Global {
        self.global
    }

    /// Says `message` to every neighbour; the last word counts.
    #[inline]
    pub fn broadcast(&mut self, message: P::Message) {
        *self.said = message;
    }

    /// Adds to what all vertices see in the next superstep.
    #[inline]
    pub fn contribute(&mut self, value: P::Global) {
        self.contribution.combine(value);
    }
}
