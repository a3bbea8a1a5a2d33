//! The one error type: what went wrong, where, and which exit code says so.
//!
//! An error is one line that names the file, block or vertex, says what is wrong, and lets the
//! remedy be seen. The causes below it are kept for `-v`.

use std::error::Error as StdError;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A result of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it was; each has an exit code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Kind {
    /// The caller asked for something that makes no sense.
    Usage,
    /// A file, volume, table or graph is not what it should be.
    Input,
    /// Memory, disk, or an output that cannot be written.
    Resource,
    /// A peer process or the network between them.
    Cluster,
    /// A checkpoint that is damaged or belongs to something else.
    Checkpoint,
    /// A program given by the user failed or panicked.
    Program,
    /// Stopped by a signal.
    Interrupted,
}

impl Kind {
    /// The exit code of a process that ends with this error.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::Input | Kind::Program => 3,
            Kind::Resource => 4,
            Kind::Cluster => 5,
            Kind::Checkpoint => 6,
            Kind::Interrupted => 130,
        }
    }
}

/// A failure, in one line.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with its one line.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The caller asked for something that makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// `at` (a file, a volume) is not what it should be.
    pub fn input(at: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(Kind::Input, format!("{at}: {what}"))
    }

    /// Memory or disk is lacking.
    pub fn resource(message: impl Into<String>) -> Self {
        Self::new(Kind::Resource, message)
    }

    /// A file that was to be read could not be.
    pub fn reading(path: &Path, cause: std::io::Error) -> Self {
        let what = match cause.kind() {
            std::io::ErrorKind::NotFound => "no such file or folder".to_string(),
            std::io::ErrorKind::PermissionDenied => "not readable: permission denied".to_string(),
            std::io::ErrorKind::UnexpectedEof => "ends too early: the file is cut short".to_string(),
            _ => format!("cannot be read: {cause}"),
        };
        Self::input(path.display(), what).because(cause)
    }

    /// A file that was to be written could not be.
    pub fn writing(path: &Path, cause: std::io::Error) -> Self {
        let what = match cause.kind() {
            std::io::ErrorKind::NotFound => "cannot be written: its folder does not exist".to_string(),
            std::io::ErrorKind::PermissionDenied => "cannot be written: permission denied".to_string(),
            std::io::ErrorKind::StorageFull => "cannot be written: the disk is full".to_string(),
            std::io::ErrorKind::FileTooLarge => "cannot be written: larger than files may be here".to_string(),
            std::io::ErrorKind::NotADirectory => "cannot be written: its folder is a file".to_string(),
            std::io::ErrorKind::IsADirectory => "cannot be written: it is a folder".to_string(),
            _ => format!("cannot be written: {cause}"),
        };
        Self::resource(format!("{}: {what}", path.display())).because(cause)
    }

    /// The same error, with what caused it beneath.
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(cause.into());
        self
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The line, without its causes.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
