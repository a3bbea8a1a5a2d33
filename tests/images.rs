//! Filters, thresholds and distances are those of SciPy and scikit-image.
//!
//! The reference, `tests/images.json`, is made by `tests/oracle/images.py`, whose header has the
//! command.

use std::sync::Arc;

use septa::programs::distance_transform::squared_distances;
use septa::volume::extent::Extent;
use septa::volume::filter::{Filter, Filtered, filtered};
use septa::volume::histogram::Histogram;
use septa::volume::memory::Memory;
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing, Unit};
use septa::volume::source::VolumeSource;
use septa::volume::voxel::{Dtype, Voxels};
use serde::Deserialize;

const STEP: usize = 17;
const SHAPE: Shape = Shape([7, 9, 11]);
const WIDE: Shape = Shape([16, 20, 24]);

#[derive(Deserialize)]
struct Reference {
    filters: Vec<FilterCase>,
    thresholds: Vec<ThresholdCase>,
    histograms: Vec<HistogramCase>,
    distances: Vec<DistanceCase>,
}

#[derive(Deserialize)]
struct FilterCase {
    filter: String,
    dtype: String,
    seed: u64,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct ThresholdCase {
    dtype: String,
    seed: u64,
    otsu: f64,
    otsu_of_median: f64,
}

#[derive(Deserialize)]
struct HistogramCase {
    dtype: String,
    seed: u64,
    counts: Vec<u64>,
    edges: Vec<f64>,
}

#[derive(Deserialize)]
struct DistanceCase {
    seed: u64,
    share: u64,
    spacing: [f64; 3],
    values: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("images.json")).expect("the reference is what its script writes")
}

/// The upper 24 bits of each state of a 64-bit linear congruential generator.
fn words(seed: u64, shape: Shape) -> impl Iterator<Item = u64> {
    let mut state = seed;
    (0..shape.voxels().unwrap()).map(move |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state >> 40
    })
}

/// Two populations of grey values, a third of the voxels in the upper one.
fn volume(dtype: &str, shape: Shape, seed: u64) -> Arc<dyn VolumeSource> {
    let dtype: Dtype = dtype.parse().expect("the reference names types as NumPy does");
    let value = |word: u64| {
        let grey = (word % 61 + if (word / 64).is_multiple_of(3) { 64 } else { 3 }) as f64;
        match dtype {
            Dtype::F32 | Dtype::F64 => (grey + (word % 1021) as f64 / 1021.0) / 7.0,
            Dtype::I8 | Dtype::I16 => grey - 60.0,
            Dtype::U8 => grey,
            _ => grey * 401.0,
        }
    };
    let voxels = Voxels::from_vec(shape, words(seed, shape).map(value).collect::<Vec<f64>>()).cast(dtype);
    Arc::new(Memory::new("generated", voxels, Spacing::default()))
}

fn sample(voxels: &Voxels) -> Vec<f64> {
    voxels.cast(Dtype::F64).view::<f64>().expect("it was cast").iter().copied().step_by(STEP).collect()
}

#[test]
fn filters_are_those_of_scipy() {
    for case in reference().filters {
        let filter: Filter = case.filter.parse().unwrap();
        let ours = Filtered::new(volume(&case.dtype, SHAPE, case.seed), filter).unwrap();
        let ours = ours.read(&Region::whole(SHAPE)).unwrap();
        let tolerance = match (filter, ours.dtype()) {
            (Filter::Median(_), _) => 1e-11,
            (_, Dtype::F32) => 1e-7,
            _ => 1e-11,
        };
        assert_eq!(sample(&ours).len(), case.values.len());
        for (ours, theirs) in sample(&ours).iter().zip(&case.values) {
            // Means of signed values may lie near 0.
            assert!(
                (ours - theirs).abs() <= tolerance * theirs.abs().max(1.0),
                "{filter} {}: {ours} {theirs}",
                case.dtype
            );
        }
    }
}

#[test]
fn thresholds_are_those_of_scikit_image_to_the_bit() {
    for case in reference().thresholds {
        let grey = volume(&case.dtype, WIDE, case.seed);
        for threads in 1..3 {
            assert_eq!(Histogram::of(&grey, threads).unwrap().otsu().unwrap(), case.otsu, "{}", case.dtype);
        }
        let smooth = filtered(grey, &[Filter::Median(3)]).unwrap();
        assert_eq!(Histogram::of(&smooth, 2).unwrap().otsu().unwrap(), case.otsu_of_median, "{}", case.dtype);
    }
}

#[test]
fn histograms_of_floats_are_those_of_numpy() {
    for case in reference().histograms {
        let grey = volume(&case.dtype, WIDE, case.seed);
        let (low, high) = Extent::of(&grey, 1).unwrap().bounds().unwrap();
        assert_eq!((low, high), (case.edges[0], case.edges[3]));
        let counts: Vec<u64> = Histogram::of(&grey, 1).unwrap().bins().iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, case.counts.into_iter().filter(|count| *count > 0).collect::<Vec<_>>());
    }
}

#[test]
fn distances_are_those_of_scipy() {
    for case in reference().distances {
        let mask: Vec<u8> = words(case.seed, WIDE).map(|word| u8::from(word % case.share != 0)).collect();
        let spacing = Spacing::new(case.spacing, Unit::Um).unwrap();
        let ours = squared_distances(&mask, WIDE, &spacing, 2);
        for (ours, theirs) in ours.iter().step_by(STEP).zip(&case.values) {
            assert!((f64::from(*ours).sqrt() - theirs).abs() <= 1e-6 * theirs);
        }
    }
}
