//! Pictures and pages for people.

mod bins;
pub mod chart;
pub mod colour;
pub mod field;
pub mod figure;
mod html;
mod largest;
pub mod network;
pub mod number;
pub mod page;
pub mod plot;
pub mod pulled;
pub mod slice;
mod views;
pub mod vti;
pub mod vtk;
