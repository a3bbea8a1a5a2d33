//! A live computation over arriving scans.
//!
//! ```
//! use septa::incremental::session::Session;
//! use septa::incremental::settings::Settings;
//! use septa::lattice::select::Select;
//! use septa::lattice::stencil::Stencil;
//! use septa::lattice::summary::{Detail, Want};
//! use septa::pregel::runtime::Runtime;
//! use septa::volume::grid::{BlockSize, Grid};
//! use septa::volume::shape::Shape;
//! use septa::volume::voxel::Voxels;
//! use septa::workers::Workers;
//!
//! # fn main() -> septa::error::Result<()> {
//! let runtime = Runtime::start(&Workers::threads(2))?;
//! let settings = Settings {
//!     grid: Grid::new(Shape([4, 4, 4]), BlockSize::Edge(2))?,
//!     select: Select::NonZero,
//!     join: Some(Stencil::N6),
//!     want: Want { cells: Detail::Moments, contacts: None },
//!     kept: 0,
//! };
//! let mut session = Session::new(&runtime, settings)?;
//! // A bar along x, in two scans: two components until the second closes the gap.
//! session.put("first", &Voxels::from_vec(Shape([1, 1, 4]), vec![1u8, 1, 0, 1]), [0, 0, 0])?;
//! assert_eq!(session.commit()?.cells.len(), 2);
//! session.put("second", &Voxels::from_vec(Shape([1, 1, 1]), vec![1u8]), [0, 0, 2])?;
//! session.commit()?;
//! assert_eq!(session.summary()?.cells[&1].moments.voxels, 4);
//! # Ok(())
//! # }
//! ```

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::incremental::components::Components;
use crate::incremental::held::{Blocks, Held};
use crate::incremental::laid::{Lay, Patch, Read};
use crate::incremental::owners::Owners;
use crate::incremental::pieces::Piece;
use crate::incremental::settings::Settings;
use crate::incremental::tables::Tables;
use crate::lattice::runs::Runs;
use crate::lattice::select::Select;
use crate::lattice::summary::Summary;
use crate::pregel::runtime::Runtime;
use crate::volume::region::Region;
use crate::volume::voxel::Voxels;

/// A live computation over arriving scans. Voxels that never came are not selected.
///
/// Nothing of what is put or removed is seen before the next commit. Memory: the runs of all
/// blocks, what each piece of a block says of cells and contacts, and the tables.
///
/// In a cluster each process holds the blocks that the engine would place on it, and the near faces of
/// those beside them; the tables are spread by key, and process 0 joins components. Any process may put and
/// remove anywhere, when it likes, and no other is asked; where several put the same voxels before a
/// commit, those of the later process lie on top. All other calls that ask for what there is are made by every
/// process, in the same order, and give the same to all of them.
pub struct Session<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) settings: Settings,
    /// Which of the sessions of its workers it is.
    pub(super) number: u64,
    pub(super) epoch: u64,
    /// The commit that it began with: 0, or where it was saved.
    pub(super) began: u64,
    /// The blocks of this process, and the near faces of those that its pieces reach into.
    pub(super) blocks: Arc<Blocks>,
    pub(super) owners: Owners,
    /// What was put and is not laid on its block yet, in a cluster.
    pub(super) patches: HashMap<BlockId, Vec<Patch>>,
    /// Blocks as they will be; nothing where none of their voxels will be selected.
    pub(super) coming: HashMap<BlockId, Option<Arc<Held>>>,
    pub(super) components: Components,
    /// What each piece says.
    pub(super) said: HashMap<Piece, Summary>,
}

/// Sessions that were ever begun in this process.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

impl<'a> Session<'a> {
    /// An empty session on the workers. They are free for other runs between its calls.
    ///
    /// # Errors
    /// Where cells are to be what labels say, and `select` is not labels.
    pub fn new(runtime: &'a Runtime, settings: Settings) -> Result<Self> {
        if settings.join.is_none() && settings.select != Select::Labels {
            return Err(Error::usage("cells of a mask are its components: say which voxels are neighbours"));
        }
        let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
        runtime.on_workers(move |worker, _| Tables::begin(worker, number))?;
        Ok(Self {
            runtime,
            settings,
            number,
            epoch: 0,
            began: 0,
            owners: Owners::new(settings.grid, runtime.workers()),
            patches: HashMap::new(),
            blocks: Arc::default(),
            coming: HashMap::new(),
            components: Components::default(),
            said: HashMap::new(),
        })
    }

    /// What is kept up.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many commits there were.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Puts voxels at a place of the volume, over what was there; `name` is how errors call them. How
    /// many blocks differ from what they were; in a cluster, how many may.
    ///
    /// # Errors
    /// Where they leave the volume, or hold what [`Select`] cannot take; then nothing of them was
    /// put.
    pub fn put(&mut self, name: &str, voxels: &Voxels, at: [usize; 3]) -> Result<u64> {
        self.put_parts(name, &[(voxels.clone(), at)])
    }

    /// Puts voxels at several places, one after the other, as [`Session::put`] would: the workers share
    /// the blocks of all of them.
    ///
    /// # Errors
    /// As [`Session::put`]; then nothing of any of them was put.
    pub fn put_parts(&mut self, name: &str, parts: &[(Voxels, [usize; 3])]) -> Result<u64> {
        let lay = |(voxels, at): &(Voxels, [usize; 3])| {
            let (voxels, at) = (voxels.clone(), *at);
            let region = Region::whole(voxels.shape()).offset_by(at);
            let read: Read = Arc::new(move |part| Ok(voxels.part(&part.relative_to(at))));
            (region, Lay::Read(read))
        };
        self.lay_all(name, parts.iter().map(lay).collect())
    }

    /// Puts a block that a program holds as runs, such as those of the cells of a simulation: no voxel is
    /// read. Whether it differs from what was there.
    ///
    /// # Errors
    /// Where the runs are not those of a block of the grid, or have labels where the session asks for
    /// none, or none where it does.
    pub fn put_runs(&mut self, runs: Runs) -> Result<bool> {
        let Settings { grid, select, join, .. } = self.settings;
        let region = runs.region();
        let inside = !region.is_empty() && Region::whole(grid.shape()).covers(&region);
        let block = inside.then(|| grid.block_of(region.start)).filter(|block| grid.region(*block) == region);
        let block = block.ok_or_else(|| Error::usage(format!("runs of {region}, which is not a block of the grid")))?;
        if runs.is_labelled() != (select == Select::Labels) {
            return Err(Error::usage(format!(
                "runs of {region}: labels are for a session of labels, and for no other"
            )));
        }
        let held = (!runs.is_empty()).then(|| Arc::new(Held::of_runs(grid.shape(), runs, join)));
        if self.owners.is_alone() {
            return Ok(self.take(block, held));
        }
        self.keep(Patch::whole(block, region, held));
        Ok(true)
    }

    /// Takes the voxels of a region out: they are not selected any more. How many blocks differ.
    ///
    /// # Errors
    /// Where the region leaves the volume.
    pub fn remove(&mut self, region: Region) -> Result<u64> {
        self.lay("remove", region, Lay::Nothing)
    }

    /// Forgets what was put and removed since the last commit.
    pub fn discard(&mut self) {
        self.coming.clear();
        self.patches.clear();
    }

    /// What the blocks that hold a part of a region will be after the next commit.
    pub(crate) fn coming(&self, region: &Region) -> Vec<(BlockId, Option<Arc<Held>>)> {
        self.settings.grid.holding(region).map(|block| (block, self.seen(block).cloned())).collect()
    }

    /// Puts what other blocks hold of a region over what is there. How many blocks differ.
    ///
    /// # Errors
    /// As [`Session::put`].
    pub(crate) fn put_held(&mut self, name: &str, blocks: Blocks, region: Region) -> Result<u64> {
        self.lay(name, region, Lay::Held(Arc::new(blocks)))
    }

    /// Lays voxels over a region, or nothing.
    fn lay(&mut self, name: &str, region: Region, lay: Lay) -> Result<u64> {
        self.lay_all(name, vec![(region, lay)])
    }

    /// Whether there is something of a region, and all of it in the volume.
    pub(super) fn fits(&self, name: &str, region: &Region) -> Result<()> {
        let shape = self.settings.grid.shape();
        match !region.is_empty() && Region::whole(shape).covers(region) {
            true => Ok(()),
            false => Err(Error::usage(format!("{name}: the region {region} is empty or leaves the volume of {shape}"))),
        }
    }

    /// Lays voxels over regions, or nothing, one after the other.
    fn lay_all(&mut self, name: &str, parts: Vec<(Region, Lay)>) -> Result<u64> {
        let settings = self.settings;
        let grid = settings.grid;
        let mut of_blocks: BTreeMap<BlockId, Vec<usize>> = BTreeMap::new();
        for (part, (region, _)) in parts.iter().enumerate() {
            self.fits(name, region)?;
            grid.holding(region).for_each(|block| of_blocks.entry(block).or_default().push(part));
        }
        let jobs: Vec<_> = of_blocks.into_iter().map(|(block, of)| (block, of, self.seen(block).cloned())).collect();
        let (name, alone) = (name.to_owned(), self.owners.is_alone());
        let laid = self.runtime.spread(jobs, move |(block, of, seen)| {
            let (mut held, mut patches) = (seen.clone(), Vec::new());
            for (region, lay) in of.iter().map(|part| &parts[*part]) {
                let patch = Patch::of(&settings, *block, held.as_ref(), (region, lay), &name)?;
                match alone {
                    true => held = patch.over(&settings, held.as_ref(), &name)?,
                    false => patches.push(patch),
                }
            }
            Ok((*block, held, patches))
        })?;
        let mut differ = 0;
        for (block, held, patches) in laid {
            let known = held.as_ref();
            let differs = match alone {
                true => self.take(block, held),
                false => !patches.iter().all(|patch| patch.is(known)),
            };
            differ += u64::from(differs);
            patches.into_iter().for_each(|patch| self.keep(patch));
        }
        Ok(differ)
    }

    /// Keeps what is to be laid on a block with the next commit, and lets go of what it covers.
    fn keep(&mut self, patch: Patch) {
        let patches = self.patches.entry(patch.block).or_default();
        if patch.covers(&self.settings.grid.region(patch.block)) {
            patches.clear();
        }
        patches.push(patch);
    }

    /// A block of this process as it will be after the next commit.
    pub(super) fn seen(&self, block: BlockId) -> Option<&Arc<Held>> {
        match self.coming.get(&block) {
            Some(coming) => coming.as_ref(),
            None => self.ours(block),
        }
    }

    /// A block of this process after the last commit.
    pub(super) fn ours(&self, block: BlockId) -> Option<&Arc<Held>> {
        self.blocks.get(&block).filter(|_| self.owners.is_ours(block))
    }

    /// The blocks of this process after the last commit.
    pub(super) fn all_ours(&self) -> impl Iterator<Item = (BlockId, &Arc<Held>)> {
        self.blocks.iter().filter(|(block, _)| self.owners.is_ours(**block)).map(|(block, held)| (*block, held))
    }

    /// Takes a block as it will be, if it is not so already.
    pub(super) fn take(&mut self, block: BlockId, held: Option<Arc<Held>>) -> bool {
        let same = |a: Option<&Arc<Held>>, b: Option<&Arc<Held>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.runs == b.runs,
            (a, b) => a.is_none() && b.is_none(),
        };
        if same(self.seen(block), held.as_ref()) {
            return false;
        }
        // What is put back as it was needs nothing done.
        if same(self.blocks.get(&block), held.as_ref()) {
            self.coming.remove(&block);
        } else {
            self.coming.insert(block, held);
        }
        true
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let number = self.number;
        // Workers that have ended have no tables.
        let _ = self.runtime.on_workers(move |worker, _| Tables::end(worker, number));
    }
}
