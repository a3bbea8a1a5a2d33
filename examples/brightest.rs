//! A vertex program: every voxel learns the brightest value of the component it is in.
//!
//! `cargo run --release --example brightest`

use std::path::Path;

use septa::prelude::*;

#[derive(Clone, Debug)]
struct Brightest;

impl VertexProgram<Lattice> for Brightest {
    type State = u64;
    type Message = Max<u64>;
    type Global = ();

    fn init(&self, voxel: &mut Vertex<'_, Lattice, Self>) -> (u64, Vote) {
        let value = voxel.value() as u64;
        voxel.broadcast(Max(value));
        (value, Vote::Halt)
    }

    fn compute(&self, voxel: &mut Vertex<'_, Lattice, Self>, brightest: &mut u64, heard: Max<u64>) -> Vote {
        if heard.0 > *brightest {
            *brightest = heard.0;
            voxel.broadcast(heard);
        }
        Vote::Halt
    }
}

fn main() -> Result<()> {
    let volume = open(Path::new("data/foam.tif"), &OpenOptions::default())?;
    let films = Lattice::new(volume, BlockSize::Auto, Select::Above(100.0), Stencil::N6)?;
    let runtime = Runtime::start(&Workers::threads(2))?;
    let (voxels, report) = runtime.vertices(&films, &Brightest, &Config::default())?;
    let brightest = voxels.iter().map(|(_, value)| value).max();
    println!("{} voxels, {} supersteps, brightest {brightest:?}", voxels.len(), report.supersteps);
    Ok(())
}
