//! Runs a vertex program as a block program: each superstep sweeps the slots that are awake.
//!
//! A sweep is *dense*, row by row, where many vertices spoke or stayed. Else it is *sparse*: what
//! the few said is pushed to their neighbours where the message is order-free, and else those who
//! spoke mark their neighbours and the marked gather. Except where any order is as good, a vertex
//! merges what its sources said in the order of [`each_source`](Block::each_source), and after it
//! what was sent to it by name, by sender; so the bits do not depend on the way, the workers, or
//! the cut. Few awake vertices cost few. Of a program that says it may
//! ([`asynchronous`](VertexProgram::asynchronous)) a block goes on until it is quiet instead.

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::combine::Combine;
use crate::error::{Error, Kind, Result};
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, VertexId};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::pregel::call::Call;
use crate::pregel::failure::contained;
use crate::pregel::parcel::Parcel;
use crate::pregel::swept::{Listed, Scratch, Swept, last_owned, slot};
use crate::pregel::vertex::{Vertex, VertexProgram};

/// A superstep is dense where more than one vertex in so many is awake or spoke: there the
/// measured costs of the two ways cross.
const DENSE: usize = 6;

/// Words that are put down before they are heard.
const BATCH: usize = 256;

/// States by vertex.
type States<S> = Vec<(VertexId, S)>;

/// A vertex program as a block program. Its output is the state of every vertex of a block, in
/// the order of the slots.
pub struct Sweep<G: Topology, P: VertexProgram<G>> {
    pub(super) program: P,
    /// States to begin with, ascending by vertex, and their hash.
    warm: Option<(Arc<States<P::State>>, u64)>,
    graph: PhantomData<fn() -> G>,
}

impl<G: Topology, P: VertexProgram<G>> Clone for Sweep<G, P> {
    fn clone(&self) -> Self {
        Self { program: self.program.clone(), warm: self.warm.clone(), graph: PhantomData }
    }
}

impl<G: Topology, P: VertexProgram<G>> Debug for Sweep<G, P> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.program.fmt(f)?;
        match &self.warm {
            Some((states, hash)) => write!(f, " from {} states ({hash:016x})", states.len()),
            None => Ok(()),
        }
    }
}

impl<G: Topology, P: VertexProgram<G>> Sweep<G, P> {
    /// The adapter of a program.
    pub fn new(program: P) -> Self {
        Self { program, warm: None, graph: PhantomData }
    }

    /// The same, beginning with states that vertices had in the end of an earlier run, by
    /// [`resume`](VertexProgram::resume); other vertices begin by `init`.
    pub fn warm(program: P, mut states: States<P::State>) -> Self {
        states.sort_by_key(|(vertex, _)| *vertex);
        let bytes = postcard::to_allocvec(&states).expect("states are plain data");
        Self { program, warm: Some((Arc::new(states), xxh3_64(&bytes))), graph: PhantomData }
    }

    /// The state of the vertex in a slot before its first call, and whether it wants another.
    #[inline]
    fn first(&self, vertex: &mut Vertex<'_, G, P>) -> (P::State, Vote) {
        let known = self.warm.as_ref().and_then(|(states, _)| {
            let place = states.binary_search_by_key(&vertex.id(), |(vertex, _)| *vertex).ok()?;
            Some(states[place].1.clone())
        });
        match known {
            Some(state) => self.program.resume(vertex, state),
            None => self.program.init(vertex),
        }
    }

    /// Superstep 0: every vertex.
    fn begin(&self, at: &mut Call<'_, P::Global>, block: &G::Block, swept: &mut Swept<G, P>) {
        let (mut spoke, mut stayed) = (0, 0);
        let Swept { states, stays, said, scratch, .. } = swept;
        let silence = P::Message::default();
        block.each_run(|run, _| {
            for slot in run {
                scratch.now = slot;
                let mut word = P::Message::default();
                let (state, vote) = self.first(&mut at.vertex(block, slot, &mut word, &mut scratch.requests));
                if states.is_empty() {
                    *states = vec![state.clone(); last_owned(block)];
                }
                states[slot] = state;
                stays[slot] = vote == Vote::Stay;
                stayed += usize::from(stays[slot]);
                spoke += usize::from(word != silence);
                said[slot] = word;
            }
        });
        at.called = scratch.owned;
        swept.spoke.only(spoke);
        swept.stayed.only(stayed);
    }

    /// A call of one among few. Dense sweeps call by themselves: a program that is called from one
    /// place only is inlined there, and that is what their speed is made of.
    #[inline(never)]
    pub(super) fn call(&self, mut vertex: Vertex<'_, G, P>, state: &mut P::State, heard: P::Message) -> Vote {
        self.program.compute(&mut vertex, state, heard)
    }

    /// What the few said goes to their neighbours, and those are called.
    fn push(&self, at: &mut Call<'_, P::Global>, block: &G::Block, swept: &mut Swept<G, P>) {
        let silence = P::Message::default();
        let Swept { states, stays, stayed, spoke, scratch, .. } = swept;
        let Scratch { next, stale, awake, words, named, requests, now, .. } = scratch;
        if std::mem::take(stale) {
            next.fill(P::Message::default());
        }
        stayed.items.iter().for_each(|slot| awake.insert(*slot));
        // Whether a word is heeded hangs on a load from far away, so it is no branch: words are
        // put down at any rate, the next upon those that are not heeded.
        let mut heeded = 0;
        let mut hear = |words: &mut [(u32, P::Message)]| {
            for (to, word) in words {
                next[*to as usize].combine(std::mem::take(word));
                awake.insert(*to);
            }
        };
        for (from, said) in spoke.items.drain(..) {
            block.each_owned_neighbor(slot(from as usize), |to, edge| {
                let word = self.program.along(edge, &said);
                let heeds = self.program.heeds(&states[to.index()], &word);
                if heeded == words.len() {
                    words.push((to.0, word));
                } else {
                    words[heeded] = (to.0, word);
                }
                heeded += usize::from(heeds);
            });
            if heeded > BATCH {
                hear(&mut words[..heeded]);
                heeded = 0;
            }
        }
        hear(&mut words[..heeded]);
        hear(named);
        named.clear();
        let any_stayed = stayed.count > 0;
        spoke.clear();
        stayed.clear();
        awake.drain(|slot| {
            let index = slot as usize;
            let heard = std::mem::take(&mut next[index]);
            let stayed_before = any_stayed && std::mem::take(&mut stays[index]);
            if heard == silence && !stayed_before {
                return;
            }
            *now = index;
            at.called += 1;
            let mut word = P::Message::default();
            let vertex = at.vertex(block, index, &mut word, requests);
            let vote = self.call(vertex, &mut states[index], heard);
            if vote == Vote::Stay {
                stays[index] = true;
                stayed.push(slot);
            }
            if word != silence {
                spoke.push((slot, word));
            }
        });
    }

    /// The few mark their neighbours, and the marked gather.
    fn ring(&self, at: &mut Call<'_, P::Global>, block: &G::Block, swept: &mut Swept<G, P>) {
        let silence = P::Message::default();
        let Swept { states, stays, stayed, said, spoke, scratch, .. } = swept;
        let Scratch { awake, named, requests, now, .. } = scratch;
        stayed.items.iter().for_each(|slot| awake.insert(*slot));
        for (from, word) in &mut spoke.items {
            block.each_owned_neighbor(slot(*from as usize), |to, _| awake.insert(to.0));
            said[*from as usize] = std::mem::take(word);
        }
        named.iter().for_each(|(to, _)| awake.insert(*to));
        let mut named = named.drain(..).peekable();
        let mut speaking = Listed::default();
        stayed.clear();
        awake.drain(|at_slot| {
            let index = at_slot as usize;
            let mut heard = block.hear(slot(index), said, |edge, word| self.program.along(edge, word));
            while let Some((_, word)) = named.next_if(|(slot, _)| *slot == at_slot) {
                heard.combine(word);
            }
            if !std::mem::take(&mut stays[index]) && heard == silence {
                return;
            }
            *now = index;
            at.called += 1;
            let mut word = P::Message::default();
            let vertex = at.vertex(block, index, &mut word, requests);
            let vote = self.call(vertex, &mut states[index], heard);
            if vote == Vote::Stay {
                stays[index] = true;
                stayed.push(at_slot);
            }
            if word != silence {
                speaking.push((at_slot, word));
            }
        });
        spoke.items.iter().for_each(|(slot, _)| said[*slot as usize] = P::Message::default());
        *spoke = speaking;
    }

    /// One superstep of a block that has not been changed in it.
    fn sweep(&self, at: &mut Call<'_, P::Global>, block: &G::Block, swept: &mut Swept<G, P>) {
        let awake = swept.spoke.count + swept.stayed.count + swept.scratch.named.len();
        if at.superstep == 0 {
            self.begin(at, block, swept);
        } else if P::Message::ORDER_FREE && self.program.asynchronous() {
            self.settle(at, block, swept);
        } else if !(swept.spoke.whole && swept.stayed.whole) || awake * DENSE > swept.scratch.owned {
            self.dense(at, block, swept);
        } else if P::Message::ORDER_FREE {
            self.push(at, block, swept);
        } else {
            self.ring(at, block, swept);
        }
    }
}

impl<G: Topology, P: VertexProgram<G>> BlockProgram<G> for Sweep<G, P> {
    type State = Swept<G, P>;
    type Parcel = Parcel<G::Edge, P::Message>;
    type Global = P::Global;
    type Output = Vec<(VertexId, P::State)>;

    fn init(&self, graph: &G, block: &G::Block) -> Result<Self::State> {
        Ok(Swept::new(graph, block))
    }

    fn restored(&self, graph: &G, block: &G::Block, state: &mut Self::State) -> Result<()> {
        state.scratch.graph = Some(graph.clone());
        for changes in std::mem::take(&mut state.history) {
            let now = state.scratch.changed.as_ref().unwrap_or(block);
            state.scratch.changed = Some(now.apply(&changes)?.0);
            state.remember(changes);
        }
        let changed = state.scratch.changed.take();
        state.fit(changed.as_ref().unwrap_or(block));
        state.scratch.changed = changed;
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Self::Parcel, P::Global>,
        block: &G::Block,
        state: &mut Self::State,
        mail: Vec<(BlockId, Self::Parcel)>,
    ) -> Result<Vote> {
        let mut changed = state.scratch.changed.take();
        let changes = state.hear(changed.as_ref().unwrap_or(block), mail);
        state.refuse_strangers(!changes.is_empty())?;
        let mut contribution = P::Global::default();
        let mut call = Call {
            superstep: at.number(),
            global: at.global(),
            contribution: &mut contribution,
            stopped: &|| at.stopped(),
            called: 0,
            settled: None,
        };
        let swept = contained(|| {
            let now = changed.as_ref().unwrap_or(block);
            match changes.is_empty() {
                true => self.sweep(&mut call, now, state),
                false => changed = Some(self.change(&mut call, now, state, changes)?),
            }
            Ok(())
        });
        let (called, settled) = (call.called, call.settled);
        let now = changed.as_ref().unwrap_or(block);
        if let Err(panic) = swept.and_then(|result: Result<()>| result) {
            // What the graph says of its changes names the vertex by itself.
            let here = (state.scratch.now < now.slots()).then(|| now.id(slot(state.scratch.now)));
            return Err(match here {
                Some(vertex) if panic.message().starts_with("the program panicked") => {
                    Error::new(Kind::Program, format!("vertex {vertex}: {}", panic.message()))
                }
                _ => panic,
            });
        }
        if let Some((at, reason)) = state.scratch.requests.failure.take() {
            return Err(Error::new(Kind::Program, format!("vertex {}: {reason}", now.id(at))));
        }
        state.refuse_strangers(false)?;
        at.contribute(contribution);
        at.wake(called as u64);
        at.count(settled.unwrap_or(state.spoke.count) as u64);
        state.list(now, state.scratch.owned / DENSE);
        state.speak(now, at)?;
        if settled.is_some() {
            // Within the block it was heard.
            state.spoke.clear();
        }
        let vote = match state.spoke.count + state.stayed.count {
            0 => Vote::Halt,
            _ => Vote::Stay,
        };
        state.scratch.changed = changed;
        Ok(vote)
    }

    fn done(&self, superstep: u64, global: &P::Global) -> bool {
        self.program.done(superstep, global)
    }

    fn finish(&self, block: &G::Block, state: Self::State) -> Result<Self::Output> {
        let block = state.scratch.changed.as_ref().unwrap_or(block);
        let mut out = Vec::with_capacity(state.scratch.owned);
        let mut states = state.states.into_iter();
        let mut next = 0;
        block.each_run(|run, first| {
            if run.start > next {
                states.nth(run.start - next - 1);
            }
            next = run.end;
            out.extend((first.0..).map(VertexId).zip(states.by_ref().take(run.len())));
        });
        Ok(out)
    }
}
