//! TIFF: a stack of pages as a volume.
//!
//! Classic and BigTIFF, both byte orders, strips and tiles, uncompressed or with LZW, deflate,
//! PackBits or Zstandard, with predictors; 8 to 64 bits, and 1 to 14 packed bits as the next larger
//! unsigned type, not scaled. Voxels are the stored values: where white is zero they are not
//! inverted (as in tifffile and ImageJ). Pages marked as thumbnails or masks are passed over.
//!
//! Opening walks the directories once and holds every strip and tile against the length of the
//! file: a file that is cut short is known before a voxel is read. A read then goes straight to the
//! strips and tiles that it needs. Uncompressed pages are read row by row where they lie;
//! compressed strips and tiles are unpacked whole. Memory: 16 bytes a strip, 100 a page.

use std::collections::HashSet;
use std::path::Path;

use crate::error::Result;
use crate::volume::flat;
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::tiff_chunk::{Scratch, decode};
use crate::volume::tiff_directory::TiffFile;
use crate::volume::tiff_page::{Compression, Encoding, Extent, Page, Place};
use crate::volume::tiff_stack::Stack;
use crate::volume::voxel::Voxels;

/// A TIFF file of pages of one size and type.
pub struct Tiff {
    file: TiffFile,
    header: Header,
    pages: Vec<Page>,
    chunks: Vec<Extent>,
}

impl Tiff {
    /// Opens a TIFF file; one page makes a volume of one slice. Costs the directories, no voxels.
    ///
    /// # Errors
    /// Where the file is not TIFF, is cut short, has pages that differ, colours, channels or time
    /// points, or a compression or voxel type that is not read. Pages are counted from 1.
    pub fn open(path: &Path) -> Result<Self> {
        let file = TiffFile::open(path)?;
        let (mut pages, mut chunks) = (Vec::<Page>::new(), Vec::new());
        let mut stack = Stack::default();
        let (mut offset, mut seen) = (file.first(), HashSet::new());
        while offset != 0 {
            let number = seen.len() + 1;
            if !seen.insert(offset) {
                return Err(file.wrong(format!("page {number}: its directory is that of a page before: it is damaged")));
            }
            let directory = file.directory(offset, number)?;
            if number == 1 {
                stack = Stack::read(&file, &directory)?;
            }
            if let Some(page) = Page::read(&file, &directory, number, &mut chunks)? {
                if let Some(first) = pages.first() {
                    check_alike(&file, first, &page)?;
                }
                pages.push(page);
            }
            offset = directory.next;
        }
        let Some(&first) = pages.first() else {
            return Err(file.wrong("a TIFF file without a page that is an image"));
        };
        spread_one_directory(&file, &stack, &mut pages)?;
        check_slices(&file, &stack, pages.len())?;
        let Encoding { compression, dtype, chunk, tiled, .. } = first.encoding;
        let [height, width] = first.size;
        let header = Header {
            name: file.name.clone(),
            shape: Shape([pages.len(), height, width]),
            dtype,
            spacing: stack.spacing,
            format: format!("{} {}", if file.is_big() { "bigtiff" } else { "tiff" }, compression.name()),
            chunk: match first.place {
                Place::Flat(_) => [1, 1, width],
                Place::Chunks(_) if tiled => [1, chunk[0].min(height), chunk[1].min(width)],
                Place::Chunks(_) => [1, chunk[0], width],
            },
            axes: "zyx".into(),
            bytes: file.length,
        };
        if header.shape.voxels().is_none() {
            return Err(file.wrong(format!("{} voxels are too many", header.shape)));
        }
        Ok(Self { file, header, pages, chunks })
    }

    /// Decodes the part `region` (its y and x) of a page in chunks.
    fn read_chunks(
        &self,
        page: &Page,
        first: usize,
        region: &Region,
        scratch: &mut Buffers,
        out: &mut [u8],
    ) -> Result<()> {
        let Page { number, size, encoding, .. } = page;
        let voxel = encoding.dtype.bytes();
        let across = size[1].div_ceil(encoding.chunk[1]);
        let row = region.range(2).len() * voxel;
        let chunk_row = encoding.chunk[1] * voxel;
        let touched = |axis: usize| {
            let edge = encoding.chunk[axis - 1];
            region.start[axis] / edge..region.end[axis].div_ceil(edge)
        };
        for (down, right) in touched(1).flat_map(|down| touched(2).map(move |right| (down, right))) {
            let at = down * across + right;
            let [top, left] = [down * encoding.chunk[0], right * encoding.chunk[1]];
            let rows = encoding.rows(top, size[0]);
            let wrong = |what: &dyn std::fmt::Display| {
                let kind = if encoding.tiled { "tile" } else { "strip" };
                self.file.wrong(format!("page {number}: {kind} {} is damaged: {what}", at + 1))
            };
            let mut decode = |out: &mut [u8]| {
                let TiffFile { file, name, big_endian, .. } = &self.file;
                decode(file, name, *big_endian, encoding, self.chunks[first + at], &mut scratch.chunk, out)?
                    .map_err(|cause| wrong(&cause).because(cause))
            };
            let columns = left.max(region.start[2])..(left + encoding.chunk[1]).min(region.end[2]);
            let lines = top.max(region.start[1])..(top + rows).min(region.end[1]);
            let to = (lines.start - region.start[1]) * row;
            if lines.len() == rows && columns.len() == encoding.chunk[1] && row == chunk_row {
                decode(&mut out[to..to + rows * row])?;
                continue;
            }
            scratch.voxels.resize(rows * chunk_row, 0);
            decode(&mut scratch.voxels)?;
            let length = columns.len() * voxel;
            for y in lines {
                let from = (y - top) * chunk_row + (columns.start - left) * voxel;
                let to = (y - region.start[1]) * row + (columns.start - region.start[2]) * voxel;
                out[to..to + length].copy_from_slice(&scratch.voxels[from..from + length]);
            }
        }
        Ok(())
    }
}

/// What one read needs from chunk to chunk.
#[derive(Default)]
struct Buffers {
    chunk: Scratch,
    voxels: Vec<u8>,
}

impl VolumeSource for Tiff {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        let (shape, voxel) = (region.shape(), self.header.dtype.bytes());
        let mut scratch = Buffers::default();
        flat::filled(&self.header.name, shape, self.header.dtype, |out| {
            let slice = shape.0[1] * shape.0[2] * voxel;
            for (z, out) in region.range(0).zip(out.chunks_exact_mut(slice)) {
                let page = &self.pages[z];
                match page.place {
                    Place::Flat(offset) => {
                        let TiffFile { file, name, big_endian, .. } = &self.file;
                        flat::fill_slice(file, name, out, offset, self.header.shape.0[2] * voxel, region, voxel)?;
                        flat::to_native(out, voxel, *big_endian);
                    }
                    Place::Chunks(first) => self.read_chunks(page, first, region, &mut scratch, out)?,
                }
            }
            Ok(())
        })
    }
}

/// Refuses a page that is not of the size and type of the first.
fn check_alike(file: &TiffFile, first: &Page, page: &Page) -> Result<()> {
    if (first.size, first.encoding.dtype) == (page.size, page.encoding.dtype) {
        return Ok(());
    }
    let of = |page: &Page| format!("{}x{} of {}", page.size[0], page.size[1], page.encoding.dtype);
    let (number, first, this) = (page.number, of(first), of(page));
    Err(file.wrong(format!("page {number} is {this}, the first is {first}: the slices of a volume are alike")))
}

/// Refuses a part of a volume, and several volumes in one file.
fn check_slices(file: &TiffFile, stack: &Stack, pages: usize) -> Result<()> {
    let remedy = match stack.slices {
        Some(slices) if slices > pages as u64 => "slices are missing, or in other files",
        Some(slices) if slices < pages as u64 => "save one volume of them and give that",
        _ => return Ok(()),
    };
    let told = stack.slices.unwrap_or_default();
    Err(file.wrong(format!("{pages} pages where its description says {told} slices: {remedy}")))
}

/// Gives slices that follow the first without directories of their own a page each.
fn spread_one_directory(file: &TiffFile, stack: &Stack, pages: &mut Vec<Page>) -> Result<()> {
    let (Some(slices), &[first]) = (stack.slices, &pages[..]) else { return Ok(()) };
    let Place::Flat(offset) = first.place else { return Ok(()) };
    if !stack.one_directory || slices < 2 {
        return Ok(());
    }
    debug_assert_eq!(first.encoding.compression, Compression::None);
    let bytes = first.encoding.dtype.bytes() as u64 * first.size[0] as u64 * first.size[1] as u64;
    let end = bytes.checked_mul(slices).and_then(|bytes| bytes.checked_add(offset));
    let end = end.ok_or_else(|| file.wrong(format!("its description says {slices} slices: it is damaged")))?;
    if end > file.length {
        let short = end - file.length;
        return Err(file.wrong(format!("{short} bytes short: its description says {slices} slices in one page")));
    }
    pages.extend((1..slices).map(|z| Page { place: Place::Flat(offset + z * bytes), ..first }));
    Ok(())
}
