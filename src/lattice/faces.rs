//! Which cells of a block share faces, and how many, found while rows are scanned.
//!
//! Where two rows have the same labels nothing is to be counted, and in a volume of cells that is
//! nearly everywhere. So rows are compared many voxels at a time into words of bits, and what is
//! looked at are the stretches where both rows have a cell and not the same: a stretch of one pair
//! of cells is one count. Cells are listed where a run begins that no row before goes on with.
//!
//! Cost: three comparisons a voxel, one count a stretch and a run. Memory: two slices of bits, and
//! the tables of the block; no run is kept.

use ndarray::{ArcArray, Ix3};

use crate::error::Result;
use crate::lattice::bits::{Ends, Equal, Places, Same, Slice, WORD, words};
use crate::lattice::contact::Contact;
use crate::lattice::select::Select;
use crate::lattice::sound::{fits, sound_row};
use crate::lattice::summary::{Cell, Summary};
use crate::lattice::tally::{Numbers, Pairs};
use crate::volume::region::Region;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type, row};
use crate::wide::{Work, widely};

/// The cells of the block `own` by their labels, and its contacts by faces: what
/// [`summarise`](crate::lattice::summary::summarise) lists from runs. `voxels` are those of `region`,
/// the block and its shell towards larger z, y and x.
///
/// # Errors
/// Floats, a negative label, or a box whose rows are too long.
pub fn faces(voxels: &Voxels, region: Region, own: Region, name: &str) -> Result<Summary> {
    fits(voxels, region, Select::Labels, name)?;
    assert_eq!(region.start, own.start, "the shell lies towards larger z, y and x");
    let mut faces = Faces { listed: Numbers::default(), named: Numbers::default(), pairs: Pairs::default() };
    each_voxel_type!(voxels, array => widely(Rows { array, region, own, name, faces: &mut faces }))?;
    Ok(faces.finish(voxels.dtype().bytes()))
}

/// What is counted.
struct Faces {
    /// The cells of the block.
    listed: Numbers,
    /// Those of pairs, where labels have more than 32 bits; else labels are their own numbers.
    named: Numbers,
    /// Faces by pairs of numbers.
    pairs: Pairs<[u64; 3]>,
}

impl Faces {
    #[inline(always)]
    fn count<T: Voxel>(&mut self, here: T, there: T, axis: usize, faces: u64) {
        let [here, there] = [here, there].map(|value| value.to_label().unwrap_or(0));
        let [here, there] = match T::DTYPE.bytes() {
            ..=4 => [here as u32, there as u32],
            _ => [self.named.of(here), self.named.of(there)],
        };
        self.pairs.of(here, there)[axis] += faces;
    }

    fn finish(self, bytes: usize) -> Summary {
        let names = self.named.into_labels();
        let label = |number: u32| if bytes <= 4 { u64::from(number) } else { names[number as usize] };
        let cells = self.listed.into_labels().into_iter().map(|label| (label, Cell::default())).collect();
        let contacts = self.pairs.into_pairs().map(|(pair, faces)| (pair.map(label), Contact::by_faces(faces)));
        Summary::of(cells, contacts)
    }
}

/// A scan of all rows of a box.
struct Rows<'a, T> {
    array: &'a ArcArray<T, Ix3>,
    region: Region,
    own: Region,
    name: &'a str,
    faces: &'a mut Faces,
}

impl<T: Voxel> Work for Rows<'_, T> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(self) -> Result<()> {
        let Self { array, region, own, name, faces } = self;
        let ([_, rows, width], [depth, height, own_width]) = (region.shape().0, own.shape().0);
        let words = words(width);
        // The voxels of a row that belong to the block, and those and the one beyond.
        let owned: Vec<u64> = (0..words).map(|word| first_bits(own_width, word)).collect();
        let beside: Vec<u64> = (0..words).map(|word| first_bits(own_width + 1, word)).collect();
        let mut slices = [(); 2].map(|()| Slice::new(rows, words));
        let (mut equal, mut unlike, mut begin) = (vec![0; words], vec![0; words], vec![0; words]);
        let (mut fresh, mut ends, mut places) = (vec![0; words], Ends::new(words), Places::new(words));
        for (z, y) in region.relative_to(region.start).rows() {
            let values = sound_row(array, &region, [z, y], Select::Labels, name)?;
            if y == 0 {
                slices.swap(0, 1);
            }
            slices[0].scan_row(y, values, Select::Labels);
            let (selected, starts) = slices[0].row(y);
            let is_own = z < depth && y < height;
            fresh.copy_from_slice(starts);
            // With the rows before it that the block owns.
            for (axis, dz, dy) in [(0, 1, 0), (1, 0, 1)] {
                let (Some(z), Some(y)) = (z.checked_sub(dz), y.checked_sub(dy)) else { continue };
                if z >= depth || y >= height {
                    continue;
                }
                let there = row(array, z, y);
                Equal { here: values, there }.straight(&mut equal);
                let (others, other_starts) = slices[dz].row(y);
                let mut before = 0;
                for word in 0..words {
                    let both = selected[word] & others[word];
                    fresh[word] &= !(both & equal[word]);
                    let differs = both & !equal[word] & owned[word];
                    // A stretch begins where none was, or one of the two cells is another.
                    begin[word] = differs & (starts[word] | other_starts[word] | !(differs << 1 | before));
                    before = differs >> (WORD - 1);
                    unlike[word] = differs;
                }
                for (start, end) in ends.of(&unlike, &begin, own_width) {
                    let x = start as usize;
                    faces.count(values[x], there[x], axis, u64::from(end - start));
                }
            }
            if !is_own {
                continue;
            }
            places.clear();
            let mut before = 0;
            for word in 0..words {
                // A run that begins where one is over; the pair belongs to the voxel before.
                let meet = starts[word] & (selected[word] << 1 | before) & beside[word];
                before = selected[word] >> (WORD - 1);
                places.push((word * WORD) as u32, meet);
            }
            for &x in places.all() {
                faces.count(values[x as usize - 1], values[x as usize], 2, 1);
            }
            places.clear();
            for word in 0..words {
                places.push((word * WORD) as u32, fresh[word] & owned[word]);
            }
            for &x in places.all() {
                faces.listed.of(values[x as usize].to_label().unwrap_or(0));
            }
        }
        Ok(())
    }
}

/// The bits of a word that are among the first so many of a row.
fn first_bits(count: usize, word: usize) -> u64 {
    match count.saturating_sub(word * WORD) {
        0 => 0,
        count => u64::MAX >> (WORD - count.min(WORD)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::drawn::Drawn;
    use crate::lattice::runs::Runs;
    use crate::lattice::stencil::Stencil;
    use crate::lattice::summary::{Detail, Want, summarise};
    use crate::volume::shape::Shape;

    #[test]
    fn faces_are_those_of_overlaps_of_runs() {
        let mut drawn = Drawn(23);
        for shape in [[1, 1, 1], [3, 2, 64], [2, 5, 65], [4, 3, 63], [5, 6, 7], [3, 3, 200]] {
            for (most, longest) in [(1, 3), (2, 1), (3, 9), (40, 5), (9, 90)] {
                let voxels = drawn.stretches(shape.iter().product(), most + 1, longest, |value| value as u8);
                let start = [2, 0, 5];
                let region = Region { start, end: std::array::from_fn(|axis| start[axis] + shape[axis]) };
                let cut = [(); 3].map(|()| drawn.below(2));
                let own = Region { start, end: std::array::from_fn(|a| (region.end[a] - cut[a]).max(start[a] + 1)) };
                let wide = voxels.iter().map(|v| i64::from(*v) << 33).collect::<Vec<_>>();
                for voxels in [Voxels::from_vec(Shape(shape), voxels), Voxels::from_vec(Shape(shape), wide)] {
                    let runs = Runs::scan(&voxels, region, Select::Labels, "random").unwrap();
                    let want = Want { cells: Detail::Moments, contacts: Some(Stencil::N6) };
                    let mut plain = summarise(&runs, runs.labels(), own, want);
                    plain.cells.values_mut().for_each(|cell| *cell = Cell::default());
                    assert_eq!(faces(&voxels, region, own, "random").unwrap(), plain, "{shape:?} {most} {longest}");
                }
            }
        }
    }
}
