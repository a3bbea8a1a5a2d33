//! A set of numbers that tells how many of them are smaller than another.
//!
//! A bit for each number that may be in it, and beside every 32 bits the count of those before:
//! a quarter of a byte a number, and one place in memory a question.

/// A set of numbers below a bound. It is filled, then sealed, then asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranks {
    /// Bits, and how many numbers are in the set before them.
    cells: Vec<[u32; 2]>,
}

impl Ranks {
    /// The empty set of numbers below `bound`; nothing where memory is lacking.
    pub(super) fn new(bound: usize) -> Option<Self> {
        let (mut cells, count) = (Vec::new(), bound.div_ceil(32));
        cells.try_reserve_exact(count).ok()?;
        cells.resize(count, [0, 0]);
        Some(Self { cells })
    }

    #[inline]
    pub(super) fn insert(&mut self, number: usize) {
        self.cells[number / 32][0] |= 1 << (number % 32);
    }

    /// Counts what is in the set, so that it can be asked; gives the count.
    pub(super) fn seal(&mut self) -> u64 {
        let mut before = 0u64;
        for [bits, count] in &mut self.cells {
            // A set of 2^32 numbers or more is refused by who gets the count.
            *count = before as u32;
            before += u64::from(bits.count_ones());
        }
        before
    }

    /// How many numbers of the set are smaller.
    #[inline]
    pub(super) fn rank(&self, number: usize) -> u32 {
        let [bits, before] = self.cells[number / 32];
        before + (bits & ((1 << (number % 32)) - 1)).count_ones()
    }

    /// The numbers of the set, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().enumerate().flat_map(|(cell, [bits, _])| {
            let mut rest = *bits;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
                rest &= rest - 1;
                Some(cell * 32 + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_rank_is_how_many_are_smaller(numbers in prop::collection::btree_set(0usize..300, 0..200)) {
            let numbers: BTreeSet<usize> = numbers;
            let mut ranks = Ranks::new(300).unwrap();
            numbers.iter().for_each(|number| ranks.insert(*number));
            prop_assert_eq!(ranks.seal(), numbers.len() as u64);
            prop_assert!(ranks.iter().eq(numbers.iter().copied()));
            for number in 0..300 {
                prop_assert_eq!(ranks.rank(number) as usize, numbers.range(..number).count());
            }
        }
    }

    #[test]
    fn a_set_that_does_not_fit_is_none() {
        assert!(Ranks::new(usize::MAX).is_none());
    }
}
