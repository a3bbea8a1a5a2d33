//! The report page of an analysis.
//!
//! The page tells what was run and found, and nothing that depends on when, where or with how
//! many workers: the same analysis gives the same bytes. Times are in `run.json`.

use std::path::Path;

use crate::cli::arguments;
use crate::error::Result;
use crate::measure::table::Table;
use crate::report::figure::{Figure, figures};
use crate::report::page::{Report, page};
use crate::volume::sink::write_file;
use crate::volume::source::VolumeSource;

pub(crate) struct Page<'a> {
    pub(crate) source: &'a dyn VolumeSource,
    /// Whether the source is an image, to be shown under the labels.
    pub(crate) grey: bool,
    pub(crate) labels: &'a dyn VolumeSource,
    pub(crate) cells: &'a Table,
    pub(crate) contacts: &'a Table,
    pub(crate) settings: Vec<(String, String)>,
    /// The share of the volume that is foreground, where that was found.
    pub(crate) foreground: Option<f64>,
    pub(crate) files: Vec<(String, String)>,
}

impl Page<'_> {
    pub(crate) fn write(self, path: &Path) -> Result<()> {
        let header = self.source.header();
        let title =
            Path::new(&header.name).file_name().map_or(header.name.clone(), |name| name.to_string_lossy().into());
        let mut figures = figures(self.cells, self.contacts, header.spacing.unit)?;
        figures.extend(self.foreground.map(|share| Figure::quantity("Volume fraction", 100.0 * share, "%")));
        let report = Report {
            title: &title,
            version: env!("CARGO_PKG_VERSION"),
            command: &arguments::command(),
            input: header,
            settings: self.settings,
            figures,
            cells: self.cells,
            contacts: self.contacts,
            grey: self.grey.then_some(self.source),
            labels: self.labels,
            files: self.files,
        };
        write_file(path, page(&report)?.as_bytes())
    }
}
