//! Betweenness: how many shortest paths lead through every vertex (Freeman, 1977).
//!
//! For each pair of other vertices, the share of the shortest paths between the two that pass
//! through the vertex, summed over all pairs; edges have no weight and no direction. Paths are
//! counted outwards from a source, level by level, and what depends on each vertex is gathered
//! inwards again (Brandes, 2001). From a sample of K sources among n vertices it is estimated as n/K
//! times the sum (Brandes and Pich, 2007); from all it is exact. It is not normalised: divide by
//! (n - 1)(n - 2)/2 for the share of all pairs. Parallel edges make different paths.
//!
//! Eight sources are followed at once. Supersteps for each eight: twice the longest distance plus
//! three, each O(vertices + edges). Memory: 250 bytes a vertex. Meant for the contacts of
//! thousands of cells.

use std::collections::BTreeSet;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::combine::{Combine, Sum};
use crate::graph::topology::Topology;
use crate::id::VertexId;
use crate::pregel::block::Vote;
use crate::pregel::vertex::{Vertex, VertexProgram};

/// Sources that are followed at once.
const LANES: usize = 8;

/// A distance where there is no path, and the turn of a vertex that is no source.
const NEVER: u32 = u32::MAX;

/// The betweenness of every vertex of an undirected graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Betweenness {
    vertices: u64,
    /// Ascending.
    sources: Vec<VertexId>,
}

impl Betweenness {
    /// From these sources, of a graph of so many vertices.
    pub fn new(vertices: u64, sources: impl IntoIterator<Item = VertexId>) -> Self {
        let sources: BTreeSet<VertexId> = sources.into_iter().collect();
        Self { vertices, sources: sources.into_iter().collect() }
    }

    /// From all vertices of a graph that numbers them `0..vertices`: exact.
    pub fn exact(vertices: u64) -> Self {
        Self { vertices, sources: (0..vertices).map(VertexId).collect() }
    }

    /// From `count` different sources of a graph that numbers its vertices `0..vertices`; which, is
    /// told by `seed`. From all vertices where there are no more.
    pub fn sampled(vertices: u64, count: u64, seed: u64) -> Self {
        if count >= vertices {
            return Self::exact(vertices);
        }
        // Robert Floyd's sample, by a generator that gives the same on every machine.
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut sources = BTreeSet::new();
        for last in vertices - count..vertices {
            let chosen = ((u128::from(random.next_u64()) * (u128::from(last) + 1)) >> 64) as u64;
            if !sources.insert(VertexId(chosen)) {
                sources.insert(VertexId(last));
            }
        }
        Self::new(vertices, sources)
    }

    /// The sources, ascending.
    pub fn sources(&self) -> &[VertexId] {
        &self.sources
    }

    /// What each source counts: the pairs it stands for are seen from both their ends.
    fn weight(&self) -> f64 {
        self.vertices as f64 / self.sources.len() as f64 / 2.0
    }
}

/// One sum for each of the sources that are followed at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lanes([f64; LANES]);

impl Combine for Lanes {
    const ORDER_FREE: bool = false;

    #[inline]
    fn combine(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(ours, theirs)| *ours += theirs);
    }
}

/// What a vertex knows of the shortest paths through it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Paths {
    /// Its betweenness, when the run has ended.
    pub betweenness: f64,
    /// Its place among the sources.
    turn: u32,
    /// How many eights of sources are done.
    done: u32,
    /// Outwards the level that is reached in this superstep; inwards the level that speaks.
    level: u32,
    inwards: bool,
    /// For each lane the distance from its source, and how many paths have it.
    distance: [u32; LANES],
    paths: [f64; LANES],
}

impl Betweenness {
    /// Follows the next sources; whether there are any.
    fn start<G: Topology>(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut Paths) -> Vote {
        let first = state.done as usize * LANES;
        if first >= self.sources.len() {
            return Vote::Halt;
        }
        *state = Paths { level: 0, inwards: false, distance: [NEVER; LANES], paths: [0.0; LANES], ..*state };
        if state.turn != NEVER && state.turn as usize / LANES == state.done as usize {
            let lane = state.turn as usize % LANES;
            let mut said = Lanes::default();
            (state.distance[lane], state.paths[lane], said.0[lane]) = (0, 1.0, 1.0);
            vertex.broadcast(said);
            vertex.contribute(Sum(1));
        }
        Vote::Stay
    }

    /// Takes the paths that have come, where none came sooner.
    fn outwards<G: Topology>(vertex: &mut Vertex<'_, G, Self>, state: &mut Paths, heard: Lanes) {
        state.level += 1;
        let mut said = Lanes::default();
        let mut reached = 0;
        for lane in (0..LANES).filter(|lane| heard.0[*lane] > 0.0) {
            if state.distance[lane] == NEVER {
                (state.distance[lane], state.paths[lane], said.0[lane]) = (state.level, heard.0[lane], heard.0[lane]);
                reached += 1;
            }
        }
        if reached > 0 {
            if said.0.iter().any(|paths| paths.is_infinite()) {
                vertex.fail("more than 10^308 shortest paths lead here");
            }
            vertex.broadcast(said);
            vertex.contribute(Sum(reached));
        }
    }

    /// Gathers what depends on the vertex from those one level further out.
    fn inwards<G: Topology>(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut Paths, heard: Lanes) {
        let mut said = Lanes::default();
        for lane in (0..LANES).filter(|lane| state.distance[*lane] == state.level) {
            let depends = state.paths[lane] * heard.0[lane];
            state.betweenness += self.weight() * depends;
            said.0[lane] = (1.0 + depends) / state.paths[lane];
        }
        vertex.broadcast(said);
    }
}

impl<G: Topology> VertexProgram<G> for Betweenness {
    type State = Paths;
    type Message = Lanes;
    /// How many paths from sources reached how many vertices for the first time.
    type Global = Sum<u64>;

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (Paths, Vote) {
        let turn = self.sources.binary_search(&vertex.id()).map_or(NEVER, |turn| turn as u32);
        let (distance, paths) = ([NEVER; LANES], [0.0; LANES]);
        let mut state = Paths { betweenness: 0.0, turn, done: 0, level: 0, inwards: false, distance, paths };
        let vote = self.start(vertex, &mut state);
        (state, vote)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut Paths, heard: Lanes) -> Vote {
        let reached = vertex.global().0;
        if !state.inwards && state.level == 0 {
            let sources = (self.sources.len() - state.done as usize * LANES).min(LANES);
            if reached != sources as u64 {
                vertex.fail("a source is not among the vertices of the graph");
            }
        }
        if !state.inwards && reached > 0 {
            Self::outwards(vertex, state, heard);
            return Vote::Stay;
        }
        // At the level before this one nobody was reached, or all have spoken.
        state.inwards = true;
        state.level = state.level.saturating_sub(1);
        if state.level > 0 {
            self.inwards(vertex, state, heard);
            return Vote::Stay;
        }
        // The sources have nothing to gather: a path does not lead through its ends.
        state.done += 1;
        self.start(vertex, state)
    }
}
