//! Bodies of springs to balance.

use septa::pregel::runtime::Runtime;
use septa::programs::force::contact_springs::Body;
use septa::programs::force::elastic::{Node, Spring};
use septa::programs::force::vector::Vector;
use septa::workers::Workers;

use super::random::Random;

pub(crate) fn runtime(threads: usize) -> Runtime {
    Runtime::start(&Workers::threads(threads)).unwrap()
}

/// A body of springs of these stiffnesses between nodes at these places.
pub(crate) fn body(places: &[[f64; 3]], springs: &[(u32, u32, f64)]) -> Body {
    let places: Vec<Vector> = places.iter().copied().map(Vector).collect();
    let spring = |(a, b, stiffness): &(u32, u32, f64)| {
        let between = places[*b as usize].minus(places[*a as usize]);
        let direction = between.times(1.0 / between.length());
        (*a, *b, Spring { stiffness: *stiffness, direction, ..Spring::default() })
    };
    let springs = springs.iter().map(spring).collect();
    let (labels, nodes) = ((1..=places.len() as u64).collect(), vec![Node::default(); places.len()]);
    Body { labels, nodes, springs, places, ..Body::default() }
}

pub(crate) fn hold(body: &mut Body, node: usize, displacement: [f64; 3]) {
    body.nodes[node].held = [true; 3];
    body.nodes[node].displacement = Vector(displacement);
}

/// A frame drawn at random: nodes in a box, springs between most of those that are near.
pub(crate) fn frame(random: &mut Random, nodes: usize, near: f64) -> Body {
    let unit = |random: &mut Random| random.below(1 << 20) as f64 / f64::from(1 << 20);
    let places: Vec<[f64; 3]> = (0..nodes).map(|_| std::array::from_fn(|_| unit(random))).collect();
    let mut springs = Vec::new();
    for (a, b) in (0..nodes).flat_map(|b| (0..b).map(move |a| (a, b))) {
        let length = Vector(places[b]).minus(Vector(places[a])).length();
        if length < near && random.below(8) > 0 {
            springs.push((a as u32, b as u32, 0.1 + 3.0 * unit(random)));
        }
    }
    body(&places, &springs)
}
