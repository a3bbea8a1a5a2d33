//! Tables that a block is counted in: numbers of labels, counts by pairs of numbers, and moments
//! relative to the corner of the block.
//!
//! All are sized to what the block holds and asked for once a run or once an overlap of runs, so
//! they are open addressing by a product, and integers of 64 bits.

use crate::lattice::moments::{Moments, PRODUCT};
use crate::volume::region::Region;

/// The golden ratio as a fraction of 2^64: its product spreads keys over the high bits.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A number for each label, in the order in which they are first asked for.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// Label and number; the label 0 is none.
    slots: Vec<(u64, u32)>,
    bits: u32,
    labels: Vec<u64>,
}

impl Default for Numbers {
    fn default() -> Self {
        const BITS: u32 = 10;
        Self { slots: vec![(0, 0); 1 << BITS], bits: BITS, labels: Vec::new() }
    }
}

impl Numbers {
    /// The number of a label that is not 0.
    #[inline]
    pub(crate) fn of(&mut self, label: u64) -> u32 {
        debug_assert_ne!(label, 0, "background is no cell");
        let mask = self.slots.len() - 1;
        let mut slot = (label.wrapping_mul(SPREAD) >> (64 - self.bits)) as usize;
        loop {
            let (known, number) = self.slots[slot & mask];
            if known == label {
                return number;
            }
            if known == 0 {
                return self.add(label, slot & mask);
            }
            slot += 1;
        }
    }

    #[cold]
    fn add(&mut self, label: u64, slot: usize) -> u32 {
        let number = self.labels.len() as u32;
        self.labels.push(label);
        self.slots[slot] = (label, number);
        if self.labels.len() * 2 > self.slots.len() {
            self.bits += 1;
            self.slots = vec![(0, 0); 1 << self.bits];
            for (&label, number) in self.labels.iter().zip(0..) {
                let mut slot = (label.wrapping_mul(SPREAD) >> (64 - self.bits)) as usize;
                while self.slots[slot & ((1 << self.bits) - 1)].0 != 0 {
                    slot += 1;
                }
                self.slots[slot & ((1 << self.bits) - 1)] = (label, number);
            }
        }
        number
    }

    /// The label of each number.
    pub(crate) fn into_labels(self) -> Vec<u64> {
        self.labels
    }
}

/// No pair of numbers.
const FREE: u64 = u64::MAX;

/// What is counted of pairs of cells, by their numbers.
#[derive(Debug)]
pub(crate) struct Pairs<V> {
    slots: Vec<(u64, V)>,
    bits: u32,
    count: usize,
}

impl<V: Copy + Default> Default for Pairs<V> {
    fn default() -> Self {
        const BITS: u32 = 10;
        Self { slots: vec![(FREE, V::default()); 1 << BITS], bits: BITS, count: 0 }
    }
}

impl<V: Copy + Default> Pairs<V> {
    /// What is counted of two cells.
    #[inline]
    pub(crate) fn of(&mut self, a: u32, b: u32) -> &mut V {
        let key = u64::from(a.min(b)) << 32 | u64::from(a.max(b));
        let mask = self.slots.len() - 1;
        let mut slot = (key.wrapping_mul(SPREAD) >> (64 - self.bits)) as usize & mask;
        while self.slots[slot].0 != key {
            if self.slots[slot].0 == FREE {
                slot = self.add(key, slot);
                break;
            }
            slot = (slot + 1) & mask;
        }
        &mut self.slots[slot].1
    }

    /// Takes a free slot, of a larger table where this one is half full.
    #[cold]
    fn add(&mut self, key: u64, slot: usize) -> usize {
        self.count += 1;
        if self.count * 2 <= self.slots.len() {
            self.slots[slot].0 = key;
            return slot;
        }
        self.bits += 1;
        let mask = (1 << self.bits) - 1;
        let before = std::mem::replace(&mut self.slots, vec![(FREE, V::default()); mask + 1]);
        let mut place = |key: u64, value: V| {
            let mut slot = (key.wrapping_mul(SPREAD) >> (64 - self.bits)) as usize & mask;
            while self.slots[slot].0 != FREE {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = (key, value);
            slot
        };
        for (key, value) in before.into_iter().filter(|(key, _)| *key != FREE) {
            place(key, value);
        }
        place(key, V::default())
    }

    /// All pairs, by the numbers of the two, in no order.
    pub(crate) fn into_pairs(self) -> impl Iterator<Item = ([u32; 2], V)> {
        let taken = self.slots.into_iter().filter(|(key, _)| *key != FREE);
        taken.map(|(key, value)| ([(key >> 32) as u32, key as u32], value))
    }
}

/// Moments of the cells of a block, from its corner, in 64 bits.
#[derive(Debug)]
pub(crate) struct Near {
    own: Region,
    cells: Vec<Sums>,
    /// Sums of x and of x² below each x.
    below: Vec<[u64; 2]>,
}

/// As [`Moments`], counted from the corner of the block.
#[derive(Clone, Copy, Debug)]
struct Sums {
    voxels: u64,
    first: [u64; 3],
    second: [u64; 6],
    min: [u32; 3],
    max: [u32; 3],
}

impl Near {
    /// No voxels of so many cells; nothing where the sums of the block might not fit.
    pub(crate) fn new(own: Region, cells: usize) -> Option<Self> {
        let shape = own.shape();
        let longest = u64::try_from(shape.0.into_iter().max()?).ok()?;
        let most = shape.voxels()?.checked_mul(longest)?.checked_mul(longest)?;
        if most > i64::MAX as u64 || longest > u64::from(u32::MAX) {
            return None;
        }
        let below = (0..=shape.0[2] as u64).scan([0, 0], |sums, x| {
            let before = *sums;
            *sums = [sums[0] + x, sums[1] + x * x];
            Some(before)
        });
        let none = Sums { voxels: 0, first: [0; 3], second: [0; 6], min: [u32::MAX; 3], max: [0; 3] };
        Some(Self { own, cells: vec![none; cells], below: below.collect() })
    }

    /// Adds the run of row (z, y) from x up to `end` to a cell; all counted from the corner.
    #[inline]
    pub(crate) fn add_run(&mut self, cell: u32, [z, y]: [u32; 2], x: u32, end: u32) {
        let ([x_low, xx_low], [x_high, xx_high]) = (self.below[x as usize], self.below[end as usize]);
        let sums = &mut self.cells[cell as usize];
        let (n, x1, x2) = (u64::from(end - x), x_high - x_low, xx_high - xx_low);
        let (z1, y1) = (u64::from(z), u64::from(y));
        sums.voxels += n;
        let more = [z1 * n, y1 * n, x1];
        sums.first.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        let more = [z1 * (z1 * n), z1 * (y1 * n), z1 * x1, y1 * (y1 * n), y1 * x1, x2];
        sums.second.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        for (axis, (low, high)) in [(z, z), (y, y), (x, end - 1)].into_iter().enumerate() {
            sums.min[axis] = sums.min[axis].min(low);
            sums.max[axis] = sums.max[axis].max(high);
        }
    }

    /// The moments of each cell, counted from the corner of the volume.
    pub(crate) fn into_moments(self) -> impl Iterator<Item = Moments> {
        let corner = self.own.start.map(|start| start as u128);
        self.cells.into_iter().map(move |sums| {
            let mut moments = Moments::default();
            if sums.voxels == 0 {
                return moments;
            }
            let n = u128::from(sums.voxels);
            let first = sums.first.map(u128::from);
            moments.voxels = sums.voxels;
            for a in 0..3 {
                moments.first[a] = first[a] + n * corner[a];
                moments.min[a] = corner[a] as u64 + u64::from(sums.min[a]);
                moments.max[a] = corner[a] as u64 + u64::from(sums.max[a]);
                for b in a..3 {
                    let second = u128::from(sums.second[PRODUCT[a][b]]);
                    let shift = corner[a] * first[b] + corner[b] * first[a] + n * corner[a] * corner[b];
                    moments.second[PRODUCT[a][b]] = second + shift;
                }
            }
            moments
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::lattice::drawn::Drawn;

    fn draws(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut drawn = Drawn(seed);
        move |most| drawn.below(most as usize) as u64
    }

    #[test]
    fn labels_have_the_numbers_of_a_map() {
        let mut draw = draws(1);
        let (mut numbers, mut plain) = (Numbers::default(), HashMap::new());
        for _ in 0..20_000 {
            // Many multiples of one number would fall on few slots of a worse table.
            let label = (draw(3000) + 1) << [0, 10, 40][draw(3) as usize];
            let next = plain.len() as u32;
            assert_eq!(numbers.of(label), *plain.entry(label).or_insert(next));
        }
        let labels = numbers.into_labels();
        assert!(labels.len() == plain.len() && plain.iter().all(|(label, number)| labels[*number as usize] == *label));
    }

    #[test]
    fn pairs_are_those_of_a_map() {
        let mut draw = draws(2);
        let (mut pairs, mut plain) = (Pairs::<u64>::default(), HashMap::<[u32; 2], u64>::new());
        for _ in 0..20_000 {
            let (a, b, more) = (draw(90) as u32, draw(90) as u32, draw(9));
            *pairs.of(a, b) += more;
            *plain.entry([a.min(b), a.max(b)]).or_default() += more;
        }
        assert_eq!(pairs.into_pairs().collect::<HashMap<_, _>>(), plain);
    }

    #[test]
    fn moments_are_those_counted_from_the_corner_of_the_volume() {
        let mut draw = draws(3);
        let own = Region { start: [1 << 20, 7, 3_000_000], end: [(1 << 20) + 9, 12, 3_000_200] };
        let mut near = Near::new(own, 4).unwrap();
        let mut plain = [Moments::default(); 4];
        for _ in 0..500 {
            let (cell, z, y) = (draw(3) as u32, draw(9) as u32, draw(5) as u32);
            let x = draw(199) as u32;
            let end = x + 1 + draw(u64::from(200 - x)) as u32;
            near.add_run(cell, [z, y], x, end);
            let [z0, y0, x0] = own.start.map(|start| start as u64);
            plain[cell as usize].add_run(z0 + u64::from(z), y0 + u64::from(y), x0 + u64::from(x), x0 + u64::from(end));
        }
        assert!(near.into_moments().eq(plain));
        assert!(Near::new(Region { start: [0; 3], end: [1 << 16; 3] }, 1).is_none());
    }
}
