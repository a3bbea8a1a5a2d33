//! Which worker owns which block.

use crate::id::BlockId;

/// The worker of a block: consecutive blocks together, as evenly as can be, because blocks that
/// follow each other touch each other.
pub fn worker_of(block: BlockId, blocks: u32, workers: usize) -> usize {
    (u64::from(block.0) * workers as u64 / u64::from(blocks.max(1))) as usize
}

/// The blocks of a worker, ascending.
pub fn blocks_of(worker: usize, blocks: u32, workers: usize) -> impl Iterator<Item = BlockId> {
    let first = |worker: usize| (worker as u64 * u64::from(blocks)).div_ceil(workers as u64) as u32;
    (first(worker)..first(worker + 1)).map(BlockId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_on_the_worker_that_lists_it() {
        for (blocks, workers) in [(1, 4), (7, 3), (8, 8), (100, 7), (0, 2)] {
            let listed: Vec<(BlockId, usize)> = (0..workers)
                .flat_map(|worker| blocks_of(worker, blocks, workers).map(move |block| (block, worker)))
                .collect();
            let asked: Vec<_> = (0..blocks).map(|b| (BlockId(b), worker_of(BlockId(b), blocks, workers))).collect();
            assert_eq!(listed, asked);
        }
    }
}
