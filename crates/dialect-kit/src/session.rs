use std::borrow::Cow;
use std::net::IpAddr;

use patchbay_core::{Body, Event, Lang, MediaOp, Moment, Profile, Signal, SignalKind, Tag};

use crate::http::Request;
use crate::job::Done;
use crate::line::News;
use crate::{Outbox, Spec};

/// One connection's translator between its dialect and the hub.
///
/// The shell calls one method at a time, carries out what is in the outbox, hands the session the events that its own
/// commands caused ([`Session::on_event`]), and only then gives it the next frame (law 3). [`Session::on_event`] must
/// not issue commands (law 1): a session that has to act upon an event sets its deadline to `now`.
pub trait Session: Send {
    /// The connection stands.
    fn on_open(&mut self, ctx: &mut Ctx<'_>);
    /// The peer sent something.
    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>);
    /// The peer sends a request, where the endpoint's codec is HTTP: to be answered now or later by [`Outbox::reply`], each
    /// once. A session that ends leaves nobody waiting: the shell answers for it.
    fn on_request(&mut self, _request: &Request<'_>, _ctx: &mut Ctx<'_>) {}
    /// The telephones' side tells something. Commands may follow at once.
    fn on_line(&mut self, _news: News, _ctx: &mut Ctx<'_>) {}
    /// What became of a job. Commands may follow at once.
    fn on_job(&mut self, _tag: Tag, _done: Done, _ctx: &mut Ctx<'_>) {}
    /// The server is about to stop, and takes nobody new: told once, while everything still goes on, so that the peer can
    /// look for another server in time. Commands may follow at once.
    fn on_drain(&mut self, _ctx: &mut Ctx<'_>) {}
    /// The connection that was dialled for it is lost. Whether it goes on without one, until it closes itself: what it sends
    /// goes nowhere then. Commands may follow at once.
    fn on_cut(&mut self, _ctx: &mut Ctx<'_>) -> bool {
        false
    }
    /// The hub tells something.
    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>);
    /// When [`Session::on_deadline`] is to be called, if ever.
    fn deadline(&self) -> Option<Moment>;
    /// The deadline has come.
    fn on_deadline(&mut self, ctx: &mut Ctx<'_>);
    /// The connection is gone; the shell detaches the party by itself.
    fn on_close(&mut self, _ctx: &mut Ctx<'_>) {}
}

/// What a session is given with every call.
pub struct Ctx<'a> {
    /// The moment of this input.
    pub now: Moment,
    /// Milliseconds since 1970, for dialects whose messages carry the time of day.
    pub unix_ms: u64,
    /// Randomness fit for secrets.
    pub rng: &'a mut dyn Random,
    /// Where answers go.
    pub out: &'a mut Outbox,
}

/// Opens the body of what a peer said to the engine, which is in the words of that dialect: what the engine is to hear, or
/// nothing.
#[must_use]
pub fn opened(dialect: &dyn Dialect, op: MediaOp) -> Option<MediaOp> {
    let MediaOp::Remote { link, signal } = op else { return Some(op) };
    let text = match dialect.plain(&signal) {
        Some(Cow::Borrowed(_)) => return Some(MediaOp::Remote { link, signal }),
        Some(Cow::Owned(text)) => text,
        // Whoever describes nothing is refused; a candidate that is none says nothing.
        None if signal.kind == SignalKind::Candidate => return None,
        None => Vec::new(),
    };
    Some(MediaOp::Remote { link, signal: Signal { kind: signal.kind, body: Body::new(Lang::PLAIN, &text) } })
}

/// A source of random numbers: the system's in production, a seed in simulation.
pub trait Random {
    /// 64 random bits.
    fn next_u64(&mut self) -> u64;
}

/// What a peer sent. Its size has been checked against the connection's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A WebSocket text message, checked to be UTF-8.
    Text(&'a str),
    /// A WebSocket binary message.
    Binary(&'a [u8]),
    /// A WebSocket pong; the shell has answered pings by itself.
    Pong(&'a [u8]),
}

/// What the transport tells of who comes.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The end of the endpoint's path or address by which the dialect knows it; empty if it has one only.
    pub endpoint: &'a str,
    /// From where, behind the proxies that are trusted; `None`: by a socket of this machine's file system.
    pub from: Option<IpAddr>,
    /// The id that the transport gave it, where it gives one ([`Codec::SocketIo`](crate::Codec::SocketIo)).
    pub id: Option<&'a str>,
    /// What it calls itself.
    pub agent: Option<&'a str>,
}

/// A dialect, as the server lists it: opens a session for each connection of its endpoints.
pub trait Dialect: Send + Sync {
    /// What the dialect is: endpoints, configuration keys, messages.
    fn spec(&self) -> &'static Spec;
    /// What its parties are to the hub.
    fn profile(&self) -> Profile;
    /// A session for a new connection.
    fn open(&self) -> Box<dyn Session>;
    /// The same for a connection on which a subprotocol was agreed upon.
    fn open_as(&self, _subprotocol: Option<&str>) -> Box<dyn Session> {
        self.open()
    }
    /// The same for a request to the endpoint with this end of its path.
    fn open_for(&self, _endpoint: &str) -> Box<dyn Session> {
        self.open()
    }
    /// The same for somebody of whom the transport tells something.
    fn open_by(&self, _arrival: &Arrival<'_>) -> Box<dyn Session> {
        self.open()
    }
    /// Whether its clients can do with an id that the transport draws for one of them
    /// ([`Codec::SocketIo`](crate::Codec::SocketIo)): of those that are drawn, nearly all have to be; instead of the others,
    /// another is drawn.
    fn takes_id(&self, _id: &str) -> bool {
        true
    }
    /// A session without a connection, which lives as long as the server does: what it sends to its peer goes nowhere.
    fn resident(&self) -> Option<Box<dyn Session>> {
        None
    }
    /// What a body in this dialect's canonical form says in plain text, for the engine, which stands between dialects; pure.
    /// `None`: nothing. By default a body is plain text.
    fn plain<'a>(&self, signal: &'a Signal) -> Option<Cow<'a, [u8]>> {
        Some(Cow::Borrowed(signal.body.bytes()))
    }
}
