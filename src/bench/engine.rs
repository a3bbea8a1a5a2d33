//! Measures: the plain kernel and the engine in turn, several times, and the medians.
//!
//! First the engine runs once with an eye on memory, and once more for its results, which are
//! compared with the plain kernel's, on each of the runtimes; that also warms all up. Then they are
//! timed, plain, first runtime, second runtime, and again. The
//! time of the engine is from a started runtime and a graph that is made to the last block's
//! results, which are dropped where they are.

use serde::Serialize;

use crate::bench::case::{Case, Graph, Made, timed};
use crate::bench::idle::Idle;
use crate::bench::input::{Input, inputs};
use crate::bench::memory;
use crate::bench::op::{OPS, Op};
use crate::bench::plan::Plan;
use crate::bench::row::{Engine, Row, median};
use crate::error::{Error, Result};
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;

/// All that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// What making the graphs cost.
    pub cases: Vec<Made>,
    /// The figures.
    pub rows: Vec<Row>,
}

/// Measures what is planned, on each of the runtimes. `next` is told what comes next, and may end
/// it. In a cluster every process does the same, and process 0 has the figures.
///
/// # Errors
/// Where a name is none, results differ, or the engine fails.
pub fn measure(plan: &Plan, runtimes: &[&Runtime], mut next: impl FnMut(&str) -> Result<()>) -> Result<Measured> {
    if plan.repeat == 0 {
        return Err(Error::usage("--repeat 0: time it once at least"));
    }
    let (inputs, ops) = chosen(plan)?;
    let mut measured = Measured::default();
    for input in inputs {
        next(&format!("making {}", input.name))?;
        let mut case = Case::make(&input, plan.seed)?;
        for op in &ops {
            if !(op.fits)(&case) {
                continue;
            }
            next(&format!("{} on {}", op.name, input.name))?;
            (op.prepare)(&mut case)?;
            measured.rows.extend(rows(op, &case, runtimes, plan.repeat)?);
        }
        measured.cases.push(case.made);
    }
    Ok(measured)
}

/// The graphs and operations that are named.
fn chosen(plan: &Plan) -> Result<(Vec<Input>, Vec<Op>)> {
    let mut inputs = inputs(plan.size)?;
    let names: Vec<&str> = inputs.iter().map(|input| &*input.name).collect();
    known("graph", &plan.cases, &names)?;
    known("operation", &plan.ops, &OPS.map(|op| op.name))?;
    let asked = |names: &[String], name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    inputs.retain(|input| asked(&plan.cases, &input.name));
    Ok((inputs, OPS.into_iter().filter(|op| asked(&plan.ops, op.name)).collect()))
}

pub(crate) fn known(what: &str, asked: &[String], names: &[&str]) -> Result<()> {
    match asked.iter().find(|asked| !names.contains(&&***asked)) {
        Some(asked) => Err(Error::usage(format!("«{asked}» is no {what}: there are {}", names.join(", ")))),
        None => Ok(()),
    }
}

/// What is known of the engine on one runtime.
#[derive(Default)]
struct Run {
    supersteps: u64,
    seconds: Vec<f64>,
    setups: Vec<f64>,
    peak: Option<u64>,
    more: Option<u64>,
}

fn rows(op: &Op, case: &Case, runtimes: &[&Runtime], repeat: usize) -> Result<Vec<Row>> {
    let first = runtimes.iter().all(|runtime| runtime.workers().is_first());
    let mut runs: Vec<Run> = runtimes.iter().map(|runtime| watched(op, case, runtime)).collect::<Result<_>>()?;
    let expected = (op.plain)(case);
    for runtime in runtimes {
        let answer = (op.answer)(case, runtime)?;
        if first {
            op.compare(case, &answer, &expected)?;
        }
    }
    drop(expected);
    let mut plain = Vec::new();
    for _ in 0..repeat {
        if first {
            let (answer, seconds) = timed(|| (op.plain)(case));
            drop(answer);
            plain.push(seconds);
        }
        for (runtime, run) in runtimes.iter().zip(&mut runs) {
            run.setups.push(setup(case, runtime)?);
            let (supersteps, seconds) = timed(|| (op.run)(case, runtime));
            run.supersteps = supersteps?;
            run.seconds.push(seconds);
        }
    }
    let baseline_seconds = median(plain);
    let edges = op.passes * 2 * case.made.edges;
    let row = |(runtime, run): (&&Runtime, Run)| {
        let seconds = median(run.seconds);
        Row {
            op: op.name.into(),
            case: case.made.case.clone(),
            workers: runtime.workers().per_process(),
            processes: runtime.workers().processes(),
            seconds,
            rate: edges as f64 / seconds,
            unit: "edges/s",
            baseline: Some("plain".into()),
            baseline_seconds: Some(baseline_seconds),
            ratio: Some(baseline_seconds / seconds),
            peak_rss_bytes: run.peak,
            engine: Some(Engine {
                setup_seconds: median(run.setups),
                supersteps: run.supersteps,
                run_rss_bytes: run.more,
            }),
        }
    };
    Ok(runtimes.iter().zip(runs).map(row).collect())
}

/// A run that is watched for the memory it takes.
fn watched(op: &Op, case: &Case, runtime: &Runtime) -> Result<Run> {
    let before = memory::resident();
    let forgot = memory::forget();
    let supersteps = (op.run)(case, runtime)?;
    let peak = memory::peak();
    let more = peak.zip(before).map(|(peak, before)| peak.saturating_sub(before)).filter(|_| forgot);
    Ok(Run { supersteps, peak, more, ..Run::default() })
}

/// The time of a run in which nothing is computed.
fn setup(case: &Case, runtime: &Runtime) -> Result<f64> {
    let (idle, config) = (Idle { supersteps: 1 }, Config::default());
    let (report, seconds) = match &case.graph {
        Graph::Csr(graph) => timed(|| runtime.run(graph, &idle, &config, |_, ()| Ok(()))),
        Graph::Lattice(graph) => timed(|| runtime.run(graph, &idle, &config, |_, ()| Ok(()))),
    };
    report.map(|_| seconds)
}
