//! A volume cut into blocks that are read one at a time.
//!
//! For block programs that need a block's voxels once: labelling, measuring, histograms, copies.
//! Vertex programs run on a [`Lattice`](crate::lattice::lattice::Lattice).

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::store::scratch::Scratch;
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::region::Region;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::Voxels;

/// A volume and the grid it is cut by. A clone shares the volume.
#[derive(Clone)]
pub struct Tiling {
    source: Arc<dyn VolumeSource>,
    grid: Grid,
    scratch: Option<Arc<Scratch>>,
}

/// One block of a [`Tiling`]: where it lies, and how to read it.
pub struct Tile {
    /// Its number.
    pub id: BlockId,
    /// Its voxels.
    pub region: Region,
    /// The volume and its grid.
    pub tiling: Tiling,
}

impl Tiling {
    /// Cuts a volume into blocks of `size`.
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn new(source: Arc<dyn VolumeSource>, size: BlockSize) -> Result<Self> {
        let grid = Grid::new(source.header().shape, size)?;
        Ok(Self { source, grid, scratch: None })
    }

    /// Cuts a volume by a grid: for blocks that are not cubes.
    ///
    /// # Errors
    /// Where the grid is that of another shape.
    pub fn with_grid(source: Arc<dyn VolumeSource>, grid: Grid) -> Result<Self> {
        let header = source.header();
        if header.shape == grid.shape() {
            Ok(Self { source, grid, scratch: None })
        } else {
            let what = format!("{}: a volume of {} and a grid of {}", header.name, header.shape, grid.shape());
            Err(Error::usage(what))
        }
    }

    /// With a place where programs may put what they hold of blocks while they wait for others.
    /// A state that was put there is not part of a checkpoint.
    pub fn with_scratch(self, scratch: Arc<Scratch>) -> Self {
        Self { scratch: Some(scratch), ..self }
    }

    /// Where programs may put what they hold of blocks.
    pub fn scratch(&self) -> Option<&Arc<Scratch>> {
        self.scratch.as_ref()
    }

    /// The volume.
    pub fn source(&self) -> &Arc<dyn VolumeSource> {
        &self.source
    }

    /// The grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }
}

impl Cut for Tiling {
    type Block = Tile;

    fn blocks(&self) -> u32 {
        self.grid.blocks()
    }

    fn block(&self, id: BlockId) -> Result<Tile> {
        Ok(Tile { id, region: self.grid.region(id), tiling: self.clone() })
    }

    fn digest(&self, block: &Tile) -> Result<u64> {
        let (region, voxels) = block.read(0)?;
        let mut hash = Xxh3::new();
        hash.update(format!("{region:?} {:?}", voxels.dtype()).as_bytes());
        voxels.absorbed_by(&mut hash);
        Ok(hash.digest())
    }
}

impl Tile {
    /// The block and `above` more voxels towards larger z, y and x, as far as the volume goes:
    /// the box, and its voxels, in one read.
    ///
    /// # Errors
    /// Where the volume cannot be read.
    pub fn read(&self, above: usize) -> Result<(Region, Voxels)> {
        let region = self.region.grown([0; 3], [above; 3], self.tiling.grid.shape());
        Ok((region, self.tiling.source.read(&region)?))
    }

    /// How errors name the volume.
    pub fn name(&self) -> &str {
        &self.tiling.source.header().name
    }
}
