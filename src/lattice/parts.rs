//! The parts of a box of voxels that hang together, found while its rows are scanned.
//!
//! Union-find over provisional numbers (Rosenfeld and Pfaltz, 1966), on runs as He, Chao and Suzuki
//! (2008), and on bits: where two runs of neighbouring rows touch is where one of them begins inside
//! the other, so the words of the two rows say it, and how many runs begin before tells which they
//! are. A run takes the number of the first run above that it touches, so numbers are far fewer than
//! runs, and most unions join what is one already.
//!
//! Cost: O(voxels / 64) words for each row above, and O(runs). Memory: two slices of bits, 4 bytes a
//! provisional number, 16 a part; runs only of the rows that are to be kept, and marks
//! ([`marks`](crate::lattice::marks)) where they are wanted.

use ndarray::{ArcArray, Ix3};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lattice::bits::{Equal, Selected};
use crate::lattice::joining::{Joining, NONE};
use crate::lattice::marks::Marks;
use crate::lattice::runs::Runs;
use crate::lattice::select::Select;
use crate::lattice::sound::sound_row;
use crate::lattice::stencil::Stencil;
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type, row};
use crate::wide::{Work, widely};

/// What is known of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Raster index in the volume of its first voxel inside the block; `u64::MAX` where it has none.
    pub first: u64,
    /// Its voxels inside the block.
    pub voxels: u64,
}

/// A box to look for parts in.
#[derive(Clone, Copy, Debug)]
pub struct Boxed<'a> {
    /// Its voxels.
    pub voxels: &'a Voxels,
    /// Where it lies.
    pub region: Region,
    /// The block in it, whose corner nearest to zero is that of the box.
    pub own: Region,
    /// The shape of the volume.
    pub volume: Shape,
    /// How errors name the volume.
    pub name: &'a str,
}

/// The parts of a box.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The runs of the rows that were kept; other rows have none.
    pub runs: Runs,
    /// The part of each run.
    pub part_of: Vec<u32>,
    /// The part of each voxel, where they were wanted.
    pub marks: Option<Marks>,
    /// The parts, in raster order of their first voxel in the box.
    pub parts: Vec<Part>,
}

impl Parts {
    /// Scans a box. `keep` says of which rows (z, y) the runs are wanted, `marks` whether all voxels
    /// are to be marked.
    ///
    /// # Errors
    /// A NaN; for [`Select::Labels`] floats or a negative label; 2^32 runs or parts.
    pub fn scan(
        boxed: Boxed<'_>,
        select: Select,
        stencil: Stencil,
        keep: impl Fn(usize, usize) -> bool,
        marks: bool,
    ) -> Result<Self> {
        let Boxed { voxels, region, name, .. } = boxed;
        if region.shape().0[1..].iter().product::<usize>() >= NONE as usize {
            return Err(Error::resource(format!("{name}: slices of 2^32 voxels: cut it into blocks")));
        }
        let mut runs = Runs::begin(voxels, region, select, name)?;
        let mut part_of = Vec::new();
        let mut marks = marks.then(|| Marks::begin(region));
        let mut scan = Joining::new(region, select, stencil);
        each_voxel_type!(voxels, array => {
            let (runs, part_of) = (&mut runs, &mut part_of);
            widely(Rows { boxed, array, select, keep, scan: &mut scan, runs, part_of, marks: marks.as_mut() })?;
        });
        let Joining { sets, known, .. } = scan;
        let (number, count) = sets.number();
        let mut parts = vec![Part { first: u64::MAX, voxels: 0 }; count as usize];
        for (number, known) in number.iter().zip(&known) {
            let part = &mut parts[*number as usize];
            part.voxels += known.voxels;
            part.first = part.first.min(known.first);
        }
        part_of.iter_mut().for_each(|part| *part = number[*part as usize]);
        marks.iter_mut().for_each(|marks| marks.renumber(&number));
        Ok(Self { runs, part_of, marks, parts })
    }
}

/// A scan of all rows of a box.
struct Rows<'a, T, K> {
    boxed: Boxed<'a>,
    array: &'a ArcArray<T, Ix3>,
    select: Select,
    keep: K,
    scan: &'a mut Joining,
    runs: &'a mut Runs,
    part_of: &'a mut Vec<u32>,
    marks: Option<&'a mut Marks>,
}

impl<T: Voxel, K: Fn(usize, usize) -> bool> Work for Rows<'_, T, K> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(self) -> Result<()> {
        let Self { boxed, array, select, keep, scan, runs, part_of, mut marks } = self;
        let Boxed { region, own, volume, name, .. } = boxed;
        for (z, y) in region.relative_to(region.start).rows() {
            let values = sound_row(array, &region, [z, y], select, name)?;
            scan.begin_row(y, values, select);
            for above in 0..scan.above.len() {
                let Some((there_z, there_y)) = scan.row_above(above, z, y) else { continue };
                if select == Select::Labels {
                    let there = row(array, there_z, there_y);
                    scan.join(above, y, Equal { here: values, there });
                } else {
                    scan.join(above, y, Selected);
                }
            }
            let place = [z + region.start[0], y + region.start[1], own.start[2]];
            let kept = keep(place[0], place[1]);
            let owns = place[0] < own.end[0] && place[1] < own.end[1];
            let width = if owns { own.shape().0[2] as u32 } else { 0 };
            let raster = volume.raster(place);
            let fits = scan.end_row(y, values.len(), |span, number, part| {
                part.voxels += u64::from(span.end.min(width).saturating_sub(span.start));
                if span.start < width {
                    part.first = part.first.min(raster + u64::from(span.start));
                }
                if kept {
                    runs.push(span, values[span.start as usize]);
                    part_of.push(number);
                }
            });
            if !fits {
                return Err(Error::resource(format!("{name}: a block of 2^32 parts: make blocks smaller")));
            }
            runs.end_row(name)?;
            if let Some(marks) = &mut marks {
                let (selected, starts, numbers) = scan.row(y);
                marks.push_row(selected, starts, numbers);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::drawn::Drawn;

    /// The parts of runs that were scanned before, by looking at every pair that touches.
    fn plainly(voxels: &Voxels, region: Region, own: Region, volume: Shape, by: (Select, Stencil)) -> Parts {
        let runs = Runs::scan(voxels, region, by.0, "random").unwrap();
        let (part_of, count) = runs.components(by.1);
        let mut parts = vec![Part { first: u64::MAX, voxels: 0 }; count as usize];
        runs.within(&own, |run, [z, y], span| {
            let part = &mut parts[part_of[run] as usize];
            part.voxels += u64::from(span.len());
            part.first = part.first.min(volume.raster([z, y, own.start[2] + span.start as usize]));
        });
        Parts { runs, part_of, marks: None, parts }
    }

    #[test]
    fn parts_are_those_of_a_look_at_every_pair_of_runs() {
        let mut drawn = Drawn(3);
        for shape in [[1, 1, 1], [3, 1, 70], [1, 5, 64], [4, 5, 6], [5, 4, 130], [3, 7, 65]] {
            for (most, longest) in [(2, 1), (2, 3), (3, 1), (4, 5), (3, 40)] {
                let voxels = drawn.stretches(shape.iter().product(), most, longest, |value| value as u8);
                // The box lies inside a larger volume, the block in the box.
                let start = [2, 1, 3];
                let volume = Shape(std::array::from_fn(|axis| start[axis] + shape[axis]));
                let region = Region { start, end: volume.0 };
                let cut = [(); 3].map(|()| drawn.below(2));
                let end = std::array::from_fn(|axis| (volume.0[axis] - cut[axis]).max(start[axis] + 1));
                let own = Region { start, end };
                let bytes = Voxels::from_vec(Shape(shape), voxels.clone());
                let wide = Voxels::from_vec(Shape(shape), voxels.iter().map(|v| i32::from(*v)).collect::<Vec<_>>());
                for stencil in [Stencil::N6, Stencil::N18, Stencil::N26] {
                    for select in [Select::NonZero, Select::Zero, Select::Above(1.5), Select::Labels] {
                        let plain = plainly(&bytes, region, own, volume, (select, stencil));
                        for voxels in [&bytes, &wide] {
                            let boxed = Boxed { voxels, region, own, volume, name: "random" };
                            let found = Parts::scan(boxed, select, stencil, |_, _| true, true).unwrap();
                            let which = format!("{shape:?} {most} {longest} {stencil} {select:?}");
                            assert_eq!(found.runs, plain.runs, "{which}");
                            assert_eq!(found.part_of, plain.part_of, "{which}");
                            assert_eq!(found.parts, plain.parts, "{which}");
                            assert_eq!(found.marks, Some(Marks::of(&found.runs, found.part_of)), "{which}");
                            let few = Parts::scan(boxed, select, stencil, |z, y| z + y == 4, false).unwrap();
                            assert_eq!(few.parts, plain.parts, "{which}");
                            let rows = region.rows().filter(|(z, y)| z + y == 4);
                            let kept = rows.flat_map(|(z, y)| plain.runs.row(z as i64, y as i64));
                            assert!(few.part_of.iter().copied().eq(kept.map(|run| plain.part_of[run])), "{which}");
                        }
                    }
                }
            }
        }
    }
}
