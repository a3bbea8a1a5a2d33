//! The degree of every vertex: how many edges leave it, and how many come in.
//!
//! The shortest lesson after [`pagerank`](crate::programs::pagerank). A vertex knows the edges out
//! of it; those that come in are counted by what is said along them. Where edges have no direction
//! the two are the same. Parallel edges count each; a loop counts once. Two supersteps.

use serde::{Deserialize, Serialize};

use crate::combine::Sum;
use crate::graph::topology::Topology;
use crate::pregel::block::Vote;
use crate::pregel::vertex::{Vertex, VertexProgram};

/// The degrees of every vertex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degree;

/// The degrees of a vertex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degrees {
    /// Edges that leave it.
    pub leaving: u64,
    /// Edges that come in.
    pub entering: u64,
}

impl<G: Topology> VertexProgram<G> for Degree {
    type State = Degrees;
    type Message = Sum<u64>;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (Degrees, Vote) {
        vertex.broadcast(Sum(1));
        (Degrees { leaving: u64::from(vertex.degree()), entering: 0 }, Vote::Halt)
    }

    fn compute(&self, _: &mut Vertex<'_, G, Self>, degrees: &mut Degrees, heard: Sum<u64>) -> Vote {
        degrees.entering = heard.0;
        Vote::Halt
    }
}
