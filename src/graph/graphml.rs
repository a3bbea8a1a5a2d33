//! Writing GraphML, the XML format of graphs (Brandes, Eiglsperger, Herman, Himsolt and Marshall,
//! 2002) that networkx, igraph, Gephi, yEd and Cytoscape read.
//!
//! Integers and labels are `long`, floats `double` in the shortest form that reads back to the same
//! bits (`NaN`, `Infinity`, as in Java, whose types GraphML takes), flags `boolean`, texts `string`.
//! `long` ends at 2^63 for readers in Java; Python's have no bound. The same graph makes the same
//! bytes. Memory: one buffer, whatever the graph.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::attributed::{Attribute, AttributeValue, AttributeValues, Attributed};
use crate::volume::sink::write_by;

/// Writes `graph` to `path`. The file appears when it is whole.
///
/// # Errors
/// Where the graph is not whole, a text holds a character that XML cannot, or the file cannot be
/// written.
pub fn write(graph: &Attributed, path: &Path) -> Result<()> {
    graph.check()?;
    check_texts(graph).map_err(|what| Error::input(path.display(), what))?;
    write_by(path, |out| put(graph, out))
}

/// Writes `graph` to `out` as GraphML.
///
/// # Errors
/// Where `out` does not take it, the graph is not whole, or a text holds a character that XML
/// cannot.
pub fn write_to(graph: &Attributed, mut out: impl Write) -> io::Result<()> {
    graph.check().map_err(io::Error::other)?;
    check_texts(graph).map_err(io::Error::other)?;
    put(graph, &mut out)
}

fn put(graph: &Attributed, out: &mut impl Write) -> io::Result<()> {
    out.write_all(
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
          <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" \
          xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
          xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns \
          http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">\n",
    )?;
    // Keys are numbered through: those of the nodes, then those of the edges.
    let keys = graph.node_columns.iter().map(|column| ("node", column));
    let keys = keys.chain(graph.edge_columns.iter().map(|column| ("edge", column)));
    for (key, (of, Attribute { name, values })) in keys.enumerate() {
        let (name, kind) = (Escaped(name), kind(values));
        writeln!(out, "  <key id=\"d{key}\" for=\"{of}\" attr.name=\"{name}\" attr.type=\"{kind}\"/>")?;
    }
    let direction = if graph.directed { "directed" } else { "undirected" };
    writeln!(out, "  <graph edgedefault=\"{direction}\">")?;
    for (row, id) in graph.nodes.iter().enumerate() {
        write!(out, "    <node id=\"{}\"", Escaped(id))?;
        put_data(out, "node", &graph.node_columns, 0, row)?;
    }
    for (row, &(from, to)) in graph.edges.iter().enumerate() {
        let (from, to) = (&graph.nodes[from as usize], &graph.nodes[to as usize]);
        write!(out, "    <edge source=\"{}\" target=\"{}\"", Escaped(from), Escaped(to))?;
        put_data(out, "edge", &graph.edge_columns, graph.node_columns.len(), row)?;
    }
    out.write_all(b"  </graph>\n</graphml>\n")
}

/// The rest of an element whose tag is still open: its data, in keys from `first_key`, and its end.
fn put_data(out: &mut impl Write, tag: &str, columns: &[Attribute], first_key: usize, row: usize) -> io::Result<()> {
    if columns.is_empty() {
        return out.write_all(b"/>\n");
    }
    out.write_all(b">")?;
    for (key, column) in (first_key..).zip(columns) {
        write!(out, "<data key=\"d{key}\">")?;
        match column.values.get(row).expect("a checked graph has a value for each node and edge") {
            AttributeValue::Text(text) => write!(out, "{}", Escaped(text))?,
            AttributeValue::Float(value) if value.is_infinite() => {
                write!(out, "{}Infinity", if value < 0.0 { "-" } else { "" })?;
            }
            value => write!(out, "{value}")?,
        }
        out.write_all(b"</data>")?;
    }
    writeln!(out, "</{tag}>")
}

fn kind(values: &AttributeValues) -> &'static str {
    match values {
        AttributeValues::Integers(_) | AttributeValues::Labels(_) => "long",
        AttributeValues::Floats(_) => "double",
        AttributeValues::Flags(_) => "boolean",
        AttributeValues::Texts(_) => "string",
    }
}

/// A text as XML holds it, in an attribute or between tags.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // White space is escaped too: a reader makes blanks of it in attributes, and line feeds of
        // carriage returns everywhere.
        let mut rest = self.0;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\t', '\n', '\r']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                b'\t' => "&#9;",
                b'\n' => "&#10;",
                _ => "&#13;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

/// Whether XML can hold every text of the graph; if not, the first that it cannot.
fn check_texts(graph: &Attributed) -> Result<(), String> {
    let check = |what: &str, text: &str| {
        // XML 1.0, production 2 (Char), which not even a character reference may leave.
        let barred = |c: char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
        match text.find(barred) {
            Some(_) => Err(format!("{what} {text:?} holds a control character, which XML cannot: take it out")),
            None => Ok(()),
        }
    };
    graph.nodes.iter().try_for_each(|id| check("the node id", id))?;
    for Attribute { name, values } in graph.node_columns.iter().chain(&graph.edge_columns) {
        check("the attribute name", name)?;
        if let AttributeValues::Texts(texts) = values {
            texts.iter().try_for_each(|text| check(&format!("the {name}"), text))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_graph_makes_the_same_file() {
        let graph = Attributed {
            directed: true,
            nodes: vec!["1".into(), "<a \"b\" & c>".into()],
            node_columns: vec![
                Attribute::new("size µm³", vec![0.1 + 0.2, f64::NEG_INFINITY]),
                Attribute::new("border", vec![true, false]),
            ],
            edges: vec![(1, 0)],
            edge_columns: vec![
                Attribute::new("faces", vec![u64::MAX]),
                Attribute::new("note", vec![" two\r\nlines ".to_string()]),
            ],
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.graphml");
        write(&graph, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let body = text.split_once("graphml.xsd\">\n").unwrap().1;
        assert_eq!(
            body,
            r#"  <key id="d0" for="node" attr.name="size µm³" attr.type="double"/>
  <key id="d1" for="node" attr.name="border" attr.type="boolean"/>
  <key id="d2" for="edge" attr.name="faces" attr.type="long"/>
  <key id="d3" for="edge" attr.name="note" attr.type="string"/>
  <graph edgedefault="directed">
    <node id="1"><data key="d0">0.30000000000000004</data><data key="d1">true</data></node>
    <node id="&lt;a &quot;b&quot; &amp; c&gt;"><data key="d0">-Infinity</data><data key="d1">false</data></node>
    <edge source="&lt;a &quot;b&quot; &amp; c&gt;" target="1"><data key="d2">18446744073709551615</data><data key="d3"> two&#13;&#10;lines </data></edge>
  </graph>
</graphml>
"#
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn what_xml_cannot_hold_is_refused_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let graph = Attributed { nodes: vec!["a\u{1}".into()], ..Attributed::default() };
        let error = write(&graph, &folder.path().join("bad.graphml")).unwrap_err();
        assert!(error.message().contains(r#"bad.graphml: the node id "a\u{1}" holds a control character"#), "{error}");
        assert!(write_to(&graph, Vec::new()).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
