//! Text to request.

use patchbay_dialect_kit::json::Cursor;

use super::control::{control, update};
use super::object::{Object, Value};
use super::problem::{Ignored, Problem};
use super::property::{Checked, Properties};
use super::request::{DeviceToken, Message, Request, Text, Verb};
use super::vocabulary::Vocabulary;
use super::{NAMES, Name};

/// Longest `transaction`, in bytes: clients send 36. It is kept until the request is answered, and there may be many.
pub const TRANSACTION_BYTES: usize = 256;

/// Longest id that a client makes, in bytes: clients send 36. Ids are kept as long as what they name, and repeated in
/// every event.
pub const ID_BYTES: usize = 256;

/// Longest text that may go into a SIP header, in bytes. Push tokens are the longest there are, with some hundreds; a
/// SIP request that is to fit into a datagram has 1,300.
pub const LINE_BYTES: usize = 1_024;

/// Most digits in one request: clients send one.
pub const DIGITS: usize = 32;

/// Candidates of one request that are read: clients send one at a time, and the most a machine has is some tens.
pub const CANDIDATES: usize = 64;

/// Most headers of one request. They share a SIP request with everything else.
pub const HEADERS: usize = 32;

/// Most prefixes of headers that an account may ask for: each is compared with each header of each call.
pub const PREFIXES: usize = 32;

/// Most participants in one request: each is looked for.
pub const PARTICIPANTS: usize = 100;

/// Most members of a room that are active at once: sylk.md section 8.
pub const SPEAKERS: usize = 2;

/// How many messages a client gets that does not say how many it wants.
const LIMIT: u32 = 5_000;

/// A message that is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// What the answer repeats: at most [`TRANSACTION_BYTES`] bytes of anything.
    pub transaction: Text<'a>,
    /// What a client of the old subprotocol speaks that sends this, for [`super::Latch::heard`].
    pub of: Option<Vocabulary>,
    /// What is asked, or what is wrong with it.
    pub request: Result<Request<'a>, Problem<'a>>,
}

/// Reads a message.
///
/// # Errors
/// If it is to be ignored without an answer.
pub fn read(text: &str) -> Result<Decoded<'_>, Ignored> {
    let mut cursor = Cursor::new(text);
    let mut object = match Object::read(&mut cursor) {
        Ok(object) if cursor.at_end() => object,
        _ => return Err(if is_json(text) { Ignored::NoObject } else { Ignored::NotJson }),
    };
    let Some(Value::Text(kind)) = object.take("sylkrtc") else { return Err(Ignored::NoType) };
    let transaction = match object.take("transaction") {
        Some(Value::Text(transaction)) if transaction.len() <= TRANSACTION_BYTES => transaction,
        _ => return Err(Ignored::NoTransaction),
    };
    let Some(name) = named(&kind) else {
        return Ok(Decoded { transaction, of: None, request: Err(Problem::UnknownRequest(kind)) });
    };
    let mut properties = Properties::new(object, name.model);
    let request = match name.verb {
        Some(verb) => request(verb, &mut properties),
        None => control(&mut properties),
    };
    Ok(Decoded { transaction, of: name.of, request })
}

fn is_json(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.skip().is_ok() && cursor.at_end()
}

/// Servers of 2015 did not look at the case of letters.
fn named(kind: &str) -> Option<&'static Name> {
    NAMES.iter().find(|name| name.name.eq_ignore_ascii_case(kind))
}

/// Struct expressions are evaluated as they are written, which is the order in which properties are checked.
fn request<'a>(verb: Verb, p: &mut Properties<'a>) -> Checked<'a, Request<'a>> {
    match verb {
        Verb::Ping => Ok(Request::Ping),
        Verb::AccountAdd => Ok(Request::AccountAdd {
            account: p.account()?,
            password: p.password()?,
            display_name: p.maybe_line("display_name")?,
            user_agent: p.maybe_line("user_agent")?,
            incoming_header_prefixes: p.prefixes()?,
        }),
        Verb::AccountRemove => Ok(Request::AccountRemove { account: p.account()? }),
        Verb::AccountRegister => Ok(Request::AccountRegister { account: p.account()? }),
        Verb::AccountUnregister => Ok(Request::AccountUnregister { account: p.account()? }),
        Verb::AccountDeviceToken => Ok(Request::AccountDeviceToken { account: p.account()?, token: token(p)? }),
        Verb::AccountFetchAddressbook => Ok(Request::AccountFetchAddressbook { account: p.account()? }),
        Verb::AccountUpdateAddressbook => Ok(Request::AccountUpdateAddressbook {
            account: p.account()?,
            action: p.choice("action")?,
            kind: p.choice("type")?,
            data: p.raw_object("data")?,
        }),
        Verb::AccountMessage => {
            Ok(Request::AccountMessage { account: p.account()?, uri: p.aor("uri")?, message: message(p)? })
        }
        Verb::AccountDispositionNotification => Ok(Request::AccountDispositionNotification {
            account: p.account()?,
            uri: p.aor("uri")?,
            message_id: p.id("message_id")?,
            state: p.choice("state")?,
            timestamp: p.line("timestamp")?,
        }),
        Verb::AccountSyncConversations => Ok(Request::AccountSyncConversations {
            account: p.account()?,
            message_id: p.maybe_id("message_id")?,
            since: p.maybe_line("since")?,
            limit: p.maybe_number("limit")?.unwrap_or(LIMIT),
        }),
        Verb::AccountMarkConversationRead => {
            Ok(Request::AccountMarkConversationRead { account: p.account()?, contact: p.aor("contact")? })
        }
        Verb::AccountRemoveMessage => Ok(Request::AccountRemoveMessage {
            account: p.account()?,
            message_id: p.id("message_id")?,
            contact: p.aor("contact")?,
        }),
        Verb::AccountRemoveConversation => {
            Ok(Request::AccountRemoveConversation { account: p.account()?, contact: p.aor("contact")? })
        }
        Verb::LookupPublicKey => Ok(Request::LookupPublicKey { uri: p.aor("uri")? }),
        Verb::SessionCreate => Ok(Request::SessionCreate {
            session: p.id("session")?,
            account: p.account()?,
            uri: p.aor("uri")?,
            sdp: p.text("sdp")?,
            headers: p.headers()?,
        }),
        Verb::SessionAnswer => {
            Ok(Request::SessionAnswer { session: p.id("session")?, sdp: p.text("sdp")?, headers: p.headers()? })
        }
        Verb::SessionTrickle => Ok(Request::SessionTrickle { session: p.id("session")?, candidates: p.candidates()? }),
        Verb::SessionTerminate => Ok(Request::SessionTerminate { session: p.id("session")? }),
        Verb::SessionUpdate => {
            Ok(Request::SessionUpdate { session: p.id("session")?, sdp: p.text("sdp")?, headers: p.headers()? })
        }
        Verb::SessionMessage => Ok(Request::SessionMessage { session: p.id("session")?, message: message(p)? }),
        Verb::SessionDtmfInfo => Ok(Request::SessionDtmfInfo {
            session: p.id("session")?,
            digit: p.digit()?,
            duration: p.maybe_number("duration")?,
        }),
        Verb::VideoroomJoin => Ok(Request::VideoroomJoin {
            session: p.id("session")?,
            account: p.account()?,
            uri: p.aor("uri")?,
            sdp: p.text("sdp")?,
            audio: p.maybe_flag("audio")?.unwrap_or(true),
            video: p.maybe_flag("video")?.unwrap_or(true),
        }),
        Verb::VideoroomLeave => Ok(Request::VideoroomLeave { session: p.id("session")? }),
        Verb::VideoroomSessionTrickle => {
            Ok(Request::VideoroomSessionTrickle { session: p.id("session")?, candidates: p.candidates()? })
        }
        Verb::VideoroomSessionUpdate => {
            let session = p.id("session")?;
            let missing = Problem::Missing { property: "options", model: "VideoroomSessionUpdateRequest" };
            update(session, &mut p.object("options", "VideoroomSessionOptions")?.ok_or(missing)?)
        }
        Verb::VideoroomFeedAttach => Ok(Request::VideoroomFeedAttach {
            session: p.id("session")?,
            publisher: p.id("publisher")?,
            feed: p.id("feed")?,
        }),
        Verb::VideoroomFeedAnswer => {
            Ok(Request::VideoroomFeedAnswer { session: p.id("session")?, feed: p.id("feed")?, sdp: p.text("sdp")? })
        }
        Verb::VideoroomFeedDetach => {
            Ok(Request::VideoroomFeedDetach { session: p.id("session")?, feed: p.id("feed")? })
        }
        Verb::VideoroomConfigure => {
            Ok(Request::VideoroomConfigure { session: p.id("session")?, active_participants: p.active_participants()? })
        }
        Verb::VideoroomInvite => {
            Ok(Request::VideoroomInvite { session: p.id("session")?, participants: p.participants()? })
        }
        Verb::VideoroomMessage => Ok(Request::VideoroomMessage {
            session: p.id("session")?,
            message_id: p.id("message_id")?,
            content: p.text("content")?,
            content_type: p.line("content_type")?,
        }),
        Verb::VideoroomComposingIndication => Ok(Request::VideoroomComposingIndication {
            session: p.id("session")?,
            state: p.choice("state")?,
            refresh: p.maybe_number("refresh")?,
        }),
        Verb::VideoroomMuteAudioParticipants => {
            Ok(Request::VideoroomMuteAudioParticipants { session: p.id("session")? })
        }
        Verb::VideoroomToggleHand => {
            Ok(Request::VideoroomToggleHand { session: p.id("session")?, session_id: p.maybe_id("session_id")? })
        }
    }
}

fn message<'a>(p: &mut Properties<'a>) -> Checked<'a, Message<'a>> {
    Ok(Message {
        message_id: p.id("message_id")?,
        content: p.text("content")?,
        content_type: p.line("content_type")?,
        timestamp: p.line("timestamp")?,
    })
}

/// Both forms share a name. The old one has no key that must be there, so it is what has none of the new one's.
fn token<'a>(p: &mut Properties<'a>) -> Checked<'a, DeviceToken<'a>> {
    if !["token", "platform", "device", "silent", "app"].into_iter().any(|key| p.has(key)) {
        return Ok(DeviceToken::Replaced { old: p.maybe_line("old_token")?, new: p.maybe_line("new_token")? });
    }
    Ok(DeviceToken::Full {
        token: p.line("token")?,
        platform: p.line("platform")?,
        device: p.line("device")?,
        silent: p.flag("silent")?,
        app: p.line("app")?,
    })
}
