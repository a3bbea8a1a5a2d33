//! Where voxels go: a volume that is written block by block, by several workers at once.
//!
//! Uncompressed formats put every voxel at a place that is known beforehand, so blocks are
//! written where they belong in any order. A file appears under its name only when it is whole:
//! until then it has a temporary name beside it, and a sink that is dropped unfinished removes it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Dtype, Voxels, each_voxel_type, row};

/// A volume that takes blocks in any order.
///
/// Law: blocks do not overlap, and together they fill the volume before [`finish`].
///
/// [`finish`]: VolumeSink::finish
pub trait VolumeSink: Send + Sync {
    /// Takes the voxels of `region`, of the type and within the shape of the sink.
    ///
    /// # Errors
    /// Where they cannot be written.
    fn write(&self, region: &Region, voxels: &Voxels) -> Result<()>;

    /// Makes the volume appear under its name.
    ///
    /// # Errors
    /// Where it cannot be completed; then nothing is left behind.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// A file under a temporary name beside its own, removed if it is dropped before it is kept.
#[derive(Debug)]
pub struct TempFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl TempFile {
    /// Opens the temporary file of `path`, empty.
    ///
    /// # Errors
    /// Where its folder cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let name =
            path.file_name().ok_or_else(|| Error::usage(format!("{}: not the name of a file", path.display())))?;
        if path.is_dir() {
            return Err(Error::resource(format!("{}: cannot be written: it is a folder", path.display())));
        }
        let mut temporary_name = std::ffi::OsString::from(".");
        temporary_name.push(name);
        temporary_name.push(format!(".{}.part", std::process::id()));
        let temporary = path.with_file_name(temporary_name);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)
            .map_err(|cause| Error::writing(path, cause))?;
        Ok(Self { file, temporary, path: path.to_owned(), kept: false })
    }

    /// The open file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Writes `bytes` at `offset`.
    ///
    /// # Errors
    /// Where the disk does not take them.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|cause| Error::writing(&self.path, cause))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub fn keep(mut self) -> Result<()> {
        let named = self.file.sync_all().and_then(|()| std::fs::rename(&self.temporary, &self.path));
        named.map_err(|cause| Error::writing(&self.path, cause))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing can be done about a failure here: the file bears a temporary name.
            let _ = std::fs::remove_file(&self.temporary);
        }
    }
}

/// Writes a file by `put`, buffered, through a temporary name.
///
/// # Errors
/// Where `put` or the disk fails; then nothing is left behind.
pub fn write_by(path: &Path, put: impl FnOnce(&mut BufWriter<&File>) -> std::io::Result<()>) -> Result<()> {
    let file = TempFile::create(path)?;
    let mut out = BufWriter::with_capacity(1 << 16, file.file());
    put(&mut out).and_then(|()| out.flush()).map_err(|cause| Error::writing(path, cause))?;
    drop(out);
    file.keep()
}

/// Writes a whole file at once, through a temporary name.
///
/// # Errors
/// Where it cannot be written; then nothing is left behind.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = TempFile::create(path)?;
    file.write_at(bytes, 0)?;
    file.keep()
}

/// A file of voxels in C order, little-endian, between a head and a tail.
pub struct FlatSink {
    file: TempFile,
    shape: Shape,
    dtype: Dtype,
    offset: u64,
}

impl FlatSink {
    /// The file `path`: `head`, then the voxels, then `tail`.
    ///
    /// # Errors
    /// Where it cannot be written, or is larger than the disk allows.
    pub fn create(path: &Path, head: &[u8], tail: &[u8], shape: Shape, dtype: Dtype) -> Result<Self> {
        let voxels = shape.voxels().and_then(|n| n.checked_mul(dtype.bytes() as u64));
        let voxels =
            voxels.ok_or_else(|| Error::resource(format!("{}: a volume of {shape} is too large", path.display())))?;
        let file = TempFile::create(path)?;
        let offset = head.len() as u64;
        file.file().set_len(offset + voxels + tail.len() as u64).map_err(|cause| Error::writing(path, cause))?;
        file.write_at(head, 0)?;
        file.write_at(tail, offset + voxels)?;
        Ok(Self { file, shape, dtype, offset })
    }
}

impl VolumeSink for FlatSink {
    fn write(&self, region: &Region, voxels: &Voxels) -> Result<()> {
        assert_eq!((voxels.dtype(), voxels.shape()), (self.dtype, region.shape()), "the block fits the sink");
        let bytes = self.dtype.bytes() as u64;
        let place = |z, y| self.offset + self.shape.raster([z, y, region.start[2]]) * bytes;
        let whole_slices = region.shape().0[1..] == self.shape.0[1..];
        each_voxel_type!(voxels, array => {
            if cfg!(target_endian = "big") {
                return Err(Error::resource("septa writes volumes on little-endian machines only"));
            }
            match array.as_slice() {
                Some(all) if whole_slices => self.file.write_at(bytemuck::cast_slice(all), place(region.start[0], 0)),
                _ => region.rows().try_for_each(|(z, y)| {
                    let row = row(array, z - region.start[0], y - region.start[1]);
                    self.file.write_at(bytemuck::cast_slice(row), place(z, y))
                }),
            }
        })
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.file.keep()
    }
}
