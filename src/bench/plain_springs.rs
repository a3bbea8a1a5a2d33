//! The plain kernel of force balance: a cube of nodes, each joined to 18 others, conjugate gradients on one
//! thread without a preconditioner. It knows nothing of graphs and blocks.

use crate::programs::force::vector::Vector;

/// Steps to the neighbours, and the direction of the spring there.
fn springs() -> Vec<([isize; 3], Vector)> {
    let all = (0..27).map(|code| [code / 9 - 1, code / 3 % 3 - 1, code % 3 - 1]);
    let near = all.filter(|step: &[isize; 3]| (1..3).contains(&step.iter().map(|along| along.abs()).sum::<isize>()));
    let spring = |step: [isize; 3]| {
        let axes = step.iter().map(|along| along.abs()).sum::<isize>() as f64;
        (step, Vector(step.map(|along| along as f64 / axes.sqrt())))
    };
    near.map(spring).collect()
}

/// A cube with a clamped bottom and a top that is clamped too and drawn out along z.
pub struct Cube {
    edge: usize,
    springs: Vec<([isize; 3], Vector)>,
}

impl Cube {
    /// So many nodes along each axis.
    pub fn new(edge: usize) -> Self {
        Self { edge, springs: springs() }
    }

    /// What holds each node of the inside where it is under displacements; nothing at the clamps.
    fn forces(&self, displacements: &[Vector]) -> Vec<Vector> {
        let edge = self.edge as isize;
        let mut forces = vec![Vector::default(); displacements.len()];
        for (z, y, x) in (1..edge - 1).flat_map(|z| (0..edge).flat_map(move |y| (0..edge).map(move |x| (z, y, x)))) {
            let at = ((z * edge + y) * edge + x) as usize;
            let mut force = Vector::default();
            for ([dz, dy, dx], direction) in &self.springs {
                let (y, x) = (y + dy, x + dx);
                if (0..edge).contains(&y) && (0..edge).contains(&x) {
                    let other = (((z + dz) * edge + y) * edge + x) as usize;
                    let elongation = direction.dot(displacements[at].minus(displacements[other]));
                    force = force.plus(direction.times(elongation));
                }
            }
            forces[at] = force;
        }
        forces
    }

    /// The displacements that balance a stretch of the top, and the iterations.
    pub fn solve(&self, stretch: f64, tolerance: f64) -> (Vec<Vector>, u64) {
        let layer = self.edge * self.edge;
        let nodes = layer * self.edge;
        let mut found = vec![Vector::default(); nodes];
        found[nodes - layer..].fill(Vector([stretch, 0.0, 0.0]));
        let mut residual: Vec<Vector> = self.forces(&found).into_iter().map(|force| force.times(-1.0)).collect();
        let mut direction = residual.clone();
        let product = |a: &[Vector], b: &[Vector]| a.iter().zip(b).map(|(a, b)| a.dot(*b)).sum::<f64>();
        let beginning = product(&residual, &residual);
        let (mut square, mut iterations) = (beginning, 0);
        while square > tolerance * tolerance * beginning {
            let image = self.forces(&direction);
            let alpha = square / product(&direction, &image);
            for node in 0..nodes {
                found[node] = found[node].plus(direction[node].times(alpha));
                residual[node] = residual[node].minus(image[node].times(alpha));
            }
            let next = product(&residual, &residual);
            for node in 0..nodes {
                direction[node] = residual[node].plus(direction[node].times(next / square));
            }
            (square, iterations) = (next, iterations + 1);
        }
        (found, iterations)
    }
}
