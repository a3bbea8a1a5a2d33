//! `septa send`: what is to be sent; how is in `sending`.

use std::path::PathBuf;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Reading;
use crate::error::{Error, Result};
use crate::stream::name::is_address;

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "septa send [OPTIONS] <VOLUME>... <tcp://HOST:PORT>",
    after_help = "The scans go under the names of their files, which tell their times and parts as for watch.\n\
                        Each is on the disk of the other side before the next is sent.\n\n\
                        Examples:\n  \
                        septa watch tcp://127.0.0.1:5555 -o watched --scans 2 &\n  \
                        septa send data/foam.tif data/foam.tif tcp://127.0.0.1:5555 --times 1,2"
)]
pub(crate) struct Args {
    /// The volumes, and at the end the address of a septa watch, such as tcp://127.0.0.1:5555
    #[arg(value_name = "VOLUME... ADDRESS", required = true, num_args = 2..)]
    words: Vec<String>,
    /// Their times, in the place of those that their names tell
    #[arg(long, value_name = "T,...", value_delimiter = ',', allow_negative_numbers = true)]
    pub(crate) times: Vec<f64>,
    /// Scans a second, as far as the other side keeps up [default: as fast as it does]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,
    /// Send so many slices at a time, each a part of the volume
    #[arg(long, value_name = "SLICES")]
    pub(crate) slab: Option<usize>,
    /// How long to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    pub(crate) patience: f64,
    // Its heading would go on to the next.
    #[command(flatten)]
    pub(crate) reading: Reading,
}

impl Args {
    /// The volumes, and the address.
    pub(crate) fn apart(&self) -> Result<(Vec<PathBuf>, &str)> {
        match self.words.split_last() {
            Some((address, volumes)) if is_address(address) => {
                Ok((volumes.iter().map(PathBuf::from).collect(), address))
            }
            _ => Err(Error::usage("give the address last, such as tcp://127.0.0.1:5555")),
        }
    }
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    #[cfg(feature = "zmq")]
    return crate::cli::sending::run(context, args);
    #[cfg(not(feature = "zmq"))]
    {
        let _ = (context, args.apart()?);
        Err(Error::usage("this septa was built without the feature «zmq»: build it with --features zmq"))
    }
}
