//! Mechanical tests of a body of voxels between two plates: pressed or drawn along an axis, or sheared.

use crate::error::{Error, Result};
use crate::programs::force::elements::supports::{Support, Supports};
use crate::programs::force::plane::Plane;
use crate::programs::force::vector::Vector;
use crate::volume::shape::Shape;

/// How a body is tested. The plates lie at the near and the far face of an axis; the near one stays.
#[derive(Clone, Debug, PartialEq)]
pub struct Press {
    /// The axis of the plates: 0 for z, 1 for y, 2 for x.
    pub axis: usize,
    /// How far the far plate moves, over the distance of the plates.
    pub strain: f64,
    /// Along which axis it moves, if not along its own.
    pub shear: Option<usize>,
    /// Whether the body sticks to the plates; else it slides on them.
    pub rough: bool,
    /// Faces beside the plates that slide on walls; the others are free.
    pub rollers: Vec<Plane>,
}

impl Press {
    /// What is given of the nodes of a body of voxels with such edges along z, y, x: near plate, far plate, walls.
    ///
    /// # Errors
    /// Where the plates move along no axis that they can, or a wall is a plate.
    pub fn supports(&self, shape: Shape, edges: [f64; 3]) -> Result<Supports> {
        let along = self.shear.unwrap_or(self.axis);
        let name = |axis: usize| ["z", "y", "x"][axis];
        if self.shear == Some(self.axis) {
            return Err(Error::usage(format!(
                "shear along {0} of plates normal to {0}: name another axis",
                name(along)
            )));
        }
        if self.shear.is_some() && !self.rough {
            return Err(Error::usage("smooth plates do not shear: give rough ones"));
        }
        if let Some(wall) = self.rollers.iter().find(|wall| wall.axis == self.axis) {
            return Err(Error::usage(format!("{wall} is a plate: rollers go beside the plates")));
        }
        let [near, far] = [false, true].map(|far| Plane { axis: self.axis, far });
        let way = self.strain * self.length(shape, edges);
        let mut moved = Vector::default();
        moved.0[along] = way;
        let plates = match self.rough {
            true => [Support::rough(near, Vector::default()), Support::rough(far, moved)],
            false => [Support::smooth(near, 0.0), Support::smooth(far, way)],
        };
        let walls = self.rollers.iter().map(|wall| Support::smooth(*wall, 0.0));
        Ok(Supports(plates.into_iter().chain(walls).collect()))
    }

    /// The distance of the plates.
    fn length(&self, shape: Shape, edges: [f64; 3]) -> f64 {
        shape.0[self.axis] as f64 * edges[self.axis]
    }

    /// The area of a plate: that of the volume's face, holes included.
    pub fn area(&self, shape: Shape, edges: [f64; 3]) -> f64 {
        (0..3).filter(|axis| *axis != self.axis).map(|axis| shape.0[axis] as f64 * edges[axis]).product()
    }

    /// The modulus that the body shows as a whole, of elasticity or of shear, from the force on the far plate.
    pub fn modulus(&self, force: Vector, shape: Shape, edges: [f64; 3]) -> f64 {
        force.0[self.shear.unwrap_or(self.axis)] / self.area(shape, edges) / self.strain
    }

    /// The strain energy of the body.
    pub fn energy(&self, force: Vector, shape: Shape, edges: [f64; 3]) -> f64 {
        0.5 * force.0[self.shear.unwrap_or(self.axis)] * self.strain * self.length(shape, edges)
    }
}
