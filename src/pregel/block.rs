//! Block programs: what the engine runs.
//!
//! A block program sees one block of a cut thing at a time, keeps a state for it, and speaks to
//! other blocks by parcels that arrive one superstep later (Valiant's bulk-synchronous model, at
//! the grain of blocks). Vertex programs run through an adapter, [`sweep`](crate::pregel::sweep).

use std::fmt::Debug;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::Result;
use crate::graph::topology::Cut;
use crate::id::BlockId;

/// What can cross to another process.
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {}

/// Whether a block or vertex wants the next superstep; mail wakes it in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Vote {
    /// Call me in the next superstep.
    Stay,
    /// Call me only if something comes for me.
    Halt,
}

/// A computation over blocks.
///
/// Laws: the answer depends on the block, the state and the mail alone, and mail is ordered by
/// the block it comes from. The engine keeps the second; the first is the program's, and where it
/// is broken results depend on the workers. `Debug` tells a program and its parameters whole:
/// what was saved of another is refused by it.
pub trait BlockProgram<G: Cut>: Clone + Debug + Send + Sync + 'static {
    /// What is kept for a block between supersteps, on the worker that owns it.
    type State: Wire;
    /// What one block tells another.
    type Parcel: Wire;
    /// What all blocks contribute to and, one superstep later, all see. Its default is neutral.
    type Global: Combine + Default + Clone + Wire;
    /// What a block has made in the end.
    type Output: Wire;

    /// The state of a block before superstep 0.
    ///
    /// # Errors
    /// Any error ends the run on every worker.
    fn init(&self, graph: &G, block: &G::Block) -> Result<Self::State>;

    /// One superstep of a block. Every block is called in superstep 0.
    ///
    /// # Errors
    /// Any error ends the run on every worker.
    fn compute(
        &self,
        at: &mut Superstep<'_, Self::Parcel, Self::Global>,
        block: &G::Block,
        state: &mut Self::State,
        mail: Vec<(BlockId, Self::Parcel)>,
    ) -> Result<Vote>;

    /// Whether to end after `superstep`, told what all blocks contributed in it. It ends by
    /// itself when no block stays and no parcel is under way.
    fn done(&self, superstep: u64, global: &Self::Global) -> bool {
        let _ = (superstep, global);
        false
    }

    /// Makes good in a state that was saved and read again what is not part of its bytes.
    ///
    /// # Errors
    /// Any error ends the run on every worker.
    fn restored(&self, graph: &G, block: &G::Block, state: &mut Self::State) -> Result<()> {
        let _ = (graph, block, state);
        Ok(())
    }

    /// What the block has made, when the run has ended.
    ///
    /// # Errors
    /// Any error is the result of the run.
    fn finish(&self, block: &G::Block, state: Self::State) -> Result<Self::Output>;
}

/// A superstep as one block sees it.
pub struct Superstep<'a, P, Gl> {
    number: u64,
    block: BlockId,
    global: &'a Gl,
    stop: &'a AtomicU32,
    pub(crate) contribution: Gl,
    pub(crate) outbox: Vec<(BlockId, P)>,
    pub(crate) messages: u64,
    pub(crate) awake: u64,
}

impl<'a, P, Gl: Combine + Default> Superstep<'a, P, Gl> {
    pub(crate) fn new(number: u64, block: BlockId, global: &'a Gl, stop: &'a AtomicU32) -> Self {
        Self { number, block, global, stop, contribution: Gl::default(), outbox: Vec::new(), messages: 0, awake: 0 }
    }

    /// The number of the superstep, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The block that is called.
    pub fn block(&self) -> BlockId {
        self.block
    }

    /// What all blocks contributed in the superstep before.
    pub fn global(&self) -> &'a Gl {
        self.global
    }

    /// Whether a block before this one has failed, so that there is no reason to go on: a block
    /// that takes long asks now and then, and returns what it likes. (What fails first is what is
    /// told, so blocks before it go on.)
    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) < self.block.0
    }

    /// Adds to what all blocks see in the next superstep.
    pub fn contribute(&mut self, value: Gl) {
        self.contribution.combine(value);
    }

    /// Sends a parcel to a block, which has it in the next superstep. Several to one block
    /// arrive in the order they were sent.
    pub fn send(&mut self, to: BlockId, parcel: P) {
        self.outbox.push((to, parcel));
    }

    /// Counts `vertices` called, for the statistics of the run.
    pub fn wake(&mut self, vertices: u64) {
        self.awake += vertices;
    }

    /// Counts `messages` said, for the statistics of the run.
    pub fn count(&mut self, messages: u64) {
        self.messages += messages;
    }
}
