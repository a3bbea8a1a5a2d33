//! The volumes that labelling, contacts and measures are timed on, made in memory.
//!
//! Site percolation has no structure and is the worst case for runs; a blurred noise cut at its
//! median is smooth, as a segmented scan is; Voronoi cells fill the volume. All are made from a
//! seed by one thread, or voxel by voxel: they are the same wherever they are made.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::volume::memory::Memory;
use crate::volume::open::{OpenOptions, open};
use crate::volume::phantom::{Kind, Phantom};
use crate::volume::shape::{Shape, Spacing};
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Dtype, Voxels};

/// Voxels of a Voronoi cell: 5000 cells at 512^3.
const CELL_VOXELS: u64 = 26844;

/// The standard deviation of the blur, in voxels.
const SIGMA: f64 = 4.0;

/// Where the kernel of the blur ends, as SciPy cuts it: at four standard deviations.
const REACH: usize = 16;

/// A volume to be made or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Make {
    /// `perc30`: each voxel 1 by chance, so many in a hundred.
    Percolation(u32),
    /// `blob50`: noise, blurred, 1 above its median.
    Blobs,
    /// `voronoi`: labels of Voronoi cells.
    Cells,
    /// A file.
    File(PathBuf),
}

impl Make {
    /// What is made, masks first.
    pub const ALL: [Make; 4] = [Make::Percolation(30), Make::Percolation(50), Make::Blobs, Make::Cells];

    /// How rows call it: of a file its name without its folder.
    pub fn name(&self) -> String {
        match self {
            Make::Percolation(share) => format!("perc{share}"),
            Make::Blobs => "blob50".into(),
            Make::Cells => "voronoi".into(),
            Make::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }

    /// Makes a cube of so many voxels along each axis, or reads the file.
    ///
    /// # Errors
    /// Where the file cannot be read, or the cube does not fit.
    pub fn make(&self, edge: usize, seed: u64, threads: usize) -> Result<Volume> {
        let start = Instant::now();
        let shape = Shape([edge; 3]);
        let phantom = |kind, cells, density| {
            Memory::load(&Phantom::new(kind, shape, cells, seed, density)?, threads).map(|made| made.voxels().clone())
        };
        let (voxels, spacing) = match self {
            Make::Percolation(share) => (phantom(Kind::Noise, 0, f64::from(*share) / 100.0)?, Spacing::default()),
            Make::Blobs => (blobs(shape, seed), Spacing::default()),
            Make::Cells => {
                let cells = (shape.voxels().unwrap_or(0) / CELL_VOXELS).max(2);
                // As the peers have it: not all of them know labels of 16 bits.
                (phantom(Kind::Cells, cells, 0.0)?.cast(Dtype::U32), Spacing::default())
            }
            Make::File(path) => {
                let memory = Memory::load(&*open(path, &OpenOptions::default())?, threads)?;
                (memory.voxels().clone(), memory.header().spacing)
            }
        };
        let name = self.name();
        let labels = voxels.dtype() != Dtype::U8;
        let memory = Arc::new(Memory::new(name, voxels, spacing));
        let file = if let Make::File(path) = self { Some(path.clone()) } else { None };
        Ok(Volume { memory, labels, file, seconds: start.elapsed().as_secs_f64() })
    }
}

/// A volume in memory.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Its voxels; its name is that of the case.
    pub memory: Arc<Memory>,
    /// Whether its voxels are labels, of which equal ones are joined; else it is a mask.
    pub labels: bool,
    /// The file that it was read from.
    pub file: Option<PathBuf>,
    seconds: f64,
}

/// What is known of a volume.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Made {
    /// Its name.
    pub case: String,
    /// Its size, z, y, x.
    pub shape: String,
    /// The type of its voxels.
    pub dtype: Dtype,
    /// Making it, or reading it.
    pub generate_seconds: f64,
    /// Its voxels in memory.
    pub volume_bytes: u64,
}

impl Volume {
    /// A volume of ones.
    ///
    /// # Errors
    /// Where it does not fit in memory.
    pub fn ones(name: &str, shape: Shape) -> Result<Self> {
        let voxels = usize::try_from(shape.voxels().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        if voxels > isize::MAX as usize {
            return Err(Error::resource(format!("a volume of {shape} does not fit in memory")));
        }
        let voxels = Voxels::from_vec(shape, vec![1u8; voxels]);
        let memory = Arc::new(Memory::new(name, voxels, Spacing::default()));
        Ok(Self { memory, labels: false, file: None, seconds: 0.0 })
    }

    /// Labels that are made elsewhere.
    pub(crate) fn of(name: &str, labels: Voxels, seconds: f64) -> Self {
        let memory = Arc::new(Memory::new(name, labels, Spacing::default()));
        Self { memory, labels: true, file: None, seconds }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.memory.header().name
    }

    /// Its size.
    pub fn shape(&self) -> Shape {
        self.memory.header().shape
    }

    /// The number of its voxels.
    pub fn voxels(&self) -> u64 {
        self.shape().voxels().unwrap_or(0)
    }

    /// What is known of it.
    pub fn made(&self) -> Made {
        let header = self.memory.header();
        Made {
            case: header.name.clone(),
            shape: header.shape.to_string(),
            dtype: header.dtype,
            generate_seconds: self.seconds,
            volume_bytes: header.bytes,
        }
    }
}

/// The volumes that are named, by name or as the path of a file; all that are made where none is.
/// Masks only where they are `fit`.
///
/// # Errors
/// Where a name is neither.
pub fn chosen(names: &[String], fit: impl Fn(&Make) -> bool) -> Result<Vec<Make>> {
    let made: Vec<Make> = Make::ALL.into_iter().filter(fit).collect();
    if names.is_empty() {
        return Ok(made);
    }
    let one = |name: &String| match made.iter().find(|make| make.name() == *name) {
        Some(make) => Ok(make.clone()),
        None if PathBuf::from(name).exists() => Ok(Make::File(name.into())),
        None => {
            let known: Vec<String> = made.iter().map(Make::name).collect();
            let known = known.join(", ");
            Err(Error::usage(format!("«{name}» is no volume here: there are {known}, or give the path of a file")))
        }
    };
    names.iter().map(one).collect()
}

/// Noise, blurred and cut at its median: half of it is 1.
fn blobs(shape: Shape, seed: u64) -> Voxels {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut grey: Vec<f32> =
        (0..shape.0.iter().product()).map(|_| (rng.next_u32() >> 8) as f32 / (1 << 24) as f32).collect();
    blur(&mut grey, shape);
    let mut sorted = grey.clone();
    let middle = sorted.len() / 2;
    let (_, median, _) = sorted.select_nth_unstable_by(middle, f32::total_cmp);
    let median = *median;
    Voxels::from_vec(shape, grey.into_iter().map(|value| u8::from(value >= median)).collect())
}

/// A Gaussian along each axis in turn; the volume goes on at its other end.
fn blur(grey: &mut [f32], shape: Shape) {
    let [nz, ny, nx] = shape.0;
    let weight = |k: usize| (-0.5 * (k as f64 / SIGMA).powi(2)).exp();
    let sum = weight(0) + 2.0 * (1..=REACH).map(weight).sum::<f64>();
    let weights: [f32; REACH + 1] = std::array::from_fn(|k| (weight(k) / sum) as f32);
    // Along x the elements that are summed are voxels, along y and z rows of them.
    for row in grey.chunks_exact_mut(nx) {
        convolve(row, 1, nx, &weights);
    }
    for slice in grey.chunks_exact_mut(ny * nx) {
        convolve(slice, nx, ny, &weights);
    }
    let mut plane = vec![0.0; nz * nx];
    for y in 0..ny {
        let row = |z: usize| (z * ny + y) * nx..(z * ny + y + 1) * nx;
        for (z, to) in plane.chunks_exact_mut(nx).enumerate() {
            to.copy_from_slice(&grey[row(z)]);
        }
        convolve(&mut plane, nx, nz, &weights);
        for (z, from) in plane.chunks_exact(nx).enumerate() {
            grey[row(z)].copy_from_slice(from);
        }
    }
}

/// Convolves `count` elements of `width` numbers with a symmetric kernel, the last beside the first.
fn convolve(line: &mut [f32], width: usize, count: usize, weights: &[f32; REACH + 1]) {
    let element = |at: usize| (at % count) * width..(at % count + 1) * width;
    // As many times around as the kernel reaches below the first element.
    let around = REACH.div_ceil(count) * count;
    let before = (around - REACH) % count;
    let mut padded = Vec::with_capacity((count + 2 * REACH) * width);
    (0..count + 2 * REACH).for_each(|at| padded.extend_from_slice(&line[element(before + at)]));
    let padded = &padded[..];
    // All at once, a weight at a time: the inner loop is as long as it can be.
    let middle = &padded[REACH * width..][..line.len()];
    line.iter_mut().zip(middle).for_each(|(to, from)| *to = weights[0] * from);
    for block in (0..line.len()).step_by(4096) {
        let end = (block + 4096).min(line.len());
        for (k, weight) in weights.iter().enumerate().skip(1) {
            let low = &padded[(REACH - k) * width + block..][..end - block];
            let high = &padded[(REACH + k) * width + block..][..end - block];
            let to = &mut line[block..end];
            to.iter_mut().zip(low).zip(high).for_each(|((to, low), high)| *to += weight * (low + high));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blur_is_the_sum_over_the_whole_kernel() {
        let shape = Shape([5, 20, 37]);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let noise: Vec<f32> = (0..5 * 20 * 37).map(|_| (rng.next_u32() >> 8) as f32).collect();
        let mut blurred = noise.clone();
        blur(&mut blurred, shape);
        let weight = |k: i64| (-0.5 * (k as f64 / SIGMA).powi(2)).exp();
        let sum: f64 = (-16..=16).map(weight).sum();
        for voxel in [[0, 0, 0], [4, 19, 36], [2, 3, 30], [1, 17, 5]] {
            let mut expected = 0.0;
            for (dz, dy, dx) in
                (-16..=16).flat_map(|z| (-16..=16).flat_map(move |y| (-16..=16).map(move |x| (z, y, x))))
            {
                let step = [dz, dy, dx];
                let at = std::array::from_fn(|a| (voxel[a] as i64 + step[a]).rem_euclid(shape.0[a] as i64) as usize);
                let share: f64 = step.map(|k| weight(k) / sum).iter().product();
                expected += share * f64::from(noise[shape.raster(at) as usize]);
            }
            let found = f64::from(blurred[shape.raster(voxel) as usize]);
            assert!((found - expected).abs() < 1e-5 * expected, "{found} {expected}");
        }
    }

    #[test]
    fn volumes_are_what_their_names_say_for_any_number_of_threads() {
        for (make, share) in Make::ALL.into_iter().zip([0.3, 0.5, 0.5, 1.0]) {
            let [one, three, other] =
                [(1, 1), (1, 3), (2, 1)].map(|(seed, threads)| make.make(40, seed, threads).unwrap());
            assert!(one.memory.voxels() == three.memory.voxels() && one.memory.voxels() != other.memory.voxels());
            let voxels = one.memory.voxels().cast(Dtype::U32);
            let voxels: Vec<u32> = voxels.view::<u32>().unwrap().iter().copied().collect();
            let found = voxels.iter().filter(|voxel| **voxel != 0).count() as f64 / 64_000.0;
            assert!((found - share).abs() < 0.01, "{}: {found}", make.name());
            let most = voxels.iter().max().copied();
            assert_eq!((one.labels, most), (make == Make::Cells, Some(if make == Make::Cells { 2 } else { 1 })));
        }
    }

    #[test]
    fn blobs_are_smooth() {
        let edge = 48;
        let blobs = blobs(Shape([edge; 3]), 1);
        let voxels: Vec<u8> = blobs.view::<u8>().unwrap().iter().copied().collect();
        assert_eq!(voxels.iter().filter(|voxel| **voxel == 1).count(), edge * edge * edge / 2);
        let changes = voxels.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes < voxels.len() / 10, "{changes}");
    }

    #[test]
    fn a_case_is_a_name_or_a_file() {
        let names = |names: &[&str]| chosen(&names.iter().map(|name| name.to_string()).collect::<Vec<_>>(), |_| true);
        assert_eq!(names(&[]).unwrap(), Make::ALL);
        assert_eq!(names(&["blob50", "Cargo.toml"]).unwrap(), [Make::Blobs, Make::File("Cargo.toml".into())]);
        assert!(names(&["sponge"]).unwrap_err().message().contains("«sponge» is no volume here: there are perc30"));
    }
}
