//! What the engine is measured on: which graphs, how large, and their edges.
//!
//! Kronecker graphs of edge factor 16, made symmetric, without loops and repeated edges, as GAP
//! does; a cube of voxels with 6 and 26 neighbours; and a cube of which each voxel is there with
//! probability 0.35, just above the percolation threshold (0.3116 for 6 neighbours), so that ways
//! in it are very long.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::kronecker::{EDGE_FACTOR, Kronecker};
use crate::lattice::stencil::Stencil;
use crate::volume::memory::Memory;
use crate::volume::phantom::{Kind, Phantom};
use crate::volume::shape::{Shape, Spacing};
use crate::volume::source::VolumeSource;
use crate::volume::voxel::Voxels;

/// The share of voxels that are there in the percolated cube.
const DENSITY: f64 = 0.35;

/// A graph to measure on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// How rows call it.
    pub name: String,
    /// What it is.
    pub form: Form,
}

/// What a graph is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A Kronecker graph of 2^scale vertices.
    Kronecker {
        /// Two to this are the vertices.
        scale: u32,
    },
    /// A full cube of voxels, its edges stored.
    Stored {
        /// Voxels along each axis.
        edge: usize,
        /// Which of them are joined.
        stencil: Stencil,
    },
    /// A full cube of voxels, its edges implied.
    Implied {
        /// Voxels along each axis.
        edge: usize,
        /// Which of them are joined.
        stencil: Stencil,
    },
    /// A percolated cube of voxels, 6 neighbours, its edges implied.
    Percolated {
        /// Voxels along each axis.
        edge: usize,
    },
}

/// The graphs of `size`, which is the scale of the larger Kronecker graph: at 20 cubes of 128 and
/// 200 voxels along each axis, and at each step half as many voxels.
///
/// # Errors
/// Where the size is not between 4 and 26.
pub fn inputs(size: u32) -> Result<Vec<Input>> {
    if !(4..=26).contains(&size) {
        return Err(Error::usage(format!("a size of {size}: give the scale of a Kronecker graph, 4 to 26")));
    }
    let scaled = |edge: f64| (edge * f64::powf(2.0, (f64::from(size) - 20.0) / 3.0)).round() as usize;
    let edge = scaled(128.0);
    let kronecker = |scale| (format!("kronecker{scale}"), Form::Kronecker { scale });
    let all = [
        kronecker(size - 2),
        kronecker(size),
        ("csr6".into(), Form::Stored { edge, stencil: Stencil::N6 }),
        ("csr26".into(), Form::Stored { edge, stencil: Stencil::N26 }),
        ("lattice6".into(), Form::Implied { edge, stencil: Stencil::N6 }),
        ("lattice26".into(), Form::Implied { edge, stencil: Stencil::N26 }),
        ("percolated".into(), Form::Percolated { edge: scaled(200.0) }),
    ];
    Ok(all.into_iter().map(|(name, form)| Input { name, form }).collect())
}

/// A cube of voxels, 1 where there is a vertex.
#[derive(Clone, Debug)]
pub struct Cube {
    /// Its size.
    pub shape: Shape,
    /// Which voxels are joined.
    pub stencil: Stencil,
    /// Its voxels in raster order.
    pub mask: Vec<u8>,
}

impl Cube {
    /// All voxels there.
    pub fn full(edge: usize, stencil: Stencil) -> Self {
        Self { shape: Shape([edge; 3]), stencil, mask: vec![1; edge.pow(3)] }
    }

    /// Each voxel there by chance.
    ///
    /// # Errors
    /// Where the cube is too large.
    pub fn percolated(edge: usize, seed: u64) -> Result<Self> {
        let shape = Shape([edge; 3]);
        let noise = Memory::load(&Phantom::new(Kind::Noise, shape, 0, seed, DENSITY)?, 1)?;
        let mask = noise.voxels().view::<u8>().map(|voxels| voxels.iter().copied().collect());
        Ok(Self { shape, stencil: Stencil::N6, mask: mask.expect("noise is a mask") })
    }

    /// The voxels as a volume.
    pub fn volume(&self) -> Arc<dyn VolumeSource> {
        let voxels = Voxels::from_vec(self.shape, self.mask.clone());
        Arc::new(Memory::new("cube", voxels, Spacing::default()))
    }

    /// The voxels that are there, by their place in raster order.
    pub fn names(&self) -> Vec<u64> {
        (0..).zip(&self.mask).filter(|(_, voxel)| **voxel != 0).map(|(place, _)| place).collect()
    }

    /// The edges between the voxels that are there, which are numbered in raster order: `(a, b)`
    /// with `a < b`, ascending.
    pub fn edges(&self) -> Vec<(u32, u32)> {
        let mut number = 0;
        let mut count = |voxel: &u8| {
            number += u32::from(*voxel != 0);
            number
        };
        // Of a voxel that is not there it is that of the one before, and nobody asks.
        let numbers: Vec<u32> = self.mask.iter().map(|voxel| count(voxel).wrapping_sub(1)).collect();
        let forward: Vec<_> = self.stencil.steps().filter(|step| *step > [0; 3]).collect();
        let mut edges = Vec::new();
        for (place, _) in self.mask.iter().enumerate().filter(|(_, voxel)| **voxel != 0) {
            let here = self.shape.voxel(place as u64);
            for step in &forward {
                let there: [usize; 3] = std::array::from_fn(|axis| here[axis].wrapping_add_signed(step[axis].into()));
                if (0..3).all(|axis| there[axis] < self.shape.0[axis]) {
                    let to = self.shape.raster(there) as usize;
                    if self.mask[to] != 0 {
                        edges.push((numbers[place], numbers[to]));
                    }
                }
            }
        }
        edges
    }
}

/// The edges of a Kronecker graph, each once: `(a, b)` with `a < b`, ascending.
///
/// # Errors
/// As [`Kronecker::new`].
pub fn kronecker(scale: u32, seed: u64) -> Result<Vec<(u32, u32)>> {
    let graph = Kronecker::new(scale, EDGE_FACTOR, seed)?;
    let mut pairs = Vec::with_capacity(graph.edges() as usize);
    graph.walk(|a, b| {
        if a != b {
            pairs.push(a.min(b).0 << 32 | a.max(b).0);
        }
    });
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs.into_iter().map(|pair| ((pair >> 32) as u32, pair as u32)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubes_have_the_edges_that_they_should() {
        for (stencil, each) in [(Stencil::N6, 3 * 4 * 25), (Stencil::N26, (13 * 13 * 13 - 125) / 2)] {
            let edges = Cube::full(5, stencil).edges();
            assert_eq!(edges.len(), each, "{stencil}");
            assert!(edges.is_sorted_by(|a, b| a < b) && edges.iter().all(|(a, b)| a < b));
        }
        let cube = Cube::percolated(40, 1).unwrap();
        let (names, edges) = (cube.names(), cube.edges());
        let share = names.len() as f64 / 64_000.0;
        assert!((share - DENSITY).abs() < 0.01, "{share}");
        let steps = [1, 40, 1600];
        assert!(edges.iter().all(|(a, b)| steps.contains(&(names[*b as usize] - names[*a as usize]))));
        // Six neighbours, each there by the same chance; those at the faces have fewer.
        let mean = 2.0 * edges.len() as f64 / names.len() as f64;
        assert!((mean - 6.0 * DENSITY * 39.0 / 40.0).abs() < 0.05, "{mean}");
    }

    #[test]
    fn the_size_is_the_scale_and_halves_the_voxels() {
        let edges = |size| -> Vec<Form> { inputs(size).unwrap().into_iter().map(|input| input.form).collect() };
        assert_eq!(edges(20)[2], Form::Stored { edge: 128, stencil: Stencil::N6 });
        assert_eq!(edges(20)[6], Form::Percolated { edge: 200 });
        assert_eq!(edges(17)[4], Form::Implied { edge: 64, stencil: Stencil::N6 });
        assert!(inputs(3).is_err() && inputs(27).is_err());
        let edges = kronecker(8, 1).unwrap();
        assert!(edges.is_sorted_by(|a, b| a < b) && edges.iter().all(|(a, b)| a < b && *b < 256));
    }
}
