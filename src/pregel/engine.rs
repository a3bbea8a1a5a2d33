//! The engine on timely: one operator a worker, whose output is its own input.
//!
//! The operator drives this worker's [share](crate::pregel::share) of the run as far as it goes,
//! and sends what the share has for others. Supersteps are timestamps, and a trip round the loop
//! adds one. What stays on the worker never enters timely.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use timely::dataflow::channels::pact::DistributorPact;
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::frontier::Antichain;
use timely::worker::Worker;

use crate::error::{Error, Kind, Result};
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::pregel::batch::ByAddress;
use crate::pregel::block::BlockProgram;
use crate::pregel::failure::contained;
use crate::pregel::local::refuse_beyond;
use crate::pregel::run::{Config, Report};
use crate::pregel::saving::Saving;
use crate::pregel::share::{Share, Wired};

/// How long a worker sleeps before it looks for lost peers.
const LOOK: Duration = Duration::from_millis(20);

/// Takes what a block has made; called on the workers of process 0, several at once.
pub(crate) type Emit<O> = Arc<dyn Fn(BlockId, O) -> Result<()> + Send + Sync>;

/// A run, as every worker is told of it.
pub(crate) struct Job<G: Cut, P: BlockProgram<G>> {
    pub(crate) graph: G,
    pub(crate) program: P,
    pub(crate) config: Config,
    pub(crate) emit: Emit<P::Output>,
    /// Workers in each process.
    pub(crate) per_process: usize,
    pub(crate) lost: Arc<AtomicBool>,
    /// The first block that has failed in this process, if any: blocks after it need not go on.
    pub(crate) stop: Arc<AtomicU32>,
    pub(crate) saving: Option<Saving>,
}

/// Runs the job's share of this worker; every worker of every process must be told of the same
/// jobs in the same order.
pub(crate) fn run<G: Cut, P: BlockProgram<G>>(worker: &mut Worker, job: Job<G, P>) -> Result<Report<P::Global>> {
    refuse_beyond(&job.config, 0)?;
    let start = Instant::now();
    let dataflow = worker.next_dataflow_index();
    let result = Rc::new(RefCell::new(None));
    let lost = Arc::clone(&job.lost);
    let mut share = Share::new(job, worker.index(), worker.peers());
    let (outcome, spoiled) = (Rc::clone(&result), Arc::clone(&lost));
    worker.dataflow::<u64, _, _>(|scope| {
        let mut builder = OperatorBuilder::new("septa".into(), scope);
        let (mut output, stream) = builder.new_output_connection::<Wired<G, P>, _>([]);
        let around = [(0, Antichain::from_elem(1))];
        let mut input = builder.new_input_connection(stream, DistributorPact(|_| ByAddress), around);
        let activator = scope.activator_for(builder.operator_info().address);
        builder.build(move |mut capabilities| {
            let mut capability: Option<Capability<u64>> = capabilities.pop();
            let mut come = Vec::new();
            move |_frontiers| {
                input.for_each(|_, batch| come.push(std::mem::take(batch)));
                while let Some(now) = &mut capability {
                    // A panic must not unwind through timely. One that was not a block's leaves
                    // this worker without a word for the others, so all are set free.
                    let advanced = contained(|| {
                        come.drain(..).for_each(|batch| share.receive(batch));
                        share.advance()
                    });
                    let advanced = advanced.unwrap_or_else(|panic| {
                        spoiled.store(true, Ordering::Release);
                        Some(Err(panic))
                    });
                    if let Some(ended) = advanced {
                        *outcome.borrow_mut() = Some(ended);
                        capability = None;
                        break;
                    }
                    if !share.outgoing.is_empty() {
                        let round = share.outgoing.last().map_or(0, |batch| batch.round);
                        if *now.time() < round {
                            now.downgrade(&round);
                        }
                        let mut session = output.activate();
                        for mut batch in share.outgoing.drain(..) {
                            session.give(now, &mut batch);
                        }
                    } else if share.ready() && share.is_sliced() {
                        // A look at what came, before the next blocks.
                        activator.activate();
                        break;
                    } else if !share.ready() {
                        break;
                    }
                }
            }
        });
    });
    loop {
        let stepped = step(worker, &lost);
        // Other dataflows on the worker may live on.
        if stepped.is_ok() && result.borrow().is_some() && !worker.installed_dataflows().contains(&dataflow) {
            break;
        }
        if stepped.is_err() {
            // What is left of the dataflow may panic as the queues did; there is nothing to save.
            let _ = contained(|| worker.drop_dataflow(dataflow));
            break;
        }
    }
    let ended = result.borrow_mut().take().unwrap_or_else(|| Err(lost_peer()));
    ended.map(|report| Report { seconds: start.elapsed().as_secs_f64(), ..report })
}

/// Lets a worker go on, or sleep until something comes.
///
/// # Errors
/// A lost process.
pub(crate) fn step(worker: &mut Worker, lost: &AtomicBool) -> Result<()> {
    // Asked before the step, which takes in all that came before the loss.
    let was_lost = lost.load(Ordering::Acquire);
    // The queues of timely panic when a peer was lost.
    if contained(|| worker.step_or_park(Some(LOOK))).is_err() {
        lost.store(true, Ordering::Release);
        return Err(lost_peer());
    }
    if was_lost { Err(lost_peer()) } else { Ok(()) }
}

/// What is said where a run cannot go on without a peer.
pub(crate) fn lost_peer() -> Error {
    Error::new(Kind::Cluster, "a process of the cluster was lost: start all of them again")
}
