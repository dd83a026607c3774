//! What is counted.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Counters, all since the start but for those that say otherwise.
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: AtomicU64,)* }

        /// A snapshot of the counters.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counts { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Counts {
                Counts { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

counts! {
    /// Messages that were read.
    received,
    /// Bytes that are no message, or one that nobody can answer: dropped without a word.
    unreadable,
    /// Requests that were answered with a status of 400 to 699 by themselves, without asking an owner.
    refused,
    /// Requests that were dropped at [`Limits::transactions`](crate::Limits::transactions).
    dropped,
    /// Responses that belong to nothing.
    stray,
    /// Messages that were sent for the first time.
    sent,
    /// Messages that were sent again.
    repeated,
    /// Requests of ours that nobody answered.
    timed_out,
    /// Requests of ours that could not be sent.
    unsent,
    /// Owners that did not listen, so that their line or dialog was ended.
    deaf,
    /// Lines, now.
    lines,
    /// Calls, now.
    dialogs,
    /// Transactions, now.
    transactions,
    /// Streams, now.
    connections,
}

pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn set(counter: &AtomicU64, value: usize) {
    counter.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
}
