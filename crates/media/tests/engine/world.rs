//! Workers, peers, and the network between them, under one clock.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use patchbay_core::{
    Body, DescriptionKind, Ice, Kinds, Lang, LegRole, LinkId, MediaEvent, MediaOp, Name, Open, PartyId, Section,
    Signal, SignalKind, Talk, Topic, Track, Transport,
};
use patchbay_media::{Config, Datagram, Datagrams, Peer as To, PeerMessage, RtpDatagram, Sink, Worker};

use crate::net::{Net, Path};
use crate::peer::Peer;
use crate::ports::Ports;

pub(crate) const SERVER: [u8; 4] = [10, 0, 0, 1];

pub(crate) struct World {
    pub(crate) now: Instant,
    /// The track of the first publication.
    pub(crate) track: Option<Track>,
    /// Who checks the ways of legs that are opened from now on.
    pub(crate) ice: Ice,
    /// Data channels that the owners of such legs heed.
    pub(crate) heeds: Vec<Name>,
    /// What the first peer sends is kept.
    pub(crate) keep: bool,
    pub(crate) kept: Vec<Vec<u8>>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) peers: Vec<Peer>,
    /// The way to the server and the way from it, of each peer.
    pub(crate) paths: Vec<(Path, Path)>,
    free: Vec<(Instant, Instant)>,
    net: Net,
    pub(crate) events: Vec<MediaEvent>,
    between: VecDeque<(usize, PeerMessage)>,
    homes: Vec<(LinkId, usize)>,
    /// To whom the server sent trains of datagrams, one for each.
    pub(crate) trains: Vec<SocketAddr>,
    /// The subscriptions between workers that began and ended.
    pub(crate) subscriptions: (u64, u64),
    /// Ports for telephones.
    pub(crate) ports: Ports,
    /// How much later than they want workers are called.
    pub(crate) late: Duration,
    /// What was sent to addresses that no peer has: from where, to where, when.
    pub(crate) strayed: Vec<(SocketAddr, SocketAddr, Instant, Vec<u8>)>,
}

type Turn<'a> = Box<dyn FnOnce(&mut Worker, Instant, &mut dyn Sink) + 'a>;

struct Out<'a> {
    number: usize,
    count: usize,
    sent: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    events: &'a mut Vec<MediaEvent>,
    between: &'a mut VecDeque<(usize, PeerMessage)>,
    trains: &'a mut Vec<SocketAddr>,
    subscriptions: &'a mut (u64, u64),
    ports: &'a mut Ports,
}

impl Sink for Out<'_> {
    fn bind(&mut self, address: std::net::IpAddr) -> Option<SocketAddr> {
        self.ports.bind(address, self.number)
    }

    fn unbind(&mut self, local: SocketAddr) {
        self.ports.unbind(local);
    }

    fn send(&mut self, datagrams: Datagrams<'_>) {
        self.trains.push(datagrams.destination);
        for bytes in datagrams.contents.chunks(datagrams.segment) {
            self.sent.push((datagrams.source, datagrams.destination, bytes.to_vec()));
        }
    }

    fn event(&mut self, event: MediaEvent) {
        self.events.push(event);
    }

    fn tell(&mut self, to: To, message: PeerMessage) -> bool {
        match message {
            PeerMessage::Subscribe { .. } => self.subscriptions.0 += 1,
            PeerMessage::Unsubscribe { .. } => self.subscriptions.1 += 1,
            _ => {}
        }
        for other in 0..self.count {
            let meant = match to {
                To::One(one) => other == one,
                To::Others => other != self.number,
            };
            if meant {
                self.between.push_back((other, message.clone()));
            }
        }
        true
    }
}

impl World {
    pub(crate) fn new(workers: usize, seed: u64) -> Self {
        Self::with(workers, seed, Config::default())
    }

    pub(crate) fn with(workers: usize, seed: u64, config: Config) -> Self {
        let now = Instant::now();
        let worker = |number: usize| {
            let port = 10_000 + u16::try_from(number).expect("few workers");
            let config = Config { candidates: vec![(SERVER, port).into()], ..config.clone() };
            Worker::new(number, config, now).expect("a worker")
        };
        Self {
            now,
            track: None,
            ice: Ice::Configured,
            heeds: Vec::new(),
            keep: false,
            kept: Vec::new(),
            workers: (0..workers).map(worker).collect(),
            peers: Vec::new(),
            paths: Vec::new(),
            free: Vec::new(),
            net: Net::new(seed),
            events: Vec::new(),
            between: VecDeque::new(),
            homes: Vec::new(),
            trains: Vec::new(),
            subscriptions: (0, 0),
            ports: Ports::default(),
            late: Duration::ZERO,
            strayed: Vec::new(),
        }
    }

    pub(crate) fn peer(&mut self, up: Path, down: Path) -> usize {
        self.peer_with(up, down, |builder| builder)
    }

    pub(crate) fn peer_with(
        &mut self,
        up: Path,
        down: Path,
        change: impl FnOnce(str0m::RtcConfig) -> str0m::RtcConfig,
    ) -> usize {
        let index = self.peers.len();
        let [high, low] = u16::try_from(index).expect("few peers").to_be_bytes();
        let address = SocketAddr::from(([10, 1, high, low], 5_000));
        self.peers.push(Peer::with(self.now, address, change));
        self.paths.push((up, down));
        self.free.push((self.now, self.now));
        index
    }

    fn worker(&mut self, number: usize, call: impl FnOnce(&mut Worker, Instant, &mut dyn Sink)) {
        self.turn(number, Box::new(call));
        while let Some((other, message)) = self.between.pop_front() {
            self.turn(other, Box::new(|worker, now, sink| worker.peer(now, message, sink)));
        }
    }

    fn turn(&mut self, number: usize, call: Turn<'_>) {
        let mut out = Out {
            number,
            count: self.workers.len(),
            sent: Vec::new(),
            events: &mut self.events,
            between: &mut self.between,
            trains: &mut self.trains,
            subscriptions: &mut self.subscriptions,
            ports: &mut self.ports,
        };
        call(&mut self.workers[number], self.now, &mut out);
        self.workers[number].run(self.now, &mut out);
        for (source, destination, bytes) in out.sent {
            let Some(index) = self.peers.iter().position(|peer| peer.address == destination) else {
                self.strayed.push((source, destination, self.now, bytes));
                continue;
            };
            let (path, free) = (self.paths[index].1, &mut self.free[index].1);
            self.net.send(self.now, path, free, source, destination, bytes);
        }
    }

    pub(crate) fn op(&mut self, op: MediaOp) {
        let link = op.link();
        let home_of = |link: LinkId| self.homes.iter().find(|(of, _)| *of == link).map(|(_, home)| *home);
        // Both ends of a conversation live together.
        let with = match &op {
            MediaOp::Open(Open { role: LegRole::Talk(Talk::Ours { with: Some(with), .. }), .. }) => home_of(*with),
            _ => None,
        };
        if let Some(with) = with {
            self.homes.push((link, with));
        }
        let home = self.homes.iter().find(|(of, _)| *of == link).map(|(_, home)| *home);
        let number = home.unwrap_or_else(|| {
            let number = self.homes.len() % self.workers.len();
            self.homes.push((link, number));
            number
        });
        self.worker(number, |worker, now, sink| worker.op(now, op, sink));
    }

    /// Opens a publication and negotiates it with a peer.
    pub(crate) fn publish(&mut self, link: u64, peer: usize, audio: bool, video: bool) -> Track {
        let offer = self.peers[peer].offer(audio, video);
        self.publish_offer(link, peer, offer)
    }

    pub(crate) fn publish_offer(&mut self, link: u64, peer: usize, offer: String) -> Track {
        let id = LinkId::new(link);
        let says = vec![Topic::new(link * 2)];
        let hears = vec![Topic::new(link * 2 + 1)];
        let role = LegRole::Receive { accept: Kinds::ALL, codecs: Config::default().codecs.into() };
        self.open(link, peer, role, says, hears);
        self.remote(link, SignalKind::Offer, &offer);
        let (answer, _) = self.described(link, DescriptionKind::Answer);
        self.peers[peer].accept(&answer);
        self.peers[peer].tick(self.now);
        let parsed = self.events.iter().rev().find_map(|event| match event {
            MediaEvent::Parsed { link, audio, video, layers } if *link == id => Some((*audio, *video, *layers)),
            _ => None,
        });
        let (audio, video, layers) = parsed.expect("the offer is parsed");
        Track { source: id, audio, video, layers, pass: Kinds::ALL, height: None, heir_of: None }
    }

    /// Opens a view of tracks and negotiates it with a peer; the offer's sections.
    pub(crate) fn view(&mut self, link: u64, peer: usize, tracks: Vec<Track>) -> Vec<Section<LinkId>> {
        let hears = tracks.iter().map(|track| Topic::new(number(track.source) * 2)).collect();
        let says = tracks.iter().map(|track| Topic::new(number(track.source) * 2 + 1)).collect();
        let role = LegRole::Send { tracks, may_grow: true, label: Name::parse("s").ok(), narrow: false };
        self.open(link, peer, role, says, hears);
        self.negotiate(link, peer)
    }

    /// Opens a view whose peer offers; the answer's sections.
    pub(crate) fn watch(&mut self, link: u64, peer: usize, tracks: Vec<Track>, offer: &str) -> Vec<Section<LinkId>> {
        self.open(link, peer, LegRole::Answer { tracks, may_grow: true }, vec![], vec![]);
        self.reoffer(link, peer, offer)
    }

    /// Has a leg answer an offer.
    pub(crate) fn reoffer(&mut self, link: u64, peer: usize, offer: &str) -> Vec<Section<LinkId>> {
        self.remote(link, SignalKind::Offer, offer);
        let (answer, sections) = self.described(link, DescriptionKind::Answer);
        self.peers[peer].accept(&answer);
        self.peers[peer].tick(self.now);
        sections
    }

    /// Answers the last offer of a leg.
    pub(crate) fn negotiate(&mut self, link: u64, peer: usize) -> Vec<Section<LinkId>> {
        let (offer, sections) = self.described(link, DescriptionKind::Offer);
        let answer = self.peers[peer].answer(&offer);
        self.peers[peer].tick(self.now);
        self.remote(link, SignalKind::Answer, &answer);
        sections
    }

    pub(crate) fn open(&mut self, link: u64, peer: usize, role: LegRole, says: Vec<Topic>, hears: Vec<Topic>) {
        let ice = self.ice;
        let owner = PartyId::new(0, u32::try_from(peer).expect("few peers"), 0);
        let report = Duration::from_secs(1);
        self.op(MediaOp::Open(Open {
            link: LinkId::new(link),
            owner,
            role,
            says,
            hears,
            heeds: self.heeds.clone(),
            report,
            transport: Transport::WebRtc(ice),
        }));
    }

    pub(crate) fn remote(&mut self, link: u64, kind: SignalKind, text: &str) {
        let signal = Signal { kind, body: Body::new(Lang(0), text.as_bytes()) };
        self.op(MediaOp::Remote { link: LinkId::new(link), signal });
    }

    /// Tells a leg where its peer can be reached.
    pub(crate) fn trickle(&mut self, link: u64, peer: usize) {
        let address = self.peers[peer].address;
        let candidate = format!("candidate:1 1 UDP 2130706431 {} {} typ host", address.ip(), address.port());
        self.remote(link, SignalKind::Candidate, &candidate);
    }

    /// The last description of a leg, taken out.
    pub(crate) fn described(&mut self, link: u64, kind: DescriptionKind) -> (String, Vec<Section<LinkId>>) {
        let id = LinkId::new(link);
        let of = |event: &MediaEvent| matches!(event, MediaEvent::Local { link, kind: of, .. } if *link == id && *of == kind);
        let at = self.events.iter().rposition(of).unwrap_or_else(|| panic!("no {kind:?}: {:?}", self.events));
        match self.events.remove(at) {
            MediaEvent::Local { sdp, sections, .. } => (sdp.to_string(), sections),
            _ => unreachable!("it was looked at"),
        }
    }

    pub(crate) fn has(&self, event: impl Fn(&MediaEvent) -> bool) -> bool {
        self.events.iter().any(event)
    }

    pub(crate) fn flows(&self, link: u64) -> bool {
        self.has(|event| matches!(event, MediaEvent::Flowing { link: of } if *of == LinkId::new(link)))
    }

    /// Lets time pass; `each` is called at every step of it.
    pub(crate) fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        let mut steps = 0;
        loop {
            self.send_all();
            let late = self.late;
            let deadlines = self.workers.iter().filter_map(Worker::deadline).map(|at| at + late);
            let peers = self.peers.iter().filter_map(Peer::next);
            let next = deadlines.chain(peers).chain(self.net.next()).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            steps += 1;
            assert!(steps < 100_000, "something is due for ever: {:?}", self.due());
            self.now = self.now.max(next);
            while let Some(flight) = self.net.take(self.now) {
                self.arrive(flight.source, flight.destination, &flight.bytes);
            }
            for number in 0..self.workers.len() {
                if self.workers[number].deadline().is_some_and(|at| at + late <= self.now) {
                    self.worker(number, |_, _, _| ());
                }
            }
            for peer in &mut self.peers {
                if peer.next().is_some_and(|at| at <= self.now) {
                    peer.tick(self.now);
                }
            }
        }
        self.now = until;
    }

    /// Who is due before now, for a failure's message.
    fn due(&self) -> [Vec<Option<Instant>>; 3] {
        let workers = self.workers.iter().map(Worker::deadline).collect();
        [workers, self.peers.iter().map(Peer::next).collect(), vec![self.net.next(), Some(self.now)]]
    }

    pub(crate) fn arrive(&mut self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) {
        if let Some((local, number)) = self.ports.owner(destination) {
            let control = destination != local;
            let datagram = RtpDatagram { local, control, source, contents: bytes };
            self.worker(number, |worker, now, sink| worker.receive_rtp(now, datagram, sink));
        } else if destination.ip() == std::net::IpAddr::from(SERVER) {
            if destination.port() >= 20_000 {
                // Nobody is bound to it any more.
                return;
            }
            let number = usize::from(destination.port() - 10_000);
            let datagram = Datagram { source, destination: Some(destination.ip()), contents: bytes };
            self.worker(number, |worker, now, sink| worker.receive(now, datagram, sink));
        } else if let Some(peer) = self.peers.iter_mut().find(|peer| peer.address == destination) {
            peer.receive(self.now, source, bytes);
        }
    }

    fn send_all(&mut self) {
        for index in 0..self.peers.len() {
            for transmit in std::mem::take(&mut self.peers[index].out) {
                let (path, free) = (self.paths[index].0, &mut self.free[index].0);
                let bytes = transmit.contents.to_vec();
                if self.keep && index == 0 {
                    self.kept.push(bytes.clone());
                }
                self.net.send(self.now, path, free, transmit.source, transmit.destination, bytes);
            }
        }
    }
}

pub(crate) fn number(link: LinkId) -> u64 {
    let text = format!("{link:?}");
    text.trim_start_matches("LinkId(").trim_end_matches(')').parse().expect("a number")
}
