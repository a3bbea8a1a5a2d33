//! A commit: what was put comes to the processes that hold its blocks, and pieces, components and tables
//! are made good where that changes them.
//!
//! Between the steps the processes of a cluster trade what the next one needs; one process alone goes
//! through the same steps and trades nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::Result;
use crate::id::BlockId;
use crate::incremental::change::{Change, Event, Row};
use crate::incremental::components::{Arrived, Relabelled, Seam, Update};
use crate::incremental::held::{Blocks, Held};
use crate::incremental::laid::Patch;
use crate::incremental::pieces::{Piece, depending};
use crate::incremental::session::Session;
use crate::incremental::tables::{Changed, Rows};
use crate::lattice::summary::Cell;
use crate::pregel::collective::Letter;

/// A block of another process as it is seen; nothing where it holds nothing.
type Face = (BlockId, Option<Arc<Held>>);

/// The labels of the parts of a block.
pub(super) type Labels = (BlockId, Vec<u64>);

impl Session<'_> {
    /// Makes what was put and removed count: what it changed.
    ///
    /// # Errors
    /// Where a worker has ended or a process was lost, or a change touches 2^32 parts of blocks; then the
    /// session is of no use any more.
    pub fn commit(&mut self) -> Result<Change> {
        let patches = std::mem::take(&mut self.patches).into_values().flatten();
        let patches = patches.map(|patch| (self.owners.of(patch.block), patch)).collect();
        let patches = self.runtime.exchange(Ok(patches))?;
        let arrived = self.lay_patches(patches).map(|()| self.arrive());
        let arrived = arrived.map(|before| {
            let faces = self.faces(before.keys().copied());
            (before, faces)
        });
        let (before, faces) = self.runtime.traded(arrived)?;
        let seen = self.see(faces);
        let changed: BTreeSet<BlockId> = before.keys().chain(&seen).copied().collect();
        let pieces = self.our_pieces(changed.iter().copied());
        let (mut events, mut relabelled) = (Vec::new(), Relabelled::new());
        if let Some(stencil) = self.settings.join {
            let arrivals = self.arrivals(before).and_then(|blocks| Ok((blocks, self.seams(&pieces, stencil)?)));
            let update = self.join(arrivals, &changed)?;
            (events, relabelled) = (update.events, update.relabelled);
        }
        let said = self.say(pieces, &relabelled);
        let said = self.runtime.agreed(said)?;
        self.epoch += 1;
        let mut ours = Change { epoch: self.epoch, events, ..Change::default() };
        ours.blocks = changed.iter().filter(|block| self.owners.is_ours(**block)).count() as u64;
        for Rows { cells, contacts } in self.enter(said)? {
            ours.cells.extend(cells.into_iter().map(row_of));
            ours.contacts.extend(contacts.into_iter().map(row_of));
        }
        let mut change = Change { epoch: self.epoch, ..Change::default() };
        for theirs in self.runtime.all_gather(Ok(ours))? {
            change.blocks += theirs.blocks;
            change.cells.extend(theirs.cells);
            change.contacts.extend(theirs.contacts);
            change.events.extend(theirs.events);
        }
        change.cells.sort_unstable_by_key(|row| row.key);
        change.contacts.sort_unstable_by_key(|row| row.key);
        if self.settings.join.is_none() {
            change.events = change.cells.iter().filter_map(event).collect();
            change.events.sort_unstable();
        }
        Ok(change)
    }

    /// Lays what came from any process on the blocks of this one, in its order.
    fn lay_patches(&mut self, patches: Vec<Patch>) -> Result<()> {
        let mut of_blocks: BTreeMap<BlockId, Vec<Patch>> = BTreeMap::new();
        patches.into_iter().for_each(|patch| of_blocks.entry(patch.block).or_default().push(patch));
        let jobs: Vec<_> = of_blocks.into_iter().map(|(block, of)| (block, of, self.seen(block).cloned())).collect();
        let settings = self.settings;
        let laid = self.runtime.spread(jobs, move |(block, patches, seen)| {
            let mut held = seen.clone();
            for patch in patches {
                held = patch.over(&settings, held.as_ref(), "what was put")?;
            }
            Ok((*block, held))
        })?;
        for (block, held) in laid {
            self.take(block, held);
        }
        Ok(())
    }

    /// Makes blocks what they will be: what those that change were.
    fn arrive(&mut self) -> BTreeMap<BlockId, Option<Arc<Held>>> {
        // A snapshot that is still held keeps its own.
        let blocks = Arc::make_mut(&mut self.blocks);
        let swap = |(block, held)| (block, swapped(blocks, block, held));
        std::mem::take(&mut self.coming).into_iter().map(swap).collect()
    }

    /// What other processes see of some blocks of this one, for each of them.
    pub(super) fn faces(&self, blocks: impl Iterator<Item = BlockId>) -> Vec<Letter<Face>> {
        let mut letters = Vec::new();
        for block in blocks {
            let seeing = self.owners.seeing(block);
            if !seeing.is_empty() {
                let faces = self.blocks.get(&block).map(|held| Arc::new(held.near_faces()));
                letters.extend(seeing.into_iter().map(|process| (process, (block, faces.clone()))));
            }
        }
        letters
    }

    /// Takes what it sees of blocks of other processes: which they are.
    pub(super) fn see(&mut self, faces: Vec<Face>) -> BTreeSet<BlockId> {
        let blocks = Arc::make_mut(&mut self.blocks);
        let mut seen = BTreeSet::new();
        for (block, face) in faces {
            swapped(blocks, block, face);
            seen.insert(block);
        }
        seen
    }

    /// The pieces of this process that depend on some blocks.
    pub(super) fn our_pieces(&self, blocks: impl Iterator<Item = BlockId>) -> BTreeSet<Piece> {
        let mut pieces = depending(&self.settings.grid, blocks);
        pieces.retain(|piece| self.owners.is_ours(piece.block));
        pieces
    }

    /// What the blocks that changed are made of.
    fn arrivals(&self, before: BTreeMap<BlockId, Option<Arc<Held>>>) -> Result<Vec<Arrived>> {
        let now = |(block, was)| (block, was, self.blocks.get(&block).cloned());
        let jobs: Vec<_> = before.into_iter().map(now).collect();
        self.runtime.spread(jobs, |(block, was, is)| Ok(Arrived::new(*block, was.as_deref(), is.as_deref())))
    }

    /// Joins components anew on process 0, which tells the others what they see of them.
    fn join(&mut self, ours: Result<(Vec<Arrived>, Vec<Seam>)>, changed: &BTreeSet<BlockId>) -> Result<Update> {
        let (mut arrived, mut seams) = (Vec::new(), Vec::new());
        for (blocks, joins) in self.runtime.gather(ours)? {
            arrived.extend(blocks);
            seams.extend(joins);
        }
        let grid = self.settings.grid;
        let update = match self.runtime.workers().is_first() {
            true => self.components.update(&grid, &arrived, seams),
            false => Ok(Update::default()),
        };
        let joined = update.map(|update| {
            let blocks = arrived.iter().map(|arrived| arrived.block).chain(update.relabelled.keys().copied());
            let blocks = blocks.collect();
            (update, blocks)
        });
        let (mut update, relabelled) = self.tell(joined, changed)?;
        update.relabelled.extend(relabelled);
        Ok(update)
    }

    /// Tells the other processes the labels of blocks that process 0 has found, as far as they see them: what
    /// became of labels here, where this is another.
    pub(super) fn tell<M>(
        &mut self,
        found: Result<(M, Vec<BlockId>)>,
        changed: &BTreeSet<BlockId>,
    ) -> Result<(M, Relabelled)> {
        let told = found.map(|(made, blocks)| (made, self.labels_seen(blocks.into_iter())));
        let (made, labels) = self.runtime.traded(told)?;
        Ok((made, self.components.told(labels, changed)))
    }

    /// The labels of blocks, for the other processes that see them.
    fn labels_seen(&self, blocks: impl Iterator<Item = BlockId>) -> Vec<Letter<Labels>> {
        let mut letters = Vec::new();
        for block in blocks.filter(|_| !self.owners.is_alone()) {
            let seeing = self.owners.seeing(block).into_iter().chain([self.owners.of(block)]);
            let labels = || (block, self.components.of(block).to_vec());
            letters.extend(seeing.filter(|process| *process != 0).map(|process| (process, labels())));
        }
        letters
    }
}

/// Puts a block in, or takes it out: what it was.
fn swapped(blocks: &mut Blocks, block: BlockId, held: Option<Arc<Held>>) -> Option<Arc<Held>> {
    match held {
        Some(held) => blocks.insert(block, held),
        None => blocks.remove(&block),
    }
}

fn row_of<K, V>((key, (old, new)): (K, Changed<V>)) -> Row<K, V> {
    Row { key, old, new }
}

/// What became of a cell that a label is.
fn event(row: &Row<u64, Cell>) -> Option<Event> {
    let label = row.key;
    match (&row.old, &row.new) {
        (None, Some(_)) => Some(Event::Appeared { label }),
        (Some(_), None) => Some(Event::Vanished { label }),
        (Some(old), Some(new)) if old.moments.voxels != new.moments.voxels => {
            Some(Event::Resized { label, before: old.moments.voxels, after: new.moments.voxels })
        }
        _ => None,
    }
}
