//! Voronoi cells of random seeds, and the foam whose films lie between them.
//!
//! Seeds are voxels, no two nearer than about 0.7 of the mean cell edge, so that no cell is empty or
//! a sliver; equal distances go to the smaller label. A tile of voxels looks only at those seeds
//! that can own one of them: a seed whose nearest point of the tile is farther than another seed's
//! farthest cannot. Cost: some ten distances a voxel in exact integers.
//!
//! A foam's bubble is its cell without what lies near its walls, the distances to them merged by a
//! smooth minimum: it stays convex and its corners are round, as Plateau borders make them, so each
//! bubble is one component of voxels.

use crate::error::{Error, Result};
use crate::volume::phantom::random::{self, below, generator};
use crate::volume::region::Region;
use crate::volume::shape::Shape;

/// The longest axis: squares of distances within it fit in 32 bits.
const LONGEST: usize = 1 << 14;

/// Seeds, and what is needed to find the nearest.
#[derive(Clone, Debug)]
pub(super) struct Voronoi {
    /// In raster order: seed i has label i + 1.
    seeds: Vec<[i32; 3]>,
    /// The mean edge of a cell.
    edge: f64,
    /// The seeds in each bucket, whose edge is `edge`.
    buckets: Vec<Vec<u32>>,
    counts: [usize; 3],
    film: Film,
}

/// The liquid between bubbles.
#[derive(Clone, Copy, Debug)]
struct Film {
    /// Half its thickness.
    half: f64,
    /// The radius to which corners are rounded.
    round: f64,
}

impl Film {
    /// The distance from which on a wall has no part in the rounding.
    fn reach(self) -> f64 {
        self.half + 5.0 * self.round
    }
}

/// A seed that may own a voxel of a tile.
#[derive(Clone, Copy)]
struct Candidate {
    label: u32,
    at: [i32; 3],
}

impl Voronoi {
    /// `cells` cells that fill a volume of `shape`.
    pub(super) fn cells(shape: Shape, cells: u64, seed: u64) -> Result<Self> {
        Self::new(shape, cells, seed, 8)
    }

    /// A foam of `cells` bubbles in a volume of `shape`.
    pub(super) fn foam(shape: Shape, cells: u64, seed: u64) -> Result<Self> {
        Self::new(shape, cells, seed, 1200)
    }

    fn new(shape: Shape, cells: u64, seed: u64, least_voxels: u64) -> Result<Self> {
        let voxels = shape.voxels().unwrap_or(0);
        let most = voxels / least_voxels;
        if cells == 0 || cells > most || cells > u64::from(u32::MAX) || shape.0.iter().any(|n| *n > LONGEST) {
            return Err(Error::usage(format!(
                "{cells} cells in {shape}: give 1 to {most} cells, and axes of at most {LONGEST} voxels"
            )));
        }
        let edge = mean_edge(shape, cells);
        let film = Film { half: (0.04 * edge).max(1.0), round: (0.04 * edge).max(0.9) };
        let counts = shape.0.map(|n| (n as f64 / edge).ceil().max(1.0) as usize);
        let mut voronoi =
            Self { seeds: Vec::new(), edge, buckets: vec![Vec::new(); counts.iter().product()], counts, film };
        voronoi.throw(shape, cells as usize, seed);
        Ok(voronoi)
    }

    /// Throws seeds, each again while it is too near another.
    fn throw(&mut self, shape: Shape, cells: usize, seed: u64) {
        let mut rng = generator(seed, random::SEEDS);
        let mut apart = 0.7 * self.edge;
        while self.seeds.len() < cells {
            let free = (0..200).find_map(|_| {
                let at = shape.0.map(|n| below(&mut rng, n) as i32);
                let clear = (apart * apart).max(1.0);
                let (low, high) = self.buckets_around(at, at, apart.max(1.0));
                let near =
                    self.seeds_in(low, high).any(|other| f64::from(squared(at, self.seeds[other as usize])) < clear);
                (!near).then_some(at)
            });
            match free {
                Some(at) => {
                    let bucket = self.bucket(at);
                    self.buckets[bucket].push(self.seeds.len() as u32);
                    self.seeds.push(at);
                }
                // Full at this distance.
                None => apart *= 0.95,
            }
        }
        self.seeds.sort_unstable();
        self.buckets.iter_mut().for_each(Vec::clear);
        for (i, at) in self.seeds.clone().into_iter().enumerate() {
            let bucket = self.bucket(at);
            self.buckets[bucket].push(i as u32);
        }
    }

    fn bucket(&self, at: [i32; 3]) -> usize {
        let [z, y, x] = std::array::from_fn(|a| ((f64::from(at[a]) / self.edge) as usize).min(self.counts[a] - 1));
        (z * self.counts[1] + y) * self.counts[2] + x
    }

    /// The buckets that come within `reach` of the box from `low` to `high`, ends included.
    fn buckets_around(&self, low: [i32; 3], high: [i32; 3], reach: f64) -> ([usize; 3], [usize; 3]) {
        let place = |at: f64, a: usize| ((at / self.edge).max(0.0) as usize).min(self.counts[a] - 1);
        (
            std::array::from_fn(|a| place(f64::from(low[a]) - reach, a)),
            std::array::from_fn(|a| place(f64::from(high[a]) + reach, a)),
        )
    }

    fn seeds_in(&self, low: [usize; 3], high: [usize; 3]) -> impl Iterator<Item = u32> + '_ {
        let rows = (low[0]..=high[0]).flat_map(move |z| (low[1]..=high[1]).map(move |y| z * self.counts[1] + y));
        rows.flat_map(move |row| {
            let start = row * self.counts[2];
            self.buckets[start + low[2]..=start + high[2]].iter().flatten().copied()
        })
    }

    /// The seeds, by label, that own a voxel between `low` and `high` or come within `slack` of it.
    fn candidates(&self, low: [i32; 3], high: [i32; 3], slack: f64, into: &mut Vec<Candidate>) {
        let mut reach = self.edge;
        loop {
            let (first, last) = self.buckets_around(low, high, reach);
            let all = first == [0; 3] && (0..3).all(|a| last[a] + 1 == self.counts[a]);
            let farthest = self.seeds_in(first, last).map(|i| farthest(self.seeds[i as usize], low, high)).min();
            let needed = farthest.map(|squared| f64::from(squared).sqrt() + slack + 1e-6);
            match needed {
                Some(needed) if needed <= reach || all => {
                    into.clear();
                    into.extend(self.seeds_in(first, last).filter_map(|i| {
                        let at = self.seeds[i as usize];
                        (f64::from(nearest(at, low, high)) <= needed * needed).then_some(Candidate { label: i + 1, at })
                    }));
                    into.sort_unstable_by_key(|candidate| candidate.label);
                    return;
                }
                Some(needed) => reach = needed,
                None => reach *= 2.0,
            }
        }
    }

    /// Calls `visit` with each tile of `region` and its candidates, by label.
    fn each_tile(&self, region: &Region, slack: f64, mut visit: impl FnMut(Region, &[Candidate])) {
        let edge = ((self.edge / 3.0) as usize).clamp(2, 16);
        let mut candidates = Vec::new();
        for z in region.range(0).step_by(edge) {
            for y in region.range(1).step_by(edge) {
                for x in region.range(2).step_by(edge) {
                    let start = [z, y, x];
                    let end = std::array::from_fn(|a| (start[a] + edge).min(region.end[a]));
                    self.candidates(start.map(|n| n as i32), end.map(|n| n as i32 - 1), slack, &mut candidates);
                    visit(Region { start, end }, &candidates);
                }
            }
        }
    }

    /// The label of the cell of each voxel of `region`.
    pub(super) fn owners(&self, region: &Region) -> Vec<u32> {
        let shape = region.shape();
        let mut labels = vec![0; shape.0.iter().product()];
        self.each_tile(region, 0.0, |tile, candidates| {
            each_row(region, &tile, |start, z, y| {
                let row = &mut labels[start..start + tile.range(2).len()];
                let (owner, _) = nearest_along(candidates, z, y, tile.start[2] as i32, row.len());
                row.iter_mut().zip(owner).for_each(|(label, owner)| *label = candidates[owner as usize].label);
            });
        });
        labels
    }

    /// The label of the bubble of each voxel of `region`, 0 in the liquid.
    pub(super) fn bubbles(&self, region: &Region) -> Vec<u32> {
        let shape = region.shape();
        let mut labels = vec![0; shape.0.iter().product()];
        let mut between = Vec::new();
        self.each_tile(region, 2.0 * self.film.reach(), |tile, candidates| {
            between.clear();
            between.extend(
                candidates.iter().flat_map(|a| candidates.iter().map(|b| 0.5 / f64::from(squared(a.at, b.at)).sqrt())),
            );
            each_row(region, &tile, |start, z, y| {
                let row = &mut labels[start..start + tile.range(2).len()];
                let first = tile.start[2] as i32;
                let (owner, distance) = nearest_along(candidates, z, y, first, row.len());
                for (i, label) in row.iter_mut().enumerate() {
                    let own = owner[i] as usize;
                    let walls =
                        candidates.iter().enumerate().filter(|(other, _)| *other != own).map(|(other, seed)| {
                            let apart = squared(seed.at, [z, y, first + i as i32]) - distance[i];
                            f64::from(apart) * between[own * candidates.len() + other]
                        });
                    if self.film.is_gas(walls) {
                        *label = candidates[own].label;
                    }
                }
            });
        });
        labels
    }
}

impl Film {
    /// Whether a voxel at these distances from the walls of its cell is in the gas.
    #[inline]
    fn is_gas(self, walls: impl Iterator<Item = f64> + Clone) -> bool {
        let reach = self.reach();
        let mut near = walls.filter(|distance| *distance < reach).peekable();
        // Most voxels are far from every wall, and many in the film itself: neither needs the rest.
        near.peek().is_none()
            || near.clone().all(|distance| distance > self.half)
                && -self.round * near.map(|distance| (-distance / self.round).exp()).sum::<f64>().ln() > self.half
    }
}

/// Calls `visit` with where each row of `tile` starts in `region`, and its z and y.
fn each_row(region: &Region, tile: &Region, mut visit: impl FnMut(usize, i32, i32)) {
    let shape = region.shape();
    for (z, y) in tile.rows() {
        let place = [z - region.start[0], y - region.start[1], tile.start[2] - region.start[2]];
        visit(shape.raster(place) as usize, z as i32, y as i32);
    }
}

/// Which candidate is nearest to each of `len <= 16` voxels from (z, y, x) on, and how far it is,
/// squared.
fn nearest_along(candidates: &[Candidate], z: i32, y: i32, x: i32, len: usize) -> ([u32; 16], [i32; 16]) {
    let (mut owner, mut least) = ([0; 16], [i32::MAX; 16]);
    for (i, Candidate { at, .. }) in candidates.iter().enumerate() {
        let off = (z - at[0]) * (z - at[0]) + (y - at[1]) * (y - at[1]);
        for k in 0..len.next_multiple_of(4).min(16) {
            let along = x + k as i32 - at[2];
            let distance = off + along * along;
            let nearer = distance < least[k];
            least[k] = if nearer { distance } else { least[k] };
            owner[k] = if nearer { i as u32 } else { owner[k] };
        }
    }
    (owner, least)
}

/// The edge that a cell has on average, where axes shorter than it do not count.
fn mean_edge(shape: Shape, cells: u64) -> f64 {
    let mut axes = shape.0.map(|n| n as f64);
    axes.sort_by(f64::total_cmp);
    let edges = (0..3).map(|thin| {
        let extent: f64 = axes[thin..].iter().product();
        (extent / cells as f64).powf(1.0 / (3 - thin) as f64)
    });
    let fits = edges.zip(axes).find(|(edge, axis)| edge <= axis);
    fits.map_or(axes[2], |(edge, _)| edge.max(1.0))
}

fn squared(a: [i32; 3], b: [i32; 3]) -> i32 {
    (0..3).map(|axis| (a[axis] - b[axis]) * (a[axis] - b[axis])).sum()
}

/// The square of the distance from `at` to the nearest voxel between `low` and `high`.
fn nearest(at: [i32; 3], low: [i32; 3], high: [i32; 3]) -> i32 {
    squared(at, std::array::from_fn(|a| at[a].clamp(low[a], high[a])))
}

/// The square of the distance from `at` to the farthest voxel between `low` and `high`.
fn farthest(at: [i32; 3], low: [i32; 3], high: [i32; 3]) -> i32 {
    (0..3).map(|a| (at[a] - low[a]).abs().max((high[a] - at[a]).abs()).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_voxel_belongs_to_its_nearest_seed_and_of_equals_to_the_first() {
        for (shape, cells) in
            [([20, 30, 25], 1), ([20, 30, 25], 40), ([20, 30, 25], 1800), ([1, 40, 60], 30), ([1, 1, 90], 9)]
        {
            let shape = Shape(shape);
            let voronoi = Voronoi::cells(shape, cells, 11).unwrap();
            let owners = voronoi.owners(&Region::whole(shape));
            let mut owned = vec![false; cells as usize];
            for (raster, owner) in owners.iter().enumerate() {
                let at = shape.voxel(raster as u64).map(|n| n as i32);
                let plain = (0..voronoi.seeds.len()).min_by_key(|i| squared(voronoi.seeds[*i], at)).unwrap();
                assert_eq!(*owner as usize, plain + 1);
                owned[plain] = true;
            }
            assert!(owned.iter().all(|owned| *owned), "no cell is empty");
        }
    }

    #[test]
    fn bubbles_keep_to_their_cells() {
        let shape = Shape([60, 50, 40]);
        let foam = Voronoi::foam(shape, 60, 2).unwrap();
        let whole = Region::whole(shape);
        let bubbles = foam.bubbles(&whole);
        assert!(foam.owners(&whole).iter().zip(&bubbles).all(|(owner, bubble)| *bubble == 0 || bubble == owner));
        let gas = bubbles.iter().filter(|bubble| **bubble > 0).count();
        assert!((0.3..0.9).contains(&(gas as f64 / bubbles.len() as f64)));
    }
}
