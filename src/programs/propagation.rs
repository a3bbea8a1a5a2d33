//! Communities by label propagation (Raghavan, Albert and Kumara, 2007), synchronous and
//! deterministic: in each superstep every vertex takes the label most frequent among its sources,
//! of several the smallest. It starts from its own number and ends after `iterations`, or when no
//! vertex changed. Every message is kept until it is heard: memory O(edges) in a superstep.

use serde::{Deserialize, Serialize};

use crate::combine::{All, Sum};
use crate::graph::topology::Topology;
use crate::pregel::block::Vote;
use crate::pregel::vertex::{Vertex, VertexProgram};

/// The community of each vertex, named by one of its vertices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Propagation {
    /// Supersteps at most.
    pub iterations: u64,
}

impl Default for Propagation {
    /// Ten iterations.
    fn default() -> Self {
        Self { iterations: 10 }
    }
}

impl<G: Topology> VertexProgram<G> for Propagation {
    type State = u64;
    type Message = All<u64>;
    /// How many vertices changed.
    type Global = Sum<u64>;

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (u64, Vote) {
        let label = vertex.id().0;
        vertex.broadcast(All(vec![label]));
        vertex.contribute(Sum(1));
        (label, Vote::Stay)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, label: &mut u64, heard: All<u64>) -> Vote {
        let mut labels = heard.0;
        labels.sort_unstable();
        let groups = labels.chunk_by(|a, b| a == b);
        // Of equally many the first, which is the smallest.
        let most = groups.reduce(|most, group| if group.len() > most.len() { group } else { most });
        if let Some(new) = most.map(|group| group[0]).filter(|new| new != label) {
            *label = new;
            vertex.contribute(Sum(1));
        }
        vertex.broadcast(All(vec![*label]));
        Vote::Stay
    }

    fn done(&self, superstep: u64, changed: &Sum<u64>) -> bool {
        superstep >= self.iterations || changed.0 == 0
    }
}
