//! `septa info`.

use std::path::PathBuf;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::error::Result;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa info data/bone.tif\n  septa info data/foam.tif --json")]
pub(crate) struct Args {
    /// The volume
    volume: PathBuf,
    #[command(flatten)]
    reading: Reading,
}

pub(crate) fn run(_context: &Context, args: &Args) -> Result<Figures> {
    let source = args.reading.open(&args.volume)?;
    let header = source.header();
    Ok(Figures::default()
        .with("shape", header.shape)
        .with("dtype", header.dtype.name())
        .with("spacing", header.spacing.zyx)
        .with("unit", header.spacing.unit.symbol())
        .with("axes", &header.axes)
        .with("format", &header.format)
        .with("chunk", header.chunk)
        .with("bytes", header.bytes))
}
