//! Grey to mask: which voxels are foreground.
//!
//! A mask is `uint8`, 1 where the voxel is above the threshold (or, turned round, at most the
//! threshold) and 0 elsewhere. It is computed where it is read, so only what is asked for is read
//! from the volume. Values are compared as 64-bit floats.

use std::fmt;
use std::str::FromStr;

use ndarray::{ArcArray, Ix3};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::volume::extent::unsound;
use crate::volume::histogram::Histogram;
use crate::volume::region::Region;
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::voxel::{Dtype, Voxel, Voxels, each_voxel_type, row};

/// Where foreground begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Threshold {
    /// Where Otsu's method puts it, from the histogram of the volume.
    #[default]
    Otsu,
    /// At this value.
    Value(f64),
}

impl Threshold {
    /// The value itself, which for Otsu is found by reading all of `source` with `threads`
    /// threads.
    ///
    /// # Errors
    /// The first failure of the source; a voxel that is NaN or infinite.
    pub fn resolve(self, source: &dyn VolumeSource, threads: usize) -> Result<f64> {
        match self {
            Threshold::Otsu => Histogram::of(source, threads)?.otsu(),
            Threshold::Value(value) => Ok(value),
        }
    }
}

impl FromStr for Threshold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "otsu" => Ok(Threshold::Otsu),
            _ => match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(Threshold::Value(value)),
                _ => Err(Error::usage(format!("«{text}» is not a threshold: give a number or otsu"))),
            },
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Otsu => f.write_str("otsu"),
            Threshold::Value(value) => value.fmt(f),
        }
    }
}

/// The mask of a volume, as a volume of `uint8`.
#[derive(Clone)]
pub struct Thresholded<S> {
    inner: S,
    header: Header,
    threshold: f64,
    below: bool,
}

impl<S: VolumeSource> Thresholded<S> {
    /// The voxels of `inner` that are above `threshold`, or with `below` at most `threshold`.
    pub fn new(inner: S, threshold: f64, below: bool) -> Self {
        let header = Header { dtype: Dtype::U8, ..inner.header().clone() };
        Self { inner, header, threshold, below }
    }

    /// The value that parts foreground from background.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    fn mask<T: Voxel>(&self, region: &Region, array: &ArcArray<T, Ix3>) -> Result<Voxels> {
        let shape = region.shape();
        let mut mask = Vec::with_capacity(array.len());
        for (z, y) in Region::whole(shape).rows() {
            let row = row(array, z, y);
            mask.extend(row.iter().map(|value| u8::from((value.to_f64() > self.threshold) != self.below)));
            if T::DTYPE.is_float()
                && let Some(x) = row.iter().position(|value| value.is_nan())
            {
                return Err(unsound(&self.header.name, region, [z, y, x], f64::NAN));
            }
        }
        Ok(Voxels::from_vec(shape, mask))
    }
}

impl<S: VolumeSource> VolumeSource for Thresholded<S> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        let voxels = self.inner.read(region)?;
        each_voxel_type!(&voxels, array => self.mask(region, array))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::memory::Memory;
    use crate::volume::shape::{Shape, Spacing};

    fn ramp() -> Memory {
        Memory::new("ramp", Voxels::from_vec(Shape([3, 4, 5]), (0u8..60).collect()), Spacing::default())
    }

    #[test]
    fn the_two_sides_of_a_threshold_part_the_volume() {
        let whole = Region::whole(Shape([3, 4, 5]));
        let above = Thresholded::new(ramp(), 17.0, false).read(&whole).unwrap();
        let below = Thresholded::new(ramp(), 17.0, true).read(&whole).unwrap();
        for raster in 0..60 {
            let voxel = Shape([3, 4, 5]).voxel(raster);
            assert_eq!(above.get(voxel), f64::from(raster > 17));
            assert_eq!(below.get(voxel), 1.0 - above.get(voxel));
        }
    }

    #[test]
    fn a_part_of_the_mask_is_the_mask_of_the_part() {
        let mask = Thresholded::new(ramp(), 30.5, false);
        let whole = mask.read(&Region::whole(Shape([3, 4, 5]))).unwrap();
        let region = Region { start: [1, 1, 2], end: [3, 3, 5] };
        assert_eq!(mask.read(&region).unwrap(), whole.part(&region));
        assert!(mask.read(&Region { start: [0; 3], end: [4, 4, 5] }).is_err());
    }

    #[test]
    fn a_voxel_that_is_nan_is_refused_by_its_place_in_the_volume() {
        let mut values = vec![0.0f64; 60];
        values[33] = f64::NAN;
        let volume = Memory::new("scan.npy", Voxels::from_vec(Shape([3, 4, 5]), values), Spacing::default());
        let mask = Thresholded::new(volume, 0.5, true);
        assert!(mask.read(&Region { start: [0; 3], end: [1, 4, 5] }).is_ok());
        let error = mask.read(&Region { start: [1, 1, 1], end: [3, 4, 5] }).unwrap_err();
        assert!(error.message().starts_with("scan.npy: voxel (1, 2, 3) (z, y, x) is NaN"), "{error}");
    }

    #[test]
    fn a_threshold_is_a_number_or_otsu() {
        assert_eq!("otsu".parse::<Threshold>().unwrap(), Threshold::Otsu);
        assert_eq!("-1.5".parse::<Threshold>().unwrap(), Threshold::Value(-1.5));
        assert!("nan".parse::<Threshold>().is_err() && "Otsu!".parse::<Threshold>().is_err());
        assert_eq!(Threshold::Otsu.resolve(&ramp(), 2).unwrap(), 29.0);
    }
}
