//! Force balance by damped Jacobi, the plain way: each node moves to where its own springs would hold it, half
//! of the way at a time. `cargo run --release --example force_balance` bends a beam of springs and puts the
//! result beside that of conjugate gradients.

use septa::prelude::*;
use septa::programs::force::contact_springs::{AsGiven, Body, Springs};
use septa::programs::force::elastic::{Node, Spring};
use septa::programs::force::solve::{Stop, balance};
use septa::programs::force::vector::{Tensor, Vector};

/// Displacements of nodes that are held, moved or loaded.
#[derive(Clone, Copy, Debug)]
struct Jacobi;

impl VertexProgram<Springs> for Jacobi {
    type State = Vector;
    /// The force that neighbours pull with were this node not displaced, and the stiffness of its springs.
    type Message = (Vector, Tensor);
    /// How far the node went that went farthest.
    type Global = Max<f64>;

    fn init(&self, node: &mut Vertex<'_, Springs, Self>) -> (Vector, Vote) {
        let displacement = node.value().displacement;
        node.broadcast((displacement, Tensor::default()));
        node.contribute(Max(f64::INFINITY));
        (displacement, Vote::Stay)
    }

    fn along(&self, spring: Spring, (displacement, _): &Self::Message) -> Self::Message {
        (spring.pull(*displacement), spring.tensor())
    }

    fn compute(&self, node: &mut Vertex<'_, Springs, Self>, at: &mut Vector, (pull, own): Self::Message) -> Vote {
        let Node { held, load, .. } = node.value();
        let force = load.plus(pull).minus(own.times(*at)).free(held);
        let step = own.inverse(held).0.times(force).times(0.5);
        *at = at.plus(step);
        node.broadcast((*at, Tensor::default()));
        node.contribute(Max(step.length()));
        Vote::Stay
    }

    fn done(&self, _: u64, farthest: &Max<f64>) -> bool {
        farthest.0 < 1e-12
    }
}

/// A beam of 2 by 2 by 8 nodes along x, springs between all that are near, held at one end and loaded at the other.
fn beam() -> Body {
    let places: Vec<Vector> = (0..32).map(|at| Vector([at / 16, at / 8 % 2, at % 8].map(f64::from))).collect();
    let mut body = Body { labels: (1..=32).collect(), nodes: vec![Node::default(); 32], ..Body::default() };
    for (a, b) in (0..32).flat_map(|b| (0..b).map(move |a| (a, b))) {
        let between = places[b].minus(places[a]);
        if between.length() < 1.8 {
            let direction = between.times(1.0 / between.length());
            body.springs.push((a as u32, b as u32, Spring { stiffness: 1.0, direction, ..Spring::default() }));
        }
    }
    for (node, place) in body.nodes.iter_mut().zip(&places) {
        node.held = [place.0[2] == 0.0; 3];
        node.load = Vector([if place.0[2] == 7.0 { -0.001 } else { 0.0 }, 0.0, 0.0]);
    }
    Body { places, ..body }
}

fn main() -> Result<()> {
    let beam = beam();
    let runtime = Runtime::start(&Workers::threads(2))?;
    let (states, report) = runtime.vertices(&beam.graph_in(4)?, &Jacobi, &Config::default())?;
    let stop = Stop { tolerance: 1e-12, ..Stop::default() };
    let found = balance(&runtime, &beam.graph()?, &AsGiven, stop, &Config::default())?;
    let tip = |displacement: &Vector| displacement.0[0];
    println!("Jacobi: {} supersteps, the tip sinks by {:.9}", report.supersteps, -tip(&states[31].1));
    println!("gradients: {} iterations, {:.9}", found.iterations, -tip(&found.displacements[31]));
    let farthest = states.iter().zip(&found.displacements).map(|((_, a), b)| a.minus(*b).length()).fold(0.0, f64::max);
    println!("apart by {farthest:.1e} at most");
    assert!(farthest < 1e-7);
    Ok(())
}
