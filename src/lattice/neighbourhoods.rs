//! What the 2x2x2 neighbourhoods of voxels say of the cells in them: where lines leave a cell, its
//! Euler numbers, and those of its plane sections.
//!
//! All of these are sums over neighbourhoods of what the cell's voxels in it add, so a table of 256
//! rows holds what there is to know. What is of one cell, or of none, adds nothing: four rows of
//! voxels are walked together from one place where any of them changes to the next, and what lies
//! between two such places is one neighbourhood, many times.
//!
//! Cost: O(runs of the four rows) for every row. Memory: the stretches of two slices, and 224 bytes
//! a cell.

use crate::lattice::euler::EIGHTHS;
use crate::lattice::runs::Runs;
use crate::lattice::sections::section_twelfths;
use crate::lattice::stencil::Step;
use crate::lattice::summary::{Cell, DIRECTIONS};
use crate::volume::region::Region;
use crate::wide::{Work, widely};

/// The sums of a cell: exits along each direction, Euler numbers, and sections across each.
const SUMS: usize = 13 + 2 + 13;

/// What a neighbourhood adds to the sums of a cell that has the voxels `corners` of it, bit
/// `4 dx + 2 dz + dy` that at (dz, dy, dx): first those before a place, then those after it.
static SHARES: [[i8; SUMS]; 256] = {
    let mut shares = [[0; SUMS]; 256];
    let mut corners = 0;
    while corners < 256 {
        let set = in_raster_order(corners as u8) as usize;
        let mut direction = 0;
        while direction < 13 {
            let step = DIRECTIONS[direction];
            shares[corners][direction] = exits(set as u8, step);
            shares[corners][15 + direction] = section_twelfths(set as u8, step);
            direction += 1;
        }
        (shares[corners][13], shares[corners][14]) = EIGHTHS[set];
        corners += 1;
    }
    shares
};

/// The same voxels, bit `4 dz + 2 dy + dx` that at (dz, dy, dx).
const fn in_raster_order(corners: u8) -> u8 {
    let (mut set, mut row) = (0, 0);
    while row < 4 {
        set |= (corners >> row & 1 | (corners >> (4 + row) & 1) << 1) << (2 * row);
        row += 1;
    }
    set
}

/// Whether the set has the first voxel of the pair along a direction, and not the second. Each
/// pair is one of those of a single neighbourhood's: it lies as near to zero as it can.
const fn exits(set: u8, step: Step) -> i8 {
    let (mut from, mut to, mut axis) = (0, 0, 0);
    while axis < 3 {
        from = from << 1 | (step[axis] < 0) as u8;
        to = to << 1 | (step[axis] > 0) as u8;
        axis += 1;
    }
    (set >> from & 1 == 1 && set >> to & 1 == 0) as i8
}

/// Adds to each cell what the neighbourhoods do whose corner nearest to zero the block owns;
/// those that begin before the volume belong to the blocks at its lower faces. `runs` are those of
/// the block and its shell, `cell_of` has the number of the cell of each.
pub(crate) fn add_neighbourhoods(runs: &Runs, cell_of: &[u32], own: Region, cells: &mut [Cell]) {
    let sums = widely(Walk { runs, cell_of, own, sums: vec![[0; SUMS]; cells.len()] });
    for (cell, sums) in cells.iter_mut().zip(sums) {
        cell.exits.iter_mut().zip(&sums[..13]).for_each(|(exits, more)| *exits += more.unsigned_abs());
        cell.euler_eighths.iter_mut().zip(&sums[13..15]).for_each(|(eighths, more)| *eighths += more);
        cell.section_twelfths.iter_mut().zip(&sums[15..]).for_each(|(twelfths, more)| *twelfths += more);
    }
}

/// No cell.
const NONE: u32 = u32::MAX;

/// The rows of a slice cut where another cell begins, or none: the first voxel of each stretch, and
/// its cell. Every row begins at 0 and ends with a stretch that begins nowhere.
#[derive(Default)]
struct Slice {
    stretches: Vec<(u32, u32)>,
    rows: Vec<u32>,
}

impl Slice {
    /// The rows of slice `z` from row `first` on.
    fn fill(&mut self, runs: &Runs, cell_of: &[u32], z: i64, rows: std::ops::RangeInclusive<i64>) {
        self.stretches.clear();
        self.rows.clear();
        for y in rows {
            self.rows.push(self.stretches.len() as u32);
            let mut end = 0;
            let row = runs.row(z, y);
            for (span, cell) in runs.spans()[row.clone()].iter().zip(&cell_of[row]) {
                if span.start > end {
                    self.stretches.push((end, NONE));
                }
                self.stretches.push((span.start, *cell));
                end = span.end;
            }
            self.stretches.push((end, NONE));
            self.stretches.push((u32::MAX, NONE));
        }
    }

    fn row(&self, row: usize) -> &[(u32, u32)] {
        &self.stretches[self.rows[row] as usize..]
    }
}

/// A walk through all neighbourhoods of a block.
struct Walk<'a> {
    runs: &'a Runs,
    cell_of: &'a [u32],
    own: Region,
    sums: Vec<[i64; SUMS]>,
}

impl Work for Walk<'_> {
    type Output = Vec<[i64; SUMS]>;

    #[inline(always)]
    fn run(mut self) -> Self::Output {
        let Region { start, end } = self.own;
        let first = |axis: usize| if start[axis] == 0 { -1 } else { start[axis] as i64 };
        let rows = first(1)..=end[1] as i64;
        // Places between voxels: that before the first voxel counts at the border of the volume.
        let (low, high) = (u32::from(start[2] > 0), self.own.shape().0[2] as u32);
        let [mut here, mut behind] = [Slice::default(), Slice::default()];
        behind.fill(self.runs, self.cell_of, first(0), rows.clone());
        for z in first(0)..end[0] as i64 {
            std::mem::swap(&mut here, &mut behind);
            behind.fill(self.runs, self.cell_of, z + 1, rows.clone());
            for row in 0..here.rows.len() - 1 {
                self.four_rows([here.row(row), here.row(row + 1), behind.row(row), behind.row(row + 1)], low, high);
            }
        }
        self.sums
    }
}

impl Walk<'_> {
    #[inline(always)]
    fn four_rows(&mut self, rows: [&[(u32, u32)]; 4], low: u32, high: u32) {
        let mut at = [0; 4];
        // The cell of each row before the place, and after it.
        let mut cells = [NONE; 8];
        let mut place = 0;
        while place <= high {
            // Each row either begins a stretch here or goes on.
            let mut next = u32::MAX;
            for row in 0..4 {
                let (start, cell) = rows[row][at[row]];
                cells[row] = cells[4 + row];
                cells[4 + row] = if start == place { cell } else { cells[4 + row] };
                at[row] += usize::from(start == place);
                next = next.min(rows[row][at[row]].0);
            }
            if place >= low {
                self.add(&cells, 1);
            }
            let times = next.min(high + 1) - place - 1;
            let [.., a, b, c, d] = cells;
            if times > 0 && (a != b || a != c || a != d) {
                self.add(&[a, b, c, d, a, b, c, d], i64::from(times));
            }
            place = next;
        }
    }

    /// Adds a neighbourhood so many times.
    #[inline(always)]
    fn add(&mut self, cells: &[u32; 8], times: i64) {
        let mut left = !corners_of(cells, NONE);
        while left != 0 {
            let cell = cells[left.trailing_zeros() as usize % 8];
            let corners = corners_of(cells, cell);
            left &= !corners;
            // Both are taken out, so that they are plainly apart and added many at a time.
            let (mut sums, shares) = (self.sums[cell as usize], SHARES[corners as usize]);
            for (sum, share) in sums.iter_mut().zip(shares) {
                *sum += i64::from(share) * times;
            }
            self.sums[cell as usize] = sums;
        }
    }
}

/// A bit for each corner that is of a cell.
#[inline(always)]
fn corners_of(cells: &[u32; 8], cell: u32) -> u8 {
    let mut bits = 0;
    for (corner, other) in cells.iter().enumerate() {
        bits |= u8::from(*other == cell) << corner;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_change_along_x_has_no_exits_along_it() {
        for rows in 0..16 {
            let shares = SHARES[rows << 4 | rows];
            assert_eq!((shares[0], shares[13], shares[14]), (0, 0, 0), "{rows:04b}");
        }
    }

    #[test]
    fn a_lone_voxel_is_left_once_along_every_direction() {
        let alone: [i8; SUMS] = std::array::from_fn(|sum| (0..8).map(|bit| SHARES[1 << bit][sum]).sum());
        assert_eq!(alone[..13], [1; 13]);
    }
}
