//! The `sylk` dialect: clients of [SylkServer](https://github.com/AGProjects/sylkserver)'s WebRTC gateway, which add SIP
//! accounts, make and take calls, and meet in video rooms, in JSON over one WebSocket.
//!
//! What is here is the wire: every request of every generation of clients to one enum, every event to the three
//! spellings that there are.
//!
//! | spoken | subprotocol | requests | events |
//! |---|---|---|---|
//! | V0, up to 30 July 2015 | `sylkRTC-1` | `add_account` `register` `call` `answer` `trickle` `terminate` … | `account_event`, `session_event`, with `data` |
//! | V1, up to 12 October 2017 | `sylkRTC-1` | `account-add` `session-create` … `videoroom-ctl` `videoroom-terminate` | the same and `videoroom_event` |
//! | V2, since | `sylkRTC-2` | the same and `videoroom-leave` … `account-message` … `ping` | `account-event`, `session-event`, `videoroom-event`, flat |
//!
//! | message | is |
//! |---|---|
//! | a request with a `transaction` | [`wire::Decoded`]: [`wire::Request`], or the [`wire::Problem`] that it is answered with |
//! | anything else | [`wire::Ignored`] |
//! | `ack`, `error`, ready | [`wire::ack`], [`wire::error`], [`wire::ready`] |
//! | every event | [`wire::Event`], by [`wire::write`](wire::write()) |
#![warn(missing_docs)]

pub mod aor;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
#[doc(hidden)]
pub mod wire;
