//! Which block owns a vertex, as a table.
//!
//! A cut into ranges of consecutive vertices costs 12 bytes a range, any other 4 bytes a vertex. A
//! vertex that the graph did not begin with belongs to the block of its number modulo the number
//! of blocks, so that one that is added has a place.

use crate::error::{Error, Result};
use crate::id::{BlockId, VertexId};

/// The cut of a graph of so many vertices into so many blocks.
#[derive(Debug)]
pub(super) struct Owners {
    vertices: u64,
    blocks: u32,
    table: Table,
}

#[derive(Debug)]
enum Table {
    /// The first vertex of each run of vertices of one block, and that block.
    Runs(Vec<u64>, Vec<BlockId>),
    Each(Vec<BlockId>),
}

/// The block of a vertex and its slot there.
pub(super) type Place = (BlockId, u32);

impl Owners {
    /// The cut by `owner`, which is asked once for every vertex; and for as long as the graph is
    /// built, the place of each vertex and the number of vertices of each block.
    pub(super) fn new(
        vertices: u64,
        blocks: u32,
        owner: impl Fn(VertexId) -> BlockId,
    ) -> Result<(Self, Vec<Place>, Vec<u32>)> {
        let lacking = || Error::resource(format!("a graph of {vertices} vertices does not fit in memory"));
        let (mut places, mut counts) = (Vec::new(), Vec::new());
        let count = usize::try_from(vertices).map_err(|_| lacking())?;
        places.try_reserve_exact(count).map_err(|_| lacking())?;
        counts.try_reserve_exact(blocks as usize).map_err(|_| lacking())?;
        counts.resize(blocks as usize, 0u32);
        let (mut firsts, mut runs): (Vec<u64>, Vec<BlockId>) = Default::default();
        let mut in_runs = true;
        for vertex in (0..vertices).map(VertexId) {
            let block = owner(vertex);
            let slot = counts.get_mut(block.index()).ok_or_else(|| {
                Error::usage(format!("vertex {vertex} was given to block {block}, but there are only {blocks}"))
            })?;
            places.push((block, *slot));
            *slot = slot.checked_add(1).ok_or_else(|| too_large(block, "slots"))?;
            if in_runs && runs.last() != Some(&block) {
                in_runs = runs.len() < blocks as usize;
                firsts.push(vertex.0);
                runs.push(block);
            }
        }
        let table = if in_runs {
            Table::Runs(firsts, runs)
        } else {
            let mut each = Vec::new();
            each.try_reserve_exact(count).map_err(|_| lacking())?;
            each.extend(places.iter().map(|(block, _)| *block));
            Table::Each(each)
        };
        Ok((Self { vertices, blocks, table }, places, counts))
    }

    /// The block of a vertex; none where there are no blocks.
    #[inline]
    pub(super) fn of(&self, vertex: VertexId) -> Option<BlockId> {
        if vertex.0 >= self.vertices {
            return Some(BlockId(vertex.0.checked_rem(u64::from(self.blocks))? as u32));
        }
        match &self.table {
            Table::Runs(firsts, runs) => runs.get(firsts.partition_point(|first| *first <= vertex.0) - 1).copied(),
            Table::Each(blocks) => blocks.get(vertex.0 as usize).copied(),
        }
    }
}

/// The error of a block that its slots or edges do not fit into 32 bits.
pub(super) fn too_large(block: BlockId, what: &str) -> Error {
    Error::resource(format!("block {block} has 2^32 {what} or more: cut the graph into more blocks"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::graph::cut::{hashed, ranges};

    fn hold(vertices: u64, blocks: u32, owner: impl Fn(VertexId) -> BlockId) -> Owners {
        let (owners, places, counts) = Owners::new(vertices, blocks, &owner).unwrap();
        let mut next = vec![0; blocks as usize];
        for vertex in (0..vertices).map(VertexId) {
            let block = owner(vertex);
            assert_eq!(owners.of(vertex), Some(block));
            assert_eq!(places[vertex.0 as usize], (block, next[block.index()]));
            next[block.index()] += 1;
        }
        assert_eq!(counts, next);
        for vertex in [vertices, vertices + 1, u64::MAX] {
            assert_eq!(owners.of(VertexId(vertex)), Some(BlockId((vertex % u64::from(blocks)) as u32)));
        }
        owners
    }

    #[test]
    fn every_vertex_has_one_place() {
        for (vertices, blocks) in [(1, 1), (10, 3), (100, 7), (3, 8)] {
            assert!(matches!(hold(vertices, blocks, ranges(vertices, blocks)).table, Table::Runs(..)));
            hold(vertices, blocks, hashed(blocks));
            // Ranges that do not ascend.
            let backwards = |vertex: VertexId| BlockId(blocks - 1 - ranges(vertices, blocks)(vertex).0);
            assert!(matches!(hold(vertices, blocks, backwards).table, Table::Runs(..)));
        }
        assert!(matches!(hold(100, 7, hashed(7)).table, Table::Each(_)));
        assert_eq!(Owners::new(0, 0, |_| BlockId(0)).unwrap().0.of(VertexId(3)), None);
    }

    #[test]
    fn a_cut_that_cannot_be_is_refused() {
        assert_eq!(Owners::new(3, 2, |_| BlockId(2)).unwrap_err().kind(), Kind::Usage);
        assert_eq!(Owners::new(u64::MAX, 1, |_| BlockId(0)).unwrap_err().kind(), Kind::Resource);
    }
}
