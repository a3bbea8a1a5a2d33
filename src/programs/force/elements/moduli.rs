//! The moduli of larger elements, and how stiff nodes are by themselves.

use crate::programs::force::elements::element::Element;
use crate::programs::force::elements::field::Field;
use crate::programs::force::elements::level::{Level, coarser};
use crate::programs::force::elements::supports::Supports;
use crate::volume::region::Region;

/// The moduli of the elements of `coarse` whose nearest corner is a node of the block: twice the mean of the eight
/// that they cover, for a stiffness grows with the edge. What lies outside of the body is nothing; where its end is
/// held it is as the last element there, or the body would hang softly from its support.
pub(super) fn average(fine: &Level, moduli: &[f32], coarse: &Level, supports: &Supports) -> Vec<f32> {
    let (own, last) = (own_elements(coarse), fine.elements());
    let ends: [bool; 3] = std::array::from_fn(|axis| supports.ends(axis));
    let mut means = vec![0.0; coarse.slots()];
    for (z, y) in own.rows() {
        for x in own.range(2) {
            let mut sum = 0.0;
            for corner in 0..8 {
                let mut at = [2 * z + (corner >> 2), 2 * y + (corner >> 1 & 1), 2 * x + (corner & 1)];
                for axis in (0..3).filter(|axis| ends[*axis]) {
                    at[axis] = at[axis].min(last[axis] - 1);
                }
                if (0..3).all(|axis| at[axis] < last[axis]) {
                    sum += moduli[fine.slot(at)];
                }
            }
            means[coarse.slot([z, y, x])] = sum / 4.0;
        }
    }
    means
}

/// The elements whose nearest corner is a node of the block.
pub(super) fn own_elements(level: &Level) -> Region {
    level.own.intersection(&Region { start: [0; 3], end: level.elements() })
}

/// One over the stiffness of each node of the block by itself; nothing along axes that are held, and where nothing
/// is stiff.
pub(super) fn inverse(level: &Level, moduli: &[f32], element: &Element, supports: &Supports) -> Field<f32> {
    let mut inverse = Field::none(level.slots());
    let diagonal = element.diagonal();
    let around = level.corners();
    for (z, y) in level.own.rows() {
        let first = level.slot([z, y, level.own.start[2]]);
        for slot in first..first + level.own.shape().0[2] {
            let sum: f64 = around.iter().map(|back| f64::from(moduli[slot - back])).sum();
            for (inverse, diagonal) in inverse.0.iter_mut().zip(diagonal) {
                inverse[slot] = if sum > 0.0 { (1.0 / (sum * diagonal)) as f32 } else { 0.0 };
            }
        }
    }
    supports.each_given(&level.own, level.nodes, |node, axis, _, _| inverse.0[axis][level.slot(node)] = 0.0);
    inverse
}

/// How many levels above that of a body a grid is coarsened to until it has two elements along each axis.
pub(super) fn heights(mut nodes: [usize; 3]) -> usize {
    let mut heights = 0;
    while nodes.iter().any(|nodes| *nodes > 3) {
        nodes = coarser(nodes);
        heights += 1;
    }
    heights
}
