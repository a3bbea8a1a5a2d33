//! The pictures of a page: slices through the middle, and the contact graph over one of them.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Result;
use crate::report::figure::{raised, unit_of};
use crate::report::html::escape;
use crate::report::network::Network;
use crate::report::number::{count, quantity, round_below};
use crate::report::page::Report;
use crate::report::plot::Histogram;
use crate::report::slice::{Slice, Window, axes};
use crate::volume::source::Header;

const AXES: [&str; 3] = ["z", "y", "x"];

/// The tallest that a picture is shown, in CSS pixels.
const TALLEST: f64 = 560.0;

/// The axes whose slices show something: those that are more than a line, or else z.
fn seen_axes(shape: [usize; 3]) -> Vec<usize> {
    if shape.contains(&0) {
        return Vec::new();
    }
    let seen: Vec<usize> = (0..3).filter(|axis| axes(*axis).iter().all(|axis| shape[*axis] > 1)).collect();
    if seen.is_empty() { vec![0] } else { seen }
}

/// The section of slices.
///
/// # Errors
/// Where a slice cannot be read.
pub(super) fn slices(html: &mut String, report: &Report<'_>) -> Result<()> {
    let shape = report.labels.header().shape.0;
    let slices = seen_axes(shape)
        .into_iter()
        .map(|axis| Slice::read(report.grey, report.labels, axis, shape[axis] / 2))
        .collect::<Result<Vec<_>>>()?;
    if slices.is_empty() {
        return Ok(());
    }
    let window = Window::of(&slices);
    let heading = if slices.len() == 1 { "Slice" } else { "Slices through the middle" };
    let grey = "the grey image, which runs from black at its first percentile to white at its ninety-ninth";
    let colours = "A cell has one colour in all pictures of this page";
    let what = match (report.grey, report.cells.rows()) {
        (Some(_), 0) => format!("This is {grey}."),
        (Some(_), _) => format!("Cells in colour over {grey}. {colours}."),
        (None, _) => format!("Cells in colour on black. {colours}."),
    };
    let _ = writeln!(html, "<section>\n<h2>{heading}</h2>\n<p class=\"quiet\">{what}</p>");
    html.push_str("<div class=\"slices\">\n");
    match &slices[..] {
        // A flat volume: the two low slices fit one above the other, beside the high one.
        [z, y, x] if y.extent[0] * 2.0 <= z.extent[0] => {
            let widest = y.extent[1].max(x.extent[1]);
            let flex = |extent: f64| format!("flex:{:.4} 1 {:.0}px", extent / widest, 260.0 * extent / widest);
            let tallest = TALLEST / z.extent[0] * z.extent[1];
            figure(html, z, window, report, &format!("{};max-width:{tallest:.0}px", flex(z.extent[1])))?;
            let scale = TALLEST / z.extent[0] * widest;
            let _ = writeln!(html, "<div class=\"stack\" style=\"{};max-width:{scale:.0}px\">", flex(widest));
            for slice in [y, x] {
                figure(html, slice, window, report, &format!("width:{:.3}%", 100.0 * slice.extent[1] / widest))?;
            }
            html.push_str("</div>\n");
        }
        slices => {
            let widest = slices.iter().map(|slice| slice.extent[1]).fold(0.0, f64::max);
            for slice in slices {
                let [height, width] = slice.extent;
                let share = width / widest;
                let tallest = (TALLEST * width / height).max(160.0);
                let style = format!("flex:{share:.4} 1 {:.0}px;max-width:{tallest:.0}px", (260.0 * share).max(120.0));
                figure(html, slice, window, report, &style)?;
            }
        }
    }
    html.push_str("</div>\n</section>\n");
    Ok(())
}

/// One slice with its scale bar. Slices side by side share the width in proportion to their own,
/// so that all are of one scale.
fn figure(html: &mut String, slice: &Slice, window: Window, report: &Report<'_>, style: &str) -> Result<()> {
    let Header { shape, spacing, .. } = report.labels.header();
    let [height, width] = slice.extent;
    let name = AXES[slice.axis];
    let [down, across] = axes(slice.axis).map(|axis| AXES[axis]);
    let unit = raised(slice.unit, 1);
    let place = slice.index as f64 * spacing.zyx[slice.axis];
    let bar = round_below(width / 3.0);
    let picture = STANDARD.encode(slice.png(window, 1.0)?);
    let cells = match slice.sections().len() {
        1 => "1 cell".to_owned(),
        cells => format!("{} cells", count(cells as u64)),
    };
    let place = format!("{name} = {} {unit}", quantity(place));
    let _ = writeln!(
        html,
        "<figure style=\"{style}\">\
         <img width=\"{}\" height=\"{}\" alt=\"Slice at {}: {cells}\" src=\"data:image/png;base64,{picture}\">\
         <div class=\"scale\" style=\"width:{:.3}%\"></div><div class=\"scale-name\">{} {unit}</div>\
         <figcaption><b>{}</b> · slice {} of {} · {cells}<br>\
         {across}&nbsp;→&nbsp;{}&nbsp;{unit}, {down}&nbsp;↓&nbsp;{}&nbsp;{unit}\
         </figcaption></figure>",
        slice.size[1],
        slice.size[0],
        escape(&place),
        100.0 * bar / width,
        quantity(bar),
        escape(&place),
        count(slice.index as u64 + 1),
        count(shape.0[slice.axis] as u64),
        quantity(width),
        quantity(height),
    );
    Ok(())
}

/// The section of the contact graph.
///
/// # Errors
/// Where a column of the contacts is missing or the slice cannot be read.
pub(super) fn contact_graph(html: &mut String, report: &Report<'_>) -> Result<()> {
    let shape = report.labels.header().shape.0;
    let Some(axis) = seen_axes(shape).into_iter().next().filter(|_| report.cells.rows() > 0) else {
        return Ok(());
    };
    html.push_str("<section>\n<h2>Contact graph</h2>\n");
    if report.contacts.rows() == 0 {
        html.push_str("<p>No two cells touch, so there is no graph to draw.</p>\n</section>\n");
        return Ok(());
    }
    let unit = unit_of(report.contacts, "area", report.input.spacing.unit, 2);
    let index = shape[axis] / 2;
    let slice = Slice::read(report.grey, report.labels, axis, index)?;
    let window = Window::of(std::slice::from_ref(&slice));
    let network = Network::draw(&slice, window, report.contacts, &unit)?;
    let _ = writeln!(
        html,
        "<p class=\"quiet\">A node for each cell that the slice at {} = {} {} cuts, an edge for each contact between two \
         of them, as wide as its area.{}</p>",
        AXES[axis],
        quantity(index as f64 * report.labels.header().spacing.zyx[axis]),
        raised(slice.unit, 1),
        if shape[axis] > 1 { " Contacts above and below the slice are drawn too." } else { "" }
    );
    let widest = 660.0 * slice.extent[1] / slice.extent[0].max(slice.extent[1]);
    let _ = writeln!(
        html,
        "<div class=\"graph\">\n<figure style=\"max-width:{:.0}px\">{}<figcaption>",
        widest.max(320.0),
        network.svg
    );
    let total = (report.cells.rows() as u64, report.contacts.rows() as u64);
    let _ = write!(
        html,
        "Shown: {} of {} cells, {} of {} contacts.",
        count(network.nodes as u64),
        count(total.0),
        count(network.edges as u64),
        count(total.1)
    );
    if (network.cells as u64) < total.0 {
        html.push_str(" The other cells do not meet this slice.");
    }
    for (drawn, there, what) in [
        (network.nodes, network.cells, "sections of cells"),
        (network.edges, network.contacts, "contacts of the slice"),
    ] {
        if drawn < there {
            let _ = write!(
                html,
                " Left out, so that the rest can be seen: the {} smallest {what}.",
                count((there - drawn) as u64)
            );
        }
    }
    let areas = report.contacts.floats("area")?;
    let areas = Histogram { counted: "contacts", quantity: "Contact area", unit: &unit, whole: false, values: &areas };
    let _ = writeln!(html, "</figcaption></figure>\n<figure>{}</figure>\n</div>\n</section>", areas.svg());
    Ok(())
}
