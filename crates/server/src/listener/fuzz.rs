//! What the fuzz target `upgrade` runs: a client's first bytes over a socket pair, answered twice. Once in pieces by the
//! short way that upgrades take, once at a stretch by hyper alone; both must say the same, and admit nobody whom RFC
//! 6455 and the endpoint do not.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use patchbay_core::{Event, Hub, Lang, Limits, Moment, Profile, Realm, RealmLimits};
use patchbay_dialect_kit::{Ctx, Dialect, Frame, Session, Spec, Subprotocol};
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;

use super::{Role, Security, greet};
use crate::config::{Config, OriginPolicy};
use crate::door::{Door, Place, Tokens};
use crate::http::{self, Caller};
use crate::mailbox::Bounds;
use crate::shell::{Endpoint, Parts, Shell};
use crate::socket::{Rewind, Socket};
use crate::switchboard::Switchboard;

/// Runs `data`: the listener and where the bytes are cut in two, then the bytes.
pub(crate) fn target(data: &[u8]) {
    thread_local! {
        static STAGE: Stage = Stage::new();
    }
    let [first, bytes @ ..] = data else { return };
    let role = if first & 0x80 == 0 { Role::Public } else { Role::Own(0) };
    STAGE.with(|stage| stage.run(bytes, usize::from(first & 0x7f) * bytes.len() / 127, role));
}

/// Whoever serves the connection.
#[derive(Clone, Copy)]
enum Way {
    Listener,
    Routes,
}

struct Stage {
    runtime: Runtime,
    shell: Arc<Shell>,
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let bounds = Bounds { soft_messages: 64, hard_messages: 1_024, hard_bytes: 8 << 20 };
        let switchboard = Switchboard::new(Hub::new(0, Limits { realms: vec![RealmLimits::default()] }), &[], bounds);
        let door = |at, origins: &[&str], tokens, plain| Endpoint {
            dialect: 0,
            door: Door {
                at,
                origins: OriginPolicy::new(origins, false),
                tokens,
                plain,
                subprotocol: Subprotocol::First,
                requests: None,
                once: false,
                callers: None,
                socket_io: false,
                demo: false,
            },
        };
        let path = |path: &str| Place::Path(path.to_owned());
        let mut endpoints = vec![
            door(path("/ws"), &["https://good.example"], None, Some("...\n")),
            door(Place::Root, &["*"], None, None),
            door(path("/locked"), &["*"], Some(Tokens::of(&["secret"])), None),
        ];
        endpoints[0].door.subprotocol = Subprotocol::None;
        let mut packets = door(Place::Tree(crate::socketio::PATH.to_owned()), &["https://good.example"], None, None);
        (packets.door.subprotocol, packets.door.socket_io) = (Subprotocol::None, true);
        endpoints.push(packets);
        let parts = Parts {
            switchboard,
            dialects: vec![Arc::new(Echo)],
            endpoints,
            pages: Vec::new(),
            admin_token: None,
            store: patchbay_store::Store::memory(),
            hooks: crate::jobs::Hooks::nowhere(),
        };
        Self { runtime, shell: Arc::new(Shell::new(&Config::default(), parts)) }
    }

    fn run(&self, bytes: &[u8], cut: usize, role: Role) {
        let (first, second) = bytes.split_at(cut);
        let answer = self.ask(&[first, second], role, Way::Listener);
        let of_routes = self.ask(&[bytes], role, Way::Routes);
        let request = Request::read(bytes);
        if answer.is_empty() {
            // The client went away before its head was whole; hyper may complain about that.
            assert!(!of_routes.starts_with(b"HTTP/1.1 101"), "only hyper admits it");
        } else {
            assert_eq!(status(&answer), status(&of_routes), "the listener, and hyper");
        }
        if status(&answer) == Some(101) {
            let request = request.expect("a request in the plainest sense");
            request.is_admissible(role);
            let (ours, theirs) = (Answer::read(&answer), Answer::read(&of_routes));
            assert_eq!(ours, theirs, "the listener, and hyper");
            let offered = request.values("sec-websocket-protocol").join(&b","[..]);
            let first = offered.split(|byte| *byte == b',').next().map(<[u8]>::trim_ascii);
            assert!(ours.protocol.is_none_or(|ours| Some(ours.as_bytes()) == first), "a protocol nobody offered");
            assert_eq!(ours.accept, request.accept());
        } else {
            assert!(!request.is_some_and(|request| request.is_impeccable()), "a good client was refused");
        }
    }

    /// What the server says until it hangs up.
    fn ask(&self, pieces: &[&[u8]], role: Role, way: Way) -> Vec<u8> {
        self.runtime.block_on(async {
            let (mut client, server) = UnixStream::pair().expect("two sockets");
            let (shell, caller) = (Arc::clone(&self.shell), Caller { role, address: None, secure: false });
            let socket = Socket::Unix(server);
            let head = pieces.concat();
            let served = tokio::spawn(async move {
                match way {
                    Way::Listener => greet(shell, caller, Security::Plain, socket).await,
                    Way::Routes => {
                        let ticket = shell.admit(caller).unwrap_or_else(|_| panic!("nobody else is here"));
                        http::serve(shell, caller, ticket, Rewind::new(head, socket)).await;
                    }
                }
            });
            if matches!(way, Way::Listener) {
                for piece in pieces {
                    // Fails if the server has hung up already.
                    let _ = client.write_all(piece).await;
                    // The server reads what is there before the rest comes.
                    for _ in 0..4 {
                        tokio::task::yield_now().await;
                    }
                }
            }
            let _ = client.shutdown().await;
            let mut answer = Vec::new();
            let _ = client.read_to_end(&mut answer).await;
            served.await.expect("serving does not panic");
            // An upgraded connection has a task of its own, which ends a little after its socket. Without an end to it
            // this runs into the time limit.
            while self.shell.connections.load(Ordering::Relaxed) > 0 {
                tokio::task::yield_now().await;
            }
            answer
        })
    }
}

fn status(answer: &[u8]) -> Option<u16> {
    let words = answer.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(words).ok()?.parse().ok()
}

/// What counts of an answer that admits an upgrade.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    accept: String,
    protocol: Option<String>,
    /// The frames behind it.
    frames: Vec<u8>,
}

impl Answer {
    fn read(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head") + 4;
        let head = std::str::from_utf8(&answer[..end]).expect("ASCII");
        let value = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
        };
        assert_eq!(value("upgrade").as_deref(), Some("websocket"), "{head}");
        // hyper adds what the client asked for besides.
        assert!(value("connection").is_some_and(|value| value.to_ascii_lowercase().starts_with("upgrade")), "{head}");
        let accept = value("sec-websocket-accept").expect("an accept value");
        Self { accept, protocol: value("sec-websocket-protocol"), frames: answer[end..].to_vec() }
    }
}

/// A head as the plainest reader understands it: lines, and names before colons.
struct Request<'a> {
    start: Vec<&'a [u8]>,
    headers: Vec<(String, &'a [u8])>,
}

impl<'a> Request<'a> {
    /// `None` if there is no empty line behind something.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
            let line = line.strip_suffix(b"\n")?;
            Some(line.strip_suffix(b"\r").unwrap_or(line))
        });
        // Empty lines before a request are none of it (RFC 9112 section 2.2).
        let mut lines = lines.skip_while(|line| line.is_some_and(<[u8]>::is_empty));
        let start = lines.next()??.split(|byte| *byte == b' ').collect();
        let mut headers = Vec::new();
        for line in lines {
            let line = line?;
            if line.is_empty() {
                return Some(Self { start, headers });
            }
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
            headers.push((name, blanks_off(&line[colon + 1..])));
        }
        None
    }

    fn values(&self, name: &str) -> Vec<&[u8]> {
        self.headers.iter().filter(|(of, _)| of == name).map(|(_, value)| *value).collect()
    }

    fn names(&self, header: &str, token: &str) -> bool {
        let values = self.values(header).join(&b","[..]).to_ascii_lowercase();
        values.split(|byte| *byte == b',').any(|part| part.trim_ascii() == token.as_bytes())
    }

    /// Path and query, if the target has them: what is behind the authority.
    fn path(&self) -> (&[u8], &[u8]) {
        let target = self.start.get(1).copied().unwrap_or_default();
        let schemeless = target.windows(3).position(|three| three == b"://").map_or(target, |at| {
            let rest = &target[at + 3..];
            &rest[rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len())..]
        });
        let target = if target.starts_with(b"/") { target } else { schemeless };
        let target = target.split(|byte| *byte == b'#').next().unwrap_or_default();
        let end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
        // `http://host` means its root.
        (if end == 0 { b"/" } else { &target[..end] }, &target[end..])
    }

    /// Whether it shows the secret: spelled in whatever way in the query, or as it is behind `Bearer`.
    fn shows_the_secret(&self) -> bool {
        let query = self.path().1;
        let pairs = query.split(|byte| *byte == b'?' || *byte == b'&');
        let mut values = pairs.filter_map(|pair| pair.strip_prefix(b"token="));
        let spelled = |value: &[u8]| {
            let (mut text, mut rest) = (Vec::new(), value.iter());
            while let Some(byte) = rest.next() {
                let digit = |digit: Option<&u8>| digit.and_then(|digit| char::from(*digit).to_digit(16)).unwrap_or(0);
                text.push(if *byte == b'%' { (digit(rest.next()) * 16 + digit(rest.next())) as u8 } else { *byte });
            }
            text == b"secret"
        };
        let bearer = |value: &&[u8]| value.to_ascii_lowercase().starts_with(b"bearer ") && value.ends_with(b" secret");
        values.any(spelled) || self.values("authorization").iter().any(bearer)
    }

    fn accept(&self) -> String {
        let guid = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        STANDARD.encode(Sha1::digest([self.values("sec-websocket-key")[0], guid].concat()))
    }

    /// Everything that an admitted upgrade must have.
    fn is_admissible(&self, role: Role) {
        let [method, _, version] = self.start[..] else { panic!("no request line") };
        assert_eq!((method, version), (&b"GET"[..], &b"HTTP/1.1"[..]));
        assert!(self.names("upgrade", "websocket") && self.names("connection", "upgrade"));
        assert_eq!(self.values("sec-websocket-version"), [b"13"]);
        assert_eq!(self.values("host").len(), 1, "not one host");
        assert!(self.values("transfer-encoding").is_empty() && self.values("content-length").iter().all(|n| n == b"0"));
        let [key] = self.values("sec-websocket-key")[..] else { panic!("not one key") };
        assert_eq!(STANDARD.decode(key).map(|nonce| nonce.len()), Ok(16));
        let origin = match self.values("origin")[..] {
            [] => None,
            [origin] => Some(origin.to_ascii_lowercase()),
            _ => panic!("two origins"),
        };
        match (role, self.path().0) {
            (_, path) if role == Role::Public && path.starts_with(b"/socket.io/1/websocket/") => {
                assert!(origin.is_none_or(|origin| origin == b"https://good.example" || is_port_443(&origin)));
            }
            (Role::Own(_), _) | (_, b"/ws") => {
                let good = |origin: &[u8]| origin == b"https://good.example" || is_port_443(origin);
                assert!(origin.is_none_or(|origin| good(&origin)), "another origin");
            }
            (_, b"/") => {}
            (_, b"/locked") => assert!(self.shows_the_secret(), "no token"),
            _ => panic!("another path"),
        }
    }

    /// Nothing in it is odd, so that there is no reason to refuse it.
    fn is_impeccable(&self) -> bool {
        let once = |name: &str| self.values(name).len() == 1;
        let [method, target, version] = self.start[..] else { return false };
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" -.=+/:,".contains(byte);
        let plain_headers = self.headers.iter().all(|(name, value)| {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            once(name) && !name.is_empty() && name.bytes().all(is_name) && value.iter().all(plain)
        });
        let odd = ["content-length", "transfer-encoding", "expect", "origin"];
        let key = self.values("sec-websocket-key").first().and_then(|key| STANDARD.decode(key).ok());
        method == b"GET"
            && (target == b"/" || target == b"/ws" || target == b"/locked?token=secret")
            && version == b"HTTP/1.1"
            && plain_headers
            && self.headers.len() <= 20
            && once("host")
            && self.names("upgrade", "websocket")
            && self.names("connection", "upgrade")
            && self.values("sec-websocket-version") == [b"13"]
            && key.is_some_and(|nonce| nonce.len() == 16)
            && !odd.iter().any(|name| self.headers.iter().any(|(of, _)| of == name))
    }
}

/// RFC 9110 section 5.5: what may stand around a value.
fn blanks_off(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// `https://good.example:443`, however many zeros stand before the number.
fn is_port_443(origin: &[u8]) -> bool {
    let port = origin.strip_prefix(b"https://good.example:").unwrap_or_default();
    port.trim_ascii_start().iter().skip_while(|digit| **digit == b'0').eq(b"443")
}

/// Sends every text back.
struct Echo;

static SPEC: Spec = Spec { name: "echo", serves: "fuzzing", endpoints: &[], keys: &[], messages: &[] };

impl Dialect for Echo {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        Profile {
            realm: Realm(0),
            lang: Lang(0),
            peer_to_peer: true,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        }
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(Echo)
    }
}

impl Session for Echo {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        if let Frame::Text(text) = frame {
            ctx.out.text(|out| out.extend_from_slice(text.as_bytes()));
        }
    }

    fn on_event(&mut self, _event: Event, _ctx: &mut Ctx<'_>) {}

    fn deadline(&self) -> Option<Moment> {
        None
    }

    fn on_deadline(&mut self, _ctx: &mut Ctx<'_>) {}
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "upgrade", super::target);
    }
}
