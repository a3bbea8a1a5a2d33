//! Reading a graph from the format that its name ends in.

use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::attributed::Attributed;
use crate::graph::{edges_read, graphml_read};

/// Whether a file is read as a graph, by the ending of its name.
pub fn is_graph(path: &Path) -> bool {
    ["graphml", "csv", "tsv", "txt", "edges"].contains(&ending(path).as_str())
}

fn ending(path: &Path) -> String {
    path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase()
}

/// Reads the graph in `path`: GraphML where its name ends in `.graphml`, a list of edges where in
/// `.csv`, `.tsv`, `.txt` or `.edges`. A list is read as undirected.
///
/// # Errors
/// Where the ending is none of these, or the file is no such graph; the error names the line.
pub fn read_graph(path: &Path) -> Result<Attributed> {
    match ending(path).as_str() {
        "graphml" => graphml_read::read(path),
        "csv" | "tsv" | "txt" | "edges" => edges_read::read(path),
        _ => Err(Error::usage(format!(
            "{}: not the name of a graph: let it end in .graphml, or for a list of edges in .csv, .tsv, .txt or .edges",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn the_ending_chooses_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let xml = "<graphml><graph edgedefault=\"undirected\"><node id=\"a b\"/><node id=\"c\"/>\
                   <edge source=\"a b\" target=\"c\"/></graph></graphml>";
        let files = [
            ("g.graphml", xml),
            ("g.csv", "a b,c\n"),
            ("g.tsv", "a b\tc\n"),
            ("g.txt", "\"a b\"  c\n"),
            ("G.EDGES", "a b,c\n"),
        ];
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let graph = read_graph(&path).unwrap();
            assert_eq!((graph.nodes, graph.edges), (vec!["a b".to_string(), "c".to_string()], vec![(0, 1)]), "{name}");
        }
        let error = read_graph(&folder.path().join("g.gml")).unwrap_err();
        assert!(error.kind() == Kind::Usage && error.message().contains("end in .graphml"), "{error}");
        let error = read_graph(&folder.path().join("none.csv")).unwrap_err();
        assert!(error.message().ends_with("none.csv: no such file or folder"), "{error}");
        let path = folder.path().join("bad.tsv");
        std::fs::write(&path, "1\t2\n3\n").unwrap();
        assert!(read_graph(&path).unwrap_err().message().contains("bad.tsv: line 2: 1 fields"));
    }
}
