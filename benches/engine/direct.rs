//! The superstep loop written by hand on bare timely: what the engine's is measured against.
//!
//! One operator a worker, whose output is its own input. In each superstep every worker tells every
//! worker what it adds to the global, and goes on when it has heard from all.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use timely::communication::WorkerGuards;
use timely::dataflow::channels::pact::Exchange;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::frontier::Antichain;
use timely::worker::Worker;

/// Workers that run the loop when they are told to.
pub(crate) struct Direct {
    orders: Vec<Sender<u64>>,
    ended: Receiver<u64>,
    guards: Option<WorkerGuards<()>>,
}

/// To whom, in which superstep, and what.
type Told = (u64, u64, u64);

impl Direct {
    /// `threads` workers in this process, as `config` says too.
    pub(crate) fn start(config: timely::Config, threads: usize) -> Self {
        let (orders, queues): (Vec<_>, Vec<Receiver<u64>>) = (0..threads).map(|_| channel()).unzip();
        let queues = Mutex::new(queues.into_iter().map(Some).collect::<Vec<_>>());
        let (end, ended) = channel();
        let end = Mutex::new(end);
        let guards = timely::execute(config, move |worker| {
            let mine = worker.index() % threads;
            let queue = queues.lock().expect("nobody panics with it")[mine].take().expect("each takes its own");
            let end = end.lock().expect("nobody panics with it").clone();
            queue.into_iter().for_each(|supersteps| end.send(looped(worker, supersteps)).expect("it is awaited"));
        });
        Self { orders, ended, guards: Some(guards.expect("timely starts")) }
    }

    /// Runs so many supersteps; the global of the last.
    pub(crate) fn run(&self, supersteps: u64) -> u64 {
        self.orders.iter().for_each(|order| order.send(supersteps).expect("the workers are there"));
        self.orders.iter().map(|_| self.ended.recv().expect("the workers are there")).max().expect("one at least")
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.orders.clear();
        drop(self.guards.take());
    }
}

fn looped(worker: &mut Worker, supersteps: u64) -> u64 {
    let peers = worker.peers() as u64;
    let result = Rc::new(Cell::new(None));
    let outcome = Rc::clone(&result);
    worker.dataflow::<u64, _, _>(|scope| {
        let mut builder = OperatorBuilder::new("direct".into(), scope);
        let (output, stream) = builder.new_output_connection::<Vec<Told>, _>([]);
        let mut output = OutputBuilder::from(output);
        let around = [(0, Antichain::from_elem(1))];
        let mut input = builder.new_input_connection(stream, Exchange::new(|told: &Told| told.0), around);
        builder.build(move |mut capabilities| {
            let mut capability = capabilities.pop();
            // How many were heard in this superstep and in the next, and what they add up to: a
            // worker may be one ahead of another, and no more.
            let mut heard = [(0, 0); 2];
            let (mut superstep, mut spoken) = (0, false);
            move |_frontiers| {
                input.for_each(|_, batch| {
                    for (_, at, value) in batch.drain(..) {
                        let (count, sum) = &mut heard[at as usize % 2];
                        *count += 1;
                        *sum += value;
                    }
                });
                let mut output = output.activate();
                while let Some(now) = &mut capability {
                    if !spoken {
                        let mut session = output.session(now);
                        (0..peers).for_each(|peer| session.give((peer, superstep, 1)));
                        spoken = true;
                    }
                    let (count, global) = heard[superstep as usize % 2];
                    if count < peers {
                        break;
                    }
                    heard[superstep as usize % 2] = (0, 0);
                    superstep += 1;
                    spoken = false;
                    if superstep == supersteps {
                        outcome.set(Some(global));
                        capability = None;
                    } else {
                        now.downgrade(&superstep);
                    }
                }
            }
        });
    });
    while worker.step_or_park(None) || result.get().is_none() {}
    result.get().expect("the loop ends with it")
}
