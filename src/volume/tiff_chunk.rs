//! One strip or tile of a TIFF file, from its bytes to voxels in the byte order of the machine.
//!
//! The decompressors are those of the `tiff` crate. It reads whole files through one cursor, so
//! each chunk is shown to it as a file of its own: an image of one row of bytes, in memory. Nothing
//! is shared between threads then, and nothing is walked twice. Predictors and packed voxels are
//! undone here.

use std::fs::File;
use std::io::Cursor;

use ::tiff::TiffError;
use ::tiff::decoder::{Decoder, Limits};

use crate::error::Result;
use crate::volume::flat;
use crate::volume::tiff_directory::tag;
use crate::volume::tiff_page::{Compression, Encoding, Extent, Predictor};

/// Buffers that serve chunk after chunk.
#[derive(Default)]
pub(crate) struct Scratch {
    framed: Vec<u8>,
    unpacked: Vec<u8>,
    row: Vec<u8>,
}

/// The head of the one-chunk file: eight bytes, a directory of ten entries, the next pointer.
const FRAME: usize = 8 + 2 + 10 * 12 + 4;

/// Decodes the chunk at `extent` into `out`, which has as many rows of voxels as are stored in it.
/// The inner error is what the decompressor says of damaged bytes.
pub(crate) fn decode(
    file: &File,
    name: &str,
    big_endian: bool,
    encoding: &Encoding,
    extent: Extent,
    scratch: &mut Scratch,
    out: &mut [u8],
) -> Result<Result<(), TiffError>> {
    let Scratch { framed, unpacked, row } = scratch;
    let (width, voxel) = (encoding.chunk[1], encoding.dtype.bytes());
    let rows = out.len() / (width * voxel);
    let packed = if encoding.is_packed() {
        unpacked.resize(rows * encoding.row_bytes(), 0);
        &mut unpacked[..]
    } else {
        &mut *out
    };
    if encoding.compression == Compression::None {
        flat::fill(file, name, packed, extent.offset)?;
    } else {
        framed.resize(FRAME + extent.length as usize, 0);
        flat::fill(file, name, &mut framed[FRAME..], extent.offset)?;
        if let Err(damage) = decompress(encoding.compression, framed, packed) {
            return Ok(Err(damage));
        }
    }
    if encoding.is_packed() {
        for (row, out) in unpacked.chunks_exact(encoding.row_bytes()).zip(out.chunks_exact_mut(width * voxel)) {
            unpack(row, encoding.bits, out, voxel);
        }
    } else if encoding.predictor == Predictor::Float {
        out.chunks_exact_mut(width * voxel).for_each(|out| undo_float(out, voxel, row));
    } else {
        flat::to_native(out, voxel, big_endian);
        if encoding.predictor == Predictor::Horizontal {
            out.chunks_exact_mut(width * voxel).for_each(|out| undo_horizontal(out, voxel));
        }
    }
    Ok(Ok(()))
}

/// Decompresses the bytes behind the frame into all of `out`.
fn decompress(compression: Compression, framed: &mut [u8], out: &mut [u8]) -> Result<(), TiffError> {
    // A tile a little wider than its image: the decoder then reads on past the last voxel, and so
    // meets the checksum of the stream.
    let (method, beyond) = match compression {
        Compression::None => (1, 0),
        Compression::Lzw => (5, 0),
        Compression::PackBits => (32773, 0),
        Compression::Deflate => (8, 16),
        Compression::Zstd => (50000, 16),
    };
    let length = framed.len() - FRAME;
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        framed[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(b"II*\0\x08\0\0\0\x0a\0");
    for (tag, value) in [
        (tag::WIDTH, out.len()),
        (tag::HEIGHT, 1),
        (tag::BITS_PER_SAMPLE, 8),
        (tag::COMPRESSION, method),
        (tag::PHOTOMETRIC, 1),
        (tag::SAMPLES_PER_PIXEL, 1),
        (tag::TILE_WIDTH, out.len() + beyond),
        (tag::TILE_HEIGHT, 1),
        (tag::TILE_OFFSETS, FRAME),
        (tag::TILE_BYTE_COUNTS, length),
    ] {
        put(&tag.to_le_bytes());
        put(&[4, 0, 1, 0, 0, 0]);
        put(&(value as u32).to_le_bytes());
    }
    put(&[0; 4]);
    // The sizes were held against the file and a limit when the page was read.
    let mut decoder = Decoder::new(Cursor::new(framed))?.with_limits(Limits::unlimited());
    decoder.read_chunk_bytes(0, out)
}

/// Spreads voxels of `bits`, highest bit first, one to each `voxel` bytes; not scaled.
pub(crate) fn unpack(row: &[u8], bits: usize, out: &mut [u8], voxel: usize) {
    let (mut held, mut value) = (0, 0u32);
    let mut bytes = row.iter();
    for out in out.chunks_exact_mut(voxel) {
        while held < bits {
            value = value << 8 | u32::from(bytes.next().copied().unwrap_or(0));
            held += 8;
        }
        held -= bits;
        let voxel_value = (value >> held) as u16 & ((1u32 << bits) - 1) as u16;
        match out {
            [out] => *out = voxel_value as u8,
            out => out.copy_from_slice(&voxel_value.to_ne_bytes()),
        }
    }
}

fn undo_horizontal(row: &mut [u8], voxel: usize) {
    macro_rules! sums {
        ($type:ty) => {{
            let mut sum: $type = 0;
            for value in row.as_chunks_mut::<{ size_of::<$type>() }>().0 {
                sum = sum.wrapping_add(<$type>::from_ne_bytes(*value));
                *value = sum.to_ne_bytes();
            }
        }};
    }
    match voxel {
        1 => sums!(u8),
        2 => sums!(u16),
        4 => sums!(u32),
        _ => sums!(u64),
    }
}

/// The bytes of all floats of a row come highest first, whatever the byte order of the file.
fn undo_float(row: &mut [u8], voxel: usize, copy: &mut Vec<u8>) {
    undo_horizontal(row, 1);
    copy.clear();
    copy.extend_from_slice(row);
    let width = row.len() / voxel;
    for (x, out) in row.chunks_exact_mut(voxel).enumerate() {
        for (rank, out) in out.iter_mut().enumerate() {
            let significance = if cfg!(target_endian = "big") { rank } else { voxel - 1 - rank };
            *out = copy[significance * width + x];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_voxels_are_spread_and_not_scaled() {
        let mut out = [9; 10];
        unpack(&[0b1010_0110, 0b1100_0000], 1, &mut out, 1);
        assert_eq!(out, [1, 0, 1, 0, 0, 1, 1, 0, 1, 1]);
        let mut out = [0; 6];
        unpack(&[0xab, 0xcd, 0xef, 0x12, 0x30], 12, &mut out, 2);
        let values: Vec<u16> = out.as_chunks().0.iter().map(|value| u16::from_ne_bytes(*value)).collect();
        assert_eq!(values, [0xabc, 0xdef, 0x123]);
    }
}
