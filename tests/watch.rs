//! `septa watch` on a folder that scans come into: in any order, twice, half, and over ends of the process.

mod common {
    pub(crate) mod data;
    pub(crate) mod desk;
    pub(crate) mod mix;
    pub(crate) mod program;
    pub(crate) mod random;
}

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use common::desk::{Desk, SHAPE, drawn, text, write};
use common::random::Random;
use septa::incremental::told::FILES;
use septa::volume::shape::Shape;

/// Writes a scan where nobody looks, and renames it to where it belongs.
fn arrive(desk: &Desk, name: &str, shape: Shape, values: Vec<u8>) {
    let made = desk.at(name);
    write(&made, shape, values);
    std::fs::rename(&made, desk.at("in").join(name)).unwrap();
}

/// Waits until the first scan was told of.
fn wait_for_events(desk: &Desk, folder: &str) {
    let began = Instant::now();
    while !desk.at(folder).join("events.jsonl").exists() || desk.told(folder)[2].is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Scans by name: whole ones, and slabs of the same times.
fn scans(random: &mut Random, count: u64) -> Vec<(String, Shape, Vec<u8>)> {
    (0..count)
        .map(|number| {
            let ending = ["npy", "tif"][random.below(2) as usize];
            match random.below(3) {
                0 => {
                    let start = random.below(SHAPE.0[0] as u64 - 2) as usize;
                    let shape = Shape([2, SHAPE.0[1], SHAPE.0[2]]);
                    let name = format!("s{number}_t{}@{start}-{},,.{ending}", random.below(count), start + 2);
                    (name, shape, drawn(random, shape))
                }
                _ => (format!("whole_{number}.{ending}"), SHAPE, drawn(random, SHAPE)),
            }
        })
        .collect()
}

/// In which order scans are: by time and by name.
fn time_of(name: &str) -> (u64, String) {
    let stem = name.split(['@', '.']).next().unwrap();
    (stem.rsplit(['t', '_']).next().unwrap().parse().unwrap(), name.to_owned())
}

fn stderr(output: &Output) -> String {
    text(&output.stderr)
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn killed_at_random_moments_it_tells_in_the_end_what_an_undisturbed_run_tells() {
    // In any order; and in order, with a journal that is begun anew again and again.
    killed_at_random_moments(5, "256MiB", true);
    killed_at_random_moments(6, "1KB", false);
}

fn killed_at_random_moments(seed: u64, history: &str, any_order: bool) {
    let random = &mut Random(seed);
    let kills = std::env::var("SEPTA_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50);
    let desk = Desk::new();
    // What was renamed before the watch begins must wait to be whole, and others come before it.
    let settle = if any_order { "0.05" } else { "0" };
    let options = format!("--volume 9,10,11 --connectivity 18 --block 4 --settle {settle} -w 2");
    let line = format!("watch in -o out {options} --history {history}");
    let mut coming = scans(random, kills / 2);
    if !any_order {
        coming.sort_by_key(|(name, ..)| time_of(name));
    }
    let mut killed = 0;
    for kill in 0..kills {
        let mut child = desk.begin_quietly(&line);
        // Half of the scans come while it starts, half after.
        let pause = Duration::from_micros(random.below(60_000));
        for half in 0..2 {
            if kill % 2 == half {
                if !coming.is_empty() {
                    let at = if any_order { random.below(coming.len() as u64) as usize } else { 0 };
                    let (name, shape, values) = coming.remove(at);
                    arrive(&desk, &name, shape, values);
                }
                std::thread::sleep(pause);
            }
        }
        killed += u64::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(killed, kills, "none may end by itself");
    coming.into_iter().for_each(|(name, shape, values)| arrive(&desk, &name, shape, values));
    let last = desk.septa(&format!("watch in -o out {options} --idle 0.1 --json"));
    assert!(last.status.success(), "{}", stderr(&last));
    let undisturbed = desk.septa(&format!("watch in -o whole {options} --idle 0 --json"));
    assert!(undisturbed.status.success(), "{}", stderr(&undisturbed));
    assert!(desk.told("out") == desk.told("whole"));
    // It took each of them once, in one of its lives.
    assert_eq!(lines(&undisturbed).len() as u64, kills / 2);
    let again = desk.septa(&format!("watch in -o out {options} --idle 0 --json"));
    assert!(again.status.success() && lines(&again).is_empty());
}

#[test]
fn late_repeated_replaced_and_unfinished_scans_are_told_of() {
    let desk = Desk::new();
    let random = &mut Random(9);
    let values: Vec<Vec<u8>> = (0..4).map(|_| drawn(random, SHAPE)).collect();
    arrive(&desk, "a_3.npy", SHAPE, values[3].clone());
    let line = "watch in -o out --idle 0 --settle 0.05 --json -w 1";
    assert_eq!(lines(&desk.septa(line))[0]["time"], 3.0);
    // Late, twice the same, and unfinished.
    arrive(&desk, "a_1.tif", SHAPE, values[1].clone());
    arrive(&desk, "a_3.npy", SHAPE, values[3].clone());
    write(&desk.at("a_2.npy"), SHAPE, values[2].clone());
    let half = std::fs::read(desk.at("a_2.npy")).unwrap();
    std::fs::write(desk.at("in").join("a_2.npy"), &half[..half.len() / 2]).unwrap();
    std::fs::write(desk.at("in").join("notes.npy"), "").unwrap();
    let output = desk.septa(line);
    let told = lines(&output);
    assert_eq!((told[0]["late"].as_bool(), told[1]["repeated"].as_bool()), (Some(true), Some(true)));
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("a_2.npy") && stderr(&output).contains("no time"), "{}", stderr(&output));
    // It is taken as soon as it is whole, and another in the place of one that was taken.
    std::fs::remove_file(desk.at("in").join("notes.npy")).unwrap();
    std::fs::write(desk.at("in").join("a_2.npy"), half).unwrap();
    arrive(&desk, "a_3.npy", SHAPE, values[0].clone());
    let output = desk.septa(line);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(lines(&output).len(), 2);
    assert!(desk.septa("watch in -o whole --idle 0 --settle 0 -w 2").status.success());
    assert!(desk.told("out") == desk.told("whole"));
    // The rows of the last time are those of `septa label`.
    assert!(desk.septa("label in/a_3.npy --table cells.csv").status.success());
    let cells = std::fs::read_to_string(desk.at("cells.csv")).unwrap().lines().count() - 1;
    assert_eq!(desk.told("out")[0].lines().filter(|line| line.starts_with("3.0,")).count(), cells);
}

#[test]
fn what_cannot_be_watched_is_refused_in_a_line() {
    let desk = Desk::new();
    arrive(&desk, "part_1@0-2,,.npy", Shape([2, 2, 2]), vec![1; 8]);
    for (line, code, what) in [
        ("watch none -o out", 3, "no such folder"),
        ("watch in -o in", 2, "another folder"),
        ("watch in -o in/out", 2, "another folder"),
        ("watch in -o out --threshold otsu", 2, "give a number"),
        ("watch in -o out --idle=-1", 2, "--idle"),
        ("watch in -o out --idle nan", 2, "--idle"),
        ("watch in -o out -n 2 -p 0 --hostfile none", 3, "none"),
        ("watch in -o out --idle 0 --settle 0", 3, "--volume"),
        ("watch in -o out --labels --multilabel", 2, "--multilabel"),
    ] {
        let output = desk.septa(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", stderr(&output));
        let text = stderr(&output);
        assert!(text.lines().last().unwrap().contains(what), "{line}: {text}");
    }
    assert!(desk.septa("watch in -o out --idle 0 --settle 0 --volume 4,2,2").status.success());
    let output = desk.septa("watch in -o out --idle 0 --volume 5,2,2");
    assert!(output.status.code() == Some(2) && stderr(&output).contains("4x2x2"), "{}", stderr(&output));
    let output = desk.septa("watch in -o out --idle 0 --labels");
    assert!(output.status.code() == Some(6) && stderr(&output).contains("--force"), "{}", stderr(&output));
    assert!(desk.septa("watch in -o out --idle 0 --settle 0 --labels --volume 4,2,2 --force").status.success());
}

#[test]
fn an_interrupt_ends_it_in_order_and_it_goes_on() {
    let desk = Desk::new();
    arrive(&desk, "scan_1.npy", Shape([2, 2, 2]), vec![1; 8]);
    let mut child = desk.begin_quietly("watch in -o out --settle 0.01");
    wait_for_events(&desk, "out");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(desk.at("out").join("run.json").exists());
    arrive(&desk, "scan_2.npy", Shape([2, 2, 2]), vec![0; 8]);
    let output = desk.septa("watch in -o out --scans 2 --settle 0.01 --json");
    assert_eq!(lines(&output)[0]["vanished"], 1, "{}", stderr(&output));
}

#[test]
fn an_output_that_is_in_use_is_left_alone_also_by_force() {
    let desk = Desk::new();
    arrive(&desk, "scan_1.npy", Shape([2, 2, 2]), vec![1; 8]);
    let mut child = desk.begin_quietly("watch in -o out --settle 0.01");
    wait_for_events(&desk, "out");
    let before = desk.told("out");
    for line in ["watch in -o out --force --idle 0", "watch in -o out --idle 0"] {
        let output = desk.septa(line);
        assert!(output.status.code() == Some(2) && stderr(&output).contains("in use"), "{}", stderr(&output));
    }
    assert!(desk.told("out") == before && desk.at("out").join("scans.journal").exists());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn slices_that_were_not_all_there_do_not_give_the_volume_its_shape() {
    let desk = Desk::new();
    let slices = desk.at("in").join("slices_1");
    std::fs::create_dir(&slices).unwrap();
    std::fs::create_dir(desk.at("in").join("archive")).unwrap();
    let slice = |number: usize| {
        write(&desk.at("one.tif"), Shape([1, 3, 3]), vec![1; 9]);
        std::fs::rename(desk.at("one.tif"), slices.join(format!("{number}.tif"))).unwrap();
    };
    let line = "watch in -o out --settle 0 --idle 0 --json";
    (0..3).for_each(slice);
    assert_eq!(lines(&desk.septa(line))[0]["blocks"], 1);
    (3..6).for_each(slice);
    let output = desk.septa(line);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(desk.told("out")[0].contains("\n1.0,1,54,"), "{}", desk.told("out")[0]);
    assert!(desk.septa(line).stdout.is_empty());
}

#[test]
fn real_series_are_told_with_the_figures_of_their_scans() {
    let Some(data) = common::data::data() else { return };
    let desk = Desk::new();
    let text = std::fs::read_to_string(data.join("reference.json")).unwrap();
    let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
    // An embryo at two stages; the pores of two bones. Their names tell the times of the first only.
    let embryo = ["embryo/images_nsn/8_cell_stage.tif", "embryo/images_nsn/16_cell_stage.tif"];
    let bone = ["bone/bone_7H3A_B1.tif", "bone/bone_7H3B_B1.tif"];
    for (series, name, options, kind) in [(embryo, "embryo", "", ""), (bone, "bone", " --background", " pores (==0)")] {
        std::fs::create_dir(desk.at(name)).unwrap();
        for (number, path) in series.iter().enumerate() {
            let link = match name {
                "embryo" => data.join(path).file_name().unwrap().to_string_lossy().into_owned(),
                _ => format!("bone_{number}.tif"),
            };
            std::os::unix::fs::symlink(data.join(path).canonicalize().unwrap(), desk.at(name).join(link)).unwrap();
        }
        let line = format!("watch {name} -o {name}_out --idle 0 --settle 0 --connectivity 6 --moments --json{options}");
        let output = desk.septa(&line);
        assert!(output.status.success(), "{}", stderr(&output));
        let told = lines(&output);
        for (line, path) in told.iter().zip(series) {
            let figures = &reference[format!("{path}{kind}")];
            assert!(figures["components_6"].is_u64() && line["cells"] == figures["components_6"], "{path}: {line}");
        }
        if name == "embryo" {
            assert_eq!((&told[1]["split"], told[1]["time"].as_f64()), (&8.into(), Some(16.0)));
        }
        let cells = std::fs::read_to_string(desk.at(&format!("{name}_out")).join(FILES[0])).unwrap();
        let rows = told.iter().map(|line| line["cells"].as_u64().unwrap() as usize).sum::<usize>();
        assert_eq!(cells.lines().count(), rows + 1);
    }
}
