//! The engine beside plain kernels, and empty supersteps beside the same loop on bare timely:
//! `cargo bench --bench engine`.
//!
//! The cases, programs and kernels are those of `septa bench engine`, at a size that takes a few
//! minutes.

#[path = "engine/cluster.rs"]
mod cluster;
#[path = "engine/direct.rs"]
mod direct;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use septa::bench::case::{BLOCKS, Case};
use septa::bench::idle::Idle;
use septa::bench::input::inputs;
use septa::bench::op::OPS;
use septa::graph::csr::Csr;
use septa::graph::cut::ranges;
use septa::pregel::{run::Config, runtime::Runtime};
use septa::workers::Workers;

use cluster::Peer;
use direct::Direct;

/// The scale of the larger Kronecker graph, and with it the size of all.
const SIZE: u32 = 16;

/// Empty supersteps of a run, so that its start is of no account.
const SUPERSTEPS: u64 = 1000;

fn kernels(criterion: &mut Criterion) {
    let runtimes = [1, 2].map(|workers| Runtime::start(&Workers::threads(workers)).expect("threads"));
    for input in inputs(SIZE).expect("a size that there is") {
        let mut case = Case::make(&input, 1).expect("a graph that fits");
        for op in &OPS {
            if !(op.fits)(&case) {
                continue;
            }
            (op.prepare)(&mut case).expect("a graph that fits");
            let mut group = criterion.benchmark_group(format!("{} {}", op.name, input.name));
            group.throughput(Throughput::Elements(op.passes * 2 * case.made.edges));
            group.bench_function("plain, 1 thread", |b| b.iter(|| black_box((op.plain)(&case))));
            let expected = (op.plain)(&case);
            for runtime in &runtimes {
                let answer = (op.answer)(&case, runtime).expect("an answer");
                op.compare(&case, &answer, &expected).expect("the same");
                let workers = runtime.workers().total();
                group.bench_function(format!("septa, {workers} workers"), |b| {
                    b.iter(|| (op.run)(&case, runtime).expect("a run"));
                });
            }
        }
    }
}

/// A graph with nothing to do in its blocks.
fn nothing() -> Csr<()> {
    let vertices = u64::from(BLOCKS);
    Csr::undirected(vertices, &[], BLOCKS, ranges(vertices, BLOCKS)).expect("a graph without edges")
}

fn idle(runtime: &Runtime) {
    let idle = Idle { supersteps: SUPERSTEPS };
    let report = runtime.run(&nothing(), &idle, &Config::default(), |_, ()| Ok(())).expect("a run");
    assert_eq!((report.supersteps, report.global.0), (SUPERSTEPS, u64::from(BLOCKS)));
}

fn supersteps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("empty supersteps with a global");
    group.throughput(Throughput::Elements(SUPERSTEPS));
    for workers in [1, 2] {
        let direct = Direct::start(timely::Config::process(workers), workers);
        group.bench_function(format!("bare timely, {workers} workers"), |b| b.iter(|| direct.run(SUPERSTEPS)));
        drop(direct);
        let runtime = Runtime::start(&Workers::threads(workers)).expect("threads");
        group.bench_function(format!("septa, {workers} workers"), |b| b.iter(|| idle(&runtime)));
    }
    let mut peer = Peer::start(cluster::TIMELY);
    let direct = Direct::start(cluster::timely(0, peer.hosts()), 1);
    group.bench_function("bare timely, 2 processes", |b| {
        b.iter(|| {
            peer.follow();
            direct.run(SUPERSTEPS)
        });
    });
    peer.dismiss();
    drop((direct, peer));
    let mut peer = Peer::start(cluster::SEPTA);
    let runtime = cluster::septa(0, peer.hosts());
    group.bench_function("septa, 2 processes", |b| {
        b.iter(|| {
            peer.follow();
            idle(&runtime);
        });
    });
    peer.dismiss();
    drop((runtime, peer));
}

fn main() {
    if let Some((engine, hosts)) = cluster::part() {
        match engine.as_str() {
            cluster::SEPTA => {
                let runtime = cluster::septa(1, &hosts);
                cluster::led(|| idle(&runtime));
            }
            _ => {
                let direct = Direct::start(cluster::timely(1, &hosts), 1);
                cluster::led(|| {
                    direct.run(SUPERSTEPS);
                });
            }
        }
        return;
    }
    let short = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(300));
    let mut criterion = short.measurement_time(Duration::from_secs(1)).configure_from_args();
    supersteps(&mut criterion);
    kernels(&mut criterion);
    criterion.final_summary();
}
