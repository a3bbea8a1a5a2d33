//! Displacements of a body of voxels at which all forces balance: conjugate gradients, preconditioned by a multigrid.
//!
//! Nothing is assembled: forces come from the element and the moduli of the voxels. An iteration has one V-cycle over
//! grids of 2, 4, 8... voxels to an element, with moduli averaged (as Flaig and Arbenz 2011 do for bone), in single
//! precision; the iteration itself is in double. Grids too small to be cut are worked on by one block. Blocks are
//! fixed by the volume, and sums are added in their order: the same bits for any workers and processes. Cost of an
//! iteration: O(voxels), as much as some five products with the stiffness; iterations hardly grow with the volume
//! where the body is solid; where it is thin beside the larger elements they do. Memory: 220 bytes a voxel of the
//! box, half of it for the levels.

use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::lattice::tiling::{Tile, Tiling};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::force::elements::element::Element;
use crate::programs::force::elements::field::{Field, Real};
use crate::programs::force::elements::found::Found;
use crate::programs::force::elements::grids::Grid;
use crate::programs::force::elements::level::{Level, coarser};
use crate::programs::force::elements::moduli::average;
use crate::programs::force::elements::root::Root;
use crate::programs::force::elements::share::{Parcel, Products, Share};
use crate::programs::force::elements::steps::{length, step};
use crate::programs::force::elements::stiff::{Held, Stiff};
use crate::programs::force::elements::supports::Supports;
use crate::programs::force::gradients::failed;
use crate::programs::force::solve::Stop;
use crate::programs::force::vector::Vector;
use crate::volume::grid::Grid as Cutting;
use crate::volume::region::Region;
use crate::volume::shape::Shape;

/// Voxels of a block along z, y, x.
const BLOCK: [usize; 3] = [32, 32, 128];

/// Bytes that a voxel of the box needs, about.
pub const BYTES: u64 = 230;

/// A level of at most so many nodes is not cut.
const UNCUT: usize = 6000;

/// The block that has the levels that are not cut.
pub(super) const ROOT: BlockId = BlockId(0);

/// After so many iterations none of which was better than those before it goes nowhere.
const PATIENCE: usize = 500;

/// How often what adds up over iterations may turn out not to be the residual.
const REPAIRS: u32 = 5;

/// Finds displacements.
#[derive(Clone, Debug)]
pub struct Solver {
    /// What voxels are.
    pub stiff: Stiff,
    /// What is held.
    pub supports: Supports,
    /// When it ends.
    pub stop: Stop,
    /// Whether blocks give the displacements of their nodes.
    pub displacements: bool,
    /// Whether blocks give energies and stresses of their voxels.
    pub responses: bool,
    /// Whether they give these stresses whole as well.
    pub tensors: bool,
    /// The element of modulus 1, or one that is like what is stiff.
    pub(super) element: Element,
    /// Nodes along z, y, x.
    nodes: [usize; 3],
    /// Levels that are cut into blocks.
    levels: usize,
}

/// Cuts a volume as the solver wants it; `edge` is that of blocks, a power of two, or as it is best.
///
/// # Errors
/// As [`Cutting::with_block`].
pub fn cut(shape: Shape, edge: Option<usize>) -> Result<Cutting> {
    let block = edge.map_or(BLOCK, |edge| [edge.max(2).next_power_of_two(); 3]);
    Cutting::with_block(shape, std::array::from_fn(|axis| block[axis].min(shape.0[axis].max(1))))
}

impl Solver {
    /// For a volume that is [`cut`].
    ///
    /// # Errors
    /// A volume of one node along an axis.
    pub fn new(stiff: Stiff, supports: Supports, stop: Stop, tiling: &Tiling) -> Result<Self> {
        let grid = tiling.grid();
        let nodes = stiff.nodes(grid.shape());
        if nodes.iter().any(|nodes| *nodes < 2) {
            return Err(Error::usage(format!("{} voxels are no body: give two along each axis", grid.shape())));
        }
        let block = grid.region(BlockId(0)).shape().0;
        // Blocks that are cut along an axis are so many elements of level `height` long there.
        let even =
            |height: usize| (0..3).all(|axis| grid.counts()[axis] == 1 || block[axis].is_multiple_of(1 << height));
        let (mut levels, mut above) = (1, coarser(nodes));
        while above.iter().product::<usize>() > UNCUT && even(levels + 1) {
            (levels, above) = (levels + 1, coarser(above));
        }
        if !even(1) {
            return Err(Error::usage("blocks of an odd edge: cut the volume as the solver wants it"));
        }
        let element = stiff.element();
        Ok(Self {
            stiff,
            supports,
            stop,
            displacements: false,
            responses: false,
            tensors: false,
            element,
            nodes,
            levels,
        })
    }

    /// The iterations in so many supersteps: those before the first and the one that ends each go are none of them.
    pub(super) fn iterations(&self, supersteps: u64) -> usize {
        (supersteps.saturating_sub(self.levels as u64 + 1) / length(self.levels)) as usize
    }
}

impl Solver {
    /// Sends each neighbour its part of a field.
    pub(super) fn say<T: Real>(
        at: &mut Superstep<'_, Parcel, Products>,
        level: &Level,
        field: &Field<T>,
        of: fn(Vec<T>) -> Parcel,
    ) {
        for (to, border, _) in &level.seams {
            at.send(*to, of(level.gather(border, field)));
        }
    }

    /// Makes the grid of the next level, and the moduli of the one above.
    fn raise(&self, at: &mut Superstep<'_, Parcel, Products>, share: &mut Share, mail: Vec<(BlockId, Parcel)>) {
        let height = share.grids.len();
        let level = share.levels.remove(0);
        let mut moduli = std::mem::take(&mut share.moduli);
        for (from, parcel) in mail {
            level.scatter_into(level.halo(from), &parcel.single(), &mut moduli);
        }
        let above = &share.levels[0];
        let coarse = average(&level, &moduli, above, &self.supports);
        if height + 1 < self.levels {
            for (to, border, _) in &above.seams {
                let mut values = Vec::new();
                above.gather_into(border, &coarse, &mut values);
                at.send(*to, Parcel::Single(values));
            }
            share.moduli = coarse;
        } else {
            let mut values = Vec::new();
            above.gather_into(&above.own, &coarse, &mut values);
            at.send(ROOT, Parcel::Single(values));
        }
        share.grids.push(Grid::new(level, moduli, &self.element, &self.supports));
    }

    /// The levels that are not cut, from the moduli that blocks have sent.
    fn root(&self, tiling: &Tiling, nodes: [usize; 3], mail: Vec<(BlockId, Parcel)>) -> Root {
        let of = |block| Level::of_block(tiling.grid(), self.nodes, block, self.levels).pop();
        let own = |block| of(block).expect("there is a level above the last").own;
        let parts: Vec<Region> = (0..tiling.grid().blocks()).map(|block| own(BlockId(block))).collect();
        let whole = Level::whole(nodes);
        let mut moduli = vec![0.0; whole.slots()];
        for (from, parcel) in mail {
            whole.scatter_into(&parts[from.index()], &parcel.single(), &mut moduli);
        }
        Root::new(nodes, moduli, parts, &self.element, &self.supports)
    }

    /// Displaces what is given, and finds what is out of balance.
    fn begin(&self, at: &mut Superstep<'_, Parcel, Products>, share: &mut Share) {
        let Share { grids, displacement, .. } = &mut *share;
        let (level, nodes) = (&grids[0].level, self.nodes);
        let around = level.own.grown([1; 3], [1; 3], Shape(nodes));
        let give = |node, axis: usize, _, given| displacement.0[axis][level.slot(node)] = given;
        self.supports.each_given(&around, nodes, give);
        self.forces(share, |share| &share.displacement);
        share.unbalanced();
        let square = share.square();
        let mut work = 0.0;
        let level = &share.grids[0].level;
        self.supports.each_given(&level.own, self.nodes, |node, axis, _, given| {
            work += given * share.image.0[axis][level.slot(node)];
        });
        at.contribute(Products { residual: square, beginning: square, work, ..Products::default() });
    }

    /// The forces on nodes when they are displaced, as image.
    pub(super) fn forces(&self, share: &mut Share, displaced: impl Fn(&Share) -> &Field<f64>) {
        let mut image = std::mem::take(&mut share.image);
        image.clear(share.grids[0].elements.live());
        self.stiff.forces(&share.grids[0].level, &share.held, displaced(share), &mut image);
        share.image = image;
    }

    /// Ends, or begins to precondition the residual.
    pub(super) fn start(&self, at: &mut Superstep<'_, Parcel, Products>, share: &mut Share) -> Result<()> {
        let products = at.global();
        if share.history.is_empty() {
            (share.beginning, share.work) = (products.beginning, products.work);
        }
        let relative = products.relative(share.beginning);
        share.history.push(relative);
        if relative <= self.stop.tolerance && share.gain.abs() <= self.stop.tolerance * share.work.abs() {
            return self.close(at, share);
        }
        if share.history.len() as u64 > self.stop.iterations {
            return Err(failed("no balance yet: allow more iterations, or a larger tolerance", &share.history));
        }
        let before = share.history.len().saturating_sub(PATIENCE);
        let best = |of: &[f64]| of.iter().copied().fold(f64::INFINITY, f64::min);
        if before > 0 && best(&share.history[before..]) >= best(&share.history[..before]) {
            return Err(failed("it goes nowhere: parts hang too loosely for this precision", &share.history));
        }
        // A power of two changes no digit.
        share.load((-products.residual.sqrt().log2().floor()).exp2());
        let grid = &mut share.grids[0];
        grid.begin();
        Self::say(at, &grid.level, &grid.moved, Parcel::Single);
        Ok(())
    }

    /// Finds the residual from the displacements, and what holds the body. Where that is more than was thought the
    /// iteration begins again from it.
    fn close(&self, at: &mut Superstep<'_, Parcel, Products>, share: &mut Share) -> Result<()> {
        if share.repairs == REPAIRS {
            return Err(failed("rounding has the upper hand: allow a larger tolerance", &share.history));
        }
        share.repairs += 1;
        // Directions brought the halo of displacements along.
        self.forces(share, |share| &share.displacement);
        share.unbalanced();
        let mut reactions = vec![Vector::default(); self.supports.0.len().max(1)];
        let level = &share.grids[0].level;
        self.supports.each_given(&level.own, self.nodes, |node, axis, support, _| {
            reactions[support].0[axis] += share.image.0[axis][level.slot(node)];
        });
        let (residual, beginning) = (share.square(), share.beginning);
        // All blocks know the beginning; one of them tells it.
        let beginning = if at.block() == ROOT { beginning } else { 0.0 };
        at.contribute(Products { residual, beginning, reactions, ..Products::default() });
        let Share { direction, grids, .. } = &mut *share;
        direction.clear(grids[0].elements.live());
        (share.base, share.last, share.gain) = (at.number() + 1, 0.0, 0.0);
        Ok(())
    }
}

impl BlockProgram<Tiling> for Solver {
    type State = Share;
    type Parcel = Parcel;
    type Global = Products;
    type Output = Found;

    fn init(&self, tiling: &Tiling, tile: &Tile) -> Result<Share> {
        let levels = Level::of_block(tiling.grid(), self.nodes, tile.id, self.levels);
        let (held, moduli) = self.stiff.read(tile, &levels[0])?;
        let none = || Field::none(levels[0].slots());
        Ok(Share {
            held,
            moduli,
            above: Field::none(levels[self.levels].slots()),
            displacement: none(),
            residual: none(),
            direction: none(),
            image: none(),
            base: self.levels as u64 + 1,
            levels,
            ..Share::default()
        })
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Parcel, Products>,
        tile: &Tile,
        share: &mut Share,
        mail: Vec<(BlockId, Parcel)>,
    ) -> Result<Vote> {
        let levels = self.levels as u64;
        if at.number() < levels {
            self.raise(at, share, mail);
        } else if at.number() == levels {
            if at.block() == ROOT {
                let nodes = share.levels[0].nodes;
                share.root = Some(self.root(&tile.tiling, nodes, mail));
            }
            self.begin(at, share);
        } else {
            let place = at.number() - share.base;
            debug_assert!(place < length(self.levels));
            self.iterate(at, share, mail, step(self.levels, place))?;
        }
        Ok(Vote::Stay)
    }

    fn done(&self, _: u64, products: &Products) -> bool {
        !products.reactions.is_empty() && products.relative(products.beginning) <= self.stop.tolerance
    }

    fn finish(&self, tile: &Tile, share: Share) -> Result<Found> {
        let level = &share.grids[0].level;
        let mut found = Found { nodes: level.own, voxels: tile.region, history: share.history, ..Found::default() };
        if self.displacements {
            found.displacements = level.gather(&level.own, &share.displacement);
        }
        if let (true, Stiff::Elements { element, .. }, Held::Elements(elements)) =
            (self.responses, &self.stiff, &share.held)
        {
            found.respond(level, element, &elements.moduli, &share.displacement, self.tensors);
        }
        Ok(found)
    }
}
