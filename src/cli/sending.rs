//! Sends volumes to a `septa watch`, one scan after the other.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::progress;
use crate::cli::send::Args;
use crate::error::{Error, Result};
use crate::stream::message::Head;
use crate::stream::name::parse;
use crate::stream::zmq::Client;
use crate::volume::memory::Memory;
use crate::volume::raw::encode;
use crate::volume::region::Region;
use crate::volume::source::{Cropped, VolumeSource};

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    let (volumes, address) = args.apart()?;
    if !args.times.is_empty() && args.times.len() != volumes.len() {
        let what = format!("--times: {} for {} volumes: give one for each", args.times.len(), volumes.len());
        return Err(Error::usage(what));
    }
    let positive = |name: &str, value: f64| match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(Error::usage(format!("{name} {value}: give a number above 0"))),
    };
    let pause = args.rate.map(|rate| positive("--rate", 1.0 / rate)).transpose()?;
    if args.slab == Some(0) {
        return Err(Error::usage("--slab 0: give at least one slice"));
    }
    let mut client = Client::new(address, positive("--patience", args.patience)?)?;
    let (mut scans, mut bytes, mut lag) = (0u32, 0, Duration::ZERO);
    let mut began = None;
    for (place, volume) in volumes.iter().enumerate() {
        let mut parts = Parts::new(args, volume, args.times.get(place).copied())?;
        while let Some((head, voxels)) = parts.next(context.threads())? {
            progress::heed()?;
            // The first is sent when it is there; the others are due from then on.
            let began = *began.get_or_insert_with(Instant::now);
            let due = pause.map(|pause| began + pause * scans);
            if let Some(due) = due {
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            client.send(&head, &voxels)?;
            lag = lag.max(due.map_or(Duration::ZERO, |due| due.elapsed()));
            scans += 1;
            bytes += voxels.len();
        }
    }
    let seconds = began.map_or(0.0, |began| began.elapsed().as_secs_f64());
    let figures = Figures::default().with("scans", scans).with("bytes", bytes).with("seconds", seconds);
    Ok(match pause {
        Some(_) => figures.with("lag", lag.as_secs_f64()),
        None => figures,
    })
}

/// The messages of a volume.
struct Parts {
    source: Arc<dyn VolumeSource>,
    head: Head,
    slab: Option<usize>,
    /// The first slice of the next.
    start: usize,
}

impl Parts {
    fn new(args: &Args, path: &Path, time: Option<f64>) -> Result<Self> {
        let source = args.reading.open(path)?;
        let header = source.header();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem =
            if path.is_dir() { name.clone() } else { path.file_stem().unwrap_or_default().to_string_lossy().into() };
        let (time, part) = match (time, parse(&stem)) {
            (Some(time), Ok((_, part))) => (time, part),
            (Some(time), Err(_)) => (time, None),
            (None, parsed) => parsed?,
        };
        // The scans of one file at two times are two.
        let scan = if args.times.is_empty() { name } else { format!("{name} at {time}") };
        let offset = part.map(|part| part.start());
        let head = Head {
            scan,
            shape: header.shape,
            dtype: header.dtype.name().into(),
            offset,
            time: Some(time),
            volume: None,
            spacing: Some(header.spacing.zyx),
            unit: Some(header.spacing.unit.to_string()),
        };
        Ok(Self { source, head, slab: args.slab, start: 0 })
    }

    /// The next message, read when it is asked for.
    fn next(&mut self, threads: usize) -> Result<Option<(Head, Bytes)>> {
        let shape = self.head.shape;
        if self.start >= shape.0[0] {
            return Ok(None);
        }
        let mut region = Region::whole(shape);
        region.start[0] = self.start;
        region.end[0] = self.slab.map_or(shape.0[0], |slab| (self.start + slab).min(shape.0[0]));
        self.start = region.end[0];
        let part = Memory::load(&Cropped::new(Arc::clone(&self.source), region)?, threads)?;
        let mut head = self.head.clone();
        if region != Region::whole(shape) {
            let [z, y, x] = self.head.offset.unwrap_or_default();
            head.scan = format!("{} slices {}", self.head.scan, region.start[0]);
            head.offset = Some([z + region.start[0], y, x]);
            head.volume = self.head.offset.is_none().then_some(shape);
            head.shape = region.shape();
        }
        Ok(Some((head, encode(part.voxels()).into())))
    }
}
