//! The target `rtcp`: what a viewer says, in any words, between the packets that it is sent past str0m.
//!
//! Held against what encryption rests on: no number is sealed twice, unless for the same bytes; and against the bound of
//! what is sent again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use patchbay_core::{Kind, LinkId};
use str0m::crypto::dtls::{KeyingMaterial, SrtpProfile};

use super::engine::Out;
use super::input::Input;
use crate::batch::Batch;
use crate::burst::{Burst, Packet};
use crate::dtls::identity;
use crate::egress::{Egress, Ids, Lean, MidBytes, Outgoing, Room, Stream, Wire};
use crate::rewrite::Vp8Numbers;
use crate::srtp::{Keys, Seal};

/// Streams: pictures with a retransmission stream, sound, and pictures without one. Their numbers tell them apart.
const VIDEO: u32 = 1_000;
const RESENT: u32 = 1_001;
const AUDIO: u32 = 2_000;
const PLAIN: u32 = 3_000;
/// Bytes of each payload; those of one burst differ by a few.
const PAYLOAD: usize = 40;
const KEPT: usize = 16;
/// What the rewriter leaves out at most.
const LONGEST_GAP: u64 = 1_000;

/// Runs `data`: the first sequence number, then operations.
///
/// # Panics
/// If a number is sealed for two packets, a report index comes twice, or more is sent again than may be.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new(u16::from_be_bytes(input.bytes()) & 0x7fff, input.byte());
    while !input.is_over() {
        world.step(&mut input);
        world.judge();
    }
}

struct World {
    lean: Lean,
    streams: [Stream; 3],
    seqs: [u64; 3],
    /// Up to where numbers may be left out.
    gaps: [u64; 3],
    now: Instant,
    peer: Seal,
    batch: Batch,
    room: Room,
    out: Out,
    /// What was sealed under which number: the stream's, and the sequence number extended over its cycles.
    sealed: BTreeMap<(u32, u64), Vec<u8>>,
    highest: BTreeMap<u32, u64>,
    /// The index of the last report.
    index: u32,
    /// Bytes of payload and header that may be asked for again, and those that were sent again.
    sent: usize,
    again: usize,
}

/// What all runs share: making them takes longer than a run.
fn keys(profile: SrtpProfile, active: bool) -> Keys {
    let material: Vec<u8> = (0..88).collect();
    Keys::cut(&KeyingMaterial::new(&material), profile, active).expect("a profile that is known")
}

impl World {
    fn new(first: u16, choice: u8) -> Self {
        let profiles = [SrtpProfile::AEAD_AES_256_GCM, SrtpProfile::AEAD_AES_128_GCM, SrtpProfile::AES128_CM_SHA1_80];
        let profile = profiles[usize::from(choice) % profiles.len()];
        let provider = identity().expect("an identity").provider;
        let tap = Arc::new(OnceLock::from(keys(profile, false)));
        let mut lean = Lean::new(Arc::clone(&provider), tap, (KEPT, Duration::from_secs(1)));
        assert!(lean.connected());
        lean.go(address(1), address(2));
        let stream = |slot, ssrc, resend, nackable| Stream {
            slot,
            mid: "m".into(),
            mid_bytes: MidBytes::of("m".into()),
            ssrc,
            pt: 96,
            resend,
            nackable,
            clock_rate: 90_000,
            ids: Ids::testing(),
        };
        let streams =
            [stream(0, VIDEO, Some((RESENT, 97)), true), stream(1, AUDIO, None, false), stream(2, PLAIN, None, true)];
        streams.iter().for_each(|stream| lean.bind(*stream, "c"));
        let (peer, _) = keys(profile, true).ciphers(&provider);
        Self {
            lean,
            streams,
            seqs: [first.into(); 3],
            gaps: [u64::from(first) + LONGEST_GAP; 3],
            now: Instant::now(),
            peer,
            batch: Batch::default(),
            room: Room::default(),
            out: Out::default(),
            sealed: BTreeMap::new(),
            highest: BTreeMap::new(),
            index: 0,
            sent: 0,
            again: 0,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let head = input.byte();
        let (kind, argument) = (head & 0x07, head >> 3);
        match kind {
            0 | 1 => self.forward(usize::from(argument) % 3, input.byte()),
            2 => self.forward(0, argument),
            3 => {
                let length = usize::from(input.byte());
                let plain = input.take(length).to_vec();
                self.hear(&plain);
            }
            4 => {
                // A request for packets that were sent of late.
                let which = usize::from(argument) % 3;
                let [back, high, low] = input.bytes();
                let seq = (self.seqs[which] as u16).wrapping_sub(back.into());
                let ssrc = self.streams[which].ssrc.to_be_bytes();
                let request = [&[0x81, 205, 0, 3, 0, 0, 0, 9][..], &ssrc, &seq.to_be_bytes(), &[high, low]].concat();
                self.hear(&request);
            }
            5 => {
                // A report, which tells that the stream is known.
                let ssrc = self.streams[usize::from(argument) % 3].ssrc.to_be_bytes();
                let rest: [u8; 20] = input.bytes();
                self.hear(&[&[0x81, 201, 0, 7, 0, 0, 0, 9][..], &ssrc, &rest].concat());
            }
            6 => self.now += Duration::from_millis(1 << (argument & 0x0f).min(11)),
            _ => {
                // Numbers are left out, as where a source loses packets; the rewriter closes longer gaps.
                let which = usize::from(argument) % 3;
                let gap = u64::from(input.byte()) * 4;
                self.seqs[which] = (self.seqs[which] + gap).min(self.gaps[which]);
            }
        }
        let mut wire = Wire { batch: &mut self.batch, sink: &mut self.out, room: &mut self.room };
        self.lean.tick(self.now, &mut wire);
        self.batch.flush(&mut self.out);
    }

    /// A burst of up to seven packets, whose lengths `shape` tells.
    fn forward(&mut self, which: usize, shape: u8) {
        let count = u64::from(shape & 7).max(1);
        let packet = |number: u64| Packet {
            seq: number,
            time: 0,
            marker: number + 1 == count,
            payload: vec![shape; PAYLOAD + (usize::from(shape) >> number) % 24].into(),
            level: (shape & 8 != 0).then_some(shape),
            voice: shape & 64 != 0,
            rotation: (shape & 16 != 0 && number + 1 == count).then_some(str0m::rtp::VideoOrientation::Deg90),
        };
        let packets: Vec<_> = (0..count).map(packet).collect();
        let burst = Arc::new(Burst {
            source: LinkId::new(1),
            kind: Kind::Video,
            layer: 0,
            key: false,
            late: false,
            resumed: false,
            at: self.now,
            packets,
        });
        let first = self.seqs[which];
        self.seqs[which] += count;
        self.gaps[which] = self.seqs[which] + LONGEST_GAP;
        let numbers = Vp8Numbers { picture_id: (shape & 32 != 0).then_some(7), tl0_pic_idx: None };
        let outgoing: Vec<_> = (0..count)
            .map(|number| Outgoing { place: number as usize, seq: first + number, time: 90 * first as u32, numbers })
            .collect();
        let stream = self.streams[which];
        let mut wire = Wire { batch: &mut self.batch, sink: &mut self.out, room: &mut self.room };
        assert!(self.lean.forward(&stream, &burst, &outgoing, self.now, &mut wire));
        self.batch.flush(&mut self.out);
        if stream.nackable {
            self.sent += burst.packets.iter().map(|packet| packet.payload.len()).sum::<usize>();
        }
        assert_eq!(self.out.sent.len(), outgoing.len(), "each packet leaves once");
        self.judge();
    }

    /// The viewer says this.
    fn hear(&mut self, plain: &[u8]) {
        let mut datagram = Vec::new();
        if self.peer.rtcp(plain, &mut datagram).is_err() {
            datagram = plain.to_vec();
        }
        let mut wire = Wire { batch: &mut self.batch, sink: &mut self.out, room: &mut self.room };
        for _ in 0..2 {
            // The second time it is a replay.
            self.lean.hear(&datagram, self.now, &mut wire, |_| ());
        }
        wire.batch.flush(wire.sink);
        let resent = self.out.sent.iter().filter(|(_, datagram)| !(200..=207).contains(&datagram[1]));
        self.again += resent.map(|(_, datagram)| datagram.len()).sum::<usize>();
        // Half of what was sent, a packet that passes it for each of both streams; and what is around the payload.
        assert!(self.again <= self.sent * 2 + 2 * 2 * PAYLOAD + 200, "{} of {}", self.again, self.sent);
    }

    fn judge(&mut self) {
        for (_, datagram) in std::mem::take(&mut self.out.sent) {
            let word =
                |at: usize| u32::from_be_bytes([datagram[at], datagram[at + 1], datagram[at + 2], datagram[at + 3]]);
            if (200..=207).contains(&datagram[1]) {
                let at = if datagram.len() % 4 == 2 { datagram.len() - 14 } else { datagram.len() - 4 };
                let index = word(at) & 0x7fff_ffff;
                assert_eq!(index, self.index + 1, "a report's index is used once");
                self.index = index;
                continue;
            }
            let ssrc = word(8);
            assert!([VIDEO, RESENT, AUDIO, PLAIN].contains(&ssrc), "{ssrc}");
            let seq = u16::from_be_bytes([datagram[2], datagram[3]]);
            // The number of these 16 bits that is next to the highest so far.
            let highest = *self.highest.get(&ssrc).unwrap_or(&u64::from(seq));
            let near = highest.wrapping_add_signed(i64::from(seq.wrapping_sub(highest as u16).cast_signed()));
            self.highest.insert(ssrc, highest.max(near));
            let before = self.sealed.insert((ssrc, near), datagram.clone());
            assert!(before.is_none_or(|before| before == datagram), "{ssrc}/{near} was sealed for two packets");
        }
    }
}

fn address(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "rtcp", super::target);
    }
}
