//! A superstep of a block in which many vertices are called: row by row.

use std::iter::Peekable;
use std::ops::Range;
use std::vec::Drain;

use crate::combine::Combine;
use crate::graph::topology::{Block, Topology};
use crate::pregel::block::Vote;
use crate::pregel::call::Call;
use crate::pregel::row::Row;
use crate::pregel::sweep::Sweep;
use crate::pregel::swept::{Scratch, Swept};
use crate::pregel::vertex::VertexProgram;
use crate::wide::{Work, widely};

/// What came of the calls in a superstep.
#[derive(Default)]
struct Counts {
    /// Vertices that spoke.
    spoke: usize,
    /// Vertices of rows that were not called at a stroke, and how many of them were called and stayed.
    single: usize,
    called: usize,
    stayed: usize,
    /// Vertices of rows that were called at a stroke and halted.
    halted: usize,
}

impl<G: Topology, P: VertexProgram<G>> Sweep<G, P> {
    /// Row by row, all that stayed or heard something.
    pub(super) fn dense(&self, at: &mut Call<'_, P::Global>, block: &G::Block, swept: &mut Swept<G, P>) {
        let silence = P::Message::default();
        let mut counts = Counts::default();
        let all_stayed = swept.stayed.count == swept.scratch.owned;
        swept.unlist();
        let mut to_name = std::mem::take(&mut swept.scratch.named);
        let mut named = to_name.drain(..).peekable();
        for row in block.rows() {
            if swept.scratch.requests.failure.is_some() || (at.stopped)() {
                break;
            }
            let stroke = Stroke {
                program: &self.program,
                at: &mut *at,
                block,
                swept: &mut *swept,
                row: row.clone(),
                named: &mut named,
                all_stayed,
                counts: &mut counts,
            };
            if widely(stroke) {
                continue;
            }
            let first = row.start;
            let Swept { states, stays, scratch: Scratch { next, heard, requests, now, .. }, .. } = &mut *swept;
            for run in block.owned(row) {
                counts.single += run.len();
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
        drop(named);
        swept.scratch.named = to_name;
        // All others were called at a stroke, unless it was broken off.
        let strokes = swept.scratch.owned - counts.single;
        at.called = strokes + counts.called;
        // The halo heard in this superstep; in the next it is silent until it is heard again.
        for slot in block.seams().iter().flat_map(|seam| &seam.halo) {
            swept.said[slot.index()] = P::Message::default();
        }
        std::mem::swap(&mut swept.said, &mut swept.scratch.next);
        swept.scratch.stale = true;
        swept.spoke.only(counts.spoke);
        swept.stayed.only(strokes - counts.halted + counts.stayed);
    }
}

/// What is done for a row as a whole: its vertices hear, and are called at a stroke where all of
/// them stayed and the program knows how.
struct Stroke<'a, 'c, 'd, G: Topology, P: VertexProgram<G>> {
    program: &'a P,
    at: &'a mut Call<'c, P::Global>,
    block: &'a G::Block,
    swept: &'a mut Swept<G, P>,
    row: Range<usize>,
    /// What was sent by name, from this row on.
    named: &'a mut Peekable<Drain<'d, (u32, P::Message)>>,
    all_stayed: bool,
    counts: &'a mut Counts,
}

impl<G: Topology, P: VertexProgram<G>> Work for Stroke<'_, '_, '_, G, P> {
    /// Whether they were called.
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let Self { program, at, block, swept, row, named, all_stayed, counts } = self;
        let Swept { states, stays, said, scratch: Scratch { next, heard, spoken, now, .. }, .. } = swept;
        if heard.len() < row.len() {
            heard.resize(row.len(), P::Message::default());
        }
        block.gather(row.clone(), said, &mut heard[..row.len()], |edge, word| program.along(edge, word));
        while let Some((slot, word)) = named.next_if(|(slot, _)| (*slot as usize) < row.end) {
            heard[slot as usize - row.start].combine(word);
        }
        if !all_stayed {
            return false;
        }
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
        let vote = program.compute_row(&mut Row {
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
        // Plain loops, so that they become vector instructions.
        let silence = P::Message::default();
        let mut spoke = 0;
        if last.is_some() {
            let words = next[span.clone()].iter_mut().zip(spoken).zip(block.each_owns(span.clone()));
            for ((next, word), owned) in words {
                let word = if owned { word.clone() } else { P::Message::default() };
                spoke += u64::from(word != silence);
                *next = word;
            }
        } else {
            next[span.clone()].iter().for_each(|word| spoke += u64::from(*word != silence));
        }
        counts.spoke += spoke as usize;
        if vote == Vote::Halt {
            counts.halted += block.owned(span.clone()).map(|run| run.len()).sum::<usize>();
            stays[span].fill(false);
        }
        true
    }
}
