//! A peer of the engine on str0m: a publisher or a viewer.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc};

use super::engine::SERVER;
use crate::dtls::identity;

pub(super) struct Peer {
    pub(super) rtc: Rtc,
    pub(super) address: SocketAddr,
    pub(super) due: Instant,
    pub(super) connected: bool,
    pending: Option<SdpPendingOffer>,
    mids: Vec<(Mid, MediaKind)>,
    /// The sections that it is sent.
    pub(super) sections: Vec<Mid>,
    /// Channels that are open, in the order in which they were opened.
    pub(super) channels: Vec<ChannelId>,
    /// Datagrams to the server.
    pub(super) out: Vec<Vec<u8>>,
    /// Payloads that came.
    pub(super) got: Vec<Vec<u8>>,
    /// Data messages that came.
    pub(super) said: Vec<(bool, Vec<u8>)>,
}

/// One packet to be sent.
pub(super) struct Written {
    pub(super) kind: MediaKind,
    pub(super) seq: u64,
    pub(super) time: u32,
    pub(super) marker: bool,
    pub(super) payload: Vec<u8>,
}

impl Peer {
    pub(super) fn new(now: Instant, last: u8) -> Self {
        let address = SocketAddr::from(([10, 0, 1, last], 5_000));
        let identity = identity().expect("an identity");
        let builder = Rtc::builder().set_rtp_mode(true).set_crypto_provider(identity.provider);
        // A certificate of its own would take longer than all the rest.
        let mut rtc = builder.set_dtls_cert(identity.certificate).build(now);
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).expect("a candidate"));
        Self {
            rtc,
            address,
            due: now,
            connected: false,
            pending: None,
            mids: Vec::new(),
            sections: Vec::new(),
            channels: Vec::new(),
            out: Vec::new(),
            got: Vec::new(),
            said: Vec::new(),
        }
    }

    /// An offer to send sound and pictures, with a data channel.
    pub(super) fn offer(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        for kind in [MediaKind::Audio, MediaKind::Video] {
            self.mids.push((api.add_media(kind, Direction::SendOnly, None, None, None), kind));
        }
        api.add_channel("s".to_owned());
        let (offer, pending) = api.apply().expect("an offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    pub(super) fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("an answer");
        let pending = self.pending.take().expect("an offer is in flight");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer is accepted");
    }

    pub(super) fn answer(&mut self, offer: &str) -> String {
        let offer = SdpOffer::from_sdp_string(offer).expect("an offer");
        self.rtc.sdp_api().accept_offer(offer).expect("the offer is accepted").to_sdp_string()
    }

    pub(super) fn write(&mut self, written: Written, now: Instant) {
        let Written { kind, seq, time, marker, payload } = written;
        let codec = if kind == MediaKind::Audio { Codec::Opus } else { Codec::Vp8 };
        let known = self.rtc.codec_config().params().iter().find(|params| params.spec().codec == codec);
        let pt = known.expect("the codec is on").pt();
        let Some((mid, _)) = self.mids.iter().find(|(_, of)| *of == kind) else { return };
        let values = ExtensionValues { audio_level: Some(-30), ..ExtensionValues::default() };
        let write = RtpWrite::new(pt, seq.into(), time, now, payload).marker(marker).ext_vals(values);
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(*mid, None) {
            stream.write_rtp(write);
        }
        self.tick(now);
    }

    /// Says something on a channel of its own. Whether it was taken.
    pub(super) fn say(&mut self, binary: bool, bytes: &[u8], now: Instant) -> bool {
        let Some(mut channel) = self.channels.first().and_then(|id| self.rtc.channel(*id)) else { return false };
        let taken = channel.write(binary, bytes).unwrap_or(false);
        self.tick(now);
        taken
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.rtc.handle_input(Input::Timeout(now)).expect("time passes");
        self.poll();
    }

    pub(super) fn receive(&mut self, now: Instant, bytes: &[u8]) {
        let Ok(receive) = Receive::new(Protocol::Udp, SERVER.into(), self.address, bytes) else { return };
        self.rtc.handle_input(Input::Receive(now, receive)).expect("a datagram of the server is taken");
        self.poll();
    }

    fn poll(&mut self) {
        loop {
            match self.rtc.poll_output().expect("output") {
                Output::Timeout(at) => {
                    self.due = at;
                    return;
                }
                Output::Transmit(transmit) => self.out.push(transmit.contents.to_vec()),
                Output::Event(Event::MediaAdded(added)) => self.sections.push(added.mid),
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::ChannelOpen(id, _)) => self.channels.push(id),
                Output::Event(Event::ChannelClose(id)) => self.channels.retain(|channel| *channel != id),
                Output::Event(Event::ChannelData(data)) => self.said.push((data.binary, data.data)),
                Output::Event(Event::RtpPacket(packet)) => self.got.push(packet.payload.to_vec()),
                Output::Event(_) => {}
            }
        }
    }
}
