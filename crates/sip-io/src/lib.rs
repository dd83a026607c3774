//! The SIP side's I/O: sockets, transactions, dialogs and DNS around the pure machines of `patchbay-sip`.
//!
//! An [`Agent`] is one task. Whoever wants an account registered has a [`Line`], whoever calls or is called has a
//! [`Dialog`]: each takes orders and brings news, both bounded, and ends what it stands for when it is dropped. It knows
//! neither the hub nor a dialect nor media; descriptions pass through it as text.
//!
//! ```text
//! sockets --bytes--> net --Arrived--> agent --Input--> core (pure: no clock, no socket) --Effect--> net, owners
//! owners  --orders------------------> agent
//! ```
//!
//! | module | what |
//! |---|---|
//! | `api`, `handle`, `agent`, `settings`, `counts` | what owners see |
//! | `core` | lines, calls and their requests, driven by what is heard, wanted and due |
//! | `transaction` | RFC 3261 section 17 |
//! | `wire` | messages out of bytes and back |
//! | `net` | UDP, TCP, TLS, names |
#![warn(missing_docs)]

mod agent;
mod api;
mod core;
mod counts;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod handle;
mod net;
mod settings;
mod transaction;
mod wire;

pub use agent::{Agent, Clock, Entropy};
pub use api::{
    Account, By, Caller, DialogNews, DialogOrder, Ended, Found, Incoming, LineNews, LineOrder, Outgoing, Refused, Text,
};
pub use counts::Counts;
pub use handle::{Dialog, Line};
pub use settings::{Limits, Listen, Proxy, Roots, Settings, Tls, Transport};
