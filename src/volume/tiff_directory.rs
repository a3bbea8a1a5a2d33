//! The directories (IFDs) of a TIFF file, classic or BigTIFF, as they stand: tags and their values.
//!
//! Read by position and never further than the file goes: a table is as long as bytes of it are in
//! the file, so no size that a file claims is allocated on its word alone.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::volume::flat;

/// Tags by number, as far as septa asks for them.
pub(crate) mod tag {
    pub(crate) const NEW_SUBFILE_TYPE: u16 = 254;
    pub(crate) const SUBFILE_TYPE: u16 = 255;
    pub(crate) const WIDTH: u16 = 256;
    pub(crate) const HEIGHT: u16 = 257;
    pub(crate) const BITS_PER_SAMPLE: u16 = 258;
    pub(crate) const COMPRESSION: u16 = 259;
    pub(crate) const PHOTOMETRIC: u16 = 262;
    pub(crate) const FILL_ORDER: u16 = 266;
    pub(crate) const DESCRIPTION: u16 = 270;
    pub(crate) const STRIP_OFFSETS: u16 = 273;
    pub(crate) const SAMPLES_PER_PIXEL: u16 = 277;
    pub(crate) const ROWS_PER_STRIP: u16 = 278;
    pub(crate) const STRIP_BYTE_COUNTS: u16 = 279;
    pub(crate) const X_RESOLUTION: u16 = 282;
    pub(crate) const Y_RESOLUTION: u16 = 283;
    pub(crate) const RESOLUTION_UNIT: u16 = 296;
    pub(crate) const PREDICTOR: u16 = 317;
    pub(crate) const TILE_WIDTH: u16 = 322;
    pub(crate) const TILE_HEIGHT: u16 = 323;
    pub(crate) const TILE_OFFSETS: u16 = 324;
    pub(crate) const TILE_BYTE_COUNTS: u16 = 325;
    pub(crate) const SAMPLE_FORMAT: u16 = 339;
    pub(crate) const IMAGE_DEPTH: u16 = 32997;
}

/// A TIFF file whose byte order and offset size are known.
pub(crate) struct TiffFile {
    pub(crate) file: File,
    pub(crate) name: String,
    pub(crate) length: u64,
    pub(crate) big_endian: bool,
    big_tiff: bool,
    first: u64,
}

/// One directory: its entries by tag, and where the next one is (0: nowhere).
pub(crate) struct Directory {
    entries: Vec<Entry>,
    pub(crate) next: u64,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// The value itself where it fits, else its offset.
    field: [u8; 8],
}

impl TiffFile {
    /// Opens a file and reads its first bytes.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = flat::open(path)?;
        let length = flat::length(&file, path)?;
        let mut this =
            Self { file, name: path.display().to_string(), length, big_endian: false, big_tiff: false, first: 0 };
        let mut head = [0; 16];
        let head = &mut head[..length.min(16) as usize];
        flat::fill(&this.file, &this.name, head, 0)?;
        this.big_endian = match head.get(..2) {
            Some(b"II") => false,
            Some(b"MM") => true,
            _ => return Err(this.wrong("not a TIFF file: it does not begin with II or MM")),
        };
        if head.len() < 8 {
            return Err(this.wrong(format!("a TIFF file of {length} bytes: it is cut short")));
        }
        this.big_tiff = match this.number(&head[2..4]) {
            42 => false,
            43 if head.len() == 16 && this.number(&head[4..6]) == 8 && this.number(&head[6..8]) == 0 => true,
            _ => return Err(this.wrong("not a TIFF file: its version is neither 42 nor 43")),
        };
        this.first = if this.big_tiff { this.number(&head[8..16]) } else { this.number(&head[4..8]) };
        Ok(this)
    }

    /// Where the first directory is.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Whether it is BigTIFF.
    pub(crate) fn is_big(&self) -> bool {
        self.big_tiff
    }

    /// An error about this file.
    pub(crate) fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::input(&self.name, what)
    }

    /// An unsigned number of 1, 2, 4 or 8 bytes.
    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |number, byte: &u8| number << 8 | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }

    /// The directory at `offset`; errors speak of it as that of `page`.
    pub(crate) fn directory(&self, offset: u64, page: usize) -> Result<Directory> {
        let (counter, size, pointer) = if self.big_tiff { (8, 20, 8) } else { (2, 12, 4) };
        let beyond = || {
            let over = offset.saturating_sub(self.length);
            let gap = if over > 0 { format!("{over} bytes ") } else { String::new() };
            self.wrong(format!("page {page}: its directory lies {gap}beyond the end of the file, which is cut short"))
        };
        // A usual directory is had in one read.
        let mut window = vec![0; self.length.saturating_sub(offset).min(1024) as usize];
        if window.len() < counter {
            return Err(beyond());
        }
        flat::fill(&self.file, &self.name, &mut window, offset)?;
        let entries = self.number(&window[..counter]);
        if entries > 1 << 16 {
            return Err(self.wrong(format!("page {page}: its directory claims {entries} entries: it is damaged")));
        }
        let bytes = counter + entries as usize * size + pointer;
        if self.length - offset < bytes as u64 {
            return Err(beyond());
        }
        if window.len() < bytes {
            window.resize(bytes, 0);
            flat::fill(&self.file, &self.name, &mut window, offset)?;
        }
        let (list, rest) = window[counter..].split_at(entries as usize * size);
        let entries = list
            .chunks_exact(size)
            .map(|entry| {
                let (count, value) = entry[4..].split_at(pointer);
                let mut field = [0; 8];
                field[..pointer].copy_from_slice(value);
                Entry {
                    tag: self.number(&entry[..2]) as u16,
                    kind: self.number(&entry[2..4]) as u16,
                    count: self.number(count),
                    field,
                }
            })
            .collect();
        Ok(Directory { entries, next: self.number(&rest[..pointer]) })
    }

    /// The bytes of the first `most` values of an entry.
    fn bytes(&self, entry: &Entry, width: u64, most: u64) -> Option<Vec<u8>> {
        let bytes = entry.count.checked_mul(width)?;
        let inline = if self.big_tiff { 8 } else { 4 };
        if bytes <= inline {
            return Some(entry.field[..bytes.min(most * width) as usize].to_vec());
        }
        let offset = self.number(&entry.field[..inline as usize]);
        if offset.checked_add(bytes)? > self.length {
            return None;
        }
        let mut values = vec![0; entry.count.min(most) as usize * width as usize];
        self.file.read_exact_at(&mut values, offset).ok()?;
        Some(values)
    }
}

/// Bytes of a description that are looked at; OME-XML of thousands of planes is shorter.
const LONGEST_TEXT: u64 = 64 << 20;

impl Directory {
    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// Whether it has `tag`.
    pub(crate) fn has(&self, tag: u16) -> bool {
        self.entry(tag).is_some()
    }

    /// The number of values of `tag`.
    pub(crate) fn count(&self, tag: u16) -> u64 {
        self.entry(tag).map_or(0, |entry| entry.count)
    }

    /// The unsigned numbers of `tag`, `most` at most; nothing where they cannot be read.
    pub(crate) fn numbers(&self, file: &TiffFile, tag: u16, most: usize) -> Option<Vec<u64>> {
        let entry = self.entry(tag)?;
        let width = match entry.kind {
            1 => 1,
            3 => 2,
            4 | 13 => 4,
            16 | 18 => 8,
            _ => return None,
        };
        let bytes = file.bytes(entry, width as u64, most as u64)?;
        Some(bytes.chunks_exact(width).map(|value| file.number(value)).collect())
    }

    /// The one number of `tag`, or the first of several.
    pub(crate) fn number(&self, file: &TiffFile, tag: u16) -> Option<u64> {
        self.numbers(file, tag, 1)?.first().copied()
    }

    /// The text of `tag`, up to its first NUL.
    pub(crate) fn text(&self, file: &TiffFile, tag: u16) -> Option<String> {
        let entry = self.entry(tag).filter(|entry| matches!(entry.kind, 1 | 2 | 7))?;
        let bytes = file.bytes(entry, 1, LONGEST_TEXT)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        // Descriptions with µ in Latin-1 are common.
        Some(match std::str::from_utf8(&bytes[..end]) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes[..end].iter().map(|byte| char::from(*byte)).collect(),
        })
    }

    /// The positive rational of `tag`.
    pub(crate) fn rational(&self, file: &TiffFile, tag: u16) -> Option<f64> {
        let entry = self.entry(tag).filter(|entry| entry.kind == 5)?;
        let bytes = file.bytes(entry, 8, 1).filter(|bytes| bytes.len() >= 8)?;
        let ratio = file.number(&bytes[..4]) as f64 / file.number(&bytes[4..8]) as f64;
        (ratio.is_finite() && ratio > 0.0).then_some(ratio)
    }
}
