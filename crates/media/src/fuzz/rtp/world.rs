//! A source of four layers and one viewer of it.

use std::collections::BTreeSet;
use std::time::Instant;

use patchbay_core::Codec;
use str0m::rtp::Vp8Descriptor;

use super::operation::Operation;
use super::reference::{Expected, Reference};
use crate::keyframe::{Inspected, inspect};
use crate::rewrite::{Rewriter, Vp8Rewriter};
use crate::select::{Selector, Verdict};
use crate::vp8::Descriptor;

/// The highest but a few that it may be, beside the bit that does not count.
const FIRST: u16 = 0xfff0;

pub(super) struct World {
    codec: Codec,
    now: Instant,
    layers: [Layer; 4],
    selector: Selector,
    opaque: bool,
    rewriter: Rewriter,
    reference: Option<Reference>,
    /// All numbers that went out.
    out: BTreeSet<u64>,
    clock: Clock,
    vp8: Vp8Rewriter,
    /// The picture id of the next frame that goes out, while the source counts as it should.
    picture: Option<u16>,
    orderly: bool,
}

struct Layer {
    /// The number, time and picture of its next packet.
    next: u64,
    time: u32,
    picture: u16,
}

/// The times of what went out.
#[derive(Default)]
struct Clock {
    /// What was added to the source's.
    shift: u32,
    /// The latest of those of the youngest packets, and when the last of them went.
    latest: Option<(u32, Instant)>,
}

impl World {
    pub(super) fn new(settings: u8) -> Self {
        let codecs = [
            Codec::Vp8,
            Codec::Vp9 { profile: 0 },
            Codec::H264 { profile_level: 0x42_e01f, mode: 1 },
            Codec::Av1 { profile: 0 },
            Codec::Opus,
        ];
        let codec = codecs[usize::from(settings) % codecs.len()];
        let layer = |next, time, picture| Layer { next, time, picture };
        Self {
            codec,
            now: Instant::now(),
            // Around the ends of their circles; numbers begin as high as the first cycle allows.
            layers: [
                layer(65_530, u32::MAX - 9_000, 0x7ffd),
                layer(0, 0, 0),
                layer(1 << 40, 1 << 31, 0x3fff),
                layer(7, 90_000, 0x80),
            ],
            selector: Selector::new(),
            opaque: false,
            rewriter: Rewriter::new(FIRST, clock_rate(codec)),
            reference: None,
            out: BTreeSet::new(),
            clock: Clock::default(),
            vp8: Vp8Rewriter::new(),
            picture: None,
            orderly: true,
        }
    }

    pub(super) fn perform(&mut self, operation: Operation<'_>) {
        match operation {
            Operation::Next { layer, key } => {
                let seq = self.advance(layer);
                let payload = self.well_formed(layer, key);
                assert_eq!(inspect(self.codec, &payload).key, key || self.codec == Codec::Opus, "{payload:x?}");
                self.packet(layer, seq, &payload, Some(true));
            }
            Operation::Payload { layer, bytes } => {
                let seq = self.advance(layer);
                self.packet(layer, seq, bytes, None);
            }
            Operation::Displaced { layer, by } => {
                let next = self.layers[usize::from(layer)].next;
                self.numbered(layer, next.saturating_add_signed(by));
            }
            Operation::Numbered { layer, seq } => self.numbered(layer, seq),
            Operation::LeaveOut => {
                // Padding, for example: it is no picture.
                let Some(layer) = self.selector.current() else { return };
                let seq = self.next(layer);
                self.rewriter.skipped(seq);
                if let Some(reference) = &mut self.reference {
                    reference.leave_out(seq);
                }
            }
            Operation::Leap { layer, by } => {
                let layer = &mut self.layers[usize::from(layer)];
                layer.time = layer.time.wrapping_add(by);
            }
            Operation::Wait(span) => self.now += span,
            Operation::Aim(layer) => {
                self.selector.aim(layer);
                assert!(layer.is_some() || self.selector.current().is_none());
            }
            Operation::Silent(layer) => self.selector.silent(layer),
            Operation::Complain => self.selector.complain(self.now),
            Operation::Stuck => {
                let stuck = self.selector.stuck(self.now);
                assert!(!stuck || self.selector.wants_key().is_some(), "stuck, and wants nothing");
            }
            Operation::Opaque(opaque) => {
                self.opaque = opaque;
                self.selector.set_opaque(opaque);
            }
        }
    }

    /// The number of the layer's next packet.
    fn next(&mut self, layer: u8) -> u64 {
        let next = &mut self.layers[usize::from(layer)].next;
        std::mem::replace(next, next.saturating_add(1))
    }

    /// The same, which is a frame: 33 ms after the last by its own clock.
    fn advance(&mut self, layer: u8) -> u64 {
        let seq = self.next(layer);
        let layer = &mut self.layers[usize::from(layer)];
        layer.time = layer.time.wrapping_add(2_970);
        layer.picture = (layer.picture + 1) & 0x7fff;
        seq
    }

    fn numbered(&mut self, layer: u8, seq: u64) {
        let payload = self.well_formed(layer, false);
        self.packet(layer, seq, &payload, Some(false));
        let layer = &mut self.layers[usize::from(layer)];
        layer.next = layer.next.max(seq.saturating_add(1));
    }

    /// What an encoder may send: the first packet of a frame.
    fn well_formed(&self, layer: u8, key: bool) -> Vec<u8> {
        let [high, low] = self.layers[usize::from(layer)].picture.to_be_bytes();
        match self.codec {
            Codec::Vp8 => {
                let tag = u8::from(!key);
                vec![0x90, 0xe0, 0x80 | high, low, low, 0x20, tag, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0]
            }
            Codec::Vp9 { .. } => vec![if key { 0x88 } else { 0xc8 }, 0x80 | high, low, 0x82],
            Codec::H264 { .. } => vec![if key { 0x65 } else { 0x41 }, 0x88, low],
            Codec::Av1 { .. } => vec![if key { 0x18 } else { 0x10 }, 0x30, low],
            _ => vec![low],
        }
    }

    /// One packet is a burst here. `frame`: whether it is a frame of its own or belongs to the last one, if it is
    /// well-formed.
    fn packet(&mut self, layer: u8, seq: u64, payload: &[u8], frame: Option<bool>) {
        let Inspected { key, .. } = self.inspect(payload);
        let (now, time) = (self.now, self.layers[usize::from(layer)].time);
        let late = seq.saturating_add(1) < self.layers[usize::from(layer)].next;
        let verdict = self.offer(layer, key, late);
        if verdict == Verdict::Switch {
            self.rewriter.switch(seq, time, now);
            self.vp8.switch();
            let first = u64::from(FIRST & 0x7fff);
            self.reference = Some(Reference::new(seq, self.out.last().map_or(first, |last| last + 1)));
            self.clock.switch(time, now, clock_rate(self.codec));
        }
        if verdict == Verdict::Drop {
            return;
        }
        let mapped = self.rewriter.map(seq, time, now);
        let expected = self.reference.as_mut().map_or(Expected::Nothing, |reference| reference.map(seq));
        match (mapped, &expected) {
            (Some((out, _)), Expected::Number(number) | Expected::Perhaps(number)) => assert_eq!(out, *number),
            (None, Expected::Perhaps(_) | Expected::Nothing) => {
                // Of its frame nothing goes out.
                self.orderly &= frame == Some(false);
                return;
            }
            _ => panic!("{seq} became {mapped:?}, expected {expected:?}"),
        }
        let Some((out, out_time)) = mapped else { return };
        assert_eq!(out_time, time.wrapping_add(self.clock.shift));
        if self.out.last().is_none_or(|last| out > *last) {
            self.clock.went(out_time, now);
        }
        assert!(self.out.insert(out), "{out} went out twice");
        if self.codec == Codec::Vp8 {
            self.picture(payload, frame.map(|frame| frame || verdict == Verdict::Switch));
        }
    }

    /// Less of a payload tells less, never something else.
    fn inspect(&self, payload: &[u8]) -> Inspected {
        let whole = inspect(self.codec, payload);
        assert!(whole.size.is_none_or(|(width, height)| whole.key && width > 0 && height > 0), "{whole:?}");
        for cut in 0..payload.len() {
            let part = inspect(self.codec, &payload[..cut]);
            assert!(whole.key || !part.key, "a key frame up to {cut}");
            assert!(part.size.is_none() || part.size == whole.size, "{part:?} up to {cut} of {whole:?}");
        }
        if self.codec == Codec::Vp8 {
            compare(payload);
        }
        whole
    }

    fn offer(&mut self, layer: u8, key: bool, late: bool) -> Verdict {
        let (wanted, before) = (self.selector.wants_key(), self.selector.current());
        let verdict = self.selector.offer(self.now, layer, key, late);
        let (wants, current) = (self.selector.wants_key(), self.selector.current());
        match verdict {
            Verdict::Drop => assert!(before == current && before != Some(layer)),
            Verdict::Forward => assert!(before == current && before == Some(layer)),
            Verdict::Switch => assert!(!late && current == Some(layer) && (key || self.opaque)),
        }
        assert!(wants.is_none() || wants != current, "it has what it waits for");
        let served = verdict == Verdict::Switch || wants != wanted;
        assert!(late || !key || wanted != Some(layer) || served, "the key frame that was waited for is dropped");
        verdict
    }

    /// The numbers are those that come next, and whoever writes the bytes can write them.
    fn picture(&mut self, payload: &[u8], frame: Option<bool>) {
        self.orderly &= frame.is_some();
        let Some(descriptor) = Descriptor::parse(payload) else { return };
        let numbers = self.vp8.map(&descriptor);
        if frame == Some(true) && self.orderly {
            let expected = self.picture.or(numbers.picture_id);
            assert_eq!(numbers.picture_id, expected);
            self.picture = expected.map(|picture| (picture + 1) & 0x7fff);
        }
        if let Ok(read) = Vp8Descriptor::parse(payload) {
            let mut patch = read.patch();
            if let Some(picture) = numbers.picture_id {
                patch = patch.picture_id(picture);
            }
            if let Some(base) = numbers.tl0_pic_idx {
                patch = patch.tl0_pic_idx(base);
            }
            patch.build().expect("the numbers fit into their places");
        }
    }
}

/// Our reader of descriptors and str0m's, which refuses more, read the same.
fn compare(payload: &[u8]) {
    let Ok(read) = Vp8Descriptor::parse(payload) else { return };
    let descriptor = Descriptor::parse(payload).expect("as the other one could");
    assert_eq!(read.picture_id(), descriptor.picture_id.map(|id| id.value));
    assert_eq!(read.tl0_pic_idx(), descriptor.tl0_pic_idx);
    let key = descriptor.start && payload[descriptor.len] & 1 == 0;
    assert_eq!(read.starts_keyframe(payload), key, "{payload:x?}");
}

impl Clock {
    /// The next packet comes after the time that has passed: a tick at least, a quarter of the circle at most.
    fn switch(&mut self, time: u32, now: Instant, rate: u32) {
        let out = match self.latest {
            None => time,
            Some((latest, at)) => {
                let ticks = now.duration_since(at).as_millis() as u64 * u64::from(rate / 1_000);
                latest.wrapping_add(ticks.clamp(1, 1 << 30) as u32)
            }
        };
        self.shift = out.wrapping_sub(time);
    }

    fn went(&mut self, time: u32, now: Instant) {
        let latest = match self.latest {
            Some((latest, _)) if time.wrapping_sub(latest) >= 1 << 31 => latest,
            _ => time,
        };
        self.latest = Some((latest, now));
    }
}

const fn clock_rate(codec: Codec) -> u32 {
    match codec {
        Codec::Opus => 48_000,
        _ => 90_000,
    }
}
