//! One worker's share of a run.
//!
//! It computes its blocks, addresses the letters, and tells every worker the end of the superstep
//! by one control record that counts the batches sent to it; it goes on when all records and all
//! promised batches are in. Every worker sees every record, so all decide alike, whatever their
//! number. When the supersteps end, blocks hand out what they made, and process 0 says whether
//! all of it was taken.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::{Error, Result};
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::pregel::batch::{Batch, Body, Control, PIECE, decode, encode};
use crate::pregel::block::{BlockProgram, Superstep, Vote, Wire};
use crate::pregel::engine::Job;
use crate::pregel::failure::{Failure, contained, guarded};
use crate::pregel::local::{refuse_beyond, refuse_strangers};
use crate::pregel::placement::{blocks_of, worker_of};
use crate::pregel::run::Report;

/// What one worker sends to blocks on another, or to process 0 in the end.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) enum Letter<P: Wire, O: Wire> {
    Parcel { from: BlockId, to: BlockId, parcel: P },
    Output { block: BlockId, output: O },
}

type Mail<P> = Vec<(BlockId, P)>;

/// Letters, and the worker that each is for.
type Letters<P, O> = Vec<(usize, Letter<P, O>)>;

/// What a worker tells the others at the end of a superstep.
type Told<P, O, Gl> = (Letters<P, O>, Control<Gl>);

/// What travels between the workers of a run.
pub(crate) type Wired<G, P> = Batch<
    Letter<<P as BlockProgram<G>>::Parcel, <P as BlockProgram<G>>::Output>,
    Control<<P as BlockProgram<G>>::Global>,
>;

/// A block on the worker that owns it.
struct Resident<G: Cut, P: BlockProgram<G>> {
    id: BlockId,
    block: G::Block,
    state: P::State,
    vote: Vote,
    mail: Mail<P::Parcel>,
}

/// What has come for one superstep.
struct Arrived<L, Gl> {
    letters: Vec<L>,
    /// Encoded letters from each worker of another process.
    bytes: BTreeMap<u32, Vec<u8>>,
    batches: u64,
    controls: BTreeMap<u32, Control<Gl>>,
}

/// What has come, by superstep: a fast worker may be one ahead.
type Inbox<L, Gl> = BTreeMap<u64, Arrived<L, Gl>>;

impl<L, Gl> Default for Arrived<L, Gl> {
    fn default() -> Self {
        Self { letters: Vec::new(), bytes: BTreeMap::new(), batches: 0, controls: BTreeMap::new() }
    }
}

impl<L, Gl> Arrived<L, Gl> {
    /// The first failure by block, where there was one.
    fn failure(&self) -> Option<Failure> {
        self.controls.values().filter_map(|control| control.failure.clone()).min()
    }
}

/// Where a worker is in its run.
enum Phase {
    /// The blocks of superstep `superstep` are to be computed.
    Compute,
    /// They were; the others' records are awaited.
    Await,
    /// The blocks have handed out what they made; what other processes made is awaited.
    Finish,
    /// Process 0 has all of it; its word is awaited.
    Settle,
}

/// The share of one worker in a run.
pub(crate) struct Share<G: Cut, P: BlockProgram<G>> {
    job: Job<G, P>,
    index: usize,
    peers: usize,
    phase: Phase,
    pub(crate) superstep: u64,
    blocks: Vec<Resident<G, P>>,
    global: P::Global,
    messages: u64,
    pub(crate) outgoing: Vec<Wired<G, P>>,
    arrived: Inbox<Letter<P::Parcel, P::Output>, P::Global>,
}

impl<G: Cut, P: BlockProgram<G>> Share<G, P> {
    pub(crate) fn new(job: Job<G, P>, index: usize, peers: usize) -> Self {
        Self {
            job,
            index,
            peers,
            phase: Phase::Compute,
            superstep: 0,
            blocks: Vec::new(),
            global: P::Global::default(),
            messages: 0,
            outgoing: Vec::new(),
            arrived: BTreeMap::new(),
        }
    }

    /// Takes a batch that came.
    pub(crate) fn receive(&mut self, batch: Wired<G, P>) {
        let arrived = self.arrived.entry(batch.superstep).or_default();
        match batch.body.expect("an empty batch is not sent") {
            Body::Letters(mut letters) => {
                arrived.batches += 1;
                arrived.letters.append(&mut letters);
            }
            Body::LetterBytes(piece) => {
                arrived.batches += 1;
                arrived.bytes.entry(batch.from).or_default().extend_from_slice(&piece);
            }
            Body::Control(control) => {
                arrived.controls.insert(batch.from, control);
            }
            Body::ControlBytes(bytes) => {
                arrived.controls.insert(batch.from, decode(&bytes));
            }
        }
    }

    /// Whether all that was promised for this superstep is in.
    pub(crate) fn ready(&self) -> bool {
        match self.phase {
            Phase::Compute => true,
            Phase::Await | Phase::Finish | Phase::Settle => self.arrived.get(&self.superstep).is_some_and(|arrived| {
                let promised: u64 = arrived.controls.values().map(|control| control.batches).sum();
                arrived.controls.len() == self.peers && arrived.batches == promised
            }),
        }
    }

    /// Does what can be done now; the result of the run when it has ended.
    pub(crate) fn advance(&mut self) -> Option<Result<Report<P::Global>>> {
        if !self.ready() {
            return None;
        }
        match self.phase {
            Phase::Compute => {
                let (letters, control) = self.compute();
                self.tell(letters, control);
                self.phase = Phase::Await;
                None
            }
            Phase::Await => match self.turn() {
                Ok(true) => None,
                Ok(false) => {
                    self.superstep += 1;
                    let (letters, control) = self.finish();
                    self.tell(letters, control);
                    self.phase = Phase::Finish;
                    None
                }
                Err(error) => Some(Err(error)),
            },
            Phase::Finish => match self.hand_over() {
                Ok(()) => None,
                Err(error) => Some(Err(error)),
            },
            Phase::Settle => Some(self.end()),
        }
    }

    /// Computes the blocks of this worker that are awake.
    fn compute(&mut self) -> Told<P::Parcel, P::Output, P::Global> {
        let mut control = Control::default();
        let mut letters = Vec::new();
        let count = self.job.graph.blocks();
        if self.superstep == 0 {
            for id in blocks_of(self.index, count, self.peers) {
                let made = guarded(id, || {
                    let block = self.job.graph.block(id)?;
                    let state = self.job.program.init(&self.job.graph, &block)?;
                    Ok(Resident { id, block, state, vote: Vote::Stay, mail: Vec::new() })
                });
                match made {
                    Ok(resident) => self.blocks.push(resident),
                    Err(failure) => {
                        control.failure = Some(failure);
                        return (letters, control);
                    }
                }
            }
        }
        for resident in &mut self.blocks {
            let mail = std::mem::take(&mut resident.mail);
            if resident.vote == Vote::Halt && mail.is_empty() {
                continue;
            }
            let mut at = Superstep::new(self.superstep, resident.id, &self.global);
            let called = guarded(resident.id, || {
                let vote = self.job.program.compute(&mut at, &resident.block, &mut resident.state, mail)?;
                refuse_strangers(&at.outbox, count).map(|()| vote)
            });
            match called {
                Ok(vote) => resident.vote = vote,
                Err(failure) => {
                    control.failure = Some(failure);
                    return (letters, control);
                }
            }
            control.messages += at.messages;
            control.busy |= resident.vote == Vote::Stay || !at.outbox.is_empty();
            match control.globals.last_mut() {
                Some((_, merged)) if P::Global::ORDER_FREE => merged.combine(at.contribution),
                _ => control.globals.push((resident.id.0, at.contribution)),
            }
            for (to, parcel) in at.outbox {
                let worker = worker_of(to, count, self.peers);
                letters.push((worker, Letter::Parcel { from: resident.id, to, parcel }));
            }
        }
        (letters, control)
    }

    /// Hands out what the blocks have made: here where this is process 0, else to its worker 0.
    fn finish(&mut self) -> Told<P::Parcel, P::Output, P::Global> {
        let mut control = Control::default();
        let mut letters = Vec::new();
        let here = self.index < self.job.per_process;
        for resident in self.blocks.drain(..) {
            let made = guarded(resident.id, || {
                let output = self.job.program.finish(&resident.block, resident.state)?;
                if here { (self.job.emit)(resident.id, output).map(|()| None) } else { Ok(Some(output)) }
            });
            match made {
                Ok(None) => {}
                Ok(Some(output)) => letters.push((0, Letter::Output { block: resident.id, output })),
                Err(failure) => {
                    control.failure = Some(failure);
                    break;
                }
            }
        }
        (letters, control)
    }

    /// Addresses letters and the control record to the workers they are for.
    fn tell(&mut self, letters: Letters<P::Parcel, P::Output>, control: Control<P::Global>) {
        let mut sorted: Vec<Vec<Letter<P::Parcel, P::Output>>> = (0..self.peers).map(|_| Vec::new()).collect();
        for (worker, letter) in letters {
            sorted[worker].push(letter);
        }
        let mine = self.arrived.entry(self.superstep).or_default();
        mine.letters.append(&mut sorted[self.index]);
        for (to, letters) in sorted.into_iter().enumerate().filter(|(to, _)| *to != self.index) {
            let mut control = control.clone();
            let abroad = to / self.job.per_process != self.index / self.job.per_process;
            let bodies: Vec<_> = match abroad {
                _ if letters.is_empty() => Vec::new(),
                false => vec![Body::Letters(letters)],
                true => encode(&letters).chunks(PIECE).map(|piece| Body::LetterBytes(piece.to_vec())).collect(),
            };
            control.batches = bodies.len() as u64;
            let last = if abroad { Body::ControlBytes(encode(&control)) } else { Body::Control(control) };
            self.outgoing.extend(bodies.into_iter().chain([last]).map(|body| Batch {
                to: to as u32,
                from: self.index as u32,
                superstep: self.superstep,
                body: Some(body),
            }));
        }
        let mine = self.arrived.entry(self.superstep).or_default();
        mine.controls.insert(self.index as u32, control);
    }

    /// Closes a superstep: merges the globals, delivers the mail; whether there is another.
    fn turn(&mut self) -> Result<bool> {
        let mut arrived = self.arrived.remove(&self.superstep).expect("the superstep is ready");
        if let Some(failure) = arrived.failure() {
            return Err(failure.into_error(self.superstep));
        }
        let busy = arrived.controls.values().any(|control| control.busy);
        self.messages += arrived.controls.values().map(|control| control.messages).sum::<u64>();
        // Every worker merges and asks the same, so a panic of the program is one of all workers.
        let (global, program, superstep) = (&mut self.global, &self.job.program, self.superstep);
        let done = contained(|| {
            *global = P::Global::default();
            // Blocks lie on workers in order, so by worker is by block.
            for (_, contributed) in arrived.controls.values_mut().flat_map(|control| control.globals.drain(..)) {
                global.combine(contributed);
            }
            program.done(superstep, global)
        });
        let done =
            done.map_err(|panic| Error::new(panic.kind(), format!("superstep {superstep}: {}", panic.message())))?;
        let foreign = arrived.bytes.values().flat_map(|bytes| decode::<Vec<Letter<P::Parcel, P::Output>>>(bytes));
        for letter in arrived.letters.into_iter().chain(foreign) {
            let Letter::Parcel { from, to, parcel } = letter else { continue };
            let first = self.blocks.first().map_or(0, |resident| resident.id.0);
            self.blocks[(to.0 - first) as usize].mail.push((from, parcel));
        }
        for resident in &mut self.blocks {
            resident.mail.sort_by_key(|(from, _)| *from);
        }
        if !busy || done {
            return Ok(false);
        }
        self.superstep += 1;
        refuse_beyond(&self.job.config, self.superstep)?;
        self.phase = Phase::Compute;
        Ok(true)
    }

    /// Takes on process 0 what other processes made, and tells every worker whether that went
    /// well: so all processes end with the same error.
    fn hand_over(&mut self) -> Result<()> {
        let arrived = self.arrived.remove(&self.superstep).expect("the superstep is ready");
        if let Some(failure) = arrived.failure() {
            return Err(failure.into_error(self.superstep));
        }
        let mut control = Control::default();
        let foreign = arrived.bytes.values().flat_map(|bytes| decode::<Vec<Letter<P::Parcel, P::Output>>>(bytes));
        for letter in arrived.letters.into_iter().chain(foreign) {
            if let Letter::Output { block, output } = letter
                && let Err(failure) = guarded(block, || (self.job.emit)(block, output))
            {
                control.failure = Some(failure);
                break;
            }
        }
        self.superstep += 1;
        self.tell(Vec::new(), control);
        self.phase = Phase::Settle;
        Ok(())
    }

    /// The result, when process 0 has all that was made.
    fn end(&mut self) -> Result<Report<P::Global>> {
        let arrived = self.arrived.remove(&self.superstep).expect("the superstep is ready");
        // Handing over took a round of its own, which is no superstep of the program.
        let supersteps = self.superstep - 1;
        match arrived.failure() {
            Some(failure) => Err(failure.into_error(supersteps)),
            None => {
                let global = std::mem::take(&mut self.global);
                Ok(Report { supersteps, messages: self.messages, global, seconds: 0.0 })
            }
        }
    }
}
