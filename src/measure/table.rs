//! A table of measures: columns of equal length, each with a name, a unit and one type.
//!
//! Names are those of `skimage.measure.regionprops_table` where it has one (`label`,
//! `num_pixels`, `area`, `bbox-0`, `centroid-0`), vectors run z, y, x, and physical quantities
//! are in the unit that their column names. Columns lie in memory as plain vectors: 8 bytes a
//! value, 1 byte a flag; a lookup by name walks the list of columns.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// The values of a column, top to bottom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Values {
    /// Counts and indices.
    Integers(Vec<i64>),
    /// Labels of cells, components, vertices: the whole of u64.
    Labels(Vec<u64>),
    /// Measures; NaN where a row has none.
    Floats(Vec<f64>),
    /// Yes or no.
    Flags(Vec<bool>),
}

/// One value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// From [`Values::Integers`].
    Integer(i64),
    /// From [`Values::Labels`].
    Label(u64),
    /// From [`Values::Floats`].
    Float(f64),
    /// From [`Values::Flags`].
    Flag(bool),
}

/// A named column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, unique in the table.
    pub name: String,
    /// The unit of its values as people write it, such as `µm³`; empty where they have none.
    pub unit: String,
    /// Its values.
    pub values: Values,
}

/// Columns of equal length and different names.
///
/// The fields are open, for building and taking apart; [`check`](Table::check) says whether the
/// law holds, and all that write a table call it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// How errors name the table: `cells`, or the file it was read from.
    pub name: String,
    /// Its columns, left to right.
    pub columns: Vec<Column>,
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Values::Integers(values) => values.len(),
            Values::Labels(values) => values.len(),
            Values::Floats(values) => values.len(),
            Values::Flags(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in a row, where there is such a row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<Value> {
        match self {
            Values::Integers(values) => values.get(row).copied().map(Value::Integer),
            Values::Labels(values) => values.get(row).copied().map(Value::Label),
            Values::Floats(values) => values.get(row).copied().map(Value::Float),
            Values::Flags(values) => values.get(row).copied().map(Value::Flag),
        }
    }
}

impl Value {
    /// The value as a float: integers above 2^53 are rounded, a flag is 0 or 1.
    #[inline]
    pub fn to_f64(self) -> f64 {
        match self {
            Value::Integer(value) => value as f64,
            Value::Label(value) => value as f64,
            Value::Float(value) => value,
            Value::Flag(value) => f64::from(u8::from(value)),
        }
    }
}

impl fmt::Display for Value {
    /// Integers plain, flags as `true` and `false`, floats in the shortest form that reads back
    /// to the same bits and is still seen to be a float (`3.0`, `1e-7`, `NaN`, `inf`).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Integer(value) => write!(f, "{value}"),
            Value::Label(value) => write!(f, "{value}"),
            Value::Float(value) => write!(f, "{value:?}"),
            Value::Flag(value) => write!(f, "{value}"),
        }
    }
}

macro_rules! values_from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<Vec<$type>> for Values {
            fn from(values: Vec<$type>) -> Self {
                Values::$variant(values)
            }
        }
    )*};
}

values_from!(i64 => Integers, u64 => Labels, f64 => Floats, bool => Flags);

impl Column {
    /// A column of these values; an empty `unit` where they have none.
    pub fn new(name: impl Into<String>, unit: impl Into<String>, values: impl Into<Values>) -> Self {
        Self { name: name.into(), unit: unit.into(), values: values.into() }
    }
}

impl Table {
    /// A table of these columns.
    ///
    /// # Errors
    /// Where the columns break the law: see [`check`](Table::check).
    pub fn new(name: impl Into<String>, columns: Vec<Column>) -> Result<Self> {
        let table = Self { name: name.into(), columns };
        table.check()?;
        Ok(table)
    }

    /// Whether there is at least one column, and columns are of equal length and different,
    /// non-empty names.
    ///
    /// # Errors
    /// The first column for which it is not so.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::input(&self.name, what));
        let Some(first) = self.columns.first() else {
            return wrong("a table without columns".into());
        };
        let mut seen = std::collections::HashSet::new();
        for (index, Column { name, values, .. }) in self.columns.iter().enumerate() {
            if name.is_empty() {
                return wrong(format!("column {} has no name", index + 1));
            }
            if !seen.insert(name.as_str()) {
                return wrong(format!("two columns are named {name}"));
            }
            if values.len() != first.values.len() {
                let (rows, expected) = (values.len(), first.values.len());
                return wrong(format!("column {name} has {rows} rows where {} has {expected}", first.name));
            }
        }
        Ok(())
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The column of a name, if there is one.
    pub fn get(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The column of a name.
    ///
    /// # Errors
    /// Where there is none; the error lists those that there are.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            Error::new(Kind::Input, format!("{}: no column {name}; it has {}", self.name, names.join(", ")))
        })
    }

    /// The values of a column as floats, whatever its type; borrowed where they are floats.
    ///
    /// # Errors
    /// Where there is no such column.
    pub fn floats(&self, name: &str) -> Result<Cow<'_, [f64]>> {
        Ok(match &self.column(name)?.values {
            Values::Floats(values) => Cow::Borrowed(values),
            Values::Integers(values) => values.iter().map(|value| *value as f64).collect(),
            Values::Labels(values) => values.iter().map(|value| *value as f64).collect(),
            Values::Flags(values) => values.iter().map(|value| f64::from(u8::from(*value))).collect(),
        })
    }

    /// The values of a column as labels; borrowed where they are labels.
    ///
    /// # Errors
    /// Where there is no such column, or it holds anything but integers from 0 up.
    pub fn labels(&self, name: &str) -> Result<Cow<'_, [u64]>> {
        match &self.column(name)?.values {
            Values::Labels(values) => Ok(Cow::Borrowed(values)),
            Values::Integers(values) => values
                .iter()
                .enumerate()
                .map(|(row, value)| {
                    u64::try_from(*value).map_err(|_| {
                        Error::input(&self.name, format!("row {}: {name} is {value}, below zero", row + 1))
                    })
                })
                .collect(),
            _ => Err(Error::input(&self.name, format!("column {name} does not hold integers"))),
        }
    }

    /// The values of a column of flags.
    ///
    /// # Errors
    /// Where there is no such column, or it does not hold flags.
    pub fn flags(&self, name: &str) -> Result<&[bool]> {
        match &self.column(name)?.values {
            Values::Flags(values) => Ok(values),
            _ => Err(Error::input(&self.name, format!("column {name} does not hold true and false"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells() -> Table {
        Table::new(
            "cells",
            vec![
                Column::new("label", "", vec![1u64, 2, u64::MAX]),
                Column::new("num_pixels", "", vec![10i64, 20, -3]),
                Column::new("area", "µm³", vec![1.25f64, 2.5, f64::NAN]),
                Column::new("touches_border", "", vec![false, true, false]),
            ],
        )
        .unwrap()
    }

    #[test]
    fn a_column_is_found_by_its_name_or_the_error_lists_the_others() {
        let cells = cells();
        assert_eq!(cells.rows(), 3);
        assert_eq!(cells.column("area").unwrap().unit, "µm³");
        let message = cells.column("volume").unwrap_err().message().to_owned();
        assert_eq!(message, "cells: no column volume; it has label, num_pixels, area, touches_border");
    }

    #[test]
    fn columns_are_read_as_the_type_that_is_asked_for() {
        let cells = cells();
        assert_eq!(*cells.labels("label").unwrap(), [1, 2, u64::MAX]);
        assert_eq!(*cells.floats("num_pixels").unwrap(), [10.0, 20.0, -3.0]);
        assert_eq!(*cells.floats("touches_border").unwrap(), [0.0, 1.0, 0.0]);
        assert_eq!(cells.flags("touches_border").unwrap(), [false, true, false]);
        assert!(cells.labels("num_pixels").unwrap_err().message().contains("row 3: num_pixels is -3"));
        assert!(cells.labels("area").is_err() && cells.flags("label").is_err());
    }

    #[test]
    fn ragged_columns_shared_names_and_empty_tables_are_refused() {
        let column = |name: &str, rows: usize| Column::new(name, "", vec![0i64; rows]);
        let refused = |columns| Table::new("t", columns).unwrap_err().message().to_owned();
        assert_eq!(refused(vec![column("a", 2), column("b", 3)]), "t: column b has 3 rows where a has 2");
        assert_eq!(refused(vec![column("a", 2), column("a", 2)]), "t: two columns are named a");
        assert_eq!(refused(vec![column("a", 2), column("", 2)]), "t: column 2 has no name");
        assert_eq!(refused(vec![]), "t: a table without columns");
    }

    #[test]
    fn a_float_is_written_so_that_it_is_seen_to_be_one() {
        let written = |value: f64| Value::Float(value).to_string();
        assert_eq!(
            [3.0, 0.1, -0.0, 1e300, f64::NAN, f64::INFINITY].map(written),
            ["3.0", "0.1", "-0.0", "1e300", "NaN", "inf"]
        );
    }
}
