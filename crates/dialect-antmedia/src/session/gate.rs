//! What waits before a publication or view is asked of the hub: the store, other people's servers, and the decision
//! (antmedia.md section 9.1).
//!
//! Meanwhile the client's further messages are kept, in order (DESIGN section 1, law 3); pings alone are answered at once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use patchbay_core::{CauseKind, Command, LinkId, Name, Query, Tag};
use patchbay_dialect_kit::job::{Done, Job, Key};
use patchbay_dialect_kit::{CloseCause, Ctx, Rate, TokenBucket};

use super::{AntSession, Asked};
use crate::legs::{Leg, Role};
use crate::records::Purpose;
use crate::refusal::WireError;
use crate::security::gate::{self, Fact, Facts, Pass, Wish};
use crate::security::seats::{Held, Seat, Seats};
use crate::wire::{self, ClientFrame, ClientKind};

/// Messages that are kept while something is pending; one more ends the connection. A page sends some ten before its first
/// answer; more would let a client that nobody knows yet fill the memory.
const KEPT: usize = 64;
/// Their bytes, for the same reason: the largest offers have a quarter of it.
const KEPT_BYTES: usize = 1024 * 1024;

/// How often a client may be refused what it shows, in the long run and at once. Pages try again after 3.5 s, a hundred of
/// them in one connection at most; faster is somebody who guesses, and is read no further until then.
const GUESSES: Rate = Rate { per_second: 5, burst: 50 };

/// What the session remembers of it.
#[derive(Debug)]
pub(super) struct Gate {
    seats: Seats,
    pending: Option<Pending>,
    kept: VecDeque<Box<str>>,
    kept_bytes: usize,
    /// Of commands that the hub has not answered.
    asked: BTreeMap<Tag, Ticket>,
    /// Of what the client publishes and plays.
    inside: BTreeMap<LinkId, Ticket>,
    guesses: TokenBucket,
}

/// What was decided about a publication or view that stands.
#[derive(Debug)]
pub(super) struct Ticket {
    _held: Held,
    /// Who is told what becomes of it.
    pub(super) listener: Option<Arc<str>>,
    /// What the publisher calls it.
    pub(super) name: Option<Box<str>>,
    pub(super) meta_data: Option<Box<str>>,
    pub(super) subscriber: Option<Box<str>>,
    /// While it is a live track of another stream.
    pub(super) live: Option<Held>,
}

/// A publication or view that is not asked for yet.
struct Pending {
    tag: Tag,
    wish: Wish,
    name: Option<Box<str>>,
    then: (Asked, Command),
    stage: Stage,
}

/// It would name people.
impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pending({:?})", self.tag)
    }
}

/// For what it waits.
enum Stage {
    /// The records that decide.
    Fetch(Vec<(Fact, Key)>),
    /// Somebody who is asked.
    Ask(Pass),
    /// A token to be used up.
    Spend(Ticket),
}

impl Gate {
    pub(super) fn new(seats: Seats) -> Self {
        Self {
            seats,
            pending: None,
            kept: VecDeque::new(),
            kept_bytes: 0,
            asked: BTreeMap::new(),
            inside: BTreeMap::new(),
            guesses: TokenBucket::full(),
        }
    }

    /// The hub has refused.
    pub(super) fn turned_away(&mut self, tag: Tag) {
        self.asked.remove(&tag);
    }

    /// The hub has let it in.
    pub(super) fn let_in(&mut self, tag: Tag, link: LinkId) {
        if let Some(ticket) = self.asked.remove(&tag) {
            self.inside.insert(link, ticket);
        }
    }

    pub(super) fn ticket(&mut self, link: LinkId) -> Option<&mut Ticket> {
        self.inside.get_mut(&link)
    }

    /// It has ended.
    pub(super) fn left(&mut self, link: LinkId) -> Option<Ticket> {
        self.inside.remove(&link)
    }

    /// A seat without a limit.
    pub(super) fn sit(&self, seat: Seat) -> Option<Held> {
        self.seats.take(vec![(seat, None)]).ok()
    }

    pub(super) fn count(&self, seat: &Seat) -> usize {
        self.seats.count(seat)
    }

    /// A kept message is to be looked at.
    pub(super) fn is_due(&self) -> bool {
        self.pending.is_none() && !self.kept.is_empty()
    }

    fn is_busy(&self) -> bool {
        self.pending.is_some() || !self.kept.is_empty()
    }
}

fn shown(text: Option<&str>) -> Option<Box<str>> {
    text.map(Box::from)
}

impl AntSession {
    /// Whether the message has to wait, and so was kept.
    pub(super) fn keeps(&mut self, text: &str, ctx: &mut Ctx<'_>) -> bool {
        if !self.gate.is_busy() {
            return false;
        }
        // Telephones give a connection up that does not answer (antmedia.md section 1.3).
        if matches!(wire::read(text), Some((ClientKind::Ping, _))) {
            return false;
        }
        self.gate.kept_bytes += text.len();
        if self.gate.kept.len() >= KEPT || self.gate.kept_bytes > KEPT_BYTES {
            ctx.out.close(1008, CloseCause::TooMany);
            return true;
        }
        self.gate.kept.push_back(Box::from(text));
        true
    }

    /// Looks at the oldest message that was kept; one in a turn, since what it causes comes before the next.
    pub(super) fn look_at_kept(&mut self, ctx: &mut Ctx<'_>) {
        if self.gate.is_due()
            && let Some(text) = self.gate.kept.pop_front()
        {
            self.gate.kept_bytes -= text.len();
            self.message(&text, ctx);
        }
    }

    /// What a client wants that publishes into `room`, or plays.
    pub(super) fn wish(
        &mut self,
        purpose: Purpose,
        stream: &Name,
        room: Option<Name>,
        frame: &ClientFrame<'_>,
    ) -> Wish {
        let own = |leg: &mut Leg| leg.role == Role::Publish && leg.main.as_ref() == Some(stream);
        Wish {
            purpose,
            stream: stream.clone(),
            room,
            token: shown(frame.token.as_deref()),
            subscriber: shown(frame.subscriber.as_deref()),
            code: shown(frame.code.as_deref()),
            meta_data: shown(frame.meta.as_deref()),
            only_asks: false,
            is_room: self.legs.all().any(own),
        }
    }

    /// Whoever may not play a stream is not told its tracks; no token is used up (DECISIONS 21).
    pub(super) fn list_tracks(
        &mut self,
        stream: &Name,
        frame: &ClientFrame<'_>,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), WireError> {
        let then = (Asked::Know { stream: stream.clone() }, Command::Query(Query::Tracks(stream.clone())));
        if self.settings.security.play.any() {
            let wish = self.wish(Purpose::Play, stream, None, frame);
            return self.enter(Wish { only_asks: true, ..wish }, None, then, ctx);
        }
        self.ask(then.0, then.1, ctx);
        Ok(())
    }

    /// Asks the hub for it once all is decided: perhaps at once.
    pub(super) fn enter(
        &mut self,
        wish: Wish,
        name: Option<Box<str>>,
        then: (Asked, Command),
        ctx: &mut Ctx<'_>,
    ) -> Result<(), WireError> {
        let needs = gate::needs(&self.settings.security, &wish);
        // Where nothing is asked of anybody the hub knows best. Elsewhere nobody is asked for what he has already; that the
        // hub has just ended it must not let him in again.
        if !needs.is_empty() || self.settings.security.checks(wish.purpose).any() {
            let role = if wish.purpose == Purpose::Publish { Role::Publish } else { Role::Play };
            match (role, self.legs.link(&wish.stream, role).is_some()) {
                (Role::Publish, true) => return Err(WireError::AlreadyPublishing),
                (Role::Play, true) if wish.only_asks => {
                    self.ask(then.0, then.1, ctx);
                    return Ok(());
                }
                (Role::Play, true) if self.settings.security.play_once => return Err(WireError::AlreadyPlaying),
                _ => {}
            }
        }
        if needs.is_empty() {
            return self.decide(wish, name, then, &Facts::default(), ctx);
        }
        let keys = needs.iter().map(|(_, key)| key.clone()).collect();
        self.wait(wish, name, then, Stage::Fetch(needs), Job::Get(keys), ctx);
        Ok(())
    }

    fn wait(
        &mut self,
        wish: Wish,
        name: Option<Box<str>>,
        then: (Asked, Command),
        stage: Stage,
        job: Job,
        ctx: &mut Ctx<'_>,
    ) {
        self.last_tag = Tag(self.last_tag.0 + 1);
        let tag = self.last_tag;
        ctx.out.job(tag, job);
        self.gate.pending = Some(Pending { tag, wish, name, then, stage });
    }

    /// A job is done. What nobody waits for is news that were told.
    pub(super) fn done(&mut self, tag: Tag, done: Done, ctx: &mut Ctx<'_>) {
        let Some(Pending { wish, name, then, stage, .. }) = self.gate.pending.take_if(|pending| pending.tag == tag)
        else {
            return;
        };
        let stream = wish.stream.clone();
        let outcome = match (stage, done) {
            (Stage::Fetch(needs), Done::Records(records)) => {
                self.decide(wish, name, then, &Facts::of(&needs, records), ctx)
            }
            (Stage::Ask(pass), Done::Answered(200)) => self.pass(wish, name, then, pass, ctx),
            (Stage::Ask(_), _) => Err(self.turned(&wish, WireError::Unauthorized, ctx)),
            (Stage::Spend(ticket), Done::Stored(true)) => {
                self.go(then, Some(ticket), ctx);
                Ok(())
            }
            // Somebody else was faster with it.
            (Stage::Spend(_), Done::Stored(false)) => Err(self.turned(&wish, WireError::Unauthorized, ctx)),
            (Stage::Fetch(_) | Stage::Spend(_), _) => Err(WireError::DataStore),
        };
        if let Err(error) = outcome {
            ctx.out.text(|out| wire::error(out, error, Some(stream.as_str())));
        }
    }

    fn decide(
        &mut self,
        wish: Wish,
        name: Option<Box<str>>,
        then: (Asked, Command),
        facts: &Facts,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), WireError> {
        match gate::decide(&self.settings.security, &wish, facts, ctx.unix_ms) {
            Ok(pass) => self.pass(wish, name, then, pass, ctx),
            Err(error) => Err(self.turned(&wish, error, ctx)),
        }
    }

    fn pass(
        &mut self,
        wish: Wish,
        name: Option<Box<str>>,
        then: (Asked, Command),
        mut pass: Pass,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), WireError> {
        if let Some((url, body)) = pass.ask.take() {
            self.wait(wish, name, then, Stage::Ask(pass), Job::Ask { url, body }, ctx);
            return Ok(());
        }
        if wish.only_asks {
            self.go(then, None, ctx);
            return Ok(());
        }
        self.begins_anew(&wish, ctx);
        let held = self.gate.seats.take(pass.seats).map_err(|full| gate::full(&full))?;
        let (meta_data, subscriber) = (wish.meta_data.clone(), wish.subscriber.clone());
        let ticket =
            Ticket { _held: held, listener: pass.listener, name: name.clone(), meta_data, subscriber, live: None };
        match pass.spend {
            Some(change) => self.wait(wish, name, then, Stage::Spend(ticket), Job::Put(vec![change]), ctx),
            None => self.go(then, Some(ticket), ctx),
        }
        Ok(())
    }

    fn go(&mut self, (asked, command): (Asked, Command), ticket: Option<Ticket>, ctx: &mut Ctx<'_>) {
        self.ask(asked, command, ctx);
        if let Some(ticket) = ticket {
            self.gate.asked.insert(self.last_tag, ticket);
        }
    }

    /// What the client plays and asks for again, where that is no error: the view that stands makes room.
    fn begins_anew(&mut self, wish: &Wish, ctx: &mut Ctx<'_>) {
        if wish.purpose == Purpose::Play
            && !self.settings.security.play_once
            && let Some(link) = self.legs.link(&wish.stream, Role::Play)
        {
            self.legs.remove(link);
            self.gate.left(link);
            let cause = CauseKind::Hangup.into();
            ctx.out.command(super::UNHEARD, Command::Hangup { link, cause });
        }
    }

    /// The error for who is turned away. A stream that somebody publishes is in use, whatever else is wrong (the order of
    /// antmedia.md section 9.1).
    fn turned(&mut self, wish: &Wish, error: WireError, ctx: &mut Ctx<'_>) -> WireError {
        if matches!(error, WireError::Unauthorized | WireError::Blocked) {
            let next = self.gate.guesses.charge(GUESSES, ctx.now);
            if next > ctx.now {
                ctx.out.deafen(next);
            }
        }
        let in_use = wish.purpose == Purpose::Publish && error != WireError::DataStore;
        if in_use && self.gate.count(&Seat::Stream(wish.stream.clone())) > 0 { WireError::StreamIdInUse } else { error }
    }
}
