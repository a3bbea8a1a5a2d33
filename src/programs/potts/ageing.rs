//! How cells grow older: between sweeps targets grow, cells begin to die, and cells that are large enough divide.

use crate::error::Result;
use crate::programs::potts::cells::{Type, thousandths};
use crate::programs::potts::census::{Census, DYING, grown};
use crate::programs::potts::dice::{Dice, Purpose};
use crate::programs::potts::rule::Rule;

/// What a sweep does to cells, by type.
pub(super) struct Ageing<'a> {
    types: &'a [Type],
    growths: Vec<i64>,
    /// Of 2^32 chances those in which a cell begins to die.
    deaths: Vec<u64>,
    dice: Dice,
}

impl<'a> Ageing<'a> {
    /// What a sweep does; nothing where cells do not age.
    ///
    /// # Errors
    /// Where a growth is none.
    pub(super) fn new(rule: &'a Rule, sweep: u64) -> Result<Option<Self>> {
        let Some(cells) = rule.cells().filter(|cells| cells.ages()) else { return Ok(None) };
        let types = cells.types();
        let growths = types.iter().map(|of| thousandths(of.growth, "a growth")).collect::<Result<_>>()?;
        let deaths = types.iter().map(|of| (of.death * (1u64 << 32) as f64).round() as u64).collect();
        let dice = Dice::new(rule.model.seed, Purpose::Deaths, sweep);
        Ok(Some(Self { types, growths, deaths, dice }))
    }

    /// The random words of these spins; none where nobody dies.
    fn words(&mut self, spins: usize) -> Vec<u32> {
        let mut words = vec![0; if self.deaths.iter().any(|death| *death > 0) { spins } else { 0 }];
        self.dice.fill(0, &mut words);
        words
    }

    /// The random word of a spin, where cells of its type may die.
    pub(super) fn word(&mut self, spin: u32, kind: usize) -> u32 {
        let mut word = [0];
        if self.deaths[kind] > 0 {
            self.dice.fill(spin.into(), &mut word);
        }
        word[0]
    }

    /// Lets a cell of a type and a volume grow older by the sweep; whether it divides.
    pub(super) fn age(&self, kind: usize, volume: i64, word: u32, target: &mut i64) -> bool {
        if *target == DYING {
            return false;
        }
        if volume > 0 && u64::from(word) < self.deaths[kind] {
            *target = DYING;
            return false;
        }
        *target = grown(*target, self.growths[kind]);
        let large = |divide_at: u64| divide_at > 0 && u64::try_from(volume).is_ok_and(|volume| volume >= divide_at);
        large(self.types[kind].divide_at)
    }
}

/// Lets all cells grow older by a sweep, and tells those that divide, ascending.
///
/// # Errors
/// As [`Ageing::new`].
pub(super) fn age(rule: &Rule, census: &mut Census, sweep: u64) -> Result<Vec<u32>> {
    let Some(mut ageing) = Ageing::new(rule, sweep)? else { return Ok(Vec::new()) };
    let words = ageing.words(census.types.len());
    let mut dividing = Vec::new();
    for (spin, target) in census.targets.iter_mut().enumerate() {
        let (kind, volume) = (usize::from(census.types[spin]), census.volumes[spin]);
        if ageing.age(kind, volume, words.get(spin).copied().unwrap_or(0), target) {
            dividing.push(spin as u32);
        }
    }
    Ok(dividing)
}
