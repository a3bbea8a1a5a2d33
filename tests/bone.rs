//! Elasticity of voxels: closed forms, bounds, a plain solution, and the same bits for any workers.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::sync::Arc;

use septa::lattice::tiling::Tiling;
use septa::pregel::run::{Checkpoint, Config, Every};
use septa::pregel::runtime::Runtime;
use septa::programs::force::bone::Press;
use septa::programs::force::elements::element::Element;
use septa::programs::force::elements::settle::{Settled, settle};
use septa::programs::force::elements::solver::{Solver, cut};
use septa::programs::force::elements::stiff::Stiff;
use septa::programs::force::elements::supports::{Support, Supports};
use septa::programs::force::plane::Plane;
use septa::programs::force::solve::Stop;
use septa::programs::force::vector::Vector;
use septa::volume::memory::Memory;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::source::VolumeSource;
use septa::volume::voxel::Voxels;
use septa::workers::Workers;

use random::Random;

const STOP: Stop = Stop { tolerance: 1e-12, iterations: 2000 };

/// A volume of moduli.
fn volume(shape: [usize; 3], of: impl Fn([usize; 3]) -> f64) -> Memory {
    let shape = Shape(shape);
    let values: Vec<f64> = (0..shape.voxels().unwrap()).map(|at| of(shape.voxel(at))).collect();
    Memory::new("body", Voxels::from_vec(shape, values), Spacing::default())
}

fn solve(runtime: &Runtime, volume: &Memory, element: &Element, supports: &Supports, edge: usize) -> Settled {
    let shape = volume.header().shape;
    let tiling = Tiling::with_grid(Arc::new(volume.clone()), cut(shape, Some(edge)).unwrap()).unwrap();
    let stiff = Stiff::Elements { element: Box::new(element.clone()), power: Some(1.0) };
    let mut solver = Solver::new(stiff, supports.clone(), STOP, &tiling).unwrap();
    solver.displacements = true;
    settle(runtime, &tiling, &solver, &Config::default()).unwrap()
}

/// Rollers at the near faces and a smooth plate that draws the far end along z out by a hundredth.
fn rollers(shape: [usize; 3]) -> Supports {
    let near = |axis| Support::smooth(Plane { axis, far: false }, 0.0);
    let far = Support::smooth(Plane { axis: 0, far: true }, 0.01 * shape[0] as f64);
    Supports(vec![near(0), far, near(1), near(2)])
}

/// The modulus that a body shows between smooth plates, beside walls.
fn apparent(runtime: &Runtime, shape: [usize; 3], element: &Element, of: impl Fn([usize; 3]) -> f64) -> f64 {
    let found = solve(runtime, &volume(shape, of), element, &rollers(shape), 4);
    let [below, above] = [0, 1].map(|support| found.reactions[support].0[0]);
    assert!((below + above).abs() < 1e-9 * above.abs(), "{below} {above}");
    assert!(found.residual <= STOP.tolerance);
    above / (shape[1] * shape[2]) as f64 / 0.01
}

fn runtime(workers: usize) -> Runtime {
    Runtime::start(&Workers::threads(workers)).unwrap()
}

fn close(found: f64, expected: f64, apart: f64) {
    assert!((found - expected).abs() <= apart * expected.abs(), "{found} for {expected}");
}

#[test]
fn a_uniform_bar_has_the_modulus_of_its_springs() {
    let runtime = runtime(2);
    for (k2, k3, expected) in [(1.0, 0.0, 2.5), (1.0, 0.375, 3.75), (0.0, 0.375, 1.25)] {
        let element = Element::springs([k2 + 8.0 * k3 / 3.0, k2, k3]);
        for shape in [[6, 5, 4], [2, 3, 1], [9, 20, 11]] {
            close(apparent(&runtime, shape, &element, |_| 1.0), expected, 1e-9);
        }
    }
}

#[test]
fn springs_along_edges_alone_are_layers_in_series_and_in_parallel() {
    let (runtime, edges_only) = (runtime(1), Element::springs([1.0, 0.0, 0.0]));
    let shape = [8, 6, 4];
    close(apparent(&runtime, shape, &edges_only, |[z, ..]| if z % 2 == 0 { 1.0 } else { 4.0 }), 1.6, 1e-9);
    close(apparent(&runtime, shape, &edges_only, |[_, y, _]| if y % 2 == 0 { 1.0 } else { 4.0 }), 2.5, 1e-9);
    close(apparent(&runtime, shape, &edges_only, |[.., x]| if x < 2 { 1.0 } else { 4.0 }), 2.5, 1e-9);
}

/// The displacement of every node, by node.
fn displacements(found: &Settled) -> Vec<([usize; 3], [f64; 3])> {
    let mut all = Vec::new();
    for block in &found.found {
        block.each_displacement(|node, Vector(displacement)| all.push((node, displacement)));
    }
    all.sort_unstable_by_key(|(node, _)| *node);
    all
}

/// Patch test: where nodes of all faces follow a uniform strain, those inside do.
#[test]
fn a_body_whose_plates_follow_a_uniform_strain_follows_it() {
    let runtime = runtime(2);
    for (nu, edges) in [(0.25, [1.0; 3]), (0.3, [2.0, 1.0, 1.0]), (-0.2, [1.0, 1.5, 1.0]), (0.45, [1.0; 3])] {
        let element = Element::hexahedron(nu, edges);
        let shape = [7, 6, 9];
        let [ez, ey, ex] = element.edges();
        // Drawn out along z between walls that give way as far as Poisson's ratio says.
        let face = |axis, far, to| Support::smooth(Plane { axis, far }, to);
        let far = [0.01 * 7.0 * ez, -nu * 0.01 * 6.0 * ey, -nu * 0.01 * 9.0 * ex];
        let supports = (0..3).flat_map(|axis| [face(axis, false, 0.0), face(axis, true, far[axis])]).collect();
        let found = solve(&runtime, &volume(shape, |_| 1.0), &element, &Supports(supports), 4);
        for (node, displacement) in displacements(&found) {
            for axis in 0..3 {
                let expected = far[axis] * node[axis] as f64 / shape[axis] as f64;
                assert!((displacement[axis] - expected).abs() < 1e-11, "{node:?} {axis}");
            }
        }
        close(found.reactions[1].0[0], 0.01 * 6.0 * ey * 9.0 * ex, 1e-9);
        assert!((2..6).all(|wall| found.reactions[wall].0[wall / 2].abs() < 1e-9));
    }
}

/// Cubes of so many voxels of two phases, at random.
fn phases(seed: u64, cubes: usize, share: u64) -> Vec<bool> {
    let mut random = Random(seed);
    (0..cubes * cubes * cubes).map(|_| random.below(100) < share).collect()
}

#[test]
fn random_phases_lie_between_the_bounds() {
    let runtime = runtime(2);
    let cubes = 6;
    for (element, modulus) in [(Element::springs([2.0, 1.0, 0.375]), 3.75), (Element::hexahedron(0.25, [1.0; 3]), 1.0)]
    {
        // Phases of single voxels are stiffer than they should be, as all coarse elements are; cubes of four are not.
        for (side, stiff) in [(1, 10.0), (4, 4.0)] {
            let (mut found, mut fraction) = (0.0, 0.0);
            for seed in 0..5 {
                let phases = phases(seed, cubes, 50);
                let cube = |[z, y, x]: [usize; 3]| phases[(z / side * cubes + y / side) * cubes + x / side];
                let of = |voxel| if cube(voxel) { stiff } else { 1.0 };
                let here = phases.iter().filter(|phase| **phase).count() as f64 / phases.len() as f64;
                let apparent = apparent(&runtime, [side * cubes; 3], &element, of) / modulus;
                let (reuss, voigt) = (1.0 / (here / stiff + (1.0 - here)), here * stiff + 1.0 - here);
                assert!(reuss < apparent && apparent < voigt, "{reuss} {apparent} {voigt}");
                (found, fraction) = (found + apparent / 5.0, fraction + here / 5.0);
            }
            let [lower, upper] = hashin_shtrikman(stiff, fraction);
            assert!(side == 1 || 0.95 * lower <= found && found <= 1.05 * upper, "{lower} {found} {upper}");
        }
    }
}

/// The bounds of Hashin and Shtrikman on the modulus of two phases of moduli 1 and `stiff`, both of Poisson's ratio
/// 1/4.
fn hashin_shtrikman(stiff: f64, fraction: f64) -> [f64; 2] {
    let bulk = |modulus: f64| modulus / (3.0 * (1.0 - 0.5));
    let shear = |modulus: f64| modulus / 2.5;
    // Of a matrix `a` with a share `f` of `b`.
    let of = |a: f64, b: f64, f: f64| {
        let (ka, kb, ga, gb) = (bulk(a), bulk(b), shear(a), shear(b));
        let k = ka + f / (1.0 / (kb - ka) + 3.0 * (1.0 - f) / (3.0 * ka + 4.0 * ga));
        let g = ga + f / (1.0 / (gb - ga) + 6.0 * (1.0 - f) * (ka + 2.0 * ga) / (5.0 * ga * (3.0 * ka + 4.0 * ga)));
        9.0 * k * g / (3.0 * k + g)
    };
    [of(1.0, stiff, fraction), of(stiff, 1.0, 1.0 - fraction)]
}

/// The same by Gauss-Seidel on the entries of the element, one node at a time.
fn plain(shape: [usize; 3], moduli: &[f64], element: &Element, supports: &Supports) -> Vec<[f64; 3]> {
    let nodes = shape.map(|voxels| voxels + 1);
    let node_at = |[z, y, x]: [usize; 3]| (z * nodes[1] + y) * nodes[2] + x;
    let count = nodes.iter().product();
    let mut stiffness: Vec<BTreeMap<usize, f64>> = vec![BTreeMap::new(); 3 * count];
    let voxels = Shape(shape);
    for (voxel, modulus) in moduli.iter().enumerate().filter(|(_, modulus)| **modulus > 0.0) {
        let at = voxels.voxel(voxel as u64);
        let corner = |corner: usize| node_at([at[0] + (corner >> 2), at[1] + (corner >> 1 & 1), at[2] + (corner & 1)]);
        for (a, i, b, j) in (0..576).map(|pair| (pair / 72, pair / 24 % 3, pair / 3 % 8, pair % 3)) {
            let entry = modulus * element.entry((a, i), (b, j));
            *stiffness[3 * corner(a) + i].entry(3 * corner(b) + j).or_default() += entry;
        }
    }
    let mut found = vec![0.0; 3 * count];
    let mut free = vec![true; 3 * count];
    let every = Shape(nodes);
    for (node, axis) in (0..count).flat_map(|node| (0..3).map(move |axis| (node, axis))) {
        let at = every.voxel(node as u64);
        for support in &supports.0 {
            let plane = support.plane;
            let there = at[plane.axis] == if plane.far { nodes[plane.axis] - 1 } else { 0 };
            if let (true, true, Some(given)) = (there, free[3 * node + axis], support.given[axis]) {
                (found[3 * node + axis], free[3 * node + axis]) = (given, false);
            }
        }
    }
    for _ in 0..6000 {
        for row in (0..3 * count).filter(|row| free[*row] && !stiffness[*row].is_empty()) {
            let others: f64 = stiffness[row].iter().filter(|(at, _)| **at != row).map(|(at, k)| k * found[*at]).sum();
            found[row] = -others / stiffness[row][&row];
        }
    }
    found.as_chunks::<3>().0.to_vec()
}

#[test]
fn random_bodies_move_as_a_plain_solution_says() {
    let mut random = Random(7);
    for (case, shape) in [[5, 4, 6], [4, 7, 3], [6, 6, 6]].into_iter().enumerate() {
        let element =
            [Element::springs([2.0, 1.0, 0.375]), Element::hexahedron(0.3, [1.0, 1.2, 1.0])][case % 2].clone();
        // A full column keeps the plates joined; voids may leave pieces, which stay where they are.
        let moduli: Vec<f64> = (0..Shape(shape).voxels().unwrap())
            .map(|at| {
                let [_, y, x] = Shape(shape).voxel(at);
                if random.below(100) < 25 && (y, x) != (1, 1) { 0.0 } else { 1.0 + random.below(4) as f64 }
            })
            .collect();
        let body = volume(shape, |voxel| moduli[Shape(shape).raster(voxel) as usize]);
        let press = Press { axis: case, strain: -0.02, shear: None, rough: true, rollers: vec![] };
        let shear = Press { shear: Some((case + 1) % 3), ..press.clone() };
        for press in [press, shear] {
            let supports = press.supports(Shape(shape), element.edges()).unwrap();
            let expected = plain(shape, &moduli, &element, &supports);
            for edge in [2, 4, 64] {
                let found = solve(&runtime(2), &body, &element, &supports, edge);
                for (node, displacement) in displacements(&found) {
                    let at = (node[0] * (shape[1] + 1) + node[1]) * (shape[2] + 1) + node[2];
                    for axis in 0..3 {
                        assert!((displacement[axis] - expected[at][axis]).abs() < 1e-8, "{case} {edge} {node:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_same_bits_for_any_workers() {
    let phases = phases(3, 20, 60);
    let body = volume([20; 3], |[z, y, x]| f64::from(phases[(z * 20 + y) * 20 + x] || (y, x) == (9, 9)));
    let press = Press { axis: 0, strain: 0.01, shear: None, rough: true, rollers: vec![] };
    let supports = press.supports(Shape([20; 3]), [1.0; 3]).unwrap();
    let element = Element::hexahedron(0.3, [1.0; 3]);
    for edge in [4, 8] {
        let alone = solve(&runtime(1), &body, &element, &supports, edge);
        for workers in [2, 4] {
            assert!(alone == solve(&runtime(workers), &body, &element, &supports, edge), "{edge} {workers}");
        }
    }
}

#[test]
fn a_balance_goes_on_from_a_checkpoint_to_the_same_bits() {
    let phases = phases(5, 12, 60);
    let body = volume([12; 3], |[z, y, x]| f64::from(phases[(z * 12 + y) * 12 + x] || (y, x) == (5, 5)));
    let press = Press { axis: 0, strain: 0.01, shear: None, rough: true, rollers: vec![] };
    let element = Element::hexahedron(0.3, [1.0; 3]);
    let supports = press.supports(Shape([12; 3]), element.edges()).unwrap();
    let straight = solve(&runtime(1), &body, &element, &supports, 4);
    let tiling = Tiling::with_grid(Arc::new(body), cut(Shape([12; 3]), Some(4)).unwrap()).unwrap();
    let stiff = Stiff::Elements { element: Box::new(element), power: Some(1.0) };
    let mut solver = Solver::new(stiff, supports, STOP, &tiling).unwrap();
    solver.displacements = true;
    // In the middle of raising levels, of going up and down, of an iteration.
    for stop in [1, 2, 5, 9, 14, 31, 77] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint { folder: folder.path().to_owned(), every: Every::Supersteps(1) };
        let config = Config { checkpoint: Some(checkpoint), ..Config::default() };
        let halted = Config { max_supersteps: Some(stop), ..config.clone() };
        assert!(settle(&runtime(2), &tiling, &solver, &halted).is_err());
        let found = settle(&runtime(2), &tiling, &solver, &config).unwrap();
        assert_eq!(found.resumed, Some(stop));
        assert!(Settled { resumed: None, ..found } == straight, "{stop}");
    }
}

#[test]
fn many_levels_take_few_iterations() {
    let element = Element::hexahedron(0.3, [1.0; 3]);
    let press = Press { axis: 0, strain: 0.01, shear: None, rough: true, rollers: vec![] };
    for edge in [8, 16, 31, 40] {
        let supports = press.supports(Shape([edge; 3]), [1.0; 3]).unwrap();
        let found = solve(&runtime(2), &volume([edge; 3], |_| 1.0), &element, &supports, 16);
        assert!(found.iterations <= 25, "{edge}: {}", found.iterations);
    }
}

/// Plain conjugate gradients take 117 iterations for 32^3 of these nodes.
#[test]
fn voxels_as_nodes_take_few_iterations() {
    for edge in [17, 32] {
        let shape = Shape([edge; 3]);
        let body = volume(shape.0, |_| 1.0);
        let tiling = Tiling::with_grid(Arc::new(body), cut(shape, Some(16)).unwrap()).unwrap();
        let plate = |far, moved| Support::rough(Plane { axis: 0, far }, Vector([moved, 0.0, 0.0]));
        let supports = Supports(vec![plate(false, 0.0), plate(true, 0.01 * (edge - 1) as f64)]);
        let stop = Stop { tolerance: 1e-6, ..STOP };
        let solver = Solver::new(Stiff::Nodes([1.0, 1.0]), supports, stop, &tiling).unwrap();
        let found = settle(&runtime(2), &tiling, &solver, &Config::default()).unwrap();
        assert!(found.iterations <= 20, "{edge}: {}", found.iterations);
    }
}
