//! NPY, the array format of NumPy: three axes, z, y, x.
//!
//! C order is read where it lies. Fortran order is read as what it is in C order, x, y, z, and
//! turned. Both byte orders; booleans are 0 and 1. The format knows no spacing.

use std::fs::File;
use std::path::Path;

use ndarray_npy::npy::header::Header as NpyHeader;

use crate::error::{Error, Result};
use crate::volume::flat::{self, FlatSource};
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::sink::{FlatSink, VolumeSink};
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::voxel::{Dtype, Voxels, each_voxel_type};

/// A head of more bytes than this is not read: NumPy itself stops at 10 000.
const LONGEST_HEAD: usize = 1 << 16;

/// An NPY file of three axes.
pub struct Npy {
    header: Header,
    /// In the order of the file: x, y, z where `fortran`.
    voxels: FlatSource,
    fortran: bool,
}

impl Npy {
    /// Opens an NPY file.
    ///
    /// # Errors
    /// Where it is not NPY, is cut short, has not three axes, or a type that is not that of a voxel.
    pub fn open(path: &Path) -> Result<Self> {
        let wrong = |what: String| Error::input(path.display(), what);
        let file = flat::open(path)?;
        let bytes = flat::length(&file, path)?;
        let (head, offset) = read_head(&file, bytes, path)?;
        let description = head.type_descriptor.as_string().cloned();
        let description = description.ok_or_else(|| wrong("an array of records: save one field of it".into()))?;
        let (dtype, big_endian) = parse_dtype(&description).ok_or_else(|| {
            wrong(format!("values of type «{description}»: convert them to a type such as uint16 or float32"))
        })?;
        let axes: [usize; 3] = head.shape[..].try_into().map_err(|_| {
            let axes = head.shape.len();
            wrong(format!("an array of {axes} axes where a volume has three (z, y, x): save one volume of it"))
        })?;
        let shape = Shape(axes);
        if shape.voxels().is_none_or(|voxels| voxels == 0) {
            return Err(wrong(format!("an array of {shape}: it is empty or damaged")));
        }
        let fortran = head.layout.is_fortran();
        let header = Header {
            name: path.display().to_string(),
            shape,
            dtype,
            spacing: Spacing::default(),
            format: if fortran { "npy fortran".into() } else { "npy".into() },
            chunk: if fortran { [shape.0[0], 1, 1] } else { [1, 1, shape.0[2]] },
            axes: "zyx".into(),
            bytes,
        };
        let stored = if fortran { Header { shape: Shape(turned(axes)), ..header.clone() } } else { header.clone() };
        Ok(Self { voxels: FlatSource::new(file, stored, offset, big_endian)?, header, fortran })
    }
}

impl VolumeSource for Npy {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        if !self.fortran {
            return self.voxels.read(region);
        }
        check_region(&self.header, region)?;
        let voxels = self.voxels.read(&Region { start: turned(region.start), end: turned(region.end) })?;
        Ok(each_voxel_type!(voxels, array => {
            let upright = array.reversed_axes().as_standard_layout().into_owned();
            Voxels::from_vec(region.shape(), upright.into_raw_vec_and_offset().0)
        }))
    }
}

/// An NPY file in C order, to be written in any order.
///
/// # Errors
/// Where it cannot be written.
pub fn create(path: &Path, shape: Shape, dtype: Dtype) -> Result<Box<dyn VolumeSink>> {
    let [z, y, x] = shape.0;
    let kind = &dtype.name()[..1];
    let order = if dtype.bytes() == 1 { '|' } else { '<' };
    let bytes = dtype.bytes();
    let text = format!("{{'descr': '{order}{kind}{bytes}', 'fortran_order': False, 'shape': ({z}, {y}, {x}), }}");
    // Magic, version and length are ten bytes, and a newline ends it.
    let padded = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let mut head = b"\x93NUMPY\x01\x00".to_vec();
    head.extend_from_slice(&(padded as u16).to_le_bytes());
    head.extend_from_slice(format!("{text:<width$}\n", width = padded - 1).as_bytes());
    Ok(Box::new(FlatSink::create(path, &head, &[], shape, dtype)?))
}

fn turned([z, y, x]: [usize; 3]) -> [usize; 3] {
    [x, y, z]
}

/// The head of the file, and where the values begin.
fn read_head(file: &File, bytes: u64, path: &Path) -> Result<(NpyHeader, u64)> {
    let wrong = |what: &str| Error::input(path.display(), what);
    let mut head = vec![0; bytes.min(LONGEST_HEAD as u64) as usize];
    flat::fill(file, &path.display().to_string(), &mut head, 0)?;
    if !head.starts_with(b"\x93NUMPY") {
        return Err(wrong("not an NPY file: it does not begin with \\x93NUMPY"));
    }
    let short = || wrong("ends within its header: the file is cut short");
    let start = match head.get(6).ok_or_else(short)? {
        1 => 10,
        _ => 12,
    };
    let length = head.get(8..start).ok_or_else(short)?;
    let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let end = start + length;
    if end as u64 > bytes {
        return Err(short());
    }
    // Brackets within brackets are records, and enough of them would exhaust the parser's stack.
    let nested = head.get(start..end).is_none_or(|text| text.iter().filter(|byte| b"([{".contains(byte)).count() > 2);
    if nested {
        return Err(wrong("an array of records, or damaged: save one field of it"));
    }
    let parsed = NpyHeader::from_reader(&mut &head[..end]);
    parsed.map(|parsed| (parsed, end as u64)).map_err(|cause| wrong("its NPY header is damaged").because(cause))
}

/// The type that NumPy calls `text`, and whether it is big-endian.
pub(crate) fn parse_dtype(text: &str) -> Option<(Dtype, bool)> {
    let (order, name) = text.split_at_checked(1)?;
    let big_endian = match order {
        "<" | "|" => false,
        ">" => true,
        "=" => cfg!(target_endian = "big"),
        _ => return None,
    };
    let dtype = match name {
        "b1" | "u1" => Dtype::U8,
        "i1" => Dtype::I8,
        "u2" => Dtype::U16,
        "i2" => Dtype::I16,
        "u4" => Dtype::U32,
        "i4" => Dtype::I32,
        "u8" => Dtype::U64,
        "i8" => Dtype::I64,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => return None,
    };
    Some((dtype, big_endian))
}
