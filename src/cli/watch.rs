//! `septa watch`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::common::Bytes;
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::cli::progress;
use crate::error::{Error, Kind, Result};
use crate::incremental::change::Event;
use crate::incremental::series::{JOURNAL, Series, Taken};
use crate::incremental::settings::Rules;
use crate::incremental::told::FILES;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Want};
use crate::stream::folder::{Arrival, Folder, Settle};
use crate::stream::name::parse;
use crate::stream::scan::{Key, Scan};
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::shape::Shape;
use crate::volume::threshold::Threshold;

/// Edge of a block where none is given: small changes cost little, and faces are few.
const BLOCK: usize = 64;
/// How long nothing is looked at but the folder.
const PATIENCE: Duration = Duration::from_millis(200);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every file is a scan, and the last number in its name its time: scan_012.tif is of time 12. It is\n\
                        of the whole volume, or of the part that its name tells: t12@0-64,,.tif (half-open z,y,x).\n\
                        DIR gets cells.csv and contacts.csv, with the rows of each time, and events.jsonl. The same\n\
                        command goes on where it ended, however it ended.\n\n\
                        Examples:\n  \
                        mkdir -p incoming; septa phantom cells -o incoming/cells_1.tif --shape 48,48,48 --force\n  \
                        septa watch incoming -o watched --labels --idle 0\n  \
                        septa watch incoming -o watched --labels --idle 0 --json --force"
)]
pub(crate) struct Args {
    /// The folder that scans come into
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    /// The folder for the tables, the events, and the journal of what was taken
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    cells: Cells,
    /// The volume that scans are of, or parts of [default: the shape of the first]
    #[arg(long, value_name = "Z,Y,X")]
    volume: Option<Shape>,
    /// A file is whole when it has not changed for so long, was renamed, or NAME.done lies beside it
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    settle: f64,
    /// Only what was renamed or has its NAME.done is whole
    #[arg(long, conflicts_with = "settle")]
    marked: bool,
    /// How long the journal may become: a scan that comes late is taken where its successors are in it
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    history: Bytes,
    /// End when so many scans were taken
    #[arg(long, value_name = "N")]
    scans: Option<u64>,
    /// End when nothing came for so long
    #[arg(long, value_name = "SECONDS")]
    idle: Option<f64>,
}

/// What cells are.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cells")]
struct Cells {
    /// The voxels of a label are a cell [default: components of the voxels that are not zero]
    #[arg(long, conflicts_with_all = ["multilabel", "background", "threshold"])]
    labels: bool,
    /// Components of voxels of equal value
    #[arg(long, conflicts_with_all = ["background", "threshold"])]
    multilabel: bool,
    /// Components of the voxels that are zero (or, with a threshold, at or below it)
    #[arg(long)]
    background: bool,
    /// Components of the voxels above this number
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    threshold: Option<Threshold>,
    /// Which voxels are neighbours: those that share a face (6), an edge (18), a corner (26)
    #[arg(long, value_name = "6|18|26", default_value = "6")]
    connectivity: Stencil,
    /// Only volume, box, centroid, inertia and axes of cells: no neighbours, surfaces and Euler numbers
    #[arg(long)]
    moments: bool,
}

impl Cells {
    fn rules(&self) -> Result<Rules> {
        let threshold = match self.threshold {
            Some(Threshold::Otsu) => {
                return Err(Error::usage("--threshold otsu would be another for each scan: give a number"));
            }
            Some(Threshold::Value(value)) => Some(value),
            None => None,
        };
        let select = match (threshold, self.background) {
            _ if self.labels || self.multilabel => Select::Labels,
            (Some(threshold), false) => Select::Above(threshold),
            (Some(threshold), true) => Select::AtMost(threshold),
            (None, true) => Select::Zero,
            (None, false) => Select::NonZero,
        };
        let cells = if self.moments { Detail::Moments } else { Detail::Shape };
        let want = Want { cells, contacts: Some(self.connectivity) };
        Ok(Rules { select, join: (!self.labels).then_some(self.connectivity), want })
    }
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    if context.workers.processes() > 1 {
        return Err(Error::usage("watch runs in one process: leave -n out, and give it workers with -w"));
    }
    let rules = args.cells.rules()?;
    let (settle, idle) = (seconds("--settle", Some(args.settle))?, seconds("--idle", args.idle)?);
    let settle = Settle { after: settle.filter(|_| !args.marked) };
    let mut folder = Folder::watch(&args.source, settle)?;
    prepare(context, args)?;
    let series = Series::resume(context.runtime()?, &args.output, &rules, args.history.0)?;
    // What was begun and took nothing may have been begun with what is no scan.
    let series = match series.filter(|series| series.scans() > 0) {
        None => clear(&args.output).map(|()| None)?,
        series => series,
    };
    let mut watch = Watch { context, args, rules, series, taken: 0, failed: BTreeMap::new() };
    watch.agrees()?;
    let mut last = Instant::now();
    let interrupted = loop {
        if progress::heed().is_err() {
            break true;
        }
        if args.scans.is_some_and(|scans| watch.taken >= scans) {
            break false;
        }
        let knows = |name: &str, stamp| watch.series.as_ref().is_some_and(|series| series.knows(name, stamp));
        let arrivals = folder.arrivals(knows, idle.map_or(PATIENCE, |idle| idle.min(PATIENCE)))?;
        if !arrivals.is_empty() {
            watch.arrived(arrivals)?;
            last = Instant::now();
        }
        last = last.max(folder.changed());
        let settling = folder.is_waiting() && !args.marked;
        if idle.is_some_and(|idle| last.elapsed() >= idle) && !settling {
            break false;
        }
    };
    watch.end(interrupted)
}

/// A time that was given in seconds.
fn seconds(name: &str, seconds: Option<f64>) -> Result<Option<Duration>> {
    let duration = |seconds: f64| {
        let wrong = |_| Error::usage(format!("{name} {seconds}: give seconds from 0 up"));
        Duration::try_from_secs_f64(seconds).map_err(wrong)
    };
    seconds.map(duration).transpose()
}

/// Makes the folder of the outputs, empty where all is to begin anew.
fn prepare(context: &Context, args: &Args) -> Result<()> {
    let output = &args.output;
    if output.exists() && !output.is_dir() {
        return Err(Error::usage(format!("{}: is a file: give a folder", output.display())));
    }
    let place = |path: &Path| path.canonicalize().ok();
    std::fs::create_dir_all(output).map_err(|cause| Error::writing(output, cause))?;
    if place(output) == place(&args.source) {
        return Err(Error::usage(format!("{}: scans come there: give the outputs another folder", output.display())));
    }
    if context.common.force { clear(output) } else { Ok(()) }
}

/// Removes what a watch has written.
fn clear(output: &Path) -> Result<()> {
    for name in FILES.iter().chain(&[JOURNAL, "run.json"]) {
        let path = output.join(name);
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(Error::writing(&path, cause)),
            _ => {}
        }
    }
    Ok(())
}

struct Watch<'a> {
    context: &'a Context,
    args: &'a Args,
    rules: Rules,
    series: Option<Series<'a>>,
    taken: u64,
    /// Why scans could not be taken, by name.
    failed: BTreeMap<String, String>,
}

impl<'a> Watch<'a> {
    /// Refuses to go on with a series of another volume.
    fn agrees(&self) -> Result<()> {
        let Some(series) = &self.series else { return Ok(()) };
        let was = series.session().settings().grid.shape();
        match self.args.volume.filter(|volume| *volume != was) {
            None => Ok(()),
            Some(volume) => Err(Error::usage(format!(
                "{}: was begun with --volume {was}, not {volume}: use another folder, or --force to begin anew",
                self.args.output.display()
            ))),
        }
    }

    /// Takes what arrived, in order of time.
    fn arrived(&mut self, arrivals: Vec<Arrival>) -> Result<()> {
        let mut scans = Vec::new();
        for arrival in arrivals {
            match self.open(&arrival) {
                Ok(scan) => scans.push((scan, arrival)),
                Err(error) => self.fails(&arrival, &error),
            }
        }
        scans.sort_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        for (scan, arrival) in scans {
            if progress::heed().is_err() || self.args.scans.is_some_and(|scans| self.taken >= scans) {
                return Ok(());
            }
            match self.take(&scan) {
                Ok(()) => drop(self.failed.remove(&arrival.name)),
                Err(error) if matches!(error.kind(), Kind::Input | Kind::Usage) => self.fails(&arrival, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says why a scan is not taken, and waits for it to change.
    fn fails(&mut self, arrival: &Arrival, error: &Error) {
        let yet = if arrival.said { "" } else { " (looked at again when it changes)" };
        tracing::warn!("{}{yet}", error.message());
        self.failed.insert(arrival.name.clone(), error.message().to_owned());
    }

    fn open(&self, arrival: &Arrival) -> Result<Scan> {
        let stem = match arrival.path.is_dir() {
            true => Path::new(&arrival.name),
            false => Path::new(Path::new(&arrival.name).file_stem().unwrap_or_default()),
        };
        let (time, part) = parse(&stem.to_string_lossy())?;
        let key = Key { time, name: arrival.name.clone() };
        Ok(Scan { key, part, source: self.args.reading.open(&arrival.path)?, stamp: arrival.stamp })
    }

    fn take(&mut self, scan: &Scan) -> Result<()> {
        let began = Instant::now();
        if self.series.is_none() {
            self.series = Some(self.begin(scan)?);
        }
        let series = self.series.as_mut().expect("it was begun");
        let taken = match series.take(scan) {
            // What was begun with a scan that is none is not gone on with.
            Err(error) if series.scans() == 0 => {
                self.series = None;
                clear(&self.args.output)?;
                return Err(error);
            }
            taken => taken?,
        };
        self.taken += u64::from(taken.is_some());
        let blocks = series.session().settings().grid.blocks();
        tell(&scan.key, taken.as_ref(), blocks, began.elapsed().as_secs_f64(), self.context)
    }

    /// Begins a series with its first scan.
    fn begin(&self, scan: &Scan) -> Result<Series<'a>> {
        let header = scan.source.header();
        let shape = match (self.args.volume, scan.part) {
            (Some(volume), _) => volume,
            (None, None) => header.shape,
            (None, Some(_)) => {
                return Err(Error::usage(format!("{}: is a part: tell of what volume with --volume", header.name)));
            }
        };
        let block = match self.context.common.block {
            BlockSize::Auto => BlockSize::Edge(BLOCK),
            block => block,
        };
        let settings = self.rules.settings(Grid::new(shape, block)?);
        Series::begin(self.context.runtime()?, &self.args.output, settings, header.spacing, self.args.history.0)
    }

    /// The figures, or why the watch did not end well.
    fn end(self, interrupted: bool) -> Result<Figures> {
        let scans = self.series.as_ref().map_or(0, Series::scans);
        self.series.as_ref().map_or(Ok(()), Series::sync)?;
        let figures = Figures::default()
            .with("scans", scans)
            .with("taken", self.taken)
            .with("failed", self.failed.len())
            .with("seconds", self.context.seconds());
        let record = self.args.output.join("run.json");
        crate::cli::record::write(&record, self.context, &[], &figures)?;
        if interrupted {
            let what = format!("interrupted: {scans} scans were taken, and the same command goes on with them");
            return Err(Error::new(Kind::Interrupted, what));
        }
        if let Some(why) = self.failed.values().next() {
            let what = format!("{} of the scans could not be taken: {why}", self.failed.len());
            return Err(Error::new(Kind::Input, what));
        }
        // Each scan was told of in a line of its own.
        Ok(if self.context.common.json { Figures::default() } else { figures })
    }
}

/// Tells of a scan in a line.
fn tell(key: &Key, taken: Option<&Taken>, blocks: u32, seconds: f64, context: &Context) -> Result<()> {
    let counted =
        |of: fn(&Event) -> bool| taken.map_or(0, |taken| taken.change.events.iter().filter(|event| of(event)).count());
    let appeared = counted(|event| matches!(event, Event::Appeared { .. }));
    let vanished = counted(|event| matches!(event, Event::Vanished { .. }));
    let merged = counted(|event| matches!(event, Event::Merged { .. }));
    let split = counted(|event| matches!(event, Event::Split { .. }));
    let resized = counted(|event| matches!(event, Event::Resized { .. }));
    let line = match (context.common.json, taken) {
        (true, _) => Figures::default()
            .with("scan", &key.name)
            .with("time", key.time)
            .with("repeated", taken.is_none())
            .with("late", taken.is_some_and(|taken| taken.late))
            .with("blocks", taken.map_or(0, |taken| taken.change.blocks))
            .with("cells", taken.map(|taken| taken.cells))
            .with("contacts", taken.map(|taken| taken.contacts))
            .with("appeared", appeared)
            .with("vanished", vanished)
            .with("merged", merged)
            .with("split", split)
            .with("resized", resized)
            .with("seconds", seconds)
            .to_json()
            .to_string(),
        (false, None) => format!("{}  came again, the same", key.name),
        (false, Some(taken)) => {
            let late = if taken.late { "  late" } else { "" };
            let events = [(appeared, "new"), (vanished, "gone"), (merged, "merged"), (split, "split")];
            let events: Vec<String> =
                events.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
            let events = if events.is_empty() { String::new() } else { format!(" ({})", events.join(", ")) };
            let Taken { cells, contacts, change, .. } = taken;
            format!(
                "{}  {cells} cells{events}, {contacts} contacts, {} of {blocks} blocks changed, {seconds:.3} s{late}",
                key.name, change.blocks
            )
        }
    };
    if context.common.quiet && !context.common.json {
        return Ok(());
    }
    let mut out = anstream::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        // Where nobody reads on the tables are written all the same.
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::writing(Path::new("standard output"), cause))
        }
        _ => Ok(()),
    }
}
