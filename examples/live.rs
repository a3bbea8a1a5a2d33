//! A live session: components of scans that follow each other, and what became of them.
//!
//! `cargo run --release --example live`, or with scans of one shape, in the order of their times:
//! `cargo run --release --example live -- 100 first.tif second.tif` (voxels above 100)

use std::path::{Path, PathBuf};
use std::time::Instant;

use septa::incremental::session::Session;
use septa::incremental::settings::Settings;
use septa::lattice::summary::{Detail, Want};
use septa::prelude::*;
use septa::volume::grid::Grid;
use septa::volume::region::Region;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let threshold = arguments.next().map_or(Some(100.0), |number| number.parse().ok());
    let threshold = threshold.ok_or_else(|| septa::error::Error::usage("live: the first argument is a threshold"))?;
    let paths: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let scan = |path: &Path| open(path, &OpenOptions::default());
    let foam = Path::new("data/foam.tif");
    let first = scan(paths.first().map_or(foam, |path| path))?;
    let shape = first.header().shape;

    let runtime = Runtime::start(&Workers::threads(2))?;
    let settings = Settings {
        grid: Grid::new(shape, BlockSize::Edge(32))?,
        select: Select::Above(threshold),
        join: Some(Stencil::N26),
        want: Want { cells: Detail::Moments, contacts: None },
        kept: 1,
    };
    let mut session = Session::new(&runtime, settings)?;
    let commit = |session: &mut Session<'_>, what: &str| -> Result<()> {
        let start = Instant::now();
        let change = session.commit()?;
        let seconds = start.elapsed().as_secs_f64();
        let (rows, blocks) = (change.cells.len(), change.blocks);
        println!("{what}: {blocks} blocks changed, {rows} rows, {} events, {seconds:.4} s", change.events.len());
        change.events.iter().take(3).for_each(|event| println!("  {event:?}"));
        Ok(())
    };
    session.put_source(&first, [0; 3])?;
    commit(&mut session, "the first scan")?;
    for path in paths.iter().skip(1) {
        session.put_source(&scan(path)?, [0; 3])?;
        commit(&mut session, &path.display().to_string())?;
    }
    // A slice that is lost, and comes again.
    let middle = shape.0[0] / 2;
    let slice = Region { start: [middle, 0, 0], end: [middle + 1, shape.0[1], shape.0[2]] };
    session.remove(slice)?;
    commit(&mut session, "without a slice")?;
    let last = scan(paths.last().map_or(foam, |path| path))?;
    session.put_source(&last, [0; 3])?;
    commit(&mut session, "with it again")?;
    println!(
        "{} components, {} a commit ago",
        session.summary()?.cells.len(),
        session.summary_at(session.epoch() - 1)?.cells.len()
    );
    Ok(())
}
