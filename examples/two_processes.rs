//! The same program on two processes: each makes the same calls, and process 0 has the result.
//! This one starts the other itself; on a cluster `septa ... -n 2 -p 0` and `-p 1` do.
//!
//! `cargo run --release --example two_processes`

use std::net::TcpListener;
use std::process::Command;

use septa::graph::cut::hashed;
use septa::prelude::*;
use septa::programs::pagerank::PageRank;

/// Ports that are free now.
fn hosts() -> std::io::Result<String> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.to_string()));
    Ok(ports.collect::<std::io::Result<Vec<_>>>()?.join(","))
}

fn ranks(workers: &Workers) -> Result<Vec<(VertexId, f64)>> {
    let vertices = 1000;
    let edges: Vec<_> = (0..vertices).map(|v| (VertexId(v), VertexId((v * v + 1) % vertices), ())).collect();
    let graph = Csr::directed(vertices, &edges, 6, hashed(6))?;
    let runtime = Runtime::start(workers)?;
    Ok(runtime.vertices(&graph, &PageRank::new(vertices), &Config::default())?.0)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let cluster = |process, hosts: &str| Workers::cluster(2, process, hosts.split(',').map(str::to_owned).collect());
    if let [_, hosts] = &arguments[..] {
        // Process 1 computes its blocks; the ranks are told to process 0.
        return ranks(&cluster(1, hosts)?).map(drop);
    }
    let hosts = hosts().expect("this machine has a loopback network");
    let first = cluster(0, &hosts)?;
    let mut other = Command::new(&arguments[0]).arg(&hosts).spawn().expect("this program can be started again");
    let together = ranks(&first);
    assert!(other.wait().is_ok_and(|status| status.success()));
    let together = together?;
    assert_eq!(together, ranks(&Workers::threads(1))?, "the same to the bit");
    let best = together.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    println!("two processes agree with one; the highest rank: {best:?}");
    Ok(())
}
