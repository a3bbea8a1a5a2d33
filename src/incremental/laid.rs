//! A block with what was put, or taken out, laid over what it held.

use std::sync::Arc;

use ndarray::s;
use xxhash_rust::xxh3::Xxh3;

use crate::error::Result;
use crate::id::BlockId;
use crate::incremental::held::{Blocks, Held, gather};
use crate::incremental::settings::Settings;
use crate::incremental::snapshot::paint;
use crate::lattice::runs::Runs;
use crate::lattice::select::Select;
use crate::volume::region::Region;
use crate::volume::voxel::{Dtype, Voxels};

/// Reads a part of a scan, by its place in the volume.
pub(crate) type Read = Arc<dyn Fn(Region) -> Result<Voxels> + Send + Sync>;

/// What is laid over a region.
pub(crate) enum Lay {
    /// Voxels.
    Read(Read),
    /// What blocks held, here or in another session of the same settings; those that are not there
    /// are not selected.
    Held(Arc<Blocks>),
}

/// A block when `over`, or nothing, lies over what it has in `region`; nothing where no voxel of it is
/// selected then. `seen` is what it held.
///
/// # Errors
/// Where the voxels cannot be read, or are not such as can be selected.
pub(crate) fn laid_over(
    settings: &Settings,
    block: BlockId,
    seen: Option<&Arc<Held>>,
    region: &Region,
    over: Option<&Lay>,
    name: &str,
) -> Result<Option<Arc<Held>>> {
    let Settings { grid, select, join, .. } = *settings;
    let own = grid.region(block);
    let part = own.intersection(region);
    let (voxels, select) = if part == own {
        match over {
            None => return Ok(None),
            Some(Lay::Held(blocks)) => return Ok(blocks.get(&block).cloned()),
            Some(Lay::Read(read)) => (read(part)?, select),
        }
    } else {
        let over = match over {
            None => None,
            Some(Lay::Held(blocks)) => Some(gather(&grid, blocks, part).0),
            Some(Lay::Read(read)) => Some(Runs::scan(&read(part)?, part, select, name)?),
        };
        (patched(own, seen.map(|seen| &seen.runs), part, over.as_ref()), settings.painted())
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
