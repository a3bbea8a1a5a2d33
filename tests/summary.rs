//! Cells and contacts against counting voxel by voxel, for every cut and number of workers.

mod common;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use common::random::Random;
use common::volume::{cells, cuts, memory, voxels_of};
use septa::lattice::contact::Contact;
use septa::lattice::moments::PRODUCT;
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::lattice::summary::{Cell, DIRECTIONS, Detail, Summary, Want};
use septa::lattice::tiling::Tiling;
use septa::pregel::local;
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::programs::labelling::Labelling;
use septa::programs::measure::Measure;
use septa::volume::grid::BlockSize;
use septa::volume::shape::{Shape, Spacing, Unit};
use septa::volume::source::VolumeSource;
use septa::workers::Workers;

const STENCILS: [Stencil; 3] = [Stencil::N6, Stencil::N18, Stencil::N26];

/// A volume of labels where any place may be asked for: outside it is background.
struct Labels<'a> {
    shape: Shape,
    labels: &'a [u64],
}

impl Labels<'_> {
    fn at(&self, voxel: [i64; 3]) -> u64 {
        if (0..3).any(|axis| voxel[axis] < 0 || voxel[axis] >= self.shape.0[axis] as i64) {
            return 0;
        }
        self.labels[self.shape.raster(voxel.map(|at| at as usize)) as usize]
    }
}

/// Counts everything voxel by voxel.
fn count(shape: Shape, labels: &[u64], want: Want) -> Summary {
    let volume = Labels { shape, labels };
    let mut summary = Summary::default();
    for voxel in voxels_of(shape) {
        let here = voxel.map(|at| at as i64);
        let label = volume.at(here);
        if label == 0 {
            continue;
        }
        // Where cells are not counted they are listed, if that.
        let mut cell = summary.cells.remove(&label).unwrap_or_default();
        if want.cells > Detail::Listed {
            add_voxel(&mut cell, voxel);
        }
        for (direction, step) in DIRECTIONS.iter().enumerate() {
            let other = volume.at(std::array::from_fn(|axis| here[axis] + i64::from(step[axis])));
            if other != label {
                cell.exits[direction] += u64::from(want.cells == Detail::Shape);
            }
            if other == label {
                continue;
            }
            if other != 0 && want.contacts.is_some_and(|stencil| stencil.has(*step)) {
                let contact: &mut Contact = summary.contacts.entry((label.min(other), label.max(other))).or_default();
                contact.pairs += 1;
                if step.iter().filter(|along| **along != 0).count() == 1 {
                    contact.faces[step.iter().position(|along| *along != 0).unwrap()] += 1;
                }
            }
        }
        if want.cells != Detail::Unlisted {
            summary.cells.insert(label, cell);
        }
    }
    if want.cells == Detail::Shape {
        let euler = [closed_euler(&volume), open_euler(&volume)];
        for (label, cell) in &mut summary.cells {
            cell.euler_eighths = [8 * euler[0][label], 8 * euler[1][label]];
            cell.section_twelfths = DIRECTIONS.map(|normal| 12 * section_euler(&volume, *label, normal));
        }
    }
    summary
}

/// V − E + F of the sections of a label by all planes normal to a direction: of closed rectangles,
/// or of triangles whose corners are voxels.
fn section_euler(volume: &Labels<'_>, label: u64, normal: [i8; 3]) -> i64 {
    let normal = normal.map(i64::from);
    let is = |voxel: [i64; 3]| volume.at(voxel) == label;
    let plus = |a: [i64; 3], b: [i64; 3]| -> [i64; 3] { std::array::from_fn(|axis| a[axis] + b[axis]) };
    let minus = |a: [i64; 3]| a.map(|along: i64| -along);
    let unit = |axis: usize| -> [i64; 3] { std::array::from_fn(|other| i64::from(other == axis)) };
    let (along, still): (Vec<usize>, Vec<usize>) = (0..3).partition(|axis| normal[*axis] != 0);
    // The step from one axis of the normal to another lies in the plane.
    let between = |a: usize, b: usize| -> [i64; 3] {
        std::array::from_fn(|axis| normal[axis] * (i64::from(axis == a) - i64::from(axis == b)))
    };
    let inside = voxels_of(volume.shape).map(|voxel| voxel.map(|at| at as i64)).filter(|voxel| is(*voxel));
    if along.len() == 3 {
        let sides = [between(0, 1), between(1, 2), between(2, 0)];
        let shares = |voxel: [i64; 3]| -> i64 {
            let edges = sides.iter().filter(|side| is(plus(voxel, **side))).count() as i64;
            // Triangles on the one side and on the other: 0 -> a -> a + b -> 0.
            let turn = |a: [i64; 3], b: [i64; 3]| i64::from(is(plus(voxel, a)) && is(plus(voxel, plus(a, b))));
            1 - edges + turn(sides[0], sides[1]) + turn(minus(sides[0]), minus(sides[1]))
        };
        return inside.map(shares).sum();
    }
    let [a, b] = match along.len() {
        1 => [unit(still[0]), unit(still[1])],
        _ => [unit(still[0]), between(along[0], along[1])],
    };
    // Vertices, edges and tiles of each voxel's rectangle, at twice the place.
    let mut places = HashSet::new();
    for voxel in inside {
        for (i, j) in [-1, 0, 1].into_iter().flat_map(|i| [-1, 0, 1].map(|j| (i, j))) {
            let place = plus(voxel.map(|at| 2 * at), plus(a.map(|along| i * along), b.map(|along| j * along)));
            places.insert((place, i != 0, j != 0));
        }
    }
    places.into_iter().map(|(_, side, end)| [1, -1, 1][usize::from(side) + usize::from(end)]).sum()
}

fn add_voxel(cell: &mut Cell, voxel: [usize; 3]) {
    let moments = &mut cell.moments;
    moments.voxels += 1;
    for a in 0..3 {
        moments.first[a] += voxel[a] as u128;
        moments.min[a] = moments.min[a].min(voxel[a] as u64);
        moments.max[a] = moments.max[a].max(voxel[a] as u64);
        for b in a..3 {
            moments.second[PRODUCT[a][b]] += voxel[a] as u128 * voxel[b] as u128;
        }
    }
}

/// V − E + F − C of closed cubes by label: every vertex, edge, face and cube of a voxel is a place
/// in a lattice of half the step, odd along the axes in which it extends.
fn closed_euler(volume: &Labels<'_>) -> HashMap<u64, i64> {
    let mut places: HashSet<(u64, [usize; 3])> = HashSet::new();
    for voxel in voxels_of(volume.shape) {
        let label = volume.at(voxel.map(|at| at as i64));
        for part in voxels_of(Shape([3, 3, 3])).filter(|_| label != 0) {
            places.insert((label, std::array::from_fn(|axis| 2 * voxel[axis] + part[axis])));
        }
    }
    let mut euler = HashMap::new();
    for (label, place) in places {
        let dimension = place.iter().filter(|at| *at % 2 == 1).count();
        *euler.entry(label).or_default() += [1, -1, 1, -1][dimension];
    }
    euler
}

/// V − E + F − C of voxels as points by label: boxes of 1, 2, 4 or 8 voxels that are all of it.
fn open_euler(volume: &Labels<'_>) -> HashMap<u64, i64> {
    let mut euler = HashMap::new();
    for voxel in voxels_of(volume.shape) {
        let here = voxel.map(|at| at as i64);
        let label = volume.at(here);
        for extent in voxels_of(Shape([2, 2, 2])).filter(|_| label != 0) {
            let grown = Shape(extent.map(|more| more + 1));
            let whole = |part: [usize; 3]| volume.at(std::array::from_fn(|axis| here[axis] + part[axis] as i64));
            if voxels_of(grown).all(|part| whole(part) == label) {
                *euler.entry(label).or_default() += [1, -1, 1, -1][extent.iter().sum::<usize>()];
            }
        }
    }
    euler
}

fn wants() -> Vec<Want> {
    let contacts = STENCILS.map(Some).into_iter().chain([None]);
    let details = [Detail::Unlisted, Detail::Listed, Detail::Moments, Detail::Shape];
    contacts.flat_map(|contacts| details.map(|cells| Want { cells, contacts })).collect()
}

fn runtimes() -> Vec<Runtime> {
    (1..=4).map(|threads| Runtime::start(&Workers::threads(threads)).unwrap()).collect()
}

/// Holds the measures of a labels volume to counting, for every cut.
fn hold(volume: &Arc<dyn VolumeSource>, labels: &[u64], runtimes: &[Runtime]) {
    let shape = volume.header().shape;
    for want in wants() {
        let expected = count(shape, labels, want);
        for (turn, tiling) in cuts(volume).into_iter().enumerate() {
            let program = Measure { want };
            let plain = local::run(&tiling, &program, &Config::default(), |_, ()| Ok(())).unwrap();
            assert!(plain.global == expected, "plain: {want:?} {:?}", tiling.grid());
            let runtime = &runtimes[turn % runtimes.len()];
            let fast = runtime.run(&tiling, &program, &Config::default(), |_, ()| Ok(())).unwrap();
            assert!(fast.global == expected, "{} workers: {want:?} {:?}", turn % 4 + 1, tiling.grid());
        }
    }
}

#[test]
fn measures_of_cells_are_what_counting_voxels_gives() {
    let (runtimes, mut random) = (runtimes(), Random(11));
    for shape in [[1, 1, 1], [1, 7, 9], [6, 1, 8], [13, 4, 1], [3, 3, 30], [7, 9, 5], [11, 12, 13]].map(Shape) {
        for points in [1, 3, 40] {
            let labels = cells(shape, points, 6, &mut random);
            hold(&memory(shape, labels.clone()), &labels, &runtimes);
        }
    }
}

#[test]
fn measures_of_speckle_are_what_counting_voxels_gives() {
    let (runtimes, mut random) = (runtimes(), Random(12));
    for (shape, values) in [([5, 6, 7], 2), ([5, 6, 7], 3), ([4, 9, 5], 60), ([1, 2, 33], 3)] {
        let shape = Shape(shape);
        let labels: Vec<u64> = voxels_of(shape).map(|_| random.below(values)).collect();
        hold(&memory(shape, labels.clone()), &labels, &runtimes);
    }
}

#[test]
fn labels_of_any_integer_type_and_size_are_measured_alike() {
    let (runtimes, mut random) = (runtimes(), Random(13));
    let shape = Shape([5, 4, 8]);
    let small = cells(shape, 12, 5, &mut random);
    hold(&memory(shape, small.iter().map(|label| *label as i32).collect()), &small, &runtimes);
    hold(&memory(shape, small.iter().map(|label| *label as i8).collect()), &small, &runtimes);
    hold(&memory(shape, small.iter().map(|label| *label as u16).collect()), &small, &runtimes);
    // Neighbours above 2^53, which a float could not tell apart, and the largest label of all.
    let large: Vec<u64> =
        small.iter().map(|label| [0, 1 << 33, (1 << 60) + 1, (1 << 60) + 2, u64::MAX, 7][*label as usize]).collect();
    hold(&memory(shape, large.clone()), &large, &runtimes);
}

#[test]
fn a_cell_that_fills_the_volume_touches_all_its_faces() {
    let runtimes = runtimes();
    let shape = Shape([4, 5, 6]);
    let full = vec![3; 120];
    hold(&memory(shape, full.clone()), &full, &runtimes);
    let summary = count(shape, &full, Want { cells: Detail::Shape, contacts: None });
    assert_eq!(summary.cells[&3].euler_eighths, [8, 8]);
    let hollow: Vec<u64> =
        voxels_of(shape).map(|v| u64::from((0..3).any(|axis| v[axis] == 0 || v[axis] + 1 == shape.0[axis]))).collect();
    hold(&memory(shape, hollow.clone()), &hollow, &runtimes);
    let summary = count(shape, &hollow, Want { cells: Detail::Shape, contacts: None });
    assert_eq!(summary.cells[&1].euler_eighths, [16, 16], "a shell has a surface outside and one inside");
}

#[test]
fn cells_that_meet_by_a_corner_have_no_faces_and_meet_only_where_the_stencil_sees_it() {
    let shape = Shape([4, 4, 4]);
    let place = |a: [usize; 3], b: [usize; 3]| -> Vec<u64> {
        voxels_of(shape).map(|v| if v == a { 5 } else { 9 * u64::from(v == b) }).collect()
    };
    let runtimes = runtimes();
    for step in DIRECTIONS {
        let labels = place([1, 1, 1], step.map(|along| (1 + along) as usize));
        hold(&memory(shape, labels.clone()), &labels, &runtimes);
        for stencil in STENCILS {
            let contacts = count(shape, &labels, Want { cells: Detail::Listed, contacts: Some(stencil) }).contacts;
            let faces = u64::from(Stencil::N6.has(step));
            let expected = stencil.has(step).then_some(((5, 9), (faces, 1)));
            let found: BTreeMap<_, _> = contacts.iter().map(|(key, c)| (*key, (c.n_faces(), c.pairs))).collect();
            assert_eq!(found, expected.into_iter().collect());
        }
    }
}

#[test]
fn a_summary_of_components_is_that_of_their_labels() {
    let (runtimes, mut random) = (runtimes(), Random(14));
    let selects = [Select::NonZero, Select::Zero, Select::Labels];
    for shape in [[1, 7, 9], [7, 9, 5], [10, 11, 12]].map(Shape) {
        for (turn, select) in selects.into_iter().enumerate() {
            let speckle: Vec<u64> = voxels_of(shape).map(|_| random.below(3) * random.below(2)).collect();
            for values in [cells(shape, 30, 3, &mut random), speckle] {
                let volume = memory(shape, values);
                for (min_voxels, stencil) in [(0, STENCILS[turn]), (4, STENCILS[(turn + 1) % 3])] {
                    let want = Want { cells: Detail::Shape, contacts: Some(STENCILS[random.below(3) as usize]) };
                    hold_labelling(&volume, select, stencil, min_voxels, want, &runtimes);
                }
            }
        }
    }
}

fn hold_labelling(
    volume: &Arc<dyn VolumeSource>,
    select: Select,
    stencil: Stencil,
    min_voxels: u64,
    want: Want,
    runtimes: &[Runtime],
) {
    let shape = volume.header().shape;
    for (turn, tiling) in cuts(volume).into_iter().enumerate() {
        let program = Labelling { select, stencil, min_voxels, paint: true, want: Some(want), grid: *tiling.grid() };
        let (painted, report) = runtimes[turn % 4].collect(&tiling, &program, &Config::default()).unwrap();
        let mut labels = vec![0; shape.voxels().unwrap() as usize];
        for (_, block) in painted {
            let block = block.expect("it was asked for");
            let voxels = block.voxels();
            for inside in voxels_of(block.region.shape()) {
                let voxel = std::array::from_fn(|axis| block.region.start[axis] + inside[axis]);
                labels[shape.raster(voxel) as usize] = voxels.get(inside) as u64;
            }
        }
        let expected = count(shape, &labels, want);
        assert!(report.global.summary == expected, "{select:?} {stencil} min {min_voxels} {:?}", tiling.grid());
    }
}

/// Two slices of one label each: one contact, as large as a slice.
fn interface(edge: usize) -> Contact {
    let shape = Shape([2, edge, edge]);
    let labels: Vec<u8> = voxels_of(shape).map(|[z, ..]| z as u8 + 1).collect();
    let tiling = Tiling::new(memory(shape, labels), BlockSize::Auto).unwrap();
    let program = Measure { want: Want { cells: Detail::Listed, contacts: Some(Stencil::N6) } };
    let found = local::run(&tiling, &program, &Config::default(), |_, ()| Ok(())).unwrap().global;
    assert_eq!(found.contacts.keys().collect::<Vec<_>>(), [&(1, 2)]);
    found.contacts[&(1, 2)]
}

#[test]
fn faces_of_large_contacts_are_counted_and_not_summed_in_floats() {
    // More faces than a sum of f32 can count by ones.
    assert_eq!(interface(4100).n_faces(), 16_810_000);
    let spacing = Spacing::new([0.1; 3], Unit::Um).unwrap();
    let area = interface(1000).area(&spacing);
    assert!((area / 10_000.0 - 1.0).abs() < 1e-12, "{area}");
}
