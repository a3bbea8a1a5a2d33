//! The numbers that name things: vertices, blocks, and slots inside a block.
//!
//! Each is a type of its own, so that a slot is never taken for a vertex. On a voxel lattice a
//! [`VertexId`] is the raster index of the voxel in its volume (z, y, x; x fastest).

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            bytemuck::Pod, bytemuck::Zeroable,
        )]
        #[repr(transparent)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// A vertex of the whole graph, the same number for every cut.
    VertexId(u64)
}
id! {
    /// A block of a cut graph, from 0.
    BlockId(u32)
}
id! {
    /// An index into the per-vertex arrays of one block: owned, halo or padding.
    Slot(u32)
}

impl Slot {
    /// The slot as an array index.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl BlockId {
    /// The block as an array index.
    #[inline]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}
