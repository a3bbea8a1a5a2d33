//! What a run is told and what it tells.

use std::fmt::{self, Debug, Formatter};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::pregel::placement::Placement;

/// How a program is run. In a cluster every process is told the same.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// More supersteps than this are an error, not a silent stop; unlimited by default. With a
    /// checkpoint the run can be taken up where it stood, by running it again with a higher limit.
    pub max_supersteps: Option<u64>,
    /// Where and how often the run is saved; never by default.
    pub checkpoint: Option<Checkpoint>,
    /// Which worker has which block; consecutive blocks together by default.
    pub placement: Placement,
    /// Who is told of each superstep; nobody by default.
    pub watch: Option<Watch>,
}

/// Where and how often a run is saved. A run that finds a whole checkpoint of the same program on
/// the same graph there goes on from it, with as many workers as it likes, to the same bytes; that
/// of another is an error. When a run has ended what it saved stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// A folder that all processes share.
    pub folder: PathBuf,
    /// How often.
    pub every: Every,
}

/// A stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// So many supersteps; none is taken for one.
    Supersteps(u64),
    /// So many seconds, by the clock of process 0, and then to the end of the superstep.
    Seconds(u64),
}

/// Takes what is known of a superstep when it is over; called on one worker of each process.
#[derive(Clone)]
pub struct Watch(pub Arc<dyn Fn(&Step) + Send + Sync>);

impl Watch {
    /// From a function.
    pub fn new(watch: impl Fn(&Step) + Send + Sync + 'static) -> Self {
        Self(Arc::new(watch))
    }
}

impl Debug for Watch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// A superstep that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number, from 0.
    pub superstep: u64,
    /// Each worker's part in it, by number over all processes.
    pub workers: Vec<Work>,
}

/// What one worker did in a superstep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Vertices called, or whatever a block program counts as such.
    pub awake: u64,
    /// Values said, a broadcast counting once.
    pub messages: u64,
    /// Bytes that left for other processes.
    pub bytes: u64,
    /// Seconds spent in the program.
    pub seconds: f64,
}

/// What is known when a run has ended; the same on every process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report<G> {
    /// Supersteps computed, superstep 0 included, and those before a checkpoint that it went on
    /// from.
    pub supersteps: u64,
    /// Values said: a broadcast counts once, and so does a parcel of a block program that counts.
    pub messages: u64,
    /// What the blocks contributed in the last superstep.
    pub global: G,
    /// The superstep at which it went on from a checkpoint.
    pub resumed: Option<u64>,
    /// From the first block read to the last output given.
    pub seconds: f64,
}
