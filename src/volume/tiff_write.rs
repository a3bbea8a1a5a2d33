//! TIFF, written: uncompressed pages, a directory each, as ImageJ writes them.
//!
//! All directories come first and the voxels follow without gaps, so any block has its place
//! beforehand. BigTIFF where the file passes 4 GiB. The spacing goes where ImageJ looks for it:
//! the resolution along x and y as the nearest ratio of 32-bit numbers, the edge along z and the
//! unit in the description.

use std::path::Path;

use crate::error::{Error, Result};
use crate::volume::flat::byte_count;
use crate::volume::shape::{Shape, Spacing, Unit};
use crate::volume::sink::{FlatSink, VolumeSink};
use crate::volume::tiff_directory::tag;
use crate::volume::voxel::Dtype;

/// A TIFF file of a page a slice, to be written in any order.
///
/// # Errors
/// Where the volume is empty or its slices exceed what TIFF can hold, or the file cannot be written.
pub fn create(path: &Path, shape: Shape, dtype: Dtype, spacing: &Spacing) -> Result<Box<dyn VolumeSink>> {
    let head = head(shape, dtype, spacing)
        .ok_or_else(|| Error::usage(format!("{}: a volume of {shape} cannot be written as TIFF", path.display())))?;
    Ok(Box::new(FlatSink::create(path, &head, &[], shape, dtype)?))
}

/// All that comes before the voxels.
fn head(shape: Shape, dtype: Dtype, spacing: &Spacing) -> Option<Vec<u8>> {
    let voxels = byte_count(shape, dtype).filter(|bytes| *bytes > 0)?;
    shape.0[1..].iter().try_for_each(|edge| u32::try_from(*edge).ok().map(|_| ()))?;
    let classic = Layout { shape, dtype, spacing, big: false };
    let size = classic.head_bytes()?;
    if size.checked_add(voxels)? <= u64::from(u32::MAX) {
        return Some(classic.write(size));
    }
    let big = Layout { big: true, ..classic };
    Some(big.write(big.head_bytes()?))
}

struct Layout<'a> {
    shape: Shape,
    dtype: Dtype,
    spacing: &'a Spacing,
    big: bool,
}

/// A value of a directory: its type and bytes.
enum Value {
    Short(u16),
    Long(u32),
    /// Four bytes in a classic file, eight in BigTIFF.
    Offset(u64),
    /// Bytes that were put elsewhere: type, count, offset.
    Apart(u16, u64, u64),
}

impl Layout<'_> {
    const ENTRIES: u64 = 10;
    /// Description, X and Y resolution, resolution unit: only the first page has them.
    const FIRST_ENTRIES: u64 = 4;

    fn file_head(&self) -> u64 {
        if self.big { 16 } else { 8 }
    }

    fn directory_bytes(&self, entries: u64) -> u64 {
        if self.big { 8 + 20 * entries + 8 } else { 2 + 12 * entries + 4 }
    }

    fn description(&self) -> Vec<u8> {
        let slices = self.shape.0[0];
        let unit = match self.spacing.unit {
            Unit::Voxel => "pixel",
            Unit::Nm => "nm",
            Unit::Um => "micron",
            Unit::Mm => "mm",
            Unit::Cm => "cm",
            Unit::M => "m",
        };
        let depth = self.spacing.zyx[0];
        let mut text =
            format!("ImageJ=1.54f\nimages={slices}\nslices={slices}\nunit={unit}\nspacing={depth}\nloop=false\n");
        text.push('\0');
        text.into_bytes()
    }

    fn head_bytes(&self) -> Option<u64> {
        let others = (self.shape.0[0] as u64 - 1).checked_mul(self.directory_bytes(Self::ENTRIES))?;
        let first = self.directory_bytes(Self::ENTRIES + Self::FIRST_ENTRIES) + self.description().len() as u64 + 16;
        // Voxels begin at a multiple of their own size, for those who map the file.
        (self.file_head() + first).checked_add(others).map(|bytes| bytes.next_multiple_of(16))
    }

    fn write(&self, head_bytes: u64) -> Vec<u8> {
        let [slices, height, width] = self.shape.0;
        let page = height as u64 * width as u64 * self.dtype.bytes() as u64;
        let description = self.description();
        let mut out = Vec::with_capacity(head_bytes as usize);
        out.extend_from_slice(if self.big { b"II+\0\x08\0\0\0" } else { b"II*\0" });
        self.put_offset(&mut out, self.file_head());
        let ratios = self.file_head() + self.directory_bytes(Self::ENTRIES + Self::FIRST_ENTRIES);
        let format = match self.dtype {
            Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => 1,
            Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => 2,
            Dtype::F32 | Dtype::F64 => 3,
        };
        for z in 0..slices {
            let mut entries = vec![
                (tag::NEW_SUBFILE_TYPE, Value::Long(0)),
                (tag::WIDTH, Value::Long(width as u32)),
                (tag::HEIGHT, Value::Long(height as u32)),
                (tag::BITS_PER_SAMPLE, Value::Short(8 * self.dtype.bytes() as u16)),
                (tag::COMPRESSION, Value::Short(1)),
                (tag::PHOTOMETRIC, Value::Short(1)),
                (tag::STRIP_OFFSETS, Value::Offset(head_bytes + z as u64 * page)),
                (tag::ROWS_PER_STRIP, Value::Long(height as u32)),
                (tag::STRIP_BYTE_COUNTS, Value::Offset(page)),
                (tag::SAMPLE_FORMAT, Value::Short(format)),
            ];
            if z == 0 {
                entries.extend([
                    (tag::DESCRIPTION, Value::Apart(2, description.len() as u64, ratios + 16)),
                    (tag::X_RESOLUTION, Value::Apart(5, 1, ratios)),
                    (tag::Y_RESOLUTION, Value::Apart(5, 1, ratios + 8)),
                    (tag::RESOLUTION_UNIT, Value::Short(1)),
                ]);
                entries.sort_by_key(|(tag, _)| *tag);
            }
            let end = out.len() as u64 + self.directory_bytes(entries.len() as u64);
            let next = if z == 0 { ratios + 16 + description.len() as u64 } else { end };
            self.put_directory(&mut out, &entries, if z + 1 == slices { 0 } else { next });
            if z == 0 {
                for edge in [self.spacing.zyx[2], self.spacing.zyx[1]] {
                    let (above, below) = ratio(edge.recip());
                    out.extend_from_slice(&above.to_le_bytes());
                    out.extend_from_slice(&below.to_le_bytes());
                }
                out.extend_from_slice(&description);
            }
        }
        out.resize(head_bytes as usize, 0);
        out
    }

    fn put_offset(&self, out: &mut Vec<u8>, offset: u64) {
        if self.big {
            out.extend_from_slice(&offset.to_le_bytes());
        } else {
            out.extend_from_slice(&(offset as u32).to_le_bytes());
        }
    }

    fn put_directory(&self, out: &mut Vec<u8>, entries: &[(u16, Value)], next: u64) {
        let count = entries.len() as u64;
        let counter = if self.big { 8 } else { 2 };
        out.extend_from_slice(&count.to_le_bytes()[..counter]);
        for (tag, value) in entries {
            let (kind, count, field) = match *value {
                Value::Short(number) => (3, 1, u64::from(number)),
                Value::Long(number) => (4, 1, u64::from(number)),
                Value::Offset(number) => (if self.big { 16 } else { 4 }, 1, number),
                Value::Apart(kind, count, offset) => (kind, count, offset),
            };
            out.extend_from_slice(&tag.to_le_bytes());
            out.extend_from_slice(&u16::to_le_bytes(kind));
            self.put_offset(out, count);
            self.put_offset(out, field);
        }
        self.put_offset(out, next);
    }
}

/// The ratio of two 32-bit numbers that is nearest to `value` among its continued fractions.
fn ratio(value: f64) -> (u32, u32) {
    let (mut before, mut best) = ((0u64, 1u64), (1u64, 0u64));
    let mut rest = value;
    loop {
        let whole = rest.floor();
        let next = (whole as u64)
            .checked_mul(best.0)
            .zip((whole as u64).checked_mul(best.1))
            .and_then(|(above, below)| above.checked_add(before.0).zip(below.checked_add(before.1)))
            .filter(|next| next.0.max(next.1) <= u64::from(u32::MAX));
        let Some(next) = next else { break };
        (before, best) = (best, next);
        let error = (best.0 as f64 / best.1 as f64 / value - 1.0).abs();
        if error < f64::EPSILON || rest == whole {
            break;
        }
        rest = (rest - whole).recip();
    }
    match best {
        // Beyond what 32 bits can tell.
        (0, _) => (1, u32::MAX),
        (_, 0) => (u32::MAX, 1),
        (above, below) => (above as u32, below as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_as_near_as_32_bits_allow() {
        for edge in
            [0.235, 0.15, 19.5, 1.0, 1.0 / 3.0, 0.1 + 0.2, 1e-6, 7.3e-7, 12345.678, 6.02e-3, std::f64::consts::PI]
        {
            let (above, below) = ratio(f64::recip(edge));
            let read = f64::from(below) / f64::from(above);
            assert!((read / edge - 1.0).abs() < 1e-12, "{edge} {above}/{below}");
        }
        assert_eq!(ratio(1e300), (u32::MAX, 1));
        assert_eq!(ratio(1e-300), (1, u32::MAX));
    }

    #[test]
    fn a_file_of_more_than_four_gibibytes_has_offsets_of_eight_bytes() {
        let shape = Shape([5, 40_000, 30_000]);
        let big = head(shape, Dtype::U8, &Spacing::default()).unwrap();
        assert_eq!(&big[..4], b"II+\0");
        let last = big.len() as u64 + 4 * 40_000 * 30_000;
        assert!(big.windows(8).any(|bytes| bytes == last.to_le_bytes()));
        let small = head(Shape([3, 40_000, 30_000]), Dtype::U8, &Spacing::default()).unwrap();
        assert_eq!(&small[..4], b"II*\0");
        assert!(head(Shape([0, 4, 4]), Dtype::U8, &Spacing::default()).is_none());
    }
}
