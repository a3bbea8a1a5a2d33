//! Tensions and pressures beside closed forms, on images drawn by geometry, over cuts, workers and processes.

#[path = "common/program.rs"]
mod program;
mod common {
    pub(crate) mod mix;
    pub(crate) mod random;
    pub(crate) mod volume;
}

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::random::Random;
use common::volume::{cells, cuts, memory, voxels_of};
use septa::lattice::tiling::Tiling;
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::programs::force::tension::gathering::Gathering;
use septa::programs::force::tension::inference::{Contact, Inference, infer};
use septa::programs::force::tension::least_squares::{Equations, Row};
use septa::volume::grid::BlockSize;
use septa::volume::memory::Memory;
use septa::volume::shape::{Shape, Spacing, Unit};
use septa::volume::voxel::Voxels;
use septa::workers::Workers;

/// Labels by the place of a voxel's centre from the middle of the image: z, y, x.
fn image(shape: [usize; 3], zyx: [f64; 3], label: impl Fn([f64; 3]) -> u8) -> Vec<u8> {
    let middle: [f64; 3] = std::array::from_fn(|axis| 0.5 * (shape[axis] - 1) as f64);
    voxels_of(Shape(shape))
        .map(|voxel| label(std::array::from_fn(|axis| (voxel[axis] as f64 - middle[axis]) * zyx[axis])))
        .collect()
}

fn tried(shape: [usize; 3], zyx: [f64; 3], labels: Vec<u8>) -> septa::error::Result<Inference> {
    let spacing = Spacing::new(zyx, Unit::Um).unwrap();
    let source = Arc::new(Memory::new("test", Voxels::from_vec(Shape(shape), labels), spacing));
    let tiling = Tiling::new(source, BlockSize::Auto).unwrap();
    infer(&Runtime::start(&Workers::threads(2)).unwrap(), &tiling, &spacing, &Config::default())
}

fn inferred(shape: [usize; 3], zyx: [f64; 3], labels: Vec<u8>) -> Inference {
    let found = tried(shape, zyx, labels).unwrap();
    assert!(finite(&found), "{found:?}");
    found
}

fn finite(found: &Inference) -> bool {
    let of = |contact: &Contact| {
        let (tension, more) = (&contact.tension, [contact.curvature, contact.curvature_error, contact.misfit]);
        [tension.tension, tension.error, tension.residual].into_iter().chain(more).all(f64::is_finite)
    };
    let pressures = found.cells.iter().all(|cell| cell.pressure.is_finite() && cell.error.is_finite());
    found.contacts.iter().all(of) && pressures && found.groups.iter().all(|group| group.condition.is_finite())
}

fn tension(found: &Inference, a: u64, b: u64) -> f64 {
    contact(found, a, b).tension.tension
}

fn contact(found: &Inference, a: u64, b: u64) -> &Contact {
    found.contacts.iter().find(|contact| contact.tension.sides == (a, b)).unwrap()
}

fn pressure(found: &Inference, label: u64) -> f64 {
    found.cells.iter().find(|cell| cell.label == label).unwrap().pressure
}

/// Every boundary voxel takes, with this chance, the label of one of the voxels beside it that differ.
fn flipped(shape: [usize; 3], labels: &[u8], chance: u64, random: &mut Random) -> Vec<u8> {
    let raster = |voxel: [usize; 3]| Shape(shape).raster(voxel) as usize;
    voxels_of(Shape(shape))
        .map(|voxel| {
            let own = labels[raster(voxel)];
            let mut others = Vec::new();
            for axis in 0..3 {
                for step in [-1, 1] {
                    let Some(at) = voxel[axis].checked_add_signed(step).filter(|at| *at < shape[axis]) else {
                        continue;
                    };
                    let mut beside = voxel;
                    beside[axis] = at;
                    others.extend(Some(labels[raster(beside)]).filter(|label| *label != own));
                }
            }
            match others.is_empty() || random.below(100) >= chance {
                true => own,
                false => others[random.below(others.len() as u64) as usize],
            }
        })
        .collect()
}

/// Along, and squared across, an axis.
fn split([z, y, x]: [f64; 3], axis: [f64; 3], shift: [f64; 3]) -> (f64, f64) {
    let length = axis.iter().map(|part| part * part).sum::<f64>().sqrt();
    let place = [z - shift[0], y - shift[1], x - shift[2]];
    let along = (0..3).map(|at| place[at] * axis[at]).sum::<f64>() / length;
    (along, place.iter().map(|part| part * part).sum::<f64>() - along * along)
}

/// A lens (3) with an edge of `angle` degrees and the radius `radius`, between two cells (1, 2) whose contact is flat.
fn lens(radius: f64, angle: f64, axis: [f64; 3], shift: [f64; 3]) -> impl Fn([f64; 3]) -> u8 {
    let half = (0.5 * angle).to_radians();
    let (sphere, away) = (radius / half.sin(), radius / half.tan());
    move |place| {
        let (along, across) = split(place, axis, shift);
        let inside = |away: f64| across + (along + away).powi(2) < sphere * sphere;
        if inside(away) && inside(-away) { 3 } else { 1 + u8::from(along > 0.0) }
    }
}

/// Two bubbles (1, 2) of these outer radii, the first not the smaller, whose walls meet at 120 degrees.
fn bubbles([first, second]: [f64; 2], axis: [f64; 3], shift: [f64; 3]) -> impl Fn([f64; 3]) -> u8 {
    // The walls cross at 60 degrees between the radii.
    let distance = (first * first + second * second - first * second).sqrt();
    let before = (distance * distance + first * first - second * second) / (2.0 * distance);
    let rim = first * first - before * before;
    let bent = 1.0 / second - 1.0 / first;
    move |place| {
        let (along, across) = split(place, axis, shift);
        let inside = |middle: f64, radius: f64| across + (along - middle).powi(2) < radius * radius;
        if !inside(-before, first) && !inside(distance - before, second) {
            return 0;
        }
        let beyond = match bent > 1e-12 {
            true => inside((1.0 / (bent * bent) - rim).sqrt(), 1.0 / bent),
            false => along > 0.0,
        };
        1 + u8::from(beyond)
    }
}

/// Hexagons of this edge, turned and shifted; cells are told apart where they are neighbours.
fn hexagons(edge: f64, turn: f64, shift: [f64; 2]) -> impl Fn([f64; 3]) -> u8 {
    let (wide, high) = (edge * 3f64.sqrt(), 1.5 * edge);
    move |[_, y, x]| {
        let (y, x) = (y - shift[0], x - shift[1]);
        let (u, v) = (x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin());
        let row = (v / high).round() as i64;
        let near = (row - 1..=row + 1).flat_map(|row| {
            let odd = 0.5 * row.rem_euclid(2) as f64;
            let column = (u / wide - odd).round() as i64;
            (column - 1..=column + 1).map(move |column| (row, column, odd))
        });
        let away = |(row, column, odd): &(i64, i64, f64)| {
            (u - (*column as f64 + odd) * wide).powi(2) + (v - *row as f64 * high).powi(2)
        };
        let (row, column, _) = near.min_by(|a, b| away(a).total_cmp(&away(b))).unwrap();
        (1 + (row + 8) * 15 + column + 7) as u8
    }
}

const CUBE: [f64; 3] = [1.0; 3];
const PLANE: [usize; 3] = [1, 512, 512];

/// Contacts that lie whole in the image: nearly as long as the longest.
fn whole(found: &Inference, edge: f64) -> Vec<f64> {
    let long = |contact: &&Contact| contact.faces.iter().sum::<u64>() as f64 > 0.9 * edge;
    found.contacts.iter().filter(long).map(|contact| contact.tension.tension).collect()
}

#[test]
fn hexagons_pull_alike() {
    for (edge, turn) in [(150.0, 0.3), (150.0, 0.1), (150.0, 0.0), (100.0, 0.45)] {
        let labels = image(PLANE, CUBE, hexagons(edge, turn, [3.3, 7.1]));
        let found = inferred(PLANE, CUBE, labels.clone());
        assert_eq!(found.groups.len(), 1);
        let mean = found.contacts.iter().map(|contact| contact.tension.tension).sum::<f64>();
        assert!((mean / found.contacts.len() as f64 - 1.0).abs() < 1e-9);
        for contact in &found.contacts {
            let off = contact.tension.tension - 1.0;
            assert!(off.abs() < 4.0 * contact.tension.error + 5e-4, "{edge} {turn}: {contact:?}");
        }
        let whole = whole(&found, edge);
        assert!(whole.len() >= 9, "{edge} {turn}: {}", whole.len());
        assert!(whole.iter().all(|tension| (tension - 1.0).abs() < 1e-3), "{edge} {turn}: {whole:?}");
        let noisy = inferred(PLANE, CUBE, flipped(PLANE, &labels, 50, &mut Random(12)));
        let moved = noisy.contacts.iter().filter_map(|noisy| {
            let clean = found.contacts.iter().find(|clean| clean.tension.sides == noisy.tension.sides)?;
            Some((noisy.tension.tension - clean.tension.tension).abs())
        });
        let mut moved: Vec<f64> = moved.collect();
        moved.sort_by(f64::total_cmp);
        // Contacts that the border cuts short move by more.
        assert!(moved.len() >= 12 && moved[moved.len() * 3 / 4] < 0.05, "{edge} {turn}: {moved:?}");
    }
}

#[test]
fn hexagons_pull_alike_however_they_are_turned() {
    let rms = |all: &[f64]| (all.iter().map(|off| off * off).sum::<f64>() / all.len() as f64).sqrt();
    for (edge, most) in [(150.0, 1e-3), (100.0, 2.5e-3)] {
        let (mut off, mut told) = (Vec::new(), Vec::new());
        for turn in (0..12).map(|turn| 0.05 * f64::from(turn)) {
            let found = inferred(PLANE, CUBE, image(PLANE, CUBE, hexagons(edge, turn, [3.3, 7.1])));
            off.extend(whole(&found, edge).iter().map(|tension| tension - 1.0));
            told.extend(found.contacts.iter().map(|contact| (contact.tension.tension - 1.0) / contact.tension.error));
        }
        assert!(rms(&off) < most, "{edge}: {} {off:?}", rms(&off));
        // What a digital image of lines does not determine is told: a contact that the border cuts short may leave
        // half a foam without a scale.
        assert!((0.5..1.5).contains(&rms(&told)), "{edge}: {}", rms(&told));
        off.iter_mut().for_each(|off| *off = off.abs());
        off.sort_by(f64::total_cmp);
        assert!(off[off.len() / 2] < 6e-4, "{edge}: {off:?}");
    }
}

/// A foam seen through z -> z / (1 + c z), with `bend` the size of c: cells are nearest to seeds, which lie on a grid of
/// hexagons of this edge but for a quarter of that. By Maxwell (1864) such sides balance where each pulls as
/// its seeds are apart; the map leaves angles as they are and makes arcs of lines, which obey Young and Laplace.
fn bent_foam(edge: f64, bend: f64, random: &mut Random) -> (Vec<u8>, Vec<[f64; 2]>) {
    let mut number = |size: f64| size * (random.below(2_000_001) as f64 * 1e-6 - 1.0);
    let (turn, shift, towards) = (number(1.6), [number(edge), number(edge)], number(3.2));
    let (wide, high) = (edge * 3f64.sqrt(), 1.5 * edge);
    let mut seeds = Vec::new();
    for (row, column) in (-9..=9).flat_map(|row| (-9..=9).map(move |column| (row, column))) {
        let (u, v) = ((f64::from(column) + 0.5 * f64::from(row % 2)) * wide, f64::from(row) * high);
        let place = [u * turn.sin() + v * turn.cos() + shift[0], u * turn.cos() - v * turn.sin() + shift[1]];
        let seed = place.map(|at| at + number(0.25 * edge));
        // Those that are nearest to no pixel need no label.
        if seed[0].hypot(seed[1]) < 420.0 + edge {
            seeds.push(seed);
        }
    }
    assert!(seeds.len() < 256);
    let c = [bend * towards.cos(), bend * towards.sin()];
    let labels = image(PLANE, CUBE, |[_, y, x]| {
        let (below, beside) = (1.0 + c[0] * x - c[1] * y, c[0] * y + c[1] * x);
        let square = below * below + beside * beside;
        let (u, v) = ((x * below + y * beside) / square, (y * below - x * beside) / square);
        let away = |seed: &[f64; 2]| (v - seed[0]).powi(2) + (u - seed[1]).powi(2);
        let nearest = seeds.iter().enumerate().min_by(|a, b| away(a.1).total_cmp(&away(b.1)));
        nearest.unwrap().0 as u8
    });
    (labels, seeds)
}

#[test]
fn sides_that_are_bent_by_less_than_a_voxel_pull_as_they_balance() {
    let rms = |all: &[f64]| (all.iter().map(|off| off * off).sum::<f64>() / all.len() as f64).sqrt();
    for (edge, bend, most) in [(90.0, 5e-5, 1e-2), (90.0, 2e-4, 1.5e-2), (140.0, 5e-5, 5e-3), (140.0, 2e-4, 8e-3)] {
        let (mut off, mut told) = (Vec::new(), Vec::new());
        for seed in 0..4 {
            let (labels, seeds) = bent_foam(edge, bend, &mut Random(20 + seed));
            let found = inferred(PLANE, CUBE, labels);
            let away = |contact: &Contact| {
                let [a, b] = [contact.tension.sides.0, contact.tension.sides.1].map(|label| seeds[label as usize]);
                (a[0] - b[0]).hypot(a[1] - b[1])
            };
            for group in (0..found.groups.len() as u32).filter(|group| found.groups[*group as usize].contacts > 3) {
                let of = || found.contacts.iter().filter(|contact| contact.tension.group == group);
                let mean = of().map(away).sum::<f64>() / of().count() as f64;
                for contact in of() {
                    off.push(contact.tension.tension - away(contact) / mean);
                    told.push(off[off.len() - 1] / contact.tension.error);
                }
            }
        }
        assert!(off.len() > 40 && rms(&off) < most, "{edge} {bend}: {} {}", off.len(), rms(&off));
        assert!((0.5..2.0).contains(&rms(&told)), "{edge} {bend}: {}", rms(&told));
    }
}

/// Tensions of a lens by Lami's theorem, of a mean of one.
fn lami(angle: f64) -> (f64, f64) {
    let (flat, side) = (angle.to_radians().sin(), (180.0 - 0.5 * angle).to_radians().sin());
    let mean = (flat + 2.0 * side) / 3.0;
    (flat / mean, side / mean)
}

fn is_lens(found: &Inference, angle: f64, within: f64, what: &str) {
    let (flat, side) = lami(angle);
    for ((a, b), truth) in [((1, 2), flat), ((1, 3), side), ((2, 3), side)] {
        let tension = tension(found, a, b);
        assert!((tension / truth - 1.0).abs() < within, "{what}: {a} {b}: {tension}, not {truth}");
    }
}

#[test]
fn a_lens_in_an_image_balances_at_its_angles() {
    assert!((lami(100.0).0 - 1.174).abs() < 5e-4 && (lami(100.0).1 - 0.913).abs() < 5e-4);
    let random = &mut Random(1);
    for turn in [0.0, 0.1, 0.3, 0.8, 1.2] {
        for angle in [100.0, 60.0, 150.0] {
            let (axis, what) = ([0.0, f64::cos(turn), f64::sin(turn)], format!("{turn} {angle}"));
            let labels = image(PLANE, CUBE, lens(160.0, angle, axis, [0.0, 0.3, -0.2]));
            is_lens(&inferred(PLANE, CUBE, labels.clone()), angle, 0.01, &what);
            is_lens(&inferred(PLANE, CUBE, flipped(PLANE, &labels, 50, random)), angle, 0.02, &what);
        }
    }
    // Voxels that are no squares.
    let (shape, zyx) = ([1, 256, 512], [1.0, 2.0, 1.0]);
    is_lens(
        &inferred(shape, zyx, image(shape, zyx, lens(160.0, 100.0, [0.0, 1.0, 0.4], [0.0; 3]))),
        100.0,
        0.01,
        "flat",
    );
}

#[test]
fn a_lens_in_a_volume_balances_at_its_angles() {
    let shape = [96; 3];
    for axis in [[1.0, 0.3, 0.2], [0.1, 0.9, 0.5], [1.0, 1.0, 1.0]] {
        let labels = image(shape, CUBE, lens(32.0, 100.0, axis, [0.2, 0.4, -0.3]));
        let found = inferred(shape, CUBE, labels.clone());
        is_lens(&found, 100.0, 0.01, &format!("{axis:?}"));
        // p = T 2 / r, and the cells on both sides are at one pressure.
        let truth = lami(100.0).1 * 2.0 / (32.0 / 50f64.to_radians().sin());
        assert!((pressure(&found, 3) / truth - 1.0).abs() < 0.02, "{found:?}");
        assert!(pressure(&found, 2).abs() < 0.01 * truth && pressure(&found, 1) == 0.0);
        is_lens(&inferred(shape, CUBE, flipped(shape, &labels, 50, &mut Random(2))), 100.0, 0.02, "noise");
    }
    // A lens drawn out along an axis: its walls are no spheres, but cylinders.
    let flat = lens(60.0, 100.0, [0.0, 0.9, 0.3], [0.0; 3]);
    let shape = [64, 180, 180];
    let found = inferred(shape, CUBE, image(shape, CUBE, |[_, y, x]| flat([0.0, y, x])));
    is_lens(&found, 100.0, 0.02, "drawn out");
}

#[test]
fn an_equal_double_bubble_pulls_alike() {
    let shape = [160; 3];
    let labels = image(shape, CUBE, bubbles([45.0; 2], [1.0, 0.3, 0.2], [0.2, 0.7, 0.4]));
    for labels in [flipped(shape, &labels, 50, &mut Random(4)), labels] {
        let found = inferred(shape, CUBE, labels);
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            assert!((tension(&found, a, b) - 1.0).abs() < 0.01, "{found:?}");
        }
        for label in [1, 2] {
            assert!((pressure(&found, label) * 45.0 / 2.0 - 1.0).abs() < 0.01, "{found:?}");
        }
    }
}

#[test]
fn an_unequal_double_bubble_has_the_pressures_of_its_radii() {
    for (axis, zyx) in [([0.2, 0.9, 0.5], CUBE), ([1.0, 1.0, 1.0], CUBE), ([1.0, 0.3, 0.2], [1.5, 1.0, 0.8])] {
        let shape = zyx.map(|edge| (100.0 / edge) as usize);
        let found = inferred(shape, zyx, image(shape, zyx, bubbles([30.0, 20.0], axis, [0.2, 0.7, 0.4])));
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            assert!((tension(&found, a, b) - 1.0).abs() < 0.01, "{axis:?} {zyx:?}: {found:?}");
        }
        for (label, radius) in [(1, 30.0), (2, 20.0)] {
            assert!((pressure(&found, label) * radius / 2.0 - 1.0).abs() < 0.01, "{axis:?} {zyx:?}: {found:?}");
        }
        // The wall between bends towards the larger bubble.
        let between = contact(&found, 1, 2).curvature / (2.0 / 20.0 - 2.0 / 30.0);
        assert!((between + 1.0).abs() < 0.05 && pressure(&found, 0) == 0.0, "{axis:?} {zyx:?}: {found:?}");
    }
    let found = inferred(
        PLANE,
        CUBE,
        image(PLANE, CUBE, |[_, y, x]| bubbles([120.0, 90.0], [0.0, 0.5, 0.9], [0.0; 3])([0.0, y, x])),
    );
    for (label, radius) in [(1, 120.0), (2, 90.0)] {
        assert!((pressure(&found, label) * radius - 1.0).abs() < 0.01, "{found:?}");
    }
}

#[test]
fn units_labels_and_quarter_turns_change_nothing() {
    let shape = [64; 3];
    let draw = bubbles([20.0, 15.0], [0.9, 0.4, 0.2], [0.3, 0.1, 0.2]);
    let labels = image(shape, CUBE, &draw);
    let found = inferred(shape, CUBE, labels.clone());
    // A power of two changes no digit.
    let large = inferred(shape, [4.0; 3], labels.clone());
    for (a, b) in found.contacts.iter().zip(&large.contacts) {
        assert_eq!((a.tension.tension, a.curvature), (b.tension.tension, 4.0 * b.curvature));
    }
    assert_eq!(pressure(&found, 1), 4.0 * pressure(&large, 1));
    // As other labels, in another order.
    let swapped = inferred(shape, CUBE, labels.iter().map(|label| [0, 9, 4][*label as usize]).collect());
    let turned: Vec<u8> = image(shape, CUBE, |[z, y, x]| draw([-y, z, x]));
    let turned = inferred(shape, CUBE, turned);
    for ((a, b), (c, d)) in [((0, 1), (0, 9)), ((0, 2), (0, 4)), ((1, 2), (4, 9))] {
        let truth = tension(&found, a, b);
        assert!((tension(&swapped, c, d) - truth).abs() < 1e-6, "{a} {b}");
        // Beads are cut by cubes that a turn moves.
        assert!((tension(&turned, a, b) - truth).abs() < 1e-3, "{a} {b}");
    }
    for (a, b) in [(1, 9), (2, 4)] {
        let truth = pressure(&found, a);
        assert!((pressure(&swapped, b) / truth - 1.0).abs() < 1e-6, "{a}");
        assert!((pressure(&turned, a) / truth - 1.0).abs() < 2e-3, "{a}");
    }
}

#[test]
fn what_no_junction_joins_has_a_scale_of_its_own() {
    let shape = [48, 48, 96];
    let draw = bubbles([14.0; 2], [0.9, 0.4, 0.2], [0.3, 0.1, 0.2]);
    let labels = image(shape, CUBE, |[z, y, x]| match draw([z, y, x.abs() - 24.0]) {
        0 => 0,
        label if x > 0.0 => label + 10,
        label => label,
    });
    let found = inferred(shape, CUBE, labels);
    assert_eq!((found.groups.len(), found.contacts.len(), found.junctions.len()), (2, 6, 2));
    for group in 0..2 {
        let of = found.contacts.iter().filter(|contact| contact.tension.group == group);
        assert!((of.map(|contact| contact.tension.tension).sum::<f64>() - 3.0).abs() < 1e-9);
        // The outside is in both.
        let outside = found.cells.iter().filter(|cell| cell.group == group && cell.label == 0);
        assert_eq!(outside.map(|cell| cell.pressure).collect::<Vec<_>>(), [0.0]);
    }
    // A ball by itself is told as dropped.
    let ball = |[z, y, x]: [f64; 3]| z * z + y * y + (x + 36.0).powi(2) < 64.0;
    let labels = image(shape, CUBE, |place| match (draw(place), ball(place)) {
        (0, true) => 7,
        (label, _) => label,
    });
    let found = inferred(shape, CUBE, labels);
    assert_eq!(found.dropped_contacts, [(0, 7)]);
    assert!(found.cells.iter().all(|cell| cell.label != 7));
}

/// Patches by their sides, and their faces.
type Listed = Vec<((u64, u64), u64)>;
/// Edges of voxels by the labels around.
type Around = BTreeMap<[u64; 4], u64>;

/// Patches, and edges of voxels around which three labels lie: by a walk over all pairs.
fn plain(shape: Shape, labels: &[u64]) -> (Listed, Around) {
    let at = |voxel: [usize; 3]| labels[shape.raster(voxel) as usize];
    let next = |voxel: [usize; 3], axis: usize| {
        let mut beside = voxel;
        beside[axis] += 1;
        (beside[axis] < shape.0[axis]).then_some(beside)
    };
    let mut faces = BTreeMap::new();
    let mut edges = Vec::new();
    let mut around = Around::new();
    for voxel in voxels_of(shape) {
        for axis in 0..3 {
            if let Some(beside) = next(voxel, axis).filter(|beside| at(*beside) != at(voxel)) {
                let (a, b) = (at(voxel), at(beside));
                faces.insert((voxel, axis), (a.min(b), a.max(b)));
            }
            let [u, v] = [(axis + 1) % 3, (axis + 2) % 3];
            if let (Some(along), Some(down)) = (next(voxel, u), next(voxel, v)) {
                edges.push([(voxel, u), (voxel, v), (down, u), (along, v)]);
                let labels: BTreeSet<u64> = [voxel, along, down, next(along, v).unwrap()].map(at).into();
                let labels: Vec<u64> = labels.into_iter().collect();
                if labels.len() > 2 {
                    *around.entry([labels[0], labels[1], labels[2], labels[labels.len() - 1]]).or_default() += 1;
                }
            }
        }
    }
    let mut beside: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for edge in edges {
        for (a, b) in edge.iter().flat_map(|a| edge.iter().map(move |b| (a, b))) {
            if a != b && faces.contains_key(a) && faces.get(a) == faces.get(b) {
                beside.entry(*a).or_default().push(*b);
            }
        }
    }
    let mut patches = Vec::new();
    let mut left: BTreeSet<_> = faces.keys().copied().collect();
    while let Some(first) = left.pop_first() {
        let (mut count, mut waiting) = (0, vec![first]);
        while let Some(face) = waiting.pop() {
            count += 1;
            waiting.extend(beside.get(&face).into_iter().flatten().filter(|other| left.remove(*other)));
        }
        patches.push((faces[&first], count));
    }
    (patches, around)
}

#[test]
fn patches_are_those_of_a_walk_over_faces_for_every_cut() {
    let random = &mut Random(6);
    let runtime = Runtime::start(&Workers::threads(2)).unwrap();
    for (shape, points, most) in [([9, 10, 11], 12, 5), ([7, 8, 6], 100, 3), ([1, 12, 17], 20, 6), ([6, 1, 9], 9, 4)] {
        let shape = Shape(shape);
        let labels = cells(shape, points, most, random);
        let (patches, around) = plain(shape, &labels);
        for least in [1, 6] {
            let gathering = Gathering { cube: 2, least };
            let mut first = None;
            for tiling in cuts(&memory(shape, labels.clone())) {
                let found = runtime.run(&tiling, &gathering, &Config::default(), |_, ()| Ok(())).unwrap().global;
                let joined = found.joined(least);
                let listed: Vec<_> = joined.patches.iter().map(|patch| (patch.sides, patch.moments.count())).collect();
                let kept: Vec<_> = patches.iter().copied().filter(|(_, count)| *count >= least).collect();
                assert_eq!(listed, kept, "{shape} {least}");
                let mut counted = Around::new();
                joined.beads.iter().for_each(|(key, bead, _)| *counted.entry(key.labels).or_default() += bead.edges);
                assert_eq!(counted, around, "{shape}");
                assert_eq!(found.contacts.values().flatten().sum::<u64>(), patches.iter().map(|(_, n)| n).sum::<u64>());
                // The patches that meet at a bead have names of their own in each cut, and are the same.
                let beads: Vec<_> =
                    joined.beads.iter().map(|(key, bead, met)| (*key, bead.edges, bead.sum, met.clone())).collect();
                for patch in &joined.patches {
                    let labels_of = [patch.sides.0, patch.sides.1];
                    let long = shape.0.iter().filter(|side| **side > 1).count();
                    for (label, bank) in labels_of.into_iter().zip(&patch.banks.0) {
                        assert_eq!(bank.pixels().is_empty(), long > 2, "{shape}");
                        let sound = bank.pixels().iter().all(|[a, b]| {
                            let voxel = if shape.0[0] == 1 { [0, *a, *b] } else { [*a, 0, *b] };
                            labels[shape.raster(voxel.map(|at| at as usize)) as usize] == label
                        });
                        assert!(sound, "{shape}: {patch:?}");
                    }
                }
                let all = (joined.patches, beads);
                assert_eq!(first.get_or_insert_with(|| all.clone()), &all, "{shape}");
            }
        }
    }
}

#[test]
fn cuts_and_workers_change_no_digit() {
    let random = &mut Random(8);
    for (shape, count) in [([40, 36, 44], 50), ([1, 150, 200], 20), ([150, 1, 200], 20)] {
        let shape = Shape(shape);
        let source = memory(shape, cells(shape, 30, 40, random));
        let spacing = Spacing::new([0.7, 0.3, 0.4], Unit::Um).unwrap();
        let mut truth = None;
        for workers in [1, 2, 3] {
            let runtime = Runtime::start(&Workers::threads(workers)).unwrap();
            for size in [BlockSize::Whole, BlockSize::Auto, BlockSize::Edge(16), BlockSize::Edge(13)] {
                let tiling = Tiling::new(Arc::clone(&source), size).unwrap();
                let found = infer(&runtime, &tiling, &spacing, &Config::default()).unwrap();
                assert!(finite(&found) && found.contacts.len() > count, "{shape} {}", found.contacts.len());
                assert_eq!(truth.get_or_insert_with(|| found.clone()), &found, "{shape} {workers} {size:?}");
            }
        }
    }
}

#[test]
fn what_cannot_be_balanced_is_an_error_or_a_finite_answer() {
    let shape = [20; 3];
    let said = |shape: [usize; 3], labels: Vec<u8>| tried(shape, CUBE, labels).unwrap_err().to_string();
    for label in [0, 7] {
        assert!(said(shape, vec![label; 8000]).contains("no three cells meet"));
    }
    // A ball; two slabs; a line of voxels.
    let ball = |[z, y, x]: [f64; 3]| u8::from(z * z + y * y + x * x < 50.0);
    assert!(said(shape, image(shape, CUBE, ball)).contains("(1 contacts"));
    assert!(said(shape, image(shape, CUBE, |[z, ..]| 1 + u8::from(z > 0.0))).contains("no three cells meet"));
    assert!(said([1, 1, 9], (0..9).collect()).contains("is a line"));
    // Squares, whose sides may pull as they like, each row and column by itself.
    let squares = image([1, 120, 120], CUBE, |[_, y, x]| ((y + 60.0) / 30.0) as u8 * 4 + ((x + 60.0) / 30.0) as u8);
    let found = inferred([1, 120, 120], CUBE, squares);
    assert_eq!((found.junctions.len(), found.groups.len(), found.groups[0].undetermined), (9, 1, 5), "{found:?}");
    assert!(found.contacts.iter().all(|contact| contact.tension.error > 0.1), "{found:?}");
    // Noise, of many labels and of few, in volumes of which some are so large that it is refused.
    let random = &mut Random(9);
    for (shape, most) in [([20; 3], 200), ([20; 3], 3), ([1, 60, 60], 4), ([6, 5, 7], 3), ([2, 2, 2], 8), ([64; 3], 9)]
    {
        let labels = (0..shape.iter().product()).map(|_| random.below(most) as u8).collect();
        match tried(shape, CUBE, labels) {
            Ok(found) => assert!(finite(&found), "{shape:?} {most}"),
            Err(error) => {
                let told = error.to_string();
                assert!(told.contains("no three cells meet") || told.contains("noise"), "{shape:?} {most}: {told}");
            }
        }
    }
}

#[test]
fn iterations_find_what_eigenvalues_find() {
    let random = &mut Random(10);
    let mut number = || random.below(2_000_001) as f64 * 1e-6 - 1.0;
    let unknowns = 60;
    let mut equations = Equations { unknowns, mean: 1.0, ..Equations::default() };
    for at in 0..150 {
        let terms: Vec<(usize, f64)> = (0..3).map(|k| ((7 * at + 11 * k * k + k) % unknowns, number())).collect();
        equations.rows.push(Row { terms, right: number(), weight: 1.0 + 0.5 * number() });
        equations.noise.push([(at, 0.01), (at, 0.0)]);
    }
    let (dense, sparse) = (equations.solve_dense(), equations.solve_by_iterations());
    assert!(dense.converged && sparse.converged && dense.undetermined == 0);
    assert!((dense.values.iter().sum::<f64>() - unknowns as f64).abs() < 1e-9);
    for (a, b) in dense.values.iter().zip(&sparse.values) {
        assert!((a - b).abs() < 1e-8, "{a} {b}");
    }
    assert!((sparse.condition / dense.condition - 1.0).abs() < 0.05, "{} {}", dense.condition, sparse.condition);
    // Two dozen disturbances tell errors to a fifth or so.
    let ratio = dense.errors.iter().zip(&sparse.errors).map(|(a, b)| b / a).sum::<f64>() / unknowns as f64;
    assert!((ratio - 1.0).abs() < 0.1, "{ratio}");
    // No sum that keeps the mean is less than what was found.
    let squares = |values: &[f64]| {
        let rest = |row: &Row| row.terms.iter().map(|(at, factor)| factor * values[*at]).sum::<f64>() - row.right;
        equations.rows.iter().map(|row| row.weight * rest(row).powi(2)).sum::<f64>()
    };
    let best = squares(&dense.values);
    for _ in 0..50 {
        let mut other = dense.values.clone();
        let (a, b, step) = ((number().abs() * 59.0) as usize, (number().abs() * 59.0) as usize, 0.01 * number());
        other[a] += step;
        other[b] -= step;
        assert!(squares(&other) >= best - 1e-12);
    }
}

#[test]
fn the_command_line_writes_tables_and_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let labels = image([1, 128, 128], CUBE, lens(40.0, 100.0, [0.0, 0.9, 0.3], [0.0; 3]));
    let labels = ndarray::Array3::from_shape_vec((1, 128, 128), labels).unwrap();
    ndarray_npy::write_npy(path("labels.npy"), &labels).unwrap();
    let relax = |options: &[&str]| {
        let mut command = program::septa();
        command.args(["relax", "tension", "labels.npy", "--json"]).args(options).current_dir(folder.path());
        let output = command.output().unwrap();
        match output.status.success() {
            true => Ok(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()),
            false => Err((output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    };
    let told = relax(&["-o", "contacts.csv", "--cells", "cells.csv", "--vtk", "net.vtp"]).unwrap();
    for (name, value) in [("cells", 3), ("contacts", 3), ("junctions", 2), ("groups", 1), ("negative", 0)] {
        assert_eq!(told[name], value, "{name}: {told}");
    }
    for name in ["residual", "iterations", "seconds", "condition", "dropped_contacts", "dropped_junctions"] {
        assert!(told[name].is_number(), "{name}: {told}");
    }
    let contacts = std::fs::read_to_string(path("contacts.csv")).unwrap();
    let columns = "label_a,label_b,group,tension,tension_error,curvature,curvature_error,n_faces,area,residual,misfit";
    assert_eq!(contacts.lines().next().unwrap(), columns);
    assert!(contacts.lines().nth(1).unwrap().starts_with("1,2,0,1.1"), "{contacts}");
    let cells = std::fs::read_to_string(path("cells.csv")).unwrap();
    assert!(cells.starts_with("label,group,pressure,pressure_error\n1,0,0.0,0.0\n"), "{cells}");
    let drawn = std::fs::read_to_string(path("net.vtp")).unwrap();
    assert!(drawn.contains("NumberOfPoints=\"5\" NumberOfLines=\"6\"") && drawn.contains("tension"), "{drawn}");
    assert!(path("contacts.csv.run.json").is_file());
    let (code, said) = relax(&["-o", "contacts.csv"]).unwrap_err();
    assert!(code == 2 && said.contains("exists already"), "{code} {said}");
    let (code, said) = relax(&["--vtk", "net.vtk"]).unwrap_err();
    assert!(code == 2 && said.contains("net.vtk: tensions are drawn as .vtp"), "{code} {said}");
    ndarray_npy::write_npy(path("labels.npy"), &ndarray::Array3::<u8>::zeros((4, 4, 4))).unwrap();
    let (code, said) = relax(&["-o", "none.csv"]).unwrap_err();
    assert!(code == 3 && said.contains("labels.npy: no three cells meet") && !path("none.csv").exists(), "{said}");
}
