//! What a block holds of a balance, and what blocks tell each other.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::programs::force::elements::field::Field;
use crate::programs::force::elements::grids::Grid;
use crate::programs::force::elements::level::Level;
use crate::programs::force::elements::root::Root;
use crate::programs::force::elements::stiff::Held;
use crate::programs::force::vector::Vector;

/// What is known of all blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Products {
    /// The residual's square, and that in the beginning.
    pub(super) residual: f64,
    pub(super) beginning: f64,
    /// Residual and preconditioned residual; direction and its image.
    pub(super) gamma: f64,
    pub(super) bent: f64,
    /// In the beginning displacements and the forces that they bring about where they are given.
    pub(super) work: f64,
    /// In the end the forces that hold the body at each of the supports.
    pub(super) reactions: Vec<Vector>,
}

impl Products {
    /// In the end: the share of the forces of the beginning that is out of balance, and the reactions.
    pub(super) fn closed(&self) -> (f64, Vec<Vector>) {
        (self.relative(self.beginning), self.reactions.clone())
    }

    /// The share of the forces of the beginning that is out of balance.
    pub(super) fn relative(&self, beginning: f64) -> f64 {
        if beginning > 0.0 { (self.residual / beginning).sqrt() } else { 0.0 }
    }
}

impl Combine for Products {
    const ORDER_FREE: bool = false;

    fn combine(&mut self, other: Self) {
        self.residual += other.residual;
        self.beginning += other.beginning;
        self.gamma += other.gamma;
        self.bent += other.bent;
        self.work += other.work;
        if self.reactions.len() < other.reactions.len() {
            self.reactions.resize(other.reactions.len(), Vector::default());
        }
        self.reactions.iter_mut().zip(other.reactions).for_each(|(sum, reaction)| sum.combine(reaction));
    }
}

/// What blocks tell each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parcel {
    /// Of levels.
    Single(Vec<f32>),
    /// Of the iteration.
    Double(Vec<f64>),
}

impl Parcel {
    pub(super) fn single(self) -> Vec<f32> {
        match self {
            Self::Single(values) => values,
            Self::Double(_) => unreachable!("levels are of single precision"),
        }
    }

    pub(super) fn double(self) -> Vec<f64> {
        match self {
            Self::Double(values) => values,
            Self::Single(_) => unreachable!("iterations are of double precision"),
        }
    }
}

/// A block's share.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Share {
    pub(super) held: Held,
    /// The levels of the block; those that have no grid yet, and that above the last.
    pub(super) grids: Vec<Grid>,
    pub(super) levels: Vec<Level>,
    /// The moduli of the next level to be made.
    pub(super) moduli: Vec<f32>,
    /// What was mended above the last level.
    pub(super) above: Field<f32>,
    pub(super) root: Option<Root>,
    pub(super) displacement: Field<f64>,
    pub(super) residual: Field<f64>,
    pub(super) direction: Field<f64>,
    pub(super) image: Field<f64>,
    /// The superstep at which this iteration began.
    pub(super) base: u64,
    pub(super) beginning: f64,
    pub(super) work: f64,
    /// Of this iteration and of the last.
    pub(super) gamma: f64,
    pub(super) last: f64,
    /// Levels work on the residual times this.
    pub(super) scale: f64,
    /// What the last step took from the work.
    pub(super) gain: f64,
    pub(super) repairs: u32,
    pub(super) history: Vec<f64>,
}

impl Share {
    /// What is out of balance becomes the residual: less than nothing of the image, where a node is free.
    pub(super) fn unbalanced(&mut self) {
        let first = &self.grids[0];
        for span in first.elements.live() {
            for axis in 0..3 {
                let nodes = self.residual.0[axis][span.clone()].iter_mut().zip(&self.image.0[axis][span.clone()]);
                for ((residual, force), inverse) in nodes.zip(&first.inverse.0[axis][span.clone()]) {
                    *residual = if *inverse != 0.0 { -*force } else { 0.0 };
                }
            }
        }
    }

    /// The product of the residual with itself.
    pub(super) fn square(&self) -> f64 {
        self.residual.dot(&self.residual, self.grids[0].elements.live())
    }

    /// The residual times a number as the load of the first level.
    pub(super) fn load(&mut self, scale: f64) {
        self.scale = scale;
        let first = &mut self.grids[0];
        for span in first.elements.live() {
            for axis in 0..3 {
                let residual = &self.residual.0[axis][span.clone()];
                let load = first.load.0[axis][span.clone()].iter_mut();
                load.zip(residual).for_each(|(load, residual)| *load = (residual * scale) as f32);
            }
        }
    }

    /// What mends the residual, and `beta` times the last direction, as direction.
    pub(super) fn turn(&mut self, beta: f64) {
        let (first, back) = (&self.grids[0], 1.0 / self.scale);
        for span in first.elements.live() {
            for axis in 0..3 {
                let moved = first.moved.0[axis][span.clone()].iter().zip(&first.inverse.0[axis][span.clone()]);
                for (direction, (moved, inverse)) in self.direction.0[axis][span.clone()].iter_mut().zip(moved) {
                    let moved = if *inverse != 0.0 { f64::from(*moved) * back } else { 0.0 };
                    *direction = moved + beta * *direction;
                }
            }
        }
    }

    /// Direction and image, of which nothing stays where nodes are not free.
    pub(super) fn bent(&mut self) -> f64 {
        let first = &self.grids[0];
        for span in first.elements.live() {
            for axis in 0..3 {
                let inverse = &first.inverse.0[axis][span.clone()];
                for (image, inverse) in self.image.0[axis][span.clone()].iter_mut().zip(inverse) {
                    *image = if *inverse != 0.0 { *image } else { 0.0 };
                }
            }
        }
        self.direction.dot(&self.image, first.elements.live())
    }

    /// A step of length `alpha` along the direction.
    pub(super) fn advance(&mut self, alpha: f64) {
        for span in self.grids[0].elements.live() {
            for axis in 0..3 {
                let nodes = self.displacement.0[axis][span.clone()].iter_mut();
                let along = self.direction.0[axis][span.clone()].iter().zip(&self.image.0[axis][span.clone()]);
                let residual = self.residual.0[axis][span.clone()].iter_mut();
                for ((displacement, residual), (direction, image)) in nodes.zip(residual).zip(along) {
                    *displacement += alpha * direction;
                    *residual += -(alpha * image);
                }
            }
        }
    }
}
