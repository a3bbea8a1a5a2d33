//! Runs of a box joined row by row, while its rows are scanned: the inside of
//! [`parts`](crate::lattice::parts), where the method is told.

use crate::disjoint::Disjoint;
use crate::lattice::bits::{Ends, Places, WORD, scan, words};
use crate::lattice::parts::Part;
use crate::lattice::runs::Span;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::volume::region::Region;
use crate::volume::voxel::Voxel;

/// No number yet.
pub(crate) const NONE: u32 = u32::MAX;

/// A slice of the box as bits, rows after each other.
struct Slice {
    selected: Vec<u64>,
    starts: Vec<u64>,
    /// The runs of the slice that begin before each word.
    ranks: Vec<u32>,
    /// The provisional number of each run of the slice.
    numbers: Vec<u32>,
}

impl Slice {
    fn new(words: usize) -> Self {
        Self { selected: vec![0; words], starts: vec![0; words], ranks: vec![0; words], numbers: Vec::new() }
    }

    #[inline(always)]
    fn line(&self, y: usize, words: usize) -> Line<'_> {
        let place = y * words..(y + 1) * words;
        let Self { selected, starts, ranks, .. } = self;
        Line { selected: &selected[place.clone()], starts: &starts[place.clone()], ranks: &ranks[place] }
    }
}

/// A row of a slice.
#[derive(Clone, Copy)]
struct Line<'a> {
    selected: &'a [u64],
    starts: &'a [u64],
    ranks: &'a [u32],
}

impl Line<'_> {
    /// The run that holds the voxel at x: the last that begins no later.
    #[inline(always)]
    fn holding(self, x: u32) -> u32 {
        let word = x as usize / WORD;
        let later = WORD as u32 - 1 - x % WORD as u32;
        self.ranks[word] + (self.starts[word] << later).count_ones() - 1
    }
}

/// A row above the one that is joined: where it is, and how far along x its voxels are neighbours.
#[derive(Clone, Copy)]
pub(crate) struct Above {
    dz: usize,
    dy: isize,
    reach: u32,
}

/// The rows of a box so far, and the numbers of their runs.
pub(crate) struct Joining {
    /// Words of a row, and rows of a slice.
    words: usize,
    rows: usize,
    slices: [Slice; 2],
    /// The numbers of the runs of this row.
    fresh: Vec<u32>,
    pub(crate) sets: Disjoint,
    /// What is known of each number.
    pub(crate) known: Vec<Part>,
    pub(crate) above: Vec<Above>,
    /// Whether neighbours of a voxel that lie beside each other are one part by themselves.
    crowded: bool,
    /// Where joining a row above adds nothing, as rows between the two are joined to both.
    covered: Vec<u64>,
    /// Where runs of two rows meet, and the runs of one.
    straight: Places,
    aslant: [Places; 2],
    ends: Ends,
}

impl Joining {
    pub(crate) fn new(region: Region, select: Select, stencil: Stencil) -> Self {
        let [_, rows, width] = region.shape().0;
        let words = words(width);
        // The rows that share faces come first: they cover the others.
        let above = [(1, 0), (0, -1), (1, -1), (1, 1)];
        let above =
            above.iter().filter_map(|&(dz, dy)| Some(Above { dz, dy, reach: stencil.reach(-(dz as i8), dy as i8)? }));
        Self {
            words,
            rows,
            slices: [Slice::new(words * rows), Slice::new(words * rows)],
            fresh: Vec::new(),
            sets: Disjoint::default(),
            known: Vec::new(),
            above: above.collect(),
            crowded: stencil == Stencil::N26 && select != Select::Labels,
            covered: vec![0; words],
            straight: Places::new(words),
            aslant: [Places::new(words), Places::new(words)],
            ends: Ends::new(words),
        }
    }

    /// Puts a row down as bits; its runs have no numbers yet.
    #[inline(always)]
    pub(crate) fn begin_row<T: Voxel>(&mut self, y: usize, values: &[T], select: Select) {
        if y == 0 {
            self.slices.swap(0, 1);
            self.slices[0].numbers.clear();
        }
        let place = y * self.words..(y + 1) * self.words;
        let here = &mut self.slices[0];
        scan(values, select, &mut here.selected[place.clone()], &mut here.starts[place.clone()]);
        let mut rank = here.numbers.len() as u32;
        let first = rank;
        for (starts, before) in here.starts[place.clone()].iter().zip(&mut here.ranks[place]) {
            *before = rank;
            rank += starts.count_ones();
        }
        self.fresh.clear();
        self.fresh.resize((rank - first) as usize, NONE);
    }

    /// Where a row above lies in the box, if in it.
    pub(crate) fn row_above(&self, above: usize, z: usize, y: usize) -> Option<(usize, usize)> {
        let Above { dz, dy, .. } = self.above[above];
        Some((z.checked_sub(dz)?, y.checked_add_signed(dy).filter(|y| *y < self.rows)?))
    }

    /// Joins the runs of row `y` to those of a row above. `same` says whether the voxel at x here
    /// has the value of that at another x there.
    #[inline(always)]
    pub(crate) fn join(&mut self, above: usize, y: usize, same: impl Fn(usize, usize) -> bool) {
        let Above { dz, dy, reach } = self.above[above];
        let there = y.wrapping_add_signed(dy);
        self.cover(above, y);
        let Self { words, slices, fresh, sets, covered, straight, aslant: [left, right], .. } = self;
        let (ours, theirs) = (slices[0].line(y, *words), slices[dz].line(there, *words));
        straight.clear();
        left.clear();
        right.clear();
        // The last voxels of the words before.
        let (mut last_a, mut last_b, mut last_covered) = (0, 0, 0);
        for (word, covered) in covered.iter().enumerate() {
            let first = (word * WORD) as u32;
            let (a, b) = (ours.selected[word], theirs.selected[word]);
            let (starts_a, starts_b) = (ours.starts[word], theirs.starts[word]);
            straight.push(first, (starts_a | starts_b) & a & b & !covered);
            if reach > 0 {
                // Where a run begins in one row and one is over in the other, they touch by a corner.
                let (before_a, before_b) = (a << 1 | last_a, b << 1 | last_b);
                let beside = !(covered | covered << 1 | last_covered);
                let aslant = starts_a & before_b & (!b | starts_b) & beside;
                // Mostly there are none, or mostly some.
                if aslant != 0 {
                    left.push(first, aslant);
                }
                let aslant = starts_b & before_a & (!a | starts_a) & beside;
                if aslant != 0 {
                    right.push(first, aslant);
                }
                (last_a, last_b, last_covered) = (a >> (WORD - 1), b >> (WORD - 1), covered >> (WORD - 1));
            }
        }
        let numbers = &slices[dz].numbers;
        let rank = ours.ranks.first().copied().unwrap_or(0);
        let mut meet = |a: u32, b: u32| {
            let (number, other) = (&mut fresh[(a - rank) as usize], numbers[b as usize]);
            if *number == NONE {
                *number = other;
            } else if *number != other {
                sets.join(*number, other);
            }
        };
        for &x in straight.all() {
            if same(x as usize, x as usize) {
                meet(ours.holding(x), theirs.holding(x));
            }
        }
        for &x in left.all() {
            if same(x as usize, x as usize - 1) {
                meet(ours.holding(x), theirs.holding(x - 1));
            }
        }
        for &x in right.all() {
            if same(x as usize - 1, x as usize) {
                meet(ours.holding(x - 1), theirs.holding(x));
            }
        }
    }

    /// Finds where row `y` need not be joined to a row above: next to voxels that touch both, and
    /// are joined to both, of the rows that come first.
    #[inline(always)]
    fn cover(&mut self, above: usize, y: usize) {
        self.covered.fill(0);
        let Above { dz, dy, .. } = self.above[above];
        if !self.crowded || (dz, dy) == (1, 0) {
            return;
        }
        let beside = |slice: usize, y: usize| self.slices[slice].selected[y * self.words..(y + 1) * self.words].iter();
        self.covered.iter_mut().zip(beside(1, y)).for_each(|(covered, beside)| *covered |= beside);
        if (dz, dy) == (1, -1) {
            self.covered.iter_mut().zip(beside(0, y - 1)).for_each(|(covered, beside)| *covered |= beside);
        }
    }

    /// Numbers the runs of row `y` that touch none above, and visits all; false where there are
    /// too many numbers.
    #[inline(always)]
    pub(crate) fn end_row(&mut self, y: usize, width: usize, mut visit: impl FnMut(Span, u32, &mut Part)) -> bool {
        let Self { words, slices, fresh, sets, known, ends, .. } = self;
        let here = slices[0].line(y, *words);
        if known.len() + fresh.len() >= NONE as usize {
            return false;
        }
        for (number, (start, end)) in fresh.iter_mut().zip(ends.of(here.selected, here.starts, width)) {
            if *number == NONE {
                *number = sets.add();
                known.push(Part { first: u64::MAX, voxels: 0 });
            }
            visit(Span { start, end }, *number, &mut known[*number as usize]);
        }
        slices[0].numbers.extend_from_slice(fresh);
        true
    }
}
