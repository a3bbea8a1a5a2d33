//! Installed peers: tools of a Python environment, timed in a process of their own that holds the
//! volume, and is asked for one call at a time.
//!
//! The volume goes there as a file in a temporary folder, which is gone as soon as it is read.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;

use crate::bench::volumes::Volume;
use crate::error::{Error, Kind, Result};
use crate::volume::open::create;
use crate::volume::region::Region;
use crate::volume::sink::VolumeSink;
use crate::volume::source::VolumeSource;

/// What runs in the environment.
const SCRIPT: &str = include_str!("peers.py");

/// The edge of the part of a volume that `regionprops_table` is timed on, as the script has it.
const CROP: usize = 128;

/// A Python environment, and the tools that are installed there.
#[derive(Clone, Debug)]
pub struct Peers {
    python: PathBuf,
    tools: Vec<String>,
}

/// The peers with a volume. Dropping it ends their process.
pub struct Peer {
    process: Process,
    case: String,
    cropped: bool,
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Call {
    /// The seconds it took; of a tool that is timed on a part, for as many voxels as the whole has.
    pub seconds: f64,
    /// What it counted, where that is to be compared.
    pub count: Option<u64>,
}

/// A line from the script.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Installed { tools: Vec<String>, missing: Vec<String> },
    Called(Call),
    Failed { error: String },
}

impl Peers {
    /// The tools of the environment in the folder `venv`; those that are missing are told.
    ///
    /// # Errors
    /// Where there is no Python, or no NumPy.
    pub fn find(venv: &Path) -> Result<Self> {
        let python = venv.join("bin/python");
        if !python.is_file() {
            let what = "no Python environment: give a folder with bin/python in it, as `python3 -m venv` makes";
            return Err(Error::input(venv.display(), what));
        }
        let mut process = Process::start(&python, &[])?;
        let (tools, missing) = process.installed()?;
        if !missing.is_empty() {
            tracing::warn!("{}: not installed, left out: {}", venv.display(), missing.join(", "));
        }
        Ok(Self { python, tools })
    }

    /// Whether a tool is installed.
    pub fn has(&self, tool: &str) -> bool {
        self.tools.iter().any(|installed| installed == tool)
    }

    /// Gives the peers a volume.
    ///
    /// # Errors
    /// Where it cannot be written, or not be read there.
    pub fn load(&self, volume: &Volume) -> Result<Peer> {
        let folder = Folder::new()?;
        let path = folder.0.join("volume.npy");
        let header = volume.memory.header();
        let sink: Box<dyn VolumeSink> = create(&path, header.shape, header.dtype, &header.spacing)?;
        sink.write(&Region::whole(header.shape), volume.memory.voxels())?;
        sink.finish()?;
        let form = if volume.labels { "labels" } else { "mask" };
        let mut process = Process::start(&self.python, &[&path.to_string_lossy(), form])?;
        process.installed()?;
        let cropped = header.shape.0.iter().any(|edge| *edge > CROP);
        Ok(Peer { process, case: volume.name().into(), cropped })
    }
}

impl Peer {
    /// One call of a tool for an operation; nothing, and a warning, where it refuses.
    ///
    /// # Errors
    /// Where the process has ended.
    pub fn call(&mut self, tool: &str, op: &str) -> Result<Option<Call>> {
        self.process.ask(&format!("{tool} {op}\n"))?;
        match self.process.line()? {
            Line::Called(call) => Ok(Some(call)),
            Line::Failed { error } => {
                tracing::warn!("{tool} for {op} on {}, left out: {error}", self.case);
                Ok(None)
            }
            Line::Installed { .. } => Err(self.process.failed("answers out of turn")),
        }
    }

    /// How rows call a tool: one that is timed on a part says so.
    pub fn name(&self, tool: &str) -> String {
        match tool {
            "regionprops_table" if self.cropped => format!("{tool}({CROP})"),
            _ => tool.into(),
        }
    }
}

/// The script, running.
struct Process {
    python: PathBuf,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(python: &Path, arguments: &[&str]) -> Result<Self> {
        let cannot = |cause| Error::input(python.display(), "cannot be run").because(cause);
        // Isolated: neither this folder nor the user's own packages are the environment's.
        let command = &mut Command::new(python);
        let command = command.args(["-I", "-c", SCRIPT]).args(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|cause: std::io::Error| cannot(cause))?;
        let input = child.stdin.take().expect("it was asked to be piped");
        let output = BufReader::new(child.stdout.take().expect("it was asked to be piped"));
        Ok(Self { python: python.to_owned(), child, input, output })
    }

    fn failed(&self, what: &str) -> Error {
        Error::new(Kind::Program, format!("{}: {what}: look at what it wrote above", self.python.display()))
    }

    fn ask(&mut self, question: &str) -> Result<()> {
        let asked = self.input.write_all(question.as_bytes()).and_then(|()| self.input.flush());
        asked.map_err(|cause| self.failed("has ended").because(cause))
    }

    fn line(&mut self) -> Result<Line> {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(0) => Err(self.failed("has ended")),
            Ok(_) => serde_json::from_str(&line).map_err(|cause| self.failed("says what is no answer").because(cause)),
            Err(cause) => Err(self.failed("cannot be read").because(cause)),
        }
    }

    /// The tools that are installed, and those that are not.
    fn installed(&mut self) -> Result<(Vec<String>, Vec<String>)> {
        match self.line()? {
            Line::Installed { tools, missing } => Ok((tools, missing)),
            Line::Failed { error } => Err(Error::input(self.python.display(), error)),
            Line::Called(_) => Err(self.failed("answers out of turn")),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A temporary folder, removed with what is in it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        let path = |number: u32| std::env::temp_dir().join(format!("septa-bench-{}-{number}", std::process::id()));
        for path in (0..=u32::MAX).map(path) {
            match std::fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(Error::writing(&path, cause)),
            }
        }
        Err(Error::resource("there is no free name for a temporary folder"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a failure here: it is where such folders are cleared away.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_dropped_is_gone() {
        let (one, other) = (Folder::new().unwrap(), Folder::new().unwrap());
        std::fs::write(one.0.join("volume.npy"), "voxels").unwrap();
        let paths = [one.0.clone(), other.0.clone()];
        assert!(paths[0] != paths[1] && paths.iter().all(|path| path.is_dir()));
        drop((one, other));
        assert!(paths.iter().all(|path| !path.exists()));
    }

    #[test]
    fn where_there_is_no_python_that_is_said() {
        let error = Peers::find(Path::new("/nowhere")).unwrap_err();
        assert_eq!((error.kind(), error.message().contains("/nowhere: no Python environment")), (Kind::Input, true));
    }
}
