//! Chebyshev iteration, matrix-free: displacements of nodes joined by springs, at which all forces balance, without
//! an inner product.
//!
//! Polynomials that are least between bounds of the spectrum take the place of conjugate directions (Golub and Varga
//! 1961), so that an iteration is one superstep where conjugate gradients need two. Preconditioned by the stiffness of each node alone,
//! no eigenvalue is above 2, since a spring has two ends. The lower bound begins high, and is mended from how fast the
//! residual falls, which tells the least eigenvalue that is in it (Hageman and Young 1981, chapter 5). Iterations:
//! two to four times those of conjugate gradients, so about as many supersteps or twice as many: it is the solver
//! where the sum of an iteration, which gradients wait for before they go on, is what costs. Sums only tell when it ends and what bound is
//! next; they are added in the order of blocks: the same bits for any workers. Cost of an iteration: O(springs). Memory:
//! 170 bytes a slot.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::Result;
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, Slot};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::force::elastic::Elastic;
use crate::programs::force::gradients::{Found, failed};
use crate::programs::force::solve::Stop;
use crate::programs::force::stiffness::{Stiffness, given, pulls, runs, tell};
use crate::programs::force::vector::Vector;

/// No eigenvalue is above this.
const HIGHEST: f64 = 2.0;

/// The lower bound in the beginning, and the least.
const FIRST: f64 = 0.1;
const LEAST: f64 = 1e-14;

/// The bound stays while the residual falls at least by this power of what was foreseen.
const AS_FORESEEN: f64 = 0.75;

/// So much is foreseen before the bound is judged.
const JUDGED: f64 = 0.1;

/// After so many iterations none of which was better than those before it goes nowhere.
const PATIENCE: usize = 20_000;

/// Finds displacements.
#[derive(Clone, Copy, Debug)]
pub struct Chebyshev<M> {
    /// What is elastic.
    pub model: M,
    /// When it ends.
    pub stop: Stop,
}

/// Sums over all free nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Residual {
    /// The residual's square; and times the inverse of the stiffness of nodes.
    square: f64,
    weighed: f64,
    /// The square in the beginning.
    beginning: f64,
}

impl Residual {
    /// The share of the forces of the beginning that is out of balance.
    pub fn relative(&self) -> f64 {
        if self.beginning > 0.0 { (self.square / self.beginning).sqrt() } else { 0.0 }
    }
}

impl Combine for Residual {
    const ORDER_FREE: bool = false;

    fn combine(&mut self, other: Self) {
        self.square += other.square;
        self.weighed += other.weighed;
        self.beginning += other.beginning;
    }
}

/// The polynomial of a stage, and what every block concludes from how the residual falls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Bounds {
    lowest: f64,
    /// The step before over that before it.
    ratio: f64,
    /// Steps of this stage, and what the residual was before them.
    steps: u64,
    from: f64,
    best: f64,
    best_at: usize,
    history: Vec<f64>,
}

impl Bounds {
    fn new() -> Self {
        Self { lowest: FIRST, best: f64::INFINITY, ..Self::default() }
    }

    /// The middle of the spectrum, and half its width.
    fn spectrum(&self) -> (f64, f64) {
        (0.5 * (HIGHEST + self.lowest), 0.5 * (HIGHEST - self.lowest))
    }

    /// What the next step is: so much of the step before, and of the preconditioned residual.
    fn next(&mut self) -> (f64, f64) {
        let (middle, half) = self.spectrum();
        self.steps += 1;
        if self.steps == 1 {
            self.ratio = half / middle;
            return (0.0, 1.0 / middle);
        }
        let ratio = 1.0 / (2.0 * middle / half - self.ratio);
        let step = (ratio * self.ratio, 2.0 * ratio / half);
        self.ratio = ratio;
        step
    }

    /// Takes the residual before this superstep's step: mends the bound where it falls too slowly.
    fn judge(&mut self, weighed: f64) {
        // Steps of the stage that the residual has seen.
        let seen = self.steps.saturating_sub(1) as f64;
        if self.steps <= 1 {
            self.from = weighed;
            return;
        }
        let (middle, half) = self.spectrum();
        let foreseen = 1.0 / (seen * (middle / half).acosh()).cosh();
        let fell = (weighed / self.from).sqrt();
        if foreseen > JUDGED || fell <= foreseen.powf(AS_FORESEEN) {
            return;
        }
        // What falls by so much lies below the bound, and its place there is told by how much.
        let above = ((fell / foreseen).max(1.0).acosh() / seen).cosh();
        let lowest = middle - half * above;
        if lowest < self.lowest {
            (self.lowest, self.steps) = (lowest.max(LEAST), 0);
        }
    }
}

/// A block's share, by slot.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Share {
    displacement: Vec<Vector>,
    residual: Vec<Vector>,
    /// The next step, which seams carry; in the beginning displacements that are given.
    said: Vec<Vector>,
    image: Vec<Vector>,
    beginning: f64,
    bounds: Bounds,
    #[serde(skip)]
    stiffness: Stiffness,
}

impl<M> Chebyshev<M> {
    /// What all know of the residual before this superstep's step.
    fn learn(&self, bounds: &mut Bounds, residual: &Residual) -> Result<()> {
        let relative = residual.relative();
        bounds.history.push(relative);
        let history = &bounds.history;
        if history.len() as u64 > self.stop.iterations {
            return Err(failed("no balance yet: allow more iterations, or a larger tolerance", history));
        }
        if relative < bounds.best {
            (bounds.best, bounds.best_at) = (relative, history.len());
        }
        if !relative.is_finite() || history.len() - bounds.best_at > PATIENCE {
            let what = "forces cannot be balanced: a load works on what nothing holds, or rounding has the upper hand";
            return Err(failed(what, history));
        }
        bounds.judge(residual.weighed);
        Ok(())
    }

    /// Goes a step, and chooses the next.
    fn step<B: Block>(block: &B, share: &mut Share, (keep, gain): (f64, f64)) -> Residual {
        let mut sums = Residual { beginning: share.beginning, ..Residual::default() };
        let Share { displacement, residual, said, image, stiffness, .. } = share;
        for at in runs(block).flatten() {
            let step = said[at];
            displacement[at] = displacement[at].plus(step);
            let held = stiffness.own[at].times(step).minus(image[at]).free(stiffness.held[at]);
            residual[at] = residual[at].minus(held);
            let mended = stiffness.inverse[at].times(residual[at]);
            said[at] = step.times(keep).plus(mended.times(gain));
            sums.square += residual[at].dot(residual[at]);
            sums.weighed += residual[at].dot(mended);
        }
        sums
    }

    /// The forces that are out of balance when only what is given is displaced, and the first step.
    fn begin<G: Topology>(&self, block: &G::Block, share: &mut Share) -> Residual
    where
        M: Elastic<G>,
    {
        pulls(&self.model, block, &share.said, &mut share.image);
        let mut sums = Residual::default();
        let (_, gain) = share.bounds.next();
        let Share { residual, said, image, stiffness, .. } = share;
        for at in runs(block).flatten() {
            let node = self.model.node(block, Slot(at as u32));
            residual[at] = stiffness.left(at, &node, said[at], image[at]);
            let mended = stiffness.inverse[at].times(residual[at]);
            said[at] = mended.times(gain);
            sums.square += residual[at].dot(residual[at]);
            sums.weighed += residual[at].dot(mended);
        }
        share.beginning = sums.square;
        Residual { beginning: sums.square, ..sums }
    }
}

impl<G: Topology, M: Elastic<G>> BlockProgram<G> for Chebyshev<M> {
    type State = Share;
    type Parcel = Vec<Vector>;
    type Global = Residual;
    type Output = Found;

    fn init(&self, _: &G, block: &G::Block) -> Result<Share> {
        let none = || vec![Vector::default(); block.slots()];
        let given = given(&self.model, block);
        Ok(Share {
            displacement: given.clone(),
            residual: none(),
            said: given,
            image: none(),
            bounds: Bounds::new(),
            stiffness: Stiffness::of(&self.model, block),
            ..Share::default()
        })
    }

    fn restored(&self, _: &G, block: &G::Block, share: &mut Share) -> Result<()> {
        share.stiffness = Stiffness::of(&self.model, block);
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Vec<Vector>, Residual>,
        block: &G::Block,
        share: &mut Share,
        mail: Vec<(BlockId, Vec<Vector>)>,
    ) -> Result<Vote> {
        for (from, said) in mail {
            block.seam(from).scatter(&said, &mut share.said);
        }
        match at.number() {
            // What is given is said.
            0 => {}
            1 => {
                let sums = self.begin(block, share);
                at.contribute(sums);
            }
            _ => {
                self.learn(&mut share.bounds, at.global())?;
                pulls(&self.model, block, &share.said, &mut share.image);
                let next = share.bounds.next();
                let sums = Self::step(block, share, next);
                at.contribute(sums);
            }
        }
        tell(block, at, &share.said);
        Ok(Vote::Stay)
    }

    fn done(&self, superstep: u64, residual: &Residual) -> bool {
        superstep > 0 && residual.relative() <= self.stop.tolerance
    }

    fn finish(&self, block: &G::Block, share: Share) -> Result<Found> {
        Ok(Found::of(block, &share.displacement, share.bounds.history))
    }
}
