//! Checkpoints of a run: its blocks and its global at the boundary between two supersteps.
//!
//! A checkpoint is a folder `step-N` in the folder that the user gave, which all processes share.
//! Every worker writes its [part]; when all are on the disk, one writer adds the [manifest], and
//! with it the checkpoint is whole. Files are written under temporary names, synced and renamed, so
//! a process may end at any point: what is left is a whole checkpoint, or one without a manifest,
//! which nobody takes for whole. Nothing that was damaged later is taken for whole either: every
//! byte is under a checksum.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::id::BlockId;
use crate::store::atomic::{Draft, sync_folder};
use crate::store::manifest::{self, Manifest, Refusal};
use crate::store::part::{self, PartWriter, damaged};

/// The checkpoints in a folder.
///
/// Law: one run at a time writes there, its supersteps ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    folder: PathBuf,
}

impl Checkpoints {
    /// The checkpoints in `folder`, which is made when the first is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder of all checkpoints.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of one checkpoint.
    fn step(&self, superstep: u64) -> PathBuf {
        self.folder.join(format!("step-{superstep:012}"))
    }

    /// Begins the part of `worker`, numbered over all processes. What is there of the same
    /// superstep is no checkpoint from now on.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn writer(&self, superstep: u64, worker: u32) -> Result<PartWriter> {
        let step = self.step(superstep);
        fs::create_dir_all(&step).map_err(|cause| Error::writing(&step, cause))?;
        // Every worker comes here before the new manifest can be written, so it is an old one.
        withdraw(&step)?;
        PartWriter::create(&step, superstep, worker)
    }

    /// Makes a checkpoint whole, when the parts of all workers are finished. The order of the
    /// sections is of no account.
    ///
    /// # Errors
    /// Where a block is missing or there twice, a part is not there or not as long as it should
    /// be, or the disk does not take the manifest.
    pub fn commit(&self, manifest: Manifest) -> Result<()> {
        let step = self.step(manifest.superstep);
        let superstep = manifest.superstep;
        let path = step.join(manifest::NAME);
        for (worker, length) in manifest.parts(&path)? {
            let looked = part::look(&step.join(part::name(worker)), superstep, worker, length);
            looked.map_err(|error| {
                let what = format!("{error}: all processes must share the folder of checkpoints");
                Error::new(Kind::Checkpoint, what).because(error)
            })?;
        }
        let bytes = manifest.encode(&path)?;
        fs::create_dir_all(&step).map_err(|cause| Error::writing(&step, cause))?;
        let mut draft = Draft::create(&step, manifest::NAME)?;
        draft.write(&bytes)?;
        draft.keep()?;
        sync_folder(&step)?;
        sync_folder(&self.folder)
    }

    /// The newest whole checkpoint, if there is one. A newer one that is damaged or half written
    /// is passed over with a warning. The bytes of the blocks are checked when they are
    /// [read](Checkpoints::read).
    ///
    /// # Errors
    /// Where the folder cannot be read, or the newest was written by another version of septa.
    pub fn newest(&self) -> Result<Option<Manifest>> {
        for superstep in self.supersteps()?.into_iter().rev() {
            match self.whole(superstep) {
                Ok(manifest) => return Ok(Some(manifest)),
                Err(Refusal::Foreign(error)) => return Err(error),
                Err(Refusal::Damaged(error)) => {
                    tracing::warn!("{}: not a whole checkpoint, passed over: {error}", self.step(superstep).display());
                }
            }
        }
        Ok(None)
    }

    /// The checkpoint of one superstep.
    ///
    /// # Errors
    /// Where it is not there, not whole, or of another version of septa.
    pub fn open(&self, superstep: u64) -> Result<Manifest> {
        self.whole(superstep).map_err(Refusal::into_error)
    }

    /// The bytes of a block, as they were given to [`PartWriter::add`].
    ///
    /// # Errors
    /// Where the file is damaged, or memory is lacking.
    pub fn read(&self, manifest: &Manifest, block: BlockId) -> Result<Vec<u8>> {
        let step = self.step(manifest.superstep);
        let section = manifest.sections.get(block.index()).filter(|section| section.block == block);
        let section = section.ok_or_else(|| damaged(&step, format!("there is no block {block} in it")))?;
        part::read(&step.join(part::name(section.worker)), manifest.superstep, section)
    }

    /// Removes all checkpoints but the newest whole ones: `keep` of them, and one at the least.
    /// What is newer than those stays, as it may be about to be written.
    ///
    /// # Errors
    /// Where the folder cannot be read or written.
    pub fn prune(&self, keep: usize) -> Result<()> {
        let mut kept = 0;
        for superstep in self.supersteps()?.into_iter().rev() {
            let whole = match self.whole(superstep) {
                Err(Refusal::Damaged(_)) => false,
                Ok(_) | Err(Refusal::Foreign(_)) => true,
            };
            if whole && kept < keep.max(1) {
                kept += 1;
            } else if kept > 0 {
                let step = self.step(superstep);
                // Without its manifest it is no checkpoint, wherever the removal ends.
                withdraw(&step)?;
                absent(fs::remove_dir_all(&step)).map_err(|cause| Error::writing(&step, cause))?;
            }
        }
        Ok(())
    }

    /// The supersteps of which there is a folder, ascending.
    fn supersteps(&self) -> Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(|cause| Error::reading(&self.folder, cause))?,
        };
        let mut supersteps = Vec::new();
        for entry in entries {
            let name = entry.map_err(|cause| Error::reading(&self.folder, cause))?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("step-")?.parse().ok());
            // Only names that are written here: not «step-7», nor «step-+00000000007».
            supersteps.extend(number.filter(|number| self.step(*number).file_name() == Some(&name)));
        }
        supersteps.sort_unstable();
        Ok(supersteps)
    }

    /// The manifest of a checkpoint whose parts are all there and as long as they should be.
    fn whole(&self, superstep: u64) -> Result<Manifest, Refusal> {
        let step = self.step(superstep);
        let path = step.join(manifest::NAME);
        let manifest = Manifest::read(&path, superstep)?;
        for (worker, length) in manifest.parts(&path).map_err(Refusal::Damaged)? {
            part::look(&step.join(part::name(worker)), superstep, worker, length).map_err(Refusal::Damaged)?;
        }
        Ok(manifest)
    }
}

/// Removes the manifest of a checkpoint, where there is one, and makes that last.
fn withdraw(step: &Path) -> Result<()> {
    let path = step.join(manifest::NAME);
    match fs::remove_file(&path) {
        Ok(()) => sync_folder(step),
        removed => absent(removed).map_err(|cause| Error::writing(&path, cause)),
    }
}

/// The same, but that something is gone already is no failure.
fn absent(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
