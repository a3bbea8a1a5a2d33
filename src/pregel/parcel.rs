//! What blocks tell each other under a vertex program.

use serde::{Deserialize, Serialize};

use crate::graph::change::Change;
use crate::graph::topology::Seam;
use crate::id::VertexId;

/// A parcel from one block to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parcel<E, M> {
    /// What the border said: one value for each of its vertices, in the order of the seam.
    Dense(Vec<M>),
    /// What those of the border said that were not silent: the place in the border, the value.
    Sparse(Vec<(u32, M)>),
    /// Messages by name: to whom, from whom, what; ascending by both.
    Named(Vec<(VertexId, VertexId, M)>),
    /// Changes of the graph that concern vertices of the receiver.
    Changes(Vec<Change<E>>),
}

/// The places of a block's border slots in its seams.
#[derive(Debug)]
pub(crate) struct Borders {
    /// Whether a slot is in a border at all.
    borders: Vec<bool>,
    /// Slot, seam, place in its border; ascending.
    places: Vec<(u32, u32, u32)>,
}

impl Borders {
    pub(crate) fn new(slots: usize, seams: &[Seam]) -> Self {
        let mut borders = vec![false; slots];
        let mut places = Vec::with_capacity(seams.iter().map(|seam| seam.border.len()).sum());
        for (at, seam) in seams.iter().enumerate() {
            for (place, slot) in seam.border.iter().enumerate() {
                borders[slot.index()] = true;
                places.push((slot.0, at as u32, place as u32));
            }
        }
        places.sort_unstable();
        Self { borders, places }
    }

    /// The seams of a slot, and its place in each.
    #[inline]
    pub(crate) fn of(&self, slot: u32) -> &[(u32, u32, u32)] {
        if !self.borders[slot as usize] {
            return &[];
        }
        let first = self.places.partition_point(|place| place.0 < slot);
        let len = self.places[first..].iter().take_while(|place| place.0 == slot).count();
        &self.places[first..first + len]
    }
}
