//! Writing DOT, the language of Graphviz.
//!
//! All attributes are written under their names, so those that Graphviz knows (`label`, `color`,
//! `penwidth`, `weight`) are drawn and the others kept. Everything is quoted. A backslash is
//! doubled, since at the end of a text it would escape the quote; Graphviz draws it single.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::attributed::{Attribute, AttributeValue, AttributeValues, Attributed};
use crate::volume::sink::write_by;

/// Writes `graph` to `path`. The file appears when it is whole.
///
/// # Errors
/// Where the graph is not whole, a text holds a zero byte, or the file cannot be written.
pub fn write(graph: &Attributed, path: &Path) -> Result<()> {
    check(graph)?;
    write_by(path, |out| put(graph, out))
}

/// Writes `graph` to `out` as DOT.
///
/// # Errors
/// Where `out` does not take it, the graph is not whole, or a text holds a zero byte.
pub fn write_to(graph: &Attributed, mut out: impl Write) -> io::Result<()> {
    check(graph).map_err(io::Error::other)?;
    put(graph, &mut out)
}

fn check(graph: &Attributed) -> Result<()> {
    graph.check()?;
    let columns = || graph.node_columns.iter().chain(&graph.edge_columns);
    let texts = columns().filter_map(|column| match &column.values {
        AttributeValues::Texts(texts) => Some(texts),
        _ => None,
    });
    let all = graph.nodes.iter().chain(texts.flatten()).chain(columns().map(|column| &column.name));
    match all.into_iter().find(|text| text.contains('\0')) {
        Some(text) => Err(Error::input("graph", format!("{text:?} holds a zero byte, which DOT cannot: take it out"))),
        None => Ok(()),
    }
}

fn put(graph: &Attributed, out: &mut impl Write) -> io::Result<()> {
    let (kind, joins) = if graph.directed { ("digraph", "->") } else { ("graph", "--") };
    writeln!(out, "{kind} {{")?;
    for (row, id) in graph.nodes.iter().enumerate() {
        write!(out, "  {}", Quoted(id))?;
        put_attributes(out, &graph.node_columns, row)?;
    }
    for (row, &(from, to)) in graph.edges.iter().enumerate() {
        let (from, to) = (&graph.nodes[from as usize], &graph.nodes[to as usize]);
        write!(out, "  {} {joins} {}", Quoted(from), Quoted(to))?;
        put_attributes(out, &graph.edge_columns, row)?;
    }
    out.write_all(b"}\n")
}

fn put_attributes(out: &mut impl Write, columns: &[Attribute], row: usize) -> io::Result<()> {
    for (at, column) in columns.iter().enumerate() {
        write!(out, "{}{}=", if at == 0 { " [" } else { ", " }, Quoted(&column.name))?;
        match column.values.get(row).expect("a checked graph has a value for each node and edge") {
            AttributeValue::Text(text) => write!(out, "{}", Quoted(text))?,
            value => write!(out, "\"{value}\"")?,
        }
    }
    out.write_all(if columns.is_empty() { b";\n" } else { b"];\n" })
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut rest = self.0;
        while let Some(at) = rest.find(['"', '\\']) {
            write!(f, "{}\\{}", &rest[..at], &rest[at..=at])?;
            rest = &rest[at + 1..];
        }
        write!(f, "{rest}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_is_written_with_all_its_attributes() {
        let mut graph = Attributed {
            nodes: vec!["1".into(), "a \"b\"\\".into()],
            node_columns: vec![
                Attribute::new("label", vec![7u64, 8]),
                Attribute::new("my key", vec!["<b>x</b>".to_string(), "two\nlines".to_string()]),
            ],
            edges: vec![(1, 0)],
            edge_columns: vec![Attribute::new("penwidth", vec![0.5])],
            ..Attributed::default()
        };
        let text = |graph: &Attributed| {
            let mut bytes = Vec::new();
            write_to(graph, &mut bytes).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        let expected = r#"graph {
  "1" ["label"="7", "my key"="<b>x</b>"];
  "a \"b\"\\" ["label"="8", "my key"="two
lines"];
  "a \"b\"\\" -- "1" ["penwidth"="0.5"];
}
"#;
        assert_eq!(text(&graph), expected);
        graph.directed = true;
        graph.edge_columns.clear();
        assert!(text(&graph).starts_with("digraph {") && text(&graph).contains("\"a \\\"b\\\"\\\\\" -> \"1\";\n"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.dot");
        write(&graph, &path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text(&graph));
        graph.nodes[0].push('\0');
        assert!(write(&graph, &path).unwrap_err().message().contains("zero byte"));
    }
}
