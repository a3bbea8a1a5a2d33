//! `septa watch` of a socket.

use std::time::Instant;

use bytes::Bytes;

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
    // Going on with a long journal is no time in which nothing came.
    end.last = Instant::now();
    while progress::heed().is_ok() && !end.enough(&watching) {
        let Some(frames) = server.receive(end.wait()) else {
            if end.idle() {
                break;
            }
            continue;
        };
        let answer = match taken(args, &mut watching, &frames)? {
            Ok(figures) => figures.with("taken", true),
            Err(error) => {
                tracing::warn!("{}", error.message());
                Figures::default().with("taken", false).with("error", error.message())
            }
        };
        server.answer(&answer.to_json());
        end.last = Instant::now();
    }
    watching.end(progress::heed().is_err())
}

/// Takes the scan that a message is: its figures, or why it cannot be taken.
fn taken(args: &Args, watching: &mut Watching, frames: &[Bytes]) -> Result<Result<Figures>> {
    let read = match frames {
        [head, voxels] => Head::read(head).map(|head| (head, voxels)),
        _ => Err(Error::input("a message", format!("{} parts: send a head of JSON and the voxels", frames.len()))),
    };
    let (name, taken) = match read {
        Err(error) => ("a message".to_owned(), Err(error)),
        Ok((mut head, voxels)) => {
            head.spacing = args.reading.spacing.or(head.spacing);
            head.unit = args.reading.unit.map(|unit| unit.to_string()).or(head.unit);
            let taken = match head.scan(voxels) {
                Ok(scan) => watching.take(&scan, head.volume)?,
                Err(error) => Err(error),
            };
            (head.scan, taken)
        }
    };
    Ok(taken.inspect_err(|error| watching.fails(&name, error)))
}
