//! The `ers` dialect: EvoStream's Rendezvous Server, where media servers and players meet in rooms (`rendezvous`), and the
//! side of a media server that `startWebrtc` starts (`ems`).
#![warn(missing_docs)]

pub mod admin;
pub mod ems;
mod packet;
pub mod pull;
pub mod rendezvous;
