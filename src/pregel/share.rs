//! One worker's share of a run.
//!
//! It computes its blocks, addresses the letters, and tells every worker the end of the round by
//! one control record that counts the batches sent to it; it goes on when all records and all
//! promised batches are in. Every worker sees every record, so all decide alike, whatever their
//! number. A superstep is one round, and one more where it is followed by a checkpoint. When the
//! supersteps end, blocks hand out what they made, and process 0 says whether all of it was taken.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::{Error, Kind, Result};
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::pregel::batch::{Batch, Body, Control, PIECE, encode};
use crate::pregel::block::{BlockProgram, Superstep, Vote, Wire};
use crate::pregel::engine::Job;
use crate::pregel::failure::{Failure, contained, guarded};
use crate::pregel::inbox::Inbox;
use crate::pregel::local::{refuse_beyond, refuse_strangers};
use crate::pregel::run::Report;

/// A worker that computes longer than this looks whether another has failed.
const SLICE: Duration = Duration::from_millis(20);

/// What one worker sends to blocks on another, or to process 0 in the end.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) enum Letter<P: Wire, O: Wire> {
    Parcel { from: BlockId, to: BlockId, parcel: P },
    Output { block: BlockId, output: O },
}

/// The letters of a program.
pub(super) type LetterOf<G, P> = Letter<<P as BlockProgram<G>>::Parcel, <P as BlockProgram<G>>::Output>;

/// Letters, by the worker they are for.
pub(super) type Letters<G, P> = Vec<Vec<LetterOf<G, P>>>;

/// Bodies of batches for one worker.
type Bodies<G, P> = Vec<Body<LetterOf<G, P>, Control<<P as BlockProgram<G>>::Global>>>;

/// What travels between the workers of a run.
pub(crate) type Wired<G, P> = Batch<LetterOf<G, P>, Control<<P as BlockProgram<G>>::Global>>;

/// A block on the worker that owns it.
pub(super) struct Resident<G: Cut, P: BlockProgram<G>> {
    pub(super) id: BlockId,
    pub(super) block: G::Block,
    pub(super) state: P::State,
    pub(super) vote: Vote,
    pub(super) mail: Vec<(BlockId, P::Parcel)>,
}

/// Where a worker is in its run.
pub(super) enum Phase {
    /// The blocks are to be computed, from this one on.
    Compute(usize),
    /// They were; the others' records are awaited.
    Await,
    /// The blocks were saved; the others' records are awaited.
    Save,
    /// The blocks have handed out what they made; what other processes made is awaited.
    Finish,
    /// Process 0 has all of it; its word is awaited.
    Settle,
}

/// The share of one worker in a run.
pub(crate) struct Share<G: Cut, P: BlockProgram<G>> {
    pub(super) job: Job<G, P>,
    pub(super) index: usize,
    pub(super) peers: usize,
    pub(super) phase: Phase,
    pub(super) superstep: u64,
    /// The worker of each block.
    pub(super) worker_of: Vec<u32>,
    /// Where the blocks of this worker are in `blocks`.
    pub(super) place_of: Vec<u32>,
    pub(super) blocks: Vec<Resident<G, P>>,
    pub(super) global: P::Global,
    pub(super) messages: u64,
    /// What is made of the superstep so far.
    pub(super) letters: Letters<G, P>,
    pub(super) control: Control<P::Global>,
    pub(crate) outgoing: Vec<Wired<G, P>>,
    pub(super) inbox: Inbox<LetterOf<G, P>, P::Global>,
}

impl<G: Cut, P: BlockProgram<G>> Share<G, P> {
    pub(crate) fn new(job: Job<G, P>, index: usize, peers: usize) -> Self {
        let count = job.graph.blocks();
        let mut share = Self {
            worker_of: job.config.placement.workers(count, peers),
            place_of: vec![u32::MAX; count as usize],
            job,
            index,
            peers,
            phase: Phase::Compute(0),
            superstep: 0,
            blocks: Vec::new(),
            global: P::Global::default(),
            messages: 0,
            letters: (0..peers).map(|_| Vec::new()).collect(),
            control: Control::default(),
            outgoing: Vec::new(),
            inbox: Inbox::new(peers),
        };
        if let Err(failure) = guarded(BlockId(0), || share.resume()) {
            share.control.failure = Some(failure);
        }
        share
    }

    /// The global and the place in the run of the checkpoint to go on from, if there is one.
    fn resume(&mut self) -> Result<()> {
        let Some(manifest) = self.job.saving.as_ref().and_then(|saving| saving.resumed.clone()) else { return Ok(()) };
        let run = postcard::from_bytes(&manifest.global).map_err(|cause| {
            let what = format!("the global of superstep {} was saved by another build", manifest.superstep);
            Error::new(Kind::Checkpoint, what).because(cause)
        });
        (self.global, self.messages) = run?;
        self.superstep = manifest.superstep;
        Ok(())
    }

    /// Takes a batch that came.
    pub(crate) fn receive(&mut self, batch: Wired<G, P>) {
        self.inbox.receive(batch);
    }

    /// The round that is under way, for timely.
    pub(crate) fn round(&self) -> u64 {
        self.inbox.round()
    }

    /// Whether there is something to do without another word from anyone.
    pub(crate) fn ready(&self) -> bool {
        matches!(self.phase, Phase::Compute(_)) || self.inbox.is_whole()
    }

    /// Whether it is in the midst of its blocks.
    pub(crate) fn is_sliced(&self) -> bool {
        matches!(self.phase, Phase::Compute(next) if next > 0)
    }

    /// Does what can be done now, for a while; the result of the run when it has ended.
    pub(crate) fn advance(&mut self) -> Option<Result<Report<P::Global>>> {
        if !self.ready() {
            return None;
        }
        let step = match self.phase {
            Phase::Compute(next) => {
                self.phase = match self.compute(next) {
                    Some(next) => Phase::Compute(next),
                    None => {
                        self.tell();
                        Phase::Await
                    }
                };
                Ok(())
            }
            Phase::Await => self.turn(),
            Phase::Save => self.saved(),
            Phase::Finish => self.hand_over(),
            Phase::Settle => return Some(self.end()),
        };
        step.err().map(Err)
    }

    /// Reads the blocks of this worker, or what was saved of them.
    fn settle_in(&mut self) -> Result<(), Failure> {
        for id in (0..self.worker_of.len() as u32).map(BlockId) {
            if self.worker_of[id.index()] != self.index as u32 {
                continue;
            }
            if self.job.stop.load(Ordering::Relaxed) < id.0 {
                break;
            }
            let Job { graph, program, saving, .. } = &self.job;
            let resident = guarded(id, || {
                let block = graph.block(id)?;
                let kept = saving.as_ref().map(|saving| saving.kept::<G, P>(graph, &block, id)).transpose()?.flatten();
                let (vote, mail, state) = match kept {
                    Some((vote, mail, mut state)) => {
                        program.restored(graph, &block, &mut state)?;
                        (vote, mail, state)
                    }
                    None => (Vote::Stay, Vec::new(), program.init(graph, &block)?),
                };
                Ok(Resident { id, block, state, vote, mail })
            })?;
            self.place_of[id.index()] = self.blocks.len() as u32;
            self.blocks.push(resident);
        }
        Ok(())
    }

    /// Computes the blocks of this worker that are awake, from `next` on; where to go on after a
    /// look at the others, or nothing if they are done.
    fn compute(&mut self, mut next: usize) -> Option<usize> {
        let start = Instant::now();
        // Of other processes.
        if let Some(failure) = self.inbox.failure() {
            self.job.stop.fetch_min(failure.block().0, Ordering::Relaxed);
        }
        if self.round() == 0 && next == 0 && self.control.failure.is_none() {
            self.control.failure = self.settle_in().err();
        }
        while next < self.blocks.len() {
            // What is told is the first failure by block, so blocks before one that failed go on.
            if self.control.failure.is_some() || self.job.stop.load(Ordering::Relaxed) < self.blocks[next].id.0 {
                break;
            }
            if start.elapsed() > SLICE && next > 0 && self.peers > 1 {
                self.control.work.seconds += start.elapsed().as_secs_f64();
                return Some(next);
            }
            self.control.failure = self.call(next).err();
            next += 1;
        }
        if let Some(failure) = &self.control.failure {
            self.job.stop.fetch_min(failure.block().0, Ordering::Relaxed);
        }
        self.control.save = self.index == 0 && self.job.saving.as_ref().is_some_and(|saving| saving.is_late());
        self.control.work.seconds += start.elapsed().as_secs_f64();
        None
    }

    /// One superstep of a block, if it is awake.
    #[inline]
    fn call(&mut self, place: usize) -> Result<(), Failure> {
        let Self { job, blocks, worker_of, global, letters, control, superstep, .. } = self;
        let resident = &mut blocks[place];
        let mail = std::mem::take(&mut resident.mail);
        if resident.vote == Vote::Halt && mail.is_empty() {
            return Ok(());
        }
        let mut at = Superstep::new(*superstep, resident.id, global, &job.stop);
        resident.vote = guarded(resident.id, || {
            let vote = job.program.compute(&mut at, &resident.block, &mut resident.state, mail)?;
            refuse_strangers(&at.outbox, worker_of.len() as u32).map(|()| vote)
        })?;
        control.work.messages += at.messages;
        control.work.awake += at.awake;
        control.busy |= resident.vote == Vote::Stay || !at.outbox.is_empty();
        match control.globals.last_mut() {
            Some((_, merged)) if P::Global::ORDER_FREE => merged.combine(at.contribution),
            _ => control.globals.push((resident.id.0, at.contribution)),
        }
        for (to, parcel) in at.outbox {
            letters[worker_of[to.index()] as usize].push(Letter::Parcel { from: resident.id, to, parcel });
        }
        Ok(())
    }

    /// Addresses what was made of the round to the workers it is for.
    pub(super) fn tell(&mut self) {
        let mut control = std::mem::take(&mut self.control);
        control.superstep = self.superstep;
        let (round, index, here) = (self.round(), self.index, self.index / self.job.per_process);
        let mut bodies: Vec<Bodies<G, P>> = Vec::with_capacity(self.peers);
        for (to, letters) in self.letters.iter_mut().enumerate() {
            let letters = std::mem::take(letters);
            bodies.push(match to / self.job.per_process == here {
                _ if letters.is_empty() => Vec::new(),
                true if to == index => {
                    self.inbox.now().keep(letters);
                    Vec::new()
                }
                true => vec![Body::Letters(letters)],
                false => {
                    let bytes = encode(&letters);
                    control.work.bytes += bytes.len() as u64;
                    bytes.chunks(PIECE).map(|piece| Body::LetterBytes(piece.to_vec())).collect()
                }
            });
        }
        for (to, bodies) in bodies.into_iter().enumerate().filter(|(to, _)| *to != index) {
            let control = Control { batches: bodies.len() as u64, ..control.clone() };
            let last = match to / self.job.per_process == here {
                true => Body::Control(control),
                false => Body::ControlBytes(encode(&control)),
            };
            let batch = |body| Batch { to: to as u32, from: index as u32, round, body: Some(body) };
            self.outgoing.extend(bodies.into_iter().chain([last]).map(batch));
        }
        control.batches = 0;
        self.inbox.now().control(index, control);
    }

    /// Closes a superstep: merges the globals, delivers the mail, and goes on.
    fn turn(&mut self) -> Result<()> {
        let mut arrived = self.inbox.turn();
        if let Some(failure) = arrived.failure() {
            return Err(failure.into_error(self.superstep));
        }
        if arrived.told().any(|control| control.superstep != self.superstep) {
            let what = "the processes do not go on from the same checkpoint: give all of them the same shared folder";
            return Err(Error::new(Kind::Checkpoint, what));
        }
        self.report(&arrived);
        let busy = arrived.told().any(|control| control.busy);
        let late = arrived.told().any(|control| control.save);
        self.messages += arrived.told().map(|control| control.work.messages).sum::<u64>();
        let mut globals: Vec<(u32, P::Global)> = Vec::new();
        arrived.controls.iter_mut().flatten().for_each(|control| globals.append(&mut control.globals));
        if !P::Global::ORDER_FREE {
            globals.sort_by_key(|(block, _)| *block);
        }
        // Every worker merges and asks the same, so a panic of the program is one of all workers.
        let (global, program, superstep) = (&mut self.global, &self.job.program, self.superstep);
        let done = contained(|| {
            *global = P::Global::default();
            globals.into_iter().for_each(|(_, contributed)| global.combine(contributed));
            program.done(superstep, global)
        });
        let done =
            done.map_err(|panic| Error::new(panic.kind(), format!("superstep {superstep}: {}", panic.message())))?;
        for letter in arrived.letters() {
            if let Letter::Parcel { from, to, parcel } = letter {
                self.blocks[self.place_of[to.index()] as usize].mail.push((from, parcel));
            }
        }
        for resident in self.blocks.iter_mut().filter(|resident| resident.mail.len() > 1) {
            resident.mail.sort_by_key(|(from, _)| *from);
        }
        self.superstep += 1;
        if !busy || done {
            self.finish();
            return Ok(());
        }
        let over = refuse_beyond(&self.job.config, self.superstep);
        match &self.job.saving {
            Some(saving) if saving.is_due(self.superstep, late) || over.is_err() => {
                self.save();
                Ok(())
            }
            _ => {
                self.phase = Phase::Compute(0);
                over
            }
        }
    }

    /// Hands out what the blocks have made: here where this is process 0, else to its worker 0.
    fn finish(&mut self) {
        let here = self.index < self.job.per_process;
        for resident in std::mem::take(&mut self.blocks) {
            let made = guarded(resident.id, || {
                let output = self.job.program.finish(&resident.block, resident.state)?;
                if here { (self.job.emit)(resident.id, output).map(|()| None) } else { Ok(Some(output)) }
            });
            match made {
                Ok(None) => {}
                Ok(Some(output)) => self.letters[0].push(Letter::Output { block: resident.id, output }),
                Err(failure) => {
                    self.control.failure = Some(failure);
                    break;
                }
            }
        }
        self.tell();
        self.phase = Phase::Finish;
    }

    /// Takes on process 0 what other processes made, and tells every worker whether that went
    /// well: so all processes end with the same error.
    fn hand_over(&mut self) -> Result<()> {
        let mut arrived = self.inbox.turn();
        if let Some(failure) = arrived.failure() {
            return Err(failure.into_error(self.superstep));
        }
        for letter in arrived.letters() {
            if let Letter::Output { block, output } = letter
                && let Err(failure) = guarded(block, || (self.job.emit)(block, output))
            {
                self.control.failure = Some(failure);
                break;
            }
        }
        self.tell();
        self.phase = Phase::Settle;
        Ok(())
    }

    /// The result, when process 0 has all that was made.
    fn end(&mut self) -> Result<Report<P::Global>> {
        if let Some(failure) = self.inbox.turn().failure() {
            return Err(failure.into_error(self.superstep));
        }
        let resumed = self.job.saving.as_ref().and_then(|saving| saving.resumed.as_ref());
        Ok(Report {
            supersteps: self.superstep,
            messages: self.messages,
            global: std::mem::take(&mut self.global),
            resumed: resumed.map(|manifest| manifest.superstep),
            seconds: 0.0,
        })
    }
}
