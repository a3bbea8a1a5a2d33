//! Outputs that are volumes: written by the workers of process 0 as their blocks are done.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::cli::context::Context;
use crate::error::Result;
use crate::pregel::run::Config;
use crate::programs::copy::{Copy, count};
use crate::programs::painted::Painted;
use crate::volume::memory::Memory;
use crate::volume::open::create;
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::sink::VolumeSink;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Dtype, Voxels};

/// A volume to be written, whose voxel type is known when the first block is.
#[derive(Clone)]
pub(crate) struct Written {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    shape: Shape,
    spacing: Spacing,
    sink: RwLock<Option<Box<dyn VolumeSink>>>,
}

impl Written {
    pub(crate) fn new(path: &Path, shape: Shape, spacing: Spacing) -> Self {
        let inner = Inner { path: path.to_owned(), shape, spacing, sink: RwLock::new(None) };
        Self { inner: Arc::new(inner) }
    }

    /// Writes a block.
    pub(crate) fn put(&self, region: &Region, voxels: &Voxels) -> Result<()> {
        let inner = &*self.inner;
        if let Some(sink) = &*inner.sink.read().unwrap_or_else(PoisonError::into_inner) {
            return sink.write(region, voxels);
        }
        let mut slot = inner.sink.write().unwrap_or_else(PoisonError::into_inner);
        let sink = match &mut *slot {
            Some(sink) => sink,
            empty => empty.insert(create(&inner.path, inner.shape, voxels.dtype(), &inner.spacing)?),
        };
        sink.write(region, voxels)
    }

    /// Writes the labels of a block.
    pub(crate) fn paint(&self, painted: &Painted) -> Result<()> {
        self.put(&painted.region, &painted.voxels())
    }

    /// Gives the file its name; on processes that wrote nothing, nothing.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.inner.sink.write().unwrap_or_else(PoisonError::into_inner).take() {
            Some(sink) => sink.finish(),
            None => Ok(()),
        }
    }
}

/// Computes a volume block by block and writes it; how many of its voxels are not zero, on process
/// 0. `stage` names the work on the bar.
pub(crate) fn write_volume(
    context: &Context,
    source: &Arc<dyn VolumeSource>,
    path: &Path,
    spacing: Spacing,
    stage: &str,
) -> Result<u64> {
    let written = Written::new(path, source.header().shape, spacing);
    let into = written.clone();
    let foreground = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&foreground);
    let tiling = context.tiling(source, stage)?;
    context.runtime()?.run(&tiling, &Copy { give: true }, &Config::default(), move |_, block| {
        let Some((region, voxels)) = block else { return Ok(()) };
        counted.fetch_add(count(&voxels), Ordering::Relaxed);
        into.put(&region, &voxels)
    })?;
    written.finish()?;
    Ok(foreground.load(Ordering::Relaxed))
}

/// Writes labels that are in memory, in the smallest type that holds them.
pub(crate) fn write_labels(path: &Path, labels: &Memory, max: u64) -> Result<()> {
    let header = labels.header();
    let sink = create(path, header.shape, Dtype::for_labels(max), &header.spacing)?;
    sink.write(&Region::whole(header.shape), &labels.voxels().cast(Dtype::for_labels(max)))?;
    sink.finish()
}
