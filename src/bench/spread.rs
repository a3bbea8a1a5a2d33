//! Label propagation from labels without an order in space: what the bench calls `spread`.
//!
//! In raster order every hop towards smaller z, y or x is an improvement, so that a vertex hears of
//! as many as its component is deep; among labels drawn at random it hears of some ten.

use serde::{Deserialize, Serialize};

use crate::combine::Min;
use crate::graph::topology::Topology;
use crate::pregel::block::Vote;
use crate::pregel::vertex::{Vertex, VertexProgram};

/// The smallest label of each vertex's component; ids below 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread;

/// The label of a vertex: another for each, without an order.
pub fn label(vertex: u64) -> u32 {
    // Odd factors and shifts to the right are one to one.
    let mut label = vertex as u32;
    label = (label ^ (label >> 16)).wrapping_mul(0x9e37_79b1);
    label = (label ^ (label >> 15)).wrapping_mul(0x85eb_ca77);
    label ^ (label >> 16)
}

impl<G: Topology> VertexProgram<G> for Spread {
    type State = u32;
    type Message = Min<u32>;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (u32, Vote) {
        let label = label(vertex.id().0);
        vertex.broadcast(Min(label));
        (label, Vote::Halt)
    }

    #[inline]
    fn asynchronous(&self) -> bool {
        true
    }

    #[inline]
    fn heeds(&self, label: &u32, heard: &Min<u32>) -> bool {
        heard.0 < *label
    }

    #[inline]
    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, label: &mut u32, heard: Min<u32>) -> Vote {
        if heard.0 < *label {
            *label = heard.0;
            vertex.broadcast(heard);
        }
        Vote::Halt
    }
}
