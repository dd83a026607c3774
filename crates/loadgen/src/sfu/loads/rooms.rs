//! The same packets, spread over few rooms or many.
//!
//! Whatever the number of rooms, the same number of frames per second comes in, evenly spaced, from one room after the
//! other, and each goes to two viewers. What differs is only how much the server knows that it does not need just now.

use std::time::{Duration, Instant};

use super::super::cast::{Setting, Until, rest};
use super::super::script::Part;
use super::super::source::{Source, Video};
use super::{WARM_UP, measure};
use crate::Result;
use crate::scenario::Outcome;

/// Frames per second over all rooms: with fewer the server would sleep between them, and the figure be its waking up.
const FRAMES: u64 = 2_000;
/// Packets of each frame.
const PACKETS: u16 = 4;
const VIEWERS: usize = 2;

pub(crate) fn rooms(setting: &Setting, rooms: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    let start = Instant::now();
    let every = Duration::from_nanos(1_000_000_000 / FRAMES);
    let video = Video {
        every: every * rooms as u32,
        bytes: 1_000,
        packets: PACKETS,
        fourth: PACKETS,
        key_packets: PACKETS,
        key_every: 1,
    };
    for number in 0..rooms {
        setting.publisher(&mut stage, number, None, Source::new(video, false, start + every * number as u32))?;
    }
    setting.gather(&mut stage, rooms * VIEWERS, Until::Key, |viewer| Part::View { number: viewer / VIEWERS })?;
    rest(&mut stage, WARM_UP)?;
    let span = measure(&mut stage, setting, setting.span)?;
    let mut outcome = Outcome::default();
    span.show(&stage.tally, VIEWERS, &mut outcome);
    Ok(outcome)
}
