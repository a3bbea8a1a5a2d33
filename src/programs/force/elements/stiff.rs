//! What is stiff: what the voxels of a volume mean, and what a block of them does to displacements.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::lattice::tiling::Tile;
use crate::programs::force::elements::element::Element;
use crate::programs::force::elements::field::Field;
use crate::programs::force::elements::kernel::{Elements, resist};
use crate::programs::force::elements::level::Level;
use crate::programs::force::elements::nodes::pull;
use crate::volume::extent::unsound;
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Voxel, each_voxel_type, row};

/// What the voxels of a volume are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stiff {
    /// Each is an element between eight nodes, that of modulus 1 times the voxel's modulus.
    Elements {
        /// The element of modulus 1.
        element: Box<Element>,
        /// The modulus of a voxel is its value to this power; without one it is 1 where the voxel is not zero.
        power: Option<f64>,
    },
    /// Each that is not zero is a node, joined by springs of stiffness `[k1, k2]` to those that share a face and to
    /// those that share an edge.
    Nodes([f64; 2]),
}

/// What is stiff in a block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Held {
    Elements(Elements<f64>),
    /// 1 where a slot is a node, else 0.
    Nodes(Vec<f64>),
}

impl Default for Held {
    fn default() -> Self {
        Self::Nodes(Vec::new())
    }
}

impl Stiff {
    /// Nodes along z, y, x in a volume.
    pub(super) fn nodes(&self, shape: Shape) -> [usize; 3] {
        match self {
            Self::Elements { .. } => shape.0.map(|voxels| voxels + 1),
            Self::Nodes(_) => shape.0,
        }
    }

    /// The element that it is made of, or that is near to it.
    pub(super) fn element(&self) -> Element {
        match self {
            Self::Elements { element, .. } => (**element).clone(),
            Self::Nodes([face, edge]) => Element::springs([*face, *edge, 0.0]),
        }
    }

    /// Reads what is stiff in a block, and the moduli of elements that are like it.
    ///
    /// # Errors
    /// Where the volume cannot be read, or the modulus of a voxel is no number from 0 on.
    pub(super) fn read(&self, tile: &Tile, level: &Level) -> Result<(Held, Vec<f32>)> {
        let slots = level.slots();
        let mut values = vec![0f64; slots];
        let shape = tile.tiling.grid().shape();
        let region = level.own.grown([1; 3], [1; 3], shape).intersection(&Region::whole(shape));
        let source = tile.tiling.source();
        let voxels = source.read(&region)?;
        each_voxel_type!(&voxels, array => for (z, y) in Region::whole(region.shape()).rows() {
            let first = level.slot([z + region.start[0], y + region.start[1], region.start[2]]);
            for (x, (value, voxel)) in values[first..].iter_mut().zip(row(array, z, y)).enumerate() {
                let voxel = voxel.to_f64();
                *value = match self {
                    Self::Elements { power: Some(power), .. } => voxel.powf(*power),
                    _ => f64::from(voxel != 0.0),
                };
                let sound = value.is_finite() && *value >= 0.0 && !voxel.is_nan() && voxel >= 0.0;
                if !sound {
                    return Err(unsound(&source.header().name, &region, [z, y, x], voxel));
                }
            }
        });
        match self {
            Self::Elements { .. } => {
                // Elements beyond the nodes of the padded box are none of its.
                let [nz, ny, nx] = level.own.shape().0;
                let [_, height, width] = level.padded;
                for (slot, value) in values.iter_mut().enumerate() {
                    let (row, x) = (slot / width, slot % width);
                    if x > nx || row % height > ny || row / height > nz {
                        *value = 0.0;
                    }
                }
                let moduli = values.iter().map(|value| *value as f32).collect();
                Ok((Held::Elements(Elements::new(level, values)), moduli))
            }
            Self::Nodes(_) => {
                // Elements between nodes of which some are none are as much softer.
                let mut moduli = vec![0.0; slots];
                let elements = Region {
                    start: level.own.start.map(|start| start.saturating_sub(1)),
                    end: std::array::from_fn(|axis| level.own.end[axis].min(level.nodes[axis] - 1)),
                };
                for (z, y) in elements.rows() {
                    for x in elements.range(2) {
                        let corner = |corner: usize| [z + (corner >> 2), y + (corner >> 1 & 1), x + (corner & 1)];
                        let present: f64 = (0..8).map(|at| values[level.slot(corner(at))]).sum();
                        moduli[level.slot([z, y, x])] = (present / 8.0) as f32;
                    }
                }
                Ok((Held::Nodes(values), moduli))
            }
        }
    }

    /// Adds to the forces on the nodes of a block what it puts up when they and those around them are displaced.
    pub(super) fn forces(&self, level: &Level, held: &Held, displaced: &Field<f64>, forces: &mut Field<f64>) {
        match (self, held) {
            (Self::Elements { element, .. }, Held::Elements(elements)) => {
                resist(level, element, elements, displaced, forces);
            }
            (Self::Nodes(stiffness), Held::Nodes(present)) => pull(level, *stiffness, present, displaced, forces),
            _ => unreachable!("a block holds what it was read as"),
        }
    }
}
