//! Metropolis' choice (1953) by whole numbers: a change by `delta` of the energy is taken with the probability
//! min(1, exp(-delta / kT)).
//!
//! Energies are whole thousandths. The probability is a product of two entries of tables, of the upper and the
//! lower bits of the change; the tables are filled by additions, products and quotients of floats alone, which
//! give the same bits on every machine. Precision 2^-31; what is less likely than 2^-32 never happens.

/// Thousandths in a unit of energy.
pub const UNIT: i64 = 1000;

/// The bits of a change that the lower table is of.
const LOW: u32 = 10;

/// Where the probability falls below 2^-32.
const NEVER: f64 = 22.2;

/// Certain.
const ONE: u64 = 1 << 32;

/// The choice at one temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Metropolis {
    low: Vec<u64>,
    high: Vec<u64>,
}

impl Metropolis {
    /// At the temperature kT, in units of energy, at least 0 and finite.
    pub fn new(kt: f64) -> Self {
        if kt <= 0.0 {
            // The lower table alone: nothing that costs is taken.
            return Self { low: vec![0; 1 << LOW], high: vec![ONE] };
        }
        let threshold = |delta: f64| (decay(delta / (kt * UNIT as f64)) * ONE as f64 + 0.5) as u64;
        let step = f64::from(1 << LOW);
        let reach = (NEVER * kt * UNIT as f64 / step) as usize + 1;
        Self {
            low: (0..1 << LOW).map(|low| threshold(f64::from(low))).collect(),
            high: (0..reach).map(|high| threshold(high as f64 * step)).collect(),
        }
    }

    /// Of 2^32 equal chances, those in which a change by `delta` thousandths is taken.
    #[inline]
    pub fn chances(&self, delta: i64) -> u64 {
        if delta <= 0 {
            return ONE;
        }
        let high = self.high.get((delta >> LOW) as usize).copied().unwrap_or(0);
        let low = self.low[delta as usize & ((1 << LOW) - 1)];
        ((u128::from(high) * u128::from(low)) >> 32) as u64
    }

    /// Whether a change by `delta` thousandths is taken, for a random word.
    #[inline]
    pub fn takes(&self, delta: i64, word: u32) -> bool {
        u64::from(word) < self.chances(delta)
    }
}

/// exp(-x) for x of at least 0: the series of a small part of x, squared again and again.
fn decay(x: f64) -> f64 {
    let mut halvings = 0;
    let mut part = x;
    while part > 0.125 {
        part *= 0.5;
        halvings += 1;
    }
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..16 {
        term *= -part / f64::from(k);
        sum += term;
    }
    (0..halvings).fold(sum, |value, _| value * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_those_of_the_exponential() {
        for kt in [0.01, 0.5, 1.0, 20.0, 333.3] {
            let metropolis = Metropolis::new(kt);
            for delta in (1..60_000).step_by(7) {
                let expected = (-(f64::from(delta)) / (kt * 1000.0)).exp() * 2f64.powi(32);
                let found = metropolis.chances(i64::from(delta)) as f64;
                assert!((found - expected).abs() < 3.0, "kT {kt}, {delta}: {found}, not {expected}");
            }
            assert_eq!(metropolis.chances(0), ONE);
            assert_eq!(metropolis.chances(-5), ONE);
            assert_eq!(metropolis.chances(i64::MAX), 0);
        }
    }

    #[test]
    fn nothing_that_costs_is_taken_at_zero() {
        let metropolis = Metropolis::new(0.0);
        assert!(metropolis.takes(0, u32::MAX) && metropolis.takes(-1, u32::MAX));
        assert!(!metropolis.takes(1, 0) && !metropolis.takes(1 << 40, 0));
    }
}
