//! When a balance of forces ends, and the picture of how it went there.

use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::error::{Error, Result};
use crate::programs::force::solve::Stop;
use crate::report::chart::{Chart, Curve};
use crate::volume::sink::write_file;

/// Iterations that are drawn, about.
const DRAWN: usize = 2000;

#[derive(Debug, clap::Args)]
pub(crate) struct Stopping {
    /// End where this share of the forces of the beginning is out of balance
    #[arg(long, value_name = "SHARE", default_value_t = 1e-8)]
    tolerance: f64,
    /// More iterations are an error
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    iterations: u64,
    /// Where to draw what is out of balance before each iteration: .svg
    #[arg(long, value_name = "SVG")]
    residuals: Option<PathBuf>,
}

impl Stopping {
    /// Refuses what makes no sense, before anything is read.
    pub(crate) fn check(&self, context: &Context, input: &Path) -> Result<()> {
        if let Some(path) = &self.residuals {
            context.check_chart(path, Some(input))?;
        }
        check_above_0(self.tolerance, "--tolerance")?;
        match self.tolerance < 1.0 {
            true => Ok(()),
            false => Err(Error::usage(format!("--tolerance {}: give a share below 1", self.tolerance))),
        }
    }

    /// When it ends.
    pub(crate) fn stop(&self) -> Stop {
        Stop { tolerance: self.tolerance, iterations: self.iterations }
    }

    /// The picture, if one is asked for.
    pub(crate) fn output(&self) -> Option<&Path> {
        self.residuals.as_deref()
    }

    /// Draws the residual before each iteration, where that is asked for.
    pub(crate) fn draw(&self, history: &[f64]) -> Result<()> {
        self.residuals.as_ref().map_or(Ok(()), |path| write(path, history, self.tolerance))
    }
}

/// Refuses an option that is not above 0.
pub(crate) fn check_above_0(value: f64, option: &str) -> Result<()> {
    match value > 0.0 && value.is_finite() {
        true => Ok(()),
        false => Err(Error::usage(format!("{option} {value}: give a number above 0"))),
    }
}

fn write(path: &Path, history: &[f64], tolerance: f64) -> Result<()> {
    let last = history.len().max(2) as f64;
    let every = history.len().div_ceil(DRAWN).max(1);
    let drawn = (0..history.len()).filter(|at| at % every == 0 || at + 1 == history.len());
    let points = drawn.map(|at| [(at + 1) as f64, history[at]]).collect();
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
