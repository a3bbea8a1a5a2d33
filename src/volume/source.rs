//! Where voxels come from: a file, a folder, memory, or another source through a filter.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::voxel::{Dtype, Voxels};

/// What is known of a volume before a voxel is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// How errors name the volume: its path, usually.
    pub name: String,
    /// Its size.
    pub shape: Shape,
    /// The type of its voxels.
    pub dtype: Dtype,
    /// The size of a voxel.
    pub spacing: Spacing,
    /// The format in a word or two: `tiff deflate`, `npy`, `memory`.
    pub format: String,
    /// The smallest box that is cheap to read alone: a strip, a tile, a slice, along z, y, x.
    pub chunk: [usize; 3],
    /// The axes as the file has them, such as `zyx`.
    pub axes: String,
    /// Bytes on disk.
    pub bytes: u64,
}

/// A volume that can be read box by box.
///
/// Law: reading a region gives the same voxels whatever was read before, in one call or in
/// several, from any thread. Results depend on the cut where that is broken.
pub trait VolumeSource: Send + Sync {
    /// What is known of the volume; costs nothing.
    fn header(&self) -> &Header;

    /// The voxels of `region`, which lies in the volume.
    ///
    /// # Errors
    /// Where the file cannot be read or is not what its header says.
    fn read(&self, region: &Region) -> Result<Voxels>;

    /// Whether a read is a look into memory, so that reading a part twice costs nothing.
    fn is_resident(&self) -> bool {
        false
    }
}

impl<S: VolumeSource + ?Sized> VolumeSource for std::sync::Arc<S> {
    fn header(&self) -> &Header {
        (**self).header()
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        (**self).read(region)
    }

    fn is_resident(&self) -> bool {
        (**self).is_resident()
    }
}

/// Refuses a region that leaves the volume: for sources to call first.
///
/// # Errors
/// Where it does.
pub fn check_region(header: &Header, region: &Region) -> Result<()> {
    if Region::whole(header.shape).covers(region) {
        Ok(())
    } else {
        Err(Error::usage(format!("{}: the region {region} leaves the volume of {}", header.name, header.shape)))
    }
}

/// A part of another volume, as a volume of its own.
#[derive(Clone)]
pub struct Cropped<S> {
    inner: S,
    header: Header,
    origin: [usize; 3],
}

impl<S: VolumeSource> Cropped<S> {
    /// The part `region` of `inner`.
    ///
    /// # Errors
    /// Where the region leaves the volume.
    pub fn new(inner: S, region: Region) -> Result<Self> {
        check_region(inner.header(), &region)?;
        let header = Header { shape: region.shape(), ..inner.header().clone() };
        Ok(Self { inner, header, origin: region.start })
    }
}

impl<S: VolumeSource> VolumeSource for Cropped<S> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        self.inner.read(&region.offset_by(self.origin))
    }

    fn is_resident(&self) -> bool {
        self.inner.is_resident()
    }
}
