//! `septa bench`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::bench::image_op::What as Volumes;
use crate::bench::plan::Plan;
use crate::bench::{engine, image, incremental, potts, relax};
use crate::cli::bench_picture;
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::progress::heed;
use crate::error::{Error, Result};
use crate::pregel::runtime::Runtime;
use crate::workers::Workers;

#[derive(Debug, clap::Args)]
#[command(after_help = "With 1 and 2 workers; -w N measures 1 and N, -n N the workers of all processes together.\n\n\
                        Examples:\n  septa bench engine --size 14\n  \
                        septa bench engine --size 16 --case kronecker16,percolated --op pagerank --json\n  \
                        septa bench label --size 128 --case blob50,perc30 --op label6,floor\n  \
                        septa bench contacts --case data/cells.tif --json\n  \
                        septa bench measure --size 256 --peers .venv-peers\n  \
                        septa bench incremental --size 256 --op change-1-block,same-volume\n  \
                        septa bench relax --size 64 --peers .venv-peers\n  \
                        septa bench potts --case growth3 --op copy")]
pub(crate) struct Args {
    /// What is measured: engine (programs on graphs beside plain kernels); label, contacts, measure
    /// (volumes, beside plain loops over voxels or installed peers); incremental (a session after a
    /// change, beside a cold run); relax (force balance, beside a plain loop or SciPy); potts (the
    /// Potts model, beside a plain loop)
    #[arg(value_name = "WHAT")]
    what: What,
    /// How large: of engine the scale of the larger Kronecker graph [default: 20], with cubes of
    /// 128^3 and 200^3 voxels at 20; of relax the nodes along each axis of a cube [default: 64], of potts the voxels [default: 100]; else the
    /// edge of the volumes in voxels [default: 512]
    #[arg(long, value_name = "N")]
    size: Option<u32>,
    /// How often each is timed [default: 5 of engine, else 3]; the figures are medians
    #[arg(long, value_name = "R")]
    repeat: Option<usize>,
    /// Only these graphs or volumes: perc30, perc50, blob50, voronoi, or paths of volumes
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    case: Vec<String>,
    /// Only these operations
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    op: Vec<String>,
    /// Compare with what is installed in this Python environment: cc3d, bioimage-cpp, scikit-image, SciPy
    #[arg(long, value_name = "VENV")]
    peers: Option<PathBuf>,
    /// Of incremental: draw the time after a change by the share that changed
    #[arg(long, value_name = "SVG")]
    picture: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Engine,
    Label,
    Contacts,
    Measure,
    Incremental,
    Relax,
    Potts,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let next = |what: &str| {
        tracing::info!("{what}");
        heed()
    };
    let volumes = match args.what {
        What::Engine | What::Incremental | What::Relax | What::Potts => None,
        What::Label => Some(Volumes::Label),
        What::Contacts => Some(Volumes::Contacts),
        What::Measure => Some(Volumes::Measure),
    };
    if volumes.is_none() && args.what != What::Relax && args.peers.is_some() {
        let what = "--peers: only label, contacts, measure and relax are compared with peers: leave it out";
        return Err(Error::usage(what));
    }
    if let Some(path) = &args.picture {
        if args.what != What::Incremental {
            return Err(Error::usage("--picture: only incremental is drawn: leave it out"));
        }
        context.check_chart(path, None)?;
    }
    let size = args.size.unwrap_or(match args.what {
        What::Engine => 20,
        What::Relax => 64,
        What::Potts => 100,
        _ => 512,
    });
    let repeat = args.repeat.unwrap_or(if args.what == What::Engine { 5 } else { 3 });
    let (seed, cases, ops) = (context.common.seed, args.case.clone(), args.op.clone());
    let measured = with_runtimes(context, |runtimes| match volumes {
        None if args.what == What::Incremental => {
            let measured = incremental::measure(&Plan { size, repeat, seed, cases, ops }, runtimes, next)?;
            args.picture.as_ref().map_or(Ok(()), |path| bench_picture::write(path, &measured))?;
            Ok(Figures::default().with("cases", measured.cases).with("rows", measured.rows))
        }
        None if args.what == What::Relax => {
            let plan = Plan { size, repeat, seed, cases, ops };
            let measured = relax::measure(&plan, args.peers.as_deref(), runtimes, next)?;
            Ok(Figures::default().with("cases", measured.cases).with("rows", measured.rows))
        }
        None if args.what == What::Potts => {
            let measured = potts::measure(&Plan { size, repeat, seed, cases, ops }, runtimes, next)?;
            Ok(Figures::default().with("cases", measured.cases).with("rows", measured.rows))
        }
        None => {
            let measured = engine::measure(&Plan { size, repeat, seed, cases, ops }, runtimes, next)?;
            Ok(Figures::default().with("cases", measured.cases).with("rows", measured.rows))
        }
        Some(what) => {
            let (blocks, peers) = (context.common.block, args.peers.clone());
            let plan = image::Plan { what, size, blocks, repeat, seed, cases, ops, peers };
            let measured = image::measure(&plan, runtimes, next)?;
            Ok(Figures::default().with("cases", measured.cases).with("rows", measured.rows))
        }
    })?;
    let what = args.what.to_possible_value().map(|value| value.get_name().to_string());
    Ok(Figures::default()
        .with("what", what)
        .with("size", size)
        .with("repeat", repeat)
        .and(measured)
        .with("seconds", context.seconds()))
}

/// Calls with the workers of this process alone, one and several, or with those of all processes.
fn with_runtimes(context: &Context, call: impl FnOnce(&[&Runtime]) -> Result<Figures>) -> Result<Figures> {
    if context.workers.processes() > 1 {
        return call(&[context.runtime()?]);
    }
    let mut counts = vec![1, context.common.workers.unwrap_or(2)];
    counts.dedup();
    let start = |workers| Runtime::start(&Workers::threads(workers));
    let runtimes: Vec<Runtime> = counts.into_iter().map(start).collect::<Result<_>>()?;
    call(&runtimes.iter().collect::<Vec<_>>())
}
