//! What becomes of one voxel: the model as a function of its spin, the spins around it, and a random number.
//!
//! Every way to run the model asks this, or does the same for many voxels at once.

use std::fmt;

use crate::error::Result;
use crate::lattice::stencil::Step;
use crate::programs::potts::cells::{Cells, thousandths};
use crate::programs::potts::census::Known;
use crate::programs::potts::dice::split;
use crate::programs::potts::metropolis::{Metropolis, UNIT};
use crate::programs::potts::model::{Boundary, Energy, Model, Move, WALL};
use crate::programs::potts::terms::{Copying, Scene, Terms};
use crate::volume::shape::Shape;

/// The most neighbours that a voxel has, and the most voxels that a visit looks at.
pub const MOST: usize = 56;

/// A model that is ready to be run.
#[derive(Clone)]
pub struct Rule {
    /// The model.
    pub model: Model,
    /// The size of the volume.
    pub shape: Shape,
    /// The steps to the voxels that a visit looks at: first the neighbours, then those that only terms ask for.
    pub steps: Vec<Step>,
    /// The number of neighbours.
    pub neighbors: usize,
    pub(super) metropolis: Metropolis,
    /// The energy of a contact, in thousandths, where all cost the same.
    contact: i64,
    /// Where shells have weights, those of neighbours, in thousandths.
    weights: Option<Vec<i64>>,
    pub(super) terms: Option<Terms>,
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
        let (terms, steps) = Terms::new(&model)?;
        let (neighbors, metropolis) = (model.neighborhood.neighbors(), Metropolis::new(model.kt));
        let mut weights = None;
        if model.weights.iter().any(|weight| *weight != 1.0) {
            let of = |step: &Step| model.neighborhood.shell(*step).and_then(|shell| model.weights.get(shell));
            let all = steps[..neighbors].iter().map(|step| of(step).map_or(Ok(UNIT), |w| thousandths(*w, "a weight")));
            weights = Some(all.collect::<Result<_>>()?);
        }
        Ok(Self { model, shape, steps, neighbors, metropolis, contact, weights, terms })
    }

    /// The energy of a contact across a numbered step, in thousandths, by what it is without weights.
    #[inline(always)]
    pub(super) fn weighed(&self, step: usize, contact: i64) -> i64 {
        match &self.weights {
            None => contact,
            Some(weights) => (contact * weights[step] + UNIT / 2).div_euclid(UNIT),
        }
    }

    /// Whether all contacts cost the same, so that it is enough to count neighbours.
    pub(super) fn is_even(&self) -> bool {
        self.cells().is_none() && self.weights.is_none() && self.model.boundary != Boundary::Mirror
    }

    /// A bit for each step by which a voxel meets its own image: in mirrors alone.
    #[inline]
    pub(super) fn own_images(&self, at: [usize; 3]) -> u64 {
        let own = |step: &Step| {
            let fold =
                |axis: usize| self.model.boundary.fold(at[axis] as isize + isize::from(step[axis]), self.shape.0[axis]);
            u64::from((0..3).all(|axis| fold(axis) == Some(at[axis])))
        };
        // Who is farther from all faces than any step goes has none.
        let far =
            |axis: usize| (axis == 0 && self.shape.0[0] == 1) || (at[axis] >= 2 && at[axis] + 2 < self.shape.0[axis]);
        if (0..3).all(far) {
            return 0;
        }
        self.steps.iter().enumerate().map(|(number, step)| own(step) << number).sum()
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
        self.cells().is_some_and(|cells| cells.holds_volumes() || cells.holds_surfaces() || cells.ages())
    }

    /// Whether the surfaces of cells have to be known.
    pub fn needs_surfaces(&self) -> bool {
        self.terms.as_ref().is_some_and(Terms::counts_surfaces)
    }

    /// How many of the voxels among which surfaces are counted are not of the same cell.
    pub(super) fn pairs(&self, own: u32, around: &[u32]) -> u32 {
        let steps = self.terms.as_ref().map_or(&[][..], Terms::surface_steps);
        steps.iter().filter(|step| around[**step] != own && around[**step] != WALL).count() as u32
    }

    /// What the voxel `at` becomes: `around` are the spins around it, in the order of the steps, [`WALL`] where there
    /// is [nobody](Model::beside); `known` tells of cells what has to be known.
    #[inline]
    pub fn decide(&self, at: [usize; 3], own: u32, around: &[u32], words: &[u32], known: &impl Known) -> u32 {
        let neighbors = &around[..self.neighbors];
        let met = |step: usize| around[step];
        match self.model.moves {
            Move::Copy => {
                let (from, left) = split(words[0], neighbors.len() as u32);
                let by = from as usize;
                self.become_like(|| at, own, around[by], Some(by), met, left, known)
            }
            Move::Distinct => {
                let (met_spins, count) = distinct(own, neighbors);
                if count == 0 {
                    return own;
                }
                let (which, left) = split(words[0], count as u32);
                self.become_like(|| at, own, met_spins[which as usize], None, met, left, known)
            }
            Move::HeatBath => self.bathe(own, neighbors, u64::from(words[0]) | u64::from(words[1]) << 32),
        }
    }

    /// Takes `other` by Metropolis' choice, copied from a numbered step away where it is; `met` is the spin a numbered
    /// step away.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub(super) fn become_like(
        &self,
        at: impl Fn() -> [usize; 3],
        own: u32,
        other: u32,
        by: Option<usize>,
        met: impl Fn(usize) -> u32 + Copy,
        word: u32,
        known: &impl Known,
    ) -> u32 {
        if other == own || other == WALL {
            return own;
        }
        let delta = match self.cells() {
            None => self.uniform(own, other, met),
            Some(cells) => {
                let (from, to) = (known.kind(own), known.kind(other));
                if cells.types()[from].frozen || cells.types()[to].frozen {
                    return own;
                }
                let mut delta = self.contacts(cells, own, other, from, to, met, known);
                let more = |spin: u32| known.volume(spin) - known.target(spin);
                delta += cells.swelling(from, more(own), -1) + cells.swelling(to, more(other), 1);
                if let Some(terms) = &self.terms {
                    let scene = Scene { model: &self.model, shape: self.shape, cells, steps: &self.steps };
                    match terms.cost(scene, Copying { own, other, from, to, by }, at(), met, known) {
                        Some(cost) => delta += cost,
                        None => return own,
                    }
                }
                delta
            }
        };
        if self.metropolis.takes(delta, word) { other } else { own }
    }

    /// What the energy becomes more by, in thousandths, where all contacts cost the same.
    #[inline]
    fn uniform(&self, own: u32, other: u32, met: impl Fn(usize) -> u32) -> i64 {
        let like = |step: usize| {
            let met = met(step);
            i64::from(met == own) - i64::from(met == other)
        };
        match &self.weights {
            None => self.contact * (0..self.neighbors).map(like).sum::<i64>(),
            Some(_) => (0..self.neighbors).map(|step| self.weighed(step, self.contact) * like(step)).sum(),
        }
    }

    /// What the energy of contacts becomes more by, in thousandths, by the types of cells.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    fn contacts(
        &self,
        cells: &Cells,
        own: u32,
        other: u32,
        from: usize,
        to: usize,
        met: impl Fn(usize) -> u32,
        known: &impl Known,
    ) -> i64 {
        let mut delta = 0;
        for step in 0..self.neighbors {
            let met = met(step);
            if met == WALL {
                continue;
            }
            let of = known.kind(met);
            let (gained, lost) =
                (self.weighed(step, cells.contact(to, of)), self.weighed(step, cells.contact(from, of)));
            delta += i64::from(met != other) * gained - i64::from(met != own) * lost;
        }
        delta
    }

    /// Of 2^32 chances those in which a voxel takes another spin, by how many more neighbours have its own than
    /// have the other; from [`MOST`] less on.
    pub(super) fn chances_by_neighbors(&self) -> [u64; 128] {
        std::array::from_fn(|at| self.metropolis.chances(self.contact * (at as i64 - MOST as i64)))
    }

    /// A spin of 1..=Q with Boltzmann's probability: those met one by one, all others at a stroke.
    fn bathe(&self, own: u32, around: &[u32], word: u64) -> u32 {
        // The own spin is as good as any that is not met.
        let (met, count) = distinct(WALL, around);
        let met = &met[..count];
        let energy = |spin: u32| -> i64 {
            let like = around.iter().enumerate().filter(|(_, other)| **other == spin);
            -like.map(|(step, _)| self.weighed(step, self.contact)).sum::<i64>()
        };
        // Against the one of the least energy, so that no weight is lost.
        let unmet = u64::from(self.model.spins) - count as u64;
        let least = met.iter().map(|spin| energy(*spin)).chain((unmet > 0).then_some(0)).min().unwrap_or(0);
        let weight = |energy: i64| self.metropolis.chances(energy - least);
        let of_unmet = weight(0);
        let total = met.iter().map(|spin| u128::from(weight(energy(*spin)))).sum::<u128>();
        let total = total + u128::from(of_unmet) * u128::from(unmet);
        // Less than 2^64 spins of weights up to 2^32: the product of the word and half of that fits.
        let mut pick = (u128::from(word) * total) >> 64;
        for spin in met {
            let weight = u128::from(weight(energy(*spin)));
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
