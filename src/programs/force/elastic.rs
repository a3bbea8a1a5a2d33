//! What is elastic: a graph whose edges are springs, and nodes that are held, moved or loaded.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::graph::topology::Topology;
use crate::id::Slot;
use crate::programs::force::vector::{Tensor, Vector};

/// A central spring: it resists along its direction alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spring {
    /// Force for each length that it is drawn out.
    pub stiffness: f64,
    /// From one end to the other or back, of length 1.
    pub direction: Vector,
}

impl Spring {
    /// The force on one end where the other is displaced.
    #[inline(always)]
    pub fn pull(self, displacement: Vector) -> Vector {
        self.direction.times(self.stiffness * self.direction.dot(displacement))
    }

    /// What it adds to the stiffness of each end.
    pub fn tensor(self) -> Tensor {
        Tensor::outer(self.direction, self.stiffness)
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
}

/// A graph as something elastic. Displacements are small: springs keep their directions.
pub trait Elastic<G: Topology>: Clone + Debug + Send + Sync + 'static {
    /// The spring that an edge is; the same from both its ends.
    fn spring(&self, edge: G::Edge) -> Spring;

    /// What is asked of the node in an owned slot.
    fn node(&self, block: &G::Block, slot: Slot) -> Node;
}
