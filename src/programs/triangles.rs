//! Triangles at every vertex, and in all.
//!
//! Every edge is turned from its end of lower degree to the other, of equal ones by their numbers,
//! and each triangle is found once, at its lowest vertex: two of those it points at, of which one
//! points at the other (Schank and Wagner, Finding, counting and listing all triangles in large
//! graphs, 2005). What a vertex of another block points at comes across the seam where it is asked
//! for, and what was counted there goes back. Parallel edges and loops do not count; the graph is
//! undirected.
//!
//! Four supersteps. Cost: O(edges^1.5), a bit looked up at each step. Memory of a block: 4 bytes an
//! edge and 28 a slot, and the lists that come: a block cut badly is told of 12 bytes for each edge
//! near its seams.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::combine::Sum;
use crate::error::Result;
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::pregel::block::{BlockProgram, Superstep, Vote};

/// The number of triangles at every vertex, and as global in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triangles;

/// What blocks tell each other of the vertices at their seam.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Told {
    /// The degree of each.
    Degrees(Vec<u32>),
    /// The places of some, how many vertices each points at, and these.
    Lists(Vec<u32>, Vec<u32>, Vec<VertexId>),
    /// The places of some, and the triangles found at them.
    Found(Vec<(u32, u64)>),
}

/// The state of a block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Counting {
    /// Over slots; halo included once it was told.
    degrees: Vec<u32>,
    /// Over slots: where in `targets` the slots are that it points at.
    lists: Vec<Range<usize>>,
    targets: Vec<u32>,
    /// Over slots: the triangles found.
    found: Vec<u64>,
    /// Triangles of which the lowest vertex is owned.
    triangles: u64,
}

/// The owned slots of a block.
fn owned<B: Block>(block: &B) -> impl Iterator<Item = Slot> {
    block.rows().flat_map(|row| block.owned(row)).flatten().map(|slot| Slot(slot as u32))
}

impl Counting {
    /// Whether an edge between the two leads from the first to the second.
    #[inline]
    fn points<B: Block>(&self, block: &B, from: Slot, to: Slot) -> bool {
        let (ours, theirs) = (self.degrees[from.index()], self.degrees[to.index()]);
        ours < theirs || ours == theirs && block.id(from) < block.id(to)
    }

    /// Lists what the owned vertices point at.
    fn turn_edges<B: Block>(&mut self, block: &B) {
        let mut list = Vec::new();
        for slot in owned(block) {
            list.clear();
            block.each_neighbor(slot, |to, _| {
                if self.points(block, slot, to) {
                    list.push(to.0);
                }
            });
            list.sort_unstable();
            list.dedup();
            self.lists[slot.index()] = self.targets.len()..self.targets.len() + list.len();
            self.targets.extend_from_slice(&list);
        }
    }

    /// What each other block must know: the lists of border vertices that one of its own points at.
    fn lists_for<B: Block>(&self, block: &B) -> Vec<(BlockId, Told)> {
        let mut asked = vec![0; block.slots()];
        let mut all = Vec::new();
        for (seam, number) in block.seams().iter().zip(1u32..) {
            for halo in &seam.halo {
                block.each_neighbor(*halo, |to, _| {
                    if self.points(block, *halo, to) {
                        asked[to.index()] = number;
                    }
                });
            }
            let (mut places, mut lengths, mut ids) = (Vec::new(), Vec::new(), Vec::new());
            for (slot, place) in seam.border.iter().zip(0u32..).filter(|(slot, _)| asked[slot.index()] == number) {
                let list = &self.targets[self.lists[slot.index()].clone()];
                if !list.is_empty() {
                    places.push(place);
                    lengths.push(list.len() as u32);
                    ids.extend(list.iter().map(|target| block.id(Slot(*target))));
                }
            }
            if !places.is_empty() {
                all.push((seam.to, Told::Lists(places, lengths, ids)));
            }
        }
        all
    }

    /// Takes the lists of the halo; of what they name, what is known here.
    fn hear<B: Block>(
        &mut self,
        block: &B,
        halo: &[Slot],
        (places, lengths, ids): (&[u32], &[u32], &[VertexId]),
        names: &[(VertexId, u32)],
    ) {
        let mut start = 0;
        for (place, length) in places.iter().zip(lengths) {
            let ids = &ids[start..start + *length as usize];
            start += ids.len();
            let first = self.targets.len();
            self.targets.extend(ids.iter().filter_map(|id| match block.slot(*id) {
                Some(slot) => Some(slot.0),
                None => names.binary_search_by_key(id, |(name, _)| *name).ok().map(|at| names[at].1),
            }));
            self.lists[halo[*place as usize].index()] = first..self.targets.len();
        }
    }

    /// Finds the triangles whose lowest vertex is owned.
    fn count<B: Block>(&mut self, block: &B, stopped: impl Fn() -> bool) {
        let mut pointed_at = vec![0u64; block.slots().div_ceil(64)];
        let mut hits = Vec::new();
        for slot in owned(block) {
            let list = &self.targets[self.lists[slot.index()].clone()];
            if list.len() < 2 {
                continue;
            }
            if stopped() {
                return;
            }
            list.iter().for_each(|target| pointed_at[*target as usize / 64] |= 1 << (target % 64));
            let mut here = 0;
            for second in list {
                // Few are found, and at random: a jump at each would often be guessed wrong.
                let mut there = 0;
                let candidates = &self.targets[self.lists[*second as usize].clone()];
                hits.resize(hits.len().max(candidates.len() + 1), 0);
                for third in candidates {
                    hits[there] = *third;
                    there += (pointed_at[*third as usize / 64] >> (third % 64) & 1) as usize;
                }
                hits[..there].iter().for_each(|third| self.found[*third as usize] += 1);
                let there = there as u64;
                self.found[*second as usize] += there;
                here += there;
            }
            self.found[slot.index()] += here;
            self.triangles += here;
            list.iter().for_each(|target| pointed_at[*target as usize / 64] = 0);
        }
    }
}

impl<G: Topology> BlockProgram<G> for Triangles {
    type State = Counting;
    type Parcel = Told;
    /// The triangles of the graph.
    type Global = Sum<u64>;
    type Output = Vec<(VertexId, u64)>;

    fn init(&self, _: &G, block: &G::Block) -> Result<Counting> {
        let slots = block.slots();
        let mut degrees = vec![0; slots];
        owned(block).for_each(|slot| degrees[slot.index()] = block.degree(slot));
        Ok(Counting { degrees, lists: vec![0..0; slots], found: vec![0; slots], ..Counting::default() })
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Told, Sum<u64>>,
        block: &G::Block,
        state: &mut Counting,
        mail: Vec<(BlockId, Told)>,
    ) -> Result<Vote> {
        let mut names = Vec::new();
        for (from, told) in mail {
            let seam = block.seam(from);
            match told {
                Told::Degrees(degrees) => seam.scatter(&degrees, &mut state.degrees),
                Told::Lists(places, lengths, ids) => {
                    if names.is_empty() {
                        let halo = block.seams().iter().flat_map(|seam| &seam.halo);
                        names.extend(halo.map(|slot| (block.id(*slot), slot.0)));
                        names.sort_unstable();
                    }
                    state.hear(block, &seam.halo, (&places, &lengths, &ids), &names);
                }
                Told::Found(found) => {
                    for (place, found) in found {
                        state.found[seam.border[place as usize].index()] += found;
                    }
                }
            }
        }
        match at.number() {
            0 => {
                for seam in block.seams() {
                    let mut degrees = Vec::new();
                    seam.gather(&state.degrees, &mut degrees);
                    at.count(degrees.len() as u64);
                    at.send(seam.to, Told::Degrees(degrees));
                }
            }
            1 => {
                state.turn_edges(block);
                for (to, told) in state.lists_for(block) {
                    if let Told::Lists(places, ..) = &told {
                        at.count(places.len() as u64);
                    }
                    at.send(to, told);
                }
            }
            2 => {
                state.count(block, || at.stopped());
                for seam in block.seams() {
                    let found = seam.halo.iter().zip(0u32..).map(|(slot, place)| (place, state.found[slot.index()]));
                    let found: Vec<_> = found.filter(|(_, found)| *found > 0).collect();
                    if !found.is_empty() {
                        at.count(found.len() as u64);
                        at.send(seam.to, Told::Found(found));
                    }
                }
            }
            _ => {
                at.contribute(Sum(state.triangles));
                return Ok(Vote::Halt);
            }
        }
        Ok(Vote::Stay)
    }

    fn finish(&self, block: &G::Block, state: Counting) -> Result<Self::Output> {
        Ok(owned(block).map(|slot| (block.id(slot), state.found[slot.index()])).collect())
    }
}
