//! Labels, contacts and moments by plain loops over voxels on one thread: what is written first,
//! and what results are held to.
//!
//! Cost: O(voxels) and, of labels, the climbs of union-find. Memory: of labels 8 bytes a voxel. All
//! take voxels in raster order, fewer than 2^32.

use std::collections::HashMap;

use crate::disjoint::Disjoint;
use crate::lattice::moments::{Moments, PRODUCT};
use crate::lattice::stencil::Stencil;
use crate::volume::shape::Shape;
use crate::volume::voxel::Voxel;

/// Components, numbered in raster order of their first voxels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Of each voxel; 0 is background.
    pub labels: Vec<u32>,
    /// Voxels of each component, from the first.
    pub sizes: Vec<u64>,
}

/// Labels the voxels that are not zero: of neighbours all are joined, or those of equal value only.
pub fn label<T: Voxel>(voxels: &[T], shape: Shape, stencil: Stencil, equal: bool) -> Labels {
    let zero = T::default();
    let mut sets = Disjoint::new(voxels.len());
    each_pair(shape, stencil, |here, there, _| {
        let (a, b) = (voxels[here], voxels[there]);
        if a != zero && b != zero && (!equal || a == b) {
            sets.union(here as u32, there as u32);
        }
    });
    let mut found = Labels { labels: vec![0; voxels.len()], sizes: Vec::new() };
    for (at, _) in voxels.iter().enumerate().filter(|(_, voxel)| **voxel != zero) {
        let root = sets.find(at as u32) as usize;
        if root == at {
            found.sizes.push(0);
            found.labels[at] = found.sizes.len() as u32;
        }
        // The root is the smallest of its set, so it is labelled by now.
        let label = found.labels[root];
        found.labels[at] = label;
        found.sizes[label as usize - 1] += 1;
    }
    found
}

/// Faces and pairs of neighbours between labels, by the two, the smaller first.
pub fn contacts<T: Voxel>(voxels: &[T], shape: Shape, stencil: Stencil) -> HashMap<(u64, u64), [u64; 2]> {
    let mut contacts: HashMap<(u64, u64), [u64; 2]> = HashMap::new();
    each_pair(shape, stencil, |here, there, face| {
        if voxels[here] != voxels[there] {
            let [a, b] = [voxels[here], voxels[there]].map(|voxel| voxel.to_label().unwrap_or(0));
            if a != 0 && b != 0 {
                let [faces, pairs] = contacts.entry((a.min(b), a.max(b))).or_default();
                *faces += u64::from(face);
                *pairs += 1;
            }
        }
    });
    contacts
}

/// Voxels, boxes and moments by label.
pub fn moments<T: Voxel>(voxels: &[T], shape: Shape) -> HashMap<u64, Moments> {
    let [_, ny, nx] = shape.0;
    let mut places: HashMap<u64, usize> = HashMap::new();
    let mut cells: Vec<(u64, Moments)> = Vec::new();
    // The label before is most often the one looked for.
    let mut last = (0, 0);
    for (row, voxels) in voxels.chunks_exact(nx.max(1)).enumerate() {
        for (x, voxel) in voxels.iter().enumerate() {
            let label = voxel.to_label().unwrap_or(0);
            if label == 0 {
                continue;
            }
            if label != last.0 {
                let place = *places.entry(label).or_insert(cells.len());
                if place == cells.len() {
                    cells.push((label, Moments::default()));
                }
                last = (label, place);
            }
            let moments = &mut cells[last.1].1;
            let at = [row / ny, row % ny, x].map(|at| at as u64);
            moments.voxels += 1;
            for a in 0..3 {
                moments.first[a] += u128::from(at[a]);
                moments.min[a] = moments.min[a].min(at[a]);
                moments.max[a] = moments.max[a].max(at[a]);
                for b in a..3 {
                    moments.second[PRODUCT[a][b]] += u128::from(at[a] * at[b]);
                }
            }
        }
    }
    cells.into_iter().collect()
}

/// Each pair of neighbours once, the later voxel first, and whether they share a face.
fn each_pair(shape: Shape, stencil: Stencil, mut visit: impl FnMut(usize, usize, bool)) {
    let [nz, ny, nx] = shape.0;
    let back: Vec<_> = stencil.steps().filter(|step| *step < [0; 3]).collect();
    for (z, y) in (0..nz).flat_map(|z| (0..ny).map(move |y| (z, y))) {
        for &[dz, dy, dx] in &back {
            let (oz, oy) = (z.wrapping_add_signed(dz.into()), y.wrapping_add_signed(dy.into()));
            if oz >= nz || oy >= ny {
                continue;
            }
            let (here, there) = ((z * ny + y) * nx, (oz * ny + oy) * nx);
            let face = [dz, dy, dx].iter().filter(|along| **along != 0).count() == 1;
            for x in usize::from(dx < 0)..nx.saturating_sub(usize::from(dx > 0)) {
                visit(here + x, (there + x).wrapping_add_signed(dx.into()), face);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape([6, 7, 9]);

    /// Few labels, so that many neighbours are equal.
    fn volume(seed: u64) -> Vec<u16> {
        let hash = |k: u64| (seed * 0x9e37_79b9_7f4a_7c15 + k).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40;
        (0..6 * 7 * 9).map(|k| (hash(k) % 4) as u16).collect()
    }

    fn beside(a: usize, b: usize, stencil: Stencil) -> bool {
        let [a, b] = [a, b].map(|at| SHAPE.voxel(at as u64));
        let apart = (0..3).map(|axis| a[axis].abs_diff(b[axis]));
        apart.clone().all(|apart| apart <= 1) && apart.sum::<usize>() <= stencil.neighbors() / 10 + 1 && a != b
    }

    #[test]
    fn labels_are_those_of_a_flood() {
        for (seed, stencil, equal) in
            (1..20).flat_map(|seed| [Stencil::N6, Stencil::N18, Stencil::N26].map(|s| (seed, s, seed % 2 == 0)))
        {
            let voxels = volume(seed);
            let mut labels = vec![0; voxels.len()];
            let mut sizes = Vec::new();
            for start in 0..voxels.len() {
                if voxels[start] == 0 || labels[start] != 0 {
                    continue;
                }
                sizes.push(0);
                let mut stack = vec![start];
                labels[start] = sizes.len() as u32;
                while let Some(at) = stack.pop() {
                    *sizes.last_mut().unwrap() += 1;
                    for to in (0..voxels.len()).filter(|to| beside(at, *to, stencil)) {
                        if voxels[to] != 0 && labels[to] == 0 && (!equal || voxels[to] == voxels[at]) {
                            labels[to] = sizes.len() as u32;
                            stack.push(to);
                        }
                    }
                }
            }
            assert_eq!(label(&voxels, SHAPE, stencil, equal), Labels { labels, sizes });
        }
    }

    #[test]
    fn contacts_are_those_of_all_pairs() {
        for stencil in [Stencil::N6, Stencil::N18, Stencil::N26] {
            let voxels = volume(7);
            let mut expected: HashMap<(u64, u64), [u64; 2]> = HashMap::new();
            for (a, b) in (0..voxels.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let pair = [voxels[a], voxels[b]].map(u64::from);
                if pair[0] != pair[1] && pair.iter().all(|label| *label != 0) && beside(a, b, stencil) {
                    let counts = expected.entry((pair[0].min(pair[1]), pair[0].max(pair[1]))).or_default();
                    counts[0] += u64::from(beside(a, b, Stencil::N6));
                    counts[1] += 1;
                }
            }
            assert_eq!(contacts(&voxels, SHAPE, stencil), expected);
        }
    }

    #[test]
    fn moments_are_sums_over_the_voxels_of_each_label() {
        let voxels = volume(3);
        let found = moments(&voxels, SHAPE);
        assert_eq!(found.len(), 3);
        for (label, moments) in found {
            let of =
                || (0..).zip(&voxels).filter(|(_, voxel)| u64::from(**voxel) == label).map(|(at, _)| SHAPE.voxel(at));
            assert_eq!(moments.voxels, of().count() as u64);
            for a in 0..3 {
                assert_eq!(moments.first[a], of().map(|at| at[a] as u128).sum::<u128>());
                assert_eq!(Some(moments.min[a]), of().map(|at| at[a] as u64).min());
                assert_eq!(Some(moments.max[a]), of().map(|at| at[a] as u64).max());
                for b in a..3 {
                    let products = of().map(|at| at[a] as u128 * at[b] as u128);
                    assert_eq!(moments.second[PRODUCT[a][b]], products.sum::<u128>());
                }
            }
        }
    }
}
