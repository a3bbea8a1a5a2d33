//! Exact sums against plain integers of 2560 bits.

use proptest::prelude::*;
use septa::combine::{Combine, check};
use septa::exact::ExactSum;

/// A plain integer of 2560 bits in two's complement, the lowest 64 first, in units of 2^-1074.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wide([u64; 40]);

impl Wide {
    fn of(term: f64) -> Self {
        let (bits, mut limbs) = (term.abs().to_bits(), [0; 40]);
        let (exponent, fraction) = ((bits >> 52) as usize, bits % (1 << 52));
        let mantissa = u128::from(if exponent > 0 { fraction + (1 << 52) } else { fraction });
        let shift = exponent.max(1) - 1;
        limbs[shift / 64] = (mantissa << (shift % 64)) as u64;
        limbs[shift / 64 + 1] = ((mantissa << (shift % 64)) >> 64) as u64;
        if term < 0.0 { Self(limbs).negated() } else { Self(limbs) }
    }

    fn plus(mut self, other: Self) -> Self {
        let mut carry = false;
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            let sum = u128::from(*ours) + u128::from(theirs) + u128::from(carry);
            (*ours, carry) = (sum as u64, sum >> 64 != 0);
        }
        self
    }

    fn negated(self) -> Self {
        let mut one = [0; 40];
        one[0] = 1;
        Self(self.0.map(|limb| !limb)).plus(Self(one))
    }

    fn is_negative(self) -> bool {
        self.0[39] >> 63 == 1
    }

    /// How far apart the two are, the highest limb first.
    fn apart(self, other: Self) -> [u64; 40] {
        let difference = self.plus(other.negated());
        let mut limbs = if difference.is_negative() { difference.negated().0 } else { difference.0 };
        limbs.reverse();
        limbs
    }
}

/// Whether `value` is the sum of the terms, rounded half to even: no other float is nearer, and
/// one as near has an odd fraction. Beyond the largest float stands the power of two above it.
fn is_rounded(value: f64, terms: &[f64]) -> bool {
    let sum = terms.iter().fold(Wide([0; 40]), |sum, term| sum.plus(Wide::of(*term)));
    if value.is_infinite() {
        let halfway = Wide::of(f64::MAX).plus(Wide::of(2f64.powi(970)));
        let magnitude = if value > 0.0 { sum } else { sum.negated() };
        return !magnitude.plus(halfway.negated()).is_negative();
    }
    let of = |float: f64| match float.is_infinite() {
        true => Wide::of(float.signum() * f64::MAX).plus(Wide::of(float.signum() * 2f64.powi(971))),
        false => Wide::of(float),
    };
    let even = value.to_bits().is_multiple_of(2);
    [value.next_up(), value.next_down()].into_iter().all(|other| {
        let (ours, theirs) = (sum.apart(of(value)), sum.apart(of(other)));
        ours < theirs || ours == theirs && even
    })
}

fn sum_of(terms: &[f64]) -> ExactSum {
    let mut sum = ExactSum::default();
    terms.iter().for_each(|term| sum.add(*term));
    sum
}

/// Finite floats of all sizes, of one size, subnormal, huge, and ties.
fn finite() -> impl Strategy<Value = f64> {
    let bits = any::<u64>().prop_map(f64::from_bits);
    let subnormal = (any::<bool>(), 0..1u64 << 53).prop_map(|(minus, bits)| {
        let term = f64::from_bits(bits);
        if minus { -term } else { term }
    });
    let power = (-1074..1024i32, any::<bool>()).prop_map(|(e, minus)| 2f64.powi(e) * if minus { -1.0 } else { 1.0 });
    let near = (0..60i32, -3..=3i32).prop_map(|(e, k)| f64::from(k) * 2f64.powi(e));
    prop_oneof![bits, subnormal, power, near, -1.0..1.0, -f64::MAX..f64::MAX]
        .prop_filter("finite", |term: &f64| term.is_finite())
}

/// Terms of which some are taken back, in full or nearly.
fn terms() -> impl Strategy<Value = Vec<f64>> {
    let cancelled = |(mut terms, again): (Vec<f64>, Vec<(prop::sample::Index, i64)>)| {
        for (which, off) in again {
            if terms.is_empty() {
                break;
            }
            let term = -terms[which.index(terms.len())];
            terms.push(f64::from_bits(term.to_bits().wrapping_add_signed(off)));
        }
        terms.retain(|term| term.is_finite());
        terms
    };
    let again = prop::collection::vec((any::<prop::sample::Index>(), -1..=1i64), 0..20);
    (prop::collection::vec(finite(), 0..20), again).prop_map(cancelled)
}

proptest! {
    #[test]
    fn the_value_is_the_exact_sum_rounded_half_to_even(terms in terms()) {
        let value = sum_of(&terms).value();
        prop_assert!(is_rounded(value, &terms), "{value:?}");
        prop_assert!(value != 0.0 || value.is_sign_positive());
    }

    #[test]
    fn any_order_and_grouping_gives_the_same_sum_and_the_same_bytes(
        terms in terms(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<bool>()), 30),
    ) {
        let whole = sum_of(&terms);
        let mut parts: Vec<ExactSum> = terms.iter().map(|term| ExactSum::from(*term)).collect();
        let mut cuts = cuts.into_iter().cycle();
        while parts.len() > 1 {
            let (a, b, wire) = cuts.next().expect("they go round");
            let a = parts.swap_remove(a.index(parts.len()));
            let b = b.index(parts.len());
            parts[b].combine(a);
            if wire {
                let bytes = postcard::to_allocvec(&parts[b]).unwrap();
                parts[b] = postcard::from_bytes(&bytes).unwrap();
            }
        }
        let grouped = parts.pop().unwrap_or_default();
        prop_assert_eq!(&grouped, &whole);
        prop_assert_eq!(grouped.value().to_bits(), whole.value().to_bits());
        prop_assert_eq!(postcard::to_allocvec(&grouped).unwrap(), postcard::to_allocvec(&whole).unwrap());
    }

    #[test]
    fn two_sums_are_equal_where_they_are_the_same_number(a in terms(), b in terms(), more in terms()) {
        let wide = |terms: &[f64]| terms.iter().fold(Wide([0; 40]), |sum, term| sum.plus(Wide::of(*term)));
        prop_assert_eq!(sum_of(&a) == sum_of(&b), wide(&a) == wide(&b));
        let there_and_back = a.iter().chain(&more).copied().chain(more.iter().map(|term| -term));
        prop_assert_eq!(sum_of(&there_and_back.collect::<Vec<_>>()), sum_of(&a));
    }
}

#[test]
fn it_keeps_the_laws_of_combine() {
    let terms = [0.0, -0.0, 1.0, -1.0, 0.1, 1e308, -1e308, 5e-324, f64::MAX, f64::INFINITY, f64::NAN];
    let mut samples: Vec<ExactSum> = terms.map(ExactSum::from).into();
    samples.extend([sum_of(&[1.0, -1.0]), sum_of(&[f64::MAX; 3]), sum_of(&[-1e-300, 3.0, 1e300])]);
    assert_eq!(check(&samples, |a, b| a == b && a.value().to_bits() == b.value().to_bits()), Ok(()));
}

#[test]
fn carries_of_a_million_terms_are_not_lost() {
    // Integers that a plain sum of integers holds; and long runs of one sign in one chunk.
    let mut random = 1u64;
    let (mut sum, mut plain) = (ExactSum::default(), 0i128);
    let mut halves = vec![ExactSum::default(); 7];
    for step in 0..1_000_000usize {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let term = (random >> 11) as i64 - if step % 100_000 < 30_000 { 1 << 53 } else { 0 };
        plain += i128::from(term);
        sum.add(term as f64);
        halves[step % 7].add(term as f64);
    }
    assert_eq!(sum.value(), plain as f64);
    let grouped = halves.into_iter().reduce(|mut a, b| {
        a.combine(b);
        a
    });
    assert_eq!(grouped, Some(sum));
    let mut doubled = ExactSum::from(-f64::MAX);
    (0..2000).for_each(|_| doubled.combine(doubled.clone()));
    assert_eq!(doubled.value(), f64::NEG_INFINITY);
}

#[test]
fn what_is_not_finite_is_as_in_a_plain_sum() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    for terms in
        [[1.0, inf, 2.0], [inf, inf, -1e308], [-inf, 0.0, 1.0], [inf, -inf, 1.0], [nan, 1.0, inf], [-nan, 0.0, 0.0]]
    {
        let plain: f64 = terms.iter().sum();
        let ours = sum_of(&terms).value();
        assert!(ours == plain || ours.is_nan() && plain.is_nan(), "{terms:?}: {ours}");
    }
    assert_eq!(sum_of(&[1e308, 1e308, -1e308]).value(), 1e308, "no overflow on the way");
    assert_eq!(sum_of(&[1e308, 1e308]).value(), inf);
}
