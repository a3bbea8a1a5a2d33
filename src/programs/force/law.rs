//! What springs do when their ends move: by little or by any way, pushing and pulling or one of the two alone.
//!
//! Where displacements are small a spring keeps its direction, and what counts is how far its ends have moved along
//! it. Where they are large it turns with its ends and its elongation is the change of its length (geometrically
//! nonlinear; its force is linear in the elongation still). A spring that only pushes (a strut, compression-only) or
//! only pulls (a cable, tension-only) is slack otherwise.

use crate::programs::force::vector::Vector;

/// What springs can do alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    /// They resist where they are shortened.
    Push,
    /// They resist where they are drawn out.
    Pull,
}

/// How springs resist; by default small displacements, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Law {
    /// Whether springs turn with their ends.
    pub large: bool,
    /// What they do alone, if not both.
    pub only: Option<Only>,
}

/// A spring whose ends have moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// By how much it is longer; shorter where negative.
    pub elongation: f64,
    /// From the one end to the other, of length 1.
    pub direction: Vector,
    /// The distance of its ends, along its direction.
    pub length: f64,
}

impl Law {
    /// Whether forces are linear in displacements.
    pub fn is_linear(self) -> bool {
        self == Self::default()
    }

    /// A spring whose far end lies at `rest` from the near one at rest, and has moved by `moved` more than that.
    #[inline]
    pub fn draw(self, rest: Vector, moved: Vector) -> Drawn {
        let before = rest.length();
        let along = rest.times(1.0 / before);
        if !self.large {
            return Drawn { elongation: moved.dot(along), direction: along, length: before };
        }
        let now = rest.plus(moved);
        let length = now.length();
        // The difference of squares over the sum: a small elongation keeps its digits.
        let elongation = moved.dot(rest.plus(now)) / (before + length);
        let direction = if length > 0.0 { now.times(1.0 / length) } else { along };
        Drawn { elongation, direction, length }
    }

    /// The part of an elongation that is resisted.
    #[inline]
    pub fn resisted(self, elongation: f64) -> f64 {
        match self.only {
            None => elongation,
            Some(Only::Push) => elongation.min(0.0),
            Some(Only::Pull) => elongation.max(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_displacements_turn_a_spring_and_small_ones_are_those_of_the_linear_law() {
        let rest = Vector([3.0, 0.0, 4.0]);
        let large = Law { large: true, only: None };
        let turned = large.draw(rest, Vector([-3.0, 0.0, 2.0]));
        assert_eq!(turned, Drawn { elongation: 1.0, direction: Vector([0.0, 0.0, 1.0]), length: 6.0 });
        let met = large.draw(rest, Vector([-3.0, 0.0, -4.0]));
        assert_eq!((met.elongation, met.length), (-5.0, 0.0));
        assert!((met.direction.dot(rest) - 5.0).abs() < 1e-15);
        // Far below what a difference of lengths could tell.
        let little = Vector([1e-20, 2e-20, -3e-20]);
        let [small, large] = [Law::default(), large].map(|law| law.draw(rest, little).elongation);
        assert!((small - large).abs() < 1e-34 && (small + 1.8e-20).abs() < 1e-34, "{small} {large}");
    }

    #[test]
    fn a_spring_that_does_one_thing_alone_is_slack_otherwise() {
        let resisted = |only, elongation| Law { large: false, only }.resisted(elongation);
        for (only, push, pull) in [(None, -2.0, 3.0), (Some(Only::Push), -2.0, 0.0), (Some(Only::Pull), 0.0, 3.0)] {
            assert_eq!((resisted(only, -2.0), resisted(only, 3.0)), (push, pull));
        }
    }
}
