//! Neighbour lists in one array, and how they are made: every entry counted, then every entry put.
//!
//! 4 bytes a list, and a slot (4 bytes) and the edge value an entry. No entry is moved or copied
//! while they are made.

use crate::error::{Error, Result};
use crate::graph::owners::too_large;
use crate::id::{BlockId, Slot};

/// Lists: list `k` is `targets[starts[k]..starts[k + 1]]`.
#[derive(Clone, Debug)]
pub(super) struct Lists<E> {
    pub(super) starts: Vec<u32>,
    pub(super) targets: Vec<(Slot, E)>,
}

impl<E> Lists<E> {
    #[inline]
    pub(super) fn of(&self, list: usize) -> &[(Slot, E)] {
        &self.targets[self.starts[list] as usize..self.starts[list + 1] as usize]
    }

    /// The number of lists.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }
}

/// Lists while they are made.
pub(super) struct Open<E> {
    /// First how many entries each list has, then where its next one goes.
    starts: Vec<u32>,
    targets: Vec<(Slot, E)>,
    entries: u64,
    /// Any of the values: what stands in an entry until it is put.
    filler: Option<E>,
    /// Entries that wait until there are some of lists that lie together.
    waiting: Vec<Vec<(u32, Slot, E)>>,
}

/// Into so many parts lists are divided, by the binary logarithm, for entries to wait in.
const PARTS: u32 = 8;

/// So many entries wait together: they are put at one stroke, while their part is in the cache.
/// Put as they come, a large graph takes twice as long to build.
const TOGETHER: usize = 128;

impl<E: Copy> Open<E> {
    pub(super) fn new(lists: usize) -> Self {
        Self { starts: vec![0; lists + 1], targets: Vec::new(), entries: 0, filler: None, waiting: Vec::new() }
    }

    #[inline]
    pub(super) fn count(&mut self, list: usize, edge: E) {
        // It wraps only where the entries are more than are let pass.
        self.starts[list] = self.starts[list].wrapping_add(1);
        self.entries += 1;
        self.filler = Some(edge);
    }

    /// Makes room for what was counted.
    pub(super) fn allocate(&mut self, block: BlockId) -> Result<()> {
        if self.entries >= u64::from(u32::MAX) {
            return Err(too_large(block, "edges"));
        }
        let mut before = 0;
        for start in &mut self.starts {
            before += std::mem::replace(start, before);
        }
        let entries = self.entries as usize;
        self.targets.try_reserve_exact(entries).map_err(|cause| {
            Error::resource(format!("{entries} edges of block {block} do not fit in memory")).because(cause)
        })?;
        if let Some(filler) = self.filler {
            self.targets.resize(entries, (Slot(0), filler));
            let parts = (self.starts.len() >> self.shift()) + 1;
            self.waiting.resize_with(parts, || Vec::with_capacity(TOGETHER));
        }
        Ok(())
    }

    /// By how many bits the number of a list is larger than that of its part.
    #[inline]
    fn shift(&self) -> u32 {
        (usize::BITS - self.starts.len().leading_zeros()).saturating_sub(PARTS)
    }

    /// Puts the next entry of a list. One that was not counted makes the lists wrong, but no panic.
    #[inline]
    pub(super) fn put(&mut self, list: usize, target: Slot, edge: E) {
        let shift = self.shift();
        let Some(waiting) = self.waiting.get_mut(list >> shift) else { return };
        waiting.push((list as u32, target, edge));
        if waiting.len() == TOGETHER {
            settle(&mut self.starts, &mut self.targets, waiting);
        }
    }

    /// The lists, when every entry is put.
    pub(super) fn close(mut self) -> Lists<E> {
        for waiting in &mut self.waiting {
            settle(&mut self.starts, &mut self.targets, waiting);
        }
        // Where the next entry of a list would go is where the list after it starts.
        let lists = self.starts.len() - 1;
        self.starts.copy_within(0..lists, 1);
        self.starts[0] = 0;
        Lists { starts: self.starts, targets: self.targets }
    }
}

/// Puts entries where the next of their lists go.
fn settle<E: Copy>(starts: &mut [u32], targets: &mut [(Slot, E)], waiting: &mut Vec<(u32, Slot, E)>) {
    for &(list, target, edge) in waiting.iter() {
        let place = &mut starts[list as usize];
        if let Some(entry) = targets.get_mut(*place as usize) {
            *entry = (target, edge);
        }
        *place = place.wrapping_add(1);
    }
    waiting.clear();
}

impl<E: Copy> Lists<E> {
    /// Sorts each list by target; entries of one target stay as they are.
    pub(super) fn sort(&mut self) {
        let mut rest = self.targets.as_mut_slice();
        for bounds in self.starts.windows(2) {
            let (list, after) = rest.split_at_mut((bounds[1] - bounds[0]) as usize);
            if size_of::<E>() == 0 {
                list.sort_unstable_by_key(|(target, _)| *target);
            } else {
                list.sort_by_key(|(target, _)| *target);
            }
            rest = after;
        }
    }

    /// The same entries by their targets from `first` on: list `k` is of those that have the
    /// target `first + k`, in the order of the lists they come from.
    pub(super) fn transposed(&self, first: usize, lists: usize) -> Self {
        let mut open = Open::new(lists);
        for &(target, edge) in self.targets.iter().filter(|(target, _)| target.index() >= first) {
            open.count(target.index() - first, edge);
        }
        open.allocate(BlockId(0)).expect("they are no more than the lists they come from");
        for list in 0..self.len() {
            for &(target, edge) in self.of(list).iter().filter(|(target, _)| target.index() >= first) {
                open.put(target.index() - first, Slot(list as u32), edge);
            }
        }
        open.close()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Kind;

    fn lists(count: usize, entries: &[(usize, u32, u8)]) -> Lists<u8> {
        let mut open = Open::new(count);
        entries.iter().for_each(|&(list, _, edge)| open.count(list, edge));
        open.allocate(BlockId(0)).unwrap();
        entries.iter().for_each(|&(list, target, edge)| open.put(list, Slot(target), edge));
        open.close()
    }

    proptest! {
        #[test]
        fn lists_hold_what_was_put_and_turn_round(
            entries in prop::collection::vec((0usize..20, 0u32..30, any::<u8>()), 0..200),
            first in 0usize..30,
        ) {
            let mut made = lists(20, &entries);
            made.sort();
            let of = |list: usize| -> Vec<(Slot, u8)> {
                let mut own: Vec<_> = entries.iter().filter(|entry| entry.0 == list).collect();
                own.sort_by_key(|entry| entry.1);
                own.into_iter().map(|&(_, target, edge)| (Slot(target), edge)).collect()
            };
            for list in 0..20 {
                prop_assert_eq!(made.of(list), of(list));
            }
            let back = made.transposed(first, 30 - first);
            for target in first..30 {
                let all = (0..20).flat_map(|list| made.of(list).iter().map(move |&(to, edge)| (list, to, edge)));
                let own: Vec<_> = all.filter(|(_, to, _)| to.index() == target).collect();
                let own: Vec<_> = own.into_iter().map(|(list, _, edge)| (Slot(list as u32), edge)).collect();
                prop_assert_eq!(back.of(target - first), own);
            }
        }
    }

    #[test]
    fn too_many_entries_are_refused_before_they_are_put() {
        let mut open = Open::new(1);
        open.count(0, ());
        open.entries = u64::from(u32::MAX);
        let error = open.allocate(BlockId(7)).unwrap_err();
        assert_eq!(error.kind(), Kind::Resource);
        assert_eq!(error.message(), "block 7 has 2^32 edges or more: cut the graph into more blocks");
    }
}
