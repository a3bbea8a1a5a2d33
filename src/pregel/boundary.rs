//! What a worker does at the boundary of a superstep beside going on: telling who watches, and
//! saving its share.

use crate::error::Result;
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::pregel::batch::encode;
use crate::pregel::block::BlockProgram;
use crate::pregel::failure::guarded;
use crate::pregel::inbox::Arrived;
use crate::pregel::local::refuse_beyond;
use crate::pregel::run::{Step, Work};
use crate::pregel::share::{LetterOf, Phase, Share};

impl<G: Cut, P: BlockProgram<G>> Share<G, P> {
    /// Tells who watches what came of the superstep.
    pub(super) fn report(&self, arrived: &Arrived<LetterOf<G, P>, P::Global>) {
        let superstep = self.superstep;
        if !self.index.is_multiple_of(self.job.per_process) {
            return;
        }
        if self.index == 0 && tracing::enabled!(tracing::Level::DEBUG) {
            let all = arrived.told().fold(Work::default(), |all, control| Work {
                awake: all.awake + control.work.awake,
                messages: all.messages + control.work.messages,
                bytes: all.bytes + control.work.bytes,
                seconds: all.seconds.max(control.work.seconds),
            });
            let Work { awake, messages, bytes, seconds } = all;
            tracing::debug!(superstep, awake, messages, bytes, seconds, "superstep");
        }
        if let Some(watch) = &self.job.config.watch {
            (watch.0)(&Step { superstep, workers: arrived.told().map(|control| control.work).collect() });
        }
    }

    /// Writes the blocks of this worker, and tells where.
    pub(super) fn save(&mut self) {
        let Self { job, blocks, superstep, index, .. } = self;
        let made = guarded(BlockId(0), || {
            let saving = job.saving.as_mut().expect("there is a checkpoint to write");
            saving.saved();
            let mut part = saving.store.writer(*superstep, *index as u32)?;
            for resident in blocks.iter() {
                let bytes = encode(&(&resident.vote, &resident.mail, &resident.state));
                part.add(resident.id, job.graph.digest(&resident.block)?, &bytes)?;
            }
            part.finish()
        });
        match made {
            Ok(sections) => self.control.saved = sections,
            Err(failure) => self.control.failure = Some(failure),
        }
        self.tell();
        self.phase = Phase::Save;
    }

    /// Makes the checkpoint whole, when every worker has written its part.
    pub(super) fn saved(&mut self) -> Result<()> {
        let arrived = self.inbox.turn();
        if let Some(failure) = arrived.failure() {
            return Err(failure.into_error(self.superstep));
        }
        if self.index == 0 {
            let sections = arrived.told().flat_map(|control| control.saved.iter().copied()).collect();
            let run = (self.global.clone(), self.messages);
            let Self { job, superstep, peers, .. } = self;
            let made = guarded(BlockId(0), || {
                let saving = job.saving.as_mut().expect("there is a checkpoint to write");
                saving.commit(*superstep, *peers, sections, &run)
            });
            // The others hear of a failure in the next round.
            self.control.failure = made.err();
        }
        refuse_beyond(&self.job.config, self.superstep)?;
        self.phase = Phase::Compute(0);
        Ok(())
    }
}
