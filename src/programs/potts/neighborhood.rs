//! Which voxels a voxel meets in a Potts model: all up to a distance, shell by shell. In a plane these are those that
//! share an edge (4), also a corner (8), also those two voxels along an axis (12), also a knight's move (20); in space
//! those that share a face (6), also an edge (18), also a corner (26), also those two voxels along an axis (32), also those
//! a knight's move away (56).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lattice::stencil::Step;

/// A neighbourhood of a voxel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Neighborhood {
    /// In a plane, those that share an edge.
    N4,
    /// In a plane, those that share an edge or a corner.
    N8,
    /// In a plane, those no farther than 2 voxels.
    N12,
    /// In a plane, those no farther than the square root of 5.
    N20,
    /// Those that share a face.
    N6,
    /// Those that share a face or an edge.
    N18,
    /// Those that share a face, an edge or a corner.
    N26,
    /// Those no farther than 2 voxels.
    N32,
    /// Those no farther than the square root of 5.
    N56,
}

/// The square of the length of a step.
fn square(step: Step) -> i8 {
    step.iter().map(|along| along * along).sum()
}

impl Neighborhood {
    /// The number of neighbours.
    pub fn neighbors(self) -> usize {
        match self {
            Neighborhood::N4 => 4,
            Neighborhood::N8 => 8,
            Neighborhood::N12 => 12,
            Neighborhood::N20 => 20,
            Neighborhood::N6 => 6,
            Neighborhood::N18 => 18,
            Neighborhood::N26 => 26,
            Neighborhood::N32 => 32,
            Neighborhood::N56 => 56,
        }
    }

    /// Whether it lies in one slice.
    pub fn is_planar(self) -> bool {
        matches!(self, Neighborhood::N4 | Neighborhood::N8 | Neighborhood::N12 | Neighborhood::N20)
    }

    /// How far along an axis it reaches, in voxels.
    pub fn radius(self) -> usize {
        use Neighborhood::{N12, N20, N32, N56};
        if matches!(self, N12 | N20 | N32 | N56) { 2 } else { 1 }
    }

    /// The squares of the distances of its shells, ascending.
    fn squares(self) -> &'static [i8] {
        match self {
            Neighborhood::N4 | Neighborhood::N6 => &[1],
            Neighborhood::N8 | Neighborhood::N18 => &[1, 2],
            Neighborhood::N26 => &[1, 2, 3],
            Neighborhood::N12 => &[1, 2, 4],
            Neighborhood::N20 => &[1, 2, 4, 5],
            Neighborhood::N32 => &[1, 2, 3, 4],
            Neighborhood::N56 => &[1, 2, 3, 4, 5],
        }
    }

    /// The number of shells: sets of neighbours at one distance.
    pub fn shells(self) -> usize {
        self.squares().len()
    }

    /// The shell of a step, from 0; nothing where it leads to no neighbour.
    pub fn shell(self, step: Step) -> Option<usize> {
        let planar = !self.is_planar() || step[0] == 0;
        self.squares().iter().position(|of| planar && *of == square(step))
    }

    /// The neighbourhood of all voxels that touch a voxel, of a plane or of space.
    pub fn touching(self) -> Self {
        if self.is_planar() { Neighborhood::N8 } else { Neighborhood::N26 }
    }

    /// The steps to the neighbours, in raster order of where they lead.
    pub fn steps(self) -> impl Iterator<Item = Step> {
        let all = (0..125i8).map(|code| [code / 25 - 2, code / 5 % 5 - 2, code % 5 - 2]);
        all.filter(move |step| self.shell(*step).is_some())
    }

    /// The number of colours: no two voxels of one colour are neighbours.
    pub fn colours(self) -> u64 {
        match (self.radius(), self.is_planar()) {
            (1, true) => 4,
            (1, false) => 8,
            (_, true) => 16,
            (_, false) => 64,
        }
    }

    /// The colour of a voxel is what the places along the axes leave when they are divided by this.
    pub fn period(self) -> usize {
        2 * self.radius()
    }

    /// What the places of the voxels of a colour leave.
    pub fn residue(self, colour: u64) -> [usize; 3] {
        let period = self.period() as u64;
        [colour / period / period, colour / period % period, colour % period].map(|along| along as usize)
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
        use Neighborhood::{N4, N6, N8, N12, N18, N20, N26, N32, N56};
        let named = [N4, N8, N12, N20, N6, N18, N26, N32, N56].into_iter().find(|these| these.to_string() == text);
        named.ok_or_else(|| {
            let what = "give 4, 8, 12 or 20 in a plane, 6, 18, 26, 32 or 56 in space";
            Error::usage(format!("«{text}» is not a neighbourhood: {what}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_voxels_of_a_colour_are_neighbours_and_every_voxel_has_a_colour() {
        for name in ["4", "8", "12", "20", "6", "18", "26", "32", "56"] {
            let these: Neighborhood = name.parse().unwrap();
            assert_eq!(these.steps().count(), these.neighbors());
            for step in these.steps() {
                let period = these.period() as i8;
                assert!(step.iter().any(|along| along % period != 0), "{name}: {step:?}");
                assert!(these.steps().any(|back| back == step.map(|along| -along)));
                assert!(step.iter().all(|along| usize::from(along.unsigned_abs()) <= these.radius()));
            }
            let mut seen: Vec<_> = (0..these.colours()).map(|colour| these.residue(colour)).collect();
            seen.dedup();
            assert_eq!(seen.len() as u64, these.colours());
            assert!(seen.iter().flatten().all(|along| *along < these.period()));
            assert!(!these.is_planar() || seen.iter().all(|residue| residue[0] == 0));
        }
        assert!("5".parse::<Neighborhood>().is_err());
    }

    #[test]
    fn shells_have_the_neighbours_of_their_distance() {
        let counts = |these: Neighborhood| -> Vec<usize> {
            let of = |shell| these.steps().filter(|step| these.shell(*step) == Some(shell)).count();
            (0..these.shells()).map(of).collect()
        };
        assert_eq!(counts(Neighborhood::N20), [4, 4, 4, 8]);
        assert_eq!(counts(Neighborhood::N26), [6, 12, 8]);
        assert_eq!(counts(Neighborhood::N56), [6, 12, 8, 6, 24]);
    }
}
