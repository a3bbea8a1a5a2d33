//! The borders of regions refined, so that they cut fewer edges and regions stay equal.
//!
//! First vertices at a border go over to where most of their edges lead, in rounds. Then, to leave
//! what is best only nearby, they go over one by one, the one that gains most or loses least first
//! and none twice, and from the best of all states so met it goes on (Fiduccia and Mattheyses,
//! Design Automation Conference 1982). Time: O(edges) a round.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::graph::grown_levels::{Level, Sums};

/// How many rounds there are of either kind, at most.
const ROUNDS: usize = 8;

/// How much heavier than an equal share a region may become: one part in so many.
const SLACK: u64 = 33;

/// How much lighter than an equal share a region may become: one part in so many.
const LACK: u64 = 12;

/// After so many moves without a better state a round ends.
const PATIENCE: usize = 400;

/// Another round is worth its time where the last moved more than one vertex in so many, or cut
/// fewer edges by more than one in so many.
const WORTH: u32 = 500;

/// A round of single moves looks at each edge so many times, on average, and no more: where a hub
/// moves, all its neighbours are looked at anew.
const LOOKS: u64 = 2;

/// Refines the borders of `count` regions.
pub(super) fn refine(level: &impl Level, regions: &mut [u32], count: u32) {
    let mut weights = vec![0u64; count as usize];
    for (vertex, region) in (0..).zip(&*regions) {
        weights[*region as usize] += level.weight(vertex);
    }
    let share = weights.iter().sum::<u64>() / u64::from(count);
    let (least, limit) = (share - share / LACK, share + share / SLACK);
    let mut borders = Borders { level, regions, weights, least, limit, sums: Sums::new(count), looks: 0 };
    for round in 0..ROUNDS {
        if borders.sweep(round % 2 == 1) <= level.vertices() / WORTH {
            break;
        }
    }
    let mut moved = vec![false; borders.regions.len()];
    let mut cut = level.cut(borders.regions) / 2;
    for _ in 0..ROUNDS {
        let gain = borders.climb(&mut moved);
        if gain <= cut / u64::from(WORTH) {
            break;
        }
        cut -= gain;
    }
}

struct Borders<'a, L> {
    level: &'a L,
    regions: &'a mut [u32],
    weights: Vec<u64>,
    /// No region loses a vertex that makes it lighter.
    least: u64,
    /// No region gains a vertex that makes it heavier.
    limit: u64,
    sums: Sums,
    /// How many edges were looked at.
    looks: u64,
}

impl<L: Level> Borders<'_, L> {
    /// Where a vertex at a border had best go, and how many edges fewer are cut then.
    fn target(&mut self, vertex: u32) -> Option<(i64, u32)> {
        let Self { level, regions, weights, least, limit, sums, looks } = self;
        let (own, weight) = (regions[vertex as usize], level.weight(vertex));
        if weights[own as usize] < *least + weight {
            return None;
        }
        let mut border = false;
        level.each(vertex, |other, _| {
            border |= regions[other as usize] != own;
            *looks += 1;
        });
        if !border {
            return None;
        }
        level.each(vertex, |other, weight| sums.add(regions[other as usize], weight));
        let fits = |region: &&u32| **region != own && weights[**region as usize] + weight <= *limit;
        let rank = |region: &&u32| (sums.of(**region), Reverse((weights[**region as usize], **region)));
        let target = sums.met().iter().filter(fits).max_by_key(rank).copied();
        let target = target.map(|target| (sums.of(target) as i64 - sums.of(own) as i64, target));
        sums.clear();
        target
    }

    fn put(&mut self, vertex: u32, region: u32) -> u32 {
        let weight = self.level.weight(vertex);
        let own = std::mem::replace(&mut self.regions[vertex as usize], region);
        self.weights[own as usize] -= weight;
        self.weights[region as usize] += weight;
        own
    }

    /// Moves each vertex to where most of its edges lead, or where a region is too heavy, out of
    /// it; how many were moved.
    fn sweep(&mut self, down: bool) -> u32 {
        let (mut moved, vertices) = (0, self.level.vertices());
        for at in 0..vertices {
            let vertex = if down { vertices - 1 - at } else { at };
            let Some((gain, target)) = self.target(vertex) else { continue };
            let own = self.regions[vertex as usize] as usize;
            let evens = self.weights[target as usize] + self.level.weight(vertex) < self.weights[own];
            if gain > 0 || (gain == 0 && evens) || self.weights[own] > self.limit {
                self.put(vertex, target);
                moved += 1;
            }
        }
        moved
    }

    /// Moves vertices one by one and keeps the best state; how many edges fewer are cut in it. All
    /// of `moved` is false before and after.
    fn climb(&mut self, moved: &mut [bool]) -> u64 {
        let mut heap = BinaryHeap::new();
        self.looks = 0;
        for vertex in 0..self.level.vertices() {
            heap.extend(self.target(vertex).map(|(gain, target)| (gain, Reverse(vertex), target)));
        }
        let looks = self.looks * (LOOKS + 1);
        // What was moved, from where; and after how many moves the cut was best, and by how much.
        let (mut moves, mut now, mut best) = (Vec::new(), 0, (0, 0));
        while let Some((gain, Reverse(vertex), target)) = heap.pop() {
            if moved[vertex as usize] {
                continue;
            }
            // Neighbours have gone over since, or the region has filled up.
            match self.target(vertex) {
                Some(found) if found == (gain, target) => {}
                found => {
                    heap.extend(found.map(|(gain, target)| (gain, Reverse(vertex), target)));
                    continue;
                }
            }
            moves.push((vertex, self.put(vertex, target)));
            moved[vertex as usize] = true;
            now += gain;
            if now > best.0 {
                best = (now, moves.len());
            }
            if moves.len() >= best.1 + PATIENCE || self.looks > looks {
                break;
            }
            let mut near = Vec::new();
            self.level.each(vertex, |other, _| near.push(other));
            for other in near.into_iter().filter(|other| !moved[*other as usize]) {
                heap.extend(self.target(other).map(|(gain, target)| (gain, Reverse(other), target)));
            }
        }
        for &(vertex, from) in moves[best.1..].iter().rev() {
            self.put(vertex, from);
        }
        moves.iter().for_each(|(vertex, _)| moved[*vertex as usize] = false);
        best.0 as u64
    }
}
