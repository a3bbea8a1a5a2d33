//! A superstep in which the graph changes.

use crate::combine::Combine;
use crate::error::Result;
use crate::graph::change::Change;
use crate::graph::topology::{Block, Topology};
use crate::pregel::block::Vote;
use crate::pregel::call::Call;
use crate::pregel::sweep::Sweep;
use crate::pregel::swept::{Swept, last_owned, slot as at_slot};
use crate::pregel::vertex::VertexProgram;

impl<G: Topology, P: VertexProgram<G>> Sweep<G, P> {
    /// All that stayed or heard something, where the mail brought changes: what was said goes
    /// along the edges of old, and who is called sees the new.
    pub(super) fn change(
        &self,
        at: &mut Call<'_, P::Global>,
        block: &G::Block,
        swept: &mut Swept<G, P>,
        changes: Vec<Change<G::Edge>>,
    ) -> Result<G::Block> {
        let silence = P::Message::default();
        swept.unlist();
        let mut heard = vec![P::Message::default(); block.slots()];
        for row in block.rows() {
            let heard = &mut heard[row.clone()];
            block.gather(row, &swept.said, heard, |edge, word| self.program.along(edge, word));
        }
        swept.scratch.named.drain(..).for_each(|(slot, word)| heard[slot as usize].combine(word));
        let (new, kept) = block.apply(&changes)?;
        swept.remember(changes);
        let old = |at: usize| match &kept {
            Some(kept) => kept[at].map(|slot| slot.index()),
            None => Some(at),
        };
        let end = last_owned(&new);
        let mut states: Vec<P::State> = Vec::with_capacity(end);
        let (mut stays, mut said) = (vec![false; end], vec![P::Message::default(); new.slots()]);
        let (mut spoke, mut stayed) = (0, 0);
        for run in new.rows().flat_map(|row| new.owned(row)) {
            for slot in run {
                swept.scratch.now = slot;
                let requests = &mut swept.scratch.requests;
                let mut word = P::Message::default();
                let mut vertex = at.vertex(&new, slot, &mut word, requests);
                let (mut state, mut vote, mut heard) = match old(slot) {
                    Some(old) => {
                        let vote = if swept.stays[old] { Vote::Stay } else { Vote::Halt };
                        (swept.states[old].clone(), vote, std::mem::take(&mut heard[old]))
                    }
                    None => {
                        let (state, vote) = self.program.init(&mut vertex);
                        (state, vote, P::Message::default())
                    }
                };
                if old(slot).is_none() {
                    at.called += 1;
                    let id = new.id(at_slot(slot));
                    let strangers = &mut swept.scratch.strangers;
                    strangers.iter_mut().filter(|(to, _)| *to == id).for_each(|(_, word)| {
                        heard.combine(std::mem::take(word));
                    });
                    strangers.retain(|(to, _)| *to != id);
                }
                if (old(slot).is_some() && vote == Vote::Stay) || heard != silence {
                    at.called += 1;
                    vote = self.call(at.vertex(&new, slot, &mut word, requests), &mut state, heard);
                }
                // The slots before the first owned one, and between two runs, hold a copy.
                states.resize(slot, state.clone());
                states.push(state);
                stays[slot] = vote == Vote::Stay;
                stayed += usize::from(stays[slot]);
                spoke += usize::from(word != silence);
                said[slot] = word;
            }
        }
        (swept.states, swept.stays, swept.said) = (states, stays, said);
        swept.spoke.only(spoke);
        swept.stayed.only(stayed);
        swept.fit(&new);
        Ok(new)
    }
}
