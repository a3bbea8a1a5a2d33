//! The stiffness of the nodes of a block, the forces on them, and what blocks tell each other: what solvers share.

use std::ops::Range;

use crate::combine::Combine;
use crate::graph::topology::{Block, Topology};
use crate::id::Slot;
use crate::pregel::block::Superstep;
use crate::programs::force::elastic::{Elastic, Node};
use crate::programs::force::vector::{Tensor, Vector};

/// By slot: where displacements are given, the stiffness of each node alone, and the inverse of that where it is
/// free. Springs pull at two nodes each, so the stiffness of all is at most twice that of nodes alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Stiffness {
    pub(super) held: Vec<[bool; 3]>,
    pub(super) own: Vec<Tensor>,
    pub(super) inverse: Vec<Tensor>,
}

/// The runs of owned slots of a block.
pub(super) fn runs<B: Block>(block: &B) -> impl Iterator<Item = Range<usize>> {
    block.rows().flat_map(|row| block.owned(row))
}

/// What springs pull each owned node with, were the others displaced by what was said and this one not.
pub(super) fn pulls<G: Topology>(model: &impl Elastic<G>, block: &G::Block, said: &[Vector], image: &mut [Vector]) {
    for row in block.rows() {
        let (first, last) = (row.start, row.end);
        block.gather(row, said, &mut image[first..last], |edge, said| model.spring(edge).pull(*said));
    }
}

/// The displacements that are given, by slot; 0 along axes that are free.
pub(super) fn given<G: Topology>(model: &impl Elastic<G>, block: &G::Block) -> Vec<Vector> {
    let mut given = vec![Vector::default(); block.slots()];
    for at in runs(block).flatten() {
        let node = model.node(block, Slot(at as u32));
        given[at] = node.displacement.held(node.held);
    }
    given
}

/// Tells the other blocks what the border says.
pub(super) fn tell<B: Block, Gl>(block: &B, at: &mut Superstep<'_, Vec<Vector>, Gl>, said: &[Vector])
where
    Gl: Combine + Default,
{
    for seam in block.seams() {
        let mut words = Vec::new();
        seam.gather(said, &mut words);
        at.send(seam.to, words);
    }
}

impl Stiffness {
    /// That of the nodes of a block.
    pub(super) fn of<G: Topology>(model: &impl Elastic<G>, block: &G::Block) -> Self {
        let slots = block.slots();
        let mut all = Self {
            held: vec![[true; 3]; slots],
            own: vec![Tensor::default(); slots],
            inverse: vec![Tensor::default(); slots],
        };
        for at in runs(block).flatten() {
            let slot = Slot(at as u32);
            let mut stiffness = Tensor::default();
            block.each_source(slot, |_, edge| stiffness.combine(model.spring(edge).tensor()));
            let Node { held, foundation, .. } = model.node(block, slot);
            if foundation != 0.0 {
                stiffness.combine(Tensor::isotropic(foundation));
            }
            (all.held[at], all.own[at]) = (held, stiffness);
            all.inverse[at] = stiffness.inverse(held).0;
        }
        all
    }

    /// The force that is out of balance on the node in a slot, displaced, when others pull at it.
    #[inline]
    pub(super) fn left(&self, at: usize, node: &Node, displaced: Vector, pull: Vector) -> Vector {
        node.load.plus(pull).minus(self.own[at].times(displaced)).free(node.held)
    }
}
