//! Bins of a histogram at round numbers, and the ticks of its axis.
//!
//! The width of a bin follows Freedman and Diaconis, «On the histogram as a density estimator»
//! (1981), rounded to 1, 2 or 5 times a power of ten. Where values are positive and spread wide,
//! bins are of equal ratio. O(n log bins) for sorted values.

use crate::report::number::{decimal, power_of_ten, quantity, round_above, round_below};

/// The widest and the narrowest value of a linear axis: beyond this ratio it is logarithmic.
const WIDE: f64 = 50.0;

/// Bins of a linear axis, at least: a single value then has room around its bar.
const FEWEST: f64 = 5.0;

/// How an axis runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Equal steps.
    Linear,
    /// Equal ratios.
    Logarithmic,
}

/// How many values lie in each of some ranges that follow one another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bins {
    /// How the ranges follow.
    pub(super) scale: Scale,
    /// One more than there are counts, ascending.
    pub(super) edges: Vec<f64>,
    /// Values from an edge up to, not including, the next.
    pub(super) counts: Vec<u64>,
}

impl Bins {
    /// Bins of sorted, finite values, of which there is at least one.
    pub(super) fn of(values: &[f64], whole: bool) -> Self {
        let (low, high) = (values[0], values[values.len() - 1]);
        let edges = if whole {
            let step = round_above((high - low + 1.0) / 40.0).max(1.0);
            steps(low, high, step, -0.5)
        } else if low > 0.0 && high / low >= WIDE {
            return Self::logarithmic(values);
        } else {
            let step = step(values);
            steps(low, high, step, 0.0)
        };
        Self::filled(Scale::Linear, edges, values)
    }

    fn logarithmic(values: &[f64]) -> Self {
        let logarithms: Vec<f64> = values.iter().map(|value| value.log10()).collect();
        let per_decade = [2.0, 5.0, 10.0, 20.0].into_iter().rfind(|n| 1.0 / n >= step(&logarithms) * 0.75);
        let per_decade: f64 = per_decade.unwrap_or(1.0);
        let first = (logarithms[0] * per_decade).floor() as i64;
        let last = (logarithms[logarithms.len() - 1] * per_decade).floor() as i64 + 1;
        let edges = (first..=last).map(|at| 10f64.powf(at as f64 / per_decade)).collect();
        Self::filled(Scale::Logarithmic, edges, values)
    }

    fn filled(scale: Scale, edges: Vec<f64>, values: &[f64]) -> Self {
        let mut counts = vec![0; edges.len() - 1];
        for value in values {
            // Edges are rounded: a value just outside them belongs to the outermost bin.
            let bin = edges.partition_point(|edge| edge <= value).saturating_sub(1);
            counts[bin.min(edges.len() - 2)] += 1;
        }
        Self { scale, edges, counts }
    }

    /// Values with their text, empty for a minor tick, and the power of ten taken out of them.
    pub(super) fn ticks(&self, whole: bool) -> (Vec<(f64, String)>, i32) {
        let (low, high) = (self.edges[0], self.edges[self.edges.len() - 1]);
        if self.scale == Scale::Logarithmic {
            return (decades(low, high), 0);
        }
        let step = round_above((high - low) / 7.0);
        let step = if whole { step.max(1.0) } else { step };
        let largest = low.abs().max(high.abs());
        let factor = match largest.log10().floor() as i32 {
            0..=4 => 0,
            power if whole && power < 5 => 0,
            power @ -2..=-1 => {
                if power == -2 {
                    -2
                } else {
                    0
                }
            }
            power => power.div_euclid(3) * 3,
        };
        let unit = 10f64.powi(factor);
        let decimals = (-(step / unit * 1.000_001).log10().floor()).max(0.0) as usize;
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|at| at as f64 * step);
        (ticks.map(|value| (value, decimal(value / unit, decimals, false))).collect(), factor)
    }
}

/// Ticks of a logarithmic axis: powers of ten, and 2 and 5 times them where there is room.
fn decades(low: f64, high: f64) -> Vec<(f64, String)> {
    let span = (high / low).log10();
    let every = (span / 7.0).ceil().max(1.0) as i32;
    let mut ticks = Vec::new();
    for power in low.log10().floor() as i32..=high.log10().ceil() as i32 {
        for digit in 1..10 {
            let value = f64::from(digit) * 10f64.powi(power);
            let words = match digit {
                1 => power.rem_euclid(every) == 0,
                2 | 5 => span < 3.0,
                _ => false,
            };
            if value < low * 0.999_999 || value > high * 1.000_001 || (every > 1 && digit > 1) {
                continue;
            }
            let plain = (-2..=4).contains(&power);
            let text = match digit {
                _ if !words => String::new(),
                _ if plain => quantity(value),
                1 => power_of_ten(power),
                _ => format!("{digit} × {}", power_of_ten(power)),
            };
            ticks.push((value, text));
        }
    }
    ticks
}

/// Edges at whole numbers of steps, all shifted by `shift`, that enclose two values: of at least
/// [`FEWEST`] bins, but not below zero where the values are not.
fn steps(low: f64, high: f64, step: f64, shift: f64) -> Vec<f64> {
    let first = (low / step).floor();
    let last = ((high - shift) / step).floor().max(first) + 1.0;
    let missing = (FEWEST - (last - first)).max(0.0);
    let below = if low >= 0.0 { (missing / 2.0).floor().min(first) } else { (missing / 2.0).floor() };
    let (first, last) = (first - below, last + missing - below);
    (0..=(last - first) as usize).map(|at| (first + at as f64) * step + shift).collect()
}

/// The round width of a bin for sorted values.
fn step(values: &[f64]) -> f64 {
    let range = values[values.len() - 1] - values[0];
    let size = values[0].abs().max(values[values.len() - 1].abs());
    if range <= size * 1e-12 {
        return if size > 0.0 { round_below(size / 10.0) } else { 1.0 };
    }
    let n = values.len() as f64;
    let freedman = 2.0 * (quantile(values, 0.75) - quantile(values, 0.25)) / n.cbrt();
    let width = if freedman > 0.0 { freedman } else { range / (n.log2() + 1.0) };
    round_below(width.clamp(range / 40.0, range / 5.0)).max(round_above(range / 50.0))
}

/// The quantile of sorted values, interpolated.
pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let at = share * (values.len() - 1) as f64;
    let (below, above) = (values[at.floor() as usize], values[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_lie_at_round_numbers() {
        let values: Vec<f64> = (0..100).map(|at| 13.0 + f64::from(at) / 10.0).collect();
        let bins = Bins::of(&values, false);
        assert_eq!(bins.scale, Scale::Linear);
        assert_eq!(bins.edges[..3], [13.0, 14.0, 15.0]);
        let bins = Bins::of(&[3.0, 4.0, 4.0, 7.0], true);
        assert_eq!((bins.edges[0], &bins.counts[..]), (2.5, &[1, 2, 0, 0, 1][..]));
        let bins = Bins::of(&[0.0], true);
        assert_eq!((bins.edges[0], &bins.counts[..]), (-0.5, &[1, 0, 0, 0, 0][..]));
    }

    #[test]
    fn a_wide_spread_of_positive_values_is_logarithmic() {
        let values: Vec<f64> = (0..200).map(|at| 10f64.powf(f64::from(at) / 50.0)).collect();
        assert_eq!(Bins::of(&values, false).scale, Scale::Logarithmic);
        assert_eq!(Bins::of(&[0.0, 1.0, 1e6], false).scale, Scale::Linear, "zero has no logarithm");
    }

    proptest! {
        #[test]
        fn every_value_is_in_a_bin_that_holds_it(
            mut values in prop::collection::vec(prop_oneof![-1e9..1e9f64, 1e-6..1e6f64, Just(1.0)], 1..200),
            whole in any::<bool>(),
        ) {
            if whole {
                values.iter_mut().for_each(|value| *value = value.round() % 5000.0);
            }
            values.sort_unstable_by(f64::total_cmp);
            let bins = Bins::of(&values, whole);
            prop_assert_eq!(bins.counts.iter().sum::<u64>(), values.len() as u64);
            prop_assert!(bins.counts.len() <= 200, "{} bins", bins.counts.len());
            let slack = 1e-9 * bins.edges.iter().fold(0.0f64, |most, edge| most.max(edge.abs()));
            prop_assert!(bins.edges[0] <= values[0] + slack);
            prop_assert!(bins.edges[bins.edges.len() - 1] >= values[values.len() - 1] - slack);
            let (ticks, _) = bins.ticks(whole);
            prop_assert!(ticks.iter().filter(|(_, text)| !text.is_empty()).count() <= 12);
        }
    }
}
