//! What a block of a Potts model has for a row of the table: the energy of its contacts, and who is there.
//!
//! Each pair of neighbours belongs to its later voxel in raster order (in mirrors half to each), so that blocks add up. Cost: a comparison for
//! each pair; memory: a bit for each spin of the model.

use crate::programs::potts::census::Known;
use crate::programs::potts::model::{Boundary, WALL};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;

/// What is known of a block.
pub(super) struct Measured {
    /// Twice the energy of contacts, in thousandths.
    pub(super) contacts: i64,
    /// The energy of potentials, in millionths.
    pub(super) potential: i128,
    /// A bit for each spin that some voxel has; none where cells are counted by their volumes.
    pub(super) present: Vec<u64>,
}

impl Measured {
    /// Looks at every voxel of a block, and where `most` is given notes which spins up to that are there.
    pub(super) fn new(rule: &Rule, site: &Site, spins: &Spins, seen: &impl Known, most: Option<u32>) -> Self {
        let present = most.map_or(Vec::new(), |most| vec![0; most as usize / 64 + 1]);
        let mut measured = Self { contacts: 0, potential: 0, present };
        let mirrors = rule.model.boundary == Boundary::Mirror;
        // The first half of the steps leads to earlier voxels: but in mirrors, where each end looks for itself.
        let (steps, times) = if mirrors { (rule.neighbors, 1) } else { (rule.neighbors / 2, 2) };
        let all = spins.all();
        for (z, y) in site.rows() {
            for parity in [0, 1] {
                let first = site.first_of(2, parity, 2);
                let stretch = spins.stretch([z, y], first, site.places(2).end);
                let own = &all[stretch.first..stretch.first + stretch.len];
                if most.is_some() {
                    own.iter().for_each(|spin| measured.present[*spin as usize / 64] |= 1 << (spin % 64));
                }
                for step in 0..steps {
                    let there = stretch.first.wrapping_add_signed(spins.stride(rule.steps[step], stretch.parity));
                    let met = &all[there..there + stretch.len];
                    // A voxel is like its own image: nothing to leave out.
                    measured.contacts += times
                        * match rule.cells() {
                            None => rule.weighed(step, rule.contact()) * unlike(own, met),
                            Some(_) => contacts(rule, step, own, met, seen),
                        };
                }
                if let Some(terms) = rule.terms.as_ref().filter(|terms| terms.has_potential()) {
                    for (number, spin) in own.iter().enumerate() {
                        let at = site.voxel([z, y, first + 2 * number]);
                        measured.potential += terms.potential(&rule.model, seen.kind(*spin), at);
                    }
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
fn contacts(rule: &Rule, step: usize, own: &[u32], met: &[u32], seen: &impl Known) -> i64 {
    let Some(cells) = rule.cells() else { return 0 };
    let pairs = own.iter().zip(met).filter(|(own, met)| own != met && **met != WALL);
    pairs.map(|(own, met)| rule.weighed(step, cells.contact(seen.kind(*own), seen.kind(*met)))).sum()
}
