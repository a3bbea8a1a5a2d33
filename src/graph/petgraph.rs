//! To petgraph and back: its algorithms on our graphs, and its graphs under our engine.
//!
//! Node k there is vertex k here. petgraph numbers nodes and edges in 32 bits, and so do we.

use ::petgraph::EdgeType;
use ::petgraph::graph::{EdgeIndex, Graph, IndexType, NodeIndex};

use crate::error::{Error, Result};
use crate::graph::csr::{Csr, Plain};
use crate::id::{BlockId, VertexId};

/// The graph as petgraph has it: a `UnGraph` where it is undirected, a `DiGraph` where directed.
/// Edges come in ascending order of their ends.
///
/// # Errors
/// Where the type asked for is directed and the graph is not, or the other way round, or it has
/// 2^32 - 1 vertices or edges.
pub fn to_petgraph<E, Ty>(graph: &Csr<E>) -> Result<Graph<VertexId, E, Ty>>
where
    E: Copy,
    Ty: EdgeType,
{
    if graph.is_directed() != Ty::is_directed() {
        let [is, wanted] =
            [graph.is_directed(), Ty::is_directed()].map(|it| if it { "directed" } else { "undirected" });
        return Err(Error::usage(format!("the graph is {is}: it cannot be {wanted} in petgraph")));
    }
    let limit = EdgeIndex::<u32>::end().index() as u64;
    if graph.vertices() >= limit || graph.edges() >= limit {
        let (vertices, edges) = (graph.vertices(), graph.edges());
        let what = format!("a graph of {vertices} vertices and {edges} edges: petgraph holds less than 2^32 - 1 each");
        return Err(Error::resource(what));
    }
    let mut made = Graph::with_capacity(graph.vertices() as usize, graph.edges() as usize);
    for vertex in (0..graph.vertices()).map(VertexId) {
        made.add_node(vertex);
    }
    let node = |vertex: VertexId| NodeIndex::new(vertex.0 as usize);
    graph.each_edge(|from, to, edge| {
        made.add_edge(node(from), node(to), edge);
    });
    Ok(made)
}

/// A graph of petgraph, cut by `owner` into `blocks`; what its nodes weigh is left behind.
///
/// # Errors
/// As [`Csr::directed`].
pub fn from_petgraph<N, E, Ty, Ix>(
    graph: &Graph<N, E, Ty, Ix>,
    blocks: u32,
    owner: impl Fn(VertexId) -> BlockId,
) -> Result<Csr<E>>
where
    N: Sync,
    E: Plain,
    Ty: EdgeType + Sync,
    Ix: IndexType + Sync,
{
    let vertex = |node: NodeIndex<Ix>| VertexId(node.index() as u64);
    let edges = |visit: &mut dyn FnMut(VertexId, VertexId, E)| {
        graph.raw_edges().iter().for_each(|edge| visit(vertex(edge.source()), vertex(edge.target()), edge.weight));
    };
    let build = if graph.is_directed() { Csr::directed_from } else { Csr::undirected_from };
    build(graph.node_count() as u64, &edges, blocks, owner)
}

#[cfg(test)]
mod tests {
    use ::petgraph::algo::{connected_components, dijkstra};
    use ::petgraph::graph::{DiGraph, UnGraph};
    use proptest::prelude::*;

    use super::*;
    use crate::disjoint::Disjoint;
    use crate::graph::cut::{hashed, ranges};
    use crate::graph::laws::check;

    fn edges_of<E: Plain>(graph: &Csr<E>) -> Vec<(VertexId, VertexId, E)> {
        let mut edges = Vec::new();
        graph.each_edge(|from, to, edge| edges.push((from, to, edge)));
        edges
    }

    fn lists() -> impl Strategy<Value = (u64, Vec<(VertexId, VertexId, u32)>)> {
        (1u64..30).prop_flat_map(|vertices| {
            let edge = (0..vertices, 0..vertices, 1u32..100).prop_map(|(a, b, w)| (VertexId(a), VertexId(b), w));
            (Just(vertices), prop::collection::vec(edge, 0..60))
        })
    }

    proptest! {
        #[test]
        fn a_graph_comes_back_whole((vertices, edges) in lists(), blocks in 1u32..5) {
            let directed = Csr::directed(vertices, &edges, blocks, hashed(blocks)).unwrap();
            let there: DiGraph<VertexId, u32> = to_petgraph(&directed).unwrap();
            let back = from_petgraph(&there, 3, hashed(3)).unwrap();
            check(&back).unwrap();
            prop_assert!(back.is_directed());
            prop_assert_eq!((back.vertices(), edges_of(&back)), (vertices, edges_of(&directed)));

            let undirected = Csr::undirected(vertices, &edges, blocks, hashed(blocks)).unwrap();
            let there: UnGraph<VertexId, u32> = to_petgraph(&undirected).unwrap();
            let back = from_petgraph(&there, 3, hashed(3)).unwrap();
            check(&back).unwrap();
            prop_assert!(!back.is_directed());
            prop_assert_eq!((back.vertices(), edges_of(&back)), (vertices, edges_of(&undirected)));
        }

        #[test]
        fn its_algorithms_agree_with_plain_ones((vertices, edges) in lists()) {
            let graph = Csr::undirected(vertices, &edges, 2, ranges(vertices, 2)).unwrap();
            let there: UnGraph<VertexId, u32> = to_petgraph(&graph).unwrap();
            let mut sets = Disjoint::new(vertices as usize);
            for (a, b, _) in &edges {
                sets.union(a.0 as u32, b.0 as u32);
            }
            prop_assert_eq!(connected_components(&there) as u32, sets.number().1);

            // Bellman and Ford: relax every edge until nothing changes.
            let mut distance = vec![None; vertices as usize];
            distance[0] = Some(0u32);
            for _ in 0..vertices {
                for &(a, b, weight) in &edges {
                    for (from, to) in [(a.0 as usize, b.0 as usize), (b.0 as usize, a.0 as usize)] {
                        let through = distance[from].map(|distance| distance + weight);
                        distance[to] = [distance[to], through].into_iter().flatten().min();
                    }
                }
            }
            let found = dijkstra(&there, NodeIndex::new(0), None, |edge| *edge.weight());
            for (vertex, distance) in distance.into_iter().enumerate() {
                prop_assert_eq!(found.get(&NodeIndex::new(vertex)).copied(), distance);
            }
        }
    }

    #[test]
    fn direction_is_kept_or_refused() {
        let graph = Csr::directed(2, &[(VertexId(0), VertexId(1), ())], 1, ranges(2, 1)).unwrap();
        assert!(to_petgraph::<(), ::petgraph::Undirected>(&graph).is_err());
        assert_eq!(to_petgraph::<(), ::petgraph::Directed>(&graph).unwrap().edge_count(), 1);
    }
}
