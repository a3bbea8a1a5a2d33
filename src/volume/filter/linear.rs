//! Box means and Gaussian convolutions, one axis after another: z, y, x.
//!
//! Slice by slice, so that two slices in 64 bits are all there is beside input and output. Sums
//! of integers over a box are exact, and therefore may run: each step adds one slice, row or
//! voxel and takes one away, which makes the cost independent of the edge. Sums of floats are
//! formed afresh for each voxel, N additions an axis, because a running sum would carry the
//! roundings of where it began. A Gaussian adds its symmetric pairs from the outermost inwards.

use ndarray::{ArcArray, Ix3};

use crate::volume::filter::Window;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Dtype, Voxel, Voxels, each_voxel_type, row};

/// The mean over the cube of the window's radius.
pub(super) fn mean(voxels: &Voxels, window: &Window, out: Dtype) -> Voxels {
    match out {
        Dtype::F32 => mean_as::<f32>(voxels, window),
        _ => mean_as::<f64>(voxels, window),
    }
}

fn mean_as<Out: Voxel>(voxels: &Voxels, window: &Window) -> Voxels {
    Voxels::from_vec(
        Shape(window.shape),
        match voxels {
            Voxels::I64(array) => box_of::<_, i128, Out>(array, window, |v| v.into()),
            Voxels::U64(array) => box_of::<_, i128, Out>(array, window, |v| v.into()),
            Voxels::U8(array) => box_of::<_, i64, Out>(array, window, |v| v.into()),
            Voxels::U16(array) => box_of::<_, i64, Out>(array, window, |v| v.into()),
            Voxels::U32(array) => box_of::<_, i64, Out>(array, window, |v| v.into()),
            Voxels::I8(array) => box_of::<_, i64, Out>(array, window, |v| v.into()),
            Voxels::I16(array) => box_of::<_, i64, Out>(array, window, |v| v.into()),
            Voxels::I32(array) => box_of::<_, i64, Out>(array, window, |v| v.into()),
            Voxels::F32(array) => box_of::<_, f64, Out>(array, window, |v| v.into()),
            Voxels::F64(array) => box_of::<_, f64, Out>(array, window, |v| v),
        },
    )
}

/// A number in which voxels are summed.
trait Sum: Copy + Default + std::ops::AddAssign + std::ops::SubAssign {
    /// Whether adding and taking away again leaves nothing behind.
    const EXACT: bool;

    fn to_f64(self) -> f64;
}

macro_rules! sums {
    ($($type:ty: $exact:literal),*) => {$(
        impl Sum for $type {
            const EXACT: bool = $exact;

            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
    )*};
}

sums!(i64: true, i128: true, f64: false);

/// Brings `sum`, which holds the terms of step `step - 1`, to those of `step`: the `edge` terms
/// from place `step` on. `apply` adds the term at a place (`true`) or takes it away.
fn advance<A: Sum>(sum: &mut [A], step: usize, edge: usize, mut apply: impl FnMut(&mut [A], usize, bool)) {
    if A::EXACT && step > 0 && edge > 2 {
        apply(sum, step + edge - 1, true);
        apply(sum, step - 1, false);
    } else {
        sum.fill(A::default());
        (step..step + edge).for_each(|place| apply(sum, place, true));
    }
}

fn box_of<T: Voxel, A: Sum, Out: Voxel>(
    array: &ArcArray<T, Ix3>,
    window: &Window,
    widen: impl Fn(T) -> A + Copy,
) -> Vec<Out> {
    let (edge, [nz, ny, nx]) = (2 * window.radius + 1, window.shape);
    let (_, rows, width) = array.dim();
    let [zs, ys, xs] = &window.places;
    let count = (edge as f64).powi(3);
    let mut plane = vec![A::default(); rows * width];
    let mut line = vec![A::default(); width];
    let mut spread = vec![A::default(); nx + edge - 1];
    let mut out = Vec::with_capacity(nz * ny * nx);
    for z in 0..nz {
        advance(&mut plane, z, edge, |plane, place, add| {
            for (y, sums) in plane.chunks_exact_mut(width).enumerate() {
                accumulate(sums, row(array, zs[place], y).iter().map(|value| widen(*value)), add);
            }
        });
        for y in 0..ny {
            advance(&mut line, y, edge, |line, place, add| {
                accumulate(line, plane[ys[place] * width..][..width].iter().copied(), add);
            });
            for (sum, place) in spread.iter_mut().zip(xs) {
                *sum = line[*place];
            }
            let mut sum = A::default();
            for x in 0..nx {
                advance(std::slice::from_mut(&mut sum), x, edge, |sum, place, add| {
                    accumulate(sum, std::iter::once(spread[place]), add);
                });
                out.push(Out::from_f64(sum.to_f64() / count));
            }
        }
    }
    out
}

#[inline]
fn accumulate<A: Sum>(sums: &mut [A], terms: impl Iterator<Item = A>, add: bool) {
    let pairs = sums.iter_mut().zip(terms);
    if add {
        pairs.for_each(|(sum, term)| *sum += term);
    } else {
        pairs.for_each(|(sum, term)| *sum -= term);
    }
}

/// The convolution with a Gaussian of standard deviation `sigma` voxels.
pub(super) fn gaussian(voxels: &Voxels, window: &Window, sigma: f64, out: Dtype) -> Voxels {
    let (shape, weights) = (Shape(window.shape), weights(sigma, window.radius));
    each_voxel_type!(voxels, array => match out {
        Dtype::F32 => Voxels::from_vec(shape, convolve::<_, f32>(array, window, &weights)),
        _ => Voxels::from_vec(shape, convolve::<_, f64>(array, window, &weights)),
    })
}

/// The weights at distances 0, 1, ... `radius`; those of the whole kernel sum to 1.
fn weights(sigma: f64, radius: usize) -> Vec<f64> {
    let mut weights: Vec<f64> = (0..=radius).map(|x| (-0.5 / (sigma * sigma) * (x * x) as f64).exp()).collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

fn convolve<T: Voxel, Out: Voxel>(array: &ArcArray<T, Ix3>, window: &Window, weights: &[f64]) -> Vec<Out> {
    let (radius, [nz, ny, nx]) = (window.radius, window.shape);
    let (_, rows, width) = array.dim();
    let [zs, ys, xs] = &window.places;
    let mut plane = vec![0.0; rows * width];
    let mut line = vec![0.0; width];
    let mut spread = vec![0.0; nx + 2 * radius];
    let mut smooth = vec![0.0; nx];
    let mut out = Vec::with_capacity(nz * ny * nx);
    for z in 0..nz {
        for (y, sums) in plane.chunks_exact_mut(width).enumerate() {
            centre(sums, row(array, zs[z + radius], y), weights[0]);
            for (distance, weight) in weights.iter().enumerate().skip(1).rev() {
                let (before, after) = (zs[z + radius - distance], zs[z + radius + distance]);
                pair(sums, row(array, before, y), row(array, after, y), *weight);
            }
        }
        let plane_row = |place: usize| &plane[ys[place] * width..][..width];
        for y in 0..ny {
            centre(&mut line, plane_row(y + radius), weights[0]);
            for (distance, weight) in weights.iter().enumerate().skip(1).rev() {
                pair(&mut line, plane_row(y + radius - distance), plane_row(y + radius + distance), *weight);
            }
            for (value, place) in spread.iter_mut().zip(xs) {
                *value = line[*place];
            }
            centre(&mut smooth, &spread[radius..radius + nx], weights[0]);
            for (distance, weight) in weights.iter().enumerate().skip(1).rev() {
                let (before, after) = (&spread[radius - distance..][..nx], &spread[radius + distance..][..nx]);
                pair(&mut smooth, before, after, *weight);
            }
            out.extend(smooth.iter().map(|value| Out::from_f64(*value)));
        }
    }
    out
}

#[inline]
fn centre<T: Voxel>(sums: &mut [f64], terms: &[T], weight: f64) {
    sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum = weight * term.to_f64());
}

#[inline]
fn pair<T: Voxel>(sums: &mut [f64], before: &[T], after: &[T], weight: f64) {
    for ((sum, before), after) in sums.iter_mut().zip(before).zip(after) {
        *sum += weight * (before.to_f64() + after.to_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_a_kernel_sum_to_one() {
        for (sigma, radius) in [(0.1, 0), (0.5, 2), (1.0, 4), (7.3, 29)] {
            let weights = weights(sigma, radius);
            assert_eq!(weights.len(), radius + 1);
            assert!((weights[0] + 2.0 * weights[1..].iter().sum::<f64>() - 1.0).abs() < 1e-15);
            assert!(weights.is_sorted_by(|a, b| a > b));
        }
    }
}
