//! The target `phone`: what a telephone sends in a call with another one, in RTP, RTCP and descriptions, and what others
//! send in its name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Codec, LinkId, MediaEvent, SignalKind, Srtp, Talk};
use patchbay_sdp::Description;
use patchbay_sdp::crypto::{Crypto, KEY_BYTES, Suite};

use super::engine::Engine;
use super::input::Input;
use crate::dtls::identity;
use crate::rtp;
use crate::srtp::Seal;

/// The links of the two ends: one that keeps to the rules, and the other.
const GOOD: u64 = 0;
const WILD: u64 = 1;
/// Where both receive RTP, sound and pictures; RTCP one above.
const PORTS: [u16; 2] = [4_000, 4_002];
/// Silence that is waited for, all told: less than makes a leg lost.
const LONGEST: Duration = Duration::from_secs(50);
const SUITES: [Suite; 4] =
    [Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32, Suite::AeadAes128Gcm, Suite::AeadAes256Gcm];

/// Runs `data`: how the call is protected, then operations.
///
/// # Panics
/// If a leg panics, something comes out that nobody has said, a number leaves twice, or a stranger changes something.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new(input.byte());
    while !input.is_over() {
        world.step(&mut input);
        world.judge();
    }
}

struct World {
    engine: Engine,
    /// Keys of the wild one, if it has some.
    keys: Option<(Seal, Crypto)>,
    /// The wild one's next numbers, and its times, by section.
    next: [(u64, u32); 2],
    /// Every payload that an end has said.
    said: BTreeSet<Vec<u8>>,
    /// What has left to the good one, by its port, stream and number, extended over its cycles; and the last of each.
    left: BTreeSet<(u16, u32, u64)>,
    last: BTreeMap<(u16, u32), u64>,
    waited: Duration,
}

fn address(link: u64, port: u16) -> SocketAddr {
    let last = if link == GOOD { 1 } else { 2 };
    SocketAddr::from(([10, 2, 0, last], port))
}

/// A description of one of the ends. `key`: the line of its key, or nothing.
fn described(link: u64, way: &str, key: &str) -> String {
    let ip = address(link, 0).ip();
    let [audio, video] = PORTS;
    format!(
        "v=0\no=- 1 1 IN IP4 {ip}\ns=-\nc=IN IP4 {ip}\nt=0 0\nm=audio {audio} RTP/AVP 0 101\n\
         a=rtpmap:101 telephone-event/8000\na={way}\n{key}m=video {video} RTP/AVP 96\na=rtpmap:96 VP8/90000\n\
         a=rtcp-fb:* nack pli\na={way}\n{key}"
    )
}

impl World {
    fn new(choice: u8) -> Self {
        let mut engine = Engine::new();
        let codecs: Arc<[Codec]> = [Codec::Pcmu, Codec::Vp8].into();
        engine.open_phone(GOOD, Talk::Peer { codecs: Arc::clone(&codecs) }, Srtp::Off);
        engine.remote(GOOD, SignalKind::Offer, described(GOOD, "sendrecv", "").as_bytes());
        let secure = choice & 1 == 1;
        let policy = if secure { Srtp::Optional } else { Srtp::Off };
        // It calls or is called.
        let suite = match choice & 2 {
            0 => Suite::AesCm128HmacSha1_80,
            _ => SUITES[usize::from(choice >> 2) % SUITES.len()],
        };
        let theirs = Crypto::new(1, suite, &[7; KEY_BYTES]);
        let key = if secure { format!("a=crypto:{}\n", theirs.write()) } else { String::new() };
        engine.open_phone(WILD, Talk::Ours { with: Some(LinkId::new(GOOD)), codecs }, policy);
        engine.described(WILD).expect("an offer");
        engine.remote(WILD, SignalKind::Answer, described(WILD, "sendrecv", &key).as_bytes());
        engine.described(GOOD).expect("an answer");
        if choice & 2 == 2 {
            // The same, by an offer of the telephone's own.
            engine.remote(WILD, SignalKind::Offer, described(WILD, "sendrecv", &key).as_bytes());
            engine.described(WILD).expect("an answer");
        }
        let provider = identity().expect("an identity").provider;
        let keys = (secure).then(|| (Seal::of(&provider, &theirs), theirs));
        let mut world = Self {
            engine,
            keys,
            next: [(1_000, 0), (2_000, 0)],
            said: BTreeSet::new(),
            left: BTreeSet::new(),
            last: BTreeMap::new(),
            waited: Duration::ZERO,
        };
        world.judge();
        world
    }

    /// Our port for a section of an end: those of the good one were bound first.
    fn local(&self, link: u64, section: usize) -> Option<SocketAddr> {
        self.engine.out.ports.get(2 * link as usize + section).copied()
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let head = input.byte();
        let (kind, argument) = (head & 0x07, head >> 3);
        let section = usize::from(argument & 1);
        match kind {
            // Bytes from anywhere.
            0 => {
                let count = usize::from(input.byte());
                let port = PORTS[section] + u16::from(argument >> 1 & 1);
                let from = if argument & 4 == 4 { address(WILD, port) } else { SocketAddr::from(([10, 9, 9, 9], 9)) };
                let contents = input.take(count).to_vec();
                if self.keys.is_none() && contents.len() >= 12 {
                    // Where nothing is protected, whoever is taken for the telephone has said it.
                    (12..=contents.len()).for_each(|head| {
                        (head..=contents.len()).for_each(|end| _ = self.said.insert(contents[head..end].to_vec()));
                    });
                }
                self.send(section, argument >> 1 & 1 == 1, from, &contents);
            }
            1 | 2 => self.packet(section, argument, input),
            // RTCP of any content.
            3 => {
                let count = usize::from(input.byte());
                let plain = input.take(count).to_vec();
                let mut sealed = Vec::new();
                let whole = self.keys.as_mut().is_some_and(|(seal, _)| seal.rtcp(&plain, &mut sealed).is_ok());
                let contents = if whole { sealed } else { plain };
                self.send(section, true, address(WILD, PORTS[section] + 1), &contents);
            }
            4 => {
                let span = Duration::from_millis(1 << argument.min(13));
                if self.waited + span < LONGEST {
                    self.waited += span;
                    self.engine.wait(span);
                }
            }
            5 => self.describe(argument, input),
            // The good one says something.
            _ => {
                let count = usize::from(input.byte());
                let payload = input.take(count).to_vec();
                let mut packet = vec![0; rtp::FIXED];
                rtp::write(&mut packet, false, if section == 0 { 0 } else { 96 }, argument.into(), argument.into(), 5);
                packet.extend(&payload);
                self.said.insert(payload);
                if let Some(local) = self.local(GOOD, section) {
                    self.engine.receive_rtp(local, false, address(GOOD, PORTS[section]), &packet);
                }
            }
        }
    }

    /// A packet of the wild one: the next, or one with numbers from the input.
    fn packet(&mut self, section: usize, argument: u8, input: &mut Input<'_>) {
        let next = &mut self.next[section];
        if argument & 2 == 2 {
            next.0 = next.0.saturating_add_signed(i16::from_be_bytes(input.bytes()).into());
            next.1 = next.1.wrapping_add(u32::from_be_bytes(input.bytes()));
        }
        let (seq, time) = *next;
        next.0 += 1;
        let pt = match (argument >> 2 & 3, section) {
            (0 | 1, 0) => 0,
            (2, 0) => 101,
            (0 | 1, _) => 96,
            _ => input.byte() & 0x7f,
        };
        let ssrc = if argument & 16 == 16 { input.byte().into() } else { 7 };
        let count = usize::from(input.byte());
        let payload = input.take(count).to_vec();
        let tag = self.keys.as_ref().map_or(0, |(seal, _)| seal.tag());
        let mut packet = vec![0; rtp::FIXED + payload.len() + tag];
        rtp::write(&mut packet, argument & 1 == 1, pt, seq as u16, time, ssrc);
        match &mut self.keys {
            Some((seal, _)) => seal.rtp(ssrc, seq, &mut packet, rtp::FIXED, &payload).expect("it is sealed"),
            None => packet[rtp::FIXED..].copy_from_slice(&payload),
        }
        self.said.insert(payload);
        self.send(section, false, address(WILD, PORTS[section]), &packet);
    }

    fn send(&mut self, section: usize, control: bool, from: SocketAddr, contents: &[u8]) {
        if let Some(local) = self.local(WILD, section) {
            let before = self.engine.worker.counts();
            self.engine.receive_rtp(local, control, from, contents);
            let after = self.engine.worker.counts();
            let known = after.strangers == before.strangers;
            assert!(known || (after.packets_in, after.packets_out) == (before.packets_in, before.packets_out));
        }
    }

    /// The wild one describes itself anew: in a way that makes sense, or in any words.
    fn describe(&mut self, argument: u8, input: &mut Input<'_>) {
        let way = ["sendrecv", "sendonly", "recvonly", "inactive"][usize::from(argument & 3)];
        let key = self.keys.as_ref().map(|(_, key)| format!("a=crypto:{}\n", key.write())).unwrap_or_default();
        let mut text = described(WILD, way, &key);
        if argument & 4 == 4 {
            let count = usize::from(input.byte());
            let words = String::from_utf8_lossy(input.take(count)).into_owned();
            text = if argument & 8 == 8 { text + &words } else { words };
        }
        let (answers_us, before) = (argument & 16 == 16, self.engine.lives(WILD));
        let kind = if answers_us { SignalKind::Answer } else { SignalKind::Offer };
        self.engine.out.events.clear();
        self.engine.remote(WILD, kind, text.as_bytes());
        let mut answers = 0;
        for event in &self.engine.out.events {
            match event {
                MediaEvent::Local { sdp, .. } => {
                    answers += 1;
                    Description::parse(sdp).expect("ours can be read");
                }
                MediaEvent::Declined { .. } => answers += 1,
                _ => {}
            }
        }
        if before && !answers_us {
            assert_eq!(answers, 1, "an offer is answered or declined, once");
            assert!(self.engine.lives(WILD), "an offer never ends a call");
        }
    }

    fn judge(&mut self) {
        self.engine.assert_sound();
        assert!(self.engine.lives(GOOD), "{:?}", self.engine.out.events);
        for (destination, bytes) in std::mem::take(&mut self.engine.out.sent) {
            if destination.ip() != address(GOOD, 0).ip() || !PORTS.contains(&destination.port()) {
                continue;
            }
            let header = rtp::read(&bytes).expect("a packet");
            let payload = &bytes[header.head..];
            let stream = (destination.port(), header.ssrc);
            let last = self.last.entry(stream).or_insert(header.seq.into());
            *last = rtp::extend(*last, header.seq).max(*last);
            let new = self.left.insert((stream.0, stream.1, rtp::extend(*last, header.seq)));
            assert!(new, "a number leaves twice");
            if header.pt == 127 {
                assert_eq!(payload, [0], "it only opens the way");
                continue;
            }
            let media = if destination.port() == PORTS[0] { [0, 101] } else { [96, 96] };
            assert!(media.contains(&header.pt), "payload type {}", header.pt);
            assert!(self.said.contains(payload), "{payload:02x?} came from nowhere");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::srtp::Inbound;

    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "phone", target);
    }

    /// What the wild one is sent can be opened by what it was told, so that the target's keys mean something.
    #[test]
    fn both_sides_are_protected() {
        let mut world = World::new(1);
        let provider = identity().expect("an identity").provider;
        world.packet(0, 0, &mut Input::new(b"\x03abc"));
        assert!(world.said.contains(&b"abc"[..]));
        let got = world.engine.out.sent.iter().any(|(to, bytes)| to.port() == PORTS[0] && bytes.ends_with(b"abc"));
        assert!(got, "{:?}", world.engine.out.sent);
        let (_, theirs) = world.keys.as_ref().expect("keys");
        let mut open = Inbound::of(&provider, theirs);
        let mut out = Vec::new();
        let sealed = world.engine.out.sent.iter().filter(|(to, _)| to.ip() == address(WILD, 0).ip());
        let opened = sealed.filter_map(|(_, bytes)| open.rtp(bytes, &rtp::read(bytes)?, &mut out)).count();
        assert_eq!(opened, 0, "by our key, not by its own");
    }
}
