//! A session over several processes: whoever takes a scan, all of them say what one alone would.

#[path = "common/cluster.rs"]
mod cluster;
mod common;
#[path = "common/region.rs"]
mod region;

use cluster::{CLUSTERS, Cluster, told};
use common::random::Random;
use common::volume::{cells, cuts, memory, voxels_of};
use region::some_region;
use septa::error::Result;
use septa::incremental::on_voxels::LastVoxels;
use septa::incremental::running::LastRun;
use septa::incremental::saved::Saved;
use septa::incremental::session::Session;
use septa::incremental::settings::Settings;
use septa::lattice::runs::Runs;
use septa::lattice::summary::{Detail, Want};
use septa::prelude::*;
use septa::programs::components::Components;
use septa::programs::degree::Degree;
use septa::volume::grid::{BlockSize, Grid};
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::source::VolumeSource;
use septa::volume::voxel::Voxels;
use septa::workers::Workers;

/// Sequences of each part.
const SEQUENCES: u64 = 50;

/// What one of the processes does before a commit.
#[derive(Clone)]
enum Act {
    Put(Voxels, [usize; 3]),
    Source(Vec<u64>, Region),
    Runs(Voxels, Region),
    Remove(Region),
}

fn some_act(settings: &Settings, random: &mut Random) -> Act {
    let shape = settings.grid.shape();
    let region = match random.below(5) {
        0 => Region::whole(shape),
        _ => some_region(shape, random),
    };
    let labels = 1 + random.below(3);
    let bytes = |region: Region, random: &mut Random| {
        let values = cells(region.shape(), 4, labels, random);
        Voxels::from_vec(region.shape(), values.into_iter().map(|value| value as u8).collect())
    };
    match random.below(5) {
        0 => Act::Remove(region),
        1 => Act::Source(cells(region.shape(), 4, labels, random), region),
        2 => {
            let own = settings.grid.region(septa::id::BlockId(random.below(u64::from(settings.grid.blocks())) as u32));
            Act::Runs(bytes(own, random), own)
        }
        _ => Act::Put(bytes(region, random), region.start),
    }
}

fn does(session: &mut Session<'_>, act: Act) -> Result<()> {
    match act {
        Act::Put(voxels, at) => session.put("scan", &voxels, at).map(drop),
        Act::Source(values, region) => session.put_source(&memory(region.shape(), values), region.start).map(drop),
        Act::Runs(voxels, own) => {
            let select = session.settings().select;
            session.put_runs(Runs::scan(&voxels, own, select, "scan")?).map(drop)
        }
        Act::Remove(region) => session.remove(region).map(drop),
    }
}

/// The last runs on the contact graph, and on the voxels.
type Last = (LastRun<u64>, LastVoxels<u64>);

/// All that a session says.
fn says(runtime: &Runtime, session: &Session<'_>, last: &mut Last) -> Result<String> {
    let shape = session.settings().grid.shape();
    // Some voxels in all places: each is asked of all processes.
    let some = voxels_of(shape).step_by(shape.0.iter().product::<usize>() / 5 + 1);
    let cells: Result<Vec<u64>> = some.map(|voxel| session.cell_at(voxel)).collect();
    let mut said = format!("{:?}\n{:?}\n", session.summary()?, cells?);
    if session.epoch() > 0 {
        let before = session.summary_at(session.epoch() - 1);
        said += &format!("{:?}\n", before.map_err(|error| error.to_string()));
    }
    // A program on the contact graph that goes on, and one on the voxels.
    let report = session.run(&Components, &mut last.0, &Config::default())?;
    said += &format!("{} {:?}\n", report.supersteps, last.0.states().collect::<Vec<_>>());
    let report = session.run_voxels(&Components, Stencil::N6, &mut last.1, &Config::default())?;
    said += &format!("{} {}\n", report.supersteps, report.messages);
    let lattice = session.lattice(Stencil::N18)?;
    let report = runtime.run(&lattice, &septa::pregel::sweep::Sweep::new(Degree), &Config::default(), |_, _| Ok(()))?;
    said += &format!("{} {:?}\n", report.messages, report.global);
    Ok(said)
}

/// Random sequences, whose puts are dealt to the processes, of which there are so many.
fn sequences(dealt: u64, first: u64, runtime: &Runtime) -> Result<String> {
    let workers = runtime.workers();
    let this = workers.process() as u64;
    // What one process alone would hold.
    let alone = Runtime::start(&Workers::threads(1))?;
    let mut said = String::new();
    for seed in first..first + SEQUENCES {
        let mut random = Random(seed);
        let shape = Shape(std::array::from_fn(|_| 1 + random.below(9) as usize));
        let select = [Select::NonZero, Select::Labels][random.below(2) as usize];
        let stencil = [Stencil::N6, Stencil::N18, Stencil::N26][random.below(3) as usize];
        let join = (select != Select::Labels || random.below(2) == 0).then_some(stencil);
        let contacts = [None, Some(Stencil::N6), Some(Stencil::N26)][random.below(3) as usize];
        let want = Want { cells: Detail::Shape, contacts };
        let ways = cuts(&memory(shape, vec![0u8; shape.0.iter().product()]));
        let grid = *ways[random.below(ways.len() as u64) as usize].grid();
        let settings = Settings { grid, select, join, want, kept: 1 };
        let mut session = Session::new(runtime, settings)?;
        let mut single = Session::new(&alone, settings)?;
        let mut last = Last::default();
        for _ in 0..1 + random.below(5) {
            let mut acts: Vec<(u64, Act)> =
                (0..random.below(5)).map(|_| (random.below(dealt), some_act(&settings, &mut random))).collect();
            // Who is alone does what each of them would, in their order.
            acts.sort_by_key(|(who, _)| *who);
            for (who, act) in acts {
                does(&mut single, act.clone())?;
                if workers.processes() == 1 || who == this {
                    does(&mut session, act)?;
                }
            }
            single.commit()?;
            said += &format!("{seed} {:?}\n{}", session.commit()?, says(runtime, &session, &mut last)?);
            // Now and then it is another session that goes on: each process brings what it had, or one of
            // them all that there is.
            let who = random.below(3 * dealt);
            if who <= dealt {
                let saved = match (who == dealt, who == this || workers.processes() == 1) {
                    (true, _) => session.save(),
                    (false, true) => single.save(),
                    (false, false) => Saved::default(),
                };
                drop(session);
                session = Session::restore(runtime, settings, &saved)?;
                said += &says(runtime, &session, &mut last)?;
            }
        }
    }
    Ok(said)
}

/// Sessions that do not go well.
fn trouble(part: &str, runtime: &Runtime) -> Result<String> {
    let shape = Shape([8, 4, 4]);
    let want = Want { cells: Detail::Moments, contacts: None };
    let grid = Grid::new(shape, BlockSize::Edge(2))?;
    let settings = Settings { grid, select: Select::NonZero, join: Some(Stencil::N6), want, kept: 0 };
    let mut session = Session::new(runtime, settings)?;
    let ones = |shape: Shape| Voxels::from_vec(shape, vec![1u8; shape.0.iter().product()]);
    session.put("scan", &ones(shape), [0; 3])?;
    assert_eq!(session.commit()?.cells.len(), 1);
    let last = runtime.workers().process() + 1 == runtime.workers().processes();
    match part {
        "bad scan" => {
            // Who cannot put a scan tells nobody, and nothing of it is seen.
            let told = match last {
                true => session.put("large", &ones(Shape([8, 4, 5])), [0; 3]).unwrap_err().to_string(),
                false => session.remove(Region { start: [0; 3], end: [1, 1, 1] })?.to_string(),
            };
            assert_eq!(told.contains("large: the region"), last, "{told}");
            session.commit()?;
            Ok(session.summary()?.cells[&1].moments.voxels.to_string())
        }
        "other settings" => {
            let other = Settings { grid: Grid::new(shape, BlockSize::Edge(4))?, ..settings };
            Session::restore(runtime, if last { other } else { settings }, &session.save()).map(|_| String::new())
        }
        "other commits" => {
            let before = session.save();
            session.commit()?;
            let saved = if last { before } else { session.save() };
            Session::restore(runtime, settings, &saved).map(|_| String::new())
        }
        "far" => {
            // A process reads its own blocks, and those beside them.
            let volume = session.volume(&Spacing::default())?;
            let end = |process: usize| if process == 0 { [7, 0, 0] } else { [0; 3] };
            let voxel = end(runtime.workers().process());
            volume.read(&Region { start: voxel, end: voxel.map(|at| at + 1) }).map(|_| String::new())
        }
        "dies" => {
            if last {
                std::process::abort();
            }
            session.put("scan", &Voxels::from_vec(Shape([1, 1, 1]), vec![0u8]), [0; 3])?;
            session.commit().map(|_| String::new())
        }
        _ => unreachable!("there is no part {part}"),
    }
}

fn play(part: &str, runtime: &Runtime) -> Result<String> {
    match part.split_once(',') {
        Some((dealt, first)) => sequences(dealt.parse().unwrap(), first.parse().unwrap(), runtime),
        None => trouble(part, runtime),
    }
}

/// Not a test of its own: a process of a cluster, where the environment says so.
#[test]
fn acts_as_one_process_of_a_cluster() {
    cluster::act(play);
}

#[test]
fn processes_say_what_one_alone_says_whoever_takes_a_scan() {
    for (turn, (processes, threads)) in CLUSTERS.into_iter().enumerate() {
        let part = format!("{processes},{}", turn as u64 * SEQUENCES);
        let expected = told(play(&part, &Runtime::start(&Workers::threads(1)).unwrap()));
        assert!(expected.lines().count() > 5 * SEQUENCES as usize, "{expected}");
        for (process, (found, well)) in Cluster::start(&part, processes, threads).wait().into_iter().enumerate() {
            let case = format!("process {process} of {processes} with {threads} threads");
            assert!(well, "{case} failed");
            let found = found.unwrap();
            let differs = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
            assert!(found == expected, "{case}: {differs:?}");
        }
    }
}

#[test]
fn what_one_process_cannot_do_no_other_waits_for() {
    for (part, expected) in [
        ("bad scan", "127"),
        ("other settings", "Checkpoint: a saved session is not one of these settings"),
        ("other commits", "Checkpoint: what processes bring was saved after different commits"),
    ] {
        for (processes, threads) in CLUSTERS {
            let found = Cluster::start(part, processes, threads).wait();
            assert_eq!(found, vec![(Some(expected.to_string()), true); processes], "{part}");
        }
    }
    for (process, (found, well)) in Cluster::start("far", 3, 1).wait().into_iter().enumerate() {
        let found = found.unwrap();
        assert!(well && found.contains("of another process") == (process != 1), "{process}: {found}");
    }
}

#[test]
fn a_process_that_dies_is_an_error_of_the_next_commit() {
    for (processes, threads) in CLUSTERS {
        let found = Cluster::start("dies", processes, threads).wait();
        let (dead, others) = found.split_last().unwrap();
        assert_eq!(*dead, (None, false));
        for other in others {
            let lost = "Cluster: a process of the cluster was lost: start all of them again";
            assert_eq!(*other, (Some(lost.to_string()), true), "{processes} processes, {threads} threads");
        }
    }
}
