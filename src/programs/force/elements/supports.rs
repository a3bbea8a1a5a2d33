//! Where a body of voxels is held or moved: nodes at faces of the volume.

use serde::{Deserialize, Serialize};

use crate::programs::force::plane::Plane;
use crate::programs::force::vector::Vector;

/// What is given of the nodes at a face: the displacement along z, y, x, or nothing where they are free.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Support {
    /// The face.
    pub plane: Plane,
    /// What is given there.
    pub given: [Option<f64>; 3],
}

impl Support {
    /// A plate that the nodes stick to, displaced.
    pub fn rough(plane: Plane, displacement: Vector) -> Self {
        Self { plane, given: displacement.0.map(Some) }
    }

    /// A plate on which the nodes slide, displaced along its axis.
    pub fn smooth(plane: Plane, displacement: f64) -> Self {
        let mut given = [None; 3];
        given[plane.axis] = Some(displacement);
        Self { plane, given }
    }

    /// Whether a node of a body of so many nodes lies at the face.
    pub(super) fn has(&self, node: [usize; 3], nodes: [usize; 3]) -> bool {
        let axis = self.plane.axis;
        node[axis] == if self.plane.far { nodes[axis] - 1 } else { 0 }
    }
}

/// All that is given; of several faces that say something of a node the first counts, axis by axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Supports(pub Vec<Support>);

impl Supports {
    /// The displacement of a node along an axis, and the place of the support that gives it.
    pub(super) fn given(&self, node: [usize; 3], nodes: [usize; 3], axis: usize) -> Option<(usize, f64)> {
        let at = |(place, support): (usize, &Support)| {
            let given = support.given[axis].filter(|_| support.has(node, nodes));
            given.map(|given| (place, given))
        };
        self.0.iter().enumerate().find_map(at)
    }

    /// Whether the far face along an axis holds nodes along it.
    pub(super) fn ends(&self, axis: usize) -> bool {
        self.0.iter().any(|support| support.plane == Plane { axis, far: true } && support.given[axis].is_some())
    }
}
