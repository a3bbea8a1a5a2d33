//! `septa relax tension`.

use std::path::{Path, PathBuf};

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::error::Result;
use crate::lattice::contact::Contact;
use crate::measure::table::{Column, Table};
use crate::measure::write::write_table;
use crate::pregel::run::Config;
use crate::programs::force::tension::inference::{self, Inference, infer};
use crate::programs::force::tension::pressure::Pressure;
use crate::report::vtk::{self, Data, Lines};
use crate::volume::shape::Spacing;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa relax tension data/cells.tif -o tensions.csv --cells pressures.csv\n  \
                        septa relax tension data/cells.tif --vtk tensions.vtp --json")]
pub(crate) struct Args {
    /// Where to write a row for each contact: tension and its error, curvature, area, residual
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Where to write a row for each cell: its pressure above the outside
    #[arg(long, value_name = "OUT")]
    cells: Option<PathBuf>,
    /// Where to write, for ParaView, lines from the junctions to the middles of the contacts: .vtp
    #[arg(long, value_name = "VTP")]
    vtk: Option<PathBuf>,
    #[command(flatten)]
    input: Input,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    args.check(context)?;
    let source = context.readable(args.input.open()?)?;
    let spacing = source.header().spacing;
    let found = infer(context.runtime()?, &context.tiling(&source, "boundaries")?, &spacing, &Config::default())?;
    let figures = told(&found);
    if context.is_first() {
        if let Some(path) = &args.output {
            write_table(path, &contacts(&found, &spacing)?)?;
        }
        if let Some(path) = &args.cells {
            write_table(path, &cells(&found, &spacing)?)?;
        }
        if let Some(path) = &args.vtk {
            vtk::write(&drawn(&found), path)?;
        }
    }
    let figures = figures.with("seconds", context.seconds());
    for path in args.outputs() {
        context.record(path, &[&args.input.volume], &figures)?;
    }
    Ok(figures)
}

impl Args {
    fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.output.iter().chain(&self.cells).chain(&self.vtk).map(PathBuf::as_path)
    }

    /// Refuses outputs that cannot be, before anything is read.
    fn check(&self, context: &Context) -> Result<()> {
        context.check_distinct(&self.outputs().collect::<Vec<_>>())?;
        for path in self.output.iter().chain(&self.cells) {
            context.check_table(path, Some(&self.input.volume))?;
        }
        if let Some(path) = &self.vtk {
            context.check_drawing(path, "vtp", "tensions are drawn as .vtp", Some(&self.input.volume))?;
        }
        self.outputs().try_for_each(|path| context.check_record(path))
    }
}

fn told(found: &Inference) -> Figures {
    let groups = &found.groups;
    let junctions: u64 = groups.iter().map(|group| group.junctions).sum();
    let square: f64 = groups.iter().map(|group| group.residual.powi(2) * group.junctions as f64).sum();
    Figures::default()
        .with("cells", found.cells.len())
        .with("contacts", found.contacts.len())
        .with("junctions", junctions)
        .with("groups", groups.len())
        .with("dropped_contacts", found.dropped_contacts.len())
        .with("dropped_junctions", found.dropped_junctions)
        .with("negative", found.contacts.iter().filter(|contact| contact.tension.tension < 0.0).count())
        .with("undetermined", groups.iter().map(|group| group.undetermined).sum::<u64>())
        .with("condition", groups.iter().map(|group| group.condition).fold(1.0, f64::max))
        .with("iterations", groups.iter().map(|group| group.iterations).sum::<u64>())
        .with("residual", (square / junctions as f64).sqrt())
        .with("pressure_residual", found.pressure_residual)
}

/// A row for each contact.
fn contacts(found: &Inference, spacing: &Spacing) -> Result<Table> {
    let of = &found.contacts;
    let unit = spacing.unit.to_string();
    let labels = |name: &str, label: &dyn Fn(usize) -> u64| {
        Column::new(name, "", (0..of.len()).map(label).collect::<Vec<u64>>())
    };
    let numbers = |name: &str, unit: &str, number: &dyn Fn(usize) -> f64| {
        Column::new(name, unit, (0..of.len()).map(number).collect::<Vec<f64>>())
    };
    let faces = |at: usize| Contact::by_faces(of[at].faces);
    Table::new(
        "contacts",
        vec![
            labels("label_a", &|at| of[at].tension.sides.0),
            labels("label_b", &|at| of[at].tension.sides.1),
            labels("group", &|at| u64::from(of[at].tension.group)),
            numbers("tension", "", &|at| of[at].tension.tension),
            numbers("tension_error", "", &|at| of[at].tension.error),
            numbers("curvature", &format!("1/{unit}"), &|at| of[at].curvature),
            numbers("curvature_error", &format!("1/{unit}"), &|at| of[at].curvature_error),
            labels("n_faces", &|at| faces(at).n_faces()),
            numbers("area", &format!("{unit}²"), &|at| faces(at).area(spacing)),
            numbers("residual", "", &|at| of[at].tension.residual),
            numbers("misfit", &unit, &|at| of[at].misfit),
        ],
    )
}

/// A row for each cell.
fn cells(found: &Inference, spacing: &Spacing) -> Result<Table> {
    let of = &found.cells;
    let unit = format!("1/{}", spacing.unit);
    let column = |name: &str, number: fn(&Pressure) -> f64| {
        Column::new(name, unit.as_str(), of.iter().map(number).collect::<Vec<f64>>())
    };
    Table::new(
        "cells",
        vec![
            Column::new("label", "", of.iter().map(|cell| cell.label).collect::<Vec<u64>>()),
            Column::new("group", "", of.iter().map(|cell| u64::from(cell.group)).collect::<Vec<u64>>()),
            column("pressure", |cell| cell.pressure),
            column("pressure_error", |cell| cell.error),
        ],
    )
}

/// Lines from the junctions to the middles of the contacts that meet there.
fn drawn(found: &Inference) -> Lines {
    let places = found.contacts.iter().map(|contact| contact.middle);
    let places = places.chain(found.junctions.iter().map(|junction| junction.place));
    let first = found.contacts.len();
    let contact = |sides| {
        let at = found.contacts.binary_search_by_key(&sides, |contact| contact.tension.sides);
        at.expect("junctions join contacts that were found")
    };
    let arms: Vec<(usize, usize)> = found
        .junctions
        .iter()
        .enumerate()
        .flat_map(|(at, junction)| junction.arms.iter().map(move |arm| (first + at, contact(arm.sides))))
        .collect();
    let of = |value: fn(&inference::Contact) -> f64| {
        Data::Numbers(arms.iter().map(|(_, contact)| value(&found.contacts[*contact])).collect())
    };
    let label = |side: fn((u64, u64)) -> u64| {
        Data::Labels(arms.iter().map(|(_, contact)| side(found.contacts[*contact].tension.sides)).collect())
    };
    Lines {
        points: places.map(|place| place.0).collect(),
        lines: arms.iter().map(|(junction, contact)| [*junction as u32, *contact as u32]).collect(),
        of_points: Vec::new(),
        of_lines: vec![
            ("label_a", label(|sides| sides.0)),
            ("label_b", label(|sides| sides.1)),
            ("tension", of(|contact| contact.tension.tension)),
            ("tension_error", of(|contact| contact.tension.error)),
            ("curvature", of(|contact| contact.curvature)),
        ],
    }
}
