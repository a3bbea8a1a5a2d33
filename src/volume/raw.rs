//! Raw voxels: a file of nothing else, in C order, little-endian, whose shape and type are told.

use std::path::Path;

use crate::error::{Error, Result};
use crate::volume::flat::{self, FlatSource, byte_count};
use crate::volume::shape::{Shape, Spacing};
use crate::volume::sink::{FlatSink, VolumeSink};
use crate::volume::source::Header;
use crate::volume::voxel::Dtype;

/// Opens a file of raw voxels.
///
/// # Errors
/// Where its length is not that of `shape` and `dtype`, or the shape is empty.
pub fn open(path: &Path, shape: Shape, dtype: Dtype) -> Result<FlatSource> {
    let file = flat::open(path)?;
    let length = flat::length(&file, path)?;
    let needed = byte_count(shape, dtype).filter(|bytes| *bytes > 0);
    let needed = needed.ok_or_else(|| Error::usage(format!("{shape} is not the shape of a volume")))?;
    if length != needed {
        let what = format!("{length} bytes where {shape} of {dtype} is {needed}: check the shape and the type");
        return Err(Error::input(path.display(), what));
    }
    let header = Header {
        name: path.display().to_string(),
        shape,
        dtype,
        spacing: Spacing::default(),
        format: "raw".into(),
        chunk: [1, 1, shape.0[2]],
        axes: "zyx".into(),
        bytes: length,
    };
    FlatSource::new(file, header, 0, false)
}

/// A file of raw voxels, little-endian, to be written in any order.
///
/// # Errors
/// Where it cannot be written.
pub fn create(path: &Path, shape: Shape, dtype: Dtype) -> Result<Box<dyn VolumeSink>> {
    Ok(Box::new(FlatSink::create(path, &[], &[], shape, dtype)?))
}
