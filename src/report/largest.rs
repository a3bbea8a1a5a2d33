//! The table of a page: the ten largest cells.

use std::fmt::Write;

use crate::error::Result;
use crate::measure::table::{Table, Value};
use crate::report::colour::{hex, label_colour};
use crate::report::figure::{raised, unit_of};
use crate::report::html::escape;
use crate::report::number::{count, decimal, quantity};
use crate::report::page::Report;

/// How many cells are listed.
const LISTED: usize = 10;

/// A column of the page's table: heading, unit, and the text of a row.
struct Shown<'a> {
    heading: &'static str,
    unit: String,
    text: Box<dyn Fn(usize) -> String + 'a>,
}

/// The section of the largest cells.
///
/// # Errors
/// Where a column that is not optional is missing.
pub(super) fn largest_cells(html: &mut String, report: &Report<'_>) -> Result<()> {
    let cells = report.cells;
    if cells.rows() == 0 {
        return Ok(());
    }
    let (labels, volumes) = (cells.labels("label")?, cells.floats("area")?);
    cells.column("num_pixels")?;
    let mut order: Vec<usize> = (0..cells.rows()).collect();
    let volume = |row: usize| if volumes[row].is_nan() { f64::NEG_INFINITY } else { volumes[row] };
    order.sort_by(|a, b| volume(*b).total_cmp(&volume(*a)).then(labels[*a].cmp(&labels[*b])));
    order.truncate(LISTED);
    let total: f64 = volumes.iter().filter(|volume| volume.is_finite()).sum();

    let length = raised(report.input.spacing.unit, 1);
    let volume_unit = unit_of(cells, "area", report.input.spacing.unit, 3);
    let share = |row: usize| match 100.0 * volumes[row] / total {
        percent if !percent.is_finite() => "–".into(),
        percent if percent < 1.0 => format!("{} %", decimal(percent, 3, false)),
        percent => format!("{} %", decimal(percent, 1, false)),
    };
    let mut columns = vec![
        Shown { heading: "Volume", unit: volume_unit, text: Box::new(|row| quantity(volumes[row])) },
        Shown { heading: "Share", unit: "of all cells".into(), text: Box::new(share) },
    ];
    let area_unit = unit_of(cells, "contact_area", report.input.spacing.unit, 2);
    for (name, heading, unit) in [
        ("num_pixels", "Voxels", String::new()),
        ("n_neighbors", "Neighbours", String::new()),
        ("contact_area", "Contact area", area_unit),
        ("centroid-0", "z", length.clone()),
        ("centroid-1", "y", length.clone()),
        ("centroid-2", "x", length),
        ("touches_border", "Border", String::new()),
    ] {
        columns.extend(measured(cells, name, heading, unit));
    }

    let heading = match cells.rows() {
        1 => "The cell".to_owned(),
        rows if rows <= LISTED => format!("The {rows} cells, largest first"),
        _ => format!("The {LISTED} largest cells"),
    };
    let _ = writeln!(html, "<section>\n<h2>{heading}</h2>");
    if cells.rows() > LISTED {
        let rows = count(cells.rows() as u64);
        let _ = writeln!(html, "<p class=\"quiet\">Of {rows}; the table of cells holds all of them.</p>");
    }
    html.push_str("<div class=\"table\"><table>\n<thead><tr><th scope=\"col\">Cell</th>");
    for Shown { heading, unit, .. } in &columns {
        let unit = if unit.is_empty() { String::new() } else { format!(" <small>{}</small>", escape(unit)) };
        let _ = write!(html, "<th scope=\"col\">{heading}{unit}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in order {
        let colour = hex(label_colour(labels[row]));
        let _ =
            write!(html, "<tr><td><span class=\"swatch\" style=\"background:{colour}\"></span>{}</td>", labels[row]);
        for Shown { text, .. } in &columns {
            let _ = write!(html, "<td>{}</td>", escape(&text(row)));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table></div>\n</section>\n");
    Ok(())
}

/// A column as it is measured, where the table has it.
fn measured<'a>(cells: &'a Table, name: &str, heading: &'static str, unit: String) -> Option<Shown<'a>> {
    let column = cells.get(name)?;
    let text = |row| match column.values.get(row) {
        Some(Value::Integer(number)) => decimal(number as f64, 0, false),
        Some(Value::Label(number)) => count(number),
        Some(Value::Float(number)) => quantity(number),
        Some(Value::Flag(flag)) => if flag { "touches" } else { "inside" }.into(),
        None => "–".into(),
    };
    Some(Shown { heading, unit, text: Box::new(text) })
}
