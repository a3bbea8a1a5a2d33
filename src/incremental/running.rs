//! Programs on the contact graph of a session, that go on from their last run.

use std::collections::BTreeMap;

use crate::disjoint::Disjoint;
use crate::error::Result;
use crate::graph::csr::Csr;
use crate::graph::cut::blocks;
use crate::id::VertexId;
use crate::incremental::session::Session;
use crate::lattice::contact::{Contact, ContactGraph};
use crate::pregel::run::{Config, Report};
use crate::pregel::vertex::VertexProgram;
use crate::pregel::warm::Warm;

/// Cells that touch, and how.
type Contacts = BTreeMap<(u64, u64), Contact>;

/// The last run of a program on the contact graph of a session: the graph as it was, and the state of
/// each cell. Empty before the first.
#[derive(Clone, Debug)]
pub struct LastRun<S> {
    cells: Vec<u64>,
    contacts: Contacts,
    states: Vec<S>,
}

impl<S> Default for LastRun<S> {
    fn default() -> Self {
        Self { cells: Vec::new(), contacts: Contacts::new(), states: Vec::new() }
    }
}

impl<S> LastRun<S> {
    /// The state of every cell, ascending by label; those before a later commit until the next run.
    pub fn states(&self) -> impl Iterator<Item = (u64, &S)> {
        self.cells.iter().copied().zip(&self.states)
    }

    /// The state of a cell.
    pub fn of(&self, label: u64) -> Option<&S> {
        self.cells.binary_search(&label).ok().map(|at| &self.states[at])
    }
}

impl Session<'_> {
    /// Runs a vertex program on the contact graph after the last commit: vertex k is the k-th cell by
    /// label. It goes on from the states in `last` as far as [`VertexProgram::warm`] allows, and
    /// leaves there what it ends with, the same as from the beginning.
    ///
    /// Cells of which nothing that hangs together with them was lost or changed since keep their
    /// states where the program may go on after growth. Costs reading the tables, and what the
    /// program has to do.
    ///
    /// # Errors
    /// As [`Runtime::run`](crate::pregel::runtime::Runtime::run) and [`Session::summary`].
    pub fn run<P>(&self, program: &P, last: &mut LastRun<P::State>, config: &Config) -> Result<Report<P::Global>>
    where
        P: VertexProgram<Csr<Contact>>,
    {
        let summary = self.summary()?;
        let cells: Vec<u64> = summary.cells.into_keys().collect();
        let contacts = summary.contacts;
        let blocks = blocks(cells.len() as u64);
        let graph = ContactGraph::new(cells.iter().copied(), &contacts, blocks)?.graph;
        let before = std::mem::take(last);
        let keeps = match program.warm() {
            Warm::Never => vec![false; before.cells.len()],
            Warm::Always => vec![true; before.cells.len()],
            Warm::Growth => unharmed(&before.cells, &before.contacts, &cells, &contacts),
        };
        let number = |label: u64| cells.binary_search(&label).ok().map(|at| VertexId(at as u64));
        let now = |vertex: VertexId| number(*before.cells.get(vertex.0 as usize)?);
        let kept = before.cells.iter().zip(before.states).zip(keeps).filter(|(_, keep)| *keep);
        let states = kept.filter_map(|((label, state), _)| Some((number(*label)?, program.renumbered(state, &now)?)));
        let states: Vec<_> = states.collect();
        let (states, report) = match states.is_empty() {
            true => self.runtime.vertices(&graph, program, config)?,
            false => self.runtime.vertices_from(&graph, program, states, config)?,
        };
        // Process 0 has them.
        let states = states.into_iter().map(|(_, state)| state).collect();
        let states = self.runtime.all_gather::<Vec<P::State>>(Ok(states))?.into_iter().flatten().collect();
        *last = LastRun { cells, contacts, states };
        Ok(report)
    }
}

/// Which cells of a graph hang together, before or now, with nothing that was lost or changed since.
fn unharmed(before: &[u64], were: &Contacts, now: &[u64], are: &Contacts) -> Vec<bool> {
    let mut all: Vec<u64> = before.iter().chain(now).copied().collect();
    all.sort_unstable();
    all.dedup();
    let at = |label: &u64| all.binary_search(label).expect("cells of contacts are cells") as u32;
    let mut sets = Disjoint::new(all.len());
    for (a, b) in were.keys().chain(are.keys()) {
        sets.union(at(a), at(b));
    }
    let mut harmed = vec![false; all.len()];
    let lost = were.iter().filter(|(pair, contact)| are.get(pair) != Some(contact)).map(|((a, _), _)| a);
    let gone = before.iter().filter(|label| now.binary_search(label).is_err());
    for label in lost.chain(gone) {
        harmed[sets.find(at(label)) as usize] = true;
    }
    before.iter().map(|label| !harmed[sets.find(at(label)) as usize]).collect()
}
