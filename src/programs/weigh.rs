//! What the edges of a graph cost: how a search for shortest paths sees them.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::lattice::stencil::Step;
use crate::volume::shape::Spacing;

/// Gives an edge a length.
///
/// Laws: the length depends on the edge alone, and `Debug` tells all that it depends on beside. A
/// length that is negative or not a number is refused when a path comes to it.
pub trait Weigh<E>: Clone + Debug + Send + Sync + 'static {
    /// The length of an edge.
    fn weigh(&self, edge: E) -> f64;
}

/// Every edge has length 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop;

impl<E> Weigh<E> for Hop {
    #[inline]
    fn weigh(&self, _edge: E) -> f64 {
        1.0
    }
}

/// The value of an edge is its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value;

macro_rules! value {
    ($($number:ty),*) => {$(
        impl Weigh<$number> for Value {
            #[inline]
            fn weigh(&self, edge: $number) -> f64 {
                f64::from(edge)
            }
        }
    )*};
}

value!(u8, u16, u32, i32, f32, f64);

/// The length of a step on a lattice, between the centres of voxels, in the unit of a spacing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepLength {
    /// By [`StepLength::place`].
    lengths: [f64; 27],
}

impl StepLength {
    /// Steps between voxels of this spacing.
    pub fn new(spacing: &Spacing) -> Self {
        let [sz, sy, sx] = spacing.zyx;
        let mut lengths = [0.0; 27];
        for (place, length) in lengths.iter_mut().enumerate() {
            let [z, y, x] = [place / 9, place / 3 % 3, place % 3].map(|along| along as f64 - 1.0);
            *length = ((z * sz).powi(2) + (y * sy).powi(2) + (x * sx).powi(2)).sqrt();
        }
        Self { lengths }
    }

    #[inline]
    fn place([z, y, x]: Step) -> usize {
        (z + 1) as usize * 9 + (y + 1) as usize * 3 + (x + 1) as usize
    }
}

impl Weigh<Step> for StepLength {
    #[inline]
    fn weigh(&self, step: Step) -> f64 {
        self.lengths[Self::place(step)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::stencil::Stencil;
    use crate::volume::shape::Unit;

    #[test]
    fn a_step_is_as_long_as_the_hypotenuse_of_its_spacing() {
        let weigh = StepLength::new(&Spacing::new([3.0, 4.0, 12.0], Unit::Um).unwrap());
        assert_eq!(weigh.weigh([-1, 0, 0]), 3.0);
        assert_eq!(weigh.weigh([1, -1, 0]), 5.0);
        assert_eq!(weigh.weigh([1, 1, -1]), 13.0);
        assert!(Stencil::N26.steps().all(|step| weigh.weigh(step) == weigh.weigh(step.map(|along| -along))));
    }
}
