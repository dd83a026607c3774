//! One worker: the legs of one thread, and what passes between them.
//!
//! Without I/O: it is told what came and what time it is, and hands what is to be sent to a [`Sink`] at once. Nothing
//! that a peer sends can make it wait, and a leg that panics ends alone.

#[cfg(any(test, feature = "fuzzing"))]
mod check;
mod data;
mod ops;
mod talk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::{LinkId, MediaEvent, MediaFault, Topic};

use crate::Config;
use crate::batch::Batch;
use crate::burst::Burst;
use crate::demux::{Class, Demux, classify};
use crate::dtls::{Identity, identity};
use crate::egress::{Room, Wire};
use crate::leg::{Forwarded, Happened, Leg, Over, Role};
use crate::peer::{LayerInfo, Peer, PeerMessage};
use crate::route::{Place, Routes};
use crate::sink::Sink;
use crate::wheel::{TICK, Wheel};

/// How often legs that wait for something are looked at: longer lets a viewer wait longer for its picture, shorter costs
/// more looks.
const SURVEY: Duration = Duration::from_millis(100);
/// Surveys in which each leg has its turn once: to be measured, reported on, or found lost. Shorter reacts sooner to a
/// publisher whose layers change, longer spares the walk over thousands of idle legs.
const ROUNDS: usize = 5;

/// Most further calls of a leg's str0m in one turn. More serves a large frame or a quick probe whole, fewer lets the other
/// legs have their turn sooner.
const AT_ONCE: usize = 64;
/// What str0m wants this soon, it gets at once, under the time that it wants it for: after each paced packet it asks to be
/// called a microsecond later. Longer would run further ahead of the clock, shorter waits for a tick more often.
const HURRY: Duration = Duration::from_micros(100);

/// The legs of one thread.
pub struct Worker {
    number: usize,
    config: Arc<Config>,
    identity: Arc<Identity>,
    legs: Vec<Option<Box<Leg>>>,
    free: Vec<usize>,
    by_link: BTreeMap<LinkId, usize>,
    demux: Demux,
    routes: Routes,
    /// What layers a source has; of those that live here, and of those that are viewed here.
    layers: BTreeMap<LinkId, Vec<LayerInfo>>,
    /// Legs that send checks and are not connected yet: an answer may come from where nobody is known. Most workers have
    /// none, so that answers of strangers cost nothing.
    asking: BTreeSet<usize>,
    /// Viewers of several voices, who are told which of them speaks.
    attending: BTreeSet<usize>,
    hears: BTreeMap<Topic, BTreeSet<usize>>,
    wheel: Wheel,
    /// Legs that wait to be polled.
    dirty: VecDeque<usize>,
    /// Bursts that wait to be forwarded.
    ready: VecDeque<Arc<Burst>>,
    /// Receiving legs with packets that wait for the rest of their frame, or wishes for key frames that wait.
    holding: BTreeSet<usize>,
    /// Viewers that wait for a key frame, or choose among layers.
    care: BTreeSet<usize>,
    survey_at: Instant,
    round: usize,
    batch: Batch,
    room: Room,
    happened: Vec<Happened>,
    bursts: Vec<Burst>,
    due: Vec<(usize, u64)>,
    places: Vec<Place>,
    /// Whose the ports of telephones are: a leg's section.
    ports: BTreeMap<SocketAddr, (usize, usize)>,
    /// What a telephone has sent, opened.
    plain: Vec<u8>,
    counts: Counts,
}

/// What a worker has seen, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Legs that are open.
    pub legs: u64,
    /// Datagrams that were for no leg, or proved nothing.
    pub strangers: u64,
    /// RTP packets that came in.
    pub packets_in: u64,
    /// RTP packets that were handed to viewers' connections.
    pub packets_out: u64,
    /// Legs that ended because of a panic; bugs of ours.
    pub panics: u64,
    /// Bursts that another worker did not take.
    pub lost_bursts: u64,
}

/// What came from the network.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: SocketAddr,
    /// The address that it came to, if the system told.
    pub destination: Option<IpAddr>,
    /// Its bytes.
    pub contents: &'a [u8],
}

/// What came to a port of a telephone.
#[derive(Clone, Copy, Debug)]
pub struct RtpDatagram<'a> {
    /// The pair of ports, as [`Sink::bind`] gave it.
    pub local: SocketAddr,
    /// It came to the upper one, for RTCP.
    pub control: bool,
    /// Who sent it.
    pub source: SocketAddr,
    /// Its bytes.
    pub contents: &'a [u8],
}

impl Worker {
    /// A worker without legs.
    ///
    /// # Errors
    /// If the crypto library fails, with the cause.
    pub fn new(number: usize, config: Config, now: Instant) -> Result<Self, String> {
        Ok(Self {
            number,
            config: Arc::new(config),
            identity: Arc::new(identity()?),
            legs: Vec::new(),
            free: Vec::new(),
            by_link: BTreeMap::new(),
            demux: Demux::default(),
            routes: Routes::default(),
            layers: BTreeMap::new(),
            asking: BTreeSet::new(),
            attending: BTreeSet::new(),
            hears: BTreeMap::new(),
            wheel: Wheel::new(now),
            dirty: VecDeque::new(),
            ready: VecDeque::new(),
            holding: BTreeSet::new(),
            care: BTreeSet::new(),
            survey_at: now + SURVEY,
            round: 0,
            batch: Batch::default(),
            room: Room::default(),
            happened: Vec::new(),
            bursts: Vec::new(),
            due: Vec::new(),
            places: Vec::new(),
            ports: BTreeMap::new(),
            plain: Vec::new(),
            counts: Counts::default(),
        })
    }

    /// What it has seen.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { legs: self.by_link.len() as u64, ..self.counts }
    }

    /// Takes a datagram. Call [`Worker::run`] once after a batch of them.
    pub fn receive(&mut self, now: Instant, datagram: Datagram<'_>, sink: &mut dyn Sink) {
        let Datagram { source, contents, .. } = datagram;
        let Some(destination) = self.local(&datagram) else { return };
        let class = classify(contents);
        let leg = match class {
            Class::Check(name) => self.demux.by_name(name),
            Class::Answer => self.demux.by_address(source).or_else(|| self.asker(now, source, destination, contents)),
            Class::Media | Class::Dtls => self.demux.by_address(source),
            Class::Junk => None,
        };
        let Some(index) = leg else {
            self.counts.strangers += 1;
            return;
        };
        if matches!(class, Class::Check(_) | Class::Answer) && self.demux.by_address(source) != Some(index) {
            // Before it can do anything: whoever only guesses a name is no more than a stranger. (From an address that was
            // proved, str0m's own look is enough.) An answer to a check of ours proves as much as one of the peer's.
            let proved = self.legs[index].as_ref().is_some_and(|leg| leg.proves(now, source, destination, contents));
            if !proved {
                self.counts.strangers += 1;
                return;
            }
            if let Some(leg) = &mut self.legs[index] {
                self.demux.learn(source, index, &mut leg.addresses);
            }
        }
        let mut taken = false;
        if class == Class::Media {
            self.call(index, now, sink, |leg, wire, happened| {
                taken = leg.control(contents, now, wire, happened);
                Ok(())
            });
        }
        if !taken {
            let identity = Arc::clone(&self.identity);
            self.guard(index, sink, |leg| leg.receive(now, source, destination, contents, &identity.provider));
            // Each input is drained at once: str0m's rule.
            self.poll(index, now, sink);
        }
    }

    /// The leg whose own check this answers.
    fn asker(&self, now: Instant, source: SocketAddr, destination: SocketAddr, datagram: &[u8]) -> Option<usize> {
        let asks = |index: &usize| {
            self.legs[*index].as_ref().is_some_and(|leg| leg.proves(now, source, destination, datagram))
        };
        self.asking.iter().copied().find(asks)
    }

    /// The candidate that a datagram came to.
    fn local(&self, datagram: &Datagram<'_>) -> Option<SocketAddr> {
        let same_family = |candidate: &&SocketAddr| candidate.is_ipv4() == datagram.source.is_ipv4();
        let exact = |candidate: &&SocketAddr| Some(candidate.ip()) == datagram.destination;
        let mut of_family = self.config.candidates.iter().filter(same_family);
        // An address that we advertise but do not have, behind a translation, stands for those that we have.
        of_family.clone().find(exact).or_else(|| of_family.next()).copied()
    }

    /// When [`Worker::run`] is to be called at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let held = self.holding.iter().filter_map(|index| match &self.legs[*index].as_ref()?.role {
            Role::Receive(receiving) => receiving.deadline(),
            Role::Send(_) | Role::Fragments(_) | Role::Talk(_) | Role::Phone(_) => None,
        });
        let survey = (!self.by_link.is_empty()).then_some(self.survey_at);
        held.chain(self.wheel.next()).chain(survey).min()
    }

    /// Does what is due, forwards what is whole, and sends what that makes.
    pub fn run(&mut self, now: Instant, sink: &mut dyn Sink) {
        self.turn_wheel(now, sink);
        self.flush_held(now);
        if now >= self.survey_at {
            self.survey_at = now + SURVEY;
            self.survey(now, sink);
        }
        loop {
            if let Some(burst) = self.ready.pop_front() {
                self.forward(&burst, now, sink);
            } else if let Some(index) = self.dirty.pop_front() {
                if let Some(leg) = &mut self.legs[index] {
                    leg.dirty = false;
                }
                self.settle(index, now, sink);
            } else {
                return;
            }
        }
    }

    fn turn_wheel(&mut self, now: Instant, sink: &mut dyn Sink) {
        let mut due = std::mem::take(&mut self.due);
        self.wheel.take(now, &mut due);
        for (index, tick) in due.drain(..) {
            let Some(leg) = self.legs.get_mut(index).and_then(Option::as_mut) else { continue };
            // It has been set for another tick since, and is let go of.
            if leg.armed != Some(tick) {
                continue;
            }
            leg.armed = None;
            if leg.due().is_some_and(|at| at <= now + TICK) {
                self.settle(index, now, sink);
            } else {
                self.arm(index);
            }
        }
        self.due = due;
    }

    fn flush_held(&mut self, now: Instant) {
        let mut bursts = std::mem::take(&mut self.bursts);
        let mut asked = Vec::new();
        self.holding.retain(|index| {
            let Some(leg) = &mut self.legs[*index] else { return false };
            if leg.flush(now, &mut bursts) {
                asked.push(*index);
            }
            matches!(&leg.role, Role::Receive(receiving) if receiving.deadline().is_some())
        });
        asked.into_iter().for_each(|index| self.touch(index));
        self.ready.extend(bursts.drain(..).map(Arc::new));
        self.bursts = bursts;
    }

    /// Hands a burst to its viewers, one after the other.
    fn forward(&mut self, burst: &Arc<Burst>, now: Instant, sink: &mut dyn Sink) {
        let (source, kind) = (burst.source, burst.kind);
        let mut places = std::mem::take(&mut self.places);
        self.routes.places(source, kind, &mut places);
        for &(index, slot) in &places {
            let mut forwarded = Forwarded::Nothing;
            self.call(index, now, sink, |leg, wire, _| {
                forwarded = leg.forward(slot, burst, now, wire);
                Ok(())
            });
            if matches!(forwarded, Forwarded::Written | Forwarded::Sent) {
                self.counts.packets_out += burst.packets.len() as u64;
            }
            match forwarded {
                Forwarded::Nothing => {}
                Forwarded::Written => self.settle(index, now, sink),
                Forwarded::Sent => self.arm(index),
                Forwarded::Waits => drop(self.care.insert(index)),
            }
        }
        self.places = places;
        for &worker in self.routes.away(source) {
            if !sink.tell(Peer::One(worker), PeerMessage::Burst(Arc::clone(burst))) {
                self.counts.lost_bursts += 1;
            }
        }
    }

    /// Takes a message of another worker.
    pub fn peer(&mut self, now: Instant, message: PeerMessage, sink: &mut dyn Sink) {
        match message {
            PeerMessage::Subscribe { source, worker } => {
                if self.by_link.contains_key(&source) {
                    self.routes.set_away(source, worker, true);
                    let layers = self.layers.get(&source).cloned().unwrap_or_default();
                    sink.tell(Peer::One(worker), PeerMessage::Layers { source, layers });
                }
            }
            PeerMessage::Unsubscribe { source, worker } => self.routes.set_away(source, worker, false),
            PeerMessage::Burst(burst) => self.ready.push_back(burst),
            PeerMessage::Layers { source, layers } => {
                if self.routes.video_legs(source).next().is_some() {
                    self.layers.insert(source, layers);
                    self.choose_for(source, now, sink);
                }
            }
            // Asked of all: only whose source it is may answer, or the others would ask each other for ever.
            PeerMessage::KeyWanted { source, layer } if self.by_link.contains_key(&source) => {
                self.want_key(source, layer, now, sink);
            }
            PeerMessage::KeyWanted { .. } => {}
            PeerMessage::Data(said) => self.hand_out(&said),
        }
    }

    /// Tells str0m the time and takes out what it has.
    fn settle(&mut self, index: usize, now: Instant, sink: &mut dyn Sink) {
        self.guard(index, sink, |leg| leg.tick(leg.rtc_due().map_or(now, |due| due.min(now))));
        self.poll(index, now, sink);
    }

    /// Takes out what str0m has, and what it would have had by now if it had been called whenever it wanted.
    ///
    /// Its pacer counts on that: it lets go of one packet with each call, and a probe asks for what belongs between two
    /// calls that come in time. With one call for all that is overdue, no estimate could rise above what the wheel's ticks,
    /// and the machine's lateness, let through.
    fn poll(&mut self, index: usize, now: Instant, sink: &mut dyn Sink) {
        self.call(index, now, sink, |leg, wire, happened| leg.poll(now, wire, happened));
        for _ in 0..AT_ONCE {
            let due = self.legs[index].as_ref().and_then(|leg| leg.rtc_due());
            let Some(at) = due.filter(|at| *at <= now + HURRY) else { break };
            self.guard(index, sink, |leg| leg.tick(at));
            self.call(index, now, sink, |leg, wire, happened| leg.poll(now, wire, happened));
        }
        self.arm(index);
    }

    /// Calls a leg that may send, and sees to what happens. One that fails, or panics, is over.
    fn call(
        &mut self,
        index: usize,
        now: Instant,
        sink: &mut dyn Sink,
        call: impl FnOnce(&mut Leg, &mut Wire<'_>, &mut Vec<Happened>) -> Result<(), Over>,
    ) {
        let Some(leg) = self.legs[index].as_deref_mut() else { return };
        let mut happened = std::mem::take(&mut self.happened);
        let mut wire = Wire { batch: &mut self.batch, sink, room: &mut self.room };
        let called = catch_unwind(AssertUnwindSafe(|| call(leg, &mut wire, &mut happened)));
        match called {
            Ok(_) => self.batch.flush(sink),
            // Whoever panicked may have left a packet half written, or in clear.
            Err(_) => self.batch.discard(),
        }
        for event in happened.drain(..) {
            self.happens(index, event, now, sink);
        }
        self.happened = happened;
        match called {
            Ok(Ok(())) => {}
            Ok(Err(over)) => self.end(index, over, sink),
            Err(_) => self.panicked(index, sink),
        }
    }

    /// Sees to it that the leg is called when it wants to be.
    fn arm(&mut self, index: usize) {
        let Some(leg) = self.legs[index].as_mut() else { return };
        let Some(due) = leg.due() else { return };
        let tick = self.wheel.tick(due);
        if leg.armed.is_none_or(|armed| tick < armed) {
            leg.armed = Some(self.wheel.set(index, tick));
        }
    }

    fn happens(&mut self, index: usize, event: Happened, now: Instant, sink: &mut dyn Sink) {
        match event {
            Happened::Packet(packet) if self.talks(index) => {
                self.counts.packets_in += 1;
                self.talked(index, &packet, now, sink);
            }
            Happened::Packet(packet) => {
                self.counts.packets_in += 1;
                let mut bursts = std::mem::take(&mut self.bursts);
                let mut media = false;
                self.guard(index, sink, |leg| {
                    media = leg.packet(*packet, now, &mut bursts);
                    Ok(())
                });
                self.ready.extend(bursts.drain(..).map(Arc::new));
                self.bursts = bursts;
                self.holding.insert(index);
                if media {
                    self.flows(index, now, sink);
                }
                if let Some(report) = self.legs[index].as_mut().and_then(|leg| leg.news(now)) {
                    sink.event(report);
                }
            }
            Happened::Connected => {
                self.asking.remove(&index);
                let expects = self.legs[index].as_ref().is_some_and(|leg| match &leg.role {
                    Role::Receive(receiving) => receiving.expects_media(),
                    Role::Send(_) | Role::Fragments(_) | Role::Talk(_) | Role::Phone(_) => false,
                });
                if !expects {
                    self.flows(index, now, sink);
                }
                self.begins_to_hear(index, now, sink);
                self.choose(index, now, sink);
            }
            Happened::KeyWanted(mid) if self.talks(index) => self.complains(index, mid, now, sink),
            Happened::KeyUnasked => self.unasked(index, sink),
            Happened::KeyWanted(mid) => {
                let Some(Leg { role: Role::Send(sending), .. }) = self.legs[index].as_deref_mut() else { return };
                if let Some((source, layer)) = sending.complains(mid, now) {
                    self.want_key(source, layer, now, sink);
                }
            }
            Happened::Estimate | Happened::Opened => self.choose(index, now, sink),
            Happened::Lost => {
                if let Some(leg) = self.legs[index].as_deref_mut() {
                    leg.lost(now);
                }
            }
            Happened::Said { binary, bytes } => self.said(index, binary, bytes, sink),
            Happened::Channel { channel, open } => {
                let Some(link) = self.legs[index].as_ref().map(|leg| leg.link) else { return };
                sink.event(MediaEvent::Channel { link, channel, open });
            }
            Happened::Heard { channel, binary, bytes } => {
                let Some(link) = self.legs[index].as_ref().map(|leg| leg.link) else { return };
                sink.event(MediaEvent::Heard { link, channel, binary, bytes });
            }
            Happened::Closed => self.end(index, Over::Lost, sink),
        }
    }

    fn flows(&mut self, index: usize, now: Instant, sink: &mut dyn Sink) {
        let Some(leg) = &mut self.legs[index] else { return };
        if leg.connected && !std::mem::replace(&mut leg.flowing, true) {
            let link = leg.link;
            if matches!(leg.role, Role::Receive(_)) {
                self.measure(index, now, sink);
            }
            sink.event(MediaEvent::Flowing { link });
        }
    }

    /// Measures layers, chooses anew, and looks for legs that are lost.
    fn survey(&mut self, now: Instant, sink: &mut dyn Sink) {
        self.round = (self.round + 1) % ROUNDS;
        for index in (self.round..self.legs.len()).step_by(ROUNDS) {
            let Some(leg) = &mut self.legs[index] else { continue };
            if leg.is_lost(now, self.config.grace) {
                self.end(index, Over::Lost, sink);
                continue;
            }
            if let Some(report) = leg.report(now) {
                sink.event(report);
            }
            if matches!(&leg.role, Role::Receive(receiving) if !receiving.layers.is_empty()) {
                self.measure(index, now, sink);
            }
        }
        for index in &self.attending {
            let Some(Leg { link, role: Role::Send(sending), .. }) = self.legs[*index].as_deref_mut() else { continue };
            if let Some((source, level)) = sending.speaker(now) {
                sink.event(MediaEvent::Speaker { link: *link, source, level });
            }
        }
        for index in self.care.iter().copied().collect::<Vec<_>>() {
            self.choose(index, now, sink);
        }
    }

    /// Learns what layers a source has, and tells those whom it concerns if that has changed.
    fn measure(&mut self, index: usize, now: Instant, sink: &mut dyn Sink) {
        let Some(Leg { link, role: Role::Receive(receiving), .. }) = self.legs[index].as_deref_mut() else { return };
        let (source, layers) = (*link, receiving.infos(now));
        let known = self.layers.insert(source, layers.clone());
        let living = |layers: &[LayerInfo]| layers.iter().map(|info| (info.height, info.bps > 0)).collect::<Vec<_>>();
        let changed = known.is_none_or(|known| living(&known) != living(&layers));
        for worker in self.routes.away(source).to_vec() {
            sink.tell(Peer::One(worker), PeerMessage::Layers { source, layers: layers.clone() });
        }
        if changed {
            self.choose_for(source, now, sink);
        }
    }

    /// Chooses layers anew for all viewers of a source.
    fn choose_for(&mut self, source: LinkId, now: Instant, sink: &mut dyn Sink) {
        for index in self.routes.video_legs(source).collect::<Vec<_>>() {
            self.choose(index, now, sink);
        }
    }

    /// Chooses what a viewer is sent, and asks for the key frames that it takes.
    fn choose(&mut self, index: usize, now: Instant, sink: &mut dyn Sink) {
        let layers = &self.layers;
        let of = |source: LinkId| layers.get(&source).map(Vec::as_slice).unwrap_or_default();
        let Some(leg) = self.legs[index].as_deref_mut() else { return };
        let (link, estimate) = (leg.link, leg.estimate);
        let (wanted, switched): (Vec<_>, Vec<_>) = match &mut leg.role {
            Role::Send(sending) => {
                let goal = sending.choose(now, estimate, of);
                let chosen = (sending.keys_wanted().collect(), sending.switched(of));
                leg.look_for(goal);
                chosen
            }
            Role::Fragments(fragmenting) => {
                fragmenting.choose(now, of);
                let switched = fragmenting.switched(of);
                (fragmenting.key_wanted().into_iter().collect(), switched.into_iter().collect())
            }
            Role::Receive(_) | Role::Talk(_) | Role::Phone(_) => return,
        };
        if leg.needs_care(of) {
            self.care.insert(index);
        } else {
            self.care.remove(&index);
        }
        for (source, height) in switched {
            sink.event(MediaEvent::Switched { link, source, height });
        }
        if self.legs[index].as_ref().is_some_and(|leg| leg.connected) {
            for (source, layer) in wanted {
                self.want_key(source, layer, now, sink);
            }
        }
    }

    /// A viewer needs a key frame: its publisher is asked, here or on the worker that it lives on.
    fn want_key(&mut self, source: LinkId, layer: u8, now: Instant, sink: &mut dyn Sink) {
        let Some(&index) = self.by_link.get(&source) else {
            sink.tell(Peer::Others, PeerMessage::KeyWanted { source, layer });
            return;
        };
        let mut asked = false;
        self.guard(index, sink, |leg| {
            asked = leg.want_key(usize::from(layer), now);
            Ok(())
        });
        self.holding.insert(index);
        if asked {
            self.touch(index);
        }
    }

    /// Calls a leg. One that fails, or panics, is over.
    fn guard(&mut self, index: usize, sink: &mut dyn Sink, call: impl FnOnce(&mut Leg) -> Result<(), Over>) {
        let Some(leg) = self.legs[index].as_deref_mut() else { return };
        let done = catch_unwind(AssertUnwindSafe(|| call(leg)));
        self.judge(index, done, sink);
    }

    /// The same for what may ask for ports, or give them back.
    fn guard_with(
        &mut self,
        index: usize,
        sink: &mut dyn Sink,
        call: impl FnOnce(&mut Leg, &mut dyn Sink) -> Result<(), Over>,
    ) {
        let Some(leg) = self.legs[index].as_deref_mut() else { return };
        let done = catch_unwind(AssertUnwindSafe(|| call(leg, sink)));
        self.judge(index, done, sink);
    }

    fn judge(&mut self, index: usize, done: std::thread::Result<Result<(), Over>>, sink: &mut dyn Sink) {
        match done {
            Ok(Ok(())) => {}
            Ok(Err(over)) => self.end(index, over, sink),
            Err(_) => self.panicked(index, sink),
        }
    }

    fn panicked(&mut self, index: usize, sink: &mut dyn Sink) {
        self.counts.panics += 1;
        tracing::error!("a media leg panicked and was closed; this is a bug of ours, please report the line above");
        self.end(index, Over::Fault(MediaFault::Internal), sink);
    }

    /// The leg is over by itself: the hub is told.
    fn end(&mut self, index: usize, over: Over, sink: &mut dyn Sink) {
        let Some(link) = self.legs[index].as_ref().map(|leg| leg.link) else { return };
        self.remove(index, sink);
        sink.event(match over {
            Over::Lost => MediaEvent::Lost { link },
            Over::Fault(fault) => MediaEvent::Refused { link, fault },
        });
    }

    /// Takes a leg out of everything.
    fn remove(&mut self, index: usize, sink: &mut dyn Sink) {
        let Some(leg) = self.legs[index].take() else { return };
        self.by_link.remove(&leg.link);
        self.demux.forget(index, &leg.addresses, &leg.names);
        self.holding.remove(&index);
        self.care.remove(&index);
        self.asking.remove(&index);
        self.attending.remove(&index);
        for topic in &leg.hears {
            if let Some(hearers) = self.hears.get_mut(topic) {
                hearers.remove(&index);
                if hearers.is_empty() {
                    self.hears.remove(topic);
                }
            }
        }
        match leg.role {
            Role::Receive(_) => {
                self.routes.remove_source(leg.link);
                self.layers.remove(&leg.link);
            }
            Role::Send(_) | Role::Fragments(_) => self.reroute(index, sink),
            Role::Talk(talking) => self.part(leg.link, talking.other),
            Role::Phone(mut phone) => {
                phone.release(sink);
                self.ports.retain(|_, (leg, _)| *leg != index);
                self.part(leg.link, phone.other);
            }
        }
        // The wheel may still hold the number; whoever gets it next is set for another tick.
        self.free.push(index);
    }

    /// Routes to the leg what it is to be sent now: nothing, if it has gone. Other workers hear of the sources whose first
    /// viewer here it is, or whose last it was; not of those that it has viewed alone and goes on viewing.
    fn reroute(&mut self, index: usize, sink: &mut dyn Sink) {
        let lost = self.routes.remove_leg(index);
        let mut subscriptions = Vec::new();
        match self.legs[index].as_deref_mut().map(|leg| &mut leg.role) {
            Some(Role::Send(sending)) => {
                subscriptions.extend(sending.subscriptions());
                if sending.attend() {
                    self.attending.insert(index);
                } else {
                    self.attending.remove(&index);
                }
            }
            Some(Role::Fragments(fragmenting)) => subscriptions.extend(fragmenting.subscription()),
            Some(Role::Receive(_) | Role::Talk(_) | Role::Phone(_)) | None => {}
        }
        let mut found = Vec::new();
        for subscription in subscriptions {
            if self.routes.add(subscription.source, subscription.kind, (index, subscription.slot)) {
                found.push(subscription.source);
            }
        }
        for &source in lost.iter().filter(|source| !found.contains(source) && !self.by_link.contains_key(source)) {
            self.layers.remove(&source);
            sink.tell(Peer::Others, PeerMessage::Unsubscribe { source, worker: self.number });
        }
        for &source in found.iter().filter(|source| !lost.contains(source) && !self.by_link.contains_key(source)) {
            sink.tell(Peer::Others, PeerMessage::Subscribe { source, worker: self.number });
        }
    }
}
