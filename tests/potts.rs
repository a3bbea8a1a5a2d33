//! The Potts model against a plain loop over an array, and as a vertex program.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;
#[path = "common/volume.rs"]
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ndarray::Array3;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use septa::lattice::stencil::Step;
use septa::lattice::tiling::Tiling;
use septa::pregel::local;
use septa::prelude::*;
use septa::programs::potts::cells::{Cells, Type};
use septa::programs::potts::model::{Boundary, Energy, Model, Move};
use septa::programs::potts::rule::Rule;
use septa::programs::potts::run::{Made, Potts};
use septa::programs::potts::tally::Row;
use septa::programs::potts::voxelwise::Voxelwise;
use septa::volume::shape::Shape;

use random::Random;
use volume::{cells, cuts, memory};

/// A model of one contact energy.
fn uniform(neighborhood: &str, boundary: Boundary, moves: Move, kt: f64, spins: u32) -> Model {
    Model {
        neighborhood: neighborhood.parse().unwrap(),
        weights: Vec::new(),
        surface: None,
        field: None,
        boundary,
        moves,
        energy: Energy::Uniform(1.0),
        kt,
        shades: 1,
        spins,
        seed: 5,
    }
}

/// Types of cells: medium, two that stick to their like, and one that is frozen where `frozen`.
fn types(target: u64, lambda: f64, frozen: bool) -> (Vec<Type>, Vec<Vec<f64>>) {
    let of = |name: &str, target, lambda, frozen| Type { name: name.into(), target, lambda, frozen, ..Type::default() };
    let types = vec![
        of("medium", 0, 0.0, false),
        of("dark", target, lambda, false),
        of("light", target + 3, lambda / 2.0, false),
        of("stone", 0, 0.0, frozen),
    ];
    let contact = vec![
        vec![0.0, 16.0, 16.0, 8.0],
        vec![16.0, 2.0, 11.5, 8.25],
        vec![16.0, 11.5, 14.0, 8.0],
        vec![8.0, 8.25, 8.0, -1.0],
    ];
    (types, contact)
}

fn with_cells(model: Model, lambda: f64, frozen: bool) -> Model {
    let (types, contact) = types(9, lambda, frozen);
    let of = (0..=model.spins).map(|spin| if spin == 0 { 0 } else { 1 + (spin % 3) as u8 }).collect();
    Model { energy: Energy::Cells(Arc::new(Cells::new(types, of, &contact).unwrap())), ..model }
}

/// The model as a loop over an array that knows nothing of blocks, layouts and tables: with the same colours and
/// the same random numbers.
struct Plain<'a> {
    model: &'a Model,
    shape: [usize; 3],
    steps: Vec<[i64; 3]>,
    spins: Array3<u32>,
    volumes: BTreeMap<u32, i64>,
    taken: u64,
}

impl<'a> Plain<'a> {
    fn new(model: &'a Model, shape: Shape, spins: &[u32]) -> Self {
        let count = model.neighborhood.to_string();
        let (planar, most): (bool, i64) = match count.as_str() {
            "4" => (true, 1),
            "8" => (true, 2),
            "6" => (false, 1),
            "18" => (false, 2),
            _ => (false, 3),
        };
        let all = (0..27i64).map(|code| [code / 9 - 1, code / 3 % 3 - 1, code % 3 - 1]);
        let near = |step: &[i64; 3]| (1..=most).contains(&step.iter().map(|along| along.abs()).sum::<i64>());
        let steps = all.filter(|step| near(step) && !(planar && step[0] != 0)).collect();
        let spins = Array3::from_shape_vec(shape.0, spins.to_vec()).unwrap();
        let mut volumes = BTreeMap::new();
        spins.iter().for_each(|spin| *volumes.entry(*spin).or_insert(0) += 1);
        Self { model, shape: shape.0, steps, spins, volumes, taken: 0 }
    }

    /// The spin a step from a voxel; nothing beyond a wall.
    fn beside(&self, at: [usize; 3], step: [i64; 3]) -> Option<u32> {
        let mut there = [0; 3];
        for axis in 0..3 {
            let (moved, n) = (at[axis] as i64 + step[axis], self.shape[axis] as i64);
            if self.model.boundary == Boundary::Walls && !(0..n).contains(&moved) {
                return None;
            }
            there[axis] = moved.rem_euclid(n) as usize;
        }
        Some(self.spins[there])
    }

    fn contact(&self, a: u32, b: u32) -> f64 {
        match &self.model.energy {
            _ if a == b => 0.0,
            Energy::Uniform(contact) => *contact,
            Energy::Cells(cells) => types(0, 0.0, false).1[cells.of(a)][cells.of(b)],
        }
    }

    /// The energy of a voxel's contacts, had it another spin.
    fn around(&self, at: [usize; 3], spin: u32) -> f64 {
        self.steps.iter().filter_map(|step| self.beside(at, *step)).map(|other| self.contact(spin, other)).sum()
    }

    fn strain(&self, spin: u32, volume: i64) -> f64 {
        match &self.model.energy {
            Energy::Uniform(_) => 0.0,
            Energy::Cells(cells) => {
                let of = &cells.types()[cells.of(spin)];
                of.lambda * ((volume - of.target as i64) as f64).powi(2)
            }
        }
    }

    fn is_frozen(&self, spin: u32) -> bool {
        matches!(&self.model.energy, Energy::Cells(cells) if cells.types()[cells.of(spin)].frozen)
    }

    /// Whether a change is taken, by a fraction of 2^32.
    fn takes(&self, at: [usize; 3], to: u32, volumes: &BTreeMap<u32, i64>, fraction: u32) -> bool {
        let own = self.spins[at];
        let volume = |spin: u32| volumes.get(&spin).copied().unwrap_or(0);
        let swell = self.strain(to, volume(to) + 1) - self.strain(to, volume(to));
        let shrink = self.strain(own, volume(own) - 1) - self.strain(own, volume(own));
        let delta = self.around(at, to) - self.around(at, own) + swell + shrink;
        let kt = self.model.kt;
        delta <= 1e-9 || (kt > 0.0 && f64::from(fraction) < (-delta / kt).exp() * 2f64.powi(32))
    }

    /// What a voxel becomes.
    fn turn(&self, at: [usize; 3], words: [u32; 2], volumes: &BTreeMap<u32, i64>) -> u32 {
        let own = self.spins[at];
        let split = |n: usize| {
            let product = u64::from(words[0]) * n as u64;
            ((product >> 32) as usize, product as u32)
        };
        let mut met = Vec::new();
        for spin in self.steps.iter().filter_map(|step| self.beside(at, *step)) {
            if !met.contains(&spin) {
                met.push(spin);
            }
        }
        let candidate = match self.model.moves {
            Move::Copy => {
                let (from, fraction) = split(self.steps.len());
                self.beside(at, self.steps[from]).map(|spin| (spin, fraction))
            }
            Move::Distinct => {
                met.retain(|spin| *spin != own);
                let (which, fraction) = split(met.len().max(1));
                met.get(which).map(|spin| (*spin, fraction))
            }
            Move::HeatBath => {
                // Those met first, in their order, then all others.
                let others = (1..=self.model.spins).filter(|spin| !met.contains(spin));
                let order: Vec<u32> = met.iter().copied().chain(others).collect();
                let energies: Vec<f64> = order.iter().map(|spin| self.around(at, *spin)).collect();
                let least = energies.iter().copied().fold(f64::INFINITY, f64::min);
                let weights: Vec<f64> =
                    energies.iter().map(|energy| (-(energy - least) / self.model.kt).exp()).collect();
                let word = u64::from(words[0]) | u64::from(words[1]) << 32;
                let mut pick = word as f64 / 2f64.powi(64) * weights.iter().sum::<f64>();
                for (spin, weight) in order.iter().zip(&weights) {
                    if pick < *weight {
                        return *spin;
                    }
                    pick -= weight;
                }
                return own;
            }
        };
        match candidate {
            Some((spin, fraction))
                if spin != own
                    && !self.is_frozen(spin)
                    && !self.is_frozen(own)
                    && self.takes(at, spin, volumes, fraction) =>
            {
                spin
            }
            _ => own,
        }
    }

    fn sweep(&mut self, sweep: u64) {
        let planar = self.steps.iter().all(|step| step[0] == 0);
        let colours = if planar { 4 } else { 8 };
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.model.seed.to_le_bytes());
        key[8] = 17;
        let many = if self.model.moves == Move::HeatBath { 2 } else { 1 };
        let shades = u64::from(self.model.shades);
        for (colour, shade) in (0..colours).flat_map(|colour| (0..shades).map(move |shade| (colour, shade))) {
            let mut rng = ChaCha8Rng::from_seed(key);
            rng.set_stream((sweep * colours + colour) * shades + shade);
            let before = self.volumes.clone();
            let [nz, ny, nx] = self.shape;
            let half = |n: usize| n.div_ceil(2) as u128;
            for (z, y, x) in places(nz, ny, nx) {
                let parity = (z % 2 * 4 + y % 2 * 2 + x % 2) as u64;
                let of = match shades {
                    1 => 0,
                    2 => y / 2 % 2,
                    _ => y / 2 % 2 + 2 * (z / 2 % 2),
                } as u64;
                if parity != colour || of != shade {
                    continue;
                }
                let place = ((z / 2) as u128 * half(ny) + (y / 2) as u128) * half(nx) + (x / 2) as u128;
                rng.set_word_pos(place * many);
                let words = [rng.next_u32(), rng.next_u32()];
                let (own, new) = (self.spins[[z, y, x]], self.turn([z, y, x], words, &before));
                if own != new {
                    *self.volumes.entry(own).or_insert(0) -= 1;
                    *self.volumes.entry(new).or_insert(0) += 1;
                    self.spins[[z, y, x]] = new;
                    self.taken += 1;
                }
            }
        }
    }

    /// The energy of the whole.
    fn energy(&self) -> f64 {
        let [nz, ny, nx] = self.shape;
        let contacts: f64 = places(nz, ny, nx).map(|(z, y, x)| self.around([z, y, x], self.spins[[z, y, x]])).sum();
        let held = self.volumes.iter().filter(|(_, volume)| **volume > 0);
        contacts / 2.0 + held.map(|(spin, volume)| self.strain(*spin, *volume)).sum::<f64>()
    }

    fn row(&self, sweep: u64, visits: u64, taken: u64) -> Row {
        let cells = self.spins.iter().collect::<BTreeSet<_>>().len() as u64;
        Row { sweep, cells, energy: self.energy(), visits, taken }
    }
}

fn places(nz: usize, ny: usize, nx: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..nz).flat_map(move |z| (0..ny).flat_map(move |y| (0..nx).map(move |x| (z, y, x))))
}

/// The spins of a whole volume, and the table, from what blocks made.
fn whole(shape: Shape, made: Vec<Made>) -> (Vec<u32>, Vec<Row>) {
    let mut spins = vec![0; shape.voxels().unwrap() as usize];
    let mut rows = Vec::new();
    for Made { region, spins: part, rows: told } in made {
        rows.extend(told);
        for (z, y) in region.rows() {
            for x in region.range(2) {
                let place = std::array::from_fn(|axis| [z, y, x][axis] - region.start[axis]);
                spins[shape.raster([z, y, x]) as usize] = part.get(place) as u32;
            }
        }
    }
    (spins, rows)
}

/// Random spins of 0 (of 1 in a bath) to the largest; of cells whole ones, in a medium.
fn some_spins(model: &Model, shape: Shape, random: &mut Random) -> Vec<u32> {
    if let Energy::Cells(_) = model.energy {
        let cells = cells(shape, 7 + random.below(9), u64::from(model.spins), random);
        return cells.into_iter().map(|label| label as u32).collect();
    }
    let least = u64::from(model.moves == Move::HeatBath);
    let spin = |_| (least + random.below(u64::from(model.spins) + 1 - least)) as u32;
    (0..shape.voxels().unwrap()).map(spin).collect()
}

/// The fast way is the plain loop, for every cut.
fn holds(model: &Model, shape: Shape, sweeps: u64, random: &mut Random) {
    let spins = some_spins(model, shape, random);
    let mut plain = Plain::new(model, shape, &spins);
    let mut rows = vec![plain.row(0, 0, 0)];
    let (every, voxels) = (2, shape.voxels().unwrap());
    let (mut visits, mut taken) = (0, 0);
    for sweep in 1..=sweeps {
        plain.sweep(sweep - 1);
        if sweep % every == 0 || sweep == sweeps {
            rows.push(plain.row(sweep, sweep * voxels - visits, plain.taken - taken));
            (visits, taken) = (sweep * voxels, plain.taken);
        }
    }
    let expected: Vec<u32> = plain.spins.iter().copied().collect();
    for (tiling, owned) in cuts(&memory(shape, spins)).into_iter().flat_map(|cut| [(cut.clone(), false), (cut, true)]) {
        let potts = Potts::new(model.clone(), *tiling.grid(), sweeps, every).unwrap().with_owners(owned);
        let mut made = Vec::new();
        local::run(&tiling, &potts, &Config::default(), |_, part| {
            made.push(part);
            Ok(())
        })
        .unwrap();
        let (found, told) = whole(shape, made);
        assert_eq!(found, expected, "{model:?} {shape} {:?}", tiling.grid());
        assert_eq!(told.len(), rows.len());
        for (row, expected) in told.iter().zip(&rows) {
            assert!((row.energy - expected.energy).abs() < 1e-6, "{row:?}, not {expected:?}");
            assert_eq!(Row { energy: 0.0, ..row.clone() }, Row { energy: 0.0, ..expected.clone() });
        }
    }
}

/// Shapes, even and not, with room for several stretches of sixteen, in a plane and in space.
fn shapes(planar: bool, boundary: Boundary) -> Vec<Shape> {
    match (planar, boundary) {
        (true, Boundary::Periodic) => vec![Shape([1, 2, 2]), Shape([1, 8, 6]), Shape([1, 4, 70])],
        (true, _) => vec![Shape([1, 1, 1]), Shape([1, 7, 5]), Shape([1, 3, 41])],
        (false, Boundary::Periodic) => vec![Shape([2, 2, 2]), Shape([4, 6, 8]), Shape([2, 4, 38])],
        (false, _) => vec![Shape([2, 1, 1]), Shape([5, 3, 7]), Shape([3, 4, 37])],
    }
}

#[test]
fn every_cut_is_a_plain_loop_over_an_array() {
    let mut random = Random(1);
    for (neighborhood, planar) in [("4", true), ("8", true), ("6", false), ("18", false), ("26", false)] {
        for boundary in [Boundary::Periodic, Boundary::Walls] {
            for shape in shapes(planar, boundary) {
                for moves in [Move::Copy, Move::Distinct, Move::HeatBath] {
                    let kt = [0.4, 1.5][random.below(2) as usize];
                    let model = uniform(neighborhood, boundary, moves, kt, 3 + random.below(40) as u32);
                    holds(&model, shape, 3, &mut random);
                }
            }
        }
    }
}

#[test]
fn every_cut_of_cells_is_a_plain_loop_over_an_array() {
    let mut random = Random(2);
    for (neighborhood, planar) in [("4", true), ("8", true), ("6", false), ("18", false), ("26", false)] {
        for boundary in [Boundary::Periodic, Boundary::Walls] {
            for shape in shapes(planar, boundary) {
                for moves in [Move::Copy, Move::Distinct] {
                    let mut model = uniform(neighborhood, boundary, moves, 12.0, 4 + random.below(9) as u32);
                    model.shades = 1 << random.below(if planar { 2 } else { 3 });
                    let lambda = [0.0, 1.25][random.below(2) as usize];
                    holds(&with_cells(model, lambda, random.below(2) == 0), shape, 3, &mut random);
                }
            }
        }
    }
}

/// Nothing that costs is taken at kT 0, and all that is free.
#[test]
fn a_model_without_heat_is_a_plain_loop_over_an_array() {
    let mut random = Random(3);
    for moves in [Move::Copy, Move::Distinct] {
        let model = uniform("26", Boundary::Periodic, moves, 0.0, 30);
        holds(&model, Shape([4, 6, 8]), 5, &mut random);
        holds(&with_cells(model, 1.0, false), Shape([4, 6, 8]), 5, &mut random);
    }
}

/// The edges of a torus, each with its step.
fn torus(shape: Shape, steps: &[Step], blocks: u32) -> Csr<Step> {
    let mut edges = Vec::new();
    for at in volume::voxels_of(shape) {
        for step in steps {
            let there = std::array::from_fn(|axis| {
                (at[axis] as isize + step[axis] as isize).rem_euclid(shape.0[axis] as isize) as usize
            });
            edges.push((VertexId(shape.raster(at)), VertexId(shape.raster(there)), *step));
        }
    }
    let owner = move |vertex: VertexId| BlockId((vertex.0 % u64::from(blocks)) as u32);
    Csr::directed(shape.voxels().unwrap(), &edges, blocks, owner).unwrap()
}

#[test]
fn the_vertex_program_has_the_bytes_of_the_block_program() {
    let mut random = Random(4);
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    for (neighborhood, shape) in
        [("26", Shape([4, 6, 4])), ("6", Shape([4, 4, 6])), ("8", Shape([1, 6, 8])), ("4", Shape([1, 4, 4]))]
    {
        for boundary in [Boundary::Periodic, Boundary::Walls] {
            for (moves, cells) in
                [(Move::Copy, false), (Move::Copy, true), (Move::Distinct, true), (Move::HeatBath, false)]
            {
                let mut model = uniform(neighborhood, boundary, moves, 2.0, 9);
                if cells {
                    model = with_cells(Model { shades: 2, ..model }, 1.0, true);
                }
                let (spins, sweeps) = (some_spins(&model, shape, &mut random), 4);
                let source = memory(shape, spins.clone());
                let tiling = Tiling::new(Arc::clone(&source), BlockSize::Edge(3)).unwrap();
                let potts = Potts::new(model.clone(), *tiling.grid(), sweeps, 1).unwrap();
                let (made, _) = runtime.collect(&tiling, &potts, &Config::default()).unwrap();
                let (expected, _) = whole(shape, made.into_iter().map(|(_, made)| made).collect());
                let rule = Rule::new(model, shape).unwrap();
                let lesson = Voxelwise::new(rule.clone(), sweeps, spins.into()).unwrap();
                let (states, report) = match boundary {
                    Boundary::Periodic => {
                        runtime.vertices(&torus(shape, &rule.steps, 3), &lesson, &Config::default()).unwrap()
                    }
                    _ => {
                        let stencil = match neighborhood {
                            "4" | "6" => Stencil::N6,
                            "8" => Stencil::N18,
                            _ => Stencil::N26,
                        };
                        let lattice = Lattice::new(source, BlockSize::Edge(2), Select::Above(-1.0), stencil).unwrap();
                        runtime.vertices(&lattice, &lesson, &Config::default()).unwrap()
                    }
                };
                let found: Vec<u32> = states.into_iter().map(|(_, spin)| spin).collect();
                assert_eq!(found, expected, "{rule:?}");
                assert_eq!(report.supersteps, 2 + sweeps * rule.model.steps());
            }
        }
    }
}

/// A run that ends too early and was saved goes on, with other workers, to the same spins and rows.
#[test]
fn a_run_goes_on_from_a_checkpoint_to_the_same_bytes() {
    let mut random = Random(6);
    let shape = Shape([6, 8, 10]);
    let model = with_cells(uniform("26", Boundary::Periodic, Move::Copy, 9.0, 12), 1.0, false);
    let source = memory(shape, some_spins(&model, shape, &mut random));
    let tiling = Tiling::new(source, BlockSize::Edge(4)).unwrap();
    let potts = Potts::new(model, *tiling.grid(), 6, 2).unwrap();
    let [one, two] = [1, 2].map(|workers| Runtime::start(&Workers::threads(workers)).unwrap());
    let parts = |made: Vec<(BlockId, Made)>| whole(shape, made.into_iter().map(|(_, made)| made).collect());
    let straight = parts(one.collect(&tiling, &potts, &Config::default()).unwrap().0);
    for stop in [1, 7, 18, 31, 49] {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint { folder: folder.path().to_owned(), every: Every::Supersteps(3) };
        let config = Config { checkpoint: Some(checkpoint), ..Config::default() };
        let halted = Config { max_supersteps: Some(stop), ..config.clone() };
        assert!(one.collect(&tiling, &potts, &halted).is_err());
        let (made, report) = two.collect(&tiling, &potts, &config).unwrap();
        assert_eq!(report.resumed, Some(stop));
        assert_eq!(parts(made), straight, "{stop}");
    }
}

/// Volumes and surfaces are held in a volume of 14e9 voxels, unless an energy would leave 64 bits.
#[test]
fn volumes_are_held_past_two_to_the_32_voxels() {
    let shape = Shape([2160, 2560, 2560]);
    let model = with_cells(uniform("26", Boundary::Walls, Move::Copy, 9.0, 12), 0.5, false);
    model.check(shape).unwrap();
    let of = |surface_lambda: f64| {
        let kind = Type { target: 1000, lambda: 1.0, surface: 600, surface_lambda, ..Type::default() };
        let cells = Cells::new(vec![kind], vec![0; 13], &[vec![1.0]]).unwrap();
        Model { energy: Energy::Cells(Arc::new(cells)), ..model.clone() }.check(shape)
    };
    of(1.0).unwrap();
    let error = of(1e4).unwrap_err().to_string();
    assert!(error.contains("2160") && error.contains("smaller lambda or surface_lambda"), "{error}");
}
