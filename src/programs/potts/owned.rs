//! What a block of a Potts model has where cells have [owners](crate::programs::potts::owners): the cells that it sees,
//! and the accounts that it keeps for all who see a cell.

use serde::{Deserialize, Serialize};

use crate::id::BlockId;
use crate::pregel::block::Superstep;
use crate::programs::potts::owners::{Ledger, News, Owners};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::run::Parcel;
use crate::programs::potts::sight::Sight;
use crate::programs::potts::tally::Tally;

/// As one who sees cells, and as an owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Owned {
    pub(super) sight: Sight,
    ledger: Ledger,
    /// Whether owners are to settle accounts before the next step.
    pub(super) settling: bool,
}

impl Owned {
    /// A block that has not looked yet.
    pub(super) fn new(id: BlockId, owners: Owners) -> Self {
        Self { sight: Sight::new(id, owners), ledger: Ledger::default(), settling: false }
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
        let (sight, ledger) = (self.sight.sums(rule), self.ledger.sums(rule));
        (sight.0 + ledger.0, sight.1 + ledger.1)
    }
}
