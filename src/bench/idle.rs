//! A program that does nothing but go on: what a superstep costs by itself.

use crate::combine::Sum;
use crate::error::Result;
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::pregel::block::{BlockProgram, Superstep, Vote};

/// So many supersteps in which each block adds 1 to the global.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idle {
    /// Supersteps, at least one.
    pub supersteps: u64,
}

impl<G: Cut> BlockProgram<G> for Idle {
    type State = ();
    type Parcel = ();
    type Global = Sum<u64>;
    type Output = ();

    fn init(&self, _: &G, _: &G::Block) -> Result<()> {
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, (), Sum<u64>>,
        _: &G::Block,
        (): &mut (),
        _: Vec<(BlockId, ())>,
    ) -> Result<Vote> {
        at.contribute(Sum(1));
        Ok(Vote::Stay)
    }

    fn done(&self, superstep: u64, _: &Sum<u64>) -> bool {
        superstep + 1 >= self.supersteps
    }

    fn finish(&self, _: &G::Block, (): ()) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::csr::Csr;
    use crate::graph::cut::ranges;
    use crate::pregel::local;
    use crate::pregel::run::Config;

    #[test]
    fn it_takes_as_many_supersteps_as_it_is_told() {
        let graph = Csr::<()>::undirected(3, &[], 3, ranges(3, 3)).unwrap();
        for supersteps in [1, 2, 9] {
            let report = local::run(&graph, &Idle { supersteps }, &Config::default(), |_, ()| Ok(())).unwrap();
            assert_eq!((report.supersteps, report.global), (supersteps, Sum(3)));
        }
    }
}
