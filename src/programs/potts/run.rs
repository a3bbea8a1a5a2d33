//! The Potts model as a block program: the fast way to run it.
//!
//! A sweep visits every voxel once, in steps of one colour (or a [share](Model::shades) of it): the parity of z, y and
//! x (8 in space, 4 in a plane; 64 and 16 where neighbours are two voxels apart), so that no two voxels that change at
//! once are neighbours. A step is a superstep; what of a border has its colour crosses the seams. Random numbers belong
//! to the seed, the step and the voxel, and energies are whole numbers: the same spins for any workers and any cut.
//!
//! Cell volumes are those at the beginning of the step: what cells gain and lose in it is summed over all blocks
//! and known in the next. All voxels of a cell that change in one step, an eighth (in a plane a quarter) of its
//! surface at most, believe in the same volume, and together overshoot: the distribution of volumes is wider than in a
//! run in random order, the more the larger the surface and lambda / kT are, and the less the more steps colours are
//! cut into. The same holds for surfaces. Whether a cell stays in one piece is never stale: what is looked at for one
//! voxel does not change with another of its colour. Targets grow, cells begin to die and divide between sweeps.
//!
//! Up to a million spins every block knows the volumes of all cells, by a
//! [census](crate::programs::potts::census), and what cells gain and lose in a step is told to all: at most twice as many
//! numbers as voxels changed, and as many for surfaces. Past that cells have
//! [owners](crate::programs::potts::owners): a block knows the cells that it sees, what changes of those at borders goes
//! to their owners and back, a step takes two supersteps, and nothing of cells is told to all but which divide. Where no
//! volume or surface is held nothing of cells is known or told, beside the rows of the table: a bit a spin and block.
//!
//! Memory: 4 bytes a voxel and as much a voxel of the shells of blocks, by which slabs of eight layers have a quarter more;
//! 4 bytes a voxel of a field. Where volumes are held, a byte a spin in each process for types; without owners, in each
//! block, 8 bytes a spin for volumes, 8 for surfaces, 9 where cells age; with owners, in each block, 47 to 94 bytes for each
//! cell that it sees, and as an owner 90 to 170 for each of its cells that several see, and a byte for each cell that was
//! born.
//!
//! A volume of 2160 x 2560 x 2560, 14e9 voxels, is 270 slabs of eight layers: 70 GB of spins, and as much again nowhere.
//! What is known of 14e6 cells, ten voxels across, takes 3 to 6 GB with owners, as 2.4 slabs see a cell, and 30 GB without,
//! or 60 with surfaces. So it runs on six machines of 16 GB; a sweep costs 14e9 visits over their workers (140 s of one
//! worker that makes 100 million a second). Owners are for many blocks
//! and for cells that lie together: in fewer than some sixteen blocks a census is the smaller, though it is told more, and
//! of spins that are drawn for each voxel all blocks see all in the beginning.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::lattice::tiling::{Tile, Tiling};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::potts::knowledge::Knowledge;
use crate::programs::potts::model::{Model, WALL};
use crate::programs::potts::owners::{News, Owners, Told};
use crate::programs::potts::reading::{read, voxels};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::{Gathering, Row, Tally};
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::Voxels;

/// The voxels that a slab has at most, where it has more layers than [`THICK`].
const SLAB: u64 = 16 << 20;

/// The layers of which a slab of a large volume has no fewer, as its shell is two more.
const THICK: usize = 8;

/// The most spins of which every block knows all volumes and surfaces, unless [told](Potts::with_owners).
const KNOWN: u32 = 1 << 20;

/// Runs a model for some sweeps.
#[derive(Clone)]
pub struct Potts {
    pub(super) rule: Rule,
    pub(super) grid: Grid,
    /// Sweeps.
    pub(super) sweeps: u64,
    /// A row of the table, and a frame, after so many.
    pub(super) every: u64,
    /// Whether cells have owners.
    owned: bool,
    pub(super) frames: Option<Frames>,
    pub(super) attend: Option<Attend>,
}

/// Who is told how many voxels a step of a block has visited, and may end the run by an error.
#[derive(Clone)]
pub struct Attend(pub Arc<dyn Fn(u64) -> Result<()> + Send + Sync>);

/// Takes the spins of a block while the run goes on: told the sweeps that are over, the voxels of the block, and
/// their spins.
pub type Take = dyn Fn(u64, &Region, &Voxels) -> Result<()> + Send + Sync;

/// Who takes the spins of blocks: somebody on process 0, to whom the others send theirs.
#[derive(Clone)]
pub enum Frames {
    /// On process 0, which has the first block.
    Here(Arc<Take>),
    /// On another process.
    Away,
}

/// What the spins depend on, and not who hears of them.
impl Debug for Potts {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { rule, grid, sweeps, every, owned, .. } = self;
        write!(f, "Potts {{ {rule:?}, {grid:?}, sweeps: {sweeps}, every: {every}, owned: {owned} }}")
    }
}

/// A block of the model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Share {
    pub(super) spins: Spins,
    pub(super) cells: Knowledge,
    /// Steps that are over.
    pub(super) step: u64,
    /// The last sweep that was measured, and whether its row is still to be told.
    pub(super) measured: Option<u64>,
    pub(super) telling: bool,
    /// The last sweep by which cells have grown older.
    pub(super) aged: u64,
    /// Cells that divide now.
    pub(super) dividing: Dividing,
    /// Since the last row.
    pub(super) visits: u64,
    pub(super) taken: u64,
    /// The rows of the table, in the first block.
    pub(super) rows: Vec<Row>,
    #[serde(skip)]
    pub(super) site: Option<Site>,
    #[serde(skip)]
    pub(super) volumes: Gathering,
    #[serde(skip)]
    pub(super) surfaces: Gathering,
}

impl Share {
    /// The cells of which something is known here, where they have owners.
    pub fn in_sight(&self) -> Option<usize> {
        match &self.cells {
            Knowledge::All(_) => None,
            Knowledge::Some(owned) => Some(owned.sight.len()),
        }
    }
}

/// How far a division is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) enum Dividing {
    /// There is none.
    #[default]
    Nobody,
    /// All tell first voxels.
    Anchors,
    /// All tell sums, about these.
    Bulks(BTreeMap<u32, u64>),
}

/// What a block tells one beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parcel {
    /// The spins of a piece of the other's shell, of the voxels that may have changed.
    Border(u32, Vec<u32>),
    /// Its spins, for a frame that another process takes.
    Frame(u64, Region, Voxels),
    /// What became of cells that the other owns.
    News(News),
    /// Cells that the other sees.
    Told(Vec<Told>),
}

/// What a block has made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Its voxels.
    pub region: Region,
    /// Their spins, in the smallest type that holds every spin of the model.
    pub spins: Voxels,
    /// The rows of the table, in the first block.
    pub rows: Vec<Row>,
}

impl Potts {
    /// Runs `model` for some sweeps on a volume that is cut by `grid`, and tells its state before, after every
    /// so many sweeps, and in the end.
    ///
    /// # Errors
    /// As [`Model::check`].
    pub fn new(model: Model, grid: Grid, sweeps: u64, every: u64) -> Result<Self> {
        let owned = model.spins > KNOWN;
        let rule = Rule::new(model, grid.shape())?;
        let potts = Self { rule, grid, sweeps, every: every.max(1), owned: false, frames: None, attend: None };
        Ok(potts.with_owners(owned))
    }

    /// Whether volumes and surfaces, where they are held, go to [owners](crate::programs::potts::owners) of cells instead
    /// of to every block: else they do from a million spins on. Spins and tables are the same either way.
    pub fn with_owners(self, owned: bool) -> Self {
        Self { owned: owned && self.rule.needs_volumes(), ..self }
    }

    /// The owners of cells, where they have some.
    fn owners(&self) -> Option<Owners> {
        self.owned.then(|| Owners { blocks: self.grid.blocks(), spins: self.rule.model.spins })
    }

    /// How a volume of `shape` is cut: of [`BlockSize::Auto`] into slabs of whole slices, in a plane of whole rows,
    /// so many (8 at least, where there are as many) that all are as thick as can be.
    ///
    /// # Errors
    /// As [`Grid::new`].
    pub fn grid(shape: Shape, size: BlockSize) -> Result<Grid> {
        if size != BlockSize::Auto || shape.0.contains(&0) {
            return Grid::new(shape, size);
        }
        let axis = usize::from(shape.0[0] == 1);
        let layers = shape.0[axis];
        let most = (layers / THICK).max(16).min(layers);
        let least = (shape.voxels().unwrap_or(0) / SLAB).max(8).min(most as u64) as usize;
        let counts = least..=(2 * least).min(most);
        let missing = |count: &usize| layers.div_ceil(*count) * count - layers;
        let count = counts.min_by_key(missing).unwrap_or(1);
        let mut block = shape.0;
        block[axis] = layers.div_ceil(count);
        Grid::with_block(shape, block)
    }

    /// With somebody who takes the spins after every so many sweeps, but neither before the first nor after the
    /// last.
    pub fn with_frames(self, frames: Frames) -> Self {
        Self { frames: Some(frames), ..self }
    }

    /// With somebody who attends.
    pub fn with_attendance(self, attend: Attend) -> Self {
        Self { attend: Some(attend), ..self }
    }

    /// Whether a row is told after so many sweeps.
    pub(super) fn is_due(&self, sweep: u64) -> bool {
        sweep.is_multiple_of(self.every) || sweep == self.sweeps
    }

    fn site(&self, id: BlockId) -> Site {
        Site::new(&self.grid, id, &self.rule)
    }
}

impl BlockProgram<Tiling> for Potts {
    type State = Share;
    type Parcel = Parcel;
    type Global = Tally;
    type Output = Made;

    fn init(&self, tiling: &Tiling, tile: &Tile) -> Result<Share> {
        if *tiling.grid() != self.grid {
            return Err(Error::usage("the volume is not cut as the model was told: give both the same grid"));
        }
        let site = self.site(tile.id);
        let mut spins = Spins::new(site.padded(), WALL);
        read(tile, &tile.region, &self.rule.model, |voxel, spin| spins.set(site.place(voxel), spin))?;
        for piece in &site.takes {
            // What it shows itself round the volume need not be read again.
            if piece.from == tile.id {
                piece.each(|voxel, place| spins.set(place, spins.get(site.place(voxel))));
                continue;
            }
            let mut shown = Vec::new();
            read(tile, &piece.region(), &self.rule.model, |_, spin| shown.push(spin))?;
            let mut shown = shown.into_iter();
            piece.each(|_, place| spins.set(place, shown.next().expect("a region has a spin for each voxel")));
        }
        let cells = Knowledge::new(&self.rule, tile.id, self.owners());
        Ok(Share { spins, cells, site: Some(site), ..Share::default() })
    }

    fn restored(&self, _: &Tiling, tile: &Tile, share: &mut Share) -> Result<()> {
        share.site = Some(self.site(tile.id));
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Parcel, Tally>,
        tile: &Tile,
        share: &mut Share,
        mail: Vec<(BlockId, Parcel)>,
    ) -> Result<Vote> {
        let site = share.site.take().unwrap_or_else(|| self.site(tile.id));
        self.hear(at, &site, share, mail)?;
        let mut tally = Tally::default();
        let vote = self.superstep(at, &site, tile.id, share, &mut tally);
        at.contribute(tally);
        share.site = Some(site);
        vote
    }

    fn finish(&self, tile: &Tile, mut share: Share) -> Result<Made> {
        let site = share.site.take().unwrap_or_else(|| self.site(tile.id));
        let spins = voxels(&site, &share.spins, share.cells.most(&self.rule));
        Ok(Made { region: tile.region, spins, rows: share.rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_are_as_thick_as_can_be_and_of_large_volumes_worth_their_shell() {
        let layers = |shape: [usize; 3]| {
            let grid = Potts::grid(Shape(shape), BlockSize::Auto).unwrap();
            (grid.region(BlockId(0)).shape().0[usize::from(shape[0] == 1)], grid.blocks())
        };
        assert_eq!(layers([2160, 2560, 2560]), (8, 270));
        assert_eq!(layers([512, 512, 512]), (64, 8));
        assert_eq!(layers([1024, 1024, 1024]), (16, 64));
        assert_eq!(layers([100, 100, 100]), (10, 10));
        assert_eq!(layers([1, 500, 500]), (50, 10));
        assert_eq!(layers([5, 9, 9]), (1, 5));
    }
}
