//! What the blocks of a Potts model tell all others: how volumes have changed, and what a row of the table needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::programs::potts::division::Bulk;
use crate::programs::potts::life::{first_of, sums_of};

/// Changes of cell volumes: spins, ascending, with what each became more by.
pub type Changes = Vec<(u32, i64)>;

/// What all blocks tell in a step. Whole numbers: the same in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// What cells gained and lost, where volumes matter.
    pub changes: Changes,
    /// What surfaces gained and lost, where they matter.
    pub surfaces: Changes,
    /// Attempts since the last row of the table: visits of voxels.
    pub visits: u64,
    /// Those that changed a voxel.
    pub taken: u64,
    /// Twice the energy of contacts, volumes and surfaces, in thousandths.
    pub energy: i128,
    /// The energy of potentials, in millionths.
    pub potential: i128,
    /// A bit for each spin that some voxel has; none where owners count cells.
    pub present: Vec<u64>,
    /// The cells that owners count.
    pub cells: u64,
    /// The first voxels of cells that divide.
    pub anchors: BTreeMap<u32, u64>,
    /// The sums of cells that divide.
    pub bulks: BTreeMap<u32, Bulk>,
}

impl Combine for Tally {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        merge(&mut self.changes, other.changes);
        self.visits += other.visits;
        self.taken += other.taken;
        self.cells += other.cells;
        merge(&mut self.surfaces, other.surfaces);
        self.energy += other.energy;
        self.potential += other.potential;
        first_of(&mut self.anchors, other.anchors);
        sums_of(&mut self.bulks, other.bulks);
        if self.present.is_empty() {
            self.present = other.present;
        } else {
            self.present.iter_mut().zip(other.present).for_each(|(ours, theirs)| *ours |= theirs);
        }
    }
}

/// Adds changes to others; those that cancel out are left out.
fn merge(ours: &mut Changes, theirs: Changes) {
    if ours.is_empty() || theirs.is_empty() {
        ours.extend(theirs);
        return;
    }
    let mut merged = Changes::with_capacity(ours.len() + theirs.len());
    let (mut a, mut b) = (std::mem::take(ours).into_iter().peekable(), theirs.into_iter().peekable());
    while let (Some(x), Some(y)) = (a.peek().copied(), b.peek().copied()) {
        if x.0 <= y.0 {
            a.next();
        }
        if y.0 <= x.0 {
            b.next();
        }
        match x.0.cmp(&y.0) {
            std::cmp::Ordering::Less => merged.push(x),
            std::cmp::Ordering::Greater => merged.push(y),
            std::cmp::Ordering::Equal if x.1 + y.1 != 0 => merged.push((x.0, x.1 + y.1)),
            std::cmp::Ordering::Equal => {}
        }
    }
    merged.extend(a.chain(b));
    *ours = merged;
}

/// Gathers changes one by one.
#[derive(Clone, Debug, Default)]
pub struct Gathering {
    each: Vec<(u32, i64)>,
}

impl Gathering {
    /// A cell became more by so many voxels.
    #[inline]
    pub fn push(&mut self, spin: u32, by: i64) {
        self.each.push((spin, by));
    }

    /// All of it, and nothing is left here.
    pub fn take(&mut self) -> Changes {
        self.each.sort_unstable_by_key(|(spin, _)| *spin);
        let mut changes = Changes::new();
        for (spin, by) in self.each.drain(..) {
            match changes.last_mut() {
                Some(last) if last.0 == spin => last.1 += by,
                _ => changes.push((spin, by)),
            }
        }
        changes.retain(|(_, by)| *by != 0);
        changes
    }
}

/// A row of the table by time: the state after a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Sweeps that are over.
    pub sweep: u64,
    /// Spins that some voxel has.
    pub cells: u64,
    /// The energy of contacts, volumes, surfaces and potentials.
    pub energy: f64,
    /// Visits of voxels since the row before, or since the beginning.
    pub visits: u64,
    /// Those of them that changed the voxel.
    pub taken: u64,
}

impl Row {
    /// The share of visits that changed a voxel; nothing where there was none.
    pub fn acceptance(&self) -> Option<f64> {
        (self.visits > 0).then(|| self.taken as f64 / self.visits as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::combine::check;

    #[test]
    fn a_tally_keeps_the_laws() {
        let tally = |changes: &[(u32, i64)], seed: u64| Tally {
            changes: changes.to_vec(),
            surfaces: changes.iter().rev().take(1).copied().collect(),
            visits: seed,
            taken: seed / 2,
            cells: seed / 3,
            energy: -i128::from(seed),
            potential: 3 - i128::from(seed),
            present: vec![seed, 1 << (seed % 60)],
            anchors: changes.iter().map(|(spin, by)| (*spin, seed + by.unsigned_abs())).collect(),
            bulks: BTreeMap::from([(seed as u32 % 2, Bulk::default())]),
        };
        let samples = [
            Tally::default(),
            tally(&[], 3),
            tally(&[(1, 2), (5, -2)], 4),
            tally(&[(1, -2), (3, 7), (9, 1)], 5),
            tally(&[(5, 2)], 61),
        ];
        assert_eq!(check(&samples, |a, b| a == b), Ok(()));
    }

    #[test]
    fn what_is_gathered_is_summed_by_spin() {
        let mut gathering = Gathering::default();
        [(3, 1), (1, 1), (3, 1), (2, 1), (2, -1), (1, -4)].into_iter().for_each(|(spin, by)| gathering.push(spin, by));
        assert_eq!(gathering.take(), [(1, -3), (3, 2)]);
        assert_eq!(gathering.take(), []);
    }
}
