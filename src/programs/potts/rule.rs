//! What becomes of one voxel: the model as a function of its spin, the spins around it, and a random number.
//!
//! Every way to run the model asks this, or does the same for many voxels at once.

use std::fmt;

use crate::error::Result;
use crate::lattice::stencil::Step;
use crate::programs::potts::cells::{Cells, thousandths};
use crate::programs::potts::dice::split;
use crate::programs::potts::metropolis::Metropolis;
use crate::programs::potts::model::{Energy, Model, Move, WALL};
use crate::volume::shape::Shape;

/// The most neighbours that a voxel has.
pub const MOST: usize = 26;

/// A model that is ready to be run.
#[derive(Clone)]
pub struct Rule {
    /// The model.
    pub model: Model,
    /// The size of the volume.
    pub shape: Shape,
    /// The steps to the neighbours.
    pub steps: Vec<Step>,
    pub(super) metropolis: Metropolis,
    /// The energy of a contact, in thousandths, where all cost the same.
    contact: i64,
}

impl Rule {
    /// Makes a model ready for a volume of `shape`.
    ///
    /// # Errors
    /// As [`Model::check`].
    pub fn new(model: Model, shape: Shape) -> Result<Self> {
        model.check(shape)?;
        let contact = match &model.energy {
            Energy::Uniform(contact) => thousandths(*contact, "a contact energy")?,
            Energy::Cells(_) => 0,
        };
        let (steps, metropolis) = (model.neighborhood.steps().collect(), Metropolis::new(model.kt));
        Ok(Self { model, shape, steps, metropolis, contact })
    }

    /// Random words that a visit takes.
    pub fn words(&self) -> usize {
        if self.model.moves == Move::HeatBath { 2 } else { 1 }
    }

    /// The cells, where contacts and volumes are theirs.
    pub(super) fn cells(&self) -> Option<&Cells> {
        match &self.model.energy {
            Energy::Uniform(_) => None,
            Energy::Cells(cells) => Some(cells),
        }
    }

    /// The energy of a contact, in thousandths, where all cost the same; else 0.
    pub(super) fn contact(&self) -> i64 {
        self.contact
    }

    /// Whether the volumes of cells have to be known.
    pub fn needs_volumes(&self) -> bool {
        self.cells().is_some_and(Cells::holds_volumes)
    }

    /// What the voxel becomes: `around` are the spins around it, in the order of the steps, beyond walls
    /// [`WALL`]; `volume` is that of a cell, by its spin, where volumes have to be known.
    #[inline]
    pub fn decide(&self, own: u32, around: &[u32], words: &[u32], volume: impl Fn(u32) -> u32) -> u32 {
        match self.model.moves {
            Move::Copy => {
                let (from, left) = split(words[0], around.len() as u32);
                self.become_like(own, around[from as usize], around.iter().copied(), left, volume)
            }
            Move::Distinct => {
                let (met, count) = distinct(own, around);
                if count == 0 {
                    return own;
                }
                let (which, left) = split(words[0], count as u32);
                self.become_like(own, met[which as usize], around.iter().copied(), left, volume)
            }
            Move::HeatBath => self.bathe(own, around, u64::from(words[0]) | u64::from(words[1]) << 32),
        }
    }

    /// Takes `other` by Metropolis' choice.
    #[inline(always)]
    pub(super) fn become_like(
        &self,
        own: u32,
        other: u32,
        around: impl Iterator<Item = u32>,
        word: u32,
        volume: impl Fn(u32) -> u32,
    ) -> u32 {
        if other == own || other == WALL {
            return own;
        }
        let delta = match self.cells() {
            None => self.uniform(own, other, around),
            Some(cells) if cells.is_frozen(own) || cells.is_frozen(other) => return own,
            Some(cells) => by_cells(cells, own, other, around, volume),
        };
        if self.metropolis.takes(delta, word) { other } else { own }
    }

    /// What the energy becomes more by, in thousandths, where all contacts cost the same.
    #[inline]
    fn uniform(&self, own: u32, other: u32, around: impl Iterator<Item = u32>) -> i64 {
        let like = around.map(|met| i64::from(met == own) - i64::from(met == other)).sum::<i64>();
        self.contact * like
    }

    /// Of 2^32 chances those in which a voxel takes another spin, by how many more neighbours have its own than
    /// have the other; from [`MOST`] less on.
    pub(super) fn chances_by_neighbors(&self) -> [u64; 64] {
        std::array::from_fn(|at| self.metropolis.chances(self.contact * (at as i64 - MOST as i64)))
    }

    /// A spin of 1..=Q with Boltzmann's probability: those met one by one, all others at a stroke.
    fn bathe(&self, own: u32, around: &[u32], word: u64) -> u32 {
        // The own spin is as good as any that is not met.
        let (met, count) = distinct(WALL, around);
        let met = &met[..count];
        let like = |spin: u32| around.iter().filter(|other| **other == spin).count() as i64;
        // Against the one of the least energy, so that no weight is lost.
        let energy = |like: i64| -self.contact * like;
        let unmet = u64::from(self.model.spins) - count as u64;
        let least = met.iter().map(|spin| energy(like(*spin))).chain((unmet > 0).then_some(0)).min().unwrap_or(0);
        let weight = |like: i64| self.metropolis.chances(energy(like) - least);
        let of_unmet = weight(0);
        let total = met.iter().map(|spin| u128::from(weight(like(*spin)))).sum::<u128>();
        let total = total + u128::from(of_unmet) * u128::from(unmet);
        // Less than 2^64 spins of weights up to 2^32: the product of the word and half of that fits.
        let mut pick = (u128::from(word) * total) >> 64;
        for spin in met {
            let weight = u128::from(weight(like(*spin)));
            if pick < weight {
                return *spin;
            }
            pick -= weight;
        }
        if of_unmet == 0 {
            return own;
        }
        // The spins that are not met, in order.
        let mut spin = (pick / u128::from(of_unmet)) as u32 + 1;
        let mut sorted = [WALL; MOST];
        sorted[..count].copy_from_slice(met);
        sorted[..count].sort_unstable();
        for met in &sorted[..count] {
            if *met <= spin {
                spin += 1;
            }
        }
        spin
    }
}

/// What it is made of tells it whole.
impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("model", &self.model).field("shape", &self.shape).finish()
    }
}

/// What the energy becomes more by, in thousandths, by the types of cells and their volumes.
#[inline(always)]
fn by_cells(
    cells: &Cells,
    own: u32,
    other: u32,
    around: impl Iterator<Item = u32>,
    volume: impl Fn(u32) -> u32,
) -> i64 {
    let (from, to) = (cells.of(own), cells.of(other));
    let mut delta = 0;
    for met in around.filter(|met| *met != WALL) {
        let of = cells.of(met);
        delta += i64::from(met != other) * cells.contact(to, of) - i64::from(met != own) * cells.contact(from, of);
    }
    delta + cells.growth(own, volume(own), -1) + cells.growth(other, volume(other), 1)
}

/// The distinct spins around, but `own` and what lies beyond walls, in the order in which they are met.
#[inline]
fn distinct(own: u32, around: &[u32]) -> ([u32; MOST], usize) {
    let (mut met, mut count) = ([WALL; MOST], 0);
    for spin in around.iter().copied().filter(|spin| *spin != own && *spin != WALL) {
        if !met[..count].contains(&spin) {
            met[count] = spin;
            count += 1;
        }
    }
    (met, count)
}
