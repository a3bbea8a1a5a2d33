//! Hops from a set of vertices: breadth-first search, along the edges' directions.
//!
//! Level by level, each block from a queue. A halo slot that is reached is told to its owner, once,
//! by its place in the seam. Where the graph is undirected and most edges lead out of the frontier,
//! it is the vertices not yet reached that look for a neighbour in it (direction-optimising search,
//! Beamer, Asanović and Patterson, 2012); each block decides that alone. Supersteps: the largest
//! number of hops, plus one or two. Cost: O(edges out of what is reached + slots); a level costs what
//! its frontier does, or O(slots) where that is less. Memory: 4 bytes a slot, 8 a vertex of the
//! frontier.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::halo::Halo;
use crate::programs::sources::Sources;

/// The hops from the nearest of `sources` to each vertex, `u32::MAX` where no path leads; a block
/// gives its own by ascending slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bfs {
    /// Where it starts. One that is no vertex of the graph is an error.
    pub sources: Vec<VertexId>,
}

/// Hops from here on are none: of an owned slot `u32::MAX`, of a halo slot this and its place.
const UNREACHED: u32 = 1 << 31;

/// Vertices of the frontier whose degrees are looked at.
const SAMPLE: usize = 64;

/// From this many edges out of the frontier for each slot on it pays to look for the frontier.
const EDGES_A_SLOT: u64 = 2;

/// The state of a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reached {
    sources: Sources,
    hops: Vec<u32>,
    /// Owned slots of the level at hand, and of the next.
    frontier: Vec<u32>,
    next: Vec<u32>,
    halo: Halo,
    /// By seam: the halo slots that were reached in this level, by their place.
    told: Vec<Vec<u32>>,
    /// Empty lists that came as mail, for what is told next.
    #[serde(skip)]
    spare: Vec<Vec<u32>>,
}

impl Reached {
    /// Takes in what others reached.
    fn receive<B: Block>(&mut self, block: &B, level: u32, mail: Vec<(BlockId, Vec<u32>)>) {
        for (from, mut places) in mail {
            let seam = block.seam(from);
            for place in places.drain(..) {
                let slot = seam.border[place as usize];
                let hops = &mut self.hops[slot.index()];
                if *hops == u32::MAX {
                    *hops = level;
                    self.frontier.push(slot.0);
                }
            }
            if self.spare.len() < block.seams().len() {
                self.spare.push(places);
            }
        }
    }

    /// Whether it is quicker to look for the frontier than to look from it.
    fn should_pull<B: Block>(&self, block: &B) -> bool {
        if !block.is_symmetric() {
            return false;
        }
        let step = self.frontier.len().div_ceil(SAMPLE).max(1);
        let sample = self.frontier.iter().step_by(step);
        let degrees: u64 = sample.map(|slot| u64::from(block.degree(Slot(*slot)))).sum();
        degrees * step as u64 > EDGES_A_SLOT * block.slots() as u64
    }

    /// Reaches what has a neighbour in the frontier.
    fn pull<B: Block>(&mut self, block: &B, level: u32) {
        let Self { hops, frontier, next, halo, told, .. } = self;
        next.clear();
        block.each_owned(|slot, _| {
            // A halo slot that was told of in the last level counts as of this one. If it was
            // reached before, so was this slot, by what its owner told.
            if hops[slot.index()] == u32::MAX && block.any_neighbor(slot, |from, _| hops[from.index()] == level) {
                hops[slot.index()] = level + 1;
                next.push(slot.0);
            }
        });
        for (place, slot) in Halo::places(block.seams()) {
            if hops[slot.index()] >= UNREACHED && block.any_neighbor(slot, |from, _| hops[from.index()] == level) {
                let (seam, place) = halo.seam(place);
                hops[slot.index()] = level + 1;
                told[seam].push(place);
            }
        }
        std::mem::swap(frontier, next);
    }

    /// Reaches the neighbours of the frontier, which are the next.
    fn push<B: Block>(&mut self, block: &B, next_level: u32) {
        let Self { hops, frontier, next, halo, told, .. } = self;
        next.clear();
        for slot in frontier.iter() {
            block.each_neighbor(Slot(*slot), |to, _| {
                let hops = &mut hops[to.index()];
                if *hops == u32::MAX {
                    *hops = next_level;
                    next.push(to.0);
                } else if *hops >= UNREACHED {
                    let (seam, place) = halo.seam(*hops - UNREACHED);
                    *hops = next_level;
                    told[seam].push(place);
                }
            });
        }
        std::mem::swap(frontier, next);
    }
}

impl<G: Topology> BlockProgram<G> for Bfs {
    type State = Reached;
    /// Places in the seam of halo slots that were reached.
    type Parcel = Vec<u32>;
    type Global = ();
    type Output = Vec<(VertexId, u32)>;

    fn init(&self, graph: &G, block: &G::Block) -> Result<Reached> {
        let seams = block.seams();
        let halo = Halo::new(seams)?;
        let mut hops = vec![u32::MAX; block.slots()];
        Halo::places(seams).for_each(|(place, slot)| hops[slot.index()] = UNREACHED + place);
        let sources = Sources::new(graph, block, &self.sources)?;
        let told = seams.iter().map(|_| Vec::new()).collect();
        Ok(Reached { sources, hops, frontier: Vec::new(), next: Vec::new(), halo, told, spare: Vec::new() })
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Vec<u32>, ()>,
        block: &G::Block,
        state: &mut Reached,
        mail: Vec<(BlockId, Vec<u32>)>,
    ) -> Result<Vote> {
        let level = u32::try_from(at.number()).ok().filter(|level| level + 1 < UNREACHED);
        let level =
            level.ok_or_else(|| Error::new(Kind::Resource, "a path of 2^31 hops: they are counted up to that"))?;
        if level == 0 {
            state.frontier = state.sources.take(at.block())?;
            state.frontier.iter().for_each(|slot| state.hops[*slot as usize] = 0);
        }
        state.receive(block, level, mail);
        if state.should_pull(block) {
            state.pull(block, level);
        } else {
            state.push(block, level + 1);
        }
        for (seam, told) in block.seams().iter().zip(&mut state.told) {
            if !told.is_empty() {
                at.count(told.len() as u64);
                at.send(seam.to, std::mem::replace(told, state.spare.pop().unwrap_or_default()));
            }
        }
        Ok(if state.frontier.is_empty() { Vote::Halt } else { Vote::Stay })
    }

    fn finish(&self, block: &G::Block, state: Reached) -> Result<Vec<(VertexId, u32)>> {
        let mut hops = Vec::new();
        block.each_owned(|slot, id| hops.push((id, state.hops[slot.index()])));
        Ok(hops)
    }
}
