//! Voxels as nodes, and springs between those that share a face or an edge.
//!
//! Along a diagonal of two axes a spring sees the sum or the difference of the two components, so each of the 18
//! costs a few operations; whole rows are worked on at a stroke. Nodes that are none have no springs.

use crate::programs::force::elements::field::Field;
use crate::programs::force::elements::level::Level;
use crate::wide::{Work, widely};

/// What springs put up against displacements of nodes.
struct Springs<'a> {
    level: &'a Level,
    stiffness: [f64; 2],
    present: &'a [f64],
    displaced: &'a Field<f64>,
    forces: &'a mut Field<f64>,
}

/// Adds to the forces on the nodes of a block, for springs of stiffness `[face, edge]` between nodes that
/// are `present` (1, else 0).
pub(super) fn pull(
    level: &Level,
    stiffness: [f64; 2],
    present: &[f64],
    displaced: &Field<f64>,
    forces: &mut Field<f64>,
) {
    widely(Springs { level, stiffness, present, displaced, forces });
}

impl Work for Springs<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { level, stiffness: [face, edge], present, displaced, forces } = self;
        let strides = level.strides();
        let width = level.own.shape().0[2];
        for (z, y) in level.own.rows() {
            let first = level.slot([z, y, level.own.start[2]]);
            let here = first..first + width;
            let own = displaced.0.each_ref().map(|component| &component[here.clone()]);
            let mut sums = forces.0.each_mut().map(|component| &mut component[here.clone()]);
            for axis in 0..3 {
                for there in [first - strides[axis], first + strides[axis]] {
                    let other = &displaced.0[axis][there..there + width];
                    straight(own[axis], other, &present[there..there + width], face, sums[axis]);
                }
            }
            for (a, b) in [(0, 1), (0, 2), (1, 2)] {
                for sign in [1.0, -1.0] {
                    let step = if sign > 0.0 { strides[a] + strides[b] } else { strides[a] - strides[b] };
                    for there in [first - step, first + step] {
                        let others = [a, b].map(|axis| &displaced.0[axis][there..there + width]);
                        let (left, right) = sums.split_at_mut(b);
                        let sums = [&mut *left[a], &mut *right[0]];
                        let present = &present[there..there + width];
                        aslant([own[a], own[b]], others, present, sign, 0.5 * edge, sums);
                    }
                }
            }
            for sums in sums {
                sums.iter_mut().zip(&present[here.clone()]).for_each(|(sum, here)| *sum *= here);
            }
        }
    }
}

/// Adds what springs along an axis put up against the displacements of their ends along it.
#[inline(always)]
fn straight(own: &[f64], other: &[f64], present: &[f64], stiffness: f64, sums: &mut [f64]) {
    for (((own, other), present), sum) in own.iter().zip(other).zip(present).zip(sums) {
        *sum += stiffness * present * (own - other);
    }
}

/// The same along a diagonal of two axes, of half the stiffness; `sign` is that of the second where the first is
/// positive.
#[inline(always)]
fn aslant(own: [&[f64]; 2], others: [&[f64]; 2], present: &[f64], sign: f64, half: f64, sums: [&mut [f64]; 2]) {
    let ([a, b], [other_a, other_b], [sum_a, sum_b]) = (own, others, sums);
    let displaced = a.iter().zip(b).zip(other_a.iter().zip(other_b));
    for ((((a, b), (other_a, other_b)), present), (sum_a, sum_b)) in
        displaced.zip(present).zip(sum_a.iter_mut().zip(sum_b))
    {
        let force = half * present * ((a - other_a) + sign * (b - other_b));
        *sum_a += force;
        *sum_b += sign * force;
    }
}
