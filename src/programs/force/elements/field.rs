//! Vectors of the nodes of a box, each component an array of its own so that rows of nodes are worked on at a
//! stroke.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, Range, Sub};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A number with a fraction.
pub(super) trait Real:
    Copy
    + Default
    + Debug
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + AddAssign
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The nearest to a number.
    fn of(value: f64) -> Self;

    /// The number.
    fn wide(self) -> f64;
}

impl Real for f32 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
}

/// A vector for each slot: components z, y, x.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Field<T>(pub(super) [Vec<T>; 3]);

impl<T: Real> Field<T> {
    /// Nothing everywhere.
    pub(super) fn none(slots: usize) -> Self {
        Self(std::array::from_fn(|_| vec![T::default(); slots]))
    }

    /// Makes it nothing in spans of slots.
    pub(super) fn clear(&mut self, live: impl Iterator<Item = Range<usize>>) {
        for span in live {
            self.0.iter_mut().for_each(|component| component[span.clone()].fill(T::default()));
        }
    }

    /// The sum of products with another over spans of slots: in the order of spans, components and slots, eight sums
    /// side by side.
    pub(super) fn dot<U: Real>(&self, other: &Field<U>, live: impl Iterator<Item = Range<usize>>) -> f64 {
        let mut total = 0.0;
        for span in live {
            for (a, b) in self.0.iter().zip(&other.0) {
                let mut sums = [0.0; 8];
                let ((a, a_rest), (b, b_rest)) = (a[span.clone()].as_chunks::<8>(), b[span.clone()].as_chunks::<8>());
                for (a, b) in a.iter().zip(b) {
                    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                        *sum += a.wide() * b.wide();
                    }
                }
                total += sums.iter().sum::<f64>();
                total += a_rest.iter().zip(b_rest).map(|(a, b)| a.wide() * b.wide()).sum::<f64>();
            }
        }
        total
    }
}
