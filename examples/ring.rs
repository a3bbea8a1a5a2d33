//! The same vertex program on a graph made by hand: PageRank on a ring with a shortcut.
//!
//! `cargo run --release --example ring`

use septa::graph::cut::ranges;
use septa::prelude::*;
use septa::programs::pagerank::PageRank;

fn main() -> Result<()> {
    let vertices = 12;
    let ring = (0..vertices).map(|v| (VertexId(v), VertexId((v + 1) % vertices), ()));
    let edges: Vec<_> = ring.chain([(VertexId(0), VertexId(6), ())]).collect();
    let blocks = 3;
    let graph = Csr::directed(vertices, &edges, blocks, ranges(vertices, blocks))?;
    let runtime = Runtime::start(&Workers::threads(2))?;
    let (ranks, _) = runtime.vertices(&graph, &PageRank::new(vertices), &Config::default())?;
    let sum: f64 = ranks.iter().map(|(_, rank)| rank).sum();
    for (vertex, rank) in &ranks {
        println!("{vertex:>3}  {rank:.4}");
    }
    assert!((sum - 1.0).abs() < 1e-12, "ranks sum to one");
    Ok(())
}
