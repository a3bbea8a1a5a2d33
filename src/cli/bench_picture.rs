//! The picture of `septa bench incremental`: time after a change by the share of the volume that changed.

use std::path::Path;

use crate::bench::image::Measured;
use crate::bench::row::Row;
use crate::error::Result;
use crate::report::chart::{Chart, Curve};
use crate::volume::sink::write_file;

/// Draws the changes that were measured: a curve for each volume and number of workers, all as parts of the
/// time of a cold run.
pub(crate) fn write(path: &Path, measured: &Measured) -> Result<()> {
    let mut curves = Vec::new();
    for made in &measured.cases {
        let voxels = made.volume_bytes as f64 / made.dtype.bytes() as f64;
        let changes = || measured.rows.iter().filter(|row| row.case == made.case && row.op.starts_with("change-"));
        let mut workers: Vec<usize> = changes().map(|row| row.workers).collect();
        workers.sort_unstable();
        workers.dedup();
        for workers in workers {
            let share = |row: &Row| row.rate * row.seconds / voxels;
            let point = |row: &Row| Some([100.0 * share(row), 100.0 / row.ratio?]);
            let mut points: Vec<_> = changes().filter(|row| row.workers == workers).filter_map(point).collect();
            points.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]));
            let case =
                Path::new(&made.case).file_stem().map_or(made.case.clone(), |stem| stem.to_string_lossy().into());
            curves.push(Curve { name: format!("{case}, -w {workers}"), reference: false, points });
        }
    }
    let ends = || curves.iter().flat_map(|curve| &curve.points).map(|point| point[0]);
    let (first, last) = (ends().fold(f64::INFINITY, f64::min), ends().fold(0.0, f64::max));
    curves.push(Curve { name: "cold run".into(), reference: true, points: vec![[first, 100.0], [last, 100.0]] });
    let chart = Chart {
        title: "Time of a session after a change, by the share of blocks that changed, beside a cold run",
        along: "blocks that changed, % of the volume",
        up: "time, % of a cold run",
        curves,
    };
    write_file(path, chart.svg().as_bytes())
}
