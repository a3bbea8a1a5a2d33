//! The part of a checkpoint that one worker writes: a section for each of its blocks.
//!
//! A part is a head of 32 bytes (magic, version, worker, superstep, checksum of these) and its
//! sections one behind the other, each a head of 32 bytes (block, zero, digest of the graph's
//! block, length, checksum) and its bytes. All numbers are little-endian; checksums are XXH3-64,
//! that of a section over its head and its bytes. No size in a file is believed before it is
//! compared with the length of the file.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::error::{Error, Kind, Result};
use crate::id::BlockId;
use crate::store::atomic::{Draft, sync_folder};

const MAGIC: [u8; 8] = *b"septaprt";
const VERSION: u32 = 1;

/// Bytes before the first section, and before the bytes of a section.
pub(crate) const HEAD: u64 = 32;

/// Where a block of a checkpoint is, and how to know that it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// The block.
    pub block: BlockId,
    /// The worker in whose part it is.
    pub worker: u32,
    /// Where its bytes begin in the part.
    pub offset: u64,
    /// How many they are.
    pub length: u64,
    /// XXH3-64 of the section's head and bytes.
    pub checksum: u64,
    /// The digest of the graph's block that the bytes belong to.
    pub digest: u64,
}

impl Section {
    /// One past its last byte in the part.
    pub(crate) fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.length)
    }

    /// The head of the section without its checksum.
    fn head(&self) -> [u8; 24] {
        let mut head = [0; 24];
        head[..4].copy_from_slice(&self.block.0.to_le_bytes());
        head[8..16].copy_from_slice(&self.digest.to_le_bytes());
        head[16..].copy_from_slice(&self.length.to_le_bytes());
        head
    }

    fn checksum_of(&self, bytes: &[u8]) -> u64 {
        let mut hash = Xxh3::new();
        hash.update(&self.head());
        hash.update(bytes);
        hash.digest()
    }
}

/// The name of a worker's part.
pub(crate) fn name(worker: u32) -> String {
    format!("worker-{worker}.part")
}

/// The head of a part.
fn head(superstep: u64, worker: u32) -> [u8; HEAD as usize] {
    let mut head = [0; HEAD as usize];
    head[..8].copy_from_slice(&MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[12..16].copy_from_slice(&worker.to_le_bytes());
    head[16..24].copy_from_slice(&superstep.to_le_bytes());
    let checksum = xxh3_64(&head[..24]);
    head[24..].copy_from_slice(&checksum.to_le_bytes());
    head
}

/// Writes the part of one worker. It appears under its name when it is finished; dropped before,
/// nothing is left of it.
pub struct PartWriter {
    draft: Draft,
    folder: PathBuf,
    worker: u32,
    next: u64,
    sections: Vec<Section>,
}

impl PartWriter {
    pub(crate) fn create(folder: &Path, superstep: u64, worker: u32) -> Result<Self> {
        let mut draft = Draft::create(folder, &name(worker))?;
        draft.write(&head(superstep, worker))?;
        Ok(Self { draft, folder: folder.to_owned(), worker, next: HEAD, sections: Vec::new() })
    }

    /// Appends a block: the digest of the graph's block, and the bytes to keep for it.
    ///
    /// # Errors
    /// Where the disk does not take them.
    pub fn add(&mut self, block: BlockId, digest: u64, bytes: &[u8]) -> Result<()> {
        let (offset, length) = (self.next + HEAD, bytes.len() as u64);
        let mut section = Section { block, worker: self.worker, offset, length, checksum: 0, digest };
        section.checksum = section.checksum_of(bytes);
        self.draft.write(&section.head())?;
        self.draft.write(&section.checksum.to_le_bytes())?;
        self.draft.write(bytes)?;
        self.next = offset + length;
        self.sections.push(section);
        Ok(())
    }

    /// Makes the part whole and lasting; the sections are for the manifest. A worker without
    /// blocks has no part.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub fn finish(self) -> Result<Vec<Section>> {
        if !self.sections.is_empty() {
            self.draft.keep()?;
            sync_folder(&self.folder)?;
        }
        Ok(self.sections)
    }
}

/// Opens a part, and tells how long it is.
///
/// # Errors
/// Where it is not there, or is not the part of this superstep and worker.
pub(crate) fn open(path: &Path, superstep: u64, worker: u32) -> Result<(File, u64)> {
    let mut file = File::open(path).map_err(unreadable(path))?;
    let found = file.metadata().map_err(unreadable(path))?;
    let mut read = [0; HEAD as usize];
    if found.is_file() {
        file.read_exact(&mut read).map_err(unreadable(path))?;
    }
    match read == head(superstep, worker) {
        true => Ok((file, found.len())),
        false => Err(damaged(path, format!("is not the part of worker {worker} at superstep {superstep}"))),
    }
}

/// Looks whether a part is there and `length` bytes long.
///
/// # Errors
/// Where it is not.
pub(crate) fn look(path: &Path, superstep: u64, worker: u32, length: u64) -> Result<()> {
    let (_, found) = open(path, superstep, worker)?;
    match found == length {
        true => Ok(()),
        false => Err(damaged(path, format!("has {found} bytes where the manifest says {length}"))),
    }
}

/// The bytes of a section.
///
/// # Errors
/// Where it is damaged, or memory is lacking.
pub(crate) fn read(path: &Path, superstep: u64, section: &Section) -> Result<Vec<u8>> {
    let (file, found) = open(path, superstep, section.worker)?;
    let start = section.offset.checked_sub(HEAD).filter(|_| section.end().is_some_and(|end| end <= found));
    let start = start.ok_or_else(|| damaged(path, format!("is too short for block {}", section.block)))?;
    let mut head = [0; HEAD as usize];
    file.read_exact_at(&mut head, start).map_err(unreadable(path))?;
    let mut bytes = Vec::new();
    let fits = usize::try_from(section.length).ok().filter(|length| bytes.try_reserve_exact(*length).is_ok());
    let length = fits.ok_or_else(|| {
        Error::resource(format!("{}: {} bytes of a block do not fit in memory", path.display(), section.length))
    })?;
    bytes.resize(length, 0);
    file.read_exact_at(&mut bytes, section.offset).map_err(unreadable(path))?;
    let told = head[..24] == section.head() && head[24..] == section.checksum.to_le_bytes();
    match told && section.checksum_of(&bytes) == section.checksum {
        true => Ok(bytes),
        false => Err(damaged(path, format!("is damaged: the checksum of block {} is another", section.block))),
    }
}

/// An error that names a damaged file.
pub(crate) fn damaged(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(Kind::Checkpoint, format!("{}: {what}", path.display()))
}

/// A failure to read a file of a checkpoint.
pub(crate) fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Error + Copy + '_ {
    move |cause| match cause.kind() {
        ErrorKind::NotFound => damaged(path, "is not there").because(cause),
        ErrorKind::UnexpectedEof => damaged(path, "is cut short").because(cause),
        _ => damaged(path, format!("cannot be read: {cause}")).because(cause),
    }
}
