//! Tensions of contacts and pressures of cells, from the shape of their boundaries.

pub mod balance;
pub mod between;
pub mod gathering;
pub mod inference;
pub mod junction;
pub mod least_squares;
pub mod pressure;
pub mod surface;
