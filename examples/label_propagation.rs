//! The first lesson: the smallest number spreads until every vertex knows the smallest of its
//! component. A vertex that hears nothing new says nothing, and who hears nothing is not called.
//!
//! `cargo run --release --example label_propagation`

use septa::graph::cut::ranges;
use septa::prelude::*;

#[derive(Clone, Debug)]
struct Smallest;

impl<G: Topology> VertexProgram<G> for Smallest {
    type State = u64;
    type Message = Min<u64>;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (u64, Vote) {
        let label = vertex.id().0;
        vertex.broadcast(Min(label));
        (label, Vote::Halt)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, label: &mut u64, heard: Min<u64>) -> Vote {
        if heard.0 < *label {
            *label = heard.0;
            vertex.broadcast(heard);
        }
        Vote::Halt
    }
}

fn main() -> Result<()> {
    // Three rings: v is joined to v + 3.
    let vertices = 30;
    let edges: Vec<_> = (0..vertices).map(|v| (VertexId(v), VertexId((v + 3) % vertices), ())).collect();
    let graph = Csr::undirected(vertices, &edges, 4, ranges(vertices, 4))?;
    let runtime = Runtime::start(&Workers::threads(2))?;
    let (labels, report) = runtime.vertices(&graph, &Smallest, &Config::default())?;
    println!("{} supersteps, {} messages", report.supersteps, report.messages);
    assert!(labels.iter().all(|(vertex, label)| *label == vertex.0 % 3));
    Ok(())
}
