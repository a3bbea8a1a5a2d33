//! Plain kernels on one thread: what a programmer writes for the one graph and the one question.
//!
//! Ids of 32 bits, arrays, no hash maps; nothing is shared with the programs that they judge.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Add;

use crate::bench::lists::Lists;

/// The share of rank that follows an edge.
pub const DAMPING: f64 = 0.85;

/// No way leads there.
pub const NOWHERE: u32 = u32::MAX;

/// A length of edges and ways.
pub trait Length: Copy + PartialOrd + Add<Output = Self> {
    /// A length and a vertex in one number, ordered by length: one comparison in a heap.
    type Key: Ord + Copy;
    /// The length of no edge.
    const ZERO: Self;
    /// Longer than all ways.
    const ENDLESS: Self;
    /// Makes the number.
    fn key(self, vertex: u32) -> Self::Key;
    /// Takes it apart.
    fn unkey(key: Self::Key) -> (Self, u32);
}

impl Length for u32 {
    type Key = u64;
    const ZERO: Self = 0;
    const ENDLESS: Self = NOWHERE;

    #[inline]
    fn key(self, vertex: u32) -> u64 {
        u64::from(self) << 32 | u64::from(vertex)
    }

    #[inline]
    fn unkey(key: u64) -> (Self, u32) {
        ((key >> 32) as u32, key as u32)
    }
}

impl Length for f64 {
    type Key = u128;
    const ZERO: Self = 0.0;
    const ENDLESS: Self = f64::INFINITY;

    // Floats that are not negative are ordered as their bits are.
    #[inline]
    fn key(self, vertex: u32) -> u128 {
        u128::from(self.to_bits()) << 32 | u128::from(vertex)
    }

    #[inline]
    fn unkey(key: u128) -> (Self, u32) {
        (f64::from_bits((key >> 32) as u64), key as u32)
    }
}

/// PageRank by pulling, with the arithmetic of
/// [`PageRank`](crate::programs::pagerank::PageRank): what dangles is given to all.
pub fn pagerank(lists: &Lists, iterations: u64) -> Vec<f64> {
    let vertices = lists.len() as f64;
    let give = |vertex: u32, rank: f64, dangling: &mut f64| match lists.of(vertex).len() {
        0 => {
            *dangling += rank;
            0.0
        }
        degree => rank / degree as f64,
    };
    let mut ranks = vec![1.0 / vertices; lists.len()];
    let mut dangling = 0.0;
    let mut given: Vec<f64> = (0..).zip(&ranks).map(|(vertex, rank)| give(vertex, *rank, &mut dangling)).collect();
    let mut giving = vec![0.0; lists.len()];
    for _ in 0..iterations {
        let base = (1.0 - DAMPING) / vertices + DAMPING * dangling / vertices;
        dangling = 0.0;
        for (vertex, rank) in (0..).zip(&mut ranks) {
            let heard: f64 = lists.of(vertex).iter().map(|source| given[*source as usize]).sum();
            *rank = base + DAMPING * heard;
            giving[vertex as usize] = give(vertex, *rank, &mut dangling);
        }
        std::mem::swap(&mut given, &mut giving);
    }
    ranks
}

/// The smallest vertex of each vertex's component: union-find over the edges, smaller roots win,
/// paths are halved.
pub fn components(lists: &Lists) -> Vec<u32> {
    let mut parents: Vec<u32> = (0..lists.len() as u32).collect();
    fn root(parents: &mut [u32], mut vertex: u32) -> u32 {
        while parents[vertex as usize] != vertex {
            let above = parents[parents[vertex as usize] as usize];
            parents[vertex as usize] = above;
            vertex = above;
        }
        vertex
    }
    for a in 0..lists.len() as u32 {
        // Each edge once: from its larger end.
        for &b in lists.of(a).iter().take_while(|b| **b < a) {
            let (a, b) = (root(&mut parents, a), root(&mut parents, b));
            if a != b {
                parents[a.max(b) as usize] = a.min(b);
            }
        }
    }
    // A parent is never larger than its child, so its own root is known by then.
    for vertex in 0..parents.len() {
        parents[vertex] = parents[parents[vertex] as usize];
    }
    parents
}

/// The least number of edges from `source` to each vertex, by a queue.
pub fn bfs(lists: &Lists, source: u32) -> Vec<u32> {
    let mut hops = vec![NOWHERE; lists.len()];
    hops[source as usize] = 0;
    let mut queue = Vec::with_capacity(lists.len());
    queue.push(source);
    let mut next = 0;
    while let Some(&vertex) = queue.get(next) {
        next += 1;
        for &to in lists.of(vertex) {
            if hops[to as usize] == NOWHERE {
                hops[to as usize] = hops[vertex as usize] + 1;
                queue.push(to);
            }
        }
    }
    hops
}

/// The least sum of lengths from `source` to each vertex, by Dijkstra's algorithm on a binary heap.
/// Sums of integers must stay below 2^32 - 1.
pub fn sssp<T: Length>(lists: &Lists<(u32, T)>, source: u32) -> Vec<T> {
    let mut distances = vec![T::ENDLESS; lists.len()];
    distances[source as usize] = T::ZERO;
    let mut heap = BinaryHeap::from([Reverse(T::ZERO.key(source))]);
    while let Some(Reverse(nearest)) = heap.pop() {
        let (distance, vertex) = T::unkey(nearest);
        if distance > distances[vertex as usize] {
            continue;
        }
        for &(to, length) in lists.of(vertex) {
            let through = distance + length;
            if through < distances[to as usize] {
                distances[to as usize] = through;
                heap.push(Reverse(through.key(to)));
            }
        }
    }
    distances
}

/// The smallest label of each vertex's component by label propagation: whoever has a smaller label
/// than before stands in a queue, once, until it has told its neighbours.
pub fn labels(lists: &Lists, mut labels: Vec<u32>) -> Vec<u32> {
    let mut queue: VecDeque<u32> = (0..lists.len() as u32).collect();
    let mut queued = vec![true; lists.len()];
    while let Some(vertex) = queue.pop_front() {
        queued[vertex as usize] = false;
        let label = labels[vertex as usize];
        for &to in lists.of(vertex) {
            if label < labels[to as usize] {
                labels[to as usize] = label;
                if !queued[to as usize] {
                    queued[to as usize] = true;
                    queue.push_back(to);
                }
            }
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sparse random graphs of 60 vertices, so that there are components, and dangling vertices.
    fn graphs() -> impl Iterator<Item = (u32, Vec<(u32, u32)>)> {
        (1..40u64).map(|seed| {
            let hash = |k: u64| (seed * 0x9e37_79b9_7f4a_7c15 + k).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33;
            let pair = |k| ((hash(2 * k) % 60) as u32, (hash(2 * k + 1) % 60) as u32);
            let pairs = (0..seed * 3).map(pair).filter(|(a, b)| a != b);
            let mut edges: Vec<_> = pairs.map(|(a, b)| (a.min(b), a.max(b))).collect();
            edges.sort_unstable();
            edges.dedup();
            (60, edges)
        })
    }

    fn length(a: u32, b: u32) -> u32 {
        1 + (a * 7 + b * 7) % 13
    }

    /// Distances by relaxing every edge until nothing changes.
    fn relaxed(vertices: u32, edges: &[(u32, u32)], source: u32, length: impl Fn(u32, u32) -> u32) -> Vec<u32> {
        let mut distances = vec![NOWHERE; vertices as usize];
        distances[source as usize] = 0;
        for _ in 0..vertices {
            for &(a, b) in edges {
                let (here, there) = (distances[a as usize], distances[b as usize]);
                distances[b as usize] = there.min(here.saturating_add(length(a, b)));
                distances[a as usize] = here.min(there.saturating_add(length(a, b)));
            }
        }
        distances
    }

    #[test]
    fn ways_are_those_of_relaxing_every_edge() {
        for (vertices, edges) in graphs() {
            let lists = Lists::new(vertices, &edges);
            assert_eq!(bfs(&lists, 5), relaxed(vertices, &edges, 5, |_, _| 1));
            let nearest = relaxed(vertices, &edges, 5, length);
            assert_eq!(sssp(&lists.weighted(length), 5), nearest);
            let halves = sssp(&lists.weighted(|a, b| f64::from(length(a, b)) / 2.0), 5);
            let doubled = halves.iter().map(|half| if *half == f64::INFINITY { NOWHERE } else { (half * 2.0) as u32 });
            assert!(doubled.eq(nearest));
        }
    }

    #[test]
    fn a_component_is_what_can_be_reached() {
        for (vertices, edges) in graphs() {
            let lists = Lists::new(vertices, &edges);
            let smallest = |vertex: &u32| (0..).zip(bfs(&lists, *vertex)).find(|(_, hops)| *hops != NOWHERE);
            let reached: Vec<u32> = (0..vertices).map(|vertex| smallest(&vertex).expect("itself").0).collect();
            assert_eq!(components(&lists), reached);
            assert_eq!(labels(&lists, (0..vertices).collect()), reached);
        }
    }

    #[test]
    fn ranks_are_those_of_a_dense_matrix() {
        for (vertices, edges) in graphs() {
            let n = vertices as usize;
            let mut joined = vec![vec![0.0; n]; n];
            for &(a, b) in &edges {
                (joined[a as usize][b as usize], joined[b as usize][a as usize]) = (1.0, 1.0);
            }
            let degrees: Vec<f64> = joined.iter().map(|row| row.iter().sum()).collect();
            let mut ranks = vec![1.0 / n as f64; n];
            for _ in 0..20 {
                let given = |to: usize| -> f64 {
                    let from = |from: usize| {
                        if degrees[from] == 0.0 { 1.0 / n as f64 } else { joined[from][to] / degrees[from] }
                    };
                    (0..n).map(|source| ranks[source] * from(source)).sum()
                };
                ranks = (0..n).map(|to| 0.15 / n as f64 + 0.85 * given(to)).collect();
            }
            let found = pagerank(&Lists::new(vertices, &edges), 20);
            assert!(found.iter().zip(&ranks).all(|(a, b)| (a - b).abs() < 1e-12));
            assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
}
