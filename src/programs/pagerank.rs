//! PageRank (Brin and Page, 1998): read this first.
//!
//! The rank of a vertex is (1 − d)/n plus d times what it is given: each vertex gives its rank in
//! equal parts to those it points at, and one that points at nobody to all (dangling mass). It
//! ends after `iterations`, or when no more than `tolerance` of the rank moved in a superstep.
//! One value a vertex and superstep; ranks sum to 1. What a vertex is given is summed in the order
//! of its sources, and what all contribute [exactly](crate::exact), so ranks have the same bits for
//! every cut.

use serde::{Deserialize, Serialize};

use crate::combine::Sum;
use crate::exact::ExactSum;
use crate::graph::topology::{Topology, share};
use crate::pregel::block::Vote;
use crate::pregel::row::{At, Row};
use crate::pregel::vertex::{Vertex, VertexProgram};
use crate::pregel::warm::Warm;

/// PageRank of every vertex.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageRank {
    /// The number of vertices of the graph.
    pub vertices: u64,
    /// The share that follows an edge, 0.85 as a rule.
    pub damping: f64,
    /// Supersteps at most.
    pub iterations: u64,
    /// Moved rank at which it ends sooner; 0 never does.
    pub tolerance: f64,
}

impl PageRank {
    /// With damping 0.85 and 20 iterations.
    pub fn new(vertices: u64) -> Self {
        Self { vertices, damping: 0.85, iterations: 20, tolerance: 0.0 }
    }

    /// Says what each neighbour is given; rank that has nowhere to go is contributed.
    #[inline(always)]
    fn give<G: Topology>(&self, vertex: &mut Vertex<'_, G, Self>, rank: f64, moved: f64) {
        let degree = vertex.degree();
        if degree > 0 {
            vertex.broadcast(Sum(rank * share(degree)));
        }
        if degree == 0 || self.tolerance > 0.0 {
            let stranded = if degree == 0 { rank } else { 0.0 };
            vertex.contribute(exact(stranded, if self.tolerance > 0.0 { moved } else { 0.0 }));
        }
    }
}

/// A contribution. Apart, as most vertices make none.
#[inline(never)]
fn exact(stranded: f64, moved: f64) -> (ExactSum, ExactSum) {
    (stranded.into(), moved.into())
}

impl<G: Topology> VertexProgram<G> for PageRank {
    type State = f64;
    type Message = Sum<f64>;
    /// Dangling mass; and how much rank moved, where a tolerance is given.
    type Global = (ExactSum, ExactSum);

    #[inline]
    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (f64, Vote) {
        let rank = 1.0 / self.vertices as f64;
        self.give(vertex, rank, f64::INFINITY);
        (rank, Vote::Stay)
    }

    /// The ranks that a tolerance ends at are near the same whatever it begins with; those after so many
    /// iterations are not.
    fn warm(&self) -> Warm {
        if self.tolerance > 0.0 { Warm::Always } else { Warm::Never }
    }

    fn resume(&self, vertex: &mut Vertex<'_, G, Self>, rank: f64) -> (f64, Vote) {
        self.give(vertex, rank, f64::INFINITY);
        (rank, Vote::Stay)
    }

    // It is called for every vertex in every superstep, and is nothing but arithmetic.
    #[inline(always)]
    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, rank: &mut f64, given: Sum<f64>) -> Vote {
        let part = 1.0 / self.vertices as f64;
        let given = given.0 + vertex.global().0.value() * part;
        let new = (1.0 - self.damping) * part + self.damping * given;
        let moved = (new - *rank).abs();
        *rank = new;
        self.give(vertex, new, moved);
        Vote::Stay
    }

    #[inline(always)]
    fn compute_row(&self, row: &mut Row<'_, G, Self>) -> Option<Vote> {
        if self.tolerance > 0.0 {
            return None;
        }
        let part = 1.0 / self.vertices as f64;
        let dangling = row.global().0.value() * part;
        let mut dead_ends = 0;
        for At { share, state: rank, heard: given, said } in row.slots() {
            *rank = (1.0 - self.damping) * part + self.damping * (given.0 + dangling);
            *said = Sum(*rank * share);
            dead_ends += u64::from(share == 0.0);
        }
        if dead_ends > 0 {
            let mut stranded = ExactSum::default();
            row.dead_ends().for_each(|rank| stranded.add(*rank));
            row.contribute((stranded, ExactSum::default()));
        }
        Some(Vote::Stay)
    }

    fn done(&self, superstep: u64, (_, moved): &Self::Global) -> bool {
        superstep >= self.iterations || (self.tolerance > 0.0 && moved.value() <= self.tolerance)
    }
}
