//! The media engine, without I/O.
#![warn(missing_docs)]

pub mod allocate;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
pub mod keyframe;
pub mod meter;
pub mod rewrite;
pub mod select;
pub mod speaker;
pub mod vp8;
