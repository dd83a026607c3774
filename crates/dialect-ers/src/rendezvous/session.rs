//! One connection's memory: where it sits, with whom it is paired, and what it waits for.

mod seat;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use patchbay_core::{CallState, Event, Lang, Moment, Refusal, Tag};
use patchbay_dialect_kit::job::{Change, Done, Job, Record};
use patchbay_dialect_kit::{Arrival, CloseCause, Ctx, Frame, Random, Session, TokenBucket};

use self::seat::{Seat, Server, Viewer};
use super::Settings;
use super::gate::{self, Role, Verdict};
use super::ice::Audience;
use super::refusal::{self, Asked, Told};
use super::wire::{self, Answer, ClientEvent, Declined, Generation, JoinData};
use crate::packet::{Kind, Packet};

/// The command or job that is answered.
const WAIT: Tag = Tag(1);
const MEET: Tag = Tag(2);
const CREATE: Tag = Tag(3);
const RELAY: Tag = Tag(4);
const END: Tag = Tag(5);
const AGAIN: Tag = Tag(6);
const READ: Tag = Tag(7);
const BIND: Tag = Tag(8);

/// Packets that wait while the store is asked about a join. Players send three, devices one; more would let one that
/// sends on and on fill memory, and fewer would cut off who is merely quick. One more ends the connection.
const KEPT: usize = 64;

/// How often a token is looked at again that somebody else changed meanwhile: each time, somebody got his. Then the viewer
/// is told to try again.
const TRIES: u8 = 4;

/// WebSocket close codes (RFC 6455 section 7.4.1), for what devices do not read: they have been told `0::` before.
const CLOSE_NORMAL: u16 = 1000;
const CLOSE_POLICY: u16 = 1008;

pub(super) struct RendezvousSession {
    lang: Lang,
    settings: Arc<Settings>,
    /// The id by which partners know it: the transport's, or one of its form.
    id: Box<str>,
    from: Option<IpAddr>,
    audience: Audience,
    seat: Seat,
    /// A join about which the store is asked.
    joining: Option<Joining>,
    /// What was said since.
    kept: VecDeque<Box<str>>,
    /// Who is to be told that nobody is there, and when.
    alone: Option<(Moment, AckId)>,
    /// A `create` that the hub is asked about.
    creating: Option<(AckId, Box<str>)>,
    bucket: TokenBucket,
    /// The next heartbeat, or the end if the last one was not answered.
    beat: Moment,
    unanswered: bool,
}

/// By which an answer is asked for; `None`: none is.
type AckId = Option<Box<str>>;

struct Joining {
    room: Box<str>,
    ack: AckId,
    token: Option<Box<str>>,
    tries: u8,
    who: Who,
}

enum Who {
    Server { generation: Generation, rank: Option<u64> },
    Viewer { greeting: Box<[u8]> },
}

impl Joining {
    fn role(&self) -> Role<'_> {
        let token = self.token.as_deref();
        match &self.who {
            Who::Server { generation, .. } => Role::Server { generation: *generation, token },
            Who::Viewer { .. } => Role::Viewer { token },
        }
    }
}

impl RendezvousSession {
    pub(super) fn new(lang: Lang, settings: Arc<Settings>, arrival: Option<&Arrival<'_>>) -> Self {
        Self {
            lang,
            settings,
            id: arrival.and_then(|arrival| arrival.id).unwrap_or_default().into(),
            from: arrival.and_then(|arrival| arrival.from),
            audience: Audience::of(arrival.and_then(|arrival| arrival.agent)),
            seat: Seat::None,
            joining: None,
            kept: VecDeque::new(),
            alone: None,
            creating: None,
            bucket: TokenBucket::full(),
            beat: Moment::START,
            unanswered: false,
        }
    }

    fn packet(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        let packet = Packet::parse(text);
        match packet {
            Some(Packet { kind: Kind::Heartbeat, .. }) => {
                self.unanswered = false;
                self.beat = ctx.now + self.settings.heartbeat_interval;
            }
            Some(Packet { kind: Kind::Disconnect, endpoint: "", .. }) => {
                ctx.out.text(|out| out.extend_from_slice(b"0::"));
                ctx.out.close(CLOSE_NORMAL, CloseCause::Peer);
            }
            // What was said before comes first.
            _ if self.joining.is_some() || !self.kept.is_empty() => {
                if self.kept.len() >= KEPT {
                    ctx.out.close(CLOSE_POLICY, CloseCause::TooMany);
                    return;
                }
                self.kept.push_back(text.into());
            }
            packet => self.heed(packet, ctx),
        }
    }

    /// The library ignores what is no packet, and so do we: it only counts.
    fn heed(&mut self, packet: Option<Packet<'_>>, ctx: &mut Ctx<'_>) {
        let event = packet.filter(|packet| packet.kind == Kind::Event && packet.endpoint.is_empty());
        let read = event.and_then(|packet| Some((packet, wire::event(packet.data)?)));
        let Some((packet, event)) = read else { return self.limit(ctx) };
        if let (ClientEvent::Message(args), "") = (&event, packet.id) {
            return self.relay(args.clone(), ctx);
        }
        self.limit(ctx);
        // Who asks that it was heard, and for nothing else, is told at once.
        if !packet.id.is_empty() && !packet.with_data {
            ctx.out.text(|out| out.extend_from_slice(format!("6:::{}", packet.id).as_bytes()));
        }
        let ack = packet.with_data.then(|| packet.id.into());
        match event {
            ClientEvent::Join { room, data } => self.join(&room, &data, ack, ctx),
            ClientEvent::Message(args) => self.relay(args, ctx),
            ClientEvent::Leave => self.leave(ctx),
            ClientEvent::Create { room } => self.create(room.as_deref(), ack, ctx),
            ClientEvent::Other => {}
        }
    }

    /// The protocol has no word for "too fast": a client above the rate is read more slowly and loses nothing.
    fn limit(&mut self, ctx: &mut Ctx<'_>) {
        let next = self.bucket.charge(self.settings.rate, ctx.now);
        if next > ctx.now {
            ctx.out.deafen(next);
        }
    }

    fn answer(ack: &AckId, answer: Answer<'_>, ctx: &mut Ctx<'_>) {
        if let Some(id) = ack {
            ctx.out.text(|out| wire::ack(out, id, answer));
        }
    }

    fn join(&mut self, room: &str, data: &JoinData<'_>, ack: AckId, ctx: &mut Ctx<'_>) {
        self.leave(ctx);
        let mut decline = |why| Self::answer(&ack, Answer::Declined(why), ctx);
        if wire::room_name(room).is_none() {
            return decline(Declined::InvalidRoom);
        }
        let who = match (data.server, data.stream()) {
            (Some(generation), _) => Who::Server { generation, rank: data.index },
            (None, Err(())) => return decline(Declined::InvalidStream),
            (None, Ok(stream)) => {
                if stream.is_some_and(wire::misleads) {
                    ctx.out.warn(
                        "a viewer wants a stream whose name has a word in it by which devices tell messages apart",
                    );
                }
                let mut greeting = Vec::new();
                wire::greeting(&mut greeting, |out| data.greeting(out));
                Who::Viewer { greeting: greeting.into() }
            }
        };
        let token = data.token().map(Into::into);
        self.joining = Some(Joining { room: room.into(), ack, token, tries: TRIES, who });
        self.ask(ctx);
    }

    fn ask(&mut self, ctx: &mut Ctx<'_>) {
        let Some(joining) = self.joining.as_mut() else { return };
        if joining.tries == 0 {
            return self.judged(Err(Told::NobodyYet), ctx);
        }
        joining.tries -= 1;
        ctx.out.job(READ, Job::Get(gate::keys(&joining.room, &joining.role(), &self.settings)));
    }

    fn read(&mut self, records: &[Option<Record>], ctx: &mut Ctx<'_>) {
        let Some(joining) = &self.joining else { return };
        let unix = ctx.unix_ms / 1_000;
        let put = |change: Change| Job::Put(vec![change]);
        match gate::judge(&joining.room, &joining.role(), records, self.from, unix, &self.settings) {
            Verdict::Admitted => self.judged(Ok(()), ctx),
            Verdict::Declined(why) => self.judged(Err(Told::Word(why)), ctx),
            Verdict::Binds(change) => ctx.out.job(BIND, put(change)),
            Verdict::Spent(change) => {
                // Whether somebody else has removed it before is all the same.
                ctx.out.job(END, put(change));
                self.judged(Err(Told::Word(Declined::InvalidToken)), ctx);
            }
        }
    }

    /// The store has been asked: the hub is, or the answer is given.
    fn judged(&mut self, verdict: Result<(), Told>, ctx: &mut Ctx<'_>) {
        let Some(Joining { room, ack, who, .. }) = self.joining.take() else { return };
        match (verdict, who) {
            (Ok(()), Who::Server { generation, rank }) => {
                self.seat = Seat::Server(Server::new(&room, generation, rank, ack));
                self.seat.enter(&self.id, ctx);
            }
            (Ok(()), Who::Viewer { greeting }) => {
                self.seat = Seat::Viewer(Viewer::new(&room, greeting, ack));
                self.seat.enter(&self.id, ctx);
            }
            (Err(Told::Word(why)), _) => Self::answer(&ack, Answer::Declined(why), ctx),
            (Err(Told::NobodyYet), Who::Viewer { .. }) => self.nobody(ack, ctx),
            (Err(Told::NobodyYet | Told::Nothing), _) => Self::answer(&ack, Answer::Declined(Declined::Taken), ctx),
        }
    }

    fn nobody(&mut self, ack: AckId, ctx: &mut Ctx<'_>) {
        self.alone = Some((ctx.now + self.settings.empty_room_ack_delay, ack));
    }

    /// Nobody was there: says so, however much of the delay is left.
    fn tell_alone(&mut self, ctx: &mut Ctx<'_>) {
        if let Some((_, ack)) = self.alone.take() {
            Self::answer(&ack, Answer::Alone, ctx);
        }
    }

    fn leave(&mut self, ctx: &mut Ctx<'_>) {
        self.tell_alone(ctx);
        if let Some(ack) = self.seat.leave(ctx) {
            Self::answer(&ack, Answer::Alone, ctx);
        }
    }

    /// A leftover of the reference's ancestor: is there a room of that name? Nothing comes into being.
    fn create(&mut self, room: Option<&str>, ack: AckId, ctx: &mut Ctx<'_>) {
        self.leave(ctx);
        let room: Box<str> = room.map_or_else(|| drawn(ctx.rng), Into::into);
        if let Some(name) = wire::room_name(&room) {
            seat::probe(name, ctx);
            self.creating = Some((ack, room));
        }
    }

    fn created(&mut self, free: bool, ctx: &mut Ctx<'_>) {
        if let Some((ack, room)) = self.creating.take() {
            let answer = if free { Answer::Created(&room) } else { Answer::Declined(Declined::Taken) };
            Self::answer(&ack, answer, ctx);
        }
    }

    fn relay(&mut self, args: patchbay_dialect_kit::json::Cursor<'_>, ctx: &mut Ctx<'_>) {
        self.seat.relay(args, self.lang, &self.id, ctx);
    }

    fn refused(&mut self, tag: Tag, refusal: Refusal, ctx: &mut Ctx<'_>) {
        let asked = match tag {
            WAIT => Asked::Wait,
            MEET => Asked::Meet,
            CREATE => return self.created(false, ctx),
            // Somebody else waits in the room now: who believes to wait there has to try again.
            AGAIN => return self.over(ctx),
            _ => Asked::Else,
        };
        match refusal::told(asked, refusal) {
            Told::Nothing => {}
            Told::Word(why) => {
                if let Some(ack) = self.seat.declined() {
                    Self::answer(&ack, Answer::Declined(why), ctx);
                }
            }
            Told::NobodyYet => {
                if let Some(ack) = self.seat.declined() {
                    self.nobody(ack, ctx);
                }
            }
        }
    }

    fn over(&mut self, ctx: &mut Ctx<'_>) {
        self.seat = Seat::None;
        ctx.out.text(|out| out.extend_from_slice(b"0::"));
        ctx.out.close(CLOSE_POLICY, CloseCause::Peer);
    }

    /// Something has to be done as soon as events may cause commands.
    fn is_due(&self) -> bool {
        self.seat.is_due() || (self.joining.is_none() && !self.kept.is_empty())
    }
}

/// An id of the transport's form.
fn drawn(rng: &mut dyn Random) -> Box<str> {
    const LETTERS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
    const LENGTH: usize = 20;
    loop {
        let letter = |bits: u64| char::from(LETTERS[(bits % 64) as usize]);
        let text: String = std::iter::repeat_with(|| letter(rng.next_u64() >> 58)).take(LENGTH).collect();
        if !wire::misleads(&text) {
            return text.into();
        }
    }
}

impl Session for RendezvousSession {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        if self.id.is_empty() {
            self.id = drawn(ctx.rng);
        }
        self.beat = ctx.now + self.settings.heartbeat_interval;
        let (ice, unix) = (&self.settings.ice, ctx.unix_ms / 1_000);
        ctx.out.text(|out| out.extend_from_slice(b"1::"));
        ctx.out.text(|out| ice.write_stun(out, self.audience, unix));
        let rng = &mut *ctx.rng;
        ctx.out.text(|out| ice.write_turn(out, self.audience, unix, rng));
        ctx.out.text(|out| wire::ersid(out, &self.id));
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        self.seat.act(self.lang, &self.id, ctx);
        match frame {
            Frame::Text(text) => self.packet(text, ctx),
            // Node reads binary messages as text, with U+FFFD for what is no UTF-8.
            Frame::Binary(bytes) => self.packet(&String::from_utf8_lossy(bytes), ctx),
            Frame::Pong(_) => {}
        }
    }

    fn on_job(&mut self, tag: Tag, done: Done, ctx: &mut Ctx<'_>) {
        match (tag, done) {
            (READ, Done::Records(records)) => self.read(&records, ctx),
            (BIND, Done::Stored(true)) => self.judged(Ok(()), ctx),
            (BIND, Done::Stored(false)) => self.ask(ctx),
            // Without the store nobody knows who may come in: all may try again.
            (READ | BIND, _) => self.judged(Err(Told::NobodyYet), ctx),
            _ => {}
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        match event {
            Event::Registered { tag: WAIT, .. } => {
                if let Some(ack) = self.seat.entered() {
                    Self::answer(&ack, Answer::Alone, ctx);
                    // Only media servers read it, and each connection of theirs anew.
                    if let Some(retries) = self.settings.ice_retries {
                        ctx.out.text(|out| wire::ice_retries(out, retries));
                    }
                }
            }
            Event::Registered { tag: CREATE, .. } => self.created(true, ctx),
            Event::Refused { tag, refusal } => self.refused(tag, refusal, ctx),
            Event::CallChanged { link, with, caller, state: CallState::New, .. } => {
                self.seat.paired(link, &with, caller)
            }
            Event::CallSignal { link, signal } => {
                if let Some((ack, server)) = self.seat.hears(link, &signal, &self.id, ctx) {
                    Self::answer(&ack, Answer::With(&server), ctx);
                }
            }
            Event::Ended { tag, link, cause, .. } => {
                if let Some(ack) = self.seat.ended(tag, link, cause.kind, ctx) {
                    self.nobody(ack, ctx);
                }
            }
            // Its place is a later connection's of the same device.
            Event::Displaced { .. } => self.over(ctx),
            // What no client of this dialect asks for.
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Moment> {
        if self.is_due() {
            return Some(Moment::START);
        }
        let alone = self.alone.as_ref().map(|(at, _)| *at);
        alone.into_iter().chain([self.beat]).min()
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.seat.act(self.lang, &self.id, ctx);
        if self.joining.is_none()
            && let Some(text) = self.kept.pop_front()
        {
            self.heed(Packet::parse(&text), ctx);
        }
        if self.alone.as_ref().is_some_and(|(at, _)| *at <= ctx.now) {
            self.tell_alone(ctx);
            self.seat.leave(ctx);
        }
        if ctx.now < self.beat {
            return;
        }
        if self.unanswered {
            ctx.out.abort(CloseCause::Silent);
        } else {
            ctx.out.text(|out| out.extend_from_slice(b"2::"));
            self.unanswered = true;
            self.beat = ctx.now + self.settings.heartbeat_timeout;
        }
    }
}

#[cfg(test)]
mod tests;
