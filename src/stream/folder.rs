//! A folder that scans come into.
//!
//! A file is whole when it is renamed into the folder or within it; a file or a folder of slices when
//! `NAME.done` lies beside it, or when it has not changed for a while. The system tells of changes
//! (crate `notify`); the folder is looked at as well from time to time, for file systems that tell
//! nothing. What looks unfinished by its name is left alone: hidden files, `.part`, `.tmp`, `~`.
//!
//! Cost: a look is O(files in the folder).

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant, SystemTime};

use notify::event::{EventKind, ModifyKind, RenameMode};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use crate::error::{Error, Result};
use crate::stream::scan::Stamp;

/// Endings of what may be a scan.
const ENDINGS: [&str; 5] = ["tif", "tiff", "npy", "raw", "png"];

/// When a scan in a folder is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settle {
    /// It has not changed for so long, or is renamed; nothing where only a marker counts, as it is the
    /// same whoever looks, and when.
    pub after: Option<Duration>,
}

/// Something in the folder that is whole, as far as can be seen from without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its name in the folder.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What it looks like.
    pub stamp: Stamp,
    /// Whether it was said to be whole, by a rename or a marker.
    pub said: bool,
}

/// A folder that scans come into.
pub struct Folder {
    path: PathBuf,
    settle: Settle,
    seen: HashMap<String, Seen>,
    changes: Receiver<notify::Result<Event>>,
    looked: bool,
    changed: Instant,
    // Ends the messages when it is dropped.
    _watcher: Option<RecommendedWatcher>,
}

#[derive(Clone, Copy)]
struct Seen {
    stamp: Stamp,
    since: Instant,
    renamed: bool,
    given: bool,
}

impl Folder {
    /// Watches a folder.
    ///
    /// # Errors
    /// Where it is none, or cannot be read.
    pub fn watch(path: &Path, settle: Settle) -> Result<Self> {
        if !path.is_dir() {
            let what = if path.exists() { "is a file: give the folder that scans come into" } else { "no such folder" };
            return Err(Error::input(path.display(), what));
        }
        let (tell, changes) = channel();
        let watcher = notify::recommended_watcher(move |event| {
            // Nobody listens any more only when the folder is dropped.
            let _ = tell.send(event);
        });
        let watched = watcher.and_then(|mut watcher| {
            watcher.watch(path, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        if let Err(cause) = &watched {
            tracing::info!("{}: the system tells nothing of changes ({cause}): looking each second", path.display());
        }
        let (path, seen) = (path.to_owned(), HashMap::new());
        Ok(Self { path, settle, seen, changes, looked: false, changed: Instant::now(), _watcher: watched.ok() })
    }

    /// What is whole and was not given before as it looks now, in no order; waits for it so long.
    /// `known` says what need not be given.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn arrivals(&mut self, known: impl Fn(&str, Stamp) -> bool, wait: Duration) -> Result<Vec<Arrival>> {
        let end = Instant::now() + wait;
        let tick = self.settle.after.map_or(Duration::from_secs(1), |after| after / 4);
        let tick = tick.clamp(Duration::from_millis(10), Duration::from_secs(1));
        loop {
            let arrivals = self.look(&known)?;
            let left = end.saturating_duration_since(Instant::now());
            if !arrivals.is_empty() || left.is_zero() {
                return Ok(arrivals);
            }
            if let Ok(change) = self.changes.recv_timeout(left.min(tick)) {
                self.heed(change);
            }
        }
    }

    /// Whether something lies there that has not been given as it looks now.
    pub fn is_waiting(&self) -> bool {
        self.seen.values().any(|seen| !seen.given)
    }

    /// When something was last seen to have changed.
    pub fn changed(&self) -> Instant {
        self.changed
    }

    fn heed(&mut self, change: notify::Result<Event>) {
        for change in std::iter::once(change).chain(self.changes.try_iter()).flatten() {
            let EventKind::Modify(ModifyKind::Name(mode)) = change.kind else { continue };
            let into = match mode {
                RenameMode::To | RenameMode::Both => change.paths.last(),
                _ => None,
            };
            let Some(name) = into.and_then(|path| path.file_name()?.to_str()) else { continue };
            let Some(about) = std::fs::metadata(self.path.join(name)).ok().filter(|about| about.is_file()) else {
                // What is in a folder may come after it.
                continue;
            };
            let seen = Seen { stamp: stamp_of(&about), since: Instant::now(), renamed: true, given: false };
            match self.seen.get_mut(name) {
                // A rename may be told of after the file was looked at.
                Some(known) if known.stamp == seen.stamp => known.renamed = true,
                _ => drop(self.seen.insert(name.to_owned(), seen)),
            }
        }
    }

    fn look(&mut self, known: &impl Fn(&str, Stamp) -> bool) -> Result<Vec<Arrival>> {
        let mut arrivals = Vec::new();
        let first = !std::mem::replace(&mut self.looked, true);
        let mut here = HashMap::with_capacity(self.seen.len());
        let failed = |cause| Error::reading(&self.path, cause);
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            // What goes away while it is looked at is not there.
            let (Some(name), Ok(about)) = (path.file_name().and_then(|name| name.to_str()), path.metadata()) else {
                continue;
            };
            if !may_be_scan(name, about.is_dir()) {
                continue;
            }
            let Some(stamp) = look_at(&path, &about) else { continue };
            let now = Instant::now();
            let fresh = || {
                // What lay there long before is as it was then.
                let age = SystemTime::now().duration_since(about.modified().unwrap_or(SystemTime::now()));
                let since = if first { now.checked_sub(age.unwrap_or_default()) } else { None };
                Seen { stamp, since: since.unwrap_or(now), renamed: false, given: false }
            };
            let before = self.seen.get(name).copied().filter(|seen| seen.stamp == stamp);
            if before.is_none() {
                self.changed = now;
            }
            let mut seen = before.unwrap_or_else(fresh);
            let marked = path.with_file_name(format!("{name}.done")).exists();
            let settled = self.settle.after.is_some_and(|after| seen.since.elapsed() >= after);
            let renamed = seen.renamed && self.settle.after.is_some();
            if !seen.given && (renamed || marked || settled) {
                seen.given = true;
                if !known(name, stamp) {
                    let (name, said) = (name.to_owned(), renamed || marked);
                    arrivals.push(Arrival { name, path: path.clone(), stamp, said });
                }
            }
            here.insert(name.to_owned(), seen);
        }
        self.seen = here;
        Ok(arrivals)
    }
}

fn may_be_scan(name: &str, is_folder: bool) -> bool {
    let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        _ if name.starts_with('.') || name.ends_with('~') => false,
        Some("part" | "tmp" | "done") => false,
        Some(ending) if ENDINGS.contains(&ending) => true,
        _ => is_folder,
    }
}

/// What a file or the files of a folder look like; nothing where it goes away.
fn look_at(path: &Path, about: &Metadata) -> Option<Stamp> {
    if !about.is_dir() {
        return Some(stamp_of(about));
    }
    let mut stamp = Stamp::default();
    for entry in std::fs::read_dir(path).ok()? {
        let of = stamp_of(&entry.ok()?.metadata().ok()?);
        stamp.bytes += of.bytes;
        stamp.files += 1;
        stamp.modified_ns = stamp.modified_ns.max(of.modified_ns);
    }
    Some(stamp)
}

fn stamp_of(about: &Metadata) -> Stamp {
    let modified = about.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    let modified_ns = modified.map_or(0, |since| since.as_nanos() as u64);
    Stamp { bytes: about.len(), modified_ns, files: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &mut Folder, wait_ms: u64) -> Vec<(String, bool)> {
        let arrivals = folder.arrivals(|_, _| false, Duration::from_millis(wait_ms)).unwrap();
        let mut names: Vec<_> = arrivals.into_iter().map(|arrival| (arrival.name, arrival.said)).collect();
        names.sort();
        names
    }

    /// A long time to settle, so that only what is said counts.
    fn patient(path: &Path) -> Folder {
        Folder::watch(path, Settle { after: Some(Duration::from_secs(3600)) }).unwrap()
    }

    #[test]
    fn what_is_renamed_or_marked_is_whole_at_once_and_given_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mut watched = patient(folder.path());
        std::fs::write(at("growing_1.tif"), "half").unwrap();
        std::fs::write(at(".hidden_2.tif"), "all").unwrap();
        std::fs::write(at("notes.txt"), "none").unwrap();
        assert!(names(&mut watched, 50).is_empty());
        std::fs::rename(at(".hidden_2.tif"), at("scan_2.tif")).unwrap();
        assert_eq!(names(&mut watched, 5000), [("scan_2.tif".to_owned(), true)]);
        std::fs::write(at("growing_1.tif.done"), "").unwrap();
        assert_eq!(names(&mut watched, 5000), [("growing_1.tif".to_owned(), true)]);
        assert!(names(&mut watched, 50).is_empty() && !watched.is_waiting());
        // As something else it is given again.
        std::fs::write(at("growing_1.tif"), "something else").unwrap();
        assert_eq!(names(&mut watched, 5000), [("growing_1.tif".to_owned(), true)]);
    }

    #[test]
    fn what_does_not_change_for_a_while_is_whole_unless_only_markers_count() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("slices_3")).unwrap();
        std::fs::write(folder.path().join("slices_3").join("0.png"), "slice").unwrap();
        std::fs::write(folder.path().join("scan_1.npy"), "all").unwrap();
        let settle = Settle { after: Some(Duration::from_millis(40)) };
        let mut watched = Folder::watch(folder.path(), settle).unwrap();
        let mut given = Vec::new();
        while given.len() < 2 {
            given.extend(names(&mut watched, 5000));
        }
        given.sort();
        assert_eq!(given, [("scan_1.npy".to_owned(), false), ("slices_3".to_owned(), false)]);
        let mut strict = Folder::watch(folder.path(), Settle { after: None }).unwrap();
        assert!(names(&mut strict, 100).is_empty() && strict.is_waiting());
        assert!(strict.arrivals(|_, _| true, Duration::ZERO).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_folder_cannot_be_watched() {
        let folder = tempfile::tempdir().unwrap();
        let settle = Settle { after: None };
        assert!(Folder::watch(&folder.path().join("none"), settle).err().unwrap().message().contains("no such folder"));
    }
}
