//! `septa relax`.

use clap::Subcommand;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::{relax_bone, relax_springs, relax_tension};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Cells as nodes and contacts as springs: displacements, forces, reactions.
    Springs(Box<relax_springs::Args>),
    /// Voxels as elastic elements between two plates: apparent modulus, energies, stresses.
    Bone(Box<relax_bone::Args>),
    /// Tensions of contacts and pressures of cells, from the shape of their boundaries.
    Tension(Box<relax_tension::Args>),
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    match &args.what {
        What::Springs(args) => relax_springs::run(context, args),
        What::Bone(args) => relax_bone::run(context, args),
        What::Tension(args) => relax_tension::run(context, args),
    }
}
