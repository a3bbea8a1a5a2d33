//! Measures force balance: a cube of nodes joined to 18 neighbours by springs, 3 unknowns a node, clamped at the
//! bottom and drawn out by a hundredth at the top, to a residual of 1e-6.
//!
//! Septa's time is from voxels in memory and started workers to the displacements, springs and preconditioner
//! included. The baseline is a plain loop over the cube on one thread, or, with a Python environment, SciPy's
//! conjugate gradients on a matrix that is assembled already.

use std::path::Path;
use std::sync::Arc;

use crate::bench::case::timed;
use crate::bench::image::Measured;
use crate::bench::memory;
use crate::bench::peers::{Peer, Peers};
use crate::bench::plain_springs::Cube;
use crate::bench::plan::Plan;
use crate::bench::row::{Row, median};
use crate::bench::volumes::Volume;
use crate::error::{Error, Kind, Result};
use crate::lattice::tiling::Tiling;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::force::elements::settle::{Settled, settle};
use crate::programs::force::elements::solver::{Solver, cut};
use crate::programs::force::elements::stiff::Stiff;
use crate::programs::force::elements::supports::{Support, Supports};
use crate::programs::force::plane::Plane;
use crate::programs::force::solve::Stop;
use crate::programs::force::vector::Vector;
use crate::volume::shape::Shape;
use crate::volume::source::VolumeSource;

/// The operation.
const OP: &str = "springs18";

/// What SciPy's is called.
const SCIPY: &str = "scipy.cg";

const STOP: Stop = Stop { tolerance: 1e-6, iterations: 100_000 };

/// Displacements found in two ways differ by no more than this share of the stretch.
const APART: f64 = 1e-3;

/// Measures what is planned, on each of the runtimes; `next` is told what comes next, and may end it.
///
/// # Errors
/// Where a name is none, results differ, or septa fails.
pub fn measure(
    plan: &Plan,
    peers: Option<&Path>,
    runtimes: &[&Runtime],
    mut next: impl FnMut(&str) -> Result<()>,
) -> Result<Measured> {
    if plan.repeat == 0 || !(4..=400).contains(&plan.size) {
        return Err(Error::usage("time it once at least (--repeat), with cubes of 4 to 400 nodes along each axis"));
    }
    crate::bench::engine::known("operation", &plan.ops, &[OP])?;
    if let Some(case) = plan.cases.first() {
        return Err(Error::usage(format!("«{case}» is no case here: a cube is made, of --size")));
    }
    let edge = plan.size as usize;
    let volume = Volume::ones("cube", Shape([edge; 3]))?;
    let mut peer: Option<Peer> = match peers {
        Some(venv) => Some(Peers::find(venv)?.load(&volume)?),
        None => None,
    };
    let stretch = 0.01 * (edge - 1) as f64;
    let plain = Cube::new(edge);
    next("the plain loop")?;
    let (expected, _) = plain.solve(stretch, STOP.tolerance);
    let mut measured = Measured::default();
    for runtime in runtimes {
        next(&format!("{OP}, {} workers", runtime.workers().total()))?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        memory::forget();
        let mut most = None;
        for _ in 0..plan.repeat {
            let (found, seconds) = timed(|| solve(&volume, stretch, runtime));
            ours.push(seconds);
            most = most.max(memory::peak());
            same(&found?, volume.shape(), &expected, stretch)?;
            theirs.push(match &mut peer {
                Some(peer) => peer.call(SCIPY, OP)?.map(|call| call.seconds),
                None => Some(timed(|| plain.solve(stretch, STOP.tolerance)).1),
            });
            memory::forget();
        }
        let theirs: Option<Vec<f64>> = theirs.into_iter().collect();
        let (seconds, theirs) = (median(ours), theirs.map(median));
        measured.rows.push(Row {
            op: OP.into(),
            case: format!("cube{edge}"),
            workers: runtime.workers().per_process(),
            processes: runtime.workers().processes(),
            seconds,
            rate: volume.voxels() as f64 / seconds,
            unit: "nodes/s",
            baseline: theirs.map(|_| if peer.is_some() { SCIPY } else { "plain" }.into()),
            baseline_seconds: theirs,
            ratio: theirs.map(|theirs| theirs / seconds),
            peak_rss_bytes: most,
            engine: None,
        });
    }
    measured.cases.push(volume.made());
    Ok(measured)
}

fn solve(volume: &Volume, stretch: f64, runtime: &Runtime) -> Result<Settled> {
    let source = Arc::clone(&volume.memory) as Arc<dyn VolumeSource>;
    let tiling = Tiling::with_grid(source, cut(volume.shape(), None)?)?;
    let [bottom, top] = [false, true].map(|far| Plane { axis: 0, far });
    let held = [(bottom, Vector::default()), (top, Vector([stretch, 0.0, 0.0]))];
    let supports = Supports(held.map(|(plane, displacement)| Support::rough(plane, displacement)).to_vec());
    let mut solver = Solver::new(Stiff::Nodes([1.0, 1.0]), supports, STOP, &tiling)?;
    solver.displacements = true;
    settle(runtime, &tiling, &solver, &Config::default())
}

/// Refuses displacements that are not those of the plain loop; other processes than 0 have none.
fn same(found: &Settled, shape: Shape, expected: &[Vector], stretch: f64) -> Result<()> {
    let mut apart: f64 = 0.0;
    for block in &found.found {
        block.each_displacement(|node, displacement| {
            apart = apart.max(displacement.minus(expected[shape.raster(node) as usize]).length());
        });
    }
    match apart <= APART * stretch {
        true => Ok(()),
        false => Err(Error::new(Kind::Program, format!("{OP}: displacements differ from the plain loop's by {apart}"))),
    }
}
