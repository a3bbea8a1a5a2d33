//! Files that appear under their name only when they are whole and on the disk.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file that is written under a temporary name, removed if it is dropped before it is kept.
pub(crate) struct Draft {
    out: Option<BufWriter<File>>,
    temporary: PathBuf,
    path: PathBuf,
}

impl Draft {
    /// Opens the temporary file of `name` in `folder`, empty.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub(crate) fn create(folder: &Path, name: &str) -> Result<Self> {
        let path = folder.join(name);
        // The number keeps two processes apart that write the same name by mistake.
        let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
        let file = File::create(&temporary).map_err(|cause| Error::writing(&path, cause))?;
        Ok(Self { out: Some(BufWriter::with_capacity(1 << 18, file)), temporary, path })
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// Where the disk does not take them.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let out = self.out.as_mut().expect("a draft is open until it is kept");
        out.write_all(bytes).map_err(|cause| Error::writing(&self.path, cause))
    }

    /// Gives the file its name. Its folder is to be synced before anything relies on the name.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub(crate) fn keep(mut self) -> Result<()> {
        let out = self.out.take().expect("a draft is open until it is kept");
        let written = out.into_inner().map_err(std::io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        let named = written.and_then(|()| std::fs::rename(&self.temporary, &self.path));
        if named.is_err() {
            let _ = std::fs::remove_file(&self.temporary);
        }
        named.map_err(|cause| Error::writing(&self.path, cause))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(out) = self.out.take() {
            // What is buffered is of no use any more, and a failure here leaves a temporary name.
            drop(out.into_parts());
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// Makes the names in a folder last: a rename is on the disk only when its folder is.
///
/// # Errors
/// Where the disk fails.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|open| open.sync_all()).map_err(|cause| Error::writing(folder, cause))
}
