//! Values of voxels and of their corners, for ParaView: a VTK ImageData file (`.vti`), of raw bytes.
//!
//! VTK has its axes in the order x, y, z, x fastest: arrays are in the order in which they are here, vectors are
//! turned round.

use std::io::{self, Write};
use std::path::Path;

use crate::error::Result;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::sink::write_by;

/// A volume with values of single precision.
#[derive(Clone, Debug)]
pub struct Image {
    /// Voxels along z, y, x.
    pub shape: Shape,
    /// Their edges.
    pub spacing: Spacing,
    /// What voxels have.
    pub of_voxels: Vec<Values>,
    /// What corners of voxels have; there is one corner more along each axis.
    pub of_corners: Vec<Values>,
}

/// Values by name.
#[derive(Clone, Debug)]
pub struct Values {
    name: &'static str,
    components: usize,
    of: Vec<f32>,
}

impl Values {
    /// A number each.
    pub fn numbers(name: &'static str, of: Vec<f32>) -> Self {
        Self { name, components: 1, of }
    }

    /// A vector each: x, y, z.
    pub fn vectors(name: &'static str, of: Vec<[f32; 3]>) -> Self {
        Self { name, components: 3, of: of.into_flattened() }
    }

    /// A symmetric tensor each: xx, yy, zz, xy, yz, xz.
    pub fn tensors(name: &'static str, of: Vec<[f32; 6]>) -> Self {
        Self { name, components: 6, of: of.into_flattened() }
    }
}

/// Writes a `.vti` file.
///
/// # Errors
/// Where the file cannot be written.
pub fn write(image: &Image, path: &Path) -> Result<()> {
    write_by(path, |out| put(image, out))
}

fn put(image: &Image, out: &mut impl Write) -> io::Result<()> {
    let [nz, ny, nx] = image.shape.0;
    let [sz, sy, sx] = image.spacing.zyx;
    let extent = format!("0 {nx} 0 {ny} 0 {nz}");
    writeln!(out, "<?xml version=\"1.0\"?>")?;
    writeln!(out, "<VTKFile type=\"ImageData\" version=\"1.0\" byte_order=\"LittleEndian\" header_type=\"UInt64\">")?;
    writeln!(out, "<ImageData WholeExtent=\"{extent}\" Origin=\"0 0 0\" Spacing=\"{sx} {sy} {sz}\">")?;
    writeln!(out, "<Piece Extent=\"{extent}\">")?;
    let mut offset = 0;
    let mut array = |out: &mut dyn Write, Values { name, components, of }: &Values| {
        let at = offset;
        offset += size_of::<u64>() + size_of_val(of.as_slice());
        let kind = format!("type=\"Float32\" NumberOfComponents=\"{components}\" format=\"appended\"");
        writeln!(out, "<DataArray {kind} Name=\"{name}\" offset=\"{at}\"/>")
    };
    writeln!(out, "<CellData>")?;
    image.of_voxels.iter().try_for_each(|values| array(out, values))?;
    writeln!(out, "</CellData>\n<PointData>")?;
    image.of_corners.iter().try_for_each(|values| array(out, values))?;
    writeln!(out, "</PointData>\n</Piece>\n</ImageData>\n<AppendedData encoding=\"raw\">")?;
    out.write_all(b"_")?;
    image.of_voxels.iter().chain(&image.of_corners).try_for_each(|values| append(out, &values.of))?;
    writeln!(out, "\n</AppendedData>\n</VTKFile>")
}

/// The length in bytes, and the bytes.
fn append(out: &mut impl Write, values: &[f32]) -> io::Result<()> {
    out.write_all(&(size_of_val(values) as u64).to_le_bytes())?;
    values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_lie_where_the_head_says() {
        let image = Image {
            shape: Shape([1, 2, 3]),
            spacing: Spacing::default(),
            of_voxels: vec![
                Values::numbers("a", (0..6).map(|value| value as f32).collect()),
                Values::tensors("b", vec![[7.5; 6]; 6]),
            ],
            of_corners: vec![Values::vectors("c", vec![[1.0, 2.0, 3.0]; 24])],
        };
        let mut bytes = Vec::new();
        put(&image, &mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let raw = bytes.windows(6).position(|window| window == b"raw\">\n").unwrap() + 7;
        for (name, first, count) in [("a", 0.0, 6), ("b", 7.5, 36), ("c", 1.0, 72)] {
            let (_, rest) = text.split_once(&format!("Name=\"{name}\" offset=\"")).unwrap();
            let at = raw + rest[..rest.find('"').unwrap()].parse::<usize>().unwrap();
            assert_eq!(u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()), 4 * count);
            assert_eq!(f32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()), first);
        }
    }
}
