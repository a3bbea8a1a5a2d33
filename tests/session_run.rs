//! Programs on a live session: from their last states they end as from the beginning, on the contacts and
//! on the voxels; and blocks that a program holds are as good as voxels.

mod common;
#[path = "common/region.rs"]
mod region;

use common::random::Random;
use common::volume::{cells, cuts, memory};
use region::some_region;
use septa::graph::csr::Csr;
use septa::incremental::on_voxels::LastVoxels;
use septa::incremental::running::LastRun;
use septa::incremental::session::Session;
use septa::incremental::settings::Settings;
use septa::lattice::runs::Runs;
use septa::lattice::summary::{Detail, Want};
use septa::prelude::*;
use septa::programs::components::Components;
use septa::programs::degree::Degree;
use septa::programs::pagerank::PageRank;
use septa::volume::grid::Grid;
use septa::volume::region::Region;
use septa::volume::shape::Shape;
use septa::volume::voxel::Voxels;

fn settings(grid: Grid, join: Option<Stencil>) -> Settings {
    let want = Want { cells: Detail::Moments, contacts: Some(Stencil::N6) };
    Settings { grid, select: Select::Labels, join, want, kept: 0 }
}

/// Labels that fill a box, in few cells.
fn labels(random: &mut Random, shape: Shape) -> Voxels {
    Voxels::from_vec(shape, cells(shape, 12, 30, random))
}

/// Steps to the nearest cell of a label that seven divides: moves one way, names no vertices.
#[derive(Clone, Copy, Debug)]
struct Steps;

impl VertexProgram<Csr<Contact>> for Steps {
    type State = u64;
    type Message = Min<u64>;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, Csr<Contact>, Self>) -> (u64, Vote) {
        let steps = if vertex.id().0.is_multiple_of(7) { 0 } else { u64::MAX };
        self.resume(vertex, steps)
    }

    fn resume(&self, vertex: &mut Vertex<'_, Csr<Contact>, Self>, steps: u64) -> (u64, Vote) {
        if steps < u64::MAX {
            vertex.broadcast(Min(steps + 1));
        }
        (steps, Vote::Halt)
    }

    fn warm(&self) -> Warm {
        // Where a cell comes or goes others have other numbers, and so other distances.
        Warm::Never
    }

    fn compute(&self, vertex: &mut Vertex<'_, Csr<Contact>, Self>, steps: &mut u64, heard: Min<u64>) -> Vote {
        if heard.0 < *steps {
            *steps = heard.0;
            vertex.broadcast(Min(heard.0 + 1));
        }
        Vote::Halt
    }
}

#[test]
fn a_program_that_goes_on_ends_as_one_that_begins() {
    let mut saved = (0, 0);
    for seed in 0..40 {
        let random = &mut Random(seed);
        let runtime = Runtime::start(&Workers::threads(1 + (seed % 2) as usize)).unwrap();
        let shape = Shape([7, 9, 11].map(|most| 3 + random.below(most) as usize));
        let grid = Grid::new(shape, BlockSize::Edge(2 + random.below(5) as usize)).unwrap();
        let mut session = Session::new(&runtime, settings(grid, None)).unwrap();
        let (mut components, mut ranks, mut steps) = (LastRun::default(), LastRun::default(), LastRun::default());
        for commit in 0..8 {
            let region = if commit == 0 { Region::whole(shape) } else { some_region(shape, random) };
            match random.below(4) {
                0 if commit > 0 => session.remove(region).unwrap(),
                _ => session.put("scan", &labels(random, region.shape()), region.start).unwrap(),
            };
            session.commit().unwrap();
            let config = Config::default();
            let warm = session.run(&Components, &mut components, &config).unwrap();
            let mut begun = LastRun::default();
            let cold = session.run(&Components, &mut begun, &config).unwrap();
            assert!(components.states().eq(begun.states()), "seed {seed} commit {commit}");
            saved = (saved.0 + warm.messages, saved.1 + cold.messages);
            session.run(&Steps, &mut steps, &config).unwrap();
            let mut begun = LastRun::default();
            session.run(&Steps, &mut begun, &config).unwrap();
            assert!(steps.states().eq(begun.states()), "seed {seed} commit {commit}");
            // Ranks that move no more than 1e-13 are within that by 1 / (1 - 0.85) of where they end.
            let vertices = session.summary().unwrap().cells.len() as u64;
            let program = PageRank { vertices, damping: 0.85, iterations: 1000, tolerance: 1e-13 };
            let mut begun = LastRun::default();
            session.run(&program, &mut ranks, &config).unwrap();
            session.run(&program, &mut begun, &config).unwrap();
            for ((label, warm), (other, cold)) in ranks.states().zip(begun.states()) {
                assert!(label == other && (warm - cold).abs() < 2e-12, "seed {seed}: {warm} {cold}");
                assert_eq!(ranks.of(label), Some(warm));
            }
        }
    }
    assert!(saved.0 < saved.1, "going on takes fewer messages: {saved:?}");
}

#[test]
fn a_program_on_voxels_that_goes_on_ends_as_one_that_begins() {
    let (mut grown, mut saved) = (0, (0, 0));
    for seed in 0..40 {
        let random = &mut Random(900 + seed);
        let runtime = Runtime::start(&Workers::threads(1 + (seed % 2) as usize)).unwrap();
        let shape = Shape([5, 6, 12].map(|most| 3 + random.below(most) as usize));
        let grid = Grid::new(shape, BlockSize::Edge(2 + random.below(5) as usize)).unwrap();
        let want = Want { cells: Detail::Moments, contacts: None };
        let select = [Select::NonZero, Select::Labels][random.below(2) as usize];
        let settings = Settings { grid, select, join: Some(Stencil::N6), want, kept: 0 };
        let mut session = Session::new(&runtime, settings).unwrap();
        let (mut components, mut ranks) = (LastVoxels::default(), LastVoxels::default());
        let mut stencil = Stencil::N6;
        let mut before: Vec<u64> = vec![0; shape.0.iter().product()];
        for commit in 0..6 {
            // What is there and more, or others; now and then more neighbours.
            let more = random.below(3) > 0;
            let drawn: Vec<u64> = before.iter().map(|_| random.below(9).saturating_sub(6)).collect();
            let now: Vec<u64> =
                before.iter().zip(drawn).map(|(was, new)| if more && *was > 0 { *was } else { new }).collect();
            session.put_source(&memory(shape, now.clone()), [0; 3]).unwrap();
            session.commit().unwrap();
            let other = random.below(5) == 0;
            stencil = if other { Stencil::N18 } else { stencil };
            let config = Config::default();
            let warm = session.run_voxels(&Components, stencil, &mut components, &config).unwrap();
            let mut begun = LastVoxels::default();
            let cold = session.run_voxels(&Components, stencil, &mut begun, &config).unwrap();
            assert!(components.states().eq(begun.states()), "seed {seed} commit {commit}");
            assert_eq!(components.states().count(), now.iter().filter(|label| **label > 0).count());
            if more && commit > 0 && !other {
                grown += 1;
                saved = (saved.0 + warm.messages, saved.1 + cold.messages);
            }
            let voxels = components.states().count() as u64;
            let program = PageRank { vertices: voxels.max(1), damping: 0.85, iterations: 1000, tolerance: 1e-13 };
            let mut begun = LastVoxels::default();
            session.run_voxels(&program, stencil, &mut ranks, &config).unwrap();
            session.run_voxels(&program, stencil, &mut begun, &config).unwrap();
            for ((voxel, warm), (other, cold)) in ranks.states().zip(begun.states()) {
                assert!(voxel == other && (warm - cold).abs() < 2e-12, "seed {seed}: {warm} {cold}");
                assert_eq!(ranks.of(voxel), Some(warm));
            }
            before = now;
        }
    }
    assert!(grown > 40 && saved.0 < saved.1, "going on says less: {saved:?} in {grown}");
}

#[test]
fn nothing_is_done_anew_where_nothing_was_lost() {
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    // A chain of cells along x, and beside it a pair that changes.
    let shape = Shape([1, 4, 400]);
    let mut values = vec![0u64; 1600];
    (0..400).for_each(|x| values[x] = 1 + x as u64 / 2);
    values[800] = 900;
    let grid = Grid::new(shape, BlockSize::Edge(50)).unwrap();
    let mut session = Session::new(&runtime, settings(grid, None)).unwrap();
    session.put("chain", &Voxels::from_vec(shape, values), [0; 3]).unwrap();
    session.commit().unwrap();
    let mut last = LastRun::default();
    let cold = session.run(&Components, &mut last, &Config::default()).unwrap();
    assert!(cold.messages >= 2 * 199, "{cold:?}");
    session.put("more", &Voxels::from_vec(Shape([1, 1, 1]), vec![901u64]), [0, 2, 1]).unwrap();
    session.commit().unwrap();
    let warm = session.run(&Components, &mut last, &Config::default()).unwrap();
    assert!(warm.supersteps <= 3 && warm.messages <= 210, "{warm:?}");
    // What is lost begins anew, and only what hung together with it.
    session.remove(Region { start: [0, 2, 1], end: [1, 3, 2] }).unwrap();
    session.commit().unwrap();
    let warm = session.run(&Components, &mut last, &Config::default()).unwrap();
    assert!(warm.supersteps <= 3 && warm.messages <= 210, "{warm:?}");
    assert_eq!((last.of(200), last.of(900), last.of(901)), (Some(&0), Some(&200), None));
}

#[test]
fn the_voxels_of_a_session_are_a_lattice_of_now() {
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    for seed in 0..10 {
        let random = &mut Random(300 + seed);
        let shape = Shape([4, 5, 6]);
        let grid = Grid::new(shape, BlockSize::Edge(3)).unwrap();
        let mut session = Session::new(&runtime, settings(grid, Some(Stencil::N18))).unwrap();
        session.put("first", &labels(random, shape), [0; 3]).unwrap();
        session.commit().unwrap();
        let before = session.lattice(Stencil::N18).unwrap();
        let values = cells(shape, 9, 4, random);
        session.put("second", &Voxels::from_vec(shape, values.clone()), [0; 3]).unwrap();
        session.commit().unwrap();
        let run = |lattice: &Lattice| runtime.vertices(lattice, &Degree, &Config::default()).unwrap().0;
        let now = run(&session.lattice(Stencil::N18).unwrap());
        let cold = Lattice::of(cuts(&memory(shape, values))[0].clone(), Select::Labels, Stencil::N18).unwrap();
        assert_eq!(now, run(&cold), "seed {seed}");
        assert_ne!(run(&before), now, "the lattice before it is as it was");
    }
}

#[test]
fn blocks_that_a_program_holds_are_as_good_as_voxels() {
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    for seed in 0..20 {
        let random = &mut Random(500 + seed);
        let shape = Shape([5, 6, 7]);
        let grid = Grid::new(shape, BlockSize::Edge(3)).unwrap();
        let join = [None, Some(Stencil::N6), Some(Stencil::N26)][random.below(3) as usize];
        let [mut voxels, mut held] = [0, 1].map(|_| Session::new(&runtime, settings(grid, join)).unwrap());
        for _ in 0..4 {
            let scan = labels(random, shape);
            voxels.put("scan", &scan, [0; 3]).unwrap();
            for block in (0..grid.blocks()).map(BlockId) {
                let region = grid.region(block);
                let runs = Runs::scan(&scan.part(&region), region, Select::Labels, "program").unwrap();
                let differs = held.put_runs(runs.clone()).unwrap();
                assert!(!held.put_runs(runs).unwrap() || !differs, "the same is not put twice");
            }
            assert_eq!(held.commit().unwrap(), voxels.commit().unwrap(), "seed {seed}");
            assert_eq!(held.summary().unwrap(), voxels.summary().unwrap());
            // And voxels that are the same change nothing.
            assert_eq!(held.put("scan", &scan, [0; 3]).unwrap(), 0);
        }
        let wrong = Region { start: [0; 3], end: [2, 3, 3] };
        let runs = Runs::scan(&labels(random, wrong.shape()), wrong, Select::Labels, "program").unwrap();
        assert!(held.put_runs(runs).unwrap_err().message().contains("not a block"));
        let mask = Runs::scan(&labels(random, Shape([3; 3])), grid.region(BlockId(0)), Select::NonZero, "m").unwrap();
        assert!(held.put_runs(mask).unwrap_err().message().contains("labels"));
    }
}
