//! `septa potts`: figures, tables, series, what is refused, and a run that is taken up again.

#[path = "common/program.rs"]
mod program;

use std::path::Path;
use std::process::Command;

use program::septa;
use serde_json::Value;
use tempfile::TempDir;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.0.path().join(name).exists()
    }

    /// The figures of a command, or its exit code and complaint.
    fn septa(&self, line: &str) -> Result<Value, (i32, String)> {
        let mut command = septa();
        command.args(line.split(' ')).arg("--json").current_dir(self.0.path());
        let output = command.output().unwrap();
        match output.status.code() {
            Some(0) => Ok(serde_json::from_slice(&output.stdout).expect("one JSON object")),
            code => Err((code.unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    }

    /// The command is refused with this code, in one line of these words, and nothing is left behind.
    fn refuses(&self, line: &str, code: i32, words: &[&str]) {
        let before = files(self.0.path());
        let (found, said) = self.septa(line).expect_err(line);
        assert_eq!(found, code, "{line}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{line}: {said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{line}: {said}"));
        assert_eq!(files(self.0.path()), before, "{line}");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The columns of a CSV table, by name.
fn column(text: &[u8], name: &str) -> Vec<f64> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let head: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at =
        head.iter().position(|column| column.split(' ').next() == Some(name)).unwrap_or_else(|| panic!("{head:?}"));
    lines.map(|line| line.split(',').nth(at).unwrap().parse().unwrap_or(f64::NAN)).collect()
}

#[test]
fn figures_table_and_series_say_the_same() {
    let desk = Desk::new();
    let run = "potts --random 8,10,12 --sweeps 10 --interval 4 -o end.npy --table time.csv --series frames --seed 3";
    let told = desk.septa(run).unwrap();
    assert_eq!((&told["sweeps"], &told["visits"]), (&10.into(), &9600.into()));
    let table = desk.read("time.csv");
    assert_eq!(column(&table, "sweep"), [0.0, 4.0, 8.0, 10.0]);
    let cells = column(&table, "cells");
    assert_eq!(cells[0], 960.0);
    assert!(cells.is_sorted_by(|a, b| a > b), "grains only vanish: {cells:?}");
    assert_eq!(told["cells"].as_f64().unwrap(), cells[3]);
    let energy = column(&table, "energy");
    // All 26 neighbours of every voxel are unlike in the beginning.
    assert_eq!(energy[0], 960.0 * 13.0);
    assert_eq!(told["energy"].as_f64().unwrap(), energy[3]);
    assert_eq!(column(&table, "mean_volume")[3], 960.0 / cells[3]);
    assert_eq!(files(&desk.0.path().join("frames")), ["sweep_04.tif", "sweep_08.tif"]);
    assert!(desk.has("end.npy.run.json"));
    desk.refuses(&run.replace("end.npy", "two.npy").replace("time.csv", "two.csv"), 2, &["frames", "--force"]);
    // A run that ends there has the spins that the series has; a run goes on from a file as well.
    desk.septa("potts --random 8,10,12 --sweeps 8 -o eight.tif --seed 3 --block 5").unwrap();
    assert_eq!(desk.septa("diff eight.tif frames/sweep_08.tif").unwrap()["equal"], true);
}

#[test]
fn parameters_come_from_a_file_and_options_override_them() {
    let desk = Desk::new();
    let types = "[[type]]\nname = 'medium'\n[[type]]\nname = 'cell'\ntarget = 30\nlambda = 0.5\n";
    desk.write("potts.toml", &format!("sweeps = 7\nkt = 4\nneighborhood = 18\ncontact = [[0, 3], [3, 2.5]]\n{types}"));
    desk.septa("phantom cells --shape 10,12,14 --cells 40 -o cells.npy").unwrap();
    let told = desk.septa("potts cells.npy --parameters potts.toml -o a.npy --boundary walls").unwrap();
    assert_eq!(told["sweeps"], 7);
    let told = desk.septa("potts cells.npy --parameters potts.toml --sweeps 2 -o b.npy").unwrap();
    assert_eq!(told["sweeps"], 2);
    // Types from a table are those that were meant by default.
    let rows: Vec<String> = (1..=40).map(|label| format!("{label},1")).collect();
    desk.write("types.csv", &format!("label,type\n{}\n", rows.join("\n")));
    let with = "potts cells.npy --parameters potts.toml --types types.csv --boundary walls -o c.npy";
    desk.septa(with).unwrap();
    assert_eq!(desk.read("a.npy"), desk.read("c.npy"));
    assert_ne!(desk.read("a.npy"), desk.read("b.npy"));
}

#[test]
fn what_makes_no_sense_is_refused_in_a_line() {
    let desk = Desk::new();
    desk.septa("phantom cells --shape 6,7,8 --cells 5 -o odd.npy").unwrap();
    desk.write("bad.toml", "kt = 1\nkT = 2\n");
    desk.write("word.toml", "kt = 'hot'\n");
    desk.write("square.toml", "contact = [[1, 2]]\n[[type]]\n");
    desk.write("three.toml", "[[type]]\n[[type]]\n[[type]]\n");
    desk.write("few.csv", "label,type\n1,1\n2,1\n");
    desk.refuses("potts odd.npy -o x.npy", 2, &["6x7x8", "even", "walls"]);
    desk.refuses("potts odd.npy -o x.npy --boundary walls --neighborhood 8", 2, &["one slice"]);
    desk.refuses("potts --random 1,8,8 -o x.npy --neighborhood 26", 2, &["4, 8, 12 or 20"]);
    desk.refuses("potts --random 1,8,10 -o x.npy --neighborhood 12", 2, &["multiples of 4", "walls"]);
    desk.refuses("potts --random 1,8,8 -o x.npy --neighborhood 20 --shades 2", 2, &["2 shades"]);
    desk.write("field.toml", "[[type]]\nlambda = 1\npotential = 1\n");
    desk.refuses("potts --random 4,4,4 --spins 3 -o x.npy --parameters field.toml", 2, &["field.toml", "need a field"]);
    let field = "potts --random 4,4,4 --spins 3 -o x.npy --parameters field.toml --field odd.npy";
    desk.refuses(field, 2, &["6x7x8", "as large"]);
    desk.write("death.toml", "[[type]]\nname = 'cell'\ndeath = 0.5\n");
    desk.refuses("potts --random 4,4,4 --spins 3 -o x.npy --parameters death.toml", 2, &["«cell»", "lambda"]);
    desk.write("jump.toml", "move = 'distinct'\n[[type]]\nlambda = 1\nforce = [0, 0, 1]\n");
    desk.refuses("potts --random 4,4,4 --spins 3 -o x.npy --parameters jump.toml", 2, &["move copy"]);
    desk.write("shells.toml", "neighborhood = 6\nweights = [1, 2]\n");
    desk.refuses("potts --random 4,4,4 -o x.npy --parameters shells.toml", 2, &["1 shells"]);
    desk.write("bad.piff", "# cells\n0 Medium 0 9 0 9 0 0\n1 dark 3 2 1 1 0 0\n");
    desk.refuses("potts bad.piff -o x.npy --boundary walls", 3, &["bad.piff", "line 3", "smaller end first"]);
    desk.write("far.piff", "1 dark 1 2 1 1 0 0\n");
    desk.refuses("potts far.piff --shape 1,2,2 -o x.npy --boundary walls", 3, &["far.piff", "line 1", "1x2x2"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --movie x.gif", 2, &["x.gif", ".png"]);
    let large = "potts --random 200,200,200 -o x.npy --contacts c.csv --max-memory 1GiB";
    desk.refuses(large, 4, &["--contacts of 200x200x200", "--max-memory"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --kt=-1", 2, &["kT of -1"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --contact 0.0001", 2, &["three decimals"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --move jump", 2, &["copy, distinct or heat-bath"]);
    desk.refuses("potts --random 4,4,4 --spins 0 -o x.npy", 2, &["1 to 2^32 - 2 spins"]);
    desk.refuses("potts -o x.npy", 2, &["LABELS"]);
    desk.refuses("potts none.npy -o x.npy", 3, &["none.npy", "no such file"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --parameters bad.toml", 3, &["bad.toml", "line 2", "kT"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --parameters word.toml", 3, &["word.toml", "line 1"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --parameters square.toml", 2, &["square.toml", "1 rows of 1"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --parameters three.toml", 2, &["--types"]);
    desk.refuses("potts --random 4,4,4 -o x.npy --types few.csv", 2, &["[[type]]"]);
    desk.refuses(
        "potts odd.npy --boundary walls --parameters three.toml --types few.csv -o x.npy",
        3,
        &["few.csv", "label 3"],
    );
    desk.refuses("potts odd.npy --boundary walls -o odd.npy --force", 2, &["is the input"]);
    desk.septa("phantom foam --shape 20,20,20 --cells 4 -o foam.tif").unwrap();
    desk.refuses("potts foam.tif -o foam.png", 2, &[".tif"]);
}

/// A signal ends a run that would last for days, and nothing is left behind.
#[test]
fn a_signal_ends_a_run_with_nothing_left_behind() {
    let desk = Desk::new();
    let mut command = septa();
    let line = "potts --random 32,32,32 --sweeps 1000000000 -o long.npy --table long.csv -q";
    let mut run = command.args(line.split(' ')).current_dir(desk.0.path()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(run.try_wait().unwrap().is_none(), "it goes on");
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert_eq!(files(desk.0.path()), Vec::<String>::new());
}

/// A run that was saved is taken up only by the same model.
#[test]
fn what_was_saved_of_another_model_is_refused() {
    let desk = Desk::new();
    let run = "potts --random 8,8,8 --sweeps 3 --checkpoint saved --every 5";
    desk.septa(&format!("{run} -o first.npy")).unwrap();
    let told = desk.septa(&format!("{run} -o again.npy")).unwrap();
    assert!(told["resumed"].as_u64().is_some_and(|step| step >= 20), "{told}");
    assert_eq!(desk.read("first.npy"), desk.read("again.npy"));
    let (code, said) = desk.septa(&format!("{run} -o other.npy --kt 0.6")).unwrap_err();
    assert_eq!(code, 6, "{said}");
}

/// Cells of a file of boxes have the labels and types that it tells.
#[test]
fn cells_begin_as_a_piff_tells() {
    let desk = Desk::new();
    desk.write("cells.piff", "0 Medium 0 11 0 9 0 0\n0 dark 1 3 2 4 0 0\n\n# a second\n3 light 3 6 4 8 0 0\n");
    desk.write("still.toml", "kt = 0\n[[type]]\nname = 'light'\nfrozen = true\n[[type]]\nname = 'dark'\nfrozen = true\n[[type]]\nname = 'Medium'\n");
    let told = desk.septa("potts cells.piff --parameters still.toml --boundary walls --sweeps 2 -o end.npy").unwrap();
    assert_eq!((&told["cells"], &told["visits"]), (&3.into(), &240.into()));
    let bytes = desk.read("end.npy");
    let labels = &bytes[bytes.len() - 120..];
    for (at, label) in labels.iter().enumerate() {
        let (y, x) = (at / 12, at % 12);
        // Ids are one more, as one is 0; the second lies over the first.
        let expected =
            match ((2..=4).contains(&y) && (1..=3).contains(&x), (4..=8).contains(&y) && (3..=6).contains(&x)) {
                (_, true) => 4,
                (true, _) => 1,
                _ => 0,
            };
        assert_eq!(*label, expected, "{y} {x}");
    }
    desk.write("nameless.toml", "[[type]]\nname = 'dark'\n[[type]]\nname = 'Medium'\n");
    desk.refuses(
        "potts cells.piff --parameters nameless.toml --boundary walls -o x.npy",
        2,
        &["nameless.toml", "«light»"],
    );
}

/// A movie has a frame for each time, a table of contacts those that the labels of a time have.
#[test]
fn a_movie_and_contacts_are_of_the_times_that_are_told() {
    let desk = Desk::new();
    let run = "potts --random 6,8,10 --spins 9 --sweeps 6 --interval 2 --seed 3";
    desk.septa(&format!("{run} -o end.npy --movie end.png --contacts all.csv --series frames --block 5")).unwrap();
    let file = std::io::BufReader::new(std::fs::File::open(desk.0.path().join("end.png")).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    assert_eq!(reader.info().animation_control().unwrap().num_frames, 4);
    assert_eq!((reader.info().width, reader.info().height), (10, 8));
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frames: Vec<Vec<u8>> = (0..4)
        .map(|_| {
            reader.next_frame(&mut pixels).unwrap();
            pixels.clone()
        })
        .collect();
    let bytes = desk.read("end.npy");
    let slice = &bytes[bytes.len() - 480..][240..320];
    for (label, pixel) in slice.iter().zip(frames[3].chunks(3)) {
        assert_eq!(pixel, septa::report::colour::label_colour((*label).into()));
    }
    assert_ne!(frames[0], frames[3]);
    let (all, sweeps) = (desk.read("all.csv"), column(&desk.read("all.csv"), "sweep"));
    for (sweep, labels) in [(2.0, "frames/sweep_2.tif"), (4.0, "frames/sweep_4.tif"), (6.0, "end.npy")] {
        let table = format!("at{sweep}.csv");
        desk.septa(&format!("contacts {labels} -o {table}")).unwrap();
        for name in ["label_a", "label_b", "n_faces", "area"] {
            let here = column(&all, name).into_iter().zip(&sweeps).filter(|(_, of)| **of == sweep);
            assert_eq!(here.map(|(value, _)| value).collect::<Vec<_>>(), column(&desk.read(&table), name), "{name}");
        }
    }
}

/// A run that is killed goes on to the bytes of one that was not.
#[test]
fn a_run_that_is_killed_goes_on_to_the_same_bytes() {
    let desk = Desk::new();
    desk.septa("phantom cells --shape 24,24,24 --cells 20 -o cells.npy").unwrap();
    desk.write("grow.toml", "kt = 8\nboundary = 'mirror'\ncontact = [[0, 4], [4, 3]]\n[[type]]\n[[type]]\ntarget = 600\nlambda = 0.1\ngrowth = 5\nsurface = 3000\nsurface_lambda = 0.001\nconnected = true\ndivide_at = 900\ndeath = 0.002\n");
    let run = "potts cells.npy --parameters grow.toml --sweeps 120 --interval 40";
    desk.septa(&format!("{run} -w 4 -o straight.npy --table straight.csv")).unwrap();
    let line = format!("{run} -o end.npy --table end.csv --checkpoint saved --every 20 -q --force");
    let mut killed = 0;
    for wait in [250, 450, 700] {
        let mut child = septa().args(line.split(' ')).current_dir(desk.0.path()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            killed += 1;
        }
        child.wait().unwrap();
    }
    let told = desk.septa(&format!("{line} -w 2")).unwrap();
    assert!(killed > 0 && told["resumed"].as_u64().is_some(), "{killed} {told}");
    assert_eq!(desk.read("straight.npy"), desk.read("end.npy"));
    assert_eq!(desk.read("straight.csv"), desk.read("end.csv"));
    assert!(told["cells"].as_u64().unwrap() > 20, "{told}");
}
