//! The levels that one block has all of: too small to be worth cutting.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::programs::force::elements::element::{CORNERS, Element};
use crate::programs::force::elements::grids::Grid;
use crate::programs::force::elements::level::{Level, coarser};
use crate::programs::force::elements::moduli::{average, heights};
use crate::programs::force::elements::supports::Supports;
use crate::programs::force::elements::transfer::{prolong, restrict};
use crate::volume::region::Region;

/// Motions whose stiffness is less than this share of the largest are not moved at all.
const NONE: f64 = 1e-7;

/// The levels from the first that is not cut to one of two elements along each axis, where displacements are found
/// outright.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Root {
    pub(super) grids: Vec<Grid>,
    /// The nodes of the first that are those of each block.
    pub(super) parts: Vec<Region>,
    /// The free displacements of the last level (slot, axis), and the inverse of their stiffness, by rows.
    free: Vec<(u32, u8)>,
    inverse: Vec<f64>,
}

impl Root {
    /// From the moduli of the first of its levels, and the nodes of each block there.
    pub(super) fn new(
        nodes: [usize; 3],
        moduli: Vec<f32>,
        parts: Vec<Region>,
        element: &Element,
        supports: &Supports,
    ) -> Self {
        let mut grids = vec![Grid::new(Level::whole(nodes), moduli, element, supports)];
        let mut nodes = nodes;
        for _ in 0..heights(nodes) {
            nodes = coarser(nodes);
            let fine = grids.last().expect("there is a first");
            let level = Level::whole(nodes);
            let moduli = average(&fine.level, &fine.elements.moduli, &level, supports);
            grids.push(Grid::new(level, moduli, element, supports));
        }
        let last = grids.last().expect("there is a first");
        let (free, inverse) = outright(last, element);
        Self { grids, parts, free, inverse }
    }

    /// Finds displacements of the first level that mend about all of its load.
    pub(super) fn mend(&mut self, element: &Element) {
        self.mend_from(0, element);
    }

    fn mend_from(&mut self, height: usize, element: &Element) {
        if height + 1 == self.grids.len() {
            return self.solve();
        }
        let grid = &mut self.grids[height];
        grid.begin();
        grid.smooth(element, true);
        grid.leave(element);
        let (fine, coarse) = self.grids.split_at_mut(height + 1);
        restrict(&fine[height].level, &fine[height].left, &coarse[0].level, &mut coarse[0].load);
        self.mend_from(height + 1, element);
        let (fine, coarse) = self.grids.split_at_mut(height + 1);
        let fine = &mut fine[height];
        prolong(&coarse[0].level, &coarse[0].moved, &fine.level, &fine.inverse, &mut fine.moved);
        for again in [false, true] {
            fine.smooth(element, again);
        }
    }

    /// The displacements of the last level.
    fn solve(&mut self) {
        let last = self.grids.last_mut().expect("there is a first");
        let load: Vec<f64> =
            self.free.iter().map(|(slot, axis)| f64::from(last.load.0[usize::from(*axis)][*slot as usize])).collect();
        for ((slot, axis), row) in self.free.iter().zip(self.inverse.chunks_exact(load.len().max(1))) {
            let moved: f64 = row.iter().zip(&load).map(|(a, b)| a * b).sum();
            last.moved.0[usize::from(*axis)][*slot as usize] = moved as f32;
        }
    }
}

/// The free displacements of a small level, and the inverse of their stiffness, of what has one (Moore and Penrose).
fn outright(grid: &Grid, element: &Element) -> (Vec<(u32, u8)>, Vec<f64>) {
    let free: Vec<(u32, u8)> = (0..grid.level.slots())
        .flat_map(|slot| (0..3).map(move |axis| (slot, axis)))
        .filter(|(slot, axis)| grid.inverse.0[*axis][*slot] != 0.0)
        .map(|(slot, axis)| (slot as u32, axis as u8))
        .collect();
    let place = |slot: usize, axis: usize| free.binary_search(&(slot as u32, axis as u8)).ok();
    let mut stiffness = DMatrix::<f64>::zeros(free.len(), free.len());
    let corners = grid.level.corners();
    for (slot, modulus) in grid.elements.moduli.iter().enumerate().filter(|(_, modulus)| **modulus != 0.0) {
        let all = || (0..CORNERS).flat_map(|corner| (0..3).map(move |axis| (corner, axis)));
        for (a, i) in all() {
            let Some(row) = place(slot + corners[a], i) else { continue };
            for (b, j) in all() {
                if let Some(column) = place(slot + corners[b], j) {
                    stiffness[(row, column)] += f64::from(*modulus) * element.entry((a, i), (b, j));
                }
            }
        }
    }
    if free.is_empty() {
        return (free, Vec::new());
    }
    let eigen = stiffness.symmetric_eigen();
    let largest = eigen.eigenvalues.iter().copied().fold(0.0, f64::max);
    let mut inverse = DMatrix::<f64>::zeros(free.len(), free.len());
    for (value, vector) in eigen.eigenvalues.iter().zip(eigen.eigenvectors.column_iter()) {
        if *value > NONE * largest {
            inverse.ger(1.0 / value, &vector, &vector, 1.0);
        }
    }
    // Symmetric: rows are columns.
    (free, inverse.as_slice().to_vec())
}
