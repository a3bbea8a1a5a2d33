//! Volumes and scans laid on a session, as they are read.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};
use crate::incremental::session::Session;
use crate::stream::scan::Scan;
use crate::volume::memory::Memory;
use crate::volume::region::Region;
use crate::volume::shape::Spacing;
use crate::volume::source::{Cropped, VolumeSource};
use crate::volume::voxel::Voxels;

impl Session<'_> {
    /// Puts a scan of voxels of a size: the part of the volume that it is, and the digest of its voxels.
    ///
    /// # Errors
    /// Where it cannot be read or does not fit; then a part of it may have been put.
    pub(super) fn put_scan(&mut self, scan: &Scan, spacing: &Spacing) -> Result<(Region, u64)> {
        let header = scan.source.header();
        let (name, shape, volume) = (&header.name, header.shape, self.settings.grid.shape());
        let refused = |what: String| Err(Error::usage(format!("{name}: {what}")));
        if header.spacing != *spacing {
            let [its, ours] = [&header.spacing, spacing].map(|of| format!("{:?} {}", of.zyx, of.unit));
            let what = format!("its voxels are {its} and those of the series {ours}: give --spacing and --unit");
            return refused(what);
        }
        let region = match scan.part.map_or(Ok(Region::whole(volume)), |part| part.within(volume)) {
            Ok(region) => region,
            Err(error) => return refused(error.message().to_owned()),
        };
        let part = region.shape();
        if scan.part.is_some() && part != shape {
            return refused(format!("holds {shape} and its name says {part}"));
        }
        if (0..3).any(|axis| shape.0[axis] > volume.0[axis]) {
            return refused(format!(
                "is {shape}, larger than the volume of {volume}: begin anew with a larger --volume"
            ));
        }
        let reached = Region::whole(shape).offset_by(region.start);
        let mut hash = Xxh3::new();
        hash.update(format!("{} {shape}", header.dtype).as_bytes());
        self.put_layers(&scan.source, reached.start, |voxels| voxels.absorbed_by(&mut hash))?;
        // A scan of all the volume may be smaller than it.
        for axis in 0..3 {
            let mut rest = region;
            rest.start[axis] = reached.end[axis];
            if !rest.is_empty() {
                self.remove(rest)?;
            }
        }
        Ok((region, hash.digest()))
    }

    /// Puts a volume at a place of this one, read a layer of blocks at a time if it is not in memory, so that a
    /// file is read in order and once.
    ///
    /// # Errors
    /// As [`Session::put`]; where it cannot be read.
    pub fn put_source(&mut self, source: &Arc<dyn VolumeSource>, at: [usize; 3]) -> Result<u64> {
        self.put_layers(source, at, |_| ())
    }

    /// The same, and shows each layer to `each`.
    fn put_layers(&mut self, source: &Arc<dyn VolumeSource>, at: [usize; 3], each: impl FnMut(&Voxels)) -> Result<u64> {
        let reached = Region::whole(source.header().shape).offset_by(at);
        self.fits(&source.header().name, &reached)?;
        let before = (self.coming.clone(), self.patches.clone());
        let put = self.put_each_layer(source, reached, each);
        if put.is_err() {
            (self.coming, self.patches) = before;
        }
        put
    }

    fn put_each_layer(
        &mut self,
        source: &Arc<dyn VolumeSource>,
        reached: Region,
        mut each: impl FnMut(&Voxels),
    ) -> Result<u64> {
        let threads = self.runtime.workers().per_process();
        let grid = self.settings.grid;
        let name = source.header().name.clone();
        let (mut start, mut differ) = (reached.start[0], 0);
        while start < reached.end[0] {
            let layer = grid.region(grid.block_of([start, reached.start[1], reached.start[2]]));
            let mut slab = reached;
            slab.start[0] = start;
            if !source.is_resident() {
                slab.end[0] = layer.end[0].min(reached.end[0]);
            }
            let own = slab.relative_to(reached.start);
            // On a worker, where a reader that panics is an error.
            let read = self.runtime.spread(vec![Arc::clone(source)], move |source| match source.is_resident() {
                true => source.read(&own),
                false => Ok(Memory::load(&Cropped::new(Arc::clone(source), own)?, threads)?.voxels().clone()),
            })?;
            for voxels in read {
                each(&voxels);
                differ += self.put(&name, &voxels, slab.start)?;
            }
            start = slab.end[0];
        }
        Ok(differ)
    }
}
