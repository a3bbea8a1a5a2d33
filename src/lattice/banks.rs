//! The voxels on the two sides of a patch of an image, as far as a line between them asks: by the corners of their
//! convex hulls.
//!
//! A line leaves a set of points on one side where it does so with the corners of their hull. The hull of the
//! hulls of two parts is that of the whole, so what blocks find merges exactly. Cost: a sort of the voxels beside a
//! patch (Andrew, 1979). Memory: of a straight patch a few corners, of an arc of n voxels some n^(2/3).

use serde::{Deserialize, Serialize};

use crate::combine::Combine;

/// A voxel of an image, along its two axes.
pub type Pixel = [i64; 2];

/// The corners of the convex hull of some voxels: from the smallest on, once around, no three on a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hull(Vec<Pixel>);

impl Hull {
    /// The hull of these.
    pub fn new(mut pixels: Vec<Pixel>) -> Self {
        pixels.sort_unstable();
        pixels.dedup();
        if pixels.len() < 3 {
            return Self(pixels);
        }
        let mut corners = chain(pixels.iter().copied());
        let back = chain(pixels.iter().rev().copied());
        // Each chain ends where the other begins.
        corners.pop();
        corners.extend(&back[..back.len() - 1]);
        Self(corners)
    }

    /// Its corners.
    pub fn corners(&self) -> &[Pixel] {
        &self.0
    }
}

/// The corners of one half of a hull, of voxels in order.
fn chain(pixels: impl Iterator<Item = Pixel>) -> Vec<Pixel> {
    let mut corners: Vec<Pixel> = Vec::new();
    for pixel in pixels {
        while let [.., a, b] = corners[..]
            && turn(a, b, pixel) <= 0
        {
            corners.pop();
        }
        corners.push(pixel);
    }
    corners
}

/// Twice the area of a triangle, above zero where it goes round as the hull does.
fn turn([au, av]: Pixel, [bu, bv]: Pixel, [cu, cv]: Pixel) -> i128 {
    let [ab, ac] = [[bu - au, bv - av], [cu - au, cv - av]].map(|step| step.map(i128::from));
    ab[0] * ac[1] - ab[1] * ac[0]
}

impl Combine for Hull {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        let mut both = std::mem::take(&mut self.0);
        both.extend(other.0);
        *self = Self::new(both);
    }
}

/// Those beside a patch: of the smaller label, and of the other. In a volume none are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banks(pub [Hull; 2]);

impl Combine for Banks {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(ours, theirs)| ours.combine(theirs));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::drawn::Drawn;

    /// Voxels that some line leaves alone on one side: no other two and no triangle of others hold them.
    fn plain(pixels: &[Pixel]) -> Vec<Pixel> {
        let between = |a: Pixel, b: Pixel, at: Pixel| {
            let [first, second] = [0, 1].map(|axis| i128::from((a[axis] - at[axis]) * (b[axis] - at[axis])));
            turn(a, b, at) == 0 && first + second <= 0
        };
        let within = |[a, b, c]: [Pixel; 3], at: Pixel| {
            let signs = [turn(a, b, at), turn(b, c, at), turn(c, a, at)];
            turn(a, b, c) != 0 && (signs.iter().all(|sign| *sign >= 0) || signs.iter().all(|sign| *sign <= 0))
        };
        let held = |at: Pixel| {
            let others: Vec<Pixel> = pixels.iter().copied().filter(|other| *other != at).collect();
            others.iter().any(|a| {
                others.iter().any(|b| {
                    (a < b && between(*a, *b, at)) || others.iter().any(|c| a < b && b < c && within([*a, *b, *c], at))
                })
            })
        };
        let mut corners: Vec<Pixel> = pixels.iter().copied().filter(|at| !held(*at)).collect();
        corners.sort_unstable();
        corners.dedup();
        corners
    }

    #[test]
    fn corners_are_what_no_others_hold_in_whatever_parts_they_come() {
        let mut drawn = Drawn(3);
        for (size, count) in [(3, 4), (5, 9), (9, 14), (1, 5), (40, 12)] {
            for _ in 0..10 {
                let pixels: Vec<Pixel> =
                    (0..count).map(|_| [drawn.below(size) as i64, drawn.below(9) as i64]).collect();
                let whole = Hull::new(pixels.clone());
                let mut sorted = whole.corners().to_vec();
                sorted.sort_unstable();
                assert_eq!(sorted, plain(&pixels), "{pixels:?}");
                let cut = drawn.below(count + 1);
                let mut parts = Hull::new(pixels[cut..].to_vec());
                parts.combine(Hull::new(pixels[..cut].to_vec()));
                parts.combine(Hull::default());
                assert_eq!(parts, whole);
            }
        }
    }
}
