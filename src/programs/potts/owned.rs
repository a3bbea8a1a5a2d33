//! What a block of a Potts model has where cells have [owners](crate::programs::potts::owners): the cells that it sees,
//! and the accounts that it keeps for all who see a cell.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::id::BlockId;
use crate::pregel::block::Superstep;
use crate::programs::potts::account::Account;
use crate::programs::potts::ageing::Ageing;
use crate::programs::potts::life::Mother;
use crate::programs::potts::owners::{Ledger, News, Owners};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::run::Parcel;
use crate::programs::potts::sight::{InSight, Sight};
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::Tally;

/// As one who sees cells, and as an owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Owned {
    pub(super) sight: Sight,
    ledger: Ledger,
    /// The types of all cells that were born, in every block the same: from the spin on that is next to the model's.
    born: Vec<u8>,
    /// Whether owners are to settle accounts before the next step.
    pub(super) settling: bool,
}

impl Owned {
    /// A block that has not looked yet.
    pub(super) fn new(id: BlockId, owners: Owners) -> Self {
        Self { sight: Sight::new(id, owners), ledger: Ledger::default(), born: Vec::new(), settling: false }
    }

    /// Sends what there is to tell to owners, who settle it in the next superstep.
    pub(super) fn post(&mut self, at: &mut Superstep<'_, Parcel, Tally>) {
        for (to, news) in self.sight.letters() {
            at.count(news.len());
            at.send(to, Parcel::News(news));
        }
        self.settling = true;
    }

    /// Takes news as an owner, and tells who has to know.
    pub(super) fn settle(&mut self, at: &mut Superstep<'_, Parcel, Tally>, letters: &[(BlockId, News)]) {
        for (to, told) in self.ledger.settle(letters) {
            at.count(told.len() as u64);
            at.send(to, Parcel::Told(told));
        }
    }

    /// The cells whose account is here, and their energy in thousandths: over all blocks each cell once.
    pub(super) fn sums(&self, rule: &Rule) -> (u64, i128) {
        let strain = |(spin, account): (u32, &Account)| account.strain(rule, self.kind(rule, spin));
        let there = self.sight.alone().chain(self.ledger.accounts()).filter(|(_, account)| account.volume > 0);
        there.fold((0, 0), |(cells, energy), cell| (cells + 1, energy + strain(cell)))
    }

    /// The cells in sight, as decisions ask about them.
    pub(super) fn known<'a>(&'a self, rule: &'a Rule) -> InSight<'a> {
        self.sight.known(usual(rule), &self.born)
    }

    /// The largest spin there may be.
    pub(super) fn most(&self, rule: &Rule) -> u32 {
        // Numbers of spins fit into 32 bits.
        rule.model.spins + self.born.len() as u32
    }

    fn kind(&self, rule: &Rule, spin: u32) -> usize {
        kind(usual(rule), &self.born, spin)
    }

    /// Lets cells grow older by a sweep, and tells those in sight that divide, ascending.
    ///
    /// # Errors
    /// As [`Ageing::new`].
    pub(super) fn age(&mut self, rule: &Rule, sweep: u64) -> Result<Vec<u32>> {
        let Some(mut ageing) = Ageing::new(rule, sweep)? else { return Ok(Vec::new()) };
        let (types, born) = (usual(rule), &self.born);
        let mut age = |spin: u32, account: &mut Account| {
            let kind = kind(types, born, spin);
            let word = ageing.word(spin, kind);
            ageing.age(kind, account.volume, word, &mut account.target)
        };
        // Who sees a cell and its owner say the same of it.
        self.ledger.accounts_mut().for_each(|(spin, account)| _ = age(spin, account));
        let in_sight = self.sight.accounts_mut().filter_map(|(spin, account)| age(spin, account).then_some(spin));
        let mut dividing: Vec<u32> = in_sight.collect();
        dividing.sort_unstable();
        Ok(dividing)
    }

    /// Cells have divided: a daughter is of the type of its mother, and both have half its target.
    pub(super) fn divide(&mut self, rule: &Rule, spins: &Spins, mothers: &[Mother]) {
        for mother in mothers {
            self.born.push(self.kind(rule, mother.spin) as u8);
            self.ledger.halve(mother.spin);
        }
        self.sight.divide(spins, mothers);
    }
}

/// The types of the spins of a model.
fn usual(rule: &Rule) -> &[u8] {
    rule.cells().map_or(&[][..], |cells| &cells.all()[..=rule.model.spins as usize])
}

/// The type of a spin, those of the model first.
#[inline(always)]
pub(super) fn kind(types: &[u8], born: &[u8], spin: u32) -> usize {
    let spin = spin as usize;
    usize::from(if spin < types.len() { types[spin] } else { born[spin - types.len()] })
}
