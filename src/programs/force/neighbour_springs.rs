//! Voxels as nodes, and springs between those that are neighbours: cubes of a regular lattice.

use crate::graph::topology::{Block, Cut};
use crate::id::Slot;
use crate::lattice::lattice::Lattice;
use crate::lattice::stencil::Step;
use crate::programs::force::elastic::{Elastic, Node, Spring};
use crate::programs::force::plane::Plane;
use crate::programs::force::vector::Vector;
use crate::volume::shape::Shape;

/// Springs between neighbouring voxels of a volume, one voxel apart along each axis that they differ in.
#[derive(Clone, Debug)]
pub struct NeighbourSprings {
    /// The volume.
    pub shape: Shape,
    /// The stiffness between voxels that share a face, an edge, a corner.
    pub stiffness: [f64; 3],
    /// Faces of the volume where voxels are held, and their displacement; of several at a voxel the first counts.
    pub held: Vec<(Plane, Vector)>,
}

impl Elastic<Lattice> for NeighbourSprings {
    #[inline(always)]
    fn spring(&self, step: Step) -> Spring {
        let apart = Vector(step.map(f64::from));
        let axes = step.iter().filter(|along| **along != 0).count();
        let direction = apart.times(1.0 / (axes as f64).sqrt());
        Spring { stiffness: self.stiffness[axes - 1], direction }
    }

    fn node(&self, block: &<Lattice as Cut>::Block, slot: Slot) -> Node {
        let voxel = self.shape.voxel(block.id(slot).0);
        let on = |plane: Plane| voxel[plane.axis] == if plane.far { self.shape.0[plane.axis] - 1 } else { 0 };
        match self.held.iter().find(|(plane, _)| on(*plane)) {
            Some((_, displacement)) => Node { held: [true; 3], displacement: *displacement, ..Node::default() },
            None => Node::default(),
        }
    }
}
