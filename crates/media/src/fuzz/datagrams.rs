//! The target `datagrams`: what a connected peer sends. Packets of any content, encrypted as they should be; genuine
//! ones that the network loses, doubles, reorders or spoils; and bytes from its address that nobody encrypted.

use std::collections::BTreeSet;
use std::time::Duration;

use patchbay_core::{Kinds, LinkId, MediaOp};
use str0m::media::{KeyframeRequestKind, MediaKind};

use super::input::Input;
use super::pair::{Fate, PUBLISHER, Pair, VIEWER};
use super::peer::Written;

/// Silence that is waited for, all told: less than makes a leg lost.
const LONGEST: Duration = Duration::from_secs(8);

/// Runs `data`: operations of a publisher, a viewer and the network between them.
///
/// # Panics
/// If a leg panics or is lost, or the viewer gets something that the publisher has not sent.
pub fn target(data: &[u8]) {
    let mut world = World {
        pair: Pair::connected(),
        written: BTreeSet::new(),
        next: [(1_000, 0), (2_000, 0)],
        waited: Duration::ZERO,
    };
    let mut input = Input::new(data);
    while !input.is_over() {
        world.step(&mut input);
        world.judge();
    }
}

struct World {
    pair: Pair,
    /// Every payload that the publisher has sent.
    written: BTreeSet<Vec<u8>>,
    /// The next number and time of sound and of pictures.
    next: [(u64, u32); 2],
    waited: Duration,
}

impl World {
    fn step(&mut self, input: &mut Input<'_>) {
        let head = input.byte();
        let (kind, argument) = (head & 0x07, head >> 3);
        let peer = usize::from(argument & 1);
        match kind {
            0 => {
                let count = usize::from(input.byte());
                let address = self.pair.peers[peer].address;
                self.pair.engine.receive(address, input.take(count));
                self.pair.exchange();
            }
            1 | 2 => self.write(argument, input),
            3 => {
                self.pair.fate[peer] = match argument >> 1 {
                    0 => Fate::Lose,
                    1 => Fate::Double,
                    2 => Fate::Hold,
                    3 => Fate::Cut(input.byte()),
                    _ => Fate::Spoil { at: input.byte(), by: input.byte().max(1) },
                }
            }
            4 => {
                let span = Duration::from_millis(1 << (argument & 0x0f).min(11));
                if self.waited + span < LONGEST {
                    self.waited += span;
                    self.pair.wait(span);
                }
            }
            5 => self.complain(argument & 1 == 1),
            6 => {
                let count = usize::from(input.byte());
                let now = self.pair.engine.now;
                self.pair.peers[peer].say(argument & 2 == 2, input.take(count), now);
                self.pair.exchange();
            }
            _ => self.pair.engine.op(operation(argument)),
        }
    }

    /// The publisher sends a packet: the next one, or one with a number and time from the input.
    fn write(&mut self, argument: u8, input: &mut Input<'_>) {
        let video = argument & 1 == 1;
        let next = &mut self.next[usize::from(video)];
        if argument & 2 == 2 {
            let by = i64::from(i16::from_be_bytes(input.bytes()));
            next.0 = next.0.saturating_add_signed(by);
            next.1 = next.1.wrapping_add(u32::from_be_bytes(input.bytes()));
        }
        let count = usize::from(input.byte());
        let payload = input.take(count).to_vec();
        let kind = if video { MediaKind::Video } else { MediaKind::Audio };
        let written = Written { kind, seq: next.0, time: next.1, marker: argument & 4 == 4, payload: payload.clone() };
        next.0 += 1;
        self.written.insert(payload);
        let now = self.pair.engine.now;
        self.pair.peers[PUBLISHER].write(written, now);
        self.pair.exchange();
    }

    /// The viewer asks for a key frame.
    fn complain(&mut self, fir: bool) {
        let viewer = &mut self.pair.peers[VIEWER];
        let kind = if fir { KeyframeRequestKind::Fir } else { KeyframeRequestKind::Pli };
        for mid in viewer.sections.clone() {
            if let Some(stream) = viewer.rtc.direct_api().stream_rx_by_mid(mid, None) {
                stream.request_keyframe(kind);
            }
        }
        viewer.tick(self.pair.engine.now);
        self.pair.exchange();
    }

    fn judge(&mut self) {
        self.pair.engine.assert_sound();
        assert_eq!(self.pair.engine.worker.counts().legs, 2, "{:?}", self.pair.engine.out.events);
        for payload in self.pair.peers[VIEWER].got.drain(..) {
            // Padding that str0m sends to try the network has no payload.
            let genuine = payload.is_empty() || self.written.contains(&payload);
            assert!(genuine, "{payload:02x?} came from nowhere");
        }
    }
}

/// Something that the hub asks for.
fn operation(argument: u8) -> MediaOp {
    let (link, source) = (LinkId::new(VIEWER as u64), LinkId::new(PUBLISHER as u64));
    let pass = Kinds { audio: argument & 1 == 1, video: argument & 2 == 2 };
    match argument >> 2 & 3 {
        0 => MediaOp::Gate { link, source, pass },
        1 => MediaOp::Mute { source, pass },
        2 => MediaOp::Prefer { link, source, height: (argument & 1 == 1).then_some(360) },
        _ => MediaOp::Tracks { link, tracks: if argument & 1 == 1 { vec![super::pair::track(0)] } else { vec![] } },
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "datagrams", super::target);
    }
}
