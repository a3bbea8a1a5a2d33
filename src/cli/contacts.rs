//! `septa contacts`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::error::Result;
use crate::lattice::contact::Contact;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Summary, Want};
use crate::measure::shape;
use crate::measure::write::write_table;
use crate::pregel::run::Config;
use crate::programs::measure::Measure;
use crate::volume::shape::Spacing;
use crate::volume::source::VolumeSource;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa contacts data/cells.tif\n  \
                        septa contacts data/cells.tif -o contacts.graphml --connectivity 26")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
    /// Where to write them: .csv, .json, .graphml, .dot (.parquet where that was built in)
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Which voxels are neighbours, for n_pairs and for which cells touch; faces and areas are always of 6
    #[arg(long, value_name = "6|18|26", default_value = "6")]
    connectivity: Stencil,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let is_graph = |path: &Path| path.extension().is_some_and(|ending| ending == "graphml" || ending == "dot");
    let graph = args.output.as_deref().is_some_and(is_graph);
    if let Some(path) = &args.output {
        let input = Some(args.input.volume.as_path());
        if graph { context.check_output(path, input) } else { context.check_table(path, input) }?;
        context.check_record(path)?;
    }
    let source = context.readable(args.input.open()?)?;
    // Nodes of a graph file carry what is known of the cells.
    let summary = summarise(
        context,
        &source,
        Want { cells: if graph { Detail::Moments } else { Detail::Listed }, contacts: Some(args.connectivity) },
    )?;
    let spacing = source.header().spacing;
    if let Some(path) = args.output.as_ref().filter(|_| context.is_first()) {
        match graph {
            true => super::graph::write(path, &summary, &spacing)?,
            false => write_table(path, &shape::contacts(&summary, &spacing))?,
        }
    }
    let figures = told(&summary, &spacing).with("seconds", context.seconds());
    if let Some(path) = &args.output {
        context.record(path, &[&args.input.volume], &figures)?;
    }
    Ok(figures)
}

/// Cells and contacts of a labels volume.
pub(crate) fn summarise(context: &Context, source: &Arc<dyn VolumeSource>, want: Want) -> Result<Summary> {
    let tiling = context.tiling(source, "measure")?;
    Ok(context.runtime()?.run(&tiling, &Measure { want }, &Config::default(), |_, ()| Ok(()))?.global)
}

/// The figures of the contacts. The area is that of the sums of faces, so that it is rounded once.
pub(crate) fn told(summary: &Summary, spacing: &Spacing) -> Figures {
    let mut all = Contact::default();
    for contact in summary.contacts.values() {
        crate::combine::Combine::combine(&mut all, *contact);
    }
    Figures::default()
        .with("cells", summary.cells.len())
        .with("contacts", summary.contacts.len())
        .with("faces", all.n_faces())
        .with("pairs", all.pairs)
        .with("area", all.area(spacing))
}
