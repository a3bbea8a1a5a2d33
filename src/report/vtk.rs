//! Lines between points with data on both, for ParaView: a VTK PolyData file (`.vtp`), as text.
//!
//! VTK has its axes in the order x, y, z; vectors here are z, y, x and are turned round. Floats are written in
//! the shortest form that reads back to the same bits.

use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::volume::sink::write_by;

/// Values on points or on lines.
#[derive(Clone, Debug)]
pub enum Data {
    /// A number each.
    Numbers(Vec<f64>),
    /// A vector each: z, y, x.
    Vectors(Vec<[f64; 3]>),
    /// A label each.
    Labels(Vec<u64>),
}

/// Points and lines.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Where the points are: z, y, x.
    pub points: Vec<[f64; 3]>,
    /// The points that each line joins.
    pub lines: Vec<[u32; 2]>,
    /// Values of points, by name.
    pub of_points: Vec<(&'static str, Data)>,
    /// Values of lines, by name.
    pub of_lines: Vec<(&'static str, Data)>,
}

/// Writes a `.vtp` file.
///
/// # Errors
/// Where a list of values is shorter or longer than what it is of; where the file cannot be written.
pub fn write(lines: &Lines, path: &Path) -> Result<()> {
    let fits = |values: &[(&str, Data)], count: usize| values.iter().all(|(_, data)| data.len() == count);
    if !fits(&lines.of_points, lines.points.len()) || !fits(&lines.of_lines, lines.lines.len()) {
        return Err(Error::usage(format!("{}: values for other points or lines than there are", path.display())));
    }
    write_by(path, |out| put(lines, out))
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Data::Numbers(values) => values.len(),
            Data::Vectors(values) => values.len(),
            Data::Labels(values) => values.len(),
        }
    }
}

fn put(lines: &Lines, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\"?>")?;
    writeln!(out, "<VTKFile type=\"PolyData\" version=\"1.0\" byte_order=\"LittleEndian\">")?;
    let (points, count) = (lines.points.len(), lines.lines.len());
    writeln!(out, "<PolyData><Piece NumberOfPoints=\"{points}\" NumberOfLines=\"{count}\">")?;
    for (what, all) in [("PointData", &lines.of_points), ("CellData", &lines.of_lines)] {
        writeln!(out, "<{what}>")?;
        all.iter().try_for_each(|(name, data)| array(out, name, data))?;
        writeln!(out, "</{what}>")?;
    }
    writeln!(out, "<Points>")?;
    vectors(out, "points", &lines.points)?;
    writeln!(out, "</Points>\n<Lines>")?;
    begin(out, "connectivity", "Int64", 1)?;
    lines.lines.iter().try_for_each(|[a, b]| writeln!(out, "{a} {b}"))?;
    end(out)?;
    begin(out, "offsets", "Int64", 1)?;
    (1..=count).try_for_each(|line| writeln!(out, "{}", 2 * line))?;
    end(out)?;
    writeln!(out, "</Lines>\n</Piece></PolyData>\n</VTKFile>")
}

fn array(out: &mut impl Write, name: &str, data: &Data) -> io::Result<()> {
    match data {
        Data::Vectors(values) => vectors(out, name, values),
        Data::Numbers(values) => {
            begin(out, name, "Float64", 1)?;
            values.iter().try_for_each(|value| writeln!(out, "{value:?}"))?;
            end(out)
        }
        Data::Labels(values) => {
            begin(out, name, "UInt64", 1)?;
            values.iter().try_for_each(|value| writeln!(out, "{value}"))?;
            end(out)
        }
    }
}

fn vectors(out: &mut impl Write, name: &str, values: &[[f64; 3]]) -> io::Result<()> {
    begin(out, name, "Float64", 3)?;
    values.iter().try_for_each(|[z, y, x]| writeln!(out, "{x:?} {y:?} {z:?}"))?;
    end(out)
}

fn begin(out: &mut impl Write, name: &str, kind: &str, components: usize) -> io::Result<()> {
    let kind = format!("type=\"{kind}\" Name=\"{name}\" NumberOfComponents=\"{components}\"");
    writeln!(out, "<DataArray {kind} format=\"ascii\">")
}

fn end(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "</DataArray>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_lines_are_written_with_their_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.vtp");
        let mut lines = Lines {
            points: vec![[1.0, 2.0, 3.5], [0.0, -1e-9, 4.0]],
            lines: vec![[0, 1]],
            of_points: vec![("label", Data::Labels(vec![7, 9])), ("pull", Data::Vectors(vec![[0.0, 0.5, 1.0]; 2]))],
            of_lines: vec![("force", Data::Numbers(vec![0.1]))],
        };
        write(&lines, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        // Vectors are turned round.
        for part in ["3.5 2.0 1.0\n4.0 -1e-9 0.0\n", "1.0 0.5 0.0\n", "\n7\n9\n", "\n0.1\n", "\n0 1\n", "\n2\n"] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
        assert!(text.contains("NumberOfPoints=\"2\" NumberOfLines=\"1\""), "{text}");
        lines.of_lines.push(("more", Data::Numbers(vec![])));
        assert!(write(&lines, &path).is_err());
    }
}
