//! A series of scans: a session over them in order of their times, whatever the order in which they
//! come, that goes on after any end of the process.
//!
//! The law: what is told after some scans were taken depends on which they are, and not on the order
//! in which they came, how often, or where the process ended meanwhile. A scan is in the journal
//! before it counts: the runs of those of its blocks that are not there already. One that comes after
//! its successors takes the series back to where the journal begins, and lays all on it anew in
//! order; so does one that comes again and is another. Where the journal has become too long it is
//! begun anew with what is held then; scans from before that are refused from there on.
//!
//! Cost: that of [`Session`] for what a scan changed, the tables of its time, and one wait for the
//! disk. A late scan costs as much as all since the journal began. Memory: the session, some bytes
//! for each block of each scan in the journal, and a slab of blocks of a scan that is read.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Kind, Result};
use crate::id::BlockId;
use crate::incremental::change::Change;
use crate::incremental::claim::{Claim, JOURNAL};
use crate::incremental::held::Blocks;
use crate::incremental::record::{Base, Images, Known, Record, Step, apart, begun, length, packed, unpacked};
use crate::incremental::saved::{Image, Saved};
use crate::incremental::session::Session;
use crate::incremental::settings::{Rules, Settings};
use crate::incremental::told::{FILES, Mark, Told};
use crate::pregel::runtime::Runtime;
use crate::store::journal::{Journal, Place};
use crate::stream::scan::{Key, Scan, Stamp};
use crate::volume::region::Region;
use crate::volume::shape::Spacing;

/// Blocks of a volume at most: each has its place in the record of a scan of all of it.
const MOST_BLOCKS: u32 = 1 << 22;

/// How a series keeps its journal.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    /// Bytes that it may grow by before it is begun anew.
    pub history: u64,
    /// Asked between scans that are laid on anew; its error ends that, and the series.
    pub heed: fn() -> Result<()>,
}

/// A series of scans, and its files in a folder.
pub struct Series<'a> {
    runtime: &'a Runtime,
    session: Session<'a>,
    claim: Claim,
    journal: Journal,
    /// What the journal begins with, where in it the session is, and how long that is.
    base: Base,
    saved: Place,
    base_bytes: u64,
    /// The scans in the journal.
    steps: BTreeMap<Key, Step>,
    /// Every scan that was ever taken.
    known: HashMap<String, Known>,
    /// Where the journal has blocks.
    images: Images,
    told: Told,
    keeping: Keeping,
}

/// What came of a scan.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What it changed from the scan before it.
    pub change: Change,
    /// Cells at its time, when it was laid on.
    pub cells: u64,
    /// Contacts likewise.
    pub contacts: u64,
    /// Whether scans of later times had to be laid on again.
    pub late: bool,
}

impl<'a> Series<'a> {
    /// Begins a series in a folder.
    ///
    /// # Errors
    /// Where the folder holds a series, or cannot be written; a volume of more than four million blocks; on
    /// workers of several processes.
    pub fn begin(
        runtime: &'a Runtime,
        claim: &Claim,
        settings: Settings,
        spacing: Spacing,
        keeping: Keeping,
    ) -> Result<Self> {
        one_process(runtime)?;
        let folder = &claim.folder;
        if let Some(file) = FILES.iter().chain([&JOURNAL]).map(|name| folder.join(name)).find(|path| path.exists()) {
            return Err(Error::usage(format!("{}: exists already: --force begins anew", file.display())));
        }
        let grid = settings.grid;
        if grid.blocks() > MOST_BLOCKS {
            let what =
                format!("a volume of {} is {} blocks: make them larger with --block", grid.shape(), grid.blocks());
            return Err(Error::usage(what));
        }
        let session = Session::new(runtime, settings)?;
        let rules = Rules::of(&settings).to_string();
        let base = Base { grid, rules, spacing, newest: None, told: Mark::default() };
        // The journal is first: what ends from here on can be gone on with.
        let (journal, saved) = begun(&claim.journal(), &base, &HashMap::new(), &session.save())?;
        Ok(Self {
            runtime,
            session,
            told: Told::open(folder, &Mark::default())?,
            claim: claim.clone(),
            base_bytes: journal.bytes(),
            journal,
            saved,
            base,
            steps: BTreeMap::new(),
            known: HashMap::new(),
            images: Images::new(),
            keeping,
        })
    }

    /// Goes on with the series in a folder; nothing where there is none.
    ///
    /// # Errors
    /// Where the series was begun by other rules, or its files are damaged; what `keeping` is asked
    /// for; on workers of several processes.
    pub fn resume(runtime: &'a Runtime, claim: &Claim, rules: &Rules, keeping: Keeping) -> Result<Option<Self>> {
        one_process(runtime)?;
        let (folder, path) = (&claim.folder, claim.journal());
        if !path.exists() {
            return Ok(None);
        }
        let mut first = None;
        let (mut steps, mut known, mut images) = (BTreeMap::new(), HashMap::new(), Images::new());
        let strange = || strange(&path);
        let journal = Journal::open(&path, |offset, record| {
            if first.is_none() {
                let [base, taken, saved] = apart(&record).ok_or_else(strange)?;
                known = unpacked(taken).ok_or_else(strange)?;
                let base: Base = unpacked(base).ok_or_else(strange)?;
                let end = offset + record.len() as u64;
                let place = Place::of(end - saved.len() as u64, saved);
                first = Some((base, unpacked::<Saved>(saved).ok_or_else(strange)?, place, end));
                return Ok(());
            }
            let (record, places) = Record::read(&record, offset).ok_or_else(strange)?;
            images.extend(places);
            forget(&mut steps, &known, &record.name);
            steps.insert(Key { time: record.known.time, name: record.name.clone() }, record.step);
            known.insert(record.name, record.known);
            Ok(())
        })?;
        let (base, session, saved, base_bytes) = first.ok_or_else(strange)?;
        if base.rules != rules.to_string() {
            let what =
                format!("was begun with {}, not {rules}: use another folder, or --force to begin anew", base.rules);
            return Err(Error::new(Kind::Checkpoint, format!("{}: {what}", folder.display())));
        }
        let settings = rules.settings(base.grid);
        let mut series = Self {
            runtime,
            session: Session::restore(runtime, settings, &session)?,
            claim: claim.clone(),
            journal,
            saved,
            base_bytes,
            told: Told::open(folder, &base.told)?,
            base,
            steps,
            known,
            images,
            keeping,
        };
        series.tell_base()?;
        series.lay_steps(None)?;
        Ok(Some(series))
    }

    /// The session, as it is after the newest scan.
    pub fn session(&self) -> &Session<'a> {
        &self.session
    }

    /// The size of a voxel of all its scans.
    pub fn spacing(&self) -> &Spacing {
        &self.base.spacing
    }

    /// How many scans were taken.
    pub fn scans(&self) -> usize {
        self.known.len()
    }

    /// Whether a scan of this name was taken.
    pub fn has(&self, name: &str) -> bool {
        self.known.contains_key(name)
    }

    /// Whether a scan of this name that looked so was taken.
    pub fn knows(&self, name: &str, stamp: Stamp) -> bool {
        self.known.get(name).is_some_and(|known| known.stamp == stamp)
    }

    /// Takes a scan: nothing where it is what came under its name before. When it returns the scan
    /// is on the disk.
    ///
    /// # Errors
    /// Of [`Kind::Input`] and [`Kind::Usage`] where the scan cannot be read, does not fit, or is from
    /// before the journal begins; then all is as it was. Others are the end of the series.
    pub fn take(&mut self, scan: &Scan) -> Result<Option<Taken>> {
        let key = &scan.key;
        let put = self.session.put_scan(scan, &self.base.spacing);
        match put.and_then(|(region, digest)| self.admitted(scan, region, digest)) {
            Ok(Some(known)) => self.entered(key, known).map(Some).map_err(ended),
            Ok(None) => {
                self.session.discard();
                // As it looks now it need not be looked at again.
                self.known.get_mut(&key.name).expect("it came before").stamp = scan.stamp;
                Ok(None)
            }
            Err(error) => {
                self.session.discard();
                Err(error)
            }
        }
    }

    /// What is to be known of a scan that was put; nothing where it is what came before.
    fn admitted(&self, scan: &Scan, region: Region, digest: u64) -> Result<Option<Known>> {
        let (name, key) = (&scan.source.header().name, &scan.key);
        let known = Known { time: key.time, region, stamp: scan.stamp, digest };
        let before = self.known.get(&key.name);
        if before.is_some_and(|before| (before.time, before.region, before.digest) == (key.time, region, digest)) {
            return Ok(None);
        }
        let volume = Region::whole(self.session.settings().grid.shape());
        let both = |known: &Known| known.time == key.time && known.region == volume && region == volume;
        if let Some((other, _)) = self.known.iter().find(|(name, known)| **name != key.name && both(known)) {
            let what = format!("is of time {}, and so is {other}: let their names tell different times", key.time);
            return Err(Error::usage(format!("{name}: {what}")));
        }
        let gone = |time: f64| self.base.newest.as_ref().is_some_and(|newest| Key { time, ..key.clone() } <= *newest);
        if gone(key.time) || before.is_some_and(|before| gone(before.time)) {
            let what = "comes after scans that are one with it in the journal: keep more of them with --history";
            return Err(Error::usage(format!("{name}: {what}")));
        }
        Ok(Some(known))
    }

    /// Takes what was put for a scan into the journal, and lays it on. What fails here is the end of the
    /// series in this process.
    fn entered(&mut self, key: &Key, known: Known) -> Result<Taken> {
        let newest = self.steps.last_key_value().is_none_or(|(newest, _)| newest < key);
        let late = !newest || self.known.contains_key(&key.name);
        let step = self.write(key, known.clone())?;
        forget(&mut self.steps, &self.known, &key.name);
        self.known.insert(key.name.clone(), known);
        self.steps.insert(key.clone(), step);
        let taken = match late {
            false => self.commit(key)?,
            true => {
                self.back_to_base()?;
                self.lay_steps(Some(key))?.expect("the scan is among the steps")
            }
        };
        if self.journal.bytes() - self.base_bytes > self.keeping.history.max(self.base_bytes) {
            self.begin_anew()?;
        }
        Ok(Taken { late, ..taken })
    }

    /// Waits until the tables are on the disk; they are whole without it after an end of the process.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn sync(&self) -> Result<()> {
        self.told.sync()
    }

    /// Writes what was put into the journal.
    fn write(&mut self, key: &Key, known: Known) -> Result<Step> {
        let region = known.region;
        let (mut blocks, mut fresh) = (Vec::new(), Vec::new());
        for (block, held) in self.session.coming(&region) {
            blocks.push((block, held.as_ref().map(|held| held.digest)));
            fresh
                .extend(held.filter(|held| !self.images.contains_key(&(block, held.digest))).map(|held| (block, held)));
        }
        let digests: Vec<(BlockId, u64)> = fresh.iter().map(|(block, held)| (*block, held.digest)).collect();
        let images = self.runtime.spread(fresh, |(_, held)| packed(&Image::of(held)))?;
        let listed = digests.iter().zip(&images).map(|((block, digest), image)| (*block, *digest, image.len() as u64));
        let step = Step { region, blocks };
        let record = Record { name: key.name.clone(), known, step, images: listed.collect() };
        let head = packed(&record)?;
        let before = length(&head);
        let parts: Vec<&[u8]> = [&before[..], &head].into_iter().chain(images.iter().map(Vec::as_slice)).collect();
        let mut offset = self.journal.append(&parts)? + (before.len() + head.len()) as u64;
        for (which, image) in digests.into_iter().zip(&images) {
            self.images.insert(which, Place::of(offset, image));
            offset += image.len() as u64;
        }
        Ok(record.step)
    }

    /// Makes what was put count, and tells of it.
    fn commit(&mut self, key: &Key) -> Result<Taken> {
        let change = self.session.commit()?;
        let now = self.session.summary()?;
        self.told.rows(key.time, &now, (self.session.settings(), &self.base.spacing))?;
        self.told.events(key, &change, &now, &self.base.spacing)?;
        Ok(Taken { change, cells: now.cells.len() as u64, contacts: now.contacts.len() as u64, late: false })
    }

    /// Goes back to what the journal begins with.
    fn back_to_base(&mut self) -> Result<()> {
        let settings = *self.session.settings();
        // What is held now makes room first.
        self.session = Session::new(self.runtime, settings)?;
        let saved = unpacked::<Saved>(&self.journal.read(self.saved)?);
        let saved = saved.ok_or_else(|| strange(&self.claim.journal()))?;
        self.session = Session::restore(self.runtime, settings, &saved)?;
        self.told.back_to(&self.base.told)?;
        self.tell_base()
    }

    /// Tells the rows of the time that the journal begins with.
    fn tell_base(&mut self) -> Result<()> {
        let Some(newest) = &self.base.newest else { return Ok(()) };
        self.told.rows(newest.time, &self.session.summary()?, (self.session.settings(), &self.base.spacing))
    }

    /// Lays the scans of the journal on what it begins with, in order; what came of the one that is
    /// asked for.
    fn lay_steps(&mut self, asked: Option<&Key>) -> Result<Option<Taken>> {
        let mut wanted = None;
        // An error on the way is the end of the series.
        let steps = std::mem::take(&mut self.steps);
        for (key, step) in &steps {
            (self.keeping.heed)()?;
            let blocks = self.blocks(step)?;
            self.session.put_held(&key.name, blocks, step.region)?;
            let taken = self.commit(key)?;
            if asked == Some(key) {
                wanted = Some(taken);
            }
        }
        self.steps = steps;
        Ok(wanted)
    }

    /// The blocks of a scan, from the journal.
    fn blocks(&self, step: &Step) -> Result<Blocks> {
        let path = self.claim.journal();
        let settings = *self.session.settings();
        let mut packed = Vec::new();
        for (block, digest) in &step.blocks {
            let Some(digest) = digest else { continue };
            let place = self.images.get(&(*block, *digest)).ok_or_else(|| strange(&path))?;
            packed.push((*block, self.journal.read(*place)?));
        }
        let held = self.runtime.spread(packed, move |(block, bytes)| {
            let held = unpacked::<Image>(bytes).and_then(|image| image.held(&settings, *block));
            Ok((*block, Arc::new(held.ok_or_else(|| strange(&path))?)))
        })?;
        Ok(held.into_iter().collect())
    }

    /// Begins the journal anew with what is held now.
    fn begin_anew(&mut self) -> Result<()> {
        // What the tables hold so far is not written again.
        self.told.sync()?;
        self.base.told = self.told.mark();
        if let Some((newest, _)) = self.steps.last_key_value() {
            self.base.newest = Some(newest.clone());
        }
        (self.journal, self.saved) = begun(&self.claim.journal(), &self.base, &self.known, &self.session.save())?;
        self.base_bytes = self.journal.bytes();
        self.steps.clear();
        self.images.clear();
        Ok(())
    }
}

/// Takes the step of a scan that comes again out.
fn forget(steps: &mut BTreeMap<Key, Step>, known: &HashMap<String, Known>, name: &str) {
    if let Some(known) = known.get(name) {
        steps.remove(&Key { time: known.time, name: name.to_owned() });
    }
}

/// An error after which the series in memory is not that of the journal any more: it is not one of the
/// scan.
fn ended(error: Error) -> Error {
    match error.kind() {
        Kind::Input | Kind::Usage => Error::resource(error.message().to_owned()).because(error),
        _ => error,
    }
}

fn strange(path: &Path) -> Error {
    let what = "holds what no series does: begin anew with --force, or restore the file";
    Error::new(Kind::Checkpoint, format!("{}: {what}", path.display()))
}

/// A journal is written by one process, of all blocks.
fn one_process(runtime: &Runtime) -> Result<()> {
    match runtime.workers().processes() {
        1 => Ok(()),
        _ => Err(Error::usage("a series is kept by one process: give it workers with -w")),
    }
}
