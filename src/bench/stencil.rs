//! PageRank by a plain loop over a padded array of voxels: no graph, no edge.
//!
//! The array has a voxel of padding on every side, so a neighbour is a constant stride away and
//! nothing is asked at the border. Memory: 32 bytes a slot, 4 a vertex; slots are numbered by 32 bits.

use crate::bench::plain::DAMPING;
use crate::lattice::stencil::Stencil;
use crate::volume::shape::Shape;

/// A mask in a padded array.
#[derive(Clone, Debug)]
pub struct Padded {
    shape: Shape,
    strides: Vec<isize>,
    /// Of each slot 1 over its degree; 0 where there is no vertex or it has no neighbour.
    shares: Vec<f64>,
    /// The slots of the vertices without neighbours.
    lonely: Vec<usize>,
    /// The slots of the vertices, ascending.
    vertices: Vec<u32>,
}

impl Padded {
    /// The voxels of `mask` that are not zero, in raster order.
    ///
    /// # Panics
    /// If the mask is not of the shape, or that is of 2^32 slots.
    pub fn new(shape: Shape, stencil: Stencil, mask: &[u8]) -> Self {
        let [nz, ny, nx] = shape.0;
        assert_eq!(mask.len(), nz * ny * nx, "a mask of the shape");
        let [py, px] = [ny as isize + 2, nx as isize + 2];
        let strides: Vec<isize> =
            stencil.steps().map(|[dz, dy, dx]| (dz as isize * py + dy as isize) * px + dx as isize).collect();
        let mut padded = Self { shape, strides, shares: Vec::new(), lonely: Vec::new(), vertices: Vec::new() };
        let mut taken = vec![false; padded.slots()];
        assert!(u32::try_from(taken.len()).is_ok(), "fewer than 2^32 slots");
        for (row, voxels) in padded.rows().zip(mask.chunks_exact(nx.max(1))) {
            taken[row..row + nx].iter_mut().zip(voxels).for_each(|(taken, voxel)| *taken = *voxel != 0);
        }
        padded.shares = vec![0.0; taken.len()];
        for slot in padded.rows().flat_map(|row| row..row + nx).filter(|slot| taken[*slot]) {
            let beside = padded.strides.iter().filter(|stride| taken[slot.wrapping_add_signed(**stride)]);
            match beside.count() {
                0 => padded.lonely.push(slot),
                degree => padded.shares[slot] = 1.0 / degree as f64,
            }
            padded.vertices.push(slot as u32);
        }
        padded
    }

    fn slots(&self) -> usize {
        self.shape.0.map(|n| n + 2).iter().product()
    }

    /// The first slot of each row of voxels.
    fn rows(&self) -> impl Iterator<Item = usize> + use<> {
        let [nz, ny, nx] = self.shape.0;
        (0..nz).flat_map(move |z| (0..ny).map(move |y| ((z + 1) * (ny + 2) + y + 1) * (nx + 2) + 1))
    }

    /// The values of the vertices, in raster order, from an array over slots.
    pub fn of_vertices(&self, slots: &[f64]) -> Vec<f64> {
        self.vertices.iter().map(|slot| slots[*slot as usize]).collect()
    }

    /// The rank of each slot after so many iterations; of a slot that is no vertex anything.
    pub fn pagerank(&self, iterations: u64) -> Vec<f64> {
        // The number of neighbours is known when this is compiled, as where it is written by hand.
        match self.strides.len() {
            6 => self.iterate::<6>(iterations),
            18 => self.iterate::<18>(iterations),
            _ => self.iterate::<26>(iterations),
        }
    }

    fn iterate<const N: usize>(&self, iterations: u64) -> Vec<f64> {
        let width = self.shape.0[2];
        let count = self.vertices.len() as f64;
        let mut ranks = vec![1.0 / count; self.slots()];
        let mut given: Vec<f64> = self.shares.iter().map(|share| share / count).collect();
        let mut giving = vec![0.0; self.slots()];
        for _ in 0..iterations {
            let dangling: f64 = self.lonely.iter().map(|slot| ranks[*slot]).sum();
            let base = (1.0 - DAMPING) / count + DAMPING * dangling / count;
            for row in self.rows() {
                let near: [&[f64]; N] = std::array::from_fn(|k| {
                    let first = row.wrapping_add_signed(self.strides[k]);
                    &given[first..first + width]
                });
                let (ranks, giving) = (&mut ranks[row..row + width], &mut giving[row..row + width]);
                let shares = &self.shares[row..row + width];
                for x in 0..width {
                    let heard: f64 = near.iter().map(|near| near[x]).sum();
                    let rank = base + DAMPING * heard;
                    ranks[x] = rank;
                    giving[x] = rank * shares[x];
                }
            }
            std::mem::swap(&mut given, &mut giving);
        }
        ranks
    }
}
