//! A body of springs under its forces as a picture (SVG): a slab of it, seen along an axis.
//!
//! The slab lies in the middle, as thick as two mean springs. Springs are drawn at rest, red where they pull and blue where
//! they push, wider and darker the more; displacements are arrows, all enlarged by one factor that is told below. The
//! largest [`MOST`] forces are drawn and the rest is counted. O(springs log springs).

use std::fmt::Write;

use crate::report::html::escape;
use crate::report::number::{count, quantity};

/// Springs that are drawn, at most.
pub const MOST: usize = 4000;

/// The longer side of the picture, and the room around it.
const LONG: f64 = 860.0;
const MARGIN: f64 = 28.0;
/// Room for what is told below.
const BELOW: f64 = 46.0;
/// The longest arrow, over the mean length of springs.
const ARROW: f64 = 0.5;

/// A body under forces; vectors are z, y, x.
#[derive(Clone, Copy, Debug)]
pub struct Pulled<'a> {
    /// Where nodes are at rest.
    pub places: &'a [[f64; 3]],
    /// How far they have moved.
    pub displacements: &'a [[f64; 3]],
    /// The nodes that each spring joins.
    pub springs: &'a [[u32; 2]],
    /// Its force: pulls where positive.
    pub forces: &'a [f64],
    /// The unit of places.
    pub unit: &'a str,
}

impl Pulled<'_> {
    /// The axis that it is seen along: across that of the largest displacement, and of the other two that along
    /// which the body is shorter.
    pub fn across(&self) -> usize {
        let most = |axis: usize| self.displacements.iter().map(|moved| moved[axis].abs()).fold(0.0, f64::max);
        let along = (0..3).max_by(|a, b| most(*a).total_cmp(&most(*b)).then(b.cmp(a))).unwrap_or(0);
        let length = |axis: usize| self.ends(axis).map_or(0.0, |[low, high]| high - low);
        let others = (0..3).filter(|axis| *axis != along);
        others.min_by(|a, b| length(*a).total_cmp(&length(*b))).unwrap_or(0)
    }

    fn ends(&self, axis: usize) -> Option<[f64; 2]> {
        let all = || self.places.iter().map(|place| place[axis]);
        Some([all().reduce(f64::min)?, all().reduce(f64::max)?])
    }

    /// The picture, seen along an axis (0 is z).
    pub fn svg(&self, axis: usize) -> String {
        let [down, right] = [[1, 2], [0, 2], [0, 1]][axis.min(2)];
        let length = |[a, b]: &[u32; 2]| {
            let (a, b) = (self.places[*a as usize], self.places[*b as usize]);
            (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>().sqrt()
        };
        let mean = self.springs.iter().map(length).sum::<f64>() / self.springs.len().max(1) as f64;
        let ends = |axis: usize| self.ends(axis).unwrap_or([0.0; 2]);
        let middle = 0.5 * (ends(axis)[0] + ends(axis)[1]);
        let shown = |node: u32| (self.places[node as usize][axis] - middle).abs() <= mean;
        let mut springs: Vec<usize> =
            (0..self.springs.len()).filter(|at| self.springs[*at].into_iter().all(shown)).collect();
        springs.sort_by(|a, b| self.forces[*b].abs().total_cmp(&self.forces[*a].abs()).then(a.cmp(b)));
        let left_out = springs.len().saturating_sub(MOST);
        springs.truncate(MOST);
        let most = springs.first().map_or(0.0, |at| self.forces[*at].abs());
        let nodes: Vec<u32> = (0..self.places.len() as u32).filter(|node| shown(*node)).collect();

        let far = |node: &u32| {
            let moved = self.displacements[*node as usize];
            moved[down].hypot(moved[right])
        };
        let farthest = nodes.iter().map(far).fold(0.0, f64::max);
        let enlarged = if farthest > 0.0 { ARROW * mean / farthest } else { 0.0 };
        // Tips of arrows lie in the picture.
        let bounds = [down, right].map(|axis| {
            let tip =
                |node: &u32| self.places[*node as usize][axis] + enlarged * self.displacements[*node as usize][axis];
            let [low, high] = ends(axis);
            nodes.iter().map(tip).fold((low, high), |(low, high), tip| (low.min(tip), high.max(tip)))
        });
        let least = if mean > 0.0 { mean } else { 1.0 };
        let size = bounds.map(|(low, high)| (high - low).max(least));
        let scale = (LONG - 2.0 * MARGIN) / size[0].max(size[1]);
        let [height, width] = size.map(|size| size * scale + 2.0 * MARGIN);
        let at = |place: [f64; 3]| {
            [(right, bounds[1].0), (down, bounds[0].0)].map(|(axis, low)| MARGIN + (place[axis] - low) * scale)
        };
        let (name, names) = (["z", "y", "x"][axis.min(2)], [down, right].map(|axis| ["z", "y", "x"][axis]));
        let mut svg = format!(
            "<svg viewBox=\"0 0 {width:.0} {:.0}\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"Forces of \
             springs and displacements of nodes about the middle of {name}\" font-size=\"13\" font-family=\"sans-serif\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<g stroke-linecap=\"round\">\n",
            height + BELOW
        );
        // The largest come last, on top.
        for spring in springs.iter().rev() {
            let force = self.forces[*spring];
            let share = if most > 0.0 { force.abs() / most } else { 0.0 };
            let [[x1, y1], [x2, y2]] = self.springs[*spring].map(|node| at(self.places[node as usize]));
            let _ = writeln!(
                svg,
                "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"{}\" stroke-width=\"{:.2}\"/>",
                shade(force, share),
                0.5 + 4.5 * share
            );
        }
        svg.push_str("</g>\n");
        for node in &nodes {
            let [x, y] = at(self.places[*node as usize]);
            let moved = self.displacements[*node as usize];
            let [dx, dy] = [right, down].map(|axis| moved[axis] * enlarged * scale);
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.8\" fill=\"#222\"/>");
            if dx.hypot(dy) > 1.0 {
                // Two barbs at the tip, a quarter of its length and no longer than some pixels.
                let barb = (0.25 * dx.hypot(dy)).min(6.0) / dx.hypot(dy);
                let (bx, by) = (dx * barb, dy * barb);
                let _ = writeln!(
                    svg,
                    "<path d=\"M{x:.1} {y:.1}l{dx:.1} {dy:.1}m{:.1} {:.1}l{:.1} {:.1}l{:.1} {:.1}\" fill=\"none\" \
                     stroke=\"#111\" stroke-width=\"1.1\"/>",
                    -bx - 0.6 * by,
                    -by + 0.6 * bx,
                    bx + 0.6 * by,
                    by - 0.6 * bx,
                    -bx + 0.6 * by,
                    -by - 0.6 * bx,
                );
            }
        }
        let told = [
            format!(
                "{} down, {} to the right; red pulls, blue pushes, {} at most{}",
                names[0],
                names[1],
                quantity(most),
                if left_out > 0 {
                    format!("; {} smaller forces left out", count(left_out as u64))
                } else {
                    String::new()
                }
            ),
            format!(
                "arrows: displacements, {} times as long; {} {} at most",
                quantity(enlarged),
                quantity(farthest),
                self.unit
            ),
        ];
        for (line, text) in told.iter().zip([18.0, 36.0]) {
            let _ = writeln!(
                svg,
                "<text x=\"{MARGIN}\" y=\"{:.1}\" fill=\"#222\">{}</text>",
                height + text - 6.0,
                escape(line.trim_end())
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// From grey to red where it pulls, to blue where it pushes.
fn shade(force: f64, share: f64) -> String {
    let full = if force > 0.0 { [178.0, 24.0, 43.0] } else { [33.0, 102.0, 172.0] };
    let [r, g, b] = full.map(|full| (200.0 + (full - 200.0) * share.sqrt()).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pulls_is_red_and_what_pushes_is_blue_and_arrows_go_where_nodes_go() {
        let places = [[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 0.0, 3.0], [4.0, 50.0, 0.0]];
        let displacements = [[0.0; 3], [0.0, 0.0, 0.5], [-0.25, 0.0, 0.0], [0.0; 3]];
        let springs = [[0, 1], [1, 2], [0, 2]];
        let body = Pulled {
            places: &places,
            displacements: &displacements,
            springs: &springs,
            forces: &[2.0, -1.0, 0.0],
            unit: "µm",
        };
        assert_eq!(body.across(), 0);
        let flat = Pulled { places: &places[..3], displacements: &displacements[..3], ..body };
        // Moved along x, and shorter along y than along z.
        assert_eq!(flat.across(), 1);
        let svg = flat.svg(1);
        assert!(svg.contains("stroke=\"#b2182b\" stroke-width=\"5.00\""), "{svg}");
        assert_eq!((svg.matches("<circle").count(), svg.matches("stroke=\"#111\"").count()), (3, 2));
        assert!(svg.contains("z down, x to the right; red pulls, blue pushes, 2 at most"), "{svg}");
        assert!(svg.contains("4 times as long; 0.5 µm at most"), "{svg}");
        let [push, none] = [shade(-1.0, 0.5), shade(0.0, 0.0)];
        assert!(svg.contains(&push) && svg.contains(&none), "{svg}");
    }

    #[test]
    fn nothing_is_drawn_too() {
        let none = Pulled { places: &[], displacements: &[], springs: &[], forces: &[], unit: "" };
        let svg = none.svg(none.across());
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
