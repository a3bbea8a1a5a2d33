//! Workers that are kept: threads of this process, joined with other processes, that run one
//! program after another.
//!
//! In a cluster every process makes the same calls in the same order; each then has the report,
//! and process 0 what the blocks made.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use timely::WorkerConfig;
use timely::communication::allocator::AllocatorBuilder;
use timely::communication::allocator::ProcessBuilder;
use timely::communication::allocator::zero_copy::initialize::initialize_networking_from_sockets;
use timely::communication::{Hooks, WorkerGuards};
use timely::execute::execute_from;
use timely::worker::Worker;

use crate::error::{Error, Kind, Result};
use crate::graph::topology::{Cut, Topology};
use crate::id::{BlockId, VertexId};
use crate::pregel::block::BlockProgram;
use crate::pregel::engine::{self, Job};
use crate::pregel::failure::contained;
use crate::pregel::network::{PATIENCE, connect};
use crate::pregel::run::{Config, Report};
use crate::pregel::saving::Saving;
use crate::pregel::sweep::Sweep;
use crate::pregel::vertex::VertexProgram;
use crate::workers::Workers;

type Task = Box<dyn FnOnce(&mut Worker) + Send>;

/// Workers ready to run programs. Dropping it ends them.
pub struct Runtime {
    workers: Workers,
    tasks: Vec<Sender<Task>>,
    threads: Option<WorkerGuards<()>>,
    /// A connection has ended, in good order or not.
    lost: Arc<AtomicBool>,
    /// A run was given up.
    broken: AtomicBool,
    /// This process ends by itself.
    failed: AtomicBool,
}

/// How long a process that ends by itself waits until what it sent is on its way.
const GRACE: Duration = Duration::from_millis(300);

impl Runtime {
    /// Starts the workers of this process and joins the other processes, if there are any.
    ///
    /// # Errors
    /// Where a peer cannot be reached within a minute, or the machine refuses threads.
    pub fn start(workers: &Workers) -> Result<Self> {
        let lost = Arc::new(AtomicBool::new(false));
        let failure = |what: String| Error::new(Kind::Cluster, what);
        let threads = workers.per_process();
        let (builders, others): (Vec<AllocatorBuilder>, Box<dyn std::any::Any + Send>) = match workers.processes() {
            1 => timely::CommunicationConfig::Process(threads).try_build().map_err(failure)?,
            _ => {
                let sockets = connect(workers, &lost, PATIENCE)?;
                let hooks = Hooks::default();
                let process = ProcessBuilder::new_typed_vector(threads, hooks.refill.clone(), hooks.spill.clone());
                let joined = initialize_networking_from_sockets(process, sockets, workers.process(), threads, hooks);
                let (builders, guard) = joined.map_err(|cause| failure(format!("cannot use the sockets: {cause}")))?;
                (builders.into_iter().map(AllocatorBuilder::Tcp).collect(), Box::new(guard))
            }
        };
        let (tasks, queues): (Vec<Sender<Task>>, Vec<Receiver<Task>>) = (0..threads).map(|_| channel()).unzip();
        let queues: Mutex<Vec<Option<Receiver<Task>>>> = Mutex::new(queues.into_iter().map(Some).collect());
        let threads = execute_from(builders, others, WorkerConfig::default(), move |worker| {
            let mine = worker.index() % threads;
            let queue = queues.lock().unwrap_or_else(PoisonError::into_inner)[mine].take();
            // Each worker takes its own queue, which is there.
            queue.into_iter().flatten().for_each(|task| task(worker));
        })
        .map_err(failure)?;
        Ok(Self {
            workers: workers.clone(),
            tasks,
            threads: Some(threads),
            lost,
            broken: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        })
    }

    /// Says that this process ends with an error that the others may know nothing of. Dropping this then waits
    /// for nobody, and those who wait for this process learn by its end that they have lost it.
    pub fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// The workers.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Does something on every worker of this process, and waits for them: what each made, in order.
    ///
    /// # Errors
    /// Where a worker has ended.
    pub(crate) fn on_workers<R: Send + 'static>(
        &self,
        work: impl Fn(&mut Worker, usize) -> R + Send + Sync + 'static,
    ) -> Result<Vec<R>> {
        let (work, (done, results)) = (Arc::new(work), channel());
        let ended = || Error::new(Kind::Cluster, "a worker of this process has ended");
        for (place, task) in self.tasks.iter().enumerate() {
            let (work, done) = (Arc::clone(&work), done.clone());
            let sent = task.send(Box::new(move |worker| {
                let made = work(worker, place);
                // Nobody shares what the work held once all have answered.
                drop(work);
                // The receiver is gone only where another worker has failed.
                let _ = done.send((place, made));
            }));
            sent.map_err(|_| ended())?;
        }
        drop(done);
        let mut made: Vec<(usize, R)> = results.iter().collect();
        made.sort_by_key(|(place, _)| *place);
        match made.len() == self.tasks.len() {
            true => Ok(made.into_iter().map(|(_, made)| made).collect()),
            false => Err(ended()),
        }
    }

    /// Does something on every worker of this process that the others do as well, and waits for them.
    ///
    /// # Errors
    /// The first error of a worker; a lost process.
    pub(crate) fn together<R: Send + 'static>(
        &self,
        work: impl Fn(&mut Worker, usize, &AtomicBool) -> Result<R> + Send + Sync + 'static,
    ) -> Result<Vec<R>> {
        let lost = Arc::clone(&self.lost);
        let made = self.on_workers(move |worker, place| work(worker, place, &lost));
        let made: Result<Vec<R>> = made.and_then(|made| made.into_iter().collect());
        self.note(made.as_ref().err());
        made
    }

    /// Notes that a run was given up, if it was for a lost process.
    fn note(&self, error: Option<&Error>) -> bool {
        let let_down = error.is_some_and(|error| error.kind() == Kind::Cluster);
        if let_down {
            self.broken.store(true, Ordering::Release);
        }
        let_down
    }

    /// Does pieces of work on the workers of this process, each on the next that is free: what came
    /// of them, in their order.
    ///
    /// # Errors
    /// The first error or panic among them; where a worker has ended.
    pub(crate) fn spread<J, R>(
        &self,
        jobs: Vec<J>,
        work: impl Fn(&J) -> Result<R> + Send + Sync + 'static,
    ) -> Result<Vec<R>>
    where
        J: Send + Sync + 'static,
        R: Send + 'static,
    {
        let next = AtomicUsize::new(0);
        let made = self.on_workers(move |_, _| {
            let mut made = Vec::new();
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                match jobs.get(place) {
                    // What panics is an error of its piece, and the worker lives on.
                    Some(job) => made.push((place, contained(|| work(job)).and_then(|made| made))),
                    None => return made,
                }
            }
        })?;
        let mut made: Vec<(usize, Result<R>)> = made.into_iter().flatten().collect();
        made.sort_by_key(|(place, _)| *place);
        made.into_iter().map(|(_, made)| made).collect()
    }

    /// Runs a block program. `emit` takes what each block has made, on the workers of process 0,
    /// several at once and in any order.
    ///
    /// # Errors
    /// The first error of the graph, the program or `emit`, by block; too many supersteps; a lost
    /// process. Every process has the same error.
    pub fn run<G, P, E>(&self, graph: &G, program: &P, config: &Config, emit: E) -> Result<Report<P::Global>>
    where
        G: Cut,
        P: BlockProgram<G>,
        E: Fn(BlockId, P::Output) -> Result<()> + Send + Sync + 'static,
    {
        if self.lost.load(Ordering::Acquire) {
            return Err(engine::lost_peer());
        }
        let saving = Saving::open(graph, program, config)?;
        let emit: engine::Emit<P::Output> = Arc::new(emit);
        let (done, results) = channel();
        let stop = Arc::new(AtomicU32::new(u32::MAX));
        for task in &self.tasks {
            let job = Job {
                graph: graph.clone(),
                program: program.clone(),
                config: config.clone(),
                emit: Arc::clone(&emit),
                per_process: self.workers.per_process(),
                lost: Arc::clone(&self.lost),
                stop: Arc::clone(&stop),
                saving: saving.clone(),
            };
            let done = done.clone();
            let sent = task.send(Box::new(move |worker| {
                // The receiver is gone only where another worker has failed.
                let _ = done.send(engine::run(worker, job));
            }));
            sent.map_err(|_| Error::new(Kind::Cluster, "a worker of this process has ended"))?;
        }
        drop((done, emit));
        let mut report = None;
        for _ in &self.tasks {
            let ended = results.recv().unwrap_or_else(|_| Err(engine::lost_peer()));
            let let_down = self.note(ended.as_ref().err());
            // Who was let down by a worker that panicked knows less than that worker.
            if report.is_none() || !let_down {
                report = Some(ended);
            }
        }
        report.unwrap_or_else(|| Err(Error::usage("there are no workers")))
    }

    /// Runs a block program and gathers what the blocks made, ascending; empty on processes
    /// other than 0.
    ///
    /// # Errors
    /// As [`Runtime::run`].
    #[allow(clippy::type_complexity)]
    pub fn collect<G, P>(
        &self,
        graph: &G,
        program: &P,
        config: &Config,
    ) -> Result<(Vec<(BlockId, P::Output)>, Report<P::Global>)>
    where
        G: Cut,
        P: BlockProgram<G>,
    {
        let gathered = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&gathered);
        let report = self.run(graph, program, config, move |block, output| {
            into.lock().unwrap_or_else(PoisonError::into_inner).push((block, output));
            Ok(())
        })?;
        let mut outputs = std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner));
        outputs.sort_by_key(|(block, _)| *block);
        Ok((outputs, report))
    }

    /// Runs a vertex program; the state of every vertex, ascending, on process 0.
    ///
    /// # Errors
    /// As [`Runtime::run`].
    #[allow(clippy::type_complexity)]
    pub fn vertices<G, P>(
        &self,
        graph: &G,
        program: &P,
        config: &Config,
    ) -> Result<(Vec<(VertexId, P::State)>, Report<P::Global>)>
    where
        G: Topology,
        P: VertexProgram<G>,
    {
        self.swept(graph, &Sweep::new(program.clone()), config)
    }

    /// The same, beginning with states that vertices had in the end of an earlier run, as far as
    /// the program knows to go on from them ([`VertexProgram::resume`]); vertices that are not
    /// among `states` begin as always.
    ///
    /// # Errors
    /// As [`Runtime::run`].
    #[allow(clippy::type_complexity)]
    pub fn vertices_from<G, P>(
        &self,
        graph: &G,
        program: &P,
        states: Vec<(VertexId, P::State)>,
        config: &Config,
    ) -> Result<(Vec<(VertexId, P::State)>, Report<P::Global>)>
    where
        G: Topology,
        P: VertexProgram<G>,
    {
        self.swept(graph, &Sweep::warm(program.clone(), states), config)
    }

    #[allow(clippy::type_complexity)]
    fn swept<G, P>(
        &self,
        graph: &G,
        sweep: &Sweep<G, P>,
        config: &Config,
    ) -> Result<(Vec<(VertexId, P::State)>, Report<P::Global>)>
    where
        G: Topology,
        P: VertexProgram<G>,
    {
        let (outputs, report) = self.collect(graph, sweep, config)?;
        let mut states: Vec<_> = outputs.into_iter().flat_map(|(_, states)| states).collect();
        states.sort_by_key(|(vertex, _)| *vertex);
        Ok((states, report))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let threads = self.threads.take();
        if self.failed.load(Ordering::Acquire) && self.workers.processes() > 1 {
            // What was sent gets there; then no goodbye is said, and the end of the process is a loss to the others.
            std::thread::sleep(GRACE);
            std::mem::forget((std::mem::take(&mut self.tasks), threads));
            return;
        }
        self.tasks.clear();
        if self.broken.load(Ordering::Acquire) {
            // A peer that is lost never says goodbye, and the threads of the network wait for it.
            std::mem::forget(threads);
            return;
        }
        // They end when every process has come this far. One that was lost since the last run is
        // a panic in the threads of the network, which is of no consequence any more.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(|| threads.map(WorkerGuards::join)));
    }
}
