//! Which voxels a voxel meets in a Potts model: in a plane those that share an edge (4) or also a corner (8),
//! in space those that share a face (6), also an edge (18), also a corner (26).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lattice::stencil::{Stencil, Step};

/// A neighbourhood of a voxel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Neighborhood {
    /// In a plane, those that share an edge.
    N4,
    /// In a plane, those that share an edge or a corner.
    N8,
    /// Those that share a face.
    N6,
    /// Those that share a face or an edge.
    N18,
    /// Those that share a face, an edge or a corner.
    N26,
}

impl Neighborhood {
    /// The number of neighbours.
    pub fn neighbors(self) -> usize {
        match self {
            Neighborhood::N4 => 4,
            Neighborhood::N8 => 8,
            Neighborhood::N6 => 6,
            Neighborhood::N18 => 18,
            Neighborhood::N26 => 26,
        }
    }

    /// Whether it lies in one slice.
    pub fn is_planar(self) -> bool {
        matches!(self, Neighborhood::N4 | Neighborhood::N8)
    }

    /// The steps to the neighbours, in raster order of where they lead.
    pub fn steps(self) -> impl Iterator<Item = Step> {
        let stencil = match self {
            Neighborhood::N4 | Neighborhood::N6 => Stencil::N6,
            Neighborhood::N8 | Neighborhood::N18 => Stencil::N18,
            Neighborhood::N26 => Stencil::N26,
        };
        stencil.steps().filter(move |step| !self.is_planar() || step[0] == 0)
    }

    /// The number of colours: no two voxels of one colour, by the parity of z, y and x, are neighbours.
    pub fn colours(self) -> u64 {
        if self.is_planar() { 4 } else { 8 }
    }

    /// The parity of z, y and x of the voxels of a colour.
    pub fn parity(self, colour: u64) -> [usize; 3] {
        [colour >> 2 & 1, colour >> 1 & 1, colour & 1].map(|bit| bit as usize)
    }
}

impl fmt::Display for Neighborhood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.neighbors().fmt(f)
    }
}

impl FromStr for Neighborhood {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        use Neighborhood::{N4, N6, N8, N18, N26};
        let named = [N4, N8, N6, N18, N26].into_iter().find(|these| these.to_string() == text);
        named.ok_or_else(|| {
            Error::usage(format!("«{text}» is not a neighbourhood: give 4 or 8 in a plane, 6, 18 or 26 in space"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_voxels_of_a_colour_are_neighbours_and_every_voxel_has_a_colour() {
        for name in ["4", "8", "6", "18", "26"] {
            let these: Neighborhood = name.parse().unwrap();
            assert_eq!(these.steps().count(), these.neighbors());
            for step in these.steps() {
                assert!(step.iter().any(|along| along % 2 != 0), "{name}: {step:?}");
                assert!(these.steps().any(|back| back == step.map(|along| -along)));
            }
            let mut seen: Vec<_> = (0..these.colours()).map(|colour| these.parity(colour)).collect();
            seen.dedup();
            assert_eq!(seen.len() as u64, these.colours());
            assert!(!these.is_planar() || seen.iter().all(|parity| parity[0] == 0));
        }
        assert!("5".parse::<Neighborhood>().is_err());
    }
}
