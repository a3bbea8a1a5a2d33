//! One step of a block: every voxel of one colour makes its attempt, in place.
//!
//! Voxels of one colour are no neighbours, so that sixteen of a row are looked at at once: who copies from whom, and,
//! where all contacts cost the same, how many neighbours are like the one and the other. Where nobody would change
//! that is all. Cost of the rest: a comparison with each neighbour, eight voxels in an instruction.

use std::array;

use crate::programs::potts::dice::{Dice, Purpose, place, split};
use crate::programs::potts::model::{Move, WALL};
use crate::programs::potts::rule::{MOST, Rule};
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::{LANES, Spins};
use crate::programs::potts::tally::Gathering;
use crate::wide::Work;

/// A step of one colour in a block.
pub(super) struct Pass<'a> {
    pub(super) rule: &'a Rule,
    pub(super) site: &'a Site,
    pub(super) spins: &'a mut Spins,
    /// The volumes of cells when the step begins, by spin, where they have to be known.
    pub(super) volumes: &'a [u32],
    /// The number of the step, and its colour.
    pub(super) step: u64,
    pub(super) parity: [usize; 3],
    /// Where changes of volumes go.
    pub(super) changes: &'a mut Gathering,
}

/// How many voxels were visited, and how many changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) visits: u64,
    pub(super) taken: u64,
}

/// Where the neighbours of a voxel lie, in the order of the steps.
struct Strides {
    of: [isize; 32],
    len: usize,
}

impl Strides {
    /// Where neighbour `from` of a voxel at `at` lies.
    #[inline(always)]
    fn there(&self, at: usize, from: u32) -> usize {
        at.wrapping_add_signed(self.of[from as usize & 31])
    }

    /// The spins around the voxel at `at`.
    #[inline(always)]
    fn around(&self, spins: &[u32], at: usize) -> [u32; MOST] {
        array::from_fn(|k| if k < self.len { spins[self.there(at, k as u32)] } else { WALL })
    }
}

impl Work for Pass<'_> {
    type Output = Count;

    #[inline(always)]
    fn run(self) -> Count {
        let Pass { rule, site, spins, volumes, step, parity, changes } = self;
        let mut dice = Dice::new(rule.model.seed, Purpose::Attempts, step);
        let chances = rule.chances_by_neighbors();
        let many = rule.words();
        let first = site.first_of(2, parity[2]);
        let mut strides = Strides { of: [0; 32], len: rule.steps.len() };
        for (stride, step) in strides.of.iter_mut().zip(&rule.steps) {
            *stride = spins.stride(*step, first & 1);
        }
        let even = rule.cells().is_none();
        let mut words = Vec::new();
        let mut count = Count::default();
        for z in (site.first_of(0, parity[0])..site.places(0).end).step_by(2) {
            for y in (site.first_of(1, parity[1])..site.places(1).end).step_by(2) {
                let stretch = spins.stretch([z, y], first, site.places(2).end);
                words.resize((stretch.len + LANES) * many, 0);
                let from = place(rule.shape, site.voxel([z, y, first])) * many as u128;
                dice.fill(from, &mut words[..stretch.len * many]);
                count.visits += stretch.len as u64;
                for done in (0..stretch.len).step_by(LANES) {
                    let (at, valid) = (stretch.first + done, (stretch.len - done).min(LANES));
                    let words = &words[done * many..(done + LANES) * many];
                    let all = spins.all_mut();
                    count.taken += match rule.model.moves {
                        Move::Copy if even => copy_evenly(all, at, valid, words, &strides, &chances),
                        Move::Copy => copy(rule, all, at, valid, words, &strides, volumes, changes),
                        Move::Distinct | Move::HeatBath => {
                            decide(rule, all, at, valid, words, &strides, volumes, changes)
                        }
                    };
                }
            }
        }
        count
    }
}

/// Some voxels of a row.
#[inline(always)]
fn lanes(spins: &[u32], at: usize) -> [u32; LANES] {
    spins[at..at + LANES].try_into().expect("as many lie beyond the last row")
}

/// The neighbours that voxels would copy from; their own spins where that is beyond a wall.
#[inline(always)]
fn propose(spins: &[u32], at: usize, valid: usize, words: &[u32], strides: &Strides) -> [u32; LANES] {
    let mut others = lanes(spins, at);
    for (lane, (other, word)) in others.iter_mut().zip(words).enumerate().take(valid) {
        let (from, _) = split(*word, strides.len as u32);
        let met = spins[strides.there(at + lane, from)];
        *other = if met == WALL { *other } else { met };
    }
    others
}

/// Copies, where all contacts cost the same.
#[inline(always)]
fn copy_evenly(
    spins: &mut [u32],
    at: usize,
    valid: usize,
    words: &[u32],
    strides: &Strides,
    chances: &[u64; 64],
) -> u64 {
    let own = lanes(spins, at);
    let others = propose(spins, at, valid, words, strides);
    if others == own {
        return 0;
    }
    // How many neighbours are like the voxel, less those like the other.
    let mut like = [0i32; LANES];
    for stride in &strides.of[..strides.len] {
        let met = lanes(spins, at.wrapping_add_signed(*stride));
        for lane in 0..LANES {
            like[lane] += i32::from(met[lane] == own[lane]) - i32::from(met[lane] == others[lane]);
        }
    }
    let words: &[u32; LANES] = words.try_into().expect("a word for each lane");
    let mut taken = 0;
    for lane in 0..valid {
        let (_, left) = split(words[lane], strides.len as u32);
        let takes = u64::from(left) < chances[(like[lane] + MOST as i32) as usize & 63];
        let new = if takes { others[lane] } else { own[lane] };
        taken += u64::from(new != own[lane]);
        spins[at + lane] = new;
    }
    taken
}

/// Copies, where it depends on the cells what a change costs.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn copy(
    rule: &Rule,
    spins: &mut [u32],
    at: usize,
    valid: usize,
    words: &[u32],
    strides: &Strides,
    volumes: &[u32],
    changes: &mut Gathering,
) -> u64 {
    let own = lanes(spins, at);
    let others = propose(spins, at, valid, words, strides);
    if others == own {
        return 0;
    }
    let mut taken = 0;
    for lane in (0..valid).filter(|lane| own[*lane] != others[*lane]) {
        let around = strides.around(spins, at + lane);
        let (_, left) = split(words[lane], strides.len as u32);
        let new = rule.become_like(own[lane], others[lane], &around[..strides.len], left, |spin| volume(volumes, spin));
        taken += put(spins, at + lane, new, volumes, changes);
    }
    taken
}

/// Asks the rule for every voxel, but where it cannot change.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn decide(
    rule: &Rule,
    spins: &mut [u32],
    at: usize,
    valid: usize,
    words: &[u32],
    strides: &Strides,
    volumes: &[u32],
    changes: &mut Gathering,
) -> u64 {
    let own = lanes(spins, at);
    let mut unlike = [0; LANES];
    for stride in &strides.of[..strides.len] {
        let met = lanes(spins, at.wrapping_add_signed(*stride));
        for lane in 0..LANES {
            unlike[lane] |= met[lane] ^ own[lane];
        }
    }
    // In a bath also a voxel among its like may change.
    let all = rule.model.moves == Move::HeatBath;
    let many = rule.words();
    let mut taken = 0;
    for lane in (0..valid).filter(|lane| all || unlike[*lane] != 0) {
        let around = strides.around(spins, at + lane);
        let new =
            rule.decide(own[lane], &around[..strides.len], &words[lane * many..][..many], |spin| volume(volumes, spin));
        taken += put(spins, at + lane, new, volumes, changes);
    }
    taken
}

/// The volume of a cell; anything where nobody asks.
#[inline(always)]
fn volume(volumes: &[u32], spin: u32) -> u32 {
    volumes.get(spin as usize).copied().unwrap_or(0)
}

/// Sets a spin; 1 where it was another.
#[inline(always)]
fn put(spins: &mut [u32], at: usize, new: u32, volumes: &[u32], changes: &mut Gathering) -> u64 {
    let own = std::mem::replace(&mut spins[at], new);
    if own == new {
        return 0;
    }
    if !volumes.is_empty() {
        changes.push(own, -1);
        changes.push(new, 1);
    }
    1
}
