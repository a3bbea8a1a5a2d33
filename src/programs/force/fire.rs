//! FIRE, the fast inertial relaxation engine: displacements of nodes at which the forces of any springs balance.
//!
//! Nodes fly under the forces on them; their velocities are turned towards those forces, time steps grow while they
//! go downhill, and where they go uphill all stop half a step back (Bitzek et al. 2006, in the form of Guénolé et
//! al. 2020: half steps back, semi-implicit Euler). A node has the mass of the stiffness of its springs, so that no
//! frequency is above the root of 2 whatever the springs, and the longest time step is known beforehand.
//!
//! An iteration is two supersteps: one that hears displacements and sums up, one that learns the sums and moves. Forces
//! at a node are added in the order of its sources and sums of blocks in the order of blocks, and every block
//! draws the same conclusions from the same sums: the same bits for any workers and placement. Cost of an iteration:
//! O(springs). Memory: 110 bytes a slot.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::Result;
use crate::graph::csr::Csr;
use crate::graph::topology::{Block, Cut};
use crate::id::{BlockId, Slot};
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::force::elastic::Node;
use crate::programs::force::fire_steps::{End, Move, Pace};
use crate::programs::force::gradients::Found;
use crate::programs::force::law::Law;
use crate::programs::force::solve::Stop;
use crate::programs::force::stiffness::{runs, tell};
use crate::programs::force::vector::Vector;

/// A graph of springs by their stiffness, between nodes that have places.
pub type Placed = Csr<f64, Place>;

/// A node where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// At rest.
    pub place: Vector,
    /// What is asked of it.
    pub node: Node,
    /// The displacement that it begins with along axes that are not held.
    pub start: Vector,
}

/// Finds displacements.
#[derive(Clone, Copy, Debug)]
pub struct Fire {
    /// What springs do.
    pub law: Law,
    /// When it ends.
    pub stop: Stop,
}

/// Sums over all nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Forces and velocities.
    pub(super) power: f64,
    /// Forces on free axes, squared: over masses, and as they are.
    pub(super) driving: f64,
    pub(super) residual: f64,
    /// Velocities squared, times masses.
    pub(super) speed: f64,
    /// The residual when only what is given is displaced.
    pub(super) beginning: f64,
    /// Forces on held axes, squared.
    pub(super) reaction: f64,
    /// Whether and why it ends; every block says the same.
    pub(super) end: Option<End>,
}

impl Sums {
    /// The share of the forces of the beginning that is out of balance.
    pub(super) fn relative(&self) -> f64 {
        if self.beginning > 0.0 { (self.residual / self.beginning).sqrt() } else { self.residual.sqrt() }
    }
}

impl Combine for Sums {
    const ORDER_FREE: bool = false;

    fn combine(&mut self, other: Self) {
        self.power += other.power;
        self.driving += other.driving;
        self.residual += other.residual;
        self.speed += other.speed;
        self.beginning += other.beginning;
        self.reaction += other.reaction;
        self.end = self.end.or(other.end);
    }
}

/// A block's share, by slot; what is not owned has a place and a displacement alone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Share {
    place: Vec<Vector>,
    displacement: Vec<Vector>,
    velocity: Vec<Vector>,
    /// On free axes.
    force: Vec<Vector>,
    beginning: f64,
    pace: Pace,
    /// Where displacements are given, loads, and what masses are divided by; not saved.
    #[serde(skip)]
    node: Vec<Node>,
    #[serde(skip)]
    lightness: Vec<f64>,
}

impl Fire {
    /// What the nodes and springs of a block are, again.
    fn weigh(block: &<Placed as Cut>::Block, share: &mut Share) {
        share.node = vec![Node::default(); block.slots()];
        share.lightness = vec![1.0; block.slots()];
        for at in runs(block).flatten() {
            let slot = Slot(at as u32);
            share.node[at] = block.value(slot).node;
            let mut mass = share.node[at].foundation;
            block.each_source(slot, |_, stiffness| mass += stiffness);
            if mass > 0.0 {
                share.lightness[at] = 1.0 / mass;
            }
        }
    }

    /// The forces on a block's own nodes, and what they sum to.
    fn forces(&self, block: &<Placed as Cut>::Block, share: &mut Share) -> Sums {
        let mut sums = Sums { beginning: share.beginning, ..Sums::default() };
        let Share { place, displacement, velocity, force, node, lightness, .. } = share;
        for at in runs(block).flatten() {
            let (here, moved) = (place[at], displacement[at]);
            let mut pulled = node[at].load.minus(moved.times(node[at].foundation));
            block.each_source(Slot(at as u32), |source, stiffness| {
                let other = source.index();
                let drawn = self.law.draw(place[other].minus(here), displacement[other].minus(moved));
                pulled = pulled.plus(drawn.direction.times(stiffness * self.law.resisted(drawn.elongation)));
            });
            let (free, held) = (pulled.free(node[at].held), pulled.held(node[at].held));
            force[at] = free;
            let square = free.dot(free);
            sums.residual += square;
            sums.driving += square * lightness[at];
            sums.reaction += held.dot(held);
            sums.power += free.dot(velocity[at]);
            sums.speed += velocity[at].dot(velocity[at]) / lightness[at];
        }
        sums
    }

    /// Moves a block's own nodes.
    fn fly(block: &<Placed as Cut>::Block, share: &mut Share, Move { back, keep, gain, step }: Move) {
        let Share { displacement, velocity, force, lightness, .. } = share;
        for at in runs(block).flatten() {
            let before = velocity[at];
            velocity[at] = before.times(keep).plus(force[at].times(gain * lightness[at]));
            displacement[at] = displacement[at].plus(velocity[at].times(step)).minus(before.times(back));
        }
    }
}

impl BlockProgram<Placed> for Fire {
    type State = Share;
    type Parcel = Vec<Vector>;
    type Global = Sums;
    type Output = Found;

    fn init(&self, _: &Placed, block: &<Placed as Cut>::Block) -> Result<Share> {
        let none = || vec![Vector::default(); block.slots()];
        let mut share = Share {
            place: none(),
            displacement: none(),
            velocity: none(),
            force: none(),
            pace: Pace::new(),
            ..Share::default()
        };
        Self::weigh(block, &mut share);
        for at in runs(block).flatten() {
            let Place { place, node, .. } = block.value(Slot(at as u32));
            share.place[at] = place;
            share.displacement[at] = node.displacement.held(node.held);
        }
        Ok(share)
    }

    fn restored(&self, _: &Placed, block: &<Placed as Cut>::Block, share: &mut Share) -> Result<()> {
        Self::weigh(block, share);
        Ok(())
    }

    /// Superstep 0 tells places, 1 what is displaced in the beginning, 2 finds the forces of that; then it goes on
    /// from the start in pairs of supersteps.
    fn compute(
        &self,
        at: &mut Superstep<'_, Vec<Vector>, Sums>,
        block: &<Placed as Cut>::Block,
        share: &mut Share,
        mail: Vec<(BlockId, Vec<Vector>)>,
    ) -> Result<Vote> {
        let heard = if at.number() == 1 { &mut share.place } else { &mut share.displacement };
        mail.iter().for_each(|(from, said)| block.seam(*from).scatter(said, heard));
        match at.number() {
            0 | 1 => {}
            2 => {
                share.beginning = self.forces(block, share).residual;
                for at in runs(block).flatten() {
                    let Place { node, start, .. } = block.value(Slot(at as u32));
                    share.displacement[at] = node.displacement.held(node.held).plus(start.free(node.held));
                }
            }
            number if !number.is_multiple_of(2) => {
                let sums = self.forces(block, share);
                at.contribute(sums);
                return Ok(Vote::Stay);
            }
            _ => match share.pace.next(at.global(), self.stop) {
                Ok(step) => Self::fly(block, share, step),
                Err(end) => {
                    let Sums { residual, beginning, .. } = *at.global();
                    // One block tells what all know.
                    let told = if at.block() == BlockId(0) { (residual, beginning) } else { (0.0, 0.0) };
                    at.contribute(Sums { residual: told.0, beginning: told.1, end: Some(end), ..Sums::default() });
                    return Ok(Vote::Stay);
                }
            },
        }
        let told = if at.number() == 0 { &share.place } else { &share.displacement };
        tell(block, at, told);
        Ok(Vote::Stay)
    }

    fn done(&self, _: u64, sums: &Sums) -> bool {
        sums.end.is_some()
    }

    fn finish(&self, block: &<Placed as Cut>::Block, share: Share) -> Result<Found> {
        Ok(Found::of(block, &share.displacement, share.pace.history))
    }
}
