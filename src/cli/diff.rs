//! `septa diff`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::entry::Answer;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::cli::progress::heed;
use crate::error::{Error, Result};
use crate::graph::read::read_graph;
use crate::measure::read::read_table;
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Dtype, Voxel, Voxels, each_voxel_type, with_voxel_type};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  septa diff labels.tif other.npy --relabel\n  septa diff a/cells.csv b/cells.csv\n  \
                        septa diff a/graph.graphml b/graph.graphml"
)]
pub(crate) struct Args {
    /// A volume, a table (.csv, .parquet) or a graph (.graphml)
    a: PathBuf,
    /// Another of the same kind
    b: PathBuf,
    #[command(flatten)]
    reading: Reading,
    /// Volumes are equal where a one-to-one renaming of labels, 0 kept, makes them so
    #[arg(long)]
    relabel: bool,
}

pub(crate) fn run(_context: &Context, args: &Args) -> Result<Answer> {
    let (difference, what) = match (kind(&args.a), kind(&args.b)) {
        (Kind::Volume, Kind::Volume) => (volumes(args)?, "volumes"),
        (Kind::Table, Kind::Table) => (tables(&args.a, &args.b)?, "tables"),
        (Kind::Graph, Kind::Graph) => (graphs(&args.a, &args.b)?, "graphs"),
        _ => {
            let both = format!("{} and {}", args.a.display(), args.b.display());
            return Err(Error::usage(format!("{both}: not of one kind: give two volumes, tables or graphs")));
        }
    };
    let figures = Figures::default().with("equal", difference.is_none()).with("compared", what);
    let positive = difference.is_none();
    Ok(Answer { figures: figures.with("difference", difference), positive })
}

enum Kind {
    Volume,
    Table,
    Graph,
}

fn kind(path: &Path) -> Kind {
    match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("csv" | "parquet") => Kind::Table,
        Some("graphml") => Kind::Graph,
        _ => Kind::Volume,
    }
}

/// The first difference, in words.
fn volumes(args: &Args) -> Result<Option<String>> {
    let (a, b) = (args.reading.open(&args.a)?, args.reading.open(&args.b)?);
    let (ours, theirs) = (a.header(), b.header());
    if ours.shape != theirs.shape {
        return Ok(Some(format!("shapes: {} and {}", ours.shape, theirs.shape)));
    }
    let grid = Grid::new(ours.shape, BlockSize::Auto)?;
    let mut renaming = Renaming::default();
    for block in (0..grid.blocks()).map(crate::id::BlockId) {
        heed()?;
        let region = grid.region(block);
        let (left, right) = (a.read(&region)?, b.read(&region)?);
        let found = match args.relabel {
            true => renaming.conflict(&labels(&left, &ours.name)?, &labels(&right, &theirs.name)?),
            false => first_difference(&left, &right),
        };
        if let Some(at) = found {
            let inside = region.shape().voxel(at as u64);
            let [z, y, x] = std::array::from_fn(|axis| inside[axis] + region.start[axis]);
            let (left, right) = (left.get(inside), right.get(inside));
            return Ok(Some(format!("voxel ({z}, {y}, {x}): {left} and {right}")));
        }
    }
    Ok(None)
}

/// The raster place in the box of the first voxels that differ, whatever their types. NaN is equal
/// to NaN here: the question is whether the files say the same.
fn first_difference(left: &Voxels, right: &Voxels) -> Option<usize> {
    fn first<T: Voxel>(left: &Voxels, right: &Voxels) -> Option<usize> {
        let (left, right) = (left.view::<T>()?, right.view::<T>()?);
        left.iter().zip(right).position(|(left, right)| left != right && !(left.is_nan() && right.is_nan()))
    }
    let wide = match (left.dtype(), right.dtype()) {
        (left, right) if left == right => left,
        (Dtype::U64, other) | (other, Dtype::U64) if !other.is_float() => {
            // No type holds both: a negative number equals no unsigned one.
            let found = first_negative(left).into_iter().chain(first_negative(right)).min();
            let rest = first::<u64>(&left.cast(Dtype::U64), &right.cast(Dtype::U64));
            return found.into_iter().chain(rest).min();
        }
        (Dtype::F32 | Dtype::F64, Dtype::F32 | Dtype::F64) => Dtype::F64,
        (Dtype::F32 | Dtype::F64, _) => return first_not_whole(right, left),
        (_, Dtype::F32 | Dtype::F64) => return first_not_whole(left, right),
        _ => Dtype::I64,
    };
    let (left, right) = (left.cast(wide), right.cast(wide));
    with_voxel_type!(wide, T => first::<T>(&left, &right))
}

/// The raster place of the first float that is not the integer beside it, to the last digit.
fn first_not_whole(integers: &Voxels, floats: &Voxels) -> Option<usize> {
    let floats = floats.cast(Dtype::F64);
    let floats = floats.view::<f64>()?;
    each_voxel_type!(integers, array => array.iter().zip(floats).position(|(integer, float)| {
        float.fract() != 0.0 || *float as i128 != integer.to_i128()
    }))
}

/// The raster place of the first negative voxel.
fn first_negative(voxels: &Voxels) -> Option<usize> {
    each_voxel_type!(voxels, array => array.iter().position(|value| value.to_f64() < 0.0))
}

fn labels(voxels: &Voxels, name: &str) -> Result<Vec<u64>> {
    let labels: Option<Vec<u64>> =
        each_voxel_type!(voxels, array => array.iter().map(|value| value.to_label()).collect());
    labels.ok_or_else(|| Error::input(name, "holds values that are no labels: compare without --relabel"))
}

/// A one-to-one renaming of labels, as far as it is known; 0 is always 0.
#[derive(Default)]
struct Renaming {
    there: HashMap<u64, u64>,
    back: HashMap<u64, u64>,
}

impl Renaming {
    /// The place of the first pair that contradicts those before it.
    fn conflict(&mut self, left: &[u64], right: &[u64]) -> Option<usize> {
        let mut last = (0, 0);
        left.iter().zip(right).position(|(&left, &right)| {
            if (left, right) == last {
                return false;
            }
            last = (left, right);
            (left == 0) != (right == 0)
                || *self.there.entry(left).or_insert(right) != right
                || *self.back.entry(right).or_insert(left) != left
        })
    }
}

fn tables(a: &Path, b: &Path) -> Result<Option<String>> {
    let (ours, theirs) = (read_table(a)?, read_table(b)?);
    let names = |table: &crate::measure::table::Table| {
        table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    if names(&ours) != names(&theirs) {
        return Ok(Some("the columns".into()));
    }
    if ours.rows() != theirs.rows() {
        return Ok(Some(format!("rows: {} and {}", ours.rows(), theirs.rows())));
    }
    for (left, right) in ours.columns.iter().zip(&theirs.columns) {
        for row in 0..ours.rows() {
            let (left_value, right_value) = (left.values.get(row), right.values.get(row));
            let same = left_value == right_value
                || left_value.zip(right_value).is_some_and(|(l, r)| l.to_f64().is_nan() && r.to_f64().is_nan());
            if !same {
                return Ok(Some(format!("column {}, row {}", left.name, row + 1)));
            }
        }
    }
    Ok(None)
}

fn graphs(a: &Path, b: &Path) -> Result<Option<String>> {
    let (ours, theirs) = (read_graph(a)?, read_graph(b)?);
    let difference = if ours.directed != theirs.directed {
        Some("the direction of edges")
    } else if ours.nodes != theirs.nodes {
        Some("the nodes")
    } else if ours.edges != theirs.edges {
        Some("the edges")
    } else if ours.node_columns != theirs.node_columns {
        Some("the attributes of nodes")
    } else if ours.edge_columns != theirs.edge_columns {
        Some("the attributes of edges")
    } else {
        None
    };
    Ok(difference.map(str::to_string))
}
