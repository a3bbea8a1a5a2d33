//! Space-filling curves through places in space: places that are close on one are close in space.
//!
//! A run of a Hilbert curve is a compact region; one of a Morton curve may be of two or three
//! pieces, but a place on it is found by shuffling bits. The Hilbert curve is computed as by J.
//! Skilling, Programming the Hilbert curve, AIP Conference Proceedings 707 (2004): O(bits) a place.

use crate::id::VertexId;

/// A place (z, y, x) on the Morton curve (Z-order): below 2^96.
#[inline]
pub fn morton(place: [u32; 3]) -> u128 {
    let [z, y, x] = place.map(spread);
    z << 2 | y << 1 | x
}

/// A place (z, y, x) on the Hilbert curve: below 2^96. Two places that follow one another on it are
/// neighbours. Within a cube at the origin with edges of 2^k, places are numbered from 0 to 8^k - 1.
pub fn hilbert(place: [u32; 3]) -> u128 {
    let mut axes = place;
    let bits = 32 - (axes[0] | axes[1] | axes[2]).leading_zeros();
    // Three levels at which no axis has a bit turn the axes once round: they may be left out.
    let levels = (bits + (32 - bits) % 3).max(1);
    for level in (1..levels).rev() {
        let (bit, below) = (1u32 << level, (1u32 << level) - 1);
        for axis in 0..3 {
            if axes[axis] & bit != 0 {
                axes[0] ^= below;
            } else {
                let swap = (axes[0] ^ axes[axis]) & below;
                axes[0] ^= swap;
                axes[axis] ^= swap;
            }
        }
    }
    axes[1] ^= axes[0];
    axes[2] ^= axes[1];
    let turn = (1..levels).filter(|level| axes[2] & (1 << level) != 0).fold(0, |turn, level| turn ^ ((1 << level) - 1));
    morton(axes.map(|axis| axis ^ turn))
}

/// The vertices in the order of their places along a curve; of one place in their own order.
pub fn order(places: &[[u32; 3]], curve: impl Fn([u32; 3]) -> u128) -> Vec<VertexId> {
    let mut order: Vec<(u128, u64)> = (0..).zip(places).map(|(vertex, place)| (curve(*place), vertex)).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, vertex)| VertexId(vertex)).collect()
}

/// The bits of a number, two places left free above each.
#[inline]
fn spread(number: u32) -> u128 {
    let half = |number: u32| {
        let mut bits = u64::from(number);
        bits = (bits | bits << 16) & 0x00ff_0000_ff00_00ff;
        bits = (bits | bits << 8) & 0xf00f_00f0_0f00_f00f;
        bits = (bits | bits << 4) & 0x30c3_0c30_c30c_30c3;
        bits = (bits | bits << 2) & 0x9249_2492_4924_9249;
        u128::from(bits)
    };
    half(number >> 16) << 48 | half(number & 0xffff)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cube(edge: u32) -> Vec<[u32; 3]> {
        (0..edge.pow(3)).map(|at| [at / edge / edge, at / edge % edge, at % edge]).collect()
    }

    #[test]
    fn a_hilbert_curve_goes_from_neighbour_to_neighbour_through_a_cube() {
        for levels in 0..5 {
            let cube = cube(1 << levels);
            let order = order(&cube, hilbert);
            for (at, pair) in order.windows(2).enumerate() {
                let [a, b] = [pair[0], pair[1]].map(|vertex| cube[vertex.0 as usize]);
                assert_eq!((0..3).map(|axis| a[axis].abs_diff(b[axis])).sum::<u32>(), 1, "{a:?} {b:?}");
                assert_eq!(hilbert(a), at as u128);
            }
        }
    }

    #[test]
    fn a_morton_curve_goes_through_each_half_before_the_other() {
        assert_eq!([[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 2]].map(morton), [1, 2, 4, 8]);
        assert_eq!(morton([u32::MAX; 3]), (1 << 96) - 1);
        assert_eq!(order(&[[1, 0, 0], [0, 0, 0], [0, 0, 0]], morton), [1, 2, 0].map(VertexId));
    }

    proptest! {
        #[test]
        fn curves_take_the_whole_of_space(a in any::<[u32; 3]>(), axis in 0usize..3, up: bool) {
            let naive = (0..32).fold(0u128, |all, bit| {
                let at = |axis: usize| u128::from(a[axis] >> bit & 1);
                all | (at(0) << 2 | at(1) << 1 | at(2)) << (3 * bit)
            });
            prop_assert_eq!(morton(a), naive);
            // A cube of eight is one run of a Hilbert curve, wherever it is; so is each larger one.
            let mut b = a;
            b[axis] ^= 1;
            prop_assert_ne!(hilbert(a), hilbert(b));
            prop_assert_eq!(hilbert(a) / 8, hilbert(b) / 8);
            b[axis] = if up { b[axis] ^ 0xff } else { b[axis] ^ 0xffff };
            let size = if up { 8u128.pow(8) } else { 8u128.pow(16) };
            prop_assert_eq!(hilbert(a) / size, hilbert(b) / size);
        }
    }
}
