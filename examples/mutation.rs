//! A program that changes its graph: ends of branches remove themselves until only rings are left
//! (the 2-core). A change is made at the end of the superstep in which it is asked for, and the
//! degree that a vertex sees in the next is that of the changed graph.
//!
//! `cargo run --release --example mutation`

use septa::graph::cut::ranges;
use septa::graph::topology::Mutable;
use septa::prelude::*;

#[derive(Clone, Debug)]
struct Prune;

impl Prune {
    fn look<G: Topology<Block: Mutable>>(vertex: &mut Vertex<'_, G, Self>) -> Vote {
        if vertex.degree() < 2 {
            vertex.remove();
            vertex.contribute(Sum(1));
        }
        Vote::Stay
    }
}

impl<G: Topology<Block: Mutable>> VertexProgram<G> for Prune {
    type State = ();
    type Message = ();
    /// Vertices removed in a superstep.
    type Global = Sum<u64>;

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> ((), Vote) {
        ((), Self::look(vertex))
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, _: &mut (), _: ()) -> Vote {
        Self::look(vertex)
    }

    fn done(&self, _superstep: u64, removed: &Sum<u64>) -> bool {
        removed.0 == 0
    }
}

fn main() -> Result<()> {
    // A ring of ten, and a branch of ten that starts at vertex 0.
    let ring = (0..10).map(|v| (VertexId(v), VertexId((v + 1) % 10), ()));
    let branch = (10..20).map(|v| (VertexId(if v == 10 { 0 } else { v - 1 }), VertexId(v), ()));
    let edges: Vec<_> = ring.chain(branch).collect();
    let graph = Csr::undirected(20, &edges, 3, ranges(20, 3))?;
    let runtime = Runtime::start(&Workers::threads(2))?;
    let (left, report) = runtime.vertices(&graph, &Prune, &Config::default())?;
    println!("{} vertices are left after {} supersteps", left.len(), report.supersteps);
    assert_eq!(left.iter().map(|(vertex, ())| vertex.0).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    Ok(())
}
