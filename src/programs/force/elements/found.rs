//! What a block of a body has found.

use serde::{Deserialize, Serialize};

use crate::programs::force::elements::element::Element;
use crate::programs::force::elements::field::Field;
use crate::programs::force::elements::level::Level;
use crate::programs::force::vector::Vector;
use crate::volume::region::Region;

/// What a block has found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The nodes of the block.
    pub nodes: Region,
    /// Their displacements in raster order, all along z, then along y, then along x; where they were asked for.
    pub displacements: Vec<f64>,
    /// The voxels of the block.
    pub voxels: Region,
    /// The strain energy of each, in raster order, over its volume; where it was asked for.
    pub energies: Vec<f32>,
    /// The mean stress of each as one number (von Mises).
    pub stresses: Vec<f32>,
    /// The same whole: zz, yy, xx, zy, zx, yx; where it was asked for.
    pub tensors: Vec<[f32; 6]>,
    /// The share of forces out of balance before each iteration.
    pub history: Vec<f64>,
}

impl Default for Found {
    fn default() -> Self {
        let none = Region { start: [0; 3], end: [0; 3] };
        let (displacements, energies, stresses, tensors, history) = Default::default();
        Self { nodes: none, displacements, voxels: none, energies, stresses, tensors, history }
    }
}

impl Found {
    /// Visits the nodes whose displacements were asked for, in raster order.
    pub fn each_displacement(&self, mut visit: impl FnMut([usize; 3], Vector)) {
        let each = self.displacements.len() / 3;
        let nodes = self.nodes.rows().flat_map(|(z, y)| self.nodes.range(2).map(move |x| [z, y, x]));
        for (at, node) in nodes.take(each).enumerate() {
            visit(node, Vector(std::array::from_fn(|axis| self.displacements[axis * each + at])));
        }
    }

    /// Energies and stresses of the block's voxels, stresses whole too where `tensors` are asked for.
    pub(super) fn respond(
        &mut self,
        level: &Level,
        element: &Element,
        moduli: &[f64],
        displacement: &Field<f64>,
        tensors: bool,
    ) {
        let volume: f64 = element.edges().iter().product();
        let corners = level.corners();
        for (z, y) in self.voxels.rows() {
            for x in self.voxels.range(2) {
                let slot = level.slot([z, y, x]);
                let moved = |there: usize| Vector(std::array::from_fn(|axis| displacement.0[axis][slot + there]));
                let (energy, stress) = element.response(&corners.map(moved));
                self.energies.push((moduli[slot] * energy / volume) as f32);
                self.stresses.push((moduli[slot] * mises(stress)) as f32);
                if tensors {
                    self.tensors.push(stress.map(|component| (moduli[slot] * component) as f32));
                }
            }
        }
    }
}

/// The stress in a bar that yields as this stress does.
fn mises([zz, yy, xx, zy, zx, yx]: [f64; 6]) -> f64 {
    let apart = (zz - yy).powi(2) + (yy - xx).powi(2) + (xx - zz).powi(2);
    (0.5 * apart + 3.0 * (zy * zy + zx * zx + yx * yx)).sqrt()
}
