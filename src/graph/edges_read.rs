//! Reading lists of edges: a line an edge, its two ends, then its attributes.
//!
//! **Numbering.** Where all ids are integers (plain decimals of i64, or of u64), nodes are in the
//! order of their numbers; else in the order in which they first appear. **Header.** The first line
//! is one where two of its fields are a known pair ([`PAIRS`]), or where none of its fields is a
//! number and those below one of them all are. **Names.** Without a header the third column is
//! `weight`, and those after it `column_4` and so on. **Types** of attributes are inferred, column
//! by column: integers, labels where an i64 is too small, floats (an empty field is NaN), flags,
//! texts. **Direction** is not in a list: edges are read as undirected, until `directed` is set.
//!
//! The text is read whole and walked twice. Time: O(edges) where integer ids lie close, else
//! O(edges log nodes). Memory: the file, 16 bytes an edge, 24 a node where integer ids lie far apart,
//! 8 bytes an attribute.

use std::collections::HashMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::graph::attributed::{Attribute, AttributeValues, Attributed, check_columns};
use crate::graph::fields::{Lines, Separator};
use crate::graph::numbering::Ids;

/// What headers call the two ends of an edge, in capitals or not.
pub const PAIRS: [[&str; 2]; 5] =
    [["source", "target"], ["from", "to"], ["src", "dst"], ["label_a", "label_b"], ["fromnodeid", "tonodeid"]];

/// Reads the list of edges in the file `path`: separated by commas where its name ends in `.csv`,
/// by tabs in `.tsv`, else by commas if the first line has one, or by blanks and tabs.
///
/// # Errors
/// Where it cannot be read, or a line is no edge; the error names the line.
pub fn read(path: &Path) -> Result<Attributed> {
    let bytes = std::fs::read(path).map_err(|cause| Error::reading(path, cause))?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
    let separator = match ending.as_str() {
        "csv" => Some(Separator::Comma),
        "tsv" => Some(Separator::Tab),
        _ => None,
    };
    parse(&path.display().to_string(), &bytes, separator)
}

/// Reads a list of edges from memory; `name` is how errors call it. With no separator, the first
/// line tells it.
///
/// # Errors
/// As [`read`].
pub fn parse(name: &str, bytes: &[u8], separator: Option<Separator>) -> Result<Attributed> {
    let at = |line: u64, what: String| Error::input(name, format!("line {line}: {what}"));
    let text = std::str::from_utf8(bytes).map_err(|cause| {
        let line = bytes[..cause.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count() as u64 + 1;
        at(line, "not UTF-8: convert the file".into())
    })?;
    if text.starts_with("%%MatrixMarket") {
        return Err(at(1, "a matrix in Matrix Market format, not a list of edges: take its first lines off".into()));
    }
    let mut lines = Lines::new(text, separator.unwrap_or(Separator::Blanks));
    let mut fields = Vec::new();
    if separator.is_none() && lines.clone().next(&mut fields).is_ok() && fields.iter().any(|it| it.contains(',')) {
        lines = Lines::new(text, Separator::Comma);
    }
    let form = match Form::of(lines.clone()) {
        Ok(Some(form)) => form,
        Ok(None) => return Err(Error::input(name, "no edges: there is not a line in it")),
        Err((line, what)) => return Err(at(line, what)),
    };
    form.graph(lines).map_err(|what| Error::input(name, what))
}

/// The types that a column may still have.
#[derive(Clone, Copy, Debug)]
struct Candidates {
    integer: bool,
    label: bool,
    /// Integers are written as we would write them, so that the number stands for the text.
    plain: bool,
    float: bool,
    flag: bool,
    empty: bool,
}

impl Candidates {
    const ALL: Self = Self { integer: true, label: true, plain: true, float: true, flag: true, empty: true };

    fn of(field: &str) -> Self {
        let digits = field.strip_prefix('-').unwrap_or(field);
        let plain = matches!(digits.as_bytes(), [b'1'..=b'9', ..]) || field == "0";
        match (field.parse::<i64>(), field.as_bytes().first()) {
            (Ok(value), _) => Self { label: value >= 0, plain, flag: false, empty: false, ..Self::ALL },
            (Err(_), Some(b'0'..=b'9' | b'+')) if field.parse::<u64>().is_ok() => {
                Self { integer: false, plain, flag: false, empty: false, ..Self::ALL }
            }
            _ => Self {
                integer: false,
                label: false,
                plain: false,
                float: field.is_empty() || field.parse::<f64>().is_ok(),
                flag: flag(field).is_some(),
                empty: field.is_empty(),
            },
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            integer: self.integer & other.integer,
            label: self.label & other.label,
            plain: self.plain & other.plain,
            float: self.float & other.float,
            flag: self.flag & other.flag,
            empty: self.empty & other.empty,
        }
    }

    fn is_number(self) -> bool {
        self.float && !self.empty
    }

    /// Nothing yet, of the type preferred.
    fn values(self) -> AttributeValues {
        match self {
            Self { integer: true, .. } => AttributeValues::Integers(Vec::new()),
            Self { label: true, .. } => AttributeValues::Labels(Vec::new()),
            Self { float: true, .. } => AttributeValues::Floats(Vec::new()),
            Self { flag: true, .. } => AttributeValues::Flags(Vec::new()),
            _ => AttributeValues::Texts(Vec::new()),
        }
    }
}

/// `true` and `false`, also as Python writes them.
fn flag(field: &str) -> Option<bool> {
    match field {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

fn push(values: &mut AttributeValues, field: &str) {
    let found = "the column was found to have this type";
    match values {
        AttributeValues::Integers(values) => values.push(field.parse().expect(found)),
        AttributeValues::Labels(values) => values.push(field.parse().expect(found)),
        AttributeValues::Floats(values) if field.is_empty() => values.push(f64::NAN),
        AttributeValues::Floats(values) => values.push(field.parse().expect(found)),
        AttributeValues::Flags(values) => values.push(flag(field).expect(found)),
        AttributeValues::Texts(values) => values.push(field.to_owned()),
    }
}

/// What a first walk over a list finds out.
struct Form {
    header: bool,
    /// The columns of the two ends.
    ends: [usize; 2],
    names: Vec<String>,
    columns: Vec<Candidates>,
    edges: usize,
}

impl Form {
    /// Walks over a list; nothing where it has no line.
    fn of(mut lines: Lines<'_>) -> Result<Option<Self>, (u64, String)> {
        let mut first = Vec::new();
        if !lines.next(&mut first).map_err(|what| (lines.line, what))? {
            return Ok(None);
        }
        let (width, line) = (first.len(), lines.line);
        if width < 2 {
            return Err((line, format!("«{}» is one field, and an edge has two ends: {HINT}", shown(&first[0]))));
        }
        let (mut below, mut edges, mut fields) = (vec![Candidates::ALL; width], 0, Vec::new());
        // Ids may not be empty, but which columns they stand in is known only at the end.
        let mut first_empty = vec![None; width];
        while lines.next(&mut fields).map_err(|what| (lines.line, what))? {
            if fields.len() != width {
                return Err((lines.line, format!("{} fields where line {line} has {width}: {HINT}", fields.len())));
            }
            for ((column, empty), field) in below.iter_mut().zip(&mut first_empty).zip(&fields) {
                *column = column.and(Candidates::of(field));
                if field.is_empty() && empty.is_none() {
                    *empty = Some(lines.line);
                }
            }
            edges += 1;
        }
        let heads: Vec<Candidates> = first.iter().map(|field| Candidates::of(field)).collect();
        let place = |name: &str| first.iter().position(|field| field.eq_ignore_ascii_case(name));
        let named = PAIRS.iter().find_map(|[from, to]| Some([place(from)?, place(to)?]));
        let no_number = heads.iter().all(|head| !head.is_number());
        let header = named.is_some() || (edges > 0 && no_number && below.iter().any(|column| column.is_number()));
        if header && named.is_none() && width > 3 {
            let what = "which two columns are the ends of an edge? Call them source and target";
            return Err((line, what.into()));
        }
        let ends = named.unwrap_or([0, 1]);
        let columns = match header {
            true => below,
            false => below.into_iter().zip(&heads).map(|(below, head)| below.and(*head)).collect(),
        };
        for end in ends {
            let empty = if !header && first[end].is_empty() { Some(line) } else { first_empty[end] };
            if let Some(line) = empty {
                return Err((line, "an edge with an end that is empty".into()));
            }
        }
        let unnamed = |column: usize| if column == 2 { "weight".into() } else { format!("column_{}", column + 1) };
        let names = first.iter().enumerate();
        let names = names.map(|(at, name)| if header { name.to_string() } else { unnamed(at) }).collect();
        Ok(Some(Self { header, ends, names, columns, edges: edges + usize::from(!header) }))
    }

    /// Walks over the list again, for the graph.
    fn graph(self, mut lines: Lines<'_>) -> Result<Attributed, String> {
        let [from, to] = self.ends.map(|end| self.columns[end]);
        let plain = from.plain && to.plain;
        let mut ids = match () {
            () if plain && from.label && to.label => Ids::Unsigned,
            () if plain && from.integer && to.integer => Ids::Signed,
            () => Ids::Texts(HashMap::new()),
        };
        let attributes = (0..self.columns.len()).filter(|column| !self.ends.contains(column));
        let mut attributes: Vec<(usize, AttributeValues)> =
            attributes.map(|column| (column, self.columns[column].values())).collect();
        let mut edges = Vec::with_capacity(self.edges);
        let mut fields = Vec::new();
        let known = "the lines were walked over before";
        if self.header {
            lines.next(&mut fields).expect(known);
        }
        while lines.next(&mut fields).expect(known) {
            for (column, values) in &mut attributes {
                push(values, &fields[*column]);
            }
            let [from, to] = self.ends.map(|end| ids.key(std::mem::take(&mut fields[end])));
            edges.push((from, to));
        }
        let nodes = ids.number(&mut edges);
        let edge_columns = attributes.into_iter().map(|(column, values)| Attribute::new(&self.names[column], values));
        let edge_columns: Vec<_> = edge_columns.collect();
        check_columns("edge", edges.len(), &edge_columns)?;
        Ok(Attributed { directed: false, nodes, node_columns: Vec::new(), edges, edge_columns })
    }
}

const HINT: &str = "fields are separated by commas in .csv, by tabs in .tsv, and by blanks in .txt and .edges";

fn shown(field: &str) -> String {
    field.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::graph::edges::{ENDS, write_to};

    fn list(text: &str) -> Attributed {
        parse("list", text.as_bytes(), None).unwrap()
    }

    fn message(text: &str, separator: Option<Separator>) -> String {
        parse("list", text.as_bytes(), separator).unwrap_err().message().to_owned()
    }

    #[test]
    fn integer_ids_are_numbered_by_value_and_others_by_appearance() {
        let integers = list("# a comment\n10 9\n-3\t10\n% another\n9 9\n");
        assert_eq!(integers.nodes, ["-3", "9", "10"]);
        assert_eq!(integers.edges, [(2, 1), (0, 2), (1, 1)]);
        let large = list("18446744073709551615 0\n7 0\n");
        assert_eq!(large.nodes, ["0", "7", "18446744073709551615"]);
        // 07 and 7 are two names, so these ids are texts; so are a negative and one beyond i64.
        assert_eq!(list("07 7\n1 7\n").nodes, ["07", "7", "1"]);
        assert_eq!(list("18446744073709551615 3\n-1 3\n").nodes, ["18446744073709551615", "3", "-1"]);
        assert_eq!(list("b a\nc b\n").edges, [(0, 1), (2, 0)]);
        integers.check().unwrap();
    }

    #[test]
    fn a_header_is_known_by_its_names_or_by_the_numbers_below() {
        let names = |text: &str| {
            let graph = list(text);
            (graph.nodes.len(), graph.edge_columns.into_iter().map(|column| column.name).collect::<Vec<_>>())
        };
        let none: [&str; 0] = [];
        assert_eq!(names("a b\nc d\n"), (4, none.map(String::from).to_vec()));
        assert_eq!(names("a,b\n1,2\n"), (2, none.map(String::from).to_vec()));
        assert_eq!(names("hub 1\n2 3\n").0, 4, "a line with a number in it is no header");
        assert_eq!(names("1 2 0.5\n"), (2, vec!["weight".to_string()]));
        assert_eq!(names("x,y,area\na,b,1\n"), (2, vec!["area".to_string()]));
        assert_eq!(names("Source,Target\n"), (0, Vec::new()));
        assert_eq!(names("area,FROM,kind,to\n2.5,a,c,b\n"), (2, vec!["area".to_string(), "kind".to_string()]));
        assert_eq!(names("1 2 3 4\n").1, ["weight", "column_4"]);
    }

    #[test]
    fn types_are_inferred_a_column_at_a_time() {
        let graph = list("source,target,n,big,x,on,word\n1,2,-1,0,1,True,a\n2,3,4,18446744073709551615,,false,7\n");
        let values: Vec<_> = graph.edge_columns.iter().map(|column| &column.values).collect();
        assert_eq!(*values[0], AttributeValues::Integers(vec![-1, 4]));
        assert_eq!(*values[1], AttributeValues::Labels(vec![0, u64::MAX]));
        assert!(matches!(values[2], AttributeValues::Floats(x) if x[0] == 1.0 && x[1].is_nan()));
        assert_eq!(*values[3], AttributeValues::Flags(vec![true, false]));
        assert_eq!(*values[4], AttributeValues::Texts(vec!["a".into(), "7".into()]));
    }

    #[test]
    fn an_error_names_the_line() {
        assert!(message("1 2\n\n3\n", None).starts_with("list: line 3: 1 fields where line 1 has 2"));
        assert!(message("1 2\n", Some(Separator::Comma)).starts_with("list: line 1: «1 2» is one field"));
        assert!(message("a,b\nc,\n", None).contains("line 2: an edge with an end that is empty"));
        assert!(message("a,b,c,d\n1,2,3,4\n", None).contains("line 1: which two columns are the ends"));
        assert!(message("source,target,w,w\n", None).contains("two attributes of the edges are named w"));
        assert!(message("%%MatrixMarket matrix\n3 3 1\n", None).contains("Matrix Market"));
        assert!(message("# nothing\n", None).contains("no edges"));
        assert!(parse("list", b"1 2\n\xff 3\n", None).unwrap_err().message().contains("line 2: not UTF-8"));
    }

    fn graphs() -> impl Strategy<Value = Attributed> {
        let id = prop_oneof![any::<i64>().prop_map(|id| id.to_string()), "[^\\x00]{1,6}"];
        let column = |rows: usize| {
            prop_oneof![
                prop::collection::vec(any::<i64>(), rows).prop_map(AttributeValues::from),
                prop::collection::vec((1u64 << 63)..=u64::MAX, rows).prop_map(AttributeValues::from),
                prop::collection::vec(any::<bool>(), rows).prop_map(AttributeValues::from),
                prop::collection::vec(any::<i32>().prop_map(|x| f64::from(x) / 8.0 + 1e-3), rows)
                    .prop_map(AttributeValues::from),
                prop::collection::vec("[^\\x00]{0,6}".prop_map(|text| format!("t{text}")), rows)
                    .prop_map(AttributeValues::from),
            ]
        };
        (prop::collection::hash_set(id, 1..20), 1usize..40).prop_flat_map(move |(ids, rows)| {
            let nodes: Vec<String> = ids.into_iter().collect();
            let ends = prop::collection::vec((0..nodes.len() as u64, 0..nodes.len() as u64), rows);
            (Just(nodes), ends, prop::collection::vec(column(rows), 0..4)).prop_map(|(nodes, edges, columns)| {
                let columns = columns.into_iter().enumerate();
                let edge_columns = columns.map(|(at, values)| Attribute::new(format!("c {at}"), values)).collect();
                Attributed { nodes, edges, edge_columns, ..Attributed::default() }
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(graph in graphs()) {
            let mut bytes = Vec::new();
            write_to(&graph, ENDS, &mut bytes).unwrap();
            let back = parse("random", &bytes, Some(Separator::Comma)).unwrap();
            back.check().unwrap();
            let named = |graph: &Attributed| -> Vec<(String, String)> {
                let name = |node: u64| graph.nodes[node as usize].clone();
                graph.edges.iter().map(|&(from, to)| (name(from), name(to))).collect()
            };
            prop_assert_eq!(named(&back), named(&graph));
            prop_assert_eq!(&back.edge_columns, &graph.edge_columns);
        }

        #[test]
        fn integer_lists_agree_with_a_plain_map(edges in prop::collection::vec((-50i64..50, any::<i64>()), 1..99)) {
            let text: String = edges.iter().map(|(from, to)| format!("{from} {to}\n")).collect();
            let graph = list(&text);
            let mut index: BTreeMap<i64, u64> = edges.iter().flat_map(|&(from, to)| [(from, 0), (to, 0)]).collect();
            index.values_mut().zip(0..).for_each(|(node, rank)| *node = rank);
            prop_assert_eq!(graph.nodes, index.keys().map(i64::to_string).collect::<Vec<_>>());
            let expected: Vec<_> = edges.iter().map(|(from, to)| (index[from], index[to])).collect();
            prop_assert_eq!(graph.edges, expected);
        }

        #[test]
        fn any_bytes_are_a_graph_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,99}") {
            for separator in [None, Some(Separator::Comma), Some(Separator::Tab)] {
                let _ = parse("noise", &bytes, separator);
                let _ = parse("noise", text.as_bytes(), separator);
            }
        }
    }
}
