//! Grain growth: every voxel begins as a grain of its own, and large grains eat small ones. The mean volume grows
//! with the power 3/2 of time in the end (Anderson, Grest and Srolovitz, 1989).
//!
//! `cargo run --release --example grain_growth`

use std::sync::Arc;

use septa::lattice::tiling::Tiling;
use septa::prelude::*;
use septa::programs::potts::model::{Boundary, Energy, Model, Move};
use septa::programs::potts::random::RandomSpins;
use septa::programs::potts::run::Potts;
use septa::volume::shape::Shape;

fn main() -> Result<()> {
    let shape = Shape([64; 3]);
    let start = RandomSpins::new(shape, None, 0)?;
    let model = Model {
        neighborhood: "26".parse()?,
        weights: Vec::new(),
        surface: None,
        field: None,
        boundary: Boundary::Periodic,
        moves: Move::Copy,
        energy: Energy::Uniform(1.0),
        kt: 0.5,
        shades: 1,
        spins: start.most(),
        seed: 0,
    };
    let grid = Potts::grid(shape, BlockSize::Auto)?;
    let tiling = Tiling::with_grid(Arc::new(start), grid)?;
    let runtime = Runtime::start(&Workers::threads(2))?;
    let (blocks, _) = runtime.collect(&tiling, &Potts::new(model, grid, 160, 20)?, &Config::default())?;
    println!("sweep  grains  energy");
    for row in blocks.iter().flat_map(|(_, made)| &made.rows) {
        println!("{:5} {:7} {:7}", row.sweep, row.cells, row.energy);
    }
    Ok(())
}
