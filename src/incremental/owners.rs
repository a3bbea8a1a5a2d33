//! Which process holds a block, and which others see a part of it.

use crate::id::BlockId;
use crate::pregel::placement::consecutive;
use crate::volume::grid::Grid;
use crate::workers::Workers;

/// Which process holds a block: consecutive blocks lie on consecutive workers, as the engine has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owners {
    grid: Grid,
    processes: usize,
    threads: usize,
    this: usize,
}

impl Owners {
    pub(crate) fn new(grid: Grid, workers: &Workers) -> Self {
        let (processes, threads) = (workers.processes(), workers.per_process());
        Self { grid, processes, threads, this: workers.process() }
    }

    /// How the volume is cut.
    pub(crate) fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Whether this process is the only one.
    pub(crate) fn is_alone(&self) -> bool {
        self.processes == 1
    }

    /// The process that holds a block.
    pub(crate) fn of(&self, block: BlockId) -> usize {
        consecutive(block.0, self.grid.blocks(), self.processes * self.threads) as usize / self.threads
    }

    /// Whether this process holds a block.
    pub(crate) fn is_ours(&self, block: BlockId) -> bool {
        self.is_alone() || self.of(block) == self.this
    }

    /// Whether this process holds a block, or one that touches it.
    pub(crate) fn is_near(&self, block: BlockId) -> bool {
        self.is_ours(block) || self.grid.neighbors(block).any(|other| self.is_ours(other))
    }

    /// The other processes with a block below this one: pieces of those reach into it.
    pub(crate) fn seeing(&self, block: BlockId) -> Vec<usize> {
        self.others(block, self.grid.below(block))
    }

    /// The other processes with a block beside this one.
    pub(crate) fn beside(&self, block: BlockId) -> Vec<usize> {
        self.others(block, self.grid.neighbors(block))
    }

    /// The processes of some blocks but for that of `block`, ascending.
    fn others(&self, block: BlockId, blocks: impl Iterator<Item = BlockId>) -> Vec<usize> {
        if self.is_alone() {
            return Vec::new();
        }
        let mut processes: Vec<usize> = blocks.map(|block| self.of(block)).collect();
        processes.sort_unstable();
        processes.dedup();
        processes.retain(|process| *process != self.of(block));
        processes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pregel::placement::Placement;
    use crate::volume::shape::Shape;

    #[test]
    fn blocks_lie_where_the_engine_places_them() {
        for (processes, threads) in [(1, 3), (2, 1), (2, 2), (3, 2), (5, 1)] {
            let grid = Grid::with_block(Shape([5, 7, 4]), [2, 3, 4]).unwrap();
            let hosts: Vec<String> = (0..processes).map(|process| format!("host:{process}")).collect();
            let workers = Workers::cluster(threads, 0, hosts).unwrap();
            let owners = Owners::new(grid, &workers);
            let placed = Placement::Consecutive.workers(grid.blocks(), workers.total());
            for (block, worker) in placed.into_iter().enumerate() {
                assert_eq!(owners.of(BlockId(block as u32)), worker as usize / threads);
            }
        }
    }
}
