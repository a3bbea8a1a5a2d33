//! Tables of what was measured: one row a cell, a contact, a component.

pub mod crofton;
pub mod csv;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod read;
pub mod shape;
pub mod table;
pub mod write;
