//! `septa bench`: every row is there and adds up. Nothing here looks at how long anything takes.

#[path = "common/program.rs"]
mod program;

use program::septa;
use serde_json::Value;

fn bench(arguments: &[&str]) -> Value {
    let output = septa().args(["bench", "engine", "--json"]).args(arguments).output().unwrap();
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
        let output = septa().args(["bench", "engine"]).args(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && output.stdout.is_empty() && error.contains(says), "{error}");
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
