//! The Potts model is right in fact: Boltzmann's frequencies, volumes, the sorting of cells.
//!
//! Seeds are fixed: a test holds or fails for good.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use septa::lattice::faces::faces;
use septa::lattice::tiling::Tiling;
use septa::pregel::local;
use septa::prelude::*;
use septa::programs::potts::cells::{Cells, Connected, Type};
use septa::programs::potts::field::Field;
use septa::programs::potts::model::{Boundary, Energy, Model, Move};
use septa::programs::potts::run::{Frames, Potts};
use septa::volume::memory::Memory;
use septa::volume::region::Region;
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
            weights: Vec::new(),
            surface: None,
            field: None,
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
    let of = Type { name: "cell".into(), target, lambda, ..Type::default() };
    let cells = Cells::new(vec![of], vec![0; spins as usize + 1], &[vec![10.0]]).unwrap();
    let model = Model {
        neighborhood: if shape.0[0] == 1 { "8" } else { "26" }.parse().unwrap(),
        weights: Vec::new(),
        surface: None,
        field: None,
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
        ..Type::default()
    });
    // Dark coheres most.
    let contact = vec![vec![0.0, 16.0, 16.0], vec![16.0, 2.0, 11.0], vec![16.0, 11.0, 14.0]];
    let cells = Cells::new(types.to_vec(), of.clone(), &contact).unwrap();
    let model = Model {
        neighborhood: "8".parse().unwrap(),
        weights: Vec::new(),
        surface: None,
        field: None,
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

/// Cells in a plane that strive for a volume, each a rectangle of its own in a medium.
fn in_medium(kind: Type, shape: Shape, boxes: &[[usize; 4]], kt: f64) -> (Model, Vec<u32>) {
    let mut start = vec![0u32; shape.voxels().unwrap() as usize];
    for (number, [y0, y1, x0, x1]) in boxes.iter().enumerate() {
        for y in *y0..*y1 {
            (*x0..*x1).for_each(|x| start[y * shape.0[2] + x] = number as u32 + 1);
        }
    }
    let of = (0..=boxes.len()).map(|spin| u8::from(spin > 0)).collect();
    let types = vec![Type { name: "medium".into(), ..Type::default() }, kind];
    let cells = Cells::new(types, of, &[vec![0.0, 2.0], vec![2.0, 4.0]]).unwrap();
    let model = Model {
        neighborhood: "8".parse().unwrap(),
        weights: Vec::new(),
        surface: None,
        field: None,
        boundary: Boundary::Walls,
        moves: Move::Copy,
        energy: Energy::Cells(Arc::new(cells)),
        kt,
        shades: 2,
        spins: boxes.len() as u32,
        seed: 4,
    };
    (model, start)
}

/// The voxels of a spin.
fn voxels_of(shape: Shape, spins: &[u32], spin: u32) -> Vec<[usize; 3]> {
    (0..spins.len()).filter(|at| spins[*at] == spin).map(|at| shape.voxel(at as u64)).collect()
}

/// The larger of the variances along y and x over the smaller.
fn elongation(voxels: &[[usize; 3]]) -> f64 {
    let spread = |axis: usize| {
        let mean = voxels.iter().map(|at| at[axis] as f64).sum::<f64>() / voxels.len() as f64;
        voxels.iter().map(|at| (at[axis] as f64 - mean).powi(2)).sum::<f64>()
    };
    let (y, x) = (spread(1), spread(2));
    y.max(x) / y.min(x)
}

/// A rod whose surface is held small becomes round, where without that it does not in that time.
#[test]
fn a_cell_whose_surface_is_held_becomes_round() {
    let shape = Shape([1, 60, 60]);
    let last = |surface_lambda: f64| {
        let kind = Type { target: 400, lambda: 1.0, surface: 180, surface_lambda, ..Type::default() };
        let (mut model, start) = in_medium(kind, shape, &[[25, 35, 10, 50]], 8.0);
        let Energy::Cells(cells) = &model.energy else { panic!() };
        // No contact costs anything: the surface alone holds it together.
        let free = Cells::new(cells.types().to_vec(), vec![0, 1], &[vec![0.0, 0.0], vec![0.0, 0.0]]).unwrap();
        model.energy = Energy::Cells(Arc::new(free));
        frames(&model, shape, start, 801, 800).pop().unwrap()
    };
    let round = voxels_of(shape, &last(0.05), 1);
    assert!((round.len() as f64 - 400.0).abs() < 40.0, "{}", round.len());
    assert!(elongation(&round) < 2.0, "{}, from 16", elongation(&round));
    assert!(elongation(&round) < elongation(&voxels_of(shape, &last(0.0), 1)));
}

/// The number of pieces of voxels that touch by edges and corners.
fn pieces(voxels: &[[usize; 3]]) -> usize {
    let mut left: std::collections::BTreeSet<[usize; 3]> = voxels.iter().copied().collect();
    let mut pieces = 0;
    while let Some(first) = left.pop_first() {
        pieces += 1;
        let mut walk = vec![first];
        while let Some(from) = walk.pop() {
            let near: Vec<_> =
                left.iter().copied().filter(|to| (0..3).all(|axis| from[axis].abs_diff(to[axis]) < 2)).collect();
            near.iter().for_each(|to| _ = left.remove(to));
            walk.extend(near);
        }
    }
    pieces
}

/// At a heat that tears cells to shreds those that may not be parted stay whole, in every frame.
#[test]
fn connected_cells_are_never_parted() {
    let shape = Shape([1, 40, 40]);
    let boxes = [[5, 15, 5, 15], [5, 15, 15, 25], [15, 25, 5, 15], [15, 25, 15, 25]];
    let most = |connected: Connected| {
        let kind = Type { target: 100, lambda: 0.2, connected, ..Type::default() };
        let (model, start) = in_medium(kind, shape, &boxes, 40.0);
        let all = frames(&model, shape, start, 400, 5);
        assert!(all.len() > 70);
        let of = |spins: &Vec<u32>| (1..=4).map(|spin| pieces(&voxels_of(shape, spins, spin))).max().unwrap();
        all.iter().map(of).max().unwrap()
    };
    assert_eq!(most(Connected::Always), 1);
    let (free, dear) = (most(Connected::No), most(Connected::At(60.0)));
    assert!(free > 10 && dear < free, "{free} pieces, {dear} where parting costs");
}

/// Cells follow a gradient, the faster the more they feel it; a force does the same where there is no field.
#[test]
fn cells_drift_up_a_gradient() {
    let shape = Shape([1, 30, 90]);
    let slope: Vec<f32> = (0..30 * 90).map(|at| (at % 90) as f32).collect();
    let field = Memory::new("slope", Voxels::from_vec(shape, slope), Spacing::default());
    let field = Arc::new(Field::read(&field).unwrap());
    let drift = |chemotaxis: f64, force: f64, seed: u64| {
        let kind = Type { target: 100, lambda: 1.0, chemotaxis, force: [0.0, 0.0, force], ..Type::default() };
        let (model, start) = in_medium(kind, shape, &[[10, 20, 20, 30]], 8.0);
        let model = Model { field: Some(Arc::clone(&field)), seed, ..model };
        let end = frames(&model, shape, start, 301, 300).pop().unwrap();
        let voxels = voxels_of(shape, &end, 1);
        voxels.iter().map(|at| at[2] as f64).sum::<f64>() / voxels.len() as f64 - 24.5
    };
    for seed in 1..=4 {
        let (still, slow, fast) = (drift(0.0, 0.0, seed), drift(2.0, 0.0, seed), drift(6.0, 0.0, seed));
        assert!(still.abs() < 5.0 && slow > 5.0 && fast > slow, "seed {seed}: {still}, {slow}, {fast}");
        assert!(drift(-2.0, 0.0, seed) < -3.0);
        assert!(drift(0.0, 2.0, seed) > 5.0);
    }
}

/// Cells that grow divide into halves, whose sizes stay below that at which they divide; those that die vanish.
#[test]
fn cells_that_grow_divide_and_those_that_die_vanish() {
    let shape = Shape([1, 80, 80]);
    let kind = Type { target: 100, lambda: 1.0, growth: 2.0, divide_at: 200, ..Type::default() };
    let (model, start) = in_medium(kind, shape, &[[35, 45, 35, 45]], 8.0);
    let all = frames(&model, shape, start, 201, 10);
    let volumes = |spins: &Vec<u32>| {
        let mut of = BTreeMap::new();
        spins.iter().filter(|spin| **spin > 0).for_each(|spin| *of.entry(*spin).or_insert(0u64) += 1);
        of
    };
    let counts: Vec<usize> = all.iter().map(|spins| volumes(spins).len()).collect();
    assert!(counts.is_sorted() && *counts.last().unwrap() >= 8, "{counts:?}");
    // Numbers are given one after another, and a cell is not let grow much beyond its division.
    let last = volumes(all.last().unwrap());
    assert!(last.keys().copied().eq(1..=last.len() as u32), "{last:?}");
    assert!(last.values().all(|volume| (30..230).contains(volume)), "{last:?}");
    let kind = Type { target: 100, lambda: 1.0, death: 0.02, ..Type::default() };
    let square = |at: usize| [3 + at / 4 * 14, 13 + at / 4 * 14, 3 + at % 4 * 14, 13 + at % 4 * 14];
    let boxes: Vec<[usize; 4]> = (0..16).map(square).collect();
    // Room to shrink into is that of the medium.
    let shape = Shape([1, 58, 58]);
    let (model, start) = in_medium(kind, shape, &boxes, 8.0);
    let alive: Vec<usize> = frames(&model, shape, start, 401, 40).iter().map(|spins| volumes(spins).len()).collect();
    assert!(alive.is_sorted_by(|a, b| a >= b) && alive[0] > 4 && *alive.last().unwrap() < 3, "{alive:?}");
}

/// Cells round random points, Poisson's, have 15.54 faces (Meijering, 1953): what counts faces of grains is right. At a
/// mean radius of 16 voxels some tenth of a face of each is smaller than a voxel, and missed.
#[test]
#[cfg_attr(debug_assertions, ignore = "minutes in a debug build")]
fn cells_of_random_points_have_fifteen_and_a_half_faces() {
    const SIDE: usize = 200;
    const CELLS: usize = 460;
    const BUCKETS: usize = 8;
    let edge = SIDE / BUCKETS;
    let mut counts = Vec::new();
    for seed in 1..=3 {
        let mut random = Random(seed);
        // Places in thousandths of a voxel, in buckets that each hold one or so.
        let mut buckets = vec![Vec::new(); BUCKETS.pow(3)];
        for label in 1..=CELLS as u32 {
            let at = [0; 3].map(|_: i32| random.below(1000 * SIDE as u64) as i64);
            let [z, y, x] = at.map(|along| along as usize / 1000 / edge);
            buckets[(z * BUCKETS + y) * BUCKETS + x].push((at, label));
        }
        let near = |[z, y, x]: [usize; 3]| -> Vec<([i64; 3], u32)> {
            let around = |at: usize| (BUCKETS + at - 2..=BUCKETS + at + 2).map(|at| at % BUCKETS);
            let mut points = Vec::new();
            for (z, y) in around(z).flat_map(|z| around(y).map(move |y| (z, y))) {
                around(x).for_each(|x| points.extend(&buckets[(z * BUCKETS + y) * BUCKETS + x]));
            }
            points
        };
        let nearest: Vec<_> = (0..BUCKETS.pow(3))
            .map(|at| near([at / BUCKETS / BUCKETS, at / BUCKETS % BUCKETS, at % BUCKETS]))
            .collect();
        let distance = |a: [usize; 3], b: [i64; 3]| -> i64 {
            let along = |axis: usize| {
                let away = (1000 * a[axis] as i64 + 500 - b[axis]).abs();
                away.min(1000 * SIDE as i64 - away).pow(2)
            };
            along(0) + along(1) + along(2)
        };
        // A shell towards larger z, y and x holds the voxels of the other side.
        let shape = Shape([SIDE + 1; 3]);
        let label = |at: u64| {
            let at = shape.voxel(at).map(|along| along % SIDE);
            let [z, y, x] = at.map(|along| along / edge);
            let points = &nearest[(z * BUCKETS + y) * BUCKETS + x];
            points.iter().min_by_key(|(point, _)| distance(at, *point)).expect("points are near").1
        };
        let voxels = Voxels::from_vec(shape, (0..shape.voxels().unwrap()).map(label).collect());
        let own = Region { start: [0; 3], end: [SIDE; 3] };
        let summary = faces(&voxels, Region::whole(shape), own, "grains").unwrap();
        counts.push(2.0 * summary.contacts.len() as f64 / CELLS as f64);
    }
    let radius = (3.0 * (SIDE as f64).powi(3) / CELLS as f64 / (4.0 * std::f64::consts::PI)).cbrt();
    assert!(radius > 12.0, "{radius}");
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    assert!((mean - 15.54).abs() < 0.2, "{counts:?} faces");
}
