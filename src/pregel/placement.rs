//! Which worker has which block. No result depends on it.

use std::sync::Arc;

use crate::id::BlockId;

/// How blocks are given to workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Consecutive blocks together, as evenly as can be: blocks that follow each other touch each
    /// other.
    #[default]
    Consecutive,
    /// One after another in turn: evens out work that is much denser in some places.
    Scattered,
    /// As consecutive, in this order of the blocks, for example along a
    /// [curve](crate::graph::curve) through the grid. Blocks that it does not list come last.
    Ordered(Arc<[BlockId]>),
}

impl Placement {
    /// The worker of each of `blocks` blocks.
    pub fn workers(&self, blocks: u32, workers: usize) -> Vec<u32> {
        let consecutive = |place: u32| consecutive(place, blocks, workers);
        match self {
            Placement::Consecutive => (0..blocks).map(consecutive).collect(),
            Placement::Scattered => (0..blocks).map(|block| block % workers.max(1) as u32).collect(),
            Placement::Ordered(order) => {
                let mut of = vec![u32::MAX; blocks as usize];
                let listed = order.iter().map(|block| block.index()).filter(|block| *block < blocks as usize);
                let mut place = 0;
                for block in listed.chain(0..blocks as usize) {
                    if of[block] == u32::MAX {
                        of[block] = consecutive(place);
                        place += 1;
                    }
                }
                of
            }
        }
    }
}

/// The worker of the block at a place, where consecutive blocks lie together.
pub(crate) fn consecutive(place: u32, blocks: u32, workers: usize) -> u32 {
    (u64::from(place) * workers as u64 / u64::from(blocks.max(1))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_worker_has_its_share_whatever_the_order() {
        let backwards: Arc<[BlockId]> = (0..100).rev().map(BlockId).collect();
        for placement in [Placement::Consecutive, Placement::Scattered, Placement::Ordered(backwards)] {
            for (blocks, workers) in [(1, 4), (7, 3), (8, 8), (100, 7), (0, 2)] {
                let of = placement.workers(blocks, workers);
                assert_eq!(of.len(), blocks as usize);
                for worker in 0..workers {
                    let share = of.iter().filter(|of| **of == worker as u32).count();
                    assert!(share.abs_diff(blocks as usize / workers) <= 1, "{placement:?} {blocks} {workers}");
                }
            }
        }
    }

    #[test]
    fn an_order_is_followed_and_what_it_does_not_list_comes_last() {
        let placement = Placement::Ordered([3, 1, 3, 9].map(BlockId).into());
        assert_eq!(placement.workers(4, 2), [1, 0, 1, 0]);
    }
}
