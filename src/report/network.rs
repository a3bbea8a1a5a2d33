//! The contact graph drawn over a slice, as SVG: a node for each cell that the slice cuts, an
//! edge for each contact between two of them, as wide as the contact's area says.
//!
//! A node stands at the middle of its cell's section. Edges are of the whole volume: two cells
//! that the slice cuts may touch above or below it. What exceeds [`MOST_NODES`] and
//! [`MOST_EDGES`] is left out, the smallest first, and counted. O(pixels + contacts log contacts).

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::Result;
use crate::measure::table::Table;
use crate::report::colour::{hex, label_colour};
use crate::report::html::escape;
use crate::report::number::{quantity, round_below};
use crate::report::slice::{Section, Slice, Window};

/// Cells drawn, at most.
pub const MOST_NODES: usize = 1500;
/// Contacts drawn, at most.
pub const MOST_EDGES: usize = 4000;

/// How bright the slice is beneath the graph.
const BACKDROP: f64 = 0.5;

/// The drawing, and what it leaves out.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The picture.
    pub svg: String,
    /// Cells drawn.
    pub nodes: usize,
    /// Cells that the slice cuts.
    pub cells: usize,
    /// Contacts drawn.
    pub edges: usize,
    /// Contacts between cells that the slice cuts.
    pub contacts: usize,
}

struct Edge {
    from: [usize; 2],
    to: [usize; 2],
    labels: [u64; 2],
    area: f64,
}

impl Network {
    /// Draws the contacts (columns `label_a`, `label_b`, `area`) over `slice`. Areas are shown
    /// in `unit`.
    ///
    /// # Errors
    /// Where a column is missing or the picture cannot be encoded.
    pub fn draw(slice: &Slice, window: Window, contacts: &Table, unit: &str) -> Result<Self> {
        let sections = slice.sections();
        let cells = sections.len();
        let shown = largest(sections);
        let (mut edges, between) = edges(&shown, contacts)?;
        let largest = edges.first().map_or(0.0, |edge| edge.area);
        // The widest come first in the list and last in the picture, on top.
        edges.reverse();

        let [height, width] = slice.size.map(|pixels| pixels as f64);
        let long = height.max(width);
        let scale = long / 900.0;
        let legend = if edges.is_empty() { 0.0 } else { 44.0 * scale };
        let picture = STANDARD.encode(slice.png(window, BACKDROP)?);
        let mut svg = format!(
            "<svg class=\"network\" viewBox=\"0 0 {width} {:.1}\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" \
             aria-label=\"Contact graph over the slice: {} cells, {} contacts\" font-family=\"inherit\" fill=\"currentColor\">\n\
             <image width=\"{width}\" height=\"{height}\" style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{picture}\"/>\n\
             <g stroke-linecap=\"round\">\n",
            height + legend,
            shown.len(),
            edges.len()
        );
        let stroke =
            |area: f64| (0.9 + 6.1 * if largest > 0.0 { area / largest } else { 0.0 }) * scale * crowd(shown.len());
        for edge in &edges {
            let ([y1, x1], [y2, x2]) = (edge.from, edge.to);
            let line = format!("d=\"M{x1} {y1}L{x2} {y2}\"");
            let width = stroke(edge.area);
            let _ = writeln!(
                svg,
                "<path {line} stroke=\"#000\" stroke-opacity=\".45\" stroke-width=\"{:.2}\"/>\
                 <path {line} stroke=\"#fff\" stroke-opacity=\".88\" stroke-width=\"{width:.2}\">\
                 <title>cells {} and {}: {} {}</title></path>",
                width + 2.0 * scale * crowd(shown.len()),
                edge.labels[0],
                edge.labels[1],
                quantity(edge.area),
                escape(unit)
            );
        }
        svg.push_str("</g>\n");
        let radius = 11.0 * scale * crowd(shown.len());
        for (label, section) in &shown {
            let [y, x] = section.center;
            let _ = writeln!(
                svg,
                "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius:.2}\" fill=\"{}\" stroke=\"#111\" stroke-width=\"{:.2}\">\
                 <title>cell {label}</title></circle>",
                hex(label_colour(*label)),
                radius * 0.2
            );
        }
        if legend > 0.0 && largest > 0.0 {
            draw_legend(&mut svg, largest, unit, height + 30.0 * scale, scale, stroke);
        }
        svg.push_str("</svg>\n");
        Ok(Self { svg, nodes: shown.len(), cells, edges: edges.len(), contacts: between })
    }
}

/// How much smaller nodes and edges are drawn where they are many.
fn crowd(nodes: usize) -> f64 {
    (7.0 / (nodes.max(1) as f64).sqrt()).clamp(0.22, 1.0)
}

/// The cells of the largest sections, as many as are drawn.
fn largest(sections: BTreeMap<u64, Section>) -> BTreeMap<u64, Section> {
    if sections.len() <= MOST_NODES {
        return sections;
    }
    let mut all: Vec<_> = sections.into_iter().collect();
    all.sort_by_key(|(label, section)| (std::cmp::Reverse(section.pixels), *label));
    all.truncate(MOST_NODES);
    all.into_iter().collect()
}

/// The contacts between cells shown, largest first, and how many there are before the rest is
/// left out.
fn edges(shown: &BTreeMap<u64, Section>, contacts: &Table) -> Result<(Vec<Edge>, usize)> {
    let (a, b, areas) = (contacts.labels("label_a")?, contacts.labels("label_b")?, contacts.floats("area")?);
    let mut edges: Vec<Edge> = (0..contacts.rows())
        .filter_map(|row| {
            let (from, to) = (shown.get(&a[row])?, shown.get(&b[row])?);
            let area = if areas[row].is_finite() { areas[row].max(0.0) } else { 0.0 };
            Some(Edge { from: from.center, to: to.center, labels: [a[row], b[row]], area })
        })
        .collect();
    edges.sort_by(|one, other| other.area.total_cmp(&one.area).then(one.labels.cmp(&other.labels)));
    let between = edges.len();
    edges.truncate(MOST_EDGES);
    Ok((edges, between))
}

/// Two lines beneath the picture that tell the area of a width.
fn draw_legend(svg: &mut String, largest: f64, unit: &str, y: f64, scale: f64, stroke: impl Fn(f64) -> f64) {
    let wide = round_below(largest);
    for (place, area) in [(0.0, wide), (1.0, wide / 5.0)] {
        let x = (4.0 + place * 260.0) * scale;
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {y:.1}h{:.1}\" stroke=\"currentColor\" stroke-linecap=\"round\" stroke-width=\"{:.2}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{:.1}\">{} {}</text>",
            50.0 * scale,
            stroke(area),
            x + 64.0 * scale,
            y + 7.0 * scale,
            22.0 * scale,
            quantity(area),
            escape(unit)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::table::Column;
    use crate::volume::memory::Memory;
    use crate::volume::shape::{Shape, Spacing};
    use crate::volume::voxel::Voxels;

    fn stripes(count: usize) -> Slice {
        let labels = (0..count * 4).map(|x| (x / 4 + 1) as u32).collect();
        let voxels = Voxels::from_vec(Shape([1, 1, count * 4]), labels);
        Slice::read(None, &Memory::new("stripes", voxels, Spacing::default()), 0, 0).unwrap()
    }

    fn contacts(pairs: &[(u64, u64, f64)]) -> Table {
        let column = |pick: fn(&(u64, u64, f64)) -> u64| pairs.iter().map(pick).collect::<Vec<_>>();
        let columns = vec![
            Column::new("label_a", "", column(|pair| pair.0)),
            Column::new("label_b", "", column(|pair| pair.1)),
            Column::new("area", "µm²", pairs.iter().map(|pair| pair.2).collect::<Vec<_>>()),
        ];
        Table::new("contacts", columns).unwrap()
    }

    const WINDOW: Window = Window { low: 0.0, high: 1.0 };

    #[test]
    fn only_contacts_between_cells_in_the_slice_are_drawn() {
        let contacts = contacts(&[(1, 2, 5.0), (2, 3, 2.0), (3, 77, 9.0)]);
        let network = Network::draw(&stripes(3), WINDOW, &contacts, "µm²").unwrap();
        assert_eq!((network.nodes, network.cells, network.edges, network.contacts), (3, 3, 2, 2));
        assert!(network.svg.contains("<title>cells 1 and 2: 5 µm²</title>"));
        assert!(!network.svg.contains("77"));
    }

    #[test]
    fn no_cells_and_no_contacts_leave_the_bare_picture() {
        let none = contacts(&[]);
        let network = Network::draw(&stripes(2), WINDOW, &none, "µm²").unwrap();
        assert_eq!((network.nodes, network.edges), (2, 0));
        let empty = Voxels::from_vec(Shape([1, 2, 2]), vec![0u8; 4]);
        let slice = Slice::read(None, &Memory::new("empty", empty, Spacing::default()), 0, 0).unwrap();
        let network = Network::draw(&slice, WINDOW, &none, "µm²").unwrap();
        assert_eq!((network.nodes, network.svg.matches("<circle").count()), (0, 0));
    }

    #[test]
    fn what_is_too_much_is_left_out_and_counted() {
        let voxels = Voxels::from_vec(Shape([1, 40, 40]), (1..=1600u32).collect());
        let slice = Slice::read(None, &Memory::new("many", voxels, Spacing::default()), 0, 0).unwrap();
        let pairs: Vec<_> = (1..1600).flat_map(|a| (a + 1..a + 5).map(move |b| (a, b, (a % 7) as f64))).collect();
        let network = Network::draw(&slice, WINDOW, &contacts(&pairs), "voxel²").unwrap();
        assert_eq!((network.nodes, network.cells, network.edges), (MOST_NODES, 1600, MOST_EDGES));
        assert!(network.contacts > MOST_EDGES && network.svg.matches("<circle").count() == MOST_NODES);
    }

    #[test]
    fn a_contact_without_area_has_the_thinnest_line() {
        let network = Network::draw(&stripes(2), WINDOW, &contacts(&[(1, 2, f64::NAN)]), "µm²").unwrap();
        assert!(!network.svg.contains("NaN") && network.edges == 1);
    }
}
