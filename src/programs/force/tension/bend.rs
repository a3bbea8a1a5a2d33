//! How much the contacts of an image are bent on the whole, as what each of them tells by itself is less than that.
//!
//! A contact that is bent by less than a voxel hardly tells so, and whether it is taken for straight or bent its ends
//! are off: tensions by some hundredths. All contacts together tell more. Their curvatures have a variance of which
//! that of the errors is a known part; the rest is true, and each curvature is drawn towards 0 by as much as its
//! error asks for beside that. This is the estimate of James and Stein (1961) as Efron and Morris put it (Stein's
//! estimation rule and its competitors: an empirical Bayes approach, 1973; for unequal errors Morris, Parametric
//! empirical Bayes inference, 1983). Squares count up to a bound, so that a few bent contacts do not speak for
//! straight ones (Huber's second proposal, 1964); and where the rest may be chance it is 0, and contacts are straight.
//!
//! Contacts that meet are bent together (by Young and Laplace the sum of tensions times curvatures around a junction is
//! nothing), so what they are drawn by adds up from contact to contact, where errors do not. They are
//! drawn by less than is best for each by itself.

/// A curvature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bend {
    /// Its estimate.
    pub curvature: f64,
    /// The variance of its error.
    pub variance: f64,
}

/// The square, over its variance, that larger ones count as.
const BOUND: f64 = 2.25;
/// The mean of normal squares so bounded.
const MEAN: f64 = 0.778_465;
/// Their variance.
const VARIANCE: f64 = 0.629_68;

/// So many standard errors are not chance.
const SURE: f64 = 2.0;

/// Curvatures are held to vary by so much more than they are found to.
const WIDE: f64 = 3.0;

/// The variance about 0 that curvatures are held to have.
pub fn expected(bends: &[Bend]) -> f64 {
    WIDE * variance(bends)
}

impl Bend {
    /// Its square over the variance that it has where true curvatures have `variance`, at most [`BOUND`], beyond
    /// the mean of such.
    fn beyond(&self, variance: f64) -> f64 {
        (self.curvature.powi(2) / (self.variance + variance)).min(BOUND) - MEAN
    }
}

/// The variance of the true curvatures.
fn variance(bends: &[Bend]) -> f64 {
    let sum = |variance: f64| bends.iter().map(|bend| bend.beyond(variance) / (bend.variance + variance)).sum::<f64>();
    let largest = bends.iter().map(|bend| bend.curvature.abs()).fold(0.0, f64::max);
    // Of a variance as large as the largest square would have it every bend is too small.
    let (mut low, mut high) = (0.0, largest / MEAN.sqrt());
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if sum(middle * middle) > 0.0 { low = middle } else { high = middle }
    }
    let found = low * low;
    // Contacts that could tell such bends count.
    let weights = || bends.iter().map(|bend| (bend, 1.0 / (bend.variance + found)));
    let seen = weights().map(|(bend, weight)| weight * bend.beyond(0.0)).sum::<f64>();
    let chance = VARIANCE * weights().map(|(_, weight)| weight * weight).sum::<f64>();
    if seen > SURE * chance.sqrt() { found } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::mix::mix;

    /// A number in 0..1.
    fn number(drawn: &mut u64) -> f64 {
        *drawn += 1;
        (mix(*drawn) >> 40) as f64 / f64::from(1 << 24)
    }

    /// A normal number, nearly.
    fn normal(drawn: &mut u64) -> f64 {
        (0..12).map(|_| number(drawn)).sum::<f64>() - 6.0
    }

    fn bends(drawn: &mut u64, count: usize, truth: f64) -> Vec<Bend> {
        let mut one = || {
            let error = 0.2 + 3.0 * number(drawn);
            Bend { curvature: truth * normal(drawn) + error * normal(drawn), variance: error * error }
        };
        (0..count).map(|_| one()).collect()
    }

    #[test]
    fn the_variance_is_that_of_which_curvatures_were_drawn() {
        let mut drawn = 5;
        for truth in [0.7f64, 2.0, 10.0] {
            let found = variance(&bends(&mut drawn, 2000, truth)).sqrt();
            assert!((found / truth - 1.0).abs() < 0.1, "{truth}: {found}");
        }
        // Of straight ones it is nothing, but by chance.
        let none = (0..200).filter(|_| variance(&bends(&mut drawn, 30, 0.0)) == 0.0).count();
        assert!(none > 185, "{none}");
        // A few that are bent much do not count for all.
        let mut some = bends(&mut drawn, 200, 0.7);
        some.iter_mut().take(10).for_each(|bend| bend.curvature += 1e3);
        assert!((variance(&some).sqrt() / 0.7 - 1.0).abs() < 0.4, "{}", variance(&some).sqrt());
        assert_eq!(variance(&[]), 0.0);
    }
}
