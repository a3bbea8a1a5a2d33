//! Balls that overlap, but never by more than 30 % of the smaller radius.
//!
//! Three in four balls are put against one that is there, with an overlap drawn evenly from 0 to
//! 30 %; the others anywhere. A place that would overlap another ball by more is drawn again. All
//! balls lie within the volume. Cost: the voxels of the balls' boxes.

use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::volume::phantom::random::{self, below, between, direction, generator};
use crate::volume::region::Region;
use crate::volume::shape::Shape;

/// The most that two balls may overlap, in parts of the smaller radius.
const OVERLAP: f64 = 0.3;

/// The share of the volume that balls of default size fill.
const FILL: f64 = 0.2;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Ball {
    centre: [f64; 3],
    radius: f64,
}

/// Balls in raster order of their centres: ball i has label i + 1.
#[derive(Clone, Debug)]
pub(super) struct Spheres {
    balls: Vec<Ball>,
}

impl Spheres {
    /// `cells` balls with radii from `radii`, or radii that suit their number.
    pub(super) fn new(shape: Shape, cells: u64, seed: u64, radii: Option<RangeInclusive<f64>>) -> Result<Self> {
        let shortest = *shape.0.iter().min().expect("a shape has three axes") as f64;
        let voxels = shape.0.iter().map(|n| *n as f64).product::<f64>();
        let radii = radii.unwrap_or_else(|| {
            // The mean cube of radii from 0.6 to 1 is 0.544.
            let largest = (FILL * voxels / (cells as f64 * 0.544 * 4.0 / 3.0 * std::f64::consts::PI)).cbrt();
            let largest = largest.min(shortest / 2.0 - 1.0);
            0.6 * largest..=largest
        });
        let (least, largest) = (*radii.start(), *radii.end());
        if !(least >= 3.0 && least <= largest && 2.0 * largest < shortest) || cells == 0 {
            return Err(Error::usage(format!(
                "{cells} balls with radii from {least:.1} to {largest:.1} voxels in {shape}: \
                 give at least 1, radii from 3 up, and a volume that holds them"
            )));
        }
        let mut spheres = Self { balls: Vec::new() };
        spheres.place(shape, cells, seed, least, largest)?;
        spheres.balls.sort_by_key(|ball| ball.centre.map(|c| c.round() as i64));
        Ok(spheres)
    }

    fn place(&mut self, shape: Shape, cells: u64, seed: u64, least: f64, largest: f64) -> Result<()> {
        const TRIES: usize = 2000;
        let mut rng = generator(seed, random::BALLS);
        let counts = shape.0.map(|n| (n as f64 / (2.0 * largest)) as usize + 1);
        let bucket = |at: [f64; 3]| at.map(|c| (c / (2.0 * largest)) as usize);
        let mut buckets: Vec<Vec<Ball>> = vec![Vec::new(); counts.iter().product()];
        for placed in 0..cells {
            let radius = between(&mut rng, least, largest);
            let ball = (0..TRIES).find_map(|attempt| {
                // Late attempts look anywhere: the balls that are there may be walled in.
                let alone = self.balls.is_empty() || attempt > TRIES / 2 || below(&mut rng, 4) == 0;
                let centre = if alone {
                    shape.0.map(|n| between(&mut rng, radius, n as f64 - 1.0 - radius))
                } else {
                    let other = self.balls[below(&mut rng, self.balls.len())];
                    let overlap = between(&mut rng, 0.0, OVERLAP) * radius.min(other.radius);
                    let (away, apart) = (direction(&mut rng), radius + other.radius - overlap);
                    std::array::from_fn(|a| other.centre[a] + apart * away[a])
                };
                let inside = (0..3).all(|a| centre[a] >= radius && centre[a] + radius <= shape.0[a] as f64 - 1.0);
                let ball = Ball { centre, radius };
                (inside && !neighbors(&buckets, counts, bucket(centre)).any(|other| ball.bites(other))).then_some(ball)
            });
            let Some(ball) = ball else {
                return Err(Error::usage(format!(
                    "only {placed} of {cells} balls with radii from {least:.1} to {largest:.1} voxels fit into {shape}"
                )));
            };
            self.balls.push(ball);
            let [z, y, x] = bucket(ball.centre);
            buckets[(z * counts[1] + y) * counts[2] + x].push(ball);
        }
        Ok(())
    }

    /// 1 in the balls of `region`, 0 elsewhere.
    pub(super) fn mask(&self, region: &Region) -> Vec<u8> {
        let mut mask = vec![0; region.shape().0.iter().product()];
        self.each_row(region, |_, _, row, _, _| mask[row].fill(1));
        mask
    }

    /// The label of the ball of each voxel of `region`. Where two overlap it is the one with the
    /// smaller power d² - r², of equals the first.
    pub(super) fn labels(&self, region: &Region) -> Vec<u32> {
        let voxels = region.shape().0.iter().product();
        let (mut labels, mut least) = (vec![0; voxels], vec![f64::INFINITY; voxels]);
        self.each_row(region, |label, ball, row, off, first| {
            for (x, i) in row.enumerate() {
                let along = (first + x) as f64 - ball.centre[2];
                let power = off + along * along - ball.radius * ball.radius;
                if power < least[i] {
                    (labels[i], least[i]) = (label, power);
                }
            }
        });
        labels
    }

    /// For each row of each ball that lies in `region`: its label, the ball, the row's voxels as
    /// places in the region, the square of the distance of the row from the centre, and its first x.
    fn each_row(&self, region: &Region, mut visit: impl FnMut(u32, Ball, std::ops::Range<usize>, f64, usize)) {
        let shape = region.shape();
        for (i, ball) in self.balls.iter().enumerate() {
            let span = |axis: usize, half: f64| {
                let low = (ball.centre[axis] - half).ceil().max(0.0) as usize;
                let high = (ball.centre[axis] + half).floor() as usize + 1;
                low.clamp(region.start[axis], region.end[axis])..high.clamp(region.start[axis], region.end[axis])
            };
            for z in span(0, ball.radius) {
                for y in span(1, ball.radius) {
                    let off = (z as f64 - ball.centre[0]).powi(2) + (y as f64 - ball.centre[1]).powi(2);
                    let left = ball.radius * ball.radius - off;
                    if left < 0.0 {
                        continue;
                    }
                    let xs = span(2, left.sqrt());
                    if xs.is_empty() {
                        continue;
                    }
                    let place = [z - region.start[0], y - region.start[1], xs.start - region.start[2]];
                    let start = shape.raster(place) as usize;
                    visit(i as u32 + 1, *ball, start..start + xs.len(), off, xs.start);
                }
            }
        }
    }
}

impl Ball {
    /// Whether it overlaps `other` by more than is allowed.
    fn bites(&self, other: &Ball) -> bool {
        let apart: f64 = (0..3).map(|a| (self.centre[a] - other.centre[a]).powi(2)).sum::<f64>().sqrt();
        apart < self.radius + other.radius - OVERLAP * self.radius.min(other.radius)
    }
}

fn neighbors(buckets: &[Vec<Ball>], counts: [usize; 3], at: [usize; 3]) -> impl Iterator<Item = &Ball> {
    let span = move |a: usize| at[a].saturating_sub(1)..(at[a] + 2).min(counts[a]);
    span(0)
        .flat_map(move |z| span(1).flat_map(move |y| span(2).map(move |x| (z * counts[1] + y) * counts[2] + x)))
        .flat_map(|bucket| &buckets[bucket])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balls_lie_in_the_volume_and_overlap_by_at_most_a_third_and_many_do() {
        let shape = Shape([128, 100, 110]);
        for radii in [None, Some(4.0..=9.0)] {
            let Spheres { balls } = Spheres::new(shape, 200, 5, radii).unwrap();
            let mut touching = vec![false; balls.len()];
            for (i, a) in balls.iter().enumerate() {
                assert!((0..3).all(|k| a.centre[k] >= a.radius && a.centre[k] + a.radius <= shape.0[k] as f64 - 1.0));
                for (j, b) in balls.iter().enumerate().filter(|(j, _)| *j != i) {
                    let apart = (0..3).map(|k| (a.centre[k] - b.centre[k]).powi(2)).sum::<f64>().sqrt();
                    assert!(apart >= a.radius + b.radius - 0.3 * a.radius.min(b.radius) - 1e-9);
                    touching[i] |= apart < a.radius + b.radius;
                    touching[j] |= apart < a.radius + b.radius;
                }
            }
            assert!(touching.iter().filter(|t| **t).count() > balls.len() / 2);
        }
    }

    #[test]
    fn mask_and_labels_are_their_definitions() {
        let shape = Shape([40, 44, 48]);
        let spheres = Spheres::new(shape, 12, 9, Some(5.0..=9.0)).unwrap();
        let (mask, labels) = (spheres.mask(&Region::whole(shape)), spheres.labels(&Region::whole(shape)));
        for raster in 0..mask.len() {
            let at = shape.voxel(raster as u64).map(|n| n as f64);
            let power =
                |ball: &Ball| (0..3).map(|a| (at[a] - ball.centre[a]).powi(2)).sum::<f64>() - ball.radius * ball.radius;
            let plain = spheres.balls.iter().enumerate().min_by(|a, b| power(a.1).total_cmp(&power(b.1))).unwrap();
            let inside = power(plain.1) <= 0.0;
            assert_eq!(mask[raster], u8::from(inside));
            assert_eq!(labels[raster], if inside { plain.0 as u32 + 1 } else { 0 });
        }
    }
}
