//! Scans that arrive: what a scan is, how its file is named, a folder that scans come into.

pub mod folder;
#[cfg(feature = "zmq")]
pub mod message;
pub mod name;
pub mod scan;
#[cfg(feature = "zmq")]
pub mod zmq;
