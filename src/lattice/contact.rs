//! A contact: where two cells meet; and the graph that cells and contacts make.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::{Error, Result};
use crate::graph::csr::Csr;
use crate::graph::cut::ranges;
use crate::id::VertexId;
use crate::volume::shape::Spacing;

/// The common boundary of two cells, counted exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// Voxel faces between them, by the axis they are normal to (z, y, x).
    pub faces: [u64; 3],
    /// Pairs of voxels, one of each, that are neighbours in the stencil that was asked for.
    pub pairs: u64,
}

impl Contact {
    /// A contact by faces alone: neighbours are as many.
    pub(crate) fn by_faces(faces: [u64; 3]) -> Self {
        Self { faces, pairs: faces.iter().sum() }
    }

    /// Voxel faces between the two.
    pub fn n_faces(&self) -> u64 {
        self.faces.iter().sum()
    }

    /// The area of those faces. It is that of the staircase the voxels make, and so larger than
    /// that of the smooth surface: by 1.5 on average over all directions.
    pub fn area(&self, spacing: &Spacing) -> f64 {
        // Counts are exact; one product and two sums are rounded.
        let areas = spacing.face_areas();
        (0..3).map(|axis| self.faces[axis] as f64 * areas[axis]).sum()
    }
}

impl Combine for Contact {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        for axis in 0..3 {
            self.faces[axis] += other.faces[axis];
        }
        self.pairs += other.pairs;
    }
}

/// Cells as vertices, contacts as edges.
#[derive(Clone, Debug)]
pub struct ContactGraph {
    /// The label of each vertex, ascending.
    pub labels: Vec<u64>,
    /// The graph: vertex k is the cell `labels[k]`.
    pub graph: Csr<Contact>,
}

impl ContactGraph {
    /// The graph of these cells and contacts, in `blocks` blocks of consecutive cells.
    ///
    /// # Errors
    /// Where there are 2^32 contacts or more.
    pub fn new<'a>(
        labels: impl IntoIterator<Item = u64>,
        contacts: impl IntoIterator<Item = (&'a (u64, u64), &'a Contact)>,
        blocks: u32,
    ) -> Result<Self> {
        let labels: Vec<u64> = labels.into_iter().collect();
        let vertex = |label: u64| {
            let place = labels.binary_search(&label).map_err(|_| {
                Error::input("contacts", format!("cell {label} is in a contact, but not among the cells"))
            })?;
            Ok(VertexId(place as u64))
        };
        let edges = contacts.into_iter().map(|(&(a, b), &contact)| Ok((vertex(a)?, vertex(b)?, contact)));
        let edges: Vec<_> = edges.collect::<Result<_>>()?;
        let count = labels.len() as u64;
        let graph = Csr::undirected(count, &edges, blocks, ranges(count, blocks))?;
        Ok(Self { labels, graph })
    }
}
