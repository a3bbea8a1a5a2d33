//! Spins in the beginning that nobody has to store: all different, or drawn by chance.

use crate::combine::{Combine, Max};
use crate::error::{Error, Result};
use crate::programs::potts::dice::{Dice, Purpose, split};
use crate::programs::potts::model::WALL;
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::slabs::over_slabs;
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::voxel::{Dtype, Voxel, Voxels, each_voxel_type, row};

/// A volume of spins that are computed where they are read.
#[derive(Clone, Debug)]
pub struct RandomSpins {
    header: Header,
    spins: Option<u32>,
    seed: u64,
}

impl RandomSpins {
    /// Spins of 1..=`spins`, all equally likely; or every voxel one of its own, 1, 2, 3 and so on in raster
    /// order.
    ///
    /// # Errors
    /// Where there are no spins, or not enough for every voxel.
    pub fn new(shape: Shape, spins: Option<u32>, seed: u64) -> Result<Self> {
        let enough = shape.voxels().is_some_and(|voxels| voxels > 0 && voxels < u64::from(WALL));
        if spins.is_none() && !enough {
            return Err(Error::usage(format!("a volume of {shape}: a spin for each voxel needs 1 to 2^32 - 2 voxels")));
        }
        if spins.is_some_and(|spins| spins == 0 || spins == WALL) {
            return Err(Error::usage("give 1 to 2^32 - 2 spins"));
        }
        let bytes = shape.voxels().and_then(|voxels| voxels.checked_mul(4));
        let bytes = bytes.ok_or_else(|| Error::usage(format!("a volume of {shape} is too large")))?;
        let header = Header {
            name: "random spins".into(),
            shape,
            dtype: Dtype::U32,
            spacing: Spacing::default(),
            format: "random".into(),
            chunk: [1, 1, shape.0[2]],
            axes: "zyx".into(),
            bytes,
        };
        Ok(Self { header, spins, seed })
    }

    /// The largest spin there may be.
    pub fn most(&self) -> u32 {
        // Without a limit there are fewer voxels than numbers.
        self.spins.unwrap_or(self.header.shape.voxels().unwrap_or(0) as u32)
    }
}

impl VolumeSource for RandomSpins {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        let (shape, width) = (self.header.shape, region.shape().0[2]);
        let mut dice = Dice::new(self.seed, Purpose::Beginning, 0);
        let mut read = Vec::with_capacity(region.shape().0.iter().product());
        let mut words = vec![0; width];
        for (z, y) in region.rows() {
            let first = shape.raster([z, y, region.start[2]]);
            match self.spins {
                None => read.extend((first + 1..).take(width).map(|spin| spin as u32)),
                Some(spins) => {
                    dice.fill(first.into(), &mut words);
                    read.extend(words.iter().map(|word| split(*word, spins).0 + 1));
                }
            }
        }
        Ok(Voxels::from_vec(region.shape(), read))
    }

    fn is_resident(&self) -> bool {
        true
    }
}

/// The largest label of a volume, read once by so many threads.
///
/// # Errors
/// Where the volume cannot be read, or a voxel is no spin.
pub fn largest(source: &dyn VolumeSource, threads: usize) -> Result<u32> {
    let name = &source.header().name;
    let most = over_slabs(source, threads, Max::default, |most: &mut Max<u64>, region, voxels| {
        each_voxel_type!(voxels, array => {
            for (z, y) in Region::whole(region.shape()).rows() {
                for (x, value) in row(array, z, y).iter().enumerate() {
                    let spin = value.to_label().filter(|spin| *spin < u64::from(WALL));
                    let at: [usize; 3] = std::array::from_fn(|axis| region.start[axis] + [z, y, x][axis]);
                    let what = || format!("voxel {at:?}: {value} is no label below 2^32 - 1: give labels");
                    most.combine(Max(spin.ok_or_else(|| Error::input(name, what()))?));
                }
            }
        });
        Ok(())
    })?;
    Ok(most.0 as u32)
}
