//! The laws of graphs, held.

use std::collections::HashMap;

use crate::error;
use crate::graph::topology::{Block, Topology, share};
use crate::id::{BlockId, Slot, VertexId};

/// Holds a graph to the laws of [`Topology`]: for tests of a graph of one's own.
///
/// Reads every block and walks every edge; memory O(vertices + edges).
///
/// # Errors
/// The first law that is broken, in words, or the failure to read a block.
pub fn check<G: Topology>(graph: &G) -> Result<(), String> {
    let blocks: Vec<G::Block> = (0..graph.blocks())
        .map(|id| graph.block(BlockId(id)))
        .collect::<error::Result<_>>()
        .map_err(|e| e.to_string())?;
    let own = |block: &G::Block| -> Vec<Slot> {
        block.rows().flat_map(|row| block.owned(row)).flatten().map(|slot| Slot(slot as u32)).collect()
    };
    let mut owner: HashMap<VertexId, usize> = HashMap::new();
    // The vertex that each slot of each block stands for: its own, or the peer's across a seam.
    let mut names: Vec<Vec<Option<VertexId>>> = blocks.iter().map(|block| vec![None; block.slots()]).collect();
    for (at, block) in blocks.iter().enumerate() {
        for slot in own(block) {
            let vertex = block.id(slot);
            names[at][slot.index()] = Some(vertex);
            if let Some(other) = owner.insert(vertex, at) {
                return Err(format!("vertex {vertex} is owned by block {other} and by block {at}"));
            }
            if graph.owner(vertex) != Some(BlockId(at as u32)) || block.slot(vertex) != Some(slot) {
                return Err(format!("vertex {vertex}: it is not found in block {at}, slot {slot}"));
            }
        }
    }
    for (at, block) in blocks.iter().enumerate() {
        let (mut runs, mut consecutive) = (Vec::new(), true);
        block.each_run(|run, first| {
            let ids = (first.0..).map(VertexId);
            consecutive &= run.clone().map(|slot| block.id(Slot(slot as u32))).eq(ids.take(run.len()));
            runs.extend(run.map(|slot| Slot(slot as u32)));
        });
        if !consecutive || runs != own(block) {
            return Err(format!("block {at}: the runs are not of its slots, or their vertices are not consecutive"));
        }
        for row in block.rows() {
            let mut runs = block.owned(row);
            let Some(first) = runs.next() else { continue };
            let span = first.start..runs.next_back().unwrap_or(first).end;
            if !block.each_owns(span.clone()).eq(span.clone().map(|slot| block.owns(Slot(slot as u32)))) {
                return Err(format!("block {at}: the slots {span:?} are not owned as they are one by one"));
            }
            let known = |slot: usize| Some(Slot(slot as u32)).filter(|slot| block.owns(*slot)).map(|s| block.degree(s));
            let unlike = |(slot, given): (usize, f64)| known(slot).map_or(given == 0.0, |known| share(known) != given);
            if span.clone().count() != block.shares(span.clone()).count()
                || span.clone().zip(block.shares(span.clone())).any(unlike)
            {
                return Err(format!("block {at}: the slots {span:?} have not the shares that they have one by one"));
            }
            if !block.dead_ends(span.clone()).eq(span.clone().filter(|slot| known(*slot) == Some(0))) {
                return Err(format!("block {at}: the dead ends among the slots {span:?} are not those one by one"));
            }
        }
        if !block.seams().is_sorted_by(|a, b| a.to < b.to) {
            return Err(format!("block {at}: the seams are not in ascending order, one for each block"));
        }
        for seam in block.seams() {
            let back = blocks[seam.to.index()].seams().iter().find(|back| back.to.index() == at);
            let back = back.ok_or_else(|| format!("block {}: no seam back to block {at}", seam.to))?;
            if back.border.len() != seam.halo.len() {
                return Err(format!("blocks {at} and {}: border and halo differ in length", seam.to));
            }
            for (halo, border) in seam.halo.iter().zip(&back.border) {
                let vertex = names[seam.to.index()][border.index()];
                if names[at][halo.index()].is_some() || vertex.is_none() {
                    return Err(format!("block {at}: halo slot {halo} is not a vertex of block {} alone", seam.to));
                }
                if vertex != Some(block.id(*halo)) || block.slot(block.id(*halo)).is_some() {
                    return Err(format!(
                        "block {at}: halo slot {halo} has the id of another vertex, or is found as own"
                    ));
                }
                names[at][halo.index()] = vertex;
            }
        }
    }
    // How often an edge is seen from its first end, less how often from its second.
    let mut balance: HashMap<(VertexId, VertexId), i64> = HashMap::new();
    for (at, block) in blocks.iter().enumerate() {
        // The same of the edges out of halo slots, by slot.
        let mut from_halo: HashMap<(Slot, Slot), i64> = HashMap::new();
        let mut is_own = vec![false; block.slots()];
        own(block).iter().for_each(|slot| is_own[slot.index()] = true);
        for here in own(block) {
            let (mut strangers, mut degree) = (0, 0);
            let mut count = |from: Slot, to: Slot, sign: i64| match (names[at][from.index()], names[at][to.index()]) {
                (Some(from), Some(to)) => *balance.entry((from, to)).or_default() += sign,
                _ => strangers += 1,
            };
            block.each_neighbor(here, |to, _| {
                degree += 1;
                count(here, to, 1);
            });
            block.each_source(here, |from, _| {
                count(from, here, -1);
                if !is_own[from.index()] {
                    *from_halo.entry((from, here)).or_default() -= 1;
                }
            });
            let vertex = block.id(here);
            if strangers > 0 {
                return Err(format!("vertex {vertex}: joined to a slot that is no vertex"));
            }
            if degree != block.degree(here) {
                return Err(format!("vertex {vertex}: {degree} edges out of it, but its degree is another"));
            }
        }
        for halo in block.seams().iter().flat_map(|seam| &seam.halo) {
            block.each_neighbor(*halo, |to, _| *from_halo.entry((*halo, to)).or_default() += 1);
        }
        if let Some(connected) = block.connected().map_err(|e| e.to_string())? {
            let mut set = vec![None; block.slots()];
            let members: Vec<_> = connected.members.each().collect();
            if !members.iter().map(|(vertex, _)| *vertex).eq(own(block).iter().map(|slot| block.id(*slot))) {
                return Err(format!("block {at}: the members of its sets are not its vertices"));
            }
            own(block).iter().zip(&members).for_each(|(slot, (_, of))| set[slot.index()] = Some(*of));
            for ((seam, halo), border) in block.seams().iter().zip(&connected.halos).zip(&connected.borders) {
                seam.halo.iter().zip(halo).for_each(|(slot, of)| set[slot.index()] = Some(*of));
                if !seam.border.iter().map(|slot| set[slot.index()]).eq(border.iter().map(|of| Some(*of))) {
                    return Err(format!("block {at}: the border to block {} is of other sets there", seam.to));
                }
            }
            let mut apart = None;
            for here in own(block) {
                block.each_neighbor(here, |to, _| {
                    if set[here.index()] != set[to.index()] {
                        apart = Some((here, to));
                    }
                });
            }
            if let Some((here, to)) = apart {
                return Err(format!("block {at}: slots {here} and {to} are joined, and in two sets"));
            }
        }
        if let Some(((from, to), _)) = from_halo.iter().find(|(_, balance)| **balance != 0) {
            return Err(format!("block {at}: the edge from halo slot {from} to slot {to} is not seen from both"));
        }
    }
    match balance.iter().find(|(_, balance)| **balance != 0) {
        Some(((from, to), _)) => Err(format!("the edge from {from} to {to} is not seen from both its ends")),
        None => Ok(()),
    }
}
