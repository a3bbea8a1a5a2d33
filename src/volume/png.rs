//! PNG: one grey slice, of 8 or 16 bits; 1, 2 and 4 bits become `uint8`, not scaled.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use ::png::{BitDepth, ColorType, DecodeOptions, Decoder, DecodingError, Limits, Reader, Transformations};

use crate::error::{Error, Result};
use crate::volume::flat;
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::tiff_chunk::unpack;
use crate::volume::voxel::{Dtype, Voxels};

/// A PNG file as a volume of one slice. A read decodes all of it, as the format demands.
pub struct Png {
    path: PathBuf,
    header: Header,
}

impl Png {
    /// Opens a PNG file and reads its header.
    ///
    /// # Errors
    /// Where it is not PNG or not grey.
    pub fn open(path: &Path) -> Result<Self> {
        let wrong = |what: String| Error::input(path.display(), what);
        let file = flat::open(path)?;
        let bytes = flat::length(&file, path)?;
        let reader = start(path, file)?;
        let info = reader.info();
        let dtype = match (info.color_type, info.bit_depth) {
            (ColorType::Grayscale, BitDepth::Sixteen) => Dtype::U16,
            (ColorType::Grayscale, _) => Dtype::U8,
            (colour, _) => {
                let colour = match colour {
                    ColorType::Rgb | ColorType::Rgba => "a colour image",
                    ColorType::Indexed => "a palette image",
                    _ => "an image with an alpha channel",
                };
                return Err(wrong(format!("{colour}; a volume has one grey value a voxel: convert it to grey")));
            }
        };
        let shape = Shape([1, info.height as usize, info.width as usize]);
        // Deflate makes 1032 bytes of one at most.
        let stored = (info.raw_row_length() as u64 - 1).saturating_mul(u64::from(info.height));
        if stored > bytes.saturating_mul(1032) {
            return Err(wrong(format!("{bytes} bytes cannot hold an image of {shape}: it is damaged or cut short")));
        }
        let header = Header {
            name: path.display().to_string(),
            shape,
            dtype,
            spacing: Spacing::default(),
            format: "png".into(),
            chunk: shape.0,
            axes: "yx".into(),
            bytes,
        };
        Ok(Self { path: path.to_owned(), header })
    }
}

impl VolumeSource for Png {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        let Header { shape, dtype, name, .. } = &self.header;
        let whole = flat::filled(name, *shape, *dtype, |out| {
            let mut reader = start(&self.path, flat::open(&self.path)?)?;
            let info = reader.info();
            let (bits, row) = (info.bit_depth as usize, info.raw_row_length() - 1);
            if Shape([1, info.height as usize, info.width as usize]) != *shape {
                return Err(Error::input(name, "was changed while it was read"));
            }
            let image = |reader: &mut Reader<_>, out: &mut [u8]| {
                reader.next_frame(out).and_then(|_| reader.finish()).map_err(|cause| damaged(&self.path, cause))
            };
            if bits >= 8 {
                image(&mut reader, out)?;
                flat::to_native(out, dtype.bytes(), true);
                return Ok(());
            }
            let mut packed = vec![0; row * shape.0[1]];
            image(&mut reader, &mut packed)?;
            for (row, out) in packed.chunks_exact(row).zip(out.chunks_exact_mut(shape.0[2])) {
                unpack(row, bits, out, 1);
            }
            Ok(())
        })?;
        Ok(whole.part(region))
    }
}

fn start(path: &Path, file: File) -> Result<Reader<BufReader<File>>> {
    let mut options = DecodeOptions::default();
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(BufReader::new(file), options);
    decoder.set_limits(Limits::default());
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.read_info().map_err(|cause| damaged(path, cause))
}

fn damaged(path: &Path, cause: DecodingError) -> Error {
    match cause {
        DecodingError::IoError(cause) => Error::reading(path, cause),
        cause => Error::input(path.display(), format!("not a PNG image, or damaged: {cause}")).because(cause),
    }
}
