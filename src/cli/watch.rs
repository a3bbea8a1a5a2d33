//! `septa watch`: where scans come from, and when it ends.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::cli::common::Bytes;
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::cli::label::selected;
use crate::cli::progress;
#[cfg(feature = "zmq")]
use crate::cli::watch_socket::from_socket;
use crate::cli::watching::Watching;
use crate::error::{Error, Kind, Result};
use crate::incremental::settings::Rules;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Want};
use crate::stream::folder::{Arrival, Folder, Settle};
use crate::stream::name::{self, is_address};
use crate::stream::scan::{Key, Scan};
use crate::volume::shape::Shape;
use crate::volume::threshold::Threshold;

/// How long nothing is looked at but what may arrive.
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
    /// The folder that scans come into, or the address to listen at: tcp://127.0.0.1:5555
    #[arg(value_name = "SOURCE")]
    pub(crate) source: PathBuf,
    /// The folder for the tables, the events, and the journal of what was taken
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// The volume that scans are of, or parts of [default: the shape of the first that is taken]
    #[arg(long, value_name = "Z,Y,X")]
    pub(crate) volume: Option<Shape>,
    /// A file is whole when it has not changed for so long, NAME.done lies beside it, or it is renamed;
    /// one that was taken and changes is taken again
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    settle: f64,
    /// Only what has its NAME.done beside it is whole
    #[arg(long, conflicts_with = "settle")]
    marked: bool,
    /// Of a socket: those who send push (PUSH), and are not answered
    #[arg(long)]
    pub(crate) pull: bool,
    /// What the journal may grow by before it is begun anew: scans that come late are taken as long as
    /// their successors are in it
    #[arg(long, value_name = "SIZE", default_value = "256MiB")]
    pub(crate) history: Bytes,
    /// End when there are so many scans, those of earlier runs included
    #[arg(long, value_name = "N")]
    scans: Option<u64>,
    /// End when nothing came for so long
    #[arg(long, value_name = "SECONDS")]
    idle: Option<f64>,
    // Headings go on to the next: these are last.
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    cells: Cells,
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
        let select = selected(threshold, self.background, self.labels || self.multilabel);
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
    let idle = seconds("--idle", args.idle)?;
    let end = End { scans: args.scans, idle, last: Instant::now() };
    if is_address(&args.source.to_string_lossy()) {
        return from_socket(context, args, rules, end);
    }
    if args.pull {
        return Err(Error::usage("--pull is for a socket: give its address, such as tcp://127.0.0.1:5555"));
    }
    let settle = seconds("--settle", Some(args.settle))?.filter(|_| !args.marked);
    let folder = Folder::watch(&args.source, Settle { after: settle })?;
    let place = |path: &Path| path.canonicalize().ok();
    // The output need not be there yet.
    let output = args.output.ancestors().find_map(place);
    if place(&args.source).zip(output).is_some_and(|(source, output)| output.starts_with(source)) {
        let what = "lies where scans come: give the outputs another folder";
        return Err(Error::usage(format!("{}: {what}", args.output.display())));
    }
    from_folder(folder, args, Watching::begin(context, args, rules)?, end)
}

/// When a watch ends.
pub(crate) struct End {
    scans: Option<u64>,
    idle: Option<Duration>,
    /// When something came last.
    pub(crate) last: Instant,
}

impl End {
    /// Whether so many scans are enough.
    pub(crate) fn enough(&self, watching: &Watching) -> bool {
        self.scans.is_some_and(|scans| watching.scans() >= scans)
    }

    /// Whether nothing has come for long enough.
    pub(crate) fn idle(&self) -> bool {
        self.idle.is_some_and(|idle| self.last.elapsed() >= idle)
    }

    /// How long to wait for what comes next.
    pub(crate) fn wait(&self) -> Duration {
        self.idle.map_or(PATIENCE, |idle| idle.clamp(Duration::from_millis(10), PATIENCE))
    }
}

fn from_folder(mut folder: Folder, args: &Args, mut watching: Watching, mut end: End) -> Result<Figures> {
    end.last = Instant::now();
    while progress::heed().is_ok() && !end.enough(&watching) {
        let arrivals = folder.arrivals(|name, stamp| watching.knows(name, stamp), end.wait())?;
        let some = !arrivals.is_empty();
        let mut named = Vec::new();
        for arrival in arrivals {
            match name::of(&arrival.path) {
                Ok((time, part)) => named.push((Key { time, name: arrival.name.clone() }, part, arrival)),
                // Folders are there for other things as well.
                Err(error) if arrival.path.is_dir() => tracing::info!("{}", error.message()),
                Err(error) => failed(&mut watching, &arrival, &error),
            }
        }
        named.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        for (key, part, arrival) in named {
            if progress::heed().is_err() || end.enough(&watching) {
                break;
            }
            let taken = match args.reading.open(&arrival.path) {
                Ok(source) => watching.take(&Scan { key, part, source, stamp: arrival.stamp }, None)?,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                failed(&mut watching, &arrival, &error);
            }
        }
        end.last = if some { Instant::now() } else { end.last.max(folder.changed()) };
        // What has yet to settle may be a scan.
        if end.idle() && (args.marked || !folder.is_waiting()) {
            break;
        }
    }
    watching.end(progress::heed().is_err())
}

/// Says why a scan is not taken, and waits for it to change.
fn failed(watching: &mut Watching, arrival: &Arrival, error: &Error) {
    let half = !arrival.said && error.kind() == Kind::Input;
    tracing::warn!("{}{}", error.message(), if half { " (looked at again when it changes)" } else { "" });
    watching.fails(&arrival.name, error);
}

#[cfg(not(feature = "zmq"))]
fn from_socket(_: &Context, args: &Args, _: Rules, _: End) -> Result<Figures> {
    let what = "this septa was built without the feature «zmq»: build it with --features zmq, or watch a folder";
    Err(Error::usage(format!("{}: {what}", args.source.display())))
}

/// A time that was given in seconds.
fn seconds(name: &str, seconds: Option<f64>) -> Result<Option<Duration>> {
    let duration = |seconds: f64| {
        let wrong = |_| Error::usage(format!("{name} {seconds}: give seconds from 0 up"));
        Duration::try_from_secs_f64(seconds).map_err(wrong)
    };
    seconds.map(duration).transpose()
}
