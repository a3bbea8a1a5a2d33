//! The contact graph as a graph file: nodes are cells, named by their labels.

use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::attributed::{Attribute, AttributeValues, Attributed};
use crate::graph::{dot, graphml};
use crate::lattice::summary::{Detail, Summary};
use crate::measure::shape;
use crate::measure::table::{Column, Table, Values};
use crate::volume::shape::{Shape, Spacing};

/// What of the table of cells a graph file tells of its nodes.
const OF_CELLS: [&str; 5] = ["num_pixels", "area", "centroid-0", "centroid-1", "centroid-2"];

/// Writes the contact graph by the ending of `path`: .graphml or .dot.
pub(crate) fn write(path: &Path, summary: &Summary, spacing: &Spacing) -> Result<()> {
    // Where a cell touches the border is not told here, so the shape does not matter.
    let cells = shape::cells(summary, spacing, Shape([0; 3]), Detail::Moments);
    let graph = attributed(&cells, &shape::contacts(summary, spacing))?;
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("graphml") => graphml::write(&graph, path),
        Some("dot") => dot::write(&graph, path),
        _ => Err(Error::usage(format!("{}: a graph is written as .graphml or .dot", path.display()))),
    }
}

/// Tables of cells and contacts as a graph with attributes.
pub(crate) fn attributed(cells: &Table, contacts: &Table) -> Result<Attributed> {
    let labels = cells.labels("label")?;
    let vertex = |label: &u64| labels.binary_search(label).map(|place| place as u64);
    let (a, b) = (contacts.labels("label_a")?, contacts.labels("label_b")?);
    let ends = a.iter().zip(b.iter()).map(|(a, b)| Some((vertex(a).ok()?, vertex(b).ok()?)));
    let edges = ends.collect::<Option<Vec<_>>>();
    Ok(Attributed {
        directed: false,
        nodes: labels.iter().map(u64::to_string).collect(),
        node_columns: cells.columns.iter().filter(|c| OF_CELLS.contains(&c.name.as_str())).map(attribute).collect(),
        edges: edges.ok_or_else(|| Error::input("contacts", "name a cell that is not among the cells"))?,
        edge_columns: contacts.columns.iter().filter(|c| !c.name.starts_with("label_")).map(attribute).collect(),
    })
}

fn attribute(column: &Column) -> Attribute {
    let values = match &column.values {
        Values::Integers(values) => AttributeValues::Integers(values.clone()),
        Values::Labels(values) => AttributeValues::Labels(values.clone()),
        Values::Floats(values) => AttributeValues::Floats(values.clone()),
        Values::Flags(values) => AttributeValues::Flags(values.clone()),
    };
    Attribute { name: column.name.clone(), values }
}
