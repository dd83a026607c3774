use crate::{Cause, Lang, LinkId, Merge, Name, Realm, RoomId, Signal, Token};

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
    /// Take a name in the realm and appear in its presence list. Answer: `Registered` or `Refused`.
    Register {
        /// The name to be reached under.
        name: Name,
        /// How presence lists are delivered to this party.
        merge: Merge,
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
    /// End a call: `Ended` to both.
    Hangup {
        /// Which call.
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
    /// Hand a message that belongs to no call to a registered party. No answer, or `Refused`.
    Post {
        /// To whom.
        to: Name,
        /// What.
        body: crate::Body,
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
}
