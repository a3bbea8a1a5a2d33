//! The parts of a box as they are found: two bits a voxel, and the part of each run.
//!
//! A row of bits says which voxels are in a part, another where a run begins, so the k-th run of a
//! row is at the k-th bit of the second. That is less than the runs themselves where they are
//! shorter than 30 voxels or so, and it is how a scan sees rows: nothing has to be made of them
//! before labels are wanted, and painting those asks nothing of a voxel that no processor can guess.
//!
//! Memory: a quarter of a byte a voxel and 4 bytes a run.

use serde::{Deserialize, Serialize};

use crate::lattice::bits::{Ends, WORD, words};
use crate::lattice::runs::{Runs, Span};
use crate::volume::region::Region;
use crate::volume::voxel::Voxel;

/// The parts of a box, voxel by voxel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    region: Region,
    /// Words of each row in turn: the voxels in parts, and the first of each run.
    selected: Vec<u64>,
    starts: Vec<u64>,
    /// Runs of row `r` are `rows[r]..rows[r + 1]`.
    rows: Vec<u32>,
    /// The part of each run.
    parts: Vec<u32>,
}

impl Marks {
    /// No rows yet of a box.
    pub(crate) fn begin(region: Region) -> Self {
        let [nz, ny, width] = region.shape().0;
        let all = nz * ny * words(width);
        let mut rows = Vec::with_capacity(nz * ny + 1);
        rows.push(0);
        Self { region, selected: Vec::with_capacity(all), starts: Vec::with_capacity(all), rows, parts: Vec::new() }
    }

    /// The next row; parts may be renumbered later.
    #[inline(always)]
    pub(crate) fn push_row(&mut self, selected: &[u64], starts: &[u64], parts: &[u32]) {
        self.selected.extend_from_slice(selected);
        self.starts.extend_from_slice(starts);
        self.parts.extend_from_slice(parts);
        self.rows.push(self.parts.len() as u32);
    }

    /// Gives every part another number.
    pub(crate) fn renumber(&mut self, number: &[u32]) {
        self.parts.iter_mut().for_each(|part| *part = number[*part as usize]);
    }

    /// What runs and the part of each say of all rows of their box.
    pub fn of(runs: &Runs, parts: Vec<u32>) -> Self {
        assert_eq!(runs.len(), parts.len(), "each run has a part");
        let region = runs.region();
        let [nz, ny, width] = region.shape().0;
        let words = words(width);
        let (mut selected, mut starts) = (vec![0u64; nz * ny * words], vec![0u64; nz * ny * words]);
        for (row, range) in runs.rows().windows(2).enumerate() {
            let words = row * words..(row + 1) * words;
            let (selected, starts) = (&mut selected[words.clone()], &mut starts[words]);
            for Span { start, end } in &runs.spans()[range[0] as usize..range[1] as usize] {
                starts[*start as usize / WORD] |= 1 << (*start as usize % WORD);
                let (start, end) = (*start as usize, *end as usize);
                let first = start / WORD;
                for (word, bits) in (first..).zip(&mut selected[first..=(end - 1) / WORD]) {
                    let (from, past) = (start.saturating_sub(word * WORD), (end - word * WORD).min(WORD));
                    *bits |= u64::MAX << from & u64::MAX >> (WORD - past);
                }
            }
        }
        Self { region, selected, starts, rows: runs.rows().to_vec(), parts }
    }

    /// The runs.
    pub fn runs(&self) -> Runs {
        let width = self.region.shape().0[2];
        let words = words(width);
        let mut ends = Ends::new(words);
        let mut spans = Vec::with_capacity(self.parts.len());
        for (selected, starts) in self.selected.chunks_exact(words).zip(self.starts.chunks_exact(words)) {
            spans.extend(ends.of(selected, starts, width).map(|(start, end)| Span { start, end }));
        }
        Runs::from_rows(self.region, self.rows.clone(), spans, None).expect("every row has its runs")
    }

    /// The part of each run.
    pub fn parts(&self) -> &[u32] {
        &self.parts
    }

    /// The memory that they take.
    pub fn bytes(&self) -> u64 {
        let Self { selected, starts, rows, parts, .. } = self;
        (size_of_val(&selected[..]) + size_of_val(&starts[..]) + size_of_val(&rows[..]) + size_of_val(&parts[..]))
            as u64
    }

    /// Writes the labels of the first voxels of row (z, y), counted in the volume, to `out`, which
    /// are zeros; `labels` are those of the parts, `of_run` is room for those of the runs.
    #[inline(always)]
    pub(crate) fn paint_row<T: Voxel>(&self, z: usize, y: usize, labels: &[T], of_run: &mut Vec<T>, out: &mut [T]) {
        let row = (z - self.region.start[0]) * self.region.shape().0[1] + (y - self.region.start[1]);
        let words = words(self.region.shape().0[2]);
        let parts = &self.parts[self.rows[row] as usize..self.rows[row + 1] as usize];
        of_run.clear();
        // Before the first is none.
        of_run.push(T::default());
        of_run.extend(parts.iter().map(|part| labels[*part as usize]));
        of_run.resize(of_run.len() + WORD, T::default());
        let marks = self.selected[row * words..].iter().zip(&self.starts[row * words..]);
        // The runs before the word.
        let mut rank = 0;
        for (out, (&selected, &starts)) in out.chunks_mut(WORD).zip(marks) {
            // That of the run before the word, and those that begin in it.
            let Some(values) = of_run[rank..].first_chunk::<{ WORD + 1 }>() else { return };
            rank += starts.count_ones() as usize;
            if selected == 0 {
                continue;
            }
            let begin = starts | 1;
            if begin == 1 && selected == u64::MAX {
                out.fill(values[starts as usize]);
                continue;
            }
            let mut painted = [T::default(); 2 * WORD];
            if begin.count_ones() as usize > WORD / 4 {
                paint_each(starts, values, &mut painted);
            } else {
                paint_runs(starts, values, &mut painted);
            }
            if selected == u64::MAX {
                out.copy_from_slice(&painted[..out.len()]);
            } else if let Ok(out) = <&mut [T; WORD]>::try_from(&mut *out) {
                select_each(selected, &painted, out);
            } else {
                let mut whole = [T::default(); WORD];
                select_each(selected, &painted, &mut whole);
                out.copy_from_slice(&whole[..out.len()]);
            }
        }
    }
}

/// Writes to each voxel of a word the value of the last run that begins no later. No branch
/// depends on a voxel.
#[inline(always)]
fn paint_each<T: Voxel>(starts: u64, values: &[T; WORD + 1], painted: &mut [T; 2 * WORD]) {
    let mut padded = [T::default(); 2 * WORD];
    padded[..=WORD].copy_from_slice(values);
    let mut begun = 0;
    for (x, painted) in painted[..WORD].iter_mut().enumerate() {
        begun += (starts >> x & 1) as usize;
        *painted = padded[begun % (2 * WORD)];
    }
}

/// As [`paint_each`], run by run: each is written as far as most go, and the next over it.
#[inline(always)]
fn paint_runs<T: Voxel>(starts: u64, values: &[T; WORD + 1], painted: &mut [T; 2 * WORD]) {
    const MOST: usize = WORD / 2;
    let mut begin = starts | 1;
    for value in &values[(starts & 1) as usize..] {
        let x = begin.trailing_zeros() as usize;
        let to = &mut painted[x..];
        to[..MOST].fill(*value);
        begin &= begin - 1;
        if begin.trailing_zeros() as usize - x > MOST {
            to[MOST..WORD].fill(*value);
        }
        if begin == 0 {
            return;
        }
    }
}

/// The values of the voxels that are selected, and zeros.
#[inline(always)]
fn select_each<T: Voxel>(selected: u64, painted: &[T; 2 * WORD], out: &mut [T; WORD]) {
    // A byte for each voxel, so that as many are selected at a time as fit.
    const EACH: u64 = 0x8040_2010_0804_0201;
    let mut marks = [0u8; WORD];
    for (marks, byte) in marks.as_chunks_mut::<8>().0.iter_mut().zip(selected.to_le_bytes()) {
        *marks = ((u64::from(byte) * 0x0101_0101_0101_0101) & EACH).to_le_bytes();
    }
    for x in 0..WORD {
        out[x] = if marks[x] != 0 { painted[x] } else { T::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::drawn::Drawn;
    use crate::lattice::select::Select;
    use crate::lattice::stencil::Stencil;
    use crate::volume::shape::Shape;
    use crate::volume::voxel::Voxels;

    #[test]
    fn marks_are_their_runs_and_paint_them() {
        let mut drawn = Drawn(11);
        for shape in [[1, 1, 1], [2, 3, 63], [3, 2, 64], [2, 2, 65], [2, 3, 300]] {
            for (most, longest) in [(2, 1), (3, 5), (2, 150), (1, 9)] {
                let voxels = drawn.stretches(shape.iter().product(), most + 1, longest, |value| value as u16);
                let region = Region { start: [4, 5, 6], end: std::array::from_fn(|axis| 4 + axis + shape[axis]) };
                let voxels = Voxels::from_vec(Shape(shape), voxels);
                for select in [Select::NonZero, Select::Labels] {
                    let runs = Runs::scan(&voxels, region, select, "random").unwrap();
                    let (parts, count) = runs.components(Stencil::N6);
                    let marks = Marks::of(&runs, parts.clone());
                    assert_eq!(marks.runs().spans(), runs.spans());
                    assert_eq!(Marks::of(&marks.runs(), parts.clone()), marks);
                    let mut room = Vec::new();
                    let labels: Vec<u32> = (0..count).map(|part| part + 7).collect();
                    for (z, y) in region.rows() {
                        let mut plain = vec![0; shape[2]];
                        for run in runs.row(z as i64, y as i64) {
                            let Span { start, end } = runs.spans()[run];
                            plain[start as usize..end as usize].fill(parts[run] + 7);
                        }
                        for width in [shape[2], shape[2] / 2] {
                            let mut out = vec![0; width];
                            marks.paint_row(z, y, &labels, &mut room, &mut out);
                            assert_eq!(out, plain[..width], "{shape:?} {most} {longest}");
                        }
                    }
                }
            }
        }
    }
}
