//! The law of a series: what it tells depends on which scans were taken, and not on the order in which
//! they came, how often, or where the process ended meanwhile.

mod common {
    pub(crate) mod mix;
    pub(crate) mod random;
}

use std::path::Path;
use std::sync::Arc;

use common::random::Random;
use septa::error::{Kind, Result};
use septa::incremental::claim::{Claim, JOURNAL};
use septa::incremental::series::{Keeping, Series};
use septa::incremental::settings::Rules;
use septa::incremental::told::FILES;
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::lattice::summary::{Detail, Want};
use septa::lattice::tiling::Tiling;
use septa::measure::csv;
use septa::measure::shape::{cells, contacts};
use septa::measure::table::{Column, Table};
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::programs::measure::Measure;
use septa::stream::scan::{Key, Scan, Stamp};
use septa::volume::grid::{BlockSize, Grid};
use septa::volume::memory::Memory;
use septa::volume::region::{Region, RegionSpec};
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::Voxels;
use septa::workers::Workers;

const LARGE: u64 = 1 << 30;

/// What is kept up, over which grid.
#[derive(Clone, Copy)]
struct Job {
    grid: Grid,
    rules: Rules,
}

impl Job {
    fn drawn(random: &mut Random) -> Self {
        let shape = Shape([5, 6, 7].map(|most| 2 + random.below(most) as usize));
        let grid = Grid::new(shape, BlockSize::Edge(1 + random.below(4) as usize)).unwrap();
        let stencil = [Stencil::N6, Stencil::N18, Stencil::N26][random.below(3) as usize];
        let (select, join) = match random.below(3) {
            0 => (Select::Labels, None),
            1 => (Select::Labels, Some(stencil)),
            _ => (Select::Above(0.5), Some(stencil)),
        };
        Self { grid, rules: Rules { select, join, want: Want { cells: Detail::Shape, contacts: Some(stencil) } } }
    }

    /// Opens the series of a folder, or begins it.
    fn open<'a>(&self, runtime: &'a Runtime, folder: &Path, history: u64) -> Series<'a> {
        let claim = Claim::of(folder).unwrap();
        match Series::resume(runtime, &claim, &self.rules, keeping(history)).unwrap() {
            Some(series) => series,
            None => {
                let settings = self.rules.settings(self.grid);
                Series::begin(runtime, &claim, settings, Spacing::default(), keeping(history)).unwrap()
            }
        }
    }

    /// What is told of scans that come in order.
    fn told(&self, runtime: &Runtime, scans: &[Scan]) -> Vec<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let mut series = self.open(runtime, folder.path(), LARGE);
        scans.iter().for_each(|scan| drop(series.take(scan).unwrap()));
        told(folder.path())
    }
}

fn keeping(history: u64) -> Keeping {
    Keeping { history, heed: || Ok(()) }
}

fn told(folder: &Path) -> Vec<Vec<u8>> {
    FILES.iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect()
}

fn scan(time: f64, name: &str, part: Option<&Region>, shape: Shape, values: Vec<u8>) -> Scan {
    let part = part.copied().map(RegionSpec::from);
    let source = Arc::new(Memory::new(name, Voxels::from_vec(shape, values), Spacing::default()));
    Scan { key: Key { time, name: name.into() }, part, source, stamp: Stamp::default() }
}

fn drawn_values(random: &mut Random, shape: Shape) -> Vec<u8> {
    (0..shape.voxels().unwrap()).map(|_| random.below(4).saturating_sub(1) as u8).collect()
}

/// Scans of different names, in order of their keys: whole ones, smaller ones, and parts, several of
/// one time, also of that of a whole one.
fn drawn_scans(random: &mut Random, volume: Shape) -> Vec<Scan> {
    let mut scans: Vec<Scan> = (0..2 + random.below(5))
        .map(|number| {
            let name = format!("scan{number}");
            let time = random.below(4) as f64;
            let mut region = Region::whole(volume);
            match random.below(3) {
                0 => scan(number as f64, &name, None, volume, drawn_values(random, volume)),
                1 => {
                    let shape = Shape(volume.0.map(|edge| 1 + random.below(edge as u64) as usize));
                    scan(number as f64, &name, None, shape, drawn_values(random, shape))
                }
                _ => {
                    for axis in 0..3 {
                        region.start[axis] = random.below(volume.0[axis] as u64) as usize;
                        let left = (volume.0[axis] - region.start[axis]) as u64;
                        region.end[axis] = region.start[axis] + 1 + random.below(left) as usize;
                    }
                    scan(time, &name, Some(&region), region.shape(), drawn_values(random, region.shape()))
                }
            }
        })
        .collect();
    scans.sort_by(|a, b| a.key.cmp(&b.key));
    scans
}

fn shuffled<T>(random: &mut Random, mut values: Vec<T>) -> Vec<T> {
    for at in (1..values.len()).rev() {
        values.swap(at, random.below(at as u64 + 1) as usize);
    }
    values
}

#[test]
fn what_is_told_does_not_depend_on_the_order_of_scans_repeats_and_ends_of_the_process() {
    let runtimes = [1, 2].map(|threads| Runtime::start(&Workers::threads(threads)).unwrap());
    for seed in 0..120 {
        let random = &mut Random(seed);
        let job = Job::drawn(random);
        let scans = drawn_scans(random, job.grid.shape());
        let expected = job.told(&runtimes[0], &scans);
        // Some come again, and some came as something else before.
        let mut coming = scans.clone();
        let some = scans[random.below(scans.len() as u64) as usize].clone();
        coming.push(some);
        let mut coming = shuffled(random, coming);
        if random.below(2) == 0 {
            let at = random.below(coming.len() as u64) as usize;
            let shape = job.grid.shape();
            let time = 100.0 + at as f64;
            coming.insert(at, scan(time, &coming[at].key.name.clone(), None, shape, drawn_values(random, shape)));
            // What comes last under a name counts.
            let name = coming[at].key.name.clone();
            let after = scans.iter().find(|scan| scan.key.name == name).unwrap().clone();
            coming.push(after);
        }
        let folder = tempfile::tempdir().unwrap();
        let mut series = None;
        for scan in &coming {
            let runtime = &runtimes[random.below(2) as usize];
            if random.below(3) == 0 {
                series = None;
            }
            series.get_or_insert_with(|| job.open(runtime, folder.path(), LARGE)).take(scan).unwrap();
        }
        drop(series);
        assert_eq!(told(folder.path()), expected, "seed {seed}");
        // Going on changes nothing.
        let series = job.open(&runtimes[0], folder.path(), LARGE);
        assert_eq!((told(folder.path()), series.scans()), (expected, scans.len()), "seed {seed}");
    }
}

#[test]
fn a_journal_cut_anywhere_goes_on_and_ends_as_if_it_had_not_been() {
    let runtime = Runtime::start(&Workers::threads(1)).unwrap();
    for seed in 0..6 {
        let random = &mut Random(1000 + seed);
        let job = Job::drawn(random);
        let scans = drawn_scans(random, job.grid.shape());
        let expected = job.told(&runtime, &scans);
        let folder = tempfile::tempdir().unwrap();
        let mut series = job.open(&runtime, folder.path(), LARGE);
        let begun = std::fs::metadata(folder.path().join(JOURNAL)).unwrap().len();
        scans.iter().for_each(|scan| drop(series.take(scan).unwrap()));
        drop(series);
        let journal = std::fs::read(folder.path().join(JOURNAL)).unwrap();
        for _ in 0..30 {
            let length = begun + random.below(journal.len() as u64 - begun + 1);
            std::fs::write(folder.path().join(JOURNAL), &journal[..length as usize]).unwrap();
            // The tables are as far as they may be, and further.
            let mut series = job.open(&runtime, folder.path(), LARGE);
            scans.iter().for_each(|scan| drop(series.take(scan).unwrap()));
            drop(series);
            assert_eq!(told(folder.path()), expected, "seed {seed}, {length} bytes");
        }
    }
}

#[test]
fn a_journal_begun_anew_tells_the_same_and_refuses_what_came_before_it() {
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    for seed in 0..40 {
        let random = &mut Random(2000 + seed);
        let job = Job::drawn(random);
        let scans = drawn_scans(random, job.grid.shape());
        let expected = job.told(&runtime, &scans);
        let folder = tempfile::tempdir().unwrap();
        for scan in &scans {
            // A short history begins the journal anew after most scans.
            let mut series = job.open(&runtime, folder.path(), 0);
            assert!(series.take(scan).unwrap().is_some());
        }
        let mut series = job.open(&runtime, folder.path(), 0);
        assert_eq!(told(folder.path()), expected, "seed {seed}");
        assert!(series.take(&scans[0]).unwrap().is_none(), "what comes again is known for ever");
        let shape = job.grid.shape();
        let refused = series.take(&scan(-1.0, "early", None, shape, drawn_values(random, shape)));
        if let Err(error) = refused {
            assert!(error.kind() == Kind::Usage && error.message().contains("--history"), "{error}");
            assert_eq!(told(folder.path()), expected, "seed {seed}");
        }
    }
}

#[test]
fn the_tables_are_those_of_a_cold_run_at_each_time() -> Result<()> {
    let runtime = Runtime::start(&Workers::threads(2))?;
    let random = &mut Random(77);
    let shape = Shape([6, 7, 8]);
    let want = Want { cells: Detail::Shape, contacts: Some(Stencil::N26) };
    let rules = Rules { select: Select::Labels, join: None, want };
    let folder = tempfile::tempdir().unwrap();
    let settings = rules.settings(Grid::new(shape, BlockSize::Edge(3))?);
    let claim = Claim::of(folder.path())?;
    let mut series = Series::begin(&runtime, &claim, settings, Spacing::default(), keeping(LARGE))?;
    let timed = |mut table: Table, time: f64| {
        table.columns.insert(0, Column::new("time", "", vec![time; table.rows()]));
        let mut bytes = Vec::new();
        csv::write_to(&table, &mut bytes).unwrap();
        bytes
    };
    let mut expected: [Vec<u8>; 2] = Default::default();
    for time in 0..4 {
        let values = drawn_values(random, shape);
        let taken = series.take(&scan(f64::from(time), &format!("t{time}"), None, shape, values.clone()))?.unwrap();
        let source = Arc::new(Memory::new("cold", Voxels::from_vec(shape, values), Spacing::default()));
        let tiling = Tiling::new(source, BlockSize::Whole)?;
        let cold = runtime.run(&tiling, &Measure { want }, &Config::default(), |_, ()| Ok(()))?.global;
        assert_eq!((taken.cells, taken.contacts), (cold.cells.len() as u64, cold.contacts.len() as u64));
        let tables = [cells(&cold, &Spacing::default(), shape, want.cells), contacts(&cold, &Spacing::default())];
        for (expected, table) in expected.iter_mut().zip(tables) {
            let bytes = timed(table, f64::from(time));
            let head = if time == 0 { 0 } else { bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1 };
            expected.extend_from_slice(&bytes[head..]);
        }
    }
    assert_eq!(told(folder.path())[..2], expected);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let runtime = Runtime::start(&Workers::threads(1)).unwrap();
    let shape = Shape([4, 4, 4]);
    let want = Want { cells: Detail::Moments, contacts: None };
    let rules = Rules { select: Select::NonZero, join: Some(Stencil::N6), want };
    let job = Job { grid: Grid::new(shape, BlockSize::Edge(2)).unwrap(), rules };
    let folder = tempfile::tempdir().unwrap();
    let mut series = job.open(&runtime, folder.path(), LARGE);
    series.take(&scan(1.0, "first", None, shape, vec![1; 64])).unwrap();
    let before = told(folder.path());
    let part = Region { start: [0; 3], end: [2, 2, 2] };
    let beyond = Region { start: [3; 3], end: [5, 4, 4] };
    let mut stretched = scan(2.0, "stretched", None, shape, vec![1; 64]);
    let spacing = Spacing::new([2.0, 1.0, 1.0], Spacing::default().unit).unwrap();
    stretched.source = Arc::new(Memory::new("stretched", Voxels::from_vec(shape, vec![1u8; 64]), spacing));
    for (wrong, what) in [
        (scan(2.0, "large", None, Shape([5, 4, 4]), vec![1; 80]), "larger than the volume"),
        (scan(2.0, "part", Some(&part), Shape([2, 2, 3]), vec![1; 12]), "its name says 2x2x2"),
        (scan(2.0, "beyond", Some(&beyond), Shape([2, 1, 1]), vec![1; 2]), "not a part of a volume"),
        (stretched, "--spacing"),
        (scan(1.0, "second", None, shape, vec![1; 64]), "and so is first"),
    ] {
        let error = series.take(&wrong).unwrap_err();
        assert!(error.message().contains(what) && error.message().starts_with(&wrong.key.name), "{error}");
        assert_eq!(told(folder.path()), before);
    }
    // The same values in another shape are another scan.
    let both = [Shape([2, 4, 2]), Shape([4, 2, 2])].map(|shape| scan(3.0, "turned", None, shape, vec![1; 16]));
    assert!(series.take(&both[0]).unwrap().is_some());
    assert!(series.take(&both[1]).unwrap().is_some() && series.take(&both[1]).unwrap().is_none());
    // A folder is of one process, and of one set of rules.
    assert!(Claim::of(folder.path()).unwrap_err().message().contains("in use"));
    drop(series);
    let claim = Claim::of(folder.path()).unwrap();
    let others = Rules { select: Select::Zero, ..rules };
    let resumed = |rules: &Rules| Series::resume(&runtime, &claim, rules, keeping(LARGE));
    assert_eq!(resumed(&others).err().unwrap().kind(), Kind::Checkpoint);
    assert!(resumed(&rules).unwrap().is_some());
    // Nor is any volume small enough for a series.
    let vast = rules.settings(Grid::new(Shape([100_000; 3]), BlockSize::Edge(64)).unwrap());
    let vast = Series::begin(
        &runtime,
        &Claim::of(tempfile::tempdir().unwrap().path()).unwrap(),
        vast,
        Spacing::default(),
        keeping(LARGE),
    );
    assert!(vast.err().unwrap().message().contains("--block"));
}

#[test]
fn what_ends_at_any_step_of_its_beginning_is_gone_on_with() {
    let runtime = Runtime::start(&Workers::threads(1)).unwrap();
    let random = &mut Random(31);
    let job = Job::drawn(random);
    let folder = tempfile::tempdir().unwrap();
    drop(job.open(&runtime, folder.path(), LARGE));
    // The journal comes first, and each of the tables may be there.
    for left in 0..=FILES.len() {
        FILES[left..].iter().for_each(|name| std::fs::remove_file(folder.path().join(name)).unwrap());
        assert_eq!(job.open(&runtime, folder.path(), LARGE).scans(), 0);
    }
}

#[test]
fn a_journal_that_cannot_be_read_back_is_the_end_of_the_series_and_no_fault_of_the_scan() {
    let runtime = Runtime::start(&Workers::threads(1)).unwrap();
    let random = &mut Random(32);
    let job = Job::drawn(random);
    let shape = job.grid.shape();
    let folder = tempfile::tempdir().unwrap();
    let mut series = job.open(&runtime, folder.path(), LARGE);
    for time in 1..4 {
        series.take(&scan(f64::from(time), &format!("t{time}"), None, shape, drawn_values(random, shape))).unwrap();
    }
    let path = folder.path().join(JOURNAL);
    let mut journal = std::fs::read(&path).unwrap();
    journal[1000..].iter_mut().for_each(|byte| *byte ^= 1);
    std::fs::write(&path, &journal).unwrap();
    let late = scan(0.0, "late", None, shape, drawn_values(random, shape));
    let error = series.take(&late).unwrap_err();
    assert!(!matches!(error.kind(), Kind::Input | Kind::Usage), "{error}");
}
