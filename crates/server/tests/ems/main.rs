//! The runtime API of the media server's side of ers over real sockets, and its way to a rendezvous server that a test plays
//! (ers.md part 5: A01–A18, E1, E2).

#[path = "../common/mod.rs"]
mod common;

mod api;
mod client;
mod secure;
mod support;
