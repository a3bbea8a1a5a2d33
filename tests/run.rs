//! `septa run`: every program on everything it runs on, and what it refuses.

#[path = "common/program.rs"]
mod program;

use std::fs;
use std::path::PathBuf;

use program::septa;
use septa::volume::open::create;
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::Voxels;
use serde_json::Value;
use tempfile::TempDir;

/// A square 1 2 3 4 with the diagonal 1 3, the tail 4 9, and the pair 20 30.
const EDGES: &str = "from,to,length\n1,2,1\n2,3,1\n3,4,2.5\n4,1,1\n1,3,4\n4,9,0.5\n20,30,1\n";

/// A folder with one input of each sort.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(desk.path("graph.csv"), EDGES).unwrap();
        for (name, direction) in [("graph.graphml", "undirected"), ("directed.graphml", "directed")] {
            let mut text = format!(
                "<graphml><key id=\"l\" for=\"edge\" attr.name=\"length\" attr.type=\"double\"/>\
                 <graph edgedefault=\"{direction}\">"
            );
            [1, 2, 3, 4, 9, 20, 30].iter().for_each(|node| text.push_str(&format!("<node id=\"{node}\"/>")));
            for line in EDGES.lines().skip(1) {
                let [from, to, length] = line.split(',').collect::<Vec<_>>()[..] else { panic!("three fields") };
                let data = format!("<data key=\"l\">{length}</data>");
                text.push_str(&format!("<edge source=\"{from}\" target=\"{to}\">{data}</edge>"));
            }
            fs::write(desk.path(name), text + "</graph></graphml>").unwrap();
        }
        // Cells 5, 7, 8 in a row, and 40 apart from them.
        desk.volume("cells.npy", [1, 1, 8], vec![5, 5, 7, 7, 8, 8, 0, 40]);
        // A staircase of voxels from face z = 0 to face z = 1, in one slice each; and one alone.
        desk.volume("steps.npy", [2, 2, 4], vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0]);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn volume(&self, name: &str, shape: [usize; 3], voxels: Vec<u16>) {
        let shape = Shape(shape);
        let voxels = Voxels::from_vec(shape, voxels);
        let sink = create(&self.path(name), shape, voxels.dtype(), &Spacing::default()).unwrap();
        sink.write(&Region::whole(shape), &voxels).unwrap();
        sink.finish().unwrap();
    }

    /// The figures of `septa run` with these arguments, and the rows it wrote, as text.
    fn run(&self, arguments: &str) -> (Value, Vec<String>) {
        let out = self.path("out.csv");
        let mut command = septa();
        command.current_dir(self.folder.path()).arg("run").args(arguments.split(' '));
        command.args(["--json", "--force", "-o", "out.csv"]);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
        let rows = fs::read_to_string(out).unwrap().lines().map(str::to_string).collect();
        (serde_json::from_slice(&done.stdout).unwrap(), rows)
    }

    fn rows(&self, arguments: &str, expected: &[&str]) {
        for workers in [" -w 1", " -w 3"] {
            let (figures, rows) = self.run(&format!("{arguments}{workers}"));
            assert_eq!(rows, expected, "{arguments}{workers}");
            assert_eq!(figures["vertices"], rows.len() - 1, "{arguments}");
        }
    }

    fn figures(&self, arguments: &str, expected: &[(&str, u64)]) {
        let (figures, _) = self.run(arguments);
        expected
            .iter()
            .for_each(|(name, value)| assert_eq!(figures[name].as_f64(), Some(*value as f64), "{arguments}: {name}"));
    }

    /// Fails with this code and one line that has these words, and writes nothing.
    fn fails(&self, arguments: &str, code: i32, words: &[&str]) {
        let mut command = septa();
        command.current_dir(self.folder.path()).arg("run").args(arguments.split(' '));
        let failed = command.output().unwrap();
        let told = String::from_utf8_lossy(&failed.stderr);
        assert_eq!(failed.status.code(), Some(code), "{arguments}: {told}");
        assert!(failed.stdout.is_empty() && told.lines().count() == 1, "{arguments}: {told}");
        words.iter().for_each(|word| assert!(told.contains(word), "{arguments}: «{word}» is not in «{told}»"));
        assert!(!self.path("new.csv").exists(), "{arguments}");
    }
}

/// Every program with a graph, undirected, and its rows.
const UNDIRECTED: [(&str, &[&str]); 9] = [
    ("components", &["vertex,component", "1,1", "2,1", "3,1", "4,1", "9,1", "20,20", "30,20"]),
    ("degree", &["vertex,degree", "1,3", "2,2", "3,3", "4,3", "9,1", "20,1", "30,1"]),
    ("kcore", &["vertex,core", "1,2", "2,2", "3,2", "4,2", "9,1", "20,1", "30,1"]),
    ("triangles", &["vertex,triangles", "1,2", "2,1", "3,2", "4,1", "9,0", "20,0", "30,0"]),
    ("bridges", &["vertex,articulation", "1,false", "2,false", "3,false", "4,true", "9,false", "20,false", "30,false"]),
    ("betweenness", &["vertex,betweenness", "1,1.0", "2,0.0", "3,1.0", "4,3.0", "9,0.0", "20,0.0", "30,0.0"]),
    ("bfs --source 2", &["vertex,hops", "1,1.0", "2,0.0", "3,1.0", "4,2.0", "9,3.0", "20,NaN", "30,NaN"]),
    (
        "distance --source 3 --weight length",
        &["vertex,distance", "1,2.0", "2,1.0", "3,0.0", "4,2.5", "9,3.0", "20,NaN", "30,NaN"],
    ),
    // Without a length each edge has length 1.
    ("distance --source 9,30", &["vertex,distance", "1,2.0", "2,3.0", "3,2.0", "4,1.0", "9,0.0", "20,1.0", "30,0.0"]),
];

#[test]
fn every_program_runs_on_an_edge_list_and_on_graphml() {
    let desk = Desk::new();
    for (asked, rows) in UNDIRECTED {
        let (program, options) = asked.split_once(' ').unwrap_or((asked, "-q"));
        for input in ["graph.csv", "graph.graphml"] {
            desk.rows(&format!("{program} {input} {options}"), rows);
        }
    }
    desk.figures("components graph.csv", &[("components", 2)]);
    desk.figures("kcore graph.csv", &[("largest_core", 2)]);
    desk.figures("triangles graph.csv", &[("triangles", 2)]);
    desk.figures("bridges graph.csv", &[("bridges", 2), ("articulation_points", 1)]);
    desk.figures("betweenness graph.csv", &[("sources", 7)]);
    desk.figures("betweenness graph.csv --sources 3", &[("sources", 3), ("vertices", 7)]);
    desk.figures("bfs graph.csv --source 20", &[("reached", 2), ("farthest", 1)]);
    desk.figures("propagation graph.csv --iterations 3", &[("supersteps", 4)]);
}

#[test]
fn edges_with_a_direction_are_followed_that_way() {
    let desk = Desk::new();
    for input in ["graph.csv --directed", "directed.graphml"] {
        desk.rows(
            &format!("degree {input}"),
            &["vertex,degree,in_degree", "1,2,1", "2,1,1", "3,1,2", "4,2,1", "9,0,1", "20,1,0", "30,0,1"],
        );
        let hops = ["vertex,hops", "1,2.0", "2,3.0", "3,0.0", "4,1.0", "9,2.0", "20,NaN", "30,NaN"];
        desk.rows(&format!("bfs {input} --source 3"), &hops);
        let length = ["vertex,distance", "1,3.5", "2,4.5", "3,0.0", "4,2.5", "9,3.0", "20,NaN", "30,NaN"];
        desk.rows(&format!("distance {input} --source 3 --weight length"), &length);
        // Whatever the directions.
        desk.rows(&format!("components {input}"), UNDIRECTED[0].1);
    }
}

#[test]
fn ranks_and_communities_are_those_of_hand_made_graphs() {
    let desk = Desk::new();
    // A ring shares alike; of a pair joined to nobody both have half.
    fs::write(desk.path("ring.csv"), "6,7\n7,8\n8,9\n9,6\n").unwrap();
    for input in ["ring.csv", "ring.csv --directed"] {
        desk.rows(&format!("pagerank {input}"), &["vertex,pagerank", "6,0.25", "7,0.25", "8,0.25", "9,0.25"]);
    }
    // One that nobody points at has (1 - d)/n and its part of the dangling mass: 1/(2 + d) in all.
    fs::write(desk.path("arrow.csv"), "1,2\n").unwrap();
    let (_, rows) = desk.run("pagerank arrow.csv --directed --iterations 200 --damping 0.5");
    let rank: f64 = rows[1].strip_prefix("1,").unwrap().parse().unwrap();
    assert!((rank - 1.0 / 2.5).abs() < 1e-12, "{rank}");
    fs::write(desk.path("cliques.csv"), "1,2\n1,3\n2,3\n8,9\n8,10\n9,10\n3,8\n").unwrap();
    let (figures, _) = desk.run("propagation cliques.csv");
    assert_eq!(figures["communities"], 2, "two triangles with an edge between them");
}

#[test]
fn programs_run_on_cells_and_name_them_by_their_labels() {
    let desk = Desk::new();
    for (asked, rows) in [
        ("components", ["vertex,component", "5,5", "7,5", "8,5", "40,40"]),
        ("degree", ["vertex,degree", "5,1", "7,2", "8,1", "40,0"]),
        ("kcore", ["vertex,core", "5,1", "7,1", "8,1", "40,0"]),
        ("triangles", ["vertex,triangles", "5,0", "7,0", "8,0", "40,0"]),
        ("bridges", ["vertex,articulation", "5,false", "7,true", "8,false", "40,false"]),
        ("betweenness", ["vertex,betweenness", "5,0.0", "7,1.0", "8,0.0", "40,0.0"]),
        ("bfs --source 8", ["vertex,hops", "5,2.0", "7,1.0", "8,0.0", "40,NaN"]),
        ("distance --source 5,40", ["vertex,distance", "5,0.0", "7,1.0", "8,2.0", "40,0.0"]),
    ] {
        desk.rows(&format!("{asked} cells.npy --contacts"), &rows);
    }
    // Communities are named by cells, and triangles are not.
    let (_, rows) = desk.run("propagation cells.npy --contacts");
    assert!(rows[1..].iter().all(|row| ["5", "7", "8", "40"].contains(&row.split_once(',').unwrap().1)), "{rows:?}");
    let (figures, _) = desk.run("pagerank cells.npy --contacts --tolerance 1e-9 --iterations 500");
    assert!(figures["moved"].as_f64().unwrap() <= 1e-9);
}

#[test]
fn programs_run_on_the_voxels_of_a_volume() {
    let desk = Desk::new();
    for block in ["--block whole", "--block 1", "--block 2"] {
        for (asked, rows) in [
            ("components", ["vertex,component", "0,0", "1,0", "9,0", "11,11", "13,0"]),
            ("degree", ["vertex,degree", "0,1", "1,2", "9,2", "11,0", "13,1"]),
            ("kcore", ["vertex,core", "0,1", "1,1", "9,1", "11,0", "13,1"]),
            ("triangles", ["vertex,triangles", "0,0", "1,0", "9,0", "11,0", "13,0"]),
            ("bridges", ["vertex,articulation", "0,false", "1,true", "9,true", "11,false", "13,false"]),
            ("bfs --source 0,0,0", ["vertex,hops", "0,0.0", "1,1.0", "9,2.0", "11,NaN", "13,3.0"]),
            (
                "distance --spacing 3,2,0.5 --source 1,1,1",
                ["vertex,distance", "0,5.5", "1,5.0", "9,2.0", "11,NaN", "13,0.0"],
            ),
            (
                "distance --connectivity 26 --spacing 3,4,1 --source 0,0,1",
                ["vertex,distance", "0,1.0", "1,0.0", "9,3.0", "11,NaN", "13,5.0"],
            ),
        ] {
            desk.rows(&format!("{asked} steps.npy {block}"), &rows);
        }
    }
    let (figures, _) = desk.run("pagerank steps.npy --tolerance 1e-6");
    assert_eq!(figures["vertices"], 5);
}

#[test]
fn percolation_tells_how_many_components_join_opposite_faces() {
    let desk = Desk::new();
    for options in ["", "--connectivity 26", "--block 1"] {
        let mut command = septa();
        command.current_dir(desk.folder.path()).args(["run", "percolation", "steps.npy", "--json"]);
        let done = command.args(options.split_whitespace()).output().unwrap();
        let figures: Value = serde_json::from_slice(&done.stdout).unwrap();
        for (axis, count) in [("z", 1), ("y", 1), ("x", 0)] {
            assert_eq!(figures[format!("percolating_{axis}")], count, "{axis} {options}: {figures}");
        }
        assert_eq!(figures["vertices"], 5);
    }
}

#[test]
fn the_list_names_every_program() {
    let done = septa().args(["run", "--list", "--json"]).output().unwrap();
    let list: Value = serde_json::from_slice(&done.stdout).unwrap();
    let names: Vec<&String> = list.as_object().unwrap().keys().collect();
    let all = ["components", "pagerank", "propagation", "degree", "kcore", "triangles", "bridges", "betweenness"];
    assert!(names.iter().eq(all.iter().chain(&["bfs", "distance", "percolation"])), "{names:?}");
    assert!(list.as_object().unwrap().values().all(|line| line.as_str().is_some_and(|line| line.len() > 10)));
}

#[test]
fn steps_add_up_to_the_figures() {
    let desk = Desk::new();
    let (figures, _) = desk.run("propagation graph.csv --steps -w 2");
    let steps = figures["steps"].as_array().unwrap();
    assert_eq!((steps.len() as u64, &figures["steps_left_out"]), (figures["supersteps"].as_u64().unwrap(), &0.into()));
    let messages: u64 = steps.iter().map(|step| step["messages"].as_u64().unwrap()).sum();
    assert_eq!(messages, figures["messages"].as_u64().unwrap());
    assert!(steps.iter().enumerate().all(|(number, step)| step["superstep"] == number));
    assert!(steps.iter().all(|step| step["seconds"].as_array().unwrap().len() == 2 && step["bytes"] == 0));
    assert_eq!(steps[0]["awake"], 7);
    assert!(desk.run("propagation graph.csv").0.get("steps").is_none(), "nobody asked");
}

#[test]
fn what_a_program_has_no_use_for_is_refused() {
    let desk = Desk::new();
    for (arguments, words) in [
        ("bfs graph.csv", ["bfs", "--source ID"]),
        ("distance graph.csv -o new.csv", ["distance", "--source ID"]),
        ("bfs cells.npy", ["bfs", "--source Z,Y,X"]),
        ("bfs graph.csv --source 5", ["--source 5", "graph.csv"]),
        ("bfs graph.csv --source a", ["--source a", "number"]),
        ("bfs cells.npy --contacts --source 6", ["--source 6", "cells.npy"]),
        ("bfs steps.npy --source 1,1", ["--source 1,1", "z,y,x"]),
        ("bfs steps.npy --source 2,0,0", ["--source 2,0,0", "2x2x4"]),
        ("bfs steps.npy --source 0,1,0", ["--source 0,1,0", "zero"]),
        ("distance graph.csv --source 1 --weight width", ["width", "length"]),
        ("distance steps.npy --source 0,0,0 --weight length", ["--weight", "graph files"]),
        ("distance cells.npy --contacts --source 5 --weight area", ["--weight", "graph files"]),
        ("bfs graph.csv --source 1 --weight length", ["--weight", "distance"]),
        ("pagerank graph.csv --source 1", ["--source", "bfs and distance"]),
        ("components graph.csv --damping 0.5", ["--damping", "pagerank"]),
        ("components graph.csv --tolerance 0.5", ["--tolerance", "pagerank"]),
        ("kcore graph.csv --iterations 5", ["--iterations", "pagerank and propagation"]),
        ("kcore graph.csv --sources 5", ["--sources", "betweenness"]),
        ("betweenness graph.csv --sources 0", ["--sources", "0"]),
        ("pagerank graph.csv --contacts", ["--contacts", "volumes"]),
        ("pagerank graph.csv --connectivity 26", ["--connectivity", "volumes"]),
        ("pagerank graph.csv --spacing 1,1,1", ["--spacing", "volumes"]),
        ("pagerank cells.npy --directed", ["--directed", "edge lists"]),
        ("kcore graph.csv --directed", ["kcore", "--directed"]),
        ("triangles graph.csv --directed", ["triangles", "--directed"]),
        ("bridges graph.csv --directed", ["bridges", "--directed"]),
        ("betweenness graph.csv --directed", ["betweenness", "--directed"]),
        ("betweenness cells.npy", ["betweenness", "--contacts"]),
        ("percolation cells.npy --contacts", ["percolation", "volume"]),
        ("percolation graph.csv", ["percolation", "volume"]),
        ("percolation cells.npy -o new.csv", ["--output", "percolation"]),
        ("pagerank graph.csv --every 3", ["--checkpoint", "not provided"]),
        ("pagerank graph.csv --checkpoint c --every 0", ["--every", "0"]),
        ("pagerank graph.csv --checkpoint c --every 3 --every-seconds 3", ["--every", "--every-seconds"]),
        ("pagerank graph.csv --steps", ["--steps", "--json"]),
    ] {
        desk.fails(arguments, 2, &words);
    }
    for program in ["kcore", "triangles", "bridges", "betweenness"] {
        desk.fails(&format!("{program} directed.graphml -o new.csv"), 3, &["directed.graphml", "direction", program]);
    }
    fs::write(desk.path("words.csv"), "a,b\nb,c\n").unwrap();
    desk.fails("components words.csv -o new.csv", 3, &["words.csv", "number them"]);
    fs::write(desk.path("minus.csv"), "from,to,length\n1,2,1\n2,3,-1\n").unwrap();
    desk.fails("distance minus.csv --source 1 --weight length -o new.csv", 3, &["vertex"]);
    desk.fails("propagation graph.csv --max-supersteps 2 -o new.csv", 3, &["2 supersteps"]);
}
