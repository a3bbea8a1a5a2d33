//! The owners of cells: how volumes and surfaces are kept where nobody can know all cells.
//!
//! A block sees the cells that have a voxel in it or in its shell, and decides about no other. A cell that one block
//! alone sees is the business of that block. Of one that several see an *owner*, the block that its spin names, keeps the
//! account: who sees it tells the owner what it gained and lost in a step, and the owner tells the sum to all who see it
//! before the next. So a step takes two supersteps, and what travels are changes of cells at borders.
//!
//! Who sees a cell is known without asking. A block comes to see one by a border that another shows it, so the one that
//! shows it says so to the owner in the same superstep, and the account is there when it is needed. A block that sees a
//! cell no more looks for such once a sweep, and tells the owner; where one block is left, the account goes to it.
//!
//! Between sweeps all who see a cell and its owner let it grow older alike. Cells that divide are told to all blocks, as
//! their daughters are numbered in one order; where cells may divide, a sweep takes one superstep more to hear of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::BlockId;
use crate::programs::potts::account::{Account, Book, Change};
use crate::programs::potts::census::halved;

/// Which block owns which cells.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Owners {
    pub(super) blocks: u32,
    /// The largest spin of the model.
    pub(super) spins: u32,
}

impl Owners {
    /// The owner of a cell. Spins that follow each other lie near each other as a rule, and have the same.
    pub(super) fn of(self, spin: u32) -> BlockId {
        let spins = u64::from(self.spins) + 1;
        // Less than the number of blocks.
        BlockId((u64::from(spin) % spins * u64::from(self.blocks) / spins) as u32)
    }
}

/// What a block tells the owner of some cells.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct News {
    /// Cells that it sees no more.
    gone: Vec<u32>,
    /// Who sees a cell from now on, and its target.
    seen: Vec<(u32, BlockId, i64)>,
    /// What cells gained and lost; of a cell that was its own business, all that it has.
    changes: Vec<(u32, Change)>,
}

/// What an owner tells of a cell.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Told {
    pub(super) spin: u32,
    pub(super) account: Account,
    /// Whether it is told to the only block that sees the cell, and is its business now.
    pub(super) alone: bool,
}

impl News {
    /// How much it tells.
    pub(super) fn len(&self) -> u64 {
        (self.gone.len() + self.seen.len() + self.changes.len()) as u64
    }

    /// The writer sees a cell no more.
    pub(super) fn gone(&mut self, spin: u32) {
        self.gone.push(spin);
    }

    /// A block sees a cell of some target.
    pub(super) fn seen(&mut self, spin: u32, by: BlockId, target: i64) {
        self.seen.push((spin, by, target));
    }

    /// A cell changed.
    pub(super) fn change(&mut self, spin: u32, by: Change) {
        self.changes.push((spin, by));
    }

    /// Tells nothing twice: a border shows a cell many times.
    pub(super) fn brief(mut self) -> Self {
        self.seen.sort_unstable();
        self.seen.dedup();
        self
    }
}

/// The accounts that a block keeps as an owner: of cells that several blocks see.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    shared: Book<Shared>,
}

/// A cell that several blocks see.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Shared {
    account: Account,
    /// Who sees it, ascending.
    by: Vec<BlockId>,
}

impl Ledger {
    /// Takes the news of a superstep, and tells those who have to know.
    pub(super) fn settle(&mut self, letters: &[(BlockId, News)]) -> BTreeMap<BlockId, Vec<Told>> {
        let mut touched = Vec::new();
        // Whom a cell is shown in the superstep in which it sees it no more sees it again.
        for (from, news) in letters {
            for spin in &news.gone {
                if let Some(shared) = self.shared.get_mut(spin) {
                    shared.by.retain(|by| by != from);
                }
            }
        }
        for (spin, by, target) in letters.iter().flat_map(|(_, news)| &news.seen) {
            let shared = self.shared.entry(*spin).or_default();
            shared.account.target = *target;
            if let Err(place) = shared.by.binary_search(by) {
                shared.by.insert(place, *by);
            }
            touched.push(*spin);
        }
        for (spin, by) in letters.iter().flat_map(|(_, news)| &news.changes) {
            self.shared.entry(*spin).or_default().account.add(*by);
            touched.push(*spin);
        }
        let gone = letters.iter().flat_map(|(_, news)| news.gone.iter().copied());
        touched.extend(gone.filter(|spin| self.shared.get(spin).is_some_and(|shared| shared.by.len() < 2)));
        touched.sort_unstable();
        touched.dedup();
        let mut told: BTreeMap<BlockId, Vec<Told>> = BTreeMap::new();
        for spin in touched {
            let Some(Shared { account, by }) = self.shared.get(&spin) else { continue };
            let alone = by.len() == 1;
            by.iter().for_each(|by| told.entry(*by).or_default().push(Told { spin, account: *account, alone }));
            if by.len() < 2 {
                self.shared.remove(&spin);
            }
        }
        if letters.iter().any(|(_, news)| !news.gone.is_empty()) {
            self.shared.shrink_to_fit();
        }
        told
    }

    /// The accounts, by spin.
    pub(super) fn accounts(&self) -> impl Iterator<Item = (u32, &Account)> {
        self.shared.iter().map(|(spin, shared)| (*spin, &shared.account))
    }

    /// The accounts, by spin.
    pub(super) fn accounts_mut(&mut self) -> impl Iterator<Item = (u32, &mut Account)> {
        self.shared.iter_mut().map(|(spin, shared)| (*spin, &mut shared.account))
    }

    /// A cell, if it is kept here, has half its target.
    pub(super) fn halve(&mut self, spin: u32) {
        if let Some(Shared { account, .. }) = self.shared.get_mut(&spin) {
            account.target = halved(account.target);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_an_owner_and_owners_have_as_many() {
        for (blocks, spins) in [(1, 0), (1, 9), (3, 9), (8, 7), (5, 2), (7, u32::MAX - 2)] {
            let owners = Owners { blocks, spins };
            assert!([0, spins / 2, spins, u32::MAX - 1].iter().all(|spin| owners.of(*spin).0 < blocks));
        }
        let owners = Owners { blocks: 4, spins: 99 };
        let count = |of: u32| (0..100).filter(|spin| owners.of(*spin).0 == of).count();
        assert_eq!([0, 1, 2, 3].map(count), [25; 4]);
    }

    #[test]
    fn an_account_goes_to_the_only_block_that_sees_a_cell_and_comes_back() {
        let [a, b] = [BlockId(0), BlockId(1)];
        let mut ledger = Ledger::default();
        let change = |volume: i64| Change { volume, surface: -volume };
        let mut tell = |letters: Vec<(BlockId, News)>| -> Vec<(u32, i64, bool)> {
            let told = ledger.settle(&letters);
            told.into_iter()
                .flat_map(|(to, told)| told.into_iter().map(move |of| (to.0, of.account.volume, of.alone)))
                .collect()
        };
        let news = |gone: &[u32], seen: &[u32], changes: &[i64]| News {
            gone: gone.to_vec(),
            seen: seen.iter().map(|by| (7, BlockId(*by), 3)).collect(),
            changes: changes.iter().map(|by| (7, change(*by))).collect(),
        };
        // Both see it; one loses what the other has.
        assert_eq!(tell(vec![(a, news(&[], &[0], &[5])), (b, news(&[], &[1], &[4]))]), [(0, 9, false), (1, 9, false)]);
        assert_eq!(tell(vec![(a, news(&[], &[], &[-8])), (b, news(&[], &[], &[1]))]), [(0, 2, false), (1, 2, false)]);
        // Who sees it no more, and is shown it at once, goes on.
        assert_eq!(tell(vec![(a, news(&[], &[1], &[])), (b, news(&[7], &[], &[]))]), [(0, 2, false), (1, 2, false)]);
        // Who is left has the account; it comes back as a whole.
        assert_eq!(tell(vec![(b, news(&[7], &[], &[]))]), [(0, 2, true)]);
        assert_eq!(tell(vec![(a, news(&[], &[0, 1], &[6]))]), [(0, 6, false), (1, 6, false)]);
        // All forget it.
        assert_eq!(tell(vec![(a, news(&[7], &[], &[])), (b, news(&[7], &[], &[]))]), []);
        assert_eq!(ledger.shared.len(), 0);
    }
}
