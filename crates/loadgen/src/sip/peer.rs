//! The WebRTC end of one call: sound both ways, by str0m from end to end.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};

use super::voice::{self, Spoken};
use crate::Result;
use crate::sfu::socket::Socket;
use crate::sfu::tap;

/// A packet per 20 ms, as browsers and telephones send them.
const EVERY: Duration = Duration::from_millis(20);
/// What was missed for longer than this is not sent in one lump.
const LATE: Duration = Duration::from_millis(200);
/// PCMU (RFC 3551): the one codec of SIPp's telephone.
const PCMU: u8 = 0;
/// SRTP's rollover counter has to begin at zero, and a wrap is to come within a long call.
const FIRST: u32 = 60_000;

pub(super) struct Peer {
    rtc: Rtc,
    pub(super) socket: Socket,
    mid: Option<Mid>,
    pending: Option<SdpPendingOffer>,
    /// The answer takes what we send.
    agreed: bool,
    /// When str0m wants to be asked.
    due: Instant,
    /// When the next packet is to be sent.
    next: Option<Instant>,
    number: u32,
    pub(super) connected: bool,
    pub(super) lost: bool,
    /// What came since it was last asked for.
    heard: Vec<Option<Spoken>>,
}

impl Peer {
    pub(super) fn new(ip: IpAddr, now: Instant) -> Result<Self> {
        let socket = Socket::bind(ip)?;
        let config = RtcConfig::new()
            .set_crypto_provider(tap::provider())
            .set_dtls_cert(tap::certificate()?)
            .set_rtp_mode(true)
            .clear_codecs()
            .enable_opus(true, false)
            .enable_pcmu(true, false);
        let mut rtc = config.build(now);
        rtc.add_local_candidate(Candidate::host(socket.addr, Protocol::Udp)?);
        Ok(Self {
            rtc,
            socket,
            mid: None,
            pending: None,
            agreed: false,
            due: now,
            next: None,
            number: 0,
            connected: false,
            lost: false,
            heard: Vec::new(),
        })
    }

    /// Offers to speak and to listen.
    pub(super) fn offer(&mut self) -> Result<String> {
        let mut api = self.rtc.sdp_api();
        self.mid = Some(api.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None));
        let (offer, pending) = api.apply().ok_or("nothing to offer")?;
        self.pending = Some(pending);
        Ok(offer.to_sdp_string())
    }

    pub(super) fn accept(&mut self, answer: &str) -> Result<()> {
        let pending = self.pending.take().ok_or("an answer to no offer")?;
        if !takes_pcmu(answer) {
            return Err("the answer takes no PCMU".into());
        }
        self.rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(answer)?)?;
        self.agreed = true;
        Ok(())
    }

    /// Takes a datagram.
    pub(super) fn input(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) -> Result<()> {
        let Ok(receive) = Receive::new(Protocol::Udp, from, self.socket.addr, datagram) else { return Ok(()) };
        self.rtc.handle_input(Input::Receive(now, receive))?;
        self.drain(now)
    }

    /// Something of its own is due, or something was described. `caller` says `nanos` in what it sends; whether it sent.
    pub(super) fn turn(&mut self, caller: usize, nanos: u64, now: Instant) -> Result<bool> {
        let speaks = self.next.filter(|at| *at <= now && self.agreed);
        if let Some(at) = speaks {
            self.speak(Spoken { nanos, caller: caller as u32, number: self.number }, now);
            self.number += 1;
            let next = at + EVERY;
            self.next = Some(if next + LATE < now { now + EVERY } else { next });
        }
        self.rtc.handle_input(Input::Timeout(now))?;
        self.drain(now)?;
        Ok(speaks.is_some())
    }

    fn speak(&mut self, spoken: Spoken, now: Instant) {
        let Some(mid) = self.mid else { return };
        let mut api = self.rtc.direct_api();
        if let Some(stream) = api.stream_tx_by_mid(mid, None) {
            let seq = u64::from(FIRST + spoken.number);
            let time = spoken.number.wrapping_mul(voice::BYTES as u32);
            stream.write_rtp(RtpWrite::new(Pt::from(PCMU), seq.into(), time, now, voice::write(&spoken).to_vec()));
        }
    }

    fn drain(&mut self, now: Instant) -> Result<()> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(due) => {
                    self.due = due;
                    return Ok(());
                }
                Output::Transmit(transmit) => self.socket.send(&transmit.contents, transmit.destination),
                Output::Event(event) => self.event(&event, now),
            }
        }
    }

    fn event(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Connected => {
                self.connected = true;
                self.next = Some(now);
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) | Event::Closed => self.lost = true,
            Event::RtpPacket(packet) => self.heard.push(voice::read(&packet.payload)),
            _ => {}
        }
    }

    /// What came since the last time: `None` for a packet that nobody of ours has sent.
    pub(super) fn heard(&mut self) -> Vec<Option<Spoken>> {
        std::mem::take(&mut self.heard)
    }

    pub(super) fn due(&self) -> Instant {
        self.next.filter(|_| self.agreed).map_or(self.due, |next| next.min(self.due))
    }
}

/// Whether PCMU is the payload type that an answer names first.
fn takes_pcmu(answer: &str) -> bool {
    let sections = answer.lines().find_map(|line| line.strip_prefix("m=audio "));
    sections.and_then(|section| section.split_whitespace().nth(2)).and_then(|pt| pt.parse().ok()) == Some(PCMU)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_answer_chose() {
        assert!(takes_pcmu("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0 126\r\n"));
        assert!(!takes_pcmu("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n"));
        assert!(!takes_pcmu("v=0\r\n"));
    }

    #[test]
    fn both_codecs_are_offered() {
        let mut peer = Peer::new(IpAddr::from([127, 0, 0, 1]), Instant::now()).unwrap();
        let offer = peer.offer().unwrap();
        for line in ["a=rtpmap:0 PCMU/8000", "opus/48000/2", "a=sendrecv"] {
            assert!(offer.contains(line), "{line} in {offer}");
        }
        assert!(peer.accept("v=0\r\n").is_err());
    }
}
