//! What a Potts model is: its neighbours, its walls, its moves, its energy.
//!
//! The energy is the sum, over pairs of neighbours with different spins, of the energy of their contact, and over
//! cells of lambda (V - target)^2 (Graner and Glazier, 1992). Where a size along an axis is 2 and the boundary
//! periodic, two voxels are neighbours twice, and count twice.

use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::programs::potts::cells::{Cells, LARGEST, thousandths};
use crate::programs::potts::neighborhood::Neighborhood;
use crate::volume::shape::Shape;

/// What lies beyond the faces of the volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// The voxels of the opposite face. Sizes are even, as colours are parities.
    #[default]
    Periodic,
    /// Nothing: no contact, no energy, nobody to copy from.
    Walls,
}

/// What a voxel attempts when it is its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Move {
    /// To become like a random neighbour, by Metropolis' choice: the standard move. It does not keep detailed
    /// balance: a spin is proposed as often as it is met, and the way back may be proposed more or less often; and
    /// where all voxels are alike nothing changes any more. It has the growth of grains and the sorting of cells
    /// right, and not Boltzmann's frequencies.
    #[default]
    Copy,
    /// To become like one of the distinct spins that it meets and has not, all equally likely, by Metropolis'
    /// choice (`potts/neighonly` of SPPARKS). It has the same absorbing states.
    Distinct,
    /// To take any of the spins 1..=Q with Boltzmann's probability: the heat bath. In the long run states have
    /// Boltzmann's frequencies. Only with one contact energy.
    HeatBath,
}

/// The energy of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Energy {
    /// Each pair of neighbours with different spins costs the same.
    Uniform(f64),
    /// By the types of cells, and their volumes.
    Cells(Arc<Cells>),
}

/// A Potts model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Which voxels meet.
    pub neighborhood: Neighborhood,
    /// What lies beyond the faces.
    pub boundary: Boundary,
    /// What voxels attempt.
    pub moves: Move,
    /// The energy.
    pub energy: Energy,
    /// The temperature, in units of energy; at 0 nothing is taken that costs.
    pub kt: f64,
    /// Into how many steps a colour is cut: 1, 2 or 4, in a plane 1 or 2. Cell volumes are those at the beginning of
    /// a step, so that more steps keep them fresher; nothing else gains by it.
    pub shades: u32,
    /// The largest spin.
    pub spins: u32,
    /// The seed of all that is random.
    pub seed: u64,
}

/// A spin that no voxel has: what lies beyond a wall.
pub const WALL: u32 = u32::MAX;

impl Model {
    /// Refuses what cannot be run on a volume of `shape`.
    ///
    /// # Errors
    /// What is wrong, and what to give.
    pub fn check(&self, shape: Shape) -> Result<()> {
        let [nz, ny, nx] = shape.0;
        let planar = self.neighborhood.is_planar();
        if planar && nz != 1 {
            return Err(Error::usage(format!(
                "a volume of {shape} has 6, 18 or 26 neighbours: 4 and 8 are of one slice"
            )));
        }
        if !planar && nz == 1 {
            return Err(Error::usage(format!("a slice of {shape} has 4 or 8 neighbours")));
        }
        let odd = |n: usize| n % 2 == 1;
        if self.boundary == Boundary::Periodic && ((!planar && odd(nz)) || odd(ny) || odd(nx)) {
            return Err(Error::usage(format!(
                "a periodic volume of {shape}: its sizes have to be even: crop it, or give it walls"
            )));
        }
        if !(self.kt >= 0.0 && self.kt <= LARGEST) {
            return Err(Error::usage(format!("a temperature kT of {}: give one of 0 to {LARGEST}", self.kt)));
        }
        let most = if planar { 2 } else { 4 };
        if !(self.shades.is_power_of_two() && self.shades <= most) {
            return Err(Error::usage(format!("{} shades: give 1, 2 or (in space) 4", self.shades)));
        }
        if self.spins == WALL {
            return Err(Error::usage("spins are numbers below 2^32 - 1"));
        }
        match &self.energy {
            Energy::Uniform(contact) => thousandths(*contact, "a contact energy").map(drop),
            Energy::Cells(_) if self.moves == Move::HeatBath => {
                Err(Error::usage("the heat bath knows one contact energy, and no types or volumes: leave them out"))
            }
            Energy::Cells(cells) if cells.spins() <= self.spins as usize => {
                Err(Error::usage(format!("spin {} has no type", cells.spins())))
            }
            Energy::Cells(cells) if cells.holds_volumes() && shape.voxels().is_none_or(|n| n > u64::from(WALL)) => {
                Err(Error::usage(format!("a volume of {shape}: cell volumes are held below 2^32 voxels")))
            }
            Energy::Cells(_) => Ok(()),
        }
    }
}

/// The voxels that make their attempt in one step: those whose places along z, y and x leave a residue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What is left along each axis.
    pub residue: [usize; 3],
    /// By what it is divided: 2, or 4 where colours are cut.
    pub period: [usize; 3],
}

impl Turn {
    /// Whether it is the turn of a voxel.
    pub fn has(&self, voxel: [usize; 3]) -> bool {
        (0..3).all(|axis| voxel[axis] % self.period[axis] == self.residue[axis])
    }

    /// The parity of z, y and x of its voxels: their colour.
    pub fn parity(&self) -> [usize; 3] {
        self.residue.map(|residue| residue % 2)
    }
}

impl Model {
    /// The steps of a sweep.
    pub fn steps(&self) -> u64 {
        self.neighborhood.colours() * u64::from(self.shades)
    }

    /// Whose turn it is in a step, counted from the first of the first sweep.
    pub fn turn(&self, step: u64) -> Turn {
        let (colour, shade) = (step / u64::from(self.shades), (step % u64::from(self.shades)) as usize);
        let parity = self.neighborhood.parity(colour % self.neighborhood.colours());
        let planar = self.neighborhood.is_planar();
        // Rows are left whole: a colour is cut along y first, in space along z then.
        let along_y = usize::from(self.shades > 1);
        let along_z = usize::from(self.shades > 2 && !planar);
        let residue = [parity[0] + 2 * (shade >> 1 & along_z), parity[1] + 2 * (shade & along_y), parity[2]];
        Turn { residue, period: [2 + 2 * along_z, 2 + 2 * along_y, 2] }
    }
}

/// The [shades](Model::shades) that keep the distribution of volumes within some percent of that of a run in random
/// order: as many as there may be where volumes are held, else 1.
pub fn usual_shades(neighborhood: Neighborhood, energy: &Energy) -> u32 {
    match energy {
        Energy::Cells(cells) if cells.holds_volumes() && neighborhood.is_planar() => 2,
        Energy::Cells(cells) if cells.holds_volumes() => 4,
        _ => 1,
    }
}

impl FromStr for Boundary {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "periodic" => Ok(Boundary::Periodic),
            "walls" => Ok(Boundary::Walls),
            _ => Err(Error::usage(format!("«{text}» is not a boundary: give periodic or walls"))),
        }
    }
}

impl FromStr for Move {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "copy" => Ok(Move::Copy),
            "distinct" => Ok(Move::Distinct),
            "heat-bath" => Ok(Move::HeatBath),
            _ => Err(Error::usage(format!("«{text}» is not a move: give copy, distinct or heat-bath"))),
        }
    }
}
