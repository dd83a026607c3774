//! Telephone lines: what sessions ask of the telephones' side of the shell, and what they hear of it.
//!
//! A call itself goes through the hub, as calls between any two parties do: [`Order::Dial`] makes a party of the telephone
//! and names it, and the session calls it ([`patchbay_core::Command::Call`]); a telephone that calls is a party that calls
//! the session's name. What the two say to each other beyond that are [`Detail`]s, in [`SignalKind::Info`].
//!
//! [`SignalKind::Info`]: patchbay_core::SignalKind::Info

use std::fmt;
use std::sync::Arc;

use patchbay_core::{Body, Lang, Name, Signal, SignalKind, Tag};

/// The language of [`Detail`]s. No dialect has this number.
pub const LINE: Lang = Lang(254);

/// An account with a provider of telephones, for which a session acts.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// `user@domain`.
    pub address: Arc<str>,
    /// What proves that the client may: 32 hexadecimal digits.
    pub secret: Box<str>,
    /// Its owner's name, as others see it.
    pub display: Option<Box<str>>,
    /// The client's program, as others see it.
    pub agent: Option<Box<str>>,
    /// Which header lines of calls the client wants to see, by the beginnings of their names.
    pub prefixes: Vec<Box<str>>,
    /// How the client is woken when it is not connected.
    pub push: Option<Push>,
}

/// Neither address nor secret.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Account")
    }
}

/// Where a client can be woken; registrars pass it on to whoever does so.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// The client's token.
    pub token: Box<str>,
    /// Whose service wakes it.
    pub platform: Box<str>,
    /// The device.
    pub device: Box<str>,
    /// The program on it.
    pub app: Box<str>,
    /// It is to be woken without a sound.
    pub silent: bool,
}

/// Neither token nor device.
impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Push({} bytes)", self.token.len())
    }
}

/// A header line of a call: a name and a value, on one line each.
pub type Header = (Box<str>, Box<str>);

/// What a session asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Register the account; again, if it is. [`News::Registration`] follows.
    Register {
        /// Which.
        account: Arc<Account>,
        /// The session's name in the hub, which its calls are for.
        name: Name,
    },
    /// Forget the registration. Nothing follows.
    Unregister {
        /// The account's address.
        address: Arc<str>,
    },
    /// Find a way to somebody. [`News::Dialled`] follows.
    Dial {
        /// Comes back.
        tag: Tag,
        /// Who calls.
        account: Arc<Account>,
        /// Whom: `user@host` or `host`.
        to: Box<str>,
        /// Further header lines.
        headers: Vec<Header>,
    },
    /// Tell the sender of a text what became of it here. Nothing follows.
    Receipt {
        /// Who tells it.
        account: Arc<Account>,
        /// Whom.
        to: Box<str>,
        /// The text's id.
        id: Box<str>,
        /// When it was sent.
        time: Box<str>,
        /// What became of it.
        state: Receipt,
    },
    /// Send a text outside of a call. [`News::Delivered`] follows.
    Text {
        /// Comes back.
        tag: Tag,
        /// Who sends it.
        account: Arc<Account>,
        /// To whom.
        to: Box<str>,
        /// What.
        text: Text,
    },
}

/// What can become of a text at its receiver's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It has come.
    Delivered,
    /// It was looked at.
    Displayed,
    /// It is of no use there.
    Failed,
    /// It may not come there.
    Forbidden,
    /// Something went wrong with it there.
    Error,
}

/// What a session hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// How an account's registration stands.
    Registration {
        /// The account's address.
        address: Arc<str>,
        /// How.
        state: Registration,
    },
    /// The party that an order made; or the words for why there is none.
    Dialled {
        /// The order's.
        tag: Tag,
        /// The party's name, which is free until it is called, or for ten seconds.
        party: Result<Name, Box<str>>,
    },
    /// Somebody called, and found nobody free.
    Missed {
        /// The account's address.
        address: Arc<str>,
        /// Who.
        from: Caller,
    },
    /// A text has come.
    Text {
        /// The account's address.
        address: Arc<str>,
        /// From whom.
        from: Caller,
        /// What.
        text: Text,
        /// What its sender wants to hear of it.
        wants: Wants,
    },
    /// What became of a text at its receiver's.
    Receipt {
        /// The account's address.
        address: Arc<str>,
        /// Who tells it.
        from: Caller,
        /// The text's id.
        id: Box<str>,
        /// When it was sent.
        time: Box<str>,
        /// What became of it.
        state: Receipt,
    },
    /// What became of a text on its way.
    Delivered {
        /// The order's.
        tag: Tag,
        /// The other system's code.
        code: u16,
        /// Its words.
        reason: Box<str>,
    },
}

/// How a registration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registration {
    /// It is asked for.
    Registering,
    /// It stands.
    Registered,
    /// It does not; the words begin with the other system's code.
    Failed(Box<str>),
    /// It was not even asked for, in words for the client: the registrar has no address.
    Nowhere(Box<str>),
}

/// Somebody on the telephones' side.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// `user@host`.
    pub address: Box<str>,
    /// The name that it gives itself.
    pub display: Option<Box<str>>,
}

/// Nothing personal.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

/// A text between clients.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// The sender's own id of it.
    pub id: Box<str>,
    /// When it was sent, as the sender writes it.
    pub time: Box<str>,
    /// Its MIME type.
    pub mime: Box<str>,
    /// It.
    pub content: Box<str>,
}

/// What the sender of a text wants to hear of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// That it has come.
    pub delivered: bool,
    /// That it was looked at.
    pub displayed: bool,
}

/// Nothing of what is said.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.content.len())
    }
}

/// What the two ends of a call tell each other beside its negotiation and its state.
#[derive(Clone, PartialEq, Eq)]
pub enum Detail {
    /// Who calls whom. Precedes the offer of a call from the telephones' side.
    Incoming {
        /// An id of the call that every client of the account is told alike: as a UUID is written.
        session: Box<str>,
        /// The account's address.
        account: Box<str>,
        /// Who calls.
        from: Caller,
        /// The other system's id of the call.
        call: Box<str>,
        /// The header lines that the account wants to see.
        headers: Vec<Header>,
    },
    /// The other side is at work on it, by the other system's code.
    Proceeding {
        /// 101 to 199.
        code: u16,
        /// A description came with it, which follows by way of the engine.
        early: bool,
    },
    /// The other system's id of a call to the telephones' side, and what it said. Precedes each answer.
    Taken {
        /// The id.
        call: Box<str>,
        /// The header lines that the account wants to see.
        headers: Vec<Header>,
    },
    /// Header lines to go with the answer that follows.
    Headers(Vec<Header>),
    /// A key was pressed.
    Digit {
        /// Which, one of `0-9 A-D * #`.
        digit: char,
        /// For how long.
        millis: u16,
    },
    /// A text.
    Text(Text),
    /// What became of it.
    Delivered {
        /// The text's id.
        id: Box<str>,
        /// The other system's code.
        code: u16,
        /// Its words.
        reason: Box<str>,
    },
    /// The call could not be changed: code and words.
    Unchanged {
        /// The other system's code.
        code: u16,
        /// Its words.
        reason: Box<str>,
    },
}

/// Which it is, and nothing of what it says.
impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Incoming { .. } => "Incoming",
            Self::Proceeding { .. } => "Proceeding",
            Self::Taken { .. } => "Taken",
            Self::Headers(_) => "Headers",
            Self::Digit { .. } => "Digit",
            Self::Text(_) => "Text",
            Self::Delivered { .. } => "Delivered",
            Self::Unchanged { .. } => "Unchanged",
        })
    }
}

impl Detail {
    /// The signal that carries it.
    #[must_use]
    pub fn signal(&self) -> Signal {
        let mut out = Vec::new();
        match self {
            Self::Incoming { session, account, from, call, headers } => {
                out.push(b'i');
                put(&mut out, session);
                put(&mut out, account);
                put(&mut out, &from.address);
                out.push(u8::from(from.display.is_some()));
                put(&mut out, from.display.as_deref().unwrap_or_default());
                put(&mut out, call);
                put_headers(&mut out, headers);
            }
            Self::Proceeding { code, early } => {
                out.push(b'p');
                out.extend_from_slice(&code.to_be_bytes());
                out.push(u8::from(*early));
            }
            Self::Taken { call, headers } => {
                out.push(b't');
                put(&mut out, call);
                put_headers(&mut out, headers);
            }
            Self::Headers(headers) => {
                out.push(b'h');
                put_headers(&mut out, headers);
            }
            Self::Digit { digit, millis } => {
                out.push(b'd');
                put(&mut out, digit.encode_utf8(&mut [0; 4]));
                out.extend_from_slice(&millis.to_be_bytes());
            }
            Self::Text(Text { id, time, mime, content }) => {
                out.push(b'm');
                [id, time, mime, content].into_iter().for_each(|part| put(&mut out, part));
            }
            Self::Delivered { id, code, reason } => {
                out.push(b'e');
                put(&mut out, id);
                out.extend_from_slice(&code.to_be_bytes());
                put(&mut out, reason);
            }
            Self::Unchanged { code, reason } => {
                out.push(b'u');
                out.extend_from_slice(&code.to_be_bytes());
                put(&mut out, reason);
            }
        }
        Signal { kind: SignalKind::Info, body: Body::new(LINE, &out) }
    }

    /// What a signal carries; `None`: something else, which is not for this party.
    #[must_use]
    pub fn read(signal: &Signal) -> Option<Self> {
        if signal.kind != SignalKind::Info || signal.body.lang() != LINE {
            return None;
        }
        let (kind, mut rest) = signal.body.bytes().split_first()?;
        let rest = &mut rest;
        let detail = match kind {
            b'i' => {
                let (session, account, address) = (take(rest)?, take(rest)?, take(rest)?);
                let named = number::<1>(rest)? == [1];
                let display = take(rest)?;
                let from = Caller { address, display: named.then_some(display) };
                Self::Incoming { session, account, from, call: take(rest)?, headers: take_headers(rest)? }
            }
            b'p' => Self::Proceeding { code: u16::from_be_bytes(number(rest)?), early: number::<1>(rest)? == [1] },
            b't' => Self::Taken { call: take(rest)?, headers: take_headers(rest)? },
            b'h' => Self::Headers(take_headers(rest)?),
            b'd' => Self::Digit { digit: take(rest)?.chars().next()?, millis: u16::from_be_bytes(number(rest)?) },
            b'm' => Self::Text(Text { id: take(rest)?, time: take(rest)?, mime: take(rest)?, content: take(rest)? }),
            b'e' => {
                let id = take(rest)?;
                Self::Delivered { id, code: u16::from_be_bytes(number(rest)?), reason: take(rest)? }
            }
            b'u' => Self::Unchanged { code: u16::from_be_bytes(number(rest)?), reason: take(rest)? },
            _ => return None,
        };
        rest.is_empty().then_some(detail)
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    // A body is far below four gigabytes.
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or_default().to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_headers(out: &mut Vec<u8>, headers: &[Header]) {
    for (name, value) in headers {
        out.push(1);
        put(out, name);
        put(out, value);
    }
    out.push(0);
}

fn number<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*bytes)
}

fn take(rest: &mut &[u8]) -> Option<Box<str>> {
    let length = usize::try_from(u32::from_be_bytes(number(rest)?)).ok()?;
    let (text, left) = rest.split_at_checked(length)?;
    *rest = left;
    std::str::from_utf8(text).ok().map(Box::from)
}

fn take_headers(rest: &mut &[u8]) -> Option<Vec<Header>> {
    let mut headers = Vec::new();
    while number::<1>(rest)? == [1] {
        headers.push((take(rest)?, take(rest)?));
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Detail> {
        let caller =
            |display: Option<&str>| Caller { address: "bob@example.com".into(), display: display.map(Box::from) };
        let headers = vec![("X-A".into(), "1".into()), ("X-B".into(), "".into())];
        let incoming = |from, headers| Detail::Incoming {
            session: "s".into(),
            account: "a@b".into(),
            from,
            call: "c1".into(),
            headers,
        };
        let text = Text { id: "1".into(), time: "now".into(), mime: "text/plain".into(), content: "hä\r\n".into() };
        vec![
            incoming(caller(None), Vec::new()),
            incoming(caller(Some("")), headers.clone()),
            incoming(caller(Some("Bob")), Vec::new()),
            Detail::Proceeding { code: 180, early: false },
            Detail::Proceeding { code: 183, early: true },
            Detail::Taken { call: "c1".into(), headers: headers.clone() },
            Detail::Headers(headers),
            Detail::Digit { digit: '#', millis: 160 },
            Detail::Text(text),
            Detail::Delivered { id: "1".into(), code: 200, reason: "OK".into() },
            Detail::Unchanged { code: 488, reason: "Not Acceptable Here".into() },
        ]
    }

    #[test]
    fn what_is_written_is_read() {
        for detail in all() {
            assert_eq!(Detail::read(&detail.signal()).as_ref(), Some(&detail));
        }
    }

    #[test]
    fn a_part_of_it_is_nothing_and_so_is_what_others_say() {
        for detail in all() {
            let signal = detail.signal();
            for end in 0..signal.body.bytes().len() {
                let cut = Signal { kind: SignalKind::Info, body: Body::new(LINE, &signal.body.bytes()[..end]) };
                assert_eq!(Detail::read(&cut), None, "{detail:?} cut at {end}");
            }
            let mut more = signal.body.bytes().to_vec();
            more.push(0);
            assert_eq!(Detail::read(&Signal { kind: SignalKind::Info, body: Body::new(LINE, &more) }), None);
            assert_eq!(Detail::read(&Signal { kind: SignalKind::Offer, body: signal.body.clone() }), None);
            let foreign = Signal { kind: SignalKind::Info, body: Body::new(Lang(0), signal.body.bytes()) };
            assert_eq!(Detail::read(&foreign), None);
        }
    }

    #[test]
    fn nothing_personal_is_shown() {
        let told = format!("{:?}", all());
        assert!(["bob", "a@b", "hä", "X-A"].iter().all(|word| !told.contains(word)), "{told}");
    }
}
