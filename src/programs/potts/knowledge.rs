//! What a block knows of cells, and how it comes to know it: by a [census](crate::programs::potts::census) of all, or by
//! [owners](crate::programs::potts::owners) of those that it sees.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::id::BlockId;
use crate::pregel::block::Superstep;
use crate::programs::potts::ageing::age;
use crate::programs::potts::cells::Cells;
use crate::programs::potts::census::{Census, Seen};
use crate::programs::potts::life::Mother;
use crate::programs::potts::measured::Measured;
use crate::programs::potts::owned::Owned;
use crate::programs::potts::owners::{News, Owners, Told};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::run::Parcel;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::{Changes, Tally};

/// What a block knows of cells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Knowledge {
    /// All that there is to know, as every block does.
    All(Census),
    /// Those that it sees, and those that it owns.
    Some(Owned),
}

impl Default for Knowledge {
    fn default() -> Self {
        Self::All(Census::default())
    }
}

impl Knowledge {
    /// A block that knows nothing yet.
    pub(super) fn new(rule: &Rule, id: BlockId, owners: Option<Owners>) -> Self {
        match owners {
            Some(owners) => Self::Some(Owned::new(id, owners)),
            None => Self::All(Census::new(rule)),
        }
    }

    /// Looks at the spins of a block in the beginning.
    pub(super) fn begin(
        &mut self,
        at: &mut Superstep<'_, Parcel, Tally>,
        rule: &Rule,
        site: &Site,
        spins: &Spins,
        tally: &mut Tally,
    ) {
        match self {
            Self::All(_) => (tally.changes, tally.surfaces) = Census::count(rule, site, spins),
            Self::Some(owned) => {
                owned.sight.begin(rule, site, spins);
                owned.post(at);
            }
        }
    }

    /// Takes what all have told, and what was sent: as one who sees cells, and as an owner.
    pub(super) fn hear(
        &mut self,
        at: &mut Superstep<'_, Parcel, Tally>,
        told: &[Vec<Told>],
        letters: &[(BlockId, News)],
    ) {
        match self {
            Self::All(census) => census.add(&at.global().changes, &at.global().surfaces),
            Self::Some(owned) => {
                told.iter().for_each(|told| owned.sight.take(told));
                owned.settle(at, letters);
            }
        }
    }

    /// Whether owners settle accounts in this superstep, and all else waits.
    pub(super) fn settles(&mut self) -> bool {
        match self {
            Self::All(_) => false,
            Self::Some(owned) => std::mem::take(&mut owned.settling),
        }
    }

    /// What this block has to tell of the number and the energy, in thousandths, of all cells; the `first` block for all
    /// where every block knows them.
    pub(super) fn sums(&self, rule: &Rule, first: bool) -> (u64, i128) {
        match self {
            // Who is there is told by the bits of spins.
            Self::All(census) => (0, if first { census.strain(rule) } else { 0 }),
            Self::Some(owned) => owned.sums(rule),
        }
    }

    /// Looks at every voxel of a block.
    pub(super) fn measure(&self, rule: &Rule, site: &Site, spins: &Spins) -> Measured {
        match self {
            Self::All(census) => Measured::new(rule, site, spins, &Seen::new(rule, census), Some(census.most(rule))),
            Self::Some(owned) => Measured::new(rule, site, spins, &owned.known(rule), None),
        }
    }

    /// The largest spin there may be.
    pub(super) fn most(&self, rule: &Rule) -> u32 {
        match self {
            Self::All(census) => census.most(rule),
            Self::Some(owned) => owned.most(rule),
        }
    }

    /// Lets cells grow older by a sweep: those that divide, ascending, and whether others may, of which the next superstep
    /// tells.
    ///
    /// # Errors
    /// As [`age`].
    pub(super) fn age(&mut self, rule: &Rule, sweep: u64) -> Result<(Vec<u32>, bool)> {
        match self {
            Self::All(census) => age(rule, census, sweep).map(|dividing| {
                let some = !dividing.is_empty();
                (dividing, some)
            }),
            Self::Some(owned) => Ok((owned.age(rule, sweep)?, rule.cells().is_some_and(Cells::divides))),
        }
    }

    /// Cells have divided, and lost and gained what `changes` say here: a daughter is of the type of its mother, and both
    /// have half its target.
    pub(super) fn divide(
        &mut self,
        at: &mut Superstep<'_, Parcel, Tally>,
        rule: &Rule,
        spins: &Spins,
        mothers: &[Mother],
        changes: (Changes, Changes),
        tally: &mut Tally,
    ) {
        match self {
            Self::All(census) => census.divide(rule, mothers),
            Self::Some(owned) => owned.divide(rule, spins, mothers),
        }
        self.change(changes, tally);
        self.post(at);
    }

    /// Cells gain and lose volumes and surfaces in the block.
    pub(super) fn change(&mut self, (volumes, surfaces): (Changes, Changes), tally: &mut Tally) {
        match self {
            Self::All(_) => (tally.changes, tally.surfaces) = (volumes, surfaces),
            Self::Some(owned) => owned.sight.change(volumes, surfaces),
        }
    }

    /// Forgets cells that are not there any more.
    pub(super) fn forget(&mut self, spins: &Spins) {
        if let Self::Some(owned) = self {
            owned.sight.forget(spins);
        }
    }

    /// Whether it matters what others come to see by a border.
    pub(super) fn is_of_sight(&self) -> bool {
        matches!(self, Self::Some(_))
    }

    /// Another block is shown a border that was different `before`.
    pub(super) fn show(&mut self, to: BlockId, before: &[u32], border: &[u32]) {
        if let Self::Some(owned) = self {
            owned.sight.show(to, before, border);
        }
    }

    /// Sends to owners what there is to tell them.
    pub(super) fn post(&mut self, at: &mut Superstep<'_, Parcel, Tally>) {
        if let Self::Some(owned) = self {
            owned.post(at);
        }
    }
}
