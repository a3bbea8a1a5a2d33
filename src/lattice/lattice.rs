//! The voxel-adjacency graph: selected voxels, joined to those beside them.
//!
//! No edge is stored: a [block](crate::lattice::lattice_block) is a padded box, and a neighbour a
//! constant stride away.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::graph::topology::{Block, Cut, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::lattice::lattice_block::LatticeBlock;
use crate::lattice::select::Select;
use crate::lattice::stencil::{Stencil, Step};
use crate::lattice::tiling::Tiling;
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::shape::Shape;
use crate::volume::source::VolumeSource;

/// Voxels of a volume as a graph. A [`VertexId`] is the raster index of the voxel.
#[derive(Clone)]
pub struct Lattice {
    tiling: Tiling,
    select: Select,
    stencil: Stencil,
}

impl Lattice {
    /// The voxels that `select` takes, each joined to its neighbours in `stencil`.
    ///
    /// # Errors
    /// As [`Grid::new`]; a block of 2^32 slots.
    pub fn new(source: Arc<dyn VolumeSource>, size: BlockSize, select: Select, stencil: Stencil) -> Result<Self> {
        Self::of(Tiling::new(source, size)?, select, stencil)
    }

    /// The same of a volume that is already cut.
    ///
    /// # Errors
    /// A block of 2^32 slots.
    pub fn of(tiling: Tiling, select: Select, stencil: Stencil) -> Result<Self> {
        let slots = Shape(tiling.grid().region(BlockId(0)).shape().0.map(|n| n + 2)).voxels();
        if slots.is_none_or(|slots| slots >= u64::from(u32::MAX)) {
            return Err(Error::usage("a block of 2^32 voxels or more: make blocks smaller"));
        }
        Ok(Self { tiling, select, stencil })
    }

    /// How the volume is cut.
    pub fn grid(&self) -> &Grid {
        self.tiling.grid()
    }
}

impl Cut for Lattice {
    type Block = LatticeBlock;

    fn blocks(&self) -> u32 {
        self.tiling.blocks()
    }

    fn block(&self, id: BlockId) -> Result<LatticeBlock> {
        LatticeBlock::read(&self.tiling, id, self.select, self.stencil)
    }

    fn digest(&self, block: &LatticeBlock) -> Result<u64> {
        let mut hash = Xxh3::new();
        hash.update(format!("{:?} {:?} {:?}", block.region(), self.grid().shape(), self.stencil).as_bytes());
        for slot in block.rows().flat_map(|row| block.owned(row)).flatten() {
            let slot = Slot(slot as u32);
            hash.update(&block.id(slot).0.to_le_bytes());
            hash.update(&block.value(slot).to_bits().to_le_bytes());
        }
        Ok(hash.digest())
    }
}

impl Topology for Lattice {
    type Edge = Step;

    fn owner(&self, vertex: VertexId) -> Option<BlockId> {
        let shape = self.grid().shape();
        let inside = shape.voxels().is_none_or(|voxels| vertex.0 < voxels);
        inside.then(|| self.grid().block_of(shape.voxel(vertex.0)))
    }
}
