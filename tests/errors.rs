//! What goes wrong is told in one line that names the file and the remedy, with the exit code of
//! its kind; nothing goes to stdout, and nothing is left in the output folder.

#[path = "common/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use program::septa;
use septa::volume::open::create;
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::Voxels;
use tempfile::TempDir;

const SHAPE: Shape = Shape([12, 20, 24]);
const NAN: usize = 3 * 20 * 24 + 4 * 24 + 5;

/// Every verb that reads a volume, but `info` and `diff`, with the output it is asked for.
const READERS: [(&str, &[&str]); 9] = [
    ("label", &["-o", "out/x.tif"]),
    ("label", &["--threshold", "otsu", "-o", "out/x.npy"]),
    ("segment", &["-o", "out/x.tif"]),
    ("measure", &["-o", "out/x.csv"]),
    ("contacts", &["-o", "out/x.graphml"]),
    ("split", &["-o", "out/x.tif"]),
    ("analyse", &["-o", "out/new"]),
    ("analyse", &["--labels", "-o", "out/new"]),
    ("analyse", &["--split", "-o", "out/new"]),
];

/// A folder with volumes, good and bad, and `out`, which holds one file.
struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bench = Self { folder };
        std::fs::create_dir(bench.path("out")).unwrap();
        std::fs::write(bench.path("out/theirs.txt"), "not ours").unwrap();
        let count = SHAPE.voxels().unwrap() as usize;
        let labels: Vec<u16> = (0..count).map(|k| (k * 2654435761 / 1024 % 5) as u16).collect();
        bench.volume("labels.tif", labels.clone());
        bench.volume("labels.npy", labels);
        let grey: Vec<f32> = (0..count).map(|k| (k * 7919 % 251) as f32 / 7.0).collect();
        bench.volume("float.npy", grey.clone());
        let holed = |k| if k == NAN { f32::NAN } else { grey[k] };
        bench.volume("nan.npy", (0..count).map(holed).collect());
        bench.volume("negative.npy", (0..count).map(|k| if k == NAN { -7 } else { 1 }).collect::<Vec<i16>>());
        std::fs::write(bench.path("text.tif"), "this is no image\n").unwrap();
        let bytes = std::fs::read(bench.path("labels.tif")).unwrap();
        std::fs::write(bench.path("half.tif"), &bytes[..bytes.len() / 2]).unwrap();
        std::fs::write(bench.path("head.tif"), &bytes[..6]).unwrap();
        let bytes = std::fs::read(bench.path("labels.npy")).unwrap();
        std::fs::write(bench.path("half.npy"), &bytes[..bytes.len() / 2]).unwrap();
        std::fs::create_dir(bench.path("bare")).unwrap();
        std::fs::write(bench.path("bare/notes.txt"), "no slices here").unwrap();
        bench.flat();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn volume<T: septa::volume::voxel::Voxel>(&self, name: &str, voxels: Vec<T>) {
        let voxels = Voxels::from_vec(SHAPE, voxels);
        let sink = create(&self.path(name), SHAPE, voxels.dtype(), &Spacing::default()).unwrap();
        sink.write(&Region::whole(SHAPE), &voxels).unwrap();
        sink.finish().unwrap();
    }

    /// Images of two axes: `flat.npy`, and `flat.tif` of one page.
    fn flat(&self) {
        let mut head = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        head.extend(format!("{:<117}\n", "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 4), }").bytes());
        std::fs::write(self.path("flat.npy"), [head, vec![1; 16]].concat()).unwrap();
        let entry = |tag: u16, value: u32| [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()].concat();
        let tags = [(256, 4), (257, 4), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 4), (279, 16)];
        let mut bytes = b"II\x2a\x00\x18\x00\x00\x00".to_vec();
        bytes.extend([1; 16]);
        bytes.extend((tags.len() as u16).to_le_bytes());
        tags.iter().for_each(|(tag, value)| bytes.extend(entry(*tag, *value)));
        bytes.extend([0; 4]);
        std::fs::write(self.path("flat.tif"), bytes).unwrap();
    }

    fn septa(&self, arguments: &[&str]) -> Output {
        septa().args(arguments).current_dir(self.folder.path()).output().unwrap()
    }

    /// Fails with `code`, in words that have all of `words`; nothing else is to be seen of it.
    fn fails(&self, arguments: &[&str], code: i32, words: &[&str]) {
        self.failed(&format!("septa {}", arguments.join(" ")), || self.septa(arguments), code, words);
    }

    fn failed(&self, what: &str, run: impl FnOnce() -> Output, code: i32, words: &[&str]) {
        let before = listing(self.folder.path());
        let output = run();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{what}: {told}");
        assert!(told.starts_with("error: ") && told.ends_with('\n'), "{what}: {told}");
        assert_eq!(told.lines().count(), 1, "{what}: not one line: {told}");
        for word in words {
            assert!(told.contains(word), "{what}: «{word}» is missing: {told}");
        }
        assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{what}");
        let after = listing(self.folder.path());
        let left: Vec<_> = after.iter().filter(|(name, bytes)| before.get(*name) != Some(*bytes)).collect();
        assert!(left.is_empty() && before.len() == after.len(), "{what}: left {:?}", names(&left));
    }

    /// Whatever verb reads `volume`, the error is this.
    fn nobody_reads(&self, volume: &str, words: &[&str]) {
        let words = [&[volume], words].concat();
        self.fails(&["info", volume], 3, &words);
        for (verb, options) in READERS {
            self.fails(&[&[verb, volume], options].concat(), 3, &words);
        }
        for program in ["components", "pagerank"] {
            self.fails(&["run", program, volume, "-o", "out/x.csv"], 3, &words);
            self.fails(&["run", program, volume, "--contacts", "-o", "out/x.csv"], 3, &words);
        }
        self.fails(&["diff", volume, "labels.npy"], 3, &words);
        self.fails(&["diff", "labels.npy", volume], 3, &words);
    }
}

/// Everything below a folder with its bytes; a folder has none.
fn listing(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            all.insert(path.clone(), std::fs::read(&path).unwrap_or_default());
        }
    }
    all
}

fn names(files: &[(&PathBuf, &Vec<u8>)]) -> Vec<String> {
    files.iter().map(|(path, _)| path.display().to_string()).collect()
}

#[test]
fn a_missing_file_is_named_by_every_verb() {
    let bench = Bench::new();
    bench.nobody_reads("none.tif", &["no such file"]);
    bench.nobody_reads("nowhere/none.npy", &["no such file"]);
}

#[test]
fn what_is_no_volume_is_named_by_every_verb() {
    let bench = Bench::new();
    bench.nobody_reads("text.tif", &["not a TIFF file"]);
    bench.nobody_reads("bare", &["folder without TIFF or PNG slices"]);
}

#[test]
fn a_file_that_is_cut_short_is_named_by_every_verb() {
    let bench = Bench::new();
    bench.nobody_reads("half.tif", &["short"]);
    bench.nobody_reads("head.tif", &["cut short"]);
    bench.nobody_reads("half.npy", &["bytes short"]);
}

#[test]
fn a_flat_image_is_named_by_every_verb() {
    let bench = Bench::new();
    bench.nobody_reads("flat.tif", &["2-D image", "give a stack"]);
    bench.nobody_reads("flat.npy", &["2 axes", "z, y, x"]);
}

#[test]
fn floats_are_no_labels() {
    let bench = Bench::new();
    let words = ["float.npy", "float32", "labels are integers", "segment it first"];
    bench.fails(&["contacts", "float.npy", "-o", "out/x.csv"], 3, &words);
    bench.fails(&["contacts", "float.npy", "-o", "out/x.graphml"], 3, &words);
    bench.fails(&["measure", "float.npy", "-o", "out/x.csv"], 3, &words);
    bench.fails(&["label", "float.npy", "--multilabel", "-o", "out/x.tif"], 3, &words);
    bench.fails(&["run", "pagerank", "float.npy", "--contacts", "-o", "out/x.csv"], 3, &words);
}

#[test]
fn an_analysis_of_floats_as_labels_leaves_no_folder() {
    let words = ["float.npy", "float32", "segment it first"];
    Bench::new().fails(&["analyse", "float.npy", "--labels", "-o", "out/new"], 3, &words);
}

#[test]
fn a_negative_label_is_located() {
    let bench = Bench::new();
    let words = ["negative.npy", "negative label", "(3, 4, 5)"];
    bench.fails(&["contacts", "negative.npy", "-o", "out/x.csv"], 3, &words);
    bench.fails(&["measure", "negative.npy", "-o", "out/x.csv"], 3, &words);
    bench.fails(&["label", "negative.npy", "--multilabel", "-o", "out/x.tif"], 3, &words);
}

#[test]
fn nan_is_located() {
    let bench = Bench::new();
    let words = ["nan.npy", "NaN", "(3, 4, 5)"];
    bench.fails(&["label", "nan.npy", "-o", "out/x.tif"], 3, &words);
    bench.fails(&["label", "nan.npy", "--threshold", "otsu", "-o", "out/x.tif"], 3, &words);
    bench.fails(&["segment", "nan.npy", "-o", "out/x.tif"], 3, &words);
    bench.fails(&["segment", "nan.npy", "--threshold", "5", "-o", "out/x.tif"], 3, &words);
    bench.fails(&["run", "components", "nan.npy", "-o", "out/x.csv"], 3, &words);
}

#[test]
fn nan_is_located_by_split() {
    Bench::new().fails(&["split", "nan.npy", "-o", "out/x.tif"], 3, &["nan.npy", "NaN", "(3, 4, 5)"]);
}

#[test]
fn an_analysis_that_meets_nan_leaves_no_folder() {
    Bench::new().fails(&["analyse", "nan.npy", "-o", "out/new"], 3, &["nan.npy", "NaN", "(3, 4, 5)"]);
}

#[test]
fn an_output_that_cannot_be_written_is_named_before_any_work() {
    let bench = Bench::new();
    for (verb, ending) in [("label", "tif"), ("segment", "tif"), ("split", "npy"), ("measure", "csv")] {
        let absent = format!("absent/x.{ending}");
        bench.fails(&[verb, "labels.npy", "-o", &absent], 4, &[&absent, "its folder does not exist"]);
        let below_a_file = format!("text.tif/x.{ending}");
        bench.fails(&[verb, "labels.npy", "-o", &below_a_file], 4, &[&below_a_file, "cannot be written"]);
        bench.fails(&[verb, "labels.npy", "-o", "out"], 4, &["out", "it is a folder"]);
        // The input is not even looked at.
        bench.fails(&[verb, "none.tif", "-o", &absent], 4, &[&absent]);
    }
    for output in ["absent/x.csv", "absent/x.graphml"] {
        bench.fails(&["contacts", "labels.npy", "-o", output], 4, &[output, "its folder does not exist"]);
    }
    bench.fails(&["run", "components", "labels.npy", "-o", "absent/x.csv"], 4, &["absent/x.csv"]);
    bench.fails(&["label", "labels.npy", "-o", "out/x.tif", "--table", "absent/x.csv"], 4, &["absent/x.csv"]);
    bench.fails(&["analyse", "labels.npy", "-o", "text.tif/new"], 4, &["text.tif/new", "cannot be written"]);
    bench.fails(&["analyse", "labels.npy", "-o", "text.tif"], 2, &["text.tif", "give a folder"]);
}

#[test]
fn an_output_that_exists_is_not_touched_without_force() {
    let bench = Bench::new();
    for (verb, name) in [
        ("label", "out/x.tif"),
        ("segment", "out/x.tif"),
        ("split", "out/x.tif"),
        ("measure", "out/x.csv"),
        ("contacts", "out/x.csv"),
        ("contacts", "out/x.graphml"),
    ] {
        std::fs::write(bench.path(name), "theirs").unwrap();
        bench.fails(&[verb, "labels.npy", "-o", name], 2, &[name, "exists already", "--force"]);
    }
    bench.fails(&["run", "components", "labels.npy", "-o", "out/x.csv"], 2, &["out/x.csv", "--force"]);
    bench.fails(&["label", "labels.npy", "--table", "out/x.csv"], 2, &["out/x.csv", "--force"]);
    std::fs::create_dir(bench.path("out/old")).unwrap();
    for name in ["mask.tif", "labels.tif", "cells.csv", "contacts.csv", "graph.graphml", "report.html", "run.json"] {
        let path = bench.path("out/old").join(name);
        std::fs::write(&path, "theirs").unwrap();
        bench.fails(&["analyse", "labels.npy", "-o", "out/old"], 2, &[name, "exists already", "--force"]);
        std::fs::remove_file(path).unwrap();
    }
    let forced = bench.septa(&["label", "labels.npy", "-o", "out/x.tif", "--force"]);
    assert!(forced.status.success() && std::fs::read(bench.path("out/x.tif")).unwrap() != b"theirs");
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let bench = Bench::new();
    // A limit on the size of files stands for the end of the disk: 2 blocks of 512 bytes.
    let limited = |arguments: &[&str]| {
        let command = format!("trap '' XFSZ; ulimit -f 2; exec {} \"$@\"", env!("CARGO_BIN_EXE_septa"));
        Command::new("sh").args(["-c", &command, "sh"]).args(arguments).current_dir(bench.folder.path()).output()
    };
    for arguments in [
        ["segment", "labels.npy", "-o", "out/x.tif"],
        ["label", "labels.npy", "-o", "out/x.npy"],
        ["split", "labels.npy", "-o", "out/x.tif"],
        ["measure", "labels.npy", "-o", "out/x.csv"],
        ["contacts", "labels.npy", "-o", "out/x.graphml"],
        ["analyse", "labels.npy", "-o", "out/new"],
    ] {
        let what = arguments.join(" ");
        bench.failed(&what, || limited(&arguments).unwrap(), 4, &["cannot be written"]);
    }
}

#[test]
fn a_name_of_no_known_format_is_refused_before_any_work() {
    let bench = Bench::new();
    for verb in ["label", "segment", "split"] {
        bench.fails(&[verb, "labels.npy", "-o", "out/x.xyz"], 2, &["out/x.xyz", ".tif", ".npy"]);
    }
    bench.fails(&["measure", "labels.npy", "-o", "out/x.xyz"], 2, &["out/x.xyz", ".csv"]);
    bench.fails(&["contacts", "labels.npy", "-o", "out/x.xyz"], 2, &["out/x.xyz", ".csv"]);
    bench.fails(&["run", "components", "labels.npy", "-o", "out/x.xyz"], 2, &["out/x.xyz", ".csv"]);
    let both = ["label", "labels.npy", "-o", "out/x.tif", "--table", "out/x.xyz"];
    bench.fails(&both, 2, &["out/x.xyz", ".csv"]);
}

#[test]
fn a_record_that_cannot_be_written_leaves_no_output() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("out/x.csv.run.json")).unwrap();
    bench.fails(&["measure", "labels.npy", "-o", "out/x.csv"], 4, &["out/x.csv.run.json"]);
}

#[test]
fn a_region_outside_the_volume_is_told_with_the_volume() {
    let bench = Bench::new();
    for region in ["0:99,,", "20:30,0:2,0:2", "5:5,,", "7:5,,"] {
        for (verb, options) in READERS {
            let arguments = [&[verb, "labels.npy", "--roi", region], options].concat();
            bench.fails(&arguments, 2, &["labels.npy", "12x20x24"]);
        }
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    bench.fails(&["label", "labels.npy", "-w", "0"], 2, &["-w 0", "at least one worker"]);
    bench.fails(&["label", "labels.npy", "-n", "0"], 2, &["-n 0", "at least one process"]);
    bench.fails(&["label", "labels.npy", "-n", "2", "-p", "2"], 2, &["process 2 of 2"]);
    bench.fails(&["segment", "labels.npy", "-o", "out/x.tif", "--median", "4"], 2, &["median", "odd"]);
    bench.fails(&["split", "labels.npy", "-o", "out/x.tif", "--neck", "7"], 2, &["neck", "0 to 1"]);
    bench.fails(&["run", "pagerank", "labels.npy", "--contacts", "--damping", "7"], 2, &["--damping 7"]);
    bench.fails(&["diff", "labels.npy", "out/x.csv"], 2, &["not of one kind"]);
    bench.fails(&["diff", "none.csv", "other.csv"], 3, &["none.csv", "no such file"]);
    bench.fails(&["label", "labels.npy", "-n", "2", "--hostfile", "none"], 3, &["none", "no such file"]);
    bench.fails(&["info", "labels.npy", "--shape", "1,2,3"], 2, &["labels.npy", "12x20x24"]);
}

#[test]
fn forces_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    let relax = ["relax", "springs", "labels.npy", "-o", "out/x.csv"];
    let with = |options: &[&'static str]| [&relax[..], options].concat();
    bench.fails(&with(&[]), 2, &["nothing is held", "--fix"]);
    bench.fails(&with(&["--fix", "w=0"]), 2, &["«w=0»", "z=max"]);
    bench.fails(&with(&["--pull", "z=max"]), 2, &["«z=max»", "z=max:0.5"]);
    bench.fails(&with(&["--pull", "z=max:far"]), 2, &["«far»"]);
    bench.fails(&with(&["--fix", "z=0", "--modulus", "0"]), 2, &["--modulus 0"]);
    bench.fails(&with(&["--fix", "z=0", "--springs", "out/x.csv"]), 2, &["same file"]);
    bench.fails(&with(&["--fix", "z=0", "--springs", "out/../out/x.csv"]), 2, &["same file"]);
    bench.fails(&with(&["--fix", "z=0", "--springs", "out/x.csv.run.json"]), 2, &["same file"]);
    bench.fails(&with(&["--fix", "z=0", "--pull", "z=0:1"]), 2, &["z=0 is held or moved twice"]);
    bench.fails(&with(&["--fix", "z=0", "--tolerance", "1"]), 2, &["--tolerance 1", "below 1"]);
    bench.fails(&with(&["--fix", "z=0", "--forces", "none.csv"]), 3, &["none.csv", "no such file"]);
    bench.fails(&with(&["--hold", "none.csv"]), 3, &["none.csv", "no such file"]);
    bench.fails(&with(&["--fix", "z=0", "--only", "both"]), 2, &["both", "push", "pull"]);
    bench.fails(&with(&["--fix", "z=0", "--nonlinear", "--solver", "chebyshev"]), 2, &["--nonlinear", "--solver"]);
    bench.fails(&with(&["--fix", "z=0", "--nodes", "out/n.csv"]), 2, &["--nodes", "graphs"]);
    bench.fails(&with(&["--fix", "z=0", "--picture", "out/p.png"]), 2, &["out/p.png", ".svg"]);
    bench.fails(&with(&["--fix", "z=0", "--steps"]), 2, &["--steps", "--json"]);
    bench.fails(&["relax", "springs", "none.graphml", "--fix", "z=0", "--roi", "0:1,,"], 2, &["--roi", "volumes"]);
    bench.fails(&["relax", "springs", "none.graphml", "--fix", "z=0"], 3, &["none.graphml", "no such file"]);
    bench.fails(&["relax", "springs", "none.npy", "--fix", "z=0"], 3, &["none.npy", "no such file"]);
    bench.fails(&["relax", "tension", "none.npy"], 3, &["none.npy", "no such file"]);
    bench.fails(&["relax", "tension", "labels.npy", "-o", "out/x.csv", "--cells", "out/x.csv"], 2, &["same file"]);
    bench.fails(&["relax", "tension", "labels.npy", "-o", "out/x.txt"], 2, &["x.txt"]);
}

#[test]
fn tests_of_bone_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    let with = |options: &[&'static str]| [&["relax", "bone", "labels.npy", "-o", "out/e.npy"][..], options].concat();
    bench.fails(&with(&["--shear", "z"]), 2, &["shear along z"]);
    bench.fails(&with(&["--shear", "y", "--plates", "smooth"]), 2, &["smooth plates"]);
    bench.fails(&with(&["--roller", "z=0"]), 2, &["z=0 is a plate"]);
    bench.fails(&with(&["--strain", "0"]), 2, &["--strain 0"]);
    bench.fails(&with(&["--poisson", "0.5"]), 2, &["--poisson 0.5", "below 0.5"]);
    bench.fails(&with(&["--element", "springs", "--poisson", "0.3"]), 2, &["springs have 0.25"]);
    bench.fails(&with(&["--element", "springs", "--spacing", "2,1,1"]), 2, &["cubic voxels"]);
    bench.fails(&with(&["--grey", "0"]), 2, &["--grey 0"]);
    bench.fails(&with(&["--stress", "out/e.npy"]), 2, &["same file"]);
    bench.fails(&with(&["--vtk", "out/e.vtk"]), 2, &["out/e.vtk", ".vti"]);
    bench.fails(&with(&["--residuals", "out/r.png"]), 2, &["out/r.png", ".svg"]);
    bench.fails(&with(&["--threshold", "1e9"]), 3, &["labels.npy", "nothing reaches from z=0 to z=max"]);
    bench.fails(&with(&["--iterations", "1"]), 3, &["no balance yet"]);
}

#[test]
fn an_analysis_with_a_filter_that_makes_no_sense_leaves_no_folder() {
    Bench::new().fails(&["analyse", "labels.npy", "-o", "out/new", "--median", "4"], 2, &["median", "odd"]);
}

#[test]
fn options_that_cannot_be_read_are_told_in_one_line() {
    let bench = Bench::new();
    bench.fails(&["label", "labels.npy", "--block", "0"], 2, &["--block", "whole or auto"]);
    bench.fails(&["label", "labels.npy", "--block", "many"], 2, &["--block", "whole or auto"]);
    bench.fails(&["label", "labels.npy", "--connectivity", "7"], 2, &["--connectivity", "6, 18 or 26"]);
    bench.fails(&["label", "labels.npy", "--roi", "a:b,,"], 2, &["--roi", "z0:z1,y0:y1,x0:x1"]);
    bench.fails(&["label", "labels.npy", "--threshold", "nan"], 2, &["--threshold", "otsu"]);
    bench.fails(&["label", "labels.npy", "--background", "--multilabel"], 2, &["--background", "--multilabel"]);
    bench.fails(&["label", "labels.npy", "--nonsense"], 2, &["--nonsense"]);
    bench.fails(&["label"], 2, &["VOLUME"]);
    bench.fails(&["frobnicate"], 2, &["frobnicate"]);
    bench.fails(&["run", "nonsense", "labels.npy"], 2, &["nonsense", "components", "pagerank"]);
}

#[test]
fn graph_files_that_are_missing_are_named() {
    let bench = Bench::new();
    for name in ["none.csv", "none.graphml"] {
        bench.fails(&["run", "components", name, "-o", "out/x.csv"], 3, &[name, "no such file"]);
    }
    bench.fails(&["diff", "none.graphml", "other.graphml"], 3, &["none.graphml", "no such file"]);
}

/// Two processes of a cluster side by side, each with its arguments.
fn side_by_side(bench: &Bench, arguments: [&[&str]; 2]) -> [Output; 2] {
    let ports = [0; 2].map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    std::fs::write(bench.path("hosts"), format!("{}\n{}\n", ports[0], ports[1])).unwrap();
    let children = [("0", arguments[0]), ("1", arguments[1])].map(|(process, arguments)| {
        let mut command = septa();
        command.current_dir(bench.folder.path()).args(arguments).args(["--hostfile", "hosts", "-p", process]);
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap()
    });
    children.map(|child| child.wait_with_output().unwrap())
}

#[test]
fn processes_with_different_arguments_refuse_each_other() {
    let bench = Bench::new();
    let label = ["6", "26"].map(|connectivity| ["label", "labels.tif", "--connectivity", connectivity, "-w", "1"]);
    for output in side_by_side(&bench, label.each_ref().map(|arguments| &arguments[..])) {
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{told}");
        assert!(output.stdout.is_empty() && told.lines().count() == 1 && told.contains("other arguments"), "{told}");
    }
}

#[test]
fn a_process_that_ends_by_itself_is_not_waited_for() {
    let bench = Bench::new();
    // Process 0 writes, and finds the file there already; process 1 knows nothing of that.
    std::fs::write(bench.path("cells.csv"), "label\n").unwrap();
    let ended = side_by_side(&bench, [&["measure", "labels.tif", "-o", "cells.csv", "-w", "2"]; 2]);
    let told = ended.map(|output| (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()));
    assert!(told[0].0 == Some(2) && told[0].1.contains("cells.csv: exists already"), "{told:?}");
    assert!(told[1].0 == Some(5) && told[1].1.contains("a process of the cluster was lost"), "{told:?}");
    assert_eq!(std::fs::read_to_string(bench.path("cells.csv")).unwrap(), "label\n");
}
