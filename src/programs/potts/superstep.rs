//! What a block of a Potts model does in a superstep: it counts; between sweeps it measures, and lets cells age and
//! divide; else it makes a step, and tells others what they have to know of it.

use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::pregel::block::{Superstep, Vote};
use crate::programs::potts::census::Seen;
use crate::programs::potts::copying::{Count, Pass};
use crate::programs::potts::knowledge::Knowledge;
use crate::programs::potts::life;
use crate::programs::potts::metropolis::UNIT;
use crate::programs::potts::model::Turn;
use crate::programs::potts::reading::voxels;
use crate::programs::potts::run::{Dividing, Frames, Parcel, Potts, Share};
use crate::programs::potts::seams::Site;
use crate::programs::potts::tally::{Row, Tally};
use crate::wide::widely;

impl Potts {
    /// Takes what blocks have sent and what all have told.
    pub(super) fn hear(
        &self,
        at: &mut Superstep<'_, Parcel, Tally>,
        site: &Site,
        share: &mut Share,
        mail: Vec<(BlockId, Parcel)>,
    ) -> Result<()> {
        let (mut told, mut letters) = (Vec::new(), Vec::new());
        let last = self.rule.model.turn(share.step.saturating_sub(1));
        for (from, parcel) in mail {
            match (parcel, &self.frames) {
                (Parcel::News(news), _) => letters.push((from, news)),
                (Parcel::Told(of), _) => told.push(of),
                (Parcel::Border(number, border), _) => {
                    Site::take(&mut share.spins, &site.takes[number as usize], last, &border);
                }
                (Parcel::Frame(sweep, region, spins), Some(Frames::Here(take))) => take(sweep, &region, &spins)?,
                (Parcel::Frame(..), _) => {
                    return Err(Error::usage("frames are taken on process 0, which has to have the first block"));
                }
            }
        }
        share.cells.hear(at, &told, &letters);
        Ok(())
    }

    /// What a block does in a superstep: it counts; between sweeps it measures, and lets cells age and divide; else it
    /// makes a step.
    pub(super) fn superstep(
        &self,
        at: &mut Superstep<'_, Parcel, Tally>,
        site: &Site,
        id: BlockId,
        share: &mut Share,
        tally: &mut Tally,
    ) -> Result<Vote> {
        if at.number() == 0 {
            share.cells.begin(at, &self.rule, site, &share.spins, tally);
            return Ok(Vote::Stay);
        }
        let (steps, first) = (self.rule.model.steps(), id == BlockId(0));
        let sweep = share.step / steps;
        if let Some(sweep) = share.measured.filter(|_| std::mem::take(&mut share.telling))
            && first
        {
            share.rows.push(told(sweep, at.global()));
        }
        if share.cells.settles() {
            return Ok(Vote::Stay);
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
        let (cells, strain) = share.cells.sums(&self.rule, first);
        let measured = share.cells.measure(&self.rule, site, &share.spins);
        tally.cells = cells;
        (tally.energy, tally.potential) = (i128::from(measured.contacts) + 2 * strain, measured.potential);
        tally.present = measured.present;
        (tally.visits, tally.taken) = (std::mem::take(&mut share.visits), std::mem::take(&mut share.taken));
        if (1..self.sweeps).contains(&sweep) {
            self.give_frame(at, sweep, site, share)?;
        }
        Ok(())
    }

    /// Lets cells age once between sweeps, and divide; whether a superstep of it is done, so that the step waits.
    fn live(
        &self,
        at: &mut Superstep<'_, Parcel, Tally>,
        sweep: u64,
        site: &Site,
        share: &mut Share,
        tally: &mut Tally,
    ) -> Result<bool> {
        let (rule, spins, global) = (&self.rule, &share.spins, at.global());
        match std::mem::take(&mut share.dividing) {
            Dividing::Nobody if share.aged < sweep => {
                share.aged = sweep;
                let (dividing, waits) = share.cells.age(rule, sweep)?;
                if waits {
                    tally.anchors = life::anchors(rule, site, spins, &dividing);
                    share.dividing = Dividing::Anchors;
                }
                return Ok(waits);
            }
            Dividing::Nobody => return Ok(false),
            Dividing::Anchors if global.anchors.is_empty() => return Ok(false),
            Dividing::Anchors => {
                tally.bulks = life::bulks(rule, site, spins, &global.anchors);
                share.dividing = Dividing::Bulks(global.anchors.clone());
            }
            Dividing::Bulks(anchors) => {
                let mothers = life::mothers(rule, u64::from(share.cells.most(rule)) + 1, &anchors, &global.bulks)?;
                let changes = life::divide(rule, site, &mut share.spins, &mothers);
                share.cells.divide(at, rule, &share.spins, &mothers, changes, tally);
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
        if share.step.is_multiple_of(self.rule.model.steps()) {
            share.cells.forget(&share.spins);
        }
        let shown = |to: &BlockId| *to != id && share.cells.is_of_sight();
        let border = |piece| site.border(&share.spins, piece, turn);
        let before: Vec<Vec<u32>> =
            site.gives.iter().map(|(to, _, piece)| if shown(to) { border(piece) } else { Vec::new() }).collect();
        let count = self.attempt(site, share, turn);
        share.step += 1;
        share.visits += count.visits;
        share.taken += count.taken;
        at.wake(count.visits);
        self.attend.as_ref().map_or(Ok(()), |attend| (attend.0)(count.visits))?;
        share.cells.change((share.volumes.take(), share.surfaces.take()), tally);
        for ((to, number, piece), before) in site.gives.iter().zip(&before) {
            let border = site.border(&share.spins, piece, turn);
            match *to == id {
                _ if border.is_empty() => {}
                // Round a torus, and in a mirror, a block meets itself.
                true => Site::take(&mut share.spins, piece, turn, &border),
                false => {
                    share.cells.show(*to, before, &border);
                    at.count(border.len() as u64);
                    at.send(*to, Parcel::Border(*number, border));
                }
            }
        }
        share.cells.post(at);
        Ok(())
    }

    /// The attempts of one step.
    fn attempt(&self, site: &Site, share: &mut Share, turn: Turn) -> Count {
        let Share { spins, cells, step, volumes, surfaces, .. } = share;
        let (rule, step) = (&self.rule, *step);
        match cells {
            Knowledge::All(census) => {
                let known = Seen::new(rule, census);
                widely(Pass { rule, site, spins, known, step, turn, volumes, surfaces })
            }
            Knowledge::Some(owned) => {
                let known = owned.known(rule);
                widely(Pass { rule, site, spins, known, step, turn, volumes, surfaces })
            }
        }
    }

    /// Gives the spins of a block to who takes frames, or sends them there.
    fn give_frame(&self, at: &mut Superstep<'_, Parcel, Tally>, sweep: u64, site: &Site, share: &Share) -> Result<()> {
        let spins = || voxels(site, &share.spins, share.cells.most(&self.rule));
        match &self.frames {
            None => {}
            Some(Frames::Here(take)) => take(sweep, &site.own, &spins())?,
            Some(Frames::Away) => at.send(BlockId(0), Parcel::Frame(sweep, site.own, spins())),
        }
        Ok(())
    }
}

/// A row of the table from what all blocks told.
fn told(sweep: u64, tally: &Tally) -> Row {
    Row {
        sweep,
        cells: tally.cells + tally.present.iter().map(|bits| u64::from(bits.count_ones())).sum::<u64>(),
        energy: tally.energy as f64 / (2 * UNIT) as f64 + tally.potential as f64 / (UNIT * UNIT) as f64,
        visits: tally.visits,
        taken: tally.taken,
    }
}
