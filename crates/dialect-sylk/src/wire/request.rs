//! What clients ask, whatever they call it: sylk.md section 6.1.

use std::borrow::Cow;
use std::fmt;

use crate::aor::Aor;

pub use super::choice::{BookAction, BookKind, Composing, Disposition};

/// A text of the client's; borrowed unless it had escapes.
pub type Text<'a> = Cow<'a, str>;

/// A request, checked as far as it can be without knowing the connection.
///
/// `session`, `feed`, `publisher` and `message_id` are the client's own ids: 1 to [`super::read::ID_BYTES`] bytes without
/// control characters. What goes into SIP headers (`name`s, `agent`, `content_type`, push tokens) has no control
/// characters and at most [`super::read::LINE_BYTES`] bytes. Descriptions and contents are whatever the client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Is anybody there?
    Ping,
    /// This connection acts for `account`, which has a user.
    AccountAdd {
        account: Aor<'a>,
        password: Ha1,
        display_name: Option<Text<'a>>,
        user_agent: Option<Text<'a>>,
        /// Which headers of calls the client wants to see. Empty: none.
        incoming_header_prefixes: Vec<Text<'a>>,
    },
    /// It no longer does.
    AccountRemove {
        account: Aor<'a>,
    },
    AccountRegister {
        account: Aor<'a>,
    },
    AccountUnregister {
        account: Aor<'a>,
    },
    /// Where calls can be announced while nobody is connected.
    AccountDeviceToken {
        account: Aor<'a>,
        token: DeviceToken<'a>,
    },
    AccountFetchAddressbook {
        account: Aor<'a>,
    },
    AccountUpdateAddressbook {
        account: Aor<'a>,
        action: BookAction,
        kind: BookKind,
        /// A JSON object, as it was written.
        data: &'a str,
    },
    AccountMessage {
        account: Aor<'a>,
        uri: Aor<'a>,
        message: Message<'a>,
    },
    AccountDispositionNotification {
        account: Aor<'a>,
        uri: Aor<'a>,
        message_id: Text<'a>,
        state: Disposition,
        timestamp: Text<'a>,
    },
    AccountSyncConversations {
        account: Aor<'a>,
        message_id: Option<Text<'a>>,
        since: Option<Text<'a>>,
        /// At most so many messages.
        limit: u32,
    },
    AccountMarkConversationRead {
        account: Aor<'a>,
        contact: Aor<'a>,
    },
    AccountRemoveMessage {
        account: Aor<'a>,
        message_id: Text<'a>,
        contact: Aor<'a>,
    },
    AccountRemoveConversation {
        account: Aor<'a>,
        contact: Aor<'a>,
    },
    LookupPublicKey {
        uri: Aor<'a>,
    },
    /// Calls `uri`; `sdp` is an offer.
    SessionCreate {
        session: Text<'a>,
        account: Aor<'a>,
        uri: Aor<'a>,
        sdp: Text<'a>,
        headers: Vec<Header<'a>>,
    },
    /// Answers a call that came in.
    SessionAnswer {
        session: Text<'a>,
        sdp: Text<'a>,
        headers: Vec<Header<'a>>,
    },
    /// Candidates; none is the end of them.
    SessionTrickle {
        session: Text<'a>,
        candidates: Vec<Candidate<'a>>,
    },
    /// Hangs up, declines or cancels.
    SessionTerminate {
        session: Text<'a>,
    },
    /// A new offer, or the answer to the other side's.
    SessionUpdate {
        session: Text<'a>,
        sdp: Text<'a>,
        headers: Vec<Header<'a>>,
    },
    SessionMessage {
        session: Text<'a>,
        message: Message<'a>,
    },
    SessionDtmfInfo {
        session: Text<'a>,
        /// 1 to [`super::read::DIGITS`] of `0-9 A-D a-d * #`.
        digit: Text<'a>,
        /// In milliseconds.
        duration: Option<u32>,
    },
    VideoroomJoin {
        session: Text<'a>,
        account: Aor<'a>,
        uri: Aor<'a>,
        sdp: Text<'a>,
        audio: bool,
        video: bool,
    },
    VideoroomLeave {
        session: Text<'a>,
    },
    /// `session` is that of a member, or one of its feeds.
    VideoroomSessionTrickle {
        session: Text<'a>,
        candidates: Vec<Candidate<'a>>,
    },
    /// `session` is that of a member, or one of its feeds. What is `None` stays as it is.
    VideoroomSessionUpdate {
        session: Text<'a>,
        audio: Option<bool>,
        video: Option<bool>,
        /// In bits per second.
        bitrate: Option<u32>,
    },
    VideoroomFeedAttach {
        session: Text<'a>,
        publisher: Text<'a>,
        feed: Text<'a>,
    },
    VideoroomFeedAnswer {
        session: Text<'a>,
        feed: Text<'a>,
        sdp: Text<'a>,
    },
    VideoroomFeedDetach {
        session: Text<'a>,
        feed: Text<'a>,
    },
    VideoroomConfigure {
        session: Text<'a>,
        /// At most two, each once.
        active_participants: Vec<Text<'a>>,
    },
    VideoroomInvite {
        session: Text<'a>,
        /// Each once.
        participants: Vec<Aor<'a>>,
    },
    VideoroomMessage {
        session: Text<'a>,
        message_id: Text<'a>,
        content: Text<'a>,
        content_type: Text<'a>,
    },
    VideoroomComposingIndication {
        session: Text<'a>,
        state: Composing,
        /// In seconds.
        refresh: Option<u32>,
    },
    VideoroomMuteAudioParticipants {
        session: Text<'a>,
    },
    VideoroomToggleHand {
        session: Text<'a>,
        /// Whose hand, if it is not the sender's own.
        session_id: Option<Text<'a>>,
    },
}

/// What a request is for, as a closed set: labels of metrics, and the tests' proof that none is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Ping,
    AccountAdd,
    AccountRemove,
    AccountRegister,
    AccountUnregister,
    AccountDeviceToken,
    AccountFetchAddressbook,
    AccountUpdateAddressbook,
    AccountMessage,
    AccountDispositionNotification,
    AccountSyncConversations,
    AccountMarkConversationRead,
    AccountRemoveMessage,
    AccountRemoveConversation,
    LookupPublicKey,
    SessionCreate,
    SessionAnswer,
    SessionTrickle,
    SessionTerminate,
    SessionUpdate,
    SessionMessage,
    SessionDtmfInfo,
    VideoroomJoin,
    VideoroomLeave,
    VideoroomSessionTrickle,
    VideoroomSessionUpdate,
    VideoroomFeedAttach,
    VideoroomFeedAnswer,
    VideoroomFeedDetach,
    VideoroomConfigure,
    VideoroomInvite,
    VideoroomMessage,
    VideoroomComposingIndication,
    VideoroomMuteAudioParticipants,
    VideoroomToggleHand,
}

impl Verb {
    /// How many there are.
    pub const COUNT: usize = Self::VideoroomToggleHand as usize + 1;
}

impl Request<'_> {
    /// What it is for.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::Ping => Verb::Ping,
            Self::AccountAdd { .. } => Verb::AccountAdd,
            Self::AccountRemove { .. } => Verb::AccountRemove,
            Self::AccountRegister { .. } => Verb::AccountRegister,
            Self::AccountUnregister { .. } => Verb::AccountUnregister,
            Self::AccountDeviceToken { .. } => Verb::AccountDeviceToken,
            Self::AccountFetchAddressbook { .. } => Verb::AccountFetchAddressbook,
            Self::AccountUpdateAddressbook { .. } => Verb::AccountUpdateAddressbook,
            Self::AccountMessage { .. } => Verb::AccountMessage,
            Self::AccountDispositionNotification { .. } => Verb::AccountDispositionNotification,
            Self::AccountSyncConversations { .. } => Verb::AccountSyncConversations,
            Self::AccountMarkConversationRead { .. } => Verb::AccountMarkConversationRead,
            Self::AccountRemoveMessage { .. } => Verb::AccountRemoveMessage,
            Self::AccountRemoveConversation { .. } => Verb::AccountRemoveConversation,
            Self::LookupPublicKey { .. } => Verb::LookupPublicKey,
            Self::SessionCreate { .. } => Verb::SessionCreate,
            Self::SessionAnswer { .. } => Verb::SessionAnswer,
            Self::SessionTrickle { .. } => Verb::SessionTrickle,
            Self::SessionTerminate { .. } => Verb::SessionTerminate,
            Self::SessionUpdate { .. } => Verb::SessionUpdate,
            Self::SessionMessage { .. } => Verb::SessionMessage,
            Self::SessionDtmfInfo { .. } => Verb::SessionDtmfInfo,
            Self::VideoroomJoin { .. } => Verb::VideoroomJoin,
            Self::VideoroomLeave { .. } => Verb::VideoroomLeave,
            Self::VideoroomSessionTrickle { .. } => Verb::VideoroomSessionTrickle,
            Self::VideoroomSessionUpdate { .. } => Verb::VideoroomSessionUpdate,
            Self::VideoroomFeedAttach { .. } => Verb::VideoroomFeedAttach,
            Self::VideoroomFeedAnswer { .. } => Verb::VideoroomFeedAnswer,
            Self::VideoroomFeedDetach { .. } => Verb::VideoroomFeedDetach,
            Self::VideoroomConfigure { .. } => Verb::VideoroomConfigure,
            Self::VideoroomInvite { .. } => Verb::VideoroomInvite,
            Self::VideoroomMessage { .. } => Verb::VideoroomMessage,
            Self::VideoroomComposingIndication { .. } => Verb::VideoroomComposingIndication,
            Self::VideoroomMuteAudioParticipants { .. } => Verb::VideoroomMuteAudioParticipants,
            Self::VideoroomToggleHand { .. } => Verb::VideoroomToggleHand,
        }
    }
}

/// MD5 of `user:realm:secret` (RFC 2617 section 3.2.2.2), as 32 hexadecimal digits. It is as good as the password, so it
/// is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1([u8; 32]);

impl Ha1 {
    /// Reads it; `None` if it is none. Digits become small letters, which is what digests are made of.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 32] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_hexdigit).then(|| Self(digits.map(|digit| digit.to_ascii_lowercase())))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1(…)")
    }
}

/// Where a device is reached by push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceToken<'a> {
    /// The V1 form: one token takes another's place.
    Replaced { old: Option<Text<'a>>, new: Option<Text<'a>> },
    /// The V2 form, parameters of the contact that is registered.
    Full { token: Text<'a>, platform: Text<'a>, device: Text<'a>, silent: bool, app: Text<'a> },
}

/// A message to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub message_id: Text<'a>,
    pub content: Text<'a>,
    pub content_type: Text<'a>,
    /// ISO 8601, unread.
    pub timestamp: Text<'a>,
}

/// A header for the SIP side: `name` is a token (RFC 3261 section 25.1), `value` one line. Whether the client may set it
/// is for the SIP side to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    pub name: Text<'a>,
    pub value: Text<'a>,
}

/// An ICE candidate as browsers send it. An empty `candidate` ends those of its media section; without `mid`, `index`
/// says which that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    pub candidate: Text<'a>,
    pub mid: Option<Text<'a>>,
    pub index: Option<u32>,
}
