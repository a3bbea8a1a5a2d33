//! The size of a volume in voxels, and of a voxel in length: axes z, y, x.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Voxels along z, y, x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shape(pub [usize; 3]);

impl Shape {
    /// The number of voxels, or nothing where it exceeds 2^63.
    pub fn voxels(self) -> Option<u64> {
        let [z, y, x] = self.0.map(|n| n as u64);
        z.checked_mul(y)?.checked_mul(x).filter(|n| *n <= i64::MAX as u64)
    }

    /// The raster index of a voxel: x fastest.
    #[inline]
    pub fn raster(self, [z, y, x]: [usize; 3]) -> u64 {
        (z as u64 * self.0[1] as u64 + y as u64) * self.0[2] as u64 + x as u64
    }

    /// The voxel of a raster index.
    #[inline]
    pub fn voxel(self, raster: u64) -> [usize; 3] {
        let (row, x) = (raster / self.0[2] as u64, raster % self.0[2] as u64);
        let (z, y) = (row / self.0[1] as u64, row % self.0[1] as u64);
        [z as usize, y as usize, x as usize]
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [z, y, x] = self.0;
        write!(f, "{z}x{y}x{x}")
    }
}

impl FromStr for Shape {
    type Err = Error;

    /// `Z,Y,X`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::usage(format!("«{text}» is not a shape: give Z,Y,X, such as 64,128,128"));
        let sizes: Vec<usize> =
            text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let shape = Shape(sizes.try_into().map_err(|_| wrong())?);
        match shape.voxels() {
            Some(1..) => Ok(shape),
            _ => Err(wrong()),
        }
    }
}

/// The unit of a [`Spacing`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// No physical size is known: lengths are counted in voxels.
    #[default]
    Voxel,
    /// Nanometre.
    Nm,
    /// Micrometre.
    Um,
    /// Millimetre.
    Mm,
    /// Centimetre.
    Cm,
    /// Metre.
    M,
}

impl Unit {
    /// The unit that `text` names, in the spellings that ImageJ, OME and TIFF use.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "voxel" | "voxels" | "pixel" | "pixels" | "px" | "" => Unit::Voxel,
            "nm" | "nanometer" | "nanometre" | "nanometers" => Unit::Nm,
            "um" | "µm" | "μm" | "\\u00B5m" | "micron" | "microns" | "micrometer" | "micrometre" => Unit::Um,
            "mm" | "millimeter" | "millimetre" => Unit::Mm,
            "cm" | "centimeter" | "centimetre" => Unit::Cm,
            "m" | "meter" | "metre" => Unit::M,
            _ => return None,
        })
    }

    /// How people write it.
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::Voxel => "voxel",
            Unit::Nm => "nm",
            Unit::Um => "µm",
            Unit::Mm => "mm",
            Unit::Cm => "cm",
            Unit::M => "m",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// The edges of a voxel along z, y, x, and their unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spacing {
    /// Edge lengths along z, y, x; positive and finite.
    pub zyx: [f64; 3],
    /// The unit of the edges.
    pub unit: Unit,
}

impl Default for Spacing {
    /// Cubes of one voxel.
    fn default() -> Self {
        Self { zyx: [1.0; 3], unit: Unit::Voxel }
    }
}

impl Spacing {
    /// Edges along z, y, x in `unit`.
    ///
    /// # Errors
    /// Where an edge is not a positive, finite number.
    pub fn new(zyx: [f64; 3], unit: Unit) -> Result<Self> {
        if zyx.iter().all(|edge| edge.is_finite() && *edge > 0.0) {
            Ok(Self { zyx, unit })
        } else {
            Err(Error::usage(format!("a spacing of {zyx:?}: edges are positive and finite")))
        }
    }

    /// The volume of a voxel.
    pub fn volume(&self) -> f64 {
        self.zyx.iter().product()
    }

    /// The area of the faces normal to z, y, x.
    pub fn face_areas(&self) -> [f64; 3] {
        let [z, y, x] = self.zyx;
        [y * x, z * x, z * y]
    }

    /// The edges as `Z,Y,X` is read: for options of the command line.
    ///
    /// # Errors
    /// Where `text` is not one positive number or three.
    pub fn parse_edges(text: &str) -> Result<[f64; 3]> {
        let wrong = || Error::usage(format!("«{text}» is not a spacing: give Z,Y,X, such as 0.5,0.2,0.2"));
        let edges: Vec<f64> =
            text.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let zyx = match edges[..] {
            [edge] => [edge; 3],
            [z, y, x] => [z, y, x],
            _ => return Err(wrong()),
        };
        Ok(Spacing::new(zyx, Unit::Voxel).map_err(|_| wrong())?.zyx)
    }
}
