//! Sockets between the processes of a cluster.
//!
//! Process `i` listens for the processes after it and connects to those before it. Both sides
//! say who they are and how large they think the cluster is; a wrong answer, or none in time, is
//! an error and not a wait for ever.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use timely::communication::allocator::zero_copy::stream::Stream;

use crate::error::{Error, Kind, Result};
use crate::workers::Workers;

/// How long a process waits for all its peers, as a rule.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long between two attempts.
const PAUSE: Duration = Duration::from_millis(20);
/// How long one who knocks may take to say who it is.
const STRANGER: Duration = Duration::from_secs(5);
/// First word of a connection: this protocol, and its version.
const GREETING: [u8; 8] = *b"septa\0\0\x02";

/// A socket that remembers when the other end was lost.
pub(crate) struct Watched {
    stream: TcpStream,
    lost: Arc<AtomicBool>,
    heard: Heard,
}

/// Where in timely's stream of messages, each after a header, a reader is.
#[derive(Default)]
struct Heard {
    /// What has come of the next header.
    header: Vec<u8>,
    /// Bytes of the message that are still to come.
    left: usize,
    /// Whether the header of no message came, by which a process takes its leave.
    farewell: bool,
}

impl Heard {
    fn follow(&mut self, mut bytes: &[u8]) {
        const HEADER: usize = 6 * size_of::<u64>();
        const LENGTH: std::ops::Range<usize> = 4 * size_of::<u64>()..5 * size_of::<u64>();
        while !bytes.is_empty() {
            if self.left > 0 {
                let passed = self.left.min(bytes.len());
                (self.left, bytes) = (self.left - passed, &bytes[passed..]);
                continue;
            }
            let (more, rest) = bytes.split_at((HEADER - self.header.len()).min(bytes.len()));
            self.header.extend_from_slice(more);
            bytes = rest;
            if self.header.len() == HEADER {
                let length = self.header[LENGTH].try_into().expect("eight bytes");
                self.left = u64::from_be_bytes(length) as usize;
                self.farewell = self.left == 0;
                self.header.clear();
            }
        }
    }
}

impl Watched {
    fn note(&self, result: std::io::Result<usize>) -> std::io::Result<usize> {
        if matches!(result, Ok(0)) || matches!(&result, Err(e) if e.kind() != std::io::ErrorKind::Interrupted) {
            self.lost.store(true, Ordering::Release);
        }
        result
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let result = self.stream.read(buffer);
        self.heard.follow(result.as_ref().map_or(&[][..], |read| &buffer[..*read]));
        // After a farewell the end of the stream is no loss.
        if matches!(result, Ok(0)) && self.heard.farewell { result } else { self.note(result) }
    }
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let result = self.stream.write(bytes);
        self.note(result)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

impl Stream for Watched {
    fn set_nonblocking(&self, nonblocking: bool) -> std::io::Result<()> {
        self.stream.set_nonblocking(nonblocking)
    }

    fn try_clone(&self) -> std::io::Result<Self> {
        Ok(Self { stream: self.stream.try_clone()?, lost: Arc::clone(&self.lost), heard: Heard::default() })
    }

    fn shutdown(&self, how: std::net::Shutdown) -> std::io::Result<()> {
        self.stream.shutdown(how)
    }
}

/// One socket for each other process, nothing for this one, within `patience`. `lost` is set
/// when any ends.
///
/// # Errors
/// Where an address cannot be used, or a peer does not come in time or is not one.
pub(crate) fn connect(workers: &Workers, lost: &Arc<AtomicBool>, patience: Duration) -> Result<Vec<Option<Watched>>> {
    let deadline = Instant::now() + patience;
    let mine = workers.process();
    let listen_at = &workers.hosts()[mine];
    let failure = |what: String| Error::new(Kind::Cluster, what);
    let listener = TcpListener::bind(listen_at)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|cause| failure(format!("process {mine}: cannot listen at {listen_at}: {cause}")))?;

    let mut sockets: Vec<Option<TcpStream>> = (0..workers.processes()).map(|_| None).collect();
    for (peer, host) in workers.hosts().iter().enumerate().take(mine) {
        sockets[peer] = Some(reach(host, peer, workers, deadline)?);
    }
    while let Some(missing) = (mine + 1..workers.processes()).find(|peer| sockets[*peer].is_none()) {
        match listener.accept() {
            Ok((stream, from)) => match greet(stream, workers, STRANGER) {
                Ok((stream, peer)) if peer > mine && sockets[peer].is_none() => sockets[peer] = Some(stream),
                Ok((_, peer)) => {
                    return Err(failure(format!(
                        "{from} says that it is process {peer}: give each process its own -p"
                    )));
                }
                Err(cause) if is_mismatch(&cause) => return Err(failure(format!("the process at {from}: {cause}"))),
                // A stranger at the door is no reason to stop.
                Err(cause) => tracing::warn!("{from} is not one of us: {cause}"),
            },
            Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
            Err(cause) => return Err(failure(format!("process {mine}: cannot listen at {listen_at}: {cause}"))),
        }
        if Instant::now() > deadline {
            let what = format!("process {missing} did not come to {listen_at} within {patience:.0?}: start it");
            return Err(failure(what));
        }
    }
    let watched = |stream| Watched { stream, lost: Arc::clone(lost), heard: Heard::default() };
    Ok(sockets.into_iter().map(|socket| socket.map(watched)).collect())
}

/// Connects to a process before this one.
fn reach(host: &str, peer: usize, workers: &Workers, deadline: Instant) -> Result<TcpStream> {
    loop {
        let attempt = host.to_socket_addrs().and_then(|addresses| {
            let mut last = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
            for address in addresses {
                match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
                    Ok(stream) => return Ok(stream),
                    Err(cause) => last = cause,
                }
            }
            Err(last)
        });
        let met = attempt.and_then(|stream| {
            let (stream, who) = greet(stream, workers, deadline.saturating_duration_since(Instant::now()))?;
            if who == peer { Ok(stream) } else { Err(mismatch(&format!("it says that it is process {who}"))) }
        });
        match met {
            Ok(stream) => return Ok(stream),
            Err(cause) if !is_mismatch(&cause) && Instant::now() < deadline => std::thread::sleep(PAUSE),
            Err(cause) => {
                return Err(Error::new(Kind::Cluster, format!("process {peer} at {host} cannot be reached: {cause}")));
            }
        }
    }
}

/// A peer of another cluster, version or run: it will not change its mind.
fn mismatch(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_string())
}

fn is_mismatch(cause: &std::io::Error) -> bool {
    cause.kind() == std::io::ErrorKind::InvalidData
}

/// Says who this process is, and hears who the other is.
fn greet(mut stream: TcpStream, workers: &Workers, patience: Duration) -> std::io::Result<(TcpStream, usize)> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience.max(PAUSE)))?;
    let words = [workers.process(), workers.processes(), workers.per_process()].map(|n| (n as u64).to_le_bytes());
    stream.write_all(&[GREETING, words[0], words[1], words[2], workers.plan().to_le_bytes()].concat())?;
    let mut theirs = [0; 40];
    stream.read_exact(&mut theirs)?;
    let word = |at: usize| u64::from_le_bytes(theirs[at..at + 8].try_into().expect("eight bytes")) as usize;
    if theirs[..8] != GREETING {
        return Err(std::io::Error::other("it does not speak this protocol"));
    }
    if (word(16), word(24)) != (workers.processes(), workers.per_process()) {
        return Err(mismatch("it was started with another -n or -w"));
    }
    if word(32) as u64 != workers.plan() {
        return Err(mismatch("it was started with other arguments, or is another version"));
    }
    if word(8) >= workers.processes() {
        return Err(mismatch("it is a process that this cluster does not have"));
    }
    stream.set_read_timeout(None)?;
    Ok((stream, word(8)))
}

#[cfg(test)]
mod tests {
    use timely::communication::networking::MessageHeader;

    use super::*;

    #[test]
    fn processes_of_different_runs_refuse_each_other_at_once() {
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().to_string();
        let hosts = vec![free(), free()];
        let join = |process: usize, plan: u64| {
            let workers = Workers::cluster(1, process, hosts.clone()).unwrap().with_plan(plan);
            std::thread::spawn(move || {
                let lost = Arc::new(AtomicBool::new(false));
                connect(&workers, &lost, Duration::from_secs(50)).map(|sockets| sockets.len())
            })
        };
        for (plan, other) in [(7, 7), (7, 8)] {
            let met: Vec<_> =
                [join(0, plan), join(1, other)].into_iter().map(|joining| joining.join().unwrap()).collect();
            for met in met {
                match met {
                    Ok(sockets) => assert_eq!((plan, sockets), (other, 2)),
                    Err(error) => assert!(plan != other && error.message().contains("other arguments"), "{error}"),
                }
            }
        }
    }

    fn message(length: usize) -> Vec<u8> {
        let header = MessageHeader { channel: 3, source: 1, target_lower: 0, target_upper: 1, length, seqno: 9 };
        let mut bytes = Vec::new();
        header.write_to(&mut bytes).unwrap();
        bytes.resize(bytes.len() + length, 0);
        bytes
    }

    #[test]
    fn a_farewell_is_told_from_a_loss_however_the_stream_comes_in_parts() {
        let talk = [message(100), message(1), message(500)].concat();
        let whole = [talk.clone(), message(0)].concat();
        for part in [1, 7, 48, 49, 1000] {
            for end in 0..=whole.len() {
                let mut heard = Heard::default();
                whole[..end].chunks(part).for_each(|bytes| heard.follow(bytes));
                assert_eq!(heard.farewell, end == whole.len(), "{end} bytes, {part} at a time");
            }
        }
    }

    #[test]
    fn a_process_that_is_never_started_is_named_when_patience_ends() {
        let free = || TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap().to_string();
        let hosts = vec![free(), free()];
        let lost = Arc::new(AtomicBool::new(false));
        for (present, absent) in [(0, 1), (1, 0)] {
            let workers = Workers::cluster(1, present, hosts.clone()).unwrap();
            let error = connect(&workers, &lost, Duration::from_millis(200)).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), Kind::Cluster);
            assert!(error.message().contains(&format!("process {absent}")), "{error}");
        }
    }
}
