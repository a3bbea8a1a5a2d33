//! What travels through timely: batches of letters, and one control record a round.
//!
//! Between threads of a process a batch is moved as it is. To another process it goes as bytes,
//! encoded by the engine, and never more than 256 KiB at a time: timely's slabs keep the size of
//! the largest message they ever held.

use std::io::Write;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use timely::Accountable;
use timely::bytes::arc::Bytes;
use timely::communication::Push;
use timely::dataflow::channels::pushers::exchange::Distributor;
use timely::dataflow::channels::{ContainerBytes, Message};
use timely::progress::Stamp;

use crate::pregel::failure::Failure;
use crate::pregel::run::Work;
use crate::store::part::Section;

/// The largest piece that is handed to the network.
pub(crate) const PIECE: usize = 256 << 10;

/// What a batch holds.
pub(crate) enum Body<L, C> {
    /// Letters for blocks of a worker in this process.
    Letters(Vec<L>),
    /// The end of a superstep, to a worker in this process.
    Control(C),
    /// A piece of encoded letters, for another process. Pieces arrive in order.
    LetterBytes(Vec<u8>),
    /// The encoded end of a superstep, for another process.
    ControlBytes(Vec<u8>),
}

/// A message of one worker to another.
pub(crate) struct Batch<L, C> {
    pub(crate) to: u32,
    pub(crate) from: u32,
    pub(crate) round: u64,
    pub(crate) body: Option<Body<L, C>>,
}

impl<L, C> Default for Batch<L, C> {
    fn default() -> Self {
        Self { to: 0, from: 0, round: 0, body: None }
    }
}

impl<L, C> Accountable for Batch<L, C> {
    fn record_count(&self) -> i64 {
        i64::from(self.body.is_some())
    }
}

impl<L, C> Batch<L, C> {
    fn payload(&self) -> (u8, &[u8]) {
        match &self.body {
            Some(Body::LetterBytes(bytes)) => (0, bytes),
            Some(Body::ControlBytes(bytes)) => (1, bytes),
            Some(_) => unreachable!("what leaves the process was encoded by the engine"),
            None => (2, &[]),
        }
    }
}

/// Bytes before the payload: to, from, round, kind, length.
const HEAD: usize = 32;

impl<L, C> ContainerBytes for Batch<L, C> {
    fn from_bytes(bytes: Bytes) -> Self {
        let word = |at: usize, len: usize| {
            let mut word = [0; 8];
            word[..len].copy_from_slice(&bytes[at..at + len]);
            u64::from_le_bytes(word)
        };
        let payload = || bytes[HEAD..HEAD + word(24, 8) as usize].to_vec();
        let body = match word(16, 8) {
            0 => Some(Body::LetterBytes(payload())),
            1 => Some(Body::ControlBytes(payload())),
            _ => None,
        };
        Self { to: word(0, 4) as u32, from: word(4, 4) as u32, round: word(8, 8), body }
    }

    fn length_in_bytes(&self) -> usize {
        HEAD + self.payload().1.len().next_multiple_of(8)
    }

    fn into_bytes<W: Write>(&self, writer: &mut W) {
        let (kind, payload) = self.payload();
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&self.to.to_le_bytes());
        head[4..8].copy_from_slice(&self.from.to_le_bytes());
        head[8..16].copy_from_slice(&self.round.to_le_bytes());
        head[16..24].copy_from_slice(&u64::from(kind).to_le_bytes());
        head[24..32].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        let slop = payload.len().next_multiple_of(8) - payload.len();
        let written = writer
            .write_all(&head)
            .and_then(|()| writer.write_all(payload))
            .and_then(|()| writer.write_all(&[0; 8][..slop]));
        written.expect("timely gives as much room as was asked for");
    }
}

/// Gives each batch to the worker that it names.
pub(crate) struct ByAddress;

impl<L, C> Distributor<Batch<L, C>> for ByAddress {
    fn partition<T: Clone, P: Push<Message<T, Batch<L, C>>>>(
        &mut self,
        batch: &mut Batch<L, C>,
        stamp: &Stamp<T>,
        pushers: &mut [P],
    ) {
        let to = batch.to as usize;
        Message::push_at(batch, stamp.clone(), &mut pushers[to]);
    }

    fn flush<T: Clone, P: Push<Message<T, Batch<L, C>>>>(&mut self, _stamp: &Stamp<T>, _pushers: &mut [P]) {}
}

/// The end of a round: what each worker tells each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Control<Gl> {
    /// Batches of letters that were sent to this receiver in this round.
    pub(crate) batches: u64,
    /// The superstep that the worker is in.
    pub(crate) superstep: u64,
    /// Whether a block stays, or a parcel is under way.
    pub(crate) busy: bool,
    /// Whether it is time to save, by the clock of worker 0.
    pub(crate) save: bool,
    /// What the blocks contributed: one value, or one a block where order matters.
    pub(crate) globals: Vec<(u32, Gl)>,
    pub(crate) work: Work,
    /// Where blocks were saved.
    pub(crate) saved: Vec<Section>,
    /// Why the run must end here.
    pub(crate) failure: Option<Failure>,
}

impl<Gl> Default for Control<Gl> {
    /// Nothing sent, nothing left to do.
    fn default() -> Self {
        Self {
            batches: 0,
            superstep: 0,
            busy: false,
            save: false,
            globals: Vec::new(),
            work: Work::default(),
            saved: Vec::new(),
            failure: None,
        }
    }
}

/// Bytes of a value, for another process.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("messages are plain data")
}

/// The value of such bytes.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    postcard::from_bytes(bytes).expect("both ends of a connection run the same program")
}
