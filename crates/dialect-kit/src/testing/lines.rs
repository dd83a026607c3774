//! The telephones' side in transcripts, both ways as JSON: `<a {"line":"dial","tag":1,…}` is what a session asks for,
//! `>a {"line":"dialled","tag":1,"party":"bob"}` what it is told. Telephones themselves are parties of the dialect
//! [`Phone`].

use std::sync::Arc;

use patchbay_core::{
    Address, Body, Cause, CauseKind, Command, Event, Lang, LinkId, Merge, Moment, Name, Phrase, Profile, Realm, Signal,
    SignalKind, Srtp, Tag, Transport,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::line::{Caller, Detail, Header, News, Order, Receipt, Registration, Text, Wants};
use crate::{Codec, Ctx, Dialect, Frame, Session, Spec};

/// What a session asks for, as a transcript hears it.
pub(super) fn heard(order: &Order) -> Vec<u8> {
    let value = match order {
        Order::Register { account, name } => {
            json!({"line": "register", "account": *account.address, "secret": account.secret, "name": name.as_str()})
        }
        Order::Unregister { address } => json!({"line": "unregister", "account": **address}),
        Order::Dial { tag, account, to, headers } => {
            json!({"line": "dial", "tag": tag.0, "account": *account.address, "to": to, "headers": headers})
        }
        Order::Text { tag, account, to, text } => {
            let Text { id, time, mime, content } = text;
            let account = &*account.address;
            json!({"line": "text", "tag": tag.0, "account": account, "to": to, "text": [id, time, mime, content]})
        }
        Order::Receipt { account, to, id, time: _, state } => {
            json!({"line": "receipt", "account": *account.address, "to": to, "id": id, "state": format!("{state:?}")})
        }
    };
    value.to_string().into_bytes()
}

#[derive(Deserialize)]
#[serde(tag = "line", rename_all = "lowercase", deny_unknown_fields)]
enum Written {
    Registering { account: String },
    Registered { account: String },
    Failed { account: String, reason: String },
    Nowhere { account: String, reason: String },
    Dialled { tag: u64, party: Option<String>, reason: Option<String> },
    Missed { account: String, from: String, display: Option<String> },
    Text { account: String, from: String, text: [String; 4] },
    Delivered { tag: u64, code: u16, reason: String },
    Receipt { account: String, from: String, id: String, time: String },
}

/// What a session is told, if a transcript's line is that.
pub(super) fn told(text: &str) -> Option<News> {
    let registration = |account: String, state| News::Registration { address: Arc::from(account), state };
    let caller =
        |from: String, display: Option<String>| Caller { address: from.into(), display: display.map(Into::into) };
    Some(match serde_json::from_str(text).ok()? {
        Written::Registering { account } => registration(account, Registration::Registering),
        Written::Registered { account } => registration(account, Registration::Registered),
        Written::Failed { account, reason } => registration(account, Registration::Failed(reason.into())),
        Written::Nowhere { account, reason } => registration(account, Registration::Nowhere(reason.into())),
        Written::Dialled { tag, party, reason } => {
            let party = party.and_then(|party| Name::parse(&party).ok());
            News::Dialled { tag: Tag(tag), party: party.ok_or_else(|| reason.unwrap_or_default().into()) }
        }
        Written::Missed { account, from, display } => {
            News::Missed { address: Arc::from(account), from: caller(from, display) }
        }
        Written::Text { account, from, text } => {
            let [id, time, mime, content] = text.map(Into::into);
            let text = Text { id, time, mime, content };
            News::Text { address: Arc::from(account), from: caller(from, None), text, wants: Wants::default() }
        }
        Written::Delivered { tag, code, reason } => News::Delivered { tag: Tag(tag), code, reason: reason.into() },
        Written::Receipt { account, from, id, time } => News::Receipt {
            address: Arc::from(account),
            from: caller(from, None),
            id: id.into(),
            time: time.into(),
            state: Receipt::Displayed,
        },
    })
}

/// Telephones in transcripts: what they say becomes commands as it is, what the hub tells them is shown as it is.
///
/// | line | command |
/// |---|---|
/// | `{"name":N}` | `Register` |
/// | `{"call":N}` | `Call`; the call that it has is the newest |
/// | `{"offer":SDP}`, `answer`, `early` | `Signal` |
/// | `{"ring":true}`, `{"accept":true}` | `Ring`, `Accept` |
/// | `{"bye":[CODE,WORDS]}` | `Hangup`, declined |
/// | `{"cancel":[CODE,WORDS]}` | `Hangup`, cancelled |
/// | `{"incoming":[SESSION,ACCOUNT,FROM,DISPLAY,ID]}`, `proceeding`, `taken`, `text`, `unchanged` | a [`Detail`] |
#[derive(Debug)]
pub struct Phone(Profile);

impl Phone {
    /// Telephones of that naming space.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm) -> Self {
        let transport = Transport::Rtp(Srtp::Optional);
        Self(Profile { realm, lang, peer_to_peer: false, one_call: false, transport })
    }
}

impl Dialect for Phone {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.0
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(Telephone { lang: self.0.lang, call: None })
    }
}

static SPEC: Spec = Spec {
    name: "phone",
    serves: "transcripts",
    endpoints: &[crate::Endpoint {
        at: crate::At::Root,
        codec: Codec::WebSocket,
        plain: None,
        subprotocol: crate::Subprotocol::None,
    }],
    keys: &[],
    messages: &[],
};

struct Telephone {
    lang: Lang,
    call: Option<LinkId>,
}

fn pairs(value: &Value) -> Vec<Header> {
    let object = value.as_object().into_iter().flatten();
    object.map(|(name, value)| (name.as_str().into(), value.as_str().unwrap_or_default().into())).collect()
}

impl Telephone {
    fn command(&self, text: &str) -> Option<Command> {
        let value: Value = serde_json::from_str(text).ok()?;
        let (word, value) = value.as_object()?.iter().next()?;
        let text = value.as_str().unwrap_or_default();
        let part = |index: usize| Box::<str>::from(value[index].as_str().unwrap_or_default());
        let code = |index: usize| value[index].as_u64().and_then(|code| u16::try_from(code).ok());
        if word == "name" {
            return Some(Command::Register { name: Name::parse(text).ok()?, merge: Merge::WINDOW });
        }
        if word == "call" {
            return Some(Command::Call { to: Name::parse(text).ok()?, token: None });
        }
        let link = self.call?;
        let said = |kind| Signal { kind, body: Body::new(self.lang, text.as_bytes()) };
        let ends = |kind| Cause { kind, code: code(0), phrase: Phrase::new(&part(1)) };
        let signal = match &**word {
            "ring" => return Some(Command::Ring { link }),
            "accept" => return Some(Command::Accept { link }),
            "bye" => return Some(Command::Hangup { link, cause: ends(CauseKind::Declined) }),
            "cancel" => return Some(Command::Hangup { link, cause: ends(CauseKind::Cancelled) }),
            "offer" => said(SignalKind::Offer),
            "answer" => said(SignalKind::Answer),
            "early" => said(SignalKind::Progress { early: true }),
            "incoming" => {
                let display = value[3].as_str().map(Box::from);
                let from = Caller { address: part(2), display };
                let headers = pairs(&value[5]);
                Detail::Incoming { session: part(0), account: part(1), from, call: part(4), headers }.signal()
            }
            "proceeding" => Detail::Proceeding { code: u16::try_from(value.as_u64()?).ok()?, early: false }.signal(),
            "proceeding-early" => {
                Detail::Proceeding { code: u16::try_from(value.as_u64()?).ok()?, early: true }.signal()
            }
            "taken" => Detail::Taken { call: part(0), headers: pairs(&value[1]) }.signal(),
            "unchanged" => Detail::Unchanged { code: code(0)?, reason: part(1) }.signal(),
            "text" => Detail::Text(Text { id: part(0), time: part(1), mime: part(2), content: part(3) }).signal(),
            _ => return None,
        };
        Some(Command::Signal { to: Address::Link(link), signal })
    }
}

impl Session for Telephone {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        let Frame::Text(text) = frame else { return };
        let command = self.command(text).unwrap_or_else(|| panic!("a telephone says {text}"));
        ctx.out.command(Tag(0), command);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        let told = match event {
            Event::CallChanged { link, with: _, caller, state, .. } => {
                self.call = Some(link);
                json!({"call": format!("{state:?}"), "caller": caller})
            }
            Event::CallSignal { signal, .. } => match Detail::read(&signal) {
                Some(Detail::Digit { digit, millis }) => json!({"digit": digit.to_string(), "millis": millis}),
                Some(Detail::Headers(headers)) => json!({"headers": headers}),
                Some(Detail::Text(text)) => json!({"text": [text.id, text.time, text.mime, text.content]}),
                Some(detail) => json!({"detail": format!("{detail:?}")}),
                None => {
                    let body = String::from_utf8_lossy(signal.body.bytes());
                    json!({"signal": format!("{:?}", signal.kind), "body": body})
                }
            },
            Event::Flowing { .. } => json!({"flows": true}),
            Event::Ended { cause, .. } => {
                json!({"ended": format!("{:?}", cause.kind), "code": cause.code})
            }
            Event::Refused { refusal, .. } => json!({"refused": format!("{refusal:?}")}),
            _ => return,
        };
        ctx.out.text(|out| out.extend_from_slice(told.to_string().as_bytes()));
    }

    fn deadline(&self) -> Option<Moment> {
        None
    }

    fn on_deadline(&mut self, _ctx: &mut Ctx<'_>) {}
}
