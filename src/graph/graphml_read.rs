//! Reading GraphML, in one pass, event by event.
//!
//! Read are nodes, edges and their data; passed over are data of the graph itself, ids of edges,
//! descriptions, and data without `attr.name`, which belong to other programs. Refused, because
//! they cannot be kept, are hyperedges, ports, nested graphs, more than one graph, and directed
//! edges beside undirected ones. No entity but the five of XML is known, so none can grow. Gaps are
//! filled as in [`Attributed`]: floats with NaN, texts with nothing; integers with gaps are floats.
//! Memory: the graph, and while it is read the text of its data and 16 bytes a value.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use quick_xml::events::Event;

use crate::error::{Error, Result};
use crate::graph::attributed::Attributed;
use crate::graph::graphml_keys::{Keys, Of};
use crate::graph::xml::{CUT_SHORT, Xml, attribute, required, say};

/// Reads the graph in the file `path`.
///
/// # Errors
/// Where it cannot be read, or is no GraphML, or has what is refused; the error names the line.
pub fn read(path: &Path) -> Result<Attributed> {
    let file = File::open(path).map_err(|cause| Error::reading(path, cause))?;
    parse(&path.display().to_string(), BufReader::with_capacity(1 << 16, file))
}

/// Reads a graph from `input`; `name` is how errors call it.
///
/// # Errors
/// As [`read`].
pub fn parse(name: &str, input: impl BufRead) -> Result<Attributed> {
    let mut parser = Parser::new(input);
    match parser.document() {
        Ok(()) => Ok(parser.graph),
        Err(what) => Err(Error::input(name, format!("line {}: {what}", parser.xml.line))),
    }
}

struct Parser<R> {
    xml: Xml<R>,
    keys: Keys,
    graph: Attributed,
    /// The number of each node.
    index: HashMap<String, u64>,
    /// Ends of edges whose nodes had not been declared.
    awaited: Vec<Awaited>,
    /// The text of the element at hand.
    text: String,
}

struct Awaited {
    edge: usize,
    is_target: bool,
    id: String,
    line: u64,
}

impl<R: BufRead> Parser<R> {
    fn new(input: R) -> Self {
        Self {
            xml: Xml::new(input),
            keys: Keys::default(),
            graph: Attributed::default(),
            index: HashMap::new(),
            awaited: Vec::new(),
            text: String::new(),
        }
    }

    fn document(&mut self) -> Result<(), String> {
        loop {
            match self.xml.next()? {
                Event::Start(tag) if tag.local_name().as_ref() == "graphml" => break,
                Event::Start(tag) => return Err(format!("<{}> where <graphml> should be", tag.name().as_ref())),
                Event::Decl(declaration) => match declaration.encoding().transpose().map_err(say)? {
                    Some(encoding) if !["utf-8", "utf8", "us-ascii", "ascii"].contains(&&*encoding.to_lowercase()) => {
                        return Err(format!("encoded as {encoding}: convert it to UTF-8"));
                    }
                    _ => {}
                },
                Event::Eof => return Err("no GraphML: there is no <graphml>".into()),
                _ => {}
            }
        }
        let mut graphs = 0;
        loop {
            match self.xml.next()? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "key" => {
                        let id = required(&tag, "id")?;
                        let (of, kind) = (attribute(&tag, "for")?, attribute(&tag, "attr.type")?);
                        self.keys.declare(id, of.as_deref(), attribute(&tag, "attr.name")?, kind.as_deref())?;
                        self.key()?;
                    }
                    "graph" if graphs == 1 => return Err("a second graph: keep one graph in a file".into()),
                    "graph" => {
                        graphs += 1;
                        let directed = match required(&tag, "edgedefault")?.as_str() {
                            "directed" => true,
                            "undirected" => false,
                            other => return Err(format!("edgedefault is {other}: it is directed or undirected")),
                        };
                        self.graph(directed)?;
                    }
                    _ => self.xml.skip()?,
                },
                Event::End(_) if graphs == 1 => return self.finish(),
                Event::End(_) => return Err("there is no <graph>".into()),
                Event::Eof => return Err(CUT_SHORT.into()),
                _ => {}
            }
        }
    }

    fn key(&mut self) -> Result<(), String> {
        loop {
            match self.xml.next()? {
                Event::Start(tag) if tag.local_name().as_ref() == "default" => {
                    // Elements in a default belong to another program, as its key does.
                    let plain = self.xml.text(&mut self.text)?;
                    if plain {
                        self.keys.set_default(&self.text)?;
                    }
                }
                Event::Start(_) => self.xml.skip()?,
                Event::End(_) => return Ok(()),
                Event::Eof => return Err(CUT_SHORT.into()),
                _ => {}
            }
        }
    }

    fn graph(&mut self, directed: bool) -> Result<(), String> {
        self.graph.directed = directed;
        loop {
            match self.xml.next()? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "node" => {
                        let (id, node) = (required(&tag, "id")?, self.index.len() as u64);
                        if id.is_empty() {
                            return Err("a node with an empty id".into());
                        }
                        if let Some(id) = self.index.insert(id, node).map(|_| required(&tag, "id")) {
                            return Err(format!("two nodes have the id {}", id?));
                        }
                        self.element(Of::Node, node)?;
                    }
                    "edge" => {
                        if let Some(port) = attribute(&tag, "sourceport")?.or(attribute(&tag, "targetport")?) {
                            return Err(format!("an edge at the port {port}: ports are not supported"));
                        }
                        let own = match attribute(&tag, "directed")?.as_deref() {
                            None => directed,
                            Some("true" | "1") => true,
                            Some("false" | "0") => false,
                            Some(other) => return Err(format!("directed is {other}: it is true or false")),
                        };
                        let edge = self.graph.edges.len();
                        if edge == 0 {
                            self.graph.directed = own;
                        }
                        if own != self.graph.directed {
                            return Err("directed and undirected edges in one graph are not supported".into());
                        }
                        let ids = [required(&tag, "source")?, required(&tag, "target")?];
                        let mut ends = [0, 0];
                        for (at, id) in ids.into_iter().enumerate() {
                            match self.index.get(&id) {
                                Some(&node) => ends[at] = node,
                                None => {
                                    let (is_target, line) = (at == 1, self.xml.line);
                                    self.awaited.push(Awaited { edge, is_target, id, line });
                                }
                            }
                        }
                        self.graph.edges.push(ends.into());
                        self.element(Of::Edge, edge as u64)?;
                    }
                    "hyperedge" => return Err("hyperedges are not supported: make edges of them".into()),
                    "locator" => return Err("a graph that lies in another file is not supported".into()),
                    _ => self.xml.skip()?,
                },
                Event::End(_) => return Ok(()),
                Event::Eof => return Err(CUT_SHORT.into()),
                _ => {}
            }
        }
    }

    /// What stands in a node or edge.
    fn element(&mut self, of: Of, row: u64) -> Result<(), String> {
        loop {
            match self.xml.next()? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "data" => {
                        let key = self.keys.find(&required(&tag, "key")?)?;
                        if self.keys.is_foreign(key) {
                            self.xml.skip()?;
                        } else if self.xml.text(&mut self.text)? {
                            self.keys.give(key, of, row, &self.text)?;
                        } else {
                            return Err("data with elements in it, where a value should be".into());
                        }
                    }
                    "graph" => return Err("a graph in a node or edge: nested graphs are not supported".into()),
                    "port" => return Err("ports are not supported: join the edges to the node itself".into()),
                    "locator" => return Err("a node that lies in another file is not supported".into()),
                    _ => self.xml.skip()?,
                },
                Event::End(_) => return Ok(()),
                Event::Eof => return Err(CUT_SHORT.into()),
                _ => {}
            }
        }
    }

    fn finish(&mut self) -> Result<(), String> {
        for Awaited { edge, is_target, id, line } in self.awaited.drain(..) {
            let Some(&node) = self.index.get(&id) else {
                self.xml.line = line;
                return Err(format!("an edge at the node {id}, but there is no such node"));
            };
            let (source, target) = &mut self.graph.edges[edge];
            *(if is_target { target } else { source }) = node;
        }
        self.graph.nodes = vec![String::new(); self.index.len()];
        for (id, node) in self.index.drain() {
            self.graph.nodes[node as usize] = id;
        }
        self.graph.node_columns = self.keys.columns(Of::Node, self.graph.nodes.len())?;
        self.graph.edge_columns = self.keys.columns(Of::Edge, self.graph.edges.len())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::graph::attributed::{Attribute, AttributeValues};
    use crate::graph::graphml::write_to;

    fn graphs() -> impl Strategy<Value = Attributed> {
        let text = "[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\u{fffe}\\u{ffff}]{0,9}";
        let column = move |rows: usize| {
            prop_oneof![
                prop::collection::vec(any::<i64>(), rows).prop_map(AttributeValues::from),
                prop::collection::vec((1u64 << 63)..=u64::MAX, rows).prop_map(AttributeValues::from),
                prop::collection::vec(any::<u64>().prop_map(f64::from_bits), rows).prop_map(AttributeValues::from),
                prop::collection::vec(any::<bool>(), rows).prop_map(AttributeValues::from),
                prop::collection::vec(text, rows).prop_map(AttributeValues::from),
            ]
        };
        let columns = move |rows: usize| {
            prop::collection::vec((text, column(rows)), 0..4).prop_map(|columns| {
                let named = columns.into_iter().enumerate();
                named.map(|(at, (name, values))| Attribute::new(format!("{at}{name}"), values)).collect::<Vec<_>>()
            })
        };
        (any::<bool>(), 1usize..20, 0usize..40).prop_flat_map(move |(directed, nodes, edges)| {
            let ids = prop::collection::vec(text, nodes);
            let ends = prop::collection::vec((0..nodes as u64, 0..nodes as u64), edges);
            // A column without rows has lost its type, so it is of integers.
            let edge_columns = columns(edges);
            (ids, columns(nodes), ends, edge_columns).prop_map(move |(ids, node_columns, edges, edge_columns)| {
                // What follows the last dot is the number alone, so no two are the same.
                let nodes = ids.into_iter().enumerate().map(|(at, id)| format!("{id}.{at}")).collect();
                Attributed { directed, nodes, node_columns, edges, edge_columns }
            })
        })
    }

    /// Equal to the bit, NaNs counting as one; of columns without rows, only the name.
    fn same(a: &[Attribute], b: &[Attribute]) -> bool {
        let floats = |a: &f64, b: &f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        let values = |a: &AttributeValues, b: &AttributeValues| match (a, b) {
            (AttributeValues::Floats(a), AttributeValues::Floats(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| floats(a, b))
            }
            _ => a == b || (a.is_empty() && b.is_empty()),
        };
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name && values(&a.values, &b.values))
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_to_the_same_bits(graph in graphs()) {
            let mut bytes = Vec::new();
            write_to(&graph, &mut bytes).unwrap();
            let back = parse("random", &bytes[..]).unwrap();
            prop_assert_eq!((back.directed, &back.nodes, &back.edges), (graph.directed, &graph.nodes, &graph.edges));
            prop_assert!(same(&back.node_columns, &graph.node_columns), "{:?} {:?}", back, graph);
            prop_assert!(same(&back.edge_columns, &graph.edge_columns), "{:?} {:?}", back, graph);
            back.check().unwrap();
        }

        #[test]
        fn a_damaged_file_is_a_graph_or_an_error(graph in graphs(), at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = Vec::new();
            write_to(&graph, &mut bytes).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(graph) = parse("damaged", &bytes[..]) {
                graph.check().unwrap();
            }
            bytes.truncate(at);
            prop_assert!(parse("cut", &bytes[..]).is_err() || bytes.ends_with(b"</graphml>"));
        }
    }

    fn graph(keys: &str, inside: &str) -> Result<Attributed> {
        parse(
            "g",
            format!("<graphml>{keys}\n<graph edgedefault=\"undirected\">\n{inside}</graph></graphml>").as_bytes(),
        )
    }

    #[test]
    fn keys_of_one_name_make_one_column_and_gaps_are_filled() {
        // As networkx writes a node attribute that is 1 here and 2.5 there.
        let keys = r#"<key id="a" for="node" attr.name="x" attr.type="long"/>
            <key id="b" for="node" attr.name="x" attr.type="double"/>
            <key id="c" for="all" attr.name="kind" attr.type="string"><default>cell</default></key>
            <key id="d" for="edge" attr.name="faces" attr.type="int"/>
            <key id="e" for="node" attr.name="border" attr.type="boolean"/>
            <key id="f" for="node" attr.name="unused" attr.type="double"/>
            <key id="g" for="node" yfiles.type="nodegraphics"/>"#;
        let inside = r#"<data key="c">of the graph</data>
            <edge source="v" target="u"><data key="d"> 7 </data></edge>
            <node id="u"><data key="a">1</data><data key="e">True</data><data key="g"><y:Shape>s</y:Shape></data></node>
            <node id="v"><desc>words</desc><data key="b">2.5</data><data key="c"/></node>
            <node id="w"/><edge source="w" target="w"/>"#;
        let graph = graph(keys, inside).unwrap();
        assert_eq!(graph.nodes, ["u", "v", "w"]);
        assert_eq!(graph.edges, [(1, 0), (2, 2)]);
        let texts = |texts: &[&str]| AttributeValues::Texts(texts.iter().map(|text| text.to_string()).collect());
        let expected = [
            Attribute::new("x", vec![1.0, 2.5, f64::NAN]),
            Attribute::new("kind", texts(&["cell", "", "cell"])),
            Attribute::new("border", texts(&["True", "", ""])),
        ];
        assert!(same(&graph.node_columns, &expected), "{graph:?}");
        let expected = [Attribute::new("kind", texts(&["cell", "cell"])), Attribute::new("faces", vec![7.0, f64::NAN])];
        assert!(same(&graph.edge_columns, &expected), "{graph:?}");
    }

    #[test]
    fn what_cannot_be_kept_is_refused_with_its_line() {
        let key = r#"<key id="n" for="node" attr.name="n" attr.type="int"/>"#;
        let message = |inside: &str| graph(key, inside).unwrap_err().message().to_owned();
        let two = "<node id=\"a\"/>\n<node id=\"b\"/>\n";
        let with = |rest: &str| message(&format!("{two}{rest}"));
        assert_eq!(
            with("<edge source=\"a\" target=\"c\"/>\n\n"),
            "g: line 5: an edge at the node c, but there is no such node"
        );
        assert!(with("<hyperedge/>").starts_with("g: line 5: hyperedges are not supported"));
        assert!(with("<edge source=\"a\" target=\"b\" sourceport=\"N\"/>").contains("the port N"));
        assert!(with("<node id=\"c\">\n<port name=\"N\"/></node>").starts_with("g: line 6: ports"));
        assert!(with("<node id=\"c\"><graph/></node>").contains("nested graphs"));
        assert!(
            with("<edge source=\"a\" target=\"b\"/><edge source=\"a\" target=\"b\" directed=\"true\"/>")
                .contains("directed and undirected")
        );
        assert!(with("<node id=\"a\"/>").contains("line 5: two nodes have the id a"));
        assert!(with("<edge source=\"a\"/>").contains("<edge> without target"));
        assert!(message("<node id=\"a\"><data key=\"n\">1.5</data></node>").contains("n: «1.5» is no integer"));
        assert!(message("<node id=\"a\"><data key=\"m\">1</data></node>").contains("there is no key m"));
        assert!(message("<node id=\"a\"><data key=\"n\">1</data><data key=\"n\">1</data></node>").contains("twice"));
        assert!(message("</graph><graph edgedefault=\"directed\">").contains("a second graph"));
        assert!(parse("g", &b""[..]).unwrap_err().message().contains("no GraphML"));
        assert!(parse("g", &b"<svg/>"[..]).unwrap_err().message().contains("<svg> where <graphml> should be"));
    }

    #[test]
    fn entities_of_a_document_are_not_known() {
        let bomb = "<!DOCTYPE graphml [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
        let text = |id: &str, data: &str| {
            format!(
                "{bomb}<graphml><key id=\"k\" for=\"node\" attr.name=\"k\"/><graph edgedefault=\"directed\">\
                 <node id=\"{id}\"><data key=\"k\">{data}</data></node></graph></graphml>"
            )
        };
        let fine = parse("g", text("&#97;&amp;", "&lt;<![CDATA[&b;]]>").as_bytes()).unwrap();
        assert_eq!(
            (fine.nodes, &fine.node_columns[0].values),
            (vec!["a&".to_string()], &vec!["<&b;".to_string()].into())
        );
        assert!(parse("g", text("a", "&b;").as_bytes()).unwrap_err().message().contains("&b; is not known"));
        assert!(parse("g", text("&b;", "").as_bytes()).is_err());
    }
}
