//! WHIP and WHEP over real sockets: media from and to every other client of the application, and every rule of the
//! resource's life (RFC 9725 section 4).

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::common::http::{Response, exchange};
use super::common::process::{Folder, Server};
use super::common::wire::Wire;
use super::peer::{Peer, Sends};
use super::session::{PATIENCE, Session, server};

pub(crate) const SDP: (&str, &str) = ("Content-Type", "application/sdp");
const FRAGMENT: (&str, &str) = ("Content-Type", "application/trickle-ice-sdpfrag");

pub(crate) fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let answer = exchange(&server.address(), method, path, headers, body.as_bytes());
    answer.unwrap_or_else(|why| panic!("{method} {path}: {why}"))
}

/// A publisher or player with its resource.
pub(crate) struct Client {
    pub(crate) peer: Peer,
    resource: String,
    etag: String,
    /// What the server has answered.
    answer: String,
}

impl Client {
    fn post(server: &Server, path: &str, peer: Peer, offer: &str) -> Self {
        let made = ask(server, "POST", path, &[SDP], offer);
        assert_eq!(made.status, 201, "{}", made.body());
        assert_eq!(made.header("content-type"), Some("application/sdp"));
        assert_eq!(made.header("accept-patch"), Some("application/trickle-ice-sdpfrag"));
        let (resource, etag) = (made.header("location"), made.header("etag"));
        let (resource, etag) = (resource.expect("a location").to_owned(), etag.expect("a tag").to_owned());
        assert!(resource.starts_with(&format!("{path}/")), "{resource}");
        peer.accept(&made.body());
        Self { peer, resource, etag, answer: made.body() }
    }

    pub(crate) fn publish(server: &Server, path: &str) -> Self {
        let peer = Peer::new();
        let offer = peer.offer(Sends::BOTH, "s");
        Self::post(server, path, peer, &offer)
    }

    pub(crate) fn play(server: &Server, path: &str) -> Self {
        let peer = Peer::new();
        let offer = peer.offer_to_receive();
        Self::post(server, path, peer, &offer)
    }

    /// Packets and key frames that have come in all.
    fn got(&self) -> (u64, u64) {
        let seen = self.peer.seen();
        seen.streams.values().fold((0, 0), |sum, stream| (sum.0 + stream.packets, sum.1 + stream.keys))
    }

    /// Sound and pictures come, with a key frame since the beginning.
    pub(crate) fn until_flowing(&self) {
        until("media flows", || {
            let seen = self.peer.seen();
            let flows = seen.streams.len() == 2 && seen.streams.values().all(|stream| stream.packets > 5);
            drop(seen);
            flows && self.got().1 > 0
        });
    }

    pub(crate) fn until_going_on(&self) {
        let before = self.got().0;
        until("media goes on", || self.got().0 > before + 20);
    }

    fn patch(&self, server: &Server, condition: &str, body: &str) -> Response {
        ask(server, "PATCH", &self.resource, &[FRAGMENT, ("If-Match", condition)], body)
    }

    pub(crate) fn delete(&self, server: &Server) -> u16 {
        ask(server, "DELETE", &self.resource, &[], "").status
    }
}

pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Published, and live.
pub(crate) fn live(server: &Server, path: &str) -> Client {
    let publisher = Client::publish(server, path);
    let whep = path.replace("/whip/", "/whep/");
    let peer = Peer::new();
    let offer = peer.offer_to_receive();
    until("the stream is live", || ask(server, "POST", &whep, &[SDP], &offer).status == 201);
    publisher
}

/// The value of a line of a description.
fn line<'a>(sdp: &'a str, name: &str) -> &'a str {
    sdp.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name} in {sdp}")).trim()
}

#[test]
fn a_publisher_is_seen_by_players_of_both_dialects_and_a_player_sees_those_of_both() {
    let server = server(&[]);
    // The first application is the one without a name.
    let publisher = live(&server, "/WebRTCAppEE/whip/s");
    let player = Client::play(&server, "/whep/s");
    player.until_flowing();
    // Another one has streams of its own.
    let mut other = Session::new(&server);
    other.send(json!({"command": "play", "streamId": "s"}));
    other.until_refused("no_stream_exist", "s");
    let publisher_there = live(&server, "/LiveApp/whip/s");
    other.plays.insert("s".to_owned(), Peer::new());
    other.play("s", &json!({}));
    other.until_flowing("s", "ARDAMSvs");
    other.publish("t", &json!({}));
    Client::play(&server, "/LiveApp/whep/t").until_flowing();
    assert_eq!(publisher.delete(&server), 200);
    assert_eq!(ask(&server, "DELETE", &player.resource, &[], "").status, 404, "its stream has ended");
    assert_eq!(publisher_there.delete(&server), 200);
    other.until_notified("play_finished", "s");
}

#[test]
fn a_resource_is_changed_and_ended_by_who_knows_it() {
    let server = server(&[]);
    let publisher = live(&server, "/whip/s");
    let player = Client::play(&server, "/whep/s");
    player.until_flowing();
    let candidate = "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n";
    assert_eq!(player.patch(&server, &player.etag, candidate).status, 204);
    assert_eq!(player.patch(&server, "\"other\"", candidate).status, 412);
    let without = ask(&server, "PATCH", &player.resource, &[FRAGMENT], candidate);
    assert_eq!(without.status, 428, "{}", without.body());
    // A player chooses among what there is.
    let layers = format!("{}/layers", player.resource);
    until("the size is known", || {
        let told: Value = serde_json::from_str(&ask(&server, "GET", &layers, &[], "").body()).expect("JSON");
        let media = told["media"].as_object().expect("sections");
        media.values().next().is_some_and(|of| of["active"][0]["encodingId"] == "360")
    });
    assert_eq!(ask(&server, "POST", &layers, &[], r#"{"encodingId":"360"}"#).status, 200);
    // The name of another stream does not lead to it, nor does the other endpoint.
    for wrong in [player.resource.replace("/s/", "/t/"), player.resource.replace("whep", "whip")] {
        assert_eq!(ask(&server, "DELETE", &wrong, &[], "").status, 404, "{wrong}");
    }
    assert_eq!(ask(&server, "GET", &player.resource, &[], "").header("allow"), Some("DELETE, OPTIONS, PATCH"));
    player.until_going_on();
    assert_eq!((player.delete(&server), player.delete(&server)), (200, 404));
    assert_eq!((publisher.delete(&server), publisher.delete(&server)), (200, 404));
    let again = Client::publish(&server, "/whip/s");
    assert_ne!(again.resource, publisher.resource);
}

#[test]
fn a_restart_changes_the_network_and_nothing_else() {
    let server = server(&[]);
    let publisher = live(&server, "/whip/s");
    let player = Client::play(&server, "/whep/s");
    player.until_flowing();
    for client in [&publisher, &player] {
        let offer = client.peer.restart();
        let fragment =
            format!("a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n", line(&offer, "a=ice-ufrag:"), line(&offer, "a=ice-pwd:"));
        let restarted = client.patch(&server, "*", &fragment);
        assert_eq!(restarted.status, 200, "{}", restarted.body());
        let tag = restarted.header("etag").expect("a tag");
        assert_ne!(tag, client.etag);
        assert_eq!(restarted.header("content-type"), Some("application/trickle-ice-sdpfrag"));
        let (ours, told) = (restarted.body(), &client.answer);
        assert_ne!(line(&ours, "a=ice-ufrag:"), line(told, "a=ice-ufrag:"), "ours changes as well");
        assert!(ours.contains("a=candidate:"));
        let answer = told
            .replace(line(told, "a=ice-ufrag:"), line(&ours, "a=ice-ufrag:"))
            .replace(line(told, "a=ice-pwd:"), line(&ours, "a=ice-pwd:"));
        client.peer.accept(&answer);
        assert_eq!(client.patch(&server, &client.etag, "a=end-of-candidates").status, 412, "the old tag is stale");
        assert_eq!(client.patch(&server, tag, "a=end-of-candidates").status, 204);
        player.until_going_on();
    }
}

#[test]
fn a_resource_without_media_is_given_up() {
    let server = server(&[("PATCHBAY_DIALECT__WHIP__START_TIMEOUT_MS", "300")]);
    let peer = Peer::new();
    let offer = peer.offer(Sends::BOTH, "s");
    let made = ask(&server, "POST", "/whip/s", &[SDP], &offer);
    assert_eq!(made.status, 201);
    let resource = made.header("location").expect("a location").to_owned();
    until("it is gone", || {
        ask(&server, "OPTIONS", "/whip/s", &[], "").status == 204 && {
            ask(&server, "DELETE", &resource, &[], "").status == 404 || {
                std::thread::sleep(Duration::from_millis(400));
                false
            }
        }
    });
    // Whose connection stands is not.
    let publisher = live(&server, "/whip/s");
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(publisher.patch(&server, &publisher.etag, "a=end-of-candidates").status, 204);
}

#[test]
fn who_shows_no_token_makes_and_learns_nothing() {
    let folder = Folder::new();
    let file = folder.path().join("tokens");
    fs::write(&file, "# keys\nsecret-one\nsecret-two\n").expect("a file");
    let rtc = r#"{"iceServers":[{"urls":["turn:turn.example"],"username":"u","credential":"c"}]}"#;
    let file = file.to_string_lossy();
    let server = server(&[("PATCHBAY_DIALECT__WHIP__TOKEN_FILE", &*file), ("RTC_CONFIG_JSON", rtc)]);
    let peer = Peer::new();
    let offer = peer.offer(Sends::BOTH, "s");
    for wrong in ["", "Bearer", "Bearer secret", "Bearer secret-one2", "Basic secret-one", "secret-one"] {
        let headers = if wrong.is_empty() { vec![SDP] } else { vec![SDP, ("Authorization", wrong)] };
        let answer = ask(&server, "POST", "/whip/s", &headers, &offer);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{wrong}");
        let told: Value = serde_json::from_str(&answer.body()).expect("a problem");
        assert_eq!(told["status"], 401);
    }
    assert_eq!(ask(&server, "POST", "/whip/s?token=secret-one", &[SDP], &offer).status, 401, "no secrets in URLs");
    let preflight = ask(&server, "OPTIONS", "/whip/s", &[("Origin", "https://x.example")], "");
    assert_eq!((preflight.status, preflight.all("link")), (204, vec![]));
    let authorization = ("Authorization", "bearer secret-two");
    let options = ask(&server, "OPTIONS", "/whip/s", &[authorization], "");
    let link = r#"<turn:turn.example>; rel="ice-server"; username="u"; credential="c"; credential-type="password""#;
    assert_eq!(options.all("link"), [link]);
    let made = ask(&server, "POST", "/whip/s", &[SDP, authorization], &offer);
    assert_eq!((made.status, made.all("link")), (201, vec![link]));
    let resource = made.header("location").expect("a location");
    assert_eq!(ask(&server, "DELETE", resource, &[], "").status, 401, "the resource asks for it, too");
    assert_eq!(ask(&server, "DELETE", resource, &[("Authorization", "Bearer secret-one")], "").status, 200);
}

#[test]
fn pages_of_other_origins_are_admitted_as_configured() {
    let server = server(&[
        ("PATCHBAY_DIALECT__WHIP__ORIGINS", "https://good.example"),
        ("PATCHBAY_DIALECT__WHIP__LOCATION", "url"),
    ]);
    let offer = Peer::new().offer(Sends::BOTH, "s");
    let good = ("Origin", "https://good.example");
    for (method, expected) in [("OPTIONS", 204), ("POST", 201)] {
        let bad = ask(&server, method, "/whip/s", &[SDP, ("Origin", "https://bad.example")], &offer);
        assert_eq!((bad.status, bad.header("access-control-allow-origin")), (403, None));
        let answer = ask(&server, method, "/whip/s", &[SDP, good], &offer);
        assert_eq!(answer.status, expected, "{}", answer.body());
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://good.example"));
        assert_eq!(answer.header("vary"), Some("origin"));
        let readable = answer.header("access-control-expose-headers").expect("told");
        assert!(["location", "etag", "link"].iter().all(|name| readable.contains(name)));
        if method == "POST" {
            let location = answer.header("location").expect("a location");
            assert!(location.starts_with(&format!("http://{}/whip/s/", server.address().host())), "{location}");
        } else {
            assert!(answer.header("access-control-allow-methods").is_some_and(|methods| methods.contains("PATCH")));
            assert!(answer.header("access-control-allow-headers").is_some_and(|names| names.contains("if-match")));
        }
    }
}

#[test]
fn what_is_wrong_is_said_and_the_next_request_is_answered() {
    let server = server(&[("PATCHBAY_LIMITS__MESSAGE_BYTES", "20000")]);
    let offer = Peer::new().offer(Sends::BOTH, "s");
    let large = format!("{offer}{}", "a=x\r\n".repeat(10_000));
    let status = |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        ask(&server, method, path, headers, body).status
    };
    assert_eq!(status("POST", "/whip/s", &[SDP], &large), 413);
    assert_eq!(status("POST", "/whip/s", &[("Content-Type", "text/plain")], &offer), 415);
    assert_eq!(status("POST", "/whip/a%2Fb", &[SDP], &offer), 400);
    assert_eq!(status("POST", "/whip/s", &[SDP], "nonsense"), 400);
    assert_eq!(
        status("POST", "/whip/s", &[SDP], &offer.replace("VP8", "XP8").replace("opus", "xpus").replace("H264", "X")),
        422
    );
    assert_eq!(status("POST", "/whep/s", &[SDP], &offer), 404);
    assert_eq!(status("GET", "/whip/s", &[], ""), 405);
    assert_eq!(status("POST", "/whip", &[SDP], &offer), 405, "a page's path");
    assert_eq!(status("DELETE", "/whip/s/0123456789abcdef0123456789abcdef", &[], ""), 404);
    // On one connection, one after the other; and nothing behind a body of which two parsers could disagree.
    let address = server.address();
    let ask_twice = |framing: &str, body: &str| {
        let mut wire = Wire::connect(&address).expect("it accepts");
        let first = format!(
            "POST /whip/s HTTP/1.1\r\nHost: {}\r\nContent-Type: text/plain\r\n{framing}\r\n{body}",
            address.host()
        );
        let second = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", address.host());
        wire.write(format!("{first}{second}").as_bytes()).expect("it reads");
        let (mut all, mut buffer) = (Vec::new(), [0; 4_096]);
        while let Ok(length @ 1..) = wire.read_within(&mut buffer, PATIENCE) {
            all.extend_from_slice(&buffer[..length]);
        }
        String::from_utf8_lossy(&all).matches("HTTP/1.1 ").count()
    };
    assert_eq!(ask_twice("Content-Length: 5\r\n", "hello"), 2);
    assert_eq!(ask_twice("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), 1);
    assert_eq!(ask_twice("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 1);
    assert_eq!(Client::publish(&server, "/whip/s").delete(&server), 200, "it goes on");
}

#[test]
fn many_that_never_start_take_what_connections_take() {
    let server =
        server(&[("PATCHBAY_LIMITS__CONNECTIONS", "40"), ("PATCHBAY_DIALECT__WHIP__START_TIMEOUT_MS", "2000")]);
    let offer = Peer::new().offer(Sends::BOTH, "s");
    let statuses: Vec<u16> =
        (0..60).map(|number| ask(&server, "POST", &format!("/whip/s{number}"), &[SDP], &offer).status).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        39,
        "{statuses:?}: one is the connection's own"
    );
    assert!(statuses.iter().all(|status| matches!(status, 201 | 503)), "{statuses:?}");
    until("they are given up", || ask(&server, "POST", "/whip/late", &[SDP], &offer).status == 201);
}
