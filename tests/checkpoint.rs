//! Checkpoints on disk: what was written is read, and what is damaged, half written or somebody
//! else's is never taken for whole.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;

use std::fs;
use std::path::{Path, PathBuf};

use random::Random;
use septa::error::Kind;
use septa::id::BlockId;
use septa::store::checkpoint::Checkpoints;
use septa::store::manifest::Manifest;
use septa::store::part::Section;
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

/// What a test keeps: a digest and bytes for each block.
type Blocks = Vec<(u64, Vec<u8>)>;

fn blocks(count: usize, longest: u64, random: &mut Random) -> Blocks {
    let mut bytes = || (0..random.below(longest + 1)).map(|_| random.next() as u8).collect();
    (0..count).map(|k| (k as u64 * 0x9e37_79b9_7f4a_7c15, bytes())).collect()
}

/// Writes the part of one worker of `workers`: every so-many-th block.
fn part(at: &Checkpoints, superstep: u64, blocks: &Blocks, worker: u32, workers: u32) -> Vec<Section> {
    let mut part = at.writer(superstep, worker).unwrap();
    for (k, (digest, bytes)) in blocks.iter().enumerate().skip(worker as usize).step_by(workers as usize) {
        part.add(BlockId(k as u32), *digest, bytes).unwrap();
    }
    part.finish().unwrap()
}

fn manifest(superstep: u64, blocks: &Blocks, sections: Vec<Section>, workers: u32) -> Manifest {
    Manifest {
        superstep,
        program: "Test { «quoted» \"twice\" }".into(),
        graph: "a ring".into(),
        workers,
        blocks: blocks.len() as u32,
        sections,
        global: superstep.to_le_bytes().into(),
    }
}

/// Writes a whole checkpoint.
fn keep(at: &Checkpoints, superstep: u64, blocks: &Blocks, workers: u32) {
    // The last worker first: the order of parts is of no account.
    let sections = (0..workers).rev().flat_map(|worker| part(at, superstep, blocks, worker, workers)).collect();
    at.commit(manifest(superstep, blocks, sections, workers)).unwrap();
}

/// Whether what is there reads as it was written; the error of a block where it does not.
fn reads(at: &Checkpoints, found: &Manifest, blocks: &Blocks) -> septa::error::Result<()> {
    assert_eq!(found.blocks as usize, blocks.len());
    assert_eq!(found.global, found.superstep.to_le_bytes());
    for (k, (digest, bytes)) in blocks.iter().enumerate() {
        assert_eq!(found.sections[k].digest, *digest);
        let read = at.read(found, BlockId(k as u32))?;
        assert!(read == *bytes, "block {k} is another, and nobody noticed");
    }
    Ok(())
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found.sort();
    found
}

fn checkpoints() -> (TempDir, Checkpoints) {
    let folder = tempfile::tempdir().unwrap();
    let at = Checkpoints::new(folder.path().join("kept"));
    (folder, at)
}

#[test]
fn what_was_written_is_read_whatever_the_workers() {
    let mut random = Random(1);
    for (count, longest, workers) in [(0, 0, 1), (1, 0, 1), (1, 100, 1), (7, 50, 2), (5, 300_000, 3), (3, 9, 8)] {
        let (_folder, at) = checkpoints();
        assert_eq!(at.newest().unwrap(), None, "there is not even a folder");
        let blocks = blocks(count, longest, &mut random);
        keep(&at, 12, &blocks, workers);
        let found = at.newest().unwrap().unwrap();
        assert_eq!((found.superstep, found.workers), (12, workers));
        assert_eq!((found.program.as_str(), found.graph.as_str()), ("Test { «quoted» \"twice\" }", "a ring"));
        assert_eq!(at.open(12).unwrap(), found);
        reads(&at, &found, &blocks).unwrap();
        let error = at.read(&found, BlockId(count as u32)).unwrap_err();
        assert_eq!(error.kind(), Kind::Checkpoint, "{error}");
        let whole = 1 + workers.min(count as u32) as usize;
        assert_eq!(files(at.folder()).len(), whole, "a part for each worker that has blocks, and nothing else");
    }
}

/// Damages the newest of two checkpoints in a way of `damage`, for every file of it.
fn each_damage(damage: impl Fn(&[u8], &mut dyn FnMut(&[u8], String))) {
    let (_folder, at) = checkpoints();
    let mut random = Random(2);
    let (old, new) = (blocks(2, 9, &mut random), blocks(3, 16, &mut random));
    keep(&at, 3, &old, 1);
    keep(&at, 8, &new, 2);
    let step = at.folder().join("step-000000000008");
    assert_eq!(files(&step).len(), 3);
    for file in files(&step) {
        let good = fs::read(&file).unwrap();
        let manifest = file.ends_with("manifest.json");
        damage(&good, &mut |bad, how| {
            let how = format!("{}: {how}", file.display());
            fs::write(&file, bad).unwrap();
            let found = at.newest().unwrap().unwrap();
            match found.superstep {
                3 => {
                    reads(&at, &found, &old).unwrap();
                    let error = at.open(8).unwrap_err();
                    assert_eq!(error.kind(), Kind::Checkpoint, "{how}: {error}");
                    assert!(error.message().starts_with(&*file.to_string_lossy()), "{how}: {error}");
                }
                _ => {
                    assert!(!manifest, "{how}: nobody noticed");
                    let error = reads(&at, &found, &new).expect_err(&how);
                    assert_eq!(error.kind(), Kind::Checkpoint, "{how}: {error}");
                    assert!(error.message().starts_with(&*file.to_string_lossy()), "{how}: {error}");
                }
            }
        });
        fs::write(&file, &good).unwrap();
    }
    reads(&at, &at.newest().unwrap().unwrap(), &new).unwrap();
}

#[test]
fn every_truncation_of_every_file_is_noticed() {
    each_damage(|good, bad| (0..good.len()).for_each(|length| bad(&good[..length], format!("cut at {length}"))));
}

#[test]
fn every_flipped_bit_of_every_file_is_noticed() {
    each_damage(|good, bad| {
        for bit in 0..good.len() * 8 {
            let mut other = good.to_vec();
            other[bit / 8] ^= 1 << (bit % 8);
            bad(&other, format!("bit {bit} flipped"));
        }
    });
}

#[test]
fn bytes_that_are_put_in_or_moved_are_noticed() {
    each_damage(|good, bad| {
        let mut random = Random(4);
        bad(&[good, b"\n"].concat(), "one byte more".into());
        bad(&[good, good].concat(), "twice".into());
        bad(&[], "nothing".into());
        bad(&vec![0; good.len()], "zeros".into());
        for _ in 0..300 {
            let mut other = good.to_vec();
            let (a, b) = (random.below(good.len() as u64) as usize, random.below(good.len() as u64) as usize);
            other.rotate_left(a);
            if other != good {
                bad(&other, format!("turned by {a}"));
            }
            let mut other = good.to_vec();
            other.swap(a, b);
            if other != good {
                bad(&other, format!("bytes {a} and {b} changed places"));
            }
        }
    });
}

#[test]
fn sections_that_changed_places_are_noticed() {
    let (_folder, at) = checkpoints();
    let same = vec![(5, b"abcdefgh".to_vec()), (5, b"ijklmnop".to_vec())];
    keep(&at, 1, &same, 1);
    let file = at.folder().join("step-000000000001/worker-0.part");
    let good = fs::read(&file).unwrap();
    assert_eq!(good.len(), 32 + 2 * (32 + 8));
    let swapped = [&good[..32], &good[72..], &good[32..72]].concat();
    fs::write(&file, swapped).unwrap();
    let error = reads(&at, &at.newest().unwrap().unwrap(), &same).unwrap_err();
    assert!(error.message().contains("worker-0.part: is damaged: the checksum of block 0"), "{error}");
}

#[test]
fn a_part_of_another_superstep_or_worker_is_refused() {
    let (_folder, at) = checkpoints();
    let same = blocks(4, 0, &mut Random(5));
    (1..=2).for_each(|superstep| keep(&at, superstep, &same, 2));
    let part = |superstep: u64, worker: u32| at.folder().join(format!("step-{superstep:012}/worker-{worker}.part"));
    for (from, to) in [(part(1, 0), part(2, 0)), (part(2, 1), part(2, 0))] {
        let good = fs::read(&to).unwrap();
        fs::copy(&from, &to).unwrap();
        assert_eq!(at.newest().unwrap().unwrap().superstep, 1);
        let error = at.open(2).unwrap_err();
        assert!(error.message().ends_with("is not the part of worker 0 at superstep 2"), "{error}");
        fs::write(&to, good).unwrap();
    }
    fs::rename(at.folder().join("step-000000000001"), at.folder().join("step-000000000009")).unwrap();
    assert_eq!(at.newest().unwrap().unwrap().superstep, 2, "a checkpoint that bears another number");
}

#[test]
fn a_newer_one_that_is_half_written_is_passed_over() {
    let (_folder, at) = checkpoints();
    let blocks = blocks(6, 30, &mut Random(6));
    keep(&at, 4, &blocks, 2);
    let newest = |what: &str| {
        let found = at.newest().unwrap().unwrap();
        assert_eq!(found.superstep, 4, "{what}");
        reads(&at, &found, &blocks).unwrap();
    };
    let mut unfinished = at.writer(8, 0).unwrap();
    newest("a part is begun");
    unfinished.add(BlockId(0), 0, b"some").unwrap();
    newest("a part is under way");
    drop(unfinished);
    assert_eq!(files(&at.folder().join("step-000000000008")), Vec::<PathBuf>::new(), "what is dropped is gone");
    let first = part(&at, 8, &blocks, 0, 2);
    newest("one part of two is written");
    let second = part(&at, 8, &blocks, 1, 2);
    newest("both parts are written, and no manifest");
    at.commit(manifest(8, &blocks, [first, second].concat(), 2)).unwrap();
    assert_eq!(at.newest().unwrap().unwrap().superstep, 8);
}

#[test]
fn leftovers_of_an_aborted_write_are_harmless() {
    let (_folder, at) = checkpoints();
    let mut random = Random(7);
    let (old, new) = (blocks(9, 30, &mut random), blocks(9, 31, &mut random));
    keep(&at, 4, &old, 3);
    // A run with three workers had come to 8 and no further; files of its writers are left.
    (0..3).for_each(|worker| drop(part(&at, 8, &old, worker, 3)));
    let step = at.folder().join("step-000000000008");
    for name in [".worker-0.part.1.tmp", ".manifest.json.1.tmp", "worker-9.part", "notes.txt"] {
        fs::write(step.join(name), "left").unwrap();
    }
    fs::create_dir(at.folder().join("step-seven")).unwrap();
    fs::create_dir(at.folder().join("step-10")).unwrap();
    fs::write(at.folder().join("step-+00000000099"), "no folder").unwrap();
    fs::write(at.folder().join("step-000000000099"), "no folder either").unwrap();
    assert_eq!(at.newest().unwrap().unwrap().superstep, 4);
    // The next run has two workers.
    keep(&at, 8, &new, 2);
    let found = at.newest().unwrap().unwrap();
    assert_eq!(found.superstep, 8);
    reads(&at, &found, &new).unwrap();
}

#[test]
fn writing_again_takes_the_old_one_out_of_account_first() {
    let (_folder, at) = checkpoints();
    let mut random = Random(8);
    let (old, new) = (blocks(4, 30, &mut random), blocks(4, 30, &mut random));
    keep(&at, 2, &old, 1);
    keep(&at, 6, &old, 2);
    let first = part(&at, 6, &new, 0, 2);
    assert_eq!(at.newest().unwrap().unwrap().superstep, 2, "one part is new, one is old");
    let second = part(&at, 6, &new, 1, 2);
    at.commit(manifest(6, &new, [first, second].concat(), 2)).unwrap();
    reads(&at, &at.newest().unwrap().unwrap(), &new).unwrap();
}

#[test]
fn a_manifest_that_does_not_add_up_is_not_written() {
    let (_folder, at) = checkpoints();
    let blocks = blocks(4, 30, &mut Random(9));
    let sections: Vec<Section> = (0..2).flat_map(|worker| part(&at, 5, &blocks, worker, 2)).collect();
    let refused = |sections: Vec<Section>, says: &str| {
        let error = at.commit(manifest(5, &blocks, sections, 2)).unwrap_err();
        assert_eq!(error.kind(), Kind::Checkpoint);
        assert!(error.message().contains(says), "{error}");
        assert_eq!(at.newest().unwrap(), None);
    };
    refused(sections[..2].to_vec(), "does not list each of 4 blocks once");
    refused([&sections[..], &sections[..1]].concat(), "block 0 is not where it should be");
    refused(sections[1..].to_vec(), "block 2 is not where it should be");
    let mut other = sections.clone();
    other[3].length += 1;
    refused(other, "worker-1.part: has ");
    let mut other = sections.clone();
    other[3].length = u64::MAX;
    refused(other, "block 3 is not where it should be");
    fs::remove_file(at.folder().join("step-000000000005/worker-1.part")).unwrap();
    refused(sections, "worker-1.part: is not there: all processes must share the folder");
}

#[test]
fn a_manifest_with_a_right_checksum_is_not_believed_either() {
    let (_folder, at) = checkpoints();
    let blocks = blocks(3, 30, &mut Random(10));
    keep(&at, 5, &blocks, 1);
    let file = at.folder().join("step-000000000005/manifest.json");
    let good = fs::read_to_string(&file).unwrap();
    let found = at.newest().unwrap().unwrap();
    let body = &good[..good.rfind(",\"checksum\"").unwrap()];
    let forged = |body: String| {
        let sum = xxh3_64(body.as_bytes());
        fs::write(&file, format!("{body},\"checksum\":\"{sum:016x}\"}}\n")).unwrap();
    };
    forged(body.to_string());
    reads(&at, &at.newest().unwrap().unwrap(), &blocks).unwrap();
    let length = format!("\"length\":{}", found.sections[2].length);
    let offset = format!("\"offset\":{}", found.sections[2].offset);
    let changes = [
        (length.as_str(), format!("\"length\":{}", u64::MAX)),
        (&length, format!("\"length\":{}", 1u64 << 40)),
        (&length, "\"length\":0".into()),
        (&length, "\"length\":-1".into()),
        (&offset, "\"offset\":0".into()),
        (&offset, format!("\"offset\":{}", u64::MAX)),
        ("\"worker\":0", "\"worker\":7".into()),
        ("\"blocks\":3", "\"blocks\":4294967295".into()),
        ("\"block\":2", "\"block\":1".into()),
        ("\"superstep\":5", "\"superstep\":6".into()),
        ("\"global\":\"", "\"global\":\"AAAA".into()),
        ("\"global\":\"", "\"global\":\"?".into()),
        ("\"sections\":[", "\"sections\":{".into()),
    ];
    for (from, to) in changes {
        assert!(body.contains(from), "{from}");
        forged(body.replace(from, &to));
        assert_eq!(at.newest().unwrap(), None, "{to}");
    }
    // Another version is not damage, and no reason to go back to an older checkpoint.
    for (from, to) in [("\"septa\":\"", "\"septa\":\"9."), ("\"format\":1", "\"format\":2,\"more\":[]")] {
        forged(body.replace(from, to));
        let error = at.newest().unwrap_err();
        assert!(error.kind() == Kind::Checkpoint && error.message().contains("was written by septa"), "{error}");
    }
    // What is read is checked for itself, whatever the caller says.
    forged(body.to_string());
    for section in [(u64::MAX, 1), (1 << 40, 1), (0, 1), (64, u64::MAX), (64, 1 << 40), (31, 0), (65, 3)] {
        let mut other = found.clone();
        (other.sections[0].offset, other.sections[0].length) = section;
        assert_eq!(at.read(&other, BlockId(0)).unwrap_err().kind(), Kind::Checkpoint, "{section:?}");
    }
}

#[test]
fn pruning_keeps_the_newest_whole_ones_and_what_is_being_written() {
    let (_folder, at) = checkpoints();
    let blocks = blocks(3, 30, &mut Random(11));
    at.prune(2).unwrap();
    let supersteps = || {
        let names = fs::read_dir(at.folder()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> =
            names.map(|name| name.to_string_lossy().trim_start_matches("step-0").into()).collect();
        names.sort();
        names.iter().map(|name| name.parse().unwrap()).collect::<Vec<u64>>()
    };
    (1..=6).for_each(|superstep| keep(&at, superstep, &blocks, 1));
    at.prune(9).unwrap();
    assert_eq!(supersteps(), [1, 2, 3, 4, 5, 6]);
    fs::remove_file(at.folder().join("step-000000000005/worker-0.part")).unwrap();
    part(&at, 7, &blocks, 0, 1);
    at.prune(3).unwrap();
    assert_eq!(supersteps(), [3, 4, 6, 7], "the damaged 5 goes and does not count; 7 may yet be whole");
    at.prune(0).unwrap();
    assert_eq!(supersteps(), [6, 7]);
    reads(&at, &at.newest().unwrap().unwrap(), &blocks).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let at = Checkpoints::new(folder.path().join("file"));
    let error = at.writer(1, 0).err().unwrap();
    assert!(error.kind() == Kind::Resource && error.message().contains("file/step-000000000001"), "{error}");
    assert!(at.newest().is_err(), "a file is no folder of checkpoints");
}
