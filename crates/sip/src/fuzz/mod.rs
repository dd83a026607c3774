//! What the fuzz targets of `fuzz/` run; the tests replay their corpus (`docs/testing.md`, "Fuzzing").

pub mod digest;
pub mod sipsdp;
