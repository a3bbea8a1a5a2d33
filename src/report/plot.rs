//! A histogram as SVG: bins at round numbers, logarithmic where the spread is wide.
//!
//! Colours come from the page's CSS variables, with fallbacks, and from `currentColor`, so that a
//! histogram follows light and dark. O(n log n): values are sorted.

use std::fmt::Write;

use crate::report::bins::{Bins, Scale, quantile};
use crate::report::html::escape;
use crate::report::number::{count, power_of_ten, quantity, round_above};

/// What a histogram shows.
#[derive(Clone, Copy, Debug)]
pub struct Histogram<'a> {
    /// What is counted, in the plural: `cells`.
    pub counted: &'a str,
    /// The quantity: `Cell volume`.
    pub quantity: &'a str,
    /// Its unit; empty where it has none.
    pub unit: &'a str,
    /// Whether values are whole numbers, each with a bar of its own where they are few.
    pub whole: bool,
    /// The values; those that are not finite, or beyond 10^100, are left out, and counted beneath.
    pub values: &'a [f64],
}

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 276.0;
/// Where the axes end: to the right, above, below.
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 30.0;
const FLOOR: f64 = HEIGHT - 52.0;

impl Histogram<'_> {
    /// The picture: an `<svg>` that scales with its box and names itself to screen readers.
    pub fn svg(&self) -> String {
        // Within these bounds no difference and no ratio of two values overflows.
        let bounded = self.values.iter().filter(|value| value.abs() <= 1e100);
        let mut values: Vec<f64> = bounded.map(|value| if value.abs() < 1e-100 { 0.0 } else { *value }).collect();
        values.sort_unstable_by(f64::total_cmp);
        let mut svg = format!(
            "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" \
             aria-label=\"{}\" font-size=\"13\" font-family=\"inherit\" fill=\"currentColor\">\n",
            escape(&self.summary(&values))
        );
        if values.is_empty() {
            let (x, y) = (WIDTH / 2.0, HEIGHT / 2.0);
            let nothing = format!("No {} to count", self.counted);
            let _ = writeln!(
                svg,
                "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" opacity=\".7\">{}</text>",
                escape(&nothing)
            );
        } else {
            self.draw(&values, &mut svg);
        }
        svg.push_str("</svg>\n");
        svg
    }

    /// In words, what the picture shows; `values` are sorted.
    fn summary(&self, values: &[f64]) -> String {
        let unit = self.spaced_unit();
        match values {
            [] => format!("Histogram of {}: no {}", self.quantity, self.counted),
            [first, .., last] => format!(
                "Histogram of {}: {} {}, from {} to {}{unit}, median {}{unit}",
                self.quantity,
                count(values.len() as u64),
                self.counted,
                quantity(*first),
                quantity(*last),
                quantity(quantile(values, 0.5)),
            ),
            [only] => format!("Histogram of {}: one value, {}{unit}", self.quantity, quantity(*only)),
        }
    }

    fn spaced_unit(&self) -> String {
        if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) }
    }

    fn draw(&self, values: &[f64], svg: &mut String) {
        let bins = Bins::of(values, self.whole);
        let frame = Frame::around(&bins);
        frame.draw_counts(svg);
        self.draw_bars(&bins, &frame, svg);
        let missing = self.values.len() - values.len();
        self.draw_axis(&bins, missing, &frame, svg);
        self.draw_median(quantile(values, 0.5), &frame, svg);
    }

    fn draw_bars(&self, bins: &Bins, frame: &Frame, svg: &mut String) {
        let unit = self.spaced_unit();
        for (edges, number) in bins.edges.windows(2).zip(&bins.counts).filter(|(_, number)| **number > 0) {
            let (from, to) = (frame.across(edges[0]), frame.across(edges[1]));
            let gap = ((to - from) * 0.12).min(1.5);
            let y = frame.up(*number as f64);
            let range = match (edges[0] + 0.5, edges[1] - 0.5) {
                (only, last) if self.whole && only == last => quantity(only),
                (first, last) if self.whole => format!("{} to {}", quantity(first), quantity(last)),
                _ => format!("{} to {}", quantity(edges[0]), quantity(edges[1])),
            };
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" style=\"fill:var(--accent,#2f6db3)\">\
                 <title>{range}{}: {} {}</title></rect>",
                from + gap / 2.0,
                to - from - gap,
                FLOOR - y,
                escape(&unit),
                count(*number),
                escape(self.counted)
            );
        }
    }

    fn draw_axis(&self, bins: &Bins, missing: usize, frame: &Frame, svg: &mut String) {
        let (ticks, factor) = bins.ticks(self.whole);
        for (value, text) in &ticks {
            let x = frame.across(*value);
            let length = if text.is_empty() { 4.0 } else { 6.0 };
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {FLOOR}v{length}\" stroke=\"currentColor\" opacity=\".6\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                FLOOR + 20.0
            );
        }
        let unit = match (factor, self.unit) {
            (0, "") => String::new(),
            (0, unit) => format!(" ({unit})"),
            (factor, "") => format!(" ({})", power_of_ten(factor)),
            (factor, unit) => format!(" ({} {unit})", power_of_ten(factor)),
        };
        let scale = if bins.scale == Scale::Logarithmic { ", logarithmic" } else { "" };
        let missing = match missing {
            0 => String::new(),
            missing => format!("; {} without a value", count(missing as u64)),
        };
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-weight=\"600\">{}{}{scale}{missing}</text>\
             <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\" font-weight=\"600\">Number of {}</text>",
            (frame.left + RIGHT) / 2.0,
            HEIGHT - 8.0,
            escape(self.quantity),
            escape(&unit),
            (TOP + FLOOR) / 2.0,
            escape(self.counted)
        );
    }

    fn draw_median(&self, median: f64, frame: &Frame, svg: &mut String) {
        let x = frame.across(median);
        // Near an edge the words stand on the inner side of their line.
        let anchor = match x {
            x if x < 130.0 => "start",
            x if x > RIGHT - 70.0 => "end",
            _ => "middle",
        };
        let line = format!("d=\"M{x:.1} {TOP}V{FLOOR}\"");
        let _ = writeln!(
            svg,
            "<path {line} style=\"stroke:var(--paper,#fff)\" stroke-width=\"4\"/>\
             <path {line} style=\"stroke:var(--mark,#b45309)\" stroke-width=\"2\" stroke-dasharray=\"6 3\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" style=\"fill:var(--mark,#b45309)\">median {}{}</text>",
            TOP - 9.0,
            quantity(median),
            escape(&self.spaced_unit())
        );
    }
}

/// Where values and counts lie in the picture.
struct Frame {
    scale: Scale,
    /// The values at the left and at the right end.
    ends: [f64; 2],
    /// Where the axis begins: labels of counts stand before it.
    left: f64,
    /// The count at the upper end, and from one line to the next.
    most: f64,
    step: f64,
}

impl Frame {
    fn around(bins: &Bins) -> Self {
        let most = bins.counts.iter().copied().max().unwrap_or(1).max(1) as f64;
        let step = round_above(most / 5.0).max(1.0);
        let most = (most / step).ceil() * step;
        let left = 34.0 + 8.0 * count(most as u64).chars().count() as f64;
        Self { scale: bins.scale, ends: [bins.edges[0], bins.edges[bins.edges.len() - 1]], left, most, step }
    }

    fn across(&self, value: f64) -> f64 {
        let [low, high] = self.ends;
        let share = match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Logarithmic => (value / low).ln() / (high / low).ln(),
        };
        self.left + share * (RIGHT - self.left)
    }

    fn up(&self, number: f64) -> f64 {
        FLOOR - number / self.most * (FLOOR - TOP)
    }

    fn draw_counts(&self, svg: &mut String) {
        for turn in 0..=(self.most / self.step).round() as u64 {
            let number = turn as f64 * self.step;
            let y = self.up(number);
            let _ = writeln!(
                svg,
                "<path d=\"M{} {y:.1}H{RIGHT}\" stroke=\"currentColor\" opacity=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                self.left,
                if turn == 0 { ".6" } else { ".13" },
                self.left - 8.0,
                y + 4.5,
                count(number as u64)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[f64], whole: bool) -> String {
        Histogram { counted: "cells", quantity: "Cell volume", unit: "µm³", whole, values }.svg()
    }

    #[test]
    fn a_wide_spread_makes_the_axis_logarithmic() {
        let values: Vec<f64> = (0..200).map(|at| 10f64.powf(f64::from(at) / 50.0)).collect();
        let svg = histogram(&values, false);
        assert!(svg.contains("Cell volume (µm³), logarithmic") && svg.contains(">1000<"), "{svg}");
    }

    #[test]
    fn none_and_one_are_drawn_too() {
        assert!(histogram(&[], false).contains("No cells to count"));
        assert!(histogram(&[f64::NAN], false).contains("No cells to count"));
        for values in [&[0.0][..], &[7.0; 30], &[1e-9], &[-3.5]] {
            let svg = histogram(values, false);
            assert_eq!(svg.matches("<rect").count(), 1, "{svg}");
            assert!(!svg.contains("NaN"));
        }
    }

    #[test]
    fn values_that_are_none_are_counted() {
        let svg = histogram(&[1.0, f64::NAN, 2.0, f64::INFINITY], false);
        assert!(svg.contains("Cell volume (µm³); 2 without a value"), "{svg}");
    }

    #[test]
    fn outside_strings_are_escaped() {
        let svg =
            Histogram { counted: "<cells>", quantity: "\"<b>\"", unit: "<i>", whole: false, values: &[1.0, 2.0] }.svg();
        assert!(!svg.contains("<b>") && !svg.contains("<cells>") && !svg.contains("<i>"), "{svg}");
    }

    proptest! {
        #[test]
        fn every_number_in_the_picture_is_finite(
            values in prop::collection::vec(prop_oneof![any::<f64>(), 1e-6..1e6f64, Just(1.0)], 0..100),
        ) {
            let svg = histogram(&values, false);
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", svg);
        }
    }
}
