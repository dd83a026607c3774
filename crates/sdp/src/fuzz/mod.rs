//! What the fuzz target of `fuzz/` runs; the tests replay its corpus (`docs/testing.md`, "Fuzzing").

pub mod sipsdp;
