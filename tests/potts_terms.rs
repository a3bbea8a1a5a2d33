//! The further terms of the Potts model against a plain loop over an array, which counts volumes and surfaces anew in
//! every step: surfaces, pieces, forces, fields, weights of shells, mirrors, growth, death and division.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;
#[path = "common/volume.rs"]
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use septa::lattice::stencil::Step;
use septa::lattice::tiling::Tiling;
use septa::pregel::local;
use septa::prelude::*;
use septa::programs::potts::cells::{Cells, Connected, Type};
use septa::programs::potts::field::Field;
use septa::programs::potts::model::{Boundary, Energy, Model, Move};
use septa::programs::potts::rule::Rule;
use septa::programs::potts::run::{Made, Potts};
use septa::programs::potts::voxelwise::Voxelwise;
use septa::volume::memory::Memory;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::Voxels;

use random::Random;
use volume::{cells, cuts, memory, voxels_of};

type Voxel = [i64; 3];

/// The model as a loop over an array.
struct Plain<'a> {
    model: &'a Model,
    contact: Vec<Vec<i64>>,
    field: Vec<i64>,
    shape: Voxel,
    spins: BTreeMap<Voxel, u32>,
    kinds: Vec<usize>,
    /// In thousandths; nothing of those that die.
    targets: Vec<Option<i64>>,
    born: u32,
    died: u32,
}

/// Steps up to a squared length, of a plane or of space, in raster order.
fn steps_to(square: i64, planar: bool) -> Vec<Voxel> {
    let all = (0..125i64).map(|code| [code / 25 - 2, code / 5 % 5 - 2, code % 5 - 2]);
    let far = |step: &Voxel| step.iter().map(|along| along * along).sum::<i64>();
    all.filter(|step| (1..=square).contains(&far(step)) && !(planar && step[0] != 0)).collect()
}

fn steps_of(neighborhood: &str) -> Vec<Voxel> {
    match neighborhood {
        "4" => steps_to(1, true),
        "8" => steps_to(2, true),
        "12" => steps_to(4, true),
        "20" => steps_to(5, true),
        "6" => steps_to(1, false),
        "18" => steps_to(2, false),
        "32" => steps_to(4, false),
        "56" => steps_to(5, false),
        _ => steps_to(3, false),
    }
}

/// Whether it reaches two voxels far.
fn is_far(neighborhood: &str) -> bool {
    matches!(neighborhood, "12" | "20" | "32" | "56")
}

fn thousandths(energy: f64) -> i64 {
    (energy * 1000.0).round() as i64
}

impl<'a> Plain<'a> {
    fn new(model: &'a Model, contact: &[Vec<f64>], field: &[f64], shape: Shape, spins: &[u32]) -> Self {
        let at = voxels_of(shape).map(|voxel| voxel.map(|along| along as i64));
        let Energy::Cells(cells) = &model.energy else { panic!("cells") };
        let kinds: Vec<usize> = (0..=model.spins).map(|spin| cells.of(spin)).collect();
        Self {
            model,
            contact: contact.iter().map(|row| row.iter().copied().map(thousandths).collect()).collect(),
            field: field.iter().copied().map(thousandths).collect(),
            shape: shape.0.map(|n| n as i64),
            spins: at.zip(spins.iter().copied()).collect(),
            targets: kinds.iter().map(|kind| Some(cells.types()[*kind].target as i64 * 1000)).collect(),
            kinds,
            born: 0,
            died: 0,
        }
    }

    fn of(&self, spin: u32) -> &Type {
        let Energy::Cells(cells) = &self.model.energy else { panic!("cells") };
        &cells.types()[self.kinds[spin as usize]]
    }

    /// The voxel a step away; nothing beyond a wall, or where it is the voxel's own image.
    fn beside(&self, at: Voxel, step: Voxel) -> Option<Voxel> {
        let mut there = at;
        for axis in 0..3 {
            let n = self.shape[axis];
            there[axis] += step[axis];
            while !(0..n).contains(&there[axis]) {
                there[axis] = match self.model.boundary {
                    Boundary::Walls => return None,
                    Boundary::Periodic if there[axis] < 0 => there[axis] + n,
                    Boundary::Periodic => there[axis] - n,
                    Boundary::Mirror if there[axis] < 0 => -1 - there[axis],
                    Boundary::Mirror => 2 * n - 1 - there[axis],
                };
            }
        }
        (self.model.boundary != Boundary::Mirror || there != at).then_some(there)
    }

    fn met(&self, at: Voxel, step: Voxel) -> Option<u32> {
        self.beside(at, step).map(|there| self.spins[&there])
    }

    /// The energy of a voxel's contacts, had it another spin.
    fn contacts(&self, at: Voxel, spin: u32) -> i64 {
        let mut sum = 0;
        let mut squares: Vec<i64> = Vec::new();
        let steps = steps_of(&self.model.neighborhood.to_string());
        let square = |step: &Voxel| step.iter().map(|along| along * along).sum::<i64>();
        steps.iter().for_each(|step| squares.push(square(step)));
        squares.sort_unstable();
        squares.dedup();
        for step in steps {
            let shell = squares.iter().position(|of| *of == square(&step)).unwrap();
            let weight = thousandths(self.model.weights.get(shell).copied().unwrap_or(1.0));
            if let Some(met) = self.met(at, step).filter(|met| *met != spin) {
                let contact = self.contact[self.kinds[spin as usize]][self.kinds[met as usize]];
                sum += (contact as f64 * weight as f64 / 1000.0 + 0.5).floor() as i64;
            }
        }
        sum
    }

    fn surface_steps(&self) -> Vec<Voxel> {
        steps_of(&self.model.surface.unwrap_or(self.model.neighborhood).to_string())
    }

    fn volume(&self, spin: u32) -> i64 {
        self.spins.values().filter(|other| **other == spin).count() as i64
    }

    fn surface(&self, spin: u32) -> i64 {
        let steps = self.surface_steps();
        let own = self.spins.iter().filter(|(_, other)| **other == spin);
        let unlike = |at: Voxel| steps.iter().filter_map(|step| self.met(at, *step)).filter(|met| *met != spin).count();
        own.map(|(at, _)| unlike(*at) as i64).sum()
    }

    /// The energy of all volumes and surfaces, by what is counted of each.
    fn strain(&self, spin: u32, volume: i64, surface: i64) -> i64 {
        let of = self.of(spin);
        let target = self.targets[spin as usize].unwrap_or(0) / 1000;
        thousandths(of.lambda) * (volume - target).pow(2)
            + thousandths(of.surface_lambda) * (surface - of.surface as i64).pow(2)
    }

    /// Whether the voxels of a cell around a voxel fall apart.
    fn falls_apart(&self, at: Voxel, spin: u32) -> bool {
        let around = steps_of(if self.shape[0] == 1 { "8" } else { "26" });
        let mut left: BTreeSet<Voxel> = around.into_iter().filter(|step| self.met(at, *step) == Some(spin)).collect();
        let mut walk: Vec<Voxel> = left.pop_first().into_iter().collect();
        while let Some(from) = walk.pop() {
            let near: Vec<Voxel> =
                left.iter().copied().filter(|to| (0..3).all(|axis| (from[axis] - to[axis]).abs() < 2)).collect();
            near.iter().for_each(|to| _ = left.remove(to));
            walk.extend(near);
        }
        !left.is_empty()
    }

    /// What a change costs, in thousandths; nothing where it may not be.
    fn cost(&self, at: Voxel, to: u32, by: Option<Voxel>, sizes: &BTreeMap<u32, (i64, i64)>) -> Option<i64> {
        let own = self.spins[&at];
        let mut cost = self.contacts(at, to) - self.contacts(at, own);
        let count = |spin: u32, like: bool| {
            let met = self.surface_steps().into_iter().filter_map(|step| self.met(at, step));
            met.filter(|met| (*met == spin) == like).count() as i64
        };
        let (own_size, to_size) = (sizes[&own], sizes[&to]);
        let own_pairs = own_size.1 - count(own, false) + count(own, true);
        let to_pairs = to_size.1 + count(to, false) - count(to, true);
        cost += self.strain(own, own_size.0 - 1, own_pairs) - self.strain(own, own_size.0, own_size.1);
        cost += self.strain(to, to_size.0 + 1, to_pairs) - self.strain(to, to_size.0, to_size.1);
        let around = steps_of(if self.shape[0] == 1 { "8" } else { "26" });
        let joins_nothing = around.iter().all(|step| self.met(at, *step) != Some(to));
        for (spin, parts) in [(own, self.falls_apart(at, own)), (to, joins_nothing)] {
            match self.of(spin).connected {
                Connected::Always if parts => return None,
                Connected::At(energy) if parts => cost += thousandths(energy),
                _ => {}
            }
        }
        if !self.field.is_empty() {
            let value = |at: Voxel| self.field[((at[0] * self.shape[1] + at[1]) * self.shape[2] + at[2]) as usize];
            let potential = |spin: u32| thousandths(self.of(spin).potential);
            cost += ((potential(to) - potential(own)) * value(at)).div_euclid(1000);
            if let Some(there) = by.and_then(|step| self.beside(at, step)) {
                cost -= (thousandths(self.of(to).chemotaxis) * (value(at) - value(there))).div_euclid(1000);
            }
        }
        if let Some(step) = by {
            // A copy goes back along the step to where it comes from.
            cost -= (0..3).map(|axis| -step[axis] * thousandths(self.of(to).force[axis])).sum::<i64>();
        }
        Some(cost)
    }

    fn sweep(&mut self, sweep: u64) {
        let neighborhood = self.model.neighborhood.to_string();
        let steps = steps_of(&neighborhood);
        let planar = self.shape[0] == 1;
        let far = is_far(&neighborhood);
        let colours = match (far, planar) {
            (true, true) => 16,
            (true, false) => 64,
            (false, true) => 4,
            (false, false) => 8,
        };
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.model.seed.to_le_bytes());
        key[8] = 17;
        let shades = u64::from(self.model.shades);
        for turn in 0..colours * shades {
            let (colour, shade) = (turn / shades, (turn % shades) as i64);
            let mut rng = ChaCha8Rng::from_seed(key);
            rng.set_stream(sweep * colours * shades + turn);
            let present: BTreeSet<u32> = self.spins.values().copied().collect();
            let sizes: BTreeMap<u32, (i64, i64)> =
                present.into_iter().map(|spin| (spin, (self.volume(spin), self.surface(spin)))).collect();
            let at: Vec<Voxel> = self.spins.keys().copied().collect();
            for voxel in at {
                let [z, y, x] = voxel;
                let of = match far {
                    true => z % 4 * 16 + y % 4 * 4 + x % 4,
                    false => z % 2 * 4 + y % 2 * 2 + x % 2,
                };
                let shade_of = match shades {
                    1 => 0,
                    2 => y / 2 % 2,
                    _ => y / 2 % 2 + 2 * (z / 2 % 2),
                };
                if of as u64 != colour || shade_of != shade {
                    continue;
                }
                let half = |n: i64| (n as u128).div_ceil(2);
                let place =
                    ((z / 2) as u128 * half(self.shape[1]) + (y / 2) as u128) * half(self.shape[2]) + (x / 2) as u128;
                rng.set_word_pos(place);
                let word = rng.next_u32();
                let split = |n: usize| {
                    let product = u64::from(word) * n as u64;
                    ((product >> 32) as usize, product as u32)
                };
                let own = self.spins[&voxel];
                let (to, fraction, by) = match self.model.moves {
                    Move::Distinct => {
                        let mut met: Vec<u32> = Vec::new();
                        for spin in steps.iter().filter_map(|step| self.met(voxel, *step)).filter(|spin| *spin != own) {
                            if !met.contains(&spin) {
                                met.push(spin);
                            }
                        }
                        let (which, fraction) = split(met.len().max(1));
                        (met.get(which).copied(), fraction, None)
                    }
                    _ => {
                        let (which, fraction) = split(steps.len());
                        (self.met(voxel, steps[which]), fraction, Some(steps[which]))
                    }
                };
                let Some(to) = to.filter(|to| *to != own && !self.of(*to).frozen && !self.of(own).frozen) else {
                    continue;
                };
                let Some(cost) = self.cost(voxel, to, by, &sizes) else { continue };
                let chance = (-(cost as f64) / 1000.0 / self.model.kt).exp() * 2f64.powi(32);
                if cost <= 0 || f64::from(fraction) < chance {
                    self.spins.insert(voxel, to);
                }
            }
        }
    }

    /// What happens between sweeps.
    fn age(&mut self, sweep: u64) {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.model.seed.to_le_bytes());
        key[8] = 18;
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(sweep);
        let mut dividing = Vec::new();
        for spin in 0..self.kinds.len() as u32 {
            let word = rng.next_u32();
            let (of, volume) = (self.of(spin).clone(), self.volume(spin));
            let Some(target) = self.targets[spin as usize] else { continue };
            if volume > 0 && f64::from(word) < of.death * 2f64.powi(32) {
                self.targets[spin as usize] = None;
                self.died += 1;
                continue;
            }
            self.targets[spin as usize] = Some((target + thousandths(of.growth)).max(0));
            if of.divide_at > 0 && volume as u64 >= of.divide_at {
                dividing.push(spin);
            }
        }
        dividing.into_iter().for_each(|mother| self.divide(mother));
    }

    fn divide(&mut self, mother: u32) {
        let own: Vec<Voxel> = self.spins.iter().filter(|(_, spin)| **spin == mother).map(|(at, _)| *at).collect();
        let away = |at: &Voxel| -> [f64; 3] {
            std::array::from_fn(|axis| {
                let (n, straight) = (self.shape[axis], at[axis] - own[0][axis]);
                let around = match self.model.boundary {
                    Boundary::Periodic => [straight, straight + n, straight - n],
                    _ => [straight; 3],
                };
                // Of two ways as long the one ahead.
                around.into_iter().min_by_key(|away| (away.abs(), -away)).unwrap() as f64
            })
        };
        let offsets: Vec<[f64; 3]> = own.iter().map(away).collect();
        let count = own.len() as f64;
        let mean: [f64; 3] = std::array::from_fn(|axis| offsets.iter().map(|at| at[axis]).sum::<f64>() / count);
        let spread = |a: usize, b: usize| offsets.iter().map(|at| (at[a] - mean[a]) * (at[b] - mean[b])).sum::<f64>();
        // The power method, from no direction in particular.
        let mut axis = [0.31, 0.57, 0.76];
        for _ in 0..20_000 {
            let next: [f64; 3] = std::array::from_fn(|a| (0..3).map(|b| spread(a, b) * axis[b]).sum());
            let length = next.iter().map(|along| along * along).sum::<f64>().sqrt();
            let next = next.map(|along| along / length);
            let still = (0..3).all(|a| (next[a] - axis[a]).abs() < 1e-15);
            axis = next;
            if still {
                break;
            }
        }
        if axis.iter().find(|along| along.abs() > 1e-7).is_some_and(|along| *along < 0.0) {
            axis = axis.map(|along| -along);
        }
        let daughter = self.kinds.len() as u32;
        for (at, offset) in own.iter().zip(&offsets) {
            if (0..3).map(|a| axis[a] * (offset[a] - mean[a])).sum::<f64>() > 1e-5 {
                self.spins.insert(*at, daughter);
            }
        }
        self.kinds.push(self.kinds[mother as usize]);
        let half = self.targets[mother as usize].map(|target| target / 2);
        self.targets[mother as usize] = half;
        self.targets.push(half);
        self.born += 1;
    }

    fn energy(&self) -> f64 {
        let contacts = self.spins.iter().map(|(at, spin)| self.contacts(*at, *spin)).sum::<i64>() as f64 / 2.0;
        let present: BTreeSet<u32> = self.spins.values().copied().collect();
        let held = Energy::Uniform(0.0) != self.model.energy;
        let strain = present.into_iter().map(|spin| {
            let surface = match self.of(spin).surface_lambda > 0.0 {
                true => self.surface(spin),
                false => 0,
            };
            if held { self.strain(spin, self.volume(spin), surface) } else { 0 }
        });
        let mut potential = 0.0;
        if !self.field.is_empty() {
            for (value, spin) in self.field.iter().zip(self.spins.values()) {
                potential += *value as f64 * self.of(*spin).potential;
            }
        }
        (contacts + strain.sum::<i64>() as f64 + potential) / 1000.0
    }
}

/// The spins of a whole volume from what blocks made, and energies.
fn whole(shape: Shape, made: Vec<Made>) -> (Vec<u32>, Vec<(u64, u64, f64)>) {
    let mut spins = vec![0; shape.voxels().unwrap() as usize];
    let mut rows = Vec::new();
    for Made { region, spins: part, rows: told } in made {
        rows.extend(told.iter().map(|row| (row.sweep, row.cells, row.energy)));
        for (z, y) in region.rows() {
            for x in region.range(2) {
                let place = std::array::from_fn(|axis| [z, y, x][axis] - region.start[axis]);
                spins[shape.raster([z, y, x]) as usize] = part.get(place) as u32;
            }
        }
    }
    (spins, rows)
}

/// A model with types that have every term there is, or some of them.
struct Case {
    model: Model,
    contact: Vec<Vec<f64>>,
    field: Vec<f64>,
    shape: Shape,
    spins: Vec<u32>,
}

impl Case {
    fn new(neighborhood: &str, boundary: Boundary, shape: Shape, ages: bool, random: &mut Random) -> Self {
        let moves = [Move::Copy, Move::Distinct][usize::from(random.below(4) == 0)];
        let copies = f64::from(u8::from(moves == Move::Copy));
        let mut some = |values: &[f64]| values[random.below(values.len() as u64) as usize];
        let mut kind = |name: &str| Type {
            name: name.into(),
            target: some(&[9.0, 20.0]) as u64,
            lambda: some(&[0.5, 1.25]),
            growth: if ages { some(&[0.0, 0.7, 1.5, -0.4]) } else { some(&[0.0, 0.0, 0.25]) },
            surface: some(&[30.0, 60.0]) as u64,
            surface_lambda: some(&[0.0, 0.05]),
            connected: match some(&[0.0, 1.0, 2.0]) as u8 {
                0 => Connected::No,
                1 => Connected::Always,
                _ => Connected::At(some(&[3.5, 20.0])),
            },
            force: [0.0, some(&[0.0, 2.5]) * copies, some(&[0.0, -1.5]) * copies],
            potential: some(&[0.0, 1.5]),
            chemotaxis: some(&[0.0, 3.25]) * copies,
            divide_at: if ages { some(&[0.0, 14.0, 25.0]) as u64 } else { 0 },
            death: if ages { some(&[0.0, 0.1]) } else { 0.0 },
            ..Type::default()
        };
        let types = vec![Type { name: "medium".into(), ..Type::default() }, kind("dark"), kind("light")];
        let contact = vec![vec![0.0, 12.0, 9.5], vec![12.0, 2.0, 11.0], vec![9.5, 11.0, 6.25]];
        let points = 5 + random.below(6);
        let spins: Vec<u32> = cells(shape, points, 8, random).into_iter().map(|label| label as u32).collect();
        let of = (0..=8).map(|spin| if spin == 0 { 0 } else { 1 + spin % 2 }).collect();
        let field: Vec<f64> = (0..spins.len()).map(|_| random.below(4000) as f64 / 1000.0 - 2.0).collect();
        let neighborhood: septa::programs::potts::neighborhood::Neighborhood = neighborhood.parse().unwrap();
        let surfaces = if neighborhood.is_planar() { ["4", "8"] } else { ["6", "26"] };
        let shades = match (neighborhood.radius(), neighborhood.is_planar()) {
            (2, _) => 1,
            (_, true) => 1 << random.below(2),
            _ => 1 << random.below(3),
        };
        let weights = [vec![], vec![1.0, 0.5], vec![0.75, 1.333]][random.below(3) as usize].clone();
        let model = Model {
            neighborhood,
            weights: weights.into_iter().take(neighborhood.shells()).collect(),
            surface: [None, Some(surfaces[0].parse().unwrap()), Some(surfaces[1].parse().unwrap())]
                [random.below(3) as usize],
            boundary,
            moves,
            energy: Energy::Cells(Arc::new(Cells::new(types, of, &contact).unwrap())),
            field: Some(Arc::new(
                Field::read(&Memory::new("field", Voxels::from_vec(shape, field.clone()), Spacing::default())).unwrap(),
            )),
            kt: 9.0,
            shades,
            spins: 8,
            seed: random.below(99),
        };
        Self { model, contact, field, shape, spins }
    }

    fn plain(&self) -> Plain<'_> {
        Plain::new(&self.model, &self.contact, &self.field, self.shape, &self.spins)
    }
}

/// How many cells were born and died.
fn holds(case: &Case, sweeps: u64) -> (u32, u32) {
    let mut plain = case.plain();
    let mut rows = vec![plain.energy()];
    for sweep in 0..sweeps {
        if sweep > 0 {
            plain.age(sweep);
        }
        plain.sweep(sweep);
        rows.push(plain.energy());
    }
    let expected: Vec<u32> = plain.spins.values().copied().collect();
    let tilings = cuts(&memory(case.shape, case.spins.clone()));
    for (tiling, owned) in tilings.into_iter().flat_map(|tiling| [(tiling.clone(), false), (tiling, true)]) {
        let potts = Potts::new(case.model.clone(), *tiling.grid(), sweeps, 1).unwrap().with_owners(owned);
        let mut made = Vec::new();
        local::run(&tiling, &potts, &Config::default(), |_, part| {
            made.push(part);
            Ok(())
        })
        .unwrap();
        let (found, told) = whole(case.shape, made);
        assert_eq!(found, expected, "{:?} {} {:?}", case.model, case.shape, tiling.grid());
        assert_eq!(told.len(), rows.len());
        for ((_, _, energy), expected) in told.iter().zip(&rows) {
            assert!((energy - expected).abs() < 1e-6, "{energy}, not {expected}: {:?}", case.model);
        }
    }
    (plain.born, plain.died)
}

fn shape_of(neighborhood: &str, boundary: Boundary, random: &mut Random) -> Shape {
    let far = is_far(neighborhood);
    let planar = matches!(neighborhood, "4" | "8" | "12" | "20");
    let shapes: &[[usize; 3]] = match (planar, far, boundary) {
        (true, true, Boundary::Periodic) => &[[1, 8, 12], [1, 4, 36]],
        (true, false, Boundary::Periodic) => &[[1, 8, 12], [1, 2, 38]],
        (true, ..) => &[[1, 9, 11], [1, 5, 37], [1, 3, 2]],
        (false, true, Boundary::Periodic) => &[[4, 4, 8]],
        (false, true, _) => &[[3, 4, 5], [2, 3, 9]],
        (false, false, Boundary::Periodic) => &[[4, 6, 8], [2, 4, 34]],
        (false, ..) => &[[5, 4, 7], [3, 2, 35]],
    };
    Shape(shapes[random.below(shapes.len() as u64) as usize])
}

const NEIGHBORHOODS: [&str; 9] = ["4", "8", "12", "20", "6", "18", "26", "32", "56"];
const BOUNDARIES: [Boundary; 3] = [Boundary::Periodic, Boundary::Walls, Boundary::Mirror];

#[test]
fn every_cut_of_terms_is_a_plain_loop_over_an_array() {
    let mut random = Random(11);
    for neighborhood in NEIGHBORHOODS {
        for boundary in BOUNDARIES {
            for _ in 0..3 {
                let shape = shape_of(neighborhood, boundary, &mut random);
                holds(&Case::new(neighborhood, boundary, shape, false, &mut random), 3);
            }
        }
    }
}

#[test]
fn cells_that_grow_die_and_divide_are_a_plain_loop_over_an_array() {
    let mut random = Random(12);
    let (mut born, mut died) = (0, 0);
    for neighborhood in ["4", "8", "20", "6", "26", "32"] {
        for boundary in BOUNDARIES {
            for _ in 0..2 {
                let shape = shape_of(neighborhood, boundary, &mut random);
                let found = holds(&Case::new(neighborhood, boundary, shape, true, &mut random), 6);
                (born, died) = (born + found.0, died + found.1);
            }
        }
    }
    assert!(born > 50 && died > 20, "{born} born, {died} died");
}

/// One contact energy, with weights and in mirrors, for all moves.
#[test]
fn mirrors_and_weights_of_plain_grains_are_those_of_cells_of_one_type() {
    let mut random = Random(13);
    for neighborhood in NEIGHBORHOODS {
        for boundary in BOUNDARIES {
            for moves in [Move::Copy, Move::Distinct] {
                let shape = shape_of(neighborhood, boundary, &mut random);
                let mut case = Case::new(neighborhood, boundary, shape, false, &mut random);
                let grain = Type { name: "grain".into(), ..Type::default() };
                let same = Cells::new(vec![grain], vec![0; 9], &[vec![1.5]]).unwrap();
                case.contact = vec![vec![1.5]];
                case.field = Vec::new();
                case.model = Model {
                    energy: Energy::Cells(Arc::new(same)),
                    moves,
                    field: None,
                    surface: None,
                    kt: 1.0,
                    ..case.model
                };
                holds(&case, 3);
                let mut of_one = case.model.clone();
                of_one.energy = Energy::Uniform(1.5);
                let run = |model: &Model| {
                    let tiling = Tiling::new(memory(shape, case.spins.clone()), BlockSize::Edge(3)).unwrap();
                    let potts = Potts::new(model.clone(), *tiling.grid(), 3, 1).unwrap();
                    let mut made = Vec::new();
                    local::run(&tiling, &potts, &Config::default(), |_, part| {
                        made.push(part);
                        Ok(())
                    })
                    .unwrap();
                    whole(shape, made)
                };
                assert_eq!(run(&case.model), run(&of_one), "{of_one:?}");
            }
        }
    }
}

/// The edges of a lattice with any boundary, each labelled with the step back from who hears to who speaks.
fn edges(rule: &Rule, blocks: u32) -> Csr<Step> {
    let mut edges = Vec::new();
    for at in voxels_of(rule.shape) {
        for step in &rule.steps {
            if let Some(there) = rule.model.beside(rule.shape, at, *step) {
                let [from, to] = [there, at].map(|voxel| VertexId(rule.shape.raster(voxel)));
                edges.push((from, to, step.map(|along| -along)));
            }
        }
    }
    let owner = move |vertex: VertexId| BlockId((vertex.0 % u64::from(blocks)) as u32);
    Csr::directed(rule.shape.voxels().unwrap(), &edges, blocks, owner).unwrap()
}

#[test]
fn the_vertex_program_has_the_bytes_of_the_block_program_with_all_terms() {
    let mut random = Random(14);
    let runtime = Runtime::start(&Workers::threads(4)).unwrap();
    for neighborhood in NEIGHBORHOODS {
        for boundary in BOUNDARIES {
            let shape = shape_of(neighborhood, boundary, &mut random);
            let case = Case::new(neighborhood, boundary, shape, false, &mut random);
            let tiling = Tiling::new(memory(shape, case.spins.clone()), BlockSize::Edge(3)).unwrap();
            let potts = Potts::new(case.model.clone(), *tiling.grid(), 3, 1).unwrap();
            let (made, _) = runtime.collect(&tiling, &potts, &Config::default()).unwrap();
            let (expected, _) = whole(shape, made.into_iter().map(|(_, made)| made).collect());
            let rule = Rule::new(case.model.clone(), shape).unwrap();
            let lesson = Voxelwise::new(rule.clone(), 3, case.spins.clone().into()).unwrap();
            let (states, _) = runtime.vertices(&edges(&rule, 3), &lesson, &Config::default()).unwrap();
            let found: Vec<u32> = states.into_iter().map(|(_, spin)| spin).collect();
            assert_eq!(found, expected, "{rule:?}");
        }
    }
}

/// The heat bath, which knows no cells, where neighbours are two voxels apart.
#[test]
fn a_bath_of_far_neighbours_has_the_bytes_of_the_vertex_program() {
    let mut random = Random(16);
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    for neighborhood in NEIGHBORHOODS.into_iter().filter(|of| is_far(of)) {
        for boundary in BOUNDARIES {
            let shape = shape_of(neighborhood, boundary, &mut random);
            let Case { model, spins, .. } = Case::new(neighborhood, boundary, shape, false, &mut random);
            let spins: Vec<u32> = spins.into_iter().map(|spin| spin.max(1)).collect();
            let (moves, energy) = (Move::HeatBath, Energy::Uniform(0.5));
            let model = Model { moves, energy, surface: None, field: None, kt: 2.0, ..model };
            let tiling = Tiling::new(memory(shape, spins.clone()), BlockSize::Edge(3)).unwrap();
            let potts = Potts::new(model.clone(), *tiling.grid(), 3, 1).unwrap();
            let (made, _) = runtime.collect(&tiling, &potts, &Config::default()).unwrap();
            let (expected, _) = whole(shape, made.into_iter().map(|(_, made)| made).collect());
            let rule = Rule::new(model, shape).unwrap();
            let lesson = Voxelwise::new(rule.clone(), 3, spins.clone().into()).unwrap();
            let (states, _) = runtime.vertices(&edges(&rule, 3), &lesson, &Config::default()).unwrap();
            let found: Vec<u32> = states.into_iter().map(|(_, spin)| spin).collect();
            assert_eq!(found, expected, "{rule:?}");
            assert_ne!(found, spins);
        }
    }
}

/// A run that ends while cells divide goes on to the same spins, with other workers.
#[test]
fn a_run_with_divisions_goes_on_from_a_checkpoint_to_the_same_bytes() {
    let mut random = Random(15);
    let [one, four] = [1, 4].map(|workers| Runtime::start(&Workers::threads(workers)).unwrap());
    let case = Case::new("26", Boundary::Periodic, Shape([4, 6, 8]), true, &mut random);
    let tiling = Tiling::new(memory(case.shape, case.spins.clone()), BlockSize::Edge(3)).unwrap();
    let potts = Potts::new(case.model.clone(), *tiling.grid(), 6, 2).unwrap();
    let parts = |made: Vec<(BlockId, Made)>| whole(case.shape, made.into_iter().map(|(_, made)| made).collect());
    let (made, report) = one.collect(&tiling, &potts, &Config::default()).unwrap();
    let straight = parts(made);
    assert!(straight.0.iter().any(|spin| *spin > 8), "some are born");
    for stop in (1..report.supersteps - 1).step_by(3) {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint { folder: folder.path().to_owned(), every: Every::Supersteps(1) };
        let config = Config { checkpoint: Some(checkpoint), ..Config::default() };
        assert!(one.collect(&tiling, &potts, &Config { max_supersteps: Some(stop), ..config.clone() }).is_err());
        let (made, report) = four.collect(&tiling, &potts, &config).unwrap();
        assert_eq!(report.resumed, Some(stop));
        assert_eq!(parts(made), straight, "{stop}");
    }
}
