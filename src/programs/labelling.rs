//! Components of a volume, as a block program: labels numbered in raster order of their first
//! voxel, whatever the blocks and the workers; voxel by voxel what `scipy.ndimage.label` gives.
//!
//! Each block reads its voxels once, with a shell of one voxel towards larger z, y and x, and
//! finds the [parts](crate::lattice::parts) of that box while it scans. The runs of the shell are
//! border runs of the blocks above, in the same order; pairing them off joins parts across blocks.
//! Only parts that lie at a seam go to block 0, which joins and numbers them
//! ([`numbering`](crate::programs::numbering)).
//!
//! Six supersteps. Cost: O(voxels) to scan, O(runs) for the rest. Memory: 20 bytes a part, and where
//! labels are wanted a quarter of a byte a voxel and 4 bytes a run; where the tiling has a scratch that
//! spares no more, both lie there until the end. What lies at seams stays in memory: 8 bytes a run,
//! 60 a part.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::Result;
use crate::id::BlockId;
use crate::lattice::parts::{Boxed, Part, Parts};
use crate::lattice::runs::Runs;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Summary, Want, summarise};
use crate::lattice::tiling::{Tile, Tiling};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::held::Held;
use crate::programs::numbering::{Joined, SeamPart, Segments, Verdict};
use crate::programs::painted::Painted;
use crate::volume::grid::Grid;

/// Labels the components of a volume.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Labelling {
    /// Which voxels are labelled, and which are joined.
    pub select: Select,
    /// Which voxels are neighbours.
    pub stencil: Stencil,
    /// Components of fewer voxels are left out.
    pub min_voxels: u64,
    /// Whether blocks give their labels in the end.
    pub paint: bool,
    /// What to summarise of the labelled cells, if anything.
    pub want: Option<Want>,
    /// How the volume is cut.
    pub grid: Grid,
}

/// What is known of all components.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Components that were kept.
    pub components: u64,
    /// Voxels of the largest.
    pub largest: u64,
    /// Selected voxels, those of components left out included.
    pub foreground: u64,
    /// Voxels of the components that were kept.
    pub kept: u64,
    /// Cells and contacts, where they were asked for.
    pub summary: Summary,
}

impl Combine for Figures {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.components += other.components;
        self.largest = self.largest.max(other.largest);
        self.foreground += other.foreground;
        self.kept += other.kept;
        self.summary.combine(other.summary);
    }
}

/// What blocks tell each other, by superstep.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parcel {
    /// 0, to blocks above: the part of each run of the shell that lies in the receiver.
    Shell(Vec<u32>),
    /// 1, to block 0: parts at seams, and which of them are one (part here, block, part there).
    Seam {
        /// Parts here, ascending.
        parts: Vec<SeamPart>,
        /// Joins.
        joins: Vec<(u32, BlockId, u32)>,
    },
    /// 2, from block 0: what became of the parts at seams, in their order.
    Verdicts(Vec<Verdict>),
    /// 3, to block 0: components that begin here, by segment, and the rank among those of its
    /// segment for each part at a seam that begins one.
    Counts {
        /// Components by segment.
        segments: Vec<u32>,
        /// Part and rank, ascending by part.
        ranks: Vec<(u32, u32)>,
    },
    /// 4, from block 0: the number of components, the label before the first of each segment,
    /// and the label of each part at a seam, in their order.
    Labels {
        /// Components in all.
        components: u64,
        /// By segment.
        before: Vec<u64>,
        /// Labels; 0 where the component is left out.
        labels: Vec<u64>,
    },
}

/// The state of a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Labelled {
    /// The parts, and where labels are wanted the marks.
    held: Held,
    /// The part of each run of the shell, by the block that it lies in, until they are told.
    shells: Vec<(BlockId, Vec<u32>)>,
    /// The part of each run of the border, by the block whose shell it is, until they are paired.
    borders: Vec<(BlockId, Vec<u32>)>,
    /// Parts that lie at a seam, ascending, and what became of them.
    at_seam: Vec<u32>,
    seam_parts: Vec<SeamPart>,
    /// Runs in the shell and the border.
    seam_runs: u64,
    verdicts: Vec<Verdict>,
    figures: Figures,
    /// In the end the label before the first of each segment, those of the parts at seams, and the
    /// number of components.
    before: Vec<u64>,
    seam_labels: Vec<u64>,
    components: u64,
    /// Block 0 only: the parts at all seams.
    joined: Option<Joined>,
}

/// The block that joins and numbers what lies at seams.
const FIRST: BlockId = BlockId(0);

/// Bytes of a part at a seam in its block until it is told, and on block 0 beside that.
const AT_SEAM: usize = size_of::<SeamPart>() + size_of::<u32>();
const JOINED: usize = 48;

impl Labelling {
    /// What a block and those around it say of the same voxels: the parts in the shell, by block
    /// above, and those in the border, by block below.
    fn seams(&self, tile: &Tile, runs: &Runs, part_of: &[u32]) -> [Vec<(BlockId, Vec<u32>)>; 2] {
        let boxed = runs.region();
        let mut seams = [Vec::new(), Vec::new()];
        for other in self.grid.neighbors(tile.id) {
            let (above, region) = (other > tile.id, self.grid.region(other));
            let common = match above {
                true => region.intersection(&boxed),
                false => tile.region.intersection(&region.grown([0; 3], [1; 3], self.grid.shape())),
            };
            // Not all that touch have a shell in common.
            if common.is_empty() {
                continue;
            }
            let mut parts = Vec::new();
            runs.within(&common, |run, _, _| parts.push(part_of[run]));
            if !parts.is_empty() {
                parts.shrink_to_fit();
                seams[usize::from(!above)].push((other, parts));
            }
        }
        seams
    }

    /// Pairs the runs of the shells of blocks below off with those of the border here.
    fn join(
        &self,
        at: &mut Superstep<'_, Parcel, Figures>,
        tile: &Tile,
        state: &mut Labelled,
        mail: Mail,
    ) -> Result<()> {
        let mut joins = Vec::new();
        let borders = std::mem::take(&mut state.borders);
        let mut borders = borders.into_iter();
        for (below, parcel) in mail {
            let Parcel::Shell(theirs) = parcel else { unreachable!("superstep 1 brings shells") };
            let ours = borders.next().filter(|(block, ours)| (*block, ours.len()) == (below, theirs.len()));
            let (_, ours) = ours.expect("the k-th run of the shell is the k-th of the border");
            for (here, there) in ours.into_iter().zip(theirs) {
                let join = (here, below, there);
                if joins.last() != Some(&join) {
                    joins.push(join);
                }
            }
        }
        joins.sort_unstable();
        joins.dedup();
        joins.shrink_to_fit();
        if let Some(scratch) = tile.tiling.scratch() {
            scratch.frees(4 * state.seam_runs);
            scratch.needs(size_of_val(&joins[..]) as u64)?;
        }
        at.send(FIRST, Parcel::Seam { parts: std::mem::take(&mut state.seam_parts), joins });
        Ok(())
    }

    /// Visits the parts whose component is not left out and begins with them, and its voxels.
    fn each_beginning(&self, parts: &[Part], state: &Labelled, mut visit: impl FnMut(u32, u64)) {
        let least = self.min_voxels.max(1);
        let mut tell = |number: u32, voxels: u64| {
            if voxels >= least {
                visit(number, voxels);
            }
        };
        // Those at seams begin a component or do not; all between them do.
        let mut next = 0;
        for (part, verdict) in state.at_seam.iter().zip(&state.verdicts) {
            (next..*part).for_each(|number| tell(number, parts[number as usize].voxels));
            if verdict.begins {
                tell(*part, verdict.voxels);
            }
            next = part + 1;
        }
        (next..parts.len() as u32).for_each(|number| tell(number, parts[number as usize].voxels));
    }

    /// The parts that begin a component, in the order of their first voxels.
    fn beginnings(&self, parts: &[Part], state: &Labelled) -> Vec<u32> {
        let mut beginnings = Vec::new();
        self.each_beginning(parts, state, |part, _| beginnings.push(part));
        beginnings.sort_unstable_by_key(|part| parts[*part as usize].first);
        beginnings
    }

    /// Counts the components that begin here.
    fn count(&self, at: &mut Superstep<'_, Parcel, Figures>, tile: &Tile, state: &mut Labelled) -> Result<()> {
        let segments = Segments::new(&self.grid);
        let mut figures = Figures::default();
        let parts = state.held.parts()?;
        self.each_beginning(&parts, state, |_, voxels| {
            figures.components += 1;
            figures.largest = figures.largest.max(voxels);
            figures.kept += voxels;
        });
        figures.foreground = parts.iter().map(|part| part.voxels).sum();
        let mut at_seam = vec![false; parts.len()];
        state.at_seam.iter().for_each(|part| at_seam[*part as usize] = true);
        let mut counts = vec![0u32; segments.of_block(tile.id)];
        let mut ranks = Vec::new();
        for part in self.beginnings(&parts, state) {
            let segment = segments.of_voxel(tile.id, parts[part as usize].first);
            if at_seam[part as usize] {
                ranks.push((part, counts[segment]));
            }
            counts[segment] += 1;
        }
        drop(parts);
        state.figures = figures;
        ranks.sort_unstable();
        at.send(FIRST, Parcel::Counts { segments: counts, ranks });
        Ok(())
    }

    /// The label of each part.
    fn labels(&self, tile: &Tile, parts: &[Part], state: &Labelled) -> Vec<u64> {
        let segments = Segments::new(&self.grid);
        let mut labels = vec![0; parts.len()];
        let mut next = state.before.clone();
        for part in self.beginnings(parts, state) {
            let segment = segments.of_voxel(tile.id, parts[part as usize].first);
            next[segment] += 1;
            labels[part as usize] = next[segment];
        }
        for (part, label) in state.at_seam.iter().zip(&state.seam_labels) {
            labels[*part as usize] = *label;
        }
        labels
    }

    /// Summarises the labelled cells.
    fn summary(&self, tile: &Tile, state: &Labelled, want: Want) -> Result<Summary> {
        let labels = self.labels(tile, &state.held.parts()?, state);
        let marks = state.held.marks()?;
        let runs = marks.runs();
        let labels: Vec<u64> = marks.parts().iter().map(|part| labels[*part as usize]).collect();
        drop(marks);
        Ok(match labels.contains(&0) {
            false => summarise(&runs, &labels, tile.region, want),
            true => {
                let kept = runs.filtered(|run| labels[run] != 0);
                let labels: Vec<u64> = labels.into_iter().filter(|label| *label != 0).collect();
                summarise(&kept, &labels, tile.region, want)
            }
        })
    }
}

type Mail = Vec<(BlockId, Parcel)>;

impl BlockProgram<Tiling> for Labelling {
    type State = Labelled;
    type Parcel = Parcel;
    type Global = Figures;
    type Output = Option<Painted>;

    fn init(&self, tiling: &Tiling, tile: &Tile) -> Result<Labelled> {
        assert_eq!(self.grid, *tiling.grid(), "the program knows the grid of the volume");
        let (region, voxels) = tile.read(1)?;
        let own = tile.region;
        let boxed = Boxed { voxels: &voxels, region, own, volume: self.grid.shape(), name: tile.name() };
        // Blocks that are slabs have their seams in two slices, others in every row.
        let slabs = self.grid.counts()[1..] == [1, 1];
        let wanted = self.paint || self.want.is_some();
        let keep = |z, _| !slabs || z == own.start[0] || z == own.end[0];
        let Parts { runs, part_of, marks, parts } = Parts::scan(boxed, self.select, self.stencil, keep, wanted)?;
        drop(voxels);
        let [shells, borders] = self.seams(tile, &runs, &part_of);
        drop((runs, part_of));
        // Each once, ascending.
        let mut lies = vec![false; parts.len()];
        shells.iter().chain(&borders).flat_map(|(_, parts)| parts).for_each(|part| lies[*part as usize] = true);
        let at_seam: Vec<u32> = (0..).zip(&lies).filter(|(_, lies)| **lies).map(|(part, _)| part).collect();
        let told = |part: &u32| {
            let Part { first, voxels } = parts[*part as usize];
            SeamPart { part: *part, first, voxels }
        };
        let seam_runs = shells.iter().chain(&borders).map(|(_, parts)| parts.len() as u64).sum();
        if let Some(scratch) = tiling.scratch() {
            scratch.needs(4 * seam_runs + (AT_SEAM * at_seam.len()) as u64)?;
        }
        Ok(Labelled {
            seam_runs,
            seam_parts: at_seam.iter().map(told).collect(),
            at_seam,
            shells,
            borders,
            held: Held::new(parts, marks, tiling.scratch())?,
            verdicts: Vec::new(),
            figures: Figures::default(),
            before: Vec::new(),
            seam_labels: Vec::new(),
            components: 0,
            joined: None,
        })
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Parcel, Figures>,
        tile: &Tile,
        state: &mut Labelled,
        mut mail: Mail,
    ) -> Result<Vote> {
        match at.number() {
            0 => {
                let shells = std::mem::take(&mut state.shells);
                shells.into_iter().for_each(|(above, parts)| at.send(above, Parcel::Shell(parts)));
            }
            1 => self.join(at, tile, state, mail)?,
            2 if at.block() == FIRST => {
                let seams = mail.into_iter().map(|(_, parcel)| match parcel {
                    Parcel::Seam { parts, joins } => (parts, joins),
                    _ => unreachable!("superstep 2 brings seams"),
                });
                let seams: Vec<_> = seams.collect();
                if let Some(scratch) = tile.tiling.scratch() {
                    // Every block is scanned, and none will be painted before this is let go of.
                    scratch.scanned();
                    scratch.needs(seams.iter().map(|(parts, _)| (JOINED * parts.len()) as u64).sum())?;
                }
                let joined = Joined::new(seams)?;
                for block in (0..self.grid.blocks()).map(BlockId) {
                    at.send(block, Parcel::Verdicts(joined.verdicts(block)));
                }
                state.joined = Some(joined);
            }
            3 => {
                if let Some((_, Parcel::Verdicts(verdicts))) = mail.pop() {
                    state.verdicts = verdicts;
                }
                self.count(at, tile, state)?;
            }
            4 if at.block() == FIRST => {
                let counts = mail.into_iter().map(|(_, parcel)| match parcel {
                    Parcel::Counts { segments, ranks } => (segments, ranks),
                    _ => unreachable!("superstep 4 brings counts"),
                });
                let (counts, ranks): (Vec<_>, Vec<_>) = counts.unzip();
                let (components, before) = Segments::new(&self.grid).before(&counts);
                let joined = state.joined.take().expect("superstep 2 joined the parts");
                let labels = joined.labels(&Segments::new(&self.grid), &before, &ranks);
                for (block, (before, labels)) in before.into_iter().zip(labels).enumerate() {
                    at.send(BlockId(block as u32), Parcel::Labels { components, before, labels });
                }
            }
            5 => {
                let Some((_, Parcel::Labels { components, before, labels })) = mail.pop() else {
                    unreachable!("superstep 5 brings labels");
                };
                (state.components, state.before, state.seam_labels) = (components, before, labels);
                if let Some(want) = self.want {
                    state.figures.summary = self.summary(tile, state, want)?;
                }
                at.contribute(std::mem::take(&mut state.figures));
                return Ok(Vote::Halt);
            }
            _ => {}
        }
        at.count(at.outbox.len() as u64);
        Ok(Vote::Stay)
    }

    fn finish(&self, tile: &Tile, state: Labelled) -> Result<Option<Painted>> {
        if !self.paint {
            return Ok(None);
        }
        let labels = self.labels(tile, &state.held.parts()?, &state);
        let marks = state.held.into_marks()?;
        Ok(Some(Painted { region: tile.region, max: state.components, marks, labels }))
    }
}
