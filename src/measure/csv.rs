//! Tables as CSV: one header line of column names, then one line a row, comma-separated.
//!
//! What is written reads back to the same bits: floats are written in the shortest form that
//! does so (all NaNs are one), integers plain, flags as `true` and `false`. CSV has no place for
//! units, so a table that was read has none. Types are inferred a column at a time: integer,
//! then float, then flag; a column called `label` or `label_…` holds labels. Reading holds the
//! text of the file in memory beside the table; writing streams.

use std::io::{self, Write};
use std::path::Path;

use ::csv::{ReaderBuilder, StringRecord, WriterBuilder};

use crate::error::{Error, Result};
use crate::measure::table::{Column, Table, Values};
use crate::volume::sink::write_by;

/// Writes `table` to the file `path`, which appears when it is whole.
///
/// # Errors
/// Where the table is ragged or the file cannot be written.
pub fn write(table: &Table, path: &Path) -> Result<()> {
    table.check()?;
    write_by(path, |out| write_to(table, out))
}

/// Writes `table` to `out`: the standard output, usually.
///
/// # Errors
/// Where `out` does not take it, or the table is ragged.
pub fn write_to(table: &Table, out: impl Write) -> io::Result<()> {
    table.check().map_err(io::Error::other)?;
    let mut writer = WriterBuilder::new().from_writer(out);
    writer.write_record(table.columns.iter().map(|column| &column.name))?;
    let mut field = Vec::new();
    for row in 0..table.rows() {
        for column in &table.columns {
            field.clear();
            if let Some(value) = column.values.get(row) {
                write!(field, "{value}")?;
            }
            writer.write_field(&field)?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

/// Reads the file `path` as a table named after it.
///
/// An empty field counts as NaN, and its column then holds floats. A column without rows holds
/// integers.
///
/// # Errors
/// Where the file cannot be read, a line is longer or shorter than the header, or a column holds
/// anything but numbers or flags: the error names the line.
pub fn read(path: &Path) -> Result<Table> {
    let bytes = std::fs::read(path).map_err(|cause| Error::reading(path, cause))?;
    parse(&path.display().to_string(), &bytes)
}

/// Reads a table named `name` from the bytes of a CSV file.
///
/// # Errors
/// As [`read`].
pub fn parse(name: &str, bytes: &[u8]) -> Result<Table> {
    let mut reader = ReaderBuilder::new().from_reader(bytes);
    let malformed = |cause: ::csv::Error| {
        let line = cause.position().map_or(1, |at| at.line());
        match cause.kind() {
            ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                Error::input(name, format!("line {line}: {len} fields where the header has {expected_len}"))
            }
            ::csv::ErrorKind::Utf8 { .. } => Error::input(name, format!("line {line}: not UTF-8 text")),
            _ => Error::input(name, format!("line {line}: not CSV: {cause}")),
        }
    };
    let header = reader.headers().map_err(malformed)?.clone();
    if header.is_empty() {
        return Err(Error::input(name, "empty: no header line of column names"));
    }
    let records = reader.records().collect::<Result<Vec<_>, _>>().map_err(malformed)?;
    let columns = header
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let values = values(column, &records, at).map_err(|(line, what)| {
                Error::input(name, format!("line {line}: {what}: columns hold numbers, or true and false"))
            })?;
            Ok(Column { name: column.to_owned(), unit: String::new(), values })
        })
        .collect::<Result<_>>()?;
    Table::new(name, columns)
}

/// The types that a column may still have, in order of preference.
#[derive(Clone, Copy)]
struct Candidates {
    integer: bool,
    label: bool,
    float: bool,
    flag: bool,
}

impl Candidates {
    fn of(field: &str) -> Self {
        Self {
            integer: field.parse::<i64>().is_ok(),
            label: field.parse::<u64>().is_ok(),
            float: float(field).is_some(),
            flag: flag(field).is_some(),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            integer: self.integer & other.integer,
            label: self.label & other.label,
            float: self.float & other.float,
            flag: self.flag & other.flag,
        }
    }

    fn none(self) -> bool {
        !(self.integer | self.label | self.float | self.flag)
    }
}

fn float(field: &str) -> Option<f64> {
    if field.is_empty() { Some(f64::NAN) } else { field.parse().ok() }
}

/// `true` and `false`, also as Python writes them.
fn flag(field: &str) -> Option<bool> {
    match field {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// The fields of one column in their common type, or the line and field that rule out the last.
fn values(name: &str, records: &[StringRecord], at: usize) -> Result<Values, (u64, String)> {
    let fields = || records.iter().map(|record| record[at].trim());
    let mut common = Candidates { integer: true, label: true, float: true, flag: true };
    for (record, field) in records.iter().zip(fields()) {
        common = common.and(Candidates::of(field));
        if common.none() {
            let line = record.position().map_or(0, |position| position.line());
            let shown: String = field.chars().take(40).collect();
            return Err((line, format!("«{shown}» does not fit into column {name}")));
        }
    }
    let is_label = name == "label" || name.starts_with("label_");
    let parsed = "the column was found to have this type";
    Ok(if common.label && (is_label || !common.integer) {
        Values::Labels(fields().map(|field| field.parse().expect(parsed)).collect())
    } else if common.integer {
        Values::Integers(fields().map(|field| field.parse().expect(parsed)).collect())
    } else if common.float {
        Values::Floats(fields().map(|field| float(field).expect(parsed)).collect())
    } else {
        Values::Flags(fields().map(|field| flag(field).expect(parsed)).collect())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn to_bytes(table: &Table) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_to(table, &mut bytes).unwrap();
        bytes
    }

    /// Equal to the bit, NaNs counting as one.
    fn same(a: &Values, b: &Values) -> bool {
        match (a, b) {
            (Values::Floats(a), Values::Floats(b)) => {
                let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                a.len() == b.len() && a.iter().zip(b).all(same)
            }
            _ => a == b,
        }
    }

    fn tables() -> impl Strategy<Value = Table> {
        (1usize..40).prop_flat_map(|rows| {
            let column = prop_oneof![
                prop::collection::vec(any::<i64>(), rows).prop_map(Values::from),
                prop::collection::vec(any::<u64>().prop_map(f64::from_bits), rows).prop_map(Values::from),
                prop::collection::vec(-1000..1000i32, rows)
                    .prop_map(|v| Values::Floats(v.into_iter().map(f64::from).collect())),
                prop::collection::vec(any::<bool>(), rows).prop_map(Values::from),
            ];
            let labels = prop::collection::vec(any::<u64>(), rows).prop_map(Values::from);
            (labels, prop::collection::vec(("[ -~µ\"\n,]{1,12}", column), 0..6)).prop_map(|(labels, others)| {
                let mut columns = vec![Column::new("label", "", labels)];
                for (index, (name, values)) in others.into_iter().enumerate() {
                    columns.push(Column::new(format!("{index}{name}"), "", values));
                }
                Table::new("random", columns).unwrap()
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_to_the_same_bits(table in tables()) {
            let bytes = to_bytes(&table);
            let back = parse("random", &bytes).unwrap();
            prop_assert_eq!(back.columns.len(), table.columns.len());
            for (ours, theirs) in table.columns.iter().zip(&back.columns) {
                prop_assert_eq!(&ours.name, &theirs.name);
                prop_assert!(same(&ours.values, &theirs.values), "{:?} {:?}", ours, theirs);
            }
            prop_assert_eq!(to_bytes(&back), bytes);
        }

        #[test]
        fn any_bytes_are_a_table_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse("noise", &bytes);
        }
    }

    #[test]
    fn a_file_is_written_whole_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.csv");
        let table = Table::new(
            "cells",
            vec![
                Column::new("label", "", vec![1u64, 2]),
                Column::new("area", "µm³", vec![0.1 + 0.2, 4.0]),
                Column::new("touches_border", "", vec![true, false]),
            ],
        )
        .unwrap();
        write(&table, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "label,area,touches_border\n1,0.30000000000000004,true\n2,4.0,false\n");
        assert_eq!(read(&path).unwrap().floats("area").unwrap(), table.floats("area").unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
        assert_eq!(read(&folder.path().join("none.csv")).unwrap_err().kind(), crate::error::Kind::Input);
    }

    #[test]
    fn types_are_inferred_a_column_at_a_time() {
        let text = "\u{feff}label,n,big,x,gap,flag\r\n1,-1,1,1,2,True\r\n2,5,18446744073709551615,2.5,,False\r\n";
        let table = parse("t", text.as_bytes()).unwrap();
        let values: Vec<_> = table.columns.iter().map(|column| &column.values).collect();
        assert_eq!(table.columns[0].name, "label", "a byte order mark is no part of the name");
        assert_eq!(*values[0], Values::Labels(vec![1, 2]));
        assert_eq!(*values[1], Values::Integers(vec![-1, 5]));
        assert_eq!(*values[2], Values::Labels(vec![1, u64::MAX]));
        assert_eq!(*values[3], Values::Floats(vec![1.0, 2.5]));
        assert!(same(values[4], &Values::Floats(vec![2.0, f64::NAN])));
        assert_eq!(*values[5], Values::Flags(vec![true, false]));
    }

    #[test]
    fn an_error_names_the_file_and_the_line() {
        let message = |text: &str| parse("scan/cells.csv", text.as_bytes()).unwrap_err().message().to_owned();
        assert_eq!(
            message("label,area\n1,2.5\n2,large\n"),
            "scan/cells.csv: line 3: «large» does not fit into column area: columns hold numbers, or true and false"
        );
        assert_eq!(message("label,area\n1,2.5\n2\n"), "scan/cells.csv: line 3: 1 fields where the header has 2");
        assert_eq!(message(""), "scan/cells.csv: empty: no header line of column names");
        assert_eq!(message("a,a\n1,2\n"), "scan/cells.csv: two columns are named a");
        assert!(message("flag\ntrue\n1\n").contains("line 3: «1»"));
    }
}
