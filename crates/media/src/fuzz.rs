//! What the fuzz targets of the engine run (`docs/testing.md`, "Fuzzing"): one module for each target, named as it is,
//! and what they share.

pub mod data;
pub mod datagrams;
mod engine;
mod input;
mod pair;
mod peer;
pub mod phone;
pub mod rtcp;
pub mod rtp;
pub mod sdp;
pub mod stun;
