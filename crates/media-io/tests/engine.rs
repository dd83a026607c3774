//! The engine on real threads and sockets, with peers on str0m over loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use patchbay_core::{
    Body, Codec, DescriptionKind, Ice, Kinds, Lang, LegRole, LinkId, MediaEvent, MediaFault, MediaOp, Name, Open,
    PartyId, Signal, SignalKind, Srtp, Talk, Track, Transport,
};
use patchbay_media_io::{Engine, Refused, Settings};
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc};

/// What is to happen happens within this time; machines that run other tests besides are slow.
const PATIENCE: Duration = Duration::from_secs(10);

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn settings(bind: IpAddr, workers: usize) -> Settings {
    let media = patchbay_media::Config::default();
    Settings {
        port: 0,
        bind: vec![bind],
        advertise: Vec::new(),
        workers,
        rtp_ports: patchbay_media_io::RTP_PORTS,
        media,
    }
}

/// An engine whose events arrive at the end of a channel.
fn start(settings: &Settings) -> (Engine, Receiver<MediaEvent>) {
    let (to, events) = mpsc::channel();
    let to = Mutex::new(to);
    let tell = move |told: Vec<MediaEvent>| {
        let to = to.lock().expect("nobody panics");
        // The test may be over.
        told.into_iter().for_each(|event| drop(to.send(event)));
    };
    (Engine::start(settings, Arc::new(tell)).expect("the engine starts"), events)
}

fn open(link: u64, role: LegRole) -> MediaOp {
    open_by(link, role, Transport::default())
}

fn open_by(link: u64, role: LegRole, transport: Transport) -> MediaOp {
    let owner = PartyId::new(0, u32::try_from(link).expect("few"), 0);
    let (says, hears, report) = (Vec::new(), Vec::new(), Duration::from_secs(1));
    MediaOp::Open(Open { link: LinkId::new(link), owner, role, says, hears, heeds: Vec::new(), report, transport })
}

fn receiving() -> LegRole {
    LegRole::Receive { accept: Kinds::ALL, codecs: vec![Codec::Opus].into() }
}

fn remote(link: u64, kind: SignalKind, text: &str) -> MediaOp {
    MediaOp::Remote { link: LinkId::new(link), signal: Signal { kind, body: Body::new(Lang(0), text.as_bytes()) } }
}

/// Waits for the first event that `pick` takes.
fn until<T>(events: &Receiver<MediaEvent>, pick: impl Fn(&MediaEvent) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let event = events.recv_timeout(left).expect("what is waited for comes");
        if let Some(picked) = pick(&event) {
            return picked;
        }
    }
}

fn described(events: &Receiver<MediaEvent>, of: u64, wanted: DescriptionKind) -> String {
    until(events, |event| match event {
        MediaEvent::Local { link, kind, sdp, .. } if *link == LinkId::new(of) && *kind == wanted => {
            Some(sdp.to_string())
        }
        _ => None,
    })
}

/// A publisher or a viewer of sound.
struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    pending: Option<SdpPendingOffer>,
    mid: Option<Mid>,
    connected: bool,
    sent: u64,
    /// Payloads that came.
    got: Vec<Vec<u8>>,
    /// Where from.
    from: Vec<SocketAddr>,
}

impl Peer {
    fn new(ip: IpAddr) -> Self {
        let socket = UdpSocket::bind((ip, 0)).expect("a free port");
        socket.set_nonblocking(true).expect("it does not block");
        let address = socket.local_addr().expect("it is bound");
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(Instant::now());
        rtc.add_local_candidate(Candidate::host(address, Protocol::Udp).expect("a candidate"));
        Self { rtc, socket, pending: None, mid: None, connected: false, sent: 0, got: Vec::new(), from: Vec::new() }
    }

    fn offer(&mut self) -> String {
        self.offer_to(Direction::SendOnly)
    }

    fn offer_to(&mut self, direction: Direction) -> String {
        let mut api = self.rtc.sdp_api();
        let mid = api.add_media(MediaKind::Audio, direction, None, None, None);
        let (offer, pending) = api.apply().expect("an offer");
        self.pending = Some(pending);
        self.mid = Some(mid);
        offer.to_sdp_string()
    }

    fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("an answer");
        self.rtc.sdp_api().accept_answer(self.pending.take().expect("an offer is out"), answer).expect("it fits");
    }

    fn answer(&mut self, offer: &str) -> String {
        let offer = SdpOffer::from_sdp_string(offer).expect("an offer");
        self.rtc.sdp_api().accept_offer(offer).expect("it can be answered").to_sdp_string()
    }

    /// Sends one packet of Opus.
    fn say(&mut self) {
        let params = self.rtc.codec_config().params();
        let opus = params.iter().find(|params| params.spec().codec == str0m::format::Codec::Opus).expect("Opus is on");
        let (pt, mid) = (opus.pt(), self.mid.expect("it has offered"));
        self.sent += 1;
        let payload = self.sent.to_be_bytes().to_vec();
        let time = u32::try_from(self.sent * 960).expect("a short test");
        if let Some(stream) = self.rtc.direct_api().stream_tx_by_mid(mid, None) {
            stream.write_rtp(RtpWrite::new(pt, (1_000 + self.sent).into(), time, Instant::now(), payload));
        }
    }

    /// Takes what has come and sends what is to go.
    fn turn(&mut self) {
        let own = self.socket.local_addr().expect("it is bound");
        let mut buffer = [0; 2_000];
        self.rtc.handle_input(Input::Timeout(Instant::now())).expect("time passes");
        self.drain();
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            self.from.push(from);
            let Ok(receive) = Receive::new(Protocol::Udp, from, own, &buffer[..length]) else { continue };
            self.rtc.handle_input(Input::Receive(Instant::now(), receive)).expect("a datagram is taken");
            self.drain();
        }
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().expect("output") {
                Output::Timeout(_) => return,
                Output::Transmit(transmit) => drop(self.socket.send_to(&transmit.contents, transmit.destination)),
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::RtpPacket(packet)) => self.got.push(packet.payload.to_vec()),
                Output::Event(_) => {}
            }
        }
    }
}

/// Lets both peers go on, the publisher saying something every 20 ms, until it is so.
fn run(peers: &mut [Peer], what: &str, done: impl Fn(&[Peer]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut next = Instant::now();
    while !done(peers) {
        assert!(Instant::now() < deadline, "still not: {what}");
        if peers[0].connected && Instant::now() >= next {
            next = Instant::now() + Duration::from_millis(20);
            peers[0].say();
        }
        peers.iter_mut().for_each(Peer::turn);
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A publisher and a viewer over this address; the viewer has heard 20 packets.
fn joined(ip: IpAddr, workers: usize) -> (Engine, Receiver<MediaEvent>, Vec<Peer>) {
    let (engine, events) = start(&settings(ip, workers));
    let mut peers = vec![Peer::new(ip), Peer::new(ip)];
    engine.submit(open(1, receiving())).expect("there is room");
    let offer = peers[0].offer();
    engine.submit(remote(1, SignalKind::Offer, &offer)).expect("there is room");
    peers[0].accept(&described(&events, 1, DescriptionKind::Answer));
    run(&mut peers, "the publisher is connected", |peers| peers[0].connected);
    let audio = Some(Codec::Opus);
    let track =
        Track { source: LinkId::new(1), audio, video: None, layers: 0, pass: Kinds::ALL, height: None, heir_of: None };
    let role = LegRole::Send { tracks: vec![track], may_grow: false, label: Name::parse("s").ok(), narrow: false };
    engine.submit(open(2, role)).expect("there is room");
    let answer = peers[1].answer(&described(&events, 2, DescriptionKind::Offer));
    engine.submit(remote(2, SignalKind::Answer, &answer)).expect("there is room");
    run(&mut peers, "twenty packets have come", |peers| peers[1].got.len() >= 20);
    (engine, events, peers)
}

#[test]
fn sound_passes_over_both_families_and_between_workers() {
    for (ip, workers) in [(V4, 1), (V4, 2), (V6, 1), (V6, 2)] {
        let (engine, _events, peers) = joined(ip, workers);
        assert_eq!(engine.bound().len(), workers);
        assert_eq!(engine.candidates(), [ip]);
        let numbers: Vec<u64> =
            peers[1].got.iter().map(|got| u64::from_be_bytes(got[..].try_into().unwrap())).collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ip}, {workers} workers: {numbers:?}");
        let homes: Vec<_> = peers.iter().map(|peer| peer.from[0]).collect();
        assert!(homes.iter().all(|home| engine.bound().contains(home)), "{homes:?}");
        assert_eq!(homes[0] == homes[1], workers == 1, "each leg goes to the worker with the fewest");
    }
}

#[test]
fn counters_tell_what_passed() {
    let (engine, _events, mut peers) = joined(V4, 1);
    // Checks that came before the engine knew their sender's name count as well.
    let before = engine.counts().0.strangers;
    let stranger = UdpSocket::bind((V4, 0)).expect("a free port");
    stranger.send_to(b"\x80hello", engine.bound()[0]).expect("it is sent");
    let deadline = Instant::now() + PATIENCE;
    while engine.counts().0.strangers == before {
        assert!(Instant::now() < deadline, "a stranger is not counted");
        peers.iter_mut().for_each(Peer::turn);
    }
    let (counts, unsent) = engine.counts();
    assert_eq!((counts.legs, counts.panics, counts.lost_bursts, unsent), (2, 0, 0, 0));
    assert!(counts.packets_in >= 20 && counts.packets_out >= 20, "{counts:?}");
}

#[test]
fn a_port_in_use_ends_the_start_with_cause_and_next_action() {
    let taken = UdpSocket::bind((V4, 0)).expect("a free port");
    let port = taken.local_addr().expect("it is bound").port();
    let error =
        Engine::start(&Settings { port, ..settings(V4, 1) }, Arc::new(|_| ())).err().expect("the port is taken");
    assert!(error.contains(&format!("127.0.0.1:{port}")) && error.contains("set media.udp_port"), "{error}");
    let beyond = Settings { port: u16::MAX, ..settings(V4, 2) };
    // The first of the two ports may be free or not; there is no second.
    let error = Engine::start(&beyond, Arc::new(|_| ())).err().expect("there is no port 65536");
    assert!(error.contains("media.udp_port"), "{error}");
    let nowhere = Settings { bind: Vec::new(), ..settings(V4, 1) };
    let error = Engine::start(&nowhere, Arc::new(|_| ())).err().expect("no address");
    assert!(error.contains("media.bind names no address"), "{error}");
    let foreign = settings(Ipv4Addr::new(203, 0, 113, 7).into(), 1);
    let error = Engine::start(&foreign, Arc::new(|_| ())).err().expect("not an address of this machine");
    assert!(error.contains("203.0.113.7") && error.contains("check media.bind"), "{error}");
}

#[test]
fn port_zero_gives_each_worker_one_of_its_own_in_all_families() {
    let (engine, _events) = start(&Settings { bind: vec![V4, V6], ..settings(V4, 2) });
    let ports: Vec<u16> = engine.bound().iter().map(SocketAddr::port).collect();
    assert_eq!(ports.len(), 4);
    assert!(ports[0] == ports[1] && ports[2] == ports[3] && ports[0] != ports[2] && !ports.contains(&0), "{ports:?}");
}

#[test]
fn a_forgotten_leg_makes_room_and_hears_nothing() {
    let (engine, events) = start(&settings(V4, 2));
    engine.submit(open(1, receiving())).expect("there is room");
    engine.submit(remote(1, SignalKind::Offer, "nonsense")).expect("there is room");
    until(&events, |event| matches!(event, MediaEvent::Refused { link, .. } if *link == LinkId::new(1)).then_some(()));
    engine.forget(LinkId::new(1));
    // Nobody is meant any more, and nothing comes of it.
    engine.submit(remote(1, SignalKind::Offer, "nonsense")).expect("it is dropped");
    // Both workers count as empty: the next two legs get one each, beginning with the first.
    let mut peers = [Peer::new(V4), Peer::new(V4)];
    let mut ports = Vec::new();
    for (link, peer) in (2..).zip(&mut peers) {
        engine.submit(open(link, receiving())).expect("there is room");
        engine.submit(remote(link, SignalKind::Offer, &peer.offer())).expect("there is room");
        let answer = described(&events, link, DescriptionKind::Answer);
        let candidate = answer.lines().find(|line| line.starts_with("a=candidate:")).expect("a candidate");
        ports.push(candidate.split(' ').nth(5).expect("a port").parse::<u16>().expect("a number"));
    }
    let bound: Vec<u16> = engine.bound().iter().map(SocketAddr::port).collect();
    assert_eq!(ports, bound);
    assert!(events.try_recv().is_err());
}

#[test]
fn a_full_queue_refuses_what_is_not_an_end() {
    let gate = Arc::new(Mutex::new(()));
    let told = Arc::clone(&gate);
    // The worker stands still as soon as it tells something.
    let tell = move |_| drop(told.lock());
    let engine = Engine::start(&settings(V4, 1), Arc::new(tell)).expect("the engine starts");
    // Behind the engine, so that it is opened before the engine waits for its thread, however the test ends.
    let shut = gate.lock().expect("nobody panics");
    engine.submit(open(1, receiving())).expect("there is room");
    engine.submit(remote(1, SignalKind::Offer, "nonsense")).expect("there is room");
    engine.submit(open(2, receiving())).expect("there is room");
    let refused = (0..100_000).find_map(|_| engine.submit(remote(2, SignalKind::Candidate, "x")).err());
    assert_eq!(refused, Some(Refused(LinkId::new(2))));
    engine.submit(MediaOp::Close { link: LinkId::new(2) }).expect("an end is never refused");
    drop(shut);
    // It goes on, and there is room again.
    let deadline = Instant::now() + PATIENCE;
    while engine.submit(open(3, receiving())).is_err() {
        assert!(Instant::now() < deadline, "the queue is still full");
        engine.forget(LinkId::new(3));
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_stopped_engine_has_no_thread_and_no_port_left() {
    let (engine, events, _peers) = joined(V4, 2);
    let bound = engine.bound().to_vec();
    drop(engine);
    // The last to hold the sender were the threads.
    while events.try_recv().is_ok() {}
    assert_eq!(events.try_recv().err(), Some(mpsc::TryRecvError::Disconnected));
    bound.iter().for_each(|address| drop(UdpSocket::bind(address).expect("the port is free")));
}

/// A telephone's answer, or its offer.
fn telephone(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 96\r\n\
         a=rtpmap:96 opus/48000/2\r\n"
    )
}

/// The port that a description tells.
fn port(description: &str) -> u16 {
    let line = description.lines().find(|line| line.starts_with("m=audio ")).expect("a section");
    line.split(' ').nth(1).expect("a port").parse().expect("a number")
}

fn talk(with: Option<u64>) -> LegRole {
    let codecs: Arc<[Codec]> = [Codec::Opus].into();
    LegRole::Talk(match with {
        Some(with) => Talk::Ours { with: Some(LinkId::new(with)), codecs },
        None => Talk::Peer { codecs },
    })
}

#[test]
fn a_browser_and_a_telephone_hear_each_other() {
    let mut settings = settings(V4, 2);
    // Other than those of other tests that may run beside this one.
    settings.rtp_ports = 26_000..=26_099;
    let (engine, events) = start(&settings);
    // So that the next worker would be the other one.
    engine.submit(open(9, receiving())).expect("there is room");
    let mut peers = [Peer::new(V4)];
    let offer = peers[0].offer_to(Direction::SendRecv);
    engine.submit(open_by(1, talk(None), Transport::WebRtc(Ice::Configured))).expect("there is room");
    engine.submit(remote(1, SignalKind::Offer, &offer)).expect("there is room");
    engine.submit(open_by(2, talk(Some(1)), Transport::Rtp(Srtp::Off))).expect("there is room");
    let invite = described(&events, 2, DescriptionKind::Offer);
    let at = SocketAddr::new(V4, port(&invite));
    assert!(at.port().is_multiple_of(2) && (26_000..=26_099).contains(&at.port()), "{invite}");
    UdpSocket::bind(at).expect_err("the port is taken");
    let phone = UdpSocket::bind((V4, 0)).expect("a free port");
    phone.set_nonblocking(true).expect("it does not block");
    let text = telephone(phone.local_addr().expect("it is bound").port());
    engine.submit(remote(2, SignalKind::Answer, &text)).expect("there is room");
    peers[0].accept(&described(&events, 1, DescriptionKind::Answer));
    let mut heard = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    let mut seq = 0_u16;
    let mut next = Instant::now();
    while heard.len() < 20 || peers[0].got.len() < 20 {
        assert!(Instant::now() < deadline, "{} and {} packets have come", heard.len(), peers[0].got.len());
        if Instant::now() >= next {
            next = Instant::now() + Duration::from_millis(20);
            if peers[0].connected {
                peers[0].say();
            }
            seq += 1;
            let [high, low] = seq.to_be_bytes();
            let packet = [0x80, 96, high, low, 0, 0, high, low, 0, 0, 0, 7, high, low];
            phone.send_to(&packet, at).expect("it is sent");
        }
        peers[0].turn();
        let mut buffer = [0; 2_000];
        while let Ok((length, from)) = phone.recv_from(&mut buffer) {
            assert_eq!(from, at, "from where it is told");
            if length >= 12 && buffer[1] & 0x7f == 96 {
                heard.push(buffer[12..length].to_vec());
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let numbers: Vec<u64> = heard.iter().map(|one| u64::from_be_bytes(one[..].try_into().expect("a number"))).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    assert!(peers[0].got.windows(2).all(|pair| pair[1] > pair[0]), "{:?}", peers[0].got);
    engine.submit(MediaOp::Close { link: LinkId::new(2) }).expect("there is room");
    let deadline = Instant::now() + PATIENCE;
    while UdpSocket::bind(at).is_err() {
        assert!(Instant::now() < deadline, "the port is still taken");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn ports_that_others_have_are_passed_over_and_the_last_one_is_the_last() {
    let mut settings = settings(V4, 1);
    settings.rtp_ports = 26_100..=26_105;
    let _other = UdpSocket::bind((V4, 26_101)).expect("a free port");
    let (engine, events) = start(&settings);
    let mut ports = Vec::new();
    for link in 1..=2 {
        engine
            .submit(open_by(
                link,
                LegRole::Talk(Talk::Ours { with: None, codecs: [Codec::Pcmu].into() }),
                Transport::Rtp(Srtp::Off),
            ))
            .expect("there is room");
        ports.push(port(&described(&events, link, DescriptionKind::Offer)));
    }
    assert_eq!(ports, [26_102, 26_104]);
    engine
        .submit(open_by(
            3,
            LegRole::Talk(Talk::Ours { with: None, codecs: [Codec::Pcmu].into() }),
            Transport::Rtp(Srtp::Off),
        ))
        .expect("there is room");
    let fault = until(&events, |event| match event {
        MediaEvent::Refused { link, fault } if *link == LinkId::new(3) => Some(*fault),
        _ => None,
    });
    assert_eq!(fault, MediaFault::Overload);
}
