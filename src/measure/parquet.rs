//! Tables as Parquet: a column of the table is a column of the file, compressed with zstd.
//!
//! Integers are INT64, labels INT64 with the logical type UINT_64, floats DOUBLE, flags BOOLEAN;
//! all are required, none is null. The units stand in the file's metadata under `septa.units`, a
//! JSON object of column name to unit, and the table's name under `septa.name`. Row groups of
//! 2^20 rows, written one column after the other: labels are copied once, the rest not at all.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::{BoolType, DataType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::Type;

use crate::error::{Error, Result};
use crate::measure::table::{Column, Table, Values};
use crate::volume::sink::TempFile;

const ROWS_PER_GROUP: usize = 1 << 20;
const UNITS: &str = "septa.units";
const NAME: &str = "septa.name";

/// Writes `table` to the file `path`, which appears when it is whole.
///
/// # Errors
/// Where the table is ragged or the file cannot be written.
pub fn write(table: &Table, path: &Path) -> Result<()> {
    table.check()?;
    let file = TempFile::create(path)?;
    write_columns(table, file.file()).map_err(|cause| match cause {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => Error::writing(path, *cause),
            Err(cause) => Error::resource(format!("{}: cannot be written as Parquet: {cause}", path.display())),
        },
        cause => Error::resource(format!("{}: cannot be written as Parquet: {cause}", path.display())),
    })?;
    file.keep()
}

fn write_columns(table: &Table, file: &std::fs::File) -> Result<(), ParquetError> {
    let fields = table.columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    let units: BTreeMap<&str, &str> =
        table.columns.iter().map(|column| (column.name.as_str(), column.unit.as_str())).collect();
    let units = serde_json::to_string(&units).map_err(|cause| ParquetError::External(cause.into()))?;
    let properties = WriterProperties::builder()
        .set_created_by(format!("septa version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(vec![
            KeyValue::new(NAME.into(), table.name.clone()),
            KeyValue::new(UNITS.into(), units),
        ]))
        .build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
    for start in (0..table.rows()).step_by(ROWS_PER_GROUP) {
        let rows = start..table.rows().min(start + ROWS_PER_GROUP);
        let mut group = writer.next_row_group()?;
        for column in &table.columns {
            let mut out = group.next_column()?.expect("the schema has a column for each of the table's");
            match &column.values {
                Values::Integers(values) => {
                    out.typed::<Int64Type>().write_batch(&values[rows.clone()], None, None)?;
                }
                Values::Labels(values) => {
                    // Parquet keeps unsigned integers as the signed ones of the same bits.
                    let values: Vec<i64> = values[rows.clone()].iter().map(|value| value.cast_signed()).collect();
                    out.typed::<Int64Type>().write_batch(&values, None, None)?;
                }
                Values::Floats(values) => {
                    out.typed::<DoubleType>().write_batch(&values[rows.clone()], None, None)?;
                }
                Values::Flags(values) => {
                    out.typed::<BoolType>().write_batch(&values[rows.clone()], None, None)?;
                }
            }
            out.close()?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn field(column: &Column) -> Result<Type, ParquetError> {
    let (physical, logical) = match &column.values {
        Values::Integers(_) => (Physical::INT64, None),
        Values::Labels(_) => (Physical::INT64, Some(LogicalType::integer(64, false))),
        Values::Floats(_) => (Physical::DOUBLE, None),
        Values::Flags(_) => (Physical::BOOLEAN, None),
    };
    Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(logical)
        .build()
}

/// Reads the file `path` as a table: one that [`write()`] wrote, or any of flat, required or
/// optional columns of INT64, DOUBLE and BOOLEAN without nulls.
///
/// # Errors
/// Where the file cannot be read, is damaged, or has columns of another type; the error names
/// the column.
pub fn read(path: &Path) -> Result<Table> {
    let file = std::fs::File::open(path).map_err(|cause| Error::reading(path, cause))?;
    let wrong = |what: String| Error::input(path.display(), what);
    let damaged = |cause: ParquetError| wrong(format!("not a whole Parquet file: {cause}")).because(cause);
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    let metadata = reader.metadata();
    let note = |key: &str| {
        let notes = metadata.file_metadata().key_value_metadata()?;
        notes.iter().find(|note| note.key == key)?.value.clone()
    };
    let units: BTreeMap<String, String> =
        note(UNITS).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let schema = metadata.file_metadata().schema_descr();
    let mut columns = Vec::new();
    for at in 0..schema.num_columns() {
        let descriptor = schema.column(at);
        let name = descriptor.path().string();
        let unsigned = descriptor.logical_type_ref() == Some(&LogicalType::integer(64, false));
        let mut values = match descriptor.physical_type() {
            Physical::INT64 if unsigned => Values::Labels(Vec::new()),
            Physical::INT64 => Values::Integers(Vec::new()),
            Physical::DOUBLE => Values::Floats(Vec::new()),
            Physical::BOOLEAN => Values::Flags(Vec::new()),
            other => return Err(wrong(format!("column {name} is of {other}: INT64, DOUBLE and BOOLEAN are read"))),
        };
        for group in 0..metadata.num_row_groups() {
            let rows = usize::try_from(metadata.row_group(group).num_rows()).unwrap_or(0);
            let chunk = reader.get_row_group(group).and_then(|group| group.get_column_reader(at)).map_err(damaged)?;
            let read = match (&mut values, chunk) {
                (Values::Integers(values), ColumnReader::Int64ColumnReader(chunk)) => append(chunk, rows, values),
                (Values::Labels(values), ColumnReader::Int64ColumnReader(chunk)) => {
                    let mut signed = Vec::new();
                    let read = append(chunk, rows, &mut signed);
                    values.extend(signed.into_iter().map(i64::cast_unsigned));
                    read
                }
                (Values::Floats(values), ColumnReader::DoubleColumnReader(chunk)) => append(chunk, rows, values),
                (Values::Flags(values), ColumnReader::BoolColumnReader(chunk)) => append(chunk, rows, values),
                _ => Ok(0),
            };
            if read.map_err(damaged)? != rows {
                return Err(wrong(format!("column {name} has nulls or lists, or is cut short")));
            }
        }
        let unit = units.get(&name).cloned().unwrap_or_default();
        columns.push(Column { name, unit, values });
    }
    let name = note(NAME).unwrap_or_else(|| path.display().to_string());
    Table::new(name, columns)
}

/// Appends the values of a chunk that are there, up to `rows`, and says how many they were.
fn append<T: DataType>(
    mut chunk: ColumnReaderImpl<T>,
    rows: usize,
    values: &mut Vec<T::T>,
) -> Result<usize, ParquetError> {
    let before = values.len();
    let mut left = rows;
    while left > 0 {
        // Levels are asked for so that an optional column is decoded; nulls show in the count.
        let (mut defined, mut repeated) = (Vec::new(), Vec::new());
        let (records, _, _) = chunk.read_records(left, Some(&mut defined), Some(&mut repeated), values)?;
        if records == 0 {
            break;
        }
        left -= records;
    }
    Ok(values.len() - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_with_units_and_types() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cells.parquet");
        let rows = ROWS_PER_GROUP as u64 + 7;
        let table = Table::new(
            "cells",
            vec![
                Column::new("label", "", (0..rows).map(|row| u64::MAX - row).collect::<Vec<_>>()),
                Column::new("num_pixels", "", (0..rows as i64).map(|row| row - 5).collect::<Vec<_>>()),
                Column::new("centroid-0", "µm", (0..rows).map(|row| (row as f64).sqrt()).collect::<Vec<_>>()),
                Column::new("touches_border", "", (0..rows).map(|row| row % 3 == 0).collect::<Vec<_>>()),
            ],
        )
        .unwrap();
        write(&table, &path).unwrap();
        assert_eq!(read(&path).unwrap(), table);
    }

    #[test]
    fn a_table_without_rows_keeps_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none.parquet");
        let table = Table::new("none", vec![Column::new("label", "", Vec::<u64>::new())]).unwrap();
        write(&table, &path).unwrap();
        assert_eq!(read(&path).unwrap(), table);
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.parquet");
        write(&Table::new("t", vec![Column::new("x", "", vec![1.5f64; 100])]).unwrap(), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        let message = read(&path).unwrap_err().message().to_owned();
        assert!(message.contains("cut.parquet: not a whole Parquet file"), "{message}");
    }
}
