//! A second process on this machine, which is this program again and does as it is told: a line on
//! its standard input is one run, and the end of the input is the end.

use std::io::{BufRead, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Stdio};

use septa::pregel::runtime::Runtime;
use septa::workers::Workers;

/// The part of a peer that runs septa's engine.
pub(crate) const SEPTA: &str = "septa";

/// The part of a peer that runs the loop on bare timely.
pub(crate) const TIMELY: &str = "timely";

/// Names the part, and the hosts.
const PART: &str = "SEPTA_BENCH_PEER";

/// The other process.
pub(crate) struct Peer {
    child: Child,
    orders: Option<ChildStdin>,
    hosts: Vec<String>,
}

impl Peer {
    /// Starts it; it waits for this process to join.
    pub(crate) fn start(part: &str) -> Self {
        let free = [0, 1].map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let hosts = free.map(|socket| socket.local_addr().expect("it is bound").to_string()).to_vec();
        let this = std::env::current_exe().expect("this program has a name");
        let mut command = Command::new(this);
        command.env(PART, format!("{part} {}", hosts.join(","))).stdin(Stdio::piped());
        let mut child = command.spawn().expect("a second process");
        let orders = child.stdin.take();
        Self { child, orders, hosts }
    }

    /// Both processes as `host:port`.
    pub(crate) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Has it take part in one more run.
    pub(crate) fn follow(&mut self) {
        let orders = self.orders.as_mut().expect("it was not dismissed");
        orders.write_all(b"\n").expect("the other process is there");
    }

    /// Lets it come to its end, which takes this process's leave of the cluster too.
    pub(crate) fn dismiss(&mut self) {
        self.orders = None;
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.child.wait();
    }
}

/// The part of this process, where it is a peer, and the hosts.
pub(crate) fn part() -> Option<(String, Vec<String>)> {
    let told = std::env::var(PART).ok()?;
    let (part, hosts) = told.split_once(' ')?;
    Some((part.to_string(), hosts.split(',').map(str::to_string).collect()))
}

/// Runs as often as it is told.
pub(crate) fn led(run: impl Fn()) {
    for _ in std::io::stdin().lock().lines() {
        run();
    }
}

/// This process's part of a cluster of two, one worker each.
pub(crate) fn septa(process: usize, hosts: &[String]) -> Runtime {
    let workers = Workers::cluster(1, process, hosts.to_vec()).expect("two hosts");
    Runtime::start(&workers).expect("the other process joins")
}

/// The same on bare timely.
pub(crate) fn timely(process: usize, hosts: &[String]) -> timely::Config {
    let addresses = hosts.to_vec();
    let communication =
        timely::CommunicationConfig::Cluster { threads: 1, process, addresses, report: false, zerocopy: false };
    timely::Config { communication, worker: timely::WorkerConfig::default() }
}
