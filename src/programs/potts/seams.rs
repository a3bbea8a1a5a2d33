//! Where the blocks of a Potts model meet, round the volume where it is periodic, and in mirrors.
//!
//! A block has a shell, as thick as its neighbours are far. Each piece of it is a box of voxels of one block (of itself,
//! on the far side of a torus or in a mirror). What a block tells another are the voxels of such a piece that a step may
//! have changed, in raster order; the other puts them where they belong.

use std::ops::Range;

use crate::id::BlockId;
use crate::lattice::stencil::Step;
use crate::programs::potts::model::Turn;
use crate::programs::potts::rule::Rule;
use crate::programs::potts::spins::Spins;
use crate::volume::grid::Grid;
use crate::volume::region::Region;

/// Where a block lies, and how its places count.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its voxels.
    pub own: Region,
    /// Voxels of the shell before the first along each axis: none along z in a plane.
    pub shell: [usize; 3],
    /// The pieces of its shell.
    pub takes: Vec<Piece>,
    /// What others (and itself) take of it: who, the number of the piece there, and the piece.
    pub gives: Vec<(BlockId, u32, Piece)>,
}

/// A part of a shell, and whose voxels it shows.
#[derive(Clone, Debug)]
pub struct Piece {
    /// The block.
    pub from: BlockId,
    along: [Segment; 3],
}

/// A part of a shell along an axis.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// The first voxel.
    start: usize,
    len: usize,
    /// The place of the first in the box, or of the last where they come in reverse.
    place: usize,
    reversed: bool,
    /// On which side of the block it lies.
    side: i8,
    /// The place of the block that has the voxels, among the blocks along the axis.
    block: usize,
}

impl Segment {
    /// The voxels, each with its place in the box.
    fn each(self) -> impl Iterator<Item = (usize, usize)> + Clone {
        (0..self.len).map(move |at| (self.start + at, self.place_of(at)))
    }

    /// The place of its voxel `at`.
    fn place_of(self, at: usize) -> usize {
        self.place + if self.reversed { self.len - 1 - at } else { at }
    }
}

impl Piece {
    /// Its voxels in the volume.
    pub fn region(&self) -> Region {
        let end = self.along.map(|along| along.start + along.len);
        Region { start: self.along.map(|along| along.start), end }
    }

    /// Visits its voxels, each with its place in the box of who takes it, in raster order of the volume.
    pub fn each(&self, mut visit: impl FnMut([usize; 3], [usize; 3])) {
        let along = |axis: usize| self.along[axis].each();
        let (along_y, along_x) = (along(1), along(2));
        for (z, place_z) in along(0) {
            for (y, place_y) in along_y.clone() {
                along_x.clone().for_each(|(x, place_x)| visit([z, y, x], [place_z, place_y, place_x]));
            }
        }
    }

    /// Visits its rows of voxels whose turn it is, in raster order of the volume: the first, its place, and how many
    /// there are.
    fn each_row(&self, turn: Turn, mut visit: impl FnMut([usize; 3], [usize; 3], usize)) {
        let along = |axis: usize| {
            let is_due = move |(voxel, _): &(usize, usize)| voxel % turn.period[axis] == turn.residue[axis];
            self.along[axis].each().filter(is_due)
        };
        let Some((x, place_x)) = along(2).next() else { return };
        let len = (self.along[2].start + self.along[2].len - x).div_ceil(turn.period[2]);
        for (z, place_z) in along(0) {
            along(1).for_each(|(y, place_y)| visit([z, y, x], [place_z, place_y, place_x], len));
        }
    }
}

impl Site {
    /// Block `id` of a grid. Of its shell it has what the steps of a visit lead to.
    pub fn new(grid: &Grid, id: BlockId, rule: &Rule) -> Self {
        let takes = pieces(grid, id, rule);
        let mut froms: Vec<BlockId> = takes.iter().map(|piece| piece.from).collect();
        froms.sort_unstable();
        froms.dedup();
        // Who shows voxels of another is shown by it.
        let mut gives = Vec::new();
        for to in froms {
            let theirs = pieces(grid, to, rule).into_iter().enumerate().filter(|(_, piece)| piece.from == id);
            gives.extend(theirs.map(|(number, piece)| (to, number as u32, piece)));
        }
        Self { own: grid.region(id), shell: shell(rule), takes, gives }
    }

    /// The sizes of the box of its spins.
    pub fn padded(&self) -> [usize; 3] {
        let own = self.own.shape().0;
        std::array::from_fn(|axis| own[axis] + 2 * self.shell[axis])
    }

    /// The places of its own voxels along an axis.
    pub fn places(&self, axis: usize) -> Range<usize> {
        self.shell[axis]..self.shell[axis] + self.own.shape().0[axis]
    }

    /// The rows of its own places, as (z, y), in raster order.
    pub fn rows(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let along_y = self.places(1);
        self.places(0).flat_map(move |z| along_y.clone().map(move |y| (z, y)))
    }

    /// The first of its own places along an axis whose voxels leave `residue` when divided by `period`.
    #[inline]
    pub fn first_of(&self, axis: usize, residue: usize, period: usize) -> usize {
        self.shell[axis] + (residue + period - self.own.start[axis] % period) % period
    }

    /// The voxel of an own place.
    #[inline]
    pub fn voxel(&self, place: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| place[axis] - self.shell[axis] + self.own.start[axis])
    }

    /// The place of an own voxel.
    #[inline]
    pub fn place(&self, voxel: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| voxel[axis] - self.own.start[axis] + self.shell[axis])
    }

    /// The spins of its own voxels that a piece shows, of those whose turn it was.
    pub fn border(&self, spins: &Spins, piece: &Piece, turn: Turn) -> Vec<u32> {
        let mut border = Vec::new();
        piece.each_row(turn, |voxel, _, len| match spins.every(self.place(voxel), turn.period[2]) {
            (row, 1) => border.extend_from_slice(&row[..len]),
            (row, by) => border.extend(row.iter().step_by(by).take(len)),
        });
        border
    }

    /// Puts what a piece shows, of those whose turn it was, into its shell.
    ///
    /// # Panics
    /// Where there are not as many as there are voxels to fill.
    pub fn take(spins: &mut Spins, piece: &Piece, turn: Turn, border: &[u32]) {
        let period = turn.period[2];
        let mut rest = border;
        piece.each_row(turn, |_, place, len| {
            let shown;
            (shown, rest) = rest.split_at(len);
            if piece.along[2].reversed {
                let last = [place[0], place[1], place[2] - (len - 1) * period];
                let (row, by) = spins.every_mut(last, period);
                row.iter_mut().step_by(by).zip(shown.iter().rev()).for_each(|(spin, shown)| *spin = *shown);
                return;
            }
            match spins.every_mut(place, period) {
                (row, 1) => row[..len].copy_from_slice(shown),
                (row, by) => row.iter_mut().step_by(by).zip(shown).for_each(|(spin, shown)| *spin = *shown),
            }
        });
        assert!(rest.is_empty(), "a border is as large as the piece that it fills");
    }
}

/// The thickness of a shell along each axis.
fn shell(rule: &Rule) -> [usize; 3] {
    let radius = rule.model.neighborhood.radius();
    [if rule.model.neighborhood.is_planar() { 0 } else { radius }, radius, radius]
}

/// The pieces of the shell of a block that some step leads to, in raster order of their sides.
fn pieces(grid: &Grid, id: BlockId, rule: &Rule) -> Vec<Piece> {
    let along = [0, 1, 2].map(|axis| segments(grid, id, axis, shell(rule)[axis], rule));
    let mut pieces = Vec::new();
    for z in &along[0] {
        for y in &along[1] {
            for x in &along[2] {
                let segments = [*z, *y, *x];
                let leads = |step: &Step| (0..3).all(|axis| step[axis].signum() == segments[axis].side);
                let from = grid.at(segments.map(|along| along.block));
                if let (Some(from), true) = (from, rule.steps.iter().any(leads)) {
                    pieces.push(Piece { from, along: segments });
                }
            }
        }
    }
    pieces
}

/// The parts along an axis of the box of a block: of its shell before it, itself, of its shell behind it.
fn segments(grid: &Grid, id: BlockId, axis: usize, shell: usize, rule: &Rule) -> Vec<Segment> {
    let (own, n) = (grid.region(id).range(axis), grid.shape().0[axis]);
    let itself = Segment {
        start: own.start,
        len: own.len(),
        place: shell,
        reversed: false,
        side: 0,
        block: grid.place(id)[axis],
    };
    let mut found: Vec<Segment> = Vec::new();
    let mut show = |place: usize, at: isize, side: i8| {
        let Some(voxel) = rule.model.boundary.fold(at, n) else { return };
        let mut there = grid.region(id).start;
        there[axis] = voxel;
        let block = grid.place(grid.block_of(there))[axis];
        let same = |last: &&mut Segment| last.side == side && last.block == block;
        if let Some(last) = found.last_mut().filter(same) {
            if last.start + last.len == voxel && (last.len == 1 || !last.reversed) {
                last.len += 1;
                return;
            }
            if voxel + 1 == last.start && (last.len == 1 || last.reversed) {
                (last.start, last.len, last.reversed) = (voxel, last.len + 1, true);
                return;
            }
        }
        found.push(Segment { start: voxel, len: 1, place, reversed: false, side, block });
    };
    (0..shell).for_each(|place| show(place, own.start as isize - shell as isize + place as isize, -1));
    (0..shell).for_each(|place| show(shell + own.len() + place, (own.end + place) as isize, 1));
    found.push(itself);
    found.sort_by_key(|segment| segment.place);
    found
}
