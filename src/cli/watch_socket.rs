//! `septa watch` of a socket.

use std::time::Instant;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::progress;
use crate::cli::watch::{Args, End};
use crate::cli::watching::Watching;
use crate::error::{Error, Result};
use crate::incremental::settings::Rules;
use crate::stream::message::Head;
use crate::stream::zmq::Server;

/// Takes the scans that come to a socket until the watch ends.
pub(crate) fn from_socket(context: &Context, args: &Args, rules: Rules, mut end: End) -> Result<Figures> {
    let mut server = Server::listen(&args.source.to_string_lossy(), args.pull)?;
    let mut watching = Watching::begin(context, args, rules)?;
    while progress::heed().is_ok() && !end.enough(&watching) && !end.idle() {
        let Some(frames) = server.receive(end.wait()) else { continue };
        let head = match &frames[..] {
            [head, _] => Head::read(head),
            _ => Err(Error::input("a message", format!("{} parts: send a head of JSON and the voxels", frames.len()))),
        };
        let taken = match head {
            Ok(mut head) => {
                head.spacing = args.reading.spacing.or(head.spacing);
                head.unit = args.reading.unit.map(|unit| unit.to_string()).or(head.unit);
                match head.scan(&frames[1]) {
                    Ok(scan) => watching.take(&scan, head.whole())?,
                    Err(error) => Err(error),
                }
                .inspect_err(|error| watching.fails(&head.scan, error))
            }
            Err(error) => Err(error),
        };
        server.answer(&match taken {
            Ok(figures) => figures.with("taken", true).to_json(),
            Err(error) => {
                tracing::warn!("{}", error.message());
                Figures::default().with("taken", false).with("error", error.message()).to_json()
            }
        });
        end.last = Instant::now();
    }
    watching.end(progress::heed().is_err())
}
