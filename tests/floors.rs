//! The floors of the house: an import points down, to the file that defines the name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floor of each room; rooms on one floor do not know each other.
const FLOORS: [(&str, u32); 22] = [
    ("cli", 8),
    ("main", 8),
    ("report", 7),
    ("bench", 7),
    ("programs", 6),
    ("stats", 6),
    ("cluster", 6),
    ("incremental", 5),
    ("pregel", 4),
    ("measure", 4),
    ("lattice", 3),
    ("graph", 2),
    ("stream", 2),
    ("exact", 1),
    ("volume", 1),
    ("store", 1),
    ("id", 0),
    ("error", 0),
    ("combine", 0),
    ("disjoint", 0),
    ("workers", 0),
    ("wide", 0),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("src is there").map(|entry| entry.expect("src is readable").path()) {
            if entry.is_dir() {
                walk(&entry, into);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&entry).expect("sources are text");
                into.push((entry, text));
            }
        }
    }
    let mut all = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    all.sort();
    all
}

/// The room of a file: the folder under `src`, or the file's own name.
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("a file of src");
    let first = inside.components().next().expect("it has a name").as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_string()
}

/// The code of a file without its comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The rooms that a line names as `crate::room`, also inside braces.
fn named(line: &str) -> Vec<String> {
    let after = line.split("crate::").skip(1);
    after.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}

#[test]
fn imports_point_down() {
    let floors: BTreeMap<&str, u32> = FLOORS.into();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let here = room(&path);
        if here == "lib" || here == "prelude" {
            continue;
        }
        let floor = *floors.get(here.as_str()).unwrap_or_else(|| panic!("{here} has no floor: give it one"));
        for (line, code) in code(&text) {
            for there in named(code).into_iter().filter(|there| *there != here) {
                let below = floors.get(there.as_str()).is_some_and(|below| *below < floor);
                // The ground rooms may name the error type, which names nothing.
                let ground = floor == 0 && there == "error";
                if !below && !ground && !code.contains("$crate") {
                    wrong.push(format!("{}:{}: {here} names {there}", path.display(), line + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nobody_imports_through_the_prelude_or_the_crate_root() {
    for (path, text) in sources() {
        for (line, code) in code(&text) {
            let through =
                code.contains("crate::prelude") || code.contains("use crate::{") || code.contains("use crate::*");
            assert!(!through, "{}:{}: {code}", path.display(), line + 1);
        }
    }
}

#[test]
fn timely_is_named_only_where_things_run() {
    for (path, text) in sources() {
        let may = ["pregel", "incremental", "workers"].contains(&room(&path).as_str());
        for (line, code) in code(&text) {
            assert!(may || !code.contains("timely::"), "{}:{}: {code}", path.display(), line + 1);
            let may = room(&path) == "incremental";
            assert!(may || !code.contains("differential_dataflow"), "{}:{}", path.display(), line + 1);
        }
    }
}

#[test]
fn a_mod_file_declares_and_defines_nothing() {
    for (path, text) in sources().into_iter().filter(|(path, _)| path.ends_with("mod.rs")) {
        for (line, code) in code(&text).filter(|(_, code)| !code.trim().is_empty()) {
            let declares = ["mod ", "pub mod ", "pub use ", "pub(crate) mod ", "#[cfg(", "use "];
            assert!(declares.iter().any(|d| code.starts_with(d)), "{}:{}: {code}", path.display(), line + 1);
        }
    }
}

/// Where a measured need has unsafe code behind a safe face.
const UNSAFE: [&str; 3] = ["wide.rs", "pages.rs", "entombed.rs"];

#[test]
fn unsafe_code_is_where_it_is_known_and_each_has_its_proof() {
    for (path, text) in sources() {
        let known = UNSAFE.iter().any(|name| path.ends_with(name));
        let lines: Vec<&str> = text.lines().collect();
        for (line, code) in code(&text) {
            let place = format!("{}:{}: {code}", path.display(), line + 1);
            let declared = ["unsafe fn", "unsafe impl"].iter().any(|word| code.contains(word));
            assert!(!declared, "{place}: the face is safe");
            let named = ["unsafe {", "allow(unsafe_code)"].iter().any(|word| code.contains(word));
            assert!(!named || known, "{place}");
            if code.contains("unsafe {") {
                let above = &lines[line.saturating_sub(3)..line];
                assert!(above.iter().any(|line| line.trim().starts_with("// SAFETY:")), "{place}");
            }
        }
    }
}
