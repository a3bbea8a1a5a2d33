//! One page of a TIFF file: what its tags say of its voxels, checked before anything is believed.
//!
//! Every strip or tile is held against the length of the file and against what its compression can
//! make of its bytes at most, so a page that claims gigabytes from a few bytes is refused at once.

use crate::error::{Error, Result};
use crate::volume::tiff_directory::{Directory, TiffFile, tag};
use crate::volume::voxel::Dtype;

/// A compression that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Lzw,
    Deflate,
    PackBits,
    Zstd,
}

impl Compression {
    /// Its name, for `tiff lzw` in a header.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Compression::None => "uncompressed",
            Compression::Lzw => "lzw",
            Compression::Deflate => "deflate",
            Compression::PackBits => "packbits",
            Compression::Zstd => "zstd",
        }
    }

    /// How many bytes one byte can become at most: for LZW a code of 9 bits names a string of at
    /// most 4096, for Zstandard a block of 4 bytes repeats one byte 2^17 times.
    fn most(self) -> u64 {
        match self {
            Compression::None => 1,
            Compression::Lzw => 4096,
            Compression::Deflate => 1032,
            Compression::PackBits => 64,
            Compression::Zstd => 1 << 15,
        }
    }
}

/// What was done to the voxels of a row before they were compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Predictor {
    None,
    /// Each is the difference to the one before.
    Horizontal,
    /// The bytes of floats, highest first for the whole row, and of these the differences.
    Float,
}

/// How the voxels of a page are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) compression: Compression,
    pub(crate) predictor: Predictor,
    pub(crate) dtype: Dtype,
    /// Bits a voxel; fewer than the dtype has where they are packed.
    pub(crate) bits: usize,
    /// Rows and columns of a strip or tile. The last strip has what rows are left; a tile is whole.
    pub(crate) chunk: [usize; 2],
    pub(crate) tiled: bool,
}

impl Encoding {
    /// Whether voxels are smaller than a byte or straddle bytes.
    pub(crate) fn is_packed(&self) -> bool {
        self.bits < 8 * self.dtype.bytes()
    }

    /// The bytes of one row of a strip or tile.
    pub(crate) fn row_bytes(&self) -> usize {
        (self.chunk[1] * self.bits).div_ceil(8)
    }

    /// The rows stored in the chunks that begin at row `y` of a page of `height` rows.
    pub(crate) fn rows(&self, y: usize, height: usize) -> usize {
        if self.tiled { self.chunk[0] } else { self.chunk[0].min(height - y) }
    }
}

/// The bytes of a strip or tile in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

/// Where the voxels of a page are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// Row after row from this offset on, as they are in memory but for the byte order.
    Flat(u64),
    /// In strips or tiles, of which the first is this one in the list of all.
    Chunks(usize),
}

/// A page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    /// Among all directories of the file, thumbnails too, from 1.
    pub(crate) number: usize,
    pub(crate) size: [usize; 2],
    pub(crate) encoding: Encoding,
    pub(crate) place: Place,
}

/// A compressed strip or tile that unpacks to more is refused: it must be held in memory whole.
const LARGEST_CHUNK: u64 = 512 << 20;

impl Page {
    /// The page that `directory` tells of, its chunks added to `chunks`; nothing where it is a
    /// thumbnail or a mask of another page. `number` counts from 1, for errors.
    pub(crate) fn read(
        file: &TiffFile,
        directory: &Directory,
        number: usize,
        chunks: &mut Vec<Extent>,
    ) -> Result<Option<Self>> {
        let subfile = directory.number(file, tag::NEW_SUBFILE_TYPE).unwrap_or(0);
        let reduced_or_mask = subfile & 0b101 != 0 || directory.number(file, tag::SUBFILE_TYPE) == Some(2);
        if reduced_or_mask {
            return Ok(None);
        }
        let fields = Fields { file, directory, number };
        let (size, encoding) = fields.encoding()?;
        let place = fields.place(size, &encoding, chunks)?;
        Ok(Some(Self { number, size, encoding, place }))
    }
}

/// A directory, read tag by tag.
struct Fields<'a> {
    file: &'a TiffFile,
    directory: &'a Directory,
    number: usize,
}

impl Fields<'_> {
    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        self.file.wrong(format!("page {}: {what}", self.number))
    }

    /// The number of `tag`, or `default` where the page has no such tag.
    fn number(&self, tag: u16, name: &str, default: Option<u64>) -> Result<u64> {
        match (self.directory.number(self.file, tag), default) {
            (Some(number), _) => Ok(number),
            (None, Some(default)) if !self.directory.has(tag) => Ok(default),
            (None, _) if self.directory.has(tag) => {
                Err(self.wrong(format!("its {name} cannot be read: it is damaged")))
            }
            (None, _) => Err(self.wrong(format!("it has no {name}"))),
        }
    }

    /// A number of voxels along an axis.
    fn extent(&self, tag: u16, name: &str, default: Option<u64>) -> Result<usize> {
        match self.number(tag, name, default)? {
            0 => Err(self.wrong(format!("its {name} is 0"))),
            // What exceeds this is not a size; the bound keeps the products below from wrapping.
            size if size > u64::from(u32::MAX) => Err(self.wrong(format!("its {name} is {size}: it is damaged"))),
            size => Ok(size as usize),
        }
    }

    fn encoding(&self) -> Result<([usize; 2], Encoding)> {
        let size = [self.extent(tag::HEIGHT, "height", None)?, self.extent(tag::WIDTH, "width", None)?];
        self.refuse_colour()?;
        if self.number(tag::IMAGE_DEPTH, "depth", Some(1))? != 1 {
            return Err(self.wrong("a volume in one page (ImageDepth) is not read: write one page a slice"));
        }
        let (dtype, bits) = self.dtype()?;
        let compression = match self.number(tag::COMPRESSION, "compression", Some(1))? {
            1 => Compression::None,
            5 => Compression::Lzw,
            8 | 32946 => Compression::Deflate,
            32773 => Compression::PackBits,
            50000 => Compression::Zstd,
            code => {
                let name = compression_name(code);
                return Err(self.wrong(format!(
                    "compressed with {name}, which is not read: save it with LZW, deflate, zstd or none"
                )));
            }
        };
        if self.number(tag::FILL_ORDER, "fill order", Some(1))? != 1 && (bits < 8 || compression != Compression::None) {
            return Err(self.wrong("its bits are in reverse order (FillOrder 2), which is not read: save it anew"));
        }
        let packed = bits < 8 * dtype.bytes();
        let predictor = match self.number(tag::PREDICTOR, "predictor", Some(1))? {
            1 => Predictor::None,
            2 if !dtype.is_float() && !packed && compression != Compression::None => Predictor::Horizontal,
            3 if dtype.is_float() && compression != Compression::None => Predictor::Float,
            code => return Err(self.wrong(format!("predictor {code} on {bits} bits of {dtype} is not read"))),
        };
        let tiled = self.directory.has(tag::TILE_WIDTH);
        let chunk = if tiled {
            [self.extent(tag::TILE_HEIGHT, "tile height", None)?, self.extent(tag::TILE_WIDTH, "tile width", None)?]
        } else {
            let rows = self.number(tag::ROWS_PER_STRIP, "rows per strip", Some(u64::from(u32::MAX)))?;
            if rows == 0 {
                return Err(self.wrong("its rows per strip are 0"));
            }
            [rows.min(size[0] as u64) as usize, size[1]]
        };
        Ok((size, Encoding { compression, predictor, dtype, bits, chunk, tiled }))
    }

    fn refuse_colour(&self) -> Result<()> {
        let samples = self.number(tag::SAMPLES_PER_PIXEL, "samples per pixel", Some(1))?;
        let colour = match self.number(tag::PHOTOMETRIC, "photometric interpretation", Some(1))? {
            0 | 1 if samples == 1 => return Ok(()),
            0 | 1 => format!("{samples} samples a pixel"),
            2 => "a colour image (RGB)".into(),
            3 => "a palette image: its values are indices of colours".into(),
            5 => "a colour image (CMYK)".into(),
            6 => "a colour image (YCbCr)".into(),
            code => format!("not a grey image (photometric interpretation {code})"),
        };
        Err(self.wrong(format!("{colour}; a volume has one grey value a voxel: convert it to grey")))
    }

    fn dtype(&self) -> Result<(Dtype, usize)> {
        let bits = self.number(tag::BITS_PER_SAMPLE, "bits per sample", Some(1))?;
        let format = self.number(tag::SAMPLE_FORMAT, "sample format", Some(1))?;
        let dtype = match (format, bits) {
            (1 | 4, 1 | 2 | 4 | 8) => Dtype::U8,
            (1 | 4, 10 | 12 | 14 | 16) => Dtype::U16,
            (1 | 4, 32) => Dtype::U32,
            (1 | 4, 64) => Dtype::U64,
            (2, 8) => Dtype::I8,
            (2, 16) => Dtype::I16,
            (2, 32) => Dtype::I32,
            (2, 64) => Dtype::I64,
            (3, 32) => Dtype::F32,
            (3, 64) => Dtype::F64,
            _ => {
                let kind = match format {
                    1 | 4 => "unsigned",
                    2 => "signed",
                    3 => "float",
                    5 | 6 => "complex",
                    _ => "unknown",
                };
                return Err(
                    self.wrong(format!("voxels of {bits} bits ({kind}) are not read: save them with 8, 16, 32 or 64"))
                );
            }
        };
        Ok((dtype, bits as usize))
    }

    /// Where the voxels are; their chunks are added to `chunks`.
    fn place(&self, size: [usize; 2], encoding: &Encoding, chunks: &mut Vec<Extent>) -> Result<Place> {
        let (kind, offsets, lengths) = if encoding.tiled {
            ("tile", tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
        } else {
            ("strip", tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
        };
        let [down, across] = [size[0].div_ceil(encoding.chunk[0]), size[1].div_ceil(encoding.chunk[1])];
        let count = down as u64 * across as u64;
        let listed = self.directory.count(offsets);
        if listed != count || self.directory.count(lengths) != count {
            return Err(self.wrong(format!("it lists {listed} {kind}s and needs {count}: it is damaged")));
        }
        // A chunk takes four bytes of tables at least: pages that share theirs to seem many are
        // stopped before they fill the memory.
        if count.saturating_add(chunks.len() as u64) > self.file.length / 4 {
            return Err(self.wrong(format!("more {kind}s than the file can hold: it is damaged")));
        }
        let read = |tag| self.directory.numbers(self.file, tag, count as usize);
        let (Some(offsets), Some(lengths)) = (read(offsets), read(lengths)) else {
            return Err(self.wrong(format!("its table of {kind}s cannot be read: it is damaged")));
        };
        let first = chunks.len();
        let plain = encoding.compression == Compression::None;
        for (at, (&offset, &length)) in offsets.iter().zip(&lengths).enumerate() {
            let rows = encoding.rows(at / across * encoding.chunk[0], size[0]);
            let needed = (rows as u64).saturating_mul(encoding.row_bytes() as u64);
            let which = if count == 1 { String::new() } else { format!("{kind} {}: ", at + 1) };
            if needed > length.saturating_mul(encoding.compression.most()) {
                return Err(
                    self.wrong(format!("{which}{length} bytes cannot hold the {needed} it needs: it is damaged"))
                );
            }
            let used = if plain { needed } else { length };
            let end = offset.saturating_add(used);
            if end > self.file.length {
                let short = end - self.file.length;
                let page = self.number;
                return Err(self.file.wrong(format!(
                    "{short} bytes short: page {page} ends beyond the end of the file, which is cut short"
                )));
            }
            if !plain && needed > LARGEST_CHUNK {
                return Err(self.wrong(format!(
                    "{which}{needed} bytes in one compressed {kind} are too many: save it in smaller ones, or uncompressed"
                )));
            }
            // No compression makes its bytes twice as many; what lies behind them is not read.
            chunks.push(Extent { offset, length: used.min(needed.saturating_mul(2).saturating_add(1024)) });
        }
        let in_a_row =
            chunks[first..].windows(2).all(|two| two[0].offset.checked_add(two[0].length) == Some(two[1].offset));
        if plain && !encoding.is_packed() && in_a_row && across == 1 && encoding.chunk[1] == size[1] {
            let offset = chunks[first].offset;
            chunks.truncate(first);
            // A tile may have rows below the image; they come last and are not read.
            return Ok(Place::Flat(offset));
        }
        Ok(Place::Chunks(first))
    }
}

fn compression_name(code: u64) -> String {
    match code {
        2..=4 => "CCITT fax".into(),
        6 | 7 => "JPEG".into(),
        33003 | 33005 | 34712 => "JPEG 2000".into(),
        34887 => "LERC".into(),
        34925 => "LZMA".into(),
        50001 => "WebP".into(),
        _ => format!("method {code}"),
    }
}
