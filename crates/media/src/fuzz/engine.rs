//! A worker whose output is kept.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use patchbay_core::{
    Body, Kinds, Lang, LegRole, LinkId, MediaEvent, MediaOp, Name, Open, PartyId, Signal, SignalKind, Srtp, Talk,
    Transport,
};
use patchbay_core::{Topic, Track};

use crate::{Config, Datagram, Datagrams, Peer, PeerMessage, RtpDatagram, Sink, Worker};

/// Where the worker is reached.
pub(super) const SERVER: ([u8; 4], u16) = ([10, 0, 0, 1], 10_000);

pub(super) struct Engine {
    pub(super) worker: Worker,
    pub(super) now: Instant,
    pub(super) out: Out,
}

/// What it has said.
#[derive(Default)]
pub(super) struct Out {
    /// Datagrams, and to whom.
    pub(super) sent: Vec<(SocketAddr, Vec<u8>)>,
    pub(super) events: Vec<MediaEvent>,
    /// Ports for telephones that are bound now, and how many ever were.
    pub(super) ports: Vec<SocketAddr>,
    binds: u16,
}

impl Sink for Out {
    fn bind(&mut self, address: IpAddr) -> Option<SocketAddr> {
        let local = SocketAddr::new(address, 20_000 + 2 * (self.binds % 20_000));
        self.binds += 1;
        self.ports.push(local);
        Some(local)
    }

    fn unbind(&mut self, local: SocketAddr) {
        let at = self.ports.iter().position(|port| *port == local).expect("it is bound");
        self.ports.remove(at);
    }

    fn send(&mut self, datagrams: Datagrams<'_>) {
        let each = datagrams.contents.chunks(datagrams.segment);
        self.sent.extend(each.map(|bytes| (datagrams.destination, bytes.to_vec())));
    }

    fn event(&mut self, event: MediaEvent) {
        self.events.push(event);
    }

    fn tell(&mut self, _to: Peer, _message: PeerMessage) -> bool {
        // It is the only one.
        true
    }
}

impl Engine {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let config = Config { candidates: vec![SERVER.into()], ..Config::default() };
        Self { worker: Worker::new(0, config, now).expect("a worker"), now, out: Out::default() }
    }

    pub(super) fn op(&mut self, op: MediaOp) {
        self.worker.op(self.now, op, &mut self.out);
        self.run();
    }

    pub(super) fn receive(&mut self, source: SocketAddr, contents: &[u8]) {
        let destination = Some(SocketAddr::from(SERVER).ip());
        self.worker.receive(self.now, Datagram { source, destination, contents }, &mut self.out);
        self.run();
    }

    /// A datagram to a telephone's port.
    pub(super) fn receive_rtp(&mut self, local: SocketAddr, control: bool, source: SocketAddr, contents: &[u8]) {
        self.worker.receive_rtp(self.now, RtpDatagram { local, control, source, contents }, &mut self.out);
        self.run();
    }

    /// Lets time pass, as far as the worker is concerned.
    pub(super) fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(next) = self.worker.deadline().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            self.run();
        }
        self.now = until;
        self.run();
    }

    fn run(&mut self) {
        self.worker.run(self.now, &mut self.out);
        self.assert_sound();
    }

    pub(super) fn assert_sound(&self) {
        assert_eq!(self.worker.check(), [""; 0]);
        assert_eq!(self.worker.counts().panics, 0, "a leg panicked");
    }

    /// A publication that takes everything; it says to topic 0 and hears topic 1.
    pub(super) fn open_receiving(&mut self, link: u64) {
        let role = LegRole::Receive { accept: Kinds::ALL, codecs: Config::default().codecs.into() };
        self.open(link, role, vec![Topic::new(0)], vec![Topic::new(1)]);
    }

    /// A view, the other way round.
    pub(super) fn open_sending(&mut self, link: u64, tracks: Vec<Track>) {
        let role = LegRole::Send { tracks, may_grow: true, label: Name::parse("s").ok(), narrow: false };
        self.open(link, role, vec![Topic::new(1)], vec![Topic::new(0)]);
    }

    /// An end of a conversation that is a telephone.
    pub(super) fn open_phone(&mut self, link: u64, talk: Talk, srtp: Srtp) {
        self.open_by(link, LegRole::Talk(talk), vec![], vec![], Transport::Rtp(srtp));
    }

    fn open(&mut self, link: u64, role: LegRole, says: Vec<Topic>, hears: Vec<Topic>) {
        self.open_by(link, role, says, hears, Transport::default());
    }

    fn open_by(&mut self, link: u64, role: LegRole, says: Vec<Topic>, hears: Vec<Topic>, transport: Transport) {
        let owner = PartyId::new(0, u32::try_from(link).expect("few legs"), 0);
        let report = Duration::from_secs(1);
        self.op(MediaOp::Open(Open {
            link: LinkId::new(link),
            owner,
            role,
            says,
            hears,
            heeds: Vec::new(),
            report,
            transport,
        }));
    }

    pub(super) fn remote(&mut self, link: u64, kind: SignalKind, text: &[u8]) {
        let signal = Signal { kind, body: Body::new(Lang(0), text) };
        self.op(MediaOp::Remote { link: LinkId::new(link), signal });
    }

    /// The description that a leg has made last, taken out.
    pub(super) fn described(&mut self, link: u64) -> Option<String> {
        let of = |event: &MediaEvent| matches!(event, MediaEvent::Local { .. }) && event.link() == LinkId::new(link);
        let at = self.out.events.iter().rposition(of)?;
        match self.out.events.remove(at) {
            MediaEvent::Local { sdp, .. } => Some(sdp.to_string()),
            _ => None,
        }
    }

    pub(super) fn lives(&self, link: u64) -> bool {
        self.worker.has(LinkId::new(link))
    }
}

/// The value of the first such line.
pub(super) fn line<'a>(sdp: &'a str, prefix: &str) -> &'a str {
    sdp.lines().find_map(|line| line.strip_prefix(prefix)).unwrap_or_else(|| panic!("no {prefix}"))
}
