//! Components over blocks that change: parts of blocks, joined where they touch across seams.
//!
//! What a change can touch are the components that had a part in a changed block, and those that
//! have one beside it. Their parts are joined anew by union-find; all others keep what they have.
//! Labels are stable: a component goes on with the label of an old one of which it has more than half
//! of the voxels, where there are several with that of the largest (of equals, the smallest label).
//! Others get labels that no component had before, in raster order of their first voxel. So labels
//! depend on what was committed, and not on the cut.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::disjoint::Disjoint;
use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::incremental::change::Event;
use crate::incremental::held::{Blocks, Held};
use crate::incremental::pieces::Piece;
use crate::lattice::parts::Part;
use crate::lattice::runs::Runs;
use crate::lattice::stencil::Stencil;
use crate::volume::grid::Grid;

/// A part of a block.
pub(crate) type Fragment = (BlockId, u32);

/// The parts of different blocks that touch in a piece.
pub(crate) type Seam = (Piece, Vec<[Fragment; 2]>);

/// Labels that parts of blocks had, by block.
pub(crate) type Relabelled = BTreeMap<BlockId, Vec<u64>>;

/// The components of a session. In a cluster process 0 has all of them, and the others the labels of the
/// blocks that they see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Components {
    /// The component of each part, by block.
    labels: HashMap<BlockId, Vec<u64>>,
    /// The parts of each block.
    parts: HashMap<BlockId, Arc<[Part]>>,
    /// The parts of different blocks that touch, by the block of the pieces that see them.
    joins: HashMap<BlockId, BTreeMap<Piece, Vec<[Fragment; 2]>>>,
    /// The parts and the voxels of each component.
    members: HashMap<u64, Members>,
    /// The largest label that any had.
    last: u64,
}

#[derive(Clone, Debug, Default)]
struct Members {
    fragments: Vec<Fragment>,
    voxels: u64,
}

/// A block that changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arrived {
    pub(crate) block: BlockId,
    /// Its parts; none where it holds nothing any more.
    pub(crate) parts: Arc<[Part]>,
    /// The voxels that a part it had and one that it has now have in common.
    pub(crate) common: Vec<(u32, u32, u64)>,
}

impl Arrived {
    pub(crate) fn new(block: BlockId, was: Option<&Held>, is: Option<&Held>) -> Self {
        let parts = is.map(|is| Arc::clone(&is.parts)).unwrap_or_default();
        Self { block, parts, common: was.zip(is).map_or(Vec::new(), |(was, is)| common(was, is)) }
    }
}

/// What became of components.
#[derive(Debug, Default)]
pub(crate) struct Update {
    /// Blocks that did not change where a part has another label now: the labels they had, by part.
    pub(crate) relabelled: Relabelled,
    pub(crate) events: Vec<Event>,
}

impl Components {
    /// Components that were found before: the label of each part by block, the largest label that any
    /// ever had, and all that touches across seams.
    pub(crate) fn restored(
        parts: HashMap<BlockId, Arc<[Part]>>,
        labels: HashMap<BlockId, Vec<u64>>,
        last: u64,
        seams: Vec<Seam>,
    ) -> Self {
        let mut components = Self { last, ..Self::default() };
        for (piece, joins) in seams.into_iter().filter(|(_, joins)| !joins.is_empty()) {
            components.joins.entry(piece.block).or_default().insert(piece, joins);
        }
        for (block, labels) in &labels {
            for (part, label) in labels.iter().enumerate() {
                let members = components.members.entry(*label).or_default();
                members.fragments.push((*block, part as u32));
                members.voxels += parts[block][part].voxels;
            }
        }
        (components.labels, components.parts) = (labels, parts);
        components
    }

    /// The largest label that any ever had.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The component of each part of a block.
    pub(crate) fn of(&self, block: BlockId) -> &[u64] {
        self.labels.get(&block).map_or(&[], |labels| labels)
    }

    /// Takes labels of blocks over that process 0 found: those of blocks that are not among `changed` are
    /// told as they were.
    pub(crate) fn told(&mut self, labels: Vec<(BlockId, Vec<u64>)>, changed: &BTreeSet<BlockId>) -> Relabelled {
        let mut relabelled = Relabelled::new();
        for (block, labels) in labels {
            let old = match labels.is_empty() {
                true => self.labels.remove(&block),
                false => self.labels.insert(block, labels),
            };
            relabelled.extend(old.filter(|_| !changed.contains(&block)).map(|old| (block, old)));
        }
        relabelled
    }

    /// Takes over blocks that changed, ascending, and all that touches across seams in the pieces that
    /// depend on them.
    ///
    /// # Errors
    /// 2^32 parts that a change touches.
    pub(crate) fn update(&mut self, grid: &Grid, arrived: &[Arrived], seams: Vec<Seam>) -> Result<Update> {
        let changed: BTreeSet<BlockId> = arrived.iter().map(|arrived| arrived.block).collect();
        // Components that had a part in a changed block, and those that have one beside it now.
        let mut touched: BTreeSet<u64> = changed.iter().flat_map(|block| self.of(*block)).copied().collect();
        let beside = seams.iter().flat_map(|(_, joins)| joins).flatten().filter(|(block, _)| !changed.contains(block));
        touched.extend(beside.map(|(block, part)| self.of(*block)[*part as usize]));
        for (piece, joins) in seams {
            let seen = self.joins.entry(piece.block).or_default();
            match joins.is_empty() {
                true => seen.remove(&piece),
                false => seen.insert(piece, joins),
            };
        }
        let old: BTreeMap<u64, Members> =
            touched.iter().filter_map(|label| Some((*label, self.members.remove(label)?))).collect();
        let kept = old.values().flat_map(|members| &members.fragments).copied();
        let mut fragments: Vec<Fragment> = kept.filter(|(block, _)| !changed.contains(block)).collect();
        for Arrived { block, parts, .. } in arrived {
            fragments.extend((0..parts.len() as u32).map(|part| (*block, part)));
            match parts.is_empty() {
                true => self.parts.remove(block),
                false => self.parts.insert(*block, Arc::clone(parts)),
            };
        }
        fragments.sort_unstable();
        if fragments.len() >= u32::MAX as usize {
            return Err(Error::resource("2^32 parts of blocks to join: make blocks larger"));
        }
        let sets = self.joined(grid, &fragments);
        let (component, count) = sets.number();
        let mut found = vec![Found { first: u64::MAX, voxels: 0, from: BTreeMap::new() }; count as usize];
        for (fragment, component) in fragments.iter().zip(&component) {
            let part = self.parts[&fragment.0][fragment.1 as usize];
            let found = &mut found[*component as usize];
            found.first = found.first.min(part.first);
            found.voxels += part.voxels;
            if !changed.contains(&fragment.0) {
                *found.from.entry(self.of(fragment.0)[fragment.1 as usize]).or_default() += part.voxels;
            }
        }
        for Arrived { block, common, .. } in arrived {
            let first = fragments.partition_point(|fragment| fragment.0 < *block);
            let labels = self.of(*block);
            for (old, new, voxels) in common {
                let found = &mut found[component[first + *new as usize] as usize];
                *found.from.entry(labels[*old as usize]).or_default() += voxels;
            }
        }
        let labels = self.name(&old, &found);
        let events = events(&old, &found, &labels);
        Ok(Update { relabelled: self.take_over(&changed, &fragments, &component, &found, &labels), events })
    }

    /// The sets that some parts make, as far as they touch each other.
    fn joined(&self, grid: &Grid, fragments: &[Fragment]) -> Disjoint {
        let mut sets = Disjoint::new(fragments.len());
        // Who sees a part of a block is that block, or one below it.
        let mut blocks: Vec<BlockId> = fragments.iter().map(|(block, _)| *block).collect();
        blocks.dedup();
        let below: Vec<BlockId> = blocks.iter().flat_map(|block| grid.below(*block)).collect();
        blocks.extend(below);
        blocks.sort_unstable();
        blocks.dedup();
        let mut last = ((BlockId(0), u32::MAX), None);
        let mut place = |fragment: Fragment| {
            if last.0 != fragment {
                last = (fragment, fragments.binary_search(&fragment).ok());
            }
            last.1
        };
        for joins in blocks.iter().filter_map(|block| self.joins.get(block)).flat_map(BTreeMap::values) {
            for [a, b] in joins {
                if let (Some(a), Some(b)) = (place(*a), place(*b)) {
                    sets.join(a as u32, b as u32);
                }
            }
        }
        sets
    }

    /// The label of each component that was found.
    fn name(&mut self, old: &BTreeMap<u64, Members>, found: &[Found]) -> Vec<u64> {
        let claim = |found: &Found| {
            // The largest; of equals the first.
            found.most_of(old).max_by_key(|label| (old[label].voxels, std::cmp::Reverse(*label)))
        };
        let mut labels: Vec<u64> = found.iter().map(|found| claim(found).unwrap_or(0)).collect();
        let mut fresh: Vec<usize> = (0..labels.len()).filter(|at| labels[*at] == 0).collect();
        fresh.sort_unstable_by_key(|at| found[*at].first);
        for at in fresh {
            self.last += 1;
            labels[at] = self.last;
        }
        labels
    }

    /// Takes the components that were found for what is; see [`Update::relabelled`].
    fn take_over(
        &mut self,
        changed: &BTreeSet<BlockId>,
        fragments: &[Fragment],
        component: &[u32],
        found: &[Found],
        labels: &[u64],
    ) -> Relabelled {
        for block in changed {
            match self.parts.get(block) {
                Some(parts) => self.labels.insert(*block, vec![0; parts.len()]),
                None => self.labels.remove(block),
            };
        }
        let mut relabelled = Relabelled::new();
        for (&(block, part), component) in fragments.iter().zip(component) {
            let label = labels[*component as usize];
            let of_block = self.labels.get_mut(&block).expect("blocks that are held have labels");
            if of_block[part as usize] != label {
                if !changed.contains(&block) {
                    relabelled.entry(block).or_insert_with(|| of_block.clone());
                }
                of_block[part as usize] = label;
            }
            self.members.entry(label).or_default().fragments.push((block, part));
        }
        for (label, found) in labels.iter().zip(found) {
            self.members.entry(*label).or_default().voxels = found.voxels;
        }
        relabelled
    }
}

/// A component that was found.
#[derive(Clone, Debug)]
struct Found {
    first: u64,
    voxels: u64,
    /// Its voxels that were in old components.
    from: BTreeMap<u64, u64>,
}

impl Found {
    /// The old components that it has more than half of.
    fn most_of(&self, old: &BTreeMap<u64, Members>) -> impl Iterator<Item = u64> {
        self.from.iter().filter(|(label, voxels)| **voxels > old[label].voxels / 2).map(|(label, _)| *label)
    }
}

/// What became of components that were touched.
fn events(old: &BTreeMap<u64, Members>, found: &[Found], labels: &[u64]) -> Vec<Event> {
    let mut now: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    // Those that go on, most of each, in one of any label.
    let mut goes_on = BTreeSet::new();
    let mut events = Vec::new();
    for (found, into) in found.iter().zip(labels) {
        if found.from.is_empty() {
            events.push(Event::Appeared { label: *into });
        }
        for from in found.from.keys() {
            now.entry(*from).or_default().insert(*into);
        }
        goes_on.extend(found.most_of(old));
        let from: Vec<u64> = found.most_of(old).filter(|from| from != into).collect();
        if !from.is_empty() {
            events.push(Event::Merged { from, into: *into });
        }
        if let Some(before) = old.get(into).map(|members| members.voxels).filter(|before| *before != found.voxels) {
            events.push(Event::Resized { label: *into, before, after: found.voxels });
        }
    }
    for from in old.keys() {
        match now.get(from) {
            None => events.push(Event::Vanished { label: *from }),
            Some(into) if into.len() > 1 || !goes_on.contains(from) => {
                events.push(Event::Split { from: *from, into: into.iter().copied().collect() });
            }
            Some(_) => {}
        }
    }
    events.sort_unstable();
    events
}

/// What the parts of a block have in common with those it has now: part, part, voxels.
fn common(was: &Held, is: &Held) -> Vec<(u32, u32, u64)> {
    let mut common: Vec<(u32, u32, u64)> = Vec::new();
    for rows in was.runs.rows().windows(2).zip(is.runs.rows().windows(2)) {
        let [(mut a, a_end), (mut b, b_end)] = [rows.0, rows.1].map(|row| (row[0] as usize, row[1] as usize));
        while a < a_end && b < b_end {
            let (ours, theirs) = (was.runs.spans()[a], is.runs.spans()[b]);
            let (start, end) = (ours.start.max(theirs.start), ours.end.min(theirs.end));
            if start < end {
                let (a, b, voxels) = (was.part_of[a], is.part_of[b], u64::from(end - start));
                match common.last_mut() {
                    Some(last) if (last.0, last.1) == (a, b) => last.2 += voxels,
                    _ => common.push((a, b, voxels)),
                }
            }
            a += usize::from(ours.end <= theirs.end);
            b += usize::from(theirs.end <= ours.end);
        }
    }
    common.sort_unstable();
    common.dedup_by(|next, kept| {
        let same = (next.0, next.1) == (kept.0, kept.1);
        kept.2 += if same { next.2 } else { 0 };
        same
    });
    common
}

/// The parts of different blocks that touch in a box: its runs, and where each is held.
pub(crate) fn touching(runs: &Runs, from: &[(BlockId, u32)], blocks: &Blocks, stencil: Stencil) -> Vec<[Fragment; 2]> {
    let mut joins: Vec<[Fragment; 2]> = Vec::new();
    let fragment = |run: usize| (from[run].0, blocks[&from[run].0].part_of[from[run].1 as usize]);
    let mut join = |a: usize, b: usize| {
        if from[a].0 == from[b].0 || runs.labels().get(a) != runs.labels().get(b) {
            return;
        }
        let (a, b) = (fragment(a), fragment(b));
        let pair = [a.min(b), a.max(b)];
        if joins.last() != Some(&pair) {
            joins.push(pair);
        }
    };
    for row in runs.rows().windows(2) {
        for next in row[0] as usize + 1..row[1] as usize {
            if runs.spans()[next - 1].end == runs.spans()[next].start {
                join(next - 1, next);
            }
        }
    }
    runs.each_neighbor(stencil, join);
    joins.sort_unstable();
    joins.dedup();
    joins
}
