//! `septa phantom`.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::written::write_volume;
use crate::error::{Error, Result};
use crate::volume::phantom::{Kind, Phantom};
use crate::volume::shape::{Shape, Spacing, Unit};
use crate::volume::source::VolumeSource;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa phantom foam -o foam.tif --shape 64,96,96 --cells 60\n  \
                        septa phantom noise -o noise.npy --shape 256,256,256 --density 0.3")]
pub(crate) struct Args {
    /// cells (touching Voronoi cells, as labels), foam (grey), bone, spheres or noise (masks)
    #[arg(value_name = "KIND")]
    kind: Kind,
    /// Where to write it: .tif, .npy, .raw
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Its size
    #[arg(long, value_name = "Z,Y,X", default_value = "64,96,96")]
    shape: Shape,
    /// How many cells, bubbles, lacunae or balls
    #[arg(long, value_name = "N", default_value_t = 60)]
    cells: u64,
    /// The share of foreground in noise
    #[arg(long, value_name = "P", default_value_t = 0.3)]
    density: f64,
    /// Also write the true labels, of foam and spheres
    #[arg(long, value_name = "OUT")]
    truth: Option<PathBuf>,
    /// Edges of a voxel, to be told in the file
    #[arg(long, value_name = "Z,Y,X", value_parser = Spacing::parse_edges)]
    spacing: Option<[f64; 3]>,
    /// Unit of the spacing
    #[arg(long, value_name = "UNIT", default_value = "um", value_parser = super::input::parse_unit)]
    unit: Unit,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let outputs = || std::iter::once(&args.output).chain(&args.truth);
    outputs().try_for_each(|path| context.check_volume(path, None))?;
    context.check_record(&args.output)?;
    if args.truth.as_ref() == Some(&args.output) {
        return Err(Error::usage(format!("{}: given twice: the truth needs a name of its own", args.output.display())));
    }
    let phantom = Phantom::new(args.kind, args.shape, args.cells, context.common.seed, args.density)?;
    let spacing = match args.spacing {
        Some(zyx) => Spacing::new(zyx, args.unit)?,
        None => Spacing::default(),
    };
    let arc = |phantom: Phantom| -> Arc<dyn VolumeSource> { Arc::new(phantom) };
    let truth = phantom.truth();
    if let Some(path) = &args.truth {
        let labels = phantom.labels();
        let labels =
            labels.ok_or_else(|| Error::usage(format!("a phantom of {} has no labels beside itself", args.kind)))?;
        write_volume(context, &arc(labels), path, spacing, "phantom")?;
    }
    write_volume(context, &arc(phantom), &args.output, spacing, "phantom")?;
    let figures = Figures::default()
        .with("kind", args.kind)
        .with("shape", args.shape)
        .with("cells", truth.cells)
        .with("canals", truth.canals);
    context.record(&args.output, &[], &figures)?;
    Ok(figures)
}
