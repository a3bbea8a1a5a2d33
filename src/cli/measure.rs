//! `septa measure`.

use std::path::PathBuf;

use crate::cli::contacts::summarise;
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::error::Result;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Want};
use crate::measure::shape::cells;
use crate::measure::write::write_table;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa measure data/cells.tif -o cells.csv\n  \
                        septa measure data/cells.tif --spacing 0.5,0.2,0.2 --unit um -o cells.csv")]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,
    /// Where to write one row a cell: .csv, .json (.parquet where that was built in)
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Which voxels are neighbours, for n_neighbors
    #[arg(long, value_name = "6|18|26", default_value = "6")]
    connectivity: Stencil,
    /// Only volume, box, centroid, inertia and axes: no neighbours, surfaces and Euler numbers
    #[arg(long, conflicts_with = "connectivity")]
    moments: bool,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    if let Some(path) = &args.output {
        context.check_table(path, Some(&args.input.volume))?;
        context.check_record(path)?;
    }
    let source = context.readable(args.input.open()?)?;
    let want = match args.moments {
        true => Want { cells: Detail::Moments, contacts: None },
        false => Want { cells: Detail::Shape, contacts: Some(args.connectivity) },
    };
    let summary = summarise(context, &source, want)?;
    let header = source.header();
    let table = cells(&summary, &header.spacing, header.shape, want.cells);
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let figures =
        Figures::default().with("cells", table.rows()).with("columns", names).with("seconds", context.seconds());
    if let Some(path) = &args.output {
        if context.is_first() {
            write_table(path, &table)?;
        }
        context.record(path, &[&args.input.volume], &figures)?;
    }
    Ok(figures)
}
