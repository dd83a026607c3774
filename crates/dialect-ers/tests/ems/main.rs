//! The media server's side without sockets: hub and sessions in one thread under a fake clock, the rendezvous server and the
//! callers of the API played by the tests (ers.md part 5: A01–A18, E1–E7, P1).

mod api;
mod client;
mod commands;
mod events;
mod support;
