//! Labels a volume larger than memory, for its figures: a phantom that is made block by block. The
//! blocks are made alone first, and the time of that is told apart.
//!
//! `cargo bench --bench scan -- Z,Y,X [WORKERS]`

use std::fs;
use std::sync::Arc;
use std::time::Instant;

use septa::graph::topology::Cut;
use septa::id::BlockId;
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::lattice::tiling::Tiling;
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::prelude::Result;
use septa::programs::labelling::Labelling;
use septa::volume::grid::BlockSize;
use septa::volume::phantom::{Kind, Phantom};
use septa::volume::shape::Shape;
use septa::workers::Workers;

fn main() -> Result<()> {
    // Cargo adds a flag of its own.
    let given: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let shape: Shape = given.first().map_or("128,256,256", String::as_str).parse()?;
    let workers = given.get(1).and_then(|count| count.parse().ok()).unwrap_or(1);
    let voxels = shape.voxels().unwrap_or(0);
    // A lacuna in some two million voxels, as in bone.
    let phantom = Phantom::new(Kind::Bone, shape, voxels / 2_000_000 + 8, 1, 0.0)?;
    let tiling = Tiling::new(Arc::new(phantom), BlockSize::Auto)?;
    let start = Instant::now();
    let mut made = 0u64;
    for id in (0..tiling.blocks()).map(BlockId) {
        let (region, read) = tiling.block(id)?.read(1)?;
        made += region.shape().voxels().unwrap_or(0);
        std::hint::black_box(read);
    }
    let making = start.elapsed().as_secs_f64();
    println!("{shape}: {voxels} voxels, {made} made in {making:.1} s on one thread, {:.3e}/s", made as f64 / making);
    let runtime = Runtime::start(&Workers::threads(workers))?;
    let program = Labelling {
        select: Select::NonZero,
        stencil: Stencil::N6,
        min_voxels: 0,
        paint: false,
        want: None,
        grid: *tiling.grid(),
    };
    let start = Instant::now();
    let found = runtime.run(&tiling, &program, &Config::default(), |_, _| Ok(()))?.global;
    let seconds = start.elapsed().as_secs_f64();
    let without = seconds - making / workers as f64;
    println!("{} components, {} voxels, the largest {}", found.components, found.foreground, found.largest);
    println!("{workers} workers: {seconds:.1} s, {without:.1} s without the making, {:.3e}/s", voxels as f64 / without);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("no peak memory is told here"));
    Ok(())
}
