//! A leg: one peer's connection, receiving from it, sending to it, or talking with it.
//!
//! str0m keeps WebRTC connections; a leg adds what a forwarding unit needs around it. A telephone's has none ([`phone`]). A
//! leg does no routing: what happens goes to its worker as [`Happened`].

mod answer;
mod data;
mod fragments;
mod heed;
mod phone;
mod receive;
mod send;
mod slot;
mod talk;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::{LinkId, MediaEvent, MediaFault, Name, Open, PartyId, Report, Section, Topic};
use str0m::bwe::BweKind;
use str0m::config::CryptoProvider;
use str0m::ice::StunMessage;
use str0m::net::{Protocol, Receive as Received};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event, Input, Output, Rtc};

use self::data::Data;
pub(crate) use self::data::Queued;
pub(crate) use self::fragments::Fragmenting;
pub(crate) use self::phone::{Change as Recall, Heard, Telephone};
pub(crate) use self::receive::Receiving;
pub(crate) use self::send::{Forwarded, Goal, Sending};
pub(crate) use self::talk::{Change, Talking};
use crate::demux::{Class, classify};
use crate::dtls::Identity;
use crate::egress::Wire;
use crate::peer::LayerInfo;
use crate::talk::Passing;
use crate::{Config, sdp};

/// Candidates of one peer that are taken, all told: a browser with many networks has some 30, and each is paired with
/// each of ours. More are ignored.
const CANDIDATES: usize = 100;
/// How long a peer has to connect. The dialects' own limits are shorter; this one frees what they forgot.
const CONNECT: Duration = Duration::from_secs(30);

/// One leg.
pub(crate) struct Leg {
    pub(crate) link: LinkId,
    pub(crate) owner: PartyId,
    pub(crate) says: Vec<Topic>,
    pub(crate) hears: Vec<Topic>,
    pub(crate) role: Role,
    /// A receiving leg has none until its peer's offer has told which codecs it takes.
    pub(crate) rtc: Option<Rtc>,
    /// Candidates that came before the offer.
    early: Vec<Candidate>,
    candidates: usize,
    /// Where its peer's datagrams come from, as far as that is proved.
    pub(crate) addresses: Vec<SocketAddr>,
    /// From which of our addresses to which of the peer's, as the peer has chosen; before it has, and where we choose,
    /// it is str0m's choice. (str0m would stay with the way that it took first as long as none has a higher priority,
    /// which the one after a change of network has not.)
    nominated: Option<(SocketAddr, SocketAddr)>,
    /// We answer checks, and send none.
    lite: bool,
    /// What the peer calls it in its checks, the newest last.
    pub(crate) names: Vec<String>,
    pub(crate) data: Data,
    pub(crate) connected: bool,
    pub(crate) flowing: bool,
    opened: Instant,
    /// When the peer last gave a sign of life.
    pub(crate) heard: Instant,
    /// When str0m wants to be called.
    rtc_due: Option<Instant>,
    /// The tick of the worker's wheel in which it is called.
    pub(crate) armed: Option<u64>,
    /// It waits to be polled.
    pub(crate) dirty: bool,
    report_every: Duration,
    pub(crate) report_at: Instant,
    loss_permille: u16,
    rtt: Option<Duration>,
    pub(crate) estimate: Option<u64>,
    goal: Goal,
}

/// What a leg does.
pub(crate) enum Role {
    Receive(Box<Receiving>),
    Send(Box<Sending>),
    /// Pictures on a data channel.
    Fragments(Box<Fragmenting>),
    /// A browser in a conversation.
    Talk(Box<Talking>),
    /// A telephone in one.
    Phone(Box<Telephone>),
}

/// What happened to a leg.
#[derive(Debug)]
pub(crate) enum Happened {
    Connected,
    Packet(Box<RtpPacket>),
    /// The peer needs a key frame of what it is sent in that section.
    KeyWanted(str0m::media::Mid),
    /// The telephone is to send a key frame, and somebody else has to ask it.
    KeyUnasked,
    /// Its network was estimated anew.
    Estimate,
    /// Its losses were reported.
    Lost,
    /// The channel that pictures are sent on is open.
    Opened,
    Said {
        binary: bool,
        bytes: Vec<u8>,
    },
    /// A channel that its owner heeds is open, or no longer.
    Channel {
        channel: Name,
        open: bool,
    },
    /// Something was said on one.
    Heard {
        channel: Name,
        binary: bool,
        bytes: Arc<[u8]>,
    },
    /// Its peer has closed the connection.
    Closed,
}

/// Why a leg is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Lost,
    Fault(MediaFault),
}

impl Leg {
    pub(crate) fn new(open: &Open, role: Role, lite: bool, now: Instant) -> Self {
        Self {
            link: open.link,
            owner: open.owner,
            says: open.says.clone(),
            hears: open.hears.clone(),
            role,
            rtc: None,
            early: Vec::new(),
            candidates: 0,
            addresses: Vec::new(),
            nominated: None,
            lite,
            names: Vec::new(),
            data: Data::new(open.heeds.clone()),
            connected: false,
            flowing: false,
            opened: now,
            heard: now,
            rtc_due: None,
            armed: None,
            dirty: false,
            report_every: open.report,
            report_at: now + open.report,
            loss_permille: 0,
            rtt: None,
            estimate: None,
            goal: Goal::default(),
        }
    }

    /// A connection with what all legs share; codecs and the like are the role's.
    fn builder(identity: &Identity, lite: bool, report: Duration) -> str0m::RtcConfig {
        let mut builder = Rtc::builder()
            .set_rtp_mode(true)
            .set_crypto_provider(identity.provider.clone())
            .set_dtls_cert(identity.certificate.clone())
            .set_ice_lite(lite)
            .set_stats_interval(Some(report))
            .set_sctp_max_message_size(data::MESSAGE)
            .set_sctp_max_buffered_amount(data::BUFFERED);
        // A check of ours that is lost is repeated soon: the first one often comes before the peer is ready for it.
        builder.set_initial_stun_rto(Duration::from_millis(100));
        builder
    }

    /// Gives the connection our candidates, and the peer's that came too early.
    fn adopt(&mut self, mut rtc: Rtc, config: &Config) {
        for address in &config.candidates {
            match Candidate::host(*address, Protocol::Udp) {
                Ok(candidate) => drop(rtc.add_local_candidate(candidate)),
                Err(error) => {
                    tracing::warn!(%error, "an advertised address cannot be a candidate; check media.advertise")
                }
            }
        }
        self.early.drain(..).for_each(|candidate| rtc.add_remote_candidate(candidate));
        self.rtc = Some(rtc);
    }

    /// Takes a candidate of the peer. One that we cannot use (a host name, TCP) is none: the peer has others, or we learn
    /// its address from its checks.
    pub(crate) fn candidate(&mut self, text: &str) {
        let text = text.trim();
        let text = text.strip_prefix("a=").unwrap_or(text);
        let Ok(candidate) = Candidate::from_sdp_string(text) else { return };
        if self.candidates >= CANDIDATES {
            return;
        }
        self.candidates += 1;
        match &mut self.rtc {
            Some(rtc) => rtc.add_remote_candidate(candidate),
            None => self.early.push(candidate),
        }
    }

    /// What the peer will call us from now on.
    pub(crate) fn name(&mut self) -> Option<String> {
        Some(self.rtc.as_mut()?.direct_api().local_ice_credentials().ufrag)
    }

    /// Hands the leg a datagram.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        datagram: &[u8],
        provider: &CryptoProvider,
    ) -> Result<(), Over> {
        let Some(rtc) = &mut self.rtc else { return Ok(()) };
        let Ok(received) = Received::new(Protocol::Udp, source, destination, datagram) else { return Ok(()) };
        self.heard = now;
        rtc.handle_input(Input::Receive(now, received)).map_err(|error| lost(&error))?;
        let chosen = (destination, source);
        if self.lite {
            if self.nominated != Some(chosen) && nominates(datagram, rtc, provider) {
                self.nominated = Some(chosen);
                if let Role::Send(sending) = &mut self.role
                    && let Some(lean) = &mut sending.lean
                {
                    lean.go(destination, source);
                }
            }
        } else if let Role::Send(sending) = &self.role
            && sending.lean.as_ref().is_some_and(|lean| lean.is_elsewhere(source))
        {
            // str0m tells the way that it has chosen by nothing but what it sends: this never leaves ([`Lean::path`]).
            rtc.direct_api().send_pli_feedback(0.into(), 0.into());
        }
        Ok(())
    }

    /// Whether a check that names this leg was made by somebody who knows its password.
    pub(crate) fn proves(&self, now: Instant, source: SocketAddr, destination: SocketAddr, datagram: &[u8]) -> bool {
        let Some(rtc) = &self.rtc else { return false };
        let received = Received::new(Protocol::Udp, source, destination, datagram);
        received.is_ok_and(|received| rtc.accepts(&Input::Receive(now, received)))
    }

    /// Tells str0m the time, which sends what was written.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), Over> {
        self.ask_again(now);
        let Some(rtc) = &mut self.rtc else { return Ok(()) };
        rtc.handle_input(Input::Timeout(now)).map_err(|error| lost(&error))
    }

    /// Takes out what str0m has for the network and for us, and learns when it wants to be called again.
    pub(crate) fn poll(&mut self, now: Instant, wire: &mut Wire<'_>, happened: &mut Vec<Happened>) -> Result<(), Over> {
        if let Role::Phone(phone) = &mut self.role
            && phone.tick(now, wire)
        {
            happened.push(Happened::KeyUnasked);
        }
        let Some(rtc) = &mut self.rtc else { return Ok(()) };
        let (mut lean, mut talking, mut cutting) = match &mut self.role {
            Role::Send(sending) => (sending.lean.as_deref_mut(), None, None),
            Role::Talk(talking) => (None, Some(talking), None),
            Role::Fragments(fragmenting) => (None, None, Some(fragmenting)),
            Role::Receive(_) | Role::Phone(_) => (None, None, None),
        };
        loop {
            happened.extend(self.data.news());
            match rtc.poll_output().map_err(|error| lost(&error))? {
                Output::Transmit(mut transmit) => {
                    // Checks and their answers stay on the way that they are about.
                    let class = classify(&transmit.contents);
                    if let (Some((source, destination)), Class::Dtls | Class::Media) = (self.nominated, class) {
                        (transmit.source, transmit.destination) = (source, destination);
                    }
                    let (from, to) = (transmit.source, transmit.destination);
                    if lean.as_mut().is_none_or(|lean| lean.path(from, to, class)) {
                        wire.batch.push(&transmit, wire.sink);
                    }
                }
                Output::Timeout(at) => {
                    self.rtc_due = Some(at);
                    if let Some(lean) = lean {
                        lean.tick(now, wire);
                    }
                    return Ok(());
                }
                Output::Event(event) => match event {
                    Event::RtpPacket(packet) => happened.push(Happened::Packet(Box::new(packet))),
                    Event::KeyframeRequest(request) => happened.push(Happened::KeyWanted(request.mid)),
                    Event::EgressBitrateEstimate(estimate) => {
                        let (BweKind::Twcc { estimate, .. } | BweKind::Remb { estimate, .. }) = estimate else {
                            continue;
                        };
                        self.estimate = Some(estimate.as_u64());
                        happened.push(Happened::Estimate);
                    }
                    Event::Connected => {
                        if lean.as_mut().is_some_and(|lean| !lean.connected()) {
                            return Err(Over::Fault(MediaFault::Internal));
                        }
                        self.connected = true;
                        happened.push(Happened::Connected);
                    }
                    Event::PeerStats(stats) => {
                        let loss = stats.egress_loss_fraction.or(stats.ingress_loss_fraction).unwrap_or(0.0);
                        (self.loss_permille, self.rtt) = (permille(loss), stats.rtt);
                        happened.push(Happened::Lost);
                    }
                    Event::SenderFeedback(feedback) => {
                        if let Some(talking) = &mut talking {
                            talking.sampled(&feedback);
                        }
                    }
                    Event::ChannelOpen(id, name) => {
                        if cutting.as_mut().is_some_and(|cutting| cutting.opened(id, &name, rtc)) {
                            happened.push(Happened::Opened);
                        } else {
                            self.data.opened(id, &name, rtc);
                        }
                    }
                    Event::ChannelClose(id) => {
                        self.data.closed(id);
                        cutting.iter_mut().for_each(|cutting| cutting.closed(id));
                    }
                    Event::ChannelBufferedAmountLow(_) => {
                        self.data.drain(rtc);
                        cutting.iter_mut().for_each(|cutting| cutting.resume(rtc));
                    }
                    Event::ChannelData(said) => self.data.said(said, now, rtc),
                    Event::Closed => happened.push(Happened::Closed),
                    _ => {}
                },
            }
        }
    }

    /// Hands the peer a data message, as soon as there is a channel for it; or on the channel of that name, if it is open.
    pub(crate) fn say(&mut self, to: Option<&Name>, message: Queued) {
        if to.is_none() && matches!(self.role, Role::Fragments(_)) {
            // Its own channel is for fragments alone: nothing that is said to everybody has a place.
            return;
        }
        self.data.push(to, message, self.rtc.as_mut());
    }

    /// Says good-bye to the peer, with the next poll.
    pub(crate) fn close(&mut self) {
        if let Some(rtc) = &mut self.rtc {
            // Before a handshake there is nobody to say it to.
            let _ = rtc.close();
        }
    }

    /// Losses were reported: they tell of the viewer's network.
    pub(crate) fn lost(&mut self, now: Instant) {
        if let Role::Send(sending) = &mut self.role {
            sending.lost(self.loss_permille, now);
        }
    }

    /// When it is to be called.
    pub(crate) fn due(&self) -> Option<Instant> {
        let own = match &self.role {
            Role::Send(sending) => sending.lean.as_ref().and_then(|lean| lean.due()),
            Role::Talk(talking) => talking.due(),
            Role::Phone(phone) => phone.due(),
            Role::Receive(_) | Role::Fragments(_) => None,
        };
        self.rtc_due.into_iter().chain(own).min()
    }

    /// When its str0m is to be told the time.
    pub(crate) fn rtc_due(&self) -> Option<Instant> {
        self.rtc.as_ref().and(self.rtc_due)
    }

    /// The other end of the conversation, and its section that this one's packets go to.
    pub(crate) fn leads(&self, place: usize) -> Option<(LinkId, usize)> {
        match &self.role {
            Role::Talk(talking) => talking.other.zip(talking.other_place(place)),
            Role::Phone(phone) => phone.other.zip(phone.other_place(place)),
            Role::Receive(_) | Role::Send(_) | Role::Fragments(_) => None,
        }
    }

    /// Sends a packet of the other end of the conversation.
    pub(crate) fn pass(&mut self, packet: &Passing<'_>, now: Instant, wire: &mut Wire<'_>) -> Forwarded {
        let (sent, how) = match &mut self.role {
            Role::Phone(phone) => (phone.send(packet, now, wire), Forwarded::Sent),
            _ => (self.talk(packet, now), Forwarded::Written),
        };
        if sent { how } else { Forwarded::Nothing }
    }

    /// Whether the peer has been silent for too long, or never came.
    pub(crate) fn is_lost(&self, now: Instant, grace: Duration) -> bool {
        let waits = match &self.role {
            Role::Phone(phone) if phone.agreed => return phone.is_silent(now),
            Role::Phone(_) => true,
            Role::Talk(talking) => !talking.agreed,
            Role::Receive(_) | Role::Send(_) | Role::Fragments(_) => false,
        };
        let (since, patience) = match (waits, self.connected) {
            (true, _) => (self.opened, talk::WAIT),
            (false, true) => (self.heard, grace),
            (false, false) => (self.opened, CONNECT),
        };
        now.saturating_duration_since(since) > patience
    }

    /// A report before its time, if there is something to tell that is asked for as soon as media flows. Once for each
    /// layer.
    pub(crate) fn news(&mut self, now: Instant) -> Option<MediaEvent> {
        let Role::Receive(receiving) = &mut self.role else { return None };
        if !self.flowing || !std::mem::take(&mut receiving.news) {
            return None;
        }
        self.report_at = now;
        self.report(now)
    }

    /// The report that is due now, if one is.
    pub(crate) fn report(&mut self, now: Instant) -> Option<MediaEvent> {
        if now < self.report_at {
            return None;
        }
        self.report_at = now + self.report_every;
        if !self.flowing {
            return None;
        }
        self.repeat_limit();
        let mut report =
            Report { loss_permille: self.loss_permille, rtt_ms: self.rtt.map(millis), ..Report::default() };
        match &mut self.role {
            Role::Receive(receiving) => receiving.report(now, &mut report),
            Role::Send(sending) => sending.report(now, &mut report),
            Role::Fragments(fragmenting) => fragmenting.report(now, &mut report),
            Role::Talk(talking) => talking.report(now, &mut report),
            Role::Phone(phone) => {
                phone.report(now, &mut report);
                report.loss_permille = phone.loss();
                report.rtt_ms = phone.rtt().map(millis);
            }
        }
        let passed = report.audio_bps.saturating_add(report.video_bps);
        // An estimate never rises far above what is sent: without loss, what passed is no limit.
        let estimate = self.estimate.map(|bps| u32::try_from(bps).unwrap_or(u32::MAX));
        report.target_bps = match estimate {
            Some(bps) if report.loss_permille > 20 => bps,
            Some(bps) => bps.max(passed),
            None => passed,
        };
        Some(MediaEvent::Report { link: self.link, report })
    }

    /// The sections of a description of ours, with whose media each carries.
    fn sections(&self, sdp: &str) -> Vec<Section<LinkId>> {
        let source = |mid: &str| match &self.role {
            Role::Send(sending) => sending.source_of(mid),
            Role::Receive(_) | Role::Fragments(_) | Role::Talk(_) | Role::Phone(_) => None,
        };
        let section = |(kind, mid): (_, &str)| Section { mid: mid.to_owned(), kind, source: source(mid) };
        sdp::sections(sdp).map(section).collect()
    }

    /// Whether its choices are to be looked at again without news.
    pub(crate) fn needs_care<'a>(&self, layers: impl Fn(LinkId) -> &'a [LayerInfo]) -> bool {
        match &self.role {
            Role::Send(sending) => self.connected && sending.needs_care(layers),
            Role::Fragments(fragmenting) => self.connected && fragmenting.needs_care(layers),
            Role::Receive(_) | Role::Talk(_) | Role::Phone(_) => false,
        }
    }

    /// Tells the estimator what to do, where there is one.
    pub(crate) fn look_for(&mut self, goal: Goal) {
        let Some(rtc) = &mut self.rtc else { return };
        if goal != self.goal {
            self.goal = goal;
            rtc.bwe().set_bitrate(goal.sustained.into(), goal.desired.into());
        }
    }
}

/// Whether it is a check of the peer that says: this way, from now on (RFC 8445 section 7.3.1.5).
fn nominates(datagram: &[u8], rtc: &mut Rtc, provider: &CryptoProvider) -> bool {
    if !matches!(classify(datagram), Class::Check(_)) {
        return false;
    }
    let Ok(check) = StunMessage::parse(datagram) else { return false };
    let ours = rtc.direct_api().local_ice_credentials();
    check.use_candidate()
        && check.split_username().is_some_and(|(name, _)| name == ours.ufrag)
        && check.verify(ours.pass.as_bytes(), |key, parts| provider.sha1_hmac_provider.sha1_hmac(key, parts))
}

/// A failure of the connection itself: handshake, transport, the peer's fault or the network's. Its words may quote the
/// peer.
fn lost(error: &str0m::RtcError) -> Over {
    tracing::debug!(%error, "a leg failed");
    Over::Lost
}

fn millis(rtt: Duration) -> u16 {
    u16::try_from(rtt.as_millis()).unwrap_or(u16::MAX)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a fraction before")]
fn permille(fraction: f32) -> u16 {
    (fraction.clamp(0.0, 1.0) * 1_000.0) as u16
}
