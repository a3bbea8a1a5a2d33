//! Which voxels are neighbours: those that share a face (6), also an edge (18), also a corner (26).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A neighbourhood of a voxel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stencil {
    /// Voxels that share a face.
    #[default]
    N6,
    /// Voxels that share a face or an edge.
    N18,
    /// Voxels that share a face, an edge or a corner.
    N26,
}

/// A step from a voxel to a neighbour along z, y, x: each -1, 0 or 1.
pub type Step = [i8; 3];

impl Stencil {
    /// The number of neighbours.
    pub fn neighbors(self) -> usize {
        match self {
            Stencil::N6 => 6,
            Stencil::N18 => 18,
            Stencil::N26 => 26,
        }
    }

    /// How many axes a step may change.
    fn axes(self) -> i8 {
        match self {
            Stencil::N6 => 1,
            Stencil::N18 => 2,
            Stencil::N26 => 3,
        }
    }

    /// Whether a step leads to a neighbour.
    pub fn has(self, step: Step) -> bool {
        let changed: i8 = step.iter().map(|along| along.abs()).sum();
        changed != 0 && changed <= self.axes()
    }

    /// The steps to the neighbours, in raster order of where they lead.
    pub fn steps(self) -> impl Iterator<Item = Step> {
        (0..27i8).map(|code| [code / 9 - 1, code / 3 % 3 - 1, code % 3 - 1]).filter(move |step| self.has(*step))
    }

    /// How far along x a voxel of the row `(dz, dy)` away may lie: nothing where no voxel of that
    /// row is a neighbour.
    pub fn reach(self, dz: i8, dy: i8) -> Option<u32> {
        let left = self.axes() - dz.abs() - dy.abs();
        (left >= 0).then_some(left.min(1) as u32)
    }
}

impl fmt::Display for Stencil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.neighbors().fmt(f)
    }
}

impl FromStr for Stencil {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "6" => Ok(Stencil::N6),
            "18" => Ok(Stencil::N18),
            "26" => Ok(Stencil::N26),
            _ => Err(Error::usage(format!("«{text}» is not a connectivity: give 6, 18 or 26"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stencil_has_as_many_steps_as_its_name_says_and_each_both_ways() {
        for stencil in [Stencil::N6, Stencil::N18, Stencil::N26] {
            assert_eq!(stencil.steps().count(), stencil.neighbors());
            assert!(stencil.steps().all(|step| stencil.steps().any(|back| back == step.map(|s| -s))));
            assert_eq!(stencil.to_string().parse::<Stencil>().unwrap(), stencil);
        }
        assert_eq!(Stencil::N18.reach(1, 1), Some(0));
        assert_eq!(Stencil::N6.reach(1, -1), None);
    }
}
