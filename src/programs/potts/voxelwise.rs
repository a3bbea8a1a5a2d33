//! The Potts model as a vertex program: the lesson, and the judge of the fast way, whose bytes are the same.
//!
//! A vertex is a voxel. In every superstep each says its spin to its neighbours, and those of one colour make
//! their attempt on what they heard. The graph is any whose edges are steps on a lattice: a
//! [`Lattice`](crate::lattice::lattice::Lattice) has walls, and a graph with the edges of a torus is periodic. A sweep
//! is as many supersteps as there are colours, and all voxels speak in each: it costs some hundred times what
//! the [block program](crate::programs::potts::run) does.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::graph::topology::Topology;
use crate::lattice::stencil::Step;
use crate::pregel::block::Vote;
use crate::pregel::vertex::{Vertex, VertexProgram};
use crate::programs::potts::dice::{Dice, Purpose, place};
use crate::programs::potts::model::WALL;
use crate::programs::potts::rule::Rule;

/// Runs a model for some sweeps, voxel by voxel.
#[derive(Clone, Debug)]
pub struct Voxelwise {
    /// The model.
    pub rule: Rule,
    /// Sweeps.
    pub sweeps: u64,
    /// The spins in the beginning, in raster order.
    pub start: Arc<[u32]>,
}

/// Spins of a voxel and those around it, by step: what it says is its own, what it hears the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Around([u32; 27]);

/// Nobody spoke.
impl Default for Around {
    fn default() -> Self {
        Self([WALL; 27])
    }
}

/// The number of a step among the 27 places around and at a voxel.
fn code([z, y, x]: Step) -> usize {
    ((z + 1) * 9 + (y + 1) * 3 + x + 1) as usize
}

/// A place has one speaker.
impl Combine for Around {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(ours, theirs)| *ours = (*ours).min(theirs));
    }
}

/// The volumes of cells.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volumes(BTreeMap<u32, u32>);

impl Combine for Volumes {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        other.0.into_iter().for_each(|(spin, volume)| *self.0.entry(spin).or_default() += volume);
    }
}

impl Voxelwise {
    /// Says the spin of a voxel to its neighbours, and counts it.
    fn speak<G: Topology<Edge = Step>>(&self, voxel: &mut Vertex<'_, G, Self>, spin: u32) {
        let mut said = Around::default();
        said.0[code([0; 3])] = spin;
        voxel.broadcast(said);
        if self.rule.needs_volumes() {
            voxel.contribute(Volumes([(spin, 1)].into()));
        }
    }
}

impl<G: Topology<Edge = Step>> VertexProgram<G> for Voxelwise {
    type State = u32;
    type Message = Around;
    type Global = Volumes;

    fn init(&self, voxel: &mut Vertex<'_, G, Self>) -> (u32, Vote) {
        let spin = self.start[voxel.id().0 as usize];
        self.speak(voxel, spin);
        (spin, Vote::Stay)
    }

    fn compute(&self, voxel: &mut Vertex<'_, G, Self>, spin: &mut u32, heard: Around) -> Vote {
        let step = voxel.superstep() - 1;
        if step / self.rule.model.steps() == self.sweeps {
            return Vote::Halt;
        }
        let at = self.rule.shape.voxel(voxel.id().0);
        if self.rule.model.turn(step).has(at) {
            let around: Vec<u32> = self.rule.steps.iter().map(|step| heard.0[code(*step)]).collect();
            let mut words = vec![0; self.rule.words()];
            let first = place(self.rule.shape, at) * words.len() as u128;
            Dice::new(self.rule.model.seed, Purpose::Attempts, step).fill(first, &mut words);
            let volume = |spin| voxel.global().0.get(&spin).copied().unwrap_or(0);
            *spin = self.rule.decide(*spin, &around, &words, volume);
        }
        self.speak(voxel, *spin);
        Vote::Stay
    }

    fn along(&self, step: Step, said: &Around) -> Around {
        // Who spoke is a step back from who hears.
        let mut heard = Around::default();
        heard.0[code(step.map(|along| -along))] = said.0[code([0; 3])];
        heard
    }
}
