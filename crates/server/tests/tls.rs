//! TLS from outside: versions, the certificate's renewal, clients that are slow, silent or wrong, and the end.

mod common;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::client::{Client, TEXT, encode};
use common::http::{get, read_head};
use common::process::{Folder, Server};
use common::tls::{Pair, Secure, Session};
use common::wire::{Address, Wire};
use patchbay_dialect_kit::testing::{Handshake, Heard};
use rustix::process::Signal;
use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(10);

/// The address of an HTTPS listener, without TLS.
fn bare(address: &Address) -> Address {
    match address {
        Address::Tls(address, _) => Address::Tcp(*address),
        other => other.clone(),
    }
}

fn speaks(client: &mut Client) {
    client.text(r#"{"type":"ping"}"#);
    assert_eq!(client.message()["type"], "pong");
}

#[test]
fn both_versions_of_tls_carry_pages_and_dialects() {
    let secure = Secure::start(&[]);
    let address = secure.address();
    for (version, agreed) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let session = Session::new(&secure.pair.der, &[version]);
        let wire = Wire::connect(&bare(&address)).and_then(|wire| wire.secured(session.clone())).expect("a handshake");
        assert_eq!(session.lock().protocol_version(), Some(agreed));
        assert_eq!(session.lock().alpn_protocol(), Some(&b"http/1.1"[..]));
        let mut client =
            Client::over(wire, &address.host(), "/ws", &Handshake::default()).expect("the upgrade is admitted");
        speaks(&mut client);
    }
    assert!(get(&address, "/").body.to_lowercase().starts_with("<!doctype html>"));
    let answer = get(&address, "/healthz");
    assert_eq!((answer.status, &*answer.body), (200, "ok\n"));
    // The plain listener goes on besides it.
    speaks(&mut Client::new(&secure.server.address()));
}

/// Waits until new connections are given this certificate.
fn presents(secure: &Secure, pair: &Pair) {
    let until = Instant::now() + PATIENCE;
    while let Err(error) = Wire::connect(&secure.address_with(pair)) {
        assert!(Instant::now() < until, "{error}; {}", secure.server.log());
    }
}

#[test]
fn a_new_certificate_is_presented_and_no_connection_is_dropped() {
    let secure = Secure::start(&[]);
    let mut old = Client::new(&secure.address());
    old.join("room", "old");
    let new = Pair::write(secure.folder.path());
    presents(&secure, &new);
    assert!(Wire::connect(&secure.address()).is_err(), "the old certificate is still presented");
    let mut late = Client::new(&secure.address_with(&new));
    late.text(r#"{"type":"join","room":"room","from":"late"}"#);
    assert_eq!(late.message()["type"], "joined");
    assert_eq!(old.message()["members"], json!(["late", "old"]));
    speaks(&mut old);
}

/// As Kubernetes and some ACME clients renew: a link is turned to another folder.
#[test]
fn a_link_that_is_turned_to_other_files_counts_as_a_change() {
    let folder = Folder::new();
    let [first, second] = ["first", "second"].map(|name| {
        let path = folder.path().join(name);
        fs::create_dir(&path).expect("the folder is writable");
        Pair::write(&path)
    });
    let (live, next) = (folder.path().join("live"), folder.path().join("next"));
    symlink("first", &live).expect("the folder is writable");
    let linked = Pair { cert: live.join("cert.pem"), key: live.join("key.pem"), der: first.der };
    let settings = linked.settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let secure = Secure { server: Server::start(&settings), folder, pair: linked };
    speaks(&mut Client::new(&secure.address()));
    symlink("second", &next).expect("the folder is writable");
    fs::rename(&next, &live).expect("a link is replaced in one step");
    presents(&secure, &second);
}

#[test]
fn a_hangup_has_the_files_read_also_if_nothing_seems_to_have_changed() {
    let secure = Secure::start(&[]);
    let stamp = |path: &Path| {
        let metadata = fs::metadata(path).expect("it is there");
        (metadata.ino(), metadata.len(), metadata.modified().expect("a time"))
    };
    let before = [&secure.pair.cert, &secure.pair.key].map(|path| stamp(path));
    // A signature may be a byte longer or shorter.
    let new = loop {
        let new = Pair::write(secure.folder.path());
        if stamp(&new.cert).1 == before[0].1 {
            break new;
        }
    };
    for (path, (_, _, modified)) in [&new.cert, &new.key].into_iter().zip(before) {
        File::options().write(true).open(path).and_then(|file| file.set_modified(modified)).expect("our own file");
    }
    assert_eq!([&new.cert, &new.key].map(|path| stamp(path)), before, "nothing seems to have changed");
    secure.server.signal(Signal::HUP);
    presents(&secure, &new);
}

/// Waits until the log holds a text that often.
fn logs(server: &Server, text: &str, times: usize) {
    let until = Instant::now() + PATIENCE;
    while server.log().matches(text).count() < times {
        assert!(Instant::now() < until, "{text:?} not {times} times in {}", server.log());
        thread::yield_now();
    }
}

#[test]
fn a_broken_pair_leaves_the_old_one_in_use_and_is_logged_once_for_each_change() {
    let secure = Secure::start(&[]);
    let mut old = Client::new(&secure.address());
    let other = Folder::new();
    let stranger = Pair::write(other.path());
    fs::copy(&stranger.key, &secure.pair.key).expect("the folder is writable");
    let mismatch = "the certificate before stays in use: https.key";
    logs(&secure.server, mismatch, 1);
    assert!(secure.server.log().contains("is not the key of https.cert"), "{}", secure.server.log());
    fs::write(&secure.pair.cert, "no certificate").expect("the folder is writable");
    logs(&secure.server, "holds no certificate; write a PEM file", 1);
    // Some more looks at the files, which find nothing new.
    thread::sleep(Duration::from_secs(3));
    assert_eq!(secure.server.log().matches("stays in use").count(), 2, "{}", secure.server.log());
    speaks(&mut Client::new(&secure.address()));
    let new = Pair::write(secure.folder.path());
    presents(&secure, &new);
    speaks(&mut old);
    logs(&secure.server, "certificate read again", 1);
    assert!(!secure.server.log().contains("PRIVATE KEY"), "{}", secure.server.log());
}

#[test]
fn a_broken_pair_at_the_start_stops_it_with_a_reason() {
    let (folder, other) = (Folder::new(), Folder::new());
    let (pair, stranger) = (Pair::write(folder.path()), Pair::write(other.path()));
    let garbage = folder.path().join("garbage.pem");
    fs::write(&garbage, "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n").expect("writable");
    let missing = folder.path().join("missing.pem");
    for (cert, key, says) in [
        (&pair.cert, &stranger.key, "is not the key of https.cert"),
        (&garbage, &pair.key, "https.cert"),
        (&pair.key, &pair.key, "holds no certificate"),
        (&pair.cert, &pair.cert, "holds no private key"),
        (&pair.cert, &missing, "cannot read https.key"),
        (&missing, &pair.key, "cannot read https.cert"),
    ] {
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        let settings = [("PATCHBAY_HTTPS__CERT", text(cert)), ("PATCHBAY_HTTPS__KEY", text(key))];
        let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
        let failed = Server::try_start(&settings).err().expect("it must not start");
        assert_eq!(failed.status.code(), Some(1), "{says}");
        assert!(failed.log.contains(says) && !failed.log.contains("hunter2"), "{says}: {}", failed.log);
    }
}

#[test]
fn a_handshake_is_bounded_in_time_and_the_head_has_its_own() {
    let secure = Secure::start(&[("PATCHBAY_LIMITS__HANDSHAKE_TIMEOUT_MS", "500")]);
    let address = secure.address();
    // Nothing at all, and a record that says that it is long.
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"] {
        let mut wire = Wire::connect(&bare(&address)).expect("the server accepts");
        let begun = Instant::now();
        wire.write(bytes).expect("it reads");
        match wire.read_within(&mut [0; 64], PATIENCE) {
            Ok(0) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            other => panic!("{bytes:?}: {other:?}"),
        }
        let closed = begun.elapsed();
        assert!(closed >= Duration::from_millis(450), "{bytes:?}: closed after {closed:?}");
        assert!(closed < Duration::from_secs(3), "{bytes:?}: closed after {closed:?}");
    }
    // Most of the time for the handshake is over when it begins; the head has all of its own.
    let wire = Wire::connect(&bare(&address)).expect("the server accepts");
    thread::sleep(Duration::from_millis(300));
    let mut wire = wire.secured(Session::new(&secure.pair.der, rustls::DEFAULT_VERSIONS)).expect("a handshake");
    let begun = Instant::now();
    wire.write(b"GET /ws HTTP/1.1\r\n").expect("it reads");
    assert_eq!(read_head(&mut wire).expect("an answer").status, 408);
    assert!(begun.elapsed() >= Duration::from_millis(450), "refused after {:?}", begun.elapsed());
    assert!(matches!(wire.read_within(&mut [0; 64], PATIENCE), Ok(0)), "a farewell");
    let metrics = get(&secure.server.address(), "/metrics").body;
    assert!(metrics.contains("patchbay_connections_refused_total{cause=\"tls\"} 2"), "{metrics}");
}

#[test]
fn what_is_no_tls_gets_a_clean_end() {
    let secure = Secure::start(&[]);
    let address = bare(&secure.address());
    let mut wire = Wire::connect(&address).expect("the server accepts");
    wire.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it reads");
    let answer = read_head(&mut wire).expect("an answer");
    assert_eq!(answer.status, 400);
    let mut body = answer.rest;
    let mut buffer = [0; 256];
    while let length @ 1.. = wire.read_within(&mut buffer, PATIENCE).expect("an end, not a reset") {
        body.extend_from_slice(&buffer[..length]);
    }
    assert_eq!(String::from_utf8_lossy(&body), "This port speaks TLS: write https:// or wss://\n");
    // A record that is none: an alert, "fatal" and "decode_error" or "unexpected_message", and the end.
    let mut wire = Wire::connect(&address).expect("the server accepts");
    wire.write(b"\x16\x03\x01\x00\x04\x63\x00\x00\x00").expect("it reads");
    let length = wire.read_within(&mut buffer, PATIENCE).expect("an alert");
    assert_eq!((length, &buffer[..1], buffer[5]), (7, &b"\x15"[..], 2));
    assert_eq!(wire.read_within(&mut buffer, PATIENCE).expect("an end"), 0);
    speaks(&mut Client::new(&secure.address()));
}

#[test]
fn a_signal_closes_every_tls_connection_with_1001_within_half_a_second() {
    let mut secure = Secure::start(&[]);
    let mut clients: Vec<Client> = (0..20).map(|_| Client::new(&secure.address())).collect();
    clients.iter_mut().enumerate().for_each(|(number, client)| client.join(&format!("room {number}"), "m"));
    let start = Instant::now();
    secure.server.signal(Signal::TERM);
    for client in &mut clients {
        assert_eq!(client.hear(PATIENCE), Some(Heard::Closed(Some(1001))));
    }
    let closed = start.elapsed();
    assert!(secure.server.wait(PATIENCE).expect("it ends").success(), "{}", secure.server.log());
    assert!(closed < Duration::from_millis(500), "the last was closed after {closed:.2?}");
}

/// `b` has joined over a narrow connection, and `a` knows.
fn sender_and_narrow_receiver(address: &Address) -> (Client, Client) {
    let mut sender = Client::new(address);
    sender.join("room", "a");
    let wire = Wire::connect_narrow(address).expect("the server accepts");
    let mut receiver = Client::over(wire, &address.host(), "/ws", &Handshake::default()).expect("it is admitted");
    receiver.join("room", "b");
    assert_eq!(sender.message()["members"], json!(["a", "b"]));
    (sender, receiver)
}

fn candidate(number: usize, bytes: usize) -> String {
    let filling = "f".repeat(bytes);
    format!(r#"{{"type":"candidate","to":"b","candidate":{{"n":{number},"f":"{filling}"}}}}"#)
}

#[test]
fn who_stops_reading_goes_and_who_reads_slowly_stays() {
    let secure = Secure::start(&[]);
    let address = secure.address();
    let (mut sender, _frozen) = sender_and_narrow_receiver(&address);
    let start = Instant::now();
    (0..400).for_each(|number| sender.text(&candidate(number, 20_000)));
    assert_eq!(sender.message()["members"], json!(["a"]));
    assert!(start.elapsed() >= Duration::from_secs(2), "gone after {:.2?}", start.elapsed());
    let metrics = get(&secure.server.address(), "/metrics").body;
    assert!(metrics.contains(r#"closed_total{dialect="mesh",cause="too_slow"} 1"#), "{metrics}");
    drop(sender);

    let (mut sender, mut slow) = sender_and_narrow_receiver(&address);
    thread::scope(|scope| {
        // At the same time: on a machine that is busy, sending alone takes longer than a reader may rest.
        scope.spawn(|| (0..900).for_each(|number| sender.text(&candidate(number, 8_000))));
        // Four seconds at a quarter of a megabyte each, of the seven megabytes that wait; then the rest at once.
        for number in 0..900 {
            assert_eq!(slow.message()["candidate"]["n"], number);
            if number < 130 {
                thread::sleep(Duration::from_millis(30));
            }
        }
    });
    assert_eq!(sender.hear(Duration::ZERO), None, "the sender noticed nothing");
}

/// Its answers fill its socket and the TLS batch, so that the server stops reading; when it reads, all must come.
#[test]
fn who_reads_late_gets_every_answer() {
    let secure = Secure::start(&[]);
    let address = secure.address();
    let wire = Wire::connect_narrow(&address).expect("the server accepts");
    let mut writer = wire.another();
    let mut client = Client::over(wire, &address.host(), "/ws", &Handshake::default()).expect("it is admitted");
    let count = 60_000;
    thread::scope(|scope| {
        scope.spawn(move || {
            let ping = encode(0x80 | TEXT, true, br#"{"type":"ping"}"#);
            (0..count / 100).for_each(|_| writer.write(&ping.repeat(100)).expect("the server goes on reading"));
        });
        // Long enough that everything between the two is full.
        thread::sleep(Duration::from_millis(1_500));
        for number in 0..count {
            let heard = client.hear(PATIENCE);
            assert!(matches!(heard, Some(Heard::Text(_))), "answer {number} of {count}: {heard:?}");
        }
    });
}

#[test]
fn messages_as_large_as_may_be_pass_both_ways_at_once() {
    let secure = Secure::start(&[]);
    let address = secure.address();
    let mut clients = ["a", "b"].map(|id| {
        let mut client = Client::new(&address);
        client.text(&format!(r#"{{"type":"join","room":"room","from":"{id}"}}"#));
        assert_eq!(client.message()["type"], "joined");
        client
    });
    let [a, b] = &mut clients;
    while a.message()["members"] != json!(["a", "b"]) {}
    assert_eq!(b.message()["members"], json!(["a", "b"]));
    thread::scope(|scope| {
        for (client, to) in [(a, "b"), (b, "a")] {
            scope.spawn(move || {
                for number in 0..4 {
                    let (head, tail) = (format!(r#"{{"type":"offer","to":"{to}","sdp":{{"sdp":""#), r#""}}"#);
                    let sdp = number.to_string().repeat((1 << 20) - head.len() - tail.len());
                    client.text(&format!("{head}{sdp}{tail}"));
                    let offer = client.message();
                    assert_eq!((&offer["type"], offer["sdp"]["sdp"] == json!(sdp)), (&json!("offer"), true));
                }
            });
        }
    });
}
