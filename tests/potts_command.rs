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
    desk.refuses("potts --random 1,8,8 -o x.npy --neighborhood 26", 2, &["4 or 8"]);
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
