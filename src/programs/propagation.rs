//! Communities by label propagation (Raghavan, Albert and Kumara, 2007), synchronous and
//! deterministic: in each superstep every vertex takes the label most frequent among its sources,
//! of several the smallest. It starts from its own number and ends after `iterations`, or when no
//! vertex changed. Cost of a superstep: O(edges log degree). Memory: 48 bytes a vertex, and the
//! labels that the vertices of one row hear.

use serde::{Deserialize, Serialize};

use crate::combine::{Combine, Sum};
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

/// Labels that were heard. Most are said and passed on one at a time, and take no memory of their
/// own until they meet others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Labels {
    /// Silence.
    #[default]
    None,
    /// One label.
    One(u64),
    /// Several, in the order in which they were merged.
    Many(Vec<u64>),
}

impl Combine for Labels {
    const ORDER_FREE: bool = false;

    #[inline]
    fn combine(&mut self, other: Self) {
        match (&mut *self, other) {
            (_, Labels::None) => {}
            (Labels::Many(labels), Labels::One(label)) => labels.push(label),
            (Labels::Many(labels), Labels::Many(mut others)) => labels.append(&mut others),
            (Labels::None, other) => *self = other,
            (Labels::One(first), other) => {
                let mut labels = Vec::with_capacity(8);
                labels.push(*first);
                match other {
                    Labels::Many(others) => labels.extend(others),
                    Labels::One(label) => labels.push(label),
                    Labels::None => {}
                }
                *self = Labels::Many(labels);
            }
        }
    }
}

impl Labels {
    /// The most frequent label, of several the smallest.
    fn most(self) -> Option<u64> {
        let mut labels = match self {
            Labels::None => return None,
            Labels::One(label) => return Some(label),
            Labels::Many(labels) => labels,
        };
        labels.sort_unstable();
        let groups = labels.chunk_by(|a, b| a == b);
        // Of equally many the first, which is the smallest.
        let most = groups.reduce(|most, group| if group.len() > most.len() { group } else { most });
        most.map(|group| group[0])
    }
}

impl<G: Topology> VertexProgram<G> for Propagation {
    type State = u64;
    type Message = Labels;
    /// How many vertices changed.
    type Global = Sum<u64>;

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (u64, Vote) {
        let label = vertex.id().0;
        vertex.broadcast(Labels::One(label));
        vertex.contribute(Sum(1));
        (label, Vote::Stay)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, label: &mut u64, heard: Labels) -> Vote {
        if let Some(new) = heard.most().filter(|new| new != label) {
            *label = new;
            vertex.contribute(Sum(1));
        }
        vertex.broadcast(Labels::One(*label));
        Vote::Stay
    }

    fn done(&self, superstep: u64, changed: &Sum<u64>) -> bool {
        superstep >= self.iterations || changed.0 == 0
    }
}
