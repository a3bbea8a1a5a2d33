//! What is known of a cell where not all are known, and books of such cells by their spins.
//!
//! Cost: some nanoseconds for a look into a book. Memory: what a book tells of a cell, the spin, and a byte, for each of
//! its places, of which 7 in 16 to 7 in 8 are taken.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use serde::{Deserialize, Serialize};

use crate::programs::potts::census::whole;
use crate::programs::potts::rule::Rule;

/// A cell when a step begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its voxels.
    pub volume: i64,
    /// Its pairs, where surfaces are held.
    pub surface: i64,
    /// Its target volume, in thousandths; of one that dies as in a [census](crate::programs::potts::census).
    pub target: i64,
}

/// What a cell became more by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Voxels.
    pub volume: i64,
    /// Pairs.
    pub surface: i64,
}

impl Account {
    /// A cell that has changed. In between, when others have yet to tell theirs, its numbers may be below 0: they are
    /// right again when all have told.
    pub(super) fn add(&mut self, by: Change) {
        self.volume += by.volume;
        self.surface += by.surface;
    }

    /// All that a cell has, as a change from nothing.
    pub(super) fn all(&self) -> Change {
        Change { volume: self.volume, surface: self.surface }
    }

    /// The energy of the volume and surface of a cell of a type, in thousandths; none of one that is not there.
    pub(super) fn strain(&self, rule: &Rule, kind: usize) -> i128 {
        let Some(cells) = rule.cells().filter(|_| self.volume > 0) else { return 0 };
        let pairs = self.surface - cells.types()[kind].surface as i64;
        let pairs = if rule.needs_surfaces() { pairs } else { 0 };
        cells.strain(kind, self.volume - whole(self.target), pairs)
    }
}

/// Something by the spins of cells.
pub(super) type Book<T> = HashMap<u32, T, BuildHasherDefault<Spread>>;

/// Spreads spins over a book: no secret, as nobody gains by spins that meet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    #[inline]
    fn write_u32(&mut self, spin: u32) {
        // Both ends of the product have to depend on every bit: a book looks at the lowest and at the highest.
        let product = (self.0 ^ u64::from(spin)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ product >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
