//! `septa segment`, and the options by which other verbs segment first.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::cli::written::write_volume;
use crate::error::Result;
use crate::volume::filter::{Filter, filtered};
use crate::volume::source::VolumeSource;
use crate::volume::threshold::{Threshold, Thresholded};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa segment data/foam.tif -o mask.tif --threshold otsu\n  \
                        septa segment data/foam.tif -o mask.tif --gaussian 1 --threshold 90 --below")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
    /// Where to write the mask: .tif, .npy, .raw
    #[arg(short, long, value_name = "MASK")]
    output: PathBuf,
    #[command(flatten)]
    filters: Filters,
    /// Foreground is above this: a number, or otsu
    #[arg(long, value_name = "otsu|VALUE", default_value = "otsu", allow_negative_numbers = true)]
    threshold: Threshold,
    /// Foreground is at or below the threshold instead
    #[arg(long)]
    below: bool,
}

/// Filters before a threshold, in the order median, box, Gaussian.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters")]
pub(crate) struct Filters {
    /// Median over a cube of this odd edge, in voxels
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    median: Option<usize>,
    /// Mean over a cube of this odd edge, in voxels
    #[arg(long = "box", value_name = "N", allow_negative_numbers = true)]
    box_edge: Option<usize>,
    /// Gaussian of this standard deviation, in voxels
    #[arg(long, value_name = "S", allow_negative_numbers = true)]
    gaussian: Option<f64>,
}

impl Filters {
    /// The filters, in the order in which they are applied.
    fn chosen(&self) -> Vec<Filter> {
        let filters =
            [self.median.map(Filter::Median), self.box_edge.map(Filter::Box), self.gaussian.map(Filter::Gaussian)];
        filters.into_iter().flatten().collect()
    }

    /// The filters by name, for people; nothing where there are none.
    pub(crate) fn told(&self) -> Option<(String, String)> {
        let names: Vec<String> = self.chosen().iter().map(ToString::to_string).collect();
        (!names.is_empty()).then(|| ("Filters".into(), names.join(", ")))
    }

    /// The volume through the filters; in memory where that saves filtering it twice.
    pub(crate) fn apply(&self, context: &Context, source: Arc<dyn VolumeSource>) -> Result<Arc<dyn VolumeSource>> {
        let filters = self.chosen();
        if filters.is_empty() {
            return Ok(source);
        }
        let source = context.resident(source, "read")?;
        context.resident(filtered(source, &filters)?, "filter")
    }
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    context.check_volume(&args.output, Some(&args.input.volume))?;
    context.check_record(&args.output)?;
    let source = args.filters.apply(context, args.input.open()?)?;
    let source = match args.threshold {
        Threshold::Otsu => context.resident(source, "read")?,
        Threshold::Value(_) => context.readable(source)?,
    };
    let threshold = args.threshold.resolve(&*source, context.threads())?;
    let mask: Arc<dyn VolumeSource> = Arc::new(Thresholded::new(source, threshold, args.below));
    let foreground = write_volume(context, &mask, &args.output, mask.header().spacing, "segment")?;
    let voxels = mask.header().shape.voxels().unwrap_or(0);
    let figures = Figures::default()
        .with("threshold", threshold)
        .with("foreground", foreground)
        .with("volume_fraction", foreground as f64 / voxels as f64)
        .with("seconds", context.seconds());
    context.record(&args.output, &[&args.input.volume], &figures)?;
    Ok(figures)
}
