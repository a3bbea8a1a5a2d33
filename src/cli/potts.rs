//! `septa potts`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::cli::potts_contacts::Touching;
use crate::cli::potts_frames::{Kept, Movie, Series};
use crate::cli::potts_parameters::{HELP, Names, Parameters};
use crate::cli::progress::{bar, heed};
use crate::cli::run_saving::Saving;
use crate::cli::written::Written;
use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::lattice::tiling::Tiling;
use crate::measure::table::{Column, Table};
use crate::measure::write::write_table;
use crate::programs::potts::piff::Piff;
use crate::programs::potts::random::{RandomSpins, largest};
use crate::programs::potts::run::{Attend, Frames, Potts};
use crate::programs::potts::tally::Row;
use crate::volume::grid::Grid;
use crate::volume::region::RegionSpec;
use crate::volume::shape::Shape;
use crate::volume::source::{Header, VolumeSource};

/// Bytes that a session takes for a contact, while a commit changes all of them.
const CONTACT: u64 = 500;

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Labels to begin with: TIFF, a folder of TIFF or PNG slices, .npy, .raw; or cells as boxes: .piff
    #[arg(value_name = "LABELS", required_unless_present = "random", conflicts_with = "random")]
    volume: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Only this part: z0:z1,y0:y1,x0:x1, half-open, any end may be left out
    #[arg(long, value_name = "REGION", help_heading = "Input", conflicts_with = "random")]
    roi: Option<RegionSpec>,
    /// Begin with a volume of this size, every voxel a label of its own
    #[arg(long, value_name = "Z,Y,X", help_heading = "Input")]
    random: Option<Shape>,
    /// With --random: labels 1..=Q, drawn by chance
    #[arg(long, value_name = "Q", help_heading = "Input", requires = "random")]
    spins: Option<u32>,
    /// Where to write the labels in the end: .tif, .npy, .raw
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// Where to write a row after every interval: cells, volume, energy, acceptance
    #[arg(long, value_name = "TABLE")]
    table: Option<PathBuf>,
    /// A folder for the labels after every interval before the last, as sweep_N.tif
    #[arg(long, value_name = "DIR")]
    series: Option<PathBuf>,
    /// A movie of the slice in the middle, a frame for each of those times: an animated .png
    #[arg(long, value_name = "PNG", conflicts_with = "checkpoint")]
    movie: Option<PathBuf>,
    /// Where to write the contacts of cells at each of those times, by faces within the volume
    #[arg(long, value_name = "TABLE", conflicts_with = "checkpoint")]
    contacts: Option<PathBuf>,
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    saving: Saving,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    args.check(context)?;
    let Start { source, spins, names } = args.source(context)?;
    let header = source.header().clone();
    let shape = header.shape;
    let run = args.parameters.resolve(shape, spins, names.as_ref(), context.common.seed)?;
    let voxels = shape.voxels().unwrap_or(u64::MAX);
    let (processes, sweeps) = (context.workers.processes() as u64, run.sweeps);
    let beside = match args.random {
        None if source.is_resident() => voxels.saturating_mul(header.dtype.bytes() as u64),
        _ => 0,
    };
    let bytes = (voxels.saturating_mul(5) / processes).saturating_add(beside);
    context.afford(bytes, &format!("{}: a volume of {shape}", header.name))?;
    let grid = Potts::grid(shape, context.common.block)?;
    let kept = Arc::new(args.kept(context, &header, grid, sweeps)?);
    if kept.movie.is_some() || kept.touching.is_some() {
        for block in (0..grid.blocks()).map(BlockId) {
            kept.put(0, &grid.region(block), &source.read(&grid.region(block))?)?;
        }
    }
    let tiling = Tiling::with_grid(source, grid)?;
    let mut potts = Potts::new(run.model, grid, sweeps, run.interval)?;
    if args.series.is_some() || args.movie.is_some() || args.contacts.is_some() {
        potts = potts.with_frames(if kept.is_anything() { kept.frames() } else { Frames::Away });
    }
    let bar = bar("potts", voxels.saturating_mul(sweeps) / processes, context.common.quiet);
    let moved = bar.clone();
    potts = potts.with_attendance(Attend(Arc::new(move |visits| {
        moved.inc(visits);
        heed()
    })));
    let (config, steps) = args.saving.config(None);
    let written = Written::new(&args.output, shape, header.spacing);
    let rows = Arc::new(Mutex::new(Vec::new()));
    let (into, told, last) = (written.clone(), Arc::clone(&rows), Arc::clone(&kept));
    let report = context.runtime()?.run(&tiling, &potts, &config, move |_, made| {
        told.lock().unwrap_or_else(PoisonError::into_inner).extend(made.rows);
        last.put(sweeps, &made.region, &made.spins)?;
        into.put(&made.region, &made.spins)
    })?;
    bar.finish_and_clear();
    written.finish()?;
    let rows: Vec<Row> = std::mem::take(&mut *rows.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(path) = args.table.as_ref().filter(|_| context.is_first()) {
        write_table(path, &table(&rows, voxels)?)?;
    }
    kept.movie.iter().try_for_each(Movie::finish)?;
    if let (Some(path), Some(touching)) = (&args.contacts, &kept.touching) {
        write_table(path, &touching.table()?)?;
    }
    let (visits, taken) = rows.iter().fold((0, 0), |(visits, taken), row| (visits + row.visits, taken + row.taken));
    let last = rows.last();
    let mut figures = Figures::default()
        .with("sweeps", sweeps)
        .with("cells", last.map(|row| row.cells))
        .with("energy", last.map(|row| row.energy))
        .with("acceptance", (visits > 0).then(|| taken as f64 / visits as f64))
        .with("visits", visits)
        .with("seconds", report.seconds)
        .and(steps.figures(report.supersteps));
    if args.saving.resumes() {
        figures = figures.with("resumed", report.resumed);
    }
    context.record(&args.output, &args.inputs(), &figures)?;
    Ok(figures)
}

impl Args {
    fn inputs(&self) -> Vec<&Path> {
        let inputs = self
            .volume
            .iter()
            .chain(&self.parameters.parameters)
            .chain(&self.parameters.types)
            .chain(&self.parameters.field);
        inputs.map(PathBuf::as_path).collect()
    }

    /// Refuses what makes no sense, before anything is read.
    fn check(&self, context: &Context) -> Result<()> {
        let outputs: Vec<&Path> = std::iter::once(&self.output)
            .chain(&self.table)
            .chain(&self.contacts)
            .chain(&self.movie)
            .map(PathBuf::as_path)
            .collect();
        context.check_distinct(&outputs)?;
        context.check_volume(&self.output, None)?;
        self.table.iter().chain(&self.contacts).try_for_each(|path| context.check_table(path, None))?;
        if let Some(path) = &self.movie {
            context.check_drawing(path, "png", "a movie is an animated PNG: let its name end in .png", None)?;
        }
        for (output, input) in outputs.iter().flat_map(|out| self.inputs().into_iter().map(move |input| (out, input))) {
            context.check_output(output, Some(input))?;
        }
        if let Some(folder) = self.series.as_ref().filter(|_| context.is_first()) {
            let taken = folder.exists() && std::fs::read_dir(folder).map_or(true, |mut inside| inside.next().is_some());
            if taken && !(context.common.force || self.saving.resumes()) {
                let what = "is a file or holds something already: --force writes into it";
                return Err(Error::usage(format!("{}: {what}", folder.display())));
            }
        }
        context.check_record(&self.output)
    }

    /// What is kept while the run goes on: on process 0.
    fn kept(&self, context: &Context, header: &Header, grid: Grid, sweeps: u64) -> Result<Kept> {
        let (shape, spacing) = (header.shape, header.spacing);
        let here = context.is_first();
        let voxels = shape.voxels().unwrap_or(u64::MAX);
        if self.contacts.is_some() && here {
            // How many labels of a scan touch is not known; a random beginning has nearly all contacts that there may be.
            let pairs = self.spins.map_or(u64::MAX, |spins| u64::from(spins) * u64::from(spins) / 2);
            let contacts = if self.random.is_some() { voxels.saturating_mul(3).min(pairs) } else { 0 };
            let bytes = voxels.saturating_mul(9).saturating_add(contacts.saturating_mul(CONTACT));
            context.afford(bytes, &format!("{}: --contacts of {shape}", header.name))?;
        }
        let folder = self.series.as_ref().filter(|_| here);
        Ok(Kept {
            series: folder.map(|folder| Series::new(folder, shape, spacing, sweeps)).transpose()?,
            movie: self.movie.as_ref().filter(|_| here).map(|path| Movie::new(path, shape)),
            touching: self.contacts.as_ref().filter(|_| here).map(|_| Touching::new(grid, spacing)).transpose()?,
        })
    }

    /// The labels to begin with, the largest that there may be, and the names of their types where they have any.
    fn source(&self, context: &Context) -> Result<Start> {
        match (&self.volume, self.random) {
            (Some(path), _) if path.extension().is_some_and(|ending| ending == "piff") => {
                let piff = Piff::read(path, self.reading.shape)?;
                if self.roi.is_some() {
                    return Err(Error::usage("--roi is of volumes: give --shape Z,Y,X for a .piff"));
                }
                Ok(Start { source: Arc::new(piff.labels), spins: piff.most, names: Some(piff.types) })
            }
            (Some(path), _) => {
                let source = context.readable(self.reading.open_part(path, self.roi)?)?;
                let spins = largest(&*source, context.threads())?;
                Ok(Start { source, spins, names: None })
            }
            (None, Some(shape)) => {
                let random = RandomSpins::new(shape, self.spins, context.common.seed)?;
                let spins = random.most();
                Ok(Start { source: Arc::new(random), spins, names: None })
            }
            (None, None) => Err(Error::usage("give labels to begin with, or --random Z,Y,X")),
        }
    }
}

/// What a run begins with.
struct Start {
    source: Arc<dyn VolumeSource>,
    /// The largest label that there may be.
    spins: u32,
    names: Option<Names>,
}

/// A row for each time.
fn table(rows: &[Row], voxels: u64) -> Result<Table> {
    let whole = |of: fn(&Row) -> u64| rows.iter().map(|row| of(row) as i64).collect::<Vec<_>>();
    let volume = rows.iter().map(|row| voxels as f64 / row.cells as f64).collect::<Vec<_>>();
    let acceptance = rows.iter().map(|row| row.acceptance().unwrap_or(f64::NAN)).collect::<Vec<_>>();
    Table::new(
        "time",
        vec![
            Column::new("sweep", "", whole(|row| row.sweep)),
            Column::new("cells", "", whole(|row| row.cells)),
            Column::new("mean_volume", "voxel", volume),
            Column::new("energy", "", rows.iter().map(|row| row.energy).collect::<Vec<_>>()),
            Column::new("visits", "", whole(|row| row.visits)),
            Column::new("acceptance", "", acceptance),
        ],
    )
}
