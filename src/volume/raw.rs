//! Raw voxels: a file of nothing else, in C order, little-endian, whose shape and type are told.

use std::path::Path;

use crate::error::{Error, Result};
use crate::volume::flat::{self, FlatSource, byte_count, filled, to_native};
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::sink::{FlatSink, VolumeSink};
use crate::volume::source::Header;
use crate::volume::voxel::{Dtype, Voxels, each_voxel_type, row};

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

/// The voxels that bytes in C order are.
///
/// # Errors
/// Where they are not as many as `shape` and `dtype` need, or there is no memory for them.
pub fn decode(name: &str, shape: Shape, dtype: Dtype, big_endian: bool, bytes: &[u8]) -> Result<Voxels> {
    let needed = byte_count(shape, dtype).filter(|bytes| *bytes > 0);
    if needed != Some(bytes.len() as u64) {
        let what = format!("{} bytes of voxels, which are not {shape} of {dtype}", bytes.len());
        return Err(Error::input(name, what));
    }
    filled(name, shape, dtype, |out| {
        out.copy_from_slice(bytes);
        to_native(out, dtype.bytes(), big_endian);
        Ok(())
    })
}

/// The bytes of voxels in C order, little-endian.
pub fn encode(voxels: &Voxels) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(byte_count(voxels.shape(), voxels.dtype()).unwrap_or(0) as usize);
    each_voxel_type!(voxels, array => {
        for (z, y) in Region::whole(voxels.shape()).rows() {
            bytes.extend_from_slice(bytemuck::cast_slice(row(array, z, y)));
        }
    });
    to_native(&mut bytes, voxels.dtype().bytes(), false);
    bytes
}

/// A file of raw voxels, little-endian, to be written in any order.
///
/// # Errors
/// Where it cannot be written.
pub fn create(path: &Path, shape: Shape, dtype: Dtype) -> Result<Box<dyn VolumeSink>> {
    Ok(Box::new(FlatSink::create(path, &[], &[], shape, dtype)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voxels_come_back_from_their_bytes_in_either_order() {
        let shape = Shape([1, 2, 3]);
        let voxels = Voxels::from_vec(shape, vec![1u16, 2, 300, 4, 5, 65535]);
        let mut bytes = encode(&voxels);
        assert_eq!(bytes[..6], [1, 0, 2, 0, 44, 1]);
        assert_eq!(decode("bytes", shape, Dtype::U16, false, &bytes).unwrap(), voxels);
        bytes.chunks_exact_mut(2).for_each(|value| value.reverse());
        assert_eq!(decode("bytes", shape, Dtype::U16, true, &bytes).unwrap(), voxels);
        let part = voxels.part(&Region { start: [0, 1, 1], end: [1, 2, 3] });
        assert_eq!(encode(&part), [5, 0, 255, 255]);
        assert!(decode("bytes", shape, Dtype::U16, false, &bytes[1..]).is_err());
        assert!(decode("bytes", Shape([0, 1, 1]), Dtype::U16, false, &[]).is_err());
    }
}
