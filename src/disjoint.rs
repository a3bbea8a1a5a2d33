//! Disjoint sets of small integers (union-find).
//!
//! The root of a set is always its smallest member, so what is numbered in raster order keeps
//! that order. Union by smallest root with path halving, or, where no root is asked for, Rem's
//! algorithm with splicing (Patwary, Blair and Manne, Experiments on union-find algorithms, 2010):
//! O(log n) amortised a call, in practice a few steps. Memory: 4 bytes an element.

use serde::{Deserialize, Serialize};

/// A partition of `0..len` into disjoint sets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Disjoint {
    parent: Vec<u32>,
}

impl Disjoint {
    /// `len` sets of one element each.
    ///
    /// # Panics
    /// If `len` exceeds `u32::MAX`.
    pub fn new(len: usize) -> Self {
        let len = u32::try_from(len).expect("a disjoint-set forest holds fewer than 2^32 elements");
        Self { parent: (0..len).collect() }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.parent.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.parent.is_empty()
    }

    /// A set of one more element, which is the largest: its number.
    ///
    /// # Panics
    /// If there are `u32::MAX` elements.
    #[inline]
    pub fn add(&mut self) -> u32 {
        let element = self.parent.len() as u32;
        assert!(element < u32::MAX, "a disjoint-set forest holds fewer than 2^32 elements");
        self.parent.push(element);
        element
    }

    /// The smallest member of the set of `element`.
    #[inline]
    pub fn find(&mut self, mut element: u32) -> u32 {
        loop {
            let parent = self.parent[element as usize];
            if parent == element {
                return element;
            }
            let above = self.parent[parent as usize];
            self.parent[element as usize] = above;
            element = above;
        }
    }

    /// Joins the sets of `a` and `b`; returns the root of the union.
    #[inline]
    pub fn union(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.find(a), self.find(b));
        let (low, high) = (a.min(b), a.max(b));
        // Most unions join nothing: a branch is cheaper than the store.
        if low != high {
            self.parent[high as usize] = low;
        }
        low
    }

    /// Joins the sets of `a` and `b`, as [`union`](Disjoint::union) does, and does not say the root:
    /// it climbs from both at once and stops where they meet, mostly below the root.
    #[inline]
    pub fn join(&mut self, mut a: u32, mut b: u32) {
        loop {
            let (mut above, mut below) = (self.parent[a as usize], self.parent[b as usize]);
            if above == below {
                return;
            }
            if above < below {
                (a, b, above, below) = (b, a, below, above);
            }
            // A parent is never larger than its child, also after this.
            self.parent[a as usize] = below;
            if above == a {
                return;
            }
            a = above;
        }
    }

    /// Numbers the sets `0..sets` in the order of their smallest members: the set of each
    /// element, and how many sets there are.
    pub fn number(mut self) -> (Vec<u32>, u32) {
        let mut sets = 0;
        // A parent is never larger than its child, so it has its number by the time it is asked.
        for element in 0..self.parent.len() {
            let parent = self.parent[element] as usize;
            if parent == element {
                self.parent[element] = sets;
                sets += 1;
            } else {
                self.parent[element] = self.parent[parent];
            }
        }
        (self.parent, sets)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_are_numbered_by_smallest_member(
            pairs in proptest::collection::vec((0u32..40, 0u32..40), 0..60)
        ) {
            let mut sets = Disjoint::new(40);
            // The plain version: one colour an element, repainted at every union.
            let mut colour: Vec<u32> = (0..40).collect();
            for &(a, b) in &pairs {
                sets.union(a, b);
                let (from, to) = (colour[a as usize], colour[b as usize]);
                colour.iter_mut().filter(|c| **c == from).for_each(|c| *c = to);
            }
            let (number, count) = sets.number();
            let mut seen = Vec::new();
            for (element, paint) in colour.iter().enumerate() {
                let expected = seen.iter().position(|s| s == paint).unwrap_or_else(|| {
                    seen.push(*paint);
                    seen.len() - 1
                });
                prop_assert_eq!(number[element] as usize, expected);
            }
            prop_assert_eq!(count as usize, seen.len());
        }

        #[test]
        fn joins_are_unions(pairs in proptest::collection::vec((0u32..40, 0u32..40), 0..60)) {
            let (mut joined, mut united) = (Disjoint::new(40), Disjoint::new(40));
            for (a, b) in pairs {
                joined.join(a, b);
                united.union(a, b);
            }
            (0..40).for_each(|element| assert_eq!(joined.find(element), united.find(element)));
        }
    }
}
