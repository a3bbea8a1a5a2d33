//! Values that merge: messages, aggregators, moments, contact areas.
//!
//! One algebra serves them all. A combiner is a message type that is [`Combine`]; an aggregator
//! is a `Combine + Default`, its default being the neutral element.

use serde::{Deserialize, Serialize};

/// A value that absorbs another of its kind.
///
/// Laws: associative; commutative; and where the type has a `Default` that is used as a global or
/// a message, the default is neutral. Floats keep them up to rounding, which [`ORDER_FREE`]
/// states. Where a law is broken, results depend on the order in which blocks finish. [`check`]
/// holds a type to them.
///
/// [`ORDER_FREE`]: Combine::ORDER_FREE
pub trait Combine {
    /// Whether any order of merging gives the same bits: true of integers and minima, false of
    /// sums of floats and of lists. The engine fixes an order where it is false.
    const ORDER_FREE: bool;

    /// Absorbs `other`.
    fn combine(&mut self, other: Self);
}

/// A type with a least and a greatest value: what [`Max`] and [`Min`] start from.
pub trait Bounded {
    /// No value is below it.
    const LEAST: Self;
    /// No value is above it.
    const MOST: Self;
}

macro_rules! bounded {
    ($least:ident, $most:ident: $($number:ty),*) => {$(
        impl Bounded for $number {
            const LEAST: Self = <$number>::$least;
            const MOST: Self = <$number>::$most;
        }
    )*};
}

bounded!(MIN, MAX: u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128);
bounded!(NEG_INFINITY, INFINITY: f32, f64);

impl<A: Bounded, B: Bounded> Bounded for (A, B) {
    const LEAST: Self = (A::LEAST, B::LEAST);
    const MOST: Self = (A::MOST, B::MOST);
}

/// The smallest; the greatest value of the type is the neutral element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Min<T>(pub T);

/// The largest; the least value of the type is the neutral element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Max<T>(pub T);

/// The sum; zero is the neutral element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sum<T>(pub T);

/// Every value, in the order in which they were merged; the empty list is the neutral element.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct All<T>(pub Vec<T>);

impl<T: Bounded> Default for Min<T> {
    fn default() -> Self {
        Self(T::MOST)
    }
}

impl<T: Bounded> Default for Max<T> {
    fn default() -> Self {
        Self(T::LEAST)
    }
}

impl<T> Default for All<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialOrd + Copy> Combine for Min<T> {
    const ORDER_FREE: bool = true;

    // Without a branch: which of the two it is cannot be foretold.
    #[inline]
    fn combine(&mut self, other: Self) {
        self.0 = if other.0 < self.0 { other.0 } else { self.0 };
    }
}

impl<T: PartialOrd + Copy> Combine for Max<T> {
    const ORDER_FREE: bool = true;

    // Without a branch: which of the two it is cannot be foretold.
    #[inline]
    fn combine(&mut self, other: Self) {
        self.0 = if other.0 > self.0 { other.0 } else { self.0 };
    }
}

macro_rules! sums {
    ($order_free:literal: $($number:ty),*) => {$(
        impl Combine for Sum<$number> {
            const ORDER_FREE: bool = $order_free;

            #[inline]
            fn combine(&mut self, other: Self) {
                self.0 += other.0;
            }
        }
    )*};
}

sums!(true: u32, u64, u128, usize, i32, i64, i128);
sums!(false: f32, f64);

impl<T> Combine for All<T> {
    const ORDER_FREE: bool = false;

    #[inline]
    fn combine(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

impl Combine for () {
    const ORDER_FREE: bool = true;

    #[inline]
    fn combine(&mut self, (): Self) {}
}

impl<A: Combine> Combine for Option<A> {
    const ORDER_FREE: bool = A::ORDER_FREE;

    #[inline]
    fn combine(&mut self, other: Self) {
        match (self, other) {
            (Some(ours), Some(theirs)) => ours.combine(theirs),
            (ours @ None, theirs) => *ours = theirs,
            (Some(_), None) => {}
        }
    }
}

impl<A: Combine, B: Combine> Combine for (A, B) {
    const ORDER_FREE: bool = A::ORDER_FREE && B::ORDER_FREE;

    #[inline]
    fn combine(&mut self, other: Self) {
        self.0.combine(other.0);
        self.1.combine(other.1);
    }
}

impl<A: Combine, B: Combine, C: Combine> Combine for (A, B, C) {
    const ORDER_FREE: bool = A::ORDER_FREE && B::ORDER_FREE && C::ORDER_FREE;

    #[inline]
    fn combine(&mut self, other: Self) {
        self.0.combine(other.0);
        self.1.combine(other.1);
        self.2.combine(other.2);
    }
}

/// Holds a type to the laws of [`Combine`] on the given samples, comparing with `same`.
///
/// O(n³) merges for n samples. For floats give a `same` that allows for rounding; for types that
/// are only commutative as multisets ([`All`]) one that sorts.
///
/// # Errors
/// The first law that is broken and the samples that break it.
pub fn check<T, F>(samples: &[T], same: F) -> Result<(), String>
where
    T: Combine + Clone + Default + std::fmt::Debug,
    F: Fn(&T, &T) -> bool,
{
    let merged = |a: &T, b: &T| {
        let mut a = a.clone();
        a.combine(b.clone());
        a
    };
    for a in samples {
        if !same(&merged(a, &T::default()), a) || !same(&merged(&T::default(), a), a) {
            return Err(format!("the default is not neutral for {a:?}"));
        }
        for b in samples {
            if !same(&merged(a, b), &merged(b, a)) {
                return Err(format!("not commutative for {a:?} and {b:?}"));
            }
            for c in samples {
                if !same(&merged(&merged(a, b), c), &merged(a, &merged(b, c))) {
                    return Err(format!("not associative for {a:?}, {b:?} and {c:?}"));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_given_types_keep_the_laws() {
        let numbers = [0u64, 1, 2, 7, 7, 1 << 40];
        let minima = numbers.map(Min);
        let maxima = numbers.map(|n| (Max(n), Sum(n)));
        let lists = numbers.map(|n| All(vec![n]));
        let options = numbers.map(|n| (n != 2).then_some(Sum(n)));
        assert_eq!(check(&minima, |a, b| a == b), Ok(()));
        assert_eq!(check(&maxima, |a, b| a == b), Ok(()));
        assert_eq!(check(&options, |a, b| a == b), Ok(()));
        let sorted = |list: &All<u64>| {
            let mut list = list.0.clone();
            list.sort_unstable();
            list
        };
        assert_eq!(check(&lists, |a, b| sorted(a) == sorted(b)), Ok(()));
    }

    #[test]
    fn a_type_that_breaks_a_law_is_found_out() {
        #[derive(Clone, Debug, Default, PartialEq)]
        struct Last(u64);
        impl Combine for Last {
            const ORDER_FREE: bool = true;
            fn combine(&mut self, other: Self) {
                *self = other;
            }
        }
        let found = check(&[Last(1), Last(2)], |a, b| a == b);
        assert!(found.is_err(), "the last to come is not commutative");
    }
}
