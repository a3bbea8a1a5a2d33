//! Key figures: a number with its name, its unit, and a word on what it is.

use crate::error::Result;
use crate::measure::table::Table;
use crate::report::number::{count, quantity};
use crate::volume::shape::Unit;

/// A number that a reader wants first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is: `Mean volume`.
    pub name: String,
    /// The number, as it is to be shown.
    pub value: String,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// A few words more; may be empty.
    pub note: String,
}

impl Figure {
    /// A count.
    pub fn count(name: impl Into<String>, number: u64) -> Self {
        Self { name: name.into(), value: count(number), unit: String::new(), note: String::new() }
    }

    /// A quantity, to four significant digits; a dash where it is not finite.
    pub fn quantity(name: impl Into<String>, value: f64, unit: impl Into<String>) -> Self {
        let unit = if value.is_finite() { unit.into() } else { String::new() };
        Self { name: name.into(), value: quantity(value), unit, note: String::new() }
    }
}

/// The figures that tables of cells and contacts hold: cells, mean and median volume, contacts,
/// mean neighbours. The unit of volumes is that of the column `area`, else made of `unit`.
///
/// # Errors
/// Where a column `area` is missing.
pub fn figures(cells: &Table, contacts: &Table, unit: Unit) -> Result<Vec<Figure>> {
    let mut volumes: Vec<f64> = cells.floats("area")?.iter().copied().filter(|v| v.is_finite()).collect();
    volumes.sort_unstable_by(f64::total_cmp);
    let volume_unit = unit_of(cells, "area", unit, 3);
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let median = match volumes.len() {
        0 => f64::NAN,
        n => (volumes[(n - 1) / 2] + volumes[n / 2]) / 2.0,
    };
    let mut figures = vec![
        Figure::count("Cells", cells.rows() as u64),
        Figure::quantity("Mean volume", mean(&volumes), &volume_unit),
        Figure::quantity("Median volume", median, &volume_unit),
        Figure::count("Contacts", contacts.rows() as u64),
    ];
    if cells.get("n_neighbors").is_some() {
        figures.push(Figure::quantity("Mean neighbours", mean(&cells.floats("n_neighbors")?), ""));
    }
    if let Ok(flags) = cells.flags("touches_border")
        && let Some(cut) = Some(flags.iter().filter(|flag| **flag).count()).filter(|cut| *cut > 0)
    {
        figures[0].note = match cut {
            1 => "1 touches the border".into(),
            cut => format!("{} touch the border", count(cut as u64)),
        };
    }
    Ok(figures)
}

/// The unit of a column, or where it bears none (CSV keeps none) `unit` to a power.
pub(super) fn unit_of(table: &Table, column: &str, unit: Unit, power: u32) -> String {
    match table.get(column) {
        Some(column) if !column.unit.is_empty() => column.unit.clone(),
        _ => raised(unit, power),
    }
}

/// A unit to a power of 1 to 3, as people write it.
pub(super) fn raised(unit: Unit, power: u32) -> String {
    match (unit, power) {
        (Unit::Voxel, 1 | 3) => "voxels".into(),
        (unit, 1) => unit.to_string(),
        (unit, 2) => format!("{unit}²"),
        (unit, _) => format!("{unit}³"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::table::Column;

    #[test]
    fn figures_are_those_of_the_tables() {
        let cells = Table::new(
            "cells",
            vec![
                Column::new("label", "", vec![1u64, 2, 3, 4]),
                Column::new("area", "", vec![1.0f64, 2.0, 4.0, 13.0]),
                Column::new("n_neighbors", "", vec![1i64, 2, 1, 0]),
                Column::new("touches_border", "", vec![true, false, true, false]),
            ],
        )
        .unwrap();
        let contacts = Table::new("contacts", vec![Column::new("label_a", "", vec![1u64, 2])]).unwrap();
        let figures = figures(&cells, &contacts, Unit::Um).unwrap();
        let shown: Vec<_> = figures.iter().map(|f| format!("{}: {} {}", f.name, f.value, f.unit)).collect();
        assert_eq!(
            shown,
            ["Cells: 4 ", "Mean volume: 5 µm³", "Median volume: 3 µm³", "Contacts: 2 ", "Mean neighbours: 1 "]
        );
        assert_eq!(figures[0].note, "2 touch the border");
    }

    #[test]
    fn the_mean_of_nothing_is_a_dash() {
        let none = Table::new("none", vec![Column::new("area", "µm³", Vec::<f64>::new())]).unwrap();
        let figures = figures(&none, &none, Unit::Um).unwrap();
        assert_eq!((figures[1].value.as_str(), figures[1].unit.as_str()), ("–", ""));
    }
}
