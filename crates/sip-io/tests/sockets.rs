//! The agent at real sockets on loopback, with peers written by hand.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use patchbay_sip_io::*;
use support::*;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

const ASKS: &str = "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"abc\", algorithm=SHA-256, qop=\"auth,auth-int\"\r\n\
    WWW-Authenticate: Digest realm=\"example.com\", nonce=\"abc\", qop=\"auth,auth-int\"\r\n";

#[tokio::test]
async fn datagrams_register_and_take_it_back() {
    let mut peer = Peer::new().await;
    let agent = agent(proxy(&format!("{};transport=udp", peer.address()))).await;
    let mut line = agent.register(account("alice")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    let register = peer.receive().await;
    assert!(register.starts_with("REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:"), "{register}");
    let contact = value(&register, "Contact").to_owned();
    assert!(contact.contains(&format!("@{}", peer.last.expect("somebody"))), "{contact}");
    peer.send(&answer(&register, "401 Unauthorized", ASKS)).await;
    let register = peer.receive().await;
    assert!(value(&register, "Authorization").contains("username=\"alice\""), "{register}");
    peer.send(&answer(&register, "200 OK", &format!("Contact: {contact};expires=300\r\n"))).await;
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registering");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registered");
    assert_eq!(agent.counts().lines, 1);
    drop(line);
    let register = peer.receive().await;
    assert_eq!(value(&register, "Expires"), "0");
    assert_eq!(value(&register, "Contact"), contact);
}

/// More accounts than the queue has places: each has its turn, in a runtime whose only thread the agent shares with them.
#[tokio::test]
async fn accounts_that_come_at_once_wait_for_their_turn() {
    let peer = Peer::new().await;
    let limits = Limits { queue: 2, ..Limits::default() };
    let agent = Arc::new(agent(Settings { limits, ..proxy(&format!("{};transport=udp", peer.address())) }).await);
    let full = (0..9).map(|number| agent.register(account(&format!("early{number}")))).find_map(Result::err);
    assert_eq!(full, Some(Refused::Busy), "without waiting");
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let agent = Arc::clone(&agent);
            tokio::spawn(async move {
                let line = agent.register_in_turn(account(&format!("user{number}"))).await?;
                line.order_in_turn(LineOrder::Start).await.map(|()| line)
            })
        })
        .collect();
    for task in tasks {
        let mut line = timeout(SOON, task).await.expect("in time").expect("it runs").expect("a line");
        assert_eq!(format!("{:?}", line_news(&mut line).await), "Registering");
    }
    agent.stop().await;
    assert_eq!(agent.register_in_turn(account("late")).await.err(), Some(Refused::Gone));
}

/// The next message of a stream; empty: it has ended.
async fn read(stream: &mut (impl AsyncRead + Unpin), rest: &mut Vec<u8>) -> String {
    let mut chunk = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(rest).into_owned();
        if let Some(end) = text.find("\r\n\r\n").filter(|end| *end > 0) {
            let length: usize = value(&text, "Content-Length").parse().unwrap_or(0);
            let all = end + 4 + length;
            if rest.len() >= all {
                return String::from_utf8(rest.drain(..all).collect()).expect("text");
            }
        }
        match timeout(SOON, stream.read(&mut chunk)).await.expect("something comes") {
            Ok(length @ 1..) => rest.extend_from_slice(&chunk[..length]),
            _ => return String::new(),
        }
    }
}

async fn serve_registration(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let mut rest = Vec::new();
    let register = read(stream, &mut rest).await;
    stream.write_all(answer(&register, "401 Unauthorized", ASKS).as_bytes()).await.expect("written");
    let register = read(stream, &mut rest).await;
    assert!(value(&register, "Authorization").contains("response="), "{register}");
    // In two pieces, as networks do.
    let ok = answer(&register, "200 OK", "Expires: 300\r\n");
    let (one, two) = ok.split_at(20);
    stream.write_all(one.as_bytes()).await.expect("written");
    stream.flush().await.expect("flushed");
    tokio::task::yield_now().await;
    stream.write_all(two.as_bytes()).await.expect("written");
    stream.flush().await.expect("flushed");
}

#[tokio::test]
async fn a_stream_that_ends_is_made_good() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let agent = agent(proxy(&format!("{address};transport=tcp"))).await;
    let mut line = agent.register(account("alice")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    let (mut stream, from) = listener.accept().await.expect("a connection");
    serve_registration(&mut stream).await;
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registering");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registered");
    assert_eq!(agent.counts().connections, 1);
    // What is asked back along it is answered along it.
    stream.write_all(b"\r\n\r\nOPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\nFrom: <sip:a@d>;tag=1\r\nTo: <sip:b@d>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n").await.expect("written");
    let mut pong = [0; 2];
    stream.read_exact(&mut pong).await.expect("an answer to the ping");
    assert_eq!(&pong, b"\r\n");
    assert!(read(&mut stream, &mut Vec::new()).await.starts_with("SIP/2.0 200 OK"));
    drop(stream);
    let (mut stream, again) = listener.accept().await.expect("another connection");
    assert_ne!(from, again);
    let register = read(&mut stream, &mut Vec::new()).await;
    assert!(value(&register, "Contact").contains(&format!("@{again};transport=tcp")), "{register}");
    stream.write_all(answer(&register, "200 OK", "").as_bytes()).await.expect("written");
    assert!(timeout(Duration::from_millis(200), line.next()).await.is_err(), "nothing is told of it");
}

#[tokio::test]
async fn nobody_listens() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a listener").local_addr().expect("an address");
    let agent = agent(proxy(&format!("{free};transport=tcp"))).await;
    let mut line = agent.register(account("alice")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registering");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Failed(503 Service Unavailable)");
    let mut dialog = agent.invite(call("alice", "sip:bob@example.com")).expect("a call");
    assert_eq!(until(&mut dialog, "Ended").await, ["Ended(503 Service Unavailable, Network)"]);
    assert!(dialog.next().await.is_none());
}

#[tokio::test]
async fn a_name_without_an_address() {
    // A server that answers everything with "no such name".
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let nameservers = vec![server.local_addr().expect("an address")];
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = server.recv_from(&mut buffer).await {
            let mut answer = buffer[..length].to_vec();
            (answer[2], answer[3]) = (0x81, 0x83);
            _ = server.send_to(&answer, from).await;
        }
    });
    let agent = agent(Settings { nameservers, ..Settings::default() }).await;
    let mut dialog = agent.invite(call("alice", "sip:bob@nowhere.example")).expect("a call");
    let DialogNews::Unresolved(text) = news(&mut dialog).await else { panic!("something else") };
    assert_eq!(text, "DNS lookup error: no address for nowhere.example");
}

/// Records of a hand-written name server, as bytes behind the question.
#[tokio::test]
async fn records_lead_to_a_registrar() {
    let mut peer = Peer::new().await;
    let port = peer.socket.local_addr().expect("an address").port();
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let nameservers = vec![server.local_addr().expect("an address")];
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = server.recv_from(&mut buffer).await {
            let question = &buffer[..length - 11];
            let kind = question[question.len() - 3];
            let data: Vec<u8> = match (kind, question[13..].starts_with(b"_sip")) {
                // NAPTR: order, preference, flags, service, no expression, _sip._udp.example.com
                (35, _) => {
                    [&[0, 1, 0, 1, 1, b's', 7][..], b"SIP+D2U", &[0, 4], b"_sip", &[4], b"_udp", &[0xc0, 12]].concat()
                }
                // SRV: priority, weight, port, host.example.com
                (33, true) => {
                    [&[0, 1, 0, 0][..], &port.to_be_bytes(), &[4], b"host", &[7], b"example", &[3], b"com", &[0]]
                        .concat()
                }
                (1, _) => vec![127, 0, 0, 1],
                _ => vec![],
            };
            let mut answer = question.to_vec();
            (answer[2], answer[3], answer[7], answer[11]) = (0x81, 0x80, u8::from(!data.is_empty()), 0);
            if !data.is_empty() {
                answer.extend_from_slice(&[0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0]);
                answer.push(u8::try_from(data.len()).expect("short"));
                answer.extend_from_slice(&data);
            }
            _ = server.send_to(&answer, from).await;
        }
    });
    let agent = agent(Settings { nameservers, ..Settings::default() }).await;
    let line = agent.register(account("alice")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    let register = peer.receive().await;
    assert!(register.starts_with("REGISTER sip:example.com "), "{register}");
    assert!(!register.contains("\r\nRoute:"), "{register}");
}

struct Certificate {
    chain: Vec<u8>,
    key: Vec<u8>,
}

fn certificate() -> Certificate {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
    Certificate { chain: made.cert.pem().into_bytes(), key: made.signing_key.serialize_pem().into_bytes() }
}

fn acceptor(certificate: &Certificate) -> TlsAcceptor {
    use rustls::pki_types::pem::PemObject;
    let chain = vec![rustls::pki_types::CertificateDer::from_pem_slice(&certificate.chain).expect("a certificate")];
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&certificate.key).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn tls_believes_whom_it_should() {
    let (known, unknown) = (certificate(), certificate());
    for (roots, shown, works) in [
        (Roots::Pem(known.chain.clone()), &known, true),
        (Roots::Pem(known.chain.clone()), &unknown, false),
        (Roots::System, &known, false),
        (Roots::Anybody, &unknown, true),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let acceptor = acceptor(shown);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            if let Ok(mut stream) = acceptor.accept(stream).await {
                serve_registration(&mut stream).await;
                _ = stream.read(&mut [0; 1]).await;
            }
        });
        let tls = Tls { roots, identity: None };
        let agent = agent(Settings { tls, ..proxy(&format!("{address};transport=tls")) }).await;
        let mut line = agent.register(account("alice")).expect("a line");
        line.order(LineOrder::Start).expect("taken");
        assert_eq!(format!("{:?}", line_news(&mut line).await), "Registering");
        let news = format!("{:?}", line_news(&mut line).await);
        assert_eq!(news, if works { "Registered" } else { "Failed(503 Service Unavailable)" });
    }
}

fn options(number: usize, transport: &str) -> String {
    format!(
        "OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} 127.0.0.1;branch=z9hG4bKp{number};rport\r\n\
         From: <sip:a@d>;tag=1\r\nTo: <sip:b@d>\r\nCall-ID: p{number}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

async fn listening(limits: Limits) -> (Agent, Vec<SocketAddr>) {
    let certificate = certificate();
    let tls = Tls { roots: Roots::System, identity: Some((certificate.chain, certificate.key)) };
    let listen = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0", "tls:127.0.0.1:0"];
    let listen = listen.map(|text| Listen::parse(text).expect("a listener")).to_vec();
    let domains = vec!["rooms.example".to_owned()];
    let agent = agent(Settings { listen, tls, limits, domains, ..Settings::default() }).await;
    let bound = agent.bound().iter().map(|listen| listen.address).collect();
    (agent, bound)
}

/// Bytes that are no message, or half of one, at each kind of socket: what is asked behind them is answered.
#[tokio::test]
async fn garbage_at_each_socket() {
    let (agent, bound) = listening(Limits::default()).await;
    let garbage: [&[u8]; 9] = [
        b"",
        b"\0\0\0\0",
        b"\r\n\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nContent-Length: 18446744073709551615\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nContent-Length: 70000\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP\r\n\r\n",
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKnobody\r\nCSeq: 1 INVITE\r\n\r\n",
        &[b'x'; 60_000],
    ];
    let peer = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    for (number, bytes) in garbage.iter().enumerate() {
        peer.send_to(bytes, bound[0]).await.expect("sent");
        peer.send_to(options(number, "UDP").as_bytes(), bound[0]).await.expect("sent");
        let mut buffer = [0; 2_048];
        let (length, _) = timeout(SOON, peer.recv_from(&mut buffer)).await.expect("an answer").expect("readable");
        let text = String::from_utf8_lossy(&buffer[..length]);
        assert!(text.starts_with("SIP/2.0 200 OK"), "{number}: {text}");
        // In a stream it costs the connection, and nobody else's.
        let mut stream = TcpStream::connect(bound[1]).await.expect("a connection");
        _ = stream.write_all(bytes).await;
        let mut other = TcpStream::connect(bound[1]).await.expect("a connection");
        other.write_all(options(number + 100, "TCP").as_bytes()).await.expect("sent");
        assert!(read(&mut other, &mut Vec::new()).await.starts_with("SIP/2.0 200 OK"), "{number}");
    }
    let mut stream = TcpStream::connect(bound[1]).await.expect("a connection");
    stream.write_all(garbage[3]).await.expect("sent");
    assert_eq!(read(&mut stream, &mut Vec::new()).await, "", "it is closed");
    assert!(agent.counts().unreadable > 0);
}

#[tokio::test]
async fn strangers_come_by_tls() {
    let (_agent, bound) = listening(Limits::default()).await;
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let stream = TcpStream::connect(bound[2]).await.expect("a connection");
    let name = rustls::pki_types::ServerName::try_from("127.0.0.1").expect("a name");
    let refused = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("UnknownIssuer")), "it shows its certificate");
}

#[tokio::test]
async fn more_connections_than_the_bound_are_closed() {
    let (agent, bound) = listening(Limits { connections: 2, ..Limits::default() }).await;
    let mut kept = Vec::new();
    for number in 0..2 {
        let mut stream = TcpStream::connect(bound[1]).await.expect("a connection");
        stream.write_all(options(number, "TCP").as_bytes()).await.expect("sent");
        assert!(read(&mut stream, &mut Vec::new()).await.starts_with("SIP/2.0 200 OK"));
        kept.push(stream);
    }
    let mut third = TcpStream::connect(bound[1]).await.expect("taken by the kernel");
    _ = third.write_all(options(3, "TCP").as_bytes()).await;
    assert_eq!(read(&mut third, &mut Vec::new()).await, "");
    assert_eq!((agent.counts().connections, agent.counts().dropped), (2, 1));
}

/// Far more than can be answered: memory stays bounded, and afterwards it answers as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_passes() {
    let limits = Limits { transactions: 500, dialogs: 50, queue: 64, ..Limits::default() };
    let (agent, bound) = listening(limits).await;
    let _door = agent.door().expect("the door");
    let peer = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    for number in 0..5_000 {
        let invite = format!(
            "INVITE sip:x@rooms.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKf{number};rport\r\n\
             From: <sip:a@d>;tag=1\r\nTo: <sip:b@d>\r\nCall-ID: f{number}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1>\r\n\r\n"
        );
        _ = peer.send_to(invite.as_bytes(), bound[0]).await;
        _ = peer.send_to(&[0xff; 500], bound[0]).await;
    }
    let counts = agent.counts();
    assert!(counts.transactions <= 500 && counts.dialogs <= 50, "{counts:?}");
    // A stranger is only served once there is room for transactions; a fault is answered without one.
    let mut buffer = [0; 2_048];
    while timeout(Duration::from_millis(500), peer.recv_from(&mut buffer)).await.is_ok() {}
    peer.send_to(options(9_999, "UDP").replace("sip:x@127", "isbn:x@127").as_bytes(), bound[0]).await.expect("sent");
    let found = timeout(SOON, async {
        loop {
            let (length, _) = peer.recv_from(&mut buffer).await.expect("readable");
            if String::from_utf8_lossy(&buffer[..length]).starts_with("SIP/2.0 416") {
                return;
            }
        }
    });
    found.await.expect("it answers");
}

fn message(token: &str, peer: &Peer, number: usize) -> String {
    format!(
        "MESSAGE sip:{token}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKm{number};rport\r\nFrom: <sip:a@d>;tag=1\r\n\
         To: <sip:b@d>\r\nCall-ID: m{number}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
        peer.address()
    )
}

#[tokio::test]
async fn an_owner_that_does_not_listen_loses_its_line_but_to_no_stranger() {
    let mut peer = Peer::new().await;
    let limits = Limits { news: 4, ..Limits::default() };
    let agent = agent(Settings { limits, ..proxy(&format!("{};transport=udp", peer.address())) }).await;
    let mut line = agent.register(account("alice")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    let register = peer.receive().await;
    let token = token(&register);
    peer.send(&answer(&register, "200 OK", "")).await;
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registering");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registered");
    for (number, expected) in ["200 OK", "200 OK", "480 Temporarily Unavailable"].iter().enumerate() {
        peer.send(&message(&token, &peer, number)).await;
        let response = peer.receive().await;
        assert!(response.starts_with(&format!("SIP/2.0 {expected}")), "{number}: {response}");
    }
    assert_eq!(agent.counts().deaf, 0);
    // What it asks for itself still has room, and then no more.
    let mut last = String::new();
    let served = timeout(SOON, async {
        while value(&last, "Expires") != "0" {
            // An order in the middle of a registration would only begin it anew.
            match timeout(Duration::from_millis(50), peer.receive()).await {
                Ok(register) => {
                    peer.send(&answer(&register, "200 OK", "")).await;
                    last = register;
                }
                Err(_) => line.order(LineOrder::Start).expect("taken"),
            }
        }
    });
    served.await.expect("its binding is taken back");
    assert_eq!(agent.counts().deaf, 1);
    let mut news = Vec::new();
    while let Some(one) = timeout(SOON, line.next()).await.expect("in time") {
        news.push(format!("{one:?}"));
    }
    assert_eq!(news, ["Text(text/plain)", "Text(text/plain)", "Registering", "Registered"]);
}

#[tokio::test]
async fn the_end_waits_for_the_registrar() {
    let mut peer = Peer::new().await;
    let agent = agent(proxy(&format!("{};transport=udp", peer.address()))).await;
    let line = agent.register(account("alice")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    let register = peer.receive().await;
    peer.send(&answer(&register, "200 OK", "")).await;
    let stop = tokio::spawn(async move { agent.stop().await });
    let register = peer.receive().await;
    assert_eq!(value(&register, "Expires"), "0");
    assert!(!stop.is_finished());
    peer.send(&answer(&register, "200 OK", "")).await;
    timeout(Duration::from_millis(1_500), stop).await.expect("at once").expect("no panic");
    assert_eq!(line.order(LineOrder::Start), Err(Refused::Gone));
}

#[tokio::test]
async fn who_has_stopped_gives_its_ports_back() {
    for drops in [true, false] {
        let (agent, bound) = listening(Limits::default()).await;
        if !drops {
            agent.stop().await;
        }
        drop(agent);
        let free = timeout(SOON, async {
            while UdpSocket::bind(bound[0]).await.is_err() || TcpListener::bind(bound[1]).await.is_err() {
                tokio::task::yield_now().await;
            }
        });
        free.await.expect("they are free");
    }
}

#[tokio::test]
async fn at_the_bound_nobody_registers() {
    let agent =
        agent(Settings { limits: Limits { registrations: 1, dialogs: 0, ..Limits::default() }, ..Settings::default() })
            .await;
    let line = agent.register(account("alice")).expect("a line");
    assert_eq!(agent.register(account("bob")).err(), Some(Refused::Full));
    assert_eq!(agent.invite(call("alice", "sip:b@127.0.0.1")).err(), Some(Refused::Full));
    drop(line);
    // Again and again: who is dropped at once must not be forgotten.
    for _ in 0..100 {
        let room = timeout(SOON, async {
            while agent.register(account("bob")).is_err() {
                tokio::task::yield_now().await;
            }
        });
        room.await.expect("room is made");
    }
}
