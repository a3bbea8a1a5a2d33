//! The keys of a GraphML file and the values given under them, as columns.
//!
//! Values come with gaps, and keys of one name make one column: networkx writes a key for each type
//! that an attribute has. So values are held as the text they came in, checked, with their rows,
//! and laid out once all are known: no size in the file is trusted. Memory: 16 bytes a value and
//! its text.

use std::collections::HashMap;

use crate::graph::attributed::{Attribute, AttributeValues};

/// Keys that a file may have: columns times rows is what a small file can make us fill.
const MAX_KEYS: usize = 1024;

/// Integers beyond this are not all floats.
const EXACT: u64 = 1 << 53;

/// What a value is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Node,
    Edge,
}

/// The keys of a file.
#[derive(Default)]
pub(super) struct Keys {
    by_id: HashMap<String, usize>,
    keys: Vec<Key>,
}

struct Key {
    /// Nothing where the key belongs to another program, such as the graphics of yEd.
    name: Option<String>,
    kind: Kind,
    default: Option<String>,
    of_node: Option<Given>,
    of_edge: Option<Given>,
}

/// Ordered so that of two kinds that meet in a column the later holds both, but for flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Flag,
    Long,
    Double,
    Text,
}

/// The values given under a key: that of `rows[k]` ends at `ends[k]` in `text`.
#[derive(Default)]
struct Given {
    rows: Vec<u64>,
    ends: Vec<usize>,
    text: String,
}

impl Keys {
    /// Declares a key by its `id`, `for`, `attr.name` and `attr.type`.
    pub(super) fn declare(
        &mut self,
        id: String,
        of: Option<&str>,
        name: Option<String>,
        kind: Option<&str>,
    ) -> Result<(), String> {
        let kind = match kind {
            Some("boolean") => Kind::Flag,
            Some("int" | "long" | "integer") => Kind::Long,
            Some("float" | "double") => Kind::Double,
            Some("string") | None => Kind::Text,
            Some(other) => return Err(format!("the key {id} has the type {other}, which GraphML does not know")),
        };
        if self.keys.len() == MAX_KEYS {
            return Err(format!("more than {MAX_KEYS} keys"));
        }
        if self.by_id.insert(id.clone(), self.keys.len()).is_some() {
            return Err(format!("two keys have the id {id}"));
        }
        let all = matches!(of, None | Some("all"));
        let given = |of_this: bool| of_this.then(Given::default);
        let (of_node, of_edge) = (given(all || of == Some("node")), given(all || of == Some("edge")));
        self.keys.push(Key { name, kind, default: None, of_node, of_edge });
        Ok(())
    }

    /// The default of the key that was declared last.
    pub(super) fn set_default(&mut self, text: &str) -> Result<(), String> {
        let key = self.keys.last_mut().expect("a default stands in a key");
        key.default = key.kind.check(text)?.then(|| text.to_owned());
        Ok(())
    }

    /// The number of the key `id`.
    pub(super) fn find(&self, id: &str) -> Result<usize, String> {
        self.by_id.get(id).copied().ok_or_else(|| format!("there is no key {id}: declare it before the graph"))
    }

    /// Whether the key belongs to another program, so that what stands under it is passed over.
    pub(super) fn is_foreign(&self, key: usize) -> bool {
        self.keys[key].name.is_none()
    }

    /// A value under a key, for a row that is not before the last.
    pub(super) fn give(&mut self, key: usize, of: Of, row: u64, text: &str) -> Result<(), String> {
        let Key { name, kind, of_node, of_edge, .. } = &mut self.keys[key];
        let name = name.as_deref().unwrap_or_default();
        let (given, what) = match of {
            Of::Node => (of_node, "nodes"),
            Of::Edge => (of_edge, "edges"),
        };
        let given = given.as_mut().ok_or_else(|| format!("the key of {name} is not for {what}"))?;
        if given.rows.last() == Some(&row) {
            return Err(format!("{name} is given twice"));
        }
        if kind.check(text).map_err(|what| format!("{name}: {what}"))? {
            given.rows.push(row);
            given.text.push_str(text);
            given.ends.push(given.text.len());
        }
        Ok(())
    }

    /// The columns of the nodes or edges, of which there are `rows`, in the order of the keys.
    ///
    /// A key under which nothing is given makes no column where there are rows. Where a row has
    /// neither value nor default, integers become floats with NaN there (texts, where a float
    /// cannot hold them), and flags become texts, empty there.
    pub(super) fn columns(&mut self, of: Of, rows: usize) -> Result<Vec<Attribute>, String> {
        let mut columns: Vec<Gathered<'_>> = Vec::new();
        for Key { name, kind, default, of_node, of_edge } in &mut self.keys {
            let given = match of {
                Of::Node => of_node.take(),
                Of::Edge => of_edge.take(),
            };
            let (Some(given), Some(name)) = (given, name) else { continue };
            let default = default.as_deref();
            if rows > 0 && given.rows.is_empty() && default.is_none() {
                continue;
            }
            match columns.iter_mut().find(|column| column.name == name) {
                Some(column) => {
                    column.kind = column.kind.with(*kind);
                    column.default = column.default.or(default);
                    column.parts.push(given);
                }
                None => columns.push(Gathered { name, kind: *kind, default, parts: vec![given] }),
            }
        }
        let column = |gathered: Gathered<'_>| {
            let name = gathered.name.to_owned();
            let values = gathered.lay_out(rows).map_err(|what| format!("{name}: {what}"))?;
            Ok(Attribute { name, values })
        };
        columns.into_iter().map(column).collect()
    }
}

impl Kind {
    /// Whether there is a value in `text`; none is where a number or flag is left empty.
    fn check(self, text: &str) -> Result<bool, String> {
        let word = trimmed(text);
        let (fits, what) = match self {
            Kind::Text => return Ok(true),
            _ if word.is_empty() => return Ok(false),
            Kind::Flag => (flag(word).is_some(), "neither true nor false"),
            Kind::Long => (word.parse::<i64>().is_ok() || word.parse::<u64>().is_ok(), "no integer of 64 bits"),
            Kind::Double => (float(word).is_some(), "no number"),
        };
        let shown: String = word.chars().take(40).collect();
        if fits { Ok(true) } else { Err(format!("«{shown}» is {what}")) }
    }

    /// The narrowest kind that holds both.
    fn with(self, other: Self) -> Self {
        if self != other && (self == Kind::Flag || other == Kind::Flag) { Kind::Text } else { self.max(other) }
    }
}

/// White space around a number, as XML has it.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

fn flag(word: &str) -> Option<bool> {
    match word {
        "1" => Some(true),
        "0" => Some(false),
        _ if word.eq_ignore_ascii_case("true") => Some(true),
        _ if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// `INF`, as XML Schema has it, `Infinity`, as Java does, and all else that Rust reads.
fn float(word: &str) -> Option<f64> {
    word.parse().ok()
}

impl Given {
    fn values(&self) -> impl Iterator<Item = (u64, &str)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        self.rows.iter().zip(starts.zip(&self.ends)).map(|(&row, (start, &end))| (row, &self.text[start..end]))
    }
}

/// All that was given under the keys of one name.
struct Gathered<'a> {
    name: &'a str,
    kind: Kind,
    default: Option<&'a str>,
    parts: Vec<Given>,
}

impl Gathered<'_> {
    fn lay_out(&self, rows: usize) -> Result<AttributeValues, String> {
        let given: usize = self.parts.iter().map(|part| part.rows.len()).sum();
        let gaps = self.default.is_none() && given < rows;
        let all = |fits: fn(&str) -> bool| {
            let mut values = self.parts.iter().flat_map(Given::values).map(|(_, text)| text).chain(self.default);
            values.all(|text| fits(trimmed(text)))
        };
        let checked = "values were checked when they were given";
        let kind = match self.kind {
            Kind::Flag if gaps => Kind::Text,
            Kind::Long if gaps && all(exact) => Kind::Double,
            Kind::Long if gaps => Kind::Text,
            kind => kind,
        };
        match kind {
            Kind::Flag => {
                self.fill(rows, false, |text| flag(trimmed(text)).expect(checked)).map(AttributeValues::Flags)
            }
            Kind::Long if all(|word| word.parse::<i64>().is_ok()) => {
                self.fill(rows, 0, |text| trimmed(text).parse().expect(checked)).map(AttributeValues::Integers)
            }
            Kind::Long if all(|word| word.parse::<u64>().is_ok()) => {
                self.fill(rows, 0, |text| trimmed(text).parse().expect(checked)).map(AttributeValues::Labels)
            }
            Kind::Double => {
                self.fill(rows, f64::NAN, |text| float(trimmed(text)).expect(checked)).map(AttributeValues::Floats)
            }
            // Also integers of which some are negative and some above 2^63.
            Kind::Long | Kind::Text => self.fill(rows, String::new(), str::to_owned).map(AttributeValues::Texts),
        }
    }

    fn fill<T: Clone>(&self, rows: usize, gap: T, read: impl Fn(&str) -> T) -> Result<Vec<T>, String> {
        let mut column: Vec<T> = Vec::new();
        column.try_reserve_exact(rows).map_err(|_| format!("no memory for {rows} values"))?;
        column.resize(rows, self.default.map_or(gap, &read));
        let mut filled = vec![false; if self.parts.len() > 1 { rows } else { 0 }];
        for (row, text) in self.parts.iter().flat_map(Given::values) {
            if filled.get_mut(row as usize).is_some_and(|filled| std::mem::replace(filled, true)) {
                return Err("given twice, under two keys of that name".into());
            }
            column[row as usize] = read(text);
        }
        Ok(column)
    }
}

/// Whether a float holds the integer exactly.
fn exact(word: &str) -> bool {
    word.parse::<i64>().is_ok_and(|value| value.unsigned_abs() <= EXACT)
}
