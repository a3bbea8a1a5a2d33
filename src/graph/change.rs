//! Changes of a graph while a program runs on it.
//!
//! A vertex asks for changes of itself and of its edges in one superstep, and they are made at its
//! end: what was said in it is still heard along the edges that were there when it was said, and
//! whoever is called in the next superstep sees the changed graph. Of one superstep the changes
//! are made in this order, whoever asked for them:
//!
//! 1. Edges are removed: all that lead from the one vertex to the other. One that is not there is
//!    no error.
//! 2. Vertices are removed, with all edges from and to them. What was sent to them is dropped. One
//!    that is not there is no error.
//! 3. Vertices are added, without edges. One that is there stays as it is. An added vertex, and so
//!    one that was removed in the same superstep, begins as the others began, in the next
//!    superstep; what the graph knows of it is the default.
//! 4. Edges are added. Asked for several times in one superstep, an edge is added once, with the
//!    value asked for by the vertex of the smaller number (of one vertex, the last). Where there
//!    already are edges from the one vertex to the other, it is parallel to them and comes after
//!    them. An edge from or to a vertex that is not there is an error, also where the vertex was
//!    removed in the same superstep.
//! 5. Edges are given values: all that lead from the one vertex to the other, those just added
//!    among them. Asked for several times, the value is chosen as in 4. An edge that is not there
//!    is no error.
//!
//! Where the graph is undirected, «from the one vertex to the other» is between the two, whichever
//! is named first.
//!
//! **Who is told.** A change of an edge is told to the owners of both its ends, the removal of a
//! vertex to its owner and to each block that has it as halo, an added vertex to its owner. A block
//! is told of all changes of a superstep at once, those that one vertex asked for in the order in
//! which it asked. Then both sides of every seam come to the same vertices.

use serde::{Deserialize, Serialize};

use crate::id::VertexId;

/// A change of a graph. Edges are named by their ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change<E> {
    /// The edges from the first vertex to the second go.
    RemoveEdge(VertexId, VertexId),
    /// A vertex goes.
    RemoveVertex(VertexId),
    /// A vertex comes, without edges.
    AddVertex(VertexId),
    /// An edge comes.
    AddEdge(VertexId, VertexId, E),
    /// The edges from the first vertex to the second have another value.
    SetEdge(VertexId, VertexId, E),
}
