//! Tensions of contacts and pressures of cells, from the shape of their boundaries.

pub mod arcs;
pub mod balance;
pub mod bend;
pub mod between;
pub mod fit;
pub mod gathering;
pub mod inference;
pub mod junction;
pub mod least_squares;
pub mod pressure;
pub mod surface;
