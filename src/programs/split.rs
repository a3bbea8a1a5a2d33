//! Touching objects apart: a mask becomes labels, one for each object.
//!
//! Every voxel has its distance to the background as height, and belongs to the basin of the summit
//! that it leads up to. Where two basins meet, the height of the meeting is the radius of the neck
//! between them. They are one object if the neck is wide for the smaller of their summits: the
//! dynamics of a maximum (Grimaud, A new measure of contrast: the dynamics, SPIE 1769, 1992), taken
//! relative to its height, so that the wavering height along a rod or a plate does not cut it up,
//! from two voxels in radius on (four where voxels are not cubes). Saddles are looked at from the highest down, and basins that merge keep the
//! higher summit.
//!
//! Two balls that overlap by 30 % of the smaller radius have a neck of 0.53 (equal balls) to 0.71 (a
//! ball on a plane) of it; the default takes a neck above 0.8 for none. Objects below some four
//! voxels in radius may be missed where they overlap.
//!
//! Labels are 1, 2, ... in the order of their first voxels in raster order. The result does not depend
//! on the number of threads. Cost: O(voxels). Memory beside the mask: 8 bytes a voxel, 1 more at
//! first, and in the end the labels as they are returned.

use serde::{Deserialize, Serialize};

use crate::disjoint::Disjoint;
use crate::error::{Error, Result};
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::programs::distance_transform::squared_distances;
use crate::programs::watershed::{Basins, MOST_VOXELS, basins};
use crate::volume::shape::Spacing;
use crate::volume::voxel::{Dtype, Voxels, each_voxel_type};

/// How objects are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitOptions {
    /// Through what voxels an object hangs together; faces by default.
    pub connectivity: Stencil,
    /// A neck narrower than this share of the smaller object's radius parts two objects: from 0
    /// (nothing is parted) to 1. Default 0.8.
    pub neck: f64,
    /// A neck parts only if its radius is smaller than the smaller object's by this many voxels, the
    /// grain of a digital surface. Default 0.85.
    pub grain: f64,
    /// The edges of a voxel.
    pub spacing: Spacing,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { connectivity: Stencil::N6, neck: 0.8, grain: 0.85, spacing: Spacing::default() }
    }
}

impl SplitOptions {
    /// Refuses options out of bounds.
    ///
    /// # Errors
    /// Where the neck is not between 0 and 1, or the grain is negative.
    pub fn check(&self) -> Result<()> {
        let Self { neck, grain, .. } = *self;
        if !(0.0..=1.0).contains(&neck) || !(0.0..).contains(&grain) {
            return Err(Error::usage(format!("a neck of {neck} and a grain of {grain}: give 0 to 1, and 0 or more")));
        }
        Ok(())
    }

    /// Whether a neck of this radius parts an object of that one.
    fn parts(&self, neck: f64, radius: f64) -> bool {
        let edge = self.spacing.zyx.iter().sum::<f64>() / 3.0;
        // Heights reach to the centre of the first voxel outside, half a voxel beyond the surface.
        neck - edge / 2.0 < self.neck * (radius - edge / 2.0) && radius - neck >= self.grain * edge
    }
}

/// Labels the objects of `mask`, which is what is not 0, with `threads` threads; the labels have the
/// smallest type that holds them.
///
/// # Errors
/// Where an option is out of bounds, or the volume has more than 2^31 voxels.
pub fn split(mask: &Voxels, options: &SplitOptions, threads: usize) -> Result<Voxels> {
    options.check()?;
    let shape = mask.shape();
    if shape.voxels().is_none_or(|n| n > MOST_VOXELS) {
        return Err(Error::resource(format!("a volume of {shape} is too large to be split at once: crop it")));
    }
    let inside: Vec<u8> =
        each_voxel_type!(mask, array => array.iter().map(|v| u8::from(Select::NonZero.takes(*v))).collect());
    let heights = squared_distances(&inside, shape, &options.spacing, threads);
    drop(inside);
    let mut found = basins(&heights, shape, options.connectivity, threads);
    drop(heights);
    let objects = objects(&mut found, options);
    let count = number(&mut found.of, &objects);
    Ok(Voxels::from_vec(shape, found.of).cast(Dtype::for_labels(count)))
}

/// The object of each basin.
fn objects(found: &mut Basins, options: &SplitOptions) -> Vec<u32> {
    found.saddles.sort_unstable_by(|s, t| t.height.total_cmp(&s.height).then((s.a, s.b).cmp(&(t.a, t.b))));
    let mut sets = Disjoint::new(found.summits.len());
    for saddle in &found.saddles {
        let (a, b) = (sets.find(saddle.a), sets.find(saddle.b));
        let (left, right) = (found.summits[a as usize], found.summits[b as usize]);
        if a != b && !options.parts(f64::from(saddle.height).sqrt(), f64::from(left.min(right)).sqrt()) {
            let both = sets.union(a, b);
            found.summits[both as usize] = left.max(right);
        }
    }
    sets.number().0
}

/// Turns basins plus 1 into labels, numbered as they first occur; how many there are.
fn number(of: &mut [u32], objects: &[u32]) -> u64 {
    let mut labels = vec![0u32; objects.len()];
    let mut count = 0;
    for basin in of.iter_mut().filter(|basin| **basin != 0) {
        let label = &mut labels[objects[*basin as usize - 1] as usize];
        if *label == 0 {
            count += 1;
            *label = count;
        }
        *basin = *label;
    }
    u64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::phantom::{Kind, Phantom};
    use crate::volume::region::Region;
    use crate::volume::shape::{Shape, Unit};
    use crate::volume::source::VolumeSource;

    fn labels(voxels: &Voxels) -> Vec<u32> {
        voxels.cast(Dtype::U32).view::<u32>().unwrap().iter().copied().collect()
    }

    /// The mask of the points, in physical units, that `is` picks.
    fn mask(shape: Shape, zyx: [f64; 3], is: impl Fn([f64; 3]) -> bool) -> Voxels {
        let point = |i: u64| -> [f64; 3] {
            let place = shape.voxel(i);
            std::array::from_fn(|a| place[a] as f64 * zyx[a])
        };
        Voxels::from_vec(shape, (0..shape.voxels().unwrap()).map(|i| u8::from(is(point(i)))).collect())
    }

    fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
        (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt()
    }

    #[test]
    fn overlapping_balls_are_counted_within_two_percent() {
        for (edge, cells, radii, seed) in
            [(128, 150, 6.0..=12.0, 1), (128, 150, 6.0..=12.0, 2), (112, 250, 4.0..=8.0, 3), (160, 100, 8.0..=20.0, 4)]
        {
            let shape = Shape([edge, edge, edge]);
            let phantom = Phantom::spheres(shape, cells, seed, radii).unwrap();
            let balls = phantom.read(&Region::whole(shape)).unwrap();
            let truth = labels(&phantom.labels().unwrap().read(&Region::whole(shape)).unwrap());
            for connectivity in [Stencil::N6, Stencil::N26] {
                let options = SplitOptions { connectivity, ..Default::default() };
                let found = labels(&split(&balls, &options, 2).unwrap());
                let count = *found.iter().max().unwrap();
                assert!((f64::from(count) / cells as f64 - 1.0).abs() <= 0.02, "{count} of {cells}");
                // A ball is found if some label has most of it, and little else.
                let (mut shared, mut ours, mut theirs) = (
                    vec![0; (count as usize + 1) * (cells as usize + 1)],
                    vec![0; count as usize + 1],
                    vec![0; cells as usize + 1],
                );
                for (a, b) in found.iter().zip(&truth) {
                    assert_eq!(*a == 0, *b == 0);
                    let (a, b) = (*a as usize, *b as usize);
                    shared[a * theirs.len() + b] += 1;
                    ours[a] += 1;
                    theirs[b] += 1;
                }
                let good = (1..theirs.len()).filter(|b| {
                    (1..ours.len()).any(|a| {
                        let both = shared[a * theirs.len() + b];
                        f64::from(both) > 0.8 * f64::from(ours[a] + theirs[*b] - both)
                    })
                });
                assert!(good.count() as f64 >= 0.97 * cells as f64);
            }
        }
    }

    #[test]
    fn rods_plates_ellipsoids_and_tori_stay_whole_at_any_spacing() {
        let shape = Shape([60, 70, 70]);
        for zyx in [[1.0; 3], [2.0, 1.0, 1.0], [0.5, 1.0, 1.0]] {
            let options = SplitOptions { spacing: Spacing::new(zyx, Unit::Um).unwrap(), ..Default::default() };
            let centre: [f64; 3] = std::array::from_fn(|a| shape.0[a] as f64 / 2.0 * zyx[a]);
            let axis = [0.37, 0.74, 0.56];
            for r in [2.0, 3.0, 4.0, 5.0, 7.0].into_iter().filter(|r| zyx == [1.0; 3] || *r > 3.0) {
                let from = |p: [f64; 3]| -> [f64; 3] { std::array::from_fn(|a| p[a] - centre[a]) };
                let along = |p: [f64; 3]| (0..3).map(|a| from(p)[a] * axis[a]).sum::<f64>();
                let shapes: [&dyn Fn([f64; 3]) -> bool; 4] = [
                    &|p| apart(from(p), axis.map(|c| c * along(p).clamp(-20.0, 20.0))) <= r,
                    &|p| along(p).abs() <= r && apart(p, centre) < 25.0,
                    &|p| {
                        (from(p)[0] / r).powi(2) + (from(p)[1] / r / 4.0).powi(2) + (from(p)[2] / r / 2.0).powi(2)
                            <= 1.0
                    },
                    &|p| (from(p)[1].hypot(from(p)[2]) - 20.0).hypot(from(p)[0]) <= r,
                ];
                for (i, is) in shapes.iter().enumerate() {
                    let found = labels(&split(&mask(shape, zyx, is), &options, 2).unwrap());
                    assert_eq!(found.iter().max(), Some(&1), "shape {i} of {r} at {zyx:?}");
                }
            }
        }
    }

    #[test]
    fn two_balls_at_an_anisotropic_spacing_are_two() {
        let (zyx, r) = ([2.5, 0.8, 1.0], 12.0);
        let (one, two) = ([20.0, 20.0, 20.0], [32.0, 36.5, 20.0]);
        let balls = mask(Shape([20, 64, 40]), zyx, |p| apart(p, one) <= r || apart(p, two) <= r);
        let spacing = Spacing::new(zyx, Unit::Um).unwrap();
        let found = split(&balls, &SplitOptions { spacing, ..Default::default() }, 1).unwrap();
        assert_eq!(found.dtype(), Dtype::U8);
        assert_eq!(labels(&found).iter().max(), Some(&2));
        let kept = split(&balls, &SplitOptions { spacing, neck: 0.0, ..Default::default() }, 1).unwrap();
        assert_eq!(labels(&kept).iter().max(), Some(&1), "a neck of 0 parts nothing");
    }

    #[test]
    fn labels_do_not_depend_on_the_threads_and_come_in_raster_order() {
        let shape = Shape([37, 50, 41]);
        let phantoms = [(Kind::Spheres, 20, 0.0), (Kind::Noise, 0, 0.4), (Kind::Noise, 0, 0.02), (Kind::Bone, 3, 0.0)];
        for (kind, cells, density) in phantoms {
            let phantom = Phantom::new(kind, shape, cells, 1, density).unwrap();
            let mask = phantom.read(&Region::whole(shape)).unwrap();
            for connectivity in [Stencil::N6, Stencil::N18, Stencil::N26] {
                let options = SplitOptions { connectivity, ..Default::default() };
                let one = split(&mask, &options, 1).unwrap();
                for threads in [2, 3, 7, 64] {
                    assert_eq!(split(&mask, &options, threads).unwrap(), one);
                }
                let mut seen = 0;
                for label in labels(&one) {
                    assert!(label <= seen + 1);
                    seen = seen.max(label);
                }
            }
        }
    }

    #[test]
    fn masks_without_a_summit_or_without_a_background_are_no_trouble() {
        let shape = Shape([4, 5, 6]);
        let count = |mask: &Voxels| labels(&split(mask, &SplitOptions::default(), 2).unwrap()).into_iter().max();
        assert_eq!(count(&Voxels::zeros(Dtype::F32, shape)), Some(0));
        assert_eq!(count(&Voxels::from_vec(shape, vec![9u16; 120])), Some(1));
        assert_eq!(count(&Voxels::zeros(Dtype::U8, Shape([0, 5, 6]))), None);
        for (neck, grain) in [(1.5, 0.85), (f64::NAN, 1.0), (0.8, -1.0)] {
            let options = SplitOptions { neck, grain, ..Default::default() };
            assert!(split(&Voxels::zeros(Dtype::U8, shape), &options, 1).is_err());
        }
    }
}
