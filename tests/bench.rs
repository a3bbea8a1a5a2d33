//! `septa bench`: every row is there and adds up. Nothing here looks at how long anything takes.
//!
//! Peers are played by a script; the real ones are called where `SEPTA_ORACLE` names a Python
//! environment that has them.

#[path = "common/program.rs"]
mod program;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use program::septa;
use septa::volume::open::create;
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::Voxels;
use serde_json::Value;

fn bench(arguments: &[&str]) -> Value {
    bench_of("engine", arguments)
}

fn bench_of(what: &str, arguments: &[&str]) -> Value {
    let output = septa().args(["bench", what, "--json"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// A figure that is there and positive.
fn positive(row: &Value, key: &str) -> f64 {
    let figure = row[key].as_f64().unwrap_or_else(|| panic!("no {key} in {row}"));
    assert!(figure > 0.0 && figure.is_finite(), "{key} of {row}");
    figure
}

#[test]
fn rows_are_there_for_every_graph_operation_and_number_of_workers() {
    // The command compares every result with the plain kernel's, and fails where they differ.
    let told = bench(&["--size", "10", "--repeat", "2", "--seed", "3"]);
    assert_eq!(told["size"], 10);
    let cases: Vec<&str> =
        told["cases"].as_array().unwrap().iter().map(|case| case["case"].as_str().unwrap()).collect();
    assert_eq!(cases, ["kronecker8", "kronecker10", "csr6", "csr26", "lattice6", "lattice26", "percolated"]);
    for case in told["cases"].as_array().unwrap() {
        for key in ["vertices", "edges", "generate_seconds", "build_seconds", "plain_build_seconds", "plain_bytes"] {
            positive(case, key);
        }
    }
    let rows = told["rows"].as_array().unwrap();
    let mut seen = Vec::new();
    for row in rows {
        let name = |key: &str| row[key].as_str().unwrap();
        seen.push((name("case"), name("op"), row["workers"].as_u64().unwrap()));
        assert_eq!((row["processes"].as_u64(), name("baseline"), name("unit")), (Some(1), "plain", "edges/s"));
        let [seconds, baseline, ratio] = ["seconds", "baseline_seconds", "ratio"].map(|key| positive(row, key));
        assert!((ratio - baseline / seconds).abs() <= 1e-9 * ratio, "{row}");
        let case = cases.iter().position(|case| *case == name("case")).unwrap();
        let passes = if name("op") == "pagerank" { 20.0 } else { 1.0 };
        let edges = passes * 2.0 * positive(&told["cases"][case], "edges");
        let rate = positive(row, "rate");
        assert!((rate - edges / seconds).abs() <= 1e-9 * rate, "{row}");
        positive(row, "setup_seconds");
        positive(row, "supersteps");
        if cfg!(target_os = "linux") {
            positive(row, "peak_rss_bytes");
        }
    }
    let expected = cases.iter().flat_map(|case| {
        let ops = ["pagerank", "components", "labels", "spread", "bfs", "sssp"].into_iter();
        let ops = ops.filter(move |op| !["labels", "spread"].contains(op) || *case == "percolated");
        ops.flat_map(move |op| [1, 2].map(|workers| (*case, op, workers)))
    });
    assert_eq!(seen, expected.collect::<Vec<_>>());
}

#[test]
fn a_part_can_be_asked_for() {
    let told = bench(&["--size", "8", "--repeat", "1", "--case", "csr6,lattice6", "--op", "bfs", "-w", "1"]);
    let rows = told["rows"].as_array().unwrap().iter();
    let seen: Vec<_> = rows.map(|row| (row["case"].as_str().unwrap(), row["workers"].as_u64().unwrap())).collect();
    assert_eq!(seen, [("csr6", 1), ("lattice6", 1)]);
    let wrong: [(&[&str], &str); 4] = [
        (&["--case", "ring"], "«ring» is no graph: there are kronecker18, kronecker20, csr6"),
        (&["--op", "sort"], "«sort» is no operation: there are pagerank"),
        (&["--size", "40"], "a size of 40"),
        (&["--repeat", "0"], "--repeat 0"),
    ];
    for (arguments, says) in wrong {
        refused("engine", arguments, 2, says);
    }
}

/// Holds a refusal to its exit code and its one line.
fn refused(what: &str, arguments: &[&str], code: i32, says: &str) {
    let output = septa().args(["bench", what]).args(arguments).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(code) && output.stdout.is_empty() && error.contains(says), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

/// The rows of a bench of volumes as (op, case, workers, baseline), each held to its own figures.
fn held(told: &Value, voxels: f64) -> Vec<(String, String, u64, Option<String>)> {
    let rows = told["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        let all = "op case workers processes seconds rate unit baseline baseline_seconds ratio peak_rss_bytes";
        assert_eq!(keys, all.split(' ').collect::<Vec<_>>());
        let [seconds, rate] = ["seconds", "rate"].map(|key| positive(row, key));
        assert!((rate - voxels / seconds).abs() <= 1e-9 * rate, "{row}");
        assert_eq!((row["processes"].as_u64(), row["unit"].as_str()), (Some(1), Some("voxels/s")));
        if row["baseline"].is_null() {
            assert!(row["baseline_seconds"].is_null() && row["ratio"].is_null(), "{row}");
        } else {
            let [baseline, ratio] = ["baseline_seconds", "ratio"].map(|key| positive(row, key));
            assert!((ratio - baseline / seconds).abs() <= 1e-9 * ratio, "{row}");
        }
        if cfg!(target_os = "linux") {
            positive(row, "peak_rss_bytes");
        }
        let name = |key: &str| row[key].as_str().map(str::to_string);
        (name("op").unwrap(), name("case").unwrap(), row["workers"].as_u64().unwrap(), name("baseline"))
    })
    .collect()
}

#[test]
fn volumes_have_rows_for_every_operation_and_number_of_workers() {
    // The command compares every result with the plain loop's, and fails where they differ.
    let labelling = ["label6", "label26", "figures6", "figures26", "floor"];
    let all: [(&str, &[&str], &[&str]); 3] = [
        ("label", &["perc30", "perc50", "blob50", "voronoi"], &labelling),
        ("contacts", &["voronoi"], &["contacts6", "contacts26"]),
        ("measure", &["voronoi"], &["measure", "shape+contacts6"]),
    ];
    for (what, cases, ops) in all {
        let told = bench_of(what, &["--size", "48", "--repeat", "2", "--seed", "5", "-w", "3"]);
        assert_eq!((&told["what"], &told["size"], &told["repeat"]), (&what.into(), &48.into(), &2.into()));
        for (case, name) in told["cases"].as_array().unwrap().iter().zip(cases) {
            assert_eq!((case["case"].as_str(), case["shape"].as_str()), (Some(*name), Some("48x48x48")));
            positive(case, "generate_seconds");
        }
        let expected = cases.iter().flat_map(|case| {
            let baseline = |op: &str| (op != "floor").then(|| "plain".to_string());
            ops.iter().flat_map(move |op| [1, 3].map(|w| (op.to_string(), case.to_string(), w, baseline(op))))
        });
        assert_eq!(held(&told, 48f64.powi(3)), expected.collect::<Vec<_>>());
    }
}

#[test]
fn any_cut_gives_what_the_plain_loop_gives() {
    for (what, block) in [("label", "7"), ("label", "whole"), ("contacts", "9"), ("measure", "16")] {
        let told = bench_of(what, &["--size", "32", "--repeat", "1", "--block", block]);
        assert!(!held(&told, 32f64.powi(3)).is_empty());
    }
}

#[test]
fn a_session_has_rows_for_every_change_and_number_of_workers() {
    // The command compares every session with a cold run, and fails where they differ.
    let told = bench_of("incremental", &["--size", "70", "--repeat", "1"]);
    let rows = told["rows"].as_array().unwrap();
    let seen: Vec<(&str, &str, u64)> = rows
        .iter()
        .map(|row| (row["case"].as_str().unwrap(), row["op"].as_str().unwrap(), row["workers"].as_u64().unwrap()))
        .collect();
    let ops = ["same-block", "same-volume", "change-1-block", "change-10-blocks", "change-1-percent"];
    let ops = ops.into_iter().chain(["change-10-percent", "change-30-percent", "change-100-percent", "fill"]);
    let of = |workers| ops.clone().map(move |op| ("voronoi", op, workers));
    let split = [1, 2].map(|workers| ("rods", "split", workers));
    assert_eq!(seen, split.into_iter().chain(of(1)).chain(of(2)).collect::<Vec<_>>());
    for row in rows {
        assert_eq!(row["baseline"], "cold");
        let [seconds, cold, ratio] = ["seconds", "baseline_seconds", "ratio"].map(|key| positive(row, key));
        assert!((ratio - cold / seconds).abs() <= 1e-9 * ratio, "{row}");
    }
}

#[test]
fn a_file_that_a_session_has_is_put_beside_reading_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cells.tif");
    let file = file.to_str().unwrap();
    let made = septa().args(["phantom", "cells", "--shape", "30,20,10", "-o", file]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let told = bench_of("incremental", &["--case", file, "--op", "same-file", "--repeat", "1", "-w", "2"]);
    let rows = told["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["workers"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    for row in rows {
        assert_eq!((row["op"].as_str(), row["baseline"].as_str()), (Some("same-file"), Some("read")));
        assert!((positive(row, "rate") * positive(row, "seconds") - 6000.0).abs() < 1.0, "{row}");
    }
}

#[test]
fn force_balance_has_a_row_for_each_number_of_workers() {
    // The command compares displacements with those of the plain loop, and fails where they differ.
    let told = bench_of("relax", &["--size", "9", "--repeat", "1"]);
    let rows = told["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["workers"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    for row in rows {
        assert_eq!((row["op"].as_str(), row["case"].as_str()), (Some("springs18"), Some("cube9")));
        assert_eq!(row["baseline"], "plain");
        let [seconds, plain, ratio] = ["seconds", "baseline_seconds", "ratio"].map(|key| positive(row, key));
        assert!((ratio - plain / seconds).abs() <= 1e-9 * ratio, "{row}");
    }
    refused("relax", &["--size", "3"], 2, "4 to 400 nodes");
    refused("relax", &["--case", "blob50"], 2, "«blob50» is no case here");
    refused("relax", &["--op", "label6"], 2, "«label6» is no operation: there are springs18");
}

#[test]
fn the_potts_model_has_a_row_for_each_case_move_and_number_of_workers() {
    // The command compares spins with those of the plain loop, and fails where they differ.
    let told = bench_of("potts", &["--size", "20", "--repeat", "1"]);
    let rows = told["rows"].as_array().unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row["case"].as_str().unwrap(), row["op"].as_str().unwrap())).collect();
    let cases = ["growth3", "grains3", "tissue2", "tissue3", "owned3"].into_iter();
    let expected: Vec<_> =
        cases.flat_map(|case| ["copy", "distinct"].into_iter().flat_map(move |op| [(case, op); 2])).collect();
    assert_eq!(seen, expected);
    for row in rows {
        let [seconds, plain, ratio] = ["seconds", "baseline_seconds", "ratio"].map(|key| positive(row, key));
        assert!((ratio - plain / seconds).abs() <= 1e-9 * ratio, "{row}");
        let voxels = if row["case"] == "tissue2" { 1e4 } else { 8e3 };
        assert!((positive(row, "rate") * seconds - 39.0 * voxels).abs() < 1.0, "{row}");
    }
    refused("potts", &["--size", "21"], 2, "an even --size of 20 to 400");
    refused("potts", &["--case", "blob50"], 2, "«blob50» is no case: there are growth3");
    refused("potts", &["--op", "jump"], 2, "«jump» is no operation: there are copy, distinct");
}

#[test]
fn what_cannot_be_measured_of_volumes_is_refused() {
    refused("label", &["--case", "sponge"], 2, "«sponge» is no volume here: there are perc30, perc50");
    refused("contacts", &["--case", "blob50"], 2, "«blob50» is no volume here: there are voronoi");
    refused("measure", &["--op", "label6"], 2, "«label6» is no operation: there are measure");
    refused("label", &["--size", "7"], 2, "a size of 7");
    refused("label", &["--repeat", "0"], 2, "--repeat 0");
    refused("engine", &["--peers", "."], 2, "--peers");
    refused("label", &["--peers", "/nowhere"], 3, "/nowhere: no Python environment");
}

/// A folder with a mask of three balls, `balls.npy`, an environment, `venv`, whose Python says that
/// cc3d is there and answers every call by `answer`, and an empty folder, `tmp`.
fn staged(answer: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut voxels = vec![0u8; 20 * 20 * 20];
    for (k, voxel) in voxels.iter_mut().enumerate() {
        let at = [k / 400, k / 20 % 20, k % 20];
        let near = |centre: usize| at.iter().map(|at| at.abs_diff(centre).pow(2)).sum::<usize>() <= 6;
        *voxel = u8::from([3, 10, 16].into_iter().any(near));
    }
    let shape = Shape([20; 3]);
    let sink = create(&path("balls.npy"), shape, septa::volume::voxel::Dtype::U8, &Spacing::default()).unwrap();
    sink.write(&Region::whole(shape), &Voxels::from_vec(shape, voxels)).unwrap();
    sink.finish().unwrap();
    std::fs::create_dir_all(path("venv/bin")).unwrap();
    std::fs::create_dir(path("tmp")).unwrap();
    let hello = r#"{"tools":["cc3d"],"missing":["bioimage-cpp"]}"#;
    let script = format!("#!/bin/sh\necho '{hello}'\nwhile read -r call; do {answer}; done\n");
    std::fs::write(path("venv/bin/python"), script).unwrap();
    std::fs::set_permissions(path("venv/bin/python"), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// `septa bench label` on what is staged; afterwards nothing is left.
fn with_peers(folder: &Path) -> std::process::Output {
    let mut command = septa();
    command
        .args(["bench", "label", "--json", "--op", "label6,floor", "--repeat", "1"])
        .env("TMPDIR", folder.join("tmp"));
    command.arg("--case").arg(folder.join("balls.npy")).arg("--peers").arg(folder.join("venv"));
    let output = command.output().unwrap();
    assert_eq!(std::fs::read_dir(folder.join("tmp")).unwrap().count(), 0, "the temporary folder is removed");
    output
}

#[test]
fn a_peer_that_counts_the_same_is_a_baseline() {
    let folder = staged(r#"echo '{"seconds":0.5,"count":3}'"#);
    let output = with_peers(folder.path());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.contains("not installed, left out: bioimage-cpp"), "{error}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = [("label6", 1, Some("cc3d")), ("label6", 2, Some("cc3d")), ("floor", 1, None), ("floor", 2, None)];
    let expected = expected.map(|(op, workers, baseline)| {
        (op.to_string(), "balls.npy".to_string(), workers, baseline.map(str::to_string))
    });
    assert_eq!(held(&told, 8000.0), expected);
    assert_eq!(told["rows"][0]["baseline_seconds"], 0.5);
}

#[test]
fn a_peer_that_counts_otherwise_is_an_error() {
    let output = with_peers(staged(r#"echo '{"seconds":0.5,"count":4}'"#).path());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && output.stdout.is_empty(), "{error}");
    assert!(error.contains("label6 on balls.npy: 3 components, and cc3d has 4"), "{error}");
}

#[test]
fn a_peer_that_refuses_is_left_out_and_one_that_ends_is_an_error() {
    let output = with_peers(staged(r#"echo '{"error":"TypeError: no"}'"#).path());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && error.contains("cc3d for label6 on balls.npy, left out: TypeError: no"),
        "{error}"
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(held(&told, 8000.0)[0].3.as_deref(), Some("plain"));
    for (answer, says) in [("exit 1", "has ended"), ("echo labels", "says what is no answer")] {
        let output = with_peers(staged(answer).path());
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(3) && error.contains(says), "{error}");
    }
}

#[test]
fn real_peers_count_what_septa_counts() {
    let Some(oracle) = std::env::var_os("SEPTA_ORACLE") else {
        eprintln!("SKIPPED: the peers of septa bench: SEPTA_ORACLE names no Python environment");
        return;
    };
    let oracle = oracle.to_str().expect("a path in UTF-8");
    for (what, op, baseline) in [
        ("label", "label6", "cc3d"),
        ("label", "label26", "cc3d"),
        ("contacts", "contacts6", "cc3d.contacts"),
        ("contacts", "contacts26", "cc3d.contacts"),
        ("measure", "measure", "cc3d.statistics"),
        ("measure", "measure", "regionprops_table"),
    ] {
        let told = bench_of(what, &["--size", "48", "--repeat", "1", "--op", op, "--peers", oracle]);
        let rows = held(&told, 48f64.powi(3));
        assert!(rows.iter().any(|row| row.3.as_deref() == Some(baseline)), "{op}: {rows:?}");
        assert!(rows.iter().all(|row| row.3.as_deref() != Some("plain")), "{op}: {rows:?}");
    }
}

#[test]
fn people_read_a_table() {
    let output = septa()
        .args(["bench", "engine", "--size", "8", "--repeat", "1", "--case", "percolated", "--op", "labels"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("labels")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("op ")).collect();
    assert!(heads.len() == 1 && heads[0].contains("peak rss MiB"), "{text}");
    // Numbers end where the names of their columns end.
    let end = heads[0].find("baseline seconds").unwrap() + "baseline seconds".len();
    assert!(
        lines.iter().all(|line| line.as_bytes()[end - 1].is_ascii_digit() && line.as_bytes()[end] == b' '),
        "{text}"
    );
}
