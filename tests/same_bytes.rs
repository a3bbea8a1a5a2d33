//! The same bytes for any number of workers and processes, and any cut into blocks.
//!
//! Every file is compared, but for the record of the run, which tells the seconds it took.

#[path = "common/program.rs"]
mod program;
#[path = "common/data.rs"]
mod real;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use program::septa;
use tempfile::TempDir;

/// Ways to run the same command in one process: the first is what the others are held against.
const WAYS: [&[&str]; 8] = [
    &["-w", "1", "--block", "whole"],
    &["-w", "2", "--block", "whole"],
    &["-w", "1"],
    &["-w", "3"],
    &["-w", "1", "--block", "32"],
    &["-w", "2", "--block", "32"],
    &["-w", "3", "--block", "64"],
    &["-w", "2", "--block", "19"],
];
/// Ways to run it in two.
const CLUSTERS: [&[&str]; 3] = [&["-w", "1"], &["-w", "2", "--block", "32"], &["-w", "1", "--block", "whole"]];

/// Runs a command in every way, each with its output in a folder of its own.
struct Trial<'a> {
    arguments: &'a [&'a str],
    input: &'a Path,
    /// The output's name in the folder.
    output: &'a str,
    folder: TempDir,
}

impl<'a> Trial<'a> {
    fn new(arguments: &'a [&'a str], input: &'a Path, output: &'a str) -> Self {
        Self { arguments, input, output, folder: tempfile::tempdir().unwrap() }
    }

    /// The command in one way; the output's folder always has the same name, lest it be told.
    fn command(&self, way: &[&str], folder: &Path) -> Command {
        let mut command = septa();
        let (verb, options) = self.arguments.split_first().unwrap();
        command.arg(verb).args(options).arg(self.input).args(["-o", self.output]).args(way);
        command.current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn fresh(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    fn alone(&self, name: &str, way: &[&str]) -> BTreeMap<PathBuf, Vec<u8>> {
        let folder = self.fresh(name);
        finish(self.command(way, &folder).spawn().unwrap(), way);
        files(&folder)
    }

    /// Two processes on loopback, in different folders: only the first writes.
    fn in_two(&self, name: &str, way: &[&str]) -> BTreeMap<PathBuf, Vec<u8>> {
        let hosts = self.folder.path().join(format!("{name}.hosts"));
        std::fs::write(&hosts, free_ports().map(|port| format!("localhost:{port}\n")).concat()).unwrap();
        let hosts = hosts.display().to_string();
        let folders = ["first", "second"].map(|which| self.fresh(&format!("{name}-{which}")));
        let children = [0, 1].map(|process: usize| {
            let place = ["-n", "2", "-p", ["0", "1"][process], "--hostfile", &hosts];
            self.command(&[way, &place].concat(), &folders[process]).spawn().unwrap()
        });
        children.into_iter().for_each(|child| finish(child, way));
        assert!(files(&folders[1]).is_empty(), "{way:?}: process 1 wrote {:?}", files(&folders[1]).keys());
        files(&folders[0])
    }

    /// All ways give the same files.
    fn holds(&self) {
        let truth = self.alone("truth", WAYS[0]);
        assert!(truth.keys().any(|path| !is_record(path)), "{:?} wrote nothing", self.arguments);
        for (number, way) in WAYS.iter().enumerate().skip(1) {
            self.equal(&truth, &self.alone(&format!("way{number}"), way), &format!("{way:?}"));
        }
        for (number, way) in CLUSTERS.iter().enumerate() {
            let found = self.in_two(&format!("cluster{number}"), way);
            self.equal(&truth, &found, &format!("two processes {way:?}"));
        }
    }

    fn equal(&self, truth: &BTreeMap<PathBuf, Vec<u8>>, found: &BTreeMap<PathBuf, Vec<u8>>, way: &str) {
        let what = self.arguments.join(" ");
        assert!(truth.keys().eq(found.keys()), "{what} {way}: {:?}, not {:?}", found.keys(), truth.keys());
        for (path, bytes) in truth.iter().filter(|(path, _)| !is_record(path)) {
            let other = &found[path];
            if bytes != other {
                let at = bytes.iter().zip(other).position(|(a, b)| a != b).unwrap_or(bytes.len().min(other.len()));
                let show = |bytes: &[u8]| String::from_utf8_lossy(&bytes[at..(at + 60).min(bytes.len())]).into_owned();
                panic!("{what} {way}: {}: byte {at}: «{}», not «{}»", path.display(), show(other), show(bytes));
            }
        }
    }
}

fn is_record(path: &Path) -> bool {
    path.to_string_lossy().ends_with("run.json")
}

fn finish(child: Child, way: &[&str]) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{way:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Ports that nobody listens on; they may be taken again before they are used, but hardly are.
fn free_ports() -> [u16; 2] {
    let listeners = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let bytes = std::fs::read(&path).unwrap();
                    all.insert(path.strip_prefix(folder).unwrap().to_owned(), bytes);
                }
            }
        }
    }
    all
}

/// A phantom in a folder that lives as long as it is used.
fn phantom(kind: &str, shape: &str, cells: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("{kind}.tif"));
    let spacing = ["--spacing", "0.7,0.3,0.3"];
    let mut command = septa();
    command.args(["phantom", kind, "--shape", shape, "--cells", cells]).args(spacing).arg("-o").arg(&path);
    finish(command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap(), &[kind]);
    (folder, path)
}

fn ovule() -> Option<PathBuf> {
    Some(real::data()?.join("ovule/ovule_labels.tif"))
}

#[test]
fn an_analysis_of_a_grey_volume_gives_the_same_bytes() {
    let (_folder, foam) = phantom("foam", "70,90,100", "80");
    Trial::new(&["analyse", "--below", "--min-voxels", "9"], &foam, "out").holds();
    Trial::new(&["analyse", "--below", "--gaussian", "0.8", "--connectivity", "26"], &foam, "out").holds();
}

#[test]
fn an_analysis_of_trabecular_bone_gives_the_same_bytes() {
    let Some(data) = real::data() else { return };
    let bone = data.join("trabecular");
    Trial::new(&["analyse", "--roi", "20:110,,"], &bone, "out").holds();
}

#[test]
fn an_analysis_of_labels_gives_the_same_bytes() {
    let Some(ovule) = ovule() else { return };
    Trial::new(&["analyse", "--labels", "--spacing", "0.235,0.15,0.15", "--unit", "um"], &ovule, "out").holds();
}

#[test]
fn an_analysis_that_splits_gives_the_same_bytes() {
    let (_folder, spheres) = phantom("spheres", "64,80,90", "60");
    Trial::new(&["analyse", "--split"], &spheres, "out").holds();
    Trial::new(&["split", "--connectivity", "26"], &spheres, "balls.npy").holds();
}

#[test]
fn labels_have_the_same_bytes() {
    let (_folder, bone) = phantom("bone", "66,90,70", "20");
    Trial::new(&["label", "--background", "--table", "cells.csv"], &bone, "labels.tif").holds();
    Trial::new(&["label", "--connectivity", "26", "--min-voxels", "20"], &bone, "labels.npy").holds();
    let Some(ovule) = ovule() else { return };
    Trial::new(&["label", "--multilabel", "--connectivity", "18"], &ovule, "labels.tif").holds();
}

#[test]
fn contacts_and_measures_have_the_same_bytes() {
    let Some(ovule) = ovule() else { return };
    let spacing = ["--spacing", "0.235,0.15,0.15", "--unit", "um"];
    let with = |verb: &'static str, connectivity: &'static str| {
        [&[verb, "--connectivity", connectivity], &spacing[..]].concat()
    };
    Trial::new(&with("contacts", "6"), &ovule, "contacts.csv").holds();
    Trial::new(&with("contacts", "26"), &ovule, "contacts.graphml").holds();
    Trial::new(&with("measure", "6"), &ovule, "cells.csv").holds();
    Trial::new(&with("measure", "26"), &ovule, "cells.json").holds();
}

#[test]
fn segments_have_the_same_bytes() {
    let (_folder, foam) = phantom("foam", "40,70,60", "30");
    Trial::new(&["segment", "--median", "3", "--box", "5"], &foam, "mask.tif").holds();
}

#[test]
fn programs_on_contacts_give_the_same_bytes() {
    let Some(ovule) = ovule() else { return };
    Trial::new(&["run", "--contacts", "pagerank"], &ovule, "rank.csv").holds();
    Trial::new(&["run", "--contacts", "propagation", "--connectivity", "26"], &ovule, "communities.csv").holds();
}

#[test]
fn springs_have_the_same_bytes() {
    let Some(ovule) = ovule() else { return };
    let pulled = ["relax", "springs", "--fix", "x=0", "--pull", "x=max:-2", "--springs", "springs.csv"];
    Trial::new(&pulled, &ovule, "cells.csv").holds();
    Trial::new(&[&pulled[..], &["--solver", "chebyshev"]].concat(), &ovule, "cells.csv").holds();
}

#[test]
fn springs_that_are_not_linear_have_the_same_bytes() {
    let (_folder, cells) = phantom("cells", "36,30,40", "60");
    let pressed = ["relax", "springs", "--fix", "z=0", "--pull", "z=max:-0.3", "--springs", "springs.csv"];
    let drawn = ["--vtk", "net.vtp", "--picture", "net.svg", "--residuals", "residuals.svg"];
    for law in [&["--nonlinear"][..], &["--only", "pull"], &["--nonlinear", "--only", "push"]] {
        Trial::new(&[&pressed[..], &drawn, law].concat(), &cells, "cells.csv").holds();
    }
}

#[test]
fn forces_in_bone_have_the_same_bytes() {
    let (_folder, bone) = phantom("bone", "40,44,70", "6");
    let told = ["relax", "bone", "--stress", "stress.npy", "--picture", "stress.svg"];
    Trial::new(&told, &bone, "energy.npy").holds();
}

#[test]
fn tensions_have_the_same_bytes() {
    let (_folder, cells) = phantom("cells", "48,60,52", "40");
    let told = ["relax", "tension", "--cells", "cells.csv", "--vtk", "net.vtp"];
    Trial::new(&told, &cells, "contacts.csv").holds();
    let Some(ovule) = ovule() else { return };
    Trial::new(&told, &ovule, "contacts.csv").holds();
}

#[test]
fn components_of_a_lattice_have_the_same_bytes() {
    let (_folder, spheres) = phantom("spheres", "40,48,50", "6");
    Trial::new(&["run", "components"], &spheres, "components.csv").holds();
}

#[test]
fn potts_models_have_the_same_bytes() {
    let (folder, cells) = phantom("cells", "24,26,44", "60");
    let out = ["--table", "time.csv", "--series", "frames", "--interval", "3"];
    Trial::new(&[&["potts", "--sweeps", "8", "--kt", "0.7"], &out[..]].concat(), &cells, "end.tif").holds();
    let toml = folder.path().join("potts.toml");
    let types = "[[type]]\n[[type]]\ntarget = 450\nlambda = 0.5\n";
    std::fs::write(
        &toml,
        format!("kt = 8\nneighborhood = 18\nboundary = 'walls'\ncontact = [[0, 3], [3, 2]]\n{types}"),
    )
    .unwrap();
    let toml = toml.display().to_string();
    let cells_of = ["potts", "--sweeps", "8", "--parameters", &toml];
    Trial::new(&[&cells_of[..], &out[..]].concat(), &cells, "end.npy").holds();
}

/// Every further term at once: cells keep their surfaces and pieces, follow a field, grow, divide and die.
#[test]
fn growing_tissues_have_the_same_bytes() {
    let (folder, cells) = phantom("cells", "24,26,44", "60");
    let toml = folder.path().join("tissue.toml");
    let cell = "target = 430\ngrowth = 12\nlambda = 0.5\nsurface = 3000\nsurface_lambda = 0.001\nconnected = 40\n\
                force = [0, 0.5, -0.5]\npotential = -0.01\nchemotaxis = 0.02\ndivide_at = 480\ndeath = 0.02\n";
    let model = "kt = 8\nneighborhood = 26\nweights = [1, 0.7, 0.5]\nboundary = 'mirror'\ncontact = [[0, 3], [3, 2]]\n";
    std::fs::write(&toml, format!("{model}[[type]]\n[[type]]\n{cell}")).unwrap();
    let [toml, field] = [&toml, &cells].map(|path| path.display().to_string());
    let tissue = ["potts", "--sweeps", "8", "--interval", "3", "--parameters", &toml, "--field", &field];
    let out = ["--table", "time.csv", "--contacts", "contacts.csv", "--movie", "movie.png"];
    Trial::new(&[&tissue[..], &out].concat(), &cells, "end.tif").holds();
}
