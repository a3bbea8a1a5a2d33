//! The basins of a height, and how high each pair of them meets.
//!
//! Every voxel points to the highest of its neighbours if that is higher than itself, of equals the
//! first in raster order if it comes earlier than itself; who points nowhere is a summit, so a plateau
//! may have several, and a basin is what leads to it (the watershed by steepest ascent, as in Meyer,
//! Topographic distance and watershed lines, Signal Processing 38, 1994). Two basins meet as high as
//! the best pair of neighbours across their border, which is as high as its lower voxel. Plateaus
//! and grain make more basins than there are objects; the saddles say which to merge.
//!
//! Cost: O(voxels) sweeps in raster order, in parallel over slabs. Memory: 4 bytes a voxel, and 12 a
//! saddle.

use crate::lattice::stencil::Stencil;
use crate::volume::shape::Shape;

/// Marks a voxel whose basin is known; the rest of the number is the basin.
const KNOWN: u32 = 1 << 31;
/// The voxels that may be numbered.
pub(crate) const MOST_VOXELS: u64 = KNOWN as u64;

/// Where two basins meet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Saddle {
    /// The lower basin number, from 0.
    pub(crate) a: u32,
    /// The higher basin number.
    pub(crate) b: u32,
    /// The height of the meeting.
    pub(crate) height: f32,
}

/// The basins of a volume.
pub(crate) struct Basins {
    /// The basin of each voxel plus 1, in raster order of the summits; 0 outside the mask.
    pub(crate) of: Vec<u32>,
    /// The height of each basin's summit.
    pub(crate) summits: Vec<f32>,
    /// Each pair of basins that meet, in order.
    pub(crate) saddles: Vec<Saddle>,
}

/// A step to a neighbour: along z, y and x.
type Step = [isize; 3];

/// The basins of `heights`, positive inside the mask and 0 outside.
pub(crate) fn basins(heights: &[f32], shape: Shape, connectivity: Stencil, threads: usize) -> Basins {
    let steps = steps(connectivity);
    let mut of = ascents(heights, shape, &steps, threads);
    let summits = follow(&mut of, heights);
    let saddles = saddles(heights, &of, shape, &steps, threads);
    Basins { of, summits, saddles }
}

/// The steps to the neighbours, in raster order.
fn steps(connectivity: Stencil) -> Vec<Step> {
    connectivity.steps().map(|step| step.map(isize::from)).collect()
}

/// The row that a step leads to from row (z, y), where there is one.
fn row_at(shape: Shape, z: usize, y: usize, step: &Step) -> Option<usize> {
    let [nz, ny, _] = shape.0;
    let (z, y) = (z.checked_add_signed(step[0])?, y.checked_add_signed(step[1])?);
    (z < nz && y < ny).then_some(z * ny + y)
}

/// Where each voxel points: to itself from a summit and from outside the mask.
fn ascents(heights: &[f32], shape: Shape, steps: &[Step], threads: usize) -> Vec<u32> {
    let [nz, ny, nx] = shape.0;
    let mut up = vec![0u32; heights.len()];
    let share = nz.div_ceil(threads.clamp(1, nz.max(1)));
    std::thread::scope(|scope| {
        for (slab, up) in up.chunks_mut((share * ny * nx).max(1)).enumerate() {
            scope.spawn(move || {
                let mut best = vec![0.0f32; nx];
                for (row, up) in up.chunks_mut(nx).enumerate() {
                    let row = slab * share * ny + row;
                    ascend(heights, shape, steps, row, &mut best, up);
                }
            });
        }
    });
    up
}

fn ascend(heights: &[f32], shape: Shape, steps: &[Step], row: usize, best: &mut [f32], up: &mut [u32]) {
    let nx = shape.0[2];
    let own = &heights[row * nx..][..nx];
    best.copy_from_slice(own);
    up.iter_mut().zip(row * nx..).for_each(|(up, at)| *up = at as u32);
    each_run(own, |run| {
        for step in steps {
            let Some(other) = row_at(shape, row / shape.0[1], row % shape.0[1], step) else { continue };
            let start = run.start.max(usize::from(step[2] < 0));
            let end = run.end.min(nx - usize::from(step[2] > 0));
            let from = (other * nx + start).wrapping_add_signed(step[2]);
            let Some(len) = end.checked_sub(start) else { continue };
            let neighbors = heights[from..from + len].iter().zip(from as u32..);
            for ((best, up), (height, at)) in best[start..end].iter_mut().zip(&mut up[start..end]).zip(neighbors) {
                let better = *height > *best || (*height == *best && at < *up);
                *best = if better { *height } else { *best };
                *up = if better { at } else { *up };
            }
        }
    });
}

/// Calls `visit` with each run of voxels of the mask on a row.
fn each_run(row: &[f32], mut visit: impl FnMut(std::ops::Range<usize>)) {
    let mut start = 0;
    for run in row.chunk_by(|a, b| (*a > 0.0) == (*b > 0.0)) {
        if run[0] > 0.0 {
            visit(start..start + run.len());
        }
        start += run.len();
    }
}

/// Turns pointers into basins plus 1; the heights of the summits.
fn follow(up: &mut [u32], heights: &[f32]) -> Vec<f32> {
    let mut summits = Vec::new();
    for at in (0..up.len()).filter(|at| heights[*at] > 0.0) {
        if up[at] == at as u32 {
            up[at] = KNOWN | summits.len() as u32;
            summits.push(heights[at]);
        }
    }
    let mut path = Vec::new();
    for start in 0..up.len() {
        if heights[start] <= 0.0 {
            up[start] = 0;
            continue;
        }
        let mut at = start;
        while up[at] & KNOWN == 0 {
            path.push(at);
            at = up[at] as usize;
        }
        let basin = up[at];
        path.drain(..).for_each(|at| up[at] = basin);
    }
    up.iter_mut().filter(|basin| **basin != 0).for_each(|basin| *basin = (*basin ^ KNOWN) + 1);
    summits
}

/// How high each pair of basins meets.
fn saddles(heights: &[f32], of: &[u32], shape: Shape, steps: &[Step], threads: usize) -> Vec<Saddle> {
    let [nz, ny, _] = shape.0;
    let share = nz.div_ceil(threads.clamp(1, nz.max(1)));
    let parts: Vec<Vec<Saddle>> = std::thread::scope(|scope| {
        let slabs: Vec<_> = (0..nz)
            .step_by(share.max(1))
            .map(|z| scope.spawn(move || meet(heights, of, shape, steps, z * ny..(z + share).min(nz) * ny)))
            .collect();
        slabs.into_iter().map(|slab| slab.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut all = parts.concat();
    merge(&mut all);
    all
}

/// The saddles that voxels of `rows` have part in, each pair of voxels seen from the later one.
fn meet(heights: &[f32], of: &[u32], shape: Shape, steps: &[Step], rows: std::ops::Range<usize>) -> Vec<Saddle> {
    /// Saddles found before those of one pair are merged: a border has many.
    const ROOM: usize = 1 << 20;
    let nx = shape.0[2];
    let mut found: Vec<Saddle> = Vec::new();
    let mut room = ROOM;
    for row in rows {
        each_run(&heights[row * nx..][..nx], |run| {
            // Half of the steps, those that lead back: each pair is seen once.
            for step in &steps[..steps.len() / 2] {
                let Some(other) = row_at(shape, row / shape.0[1], row % shape.0[1], step) else { continue };
                let start = run.start.max(usize::from(step[2] < 0));
                let end = run.end.min(nx - usize::from(step[2] > 0));
                for x in start..end {
                    let (at, to) = (row * nx + x, (other * nx + x).wrapping_add_signed(step[2]));
                    let (a, b) = (of[at].min(of[to]), of[at].max(of[to]));
                    if a != b && a != 0 {
                        found.push(Saddle { a: a - 1, b: b - 1, height: heights[at].min(heights[to]) });
                    }
                }
            }
        });
        if found.len() > room {
            merge(&mut found);
            room = found.len() + ROOM;
        }
    }
    merge(&mut found);
    found
}

/// Keeps the highest saddle of each pair.
fn merge(saddles: &mut Vec<Saddle>) {
    saddles.sort_unstable_by(|s, t| (s.a, s.b).cmp(&(t.a, t.b)).then(t.height.total_cmp(&s.height)));
    saddles.dedup_by_key(|saddle| (saddle.a, saddle.b));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    const SHAPE: Shape = Shape([6, 8, 9]);

    fn neighbors(at: usize, connectivity: Stencil) -> impl Iterator<Item = usize> {
        let place = SHAPE.voxel(at as u64);
        steps(connectivity).into_iter().filter_map(move |step| {
            let mut to = [0; 3];
            for a in 0..3 {
                to[a] = place[a].checked_add_signed(step[a]).filter(|to| *to < SHAPE.0[a])?;
            }
            Some(SHAPE.raster(to) as usize)
        })
    }

    #[test]
    fn basins_and_saddles_are_their_definitions() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        for (connectivity, levels) in
            [(Stencil::N6, 4), (Stencil::N18, 30), (Stencil::N26, 5), (Stencil::N6, 1), (Stencil::N26, 1000)]
        {
            let voxels = SHAPE.voxels().unwrap() as usize;
            let heights: Vec<f32> = (0..voxels).map(|_| (rng.next_u32() % (levels + 1)) as f32).collect();
            let climb = |mut at: usize| loop {
                let ahead = neighbors(at, connectivity).chain([at]);
                let next = ahead.max_by(|i, j| heights[*i].total_cmp(&heights[*j]).then(j.cmp(i))).unwrap();
                if next == at {
                    return at;
                }
                at = next;
            };
            let summit: Vec<Option<usize>> = (0..voxels).map(|at| (heights[at] > 0.0).then(|| climb(at))).collect();
            let mut roots: Vec<usize> = summit.iter().flatten().copied().collect();
            roots.sort_unstable();
            roots.dedup();
            let basin = |at: usize| summit[at].map(|s| roots.binary_search(&s).unwrap() as u32);
            let mut plain = BTreeMap::new();
            for at in 0..voxels {
                for to in neighbors(at, connectivity) {
                    if let (Some(a), Some(b)) = (basin(at), basin(to))
                        && a < b
                    {
                        let height = plain.entry((a, b)).or_insert(0.0f32);
                        *height = height.max(heights[at].min(heights[to]));
                    }
                }
            }
            for threads in 1..4 {
                let ours = basins(&heights, SHAPE, connectivity, threads);
                assert!((0..voxels).all(|at| ours.of[at] == basin(at).map_or(0, |b| b + 1)));
                assert_eq!(ours.summits, roots.iter().map(|at| heights[*at]).collect::<Vec<_>>());
                let found: Vec<_> = ours.saddles.iter().map(|s| ((s.a, s.b), s.height)).collect();
                assert_eq!(found, plain.clone().into_iter().collect::<Vec<_>>());
            }
        }
    }
}
