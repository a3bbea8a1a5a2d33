//! A superstep of a block in which what is said is heard at once, until the block is quiet.
//!
//! For programs that end in the same states whatever is heard first
//! ([`asynchronous`](VertexProgram::asynchronous)): a word does not wait for the next superstep where
//! it stays within the block. Vertices are called in ascending order, again and again, so a word runs
//! as far ahead as edges lead in one pass; the supersteps that are left are those in which words
//! cross from block to block.

use crate::combine::Combine;
use crate::graph::topology::{Block, Topology};
use crate::pregel::block::Vote;
use crate::pregel::call::Call;
use crate::pregel::parcel::Borders;
use crate::pregel::sweep::Sweep;
use crate::pregel::swept::{Scratch, Swept, slot};
use crate::pregel::vertex::VertexProgram;

/// Words between two looks at whether the run is to stop.
const PATIENCE: usize = 1 << 16;

impl<G: Topology, P: VertexProgram<G>> Sweep<G, P> {
    /// What was said before goes to the neighbours, and so on until nobody has anything to say; what
    /// the border said last is listed for the other blocks.
    pub(super) fn settle(&self, at: &mut Call<'_, P::Global>, block: &G::Block, swept: &mut Swept<G, P>) {
        let silence = P::Message::default();
        let listed = swept.spoke.whole && swept.stayed.whole;
        let Swept { states, stays, stayed, said, spoke, scratch, .. } = swept;
        let Scratch { next, stale, awake, named, requests, now, borders, .. } = scratch;
        let borders = borders.get_or_insert_with(|| Borders::new(block.slots(), block.seams()));
        if std::mem::take(stale) {
            next.fill(P::Message::default());
        }
        for (to, word) in named.drain(..) {
            next[to as usize].combine(word);
            awake.insert(to);
        }
        // Halo slots are not called, but what they said goes the same way: they are awake too.
        if listed {
            stayed.items.iter().for_each(|slot| awake.insert(*slot));
            for (from, word) in spoke.items.drain(..) {
                said[from as usize] = word;
                awake.insert(from);
            }
        } else {
            let halo = block.seams().iter().flat_map(|seam| &seam.halo).map(|slot| slot.index());
            let owned = block.rows().flat_map(|row| block.owned(row)).flatten();
            for slot in owned.chain(halo) {
                if said[slot] != silence || stays.get(slot) == Some(&true) {
                    awake.insert(slot as u32);
                }
            }
        }
        stayed.clear();
        spoke.clear();
        let mut words = 0_usize;
        awake.settle(|awake, from| {
            let index = from as usize;
            let mut word = std::mem::take(&mut said[index]);
            let heard = std::mem::take(&mut next[index]);
            if heard != silence || stays.get(index) == Some(&true) {
                *now = index;
                at.called += 1;
                let mut new = P::Message::default();
                let vertex = at.vertex(block, index, &mut new, requests);
                let vote = self.call(vertex, &mut states[index], heard);
                stays[index] = vote == Vote::Stay;
                if stays[index] {
                    stayed.push(from);
                }
                if new != silence {
                    words += 1;
                    if !borders.of(from).is_empty() {
                        spoke.push((from, new.clone()));
                    }
                    word = new;
                }
            }
            if word == silence {
                return true;
            }
            block.each_owned_neighbor(slot(index), |to, edge| {
                let word = self.program.along(edge, &word);
                if self.program.heeds(&states[to.index()], &word) {
                    next[to.index()].combine(word);
                    awake.insert(to.0);
                }
            });
            !(words.is_multiple_of(PATIENCE) && (requests.failure.is_some() || (at.stopped)()))
        });
        // Of what a vertex said, and of how it voted, only the last counts.
        spoke.items.reverse();
        spoke.items.sort_by_key(|(slot, _)| *slot);
        spoke.items.dedup_by_key(|(slot, _)| *slot);
        spoke.count = spoke.items.len();
        stayed.items.sort_unstable();
        stayed.items.dedup();
        stayed.items.retain(|slot| stays[*slot as usize]);
        stayed.count = stayed.items.len();
        at.settled = Some(words);
    }
}
