//! Doors, from a client's side of a socket. Each request comes twice: as the first of its connection, where the
//! listener itself answers an upgrade, and behind another one, where hyper does.

use std::io::{Read, Write};

use patchbay_dialect_kit::Subprotocol;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;
use crate::config::OriginPolicy;
use crate::door::{Door, Place, Tokens};
use crate::probe::{shell, text};
use crate::tls::tests::Pair;

const DOTS: &str = "...\n";
/// What follows the request line of an upgrade.
const UPGRADE: &str = "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const PLAIN: &str = "Host: localhost\r\n";

fn door(at: Place) -> Door {
    let origins = OriginPolicy::new(&["*"], false);
    Door {
        at,
        origins,
        tokens: None,
        plain: Some(DOTS),
        subprotocol: Subprotocol::First,
        requests: None,
        once: false,
        callers: None,
        socket_io: false,
        demo: false,
    }
}

/// Listeners of one shell, by role.
struct House {
    public: SocketAddr,
    own: SocketAddr,
    admin: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for House {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Doors at `/probe`, at `/` and on a listener of its own, each changed as `with` says.
async fn house(with: impl Fn(&mut Door)) -> House {
    let any: ListenAddr = "127.0.0.1:0".parse().expect("an address");
    let mut doors = [Place::Path("/probe".to_owned()), Place::Root, Place::Own(any.clone())].map(door);
    doors.iter_mut().for_each(with);
    let shell = shell(doors.into());
    let (mut addresses, mut tasks) = (Vec::new(), Vec::new());
    for role in [Role::Public, Role::Own(2), Role::Admin] {
        let listener = Listener::bind(&any, role, "a test").await.expect("a port is free");
        addresses.push(listener.name().parse().expect("an address"));
        tasks.push(tokio::spawn(listener.run(Arc::clone(&shell))));
    }
    House { public: addresses[0], own: addresses[1], admin: addresses[2], tasks }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
    stream: TcpStream,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// It speaks the dialect.
    async fn echoes(mut self) {
        self.stream.write_all(&text("hello")).await.expect("the connection stands");
        let mut frame = [0; 7];
        self.stream.read_exact(&mut frame).await.expect("an answer");
        assert_eq!(&frame, b"\x81\x05hello");
    }
}

/// Without the body to `HEAD`, which has none, whatever the head says.
async fn read_answer(mut stream: TcpStream, line: &str) -> Answer {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        assert_ne!(stream.read_buf(&mut bytes).await.expect("an answer"), 0, "{:?}", String::from_utf8_lossy(&bytes));
    };
    let body = bytes.split_off(end);
    let head = String::from_utf8(bytes).expect("ASCII");
    let status = head["HTTP/1.1 ".len()..][..3].parse().expect("a status");
    let mut answer = Answer { status, head, body: String::new(), stream };
    let mut body = body;
    let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    while body.len() < length && !line.starts_with("HEAD ") {
        assert_ne!(answer.stream.read_buf(&mut body).await.expect("the body"), 0);
    }
    answer.body = String::from_utf8(body).expect("text");
    answer
}

/// The answers to a request, as the first of its connection and behind another one.
async fn ask(address: SocketAddr, line: &str, headers: &str) -> [Answer; 2] {
    let mut first = TcpStream::connect(address).await.expect("it accepts");
    let request = format!("{line} HTTP/1.1\r\n{headers}\r\n");
    first.write_all(request.as_bytes()).await.expect("it reads");
    let mut second = TcpStream::connect(address).await.expect("it accepts");
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it reads");
    let mut second = read_answer(second, "").await.stream;
    second.write_all(request.as_bytes()).await.expect("it reads");
    [read_answer(first, line).await, read_answer(second, line).await]
}

#[tokio::test]
async fn an_upgrade_comes_in_at_the_path_at_the_root_and_anywhere_on_an_own_listener() {
    let house = house(|_| ()).await;
    for (address, line) in [
        (house.public, "GET /probe"),
        (house.public, "GET /probe?x=1"),
        (house.public, "GET /"),
        (house.public, "GET /?x=1"),
        (house.own, "GET /"),
        (house.own, "GET /some/where?x=1"),
        (house.own, "GET /probe"),
        (house.own, "GET /healthz"),
    ] {
        for answer in ask(address, line, UPGRADE).await {
            assert_eq!(answer.status, 101, "{line}: {}", answer.head);
            answer.echoes().await;
        }
    }
    for (address, line) in [(house.public, "GET /other"), (house.admin, "GET /probe"), (house.admin, "GET /")] {
        for answer in ask(address, line, UPGRADE).await {
            assert_eq!(answer.status, 404, "{line}: {}", answer.head);
        }
    }
}

#[tokio::test]
async fn other_requests_get_the_fixed_answer_and_the_root_keeps_the_web_app() {
    let house = house(|_| ()).await;
    for (address, line) in [
        (house.public, "GET /probe"),
        (house.public, "POST /probe"),
        (house.own, "GET /"),
        (house.own, "POST /any/path?x=1"),
        (house.own, "DELETE /healthz"),
        (house.own, "OPTIONS *"),
        (house.own, "BREW /pot"),
    ] {
        for answer in ask(address, line, PLAIN).await {
            let kind = answer.header("content-type");
            assert_eq!((answer.status, &*answer.body, kind), (200, DOTS, Some("text/plain")), "{line}");
        }
    }
    // `h2c` is an upgrade of HTTP, not of ours.
    for headers in [PLAIN, "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"] {
        for answer in ask(house.public, "GET /", headers).await {
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
        }
    }
    for answer in ask(house.own, "HEAD /", PLAIN).await {
        assert_eq!((answer.status, answer.header("content-length")), (200, Some("4")));
    }
}

#[tokio::test]
async fn without_a_fixed_answer_an_upgrade_is_required() {
    let house = house(|door| door.plain = None).await;
    for (address, line, status) in [
        (house.public, "GET /probe", 426),
        (house.own, "GET /any", 426),
        (house.own, "POST /any", 426),
        (house.public, "GET /", 200),
        (house.public, "POST /", 405),
    ] {
        for answer in ask(address, line, PLAIN).await {
            assert_eq!(answer.status, status, "{line}: {}", answer.head);
        }
    }
    // An upgrade that is none gets its own refusal wherever a door is.
    let broken = UPGRADE.replace("Version: 13", "Version: 12");
    for (address, line) in [(house.public, "GET /probe"), (house.public, "GET /"), (house.own, "GET /any")] {
        for answer in ask(address, line, &broken).await {
            assert_eq!(answer.status, 400, "{line}: {}", answer.head);
        }
    }
}

#[tokio::test]
async fn the_subprotocol_is_sent_back_on_both_routes_if_the_door_says_so() {
    for (subprotocol, expected) in [(Subprotocol::First, Some("one")), (Subprotocol::None, None)] {
        let house = house(|door| door.subprotocol = subprotocol).await;
        let headers = format!("{UPGRADE}Sec-WebSocket-Protocol: one, two\r\n");
        for address in [house.public, house.own] {
            for answer in ask(address, "GET /probe", &headers).await {
                assert_eq!((answer.status, answer.header("sec-websocket-protocol")), (101, expected));
                answer.echoes().await;
            }
        }
    }
}

#[tokio::test]
async fn a_door_with_tokens_admits_who_shows_one() {
    let path = std::env::temp_dir().join(format!("patchbay-door-{}", std::process::id()));
    fs::write(&path, "se/cret\nother\n").expect("a file");
    let tokens = Tokens::read("a test", &path).expect("two tokens");
    fs::remove_file(path).expect("it was there");
    let house = house(|door| door.tokens = Some(tokens.clone())).await;
    for (line, header, status) in [
        ("GET /probe?x=1&token=se%2Fcret", "", 101),
        ("GET /?token=other", "", 101),
        ("GET /probe", "Authorization: Bearer other\r\n", 101),
        ("GET /probe?token=wrong", "Authorization: Bearer other\r\n", 101),
        ("GET /probe", "", 401),
        ("GET /", "", 401),
        ("GET /probe?token=", "", 401),
        ("GET /probe?token=se/cre", "", 401),
        ("GET /probe", "Authorization: Bearer oth\r\n", 401),
        ("GET /probe", "Authorization: Basic other\r\n", 401),
    ] {
        for answer in ask(house.public, line, &format!("{UPGRADE}{header}")).await {
            assert_eq!(answer.status, status, "{line} {header}");
            let challenge = (status == 401).then_some("Bearer");
            assert_eq!(answer.header("www-authenticate"), challenge, "{line} {header}");
        }
    }
    // The lock is on the dialect: what anybody may read stays open.
    for answer in ask(house.public, "GET /probe", PLAIN).await {
        assert_eq!(answer.status, 200);
    }
}

/// The clients of some dialects were written for TLS, others of the same for none, and there is one native port.
#[tokio::test]
async fn a_listener_for_either_tells_tls_by_the_first_byte() {
    let pair = Pair::new("either");
    let shell = shell(vec![door(Place::Own("127.0.0.1:0".parse().expect("an address")))]);
    let any = "127.0.0.1:0".parse().expect("an address");
    let listener = Listener::bind(&any, Role::Own(0), "a test").await.expect("a port is free");
    let address: SocketAddr = listener.name().parse().expect("an address");
    let task = tokio::spawn(listener.secured(Security::Either(pair.load())).run(shell));
    for answer in ask(address, "GET /any", UPGRADE).await {
        assert_eq!(answer.status, 101);
        answer.echoes().await;
    }
    for answer in ask(address, "POST /any", PLAIN).await {
        assert_eq!((answer.status, &*answer.body), (200, DOTS));
    }
    let secured = tokio::task::spawn_blocking(move || {
        let mut client = pair.client(std::net::TcpStream::connect(address).expect("it accepts"));
        client.write_all(format!("GET /any HTTP/1.1\r\n{UPGRADE}\r\n").as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).expect("an answer");
            answer.push(byte[0]);
        }
        client.write_all(&text("hello")).expect("it reads");
        let mut frame = [0; 7];
        client.read_exact(&mut frame).expect("an answer");
        (String::from_utf8(answer).expect("ASCII"), frame)
    });
    let (answer, frame) = secured.await.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    assert_eq!(&frame, b"\x81\x05hello");
    task.abort();
}
