//! Large displacements, and springs that push or pull alone: closed forms, an energy that nothing lowers, the same
//! bits for any workers.

mod common {
    pub(crate) mod mix;
    pub(crate) mod program;
    pub(crate) mod random;
    pub(crate) mod springs;
}

use common::program::septa;
use common::random::Random;
use common::springs::{body, frame, hold, runtime};
use septa::error::Kind;
use septa::pregel::run::{Checkpoint, Config, Every};
use septa::programs::force::contact_springs::Body;
use septa::programs::force::fire::Fire;
use septa::programs::force::law::{Law, Only};
use septa::programs::force::mechanisms::mechanisms;
use septa::programs::force::solve::{Balance, Stop};
use septa::programs::force::vector::Vector;

const STOP: Stop = Stop { tolerance: 1e-12, iterations: 100_000 };
const LARGE: Law = Law { large: true, only: None };
const LAWS: [Law; 5] = [
    LARGE,
    Law { large: false, only: Some(Only::Push) },
    Law { large: false, only: Some(Only::Pull) },
    Law { large: true, only: Some(Only::Push) },
    Law { large: true, only: Some(Only::Pull) },
];

fn balanced(body: &Body, threads: usize) -> Balance {
    body.balance(&runtime(threads), STOP, &Config::default()).unwrap()
}

fn draw(random: &mut Random) -> f64 {
    random.below(2001) as f64 / 1000.0 - 1.0
}

/// The energy of springs and loads and its gradient on free axes, from lengths alone.
fn energy(body: &Body, displacements: &[Vector]) -> (f64, Vec<Vector>) {
    let mut energy = 0.0;
    let mut gradient: Vec<Vector> = body.nodes.iter().map(|node| node.load.times(-1.0)).collect();
    for (node, at) in body.nodes.iter().zip(displacements) {
        energy -= node.load.dot(at.free(node.held));
    }
    for (a, b, spring) in &body.springs {
        let (a, b) = (*a as usize, *b as usize);
        let rest = body.places[b].minus(body.places[a]);
        let moved = displacements[b].minus(displacements[a]);
        let (elongation, along) = match body.law.large {
            true => {
                let now = rest.plus(moved);
                (now.length() - rest.length(), now.times(1.0 / now.length()))
            }
            false => (moved.dot(rest) / rest.length(), rest.times(1.0 / rest.length())),
        };
        let slack = match body.law.only {
            None => false,
            Some(Only::Push) => elongation > 0.0,
            Some(Only::Pull) => elongation < 0.0,
        };
        if !slack {
            energy += 0.5 * spring.stiffness * elongation * elongation;
            let pull = along.times(spring.stiffness * elongation);
            gradient[a] = gradient[a].minus(pull);
            gradient[b] = gradient[b].plus(pull);
        }
    }
    let free = gradient.iter().zip(&body.nodes).map(|(gradient, node)| gradient.free(node.held));
    (energy, free.collect())
}

#[test]
fn a_truss_of_two_bars_sinks_by_its_closed_form() {
    // Anchors two apart, the joint `rise` off the line between them and drawn further off by `way`.
    for (rise, way) in [(0.5, 0.01), (0.5, 0.8), (0.2, 5.0), (0.0, 0.3), (0.0, 1e-3)] {
        let mut truss = body(&[[0.0, -1.0, 0.0], [0.0, 1.0, 0.0], [rise, 0.0, 0.0]], &[(0, 2, 3.0), (1, 2, 3.0)]);
        [0, 1].into_iter().for_each(|node| hold(&mut truss, node, [0.0; 3]));
        let (before, after) = (f64::hypot(1.0, rise), f64::hypot(1.0, rise + way));
        let load = 2.0 * 3.0 * (after - before) * (rise + way) / after;
        truss.nodes[2].load = Vector([load, 0.0, 0.0]);
        truss.law = LARGE;
        let found = balanced(&truss, 1);
        assert!((found.displacements[2].0[0] - way).abs() < 1e-9 * way.max(0.1), "{rise} {way}: {found:?}");
        let response = truss.response(&found.displacements);
        let reactions = response.reactions[0].plus(response.reactions[1]);
        assert!(reactions.plus(truss.nodes[2].load).length() < 1e-9 * load, "{reactions:?}");
        let stored = 3.0 * (after - before).powi(2);
        assert!((response.energies.iter().sum::<f64>() - stored).abs() < 1e-9 * stored);
    }
}

#[test]
fn a_pendulum_turns_into_the_line_of_the_force() {
    for force in [[0.0, 0.0, 2.0], [0.5, -1.0, 0.25], [-4.0, 0.1, 0.0], [-1.0, 1e-3, 0.0]] {
        let mut pendulum = body(&[[0.0; 3], [1.5, 0.0, 0.0]], &[(0, 1, 4.0)]);
        hold(&mut pendulum, 0, [0.0, 0.0, 0.5]);
        pendulum.nodes[1].load = Vector(force);
        pendulum.law = LARGE;
        let found = balanced(&pendulum, 2);
        let size = Vector(force).length();
        let end = Vector([0.0, 0.0, 0.5]).plus(Vector(force).times((1.5 + size / 4.0) / size));
        let place = pendulum.places[1].plus(found.displacements[1]);
        assert!(place.minus(end).length() < 1e-8, "{force:?}: {place:?} not {end:?}");
        // The rope has come taut: it resists sideways now.
        let tangent = found.tangent(&runtime(1), &pendulum).unwrap();
        assert_eq!(mechanisms(&runtime(1), &tangent, &Config::default()).unwrap(), [0; 0]);
    }
}

#[test]
fn of_a_chain_with_one_sided_springs_one_half_carries() {
    for large in [false, true] {
        for (only, carries, stiffness) in [(Only::Pull, 0, 2.0), (Only::Push, 1, 5.0)] {
            let places: Vec<[f64; 3]> = (0..5).map(|at| [0.0, 0.0, f64::from(at)]).collect();
            let springs = [(0, 1, 4.0), (1, 2, 4.0), (2, 3, 10.0), (3, 4, 10.0)];
            let mut chain = body(&places, &springs);
            [0, 4].into_iter().for_each(|node| hold(&mut chain, node, [0.0; 3]));
            // Beside the chain nothing holds its nodes: along it alone they move.
            (1..4).for_each(|node| chain.nodes[node].held = [true, true, false]);
            chain.nodes[2].load = Vector([0.0, 0.0, 0.3]);
            chain.law = Law { large, only: Some(only) };
            let found = balanced(&chain, 1);
            let at = found.displacements[2].0[2];
            assert!((at - 0.3 / stiffness).abs() < 1e-10, "{large} {only:?}: {at}");
            let tensions = chain.response(&found.displacements).tensions;
            for (half, tension) in tensions.chunks(2).zip([0.3, -0.3]).enumerate().flat_map(|(half, (two, sign))| {
                two.iter().map(move |tension| (half, tension / sign)).collect::<Vec<_>>()
            }) {
                let expected = if half == carries { 1.0 } else { 0.0 };
                assert!((tension - expected).abs() < 1e-10, "{large} {only:?} {half}: {tension}");
            }
            // The node in the middle of the slack half is loose.
            let tangent = found.tangent(&runtime(1), &chain).unwrap();
            let loose = mechanisms(&runtime(1), &tangent, &Config::default()).unwrap();
            assert_eq!(loose, [if carries == 0 { 3 } else { 1 }], "{large} {only:?}");
        }
    }
}

#[test]
fn little_loads_on_large_displacements_give_the_linear_answer() {
    let mut tried = 0;
    for seed in 0..20 {
        let random = &mut Random(seed);
        let mut frame = frame(random, 24, 0.8);
        (0..4).for_each(|node| hold(&mut frame, node, std::array::from_fn(|_| 1e-9 * draw(random))));
        (4..24).for_each(|node| frame.nodes[node].load = Vector(std::array::from_fn(|_| 1e-9 * draw(random))));
        let (config, two) = (Config::default(), runtime(2));
        if !mechanisms(&two, &frame, &config).unwrap().is_empty() {
            continue;
        }
        tried += 1;
        let linear = frame.balance(&two, STOP, &config).unwrap();
        frame.law = LARGE;
        let found = frame.balance(&two, STOP, &config).unwrap();
        let largest = linear.displacements.iter().map(|at| at.length()).fold(0.0, f64::max);
        for (found, linear) in found.displacements.iter().zip(&linear.displacements) {
            assert!(found.minus(*linear).length() < 1e-6 * largest, "seed {seed}: {found:?} {linear:?}");
        }
    }
    assert!(tried > 10, "{tried}");
}

#[test]
fn random_frames_come_to_rest_where_nothing_lowers_their_energy_and_the_same_for_any_workers() {
    let runtimes = [1, 2, 3, 4].map(runtime);
    let mut tried = [0; LAWS.len()];
    for seed in 0..10 {
        let random = &mut Random(100 + seed);
        let mut frame = frame(random, 22, 0.8);
        for node in 0..frame.nodes.len() {
            match frame.places[node].0[0] {
                z if z < 0.25 => hold(&mut frame, node, [0.0; 3]),
                z if z > 0.75 => hold(&mut frame, node, [-0.1, 0.05, 0.02]),
                _ => frame.nodes[node].load = Vector(std::array::from_fn(|_| 0.02 * draw(random))),
            }
        }
        for (which, law) in LAWS.into_iter().enumerate() {
            frame.law = law;
            // Little bears loads where springs do one thing alone.
            let mut frame = frame.clone();
            if law.only.is_some() && seed % 4 > 0 {
                frame.nodes.iter_mut().for_each(|node| node.load = Vector::default());
            }
            let stop = Stop { tolerance: 1e-9, ..STOP };
            let config = Config::default();
            let found = frame.balance(&runtimes[0], stop, &config);
            let found = match found {
                Ok(found) => found,
                // Where springs do one thing alone, there are loads that nothing bears.
                Err(error) if law.only.is_some() && error.message().contains("holds back") => continue,
                Err(error) => panic!("seed {seed} {law:?}: {error}"),
            };
            tried[which] += 1;
            let (least, gradient) = energy(&frame, &found.displacements);
            let given: Vec<Vector> = frame.nodes.iter().map(|node| node.displacement).collect();
            let size = |forces: &[Vector]| forces.iter().map(|force| force.dot(*force)).sum::<f64>().sqrt();
            let (left, beginning) = (size(&gradient), size(&energy(&frame, &given).1));
            assert!(left < 2e-9 * beginning, "seed {seed} {law:?}: {left} of {beginning}");
            for way in [1e-2, 1e-3] {
                for _ in 0..20 {
                    let jolt = |(at, node): (&Vector, &septa::programs::force::elastic::Node)| {
                        at.plus(Vector([draw(random), draw(random), draw(random)]).times(way).free(node.held))
                    };
                    let jolted: Vec<Vector> = found.displacements.iter().zip(&frame.nodes).map(jolt).collect();
                    let higher = energy(&frame, &jolted).0;
                    assert!(higher > least - 1e-9 * least.abs(), "seed {seed} {law:?}: {higher} {least}");
                }
            }
            if seed % 5 == 0 {
                for runtime in &runtimes[1..] {
                    assert_eq!(frame.balance(runtime, stop, &config).unwrap(), found, "seed {seed} {law:?}");
                }
            }
            // In other blocks the same, for any workers, and but for rounding where there is one balance alone.
            if seed % 5 == 1 {
                let program = Fire { law, stop };
                let cut = |blocks: u32, threads: usize| {
                    let graph = frame.placed(&found.displacements, Some(blocks)).unwrap();
                    let (made, _) = runtimes[threads - 1].collect(&graph, &program, &config).unwrap();
                    made.into_iter().flat_map(|(_, found)| found.displacements).collect::<Vec<_>>()
                };
                for blocks in [1, 2, 5] {
                    let one = cut(blocks, 1);
                    assert_eq!(cut(blocks, 2), one);
                    for (node, at) in one {
                        let apart = at.minus(found.displacements[node.0 as usize]).length();
                        assert!(apart < 1e-5, "seed {seed} {law:?}: {apart} in {blocks} blocks");
                    }
                }
            }
        }
    }
    assert!(tried.iter().all(|tried| *tried >= 5), "{tried:?}");
}

#[test]
fn what_flies_off_is_named_and_what_does_not_end_tells_how_it_went() {
    let runtime = runtime(2);
    let config = Config::default();
    let places = [[0.0; 3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.3, 0.3], [2.0, 0.3, 0.3]];
    let mut hung = body(&places, &[(0, 3, 1.0), (1, 3, 2.0), (2, 3, 3.0), (3, 4, 1.0)]);
    (0..3).for_each(|node| hold(&mut hung, node, [0.0; 3]));
    for (law, load, named) in [
        (LAWS[1], [0.5, 0.0, 0.0], "holds back: 5:"),
        (LAWS[2], [-0.5, 0.0, 0.0], "5:"),
        (LAWS[3], [0.5, 0.0, 0.0], "holds back: 5:"),
    ] {
        hung.law = law;
        hung.nodes[4].load = Vector(load);
        let error = hung.balance(&runtime, STOP, &config).unwrap_err();
        let told = error.to_string();
        assert!(error.kind() == Kind::Program && told.contains("holds back") && told.contains(named), "{told}");
    }
    // What only pulls hangs on.
    hung.law = LAWS[4];
    hung.nodes[4].load = Vector([0.25, 0.0, 0.0]);
    let found = hung.balance(&runtime, STOP, &config).unwrap();
    assert!((hung.response(&found.displacements).tensions[3] - 0.25).abs() < 1e-10);
    let told = hung.balance(&runtime, Stop { iterations: 3, ..STOP }, &config).unwrap_err().to_string();
    assert!(told.contains("no balance yet") && told.contains("(2 iterations; residuals "), "{told}");
    // A body that nothing holds, pushed.
    hung.nodes.iter_mut().for_each(|node| node.held = [false; 3]);
    hung.law = LARGE;
    let told = hung.balance(&runtime, STOP, &config).unwrap_err().to_string();
    assert!(told.contains("holds back: 1, 2, 3, 4, 5:"), "{told}");
}

/// Bodies of which some motions resist a billionth of what others do, and some end slack altogether.
#[test]
fn cells_that_one_sided_springs_hardly_hold_come_to_rest() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| septa().args(arguments).current_dir(folder.path()).output().unwrap();
    let made = ["phantom", "cells", "--shape", "36,30,40", "--cells", "60", "--seed", "2", "-o", "cells.tif"];
    assert!(run(&made).status.success());
    let relax = ["relax", "springs", "cells.tif", "--json", "--tolerance", "1e-9", "--fix", "x=0"];
    let mut ends = [0; 3];
    for law in [&["--only", "push"][..], &["--only", "pull"], &["--only", "push", "--nonlinear"]] {
        for given in [["--pull", "x=max:-0.9"], ["--pull", "x=max:0.7"], ["--load", "x=max:-3"]] {
            let ran = run(&[&relax, law, &given].concat());
            let told = String::from_utf8_lossy(&ran.stderr);
            if ran.status.code() == Some(3) {
                // What only pulls bears no push.
                assert!(told.contains("holds back") && given[0] == "--load", "{law:?} {given:?}: {told}");
                ends[0] += 1;
                continue;
            }
            assert!(ran.status.success(), "{law:?} {given:?}: {told}");
            let found: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
            let figure = |name: &str| found[name].as_f64().unwrap();
            assert!(figure("residual") <= 1e-9, "{law:?} {given:?}: {found}");
            if found["slack_springs"] == found["springs"] {
                assert!(figure("energy") < 1e-9 && given[0] == "--pull", "{law:?} {given:?}: {found}");
                ends[1] += 1;
            } else {
                assert!(figure("energy") > 1e-3, "{law:?} {given:?}: {found}");
                ends[2] += 1;
            }
        }
    }
    assert!(ends.iter().all(|end| *end > 0), "{ends:?}");
}

#[test]
fn a_straight_chain_that_is_pressed_does_not_stay_straight() {
    let mut chain = body(&[[0.0; 3], [1.0, 0.0, 0.0], [2.0, 0.0, 0.0]], &[(0, 1, 1.0), (1, 2, 1.0)]);
    hold(&mut chain, 0, [0.1, 0.0, 0.0]);
    hold(&mut chain, 2, [-0.1, 0.0, 0.0]);
    chain.law = LARGE;
    let found = balanced(&chain, 1);
    let side = f64::hypot(found.displacements[1].0[1], found.displacements[1].0[2]);
    assert!((side - (1.0f64 - 0.81).sqrt()).abs() < 1e-6, "{found:?}");
    assert!(chain.response(&found.displacements).tensions.iter().all(|tension| tension.abs() < 1e-6));
    // With small displacements it does.
    chain.law = Law::default();
    assert_eq!(balanced(&chain, 1).displacements[1], Vector::default());
}

#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_bits() {
    let random = &mut Random(5);
    let mut frame = frame(random, 40, 0.6);
    for node in 0..40 {
        if frame.places[node].0[1] < 0.3 {
            hold(&mut frame, node, [0.05 * draw(random), 0.0, 0.0]);
        } else {
            frame.nodes[node].load = Vector([0.001, 0.002 * draw(random), 0.0]);
        }
    }
    for law in [LARGE, Law::default()] {
        frame.law = law;
        let stop = Stop { tolerance: 1e-9, ..STOP };
        let whole = frame.balance(&runtime(1), stop, &Config::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint { folder: folder.path().to_owned(), every: Every::Supersteps(7) };
        let saved = Config { checkpoint: Some(checkpoint), ..Config::default() };
        let short = Config { max_supersteps: Some(40), ..saved.clone() };
        assert!(whole.iterations > 25, "{}", whole.iterations);
        frame.balance(&runtime(2), stop, &short).unwrap_err();
        let resumed = frame.balance(&runtime(3), stop, &saved).unwrap();
        assert_eq!((&resumed.displacements, resumed.iterations), (&whole.displacements, whole.iterations), "{law:?}");
        assert_eq!(resumed.history, whole.history);
    }
}
