//! `septa label`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::cli::memory::Plan;
use crate::cli::segment::Filters;
use crate::cli::written::Written;
use crate::error::{Error, Result};
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Want};
use crate::measure::shape::cells;
use crate::measure::write::write_table;
use crate::pregel::run::Config;
use crate::programs::labelling::{self, Labelling};
use crate::volume::source::VolumeSource;
use crate::volume::threshold::Threshold;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa label data/spheres.tif\n  \
                        septa label data/bone.tif --background -o pores.tif --table pores.csv\n  \
                        septa label data/foam.tif --threshold otsu --connectivity 26 --json")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
    /// Where to write the labels: .tif, .npy, .raw; without it only figures are told
    #[arg(short, long, value_name = "LABELS")]
    output: Option<PathBuf>,
    /// Which voxels are neighbours: those that share a face (6), an edge (18), a corner (26)
    #[arg(long, value_name = "6|18|26", default_value = "6")]
    connectivity: Stencil,
    /// Label the voxels that are zero (or, with a threshold, at or below it)
    #[arg(long, conflicts_with = "multilabel")]
    background: bool,
    /// Join voxels of equal value only; zero is background
    #[arg(long, conflicts_with = "threshold")]
    multilabel: bool,
    /// Of a grey volume label what is above this: a number, or otsu
    #[arg(long, value_name = "otsu|VALUE", allow_negative_numbers = true)]
    threshold: Option<Threshold>,
    #[command(flatten)]
    filters: Filters,
    /// Leave out components of fewer voxels
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_voxels: u64,
    /// Where to write one row a component: .csv, .json (.parquet where that was built in)
    #[arg(long, value_name = "CELLS")]
    table: Option<PathBuf>,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let outputs = || args.output.iter().chain(&args.table);
    let input = Some(args.input.volume.as_path());
    args.output.iter().try_for_each(|path| context.check_volume(path, input))?;
    args.table.iter().try_for_each(|path| context.check_table(path, input))?;
    outputs().take(1).try_for_each(|path| context.check_record(path))?;
    let source = args.filters.apply(context, args.input.open()?)?;
    let source = match args.threshold {
        Some(Threshold::Otsu) => context.resident(source, "read")?,
        _ => context.readable(source)?,
    };
    let threshold = args.threshold.map(|threshold| threshold.resolve(&*source, context.threads())).transpose()?;
    let select = selected(threshold, args.background, args.multilabel);
    let want = args.table.as_ref().map(|_| Want { cells: Detail::Shape, contacts: Some(args.connectivity) });
    let job = Job { select, stencil: args.connectivity, min_voxels: args.min_voxels, want };
    let (labelled, seconds) = label(context, &source, &job, args.output.as_deref())?;
    let header = source.header();
    if header.shape.voxels() == Some(labelled.foreground) && !args.multilabel {
        tracing::warn!("{}: every voxel is selected: give --threshold for a grey volume", header.name);
    }
    if let Some(path) = args.table.as_ref().filter(|_| context.is_first()) {
        write_table(path, &cells(&labelled.summary, &header.spacing, header.shape, Detail::Shape))?;
    }
    let mut figures = Figures::default();
    if let Some(threshold) = threshold {
        figures = figures.with("threshold", threshold);
    }
    let figures = figures.and(told(&labelled, header.shape.voxels().unwrap_or(0), seconds));
    if let Some(output) = outputs().next() {
        context.record(output, &[&args.input.volume], &figures)?;
    }
    Ok(figures)
}

/// Which voxels count: those beyond a threshold or up to it, those of labels, those that are not zero or
/// are.
pub(crate) fn selected(threshold: Option<f64>, background: bool, labels: bool) -> Select {
    match (threshold, background, labels) {
        (Some(threshold), false, _) => Select::Above(threshold),
        (Some(threshold), true, _) => Select::AtMost(threshold),
        (None, true, _) => Select::Zero,
        (None, false, true) => Select::Labels,
        (None, false, false) => Select::NonZero,
    }
}

/// What to label, and how.
pub(crate) struct Job {
    pub(crate) select: Select,
    pub(crate) stencil: Stencil,
    pub(crate) min_voxels: u64,
    pub(crate) want: Option<Want>,
}

/// Labels a volume, into a file where one is given; what was found, and the seconds it took.
pub(crate) fn label(
    context: &Context,
    source: &Arc<dyn VolumeSource>,
    job: &Job,
    output: Option<&std::path::Path>,
) -> Result<(labelling::Figures, f64)> {
    let tiling = Plan::new(context, &**source)?.cut(context.attended(source, "label"), output)?;
    let program = Labelling {
        select: job.select,
        stencil: job.stencil,
        min_voxels: job.min_voxels,
        paint: output.is_some(),
        want: job.want,
        grid: *tiling.grid(),
    };
    let written = output.map(|path| Written::new(path, source.header().shape, source.header().spacing));
    let into = written.clone();
    let report =
        context.runtime()?.run(&tiling, &program, &Config::default(), move |_, painted| match (&into, painted) {
            (Some(into), Some(painted)) => into.paint(&painted),
            (None, None) => Ok(()),
            _ => Err(Error::usage("blocks paint where there is an output")),
        })?;
    written.map_or(Ok(()), |written| written.finish())?;
    Ok((report.global, report.seconds))
}

/// The figures of a labelling.
pub(crate) fn told(labelled: &labelling::Figures, voxels: u64, seconds: f64) -> Figures {
    let mean = match labelled.components {
        0 => None,
        components => Some(labelled.kept as f64 / components as f64),
    };
    Figures::default()
        .with("components", labelled.components)
        .with("largest", labelled.largest)
        .with("foreground", labelled.foreground)
        .with("volume_fraction", labelled.foreground as f64 / voxels as f64)
        .with("mean_voxels", mean)
        .with("seconds", seconds)
        .with("voxels_per_second", voxels as f64 / seconds)
}
