//! A volume cut into boxes of equal size (the last ones smaller): the blocks.
//!
//! Blocks are numbered in raster order (z, y, x; x fastest), so a block's neighbours towards
//! larger z, y or x have larger numbers.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::volume::region::Region;
use crate::volume::shape::Shape;

/// How large the blocks of a volume are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockSize {
    /// Slabs of whole slices, thick enough for long runs and little border, and enough of them
    /// to keep every worker busy.
    #[default]
    Auto,
    /// Cubes of this edge.
    Edge(usize),
    /// One block.
    Whole,
}

impl FromStr for BlockSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(BlockSize::Auto),
            "whole" => Ok(BlockSize::Whole),
            _ => match text.parse() {
                Ok(edge) if edge > 0 => Ok(BlockSize::Edge(edge)),
                _ => Err(Error::usage(format!("«{text}» is not a block size: give voxels (64), whole or auto"))),
            },
        }
    }
}

/// The voxels that [`BlockSize::Auto`] aims at in a block.
const AUTO_VOXELS: usize = 8 << 20;

/// The slices that it aims at, at least.
const AUTO_SLICES: usize = 8;

/// Slabs of fewer slices are mostly seam.
const THICK: usize = 4;

/// A volume cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grid {
    shape: Shape,
    block: [usize; 3],
    counts: [usize; 3],
}

impl Grid {
    /// Cuts a volume of `shape` into blocks of `size`.
    ///
    /// # Errors
    /// Where the volume is empty, or would fall into 2^32 blocks or more.
    pub fn new(shape: Shape, size: BlockSize) -> Result<Self> {
        let [nz, ny, nx] = shape.0;
        let block = match size {
            BlockSize::Whole => shape.0,
            BlockSize::Edge(edge) => shape.0.map(|n| edge.min(n)),
            BlockSize::Auto => {
                // Every slab is read with a slice of the next: thin ones would be read twice.
                let slices = (AUTO_VOXELS / (ny * nx).max(1)).max(AUTO_SLICES);
                // At least eight slabs where the volume has the slices, or a second worker idles.
                [slices.clamp(1, nz.div_ceil(8).max(1)), ny, nx]
            }
        };
        Self::with_block(shape, block)
    }

    /// Cuts a volume of `shape` as [`BlockSize::Auto`] does, but into blocks that have at most
    /// `voxels`, together with a layer more at the far side of each axis that is cut. Where slabs
    /// would be thin, they are cut along y too, at multiples of `rows`. Nothing where no row fits.
    pub fn within(shape: Shape, voxels: u64, rows: usize) -> Option<Self> {
        let auto = Self::new(shape, BlockSize::Auto).ok()?;
        let [nz, ny, nx] = shape.0;
        let size = |[z, y]: [usize; 2]| {
            let boxed = [(z + 1).min(nz), (y + usize::from(y < ny)).min(ny), nx];
            Shape(boxed).voxels().unwrap_or(u64::MAX)
        };
        let fits = |block: [usize; 2]| size(block) <= voxels;
        // The largest that fits, by halves.
        let most = |limit: usize, block: &dyn Fn(usize) -> [usize; 2]| {
            let (mut least, mut limit) = (0, limit);
            while least < limit {
                let middle = (least + limit).div_ceil(2);
                if fits(block(middle)) { least = middle } else { limit = middle - 1 }
            }
            least
        };
        let slices = most(auto.block[0], &|z| [z, ny]);
        let block = if slices >= THICK.min(auto.block[0]) {
            [slices, ny, nx]
        } else {
            let thick = THICK.min(nz);
            let lines = most(ny, &|y| [thick, y]);
            let even = lines - lines % rows.clamp(1, ny);
            match (if even > 0 { even } else { lines }, most(thick, &|z| [z, 1])) {
                (0, 0) => return None,
                (0, thin) => [thin, 1, nx],
                (lines, _) => [thick, lines, nx],
            }
        };
        Self::with_block(shape, block).ok()
    }

    /// Cuts a volume of `shape` into blocks of `block` voxels along z, y, x.
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn with_block(shape: Shape, block: [usize; 3]) -> Result<Self> {
        if shape.voxels().is_none_or(|n| n == 0) || block.contains(&0) {
            return Err(Error::usage(format!("a volume of {shape} cannot be cut into blocks of {block:?}")));
        }
        let counts = std::array::from_fn(|axis| shape.0[axis].div_ceil(block[axis]));
        let grid = Self { shape, block, counts };
        if Shape(counts).voxels().is_none_or(|n| n > u64::from(u32::MAX)) {
            return Err(Error::usage(format!(
                "a volume of {shape} has too many blocks of {block:?}: make them larger"
            )));
        }
        Ok(grid)
    }

    /// The size of the volume.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The number of blocks along z, y, x.
    pub fn counts(&self) -> [usize; 3] {
        self.counts
    }

    /// The number of blocks.
    pub fn blocks(&self) -> u32 {
        self.counts.iter().product::<usize>() as u32
    }

    /// The place of a block among the blocks along z, y, x.
    pub fn place(&self, block: BlockId) -> [usize; 3] {
        Shape(self.counts).voxel(u64::from(block.0))
    }

    /// The block at a place, where there is one.
    pub fn at(&self, place: [usize; 3]) -> Option<BlockId> {
        (0..3).all(|axis| place[axis] < self.counts[axis]).then(|| BlockId(Shape(self.counts).raster(place) as u32))
    }

    /// The voxels of a block.
    pub fn region(&self, block: BlockId) -> Region {
        let place = self.place(block);
        let start = std::array::from_fn(|axis| place[axis] * self.block[axis]);
        let end = std::array::from_fn(|axis| (start[axis] + self.block[axis]).min(self.shape.0[axis]));
        Region { start, end }
    }

    /// The block that owns a voxel.
    pub fn block_of(&self, voxel: [usize; 3]) -> BlockId {
        let place = std::array::from_fn(|axis| voxel[axis] / self.block[axis]);
        self.at(place).expect("the voxel lies in the volume")
    }

    /// The blocks whose shell towards larger z, y and x reaches into `block`: up to seven, one step
    /// nearer to zero along some axes; in ascending order.
    pub fn below(&self, block: BlockId) -> impl Iterator<Item = BlockId> + '_ {
        let place = self.place(block);
        (0..7usize).filter_map(move |code| self.beside(place, [code / 4, code / 2 % 2, code % 2]))
    }

    /// The blocks that touch `block` by a face, an edge or a corner, in ascending order.
    pub fn neighbors(&self, block: BlockId) -> impl Iterator<Item = BlockId> + '_ {
        let place = self.place(block);
        let others = (0..27usize).filter(|code| *code != 13);
        others.filter_map(move |code| self.beside(place, [code / 9, code / 3 % 3, code % 3]))
    }

    /// The block a step from a place, where there is one; along each axis 0 is a step towards zero, and
    /// 1 none.
    fn beside(&self, place: [usize; 3], step: [usize; 3]) -> Option<BlockId> {
        let mut to = [0; 3];
        for axis in 0..3 {
            to[axis] = (place[axis] + step[axis]).checked_sub(1)?;
        }
        self.at(to)
    }

    /// The blocks that have voxels of a region, which lies in the volume and is not empty, in
    /// ascending order.
    pub fn holding(&self, region: &Region) -> impl Iterator<Item = BlockId> + '_ {
        let [first, last] = [region.start, region.end.map(|end| end - 1)].map(|voxel| self.place(self.block_of(voxel)));
        let places = Region { start: first, end: last.map(|place| place + 1) };
        let along_x = move |(z, y)| places.range(2).filter_map(move |x| self.at([z, y, x]));
        places.rows().flat_map(along_x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_voxel_is_in_the_one_block_that_owns_it() {
        let shape = Shape([7, 9, 5]);
        for size in [BlockSize::Edge(1), BlockSize::Edge(3), BlockSize::Edge(100), BlockSize::Whole, BlockSize::Auto] {
            let grid = Grid::new(shape, size).unwrap();
            let voxels: u64 = (0..grid.blocks()).map(|b| grid.region(BlockId(b)).shape().voxels().unwrap()).sum();
            assert_eq!(Some(voxels), shape.voxels());
            for raster in 0..voxels {
                let voxel = shape.voxel(raster);
                assert!(grid.region(grid.block_of(voxel)).contains(voxel));
            }
        }
    }

    #[test]
    fn blocks_within_a_limit_keep_to_it_and_are_those_of_auto_where_it_is_wide() {
        for shape in [[1, 1, 1], [40, 30, 20], [3, 200, 50], [100, 7, 9], [9, 64, 64]].map(Shape) {
            let auto = Grid::new(shape, BlockSize::Auto).unwrap();
            assert_eq!(Grid::within(shape, 1 << 40, 16), Some(auto));
            for limit in [10, 100, 500, 1000, 3000, 10_000, 100_000] {
                for rows in [1, 16, 1000] {
                    let Some(grid) = Grid::within(shape, limit, rows) else {
                        let least = [2.min(shape.0[0]), 2.min(shape.0[1]), shape.0[2]];
                        assert!(Shape(least).voxels().unwrap() > limit, "{shape} {limit}");
                        continue;
                    };
                    for block in (0..grid.blocks()).map(BlockId) {
                        let boxed = grid.region(block).grown([0; 3], [1; 3], shape);
                        assert!(boxed.shape().voxels().unwrap() <= limit, "{shape} {limit} {boxed}");
                    }
                }
            }
        }
    }

    #[test]
    fn neighbors_are_mutual_and_those_below_are_seen_from_there() {
        let grid = Grid::new(Shape([6, 4, 9]), BlockSize::Edge(2)).unwrap();
        for a in (0..grid.blocks()).map(BlockId) {
            let sees = |b: &BlockId| {
                let boxed = grid.region(*b).grown([0; 3], [1; 3], grid.shape());
                *b != a && !boxed.intersection(&grid.region(a)).is_empty()
            };
            assert!(grid.below(a).eq((0..grid.blocks()).map(BlockId).filter(sees)));
            assert!(grid.neighbors(a).is_sorted());
            for b in grid.neighbors(a) {
                assert!(grid.neighbors(b).any(|c| c == a));
            }
        }
    }
}
