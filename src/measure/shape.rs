//! The table of cells and the table of contacts, from exact counts.
//!
//! Names and definitions are those of `skimage.measure.regionprops_table` 0.26 with `spacing`;
//! vectors run z, y, x and lengths are in the unit of the spacing. Everything is derived from
//! integers in a fixed order, so the same counts give the same bits.
//!
//! Beside scikit-image's: `euler_number_6`; `axis-i-j`, component j of the unit vector along the
//! i-th longest axis, its largest component positive; `n_faces`, the faces of voxels between the
//! cell and what it is not; `surface_area` and `mean_breadth`, by Crofton's formulas over 13
//! directions ([`crofton`](crate::measure::crofton)); `n_neighbors`, `contact_area` and
//! `touches_border`.

use std::collections::BTreeMap;

use nalgebra::Matrix3;

use crate::lattice::contact::Contact;
use crate::lattice::summary::{Cell, DIRECTIONS, Detail, Summary};
use crate::measure::crofton::Crofton;
use crate::measure::table::{Column, Table};
use crate::volume::shape::{Shape, Spacing, Unit};

/// The row of a cell, but for what contacts add.
struct Derived {
    area: f64,
    centroid: [f64; 3],
    extent: f64,
    diameter: f64,
    inertia: Matrix3<f64>,
    /// Of the inertia tensor, largest first.
    eigenvalues: [f64; 3],
    major: f64,
    minor: f64,
    /// Unit vectors, longest axis first.
    axes: [[f64; 3]; 3],
    surface: f64,
    breadth: f64,
}

/// The table of cells, a row a label, ascending. Of a summary that counted moments only it ends
/// with the axes of the cells, and where they touch the border.
pub fn cells(summary: &Summary, spacing: &Spacing, shape: Shape, detail: Detail) -> Table {
    let crofton = Crofton::new(spacing);
    let rows: Vec<Derived> = summary.cells.values().map(|cell| derive(cell, spacing, &crofton)).collect();
    let moments = || summary.cells.values().map(|cell| &cell.moments);
    let unit = spacing.unit;
    let (length, square, cube) = match unit {
        Unit::Voxel => ("voxel".to_string(), "voxel²".to_string(), "voxel³".to_string()),
        _ => (unit.to_string(), format!("{unit}²"), format!("{unit}³")),
    };
    let floats = |name: String, unit: &str, of: &dyn Fn(&Derived) -> f64| {
        Column::new(name, unit, rows.iter().map(of).collect::<Vec<f64>>())
    };
    let integers = |name: String, values: Vec<i64>| Column::new(name, "", values);

    let mut columns = vec![
        Column::new("label", "", summary.cells.keys().copied().collect::<Vec<u64>>()),
        integers("num_pixels".into(), moments().map(|m| m.voxels as i64).collect()),
        floats("area".into(), &cube, &|row| row.area),
    ];
    for axis in 0..3 {
        columns.push(integers(format!("bbox-{axis}"), moments().map(|m| m.min[axis] as i64).collect()));
    }
    for axis in 0..3 {
        columns.push(integers(format!("bbox-{}", axis + 3), moments().map(|m| m.max[axis] as i64 + 1).collect()));
    }
    for axis in 0..3 {
        columns.push(floats(format!("centroid-{axis}"), &length, &|row| row.centroid[axis]));
    }
    columns.push(floats("extent".into(), "", &|row| row.extent));
    columns.push(floats("equivalent_diameter_area".into(), &length, &|row| row.diameter));
    for (i, j) in (0..9).map(|at| (at / 3, at % 3)) {
        columns.push(floats(format!("inertia_tensor-{i}-{j}"), &square, &|row| row.inertia[(i, j)]));
    }
    for i in 0..3 {
        columns.push(floats(format!("inertia_tensor_eigvals-{i}"), &square, &|row| row.eigenvalues[i]));
    }
    columns.push(floats("axis_major_length".into(), &length, &|row| row.major));
    columns.push(floats("axis_minor_length".into(), &length, &|row| row.minor));
    for (i, j) in (0..9).map(|at| (at / 3, at % 3)) {
        columns.push(floats(format!("axis-{i}-{j}"), "", &|row| row.axes[i][j]));
    }
    if detail == Detail::Shape {
        let euler = |which: usize| summary.cells.values().map(|cell| cell.euler_eighths[which] / 8).collect();
        columns.push(integers("euler_number".into(), euler(0)));
        columns.push(integers("euler_number_6".into(), euler(1)));
        let faces = |cell: &Cell| 2 * (0..13).filter(|d| is_axis(*d)).map(|d| cell.exits[d] as i64).sum::<i64>();
        columns.push(integers("n_faces".into(), summary.cells.values().map(faces).collect()));
        columns.push(floats("surface_area".into(), &square, &|row| row.surface));
        columns.push(floats("mean_breadth".into(), &length, &|row| row.breadth));
        let met = met(summary, spacing);
        let met = |label| met.get(label).copied().unwrap_or_default();
        columns.push(integers("n_neighbors".into(), summary.cells.keys().map(|label| met(label).0).collect()));
        let areas: Vec<f64> = summary.cells.keys().map(|label| met(label).1).collect();
        columns.push(Column::new("contact_area", square.as_str(), areas));
    }
    let at_border = moments().map(|m| (0..3).any(|axis| m.min[axis] == 0 || m.max[axis] + 1 == shape.0[axis] as u64));
    columns.push(Column::new("touches_border", "", at_border.collect::<Vec<bool>>()));
    Table::new("cells", columns).expect("every column has a row for each cell")
}

/// Whether a direction is that of an axis.
fn is_axis(direction: usize) -> bool {
    DIRECTIONS[direction].iter().filter(|along| **along != 0).count() == 1
}

/// How many cells each cell meets, and by what area.
fn met(summary: &Summary, spacing: &Spacing) -> BTreeMap<u64, (i64, f64)> {
    let mut met: BTreeMap<u64, (i64, f64)> = BTreeMap::new();
    for (&(a, b), contact) in &summary.contacts {
        for label in [a, b] {
            let (count, area) = met.entry(label).or_default();
            *count += 1;
            *area += contact.area(spacing);
        }
    }
    met
}

fn derive(cell: &Cell, spacing: &Spacing, crofton: &Crofton) -> Derived {
    let moments = &cell.moments;
    let edges = spacing.zyx;
    let area = moments.voxels as f64 * spacing.volume();
    let boxed: f64 = (0..3).map(|axis| (moments.max[axis] + 1 - moments.min[axis]) as f64).product();
    let covariance = Matrix3::from_fn(|i, j| moments.covariance(i.min(j), i.max(j)) * edges[i] * edges[j]);
    let trace = covariance[(0, 0)] + covariance[(1, 1)] + covariance[(2, 2)];
    let inertia = Matrix3::from_fn(|i, j| match i == j {
        // The sum of the other two, added rather than subtracted, lest it cancel.
        true => covariance[((i + 1) % 3, (i + 1) % 3)] + covariance[((i + 2) % 3, (i + 2) % 3)],
        false => -covariance[(i, j)],
    });
    let (spreads, axes) = principal(&covariance, trace);
    Derived {
        area,
        centroid: std::array::from_fn(|axis| moments.centroid()[axis] * edges[axis]),
        extent: moments.voxels as f64 / boxed,
        diameter: (6.0 * area / std::f64::consts::PI).cbrt(),
        inertia,
        // The inertia about an axis is the spread along the other two.
        eigenvalues: [spreads[0] + spreads[1], spreads[0] + spreads[2], spreads[1] + spreads[2]],
        major: (20.0 * spreads[0]).sqrt(),
        minor: (20.0 * spreads[2]).sqrt(),
        axes,
        surface: crofton.surface(cell),
        breadth: crofton.mean_breadth(cell),
    }
}

/// The eigenvalues of a covariance, largest first, and their unit vectors.
fn principal(covariance: &Matrix3<f64>, trace: f64) -> ([f64; 3], [[f64; 3]; 3]) {
    let eigen = covariance.symmetric_eigen();
    let mut order = [0, 1, 2];
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    // A cell that is flat has no spread across; what rounding leaves there is not a thickness.
    let spread = |value: f64| if value < 1e-14 * trace { 0.0 } else { value };
    let axes = order.map(|at| {
        let axis = eigen.eigenvectors.column(at);
        let axis: [f64; 3] = std::array::from_fn(|j| axis[j]);
        let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).expect("three components");
        // Adding zero turns -0 into 0.
        axis.map(|component| if largest < 0.0 { -component } else { component } + 0.0)
    });
    (order.map(|at| spread(eigen.eigenvalues[at])), axes)
}

/// The table of contacts, a row a pair of cells, ascending by `label_a < label_b`. `n_faces`
/// counts faces between voxels, `n_faces-0..2` those normal to z, y, x, `n_pairs` neighbours in
/// the stencil that was asked for; `area` is that of the faces.
pub fn contacts(summary: &Summary, spacing: &Spacing) -> Table {
    let each = |of: &dyn Fn(&Contact) -> u64| summary.contacts.values().map(|c| of(c) as i64).collect::<Vec<i64>>();
    let square = format!("{}²", spacing.unit);
    let mut columns = vec![
        Column::new("label_a", "", summary.contacts.keys().map(|(a, _)| *a).collect::<Vec<u64>>()),
        Column::new("label_b", "", summary.contacts.keys().map(|(_, b)| *b).collect::<Vec<u64>>()),
        Column::new("n_faces", "", each(&|contact| contact.n_faces())),
        Column::new("n_pairs", "", each(&|contact| contact.pairs)),
        Column::new("area", square, summary.contacts.values().map(|c| c.area(spacing)).collect::<Vec<f64>>()),
    ];
    for axis in 0..3 {
        columns.push(Column::new(format!("n_faces-{axis}"), "", each(&|contact| contact.faces[axis])));
    }
    Table::new("contacts", columns).expect("every column has a row for each contact")
}
