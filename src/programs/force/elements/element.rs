//! What a voxel of modulus 1 does to the forces at its eight corners, as springs or as a hexahedron.
//!
//! A voxel is its own mirror image along each axis. In sums and differences of opposite corners (the Hadamard
//! transform of three bits) its stiffness of 24 by 24 therefore falls into eight classes of 3 by 3: 72 products
//! instead of 576. The corner of bits zyx lies at the far side along each axis whose bit is set.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::programs::force::vector::Vector;

/// The corners of a voxel.
pub const CORNERS: usize = 8;

/// The bit of each axis in the number of a corner.
pub const BITS: [usize; 3] = [4, 2, 1];

/// A symmetric matrix: zz, yy, xx, zy, zx, yx.
pub type Class = [f64; 6];

/// The place of a pair of axes in a [`Class`].
const PLACES: [[usize; 3]; 3] = [[0, 3, 4], [3, 1, 5], [4, 5, 2]];

/// The stiffness of a voxel of modulus 1 and edge 1 along x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Element {
    /// Class `g` joins, of each axis, the sum over corners with the signs `g` with the bit of that axis turned.
    classes: [Class; CORNERS],
    /// The edges along z, y, x.
    edges: [f64; 3],
    /// The largest eigenvalue of the stiffness, each corner taken for as stiff as it is alone.
    bound: f64,
}

impl Element {
    /// Springs between all corners of a cube of edge 1: those along edges, diagonals of faces and of the body
    /// have the stiffness `k[0] / 4`, `k[1] / 2`, `k[2]`, so that in a full lattice those of neighbours add up to
    /// `k`. It is isotropic where `k[0] = k[1] + 8 k[2] / 3`; then `E = 5/2 (k[1] + 4 k[2] / 3)` and nu is 1/4.
    pub fn springs(k: [f64; 3]) -> Self {
        let mut stiffness = DMatrix::zeros(3 * CORNERS, 3 * CORNERS);
        for (a, b) in (0..CORNERS).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let apart = Vector(BITS.map(|bit| f64::from(a & bit != 0) - f64::from(b & bit != 0)));
            let axes = (a ^ b).count_ones();
            let share = k[axes as usize - 1] / [4.0, 2.0, 1.0][axes as usize - 1] / f64::from(axes);
            for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
                let along = share * apart.0[i] * apart.0[j];
                for (row, column, sign) in [(a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)] {
                    stiffness[(3 * row + i, 3 * column + j)] += sign * along;
                }
            }
        }
        Self::of(&stiffness, [1.0; 3])
    }

    /// A trilinear hexahedron of modulus 1 and Poisson's ratio `nu` (above -1, below 1/2), of edges along
    /// z, y, x as long as these are to each other.
    pub fn hexahedron(nu: f64, edges: [f64; 3]) -> Self {
        let edges = edges.map(|edge| edge / edges[2]);
        let (lambda, mu) = (nu / ((1.0 + nu) * (1.0 - 2.0 * nu)), 0.5 / (1.0 + nu));
        let mut stiffness = DMatrix::zeros(3 * CORNERS, 3 * CORNERS);
        // Two points along each axis integrate it without error (Gauss).
        let points = [0.5 - 0.5 / 3f64.sqrt(), 0.5 + 0.5 / 3f64.sqrt()];
        let weight = edges.iter().product::<f64>() / 8.0;
        for point in 0..CORNERS {
            let place = BITS.map(|bit| points[usize::from(point & bit != 0)]);
            let gradient = |corner: usize| {
                let value = |axis: usize| if corner & BITS[axis] != 0 { place[axis] } else { 1.0 - place[axis] };
                let slope = |axis: usize| if corner & BITS[axis] != 0 { 1.0 } else { -1.0 } / edges[axis];
                Vector(std::array::from_fn(|axis| {
                    (0..3).map(|other| if other == axis { slope(axis) } else { value(other) }).product()
                }))
            };
            for (a, b) in (0..CORNERS).flat_map(|a| (0..CORNERS).map(move |b| (a, b))) {
                let (na, nb) = (gradient(a), gradient(b));
                for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
                    let same = if i == j { na.dot(nb) } else { 0.0 };
                    stiffness[(3 * a + i, 3 * b + j)] +=
                        weight * (lambda * na.0[i] * nb.0[j] + mu * (same + na.0[j] * nb.0[i]));
                }
            }
        }
        Self::of(&stiffness, edges)
    }

    /// From the stiffness of the 24 displacements, by corner and axis.
    fn of(stiffness: &DMatrix<f64>, edges: [f64; 3]) -> Self {
        let sign = |sums: usize, corner: usize| if (sums & corner).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
        let classes = std::array::from_fn(|class| {
            let mut matrix = Class::default();
            for (i, j) in (0..3).flat_map(|i| (0..=i).map(move |j| (i, j))) {
                let (p, q) = (class ^ BITS[i], class ^ BITS[j]);
                let pairs = (0..CORNERS).flat_map(|a| (0..CORNERS).map(move |b| (a, b)));
                let sum: f64 = pairs.map(|(a, b)| sign(p, a) * sign(q, b) * stiffness[(3 * a + i, 3 * b + j)]).sum();
                matrix[PLACES[i][j]] = sum / 64.0;
            }
            matrix
        });
        let mut scaled = stiffness.clone();
        for (row, column) in (0..24).flat_map(|row| (0..24).map(move |column| (row, column))) {
            let own = (stiffness[(row, row)] * stiffness[(column, column)]).sqrt();
            scaled[(row, column)] = if own > 0.0 { stiffness[(row, column)] / own } else { 0.0 };
        }
        let bound = scaled.symmetric_eigenvalues().iter().copied().fold(0.0, f64::max);
        Self { classes, edges, bound }
    }

    /// Times a number.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self { classes: self.classes.map(|class| class.map(|value| value * factor)), ..self.clone() }
    }

    /// Its classes.
    pub(super) fn classes(&self) -> &[Class; CORNERS] {
        &self.classes
    }

    /// The stiffness of each corner alone along z, y, x; the same of all eight.
    pub fn diagonal(&self) -> [f64; 3] {
        std::array::from_fn(|axis| self.classes.iter().map(|class| class[PLACES[axis][axis]]).sum())
    }

    /// No displacement of a body of such elements meets more than this share of what its nodes, each alone,
    /// would resist with (Wathen 1987).
    pub fn bound(&self) -> f64 {
        self.bound
    }

    /// The edges along z, y, x, the last of which is 1.
    pub fn edges(&self) -> [f64; 3] {
        self.edges
    }

    /// What displacement `(corner b, axis j)` does to force `(corner a, axis i)`.
    pub fn entry(&self, (a, i): (usize, usize), (b, j): (usize, usize)) -> f64 {
        let signs = |class: usize| ((class ^ BITS[i]) & a).count_ones() + ((class ^ BITS[j]) & b).count_ones();
        let term = |class: usize| {
            let value = self.classes[class][PLACES[i][j]];
            if signs(class).is_multiple_of(2) { value } else { -value }
        };
        (0..CORNERS).map(term).sum()
    }

    /// The energy of an element whose corners are displaced, and its mean stress zz, yy, xx, zy, zx, yx (the sum of
    /// forces at corners times their places, over the volume), both for modulus 1 and edge 1 along x.
    pub fn response(&self, displacements: &[Vector; CORNERS]) -> (f64, Class) {
        let sums: [Vector; CORNERS] = std::array::from_fn(|p| {
            displacements.iter().enumerate().fold(Vector::default(), |sum, (corner, displacement)| {
                sum.plus(displacement.times(if (p & corner).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 }))
            })
        });
        let (mut energy, mut forces) = (0.0, [Vector::default(); CORNERS]);
        for (class, matrix) in self.classes.iter().enumerate() {
            let of = Vector(std::array::from_fn(|axis| sums[class ^ BITS[axis]].0[axis]));
            for i in 0..3 {
                let force: f64 = (0..3).map(|j| matrix[PLACES[i][j]] * of.0[j]).sum();
                forces[class ^ BITS[i]].0[i] = force;
                energy += 0.5 * force * of.0[i];
            }
        }
        let volume: f64 = self.edges.iter().product();
        let stress = |i: usize, j: usize| -4.0 * self.edges[j] * forces[BITS[j]].0[i] / volume;
        let mean = |i: usize, j: usize| 0.5 * (stress(i, j) + stress(j, i));
        (energy, [mean(0, 0), mean(1, 1), mean(2, 2), mean(0, 1), mean(0, 2), mean(1, 2)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements of every kind.
    fn elements() -> Vec<Element> {
        vec![
            Element::springs([1.0, 0.0, 0.0]),
            Element::springs([2.0, 1.0, 0.375]),
            Element::hexahedron(0.25, [1.0; 3]),
            Element::hexahedron(-0.3, [1.0, 2.0, 0.5]),
            Element::hexahedron(0.45, [3.0, 1.0, 2.0]),
        ]
    }

    /// The forces on corners, by all 576 entries.
    fn forces(element: &Element, displacements: &[Vector; CORNERS]) -> [Vector; CORNERS] {
        std::array::from_fn(|a| {
            Vector(std::array::from_fn(|i| {
                let all = (0..CORNERS).flat_map(|b| (0..3).map(move |j| (b, j)));
                all.map(|(b, j)| element.entry((a, i), (b, j)) * displacements[b].0[j]).sum()
            }))
        })
    }

    fn corners(element: &Element) -> [Vector; CORNERS] {
        std::array::from_fn(|corner| {
            Vector(std::array::from_fn(|axis| f64::from(corner & BITS[axis] != 0) * element.edges[axis]))
        })
    }

    #[test]
    fn rigid_motions_meet_no_force() {
        for element in elements() {
            for [a, b, c] in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.3, -0.7, 0.2]] {
                let turned =
                    corners(&element).map(|Vector([z, y, x])| Vector([b * x - c * y, c * z - a * x, a * y - b * z]));
                for moved in [[Vector([a, b, c]); CORNERS], turned] {
                    assert!(forces(&element, &moved).iter().all(|force| force.length() < 1e-12));
                    let (energy, stress) = element.response(&moved);
                    assert!(energy.abs() < 1e-12 && stress.iter().all(|stress| stress.abs() < 1e-12));
                }
            }
        }
    }

    #[test]
    fn a_uniform_strain_has_the_stress_of_hookes_law() {
        for (nu, edges) in [(0.25, [1.0; 3]), (-0.3, [1.0, 2.0, 0.5]), (0.45, [3.0, 1.0, 2.0])] {
            let element = Element::hexahedron(nu, edges);
            let (lambda, mu) = (nu / ((1.0 + nu) * (1.0 - 2.0 * nu)), 0.5 / (1.0 + nu));
            let strain = [[0.01, 0.002, -0.003], [0.002, -0.02, 0.004], [-0.003, 0.004, 0.005]].map(Vector);
            let moved = corners(&element).map(|place| Vector(strain.map(|row| row.dot(place))));
            let trace: f64 = (0..3).map(|axis| strain[axis].0[axis]).sum();
            let hooke = |i: usize, j: usize| 2.0 * mu * strain[i].0[j] + if i == j { lambda * trace } else { 0.0 };
            let expected = [hooke(0, 0), hooke(1, 1), hooke(2, 2), hooke(0, 1), hooke(0, 2), hooke(1, 2)];
            let (energy, stress) = element.response(&moved);
            assert!(stress.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14), "{stress:?} {expected:?}");
            let work: f64 =
                (0..3).flat_map(|i| (0..3).map(move |j| (i, j))).map(|(i, j)| hooke(i, j) * strain[i].0[j]).sum();
            assert!((energy - 0.5 * work * element.edges.iter().product::<f64>()).abs() < 1e-14);
        }
    }

    #[test]
    fn isotropic_springs_are_a_material_of_nu_a_quarter() {
        for (k2, k3) in [(1.0, 0.0), (1.0, 0.375), (0.0, 0.375)] {
            let (springs, solid) =
                (Element::springs([k2 + 8.0 * k3 / 3.0, k2, k3]), Element::hexahedron(0.25, [1.0; 3]));
            let modulus = 2.5 * (k2 + 4.0 * k3 / 3.0);
            let strain = [[0.01, 0.002, -0.003], [0.002, -0.02, 0.004], [-0.003, 0.004, 0.005]].map(Vector);
            let moved = corners(&solid).map(|place| Vector(strain.map(|row| row.dot(place))));
            let (a, b) = (springs.response(&moved), solid.response(&moved));
            assert!((a.0 - modulus * b.0).abs() < 1e-15);
            assert!(a.1.iter().zip(b.1).all(|(a, b)| (a - modulus * b).abs() < 1e-14));
        }
    }

    #[test]
    fn the_diagonal_is_that_of_every_corner() {
        for element in elements() {
            for (corner, axis) in (0..CORNERS).flat_map(|corner| (0..3).map(move |axis| (corner, axis))) {
                assert!((element.entry((corner, axis), (corner, axis)) - element.diagonal()[axis]).abs() < 1e-13);
            }
        }
    }
}
