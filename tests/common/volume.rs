//! Random volumes, and the ways to cut them.

use std::sync::Arc;

use septa::lattice::tiling::Tiling;
use septa::volume::grid::{BlockSize, Grid};
use septa::volume::memory::Memory;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::source::VolumeSource;
use septa::volume::voxel::{Voxel, Voxels};

use super::random::Random;

/// Every voxel of a shape, in raster order.
pub(crate) fn voxels_of(shape: Shape) -> impl Iterator<Item = [usize; 3]> {
    let [nz, ny, nx] = shape.0;
    (0..nz).flat_map(move |z| (0..ny).flat_map(move |y| (0..nx).map(move |x| [z, y, x])))
}

/// Cells with labels in `1..=labels`, and background: the nearest of some random points has each
/// voxel, so that cells have plane faces and long runs, and equal labels lie apart and together.
pub(crate) fn cells(shape: Shape, points: u64, labels: u64, random: &mut Random) -> Vec<u64> {
    let points: Vec<_> =
        (0..points).map(|_| (shape.0.map(|n| random.below(n as u64) as i64), random.below(labels + 1))).collect();
    let distance = |a: [usize; 3], b: [i64; 3]| (0..3).map(|axis| (a[axis] as i64 - b[axis]).pow(2)).sum::<i64>();
    let nearest = |voxel| points.iter().min_by_key(|(at, _)| distance(voxel, *at)).map_or(0, |(_, label)| *label);
    voxels_of(shape).map(nearest).collect()
}

/// The voxels as a volume in memory.
pub(crate) fn memory<T: Voxel>(shape: Shape, voxels: Vec<T>) -> Arc<dyn VolumeSource> {
    Arc::new(Memory::new("test", Voxels::from_vec(shape, voxels), Spacing::default()))
}

/// The volume whole, and cut in as many ways as there are: slabs, cubes, columns, rows.
pub(crate) fn cuts(source: &Arc<dyn VolumeSource>) -> Vec<Tiling> {
    let shape = source.header().shape;
    let voxels = shape.voxels().expect("a small volume");
    let smallest = if voxels < 700 { 1 } else { 3 };
    let edges = (smallest..=7).map(BlockSize::Edge);
    let grids = edges.chain([BlockSize::Whole, BlockSize::Auto]).map(|size| Grid::new(shape, size));
    let [nz, ny, nx] = shape.0;
    let blocks = [[nz, ny, 2], [nz, 3, nx], [2, 5, nx], [3, ny, 4], [nz, 2, 3], [1, 4, 9], [5, 2, 7]];
    let odd = blocks.map(|block| Grid::with_block(shape, block));
    grids.chain(odd).map(|grid| Tiling::with_grid(Arc::clone(source), grid.unwrap()).unwrap()).collect()
}
