//! One level of a multigrid in one block: forces that are out of balance, and displacements that mend them.
//!
//! Errors that are rough on a level are smoothed by a Chebyshev polynomial of the second degree, of the stiffness with
//! that of each node by itself taken out (Adams, Brezina, Hu and Tuminaro 2003); how far its eigenvalues go is known
//! from a single element. Numbers of single precision serve: what they leave the next iteration mends.

use serde::{Deserialize, Serialize};

use crate::programs::force::elements::element::Element;
use crate::programs::force::elements::field::Field;
use crate::programs::force::elements::kernel::{Elements, resist};
use crate::programs::force::elements::level::Level;
use crate::programs::force::elements::moduli::inverse;
use crate::programs::force::elements::supports::Supports;

/// The part of the eigenvalues, from the top, that is smoothed on a level: what is below is smooth on the next.
const ROUGH: f64 = 12.0;

/// The coefficients of the polynomial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Smoother {
    /// Of the first step, the preconditioned residual.
    first: f32,
    /// Of the second, the first step and the preconditioned residual.
    again: [f32; 2],
}

impl Smoother {
    /// For elements of one kind.
    pub(super) fn of(element: &Element) -> Self {
        let largest = element.bound();
        let (centre, half) = (0.5 * (largest + largest / ROUGH), 0.5 * (largest - largest / ROUGH));
        let before = half / centre;
        let next = 1.0 / (2.0 * centre / half - before);
        Self { first: (1.0 / centre) as f32, again: [(next * before) as f32, (2.0 * next / half) as f32] }
    }
}

/// A level of a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grid {
    pub(super) level: Level,
    pub(super) elements: Elements<f32>,
    /// One over the stiffness of nodes by themselves; nothing where they are not free or not of the block.
    pub(super) inverse: Field<f32>,
    /// What is out of balance.
    pub(super) load: Field<f32>,
    /// What mends it.
    pub(super) moved: Field<f32>,
    /// The last step of the smoother.
    step: Field<f32>,
    /// What is still out of balance; before, the forces of what has moved.
    pub(super) left: Field<f32>,
    smoother: Smoother,
}

impl Grid {
    /// A level of the given moduli.
    pub(super) fn new(level: Level, moduli: Vec<f32>, element: &Element, supports: &Supports) -> Self {
        let none = || Field::none(level.slots());
        let inverse = inverse(&level, &moduli, element, supports);
        let (load, moved, step, left) = (none(), none(), none(), none());
        let elements = Elements::new(&level, moduli);
        Self { level, elements, inverse, load, moved, step, left, smoother: Smoother::of(element) }
    }

    /// The first step of smoothing, from nothing moved.
    pub(super) fn begin(&mut self) {
        let first = self.smoother.first;
        for span in self.elements.live() {
            for axis in 0..3 {
                let nodes = self.load.0[axis][span.clone()].iter().zip(&self.inverse.0[axis][span.clone()]);
                let steps = self.step.0[axis][span.clone()].iter_mut().zip(&mut self.moved.0[axis][span.clone()]);
                for ((load, inverse), (step, moved)) in nodes.zip(steps) {
                    *step = first * inverse * load;
                    *moved = *step;
                }
            }
        }
    }

    /// What is left out of balance by what has moved here and around.
    pub(super) fn leave(&mut self, element: &Element) {
        self.resist(element);
        for span in self.elements.live() {
            for axis in 0..3 {
                let nodes = self.load.0[axis][span.clone()].iter().zip(&self.inverse.0[axis][span.clone()]);
                for ((load, inverse), left) in nodes.zip(&mut self.left.0[axis][span.clone()]) {
                    *left = if *inverse != 0.0 { load - *left } else { 0.0 };
                }
            }
        }
    }

    /// A step of smoothing, by what is left of the load: the first, or that after a first.
    pub(super) fn smooth(&mut self, element: &Element, again: bool) {
        self.resist(element);
        let [before, now] = if again { self.smoother.again } else { [0.0, self.smoother.first] };
        for span in self.elements.live() {
            for axis in 0..3 {
                let nodes = self.load.0[axis][span.clone()].iter().zip(&self.left.0[axis][span.clone()]);
                let nodes = nodes.zip(&self.inverse.0[axis][span.clone()]);
                let steps = self.step.0[axis][span.clone()].iter_mut().zip(&mut self.moved.0[axis][span.clone()]);
                for (((load, force), inverse), (step, moved)) in nodes.zip(steps) {
                    *step = before * *step + now * (inverse * (load - force));
                    *moved += *step;
                }
            }
        }
    }

    /// The forces of what has moved here and around, as what is left.
    fn resist(&mut self, element: &Element) {
        self.left.clear(self.elements.live());
        resist(&self.level, element, &self.elements, &self.moved, &mut self.left);
    }
}
