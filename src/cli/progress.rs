//! Progress on a terminal, and the end by a signal: both at the places where voxels are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{Error, Kind, Result};
use crate::volume::region::Region;
use crate::volume::source::{Header, VolumeSource};
use crate::volume::voxel::Voxels;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether there is nothing yet that would be left behind.
static WAITING: AtomicBool = AtomicBool::new(false);

/// Says whether the process only waits for its peers.
pub(crate) fn waiting(waits: bool) {
    WAITING.store(waits, Ordering::Relaxed);
}

/// Lets the first signal end the run in order, with nothing left behind; a second ends it at once.
pub(crate) fn interrupts() {
    // Where a handler cannot be had the signal ends the process, as it would without us.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) || WAITING.load(Ordering::Relaxed) {
            std::process::exit(i32::from(Kind::Interrupted.exit_code()));
        }
    });
}

/// Whether a signal has come; an error where it has.
pub(crate) fn heed() -> Result<()> {
    match INTERRUPTED.load(Ordering::Relaxed) {
        false => Ok(()),
        true => Err(Error::new(Kind::Interrupted, "interrupted: nothing was kept of what was not finished")),
    }
}

/// A bar over `voxels`, drawn on a terminal only.
pub(crate) fn bar(stage: &str, voxels: u64, hidden: bool) -> ProgressBar {
    if hidden || !std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{prefix:>10} {bar:32} {percent:>3} %  {binary_bytes_per_sec}  {eta}");
    let bar = ProgressBar::new(voxels).with_prefix(stage.to_string());
    if let Ok(style) = style {
        bar.set_style(style.with_key(
            "binary_bytes_per_sec",
            |state: &indicatif::ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{:.0} MVx/s", state.per_sec() / 1e6);
            },
        ));
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// A volume whose reads move a bar, and end at a signal.
pub(crate) struct Attended {
    inner: Arc<dyn VolumeSource>,
    bar: ProgressBar,
}

impl Attended {
    pub(crate) fn new(inner: Arc<dyn VolumeSource>, bar: ProgressBar) -> Self {
        Self { inner, bar }
    }
}

impl VolumeSource for Attended {
    fn header(&self) -> &Header {
        self.inner.header()
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        heed()?;
        let voxels = self.inner.read(region)?;
        self.bar.inc(region.shape().voxels().unwrap_or(0));
        Ok(voxels)
    }

    fn is_resident(&self) -> bool {
        self.inner.is_resident()
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
