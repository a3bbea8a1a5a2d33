//! Spins of a block from voxels, and voxels from spins.

use crate::error::{Error, Result};
use crate::lattice::tiling::Tile;
use crate::programs::potts::model::{Model, Move};
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Dtype, Voxel, Voxels, each_voxel_type, row, with_voxel_type};

/// Reads the voxels of `region`, each told with its spin.
pub(super) fn read(tile: &Tile, region: &Region, model: &Model, mut told: impl FnMut([usize; 3], u32)) -> Result<()> {
    let voxels = tile.tiling.source().read(region)?;
    let refuse = |place: [usize; 3], value: String| {
        let at: [usize; 3] = std::array::from_fn(|axis| region.start[axis] + place[axis]);
        let what = format!("voxel {at:?}: {value} is no spin of 0 to {}", model.spins);
        Error::input(tile.name(), what)
    };
    let least = u64::from(model.moves == Move::HeatBath);
    each_voxel_type!(&voxels, array => {
        for (z, y) in Region::whole(region.shape()).rows() {
            for (x, value) in row(array, z, y).iter().enumerate() {
                let spin = value.to_label().filter(|spin| (least..=u64::from(model.spins)).contains(spin));
                let spin = spin.ok_or_else(|| refuse([z, y, x], value.to_string()))?;
                told([region.start[0] + z, region.start[1] + y, region.start[2] + x], spin as u32);
            }
        }
    });
    Ok(())
}

/// The spins of a block as voxels, of the smallest type that holds `most`.
pub(super) fn voxels(site: &Site, spins: &Spins, most: u32) -> Voxels {
    fn of<T: Voxel>(site: &Site, spins: &Spins, cast: fn(u32) -> T) -> Voxels {
        let shape: Shape = site.own.shape();
        let mut voxels = Vec::with_capacity(shape.0.iter().product());
        for (z, y) in site.rows() {
            voxels.extend(site.places(2).map(|x| cast(spins.get([z, y, x]))));
        }
        Voxels::from_vec(shape, voxels)
    }
    with_voxel_type!(Dtype::for_labels(u64::from(most)), T => of::<T>(site, spins, |spin| spin as T))
}
