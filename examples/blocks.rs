//! A block program: the mean grey value of a volume, one partial sum a block, and how many
//! voxels lie above it: two supersteps, no message but the global.
//!
//! `cargo run --release --example blocks`

use std::path::Path;

use septa::lattice::tiling::{Tile, Tiling};
use septa::prelude::*;

#[derive(Clone, Debug)]
struct AboveMean;

impl BlockProgram<Tiling> for AboveMean {
    type State = ();
    type Parcel = ();
    /// Sum of the values and number of voxels; in the second superstep, voxels above the mean.
    type Global = (Sum<u64>, Sum<u64>);
    type Output = ();

    fn init(&self, _: &Tiling, _: &Tile) -> Result<()> {
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, (), Self::Global>,
        tile: &Tile,
        _: &mut (),
        _: Vec<(BlockId, ())>,
    ) -> Result<Vote> {
        let (_, voxels) = tile.read(0)?;
        let values = voxels.view::<u8>().expect("the volume is uint8");
        if at.number() == 0 {
            at.contribute((Sum(values.iter().map(|v| u64::from(*v)).sum()), Sum(values.len() as u64)));
            return Ok(Vote::Stay);
        }
        let (sum, count) = at.global();
        let above = values.iter().filter(|v| u64::from(**v) * count.0 > sum.0).count();
        at.contribute((Sum(0), Sum(above as u64)));
        Ok(Vote::Halt)
    }

    fn finish(&self, _: &Tile, _: ()) -> Result<()> {
        Ok(())
    }
}

fn main() -> Result<()> {
    let tiling = Tiling::new(open(Path::new("data/foam.tif"), &OpenOptions::default())?, BlockSize::Edge(32))?;
    let runtime = Runtime::start(&Workers::threads(2))?;
    let report = runtime.run(&tiling, &AboveMean, &Config::default(), |_, ()| Ok(()))?;
    println!("{} voxels above the mean", report.global.1.0);
    Ok(())
}
