//! The displacements of a small body outright: its whole stiffness as one matrix, and the factors of that (Cholesky).
//!
//! Where next to nothing holds a body, so that the stiffest of its motions resists 1e12 times what the loosest does,
//! conjugate gradients end nowhere; factors still have four digits. Time: O(n^3) for n free components; memory: 8 n^2
//! bytes.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::programs::force::contact_springs::Body;
use crate::programs::force::vector::{Tensor, Vector};

/// A body of more free components is not small: this many take a tenth of a second.
const SMALL: usize = 768;

impl Body {
    /// Whether it is small enough.
    pub(super) fn is_small(&self) -> bool {
        self.free_components().count() <= SMALL
    }

    /// The displacements at which its forces balance, where small ones are linear; none where some motion is not
    /// resisted, as far as rounding lets it tell.
    pub(super) fn outright(&self) -> Option<Vec<Vector>> {
        let free: Vec<[usize; 2]> = self.free_components().collect();
        let mut place = vec![[None; 3]; self.nodes.len()];
        free.iter().enumerate().for_each(|(at, [node, axis])| place[*node][*axis] = Some(at));
        let mut displacements = self.given();
        let left = self.response(&displacements).reactions;
        let right = DVector::from_iterator(free.len(), free.iter().map(|[node, axis]| -left[*node].0[*axis]));
        let found = Cholesky::new(self.stiffness(&place, free.len()))?.solve(&right);
        for ([node, axis], found) in free.iter().zip(found.iter()) {
            displacements[*node].0[*axis] = *found;
        }
        Some(displacements)
    }

    /// Each node and axis whose displacement is to be found.
    fn free_components(&self) -> impl Iterator<Item = [usize; 2]> {
        let nodes = self.nodes.iter().enumerate();
        nodes.flat_map(|(at, node)| (0..3).filter(|axis| !node.held[*axis]).map(move |axis| [at, axis]))
    }

    /// The stiffness of the free components, which have their places in it.
    fn stiffness(&self, place: &[[Option<usize>; 3]], free: usize) -> DMatrix<f64> {
        let mut all = DMatrix::zeros(free, free);
        let mut add = |a: usize, b: usize, sign: f64, resists: Tensor| {
            let columns = place[b].iter().enumerate().filter_map(|(axis, at)| Some((axis, (*at)?)));
            for (axis, column) in columns {
                let mut moved = Vector::default();
                moved.0[axis] = sign;
                for (force, row) in resists.times(moved).0.into_iter().zip(&place[a]) {
                    row.iter().for_each(|row| all[(*row, column)] += force);
                }
            }
        };
        for (a, b, spring) in &self.springs {
            let (a, b) = (*a as usize, *b as usize);
            for (a, b, sign) in [(a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)] {
                add(a, b, sign, spring.tensor());
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            add(at, at, 1.0, Tensor::isotropic(node.foundation));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::force::elastic::{Node, Spring};

    fn spring(a: u32, b: u32, stiffness: f64, direction: [f64; 3], across: f64) -> (u32, u32, Spring) {
        (a, b, Spring { stiffness, direction: Vector(direction), across })
    }

    /// A node held in a corner, and another that hangs from it by three springs and its foundation.
    fn hung() -> Body {
        let held = Node { held: [true; 3], displacement: Vector([0.5, 0.0, -0.25]), ..Node::default() };
        let loaded = Node { load: Vector([1.0, 2.0, 3.0]), foundation: 0.5, ..Node::default() };
        Body {
            labels: vec![1, 2],
            places: vec![Vector::default(), Vector([1.0; 3])],
            nodes: vec![held, loaded],
            springs: vec![
                spring(0, 1, 2.0, [1.0, 0.0, 0.0], 0.0),
                spring(0, 1, 3.0, [0.0, 0.6, 0.8], 0.0),
                spring(0, 1, 5.0, [0.0, 0.8, -0.6], 0.25),
            ],
            ..Body::default()
        }
    }

    #[test]
    fn forces_balance_where_it_says() {
        let body = hung();
        let found = body.outright().unwrap();
        assert_eq!(found[0], Vector([0.5, 0.0, -0.25]));
        let left = body.response(&found).reactions[1];
        assert!(left.length() < 1e-12, "{left:?}");
        // Along z, by hand: 2 (u - 0.5) + 0.25 (u - 0.5) + 0.5 u = 1.
        assert!((found[1].0[0] - 2.125 / 2.75).abs() < 1e-13, "{found:?}");
    }

    #[test]
    fn what_resists_nothing_has_no_answer_and_what_hardly_does_has() {
        let mut body = hung();
        body.nodes[1].foundation = 0.0;
        body.springs.truncate(2);
        body.springs[1].2.direction = Vector([0.0, 1.0, 0.0]);
        assert!(body.outright().is_none());
        body.nodes[1].foundation = 1e-12;
        let found = body.outright().unwrap();
        let left = body.response(&found).reactions[1];
        assert!(left.length() < 1e-3 * Vector([1.0, 2.0, 3.0]).length(), "{left:?}");
        // A spring that gives way sideways.
        body.springs[0].2.across = -3.0;
        assert!(body.outright().is_none());
    }

    #[test]
    fn small_is_small() {
        let mut body = Body { nodes: vec![Node::default(); 256], ..Body::default() };
        assert!(body.is_small());
        body.nodes.push(Node { held: [false, true, true], ..Node::default() });
        assert!(!body.is_small());
    }
}
