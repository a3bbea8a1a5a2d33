//! A slice of a volume of numbers as a picture (SVG): a colour for each, from dark for little to bright for much.
//!
//! The slice lies in the middle. It is sampled as [slices](crate::report::slice) of labels are, to square pixels. Colours
//! are equally far apart, and end at the number that one voxel of the slice in a hundred is above: a few sharp corners do
//! not take the contrast from the rest. What is 0 is no material, and white. O(voxels of the slice).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Result;
use crate::report::colour::{hex, scale};
use crate::report::html::escape;
use crate::report::number::quantity;
use crate::report::slice::{axes, encode, nearest, pixels};
use crate::volume::shape::{Shape, Spacing};

/// Room around the picture, and for what is told below.
const MARGIN: usize = 24;
const BELOW: usize = 64;
/// The bar of colours.
const BAR: [usize; 2] = [12, 220];
const STEPS: usize = 44;

/// A number for each voxel, none below 0, in raster order.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// The voxels.
    pub shape: Shape,
    /// How large they are.
    pub spacing: Spacing,
    /// The numbers.
    pub values: &'a [f32],
    /// What they are.
    pub name: &'a str,
}

impl Field<'_> {
    /// The picture of the slice in the middle, normal to `axis` (0 is z).
    ///
    /// # Errors
    /// Where it cannot be encoded.
    pub fn svg(&self, axis: usize) -> Result<String> {
        let Self { shape, spacing, values, name } = self;
        let name = escape(name);
        let [down, across] = axes(axis);
        let extent = [down, across].map(|axis| shape.0[axis] as f64 * spacing.zyx[axis]);
        let [height, width] = pixels(extent, spacing.zyx[down].min(spacing.zyx[across]));
        let columns = nearest(width, shape.0[across]);
        let middle = shape.0[axis] / 2;
        let mut seen = Vec::with_capacity(height * width);
        for down_at in nearest(height, shape.0[down]) {
            seen.extend(columns.iter().map(|across_at| {
                let mut voxel = [middle; 3];
                (voxel[down], voxel[across]) = (down_at, *across_at);
                values[shape.raster(voxel) as usize]
            }));
        }
        let mut of_material: Vec<f32> = seen.iter().copied().filter(|value| *value > 0.0).collect();
        of_material.sort_unstable_by(f32::total_cmp);
        let most = of_material.last().copied().unwrap_or(0.0);
        let bright = of_material.get(of_material.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(0.0);
        let colour = |value: f32| match value > 0.0 {
            true => scale(f64::from((value / bright).min(1.0))),
            false => [255; 3],
        };
        let bytes: Vec<u8> = seen.iter().flat_map(|value| colour(*value)).collect();
        let picture = STANDARD.encode(encode(width, height, &bytes)?);

        let names = [axis, down, across].map(|axis| ["z", "y", "x"][axis]);
        let (unit, wide) = (spacing.unit.symbol(), quantity(extent[1]));
        let told =
            format!("{} down, {} to the right, {wide} {unit} wide, at {}={middle}", names[1], names[2], names[0]);
        let [wide, high] = [width.max(BAR[1] + 220) + 2 * MARGIN, height + 2 * MARGIN + BELOW];
        let top = height + 2 * MARGIN;
        let step = BAR[1] as f64 / STEPS as f64;
        let bar: String = (0..STEPS)
            .map(|at| {
                let (x, colour) = (MARGIN as f64 + at as f64 * step, hex(scale((at as f64 + 0.5) / STEPS as f64)));
                format!(
                    "<rect x=\"{x:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{}\" fill=\"{colour}\"/>",
                    step + 0.5,
                    BAR[0]
                )
            })
            .collect();
        let [text, below] = [top + BAR[0] - 2, top + BAR[0] + 20];
        let right = MARGIN + BAR[1] + 8;
        let [bright, most] = [bright, most].map(|value| quantity(f64::from(value)));
        Ok(format!(
            "<svg viewBox=\"0 0 {wide} {high}\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{name}\" \
             font-size=\"13\" font-family=\"sans-serif\" fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <image x=\"{MARGIN}\" y=\"{MARGIN}\" width=\"{width}\" height=\"{height}\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{picture}\"/>\n\
             <rect x=\"{MARGIN}\" y=\"{MARGIN}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#888\"/>\n{bar}\n\
             <text x=\"{right}\" y=\"{text}\">0 to {bright}; {most} at most</text>\n\
             <text x=\"{MARGIN}\" y=\"{below}\">{}: {}</text>\n</svg>\n",
            name,
            escape(&told),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::slice::tests::decoded;
    use crate::volume::shape::Unit;

    #[test]
    fn much_is_bright_and_what_is_nothing_is_white() {
        let shape = Shape([2, 3, 4]);
        let values: Vec<f32> = (0..24).map(|at| if at % 4 == 0 { 0.0 } else { (at % 4) as f32 }).collect();
        let spacing = Spacing::new([1.0, 1.0, 2.0], Unit::Um).unwrap();
        let svg = Field { shape, spacing, values: &values, name: "stress <Pa>" }.svg(1).unwrap();
        assert!(svg.contains("stress &lt;Pa&gt;: z down, x to the right, 8 µm wide, at y=1"), "{svg}");
        assert!(svg.contains("0 to 3; 3 at most") && !svg.contains("<Pa>"), "{svg}");
        let picture = svg.split("base64,").nth(1).unwrap().split('"').next().unwrap();
        let (width, height, pixels) = decoded(&STANDARD.decode(picture).unwrap());
        assert_eq!(width, 4 * height);
        let at = |x: usize| <[u8; 3]>::try_from(&pixels[x * width / 4 * 3..][..3]).unwrap();
        let light = |[r, g, b]: [u8; 3]| u32::from(r) + u32::from(g) + u32::from(b);
        assert_eq!((at(0), at(3)), ([255; 3], scale(1.0)));
        assert!(light(at(1)) < light(at(2)) && light(at(2)) < light(at(3)));
    }

    #[test]
    fn nothing_is_drawn_too() {
        let spacing = Spacing::default();
        let svg = Field { shape: Shape([1, 1, 1]), spacing, values: &[0.0], name: "energy" }.svg(0).unwrap();
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
