//! The moments of a cell, exact in integers, from its runs in closed form.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;

/// Sums over the voxels of a cell of 1, of the coordinates, and of their products; and the box
/// that holds them. Coordinates are voxel indices in the volume, z, y, x.
///
/// Exact: 128 bits hold the sums of any cell below 2^40 voxels in a volume of 2^32 a side, and the
/// products that [`covariance`](Moments::covariance) forms of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moments {
    /// The number of voxels.
    pub voxels: u64,
    /// Sums of z, y, x.
    pub first: [u128; 3],
    /// Sums of zz, zy, zx, yy, yx, xx.
    pub second: [u128; 6],
    /// The smallest z, y, x.
    pub min: [u64; 3],
    /// The largest z, y, x.
    pub max: [u64; 3],
}

/// Where the product of two axes lies in [`Moments::second`].
pub const PRODUCT: [[usize; 3]; 3] = [[0, 1, 2], [1, 3, 4], [2, 4, 5]];

impl Default for Moments {
    /// No voxels.
    fn default() -> Self {
        Self { voxels: 0, first: [0; 3], second: [0; 6], min: [u64::MAX; 3], max: [0; 3] }
    }
}

impl Moments {
    /// Adds the run of row (z, y) from x up to, not including, `end`.
    #[inline]
    pub fn add_run(&mut self, z: u64, y: u64, x: u64, end: u64) {
        let n = end - x;
        // Sums of x and of x² over the run; the products fit 128 bits for any x below 2^40.
        let sum_x = u128::from(n) * u128::from(x + end - 1) / 2;
        let below = |m: u64| if m == 0 { 0 } else { u128::from(m - 1) * u128::from(m) * (2 * u128::from(m) - 1) / 6 };
        let sum_xx = below(end) - below(x);
        let (n128, z128, y128) = (u128::from(n), u128::from(z), u128::from(y));
        self.voxels += n;
        self.first[0] += z128 * n128;
        self.first[1] += y128 * n128;
        self.first[2] += sum_x;
        self.second[0] += z128 * z128 * n128;
        self.second[1] += z128 * y128 * n128;
        self.second[2] += z128 * sum_x;
        self.second[3] += y128 * y128 * n128;
        self.second[4] += y128 * sum_x;
        self.second[5] += sum_xx;
        for (axis, (low, high)) in [(z, z), (y, y), (x, end - 1)].into_iter().enumerate() {
            self.min[axis] = self.min[axis].min(low);
            self.max[axis] = self.max[axis].max(high);
        }
    }

    /// The mean of the coordinates, in voxels.
    pub fn centroid(&self) -> [f64; 3] {
        self.first.map(|sum| sum as f64 / self.voxels as f64)
    }

    /// The mean product of deviations from the centroid along two axes, in voxels squared. The
    /// numerator is formed in integers, so nothing cancels in floats.
    pub fn covariance(&self, a: usize, b: usize) -> f64 {
        let n = u128::from(self.voxels);
        // Relative to the corner of the cell's box the products stay small however far away the
        // cell lies: n · Σuv − Σu · Σv with u, v below the extent of the cell.
        let (low_a, low_b) = (u128::from(self.min[a]), u128::from(self.min[b]));
        let (sum_a, sum_b) = (self.first[a] - n * low_a, self.first[b] - n * low_b);
        let product = self.second[PRODUCT[a][b]] + n * low_a * low_b - low_a * self.first[b] - low_b * self.first[a];
        let (plus, minus) = (n * product, sum_a * sum_b);
        let difference = if plus >= minus { (plus - minus) as f64 } else { -((minus - plus) as f64) };
        difference / (n as f64 * n as f64)
    }
}

impl Combine for Moments {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.voxels += other.voxels;
        for axis in 0..3 {
            self.first[axis] += other.first[axis];
            self.min[axis] = self.min[axis].min(other.min[axis]);
            self.max[axis] = self.max[axis].max(other.max[axis]);
        }
        for product in 0..6 {
            self.second[product] += other.second[product];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_adds_what_its_voxels_would() {
        let mut runs = Moments::default();
        let mut voxels = Moments::default();
        for (z, y, x, end) in [(0, 0, 0, 1), (2, 3, 5, 11), (7, 1, 0, 4), (1_000_000, 3, 999_990, 1_000_000)] {
            runs.add_run(z, y, x, end);
            for x in x..end {
                let at = [z, y, x].map(u128::from);
                voxels.voxels += 1;
                for a in 0..3 {
                    voxels.first[a] += at[a];
                    voxels.min[a] = voxels.min[a].min(at[a] as u64);
                    voxels.max[a] = voxels.max[a].max(at[a] as u64);
                    for b in a..3 {
                        voxels.second[PRODUCT[a][b]] += at[a] * at[b];
                    }
                }
            }
        }
        assert_eq!(runs, voxels);
    }

    #[test]
    fn a_covariance_does_not_depend_on_where_the_cell_lies() {
        let cell = |z: u64, y: u64, x: u64| {
            let mut moments = Moments::default();
            for row in 0..5 {
                moments.add_run(z + row / 2, y + row, x + row % 3, x + 4 + row);
            }
            moments
        };
        let (near, far) = (cell(0, 0, 0), cell(1 << 31, 1 << 31, 1 << 31));
        for a in 0..3 {
            for b in 0..3 {
                assert_eq!(near.covariance(a, b), far.covariance(a, b));
            }
        }
    }
}
