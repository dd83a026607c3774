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

/// A small web server in this process: what it was sent, each with its head, answered with 200.
fn web_server() -> (u16, std::sync::mpsc::Receiver<(String, String)>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (tell, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut bytes, mut piece) = (Vec::new(), [0; 4_096]);
            while let Ok(length @ 1..) = stream.read(&mut piece) {
                bytes.extend_from_slice(&piece[..length]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if length.and_then(|length| length.parse().ok()).is_some_and(|length: usize| body.len() >= length) {
                    let _answered = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                    let _heard = tell.send((head.to_owned(), body.to_owned()));
                    break;
                }
            }
        }
    });
    (port, heard)
}

#[test]
fn an_application_asks_for_what_is_set_and_others_for_nothing() {
    use patchbay_dialect_antmedia::records::Purpose;
    use patchbay_dialect_antmedia::security::{Secret, jwt};
    let folder = Folder::new();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("writable");
        path.display().to_string()
    };
    let key = "0123456789abcdef0123456789abcdef";
    let (jwt_key, signs) = (file("jwt", &format!("{key}\n")), file("hook", key));
    let (port, heard) = web_server();
    let apps = format!(
        "[{{name = \"LiveApp\", publish_jwt_control_enabled = true, jwt_key_file = \"{jwt_key}\", \
        listener_hook_url = \"http://127.0.0.1:{port}/told\"}}, {{name = \"live\", publish_token_control_enabled = true}}]"
    );
    let server = Server::start(&[
        ("PATCHBAY_DIALECT__ANTMEDIA__APP", apps.as_str()),
        ("PATCHBAY_DIALECT__ANTMEDIA__PUBLISH_TIMEOUT_MS", "300"),
        ("PATCHBAY_DIALECT__ANTMEDIA__HOOK_ALLOW", "127.0.0.1"),
        ("PATCHBAY_DIALECT__ANTMEDIA__HOOK_SECRET_FILE", signs.as_str()),
        ("PATCHBAY_DIALECT__WHIP__TOKEN_FILE", jwt_key.as_str()),
    ]);
    let claims = jwt::Claims { stream: "s".into(), purpose: Purpose::Publish, expires: 9_999_999_999, begins: None };
    let token = jwt::make(&claims, &Secret::new(key.as_bytes()));
    let publish = |token: &str| format!(">a {{\"command\":\"publish\",\"streamId\":\"s\",\"token\":\"{token}\"}}\n");
    let error = |what: &str| format!("<a {{\"command\":\"error\",\"definition\":\"{what}\",\"streamId\":\"s\"}}\n");
    let start = "<a {\"command\":\"start\",\"streamId\":\"s\"}\n";
    let lines = [
        "+a\n",
        &publish("no"),
        &error("unauthorized_access"),
        &publish(&token),
        start,
        &error("publishTimeoutError"),
        "+a path=/StreamApp/websocket\n",
        &publish("no"),
        start,
        &error("publishTimeoutError"),
    ];
    says(&server, server.address(), &lines.concat());
    let (head, body) = heard.recv_timeout(PATIENCE).expect("it is told");
    assert!(head.starts_with("POST /told HTTP/1.1"), "{head}");
    assert!(head.contains("x-patchbay-signature: t="), "{head}");
    let news: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        (&news["action"], &news["id"], &news["app"]),
        (&"publishTimeoutError".into(), &"s".into(), &"LiveApp".into())
    );
    assert!(!server.log().contains(&token), "tokens are not logged");

    // A token that REST has made opens once.
    let made = http::get(&server.address(), "/live/rest/v2/broadcasts/s/token?expireDate=9999999999&type=publish").body;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap_or_else(|_| panic!("{made}"));
    let token = made["tokenId"].as_str().expect("an id");
    let lines = [
        "+a path=/live/websocket\n",
        &publish("no"),
        &error("unauthorized_access"),
        &publish(token),
        start,
        &error("publishTimeoutError"),
        &publish(token),
        &error("unauthorized_access"),
    ];
    says(&server, server.address(), &lines.concat());
}

#[test]
fn an_application_that_could_let_nobody_in_does_not_start() {
    let folder = Folder::new();
    let short = folder.path().join("short");
    fs::write(&short, "hunter2\n").expect("writable");
    let short = short.display().to_string();
    for (app, part) in [
        ("play_jwt_control_enabled = true", "there is no jwt_key_file"),
        ("paly_jwt_control_enabled = true", "the nearest known key is play_jwt_control_enabled"),
        (&format!("play_jwt_control_enabled = true, jwt_key_file = \"{short}\""), "32 are the least"),
    ] {
        let apps = format!("[{{name = \"live\", {app}}}]");
        let settings = [
            ("PATCHBAY_DIALECT__ANTMEDIA__APP", apps.as_str()),
            ("PATCHBAY_DIALECT__WHIP__TOKEN_FILE", short.as_str()),
        ];
        let failed = format!("{:?}", Server::try_start(&settings).err().expect("it does not start"));
        assert!(failed.contains(part) && !failed.contains("hunter2"), "{failed}");
    }
}
