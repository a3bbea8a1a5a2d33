//! Forces of displaced elements, a stroke of them at a time.
//!
//! A row of elements has the nodes of four rows. The displacements of the eight corners become sums and differences,
//! each class gives its forces, and these become forces on corners again: some 220 operations an element. Strokes without any stiffness are not visited. In every block an element adds to its nodes in the same
//! order, so forces are the same bits wherever it is.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::programs::force::elements::element::{Class, Element};
use crate::programs::force::elements::field::{Field, Real};
use crate::programs::force::elements::level::{Level, STROKE};
use crate::wide::{Work, widely};

/// The spans of slots, along x, whose elements are stiff, and the moduli of the elements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Elements<T> {
    /// By slot.
    pub(super) moduli: Vec<T>,
    /// Row of the padded box, first slot in it, and one past the last: whole strokes.
    spans: Vec<[u32; 3]>,
    /// The spans of slots whose nodes belong to stiff elements; what lies between is nothing in every field.
    live: Vec<[u32; 2]>,
}

/// Gaps of so many slots are worked on too: that is quicker.
const GAP: usize = 8;

impl<T: Real> Elements<T> {
    /// Elements of a level by their moduli.
    pub(super) fn new(level: &Level, moduli: Vec<T>) -> Self {
        let [depth, height, width] = level.padded;
        let mut spans: Vec<[u32; 3]> = Vec::new();
        for (z, y) in (0..depth - 1).flat_map(|z| (0..height - 1).map(move |y| (z, y))) {
            let row = z * height + y;
            let strokes = moduli[row * width..row * width + width - 1].chunks_exact(STROKE);
            for (at, stroke) in strokes.enumerate() {
                let first = (at * STROKE) as u32;
                match spans.last_mut() {
                    _ if stroke.iter().all(|modulus| *modulus == T::default()) => {}
                    Some([last, _, end]) if *last == row as u32 && *end == first => *end += STROKE as u32,
                    _ => spans.push([row as u32, first, first + STROKE as u32]),
                }
            }
        }
        let live = live(level, &moduli);
        Self { moduli, spans, live }
    }

    /// The spans of slots whose nodes belong to stiff elements.
    pub(super) fn live(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.live.iter().map(|[start, end]| *start as usize..*end as usize)
    }
}

/// The spans of slots whose nodes belong to elements that are not nothing.
fn live<T: Real>(level: &Level, moduli: &[T]) -> Vec<[u32; 2]> {
    let mut nodes = vec![false; moduli.len() + level.strides().iter().sum::<usize>() + 1];
    let [dz, dy, _] = level.strides();
    for (slot, _) in moduli.iter().enumerate().filter(|(_, modulus)| **modulus != T::default()) {
        for row in [slot, slot + dy, slot + dz, slot + dz + dy] {
            nodes[row..row + 2].fill(true);
        }
    }
    let mut spans: Vec<[u32; 2]> = Vec::new();
    for slot in (0..moduli.len()).filter(|slot| nodes[*slot]) {
        match spans.last_mut() {
            Some([_, end]) if slot <= *end as usize + GAP => *end = slot as u32 + 1,
            _ => spans.push([slot as u32, slot as u32 + 1]),
        }
    }
    spans
}

/// Elements of a row that are worked on together: what they put up against displacements stays near.
const PIECE: usize = 8 * STROKE;

/// What all elements do to the nodes when these are displaced.
struct Apply<'a, T> {
    level: &'a Level,
    classes: [[T; 6]; 8],
    elements: &'a Elements<T>,
    displaced: &'a Field<T>,
    forces: &'a mut Field<T>,
}

/// Sums and differences over the three bits.
#[inline(always)]
fn hadamard<T: Real>([a, b, c, d, e, f, g, h]: [T; 8]) -> [T; 8] {
    let (a, b, c, d, e, f, g, h) = (a + b, a - b, c + d, c - d, e + f, e - f, g + h, g - h);
    let (a, b, c, d, e, f, g, h) = (a + c, b + d, a - c, b - d, e + g, f + h, e - g, f - h);
    [a + e, b + f, c + g, d + h, a - e, b - f, c - g, d - h]
}

/// Sums and differences of the corners of an element along one axis, times its modulus.
#[inline(always)]
fn sums<T: Real>([a, b, c, d]: &[&[T]; 4], x: usize, modulus: T) -> [T; 8] {
    hadamard([a[x], a[x + 1], b[x], b[x + 1], c[x], c[x + 1], d[x], d[x + 1]]).map(|sum| sum * modulus)
}

/// The forces of a class.
#[inline(always)]
fn class<T: Real>(&[zz, yy, xx, zy, zx, yx]: &[T; 6], [z, y, x]: [T; 3]) -> [T; 3] {
    [z * zz + y * zy + x * zx, z * zy + y * yy + x * yx, z * zx + y * yx + x * xx]
}

/// The forces of a piece of a row on each corner, by axis and corner. One loop without a branch, over slices as long
/// as it is: it is worked on many elements at a time.
#[inline(always)]
fn push<T: Real>(classes: &[[T; 6]; 8], moduli: &[T], rows: &[[&[T]; 4]; 3], forces: &mut [[[T; PIECE]; 8]; 3]) {
    let length = moduli.len().min(PIECE);
    let moduli = &moduli[..length];
    let [z_rows, y_rows, x_rows] = rows.map(|rows| rows.map(|row| &row[..length + 1]));
    for at in 0..length {
        let modulus = moduli[at];
        let z = sums(&z_rows, at, modulus);
        let y = sums(&y_rows, at, modulus);
        let x = sums(&x_rows, at, modulus);
        let [z4, y2, x1] = class(&classes[0], [z[4], y[2], x[1]]);
        let [z5, y3, x0] = class(&classes[1], [z[5], y[3], x[0]]);
        let [z6, y0, x3] = class(&classes[2], [z[6], y[0], x[3]]);
        let [z7, y1, x2] = class(&classes[3], [z[7], y[1], x[2]]);
        let [z0, y6, x5] = class(&classes[4], [z[0], y[6], x[5]]);
        let [z1, y7, x4] = class(&classes[5], [z[1], y[7], x[4]]);
        let [z2, y4, x7] = class(&classes[6], [z[2], y[4], x[7]]);
        let [z3, y5, x6] = class(&classes[7], [z[3], y[5], x[6]]);
        let z = hadamard([z0, z1, z2, z3, z4, z5, z6, z7]);
        let y = hadamard([y0, y1, y2, y3, y4, y5, y6, y7]);
        let x = hadamard([x0, x1, x2, x3, x4, x5, x6, x7]);
        for corner in 0..8 {
            forces[0][corner][at] = z[corner];
            forces[1][corner][at] = y[corner];
            forces[2][corner][at] = x[corner];
        }
    }
}

/// Adds the forces on the near and the far corners of elements to a row of nodes, one longer than they.
#[inline(always)]
fn add<T: Real>(row: &mut [T], near: &[T], far: &[T]) {
    let length = near.len();
    row[0] += near[0];
    row[length] += far[length - 1];
    let between = row[1..length].iter_mut().zip(&near[1..]).zip(&far[..length - 1]);
    between.for_each(|((force, near), far)| *force += *near + *far);
}

impl<T: Real> Work for Apply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { level, classes, elements, displaced, forces } = self;
        let [_, height, width] = level.padded;
        let mut pushed = [[[T::default(); PIECE]; 8]; 3];
        for &[row, start, end] in &elements.spans {
            let firsts = [row, row + 1, row + height as u32, row + height as u32 + 1].map(|row| row as usize * width);
            let (mut start, end) = (start as usize, end as usize);
            while start < end {
                let length = (end - start).min(PIECE);
                let rows: [[&[T]; 4]; 3] = displaced
                    .0
                    .each_ref()
                    .map(|component| firsts.map(|first| &component[first + start..first + start + length + 1]));
                push(&classes, &elements.moduli[firsts[0] + start..firsts[0] + start + length], &rows, &mut pushed);
                for (component, pushed) in forces.0.iter_mut().zip(&pushed) {
                    for (first, [near, far]) in firsts.into_iter().zip(pushed.as_chunks::<2>().0) {
                        let row = &mut component[first + start..first + start + length + 1];
                        add(row, &near[..length], &far[..length]);
                    }
                }
                start += length;
            }
        }
    }
}

/// Adds to the forces on nodes what elements put up against displacements.
pub(super) fn resist<T: Real>(
    level: &Level,
    element: &Element,
    elements: &Elements<T>,
    displaced: &Field<T>,
    forces: &mut Field<T>,
) {
    let classes = element.classes().map(|class: Class| class.map(T::of));
    widely(Apply { level, classes, elements, displaced, forces });
}
