//! Writing a table in the format that its name ends in: `.csv`, `.parquet`, `.json`.
//!
//! JSON is a list with one object a row, one row a line; it has no NaN and no infinity, which
//! become `null`, and no units.

use std::io::{self, Write};
use std::path::Path;

use serde::Serializer;
use serde::ser::SerializeMap;

use crate::error::{Error, Result};
use crate::measure::csv;
use crate::measure::table::Table;
use crate::volume::sink::write_by;

/// The formats of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// Apache Parquet, which needs the feature `parquet`.
    Parquet,
    /// A list of row objects.
    Json,
}

impl Format {
    /// The format that a file's name ends in, in capitals or not.
    ///
    /// # Errors
    /// Where the ending is none of those known.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Ok(Format::Csv),
            "parquet" => Ok(Format::Parquet),
            "json" => Ok(Format::Json),
            _ => Err(Error::usage(format!(
                "{}: not the name of a table: let it end in .csv, .parquet or .json",
                path.display()
            ))),
        }
    }
}

/// Refuses a name that [`write_table`] would, before there is a table to write.
///
/// # Errors
/// Where its ending is unknown, or its feature missing.
pub fn check_ending(path: &Path) -> Result<()> {
    match Format::of(path)? {
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(without_parquet(path)),
        _ => Ok(()),
    }
}

/// Writes `table` to `path`, in the format that its name ends in. The file appears when it is
/// whole.
///
/// # Errors
/// Where the ending is unknown or its feature is missing, the table is ragged, or the file
/// cannot be written.
pub fn write_table(path: &Path, table: &Table) -> Result<()> {
    match Format::of(path)? {
        Format::Csv => csv::write(table, path),
        Format::Json => write_json(table, path),
        #[cfg(feature = "parquet")]
        Format::Parquet => crate::measure::parquet::write(table, path),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(without_parquet(path)),
    }
}

/// The error of a build that lacks the feature `parquet`.
#[cfg(not(feature = "parquet"))]
pub(super) fn without_parquet(path: &Path) -> Error {
    Error::usage(format!(
        "{}: this septa was built without the feature «parquet»: build it with --features parquet, or choose .csv",
        path.display()
    ))
}

fn write_json(table: &Table, path: &Path) -> Result<()> {
    table.check()?;
    write_by(path, |out| write_json_to(table, out))
}

/// Writes `table` to `out` as a JSON list of row objects.
///
/// # Errors
/// Where `out` does not take it, or the table is ragged.
pub fn write_json_to(table: &Table, mut out: impl Write) -> io::Result<()> {
    table.check().map_err(io::Error::other)?;
    out.write_all(b"[")?;
    for row in 0..table.rows() {
        out.write_all(if row == 0 { b"\n" } else { b",\n" })?;
        let mut json = serde_json::Serializer::new(&mut out);
        let mut object = json.serialize_map(Some(table.columns.len()))?;
        for column in &table.columns {
            object.serialize_entry(&column.name, &column.values.get(row))?;
        }
        object.end()?;
    }
    out.write_all(b"\n]\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::read::read_table;
    use crate::measure::table::Column;

    fn cells() -> Table {
        Table::new(
            "cells",
            vec![
                Column::new("label", "", vec![1u64, u64::MAX]),
                Column::new("area", "µm³", vec![0.1f64, f64::NAN]),
                Column::new("say \"x\"", "", vec![true, false]),
            ],
        )
        .unwrap()
    }

    #[test]
    fn the_ending_chooses_the_format() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["cells.csv", "CELLS.CSV"] {
            let path = folder.path().join(name);
            write_table(&path, &cells()).unwrap();
            assert_eq!(read_table(&path).unwrap().labels("label").unwrap(), cells().labels("label").unwrap());
        }
        let error = write_table(&folder.path().join("cells.xlsx"), &cells()).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        assert!(error.message().contains("end in .csv, .parquet or .json"), "{error}");
    }

    #[test]
    fn json_is_a_list_of_row_objects_in_the_order_of_the_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.json");
        write_table(&path, &cells()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text,
            "[\n{\"label\":1,\"area\":0.1,\"say \\\"x\\\"\":true},\n\
             {\"label\":18446744073709551615,\"area\":null,\"say \\\"x\\\"\":false}\n]\n"
        );
        let rows: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(rows[1]["label"], u64::MAX);
        let none = Table::new("none", vec![Column::new("label", "", Vec::<u64>::new())]).unwrap();
        write_table(&path, &none).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[\n]\n");
    }

    #[cfg(not(feature = "parquet"))]
    #[test]
    fn a_missing_feature_is_named() {
        let error = write_table(Path::new("cells.parquet"), &cells()).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Usage);
        assert!(error.message().contains("--features parquet"), "{error}");
    }
}
