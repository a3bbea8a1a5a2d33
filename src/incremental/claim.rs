//! The folder of a series: one process has it at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::incremental::told::FILES;

/// The name of the journal in the folder of a series.
pub const JOURNAL: &str = "scans.journal";
const LOCK: &str = ".lock";

/// A folder that no other process has for a series as long as this is held.
#[derive(Clone, Debug)]
pub struct Claim {
    pub(super) folder: PathBuf,
    // Let go of with the last of them.
    _lock: Arc<File>,
}

impl Claim {
    /// Claims a folder, which must be there.
    ///
    /// # Errors
    /// Where another process has it, or it cannot be written.
    pub fn of(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let file = File::create(&path).map_err(|cause| Error::writing(&path, cause))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: Arc::new(file) }),
            Err(TryLockError::WouldBlock) => {
                let what = "is in use by another septa: give each its own folder";
                Err(Error::usage(format!("{}: {what}", folder.display())))
            }
            Err(TryLockError::Error(cause)) => Err(Error::writing(&path, cause)),
        }
    }

    /// Removes the files of a series.
    ///
    /// # Errors
    /// Where the disk does not let go of them.
    pub fn clear(&self) -> Result<()> {
        // The journal last: without it a series cannot be gone on with, and the others are in the way.
        for name in FILES.iter().chain(&[JOURNAL]) {
            let path = self.folder.join(name);
            match std::fs::remove_file(&path) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(Error::writing(&path, cause)),
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.folder.join(JOURNAL)
    }
}
