//! The arcs that go between two sets of points.
//!
//! What a side of a cell may be is a body in the space of heights, slopes and bends, of which any point is as likely
//! as another; its cut at each bend is an area of lines (`between.rs`), as points on a circle of known bend lie on a
//! line once each is moved by what it is beyond. So means over the body are sums over cuts. What is known of
//! the bend from elsewhere counts as a weight of the cuts (Bayes): where the bend is nothing for certain, the cut at
//! nothing is all that is left, and that is the straight line between.

use nalgebra::{Matrix3, Vector3};

use crate::programs::force::tension::between::{Line, between};

/// Cuts that are summed over.
const CUTS: u32 = 24;

/// Bends are looked for where they are off by no more than this many errors, in steps of half of one.
const REACH: i32 = 6;

/// Halvings that find where bends end.
const HALVINGS: u32 = 12;

/// Points to both sides: how far along, half the square of how far away, and how high.
#[derive(Clone, Debug, Default)]
pub struct Sides {
    /// What no arc has above.
    pub below: Vec<[f64; 3]>,
    /// What no arc has below.
    pub above: Vec<[f64; 3]>,
}

/// Arcs: height = `a[0] + a[1] along + a[2] half the square`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arc {
    /// Their mean.
    pub middle: Vector3<f64>,
    /// Their covariance.
    pub spread: Matrix3<f64>,
}

impl Sides {
    /// The lines of one bend.
    fn cut(&self, bend: f64) -> Option<Line> {
        let moved = |[along, square, high]: &[f64; 3]| [*along, high - bend * square];
        between(self.below.iter().map(moved), self.above.iter().map(moved))
    }

    /// The straight line: none where points do not leave room for one.
    pub fn line(&self) -> Option<Arc> {
        let Line { middle: [height, slope], spread: [high, mixed, steep], .. } = self.cut(0.0)?;
        let spread = Matrix3::new(high, mixed, 0.0, mixed, steep, 0.0, 0.0, 0.0, 0.0);
        Some(Arc { middle: Vector3::new(height, slope, 0.0), spread })
    }

    /// From which bend to which arcs go between, where one does near `guess`, which has this standard error.
    pub fn bends(&self, guess: f64, error: f64) -> Option<[f64; 2]> {
        let step = 0.5 * error;
        let found = |bend: &f64| self.cut(*bend).is_some();
        let tried: Vec<f64> = (-2 * REACH..=2 * REACH).map(|at| guess + f64::from(at) * step).collect();
        let first = tried.iter().find(|bend| found(bend))?;
        let last = tried.iter().rev().find(|bend| found(bend))?;
        // The body is convex: beyond its end there is nothing.
        let end = |inside: f64, step: f64| {
            let (mut inside, mut outside) = (inside, inside + step);
            for _ in 0..HALVINGS {
                let middle = 0.5 * (inside + outside);
                if found(&middle) { inside = middle } else { outside = middle }
            }
            inside
        };
        Some([end(*first, -step), end(*last, step)])
    }

    /// The mean of arcs whose bends lie within these, where bends are known to be nothing but for this variance;
    /// none where no such bend is among them.
    pub fn arc(&self, [low, high]: [f64; 2], variance: f64) -> Option<Arc> {
        let reach = f64::from(REACH) * variance.sqrt();
        let (low, high) = (low.max(-reach), high.min(reach));
        let width = (high - low) / f64::from(CUTS);
        if width <= 0.0 {
            return None;
        }
        let (mut all, mut sum, mut squares) = (0.0, Vector3::zeros(), Matrix3::zeros());
        // From the middle, so that squares lose no digits.
        let mut from = None;
        for at in 0..CUTS {
            let bend = low + (f64::from(at) + 0.5) * width;
            let Some(Line { middle: [height, slope], spread: [flat, mixed, steep], area }) = self.cut(bend) else {
                continue;
            };
            let weight = area * (-0.5 * bend * bend / variance).exp();
            let place = Vector3::new(height, slope, bend);
            let place = place - *from.get_or_insert(place);
            all += weight;
            sum += place * weight;
            let own = Matrix3::new(flat, mixed, 0.0, mixed, steep, 0.0, 0.0, 0.0, width * width / 12.0);
            squares += (own + place * place.transpose()) * weight;
        }
        let (from, middle) = (from?, sum / all);
        (all > 0.0).then(|| Arc { middle: from + middle, spread: squares / all - middle * middle.transpose() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels on both sides of a parabola.
    fn drawn(bend: f64) -> Sides {
        let column = |at: i32| {
            let along = f64::from(at);
            let curve = 0.3 + 0.27 * along + 0.5 * bend * along * along;
            [curve.floor(), curve.floor() + 1.0].map(|high| [along / 20.0, along * along / 800.0, high / 20.0])
        };
        let columns: Vec<_> = (-20..=20).map(column).collect();
        Sides { below: columns.iter().map(|at| at[0]).collect(), above: columns.iter().map(|at| at[1]).collect() }
    }

    #[test]
    fn means_are_those_of_the_arcs_on_a_grid() {
        for (bend, variance) in [(0.0, 1e-3), (0.004, 4e-3), (0.004, f64::INFINITY)] {
            let sides = drawn(bend);
            let range = sides.bends(20.0 * bend, 0.05).unwrap();
            let found = sides.arc(range, variance).unwrap();
            let (mut all, mut sum, mut squares) = (0.0, Vector3::zeros(), Matrix3::zeros());
            let sd = |at: usize| found.spread[(at, at)].sqrt();
            let counts = |at: usize, step: i32| found.middle[at] + sd(at) * f64::from(step) * 0.2;
            for (h, s, b) in (-20..=20).flat_map(|h| (-20..=20).flat_map(move |s| (-20..=20).map(move |b| (h, s, b)))) {
                let arc = Vector3::new(counts(0, h), counts(1, s), counts(2, b));
                let at = |[along, square, _]: &[f64; 3]| arc.dot(&Vector3::new(1.0, *along, *square));
                if sides.below.iter().all(|point| point[2] <= at(point))
                    && sides.above.iter().all(|point| point[2] >= at(point))
                {
                    let weight = (-0.5 * arc[2] * arc[2] / variance).exp();
                    all += weight;
                    sum += arc * weight;
                    squares += arc * arc.transpose() * weight;
                }
            }
            let middle = sum / all;
            let spread = squares / all - middle * middle.transpose();
            for a in 0..3 {
                assert!((found.middle[a] - middle[a]).abs() < 0.1 * sd(a), "{bend} {variance}: {found:?} {middle}");
                for b in 0..3 {
                    let off = (found.spread[(a, b)] - spread[(a, b)]).abs();
                    assert!(off < 0.1 * sd(a) * sd(b), "{bend} {variance}: {found:?} {spread}");
                }
            }
        }
    }

    #[test]
    fn where_bends_are_nothing_the_line_is_left() {
        let sides = drawn(0.0);
        let line = sides.line().unwrap();
        let range = sides.bends(0.0, 0.05).unwrap();
        let arc = sides.arc(range, 1e-12).unwrap();
        assert!((line.middle - arc.middle).norm() < 1e-5 && (line.spread - arc.spread).norm() < 1e-8);
        assert_eq!(sides.arc(range, 0.0), None);
        // A bend by many voxels leaves no room for a line, and a step for nothing.
        assert_eq!(drawn(0.05).line(), None);
        assert!(drawn(0.05).bends(1.0, 0.02).is_some());
        let mut step = drawn(0.0);
        step.above[7][2] -= 0.3;
        assert!(step.bends(0.0, 0.05).is_none());
    }
}
