//! The Potts model with owners of cells: the bytes of the way by which every block knows all cells, and what it is for:
//! nothing of cells is told to all, and a block knows those that it sees.

#[path = "common/cluster.rs"]
mod cluster;
#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;
#[path = "common/volume.rs"]
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use septa::error::Result;
use septa::lattice::tiling::{Tile, Tiling};
use septa::pregel::block::{BlockProgram, Superstep};
use septa::pregel::local;
use septa::prelude::*;
use septa::programs::potts::cells::{Cells, Connected, Type};
use septa::programs::potts::model::{Boundary, Energy, Model, Move};
use septa::programs::potts::run::{Frames, Made, Parcel, Potts, Share};
use septa::programs::potts::tally::{Row, Tally};
use septa::volume::grid::Grid;
use septa::volume::region::Region;
use septa::volume::shape::Shape;
use septa::volume::voxel::Voxels;

use cluster::{CLUSTERS, Cluster};
use random::Random;
use volume::{cells, cuts, memory};

/// A model of cells whose volumes and surfaces are held, and which may grow, divide and die; and what it begins with.
struct Case {
    model: Model,
    shape: Shape,
    spins: Vec<u32>,
}

impl Case {
    fn new(neighborhood: &str, boundary: Boundary, shape: Shape, ages: bool, random: &mut Random) -> Self {
        let mut some = |values: &[f64]| values[random.below(values.len() as u64) as usize];
        let mut kind = |name: &str, surface_lambda: f64| Type {
            name: name.into(),
            target: some(&[6.0, 12.0]) as u64,
            lambda: some(&[0.5, 1.25]),
            surface: some(&[30.0, 60.0]) as u64,
            surface_lambda,
            connected: if some(&[0.0, 1.0]) > 0.0 { Connected::At(4.5) } else { Connected::No },
            growth: if ages { some(&[0.75, 1.5]) } else { 0.0 },
            divide_at: if ages { some(&[9.0, 14.0]) as u64 } else { 0 },
            death: if ages { 0.05 } else { 0.0 },
            ..Type::default()
        };
        let types = vec![Type { name: "medium".into(), ..Type::default() }, kind("dark", 0.05), kind("light", 0.0)];
        let contact = [[0.0, 12.0, 9.5], [12.0, 2.0, 11.0], [9.5, 11.0, 6.25]].map(Vec::from);
        let most = 40;
        let spins = cells(shape, 30, most, random).into_iter().map(|label| label as u32).collect();
        let of = (0..=most).map(|spin| if spin == 0 { 0 } else { 1 + (spin % 2) as u8 }).collect();
        let model = Model {
            neighborhood: neighborhood.parse().unwrap(),
            weights: Vec::new(),
            surface: None,
            boundary,
            moves: [Move::Copy, Move::Distinct][random.below(2) as usize],
            energy: Energy::Cells(Arc::new(Cells::new(types, of, &contact).unwrap())),
            field: None,
            kt: 14.0,
            shades: if matches!(neighborhood, "12" | "20" | "56") { 1 } else { 1 << random.below(2) },
            spins: most as u32,
            seed: random.below(99),
        };
        Self { model, shape, spins }
    }

    fn tiling(&self, block: [usize; 3]) -> Tiling {
        let grid = Grid::with_block(self.shape, block).unwrap();
        Tiling::with_grid(memory(self.shape, self.spins.clone()), grid).unwrap()
    }

    fn potts(&self, tiling: &Tiling, sweeps: u64, owned: bool) -> Potts {
        Potts::new(self.model.clone(), *tiling.grid(), sweeps, 2).unwrap().with_owners(owned)
    }
}

/// Periodic in even sizes, else in any: in a plane and in space.
fn shape_of(neighborhood: &str, boundary: Boundary) -> Shape {
    let planar = matches!(neighborhood, "4" | "8" | "12" | "20");
    if neighborhood == "56" && boundary == Boundary::Periodic {
        return Shape([4, 8, 8]);
    }
    Shape(match (planar, boundary) {
        (true, Boundary::Periodic) => [1, 12, 16],
        (true, _) => [1, 11, 17],
        (false, Boundary::Periodic) => [6, 8, 6],
        (false, _) => [5, 7, 6],
    })
}

/// What blocks made, from the first on.
fn whole(mut made: Vec<(BlockId, Made)>) -> (Vec<Made>, Vec<Row>) {
    made.sort_by_key(|(block, _)| *block);
    let rows = made.iter().flat_map(|(_, made)| made.rows.clone()).collect();
    (made.into_iter().map(|(_, made)| made).collect(), rows)
}

/// Frames, by sweep and place.
type Shown = Arc<Mutex<BTreeMap<(u64, [usize; 3]), Voxels>>>;

fn frames() -> (Shown, Frames) {
    let shown = Shown::default();
    let into = Arc::clone(&shown);
    let take = move |sweep, region: &Region, spins: &Voxels| {
        into.lock().unwrap().insert((sweep, region.start), spins.clone());
        Ok(())
    };
    (shown, Frames::Here(Arc::new(take)))
}

/// Spins, rows and frames of a case are the same with owners for every cut; the largest spin there is in the end.
fn same_for_every_cut(case: &Case) -> f64 {
    let mut most = 0.0f64;
    for tiling in cuts(&memory(case.shape, case.spins.clone())) {
        let run = |owned: bool| {
            let (shown, frames) = frames();
            let potts = case.potts(&tiling, 5, owned).with_frames(frames);
            let mut made = Vec::new();
            local::run(&tiling, &potts, &Config::default(), |block, part| {
                made.push((block, part));
                Ok(())
            })
            .unwrap();
            let shown = shown.lock().unwrap().clone();
            assert!(!shown.is_empty());
            (whole(made), shown)
        };
        let ((made, rows), shown) = run(true);
        for Made { region, spins, .. } in &made {
            let inside = Region::whole(region.shape());
            inside.rows().for_each(|(z, y)| inside.range(2).for_each(|x| most = most.max(spins.get([z, y, x]))));
        }
        assert_eq!(((made, rows), shown), run(false), "{:?} {:?}", case.model, tiling.grid());
    }
    most
}

#[test]
fn owners_have_the_bytes_of_a_census_of_all_cells_for_every_cut() {
    let mut random = Random(31);
    for neighborhood in ["4", "8", "12", "20", "6", "18", "26", "56"] {
        for boundary in [Boundary::Periodic, Boundary::Walls, Boundary::Mirror] {
            let shape = shape_of(neighborhood, boundary);
            same_for_every_cut(&Case::new(neighborhood, boundary, shape, false, &mut random));
        }
    }
}

#[test]
fn owners_of_cells_that_age_have_the_bytes_of_a_census_of_all_cells_for_every_cut() {
    let mut random = Random(35);
    for neighborhood in ["8", "12", "26"] {
        for boundary in [Boundary::Periodic, Boundary::Walls, Boundary::Mirror] {
            let shape = shape_of(neighborhood, boundary);
            let case = Case::new(neighborhood, boundary, shape, true, &mut random);
            assert!(same_for_every_cut(&case) > f64::from(case.model.spins), "some are born");
        }
    }
}

#[test]
fn owners_have_the_bytes_of_a_census_of_all_cells_for_any_workers() {
    let mut random = Random(32);
    let cases = [
        ("26", Boundary::Periodic, false),
        ("8", Boundary::Mirror, false),
        ("6", Boundary::Walls, false),
        ("18", Boundary::Periodic, true),
        ("20", Boundary::Walls, true),
    ];
    for (neighborhood, boundary, ages) in cases {
        let case = Case::new(neighborhood, boundary, shape_of(neighborhood, boundary), ages, &mut random);
        let [nz, ny, nx] = case.shape.0;
        for blocks in 1..=8 {
            let tiling = case.tiling([nz, ny, nx.div_ceil(blocks)]);
            let alone = Runtime::start(&Workers::threads(1)).unwrap();
            let expected = whole(alone.collect(&tiling, &case.potts(&tiling, 4, false), &Config::default()).unwrap().0);
            for workers in 1..=3 {
                let runtime = Runtime::start(&Workers::threads(workers)).unwrap();
                let potts = case.potts(&tiling, 4, true);
                let (made, _) = runtime.collect(&tiling, &potts, &Config::default()).unwrap();
                assert_eq!(whole(made), expected, "{blocks} blocks, {workers} workers");
            }
        }
    }
}

#[test]
fn a_run_with_owners_goes_on_from_any_superstep_to_the_same_bytes() {
    let mut random = Random(33);
    let [one, two] = [1, 2].map(|workers| Runtime::start(&Workers::threads(workers)).unwrap());
    for ages in [false, true] {
        let case = Case::new("26", Boundary::Periodic, Shape([6, 8, 6]), ages, &mut random);
        let tiling = case.tiling([3, 4, 3]);
        let straight = whole(one.collect(&tiling, &case.potts(&tiling, 4, false), &Config::default()).unwrap().0);
        let potts = case.potts(&tiling, 4, true);
        let (made, report) = one.collect(&tiling, &potts, &Config::default()).unwrap();
        assert_eq!(whole(made), straight);
        let steps = case.model.steps() * 4;
        if !ages {
            assert_eq!(report.supersteps, 2 * steps + 4, "each step takes two, and so does the beginning");
        }
        for stop in (1..report.supersteps - 1).step_by(5) {
            let folder = tempfile::tempdir().unwrap();
            let checkpoint = Checkpoint { folder: folder.path().to_owned(), every: Every::Supersteps(1) };
            let config = Config { checkpoint: Some(checkpoint), ..Config::default() };
            assert!(one.collect(&tiling, &potts, &Config { max_supersteps: Some(stop), ..config.clone() }).is_err());
            // Who has no owners knows other things, and does not go on from there.
            assert!(one.collect(&tiling, &case.potts(&tiling, 4, false), &config).is_err());
            let (made, report) = two.collect(&tiling, &potts, &config).unwrap();
            assert_eq!(report.resumed, Some(stop));
            assert_eq!(whole(made), straight, "{stop}");
        }
    }
}

/// The model, and what it tells all, and what blocks know.
#[derive(Clone)]
struct Spied {
    potts: Potts,
    seen: Arc<Mutex<Spying>>,
}

#[derive(Default)]
struct Spying {
    /// The most changes that all were told of at once.
    told: usize,
    /// The most cells that a block knew.
    known: usize,
}

impl std::fmt::Debug for Spied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.potts.fmt(f)
    }
}

impl BlockProgram<Tiling> for Spied {
    type State = Share;
    type Parcel = Parcel;
    type Global = Tally;
    type Output = Made;

    fn init(&self, tiling: &Tiling, tile: &Tile) -> Result<Share> {
        self.potts.init(tiling, tile)
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Parcel, Tally>,
        tile: &Tile,
        share: &mut Share,
        mail: Vec<(BlockId, Parcel)>,
    ) -> Result<Vote> {
        let vote = self.potts.compute(at, tile, share, mail);
        let mut seen = self.seen.lock().unwrap();
        let Tally { changes, surfaces, present, .. } = at.global();
        seen.told = seen.told.max(changes.len() + surfaces.len() + present.len());
        seen.known = seen.known.max(share.in_sight().unwrap_or(usize::MAX));
        vote
    }

    fn finish(&self, tile: &Tile, share: Share) -> Result<Made> {
        self.potts.finish(tile, share)
    }
}

/// What was told to all and known in a run, and how many messages it took.
fn spied(tiling: &Tiling, potts: Potts) -> (usize, usize, u64) {
    let spied = Spied { potts, seen: Arc::default() };
    let report = local::run(tiling, &spied, &Config::default(), |_, _| Ok(())).unwrap();
    let seen = spied.seen.lock().unwrap();
    (seen.told, seen.known, report.messages)
}

/// Cells of 2x2x2 voxels in a long box.
fn bricks(shape: Shape) -> Case {
    let [_, ny, nx] = shape.0.map(|n| n / 2);
    let spins: Vec<u32> =
        volume::voxels_of(shape).map(|[z, y, x]| 1 + (((z / 2) * ny + y / 2) * nx + x / 2) as u32).collect();
    let most = *spins.iter().max().unwrap();
    let types = vec![Type { target: 8, lambda: 1.0, surface: 150, surface_lambda: 0.01, ..Type::default() }];
    let model = Model {
        neighborhood: "26".parse().unwrap(),
        weights: Vec::new(),
        surface: None,
        boundary: Boundary::Walls,
        moves: Move::Copy,
        energy: Energy::Cells(Arc::new(Cells::new(types, vec![0; most as usize + 1], &[vec![2.0]]).unwrap())),
        field: None,
        kt: 4.0,
        shades: 1,
        spins: most,
        seed: 3,
    };
    Case { model, shape, spins }
}

#[test]
fn nothing_of_cells_is_told_to_all_and_a_block_knows_those_that_it_sees() {
    let case = bricks(Shape([40, 6, 6]));
    let tiling = case.tiling([5, 6, 6]);
    let (told, known, _) = spied(&tiling, case.potts(&tiling, 6, false));
    assert!(told > 10 && known == usize::MAX, "{told} {known}");
    let (told, known, _) = spied(&tiling, case.potts(&tiling, 6, true));
    assert_eq!(told, 0);
    // Of 180 cells no block has more than these in five layers, one more to either side, and some that grow into them.
    let cells = case.model.spins as usize;
    assert!((36..cells / 3).contains(&known), "{known} of {cells}");
}

/// Blocks tell each other of cells at borders: of twice as many cells behind them no more.
#[test]
fn what_travels_is_of_borders_and_not_of_cells_inside() {
    let of_borders = |long: usize, owned: bool| {
        let case = bricks(Shape([long, 6, 6]));
        let cut = case.tiling([long / 2, 6, 6]);
        let borders = |owned: bool| spied(&cut, case.potts(&cut, 6, owned)).2;
        // What is said in the beginning is of all cells.
        let beginning = spied(&cut, case.potts(&cut, 0, owned)).2;
        borders(owned) - beginning
    };
    // Without owners only the spins of borders are counted.
    let spins = of_borders(40, false);
    assert_eq!(spins, of_borders(80, false));
    let [short, long] = [40, 80].map(|long| of_borders(long, true) - spins);
    assert!(short > 0 && long < short * 5 / 4, "{short} of 20 layers, {long} of 40");
}

#[test]
fn more_than_a_million_spins_have_owners() {
    let mut case = bricks(Shape([4, 4, 8]));
    for (most, told) in [(1u32 << 20, true), ((1 << 20) + 1, false)] {
        let Energy::Cells(cells) = &case.model.energy else { panic!("cells") };
        let types = cells.types().to_vec();
        let all = Cells::new(types, vec![0; most as usize + 1], &[vec![2.0]]).unwrap();
        case.model = Model { spins: most, energy: Energy::Cells(Arc::new(all)), ..case.model };
        let tiling = case.tiling([2, 4, 8]);
        let potts = Potts::new(case.model.clone(), *tiling.grid(), 1, 1).unwrap();
        assert_eq!(spied(&tiling, potts).0 > 0, told, "{most}");
    }
}

/// What one process of a cluster, or one alone, finds.
fn play(runtime: &Runtime, owned: bool) -> Result<String> {
    let case = Case::new("26", Boundary::Mirror, Shape([5, 7, 6]), true, &mut Random(34));
    let tiling = case.tiling([2, 4, 3]);
    let (made, _) = runtime.collect(&tiling, &case.potts(&tiling, 4, owned), &Config::default())?;
    Ok(format!("{:?}", whole(made)))
}

#[test]
fn acts_as_one_process_of_a_cluster() {
    cluster::act(|_, runtime| play(runtime, true));
}

#[test]
fn processes_with_owners_have_the_bytes_of_one_without() {
    let expected = play(&Runtime::start(&Workers::threads(1)).unwrap(), false).unwrap();
    for (processes, threads) in CLUSTERS {
        let found = Cluster::start("owners", processes, threads).wait();
        let empty = format!("{:?}", whole(Vec::new()));
        let told: BTreeSet<String> =
            found.into_iter().filter_map(|(told, _)| told).filter(|told| *told != empty).collect();
        assert_eq!(told, BTreeSet::from([expected.clone()]));
    }
}
