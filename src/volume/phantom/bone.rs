//! Trabeculae with the lacunae of osteocytes and canals in them.
//!
//! Solid: rods between the nodes of a shaken cubic lattice of 32 to 64 voxels, one fifth of that in
//! radius. The marrow around them is one piece. Canals: closed tubes along a third of the rods.
//! Lacunae: spheroids of 6 to 8 by 4 to 5 voxels along the rods, in the solid with at least 1.8 voxels
//! of it around each, so that every cavity is a component of zeros of its own by 6 and by 26
//! neighbours. Cost: the voxels of the boxes of these shapes.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::volume::phantom::random::{self, below, between, direction, generator};
use crate::volume::region::Region;
use crate::volume::shape::Shape;

/// The least lattice spacing.
const PITCH: f64 = 32.0;
/// The radius of a rod, in parts of the lattice spacing.
const ROD: f64 = 0.2;
/// The radius of a canal.
const CANAL: f64 = 1.8;
/// The least solid between two cavities: more than the diagonal of a voxel.
const WALL: f64 = 1.8;
/// The longest half axis of a lacuna.
const LACUNA: f64 = 4.0;

#[derive(Clone, Copy, Debug)]
struct Rod {
    from: [f64; 3],
    to: [f64; 3],
    radius: f64,
}

#[derive(Clone, Copy, Debug)]
struct Spheroid {
    centre: [f64; 3],
    /// The direction of its long axis.
    axis: [f64; 3],
    long: f64,
    short: f64,
}

/// The shapes that make up the bone.
#[derive(Clone, Debug)]
pub(super) struct Bone {
    rods: Vec<Rod>,
    canals: Vec<Rod>,
    lacunae: Vec<Spheroid>,
}

/// A body that can be painted.
trait Body {
    /// The half extents of its box, and the box's centre.
    fn bounds(&self) -> ([f64; 3], [f64; 3]);
    fn contains(&self, at: [f64; 3]) -> bool;
}

impl Bone {
    /// A bone with `lacunae` lacunae that fills `shape`.
    pub(super) fn new(shape: Shape, lacunae: u64, seed: u64) -> Result<Self> {
        if shape.0.iter().any(|n| (*n as f64) < PITCH) {
            return Err(Error::usage(format!("a bone of {shape}: give at least {PITCH} voxels along each axis")));
        }
        let mut rng = generator(seed, random::BONE);
        let counts = shape.0.map(|n| (n as f64 / PITCH) as usize);
        let pitch: [f64; 3] = std::array::from_fn(|a| shape.0[a] as f64 / counts[a] as f64);
        let radius = ROD * pitch.iter().copied().fold(f64::INFINITY, f64::min);
        // One node more on each side: its rods leave through the faces.
        let lattice = Shape(counts.map(|n| n + 2));
        let inside = |place: [usize; 3]| (0..3).all(|a| (1..=counts[a]).contains(&place[a]));
        let nodes: Vec<[f64; 3]> = (0..lattice.0.iter().product::<usize>())
            .map(|i| {
                let place = lattice.voxel(i as u64);
                std::array::from_fn(|a| (place[a] as f64 - 0.5 + between(&mut rng, -0.06, 0.06)) * pitch[a])
            })
            .collect();
        let (mut rods, mut canals) = (Vec::new(), Vec::new());
        for (i, from) in nodes.iter().enumerate() {
            let place = lattice.voxel(i as u64);
            for axis in 0..3 {
                let mut next = place;
                next[axis] += 1;
                let ends = [inside(place), inside(next)];
                if next[axis] >= lattice.0[axis] || ends == [false, false] {
                    continue;
                }
                let rod = Rod { from: *from, to: nodes[lattice.raster(next) as usize], radius };
                if rods.len() % 3 == 0 {
                    // A canal ends before the face through which its rod leaves.
                    let (start, end) = match ends {
                        [true, true] => (0.25, 0.75),
                        [true, false] => (0.22, 0.34),
                        _ => (0.66, 0.78),
                    };
                    canals.push(Rod { from: rod.point(start), to: rod.point(end), radius: CANAL });
                }
                rods.push(rod);
            }
        }
        let mut bone = Self { rods, canals, lacunae: Vec::new() };
        bone.place(shape, lacunae, &mut rng)?;
        Ok(bone)
    }

    fn place(&mut self, shape: Shape, lacunae: u64, rng: &mut rand_chacha::ChaCha8Rng) -> Result<()> {
        const TRIES: usize = 5000;
        let apart = 2.0 * LACUNA + WALL;
        let bucket = |at: [f64; 3]| at.map(|c| (c / apart) as i64);
        let mut buckets: HashMap<[i64; 3], Vec<[f64; 3]>> = HashMap::new();
        for placed in 0..lacunae {
            let lacuna = (0..TRIES).find_map(|_| {
                let rod = self.rods[below(rng, self.rods.len())];
                let (long, short) = (between(rng, 3.0, LACUNA), between(rng, 2.0, 2.5));
                let (along, away) = (rod.point(between(rng, 0.0, 1.0)), direction(rng));
                let axis = rod.direction();
                let lean: f64 = dot(away, axis);
                let off = between(rng, 0.0, 1.0).sqrt() * (rod.radius - short - WALL);
                // A direction drawn evenly is square to the rod once its part along it is removed.
                let square = minus(away, axis.map(|c| c * lean));
                let length = dot(square, square).sqrt().max(1e-9);
                let centre: [f64; 3] = std::array::from_fn(|a| along[a] + square[a] / length * off);
                let margin = long + WALL;
                let free = (0..3).all(|a| centre[a] > margin && centre[a] < shape.0[a] as f64 - 1.0 - margin)
                    && self.canals.iter().all(|canal| canal.distance(centre) > long + CANAL + WALL)
                    && !crowded(&buckets, bucket(centre), centre, apart);
                free.then_some(Spheroid { centre, axis, long, short })
            });
            let Some(lacuna) = lacuna else {
                return Err(Error::usage(format!("only {placed} of {lacunae} lacunae fit into a bone of {shape}")));
            };
            buckets.entry(bucket(lacuna.centre)).or_default().push(lacuna.centre);
            self.lacunae.push(lacuna);
        }
        Ok(())
    }

    /// The number of canals.
    pub(super) fn canals(&self) -> u64 {
        self.canals.len() as u64
    }

    /// 1 in the solid of `region`, 0 in its cavities and outside.
    pub(super) fn mask(&self, region: &Region) -> Vec<u8> {
        let mut mask = vec![0; region.shape().0.iter().product()];
        self.rods.iter().for_each(|rod| paint(rod, region, &mut mask, 1));
        self.canals.iter().for_each(|canal| paint(canal, region, &mut mask, 0));
        self.lacunae.iter().for_each(|lacuna| paint(lacuna, region, &mut mask, 0));
        mask
    }
}

fn crowded(buckets: &HashMap<[i64; 3], Vec<[f64; 3]>>, bucket: [i64; 3], at: [f64; 3], apart: f64) -> bool {
    (0..27).any(|code| {
        let near = [bucket[0] + code / 9 - 1, bucket[1] + code / 3 % 3 - 1, bucket[2] + code % 3 - 1];
        let others = buckets.get(&near).into_iter().flatten();
        others.copied().any(|other| dot(minus(at, other), minus(at, other)) < apart * apart)
    })
}

fn paint(body: &impl Body, region: &Region, mask: &mut [u8], value: u8) {
    let shape = region.shape();
    let (half, centre) = body.bounds();
    let span = |a: usize| {
        let low = (centre[a] - half[a]).floor().max(0.0) as usize;
        let high = (centre[a] + half[a]).ceil().max(-1.0) as i64 + 1;
        low.clamp(region.start[a], region.end[a])..(high as usize).clamp(region.start[a], region.end[a])
    };
    for z in span(0) {
        for y in span(1) {
            for x in span(2) {
                if body.contains([z as f64, y as f64, x as f64]) {
                    let place = [z - region.start[0], y - region.start[1], x - region.start[2]];
                    mask[shape.raster(place) as usize] = value;
                }
            }
        }
    }
}

impl Rod {
    fn point(&self, part: f64) -> [f64; 3] {
        std::array::from_fn(|a| self.from[a] + (self.to[a] - self.from[a]) * part)
    }

    fn direction(&self) -> [f64; 3] {
        let along = minus(self.to, self.from);
        along.map(|c| c / dot(along, along).sqrt())
    }

    /// How far `at` is from its axis.
    fn distance(&self, at: [f64; 3]) -> f64 {
        let (along, from) = (minus(self.to, self.from), minus(at, self.from));
        let part = (dot(from, along) / dot(along, along)).clamp(0.0, 1.0);
        let off = minus(from, along.map(|c| c * part));
        dot(off, off).sqrt()
    }
}

impl Body for Rod {
    fn bounds(&self) -> ([f64; 3], [f64; 3]) {
        let half = std::array::from_fn(|a| (self.to[a] - self.from[a]).abs() / 2.0 + self.radius);
        (half, self.point(0.5))
    }

    fn contains(&self, at: [f64; 3]) -> bool {
        self.distance(at) <= self.radius
    }
}

impl Body for Spheroid {
    fn bounds(&self) -> ([f64; 3], [f64; 3]) {
        ([self.long; 3], self.centre)
    }

    fn contains(&self, at: [f64; 3]) -> bool {
        let from = minus(at, self.centre);
        let along = dot(from, self.axis);
        let across = dot(from, from) - along * along;
        along * along / (self.long * self.long) + across / (self.short * self.short) <= 1.0
    }
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}
