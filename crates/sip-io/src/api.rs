//! What owners of lines and dialogs say, and what they are told.

use std::fmt;

use patchbay_core::Cause;
use patchbay_sip::digest::Ha1;
use patchbay_sip::dtmf::Press;
use patchbay_sip::reason;
use patchbay_sip::register::Push;
use patchbay_sip::uri::{Aor, Uri};

use crate::core::Path;
use crate::handle::Dialog;

/// An account that registers.
#[derive(Clone)]
pub struct Account {
    /// Its address.
    pub aor: Aor,
    /// Its credentials.
    pub ha1: Ha1,
    /// The name to show.
    pub display: Option<String>,
    /// `User-Agent`; `None`: the agent's own.
    pub user_agent: Option<String>,
    /// How its telephone is woken.
    pub push: Option<Push>,
}

/// What the owner of a line wants.
pub enum LineOrder {
    /// Register, perhaps again: [`LineNews::Registering`] and its outcome follow.
    Start,
    /// Take the binding back. Nothing is told.
    Stop,
    /// Register again without a word, unless it fails.
    Refresh,
    /// Wake the telephone differently, from the next registration on.
    Push(Option<Push>),
    /// Send a message outside of calls; [`LineNews::Sent`] follows.
    Text {
        /// Comes back in the outcome.
        tag: u64,
        /// To whom.
        to: Uri,
        /// `text/plain`, `message/cpim` …
        content_type: String,
        /// The content.
        body: String,
    },
}

/// What the owner of a line is told, in order.
pub enum LineNews {
    /// It is on its way to the registrar.
    Registering,
    /// The registrar has it.
    Registered,
    /// The registrar has it not, and why (see [`patchbay_sip::reason`]). What may pass is tried again by itself.
    Failed(String),
    /// The domain has no address: `DNS lookup error: …`. Nothing was sent, and nothing is tried again.
    Unresolved(String),
    /// Somebody calls.
    Call(Box<Incoming>),
    /// Somebody has called while the line was busy.
    Missed(Caller),
    /// A message outside of calls; its sender knows that it has come.
    Text(Text),
    /// What became of a [`LineOrder::Text`].
    Sent {
        /// The one of the order.
        tag: u64,
        /// 2xx: it has come.
        code: u16,
        /// Code and phrase as received.
        reason: String,
    },
}

/// Users and texts are personal: logs see the kind alone.
impl fmt::Debug for LineNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registering => f.write_str("Registering"),
            Self::Registered => f.write_str("Registered"),
            Self::Failed(reason) => write!(f, "Failed({reason})"),
            Self::Unresolved(_) => f.write_str("Unresolved"),
            Self::Call(call) => write!(f, "Call(sdp: {:?})", call.sdp.as_ref().map(String::len)),
            Self::Missed(_) => f.write_str("Missed"),
            Self::Text(text) => write!(f, "Text({})", text.content_type),
            Self::Sent { tag, reason, .. } => write!(f, "Sent({tag}, {reason})"),
        }
    }
}

/// A message.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// Who sends.
    pub from: Caller,
    /// The type of its body, in lower case and without parameters.
    pub content_type: String,
    /// The body; what is no text in it is replaced.
    pub body: String,
    /// Its `Call-ID`.
    pub call_id: String,
}

/// Who calls or writes.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// The address without its scheme, as written.
    pub uri: String,
    /// The name to show.
    pub display: Option<String>,
    /// Whether a server that we trust vouches for it (`P-Asserted-Identity`).
    pub asserted: bool,
}

/// Users are personal: their names stay out of logs.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caller({} bytes)", self.uri.len())
    }
}

/// A call that comes in. It rings once the owner says [`DialogOrder::Ring`].
pub struct Incoming {
    /// The call.
    pub dialog: Dialog,
    /// Who calls.
    pub from: Caller,
    /// Whom they call: the URI without scheme, as it was asked for in `To`.
    pub to: String,
    /// Its `Call-ID`; [`patchbay_sip::call::session`] makes a session of it.
    pub call_id: String,
    /// All header lines; [`patchbay_sip::header::incoming`] chooses those that a client may see.
    pub headers: Vec<(String, String)>,
    /// The offer; `None`: we are to make one, in [`DialogOrder::Answer`], and [`DialogNews::Acked`] brings the answer.
    pub sdp: Option<String>,
}

/// A call to be made.
#[derive(Clone)]
pub struct Outgoing {
    /// Who calls.
    pub from: Aor,
    /// The name to show.
    pub display: Option<String>,
    /// Credentials, for those who ask.
    pub ha1: Option<Ha1>,
    /// `User-Agent`; `None`: the agent's own.
    pub user_agent: Option<String>,
    /// Whom.
    pub to: Uri,
    /// The offer; `None`: the other side is to make one ([`DialogNews::Accepted`], [`DialogOrder::Ack`]).
    pub sdp: Option<String>,
    /// Lines of the client; those that it may not write are left out.
    pub headers: Vec<(String, String)>,
    /// The way that [`Agent::find`](crate::Agent::find) found; `None`: it is looked for.
    pub way: Option<Found>,
}

/// A way to somebody, which a call may take.
#[derive(Clone, Debug)]
pub struct Found(pub(crate) Path);

/// What the owner of a dialog wants. What does not fit the state of the call is passed over.
pub enum DialogOrder {
    /// `180`: it rings.
    Ring,
    /// `183` with a description: something is to be heard before the answer.
    Progress(String),
    /// `200`: it is answered.
    Answer {
        /// Our description.
        sdp: String,
        /// Lines of the client.
        headers: Vec<(String, String)>,
    },
    /// A final refusal, 300 to 699, with the standard's words.
    Reject(u16),
    /// End it: `CANCEL`, `BYE` or `603`, as its state needs. [`DialogNews::Ended`] follows at once.
    Hangup,
    /// The answer to an offer that came with [`DialogNews::Accepted`].
    Ack(String),
    /// Change the media: [`DialogNews::Reinvited`] or [`DialogNews::ReinviteFailed`] follows.
    Reinvite(String),
    /// The answer to [`DialogNews::Reinvite`]: a description, or the status of a refusal.
    AnswerReinvite(Result<String, u16>),
    /// `INFO`. Its outcome is not told, unless the peer knows nothing of the call any more.
    Info {
        /// The type of the body.
        content_type: String,
        /// The body.
        body: String,
    },
    /// `MESSAGE` inside of the call; [`DialogNews::Sent`] follows.
    Text {
        /// Comes back in the outcome.
        tag: u64,
        /// The type of the body.
        content_type: String,
        /// The body.
        body: String,
    },
}

/// Who has ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The other side.
    Peer,
    /// The other side has cancelled because somebody else has answered (RFC 3326, `cause=200`).
    Elsewhere,
    /// The owner.
    Here,
    /// Nobody: time or the network.
    Network,
}

/// Why a call is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// A status, or one of the codes of ours in [`patchbay_sip::reason`].
    pub code: u16,
    /// What clients are told: the code and the phrase as received.
    pub reason: String,
    /// See there.
    pub by: By,
}

impl Ended {
    pub(crate) fn new(code: u16, phrase: &str, by: By) -> Self {
        Self { code, reason: reason::text(code, phrase), by }
    }

    /// What the hub is told.
    #[must_use]
    pub fn cause(&self) -> Cause {
        reason::cause(self.code, self.reason.split_once(' ').map_or("", |(_, phrase)| phrase))
    }
}

/// What the owner of a dialog is told, in order; after [`DialogNews::Ended`] or [`DialogNews::Unresolved`] nothing more.
#[derive(Clone, PartialEq, Eq)]
pub enum DialogNews {
    /// The request has left: from here on it is a call.
    Calling {
        /// Its `Call-ID`.
        call_id: String,
    },
    /// Nobody could be asked: `DNS lookup error: …`.
    Unresolved(String),
    /// `100`: somebody on the way takes care of it.
    Trying,
    /// `101` to `199`.
    Provisional {
        /// The status.
        code: u16,
        /// The phrase as received.
        phrase: String,
        /// The first description of all provisional answers; later ones are left out.
        sdp: Option<String>,
    },
    /// `2xx`.
    Accepted {
        /// The answer, or the offer if ours had none.
        sdp: Option<String>,
        /// Its `Call-ID`.
        call_id: String,
        /// All header lines of the answer.
        headers: Vec<(String, String)>,
    },
    /// Our answer has reached the caller.
    Acked {
        /// The caller's description, where ours was the offer.
        sdp: Option<String>,
    },
    /// The peer wants to change the media: [`DialogOrder::AnswerReinvite`] is due within 20 s.
    Reinvite {
        /// Its offer; `None`: we are to make one, and [`DialogNews::Acked`] brings the answer.
        sdp: Option<String>,
    },
    /// The peer has taken our change.
    Reinvited {
        /// Its description.
        sdp: Option<String>,
    },
    /// The peer has not taken our change; the call goes on as before.
    ReinviteFailed {
        /// The status.
        code: u16,
        /// Code and phrase as received.
        reason: String,
    },
    /// `INFO` that is no digit.
    Info {
        /// The type of the body, in lower case and without parameters.
        content_type: String,
        /// The body.
        body: String,
    },
    /// A digit in `INFO`.
    Dtmf(Press),
    /// A message inside of the call.
    Text(Text),
    /// What became of a [`DialogOrder::Text`].
    Sent {
        /// The one of the order.
        tag: u64,
        /// 2xx: it has come.
        code: u16,
        /// Code and phrase as received.
        reason: String,
    },
    /// It is over.
    Ended(Ended),
}

/// Descriptions and messages are personal: logs see the kind alone.
impl fmt::Debug for DialogNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |sdp: &Option<String>| sdp.as_ref().map(String::len);
        match self {
            Self::Calling { .. } => f.write_str("Calling"),
            Self::Unresolved(_) => f.write_str("Unresolved"),
            Self::Trying => f.write_str("Trying"),
            Self::Provisional { code, sdp, .. } => write!(f, "Provisional({code}, sdp: {:?})", bytes(sdp)),
            Self::Accepted { sdp, .. } => write!(f, "Accepted(sdp: {:?})", bytes(sdp)),
            Self::Acked { sdp } => write!(f, "Acked(sdp: {:?})", bytes(sdp)),
            Self::Reinvite { sdp } => write!(f, "Reinvite(sdp: {:?})", bytes(sdp)),
            Self::Reinvited { sdp } => write!(f, "Reinvited(sdp: {:?})", bytes(sdp)),
            Self::ReinviteFailed { reason, .. } => write!(f, "ReinviteFailed({reason})"),
            Self::Info { content_type, .. } => write!(f, "Info({content_type})"),
            Self::Dtmf(_) => f.write_str("Dtmf"),
            Self::Text(_) => f.write_str("Text"),
            Self::Sent { tag, reason, .. } => write!(f, "Sent({tag}, {reason})"),
            Self::Ended(ended) => write!(f, "Ended({}, {:?})", ended.reason, ended.by),
        }
    }
}

/// Why an order is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There are as many as [`Limits`](crate::Limits) allow.
    Full,
    /// Too many orders wait; this one may be given again.
    Busy,
    /// The agent has stopped.
    Gone,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "there are as many as [sip] limits allow; raise them or wait",
            Self::Busy => "too many orders wait for the SIP agent; try again",
            Self::Gone => "the SIP agent has stopped",
        })
    }
}

impl std::error::Error for Refused {}
