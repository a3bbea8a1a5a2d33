//! A journal: records that are on the disk before anything is done that relies on them.
//!
//! A journal is a head of 16 bytes (magic, version, zero) and its records one behind the other,
//! each its length, an XXH3-64 of that, one of its bytes, and the bytes; numbers are little-endian. A
//! record is appended and synced alone, so that after a fall at most the last one is cut short: it
//! was never told of, and is taken off when the journal is opened. Damage before that is an error. A
//! journal is begun, and begun anew with less in it, under a temporary name.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::error::{Error, Kind, Result};
use crate::store::atomic::{Draft, sync_folder};

const MAGIC: [u8; 8] = *b"septajnl";
const VERSION: u32 = 1;
/// Bytes before the first record.
const HEAD: u64 = 16;
/// Bytes before those of a record.
const RECORD: u64 = 24;

/// A part of a record that can be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it begins in the file.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
    /// XXH3-64 of them.
    pub sum: u64,
}

impl Place {
    /// Where `bytes` lie that begin at `offset`.
    pub fn of(offset: u64, bytes: &[u8]) -> Self {
        Self { offset, length: bytes.len() as u64, sum: xxh3_64(bytes) }
    }
}

/// A file of records that is appended to.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    end: u64,
}

impl Journal {
    /// Begins a journal with one record, in place of the one that is there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn begin(path: &Path, first: &[&[u8]]) -> Result<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| Error::usage(format!("{}: not the name of a file", path.display())))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut draft = Draft::create(folder, &name)?;
        draft.write(&head())?;
        draft.write(&head_of(first))?;
        first.iter().try_for_each(|part| draft.write(part))?;
        draft.keep()?;
        sync_folder(folder)?;
        let failed = |cause| Error::writing(path, cause);
        let file = File::options().read(true).write(true).open(path).map_err(failed)?;
        let end = file.metadata().map_err(failed)?.len();
        Ok(Self { file, path: path.to_owned(), end })
    }

    /// Opens a journal and visits its records in order: where the bytes of each begin, and the
    /// bytes. Memory: the largest record.
    ///
    /// # Errors
    /// Where it cannot be read, is damaged before its last record, or is none; what `visit` fails
    /// with.
    pub fn open(path: &Path, mut visit: impl FnMut(u64, Vec<u8>) -> Result<()>) -> Result<Self> {
        let failed = |cause| Error::reading(path, cause);
        let mut file = File::options().read(true).write(true).open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut read = BufReader::with_capacity(1 << 18, &mut file);
        let mut first = [0; HEAD as usize];
        let whole = length >= HEAD && read.read_exact(&mut first).is_ok();
        if !whole || first != head() {
            return Err(damaged(path, "is not a journal of this version of septa"));
        }
        let mut end = HEAD;
        while length - end >= RECORD {
            let mut head = [0; RECORD as usize];
            read.read_exact(&mut head).map_err(failed)?;
            // A disk that lost its power may have made the file longer before it held anything.
            if head == [0; RECORD as usize] {
                break;
            }
            let bytes = u64::from_le_bytes(head[..8].try_into().expect("a third of a head is eight bytes"));
            let here = || damaged(path, &format!("is damaged at byte {end}"));
            if head[8..16] != xxh3_64(&head[..8]).to_le_bytes() {
                // Or held more than half of a head.
                let mut rest = Vec::new();
                read.read_to_end(&mut rest).map_err(failed)?;
                match rest.iter().all(|byte| *byte == 0) {
                    true => break,
                    false => return Err(here()),
                }
            }
            if bytes > length - end - RECORD {
                break;
            }
            let mut record = vec![0; bytes as usize];
            read.read_exact(&mut record).map_err(failed)?;
            if head != head_of(&[&record]) {
                match end + RECORD + bytes == length {
                    true => break,
                    false => return Err(here()),
                }
            }
            visit(end + RECORD, record)?;
            end += RECORD + bytes;
        }
        if end == HEAD {
            return Err(damaged(path, "holds no whole record"));
        }
        if end < length {
            file.set_len(end).and_then(|()| file.sync_all()).map_err(|cause| Error::writing(path, cause))?;
        }
        file.seek(SeekFrom::Start(end)).map_err(failed)?;
        Ok(Self { file, path: path.to_owned(), end })
    }

    /// Appends a record that consists of `parts`, and waits until it is on the disk: where its
    /// bytes begin.
    ///
    /// # Errors
    /// Where the disk does not take it; then it is as if it had never been appended.
    pub fn append(&mut self, parts: &[&[u8]]) -> Result<u64> {
        let mut offset = self.end;
        let head = head_of(parts);
        let written = std::iter::once(&head[..]).chain(parts.iter().copied()).try_for_each(|part| {
            self.file.write_all_at(part, offset)?;
            offset += part.len() as u64;
            Ok(())
        });
        if let Err(cause) = written.and_then(|()| self.file.sync_data()) {
            // What is left of it is taken off at the latest when the journal is opened.
            let _ = self.file.set_len(self.end);
            return Err(Error::writing(&self.path, cause));
        }
        let start = self.end + RECORD;
        self.end = offset;
        Ok(start)
    }

    /// Reads a part of a record again.
    ///
    /// # Errors
    /// Where the disk does not give back what it took.
    pub fn read(&self, place: Place) -> Result<Vec<u8>> {
        let mut bytes = vec![0; place.length as usize];
        self.file.read_exact_at(&mut bytes, place.offset).map_err(|cause| Error::reading(&self.path, cause))?;
        match xxh3_64(&bytes) == place.sum {
            true => Ok(bytes),
            false => Err(damaged(&self.path, &format!("is damaged at byte {}", place.offset))),
        }
    }

    /// Its length in bytes.
    pub fn bytes(&self) -> u64 {
        self.end
    }
}

fn damaged(path: &Path, what: &str) -> Error {
    let remedy = "begin anew with --force, or restore the file";
    Error::new(Kind::Checkpoint, format!("{}: {what}: {remedy}", path.display()))
}

fn head() -> [u8; HEAD as usize] {
    let mut head = [0; HEAD as usize];
    head[..8].copy_from_slice(&MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head
}

/// The head of a record of these parts.
fn head_of(parts: &[&[u8]]) -> [u8; RECORD as usize] {
    let length: u64 = parts.iter().map(|part| part.len() as u64).sum();
    let mut hash = Xxh3::new();
    parts.iter().for_each(|part| hash.update(part));
    let mut head = [0; RECORD as usize];
    head[..8].copy_from_slice(&length.to_le_bytes());
    head[8..16].copy_from_slice(&xxh3_64(&length.to_le_bytes()).to_le_bytes());
    head[16..].copy_from_slice(&hash.digest().to_le_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(path: &Path) -> Result<Vec<Vec<u8>>> {
        let mut records = Vec::new();
        Journal::open(path, |_, record| {
            records.push(record);
            Ok(())
        })?;
        Ok(records)
    }

    /// A journal of three records, and the bytes of its file.
    fn three(path: &Path) -> Vec<u8> {
        let mut journal = Journal::begin(path, &[b"fi", b"rst"]).unwrap();
        let place = journal.append(&[b"second", b""]).unwrap();
        journal.append(&[b"the ", b"third"]).unwrap();
        assert_eq!(journal.read(Place::of(place + 3, b"ond")).unwrap(), b"ond");
        assert_eq!(journal.read(Place::of(place, b"xxx")).unwrap_err().kind(), Kind::Checkpoint);
        std::fs::read(path).unwrap()
    }

    #[test]
    fn a_journal_cut_anywhere_holds_the_records_that_are_whole_and_takes_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let whole = three(&path);
        let all: [&[u8]; 4] = [b"first", b"second", b"the third", b"more"];
        let ends = [16 + 24 + 5, 16 + 24 + 5 + 24 + 6, whole.len()];
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let count = ends.iter().filter(|end| **end <= length).count();
            match records(&path) {
                Ok(records) => assert_eq!(records, all[..count]),
                Err(error) => assert!(count == 0 && error.kind() == Kind::Checkpoint),
            }
            if count > 0 {
                Journal::open(&path, |_, _| Ok(())).unwrap().append(&[b"more"]).unwrap();
                let expected: Vec<&[u8]> = all[..count].iter().chain([&all[3]]).copied().collect();
                assert_eq!(records(&path).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_changed_byte_is_never_read_as_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let whole = three(&path);
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            std::fs::write(&path, &bytes).unwrap();
            match records(&path) {
                // What was not synced whole looks like that.
                Ok(records) => assert!(at >= whole.len() - 17 && records == [&b"first"[..], b"second"], "byte {at}"),
                Err(error) => assert_eq!(error.kind(), Kind::Checkpoint),
            }
        }
    }

    #[test]
    fn zeros_behind_the_last_record_are_taken_off_and_a_head_that_is_half_zeros() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let whole = three(&path);
        let more = [&whole[..], &head_of(&[b"lost"])[..]].concat();
        for length in whole.len()..=more.len() {
            let mut bytes = more[..length].to_vec();
            bytes.resize(more.len() + 4, 0);
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(records(&path).unwrap().len(), 3, "{length}");
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }
}
