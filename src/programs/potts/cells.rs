//! Cells of a Potts model: the type of each spin, and what types have to do with each other.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::programs::potts::metropolis::UNIT;

/// What all cells of a type have in common. Energies are in units of the model's, volumes in voxels; what is 0 is not
/// asked for, and costs nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Type {
    /// What tables call it.
    pub name: String,
    /// The volume that it strives for, in voxels.
    pub target: u64,
    /// The energy of the square of each voxel more or less than that; 0 for none.
    pub lambda: f64,
    /// By how many voxels its target grows with every sweep, at most three decimals; it may shrink, to 0.
    pub growth: f64,
    /// The surface that it strives for: pairs of neighbours of which one is its voxel and the other is not.
    pub surface: u64,
    /// The energy of the square of each pair more or less than that; 0 for none.
    pub surface_lambda: f64,
    /// Whether it stays in one piece.
    pub connected: Connected,
    /// What a copy of its voxels gains by a step along z, y and x (a linear potential, which knows no faces).
    pub force: [f64; 3],
    /// The energy of a voxel of it, by the value of the field there.
    pub potential: f64,
    /// What a copy of its voxels gains by each unit that the field is more where it goes than where it comes from.
    pub chemotaxis: f64,
    /// A cell of so many voxels divides, across its long axis; 0 for never.
    pub divide_at: u64,
    /// The probability in each sweep that a cell begins to die: it strives for no volume then, and grows no more.
    pub death: f64,
    /// Its voxels neither change nor spread.
    pub frozen: bool,
}

/// Whether cells of a type stay in one piece.
///
/// A change is looked at where it happens: it would part a cell where the voxels of it around the one that leaves,
/// among the 26 that touch that (in a plane the 8), do not touch each other there; and where a voxel joins a cell that
/// it does not touch. A cell that is in one piece (of voxels that touch) and may not be parted stays so; some changes
/// that would leave it whole, round a ring, are refused as well.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Connected {
    /// Whatever happens.
    #[default]
    No,
    /// No change parts a cell.
    Always,
    /// A change that parts one costs so much.
    At(f64),
}

/// The cells of a model.
#[derive(Clone, PartialEq)]
pub struct Cells {
    types: Vec<Type>,
    /// The type of each spin, from 0.
    of: Vec<u8>,
    /// The energies of contacts, in thousandths, a row for each type.
    contact: Vec<i64>,
    /// The factors of the volume energy, in thousandths.
    lambda: Vec<i64>,
    /// The factors of the surface energy, in thousandths.
    surface_lambda: Vec<i64>,
}

/// Targets of volumes and surfaces lie below.
const TARGETS: i128 = 1 << 32;

/// The largest energy that a model may have, and the largest kT.
pub const LARGEST: f64 = 1e4;

/// An energy in thousandths.
///
/// # Errors
/// Where it is none, too large, or finer than that.
pub fn thousandths(energy: f64, what: &str) -> Result<i64> {
    let scaled = energy * UNIT as f64;
    if energy.abs() <= LARGEST && (scaled - scaled.round()).abs() < 1e-6 {
        return Ok(scaled.round() as i64);
    }
    let limits = "energies are numbers of at most three decimals between -10000 and 10000";
    Err(Error::usage(format!("{what} {energy}: {limits}")))
}

impl Cells {
    /// Cells of some types: `of` names the type of each spin from 0, `contact` the energy of a pair of
    /// neighbours that belong to different cells of two types, symmetric.
    ///
    /// # Errors
    /// Where a type or an energy is not there, a table is not square and symmetric, or a number is out of
    /// bounds.
    pub fn new(types: Vec<Type>, of: Vec<u8>, contact: &[Vec<f64>]) -> Result<Self> {
        let count = types.len();
        if count == 0 || count > 256 {
            return Err(Error::usage(format!("{count} types of cells: give 1 to 256")));
        }
        if contact.len() != count || contact.iter().any(|row| row.len() != count) {
            let what = format!("the contact energies of {count} types: give {count} rows of {count} numbers");
            return Err(Error::usage(what));
        }
        if let Some(spin) = of.iter().position(|of| usize::from(*of) >= count) {
            return Err(Error::usage(format!("spin {spin} is of type {}, and there are {count}", of[spin])));
        }
        let all = contact.iter().flatten().map(|energy| thousandths(*energy, "a contact energy"));
        let contact: Vec<i64> = all.collect::<Result<_>>()?;
        if (0..count).any(|a| (0..a).any(|b| contact[a * count + b] != contact[b * count + a])) {
            return Err(Error::usage("the contact energies of two types are the same both ways: make them so"));
        }
        let held = |of: fn(&Type) -> f64, what: &str| -> Result<Vec<i64>> {
            types.iter().map(|kind| thousandths(of(kind), what)).collect()
        };
        let lambda = held(|of| of.lambda, "a volume energy")?;
        let surface_lambda = held(|of| of.surface_lambda, "a surface energy")?;
        held(|of| of.growth, "a growth")?;
        if lambda.iter().any(|lambda| *lambda < 0) || types.iter().any(|of| of.target >= 1 << 32) {
            return Err(Error::usage("volumes are held by energies of at least 0, at targets below 2^32 voxels"));
        }
        if surface_lambda.iter().any(|lambda| *lambda < 0) || types.iter().any(|of| of.surface >= 1 << 32) {
            return Err(Error::usage("surfaces are held by energies of at least 0, at targets below 2^32 pairs"));
        }
        for kind in &types {
            kind.check()?;
        }
        Ok(Self { types, of, contact, lambda, surface_lambda })
    }

    /// The types.
    pub fn types(&self) -> &[Type] {
        &self.types
    }

    /// The number of spins that have a type: 0 up to one less.
    pub fn spins(&self) -> usize {
        self.of.len()
    }

    /// The type of a spin.
    #[inline]
    pub fn of(&self, spin: u32) -> usize {
        usize::from(self.of[spin as usize])
    }

    /// The types of all spins, from 0.
    #[inline]
    pub(super) fn all(&self) -> &[u8] {
        &self.of
    }

    /// The energy of a pair of neighbours of two types that belong to different cells, in thousandths.
    #[inline]
    pub fn contact(&self, a: usize, b: usize) -> i64 {
        self.contact[a * self.lambda.len() + b]
    }

    /// Whether any volume is held.
    pub fn holds_volumes(&self) -> bool {
        self.lambda.iter().any(|lambda| *lambda > 0)
    }

    /// Whether any surface is held.
    pub fn holds_surfaces(&self) -> bool {
        self.surface_lambda.iter().any(|lambda| *lambda > 0)
    }

    /// Whether cells of any type divide.
    pub fn divides(&self) -> bool {
        self.types.iter().any(|of| of.divide_at > 0)
    }

    /// Whether targets of any type change while the model runs.
    pub fn ages(&self) -> bool {
        self.divides() || self.types.iter().any(|of| of.growth != 0.0 || of.death > 0.0)
    }

    /// What the volume energy becomes more by, in thousandths, when a cell of a type gains a voxel (`by` 1) or loses
    /// one (`by` -1) that has `more` voxels than it strives for.
    #[inline]
    pub fn swelling(&self, kind: usize, more: i64, by: i64) -> i64 {
        // (more + by)^2 - more^2.
        self.lambda[kind] * (2 * by * more + 1)
    }

    /// The same of the surface energy, of a cell that gains `by` pairs.
    #[inline]
    pub fn spreading(&self, kind: usize, more: i64, by: i64) -> i64 {
        self.surface_lambda[kind] * by * (2 * more + by)
    }

    /// Whether what a copy changes of volume and surface energies fits in 64 bits, with room for all else, where there are
    /// so many voxels and each has so many neighbours.
    pub(super) fn fit(&self, voxels: u64, neighbors: u64) -> bool {
        let largest = |lambda: &[i64]| i128::from(lambda.iter().copied().max().unwrap_or(0));
        let (voxels, neighbors) = (i128::from(voxels), i128::from(neighbors));
        // Volumes and surfaces are 0 to all that there is, and so far from a target at most.
        let (volume, surface) = (voxels.max(TARGETS), (voxels * neighbors).max(TARGETS));
        let swelling = largest(&self.lambda) * (2 * volume + 1);
        let spreading = largest(&self.surface_lambda) * neighbors * (2 * surface + neighbors);
        swelling.max(spreading) < 1 << 60
    }

    /// The energy of a cell of a type, in thousandths, that has so many voxels and pairs more than it strives for.
    pub fn strain(&self, kind: usize, voxels: i64, pairs: i64) -> i128 {
        let square = |more: i64| i128::from(more) * i128::from(more);
        i128::from(self.lambda[kind]) * square(voxels) + i128::from(self.surface_lambda[kind]) * square(pairs)
    }
}

impl Type {
    /// Refuses what no type can be.
    fn check(&self) -> Result<()> {
        let refuse = |what: &str| Err(Error::usage(format!("type «{}»: {what}", self.name)));
        for energy in self.force.into_iter().chain([self.potential, self.chemotaxis]) {
            thousandths(energy, "an energy of a field or force")?;
        }
        if let Connected::At(energy) = self.connected
            && thousandths(energy, "the energy of parting a cell")? < 0
        {
            return refuse("parting a cell costs at least 0");
        }
        if !(0.0..=1.0).contains(&self.death) {
            return refuse("death is a probability of 0 to 1");
        }
        if self.lambda == 0.0 && (self.death > 0.0 || self.growth != 0.0) {
            return refuse("growth and death are those of a volume that is held: give lambda");
        }
        if self.divide_at == 1 {
            return refuse("a cell of one voxel cannot divide: give 2 or more, or 0 for never");
        }
        Ok(())
    }
}

/// Of many spins their types as a digest.
impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = format!("{} spins {:016x}", self.of.len(), xxh3_64(&self.of));
        f.debug_struct("Cells").field("types", &self.types).field("of", &of).field("contact", &self.contact).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_exact_and_what_does_not_is_told() {
        let of = |lambda: f64, surface_lambda: f64| {
            let kind = Type { target: 1000, lambda, surface: 500, surface_lambda, ..Type::default() };
            Cells::new(vec![kind], vec![0], &[vec![0.0]]).unwrap()
        };
        let voxels = 2160 * 2560 * 2560;
        for (cells, neighbors) in [(of(LARGEST, 0.0), 26), (of(LARGEST, 1.0), 6), (of(0.5, 10.0), 26)] {
            assert!(cells.fit(voxels, neighbors));
            let (most, pairs) = (voxels as i64 - 1, (voxels * neighbors) as i64 - 56);
            for by in [-1, 1] {
                let change = cells.strain(0, most + by, 0) - cells.strain(0, most, 0);
                assert_eq!(i128::from(cells.swelling(0, most, by)), change);
                let change = cells.strain(0, 0, pairs + 20 * by) - cells.strain(0, 0, pairs);
                assert_eq!(i128::from(cells.spreading(0, pairs, 20 * by)), change);
            }
        }
        assert!(!of(0.0, LARGEST).fit(voxels, 26) && !of(LARGEST, 0.0).fit(1 << 40, 6));
        assert!(of(LARGEST, 1000.0).fit(512 * 512 * 512, 26));
    }
}
