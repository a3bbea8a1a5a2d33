//! Conjugate gradients, matrix-free: displacements of nodes joined by springs, at which all forces balance.
//!
//! The variant of Chronopoulos and Gear (1989), whose inner products of an iteration are one sum over all
//! blocks: two supersteps an iteration, one that crosses seams and one that learns that sum. It is
//! preconditioned by the stiffness of each node alone (block Jacobi, blocks of 3 by 3). Forces at a node are
//! added in the order of its sources and sums of blocks in the order of blocks: the same bits for any workers
//! and placement. Cost of an iteration: O(springs). Memory: 200 bytes a slot.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::{Error, Kind, Result};
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::force::elastic::Elastic;
use crate::programs::force::stiffness::{Stiffness, given, pulls, runs, tell};
use crate::programs::force::vector::Vector;

/// Finds displacements.
#[derive(Clone, Copy, Debug)]
pub struct ConjugateGradients<M> {
    /// What is elastic.
    pub model: M,
    /// It ends where the forces that are out of balance are this share of those in the beginning.
    pub tolerance: f64,
    /// More iterations than this are an error.
    pub iterations: u64,
}

/// Inner products over all free nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Products {
    /// Residual and preconditioned residual.
    pub gamma: f64,
    /// That and its image.
    pub delta: f64,
    /// The residual's square.
    pub residual: f64,
    /// The square of that in the beginning.
    pub beginning: f64,
}

impl Products {
    /// The share of the forces of the beginning that is out of balance.
    pub fn relative(&self) -> f64 {
        if self.beginning > 0.0 { (self.residual / self.beginning).sqrt() } else { 0.0 }
    }
}

impl Combine for Products {
    const ORDER_FREE: bool = false;

    fn combine(&mut self, other: Self) {
        self.gamma += other.gamma;
        self.delta += other.delta;
        self.residual += other.residual;
        self.beginning += other.beginning;
    }
}

/// A block's share, by slot; what is not owned has nothing but `said`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Share {
    displacement: Vec<Vector>,
    residual: Vec<Vector>,
    /// The preconditioned residual, which seams carry; in the beginning displacements that are given.
    said: Vec<Vector>,
    /// Its image; before products are made, what neighbours pull with.
    image: Vec<Vector>,
    direction: Vec<Vector>,
    direction_image: Vec<Vector>,
    /// The square of the residual in the beginning.
    beginning: f64,
    /// Of the iteration before.
    gamma: f64,
    alpha: f64,
    history: Vec<f64>,
    /// Not saved.
    #[serde(skip)]
    stiffness: Stiffness,
}

/// What a block has found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The displacement of each node.
    pub displacements: Vec<(VertexId, Vector)>,
    /// The share of forces out of balance before each iteration.
    pub history: Vec<f64>,
}

impl Found {
    /// From displacements by slot.
    pub(super) fn of<B: Block>(block: &B, displacement: &[Vector], history: Vec<f64>) -> Self {
        let mut displacements = Vec::new();
        block.each_owned(|slot, node| displacements.push((node, displacement[slot.index()])));
        Self { displacements, history }
    }
}

impl<M> ConjugateGradients<M> {
    /// The forces that are out of balance when only what is given is displaced.
    fn begin<G: Topology>(&self, block: &G::Block, share: &mut Share)
    where
        M: Elastic<G>,
    {
        pulls(&self.model, block, &share.said, &mut share.image);
        for at in runs(block).flatten() {
            let node = self.model.node(block, Slot(at as u32));
            let force = share.stiffness.left(at, &node, share.said[at], share.image[at]);
            share.residual[at] = force;
            share.said[at] = share.stiffness.inverse[at].times(force);
            share.beginning += force.dot(force);
        }
    }

    /// An iteration: a step along the direction that the products of all say.
    fn step<B: Block>(&self, block: &B, share: &mut Share, products: &Products) -> Result<()> {
        let relative = products.relative();
        share.history.push(relative);
        if share.history.len() as u64 > self.iterations {
            return Err(failed("no balance yet: allow more iterations, or a larger tolerance", &share.history));
        }
        let beta = if share.history.len() > 1 { products.gamma / share.gamma } else { 0.0 };
        let bent = products.delta - if beta > 0.0 { beta * products.gamma / share.alpha } else { 0.0 };
        let alpha = products.gamma / bent;
        if !(bent > 0.0 && alpha.is_finite()) {
            return Err(failed(
                "forces cannot be balanced: a load works on what nothing holds, or rounding has the upper hand",
                &share.history,
            ));
        }
        (share.gamma, share.alpha) = (products.gamma, alpha);
        let Share { displacement, residual, said, image, direction, direction_image, stiffness, .. } = share;
        for run in runs(block) {
            let nodes = displacement[run.clone()].iter_mut().zip(&mut residual[run.clone()]);
            let nodes = nodes.zip(&mut said[run.clone()]).zip(&image[run.clone()]).zip(&stiffness.inverse[run.clone()]);
            let along = direction[run.clone()].iter_mut().zip(&mut direction_image[run]);
            for (((((displacement, residual), said), image), inverse), (direction, its_image)) in nodes.zip(along) {
                *direction = said.plus(direction.times(beta));
                *its_image = image.plus(its_image.times(beta));
                *displacement = displacement.plus(direction.times(alpha));
                *residual = residual.minus(its_image.times(alpha));
                *said = inverse.times(*residual);
            }
        }
        Ok(())
    }
}

/// The products of a block's own nodes, and what images are with their own springs.
fn products<B: Block>(block: &B, share: &mut Share) -> Products {
    let mut products = Products { beginning: share.beginning, ..Products::default() };
    let Share { said, image, residual, stiffness: Stiffness { own, held, .. }, .. } = share;
    for run in runs(block) {
        let nodes = said[run.clone()].iter().zip(&mut image[run.clone()]).zip(&residual[run.clone()]);
        for (((said, image), residual), (own, held)) in nodes.zip(own[run.clone()].iter().zip(&held[run])) {
            // What holds the node where it is: its own springs against the others' ends.
            *image = own.times(*said).minus(*image).free(*held);
            products.gamma += residual.dot(*said);
            products.delta += image.dot(*said);
            products.residual += residual.dot(*residual);
        }
    }
    products
}

/// An error that tells how it went.
pub(super) fn failed(what: &str, history: &[f64]) -> Error {
    let (iterations, every) = (history.len().saturating_sub(1), history.len().div_ceil(6).max(1));
    let told = (0..history.len()).filter(|at| at % every == 0 || at + 1 == history.len());
    let went: Vec<String> = told.map(|at| format!("{:.1e}", history[at])).collect();
    Error::new(Kind::Program, format!("{what} ({iterations} iterations; residuals {})", went.join(", ")))
}

impl<G: Topology, M: Elastic<G>> BlockProgram<G> for ConjugateGradients<M> {
    type State = Share;
    type Parcel = Vec<Vector>;
    type Global = Products;
    type Output = Found;

    fn init(&self, _: &G, block: &G::Block) -> Result<Share> {
        let none = || vec![Vector::default(); block.slots()];
        let given = given(&self.model, block);
        Ok(Share {
            displacement: given.clone(),
            residual: none(),
            said: given,
            image: none(),
            direction: none(),
            direction_image: none(),
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
        at: &mut Superstep<'_, Vec<Vector>, Products>,
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
            1 => self.begin(block, share),
            number if number.is_multiple_of(2) => {
                pulls(&self.model, block, &share.said, &mut share.image);
                at.contribute(products(block, share));
                return Ok(Vote::Stay);
            }
            _ => self.step(block, share, at.global())?,
        }
        tell(block, at, &share.said);
        Ok(Vote::Stay)
    }

    fn done(&self, superstep: u64, products: &Products) -> bool {
        superstep > 1 && superstep.is_multiple_of(2) && products.relative() <= self.tolerance
    }

    fn finish(&self, block: &G::Block, share: Share) -> Result<Found> {
        Ok(Found::of(block, &share.displacement, share.history))
    }
}
