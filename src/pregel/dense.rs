//! A superstep of a block in which many vertices are called: row by row.

use std::ops::Range;

use crate::combine::Combine;
use crate::graph::topology::{Block, Topology};
use crate::pregel::block::Vote;
use crate::pregel::call::Call;
use crate::pregel::row::Row;
use crate::pregel::sweep::Sweep;
use crate::pregel::swept::{Scratch, Swept};
use crate::pregel::vertex::VertexProgram;

/// What came of the calls in a superstep.
#[derive(Default)]
struct Counts {
    called: usize,
    spoke: usize,
    stayed: usize,
}

impl<G: Topology, P: VertexProgram<G>> Sweep<G, P> {
    /// Row by row, all that stayed or heard something.
    pub(super) fn dense(&self, at: &mut Call<'_, P::Global>, block: &G::Block, swept: &mut Swept<G, P>) {
        let silence = P::Message::default();
        let mut counts = Counts::default();
        let all_stayed = swept.stayed.count == swept.scratch.owned;
        swept.unlist();
        let named = std::mem::take(&mut swept.scratch.named);
        let mut named = named.into_iter().peekable();
        for row in block.rows() {
            let Scratch { heard, requests, .. } = &mut swept.scratch;
            if requests.failure.is_some() || (at.stopped)() {
                break;
            }
            let first = row.start;
            if heard.len() < row.len() {
                heard.resize(row.len(), P::Message::default());
            }
            block
                .gather(row.clone(), &swept.said, &mut heard[..row.len()], |edge, word| self.program.along(edge, word));
            while let Some((slot, word)) = named.next_if(|(slot, _)| (*slot as usize) < row.end) {
                heard[slot as usize - first].combine(word);
            }
            if all_stayed && self.stroke(at, block, swept, row.clone(), &mut counts) {
                continue;
            }
            let Swept { states, stays, scratch: Scratch { next, heard, requests, now, .. }, .. } = &mut *swept;
            for run in block.owned(row) {
                let heard = &mut heard[run.start - first..run.end - first];
                let (states, stays, next) = (&mut states[run.clone()], &mut stays[run.clone()], &mut next[run.clone()]);
                let vertices = states.iter_mut().zip(stays).zip(next).zip(heard);
                for (slot, (((state, stays), next), heard)) in run.zip(vertices) {
                    let mut word = P::Message::default();
                    if *stays || *heard != silence {
                        *now = slot;
                        counts.called += 1;
                        let mut vertex = at.vertex(block, slot, &mut word, requests);
                        let vote = self.program.compute(&mut vertex, state, std::mem::take(heard));
                        *stays = vote == Vote::Stay;
                        counts.stayed += usize::from(*stays);
                        counts.spoke += usize::from(word != silence);
                    }
                    *next = word;
                }
            }
        }
        at.called = counts.called;
        // The halo heard in this superstep; in the next it is silent until it is heard again.
        for slot in block.seams().iter().flat_map(|seam| &seam.halo) {
            swept.said[slot.index()] = P::Message::default();
        }
        std::mem::swap(&mut swept.said, &mut swept.scratch.next);
        swept.scratch.stale = true;
        swept.spoke.only(counts.spoke);
        swept.stayed.only(counts.stayed);
    }

    /// A row of which every vertex is called, at a stroke, if the program knows how.
    #[inline]
    fn stroke(
        &self,
        at: &mut Call<'_, P::Global>,
        block: &G::Block,
        swept: &mut Swept<G, P>,
        row: Range<usize>,
        counts: &mut Counts,
    ) -> bool {
        let Swept { states, stays, scratch: Scratch { next, heard, spoken, now, .. }, .. } = swept;
        let mut runs = block.owned(row.clone());
        let Some(first) = runs.next() else { return true };
        let last = runs.next_back();
        let span = first.start..last.as_ref().unwrap_or(&first).end;
        // Between vertices nothing is said, whatever the program puts there.
        let said = if last.is_some() {
            spoken.clear();
            spoken.resize(span.len(), P::Message::default());
            &mut spoken[..]
        } else {
            next[span.clone()].fill(P::Message::default());
            &mut next[span.clone()]
        };
        *now = span.start;
        let vote = self.program.compute_row(&mut Row {
            block,
            span: span.clone(),
            superstep: at.superstep,
            global: at.global,
            contribution: at.contribution,
            states: &mut states[span.clone()],
            heard: &heard[span.start - row.start..span.end - row.start],
            said,
        });
        let Some(vote) = vote else { return false };
        // Plain loops, one for each question: so they become vector instructions.
        let mut vertices = span.len();
        if last.is_some() {
            let words = next[span.clone()].iter_mut().zip(spoken).zip(block.each_owns(span.clone()));
            words.for_each(|((next, word), owned)| *next = if owned { word.clone() } else { P::Message::default() });
            vertices = block.each_owns(span.clone()).map(usize::from).sum();
        }
        let silence = P::Message::default();
        counts.called += vertices;
        counts.spoke += next[span.clone()].iter().map(|word| usize::from(*word != silence)).sum::<usize>();
        match vote {
            Vote::Stay => counts.stayed += vertices,
            Vote::Halt => stays[span].fill(false),
        }
        true
    }
}
