//! A set of slots that is filled in any order and emptied in ascending order.
//!
//! Two levels of bits: inserting touches one bit a slot, in an array so small that it stays in the
//! cache, and emptying skips 4096 slots at a look. What is visited in ascending order lies close
//! together: on a lattice that is worth more than any list in the order of arrival.

/// The slots that are to be called.
#[derive(Debug, Default)]
pub(crate) struct Awake {
    /// A bit for each slot.
    slots: Vec<u64>,
    /// A bit for each word of `slots` that is not zero.
    words: Vec<u64>,
}

impl Awake {
    /// None of `slots` slots.
    pub(crate) fn new(slots: usize) -> Self {
        let words = slots.div_ceil(64);
        Self { slots: vec![0; words], words: vec![0; words.div_ceil(64)] }
    }

    #[inline]
    pub(crate) fn insert(&mut self, slot: u32) {
        let word = slot as usize / 64;
        self.slots[word] |= 1 << (slot % 64);
        self.words[word / 64] |= 1 << (word % 64);
    }

    /// Visits the slots, ascending, and forgets them.
    #[inline]
    pub(crate) fn drain(&mut self, mut visit: impl FnMut(u32)) {
        for (block, words) in self.words.iter_mut().enumerate() {
            let mut left = std::mem::take(words);
            while left != 0 {
                let word = block * 64 + left.trailing_zeros() as usize;
                left &= left - 1;
                let mut bits = std::mem::take(&mut self.slots[word]);
                while bits != 0 {
                    visit((word * 64) as u32 + bits.trailing_zeros());
                    bits &= bits - 1;
                }
            }
        }
    }

    /// Visits the slots, ascending, and forgets them, over and over until there are none or the visit
    /// says no; the visit may insert others, and those ahead of it are visited in the same pass.
    #[inline]
    pub(crate) fn settle(&mut self, mut visit: impl FnMut(&mut Self, u32) -> bool) {
        let mut left = true;
        while std::mem::take(&mut left) {
            for block in 0..self.words.len() {
                while self.words[block] != 0 {
                    left = true;
                    let word = block * 64 + self.words[block].trailing_zeros() as usize;
                    let bits = self.slots[word];
                    let bit = bits.trailing_zeros();
                    self.slots[word] = bits & (bits - 1);
                    if self.slots[word] == 0 {
                        self.words[block] &= self.words[block] - 1;
                    }
                    if !visit(self, (word * 64) as u32 + bit) {
                        return self.drain(|_| {});
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_out_ascending_once_and_are_forgotten() {
        let mut awake = Awake::new(20_000);
        for round in 0..3u32 {
            let mut expected: Vec<u32> = (0..500).map(|at| (at * 7919 + round * 31) % 20_000).collect();
            expected.iter().chain(&expected[..100]).for_each(|slot| awake.insert(*slot));
            expected.sort_unstable();
            expected.dedup();
            let mut found = Vec::new();
            awake.drain(|slot| found.push(slot));
            assert_eq!(found, expected);
        }
    }
}
