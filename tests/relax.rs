//! Balances of forces beside closed forms and a dense solution, over cuts, workers and processes.

#[path = "common/program.rs"]
mod program;
mod common {
    pub(crate) mod mix;
    pub(crate) mod random;
    pub(crate) mod springs;
}

use std::collections::BTreeMap;

use common::random::Random;
use common::springs::{body, frame, hold, runtime};
use septa::lattice::contact::Contact;
use septa::lattice::summary::{Cell, Summary};
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::programs::force::contact_springs::{AsGiven, Body};
use septa::programs::force::elastic::Spring;
use septa::programs::force::mechanisms::{mechanisms, refuse_idle_loads};
use septa::programs::force::solve::{Balance, Solver, Stop, balance, balance_by};
use septa::programs::force::vector::Vector;
use septa::volume::shape::Spacing;

const STOP: Stop = Stop { tolerance: 1e-13, iterations: 10_000 };

fn solved(body: &Body, threads: usize) -> Balance {
    balance(&runtime(threads), &body.graph().unwrap(), &AsGiven, STOP, &Config::default()).unwrap()
}

/// Columns of the stiffness of all, free and held, by Gauss and Jordan: the displacements of free axes. A
/// pivot that is nothing stands for a mechanism; it gets no displacement.
fn dense(body: &Body) -> (Vec<Vector>, usize) {
    let count = 3 * body.nodes.len();
    let mut matrix = vec![vec![0.0; count + 1]; count];
    for (a, b, Spring { stiffness, direction, .. }) in &body.springs {
        let (a, b) = (3 * *a as usize, 3 * *b as usize);
        for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
            let k = stiffness * direction.0[i] * direction.0[j];
            matrix[a + i][a + j] += k;
            matrix[b + i][b + j] += k;
            matrix[a + i][b + j] -= k;
            matrix[b + i][a + j] -= k;
        }
    }
    for (node, asked) in body.nodes.iter().enumerate() {
        (0..3).for_each(|axis| matrix[3 * node + axis][count] = asked.load.0[axis]);
    }
    for (node, asked) in body.nodes.iter().enumerate() {
        for axis in (0..3).filter(|axis| asked.held[*axis]) {
            matrix[3 * node + axis].fill(0.0);
            matrix[3 * node + axis][3 * node + axis] = 1.0;
            matrix[3 * node + axis][count] = asked.displacement.0[axis];
        }
    }
    let (mut rank, mut pivots) = (0, vec![None; count]);
    for column in 0..count {
        let Some(best) = (rank..count).max_by(|a, b| matrix[*a][column].abs().total_cmp(&matrix[*b][column].abs()))
        else {
            break;
        };
        if matrix[best][column].abs() < 1e-9 {
            continue;
        }
        matrix.swap(rank, best);
        let pivot = matrix[rank].clone();
        for (row, other) in matrix.iter_mut().enumerate() {
            if row == rank {
                other.iter_mut().for_each(|value| *value /= pivot[column]);
            } else {
                let factor = other[column] / pivot[column];
                other.iter_mut().zip(&pivot).for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
        pivots[column] = Some(rank);
        rank += 1;
    }
    let value = |at: usize| pivots[at].map_or(0.0, |row: usize| matrix[row][count]);
    let displacements = (0..body.nodes.len()).map(|node| Vector(std::array::from_fn(|axis| value(3 * node + axis))));
    (displacements.collect(), count - rank)
}

#[test]
fn springs_in_series_and_side_by_side() {
    // Along a slanted line: one spring after the other, pulled by its ends.
    let along = Vector([2.0, -1.0, 2.0]).times(1.0 / 3.0);
    let stiffness = [1.0, 4.0, 0.5, 7.0, 2.0];
    let places: Vec<[f64; 3]> = (0..6).map(|at| along.times(f64::from(at) * 1.5).0).collect();
    let springs: Vec<(u32, u32, f64)> = (0..5).map(|at| (at, at + 1, stiffness[at as usize])).collect();
    let mut chain = body(&places, &springs);
    hold(&mut chain, 0, [0.0; 3]);
    hold(&mut chain, 5, along.times(0.3).0);
    let found = solved(&chain, 1);
    let response = chain.response(&found.displacements);
    let series = 1.0 / stiffness.iter().map(|k| 1.0 / k).sum::<f64>();
    for tension in &response.tensions {
        assert!((tension - 0.3 * series).abs() < 1e-12, "{tension}");
    }
    assert!(response.reactions[5].minus(along.times(0.3 * series)).length() < 1e-12);
    assert!(response.reactions[0].plus(response.reactions[5]).length() < 1e-12);
    assert!((response.energies.iter().sum::<f64>() - 0.5 * series * 0.09).abs() < 1e-12);
    // The lateral modes of the chain are mechanisms of its four free nodes, and the pull left them alone.
    assert_eq!(mechanisms(&runtime(1), &chain, &Config::default()).unwrap(), [1, 2, 3, 4]);
    for displacement in &found.displacements {
        assert!(displacement.minus(along.times(displacement.dot(along))).length() < 1e-12);
    }
    // Side by side: parallel bars between two clamps, each cut in two halves of twice its stiffness.
    let (mut places, mut springs) = (Vec::new(), Vec::new());
    for (bar, stiffness) in stiffness.into_iter().enumerate() {
        let first = places.len() as u32;
        places.extend((0..3).map(|at| [f64::from(at), bar as f64, 0.0]));
        springs.extend([(first, first + 1, 2.0 * stiffness), (first + 1, first + 2, 2.0 * stiffness)]);
    }
    let mut bars = body(&places, &springs);
    for bar in 0..5 {
        hold(&mut bars, 3 * bar, [0.0; 3]);
        hold(&mut bars, 3 * bar + 2, [-0.1, 0.0, 0.0]);
    }
    let response = bars.response(&solved(&bars, 2).displacements);
    let pushed: f64 = (0..5).map(|bar| response.reactions[3 * bar + 2].0[0]).sum();
    assert!((pushed + 0.1 * stiffness.iter().sum::<f64>()).abs() < 1e-12, "{pushed}");
}

#[test]
fn random_frames_balance_as_a_dense_solution_does() {
    let runtimes = [1, 2].map(runtime);
    let mut tried = 0;
    for seed in 0..60 {
        let random = &mut Random(seed);
        let nodes = 8 + random.below(20) as usize;
        let mut frame = frame(random, nodes, 0.9);
        for node in 0..frame.nodes.len() {
            let draw = |random: &mut Random| random.below(2001) as f64 / 1000.0 - 1.0;
            if node < 4 {
                hold(&mut frame, node, std::array::from_fn(|_| 0.1 * draw(random)));
            } else {
                frame.nodes[node].load = Vector(std::array::from_fn(|_| draw(random)));
                if random.below(6) == 0 {
                    frame.nodes[node].held[random.below(3) as usize] = true;
                }
            }
        }
        let (expected, none) = dense(&frame);
        if none > 0 {
            continue;
        }
        tried += 1;
        let config = Config::default();
        assert_eq!(mechanisms(&runtimes[0], &frame, &config).unwrap(), [0; 0], "seed {seed}");
        refuse_idle_loads(&runtimes[1], &frame, &config).unwrap();
        let found = solved(&frame, 1);
        let largest = expected.iter().map(|displacement| displacement.length()).fold(0.0, f64::max);
        for (found, expected) in found.displacements.iter().zip(&expected) {
            assert!(found.minus(*expected).length() < 1e-8 * largest, "seed {seed}: {found:?} {expected:?}");
        }
        // The same bits for any workers, and in other blocks the same but for rounding.
        for blocks in [1, 2, 5] {
            let graph = frame.graph_in(blocks).unwrap();
            let run = |runtime: &Runtime| balance(runtime, &graph, &AsGiven, STOP, &config).unwrap();
            let cut = run(&runtimes[0]);
            assert_eq!(run(&runtimes[1]), cut, "seed {seed}");
            let pairs = cut.displacements.iter().zip(&found.displacements);
            let most = pairs.map(|(cut, found)| cut.minus(*found).length()).fold(0.0, f64::max);
            assert!(most < 1e-8 * largest, "seed {seed}: {most} in {blocks} blocks");
        }
        let response = frame.response(&found.displacements);
        let all = response.reactions.iter().zip(&frame.nodes);
        let (sum, loads) = all.fold((Vector::default(), Vector::default()), |(sum, loads), (reaction, node)| {
            (sum.plus(reaction.held(node.held)), loads.plus(node.load))
        });
        assert!(sum.plus(loads).length() < 1e-9 * (1.0 + loads.length()), "seed {seed}: {sum:?} {loads:?}");
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn what_nothing_holds_back_is_found_and_a_load_on_it_is_an_error() {
    let runtime = runtime(2);
    let config = Config::default();
    // A tetrahedron that is held by three of its corners, a cell that hangs from its top by one contact, a square of
    // rods with one side held, and a pair that nothing holds.
    let places = [
        [0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0],
        [0.0, 0.0, 1.0],
        [1.0, 0.3, 0.3],
        [2.0, 0.4, 0.5],
        [5.0, 0.0, 0.0],
        [5.0, 1.0, 0.0],
        [6.0, 1.0, 0.0],
        [6.0, 0.0, 0.0],
        [9.0, 0.0, 0.0],
        [9.5, 0.5, 0.0],
    ];
    let springs =
        [(0, 3, 1.0), (1, 3, 2.0), (2, 3, 3.0), (3, 4, 1.0), (5, 8, 1.0), (6, 7, 1.0), (7, 8, 1.0), (9, 10, 1.0)];
    let mut all = body(&places, &springs);
    [0, 1, 2, 5, 6].into_iter().for_each(|node| hold(&mut all, node, [0.0; 3]));
    assert_eq!(mechanisms(&runtime, &all, &config).unwrap(), [4, 7, 8, 9, 10]);
    assert_eq!(all.free_bodies(), BTreeMap::from([(10, 2)]));
    // Along its contact the hanging cell is held, and so is the square along its sides.
    let load = |node: usize, force: [f64; 3]| {
        let mut loaded = all.clone();
        loaded.nodes[node].load = Vector(force);
        loaded
    };
    for (node, force) in [(3, [1.0, -2.0, 0.5]), (4, [1.0, 0.1, 0.2]), (8, [3.0, 0.0, 0.0]), (0, [1.0, 1.0, 1.0])] {
        let loaded = load(node, force);
        refuse_idle_loads(&runtime, &loaded, &config).unwrap();
        let found = solved(&loaded, 1);
        let free = loaded.response(&found.displacements).reactions;
        for (reaction, node) in free.iter().zip(&loaded.nodes) {
            assert!(reaction.free(node.held).length() < 1e-9, "{node:?}: {reaction:?}");
        }
        // Mechanisms are not excited.
        assert_eq!(found.displacements[9], Vector::default());
    }
    for (node, force, named) in [(4, [0.0, 1.0, 0.0], "next to nothing, holds back: 5:"), (8, [0.0, 1.0, 0.0], "8, 9:")]
    {
        let told = refuse_idle_loads(&runtime, &load(node, force), &config).unwrap_err().to_string();
        assert!(told.contains(named), "{told}");
    }
    let told = refuse_idle_loads(&runtime, &load(10, [1.0, 1.0, 0.0]), &config).unwrap_err().to_string();
    assert!(told.contains("10, 11"), "{told}");
}

#[test]
fn a_run_that_does_not_end_tells_how_it_went() {
    let random = &mut Random(3);
    let mut frame = frame(random, 60, 0.6);
    (0..6).for_each(|node| hold(&mut frame, node, [0.1 * node as f64, 0.0, 0.0]));
    let stop = Stop { tolerance: 1e-10, iterations: 5 };
    let told = balance(&runtime(2), &frame.graph().unwrap(), &AsGiven, stop, &Config::default()).unwrap_err();
    assert!(told.to_string().contains("no balance yet") && told.to_string().contains("residuals 1.0e0"), "{told}");
}

#[test]
fn contacts_are_springs_by_area_and_distance() {
    let mut summary = Summary::default();
    for (label, x) in [(3u64, 0u64), (7, 4), (9, 8)] {
        let mut cell = Cell::default();
        (0..2).for_each(|z| cell.moments.add_run(z, 0, x, x + 4));
        summary.cells.insert(label, cell);
    }
    summary.contacts.insert((3, 7), Contact { faces: [0, 0, 2], pairs: 2 });
    summary.contacts.insert((7, 9), Contact { faces: [0, 0, 2], pairs: 2 });
    let spacing = Spacing { zyx: [0.5, 2.0, 0.25], ..Spacing::default() };
    let body = Body::of_contacts(&summary, &spacing, 10.0).unwrap();
    assert_eq!(body.labels, [3, 7, 9]);
    assert_eq!(body.places[1], Vector([0.25, 0.0, 5.5 * 0.25]));
    for (_, _, spring) in &body.springs {
        // Two faces of 0.5 by 2, one apart.
        let direction = Vector([0.0, 0.0, 1.0]);
        assert_eq!(*spring, Spring { stiffness: 10.0 * 2.0 / 1.0, direction, ..Spring::default() });
    }
    // One around the other.
    summary.contacts.insert((3, 9), Contact { faces: [1, 0, 0], pairs: 1 });
    summary.cells.insert(9, summary.cells[&3].clone());
    let told = Body::of_contacts(&summary, &spacing, 1.0).unwrap_err().to_string();
    assert!(told.contains("cells 3 and 9 touch and have one centroid"), "{told}");
}

#[test]
fn units_change_no_digit_and_what_rounding_leaves_is_balanced_again() {
    let random = &mut Random(11);
    let runtime = runtime(2);
    let mut frame = frame(random, 30, 0.8);
    (0..4).for_each(|node| hold(&mut frame, node, [0.01 * node as f64, 0.0, 0.02]));
    frame.nodes[20].load = Vector([1.0, -2.0, 0.5]);
    let stop = Stop { tolerance: 1e-12, iterations: 10_000 };
    let found = frame.balance(&runtime, stop, &Config::default()).unwrap();
    assert!(found.residual <= 1e-12, "{}", found.residual);
    // What no rounding can reach is not called reached.
    let told = frame.balance(&runtime, Stop { tolerance: 1e-19, ..stop }, &Config::default()).unwrap_err();
    assert!(told.to_string().contains("give a larger tolerance"), "{told}");
    // Powers of two, far beyond what the squares of floats can hold.
    for (stiffness, force) in [(-600, -600), (-300, -900), (400, 500), (0, 700), (0, -700)] {
        let [k, f] = [stiffness, force].map(|power: i32| 2f64.powi(power));
        let mut other = frame.clone();
        other.springs.iter_mut().for_each(|(.., spring)| spring.stiffness *= k);
        for node in &mut other.nodes {
            (node.load, node.displacement) = (node.load.times(f), node.displacement.times(f / k));
        }
        let scaled = other.balance(&runtime, stop, &Config::default()).unwrap();
        let same = scaled.displacements.iter().zip(&found.displacements).all(|(a, b)| a.times(k / f) == *b);
        assert!(same && scaled.residual == found.residual, "{stiffness} {force}");
    }
    frame.nodes[20].load = Vector([f64::MAX, 0.0, 0.0]);
    frame.springs[0].2.stiffness = f64::INFINITY;
    let told = frame.balance(&runtime, stop, &Config::default()).unwrap_err().to_string();
    assert!(told.contains("too large or too small"), "{told}");
    // A slender column, held below and pushed aside above.
    let length = 100;
    let places: Vec<[f64; 3]> = (0..4 * length).map(|at| [at / 4, at / 2 % 2, at % 2].map(|at| at as f64)).collect();
    let mut springs = Vec::new();
    for a in 0..places.len() {
        for b in a + 1..(a + 8).min(places.len()) {
            springs.push((a as u32, b as u32, 1.0));
        }
    }
    let mut column = body(&places, &springs);
    (0..4).for_each(|node| hold(&mut column, node, [0.0; 3]));
    (0..4).for_each(|top| column.nodes[4 * length - 1 - top].load = Vector([0.0, 0.01, 0.0]));
    let stop = Stop { tolerance: 1e-8, iterations: 100_000 };
    let found = column.balance(&runtime, stop, &Config::default()).unwrap();
    assert!(found.residual <= 1e-8, "{}", found.residual);
    let response = column.response(&found.displacements);
    let below = response.reactions[..4].iter().fold(Vector::default(), |sum, reaction| sum.plus(*reaction));
    assert!(below.plus(Vector([0.0, 0.04, 0.0])).length() < 1e-8, "{below:?}");
}

/// `septa relax springs` on two cells of 2 x 3 x 4 voxels that touch by a face of 3 x 4 voxels, and one apart.
#[test]
fn the_command_line_holds_moves_and_loads() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut labels = ndarray::Array3::<u8>::zeros((6, 3, 4));
    labels.slice_mut(ndarray::s![..2, .., ..]).fill(5);
    labels.slice_mut(ndarray::s![2..4, .., ..]).fill(9);
    labels[[5, 0, 0]] = 11;
    ndarray_npy::write_npy(path("labels.npy"), &labels).unwrap();
    let relax = |options: &[&str]| {
        let mut command = program::septa();
        command.args(["relax", "springs", "labels.npy", "--json", "--force"]).args(options);
        let output = command.current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.success() {
            true => Ok(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()),
            false => Err((output.status.code().unwrap(), told)),
        }
    };
    // 12 faces, centroids two apart: the stiffness is 6 times the modulus.
    let told = relax(&["--fix", "z=0", "--modulus", "2", "--forces", "forces.csv"]).unwrap_err();
    assert_eq!(told.0, 3, "{told:?}");
    std::fs::write(path("forces.csv"), "label,force-0,force-1,force-2\n9,-3.0,0.0,0.0\n").unwrap();
    let outputs = ["-o", "cells.csv", "--vtk", "net.vtp"];
    let told = relax(&[&["--fix", "z=0", "--modulus", "2", "--forces", "forces.csv"], &outputs[..]].concat()).unwrap();
    let drawn = std::fs::read_to_string(path("net.vtp")).unwrap();
    assert!(
        drawn.contains("NumberOfPoints=\"3\" NumberOfLines=\"1\"") && drawn.contains("\n0.0 0.0 -0.25\n"),
        "{drawn}"
    );
    let (code, said) = relax(&["--fix", "z=0", "--vtk", "net.vtk"]).unwrap_err();
    assert!(code == 2 && said.contains("net.vtk: springs are drawn as .vtp"), "{code} {said}");
    assert_eq!((&told["cells"], &told["springs"], &told["free_bodies"]), (&3.into(), &1.into(), &1.into()));
    // The free cell moves sideways against nothing, the one apart anywhere.
    assert_eq!(told["mechanism_cells"], 2);
    assert!((told["reaction z=0"][0].as_f64().unwrap() - 3.0).abs() < 1e-9, "{told}");
    assert!((told["energy"].as_f64().unwrap() - 0.5 * 3.0 * 0.25).abs() < 1e-9, "{told}");
    let cells = std::fs::read_to_string(path("cells.csv")).unwrap();
    let columns = "label,centroid-0,centroid-1,centroid-2,displacement-0,displacement-1,displacement-2,\
                   reaction-0,reaction-1,reaction-2,energy,mechanism";
    let rows: Vec<&str> = cells.lines().collect();
    assert_eq!(rows[0], columns);
    assert_eq!(rows[1], "5,0.5,1.0,1.5,0.0,0.0,0.0,3.0,0.0,0.0,0.1875,false");
    assert_eq!(rows[2], "9,2.5,1.0,1.5,-0.25,0.0,0.0,0.0,0.0,0.0,0.1875,true");
    assert_eq!(rows[3], "11,5.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,true");
    std::fs::write(path("forces.csv"), "label,force-0,force-1,force-2\n9,-3.0,1.0,0.0\n").unwrap();
    let (code, told) = relax(&["--fix", "z=0", "--forces", "forces.csv"]).unwrap_err();
    assert!(code == 3 && told.contains("nothing, holds back: 9:"), "{code} {told}");
    let (code, told) = relax(&["--fix", "z=0", "--load", "z=max:1"]).unwrap_err();
    assert!(code == 3 && told.contains("nothing, holds back: 11:"), "{code} {told}");
    std::fs::write(path("forces.csv"), "label,force-0,force-1\n9,-3.0,1.0\n").unwrap();
    let (code, told) = relax(&["--fix", "z=0", "--forces", "forces.csv"]).unwrap_err();
    assert!(code == 3 && told.contains("forces.csv") && told.contains("force-2"), "{code} {told}");
    std::fs::write(path("forces.csv"), "label,force-0,force-1,force-2\n8,-3.0,1.0,0\n").unwrap();
    let (code, told) = relax(&["--fix", "z=0", "--forces", "forces.csv"]).unwrap_err();
    assert!(code == 3 && told.contains("row 1: there is no cell 8"), "{code} {told}");
    // Every cell here touches y=0 and y=max; they are as near to one as to the other, so the first has them.
    let (code, told) = relax(&["--fix", "y=0", "--pull", "y=max:1"]).unwrap_err();
    assert!(code == 2 && told.contains("nothing is held at y=max"), "{code} {told}");
}

#[test]
fn chebyshev_iteration_finds_what_conjugate_gradients_find() {
    let runtimes = [1, 2, 3].map(runtime);
    let config = Config::default();
    let (mut tried, mut longer) = (0, 0.0);
    for seed in 0..20 {
        let random = &mut Random(seed);
        let mut frame = frame(random, 40, 0.7);
        for node in 0..40 {
            let draw = |random: &mut Random| random.below(2001) as f64 / 1000.0 - 1.0;
            match node < 4 {
                true => hold(&mut frame, node, std::array::from_fn(|_| 0.1 * draw(random))),
                false => frame.nodes[node].load = Vector(std::array::from_fn(|_| draw(random))),
            }
        }
        if !mechanisms(&runtimes[0], &frame, &config).unwrap().is_empty() {
            continue;
        }
        tried += 1;
        let stop = Stop { tolerance: 1e-10, iterations: 50_000 };
        let expected = frame.balance(&runtimes[1], stop, &config).unwrap();
        let found = frame.balance_by(Solver::Chebyshev, &runtimes[0], stop, &config).unwrap();
        longer += found.iterations as f64 / expected.iterations as f64;
        assert!(frame.residual(&found.displacements) <= 1e-10, "seed {seed}");
        let largest = expected.displacements.iter().map(|at| at.length()).fold(0.0, f64::max);
        for (found, expected) in found.displacements.iter().zip(&expected.displacements) {
            assert!(found.minus(*expected).length() < 1e-6 * largest, "seed {seed}: {found:?} {expected:?}");
        }
        for runtime in &runtimes[1..] {
            assert_eq!(frame.balance_by(Solver::Chebyshev, runtime, stop, &config).unwrap(), found, "seed {seed}");
        }
        for blocks in [2, 5] {
            let graph = frame.graph_in(blocks).unwrap();
            let run =
                |runtime: &Runtime| balance_by(Solver::Chebyshev, runtime, &graph, &AsGiven, stop, &config).unwrap();
            let cut = run(&runtimes[0]);
            assert_eq!(run(&runtimes[2]), cut, "seed {seed}");
            let pairs = cut.displacements.iter().zip(&found.displacements);
            let most = pairs.map(|(cut, found)| cut.minus(*found).length()).fold(0.0, f64::max);
            assert!(most < 1e-6 * largest, "seed {seed}: {most} in {blocks} blocks");
        }
    }
    assert!(tried > 10, "{tried}");
    println!("{:.2} times the iterations of gradients", longer / f64::from(tried));
    // What nothing holds is told as conjugate gradients tell it.
    let mut loose = body(&[[0.0; 3], [1.0, 0.0, 0.0]], &[(0, 1, 1.0)]);
    hold(&mut loose, 0, [0.0; 3]);
    loose.nodes[1].load = Vector([0.1, 1.0, 0.0]);
    let told = loose.balance_by(Solver::Chebyshev, &runtimes[1], STOP, &config).unwrap_err().to_string();
    assert!(told.contains("no balance yet") || told.contains("cannot be balanced"), "{told}");
}

/// What a run has written is what another begins with: the cells of a volume, their contacts as GraphML and as tables.
#[test]
fn a_graph_file_gives_what_its_volume_gives() {
    let folder = tempfile::tempdir().unwrap();
    let septa = |arguments: &[&str]| {
        let output = program::septa().args(arguments).current_dir(folder.path()).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let well = |arguments: &[&str]| {
        let (code, told) = septa(arguments);
        assert_eq!(code, 0, "{arguments:?}: {told}");
    };
    let path = |name: &str| folder.path().join(name);
    let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
    well(&["phantom", "cells", "--shape", "30,26,34", "--cells", "40", "-o", "cells.tif"]);
    well(&["contacts", "cells.tif", "-o", "cells.graphml"]);
    well(&[
        "relax",
        "springs",
        "cells.tif",
        "--fix",
        "z=0",
        "--pull",
        "z=max:0.4",
        "-o",
        "a.csv",
        "--springs",
        "sa.csv",
    ]);
    // What was held, as a table: cells whose displacement a face gave have a reaction.
    let rows: Vec<Vec<String>> =
        read("a.csv").lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect();
    let mut held = "label,displacement-0,displacement-1,displacement-2\n".to_string();
    for row in rows.iter().filter(|row| row[7..10].iter().any(|reaction| reaction.parse::<f64>().unwrap() != 0.0)) {
        held += &format!("{},{},{},{}\n", row[0], row[4], row[5], row[6]);
    }
    std::fs::write(path("held.csv"), &held).unwrap();
    let graph = ["relax", "springs", "cells.graphml", "--hold", "held.csv", "-o", "b.csv", "--springs", "sb.csv"];
    well(&graph);
    well(&[
        "relax",
        "springs",
        "sa.csv",
        "--nodes",
        "a.csv",
        "--hold",
        "held.csv",
        "-o",
        "c.csv",
        "--springs",
        "sc.csv",
    ]);
    let column = |name: &str, at: usize| -> Vec<f64> {
        read(name).lines().skip(1).map(|line| line.split(',').nth(at).unwrap().parse().unwrap()).collect()
    };
    for (nodes, springs) in [("b.csv", "sb.csv"), ("c.csv", "sc.csv")] {
        for (name, expected, columns) in [(nodes, "a.csv", 0..11), (springs, "sa.csv", 0..6)] {
            for at in columns {
                let (found, expected) = (column(name, at), column(expected, at));
                let largest = expected.iter().map(|value| value.abs()).fold(0.0, f64::max);
                assert_eq!(found.len(), expected.len());
                let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(apart <= 1e-5 * largest, "{name} column {at}: apart by {apart} of {largest}");
            }
        }
    }
    // Faces of a graph are the nodes that lie farthest out.
    std::fs::write(path("n.csv"), "label,centroid-0,centroid-1,centroid-2\n7,0,0,0\n3,2,0,0\n9,4,0,0\n").unwrap();
    std::fs::write(path("e.csv"), "source,target,stiffness\n9,3,1.0\n7,3,3.0\n").unwrap();
    let chain = ["relax", "springs", "e.csv", "--nodes", "n.csv", "--fix", "z=0", "--load", "z=max:0.75"];
    well(&[&chain[..], &["-o", "d.csv"]].concat());
    assert_eq!((column("d.csv", 0), column("d.csv", 4)), (vec![3.0, 7.0, 9.0], vec![0.25, 0.0, 1.0]));
    for (file, text, named) in [
        ("e.csv", "source,target,stiffness\n9,4,1.0\n", "from 9 to 4 joins a node that has no coordinates"),
        ("e.csv", "source,target,stiffness\n9,9,1.0\n", "from 9 to 9 has both its ends in one place"),
        ("e.csv", "source,target,stiffness\n9,3,-1.0\n", "from 9 to 3 has no stiffness of 0 or more"),
        ("e.csv", "source,target,width\n9,3,1.0\n", "neither a stiffness nor an area"),
        ("e.csv", "source,target,stiffness\na,b,1.0\n", "named by words"),
        ("n.csv", "label,centroid-0,centroid-1\n7,0,0\n", "no column centroid-2"),
        ("n.csv", "label,centroid-0,centroid-1,centroid-2\n7,0,0,\n", "node 7: a coordinate is no number"),
        ("n.csv", "label,centroid-0,centroid-1,centroid-2\n7,0,0,0\n7,1,0,0\n", "two nodes are called 7"),
    ] {
        let before = read(file);
        std::fs::write(path(file), text).unwrap();
        let (code, told) = septa(&chain);
        assert!(code == 3 && told.contains(named), "{code} {told}");
        std::fs::write(path(file), before).unwrap();
    }
    let (code, told) = septa(&["relax", "springs", "e.csv", "--fix", "z=0"]);
    assert!(code == 3 && told.contains("give the table of nodes with --nodes"), "{code} {told}");
    let (code, told) = septa(&[&chain[..], &["--modulus", "2"]].concat());
    assert!(code == 2 && told.contains("have a stiffness already"), "{code} {told}");
    std::fs::write(path("held.csv"), "label,displacement-0,displacement-1,displacement-2\n7,0,,\n").unwrap();
    let (code, told) = septa(&[&chain[..], &["--hold", "held.csv"]].concat());
    assert!(code == 3 && told.contains("row 1: the cell is held already"), "{code} {told}");
}

#[test]
fn a_command_that_was_stopped_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let run = |options: &[&str]| {
        let mut command = program::septa();
        command.args(["relax", "springs", "cells.tif", "--fix", "z=0", "--pull", "z=max:-0.5", "--json", "--force"]);
        let output = command.args(options).current_dir(folder.path()).output().unwrap();
        (output.status.code().unwrap(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let made = ["phantom", "cells", "--shape", "30,26,34", "--cells", "40", "-o", "cells.tif"];
    assert!(program::septa().args(made).current_dir(folder.path()).output().unwrap().status.success());
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    for law in [&[][..], &["--solver", "chebyshev"], &["--nonlinear"]] {
        let with = |options: &[&'static str]| [options, law].concat();
        assert_eq!(run(&with(&["-o", "whole.csv", "-w", "1"])).0, 0);
        // As many iterations as may be end it; what it had saved by then is gone on from.
        let saved = format!("saved{}", law.len());
        let checkpoint = ["--checkpoint", &saved, "--every", "5"];
        let run_saved = |options: &[&str]| run(&[&checkpoint[..], law, options].concat());
        let (code, _, told) = run_saved(&["-o", "rest.csv", "-w", "2"]);
        assert_eq!(code, 0, "{told}");
        assert_eq!(bytes("rest.csv"), bytes("whole.csv"), "{law:?}");
        let (code, figures, told) = run_saved(&["-o", "again.csv", "-w", "3"]);
        assert_eq!(code, 0, "{told}");
        let figures: serde_json::Value = serde_json::from_slice(&figures).unwrap();
        assert!(figures["resumed"].as_u64().is_some_and(|superstep| superstep >= 5), "{law:?}: {figures}");
        assert_eq!(bytes("again.csv"), bytes("whole.csv"), "{law:?}");
    }
}
