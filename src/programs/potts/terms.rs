//! What a copy costs beside contacts and volumes: surfaces, pieces of cells, forces, fields.
//!
//! All are sums of whole thousandths; a product of two is rounded down. A model that has none of them has no terms, and
//! asks nothing of this.

use crate::error::Result;
use crate::lattice::stencil::Step;
use crate::programs::potts::cells::{Cells, Connected, Type, thousandths};
use crate::programs::potts::census::Known;
use crate::programs::potts::connected::{is_one_piece, number};
use crate::programs::potts::metropolis::UNIT;
use crate::programs::potts::model::{Energy, Model, WALL};
use crate::volume::shape::Shape;

/// The terms of a model, by type.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Terms {
    /// The steps among which surfaces are counted, as numbers among all; none where no surface is held.
    surface: Vec<usize>,
    /// What surfaces strive for, by type.
    surfaces: Vec<i64>,
    /// The steps to voxels that touch, as numbers among all, each with its number among the 26; none where no type
    /// stays in one piece.
    touching: Vec<(usize, usize)>,
    connected: Vec<Piece>,
    /// What a copy costs that goes back by a step, by type and number of the step; none where there is no force.
    pushes: Vec<i64>,
    steps: usize,
    /// By type, in thousandths.
    potential: Vec<i64>,
    chemotaxis: Vec<i64>,
    feels: bool,
}

/// Whether cells of a type may be parted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Piece {
    Any,
    One,
    At(i64),
}

/// A voxel that would become another's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copying {
    pub(super) own: u32,
    pub(super) other: u32,
    /// The type of each.
    pub(super) from: usize,
    pub(super) to: usize,
    /// The number of the step to where it is copied from, where it is.
    pub(super) by: Option<usize>,
}

impl Terms {
    /// The terms of a model, where it has any, and all steps that have to be known: those of the neighbourhood first.
    ///
    /// # Errors
    /// Where an energy is none.
    pub(super) fn new(model: &Model) -> Result<(Option<Self>, Vec<Step>)> {
        let mut steps: Vec<Step> = model.neighborhood.steps().collect();
        let Energy::Cells(cells) = &model.energy else { return Ok((None, steps)) };
        let any = |of: fn(&Type) -> bool| cells.types().iter().any(of);
        let pieces = any(|of| of.connected != Connected::No);
        let pushed = any(|of| of.force != [0.0; 3]);
        let feels = any(|of| of.potential != 0.0 || of.chemotaxis != 0.0);
        if !(cells.holds_surfaces() || pieces || pushed || feels) {
            return Ok((None, steps));
        }
        let mut known = |step: Step| {
            steps.iter().position(|there| *there == step).unwrap_or_else(|| {
                steps.push(step);
                steps.len() - 1
            })
        };
        let (mut surface, mut touching) = (Vec::new(), Vec::new());
        if cells.holds_surfaces() {
            surface = model.surface.unwrap_or(model.neighborhood).steps().map(&mut known).collect();
        }
        if pieces {
            touching = model.neighborhood.touching().steps().map(|step| (known(step), number(step))).collect();
        }
        let types = || cells.types().iter();
        let scaled = |value: f64| thousandths(value, "an energy");
        let mut pushes = Vec::new();
        if pushed {
            for kind in types() {
                for step in &steps {
                    let along = (0..3).map(|axis| Ok(scaled(kind.force[axis])? * i64::from(step[axis])));
                    pushes.push(along.sum::<Result<i64>>()?);
                }
            }
        }
        let connected = |kind: &Type| match kind.connected {
            Connected::No => Ok(Piece::Any),
            Connected::Always => Ok(Piece::One),
            Connected::At(energy) => scaled(energy).map(Piece::At),
        };
        let terms = Self {
            surface,
            surfaces: types().map(|of| of.surface as i64).collect(),
            touching,
            connected: types().map(connected).collect::<Result<_>>()?,
            pushes,
            steps: steps.len(),
            potential: types().map(|of| scaled(of.potential)).collect::<Result<_>>()?,
            chemotaxis: types().map(|of| scaled(of.chemotaxis)).collect::<Result<_>>()?,
            feels,
        };
        Ok((Some(terms), steps))
    }

    /// What a copy costs, in thousandths; nothing where it may not be. `met` is the spin a numbered step away.
    #[inline]
    pub(super) fn cost(
        &self,
        scene: Scene<'_>,
        copying: Copying,
        at: [usize; 3],
        met: impl Fn(usize) -> u32,
        known: &impl Known,
    ) -> Option<i64> {
        let Copying { own, other, from, to, by } = copying;
        let Scene { model, shape, cells, steps } = scene;
        let mut cost = 0;
        if !self.surface.is_empty() {
            let (less, more) = self.pairs(own, other, &met);
            let beyond = |spin: u32, kind: usize| known.surface(spin) - self.surfaces[kind];
            cost += cells.spreading(from, beyond(own, from), less) + cells.spreading(to, beyond(other, to), more);
        }
        if !self.touching.is_empty() {
            for (kind, parted) in [(from, Parted::Left(own)), (to, Parted::Joined(other))] {
                match self.connected[kind] {
                    Piece::Any => {}
                    _ if !self.parts(parted, &met) => {}
                    Piece::One => return None,
                    Piece::At(energy) => cost += energy,
                }
            }
        }
        if let Some(by) = by.filter(|_| !self.pushes.is_empty()) {
            cost += self.pushes[to * self.steps + by];
        }
        if let Some(field) = model.field.as_ref().filter(|_| self.feels) {
            let here = field.at(at);
            cost += ((self.potential[to] - self.potential[from]) * here).div_euclid(UNIT);
            if let Some(there) =
                by.filter(|_| self.chemotaxis[to] != 0).and_then(|by| model.beside(shape, at, steps[by]))
            {
                cost -= (self.chemotaxis[to] * (here - field.at(there))).div_euclid(UNIT);
            }
        }
        Some(cost)
    }

    /// Whether surfaces are counted.
    #[inline(always)]
    pub(super) fn counts_surfaces(&self) -> bool {
        !self.surface.is_empty()
    }

    /// The steps among which surfaces are counted, as numbers among all.
    pub(super) fn surface_steps(&self) -> &[usize] {
        &self.surface
    }

    /// By how many pairs the surfaces of two cells grow when a voxel of the one becomes one of the other.
    #[inline]
    pub(super) fn pairs(&self, own: u32, other: u32, met: impl Fn(usize) -> u32) -> (i64, i64) {
        let (mut of_own, mut of_other) = (0, 0);
        for step in &self.surface {
            let spin = met(*step);
            if spin != WALL {
                of_own += if spin == own { 1 } else { -1 };
                of_other += if spin == other { -1 } else { 1 };
            }
        }
        (of_own, of_other)
    }

    /// Whether a cell is parted where a voxel leaves or joins it.
    fn parts(&self, parted: Parted, met: impl Fn(usize) -> u32) -> bool {
        let around = |spin: u32| {
            let like = |(step, at): &(usize, usize)| u32::from(met(*step) == spin) << at;
            self.touching.iter().map(like).sum::<u32>()
        };
        match parted {
            Parted::Left(spin) => !is_one_piece(around(spin)),
            Parted::Joined(spin) => around(spin) == 0,
        }
    }

    /// The potential of a voxel of a type, in millionths.
    pub(super) fn potential(&self, model: &Model, kind: usize, at: [usize; 3]) -> i128 {
        match &model.field {
            Some(field) if self.potential[kind] != 0 => i128::from(self.potential[kind]) * i128::from(field.at(at)),
            _ => 0,
        }
    }

    /// Whether any type has a potential.
    pub(super) fn has_potential(&self) -> bool {
        self.potential.iter().any(|of| *of != 0)
    }
}

/// Where a copy happens.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) model: &'a Model,
    pub(super) shape: Shape,
    pub(super) cells: &'a Cells,
    pub(super) steps: &'a [Step],
}

/// How a voxel may part a cell.
#[derive(Clone, Copy)]
enum Parted {
    /// By leaving it.
    Left(u32),
    /// By joining it.
    Joined(u32),
}
