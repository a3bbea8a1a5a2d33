//! Rows of slots of a padded box: what a slot is, the runs in a row, and how whole rows of
//! neighbours are merged at a stroke.

use crate::combine::Combine;
use crate::lattice::bits::{Ends, begin, mark, words};
use crate::lattice::stencil::Step;
use crate::wide::{Work, widely};

/// A slot that is no vertex.
pub(crate) const EMPTY: u8 = 0;
/// A vertex of this block.
pub(crate) const OWNED: u8 = 1;
/// A vertex of another block.
pub(crate) const HALO: u8 = 2;

/// Rows of neighbours that are merged at a stroke: as many as registers hold.
pub(crate) const STROKE: usize = 6;

/// Merges into `out` what the rows `steps` away from the run that begins at `start` said; what was
/// there before counts unless this is the `first` stroke.
#[inline(always)]
pub(crate) fn merge<M, F>(start: usize, steps: &[(Step, isize)], said: &[M], out: &mut [M], first: bool, along: &F)
where
    M: Combine + Default,
    F: Fn(Step, &M) -> M,
{
    let len = out.len();
    let row = |at: usize| {
        let first = shifted(start, steps[at].1);
        (steps[at].0.map(|along| -along), &said[first..first + len])
    };
    if steps.len() == STROKE {
        let rows: [(Step, &[M]); STROKE] = std::array::from_fn(row);
        for (at, heard) in out.iter_mut().enumerate() {
            let mut merged = if first { M::default() } else { std::mem::take(heard) };
            for (step, said) in &rows {
                merged.combine(along(*step, &said[at]));
            }
            *heard = merged;
        }
        return;
    }
    if first {
        out.iter_mut().for_each(|heard| *heard = M::default());
    }
    for (step, said) in (0..steps.len()).map(row) {
        out.iter_mut().zip(said).for_each(|(heard, said)| heard.combine(along(step, said)));
    }
}

/// A slot of the padded box from an owned one.
#[inline]
pub(crate) fn shifted(slot: usize, stride: isize) -> usize {
    slot.checked_add_signed(stride).expect("an owned slot is padded on every side")
}

/// The runs of owned slots, by rows of `width` slots: their first and one past their last slots, and
/// where the runs of each row begin.
pub(crate) fn spans(kinds: &[u8], width: usize) -> (Vec<(u32, u32)>, Vec<u32>) {
    widely(Spans { kinds, width })
}

struct Spans<'a> {
    kinds: &'a [u8],
    width: usize,
}

impl Work for Spans<'_> {
    type Output = (Vec<(u32, u32)>, Vec<u32>);

    #[inline(always)]
    fn run(self) -> Self::Output {
        let Self { kinds, width } = self;
        let words = words(width);
        let (mut selected, mut starts, mut ends) = (vec![0; words], vec![0; words], Ends::new(words));
        let (mut runs, mut rows) = (Vec::new(), Vec::with_capacity(kinds.len() / width + 1));
        rows.push(0);
        for (row, kinds) in kinds.chunks(width).enumerate() {
            mark(kinds, &mut selected, |kind| kind == OWNED);
            begin(&selected, &mut starts);
            let first = (row * width) as u32;
            runs.extend(ends.of(&selected, &starts, width).map(|(start, end)| (first + start, first + end)));
            rows.push(runs.len() as u32);
        }
        (runs, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::drawn::Drawn;

    #[test]
    fn runs_are_those_of_a_walk_slot_by_slot() {
        let mut drawn = Drawn(7);
        for width in [1, 5, 8, 63, 64, 65, 200] {
            let kinds: Vec<u8> = (0..width * 9).map(|_| [EMPTY, OWNED, OWNED, HALO][drawn.below(4)]).collect();
            let (runs, rows) = spans(&kinds, width);
            assert_eq!(rows.len(), 10);
            let mut found = vec![false; kinds.len()];
            for (row, bounds) in rows.windows(2).enumerate() {
                for &(start, end) in &runs[bounds[0] as usize..bounds[1] as usize] {
                    assert!(start < end && (row * width..(row + 1) * width).contains(&(start as usize)));
                    assert!(end as usize <= (row + 1) * width);
                    assert!(end as usize == (row + 1) * width || kinds[end as usize] != OWNED, "runs are long");
                    found[start as usize..end as usize].fill(true);
                }
            }
            assert!(found.iter().zip(&kinds).all(|(found, kind)| *found == (*kind == OWNED)));
        }
    }
}
