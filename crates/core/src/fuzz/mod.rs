//! What the fuzz targets of `fuzz/` run; the tests replay their corpus (`docs/testing.md`, "Fuzzing").

pub mod hub;

mod ear;
mod flow;
mod legs;
mod operation;
mod stage;
mod world;
