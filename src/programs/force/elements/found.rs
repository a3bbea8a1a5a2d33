//! What a block of a body has found.

use serde::{Deserialize, Serialize};

use crate::programs::force::elements::element::{BITS, Element};
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
    /// The share of forces out of balance before each iteration.
    pub history: Vec<f64>,
}

impl Default for Found {
    fn default() -> Self {
        let none = Region { start: [0; 3], end: [0; 3] };
        let (displacements, energies, stresses, history) = Default::default();
        Self { nodes: none, displacements, voxels: none, energies, stresses, history }
    }
}

impl Found {
    /// Energies and stresses of the block's voxels.
    pub(super) fn respond(&mut self, level: &Level, element: &Element, moduli: &[f64], displacement: &Field<f64>) {
        let volume: f64 = element.edges().iter().product();
        let strides = level.strides();
        for (z, y) in self.voxels.rows() {
            for x in self.voxels.range(2) {
                let slot = level.slot([z, y, x]);
                let corners = std::array::from_fn(|corner| {
                    let there =
                        (0..3).filter(|axis| corner & BITS[*axis] != 0).map(|axis| strides[axis]).sum::<usize>();
                    Vector(std::array::from_fn(|axis| displacement.0[axis][slot + there]))
                });
                let (energy, stress) = element.response(&corners);
                self.energies.push((moduli[slot] * energy / volume) as f32);
                self.stresses.push((moduli[slot] * mises(stress)) as f32);
            }
        }
    }
}

/// The stress in a bar that yields as this stress does.
fn mises([zz, yy, xx, zy, zx, yx]: [f64; 6]) -> f64 {
    let apart = (zz - yy).powi(2) + (yy - xx).powi(2) + (xx - zz).powi(2);
    (0.5 * apart + 3.0 * (zy * zy + zx * zx + yx * yx)).sqrt()
}
