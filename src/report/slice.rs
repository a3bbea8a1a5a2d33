//! An orthogonal slice of a volume as a picture: labels in colour over the grey image.
//!
//! Only the slice is read. It is sampled at once, by nearest neighbour, to square pixels of at
//! most [`LONGEST`] along the longer side, so that spacings of any ratio look as they are. Grey
//! values run from black at the first percentile to white at the ninety-ninth, and shade the
//! colours of the labels; the outermost pixels of a label are darker than the rest. Memory: the slice, and 12 bytes a pixel.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::report::colour::label_colour;
use crate::volume::region::Region;
use crate::volume::shape::Unit;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type, row};

/// The pixels of a picture's longer side, at most; a small slice is enlarged by a whole factor.
pub const LONGEST: usize = 900;

/// How bright a label's colour is where the grey image is black; where it is white, it is whole.
const DARKEST: f64 = 0.6;

/// How bright the boundary of a label is beside its inside.
const BOUNDARY: f64 = 0.55;

/// A slice, sampled to square pixels: rows along the first of its axes, columns along the second.
#[derive(Clone, Debug)]
pub struct Slice {
    /// The axis that it is normal to: 0 for z.
    pub axis: usize,
    /// Its place on that axis, in voxels.
    pub index: usize,
    /// Pixels down and across.
    pub size: [usize; 2],
    /// Its edges down and across, in `unit`.
    pub extent: [f64; 2],
    /// The unit of the extent.
    pub unit: Unit,
    labels: Vec<u64>,
    grey: Option<Vec<f32>>,
}

/// Where a label is seen in a slice.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Section {
    /// How many pixels of the picture it has.
    pub pixels: usize,
    /// The pixel of it that is nearest to its centre: down, across.
    pub center: [usize; 2],
}

/// The grey values that are shown as black and as white.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Black.
    pub low: f32,
    /// White.
    pub high: f32,
}

impl Slice {
    /// Reads the slice normal to `axis` (0 is z) at `index`.
    ///
    /// # Errors
    /// Where a volume cannot be read, the labels are not integers from 0 up, the two differ in
    /// shape, or the slice leaves them.
    pub fn read(grey: Option<&dyn VolumeSource>, labels: &dyn VolumeSource, axis: usize, index: usize) -> Result<Self> {
        let header = labels.header();
        let shape = header.shape;
        if axis > 2 || index >= shape.0[axis] || shape.voxels().is_none_or(|voxels| voxels == 0) {
            return Err(Error::usage(format!("{}: no slice {index} on axis {axis} of {shape}", header.name)));
        }
        if let Some(grey) = grey.map(|grey| grey.header())
            && grey.shape != shape
        {
            return Err(Error::usage(format!(
                "{}: {} voxels, but the labels {} have {shape}",
                grey.name, grey.shape, header.name
            )));
        }
        let mut region = Region::whole(shape);
        (region.start[axis], region.end[axis]) = (index, index + 1);
        let spacing = header.spacing;
        let [down, across] = axes(axis);
        let extent = [down, across].map(|axis| shape.0[axis] as f64 * spacing.zyx[axis]);
        let size = pixels(extent, spacing.zyx[down].min(spacing.zyx[across]));
        let sampling =
            Sampling { axis, rows: nearest(size[0], shape.0[down]), columns: nearest(size[1], shape.0[across]) };
        let voxels = labels.read(&region)?;
        let found = each_voxel_type!(&voxels, array => sampling.take(array, |value| value.to_label()));
        drop(voxels);
        let labels: Option<Vec<u64>> = found.into_iter().collect();
        let labels = labels.ok_or_else(|| {
            Error::input(
                &header.name,
                format!("not labels: {} with values that are no integers from 0 up", header.dtype),
            )
        })?;
        let grey = match grey {
            None => None,
            Some(grey) => {
                let voxels: Voxels = grey.read(&region)?;
                Some(each_voxel_type!(&voxels, array => sampling.take(array, |value| value.to_f64() as f32)))
            }
        };
        Ok(Self { axis, index, size, extent, unit: spacing.unit, labels, grey })
    }

    /// Every label that is seen, and where.
    pub fn sections(&self) -> BTreeMap<u64, Section> {
        let mut sums: BTreeMap<u64, (usize, [usize; 2])> = BTreeMap::new();
        self.each_run(|label, y, from, to| {
            let (pixels, sum) = sums.entry(label).or_default();
            *pixels += to - from;
            sum[0] += y * (to - from);
            sum[1] += (from + to - 1) * (to - from) / 2;
        });
        let mut sections: BTreeMap<u64, (Section, f64)> = BTreeMap::new();
        self.each_run(|label, y, from, to| {
            let (pixels, sum) = sums[&label];
            let middle = sum.map(|sum| sum as f64 / pixels as f64);
            // The middle of a bent section may lie outside it; a pixel inside stands for it.
            let x = (middle[1].round() as usize).clamp(from, to - 1);
            let distance = (y as f64 - middle[0]).powi(2) + (x as f64 - middle[1]).powi(2);
            let here = (Section { pixels, center: [y, x] }, distance);
            let nearest = sections.entry(label).or_insert(here);
            if distance < nearest.1 {
                *nearest = here;
            }
        });
        sections.into_iter().map(|(label, (section, _))| (label, section)).collect()
    }

    /// Calls `visit` with every run of one label, not 0, in a row: label, row, first pixel, one
    /// past the last.
    fn each_run(&self, mut visit: impl FnMut(u64, usize, usize, usize)) {
        for (y, row) in self.labels.chunks_exact(self.size[1]).enumerate() {
            let mut from = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run[0] != 0 {
                    visit(run[0], y, from, from + run.len());
                }
                from += run.len();
            }
        }
    }

    /// The picture as a PNG file, as bright as `brightness` says: 1 to be looked at, less to be
    /// drawn upon. The grey image shades the labels' colours; where there is none, labels are of
    /// plain colour on black.
    ///
    /// # Errors
    /// Where the picture cannot be encoded.
    pub fn png(&self, window: Window, brightness: f64) -> Result<Vec<u8>> {
        let [height, width] = self.size;
        let mut pixels = Vec::with_capacity(height * width * 3);
        for y in 0..height {
            for x in 0..width {
                let at = y * width + x;
                let grey = self.grey.as_ref().map(|grey| window.shade(grey[at]));
                let colour = match self.labels[at] {
                    0 => [grey.unwrap_or(0.0) * 255.0; 3],
                    label => {
                        let boundary = if self.is_boundary(y, x) { BOUNDARY } else { 1.0 };
                        let shade = boundary * grey.map_or(1.0, |grey| DARKEST + (1.0 - DARKEST) * grey);
                        label_colour(label).map(|part| f64::from(part) * shade)
                    }
                };
                pixels.extend(colour.map(|part| (part * brightness).round().clamp(0.0, 255.0) as u8));
            }
        }
        encode(width, height, &pixels)
    }

    /// Whether one of the four neighbours within the picture has another label.
    fn is_boundary(&self, y: usize, x: usize) -> bool {
        let [height, width] = self.size;
        let at = y * width + x;
        let label = self.labels[at];
        (y > 0 && self.labels[at - width] != label)
            || (y + 1 < height && self.labels[at + width] != label)
            || (x > 0 && self.labels[at - 1] != label)
            || (x + 1 < width && self.labels[at + 1] != label)
    }
}

impl Window {
    /// From the first to the ninety-ninth percentile of the grey values of some slices, which
    /// are then shown alike. Values that are not finite do not count.
    pub fn of(slices: &[Slice]) -> Self {
        let mut values: Vec<f32> = slices
            .iter()
            .filter_map(|slice| slice.grey.as_ref())
            .flatten()
            .copied()
            .filter(|v| v.is_finite())
            .collect();
        let Some(last) = values.len().checked_sub(1) else {
            return Self { low: 0.0, high: 0.0 };
        };
        let mut percentile = |percent: usize| *values.select_nth_unstable_by(last * percent / 100, f32::total_cmp).1;
        let window = Self { low: percentile(1), high: percentile(99) };
        if window.low < window.high {
            return window;
        }
        // Fewer than one voxel in a hundred differs from the rest: show the whole range.
        Self { low: percentile(0), high: percentile(100) }
    }

    /// How bright a value is shown, from 0 to 1; the middle where all values are one.
    fn shade(self, value: f32) -> f64 {
        let (low, high) = (f64::from(self.low), f64::from(self.high));
        if !value.is_finite() {
            0.0
        } else if low < high {
            ((f64::from(value) - low) / (high - low)).clamp(0.0, 1.0)
        } else {
            0.5
        }
    }
}

/// The two axes of a slice, down and across.
pub fn axes(normal: usize) -> [usize; 2] {
    match normal {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    }
}

/// Pixels down and across for a slice of this extent: as many as its finest voxels, a whole
/// multiple of them where they are few, or fewer where they are many.
pub(super) fn pixels(extent: [f64; 2], finest: f64) -> [usize; 2] {
    let longest = extent[0].max(extent[1]);
    let voxels = longest / finest;
    let pitch = if voxels > LONGEST as f64 {
        longest / LONGEST as f64
    } else {
        finest / (LONGEST as f64 / voxels).floor().max(1.0)
    };
    extent.map(|edge| ((edge / pitch).round() as usize).clamp(1, LONGEST))
}

/// For each of `pixels`, the voxel beneath its middle.
pub(super) fn nearest(pixels: usize, voxels: usize) -> Vec<usize> {
    (0..pixels).map(|pixel| ((2 * pixel + 1) * voxels / (2 * pixels)).min(voxels - 1)).collect()
}

/// Which voxels of a slice become pixels.
struct Sampling {
    axis: usize,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Sampling {
    fn take<T: Voxel, V>(&self, slice: &ndarray::ArcArray<T, ndarray::Ix3>, value: impl Fn(T) -> V) -> Vec<V> {
        let mut out = Vec::with_capacity(self.rows.len() * self.columns.len());
        for &down in &self.rows {
            match self.axis {
                0 | 1 => {
                    let line = if self.axis == 0 { row(slice, 0, down) } else { row(slice, down, 0) };
                    out.extend(self.columns.iter().map(|across| value(line[*across])));
                }
                _ => out.extend(self.columns.iter().map(|across| value(slice[[down, *across, 0]]))),
            }
        }
        out
    }
}

/// Pixels as a PNG file.
///
/// # Errors
/// Where they cannot be encoded.
pub(super) fn encode(width: usize, height: usize, rgb: &[u8]) -> Result<Vec<u8>> {
    let bytes = || {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(rgb)?;
        writer.finish()?;
        Ok(bytes)
    };
    bytes().map_err(|cause: png::EncodingError| {
        Error::resource(format!("a picture of {width}x{height} pixels: {cause}")).because(cause)
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::volume::memory::Memory;
    use crate::volume::shape::{Shape, Spacing};

    fn volume<T: Voxel>(shape: [usize; 3], spacing: [f64; 3], value: impl Fn([usize; 3]) -> T) -> Memory {
        let shape = Shape(shape);
        let voxels = (0..shape.voxels().unwrap()).map(|raster| value(shape.voxel(raster))).collect();
        Memory::new("test", Voxels::from_vec(shape, voxels), Spacing::new(spacing, Unit::Um).unwrap())
    }

    pub(in crate::report) fn decoded(bytes: &[u8]) -> (usize, usize, Vec<u8>) {
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Rgb, png::BitDepth::Eight));
        (info.width as usize, info.height as usize, pixels)
    }

    const WINDOW: Window = Window { low: 0.0, high: 0.0 };

    #[test]
    fn anisotropic_voxels_are_drawn_in_proportion() {
        let labels = volume([10, 100, 300], [3.0, 1.0, 1.0], |_| 1u8);
        let size = |axis| {
            let slice = Slice::read(None, &labels, axis, 0).unwrap();
            let (width, height, _) = decoded(&slice.png(WINDOW, 1.0).unwrap());
            assert_eq!([height, width], slice.size);
            slice.size
        };
        assert_eq!(size(0), [300, 900]);
        assert_eq!(size(1), [90, 900]);
        assert_eq!(size(2), [270, 900]);
        let large = volume([1, 40, 4000], [1.0; 3], |_| 1u8);
        assert_eq!(Slice::read(None, &large, 0, 0).unwrap().size, [9, 900]);
        let thin = volume([1, 1, 2000], [1.0; 3], |_| 1u8);
        assert_eq!(Slice::read(None, &thin, 1, 0).unwrap().size, [1, 900]);
    }

    #[test]
    fn a_pixel_has_the_colour_of_its_label_and_a_darker_one_at_the_boundary() {
        let labels = volume([1, 1, 3], [1.0; 3], |[_, _, x]| [0u16, 7, 9][x]);
        let (width, _, pixels) = decoded(&Slice::read(None, &labels, 0, 0).unwrap().png(WINDOW, 1.0).unwrap());
        let pixel = |y: usize, x: usize| <[u8; 3]>::try_from(&pixels[(y * width + x) * 3..][..3]).unwrap();
        assert_eq!(pixel(150, 150), [0; 3]);
        assert_eq!(pixel(150, 450), label_colour(7));
        assert_eq!(pixel(150, 750), label_colour(9));
        assert!(pixel(150, 599).iter().zip(label_colour(7)).all(|(dark, part)| *dark < part));
    }

    #[test]
    fn grey_runs_from_percentile_to_percentile_whatever_the_outliers() {
        let labels = volume([1, 30, 30], [1.0; 3], |_| 0u8);
        let grey = volume([1, 30, 30], [1.0; 3], |[_, y, x]| match y * 30 + x {
            0 => 1e30f32,
            1 => f32::NAN,
            at => (at % 101) as f32,
        });
        let slice = Slice::read(Some(&grey), &labels, 0, 0).unwrap();
        let window = Window::of(std::slice::from_ref(&slice));
        assert!(window.low <= 2.0 && (98.0..=100.0).contains(&window.high), "{window:?}");
        let (_, _, pixels) = decoded(&slice.png(window, 1.0).unwrap());
        assert_eq!(pixels[0], 255);
        assert_eq!(pixels[30 * 3], 0, "NaN is black");
    }

    #[test]
    fn the_center_of_a_bent_section_lies_in_it() {
        let labels = volume([1, 90, 90], [1.0; 3], |[_, y, x]| u8::from(y < 9 || x < 9));
        let slice = Slice::read(None, &labels, 0, 0).unwrap();
        let section = slice.sections()[&1];
        let [y, x] = section.center;
        assert_eq!(slice.labels[y * slice.size[1] + x], 1);
        assert_eq!(section.pixels, (90 * 9 + 81 * 9) * 100);
    }

    #[test]
    fn what_cannot_be_shown_is_an_error() {
        let labels = volume([2, 3, 4], [1.0; 3], |_| -1i32);
        assert!(Slice::read(None, &labels, 0, 0).unwrap_err().message().contains("not labels"));
        assert!(Slice::read(None, &labels, 0, 2).is_err());
        let grey = volume([2, 3, 5], [1.0; 3], |_| 1u8);
        assert!(Slice::read(Some(&grey), &volume([2, 3, 4], [1.0; 3], |_| 1u8), 0, 0).is_err());
    }
}
