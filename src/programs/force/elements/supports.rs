//! Where a body of voxels is held or moved: nodes at faces of the volume.

use serde::{Deserialize, Serialize};

use crate::programs::force::plane::Plane;
use crate::programs::force::vector::Vector;
use crate::volume::region::Region;

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
    fn has(&self, node: [usize; 3], nodes: [usize; 3]) -> bool {
        let axis = self.plane.axis;
        node[axis] == if self.plane.far { nodes[axis] - 1 } else { 0 }
    }
}

/// All that is given; of several faces that say something of a node the first counts, axis by axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Supports(pub Vec<Support>);

impl Supports {
    /// The displacement of a node along an axis, and the place of the support that gives it.
    fn given(&self, node: [usize; 3], nodes: [usize; 3], axis: usize) -> Option<(usize, f64)> {
        let at = |(place, support): (usize, &Support)| {
            let given = support.given[axis].filter(|_| support.has(node, nodes));
            given.map(|given| (place, given))
        };
        self.0.iter().enumerate().find_map(at)
    }

    /// Visits what is given of the nodes of a region, of a body of so many nodes: node, axis, the place of the support
    /// that gives it, displacement. Cost: O(nodes at faces).
    pub(super) fn each_given(
        &self,
        region: &Region,
        nodes: [usize; 3],
        mut visit: impl FnMut([usize; 3], usize, usize, f64),
    ) {
        for (place, support) in self.0.iter().enumerate() {
            let Plane { axis, far } = support.plane;
            let mut face = Region { start: [0; 3], end: nodes };
            let at = if far { nodes[axis] - 1 } else { 0 };
            (face.start[axis], face.end[axis]) = (at, at + 1);
            let face = region.intersection(&face);
            for (z, y) in face.rows() {
                for x in face.range(2) {
                    for along in 0..3 {
                        // What an earlier support gives is visited there.
                        match self.given([z, y, x], nodes, along) {
                            Some((by, given)) if by == place => visit([z, y, x], along, place, given),
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    /// Whether the far face along an axis holds nodes along it.
    pub(super) fn ends(&self, axis: usize) -> bool {
        self.0.iter().any(|support| support.plane == Plane { axis, far: true } && support.given[axis].is_some())
    }
}
