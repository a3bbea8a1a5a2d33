//! A box of voxels: half-open ranges along z, y, x.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::volume::shape::Shape;

/// The voxels from `start` up to, not including, `end`, along z, y, x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// First voxel.
    pub start: [usize; 3],
    /// One past the last voxel.
    pub end: [usize; 3],
}

impl Region {
    /// The whole of a volume.
    pub fn whole(shape: Shape) -> Self {
        Self { start: [0; 3], end: shape.0 }
    }

    /// Its size.
    pub fn shape(&self) -> Shape {
        Shape(std::array::from_fn(|axis| self.end[axis].saturating_sub(self.start[axis])))
    }

    /// Whether it holds no voxel.
    pub fn is_empty(&self) -> bool {
        self.shape().0.contains(&0)
    }

    /// Whether `voxel` lies in it.
    pub fn contains(&self, voxel: [usize; 3]) -> bool {
        (0..3).all(|axis| (self.start[axis]..self.end[axis]).contains(&voxel[axis]))
    }

    /// Whether all of `other` lies in it.
    pub fn covers(&self, other: &Region) -> bool {
        (0..3).all(|axis| self.start[axis] <= other.start[axis] && other.end[axis] <= self.end[axis])
    }

    /// What both hold, which may be empty.
    pub fn intersection(&self, other: &Region) -> Region {
        let start = std::array::from_fn(|axis| self.start[axis].max(other.start[axis]));
        let end = std::array::from_fn(|axis| self.end[axis].min(other.end[axis]).max(start[axis]));
        Region { start, end }
    }

    /// Larger by `below` voxels towards zero and `above` voxels away from it on each axis, as
    /// far as a volume of `shape` goes.
    pub fn grown(&self, below: [usize; 3], above: [usize; 3], shape: Shape) -> Region {
        Region {
            start: std::array::from_fn(|axis| self.start[axis].saturating_sub(below[axis])),
            end: std::array::from_fn(|axis| (self.end[axis] + above[axis]).min(shape.0[axis])),
        }
    }

    /// The same voxels, counted from `origin`.
    pub fn relative_to(&self, origin: [usize; 3]) -> Region {
        Region {
            start: std::array::from_fn(|axis| self.start[axis] - origin[axis]),
            end: std::array::from_fn(|axis| self.end[axis] - origin[axis]),
        }
    }

    /// The same voxels, where `origin` is the new zero's place in the old count.
    pub fn offset_by(&self, origin: [usize; 3]) -> Region {
        Region {
            start: std::array::from_fn(|axis| self.start[axis] + origin[axis]),
            end: std::array::from_fn(|axis| self.end[axis] + origin[axis]),
        }
    }

    /// Its range along one axis (0 is z).
    pub fn range(&self, axis: usize) -> Range<usize> {
        self.start[axis]..self.end[axis]
    }

    /// Its rows as (z, y), in raster order.
    pub fn rows(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let ys = self.range(1);
        self.range(0).flat_map(move |z| ys.clone().map(move |y| (z, y)))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [z, y, x]: [String; 3] = std::array::from_fn(|axis| format!("{}:{}", self.start[axis], self.end[axis]));
        write!(f, "{z},{y},{x}")
    }
}

/// A [`Region`] as it is asked for, `z0:z1,y0:y1,x0:x1`, where any end may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionSpec([(Option<usize>, Option<usize>); 3]);

impl RegionSpec {
    /// Its first voxel.
    pub fn start(&self) -> [usize; 3] {
        self.0.map(|(start, _)| start.unwrap_or(0))
    }

    /// Whether voxels of a shape may be what is meant.
    pub fn fits(&self, shape: Shape) -> bool {
        let fits = |((start, end), edge): (&(Option<usize>, Option<usize>), usize)| {
            end.is_none_or(|end| end.checked_sub(start.unwrap_or(0)) == Some(edge))
        };
        self.0.iter().zip(shape.0).all(fits)
    }

    /// The region meant in a volume of `shape`.
    ///
    /// # Errors
    /// Where it is empty or leaves the volume.
    pub fn within(&self, shape: Shape) -> Result<Region> {
        let start = std::array::from_fn(|axis| self.0[axis].0.unwrap_or(0));
        let end = std::array::from_fn(|axis| self.0[axis].1.unwrap_or(shape.0[axis]));
        let region = Region { start, end };
        if region.is_empty() || !Region::whole(shape).covers(&region) {
            return Err(Error::usage(format!(
                "the region {region} is not a part of a volume of {shape}: give one that is"
            )));
        }
        Ok(region)
    }
}

impl From<Region> for RegionSpec {
    fn from(region: Region) -> Self {
        Self(std::array::from_fn(|axis| (Some(region.start[axis]), Some(region.end[axis]))))
    }
}

impl FromStr for RegionSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::usage(format!("«{text}» is not a region: give z0:z1,y0:y1,x0:x1, such as 10:20,:,0:64"));
        let bound = |part: &str| match part.trim() {
            "" => Ok(None),
            number => number.parse().map(Some).map_err(|_| wrong()),
        };
        let axes: Vec<_> = text
            .split(',')
            .map(|range| match range.split_once(':') {
                Some((from, to)) => Ok((bound(from)?, bound(to)?)),
                None if range.trim().is_empty() => Ok((None, None)),
                None => Err(wrong()),
            })
            .collect::<Result<_>>()?;
        Ok(Self(axes.try_into().map_err(|_| wrong())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_reads_with_any_part_left_out() {
        let shape = Shape([10, 20, 30]);
        let region = |text: &str| text.parse::<RegionSpec>().and_then(|spec| spec.within(shape));
        assert_eq!(region(":,:,:").unwrap(), Region::whole(shape));
        assert_eq!(region("2:3,:,5:").unwrap(), Region { start: [2, 0, 5], end: [3, 20, 30] });
        assert_eq!(region(",4:8,").unwrap(), Region { start: [0, 4, 0], end: [10, 8, 30] });
        for wrong in ["", "1:2", "3:2,:,:", ":,:,:31", "a:b,:,:", "1,2,3"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
