//! Writing the edges of a graph as a table: CSV, a line an edge.
//!
//! The first two columns are the ids of its ends, then come its attributes. Nodes without an edge,
//! attributes of nodes and the direction of edges are not in it; GraphML has them all.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::attributed::{AttributeValue, Attributed};
use crate::volume::sink::write_by;

/// What the columns of the ends are called where nothing else is asked for.
pub const ENDS: [&str; 2] = ["source", "target"];

/// Writes the edges of `graph` to `path`, the columns of their ends named `ends`. The file appears
/// when it is whole.
///
/// # Errors
/// Where the graph is not whole, an attribute is named as an end, or the file cannot be written.
pub fn write(graph: &Attributed, ends: [&str; 2], path: &Path) -> Result<()> {
    check(graph, ends)?;
    write_by(path, |out| put(graph, ends, out))
}

/// Writes the edges of `graph` to `out` as CSV.
///
/// # Errors
/// Where `out` does not take it, the graph is not whole, or an attribute is named as an end.
pub fn write_to(graph: &Attributed, ends: [&str; 2], mut out: impl Write) -> io::Result<()> {
    check(graph, ends).map_err(io::Error::other)?;
    put(graph, ends, &mut out)
}

fn check(graph: &Attributed, ends: [&str; 2]) -> Result<()> {
    graph.check()?;
    match ends.iter().find(|end| end.is_empty() || ends[0] == ends[1] || graph.edge_column(end).is_some()) {
        Some(end) => Err(Error::usage(format!("{end:?} cannot name the end of an edge: choose another, unused name"))),
        None => Ok(()),
    }
}

fn put(graph: &Attributed, ends: [&str; 2], out: &mut impl Write) -> io::Result<()> {
    write!(out, "{},{}", Quoted(ends[0]), Quoted(ends[1]))?;
    for column in &graph.edge_columns {
        write!(out, ",{}", Quoted(&column.name))?;
    }
    out.write_all(b"\n")?;
    for (row, &(from, to)) in graph.edges.iter().enumerate() {
        write!(out, "{},{}", Quoted(&graph.nodes[from as usize]), Quoted(&graph.nodes[to as usize]))?;
        for column in &graph.edge_columns {
            match column.values.get(row).expect("a checked graph has a value for each edge") {
                AttributeValue::Text(text) => write!(out, ",{}", Quoted(text))?,
                value => write!(out, ",{value}")?,
            }
        }
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// A field of a CSV file, quoted where it could be taken for something else: several fields or
/// lines, a comment, or a text with less white space around it.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0;
        if !text.is_empty()
            && !text.contains([',', '"', '\n', '\r'])
            && !text.starts_with(['#', '%', '\u{feff}'])
            && text.trim().len() == text.len()
        {
            return f.write_str(text);
        }
        f.write_str("\"")?;
        let mut parts = text.split('"');
        f.write_str(parts.next().unwrap_or_default())?;
        parts.try_for_each(|part| write!(f, "\"\"{part}"))?;
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::attributed::Attribute;

    fn contacts() -> Attributed {
        Attributed {
            nodes: vec!["1".into(), "2".into(), "#3, \"x\"".into()],
            edges: vec![(0, 1), (1, 2)],
            edge_columns: vec![
                Attribute::new("n_faces", vec![12u64, 7]),
                Attribute::new("area", vec![3.0, f64::NAN]),
                Attribute::new("note", vec![String::new(), " a".to_string()]),
            ],
            ..Attributed::default()
        }
    }

    #[test]
    fn an_edge_is_a_line_and_fields_are_quoted_where_they_must() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("contacts.csv");
        write(&contacts(), ["label_a", "label_b"], &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let expected = "label_a,label_b,n_faces,area,note\n1,2,12,3.0,\"\"\n2,\"#3, \"\"x\"\"\",7,NaN,\" a\"\n";
        assert_eq!(text, expected);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn an_end_has_a_name_of_its_own() {
        for ends in [["area", "target"], ["a", "a"], ["", "b"]] {
            assert!(write_to(&contacts(), ends, Vec::new()).is_err());
        }
    }
}
