//! `report.html`: one page that tells a run, for a scientist to read, print, and send on.
//!
//! What was run, the key figures, slices in colour, histograms, the contact graph and the largest
//! cells, with pictures and style inside the file: it needs no network, no script, and no other
//! file, and forbids itself to ask for any. Light or dark as the reader's system is. The same
//! report gives the same bytes: the page knows no clock. Reads three slices of the volumes, one of
//! them twice; the file is of 0.2 to 4 MB.

use std::fmt::Write;

use crate::error::Result;
use crate::measure::table::Table;
use crate::report::figure::{Figure, raised, unit_of};
use crate::report::html::escape;
use crate::report::largest::largest_cells;
use crate::report::number::{count, quantity};
use crate::report::plot::Histogram;
use crate::report::views::{contact_graph, slices};
use crate::volume::shape::Unit;
use crate::volume::source::{Header, VolumeSource};

const STYLE: &str = include_str!("style.css");

/// Nothing but what is in the page itself may be loaded.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// What a page tells.
pub struct Report<'a> {
    /// The heading: the name of the scan, usually.
    pub title: &'a str,
    /// The version of the program that ran.
    pub version: &'a str,
    /// The command line, as it was given.
    pub command: &'a str,
    /// The input's header: name, shape, spacing, type, format.
    pub input: &'a Header,
    /// Further facts of the run, name and value: the threshold, the connectivity, the date.
    pub settings: Vec<(String, String)>,
    /// The key figures, most wanted first: those that [`figures`](crate::report::figure::figures)
    /// makes of the tables, and the time that it took.
    pub figures: Vec<Figure>,
    /// One row a cell: `label`, `num_pixels`, `area`, and where known `centroid-0` to
    /// `centroid-2`, `n_neighbors`, `contact_area`, `touches_border`.
    pub cells: &'a Table,
    /// One row a contact: `label_a`, `label_b`, `area`.
    pub contacts: &'a Table,
    /// The grey image, of the shape of the labels, where there is one.
    pub grey: Option<&'a dyn VolumeSource>,
    /// The labels.
    pub labels: &'a dyn VolumeSource,
    /// The files that were written: name, and what is in it.
    pub files: Vec<(String, String)>,
}

/// The whole page, as HTML.
///
/// # Errors
/// Where a table lacks a column that is not optional, or a slice cannot be read.
pub fn page(report: &Report<'_>) -> Result<String> {
    let mut html = String::new();
    head(&mut html, report);
    facts(&mut html, report);
    if report.cells.rows() == 0 {
        html.push_str(
            "<p class=\"notice\">No cells were found. The slices below show the input; if there is something to be seen \
             in it, try another threshold, or look at whether bright is foreground.</p>\n",
        );
    }
    figures(&mut html, &report.figures);
    slices(&mut html, report)?;
    histograms(&mut html, report)?;
    contact_graph(&mut html, report)?;
    largest_cells(&mut html, report)?;
    run(&mut html, report);
    html.push_str("</body>\n</html>\n");
    Ok(html)
}

fn head(html: &mut String, report: &Report<'_>) {
    let title = escape(report.title);
    let _ = write!(
        html,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"septa {0}\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"quiet\">Report of septa {0}</p>\n",
        escape(report.version)
    );
}

fn facts(html: &mut String, report: &Report<'_>) {
    let Header { name, shape, dtype, spacing, format, bytes, .. } = report.input;
    let edges = |edges: [f64; 3]| edges.map(quantity).join(" × ");
    let (voxel, size) = match spacing.unit {
        Unit::Voxel if spacing.zyx == [1.0; 3] => ("not known: lengths are in voxels".into(), None),
        unit => {
            let size = std::array::from_fn(|axis| spacing.zyx[axis] * shape.0[axis] as f64);
            let unit = raised(unit, 1);
            (format!("{} {unit}", edges(spacing.zyx)), Some(format!("{} {unit}", edges(size))))
        }
    };
    let mut facts = vec![
        ("Input", name.clone()),
        ("Shape (z × y × x)", shape.0.map(|n| count(n as u64)).join(" × ") + " voxels"),
        ("Voxel size (z × y × x)", voxel),
    ];
    facts.extend(size.map(|size| ("Size (z × y × x)", size)));
    facts.push(("Type", dtype.to_string()));
    facts.push(("Format", format!("{format}, {}", memory(*bytes))));
    html.push_str("<dl class=\"facts\">\n");
    let settings = report.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in facts.into_iter().chain(settings) {
        let _ = writeln!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(&value));
    }
    html.push_str("</dl>\n</header>\n");
}

/// Bytes in binary multiples, to three digits.
fn memory(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut units = ["bytes", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while size >= 1000.0
        && let Some(larger) = units.next()
    {
        (size, unit) = (size / 1024.0, larger);
    }
    let decimals = if size < 10.0 && unit != "bytes" { 2 } else { usize::from(size < 100.0 && unit != "bytes") };
    format!("{size:.decimals$} {unit}")
}

fn figures(html: &mut String, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    html.push_str("<section>\n<h2>Key figures</h2>\n<div class=\"figures\">\n");
    for Figure { name, value, unit, note } in figures {
        let _ = write!(html, "<div><div class=\"name\">{}</div><div class=\"value\">{}", escape(name), escape(value));
        if !unit.is_empty() {
            let _ = write!(html, " <span class=\"unit\">{}</span>", escape(unit));
        }
        html.push_str("</div>");
        if !note.is_empty() {
            let _ = write!(html, "<div class=\"note\">{}</div>", escape(note));
        }
        html.push_str("</div>\n");
    }
    html.push_str("</div>\n</section>\n");
}

fn histograms(html: &mut String, report: &Report<'_>) -> Result<()> {
    if report.cells.rows() == 0 {
        return Ok(());
    }
    let volumes = report.cells.floats("area")?;
    let unit = unit_of(report.cells, "area", report.input.spacing.unit, 3);
    let volume = Histogram { counted: "cells", quantity: "Cell volume", unit: &unit, whole: false, values: &volumes };
    html.push_str("<section>\n<h2>Distributions</h2>\n<div class=\"plots\">\n");
    let _ = writeln!(html, "<figure>{}</figure>", volume.svg());
    if report.cells.get("n_neighbors").is_some() {
        let values = report.cells.floats("n_neighbors")?;
        let neighbors =
            Histogram { counted: "cells", quantity: "Neighbours of a cell", unit: "", whole: true, values: &values };
        let _ = writeln!(html, "<figure>{}</figure>", neighbors.svg());
    }
    html.push_str("</div>\n</section>\n");
    Ok(())
}

fn run(html: &mut String, report: &Report<'_>) {
    if !report.files.is_empty() {
        html.push_str(
            "<section>\n<h2>Files</h2>\n<p class=\"quiet\">Beside this page.</p>\n<div class=\"table\"><table>\n\
             <thead><tr><th scope=\"col\">File</th><th scope=\"col\" class=\"words\">What is in it</th></tr></thead>\n<tbody>\n",
        );
        for (name, what) in &report.files {
            let _ = writeln!(
                html,
                "<tr><td><code>{}</code></td><td class=\"words\">{}</td></tr>",
                escape(name),
                escape(what)
            );
        }
        html.push_str("</tbody>\n</table></div>\n</section>\n");
    }
    let _ =
        write!(html, "<section>\n<h2>Command</h2>\n<pre><code>{}</code></pre>\n</section>\n", escape(report.command));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::table::Column;
    use crate::report::figure;
    use crate::volume::memory::Memory;
    use crate::volume::shape::{Shape, Spacing};
    use crate::volume::voxel::Voxels;

    /// A row of `cells` cubes of 6 voxels' edge, each touching the next.
    fn cubes(cells: usize) -> (Memory, Memory, Table, Table) {
        let shape = Shape([8, 8, 6 * cells.max(2)]);
        let rasters = 0..shape.voxels().unwrap();
        let label = |raster: u64| {
            let [z, y, x] = shape.voxel(raster);
            let inside = (1..7).contains(&z) && (1..7).contains(&y) && x / 6 < cells;
            if inside { (x / 6 + 1) as u32 } else { 0 }
        };
        let labels = Voxels::from_vec(shape, rasters.clone().map(label).collect());
        let grey = Voxels::from_vec(shape, rasters.map(|raster| label(raster) as f32 + (raster % 7) as f32).collect());
        let spacing = Spacing::new([0.5, 0.2, 0.2], Unit::Um).unwrap();
        let all = 1..=cells as u64;
        let neighbors = all.clone().map(|n| i64::from(n > 1) + i64::from(n < cells as u64)).collect::<Vec<_>>();
        let columns = vec![
            Column::new("label", "", all.clone().collect::<Vec<_>>()),
            Column::new("num_pixels", "", vec![216i64; cells]),
            Column::new("area", "µm³", all.clone().map(|n| 4.32 + n as f64 / 1e3).collect::<Vec<_>>()),
            Column::new("n_neighbors", "", neighbors),
            Column::new("touches_border", "", all.map(|n| n == 1).collect::<Vec<_>>()),
        ];
        let pairs = 1..cells as u64;
        let contacts = vec![
            Column::new("label_a", "", pairs.clone().collect::<Vec<_>>()),
            Column::new("label_b", "", pairs.clone().map(|n| n + 1).collect::<Vec<_>>()),
            Column::new("area", "µm²", pairs.map(|n| n as f64).collect::<Vec<_>>()),
        ];
        (
            Memory::new("grey", grey, spacing),
            Memory::new("labels", labels, spacing),
            Table::new("cells", columns).unwrap(),
            Table::new("contacts", contacts).unwrap(),
        )
    }

    fn page_of(count: usize, title: &str) -> String {
        let (grey, labels, cells, contacts) = cubes(count);
        let report = Report {
            title,
            version: "0.1.0",
            command: title,
            input: grey.header(),
            settings: vec![(title.into(), title.into())],
            figures: figure::figures(&cells, &contacts, Unit::Um).unwrap(),
            cells: &cells,
            contacts: &contacts,
            grey: Some(&grey),
            labels: &labels,
            files: vec![(title.into(), title.into())],
        };
        let html = page(&report).unwrap();
        assert_eq!(html, page(&report).unwrap(), "the same report gives the same bytes");
        html
    }

    #[test]
    fn the_page_asks_for_nothing_outside_itself() {
        let html = page_of(12, "scan 7").replace("http://www.w3.org/2000/svg", "");
        for outside in ["http://", "https://", "<script", "<link", "@import", "url(", "src=\"/"] {
            assert!(!html.contains(outside), "{outside}");
        }
        assert_eq!(html.matches("<img").count(), 3);
        assert_eq!(html.matches("alt=\"Slice at").count(), 3);
        assert!(html.contains("The 10 largest cells") && html.contains("Of 12;"));
        assert!(html.contains("<b>z = 2 µm</b>") && html.contains("0.5 × 0.2 × 0.2 µm"));
    }

    #[test]
    fn outside_strings_are_text() {
        let html = page_of(3, "</title><script>alert('x')</script>\"<img onerror=");
        assert!(!html.contains("<script") && !html.contains("<img onerror"));
        assert_eq!(html.matches("&lt;script&gt;").count(), 7, "title, heading, setting twice, file twice, command");
    }

    #[test]
    fn no_cell_and_one_cell_are_told_in_words() {
        let none = page_of(0, "none");
        assert!(none.contains("No cells were found") && !none.contains("<h2>Contact graph") && !none.contains("NaN"));
        let one = page_of(1, "one");
        assert!(one.contains("No two cells touch") && one.contains("<h2>The cell</h2>") && !one.contains("NaN"));
    }

    #[test]
    fn a_table_without_volumes_is_an_error_that_names_the_column() {
        let (_, labels, mut cells, contacts) = cubes(2);
        cells.columns.retain(|column| column.name != "area");
        let report = Report {
            title: "t",
            version: "",
            command: "",
            input: labels.header(),
            settings: Vec::new(),
            figures: Vec::new(),
            cells: &cells,
            contacts: &contacts,
            grey: None,
            labels: &labels,
            files: Vec::new(),
        };
        assert!(page(&report).unwrap_err().message().starts_with("cells: no column area"));
    }

    #[test]
    fn bytes_are_told_to_three_digits() {
        assert_eq!([0, 999, 1048576, 150 << 30].map(memory), ["0 bytes", "999 bytes", "1.00 MiB", "150 GiB"]);
    }
}
