//! What antmedia's settings do to the server: ports of its own, pages, limits of the machine, ICE servers.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::http::{self, Response};
use common::process::{Folder, Server};
use common::wire::{Address, Wire};
use common::world::SocketWorld;
use patchbay_dialect_kit::testing::{Script, run};

/// A loaded machine may take its time; nothing passes by waiting longer.
const PATIENCE: Duration = Duration::from_secs(10);

const PATH: &str = "/LiveApp/websocket";

fn says(server: &Server, address: Address, lines: &str) {
    let script = Script::parse("antmedia", &format!("# a test\n{lines}")).unwrap_or_else(|failure| panic!("{failure}"));
    let mut world = SocketWorld::new(address, PATH, PATIENCE);
    run(&script, &mut world).unwrap_or_else(|failure| panic!("{failure}\n{}", server.log()));
}

/// The whole answer to a GET, with its headers.
fn get(address: &Address, path: &str) -> Response {
    let mut wire = Wire::connect(address).expect("the server accepts");
    let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", address.host());
    wire.write(head.as_bytes()).expect("the server reads");
    http::read_head(&mut wire).unwrap_or_else(|why| panic!("GET {path}: {why}"))
}

#[test]
fn a_port_of_its_own_has_its_paths_and_no_others() {
    let server = Server::start(&[("PATCHBAY_DIALECT__ANTMEDIA__LISTEN", "127.0.0.1:0,127.0.0.1:0")]);
    let named = server.ready("antmedia").as_array().expect("a list").len();
    assert_eq!(named, 2);
    let own = server.own("antmedia");
    let lines = "+a path=//websocket\n+b path=/live/websocket?target=edge\n+c path=/sid => 404\n+d path=/ws => 404\n\
        +e path=/ => 404\n>a {\"command\":\"ping\"}\n<a {\"command\":\"pong\"}";
    says(&server, own.clone(), lines);
    assert_eq!(get(&own, "/").status, 404, "the web app is on the common listeners");
    assert_eq!(get(&own, "/healthz").status, 200);
    // One world behind all its listeners.
    let publishes = ">a {\"command\":\"publish\",\"streamId\":\"s\"}";
    let (mut first, second) = (SocketWorld::new(server.address(), PATH, PATIENCE), own);
    let script = format!("# a test\n+a\n{publishes}\n<a {{\"command\":\"start\",\"streamId\":\"s\"}}");
    run(&Script::parse("first", &script).expect("a script"), &mut first).unwrap_or_else(|failure| panic!("{failure}"));
    let taken = "<a {\"command\":\"error\",\"definition\":\"streamIdInUse\",\"streamId\":\"s\"}";
    says(&server, second, &format!("+a\n{publishes}\n{taken}"));
    drop(first);
}

#[test]
fn a_machine_without_memory_takes_no_publisher_in() {
    let server = Server::start(&[("PATCHBAY_LIMITS__MIN_AVAILABLE_MB", "1000000000")]);
    let error = |stream: &str| {
        format!("<a {{\"command\":\"error\",\"definition\":\"highResourceUsage\",\"streamId\":\"{stream}\"}}")
    };
    let lines = format!(
        "+a\n>a {{\"command\":\"publish\",\"streamId\":\"s\"}}\n{}\n>a {{\"command\":\"play\",\"streamId\":\"t\"}}\n{}",
        error("s"),
        error("t")
    );
    says(&server, server.address(), &lines);
    assert!(server.log().contains("the machine has enough to do"), "{}", server.log());
}

#[test]
fn codecs_ice_servers_and_the_timeout_are_settings() {
    let server = Server::start(&[
        ("PATCHBAY_DIALECT__ANTMEDIA__VIDEO_CODECS", ""),
        ("PATCHBAY_DIALECT__ANTMEDIA__PUBLISH_TIMEOUT_MS", "300"),
        ("RTC_CONFIG_JSON", r#"{"iceServers":[{"urls":"turn:turn.example","username":"u","credential":"c"}]}"#),
    ]);
    let began = Instant::now();
    let lines = "+a\n>a {\"command\":\"publish\",\"streamId\":\"s\"}\n\
        <a {\"command\":\"error\",\"definition\":\"no_codec_enabled_in_the_server\",\"streamId\":\"s\"}\n\
        >a {\"command\":\"getIceServerConfig\"}\n\
        <a {\"command\":\"iceServerConfig\",\"stunServerUri\":\"turn:turn.example\",\"turnServerUsername\":\"u\",\
        \"turnServerCredential\":\"c\"}\n\
        >a {\"command\":\"publish\",\"streamId\":\"s\",\"video\":false}\n<a {\"command\":\"start\",\"streamId\":\"s\"}\n\
        <a {\"command\":\"error\",\"definition\":\"publishTimeoutError\",\"streamId\":\"s\"}";
    says(&server, server.address(), lines);
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(!server.log().contains("turn.example"), "{}", server.log());
}

#[test]
fn pages_are_served_below_every_application_as_they_are() {
    let folder = Folder::new();
    fs::create_dir(folder.path().join("js")).expect("writable");
    for (path, text) in [("index.html", "<h1>index</h1>"), ("player.html", "player"), ("js/adaptor.js", "export {}")] {
        fs::write(folder.path().join(path), text).expect("writable");
    }
    let pages = folder.path().to_str().expect("text");
    let server = Server::start(&[
        ("PATCHBAY_DIALECT__ANTMEDIA__PAGES_DIR", pages),
        ("PATCHBAY_DIALECT__ANTMEDIA__LISTEN", "127.0.0.1:0"),
    ]);
    for address in [server.address(), server.own("antmedia")] {
        for (path, status, media_type) in [
            ("/LiveApp/", 200, Some("text/html; charset=utf-8")),
            ("/WebRTCAppEE/player.html?id=s", 200, Some("text/html; charset=utf-8")),
            ("/StreamApp/js/adaptor.js", 200, Some("text/javascript; charset=utf-8")),
            ("/LiveApp", 301, None),
            ("/LiveApp/js", 301, None),
            ("/LiveApp/js/", 404, Some("text/plain; charset=utf-8")),
            ("/LiveApp/streams/s_adaptive.m3u8", 404, Some("text/plain; charset=utf-8")),
            ("/LiveApp/%2e%2e/secret", 404, Some("text/plain; charset=utf-8")),
            ("/Other/player.html", 404, Some("text/plain; charset=utf-8")),
        ] {
            let answer = get(&address, path);
            assert_eq!((answer.status, answer.header("content-type")), (status, media_type), "{path}");
            if status == 200 {
                for ours in ["content-security-policy", "x-content-type-options", "x-frame-options", "cache-control"] {
                    assert_eq!(answer.header(ours), None, "{path}");
                }
            }
        }
        let tag = get(&address, "/LiveApp/index.html").header("etag").expect("a tag").to_owned();
        let again = [("If-None-Match", tag.as_str())];
        let again = http::exchange(&address, "GET", "/live/index.html", &again, b"").expect("an answer");
        assert_eq!((again.status, again.rest.len()), (304, 0));
        assert_eq!(get(&address, "/LiveApp/js").header("location"), Some("js/"));
        assert_eq!(http::get(&address, "/LiveApp/index.html").body, "<h1>index</h1>");
        let head = http::request(&address, "POST", "/LiveApp/index.html").expect("an answer");
        assert_eq!(head.status, 405);
        // The dialect's own paths are not the folder's.
        let answer = get(&address, PATH);
        assert_eq!((answer.status, answer.header("upgrade")), (426, Some("websocket")));
        says(&server, address, "+a\n>a {\"command\":\"ping\"}\n<a {\"command\":\"pong\"}");
    }
    // An application with pages of its own, from one moment to the next.
    fs::create_dir(folder.path().join("live")).expect("writable");
    fs::write(folder.path().join("live/index.html"), "own").expect("writable");
    for (path, text) in [("/live/", "own"), ("/LiveApp/", "<h1>index</h1>")] {
        assert_eq!(http::get(&server.address(), path).body, text, "{path}");
    }
    assert_eq!(get(&server.address(), "/live/player.html").status, 404);
}
