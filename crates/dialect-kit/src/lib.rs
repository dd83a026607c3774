//! What every dialect is made of.
//!
//! A dialect translates between its own text and the hub's commands and events. It is one [`Session`] per connection,
//! which is told of frames, events and deadlines and answers into an [`Outbox`]; it does no I/O and reads no clock.
#![warn(missing_docs)]

pub mod http;
mod ice;
pub mod job;
pub mod json;
mod limiter;
pub mod line;
mod outbox;
mod scratch;
mod session;
mod spec;
#[cfg(feature = "testing")]
pub mod testing;

pub use ice::IceServer;
pub use limiter::{Rate, TokenBucket};
pub use outbox::{Close, CloseCause, OutFrame, Outbox};
pub use scratch::with_scratch;
pub use session::{Arrival, Ctx, Dialect, Frame, Random, Session, opened};
pub use spec::{At, Codec, Direction, Endpoint, Key, MessageDoc, Spec, Subprotocol};
