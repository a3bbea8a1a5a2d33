//! Connected components of any undirected graph: the smallest vertex spreads.
//!
//! Each vertex keeps the smallest number it has heard of and passes it on (HashMin), within a block
//! at once. Supersteps: as often as a label crosses from block to block on its way, plus three; a
//! vertex is called only when something smaller may have come. For volumes
//! [`labelling`](crate::programs::labelling) is faster by far; this one is its judge.

use serde::{Deserialize, Serialize};

use crate::combine::Min;
use crate::graph::topology::Topology;
use crate::id::VertexId;
use crate::pregel::block::Vote;
use crate::pregel::vertex::{Vertex, VertexProgram};
use crate::pregel::warm::Warm;

/// The smallest vertex of each vertex's component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Components;

impl<G: Topology> VertexProgram<G> for Components {
    type State = u64;
    type Message = Min<u64>;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (u64, Vote) {
        let label = vertex.id().0;
        vertex.broadcast(Min(label));
        (label, Vote::Halt)
    }

    /// Right where the graph has only gained vertices and edges since.
    fn resume(&self, vertex: &mut Vertex<'_, G, Self>, label: u64) -> (u64, Vote) {
        vertex.broadcast(Min(label));
        (label, Vote::Halt)
    }

    fn warm(&self) -> Warm {
        Warm::Growth
    }

    fn renumbered(&self, label: u64, now: &dyn Fn(VertexId) -> Option<VertexId>) -> Option<u64> {
        now(VertexId(label)).map(|label| label.0)
    }

    #[inline]
    fn asynchronous(&self) -> bool {
        true
    }

    #[inline]
    fn heeds(&self, label: &u64, heard: &Min<u64>) -> bool {
        heard.0 < *label
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, label: &mut u64, heard: Min<u64>) -> Vote {
        if heard.0 < *label {
            *label = heard.0;
            vertex.broadcast(heard);
        }
        Vote::Halt
    }
}
