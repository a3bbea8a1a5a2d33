//! Euler numbers of plane sections from 2x2x2 neighbourhoods.
//!
//! The planes normal to a direction of the lattice that hold voxels hold them as a lattice of their
//! own: of rectangles, where the direction is that of an axis or of a diagonal of a face, of
//! triangles where it is that of a diagonal of the cube. Every tile of such a lattice lies in one
//! 2x2x2 neighbourhood (where it is a face of the cube: in two, and counts in the first). The Euler
//! number of the section is a sum over tiles (Ohser and Mücklich, 2000, chapter 4): seen as closed
//! tiles, a rectangle has quarters of vertices and halves of edges, a triangle sixths of vertices.

use crate::lattice::stencil::Step;

/// Twelve times what the voxels `set` of a neighbourhood, bit `4 dz + 2 dy + dx` that at (dz, dy,
/// dx), add to the Euler number of the section normal to a direction; voxels of a rectangle that
/// touch by a corner are joined.
pub(crate) const fn section_twelfths(set: u8, normal: Step) -> i8 {
    let axes = axes_along(normal);
    // An axis has its tile at its foot, a diagonal of the cube a triangle on either side of the middle.
    let levels = match axes {
        1 => 0..1,
        2 => 1..2,
        _ => 1..3,
    };
    let mut twelfths = 0;
    let mut level = levels.start;
    while level < levels.end {
        // The corners of the tile that are in the set, in raster order.
        let (mut taken, mut corner, mut bit) = (0u8, 0, 0);
        while bit < 8 {
            if level_of(bit, normal) == level {
                taken |= (set >> bit & 1) << corner;
                corner += 1;
            }
            bit += 1;
        }
        twelfths += if axes == 3 { triangle(taken) } else { rectangle(taken) };
        level += 1;
    }
    twelfths
}

/// How many axes a direction goes along.
const fn axes_along(normal: Step) -> u8 {
    (normal[0] != 0) as u8 + (normal[1] != 0) as u8 + (normal[2] != 0) as u8
}

/// How far along a direction a corner of the cube lies.
const fn level_of(bit: usize, normal: Step) -> u8 {
    let (mut level, mut axis) = (0, 0);
    while axis < 3 {
        let far = (bit >> (2 - axis) & 1) as u8;
        level += match normal[axis] {
            0 => 0,
            1 => far,
            _ => 1 - far,
        };
        axis += 1;
    }
    level
}

/// Corners in raster order: the first lies opposite the last.
const fn rectangle(taken: u8) -> i8 {
    match (taken, taken.count_ones()) {
        (_, 1) => 3,
        (0b1001 | 0b0110, _) => -6,
        (_, 3) => -3,
        _ => 0,
    }
}

const fn triangle(taken: u8) -> i8 {
    match taken.count_ones() {
        1 => 2,
        2 => -2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lattice::summary::DIRECTIONS;

    #[test]
    fn a_lone_voxel_is_a_point_of_every_section_through_it() {
        for normal in DIRECTIONS {
            assert_eq!((0..8).map(|bit| section_twelfths(1 << bit, normal)).sum::<i8>(), 12, "{normal:?}");
        }
    }

    #[test]
    fn what_is_full_or_empty_adds_nothing() {
        for normal in DIRECTIONS {
            assert_eq!((section_twelfths(0, normal), section_twelfths(255, normal)), (0, 0));
        }
    }
}
