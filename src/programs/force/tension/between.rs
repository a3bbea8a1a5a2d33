//! The lines that go between two sets of points.
//!
//! A straight side of a cell leaves every voxel's centre on its side. What lines do so is an area in the plane of
//! their heights and slopes, cut out by one half-plane a point; where nothing else is known, each of them is as
//! likely. Its middle is the line of least expected square error, and its second moments are what that may be.
//! Of n voxels in a row the area is of the order of n^-3, where the errors of least squares on a staircase are
//! those of n independent steps. Circles of one curvature are such lines too, once points are moved (`arcs.rs`).

/// A height and a slope, and their covariance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// The height at 0, and how much it grows along 1.
    pub middle: [f64; 2],
    /// Variances of both, and between them the covariance.
    pub spread: [f64; 3],
    /// The area of all that there are.
    pub area: f64,
}

/// An area that is smaller than this is nothing but rounding.
const NONE: f64 = 1e-18;

/// The lines of heights and slopes up to 1 that have no point of `below` above and none of `above` below them:
/// none where there are no such, or but one. Points are told by how far they lie along the line, and how high.
pub fn between(below: impl Iterator<Item = [f64; 2]>, above: impl Iterator<Item = [f64; 2]>) -> Option<Line> {
    let mut corners = vec![[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
    for (side, [along, high]) in below.map(|point| (1.0, point)).chain(above.map(|point| (-1.0, point))) {
        let room = |[height, slope]: [f64; 2]| side * (height + slope * along - high);
        if corners.iter().any(|corner| room(*corner) < 0.0) {
            corners = cut(&corners, room);
        }
        if corners.is_empty() {
            break;
        }
    }
    middle(&corners)
}

/// What of a convex polygon has room.
fn cut(corners: &[[f64; 2]], room: impl Fn([f64; 2]) -> f64) -> Vec<[f64; 2]> {
    let mut kept = Vec::with_capacity(corners.len() + 1);
    for (at, a) in corners.iter().copied().enumerate() {
        let b = corners[(at + 1) % corners.len()];
        let (here, there) = (room(a), room(b));
        if here >= 0.0 {
            kept.push(a);
        }
        if (here > 0.0 && there < 0.0) || (here < 0.0 && there > 0.0) {
            let share = here / (here - there);
            kept.push([0, 1].map(|part| a[part] + share * (b[part] - a[part])));
        }
    }
    kept
}

/// The middle of a polygon and its moments about that.
fn middle(corners: &[[f64; 2]]) -> Option<Line> {
    let first = *corners.first()?;
    let steps: Vec<[f64; 2]> = corners.iter().map(|at| [at[0] - first[0], at[1] - first[1]]).collect();
    let (mut area, mut sum, mut squares) = (0.0, [0.0; 2], [0.0; 3]);
    // Triangles from the first corner: the mean of a product over one is that over its corners and their sum.
    for pair in steps.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        let size = 0.5 * (a[0] * b[1] - a[1] * b[0]);
        let all = [a[0] + b[0], a[1] + b[1]];
        let product = |i: usize, j: usize| (a[i] * a[j] + b[i] * b[j] + all[i] * all[j]) / 12.0;
        area += size;
        sum.iter_mut().zip(all).for_each(|(sum, all)| *sum += size * all / 3.0);
        squares.iter_mut().zip([(0, 0), (0, 1), (1, 1)]).for_each(|(sum, (i, j))| *sum += size * product(i, j));
    }
    (area > NONE).then(|| {
        let [h, s] = sum.map(|sum| sum / area);
        let [hh, hs, ss] = squares.map(|square| square / area);
        let spread = [(hh - h * h).max(0.0), hs - h * s, (ss - s * s).max(0.0)];
        Line { middle: [first[0] + h, first[1] + s], spread, area }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_lines_on_a_grid() {
        // Three below, two above: an area of five sides.
        let below = [[-0.5, -0.2], [0.1, -0.3], [0.6, 0.05]];
        let above = [[-0.4, 0.3], [0.5, 0.2]];
        let found = between(below.into_iter(), above.into_iter()).unwrap();
        let (mut count, mut sums) = (0.0, [0.0; 5]);
        for height in -1000..=1000 {
            for slope in -1000..=1000 {
                let [height, slope] = [height, slope].map(|at| f64::from(at) * 1e-3);
                let line = |along: f64| height + slope * along;
                if below.iter().all(|[u, v]| *v <= line(*u)) && above.iter().all(|[u, v]| *v >= line(*u)) {
                    count += 1.0;
                    let add = [height, slope, height * height, height * slope, slope * slope];
                    sums.iter_mut().zip(add).for_each(|(sum, add)| *sum += add);
                }
            }
        }
        let [h, s, hh, hs, ss] = sums.map(|sum| sum / count);
        let plain = [h, s, hh - h * h, hs - h * s, ss - s * s];
        let found = [&found.middle[..], &found.spread].concat();
        for (found, plain) in found.iter().zip(plain) {
            assert!((found - plain).abs() < 1e-3 * plain.abs() + 2e-4, "{found} {plain}");
        }
    }

    #[test]
    fn where_no_line_goes_between_none_is_told() {
        let line = |below: [f64; 2], above: [f64; 2]| {
            let away = [[-0.5, -0.5], [0.5, -0.5]];
            between(away.into_iter().chain([below]), away.into_iter().map(|[u, v]| [u, -v]).chain([above]))
        };
        assert!(line([0.0, -0.1], [0.0, 0.1]).is_some());
        assert_eq!(line([0.0, 0.1], [0.0, -0.1]), None);
        // Where they touch there is but one height.
        assert_eq!(line([0.0, 0.0], [0.0, 0.0]), None);
        assert_eq!(between([[0.0, 2.0]].into_iter(), [].into_iter()), None);
    }
}
