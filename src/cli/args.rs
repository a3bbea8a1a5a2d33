//! The arguments of `septa`.

use clap::{Parser, Subcommand};

use crate::cli::common::Common;
use crate::cli::{
    analyse, bench, contacts, diff, info, label, measure, phantom, potts, relax, run, segment, send, split, watch,
};

/// Graphs that come out of 3-D images: segment, label, measure, and run programs on them.
#[derive(Debug, Parser)]
#[command(
    name = "septa",
    version,
    max_term_width = 100,
    after_help = "A VOLUME is a TIFF file, a folder of TIFF or PNG slices, .npy, or .raw (with --shape and --dtype).\n\
                  Lists are in z,y,x.\n\n\
                  Examples:\n  \
                  septa analyse data/foam.tif -o out --below\n  \
                  septa label data/spheres.tif --connectivity 26\n  \
                  septa contacts data/cells.tif -o contacts.csv"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// What a volume is, from its header; never reads a voxel.
    Info(info::Args),
    /// Makes a synthetic scan whose truth is known.
    Phantom(phantom::Args),
    /// Grey to mask: filters, then a threshold.
    Segment(segment::Args),
    /// Parts touching objects of a mask.
    Split(split::Args),
    /// Components of a mask, a grey volume or labels.
    Label(label::Args),
    /// The cell-contact graph of a labels volume.
    Contacts(contacts::Args),
    /// One row of measures a cell of a labels volume.
    Measure(measure::Args),
    /// The main job: mask, labels, cells, contacts, graph and report of a scan.
    Analyse(analyse::Args),
    /// A vertex program on a volume, a contact graph or a graph file.
    Run(run::Args),
    /// Force balance: displacements at which the forces on everything sum to nothing.
    Relax(relax::Args),
    /// The Cellular Potts model: labels that change by energy and by chance.
    Potts(Box<potts::Args>),
    /// Re-analyses as scans arrive, in a folder or over ZeroMQ: tables with a column of time, and events.
    Watch(watch::Args),
    /// Plays scans to a septa watch on a socket.
    Send(send::Args),
    /// Septa beside plain kernels and installed peers: seconds, rates, memory.
    Bench(bench::Args),
    /// Whether two volumes, tables or graphs say the same; exit code 1 if not.
    Diff(diff::Args),
}
