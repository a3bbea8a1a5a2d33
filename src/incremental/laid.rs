//! A block with what was put, or taken out, laid over what it held.

use std::sync::Arc;

use ndarray::s;
use xxhash_rust::xxh3::Xxh3;

use crate::error::Result;
use crate::incremental::held::Held;
use crate::incremental::settings::Settings;
use crate::incremental::snapshot::paint;
use crate::lattice::runs::Runs;
use crate::lattice::select::Select;
use crate::volume::region::Region;
use crate::volume::voxel::{Dtype, Voxels};

/// Reads a part of a scan, by its place in the volume.
pub(crate) type Read = Arc<dyn Fn(Region) -> Result<Voxels> + Send + Sync>;

/// The block `own` when what `read` gives, or nothing, lies over what it has in `region`; nothing where
/// no voxel of it is selected then. `seen` is what it held.
///
/// # Errors
/// Where the voxels cannot be read, or are not such as can be selected.
pub(crate) fn laid_over(
    settings: &Settings,
    own: Region,
    seen: Option<&Arc<Held>>,
    region: &Region,
    read: Option<&Read>,
    name: &str,
) -> Result<Option<Arc<Held>>> {
    let Settings { grid, select, join, .. } = *settings;
    let part = own.intersection(region);
    let over = read.map(|read| read(part)).transpose()?;
    let (voxels, select) = match over {
        Some(voxels) if part == own => (voxels, select),
        None if part == own => return Ok(None),
        over => {
            let over = over.map(|voxels| Runs::scan(&voxels, part, select, name)).transpose()?;
            // What is painted is labels, or ones.
            let select = if select == Select::Labels { select } else { Select::NonZero };
            (patched(own, seen.map(|seen| &seen.runs), part, over.as_ref()), select)
        }
    };
    // Most of what is put may be what was there.
    let digest = digest(&voxels, select);
    if let Some(seen) = seen.filter(|seen| seen.digest == digest) {
        return Ok(Some(Arc::clone(seen)));
    }
    let held = Held::scan(grid.shape(), own, &voxels, digest, (select, join), name)?;
    Ok((!held.runs.is_empty()).then(|| Arc::new(held)))
}

/// A block painted, with other voxels in a part of it.
fn patched(own: Region, under: Option<&Runs>, part: Region, over: Option<&Runs>) -> Voxels {
    let painted = |runs: Option<&Runs>, region: Region| match runs.map(paint) {
        Some(voxels) => voxels,
        None => Voxels::zeros(Dtype::U64, region.shape()),
    };
    let (under, over) = (painted(under, own), painted(over, part));
    let mut voxels = under.view::<u64>().expect("labels are painted").to_owned();
    let over = over.view::<u64>().expect("labels are painted");
    let place = part.relative_to(own.start);
    voxels.slice_mut(s![place.range(0), place.range(1), place.range(2)]).assign(&over);
    Voxels::from_vec(own.shape(), voxels.into_raw_vec_and_offset().0)
}

/// A number that voxels of other values, of another type, or looked at in another way do not have.
fn digest(voxels: &Voxels, select: Select) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(format!("{} {select:?}", voxels.dtype()).as_bytes());
    voxels.absorbed_by(&mut hash);
    hash.digest()
}
