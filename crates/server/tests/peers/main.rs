//! The dialects `antmedia` and `whip` over real sockets, with a peer that makes real descriptions and is judged by the media it
//! receives: the cases of the conformance list (docs/dialects/antmedia.md) that need one. Those that do not are
//! transcripts, in the dialect's own crate.
//!
//! Each test has a server of its own, so that all run side by side.

#[path = "../common/mod.rs"]
mod common;

mod data;
mod drain;
mod ems;
mod film;
mod fragments;
mod gates;
mod manage;
mod names;
mod news;
mod overload;
mod patch;
mod peer;
mod play;
mod publish;
mod pull;
mod rooms;
mod session;
mod telephones;
mod tone;
mod tracks;
mod whip;
