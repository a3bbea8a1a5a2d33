//! Cells as CompuCell3D tells them to begin with: a `.piff` file of boxes, `id type x1 x2 y1 y2 z1 z2`, both ends within.
//!
//! A box that comes later lies over those before; voxels in no box are the medium, as are those of the type `Medium`,
//! whatever their id: label 0. Other labels are the ids, all one more where a cell has the id 0. Lines that are empty or
//! begin with `#` are passed over; a fourth to sixth pair may be missing, which leaves a plane.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::programs::potts::model::WALL;
use crate::volume::memory::Memory;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::voxel::Voxels;

/// What a file tells.
pub struct Piff {
    /// The labels.
    pub labels: Memory,
    /// The name of the type of each label, of 0 `Medium`.
    pub types: BTreeMap<u32, String>,
    /// The largest label.
    pub most: u32,
}

/// A line.
struct Cuboid {
    id: u32,
    name: String,
    /// First and last voxel along z, y and x.
    first: [usize; 3],
    last: [usize; 3],
}

/// The type of what lies between cells.
const MEDIUM: &str = "Medium";

impl Piff {
    /// Reads a file. A volume of `shape` is filled; without one, the smallest that holds every box.
    ///
    /// # Errors
    /// Where it cannot be read, a line is none, a box leaves the volume, or a cell is of two types.
    pub fn read(path: &Path, shape: Option<Shape>) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| Error::reading(path, cause))?;
        let refuse = |line: usize, what: String| Error::input(path.display(), format!("line {}: {what}", line + 1));
        let mut boxes = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let cuboid = Cuboid::parse(line).map_err(|what| refuse(number, what))?;
            let leaves = shape.filter(|shape| (0..3).any(|axis| cuboid.last[axis] >= shape.0[axis]));
            if let Some(shape) = leaves {
                return Err(refuse(number, format!("the box leaves the volume of {shape} (--shape Z,Y,X)")));
            }
            boxes.push((number, cuboid));
        }
        let most = |axis: usize| boxes.iter().map(|(_, cuboid)| cuboid.last[axis] + 1).max();
        let shape = match (shape, [most(0), most(1), most(2)]) {
            (Some(shape), _) => shape,
            (None, [Some(z), Some(y), Some(x)]) => Shape([z, y, x]),
            _ => return Err(Error::input(path.display(), "has no boxes: give lines of id type x1 x2 y1 y2 z1 z2")),
        };
        let voxels = shape.voxels().filter(|voxels| *voxels <= u64::from(WALL));
        let voxels = voxels.ok_or_else(|| Error::input(path.display(), format!("a volume of {shape} is too large")))?;
        let cells = || boxes.iter().filter(|(_, cuboid)| cuboid.name != MEDIUM);
        let shift = u32::from(cells().any(|(_, cuboid)| cuboid.id == 0));
        let mut types = BTreeMap::from([(0, MEDIUM.to_string())]);
        let mut labels = vec![0u32; voxels as usize];
        for (number, cuboid) in &boxes {
            let label = if cuboid.name == MEDIUM { 0 } else { cuboid.id + shift };
            let name = types.entry(label).or_insert_with(|| cuboid.name.clone());
            if *name != cuboid.name {
                return Err(refuse(*number, format!("cell {} is of type {name} and of {}", cuboid.id, cuboid.name)));
            }
            for z in cuboid.first[0]..=cuboid.last[0] {
                for y in cuboid.first[1]..=cuboid.last[1] {
                    let row = shape.raster([z, y, 0]) as usize;
                    labels[row + cuboid.first[2]..=row + cuboid.last[2]].fill(label);
                }
            }
        }
        let most = types.keys().copied().max().unwrap_or(0);
        let name = path.display().to_string();
        Ok(Self { labels: Memory::new(name, Voxels::from_vec(shape, labels), Spacing::default()), types, most })
    }
}

impl Cuboid {
    fn parse(line: &str) -> std::result::Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.len() != 8 && words.len() != 6 {
            return Err(format!("«{line}» is no box: give id type x1 x2 y1 y2 z1 z2"));
        }
        let id = words[0].parse::<u32>().ok().filter(|id| *id < WALL - 1);
        let id = id.ok_or_else(|| format!("«{}» is no number of a cell", words[0]))?;
        let (mut first, mut last) = ([0; 3], [0; 3]);
        for (pair, ends) in words[2..].chunks_exact(2).enumerate() {
            let whole = |word: &str| word.parse::<u32>().map_err(|_| format!("«{word}» is no voxel from 0 up"));
            // Pairs are x, y, z; axes z, y, x.
            (first[2 - pair], last[2 - pair]) = (whole(ends[0])? as usize, whole(ends[1])? as usize);
            if first[2 - pair] > last[2 - pair] {
                return Err(format!("{} to {} is no box: give the smaller end first", ends[0], ends[1]));
            }
        }
        Ok(Self { id, name: words[1].into(), first, last })
    }
}
