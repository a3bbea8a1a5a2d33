//! Programs on the voxels of a session, that go on from their last run.

use std::sync::Arc;

use crate::error::Result;
use crate::id::VertexId;
use crate::incremental::held::Blocks;
use crate::incremental::session::Session;
use crate::lattice::lattice::Lattice;
use crate::lattice::runs::Runs;
use crate::lattice::stencil::Stencil;
use crate::pregel::block::Wire;
use crate::pregel::run::{Config, Report};
use crate::pregel::vertex::VertexProgram;
use crate::pregel::warm::Warm;

/// The last run of a program on the voxels of a session: the voxels as they were, and the state of each.
/// Empty before the first.
#[derive(Clone, Debug)]
pub struct LastVoxels<S> {
    before: Option<(Stencil, Arc<Blocks>)>,
    states: Vec<(VertexId, S)>,
}

impl<S> Default for LastVoxels<S> {
    fn default() -> Self {
        Self { before: None, states: Vec::new() }
    }
}

impl<S> LastVoxels<S> {
    /// The state of every voxel, in raster order; those before a later commit until the next run. In a
    /// cluster process 0 has all, and the others those of their blocks.
    pub fn states(&self) -> impl Iterator<Item = (VertexId, &S)> {
        self.states.iter().map(|(voxel, state)| (*voxel, state))
    }

    /// The state of a voxel.
    pub fn of(&self, voxel: VertexId) -> Option<&S> {
        self.states.binary_search_by_key(&voxel, |(voxel, _)| *voxel).ok().map(|at| &self.states[at].1)
    }
}

impl Session<'_> {
    /// Runs a vertex program on the selected voxels after the last commit, as [`Session::lattice`] has them.
    /// It goes on from the states in `last` as far as [`VertexProgram::warm`] allows, and leaves there what
    /// it ends with, the same as from the beginning. The number of a voxel is its raster index and stays, so
    /// [`VertexProgram::renumbered`] is not asked.
    ///
    /// A program that may go on after growth does where voxels only came: where one was lost, or has another
    /// label, all begin anew. Costs a look at the runs, and what the program has to do.
    ///
    /// # Errors
    /// As [`Runtime::run`](crate::pregel::runtime::Runtime::run) and [`Session::lattice`].
    pub fn run_voxels<P>(
        &self,
        program: &P,
        stencil: Stencil,
        last: &mut LastVoxels<P::State>,
        config: &Config,
    ) -> Result<Report<P::Global>>
    where
        P: VertexProgram<Lattice>,
    {
        let lattice = self.lattice(stencil)?;
        let before = std::mem::take(last);
        let goes_on = match program.warm() {
            Warm::Never => false,
            Warm::Always => true,
            Warm::Growth => {
                let grew = before.before.is_some_and(|(its, blocks)| its == stencil && self.has_all(&blocks));
                self.runtime.all_gather(Ok(grew))?.into_iter().all(|grew| grew)
            }
        };
        let (states, report) = match goes_on {
            true => self.runtime.vertices_from(&lattice, program, before.states, config)?,
            false => self.runtime.vertices(&lattice, program, config)?,
        };
        *last = LastVoxels { before: Some((stencil, Arc::clone(&self.blocks))), states: self.with_ours(states)? };
        Ok(report)
    }

    /// Whether every voxel that blocks of this process held is there, with the label it had.
    fn has_all(&self, before: &Blocks) -> bool {
        let mut ours = before.iter().filter(|(block, _)| self.owners.is_ours(**block));
        ours.all(|(block, was)| self.ours(*block).is_some_and(|is| Arc::ptr_eq(was, is) || covers(&is.runs, &was.runs)))
    }

    /// The states of voxels that process 0 has, on the processes that hold the voxels too.
    fn with_ours<S: Clone + Wire>(&self, states: Vec<(VertexId, S)>) -> Result<Vec<(VertexId, S)>> {
        if self.owners.is_alone() {
            return Ok(states);
        }
        let grid = self.settings.grid;
        let mut letters = vec![Vec::new(); self.runtime.workers().processes()];
        for (voxel, state) in &states {
            let block = grid.block_of(grid.shape().voxel(voxel.0));
            letters[self.owners.of(block)].push((*voxel, state.clone()));
        }
        let ours = self.runtime.exchange(Ok(letters.into_iter().enumerate().collect()))?;
        Ok(if states.is_empty() { ours.into_iter().flatten().collect() } else { states })
    }
}

/// Whether every voxel of some runs of a box is in others of it, with the same label.
fn covers(these: &Runs, those: &Runs) -> bool {
    let label = |runs: &Runs, run: usize| runs.labels().get(run).copied();
    those.rows().windows(2).zip(these.rows().windows(2)).all(|(row, over)| {
        let mut at = over[0] as usize;
        (row[0] as usize..row[1] as usize).all(|run| {
            let span = those.spans()[run];
            while at < over[1] as usize && these.spans()[at].end <= span.start {
                at += 1;
            }
            // A run that is covered lies in one.
            let under = (at < over[1] as usize).then(|| these.spans()[at]);
            under.is_some_and(|under| under.start <= span.start && span.end <= under.end)
                && label(these, at) == label(those, run)
        })
    })
}
