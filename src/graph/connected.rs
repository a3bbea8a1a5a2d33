//! What the edges of one block connect.

use crate::graph::members::Members;
use crate::graph::topology::Seam;
use crate::id::Slot;

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

impl Connected {
    /// With the sets at seams by the set of a slot.
    pub fn new(sets: u32, members: Members, seams: &[Seam], of: impl Fn(Slot) -> u32) -> Self {
        let all = |slots: &[Slot]| slots.iter().map(|slot| of(*slot)).collect();
        let halos = seams.iter().map(|seam| all(&seam.halo)).collect();
        let borders = seams.iter().map(|seam| all(&seam.border)).collect();
        Self { sets, members, halos, borders }
    }
}
