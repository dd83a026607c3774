//! What waits before a publication or view is asked of the hub: the store, other people's servers, and the decision
//! (antmedia.md section 9.1).
//!
//! Meanwhile the client's further messages are kept, in order (DESIGN section 1, law 3); pings alone are answered at once.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{CauseKind, Command, Knock, LinkId, Moment, Name, Publish, Query, Tag, View};
use patchbay_dialect_kit::job::{Change, Done, Job, Key, Record};
use patchbay_dialect_kit::{CloseCause, Ctx, Rate, TokenBucket};

use super::{AntSession, Asked, UNHEARD};
use crate::legs::{Leg, Role};
use crate::records::{Purpose, broadcast_key};
use crate::refusal::WireError;
use crate::security::gate::{self, Fact, Facts, Pass, Wish};
use crate::security::seats::{Held, Seat, Seats};
use crate::wire::{self, ClientFrame, ClientKind};

/// Messages that are kept while something is pending; one more ends the connection. A page sends some ten before its first
/// answer; more would let a client that nobody knows yet fill the memory.
const KEPT: usize = 64;
/// Their bytes, for the same reason: the largest offers have a quarter of it.
const KEPT_BYTES: usize = 1024 * 1024;
/// From so many on the client is read no further, so that only what was read at once goes beyond: what it
/// says waits in the network, and nothing is lost. Fewer would keep its pings waiting as well.
const PAUSED: usize = KEPT / 2;
/// As [`PAUSED`], in bytes.
const PAUSED_BYTES: usize = KEPT_BYTES / 4;
/// How long it is read no further, if it is not said again; it is, half way. Longer delays what follows the outcome.
const PAUSE: Duration = Duration::from_millis(20);

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
    /// When it has to be said again that the client is read no further.
    pauses: Option<Moment>,
    /// Of commands that the hub has not answered.
    asked: BTreeMap<Tag, Ticket>,
    /// Of what the client publishes and plays.
    inside: BTreeMap<LinkId, Ticket>,
    guesses: TokenBucket,
}

/// What was decided about a publication or view that stands.
#[derive(Debug)]
pub(super) struct Ticket {
    _held: Option<Held>,
    /// Who is told what becomes of it.
    pub(super) listener: Option<Arc<str>>,
    /// What the publisher calls it.
    pub(super) name: Option<Box<str>>,
    pub(super) meta_data: Option<Box<str>>,
    pub(super) subscriber: Option<Box<str>>,
    /// What was made beforehand, until its media flow.
    pub(super) made: Vec<(Key, Record)>,
    /// While it is a live track of another stream.
    pub(super) live: Option<Held>,
}

/// A publication or view that is not asked for yet.
pub(super) struct Entry {
    pub(super) wish: Wish,
    /// What the client calls it.
    name: Option<Box<str>>,
    asked: Asked,
    command: Command,
}

impl Entry {
    pub(super) fn new(wish: Wish, frame: &ClientFrame<'_>, asked: Asked, command: Command) -> Self {
        Self { wish, name: shown(frame.name.as_deref()), asked, command }
    }

    /// What the hub is asked first.
    fn knock(&self, play_once: bool) -> Knock {
        match &self.command {
            Command::Publish(publish) => Knock::Publish(publish.stream.clone(), publish.kinds),
            Command::View(view) if play_once => Knock::View(view.stream.clone()),
            _ => Knock::Anything,
        }
    }

    /// What the hub is asked before something is used up that would be lost if there were no place.
    fn place(&self) -> Knock {
        match &self.command {
            Command::Publish(Publish { stream, main, tracks, .. }) => {
                // Who is its own main stream has none.
                let main = main.clone().filter(|main| main != stream);
                Knock::Publisher { main, tracks: *tracks }
            }
            Command::View(View { stream, viewers, .. }) => Knock::Viewer { stream: stream.clone(), viewers: *viewers },
            _ => Knock::Anything,
        }
    }

    /// So many there may be, as the record has it.
    fn bound(&mut self, most: Option<usize>) {
        match &mut self.command {
            Command::Publish(publish) => publish.tracks = most,
            Command::View(view) => view.viewers = most,
            _ => {}
        }
    }
}

/// What is to be decided.
enum Next {
    Enter(Box<Entry>),
    /// A room is joined under a name; `said` is the name that the client gave itself.
    Join {
        room: Name,
        own: Name,
        said: Option<Box<str>>,
    },
    /// A token is used up.
    Spend(Box<Entry>, Ticket, Change),
}

impl Next {
    /// What the client calls it.
    fn said(&self) -> Option<Box<str>> {
        match self {
            Self::Enter(entry) | Self::Spend(entry, ..) => Some(Box::from(entry.wish.stream.as_str())),
            Self::Join { said, .. } => said.clone(),
        }
    }
}

/// What waits for the hub or for a job.
struct Pending {
    tag: Tag,
    what: What,
}

/// It would name people.
impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({:?})", self.tag)
    }
}

enum What {
    /// Whether there is room for it at all.
    Knock(Next),
    /// There is: it goes on in a turn of its own (law 1).
    Admitted(Next),
    /// The records that decide.
    Fetch(Box<Entry>, Vec<(Fact, Key)>),
    /// Somebody who is asked.
    Ask(Box<Entry>, Pass),
    /// A token to be used up.
    Spend(Box<Entry>, Ticket),
    /// The record of a room that is joined, as of [`Next::Join`].
    Room { room: Name, own: Name, said: Option<Box<str>> },
    /// The record of a stream that somebody asks about.
    Object(Name),
}

impl Gate {
    pub(super) fn new(seats: Seats) -> Self {
        Self {
            seats,
            pending: None,
            kept: VecDeque::new(),
            kept_bytes: 0,
            pauses: None,
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
        self.seats.take(seat, None)
    }

    pub(super) fn count(&self, seat: &Seat) -> usize {
        self.seats.count(seat)
    }

    /// When it has something to do.
    pub(super) fn deadline(&self) -> Option<Moment> {
        if self.is_due() || self.goes_on() { Some(Moment::START) } else { self.pauses }
    }

    /// What was knocked for is to be decided.
    fn goes_on(&self) -> bool {
        matches!(self.pending, Some(Pending { what: What::Admitted(_), .. }))
    }

    /// The hub lets in who knocked, as far as it knows.
    pub(super) fn admitted(&mut self, tag: Tag) {
        if let Some(Pending { what, .. }) = self.pending.take_if(|pending| pending.tag == tag) {
            let what = match what {
                What::Knock(next) => What::Admitted(next),
                what => what,
            };
            self.pending = Some(Pending { tag, what });
        }
    }

    /// It does not; the name that the client gave to what it wanted, as errors repeat it.
    pub(super) fn not_admitted(&mut self, tag: Tag) -> Option<Option<Box<str>>> {
        let knocked = |pending: &mut Pending| pending.tag == tag && matches!(pending.what, What::Knock(_));
        self.pending.take_if(knocked).map(|pending| pending.what.said())
    }

    /// A kept message is to be looked at.
    fn is_due(&self) -> bool {
        self.pending.is_none() && !self.kept.is_empty()
    }

    /// Reads the client no further while too much is kept.
    fn pause(&mut self, ctx: &mut Ctx<'_>) {
        let much = self.kept.len() >= PAUSED || self.kept_bytes >= PAUSED_BYTES;
        self.pauses = (self.is_busy() && much).then_some(ctx.now + PAUSE / 2);
        if self.pauses.is_some() {
            ctx.out.deafen(ctx.now + PAUSE);
        }
    }

    fn is_busy(&self) -> bool {
        self.pending.is_some() || !self.kept.is_empty()
    }
}

impl What {
    /// What the client calls it.
    fn said(&self) -> Option<Box<str>> {
        match self {
            Self::Knock(next) | Self::Admitted(next) => next.said(),
            Self::Fetch(entry, _) | Self::Ask(entry, _) | Self::Spend(entry, _) => {
                Some(Box::from(entry.wish.stream.as_str()))
            }
            Self::Room { said, .. } => said.clone(),
            Self::Object(stream) => Some(Box::from(stream.as_str())),
        }
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
        self.gate.pause(ctx);
        true
    }

    /// Goes on with what was let in, or looks at the oldest message that was kept; one in a turn, since what it causes comes
    /// before the next.
    pub(super) fn look_at_kept(&mut self, ctx: &mut Ctx<'_>) {
        if self.gate.goes_on()
            && let Some(Pending { what, .. }) = self.gate.pending.take()
        {
            let said = what.said();
            if let What::Admitted(next) = what
                && let Err(error) = self.go_on(next, ctx)
            {
                ctx.out.text(|out| wire::error(out, error, said.as_deref()));
            }
        } else if self.gate.is_due()
            && let Some(text) = self.gate.kept.pop_front()
        {
            self.gate.kept_bytes -= text.len();
            self.message(&text, ctx);
        }
        self.gate.pause(ctx);
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
        let member = self.member.as_ref().filter(|member| room.as_ref().is_some_and(|room| member.is_in(room)));
        let in_room = member.is_some_and(|member| member.has_seen(stream));
        Wish {
            purpose,
            stream: stream.clone(),
            room,
            in_room,
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
        let asked = Asked::Know { stream: stream.clone() };
        let command = Command::Query(Query::Tracks(stream.clone()));
        if self.settings.security.play.any() {
            let wish = self.wish(Purpose::Play, stream, None, frame);
            return self.enter(Entry::new(Wish { only_asks: true, ..wish }, frame, asked, command), ctx);
        }
        self.ask(asked, command, ctx);
        Ok(())
    }

    /// Asks the hub for it once all is decided: at once where nothing is to be decided, which the hub does best.
    pub(super) fn enter(&mut self, entry: Entry, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let (security, wish) = (&self.settings.security, &entry.wish);
        if wish.only_asks {
            // What is played already has been shown for.
            if self.legs.link(&wish.stream, Role::Play).is_none() {
                return self.fetch(Box::new(entry), ctx);
            }
            self.ask(entry.asked, entry.command, ctx);
        } else if security.decides(wish.purpose) {
            let knock = entry.knock(security.play_once);
            self.knock(knock, Next::Enter(Box::new(entry)), ctx);
        } else {
            return self.decide(Box::new(entry), &Facts::default(), ctx);
        }
        Ok(())
    }

    /// Joins a room once all is decided.
    pub(super) fn enter_room(&mut self, room: Name, own: Name, said: Option<&str>, ctx: &mut Ctx<'_>) {
        self.knock(Knock::Anything, Next::Join { room, own, said: shown(said) }, ctx);
    }

    /// Whether there is room for anything at all, or the name is taken, is told before anybody is asked who he is (the order
    /// of antmedia.md section 9.1).
    fn knock(&mut self, knock: Knock, next: Next, ctx: &mut Ctx<'_>) {
        let tag = self.pend(What::Knock(next));
        ctx.out.command(tag, Command::Knock(knock));
    }

    fn go_on(&mut self, next: Next, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let security = &self.settings.security;
        match next {
            Next::Enter(entry) => return self.fetch(entry, ctx),
            Next::Spend(entry, ticket, change) => {
                self.wait(What::Spend(entry, ticket), Job::Put(vec![change]), ctx);
            }
            Next::Join { room, own, said } if security.stored => {
                let key = broadcast_key(&security.app, &room);
                self.wait(What::Room { room, own, said }, Job::Get(vec![key]), ctx);
            }
            Next::Join { room, own, .. } => {
                gate::joins(security, None, ctx.unix_ms)?;
                self.join_as(room, own, ctx);
            }
        }
        Ok(())
    }

    /// Decides with what the store says, if it is to be asked.
    fn fetch(&mut self, entry: Box<Entry>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let needs = gate::needs(&self.settings.security, &entry.wish);
        if needs.is_empty() {
            return self.decide(entry, &Facts::default(), ctx);
        }
        let keys = needs.iter().map(|(_, key)| key.clone()).collect();
        self.wait(What::Fetch(entry, needs), Job::Get(keys), ctx);
        Ok(())
    }

    /// Tells what is known of a stream, once its record is.
    pub(super) fn look_up(&mut self, stream: &Name, ctx: &mut Ctx<'_>) {
        self.limit(ctx);
        let security = &self.settings.security;
        if security.stored {
            let key = broadcast_key(&security.app, stream);
            self.wait(What::Object(stream.clone()), Job::Get(vec![key]), ctx);
        } else {
            self.ask_object(stream.clone(), None, ctx);
        }
    }

    fn wait(&mut self, what: What, job: Job, ctx: &mut Ctx<'_>) {
        let tag = self.pend(what);
        ctx.out.job(tag, job);
    }

    fn pend(&mut self, what: What) -> Tag {
        self.last_tag = Tag(self.last_tag.0 + 1);
        self.gate.pending = Some(Pending { tag: self.last_tag, what });
        self.last_tag
    }

    /// A job is done. What nobody waits for is news that were told.
    pub(super) fn done(&mut self, tag: Tag, done: Done, ctx: &mut Ctx<'_>) {
        let knocks = |what: &What| matches!(what, What::Knock(_) | What::Admitted(_));
        let waits = |pending: &mut Pending| pending.tag == tag && !knocks(&pending.what);
        let Some(Pending { what, .. }) = self.gate.pending.take_if(waits) else { return };
        let stream = what.said();
        let outcome = match (what, done) {
            (What::Fetch(entry, needs), Done::Records(records)) => self.decide(entry, &Facts::of(&needs, records), ctx),
            (What::Ask(entry, pass), Done::Answered(200)) => self.pass(entry, pass, ctx),
            // Nobody says yes; or somebody else was faster with the token.
            (What::Ask(..), _) | (What::Spend(..), Done::Stored(false)) => {
                Err(self.turned(WireError::Unauthorized, ctx))
            }
            (What::Spend(entry, ticket), Done::Stored(true)) => {
                self.go(*entry, Some(ticket), ctx);
                Ok(())
            }
            (What::Room { room, own, .. }, Done::Records(records)) => {
                let record = records.into_iter().next().flatten();
                let joins = gate::joins(&self.settings.security, record.as_ref(), ctx.unix_ms);
                joins.map(|()| self.join_as(room, own, ctx))
            }
            (What::Object(stream), Done::Records(records)) => {
                self.ask_object(stream, records.into_iter().next().flatten(), ctx);
                Ok(())
            }
            _ => Err(WireError::DataStore),
        };
        if let Err(error) = outcome {
            ctx.out.text(|out| wire::error(out, error, stream.as_deref()));
        }
    }

    fn decide(&mut self, entry: Box<Entry>, facts: &Facts, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        match gate::decide(&self.settings.security, &entry.wish, facts, ctx.unix_ms) {
            Ok(pass) => self.pass(entry, pass, ctx),
            Err(error) => Err(self.turned(error, ctx)),
        }
    }

    fn pass(&mut self, mut entry: Box<Entry>, mut pass: Pass, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        if let Some((url, body)) = pass.ask.take() {
            self.wait(What::Ask(entry, pass), Job::Ask { url, body }, ctx);
            return Ok(());
        }
        if entry.wish.only_asks {
            self.go(*entry, None, ctx);
            return Ok(());
        }
        entry.bound(pass.most);
        let wish = &entry.wish;
        let seat = pass.seat.map(|(seat, most)| self.gate.seats.take(seat, most).ok_or(WireError::Unauthorized));
        let held = seat.transpose()?;
        self.begins_anew(wish, ctx);
        let ticket = Ticket {
            _held: held,
            listener: pass.listener,
            name: entry.name.clone(),
            meta_data: wish.meta_data.clone(),
            subscriber: wish.subscriber.clone(),
            made: pass.made,
            live: None,
        };
        match pass.spend {
            Some(change) => {
                let place = entry.place();
                self.knock(place, Next::Spend(entry, ticket, change), ctx);
            }
            None => self.go(*entry, Some(ticket), ctx),
        }
        Ok(())
    }

    fn go(&mut self, entry: Entry, ticket: Option<Ticket>, ctx: &mut Ctx<'_>) {
        self.ask(entry.asked, entry.command, ctx);
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
            ctx.out.command(UNHEARD, Command::Hangup { link, cause: CauseKind::Hangup.into() });
        }
    }

    /// The error for who is turned away, and how fast he may try again.
    fn turned(&mut self, error: WireError, ctx: &mut Ctx<'_>) -> WireError {
        if matches!(error, WireError::Unauthorized | WireError::Blocked) {
            let next = self.gate.guesses.charge(GUESSES, ctx.now);
            if next > ctx.now {
                ctx.out.deafen(next);
            }
        }
        error
    }
}
