//! The promise of `--max-memory`: labelling stays within it, gives the same bytes, and leaves
//! nothing behind.
#![cfg(target_os = "linux")]

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use random::Random;
use septa::volume::open::create;
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::{Dtype, Voxels};

/// A volume whose voxels are drawn one by one, three of ten selected: as many runs as there are.
fn percolation(path: &Path, edge: usize) {
    let shape = Shape([edge; 3]);
    let sink = create(path, shape, Dtype::U8, &Spacing::default()).unwrap();
    let mut random = Random(5);
    for z in 0..edge {
        let slice: Vec<u8> = (0..edge * edge).map(|_| u8::from(random.below(10) < 3)).collect();
        let region = Region { start: [z, 0, 0], end: [z + 1, edge, edge] };
        sink.write(&region, &Voxels::from_vec(region.shape(), slice)).unwrap();
    }
    sink.finish().unwrap();
}

/// Runs the program; what it said, and the most memory that it held, in bytes.
fn peak(arguments: &[&str], folder: &Path) -> (Output, u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_septa"));
    command.args(arguments).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    // The mark only rises, and is read until the process has given its memory back.
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = mark.and_then(|mark| mark.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(kib.unwrap_or(0) << 10);
        std::thread::sleep(Duration::from_millis(2));
    }
    (child.wait_with_output().unwrap(), most)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn labelling_stays_within_its_memory_and_gives_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    percolation(&folder.path().join("in.tif"), 320);
    let label = |more: &[&str]| {
        let all: Vec<&str> = ["label", "in.tif", "-q", "-o"].iter().chain(more).copied().collect();
        let (output, most) = peak(&all, folder.path());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        most
    };
    let free = label(&["free.tif", "--max-memory", "4GiB", "-w", "1"]);
    let whole = fs::read(folder.path().join("free.tif")).unwrap();
    // With two workers more blocks are worked on at a time.
    for (limit, workers) in [(88, "1"), (128, "2")] {
        let most = label(&["held.tif", "--force", "-w", workers, "--max-memory", &format!("{limit}MiB")]);
        let allowed = (limit << 20) * 11 / 10;
        assert!(most > 0 && most <= allowed, "{} MiB of {limit} with {workers}", most >> 20);
        // Else nothing is shown.
        assert!(workers == "2" || free > allowed * 9 / 8, "{} MiB without a limit", free >> 20);
        assert!(fs::read(folder.path().join("held.tif")).unwrap() == whole);
    }
    assert_eq!(names(folder.path()), ["free.tif", "free.tif.run.json", "held.tif", "held.tif.run.json", "in.tif"]);
}

#[test]
fn a_potts_model_takes_six_bytes_a_voxel_where_more_is_free_too() {
    let folder = tempfile::tempdir().unwrap();
    let edge = 320;
    let cubes = |[z, y, x]: [usize; 3]| ((z / 16 * 20 + y / 16) * 20 + x / 16) as u32 + 1;
    let rows = (0..edge * edge).map(|row| [row / edge, row % edge]);
    let bytes = rows.flat_map(|[z, y]| (0..edge).flat_map(move |x| cubes([z, y, x]).to_le_bytes())).collect::<Vec<_>>();
    fs::write(folder.path().join("in.raw"), bytes).unwrap();
    let shaped = ["potts", "in.raw", "--shape", "320,320,320", "--dtype", "uint32", "--sweeps", "1"];
    let free = ["-o", "out.raw", "--max-memory", "8GiB", "-w", "2", "-q"];
    let (output, most) = peak(&[&shaped[..], &free].concat(), folder.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The rest is the program itself and what is read at a time: it does not grow with the volume.
    let allowed = 6 * (edge as u64).pow(3) + (64 << 20);
    assert!(most > 0 && most <= allowed, "{} MiB of {}", most >> 20, allowed >> 20);
}

#[test]
fn a_failure_leaves_no_scratch_and_too_little_memory_is_refused_in_a_line() {
    let folder = tempfile::tempdir().unwrap();
    percolation(&folder.path().join("in.tif"), 200);
    let refused = |arguments: &[&str], code: i32, word: &str| {
        let (output, _) = peak(arguments, folder.path());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{told}");
        assert!(told.lines().count() == 1 && told.contains(word), "{told}");
    };
    refused(&["label", "in.tif", "-o", "out.tif", "--max-memory", "8MiB", "-w", "1", "-q"], 4, "--max-memory: allow ");
    let whole = ["label", "in.tif", "-o", "out.tif", "--max-memory", "64MiB", "--block", "whole", "-w", "1", "-q"];
    refused(&whole, 4, "smaller with --block");
    // The last voxel is no number: the blocks before it have gone to scratch.
    let mut random = Random(6);
    let mut floats: Vec<f32> = (0..100 * 200 * 200).map(|_| f32::from(u8::from(random.below(10) < 3))).collect();
    *floats.last_mut().unwrap() = f32::NAN;
    let bytes: Vec<u8> = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(folder.path().join("in.raw"), bytes).unwrap();
    let shaped = ["label", "in.raw", "--shape", "100,200,200", "--dtype", "float32", "-o", "out.tif"];
    let little = ["--threshold", "0.5", "--max-memory", "64MiB", "-w", "1", "-q"];
    refused(&[&shaped[..], &little].concat(), 3, "NaN");
    assert_eq!(names(folder.path()), ["in.raw", "in.tif"]);
}
