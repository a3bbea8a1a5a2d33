//! How components that cross blocks are joined, and all are numbered in raster order.
//!
//! Block 0 sees only the parts at seams. It joins them, and names for each component the part
//! that owns its first voxel: the component *begins* there. Numbers come from counts: each block
//! counts the components that begin in each of its *segments*, the longest stretches of its
//! voxels that no other block's voxels come between in raster order; the sum of the counts before
//! a segment is the label before its first. So no list of all components is ever in one place.

use serde::{Deserialize, Serialize};

use crate::disjoint::Disjoint;
use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::volume::grid::Grid;

/// A part of a block and its shell that lies at a seam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeamPart {
    /// Its number in the block.
    pub part: u32,
    /// Raster index of its first voxel that the block owns; `u64::MAX` where it owns none.
    pub first: u64,
    /// Its voxels that the block owns.
    pub voxels: u64,
}

/// What became of a part at a seam.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether its component begins with it.
    pub begins: bool,
    /// The voxels of its component.
    pub voxels: u64,
}

/// The parts at all seams, joined.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Joined {
    parts: Vec<SeamPart>,
    /// Parts of block `b` are `blocks[b]..blocks[b + 1]`.
    blocks: Vec<usize>,
    /// The component of each part, and for each component where it begins and its voxels.
    component: Vec<u32>,
    beginning: Vec<u32>,
    voxels: Vec<u64>,
}

/// What one block says of its seams: its parts, ascending, and its joins.
pub type Seam = (Vec<SeamPart>, Vec<(u32, BlockId, u32)>);

impl Joined {
    /// Joins the parts at the seams of every block, blocks ascending. O(parts + joins) unions.
    ///
    /// # Errors
    /// Where there are 2^32 parts at seams.
    pub fn new(seams: Vec<Seam>) -> Result<Self> {
        let mut blocks = vec![0];
        let mut parts = Vec::with_capacity(seams.iter().map(|(mine, _)| mine.len()).sum());
        // The parts of a block are let go of as soon as they are among all.
        let mut joins = Vec::with_capacity(seams.len());
        for (mine, between) in seams {
            parts.extend_from_slice(&mine);
            blocks.push(parts.len());
            joins.push(between);
        }
        if parts.len() >= u32::MAX as usize {
            return Err(Error::resource("2^32 parts at the borders of blocks: make blocks larger"));
        }
        let place = |block: usize, part: u32| {
            let mine = &parts[blocks[block]..blocks[block + 1]];
            let at =
                mine.binary_search_by_key(&part, |p: &SeamPart| p.part).expect("both sides of a seam know the part");
            (blocks[block] + at) as u32
        };
        let mut sets = Disjoint::new(parts.len());
        for (block, joins) in joins.into_iter().enumerate() {
            for (here, other, there) in joins {
                sets.union(place(block, here), place(other.index(), there));
            }
        }
        let (component, count) = sets.number();
        let mut beginning = vec![u32::MAX; count as usize];
        let mut voxels = vec![0; count as usize];
        for (at, (part, component)) in parts.iter().zip(&component).enumerate() {
            let component = *component as usize;
            voxels[component] += part.voxels;
            let first = |at: u32| parts.get(at as usize).map_or(u64::MAX, |part: &SeamPart| part.first);
            if part.first < first(beginning[component]) {
                beginning[component] = at as u32;
            }
        }
        Ok(Self { parts, blocks, component, beginning, voxels })
    }

    /// What became of the parts of a block, in their order.
    pub fn verdicts(&self, block: BlockId) -> Vec<Verdict> {
        let mine = self.blocks[block.index()]..self.blocks[block.index() + 1];
        mine.map(|at| {
            let component = self.component[at] as usize;
            Verdict { begins: self.beginning[component] as usize == at, voxels: self.voxels[component] }
        })
        .collect()
    }

    /// The label of each part of each block, given the label before each segment and the ranks
    /// of the parts that begin a component; 0 for components that were left out.
    pub fn labels(&self, segments: &Segments<'_>, before: &[Vec<u64>], ranks: &[Vec<(u32, u32)>]) -> Vec<Vec<u64>> {
        let mut label = vec![0; self.beginning.len()];
        for (block, ranks) in ranks.iter().enumerate() {
            let mine = self.blocks[block]..self.blocks[block + 1];
            let parts = &self.parts[mine.clone()];
            for (part, rank) in ranks {
                let at = parts.binary_search_by_key(part, |p| p.part).expect("only parts at seams have ranks");
                let segment = segments.of_voxel(BlockId(block as u32), parts[at].first);
                label[self.component[mine.start + at] as usize] = before[block][segment] + u64::from(*rank) + 1;
            }
        }
        let blocks = self.blocks.windows(2);
        blocks.map(|mine| self.component[mine[0]..mine[1]].iter().map(|c| label[*c as usize]).collect()).collect()
    }
}

/// The segments of the blocks of a grid. Blocks are whole slabs as a rule; then each is one
/// segment. Where they are cut along y a slice of a block is one, where along x a row.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a> {
    grid: &'a Grid,
    slices: bool,
    rows: bool,
}

impl<'a> Segments<'a> {
    /// The segments of a grid.
    pub fn new(grid: &'a Grid) -> Self {
        let [_, along_y, along_x] = grid.counts();
        Self { grid, slices: along_y > 1 || along_x > 1, rows: along_x > 1 }
    }

    /// Segments along z and y of a block.
    fn size(&self, block: BlockId) -> [usize; 2] {
        let [nz, ny, _] = self.grid.region(block).shape().0;
        [if self.slices { nz } else { 1 }, if self.rows { ny } else { 1 }]
    }

    /// The number of segments of a block.
    pub fn of_block(&self, block: BlockId) -> usize {
        self.size(block).iter().product()
    }

    /// The segment of a block that holds a voxel, by its raster index in the volume.
    pub fn of_voxel(&self, block: BlockId, raster: u64) -> usize {
        if !self.slices && !self.rows {
            return 0;
        }
        let [z, y, _] = self.grid.shape().voxel(raster);
        let start = self.grid.region(block).start;
        let (z, y) = (if self.slices { z - start[0] } else { 0 }, if self.rows { y - start[1] } else { 0 });
        z * self.size(block)[1] + y
    }

    /// The sum of all counts, and the sum of those before each segment in raster order. Counts
    /// and sums are by block, then by segment.
    pub fn before(&self, counts: &[Vec<u32>]) -> (u64, Vec<Vec<u64>>) {
        let mut before: Vec<Vec<u64>> = counts.iter().map(|counts| vec![0; counts.len()]).collect();
        let mut sum = 0;
        let [along_z, along_y, along_x] = self.grid.counts();
        let at = |place| self.grid.at(place).expect("a place in the grid");
        for bz in 0..along_z {
            for z in 0..self.size(at([bz, 0, 0]))[0] {
                for by in 0..along_y {
                    for y in 0..self.size(at([bz, by, 0]))[1] {
                        for bx in 0..along_x {
                            let block = at([bz, by, bx]);
                            let segment = z * self.size(block)[1] + y;
                            before[block.index()][segment] = sum;
                            sum += u64::from(counts[block.index()][segment]);
                        }
                    }
                }
            }
        }
        (sum, before)
    }
}
