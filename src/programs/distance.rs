//! Shortest distances from a set of vertices, along the edges' directions: lengths are `f64`, none
//! negative.
//!
//! Delta-stepping (Meyer and Sanders, 2003) without its distinction of light and heavy edges: all
//! blocks work on the first bucket that any of them has, each until its own is empty, and tell the
//! other sides of their seams the distances to halo slots that became shorter. A block without
//! seams goes through its buckets alone. Supersteps: the buckets that have entries, and one more for
//! each time that a path within one bucket crosses a seam. Memory: 8 bytes a slot (12 where there
//! are seams), 16 an entry of the queue.
//!
//! A distance is the smallest over all paths of the sum of the lengths from the source on, rounded
//! after each. Rounding is monotone: a longer way to a vertex never becomes a shorter one beyond it,
//! and a sum is never below its first part. So whatever the order of the work, it ends at the same
//! fixed point: the bits are those of Dijkstra's algorithm for every cut, width of buckets and number
//! of workers.

use serde::{Deserialize, Serialize};

use crate::combine::{Max, Min};
use crate::error::{Error, Result};
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::buckets::{Buckets, Entry};
use crate::programs::halo::Halo;
use crate::programs::sources::Sources;
use crate::programs::weigh::Weigh;

/// The distance from the nearest of `sources` to each vertex, infinite where no path leads; a block
/// gives its own by ascending slot.
///
/// An edge out of a vertex that is reached whose length is negative or not a number is an error that
/// names the vertex.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distance<W> {
    /// Where it starts. One that is no vertex of the graph is an error.
    pub sources: Vec<VertexId>,
    /// How long edges are.
    pub weigh: W,
    /// The width of a bucket; by default it is taken from the lengths and degrees of some
    /// vertices. It changes the time that is needed, and nothing else.
    pub delta: Option<f64>,
}

impl<W> Distance<W> {
    /// From these sources, in buckets of the default width.
    pub fn new(sources: Vec<VertexId>, weigh: W) -> Self {
        Self { sources, weigh, delta: None }
    }
}

/// The width of a bucket in mean lengths, for a graph of mean degree 1.
const DELTA: f64 = 4.0;

/// Rows that are looked at for the default width, and vertices in each.
const SAMPLE: (usize, usize) = (256, 8);

/// The place of an owned slot among the halo slots.
const OWNED: u32 = u32::MAX;

/// The state of a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reached {
    sources: Sources,
    distances: Vec<f64>,
    queue: Buckets,
    /// The entries that are worked on.
    entries: Vec<Entry>,
    halo: Halo,
    /// The place of each slot among the halo slots; empty where there are none.
    places: Vec<u32>,
    /// The places of halo slots that came nearer in this superstep, and whether each did.
    nearer: Vec<u32>,
    is_nearer: Vec<bool>,
}

impl Reached {
    /// Takes in the distances that others found.
    fn receive<B: Block>(&mut self, block: &B, mail: Mail) {
        for (from, found) in mail {
            let seam = block.seam(from);
            for (place, distance) in found {
                let slot = seam.border[place as usize];
                if distance < self.distances[slot.index()] {
                    self.distances[slot.index()] = distance;
                    self.queue.push(distance, slot.0);
                }
            }
        }
    }

    /// Works on a bucket until it is empty, and stays so.
    fn settle<B: Block>(&mut self, block: &B, weigh: &impl Weigh<B::Edge>, bucket: u64) -> Result<()> {
        let Self { distances, queue, entries, places, nearer, is_nearer, .. } = self;
        while queue.first() == bucket {
            entries.clear();
            queue.take(bucket, entries);
            for &(distance, slot) in entries.iter() {
                // It was entered again, nearer.
                if distance > distances[slot as usize] {
                    continue;
                }
                let mut lengths_are_right = true;
                block.each_neighbor(Slot(slot), |to, edge| {
                    let length = weigh.weigh(edge);
                    lengths_are_right &= length >= 0.0;
                    let through = distance + length;
                    if through < distances[to.index()] {
                        distances[to.index()] = through;
                        match places.get(to.index()) {
                            None | Some(&OWNED) => queue.push(through, to.0),
                            Some(&place) => {
                                if !std::mem::replace(&mut is_nearer[place as usize], true) {
                                    nearer.push(place);
                                }
                            }
                        }
                    }
                });
                if !lengths_are_right {
                    let at = format!("vertex {}", block.id(Slot(slot)));
                    return Err(Error::input(at, "an edge out of it has a length that is negative or not a number"));
                }
            }
        }
        Ok(())
    }

    /// Tells others what came nearer; the first bucket of what was told.
    fn tell<B: Block>(&mut self, at: &mut Superstep<'_, Parcel, Next>, block: &B) -> u64 {
        let seams = block.seams();
        let mut parcels: Vec<Parcel> = vec![Vec::new(); if self.nearer.is_empty() { 0 } else { seams.len() }];
        let mut first = u64::MAX;
        at.count(self.nearer.len() as u64);
        for place in self.nearer.drain(..) {
            self.is_nearer[place as usize] = false;
            let (seam, place) = self.halo.seam(place);
            let distance = self.distances[seams[seam].halo[place as usize].index()];
            first = first.min(self.queue.bucket(distance));
            parcels[seam].push((place, distance));
        }
        for (seam, parcel) in seams.iter().zip(parcels).filter(|(_, parcel)| !parcel.is_empty()) {
            at.send(seam.to, parcel);
        }
        first
    }
}

/// Places in the seam of halo slots, and distances that were found to them.
type Parcel = Vec<(u32, f64)>;

type Mail = Vec<(BlockId, Parcel)>;

/// The width of buckets that blocks propose, and the first bucket that has entries.
type Next = (Max<f64>, Min<u64>);

impl<G: Topology, W: Weigh<G::Edge>> BlockProgram<G> for Distance<W> {
    type State = Reached;
    type Parcel = Parcel;
    type Global = Next;
    type Output = Vec<(VertexId, f64)>;

    fn init(&self, graph: &G, block: &G::Block) -> Result<Reached> {
        if let Some(delta) = self.delta.filter(|delta| !(*delta > 0.0 && delta.is_finite())) {
            return Err(Error::usage(format!("buckets of width {delta}: it is positive and finite")));
        }
        let seams = block.seams();
        let halo = Halo::new(seams)?;
        let mut places = vec![OWNED; if halo.len() == 0 { 0 } else { block.slots() }];
        Halo::places(seams).for_each(|(place, slot)| places[slot.index()] = place);
        Ok(Reached {
            sources: Sources::new(graph, block, &self.sources)?,
            distances: vec![f64::INFINITY; block.slots()],
            queue: Buckets::new(1.0),
            entries: Vec::new(),
            is_nearer: vec![false; halo.len()],
            halo,
            places,
            nearer: Vec::new(),
        })
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Parcel, Next>,
        block: &G::Block,
        state: &mut Reached,
        mail: Mail,
    ) -> Result<Vote> {
        let (proposed, first) = at.global();
        let bucket = match at.number() {
            0 => {
                at.contribute((Max(width(block, &self.weigh)), Min::default()));
                return Ok(Vote::Stay);
            }
            1 => {
                let proposed = if proposed.0 > 0.0 { proposed.0 } else { 1.0 };
                state.queue = Buckets::new(self.delta.unwrap_or(proposed));
                for slot in state.sources.take(at.block())? {
                    state.distances[slot as usize] = 0.0;
                    state.queue.push(0.0, slot);
                }
                0
            }
            _ => first.0,
        };
        state.receive(block, mail);
        if block.seams().is_empty() {
            while state.queue.first() != u64::MAX && !at.stopped() {
                let bucket = state.queue.first();
                state.settle(block, &self.weigh, bucket)?;
            }
            return Ok(Vote::Halt);
        }
        state.settle(block, &self.weigh, bucket)?;
        let (told, first) = (state.tell(at, block), state.queue.first());
        at.contribute((Max::default(), Min(told.min(first))));
        Ok(if first == u64::MAX { Vote::Halt } else { Vote::Stay })
    }

    fn finish(&self, block: &G::Block, state: Reached) -> Result<Vec<(VertexId, f64)>> {
        let mut distances = Vec::new();
        block.each_owned(|slot, id| distances.push((id, state.distances[slot.index()])));
        Ok(distances)
    }
}

/// The width of buckets that some vertices of a block propose: about what the shortest edge out of
/// a vertex is long where lengths are spread evenly. Not positive where they have no edges.
fn width<B: Block>(block: &B, weigh: &impl Weigh<B::Edge>) -> f64 {
    let step = (block.rows().count() / SAMPLE.0).max(1);
    let runs = block.rows().step_by(step).filter_map(|row| block.owned(row).next());
    let (mut vertices, mut edges, mut sum) = (0u32, 0u32, 0.0);
    for slot in runs.flat_map(|run| run.take(SAMPLE.1)) {
        vertices += 1;
        block.each_neighbor(Slot(slot as u32), |_, edge| {
            let length = weigh.weigh(edge);
            if length > 0.0 && length.is_finite() {
                edges += 1;
                sum += length;
            }
        });
    }
    let (edges, vertices) = (f64::from(edges), f64::from(vertices));
    let width = DELTA * (sum / edges) * (vertices / edges);
    if width.is_finite() && 1.0 / width < f64::INFINITY { width } else { 0.0 }
}
