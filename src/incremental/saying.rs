//! What the pieces of blocks say of cells and contacts, and how it comes into the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::id::BlockId;
use crate::incremental::components::{Relabelled, Seam, touching};
use crate::incremental::held::gather;
use crate::incremental::pieces::{Piece, depending};
use crate::incremental::session::Session;
use crate::incremental::settings::Settings;
use crate::incremental::tables::{Rows, Tables, Updates};
use crate::lattice::runs::Runs;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Summary, summarise};

impl Session<'_> {
    /// The parts of different blocks that touch in some pieces.
    pub(super) fn seams(&self, pieces: &BTreeSet<Piece>, stencil: Stencil) -> Result<Vec<Seam>> {
        let jobs: Vec<Piece> = pieces.iter().filter(|piece| !piece.is_inside()).copied().collect();
        let (grid, blocks) = (self.settings.grid, Arc::clone(&self.blocks));
        self.runtime.spread(jobs, move |piece| {
            let (runs, from) = gather(&grid, &blocks, piece.boxed(&grid));
            Ok((*piece, touching(&runs, &from, &blocks, stencil)))
        })
    }

    /// Enters what pieces say into the tables: the rows that change, by worker.
    pub(super) fn enter(&mut self, said: Vec<(Piece, Summary)>) -> Result<Vec<Rows>> {
        let (number, epoch, kept) = (self.number, self.epoch, self.first_kept());
        let updates: Vec<Mutex<Updates>> = self.updates(said).into_iter().map(Mutex::new).collect();
        self.runtime.together(move |worker, place, lost| {
            let updates = std::mem::take(&mut *updates[place].lock().unwrap_or_else(PoisonError::into_inner));
            Tables::with(number, |tables| tables.commit(worker, updates, (epoch, kept), lost))
        })
    }

    /// The first commit that can be read yet.
    pub(super) fn first_kept(&self) -> u64 {
        self.epoch.saturating_sub(self.settings.kept).max(self.began)
    }

    /// What some pieces say now: those that depend on voxels that changed, and those where cells have
    /// other labels.
    pub(super) fn say(
        &mut self,
        mut pieces: BTreeSet<Piece>,
        relabelled: &Relabelled,
    ) -> Result<Vec<(Piece, Summary)>> {
        let Settings { grid, join, want, .. } = self.settings;
        // Where every cell has but one new label, and every new label is of one cell, that is all
        // there is to do.
        let mut said = Vec::new();
        for piece in depending(&grid, relabelled.keys().copied()) {
            if pieces.contains(&piece) || !self.owners.is_ours(piece.block) {
                continue;
            }
            match (self.new_labels(piece, relabelled), self.said.get(&piece)) {
                (Some(labels), Some(summary)) => said.push((piece, renamed(summary, &labels))),
                // It says nothing of the cells that it sees, whatever they are called.
                (Some(_), None) => {}
                (None, _) => drop(pieces.insert(piece)),
            }
        }
        let blocks = Arc::clone(&self.blocks);
        let components = Arc::new(std::mem::take(&mut self.components));
        let labels = Arc::clone(&components);
        let summarised = self.runtime.spread(pieces.into_iter().collect(), move |piece: &Piece| {
            let said = |runs: &Runs, cells: &[u64]| Ok((*piece, summarise(runs, cells, piece.region(&grid), want)));
            if piece.is_inside() {
                // All that it sees is its block.
                return match (blocks.get(&piece.block), join) {
                    (None, _) => Ok((*piece, Summary::default())),
                    (Some(held), None) => said(&held.runs, held.runs.labels()),
                    (Some(held), Some(_)) => {
                        let labels = labels.of(piece.block);
                        let cells: Vec<u64> = held.part_of.iter().map(|part| labels[*part as usize]).collect();
                        said(&held.runs, &cells)
                    }
                };
            }
            let (runs, from) = gather(&grid, &blocks, piece.boxed(&grid));
            let cell = |&(block, run): &(BlockId, u32)| labels.of(block)[blocks[&block].part_of[run as usize] as usize];
            match join {
                None => said(&runs, runs.labels()),
                Some(_) => said(&runs, &from.iter().map(cell).collect::<Vec<u64>>()),
            }
        });
        self.components = Arc::unwrap_or_clone(components);
        said.extend(summarised?);
        Ok(said)
    }

    /// The new label of each cell that a piece may see; nothing where cells part or become one.
    fn new_labels(&self, piece: Piece, relabelled: &Relabelled) -> Option<BTreeMap<u64, u64>> {
        let mut labels = BTreeMap::new();
        let grid = &self.settings.grid;
        for block in grid.holding(&piece.boxed(grid)) {
            let new = self.components.of(block);
            let old = relabelled.get(&block).map_or(new, |old| old);
            for (old, new) in old.iter().zip(new) {
                if *labels.entry(*old).or_insert(*new) != *new {
                    return None;
                }
            }
        }
        let new: BTreeSet<u64> = labels.values().copied().collect();
        (new.len() == labels.len()).then_some(labels)
    }

    /// What goes into and out of the tables of each worker.
    fn updates(&mut self, said: Vec<(Piece, Summary)>) -> Vec<Updates> {
        let workers = self.runtime.workers().per_process();
        let mut updates = vec![Updates::default(); workers];
        for (place, (piece, new)) in said.into_iter().enumerate() {
            let old = self.said.remove(&piece).unwrap_or_default();
            updates[place % workers].change(&old, &new);
            if new != Summary::default() {
                self.said.insert(piece, new);
            }
        }
        updates
    }
}

/// A summary where cells have other labels.
fn renamed(summary: &Summary, labels: &BTreeMap<u64, u64>) -> Summary {
    let cells = summary.cells.iter().map(|(label, cell)| (labels[label], cell.clone()));
    let contacts = summary.contacts.iter().map(|((a, b), contact)| ([labels[a], labels[b]], *contact));
    Summary::of(cells.collect(), contacts)
}
