//! Descriptions between browsers and telephones (RFC 3264, RFC 8866).
//!
//! The media engine writes what browsers are told; here is the telephone's side, and what both have in common.
//!
//! | call | steps |
//! |---|---|
//! | to a telephone | [`to_phone::offer`] of the browser's offer; the answer by [`Phone::read`] and [`answered`] |
//! | from a telephone | its offer by [`Phone::read`]; [`offered`] with the browser's answer; [`to_phone::answer`] |
//! | later | [`change::compare`], then as before |

#![warn(missing_docs)]

pub mod change;
pub mod codecs;
pub mod crypto;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod model;
mod to_browser;
pub mod to_phone;

pub use codecs::{Format, Formats, PayloadMap};
pub use model::{BYTES, Description, Direction, LINES, Line, SECTIONS, Section, Unreadable};
pub use to_browser::{Agreed, Phone, PhoneSection, Profile, Unusable, answered, offered};
pub use to_phone::keyed;

#[cfg(test)]
mod samples;
