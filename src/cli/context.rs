//! What every verb needs: the workers, the memory, the outputs, the record of the run.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use crate::cli::arguments;
use crate::cli::common::Common;
use crate::cli::figures::Figures;
use crate::cli::progress::{self, Attended, bar};
use crate::cli::record;
use crate::error::{Error, Result};
use crate::lattice::tiling::Tiling;
use crate::pregel::runtime::Runtime;
use crate::volume::grid::BlockSize;
use crate::volume::memory::Memory;
use crate::volume::sink::TempFile;
use crate::volume::source::VolumeSource;
use crate::workers::Workers;

pub(crate) struct Context {
    pub(crate) common: Common,
    pub(crate) workers: Workers,
    runtime: OnceCell<Runtime>,
    started: Instant,
}

impl Context {
    pub(crate) fn new(common: Common) -> Result<Self> {
        let workers = common.workers()?.with_plan(arguments::plan());
        let context = Self { common, workers, runtime: OnceCell::new(), started: Instant::now() };
        if context.workers.processes() > 1 {
            // Peers are met before anything is made, so that waiting for them can be given up.
            progress::waiting(true);
            context.runtime()?;
            progress::waiting(false);
        }
        Ok(context)
    }

    /// The workers, started when they are first needed.
    pub(crate) fn runtime(&self) -> Result<&Runtime> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime);
        }
        let runtime = Runtime::start(&self.workers)?;
        Ok(self.runtime.get_or_init(|| runtime))
    }

    /// Lets go of the other processes, which may know nothing of the error that this one ends with.
    pub(crate) fn fail(&self) {
        if let Some(runtime) = self.runtime.get() {
            runtime.fail();
        }
    }

    /// Whether this process prints and writes.
    pub(crate) fn is_first(&self) -> bool {
        self.workers.is_first()
    }

    /// Worker threads of this process.
    pub(crate) fn threads(&self) -> usize {
        self.workers.per_process()
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// The bytes that may be used.
    pub(crate) fn memory(&self) -> u64 {
        self.common.max_memory.map_or_else(|| free_memory() / 2, |bytes| bytes.0)
    }

    /// Refuses what needs more than `--max-memory`, or than is free.
    pub(crate) fn afford(&self, bytes: u64, what: &str) -> Result<()> {
        let allowed = self.common.max_memory.map_or_else(free_memory, |bytes| bytes.0);
        if bytes <= allowed {
            return Ok(());
        }
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let both = format!("needs {} MiB of memory, and {} MiB are allowed", mib(bytes), mib(allowed));
        Err(Error::resource(format!("{what} {both}: crop it with --roi, or allow more with --max-memory")))
    }

    /// The volume in memory where it fits there beside the work on it, else as it was: for
    /// volumes that are read more than once, or in small blocks.
    pub(crate) fn resident(&self, source: Arc<dyn VolumeSource>, stage: &str) -> Result<Arc<dyn VolumeSource>> {
        let header = source.header();
        let voxels = header.shape.voxels().unwrap_or(u64::MAX);
        let bytes = voxels.saturating_mul(header.dtype.bytes() as u64);
        if source.is_resident() || bytes > self.memory() / 3 {
            return Ok(source);
        }
        let attended = Attended::new(Arc::clone(&source), bar(stage, voxels, self.common.quiet));
        Ok(Arc::new(Memory::load(&attended, self.threads())?))
    }

    /// The volume in memory only where the blocks would have it read piecemeal.
    pub(crate) fn readable(&self, source: Arc<dyn VolumeSource>) -> Result<Arc<dyn VolumeSource>> {
        match self.common.block {
            BlockSize::Edge(_) => self.resident(source, "read"),
            BlockSize::Whole | BlockSize::Auto => Ok(source),
        }
    }

    /// The volume cut into blocks, reads of which move a bar.
    pub(crate) fn tiling(&self, source: &Arc<dyn VolumeSource>, stage: &str) -> Result<Tiling> {
        Tiling::new(self.attended(source, stage), self.common.block)
    }

    /// The volume, reads of which move a bar.
    pub(crate) fn attended(&self, source: &Arc<dyn VolumeSource>, stage: &str) -> Arc<dyn VolumeSource> {
        let voxels = source.header().shape.voxels().unwrap_or(0);
        Arc::new(Attended::new(Arc::clone(source), bar(stage, voxels, self.common.quiet)))
    }

    /// Refuses an output that exists, unless it is to be overwritten.
    pub(crate) fn refuse_existing(&self, path: &Path) -> Result<()> {
        if self.is_first() && path.is_file() && !self.common.force {
            return Err(Error::usage(format!("{}: exists already: --force overwrites it", path.display())));
        }
        Ok(())
    }

    /// Refuses a volume that cannot be written, before any work is done for it.
    pub(crate) fn check_volume(&self, path: &Path, input: Option<&Path>) -> Result<()> {
        self.check_output(path, input)?;
        crate::volume::open::check_ending(path)
    }

    /// Refuses a table that cannot be written, before any work is done for it.
    pub(crate) fn check_table(&self, path: &Path, input: Option<&Path>) -> Result<()> {
        self.check_output(path, input)?;
        crate::measure::write::check_ending(path)
    }

    /// Refuses an output that exists, is the input, or cannot be written.
    pub(crate) fn check_output(&self, path: &Path, input: Option<&Path>) -> Result<()> {
        self.refuse_existing(path)?;
        let place = |path: &Path| path.canonicalize().ok();
        if input.is_some_and(|input| place(path).is_some_and(|output| place(input) == Some(output))) {
            return Err(Error::usage(format!("{}: is the input: give the output another name", path.display())));
        }
        // The temporary file is removed as it is dropped.
        if self.is_first() { TempFile::create(path).map(drop) } else { Ok(()) }
    }

    /// Refuses a picture that is not of the only kind there is (`what` names it), and what no output may be.
    pub(crate) fn check_drawing(&self, path: &Path, ending: &str, what: &str, input: Option<&Path>) -> Result<()> {
        match path.extension().is_some_and(|found| found == ending) {
            true => self.check_output(path, input),
            false => Err(Error::usage(format!("{}: {what}", path.display()))),
        }
    }

    /// Refuses a chart that cannot be written.
    pub(crate) fn check_chart(&self, path: &Path, input: Option<&Path>) -> Result<()> {
        self.check_drawing(path, "svg", "the picture is an SVG: let its name end in .svg", input)
    }

    /// Refuses outputs that are one file, or the record of another.
    pub(crate) fn check_distinct(&self, outputs: &[&Path]) -> Result<()> {
        let place = |path: &Path| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            (folder.canonicalize().ok(), path.file_name().map(ToOwned::to_owned))
        };
        let mut taken = Vec::new();
        for output in outputs {
            for path in [output.to_path_buf(), record_of(output)] {
                let place = place(&path);
                if taken.contains(&place) {
                    return Err(Error::usage(format!("{}: two outputs name the same file", path.display())));
                }
                taken.push(place);
            }
        }
        Ok(())
    }

    /// Refuses an output whose record cannot be written beside it.
    pub(crate) fn check_record(&self, output: &Path) -> Result<()> {
        self.check_output(&record_of(output), None)
    }

    /// Writes `run.json` of a run whose output is the folder or file `output`.
    pub(crate) fn record(&self, output: &Path, inputs: &[&Path], figures: &Figures) -> Result<()> {
        if !self.is_first() {
            return Ok(());
        }
        record::write(&record_of(output), self, inputs, figures)
    }
}

/// Where the record of a run goes whose output is the folder or file `output`.
fn record_of(output: &Path) -> PathBuf {
    if output.is_dir() {
        return output.join("run.json");
    }
    let mut name = output.as_os_str().to_owned();
    name.push(".run.json");
    PathBuf::from(name)
}

/// The memory that is free on this machine, as far as it tells.
fn free_memory() -> u64 {
    let kib = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    kib.map_or(4 << 30, |kib| kib << 10)
}
