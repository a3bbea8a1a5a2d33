//! The series of a watch: takes scans, tells of each in a line, and ends in order.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::progress;
use crate::cli::record;
use crate::cli::watch::Args;
use crate::error::{Error, Kind, Result};
use crate::incremental::change::Event;
use crate::incremental::claim::Claim;
use crate::incremental::series::{Keeping, Series, Taken};
use crate::incremental::settings::Rules;
use crate::stream::scan::{Key, Scan, Stamp};
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::shape::Shape;

/// Edge of a block where none is given: small changes cost little, and faces are few.
const BLOCK: usize = 64;

/// A series that goes on, or begins with the first scan.
pub(crate) struct Watching<'a> {
    context: &'a Context,
    args: &'a Args,
    rules: Rules,
    /// The output is of this process for as long as it watches.
    claim: Claim,
    series: Option<Series<'a>>,
    taken: u64,
    /// Why scans could not be taken, by name.
    failed: BTreeMap<String, String>,
}

impl<'a> Watching<'a> {
    /// Goes on with the series of the output, where there is one.
    pub(crate) fn begin(context: &'a Context, args: &'a Args, rules: Rules) -> Result<Self> {
        let output = &args.output;
        if output.exists() && !output.is_dir() {
            return Err(Error::usage(format!("{}: is a file: give a folder", output.display())));
        }
        std::fs::create_dir_all(output).map_err(|cause| Error::writing(output, cause))?;
        let claim = Claim::of(output)?;
        if context.common.force {
            claim.clear()?;
        }
        let series = Series::resume(context.runtime()?, &claim, &rules, keeping(args))?;
        // What was begun and took nothing may have been begun with what is no scan.
        let series = match series {
            Some(series) if series.scans() == 0 => {
                drop(series);
                claim.clear()?;
                None
            }
            series => series,
        };
        let was = series.as_ref().map(|series| series.session().settings().grid.shape());
        if let (Some(was), Some(volume)) = (was, args.volume.filter(|volume| Some(*volume) != was)) {
            let what = format!("was begun with --volume {was}, not {volume}");
            let remedy = "use another folder, or --force to begin anew";
            return Err(Error::usage(format!("{}: {what}: {remedy}", output.display())));
        }
        Ok(Self { context, args, rules, claim, series, taken: 0, failed: BTreeMap::new() })
    }

    /// Whether a scan of this name that looked so was taken.
    pub(crate) fn knows(&self, name: &str, stamp: Stamp) -> bool {
        self.series.as_ref().is_some_and(|series| series.knows(name, stamp))
    }

    /// Scans in the series, also those of earlier processes.
    pub(crate) fn scans(&self) -> u64 {
        self.series.as_ref().map_or(0, |series| series.scans() as u64)
    }

    /// Takes a scan and tells of it in a line: its figures, or why it cannot be taken. `volume` is what
    /// it says that it is of.
    ///
    /// # Errors
    /// Where the series cannot go on.
    pub(crate) fn take(&mut self, scan: &Scan, volume: Option<Shape>) -> Result<Result<Figures>> {
        let began = Instant::now();
        self.anew_for(scan)?;
        let taken = match &mut self.series {
            Some(series) => agrees(series, scan, volume).and_then(|()| series.take(scan)),
            None => self.first(scan, volume).and_then(|series| self.series.insert(series).take(scan)),
        };
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) if !matches!(error.kind(), Kind::Input | Kind::Usage) => return Err(error),
            Err(error) => {
                // What was begun with a scan that is none is not gone on with.
                if self.series.as_ref().is_some_and(|series| series.scans() == 0) {
                    self.series = None;
                    self.claim.clear()?;
                }
                return Ok(Err(error));
            }
        };
        self.taken += u64::from(taken.is_some());
        self.failed.remove(&scan.key.name);
        let figures = figures(&scan.key, taken.as_ref(), began.elapsed().as_secs_f64());
        self.tell(&scan.key, taken.as_ref(), &figures)?;
        Ok(Ok(figures))
    }

    /// Lets go of a series whose only scan comes again in another shape: it was not whole when it gave
    /// the volume its shape.
    fn anew_for(&mut self, scan: &Scan) -> Result<()> {
        let Some(series) = &self.series else { return Ok(()) };
        let shape = series.session().settings().grid.shape();
        let only = series.scans() == 1 && series.has(&scan.key.name);
        if only && self.args.volume.is_none() && scan.part.is_none() && scan.source.header().shape != shape {
            self.series = None;
            self.claim.clear()?;
        }
        Ok(())
    }

    /// Begins a series with its first scan.
    fn first(&self, scan: &Scan, volume: Option<Shape>) -> Result<Series<'a>> {
        let header = scan.source.header();
        let shape = self.args.volume.or(volume).or(scan.part.is_none().then_some(header.shape));
        let Some(shape) = shape else {
            let what = "is a part: tell of what volume with --volume (or, in a message, with volume)";
            return Err(Error::usage(format!("{}: {what}", header.name)));
        };
        let block = match self.context.common.block {
            BlockSize::Auto => BlockSize::Edge(BLOCK),
            block => block,
        };
        let settings = self.rules.settings(Grid::new(shape, block)?);
        let series = Series::begin(self.context.runtime()?, &self.claim, settings, header.spacing, keeping(self.args))?;
        agrees(&series, scan, volume)?;
        Ok(series)
    }

    /// Keeps in mind that a scan could not be taken.
    pub(crate) fn fails(&mut self, name: &str, error: &Error) {
        self.failed.insert(name.to_owned(), error.message().to_owned());
    }

    /// The figures, or why the watch did not end well.
    pub(crate) fn end(self, interrupted: bool) -> Result<Figures> {
        let scans = self.series.as_ref().map_or(0, Series::scans);
        self.series.as_ref().map_or(Ok(()), Series::sync)?;
        let figures = Figures::default()
            .with("scans", scans)
            .with("taken", self.taken)
            .with("failed", self.failed.len())
            .with("seconds", self.context.seconds());
        record::write(&self.args.output.join("run.json"), self.context, &[], &figures)?;
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

    /// Tells of a scan in a line.
    fn tell(&self, key: &Key, taken: Option<&Taken>, figures: &Figures) -> Result<()> {
        let common = &self.context.common;
        if common.quiet && !common.json {
            return Ok(());
        }
        let line = if common.json { figures.to_json().to_string() } else { self.line(key, taken, figures) };
        let mut out = anstream::stdout().lock();
        match writeln!(out, "{line}").and_then(|()| out.flush()) {
            // Where nobody reads on the tables are written all the same.
            Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Error::writing(Path::new("standard output"), cause))
            }
            _ => Ok(()),
        }
    }

    /// The line for people.
    fn line(&self, key: &Key, taken: Option<&Taken>, figures: &Figures) -> String {
        let Some(Taken { cells, contacts, change, late }) = taken else {
            return format!("{}  came again, the same", key.name);
        };
        let figures = figures.to_json();
        let events = [("appeared", "new"), ("vanished", "gone"), ("merged", "merged"), ("split", "split")];
        let told = |(name, what)| figures[name].as_u64().filter(|n| *n > 0).map(|n| format!("{n} {what}"));
        let events: Vec<String> = events.into_iter().filter_map(told).collect();
        let events = if events.is_empty() { String::new() } else { format!(" ({})", events.join(", ")) };
        let blocks = self.series.as_ref().map_or(0, |series| series.session().settings().grid.blocks());
        let (changed, seconds) = (change.blocks, figures["seconds"].as_f64().unwrap_or(0.0));
        let late = if *late { "  late" } else { "" };
        format!(
            "{}  {cells} cells{events}, {contacts} contacts, {changed} of {blocks} blocks changed, {seconds:.3} s{late}",
            key.name
        )
    }
}

/// The figures of a scan; of one that came again there are none but its name.
fn figures(key: &Key, taken: Option<&Taken>, seconds: f64) -> Figures {
    let counted =
        |of: fn(&Event) -> bool| taken.map_or(0, |taken| taken.change.events.iter().filter(|event| of(event)).count());
    Figures::default()
        .with("scan", &key.name)
        .with("time", key.time)
        .with("repeated", taken.is_none())
        .with("late", taken.is_some_and(|taken| taken.late))
        .with("blocks", taken.map_or(0, |taken| taken.change.blocks))
        .with("cells", taken.map(|taken| taken.cells))
        .with("contacts", taken.map(|taken| taken.contacts))
        .with("appeared", counted(|event| matches!(event, Event::Appeared { .. })))
        .with("vanished", counted(|event| matches!(event, Event::Vanished { .. })))
        .with("merged", counted(|event| matches!(event, Event::Merged { .. })))
        .with("split", counted(|event| matches!(event, Event::Split { .. })))
        .with("resized", counted(|event| matches!(event, Event::Resized { .. })))
        .with("seconds", seconds)
}

fn keeping(args: &Args) -> Keeping {
    Keeping { history: args.history.0, heed: progress::heed }
}

/// Refuses a scan that says that it is of another volume.
fn agrees(series: &Series, scan: &Scan, volume: Option<Shape>) -> Result<()> {
    let ours = series.session().settings().grid.shape();
    match volume.filter(|volume| *volume != ours) {
        None => Ok(()),
        Some(volume) => Err(Error::usage(format!("{}: is of a volume of {volume}, not of {ours}", scan.key.name))),
    }
}
