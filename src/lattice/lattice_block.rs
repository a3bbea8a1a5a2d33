//! A block of the voxel-adjacency graph: a box padded by one voxel on every side.
//!
//! A slot is a place in the padded box, and a neighbour is a constant stride away. Memory: 1 byte a
//! slot and 8 a run of owned slots, beside what a program keeps (9 a slot where only equal labels
//! are joined); 1 more where degrees are asked for, 4 where vertices are called one by one.

use std::ops::Range;
use std::sync::OnceLock;

use crate::combine::Combine;
use crate::error::Result;
use crate::graph::connected::Connected;
use crate::graph::topology::{Block, Seam, share};
use crate::id::{BlockId, Slot, VertexId};
use crate::lattice::connected::connected;
use crate::lattice::rows::{EMPTY, HALO, OWNED, STROKE, merge, shifted, spans};
use crate::lattice::runs::Runs;
use crate::lattice::select::Select;
use crate::lattice::stencil::{Stencil, Step};
use crate::lattice::tiling::Tiling;
use crate::volume::extent::unsound;
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type, row};

/// A block of a [`Lattice`](crate::lattice::lattice::Lattice).
pub struct LatticeBlock {
    pub(super) own: Region,
    pub(super) volume: Shape,
    /// Slots along y and x.
    padded: [usize; 2],
    kinds: Vec<u8>,
    /// The runs of owned slots, ascending, and where those of each row of the padded box begin.
    runs: Vec<(u32, u32)>,
    rows: Vec<u32>,
    /// The number of neighbours of each slot, made when it is first asked for.
    degrees: OnceLock<Vec<u8>>,
    /// The owned slots without neighbours, ascending, made when they are first asked for.
    dead_ends: OnceLock<Vec<u32>>,
    /// Of each owned slot, a bit for each step to a neighbour, and the highest bit where one of
    /// them is in the halo; made when first asked for.
    joins: OnceLock<Joins>,
    /// The label of each slot, where only equal labels are joined; else empty.
    labels: Vec<u64>,
    pub(super) stencil: Stencil,
    steps: Vec<(Step, isize)>,
    pub(super) seams: Vec<Seam>,
    /// The voxels of `boxed`, shared with the volume where that is in memory, which of them are vertices, and
    /// the name of the volume.
    pub(super) voxels: Voxels,
    pub(super) boxed: Region,
    pub(super) select: Select,
    pub(super) name: String,
}

impl LatticeBlock {
    /// Reads block `id` of a volume.
    ///
    /// # Errors
    /// Where the volume cannot be read, or a voxel is not what `select` asks for.
    pub(crate) fn read(tiling: &Tiling, id: BlockId, select: Select, stencil: Stencil) -> Result<Self> {
        let (grid, source) = (tiling.grid(), tiling.source());
        let (own, volume) = (grid.region(id), grid.shape());
        let boxed = own.grown([1; 3], [1; 3], volume);
        let voxels = source.read(&boxed)?;
        let [nz, ny, nx] = own.shape().0;
        let padded = [ny + 2, nx + 2];
        let slots = (nz + 2) * padded[0] * padded[1];
        let stride =
            |[dz, dy, dx]: Step| (dz as isize * padded[0] as isize + dy as isize) * padded[1] as isize + dx as isize;
        let mut block = LatticeBlock {
            own,
            volume,
            padded,
            kinds: vec![EMPTY; slots],
            runs: Vec::new(),
            rows: Vec::new(),
            degrees: OnceLock::new(),
            dead_ends: OnceLock::new(),
            joins: OnceLock::new(),
            labels: vec![0; if select == Select::Labels { slots } else { 0 }],
            stencil,
            steps: stencil.steps().map(|step| (step, stride(step))).collect(),
            seams: Vec::new(),
            voxels,
            boxed,
            select,
            name: source.header().name.clone(),
        };
        block.fill()?;
        (block.runs, block.rows) = spans(&block.kinds, padded[1]);
        let place = grid.place(id);
        for to in grid.neighbors(id) {
            let there = grid.place(to);
            if !stencil.has(std::array::from_fn(|axis| there[axis] as i8 - place[axis] as i8)) {
                continue;
            }
            let theirs = grid.region(to);
            let halo = block.vertices(&boxed.intersection(&theirs));
            let border = block.vertices(&own.intersection(&theirs.grown([1; 3], [1; 3], volume)));
            if !(halo.is_empty() && border.is_empty()) {
                block.seams.push(Seam { to, border, halo });
            }
        }
        Ok(block)
    }

    /// The voxels that it owns, if they are vertices.
    pub fn region(&self) -> Region {
        self.own
    }

    /// Tells the slots that are vertices from those that are not.
    fn fill(&mut self) -> Result<()> {
        let select = self.select;
        if select == Select::Labels {
            // Labels have to be checked, and their runs are long.
            let runs = Runs::scan(&self.voxels, self.boxed, select, &self.name)?;
            runs.within(&self.boxed.clone(), |run, [z, y], span| {
                let start = self.slot_of([z, y, self.boxed.start[2]]);
                let slots = start + span.start as usize..start + span.end as usize;
                self.labels[slots.clone()].fill(runs.labels()[run]);
                self.kinds[slots].fill(HALO);
            });
        } else {
            let voxels = self.voxels.clone();
            each_voxel_type!(&voxels, array => for (z, y) in Region::whole(self.boxed.shape()).rows() {
                let row = row(array, z, y);
                if let Some(x) = row.iter().position(|value| value.is_nan()) {
                    return Err(unsound(&self.name, &self.boxed, [z, y, x], f64::NAN));
                }
                let start = self.slot_of([z + self.boxed.start[0], y + self.boxed.start[1], self.boxed.start[2]]);
                let kinds = &mut self.kinds[start..start + row.len()];
                select.mark(row, kinds, HALO);
            });
        }
        // Of the shell only what can be a neighbour of an owned voxel is halo.
        let beyond = |at: usize, axis: usize| match at {
            at if at < self.own.start[axis] => -1,
            at if at >= self.own.start[axis] + self.own.shape().0[axis] => 1,
            _ => 0,
        };
        for (z, y) in self.boxed.rows() {
            let reach = self.stencil.reach(beyond(z, 0), beyond(y, 1));
            let (all, own) = (self.boxed.range(2), self.own.range(2));
            let cleared = match reach {
                None => [all, 0..0],
                Some(0) => [all.start..own.start, own.end..all.end],
                Some(_) => continue,
            };
            for x in cleared.into_iter().flatten() {
                let slot = self.slot_of([z, y, x]);
                self.kinds[slot] = EMPTY;
            }
        }
        for (z, y) in self.own.rows() {
            let start = self.slot_of([z, y, self.own.start[2]]);
            for kind in &mut self.kinds[start..start + self.own.shape().0[2]] {
                *kind = if *kind == EMPTY { EMPTY } else { OWNED };
            }
        }
        Ok(())
    }

    /// The slot of a voxel of the padded box.
    fn slot_of(&self, [z, y, x]: [usize; 3]) -> usize {
        let [z, y, x] = [z + 1 - self.own.start[0], y + 1 - self.own.start[1], x + 1 - self.own.start[2]];
        (z * self.padded[0] + y) * self.padded[1] + x
    }

    /// The voxel of an owned or halo slot.
    pub(super) fn voxel(&self, slot: usize) -> [usize; 3] {
        let (row, x) = (slot / self.padded[1], slot % self.padded[1]);
        let (z, y) = (row / self.padded[0], row % self.padded[0]);
        [z + self.own.start[0] - 1, y + self.own.start[1] - 1, x + self.own.start[2] - 1]
    }

    /// The slots of the vertices in a part of the padded box, in raster order.
    fn vertices(&self, part: &Region) -> Vec<Slot> {
        let row_of =
            |(z, y)| self.slot_of([z, y, part.start[2]])..self.slot_of([z, y, part.start[2]]) + part.shape().0[2];
        let slots = part.rows().flat_map(row_of).filter(|slot| self.kinds[*slot] != EMPTY);
        slots.map(|slot| Slot(slot as u32)).collect()
    }

    /// Brings together, for every owned slot, what `merge` makes of its neighbours, told the number
    /// of the step and the kind of the slot it leads to.
    #[inline]
    fn over_neighbors<T: Clone + Default>(&self, merge: impl Fn(&mut T, usize, u8)) -> Vec<T> {
        let mut merged = vec![T::default(); self.kinds.len()];
        for runs in self.rows.windows(2).map(|row| &self.runs[row[0] as usize..row[1] as usize]) {
            let (Some(first), Some(last)) = (runs.first(), runs.last()) else { continue };
            // What lies between runs is merged as well: that is quicker, and nobody asks for it.
            let span = first.0 as usize..last.1 as usize;
            for (at, (_, stride)) in self.steps.iter().enumerate() {
                let first = shifted(span.start, *stride);
                let pairs = merged[span.clone()].iter_mut().zip(&self.kinds[first..first + span.len()]);
                if self.labels.is_empty() {
                    pairs.for_each(|(merged, kind)| merge(merged, at, *kind));
                } else {
                    let labels = self.labels[span.clone()].iter().zip(&self.labels[first..first + span.len()]);
                    pairs.zip(labels).filter(|(_, (a, b))| a == b).for_each(|((m, kind), _)| merge(m, at, *kind));
                }
            }
        }
        merged
    }

    /// The number of neighbours of each owned slot; of others any number but 0.
    #[inline]
    fn degrees(&self) -> &[u8] {
        self.degrees.get_or_init(|| {
            let mut degrees = self.over_neighbors(|degree: &mut u8, _, kind| *degree += u8::from(kind != EMPTY));
            degrees.iter_mut().zip(&self.kinds).for_each(|(degree, kind)| *degree |= u8::from(*kind != OWNED));
            degrees
        })
    }

    fn find_joins(&self) -> Joins {
        let bits = |at: usize, kind: u8| match kind {
            EMPTY => 0,
            OWNED => 1 << at,
            _ => 1 << at | AT_HALO,
        };
        match self.steps.len() < 8 {
            true => {
                let low = |at, kind| bits(at, kind) as u8 | (bits(at, kind) >> 24) as u8;
                Joins::Few(self.over_neighbors(|joins: &mut u8, at, kind| *joins |= low(at, kind)))
            }
            false => Joins::Many(self.over_neighbors(|joins: &mut u32, at, kind| *joins |= bits(at, kind))),
        }
    }

    /// Visits the neighbours of an owned slot, only the owned ones if `owned`.
    #[inline]
    fn each_joined(&self, slot: Slot, owned: bool, mut visit: impl FnMut(Slot, Step)) {
        let mut left = match self.joins.get_or_init(|| self.find_joins()) {
            Joins::Few(joins) => {
                let joins = joins[slot.index()];
                u32::from(joins & 0x7f) | u32::from(joins & 0x80) << 24
            }
            Joins::Many(joins) => joins[slot.index()],
        };
        let look = owned && left & AT_HALO != 0;
        left &= !AT_HALO;
        while left != 0 {
            let (step, stride) = self.steps[left.trailing_zeros() as usize];
            left &= left - 1;
            let there = shifted(slot.index(), stride);
            if !look || self.kinds[there] == OWNED {
                visit(Slot(there as u32), step);
            }
        }
    }

    #[inline]
    fn each_beside(&self, slot: Slot, mut visit: impl FnMut(Slot, Step)) {
        let here = slot.index();
        if self.kinds[here] == OWNED {
            return self.each_joined(slot, false, visit);
        }
        for (step, stride) in &self.steps {
            // Beyond the padding, and from one end of a row to the next, there is halo at most,
            // and a halo slot is asked only for owned neighbours.
            let Some(there) = here.checked_add_signed(*stride) else { continue };
            let joined = self.kinds.get(there) == Some(&OWNED);
            if joined && (self.labels.is_empty() || self.labels[here] == self.labels[there]) {
                visit(Slot(there as u32), *step);
            }
        }
    }
}

impl Block for LatticeBlock {
    /// The step from the one voxel to the other.
    type Edge = Step;
    /// The value of the voxel.
    type Vertex = f64;

    fn slots(&self) -> usize {
        self.kinds.len()
    }

    /// Lines along x, several where they are short.
    fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let [_, ny, nx] = self.own.shape().0;
        let lines = (ROW / self.padded[1]).max(1);
        let row = move |z: usize, y: usize| {
            let [first, last] = [y, (y + lines).min(ny) - 1].map(|y| (z + 1) * self.padded[0] + y + 1);
            (self.rows[first] < self.rows[last + 1]).then(|| first * self.padded[1] + 1..last * self.padded[1] + 1 + nx)
        };
        let planes = 0..self.own.shape().0[0];
        planes.flat_map(move |z| (0..ny).step_by(lines).filter_map(move |y| row(z, y)))
    }

    fn owned(&self, row: Range<usize>) -> impl DoubleEndedIterator<Item = Range<usize>> {
        let width = self.padded[1];
        let lines = row.start / width..row.end.div_ceil(width).max(row.start / width);
        let runs = &self.runs[self.rows[lines.start] as usize..self.rows[lines.end] as usize];
        let clipped = runs.iter().map(move |run| (run.0 as usize).max(row.start)..(run.1 as usize).min(row.end));
        clipped.filter(|run| !run.is_empty())
    }

    fn id(&self, slot: Slot) -> VertexId {
        VertexId(self.volume.raster(self.voxel(slot.index())))
    }

    fn value(&self, slot: Slot) -> f64 {
        let voxel = self.voxel(slot.index());
        self.voxels.get(std::array::from_fn(|axis| voxel[axis] - self.boxed.start[axis]))
    }

    #[inline]
    fn owns(&self, slot: Slot) -> bool {
        self.kinds[slot.index()] == OWNED
    }

    fn slot(&self, vertex: VertexId) -> Option<Slot> {
        let voxel = self.volume.voxel(vertex.0);
        let slot = self.own.contains(voxel).then(|| self.slot_of(voxel))?;
        (self.kinds[slot] == OWNED).then_some(Slot(slot as u32))
    }

    #[inline]
    fn each_neighbor(&self, slot: Slot, visit: impl FnMut(Slot, Step)) {
        self.each_beside(slot, visit);
    }

    #[inline]
    fn each_owned_neighbor(&self, slot: Slot, visit: impl FnMut(Slot, Step)) {
        match self.kinds[slot.index()] {
            OWNED => self.each_joined(slot, true, visit),
            _ => self.each_beside(slot, visit),
        }
    }

    #[inline]
    fn each_source(&self, slot: Slot, mut visit: impl FnMut(Slot, Step)) {
        self.each_beside(slot, |source, step| visit(source, step.map(|along| -along)));
    }

    fn seams(&self) -> &[Seam] {
        &self.seams
    }

    #[inline]
    fn degree(&self, slot: Slot) -> u32 {
        u32::from(self.degrees()[slot.index()])
    }

    #[inline]
    fn shares(&self, span: Range<usize>) -> impl Iterator<Item = f64> {
        self.degrees()[span].iter().map(|degree| SHARES[usize::from(*degree)])
    }

    #[inline]
    fn dead_ends(&self, span: Range<usize>) -> impl Iterator<Item = usize> {
        let all = self.dead_ends.get_or_init(|| {
            let degrees = self.degrees();
            (0..degrees.len() as u32).filter(|slot| degrees[*slot as usize] == 0).collect()
        });
        let first = all.partition_point(|slot| (*slot as usize) < span.start);
        all[first..].iter().map(|slot| *slot as usize).take_while(move |slot| *slot < span.end)
    }

    #[inline]
    fn each_owns(&self, span: Range<usize>) -> impl Iterator<Item = bool> {
        self.kinds[span].iter().map(|kind| *kind == OWNED)
    }

    fn each_run(&self, mut visit: impl FnMut(Range<usize>, VertexId)) {
        for line in self.rows.windows(2) {
            let runs = &self.runs[line[0] as usize..line[1] as usize];
            let Some(first) = runs.first() else { continue };
            // The vertices of a line are consecutive, but for gaps.
            let id = self.id(Slot(first.0)).0;
            for run in runs {
                visit(run.0 as usize..run.1 as usize, VertexId(id + u64::from(run.0 - first.0)));
            }
        }
    }

    fn is_symmetric(&self) -> bool {
        true
    }

    fn connected(&self) -> Result<Option<Connected>> {
        connected(self).map(Some)
    }

    #[inline]
    fn hear<M, F>(&self, slot: Slot, said: &[M], along: F) -> M
    where
        M: Combine + Default,
        F: Fn(Step, &M) -> M,
    {
        let mut heard = M::default();
        for (step, stride) in &self.steps {
            let there = shifted(slot.index(), *stride);
            // Who is no vertex is silent.
            if self.labels.is_empty() || self.labels[slot.index()] == self.labels[there] {
                heard.combine(along(step.map(|along| -along), &said[there]));
            }
        }
        heard
    }

    // So that it is built for the processor at hand where that is asked for.
    #[inline(always)]
    fn gather<M, F>(&self, row: Range<usize>, said: &[M], heard: &mut [M], along: F)
    where
        M: Combine + Default,
        F: Fn(Step, &M) -> M,
    {
        // Gaps that are short are merged as well: that is quicker, and nobody hears it. Where runs are many
        // they are short, and where they are few they are soon counted.
        let lines = row.start / self.padded[1]..row.end.div_ceil(self.padded[1]);
        let count = (self.rows[lines.end] - self.rows[lines.start]) as usize;
        let mut runs = self.owned(row.clone());
        let slots = || self.owned(row.clone()).map(|run| run.len()).sum::<usize>();
        let whole = self.labels.is_empty() && (count * SHORT > row.len() || slots() + count * SHORT > row.len());
        let gaps =
            if whole { runs.next().map(|first| (first.clone(), runs.next_back().unwrap_or(first))) } else { None };
        let spans = gaps.map(|(first, last)| first.start..last.end).into_iter();
        for run in spans.chain(self.owned(row.clone()).take(if whole { 0 } else { count })) {
            let out = &mut heard[run.start - row.start..run.end - row.start];
            if self.labels.is_empty() {
                // Who is no vertex is silent, so whole runs are merged without a question.
                for (at, steps) in self.steps.chunks(STROKE).enumerate() {
                    merge(run.start, steps, said, out, at == 0, &along);
                }
            } else {
                for (slot, heard) in run.zip(out) {
                    *heard = self.hear(Slot(slot as u32), said, &along);
                }
            }
        }
    }
}

/// The share of a vertex of each degree.
const SHARES: [f64; 256] = {
    let mut shares = [0.0; 256];
    let mut degree = 0;
    while degree < shares.len() {
        shares[degree] = share(degree as u32);
        degree += 1;
    }
    shares
};

/// Lines are short where a row of so many slots has more than one.
const ROW: usize = 512;

/// Gaps of a row are short where they have fewer slots than so many for each run.
const SHORT: usize = 12;

/// Set where a neighbour is in the halo.
const AT_HALO: u32 = 1 << 31;

/// A bit for each step; the highest is [`AT_HALO`].
enum Joins {
    /// Up to seven steps.
    Few(Vec<u8>),
    Many(Vec<u32>),
}
