use std::sync::Arc;

use crate::{
    Body, Card, Cause, Kinds, Lang, LegRole, LinkId, Merge, Name, Realm, RoomId, Signal, Token, Track, Transport,
};

/// What a party asks of the hub. Whatever answers it carries the tag that was given with it.
#[derive(Clone, Debug)]
pub enum Command {
    /// Enter a room, which comes into being with its first member. Joining again under the same name repeats `Joined`
    /// and the list, to everybody. Answer: `Joined` or `Refused`.
    Join(Join),
    /// Leave a room; the last member takes the room along. No answer; unknown rooms are ignored.
    Leave {
        /// The room that `Joined` named.
        room: RoomId,
    },
    /// Show the other members of a room something else of oneself: a list with the new card follows, to everybody. No
    /// answer; a room that the party is not in is ignored.
    Show {
        /// The room that `Joined` named.
        room: RoomId,
        /// In place of the card that was shown.
        card: Card,
    },
    /// Take a name in the realm and appear in its presence list. Answer: `Registered` or `Refused`.
    Register {
        /// The name to be reached under.
        name: Name,
        /// How presence lists are delivered to this party.
        merge: Merge,
    },
    /// As [`Command::Register`]; but who has the name by this command too, with a smaller rank, and is in no call, loses it
    /// and is told `Displaced`. The answers are the same.
    Supersede {
        /// The name to be reached under.
        name: Name,
        /// How presence lists are delivered to this party.
        merge: Merge,
        /// The larger one has the name.
        rank: u64,
    },
    /// Give up the name of [`Command::Register`]; the aliases and a call in progress stay. No answer; who has none is
    /// ignored.
    Unregister,
    /// Be reached by posts under a further name, or no longer. Many parties may share it. No answer, or `Refused` as
    /// [`Overloaded`](crate::Refusal::Overloaded) if the party has as many as it may have.
    Alias {
        /// The further name.
        name: Name,
        /// From now on, or no longer.
        on: bool,
    },
    /// Open a call with a registered party. Answer: `CallChanged` to both, or `Refused`.
    Call {
        /// Whom.
        to: Name,
        /// The public id that both ends will know, if the dialect needs one.
        token: Option<Token>,
    },
    /// Say that the call rings, again if it is renegotiated. `CallChanged` to both if that is news.
    Ring {
        /// Which call.
        link: LinkId,
    },
    /// Say that the call is taken. `CallChanged` to both if that is news.
    Accept {
        /// Which call.
        link: LinkId,
    },
    /// End a call: `Ended` to both. Or a publication or view of one's own: `LegEnded`.
    Hangup {
        /// Which.
        link: LinkId,
        /// Why.
        cause: Cause,
    },
    /// Hand one step of a negotiation to another party. No answer, or `Refused`.
    Signal {
        /// To whom.
        to: Address,
        /// What.
        signal: Signal,
    },
    /// Hand a message that belongs to no call to a registered party, or, if there is none of that name, to everybody
    /// else whom the name is an alias of. No answer, or `Refused`.
    Post {
        /// To whom.
        to: Name,
        /// What.
        body: Body,
    },
    /// Take a stream's name and open the leg that its media will come in by. Answer: `Reserved`, then the peer's offer
    /// is awaited; or `Refused`.
    Publish(Publish),
    /// Be sent a stream, or the streams of which it is the main one. Answer: `Viewing`, then `Described` with an offer; or
    /// `Refused`. Who is refused as `NoSuchStream` is told once when the stream goes live ([`Event::Live`]).
    ///
    /// [`Event::Live`]: crate::Event::Live
    View(View),
    /// As [`Command::View`], by a peer that offers itself: it is sent what its offer has room for. Answer: `Viewing`, then
    /// `Described` with an answer; or `Refused`.
    Watch {
        /// What is to be seen.
        view: View,
        /// The peer's offer, as plain text.
        offer: Body,
    },
    /// View fragments by a peer that offers itself ([`Shape::fragments`]), of a stream that is named later ([`Command::Turn`]).
    /// Answer: `Viewing`, or `Refused`. A party has one such view at a time.
    StandBy {
        /// What the leg looks like.
        shape: Shape,
        /// The peer's offer, as plain text.
        offer: Body,
    },
    /// View another stream by the same leg, one of fragments. Answer: `Viewing`, or `Refused`, and all is as it was.
    Turn {
        /// The view.
        link: LinkId,
        /// The other stream.
        stream: Name,
    },
    /// Give up viewing a stream, even before `Viewing`: somebody may still be asked for it. A view is told `LegEnded`; who
    /// waited is told nothing more of it.
    Unview {
        /// Which.
        stream: Name,
    },
    /// Switch kinds of a track on or off: on a view for its viewer, on a publication for everybody. No answer; unknown
    /// tracks are ignored.
    Pause {
        /// The view or publication.
        link: LinkId,
        /// The track's name; `None`: that of the view or publication itself.
        track: Option<Name>,
        /// What is switched.
        kinds: Kinds,
        /// On or off.
        on: bool,
    },
    /// Choose a rendition of a viewed track. No answer; unknown tracks are ignored.
    Prefer {
        /// The view.
        link: LinkId,
        /// The track's name; `None`: every track of the view.
        track: Option<Name>,
        /// Its height in pixels; `None`: as the network allows.
        height: Option<u32>,
    },
    /// Say something else of one's own publication. No answer; other links are ignored.
    Describe {
        /// The publication.
        link: LinkId,
        /// In place of what was said.
        about: Option<Body>,
    },
    /// Bound what one's own peer sends on a publication. No answer; other links are ignored.
    Limit {
        /// The publication.
        link: LinkId,
        /// In bits per second; `None`: as its network allows.
        bps: Option<u32>,
    },
    /// Hand one's own peer a message on a data channel of a leg. No answer.
    Say {
        /// The publication or view.
        link: LinkId,
        /// The channel of this name; while it is not open the message is dropped. `None`: the first that is open and that
        /// the party does not heed, for which the message waits.
        channel: Option<Name>,
        /// The message is no text.
        binary: bool,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// End a publication of the realm, whoever's it is: for those who manage it. No answer, or `Refused`.
    EndStream {
        /// Which.
        stream: Name,
        /// Why.
        cause: Cause,
    },
    /// Hand the peers of everybody who publishes or views a stream, or a track of it, a message on their data channels. No
    /// answer.
    SayToAll {
        /// Which.
        stream: Name,
        /// The message is no text.
        binary: bool,
        /// The message.
        bytes: Arc<[u8]>,
    },
    /// Ask for what the hub knows.
    Query(Query),
    /// Ask whether one would be let in, before one shows who one is. Answer: `Admitted`, or `Refused` as what is knocked for
    /// would be. Nothing is taken: that may be refused all the same.
    Knock(Knock),
}

/// What [`Command::Knock`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Knock {
    /// To publish that stream, in these kinds.
    Publish(Name, Kinds),
    /// To view that stream, if it is there.
    View(Name),
    /// To begin anything that makes the machine work.
    Anything,
    /// For a place as publisher, of a track of that main stream if there is another: [`Publish::tracks`].
    Publisher {
        /// The main stream.
        main: Option<Name>,
        /// Most tracks of it.
        tracks: Option<usize>,
    },
    /// For a place as viewer of that stream: [`View::viewers`].
    Viewer {
        /// The stream.
        stream: Name,
        /// Most viewers of it.
        viewers: Option<usize>,
    },
}

/// What [`Command::Publish`] asks for.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The stream's name.
    pub stream: Name,
    /// The main stream of which it is a track.
    pub main: Option<Name>,
    /// What is published; the rest of what the peer sends is dropped.
    pub kinds: Kinds,
    /// What is said of it to who asks ([`Query::Stream`]), in the canonical form of the publisher's dialect.
    pub about: Option<Body>,
    /// Once its publisher is lost, only who shows the same may publish it for its viewers within the realm's time
    /// ([`RealmLimits::restore`](crate::RealmLimits::restore)); `None`: anybody.
    pub claim: Option<Arc<str>>,
    /// Most tracks of the main stream, whoever publishes them; with more it is refused as
    /// [`TracksFull`](crate::Refusal::TracksFull). `None`: any number.
    pub tracks: Option<usize>,
}

/// What [`Command::View`] asks for.
#[derive(Clone, Debug)]
pub struct View {
    /// The stream's name.
    pub stream: Name,
    /// Which of its tracks are wanted.
    pub selection: Selection,
    /// The track that is not to be sent: the viewer's own, published by another connection.
    pub except: Option<Name>,
    /// Whom what the viewer says on its data channel reaches.
    pub speaks: Speaks,
    /// Most viewers of the stream, whatever they are; with more it is refused as
    /// [`StreamFull`](crate::Refusal::StreamFull). `None`: as many as the realm allows.
    pub viewers: Option<usize>,
    /// What is said of the viewer to who asks ([`Query::Viewers`]), in the canonical form of its dialect.
    pub about: Option<Body>,
    /// What our offer looks like.
    pub shape: Shape,
}

/// What an offer of ours looks like, beyond what it says, and what its data channels are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Names of data channels that the viewer's party heeds, also where the peer offers: it is told of their opening and their
    /// end ([`Event::Channel`](crate::Event::Channel)), and what is said on them is said to it
    /// ([`Event::Heard`](crate::Event::Heard)) and to nobody else.
    pub heeds: Vec<Name>,
    /// The data channel's name; `None`: that of the stream.
    pub label: Option<Name>,
    /// As players of 2015 know offers ([`LegRole::Send`](crate::LegRole::Send)).
    pub narrow: bool,
    /// Pictures alone, as fragments on the data channel ([`LegRole::Fragments`](crate::LegRole::Fragments)).
    pub fragments: bool,
}

impl Shape {
    /// A leg that is sent these tracks so, with a data channel if the stream has one; `answers`: the peer offers.
    pub(crate) fn role(self, tracks: Vec<Track>, may_grow: bool, channel: Option<Name>, answers: bool) -> LegRole {
        let label = channel.map(|stream| self.label.unwrap_or(stream));
        match label {
            Some(label) if self.fragments => LegRole::Fragments { tracks, label, answers },
            _ if answers => LegRole::Answer { tracks, may_grow },
            label => LegRole::Send { tracks, may_grow, label, narrow: self.narrow },
        }
    }
}

/// Which tracks of a view are switched on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Tracks named, and whether each is on.
    pub named: Vec<(Name, bool)>,
    /// Whether the others are on that are there at first.
    pub others: bool,
    /// Whether those are on that come later.
    pub later: bool,
}

impl Selection {
    /// Everything.
    pub const ALL: Self = Self { named: Vec::new(), others: true, later: true };

    /// Whether a track is on.
    #[must_use]
    pub fn picks(&self, track: &Name, later: bool) -> bool {
        let named = self.named.iter().find(|(name, _)| name == track);
        named.map_or(if later { self.later } else { self.others }, |(_, on)| *on)
    }
}

/// Whom a viewer's data messages reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// Nobody, and it hears nothing either: there is no data channel.
    NoChannel,
    /// Nobody.
    No,
    /// The publisher.
    ToPublisher,
    /// The publisher and the other viewers.
    ToAll,
}

/// What [`Command::Query`] asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// How a live stream can be had: `Renditions`, or `Refused` as `NoSuchStream`.
    Renditions(Name),
    /// The live tracks of a main stream; of a stream that has none, itself; of an unknown one, none: `Tracks`.
    Tracks(Name),
    /// What is known of a stream or of a room: `Known`, or `Refused` as `NoSuchStream`.
    Stream(Name),
    /// Who views a stream or what is in a room: `Viewers`.
    Viewers(Name),
    /// How those do who view a stream: `Views`.
    Views(Name),
    /// The registered names of the realm, sorted: `Names`.
    Names {
        /// Only those behind this name.
        after: Option<Name>,
        /// At most so many, and at most [`Known::LISTED`](crate::Known::LISTED).
        most: usize,
    },
    /// The streams and rooms of the realm, sorted by name: `Streams`.
    Streams {
        /// Only those behind this name.
        after: Option<Name>,
        /// At most so many, and at most [`Known::LISTED`](crate::Known::LISTED).
        most: usize,
    },
}

/// Whom a [`Command::Signal`] is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A member of a room that the sender is in.
    Member {
        /// The room that `Joined` named.
        room: RoomId,
        /// The member's name in that room.
        name: Name,
    },
    /// The other end of a call.
    Link(LinkId),
}

/// What [`Command::Join`] asks for.
#[derive(Clone, Debug)]
pub struct Join {
    /// The room's name.
    pub room: Name,
    /// The name under which to enter.
    pub name: Name,
    /// How member lists are delivered to this party.
    pub merge: Merge,
    /// What it shows of itself to the other members.
    pub card: Option<Card>,
    /// What kind of room it is; rooms of different kinds may have the same name.
    pub kind: RoomKind,
}

/// What kind a room is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoomKind {
    /// Members come and go, and streams can be seen in it.
    #[default]
    Open,
    /// Two at most, who negotiate with each other directly, whatever else they are. Nobody outside sees anything of it.
    Pair,
}

/// What a party is, as far as the hub has to know. Nobody asks for a party's kind: it declares what it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The naming space its names live in.
    pub realm: Realm,
    /// The dialect it speaks.
    pub lang: Lang,
    /// It negotiates directly with parties of its own dialect (mesh, 1:1 calls): the server may only relay.
    pub peer_to_peer: bool,
    /// It is busy while it is in a call. Others may be in many calls at once.
    pub one_call: bool,
    /// How its media travel where they end in the engine.
    pub transport: Transport,
}
