//! Random parts of volumes.

use septa::volume::region::Region;
use septa::volume::shape::Shape;

use crate::common::random::Random;

/// A part of a volume, of one voxel at least.
pub(crate) fn some_region(shape: Shape, random: &mut Random) -> Region {
    let start = shape.0.map(|n| random.below(n as u64) as usize);
    let end = std::array::from_fn(|axis| start[axis] + 1 + random.below((shape.0[axis] - start[axis]) as u64) as usize);
    Region { start, end }
}
