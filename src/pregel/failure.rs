//! Failures that cross to other workers, and panics that become errors.

use std::panic::AssertUnwindSafe;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::id::BlockId;

/// An error in words, for other workers; of several the first by block is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Failure {
    block: BlockId,
    kind: Kind,
    message: String,
    causes: Vec<String>,
}

impl Failure {
    /// The block that failed.
    pub(crate) fn block(&self) -> BlockId {
        self.block
    }

    fn of(block: BlockId, error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(error);
        while let Some(next) = cause {
            causes.push(next.to_string());
            cause = next.source();
        }
        Self { block, kind: error.kind(), message: error.message().to_string(), causes }
    }

    /// The error again. Errors of the world name their file; those of a program are told where.
    pub(crate) fn into_error(self, superstep: u64) -> Error {
        let message = match self.kind {
            Kind::Program => format!("block {}, superstep {superstep}: {}", self.block, self.message),
            _ => self.message,
        };
        let error = Error::new(self.kind, message);
        if self.causes.is_empty() { error } else { error.because(self.causes.join(": ")) }
    }
}

/// Calls a user's code for a block; a panic in it is an error like another.
pub(crate) fn guarded<T>(block: BlockId, call: impl FnOnce() -> Result<T>) -> Result<T, Failure> {
    contained(call).and_then(|result| result).map_err(|error| Failure::of(block, &error))
}

/// Makes an error of a panic.
pub(crate) fn contained<T>(call: impl FnOnce() -> T) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(call)).map_err(|panic| {
        let words = panic.downcast_ref::<&str>().map(|text| text.to_string());
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
        let words = words.unwrap_or_else(|| "no reason given".into());
        Error::new(Kind::Program, format!("the program panicked: {words}"))
    })
}
