//! The contacts of cells while a Potts run goes on: those of an incremental session that takes the frames.
//!
//! What a frame leaves of a block as it was costs a comparison of runs; other blocks, and the seams around them, are
//! summarised anew. The session lives on a thread and a worker of its own, as the workers of the run are busy, and
//! both go on meanwhile. Memory: the runs of a frame, a few blocks on their way, and the table.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Kind, Result};
use crate::incremental::session::Session;
use crate::incremental::settings::Settings;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Summary, Want};
use crate::measure::table::{Column, Table};
use crate::pregel::runtime::Runtime;
use crate::volume::grid::Grid;
use crate::volume::region::Region;
use crate::volume::shape::Spacing;
use crate::volume::voxel::Voxels;
use crate::workers::Workers;

/// Blocks that may be on their way to the session.
const WAITING: usize = 2;

/// The spins of a block after so many sweeps.
type Given = (u64, Region, Voxels);

/// The contacts of cells after every interval, by faces between voxels.
pub(crate) struct Touching(Mutex<Keeper>);

/// Who keeps them.
enum Keeper {
    Busy(SyncSender<Given>, JoinHandle<Result<Table>>),
    /// What it told is told already.
    Gone,
}

impl Touching {
    /// Begins a session over a volume that is cut as the run is.
    ///
    /// # Errors
    /// Where its worker cannot start.
    pub(crate) fn new(grid: Grid, spacing: Spacing) -> Result<Self> {
        let runtime = Runtime::start(&Workers::threads(1))?;
        let (sender, given) = sync_channel(WAITING);
        let thread = std::thread::Builder::new().name("contacts".into());
        let thread = thread.spawn(move || follow(&runtime, grid, &spacing, &given));
        let thread = thread.map_err(|cause| Error::resource(format!("the thread of --contacts: {cause}")))?;
        Ok(Self(Mutex::new(Keeper::Busy(sender, thread))))
    }

    /// Takes the spins of a block. Those of all blocks after so many sweeps come before any of later ones.
    ///
    /// # Errors
    /// Of the session.
    pub(crate) fn put(&self, sweep: u64, region: &Region, spins: &Voxels) -> Result<()> {
        let mut keeper = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = match &*keeper {
            Keeper::Busy(sender, _) => sender.send((sweep, *region, spins.clone())).is_ok(),
            Keeper::Gone => false,
        };
        if taken { Ok(()) } else { keeper.told().map(drop) }
    }

    /// All contacts, those of each sweep after those of the one before.
    ///
    /// # Errors
    /// Of the session.
    pub(crate) fn table(&self) -> Result<Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).told()
    }
}

impl Keeper {
    /// Waits for what the session told.
    fn told(&mut self) -> Result<Table> {
        match std::mem::replace(self, Self::Gone) {
            Self::Busy(sender, thread) => {
                drop(sender);
                let fell = |_| Error::new(Kind::Program, "the session of --contacts fell over");
                thread.join().map_err(fell)?
            }
            Self::Gone => Err(Error::new(Kind::Program, "the session of --contacts has ended")),
        }
    }
}

/// Follows a run to its end.
fn follow(runtime: &Runtime, grid: Grid, spacing: &Spacing, given: &Receiver<Given>) -> Result<Table> {
    let want = Want { cells: Detail::Unlisted, contacts: Some(Stencil::N6) };
    let settings = Settings { grid, select: Select::Labels, join: None, want, kept: 0 };
    let mut session = Session::new(runtime, settings)?;
    let (mut rows, mut blocks) = (Rows::default(), 0);
    for (sweep, region, spins) in given {
        session.put("labels", &spins, region.start)?;
        blocks += 1;
        if blocks == grid.blocks() {
            blocks = 0;
            session.commit()?;
            rows.add(sweep, &session.summary()?, spacing);
        }
    }
    rows.table(spacing)
}

/// The table in its columns.
#[derive(Default)]
struct Rows {
    sweeps: Vec<u64>,
    pairs: [Vec<u64>; 2],
    faces: Vec<u64>,
    areas: Vec<f64>,
}

impl Rows {
    fn add(&mut self, sweep: u64, summary: &Summary, spacing: &Spacing) {
        for ((a, b), contact) in &summary.contacts {
            self.sweeps.push(sweep);
            self.pairs[0].push(*a);
            self.pairs[1].push(*b);
            self.faces.push(contact.n_faces());
            self.areas.push(contact.area(spacing));
        }
    }

    fn table(self, spacing: &Spacing) -> Result<Table> {
        let [first, second] = self.pairs;
        let whole = |numbers: Vec<u64>| numbers.into_iter().map(|number| number as i64).collect::<Vec<_>>();
        let columns = vec![
            Column::new("sweep", "", whole(self.sweeps)),
            Column::new("label_a", "", first),
            Column::new("label_b", "", second),
            Column::new("n_faces", "", whole(self.faces)),
            Column::new("area", format!("{}²", spacing.unit), self.areas),
        ];
        Table::new("contacts", columns)
    }
}
