//! What is held of a block: its runs, and where components are looked for the parts they make.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::error::Result;
use crate::id::BlockId;
use crate::lattice::packed::Codec;
use crate::lattice::parts::{Boxed, Part, Parts};
use crate::lattice::runs::{Runs, Span};
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::volume::grid::Grid;
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::Voxels;

/// A block that has selected voxels, or as much of one as others see.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) runs: Runs,
    /// The digest of the voxels that it was scanned from.
    pub(crate) digest: u64,
    /// The part of each run; empty where cells are what labels say.
    pub(crate) part_of: Vec<u32>,
    pub(crate) parts: Arc<[Part]>,
}

impl Held {
    /// Scans a block of a volume of `shape`; `digest` is that of the voxels.
    ///
    /// # Errors
    /// As [`Runs::scan`] and [`Parts::scan`].
    pub(crate) fn scan(
        shape: Shape,
        region: Region,
        voxels: &Voxels,
        digest: u64,
        (select, join): (Select, Option<Stencil>),
        name: &str,
    ) -> Result<Self> {
        let Some(stencil) = join else {
            let runs = Runs::scan(voxels, region, select, name)?;
            return Ok(Self { runs, digest, part_of: Vec::new(), parts: Arc::default() });
        };
        let boxed = Boxed { voxels, region, own: region, volume: shape, name };
        let Parts { runs, part_of, parts, .. } = Parts::scan(boxed, select, stencil, |_, _| true, false)?;
        Ok(Self { runs, digest, part_of, parts: parts.into() })
    }

    /// A block of a volume of `shape` that is these runs.
    pub(crate) fn of_runs(shape: Shape, runs: Runs, join: Option<Stencil>) -> Self {
        let (mut part_of, mut parts) = (Vec::new(), Vec::new());
        if let Some(stencil) = join {
            let (numbers, count) = runs.components(stencil);
            part_of = numbers;
            parts = vec![Part { first: u64::MAX, voxels: 0 }; count as usize];
            let left = runs.region().start[2];
            runs.within(&runs.region(), |run, [z, y], span| {
                let part = &mut parts[part_of[run] as usize];
                part.voxels += u64::from(span.len());
                part.first = part.first.min(shape.raster([z, y, left + span.start as usize]));
            });
        }
        let mut hash = Xxh3::new();
        hash.update(b"runs");
        hash.update(&Codec::Deltas.pack(&runs, &vec![0; runs.len()]));
        Self { digest: hash.digest(), runs, part_of, parts: parts.into() }
    }

    /// What blocks below see of it: the runs of its near faces, with the parts they are of. Of the parts
    /// themselves, and of the voxels, it says nothing.
    pub(crate) fn near_faces(&self) -> Self {
        let [z, y, _] = self.runs.region().start;
        let mut near = Vec::with_capacity(self.runs.len());
        for ((at_z, at_y), row) in self.runs.region().rows().zip(self.runs.rows().windows(2)) {
            let spans = &self.runs.spans()[row[0] as usize..row[1] as usize];
            near.extend(spans.iter().map(|span| at_z == z || at_y == y || span.start == 0));
        }
        let part_of = self.part_of.iter().zip(&near).filter(|(_, near)| **near).map(|(part, _)| *part).collect();
        Self { runs: self.runs.filtered(|run| near[run]), digest: 0, part_of, parts: Arc::default() }
    }

    /// The runs of row (z, y) of the volume that lie in `xs`: the number of each, and its voxels
    /// counted from the first of `xs`.
    fn row(&self, z: usize, y: usize, xs: std::ops::Range<usize>) -> impl Iterator<Item = (usize, Span)> {
        let left = self.runs.region().start[2];
        let row = self.runs.row(z as i64, y as i64);
        // What is asked for is all of a row, or one of its ends.
        let spans = &self.runs.spans()[row.clone()];
        let before = match left < xs.start {
            true => spans.iter().rposition(|span| left + span.end as usize <= xs.start).map_or(0, |last| last + 1),
            false => 0,
        };
        let first = row.start + before;
        (first..row.end).map_while(move |run| {
            let Span { start, end } = self.runs.spans()[run];
            let (start, end) = ((left + start as usize).max(xs.start), (left + end as usize).min(xs.end));
            let span = Span { start: start.wrapping_sub(xs.start) as u32, end: end.wrapping_sub(xs.start) as u32 };
            (start < end).then_some((run, span))
        })
    }
}

/// The blocks of a volume; those without selected voxels are not held.
pub(crate) type Blocks = HashMap<BlockId, Arc<Held>>;

/// The runs of a box, and where each is held: block, and run in it. A run that goes on in the next
/// block is two.
pub(crate) fn gather(grid: &Grid, blocks: &Blocks, region: Region) -> (Runs, Vec<(BlockId, u32)>) {
    let (mut rows, mut spans, mut labels, mut from) = (vec![0], Vec::new(), Vec::new(), Vec::new());
    // The blocks along a row; rows of a thin box are of few blocks in turn.
    let mut lines: Vec<(BlockId, Vec<(BlockId, &Held)>)> = Vec::new();
    for (z, y) in region.rows() {
        let first = grid.block_of([z, y, region.start[2]]);
        let line = match lines.iter().rposition(|(block, _)| *block == first) {
            Some(line) => line,
            None => {
                let end = grid.block_of([z, y, region.end[2] - 1]);
                let held = |block| Some((BlockId(block), &**blocks.get(&BlockId(block))?));
                lines.push((first, (first.0..=end.0).filter_map(held).collect()));
                lines.len() - 1
            }
        };
        for (block, held) in lines[line].1.iter().copied() {
            for (run, span) in held.row(z, y, region.range(2)) {
                spans.push(span);
                labels.extend(held.runs.labels().get(run));
                from.push((block, run as u32));
            }
        }
        rows.push(spans.len() as u32);
    }
    let labels = (labels.len() == spans.len()).then_some(labels);
    (Runs::from_rows(region, rows, spans, labels).expect("rows follow each other"), from)
}
