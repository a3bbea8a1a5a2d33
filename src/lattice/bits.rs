//! Rows of voxels as bits: which are selected, and where runs begin.
//!
//! A run is a stretch of selected voxels, for labels of one label. A row is compared 64 voxels at a
//! time, without a branch; what follows looks at a word where it would have looked at 64 voxels,
//! and at bits only where something begins or ends.

use crate::lattice::select::Select;
use crate::volume::voxel::Voxel;
use crate::wide::highest_bits;

/// The voxels of a word.
pub(crate) const WORD: usize = 64;

/// The words of a row of so many voxels.
pub(crate) fn words(width: usize) -> usize {
    width.div_ceil(WORD)
}

/// Rows of a slice as bits, after each other.
pub(crate) struct Slice {
    words: usize,
    selected: Vec<u64>,
    starts: Vec<u64>,
}

impl Slice {
    /// Room for so many rows of so many words.
    pub(crate) fn new(rows: usize, words: usize) -> Self {
        Self { words, selected: vec![0; rows * words], starts: vec![0; rows * words] }
    }

    /// Scans the voxels of row `y`.
    #[inline(always)]
    pub(crate) fn scan_row<T: Voxel>(&mut self, y: usize, values: &[T], select: Select) {
        let place = y * self.words..(y + 1) * self.words;
        scan(values, select, &mut self.selected[place.clone()], &mut self.starts[place]);
    }

    /// Row `y`: which voxels are selected, and the first of each run.
    #[inline(always)]
    pub(crate) fn row(&self, y: usize) -> (&[u64], &[u64]) {
        let place = y * self.words..(y + 1) * self.words;
        (&self.selected[place.clone()], &self.starts[place])
    }
}

/// Finds the selected voxels of a row, and the first of each run.
#[inline(always)]
pub(crate) fn scan<T: Voxel>(row: &[T], select: Select, selected: &mut [u64], starts: &mut [u64]) {
    match select {
        Select::NonZero | Select::Labels => mark(row, selected, |value| value != T::default()),
        Select::Zero => mark(row, selected, |value| value == T::default()),
        Select::Above(threshold) => match whole::<T>(threshold) {
            Some(bound) => mark(row, selected, |value| value > bound),
            None => mark(row, selected, |value| value.to_f64() > threshold),
        },
        Select::AtMost(threshold) => match whole::<T>(threshold) {
            Some(bound) => mark(row, selected, |value| value <= bound),
            None => mark(row, selected, |value| value.to_f64() <= threshold),
        },
    }
    if select == Select::Labels {
        changes(row, starts);
        starts.iter_mut().zip(&*selected).for_each(|(starts, selected)| *starts &= selected);
    } else {
        begin(selected, starts);
    }
}

/// Finds the first of each stretch of selected voxels.
#[inline(always)]
pub(crate) fn begin(selected: &[u64], starts: &mut [u64]) {
    let mut before = 0;
    for (starts, selected) in starts.iter_mut().zip(selected) {
        *starts = selected & !(selected << 1 | before);
        before = selected >> (WORD - 1);
    }
}

/// The value that is compared with in place of a threshold, where one does: small integers are
/// compared many at a time, and floats few.
fn whole<T: Voxel>(threshold: f64) -> Option<T> {
    let bound = T::from_f64(threshold.floor());
    let small = !T::DTYPE.is_float() && T::DTYPE.bytes() <= 4;
    (small && bound.to_f64() == threshold.floor()).then_some(bound)
}

/// A bit for each voxel that is `such`.
#[inline(always)]
pub(crate) fn mark<T: Copy>(row: &[T], bits: &mut [u64], such: impl Fn(T) -> bool) {
    let (whole, rest) = row.as_chunks::<WORD>();
    // Of a length that is known, many are compared at a time.
    for (bits, values) in bits.iter_mut().zip(whole) {
        *bits = highest_bits(&std::array::from_fn(|x| yes(such(values[x]))));
    }
    if !rest.is_empty() {
        let mut marks = [0; WORD];
        marks.iter_mut().zip(rest).for_each(|(mark, value)| *mark = yes(such(*value)));
        bits[whole.len()] = highest_bits(&marks);
    }
}

/// What a comparison of vectors gives.
#[inline(always)]
fn yes(such: bool) -> u8 {
    u8::from(such).wrapping_neg()
}

/// A bit for each voxel that is the first of the row or differs from the one before.
#[inline(always)]
fn changes<T: Copy + PartialEq>(row: &[T], bits: &mut [u64]) {
    // A bit for each voxel that differs from the next, brought on by one.
    compare(&row[..row.len() - 1], &row[1..], bits, |value, next| value != next);
    let mut last = 1;
    for bits in bits {
        (*bits, last) = (*bits << 1 | last, *bits >> (WORD - 1));
    }
}

/// Which selected voxels of two rows have the same value.
pub(crate) trait Same {
    /// A bit for each voxel of a row: whether that at the same place of the other is the same. They
    /// are all set before.
    fn straight(&self, bits: &mut [u64]);

    /// Whether that at a place here is the same as that at another there.
    fn at(&self, here: u32, there: u32) -> bool;
}

/// Rows of a mask.
pub(crate) struct Selected;

impl Same for Selected {
    #[inline(always)]
    fn straight(&self, _: &mut [u64]) {}

    #[inline(always)]
    fn at(&self, _: u32, _: u32) -> bool {
        true
    }
}

/// Rows of labels, of one length.
pub(crate) struct Equal<'a, T> {
    pub(crate) here: &'a [T],
    pub(crate) there: &'a [T],
}

impl<T: Copy + PartialEq> Same for Equal<'_, T> {
    #[inline(always)]
    fn straight(&self, bits: &mut [u64]) {
        compare(self.here, self.there, bits, |value, other| value == other);
    }

    #[inline(always)]
    fn at(&self, here: u32, there: u32) -> bool {
        self.here[here as usize] == self.there[there as usize]
    }
}

/// A bit for each pair of two rows that are `such`.
#[inline(always)]
fn compare<T: Copy>(row: &[T], other: &[T], bits: &mut [u64], such: impl Fn(T, T) -> bool) {
    let ((whole, rest), (others, other_rest)) = (row.as_chunks::<WORD>(), other.as_chunks::<WORD>());
    // Of a length that is known, many are compared at a time.
    for ((bits, values), others) in bits.iter_mut().zip(whole).zip(others) {
        *bits = highest_bits(&std::array::from_fn(|x| yes(such(values[x], others[x]))));
    }
    if let Some(bits) = bits.get_mut(whole.len()) {
        let mut marks = [0; WORD];
        let pairs = rest.iter().zip(other_rest);
        marks.iter_mut().zip(pairs).for_each(|(mark, (value, other))| *mark = yes(such(*value, *other)));
        *bits = highest_bits(&marks);
    }
}

/// Where bits are set in a row of words, ascending.
#[derive(Default)]
pub(crate) struct Places {
    places: Vec<u32>,
    count: usize,
}

impl Places {
    /// Room for the places of so many words.
    pub(crate) fn new(words: usize) -> Self {
        Self { places: vec![0; (words + 1) * WORD], count: 0 }
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
    }

    /// The places of the bits of a word whose first is at `first`. Few are put down without asking
    /// how many: that is a question no processor can guess the answer to.
    #[inline(always)]
    pub(crate) fn push(&mut self, first: u32, mut bits: u64) {
        let count = bits.count_ones() as usize;
        let Some(places) = self.places[self.count..].first_chunk_mut::<WORD>() else { return };
        self.count += count;
        let (few, rest) = places.split_at_mut(FEW);
        for place in few {
            *place = first + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
        if count > FEW {
            let (more, rest) = rest.split_at_mut(MORE);
            for place in more {
                *place = first + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
            for place in rest {
                if bits == 0 {
                    break;
                }
                *place = first + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
        }
    }

    /// All of them.
    #[inline(always)]
    pub(crate) fn all(&self) -> &[u32] {
        &self.places[..self.count]
    }
}

/// Places in a word that are put down at once, and then more.
const FEW: usize = 4;
const MORE: usize = 12;

/// The runs of a row: where they begin, and where they are over.
pub(crate) struct Ends {
    starts: Places,
    ends: Places,
}

impl Ends {
    /// Room for the runs of a row of so many words.
    pub(crate) fn new(words: usize) -> Self {
        Self { starts: Places::new(words), ends: Places::new(words) }
    }

    /// The runs of a row, ascending: first voxel, and one past the last.
    #[inline(always)]
    pub(crate) fn of(&mut self, selected: &[u64], starts: &[u64], width: usize) -> impl Iterator<Item = (u32, u32)> {
        self.starts.clear();
        self.ends.clear();
        let mut before = 0;
        for (place, (&selected, &starts)) in selected.iter().zip(starts).enumerate() {
            let first = (place * WORD) as u32;
            self.starts.push(first, starts);
            // A run is over where the next one begins, or none does.
            self.ends.push(first, (selected << 1 | before) & (!selected | starts));
            before = selected >> (WORD - 1);
        }
        if self.ends.count < self.starts.count {
            self.ends.places[self.ends.count] = width as u32;
            self.ends.count += 1;
        }
        self.starts.all().iter().copied().zip(self.ends.all().iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::drawn::Drawn;

    fn runs_of<T: Voxel>(row: &[T], select: Select) -> Vec<(u32, u32)> {
        let (mut selected, mut starts) = (vec![0; words(row.len())], vec![0; words(row.len())]);
        scan(row, select, &mut selected, &mut starts);
        Ends::new(selected.len()).of(&selected, &starts, row.len()).collect()
    }

    /// Voxel by voxel.
    fn plainly<T: Voxel>(row: &[T], select: Select) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (x, value) in (0..).zip(row) {
            if !select.takes(*value) {
                continue;
            }
            let goes_on =
                |run: &&mut (u32, u32)| run.1 == x && (select != Select::Labels || row[x as usize - 1] == *value);
            match runs.last_mut().filter(goes_on) {
                Some(run) => run.1 += 1,
                None => runs.push((x, x + 1)),
            }
        }
        runs
    }

    #[test]
    fn runs_are_those_of_a_walk_voxel_by_voxel() {
        let mut drawn = Drawn(5);
        for width in [1, 2, 63, 64, 65, 127, 128, 129, 200] {
            for spread in [2, 3, 9] {
                for longest in [1, 4, 90] {
                    let row = drawn.stretches(width, spread, longest, |value| value as u16);
                    let small: Vec<i8> = row.iter().map(|value| *value as i8).collect();
                    let floats: Vec<f32> = row.iter().map(|value| f32::from(*value)).collect();
                    for select in [
                        Select::NonZero,
                        Select::Zero,
                        Select::Above(0.5),
                        Select::AtMost(1.0),
                        Select::Above(-0.5),
                        Select::AtMost(1e9),
                    ] {
                        assert_eq!(runs_of(&row, select), plainly(&row, select), "{select:?} {row:?}");
                        assert_eq!(runs_of(&small, select), plainly(&row, select));
                        assert_eq!(runs_of(&floats, select), plainly(&row, select));
                    }
                    assert_eq!(runs_of(&row, Select::Labels), plainly(&row, Select::Labels), "{row:?}");
                    assert_eq!(runs_of(&small, Select::Labels), plainly(&row, Select::Labels));
                }
            }
        }
    }
}
