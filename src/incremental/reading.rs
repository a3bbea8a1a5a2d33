//! What can be asked of a session between its commits.

use std::sync::Arc;

use crate::combine::Combine;
use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::incremental::held::{Blocks, Held};
use crate::incremental::session::Session;
use crate::incremental::settings::Settings;
use crate::incremental::snapshot::{Snapshot, dtype};
use crate::incremental::tables::Tables;
use crate::lattice::contact::{Contact, ContactGraph};
use crate::lattice::lattice::Lattice;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Cell, Summary};
use crate::lattice::tiling::Tiling;
use crate::volume::shape::Spacing;
use crate::volume::source::Header;

impl Session<'_> {
    /// The cells and contacts after the last commit.
    ///
    /// # Errors
    /// Where a worker has ended.
    pub fn summary(&self) -> Result<Summary> {
        self.summary_at(self.epoch)
    }

    /// The cells and contacts after an earlier commit that is kept; before the first there are none.
    ///
    /// # Errors
    /// Where it is kept no more, or is yet to come; where a worker has ended.
    pub fn summary_at(&self, epoch: u64) -> Result<Summary> {
        let first = self.first_kept();
        if !(first..=self.epoch).contains(&epoch) {
            let what = format!("commit {epoch} cannot be read: kept are {first} to {}", self.epoch);
            return Err(Error::usage(what));
        }
        let number = self.number;
        let shares = self.runtime.on_workers(move |_, _| Tables::with(number, |tables| tables.read(epoch)))?;
        let mut summary = Summary::default();
        self.runtime.all_gather(Ok(shares))?.into_iter().flatten().for_each(|share| summary.combine(share));
        Ok(summary)
    }

    /// The contact graph after the last commit, in so many blocks.
    ///
    /// # Errors
    /// As [`ContactGraph::new`]; where a worker has ended.
    pub fn graph(&self, blocks: u32) -> Result<ContactGraph> {
        let summary = self.summary()?;
        ContactGraph::new(summary.cells.keys().copied(), &summary.contacts, blocks)
    }

    /// The cell that holds a voxel after the last commit: 0 where none does.
    ///
    /// # Errors
    /// Where the voxel is not in the volume.
    pub fn cell_at(&self, voxel: [usize; 3]) -> Result<u64> {
        let grid = &self.settings.grid;
        if (0..3).any(|axis| voxel[axis] >= grid.shape().0[axis]) {
            return Err(Error::usage(format!("voxel {voxel:?} is not in a volume of {}", grid.shape())));
        }
        let block = grid.block_of(voxel);
        // Who does not hold the block says 0.
        let cell = self.ours(block).map_or(0, |held| self.cell_in(block, held, voxel));
        Ok(self.runtime.all_gather(Ok(cell))?.into_iter().max().unwrap_or(0))
    }

    /// The cell that holds a voxel of a block.
    fn cell_in(&self, block: BlockId, held: &Held, voxel: [usize; 3]) -> u64 {
        let x = (voxel[2] - held.runs.region().start[2]) as u32;
        let mut runs = held.runs.row(voxel[0] as i64, voxel[1] as i64);
        let holds = |run: &usize| (held.runs.spans()[*run].start..held.runs.spans()[*run].end).contains(&x);
        runs.find(holds).map_or(0, |run| match self.settings.join {
            None => held.runs.labels()[run],
            Some(_) => self.components.of(block)[held.part_of[run] as usize],
        })
    }

    /// The selected voxels after the last commit as a volume, to run programs on: labels as they
    /// are, of a mask ones. Later commits do not change it. Alone it costs nothing.
    ///
    /// In a cluster a process can read its own blocks and those beside them, which is what programs on
    /// blocks do that are [placed](crate::pregel::placement::Placement) as by default.
    ///
    /// # Errors
    /// A lost process.
    pub fn volume(&self, spacing: &Spacing) -> Result<Snapshot> {
        let Settings { grid, select, .. } = self.settings;
        let header = Header {
            name: "session".into(),
            shape: grid.shape(),
            dtype: dtype(select == Select::Labels),
            spacing: *spacing,
            format: "session".into(),
            chunk: grid.region(BlockId(0)).shape().0,
            axes: "zyx".into(),
            bytes: 0,
        };
        Ok(Snapshot { header, owners: self.owners, blocks: self.with_those_beside()? })
    }

    /// The blocks of this process, and those of others that touch them.
    fn with_those_beside(&self) -> Result<Arc<Blocks>> {
        if self.owners.is_alone() {
            return Ok(Arc::clone(&self.blocks));
        }
        let ours = || self.all_ours().map(|(block, held)| (block, Arc::clone(held)));
        let letters = ours().flat_map(|(block, held)| {
            let beside = self.owners.beside(block).into_iter();
            beside.map(move |process| (process, (block, Arc::clone(&held))))
        });
        Ok(Arc::new(ours().chain(self.runtime.exchange(Ok(letters.collect()))?).collect()))
    }

    /// The bytes of what it holds of blocks: their runs and parts, and what their pieces say of cells and
    /// contacts; in a cluster, of this process. The tables of differential dataflow, and what joins parts across
    /// seams, are beside that.
    pub fn held_bytes(&self) -> u64 {
        let blocks = self.all_ours().map(|(_, held)| {
            let runs = &held.runs;
            size_of_val(runs.rows())
                + size_of_val(runs.spans())
                + size_of_val(runs.labels())
                + size_of_val(&held.part_of[..])
                + size_of_val(&held.parts[..])
        });
        let said = self.said.values().map(|summary| {
            summary.cells.len() * size_of::<(u64, Cell)>() + summary.contacts.len() * size_of::<((u64, u64), Contact)>()
        });
        (blocks.sum::<usize>() + said.sum::<usize>()) as u64
    }

    /// The selected voxels after the last commit as a graph, cut as the session is, to run programs
    /// on: voxels of labels carry them. Later commits do not change it.
    ///
    /// # Errors
    /// As [`Lattice::of`] and [`Session::volume`].
    pub fn lattice(&self, stencil: Stencil) -> Result<Lattice> {
        let voxels = Arc::new(self.volume(&Spacing::default())?);
        Lattice::of(Tiling::with_grid(voxels, self.settings.grid)?, self.settings.painted(), stencil)
    }
}
