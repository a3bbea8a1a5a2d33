//! A block after changes of the graph, by the rules of [`Change`].
//!
//! Vertices have *codes* while the block is made: its old slot for one that was there, a number
//! beyond them for one that is new to the block. Lists are rewritten in codes, vertex by vertex;
//! what is left in them tells the new halo; then codes become slots. Time: O(edges of the block)
//! whatever the number of changes. Memory: the new block beside the old.

use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::graph::change::Change;
use crate::graph::csr::Plain;
use crate::graph::csr_block::Inner;
use crate::graph::csr_lists::Lists;
use crate::graph::owners::too_large;
use crate::id::{Slot, VertexId};

/// Where each slot was before, none where it is new; no list where all are as before.
pub(super) type Before = Option<Vec<Option<Slot>>>;

/// The block after `changes`, and where its slots were.
pub(super) fn changed<E: Plain>(old: &Inner<E>, changes: &[Change<E>]) -> Result<(Inner<E>, Before)> {
    let codes = Codes::new(old, changes);
    codes.check(changes)?;
    let owned = codes.owned();
    let directed = old.sources.is_some();
    let edits = Edits::new(old, changes, if directed { End::From } else { End::Both });
    let mut neighbors = codes.rewrite(&old.neighbors, &owned, &edits)?;
    let mut sources = None;
    if let Some(lists) = &old.sources {
        sources = Some(codes.rewrite(lists, &owned, &Edits::new(old, changes, End::To))?);
    }
    let halo = codes.halo([Some(&neighbors), sources.as_ref()].into_iter().flatten());
    if owned.len() + halo.len() >= u32::MAX as usize {
        return Err(too_large(old.block, "slots"));
    }
    // What each slot was, and what each code becomes.
    let all = || owned.iter().chain(&halo).copied();
    let mut slots = vec![Slot(u32::MAX); codes.count()];
    all().zip(0..).for_each(|(code, slot)| slots[code as usize] = Slot(slot));
    for lists in [Some(&mut neighbors), sources.as_mut()].into_iter().flatten() {
        lists.targets.iter_mut().for_each(|(target, _)| *target = slots[target.index()]);
    }
    let names: Vec<VertexId> = all().map(|code| codes.name(code)).collect();
    let before: Vec<_> = all().map(|code| ((code as usize) < old.names.len()).then_some(Slot(code))).collect();
    let moved = before.len() != old.names.len() || before.iter().zip(0..).any(|(from, to)| *from != Some(Slot(to)));
    let new = Inner::new(old.block, Arc::clone(&old.owners), names, owned.len(), neighbors, sources);
    Ok((new, moved.then_some(before)))
}

/// The vertices that a block knew, and those it has to learn of.
struct Codes<'a, E> {
    old: &'a Inner<E>,
    /// Whether the vertex of an old slot is removed.
    gone: Vec<bool>,
    /// Vertices that have no slot, or begin anew; ascending. Their codes follow the old slots.
    fresh: Vec<VertexId>,
}

impl<'a, E: Plain> Codes<'a, E> {
    fn new(old: &'a Inner<E>, changes: &[Change<E>]) -> Self {
        let mut gone = vec![false; old.names.len()];
        for change in changes {
            if let Change::RemoveVertex(vertex) = change
                && let Some(slot) = old.slot(*vertex)
            {
                gone[slot.index()] = true;
            }
        }
        let mut codes = Self { old, gone, fresh: Vec::new() };
        let mut fresh = Vec::new();
        for change in changes {
            match *change {
                Change::AddVertex(vertex) if codes.is_own(vertex) => fresh.push(vertex),
                Change::AddEdge(from, to, _) => fresh.extend([from, to].into_iter().filter(|end| !codes.is_own(*end))),
                _ => {}
            }
        }
        fresh.retain(|vertex| codes.find(*vertex).is_none());
        fresh.sort_unstable();
        fresh.dedup();
        codes.fresh = fresh;
        codes
    }

    fn is_own(&self, vertex: VertexId) -> bool {
        self.old.owners.of(vertex) == Some(self.old.block)
    }

    fn count(&self) -> usize {
        self.old.names.len() + self.fresh.len()
    }

    /// The code of a vertex that is there after vertices were removed and added.
    fn find(&self, vertex: VertexId) -> Option<u32> {
        let old = self.old.slot(vertex).filter(|slot| !self.gone[slot.index()]).map(|slot| slot.0);
        old.or_else(|| Some((self.old.names.len() + self.fresh.binary_search(&vertex).ok()?) as u32))
    }

    fn name(&self, code: u32) -> VertexId {
        let code = code as usize;
        self.old.names.get(code).copied().unwrap_or_else(|| self.fresh[code - self.old.names.len()])
    }

    /// Whether the vertices that the block owns, and that new edges join, are there.
    fn check(&self, changes: &[Change<E>]) -> Result<()> {
        if self.count() >= u32::MAX as usize {
            return Err(too_large(self.old.block, "slots"));
        }
        for change in changes {
            let Change::AddEdge(from, to, _) = *change else { continue };
            if let Some(absent) = [from, to].into_iter().find(|end| self.is_own(*end) && self.find(*end).is_none()) {
                let what = format!("an edge from {from} to {to} was asked for, but there is no vertex {absent}");
                return Err(Error::new(Kind::Program, what));
            }
        }
        Ok(())
    }

    /// The codes of the vertices it owns, ascending by vertex.
    fn owned(&self) -> Vec<u32> {
        let old = (0..self.old.owned as u32).filter(|slot| !self.gone[*slot as usize]);
        let first = self.old.names.len() as u32;
        let fresh = (first..).zip(&self.fresh).filter(|(_, vertex)| self.is_own(**vertex)).map(|(code, _)| code);
        let mut owned: Vec<u32> = old.chain(fresh).collect();
        owned.sort_by_key(|code| self.name(*code));
        owned
    }

    /// The codes of the foreign vertices that lists lead to, by block, then by vertex.
    fn halo<'b>(&self, lists: impl Iterator<Item = &'b Lists<E>>) -> Vec<u32> {
        let mut used = vec![false; self.count()];
        for lists in lists {
            lists.targets.iter().for_each(|(target, _)| used[target.index()] = true);
        }
        let key = |code: u32| (self.old.owners.of(self.name(code)), self.name(code));
        let foreign = |code: &u32| used[*code as usize] && !self.is_own(self.name(*code));
        let mut halo: Vec<u32> = (self.old.owned as u32..self.count() as u32).filter(foreign).collect();
        halo.sort_by_cached_key(|code| key(*code));
        halo
    }

    /// The lists of `owned` after the edits, their targets in codes.
    fn rewrite(&self, lists: &Lists<E>, owned: &[u32], edits: &Edits<E>) -> Result<Lists<E>> {
        let mut starts = Vec::with_capacity(owned.len() + 1);
        let mut targets = Vec::with_capacity(lists.targets.len());
        starts.push(0);
        let (mut removed, mut added, mut set) = (&edits.removed[..], &edits.added[..], &edits.set[..]);
        for &code in owned {
            let vertex = self.name(code);
            let removed = of(&mut removed, vertex, |edge| edge.0);
            let mut added = of(&mut added, vertex, |edge| edge.0);
            let set = of(&mut set, vertex, |edge| edge.0);
            let valued = |other: VertexId, value: E| {
                set.binary_search_by_key(&other, |edge| edge.1).map_or(value, |at| set[at].2)
            };
            let find = |other| Slot(self.find(other).expect("the ends of new edges have codes"));
            let was = if (code as usize) < self.old.owned { lists.of(code as usize) } else { &[] };
            for &(target, value) in was.iter().filter(|(target, _)| !self.gone[target.index()]) {
                let other = self.old.names[target.index()];
                if removed.binary_search_by_key(&other, |edge| edge.1).is_ok() {
                    continue;
                }
                // A new edge comes after those that it is parallel to.
                while let Some((first, rest)) = added.split_first().filter(|(first, _)| first.1 < other) {
                    targets.push((find(first.1), valued(first.1, first.2)));
                    added = rest;
                }
                targets.push((target, valued(other, value)));
            }
            targets.extend(added.iter().map(|&(_, other, value)| (find(other), valued(other, value))));
            starts.push(targets.len() as u32);
        }
        if targets.len() >= u32::MAX as usize {
            return Err(too_large(self.old.block, "edges"));
        }
        targets.shrink_to_fit();
        Ok(Lists { starts, targets })
    }
}

/// Takes what is of `vertex` from a list that ascends by vertex, and what is of smaller ones.
fn of<'a, T>(rest: &mut &'a [T], vertex: VertexId, key: impl Fn(&T) -> VertexId) -> &'a [T] {
    let Some(first) = rest.first().filter(|first| key(first) <= vertex) else { return &[] };
    let start = if key(first) == vertex { 0 } else { rest.partition_point(|it| key(it) < vertex) };
    let length = rest[start..].iter().take_while(|it| key(it) == vertex).count();
    let own = &rest[start..start + length];
    *rest = &rest[start + length..];
    own
}

/// Which end of an edge a list belongs to.
#[derive(Clone, Copy)]
enum End {
    From,
    To,
    Both,
}

/// The changes of the edges of one list a vertex: the vertex, the other end, and the value. Each
/// ascends, with one value a pair.
struct Edits<E> {
    removed: Vec<(VertexId, VertexId)>,
    added: Vec<(VertexId, VertexId, E)>,
    set: Vec<(VertexId, VertexId, E)>,
}

impl<E: Plain> Edits<E> {
    fn new(old: &Inner<E>, changes: &[Change<E>], end: End) -> Self {
        // An edge with itself turned round, who asked for it last.
        let mut removed = Vec::new();
        let (mut added, mut set) = (Vec::new(), Vec::new());
        for change in changes {
            let (from, to) = match *change {
                Change::RemoveEdge(from, to) | Change::AddEdge(from, to, _) | Change::SetEdge(from, to, _) => {
                    (from, to)
                }
                Change::RemoveVertex(_) | Change::AddVertex(_) => continue,
            };
            let pairs = match end {
                End::From => [Some((from, to)), None],
                End::To => [Some((to, from)), None],
                End::Both => [Some((from, to)), Some((to, from)).filter(|_| from != to)],
            };
            for (own, other) in pairs.into_iter().flatten().filter(|(own, _)| old.owners.of(*own) == Some(old.block)) {
                match *change {
                    Change::AddEdge(_, _, value) => added.push((own, other, value, from)),
                    Change::SetEdge(_, _, value) => set.push((own, other, value, from)),
                    _ => removed.push((own, other)),
                }
            }
        }
        removed.sort_unstable();
        Self { removed, added: resolved(added), set: resolved(set) }
    }
}

/// One value for each pair: that asked for by the smaller vertex, of one vertex the last.
fn resolved<E: Copy>(mut asked: Vec<(VertexId, VertexId, E, VertexId)>) -> Vec<(VertexId, VertexId, E)> {
    asked.sort_by_key(|&(own, other, _, by)| (own, other, by));
    let pairs = asked.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
    let last = |pair: &[(VertexId, VertexId, E, VertexId)]| {
        let of_first = pair.partition_point(|edge| edge.3 == pair[0].3);
        let (own, other, value, _) = pair[of_first - 1];
        (own, other, value)
    };
    pairs.map(last).collect()
}
