//! Cell sorting: two types of cells in a medium, mixed by chance. Dark cells stick to each other most, and end
//! inside; light ones end around them (Steinberg, 1963; Graner and Glazier, 1992).
//!
//! `cargo run --release --example cell_sorting`

use std::sync::Arc;

use septa::lattice::tiling::Tiling;
use septa::prelude::*;
use septa::programs::potts::cells::{Cells, Type};
use septa::programs::potts::model::{Boundary, Energy, Model, Move};
use septa::programs::potts::run::Potts;
use septa::volume::memory::Memory;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::Voxels;

/// The edge of a cell, in voxels.
const CELL: usize = 6;
/// Cells along an edge of the square.
const SQUARE: usize = 10;
/// The edge of the lattice.
const SIDE: usize = 80;

fn main() -> Result<()> {
    let shape = Shape([1, SIDE, SIDE]);
    let margin = (SIDE - CELL * SQUARE) / 2;
    let place = |along: usize| Some(along.checked_sub(margin)? / CELL).filter(|place| *place < SQUARE);
    let label = |at: usize| match (place(at / SIDE), place(at % SIDE)) {
        (Some(y), Some(x)) => (y * SQUARE + x) as u32 + 1,
        _ => 0,
    };
    let start: Vec<u32> = (0..SIDE * SIDE).map(label).collect();
    let of: Vec<u8> = (0..=100u32).map(|label| if label == 0 { 0 } else { 1 + (label * 7 / 3 % 2) as u8 }).collect();
    let held = |name: &str, lambda| Type { name: name.into(), target: 36, lambda, ..Type::default() };
    let types = vec![held("medium", 0.0), held("dark", 1.0), held("light", 1.0)];
    let contact = [vec![0.0, 16.0, 16.0], vec![16.0, 2.0, 11.0], vec![16.0, 11.0, 14.0]];
    let model = Model {
        neighborhood: "8".parse()?,
        weights: Vec::new(),
        surface: None,
        field: None,
        boundary: Boundary::Walls,
        moves: Move::Copy,
        energy: Energy::Cells(Arc::new(Cells::new(types, of.clone(), &contact)?)),
        kt: 10.0,
        shades: 2,
        spins: 100,
        seed: 1,
    };
    let source = Arc::new(Memory::new("cells", Voxels::from_vec(shape, start), Spacing::default()));
    let tiling = Tiling::new(source, BlockSize::Whole)?;
    let runtime = Runtime::start(&Workers::threads(1))?;
    let potts = Potts::new(model, *tiling.grid(), 2000, 2000)?;
    let (blocks, _) = runtime.collect(&tiling, &potts, &Config::default())?;
    for made in blocks.iter().map(|(_, made)| made) {
        for y in (0..SIDE).step_by(2) {
            let kind = |x: usize| [' ', '#', '.'][usize::from(of[made.spins.get([0, y, x]) as usize])];
            println!("{}", (0..SIDE).map(kind).collect::<String>());
        }
    }
    Ok(())
}
