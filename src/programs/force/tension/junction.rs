//! Junctions: where the contacts of three cells or more meet, and at what angles.
//!
//! Around a junction each contact has a normal that points from the one cell to the next, and forces along the
//! contacts balance where the normals, each times its tension, sum to nothing: the tangents turned by a right
//! angle. In space the normals of the three patches are taken at each bead of the line, across the line, and
//! the angles between them are averaged along it (as CellFIT-3D does with dihedral angles: Veldhuis, Ehsandar,
//! Maître, Hiiragi, Cox and Brodland, 2017); a line is one junction. In an image a junction is a point. Corners
//! of pixels at which three labels meet belong to one where they are few pixels apart, so that cells that meet
//! four by four are balanced together.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use nalgebra::{Matrix3, SymmetricEigen};

use crate::disjoint::Disjoint;
use crate::lattice::patches::{Bead, BeadKey, Joined, Sides};
use crate::programs::force::tension::surface::{Frame, Surface};
use crate::programs::force::vector::Vector;

/// Corners of pixels that are no further apart along each axis are of one junction.
const NEAR: i64 = 3;

/// A line has so many edges of voxels at least.
const SHORTEST: u64 = 4;

/// No surface is known to pass a place nearer than this share of a voxel.
const SHARP: f64 = 0.02;

/// Where an angle has a larger variance, six degrees, it says nothing of the tension, and nothing of those of the
/// other arms either.
const VAGUE: f64 = 0.01;

/// A contact that leaves a junction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    /// The cells on its sides, the smaller label first.
    pub sides: Sides,
    /// The number of its patch.
    pub patch: u32,
    /// The angle of its normal, from that of the first.
    pub angle: f64,
    /// The variance of that.
    pub variance: f64,
}

/// Where contacts meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Junction {
    /// Edges of voxels; of an image, corners of pixels.
    pub edges: u64,
    /// Its middle.
    pub place: Vector,
    /// What meets there, in order around it: each cell lies between an arm and the next.
    pub arms: Vec<Arm>,
}

/// Junctions, and what more is known of them.
#[derive(Clone, Debug, Default)]
pub struct Junctions {
    /// Those that can be balanced.
    pub all: Vec<Junction>,
    /// Those where a patch is missing or too small to have a tangent, and those shorter than a few voxels.
    pub dropped: u64,
    /// By patch: places on its border, and what they count.
    pub borders: BTreeMap<u32, Vec<(Vector, f64)>>,
}

impl Junctions {
    fn take(&mut self, junction: Junction) {
        match junction.arms.iter().all(|arm| arm.variance <= VAGUE) {
            true => self.all.push(junction),
            false => self.dropped += 1,
        }
    }
}

/// A patch as it is seen from a junction: positive where the smaller label comes first around it.
#[derive(Clone, Copy)]
struct Side<'a> {
    sides: Sides,
    patch: u32,
    forward: bool,
    surface: &'a Surface,
}

/// The junctions of beads. `surfaces` are those of the patches, where they have one.
pub fn junctions(joined: &Joined, surfaces: &[Option<Surface>], frame: &Frame) -> Junctions {
    let mut found = Junctions::default();
    match frame.axes[..] {
        [a, b] => points(joined, surfaces, frame, [a, b], &mut found),
        _ => lines(joined, surfaces, frame, &mut found),
    }
    found
}

/// Of patches that meet somewhere the largest between each two cells.
fn largest<'a>(
    joined: &Joined,
    surfaces: &'a [Option<Surface>],
    patches: impl Iterator<Item = u32>,
) -> BTreeMap<Sides, (u32, &'a Surface)> {
    let mut best: BTreeMap<Sides, (u32, &Surface)> = BTreeMap::new();
    for patch in patches {
        let Some(surface) = &surfaces[patch as usize] else { continue };
        let known = best.entry(joined.patches[patch as usize].sides).or_insert((patch, surface));
        if (surface.faces, known.0) > (known.1.faces, patch) {
            *known = (patch, surface);
        }
    }
    best
}

/// The contacts between cells, in order around a junction: none where they do not go round it once.
fn around<'a>(best: &BTreeMap<Sides, (u32, &'a Surface)>) -> Option<Vec<Side<'a>>> {
    let mut beside: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (a, b) in best.keys() {
        beside.entry(*a).or_default().push(*b);
        beside.entry(*b).or_default().push(*a);
    }
    if beside.len() < 3 || beside.values().any(|others| others.len() != 2) {
        return None;
    }
    let first = *beside.keys().next()?;
    let (mut at, mut next) = (first, beside[&first][0]);
    let mut sides = Vec::new();
    loop {
        let key = (at.min(next), at.max(next));
        let (patch, surface) = best[&key];
        sides.push(Side { sides: key, patch, forward: at < next, surface });
        let after = beside[&next].iter().copied().find(|other| *other != at)?;
        (at, next) = (next, after);
        if at == first {
            return (sides.len() == beside.len()).then_some(sides);
        }
    }
}

impl Side<'_> {
    fn normal(&self, place: Vector) -> (Vector, f64) {
        let (normal, beyond) = self.surface.normal(place);
        if self.forward { (normal, beyond) } else { (normal.times(-1.0), -beyond) }
    }
}

/// The place nearest to all surfaces, not more than two voxels away.
fn refined(sides: &[Side<'_>], place: Vector, frame: &Frame) -> Vector {
    let (mut matrix, mut right) = (Matrix3::identity() * 0.01, nalgebra::Vector3::zeros());
    for side in sides {
        let (Vector([z, y, x]), beyond) = side.normal(place);
        let normal = nalgebra::Vector3::new(z, y, x);
        matrix += normal * normal.transpose();
        right -= normal * beyond;
    }
    let Some(step) = matrix.cholesky().map(|factor| factor.solve(&right)) else { return place };
    let step = Vector([step[0], step[1], step[2]]);
    let most = 2.0 * frame.voxel();
    place.plus(step.times((most / step.length().max(most)).min(1.0)))
}

/// The angles from each normal to the next, seen along `line`, so that they go round once.
fn turns(normals: &[Vector], line: Vector) -> Vec<f64> {
    let flat: Vec<Vector> = normals.iter().map(|normal| normal.minus(line.times(normal.dot(line)))).collect();
    let turn = |at: usize| {
        let (here, next) = (flat[at], flat[(at + 1) % flat.len()]);
        here.cross(next).dot(line).atan2(here.dot(next)).rem_euclid(TAU)
    };
    let turns: Vec<f64> = (0..flat.len()).map(turn).collect();
    // From the other end of the line they go the other way.
    match turns.iter().sum::<f64>() > 0.5 * TAU * turns.len() as f64 {
        true => turns.into_iter().map(|turn| TAU - turn).collect(),
        false => turns,
    }
}

/// The direction that is most across all normals.
fn across(normals: &[Vector]) -> Vector {
    let mut matrix = Matrix3::zeros();
    for Vector([z, y, x]) in normals {
        let normal = nalgebra::Vector3::new(*z, *y, *x);
        matrix += normal * normal.transpose();
    }
    let eigen = SymmetricEigen::new(matrix);
    let least = eigen.eigenvalues.imin();
    let line = eigen.eigenvectors.column(least);
    Vector([line[0], line[1], line[2]])
}

/// The variance of the angle of a side about the line.
fn variance(side: &Side<'_>, place: Vector, normal: Vector, line: Vector) -> f64 {
    side.surface.angle_variance(place, line.cross(normal))
}

/// A line in the making: sums over beads.
#[derive(Default)]
struct Line {
    edges: u64,
    place: Vector,
    /// By arm: cosine and sine of the turn to the next, and the variance.
    arms: Vec<[f64; 3]>,
}

fn lines(joined: &Joined, surfaces: &[Option<Surface>], frame: &Frame, found: &mut Junctions) {
    let mut lines: BTreeMap<[u32; 3], (Vec<Sides>, Line)> = BTreeMap::new();
    let mut missing: BTreeMap<[u64; 4], u64> = BTreeMap::new();
    for (BeadKey { labels, .. }, Bead { edges, sum, .. }, met) in &joined.beads {
        // Four cells meet at a point, and what is seen around an edge of a voxel there is no line.
        if labels[2] != labels[3] {
            continue;
        }
        let best = largest(joined, surfaces, met.iter().copied());
        let Some(sides) = around(&best).filter(|sides| sides.len() == 3) else {
            *missing.entry(*labels).or_default() += edges;
            continue;
        };
        let weight = *edges as f64;
        let place = frame.place(sum.map(|sum| sum as f64 / weight));
        let place = refined(&sides, place, frame);
        let normals: Vec<Vector> = sides.iter().map(|side| side.normal(place).0).collect();
        let line = across(&normals);
        let key = [sides[0].patch, sides[1].patch, sides[2].patch];
        let (_, sums) = lines.entry(key).or_insert_with(|| {
            let line = Line { arms: vec![[0.0; 3]; 3], ..Line::default() };
            (sides.iter().map(|side| side.sides).collect(), line)
        });
        sums.edges += edges;
        sums.place = sums.place.plus(place.times(weight));
        for ((at, turn), side) in turns(&normals, line).into_iter().enumerate().zip(&sides) {
            let variance = variance(side, place, normals[at], line);
            let add = [turn.cos(), turn.sin(), variance];
            sums.arms[at].iter_mut().zip(add).for_each(|(sum, add)| *sum += weight * add);
            found.borders.entry(side.patch).or_default().push((place, weight));
        }
    }
    for (patches, (sides, line)) in lines {
        if line.edges < SHORTEST {
            found.dropped += 1;
            continue;
        }
        let weight = 1.0 / line.edges as f64;
        let turns: Vec<f64> = line.arms.iter().map(|[cosine, sine, _]| sine.atan2(*cosine).rem_euclid(TAU)).collect();
        // Means of angles need not go round, but nearly do.
        let over = turns.iter().sum::<f64>() - TAU;
        if over.abs() > 0.5 {
            found.dropped += 1;
            continue;
        }
        let mut angle = 0.0;
        let arms = (0..3).map(|at| {
            let arm = Arm { sides: sides[at], patch: patches[at], angle, variance: line.arms[at][2] * weight };
            angle += turns[at] - over / 3.0;
            arm
        });
        let arms = arms.collect();
        found.take(Junction { edges: line.edges, place: line.place.times(weight), arms });
    }
    found.dropped += missing.values().filter(|edges| **edges >= SHORTEST).count() as u64;
}

fn points(joined: &Joined, surfaces: &[Option<Surface>], frame: &Frame, axes: [usize; 2], found: &mut Junctions) {
    let corner = |bead: &Bead| axes.map(|axis| bead.sum[axis].div_euclid(2 * bead.edges as i64));
    let places: BTreeMap<[i64; 2], u32> =
        joined.beads.iter().zip(0..).map(|((_, bead, _), at)| (corner(bead), at)).collect();
    let mut sets = Disjoint::new(joined.beads.len());
    for ([u, v], at) in &places {
        for u in u - NEAR..=u + NEAR {
            places.range([u, v - NEAR]..=[u, v + NEAR]).for_each(|(_, other)| sets.join(*at, *other));
        }
    }
    let mut clusters: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    places.values().for_each(|at| clusters.entry(sets.find(*at)).or_default().push(*at as usize));
    let axis = 3 - axes[0] - axes[1];
    let line = Vector(std::array::from_fn(|other| f64::from(u8::from(other == axis))));
    let mut ends = Vec::new();
    for mut beads in clusters.into_values() {
        beads.sort_unstable();
        let met = beads.iter().flat_map(|at| joined.beads[*at].2.iter().copied());
        let Some(sides) = around(&largest(joined, surfaces, met)) else {
            found.dropped += 1;
            continue;
        };
        let edges: u64 = beads.iter().map(|at| joined.beads[*at].1.edges).sum();
        let sum = |axis: usize| beads.iter().map(|at| joined.beads[*at].1.sum[axis]).sum::<i64>();
        let place = frame.place(std::array::from_fn(|axis| sum(axis) as f64 / edges as f64));
        ends.push((refined(&sides, place, frame), edges, sides));
    }
    let anchored = anchored(&ends, line, frame);
    for (place, edges, sides) in ends {
        let sides: Vec<Side> = sides.into_iter().map(|side| Side { surface: &anchored[&side.patch], ..side }).collect();
        let place = refined(&sides, place, frame);
        let normals: Vec<Vector> = sides.iter().map(|side| side.normal(place).0).collect();
        let mut angle = 0.0;
        let mut arms = Vec::new();
        for (at, (side, turn)) in sides.iter().zip(turns(&normals, line)).enumerate() {
            let variance = variance(side, place, normals[at], line);
            arms.push(Arm { sides: side.sides, patch: side.patch, angle, variance });
            angle += turn;
            found.borders.entry(side.patch).or_default().push((place, 1.0));
        }
        found.take(Junction { edges, place, arms });
    }
}

/// The surfaces of patches that are known to end where the others at their junctions meet: a patch along a row of
/// voxels says little of its own slope, and much that of its ends.
fn anchored(ends: &[(Vector, u64, Vec<Side<'_>>)], line: Vector, frame: &Frame) -> BTreeMap<u32, Surface> {
    let vector = |Vector([z, y, x])| nalgebra::Vector3::new(z, y, x);
    let floor = (SHARP * frame.voxel()).powi(2);
    let mut all: BTreeMap<u32, Surface> = BTreeMap::new();
    for (place, _, sides) in ends {
        for side in sides {
            // Where the others meet, and how surely, from themselves alone.
            let mut matrix = vector(line) * vector(line).transpose();
            let mut right = nalgebra::Vector3::zeros();
            for other in sides.iter().filter(|other| other.patch != side.patch) {
                let (normal, beyond) = other.normal(*place);
                let weight = 1.0 / (other.surface.distance_variance(*place) + floor);
                matrix += vector(normal) * vector(normal).transpose() * weight;
                right -= vector(normal) * (beyond * weight);
            }
            let known = all.remove(&side.patch).unwrap_or_else(|| side.surface.clone());
            let anchored = match matrix.try_inverse() {
                Some(spread) => {
                    let step = spread * right;
                    let normal = vector(side.normal(*place).0);
                    let there = place.plus(Vector([step[0], step[1], step[2]]));
                    known.through(there, normal.dot(&(spread * normal)) + floor)
                }
                None => known,
            };
            all.insert(side.patch, anchored);
        }
    }
    all
}
