//! Runs that are stopped and taken up: by any number of workers and processes, to the bytes of a
//! run that was never stopped; and checkpoints of something else, which are refused.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/program.rs"]
mod program;

use std::fmt::Debug;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use mix::mix;
use program::septa;
use septa::combine::Sum;
use septa::error::{Kind, Result};
use septa::graph::csr::Csr;
use septa::graph::cut::{hashed, ranges};
use septa::graph::topology::{Mutable, Topology};
use septa::id::VertexId;
use septa::pregel::block::{BlockProgram, Vote};
use septa::pregel::run::{Checkpoint, Config, Every};
use septa::pregel::runtime::Runtime;
use septa::pregel::vertex::{Vertex, VertexProgram};
use septa::programs::connectivity::Connectivity;
use septa::programs::pagerank::PageRank;
use septa::workers::Workers;
use xxhash_rust::xxh3::xxh3_64;

type Edges = Vec<(VertexId, VertexId, u32)>;

fn edges(vertices: u64, count: u64, seed: u64) -> Edges {
    let end = |number: u64| VertexId(mix(seed * 1_000_003 + number) % vertices);
    (0..count).map(|edge| (end(2 * edge), end(2 * edge + 1), (mix(edge) % 50) as u32 + 1)).collect()
}

fn runtimes() -> Vec<Runtime> {
    (1..=3).map(|threads| Runtime::start(&Workers::threads(threads)).unwrap()).collect()
}

fn saved(folder: &Path, supersteps: u64, max_supersteps: Option<u64>) -> Config {
    let checkpoint = Checkpoint { folder: folder.into(), every: Every::Supersteps(supersteps) };
    Config { checkpoint: Some(checkpoint), max_supersteps, ..Config::default() }
}

/// Floats that flare up and die down, so that sweeps go from dense to sparse and back.
#[derive(Clone, Debug)]
struct Flicker;

const FLICKERS: u64 = 40;

impl<G: Topology> VertexProgram<G> for Flicker {
    type State = f64;
    type Message = Sum<f64>;
    type Global = Sum<u64>;

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (f64, Vote) {
        let mut state = 0.0;
        let vote = self.compute(vertex, &mut state, Sum(0.0));
        (state, vote)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut f64, heard: Sum<f64>) -> Vote {
        let (id, superstep) = (vertex.id().0, vertex.superstep());
        let chance = mix(id * 1000 + superstep);
        let one_in = [1, 2, 3, 60, 60, 60, 200, 200, 200, 7][superstep as usize % 10];
        *state = *state * 0.7 + heard.0 + 1.0 / (1.0 + id as f64) + vertex.global().0 as f64 * 1e-6;
        if chance.is_multiple_of(one_in) {
            vertex.broadcast(Sum(*state / 3.0));
        }
        vertex.contribute(Sum(1));
        // A few are always there, so that it goes on.
        let stays = id.is_multiple_of(97) || (chance / 256).is_multiple_of(one_in + 5);
        if stays { Vote::Stay } else { Vote::Halt }
    }

    fn done(&self, superstep: u64, _called: &Sum<u64>) -> bool {
        superstep >= FLICKERS
    }
}

/// Vertices come and go, and so do their edges; they tell others by name.
#[derive(Clone, Debug)]
struct Churn {
    vertices: u64,
}

impl<G: Topology<Edge = u32, Block: Mutable>> VertexProgram<G> for Churn {
    type State = u64;
    type Message = Sum<u64>;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (u64, Vote) {
        let mut state = 1;
        let vote = self.compute(vertex, &mut state, Sum(0));
        (state, vote)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut u64, heard: Sum<u64>) -> Vote {
        let mut first = None;
        vertex.each_neighbor(|to, _| first = Some(first.map_or(to, |first: VertexId| first.min(to))));
        let id = vertex.id();
        *state = mix(*state ^ (heard.0 * 31 + u64::from(vertex.degree()) * 7 + id.0)) % 1_000_003;
        let chance = mix(*state + vertex.superstep() * 1000);
        let (even, value) = (VertexId(mix(chance) % self.vertices / 2 * 2), (chance / 8 % 90) as u32 + 1);
        match (chance % 8, first) {
            (0 | 1, _) => vertex.add_edge(even, value),
            (2, Some(to)) => vertex.remove_edge(to),
            (3, Some(to)) => vertex.set_edge(to, value),
            (4, _) if id.0 % 2 == 1 && chance % 16 < 8 => vertex.remove(),
            (5, _) => vertex.add_vertex(VertexId(self.vertices + (mix(chance) % self.vertices) / 2 * 2 + 1)),
            (6, _) => vertex.send(even, Sum(chance % 77)),
            _ => {}
        }
        vertex.broadcast(Sum(if chance.is_multiple_of(3) { 0 } else { chance % 1000 }));
        Vote::Stay
    }

    fn along(&self, edge: u32, said: &Sum<u64>) -> Sum<u64> {
        Sum(said.0 * u64::from(edge))
    }

    fn done(&self, superstep: u64, _: &()) -> bool {
        superstep == 14
    }
}

/// A run, however it is run: a hash of every bit that it made, its supersteps, and where it was
/// taken up.
type Ran = Result<(u64, u64, Option<u64>)>;

/// Words tell floats apart by their bits.
fn hash(made: &impl Debug) -> u64 {
    xxh3_64(format!("{made:?}").as_bytes())
}

fn vertices<G: Topology, P: VertexProgram<G>>(runtime: &Runtime, graph: &G, program: &P, config: &Config) -> Ran
where
    P::State: Debug,
    P::Global: Debug,
{
    let (states, report) = runtime.vertices(graph, program, config)?;
    Ok((hash(&(&report.global, states, report.messages)), report.supersteps, report.resumed))
}

fn blocks<G: Topology, P: BlockProgram<G>>(runtime: &Runtime, graph: &G, program: &P, config: &Config) -> Ran
where
    P::Output: Debug,
    P::Global: Debug,
{
    let (made, report) = runtime.collect(graph, program, config)?;
    Ok((hash(&(&report.global, made, report.messages)), report.supersteps, report.resumed))
}

/// Stops a run after each of `limits`, takes it up by other workers, and ends it.
fn hold(what: &str, every: u64, limits: &[u64], run: impl Fn(&Runtime, &Config) -> Ran) {
    let runtimes = runtimes();
    let (expected, supersteps, _) = run(&runtimes[0], &Config::default()).unwrap();
    for first in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        for (turn, limit) in limits.iter().enumerate() {
            let config = saved(folder.path(), every, Some(*limit));
            let error = run(&runtimes[(first + turn) % 3], &config).unwrap_err();
            assert!(error.kind() == Kind::Program && error.message().contains("not finished"), "{what}: {error}");
        }
        for runtime in &runtimes {
            let config = saved(folder.path(), every, None);
            let (made, computed, resumed) = run(runtime, &config).unwrap();
            assert!(made == expected, "{what}: begun by {}, ended by {}", first + 1, runtime.workers().total());
            assert_eq!(computed, supersteps, "{what}");
            assert!(resumed >= limits.last().copied(), "{what}: {resumed:?}");
        }
    }
}

#[test]
fn a_vertex_program_of_floats_goes_on_to_the_same_bits_dense_or_sparse() {
    let graph = Csr::undirected(500, &edges(500, 900, 1), 7, hashed(7)).unwrap();
    // The stops are in dense and in sparse supersteps.
    hold("flicker", 3, &[4, 8, 17, 29, 31], |runtime, config| vertices(runtime, &graph, &Flicker, config));
    let graph = Csr::directed(500, &edges(500, 900, 2), 5, ranges(500, 5)).unwrap();
    hold("flicker, directed", 4, &[3, 7, 26], |runtime, config| vertices(runtime, &graph, &Flicker, config));
}

#[test]
fn a_program_that_changes_its_graph_goes_on_with_the_changes() {
    for directed in [true, false] {
        let build = if directed { Csr::directed } else { Csr::undirected };
        let graph = build(60, &edges(60, 120, 3), 6, &hashed(6)).unwrap();
        let program = Churn { vertices: 60 };
        hold("churn", 3, &[2, 3, 5, 9, 13], |runtime, config| vertices(runtime, &graph, &program, config));
    }
}

#[test]
fn a_block_program_goes_on() {
    let graph = Csr::undirected(4000, &edges(4000, 3500, 4), 9, hashed(9)).unwrap();
    hold("connectivity", 3, &[1, 2, 3], |runtime, config| blocks(runtime, &graph, &Connectivity, config));
    hold("pagerank", 3, &[1, 11], |runtime, config| vertices(runtime, &graph, &PageRank::new(4000), config));
}

#[test]
fn a_checkpoint_that_is_half_written_is_passed_over() {
    let graph = Csr::undirected(500, &edges(500, 900, 5), 7, hashed(7)).unwrap();
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    let (expected, ..) = vertices(&runtime, &graph, &Flicker, &Config::default()).unwrap();
    for spoil in ["manifest removed", "manifest cut", "part cut"] {
        let folder = tempfile::tempdir().unwrap();
        vertices(&runtime, &graph, &Flicker, &saved(folder.path(), 3, Some(20))).unwrap_err();
        let step = folder.path().join("step-000000000020");
        let cut = |path: PathBuf| {
            let bytes = fs::read(&path).unwrap();
            fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        };
        match spoil {
            "manifest removed" => fs::remove_file(step.join("manifest.json")).unwrap(),
            "manifest cut" => cut(step.join("manifest.json")),
            _ => cut(step.join("worker-1.part")),
        }
        let (made, _, resumed) = vertices(&runtime, &graph, &Flicker, &saved(folder.path(), 3, None)).unwrap();
        assert_eq!(resumed, Some(18), "{spoil}");
        assert!(made == expected, "{spoil}");
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let build = |seed, blocks| Csr::undirected(300, &edges(300, 600, seed), blocks, hashed(blocks)).unwrap();
    let (graph, program) = (build(6, 4), PageRank::new(300));
    let folder = tempfile::tempdir().unwrap();
    let config = saved(folder.path(), 3, Some(7));
    for runtime in runtimes() {
        vertices(&runtime, &graph, &program, &config).unwrap_err();
        let config = saved(folder.path(), 3, None);
        let other = PageRank { damping: 0.5, ..program };
        for (ran, words) in [
            (vertices(&runtime, &graph, &Flicker, &config), "another program"),
            (vertices(&runtime, &graph, &other, &config), "another program"),
            (blocks(&runtime, &graph, &Connectivity, &config), "another program"),
            (vertices(&runtime, &build(7, 4), &program, &config), "another graph"),
            (vertices(&runtime, &build(6, 5), &program, &config), "another graph"),
        ] {
            let error = ran.unwrap_err();
            assert!(error.kind() == Kind::Checkpoint && error.message().contains(words), "{error}");
        }
    }
}

/// A folder with a graph of several blocks, where commands are run.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(vertices: u64, count: u64) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        let line = |(from, to, value): (VertexId, VertexId, u32)| format!("{from},{to},{value}\n");
        let lines: String = edges(vertices, count, 8).into_iter().map(line).collect();
        fs::write(desk.0.path().join("graph.csv"), lines).unwrap();
        desk
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command = septa();
        command.current_dir(self.0.path()).arg("run").args(arguments.split(' ')).args(["--json", "--force"]);
        command
    }

    fn run(&self, arguments: &str) -> serde_json::Value {
        let done = self.command(arguments).output().unwrap();
        assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
        serde_json::from_slice(&done.stdout).unwrap()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    /// What each of two processes ends with.
    fn cluster(&self, arguments: &str) -> [Output; 2] {
        let ports = [0; 2].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let hosts: String = ports.iter().map(|port| format!("{}\n", port.local_addr().unwrap())).collect();
        fs::write(self.0.path().join("hosts"), hosts).unwrap();
        drop(ports);
        let start = |process: &str| {
            let mut command = self.command(arguments);
            command.args(["--hostfile", "hosts", "-w", "2", "-p", process]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        ["0", "1"].map(start).map(|child| child.wait_with_output().unwrap())
    }
}

const SAVED: &str = "pagerank graph.csv --iterations 30 --checkpoint saved --every 3";

#[test]
fn the_command_line_takes_up_a_run_by_any_workers_and_processes() {
    let desk = Desk::new(40_000, 60_000);
    desk.run("pagerank graph.csv --iterations 30 -o whole.csv");
    let stopped = desk.command(&format!("{SAVED} --max-supersteps 8 -w 3")).output().unwrap();
    assert_eq!(stopped.status.code(), Some(3), "{}", String::from_utf8_lossy(&stopped.stderr));
    let stopped = desk.cluster(&format!("{SAVED} --max-supersteps 17"));
    stopped.iter().for_each(|output| assert_eq!(output.status.code(), Some(3), "{output:?}"));
    let figures = desk.run(&format!("{SAVED} --max-supersteps 40 -w 1 --steps -o resumed.csv"));
    assert_eq!((&figures["resumed"], &figures["supersteps"]), (&17.into(), &31.into()));
    assert_eq!((figures["steps"].as_array().unwrap().len(), &figures["steps_left_out"]), (14, &0.into()));
    assert!(desk.bytes("resumed.csv") == desk.bytes("whole.csv"));
    let ended = desk.cluster(&format!("{SAVED} -o cluster.csv"));
    ended.iter().for_each(|output| assert!(output.status.success(), "{output:?}"));
    assert!(desk.bytes("cluster.csv") == desk.bytes("whole.csv"));
    let figures = desk.run("pagerank graph.csv --checkpoint fresh -o out.csv");
    assert!(figures["resumed"].is_null() && figures.get("resumed").is_some());
}

#[test]
fn the_command_line_refuses_a_checkpoint_of_something_else() {
    let desk = Desk::new(300, 500);
    // The same vertices, and an edge more.
    let mut lines = desk.bytes("graph.csv");
    lines.extend(lines.iter().copied().take_while(|byte| *byte != b'\n').collect::<Vec<u8>>());
    fs::write(desk.0.path().join("other.csv"), lines).unwrap();
    desk.run(SAVED);
    for (arguments, words) in [
        ("propagation graph.csv --iterations 30 --checkpoint saved", "another program"),
        ("pagerank graph.csv --iterations 31 --checkpoint saved", "another program"),
        ("pagerank other.csv --iterations 30 --checkpoint saved", "another graph"),
    ] {
        let refused = desk.command(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(6), "{arguments}: {told}");
        assert!(told.lines().count() == 1 && told.contains(words) && refused.stdout.is_empty(), "{arguments}: {told}");
    }
}

#[test]
fn a_process_that_is_killed_is_taken_up_to_the_bytes_of_one_that_was_not() {
    let desk = Desk::new(2_000, 4_000);
    let run = "pagerank graph.csv --iterations 400";
    desk.run(&format!("{run} -o whole.csv"));
    let long = format!("{run} --checkpoint saved --every 1 -w 2 -o killed.csv");
    let mut kills = 0;
    // Killed where it happens to be, often in the midst of a checkpoint.
    for turn in 1..=4 {
        let mut child = desk.command(&long).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let start = Instant::now();
        let steps = || fs::read_dir(desk.0.path().join("saved")).map_or(0, Iterator::count);
        while (steps() < 2 || start.elapsed() < Duration::from_millis(20 * turn)) && child.try_wait().unwrap().is_none()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        kills += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(kills > 0 && !desk.0.path().join("killed.csv").exists(), "{kills} kills");
    let figures = desk.run(&long);
    assert!(figures["resumed"].as_u64().is_some_and(|resumed| resumed > 0), "{figures}");
    assert!(desk.bytes("killed.csv") == desk.bytes("whole.csv"));
}
