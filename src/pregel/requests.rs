//! What vertices ask of the engine beyond a broadcast: messages by name, changes of the graph, and
//! the end of the run.

use crate::graph::change::Change;
use crate::id::{Slot, VertexId};

/// The requests of the vertices of one block in one superstep, in the order they were made.
pub(crate) struct Requests<E, M> {
    /// Who sends, to whom, and what.
    pub(crate) sends: Vec<(VertexId, VertexId, M)>,
    pub(crate) changes: Vec<Change<E>>,
    /// The first vertex that gave up, and why.
    pub(crate) failure: Option<(Slot, String)>,
}

impl<E, M> Default for Requests<E, M> {
    fn default() -> Self {
        Self { sends: Vec::new(), changes: Vec::new(), failure: None }
    }
}
