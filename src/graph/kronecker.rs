//! Graphs with a few great hubs and very many small vertices: the generator of Graph500.
//!
//! An edge falls into one quadrant of the adjacency matrix with probability A = 0.57, B = 0.19,
//! C = 0.19, D = 0.05, again into a quadrant of that, and so on (R-MAT: Chakrabarti, Zhan and
//! Faloutsos, 2004); then vertices are renumbered, so that a number tells nothing of a degree.
//! The edges are as they fall: some are loops, many are there several times, and many vertices
//! have none. Where an edge leads depends on the seed and its number alone, so edges are walked
//! again instead of stored, and by several workers at once. O(scale) an edge.
//!
//! It is the distribution of the specification, and not its random numbers: those of the reference
//! code are of a multiple recursive generator, and here they are SplitMix64 of the seed and the
//! edge's number; its vertices are renumbered by bit reversal and multiplication, and here by
//! rounds of multiplication and shift on `scale` bits. So sizes and degrees compare, edges do not.

use crate::error::{Error, Result};
use crate::graph::mix::{GOLDEN, mix};
use crate::id::VertexId;

/// A Kronecker graph: 2^scale vertices, and so many edges for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kronecker {
    scale: u32,
    edge_factor: u64,
    seed: u64,
}

/// The edges for each vertex that Graph500 asks for.
pub const EDGE_FACTOR: u64 = 16;

/// The largest scale: ids have 64 bits, and edges are counted by as many.
const LARGEST: u32 = 48;

/// A, A + B and A + B + C of 2^32.
const QUADRANTS: [u32; 3] = [share(0.57), share(0.76), share(0.95)];

const fn share(part: f64) -> u32 {
    (part * 4_294_967_296.0) as u32
}

impl Kronecker {
    /// The graph of 2^`scale` vertices and `edge_factor` times as many edges.
    ///
    /// # Errors
    /// Where the scale is not between 1 and 48, or the edges are 2^64 or more.
    pub fn new(scale: u32, edge_factor: u64, seed: u64) -> Result<Self> {
        if !(1..=LARGEST).contains(&scale) {
            return Err(Error::usage(format!("a Kronecker graph of scale {scale}: give 1 to {LARGEST}")));
        }
        if edge_factor.checked_mul(1 << scale).is_none() {
            return Err(Error::usage(format!("{edge_factor} edges for each of 2^{scale} vertices are too many")));
        }
        Ok(Self { scale, edge_factor, seed })
    }

    /// The number of vertices.
    pub fn vertices(&self) -> u64 {
        1 << self.scale
    }

    /// The number of edges, loops and repeated ones included.
    pub fn edges(&self) -> u64 {
        self.edge_factor << self.scale
    }

    /// Where edge `number` leads from and to.
    #[inline]
    pub fn edge(&self, number: u64) -> (VertexId, VertexId) {
        let mut state = mix(mix(self.seed) ^ number);
        let (mut row, mut column) = (0u64, 0u64);
        let mut word = 0;
        for level in 0..self.scale {
            // One word of 64 bits is enough for two levels.
            if level % 2 == 0 {
                state = state.wrapping_add(GOLDEN);
                word = mix(state);
            }
            let chance = word as u32;
            word >>= 32;
            let quadrant = QUADRANTS.iter().filter(|limit| chance >= **limit).count() as u64;
            row = row << 1 | quadrant >> 1;
            column = column << 1 | quadrant & 1;
        }
        (VertexId(self.renumbered(row)), VertexId(self.renumbered(column)))
    }

    /// Visits every edge, in order of its number.
    pub fn walk(&self, mut visit: impl FnMut(VertexId, VertexId)) {
        for number in 0..self.edges() {
            let (from, to) = self.edge(number);
            visit(from, to);
        }
    }

    /// Another number for a vertex. Each round is one-to-one on `scale` bits: an odd factor has an
    /// inverse there, and a shift to the right is undone from the left.
    #[inline]
    fn renumbered(&self, vertex: u64) -> u64 {
        let mask = self.vertices() - 1;
        let shift = self.scale.div_ceil(2);
        let mut number = vertex;
        for round in 0..3 {
            let key = mix(self.seed.wrapping_add(GOLDEN.wrapping_mul(round + 1)));
            number = number.wrapping_add(key >> 32).wrapping_mul(key | 1) & mask;
            number ^= number >> shift;
        }
        number
    }
}

/// A weight from 1 to 255 for the edge between two vertices, the same both ways, evenly
/// distributed: what GAP gives edges for shortest paths, by a hash instead of a drawn number.
pub fn weight(seed: u64, a: VertexId, b: VertexId) -> u32 {
    let hash = mix(mix(mix(seed) ^ a.min(b).0).wrapping_add(a.max(b).0));
    1 + (((hash >> 32) * 255) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renumbering_is_one_to_one() {
        for scale in 1..=13 {
            for seed in [0, 1, 99] {
                let graph = Kronecker::new(scale, 1, seed).unwrap();
                let mut seen = vec![false; 1 << scale];
                (0..1 << scale).for_each(|vertex| seen[graph.renumbered(vertex) as usize] = true);
                assert!(seen.into_iter().all(|seen| seen), "scale {scale}");
            }
        }
    }

    #[test]
    fn edges_fall_into_the_quadrants_as_often_as_they_should() {
        // At every level, whatever the levels above: undo the renumbering and count.
        let graph = Kronecker::new(6, 4096, 7).unwrap();
        let mut old = [0u64; 64];
        (0..64).for_each(|vertex| old[graph.renumbered(vertex) as usize] = vertex);
        let mut counts = [[0u64; 4]; 6];
        graph.walk(|from, to| {
            let (row, column) = (old[from.0 as usize], old[to.0 as usize]);
            for (level, counts) in counts.iter_mut().enumerate() {
                counts[((row >> level & 1) << 1 | column >> level & 1) as usize] += 1;
            }
        });
        for counts in counts {
            for (count, share) in counts.iter().zip([0.57, 0.19, 0.19, 0.05]) {
                // Five standard deviations of a binomial distribution.
                let (edges, found) = (graph.edges() as f64, *count as f64);
                let spread = (edges * share * (1.0 - share)).sqrt();
                assert!((found - edges * share).abs() < 5.0 * spread, "{found} of {edges} for {share}");
            }
        }
    }

    #[test]
    fn an_edge_depends_on_the_seed_and_its_number_alone() {
        let graph = Kronecker::new(9, EDGE_FACTOR, 3).unwrap();
        assert_eq!((graph.vertices(), graph.edges()), (512, 8192));
        let mut walked = Vec::new();
        graph.walk(|from, to| walked.push((from, to)));
        let backwards: Vec<_> = (0..graph.edges()).rev().map(|number| graph.edge(number)).collect();
        assert!(walked.iter().eq(backwards.iter().rev()));
        let other = Kronecker::new(9, EDGE_FACTOR, 4).unwrap();
        assert!((0..100).any(|number| other.edge(number) != graph.edge(number)));
        assert!(walked.iter().all(|(from, to)| from.0.max(to.0) < 512));
        for (scale, factor) in [(0, 1), (49, 1), (48, 1 << 16)] {
            assert!(Kronecker::new(scale, factor, 0).is_err());
        }
    }

    #[test]
    fn weights_are_even_and_the_same_both_ways() {
        let mut counts = [0u32; 256];
        for a in 0..400 {
            for b in 0..a {
                let (a, b) = (VertexId(a), VertexId(b));
                assert_eq!(weight(5, a, b), weight(5, b, a));
                counts[weight(5, a, b) as usize] += 1;
            }
        }
        // 313 are expected of each; 100 more or less are nearly six standard deviations.
        assert!(counts[0] == 0 && counts[1..].iter().all(|count| (213..413).contains(count)), "{counts:?}");
    }
}
