//! A volume in memory: as a source, as a sink, and as the copy of another source.

use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::sink::VolumeSink;
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::voxel::{Dtype, Voxel, Voxels, row, with_voxel_type};

/// A volume in memory. Reading shares, and copies nothing.
#[derive(Clone, Debug)]
pub struct Memory {
    header: Header,
    voxels: Voxels,
}

impl Memory {
    /// A volume of these voxels.
    pub fn new(name: impl Into<String>, voxels: Voxels, spacing: Spacing) -> Self {
        let shape = voxels.shape();
        let bytes = shape.voxels().unwrap_or(0) * voxels.dtype().bytes() as u64;
        let header = Header {
            name: name.into(),
            shape,
            dtype: voxels.dtype(),
            spacing,
            format: "memory".into(),
            chunk: [1, 1, shape.0[2]],
            axes: "zyx".into(),
            bytes,
        };
        Self { header, voxels }
    }

    /// Reads all of `source` into memory with `threads` threads, each a slab of whole chunks at
    /// a time. The header stays that of the source.
    ///
    /// # Errors
    /// The first failure of the source.
    pub fn load(source: &dyn VolumeSource, threads: usize) -> Result<Self> {
        let header = source.header().clone();
        let region = Region::whole(header.shape);
        if threads < 2 || header.shape.0[0] < 2 {
            return Ok(Self { voxels: source.read(&region)?, header });
        }
        let sink = MemorySink::new(header.shape, header.dtype)?;
        let slab = header.chunk[0].max(header.shape.0[0].div_ceil(threads * 4));
        let starts: Vec<usize> = (0..header.shape.0[0]).step_by(slab).collect();
        let next = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let read_slabs = || loop {
                let turn = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(&start) = starts.get(turn) else { return Ok(()) };
                let mut part = region;
                (part.start[0], part.end[0]) = (start, (start + slab).min(region.end[0]));
                sink.write(&part, &source.read(&part)?)?;
            };
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(read_slabs)).collect();
            let mine: Result<()> = read_slabs();
            others.into_iter().fold(mine, |first, other| {
                first.and(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        })?;
        Ok(Self { voxels: sink.into_voxels(), header })
    }

    /// The voxels.
    pub fn voxels(&self) -> &Voxels {
        &self.voxels
    }
}

impl VolumeSource for Memory {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        Ok(self.voxels.part(region))
    }

    fn is_resident(&self) -> bool {
        true
    }
}

/// Slices of one voxel type, each behind a lock of its own: blocks are slabs as a rule, so a
/// lock is hardly ever waited for.
trait Slices: Send + Sync {
    fn write(&self, region: &Region, voxels: &Voxels);
    fn into_voxels(self: Box<Self>) -> Voxels;
}

struct TypedSlices<T> {
    shape: Shape,
    slices: Vec<Mutex<Vec<T>>>,
}

impl<T: Voxel> Slices for TypedSlices<T> {
    fn write(&self, region: &Region, voxels: &Voxels) {
        let array = T::unwrap(voxels).expect("the block has the type of the sink");
        for z in region.range(0) {
            let mut slice = self.slices[z].lock().unwrap_or_else(PoisonError::into_inner);
            for y in region.range(1) {
                let start = y * self.shape.0[2];
                let from = row(array, z - region.start[0], y - region.start[1]);
                slice[start + region.start[2]..start + region.end[2]].copy_from_slice(from);
            }
        }
    }

    fn into_voxels(self: Box<Self>) -> Voxels {
        let mut voxels = Vec::with_capacity(self.shape.0.iter().product());
        for slice in self.slices {
            voxels.extend_from_slice(&slice.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
        Voxels::from_vec(self.shape, voxels)
    }
}

/// A volume in memory that several workers write.
pub struct MemorySink {
    shape: Shape,
    slices: Box<dyn Slices>,
}

impl MemorySink {
    /// A volume of zeros.
    ///
    /// # Errors
    /// Where it is too large to be addressed.
    pub fn new(shape: Shape, dtype: Dtype) -> Result<Self> {
        let bytes =
            shape.voxels().and_then(|n| n.checked_mul(dtype.bytes() as u64)).and_then(|n| isize::try_from(n).ok());
        if bytes.is_none() {
            return Err(Error::resource(format!("a volume of {shape} does not fit in memory")));
        }
        let [nz, ny, nx] = shape.0;
        let slices: Box<dyn Slices> = with_voxel_type!(dtype, T => Box::new(TypedSlices::<T> {
            shape,
            slices: (0..nz).map(|_| Mutex::new(vec![T::default(); ny * nx])).collect(),
        }));
        Ok(Self { shape, slices })
    }

    /// What was written; zeros where nothing was.
    pub fn into_voxels(self) -> Voxels {
        self.slices.into_voxels()
    }
}

impl VolumeSink for MemorySink {
    fn write(&self, region: &Region, voxels: &Voxels) -> Result<()> {
        assert!(Region::whole(self.shape).covers(region), "the block lies in the volume");
        self.slices.write(region, voxels);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
