//! What a block does in each superstep of an iteration.

use crate::error::Result;
use crate::id::BlockId;
use crate::pregel::block::Superstep;
use crate::programs::force::elements::field::{Field, Real};
use crate::programs::force::elements::grids::Grid;
use crate::programs::force::elements::level::Level;
use crate::programs::force::elements::share::{Parcel, Products, Share};
use crate::programs::force::elements::solver::{ROOT, Solver};
use crate::programs::force::elements::steps::Step;
use crate::programs::force::elements::transfer::{prolong, restrict};
use crate::programs::force::gradients::failed;
use crate::volume::shape::Shape;

/// Mail by the block that it is from.
type Mail = Vec<(BlockId, Parcel)>;

/// Puts what others have said of a level around the nodes of the block.
fn hear<T: Real>(mail: Mail, level: &Level, field: &mut Field<T>, of: fn(Parcel) -> Vec<T>) {
    mail.into_iter().for_each(|(from, parcel)| level.scatter(level.halo(from), &of(parcel), field));
}

impl Solver {
    /// A step of an iteration.
    pub(super) fn iterate(
        &self,
        at: &mut Superstep<'_, Parcel, Products>,
        share: &mut Share,
        mail: Mail,
        step: Step,
    ) -> Result<()> {
        match step {
            Step::Start => self.start(at, share)?,
            Step::Leave(height) => {
                let grid = &mut share.grids[height];
                hear(mail, &grid.level, &mut grid.moved, Parcel::single);
                grid.leave(&self.element);
                Self::say(at, &grid.level, &grid.left, Parcel::Single);
            }
            Step::Smooth(height) | Step::First(height) | Step::Second(height) => {
                let grid = &mut share.grids[height];
                hear(mail, &grid.level, &mut grid.moved, Parcel::single);
                grid.smooth(&self.element, !matches!(step, Step::First(_)));
                if step == Step::Second(0) {
                    let gamma = share.residual.dot(&grid.moved, grid.elements.live()) / share.scale;
                    at.contribute(Products { gamma, ..Products::default() });
                } else {
                    Self::say(at, &grid.level, &grid.moved, Parcel::Single);
                }
            }
            Step::Up(height) => self.up(at, share, mail, height),
            Step::Root => self.mend(at, share, mail),
            Step::Down(height) => self.down(at, share, mail, height),
            Step::Direct => self.direct(at, share)?,
            Step::Image => {
                hear(mail, &share.grids[0].level, &mut share.direction, Parcel::double);
                self.forces(share, |share| &share.direction);
                at.contribute(Products { bent: share.bent(), ..Products::default() });
            }
            Step::Advance => {
                let alpha = share.gamma / at.global().bent;
                if !(at.global().bent > 0.0 && alpha.is_finite()) {
                    let what = "forces cannot be balanced: rounding has the upper hand";
                    return Err(failed(what, &share.history));
                }
                (share.last, share.gain) = (share.gamma, alpha * share.gamma);
                share.work -= share.gain;
                share.advance(alpha);
                at.contribute(Products { residual: share.square(), ..Products::default() });
                share.base = at.number() + 1;
            }
        }
        Ok(())
    }

    /// What is left of a level becomes the load of the next, or of the root.
    fn up(&self, at: &mut Superstep<'_, Parcel, Products>, share: &mut Share, mail: Mail, height: usize) {
        let (fine, coarse) = share.grids.split_at_mut(height + 1);
        let fine = &mut fine[height];
        hear(mail, &fine.level, &mut fine.left, Parcel::single);
        match coarse.first_mut() {
            Some(coarse) => {
                restrict(&fine.level, &fine.left, &coarse.level, &mut coarse.load);
                coarse.begin();
                Self::say(at, &coarse.level, &coarse.moved, Parcel::Single);
            }
            None => {
                let above = &share.levels[0];
                restrict(&fine.level, &fine.left, above, &mut share.above);
                at.send(ROOT, Parcel::Single(above.gather(&above.own, &share.above)));
            }
        }
    }

    /// Mends the levels that are not cut, and tells each block of its nodes and those around them.
    fn mend(&self, at: &mut Superstep<'_, Parcel, Products>, share: &mut Share, mail: Mail) {
        let Some(root) = &mut share.root else { return };
        let first = &mut root.grids[0];
        for (from, parcel) in mail {
            first.level.scatter(&root.parts[from.index()], &parcel.single(), &mut first.load);
        }
        root.mend(&self.element);
        let Grid { level, moved, .. } = &root.grids[0];
        for (part, block) in root.parts.iter().zip(0..) {
            let part = part.grown([1; 3], [1; 3], Shape(level.nodes));
            at.send(BlockId(block), Parcel::Single(level.gather(&part, moved)));
        }
    }

    /// Takes what the next level, or the root, has mended.
    fn down(&self, at: &mut Superstep<'_, Parcel, Products>, share: &mut Share, mail: Mail, height: usize) {
        let (fine, coarse) = share.grids.split_at_mut(height + 1);
        let fine = &mut fine[height];
        let (level, moved) = match coarse.first_mut() {
            Some(coarse) => {
                hear(mail, &coarse.level, &mut coarse.moved, Parcel::single);
                (&coarse.level, &coarse.moved)
            }
            None => {
                let above = &share.levels[0];
                let part = above.own.grown([1; 3], [1; 3], Shape(above.nodes));
                for (_, parcel) in mail {
                    above.scatter(&part, &parcel.single(), &mut share.above);
                }
                (above, &share.above)
            }
        };
        prolong(level, moved, &fine.level, &fine.inverse, &mut fine.moved);
        Self::say(at, &fine.level, &fine.moved, Parcel::Single);
    }

    /// The next direction.
    fn direct(&self, at: &mut Superstep<'_, Parcel, Products>, share: &mut Share) -> Result<()> {
        let gamma = at.global().gamma;
        if !(gamma > 0.0 && gamma.is_finite()) {
            let what = "forces cannot be balanced: what is stiff differs by more than single precision tells";
            return Err(failed(what, &share.history));
        }
        share.gamma = gamma;
        share.turn(if share.last > 0.0 { gamma / share.last } else { 0.0 });
        Self::say(at, &share.grids[0].level, &share.direction, Parcel::Double);
        Ok(())
    }
}
