//! `septa bench`.

use clap::ValueEnum;

use crate::bench::engine::{Plan, measure};
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::progress::heed;
use crate::error::Result;
use crate::pregel::runtime::Runtime;
use crate::workers::Workers;

#[derive(Debug, clap::Args)]
#[command(after_help = "With 1 and 2 workers; -w N measures 1 and N, -n N the workers of all processes together.\n\n\
                        Examples:\n  septa bench engine --size 14\n  \
                        septa bench engine --size 16 --case kronecker16,percolated --op pagerank --json")]
pub(crate) struct Args {
    /// What is measured: engine (programs on graphs beside plain kernels)
    #[arg(value_name = "WHAT")]
    what: What,
    /// How large: the scale of the larger Kronecker graph; at 20 cubes of 128^3 and 200^3 voxels
    #[arg(long, value_name = "N", default_value_t = 20)]
    size: u32,
    /// How often each is timed; the figures are medians
    #[arg(long, value_name = "R", default_value_t = 5)]
    repeat: usize,
    /// Only these graphs
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    case: Vec<String>,
    /// Only these operations
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    op: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Engine,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let What::Engine = args.what;
    let plan = Plan {
        size: args.size,
        repeat: args.repeat,
        seed: context.common.seed,
        cases: args.case.clone(),
        ops: args.op.clone(),
    };
    let next = |what: &str| {
        tracing::info!("{what}");
        heed()
    };
    let measured = match context.workers.processes() {
        1 => {
            let mut counts = vec![1, context.common.workers.unwrap_or(2)];
            counts.dedup();
            let start = |workers| Runtime::start(&Workers::threads(workers));
            let runtimes: Vec<Runtime> = counts.into_iter().map(start).collect::<Result<_>>()?;
            measure(&plan, &runtimes.iter().collect::<Vec<_>>(), next)?
        }
        _ => measure(&plan, &[context.runtime()?], next)?,
    };
    Ok(Figures::default()
        .with("what", "engine")
        .with("size", args.size)
        .with("repeat", args.repeat)
        .with("cases", measured.cases)
        .with("rows", measured.rows)
        .with("seconds", context.seconds()))
}
