//! Voxels that lie in a file as they do in memory: read at their place, and only the rows asked for.
//!
//! The common ground of raw files, NPY and uncompressed TIFF. Positioned reads need no cursor, so
//! any number of threads read one open file.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::voxel::{Dtype, Voxel, Voxels, with_voxel_type};

/// A file of voxels in C order behind a head of `offset` bytes.
pub struct FlatSource {
    file: File,
    header: Header,
    offset: u64,
    big_endian: bool,
}

impl FlatSource {
    /// The voxels that `header` tells of, from `offset` on in `file`.
    ///
    /// # Errors
    /// Where the file ends before them.
    pub fn new(file: File, header: Header, offset: u64, big_endian: bool) -> Result<Self> {
        let needed = byte_count(header.shape, header.dtype).and_then(|bytes| bytes.checked_add(offset));
        let needed = needed.ok_or_else(|| Error::input(&header.name, format!("{} is too large", header.shape)))?;
        let length = length(&file, Path::new(&header.name))?;
        if length < needed {
            let (short, shape, dtype) = (needed - length, header.shape, header.dtype);
            return Err(Error::input(&header.name, format!("{short} bytes short: {shape} of {dtype} is expected")));
        }
        Ok(Self { file, header, offset, big_endian })
    }
}

impl VolumeSource for FlatSource {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        let Header { shape, dtype, name, .. } = &self.header;
        filled(name, region.shape(), *dtype, |out| {
            let bytes = dtype.bytes();
            if region.shape().0[1..] == shape.0[1..] {
                fill(&self.file, name, out, self.offset + shape.raster([region.start[0], 0, 0]) * bytes as u64)?;
            } else {
                let slice = region.shape().0[1] * region.shape().0[2] * bytes;
                for (z, out) in region.range(0).zip(out.chunks_exact_mut(slice)) {
                    let offset = self.offset + shape.raster([z, 0, 0]) * bytes as u64;
                    fill_slice(&self.file, name, out, offset, shape.0[2] * bytes, region, bytes)?;
                }
            }
            to_native(out, bytes, self.big_endian);
            Ok(())
        })
    }
}

/// The length of a file that was opened as `path`.
pub(crate) fn length(file: &File, path: &Path) -> Result<u64> {
    Ok(file.metadata().map_err(|cause| Error::reading(path, cause))?.len())
}

/// Opens a file, and refuses a folder.
pub(crate) fn open(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|cause| Error::reading(path, cause))?;
    match file.metadata() {
        Ok(about) if about.is_dir() => Err(Error::input(path.display(), "is a folder, not a file")),
        Ok(_) => Ok(file),
        Err(cause) => Err(Error::reading(path, cause)),
    }
}

/// The bytes of a volume, or nothing where they exceed what can be addressed.
pub(crate) fn byte_count(shape: Shape, dtype: Dtype) -> Option<u64> {
    shape.voxels()?.checked_mul(dtype.bytes() as u64).filter(|bytes| isize::try_from(*bytes).is_ok())
}

/// A box of voxels whose bytes `fill` writes, in the byte order of the machine. Where the box is
/// empty there is nothing to fill.
pub(crate) fn filled(
    name: &str,
    shape: Shape,
    dtype: Dtype,
    fill: impl FnOnce(&mut [u8]) -> Result<()>,
) -> Result<Voxels> {
    fn typed<T: Voxel>(shape: Shape, count: usize, fill: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<Voxels> {
        let mut voxels = vec![T::default(); count];
        if count > 0 {
            fill(bytemuck::cast_slice_mut(&mut voxels))?;
        }
        Ok(Voxels::from_vec(shape, voxels))
    }
    let too_large = || Error::resource(format!("{name}: there is no memory for {shape} of {dtype}: read it in parts"));
    let bytes = byte_count(shape, dtype).ok_or_else(too_large)? as usize;
    // Asked for and given back at once: `vec!` gets zeroed pages for nothing, but ends the
    // process where there is no memory.
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| too_large())?;
    with_voxel_type!(dtype, T => typed::<T>(shape, bytes / dtype.bytes(), fill))
}

/// Fills `out` from `offset` on.
pub(crate) fn fill(file: &File, name: &str, out: &mut [u8], offset: u64) -> Result<()> {
    file.read_exact_at(out, offset).map_err(|cause| Error::reading(Path::new(name), cause))
}

/// Fills `out` with the part `region` (its y and x) of a slice whose rows of `row` bytes begin at
/// `offset`.
pub(crate) fn fill_slice(
    file: &File,
    name: &str,
    out: &mut [u8],
    offset: u64,
    row: usize,
    region: &Region,
    voxel: usize,
) -> Result<()> {
    let row_place = |y: usize| offset + y as u64 * row as u64;
    let wanted = region.range(2).len() * voxel;
    if wanted == row {
        return fill(file, name, out, row_place(region.start[1]));
    }
    let column = (region.start[2] * voxel) as u64;
    region
        .range(1)
        .zip(out.chunks_exact_mut(wanted))
        .try_for_each(|(y, out)| fill(file, name, out, row_place(y) + column))
}

/// Turns values of `width` bytes from the byte order of a file to that of the machine.
pub(crate) fn to_native(bytes: &mut [u8], width: usize, big_endian: bool) {
    fn swap<const N: usize>(bytes: &mut [u8]) {
        bytes.as_chunks_mut::<N>().0.iter_mut().for_each(|value| value.reverse());
    }
    if big_endian != cfg!(target_endian = "big") {
        match width {
            2 => swap::<2>(bytes),
            4 => swap::<4>(bytes),
            8 => swap::<8>(bytes),
            _ => {}
        }
    }
}
