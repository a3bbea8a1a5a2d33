//! Smoothing filters, as volumes that are computed where they are read.
//!
//! A filtered volume reads of the volume beneath it the region that is asked for and a margin of
//! the filter's radius around it, and nothing else. Every voxel is computed from its own
//! neighbourhood in one fixed order, so the result has the same bits however the volume is cut
//! into reads. Beyond its faces a volume is continued by its mirror image with the outermost
//! voxel repeated (`d c b a | a b c d`): the `reflect` mode of `scipy.ndimage`.
//!
//! | filter | like | type out |
//! |---|---|---|
//! | box of edge N | `uniform_filter(size=N)` on floats | `float32`; `float64` for 32 and 64 bits |
//! | Gaussian | `gaussian_filter(sigma, truncate=4)` on floats | as the box |
//! | median of edge N | `median_filter(size=N)` | as it was |
//!
//! Sums are formed in 64 bits and rounded once. Means of integers are floats, not integers: a
//! later threshold by Otsu then uses 256 bins. Memory: the region and its margin in the type of
//! the volume, the result, and two slices in 64 bits.

mod linear;
mod median;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::volume::region::Region;
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::voxel::{Dtype, Voxels};

/// The largest edge of a box: sums of a 32-bit volume over it still fit in 64 bits.
const LARGEST_EDGE: usize = 1001;

/// A filter and its size, in voxels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// The mean over a cube of this odd edge.
    Box(usize),
    /// The convolution with a Gaussian of this standard deviation, cut off at 4 of them.
    Gaussian(f64),
    /// The median over a cube of this odd edge.
    Median(usize),
}

impl Filter {
    /// How far from a voxel the filter looks.
    pub fn radius(self) -> usize {
        match self {
            Filter::Box(edge) | Filter::Median(edge) => edge / 2,
            Filter::Gaussian(sigma) => (4.0 * sigma + 0.5) as usize,
        }
    }

    /// The type of the filtered voxels of a volume of `dtype`.
    pub fn dtype(self, dtype: Dtype) -> Dtype {
        match (self, dtype) {
            (Filter::Median(_), _) => dtype,
            (_, Dtype::U8 | Dtype::I8 | Dtype::U16 | Dtype::I16 | Dtype::F32) => Dtype::F32,
            _ => Dtype::F64,
        }
    }

    fn check(self) -> Result<()> {
        match self {
            Filter::Box(edge) | Filter::Median(edge) if edge % 2 == 0 || edge > LARGEST_EDGE => Err(Error::usage(
                format!("a {self} filter: give an odd edge in voxels, at most {LARGEST_EDGE}, such as 3"),
            )),
            Filter::Gaussian(sigma) if !(sigma > 0.0 && sigma <= LARGEST_EDGE as f64 / 8.0) => {
                Err(Error::usage(format!("a {self} filter: give a positive sigma in voxels, such as 1.5")))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Box(edge) => write!(f, "box:{edge}"),
            Filter::Gaussian(sigma) => write!(f, "gaussian:{sigma}"),
            Filter::Median(edge) => write!(f, "median:{edge}"),
        }
    }
}

impl FromStr for Filter {
    type Err = Error;

    /// `box:N`, `gaussian:SIGMA` or `median:N`.
    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once(':').and_then(|(name, size)| match name {
            "box" => size.parse().ok().map(Filter::Box),
            "gaussian" => size.parse().ok().map(Filter::Gaussian),
            "median" => size.parse().ok().map(Filter::Median),
            _ => None,
        });
        let wrong = || Error::usage(format!("«{text}» is not a filter: give box:3, gaussian:1.5 or median:3"));
        let filter = parsed.ok_or_else(wrong)?;
        filter.check()?;
        Ok(filter)
    }
}

/// A volume through a filter.
#[derive(Clone)]
pub struct Filtered<S> {
    inner: S,
    filter: Filter,
    header: Header,
}

impl<S: VolumeSource> Filtered<S> {
    /// `inner` through `filter`.
    ///
    /// # Errors
    /// Where the edge of the filter is even or its size not positive, or out of bounds.
    pub fn new(inner: S, filter: Filter) -> Result<Self> {
        filter.check()?;
        let header = Header { dtype: filter.dtype(inner.header().dtype), ..inner.header().clone() };
        Ok(Self { inner, filter, header })
    }
}

/// `source` through `filters`, the first one first.
///
/// # Errors
/// As [`Filtered::new`].
pub fn filtered(source: Arc<dyn VolumeSource>, filters: &[Filter]) -> Result<Arc<dyn VolumeSource>> {
    filters
        .iter()
        .try_fold(source, |source, filter| Ok(Arc::new(Filtered::new(source, *filter)?) as Arc<dyn VolumeSource>))
}

impl<S: VolumeSource> VolumeSource for Filtered<S> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        if region.is_empty() {
            return Ok(Voxels::zeros(self.header.dtype, region.shape()));
        }
        // Mirrored voxels lie within the margin: what is beyond one face is as near inside it.
        let margin = [self.filter.radius(); 3];
        let around = region.grown(margin, margin, self.header.shape);
        let window = Window::new(self.header.shape.0, region, &around, self.filter.radius());
        let voxels = self.inner.read(&around)?;
        Ok(match self.filter {
            Filter::Box(_) => linear::mean(&voxels, &window, self.header.dtype),
            Filter::Gaussian(sigma) => linear::gaussian(&voxels, &window, sigma, self.header.dtype),
            Filter::Median(_) => median::median(&voxels, &window).map_err(|[z, y, x]| {
                let [z, y, x] = [z + around.start[0], y + around.start[1], x + around.start[2]];
                Error::input(&self.header.name, format!("voxel ({z}, {y}, {x}) is NaN, which has no place in a median"))
            })?,
        })
    }
}

/// Which voxels of a box each voxel of a region is computed from.
struct Window {
    /// The size of the region.
    shape: [usize; 3],
    /// The radius of the filter.
    radius: usize,
    /// Along z, y, x: the place in the box of position `-radius..shape + radius` of the region.
    places: [Vec<usize>; 3],
}

impl Window {
    fn new(volume: [usize; 3], region: &Region, around: &Region, radius: usize) -> Self {
        let places = std::array::from_fn(|axis| {
            let first = region.start[axis] as isize - radius as isize;
            let last = (region.end[axis] + radius) as isize;
            (first..last).map(|at| mirrored(at, volume[axis]) - around.start[axis]).collect()
        });
        Self { shape: region.shape().0, radius, places }
    }
}

/// The voxel that stands at `at` on an axis of `len` voxels that is mirrored at both ends.
fn mirrored(at: isize, len: usize) -> usize {
    let at = at.rem_euclid(2 * len as isize) as usize;
    at.min(2 * len - 1 - at)
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::volume::memory::Memory;
    use crate::volume::shape::{Shape, Spacing};

    const SHAPE: Shape = Shape([7, 10, 13]);

    fn random(dtype: Dtype, seed: u64) -> Memory {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = (0..7 * 10 * 13).map(|_| f64::from(rng.next_u32() % 1000) / 7.9).collect::<Vec<f64>>();
        Memory::new("random", Voxels::from_vec(SHAPE, values).cast(dtype), Spacing::default())
    }

    /// The window of a voxel, straight from the definition, and the weight of each of its voxels.
    fn plain(volume: &Memory, filter: Filter, voxel: [usize; 3]) -> f64 {
        let radius = filter.radius() as isize;
        let mut window = Vec::new();
        for code in 0..(2 * radius + 1).pow(3) {
            let edge = 2 * radius + 1;
            let step = [code / edge / edge - radius, code / edge % edge - radius, code % edge - radius];
            let place = std::array::from_fn(|axis| {
                let mut at = voxel[axis] as isize + step[axis];
                let len = SHAPE.0[axis] as isize;
                while !(0..len).contains(&at) {
                    at = if at < 0 { -1 - at } else { 2 * len - 1 - at };
                }
                at as usize
            });
            let squared: isize = step.iter().map(|s| s * s).sum();
            let weight = match filter {
                Filter::Gaussian(sigma) => (-0.5 * squared as f64 / (sigma * sigma)).exp(),
                _ => 1.0,
            };
            window.push((volume.voxels().get(place), weight));
        }
        match filter {
            Filter::Median(_) => {
                window.sort_by(|a, b| a.0.total_cmp(&b.0));
                window[window.len() / 2].0
            }
            _ => window.iter().map(|(v, w)| v * w).sum::<f64>() / window.iter().map(|(_, w)| w).sum::<f64>(),
        }
    }

    const FILTERS: [Filter; 8] = [
        Filter::Box(1),
        Filter::Box(3),
        Filter::Box(17),
        Filter::Gaussian(0.6),
        Filter::Gaussian(1.9),
        Filter::Median(1),
        Filter::Median(3),
        Filter::Median(5),
    ];

    #[test]
    fn filters_are_their_definitions() {
        for &dtype in Dtype::ALL {
            let volume = Arc::new(random(dtype, 1));
            for filter in FILTERS {
                let whole = Filtered::new(volume.clone(), filter).unwrap().read(&Region::whole(SHAPE)).unwrap();
                assert_eq!(whole.dtype(), filter.dtype(dtype));
                for raster in (0..SHAPE.voxels().unwrap()).step_by(29) {
                    let voxel = SHAPE.voxel(raster);
                    let (ours, plain) = (whole.get(voxel), plain(&volume, filter, voxel));
                    assert!((ours - plain).abs() <= 1e-6 * plain.abs(), "{filter} of {dtype}: {ours} is not {plain}");
                }
            }
        }
    }

    #[test]
    fn what_is_read_in_parts_has_the_bits_of_what_is_read_whole() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for dtype in [Dtype::U8, Dtype::I16, Dtype::U32, Dtype::I64, Dtype::F32, Dtype::F64] {
            for filter in FILTERS {
                let volume = Filtered::new(random(dtype, 2), filter).unwrap();
                let whole = volume.read(&Region::whole(SHAPE)).unwrap();
                for _ in 0..12 {
                    let start = SHAPE.0.map(|n| rng.next_u32() as usize % n);
                    let end = std::array::from_fn(|a| start[a] + 1 + rng.next_u32() as usize % (SHAPE.0[a] - start[a]));
                    let region = Region { start, end };
                    assert_eq!(volume.read(&region).unwrap(), whole.part(&region), "{filter} of {dtype}: {region}");
                }
            }
        }
    }

    #[test]
    fn only_the_region_and_its_margin_are_read() {
        struct Fenced(Memory);
        impl VolumeSource for Fenced {
            fn header(&self) -> &Header {
                self.0.header()
            }
            fn read(&self, region: &Region) -> Result<Voxels> {
                assert_eq!(*region, Region { start: [1, 0, 4], end: [7, 5, 11] });
                self.0.read(region)
            }
        }
        let twice = filtered(Arc::new(Fenced(random(Dtype::U8, 3))), &[Filter::Median(3), Filter::Box(3)]).unwrap();
        assert!(twice.read(&Region { start: [3, 1, 6], end: [5, 3, 9] }).is_ok());
    }

    #[test]
    fn a_filter_is_named_with_its_size() {
        for text in ["box:3", "gaussian:1.5", "median:5"] {
            assert_eq!(text.parse::<Filter>().unwrap().to_string(), text);
        }
        for wrong in ["box:2", "gaussian:0", "gaussian:nan", "median:0", "mean:3", "box"] {
            assert!(wrong.parse::<Filter>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_median_refuses_nan_by_its_place() {
        let mut values = vec![0.0f32; 7 * 10 * 13];
        values[SHAPE.raster([5, 2, 9]) as usize] = f32::NAN;
        let volume = Memory::new("scan", Voxels::from_vec(SHAPE, values), Spacing::default());
        let median = Filtered::new(volume, Filter::Median(3)).unwrap();
        assert!(median.read(&Region { start: [0; 3], end: [4, 10, 13] }).is_ok());
        let error = median.read(&Region { start: [4, 1, 3], end: [7, 10, 13] }).unwrap_err();
        assert!(error.message().starts_with("scan: voxel (5, 2, 9) is NaN"), "{error}");
    }
}
