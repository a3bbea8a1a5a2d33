//! A folder of outputs that appears when all of them are made.
//!
//! Files are made in a folder with a temporary name and moved when all are done: a new folder
//! appears whole; in one that exists files are replaced one by one. A run that fails leaves
//! nothing behind.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

pub(crate) struct Staging {
    temporary: PathBuf,
    folder: PathBuf,
}

impl Staging {
    /// Makes the temporary folder of `folder`; what is in `folder` already stays until the end.
    pub(crate) fn new(folder: &Path) -> Result<Self> {
        if folder.exists() && !folder.is_dir() {
            return Err(Error::usage(format!("{}: is a file: give a folder", folder.display())));
        }
        let name = folder.components().next_back().map(|last| last.as_os_str().to_string_lossy().into_owned());
        let name = name.ok_or_else(|| Error::usage("give the name of a folder for the outputs"))?;
        let name = if matches!(name.as_str(), "." | "..") { "septa".into() } else { name };
        // An output folder that exists holds its own temporary one, as its parent may be closed.
        let beside = match folder.is_dir() {
            true => folder.to_owned(),
            false => folder.parent().map(Path::to_owned).unwrap_or_default(),
        };
        let temporary = beside.join(format!(".{name}.{}.part", std::process::id()));
        std::fs::create_dir(&temporary).map_err(|cause| Error::writing(folder, cause))?;
        Ok(Self { temporary, folder: folder.to_owned() })
    }

    /// Where files are to be made.
    pub(crate) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Moves the files to where they belong, and removes those of an earlier run that this one did
    /// not make again: of the `names` that such a folder may hold.
    pub(crate) fn keep(&self, names: &[&str]) -> Result<()> {
        let moved = || -> std::io::Result<()> {
            if !self.folder.is_dir() {
                return std::fs::rename(&self.temporary, &self.folder);
            }
            for name in names {
                let (made, old) = (self.temporary.join(name), self.folder.join(name));
                if made.exists() {
                    std::fs::rename(made, old)?;
                } else if old.exists() {
                    std::fs::remove_file(old)?;
                }
            }
            Ok(())
        };
        moved().map_err(|cause| Error::writing(&self.folder, cause))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing can be done about a failure here: the folder bears a temporary name.
        let _ = std::fs::remove_dir_all(&self.temporary);
    }
}
