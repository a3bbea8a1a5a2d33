//! The options that say what volume is meant, and how much of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::volume::open::{OpenOptions, open};
use crate::volume::region::RegionSpec;
use crate::volume::shape::{Shape, Spacing, Unit};
use crate::volume::source::{Cropped, VolumeSource};
use crate::volume::voxel::Dtype;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct Input {
    /// The volume: TIFF, a folder of TIFF or PNG slices, .npy, .raw
    #[arg(value_name = "VOLUME")]
    pub(crate) volume: PathBuf,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Only this part: z0:z1,y0:y1,x0:x1, half-open, any end may be left out
    #[arg(long, value_name = "REGION")]
    pub(crate) roi: Option<RegionSpec>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct Reading {
    /// Shape of a .raw volume
    #[arg(long, value_name = "Z,Y,X")]
    pub(crate) shape: Option<Shape>,
    /// Voxel type of a .raw volume, such as uint16
    #[arg(long, value_name = "TYPE")]
    pub(crate) dtype: Option<Dtype>,
    /// Edges of a voxel, instead of those the file tells
    #[arg(long, value_name = "Z,Y,X", value_parser = Spacing::parse_edges)]
    pub(crate) spacing: Option<[f64; 3]>,
    /// Unit of the spacing: nm, um, mm
    #[arg(long, value_name = "UNIT", value_parser = parse_unit)]
    pub(crate) unit: Option<Unit>,
}

pub(crate) fn parse_unit(text: &str) -> std::result::Result<Unit, String> {
    Unit::parse(text).ok_or_else(|| format!("«{text}» is not a unit: give nm, um, mm, cm, m or voxel"))
}

impl Reading {
    /// Opens a volume as these options say.
    pub(crate) fn open(&self, path: &Path) -> Result<Arc<dyn VolumeSource>> {
        let options = OpenOptions { shape: self.shape, dtype: self.dtype, spacing: self.spacing, unit: self.unit };
        open(path, &options)
    }

    /// Opens the part of a volume that is meant.
    pub(crate) fn open_part(&self, path: &Path, roi: Option<RegionSpec>) -> Result<Arc<dyn VolumeSource>> {
        let source = self.open(path)?;
        match roi {
            None => Ok(source),
            Some(roi) => {
                let named = |error: Error| Error::usage(format!("{}: {}", path.display(), error.message()));
                let region = roi.within(source.header().shape).map_err(named)?;
                Ok(Arc::new(Cropped::new(source, region)?))
            }
        }
    }
}

impl Input {
    /// Opens the volume, and the part of it that is meant.
    pub(crate) fn open(&self) -> Result<Arc<dyn VolumeSource>> {
        self.reading.open_part(&self.volume, self.roi)
    }
}
