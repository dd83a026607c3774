//! What clients are told, whatever it is called: sylk.md section 6.2.
//!
//! Addresses have no scheme ([`crate::aor::Aor`]). `None` means that the key is left out, except where something else is
//! said: clients throw on `null` where they expect an object or a description.

use super::choice::{BookAction, BookKind, Composing};
use super::request::Message;

/// Something that is told without having been asked for, or later.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The answer to `lookup-public-key`. `None` is written as `null`: nobody knows the key.
    PublicKey { uri: &'a str, public_key: Option<&'a str> },
    /// About an account of the connection.
    Account { account: &'a str, event: AccountEvent<'a> },
    /// About a call.
    Session { session: &'a str, event: SessionEvent<'a> },
    /// About a room, as the member `session` sees it.
    Videoroom { session: &'a str, event: RoomEvent<'a> },
}

/// Somebody. Quotes and blanks around the display name are not written; `None` is `null`, in V1 an empty text.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub uri: &'a str,
    pub display_name: Option<&'a str>,
}

/// Headers of the SIP side by name. Each name is there once; of no headers, nothing is written.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

#[derive(Clone, Copy, Debug)]
pub enum AccountEvent<'a> {
    Registration(Registration<'a>),
    /// Somebody calls; `sdp` is an offer.
    IncomingSession {
        session: &'a str,
        originator: Identity<'a>,
        sdp: &'a str,
        call_id: &'a str,
        headers: Headers<'a>,
    },
    MissedSession {
        originator: Identity<'a>,
    },
    ConferenceInvite {
        room: &'a str,
        session_id: &'a str,
        originator: Identity<'a>,
    },
    Message(Received<'a>),
    Disposition(Notification<'a>),
    SyncConversations(&'a [Stored<'a>]),
    Sync(Sync<'a>),
    /// Each a JSON array; clients want all three.
    AddressbookFetched {
        contacts: &'a str,
        groups: &'a str,
        policies: &'a str,
    },
    /// `entry` is a JSON object.
    AddressbookUpdated {
        kind: BookKind,
        action: BookAction,
        entry: &'a str,
    },
    AddressbookUpdateFailed {
        kind: BookKind,
        action: BookAction,
        error: &'a str,
        id: &'a str,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum Registration<'a> {
    Registering,
    Registered,
    /// `reason` begins with the SIP code.
    Failed {
        reason: &'a str,
    },
}

/// A message from somebody.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    pub sender: Identity<'a>,
    /// ISO 8601.
    pub timestamp: &'a str,
    pub message_id: &'a str,
    pub content: &'a str,
    pub content_type: &'a str,
    /// Which notifications the sender wants. `None` is written as `null`.
    pub disposition_notification: Option<&'a [&'a str]>,
    pub direction: Option<&'a str>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug)]
pub struct Notification<'a> {
    pub message_id: &'a str,
    /// When the message was sent.
    pub message_timestamp: &'a str,
    pub state: MessageState,
    /// Of SIP.
    pub code: u16,
    pub reason: &'a str,
}

/// States of messages, in notifications and in what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageState {
    Accepted,
    Delivered,
    Displayed,
    Error,
    Failed,
    Forbidden,
    Pending,
    Processed,
    Received,
    Stored,
}

impl MessageState {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Displayed => "displayed",
            Self::Error => "error",
            Self::Failed => "failed",
            Self::Forbidden => "forbidden",
            Self::Pending => "pending",
            Self::Processed => "processed",
            Self::Received => "received",
            Self::Stored => "stored",
        }
    }
}

/// A message of the past.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    pub contact: &'a str,
    pub timestamp: &'a str,
    pub disposition: Option<&'a [&'a str]>,
    pub message_id: &'a str,
    pub content_type: &'a str,
    pub content: &'a str,
    pub direction: Option<&'a str>,
    pub state: Option<MessageState>,
}

/// What another connection of the same account did.
#[derive(Clone, Copy, Debug)]
pub enum Sync<'a> {
    /// It sent this; clients get the request itself.
    MessageAdded {
        transaction: &'a str,
        uri: &'a str,
        message: &'a Message<'a>,
    },
    MessageRemoved {
        contact: &'a str,
        message_id: &'a str,
        direction: Option<&'a str>,
    },
    ConversationRead {
        contact: &'a str,
        timestamp: Option<&'a str>,
    },
    ConversationRemoved {
        contact: &'a str,
        timestamp: Option<&'a str>,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum SessionEvent<'a> {
    State(SessionState<'a>),
    Update(Update<'a>),
    Message(Received<'a>),
    Disposition(Notification<'a>),
}

/// The states of a call.
#[derive(Clone, Copy, Debug)]
pub enum SessionState<'a> {
    /// The other side is being asked.
    Progress,
    /// A provisional answer, 101 to 199.
    Proceeding {
        code: u16,
    },
    Ringing,
    /// The other side is heard before it accepts. `accepted` must then have no description: clients end the call.
    EarlyMedia {
        sdp: &'a str,
        call_id: &'a str,
    },
    /// `sdp` and `call_id` only of outgoing calls.
    Accepted {
        sdp: Option<&'a str>,
        call_id: Option<&'a str>,
        headers: Headers<'a>,
    },
    Established,
    /// `reason` begins with the SIP code.
    Terminated {
        reason: &'a str,
    },
}

/// A call that is negotiated anew.
#[derive(Clone, Copy, Debug)]
pub enum Update<'a> {
    /// The other side wants to; `sdp` is its offer.
    Received {
        sdp: &'a str,
    },
    /// It agrees; `sdp` is its answer.
    Accepted {
        sdp: &'a str,
    },
    Failed {
        reason: &'a str,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum RoomEvent<'a> {
    State(RoomState<'a>),
    InitialPublishers(&'a [Publisher<'a>]),
    PublishersJoined(&'a [Publisher<'a>]),
    /// Their ids.
    PublishersLeft(&'a [&'a str]),
    /// `sdp` is an offer.
    FeedAttached {
        feed: &'a str,
        sdp: &'a str,
    },
    FeedEstablished {
        feed: &'a str,
    },
    /// `originator` is a member's session, or `videoroom`.
    Configure {
        originator: &'a str,
        active_participants: &'a [&'a str],
    },
    Message {
        kind: RoomMessage,
        content: &'a str,
        content_type: &'a str,
        sender: Identity<'a>,
        timestamp: &'a str,
    },
    MessageDelivery {
        message_id: &'a str,
        delivered: bool,
        code: u16,
        reason: &'a str,
    },
    /// `refresh` in seconds.
    Composing {
        state: Composing,
        refresh: u32,
        content_type: &'a str,
        sender: Identity<'a>,
    },
    FileSharing(&'a [SharedFile<'a>]),
    MuteAudio {
        originator: &'a str,
    },
    /// The sessions of those whose hand is up.
    RaisedHands(&'a [&'a str]),
}

#[derive(Clone, Copy, Debug)]
pub enum RoomState<'a> {
    Progress,
    /// `audio` and `video` say what the room has.
    Accepted {
        sdp: &'a str,
        audio: bool,
        video: bool,
    },
    Established,
    Terminated {
        reason: Option<&'a str>,
    },
}

/// A member who sends media.
#[derive(Clone, Copy, Debug)]
pub struct Publisher<'a> {
    /// Its session.
    pub id: &'a str,
    pub uri: &'a str,
    pub display_name: &'a str,
    /// `type`: `audio` of a telephone.
    pub kind: Option<&'a str>,
    pub muted: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomMessage {
    Normal,
    Status,
}

/// A file that members of the room can fetch.
#[derive(Clone, Copy, Debug)]
pub struct SharedFile<'a> {
    pub filename: &'a str,
    /// In bytes.
    pub filesize: u64,
    pub uploader: Identity<'a>,
    pub session: &'a str,
}
