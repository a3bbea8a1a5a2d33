//! The smallest and the largest value of a volume, which must all be finite numbers.
//!
//! One pass; extents of parts merge into that of the whole in any order.

use ndarray::{ArcArray, Ix3};
use serde::{Deserialize, Serialize};

use crate::combine::{Combine, Max, Min};
use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::slabs::over_slabs;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type, row};

/// The smallest and the largest value of a volume; the default has seen none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extent {
    low: Min<f64>,
    high: Max<f64>,
}

impl Extent {
    /// The extent from `low` to `high`.
    pub fn new(low: f64, high: f64) -> Self {
        Self { low: Min(low), high: Max(high) }
    }

    /// The smallest and the largest value, where there is one.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        (self.low.0 <= self.high.0).then_some((self.low.0, self.high.0))
    }

    /// Takes in the voxels of `region` of the volume called `name`.
    ///
    /// # Errors
    /// Where a voxel is NaN or infinite; the error names it.
    pub fn add(&mut self, name: &str, region: &Region, voxels: &Voxels) -> Result<()> {
        fn seen<T: Voxel>(name: &str, region: &Region, array: &ArcArray<T, Ix3>) -> Result<Extent> {
            let mut extent = Extent::default();
            for (z, y) in Region::whole(region.shape()).rows() {
                let row = row(array, z, y);
                let Some(&first) = row.first() else { continue };
                let (mut low, mut high, mut sound) = (first, first, true);
                for &value in row {
                    low = if value < low { value } else { low };
                    high = if value > high { value } else { high };
                    sound &= value.to_f64().is_finite();
                }
                if !sound {
                    let x = row.iter().position(|value| !value.to_f64().is_finite()).unwrap_or(0);
                    return Err(unsound(name, region, [z, y, x], row[x].to_f64()));
                }
                extent.combine(Extent::new(low.to_f64(), high.to_f64()));
            }
            Ok(extent)
        }
        self.combine(each_voxel_type!(voxels, array => seen(name, region, array))?);
        Ok(())
    }

    /// The extent of a whole volume, read with `threads` threads.
    ///
    /// # Errors
    /// The first failure of the source; a voxel that is NaN or infinite.
    pub fn of(source: &dyn VolumeSource, threads: usize) -> Result<Self> {
        let name = &source.header().name;
        over_slabs(source, threads, Extent::default, |extent, region, voxels| extent.add(name, region, voxels))
    }
}

/// The largest label among voxels; what is no label counts as 0.
pub fn largest_label(voxels: &Voxels) -> u64 {
    each_voxel_type!(voxels, array => array.iter().filter_map(|value| value.to_label()).max().unwrap_or(0))
}

/// The error for a voxel at `place` in `region` that is no number to compare with.
pub(crate) fn unsound(name: &str, region: &Region, place: [usize; 3], value: f64) -> Error {
    let [z, y, x] = std::array::from_fn(|axis| region.start[axis] + place[axis]);
    Error::input(
        name,
        format!("voxel ({z}, {y}, {x}) (z, y, x) is {value}: give a volume of finite numbers, or crop it"),
    )
}

impl Combine for Extent {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.low.combine(other.low);
        self.high.combine(other.high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::memory::Memory;
    use crate::volume::shape::{Shape, Spacing};

    #[test]
    fn a_voxel_that_is_no_number_is_named() {
        let mut values = vec![1.0f32; 60];
        values[47] = f32::NAN;
        values[59] = f32::INFINITY;
        let volume = Memory::new("scan.tif", Voxels::from_vec(Shape([3, 4, 5]), values), Spacing::default());
        for threads in 1..4 {
            let error = Extent::of(&volume, threads).unwrap_err();
            assert!(error.message().starts_with("scan.tif: voxel (2, 1, 2) (z, y, x) is NaN"), "{error}");
        }
    }
}
