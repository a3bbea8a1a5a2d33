//! Measures a live session: the time after a change beside that of a cold run on the whole volume.
//!
//! A session is filled with a volume of labels in blocks of 64 voxels along each axis; then voxels in
//! some of its blocks are put as others, and back, and each commit is timed together with its puts.
//! The table with shapes and the contacts by faces are kept up. `cold` is the batch run that counts
//! the same from voxels in memory; `read`, beside which a file is put that the session has already, is the
//! reading of it. In a cluster the processes share what is put, each the slabs or blocks that it draws, not
//! those that it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::bench::bridge;
use crate::bench::case::timed;
use crate::bench::engine::known;
use crate::bench::image::Measured;
use crate::bench::memory;
use crate::bench::plan::Plan;
use crate::bench::row::{Row, median};
use crate::bench::volumes::{Make, Volume, chosen};
use crate::error::{Error, Kind, Result};
use crate::id::BlockId;
use crate::incremental::session::Session;
use crate::incremental::settings::Settings;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Summary, Want};
use crate::lattice::tiling::Tiling;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::measure::Measure;
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::memory::Memory;
use crate::volume::open::{OpenOptions, open};
use crate::volume::region::Region;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type};

/// What is put: so many blocks of the grid, and how many voxels of a hundred in each are others.
const OPS: [(&str, Share, u64); 10] = [
    ("same-block", Share::Blocks(1), 0),
    ("same-volume", Share::All, 0),
    ("same-file", Share::File, 0),
    ("change-1-block", Share::Blocks(1), 1),
    ("change-10-blocks", Share::Blocks(10), 1),
    ("change-1-percent", Share::Percent(1), 1),
    ("change-10-percent", Share::Percent(10), 1),
    ("change-30-percent", Share::Percent(30), 1),
    ("change-100-percent", Share::All, 1),
    ("fill", Share::Nothing, 0),
];

/// One voxel that holds the halves of a component together, on a volume of its own.
const SPLIT: &str = "split";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    Blocks(u32),
    Percent(u32),
    All,
    /// The file of the volume, read again.
    File,
    /// Of an empty session all.
    Nothing,
}

/// The edge of the blocks of a session.
const EDGE: usize = 64;

const WANT: Want = Want { cells: Detail::Shape, contacts: Some(Stencil::N6) };

/// Measures what is planned, on each of the runtimes. `next` is told
/// what comes next, and may end it.
///
/// # Errors
/// Where a name is none, results differ, or septa fails.
pub fn measure(plan: &Plan, runtimes: &[&Runtime], mut next: impl FnMut(&str) -> Result<()>) -> Result<Measured> {
    if plan.repeat == 0 || !(8..=1600).contains(&plan.size) {
        return Err(Error::usage("time it once at least (--repeat), with volumes of 8 to 1600 voxels along each axis"));
    }
    let names: Vec<&str> = OPS.iter().map(|(name, ..)| *name).chain([SPLIT]).collect();
    known("operation", &plan.ops, &names)?;
    let wanted = |op: &str| plan.ops.is_empty() || plan.ops.iter().any(|name| name == op);
    let threads = runtimes.iter().map(|runtime| runtime.workers().per_process()).max().unwrap_or(1);
    let mut measured = Measured::default();
    if wanted(SPLIT) && plan.cases.is_empty() {
        for runtime in runtimes {
            next(&format!("{SPLIT}, {} workers", runtime.workers().total()))?;
            measured.rows.push(bridge::row(plan.size as usize, plan.repeat, EDGE, runtime)?);
        }
    }
    if !OPS.iter().any(|(op, ..)| wanted(op)) {
        return Ok(measured);
    }
    for make in chosen(&plan.cases, |make| *make == Make::Cells)? {
        next(&format!("making {}", make.name()))?;
        let volume = make.make(plan.size as usize, plan.seed, threads)?;
        for runtime in runtimes {
            measured.rows.extend(Case { plan, volume: &volume, runtime }.rows(&mut next)?);
        }
        measured.cases.push(volume.made());
    }
    Ok(measured)
}

/// A volume on some workers.
struct Case<'a> {
    plan: &'a Plan,
    volume: &'a Volume,
    runtime: &'a Runtime,
}

impl Case<'_> {
    fn rows(&self, next: &mut impl FnMut(&str) -> Result<()>) -> Result<Vec<Row>> {
        let grid = Grid::new(self.volume.shape(), BlockSize::Edge(EDGE))?;
        let workers = self.runtime.workers().total();
        let settings = Settings { grid, select: Select::Labels, join: None, want: WANT, kept: 0 };
        let mut session = Session::new(self.runtime, settings)?;
        let mut rows = Vec::new();
        let cold = self.cold()?;
        self.commit(&mut session, &[(Region::whole(grid.shape()), None)])?;
        if session.summary()? != cold {
            return Err(Error::new(
                Kind::Program,
                format!("{}: the session and a cold run differ", self.volume.name()),
            ));
        }
        for (op, share, percent) in OPS {
            let unwanted = !self.plan.ops.is_empty() && !self.plan.ops.iter().any(|name| name == op);
            let alone = self.runtime.workers().processes() == 1;
            if unwanted || (share == Share::File && (self.volume.file.is_none() || !alone)) {
                continue;
            }
            next(&format!("{op} on {}, {workers} workers", self.volume.name()))?;
            let put = self.blocks(&grid, share, percent);
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            memory::forget();
            for _ in 0..self.plan.repeat {
                if let (Share::File, Some(file)) = (share, &self.volume.file) {
                    let open = || open(file, &OpenOptions::default());
                    let threads = self.runtime.workers().per_process();
                    let (read, seconds) = timed(|| Memory::load(&*open()?, threads));
                    drop(read?);
                    theirs.push(seconds);
                    let (put, seconds) = timed(|| {
                        session.put_source(&open()?, [0; 3])?;
                        session.commit()
                    });
                    put?;
                    ours.push(seconds);
                    continue;
                }
                theirs.push(timed(|| self.cold()).1);
                if share == Share::Nothing {
                    let mut fresh = Session::new(self.runtime, settings)?;
                    let (filled, seconds) = timed(|| self.commit(&mut fresh, &[(Region::whole(grid.shape()), None)]));
                    filled?;
                    ours.push(seconds);
                    continue;
                }
                // As others, and back.
                for back in [false, true] {
                    let parts: Vec<(Region, Option<Voxels>)> =
                        put.iter().map(|(region, other)| (*region, other.clone().filter(|_| !back))).collect();
                    let (done, seconds) = timed(|| self.commit(&mut session, &parts));
                    done?;
                    ours.push(seconds);
                }
            }
            let (seconds, cold) = (median(ours), median(theirs));
            let voxels: u64 = match share {
                Share::Nothing | Share::File => self.volume.voxels(),
                _ => put.iter().filter_map(|(region, _)| region.shape().voxels()).sum(),
            };
            rows.push(Row {
                op: op.into(),
                case: self.volume.name().into(),
                workers: self.runtime.workers().per_process(),
                processes: self.runtime.workers().processes(),
                seconds,
                rate: voxels as f64 / seconds,
                unit: "voxels/s",
                baseline: Some(if share == Share::File { "read" } else { "cold" }.into()),
                baseline_seconds: Some(cold),
                ratio: Some(cold / seconds),
                peak_rss_bytes: memory::peak(),
                engine: None,
            });
        }
        if session.summary()? != cold {
            return Err(Error::new(Kind::Program, format!("{}: the session lost count", self.volume.name())));
        }
        Ok(rows)
    }

    /// Puts parts of the volume, as others or as they are, and commits; of a cluster each process its share.
    fn commit(&self, session: &mut Session<'_>, parts: &[(Region, Option<Voxels>)]) -> Result<u64> {
        let whole = self.volume.memory.voxels();
        let voxels = |(region, other): &(Region, Option<Voxels>)| {
            (other.clone().unwrap_or_else(|| whole.part(region)), region.start)
        };
        let (processes, this) = (self.runtime.workers().processes(), self.runtime.workers().process());
        let ours: Vec<(Voxels, [usize; 3])> = match parts {
            [(region, None)] if processes > 1 => {
                let mut slab = *region;
                let cut = |process: usize| region.start[0] + region.shape().0[0] * process / processes;
                (slab.start[0], slab.end[0]) = (cut(this), cut(this + 1));
                let part = (!slab.is_empty()).then(|| voxels(&(slab, None)));
                part.into_iter().collect()
            }
            _ => parts.iter().skip(this).step_by(processes).map(voxels).collect(),
        };
        session.put_parts(self.volume.name(), &ours)?;
        Ok(session.commit()?.blocks)
    }

    fn source(&self) -> Arc<dyn VolumeSource> {
        Arc::clone(&self.volume.memory) as Arc<dyn VolumeSource>
    }

    /// The batch run from voxels in memory.
    fn cold(&self) -> Result<Summary> {
        let tiling = Tiling::new(self.source(), BlockSize::Auto)?;
        let report = self.runtime.run(&tiling, &Measure { want: WANT }, &Config::default(), |_, ()| Ok(()))?;
        Ok(report.global)
    }

    /// The blocks that are put, spread over the volume, and their voxels as others.
    fn blocks(&self, grid: &Grid, share: Share, percent: u64) -> Vec<(Region, Option<Voxels>)> {
        let all = grid.blocks();
        let count = match share {
            Share::Blocks(count) => count.min(all),
            Share::Percent(percent) => (all * percent).div_ceil(100),
            Share::All => all,
            Share::Nothing | Share::File => 0,
        };
        let block = |k: u32| {
            let region = grid.region(BlockId(
                (u64::from(k) * u64::from(all) / u64::from(count) + u64::from(all / count / 2)) as u32,
            ));
            let voxels = self.volume.memory.voxels().part(&region);
            (region, (percent > 0).then(|| each_voxel_type!(&voxels, array => others(array, percent))))
        };
        (0..count).map(block).collect()
    }
}

/// The voxels, so many of a hundred of them drawn to have the label that is most frequent of others.
fn others<T: Voxel>(array: &ndarray::ArcArray<T, ndarray::Ix3>, percent: u64) -> Voxels {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    let label = |value: &T| value.to_label().unwrap_or(0);
    array.iter().for_each(|value| *counts.entry(label(value)).or_default() += 1);
    let most = counts.iter().max_by_key(|(_, count)| **count).map_or(0, |(label, _)| *label);
    let mut drawn = 1u64;
    let voxels = array.map(|value| {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = if label(value) == most { 0.0 } else { most as f64 };
        if (drawn >> 33) % 100 < percent { T::from_f64(other) } else { *value }
    });
    T::wrap(voxels.into_shared())
}
