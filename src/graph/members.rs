//! Vertices and what they belong to, by runs of consecutive vertices.

use serde::{Deserialize, Serialize};

use crate::id::VertexId;

/// Consecutive vertices that belong to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    first: u64,
    vertices: u32,
    of: u32,
}

/// Vertices, and for each the number of what it belongs to. Memory: 16 bytes a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    runs: Vec<Run>,
}

impl Members {
    /// None yet, and room for so many runs.
    pub fn with_capacity(runs: usize) -> Self {
        Self { runs: Vec::with_capacity(runs) }
    }

    /// Adds consecutive vertices, `first` the first of them.
    #[inline]
    pub fn add(&mut self, first: VertexId, vertices: u32, of: u32) {
        if let Some(last) = self.runs.last_mut()
            && last.of == of
            && last.first + u64::from(last.vertices) == first.0
            && let Some(more) = last.vertices.checked_add(vertices)
        {
            last.vertices = more;
            return;
        }
        self.runs.push(Run { first: first.0, vertices, of });
    }

    /// Gives what they belong to other numbers: `visit` is given the first vertex of each run in turn,
    /// how many there are, and the number.
    #[inline]
    pub fn renumber(&mut self, mut visit: impl FnMut(VertexId, u32, u32) -> u32) {
        self.runs.iter_mut().for_each(|run| run.of = visit(VertexId(run.first), run.vertices, run.of));
    }

    /// The vertices in the order in which they were added, with the numbers.
    pub fn each(&self) -> impl Iterator<Item = (VertexId, u32)> + '_ {
        self.runs.iter().flat_map(|run| run.each())
    }

    /// The same of one's own.
    pub fn into_each(self) -> impl Iterator<Item = (VertexId, u32)> {
        self.runs.into_iter().flat_map(|run| run.each())
    }
}

impl Run {
    fn each(self) -> impl Iterator<Item = (VertexId, u32)> {
        (self.first..self.first + u64::from(self.vertices)).map(move |id| (VertexId(id), self.of))
    }
}
