//! The Potts model as a vertex program: the lesson, and the judge of the fast way, whose bytes are the same.
//!
//! A vertex is a voxel. In every superstep each says its spin to its neighbours, and those of one colour make
//! their attempt on what they heard. The graph is any whose edges are steps on a lattice, each the step back from who
//! hears to who speaks: a [`Lattice`](crate::lattice::lattice::Lattice) has walls, and a graph with the edges of a torus
//! is periodic. A sweep is as many supersteps as there are colours, twice as many where surfaces are held (a voxel
//! counts its unlike neighbours when it has heard them, and changes in the next), and all voxels speak in each: it costs
//! some hundred times what the [block program](crate::programs::potts::run) does. Targets may grow; cells neither divide
//! nor die here.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::{Error, Result};
use crate::graph::topology::Topology;
use crate::lattice::stencil::Step;
use crate::pregel::block::Vote;
use crate::pregel::vertex::{Vertex, VertexProgram};
use crate::programs::potts::cells::{Cells, thousandths};
use crate::programs::potts::census::{Known, PARTS, grown, whole};
use crate::programs::potts::dice::{Dice, Purpose, place};
use crate::programs::potts::model::WALL;
use crate::programs::potts::rule::Rule;

/// Runs a model for some sweeps, voxel by voxel.
#[derive(Clone, Debug)]
pub struct Voxelwise {
    rule: Rule,
    sweeps: u64,
    /// The spins in the beginning, in raster order.
    start: Arc<[u32]>,
    /// By how much targets grow, in thousandths, by type.
    growths: Vec<i64>,
}

/// Spins of a voxel and those around it, by step: what it says is its own, what it hears the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Around(BTreeMap<Step, u32>);

/// A place has one speaker.
impl Combine for Around {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// The voxels and pairs of cells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sizes(BTreeMap<u32, [u32; 2]>);

impl Combine for Sizes {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        for (spin, sizes) in other.0 {
            self.0.entry(spin).or_default().iter_mut().zip(sizes).for_each(|(ours, theirs)| *ours += theirs);
        }
    }
}

/// What is known of cells in a superstep.
struct Heard<'a> {
    program: &'a Voxelwise,
    sizes: &'a Sizes,
    sweep: u64,
}

impl Heard<'_> {
    fn cells(&self) -> &Cells {
        self.program.rule.cells().expect("only a model with cells asks about them")
    }
}

impl Known for Heard<'_> {
    fn kind(&self, spin: u32) -> usize {
        self.cells().of(spin)
    }

    fn volume(&self, spin: u32) -> i64 {
        self.sizes.0.get(&spin).map_or(0, |[volume, _]| i64::from(*volume))
    }

    fn surface(&self, spin: u32) -> i64 {
        self.sizes.0.get(&spin).map_or(0, |[_, surface]| i64::from(*surface))
    }

    fn target(&self, spin: u32) -> i64 {
        let kind = self.kind(spin);
        let start = self.cells().types()[kind].target as i64 * PARTS;
        // Step by step, as a target that shrinks stops at 0.
        let grown = (0..self.sweep).fold(start, |target, _| grown(target, self.program.growths[kind]));
        whole(grown)
    }
}

impl Voxelwise {
    /// Runs a model for some sweeps from these spins, in raster order.
    ///
    /// # Errors
    /// Where cells divide or die.
    pub fn new(rule: Rule, sweeps: u64, start: Arc<[u32]>) -> Result<Self> {
        let types = rule.cells().map_or(&[][..], Cells::types);
        if types.iter().any(|of| of.divide_at > 0 || of.death > 0.0) {
            return Err(Error::usage("cells of the vertex program neither divide nor die: run the block program"));
        }
        let growths = types.iter().map(|of| thousandths(of.growth, "a growth")).collect::<Result<_>>()?;
        Ok(Self { rule, sweeps, start, growths })
    }

    /// The supersteps of a step.
    fn rounds(&self) -> u64 {
        if self.rule.needs_surfaces() { 2 } else { 1 }
    }

    /// Says the spin of a voxel to its neighbours, and counts it with so many pairs.
    fn speak<G: Topology<Edge = Step>>(&self, voxel: &mut Vertex<'_, G, Self>, spin: u32, pairs: u32) {
        voxel.broadcast(Around([([0; 3], spin)].into()));
        if self.rule.needs_volumes() {
            voxel.contribute(Sizes([(spin, [1, pairs])].into()));
        }
    }
}

impl<G: Topology<Edge = Step>> VertexProgram<G> for Voxelwise {
    type State = u32;
    type Message = Around;
    type Global = Sizes;

    fn init(&self, voxel: &mut Vertex<'_, G, Self>) -> (u32, Vote) {
        let spin = self.start[voxel.id().0 as usize];
        self.speak(voxel, spin, 0);
        (spin, Vote::Stay)
    }

    fn compute(&self, voxel: &mut Vertex<'_, G, Self>, spin: &mut u32, heard: Around) -> Vote {
        let (step, round) = ((voxel.superstep() - 1) / self.rounds(), (voxel.superstep() - 1) % self.rounds());
        let sweep = step / self.rule.model.steps();
        if sweep == self.sweeps {
            return Vote::Halt;
        }
        let around: Vec<u32> = self.rule.steps.iter().map(|step| heard.0.get(step).copied().unwrap_or(WALL)).collect();
        if round + 1 < self.rounds() {
            let pairs = self.rule.pairs(*spin, &around);
            self.speak(voxel, *spin, pairs);
            return Vote::Stay;
        }
        let at = self.rule.shape.voxel(voxel.id().0);
        if self.rule.model.turn(step).has(at) {
            let mut words = vec![0; self.rule.words()];
            let first = place(self.rule.shape, at) * words.len() as u128;
            Dice::new(self.rule.model.seed, Purpose::Attempts, step).fill(first, &mut words);
            let known = Heard { program: self, sizes: voxel.global(), sweep };
            *spin = self.rule.decide(at, *spin, &around, &words, &known);
        }
        self.speak(voxel, *spin, 0);
        Vote::Stay
    }

    fn along(&self, step: Step, said: &Around) -> Around {
        // Who spoke is a step back from who hears.
        Around(said.0.values().map(|spin| (step.map(|along| -along), *spin)).collect())
    }
}
