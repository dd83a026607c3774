//! Video rooms of one connection: sylk.md section 8. A membership is a place in a room of the hub, under the client's session
//! id, and a publication of the same name whose main stream is the room.
//!
//! | module | what |
//! |---|---|
//! | `join` | coming, going, and what one sends |
//! | `meeting` | who else is there, as the hub's lists tell it |
//! | `feed` | being sent what others publish |
//! | `talk` | what members say to each other, and invitations |

mod feed;
mod join;
mod meeting;
mod talk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use patchbay_core::{Address, Body, Card as Shown, Command, LinkId, Name, RoomId, Signal, SignalKind, Tag};
use patchbay_dialect_kit::Ctx;

pub(crate) use self::join::Wanted;

use self::feed::Feed;
use crate::session::SylkSession;
use crate::wire;
use crate::wire::between::{Card, Word};
use crate::wire::event::{RoomEvent, RoomState};

/// Rooms of one connection at once: a client is in one. One more is answered with an error.
const ROOMS: usize = 8;
/// Feeds of one connection at once: all that can be seen in a room, and some that come and go. One more is answered with
/// an error.
const FEEDS: usize = 80;

#[derive(Default)]
pub(crate) struct Rooms {
    by_session: BTreeMap<Box<str>, Room>,
    feeds: BTreeMap<Box<str>, Feed>,
    by_link: BTreeMap<LinkId, Leg>,
    /// A join that has not been answered: what comes behind it waits.
    joining: Option<Joining>,
    /// What is to be asked of the hub because it told something (law 1).
    due: VecDeque<(Tag, Command)>,
}

/// What a link of the connection is, by the id that the client gave it.
#[derive(Clone)]
enum Leg {
    Own(Box<str>),
    Feed(Box<str>),
}

struct Joining {
    transaction: Box<str>,
    session: Box<str>,
}

/// One membership.
struct Room {
    /// The room's address, and what it is called in the hub.
    uri: Box<str>,
    name: Name,
    /// The session id as a name: of the member, and of its stream.
    own: Name,
    stage: Stage,
    /// The tag of the command that the stage waits for.
    tag: Tag,
    id: Option<RoomId>,
    /// The publication.
    link: Option<LinkId>,
    /// The client's offer, until there is a link.
    offer: Box<str>,
    /// What it shows of itself.
    card: Card,
    /// The others, as they show themselves. Who speaks another dialect shows nothing.
    others: BTreeMap<Name, Card>,
    /// What can be seen in the room beside one's own stream.
    streams: BTreeSet<Name>,
    /// The publishers that the client knows of, each with the stay that it knows: who comes back is somebody else.
    told: BTreeMap<Name, u64>,
    /// Who is active, in order, and when and by whom that was chosen.
    active: Vec<Box<str>>,
    chosen: (u64, Box<str>),
    /// Whose hands are up, as the client was told.
    hands: Vec<Box<str>>,
    /// Most bits per second that the client wants to send, and what the engine was told.
    wish: Option<u32>,
    limit: Option<u32>,
}

/// How far a membership has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The hub has been asked for a place.
    Asked,
    /// It has one, and has asked for its stream's name.
    Entered,
    /// It has that, and its request is acknowledged.
    Progress,
    /// The client has our description.
    Accepted,
}

impl Rooms {
    /// Asks of the hub what waits.
    pub(crate) fn settle(&mut self, ctx: &mut Ctx<'_>) {
        self.due.drain(..).for_each(|(tag, command)| ctx.out.command(tag, command));
    }

    /// Whether something waits.
    pub(crate) fn wait(&self) -> bool {
        !self.due.is_empty()
    }

    /// Whether a request has not been answered, so that the next ones wait.
    pub(crate) fn is_joining(&self) -> bool {
        self.joining.is_some()
    }

    /// Whether an id is that of a membership or a feed.
    pub(crate) fn knows(&self, id: &str) -> bool {
        self.by_session.contains_key(id) || self.feeds.contains_key(id)
    }

    fn get(&mut self, session: &str) -> Result<&mut Room, String> {
        self.by_session.get_mut(session).ok_or_else(|| format!("Unknown room session: {session}"))
    }

    /// The membership in that room of the hub.
    fn at(&mut self, id: RoomId) -> Option<(Box<str>, &mut Room)> {
        let (session, room) = self.by_session.iter_mut().find(|(_, room)| room.id == Some(id))?;
        Some((session.clone(), room))
    }

    /// The link of a membership or a feed.
    fn link(&self, id: &str) -> Result<Option<LinkId>, String> {
        let own = self.by_session.get(id).map(|room| room.link);
        own.or_else(|| self.feeds.get(id).map(|feed| feed.link)).ok_or_else(|| format!("Unknown room session: {id}"))
    }
}

impl Room {
    /// Whether that is somebody, oneself included, or something that can be seen in the room.
    fn has(&self, id: &str) -> bool {
        let known = |name: Name| self.others.contains_key(&name) || self.streams.contains(&name);
        id == self.own.as_str() || Name::parse(id).is_ok_and(known)
    }

    /// The command that says something to another member.
    fn say(&self, to: &Name, word: &Word<'_>, lang: patchbay_core::Lang) -> Option<Command> {
        let to = Address::Member { room: self.id?, name: to.clone() };
        let body = Body::new(lang, word.write().as_bytes());
        Some(Command::Signal { to, signal: Signal { kind: SignalKind::Info, body } })
    }

    /// The command that shows the card as it is now.
    fn show(&self, lang: patchbay_core::Lang) -> Option<Command> {
        Some(Command::Show { room: self.id?, card: self.shown(lang)? })
    }

    fn shown(&self, lang: patchbay_core::Lang) -> Option<Shown> {
        Shown::new(lang, self.card.write().as_bytes())
    }
}

impl SylkSession {
    fn tell_room(&self, session: &str, event: RoomEvent<'_>, ctx: &mut Ctx<'_>) {
        self.tell(&wire::Event::Videoroom { session, event }, ctx);
    }

    fn tell_state(&self, session: &str, state: RoomState<'_>, ctx: &mut Ctx<'_>) {
        self.tell_room(session, RoomEvent::State(state), ctx);
    }
}

fn signal(link: LinkId, kind: SignalKind, lang: patchbay_core::Lang, text: &str) -> Command {
    Command::Signal { to: Address::Link(link), signal: Signal { kind, body: Body::new(lang, text.as_bytes()) } }
}

/// The account's address, for what outlives the borrow of it.
fn address(account: &patchbay_dialect_kit::line::Account) -> (Arc<str>, Box<str>) {
    (Arc::clone(&account.address), account.display.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests;
