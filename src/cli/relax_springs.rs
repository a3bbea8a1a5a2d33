//! `septa relax springs`.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::cli::contacts::summarise;
use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::cli::relax_stop::{Stopping, check_above_0};
use crate::error::{Error, Kind, Result};
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Summary, Want};
use crate::measure::read::read_table;
use crate::measure::table::{Column, Table};
use crate::measure::write::write_table;
use crate::pregel::run::Config;
use crate::programs::force::contact_springs::{Body, Response};
use crate::programs::force::mechanisms::{mechanisms, refuse_idle_loads};
use crate::programs::force::plane::Plane;
use crate::programs::force::vector::Vector;
use crate::report::vtk::{self, Data, Lines};
use crate::volume::shape::{Shape, Spacing};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa relax springs data/cells.tif --fix z=0 --pull z=max:0.5 -o nodes.csv\n  \
                        septa relax springs data/cells.tif --fix z=0 --load z=max:-2 --springs springs.csv")]
pub(crate) struct Args {
    /// Where to write a row for each cell: displacement, reaction, energy
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Where to write a row for each contact: stiffness, elongation, force
    #[arg(long, value_name = "OUT")]
    springs: Option<PathBuf>,
    /// Where to write the springs under their forces for ParaView: .vtp
    #[arg(long, value_name = "VTP")]
    vtk: Option<PathBuf>,
    /// Hold the cells at a face of the volume, such as z=0 or x=max; may be given again. A cell that touches
    /// several such faces is held or moved at the one that is nearest to its centroid
    #[arg(long, value_name = "FACE", help_heading = "Boundary")]
    fix: Vec<Plane>,
    /// Move the cells at a face along its axis by a length, and hold them otherwise: z=max:0.5; may be given
    /// again
    #[arg(long, value_name = "FACE:LENGTH", help_heading = "Boundary", allow_hyphen_values = true)]
    pull: Vec<At>,
    /// Load the cells at a face along its axis with a force, in equal shares: z=max:-2; may be given again
    #[arg(long, value_name = "FACE:FORCE", help_heading = "Boundary", allow_hyphen_values = true)]
    load: Vec<At>,
    /// A table of forces on cells, with columns label, force-0, force-1, force-2 (z, y, x)
    #[arg(long, value_name = "TABLE", help_heading = "Boundary")]
    forces: Option<PathBuf>,
    /// Elastic modulus E: a contact of area A between centroids l apart has the stiffness E A / l
    #[arg(long, value_name = "E", default_value_t = 1.0)]
    modulus: f64,
    #[command(flatten)]
    stopping: Stopping,
    #[command(flatten)]
    input: Input,
}

/// Something at a face.
#[derive(Clone, Copy, Debug, PartialEq)]
struct At {
    plane: Plane,
    amount: f64,
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (plane, amount) =
            text.split_once(':').ok_or_else(|| format!("«{text}»: give a face and a number, such as z=max:0.5"))?;
        let plane = plane.parse()?;
        match amount.parse() {
            Ok(amount) if f64::is_finite(amount) => Ok(Self { plane, amount }),
            _ => Err(format!("«{amount}» is not a number")),
        }
    }
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    args.check(context)?;
    let source = context.readable(args.input.open()?)?;
    let want = Want { cells: Detail::Moments, contacts: Some(Stencil::N6) };
    let summary = summarise(context, &source, want)?;
    let (shape, spacing) = (source.header().shape, source.header().spacing);
    let mut body = Body::of_contacts(&summary, &spacing, args.modulus)?;
    let held = args.ask(&mut body, &summary, shape, &spacing)?;
    let (runtime, config) = (context.runtime()?, Config::default());
    let stop = args.stopping.stop();
    let found = body.balance(runtime, stop, &config);
    if found.as_ref().is_err_and(|error| error.kind() == Kind::Program) {
        // All processes have this error, and look for what they can say of it.
        refuse_idle_loads(runtime, &body, &config)?;
    }
    let found = found?;
    let moved = mechanisms(runtime, &body, &config)?;
    let mut figures = Figures::default()
        .with("cells", body.nodes.len())
        .with("springs", body.springs.len())
        .with("free_bodies", body.free_bodies().len())
        .with("mechanism_cells", moved.len())
        .with("iterations", found.iterations)
        .with("residual", found.residual);
    if context.is_first() {
        let response = body.response(&found.displacements);
        for (At { plane, .. }, held) in args.faces().iter().zip(&held) {
            let total = held.iter().fold(Vector::default(), |sum, node| sum.plus(response.reactions[*node]));
            figures = figures.with(&format!("reaction {plane}"), total.0);
        }
        figures = figures.with("energy", response.energies.iter().fold(0.0, |sum, energy| sum + energy));
        if let Some(path) = &args.output {
            write_table(path, &nodes(&body, &found.displacements, &response, &moved, &spacing)?)?;
        }
        if let Some(path) = &args.springs {
            write_table(path, &springs(&body, &response, &spacing)?)?;
        }
        args.stopping.draw(&found.history)?;
        if let Some(path) = &args.vtk {
            vtk::write(&drawn(body, found.displacements, response), path)?;
        }
    }
    let figures = figures.with("seconds", context.seconds());
    for path in args.outputs() {
        let inputs: Vec<&Path> =
            std::iter::once(&args.input.volume).chain(&args.forces).map(PathBuf::as_path).collect();
        context.record(path, &inputs, &figures)?;
    }
    Ok(figures)
}

/// The nodes of cells that touch a face.
fn at(summary: &Summary, shape: Shape, plane: Plane) -> impl Iterator<Item = usize> {
    let cells = summary.cells.values().enumerate();
    cells.filter(move |(_, cell)| plane.touches(cell, shape)).map(|(node, _)| node)
}

impl Args {
    fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.output.iter().chain(&self.springs).chain(&self.vtk).map(PathBuf::as_path).chain(self.stopping.output())
    }

    /// Where cells are held, and how far they are moved there.
    fn faces(&self) -> Vec<At> {
        let fixed = self.fix.iter().map(|plane| At { plane: *plane, amount: 0.0 });
        fixed.chain(self.pull.iter().copied()).collect()
    }

    /// Refuses what makes no sense, before anything is read.
    fn check(&self, context: &Context) -> Result<()> {
        context.check_distinct(&self.outputs().collect::<Vec<_>>())?;
        for path in self.output.iter().chain(&self.springs) {
            context.check_table(path, Some(&self.input.volume))?;
        }
        if let Some(forces) = &self.forces {
            self.outputs().try_for_each(|path| context.check_output(path, Some(forces)))?;
        }
        if let Some(path) = &self.vtk {
            context.check_drawing(path, "vtp", "springs are drawn as .vtp", Some(&self.input.volume))?;
        }
        self.stopping.check(context, &self.input.volume)?;
        self.outputs().try_for_each(|path| context.check_record(path))?;
        check_above_0(self.modulus, "--modulus")?;
        let faces = self.faces();
        for (at, face) in faces.iter().enumerate() {
            if faces[..at].iter().any(|other| other.plane == face.plane) {
                return Err(Error::usage(format!("{} is held or moved twice: give it once", face.plane)));
            }
        }
        match self.fix.is_empty() && self.pull.is_empty() && self.load.is_empty() && self.forces.is_none() {
            true => Err(Error::usage("nothing is held, moved or loaded: give --fix, --pull, --load or --forces")),
            false => Ok(()),
        }
    }

    /// Holds, moves and loads the cells of a body: the nodes that are held at each of the faces.
    fn ask(&self, body: &mut Body, summary: &Summary, shape: Shape, spacing: &Spacing) -> Result<Vec<Vec<usize>>> {
        let mut nearest = vec![(f64::INFINITY, None); body.nodes.len()];
        let faces = self.faces();
        for (face, At { plane, .. }) in faces.iter().enumerate() {
            for node in at(summary, shape, *plane) {
                // A cell that touches several faces is of the nearest, of equals the first that was given.
                let away = plane.distance(body.places[node], shape, spacing);
                if away < nearest[node].0 {
                    nearest[node] = (away, Some(face));
                }
            }
        }
        let mut held = vec![Vec::new(); faces.len()];
        for (node, (_, face)) in nearest.into_iter().enumerate() {
            let Some(face) = face else { continue };
            let At { plane, amount } = faces[face];
            body.nodes[node].held = [true; 3];
            body.nodes[node].displacement.0[plane.axis] = amount;
            held[face].push(node);
        }
        if let Some((At { plane, .. }, _)) = faces.iter().zip(&held).find(|(_, held)| held.is_empty()) {
            let what = "no cell touches it, or all that do are nearer to another face";
            return Err(Error::usage(format!("nothing is held at {plane}: {what}")));
        }
        for At { plane, amount } in self.load.iter().copied() {
            let count = at(summary, shape, plane).count();
            if count == 0 {
                return Err(Error::usage(format!("no cell touches {plane}: nothing to load")));
            }
            for node in at(summary, shape, plane) {
                body.nodes[node].load.0[plane.axis] += amount / count as f64;
            }
        }
        if let Some(path) = &self.forces {
            self.load_by_table(body, path)?;
        }
        Ok(held)
    }

    fn load_by_table(&self, body: &mut Body, path: &Path) -> Result<()> {
        let table = read_table(path)?;
        let labels = table.labels("label")?;
        let forces = [0, 1, 2].map(|axis| format!("force-{axis}"));
        for (axis, name) in forces.iter().enumerate() {
            let column = table.columns.iter().find(|column| column.name == *name);
            let column =
                column.ok_or_else(|| Error::input(path.display(), format!("has no column {name}: give z, y and x")))?;
            for (row, label) in labels.iter().enumerate() {
                let node = body.labels.binary_search(label);
                let node = node
                    .map_err(|_| Error::input(path.display(), format!("row {}: there is no cell {label}", row + 1)))?;
                let force = column.values.get(row).map_or(f64::NAN, |value| value.to_f64());
                if !force.is_finite() {
                    return Err(Error::input(path.display(), format!("row {}: {name} is not a number", row + 1)));
                }
                body.nodes[node].load.0[axis] += force;
            }
        }
        Ok(())
    }
}

/// Three columns of vectors.
fn vectors(name: &str, unit: &str, of: &[Vector]) -> Vec<Column> {
    let column = |axis: usize| {
        Column::new(format!("{name}-{axis}"), unit, of.iter().map(|vector| vector.0[axis]).collect::<Vec<f64>>())
    };
    (0..3).map(column).collect()
}

/// A row for each cell.
fn nodes(
    body: &Body,
    displacements: &[Vector],
    response: &Response,
    moved: &[usize],
    spacing: &Spacing,
) -> Result<Table> {
    let unit = spacing.unit.to_string();
    let idle: Vec<bool> = (0..body.nodes.len()).map(|node| moved.binary_search(&node).is_ok()).collect();
    let mut columns = vec![Column::new("label", "", body.labels.clone())];
    columns.extend(vectors("centroid", &unit, &body.places));
    columns.extend(vectors("displacement", &unit, displacements));
    columns.extend(vectors("reaction", "", &body.reactions(response)));
    columns.push(Column::new("energy", "", response.energies.clone()));
    columns.push(Column::new("mechanism", "", idle));
    Table::new("cells", columns)
}

/// The springs where they were, with what became of them.
fn drawn(body: Body, displacements: Vec<Vector>, response: Response) -> Lines {
    let vectors = |of: Vec<Vector>| of.into_iter().map(|vector| vector.0).collect::<Vec<_>>();
    let reactions = vectors(body.reactions(&response));
    Lines {
        points: vectors(body.places),
        lines: body.springs.iter().map(|(a, b, _)| [*a, *b]).collect(),
        of_points: vec![
            ("label", Data::Labels(body.labels)),
            ("displacement", Data::Vectors(vectors(displacements))),
            ("reaction", Data::Vectors(reactions)),
            ("energy", Data::Numbers(response.energies)),
        ],
        of_lines: vec![
            ("stiffness", Data::Numbers(body.springs.iter().map(|(.., spring)| spring.stiffness).collect())),
            ("elongation", Data::Numbers(response.elongations)),
            ("force", Data::Numbers(response.tensions)),
        ],
    }
}

/// A row for each contact.
fn springs(body: &Body, response: &Response, spacing: &Spacing) -> Result<Table> {
    let unit = spacing.unit.to_string();
    let label = |node: &u32| body.labels[*node as usize];
    let length = |a: &u32, b: &u32| body.places[*b as usize].minus(body.places[*a as usize]).length();
    let of = &body.springs;
    Table::new(
        "contacts",
        vec![
            Column::new("label_a", "", of.iter().map(|(a, ..)| label(a)).collect::<Vec<u64>>()),
            Column::new("label_b", "", of.iter().map(|(_, b, _)| label(b)).collect::<Vec<u64>>()),
            Column::new("length", unit.as_str(), of.iter().map(|(a, b, _)| length(a, b)).collect::<Vec<f64>>()),
            Column::new("stiffness", "", of.iter().map(|(.., spring)| spring.stiffness).collect::<Vec<f64>>()),
            Column::new("elongation", unit.as_str(), response.elongations.clone()),
            Column::new("force", "", response.tensions.clone()),
        ],
    )
}
