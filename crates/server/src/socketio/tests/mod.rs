//! The transport from a client's side, with a session that only repeats what it hears.

mod first;
mod polled;
mod socket;

use std::net::SocketAddr;
use std::sync::Arc;

use patchbay_core::{Event, Lang, Moment, Profile, Realm};
use patchbay_dialect_kit::{Arrival, CloseCause, Ctx, Dialect, Frame, Session, Spec, Subprotocol};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::config::{ListenAddr, OriginPolicy};
use crate::door::{Door, Place};
use crate::listener::{Listener, Role};
use crate::probe;
use crate::shell::Shell;
use crate::socketio::PATH;

static SPEC: Spec = Spec { name: "parrot", serves: "tests", endpoints: &[], keys: &[], messages: &[] };

/// Says who came, and repeats what it hears.
struct Parrot;

impl Dialect for Parrot {
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
        panic!("the transport tells who comes")
    }

    fn open_by(&self, arrival: &Arrival<'_>) -> Box<dyn Session> {
        let from = arrival.from.map(|from| from.to_string()).unwrap_or_default();
        let hello = format!("3:::{} {from} {}", arrival.id.expect("an id"), arrival.agent.unwrap_or("-"));
        Box::new(Voice { hello, due: None })
    }
}

struct Voice {
    hello: String,
    due: Option<Moment>,
}

impl Session for Voice {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        ctx.out.text(|out| out.extend_from_slice(b"1::"));
        ctx.out.text(|out| out.extend_from_slice(self.hello.as_bytes()));
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        match frame {
            Frame::Text("3:::panic") => panic!("a bug in a session, on purpose"),
            Frame::Text("3:::large") => ctx.out.text(|out| out.resize(200_000, b'x')),
            Frame::Text("3:::abort") => ctx.out.abort(CloseCause::Silent),
            Frame::Text("3:::later") => self.due = Some(ctx.now + std::time::Duration::from_secs(5)),
            Frame::Text("0::") => {
                ctx.out.text(|out| out.extend_from_slice(b"0::"));
                ctx.out.close(1000, CloseCause::Peer);
            }
            Frame::Text(text) => ctx.out.text(|out| out.extend_from_slice(text.as_bytes())),
            _ => {}
        }
    }

    fn on_event(&mut self, _event: Event, _ctx: &mut Ctx<'_>) {}

    fn deadline(&self) -> Option<Moment> {
        self.due
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.due = None;
        ctx.out.text(|out| out.extend_from_slice(b"2::"));
    }
}

fn door(at: Place, origins: &[&str]) -> Door {
    Door {
        at,
        origins: OriginPolicy::new(origins, false),
        tokens: None,
        plain: None,
        subprotocol: Subprotocol::None,
        requests: None,
        once: false,
        callers: None,
        socket_io: true,
        demo: false,
    }
}

/// The shell alone.
fn shell() -> Arc<Shell> {
    probe::shell_of(Arc::new(Parrot), vec![door(Place::Tree(PATH.to_owned()), &["*"])])
}

/// The listener of all, and the dialect's own.
struct House {
    shell: Arc<Shell>,
    public: SocketAddr,
    own: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl House {
    async fn new(origins: &[&str]) -> Self {
        let any: ListenAddr = "127.0.0.1:0".parse().expect("an address");
        let doors = [Place::Tree(PATH.to_owned()), Place::Own(any.clone())].map(|at| door(at, origins));
        let shell = probe::shell_of(Arc::new(Parrot), doors.into());
        let (mut addresses, mut tasks) = (Vec::new(), Vec::new());
        for role in [Role::Public, Role::Own(1)] {
            let listener = Listener::bind(&any, role, "a test").await.expect("a port is free");
            addresses.push(listener.name().parse().expect("an address"));
            tasks.push(tokio::spawn(listener.run(Arc::clone(&shell))));
        }
        Self { shell, public: addresses[0], own: addresses[1], tasks }
    }

    /// What `/metrics` says.
    fn metrics(&self) -> String {
        self.shell.metrics.render(self.shell.switchboard.snapshot(), self.shell.switchboard.seat(), &self.shell.lines)
    }
}

/// A connection, and what of it has been read and not looked at.
struct Client {
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Client {
    async fn new(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("it accepts"), seen: Vec::new() }
    }

    async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("it reads");
    }

    /// One read, of what one segment brought.
    async fn read(&mut self) -> usize {
        let mut buffer = [0; 16_384];
        let length = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.seen.extend_from_slice(&buffer[..length]);
        length
    }

    /// Everything up to and with `end`.
    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.seen.windows(end.len()).position(|part| part == end.as_bytes()) {
                let rest = self.seen.split_off(at + end.len());
                return String::from_utf8(std::mem::replace(&mut self.seen, rest)).expect("text");
            }
            assert_ne!(self.read().await, 0, "{end:?} in {:?}", String::from_utf8_lossy(&self.seen));
        }
    }

    /// What comes until the server hangs up.
    async fn rest(mut self) -> Vec<u8> {
        while self.read().await > 0 {}
        self.seen
    }

    /// The payload of the next frame, which is a whole text message without a mask.
    async fn frame(&mut self) -> String {
        loop {
            let (length, at) = match self.seen[..] {
                [_, 126, high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 4),
                [_, 127, _, _, _, _, a, b, c, d, ..] => (u32::from_be_bytes([a, b, c, d]) as usize, 10),
                [_, short @ ..126, ..] => (usize::from(short), 2),
                _ => (usize::MAX, 0),
            };
            if length != usize::MAX && self.seen.len() >= at + length {
                assert_eq!(self.seen[0], 0x81, "a text message in one frame");
                let rest = self.seen.split_off(at + length);
                let frame = std::mem::replace(&mut self.seen, rest);
                return String::from_utf8(frame[at..].to_vec()).expect("text");
            }
            assert_ne!(self.read().await, 0, "a frame");
        }
    }

    /// Makes a handshake and stays.
    async fn shake(&mut self) -> String {
        self.say(request("GET", "/socket.io/1/?t=1", "")).await;
        let answer = self.until("0\r\n\r\n").await;
        sid_of(&answer)
    }

    /// Makes a handshake, and upgrades on the same connection.
    async fn upgraded(address: SocketAddr) -> (Self, String) {
        let mut client = Self::new(address).await;
        let sid = client.shake().await;
        client.say(request("GET", &format!("/socket.io/1/websocket/{sid}"), UPGRADE)).await;
        let head = client.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        (client, sid)
    }
}

/// What an upgrade says besides.
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn request(method: &str, target: &str, headers: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

/// The id in the answer to a handshake, found as devices find it.
fn sid_of(answer: &str) -> String {
    let behind = &answer[answer.find("chunked").expect("the word")..];
    let line = behind.splitn(4, '\n').nth(3).expect("three line feeds");
    line.split(':').next().expect("a line").to_owned()
}

/// One request on a connection of its own: status, head and body.
async fn ask(address: SocketAddr, request: &str) -> (u16, String, String) {
    let mut client = Client::new(address).await;
    client.say(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").as_bytes()).await;
    let answer = String::from_utf8(client.rest().await).expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:?}"));
    (head[9..12].parse().expect("a status"), head.to_owned(), body.to_owned())
}
