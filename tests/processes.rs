//! Clusters of processes on this machine: the same answers and the same errors as on one worker,
//! and an end, with an error, where a process is lost.
//!
//! A test starts this very binary again for each process; what is told by the environment makes
//! `acts_as_one_process_of_a_cluster` play its part and write what it has found to a file.

#[path = "common/mix.rs"]
mod mix;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// Names the part to play, the process, the threads of each, the hosts, and the file for what was
/// found.
const PART: &str = "SEPTA_TEST_PART";

/// How long a cluster may take; a test that hangs ends here.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// What was found, or the error.
fn told(found: Result<String>) -> String {
    found.unwrap_or_else(|error| format!("{:?}: {error}", error.kind()))
}

/// Not a test of its own: a process of a cluster, where the environment says so.
#[test]
fn acts_as_one_process_of_a_cluster() {
    let Ok(part) = std::env::var(PART) else { return };
    let [part, process, threads, hosts, into] = part.split('\n').collect::<Vec<_>>()[..] else {
        panic!("five lines tell the part");
    };
    let hosts = hosts.split(' ').map(str::to_owned).collect();
    let workers = Workers::cluster(threads.parse().unwrap(), process.parse().unwrap(), hosts).unwrap();
    let runtime = Runtime::start(&workers).unwrap();
    std::fs::write(into, told(play(part, &runtime))).unwrap();
}

/// The processes of a cluster, ended with this.
struct Cluster {
    children: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Cluster {
    fn start(part: &str, processes: usize, threads: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<_> = (0..processes).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let hosts: Vec<_> = ports.iter().map(|port| port.local_addr().unwrap().to_string()).collect();
        drop(ports);
        let start = |process: usize| {
            let into = folder.path().join(process.to_string());
            let told = format!("{part}\n{process}\n{threads}\n{}\n{}", hosts.join(" "), into.display());
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "acts_as_one_process_of_a_cluster"]).env(PART, told);
            let log = std::fs::File::create(folder.path().join(format!("{process}.log"))).unwrap();
            command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
        };
        Self { children: (0..processes).map(start).collect(), folder }
    }

    /// What each process found, and whether it ended well; nothing where it wrote nothing.
    fn wait(mut self) -> Vec<(Option<String>, bool)> {
        let deadline = Instant::now() + PATIENCE;
        let folder = self.folder.path().to_path_buf();
        let wait = |(process, child): (usize, &mut Child)| loop {
            if let Some(status) = child.try_wait().unwrap() {
                if !status.success() {
                    let log = std::fs::read_to_string(folder.join(format!("{process}.log")));
                    eprintln!("process {process}: {status}\n{}", log.unwrap_or_default());
                }
                return (read(&folder, process), status.success());
            }
            assert!(Instant::now() < deadline, "process {process} hangs");
            std::thread::sleep(Duration::from_millis(5));
        };
        self.children.iter_mut().enumerate().map(wait).collect()
    }
}

fn read(folder: &Path, process: usize) -> Option<String> {
    std::fs::read_to_string(folder.join(process.to_string())).ok()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It has ended as a rule.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What the part finds on one worker.
fn alone(part: &str) -> String {
    told(play(part, &Runtime::start(&Workers::threads(1)).unwrap()))
}

const CLUSTERS: [(usize, usize); 4] = [(2, 1), (2, 2), (3, 1), (3, 2)];

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
