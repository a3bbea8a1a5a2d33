//! Runs a vertex program as a block program: each superstep sweeps the slots that are awake.
//!
//! A sweep is *dense*, row by row, where many vertices spoke or stayed, and else *sparse*: those
//! who spoke mark their neighbours, and the marked gather. Either way a vertex merges what its
//! sources said in the order of [`each_source`](Block::each_source), so the bits do not depend on
//! the way, the workers, or the cut. Few awake vertices cost few.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::pregel::vertex::{Vertex, VertexProgram};

/// A superstep is dense where more than one vertex in so many is awake or spoke: there the
/// measured costs of the two ways cross.
const DENSE: usize = 6;

/// A vertex program as a block program. Its output is the state of every vertex of a block, in
/// the order of the slots.
pub struct Sweep<G, P> {
    program: P,
    graph: PhantomData<fn() -> G>,
}

impl<G, P: Clone> Clone for Sweep<G, P> {
    fn clone(&self) -> Self {
        Self::new(self.program.clone())
    }
}

impl<G, P> Sweep<G, P> {
    /// The adapter of a program.
    pub fn new(program: P) -> Self {
        Self { program, graph: PhantomData }
    }
}

/// What vertices at a seam said: every one, or those that were not silent, by their place in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Said<M> {
    /// One value for each vertex of the border.
    Dense(Vec<M>),
    /// The place in the border, and the value.
    Sparse(Vec<(u32, M)>),
}

/// Slots listed up to a limit; beyond it only that they were too many.
struct Listed {
    slots: Vec<u32>,
    limit: usize,
    overflow: bool,
}

impl Listed {
    fn new(limit: usize) -> Self {
        Self { slots: Vec::new(), limit, overflow: false }
    }

    #[inline]
    fn push(&mut self, slot: usize) {
        if self.slots.len() < self.limit {
            self.slots.push(slot as u32);
        } else {
            self.overflow = true;
        }
    }

    fn is_empty(&self) -> bool {
        self.slots.is_empty() && !self.overflow
    }

    fn clear(&mut self) {
        self.slots.clear();
        self.overflow = false;
    }
}

/// What a slot is to a sweep.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    /// Halo or padding.
    Foreign,
    /// Owned, and not to be called as things stand.
    Quiet,
    /// Owned, and to be called.
    Called,
}

/// The state of a block under a vertex program.
pub struct Swept<S, M> {
    /// Over slots; those that are not owned hold a copy that nobody reads.
    states: Vec<S>,
    /// What each slot said in the last superstep, halo included.
    said: Vec<M>,
    /// What each owned slot says in this one.
    saying: Vec<M>,
    spoke: Listed,
    speaking: Listed,
    /// Whether a slot stayed, and the list of those that did.
    stays: Vec<bool>,
    stayed: Listed,
    marks: Vec<Mark>,
    owned: usize,
    heard: Vec<M>,
}

impl<G, P> Sweep<G, P>
where
    G: Topology,
    P: VertexProgram<G>,
{
    fn begin(&self, at: &mut Call<'_, '_, P::Global>, block: &G::Block, swept: &mut Swept<P::State, P::Message>) {
        for run in block.rows().flat_map(|row| block.owned(row)) {
            for slot in run {
                let mut vertex = Vertex::<G, P> {
                    block,
                    slot: Slot(slot as u32),
                    superstep: 0,
                    global: at.global,
                    contribution: at.contribution,
                    said: &mut swept.saying[slot],
                };
                let (state, vote) = self.program.init(&mut vertex);
                if swept.states.is_empty() {
                    swept.states = vec![state.clone(); block.slots()];
                }
                swept.states[slot] = state;
                swept.note(slot, vote);
            }
        }
    }

    #[inline]
    fn call(
        &self,
        at: &mut Call<'_, '_, P::Global>,
        block: &G::Block,
        swept: &mut Swept<P::State, P::Message>,
        slot: usize,
        heard: P::Message,
    ) {
        let mut vertex = Vertex::<G, P> {
            block,
            slot: Slot(slot as u32),
            superstep: at.superstep,
            global: at.global,
            contribution: at.contribution,
            said: &mut swept.saying[slot],
        };
        let vote = self.program.compute(&mut vertex, &mut swept.states[slot], heard);
        swept.note(slot, vote);
    }

    fn dense(&self, at: &mut Call<'_, '_, P::Global>, block: &G::Block, swept: &mut Swept<P::State, P::Message>) {
        let silence = P::Message::default();
        swept.stayed.clear();
        let mut heard = std::mem::take(&mut swept.heard);
        for row in block.rows() {
            let first = row.start;
            heard.clear();
            heard.resize(row.len(), P::Message::default());
            block.gather(row.clone(), &swept.said, &mut heard, |edge, message| self.program.along(edge, message));
            for run in block.owned(row) {
                for slot in run {
                    let heard = std::mem::take(&mut heard[slot - first]);
                    if swept.stays[slot] || heard != silence {
                        self.call(at, block, swept, slot, heard);
                    }
                }
            }
        }
        swept.heard = heard;
    }

    fn sparse(&self, at: &mut Call<'_, '_, P::Global>, block: &G::Block, swept: &mut Swept<P::State, P::Message>) {
        let silence = P::Message::default();
        let mut called = std::mem::take(&mut swept.stayed.slots);
        called.iter().for_each(|slot| swept.marks[*slot as usize] = Mark::Called);
        for slot in &swept.spoke.slots {
            block.each_neighbor(Slot(*slot), |to, _| {
                if swept.marks[to.index()] == Mark::Quiet {
                    swept.marks[to.index()] = Mark::Called;
                    called.push(to.0);
                }
            });
        }
        called.sort_unstable();
        for slot in called.iter().map(|slot| *slot as usize) {
            swept.marks[slot] = Mark::Quiet;
            let mut heard = [P::Message::default()];
            block.gather(slot..slot + 1, &swept.said, &mut heard, |edge, message| self.program.along(edge, message));
            let [heard] = heard;
            if swept.stays[slot] || heard != silence {
                self.call(at, block, swept, slot, heard);
            }
        }
    }

    /// Tells every neighbouring block what the border said, where it said anything.
    fn speak(
        &self,
        at: &mut Superstep<'_, Said<P::Message>, P::Global>,
        block: &G::Block,
        swept: &Swept<P::State, P::Message>,
    ) {
        if swept.spoke.is_empty() {
            return;
        }
        let silence = P::Message::default();
        for seam in block.seams() {
            let said = |slot: &Slot| &swept.said[slot.index()];
            let loud = seam.border.iter().filter(|slot| *said(slot) != silence).count();
            if loud == 0 {
                continue;
            }
            if loud * 3 > seam.border.len() {
                let mut values = Vec::new();
                seam.gather(&swept.said, &mut values);
                at.send(seam.to, Said::Dense(values));
            } else {
                let places = seam.border.iter().enumerate().filter(|(_, slot)| *said(slot) != silence);
                at.send(seam.to, Said::Sparse(places.map(|(k, slot)| (k as u32, said(slot).clone())).collect()));
            }
        }
    }
}

/// What a call needs of the superstep.
struct Call<'a, 'g, Gl> {
    superstep: u64,
    global: &'g Gl,
    contribution: &'a mut Gl,
}

impl<S, M: Default + Clone + PartialEq> Swept<S, M> {
    /// Notes what the slot that was just called said and voted.
    #[inline]
    fn note(&mut self, slot: usize, vote: Vote) {
        if self.saying[slot] != M::default() {
            self.speaking.push(slot);
        }
        let stays = vote == Vote::Stay;
        self.stays[slot] = stays;
        if stays {
            self.stayed.push(slot);
        }
    }

    /// Puts what came over the seams into the halo.
    fn hear<B: Block>(&mut self, block: &B, mail: Vec<(BlockId, Said<M>)>) {
        for (from, said) in mail {
            let seams = block.seams();
            let seam = seams.binary_search_by_key(&from, |seam| seam.to).expect("seams come in pairs");
            let halo = &seams[seam].halo;
            match said {
                Said::Dense(values) => {
                    seams[seam].scatter(&values, &mut self.said);
                    let loud = halo.iter().zip(&values).filter(|(_, value)| **value != M::default());
                    loud.for_each(|(slot, _)| self.spoke.push(slot.index()));
                }
                Said::Sparse(values) => {
                    for (k, value) in values {
                        let slot = halo[k as usize].index();
                        self.said[slot] = value;
                        self.spoke.push(slot);
                    }
                }
            }
        }
    }

    /// Turns what is being said into what was said.
    fn turn(&mut self) {
        if self.spoke.overflow {
            self.said.fill(M::default());
        } else {
            self.spoke.slots.iter().for_each(|slot| self.said[*slot as usize] = M::default());
        }
        self.spoke.clear();
        std::mem::swap(&mut self.said, &mut self.saying);
        std::mem::swap(&mut self.spoke, &mut self.speaking);
    }
}

impl<G, P> BlockProgram<G> for Sweep<G, P>
where
    G: Topology,
    P: VertexProgram<G>,
{
    type State = Swept<P::State, P::Message>;
    type Parcel = Said<P::Message>;
    type Global = P::Global;
    type Output = Vec<(VertexId, P::State)>;

    fn init(&self, _graph: &G, block: &G::Block) -> Result<Self::State> {
        let slots = block.slots();
        let mut marks = vec![Mark::Foreign; slots];
        let mut owned = 0;
        for run in block.rows().flat_map(|row| block.owned(row)) {
            owned += run.len();
            marks[run].fill(Mark::Quiet);
        }
        let limit = owned / DENSE + 1;
        Ok(Swept {
            states: Vec::new(),
            said: vec![P::Message::default(); slots],
            saying: vec![P::Message::default(); slots],
            spoke: Listed::new(limit),
            speaking: Listed::new(limit),
            stays: vec![false; slots],
            stayed: Listed::new(limit),
            marks,
            owned,
            heard: Vec::new(),
        })
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Self::Parcel, P::Global>,
        block: &G::Block,
        state: &mut Self::State,
        mail: Vec<(BlockId, Self::Parcel)>,
    ) -> Result<Vote> {
        state.hear(block, mail);
        let mut contribution = P::Global::default();
        let mut call = Call { superstep: at.number(), global: at.global(), contribution: &mut contribution };
        let awake = state.spoke.slots.len() + state.stayed.slots.len();
        if at.number() == 0 {
            self.begin(&mut call, block, state);
        } else if state.spoke.overflow || state.stayed.overflow || awake * DENSE > state.owned {
            self.dense(&mut call, block, state);
        } else {
            self.sparse(&mut call, block, state);
        }
        at.contribute(contribution);
        state.turn();
        let said = match state.spoke.overflow {
            false => state.spoke.slots.len() as u64,
            true => state.said.iter().filter(|message| **message != P::Message::default()).count() as u64,
        };
        at.count(said);
        self.speak(at, block, state);
        Ok(if state.spoke.is_empty() && state.stayed.is_empty() { Vote::Halt } else { Vote::Stay })
    }

    fn done(&self, superstep: u64, global: &P::Global) -> bool {
        self.program.done(superstep, global)
    }

    fn finish(&self, block: &G::Block, state: Self::State) -> Result<Self::Output> {
        let mut out = Vec::with_capacity(state.owned);
        for run in block.rows().flat_map(|row| block.owned(row)) {
            let vertices = run.clone().map(|slot| block.vertex(Slot(slot as u32)).0);
            out.extend(vertices.zip(state.states[run].iter().cloned()));
        }
        Ok(out)
    }
}
