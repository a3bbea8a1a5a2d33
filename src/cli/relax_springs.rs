//! `septa relax springs`.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::relax_boundary::{At, Boundary};
use crate::cli::relax_ground::{Found, Ground};
use crate::cli::relax_stop::{Stopping, check_above_0};
use crate::cli::run_saving::Saving;
use crate::error::{Error, Kind, Result};
use crate::measure::table::{Column, Table};
use crate::measure::write::write_table;
use crate::pregel::run::Config;
use crate::programs::force::contact_springs::{Body, Response};
use crate::programs::force::law::{Law, Only};
use crate::programs::force::mechanisms::{mechanisms, refuse_idle_loads};
use crate::programs::force::solve::Solver;
use crate::programs::force::vector::Vector;
use crate::report::pulled::Pulled;
use crate::report::vtk::{self, Data, Lines};
use crate::volume::sink::write_file;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa relax springs data/cells.tif --fix z=0 --pull z=max:0.5 -o nodes.csv\n  \
                        septa relax springs data/cells.tif --fix z=0 --load z=max:-2 --springs springs.csv\n  \
                        septa relax springs data/cells.tif --fix z=0 --pull z=max:-3 --nonlinear --only push\n  \
                        septa relax springs contacts.graphml --hold held.csv --forces forces.csv -o nodes.csv")]
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
    /// Where to draw a slab of the body: springs in the colours of their forces, displacements as arrows: .svg
    #[arg(long, value_name = "SVG")]
    picture: Option<PathBuf>,
    /// Elastic modulus E: a contact of area A between centroids l apart has the stiffness E A / l [default: 1]
    #[arg(long, value_name = "E")]
    modulus: Option<f64>,
    /// Let springs turn with their ends: displacements may be large. By FIRE
    #[arg(long)]
    nonlinear: bool,
    /// Springs that only push (compression-only) or only pull (tension-only), and are slack otherwise. By FIRE
    #[arg(long, value_enum, value_name = "push|pull")]
    only: Option<OnlyTo>,
    /// How linear forces are balanced: by conjugate gradients, or by Chebyshev iteration, which needs two to four times
    /// the iterations, of one superstep instead of two: where processes are many and sums over all of them dear
    #[arg(long, value_enum, default_value_t = By::Cg, conflicts_with_all = ["nonlinear", "only"])]
    solver: By,
    #[command(flatten)]
    boundary: Boundary,
    #[command(flatten)]
    stopping: Stopping,
    #[command(flatten)]
    ground: Ground,
    #[command(flatten)]
    saving: Saving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Cg,
    Chebyshev,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnlyTo {
    #[value(alias = "compression")]
    Push,
    #[value(alias = "tension")]
    Pull,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    args.check(context)?;
    let mut found = args.ground.read(context, args.modulus)?;
    let held = args.boundary.ask(&mut found)?;
    let Found { mut body, unit, .. } = found;
    body.law = args.law();
    let runtime = context.runtime()?;
    let (config, steps) = args.saving.config(None);
    let solver = match args.solver {
        By::Cg => Solver::Gradients,
        By::Chebyshev => Solver::Chebyshev,
    };
    let balanced = body.balance_by(solver, runtime, args.stopping.stop(), &config);
    if body.law.is_linear() && balanced.as_ref().is_err_and(|error| error.kind() == Kind::Program) {
        // All processes have this error, and look for what they can say of it.
        refuse_idle_loads(runtime, &body, &Config::default())?;
    }
    let balanced = balanced?;
    let moved = mechanisms(runtime, &balanced.tangent(runtime, &body)?, &Config::default())?;
    let mut figures = Figures::default()
        .with("cells", body.nodes.len())
        .with("springs", body.springs.len())
        .with("free_bodies", body.free_bodies().len())
        .with("mechanism_cells", moved.len())
        .with("iterations", balanced.iterations)
        .with("residual", balanced.residual);
    if context.is_first() {
        let response = body.response(&balanced.displacements);
        if body.law.only.is_some() {
            figures = figures.with("slack_springs", response.slack(&body.response(&body.given())));
        }
        for (At { plane, .. }, held) in args.boundary.faces().iter().zip(&held) {
            let total = held.iter().fold(Vector::default(), |sum, node| sum.plus(response.reactions[*node]));
            figures = figures.with(&format!("reaction {plane}"), total.0);
        }
        figures = figures.with("energy", response.energies.iter().fold(0.0, |sum, energy| sum + energy));
        if let Some(path) = &args.output {
            write_table(path, &nodes(&body, &balanced.displacements, &response, &moved, &unit)?)?;
        }
        if let Some(path) = &args.springs {
            write_table(path, &springs(&body, &response, &unit)?)?;
        }
        args.stopping.draw(&balanced.history)?;
        let lines = drawn(body, &balanced.displacements, &response);
        if let Some(path) = &args.picture {
            let (displacements, forces) = (vectors_of(&balanced.displacements), &response.tensions);
            let Lines { points, lines, .. } = &lines;
            let body = Pulled { places: points, displacements: &displacements, springs: lines, forces, unit: &unit };
            write_file(path, body.svg(body.across()).as_bytes())?;
        }
        if let Some(path) = &args.vtk {
            vtk::write(&lines, path)?;
        }
    }
    let mut figures = figures.with("seconds", context.seconds()).and(steps.figures(balanced.supersteps));
    if args.saving.resumes() {
        figures = figures.with("resumed", balanced.resumed);
    }
    for path in args.outputs() {
        context.record(path, &args.inputs().collect::<Vec<_>>(), &figures)?;
    }
    Ok(figures)
}

impl Args {
    fn outputs(&self) -> impl Iterator<Item = &Path> {
        let named = self.output.iter().chain(&self.springs).chain(&self.vtk).chain(&self.picture);
        named.map(PathBuf::as_path).chain(self.stopping.output())
    }

    fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.ground.files().chain(self.boundary.files())
    }

    /// Refuses what makes no sense, before anything is read.
    fn check(&self, context: &Context) -> Result<()> {
        self.ground.check()?;
        context.check_distinct(&self.outputs().collect::<Vec<_>>())?;
        for path in self.output.iter().chain(&self.springs) {
            context.check_table(path, Some(&self.ground.input))?;
        }
        for input in self.inputs().skip(1) {
            self.outputs().try_for_each(|path| context.check_output(path, Some(input)))?;
        }
        if let Some(path) = &self.vtk {
            context.check_drawing(path, "vtp", "springs are drawn as .vtp", Some(&self.ground.input))?;
        }
        if let Some(path) = &self.picture {
            context.check_chart(path, Some(&self.ground.input))?;
        }
        self.stopping.check(context, &self.ground.input)?;
        self.outputs().try_for_each(|path| context.check_record(path))?;
        if let Some(modulus) = self.modulus {
            check_above_0(modulus, "--modulus")?;
        }
        if self.saving.steps && !context.common.json {
            return Err(Error::usage("--steps: tells its figures as JSON alone: give --json too"));
        }
        self.boundary.check()
    }

    /// How springs resist.
    fn law(&self) -> Law {
        let only = self.only.map(|only| match only {
            OnlyTo::Push => Only::Push,
            OnlyTo::Pull => Only::Pull,
        });
        Law { large: self.nonlinear, only }
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
fn nodes(body: &Body, displacements: &[Vector], response: &Response, moved: &[usize], unit: &str) -> Result<Table> {
    let idle: Vec<bool> = (0..body.nodes.len()).map(|node| moved.binary_search(&node).is_ok()).collect();
    let mut columns = vec![Column::new("label", "", body.labels.clone())];
    columns.extend(vectors("centroid", unit, &body.places));
    columns.extend(vectors("displacement", unit, displacements));
    columns.extend(vectors("reaction", "", &body.reactions(response)));
    columns.push(Column::new("energy", "", response.energies.clone()));
    columns.push(Column::new("mechanism", "", idle));
    Table::new("cells", columns)
}

/// The springs where they were, with what became of them.
fn drawn(body: Body, displacements: &[Vector], response: &Response) -> Lines {
    let reactions = vectors_of(&body.reactions(response));
    Lines {
        points: vectors_of(&body.places),
        lines: body.springs.iter().map(|(a, b, _)| [*a, *b]).collect(),
        of_points: vec![
            ("label", Data::Labels(body.labels)),
            ("displacement", Data::Vectors(vectors_of(displacements))),
            ("reaction", Data::Vectors(reactions)),
            ("energy", Data::Numbers(response.energies.clone())),
        ],
        of_lines: vec![
            ("stiffness", Data::Numbers(body.springs.iter().map(|(.., spring)| spring.stiffness).collect())),
            ("elongation", Data::Numbers(response.elongations.clone())),
            ("force", Data::Numbers(response.tensions.clone())),
        ],
    }
}

fn vectors_of(vectors: &[Vector]) -> Vec<[f64; 3]> {
    vectors.iter().map(|vector| vector.0).collect()
}

/// A row for each contact.
fn springs(body: &Body, response: &Response, unit: &str) -> Result<Table> {
    let label = |node: &u32| body.labels[*node as usize];
    let length = |a: &u32, b: &u32| body.places[*b as usize].minus(body.places[*a as usize]).length();
    let of = &body.springs;
    Table::new(
        "contacts",
        vec![
            Column::new("label_a", "", of.iter().map(|(a, ..)| label(a)).collect::<Vec<u64>>()),
            Column::new("label_b", "", of.iter().map(|(_, b, _)| label(b)).collect::<Vec<u64>>()),
            Column::new("length", unit, of.iter().map(|(a, b, _)| length(a, b)).collect::<Vec<f64>>()),
            Column::new("stiffness", "", of.iter().map(|(.., spring)| spring.stiffness).collect::<Vec<f64>>()),
            Column::new("elongation", unit, response.elongations.clone()),
            Column::new("force", "", response.tensions.clone()),
        ],
    )
}
