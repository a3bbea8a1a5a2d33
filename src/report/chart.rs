//! A chart of curves as SVG, both axes logarithmic: how one quantity grows with another.
//!
//! Colours come from `currentColor` and the page's CSS variables, with fallbacks, so that a chart
//! follows light and dark. O(points).

use std::fmt::Write;

use crate::report::html::escape;
use crate::report::number::{power_of_ten, quantity};

/// Curves over the same axes.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// What is shown, for screen readers.
    pub title: &'a str,
    /// The quantity along, and its unit.
    pub along: &'a str,
    /// The quantity up, and its unit.
    pub up: &'a str,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What it is.
    pub name: String,
    /// Whether it is one that others are compared with: drawn dashed.
    pub reference: bool,
    /// Its points; those that are not above zero and finite are left out.
    pub points: Vec<[f64; 2]>,
}

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 150.0;
const TOP: f64 = 20.0;
const FLOOR: f64 = HEIGHT - 48.0;
const COLOURS: [&str; 4] =
    ["var(--accent, #0b7285)", "var(--accent-2, #c2571a)", "var(--accent-3, #6741d9)", "var(--accent-4, #2b8a3e)"];

impl Chart<'_> {
    /// The picture: an `<svg>` that scales with its box and names itself to screen readers.
    pub fn svg(&self) -> String {
        let sound = |point: &&[f64; 2]| point.iter().all(|value| value.is_finite() && *value > 0.0);
        let points = || self.curves.iter().flat_map(|curve| &curve.points).filter(sound);
        let axis = |which: usize| Axis::around(points().map(|point| point[which]));
        let mut svg = format!(
            "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" \
             aria-label=\"{}\" font-size=\"13\" font-family=\"sans-serif\" fill=\"currentColor\">\n",
            escape(self.title)
        );
        if let (Some(along), Some(up)) = (axis(0), axis(1)) {
            let x = |value: f64| LEFT + (RIGHT - LEFT) * along.place(value);
            let y = |value: f64| FLOOR - (FLOOR - TOP) * up.place(value);
            self.draw_axes(&along, &up, &x, &y, &mut svg);
            let mut names = Vec::new();
            for (place, curve) in self.curves.iter().enumerate() {
                let points: Vec<[f64; 2]> =
                    curve.points.iter().filter(sound).map(|point| [x(point[0]), y(point[1])]).collect();
                draw_curve(curve, colour(place, curve), &points, &mut svg);
                names.extend(points.last().map(|end| (*end, place)));
            }
            self.draw_names(names, &mut svg);
        } else {
            let (x, y) = (WIDTH / 2.0, HEIGHT / 2.0);
            let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">Nothing to draw</text>");
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// Names the curves at their ends, none over another.
    fn draw_names(&self, mut names: Vec<([f64; 2], usize)>, svg: &mut String) {
        names.sort_by(|(a, _), (b, _)| a[1].total_cmp(&b[1]));
        let mut above = f64::NEG_INFINITY;
        for ([x, y], place) in names {
            let curve = &self.curves[place];
            above = (y + 4.0).max(above + 16.0);
            let (colour, name) = (colour(place, curve), escape(&curve.name));
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{above:.1}\" fill=\"{colour}\">{name}</text>", x + 8.0);
        }
    }

    fn draw_axes(&self, along: &Axis, up: &Axis, x: &dyn Fn(f64) -> f64, y: &dyn Fn(f64) -> f64, svg: &mut String) {
        for value in along.decades() {
            let at = x(value);
            let _ = writeln!(svg, "<path d=\"M{at:.1} {TOP}V{FLOOR}\" stroke=\"currentColor\" opacity=\".15\"/>");
            let below = FLOOR + 18.0;
            let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", decade(value));
        }
        for value in up.decades() {
            let at = y(value);
            let _ = writeln!(svg, "<path d=\"M{LEFT} {at:.1}H{RIGHT}\" stroke=\"currentColor\" opacity=\".15\"/>");
            let (left, down) = (LEFT - 8.0, at + 4.0);
            let _ = writeln!(svg, "<text x=\"{left}\" y=\"{down:.1}\" text-anchor=\"end\">{}</text>", decade(value));
        }
        let (middle, bottom) = ((LEFT + RIGHT) / 2.0, HEIGHT - 10.0);
        let along = escape(self.along);
        let _ = writeln!(svg, "<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">{along}</text>");
        let centre = (TOP + FLOOR) / 2.0;
        let turned = format!("<text transform=\"translate(16 {centre}) rotate(-90)\" text-anchor=\"middle\">");
        let _ = writeln!(svg, "{turned}{}</text>", escape(self.up));
    }
}

/// A power of ten in few letters.
fn decade(value: f64) -> String {
    match value.log10().round() as i32 {
        -2..=4 => quantity(value),
        exponent => power_of_ten(exponent),
    }
}

fn colour(place: usize, curve: &Curve) -> &'static str {
    if curve.reference { "currentColor" } else { COLOURS[place % COLOURS.len()] }
}

fn draw_curve(curve: &Curve, colour: &str, points: &[[f64; 2]], svg: &mut String) {
    if points.is_empty() {
        return;
    }
    let dash = if curve.reference { " stroke-dasharray=\"5 4\" opacity=\".6\"" } else { "" };
    let line: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1} {y:.1}")).collect();
    let path = format!("<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>", line.join("L"));
    let _ = writeln!(svg, "{path}");
    if !curve.reference {
        for [x, y] in points {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
    }
}

/// A logarithmic axis, from a power of ten to another.
struct Axis {
    low: i32,
    high: i32,
}

impl Axis {
    /// The axis that holds some values, where there are any.
    fn around(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let high = values.fold(0.0, f64::max);
        (low <= high).then(|| {
            let low = low.log10().floor() as i32;
            Self { low, high: (high.log10().ceil() as i32).max(low + 1) }
        })
    }

    /// Where a value lies: 0 at one end, 1 at the other.
    fn place(&self, value: f64) -> f64 {
        (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low)
    }

    /// The powers of ten to name, ten or so at most.
    fn decades(&self) -> impl Iterator<Item = f64> {
        let step = ((self.high - self.low) / 10 + 1) as usize;
        (self.low..=self.high).step_by(step).map(|power| 10f64.powi(power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: Vec<[f64; 2]>) -> String {
        let curve = |name: &str, reference| Curve { name: name.into(), reference, points: points.clone() };
        Chart { title: "a < b", along: "share", up: "time", curves: vec![curve("ours", false), curve("cold", true)] }
            .svg()
    }

    #[test]
    fn points_lie_where_their_logarithms_do() {
        let svg = chart(vec![[0.01, 1.0], [0.1, 10.0], [1.0, 100.0], [0.0, 5.0], [1.0, f64::NAN]]);
        let middle = ((LEFT + RIGHT) / 2.0, (TOP + FLOOR) / 2.0);
        assert!(svg.contains(&format!("cx=\"{:.1}\" cy=\"{:.1}\"", middle.0, middle.1)), "{svg}");
        assert_eq!((svg.matches("<circle").count(), svg.matches("stroke-dasharray").count()), (3, 1));
        // Names of curves that end in one place lie beneath each other.
        let heights: Vec<f64> = ["ours", "cold"]
            .map(|name| svg.lines().find(|line| line.contains(name)).unwrap())
            .map(|line| line.split(" y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .to_vec();
        assert!((heights[0] - heights[1]).abs() >= 16.0);
        assert!(svg.contains("a &lt; b") && !svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn one_point_and_none_are_drawn_too() {
        assert!(chart(vec![[3.0, 3.0]]).contains("<circle"));
        assert!(chart(vec![]).contains("Nothing to draw"));
        assert!(!chart(vec![[1e-300, 1e300]]).contains("NaN"));
    }

    #[test]
    fn far_powers_of_ten_are_told_in_few_letters() {
        let points = vec![[1.0, 1.0], [30.0, 1e-8]];
        let curves = vec![Curve { name: "residual".into(), reference: false, points }];
        let svg = Chart { title: "t", along: "iteration", up: "residual", curves }.svg();
        assert!(
            svg.contains(">10⁻⁸<") && svg.contains(">10⁻³<") && svg.contains(">0.01<") && !svg.contains('×'),
            "{svg}"
        );
    }
}
