//! What the edges of one block connect.

use crate::graph::members::Members;

/// Vertices of a block and of its halo by the sets that hang together.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The number of sets; they are `0..sets`.
    pub sets: u32,
    /// The owned vertices, by ascending slot, and their sets.
    pub members: Members,
    /// By seam: the sets of its halo and of its border.
    pub halos: Vec<Vec<u32>>,
    /// See `halos`.
    pub borders: Vec<Vec<u32>>,
}
