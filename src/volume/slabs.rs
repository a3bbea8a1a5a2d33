//! A volume read slab by slab, each thread its share, and what they found merged.

use crate::combine::Combine;
use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::Voxels;

/// The voxels that a slab aims at.
const VOXELS: usize = 1 << 22;

/// Folds a volume slab by slab, thread t of n taking slabs t, t + n, ...; the parts are merged.
/// Where several slabs fail, the error is that of the first.
pub(crate) fn over_slabs<A: Combine + Send>(
    source: &dyn VolumeSource,
    threads: usize,
    empty: impl Fn() -> A + Sync,
    visit: impl Fn(&mut A, &Region, &Voxels) -> Result<()> + Sync,
) -> Result<A> {
    let header = source.header();
    let [nz, ny, nx] = header.shape.0;
    let chunk = header.chunk[0].max(1);
    let thick = (VOXELS / (ny * nx).max(1)).min(nz.div_ceil(4)).next_multiple_of(chunk).max(1);
    let slabs = nz.div_ceil(thick);
    let threads = threads.clamp(1, slabs.max(1));
    let share = |thread: usize| {
        let mut sum = empty();
        for slab in (thread..slabs).step_by(threads) {
            let mut region = Region::whole(header.shape);
            (region.start[0], region.end[0]) = (slab * thick, ((slab + 1) * thick).min(nz));
            let done = source.read(&region).and_then(|voxels| visit(&mut sum, &region, &voxels));
            done.map_err(|error| (slab, error))?;
        }
        Ok(sum)
    };
    let parts: Vec<Result<A, (usize, Error)>> = std::thread::scope(|scope| {
        let share = &share;
        let others: Vec<_> = (1..threads).map(|thread| scope.spawn(move || share(thread))).collect();
        let mine = share(0);
        let join = |other: std::thread::ScopedJoinHandle<'_, _>| {
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        std::iter::once(mine).chain(others.into_iter().map(join)).collect()
    });
    let mut sum = empty();
    let mut first: Option<(usize, Error)> = None;
    for part in parts {
        match part {
            Ok(part) => sum.combine(part),
            Err((slab, error)) if first.as_ref().is_none_or(|(earlier, _)| slab < *earlier) => {
                first = Some((slab, error));
            }
            Err(_) => {}
        }
    }
    first.map_or(Ok(sum), |(_, error)| Err(error))
}
