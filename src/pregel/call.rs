//! What the call of a vertex needs of the superstep.

use crate::graph::topology::Topology;
use crate::pregel::requests::Requests;
use crate::pregel::swept::slot;
use crate::pregel::vertex::{Vertex, VertexProgram};

/// What a call needs of the superstep.
pub(crate) struct Call<'a, Gl> {
    pub(super) superstep: u64,
    pub(super) global: &'a Gl,
    pub(super) contribution: &'a mut Gl,
    pub(super) stopped: &'a dyn Fn() -> bool,
    /// Vertices called.
    pub(super) called: usize,
    /// Words that were said, where they were heard at once.
    pub(super) settled: Option<usize>,
}

impl<Gl> Call<'_, Gl> {
    #[inline]
    pub(super) fn vertex<'c, G: Topology, P: VertexProgram<G, Global = Gl>>(
        &'c mut self,
        block: &'c G::Block,
        at: usize,
        said: &'c mut P::Message,
        requests: &'c mut Requests<G::Edge, P::Message>,
    ) -> Vertex<'c, G, P> {
        Vertex {
            block,
            slot: slot(at),
            superstep: self.superstep,
            global: self.global,
            contribution: self.contribution,
            said,
            requests,
        }
    }
}
