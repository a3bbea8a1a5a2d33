//! Euler numbers from 2x2x2 neighbourhoods.
//!
//! The Euler number of a set of voxels is a sum over the points where eight voxels meet
//! (Lohmann, 1998, chapter 6; Ohser and Mücklich, 2000). Seen as closed cubes (26 neighbours)
//! the set has at each such point a vertex, halves of edges, quarters of faces and eighths of
//! cubes; seen as points joined by faces (6 neighbours) eighths of vertices up to a cube. A
//! neighbourhood that does not change along x adds nothing to either, so only those at the ends
//! of runs are looked at.

/// Eight times what a neighbourhood adds to the Euler number at 26 and at 6; bit `4 dz + 2 dy + dx`
/// of the index is the voxel at (dz, dy, dx).
pub const EIGHTHS: [(i8, i8); 256] = {
    let mut table = [(0, 0); 256];
    let mut set = 0;
    while set < 256 {
        table[set] = (closed(set as u8), open(set as u8));
        set += 1;
    }
    table
};

/// The voxels that meet at each of the six half-edges, as bit sets: the faces of the cube.
const SIDES: [u8; 6] = [0b0000_1111, 0b1111_0000, 0b0011_0011, 0b1100_1100, 0b0101_0101, 0b1010_1010];

/// Eight times V − E + F − C of closed cubes.
const fn closed(set: u8) -> i8 {
    if set == 0 {
        return 0;
    }
    let mut eighths = 8 - set.count_ones() as i8;
    let mut side = 0;
    while side < 6 {
        // An edge is there where one of the four voxels around it is.
        if set & SIDES[side] != 0 {
            eighths -= 4;
        }
        // A face is there where one of the two voxels beside it is: the twelve pairs are the
        // edges of the cube, each between two sides.
        let mut other = side + 1;
        while other < 6 {
            let pair = SIDES[side] & SIDES[other];
            if pair.count_ones() == 2 && set & pair != 0 {
                eighths += 2;
            }
            other += 1;
        }
        side += 1;
    }
    eighths
}

/// Eight times V − E + F − C of voxels as points, joined by faces.
const fn open(set: u8) -> i8 {
    let mut eighths = set.count_ones() as i8;
    if set == 0xff {
        eighths -= 8;
    }
    let mut side = 0;
    while side < 6 {
        if set & SIDES[side] == SIDES[side] {
            eighths += 4;
        }
        let mut other = side + 1;
        while other < 6 {
            let pair = SIDES[side] & SIDES[other];
            if pair.count_ones() == 2 && set & pair == pair {
                eighths -= 2;
            }
            other += 1;
        }
        side += 1;
    }
    eighths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_voxel_has_euler_number_one_either_way() {
        let (closed, open) = (0..8).fold((0, 0), |sum, bit| {
            let (closed, open) = EIGHTHS[1 << bit];
            (sum.0 + closed, sum.1 + open)
        });
        assert_eq!((closed, open), (8, 8));
    }

    #[test]
    fn what_does_not_change_along_x_adds_nothing() {
        for columns in 0..16usize {
            // Bit `2 dz + dy` of the columns is both voxels of that row.
            let set = (0..4).filter(|row| columns >> row & 1 == 1).map(|row| 0b11 << (2 * row)).sum::<usize>();
            assert_eq!(EIGHTHS[set], (0, 0), "{columns:04b}");
        }
    }

    #[test]
    fn a_set_at_26_counts_as_its_complement_at_6() {
        for set in 0..256 {
            assert_eq!(EIGHTHS[set].0, EIGHTHS[255 - set].1, "{set:08b}");
        }
    }
}
