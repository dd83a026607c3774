use std::sync::{Arc, OnceLock};

use crate::{
    Body, Card, Cause, Codec, DescriptionKind, Lang, LinkId, Moment, Name, Refusal, Rendition, Report, RoomId, Section,
    Signal, Tag, Token,
};

/// What the hub tells a party.
///
/// **Edges** happened once: they are never lost, merged or reordered. **Levels** are the present value of something: a
/// newer one may replace the one that still waits ([`EventQueue`](crate::EventQueue)).
#[derive(Clone, Debug)]
pub enum Event {
    /// Edge: the party is in the room. Always precedes the first `Members` of that room.
    Joined {
        /// The command's tag.
        tag: Tag,
        /// The room's id, for later commands.
        room: RoomId,
        /// The room's name.
        room_name: Name,
        /// The party's name in it.
        name: Name,
    },
    /// Edge: the party has its name.
    Registered {
        /// The command's tag.
        tag: Tag,
        /// The name.
        name: Name,
    },
    /// Edge: the party's name is somebody else's now ([`Command::Supersede`](crate::Command::Supersede)).
    Displaced {
        /// The name.
        name: Name,
    },
    /// Edge: a command was declined.
    Refused {
        /// The command's tag.
        tag: Tag,
        /// Why.
        refusal: Refusal,
    },
    /// Edge: a step of a negotiation from a fellow member.
    MemberSignal {
        /// The room both are in.
        room: RoomId,
        /// Who sent it, by the name in that room.
        from: Name,
        /// The step.
        signal: Signal,
    },
    /// Edge: a step of a negotiation within a call.
    CallSignal {
        /// The call.
        link: LinkId,
        /// The step.
        signal: Signal,
    },
    /// Edge: a call was opened or changed its state.
    CallChanged {
        /// The command's tag for the party whose command it was, else 0.
        tag: Tag,
        /// The call.
        link: LinkId,
        /// Its public id, if it has one.
        token: Option<Token>,
        /// The other end's registered name.
        with: Name,
        /// This party opened it.
        caller: bool,
        /// Where it stands.
        state: CallState,
    },
    /// Edge: a later offer of this party cannot be taken. The call goes on as it was; there will be no answer.
    Declined {
        /// The call.
        link: LinkId,
    },
    /// Edge: whoever sends this party pictures by RTP shall send a key frame, and can be asked in its signalling only.
    KeyWanted {
        /// The call.
        link: LinkId,
    },
    /// Edge: a call is over.
    Ended {
        /// The command's tag for the party whose command it was, else 0.
        tag: Tag,
        /// The call.
        link: LinkId,
        /// Its public id, if it had one.
        token: Option<Token>,
        /// The other end's registered name.
        with: Name,
        /// Why.
        cause: Cause,
    },
    /// Edge: a message that belongs to no call.
    Posted {
        /// The sender's registered name.
        from: Name,
        /// The message.
        body: Body,
    },
    /// Edge: the stream's name is the party's; its peer's offer is awaited.
    Reserved {
        /// The command's tag.
        tag: Tag,
        /// The publication.
        link: LinkId,
        /// Viewers wait for it whose publisher was lost.
        restored: bool,
    },
    /// Edge: the view is accepted; an offer follows.
    Viewing {
        /// The command's tag.
        tag: Tag,
        /// The view.
        link: LinkId,
    },
    /// Edge: our description for the peer of a leg.
    Described {
        /// The publication or view.
        link: LinkId,
        /// Offer or answer.
        kind: DescriptionKind,
        /// The description, with all candidates.
        sdp: Arc<str>,
        /// Its sections, with the name of the stream that each carries.
        sections: Vec<Section<Name>>,
    },
    /// Edge: media flows in, or may flow out.
    Flowing {
        /// The publication or view.
        link: LinkId,
    },
    /// Edge: a publication or view is over.
    LegEnded {
        /// The command's tag for the party whose command it was, else 0.
        tag: Tag,
        /// The publication or view.
        link: LinkId,
        /// Why.
        cause: Cause,
    },
    /// Edge: a track of a viewed main stream came or went. An offer follows.
    TrackChanged {
        /// The view.
        link: LinkId,
        /// The track's name.
        track: Name,
        /// It came.
        added: bool,
    },
    /// Edge: a viewer is sent another rendition of a track.
    Switched {
        /// The view.
        link: LinkId,
        /// The track's name.
        track: Name,
        /// The new one's height in pixels.
        height: u32,
    },
    /// Level: of the tracks of a view, this one's publisher speaks now, or was the last to. Told again while it does.
    Speaker {
        /// The view.
        link: LinkId,
        /// The track's name.
        track: Name,
        /// How loud: decibels below the loudest possible sound, 0 to 127, which is silence.
        level: u8,
    },
    /// Edge: a data channel of a view that the party heeds is open, or no longer ([`Shape`](crate::Shape)).
    Channel {
        /// The view.
        link: LinkId,
        /// The channel's name.
        channel: Name,
        /// It is open.
        open: bool,
    },
    /// Edge: the viewer has said something on such a channel.
    Heard {
        /// The view.
        link: LinkId,
        /// The channel's name.
        channel: Name,
        /// The message is no text.
        binary: bool,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// Edge: a stream that the party asked for in vain has gone live.
    Live {
        /// The stream.
        stream: Name,
    },
    /// Edge: the answer to [`Query::Renditions`](crate::Query::Renditions).
    Renditions {
        /// The command's tag.
        tag: Tag,
        /// The stream.
        stream: Name,
        /// How its sound is coded.
        audio: Option<Codec>,
        /// How its pictures are coded.
        video: Option<Codec>,
        /// Its sound, bits per second.
        audio_bps: u32,
        /// Its sizes, highest first; empty if it has no pictures.
        renditions: Vec<Rendition>,
    },
    /// Edge: the answer to [`Query::Tracks`](crate::Query::Tracks).
    Tracks {
        /// The command's tag.
        tag: Tag,
        /// The stream.
        stream: Name,
        /// The tracks' names, sorted.
        tracks: Vec<Name>,
    },
    /// Edge: the answer to [`Query::Stream`](crate::Query::Stream).
    Known {
        /// The command's tag.
        tag: Tag,
        /// The stream or room.
        stream: Name,
        /// What is known of it.
        known: Known,
    },
    /// Edge: the answer to [`Query::Viewers`](crate::Query::Viewers).
    Viewers {
        /// The command's tag.
        tag: Tag,
        /// The stream or room.
        stream: Name,
        /// How many view it.
        count: usize,
        /// What those of them say of themselves who say anything, those first that came first; at most
        /// [`Known::LISTED`].
        about: Vec<Body>,
    },
    /// Edge: the answer to [`Command::Knock`](crate::Command::Knock).
    Admitted {
        /// The command's tag.
        tag: Tag,
    },
    /// Edge: the answer to [`Query::Views`](crate::Query::Views).
    Views {
        /// The command's tag.
        tag: Tag,
        /// The stream.
        stream: Name,
        /// The views, those first that came first, with what was last measured; at most [`Known::LISTED`].
        views: Vec<(LinkId, Report)>,
    },
    /// Edge: the answer to [`Query::Names`](crate::Query::Names).
    Names {
        /// The command's tag.
        tag: Tag,
        /// The names, and what those do who have them.
        names: Vec<(Name, Presence)>,
        /// There are more behind them.
        more: bool,
    },
    /// Edge: the answer to [`Query::Streams`](crate::Query::Streams).
    Streams {
        /// The command's tag.
        tag: Tag,
        /// What is known of each.
        streams: Vec<(Name, Known)>,
        /// There are more behind them.
        more: bool,
        /// How many publications of the realm are live.
        live: usize,
    },
    /// Level: how a view does.
    Measured {
        /// The view.
        link: LinkId,
        /// How.
        report: Report,
    },
    /// Level: who is in the room.
    Members {
        /// The room.
        room: RoomId,
        /// The room's name.
        room_name: Name,
        /// Its members.
        list: Arc<MemberList>,
        /// A newer list may replace this one while it waits.
        replaceable: bool,
    },
    /// Level: who is registered in the realm.
    Presence {
        /// The list.
        list: Arc<PresenceList>,
        /// A newer list may replace this one while it waits.
        replaceable: bool,
    },
}

impl Event {
    /// The level that this event is the value of, if it may be replaced.
    #[must_use]
    pub fn level(&self) -> Option<LevelKey> {
        match self {
            Self::Members { room, replaceable: true, .. } => Some(LevelKey::Members(*room)),
            Self::Presence { replaceable: true, .. } => Some(LevelKey::Presence),
            Self::Measured { link, .. } => Some(LevelKey::Measured(*link)),
            Self::Speaker { link, .. } => Some(LevelKey::Speaker(*link)),
            _ => None,
        }
    }

    /// About how many bytes the event keeps in memory while it waits; lists count in full for every receiver, so that
    /// the bound holds for what will be written, not only for what is shared.
    #[must_use]
    pub fn weight(&self) -> usize {
        const BASE: usize = size_of::<Event>();
        BASE + match self {
            Self::MemberSignal { signal, .. } | Self::CallSignal { signal, .. } => signal.body.bytes().len(),
            Self::Posted { body, .. } => body.bytes().len(),
            Self::Members { list, .. } => list.bytes,
            Self::Presence { list, .. } => list.bytes,
            Self::Described { sdp, .. } => sdp.len(),
            Self::Heard { bytes, .. } => bytes.len(),
            Self::Tracks { tracks, .. } => tracks.iter().map(|name| name.as_str().len() + ENTRY_BYTES).sum(),
            Self::Names { names, .. } => names.iter().map(|(name, _)| name.as_str().len() + ENTRY_BYTES).sum(),
            Self::Known { known, .. } => known.weight(),
            Self::Streams { streams, .. } => streams.iter().map(|(_, known)| ENTRY_BYTES + known.weight()).sum(),
            Self::Views { views, .. } => views.len() * size_of::<(LinkId, Report)>(),
            Self::Viewers { about, .. } => about.iter().map(|body| body.bytes().len() + ENTRY_BYTES).sum(),
            _ => 0,
        }
    }
}

/// What is known of a stream, or of a room and what can be seen in it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its own publication, if there is one.
    pub own: Option<Published>,
    /// The publications of which it is the main stream, sorted by name; at most [`Known::LISTED`].
    pub tracks: Vec<Published>,
    /// How many view it.
    pub viewers: usize,
}

impl Known {
    /// Most entries of a list that answers one question. A larger bound lets one question cost more, a smaller one cuts
    /// large conferences.
    pub const LISTED: usize = 1_000;

    fn weight(&self) -> usize {
        self.own.iter().chain(&self.tracks).map(Published::weight).sum()
    }
}

/// A publication, as it is told to who asks.
#[derive(Clone, Debug)]
pub struct Published {
    /// The stream.
    pub stream: Name,
    /// The main stream of which it is a track.
    pub main: Option<Name>,
    /// Its media flow.
    pub live: bool,
    /// When it was begun.
    pub since: Moment,
    /// How many view it by its own name.
    pub viewers: usize,
    /// What its publisher says of it.
    pub about: Option<Body>,
}

impl Published {
    fn weight(&self) -> usize {
        let about = self.about.as_ref().map_or(0, |about| about.bytes().len());
        size_of::<Self>() + self.stream.as_str().len() + about
    }
}

/// Which level an event is a value of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelKey {
    /// The member list of a room.
    Members(RoomId),
    /// The presence list of the party's realm.
    Presence,
    /// How a view does.
    Measured(LinkId),
    /// Who speaks in a view.
    Speaker(LinkId),
}

/// How a level is delivered to a subscriber: one by one while there are at most `every_up_to` entries in it, merged
/// within the realm's window above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merge {
    /// Up to this many entries nothing is merged.
    pub every_up_to: usize,
}

impl Merge {
    /// Every value is delivered.
    pub const EVERY: Self = Self { every_up_to: usize::MAX };
    /// The first change at once, those within the window after it as one list at its end.
    pub const WINDOW: Self = Self { every_up_to: 0 };
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallState {
    /// Opened; nobody has been rung.
    New,
    /// Rings at the callee.
    Ringing,
    /// Taken.
    Active,
}

/// The members of a room at one version, sorted by the bytes of their names.
#[derive(Debug)]
pub struct MemberList {
    /// Rises with every list of the room, even if the names are equal.
    pub version: u64,
    /// The names.
    pub names: Vec<Name>,
    /// What members show of themselves, in the order of their names; who shows nothing is not in it.
    pub cards: Vec<(Name, Card)>,
    /// The streams that can be seen in the room, sorted: those that are live and have it as their main stream, and what
    /// is joined to it. At most [`MemberList::STREAMS`].
    pub streams: Vec<Name>,
    bytes: usize,
    rendered: Rendered,
}

impl MemberList {
    /// Most streams of one list, for the sake of those who are told it; of more, the first to come are in it.
    pub const STREAMS: usize = 64;

    /// The list with these entries, sorted. The hub makes it; others do so only to test what they do with it.
    #[must_use]
    pub fn new(version: u64, names: Vec<Name>, cards: Vec<(Name, Card)>, streams: Vec<Name>) -> Self {
        let shown: usize = cards.iter().map(|(_, card)| card.bytes().len()).sum();
        let names_bytes = |names: &[Name]| names.iter().map(|name| name.as_str().len() + ENTRY_BYTES).sum::<usize>();
        let bytes = names_bytes(&names) + names_bytes(&streams) + shown;
        Self { version, names, cards, streams, bytes, rendered: Rendered::default() }
    }

    /// The list in the words of dialect `lang`; `render` runs once for all receivers of the dialect that asks first.
    pub fn rendered(&self, lang: Lang, render: impl FnOnce(&Self) -> Vec<u8>) -> Arc<[u8]> {
        self.rendered.get(lang, || render(self))
    }
}

/// A realm's registered parties at one version, in the order of registration.
#[derive(Debug)]
pub struct PresenceList {
    /// Rises with every list of the realm.
    pub version: u64,
    /// The parties.
    pub entries: Vec<PresenceEntry>,
    bytes: usize,
    rendered: Rendered,
}

impl PresenceList {
    pub(crate) fn new(version: u64, entries: Vec<PresenceEntry>) -> Self {
        let bytes = entries.iter().map(|entry| entry.name.as_str().len() + ENTRY_BYTES).sum();
        Self { version, entries, bytes, rendered: Rendered::default() }
    }

    /// As [`MemberList::rendered`].
    pub fn rendered(&self, lang: Lang, render: impl FnOnce(&Self) -> Vec<u8>) -> Arc<[u8]> {
        self.rendered.get(lang, || render(self))
    }
}

/// One party in a [`PresenceList`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceEntry {
    /// Its registered name.
    pub name: Name,
    /// What it does.
    pub presence: Presence,
}

/// What a registered party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It can be called.
    Free,
    /// It is in a call.
    InCall,
}

/// What one list entry takes in a rendered list beside its name: quotes, comma, keys. An estimate.
const ENTRY_BYTES: usize = 16;

/// A list's text, made once and shared by all receivers of one dialect. A second dialect in the same room renders for
/// itself: one slot serves the rooms that exist, a table would cost every list.
#[derive(Debug, Default)]
struct Rendered(OnceLock<(Lang, Arc<[u8]>)>);

impl Rendered {
    fn get(&self, lang: Lang, render: impl FnOnce() -> Vec<u8>) -> Arc<[u8]> {
        let mut render = Some(render);
        let mut make = || render.take().map(|render| Arc::from(render())).unwrap_or_default();
        let (owner, text) = self.0.get_or_init(|| (lang, make()));
        if *owner == lang { Arc::clone(text) } else { make() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SignalKind;

    #[test]
    fn a_list_is_rendered_once_per_dialect_that_came_first() {
        let list = MemberList::new(1, vec![Name::parse("a").expect("a name")], Vec::new(), Vec::new());
        let first = list.rendered(Lang(1), |list| list.names[0].as_str().as_bytes().to_vec());
        let again = list.rendered(Lang(1), |_| unreachable!("it is rendered already"));
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(&*list.rendered(Lang(2), |_| b"other".to_vec()), b"other");
    }

    /// The mailbox's bound in bytes is only as good as this.
    #[test]
    fn an_event_weighs_what_it_carries_and_a_list_is_a_level() {
        let name = || Name::parse("n").expect("a name");
        let signal = |bytes: usize| Signal { kind: SignalKind::Offer, body: Body::new(Lang(1), &vec![b'x'; bytes]) };
        let members = |count: usize| {
            let list = Arc::new(MemberList::new(1, vec![name(); count], Vec::new(), Vec::new()));
            Event::Members { room: RoomId(1), room_name: name(), list, replaceable: true }
        };
        let shown = |bytes: usize| {
            let card = Card::new(Lang(1), &vec![b'x'; bytes]).expect("small enough");
            let list = Arc::new(MemberList::new(1, vec![name()], vec![(name(), card)], vec![name()]));
            Event::Members { room: RoomId(1), room_name: name(), list, replaceable: true }
        };
        let presence = |count: usize| {
            let entry = PresenceEntry { name: name(), presence: Presence::Free };
            Event::Presence { list: Arc::new(PresenceList::new(1, vec![entry; count])), replaceable: true }
        };
        let weight = |bytes| Event::Posted { from: name(), body: Body::new(Lang(1), &vec![b'x'; bytes]) }.weight();
        let base = weight(0);
        assert!(base > 0);
        assert_eq!(weight(1_000), base + 1_000);
        assert_eq!(Event::MemberSignal { room: RoomId(1), from: name(), signal: signal(7) }.weight(), base + 7);
        assert_eq!(Event::CallSignal { link: LinkId(1), signal: signal(9) }.weight(), base + 9);
        let heard = Event::Heard { link: LinkId(1), channel: name(), binary: false, bytes: Arc::from([b'x'; 11]) };
        assert_eq!(heard.weight(), base + 11);
        assert_eq!(members(3).weight(), base + 3 * (1 + ENTRY_BYTES));
        assert_eq!(shown(9).weight(), base + 2 * (1 + ENTRY_BYTES) + 9, "a name, a stream, and what is shown");
        assert_eq!(presence(5).weight(), base + 5 * (1 + ENTRY_BYTES));
        assert_eq!(Event::Registered { tag: Tag(0), name: name() }.weight(), base);
        assert_eq!(
            (members(1).level(), presence(1).level()),
            (Some(LevelKey::Members(RoomId(1))), Some(LevelKey::Presence))
        );
    }
}
