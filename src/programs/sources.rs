//! The vertices that a search starts from, found in the blocks that own them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, VertexId};

/// The sources that a block owns, and those it knows nothing of, with the block that should.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sources {
    slots: Vec<u32>,
    elsewhere: Vec<(BlockId, VertexId)>,
}

impl Sources {
    /// Looks for `sources` in a block.
    ///
    /// # Errors
    /// One that no block can own.
    pub(crate) fn new<G: Topology>(graph: &G, block: &G::Block, sources: &[VertexId]) -> Result<Self> {
        let mut found = Self::default();
        for vertex in sources {
            match block.slot(*vertex) {
                Some(slot) => found.slots.push(slot.0),
                None => found.elsewhere.push((graph.owner(*vertex).ok_or_else(|| missing(*vertex))?, *vertex)),
            }
        }
        found.slots.sort_unstable();
        found.slots.dedup();
        Ok(found)
    }

    /// The slots of the sources, each once, ascending.
    ///
    /// # Errors
    /// A source that this block, whose number is `here`, should own and does not.
    pub(crate) fn take(&mut self, here: BlockId) -> Result<Vec<u32>> {
        match std::mem::take(self) {
            Self { slots, elsewhere } => match elsewhere.into_iter().find(|(owner, _)| *owner == here) {
                Some((_, vertex)) => Err(missing(vertex)),
                None => Ok(slots),
            },
        }
    }
}

fn missing(vertex: VertexId) -> Error {
    Error::usage(format!("the source {vertex} is no vertex of the graph"))
}
