//! A graph as files hold it: nodes by name, edges, and columns of attributes on both.
//!
//! Nodes are numbered in the order of the file; node k is vertex k of the [`Csr`] that is made of
//! it. Memory: a string a node, 16 bytes an edge, 8 bytes an attribute (1 a flag, a string a text).

use std::collections::HashSet;
use std::fmt;

use crate::error::{Error, Result};
use crate::graph::csr::Csr;
use crate::id::{BlockId, VertexId};

/// A graph with attributes on its nodes and edges.
///
/// The fields are open, for building and taking apart; [`check`](Attributed::check) says whether
/// the law holds, and all that write a graph call it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributed {
    /// Whether edges have a direction.
    pub directed: bool,
    /// The ids of the nodes, none twice and none empty.
    pub nodes: Vec<String>,
    /// What is known of the nodes, a column an attribute, a row a node.
    pub node_columns: Vec<Attribute>,
    /// The edges, from and to, as indices into `nodes`. An undirected one stands here once.
    pub edges: Vec<(u64, u64)>,
    /// What is known of the edges, a column an attribute, a row an edge.
    pub edge_columns: Vec<Attribute>,
}

/// A named column of attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// Its name: unique among those of the nodes, or among those of the edges.
    pub name: String,
    /// A value for each node or edge.
    pub values: AttributeValues,
}

/// The values of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValues {
    /// Counts and indices.
    Integers(Vec<i64>),
    /// Labels of cells, components, vertices: the whole of u64.
    Labels(Vec<u64>),
    /// Measures; NaN where there is none.
    Floats(Vec<f64>),
    /// Yes or no.
    Flags(Vec<bool>),
    /// Words.
    Texts(Vec<String>),
}

/// One value of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// From [`AttributeValues::Integers`].
    Integer(i64),
    /// From [`AttributeValues::Labels`].
    Label(u64),
    /// From [`AttributeValues::Floats`].
    Float(f64),
    /// From [`AttributeValues::Flags`].
    Flag(bool),
    /// From [`AttributeValues::Texts`].
    Text(&'a str),
}

impl AttributeValues {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            AttributeValues::Integers(values) => values.len(),
            AttributeValues::Labels(values) => values.len(),
            AttributeValues::Floats(values) => values.len(),
            AttributeValues::Flags(values) => values.len(),
            AttributeValues::Texts(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in a row, where there is such a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<AttributeValue<'_>> {
        match self {
            AttributeValues::Integers(values) => values.get(row).copied().map(AttributeValue::Integer),
            AttributeValues::Labels(values) => values.get(row).copied().map(AttributeValue::Label),
            AttributeValues::Floats(values) => values.get(row).copied().map(AttributeValue::Float),
            AttributeValues::Flags(values) => values.get(row).copied().map(AttributeValue::Flag),
            AttributeValues::Texts(values) => values.get(row).map(|text| AttributeValue::Text(text)),
        }
    }
}

impl AttributeValue<'_> {
    /// The value as a float, where it is a number: integers above 2^53 are rounded.
    #[inline]
    pub fn to_f64(self) -> Option<f64> {
        match self {
            AttributeValue::Integer(value) => Some(value as f64),
            AttributeValue::Label(value) => Some(value as f64),
            AttributeValue::Float(value) => Some(value),
            AttributeValue::Flag(_) | AttributeValue::Text(_) => None,
        }
    }
}

impl fmt::Display for AttributeValue<'_> {
    /// Integers and texts plain, flags as `true` and `false`, floats in the shortest form that
    /// reads back to the same bits and is still seen to be a float (`3.0`, `1e-7`, `NaN`, `inf`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AttributeValue::Integer(value) => write!(f, "{value}"),
            AttributeValue::Label(value) => write!(f, "{value}"),
            AttributeValue::Float(value) => write!(f, "{value:?}"),
            AttributeValue::Flag(value) => write!(f, "{value}"),
            AttributeValue::Text(value) => f.write_str(value),
        }
    }
}

macro_rules! values_from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<Vec<$type>> for AttributeValues {
            fn from(values: Vec<$type>) -> Self {
                AttributeValues::$variant(values)
            }
        }
    )*};
}

values_from!(i64 => Integers, u64 => Labels, f64 => Floats, bool => Flags, String => Texts);

impl Attribute {
    /// A column of these values.
    pub fn new(name: impl Into<String>, values: impl Into<AttributeValues>) -> Self {
        Self { name: name.into(), values: values.into() }
    }
}

impl Attributed {
    /// Whether ids are different and not empty, edges join nodes that are there, and columns have
    /// different, non-empty names and a value for each node or edge.
    ///
    /// # Errors
    /// The first thing for which it is not so.
    pub fn check(&self) -> Result<()> {
        let mut seen = HashSet::with_capacity(self.nodes.len());
        for (index, id) in self.nodes.iter().enumerate() {
            if id.is_empty() {
                return Err(wrong(format!("node {index} has an empty id")));
            }
            if !seen.insert(id.as_str()) {
                return Err(wrong(format!("two nodes have the id {id}")));
            }
        }
        let nodes = self.nodes.len() as u64;
        if let Some(at) = self.edges.iter().position(|&(from, to)| from >= nodes || to >= nodes) {
            let (from, to) = self.edges[at];
            return Err(wrong(format!("edge {at} joins node {from} to {to}, but there are only {nodes} nodes")));
        }
        check_columns("node", self.nodes.len(), &self.node_columns).map_err(wrong)?;
        check_columns("edge", self.edges.len(), &self.edge_columns).map_err(wrong)
    }

    /// The attribute of the edges that has this name, if there is one.
    pub fn edge_column(&self, name: &str) -> Option<&Attribute> {
        self.edge_columns.iter().find(|column| column.name == name)
    }

    /// The graph alone, cut by `owner` into `blocks`, with the edge attribute `weight` on its edges,
    /// or 1.0 where none is named.
    ///
    /// # Errors
    /// Where the graph is not whole (see [`check`](Attributed::check)), there is no such attribute,
    /// it is no number or is NaN somewhere, or as [`Csr::directed`].
    pub fn to_csr(&self, weight: Option<&str>, blocks: u32, owner: impl Fn(VertexId) -> BlockId) -> Result<Csr<f64>> {
        self.check()?;
        let weights = weight.map(|name| self.weights(name)).transpose()?;
        let weight_of = |edge: usize| weights.and_then(|weights| weights.get(edge)?.to_f64()).unwrap_or(1.0);
        let edges = |visit: &mut dyn FnMut(VertexId, VertexId, f64)| {
            let edges = self.edges.iter().enumerate();
            edges.for_each(|(edge, &(from, to))| visit(VertexId(from), VertexId(to), weight_of(edge)));
        };
        let build = if self.directed { Csr::directed_from } else { Csr::undirected_from };
        build(self.nodes.len() as u64, &edges, blocks, owner)
    }

    /// The edge attribute `name`, every value of it a number.
    fn weights(&self, name: &str) -> Result<&AttributeValues> {
        let Some(column) = self.edge_column(name) else {
            let there: Vec<&str> = self.edge_columns.iter().map(|column| column.name.as_str()).collect();
            let there = if there.is_empty() { "none".into() } else { there.join(", ") };
            return Err(Error::usage(format!("the edges have no attribute {name}: there is {there}")));
        };
        let number = |row: usize| column.values.get(row).and_then(AttributeValue::to_f64);
        let is_number = |row: usize| number(row).is_some_and(|weight| !weight.is_nan());
        match (0..self.edges.len()).find(|row| !is_number(*row)) {
            None => Ok(&column.values),
            Some(row) => {
                let [from, to] = [self.edges[row].0, self.edges[row].1].map(|node| &self.nodes[node as usize]);
                Err(wrong(format!("the edge from {from} to {to} has no number as its {name}")))
            }
        }
    }
}

fn wrong(what: String) -> Error {
    Error::input("graph", what)
}

/// Whether the columns have different, non-empty names and `rows` values each.
pub(super) fn check_columns(of: &str, rows: usize, columns: &[Attribute]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for Attribute { name, values } in columns {
        if name.is_empty() {
            return Err(format!("an attribute of the {of}s has no name"));
        }
        if !seen.insert(name.as_str()) {
            return Err(format!("two attributes of the {of}s are named {name}"));
        }
        if values.len() != rows {
            let len = values.len();
            return Err(format!("the {of} attribute {name} has {len} values for {rows} {of}s"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::cut::ranges;

    fn path(directed: bool) -> Attributed {
        Attributed {
            directed,
            nodes: vec!["a".into(), "b".into(), "c".into()],
            node_columns: vec![Attribute::new("size", vec![3i64, 2, 1])],
            edges: vec![(2, 1), (0, 1)],
            edge_columns: vec![
                Attribute::new("area", vec![2.5, 0.5]),
                Attribute::new("faces", vec![7u64, 9]),
                Attribute::new("kind", vec!["wall".to_string(), "door".to_string()]),
                Attribute::new("gap", vec![1.0, f64::NAN]),
            ],
        }
    }

    #[test]
    fn a_graph_keeps_its_direction_and_its_weights() {
        let edges = |directed, weight| {
            let mut edges = Vec::new();
            let graph = path(directed).to_csr(weight, 2, ranges(3, 2)).unwrap();
            assert_eq!((graph.vertices(), graph.edges(), graph.is_directed()), (3, 2, directed));
            graph.each_edge(|from, to, weight| edges.push((from.0, to.0, weight)));
            edges
        };
        assert_eq!(edges(false, Some("area")), [(0, 1, 0.5), (1, 2, 2.5)]);
        assert_eq!(edges(true, Some("faces")), [(0, 1, 9.0), (2, 1, 7.0)]);
        assert_eq!(edges(true, None), [(0, 1, 1.0), (2, 1, 1.0)]);
    }

    #[test]
    fn a_weight_is_a_number_on_every_edge() {
        let message = |weight| path(false).to_csr(Some(weight), 1, ranges(3, 1)).unwrap_err().message().to_owned();
        assert_eq!(message("length"), "the edges have no attribute length: there is area, faces, kind, gap");
        assert_eq!(message("kind"), "graph: the edge from c to b has no number as its kind");
        assert_eq!(message("gap"), "graph: the edge from a to b has no number as its gap");
    }

    #[test]
    fn a_graph_that_is_not_whole_is_refused() {
        let message = |spoil: fn(&mut Attributed)| {
            let mut graph = path(false);
            spoil(&mut graph);
            assert!(graph.to_csr(None, 1, ranges(3, 1)).is_err());
            graph.check().unwrap_err().message().to_owned()
        };
        path(true).check().unwrap();
        assert_eq!(message(|g| g.nodes[2] = "a".into()), "graph: two nodes have the id a");
        assert_eq!(message(|g| g.nodes[2].clear()), "graph: node 2 has an empty id");
        assert_eq!(message(|g| g.edges[1].1 = 3), "graph: edge 1 joins node 0 to 3, but there are only 3 nodes");
        assert_eq!(
            message(|g| g.node_columns[0].values = vec![true].into()),
            "graph: the node attribute size has 1 values for 3 nodes"
        );
        assert_eq!(
            message(|g| g.edge_columns[1].name = "area".into()),
            "graph: two attributes of the edges are named area"
        );
        assert_eq!(message(|g| g.node_columns[0].name.clear()), "graph: an attribute of the nodes has no name");
    }
}
