//! `septa split`, and the option by which `analyse` splits.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::cli::progress::{Attended, bar, heed};
use crate::cli::written::write_labels;
use crate::error::Result;
use crate::lattice::stencil::Stencil;
use crate::programs::split::{SplitOptions, split};
use crate::volume::extent::{Extent, largest_label};
use crate::volume::memory::Memory;
use crate::volume::region::Region;
use crate::volume::source::VolumeSource;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa split data/spheres.tif -o balls.tif\n  \
                        septa split data/spheres.tif -o balls.npy --neck 0.7 --connectivity 26")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
    /// Where to write the labels: .tif, .npy, .raw
    #[arg(short, long, value_name = "LABELS")]
    output: PathBuf,
    /// Which voxels are neighbours
    #[arg(long, value_name = "6|18|26", default_value = "6")]
    connectivity: Stencil,
    #[command(flatten)]
    splitting: Splitting,
}

/// How touching objects are parted.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Splitting")]
pub(crate) struct Splitting {
    /// A neck narrower than this share of the smaller object's radius parts two objects
    #[arg(long, value_name = "SHARE", default_value_t = SplitOptions::default().neck)]
    pub(crate) neck: f64,
}

impl Splitting {
    /// Refuses options out of bounds, before any work is done.
    pub(crate) fn check(&self) -> Result<()> {
        SplitOptions { neck: self.neck, ..SplitOptions::default() }.check()
    }
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    context.check_volume(&args.output, Some(&args.input.volume))?;
    context.check_record(&args.output)?;
    args.splitting.check()?;
    let source = args.input.open()?;
    let (labels, count) = split_volume(context, source, args.connectivity, &args.splitting)?;
    let figures = Figures::default().with("labels", count).with("seconds", context.seconds());
    if context.is_first() {
        write_labels(&args.output, &labels, count)?;
    }
    context.record(&args.output, &[&args.input.volume], &figures)?;
    Ok(figures)
}

/// The labels of a mask's objects, and how many there are. Every process of a cluster splits the
/// whole, to the same labels.
pub(crate) fn split_volume(
    context: &Context,
    mask: Arc<dyn VolumeSource>,
    connectivity: Stencil,
    splitting: &Splitting,
) -> Result<(Memory, u64)> {
    let header = mask.header().clone();
    // The mask, its heights and basins, and the labels.
    let needed = header.shape.voxels().unwrap_or(u64::MAX).saturating_mul(header.dtype.bytes() as u64 + 12);
    context.afford(needed, &format!("{}: splitting", header.name))?;
    let stage = bar("read", header.shape.voxels().unwrap_or(0), context.common.quiet);
    let mask = Memory::load(&Attended::new(mask, stage), context.threads())?;
    if header.dtype.is_float() {
        // A voxel that is no number is neither inside nor outside.
        Extent::default().add(&header.name, &Region::whole(header.shape), mask.voxels())?;
    }
    heed()?;
    let options =
        SplitOptions { connectivity, neck: splitting.neck, spacing: header.spacing, ..SplitOptions::default() };
    let voxels = split(mask.voxels(), &options, context.threads())?;
    heed()?;
    let count = largest_label(&voxels);
    Ok((Memory::new(header.name, voxels, header.spacing), count))
}
