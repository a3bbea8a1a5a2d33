//! Faces of the volume, where a body is held, moved or loaded: written `z=0` or `x=max`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::lattice::summary::Cell;
use crate::programs::force::vector::Vector;
use crate::volume::shape::{Shape, Spacing};

/// A face of the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plane {
    /// The axis it is normal to: 0 for z, 1 for y, 2 for x.
    pub axis: usize,
    /// Whether it is the far one.
    pub far: bool,
}

impl Plane {
    /// Whether a cell of a volume touches it.
    pub fn touches(self, cell: &Cell, shape: Shape) -> bool {
        match self.far {
            false => cell.moments.min[self.axis] == 0,
            true => cell.moments.max[self.axis] + 1 == shape.0[self.axis] as u64,
        }
    }

    /// How far it is from a place in the volume, in the unit of the spacing; voxels end half a voxel from their
    /// centres.
    pub fn distance(self, place: Vector, shape: Shape, spacing: &Spacing) -> f64 {
        let end = if self.far { shape.0[self.axis] as f64 - 0.5 } else { -0.5 };
        (place.0[self.axis] - end * spacing.zyx[self.axis]).abs()
    }
}

impl fmt::Display for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", ["z", "y", "x"][self.axis], if self.far { "max" } else { "0" })
    }
}

impl FromStr for Plane {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("«{text}» is not a face: give z=0, z=max, y=0, y=max, x=0 or x=max");
        let (axis, end) = text.split_once('=').ok_or_else(wrong)?;
        let axis = ["z", "y", "x"].iter().position(|name| *name == axis).ok_or_else(wrong)?;
        match end {
            "0" => Ok(Self { axis, far: false }),
            "max" => Ok(Self { axis, far: true }),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_read_as_they_are_written() {
        for text in ["z=0", "z=max", "y=0", "y=max", "x=0", "x=max"] {
            assert_eq!(text.parse::<Plane>().unwrap().to_string(), text);
        }
        for text in ["z", "w=0", "z=1", "z=-0", "=max", "z=max "] {
            assert!(text.parse::<Plane>().is_err(), "{text}");
        }
    }
}
