//! Growth of a tissue from a scan: cells of an ovule strive for more volume with every sweep, keep their surfaces small,
//! stay in one piece, and divide at twice the mean volume. Where the scan is not at hand it grows a made tissue.
//!
//! `cargo run --release --example ovule_growth`; the scan is `ovule/ovule_labels.tif` in the folder `SEPTA_DATA`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use septa::lattice::tiling::Tiling;
use septa::prelude::*;
use septa::programs::potts::cells::{Cells, Connected, Type};
use septa::programs::potts::model::{Boundary, Energy, Model, Move};
use septa::programs::potts::random::largest;
use septa::programs::potts::run::Potts;
use septa::volume::memory::Memory;
use septa::volume::open::{OpenOptions, open};
use septa::volume::phantom::{Kind, Phantom};
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::source::VolumeSource;
use septa::volume::voxel::Voxels;

/// Every so many voxels of the scan along each axis one is taken, so that it is quick.
const STRIDE: [usize; 3] = [1, 2, 2];
/// Empty voxels around, to grow into.
const MARGIN: usize = 6;

/// The labels of the scan, or of a phantom.
fn tissue() -> Result<Arc<dyn VolumeSource>> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("SEPTA_DATA").map_or_else(beside, PathBuf::from);
    let path = folder.join("ovule/ovule_labels.tif");
    if path.exists() {
        return open(&path, &OpenOptions::default());
    }
    println!("{} is not there: a made tissue of 40 cells grows instead", path.display());
    Ok(Arc::new(Phantom::new(Kind::Cells, Shape([32, 64, 64]), 40, 1, 0.0)?))
}

fn main() -> Result<()> {
    let scan = tissue()?;
    let voxels = scan.read(&Region::whole(scan.header().shape))?;
    let taken = Shape(std::array::from_fn(|axis| voxels.shape().0[axis] / STRIDE[axis]));
    let shape = Shape(taken.0.map(|n| n + 2 * MARGIN));
    let label = |at: u64| {
        let inside = shape.voxel(at).map(|along| along.wrapping_sub(MARGIN));
        match (0..3).all(|axis| inside[axis] < taken.0[axis]) {
            true => voxels.get(std::array::from_fn(|axis| inside[axis] * STRIDE[axis])) as u32,
            false => 0,
        }
    };
    let start: Vec<u32> = (0..taken_voxels(shape)).map(label).collect();
    let source = Arc::new(Memory::new("tissue", Voxels::from_vec(shape, start.clone()), Spacing::default()));
    let most = largest(&*source, 1)?;
    let mut volumes = vec![0u64; most as usize + 1];
    start.iter().for_each(|label| volumes[*label as usize] += 1);
    let cells = volumes[1..].iter().filter(|volume| **volume > 0).count() as u64;
    let mean = volumes[1..].iter().sum::<u64>() / cells;
    println!("{shape}: {cells} cells of {mean} voxels");
    let types = vec![
        Type { name: "medium".into(), ..Type::default() },
        Type {
            name: "cell".into(),
            target: mean,
            lambda: 0.1,
            growth: (mean as f64 / 60.0).round(),
            connected: Connected::Always,
            divide_at: 2 * mean,
            ..Type::default()
        },
    ];
    let of = (0..=most).map(|label| u8::from(label > 0)).collect();
    let model = Model {
        neighborhood: "26".parse()?,
        weights: Vec::new(),
        surface: None,
        boundary: Boundary::Walls,
        moves: Move::Copy,
        energy: Energy::Cells(Arc::new(Cells::new(types, of, &[vec![0.0, 8.0], vec![8.0, 6.0]])?)),
        field: None,
        kt: 15.0,
        shades: 4,
        spins: most,
        seed: 1,
    };
    let grid = Potts::grid(shape, BlockSize::Auto)?;
    let tiling = Tiling::with_grid(source, grid)?;
    let runtime = Runtime::start(&Workers::threads(2))?;
    let (blocks, report) = runtime.collect(&tiling, &Potts::new(model, grid, 60, 10)?, &Config::default())?;
    for row in blocks.iter().flat_map(|(_, made)| &made.rows) {
        // The medium is none of them.
        println!("sweep {:3}: {} cells, energy {:.0}", row.sweep, row.cells - 1, row.energy);
    }
    println!("{:.1} s", report.seconds);
    Ok(())
}

fn taken_voxels(shape: Shape) -> u64 {
    shape.0.iter().product::<usize>() as u64
}
