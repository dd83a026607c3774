//! A peer of the engine: a publisher or a viewer on str0m.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::Codec;
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt, Simulcast, SimulcastLayer};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::rtcp::Rtcp;
use str0m::rtp::{ExtensionValues, RawPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event, Input, Output, Rtc};

/// One received packet.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) at: Instant,
    pub(crate) seq: u64,
    pub(crate) time: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
    /// Audio level, and whether it is speech.
    pub(crate) level: Option<(i8, bool)>,
    pub(crate) pt: u8,
}

pub(crate) struct Peer {
    pub(crate) rtc: Rtc,
    pub(crate) address: SocketAddr,
    pub(crate) due: Instant,
    pub(crate) connected: Option<Instant>,
    pub(crate) closed: bool,
    pending: Option<SdpPendingOffer>,
    /// What came, by section.
    pub(crate) got: BTreeMap<String, Vec<Got>>,
    /// Data messages that came.
    pub(crate) said: Vec<(bool, Vec<u8>)>,
    pub(crate) channel: Option<ChannelId>,
    /// All that are open, by name.
    pub(crate) channels: Vec<(ChannelId, String)>,
    /// On which channel what came was said.
    pub(crate) said_on: Vec<ChannelId>,
    pub(crate) mids: Vec<(Mid, MediaKind)>,
    /// When the engine checked the way to it (RFC 8489: a Binding request).
    pub(crate) checks: Vec<Instant>,
    /// When the engine asked for key frames.
    pub(crate) asked: Vec<Instant>,
    /// Of which layer.
    pub(crate) asked_of: Vec<String>,
    pub(crate) out: Vec<Transmit>,
    /// RTCP that came, where the peer was built to show it.
    pub(crate) control: Vec<(Instant, Rtcp)>,
}

impl Peer {
    pub(crate) fn with(
        now: Instant,
        address: SocketAddr,
        change: impl FnOnce(str0m::RtcConfig) -> str0m::RtcConfig,
    ) -> Self {
        let mut rtc = change(Rtc::builder().set_rtp_mode(true)).build(now);
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).expect("a candidate"));
        Self {
            rtc,
            address,
            due: now,
            connected: None,
            closed: false,
            pending: None,
            got: BTreeMap::new(),
            said: Vec::new(),
            channel: None,
            channels: Vec::new(),
            said_on: Vec::new(),
            mids: Vec::new(),
            checks: Vec::new(),
            asked: Vec::new(),
            asked_of: Vec::new(),
            out: Vec::new(),
            control: Vec::new(),
        }
    }

    /// An offer to send sound, pictures, and data.
    pub(crate) fn offer(&mut self, audio: bool, video: bool) -> String {
        let mut api = self.rtc.sdp_api();
        for kind in [(audio, MediaKind::Audio), (video, MediaKind::Video)]
            .into_iter()
            .filter_map(|(on, kind)| on.then_some(kind))
        {
            self.mids.push((api.add_media(kind, Direction::SendOnly, None, None, None), kind));
        }
        api.add_channel("s".to_owned());
        let (offer, pending) = api.apply().expect("an offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    /// An offer to receive, or to do both, in so many sections of sound and of pictures.
    pub(crate) fn offer_to(&mut self, direction: Direction, audio: usize, video: usize) -> String {
        let mut api = self.rtc.sdp_api();
        for kind in std::iter::repeat_n(MediaKind::Audio, audio).chain(std::iter::repeat_n(MediaKind::Video, video)) {
            self.mids.push((api.add_media(kind, direction, None, None, None), kind));
        }
        let (offer, pending) = api.apply().expect("an offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    /// An offer that is the same but for its network.
    pub(crate) fn restart(&mut self) -> String {
        let mut api = self.rtc.sdp_api();
        api.ice_restart(true);
        let (offer, pending) = api.apply().expect("an offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    /// An offer to send pictures in layers of those names.
    pub(crate) fn offer_layers(&mut self, rids: &[&str]) -> String {
        let mut simulcast = Simulcast::new();
        rids.iter().for_each(|rid| simulcast.add_send_layer(SimulcastLayer::new(rid)));
        let mut api = self.rtc.sdp_api();
        let mid = api.add_media(MediaKind::Video, Direction::SendOnly, None, None, Some(simulcast));
        self.mids.push((mid, MediaKind::Video));
        let (offer, pending) = api.apply().expect("an offer");
        self.pending = Some(pending);
        offer.to_sdp_string()
    }

    /// Writes a packet of a layer.
    pub(crate) fn write_layer(&mut self, rid: &str, seq: u64, time: u32, now: Instant, marker: bool, payload: &[u8]) {
        let (_, pt) = self.sending(MediaKind::Video, Some(rid));
        let mid = self.mids[0].0;
        let write = RtpWrite::new(pt, seq.into(), time, now, payload.to_vec()).marker(marker).nackable(true);
        self.rtc.direct_api().stream_tx_by_mid(mid, Some(rid.into())).expect("a stream").write_rtp(write);
    }

    /// Its network changes: it speaks from another address from now on, without a word about it.
    pub(crate) fn move_to(&mut self, address: SocketAddr) {
        let old = Candidate::host(self.address, Protocol::Udp).expect("a candidate");
        self.rtc.direct_api().invalidate_candidate(&old);
        self.rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).expect("a candidate"));
        self.address = address;
    }

    pub(crate) fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("an answer");
        let pending = self.pending.take().expect("an offer is in flight");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer is accepted");
    }

    pub(crate) fn answer(&mut self, offer: &str) -> String {
        let offer = SdpOffer::from_sdp_string(offer).expect("an offer");
        self.rtc.sdp_api().accept_offer(offer).expect("the offer is accepted").to_sdp_string()
    }

    /// An answer to an offer to receive: it gives what it is asked for.
    pub(crate) fn give(&mut self, offer: &str) -> String {
        let answer = self.answer(offer);
        let mids: Vec<Mid> = offer.lines().filter_map(|line| line.strip_prefix("a=mid:")).map(Mid::from).collect();
        let kinds = mids.into_iter().filter_map(|mid| Some((mid, self.rtc.media(mid)?.kind())));
        self.mids.extend(kinds.collect::<Vec<_>>());
        answer
    }

    /// Sections that the peer sends in, by kind.
    fn sending(&mut self, kind: MediaKind, rid: Option<&str>) -> (Ssrc, Pt) {
        let codec = match kind {
            MediaKind::Audio => Codec::Opus,
            MediaKind::Video => Codec::Vp8,
        };
        let params = self.rtc.codec_config().params().iter().find(|params| params.spec().codec == codec);
        let pt = params.expect("the codec is on").pt();
        let mids: Vec<Mid> = self.mids.iter().filter(|(_, of)| *of == kind).map(|(mid, _)| *mid).collect();
        let stream = self.rtc.direct_api().stream_tx_by_mid(mids[0], rid.map(Into::into)).expect("a stream").ssrc();
        (stream, pt)
    }

    pub(crate) fn write(&mut self, kind: MediaKind, seq: u64, time: u32, now: Instant, marker: bool, payload: &[u8]) {
        let (ssrc, pt) = self.sending(kind, None);
        let level = (kind == MediaKind::Audio).then_some(-30);
        let voice_activity = level.map(|_| true);
        let values = ExtensionValues { audio_level: level, voice_activity, ..ExtensionValues::default() };
        let write = RtpWrite::new(pt, seq.into(), time, now, payload.to_vec())
            .marker(marker)
            .ext_vals(values)
            .nackable(kind == MediaKind::Video);
        self.rtc.direct_api().stream_tx(&ssrc).expect("a stream").write_rtp(write);
        self.tick(now);
    }

    /// Writes a packet of that payload type into a section.
    pub(crate) fn write_as(&mut self, mid: &str, pt: u8, seq: u64, time: u32, now: Instant, payload: &[u8]) {
        let write = RtpWrite::new(pt.into(), seq.into(), time, now, payload.to_vec());
        self.rtc.direct_api().stream_tx_by_mid(mid.into(), None).expect("a stream").write_rtp(write);
        self.tick(now);
    }

    /// The same for one that was sampled some time ago.
    pub(crate) fn write_late(&mut self, mid: &str, pt: u8, seq: u64, time: u32, sampled: Instant, now: Instant) {
        let write = RtpWrite::new(pt.into(), seq.into(), time, sampled, [7; 20].to_vec());
        self.rtc.direct_api().stream_tx_by_mid(mid.into(), None).expect("a stream").write_rtp(write);
        self.tick(now);
    }

    /// Writes a packet of sound that is so loud: 0 is the loudest, -127 is silence.
    pub(crate) fn sound(&mut self, seq: u64, time: u32, now: Instant, level: i8, payload: &[u8]) {
        let (ssrc, pt) = self.sending(MediaKind::Audio, None);
        let values =
            ExtensionValues { audio_level: Some(level), voice_activity: Some(true), ..ExtensionValues::default() };
        let write = RtpWrite::new(pt, seq.into(), time, now, payload.to_vec()).ext_vals(values);
        self.rtc.direct_api().stream_tx(&ssrc).expect("a stream").write_rtp(write);
        self.tick(now);
    }

    /// Asks for a key frame of what comes in a section.
    pub(crate) fn ask(&mut self, mid: &str) {
        let mut api = self.rtc.direct_api();
        let stream = api.stream_rx_by_mid(mid.into(), None).expect("a stream");
        stream.request_keyframe(KeyframeRequestKind::Pli);
    }

    pub(crate) fn say(&mut self, binary: bool, bytes: &[u8], now: Instant) {
        let id = self.channel.expect("the channel is open");
        assert!(self.rtc.channel(id).expect("the channel").write(binary, bytes).expect("it is written"));
        self.tick(now);
    }

    pub(crate) fn tick(&mut self, now: Instant) {
        if !self.closed {
            self.rtc.handle_input(Input::Timeout(now)).expect("time passes");
            self.poll(now);
        }
    }

    pub(crate) fn receive(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        if self.closed {
            return;
        }
        if bytes.starts_with(&[0, 1]) {
            self.checks.push(now);
        }
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.address, bytes) else { return };
        self.rtc.handle_input(Input::Receive(now, receive)).expect("a datagram is taken");
        self.poll(now);
    }

    fn poll(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output().expect("output") {
                Output::Timeout(at) => {
                    self.due = at;
                    return;
                }
                Output::Transmit(transmit) => self.out.push(transmit),
                Output::Event(Event::Connected) => self.connected = Some(now),
                Output::Event(Event::Closed) => self.closed = true,
                Output::Event(Event::ChannelOpen(id, name)) => {
                    self.channel = Some(id);
                    self.channels.push((id, name));
                }
                Output::Event(Event::ChannelClose(id)) => self.channels.retain(|(open, _)| *open != id),
                Output::Event(Event::ChannelData(data)) => {
                    self.said.push((data.binary, data.data));
                    self.said_on.push(data.id);
                }
                Output::Event(Event::KeyframeRequest(request)) => {
                    self.asked.push(now);
                    self.asked_of.push(request.rid.map(|rid| rid.to_string()).unwrap_or_default());
                }
                Output::Event(Event::RtpPacket(packet)) => {
                    let stream = self.rtc.direct_api().stream_rx(&packet.header.ssrc).map(|stream| stream.mid());
                    let Some(mid) = stream else { continue };
                    let got = Got {
                        at: now,
                        seq: *packet.seq_no,
                        time: packet.header.timestamp,
                        marker: packet.header.marker,
                        payload: packet.payload.to_vec(),
                        level: packet.header.ext_vals.audio_level.zip(packet.header.ext_vals.voice_activity),
                        pt: *packet.header.payload_type,
                    };
                    self.got.entry(mid.to_string()).or_default().push(got);
                }
                Output::Event(Event::RawPacket(raw)) => {
                    if let RawPacket::RtcpRx(rtcp) = *raw {
                        self.control.push((now, rtcp));
                    }
                }
                Output::Event(_) => {}
            }
        }
    }

    /// What came of pictures or sound, in the order of the numbers, each once.
    pub(crate) fn sorted(&self, mid: &str) -> Vec<Got> {
        let mut got = self.got.get(mid).cloned().unwrap_or_default();
        got.sort_by_key(|got| got.seq);
        got
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        (!self.closed).then_some(self.due)
    }
}

/// A VP8 payload: descriptor, then a frame tag that says whether it is a key frame, with its size, then filling.
pub(crate) fn vp8(key: bool, first: bool, width: u16, height: u16, picture: u16, length: usize) -> Vec<u8> {
    let mut payload = vec![if first { 0x90 } else { 0x80 }, 0x80, 0x80 | (picture >> 8) as u8, picture as u8];
    if first {
        payload.extend([if key { 0x10 } else { 0x11 }, 0, 0]);
        if key {
            payload.extend([0x9d, 0x01, 0x2a]);
            payload.extend(width.to_le_bytes());
            payload.extend(height.to_le_bytes());
        }
    }
    payload.resize(length.max(payload.len()), 0x55);
    payload
}

pub(crate) const FRAME: Duration = Duration::from_millis(40);
