//! The contact graph as springs: nodes are the centroids of cells, and a contact of area A between centroids
//! at distance l is a spring of stiffness E A / l along the line between them.

use std::collections::BTreeMap;

use crate::disjoint::Disjoint;
use crate::error::{Error, Kind, Result};
use crate::graph::csr::Csr;
use crate::graph::cut::ranges;
use crate::graph::topology::{Block, Cut};
use crate::id::{Slot, VertexId};
use crate::lattice::summary::Summary;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::force::elastic::{Elastic, Node, Spring};
use crate::programs::force::law::{Drawn, Law};
use crate::programs::force::relaxation::relax;
use crate::programs::force::solve::{Balance, Solver, Stop, balance_by};
use crate::programs::force::vector::Vector;
use crate::volume::shape::Spacing;

/// Nodes of a block; their number does not depend on the workers.
const BLOCK: u64 = 2048;

/// How often what rounding left is balanced again.
const REPAIRS: usize = 4;

/// A graph of springs that carries what is asked of its nodes.
pub type Springs = Csr<Spring, Node>;

/// [`Springs`] as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsGiven;

impl Elastic<Springs> for AsGiven {
    #[inline(always)]
    fn spring(&self, edge: Spring) -> Spring {
        edge
    }

    fn node(&self, block: &<Springs as Cut>::Block, slot: Slot) -> Node {
        block.value(slot)
    }
}

/// Cells and their contacts as a body of springs.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// The label of each node, ascending.
    pub labels: Vec<u64>,
    /// Where it is, in the unit of the spacing.
    pub places: Vec<Vector>,
    /// What is asked of it.
    pub nodes: Vec<Node>,
    /// The two nodes of each spring, the smaller first, and the spring.
    pub springs: Vec<(u32, u32, Spring)>,
    /// How springs resist.
    pub law: Law,
}

/// What a body does under displacements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// How far each spring is drawn out; shorter where negative.
    pub elongations: Vec<f64>,
    /// The force in it: pulls where positive.
    pub tensions: Vec<f64>,
    /// What holds each node in place: along free axes as much as is out of balance, along held ones the reaction.
    pub reactions: Vec<Vector>,
    /// Half of the energy of the springs of each node.
    pub energies: Vec<f64>,
}

impl Body {
    /// Cells that touch, of elastic modulus `modulus`; nothing is held or loaded.
    ///
    /// # Errors
    /// Where two cells that touch have the same centroid, and so no direction; 2^32 cells.
    pub fn of_contacts(summary: &Summary, spacing: &Spacing, modulus: f64) -> Result<Self> {
        if summary.cells.len() >= u32::MAX as usize {
            return Err(Error::resource("2^32 cells or more"));
        }
        let labels: Vec<u64> = summary.cells.keys().copied().collect();
        let place = |centroid: [f64; 3]| Vector(std::array::from_fn(|axis| centroid[axis] * spacing.zyx[axis]));
        let places: Vec<Vector> = summary.cells.values().map(|cell| place(cell.moments.centroid())).collect();
        let node = |label: &u64| labels.binary_search(label).ok();
        let mut springs = Vec::with_capacity(summary.contacts.len());
        for ((a, b), contact) in &summary.contacts {
            let (Some(from), Some(to)) = (node(a), node(b)) else { continue };
            let between = places[to].minus(places[from]);
            let length = between.length();
            if length == 0.0 {
                let what = format!(
                    "cells {a} and {b} touch and have one centroid: there is no direction between them; join the two, or leave one out"
                );
                return Err(Error::usage(what));
            }
            let stiffness = modulus * contact.area(spacing) / length;
            if stiffness > 0.0 {
                let direction = between.times(1.0 / length);
                springs.push((from as u32, to as u32, Spring { stiffness, direction, ..Spring::default() }));
            }
        }
        Ok(Self { nodes: vec![Node::default(); labels.len()], labels, places, springs, law: Law::default() })
    }

    /// The graph of its springs, to balance, in blocks whose number depends on the body alone.
    ///
    /// # Errors
    /// As [`Csr::undirected`].
    pub fn graph(&self) -> Result<Springs> {
        self.graph_in(self.blocks())
    }

    /// How many blocks its graph has.
    pub(super) fn blocks(&self) -> u32 {
        (self.nodes.len() as u64).div_ceil(BLOCK).clamp(1, 256) as u32
    }

    /// The same in so many blocks.
    ///
    /// # Errors
    /// As [`Csr::undirected`].
    pub fn graph_in(&self, blocks: u32) -> Result<Springs> {
        let count = self.nodes.len() as u64;
        let edges: Vec<_> = self
            .springs
            .iter()
            .map(|(a, b, spring)| (VertexId(u64::from(*a)), VertexId(u64::from(*b)), *spring))
            .collect();
        Csr::undirected(count, &edges, blocks, ranges(count, blocks))?.with_values(self.nodes.clone())
    }

    /// What it does under displacements.
    pub fn response(&self, displacements: &[Vector]) -> Response {
        let nodes = || self.nodes.iter().zip(displacements);
        let founded = |(node, at): (&Node, &Vector)| Vector::default().minus(node.load).plus(at.times(node.foundation));
        let mut response = Response {
            reactions: nodes().map(founded).collect(),
            energies: nodes().map(|(node, at)| 0.5 * node.foundation * at.dot(*at)).collect(),
            ..Response::default()
        };
        for (a, b, spring) in &self.springs {
            let Drawn { elongation, direction, .. } = self.drawn(*a, *b, spring, displacements);
            let (a, b) = (*a as usize, *b as usize);
            let resisted = self.law.resisted(elongation);
            let tension = spring.stiffness * resisted;
            let mut pull = direction.times(tension);
            if spring.across != 0.0 {
                pull = spring.pull(displacements[b].minus(displacements[a]));
            }
            response.reactions[a] = response.reactions[a].minus(pull);
            response.reactions[b] = response.reactions[b].plus(pull);
            let energy = tension * resisted / 4.0;
            response.energies[a] += energy;
            response.energies[b] += energy;
            response.elongations.push(elongation);
            response.tensions.push(tension);
        }
        response
    }

    /// A spring under displacements of its nodes.
    pub(super) fn drawn(&self, a: u32, b: u32, spring: &Spring, displacements: &[Vector]) -> Drawn {
        let (a, b) = (a as usize, b as usize);
        let moved = displacements[b].minus(displacements[a]);
        match self.law.large {
            true => self.law.draw(self.places[b].minus(self.places[a]), moved),
            false => Drawn { elongation: moved.dot(spring.direction), direction: spring.direction, length: f64::NAN },
        }
    }

    /// The largest stiffness, and the largest force that loads and given displacements can make with it, as powers
    /// of two.
    pub(super) fn scales(&self) -> (f64, f64) {
        let power = |number: f64| if number > 0.0 { number.log2().floor().exp2() } else { 1.0 };
        let stiffness = power(self.springs.iter().map(|(.., spring)| spring.stiffness).fold(0.0, f64::max));
        let most = |of: &dyn Fn(&Node) -> Vector| {
            self.nodes.iter().flat_map(|node| of(node).0).map(f64::abs).fold(0.0, f64::max)
        };
        (stiffness, power(most(&|node| node.load).max(stiffness * most(&|node| node.displacement))))
    }

    /// The same body in units in which its stiffness and forces are near 1. Powers of two change no digit.
    pub(super) fn scaled(&self, (stiffness, force): (f64, f64)) -> Self {
        let mut body = self.clone();
        for (.., spring) in &mut body.springs {
            spring.stiffness /= stiffness;
            spring.across /= stiffness;
        }
        body.places.iter_mut().for_each(|place| *place = place.times(stiffness / force));
        for node in &mut body.nodes {
            node.load = node.load.times(1.0 / force);
            node.foundation /= stiffness;
            node.displacement = node.displacement.times(stiffness / force);
        }
        body
    }

    /// Balances its forces: by conjugate gradients where they are linear, else by FIRE. Where rounding has led
    /// gradients astray the rest is balanced again.
    ///
    /// # Errors
    /// As [`balance`](crate::programs::force::solve::balance); numbers that leave the range of floats; where rounding keeps it from the tolerance; where
    /// forces that are not linear find no balance, with the cells that nothing holds.
    pub fn balance(&self, runtime: &Runtime, stop: Stop, config: &Config) -> Result<Balance> {
        self.balance_by(Solver::Gradients, runtime, stop, config)
    }

    /// The same; where forces are linear by a solver of one's choice.
    ///
    /// # Errors
    /// As [`balance`](Self::balance).
    pub fn balance_by(&self, solver: Solver, runtime: &Runtime, stop: Stop, config: &Config) -> Result<Balance> {
        let scales = self.scales();
        let back = scales.1 / scales.0;
        let finite = self.springs.iter().all(|(.., spring)| spring.stiffness.is_finite())
            && [scales.0, scales.1, back, 1.0 / back].iter().all(|scale| scale.is_normal());
        if !finite {
            return Err(Error::usage("stiffness and forces are too large or too small for floats: choose other units"));
        }
        let body = self.scaled(scales);
        let mut found = match self.law.is_linear() {
            true => body.balance_linear(solver, runtime, stop, config)?,
            false => relax(runtime, &body, stop, config)?,
        };
        found.displacements.iter_mut().for_each(|displacement| *displacement = displacement.times(back));
        Ok(found)
    }

    pub(super) fn balance_linear(
        &self,
        solver: Solver,
        runtime: &Runtime,
        stop: Stop,
        config: &Config,
    ) -> Result<Balance> {
        let mut found = balance_by(solver, runtime, &self.graph()?, &AsGiven, stop, config)?;
        for repair in 0..=REPAIRS {
            let residual = if found.displacements.is_empty() { 0.0 } else { self.residual(&found.displacements) };
            // Process 0 has the displacements; the others say nothing.
            found.residual = runtime.all_gather(Ok(residual))?.into_iter().sum();
            if found.residual <= stop.tolerance {
                break;
            }
            if repair == REPAIRS || found.residual.is_nan() {
                let what = "and rounding lets them come no nearer: give a larger tolerance";
                let what = format!("forces are out of balance by {:.1e}, {what}", found.residual);
                return Err(Error::new(Kind::Program, what));
            }
            let response = self.response(&found.displacements);
            let left: Vec<Vector> =
                response.reactions.into_iter().zip(&self.nodes).map(|(r, n)| r.free(n.held)).collect();
            let left = runtime.all_gather(Ok(if runtime.workers().is_first() { left } else { Vec::new() }))?.concat();
            let mut rest = self.clone();
            for (node, left) in rest.nodes.iter_mut().zip(left) {
                (node.displacement, node.load) = (Vector::default(), Vector::default().minus(left));
            }
            let stop = Stop { tolerance: 0.5 * stop.tolerance / found.residual, ..stop };
            // Short beside the first, which is what was saved.
            let more = balance_by(solver, runtime, &rest.graph()?, &AsGiven, stop, &Config::default())?;
            found.iterations += more.iterations;
            found.displacements.iter_mut().zip(more.displacements).for_each(|(all, more)| *all = all.plus(more));
        }
        Ok(found)
    }

    /// What is displaced in the beginning: what is given.
    pub fn given(&self) -> Vec<Vector> {
        self.nodes.iter().map(|node| node.displacement.held(node.held)).collect()
    }

    /// The share of the forces of the beginning, when only what is given is displaced, that is out of balance
    /// under displacements: found anew, from the springs.
    pub fn residual(&self, displacements: &[Vector]) -> f64 {
        let beginning = self.out_of_balance(&self.response(&self.given()));
        if beginning > 0.0 { self.out_of_balance(&self.response(displacements)) / beginning } else { 0.0 }
    }

    pub(super) fn out_of_balance(&self, response: &Response) -> f64 {
        let free = || response.reactions.iter().zip(&self.nodes).map(|(reaction, node)| reaction.free(node.held));
        // By the largest, so that no square leaves the range of floats.
        let largest = free().flat_map(|force| force.0).map(f64::abs).fold(0.0, f64::max);
        let square = |force: Vector| force.times(1.0 / largest).dot(force.times(1.0 / largest));
        if largest > 0.0 { largest * free().map(square).sum::<f64>().sqrt() } else { largest }
    }

    /// The reaction on each node: what holds it along held axes.
    pub fn reactions(&self, response: &Response) -> Vec<Vector> {
        response.reactions.iter().zip(&self.nodes).map(|(reaction, node)| reaction.held(node.held)).collect()
    }

    /// Pieces that hang together and of which nothing is held: the smallest label of each, and its cells.
    pub fn free_bodies(&self) -> BTreeMap<u64, u64> {
        let mut sets = Disjoint::new(self.nodes.len());
        self.springs.iter().for_each(|(a, b, _)| sets.join(*a, *b));
        let (body, count) = sets.number();
        let mut bodies = vec![(u64::MAX, 0, false); count as usize];
        for ((body, label), node) in body.iter().zip(&self.labels).zip(&self.nodes) {
            let body = &mut bodies[*body as usize];
            *body = (body.0.min(*label), body.1 + 1, body.2 || node.held.contains(&true));
        }
        bodies.into_iter().filter(|(.., held)| !held).map(|(label, cells, _)| (label, cells)).collect()
    }
}
