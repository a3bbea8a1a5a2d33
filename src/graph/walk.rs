//! Edges that are walked over, so that a graph is built without a copy of them.
//!
//! A list in memory, a generator, another graph: all a builder needs is to see every edge several
//! times. A compact list costs 8 bytes an edge, a generator nothing.

use crate::id::VertexId;

/// Edges with values of type `E` that can be walked over as often as needed, by several threads.
///
/// Law: every walk gives the same edges in the same order. Where it is broken no graph can be
/// built, and the builder says so.
pub trait Walk<E>: Sync {
    /// Visits every edge: its two ends, from and to, and its value.
    fn walk(&self, visit: impl FnMut(VertexId, VertexId, E));
}

impl<E: Copy + Sync> Walk<E> for [(VertexId, VertexId, E)] {
    fn walk(&self, mut visit: impl FnMut(VertexId, VertexId, E)) {
        self.iter().for_each(|&(from, to, value)| visit(from, to, value));
    }
}

impl Walk<()> for [(u32, u32)] {
    fn walk(&self, mut visit: impl FnMut(VertexId, VertexId, ())) {
        self.iter().for_each(|&(from, to)| visit(VertexId(u64::from(from)), VertexId(u64::from(to)), ()));
    }
}

impl Walk<()> for [(u64, u64)] {
    fn walk(&self, mut visit: impl FnMut(VertexId, VertexId, ())) {
        self.iter().for_each(|&(from, to)| visit(VertexId(from), VertexId(to), ()));
    }
}

impl<E, T: Sync> Walk<E> for Vec<T>
where
    [T]: Walk<E>,
{
    fn walk(&self, visit: impl FnMut(VertexId, VertexId, E)) {
        self.as_slice().walk(visit);
    }
}

/// A function that calls what it is given for every edge.
impl<E, F> Walk<E> for F
where
    F: Fn(&mut dyn FnMut(VertexId, VertexId, E)) + Sync,
{
    fn walk(&self, mut visit: impl FnMut(VertexId, VertexId, E)) {
        self(&mut visit);
    }
}

/// What tells one walk from another: how many edges there were, and a hash of their ends in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) edges: u64,
    hash: u64,
}

impl Tally {
    #[inline]
    pub(super) fn add(&mut self, from: VertexId, to: VertexId) {
        self.edges += 1;
        // Two odd constants, so that neither the ends nor two edges can change places unseen.
        let edge =
            from.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ to.0.wrapping_mul(0xc2b2_ae3d_27d4_eb4f).rotate_left(32);
        self.hash = (self.hash.rotate_left(23) ^ edge).wrapping_mul(0x1656_67b1_9e37_79f9);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<E>(edges: &(impl Walk<E> + ?Sized)) -> Vec<(u64, u64)> {
        let mut seen = Vec::new();
        edges.walk(|from, to, _| seen.push((from.0, to.0)));
        seen
    }

    #[test]
    fn lists_and_functions_give_the_same_edges() {
        let expected = vec![(0, 1), (1, 2), (2, 0)];
        assert_eq!(seen(&vec![(0u32, 1u32), (1, 2), (2, 0)]), expected);
        assert_eq!(seen(&[(0u64, 1u64), (1, 2), (2, 0)][..]), expected);
        let named: Vec<_> = expected.iter().map(|&(a, b)| (VertexId(a), VertexId(b), 'e')).collect();
        assert_eq!(seen(&named), expected);
        let ring = |visit: &mut dyn FnMut(VertexId, VertexId, f32)| {
            (0..3).for_each(|v| visit(VertexId(v), VertexId((v + 1) % 3), 0.5));
        };
        assert_eq!(seen(&ring), expected);
    }

    #[test]
    fn a_tally_tells_order_and_direction() {
        let tally = |edges: &[(u64, u64)]| {
            let mut tally = Tally::default();
            edges.iter().for_each(|&(from, to)| tally.add(VertexId(from), VertexId(to)));
            tally
        };
        let given = tally(&[(0, 1), (2, 3)]);
        assert_eq!(given, tally(&[(0, 1), (2, 3)]));
        for other in [&[(2, 3), (0, 1)][..], &[(1, 0), (2, 3)], &[(0, 1)], &[(0, 3), (2, 1)]] {
            assert_ne!(given, tally(other));
        }
    }
}
