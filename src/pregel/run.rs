//! What a run is told and what it tells.

use serde::{Deserialize, Serialize};

/// How a program is run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// More supersteps than this are an error, not a silent stop; unlimited by default.
    pub max_supersteps: Option<u64>,
}

/// What is known when a run has ended; the same on every process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report<G> {
    /// Supersteps computed, superstep 0 included.
    pub supersteps: u64,
    /// Values said: a broadcast counts once, and so does a parcel of a block program that counts.
    pub messages: u64,
    /// What the blocks contributed in the last superstep.
    pub global: G,
    /// From the first block read to the last output given.
    pub seconds: f64,
}
