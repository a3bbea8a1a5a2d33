//! What a block of a Potts model has for a row of the table: the energy of its contacts, and who is there.
//!
//! Each pair of neighbours belongs to its later voxel in raster order, so that blocks add up. Cost: a comparison for
//! each pair; memory: a bit for each spin of the model.

use crate::programs::potts::cells::Cells;
use crate::programs::potts::model::WALL;
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;

/// What is known of a block.
pub(super) struct Measured {
    /// The energy of contacts, in thousandths.
    pub(super) energy: i64,
    /// A bit for each spin that some voxel has.
    pub(super) present: Vec<u64>,
}

impl Measured {
    /// Looks at every voxel of a block.
    pub(super) fn new(rule: &Rule, site: &Site, spins: &Spins) -> Self {
        let mut measured = Self { energy: 0, present: vec![0; rule.model.spins as usize / 64 + 1] };
        // The first half of the steps leads to earlier voxels.
        let steps = &rule.steps[..rule.steps.len() / 2];
        let all = spins.all();
        for (z, y) in site.rows() {
            for parity in [0, 1] {
                let stretch = spins.stretch([z, y], site.first_of(2, parity, 2), site.places(2).end);
                let own = &all[stretch.first..stretch.first + stretch.len];
                own.iter().for_each(|spin| measured.present[*spin as usize / 64] |= 1 << (spin % 64));
                for step in steps {
                    let there = stretch.first.wrapping_add_signed(spins.stride(*step, stretch.parity));
                    let met = &all[there..there + stretch.len];
                    measured.energy += match rule.cells() {
                        None => rule.contact() * unlike(own, met),
                        Some(cells) => contacts(cells, own, met),
                    };
                }
            }
        }
        measured
    }
}

/// How many of these pairs are of different spins, neither beyond a wall.
fn unlike(own: &[u32], met: &[u32]) -> i64 {
    let pairs = own.iter().zip(met);
    i64::from(pairs.map(|(own, met)| u32::from(own != met) & u32::from(*met != WALL)).sum::<u32>())
}

/// The energy of these pairs by the types of cells.
fn contacts(cells: &Cells, own: &[u32], met: &[u32]) -> i64 {
    let pairs = own.iter().zip(met).filter(|(own, met)| own != met && **met != WALL);
    pairs.map(|(own, met)| cells.contact(cells.of(*own), cells.of(*met))).sum()
}
