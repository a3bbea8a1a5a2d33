//! Scans over ZeroMQ: who takes them, and who sends them.
//!
//! A message is two frames, a [`Head`] and the voxels. Who asks (REQ) is answered when the scan is on
//! the disk of the other side, and sends the next then, so that nothing is lost and nothing piles up;
//! one that is not answered is sent again, which changes nothing where it came. Who pushes (PUSH) is
//! not answered: it waits where the network is full, and loses what is on the way when the other
//! side ends. There is no encryption, and a message may be as large as the memory: for networks that
//! are trusted.

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use zeromq::{PullSocket, RepSocket, ReqSocket, Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage};

use crate::error::{Error, Kind, Result};
use crate::stream::message::Head;

/// How long the other side is not tried again after it was not there.
const PAUSE: Duration = Duration::from_millis(100);

/// Who takes scans.
pub struct Server {
    socket: Listening,
    // Dropped after the socket that lives on it.
    runtime: Runtime,
}

enum Listening {
    Answering(RepSocket),
    Pulling(PullSocket),
}

impl Server {
    /// Listens at an address, `tcp://127.0.0.1:5555`, or `tcp://*:5555` for all that can reach this
    /// machine; for those who ask, or for those who push.
    ///
    /// # Errors
    /// Where the address is none, or taken.
    pub fn listen(address: &str, pull: bool) -> Result<Self> {
        let runtime = runtime()?;
        let bound = address.replacen("//*", "//0.0.0.0", 1);
        let socket = runtime.block_on(async {
            Ok(match pull {
                true => {
                    let mut socket = PullSocket::new();
                    socket.bind(&bound).await?;
                    Listening::Pulling(socket)
                }
                false => {
                    let mut socket = RepSocket::new();
                    socket.bind(&bound).await?;
                    Listening::Answering(socket)
                }
            })
        });
        let wrong = |cause: ZmqError| {
            let what = format!("{address}: cannot be listened at ({cause}): give such as tcp://127.0.0.1:5555");
            Error::new(Kind::Cluster, what)
        };
        Ok(Self { socket: socket.map_err(wrong)?, runtime })
    }

    /// The frames of the next message, waiting for it so long.
    pub fn receive(&mut self, wait: Duration) -> Option<Vec<Bytes>> {
        let socket = &mut self.socket;
        let received = self.runtime.block_on(within(wait, async {
            match socket {
                Listening::Answering(socket) => socket.recv().await,
                Listening::Pulling(socket) => socket.recv().await,
            }
        }));
        match received? {
            Ok(message) => Some(message.into_vec()),
            // Of one peer: others are heard all the same.
            Err(cause) => {
                tracing::info!("a peer of the socket: {cause}");
                None
            }
        }
    }

    /// Answers the message that was received last, where its sender waits for it.
    pub fn answer(&mut self, answer: &Value) {
        if let Listening::Answering(socket) = &mut self.socket {
            let sent = self.runtime.block_on(socket.send(ZmqMessage::from(answer.to_string())));
            if let Err(cause) = sent {
                // It asks again where it comes back.
                tracing::info!("who sent a scan is gone: {cause}");
            }
        }
    }
}

/// Who sends scans, and waits for each to be taken.
pub struct Client {
    address: String,
    patience: Duration,
    heed: fn() -> Result<()>,
    socket: Option<ReqSocket>,
    runtime: Runtime,
}

impl Client {
    /// Sends to an address, and waits so long for each answer; `heed` is asked meanwhile, and its error
    /// ends that.
    ///
    /// # Errors
    /// Where the machine refuses a thread.
    pub fn new(address: &str, patience: Duration, heed: fn() -> Result<()>) -> Result<Self> {
        Ok(Self { address: address.to_owned(), patience, heed, socket: None, runtime: runtime()? })
    }

    /// Sends a scan: the answer of the one who took it.
    ///
    /// # Errors
    /// Where nobody answers in time, or the scan was refused; that of `heed`.
    pub fn send(&mut self, head: &Head, voxels: &Bytes) -> Result<Value> {
        let text = serde_json::to_vec(head).expect("a head is plain data");
        let frames = vec![Bytes::from(text), voxels.clone()];
        let began = Instant::now();
        loop {
            let message = ZmqMessage::try_from(frames.clone()).expect("a message has frames");
            let Self { socket, address, patience, heed, .. } = self;
            let asked = self.runtime.block_on(async {
                let mut answer = std::pin::pin!(asked(socket, address, message));
                loop {
                    match within(PAUSE, &mut answer).await {
                        None if began.elapsed() < *patience => heed()?,
                        asked => return Ok(asked),
                    }
                }
            })?;
            let why = match asked {
                Some(Ok(answer)) => return self.answered(head, &answer.into_vec().concat()),
                Some(Err(cause)) => cause.to_string(),
                None => "no answer".into(),
            };
            // Another connection knows nothing of what went wrong on this one.
            self.socket = None;
            if began.elapsed() + PAUSE >= self.patience {
                let what = format!("{}: {} was not taken ({why}): is a septa watch there?", self.address, head.scan);
                return Err(Error::new(Kind::Cluster, what));
            }
            (self.heed)()?;
            std::thread::sleep(PAUSE);
        }
    }

    fn answered(&self, head: &Head, answer: &[u8]) -> Result<Value> {
        let strange = || Error::new(Kind::Cluster, format!("{}: answers what no septa watch does", self.address));
        let answer: Value = serde_json::from_slice(answer).map_err(|_| strange())?;
        match (answer.get("taken").and_then(Value::as_bool), answer.get("error").and_then(Value::as_str)) {
            (Some(true), _) => Ok(answer),
            (Some(false), Some(why)) => Err(Error::input(&self.address, format!("{} was refused: {why}", head.scan))),
            _ => Err(strange()),
        }
    }
}

/// Asks, over a new connection where there is none.
async fn asked(
    socket: &mut Option<ReqSocket>,
    address: &str,
    message: ZmqMessage,
) -> std::result::Result<ZmqMessage, ZmqError> {
    let socket = match socket {
        Some(socket) => socket,
        none => {
            let mut fresh = ReqSocket::new();
            fresh.connect(address).await?;
            none.insert(fresh)
        }
    };
    socket.send(message).await?;
    socket.recv().await
}

/// What comes of something in time.
async fn within<T>(wait: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(wait, work).await.ok()
}

/// A thread for the network.
fn runtime() -> Result<Runtime> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.map_err(|cause| Error::resource("there is no thread for the network").because(cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::shape::Shape;

    /// An address that nobody listens at.
    fn address() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("tcp://{}", listener.local_addr().unwrap())
    }

    fn head(scan: &str) -> Head {
        let (shape, dtype) = (Shape([1, 1, 2]), "uint8".to_owned());
        Head { scan: scan.into(), shape, dtype, offset: None, time: None, volume: None, spacing: None, unit: None }
    }

    #[test]
    fn what_is_sent_is_answered_also_by_one_who_comes_later_or_again() {
        let address = address();
        let there = address.clone();
        let sender = std::thread::spawn(move || {
            let mut client = Client::new(&there, Duration::from_secs(60), || Ok(())).unwrap();
            let mut send = |scan: &str| client.send(&head(scan), &Bytes::from_static(&[1, 2]));
            (send("t1").unwrap(), send("t2").unwrap(), send("t3").unwrap_err())
        });
        std::thread::sleep(Duration::from_millis(50));
        let receive = |server: &mut Server, name: &str| {
            let frames = std::iter::repeat_with(|| server.receive(Duration::from_secs(1))).flatten().next().unwrap();
            assert_eq!(Head::read(&frames[0]).unwrap().scan, name);
            assert_eq!(frames[1][..], [1, 2]);
        };
        let mut server = Server::listen(&address, false).unwrap();
        receive(&mut server, "t1");
        server.answer(&serde_json::json!({ "taken": true, "cells": 3 }));
        // It ends with a scan unanswered, and another takes its place.
        receive(&mut server, "t2");
        drop(server);
        let mut server = Server::listen(&address, false).unwrap();
        receive(&mut server, "t2");
        server.answer(&serde_json::json!({ "taken": true, "cells": 4 }));
        receive(&mut server, "t3");
        server.answer(&serde_json::json!({ "taken": false, "error": "too late" }));
        let (first, second, third) = sender.join().unwrap();
        assert_eq!((&first["cells"], &second["cells"]), (&Value::from(3), &Value::from(4)));
        assert!(third.kind() == Kind::Input && third.message().contains("too late"), "{third}");
    }

    #[test]
    fn where_nobody_is_there_it_says_so() {
        let mut client = Client::new(&address(), Duration::from_millis(250), || Ok(())).unwrap();
        let error = client.send(&head("t1"), &Bytes::from_static(&[1, 2])).unwrap_err();
        assert!(error.kind() == Kind::Cluster && error.message().contains("t1 was not taken"), "{error}");
        assert!(Server::listen("tcp://nowhere.invalid:x", false).is_err());
    }
}
