//! The worst that a small change does to components: one voxel goes that held two halves together.
//!
//! Rods along z, four voxels apart, hang from a plate at the end; a slit parts the plate but for one
//! voxel. Every rod is a part in every block that it goes through, 1.1 * 10^5 parts in blocks of 64
//! voxels at 512^3. Without that voxel half of them are another component.

use std::sync::Arc;

use crate::bench::case::timed;
use crate::bench::memory;
use crate::bench::row::{Row, median};
use crate::error::{Error, Kind, Result};
use crate::incremental::change::Event;
use crate::incremental::session::Session;
use crate::incremental::settings::Settings;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Want};
use crate::lattice::tiling::Tiling;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::labelling::Labelling;
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::memory::Memory;
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::source::VolumeSource;
use crate::volume::voxel::Voxels;

/// How far apart rods are.
const APART: usize = 4;

/// The rods, the plate, and the slit with its bridge at (size - 1, 0, size / 2).
fn rods(size: usize) -> Voxels {
    let slit = size / 2;
    let voxel = |at: usize| {
        let [z, y, x] = Shape([size; 3]).voxel(at as u64);
        let plate = z + 1 == size && (x != slit || y == 0);
        u8::from(plate || (y % APART == 1 && x % APART == 1))
    };
    Voxels::from_vec(Shape([size; 3]), (0..size.pow(3)).map(voxel).collect())
}

/// Takes the bridge away and puts it back, on a runtime; in a cluster process 0 does.
///
/// # Errors
/// Where the components do not part, or septa fails.
pub fn row(size: usize, repeat: usize, edge: usize, runtime: &Runtime) -> Result<Row> {
    let voxels = rods(size);
    let grid = Grid::new(voxels.shape(), BlockSize::Edge(edge))?;
    let want = Want { cells: Detail::Shape, contacts: Some(Stencil::N6) };
    let settings = Settings { grid, select: Select::NonZero, join: Some(Stencil::N6), want, kept: 0 };
    let mut session = Session::new(runtime, settings)?;
    memory::forget();
    let first = runtime.workers().is_first();
    if first {
        session.put("rods", &voxels, [0; 3])?;
    }
    session.commit()?;
    let at = [size - 1, 0, size / 2];
    let bridge = Region { start: at, end: at.map(|at| at + 1) };
    let source: Arc<dyn VolumeSource> = Arc::new(Memory::new("rods", voxels, Spacing::default()));
    let cold = || {
        let tiling = Tiling::new(Arc::clone(&source), BlockSize::Auto)?;
        let (select, stencil) = (settings.select, Stencil::N6);
        let program =
            Labelling { select, stencil, min_voxels: 1, paint: false, want: Some(want), grid: *tiling.grid() };
        runtime.run(&tiling, &program, &Config::default(), |_, _| Ok(())).map(|report| report.global.components)
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        let (components, seconds) = timed(cold);
        theirs.push(seconds);
        let (change, seconds) = timed(|| {
            if first {
                session.remove(bridge)?;
            }
            session.commit()
        });
        ours.push(seconds);
        let parted = change?.events.iter().any(|event| matches!(event, Event::Split { .. }));
        if first {
            session.put("bridge", &source.read(&bridge)?, at)?;
        }
        session.commit()?;
        if components? != 1 || !parted {
            return Err(Error::new(Kind::Program, "split on rods: what hung by a voxel did not part"));
        }
    }
    let (seconds, cold) = (median(ours), median(theirs));
    Ok(Row {
        op: "split".into(),
        case: "rods".into(),
        workers: runtime.workers().per_process(),
        processes: runtime.workers().processes(),
        seconds,
        rate: 1.0 / seconds,
        unit: "changes/s",
        baseline: Some("cold".into()),
        baseline_seconds: Some(cold),
        ratio: Some(cold / seconds),
        peak_rss_bytes: memory::peak(),
        engine: None,
    })
}
