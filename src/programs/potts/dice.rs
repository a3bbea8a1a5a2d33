//! Random numbers of a Potts model: addressed, not drawn in turn.
//!
//! ChaCha8 with the seed as key, a stream for each step (sweep and colour), and a word position for each voxel:
//! there is no state to save, and a voxel has the same numbers whatever block it lies in. Cost: about a cycle a
//! byte, and four blocks of 64 bytes where a stretch does not follow the one before.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::volume::shape::Shape;

/// What the numbers are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Spins in the beginning, a word each, in raster order.
    Beginning = 16,
    /// Attempts.
    Attempts = 17,
    /// Which cells begin to die after a sweep, a word for each spin.
    Deaths = 18,
}

/// The numbers of one step.
pub struct Dice {
    rng: ChaCha8Rng,
    /// The word that comes next.
    next: u128,
}

impl Dice {
    /// The numbers of `purpose` in `step`.
    pub fn new(seed: u64, purpose: Purpose, step: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(step);
        Self { rng, next: 0 }
    }

    /// Words from `first` on.
    #[inline]
    pub fn fill(&mut self, first: u128, words: &mut [u32]) {
        if first != self.next {
            self.rng.set_word_pos(first);
        }
        self.rng.fill_bytes(bytemuck::cast_slice_mut(words));
        words.iter_mut().for_each(|word| *word = u32::from_le(*word));
        self.next = first + words.len() as u128;
    }
}

/// The number of a voxel among those of its colour in a volume of `shape`, in raster order.
#[inline]
pub fn place(shape: Shape, [z, y, x]: [usize; 3]) -> u128 {
    let [_, ny, nx] = shape.0.map(|n| n.div_ceil(2) as u128);
    ((z / 2) as u128 * ny + (y / 2) as u128) * nx + (x / 2) as u128
}

/// A number below `n`, and what is left of the word: as good as 2^32 over `n` equal steps of a fraction.
#[inline]
pub fn split(word: u32, n: u32) -> (u32, u32) {
    let product = u64::from(word) * u64::from(n);
    ((product >> 32) as u32, product as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_do_not_depend_on_how_they_are_asked_for() {
        let mut all = [0; 300];
        Dice::new(7, Purpose::Attempts, 11).fill(5, &mut all);
        let mut dice = Dice::new(7, Purpose::Attempts, 11);
        for (start, len) in [(0, 3), (3, 40), (100, 64), (50, 1), (51, 200), (299, 1)] {
            let mut part = vec![0; len];
            dice.fill(5 + start as u128, &mut part);
            assert_eq!(part, all[start..start + len], "{start} {len}");
        }
        let mut others = [0; 300];
        Dice::new(7, Purpose::Beginning, 11).fill(5, &mut others);
        assert_ne!(all, others);
    }

    #[test]
    fn a_split_word_is_even_in_both_parts() {
        let n = 26;
        let mut counts = [0; 26];
        let mut low = 0u32;
        for word in (0..u32::MAX - 4096).step_by(4093) {
            let (direction, left) = split(word, n);
            counts[direction as usize] += 1;
            low += u32::from(left < 1 << 31);
        }
        let total: u32 = counts.iter().sum();
        assert!(counts.iter().all(|count| count.abs_diff(total / n) < 3));
        assert!(low.abs_diff(total / 2) < total / 1000);
    }
}
