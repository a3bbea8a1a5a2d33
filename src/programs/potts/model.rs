//! What a Potts model is: its neighbours, its walls, its moves, its energy.
//!
//! The energy is the sum, over pairs of neighbours with different spins, of the energy of their contact, and over
//! cells of lambda (V - target)^2 (Graner and Glazier, 1992), and of the further terms of their
//! [types](crate::programs::potts::cells::Type). Where a size along an axis is 2 and the boundary periodic, two voxels
//! are neighbours twice, and count twice.

use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lattice::stencil::Step;
use crate::programs::potts::cells::{Cells, LARGEST, Type, thousandths};
use crate::programs::potts::field::Field;
use crate::programs::potts::neighborhood::Neighborhood;
use crate::volume::shape::Shape;

/// What lies beyond the faces of the volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// The voxels of the opposite face. Sizes are even, as colours are parities; multiples of 4 with 12, 20,
    /// 32 or 56 neighbours.
    #[default]
    Periodic,
    /// Nothing: no contact, no energy, nobody to copy from.
    Walls,
    /// The mirror image of the volume, so that contacts run straight into the faces. A voxel does not meet its own
    /// image, but the images of others.
    Mirror,
}

impl Boundary {
    /// The place in `0..n` that stands for `at` along an axis; nothing beyond walls.
    pub fn fold(self, at: isize, n: usize) -> Option<usize> {
        let n = n as isize;
        match self {
            _ if (0..n).contains(&at) => Some(at as usize),
            Boundary::Periodic => Some(at.rem_euclid(n) as usize),
            Boundary::Walls => None,
            Boundary::Mirror => {
                let turn = at.rem_euclid(2 * n);
                Some(turn.min(2 * n - 1 - turn) as usize)
            }
        }
    }
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
    /// What a contact counts by the [shell](Neighborhood::shell) of the neighbour, nearest first; 1 where nothing is
    /// said. Energies that come of it are rounded to thousandths.
    pub weights: Vec<f64>,
    /// Among which voxels surfaces are counted, where they are held: those of the neighbourhood where nothing is said.
    pub surface: Option<Neighborhood>,
    /// What lies beyond the faces.
    pub boundary: Boundary,
    /// What voxels attempt.
    pub moves: Move,
    /// The energy.
    pub energy: Energy,
    /// A field, for types that feel one.
    pub field: Option<Arc<Field>>,
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
                "a volume of {shape} has 6, 18, 26, 32 or 56 neighbours: 4, 8, 12 and 20 are of one slice"
            )));
        }
        if !planar && nz == 1 {
            return Err(Error::usage(format!("a slice of {shape} has 4, 8, 12 or 20 neighbours")));
        }
        let period = self.neighborhood.period();
        let odd = |n: usize| !n.is_multiple_of(period);
        if self.boundary == Boundary::Periodic && ((!planar && odd(nz)) || odd(ny) || odd(nx)) {
            let even = if period == 2 { "even" } else { "multiples of 4" };
            return Err(Error::usage(format!(
                "a periodic volume of {shape}: its sizes have to be {even}: crop it, or give it walls"
            )));
        }
        if self.weights.len() > self.neighborhood.shells() {
            let (neighbors, shells) = (self.neighborhood, self.neighborhood.shells());
            return Err(Error::usage(format!("{neighbors} neighbours are {shells} shells: give as many weights")));
        }
        self.weights.iter().try_for_each(|weight| thousandths(*weight, "a weight").map(drop))?;
        if self.surface.is_some_and(|of| of.is_planar() != planar || of.radius() > self.neighborhood.radius()) {
            let what = "surfaces are counted in the plane or in space as contacts are, and reach no farther";
            return Err(Error::usage(format!("{what} than {} neighbours do", self.neighborhood)));
        }
        if !(self.kt >= 0.0 && self.kt <= LARGEST) {
            return Err(Error::usage(format!("a temperature kT of {}: give one of 0 to {LARGEST}", self.kt)));
        }
        let most = most_shades(self.neighborhood);
        if !(self.shades.is_power_of_two() && self.shades <= most) {
            let what = "give 1, 2 (but not of 12, 20, 32 or 56 neighbours) or (in space) 4";
            return Err(Error::usage(format!("{} shades: {what}", self.shades)));
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
            Energy::Cells(cells) => self.check_terms(cells, shape),
        }
    }
}

/// The voxels that make their attempt in one step: those whose places along z, y and x leave a residue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What is left along each axis.
    pub residue: [usize; 3],
    /// By what it is divided: 2, or 4 where colours are cut or neighbours are two voxels apart.
    pub period: [usize; 3],
}

impl Turn {
    /// Whether it is the turn of a voxel.
    pub fn has(&self, voxel: [usize; 3]) -> bool {
        (0..3).all(|axis| voxel[axis] % self.period[axis] == self.residue[axis])
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
        let residue = self.neighborhood.residue(colour % self.neighborhood.colours());
        let period = self.neighborhood.period();
        // Rows are left whole: a colour is cut along y first, in space along z then.
        let along_y = usize::from(self.shades > 1);
        let along_z = usize::from(self.shades > 2);
        let residue = [residue[0] + 2 * (shade >> 1 & along_z), residue[1] + 2 * (shade & along_y), residue[2]];
        Turn { residue, period: [period + 2 * along_z, period + 2 * along_y, period] }
    }

    /// The voxel a step from another in a volume of `shape`: none beyond walls, and none where it is its own image.
    pub fn beside(&self, shape: Shape, at: [usize; 3], step: Step) -> Option<[usize; 3]> {
        let mut there = [0; 3];
        for axis in 0..3 {
            there[axis] = self.boundary.fold(at[axis] as isize + isize::from(step[axis]), shape.0[axis])?;
        }
        (self.boundary != Boundary::Mirror || there != at).then_some(there)
    }

    /// Refuses terms of cells that cannot be had together.
    fn check_terms(&self, cells: &Cells, shape: Shape) -> Result<()> {
        let any = |of: fn(&Type) -> bool| cells.types().iter().any(of);
        let voxels = shape.voxels().unwrap_or(u64::MAX);
        let surface = self.surface.unwrap_or(self.neighborhood).neighbors() as u64;
        let refuse = |what: &str| Err(Error::usage(what));
        if !cells.fit(voxels, surface) {
            let what = "energies of its cells leave 64 bits: give a smaller lambda or surface_lambda, or crop it";
            return Err(Error::usage(format!("a volume of {shape}: {what}")));
        }
        if self.moves == Move::Distinct && any(|of| of.chemotaxis != 0.0 || of.force != [0.0; 3]) {
            return refuse("force and chemotaxis are of the move copy, which comes from somewhere");
        }
        match &self.field {
            None if any(|of| of.chemotaxis != 0.0 || of.potential != 0.0) => {
                refuse("potential and chemotaxis need a field: give one")
            }
            Some(field) if field.shape() != shape => {
                Err(Error::usage(format!("a field of {} for a volume of {shape}: give one as large", field.shape())))
            }
            _ => Ok(()),
        }
    }
}

/// The most steps that a colour can be cut into.
fn most_shades(neighborhood: Neighborhood) -> u32 {
    match (neighborhood.radius(), neighborhood.is_planar()) {
        (1, true) => 2,
        (1, false) => 4,
        _ => 1,
    }
}

/// The [shades](Model::shades) that keep the distribution of volumes within some percent of that of a run in random
/// order: as many as there may be where volumes are held, else 1.
pub fn usual_shades(neighborhood: Neighborhood, energy: &Energy) -> u32 {
    match energy {
        Energy::Cells(cells) if cells.holds_volumes() || cells.holds_surfaces() => most_shades(neighborhood),
        _ => 1,
    }
}

impl FromStr for Boundary {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "periodic" => Ok(Boundary::Periodic),
            "walls" => Ok(Boundary::Walls),
            "mirror" => Ok(Boundary::Mirror),
            _ => Err(Error::usage(format!("«{text}» is not a boundary: give periodic, walls or mirror"))),
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
