//! A WebRTC peer on a thread of its own: str0m on one UDP socket. It sends what the media of a browser looks like to a
//! server, and remembers what it receives.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::UdpSocket;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};
use str0m::format::{Codec, CodecConfig, CodecSpec, FormatParams, PayloadParams};
use str0m::media::{Direction, Frequency, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use super::{film, tone};

/// The shortest interval of what a peer sends: a packet of Opus.
const TICK: Duration = Duration::from_millis(20);
/// The peer looks at its questions at least this often.
const LOOK: Duration = Duration::from_millis(5);
const ANSWERED: Duration = Duration::from_secs(10);

/// What a publisher sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sends {
    pub(crate) audio: bool,
    pub(crate) video: bool,
}

impl Sends {
    pub(crate) const BOTH: Self = Self { audio: true, video: true };
    pub(crate) const AUDIO: Self = Self { audio: true, video: false };
    pub(crate) const NOTHING: Self = Self { audio: false, video: false };
}

pub(crate) struct Peer {
    questions: Sender<Question>,
    seen: Arc<Mutex<Seen>>,
    /// Its candidate, as `takeCandidate` carries it.
    pub(crate) candidate: String,
}

/// What a peer has seen since it began.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connected: bool,
    pub(crate) channel: bool,
    /// The channels that were opened, by name.
    pub(crate) channels: Vec<String>,
    pub(crate) streams: BTreeMap<String, Stream>,
    /// What was heard in G.711, the last two seconds of it.
    pub(crate) sound: VecDeque<i16>,
    /// By m-section, the payload types that have come.
    pub(crate) payloads: BTreeSet<(String, u8)>,
    /// Messages of the data channel: whether binary, and what.
    pub(crate) heard: Vec<(bool, Vec<u8>)>,
}

/// One incoming m-section.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stream {
    pub(crate) packets: u64,
    /// Packets that begin a key frame.
    pub(crate) keys: u64,
}

enum Question {
    Offer(Sends, String, Sender<String>),
    /// To receive sound and pictures.
    Receive(Sender<String>),
    /// To send and receive sound, and pictures if that is wanted.
    Talk(bool, Sender<String>),
    /// To send and receive pictures besides; an offer that is out is forgotten.
    Add(Sender<String>),
    /// To send a key's packets (RFC 4733) in the first section of sound.
    Press(u8),
    /// The same once more, with another network.
    Restart(Sender<String>),
    Accept(String),
    Answer(String, Sender<String>),
    /// To send what it is asked for.
    Give(String, Sender<String>),
    Candidate(String),
    Say(bool, Vec<u8>),
    SayOn(String, String),
    /// To open a data channel of that name, on which it speaks from then on.
    Open(String),
}

impl Peer {
    pub(crate) fn new() -> Self {
        Self::with(RtcConfig::new())
    }

    /// One that knows what telephones know, as browsers do: G.711, and the digits of keys on both clocks.
    pub(crate) fn telephonist() -> Self {
        let mut config =
            RtcConfig::new().clear_codecs().enable_opus(true, false).enable_pcmu(true, false).enable_pcma(true, false);
        config = config.enable_vp8(true).enable_h264(true);
        let tele = |number: u8, clock_rate| {
            let format = FormatParams::default();
            PayloadParams::new(
                number.into(),
                None,
                CodecSpec { codec: Codec::Tele, clock_rate, channels: None, format },
            )
        };
        let mut params = config.codec_config().params().to_vec();
        params.extend([tele(110, Frequency::FORTY_EIGHT_KHZ), tele(126, Frequency::EIGHT_KHZ)]);
        *config.codec_config() = CodecConfig::new_from_payload_params(params);
        Self::with(config)
    }

    /// One that never checks a way by itself: whoever wants to reach it has to.
    pub(crate) fn lite() -> Self {
        Self::with(RtcConfig::new().set_ice_lite(true))
    }

    /// One that sends pictures of H.264, of so many bytes each.
    pub(crate) fn filming(bytes: usize) -> Self {
        Self::made(RtcConfig::new().clear_codecs().enable_opus(true, false).enable_h264(true), bytes)
    }

    fn with(config: RtcConfig) -> Self {
        Self::made(config, 0)
    }

    fn made(config: RtcConfig, bytes: usize) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let addr = socket.local_addr().expect("it is bound");
        let host = Candidate::host(addr, Protocol::Udp).expect("a host candidate");
        let candidate = host.to_sdp_string();
        let mut rtc = config.set_rtp_mode(true).build(Instant::now());
        rtc.add_local_candidate(host);
        let (questions, asked) = mpsc::channel();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let driver = Driver {
            rtc,
            socket,
            asked,
            seen: Arc::clone(&seen),
            pending: None,
            sends: Vec::new(),
            channel: None,
            named: Vec::new(),
            waiting: Vec::new(),
            next: Instant::now(),
            tick: 0,
            bytes,
        };
        thread::spawn(move || driver.run());
        Self { questions, seen, candidate }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An offer to send this, and of a data channel of this name.
    pub(crate) fn offer(&self, sends: Sends, channel: &str) -> String {
        let (reply, answer) = mpsc::channel();
        self.ask(Question::Offer(sends, channel.to_owned(), reply));
        answer.recv_timeout(ANSWERED).expect("the peer makes an offer")
    }

    /// An offer to receive sound and pictures.
    pub(crate) fn offer_to_receive(&self) -> String {
        let (reply, answer) = mpsc::channel();
        self.ask(Question::Receive(reply));
        answer.recv_timeout(ANSWERED).expect("the peer makes an offer")
    }

    /// An offer to send and receive sound, and pictures if that is wanted.
    pub(crate) fn offer_to_talk(&self, video: bool) -> String {
        let (reply, answer) = mpsc::channel();
        self.ask(Question::Talk(video, reply));
        answer.recv_timeout(ANSWERED).expect("the peer makes an offer")
    }

    /// The last offer with pictures besides, which were not there before.
    pub(crate) fn offer_to_talk_again_with_pictures(&self) -> String {
        let (reply, answer) = mpsc::channel();
        self.ask(Question::Add(reply));
        answer.recv_timeout(ANSWERED).expect("the peer makes an offer")
    }

    /// A key is pressed and let go.
    pub(crate) fn press(&self, event: u8) {
        self.ask(Question::Press(event));
    }

    /// The last offer with another network.
    pub(crate) fn restart(&self) -> String {
        let (reply, answer) = mpsc::channel();
        self.ask(Question::Restart(reply));
        answer.recv_timeout(ANSWERED).expect("the peer makes an offer")
    }

    pub(crate) fn accept(&self, answer: &str) {
        self.ask(Question::Accept(answer.to_owned()));
    }

    pub(crate) fn answer(&self, offer: &str) -> String {
        let (reply, answer) = mpsc::channel();
        self.ask(Question::Answer(offer.to_owned(), reply));
        answer.recv_timeout(ANSWERED).expect("the peer answers the offer")
    }

    /// An answer by which it sends what it is asked for.
    pub(crate) fn give(&self, offer: &str) -> String {
        let (reply, answer) = mpsc::channel();
        self.ask(Question::Give(offer.to_owned(), reply));
        answer.recv_timeout(ANSWERED).expect("the peer answers the offer")
    }

    pub(crate) fn remote_candidate(&self, candidate: &str) {
        self.ask(Question::Candidate(candidate.to_owned()));
    }

    /// Opens a data channel of that name, on which it speaks once it is open.
    pub(crate) fn open(&self, label: &str) {
        self.ask(Question::Open(label.to_owned()));
    }

    /// On the data channel of that name, which is open.
    pub(crate) fn say_on(&self, label: &str, message: &str) {
        self.ask(Question::SayOn(label.to_owned(), message.to_owned()));
    }

    /// On the data channel, once it is open.
    pub(crate) fn say(&self, binary: bool, message: &[u8]) {
        self.ask(Question::Say(binary, message.to_vec()));
    }

    fn ask(&self, question: Question) {
        self.questions.send(question).expect("the peer's thread runs: the reason stands above");
    }
}

struct Driver {
    rtc: Rtc,
    socket: UdpSocket,
    asked: Receiver<Question>,
    seen: Arc<Mutex<Seen>>,
    pending: Option<SdpPendingOffer>,
    sends: Vec<Outgoing>,
    channel: Option<ChannelId>,
    named: Vec<(ChannelId, String)>,
    /// Said before the channel was open.
    waiting: Vec<(bool, Vec<u8>)>,
    next: Instant,
    tick: u64,
    /// Of a picture of H.264.
    bytes: usize,
}

struct Outgoing {
    mid: Mid,
    video: bool,
    seq: u64,
    key: bool,
}

impl Driver {
    /// Until the test has let go of the peer.
    fn run(mut self) {
        let mut buffer = vec![0; 2_000];
        let local = self.socket.local_addr().expect("it is bound");
        loop {
            loop {
                match self.asked.try_recv() {
                    Ok(question) => self.meet(question),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            let due = self.drain();
            let left = due.min(self.next).saturating_duration_since(Instant::now());
            let patience = left.clamp(Duration::from_micros(500), LOOK);
            self.socket.set_read_timeout(Some(patience)).expect("a timeout that is not zero");
            if let Ok((len, from)) = self.socket.recv_from(&mut buffer) {
                if let Ok(receive) = Receive::new(Protocol::Udp, from, local, &buffer[..len]) {
                    self.rtc.handle_input(Input::Receive(Instant::now(), receive)).expect("str0m takes any datagram");
                }
            } else {
                self.rtc.handle_input(Input::Timeout(Instant::now())).expect("str0m takes the time");
            }
            if Instant::now() >= self.next {
                self.next += TICK;
                self.tick += 1;
                self.send();
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meet(&mut self, question: Question) {
        match question {
            Question::Offer(sends, channel, reply) => {
                let mut api = self.rtc.sdp_api();
                let wanted = [(sends.audio, MediaKind::Audio), (sends.video, MediaKind::Video)];
                for (_, kind) in wanted.into_iter().filter(|(wanted, _)| *wanted) {
                    let mid = api.add_media(kind, Direction::SendOnly, None, None, None);
                    self.sends.push(Outgoing { mid, video: kind == MediaKind::Video, seq: 1_000, key: true });
                }
                self.channel = Some(api.add_channel(channel));
                let (offer, pending) = api.apply().expect("there is something to offer");
                self.pending = Some(pending);
                drop(reply.send(offer.to_sdp_string()));
            }
            Question::Receive(reply) => {
                let mut api = self.rtc.sdp_api();
                for kind in [MediaKind::Audio, MediaKind::Video] {
                    api.add_media(kind, Direction::RecvOnly, None, None, None);
                }
                let (offer, pending) = api.apply().expect("there is something to offer");
                self.pending = Some(pending);
                drop(reply.send(offer.to_sdp_string()));
            }
            Question::Talk(video, reply) => {
                let mut api = self.rtc.sdp_api();
                for kind in [MediaKind::Audio].into_iter().chain(video.then_some(MediaKind::Video)) {
                    let mid = api.add_media(kind, Direction::SendRecv, None, None, None);
                    self.sends.push(Outgoing { mid, video: kind == MediaKind::Video, seq: 1_000, key: true });
                }
                let (offer, pending) = api.apply().expect("there is something to offer");
                self.pending = Some(pending);
                drop(reply.send(offer.to_sdp_string()));
            }
            Question::Add(reply) => {
                let mut api = self.rtc.sdp_api();
                let mid = api.add_media(MediaKind::Video, Direction::SendRecv, None, None, None);
                self.sends.push(Outgoing { mid, video: true, seq: 1_000, key: true });
                let (offer, pending) = api.apply().expect("there is something to offer");
                self.pending = Some(pending);
                drop(reply.send(offer.to_sdp_string()));
            }
            Question::Press(event) => self.press(event),
            Question::Restart(reply) => {
                let mut api = self.rtc.sdp_api();
                api.ice_restart(true);
                let (offer, pending) = api.apply().expect("there is something to offer");
                self.pending = Some(pending);
                drop(reply.send(offer.to_sdp_string()));
            }
            Question::Accept(answer) => {
                let answer = SdpAnswer::from_sdp_string(&answer).expect("the server's answer is SDP");
                let pending = self.pending.take().expect("an offer is out");
                self.rtc.sdp_api().accept_answer(pending, answer).expect("the answer fits the offer");
            }
            Question::Answer(offer, reply) => {
                let offer = SdpOffer::from_sdp_string(&offer).expect("the server's offer is SDP");
                let answer = self.rtc.sdp_api().accept_offer(offer).expect("the offer can be answered");
                drop(reply.send(answer.to_sdp_string()));
            }
            Question::Give(offer, reply) => {
                let read = SdpOffer::from_sdp_string(&offer).expect("the server's offer is SDP");
                let answer = self.rtc.sdp_api().accept_offer(read).expect("the offer can be answered");
                for mid in offer.lines().filter_map(|line| line.strip_prefix("a=mid:")).map(Mid::from) {
                    if let Some(media) = self.rtc.media(mid) {
                        let video = media.kind() == MediaKind::Video;
                        self.sends.push(Outgoing { mid, video, seq: 1_000, key: true });
                    }
                }
                drop(reply.send(answer.to_sdp_string()));
            }
            Question::Candidate(candidate) => {
                let candidate = Candidate::from_sdp_string(&candidate).expect("a candidate of the server");
                self.rtc.add_remote_candidate(candidate);
            }
            Question::Open(label) => {
                let config = ChannelConfig { label, ..ChannelConfig::default() };
                self.channel = Some(self.rtc.direct_api().create_data_channel(config));
            }
            Question::SayOn(label, message) => {
                let named = self.named.iter().find(|(_, name)| *name == label);
                let mut channel = named.and_then(|(id, _)| self.rtc.channel(*id)).expect("the channel is open");
                assert!(channel.write(false, message.as_bytes()).expect("the channel is open"), "there is room");
            }
            Question::Say(binary, message) => {
                self.waiting.push((binary, message));
                self.speak();
            }
        }
        self.rtc.handle_input(Input::Timeout(Instant::now())).expect("str0m takes the time");
    }

    fn speak(&mut self) {
        let Some(mut channel) = self.channel.and_then(|id| self.rtc.channel(id)) else { return };
        for (binary, message) in self.waiting.drain(..) {
            assert!(channel.write(binary, &message).expect("the channel is open"), "the channel's buffer is full");
        }
    }

    /// Sends what str0m has to say and notes what it tells; gives when it wants to be asked again.
    fn drain(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().expect("str0m goes on") {
                Output::Timeout(due) => return due,
                Output::Transmit(transmit) => {
                    drop(self.socket.send_to(&transmit.contents, transmit.destination));
                }
                Output::Event(event) => self.event(event),
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Connected => self.seen().connected = true,
            Event::ChannelOpen(id, name) => {
                self.channel = Some(id);
                self.named.push((id, name.clone()));
                let mut seen = self.seen();
                seen.channel = true;
                seen.channels.push(name);
                drop(seen);
                self.speak();
            }
            Event::ChannelData(data) => self.seen().heard.push((data.binary, data.data)),
            Event::KeyframeRequest(request) => {
                self.sends.iter_mut().filter(|one| one.mid == request.mid).for_each(|one| one.key = true);
            }
            Event::RtpPacket(packet) => {
                let mid = self.rtc.direct_api().stream_rx(&packet.header.ssrc).map(|stream| stream.mid());
                let key = begins_key(&packet.payload);
                let mut seen = self.seen();
                let name = mid.map_or_else(String::new, |mid| mid.to_string());
                if *packet.header.payload_type == 0 {
                    seen.sound.extend(tone::decoded(&packet.payload));
                    let old = seen.sound.len().saturating_sub(2 * tone::RATE as usize);
                    seen.sound.drain(..old);
                }
                seen.payloads.insert((name.clone(), *packet.header.payload_type));
                let stream = seen.streams.entry(name).or_default();
                stream.packets += 1;
                stream.keys += u64::from(key);
            }
            _ => {}
        }
    }

    /// A packet of sound every tick, a picture of two packets every other.
    fn send(&mut self) {
        let now = Instant::now();
        for at in 0..self.sends.len() {
            let one = &mut self.sends[at];
            if one.video && !self.tick.is_multiple_of(2) {
                continue;
            }
            // What the other side likes best of what is made here.
            let made: &[Codec] =
                if one.video { &[Codec::Vp8, Codec::H264] } else { &[Codec::Opus, Codec::PCMU, Codec::PCMA] };
            let Some((pt, codec)) = self.rtc.media(one.mid).and_then(|media| {
                let of = |pt: &Pt| self.rtc.codec_config().iter().find(|params| params.pt() == *pt);
                let known = media.remote_pts().iter().filter_map(of).map(|params| (params.pt(), params.spec().codec));
                known.into_iter().find(|(_, codec)| made.contains(codec))
            }) else {
                continue;
            };
            let (clock, payloads) = match codec {
                Codec::Vp8 => (1_800, picture(std::mem::take(&mut one.key))),
                Codec::H264 => (1_800, film::picture(std::mem::take(&mut one.key), self.tick / 2, self.bytes)),
                Codec::Opus => (960, vec![vec![0xf8; 80]]),
                _ => (160, vec![tone::packet(tone::OURS, self.tick)]),
            };
            let time = (self.tick * clock) as u32;
            let last = payloads.len() - 1;
            for (index, payload) in payloads.into_iter().enumerate() {
                one.seq += 1;
                if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(one.mid, None) {
                    let write = RtpWrite::new(pt, one.seq.into(), time, now, payload);
                    stream.write_rtp(write.marker(one.video && index == last).nackable(one.video));
                }
            }
        }
        self.rtc.handle_input(Input::Timeout(now)).expect("str0m takes the time");
    }
}

impl Driver {
    /// RFC 4733 section 2.5: three packets that say that the key is let go, at one time.
    fn press(&mut self, event: u8) {
        let now = Instant::now();
        let time = (self.tick * 160) as u32;
        let Some(one) = self.sends.iter_mut().find(|one| !one.video) else { return };
        let number = self.rtc.media(one.mid).and_then(|media| {
            let tele = |params: &&PayloadParams| params.spec().codec == Codec::Tele;
            let known = self.rtc.codec_config().iter().filter(tele).map(PayloadParams::pt);
            known.into_iter().find(|pt| media.remote_pts().contains(pt))
        });
        let number = number.expect("the other side knows digits");
        for _ in 0..3 {
            one.seq += 1;
            if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(one.mid, None) {
                let payload = vec![event, 0x80 | 10, 0x03, 0x20];
                stream.write_rtp(RtpWrite::new(number, one.seq.into(), time, now, payload));
            }
        }
        self.rtc.handle_input(Input::Timeout(now)).expect("str0m takes the time");
    }
}

/// Two packets of a VP8 frame of 640x360 (RFC 7741 sections 4.2 and 4.3).
fn picture(key: bool) -> Vec<Vec<u8>> {
    let mut first = vec![0x10, if key { 0x10 } else { 0x11 }, 0, 0];
    if key {
        first.extend([0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]);
    }
    first.resize(900, 0x55);
    let mut second = vec![0];
    second.resize(900, 0x55);
    vec![first, second]
}

/// Whether a packet begins a key frame: the start of partition 0 without the P bit, behind whatever the descriptor has.
fn begins_key(payload: &[u8]) -> bool {
    let Some(first) = payload.first() else { return false };
    let mut at = 1;
    if first & 0x80 != 0 {
        let Some(extension) = payload.get(1) else { return false };
        at = 2;
        if extension & 0x80 != 0 {
            at += if payload.get(at).is_some_and(|id| id & 0x80 != 0) { 2 } else { 1 };
        }
        at += usize::from(extension & 0x40 != 0) + usize::from(extension & 0x30 != 0);
    }
    first & 0x1f == 0x10 && payload.len() > 100 && payload.get(at).is_some_and(|tag| tag & 1 == 0)
}
