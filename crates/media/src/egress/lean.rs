//! The lean way out: RTP and RTCP of a viewer past str0m, which keeps its ICE, DTLS, data channels and descriptions.
//!
//! A packet is encrypted from the burst, which all viewers share, straight into the train of datagrams that the socket
//! takes. Nothing else is touched: no queue, no timer, no copy of the payload.
//!
//! str0m and this never use a key for the same thing: what str0m has to say in RTP or RTCP stays here ([`Lean::path`]),
//! so that no nonce is used twice.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::CryptoProvider;
use str0m::media::Mid;

use super::header::{Elements, Fixed, Values};
use super::history::{Form, History};
use super::{Egress, Outgoing, Room, Stream, Wire};
use crate::burst::{Burst, Packet};
use crate::demux::Class;
use crate::rewrite::Vp8Numbers;
use crate::rtcp::{self, Block, Said, SenderReport};
use crate::srtp::{Open, Seal, Tap};
use crate::{clock, vp8};

/// How often a stream that flows is reported on. Oftener, sound and pictures find together sooner; each report is a
/// datagram.
const REPORT: Duration = Duration::from_secs(1);
/// Most bytes that a packet is filled up by so that it leaves in one train with those before it. Chrome's packets of one
/// frame differ by a byte; more would join more trains and waste more of the viewer's bandwidth.
const PADDING: usize = 15;
/// How often losses are judged: the reports of a second are one judgement, as browsers send several.
const JUDGE: Duration = Duration::from_secs(1);

/// From which of our addresses to which of the viewer's.
type Path = (SocketAddr, SocketAddr);

/// One viewer's RTP and RTCP.
pub(crate) struct Lean {
    provider: Arc<CryptoProvider>,
    tap: Tap,
    ciphers: Option<(Seal, Open)>,
    /// Where str0m sends from and to.
    path: Option<Path>,
    cname: String,
    resend: (usize, Duration),
    /// By the slot that they belong to.
    flows: Vec<Option<Flow>>,
    /// When streams are reported on next; nobody sends anything while there is none.
    report_at: Option<Instant>,
    losses: Losses,
    rtt: Option<Duration>,
}

/// One stream to the viewer.
struct Flow {
    stream: Stream,
    /// The peer knows which section it belongs to: it has reported on it.
    bound: bool,
    packets: u32,
    octets: u32,
    /// How many packets there were at the last report of ours.
    reported: u32,
    /// Timestamp of the youngest packet, and when it came.
    last: Option<(u32, Instant)>,
    history: History,
    /// Sequence number of the next retransmission in a stream of its own, extended over its cycles.
    next_resend: u64,
    /// The highest number that the viewer has reported.
    highest: Option<u32>,
}

/// What the viewer has reported lost since the last judgement.
#[derive(Default)]
struct Losses {
    /// In 256ths of a packet.
    lost: u64,
    expected: u64,
    since: Option<Instant>,
}

/// What a viewer has said that concerns others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A key frame is needed in that section.
    KeyWanted(Mid),
    /// Its own estimate of its bandwidth, in bits per second.
    Estimate(u64),
    /// The part of what it was sent in the last second that it has lost.
    Lost { permille: u16 },
}

impl Lean {
    /// A way out that opens with the keys that `tap` will hold. `resend`: how many packets of each stream may be asked for
    /// again, and for how long.
    pub(crate) fn new(provider: Arc<CryptoProvider>, tap: Tap, resend: (usize, Duration)) -> Self {
        Self {
            provider,
            tap,
            ciphers: None,
            path: None,
            cname: String::new(),
            resend,
            flows: Vec::new(),
            report_at: None,
            losses: Losses::default(),
            rtt: None,
        }
    }

    /// The handshake is done: the keys are there. `false`: they are not, so that nothing could be sent.
    pub(crate) fn connected(&mut self) -> bool {
        if self.ciphers.is_none() {
            self.ciphers = self.tap.get().map(|keys| keys.ciphers(&self.provider));
        }
        self.ciphers.is_some()
    }

    /// A stream was agreed.
    pub(crate) fn bind(&mut self, stream: Stream, cname: &str) {
        if self.cname.is_empty() {
            cname.clone_into(&mut self.cname);
        }
        if self.flows.len() <= stream.slot {
            self.flows.resize_with(stream.slot + 1, || None);
        }
        match &mut self.flows[stream.slot] {
            // Its numbers go on; the payload type may be another, under which nothing may be sealed that was before.
            Some(flow) => {
                flow.stream = stream;
                flow.history.clear();
            }
            none => *none = Some(Flow::new(stream, self.resend)),
        }
    }

    /// Nothing more is sent in that slot for now.
    pub(crate) fn rest(&mut self, slot: usize) {
        if let Some(Some(flow)) = self.flows.get_mut(slot) {
            flow.history.clear();
        }
    }

    /// The peer has chosen a way.
    pub(crate) fn go(&mut self, source: SocketAddr, destination: SocketAddr) {
        self.path = Some((source, destination));
    }

    /// A datagram that str0m has for the network shows which way it has chosen. `false`: it is not to be sent, being RTP
    /// or RTCP, which is our part.
    pub(crate) fn path(&mut self, source: SocketAddr, destination: SocketAddr, class: Class<'_>) -> bool {
        // Checks are sent along all ways, to find out about them.
        if matches!(class, Class::Dtls | Class::Media) {
            self.path = Some((source, destination));
        }
        class != Class::Media
    }

    /// Whether a check from there may have changed the way.
    pub(crate) fn is_elsewhere(&self, source: SocketAddr) -> bool {
        self.path.is_some_and(|(_, destination)| destination != source)
    }

    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.rtt
    }

    /// When [`Lean::tick`] is to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.report_at
    }

    /// Reports on what has flowed, if it is time to.
    pub(crate) fn tick(&mut self, now: Instant, wire: &mut Wire<'_>) {
        if self.report_at.is_none_or(|at| now < at) {
            return;
        }
        self.report_at = None;
        let (Some((seal, _)), Some((source, destination))) = (&mut self.ciphers, self.path) else { return };
        for flow in self.flows.iter_mut().flatten().filter(|flow| flow.packets != flow.reported) {
            self.report_at = Some(now + REPORT);
            flow.reported = flow.packets;
            let Room { plain, sealed, .. } = &mut *wire.room;
            flow.report(now, &self.cname).write(plain);
            // A compound packet for each stream: some receivers look at the first sender alone.
            if seal.rtcp(plain, sealed).is_ok() {
                let length = sealed.len();
                let room = wire.batch.room(source, destination, length, wire.sink);
                room.copy_from_slice(sealed);
            }
        }
    }

    /// Takes RTCP of the viewer, and answers what is asked for.
    pub(crate) fn hear(&mut self, datagram: &[u8], now: Instant, wire: &mut Wire<'_>, mut heard: impl FnMut(Heard)) {
        let Some((_, open)) = &mut self.ciphers else { return };
        let mut plain = std::mem::take(&mut wire.room.plain);
        if open.rtcp(datagram, &mut plain) {
            // Answering takes the buffer.
            let said = std::mem::take(&mut plain);
            rtcp::read(&said, |said| self.said(said, now, wire, &mut heard));
            plain = said;
            if let Some(permille) = self.losses.judge(now) {
                heard(Heard::Lost { permille });
            }
        }
        wire.room.plain = plain;
    }

    fn said(&mut self, said: Said, now: Instant, wire: &mut Wire<'_>, heard: &mut impl FnMut(Heard)) {
        match said {
            Said::Report(block) => self.reported(&block, now),
            // A viewer sends nothing.
            Said::Sender { .. } => {}
            Said::Remb { bps } => heard(Heard::Estimate(bps)),
            Said::Key { ssrc } => {
                if let Some(flow) = self.flows.iter().flatten().find(|flow| flow.stream.ssrc == ssrc) {
                    heard(Heard::KeyWanted(flow.stream.mid));
                }
            }
            Said::Nack { ssrc, seq, mask } => {
                let (Some((seal, _)), Some(path)) = (&mut self.ciphers, self.path) else { return };
                let wanted = |flow: &&mut Flow| flow.stream.ssrc == ssrc && flow.stream.nackable;
                let Some(flow) = self.flows.iter_mut().flatten().find(wanted) else { return };
                let behind = (0..16).filter(|bit| mask >> bit & 1 == 1).map(|bit| seq.wrapping_add(bit + 1));
                for seq in std::iter::once(seq).chain(behind) {
                    flow.again(seq, seal, path, now, wire);
                }
            }
        }
    }

    fn reported(&mut self, block: &Block, now: Instant) {
        let Some(flow) = self.flows.iter_mut().flatten().find(|flow| flow.stream.ssrc == block.ssrc) else { return };
        flow.bound = true;
        let before = flow.highest.replace(block.highest).unwrap_or(block.highest);
        // A report that came late, or makes no sense, weighs nothing.
        let expected = u64::from(block.highest.wrapping_sub(before)).min(u64::from(u16::MAX));
        self.losses.lost += expected * u64::from(block.fraction);
        self.losses.expected += expected;
        if block.last_report != 0 {
            // RFC 3550 section 6.4.1, in 65,536ths of a second; more than a minute is a clock gone wrong.
            let middle = (clock::ntp(now) >> 16) as u32;
            let passed = middle.wrapping_sub(block.last_report).wrapping_sub(block.since);
            if passed < 60 << 16 {
                self.rtt = Some(Duration::from_micros((u64::from(passed) * 1_000_000) >> 16));
            }
        }
    }
}

impl Egress for Lean {
    fn forward(
        &mut self,
        stream: &Stream,
        burst: &Arc<Burst>,
        packets: &[Outgoing],
        now: Instant,
        wire: &mut Wire<'_>,
    ) -> bool {
        let (Some((seal, _)), Some(path)) = (&mut self.ciphers, self.path) else { return false };
        let Some(Some(flow)) = self.flows.get_mut(stream.slot) else { return false };
        let (send_time, tells_mid) = (clock::send_time(now), !flow.bound);
        let form = |one: &Outgoing| Form {
            seq: one.seq,
            time: one.time,
            send_time,
            numbers: one.numbers,
            padding: 0,
            tells_mid,
        };
        // Packets of a frame have the same extensions, but for the last one at most.
        let mut made = Made::default();
        let mut longest = 0;
        if packets.len() > 1 {
            for packet in packets.iter().filter_map(|one| burst.packets.get(one.place)) {
                let head = made.elements(&flow.stream, packet, send_time, tells_mid).head();
                longest = longest.max(head + packet.payload.len());
            }
        }
        for (number, one) in (1..).zip(packets) {
            let (Some(packet), mut form) = (burst.packets.get(one.place), form(one)) else { continue };
            let elements = made.elements(&flow.stream, packet, send_time, tells_mid);
            // The last one of a train may be shorter.
            if number < packets.len() {
                let short = longest - elements.head() - packet.payload.len();
                form.padding = if short <= PADDING { short as u8 } else { 0 };
            }
            if !flow.send(packet, elements, &form, seal, path, wire) {
                continue;
            }
            flow.packets = flow.packets.wrapping_add(1);
            flow.octets = flow.octets.wrapping_add(packet.payload.len() as u32);
            if !burst.late {
                flow.last = Some((one.time, burst.at));
            }
            if stream.nackable {
                flow.history.note(burst, one.place, form, now);
            }
        }
        // The first one is due at once, so that sound and pictures find together.
        self.report_at.get_or_insert(now);
        true
    }
}

impl Flow {
    fn new(stream: Stream, resend: (usize, Duration)) -> Self {
        Self {
            stream,
            bound: false,
            packets: 0,
            octets: 0,
            reported: 0,
            last: None,
            history: History::new(resend),
            // As for all streams: below 32,768, so that the first cycle does not end unnoticed (RFC 3711 section 3.3.1).
            next_resend: u64::from(stream.ssrc & 0x7fff),
            highest: None,
        }
    }

    /// Puts a packet into the train.
    fn send(
        &self,
        packet: &Packet,
        elements: &Elements,
        form: &Form,
        seal: &mut Seal,
        path: Path,
        wire: &mut Wire<'_>,
    ) -> bool {
        let fixed = Fixed {
            pt: self.stream.pt,
            marker: packet.marker,
            padded: form.padding > 0,
            seq: form.seq as u16,
            time: form.time,
            ssrc: self.stream.ssrc,
        };
        if form.padding == 0 && form.numbers == Vp8Numbers::default() {
            return wire.put(path, elements, &fixed, form.seq, &packet.payload, seal);
        }
        let mut plain = std::mem::take(&mut wire.room.plain);
        plain.clear();
        plain.extend_from_slice(&packet.payload);
        vp8::renumber(&mut plain, form.numbers);
        pad(&mut plain, form.padding);
        let put = wire.put(path, elements, &fixed, form.seq, &plain, seal);
        wire.room.plain = plain;
        put
    }

    /// Sends a packet again, if there still is one and there is room for it.
    fn again(&mut self, seq: u16, seal: &mut Seal, path: Path, now: Instant, wire: &mut Wire<'_>) {
        let Some(sent) = self.history.again(seq, now) else { return };
        let (packet, form) = (sent.packet(), &sent.form);
        let Some((ssrc, pt)) = self.stream.resend else {
            // To the byte as it was: nothing else may be sealed under its number.
            let mut made = Made::default();
            let elements = made.elements(&self.stream, packet, form.send_time, form.tells_mid);
            self.send(packet, elements, form, seal, path, wire);
            return;
        };
        let index = self.next_resend;
        self.next_resend += 1;
        let fixed = Fixed { pt, marker: packet.marker, padded: false, seq: index as u16, time: form.time, ssrc };
        let mut made = Made::default();
        let elements = made.elements(&self.stream, packet, clock::send_time(now), !self.bound);
        // RFC 4588 section 4: the number that it had, then what it was.
        let mut plain = std::mem::take(&mut wire.room.plain);
        plain.clear();
        plain.extend_from_slice(&(form.seq as u16).to_be_bytes());
        plain.extend_from_slice(&packet.payload);
        vp8::renumber(&mut plain[2..], form.numbers);
        wire.put(path, elements, &fixed, index, &plain, seal);
        wire.room.plain = plain;
    }

    fn report<'a>(&self, now: Instant, cname: &'a str) -> SenderReport<'a> {
        let (time, at) = self.last.unwrap_or((0, now));
        let since = now.saturating_duration_since(at).as_micros() * u128::from(self.stream.clock_rate) / 1_000_000;
        SenderReport {
            ssrc: self.stream.ssrc,
            ntp: clock::ntp(now),
            time: time.wrapping_add(since as u32),
            packets: self.packets,
            octets: self.octets,
            cname,
        }
    }
}

/// The extension elements that were made last, which are mostly those of the next packet, too.
#[derive(Default)]
struct Made(Option<(Values, Elements)>);

impl Made {
    fn elements(&mut self, stream: &Stream, packet: &Packet, send_time: u32, tells_mid: bool) -> &Elements {
        let values = Values {
            mid: tells_mid.then_some(stream.mid_bytes),
            send_time,
            level: packet.level.map(|level| u8::from(packet.voice) << 7 | level & 0x7f),
            rotation: packet.rotation.map(|rotation| rotation as u8),
        };
        let made = self.0.take().filter(|(of, _)| *of == values);
        let (_, elements) = self.0.insert(made.unwrap_or_else(|| (values, Elements::new(&stream.ids, &values))));
        elements
    }
}

impl Losses {
    /// The part that was lost, per mille, once a second.
    fn judge(&mut self, now: Instant) -> Option<u16> {
        let since = *self.since.get_or_insert(now);
        if self.expected == 0 || now.saturating_duration_since(since) < JUDGE {
            return None;
        }
        let permille = self.lost * 1_000 / (256 * self.expected);
        *self = Self { since: Some(now), ..Self::default() };
        u16::try_from(permille).ok()
    }
}

/// Padding as of RFC 3550 section 5.1: its last byte tells how much there is.
fn pad(payload: &mut Vec<u8>, padding: u8) {
    if padding > 0 {
        payload.resize(payload.len() + usize::from(padding), 0);
        if let Some(last) = payload.last_mut() {
            *last = padding;
        }
    }
}

impl Wire<'_> {
    /// Writes a packet into the train and seals it there.
    fn put(
        &mut self,
        (source, destination): Path,
        elements: &Elements,
        fixed: &Fixed,
        index: u64,
        payload: &[u8],
        seal: &mut Seal,
    ) -> bool {
        let head = elements.head();
        let length = head + payload.len() + seal.tag();
        let room = self.batch.room(source, destination, length, self.sink);
        elements.write(fixed, room);
        let sealed = seal.rtp(fixed.ssrc, index, room, head, payload).is_ok();
        if !sealed {
            // It may be in clear still.
            self.batch.take_back(length);
        }
        sealed
    }
}
