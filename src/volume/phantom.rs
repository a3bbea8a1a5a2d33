//! Synthetic scans whose truth is known.
//!
//! | kind | voxels | truth |
//! |---|---|---|
//! | `cells` | labels 1..=N of touching Voronoi cells that fill the volume | N cells |
//! | `foam` | grey `uint8`: liquid films 130 to 230 with noise, gas 0 | N bubbles: components of zeros |
//! | `bone` | mask: 1 in trabeculae, 0 in marrow, lacunae and canals | N lacunae, and canals |
//! | `spheres` | mask: balls that overlap by up to 30 % of the smaller radius | N balls |
//! | `noise` | mask: each voxel 1 with probability P | none |
//!
//! A phantom is computed where it is read and never held whole. Random numbers are ChaCha8 words
//! addressed by (seed, purpose) for what is placed and (seed, row, x) for voxels, so the voxels
//! do not depend on the order of reads. Lengths are in voxels; the spacing is 1.

mod bone;
mod random;
mod spheres;
mod voronoi;

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::bone::Bone;
use self::random::words;
use self::spheres::Spheres;
use self::voronoi::Voronoi;
use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::voxel::{Dtype, Voxels};

/// What a phantom looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Touching Voronoi cells, as labels.
    Cells,
    /// Liquid films between bubbles, as grey values.
    Foam,
    /// Trabeculae with lacunae and canals, as a mask.
    Bone,
    /// Overlapping balls, as a mask.
    Spheres,
    /// Site percolation, as a mask.
    Noise,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 5] = [Kind::Cells, Kind::Foam, Kind::Bone, Kind::Spheres, Kind::Noise];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Cells => "cells",
            Kind::Foam => "foam",
            Kind::Bone => "bone",
            Kind::Spheres => "spheres",
            Kind::Noise => "noise",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Kind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            Error::usage(format!("«{text}» is not a phantom: give one of {}", Kind::ALL.map(Kind::name).join(", ")))
        })
    }
}

/// What is known of a phantom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Cells, bubbles, lacunae or balls; 0 for noise.
    pub cells: u64,
    /// Closed canals, beside the lacunae, each a component of zeros as they are; the marrow is one
    /// more. 0 except for bone.
    pub canals: u64,
}

/// A synthetic scan.
#[derive(Clone, Debug)]
pub struct Phantom {
    header: Header,
    seed: u64,
    truth: Truth,
    scene: Scene,
}

#[derive(Clone, Debug)]
enum Scene {
    Cells(Voronoi),
    Foam(Voronoi),
    FoamLabels(Voronoi),
    Bone(Bone),
    Spheres(Spheres),
    SphereLabels(Spheres),
    Noise { density: f64 },
}

impl Phantom {
    /// A phantom of `kind` with `cells` cells, the same for the same `seed`. `density` is the share
    /// of foreground in noise, which has no cells; the other kinds do not look at it.
    ///
    /// # Errors
    /// Where the cells do not fit into the shape, or the density is not between 0 and 1.
    pub fn new(kind: Kind, shape: Shape, cells: u64, seed: u64, density: f64) -> Result<Self> {
        let scene = match kind {
            Kind::Cells => Scene::Cells(Voronoi::cells(shape, cells, seed)?),
            Kind::Foam => Scene::Foam(Voronoi::foam(shape, cells, seed)?),
            Kind::Bone => Scene::Bone(Bone::new(shape, cells, seed)?),
            Kind::Spheres => Scene::Spheres(Spheres::new(shape, cells, seed, None)?),
            Kind::Noise if (0.0..=1.0).contains(&density) => Scene::Noise { density },
            Kind::Noise => return Err(Error::usage(format!("a density of {density}: give one between 0 and 1"))),
        };
        Self::of(scene, shape, seed, cells)
    }

    /// Balls with radii drawn evenly from `radii`, in voxels; [`Phantom::new`] chooses radii from 0.6
    /// to 1 of a largest one such that the balls fill about a fifth of the volume.
    ///
    /// # Errors
    /// Where the balls do not fit into the shape.
    pub fn spheres(shape: Shape, cells: u64, seed: u64, radii: RangeInclusive<f64>) -> Result<Self> {
        Self::of(Scene::Spheres(Spheres::new(shape, cells, seed, Some(radii))?), shape, seed, cells)
    }

    fn of(scene: Scene, shape: Shape, seed: u64, cells: u64) -> Result<Self> {
        let (kind, dtype, truth) = match &scene {
            Scene::Cells(_) => (Kind::Cells, Dtype::for_labels(cells), Truth { cells, canals: 0 }),
            Scene::FoamLabels(_) => (Kind::Foam, Dtype::for_labels(cells), Truth { cells, canals: 0 }),
            Scene::SphereLabels(_) => (Kind::Spheres, Dtype::for_labels(cells), Truth { cells, canals: 0 }),
            Scene::Foam(_) => (Kind::Foam, Dtype::U8, Truth { cells, canals: 0 }),
            Scene::Spheres(_) => (Kind::Spheres, Dtype::U8, Truth { cells, canals: 0 }),
            Scene::Bone(bone) => (Kind::Bone, Dtype::U8, Truth { cells, canals: bone.canals() }),
            Scene::Noise { .. } => (Kind::Noise, Dtype::U8, Truth::default()),
        };
        let bytes = shape.voxels().filter(|n| *n > 0).and_then(|n| n.checked_mul(dtype.bytes() as u64));
        let header = Header {
            name: format!("phantom {kind}"),
            shape,
            dtype,
            spacing: Spacing::default(),
            format: "phantom".into(),
            chunk: [1, shape.0[1], shape.0[2]],
            axes: "zyx".into(),
            bytes: bytes.ok_or_else(|| Error::usage(format!("a phantom of {shape} has no voxels, or too many")))?,
        };
        Ok(Self { header, seed, truth, scene })
    }

    /// What is known of it.
    pub fn truth(&self) -> Truth {
        self.truth
    }

    /// The true label of every voxel, as a volume: the cells themselves, the bubbles of a foam, the
    /// balls (where two overlap, the plane of their intersection parts them). Bone and noise have
    /// none. Labels are numbered in the raster order of the cells' seeds or the balls' centres.
    pub fn labels(&self) -> Option<Phantom> {
        let scene = match &self.scene {
            Scene::Foam(foam) => Scene::FoamLabels(foam.clone()),
            Scene::Spheres(spheres) => Scene::SphereLabels(spheres.clone()),
            Scene::Cells(_) | Scene::FoamLabels(_) | Scene::SphereLabels(_) => self.scene.clone(),
            Scene::Bone(_) | Scene::Noise { .. } => return None,
        };
        Self::of(scene, self.header.shape, self.seed, self.truth.cells).ok()
    }

    /// For each voxel of `region` in raster order, a random word of its own.
    fn each_word(&self, region: &Region, mut visit: impl FnMut(usize, u32)) {
        let mut rng = random::generator(self.seed, random::VOXELS);
        for (i, (z, y)) in region.rows().enumerate() {
            let row = self.header.shape.raster([z, y, 0]) / self.header.shape.0[2] as u64;
            let width = region.range(2).len();
            words(&mut rng, row, region.start[2], width, |x, word| visit(i * width + x, word));
        }
    }
}

impl VolumeSource for Phantom {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        let shape = region.shape();
        if region.is_empty() {
            return Ok(Voxels::zeros(self.header.dtype, shape));
        }
        let labels = |labels: Vec<u32>| Voxels::from_vec(shape, labels).cast(self.header.dtype);
        Ok(match &self.scene {
            Scene::Cells(voronoi) => labels(voronoi.owners(region)),
            Scene::FoamLabels(foam) => labels(foam.bubbles(region)),
            Scene::SphereLabels(spheres) => labels(spheres.labels(region)),
            Scene::Bone(bone) => Voxels::from_vec(shape, bone.mask(region)),
            Scene::Spheres(spheres) => Voxels::from_vec(shape, spheres.mask(region)),
            Scene::Foam(foam) => {
                let mut grey: Vec<u8> = foam.bubbles(region).into_iter().map(|bubble| u8::from(bubble == 0)).collect();
                self.each_word(region, |i, word| {
                    // Two of its bytes: the sum of two even distributions has most in the middle.
                    let noise = ((word & 0xff) + ((word >> 8) & 0xff)) * 100 / 510;
                    grey[i] *= 130 + noise as u8;
                });
                Voxels::from_vec(shape, grey)
            }
            Scene::Noise { density } => {
                let limit = (density * 2f64.powi(32)) as u64;
                let mut mask = vec![0u8; shape.0.iter().product()];
                self.each_word(region, |i, word| mask[i] = u8::from(u64::from(word) < limit));
                Voxels::from_vec(shape, mask)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::Rng;

    use super::*;

    /// The number of components of the voxels that `is` picks, by flood fill over 6 or 26
    /// neighbours, and how many voxels each has.
    fn components(shape: Shape, is: impl Fn(u64) -> bool, faces: bool) -> Vec<usize> {
        let mut seen = vec![false; shape.voxels().unwrap() as usize];
        let mut sizes = Vec::new();
        for start in 0..seen.len() {
            let mut stack = if is(start as u64) && !seen[start] { vec![start as u64] } else { continue };
            seen[start] = true;
            let mut size = 0;
            while let Some(at) = stack.pop() {
                size += 1;
                let place = shape.voxel(at);
                for code in 0..27usize {
                    let step = [code / 9, code / 3 % 3, code % 3];
                    if faces && step.iter().filter(|s| **s != 1).count() != 1 {
                        continue;
                    }
                    let to: [usize; 3] = std::array::from_fn(|a| (place[a] + step[a]).wrapping_sub(1));
                    if (0..3).all(|a| to[a] < shape.0[a]) {
                        let raster = shape.raster(to);
                        if is(raster) && !std::mem::replace(&mut seen[raster as usize], true) {
                            stack.push(raster);
                        }
                    }
                }
            }
            sizes.push(size);
        }
        sizes
    }

    fn bytes(phantom: &Phantom) -> Vec<u8> {
        let whole = phantom.read(&Region::whole(phantom.header.shape)).unwrap();
        whole.view::<u8>().unwrap().iter().copied().collect()
    }

    #[test]
    fn what_is_read_in_parts_is_what_is_read_whole() {
        let shape = Shape([50, 64, 71]);
        for kind in Kind::ALL {
            let phantom = Phantom::new(kind, shape, 12, 3, 0.3).unwrap();
            for phantom in phantom.labels().into_iter().chain([phantom]) {
                let whole = phantom.read(&Region::whole(shape)).unwrap();
                let mut rng = random::generator(7, 7);
                for _ in 0..20 {
                    let start = shape.0.map(|n| rng.next_u32() as usize % n);
                    let end = std::array::from_fn(|a| start[a] + 1 + rng.next_u32() as usize % (shape.0[a] - start[a]));
                    let region = Region { start, end };
                    assert_eq!(phantom.read(&region).unwrap(), whole.part(&region), "{kind} {region}");
                }
            }
        }
    }

    #[test]
    fn a_phantom_depends_on_its_seed() {
        for kind in Kind::ALL {
            let [a, b, c] = [1, 1, 2].map(|seed| {
                let phantom = Phantom::new(kind, Shape([64, 64, 64]), 15, seed, 0.5).unwrap();
                phantom.read(&Region::whole(Shape([64, 64, 64]))).unwrap()
            });
            assert!(a == b && a != c, "{kind}");
        }
    }

    #[test]
    fn every_bubble_of_a_foam_is_one_component_of_zeros() {
        for (shape, cells, seed) in [([64, 64, 64], 100, 1), ([96, 80, 112], 500, 2), ([100, 100, 100], 40, 3)] {
            let foam = Phantom::new(Kind::Foam, Shape(shape), cells, seed, 0.0).unwrap();
            let grey = bytes(&foam);
            for faces in [true, false] {
                assert_eq!(components(Shape(shape), |i| grey[i as usize] == 0, faces).len() as u64, cells);
            }
            assert_eq!(components(Shape(shape), |i| grey[i as usize] > 0, true).len(), 1, "the liquid is one");
        }
    }

    #[test]
    fn every_lacuna_and_canal_of_a_bone_is_one_component_of_zeros_and_the_marrow_another() {
        for (shape, cells, seed) in [([64, 64, 64], 10, 1), ([128, 90, 128], 100, 2), ([128, 128, 128], 0, 3)] {
            let bone = Phantom::new(Kind::Bone, Shape(shape), cells, seed, 0.0).unwrap();
            let mask = bytes(&bone);
            let Truth { cells, canals } = bone.truth();
            assert!(canals > 0);
            for faces in [true, false] {
                let zeros = components(Shape(shape), |i| mask[i as usize] == 0, faces);
                assert_eq!(zeros.len() as u64, cells + canals + 1);
                assert_eq!(components(Shape(shape), |i| mask[i as usize] == 1, faces).len(), 1);
            }
        }
    }

    #[test]
    fn noise_has_the_density_asked_for() {
        for density in [0.0, 0.2, 0.5, 1.0] {
            let noise = Phantom::new(Kind::Noise, Shape([64; 3]), 0, 5, density).unwrap();
            let share = bytes(&noise).iter().map(|v| f64::from(*v)).sum::<f64>() / 262144.0;
            assert!((share - density).abs() < 5.0 * (0.25f64 / 262144.0).sqrt(), "{share}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |kind, shape, cells, density| Phantom::new(kind, Shape(shape), cells, 1, density).unwrap_err();
        refused(Kind::Cells, [10, 10, 10], 0, 0.0);
        refused(Kind::Cells, [10, 10, 10], 1001, 0.0);
        refused(Kind::Foam, [64, 64, 64], 5000, 0.0);
        refused(Kind::Bone, [20, 64, 64], 1, 0.0);
        refused(Kind::Bone, [64, 64, 64], 5000, 0.0);
        refused(Kind::Spheres, [64, 64, 64], 5000, 0.0);
        refused(Kind::Noise, [64, 64, 64], 0, 1.5);
        refused(Kind::Noise, [64, 64, 0], 0, 0.5);
    }
}
