//! A volume from a path, and a path to a volume: the format is found from the name, or from the
//! first bytes where the name does not tell.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::volume::npy::{self, Npy};
use crate::volume::png::Png;
use crate::volume::raw;
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing, Unit};
use crate::volume::sink::VolumeSink;
use crate::volume::slices::Slices;
use crate::volume::source::{Header, VolumeSource};
use crate::volume::tiff::Tiff;
use crate::volume::tiff_write;
use crate::volume::voxel::{Dtype, Voxels};

/// What is known of a volume beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OpenOptions {
    /// Its size: needed for raw voxels; of other files it is demanded.
    pub shape: Option<Shape>,
    /// The type of its voxels: needed for raw voxels; of other files it is demanded.
    pub dtype: Option<Dtype>,
    /// The edges of a voxel along z, y, x, in place of those of the file.
    pub spacing: Option<[f64; 3]>,
    /// Their unit, in place of that of the file.
    pub unit: Option<Unit>,
}

/// The formats that are read, as errors name them.
const READABLE: &str = "a TIFF, NPY or raw file, or a folder of TIFF or PNG slices";

/// Opens a volume: reads its header, no voxels.
///
/// # Errors
/// Where there is nothing, no volume, a damaged one, a single slice, or not what `options` demand.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Arc<dyn VolumeSource>> {
    let source = open_any(path, options)?;
    let Header { shape, dtype, spacing, .. } = source.header();
    for (told, found) in [
        (options.shape.map(|shape| shape.to_string()), shape.to_string()),
        (options.dtype.map(|dtype| dtype.to_string()), dtype.to_string()),
    ] {
        if let Some(told) = told.filter(|told| *told != found) {
            return Err(Error::usage(format!("{}: is {found}, not {told}: leave that option out", path.display())));
        }
    }
    if options.spacing.is_none() && options.unit.is_none() {
        return Ok(Arc::from(source));
    }
    let spacing = Spacing::new(options.spacing.unwrap_or(spacing.zyx), options.unit.unwrap_or(spacing.unit))?;
    let header = Header { spacing, ..source.header().clone() };
    Ok(Arc::new(Respaced { source, header }))
}

/// Creates a volume: `.tif`, `.tiff`, `.npy` or `.raw`. Only TIFF keeps the spacing.
///
/// # Errors
/// Where the ending is another, or the file cannot be written.
pub fn create(path: &Path, shape: Shape, dtype: Dtype, spacing: &Spacing) -> Result<Box<dyn VolumeSink>> {
    check_ending(path)?;
    match ending(path).as_str() {
        "npy" => npy::create(path, shape, dtype),
        "raw" => raw::create(path, shape, dtype),
        _ => tiff_write::create(path, shape, dtype, spacing),
    }
}

/// Refuses a name that [`create`] would, before there is a volume to write.
///
/// # Errors
/// Where its ending is not that of a format that is written.
pub fn check_ending(path: &Path) -> Result<()> {
    match ending(path).as_str() {
        "tif" | "tiff" | "npy" | "raw" => Ok(()),
        _ => Err(Error::usage(format!(
            "{}: a volume is written as .tif, .tiff, .npy or .raw: give it one of these endings",
            path.display()
        ))),
    }
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn open_any(path: &Path, options: &OpenOptions) -> Result<Box<dyn VolumeSource>> {
    let about = std::fs::metadata(path).map_err(|cause| Error::reading(path, cause))?;
    if path.ancestors().any(|folder| ending(folder) == "zarr") {
        let what = "this build does not read Zarr: save the volume as TIFF or NPY";
        return Err(Error::usage(format!("{}: {what}", path.display())));
    }
    if about.is_dir() {
        let slices = Slices::open(path)?;
        return volume(slices, "a folder of one slice");
    }
    match ending(path).as_str() {
        "tif" | "tiff" => return volume(Tiff::open(path)?, "one page"),
        "npy" => return Ok(Box::new(Npy::open(path)?)),
        "png" => return volume(Png::open(path)?, "one slice"),
        "raw" => return open_raw(path, options),
        _ => {}
    }
    let mut magic = Vec::new();
    let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut magic));
    read.map_err(|cause| Error::reading(path, cause))?;
    match &magic[..] {
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => volume(Tiff::open(path)?, "one page"),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Ok(Box::new(Npy::open(path)?)),
        [0x89, b'P', b'N', b'G', ..] => volume(Png::open(path)?, "one slice"),
        _ if options.shape.is_some() && options.dtype.is_some() => open_raw(path, options),
        _ => Err(Error::input(path.display(), format!("not a volume: give {READABLE}"))),
    }
}

/// `source`, where it has more than the one slice that `what` names.
fn volume(source: impl VolumeSource + 'static, what: &str) -> Result<Box<dyn VolumeSource>> {
    let Header { name, shape: Shape([slices, y, x]), .. } = source.header();
    if *slices > 1 {
        return Ok(Box::new(source));
    }
    let remedy = "a volume has several: give a stack, or a folder of slices";
    Err(Error::input(name, format!("a 2-D image ({what}, {y}x{x}); {remedy}")))
}

fn open_raw(path: &Path, options: &OpenOptions) -> Result<Box<dyn VolumeSource>> {
    let (Some(shape), Some(dtype)) = (options.shape, options.dtype) else {
        let what = "raw voxels: tell their shape and type (--shape Z,Y,X --dtype uint16)";
        return Err(Error::usage(format!("{}: {what}", path.display())));
    };
    Ok(Box::new(raw::open(path, shape, dtype)?))
}

/// A volume with another spacing than its file says.
struct Respaced {
    source: Box<dyn VolumeSource>,
    header: Header,
}

impl VolumeSource for Respaced {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        self.source.read(region)
    }

    fn is_resident(&self) -> bool {
        self.source.is_resident()
    }
}
