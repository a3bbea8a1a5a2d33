//! Reading a table from the format that its name ends in: `.csv`, `.parquet`.

use std::path::Path;

use crate::error::{Error, Result};
use crate::measure::csv;
use crate::measure::table::Table;
use crate::measure::write::Format;

/// Reads the table in `path`, in the format that its name ends in.
///
/// # Errors
/// Where the ending is unknown or its feature is missing, or the file is no such table.
pub fn read_table(path: &Path) -> Result<Table> {
    match Format::of(path)? {
        Format::Csv => csv::read(path),
        #[cfg(feature = "parquet")]
        Format::Parquet => crate::measure::parquet::read(path),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(crate::measure::write::without_parquet(path)),
        Format::Json => Err(Error::usage(format!(
            "{}: tables are written as JSON, not read from it: give the .csv or .parquet",
            path.display()
        ))),
    }
}
