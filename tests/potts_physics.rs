//! The Potts model is right in fact: Boltzmann's frequencies, volumes, the sorting of cells.
//!
//! Seeds are fixed: a test holds or fails for good.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use septa::lattice::tiling::Tiling;
use septa::pregel::local;
use septa::prelude::*;
use septa::programs::potts::cells::{Cells, Type};
use septa::programs::potts::model::{Boundary, Energy, Model, Move};
use septa::programs::potts::run::{Frames, Potts};
use septa::volume::memory::Memory;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::Voxels;

use random::Random;

/// Runs a model, and tells the spins after every `every` sweeps.
fn frames(model: &Model, shape: Shape, start: Vec<u32>, sweeps: u64, every: u64) -> Vec<Vec<u32>> {
    let source = Arc::new(Memory::new("test", Voxels::from_vec(shape, start), Spacing::default()));
    let tiling = Tiling::new(source, BlockSize::Whole).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    let take = move |_: u64, _: &_, spins: &Voxels| {
        let array = spins.view::<u8>().expect("few spins");
        into.lock().unwrap().push(array.iter().map(|spin| u32::from(*spin)).collect::<Vec<u32>>());
        Ok(())
    };
    let potts = Potts::new(model.clone(), *tiling.grid(), sweeps, every).unwrap();
    let potts = potts.with_frames(Frames::Here(Arc::new(take)));
    local::run(&tiling, &potts, &Config::default(), |_, _| Ok(())).unwrap();
    drop((potts, tiling));
    Arc::into_inner(told).unwrap().into_inner().unwrap()
}

/// The voxel a step from another round a torus.
fn beside(shape: Shape, at: usize, step: [i8; 3]) -> usize {
    let at = shape.voxel(at as u64);
    let there = |axis: usize| (at[axis] as i64 + i64::from(step[axis])).rem_euclid(shape.0[axis] as i64) as usize;
    shape.raster([there(0), there(1), there(2)]) as usize
}

#[test]
fn the_heat_bath_has_the_frequencies_of_boltzmann() {
    let shape = Shape([2, 2, 2]);
    for (neighborhood, kt) in [("26", 12.0), ("6", 3.0)] {
        let model = Model {
            neighborhood: neighborhood.parse().unwrap(),
            boundary: Boundary::Periodic,
            moves: Move::HeatBath,
            energy: Energy::Uniform(1.0),
            kt,
            shades: 1,
            spins: 2,
            seed: 3,
        };
        let number =
            |spins: &[u32]| -> usize { spins.iter().enumerate().map(|(at, spin)| ((spin - 1) as usize) << at).sum() };
        let mut counts = [0u64; 256];
        let states = frames(&model, shape, vec![1; 8], 60_000, 4);
        states.iter().for_each(|spins| counts[number(spins)] += 1);
        // Every pair is met from both its ends.
        let energy = |state: usize| {
            let pairs = (0..8).flat_map(|at| model.neighborhood.steps().map(move |step| (at, beside(shape, at, step))));
            pairs.filter(|(a, b)| (state >> a) & 1 != (state >> b) & 1).count() as f64 / 2.0
        };
        let weights: Vec<f64> = (0..256).map(|state| (-energy(state) / kt).exp()).collect();
        let total: f64 = weights.iter().sum();
        let (mut square, mut classes, mut rare) = (0.0, 0.0, (0.0, 0.0));
        for (count, weight) in counts.iter().zip(&weights) {
            let expected = weight / total * states.len() as f64;
            if expected < 5.0 {
                rare = (rare.0 + *count as f64, rare.1 + expected);
                continue;
            }
            square += (*count as f64 - expected).powi(2) / expected;
            classes += 1.0;
        }
        if rare.1 > 0.0 {
            square += (rare.0 - rare.1).powi(2) / rare.1;
            classes += 1.0;
        }
        let freedom: f64 = classes - 1.0;
        // Three standard deviations of the distribution of chi-square.
        assert!(freedom > 20.0 && (square - freedom).abs() < 3.0 * (2.0 * freedom).sqrt(), "{square}, {freedom}");
    }
}

/// A tissue of square or cubic cells that strive for their volume.
fn tissue(shape: Shape, edge: usize, lambda: f64) -> (Model, Vec<u32>) {
    let counts = Shape(shape.0.map(|n| n.div_ceil(edge)));
    let cell = |at: [usize; 3]| counts.raster(at.map(|along| along / edge)) as u32 + 1;
    let start: Vec<u32> = (0..shape.voxels().unwrap()).map(|at| cell(shape.voxel(at))).collect();
    let spins = counts.voxels().unwrap() as u32;
    let target = shape.voxels().unwrap() / u64::from(spins);
    let of = Type { name: "cell".into(), target, lambda, frozen: false };
    let cells = Cells::new(vec![of], vec![0; spins as usize + 1], &[vec![10.0]]).unwrap();
    let model = Model {
        neighborhood: if shape.0[0] == 1 { "8" } else { "26" }.parse().unwrap(),
        boundary: Boundary::Periodic,
        moves: Move::Copy,
        energy: Energy::Cells(Arc::new(cells)),
        kt: 20.0,
        shades: if shape.0[0] == 1 { 2 } else { 4 },
        spins,
        seed: 9,
    };
    (model, start)
}

/// The same model in the order of chance: a random voxel at a time, volumes always those of the moment.
fn in_random_order(model: &Model, shape: Shape, mut spins: Vec<u32>, sweeps: u64, every: u64) -> Vec<Vec<u32>> {
    let Energy::Cells(cells) = &model.energy else { panic!("a tissue") };
    let (target, lambda) = (cells.types()[0].target as i64, cells.types()[0].lambda);
    let steps: Vec<_> = model.neighborhood.steps().collect();
    let around: Vec<Vec<usize>> =
        (0..spins.len()).map(|at| steps.iter().map(|step| beside(shape, at, *step)).collect()).collect();
    let mut volumes = vec![0i64; model.spins as usize + 1];
    spins.iter().for_each(|spin| volumes[*spin as usize] += 1);
    let (mut random, mut told) = (Random(1), Vec::new());
    for sweep in 1..=sweeps {
        for _ in 0..spins.len() {
            let at = random.below(spins.len() as u64) as usize;
            let own = spins[at];
            let other = spins[around[at][random.below(steps.len() as u64) as usize]];
            if own == other {
                continue;
            }
            let unlike = |spin: u32| around[at].iter().filter(|there| spins[**there] != spin).count() as f64;
            let more = |spin: u32| (volumes[spin as usize] - target) as f64;
            let strain = 2.0 * (more(other) - more(own)) + 2.0;
            let delta = 10.0 * (unlike(other) - unlike(own)) + lambda * strain;
            let chance = random.next() as f64 / 2f64.powi(64);
            if delta <= 0.0 || chance < (-delta / model.kt).exp() {
                spins[at] = other;
                volumes[own as usize] -= 1;
                volumes[other as usize] += 1;
            }
        }
        if sweep % every == 0 && sweep < sweeps {
            told.push(spins.clone());
        }
    }
    told
}

/// The standard deviation of the volumes of cells, over all frames.
fn spread(frames: &[Vec<u32>]) -> f64 {
    let mut volumes = Vec::new();
    for spins in frames {
        let mut of = BTreeMap::new();
        spins.iter().for_each(|spin| *of.entry(*spin).or_insert(0.0) += 1.0);
        volumes.extend(of.into_values());
    }
    let mean = volumes.iter().sum::<f64>() / volumes.len() as f64;
    (volumes.iter().map(|volume: &f64| (volume - mean).powi(2)).sum::<f64>() / volumes.len() as f64).sqrt()
}

/// Volumes that are a step old widen their distribution by less than a tenth.
#[test]
fn volumes_spread_as_in_a_run_in_random_order() {
    for (shape, edge, lambda, sweeps) in [(Shape([1, 40, 40]), 10, 1.0, 2000), (Shape([16, 16, 16]), 8, 0.5, 400)] {
        let (model, start) = tissue(shape, edge, lambda);
        let after = |frames: Vec<Vec<u32>>| spread(&frames[frames.len() / 8..]);
        let ours = after(frames(&model, shape, start.clone(), sweeps, 5));
        let theirs = after(in_random_order(&model, shape, start, sweeps, 5));
        assert!((ours / theirs - 1.0).abs() < 0.1, "{shape}: {ours}, in random order {theirs}");
    }
}

/// Two types that stick to their like, in a medium: the contact of the unlike ebbs away, and those that cohere
/// less end outside (Steinberg, 1963).
#[test]
fn cells_of_two_types_sort() {
    const SIDE: usize = 96;
    let shape = Shape([1, SIDE, SIDE]);
    let (edge, side) = (6, 12);
    let mut random = Random(7);
    // A square of cells in the middle, of types by chance.
    let margin = (SIDE - edge * side) / 2;
    let mut start = vec![0u32; SIDE * SIDE];
    for (at, spin) in start.iter_mut().enumerate() {
        let [y, x] = [at / SIDE, at % SIDE].map(|along| along.checked_sub(margin).map(|along| along / edge));
        if let (Some(y), Some(x)) = (y, x)
            && y < side
            && x < side
        {
            *spin = (y * side + x) as u32 + 1;
        }
    }
    let of: Vec<u8> = (0..=144).map(|spin| if spin == 0 { 0 } else { 1 + random.below(2) as u8 }).collect();
    let types = ["medium", "dark", "light"].map(|name| Type {
        name: name.into(),
        target: 36,
        lambda: if name == "medium" { 0.0 } else { 1.0 },
        frozen: false,
    });
    // Dark coheres most.
    let contact = vec![vec![0.0, 16.0, 16.0], vec![16.0, 2.0, 11.0], vec![16.0, 11.0, 14.0]];
    let cells = Cells::new(types.to_vec(), of.clone(), &contact).unwrap();
    let model = Model {
        neighborhood: "8".parse().unwrap(),
        boundary: Boundary::Walls,
        moves: Move::Copy,
        energy: Energy::Cells(Arc::new(cells)),
        kt: 10.0,
        shades: 2,
        spins: 144,
        seed: 2,
    };
    let frames = frames(&model, shape, start, 2001, 20);
    let kind = |spins: &[u32], at: usize| of[spins[at] as usize];
    let meet = |spins: &[u32], a: u8, b: u8| {
        let pairs = (0..SIDE * SIDE).flat_map(|at| {
            let right = (at % SIDE < SIDE - 1).then_some(at + 1);
            right.into_iter().chain((at < SIDE * (SIDE - 1)).then_some(at + SIDE)).map(move |to| (at, to))
        });
        let unlike = |(from, to): &(usize, usize)| {
            let met = [kind(spins, *from), kind(spins, *to)];
            met == [a, b] || met == [b, a]
        };
        pairs.filter(unlike).count() as f64
    };
    let fifths: Vec<f64> = frames
        .chunks(frames.len() / 5)
        .take(5)
        .map(|part| part.iter().map(|spins| meet(spins, 1, 2)).sum::<f64>() / part.len() as f64)
        .collect();
    assert!(fifths.is_sorted_by(|a, b| a > b), "{fifths:?}");
    let last = &frames[frames.len() - 1];
    assert!(meet(last, 0, 2) > 2.0 * meet(last, 0, 1), "{} {}", meet(last, 0, 2), meet(last, 0, 1));
}
