//! The parameters of `septa potts`: a TOML file, and options that override it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::measure::read::read_table;
use crate::programs::potts::cells::{Cells, Connected, Type};
use crate::programs::potts::field::Field;
use crate::programs::potts::model::{Boundary, Energy, Model, Move, usual_shades};
use crate::programs::potts::neighborhood::Neighborhood;
use crate::volume::open::{OpenOptions, open};
use crate::volume::shape::Shape;

/// What a file of parameters looks like, with every default.
pub(crate) const HELP: &str = "\
Parameters in TOML (every one with its default; energies in units of your choice, at most three decimals):
  sweeps = 100             # sweeps; one visits every voxel once
  interval = 0             # sweeps between rows of the table and volumes of the series; 0: only first and last
  kt = 0.5                 # temperature, in units of energy; 0 to 10000
  neighborhood = 26        # voxels that meet: 6, 18, 26, 32, 56; in a plane 4, 8, 12, 20 [8]
  weights = [1, 1, 1]      # what a contact counts by the distance of the neighbour, nearest shell first
  boundary = \"periodic\"    # or \"walls\" (nothing beyond) or \"mirror\"; periodic sizes are even (of 12, 20, 32, 56: by 4)
  move = \"copy\"            # from a random neighbour; \"distinct\": from the unlike spins; \"heat-bath\": any spin
  contact = 1.0            # energy of a pair of unlike neighbours; with types a row of numbers for each
  shades = 1               # steps that a colour is cut into, 1, 2 or 4, for fresh volumes [2 or 4 where held]
  surface_neighborhood = 26  # neighbours among which surfaces are counted [those of neighborhood]
  [[type]]                 # type 0, 1, 2, ...: none by default; of two, label 0 is of the first
  name = \"\"                # what you call it
  target = 0               # volume of a cell, in voxels
  lambda = 0.0             # energy of the square of each voxel more or less
  growth = 0.0             # voxels that the target grows with every sweep
  surface = 0              # surface of a cell, in pairs of a voxel of it and a neighbour that is not
  surface_lambda = 0.0     # energy of the square of each pair more or less
  connected = false        # true: no change parts a cell; a number: the energy of one that does
  force = [0, 0, 0]        # energy that a copy gains by a step along z, y, x
  potential = 0.0          # energy of a voxel, by the value of --field there
  chemotaxis = 0.0         # energy that a copy gains by each unit that --field is more where it goes
  divide_at = 0            # voxels of a cell that divides, across its long axis; 0: never
  death = 0.0              # probability in a sweep that a cell begins to die: its target is 0 then
  frozen = false           # whether its voxels stay as they are

Examples:
  septa potts --random 100,100,100 --sweeps 200 -o grains.tif --table time.csv
  septa potts data/cells.tif --boundary walls --kt 0.3 --interval 10 --series frames -o end.tif
  septa potts cells.npy --parameters potts.toml --types types.csv -o sorted.npy --json";

/// A file of parameters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    sweeps: Option<u64>,
    interval: Option<u64>,
    kt: Option<f64>,
    neighborhood: Option<u32>,
    weights: Vec<f64>,
    surface_neighborhood: Option<u32>,
    boundary: Option<Boundary>,
    #[serde(rename = "move")]
    moves: Option<Move>,
    contact: Option<Contact>,
    shades: Option<u32>,
    #[serde(rename = "type")]
    types: Vec<TypeParameters>,
}

/// A number, or a row of numbers for each type.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Contact {
    One(f64),
    Table(Vec<Vec<f64>>),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TypeParameters {
    name: String,
    target: u64,
    lambda: f64,
    growth: f64,
    surface: u64,
    surface_lambda: f64,
    connected: Whole,
    force: [f64; 3],
    potential: f64,
    chemotaxis: f64,
    divide_at: u64,
    death: f64,
    frozen: bool,
}

/// Whether cells stay in one piece: so or not, or at what price.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Whole {
    Always(bool),
    At(f64),
}

impl Default for Whole {
    fn default() -> Self {
        Whole::Always(false)
    }
}

impl From<Whole> for Connected {
    fn from(whole: Whole) -> Self {
        match whole {
            Whole::Always(false) => Connected::No,
            Whole::Always(true) => Connected::Always,
            Whole::At(energy) => Connected::At(energy),
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct Parameters {
    /// A file of parameters; options below override it
    #[arg(long, value_name = "TOML")]
    pub(crate) parameters: Option<PathBuf>,
    /// How many sweeps; one visits every voxel once [default: 100]
    #[arg(long, value_name = "N")]
    sweeps: Option<u64>,
    /// Sweeps between rows of the table and volumes of the series [default: only the first and the last]
    #[arg(long, value_name = "K")]
    interval: Option<u64>,
    /// Temperature kT, in units of energy [default: 0.5]
    #[arg(long, value_name = "KT")]
    kt: Option<f64>,
    /// Voxels that meet: 4, 8, 12 or 20 in a plane, 6, 18, 26, 32 or 56 in space [default: 8 or 26]
    #[arg(long, value_name = "N")]
    neighborhood: Option<Neighborhood>,
    /// What lies beyond the faces: periodic, walls or mirror [default: periodic]
    #[arg(long, value_name = "WHAT")]
    boundary: Option<Boundary>,
    /// What voxels attempt: copy, distinct or heat-bath [default: copy]
    #[arg(long = "move", value_name = "MOVE")]
    moves: Option<Move>,
    /// Energy of a pair of unlike neighbours, where there are no types [default: 1]
    #[arg(long, value_name = "J", allow_negative_numbers = true)]
    contact: Option<f64>,
    /// Steps that a colour is cut into: 1, 2 or (in space) 4; more keep cell volumes fresher [default: 1; as
    /// many as there may be where volumes are held]
    #[arg(long, value_name = "N")]
    shades: Option<u32>,
    /// A volume of a value at each voxel, as large, for types that have a potential or chemotaxis
    #[arg(long, value_name = "VOLUME")]
    pub(crate) field: Option<PathBuf>,
    /// A table of the type of each label, with columns label and type (0, 1, ...)
    #[arg(long, value_name = "TABLE")]
    pub(crate) types: Option<PathBuf>,
}

/// The names of the types of labels, where the input tells them.
pub(crate) type Names = BTreeMap<u32, String>;

/// What is to be run.
pub(crate) struct Run {
    pub(crate) model: Model,
    pub(crate) sweeps: u64,
    pub(crate) interval: u64,
}

impl Parameters {
    /// What is to be run on a volume of `shape` with spins up to `spins`, whose types may be known by name.
    pub(crate) fn resolve(&self, shape: Shape, spins: u32, named: Option<&Names>, seed: u64) -> Result<Run> {
        let names = named;
        let file = self.parameters.as_deref().map_or(Ok(File::default()), read)?;
        let named = |error: Error| match &self.parameters {
            Some(path) => Error::new(error.kind(), format!("{}: {}", path.display(), error.message())),
            None => error,
        };
        let parse = |count: Option<u32>| count.map(|count| count.to_string().parse()).transpose().map_err(named);
        let (in_file, surface) = (parse(file.neighborhood)?, parse(file.surface_neighborhood)?);
        let usual = if shape.0[0] == 1 { Neighborhood::N8 } else { Neighborhood::N26 };
        let sweeps = self.sweeps.or(file.sweeps).unwrap_or(100);
        let interval = self.interval.or(file.interval).filter(|interval| *interval > 0);
        let neighborhood = self.neighborhood.or(in_file).unwrap_or(usual);
        let energy = self.energy(&file, spins, names).map_err(named)?;
        let field =
            self.field.as_deref().map(|path| Field::read(&*open(path, &OpenOptions::default())?)).transpose()?;
        let model = Model {
            neighborhood,
            weights: file.weights,
            surface,
            field: field.map(Arc::new),
            boundary: self.boundary.or(file.boundary).unwrap_or_default(),
            moves: self.moves.or(file.moves).unwrap_or_default(),
            shades: self.shades.or(file.shades).unwrap_or_else(|| usual_shades(neighborhood, &energy)),
            energy,
            kt: self.kt.or(file.kt).unwrap_or(0.5),
            spins,
            seed,
        };
        model.check(shape).map_err(named)?;
        Ok(Run { model, sweeps, interval: interval.unwrap_or(sweeps) })
    }

    fn energy(&self, file: &File, spins: u32, names: Option<&Names>) -> Result<Energy> {
        let contact = self.contact.map(Contact::One).or_else(|| file.contact.clone()).unwrap_or(Contact::One(1.0));
        if file.types.is_empty() {
            if self.types.is_some() {
                return Err(Error::usage("--types: there are none: list them as [[type]] in --parameters"));
            }
            return match contact {
                Contact::One(contact) => Ok(Energy::Uniform(contact)),
                Contact::Table(_) => {
                    Err(Error::usage("contact is a table, and there is no type: list them as [[type]]"))
                }
            };
        }
        let count = file.types.len();
        let contact = match contact {
            Contact::One(contact) => vec![vec![contact; count]; count],
            Contact::Table(table) => table,
        };
        let types = file.types.iter().cloned().map(|of| Type {
            name: of.name,
            target: of.target,
            lambda: of.lambda,
            growth: of.growth,
            surface: of.surface,
            surface_lambda: of.surface_lambda,
            connected: of.connected.into(),
            force: of.force,
            potential: of.potential,
            chemotaxis: of.chemotaxis,
            divide_at: of.divide_at,
            death: of.death,
            frozen: of.frozen,
        });
        let number = |name: &String| {
            file.types
                .iter()
                .position(|of| of.name == *name)
                .ok_or_else(|| Error::usage(format!("a type of the cells is «{name}»: name one of the [[type]] so")))
        };
        let of = match (&self.types, names) {
            (Some(path), _) => types_of(path, spins, count)?,
            (None, Some(names)) => {
                let mut of = vec![0; spins as usize + 1];
                for (label, name) in names {
                    of[*label as usize] = number(name)? as u8;
                }
                of
            }
            (None, None) if count <= 2 => {
                let mut of = vec![count as u8 - 1; spins as usize + 1];
                of[0] = 0;
                of
            }
            (None, None) => return Err(Error::usage(format!("{count} types: tell the type of each label by --types"))),
        };
        Ok(Energy::Cells(Arc::new(Cells::new(types.collect(), of, &contact)?)))
    }
}

fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).map_err(|cause| Error::reading(path, cause))?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let what = error.message().replace('\n', " ");
        Error::input(path.display(), format!("line {line}: {what}")).because(error)
    })
}

/// The type of each spin, from a table.
fn types_of(path: &Path, spins: u32, count: usize) -> Result<Vec<u8>> {
    let table = read_table(path)?;
    let (labels, types) = (table.labels("label")?, table.labels("type")?);
    let mut of = vec![None; spins as usize + 1];
    for (row, (label, kind)) in labels.iter().zip(types.iter()).enumerate() {
        let refuse = |what: String| Err(Error::input(path.display(), format!("row {}: {what}", row + 1)));
        if *kind >= count as u64 {
            return refuse(format!("type {kind}, and there are {count}"));
        }
        match usize::try_from(*label).ok().and_then(|label| of.get_mut(label)) {
            Some(Some(_)) => return refuse(format!("label {label} is there twice")),
            Some(kind_of) => *kind_of = Some(*kind as u8),
            // A label that no voxel has.
            None => {}
        }
    }
    // What the table leaves out is of the first type, but only the background may be.
    of[0] = of[0].or(Some(0));
    let missing = of.iter().position(Option::is_none);
    match missing {
        None => Ok(of.into_iter().flatten().collect()),
        Some(label) => Err(Error::input(path.display(), format!("label {label} has no type: give it a row"))),
    }
}
