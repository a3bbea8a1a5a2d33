//! One step of a block: every voxel of one colour makes its attempt, in place.
//!
//! Voxels of one colour are no neighbours, so that sixteen of a row are looked at at once: who copies from whom, and,
//! where all contacts cost the same, how many neighbours are like the one and the other. Where nobody would change
//! that is all. Cost of the rest: a comparison with each neighbour, eight voxels in an instruction.

use std::array;

use crate::programs::potts::census::Known;
use crate::programs::potts::dice::{Dice, Purpose, place, split};
use crate::programs::potts::model::{Boundary, Move, Turn, WALL};
use crate::programs::potts::rule::{MOST, Rule};
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::{LANES, Spins};
use crate::programs::potts::tally::Gathering;
use crate::wide::Work;

/// A step of one colour in a block.
pub(super) struct Pass<'a, K> {
    pub(super) rule: &'a Rule,
    pub(super) site: &'a Site,
    pub(super) spins: &'a mut Spins,
    /// What is known of cells when the step begins.
    pub(super) known: K,
    /// The number of the step, and whose turn it is.
    pub(super) step: u64,
    pub(super) turn: Turn,
    /// Where changes of volumes and of surfaces go.
    pub(super) volumes: &'a mut Gathering,
    pub(super) surfaces: &'a mut Gathering,
}

/// How many voxels were visited, and how many changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) visits: u64,
    pub(super) taken: u64,
}

/// Where the neighbours of a voxel lie, in the order of the steps.
struct Strides {
    of: [isize; 64],
    len: usize,
}

impl Strides {
    /// Where neighbour `from` of a voxel at `at` lies.
    #[inline(always)]
    fn there(&self, at: usize, from: u32) -> usize {
        at.wrapping_add_signed(self.of[from as usize & 63])
    }

    /// The spin a numbered step from the voxel at `at`.
    #[inline(always)]
    fn met(&self, spins: &[u32], at: usize, step: usize) -> u32 {
        spins[self.there(at, step as u32)]
    }
}

impl<K: Known> Work for Pass<'_, K> {
    type Output = Count;

    #[inline(always)]
    fn run(self) -> Count {
        let Pass { rule, site, spins, known, step, turn, volumes, surfaces } = self;
        let mut dice = Dice::new(rule.model.seed, Purpose::Attempts, step);
        let chances = rule.chances_by_neighbors();
        let many = rule.words();
        let [first_z, first_y, first] =
            [0, 1, 2].map(|axis| site.first_of(axis, turn.residue[axis], turn.period[axis]));
        let mut strides = Strides { of: [0; 64], len: rule.neighbors };
        for (stride, step) in strides.of.iter_mut().zip(&rule.steps) {
            *stride = spins.stride(*step, first & 1);
        }
        let (even, mirrors) = (rule.is_even(), rule.model.boundary == Boundary::Mirror);
        // Where colours are farther apart than every second voxel, every second of those is passed over.
        let skipped = usize::from(turn.period[2] > 2);
        let mut cells = Cells { rule, known, counts: rule.needs_volumes(), volumes, surfaces };
        let mut words = Vec::new();
        let mut count = Count::default();
        for z in (first_z..site.places(0).end).step_by(turn.period[0]) {
            for y in (first_y..site.places(1).end).step_by(turn.period[1]) {
                let stretch = spins.stretch([z, y], first, site.places(2).end);
                words.resize((stretch.len + LANES) * many, 0);
                let start = site.voxel([z, y, first]);
                let from = place(rule.shape, start) * many as u128;
                dice.fill(from, &mut words[..stretch.len * many]);
                count.visits += stretch.len.div_ceil(1 + skipped) as u64;
                for done in (0..stretch.len).step_by(LANES) {
                    let at = stretch.first + done;
                    let voxel = [start[0], start[1], start[2] + 2 * done];
                    let row = Row { at, voxel, valid: (stretch.len - done).min(LANES), skipped, strides: &strides };
                    let words = &words[done * many..(done + LANES) * many];
                    let all = spins.all_mut();
                    let (others, left, steps) = match rule.model.moves {
                        Move::Copy => row.random_neighbours(all, words),
                        Move::Distinct if rule.neighbors <= NEAR => row.random_unlike::<NEAR>(all, words),
                        Move::Distinct => row.random_unlike::<MOST>(all, words),
                        Move::HeatBath => {
                            count.taken += row.bathe(all, words, rule);
                            continue;
                        }
                    };
                    count.taken += match (even, mirrors) {
                        (true, _) => row.take_evenly(all, others, left, &chances),
                        (_, false) => row.take::<false, K>(all, others, left, steps, &mut cells),
                        (_, true) => row.take::<true, K>(all, others, left, steps, &mut cells),
                    };
                }
            }
        }
        count
    }
}

/// What a change of cells asks, and where it is told.
struct Cells<'a, K> {
    rule: &'a Rule,
    known: K,
    /// Whether volumes are counted.
    counts: bool,
    volumes: &'a mut Gathering,
    surfaces: &'a mut Gathering,
}

/// Sixteen voxels of a row, or fewer at its end.
struct Row<'a> {
    /// Where the first lies, and which voxel it is.
    at: usize,
    voxel: [usize; 3],
    valid: usize,
    /// 1 where it is every second one's turn, else 0.
    skipped: usize,
    strides: &'a Strides,
}

/// The most neighbours that touch a voxel.
const NEAR: usize = 26;

/// A number for each voxel.
type Lanes = [u32; LANES];

/// Spins that are met, and not copied from one place.
const NO_STEP: Lanes = [u32::MAX; LANES];

/// The spins of sixteen voxels.
#[inline(always)]
fn lanes(spins: &[u32], at: usize) -> Lanes {
    spins[at..at + LANES].try_into().expect("as many lie beyond the last row")
}

/// Something of two numbers, voxel by voxel.
#[inline(always)]
fn zip(a: Lanes, b: Lanes, of: impl Fn(u32, u32) -> u32) -> Lanes {
    array::from_fn(|lane| of(a[lane], b[lane]))
}

/// All ones where two numbers are equal.
#[inline(always)]
fn same(a: Lanes, b: Lanes) -> Lanes {
    zip(a, b, |a, b| 0u32.wrapping_sub(u32::from(a == b)))
}

/// One number where a mask is all ones, the other where it is 0.
#[inline(always)]
fn either(mask: Lanes, ones: Lanes, zeros: Lanes) -> Lanes {
    array::from_fn(|lane| (ones[lane] & mask[lane]) | (zeros[lane] & !mask[lane]))
}

/// Visits the places at which two numbers differ.
#[inline(always)]
fn each_unlike(a: Lanes, b: Lanes, mut visit: impl FnMut(usize)) {
    let apart = zip(a, b, |a, b| a ^ b);
    let bytes: [u8; LANES] = array::from_fn(|lane| u8::from(apart[lane] != 0));
    for (half, bytes) in bytes.as_chunks::<8>().0.iter().enumerate() {
        let mut bits = u64::from_le_bytes(*bytes);
        while bits != 0 {
            visit(half * 8 + bits.trailing_zeros() as usize / 8);
            bits &= bits - 1;
        }
    }
}

impl Row<'_> {
    /// A random neighbour of each voxel, what is left of its random word, and the step there; beyond a wall, and of
    /// voxels that there are none of, the voxel itself.
    #[inline(always)]
    fn random_neighbours(&self, spins: &[u32], words: &[u32]) -> (Lanes, Lanes, Lanes) {
        let words: &Lanes = words.try_into().expect("a word for each voxel");
        let own = lanes(spins, self.at);
        let parts: [(u32, u32); LANES] = words.map(|word| split(word, self.strides.len as u32));
        let met = array::from_fn(|lane| spins[self.strides.there(self.at + lane, parts[lane].0)]);
        let kept = zip(same(met, [WALL; LANES]), self.beyond(), |a, b| a | b);
        (either(kept, own, met), parts.map(|(_, left)| left), parts.map(|(step, _)| step))
    }

    /// All ones where there is no voxel any more, or it is not its turn.
    #[inline(always)]
    fn beyond(&self) -> Lanes {
        array::from_fn(|lane| 0u32.wrapping_sub(u32::from(lane >= self.valid || lane & self.skipped == 1)))
    }

    /// The voxel of a lane.
    #[inline(always)]
    fn voxel(&self, lane: usize) -> [usize; 3] {
        [self.voxel[0], self.voxel[1], self.voxel[2] + 2 * lane]
    }

    /// One of the distinct spins around each voxel that are not its own, and what is left of its random word; its
    /// own where there is none. It comes by no step. There are at most `M` neighbours.
    #[inline(always)]
    fn random_unlike<const M: usize>(&self, spins: &[u32], words: &[u32]) -> (Lanes, Lanes, Lanes) {
        let words: &Lanes = words.try_into().expect("a word for each voxel");
        let own = lanes(spins, self.at);
        let (mut around, mut seen) = ([own; M], [[0; LANES]; M]);
        let (around, seen) = (&mut around[..self.strides.len], &mut seen[..self.strides.len]);
        let mut alike = [u32::MAX; LANES];
        for ((met, seen), stride) in around.iter_mut().zip(&mut *seen).zip(&self.strides.of) {
            *met = lanes(spins, self.at.wrapping_add_signed(*stride));
            // What is nobody's, or its own, is as good as seen.
            *seen = same(*met, own);
            alike = zip(alike, *seen, |a, b| a & b);
            *seen = zip(*seen, same(*met, [WALL; LANES]), |a, b| a | b);
        }
        if alike == [u32::MAX; LANES] {
            return (own, [0; LANES], NO_STEP);
        }
        for (k, met) in around.iter().enumerate() {
            for (later, seen) in around[k + 1..].iter().zip(&mut seen[k + 1..]) {
                // A sum, as a write of parts of a register costs more.
                *seen = zip(*seen, same(*later, *met), u32::wrapping_add);
            }
        }
        let none = [0; LANES];
        let counts = seen.iter().fold(none, |count, seen| zip(count, same(*seen, none), u32::wrapping_sub));
        let parts: [(u32, u32); LANES] = array::from_fn(|lane| split(words[lane], counts[lane]));
        let (mut which, left) = (parts.map(|(which, _)| which), parts.map(|(_, left)| left));
        let mut others = own;
        for (met, seen) in around.iter().zip(&*seen) {
            let first = same(*seen, none);
            others = either(zip(same(which, none), first, |a, b| a & b), *met, others);
            // After the chosen one the count goes on below 0.
            which = zip(which, first, u32::wrapping_add);
        }
        (either(self.beyond(), own, others), left, NO_STEP)
    }

    /// Takes what the voxels would become by Metropolis' choice, where all contacts cost the same.
    #[inline(always)]
    fn take_evenly(&self, spins: &mut [u32], others: Lanes, left: Lanes, chances: &[u64; 128]) -> u64 {
        let own = lanes(spins, self.at);
        if own == others {
            return 0;
        }
        // How many neighbours are like the voxel, and like the other.
        let (mut like_own, mut like_other) = ([0; LANES], [0; LANES]);
        for stride in &self.strides.of[..self.strides.len] {
            let met = lanes(spins, self.at.wrapping_add_signed(*stride));
            like_own = zip(like_own, same(met, own), u32::wrapping_sub);
            like_other = zip(like_other, same(met, others), u32::wrapping_sub);
        }
        let more = zip(like_own, like_other, |own, other| own.wrapping_sub(other).wrapping_add(MOST as u32));
        let mut taken = 0;
        each_unlike(own, others, |lane| {
            if u64::from(left[lane]) < chances[more[lane] as usize & 127] {
                spins[self.at + lane] = others[lane];
                taken += 1;
            }
        });
        taken
    }

    /// The same where it depends on the cells, on shells or on mirrors what a change costs.
    #[inline(always)]
    fn take<const MIRRORS: bool, K: Known>(
        &self,
        spins: &mut [u32],
        others: Lanes,
        left: Lanes,
        steps: Lanes,
        cells: &mut Cells<'_, K>,
    ) -> u64 {
        let own = lanes(spins, self.at);
        let mut taken = 0;
        each_unlike(own, others, |lane| {
            let (own, other) = (own[lane], others[lane]);
            let at = self.at + lane;
            let by = (steps[lane] != NO_STEP[lane]).then_some(steps[lane] as usize);
            let rule = cells.rule;
            let images = if MIRRORS { rule.own_images(self.voxel(lane)) } else { 0 };
            let all = &*spins;
            let met = |step: usize| match MIRRORS && images >> step & 1 == 1 {
                true => WALL,
                false => self.strides.met(all, at, step),
            };
            if rule.become_like(|| self.voxel(lane), own, other, by, met, left[lane], &cells.known) != other {
                return;
            }
            if cells.counts {
                cells.volumes.push(own, -1);
                cells.volumes.push(other, 1);
            }
            if let Some(terms) = rule.terms.as_ref().filter(|terms| terms.counts_surfaces()) {
                let (less, more) = terms.pairs(own, other, met);
                cells.surfaces.push(own, less);
                cells.surfaces.push(other, more);
            }
            spins[at] = other;
            taken += 1;
        });
        taken
    }

    /// Gives each voxel what the bath gives it; one among its like may change too.
    #[inline(always)]
    fn bathe(&self, spins: &mut [u32], words: &[u32], rule: &Rule) -> u64 {
        let mut taken = 0;
        for (lane, words) in words.chunks(rule.words()).enumerate().take(self.valid).step_by(1 + self.skipped) {
            let (at, voxel) = (self.at + lane, self.voxel(lane));
            let images = if rule.model.boundary == Boundary::Mirror { rule.own_images(voxel) } else { 0 };
            let mut around = [WALL; MOST];
            for (step, met) in
                around[..rule.neighbors].iter_mut().enumerate().filter(|(step, _)| images >> step & 1 == 0)
            {
                *met = self.strides.met(spins, at, step);
            }
            let new = rule.decide(voxel, spins[at], &around, words, &Nothing);
            taken += u64::from(spins[at] != new);
            spins[at] = new;
        }
        taken
    }
}

/// A bath knows no cells.
struct Nothing;

impl Known for Nothing {
    fn kind(&self, _: u32) -> usize {
        0
    }

    fn volume(&self, _: u32) -> i64 {
        0
    }

    fn surface(&self, _: u32) -> i64 {
        0
    }

    fn target(&self, _: u32) -> i64 {
        0
    }
}
