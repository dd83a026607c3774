//! The SIP side without I/O: what is sent to telephones and registrars, and what is made of what they say.
//!
//! No socket, no clock, no random numbers: time is a [`Moment`](patchbay_core::Moment), random numbers are arguments. A
//! SIP stack moves the messages; these modules write and read the parts of them that are ours to judge.
//!
//! | module | what |
//! |---|---|
//! | [`uri`], [`address`] | who is meant: SIP URIs, addresses of record, names to show |
//! | [`call`] | how a client knows an incoming call |
//! | [`digest`] | answers to challenges, from an HA1 |
//! | [`register`] | the life of one registration |
//! | [`timers`] | session timers |
//! | [`reason`] | why something ended, in words and as the hub's kinds |
//! | [`header`] | header lines of clients' own making |
//! | [`dtmf`] | digits in `INFO` |
//! | [`message`] | text messages and their notifications |
//!
//! Descriptions for telephones are a crate of their own, `patchbay-sdp`: the media engine writes and reads them.
#![warn(missing_docs)]

pub mod address;
pub mod call;
pub mod digest;
pub mod dtmf;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
pub mod header;
pub mod message;
pub mod picture;
pub mod reason;
pub mod register;
pub mod text;
pub mod timers;
pub mod uri;
