//! The median over a cube.
//!
//! 8 and 16 bits: a histogram that slides along each row, N² voxels entering and N² leaving at a
//! step, with the median followed from where it was (Huang, Yang and Tang, A fast two-dimensional
//! median filtering algorithm, IEEE Trans. ASSP 27, 1979). Values have coarse bins above the fine
//! ones, so a jump costs 256 steps at most. Wider types: selection among the N³ voxels.

use ndarray::{ArcArray, Ix3};

use crate::volume::filter::Window;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Voxel, Voxels, row};

/// The median over the cube of the window's radius, or the place in the box of a voxel that is
/// NaN.
pub(super) fn median(voxels: &Voxels, window: &Window) -> Result<Voxels, [usize; 3]> {
    let shape = Shape(window.shape);
    Ok(match voxels {
        Voxels::U8(array) => Voxels::from_vec(shape, slide(array, window, |v| u16::from(v) << 8, |i| (i >> 8) as u8)),
        Voxels::I8(array) => Voxels::from_vec(
            shape,
            slide(array, window, |v| u16::from(v as u8 ^ 0x80) << 8, |i| ((i >> 8) as u8 ^ 0x80) as i8),
        ),
        Voxels::U16(array) => Voxels::from_vec(shape, slide(array, window, |v| v, |i| i)),
        Voxels::I16(array) => {
            Voxels::from_vec(shape, slide(array, window, |v| v as u16 ^ 0x8000, |i| (i ^ 0x8000) as i16))
        }
        Voxels::U32(array) => Voxels::from_vec(shape, select(array, window)),
        Voxels::I32(array) => Voxels::from_vec(shape, select(array, window)),
        Voxels::U64(array) => Voxels::from_vec(shape, select(array, window)),
        Voxels::I64(array) => Voxels::from_vec(shape, select(array, window)),
        Voxels::F32(array) => Voxels::from_vec(shape, numbers(array).map(|()| select(array, window))?),
        Voxels::F64(array) => Voxels::from_vec(shape, numbers(array).map(|()| select(array, window))?),
    })
}

fn numbers<T: Voxel>(array: &ArcArray<T, Ix3>) -> Result<(), [usize; 3]> {
    match array.indexed_iter().find(|(_, value)| value.is_nan()) {
        Some((place, _)) => Err(place.into()),
        None => Ok(()),
    }
}

/// Counts of 16-bit values, and where their median lies.
struct Slider {
    fine: Vec<u32>,
    coarse: [u32; 256],
    /// The coarse bin of the median, and how many values lie below it.
    bin: usize,
    below: u32,
}

impl Slider {
    #[inline]
    fn add(&mut self, value: u16) {
        self.fine[usize::from(value)] += 1;
        self.coarse[usize::from(value >> 8)] += 1;
        self.below += u32::from(usize::from(value >> 8) < self.bin);
    }

    #[inline]
    fn take(&mut self, value: u16) {
        self.fine[usize::from(value)] -= 1;
        self.coarse[usize::from(value >> 8)] -= 1;
        self.below -= u32::from(usize::from(value >> 8) < self.bin);
    }

    /// The value below which there are at most `rank` values, and with it more.
    #[inline]
    fn value(&mut self, rank: u32) -> u16 {
        while self.below > rank {
            self.bin -= 1;
            self.below -= self.coarse[self.bin];
        }
        while self.below + self.coarse[self.bin] <= rank {
            self.below += self.coarse[self.bin];
            self.bin += 1;
        }
        let mut below = self.below;
        let mut value = self.bin << 8;
        while below + self.fine[value] <= rank {
            below += self.fine[value];
            value += 1;
        }
        value as u16
    }
}

fn slide<T: Voxel>(
    array: &ArcArray<T, Ix3>,
    window: &Window,
    code: impl Fn(T) -> u16,
    decode: impl Fn(u16) -> T,
) -> Vec<T> {
    let (edge, [nz, ny, nx]) = (2 * window.radius + 1, window.shape);
    let [zs, ys, xs] = &window.places;
    let rank = (edge * edge * edge / 2) as u32;
    let mut slider = Slider { fine: vec![0; 1 << 16], coarse: [0; 256], bin: 0, below: 0 };
    let mut out = Vec::with_capacity(nz * ny * nx);
    let mut rows: Vec<&[T]> = Vec::with_capacity(edge * edge);
    for z in 0..nz {
        for y in 0..ny {
            rows.clear();
            for z in &zs[z..z + edge] {
                rows.extend(ys[y..y + edge].iter().map(|y| row(array, *z, *y)));
            }
            let apply = |slider: &mut Slider, place: usize, add: bool| {
                for row in &rows {
                    let value = code(row[xs[place]]);
                    if add { slider.add(value) } else { slider.take(value) }
                }
            };
            (0..edge - 1).for_each(|place| apply(&mut slider, place, true));
            for x in 0..nx {
                apply(&mut slider, x + edge - 1, true);
                out.push(decode(slider.value(rank)));
                apply(&mut slider, x, false);
            }
            (nx..nx + edge - 1).for_each(|place| apply(&mut slider, place, false));
        }
    }
    out
}

fn select<T: Voxel>(array: &ArcArray<T, Ix3>, window: &Window) -> Vec<T> {
    let (edge, [nz, ny, nx]) = (2 * window.radius + 1, window.shape);
    let [zs, ys, xs] = &window.places;
    let mut out = Vec::with_capacity(nz * ny * nx);
    let mut rows: Vec<&[T]> = Vec::with_capacity(edge * edge);
    let mut cube: Vec<T> = Vec::with_capacity(edge * edge * edge);
    for z in 0..nz {
        for y in 0..ny {
            rows.clear();
            for z in &zs[z..z + edge] {
                rows.extend(ys[y..y + edge].iter().map(|y| row(array, *z, *y)));
            }
            for x in 0..nx {
                cube.clear();
                rows.iter().for_each(|row| cube.extend(xs[x..x + edge].iter().map(|x| row[*x])));
                let middle = cube.len() / 2;
                let (_, median, _) = cube
                    .select_nth_unstable_by(middle, |a, b| a.partial_cmp(b).expect("voxels that are NaN were refused"));
                out.push(*median);
            }
        }
    }
    out
}
