//! Options that every verb takes.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::error::{Error, Result};
use crate::volume::grid::BlockSize;
use crate::workers::Workers;

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// What a log line looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Worker threads in this process [default: the cores]
    #[arg(short = 'w', long, global = true, value_name = "N")]
    pub(crate) workers: Option<usize>,
    /// Processes of the cluster; start each with its own -p [default: 1, or as many as the host file lists]
    #[arg(short = 'n', long, global = true, value_name = "N")]
    pub(crate) processes: Option<usize>,
    /// Which process this is, from 0; process 0 prints and writes
    #[arg(short = 'p', long, global = true, value_name = "I", default_value_t = 0)]
    pub(crate) process: usize,
    /// A file that lists every process as host:port, one a line [default: localhost, ports 2101 and up]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) hostfile: Option<PathBuf>,
    /// Seed of all that is random
    #[arg(long, global = true, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Edge of a block in voxels, whole, or auto (slabs of slices)
    #[arg(long, global = true, value_name = "N|whole|auto", default_value = "auto", allow_negative_numbers = true)]
    pub(crate) block: BlockSize,
    /// Memory to use, such as 2GiB: larger volumes are read block by block, and label puts what it
    /// cannot keep in a file beside its output until it ends [default: half of what is free]
    #[arg(long, global = true, value_name = "SIZE")]
    pub(crate) max_memory: Option<Bytes>,
    /// Overwrite outputs that exist
    #[arg(long, global = true)]
    pub(crate) force: bool,
    /// No progress and no notes on stderr
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// The causes of an error, and notes; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// What notes on stderr look like
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// The figures as one JSON object on stdout, and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Common {
    /// The workers that `-w -n -p --hostfile` ask for.
    pub(crate) fn workers(&self) -> Result<Workers> {
        let threads = match self.workers {
            Some(0) => return Err(Error::usage("-w 0: give at least one worker")),
            Some(threads) => threads,
            None => Workers::default().per_process(),
        };
        match (&self.hostfile, self.processes) {
            (_, Some(0)) => Err(Error::usage("-n 0: give at least one process")),
            (Some(file), processes) => Workers::cluster(threads, self.process, Workers::read_hosts(file, processes)?),
            (None, processes) => Workers::local_cluster(threads, processes.unwrap_or(1), self.process),
        }
    }
}

/// A number of bytes, as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl std::str::FromStr for Bytes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::usage(format!("«{text}» is not a size: give bytes, or such as 512MiB, 2GiB, 3GB"));
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
        let unit: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(wrong()),
        };
        let bytes = number * unit as f64;
        if bytes.is_finite() && bytes >= 1.0 && bytes < u64::MAX as f64 { Ok(Self(bytes as u64)) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_with_its_unit() {
        assert_eq!("512MiB".parse::<Bytes>().unwrap(), Bytes(512 << 20));
        assert_eq!("1.5GB".parse::<Bytes>().unwrap(), Bytes(1_500_000_000));
        assert_eq!("4096".parse::<Bytes>().unwrap(), Bytes(4096));
        assert!("2 quarts".parse::<Bytes>().is_err() && "".parse::<Bytes>().is_err() && "0".parse::<Bytes>().is_err());
    }
}
