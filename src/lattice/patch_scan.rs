//! The patches and beads of one block, from its voxels and one more towards larger z, y and x.
//!
//! Slice by slice: the faces of the slice are numbered, then those around each edge of voxels are joined where
//! they have the same sides. Where a voxel and its neighbours are of one label, and in a volume of cells that is
//! nearly everywhere, nothing is looked at. A face belongs to the block of its voxel of smaller coordinates,
//! an edge likewise; of faces that belong to others, or that others see, the block tells which of its patches
//! they are of.
//!
//! Cost: O(voxels) to compare, O(faces) to join. Memory: 14 bytes a voxel of two slices, 28 a face, of an image 44.

use ndarray::{ArcArray, Ix3};

use crate::combine::Combine;
use crate::disjoint::Disjoint;
use crate::error::{Error, Result};
use crate::lattice::banks::{Bank, Banks, Pixel};
use crate::lattice::patches::{Bead, BeadKey, FaceId, Patch, Patches, Sides};
use crate::lattice::select::Select;
use crate::lattice::sound::{fits, sound_row};
use crate::volume::region::Region;
use crate::volume::shape::Shape;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type};

/// No face.
const NONE: u32 = u32::MAX;

/// Of so many voxels one may lie at a junction, or the labels are noise.
const SHARE: u64 = 4;
/// Fewer junctions are never too many.
const FEW: u64 = 1 << 17;
/// The faces of a block.
const FACES: usize = 1 << 28;

/// How patches and beads are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gather {
    /// The size of the volume.
    pub shape: Shape,
    /// The edge of the cube of a bead, in voxels.
    pub cube: u32,
    /// A patch that no other block sees and that has fewer faces is left out.
    pub least: u64,
}

/// The patches and beads of the block `own`; `voxels` are those of `region`, the block and one voxel more
/// towards larger z, y and x, as far as the volume goes.
///
/// # Errors
/// Floats, a negative label, or labels that are noise.
pub fn gather(voxels: &Voxels, region: Region, own: Region, how: Gather, name: &str) -> Result<Patches> {
    fits(voxels, region, Select::Labels, name)?;
    let mut scan = Scan::new(region, own, how, name);
    each_voxel_type!(voxels, array => scan.run(array))?;
    Ok(scan.finish())
}

/// A face, and the labels before and behind it along its normal.
struct Face {
    id: FaceId,
    labels: [u64; 2],
}

impl Face {
    fn sides(&self) -> Sides {
        let [a, b] = self.labels;
        (a.min(b), a.max(b))
    }
}

/// The faces of a slice at each of its voxels, by axis.
struct Slice {
    faces: [Vec<u32>; 3],
    /// Not 0 where a voxel and those beside it towards larger coordinates are not of one label.
    mixed: Vec<u8>,
}

struct Scan<'a> {
    region: Region,
    own: Region,
    how: Gather,
    name: &'a str,
    faces: Vec<Face>,
    sets: Disjoint,
    /// The slice that was numbered last, and the one before it.
    slices: [Slice; 2],
    /// Edges where three labels or more meet: the bead, twice the place, the faces around.
    met: Vec<(BeadKey, [i64; 3], [u32; 4])>,
}

impl<'a> Scan<'a> {
    fn new(region: Region, own: Region, how: Gather, name: &'a str) -> Self {
        assert_eq!(region.start, own.start, "the shell lies towards larger z, y and x");
        let [_, ny, nx] = region.shape().0;
        let slices = [(); 2].map(|()| Slice { faces: [(); 3].map(|()| vec![NONE; ny * nx]), mixed: vec![0; ny * nx] });
        Self { region, own, how, name, faces: Vec::new(), sets: Disjoint::default(), slices, met: Vec::new() }
    }

    fn run<T: Voxel>(&mut self, array: &ArcArray<T, Ix3>) -> Result<()> {
        let [depth, ..] = self.own.shape().0;
        for z in 0..self.region.shape().0[0] {
            self.slices.swap(0, 1);
            self.number(array, z)?;
            if z > 0 {
                self.join(z - 1, true)?;
            }
        }
        if self.region.shape().0[0] == depth {
            // Beyond the last slice of the volume there are no edges but those along z.
            self.slices.swap(0, 1);
            self.join(depth - 1, false)?;
        }
        Ok(())
    }

    /// Numbers the faces of the slice `z`.
    fn number<T: Voxel>(&mut self, array: &ArcArray<T, Ix3>, z: usize) -> Result<()> {
        let [nz, ny, nx] = self.region.shape().0;
        let row = |z, y| sound_row(array, &self.region, [z, y], Select::Labels, self.name);
        let Slice { faces, mixed } = &mut self.slices[0];
        faces.iter_mut().for_each(|faces| faces.fill(NONE));
        for y in 0..ny {
            let (here, below) = (row(z, y)?, row(z, (y + 1).min(ny - 1))?);
            let [behind, both] = match z + 1 < nz {
                true => [row(z + 1, y)?, row(z + 1, (y + 1).min(ny - 1))?],
                false => [here, below],
            };
            let mixed = &mut mixed[y * nx..][..nx];
            let rows = here.iter().zip(below).zip(behind).zip(both);
            for (mixed, (((here, below), behind), both)) in mixed.iter_mut().zip(rows) {
                *mixed = u8::from((here != below) | (here != behind) | (here != both));
            }
            for x in 0..nx - 1 {
                mixed[x] |= mixed[x + 1] | u8::from(here[x] != here[x + 1]);
            }
            for x in each_mixed(mixed) {
                let [oz, oy, ox] = self.region.start;
                let raster = self.how.shape.raster([oz + z, oy + y, ox + x]);
                let beside = [behind[x], below[x], here[(x + 1).min(nx - 1)]];
                for (axis, other) in beside.into_iter().enumerate().filter(|(_, other)| *other != here[x]) {
                    let labels = [here[x], other].map(|value| value.to_label().unwrap_or(0));
                    self.faces.push(Face { id: 3 * raster + axis as u64, labels });
                    faces[axis][y * nx + x] = self.sets.add();
                }
            }
        }
        match self.faces.len() > FACES {
            true => Err(Error::resource(format!(
                "{}: a block has 2^28 faces between labels: make blocks smaller with --block",
                self.name
            ))),
            false => Ok(()),
        }
    }

    /// Joins the faces around the edges of the slice `z`, the one before the last that was numbered.
    fn join(&mut self, z: usize, beyond: bool) -> Result<()> {
        let [_, ny, nx] = self.region.shape().0;
        let [_, height, width] = self.own.shape().0;
        let [next, slice] = &self.slices;
        for y in 0..height {
            for x in each_mixed(&slice.mixed[y * nx..][..width]) {
                let at = y * nx + x;
                let [down, along] = [y + 1 < ny, x + 1 < nx];
                let around = |edge: usize| -> [u32; 4] {
                    match edge {
                        0 => [slice.faces[2][at], slice.faces[2][at + nx], slice.faces[1][at], slice.faces[1][at + 1]],
                        1 => [slice.faces[2][at], next.faces[2][at], slice.faces[0][at], slice.faces[0][at + 1]],
                        _ => [slice.faces[1][at], next.faces[1][at], slice.faces[0][at], slice.faces[0][at + nx]],
                    }
                };
                for edge in [down && along, beyond && along, beyond && down].into_iter().enumerate() {
                    let (edge, true) = edge else { continue };
                    let faces = around(edge);
                    let found = || faces.into_iter().filter(|face| *face != NONE);
                    for (place, a) in found().enumerate() {
                        for b in found().skip(place + 1) {
                            if self.faces[a as usize].sides() == self.faces[b as usize].sides() {
                                self.sets.join(a, b);
                            }
                        }
                    }
                    let mut labels = [0; 8];
                    let mut count = 0;
                    for label in found().flat_map(|face| self.faces[face as usize].labels) {
                        if !labels[..count].contains(&label) {
                            labels[count] = label;
                            count += 1;
                        }
                    }
                    if count >= 3 {
                        labels[..count].sort_unstable();
                        let labels = [labels[0], labels[1], labels[2], labels[count - 1]];
                        let place = std::array::from_fn(|axis| {
                            let voxel = [z, y, x][axis] + self.region.start[axis];
                            2 * voxel as i64 + i64::from(axis != edge)
                        });
                        let cube = place.map(|place: i64| (place / (2 * i64::from(self.how.cube))) as u32);
                        self.met.push((BeadKey { labels, cube }, place, faces));
                    }
                }
            }
        }
        let most = (self.own.shape().voxels().unwrap_or(u64::MAX) / SHARE).max(FEW);
        match self.met.len() as u64 > most {
            true => Err(Error::input(
                self.name,
                format!("three labels meet at more than one of {SHARE} voxels: these are no cells, but noise"),
            )),
            false => Ok(()),
        }
    }

    fn finish(mut self) -> Patches {
        let corner = self.own.start.map(|start| 2 * start as i64);
        // Of each patch, at its root: faces of this block, the smallest of them, and whether others see it.
        let mut known = vec![(0u64, FaceId::MAX, false); self.faces.len()];
        let mut outward = Vec::new();
        let roots: Vec<u32> = (0..self.faces.len() as u32).map(|face| self.sets.find(face)).collect();
        for (face, root) in self.faces.iter().zip(&roots) {
            let voxel = self.how.shape.voxel(face.id / 3);
            let own = self.own.contains(voxel);
            let first = (0..3).any(|axis| voxel[axis] == self.own.start[axis] && voxel[axis] > 0);
            let known = &mut known[*root as usize];
            if own {
                known.0 += 1;
                known.1 = known.1.min(face.id);
            }
            if first || !own {
                known.2 = true;
                outward.push((*root, face.id));
            }
        }
        let names = |root: u32| match known[root as usize].1 {
            FaceId::MAX => self.faces[root as usize].id,
            smallest => smallest,
        };
        let kept = |root: u32| known[root as usize].2 || known[root as usize].0 >= self.how.least;
        let long: Vec<usize> = (0..3).filter(|axis| self.how.shape.0[*axis] > 1).collect();
        let plane: Option<[usize; 2]> = long.try_into().ok();
        let mut all = Patches::default();
        all.joins.extend(outward.into_iter().map(|(root, id)| (names(root), id)).filter(|(name, id)| name != id));
        let mut number = vec![NONE; self.faces.len()];
        let mut pieces: Vec<(u32, Patch, [Vec<Pixel>; 2])> = Vec::new();
        let mut last = (Sides::default(), [0; 3]);
        for (face, root) in self.faces.iter().zip(&roots) {
            let voxel = self.how.shape.voxel(face.id / 3);
            if !self.own.contains(voxel) {
                continue;
            }
            let axis = (face.id % 3) as usize;
            if last.0 != face.sides() {
                all.count(last);
                last = (face.sides(), [0; 3]);
            }
            last.1[axis] += 1;
            if kept(*root) {
                let number = &mut number[*root as usize];
                if *number == NONE {
                    *number = pieces.len() as u32;
                    pieces.push((*root, Patch::none(face.sides()), Default::default()));
                }
                let (_, piece, beside) = &mut pieces[*number as usize];
                let place = |at: usize| 2 * voxel[at] as i64 + i64::from(at == axis) - corner[at];
                let forward = face.labels[0] < face.labels[1];
                piece.moments.add([place(0), place(1), place(2)], axis, forward);
                if let Some(plane) = plane {
                    let pixel = |step: u32| plane.map(|at| voxel[at] as u32 + step * u32::from(at == axis));
                    beside[usize::from(!forward)].push(pixel(0));
                    beside[usize::from(forward)].push(pixel(1));
                }
            }
        }
        all.count(last);
        let piece = |(root, mut piece, beside): (u32, Patch, [Vec<Pixel>; 2])| {
            piece.moments = piece.moments.shifted(corner);
            piece.banks = Banks(beside.map(Bank::new));
            (names(root), piece)
        };
        all.pieces = pieces.into_iter().map(piece).collect();
        for (key, place, faces) in &self.met {
            let met = faces.iter().filter(|face| **face != NONE).map(|face| roots[*face as usize]);
            let met = met.filter(|root| kept(*root));
            let patches = met.map(|root| (self.faces[root as usize].sides(), names(root))).collect();
            all.beads.entry(*key).or_default().combine(Bead { edges: 1, sum: *place, patches });
        }
        all
    }
}

/// The places in a row that are not 0.
fn each_mixed(row: &[u8]) -> impl Iterator<Item = usize> {
    let words = row.chunks(16).enumerate().filter(|(_, chunk)| chunk.iter().any(|mixed| *mixed != 0));
    words.flat_map(|(word, chunk)| {
        chunk.iter().enumerate().filter(|(_, mixed)| **mixed != 0).map(move |(at, _)| 16 * word + at)
    })
}
