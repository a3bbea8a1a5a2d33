//! `septa potts`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::cli::potts_parameters::{HELP, Parameters};
use crate::cli::progress::{bar, heed};
use crate::cli::run_saving::Saving;
use crate::cli::written::Written;
use crate::error::{Error, Result};
use crate::lattice::tiling::Tiling;
use crate::measure::table::{Column, Table};
use crate::measure::write::write_table;
use crate::programs::potts::random::{RandomSpins, largest};
use crate::programs::potts::run::{Attend, Frames, Potts};
use crate::programs::potts::tally::Row;
use crate::volume::region::{Region, RegionSpec};
use crate::volume::shape::{Shape, Spacing};
use crate::volume::source::VolumeSource;
use crate::volume::voxel::Voxels;

#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// Labels to begin with: TIFF, a folder of TIFF or PNG slices, .npy, .raw
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
    #[command(flatten)]
    parameters: Parameters,
    #[command(flatten)]
    saving: Saving,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    args.check(context)?;
    let (source, spins) = args.source(context)?;
    let header = source.header().clone();
    let shape = header.shape;
    let run = args.parameters.resolve(shape, spins, context.common.seed)?;
    let voxels = shape.voxels().unwrap_or(u64::MAX);
    let (processes, sweeps) = (context.workers.processes() as u64, run.sweeps);
    context.afford(voxels.saturating_mul(5) / processes, &format!("{}: a volume of {shape}", header.name))?;
    let grid = Potts::grid(shape, context.common.block)?;
    let tiling = Tiling::with_grid(source, grid)?;
    let mut potts = Potts::new(run.model, grid, sweeps, run.interval)?;
    if let Some(folder) = &args.series {
        potts = potts.with_frames(match context.is_first() {
            true => Series::new(folder, shape, header.spacing, sweeps)?.frames(),
            false => Frames::Away,
        });
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
    let (into, told) = (written.clone(), Arc::clone(&rows));
    let report = context.runtime()?.run(&tiling, &potts, &config, move |_, made| {
        told.lock().unwrap_or_else(PoisonError::into_inner).extend(made.rows);
        into.put(&made.region, &made.spins)
    })?;
    bar.finish_and_clear();
    written.finish()?;
    let rows: Vec<Row> = std::mem::take(&mut *rows.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(path) = args.table.as_ref().filter(|_| context.is_first()) {
        write_table(path, &table(&rows, voxels)?)?;
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
        let inputs = self.volume.iter().chain(&self.parameters.parameters).chain(&self.parameters.types);
        inputs.map(PathBuf::as_path).collect()
    }

    /// Refuses what makes no sense, before anything is read.
    fn check(&self, context: &Context) -> Result<()> {
        let outputs: Vec<&Path> = std::iter::once(&self.output).chain(&self.table).map(PathBuf::as_path).collect();
        context.check_distinct(&outputs)?;
        context.check_volume(&self.output, None)?;
        self.table.iter().try_for_each(|path| context.check_table(path, None))?;
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

    /// The labels to begin with, and the largest that there may be.
    fn source(&self, context: &Context) -> Result<(Arc<dyn VolumeSource>, u32)> {
        match (&self.volume, self.random) {
            (Some(path), _) => {
                let source = context.resident(self.reading.open_part(path, self.roi)?, "read")?;
                let most = largest(&*source, context.threads())?;
                Ok((source, most))
            }
            (None, Some(shape)) => {
                let spins = RandomSpins::new(shape, self.spins, context.common.seed)?;
                let most = spins.most();
                Ok((Arc::new(spins), most))
            }
            (None, None) => Err(Error::usage("give labels to begin with, or --random Z,Y,X")),
        }
    }
}

/// A folder of volumes, one for each sweep that is told; each appears when all blocks have given theirs.
struct Series {
    folder: PathBuf,
    shape: Shape,
    spacing: Spacing,
    /// Digits of the last sweep.
    width: usize,
    /// Volumes that are not whole yet, with the voxels they lack.
    open: Mutex<BTreeMap<u64, (Written, u64)>>,
}

impl Series {
    fn new(folder: &Path, shape: Shape, spacing: Spacing, sweeps: u64) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|cause| Error::writing(folder, cause))?;
        let (folder, width) = (folder.to_owned(), sweeps.to_string().len());
        Ok(Self { folder, shape, spacing, width, open: Mutex::new(BTreeMap::new()) })
    }

    fn frames(self) -> Frames {
        Frames::Here(Arc::new(move |sweep, region, spins| self.put(sweep, region, spins)))
    }

    fn put(&self, sweep: u64, region: &Region, spins: &Voxels) -> Result<()> {
        let open = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(format!("sweep_{sweep:0width$}.tif", width = self.width));
        let written = {
            let mut open = open();
            let fresh = || (Written::new(&path, self.shape, self.spacing), self.shape.voxels().unwrap_or(0));
            open.entry(sweep).or_insert_with(fresh).0.clone()
        };
        written.put(region, spins)?;
        let mut open = open();
        let Some((_, lacking)) = open.get_mut(&sweep) else { return Ok(()) };
        *lacking -= region.shape().voxels().unwrap_or(0);
        if *lacking > 0 {
            return Ok(());
        }
        open.remove(&sweep);
        drop(open);
        written.finish()
    }
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
