//! The Potts model as a block program: the fast way to run it.
//!
//! A sweep visits every voxel once, in steps of one colour (or a [share](Model::shades) of it): the parity of z, y and
//! x (8 in space, 4 in a plane, 16 where neighbours are two voxels apart), so that no two voxels that change at once are
//! neighbours. A step is a superstep;
//! what of a border has its colour crosses the seams. Random numbers belong to the seed, the step and the voxel, and
//! energies are whole numbers: the same spins for any workers and any cut.
//!
//! Cell volumes are those at the beginning of the step: what cells gain and lose in it is summed over all blocks
//! and known in the next. All voxels of a cell that change in one step, an eighth (in a plane a quarter) of its
//! surface at most, believe in the same volume, and together overshoot: the distribution of volumes is wider than in a
//! run in random order, the more the larger the surface and lambda / kT are, and the less the more steps colours are
//! cut into. The same holds for surfaces. Whether a cell stays in one piece is never stale: what is looked at for one
//! voxel does not change with another of its colour. Targets grow, cells begin to die and divide between sweeps.
//!
//! Memory: 4 bytes a voxel, and in each block 4 bytes a spin where volumes are held (and what the
//! [census](crate::programs::potts::census) tells), 4 bytes a voxel of a field. A volume of 14e9 voxels takes 56 GB
//! of spins, and as much again nowhere: five machines of 16 GB, a sweep of which costs 14e9 visits over their workers
//! (140 s of one worker that makes 100 million a second). What all blocks tell in a step are the cells that changed, at
//! most twice the voxels that did.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::lattice::tiling::{Tile, Tiling};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::potts::census::{Census, Seen};
use crate::programs::potts::copying::Pass;
use crate::programs::potts::life;
use crate::programs::potts::measured::Measured;
use crate::programs::potts::metropolis::UNIT;
use crate::programs::potts::model::{Model, Move, WALL};
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::{Gathering, Row, Tally};
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
    census: Census,
    /// Steps that are over.
    step: u64,
    /// The last sweep that was measured, and whether its row is still to be told.
    measured: Option<u64>,
    telling: bool,
    /// The last sweep by which cells have grown older.
    aged: u64,
    /// Cells that divide now.
    dividing: Dividing,
    /// Since the last row.
    visits: u64,
    taken: u64,
    /// The rows of the table, in the first block.
    rows: Vec<Row>,
    #[serde(skip)]
    site: Option<Site>,
    #[serde(skip)]
    volumes: Gathering,
    #[serde(skip)]
    surfaces: Gathering,
}

/// How far a division is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
enum Dividing {
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
        Site::new(&self.grid, id, &self.rule)
    }
}

/// A row of the table from what all blocks told.
fn told(sweep: u64, tally: &Tally) -> Row {
    Row {
        sweep,
        cells: tally.present.iter().map(|bits| u64::from(bits.count_ones())).sum(),
        energy: tally.energy as f64 / (2 * UNIT) as f64 + tally.potential as f64 / (UNIT * UNIT) as f64,
        visits: tally.visits,
        taken: tally.taken,
    }
}

/// Reads the voxels of `region`, each told with its spin.
fn read(tile: &Tile, region: &Region, model: &Model, mut told: impl FnMut([usize; 3], u32)) -> Result<()> {
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
                told([region.start[0] + z, region.start[1] + y, region.start[2] + x], spin as u32);
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
        read(tile, &tile.region, &self.rule.model, |voxel, spin| spins.set(site.place(voxel), spin))?;
        for piece in &site.takes {
            let mut shown = Vec::new();
            read(tile, &piece.region(), &self.rule.model, |_, spin| shown.push(spin))?;
            let mut shown = shown.into_iter();
            piece.each(None, |_, place| spins.set(place, shown.next().expect("a region has a spin for each voxel")));
        }
        Ok(Share { spins, census: Census::new(&self.rule), site: Some(site), ..Share::default() })
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

    fn finish(&self, tile: &Tile, share: Share) -> Result<Made> {
        let site = share.site.unwrap_or_else(|| self.site(tile.id));
        let spins = voxels(&site, &share.spins, share.census.most(&self.rule));
        Ok(Made { region: tile.region, spins, rows: share.rows })
    }
}

impl Potts {
    /// Takes what blocks have sent and what all have told.
    fn hear(
        &self,
        at: &Superstep<'_, Parcel, Tally>,
        site: &Site,
        share: &mut Share,
        mail: Vec<(BlockId, Parcel)>,
    ) -> Result<()> {
        let last = self.rule.model.turn(share.step.saturating_sub(1));
        for (_, parcel) in mail {
            match (parcel, &self.frames) {
                (Parcel::Border(number, border), _) => {
                    Site::take(&mut share.spins, &site.takes[number as usize], last, &border);
                }
                (Parcel::Frame(sweep, region, spins), Some(Frames::Here(take))) => take(sweep, &region, &spins)?,
                (Parcel::Frame(..), _) => {
                    return Err(Error::usage("frames are taken on process 0, which has to have the first block"));
                }
            }
        }
        share.census.add(&at.global().changes, &at.global().surfaces);
        Ok(())
    }

    /// What a block does in a superstep: it counts; between sweeps it measures, and lets cells age and divide; else it
    /// makes a step.
    fn superstep(
        &self,
        at: &mut Superstep<'_, Parcel, Tally>,
        site: &Site,
        id: BlockId,
        share: &mut Share,
        tally: &mut Tally,
    ) -> Result<Vote> {
        if at.number() == 0 {
            self.count(site, share, tally);
            return Ok(Vote::Stay);
        }
        let (steps, first) = (self.rule.model.steps(), id == BlockId(0));
        let sweep = share.step / steps;
        if let Some(sweep) = share.measured.filter(|_| std::mem::take(&mut share.telling))
            && first
        {
            share.rows.push(told(sweep, at.global()));
        }
        if share.step.is_multiple_of(steps) {
            if self.is_due(sweep) && share.measured != Some(sweep) {
                self.measure(at, sweep, site, first, share, tally)?;
                if sweep == self.sweeps {
                    // The first block has a row to write when all others are through.
                    return Ok(if first { Vote::Stay } else { Vote::Halt });
                }
            }
            if sweep == self.sweeps {
                return Ok(Vote::Halt);
            }
            if self.live(at, sweep, site, share, tally)? {
                return Ok(Vote::Stay);
            }
        }
        self.step(at, site, id, share, tally)?;
        Ok(Vote::Stay)
    }

    /// Tells what cells have in a block in the beginning.
    fn count(&self, site: &Site, share: &Share, tally: &mut Tally) {
        if self.rule.needs_volumes() {
            let mut volumes = vec![0u32; self.rule.model.spins as usize + 1];
            for (z, y) in site.rows() {
                site.places(2).for_each(|x| volumes[share.spins.get([z, y, x]) as usize] += 1);
            }
            let there = (0..).zip(volumes).filter(|(_, volume)| *volume > 0);
            tally.changes = there.map(|(spin, volume)| (spin, i64::from(volume))).collect();
        }
        tally.surfaces = life::surfaces_of(&self.rule, site, &share.spins, 1, |_| true);
    }

    /// Tells what a row of the table needs, and gives a frame.
    fn measure(
        &self,
        at: &mut Superstep<'_, Parcel, Tally>,
        sweep: u64,
        site: &Site,
        first: bool,
        share: &mut Share,
        tally: &mut Tally,
    ) -> Result<()> {
        (share.measured, share.telling) = (Some(sweep), true);
        let (rule, census) = (&self.rule, &share.census);
        let measured = Measured::new(rule, site, &share.spins, Seen::new(rule, census), census.most(rule));
        (tally.energy, tally.potential) = (measured.contacts.into(), measured.potential);
        tally.present = measured.present;
        if first {
            // Every block knows all cells, and one tells.
            tally.energy += 2 * census.strain(rule);
        }
        (tally.visits, tally.taken) = (std::mem::take(&mut share.visits), std::mem::take(&mut share.taken));
        if (1..self.sweeps).contains(&sweep) {
            self.give_frame(at, sweep, site, share)?;
        }
        Ok(())
    }

    /// Lets cells age once between sweeps, and divide; whether a superstep of it is done, so that the step waits.
    fn live(
        &self,
        at: &Superstep<'_, Parcel, Tally>,
        sweep: u64,
        site: &Site,
        share: &mut Share,
        tally: &mut Tally,
    ) -> Result<bool> {
        let (rule, spins) = (&self.rule, &mut share.spins);
        match std::mem::take(&mut share.dividing) {
            Dividing::Nobody if share.aged < sweep => {
                share.aged = sweep;
                let dividing = life::age(rule, &mut share.census, sweep)?;
                if dividing.is_empty() {
                    return Ok(false);
                }
                tally.anchors = life::anchors(rule, site, spins, &dividing);
                share.dividing = Dividing::Anchors;
            }
            Dividing::Nobody => return Ok(false),
            Dividing::Anchors => {
                tally.bulks = life::bulks(rule, site, spins, &at.global().anchors);
                share.dividing = Dividing::Bulks(at.global().anchors.clone());
            }
            Dividing::Bulks(anchors) => {
                let bulks = &at.global().bulks;
                let changes = life::divide(rule, site, spins, &mut share.census, &anchors, bulks)?;
                (tally.changes, tally.surfaces) = changes;
            }
        }
        Ok(true)
    }

    /// One step, and what others have to know of it.
    fn step(
        &self,
        at: &mut Superstep<'_, Parcel, Tally>,
        site: &Site,
        id: BlockId,
        share: &mut Share,
        tally: &mut Tally,
    ) -> Result<()> {
        let turn = self.rule.model.turn(share.step);
        let count = widely(Pass {
            rule: &self.rule,
            site,
            spins: &mut share.spins,
            census: &share.census,
            step: share.step,
            turn,
            volumes: &mut share.volumes,
            surfaces: &mut share.surfaces,
        });
        share.step += 1;
        share.visits += count.visits;
        share.taken += count.taken;
        at.wake(count.visits);
        self.attend.as_ref().map_or(Ok(()), |attend| (attend.0)(count.visits))?;
        (tally.changes, tally.surfaces) = (share.volumes.take(), share.surfaces.take());
        for (to, number, piece) in &site.gives {
            let border = site.border(&share.spins, piece, turn);
            match *to == id {
                _ if border.is_empty() => {}
                // Round a torus, and in a mirror, a block meets itself.
                true => Site::take(&mut share.spins, piece, turn, &border),
                false => {
                    at.count(border.len() as u64);
                    at.send(*to, Parcel::Border(*number, border));
                }
            }
        }
        Ok(())
    }

    /// Gives the spins of a block to who takes frames, or sends them there.
    fn give_frame(&self, at: &mut Superstep<'_, Parcel, Tally>, sweep: u64, site: &Site, share: &Share) -> Result<()> {
        let spins = || voxels(site, &share.spins, share.census.most(&self.rule));
        match &self.frames {
            None => {}
            Some(Frames::Here(take)) => take(sweep, &site.own, &spins())?,
            Some(Frames::Away) => at.send(BlockId(0), Parcel::Frame(sweep, site.own, spins())),
        }
        Ok(())
    }
}
