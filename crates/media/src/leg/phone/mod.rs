//! The end of a conversation that is a telephone: RTP on ports of its own, plain or under keys that descriptions tell.
//!
//! str0m has no part in it. What a telephone sends is taken from whom it may come ([`source`]), opened, and handed on; what
//! the other end sends is numbered anew and, where keys were agreed upon, sealed.

mod control;
mod describe;
mod line;
mod source;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::{Codec, Kind, LinkId, MediaFault, Report};
use patchbay_sdp::crypto::Policy;
use patchbay_sdp::{Description, Phone};
use str0m::config::CryptoProvider;

pub(crate) use self::describe::Change;
use self::line::Ear;
pub(crate) use self::line::{Heard, Line};
use super::Over;
use super::receive::rate;
use crate::egress::Wire;
use crate::random;
use crate::sink::Sink;
use crate::talk::Passing;
use crate::timeline::Timeline;

/// How long a telephone that should speak may be silent. It may have nothing to say, and yet reports; longer keeps a call
/// that nobody is in, shorter ends one whose network fails for a while.
const SILENT: Duration = Duration::from_secs(60);

/// What a leg to a telephone knows.
pub(crate) struct Telephone {
    policy: Policy,
    /// In which codecs, best first.
    codecs: Arc<[Codec]>,
    pub(crate) other: Option<LinkId>,
    provider: Arc<CryptoProvider>,
    /// Only the addresses that descriptions tell are believed.
    strict: bool,
    /// The number of the session, and of what was said last in it.
    session: u64,
    version: u64,
    cname: String,
    /// The telephone's last description.
    theirs: Option<(Description, Phone)>,
    /// It is an offer that waits for the other end.
    waits: bool,
    /// Our last offer; once it was answered, cut down to what was agreed upon.
    made: Option<Description>,
    /// The other end's sections in it, by ours.
    leads: Vec<Option<usize>>,
    /// It was not answered yet.
    asked: bool,
    /// What was agreed upon: a description with the codecs that flow alone, and the other sections rejected. Later offers
    /// are held against it.
    settled: Option<Description>,
    /// The text that the telephone was told last.
    last_said: Option<String>,
    /// By their place in descriptions.
    pub(crate) lines: Vec<Option<Line>>,
    pub(crate) agreed: bool,
    timeline: Timeline,
    /// From which arrivals are counted.
    epoch: Instant,
    /// The telephone was heard last.
    heard: Instant,
    report_at: Option<Instant>,
    /// The number of the next wish for a key frame in the older form.
    wish: u8,
    wire_rtt: Option<Duration>,
    loss_permille: u16,
}

impl Telephone {
    /// # Errors
    /// If the machine has no randomness.
    pub(crate) fn new(
        policy: Policy,
        codecs: Arc<[Codec]>,
        other: Option<LinkId>,
        provider: Arc<CryptoProvider>,
        strict: bool,
        now: Instant,
    ) -> Result<Self, Over> {
        let [session, name] = [(); 2].map(|()| random::bytes::<8>().map(u64::from_be_bytes));
        let (session, name) = session.zip(name).ok_or(Over::Fault(MediaFault::Internal))?;
        Ok(Self {
            policy,
            codecs,
            other,
            provider,
            strict,
            session,
            version: 0,
            cname: format!("{name:016x}"),
            theirs: None,
            waits: false,
            made: None,
            leads: Vec::new(),
            asked: false,
            settled: None,
            last_said: None,
            lines: Vec::new(),
            agreed: false,
            timeline: Timeline::default(),
            epoch: now,
            heard: now,
            report_at: None,
            wish: 0,
            wire_rtt: None,
            loss_permille: 0,
        })
    }

    /// Its offer waits for an answer of the other end.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Our first offer was not answered yet.
    pub(crate) fn asks(&self) -> bool {
        self.asked && !self.agreed
    }

    /// Our ports, by their sections.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (usize, SocketAddr)> + '_ {
        self.lines.iter().enumerate().filter_map(|(place, line)| Some((place, line.as_ref()?.local)))
    }

    /// Gives all ports back.
    pub(crate) fn release(&mut self, sink: &mut dyn Sink) {
        for line in self.lines.drain(..).flatten() {
            sink.unbind(line.local);
        }
    }

    /// Takes a packet that came to the RTP port of a section. Its payload is left in `out`.
    pub(crate) fn hear(
        &mut self,
        place: usize,
        from: SocketAddr,
        packet: &[u8],
        now: Instant,
        out: &mut Vec<u8>,
    ) -> Heard {
        let (strict, epoch) = (self.strict, self.epoch);
        let Some(Some(line)) = self.lines.get_mut(place) else { return Heard::Foreign };
        if line.agreed.is_none() {
            // Before there are keys nothing can be told apart.
            return Heard::Foreign;
        }
        let ear = Ear { timeline: &self.timeline, strict, now, epoch };
        let heard = line.hear(from, packet, &ear, out);
        if !matches!(heard, Heard::Foreign) {
            self.heard = now;
        }
        heard
    }

    /// Sends a packet of the other end. Whether it left.
    pub(crate) fn send(&mut self, packet: &Passing<'_>, now: Instant, wire: &mut Wire<'_>) -> bool {
        let Some(Some(line)) = self.lines.get_mut(packet.place) else { return false };
        let sent = line.send(packet, now, wire);
        if sent && self.report_at.is_none() {
            self.report_at = Some(now + control::FIRST);
        }
        sent
    }

    /// The section of the other end that this one's packets go to.
    pub(crate) fn other_place(&self, place: usize) -> Option<usize> {
        self.lines.get(place)?.as_ref()?.other
    }

    /// When [`Telephone::tick`] is to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        let lines = self.lines.iter().flatten();
        let each = lines.flat_map(|line| line.open_due().into_iter().chain(line.throttle.deadline()));
        each.chain(self.report_at).min()
    }

    /// Opens ways and reports, as far as it is time to. Whether somebody else has to ask for a key frame.
    pub(crate) fn tick(&mut self, now: Instant, wire: &mut Wire<'_>) -> bool {
        let mut ask = false;
        for place in 0..self.lines.len() {
            let Some(Some(line)) = self.lines.get_mut(place) else { continue };
            line.open(now, wire);
            if line.throttle.due(now) {
                ask |= self.ask_key(place, now, wire);
            }
        }
        if self.report_at.is_some_and(|at| at <= now) {
            self.report_at = Some(now + control::EVERY);
            self.report_all(now, wire);
        }
        ask
    }

    /// Whether a telephone that should speak has been silent for too long.
    pub(crate) fn is_silent(&self, now: Instant) -> bool {
        let expects = self.lines.iter().flatten().any(Line::expects);
        self.agreed && expects && now.saturating_duration_since(self.heard) > SILENT
    }

    /// Whether the telephone is to be heard.
    pub(crate) fn expects(&self) -> bool {
        self.lines.iter().flatten().any(Line::expects)
    }

    pub(crate) fn report(&mut self, now: Instant, report: &mut Report) {
        for line in self.lines.iter().flatten() {
            let bps = rate(line.meter.bps(now));
            match line.kind {
                Kind::Audio => report.audio_bps = report.audio_bps.saturating_add(bps),
                Kind::Video => report.video_bps = report.video_bps.saturating_add(bps),
            }
        }
    }

    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.wire_rtt
    }

    pub(crate) fn loss(&self) -> u16 {
        self.loss_permille
    }
}
