//! Springs as they resist further small displacements, from where they are: those that carry something, in their
//! new directions, and sideways by their tension. What is loose there, and what does not last, is found on it.

use crate::combine::Combine;
use crate::error::{Kind, Result};
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::force::contact_springs::{Body, Response};
use crate::programs::force::elastic::Spring;
use crate::programs::force::law::{Drawn, Law};
use crate::programs::force::mechanisms::mechanisms;
use crate::programs::force::relaxation::everywhere;
use crate::programs::force::solve::Balance;
use crate::programs::force::vector::{Tensor, Vector};

/// A tension less than this share of the largest is none.
const SLACK: f64 = 1e-6;

impl Response {
    /// How many springs carry nothing, or next to nothing: all of them where what they carry is that beside
    /// `given`, the response to what is given alone.
    pub fn slack(&self, given: &Self) -> usize {
        if self.is_slack(given) {
            return self.tensions.len();
        }
        let none = SLACK * self.largest_tension();
        self.tensions.iter().filter(|tension| tension.abs() <= none).count()
    }

    /// Whether springs carry next to nothing beside `given`, the response to what is given alone: what is left
    /// is rounding.
    pub(super) fn is_slack(&self, given: &Self) -> bool {
        self.largest_tension() <= SLACK * given.largest_tension()
    }

    fn largest_tension(&self) -> f64 {
        self.tensions.iter().map(|tension| tension.abs()).fold(0.0, f64::max)
    }
}

impl Balance {
    /// The [`tangent`](Body::tangent) of a body where it is balanced; on every process.
    ///
    /// # Errors
    /// A lost process.
    pub fn tangent(&self, runtime: &Runtime, body: &Body) -> Result<Body> {
        match body.law.is_linear() {
            true => Ok(body.clone()),
            false => Ok(body.tangent(&everywhere(runtime, &self.displacements)?)),
        }
    }
}

impl Body {
    /// The body under displacements, for further small ones. Springs that do one thing alone are in it only where
    /// they carry something: none of them where all are slack.
    pub fn tangent(&self, displacements: &[Vector]) -> Self {
        let all = || self.response(displacements).is_slack(&self.response(&self.given()));
        self.tangent_above(displacements, if self.law.only.is_some() && all() { 1.0 } else { SLACK })
    }

    /// The same, where a tension of no more than this share of the largest is none.
    pub(super) fn tangent_above(&self, displacements: &[Vector], slack: f64) -> Self {
        if self.law.is_linear() {
            return self.clone();
        }
        let response = self.response(displacements);
        let (slack, tensions) = (slack * response.largest_tension(), response.tensions);
        let carries = |tension: f64| tension.abs() > slack;
        let mut springs = Vec::with_capacity(self.springs.len());
        for ((a, b, spring), tension) in self.springs.iter().zip(tensions) {
            if self.law.only.is_some() && !carries(tension) {
                continue;
            }
            let Drawn { direction, length, .. } = self.drawn(*a, *b, spring, displacements);
            let across = if self.law.large && carries(tension) { tension / length } else { 0.0 };
            springs.push((*a, *b, Spring { stiffness: spring.stiffness, direction, across }));
        }
        Self { springs, law: Law::default(), ..self.clone() }
    }

    /// Whether it comes back from any small displacement, for one that is a [`tangent`](Self::tangent).
    pub(super) fn lasts(&self, runtime: &Runtime) -> Result<bool> {
        let mut own = vec![Tensor::default(); self.nodes.len()];
        for (a, b, spring) in &self.springs {
            own[*a as usize].combine(spring.tensor());
            own[*b as usize].combine(spring.tensor());
        }
        let alone = own.iter().zip(&self.nodes).all(|(own, node)| {
            let (least, largest) = own.extremes(node.held);
            least >= -SLACK * largest
        });
        if !alone {
            return Ok(false);
        }
        // Together: gradients end where a displacement is not resisted but helped.
        match mechanisms(runtime, self, &Config::default()) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == Kind::Program => Ok(false),
            Err(error) => Err(error),
        }
    }
}
