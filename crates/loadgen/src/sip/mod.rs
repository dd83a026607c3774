//! The benchmark of telephone calls: browsers that call through a server to SIPp, which echoes what it hears.
//!
//! A caller is a WebSocket and, for each call, a new WebRTC peer: ICE, DTLS and SRTP by str0m, which sends PCMU of 20 ms
//! and looks at what comes back. `loads.rs` says what is measured, `bench.rs` in which order, `subject.rs` on what.

mod bench;
mod caller;
mod figures;
mod flood;
mod loads;
mod peer;
mod script;
mod stage;
mod subject;
mod tally;
mod telephone;
mod voice;

pub(crate) use bench::run;
