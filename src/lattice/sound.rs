//! What a box of voxels must be to be scanned, and what none of its rows may hold.

use ndarray::{ArcArray, Ix3};

use crate::error::{Error, Result};
use crate::lattice::select::Select;
use crate::volume::extent::unsound;
use crate::volume::region::Region;
use crate::volume::voxel::{Voxel, Voxels, row};

/// Whether a box of voxels can be scanned.
pub(crate) fn fits(voxels: &Voxels, region: Region, select: Select, name: &str) -> Result<()> {
    assert_eq!(voxels.shape(), region.shape(), "the voxels fill the region");
    if select == Select::Labels && voxels.dtype().is_float() {
        let what = format!("holds {}, but labels are integers: segment it first", voxels.dtype());
        return Err(Error::input(name, what));
    }
    if region.shape().0[2] >= u32::MAX as usize {
        return Err(Error::resource(format!("{name}: rows of 2^32 voxels: cut it into blocks")));
    }
    Ok(())
}

/// Row (z, y) of a box, counted from its corner.
///
/// # Errors
/// A value that no selection can take: NaN, or for labels a negative one.
#[inline(always)]
pub(crate) fn sound_row<'a, T: Voxel>(
    array: &'a ArcArray<T, Ix3>,
    region: &Region,
    [z, y]: [usize; 2],
    select: Select,
    name: &str,
) -> Result<&'a [T]> {
    let values = row(array, z, y);
    let zero = T::default();
    let bad = |value: &T| value.is_nan() || (select == Select::Labels && *value < zero);
    // Without a branch first: it is hardly ever there.
    if values.iter().fold(false, |any, value| any | bad(value)) {
        let x = values.iter().position(bad).unwrap_or(0);
        return Err(refused(region, [z, y, x], values[x], name));
    }
    Ok(values)
}

/// The error of a value that cannot be, at a place in a box.
#[cold]
fn refused<T: Voxel>(region: &Region, place: [usize; 3], value: T, name: &str) -> Error {
    if value.is_nan() {
        return unsound(name, region, place, f64::NAN);
    }
    let [z, y, x] = std::array::from_fn(|axis| place[axis] + region.start[axis]);
    let what = format!("negative label {value} at voxel ({z}, {y}, {x}) (z, y, x): labels are 0 and up");
    Error::input(name, what)
}
