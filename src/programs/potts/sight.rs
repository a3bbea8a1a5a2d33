//! The cells that a block [sees](crate::programs::potts::owners): those that have a voxel in it or in its shell.

use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasherDefault;

use serde::{Deserialize, Serialize};

use crate::id::BlockId;
use crate::programs::potts::account::{Account, Book, Change, Spread};
use crate::programs::potts::census::{Known, PARTS, halved, whole};
use crate::programs::potts::life::{Mother, surfaces_of};
use crate::programs::potts::model::WALL;
use crate::programs::potts::owned::kind;
use crate::programs::potts::owners::{News, Owners, Told};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::Changes;

/// What a block knows of the cells that it sees, and has to tell their owners.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Sight {
    me: BlockId,
    owners: Owners,
    cells: Book<Seen>,
    /// What is not sent yet.
    letters: BTreeMap<BlockId, News>,
}

/// A cell in sight.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Seen {
    account: Account,
    /// Whether no other block sees it, so that no owner keeps its account.
    alone: bool,
}

impl Sight {
    /// A block that sees nothing yet.
    pub(super) fn new(me: BlockId, owners: Owners) -> Self {
        Self { me, owners, cells: Book::default(), letters: BTreeMap::new() }
    }

    /// Looks at the spins of a block in the beginning.
    pub(super) fn begin(&mut self, rule: &Rule, site: &Site, spins: &Spins) {
        for spin in there(spins) {
            let target = rule.cells().map_or(0, |cells| cells.types()[cells.of(spin)].target as i64 * PARTS);
            self.meet(spin, target);
        }
        let mut volumes = Book::<i64>::default();
        for (z, y) in site.rows() {
            site.places(2).for_each(|x| *volumes.entry(spins.get([z, y, x])).or_default() += 1);
        }
        self.change(volumes.into_iter().collect(), surfaces_of(rule, site, spins, 1, |_| true));
    }

    /// A cell comes into sight of which nobody has told.
    fn meet(&mut self, spin: u32, target: i64) {
        let (account, me) = (Account { target, ..Account::default() }, self.me);
        self.cells.insert(spin, Seen { account, alone: false });
        self.owner(spin).seen(spin, me, target);
    }

    /// The number of cells.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The letter to the owner of a cell.
    fn owner(&mut self, spin: u32) -> &mut News {
        self.letters.entry(self.owners.of(spin)).or_default()
    }

    /// What there is to tell, and to whom; then there is nothing.
    pub(super) fn letters(&mut self) -> impl Iterator<Item = (BlockId, News)> + use<> {
        std::mem::take(&mut self.letters).into_iter().map(|(to, news)| (to, news.brief()))
    }

    /// Forgets cells that are not there any more.
    pub(super) fn forget(&mut self, spins: &Spins) {
        let there = there(spins);
        let lost: Vec<u32> = self.cells.keys().copied().filter(|spin| !there.contains(spin)).collect();
        for spin in lost {
            if self.cells.remove(&spin).is_some_and(|seen| !seen.alone) {
                self.owner(spin).gone(spin);
            }
        }
        self.cells.shrink_to_fit();
    }

    /// What cells gained and lost in the block: of those that it sees alone it keeps the account, of others it tells.
    pub(super) fn change(&mut self, volumes: Changes, surfaces: Changes) {
        let volumes = volumes.into_iter().map(|(spin, volume)| (spin, Change { volume, surface: 0 }));
        let surfaces = surfaces.into_iter().map(|(spin, surface)| (spin, Change { volume: 0, surface }));
        for (spin, by) in volumes.chain(surfaces) {
            match self.cells.get_mut(&spin).filter(|seen| seen.alone) {
                Some(seen) => seen.account.add(by),
                None => self.owner(spin).change(spin, by),
            }
        }
    }

    /// Another block is shown a border that was different `before`, and sees cells by it.
    pub(super) fn show(&mut self, to: BlockId, before: &[u32], border: &[u32]) {
        for (_, spin) in before.iter().zip(border).filter(|(before, spin)| before != spin) {
            let seen = self.cells.get_mut(spin).expect("a block sees the cells of its voxels");
            let (account, alone, me) = (seen.account, std::mem::take(&mut seen.alone), self.me);
            let owner = self.owner(*spin);
            if alone {
                owner.seen(*spin, me, account.target);
                owner.change(*spin, account.all());
            }
            owner.seen(*spin, to, account.target);
        }
    }

    /// Takes what an owner tells.
    pub(super) fn take(&mut self, told: &[Told]) {
        for Told { spin, account, alone } in told {
            self.cells.insert(*spin, Seen { account: *account, alone: *alone });
        }
    }

    /// The accounts of cells that no other block sees, by spin.
    pub(super) fn alone(&self) -> impl Iterator<Item = (u32, &Account)> {
        self.cells.iter().filter(|(_, seen)| seen.alone).map(|(spin, seen)| (*spin, &seen.account))
    }

    /// The accounts of all cells, by spin.
    pub(super) fn accounts_mut(&mut self) -> impl Iterator<Item = (u32, &mut Account)> {
        self.cells.iter_mut().map(|(spin, seen)| (*spin, &mut seen.account))
    }

    /// Cells have divided: what is there now of daughters has come into sight.
    pub(super) fn divide(&mut self, spins: &Spins, mothers: &[Mother]) {
        let there = there(spins);
        for mother in mothers {
            let Some(seen) = self.cells.get_mut(&mother.spin) else { continue };
            let target = halved(seen.account.target);
            seen.account.target = target;
            if there.contains(&mother.daughter) {
                self.meet(mother.daughter, target);
            }
        }
    }

    /// As decisions ask about it: with the types of spins, those of the model and those that were born.
    pub(super) fn known<'a>(&'a self, types: &'a [u8], born: &'a [u8]) -> InSight<'a> {
        InSight { types, born, cells: &self.cells }
    }
}

/// The spins that some voxel of a block or of its shell has.
fn there(spins: &Spins) -> HashSet<u32, BuildHasherDefault<Spread>> {
    // Equal spins follow each other.
    let runs = spins.all().chunk_by(|a, b| a == b);
    runs.map(|run| run[0]).filter(|spin| *spin != WALL).collect()
}

/// The cells in sight as decisions see them.
#[derive(Clone, Copy, Debug)]
pub(super) struct InSight<'a> {
    types: &'a [u8],
    born: &'a [u8],
    cells: &'a Book<Seen>,
}

/// No decision asks about a cell out of sight.
impl Known for InSight<'_> {
    #[inline(always)]
    fn kind(&self, spin: u32) -> usize {
        kind(self.types, self.born, spin)
    }

    #[inline(always)]
    fn volume(&self, spin: u32) -> i64 {
        self.cells[&spin].account.volume
    }

    #[inline(always)]
    fn surface(&self, spin: u32) -> i64 {
        self.cells[&spin].account.surface
    }

    #[inline(always)]
    fn target(&self, spin: u32) -> i64 {
        whole(self.cells[&spin].account.target)
    }
}
