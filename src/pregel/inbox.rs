//! What has come for a worker, by round: a fast worker may be one ahead.

use std::collections::VecDeque;

use serde::de::DeserializeOwned;

use crate::pregel::batch::{Batch, Body, Control, decode};
use crate::pregel::failure::Failure;

/// What has come in one round.
pub(crate) struct Arrived<L, Gl> {
    letters: Vec<L>,
    /// Encoded letters by worker of another process.
    bytes: Vec<Vec<u8>>,
    batches: u64,
    /// The record of each worker, when it is in.
    pub(crate) controls: Vec<Option<Control<Gl>>>,
    missing: usize,
    promised: u64,
}

impl<L, Gl> Arrived<L, Gl> {
    fn new(peers: usize) -> Self {
        let (bytes, controls) = ((0..peers).map(|_| Vec::new()).collect(), (0..peers).map(|_| None).collect());
        Self { letters: Vec::new(), bytes, batches: 0, controls, missing: peers, promised: 0 }
    }

    pub(crate) fn control(&mut self, from: usize, control: Control<Gl>) {
        self.promised += control.batches;
        self.controls[from] = Some(control);
        self.missing -= 1;
    }

    /// Letters that did not leave the worker.
    pub(crate) fn keep(&mut self, letters: Vec<L>) {
        match self.letters.is_empty() {
            true => self.letters = letters,
            false => self.letters.extend(letters),
        }
    }

    /// The records, by worker.
    pub(crate) fn told(&self) -> impl Iterator<Item = &Control<Gl>> {
        self.controls.iter().flatten()
    }

    /// The first failure by block, where there was one.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.told().filter_map(|control| control.failure.clone()).min()
    }
}

impl<L: DeserializeOwned, Gl> Arrived<L, Gl> {
    /// All letters.
    pub(crate) fn letters(&mut self) -> impl Iterator<Item = L> {
        let foreign = self.bytes.iter().filter(|bytes| !bytes.is_empty()).flat_map(|bytes| decode::<Vec<L>>(bytes));
        std::mem::take(&mut self.letters).into_iter().chain(foreign)
    }
}

/// What has come, from the present round on.
pub(crate) struct Inbox<L, Gl> {
    peers: usize,
    round: u64,
    rounds: VecDeque<Arrived<L, Gl>>,
}

impl<L, Gl> Inbox<L, Gl> {
    pub(crate) fn new(peers: usize) -> Self {
        Self { peers, round: 0, rounds: VecDeque::new() }
    }

    /// The number of the present round.
    pub(crate) fn round(&self) -> u64 {
        self.round
    }

    pub(crate) fn of(&mut self, round: u64) -> &mut Arrived<L, Gl> {
        let ahead = (round - self.round) as usize;
        while self.rounds.len() <= ahead {
            self.rounds.push_back(Arrived::new(self.peers));
        }
        &mut self.rounds[ahead]
    }

    /// The present round.
    pub(crate) fn now(&mut self) -> &mut Arrived<L, Gl> {
        self.of(self.round)
    }

    /// Whether all that was promised for the present round is in.
    pub(crate) fn is_whole(&self) -> bool {
        self.rounds.front().is_some_and(|now| now.missing == 0 && now.batches == now.promised)
    }

    /// The first failure by block in the present round, as far as is known.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.rounds.front().and_then(Arrived::failure)
    }

    /// Ends the present round; gives what came in it.
    pub(crate) fn turn(&mut self) -> Arrived<L, Gl> {
        self.round += 1;
        self.rounds.pop_front().unwrap_or_else(|| Arrived::new(self.peers))
    }
}

impl<L, Gl: DeserializeOwned> Inbox<L, Gl> {
    /// Takes a batch that came.
    pub(crate) fn receive(&mut self, batch: Batch<L, Control<Gl>>) {
        let from = batch.from as usize;
        let arrived = self.of(batch.round);
        match batch.body.expect("an empty batch is not sent") {
            Body::Letters(letters) => {
                arrived.batches += 1;
                arrived.keep(letters);
            }
            Body::LetterBytes(piece) => {
                arrived.batches += 1;
                arrived.bytes[from].extend_from_slice(&piece);
            }
            Body::Control(control) => arrived.control(from, control),
            Body::ControlBytes(bytes) => arrived.control(from, decode(&bytes)),
        }
    }
}
