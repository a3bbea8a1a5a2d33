//! `septa analyse`: the main job.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::cli::label::{Job, label, told};
use crate::cli::segment::Filters;
use crate::cli::split::{Splitting, split_volume};
use crate::cli::staging::Staging;
use crate::cli::written::{write_labels, write_volume};
use crate::cli::{contacts, graph, page};
use crate::error::Result;
use crate::graph::graphml;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Summary, Want};
use crate::measure::shape;
use crate::measure::write::write_table;
use crate::report::number::quantity;
use crate::volume::memory::Memory;
use crate::volume::source::VolumeSource;
use crate::volume::threshold::{Threshold, Thresholded};
use crate::volume::tiff::Tiff;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa analyse data/foam.tif -o out --below --connectivity 6\n  \
                        septa analyse data/spheres.tif -o balls --split\n  \
                        septa analyse data/cells.tif -o cells --labels")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
    /// The folder for mask.tif, labels.tif, cells.csv, contacts.csv, graph.graphml, report.html, run.json
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The volume holds labels already: measure them
    #[arg(long, conflicts_with_all = ["split", "threshold", "below", "min_voxels"])]
    labels: bool,
    /// Part touching objects of the mask
    #[arg(long)]
    split: bool,
    #[command(flatten)]
    filters: Filters,
    /// Foreground is above this: a number, or otsu
    #[arg(long, value_name = "otsu|VALUE", default_value = "otsu", allow_negative_numbers = true)]
    threshold: Threshold,
    /// Foreground is at or below the threshold instead
    #[arg(long)]
    below: bool,
    /// Which voxels are neighbours: those that share a face (6), an edge (18), a corner (26)
    #[arg(long, value_name = "6|18|26", default_value = "6")]
    connectivity: Stencil,
    /// Leave out components of fewer voxels
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "split")]
    min_voxels: u64,
    #[command(flatten)]
    splitting: Splitting,
}

/// The files of an analysis, and what is in each.
const FILES: [(&str, &str); 7] = [
    ("mask.tif", "the mask: 1 in the foreground"),
    ("labels.tif", "the label of each voxel, 0 in the background"),
    ("cells.csv", "one row a cell: volume, box, centroid, axes, surface, neighbours"),
    ("contacts.csv", "one row a pair of touching cells: faces and area"),
    ("graph.graphml", "cells and contacts as a graph"),
    ("report.html", "the page with pictures and histograms"),
    ("run.json", "what was run, on what, and how long it took"),
];

/// What was found, on the way to the files.
struct Found {
    figures: Figures,
    summary: Summary,
    /// Labels that are not in a file of their own.
    labels: Option<Arc<dyn VolumeSource>>,
    settings: Vec<(String, String)>,
    /// The share of the volume that is foreground, where that was found.
    volume_fraction: Option<f64>,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let files: Vec<(&str, &str)> =
        FILES.into_iter().filter(|(name, _)| !args.labels || !["mask.tif", "labels.tif"].contains(name)).collect();
    files.iter().try_for_each(|(name, _)| context.refuse_existing(&args.output.join(name)))?;
    args.splitting.check()?;
    let source = args.input.open()?;
    // Only process 0 writes; the others have no folder to do it in.
    let staging = context.is_first().then(|| Staging::new(&args.output)).transpose()?;
    let folder = staging.as_ref().map_or(args.output.as_path(), Staging::path);
    let found = match args.labels {
        true => measure(context, args, source.clone())?,
        false => segment(context, args, source.clone(), folder)?,
    };
    let header = source.header();
    let cells = shape::cells(&found.summary, &header.spacing, header.shape, Detail::Shape);
    let touching = shape::contacts(&found.summary, &header.spacing);
    let figures = found
        .figures
        .and(contacts::told(&found.summary, &header.spacing))
        .with("columns", cells.columns.iter().map(|column| &column.name).collect::<Vec<_>>());
    let Some(staging) = &staging else { return Ok(figures) };
    write_table(&folder.join("cells.csv"), &cells)?;
    write_table(&folder.join("contacts.csv"), &touching)?;
    graphml::write(&graph::attributed(&cells, &touching)?, &folder.join("graph.graphml"))?;
    let labels = match found.labels {
        Some(labels) => labels,
        None => Arc::new(Tiff::open(&folder.join("labels.tif"))?),
    };
    let page = page::Page {
        source: &*source,
        grey: !args.labels,
        labels: &*labels,
        cells: &cells,
        contacts: &touching,
        settings: found.settings,
        foreground: found.volume_fraction,
        files: files.iter().map(|(name, what)| (name.to_string(), what.to_string())).collect(),
    };
    page.write(&folder.join("report.html"))?;
    let figures = figures.with("seconds", context.seconds()).with("report", args.output.join("report.html"));
    context.record(folder, &[&args.input.volume], &figures)?;
    staging.keep(&FILES.map(|(name, _)| name))?;
    Ok(figures)
}

/// The cells of a labels volume.
fn measure(context: &Context, args: &Args, source: Arc<dyn VolumeSource>) -> Result<Found> {
    let source = context.resident(source, "read")?;
    let want = Want { cells: Detail::Shape, contacts: Some(args.connectivity) };
    let summary = contacts::summarise(context, &source, want)?;
    let settings = vec![("Input".into(), "labels".into()), ("Connectivity".into(), args.connectivity.to_string())];
    Ok(Found { figures: Figures::default(), summary, labels: Some(source), settings, volume_fraction: None })
}

/// Grey to mask to labels to cells.
fn segment(context: &Context, args: &Args, source: Arc<dyn VolumeSource>, folder: &Path) -> Result<Found> {
    let grey = context.resident(args.filters.apply(context, source)?, "read")?;
    let threshold = args.threshold.resolve(&*grey, context.threads())?;
    let mask: Arc<dyn VolumeSource> = Arc::new(Thresholded::new(grey, threshold, args.below));
    write_volume(context, &mask, &folder.join("mask.tif"), mask.header().spacing, "segment")?;
    let labels_path = folder.join("labels.tif");
    let want = Want { cells: Detail::Shape, contacts: Some(args.connectivity) };
    let voxels = mask.header().shape.voxels().unwrap_or(0);
    let job = Job {
        select: Select::NonZero,
        stencil: args.connectivity,
        min_voxels: args.min_voxels,
        want: (!args.split).then_some(want),
    };
    let (labelled, seconds) = label(context, &mask, &job, (!args.split).then_some(labels_path.as_path()))?;
    let mut figures = Figures::default().with("threshold", threshold).and(told(&labelled, voxels, seconds));
    let otsu = if args.threshold == Threshold::Otsu { " (Otsu)" } else { "" };
    let rule = format!("{} {}{otsu}", if args.below { "at most" } else { "above" }, quantity(threshold));
    let mut settings = vec![("Foreground".into(), rule), ("Connectivity".into(), args.connectivity.to_string())];
    settings.extend(args.filters.told());
    if args.min_voxels > 0 {
        settings.push(("Smallest component".into(), format!("{} voxels", args.min_voxels)));
    }
    let mut labels = None;
    let summary = match args.split {
        false => labelled.summary,
        true => {
            settings.push(("Touching objects".into(), format!("parted, neck {}", args.splitting.neck)));
            let (split, count) = split_volume(context, mask, args.connectivity, &args.splitting)?;
            figures = figures.with("labels", count);
            write_split(context, &labels_path, &split, count)?;
            let split: Arc<dyn VolumeSource> = Arc::new(split);
            let summary = contacts::summarise(context, &split, want)?;
            labels = Some(split);
            summary
        }
    };
    let volume_fraction = Some(labelled.foreground as f64 / voxels as f64);
    Ok(Found { figures, summary, labels, settings, volume_fraction })
}

fn write_split(context: &Context, path: &Path, labels: &Memory, count: u64) -> Result<()> {
    if context.is_first() { write_labels(path, labels, count) } else { Ok(()) }
}
