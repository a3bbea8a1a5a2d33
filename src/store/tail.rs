//! A file that grows at its end, and can be taken back to where it was: for tables of a series.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

/// A file that is written at its end. Readers may see the last lines of it half.
#[derive(Debug)]
pub struct Tail {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Tail {
    /// Opens a file, or makes it, and cuts it to a length that it had.
    ///
    /// # Errors
    /// Where it cannot be written, or is shorter.
    pub fn open(path: &Path, length: u64) -> Result<Self> {
        let failed = |cause| Error::writing(path, cause);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        let is = file.metadata().map_err(failed)?.len();
        if is < length {
            let what = format!("{is} bytes where {length} were written: was it changed? begin anew with --force");
            return Err(Error::new(Kind::Checkpoint, format!("{}: {what}", path.display())));
        }
        let mut tail = Self { file, path: path.to_owned(), length: is };
        tail.back_to(length)?;
        Ok(tail)
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// Where the disk does not take them.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, self.length).map_err(|cause| Error::writing(&self.path, cause))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Takes off what was written since it had a length.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn back_to(&mut self, length: u64) -> Result<()> {
        if length < self.length {
            self.file.set_len(length).map_err(|cause| Error::writing(&self.path, cause))?;
            self.length = length;
        }
        Ok(())
    }

    /// Waits until all of it is on the disk.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|cause| Error::writing(&self.path, cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_taken_back_and_goes_on_from_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        let mut tail = Tail::open(&path, 0).unwrap();
        tail.write(b"one\n").unwrap();
        let one = tail.length();
        tail.write(b"two\n").unwrap();
        tail.back_to(one).unwrap();
        tail.write(b"2\n").unwrap();
        drop(tail);
        assert_eq!(std::fs::read(&path).unwrap(), b"one\n2\n");
        Tail::open(&path, one).unwrap().write(b"three\n").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one\nthree\n");
        assert_eq!(Tail::open(&path, 1000).unwrap_err().kind(), Kind::Checkpoint);
    }
}
