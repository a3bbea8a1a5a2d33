//! Scans that arrive: what a scan is, how its file is named, a folder that scans come into.

pub mod folder;
pub mod name;
pub mod scan;
