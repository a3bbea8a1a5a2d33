//! What is known of all cells when a step begins: in every block the same.
//!
//! Memory, in each block: 8 bytes a cell for volumes and as much for surfaces, where they are held; 9 bytes for targets
//! and types where cells age.

use serde::{Deserialize, Serialize};

use crate::programs::potts::account::Account;
use crate::programs::potts::cells::Cells;
use crate::programs::potts::life::{Mother, surfaces_of};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::Changes;

/// What a decision asks about a cell, by its spin.
pub trait Known {
    /// Its type.
    fn kind(&self, spin: u32) -> usize;
    /// Its voxels.
    fn volume(&self, spin: u32) -> i64;
    /// The pairs of neighbours of which one is its voxel and the other is not.
    fn surface(&self, spin: u32) -> i64;
    /// The volume that it strives for.
    fn target(&self, spin: u32) -> i64;
}

/// All cells. What a model has no need to know is empty.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Census {
    /// Voxels, by spin.
    pub(super) volumes: Vec<i64>,
    /// Pairs, by spin.
    pub(super) surfaces: Vec<i64>,
    /// Types, by spin, where they are more than those of the model.
    pub(super) types: Vec<u8>,
    /// Target volumes in thousandths, by spin, where they change; of cells that die [`DYING`].
    pub(super) targets: Vec<i64>,
}

/// The target of cells that die.
pub(super) const DYING: i64 = -1;

/// Thousandths of a voxel.
pub(super) const PARTS: i64 = 1000;

impl Census {
    /// Nothing is known of any cell.
    pub fn new(rule: &Rule) -> Self {
        let spins = rule.model.spins as usize + 1;
        let empty = |asked: bool| vec![0; if asked { spins } else { 0 }];
        let (volumes, surfaces) = (empty(rule.needs_volumes()), empty(rule.needs_surfaces()));
        let Some(cells) = rule.cells().filter(|cells| cells.ages()) else {
            return Self { volumes, surfaces, ..Self::default() };
        };
        let types = cells.all()[..spins].to_vec();
        let targets = types.iter().map(|kind| cells.types()[usize::from(*kind)].target as i64 * PARTS).collect();
        Self { volumes, surfaces, types, targets }
    }

    /// What cells have of voxels and pairs in a block.
    pub(super) fn count(rule: &Rule, site: &Site, spins: &Spins) -> (Changes, Changes) {
        let mut volumes = vec![0; if rule.needs_volumes() { rule.model.spins as usize + 1 } else { 0 }];
        if !volumes.is_empty() {
            for (z, y) in site.rows() {
                site.places(2).for_each(|x| volumes[spins.get([z, y, x]) as usize] += 1);
            }
        }
        let there = (0..).zip(volumes).filter(|(_, volume)| *volume > 0);
        (there.collect(), surfaces_of(rule, site, spins, 1, |_| true))
    }

    /// Adds what cells gained and lost.
    pub fn add(&mut self, volumes: &[(u32, i64)], surfaces: &[(u32, i64)]) {
        let of = [(&mut self.volumes, volumes), (&mut self.surfaces, surfaces)];
        for (numbers, changes) in of {
            for (spin, by) in changes {
                numbers[*spin as usize] += by;
            }
        }
    }

    /// Cells divide: a daughter is of the type of its mother, and both have half its target.
    pub(super) fn divide(&mut self, rule: &Rule, mothers: &[Mother]) {
        for mother in mothers.iter().map(|mother| mother.spin as usize) {
            self.targets[mother] = halved(self.targets[mother]);
            self.targets.push(self.targets[mother]);
            self.types.push(self.types[mother]);
            self.volumes.push(0);
            if rule.needs_surfaces() {
                self.surfaces.push(0);
            }
        }
    }

    /// The largest spin there may be.
    pub(super) fn most(&self, rule: &Rule) -> u32 {
        // Numbers of spins fit into 32 bits.
        if self.types.is_empty() { rule.model.spins } else { self.types.len() as u32 - 1 }
    }

    /// The energy of all volumes and surfaces, in thousandths.
    pub(super) fn strain(&self, rule: &Rule) -> i128 {
        let seen = Seen::new(rule, self);
        let account = |spin: u32| Account {
            volume: seen.volume(spin),
            surface: seen.surface(spin),
            target: seen.target(spin) * PARTS,
        };
        (0..self.volumes.len() as u32).map(|spin| account(spin).strain(rule, seen.kind(spin))).sum()
    }
}

/// A census as decisions see it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    cells: Option<&'a Cells>,
    types: &'a [u8],
    volumes: &'a [i64],
    surfaces: &'a [i64],
    targets: &'a [i64],
}

impl<'a> Seen<'a> {
    /// Looks at a census.
    #[inline]
    pub fn new(rule: &'a Rule, census: &'a Census) -> Self {
        let Census { volumes, surfaces, types, targets } = census;
        let usual = rule.cells().map_or(&[][..], Cells::all);
        let types = if types.is_empty() { usual } else { types };
        Self { cells: rule.cells(), types, volumes, surfaces, targets }
    }
}

impl Known for Seen<'_> {
    #[inline(always)]
    fn kind(&self, spin: u32) -> usize {
        usize::from(self.types[spin as usize])
    }

    #[inline(always)]
    fn volume(&self, spin: u32) -> i64 {
        self.volumes.get(spin as usize).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn surface(&self, spin: u32) -> i64 {
        self.surfaces.get(spin as usize).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn target(&self, spin: u32) -> i64 {
        match self.targets.get(spin as usize) {
            Some(target) => whole(*target),
            None => self.cells.map_or(0, |cells| cells.types()[self.kind(spin)].target as i64),
        }
    }
}

/// A target in whole voxels.
#[inline(always)]
pub(super) fn whole(target: i64) -> i64 {
    target.max(0) / PARTS
}

/// The target of a mother, and of her daughter.
pub(super) fn halved(target: i64) -> i64 {
    target / 2
}

/// A target after one more sweep.
pub(super) fn grown(target: i64, growth: i64) -> i64 {
    (target + growth).clamp(0, i64::from(u32::MAX) * PARTS)
}
