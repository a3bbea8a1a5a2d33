//! Runs of a box joined row by row, while its rows are scanned: the inside of
//! [`parts`](crate::lattice::parts), where the method is told.

use crate::disjoint::Disjoint;
use crate::lattice::bits::{Ends, Places, Same, Slice, WORD, words};
use crate::lattice::parts::Part;
use crate::lattice::runs::Span;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::volume::region::Region;
use crate::volume::voxel::Voxel;

/// No number yet.
pub(crate) const NONE: u32 = u32::MAX;

/// A slice of the box.
struct Numbered {
    bits: Slice,
    /// The runs of the slice that begin before each word.
    ranks: Vec<u32>,
    /// The provisional number of each run of the slice.
    numbers: Vec<u32>,
}

impl Numbered {
    fn new(rows: usize, words: usize) -> Self {
        Self { bits: Slice::new(rows, words), ranks: vec![0; rows * words], numbers: Vec::new() }
    }

    #[inline(always)]
    fn line(&self, y: usize, words: usize) -> Line<'_> {
        let (selected, starts) = self.bits.row(y);
        Line { selected, starts, ranks: &self.ranks[y * words..(y + 1) * words] }
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

/// Which voxels are joined by way of others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Covering {
    /// The fourth side of a square, by the three others.
    Faces,
    /// 26 neighbours: all of a mask that touch one voxel.
    Mask,
    /// 26 neighbours: all that have the label of a voxel that they touch.
    Labels,
}

/// The rows of a box so far, and the numbers of their runs.
pub(crate) struct Joining {
    /// Words of a row, and rows of a slice.
    words: usize,
    rows: usize,
    slices: [Numbered; 2],
    /// The numbers of the runs of this row.
    fresh: Vec<u32>,
    pub(crate) sets: Disjoint,
    /// What is known of each number.
    pub(crate) known: Vec<Part>,
    pub(crate) above: Vec<Above>,
    covering: Covering,
    /// Where joining a row above adds nothing.
    covered: Vec<u64>,
    /// Where this row and one above have the same values: of a mask, everywhere.
    equal: Vec<u64>,
    /// Where this row goes on as that above it in the slice above, and in this slice; and where the
    /// row before this one goes on as that above it in the slice above.
    alike: [Vec<u64>; 3],
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
            slices: [(); 2].map(|()| Numbered::new(rows, words)),
            fresh: Vec::new(),
            sets: Disjoint::default(),
            known: Vec::new(),
            above: above.collect(),
            covering: match (stencil, select) {
                (Stencil::N26, Select::Labels) => Covering::Labels,
                (Stencil::N26, _) => Covering::Mask,
                _ => Covering::Faces,
            },
            covered: vec![0; words],
            equal: vec![u64::MAX; words],
            alike: std::array::from_fn(|_| vec![0; words]),
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
        self.alike.swap(0, 2);
        let Numbered { bits, ranks, numbers } = &mut self.slices[0];
        bits.scan_row(y, values, select);
        let mut rank = numbers.len() as u32;
        let first = rank;
        for (starts, before) in bits.row(y).1.iter().zip(&mut ranks[y * self.words..]) {
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

    /// Joins the runs of row `y` to those of a row above; `same` compares the two.
    #[inline(always)]
    pub(crate) fn join<S: Same>(&mut self, above: usize, y: usize, same: S) {
        let Above { dz, dy, reach } = self.above[above];
        let there = y.wrapping_add_signed(dy);
        self.cover(above, y);
        let Self {
            words, slices, fresh, sets, covering, covered, equal, alike, straight, aslant: [left, right], ..
        } = self;
        let (ours, theirs) = (slices[0].line(y, *words), slices[dz].line(there, *words));
        // What covers rows that follow.
        let kept = match covering {
            Covering::Faces => 1,
            Covering::Mask => 0,
            Covering::Labels => 2,
        };
        let mut covers = alike[..kept].get_mut(above);
        straight.clear();
        left.clear();
        right.clear();
        // The last voxels of the words before.
        let (mut last_a, mut last_b, mut last_covered, mut last_alike) = (0, 0, 0, 0);
        same.straight(equal);
        for (word, (covered, alike)) in covered.iter().zip(&*equal).enumerate() {
            let first = (word * WORD) as u32;
            let (a, b) = (ours.selected[word], theirs.selected[word]);
            let (starts_a, starts_b) = (ours.starts[word], theirs.starts[word]);
            let alike = a & b & alike;
            if let Some(covers) = &mut covers {
                covers[word] = alike;
            }
            straight.push(first, (starts_a | starts_b) & alike & !covered);
            if reach > 0 {
                // Where a run begins in one row and one is over in the other, they touch by a corner;
                // where they go on straight, a voxel before has another value.
                let (before_a, before_b) = (a << 1 | last_a, b << 1 | last_b);
                let (before_covered, before_alike) = (covered << 1 | last_covered, alike << 1 | last_alike);
                let open = !(alike | before_alike);
                let (here, before) = match covering {
                    Covering::Faces => (open, open),
                    // A voxel of a mask that is covered covers both that touch it.
                    Covering::Mask => (open & !(covered | before_covered), open & !(covered | before_covered)),
                    Covering::Labels => (open & !covered, open & !before_covered),
                };
                // Mostly there are none, or mostly some.
                let aslant = starts_a & before_b & (!b | starts_b) & here;
                if aslant != 0 {
                    left.push(first, aslant);
                }
                let aslant = starts_b & before_a & (!a | starts_a) & before;
                if aslant != 0 {
                    right.push(first, aslant);
                }
                let last = WORD - 1;
                (last_a, last_b, last_covered, last_alike) = (a >> last, b >> last, covered >> last, alike >> last);
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
        // A loop, as what a closure calls is not built for the newer processor.
        for &x in straight.all() {
            meet(ours.holding(x), theirs.holding(x));
        }
        for &x in left.all() {
            if same.at(x, x - 1) {
                meet(ours.holding(x), theirs.holding(x - 1));
            }
        }
        for &x in right.all() {
            if same.at(x - 1, x) {
                meet(ours.holding(x - 1), theirs.holding(x));
            }
        }
    }

    /// Finds where row `y` need not be joined to a row above: at voxels that are joined to those
    /// they touch there by way of another row.
    #[inline(always)]
    fn cover(&mut self, above: usize, y: usize) {
        let Self { covered, covering, alike: [under, before, behind], slices, .. } = self;
        let Above { dz, dy, .. } = self.above[above];
        let also = |covered: &mut [u64], by: &[u64]| covered.iter_mut().zip(by).for_each(|(to, by)| *to |= by);
        covered.fill(0);
        match (covering, dz, dy) {
            // The row above in the slice above comes first, and is covered by none.
            (_, 1, 0) => {}
            // The four voxels of a square: three sides make the fourth.
            (Covering::Faces, 0, -1) => {
                let sides = under.iter().zip(&*behind);
                covered.iter_mut().zip(sides).for_each(|(covered, (under, behind))| *covered = under & behind);
            }
            (Covering::Faces, ..) => {}
            // What is selected there is joined to all around it, whatever is here.
            (Covering::Mask, ..) => {
                also(covered, slices[1].bits.row(y).0);
                if (dz, dy) == (1, -1) {
                    also(covered, slices[0].bits.row(y - 1).0);
                }
            }
            (Covering::Labels, ..) => {
                also(covered, under);
                if (dz, dy) == (1, -1) {
                    also(covered, before);
                }
            }
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

    /// The row that was ended last: its voxels, where runs begin, and the number of each run.
    #[inline(always)]
    pub(crate) fn row(&self, y: usize) -> (&[u64], &[u64], &[u32]) {
        let Line { selected, starts, .. } = self.slices[0].line(y, self.words);
        (selected, starts, &self.fresh)
    }
}
