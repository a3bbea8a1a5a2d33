//! How often each grey value occurs, and the threshold that parts them best.
//!
//! Integers have one bin a value; floats have 256 bins between their smallest and largest value,
//! edges and rounding as `numpy.histogram` has them. Counts are exact, so histograms of parts
//! merge into that of the whole in any order.
//!
//! The threshold is that of Otsu (A threshold selection method from gray-level histograms, IEEE
//! Trans. SMC 9, 1979): the value t that maximises the variance between the classes `<= t` and
//! `> t`, the smallest such. Its arithmetic follows `skimage.filters.threshold_otsu` 0.26 step by
//! step (single-precision sums of counts), so that both give the same number.
//!
//! Cost: one pass over integers, two over floats. Memory: 0.5 MB for 16 bits, 32 bytes a distinct
//! value for wider integers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::error::{Error, Result};
use crate::volume::extent::Extent;
use crate::volume::slabs::over_slabs;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Dtype, Voxel, Voxels, each_voxel_type, row};

/// The bins of a float histogram.
const FLOAT_BINS: usize = 256;

/// How many voxels have each value; the default is the histogram of nothing, of any type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram(Option<Counts>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counts {
    dtype: Dtype,
    bins: Bins,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Bins {
    /// 8 and 16 bits: the count of `least + i`.
    Dense { least: i64, counts: Vec<u64> },
    /// Wider integers: the count of each value that occurs.
    Sparse(BTreeMap<i128, u64>),
    /// Floats between two bounds.
    Float { low: f64, high: f64, counts: Vec<u64> },
}

impl Histogram {
    /// The empty histogram of a volume of `dtype`. A float type needs the `extent` of the whole
    /// volume, which places its bins; integers do not look at it.
    ///
    /// # Errors
    /// Where the type is a float and the extent is empty, not finite, or too narrow to be parted.
    pub fn new(dtype: Dtype, extent: &Extent) -> Result<Self> {
        let bins = match dtype {
            Dtype::U8 => Bins::Dense { least: 0, counts: vec![0; 1 << 8] },
            Dtype::I8 => Bins::Dense { least: -(1 << 7), counts: vec![0; 1 << 8] },
            Dtype::U16 => Bins::Dense { least: 0, counts: vec![0; 1 << 16] },
            Dtype::I16 => Bins::Dense { least: -(1 << 15), counts: vec![0; 1 << 16] },
            Dtype::U32 | Dtype::U64 | Dtype::I32 | Dtype::I64 => Bins::Sparse(BTreeMap::new()),
            Dtype::F32 | Dtype::F64 => {
                let (low, high) =
                    extent.bounds().ok_or_else(|| Error::usage("a histogram of floats needs their extent"))?;
                let edges = FloatBins::new(dtype, low, high).edges;
                if low != high && !edges.windows(2).all(|pair| pair[0] < pair[1]) {
                    return Err(Error::usage(format!(
                        "values from {low} to {high} cannot be parted into {FLOAT_BINS} bins: give a threshold"
                    )));
                }
                Bins::Float { low, high, counts: vec![0; FLOAT_BINS] }
            }
        };
        Ok(Self(Some(Counts { dtype, bins })))
    }

    /// Counts a box of voxels, of the type and within the extent that the histogram was made for.
    ///
    /// # Panics
    /// Where the voxels have another type, or the histogram none.
    pub fn add(&mut self, voxels: &Voxels) {
        let counts = self.0.as_mut().expect("the histogram was made for a type of voxel");
        assert_eq!(counts.dtype, voxels.dtype(), "the voxels have the type of the histogram");
        each_voxel_type!(voxels, array => {
            let (nz, ny, _) = array.dim();
            let rows = (0..nz).flat_map(|z| (0..ny).map(move |y| row(array, z, y)));
            match &mut counts.bins {
                Bins::Dense { least, counts } => rows.for_each(|row| {
                    for value in row {
                        counts[(value.to_f64() as i64 - *least) as usize] += 1;
                    }
                }),
                Bins::Sparse(counts) => rows.for_each(|row| {
                    // Neighbours are often equal: one search a run.
                    for run in row.chunk_by(|a, b| a == b) {
                        *counts.entry(run[0] as i128).or_default() += run.len() as u64;
                    }
                }),
                Bins::Float { low, high, counts } => {
                    let bins = FloatBins::new(voxels.dtype(), *low, *high);
                    rows.for_each(|row| {
                        for value in row {
                            counts[bins.of(value.to_f64())] += 1;
                        }
                    });
                }
            }
        });
    }

    /// The histogram of a whole volume, read with `threads` threads: once, and twice if its
    /// voxels are floats.
    ///
    /// # Errors
    /// The first failure of the source; a voxel that is NaN or infinite; what [`Histogram::new`]
    /// refuses.
    pub fn of(source: &dyn VolumeSource, threads: usize) -> Result<Self> {
        let dtype = source.header().dtype;
        let extent = if dtype.is_float() { Extent::of(source, threads)? } else { Extent::default() };
        let empty = Self::new(dtype, &extent)?;
        over_slabs(
            source,
            threads,
            || empty.clone(),
            |histogram, _, voxels| {
                histogram.add(voxels);
                Ok(())
            },
        )
    }

    /// The number of voxels counted.
    pub fn total(&self) -> u64 {
        self.each().map(|(_, count)| count).sum()
    }

    /// The bins that are not empty, as (value or centre of the bin, count), ascending.
    pub fn bins(&self) -> Vec<(f64, u64)> {
        self.each().filter(|(_, count)| *count > 0).collect()
    }

    fn each(&self) -> Box<dyn Iterator<Item = (f64, u64)> + '_> {
        match self.0.as_ref().map(|counts| (counts.dtype, &counts.bins)) {
            None => Box::new(std::iter::empty()),
            Some((_, Bins::Dense { least, counts })) => {
                Box::new((*least..).zip(counts).map(|(value, count)| (value as f64, *count)))
            }
            Some((_, Bins::Sparse(counts))) => Box::new(counts.iter().map(|(value, count)| (*value as f64, *count))),
            Some((dtype, Bins::Float { low, high, counts })) => {
                let centres = FloatBins::new(dtype, *low, *high).centres();
                Box::new(centres.into_iter().zip(counts.iter().copied()))
            }
        }
    }

    /// Otsu's threshold: values above it are one class. The value itself where there is only one.
    ///
    /// # Errors
    /// Where no voxel was counted.
    pub fn otsu(&self) -> Result<f64> {
        let counts = self.0.as_ref();
        if let Some(Counts { bins: Bins::Float { low, high, .. }, .. }) = counts
            && low == high
        {
            return Ok(*low);
        }
        // An empty bin repeats the variance of the bin before it, and so never holds the first
        // maximum: it may be left out.
        let bins = self.bins();
        match bins[..] {
            [] => Err(Error::usage("no threshold can be found for a volume without voxels")),
            [(value, _)] => Ok(value),
            _ if counts.is_some_and(|counts| counts.dtype == Dtype::F32) => {
                Ok(otsu(&bins, |value| value as f32 as f64))
            }
            _ => Ok(otsu(&bins, |value| value)),
        }
    }
}

/// The value of the bin after which the bins are parted best. `round` rounds to the precision in
/// which scikit-image holds sums of values of this type.
fn otsu(bins: &[(f64, u64)], round: impl Fn(f64) -> f64) -> f64 {
    // Counts are single precision there, whatever the type of the voxels.
    let sums = |bins: &mut dyn Iterator<Item = &(f64, u64)>| -> Vec<(f32, f64)> {
        bins.scan((0.0f32, 0.0f64), |(weight, moment), (value, count)| {
            let count = *count as f32;
            *weight += count;
            *moment = round(*moment + round(f64::from(count) * value));
            Some((*weight, round(*moment / f64::from(*weight))))
        })
        .collect()
    };
    let lower = sums(&mut bins.iter());
    let upper = sums(&mut bins.iter().rev());
    let mut best = (f64::NEG_INFINITY, bins[0].0);
    for (i, bin) in bins[..bins.len() - 1].iter().enumerate() {
        let ((weight_lower, mean_lower), (weight_upper, mean_upper)) = (lower[i], upper[bins.len() - 2 - i]);
        let apart = round(mean_lower - mean_upper);
        let variance = round(f64::from(weight_lower * weight_upper) * round(apart * apart));
        if variance > best.0 {
            best = (variance, bin.0);
        }
    }
    best.1
}

/// Equal bins between two floats, in the precision of the voxels: bin i is `[edge i, edge i+1)`,
/// and the last one closed.
struct FloatBins {
    single: bool,
    low: f64,
    width: f64,
    edges: Vec<f64>,
}

impl FloatBins {
    fn new(dtype: Dtype, low: f64, high: f64) -> Self {
        let single = dtype == Dtype::F32;
        let round = |value: f64| if single { f64::from(value as f32) } else { value };
        let width = round(high - low);
        let step = round(width / FLOAT_BINS as f64);
        let mut edges: Vec<f64> = (0..=FLOAT_BINS).map(|i| round(round(i as f64 * step) + low)).collect();
        edges[FLOAT_BINS] = high;
        Self { single, low, width, edges }
    }

    /// The bin of a value between the bounds. The quotient may be off by a rounding, so it is held
    /// against the edges.
    #[inline]
    fn of(&self, value: f64) -> usize {
        let quotient = if self.single {
            f64::from((value as f32 - self.low as f32) / self.width as f32 * FLOAT_BINS as f32)
        } else {
            (value - self.low) / self.width * FLOAT_BINS as f64
        };
        let bin = (quotient as usize).min(FLOAT_BINS - 1);
        if value < self.edges[bin] {
            bin - 1
        } else if bin + 1 < FLOAT_BINS && value >= self.edges[bin + 1] {
            bin + 1
        } else {
            bin
        }
    }

    fn centres(&self) -> Vec<f64> {
        let round = |value: f64| if self.single { f64::from(value as f32) } else { value };
        self.edges.windows(2).map(|pair| round(round(pair[0] + pair[1]) / 2.0)).collect()
    }
}

impl Combine for Histogram {
    const ORDER_FREE: bool = true;

    /// # Panics
    /// Where both count voxels, but of different types or in different bins.
    fn combine(&mut self, other: Self) {
        let Some(theirs) = other.0 else { return };
        let Some(ours) = &mut self.0 else {
            self.0 = Some(theirs);
            return;
        };
        assert_eq!(ours.dtype, theirs.dtype, "histograms of one volume have one type");
        let add = |ours: &mut Vec<u64>, theirs: Vec<u64>| ours.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
        match (&mut ours.bins, theirs.bins) {
            (Bins::Dense { counts: ours, .. }, Bins::Dense { counts: theirs, .. }) => add(ours, theirs),
            (Bins::Sparse(ours), Bins::Sparse(theirs)) => {
                theirs.into_iter().for_each(|(value, count)| *ours.entry(value).or_default() += count);
            }
            (Bins::Float { low, high, counts: ours }, Bins::Float { low: l, high: h, counts: theirs }) => {
                assert!(*low == l && *high == h, "histograms of one volume have one extent");
                add(ours, theirs);
            }
            _ => unreachable!("the type decides the kind of bins"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::combine;
    use crate::volume::memory::Memory;
    use crate::volume::region::Region;
    use crate::volume::shape::{Shape, Spacing};

    fn random(dtype: Dtype, seed: u64) -> Memory {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f64> = (0..6 * 7 * 9)
            .map(|i| {
                let spread = f64::from(rng.next_u32() % 40);
                if i % 3 == 0 { 10.0 + spread / 1.7 } else { 60.0 + spread }
            })
            .collect();
        Memory::new("random", Voxels::from_vec(Shape([6, 7, 9]), values).cast(dtype), Spacing::default())
    }

    /// Two passes in exact arithmetic over every candidate.
    fn plain_otsu(values: &[f64]) -> f64 {
        let mut candidates = values.to_vec();
        candidates.sort_by(f64::total_cmp);
        candidates.dedup();
        let mut best = (f64::MIN, candidates[0]);
        for &t in &candidates[..candidates.len() - 1] {
            let mean = |class: Vec<f64>| (class.len() as f64, class.iter().sum::<f64>() / class.len() as f64);
            let (n, low) = mean(values.iter().copied().filter(|v| *v <= t).collect());
            let (m, high) = mean(values.iter().copied().filter(|v| *v > t).collect());
            let variance = n * m * (low - high).powi(2);
            if variance > best.0 * (1.0 + 1e-12) {
                best = (variance, t);
            }
        }
        best.1
    }

    #[test]
    fn otsu_of_integers_is_the_plain_definition() {
        for seed in 0..8 {
            for dtype in [Dtype::U8, Dtype::I16, Dtype::U32, Dtype::I64] {
                let volume = random(dtype, seed);
                let values: Vec<f64> = each_voxel_type!(volume.voxels(), a => a.iter().map(|v| v.to_f64()).collect());
                assert_eq!(Histogram::of(&volume, 2).unwrap().otsu().unwrap(), plain_otsu(&values));
            }
        }
    }

    #[test]
    fn every_value_falls_into_the_bin_between_its_edges() {
        for (dtype, seed) in [(Dtype::F32, 1), (Dtype::F64, 2), (Dtype::F32, 3)] {
            let volume = random(dtype, seed);
            let (low, high) = Extent::of(&volume, 1).unwrap().bounds().unwrap();
            let bins = FloatBins::new(dtype, low, high);
            let inside = each_voxel_type!(volume.voxels(), a => a.iter().map(|v| v.to_f64()).collect::<Vec<_>>());
            for value in inside.into_iter().chain(bins.edges.clone()) {
                let bin = bins.of(value);
                assert!(bins.edges[bin] <= value && (value < bins.edges[bin + 1] || bin == FLOAT_BINS - 1));
            }
        }
    }

    #[test]
    fn histograms_of_parts_merge_into_that_of_the_whole() {
        for &dtype in Dtype::ALL {
            let volume = random(dtype, 5);
            let whole = Histogram::of(&volume, 1).unwrap();
            assert_eq!(whole, Histogram::of(&volume, 3).unwrap());
            assert_eq!(whole.total(), 6 * 7 * 9);
            let extent = Extent::of(&volume, 2).unwrap();
            let parts: Vec<Histogram> = (0..3)
                .map(|i| {
                    let mut part = Histogram::new(dtype, &extent).unwrap();
                    part.add(&volume.voxels().part(&Region { start: [2 * i, 0, 0], end: [2 * i + 2, 7, 9] }));
                    part
                })
                .collect();
            assert_eq!(combine::check(&parts, |a, b| a == b), Ok(()));
            let mut merged = Histogram::default();
            parts.into_iter().for_each(|part| merged.combine(part));
            assert_eq!(merged, whole);
        }
    }

    #[test]
    fn an_image_of_one_value_has_that_value_as_its_threshold() {
        for &dtype in Dtype::ALL {
            let flat = Voxels::from_vec(Shape([2, 2, 2]), vec![7.0f64; 8]).cast(dtype);
            let flat = Memory::new("flat", flat, Spacing::default());
            assert_eq!(Histogram::of(&flat, 1).unwrap().otsu().unwrap(), 7.0);
        }
        assert!(Histogram::default().otsu().is_err());
    }
}
