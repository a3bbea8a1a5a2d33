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
use crate::stream::name;
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
    let pause = match args.rate {
        None => None,
        // A scan a day is the slowest, and more than a million a second no network carries.
        Some(rate) if (1e-5..=1e6).contains(&rate) => Some(Duration::from_secs_f64(1.0 / rate)),
        Some(rate) => return Err(Error::usage(format!("--rate {rate}: give scans a second, 0.00001 to 1000000"))),
    };
    if args.slab == Some(0) {
        return Err(Error::usage("--slab 0: give at least one slice"));
    }
    if !(0.0..=1e9).contains(&args.patience) {
        return Err(Error::usage(format!("--patience {}: give seconds from 0 up to 10^9", args.patience)));
    }
    if let Some(time) = args.times.iter().find(|time| !time.is_finite()) {
        return Err(Error::usage(format!("--times {time}: give numbers")));
    }
    let mut client = Client::new(address, Duration::from_secs_f64(args.patience), progress::heed)?;
    let (mut scans, mut bytes, mut lag) = (0u32, 0, Duration::ZERO);
    let mut began = None;
    for (place, volume) in volumes.iter().enumerate() {
        let mut parts = Parts::new(args, volume, args.times.get(place).copied())?;
        while let Some((head, voxels)) = parts.next(context.threads())? {
            progress::heed()?;
            // The first is sent when it is there; the others are due from then on.
            let began = *began.get_or_insert_with(Instant::now);
            let due = pause.map(|pause| began + pause.saturating_mul(scans));
            while let Some(left) = due.and_then(|due| due.checked_duration_since(Instant::now())) {
                progress::heed()?;
                std::thread::sleep(left.min(Duration::from_millis(100)));
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
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (time, part) = match (time, name::of(path)) {
            (Some(time), Ok((_, part))) => (time, part),
            (Some(time), Err(_)) => (time, None),
            (None, parsed) => parsed?,
        };
        if part.is_some_and(|part| !part.fits(header.shape)) {
            let what = format!("holds {}; its name says another part", header.shape);
            return Err(Error::usage(format!("{}: {what}", header.name)));
        }
        // The scans of one file at two times are two.
        let scan = if args.times.is_empty() { file } else { format!("{file} at {time}") };
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
