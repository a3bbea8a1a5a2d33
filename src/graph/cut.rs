//! Which block a vertex belongs to, for graphs that have no place in space.

use crate::id::{BlockId, VertexId};

/// Blocks of consecutive vertices, as equal as can be.
pub fn ranges(vertices: u64, blocks: u32) -> impl Fn(VertexId) -> BlockId {
    let size = vertices.div_ceil(u64::from(blocks.max(1))).max(1);
    move |vertex| BlockId((vertex.0 / size) as u32)
}

/// Blocks by a hash of the vertex: even, and blind to where edges are.
pub fn hashed(blocks: u32) -> impl Fn(VertexId) -> BlockId {
    move |vertex| {
        // The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
        let mut hash = vertex.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        BlockId(((hash ^ (hash >> 31)) % u64::from(blocks.max(1))) as u32)
    }
}
