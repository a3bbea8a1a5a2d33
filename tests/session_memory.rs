//! The memory of a session, in a process of its own.

mod common {
    pub(crate) mod data;
    pub(crate) mod mix;
    pub(crate) mod random;
}

use common::data::data;
use common::random::Random;
use septa::bench::memory::{forget, peak, resident};
use septa::incremental::session::Session;
use septa::incremental::settings::Settings;
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::lattice::summary::{Detail, Want};
use septa::pregel::runtime::Runtime;
use septa::volume::grid::{BlockSize, Grid};
use septa::volume::memory::Memory;
use septa::volume::open::{OpenOptions, open};
use septa::volume::region::Region;
use septa::volume::shape::Shape;
use septa::volume::voxel::Voxels;
use septa::workers::Workers;

const EDGE: usize = 192;

/// Boxes of some voxels along each axis with labels of their own, some empty, and noise.
fn labels(random: &mut Random) -> Voxels {
    let mut voxels = vec![0u32; EDGE.pow(3)];
    for (at, voxel) in voxels.iter_mut().enumerate() {
        let [z, y, x] = [at / EDGE / EDGE, at / EDGE % EDGE, at % EDGE];
        let label = (z / 23 * 100 + y / 17 * 10 + x / 31) as u32;
        *voxel = if label.is_multiple_of(7) || random.below(40) == 0 { 0 } else { label };
    }
    Voxels::from_vec(Shape([EDGE; 3]), voxels)
}

/// Fills a session with a scan, and changes a part of it to and fro.
fn fits(scan: &Voxels, join: Option<Stencil>, threads: usize) {
    let runtime = Runtime::start(&Workers::threads(threads)).unwrap();
    let grid = Grid::new(scan.shape(), BlockSize::Edge(64)).unwrap();
    let want = Want { cells: Detail::Shape, contacts: Some(Stencil::N6) };
    let settings = Settings { grid, select: Select::Labels, join, want, kept: 0 };
    let mut session = Session::new(&runtime, settings).unwrap();
    let part = Region { start: [0; 3], end: [64; 3] };
    let before = resident().unwrap();
    session.put("scan", scan, [0; 3]).unwrap();
    session.commit().unwrap();
    let filled = resident().unwrap().saturating_sub(before);
    let held = session.held_bytes();
    println!("{}, {join:?}, {threads} workers: {} KiB resident, {} KiB held", scan.shape(), filled >> 10, held >> 10);
    assert!(filled <= 3 * held, "{filled} bytes for {held}");
    // Changes leave nothing behind, and need little beside it.
    assert!(forget());
    for _ in 0..10 {
        session.remove(part).unwrap();
        session.commit().unwrap();
        session.put("part", &scan.part(&part), [0; 3]).unwrap();
        session.commit().unwrap();
    }
    assert_eq!(session.held_bytes(), held);
    let most = peak().unwrap().saturating_sub(before);
    println!("  {} KiB at most over twenty changes", most >> 10);
    assert!(most <= 3 * held, "{most} bytes for {held}");
}

#[test]
fn a_session_takes_no_more_than_three_times_what_it_holds_of_blocks() {
    let random = &mut Random(8);
    for (join, threads) in [(None, 1), (None, 2), (Some(Stencil::N26), 2)] {
        fits(&labels(random), join, threads);
    }
    // Memory that was used before is little beside this.
    if let Some(data) = data() {
        let file = open(&data.join("connectome/connectome_labels.tif"), &OpenOptions::default()).unwrap();
        fits(Memory::load(&*file, 2).unwrap().voxels(), None, 2);
    }
}
