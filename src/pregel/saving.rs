//! Checkpoints of a run, as the engine writes and reads them.
//!
//! What is kept of a block is its state, its vote and its mail; of the run the global and the
//! messages counted. At the boundary of a superstep nothing else is under way.

use std::any::type_name;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::pregel::batch::encode;
use crate::pregel::block::{BlockProgram, Vote};
use crate::pregel::run::{Config, Every};
use crate::store::checkpoint::Checkpoints;
use crate::store::manifest::Manifest;

/// How many checkpoints are kept.
const KEPT: usize = 2;

/// A block as it is kept: its vote, its mail, its state.
pub(crate) type Kept<S, P> = (Vote, Vec<(BlockId, P)>, S);

/// The checkpoints of a run, on one worker.
#[derive(Clone)]
pub(crate) struct Saving {
    pub(crate) store: Checkpoints,
    every: Every,
    program: String,
    graph: String,
    blocks: u32,
    /// The one to go on from.
    pub(crate) resumed: Option<Arc<Manifest>>,
    last: Instant,
}

impl Saving {
    /// Looks what there is to go on from.
    ///
    /// # Errors
    /// Where that is of another program or graph, or cannot be read.
    pub(crate) fn open<G: Cut, P: BlockProgram<G>>(graph: &G, program: &P, config: &Config) -> Result<Option<Self>> {
        let Some(checkpoint) = &config.checkpoint else { return Ok(None) };
        let store = Checkpoints::new(&checkpoint.folder);
        let (program, graph_is) = (format!("{program:?}"), type_name::<G>().to_string());
        let blocks = graph.blocks();
        let resumed = store.newest()?.map(Arc::new);
        if let Some(manifest) = &resumed {
            let refuse = |what: &str, there: &str, here: &str| {
                let folder = checkpoint.folder.display();
                let words = format!("{folder}: a checkpoint of another {what}: {there}, and this is {here}; remove it");
                Err(Error::new(Kind::Checkpoint, words))
            };
            if manifest.program != program {
                return refuse("program", &manifest.program, &program);
            }
            if manifest.graph != graph_is || manifest.blocks != blocks {
                let there = format!("{} in {} blocks", manifest.graph, manifest.blocks);
                return refuse("graph", &there, &format!("{graph_is} in {blocks} blocks"));
            }
        }
        let every = checkpoint.every;
        Ok(Some(Self { store, every, program, graph: graph_is, blocks, resumed, last: Instant::now() }))
    }

    /// Whether the clock says that it is time; asked by worker 0 alone.
    pub(crate) fn is_late(&self) -> bool {
        matches!(self.every, Every::Seconds(seconds) if self.last.elapsed().as_secs() >= seconds)
    }

    /// Whether to save before `superstep`.
    pub(crate) fn is_due(&self, superstep: u64, late: bool) -> bool {
        match self.every {
            Every::Supersteps(every) => superstep.is_multiple_of(every.max(1)),
            Every::Seconds(_) => late,
        }
    }

    /// Makes the checkpoint before `superstep` whole.
    ///
    /// # Errors
    /// As [`Checkpoints::commit`].
    pub(crate) fn commit<Gl: Serialize>(
        &mut self,
        superstep: u64,
        workers: usize,
        sections: Vec<crate::store::part::Section>,
        run: &(Gl, u64),
    ) -> Result<()> {
        self.store.commit(Manifest {
            superstep,
            program: self.program.clone(),
            graph: self.graph.clone(),
            workers: workers as u32,
            blocks: self.blocks,
            sections,
            global: encode(run),
        })?;
        tracing::info!(superstep, "saved");
        self.store.prune(KEPT)
    }

    /// The clock starts again.
    pub(crate) fn saved(&mut self) {
        self.last = Instant::now();
    }

    /// What was kept of a block, if there is a checkpoint to go on from.
    ///
    /// # Errors
    /// Where it is damaged, or of a block of another graph.
    pub(crate) fn kept<G: Cut, P: BlockProgram<G>>(
        &self,
        graph: &G,
        block: &G::Block,
        id: BlockId,
    ) -> Result<Option<Kept<P::State, P::Parcel>>> {
        let Some(manifest) = &self.resumed else { return Ok(None) };
        let bytes = self.store.read(manifest, id)?;
        let told = manifest.sections.get(id.index()).map(|section| section.digest);
        if told != Some(graph.digest(block)?) {
            let what = format!("{}: a checkpoint of another graph: block {id} differs", self.store.folder().display());
            return Err(Error::new(Kind::Checkpoint, format!("{what}; remove it, or give the graph it is of")));
        }
        let kept = postcard::from_bytes(&bytes).map_err(|cause| {
            let what = format!("{}: block {id} was saved by another build", self.store.folder().display());
            Error::new(Kind::Checkpoint, what).because(cause)
        });
        kept.map(Some)
    }
}
