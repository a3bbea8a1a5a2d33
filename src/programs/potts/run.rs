//! The Potts model as a block program: the fast way to run it.
//!
//! A sweep visits every voxel once, in steps of one colour (or a [share](Model::shades) of it): the parity of z, y and
//! x (8 in space, 4 in a plane), so that no two voxels that change at once are neighbours. A step is a superstep;
//! what of a border has its colour crosses the seams. Random numbers belong to the seed, the step and the voxel, and
//! energies are whole numbers: the same spins for any workers and any cut.
//!
//! Cell volumes are those at the beginning of the step: what cells gain and lose in it is summed over all blocks
//! and known in the next. All voxels of a cell that change in one step, an eighth (in a plane a quarter) of its
//! surface at most, believe in the same volume, and together overshoot: the distribution of volumes is wider than in a
//! run in random order, the more the larger the surface and lambda / kT are, and the less the more steps colours are
//! cut into.
//!
//! Memory: 4 bytes a voxel, and in each block 4 bytes a spin where volumes are held. A volume of 14e9 voxels takes 56 GB
//! of spins, and as much again nowhere: five machines of 16 GB, a sweep of which costs 14e9 visits over their workers
//! (140 s of one worker that makes 100 million a second). What all blocks tell in a step are the cells that changed, at
//! most twice the voxels that did.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::lattice::stencil::Step;
use crate::lattice::tiling::{Tile, Tiling};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::potts::copying::Pass;
use crate::programs::potts::measured::Measured;
use crate::programs::potts::metropolis::UNIT;
use crate::programs::potts::model::{Model, Move, WALL};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::{Changes, Gathering, Row, Tally};
use crate::volume::grid::{BlockSize, Grid};
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Dtype, Voxel, Voxels, each_voxel_type, row, with_voxel_type};
use crate::wide::widely;

/// The voxels that a slab has at most, where it has several layers.
const SLAB: u64 = 16 << 20;

/// Runs a model for some sweeps.
#[derive(Clone)]
pub struct Potts {
    rule: Rule,
    grid: Grid,
    /// Sweeps.
    sweeps: u64,
    /// A row of the table, and a frame, after so many.
    every: u64,
    frames: Option<Frames>,
    attend: Option<Attend>,
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
        let Self { rule, grid, sweeps, every, .. } = self;
        write!(f, "Potts {{ {rule:?}, {grid:?}, sweeps: {sweeps}, every: {every} }}")
    }
}

/// A block of the model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Share {
    spins: Spins,
    /// The volumes of cells, by spin, where they have to be known.
    volumes: Vec<u32>,
    /// Since the last row.
    visits: u64,
    taken: u64,
    /// The rows of the table, in the first block.
    rows: Vec<Row>,
    #[serde(skip)]
    site: Option<Site>,
    #[serde(skip)]
    changes: Gathering,
}

/// What a block tells one beside it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parcel {
    /// The spins of its border at the side of a step, of the colour that may have changed.
    Border(Step, Vec<u32>),
    /// Its spins, for a frame that another process takes.
    Frame(u64, Region, Voxels),
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
        Ok(Self {
            rule: Rule::new(model, grid.shape())?,
            grid,
            sweeps,
            every: every.max(1),
            frames: None,
            attend: None,
        })
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
        let least = (shape.voxels().unwrap_or(0) / SLAB).max(8).min(layers as u64) as usize;
        let counts = least..=(2 * least).min(layers);
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
    fn is_due(&self, sweep: u64) -> bool {
        sweep.is_multiple_of(self.every) || sweep == self.sweeps
    }

    fn site(&self, id: BlockId) -> Site {
        let model = &self.rule.model;
        Site::new(&self.grid, id, model.neighborhood, model.boundary)
    }

    /// The energy of all volumes, in thousandths.
    fn strain(&self, volumes: &[u32]) -> i128 {
        let Some(cells) = self.rule.cells() else { return 0 };
        let held = (0..).zip(volumes).filter(|(_, volume)| **volume > 0);
        held.map(|(spin, volume)| cells.strain(spin, *volume)).sum()
    }
}

/// A row of the table from what all blocks told.
fn told(sweep: u64, tally: &Tally) -> Row {
    Row {
        sweep,
        cells: tally.present.iter().map(|bits| u64::from(bits.count_ones())).sum(),
        energy: tally.energy as f64 / UNIT as f64,
        visits: tally.visits,
        taken: tally.taken,
    }
}

/// Puts the voxels of `region` into a box of spins, from `corner` on.
fn put(spins: &mut Spins, corner: [usize; 3], tile: &Tile, region: &Region, model: &Model) -> Result<()> {
    let voxels = tile.tiling.source().read(region)?;
    let refuse = |place: [usize; 3], value: String| {
        let at: [usize; 3] = std::array::from_fn(|axis| region.start[axis] + place[axis]);
        let what = format!("voxel {at:?}: {value} is no spin of 0 to {}", model.spins);
        Error::input(tile.name(), what)
    };
    let least = u64::from(model.moves == Move::HeatBath);
    each_voxel_type!(&voxels, array => {
        for (z, y) in Region::whole(region.shape()).rows() {
            for (x, value) in row(array, z, y).iter().enumerate() {
                let spin = value.to_label().filter(|spin| (least..=u64::from(model.spins)).contains(spin));
                let spin = spin.ok_or_else(|| refuse([z, y, x], value.to_string()))?;
                spins.set([corner[0] + z, corner[1] + y, corner[2] + x], spin as u32);
            }
        }
    });
    Ok(())
}

/// The spins of a block as voxels, of the smallest type that holds `most`.
fn voxels(site: &Site, spins: &Spins, most: u32) -> Voxels {
    fn of<T: Voxel>(site: &Site, spins: &Spins, cast: fn(u32) -> T) -> Voxels {
        let shape: Shape = site.own.shape();
        let mut voxels = Vec::with_capacity(shape.0.iter().product());
        for (z, y) in site.rows() {
            voxels.extend(site.places(2).map(|x| cast(spins.get([z, y, x]))));
        }
        Voxels::from_vec(shape, voxels)
    }
    with_voxel_type!(Dtype::for_labels(u64::from(most)), T => of::<T>(site, spins, |spin| spin as T))
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
        put(&mut spins, site.corner([0; 3]), tile, &tile.region, &self.rule.model)?;
        for (step, _) in &site.beside {
            put(&mut spins, site.corner(*step), tile, &site.beyond(*step, &self.grid), &self.rule.model)?;
        }
        let volumes = vec![0; if self.rule.needs_volumes() { self.rule.model.spins as usize + 1 } else { 0 }];
        Ok(Share { spins, volumes, site: Some(site), ..Share::default() })
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
        let model = &self.rule.model;
        // Superstep 0 counts; superstep s makes step s - 1.
        let (step, last) = (at.number().saturating_sub(1), at.number().saturating_sub(2));
        for (_, parcel) in mail {
            match (parcel, &self.frames) {
                (Parcel::Border(side, border), _) => {
                    let here = side.map(|along| -along);
                    site.take(&mut share.spins, here, model.turn(last).parity(), &border);
                }
                (Parcel::Frame(sweep, region, spins), Some(Frames::Here(take))) => take(sweep, &region, &spins)?,
                (Parcel::Frame(..), _) => {
                    return Err(Error::usage("frames are taken on process 0, which has to have the first block"));
                }
            }
        }
        for (spin, by) in &at.global().changes {
            let volume = &mut share.volumes[*spin as usize];
            *volume = (i64::from(*volume) + by) as u32;
        }
        let first = tile.id == BlockId(0);
        if at.number() == 0 {
            if self.rule.needs_volumes() {
                at.contribute(Tally { changes: self.count(&site, &share.spins), ..Tally::default() });
            }
            share.site = Some(site);
            return Ok(Vote::Stay);
        }
        let (sweep, within) = (step / model.steps(), step % model.steps());
        if within == 1 && self.is_due(sweep) && first {
            share.rows.push(told(sweep, at.global()));
        }
        if sweep == self.sweeps && within == 1 {
            share.site = Some(site);
            return Ok(Vote::Halt);
        }
        let mut tally = Tally::default();
        if within == 0 && self.is_due(sweep) {
            let measured = Measured::new(&self.rule, &site, &share.spins);
            (tally.energy, tally.present) = (measured.energy.into(), measured.present);
            if first {
                // Every block knows all volumes, and one tells.
                tally.energy += self.strain(&share.volumes);
            }
            (tally.visits, tally.taken) = (std::mem::take(&mut share.visits), std::mem::take(&mut share.taken));
            if (1..self.sweeps).contains(&sweep) {
                self.give_frame(at, sweep, &site, share)?;
            }
        }
        if sweep < self.sweeps {
            let turn = model.turn(step);
            let parity = turn.parity();
            let count = widely(Pass {
                rule: &self.rule,
                site: &site,
                spins: &mut share.spins,
                volumes: &share.volumes,
                step,
                turn,
                changes: &mut share.changes,
            });
            share.visits += count.visits;
            share.taken += count.taken;
            at.wake(count.visits);
            self.attend.as_ref().map_or(Ok(()), |attend| (attend.0)(count.visits))?;
            tally.changes = share.changes.take();
            for (side, to) in &site.beside {
                let border = site.border(&share.spins, *side, parity);
                match *to == tile.id {
                    _ if border.is_empty() => {}
                    // Round a torus a block meets itself.
                    true => site.take(&mut share.spins, side.map(|along| -along), parity, &border),
                    false => {
                        at.count(border.len() as u64);
                        at.send(*to, Parcel::Border(*side, border));
                    }
                }
            }
        }
        at.contribute(tally);
        share.site = Some(site);
        // The first block has a row to write when all others are through.
        Ok(if sweep < self.sweeps || first { Vote::Stay } else { Vote::Halt })
    }

    fn finish(&self, tile: &Tile, share: Share) -> Result<Made> {
        let site = share.site.unwrap_or_else(|| self.site(tile.id));
        let spins = voxels(&site, &share.spins, self.rule.model.spins);
        Ok(Made { region: tile.region, spins, rows: share.rows })
    }
}

impl Potts {
    /// The volumes of cells in a block.
    fn count(&self, site: &Site, spins: &Spins) -> Changes {
        let mut volumes = vec![0u32; self.rule.model.spins as usize + 1];
        for (z, y) in site.rows() {
            site.places(2).for_each(|x| volumes[spins.get([z, y, x]) as usize] += 1);
        }
        (0..).zip(volumes).filter(|(_, volume)| *volume > 0).map(|(spin, volume)| (spin, i64::from(volume))).collect()
    }

    /// Gives the spins of a block to who takes frames, or sends them there.
    fn give_frame(&self, at: &mut Superstep<'_, Parcel, Tally>, sweep: u64, site: &Site, share: &Share) -> Result<()> {
        let spins = || voxels(site, &share.spins, self.rule.model.spins);
        match &self.frames {
            None => {}
            Some(Frames::Here(take)) => take(sweep, &site.own, &spins())?,
            Some(Frames::Away) => at.send(BlockId(0), Parcel::Frame(sweep, site.own, spins())),
        }
        Ok(())
    }
}
