//! Measures labelling, contacts and tables: septa and what it is compared with in turn, several
//! times, and the medians.
//!
//! First septa runs once on each of the runtimes, with an eye on memory, and once each of the
//! baselines: results are compared, and all is warm. Then they are timed: first runtime, baselines,
//! second runtime, and again, each called once untimed right before: on a virtual machine memory that
//! another gave back may have left the machine, and the first to ask for it would pay for all. A
//! time of septa is that from voxels in memory and started workers to
//! the result; the result is given back before the next is timed.

use std::path::PathBuf;

use serde::Serialize;

use crate::bench::case::timed;
use crate::bench::engine::known;
use crate::bench::image_op::{OPS, Op, What};
use crate::bench::memory;
use crate::bench::peers::{Peer, Peers};
use crate::bench::row::{Row, median};
use crate::bench::volumes::{Made, Make, Volume, chosen};
use crate::error::{Error, Kind, Result};
use crate::pregel::runtime::Runtime;
use crate::volume::grid::BlockSize;

/// What is to be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Which operations.
    pub what: What,
    /// Voxels along each axis of the volumes that are made.
    pub size: u32,
    /// How volumes are cut.
    pub blocks: BlockSize,
    /// How often each is timed, at least once.
    pub repeat: usize,
    /// The seed of the volumes.
    pub seed: u64,
    /// The names of the volumes, or paths of files; empty for all that are made.
    pub cases: Vec<String>,
    /// The names of the operations; empty for all.
    pub ops: Vec<String>,
    /// The Python environment with the peers; without it the baseline is a plain loop over voxels.
    pub peers: Option<PathBuf>,
}

/// All that was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Measured {
    /// The volumes.
    pub cases: Vec<Made>,
    /// The figures.
    pub rows: Vec<Row>,
}

/// Measures what is planned, on each of the runtimes. `next` is told what comes next, and may end
/// it. In a cluster every process does the same, and process 0 has the figures and the baselines.
///
/// # Errors
/// Where a name is none, results differ, the peers cannot be run, or septa fails.
pub fn measure(plan: &Plan, runtimes: &[&Runtime], mut next: impl FnMut(&str) -> Result<()>) -> Result<Measured> {
    if plan.repeat == 0 {
        return Err(Error::usage("--repeat 0: time it once at least"));
    }
    if !(8..=1600).contains(&plan.size) {
        return Err(Error::usage(format!("a size of {}: give the edge of a cube, 8 to 1600 voxels", plan.size)));
    }
    let ops: Vec<Op> = OPS.into_iter().filter(|op| op.what == plan.what).collect();
    known("operation", &plan.ops, &ops.iter().map(|op| op.name).collect::<Vec<_>>())?;
    // A mask has one cell and no contacts.
    let makes = chosen(&plan.cases, |make| plan.what == What::Label || *make == Make::Cells)?;
    let first = runtimes.iter().all(|runtime| runtime.workers().is_first());
    let peers = plan.peers.as_deref().filter(|_| first).map(Peers::find).transpose()?;
    let threads = runtimes.iter().map(|runtime| runtime.workers().per_process()).max().unwrap_or(1);
    let mut measured = Measured::default();
    for make in makes {
        next(&format!("making {}", make.name()))?;
        let volume = make.make(plan.size as usize, plan.seed, threads)?;
        if volume.voxels() > u64::from(u32::MAX) {
            return Err(Error::resource(format!("{}: the plain loops number fewer than 2^32 voxels", volume.name())));
        }
        let mut peer = peers.as_ref().map(|peers| peers.load(&volume)).transpose()?;
        for op in ops.iter().filter(|op| plan.ops.is_empty() || plan.ops.iter().any(|name| name == op.name)) {
            next(&format!("{} on {}", op.name, volume.name()))?;
            let tools = op.tools.iter().filter(|tool| peers.as_ref().is_some_and(|peers| peers.has(tool)));
            let mut timing = Timing { op, volume: &volume, plan, first, peer: peer.as_mut(), next: &mut next };
            measured.rows.extend(timing.rows(runtimes, &tools.copied().collect::<Vec<_>>())?);
        }
        measured.cases.push(volume.made());
    }
    Ok(measured)
}

/// What septa is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Baseline {
    Plain,
    Tool(&'static str),
}

/// An operation on a volume, being timed.
struct Timing<'a, N> {
    op: &'a Op,
    volume: &'a Volume,
    plan: &'a Plan,
    first: bool,
    peer: Option<&'a mut Peer>,
    next: &'a mut N,
}

impl<N: FnMut(&str) -> Result<()>> Timing<'_, N> {
    fn rows(&mut self, runtimes: &[&Runtime], tools: &[&'static str]) -> Result<Vec<Row>> {
        let mut peaks = Vec::new();
        let mut found: Option<Vec<u64>> = None;
        for runtime in runtimes {
            let forgot = memory::forget();
            let answer = self.op.run(self.volume, self.plan.blocks, runtime)?;
            peaks.push(memory::peak().filter(|_| forgot));
            let figures = answer.figures();
            let workers = format!("{} workers", runtime.workers().total());
            found.iter().try_for_each(|before| self.same(&figures, before, &workers))?;
            found = Some(figures);
        }
        let baselines = self.baselines(tools, &found.unwrap_or_default())?;
        let mut ours = vec![Vec::new(); runtimes.len()];
        let mut theirs = vec![Vec::new(); baselines.len()];
        for turn in 1..=self.plan.repeat {
            (self.next)(&format!("{} on {}: {turn} of {}", self.op.name, self.volume.name(), self.plan.repeat))?;
            for (number, (runtime, seconds)) in runtimes.iter().zip(&mut ours).enumerate() {
                if number == 1 {
                    self.time_baselines(&baselines, &mut theirs)?;
                }
                drop(self.op.run(self.volume, self.plan.blocks, runtime)?);
                let (answer, took) = timed(|| self.op.run(self.volume, self.plan.blocks, runtime));
                drop(answer?);
                seconds.push(took);
            }
            if runtimes.len() < 2 {
                self.time_baselines(&baselines, &mut theirs)?;
            }
        }
        let ours: Vec<f64> = ours.into_iter().map(median).collect();
        let theirs =
            baselines.iter().zip(theirs).map(|(baseline, seconds)| Some((self.name(*baseline), median(seconds))));
        let theirs: Vec<_> = if baselines.is_empty() { vec![None] } else { theirs.collect() };
        let rows = theirs.iter().flat_map(|baseline| {
            let both = runtimes.iter().zip(&ours).zip(&peaks);
            both.map(move |((runtime, seconds), peak)| (runtime, *seconds, *peak, baseline))
        });
        let row = |(runtime, seconds, peak, baseline): (&&Runtime, f64, Option<u64>, &Option<(String, f64)>)| Row {
            op: self.op.name.into(),
            case: self.volume.name().into(),
            workers: runtime.workers().per_process(),
            processes: runtime.workers().processes(),
            seconds,
            rate: self.volume.voxels() as f64 / seconds,
            unit: "voxels/s",
            baseline: baseline.as_ref().map(|(name, _)| name.clone()),
            baseline_seconds: baseline.as_ref().map(|(_, seconds)| *seconds),
            ratio: baseline.as_ref().map(|(_, theirs)| theirs / seconds),
            peak_rss_bytes: peak,
            engine: None,
        };
        Ok(rows.map(row).collect())
    }

    /// What there is to compare with, each called once and held to what was `found`.
    fn baselines(&mut self, tools: &[&'static str], found: &[u64]) -> Result<Vec<Baseline>> {
        let mut baselines = Vec::new();
        for &tool in tools {
            let Some(peer) = self.peer.as_mut() else { continue };
            let Some(call) = peer.call(tool, self.op.name)? else { continue };
            if let Some(count) = call.count {
                self.same(found, &[count], tool)?;
            }
            baselines.push(Baseline::Tool(tool));
        }
        if baselines.is_empty() && self.op.has_plain() && self.first {
            self.same(found, &self.op.plain(self.volume).figures(), "the plain loop")?;
            baselines.push(Baseline::Plain);
        }
        Ok(baselines)
    }

    fn time_baselines(&mut self, baselines: &[Baseline], theirs: &mut [Vec<f64>]) -> Result<()> {
        for (baseline, seconds) in baselines.iter().zip(theirs) {
            match (baseline, self.peer.as_mut()) {
                (Baseline::Tool(tool), Some(peer)) => {
                    peer.call(tool, self.op.name)?;
                    seconds.extend(peer.call(tool, self.op.name)?.map(|call| call.seconds))
                }
                _ => {
                    drop(self.op.plain(self.volume));
                    let (answer, took) = timed(|| self.op.plain(self.volume));
                    drop(answer);
                    seconds.push(took);
                }
            }
        }
        Ok(())
    }

    fn name(&self, baseline: Baseline) -> String {
        match (baseline, &self.peer) {
            (Baseline::Tool(tool), Some(peer)) => peer.name(tool),
            (Baseline::Tool(tool), None) => tool.into(),
            (Baseline::Plain, _) => "plain".into(),
        }
    }

    /// Refuses figures that differ in what both tell.
    fn same(&self, ours: &[u64], theirs: &[u64], who: &str) -> Result<()> {
        if !self.first || ours.iter().zip(theirs).all(|(ours, theirs)| ours == theirs) {
            return Ok(());
        }
        let [ours_told, theirs_told] = [ours, theirs].map(|figures| figures.first().copied().unwrap_or(0));
        let Op { name, counts, .. } = self.op;
        let what = match ours_told == theirs_told {
            true => format!("{ours_told} {counts}, and they are not those of {who}"),
            false => format!("{ours_told} {counts}, and {who} has {theirs_told}"),
        };
        Err(Error::new(Kind::Program, format!("{name} on {}: {what}", self.volume.name())))
    }
}
