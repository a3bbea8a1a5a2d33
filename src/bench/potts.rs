//! Measures the Potts model, in visits of voxels a second, over 39 sweeps of periodic volumes that are made:
//!
//! | case | what |
//! |---|---|
//! | `growth3` | a cube of `--size` voxels along each axis, every voxel a spin of its own, 26 neighbours, kT 0.5 |
//! | `grains3` | the same of Voronoi cells of mean radius 12 |
//! | `tissue2` | a square of 5 times `--size`, cells of 20x20, 8 neighbours, volumes held |
//! | `tissue3` | the cube, cells of 10x10x10, 26 neighbours, volumes held |
//! | `owned3` | the same, with [owners](crate::programs::potts::owners) of cells |
//!
//! Septa's time is from voxels in memory and started workers to the labels, energies in the beginning and the end
//! included. The baseline is a plain loop over an array on one thread, whose spins have to be the same.

use std::sync::Arc;
use std::time::Instant;

use crate::bench::case::timed;
use crate::bench::image::Measured;
use crate::bench::memory;
use crate::bench::plain_potts::Torus;
use crate::bench::plan::Plan;
use crate::bench::row::{Row, median};
use crate::bench::volumes::Volume;
use crate::error::{Error, Kind, Result};
use crate::lattice::tiling::Tiling;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::potts::cells::{Cells, Type};
use crate::programs::potts::model::{Boundary, Energy, Model, Move, usual_shades};
use crate::programs::potts::neighborhood::Neighborhood;
use crate::programs::potts::random::RandomSpins;
use crate::programs::potts::rule::Rule;
use crate::programs::potts::run::{Made, Potts};
use crate::volume::grid::BlockSize;
use crate::volume::phantom::{Kind as Phantoms, Phantom};
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type, row};

/// The operations: moves.
const OPS: [(&str, Move); 2] = [("copy", Move::Copy), ("distinct", Move::Distinct)];

/// The cases.
const CASES: [&str; 5] = ["growth3", "grains3", "tissue2", "tissue3", OWNED];

/// The case of cells that have owners.
const OWNED: &str = "owned3";

/// The sweeps of a run.
const SWEEPS: u64 = 39;

/// The mean radius of grains, in voxels.
const RADIUS: f64 = 12.0;

/// A case that is made.
struct Case {
    name: &'static str,
    volume: Volume,
    neighborhood: Neighborhood,
    spins: u32,
    /// Whether volumes are held: the voxels of a cell.
    held: Option<u64>,
}

impl Case {
    fn make(name: &'static str, size: usize, seed: u64) -> Result<Self> {
        let cube = Shape([size; 3]);
        let square = Shape([1, 5 * size, 5 * size]);
        let boxes = |shape: Shape, edge: usize| -> (Voxels, u32) {
            let counts = shape.0.map(|n| (n / edge).max(1));
            let cell = |at: [usize; 3]| -> u32 {
                let place = std::array::from_fn(|axis| (at[axis] / edge).min(counts[axis] - 1));
                Shape(counts).raster(place) as u32 + 1
            };
            let all = (0..shape.0.iter().product::<usize>()).map(|raster| cell(shape.voxel(raster as u64)));
            (Voxels::from_vec(shape, all.collect()), counts.iter().product::<usize>() as u32)
        };
        let whole = |source: &dyn VolumeSource| source.read(&Region::whole(cube));
        let start = Instant::now();
        let of = |(voxels, spins), neighborhood, held| {
            let volume = Volume::of(name, voxels, start.elapsed().as_secs_f64());
            Ok(Self { name, volume, neighborhood, spins, held })
        };
        match name {
            "growth3" => {
                let spins = RandomSpins::new(cube, None, seed)?;
                of((whole(&spins)?, spins.most()), Neighborhood::N26, None)
            }
            "grains3" => {
                let cells = (cube.0.iter().product::<usize>() as f64 / (4.19 * RADIUS.powi(3))).ceil() as u32;
                let grains = Phantom::new(Phantoms::Cells, cube, cells.into(), seed, 0.0)?;
                of((whole(&grains)?, cells), Neighborhood::N26, None)
            }
            "tissue2" => of(boxes(square, 20), Neighborhood::N8, Some(400)),
            _ => of(boxes(cube, 10), Neighborhood::N26, Some(1000)),
        }
    }

    fn model(&self, moves: Move, seed: u64) -> Result<Model> {
        let (energy, kt) = match self.held {
            None => (Energy::Uniform(1.0), 0.5),
            Some(target) => {
                let cell = Type { name: "cell".into(), target, lambda: 1.0, ..Type::default() };
                let cells = Cells::new(vec![cell], vec![0; self.spins as usize + 1], &[vec![10.0]])?;
                (Energy::Cells(Arc::new(cells)), 20.0)
            }
        };
        let boundary = Boundary::Periodic;
        let shades = usual_shades(self.neighborhood, &energy);
        Ok(Model {
            neighborhood: self.neighborhood,
            weights: Vec::new(),
            surface: None,
            boundary,
            moves,
            energy,
            field: None,
            kt,
            shades,
            spins: self.spins,
            seed,
        })
    }
}

/// Measures what is planned, on each of the runtimes; `next` is told what comes next, and may end it.
///
/// # Errors
/// Where a name is none, results differ, or septa fails.
pub fn measure(plan: &Plan, runtimes: &[&Runtime], mut next: impl FnMut(&str) -> Result<()>) -> Result<Measured> {
    if plan.repeat == 0 || !(20..=400).contains(&plan.size) || plan.size % 2 == 1 {
        return Err(Error::usage("time it once at least (--repeat), with an even --size of 20 to 400 voxels"));
    }
    crate::bench::engine::known("operation", &plan.ops, &OPS.map(|(name, _)| name))?;
    crate::bench::engine::known("case", &plan.cases, &CASES)?;
    let asked = |names: &[String], name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    let mut measured = Measured::default();
    for name in CASES.into_iter().filter(|name| asked(&plan.cases, name)) {
        next(name)?;
        let case = Case::make(name, plan.size as usize, plan.seed)?;
        for (op, moves) in OPS.into_iter().filter(|(op, _)| asked(&plan.ops, op)) {
            let model = case.model(moves, plan.seed)?;
            compare(&case, op, &model, plan.repeat, runtimes, &mut next, &mut measured)?;
        }
        measured.cases.push(case.volume.made());
    }
    Ok(measured)
}

/// The rows of one operation.
fn compare(
    case: &Case,
    op: &str,
    model: &Model,
    repeat: usize,
    runtimes: &[&Runtime],
    next: &mut impl FnMut(&str) -> Result<()>,
    measured: &mut Measured,
) -> Result<()> {
    let rule = Rule::new(model.clone(), case.volume.shape())?;
    let start = spins(case.volume.memory.voxels());
    next(&format!("{op} on {}, the plain loop", case.name))?;
    let mut plain = Torus::new(&rule, start);
    let ((), theirs) = timed(|| plain.run(SWEEPS));
    for runtime in runtimes {
        next(&format!("{op} on {}, {} workers", case.name, runtime.workers().total()))?;
        memory::forget();
        let (mut ours, mut most) = (Vec::new(), None);
        for _ in 0..repeat {
            let (made, seconds) = timed(|| run(case, model, runtime));
            ours.push(seconds);
            most = most.max(memory::peak());
            same(op, case, &made?, &plain.spins)?;
            memory::forget();
        }
        let seconds = median(ours);
        measured.rows.push(Row {
            op: op.into(),
            case: case.name.into(),
            workers: runtime.workers().per_process(),
            processes: runtime.workers().processes(),
            seconds,
            rate: case.volume.voxels() as f64 * SWEEPS as f64 / seconds,
            unit: "visits/s",
            baseline: Some("plain".into()),
            baseline_seconds: Some(theirs),
            ratio: Some(theirs / seconds),
            peak_rss_bytes: most,
            engine: None,
        });
    }
    Ok(())
}

fn run(case: &Case, model: &Model, runtime: &Runtime) -> Result<Vec<Made>> {
    let grid = Potts::grid(case.volume.shape(), BlockSize::Auto)?;
    let tiling = Tiling::with_grid(Arc::clone(&case.volume.memory) as Arc<dyn VolumeSource>, grid)?;
    let potts = Potts::new(model.clone(), grid, SWEEPS, SWEEPS)?.with_owners(case.name == OWNED);
    let (made, _) = runtime.collect(&tiling, &potts, &Config::default())?;
    Ok(made.into_iter().map(|(_, made)| made).collect())
}

/// The spins of a box, in raster order.
fn spins(voxels: &Voxels) -> Vec<u32> {
    let mut spins = Vec::new();
    each_voxel_type!(voxels, array => {
        for (z, y) in Region::whole(voxels.shape()).rows() {
            // A volume that was made for this has spins alone.
            spins.extend(row(array, z, y).iter().map(|value| value.to_label().unwrap_or(0) as u32));
        }
    });
    spins
}

/// Refuses spins that are not those of the plain loop; other processes than 0 have none.
fn same(op: &str, case: &Case, made: &[Made], expected: &[u32]) -> Result<()> {
    let width = case.volume.shape().0[2];
    let all = made.iter().all(|made| {
        let first = case.volume.shape().raster(made.region.start) as usize;
        let found = spins(&made.spins);
        // Blocks are slabs of whole rows.
        found.len().is_multiple_of(width) && expected[first..first + found.len()] == found
    });
    match all {
        true => Ok(()),
        false => {
            let what = format!("{op} on {}: spins differ from the plain loop's", case.name);
            Err(Error::new(Kind::Program, what))
        }
    }
}
