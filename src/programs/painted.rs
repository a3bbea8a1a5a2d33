//! The labels of a block as a labelling leaves them: marks, and a label for each part.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::lattice::marks::Marks;
use crate::volume::pages::zeros;
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Dtype, Voxel, Voxels, with_voxel_type};
use crate::wide::{Work, widely};

/// The labels of a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Painted {
    /// The voxels of the block.
    pub region: Region,
    /// The largest label of the volume.
    pub max: u64,
    /// The parts of the block and its shell, and the label of each.
    pub(super) marks: Marks,
    pub(super) labels: Vec<u64>,
}

impl Painted {
    /// The labels as voxels, of the smallest type that holds every label of the volume.
    pub fn voxels(&self) -> Voxels {
        volume(self.region, std::slice::from_ref(self), self.max, 1)
    }

    /// The labels of a whole volume from those of its blocks, as [`voxels`](Painted::voxels), each
    /// page of memory written by one of so many threads, and once.
    pub fn volume(shape: Shape, blocks: &[Painted], threads: usize) -> Voxels {
        let max = blocks.iter().map(|block| block.max).max().unwrap_or(0);
        volume(Region::whole(shape), blocks, max, threads)
    }
}

/// The labels of what a block has in `slab`, whole slices of `whole`, written to its voxels.
struct Paint<'a, T> {
    block: &'a Painted,
    labels: &'a [T],
    whole: &'a Region,
    slab: &'a Region,
    out: &'a mut [T],
}

impl<T: Voxel> Work for Paint<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { block, labels, whole, slab, out } = self;
        let part = block.region.intersection(slab);
        let (shape, width) = (slab.shape(), part.shape().0[2]);
        let mut room = Vec::new();
        for (z, y) in part.rows() {
            let first = shape.raster([z - slab.start[0], y - slab.start[1], part.start[2] - whole.start[2]]) as usize;
            block.marks.paint_row(z, y, labels, &mut room, &mut out[first..first + width]);
        }
    }
}

/// The voxels of `whole`, from blocks that lie in it.
fn volume(whole: Region, blocks: &[Painted], max: u64, threads: usize) -> Voxels {
    with_voxel_type!(Dtype::for_labels(max), T => paint_all::<T>(whole, blocks, |label| label as T, threads))
}

fn paint_all<T: Voxel>(whole: Region, blocks: &[Painted], cast: fn(u64) -> T, threads: usize) -> Voxels {
    let shape = whole.shape();
    let mut voxels = zeros::<T>(shape.0.iter().product());
    let labels: Vec<Vec<T>> =
        blocks.iter().map(|block| block.labels.iter().map(|label| cast(*label)).collect()).collect();
    // Slices that follow each other, a few for each thread, taken in turn.
    let slices = shape.0[0].div_ceil(threads * 4).max(1);
    let slabs = voxels.chunks_mut((slices * shape.0[1] * shape.0[2]).max(1)).zip((whole.start[0]..).step_by(slices));
    let slabs = Mutex::new(slabs);
    let paint = || {
        loop {
            let Some((out, first)) = slabs.lock().unwrap_or_else(PoisonError::into_inner).next() else { return };
            let mut slab = whole;
            (slab.start[0], slab.end[0]) = (first, (first + slices).min(whole.end[0]));
            for (block, labels) in blocks.iter().zip(&labels) {
                widely(Paint { block, labels, whole: &whole, slab: &slab, out: &mut *out });
            }
        }
    };
    std::thread::scope(|scope| {
        (1..threads).for_each(|_| drop(scope.spawn(paint)));
        paint();
    });
    Voxels::from_vec(shape, voxels)
}
