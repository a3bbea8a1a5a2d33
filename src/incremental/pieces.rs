//! What a block adds to the tables, in pieces: the inside, which no other block has a say in, and
//! what lies at its far faces, where neighbourhoods reach into the blocks above.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::BlockId;
use crate::volume::grid::Grid;
use crate::volume::region::Region;

/// A piece of a block: a bit for each axis, z, y, x, along which it is the last layer, and not what
/// lies before that. Together they are the block: its inside, three faces, three edges, a corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) block: BlockId,
    layers: u8,
}

impl Piece {
    /// The pieces of a block.
    pub(crate) fn of(block: BlockId) -> impl Iterator<Item = Piece> {
        (0..8).map(move |layers| Piece { block, layers })
    }

    /// Whether no other block has a say in it.
    pub(crate) fn is_inside(self) -> bool {
        self.layers == 0
    }

    /// Its voxels; there may be none.
    pub(crate) fn region(self, grid: &Grid) -> Region {
        let mut region = grid.region(self.block);
        for axis in 0..3 {
            // At the end of the volume no block is above.
            let inside = region.end[axis] - usize::from(region.end[axis] < grid.shape().0[axis]);
            match self.layers >> axis & 1 {
                0 => region.end[axis] = inside,
                _ => region.start[axis] = inside,
            }
        }
        region
    }

    /// Its voxels and those its neighbourhoods reach.
    pub(crate) fn boxed(self, grid: &Grid) -> Region {
        self.region(grid).grown([0; 3], [1; 3], grid.shape())
    }
}

/// The pieces that depend on some blocks.
pub(crate) fn depending(grid: &Grid, blocks: impl IntoIterator<Item = BlockId>) -> BTreeSet<Piece> {
    let mut pieces = BTreeSet::new();
    for block in blocks {
        let region = grid.region(block);
        pieces.extend(Piece::of(block));
        for other in grid.below(block) {
            pieces.extend(Piece::of(other).filter(|piece| !piece.boxed(grid).intersection(&region).is_empty()));
        }
    }
    pieces.retain(|piece| !piece.region(grid).is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::shape::Shape;

    #[test]
    fn every_voxel_is_in_one_piece_and_what_a_neighbourhood_reaches_is_seen() {
        let grid = Grid::with_block(Shape([5, 7, 4]), [2, 3, 4]).unwrap();
        let pieces: Vec<Piece> = (0..grid.blocks()).flat_map(|block| Piece::of(BlockId(block))).collect();
        for (z, y, x) in (0..5).flat_map(|z| (0..7).flat_map(move |y| (0..4).map(move |x| (z, y, x)))) {
            let own: Vec<&Piece> = pieces.iter().filter(|piece| piece.region(&grid).contains([z, y, x])).collect();
            assert_eq!(own.len(), 1);
            assert_eq!(own[0].block, grid.block_of([z, y, x]));
            // The inside sees its own block alone.
            let depends = depending(&grid, [grid.block_of([z, y, x])]);
            for piece in &pieces {
                let sees = !piece.region(&grid).is_empty() && piece.boxed(&grid).contains([z, y, x]);
                assert!(!sees || depends.contains(piece));
                assert!(!sees || !piece.is_inside() || piece.block == own[0].block);
            }
        }
    }
}
