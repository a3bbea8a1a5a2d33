//! The law of a session: after any puts and removals, in any order, over any cut and workers, its
//! tables, components and events are those of a cold run on the volume as it is.

mod common;
#[path = "common/region.rs"]
mod region;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::random::Random;
use common::volume::{cells, cuts, memory, voxels_of};
use region::some_region;
use septa::error::Result;
use septa::incremental::change::{Change, Event};
use septa::incremental::session::Session;
use septa::incremental::settings::Settings;
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::lattice::summary::{Detail, Summary, Want};
use septa::lattice::tiling::Tiling;
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::programs::measure::Measure;
use septa::volume::grid::{BlockSize, Grid};
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::source::{Header, VolumeSource};
use septa::volume::voxel::{Dtype, Voxels};
use septa::workers::Workers;

/// Sequences that are tried.
fn sequences() -> u64 {
    std::env::var("SEPTA_SEQUENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(1000)
}

fn runtime(threads: usize) -> Runtime {
    Runtime::start(&Workers::threads(threads)).unwrap()
}

/// What a cold run says of a volume of labels.
fn cold(runtime: &Runtime, shape: Shape, labels: &[u64], want: Want) -> Summary {
    let tiling = Tiling::new(memory(shape, labels.to_vec()), BlockSize::Whole).unwrap();
    runtime.run(&tiling, &Measure { want }, &Config::default(), |_, ()| Ok(())).unwrap().global
}

/// The volume as it is, voxel by voxel, and the cell of each.
struct Plain {
    shape: Shape,
    select: Select,
    join: Option<Stencil>,
    values: Vec<u64>,
    cells: Vec<u64>,
    last: u64,
}

impl Plain {
    fn selected(&self, at: usize) -> bool {
        match self.select {
            Select::Above(threshold) => self.values[at] as f64 > threshold,
            _ => self.values[at] != 0,
        }
    }

    /// The components by flood fill, in raster order of their first voxels.
    fn components(&self, stencil: Stencil) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.values.len()];
        let mut components = Vec::new();
        for first in 0..self.values.len() {
            if seen[first] || !self.selected(first) {
                continue;
            }
            let (mut component, mut left) = (Vec::new(), vec![first]);
            seen[first] = true;
            while let Some(at) = left.pop() {
                component.push(at);
                let place = self.shape.voxel(at as u64).map(|at| at as i64);
                for step in voxels_of(Shape([3, 3, 3])).map(|step| step.map(|along| along as i8 - 1)) {
                    let to: [i64; 3] = std::array::from_fn(|axis| place[axis] + i64::from(step[axis]));
                    let inside = (0..3).all(|axis| (0..self.shape.0[axis] as i64).contains(&to[axis]));
                    if step == [0; 3] || !inside || !stencil.has(step) {
                        continue;
                    }
                    let to = self.shape.raster(to.map(|at| at as usize)) as usize;
                    let same = self.select != Select::Labels || self.values[to] == self.values[at];
                    if !seen[to] && self.selected(to) && same {
                        seen[to] = true;
                        left.push(to);
                    }
                }
            }
            components.push(component);
        }
        components
    }

    /// Gives every voxel its cell by the rule, and says what became of cells.
    fn commit(&mut self) -> BTreeSet<Event> {
        let before = self.cells.clone();
        let sizes = |cells: &[u64]| {
            let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
            cells.iter().filter(|cell| **cell != 0).for_each(|cell| *sizes.entry(*cell).or_default() += 1);
            sizes
        };
        let old = sizes(&before);
        let mut events = BTreeSet::new();
        let Some(stencil) = self.join else {
            self.cells = self.values.clone();
            let new = sizes(&self.cells);
            for label in old.keys().chain(new.keys()) {
                let label = *label;
                match (old.get(&label), new.get(&label)) {
                    (None, _) => events.insert(Event::Appeared { label }),
                    (_, None) => events.insert(Event::Vanished { label }),
                    (Some(before), Some(after)) if before != after => {
                        events.insert(Event::Resized { label, before: *before, after: *after })
                    }
                    _ => false,
                };
            }
            return events;
        };
        let components = self.components(stencil);
        let from = |component: &Vec<usize>| sizes(&component.iter().map(|at| before[*at]).collect::<Vec<_>>());
        let mut cells = vec![0; self.values.len()];
        let mut named = Vec::new();
        for component in &components {
            let from = from(component);
            let most: Vec<u64> =
                from.iter().filter(|(label, voxels)| **voxels * 2 > old[label]).map(|(l, _)| *l).collect();
            let largest = most.iter().map(|label| old[label]).max();
            named.push((most.iter().copied().find(|label| Some(old[label]) == largest), most, from));
        }
        for (label, _, _) in &mut named {
            label.get_or_insert_with(|| {
                self.last += 1;
                self.last
            });
        }
        let mut goes: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
        let mut heirs: BTreeMap<u64, u64> = BTreeMap::new();
        for (component, (label, most, from)) in components.iter().zip(&named) {
            let label = label.unwrap();
            component.iter().for_each(|at| cells[*at] = label);
            for from in from.keys() {
                goes.entry(*from).or_default().insert(label);
            }
            heirs.extend(most.iter().map(|from| (*from, label)));
            if from.is_empty() {
                events.insert(Event::Appeared { label });
            }
            let others: Vec<u64> = most.iter().copied().filter(|from| *from != label).collect();
            if !others.is_empty() {
                events.insert(Event::Merged { from: others, into: label });
            }
            let after = component.len() as u64;
            if let Some(before) = old.get(&label).copied().filter(|before| *before != after) {
                events.insert(Event::Resized { label, before, after });
            }
        }
        for from in old.keys() {
            match goes.get(from) {
                None => drop(events.insert(Event::Vanished { label: *from })),
                Some(into) if into.len() > 1 || !heirs.contains_key(from) => {
                    events.insert(Event::Split { from: *from, into: into.iter().copied().collect() });
                }
                Some(_) => {}
            }
        }
        self.cells = cells;
        events
    }
}

/// What a change says of rows is what makes the one summary the other.
fn check_rows(change: &Change, old: &Summary, new: &Summary, which: &str) {
    let changed = |old, new| if old == new { None } else { Some((old, new)) };
    let labels: BTreeSet<u64> = old.cells.keys().chain(new.cells.keys()).copied().collect();
    let rows = labels.iter().filter_map(|label| Some((*label, changed(old.cells.get(label), new.cells.get(label))?)));
    assert!(change.cells.iter().map(|row| (row.key, (row.old.as_ref(), row.new.as_ref()))).eq(rows), "{which}");
    let changed = |old, new| if old == new { None } else { Some((old, new)) };
    let pairs: BTreeSet<(u64, u64)> = old.contacts.keys().chain(new.contacts.keys()).copied().collect();
    let rows = pairs.iter().filter_map(|pair| Some((*pair, changed(old.contacts.get(pair), new.contacts.get(pair))?)));
    assert!(change.contacts.iter().map(|row| (row.key, (row.old.as_ref(), row.new.as_ref()))).eq(rows), "{which}");
}

#[test]
fn a_session_says_what_a_cold_run_says_after_any_puts_and_removals() {
    let runtimes = [1, 2, 3].map(runtime);
    // One where cells part that a piece sees and says nothing of.
    for seed in (0..sequences()).chain([2793]) {
        let mut random = Random(seed);
        let shape = Shape(std::array::from_fn(|_| 1 + random.below(9) as usize));
        let select = [Select::NonZero, Select::Labels, Select::Labels, Select::Above(1.5)][random.below(4) as usize];
        let stencil = [Stencil::N6, Stencil::N18, Stencil::N26][random.below(3) as usize];
        let join = (select != Select::Labels || random.below(2) == 0).then_some(stencil);
        let details = [Detail::Listed, Detail::Moments, Detail::Shape];
        let contacts = [None, Some(Stencil::N6), Some(Stencil::N18), Some(Stencil::N26)][random.below(4) as usize];
        let detail = details[random.below(3) as usize];
        let want = Want { cells: if seed % 5 == 4 { Detail::Unlisted } else { detail }, contacts };
        let kept = random.below(3);
        let count = shape.0.iter().product();
        let ways = cuts(&memory(shape, vec![0u8; count]));
        let grid = *ways[random.below(ways.len() as u64) as usize].grid();
        let settings = Settings { grid, select, join, want, kept };
        let runtime = &runtimes[random.below(3) as usize];
        let mut session = Session::new(runtime, settings).unwrap();
        let mut plain = Plain { shape, select, join, values: vec![0; count], cells: vec![0; count], last: 0 };
        let mut summaries = vec![Summary::default()];
        // Mostly empty, mostly full, one label or some.
        let (labels, full) = (1 + random.below(3), 2 + random.below(8));
        for step in 0..1 + random.below(6) {
            let which = format!("seed {seed} step {step} {settings:?}");
            for _ in 0..random.below(4) {
                let region = some_region(shape, &mut random);
                let removed = random.below(4) == 0;
                let whole = random.below(6) == 0;
                let region = if whole { Region::whole(shape) } else { region };
                let value = |random: &mut Random| u64::from(random.below(10) < full) * (1 + random.below(labels));
                let values: Vec<u64> = match random.below(2) {
                    0 => cells(region.shape(), 4, labels, &mut random),
                    _ => (0..region.shape().0.iter().product()).map(|_| value(&mut random)).collect(),
                };
                for (voxel, value) in voxels_of(region.shape()).zip(&values) {
                    let at = shape.raster(std::array::from_fn(|axis| region.start[axis] + voxel[axis])) as usize;
                    plain.values[at] = if removed { 0 } else { *value };
                }
                if removed {
                    session.remove(region).unwrap();
                } else if random.below(2) == 0 {
                    let bytes: Vec<u8> = values.iter().map(|value| *value as u8).collect();
                    let voxels = Voxels::from_vec(region.shape(), bytes);
                    // Some of it twice, as something else first.
                    let part = some_region(region.shape(), &mut random);
                    let other = Voxels::from_vec(part.shape(), vec![1u8; part.shape().0.iter().product()]);
                    let other = (other, part.offset_by(region.start).start);
                    match random.below(3) {
                        0 => session.put_parts("scan", &[other, (voxels, region.start)]).unwrap(),
                        _ => session.put("scan", &voxels, region.start).unwrap(),
                    };
                } else {
                    session.put_source(&memory(region.shape(), values), region.start).unwrap();
                }
            }
            let change = session.commit().unwrap();
            let mut events = plain.commit();
            if join.is_none() {
                // Of cells that are only listed nobody knows the size, and of others that they are there.
                match want.cells {
                    Detail::Unlisted => events.clear(),
                    Detail::Listed => events.retain(|event| !matches!(event, Event::Resized { .. })),
                    Detail::Moments | Detail::Shape => {}
                }
            }
            assert_eq!(change.events, events.into_iter().collect::<Vec<_>>(), "{which}");
            for voxel in voxels_of(shape) {
                let cell = plain.cells[shape.raster(voxel) as usize];
                assert_eq!(session.cell_at(voxel).unwrap(), cell, "{which} {voxel:?}");
            }
            let summary = cold(runtime, shape, &plain.cells, want);
            assert_eq!(session.summary().unwrap(), summary, "{which}");
            check_rows(&change, &summaries[step as usize], &summary, &which);
            summaries.push(summary);
            for (epoch, summary) in summaries.iter().enumerate() {
                match session.summary_at(epoch as u64) {
                    Ok(read) => assert_eq!(read, *summary, "{which} at {epoch}"),
                    Err(_) => assert!(epoch as u64 + kept < session.epoch(), "{which} at {epoch}"),
                }
            }
            let snapshot = session.volume(&Spacing::default()).unwrap();
            let read = snapshot.read(&Region::whole(shape)).unwrap();
            for voxel in voxels_of(shape) {
                let at = shape.raster(voxel) as usize;
                let value = if select == Select::Labels { plain.values[at] } else { u64::from(plain.selected(at)) };
                assert_eq!(read.get(voxel), value as f64, "{which} {voxel:?}");
            }
        }
    }
}

/// A volume whose reader fails in the middle.
struct Broken(Header);

impl VolumeSource for Broken {
    fn header(&self) -> &Header {
        &self.0
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        assert!(region.start[0] == 0, "the reader is broken");
        Ok(Voxels::zeros(Dtype::U8, region.shape()))
    }
}

#[test]
fn a_scan_whose_reader_panics_is_an_error_and_nothing_of_it_is_put() {
    let shape = Shape([4, 3, 3]);
    let settings = Settings {
        grid: Grid::new(shape, BlockSize::Edge(2)).unwrap(),
        select: Select::NonZero,
        join: Some(Stencil::N6),
        want: Want { cells: Detail::Moments, contacts: None },
        kept: 0,
    };
    let runtime = runtime(2);
    let mut session = Session::new(&runtime, settings).unwrap();
    session.put("scan", &Voxels::from_vec(shape, vec![1u8; 36]), [0; 3]).unwrap();
    session.commit().unwrap();
    let header = memory(shape, vec![0u8; 36]).header().clone();
    let told = session.put_source(&(Arc::new(Broken(header)) as Arc<dyn VolumeSource>), [0; 3]).unwrap_err();
    assert!(told.to_string().contains("the reader is broken"), "{told}");
    assert_eq!(session.commit().unwrap(), Change { epoch: 2, ..Change::default() });
    assert_eq!(session.summary().unwrap().cells[&1].moments.voxels, 36);
}

#[test]
fn what_is_put_again_changes_nothing_and_what_cannot_be_put_leaves_nothing() {
    let shape = Shape([6, 7, 8]);
    let grid = Grid::new(shape, BlockSize::Edge(3)).unwrap();
    let want = Want { cells: Detail::Shape, contacts: Some(Stencil::N6) };
    let settings = Settings { grid, select: Select::Labels, join: None, want, kept: 0 };
    let runtime = runtime(2);
    let mut session = Session::new(&runtime, settings).unwrap();
    let voxels = Voxels::from_vec(shape, voxels_of(shape).map(|[z, y, x]| ((z / 2 + y / 3 + x) % 4) as i16).collect());
    assert_eq!(session.put("scan", &voxels, [0; 3]).unwrap(), u64::from(grid.blocks()));
    assert_eq!(session.commit().unwrap().blocks, u64::from(grid.blocks()));
    assert_eq!(session.put("scan", &voxels, [0; 3]).unwrap(), 0);
    let part = Region { start: [1, 1, 1], end: [4, 5, 6] };
    assert_eq!(session.put("part", &voxels.part(&part), part.start).unwrap(), 0);
    // Changed and changed back before the commit.
    session.remove(part).unwrap();
    session.put("part", &voxels.part(&part), part.start).unwrap();
    let change = session.commit().unwrap();
    assert_eq!(change, Change { epoch: 2, ..Change::default() });
    let before = session.summary().unwrap();
    let bad = Voxels::from_vec(Shape([1, 1, 8]), vec![9i16, 9, 9, 9, 9, 9, 9, -1]);
    let told = session.put("bad scan", &bad, [2, 3, 0]).unwrap_err().to_string();
    assert!(told.contains("bad scan") && told.contains("negative label -1 at voxel (2, 3, 7)"), "{told}");
    let told = session.put("far", &bad, [6, 0, 0]).unwrap_err().to_string();
    assert!(told.contains("far: the region 6:7,0:1,0:8"), "{told}");
    session.commit().unwrap();
    assert_eq!(session.summary().unwrap(), before);
    assert_eq!(session.graph(2).unwrap().labels, [1, 2, 3]);
}
