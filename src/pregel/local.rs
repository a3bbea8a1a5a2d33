//! The plain engine: one thread, one loop, no timely. The judge of the fast one.

use std::sync::atomic::AtomicU32;
use std::time::Instant;

use crate::combine::Combine;
use crate::error::{Error, Kind, Result};
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::pregel::run::{Config, Report};

/// Runs a program on the calling thread; `emit` takes each block's output, blocks ascending.
///
/// # Errors
/// The first error of the graph, the program or `emit`; too many supersteps.
pub fn run<G: Cut, P: BlockProgram<G>>(
    graph: &G,
    program: &P,
    config: &Config,
    mut emit: impl FnMut(BlockId, P::Output) -> Result<()>,
) -> Result<Report<P::Global>> {
    let start = Instant::now();
    let mut blocks = Vec::new();
    for id in (0..graph.blocks()).map(BlockId) {
        let block = graph.block(id)?;
        let state = program.init(graph, &block)?;
        blocks.push((block, state, Vote::Stay));
    }
    let mut mail: Vec<Vec<(BlockId, P::Parcel)>> = blocks.iter().map(|_| Vec::new()).collect();
    let mut global = P::Global::default();
    let mut messages = 0;
    let never = AtomicU32::new(u32::MAX);
    for superstep in 0.. {
        refuse_beyond(config, superstep)?;
        let mut next: Vec<Vec<(BlockId, P::Parcel)>> = blocks.iter().map(|_| Vec::new()).collect();
        let mut contributed = P::Global::default();
        for (id, ((block, state, vote), mail)) in blocks.iter_mut().zip(mail).enumerate() {
            if *vote == Vote::Halt && mail.is_empty() {
                continue;
            }
            let id = BlockId(id as u32);
            let mut at = Superstep::new(superstep, id, &global, &never);
            *vote = program.compute(&mut at, block, state, mail)?;
            refuse_strangers(&at.outbox, graph.blocks())?;
            messages += at.messages;
            contributed.combine(at.contribution);
            for (to, parcel) in at.outbox {
                next[to.index()].push((id, parcel));
            }
        }
        global = contributed;
        mail = next;
        let quiet = mail.iter().all(Vec::is_empty) && blocks.iter().all(|(_, _, vote)| *vote == Vote::Halt);
        if quiet || program.done(superstep, &global) {
            for (id, (block, state, _)) in blocks.into_iter().enumerate() {
                emit(BlockId(id as u32), program.finish(&block, state)?)?;
            }
            let seconds = start.elapsed().as_secs_f64();
            return Ok(Report { supersteps: superstep + 1, messages, global, resumed: None, seconds });
        }
    }
    unreachable!("the supersteps do not end by themselves")
}

/// Refuses superstep number `superstep` where the configuration does not allow as many.
///
/// # Errors
/// Where it does not.
pub(crate) fn refuse_beyond(config: &Config, superstep: u64) -> Result<()> {
    match config.max_supersteps {
        Some(limit) if superstep >= limit => {
            let message = format!("not finished after {limit} supersteps: allow more, or see why it does not settle");
            Err(Error::new(Kind::Program, message))
        }
        _ => Ok(()),
    }
}

/// Refuses parcels for blocks that are not there.
///
/// # Errors
/// Where there is one.
pub(crate) fn refuse_strangers<P>(outbox: &[(BlockId, P)], blocks: u32) -> Result<()> {
    match outbox.iter().find(|(to, _)| to.0 >= blocks) {
        Some((to, _)) => {
            let message = format!("a parcel for block {to}, but the blocks are 0..{blocks}");
            Err(Error::new(Kind::Program, message))
        }
        None => Ok(()),
    }
}
