//! Rows of voxels as runs: what everything on the lattice is computed from.
//!
//! A run is a stretch of selected voxels in a row (for labels: of one label), found in one scan
//! of the row. A volume of real structure has 10 to 100 times fewer runs than voxels, and union,
//! moments, contacts and Euler counts all cost per run. Scanning is one pass, O(voxels); memory 8
//! bytes a run, 16 where runs have labels.

use ndarray::{ArcArray, Ix3};
use serde::{Deserialize, Serialize};

use crate::disjoint::Disjoint;
use crate::error::{Error, Result};
use crate::lattice::bits::{Ends, scan, words};
use crate::lattice::select::Select;
use crate::lattice::sound::{fits, sound_row};
use crate::lattice::stencil::Stencil;
use crate::volume::region::Region;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type};
use crate::wide::{Work, widely};

/// A stretch of a row: x from `start` up to, not including, `end`, counted from the box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Span {
    /// First voxel.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

impl Span {
    /// The number of voxels.
    pub fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether it has no voxels; a run never is.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// A scan of a box.
struct Scan<'a, T> {
    runs: &'a mut Runs,
    array: &'a ArcArray<T, Ix3>,
    select: Select,
    name: &'a str,
}

impl<T: Voxel> Work for Scan<'_, T> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(self) -> Result<()> {
        let Self { runs, array, select, name } = self;
        let width = runs.region.shape().0[2];
        let words = words(width);
        let (mut selected, mut starts, mut ends) = (vec![0; words], vec![0; words], Ends::new(words));
        for (z, y) in runs.region.relative_to(runs.region.start).rows() {
            let values = sound_row(array, &runs.region, [z, y], select, name)?;
            scan(values, select, &mut selected, &mut starts);
            for (start, end) in ends.of(&selected, &starts, width) {
                runs.push(Span { start, end }, values[start as usize]);
            }
            runs.end_row(name)?;
        }
        Ok(())
    }
}

/// The runs of a box of voxels, row by row in raster order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runs {
    region: Region,
    labelled: bool,
    /// Runs of row `r` are `rows[r]..rows[r + 1]`.
    rows: Vec<u32>,
    spans: Vec<Span>,
    /// The label of each run; empty where runs have none.
    labels: Vec<u64>,
}

impl Runs {
    /// Scans the voxels of `region`. `name` is how errors name the volume.
    ///
    /// # Errors
    /// A NaN; for [`Select::Labels`] floats or a negative label; a box of 2^32 runs or of rows
    /// that long.
    pub fn scan(voxels: &Voxels, region: Region, select: Select, name: &str) -> Result<Self> {
        let mut runs = Self::begin(voxels, region, select, name)?;
        each_voxel_type!(voxels, array => widely(Scan { runs: &mut runs, array, select, name }))?;
        Ok(runs)
    }

    /// No rows yet of a box.
    pub(crate) fn begin(voxels: &Voxels, region: Region, select: Select, name: &str) -> Result<Self> {
        fits(voxels, region, select, name)?;
        let labelled = select == Select::Labels;
        let rows = Vec::with_capacity(region.shape().0[0] * region.shape().0[1] + 1);
        let mut runs = Self { region, labelled, rows, spans: Vec::new(), labels: Vec::new() };
        runs.rows.push(0);
        Ok(runs)
    }

    /// A run more in the row that is being scanned.
    #[inline(always)]
    pub(crate) fn push<T: Voxel>(&mut self, span: Span, value: T) {
        self.spans.push(span);
        if self.labelled {
            self.labels.push(value.to_label().unwrap_or(0));
        }
    }

    /// Goes on to the next row.
    pub(crate) fn end_row(&mut self, name: &str) -> Result<()> {
        match u32::try_from(self.spans.len()) {
            Ok(count) if count < u32::MAX => {
                self.rows.push(count);
                Ok(())
            }
            _ => Err(Error::resource(format!("{name}: a block of 2^32 runs: make blocks smaller"))),
        }
    }

    /// The box.
    pub fn region(&self) -> Region {
        self.region
    }

    /// The number of runs.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is no run.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Every run, in raster order.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The label of every run; empty where runs have none.
    pub fn labels(&self) -> &[u64] {
        &self.labels
    }

    /// Whether runs have labels.
    pub(crate) fn is_labelled(&self) -> bool {
        self.labelled
    }

    /// The first run of each row, and the number of all.
    pub(crate) fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Runs that were taken apart; nothing where they are not runs of such a box.
    pub(crate) fn from_rows(
        region: Region,
        rows: Vec<u32>,
        spans: Vec<Span>,
        labels: Option<Vec<u64>>,
    ) -> Option<Self> {
        let [nz, ny, width] = region.shape().0;
        let whole = rows.len() == nz.checked_mul(ny)?.checked_add(1)?
            && (rows.first(), rows.last().map(|last| *last as usize)) == (Some(&0), Some(spans.len()))
            && rows.is_sorted()
            && spans.iter().all(|span| !span.is_empty() && span.end as usize <= width)
            && labels.as_ref().is_none_or(|labels| labels.len() == spans.len());
        whole.then(|| Self { region, labelled: labels.is_some(), rows, spans, labels: labels.unwrap_or_default() })
    }

    /// The runs of the row (z, y), counted in the volume, as a range of runs; empty outside the
    /// box. Rows may be asked for at -1.
    #[inline]
    pub fn row(&self, z: i64, y: i64) -> std::ops::Range<usize> {
        let (z, y) = (z - self.region.start[0] as i64, y - self.region.start[1] as i64);
        let [nz, ny, _] = self.region.shape().0.map(|n| n as i64);
        if z < 0 || y < 0 || z >= nz || y >= ny {
            return 0..0;
        }
        let row = (z * ny + y) as usize;
        self.rows[row] as usize..self.rows[row + 1] as usize
    }

    /// Those of the runs that `keep` says yes to, by their number.
    pub fn filtered(&self, keep: impl Fn(usize) -> bool) -> Runs {
        let mut kept =
            Runs { region: self.region, labelled: self.labelled, rows: vec![0], spans: Vec::new(), labels: Vec::new() };
        for row in self.rows.windows(2) {
            for run in (row[0] as usize..row[1] as usize).filter(|run| keep(*run)) {
                kept.spans.push(self.spans[run]);
                kept.labels.extend(self.labels.get(run));
            }
            kept.rows.push(kept.spans.len() as u32);
        }
        kept
    }

    /// Visits the runs inside a part of the box, cut to it, in raster order: the number of the
    /// run, its row (z, y) in the volume, and its span counted from the part.
    pub fn within(&self, part: &Region, mut visit: impl FnMut(usize, [usize; 2], Span)) {
        let shift = (part.start[2] - self.region.start[2]) as u32;
        let width = part.shape().0[2] as u32;
        for (z, y) in part.rows() {
            let row = self.row(z as i64, y as i64);
            let spans = &self.spans[row.clone()];
            let first = spans.partition_point(|span| span.end <= shift);
            for (at, span) in spans.iter().enumerate().skip(first) {
                if span.start >= shift + width {
                    break;
                }
                let cut = Span { start: span.start.saturating_sub(shift), end: (span.end - shift).min(width) };
                visit(row.start + at, [z, y], cut);
            }
        }
    }

    /// The parts of the box that hang together: for each run the number of its part, parts in
    /// raster order of their first voxel, and how many there are. Runs with labels are joined
    /// only where those are equal.
    ///
    /// O(runs) unions over rows that touch.
    pub fn components(&self, stencil: Stencil) -> (Vec<u32>, u32) {
        let mut sets = Disjoint::new(self.len());
        self.each_neighbor(stencil, |a, b| {
            if self.labels.is_empty() || self.labels[a] == self.labels[b] {
                sets.union(a as u32, b as u32);
            }
        });
        sets.number()
    }

    /// Visits the pairs of runs of different rows that are neighbours, whatever their labels, each
    /// once: O(runs).
    pub fn each_neighbor(&self, stencil: Stencil, mut visit: impl FnMut(usize, usize)) {
        let before = [(0i8, -1i8), (-1, -1), (-1, 0), (-1, 1)];
        for (z, y) in self.region.rows() {
            let here = self.row(z as i64, y as i64);
            if here.is_empty() {
                continue;
            }
            for (dz, dy) in before {
                let Some(reach) = stencil.reach(dz, dy) else { continue };
                let there = self.row(z as i64 + i64::from(dz), y as i64 + i64::from(dy));
                self.each_touching(here.clone(), there, reach, &mut visit);
            }
        }
    }

    /// Visits the pairs of runs, one from each of two rows, that overlap or lie at most `reach`
    /// (0 or 1) apart along x: O(runs in both rows).
    #[inline]
    pub fn each_touching(
        &self,
        here: std::ops::Range<usize>,
        there: std::ops::Range<usize>,
        reach: u32,
        mut visit: impl FnMut(usize, usize),
    ) {
        let (mut a, mut b) = (here.start, there.start);
        let mut meet = |a: usize, b: usize| {
            let (ours, theirs) = (self.spans[a], self.spans[b]);
            if ours.start < theirs.end + reach && theirs.start < ours.end + reach {
                visit(a, b);
            }
        };
        while a < here.end && b < there.end {
            meet(a, b);
            match self.spans[a].end.cmp(&self.spans[b].end) {
                std::cmp::Ordering::Less => a += 1,
                std::cmp::Ordering::Greater => b += 1,
                std::cmp::Ordering::Equal => {
                    // Runs of labels may follow each other without a gap; then each of the two
                    // touches the successor of the other, by a corner.
                    if reach > 0 && b + 1 < there.end {
                        meet(a, b + 1);
                    }
                    if reach > 0 && a + 1 < here.end {
                        meet(a + 1, b);
                    }
                    a += 1;
                    b += 1;
                }
            }
        }
    }
}
