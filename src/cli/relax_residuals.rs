//! The picture of a balance of forces: what is out of balance, iteration by iteration.

use std::path::Path;

use crate::error::{Error, Result};
use crate::report::chart::{Chart, Curve};
use crate::volume::sink::write_file;

/// Refuses a name that is not one of a picture, before anything is solved.
pub(crate) fn check(path: &Path) -> Result<()> {
    match path.extension().is_some_and(|ending| ending == "svg") {
        true => Ok(()),
        false => Err(Error::usage(format!("{}: the picture is an SVG: let its name end in .svg", path.display()))),
    }
}

/// Draws the residual before each iteration.
pub(crate) fn write(path: &Path, history: &[f64], tolerance: f64) -> Result<()> {
    let last = history.len().max(2) as f64;
    let points = history.iter().zip(1..).map(|(residual, iteration)| [f64::from(iteration), *residual]).collect();
    let curves = vec![
        Curve { name: "residual".into(), reference: false, points },
        Curve { name: "tolerance".into(), reference: true, points: vec![[1.0, tolerance], [last, tolerance]] },
    ];
    let chart = Chart {
        title: "Share of the forces of the beginning that is out of balance, before each iteration",
        along: "iteration",
        up: "out of balance",
        curves,
    };
    write_file(path, chart.svg().as_bytes())
}
