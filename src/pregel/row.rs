//! A row of vertices that are called at a stroke.

use std::ops::Range;

use crate::combine::Combine;
use crate::graph::topology::{Block, Topology};
use crate::pregel::vertex::VertexProgram;

/// What is at hand in one slot of a [`Row`].
pub struct At<'a, S, M> {
    /// 1 over the number of edges out of the vertex, 0 where there is none; where the slot holds no vertex
    /// any number but 0.
    pub share: f64,
    /// The state of the vertex.
    pub state: &'a mut S,
    /// What it heard.
    pub heard: &'a M,
    /// What it says to every neighbour: silence before it is called.
    pub said: &'a mut M,
}

/// Slots that lie side by side, while all vertices in them are called: what
/// [`compute_row`](VertexProgram::compute_row) sees of them.
///
/// Between the vertices there may be slots without one. They have a state and hear something, it
/// does not matter what, and nobody hears what is said in them; so a loop over all of them need not
/// ask, and becomes vector instructions where it is arithmetic alone.
pub struct Row<'a, G: Topology, P: VertexProgram<G>> {
    pub(crate) block: &'a G::Block,
    pub(crate) span: Range<usize>,
    pub(crate) superstep: u64,
    pub(crate) global: &'a P::Global,
    pub(crate) contribution: &'a mut P::Global,
    pub(crate) states: &'a mut [P::State],
    pub(crate) heard: &'a [P::Message],
    pub(crate) said: &'a mut [P::Message],
}

impl<G: Topology, P: VertexProgram<G>> Row<'_, G, P> {
    /// The number of the superstep, 1 at the least.
    #[inline]
    pub fn superstep(&self) -> u64 {
        self.superstep
    }

    /// What all vertices contributed in the superstep before.
    #[inline]
    pub fn global(&self) -> &P::Global {
        self.global
    }

    /// Adds to what all vertices see in the next superstep.
    #[inline]
    pub fn contribute(&mut self, value: P::Global) {
        self.contribution.combine(value);
    }

    /// The states of the vertices that no edge leaves, ascending.
    #[inline]
    pub fn dead_ends(&self) -> impl Iterator<Item = &P::State> {
        self.block.dead_ends(self.span.clone()).map(|slot| &self.states[slot - self.span.start])
    }

    /// The slots, ascending.
    #[inline]
    pub fn slots(&mut self) -> impl Iterator<Item = At<'_, P::State, P::Message>> {
        let shares = self.block.shares(self.span.clone());
        let slots = self.states.iter_mut().zip(self.heard).zip(self.said.iter_mut()).zip(shares);
        slots.map(|(((state, heard), said), share)| At { share, state, heard, said })
    }
}
