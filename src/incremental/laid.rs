//! What is put to a block, or taken out of it, and the block with that laid over what it held.

use std::sync::Arc;

use ndarray::s;
use serde::{Deserialize, Serialize};
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
    /// Nothing: its voxels are not selected any more.
    Nothing,
    /// Voxels.
    Read(Read),
    /// What blocks held, here or in another session of the same settings; those that are not there
    /// are not selected.
    Held(Arc<Blocks>),
}

/// What is laid over a block, or a part of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Patch {
    pub(crate) block: BlockId,
    part: Region,
    over: Over,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Over {
    /// No voxel is selected.
    Nothing,
    /// All of the block.
    Block(Arc<Held>),
    /// A part of it.
    Part(Arc<Runs>),
}

impl Patch {
    /// All of a block of a region.
    pub(crate) fn whole(block: BlockId, own: Region, held: Option<Arc<Held>>) -> Self {
        Self { block, part: own, over: held.map_or(Over::Nothing, Over::Block) }
    }

    /// What `lay` puts to a block in a region; `known` is what the block may hold already.
    ///
    /// # Errors
    /// Where the voxels cannot be read, or are not such as can be selected; `name` is how errors call them.
    pub(crate) fn of(
        settings: &Settings,
        block: BlockId,
        known: Option<&Arc<Held>>,
        (region, lay): (&Region, &Lay),
        name: &str,
    ) -> Result<Self> {
        let own = settings.grid.region(block);
        let part = own.intersection(region);
        let over = match lay {
            Lay::Nothing => Over::Nothing,
            Lay::Held(blocks) if part == own => return Ok(Self::whole(block, own, blocks.get(&block).cloned())),
            Lay::Held(blocks) => Over::Part(Arc::new(gather(&settings.grid, blocks, part).0)),
            Lay::Read(read) if part == own => {
                let held = scanned(settings, own, known, &read(own)?, settings.select, name)?;
                return Ok(Self::whole(block, own, held));
            }
            Lay::Read(read) => Over::Part(Arc::new(Runs::scan(&read(part)?, part, settings.select, name)?)),
        };
        Ok(Self { block, part, over })
    }

    /// Whether nothing of what was there before is left.
    pub(crate) fn covers(&self, own: &Region) -> bool {
        self.part == *own
    }

    /// Whether it is what a block holds.
    pub(crate) fn is(&self, held: Option<&Arc<Held>>) -> bool {
        matches!((&self.over, held), (Over::Block(over), Some(held)) if Arc::ptr_eq(over, held))
    }

    /// The block with this over what it held; nothing where no voxel of it is selected then.
    ///
    /// # Errors
    /// As [`Parts::scan`](crate::lattice::parts::Parts::scan).
    pub(crate) fn over(&self, settings: &Settings, seen: Option<&Arc<Held>>, name: &str) -> Result<Option<Arc<Held>>> {
        let own = settings.grid.region(self.block);
        let over = match &self.over {
            Over::Block(held) => return Ok(Some(Arc::clone(held))),
            Over::Nothing if self.part == own => return Ok(None),
            Over::Nothing => None,
            Over::Part(runs) => Some(&**runs),
        };
        let voxels = patched(own, seen.map(|seen| &seen.runs), self.part, over);
        scanned(settings, own, seen, &voxels, settings.painted(), name)
    }
}

/// A block made of voxels; nothing where none is selected.
fn scanned(
    settings: &Settings,
    own: Region,
    known: Option<&Arc<Held>>,
    voxels: &Voxels,
    select: Select,
    name: &str,
) -> Result<Option<Arc<Held>>> {
    // Most of what is put may be what was there.
    let digest = digest(voxels, select);
    if let Some(known) = known.filter(|known| known.digest == digest) {
        return Ok(Some(Arc::clone(known)));
    }
    let held = Held::scan(settings.grid.shape(), own, voxels, digest, (select, settings.join), name)?;
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
