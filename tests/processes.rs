//! Clusters of processes on this machine: the same answers and the same errors as on one worker,
//! and an end, with an error, where a process is lost.

#[path = "common/cluster.rs"]
mod cluster;
#[path = "common/mix.rs"]
mod mix;

use std::sync::Arc;

use cluster::{CLUSTERS, Cluster, told};
use mix::mix;
use septa::combine::{All, Sum};
use septa::error::{Error, Result};
use septa::graph::csr::Csr;
use septa::graph::cut::hashed;
use septa::graph::topology::Cut;
use septa::id::{BlockId, VertexId};
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::lattice::summary::{Detail, Want};
use septa::lattice::tiling::Tiling;
use septa::pregel::block::{BlockProgram, Superstep, Vote};
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::programs::labelling::Labelling;
use septa::programs::pagerank::PageRank;
use septa::volume::grid::BlockSize;
use septa::volume::memory::Memory;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::Voxels;
use septa::workers::Workers;

/// So many blocks with nothing in them.
#[derive(Clone, Debug)]
struct Blocks(u32);

impl Cut for Blocks {
    type Block = BlockId;

    fn blocks(&self) -> u32 {
        self.0
    }

    fn block(&self, id: BlockId) -> Result<BlockId> {
        Ok(id)
    }

    fn digest(&self, _: &BlockId) -> Result<u64> {
        Ok(0)
    }
}

/// What the last block does in superstep 3.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    /// Sends on, like all others.
    Go,
    /// Returns an error.
    Fail,
    Panic,
    /// Ends its process.
    Die,
}

/// Blocks that send each other parcels, large ones among them.
#[derive(Clone, Debug)]
struct Relay(Act);

impl BlockProgram<Blocks> for Relay {
    type State = u64;
    type Parcel = Vec<u8>;
    type Global = (All<u64>, Sum<f64>);
    type Output = (u64, Vec<u64>);

    fn init(&self, _: &Blocks, block: &BlockId) -> Result<u64> {
        Ok(u64::from(block.0))
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Vec<u8>, Self::Global>,
        block: &BlockId,
        state: &mut u64,
        mail: Vec<(BlockId, Vec<u8>)>,
    ) -> Result<Vote> {
        for (from, parcel) in mail {
            let sum = parcel.iter().fold(u64::from(from.0), |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
            *state = mix(*state ^ sum);
        }
        if at.number() == 3 && block.0 == 10 {
            match self.0 {
                Act::Go => {}
                Act::Fail => return Err(Error::input("scan_10.tif", "cut short")),
                Act::Panic => panic!("out of its mind"),
                Act::Die => std::process::abort(),
            }
        }
        if at.number() == 8 {
            return Ok(Vote::Halt);
        }
        for to in (0..11).map(BlockId) {
            let len = if (block.0 + to.0).is_multiple_of(6) { 400_000 } else { *state as usize % 40 };
            at.send(to, (0..len).map(|place| (place as u64 ^ *state) as u8).collect());
        }
        at.contribute((All(vec![*state; 4_000]), Sum(1.0 / (*state as f64))));
        Ok(Vote::Stay)
    }

    fn done(&self, superstep: u64, _: &Self::Global) -> bool {
        superstep == 7
    }

    fn finish(&self, _: &BlockId, state: u64) -> Result<Self::Output> {
        Ok((state, vec![state; 60_000]))
    }
}

/// Plays one part on this runtime: what it found, in words and numbers.
fn play(part: &str, runtime: &Runtime) -> Result<String> {
    let config = Config::default();
    let relay = |act| {
        let (made, report) = runtime.collect(&Blocks(11), &Relay(act), &config)?;
        let made = made.into_iter().map(|(block, (state, copies))| (block, state, copies.len(), copies[9]));
        Ok(format!("{:?}\n{:?}", (report.supersteps, report.messages, report.global), made.collect::<Vec<_>>()))
    };
    match part {
        "pagerank" => {
            let edges: Vec<_> =
                (0..3000).map(|e| (VertexId(mix(e) % 500), VertexId(mix(e + 9000) % 600), ())).collect();
            let graph = Csr::directed(600, &edges, 9, hashed(9))?;
            let (ranks, report) = runtime.vertices(&graph, &PageRank::new(600), &config)?;
            let bits: Vec<_> = ranks.into_iter().map(|(vertex, rank)| (vertex, rank.to_bits())).collect();
            Ok(format!("{:?}\n{bits:?}", (report.supersteps, report.messages, report.global)))
        }
        "labelling" => {
            let shape = Shape([30, 31, 32]);
            let voxels = (0..shape.voxels().unwrap_or(0)).map(|v| u8::from(mix(v).is_multiple_of(4))).collect();
            let volume = Memory::new("test", Voxels::from_vec(shape, voxels), Spacing::default());
            let tiling = Tiling::new(Arc::new(volume), BlockSize::Edge(11))?;
            let program = Labelling {
                select: Select::NonZero,
                stencil: Stencil::N6,
                min_voxels: 2,
                paint: true,
                want: Some(Want { cells: Detail::Shape, contacts: Some(Stencil::N26) }),
                grid: *tiling.grid(),
            };
            let (painted, report) = runtime.collect(&tiling, &program, &config)?;
            let voxels: Vec<_> =
                painted.into_iter().map(|(block, painted)| (block, painted.map(|painted| painted.voxels()))).collect();
            Ok(format!("{:?}\n{voxels:?}", (report.supersteps, report.messages, report.global)))
        }
        "relay" => relay(Act::Go),
        "fails" => relay(Act::Fail),
        "panics" => relay(Act::Panic),
        "dies" => relay(Act::Die),
        "takes" => {
            let emit = |block: BlockId, _| match block.0 {
                9.. => Err(Error::resource(format!("the disk is full at block {block}"))),
                _ => Ok(()),
            };
            runtime.run(&Blocks(11), &Relay(Act::Go), &config, emit).map(|_| String::new())
        }
        "fails and goes on" => {
            let failed = relay(Act::Fail);
            assert!(failed.is_err_and(|error| error.message() == "scan_10.tif: cut short"));
            relay(Act::Go)
        }
        "many short runs" => {
            let mut found = String::new();
            for _ in 0..6 {
                found = relay(Act::Panic).map_or_else(|error| error.to_string(), |_| "no error".into());
            }
            Ok(found)
        }
        _ => Err(Error::usage(format!("there is no part «{part}»"))),
    }
}

/// Not a test of its own: a process of a cluster, where the environment says so.
#[test]
fn acts_as_one_process_of_a_cluster() {
    cluster::act(play);
}

/// What the part finds on one worker.
fn alone(part: &str) -> String {
    told(play(part, &Runtime::start(&Workers::threads(1)).unwrap()))
}

#[test]
fn processes_find_what_one_worker_finds() {
    for part in ["pagerank", "labelling", "relay", "fails and goes on"] {
        let expected = alone(part);
        let (figures, _) = expected.split_once('\n').unwrap();
        for (processes, threads) in CLUSTERS {
            let found = Cluster::start(part, processes, threads).wait();
            for (process, (found, well)) in found.into_iter().enumerate() {
                let case = format!("{part}, process {process} of {processes} with {threads} threads");
                assert!(well, "{case} failed");
                let found = found.unwrap();
                match process {
                    0 => assert!(found == expected, "{case}"),
                    _ => assert_eq!(found, format!("{figures}\n[]"), "{case}"),
                }
            }
        }
    }
}

#[test]
fn an_error_on_one_process_is_the_same_error_on_all() {
    for (part, expected) in [
        ("fails", "Input: scan_10.tif: cut short"),
        ("panics", "Program: block 10, superstep 3: the program panicked: out of its mind"),
        ("takes", "Resource: the disk is full at block 9"),
        ("many short runs", "block 10, superstep 3: the program panicked: out of its mind"),
    ] {
        assert_eq!(alone(part), expected);
        for (processes, threads) in CLUSTERS {
            let found = Cluster::start(part, processes, threads).wait();
            assert_eq!(found, vec![(Some(expected.to_string()), true); processes], "{part}");
        }
    }
}

#[test]
fn a_process_that_dies_is_an_error_on_the_others_and_not_a_wait_for_ever() {
    for (processes, threads) in CLUSTERS {
        let found = Cluster::start("dies", processes, threads).wait();
        let (dead, others) = found.split_last().unwrap();
        assert_eq!(*dead, (None, false), "block 10 is on the last process");
        let lost = "Cluster: a process of the cluster was lost: start all of them again";
        for other in others {
            assert_eq!(*other, (Some(lost.to_string()), true), "{processes} processes, {threads} threads");
        }
    }
}

#[test]
fn processes_that_end_at_once_leave_in_good_order() {
    for turn in 0..15 {
        let (processes, threads) = CLUSTERS[turn % 4];
        let cluster = Cluster::start("pagerank", processes, threads);
        assert!(cluster.wait().iter().all(|(found, well)| found.is_some() && *well), "turn {turn}");
    }
}
