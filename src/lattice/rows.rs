//! Rows of slots of a padded box: what a slot is, the runs in a row, and how whole rows of
//! neighbours are merged at a stroke.

use crate::combine::Combine;
use crate::lattice::stencil::Step;
use crate::wide::highest_bits;

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
#[inline]
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

/// The runs of slots of the kinds in `wanted` (a sum of [`OWNED`] and [`HALO`]), by rows of `width`
/// slots: their first and one past their last slots, and where the runs of each row begin.
pub(crate) fn spans(kinds: &[u8], width: usize, wanted: u8) -> (Vec<(u32, u32)>, Vec<u32>) {
    let (mut runs, mut rows): (Vec<(u32, u32)>, Vec<u32>) = (Vec::new(), vec![0]);
    for (row, kinds) in kinds.chunks(width).enumerate() {
        let first = (row * width) as u32;
        let mut start = None;
        let mut before = 0;
        for (place, kinds) in kinds.chunks(64).enumerate() {
            let bits = bits(kinds, wanted);
            // A bit where a run begins or is over.
            let mut turns = bits ^ (bits << 1 | before);
            before = bits >> 63;
            while turns != 0 {
                let slot = first + (place * 64) as u32 + turns.trailing_zeros();
                turns &= turns - 1;
                match start.take() {
                    None => start = Some(slot),
                    Some(start) => runs.push((start, slot)),
                }
            }
        }
        if let Some(start) = start {
            runs.push((start, first + kinds.len() as u32));
        }
        rows.push(runs.len() as u32);
    }
    (runs, rows)
}

/// The same runs, parted where labels change.
pub(crate) fn parted(runs: &[(u32, u32)], rows: &[u32], labels: &[u64]) -> (Vec<(u32, u32)>, Vec<u32>) {
    let (mut parts, mut starts): (Vec<(u32, u32)>, Vec<u32>) = (Vec::with_capacity(runs.len()), vec![0]);
    for bounds in rows.windows(2) {
        for &(start, end) in &runs[bounds[0] as usize..bounds[1] as usize] {
            let mut from = start;
            for slot in start + 1..end {
                if labels[slot as usize] != labels[from as usize] {
                    parts.push((from, slot));
                    from = slot;
                }
            }
            parts.push((from, end));
        }
        starts.push(parts.len() as u32);
    }
    (parts, starts)
}

/// Visits the pairs of runs of two rows, the second `shift` slots after the first, that have
/// neighbours in each other, `reach` slots along the row being as near as none: their first slots.
#[inline]
pub(crate) fn touching(
    above: &[(u32, u32)],
    below: &[(u32, u32)],
    shift: u32,
    reach: u32,
    mut visit: impl FnMut(u32, u32),
) {
    let near =
        |above: &(u32, u32), below: &(u32, u32)| above.0 + shift < below.1 + reach && below.0 < above.1 + shift + reach;
    let (mut a, mut b) = (0, 0);
    while let (Some(ours), Some(theirs)) = (above.get(a), below.get(b)) {
        if near(ours, theirs) {
            visit(ours.0, theirs.0);
        }
        let past = ours.1 + shift;
        // Who ends first touches no later run of the other row. Of two that end at one place each
        // may still touch the next of the other, where that begins right there.
        if past == theirs.1 {
            if let Some(next) = below.get(b + 1).filter(|next| near(ours, next)) {
                visit(ours.0, next.0);
            }
            if let Some(next) = above.get(a + 1).filter(|next| near(next, theirs)) {
                visit(next.0, theirs.0);
            }
        }
        a += usize::from(past <= theirs.1);
        b += usize::from(past >= theirs.1);
    }
}

/// A bit for each of up to 64 slots: whether its kind is wanted.
#[inline]
fn bits(kinds: &[u8], wanted: u8) -> u64 {
    let mut marks = [0; 64];
    marks.iter_mut().zip(kinds).for_each(|(mark, kind)| *mark = u8::from(kind & wanted != 0) << 7);
    highest_bits(&marks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::drawn::Drawn;

    #[test]
    fn touching_runs_are_those_of_a_look_at_every_pair() {
        let mut drawn = Drawn(11);
        let mut row = |shift: u32| {
            let mut runs = Vec::new();
            let mut at = shift;
            for _ in 0..12 {
                let (gap, length) = (drawn.below(3) as u32, drawn.below(4) as u32 + 1);
                runs.push((at + gap, at + gap + length));
                at += gap + length;
            }
            runs
        };
        for _ in 0..200 {
            let (above, below) = (row(0), row(100));
            for reach in [0, 1] {
                let mut found = Vec::new();
                touching(&above, &below, 100, reach, |a, b| found.push((a, b)));
                found.sort_unstable();
                let near = |a: &(u32, u32), b: &(u32, u32)| a.0 + 100 < b.1 + reach && b.0 < a.1 + 100 + reach;
                let pairs = above.iter().flat_map(|a| below.iter().filter(move |b| near(a, b)).map(|b| (a.0, b.0)));
                assert_eq!(found, pairs.collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn runs_are_those_of_a_walk_slot_by_slot() {
        let mut drawn = Drawn(7);
        for width in [1, 5, 8, 63, 64, 65, 200] {
            let kinds: Vec<u8> = (0..width * 9).map(|_| [EMPTY, OWNED, OWNED, HALO][drawn.below(4)]).collect();
            for wanted in [OWNED, HALO, OWNED | HALO] {
                let (runs, rows) = spans(&kinds, width, wanted);
                assert_eq!(rows.len(), 10);
                let mut found = vec![false; kinds.len()];
                for (row, bounds) in rows.windows(2).enumerate() {
                    for &(start, end) in &runs[bounds[0] as usize..bounds[1] as usize] {
                        assert!(start < end && (row * width..(row + 1) * width).contains(&(start as usize)));
                        assert!(end as usize <= (row + 1) * width);
                        assert!(
                            end as usize == (row + 1) * width || kinds[end as usize] & wanted == 0,
                            "runs are long"
                        );
                        found[start as usize..end as usize].fill(true);
                    }
                }
                assert!(found.iter().zip(&kinds).all(|(found, kind)| *found == (kind & wanted != 0)));
            }
        }
    }
}
