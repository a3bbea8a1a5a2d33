//! What is elastic: a graph whose edges are springs, and nodes that are held, moved or loaded.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::graph::topology::Topology;
use crate::id::Slot;
use crate::programs::force::vector::{Tensor, Vector};

/// A central spring: it resists along its direction, and across it where it is under tension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spring {
    /// Force for each length that it is drawn out.
    pub stiffness: f64,
    /// From one end to the other or back, of length 1.
    pub direction: Vector,
    /// Force for each length that an end goes sideways: its tension over its length, below 0 where it is pressed.
    /// None where displacements are small.
    pub across: f64,
}

impl Spring {
    /// The force on one end where the other is displaced.
    #[inline(always)]
    pub fn pull(self, displacement: Vector) -> Vector {
        let along = self.direction.dot(displacement);
        if self.across == 0.0 {
            return self.direction.times(self.stiffness * along);
        }
        self.direction.times((self.stiffness - self.across) * along).plus(displacement.times(self.across))
    }

    /// What it adds to the stiffness of each end.
    pub fn tensor(self) -> Tensor {
        let mut tensor = Tensor::outer(self.direction, self.stiffness - self.across);
        if self.across != 0.0 {
            tensor.combine(Tensor::isotropic(self.across));
        }
        tensor
    }
}

/// What is asked of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Along which axes its displacement is given.
    pub held: [bool; 3],
    /// That displacement; nothing along other axes.
    pub displacement: Vector,
    /// The force on it from outside.
    pub load: Vector,
    /// The stiffness with which it is held where it was, along every axis (a Winkler foundation); usually none.
    pub foundation: f64,
}

/// A graph as something elastic. Displacements are small: springs keep their directions.
pub trait Elastic<G: Topology>: Clone + Debug + Send + Sync + 'static {
    /// The spring that an edge is; the same from both its ends.
    fn spring(&self, edge: G::Edge) -> Spring;

    /// What is asked of the node in an owned slot.
    fn node(&self, block: &G::Block, slot: Slot) -> Node;
}
