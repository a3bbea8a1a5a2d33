//! Cells of a Potts model: the type of each spin, and what types have to do with each other.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::programs::potts::metropolis::UNIT;

/// What all cells of a type have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// What tables call it.
    pub name: String,
    /// The volume that it strives for, in voxels.
    pub target: u64,
    /// The energy of the square of each voxel more or less than that; 0 for none.
    pub lambda: f64,
    /// Its voxels neither change nor spread.
    pub frozen: bool,
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
}

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
        let lambda: Vec<i64> =
            types.iter().map(|of| thousandths(of.lambda, "a volume energy")).collect::<Result<_>>()?;
        if lambda.iter().any(|lambda| *lambda < 0) || types.iter().any(|of| of.target >= 1 << 32) {
            return Err(Error::usage("volumes are held by energies of at least 0, at targets below 2^32 voxels"));
        }
        Ok(Self { types, of, contact, lambda })
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

    /// The energy of a pair of neighbours of two types that belong to different cells, in thousandths.
    #[inline]
    pub fn contact(&self, a: usize, b: usize) -> i64 {
        self.contact[a * self.lambda.len() + b]
    }

    /// Whether voxels of a spin neither change nor spread.
    #[inline]
    pub fn is_frozen(&self, spin: u32) -> bool {
        self.types[self.of(spin)].frozen
    }

    /// Whether any volume is held.
    pub fn holds_volumes(&self) -> bool {
        self.lambda.iter().any(|lambda| *lambda > 0)
    }

    /// What the volume energy becomes more by when a cell of `volume` voxels gains one (`by` 1) or loses one
    /// (`by` -1), in thousandths.
    #[inline]
    pub fn growth(&self, spin: u32, volume: u32, by: i64) -> i64 {
        let of = self.of(spin);
        // (v + by)^2 - v^2, where v is what there is more than the target.
        self.lambda[of] * (2 * by * (i64::from(volume) - self.types[of].target as i64) + 1)
    }

    /// The volume energy of a cell of `volume` voxels, in thousandths.
    pub fn strain(&self, spin: u32, volume: u32) -> i128 {
        let of = self.of(spin);
        let more = i128::from(volume) - i128::from(self.types[of].target);
        i128::from(self.lambda[of]) * more * more
    }
}

/// Of many spins their types as a digest.
impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = format!("{} spins {:016x}", self.of.len(), xxh3_64(&self.of));
        f.debug_struct("Cells").field("types", &self.types).field("of", &of).field("contact", &self.contact).finish()
    }
}
