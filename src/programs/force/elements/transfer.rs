//! Between levels: forces go up, displacements come down, trilinear both ways and each the other's transpose.

use crate::programs::force::elements::field::Field;
use crate::programs::force::elements::level::Level;

/// The forces on the block's nodes of `coarse` from those on the nodes of `fine` and around them: all of the node that it
/// is, a half, a quarter and an eighth of those beside it.
pub(super) fn restrict(fine: &Level, forces: &Field<f32>, coarse: &Level, up: &mut Field<f32>) {
    let width = fine.padded[2];
    // One more than the widest row, whose last node may lie outside of the body.
    let mut sum = vec![0.0; width + 3];
    for (z, y) in coarse.own.rows() {
        let rows = beside(2 * z, fine, 0).flat_map(|near| beside(2 * y, fine, 1).map(move |across| (near, across)));
        let rows: Vec<((usize, f32), (usize, f32))> = rows.collect();
        let to = coarse.slot([z, y, coarse.own.start[2]]);
        // The slot of the first coarse node's namesake, in its row.
        let first = 2 * coarse.own.start[2] + 1 - fine.own.start[2];
        for (from, up) in forces.0.iter().zip(&mut up.0) {
            sum.fill(0.0);
            for ((z, a), (y, b)) in &rows {
                let row = fine.slot([*z, *y, fine.own.start[2]]) - 1;
                let weight = a * b;
                sum.iter_mut().zip(&from[row..row + width]).for_each(|(sum, force)| *sum += weight * force);
            }
            let nodes = coarse.own.shape().0[2];
            for (x, up) in up[to..to + nodes].iter_mut().enumerate() {
                let at = first + 2 * x;
                *up = sum[at] + 0.5 * (sum[at - 1] + sum[at + 1]);
            }
        }
    }
}

/// The nodes along an axis that add to a node of the level above, and their weights.
fn beside(node: usize, fine: &Level, axis: usize) -> impl Iterator<Item = (usize, f32)> + use<> {
    let nodes = fine.nodes[axis];
    let all = [(node.checked_sub(1), 0.5), (Some(node), 1.0), (node.checked_add(1), 0.5)];
    all.into_iter().filter_map(move |(node, weight)| Some((node.filter(|node| *node < nodes)?, weight)))
}

/// Adds to displacements of the block's nodes of `fine`, where they are free, those of `coarse`.
pub(super) fn prolong(coarse: &Level, down: &Field<f32>, fine: &Level, inverse: &Field<f32>, to: &mut Field<f32>) {
    let nodes = fine.own.shape().0[2];
    let start = fine.own.start[2];
    // From the coarse node at or before the first.
    let (first, odd) = (start / 2, start % 2);
    let reach = (odd + nodes) / 2 + 1;
    let mut mean = vec![0.0; reach];
    let mut spread = vec![0.0; 2 * reach];
    for (z, y) in fine.own.rows() {
        let slot = fine.slot([z, y, start]);
        if inverse.0.iter().all(|inverse| inverse[slot..slot + nodes].iter().all(|inverse| *inverse == 0.0)) {
            continue;
        }
        let rows = [z / 2, z.div_ceil(2)].into_iter().flat_map(|z| [y / 2, y.div_ceil(2)].map(|y| (z, y)));
        let rows: Vec<usize> = rows.map(|(z, y)| coarse.slot([z, y, first])).collect();
        for ((down, to), inverse) in down.0.iter().zip(&mut to.0).zip(&inverse.0) {
            mean.fill(0.0);
            for row in &rows {
                mean.iter_mut().zip(&down[*row..*row + reach]).for_each(|(mean, down)| *mean += 0.25 * down);
            }
            for (at, pair) in spread.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                let next = mean.get(at + 1).copied().unwrap_or(0.0);
                *pair = [mean[at], 0.5 * (mean[at] + next)];
            }
            let free = to[slot..slot + nodes].iter_mut().zip(&inverse[slot..slot + nodes]);
            for ((to, inverse), moved) in free.zip(&spread[odd..]) {
                *to += if *inverse != 0.0 { *moved } else { 0.0 };
            }
        }
    }
}
