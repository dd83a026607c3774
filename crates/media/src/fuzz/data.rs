//! The target `data`: messages on data channels, whose peers open and close them and whose network fails for a while.
//!
//! Held against the promise: what is said arrives once, in order and complete, or its reader's channel is shut and it
//! hears nothing more.

use std::time::Duration;

use patchbay_core::{LinkId, MediaOp};

use super::input::Input;
use super::pair::{PUBLISHER, Pair, VIEWER};

/// The network fails for so long at most, all told: less than makes a leg lost.
const LONGEST: Duration = Duration::from_secs(2);
/// Within so long all has arrived that arrives.
const PATIENCE: Duration = Duration::from_secs(20);
/// Messages are as long as a byte of the input says, times this: the bounds are reached by some dozens.
const UNIT: usize = 250;
/// Channels that the viewer opens, all told: more than a leg has.
const CHANNELS: u8 = 12;

/// Runs `data`: operations.
///
/// # Panics
/// If a leg panics or is lost, a bound is passed, or a message is lost, doubled or overtaken.
pub fn target(data: &[u8]) {
    let mut world = World { pair: Pair::connected(), said: 0, heard: 0, opened: 0, closed: false, out: Duration::ZERO };
    let mut input = Input::new(data);
    while !input.is_over() {
        world.step(&mut input);
        world.judge();
    }
    world.pair.blocked = false;
    for _ in 0..PATIENCE.as_secs() {
        if world.is_complete() {
            return;
        }
        world.pair.wait(Duration::from_secs(1));
        world.judge();
    }
    assert!(world.is_complete(), "{} of {} messages have arrived", world.heard, world.said);
}

struct World {
    pair: Pair,
    /// Messages to the viewer, each with its number.
    said: u32,
    /// The number that the viewer has heard last.
    heard: u32,
    opened: u8,
    /// The viewer has closed a channel: what was on its way there is lost.
    closed: bool,
    /// How long the network has failed.
    out: Duration,
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) {
        let head = input.byte();
        let (kind, argument) = (head & 0x07, head >> 3);
        match kind {
            0 | 1 => {
                let message = self.message(usize::from(input.byte()));
                let link = LinkId::new(VIEWER as u64);
                self.pair.engine.op(MediaOp::Say {
                    link,
                    channel: None,
                    binary: argument & 1 == 1,
                    bytes: message.into(),
                });
            }
            2 => {
                let message = self.message(usize::from(input.byte()));
                let now = self.pair.engine.now;
                if !self.pair.peers[PUBLISHER].say(argument & 1 == 1, &message, now) {
                    self.said -= 1;
                }
                // It comes before what is said next.
                self.pair.wait(Duration::from_millis(1));
            }
            3 => self.pair.blocked = argument & 1 == 1 && self.out < LONGEST,
            4 => {
                let span = Duration::from_millis(1 << (argument & 0x0f).min(9));
                self.out += if self.pair.blocked { span } else { Duration::ZERO };
                self.pair.blocked &= self.out < LONGEST;
                self.pair.wait(span);
            }
            5 if self.opened < CHANNELS => {
                self.opened += 1;
                let viewer = &mut self.pair.peers[VIEWER];
                viewer.rtc.direct_api().create_data_channel(str0m::channel::ChannelConfig::default());
                viewer.tick(self.pair.engine.now);
            }
            6 => {
                let viewer = &mut self.pair.peers[VIEWER];
                let Some(id) = viewer.channels.get(usize::from(argument)).copied() else { return };
                self.closed = true;
                viewer.rtc.direct_api().close_data_channel(id);
                viewer.tick(self.pair.engine.now);
            }
            _ => self.pair.exchange(),
        }
    }

    /// The next message to the viewer.
    fn message(&mut self, length: usize) -> Vec<u8> {
        self.said += 1;
        let mut message = self.said.to_be_bytes().to_vec();
        message.resize(4 + length * UNIT, b'x');
        message
    }

    fn judge(&mut self) {
        self.pair.engine.assert_sound();
        assert_eq!(self.pair.engine.worker.counts().legs, 2, "{:?}", self.pair.engine.out.events);
        for (_, message) in self.pair.peers[VIEWER].said.drain(..) {
            let number = message.first_chunk().map_or(0, |number| u32::from_be_bytes(*number));
            let next = number == self.heard + 1 || (self.closed && number > self.heard);
            assert!(next && number <= self.said, "{number} came behind {}", self.heard);
            self.heard = number;
        }
    }

    /// All was heard that had to be.
    fn is_complete(&self) -> bool {
        self.heard == self.said || self.closed || self.pair.engine.worker.is_shut(LinkId::new(VIEWER as u64))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "data", super::target);
    }
}
