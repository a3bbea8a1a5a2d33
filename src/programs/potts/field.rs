//! A value at each voxel that types of cells feel: a potential, the concentration of what attracts them.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::programs::potts::metropolis::UNIT;
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Voxel, each_voxel_type, row};

/// The largest value of a field, either way.
const LARGEST: f64 = 1e6;

/// A field, in thousandths. Memory: 4 bytes a voxel, in each process all of it.
#[derive(Clone, PartialEq)]
pub struct Field {
    shape: Shape,
    values: Vec<i32>,
}

impl Field {
    /// Reads a volume as a field; values are rounded to thousandths.
    ///
    /// # Errors
    /// Where it cannot be read, or a value is no number between -10^6 and 10^6.
    pub fn read(source: &dyn VolumeSource) -> Result<Self> {
        let (name, shape) = (&source.header().name, source.header().shape);
        let mut values = Vec::with_capacity(shape.voxels().unwrap_or(0) as usize);
        for z in 0..shape.0[0] {
            let region = Region { start: [z, 0, 0], end: [z + 1, shape.0[1], shape.0[2]] };
            let voxels = source.read(&region)?;
            each_voxel_type!(&voxels, array => {
                for y in 0..shape.0[1] {
                    for (x, value) in row(array, 0, y).iter().enumerate() {
                        let number = value.to_f64();
                        if number.is_nan() || number.abs() > LARGEST {
                            let what = format!("voxel {:?}: {value}: a field is of numbers between -10^6 and 10^6", [z, y, x]);
                            return Err(Error::input(name, what));
                        }
                        values.push((number * UNIT as f64).round() as i32);
                    }
                }
            });
        }
        Ok(Self { shape, values })
    }

    /// Its size.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The value at a voxel, in thousandths.
    #[inline]
    pub fn at(&self, voxel: [usize; 3]) -> i64 {
        i64::from(self.values[self.shape.raster(voxel) as usize])
    }
}

/// Of many values a digest.
impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        write!(f, "Field {{ {}, {:016x} }}", self.shape, xxh3_64(&bytes))
    }
}
