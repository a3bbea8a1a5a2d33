//! A global and a stop: heat spreads along a rod until nothing changes by more than a thousandth.
//! What vertices contribute, all see one superstep later, and `done` decides by it.
//!
//! `cargo run --release --example global_stop`

use septa::graph::cut::ranges;
use septa::prelude::*;

#[derive(Clone, Debug)]
struct Heat {
    length: u64,
}

impl<G: Topology> VertexProgram<G> for Heat {
    type State = f64;
    type Message = Sum<f64>;
    /// The largest change.
    type Global = Max<f64>;

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (f64, Vote) {
        let heat = vertex.id().0 as f64 / (self.length - 1) as f64 * if vertex.degree() == 1 { 100.0 } else { 0.0 };
        vertex.broadcast(Sum(heat));
        vertex.contribute(Max(f64::INFINITY));
        (heat, Vote::Stay)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, heat: &mut f64, heard: Sum<f64>) -> Vote {
        // The ends are held at 0 and 100 degrees.
        if vertex.degree() == 2 {
            let new = heard.0 / 2.0;
            vertex.contribute(Max((new - *heat).abs()));
            *heat = new;
        }
        vertex.broadcast(Sum(*heat));
        Vote::Stay
    }

    fn done(&self, _superstep: u64, change: &Max<f64>) -> bool {
        change.0 <= 1e-3
    }
}

fn main() -> Result<()> {
    let length = 21;
    let edges: Vec<_> = (1..length).map(|v| (VertexId(v - 1), VertexId(v), ())).collect();
    let graph = Csr::undirected(length, &edges, 3, ranges(length, 3))?;
    let runtime = Runtime::start(&Workers::threads(2))?;
    let (heat, report) = runtime.vertices(&graph, &Heat { length }, &Config::default())?;
    println!("{} supersteps, the middle has {:.1} degrees", report.supersteps, heat[10].1);
    assert!((heat[10].1 - 50.0).abs() < 1.0);
    Ok(())
}
