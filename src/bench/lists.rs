//! Neighbour lists with ids of 32 bits: the graph that plain kernels run on.
//!
//! Compressed sparse rows of an undirected graph, each edge in both lists, lists ascending.
//! Memory: 4 bytes a vertex, 4 a directed edge (8 with a weight).

use crate::graph::walk::Walk;
use crate::id::VertexId;

/// Neighbour lists; `T` is a neighbour, or a neighbour and a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists<T = u32> {
    starts: Vec<u32>,
    targets: Vec<T>,
}

impl Lists {
    /// The lists of `vertices` vertices from edges `(a, b)` with `a < b`, ascending, none twice.
    ///
    /// # Panics
    /// If a vertex is not there, or the directed edges are 2^32 or more.
    pub fn new(vertices: u32, edges: &[(u32, u32)]) -> Self {
        let directed = u32::try_from(2 * edges.len()).expect("a graph of fewer than 2^32 directed edges");
        let mut starts = vec![0u32; vertices as usize + 1];
        for &(a, b) in edges {
            starts[a as usize + 1] += 1;
            starts[b as usize + 1] += 1;
        }
        for vertex in 0..vertices as usize {
            starts[vertex + 1] += starts[vertex];
        }
        let mut next = starts.clone();
        let mut targets = vec![0u32; directed as usize];
        let mut put = |list: u32, target: u32| {
            targets[next[list as usize] as usize] = target;
            next[list as usize] += 1;
        };
        // All smaller neighbours before all larger ones, each ascending, as the edges are.
        edges.iter().for_each(|&(a, b)| put(b, a));
        edges.iter().for_each(|&(a, b)| put(a, b));
        Self { starts, targets }
    }

    /// The same with a weight on every edge, told from both its ends.
    pub fn weighted<T>(&self, weight: impl Fn(u32, u32) -> T) -> Lists<(u32, T)> {
        let lists = (0..self.len() as u32).flat_map(|from| self.of(from).iter().map(move |to| (from, *to)));
        let targets = lists.map(|(from, to)| (to, weight(from, to))).collect();
        Lists { starts: self.starts.clone(), targets }
    }
}

impl<T> Lists<T> {
    /// The number of vertices.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no vertices.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The neighbours of a vertex.
    #[inline]
    pub fn of(&self, vertex: u32) -> &[T] {
        &self.targets[self.starts[vertex as usize] as usize..self.starts[vertex as usize + 1] as usize]
    }

    /// The bytes it takes.
    pub fn bytes(&self) -> u64 {
        (size_of_val(&self.starts[..]) + size_of_val(&self.targets[..])) as u64
    }
}

/// Each edge once, from its smaller end.
impl Walk<u32> for Lists<(u32, u32)> {
    fn walk(&self, mut visit: impl FnMut(VertexId, VertexId, u32)) {
        for from in 0..self.len() as u32 {
            for &(to, weight) in self.of(from).iter().filter(|(to, _)| from < *to) {
                visit(VertexId(from.into()), VertexId(to.into()), weight);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_edge_is_in_both_lists_and_lists_ascend() {
        let edges = [(0, 2), (0, 4), (1, 2), (2, 4)];
        let lists = Lists::new(6, &edges);
        let all: Vec<&[u32]> = (0..6).map(|vertex| lists.of(vertex)).collect();
        assert_eq!(all, [&[2, 4][..], &[2], &[0, 1, 4], &[], &[0, 2], &[]]);
        let weighted = lists.weighted(|a, b| a + b);
        assert_eq!(weighted.of(2), [(0, 2), (1, 3), (4, 6)]);
        assert_eq!((lists.len(), lists.bytes(), weighted.bytes()), (6, 60, 92));
    }
}
