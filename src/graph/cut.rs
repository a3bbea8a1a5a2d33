//! Which block a vertex belongs to: the cuts that need no look at the edges.
//!
//! Each is a function from a vertex to its block, as [`Csr`](crate::graph::csr::Csr) wants it.
//! [`grown`](crate::graph::grown::grown) is the one that looks at edges.

use crate::graph::mix::mix;
use crate::id::{BlockId, VertexId};

/// As many blocks as keep every worker busy; never one for a handful of vertices. The number does
/// not depend on the workers, so that a checkpoint of some is one for others, and a run takes as many
/// supersteps.
pub fn blocks(vertices: u64) -> u32 {
    vertices.div_ceil(1 << 16).clamp(1, 16) as u32
}

/// Blocks of consecutive vertices, as equal as can be.
pub fn ranges(vertices: u64, blocks: u32) -> impl Fn(VertexId) -> BlockId {
    let size = vertices.div_ceil(u64::from(blocks.max(1))).max(1);
    move |vertex| BlockId((vertex.0 / size) as u32)
}

/// Blocks by a hash of the vertex: even, and blind to where edges are.
pub fn hashed(blocks: u32) -> impl Fn(VertexId) -> BlockId {
    move |vertex| BlockId((mix(vertex.0) % u64::from(blocks.max(1))) as u32)
}

/// Blocks of consecutive vertices that have as many edges each as can be: `degree` tells those of
/// a vertex, and the vertex itself counts as one more. See
/// [`degrees`](crate::graph::csr::Csr::degrees).
pub fn balanced(vertices: u64, degree: impl Fn(VertexId) -> u64, blocks: u32) -> impl Fn(VertexId) -> BlockId {
    // The first vertex of each block but the first.
    let mut firsts: Vec<u64> = Vec::new();
    share((0..vertices).map(VertexId), degree, blocks, |vertex, block| {
        firsts.resize(block.index().max(firsts.len()), vertex.0);
    });
    move |vertex| BlockId(firsts.partition_point(|first| *first <= vertex.0) as u32)
}

/// Blocks of vertices that are consecutive in `order`, say along a
/// [curve](crate::graph::curve), with as many edges each as can be, counted as in [`balanced`]. A
/// vertex that is not in it belongs to the block of its number modulo the number of blocks.
pub fn along<F>(order: &[VertexId], degree: F, blocks: u32) -> impl Fn(VertexId) -> BlockId + use<F>
where
    F: Fn(VertexId) -> u64,
{
    let mut table = vec![None; order.iter().map(|vertex| vertex.0 as usize + 1).max().unwrap_or(0)];
    share(order.iter().copied(), degree, blocks, |vertex, block| table[vertex.0 as usize] = Some(block));
    listed(table, blocks)
}

/// The cut that a table tells; a vertex that it does not belongs to the block of its number modulo
/// the number of blocks.
pub(super) fn listed(table: Vec<Option<BlockId>>, blocks: u32) -> impl Fn(VertexId) -> BlockId {
    let other = move |vertex: VertexId| BlockId((vertex.0 % u64::from(blocks.max(1))) as u32);
    move |vertex| table.get(vertex.0 as usize).copied().flatten().unwrap_or_else(|| other(vertex))
}

/// Hands vertices out to blocks, one block after the other.
fn share(
    vertices: impl Iterator<Item = VertexId> + Clone,
    degree: impl Fn(VertexId) -> u64,
    blocks: u32,
    mut give: impl FnMut(VertexId, BlockId),
) {
    let cost = |vertex: VertexId| u128::from(degree(vertex)) + 1;
    let total: u128 = vertices.clone().map(cost).sum();
    let mut before = 0;
    for vertex in vertices {
        // Where the middle of the vertex lies, in shares.
        let cost = cost(vertex);
        give(vertex, BlockId(((2 * before + cost) * u128::from(blocks.max(1)) / (2 * total)) as u32));
        before += cost;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_are_even_and_in_order(
            degrees in prop::collection::vec(prop_oneof![Just(0u64), 0u64..50, Just(1u64 << 40)], 0..80),
            blocks in 1u32..9,
        ) {
            let degree = |vertex: VertexId| degrees[vertex.0 as usize];
            let of = balanced(degrees.len() as u64, degree, blocks);
            let given: Vec<u32> = (0..degrees.len() as u64).map(|vertex| of(VertexId(vertex)).0).collect();
            prop_assert!(given.is_sorted() && given.iter().all(|block| *block < blocks));
            // No block differs from an equal share by more than the two vertices at its ends.
            let total: u64 = degrees.iter().map(|degree| degree + 1).sum();
            let most = degrees.iter().map(|degree| degree + 1).max().unwrap_or(0);
            for block in 0..blocks {
                let cost: u64 = given.iter().zip(&degrees).filter(|(b, _)| **b == block).map(|(_, d)| d + 1).sum();
                prop_assert!(cost.abs_diff(total / u64::from(blocks)) <= most + 1);
            }

            let backwards: Vec<VertexId> = (0..degrees.len() as u64).rev().map(VertexId).collect();
            let of = along(&backwards, |_| 0, blocks);
            let given: Vec<u32> = backwards.iter().map(|vertex| of(*vertex).0).collect();
            prop_assert!(given.is_sorted());
            for block in 0..blocks {
                let count = given.iter().filter(|other| **other == block).count();
                prop_assert!(count.abs_diff(given.len() / blocks as usize) <= 1);
            }
            prop_assert_eq!(of(VertexId(1000)), BlockId(1000 % blocks));
        }
    }
}
