//! The REST interface of antmedia over real sockets: what is made outlives a kill, what is live is shown, and what is no
//! request of the interface is refused.

mod common;

use std::time::{Duration, Instant};

use common::http::{self, Response};
use common::process::{Folder, Server};
use common::wire::Address;
use common::world::SocketWorld;
use patchbay_dialect_kit::testing::{Script, run};
use serde_json::{Value, json};

const BASE: &str = "/live/rest/v2";
const PATIENCE: Duration = Duration::from_secs(10);

fn asks(address: &Address, method: &str, path: &str, body: &str) -> Response {
    let json: &[(&str, &str)] = if body.is_empty() { &[] } else { &[("Content-Type", "application/json")] };
    http::exchange(address, method, &format!("{BASE}{path}"), json, body.as_bytes())
        .unwrap_or_else(|why| panic!("{method} {path}: {why}"))
}

/// The object of a good answer.
fn gets(address: &Address, method: &str, path: &str, body: &str) -> Value {
    let answer = asks(address, method, path, body);
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body());
    assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {path}");
    serde_json::from_str(&answer.body()).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
}

/// Whether it was done.
fn does(address: &Address, method: &str, path: &str, body: &str) -> bool {
    let result = gets(address, method, path, body);
    assert!(
        result["errorId"].is_i64() && result.get("message").is_some() && result.get("dataId").is_some(),
        "{result}"
    );
    result["success"].as_bool().expect("success")
}

#[test]
fn broadcasts_are_made_changed_found_and_forgotten() {
    let server = Server::start(&[]);
    let at = &server.address();
    let drawn = gets(at, "POST", "/broadcasts/create", "");
    let id = drawn["streamId"].as_str().expect("an id").to_owned();
    assert!(id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    assert_eq!(
        (&drawn["status"], &drawn["type"], &drawn["zombi"]),
        (&json!("created"), &json!("liveStream"), &json!(false))
    );
    let body = r#"{"streamId":"cam1","name":"A Camera","plannedStartDate":7,"webRTCViewerLimit":3,"status":"broadcasting","unknown":{}}"#;
    let cam = gets(at, "POST", "/broadcasts/create", body);
    assert_eq!(
        (&cam["name"], &cam["plannedStartDate"], &cam["webRTCViewerLimit"]),
        (&json!("A Camera"), &json!(7), &json!(3))
    );
    assert_eq!(cam["status"], "created", "that is the server's own");
    assert_eq!(asks(at, "POST", "/broadcasts/create", r#"{"streamId":"cam1"}"#).status, 400, "it is taken");
    assert_eq!(gets(at, "GET", "/broadcasts/cam1", ""), cam);
    assert!(does(at, "PUT", "/broadcasts/cam1", r#"{"description":"of the door","streamId":"other"}"#));
    let changed = gets(at, "GET", "/broadcasts/cam1", "");
    assert_eq!((&changed["description"], &changed["name"]), (&json!("of the door"), &json!("A Camera")));
    assert!(!does(at, "PUT", "/broadcasts/nope", "{}"));
    assert_eq!(gets(at, "GET", "/broadcasts/count", "")["number"], 2);
    assert_eq!(gets(at, "GET", "/broadcasts/count/camera", "")["number"], 1);
    let names = |path: &str| {
        let list = gets(at, "GET", path, "");
        list.as_array()
            .expect("a list")
            .iter()
            .map(|one| one["streamId"].as_str().expect("an id").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("/broadcasts/list/0/10"), [id.clone(), "cam1".to_owned()]);
    assert_eq!(names("/broadcasts/list/1/1"), ["cam1"]);
    assert_eq!(names("/broadcasts/list/0/10?search=CAMERA&type_by=&sort_by="), ["cam1"]);
    assert_eq!(names("/broadcasts/list/0/10?sort_by=name&order_by=desc"), ["cam1".to_owned(), id.clone()]);
    assert!(names("/broadcasts/list/0/10?type_by=VoD").is_empty() && names("/broadcasts/list/9/9").is_empty());
    assert!(does(at, "DELETE", "/broadcasts/cam1", "") && !does(at, "DELETE", "/broadcasts/cam1", ""));
    let gone = asks(at, "GET", "/broadcasts/cam1", "");
    assert_eq!((gone.status, gone.body().as_str()), (404, ""));
    // Another application's are its own.
    let other = http::exchange(at, "GET", "/LiveApp/rest/v2/broadcasts/count", &[], b"").expect("an answer");
    assert_eq!(other.body(), r#"{"number":0}"#);
}

#[test]
fn what_was_made_outlives_a_kill_and_what_was_used_stays_used() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let settings = [("PATCHBAY_DATA_DIR", data.to_str().expect("text"))];
    let server = Server::start(&settings);
    let at = server.address();
    assert_eq!(gets(&at, "GET", "/broadcasts/count", "")["number"], 0);
    assert!(!data.exists(), "nothing has been stored");
    for number in 0..20 {
        gets(&at, "POST", "/broadcasts/create", &format!("{{\"streamId\":\"s{number}\"}}"));
    }
    let token = |kind: &str| {
        let path = format!("/broadcasts/s1/token?expireDate=99999999999&type={kind}");
        gets(&at, "GET", &path, "")["tokenId"].as_str().expect("an id").to_owned()
    };
    let (used, kept) = (token("play"), token("publish"));
    let asked = |token: &str, stream: &str, kind: &str| {
        json!({ "tokenId": token, "streamId": stream, "type": kind }).to_string()
    };
    assert!(!does(&at, "POST", "/broadcasts/validate-token", &asked(&used, "s2", "play")), "it is another stream's");
    assert!(!does(&at, "POST", "/broadcasts/validate-token", &asked(&used, "s1", "publish")), "it is for playing");
    assert!(does(&at, "POST", "/broadcasts/validate-token", &asked(&used, "s1", "play")));
    assert!(does(
        &at,
        "POST",
        "/broadcasts/s1/subscribers",
        r#"{"subscriberId":"alice@example.com","b32Secret":"GEZDGNBV"}"#
    ));
    // SIGKILL.
    drop(server);
    let server = Server::start(&settings);
    let at = server.address();
    assert_eq!(gets(&at, "GET", "/broadcasts/count", "")["number"], 20);
    assert!(!does(&at, "POST", "/broadcasts/validate-token", &asked(&used, "s1", "play")), "it has been used");
    let tokens = gets(&at, "GET", "/broadcasts/s1/tokens/list/0/10", "");
    assert_eq!(tokens.as_array().map(Vec::len), Some(1));
    assert_eq!(tokens[0]["tokenId"], kept);
    let subscribers = gets(&at, "GET", "/broadcasts/s1/subscribers/list/0/10", "");
    assert_eq!(subscribers[0]["subscriberId"], "alice@example.com");
    assert!(subscribers[0].get("b32Secret").is_none(), "secrets are not shown");
    assert!(does(&at, "DELETE", "/broadcasts/s1/tokens", ""));
    assert_eq!(gets(&at, "GET", "/broadcasts/s1/tokens/list/0/10", ""), json!([]));
    // The second server of a machine cannot have the same file.
    let second = Server::start(&settings);
    let refused = asks(&second.address(), "GET", "/broadcasts/count", "");
    assert_eq!(refused.status, 503);
    assert!(refused.body().contains("data_store_not_available"), "{}", refused.body());
    let until = Instant::now() + PATIENCE;
    while !second.log().contains("another process has it open") {
        assert!(Instant::now() < until, "{}", second.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn subscribers_and_tracks_are_kept() {
    let server = Server::start(&[]);
    let at = &server.address();
    for id in ["main", "sub"] {
        gets(at, "POST", "/broadcasts/create", &format!("{{\"streamId\":\"{id}\"}}"));
    }
    assert!(
        does(at, "POST", "/broadcasts/main/subtrack?id=sub", "")
            && !does(at, "POST", "/broadcasts/main/subtrack?id=no", "")
    );
    assert_eq!(gets(at, "GET", "/broadcasts/main", "")["subTrackStreamIds"], json!(["sub"]));
    assert_eq!(gets(at, "GET", "/broadcasts/sub", "")["mainTrackStreamId"], "main");
    assert_eq!(gets(at, "GET", "/broadcasts/main/subtracks/0/10", "")[0]["streamId"], "sub");
    assert!(does(at, "DELETE", "/broadcasts/main/subtrack?id=sub", ""));
    assert_eq!(gets(at, "GET", "/broadcasts/main/subtracks/0/10", ""), json!([]));
    let add = |body: &str| asks(at, "POST", "/broadcasts/main/subscribers", body).status;
    assert_eq!(add(r#"{"subscriberId":"abcd","type":"publish"}"#), 200);
    for wrong in [
        r#"{"subscriberId":"abc"}"#,
        r#"{"subscriberId":"a/bcd"}"#,
        r#"{"subscriberId":"abcde","b32Secret":"1"}"#,
        "{}",
    ] {
        assert_eq!(add(wrong), 400, "{wrong}");
    }
    assert!(does(at, "PUT", "/broadcasts/main/subscribers/abcd/block/60/play", ""));
    let shown = gets(at, "GET", "/broadcasts/main/subscribers/list/0/10", "");
    assert_eq!((&shown[0]["type"], &shown[0]["blockedType"]), (&json!("publish"), &json!("play")));
    assert!(shown[0]["blockedUntilUnitTimeStampMs"].as_u64().is_some_and(|until| until > 1_700_000_000_000));
    assert!(does(at, "PUT", "/broadcasts/main/subscribers/abcd/block/0/play", ""));
    assert_eq!(gets(at, "GET", "/broadcasts/main/subscribers/list/0/10", "")[0]["blockedType"], Value::Null);
    assert!(!does(at, "PUT", "/broadcasts/main/subscribers/nobody/block/0/play", ""));
    assert!(
        does(at, "DELETE", "/broadcasts/main/subscribers/abcd", "")
            && !does(at, "DELETE", "/broadcasts/main/subscribers/abcd", "")
    );
    for number in 0..600 {
        let body = format!("{{\"subscriberId\":\"many{number}\"}}");
        assert_eq!(asks(at, "POST", "/broadcasts/sub/subscribers", &body).status, 200);
    }
    assert!(does(at, "DELETE", "/broadcasts/sub/subscribers", ""), "more than one job takes");
    assert_eq!(gets(at, "GET", "/broadcasts/sub/subscribers/list/0/10", ""), json!([]));
}

#[test]
fn rooms_of_2022_are_broadcasts() {
    let server = Server::start(&[]);
    let at = &server.address();
    let room = gets(at, "POST", "/broadcasts/conference-rooms", r#"{"roomId":"r","startDate":5}"#);
    assert_eq!((&room["roomId"], &room["startDate"], &room["mode"]), (&json!("r"), &json!(5), &json!("legacy")));
    assert!(room["endDate"].as_i64().is_some_and(|end| end > 1_700_000_000), "an hour from now");
    assert_eq!(asks(at, "POST", "/broadcasts/conference-rooms", r#"{"roomId":"r"}"#).status, 400);
    assert!(does(at, "PUT", "/broadcasts/conference-rooms/r/add?streamId=s", ""));
    assert_eq!(gets(at, "GET", "/broadcasts/conference-rooms/r", "")["roomStreamList"], json!(["s"]));
    assert_eq!(gets(at, "GET", "/broadcasts/conference-rooms/r/room-info", "")["streamDetailsMap"], json!({"s": ""}));
    assert_eq!(
        gets(at, "GET", "/broadcasts/conference-rooms/r/room-info?streamId=s", "")["streamDetailsMap"],
        json!({})
    );
    assert!(does(at, "PUT", "/broadcasts/conference-rooms/r/delete?streamId=s", ""));
    assert_eq!(gets(at, "PUT", "/broadcasts/conference-rooms/r", r#"{"endDate":9}"#)["endDate"], 9);
    assert_eq!(gets(at, "GET", "/broadcasts/conference-rooms/list/0/10", "")[0]["roomId"], "r");
    assert_eq!(gets(at, "GET", "/broadcasts/r", "")["streamId"], "r");
    gets(at, "POST", "/broadcasts/create", r#"{"streamId":"plain"}"#);
    assert_eq!(asks(at, "GET", "/broadcasts/conference-rooms/plain", "").status, 404, "it is no room");
    assert!(!does(at, "DELETE", "/broadcasts/conference-rooms/plain", ""));
    assert!(does(at, "DELETE", "/broadcasts/conference-rooms/r", ""));
    assert_eq!(asks(at, "GET", "/broadcasts/conference-rooms/r", "").status, 404);
}

#[test]
fn what_is_published_is_shown_and_ended() {
    let server = Server::start(&[]);
    let at = &server.address();
    let mut world = SocketWorld::new(server.address(), "/live/websocket", PATIENCE);
    let says = |world: &mut SocketWorld, lines: &str| {
        let script = Script::parse("rest", &format!("# a test\n{lines}")).unwrap_or_else(|failure| panic!("{failure}"));
        run(&script, world).unwrap_or_else(|failure| panic!("{failure}"));
    };
    says(
        &mut world,
        "+a\n>a {\"command\":\"publish\",\"streamId\":\"s\",\"mainTrack\":\"room\",\"streamName\":\"Ann\"}\n<a {\"command\":\"start\",\"streamId\":\"s\"}",
    );
    let shown = gets(at, "GET", "/broadcasts/s", "");
    assert_eq!(
        (&shown["status"], &shown["zombi"], &shown["mainTrackStreamId"]),
        (&json!("preparing"), &json!(true), &json!("room"))
    );
    assert!(shown["startTime"].as_u64().is_some_and(|at| at > 1_700_000_000_000), "{shown}");
    assert_eq!(gets(at, "GET", "/broadcasts/active-live-stream-count", "")["number"], 0, "nothing flows yet");
    assert_eq!(gets(at, "GET", "/broadcasts/s/stream-info", ""), json!([]));
    gets(at, "POST", "/broadcasts/create", r#"{"streamId":"before"}"#);
    let list = gets(at, "GET", "/broadcasts/list/0/10", "");
    let names: Vec<_> = list.as_array().expect("a list").iter().map(|one| one["streamId"].clone()).collect();
    assert_eq!(names, ["before", "room", "s"], "those that nobody made stand behind");
    assert_eq!(gets(at, "GET", "/broadcasts/list/1/1", "")[0]["streamId"], "room");
    assert_eq!(gets(at, "GET", "/broadcasts/list/2/1", "")[0]["streamId"], "s");
    assert_eq!(gets(at, "GET", "/broadcasts/count", "")["number"], 3);
    assert_eq!(asks(at, "POST", "/broadcasts/create", r#"{"streamId":"s"}"#).status, 400, "it is in use");
    let statistics = gets(at, "GET", "/broadcasts/s/broadcast-statistics", "");
    assert_eq!(statistics["totalWebRTCWatchersCount"], 0);
    assert_eq!(gets(at, "GET", "/broadcasts/s/webrtc-client-stats/0/10", ""), json!([]));
    assert!(!does(at, "POST", "/broadcasts/nobody/data", "hello"));
    assert!(does(at, "POST", "/broadcasts/s/data", "hello"));
    assert!(does(at, "POST", "/broadcasts/s/stop", "") && !does(at, "POST", "/broadcasts/s/stop", ""));
    assert_eq!(asks(at, "GET", "/broadcasts/s", "").status, 404);
    // The publisher has been told, and may begin again.
    says(
        &mut world,
        "+b\n>b {\"command\":\"publish\",\"streamId\":\"s\"}\n<b {\"command\":\"start\",\"streamId\":\"s\"}",
    );
    assert!(does(at, "DELETE", "/broadcasts/s", ""), "which ends it as well");
    assert_eq!(asks(at, "GET", "/broadcasts/s", "").status, 404);
}

#[test]
fn who_may_ask_is_asked_where_from() {
    let server = Server::start(&[]);
    let at = &server.address();
    let with = |headers: &[(&str, &str)]| {
        http::exchange(at, "GET", &format!("{BASE}/version"), headers, b"").expect("an answer")
    };
    assert_eq!(with(&[]).status, 200);
    for header in ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"] {
        assert_eq!(with(&[(header, "127.0.0.1")]).status, 403, "{header}: it could be anybody's");
    }
    let shared = with(&[("Origin", "https://example.com")]);
    assert_eq!((shared.status, shared.header("access-control-allow-origin")), (200, Some("*")));
    let headers = [("Origin", "https://example.com"), ("Access-Control-Request-Method", "PUT")];
    let asked = http::exchange(at, "OPTIONS", &format!("{BASE}/broadcasts/x"), &headers, b"").expect("an answer");
    let methods = asked.header("access-control-allow-methods").unwrap_or_default();
    assert!(
        asked.status == 204 && ["PUT", "DELETE", "HEAD"].iter().all(|method| methods.contains(method)),
        "{methods}"
    );
    let closed = Server::start(&[("PATCHBAY_DIALECT__ANTMEDIA__REST_ALLOWED", "192.0.2.0/24")]);
    let refused = asks(&closed.address(), "GET", "/version", "");
    assert_eq!((refused.status, refused.body().contains("rest_allowed")), (403, true));
    let proxied = Server::start(&[
        ("PATCHBAY_HTTP__TRUSTED_PROXIES", "127.0.0.1"),
        ("PATCHBAY_DIALECT__ANTMEDIA__REST_ALLOWED", "192.0.2.0/24"),
    ]);
    for (client, status) in [("192.0.2.7", 200), ("198.51.100.7", 403), ("192.0.2.7, 198.51.100.7", 403)] {
        let answer =
            http::exchange(&proxied.address(), "GET", &format!("{BASE}/version"), &[("X-Forwarded-For", client)], b"");
        assert_eq!(answer.expect("an answer").status, status, "{client}");
    }
}

/// A server with this section of the application `live`, and a file of a secret.
fn secured(folder: &Folder, section: &str) -> Server {
    std::fs::write(folder.path().join("key"), format!("{KEY}\n")).expect("writable");
    let path = folder.path().join("patchbay.toml");
    let key = folder.path().join("key");
    let section = section.replace("KEY", key.to_str().expect("text"));
    std::fs::write(&path, format!("[[dialect.antmedia.app]]\nname = \"live\"\n{section}\n")).expect("writable");
    let arguments = ["--config", path.to_str().expect("text")];
    Server::try_start_with(&arguments, &[]).unwrap_or_else(|failed| panic!("{failed:?}"))
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Signed with that key: python3 -c 'import jwt; print(jwt.encode({"sub": "operator"}, KEY, "HS256"))', and with another.
const GOOD: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJvcGVyYXRvciJ9.6a2214YFwHp2ZDasKO4xjeaEbJr9aCKRBsIywir3Uvs";
const BAD: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJvcGVyYXRvciJ9.Xw4ePSNwfEb2yUD1EE48xTMnuqrl5odk9Z55qZahKDE";

#[test]
fn an_application_can_ask_for_signed_tokens() {
    let folder = Folder::new();
    let server = secured(&folder, "rest_jwt_key_file = \"KEY\"");
    let asks = |app: &str, header: &str| {
        let headers = [("Authorization", header)];
        let headers = if header.is_empty() { &[][..] } else { &headers[..] };
        http::exchange(&server.address(), "GET", &format!("/{app}/rest/v2/version"), headers, b"")
            .expect("an answer")
            .status
    };
    for (header, status) in [
        (String::new(), 403),
        ("Bearer".to_owned(), 403),
        ("Bearer x".to_owned(), 403),
        (GOOD.to_owned(), 200),
        (format!("Bearer {GOOD}"), 200),
        (format!("bearer {GOOD}"), 200),
        (format!("Bearer {BAD}"), 403),
        (format!("Basic {GOOD}"), 403),
    ] {
        assert_eq!(asks("live", &header), status, "{header}");
    }
    assert_eq!(asks("LiveApp", ""), 200, "another application asks for none");
    let asked = http::exchange(&server.address(), "OPTIONS", &format!("{BASE}/version"), &[], b"").expect("an answer");
    assert_eq!(asked.status, 204, "browsers ask before they show anything");
    assert!(!server.log().contains("eyJ"), "{}", server.log());
}

#[test]
fn signed_tokens_and_codes_are_made_of_the_applications_secrets() {
    let folder = Folder::new();
    let server = secured(&folder, "jwt_key_file = \"KEY\"\ntotp_secret_file_play = \"KEY\"");
    let at = &server.address();
    let token = gets(at, "GET", "/broadcasts/s/jwt-token?expireDate=99999999999&type=publish", "");
    let id = token["tokenId"].as_str().expect("a token");
    assert_eq!((id.split('.').count(), &token["streamId"], &token["type"]), (3, &json!("s"), &json!("publish")));
    let code = |path: &str| gets(at, "GET", path, "")["dataId"].as_str().map(ToOwned::to_owned);
    let six = |code: Option<String>| {
        code.is_some_and(|code| code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()))
    };
    assert!(six(code("/broadcasts/s/subscribers/alice/totp?type=play")), "of the application's secret");
    assert_eq!(code("/broadcasts/s/subscribers/alice/totp?type=publish"), None, "there is none for publishers");
    assert!(does(at, "POST", "/broadcasts/s/subscribers", r#"{"subscriberId":"alice","b32Secret":"GEZDGNBV"}"#));
    assert!(six(code("/broadcasts/s/subscribers/alice/totp?type=publish")), "of her own");
    let without = Server::start(&[]);
    let refused = asks(&without.address(), "GET", "/broadcasts/s/jwt-token?expireDate=9&type=publish", "");
    assert_eq!((refused.status, refused.body().contains("jwt_key_file")), (400, true));
}

#[test]
fn without_a_folder_there_is_no_store() {
    let server = Server::start(&[("PATCHBAY_DATA_DIR", "")]);
    let refused = asks(&server.address(), "POST", "/broadcasts/create", "");
    assert_eq!((refused.status, refused.body().contains("data_store_not_available")), (503, true));
    assert_eq!(gets(&server.address(), "GET", "/broadcasts/active-live-stream-count", "")["number"], 0);
}

#[test]
fn attacks_are_refused_with_a_reason() {
    let server = Server::start(&[]);
    let at = &server.address();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = "a".repeat(257);
    let large = format!("{{\"description\":\"{}\"}}", "x".repeat(70_000));
    let many = "{\"a\":1,".repeat(2_000);
    for (method, path, body, status) in [
        ("GET", "/broadcasts/a%20b", "", 400),
        ("GET", "/broadcasts/%C3%BC", "", 400),
        ("GET", "/broadcasts/..", "", 404),
        ("GET", "/broadcasts/%2e%2e", "", 404),
        ("GET", "/broadcasts/%2e%2e%2fx", "", 400),
        ("GET", "/broadcasts/a%2fb", "", 400),
        ("GET", "/broadcasts/a%00b", "", 404),
        ("GET", "/broadcasts/%ff", "", 404),
        ("GET", "/broadcasts/%zz", "", 404),
        ("GET", "/broadcasts//count", "", 404),
        ("GET", &format!("/broadcasts/{long}"), "", 400),
        ("GET", "/broadcasts/list/-1/10", "", 400),
        ("GET", "/broadcasts/list/0/x", "", 400),
        ("GET", "/broadcasts/list/0/99999999999999999999", "", 400),
        ("GET", "/broadcasts/list/4294967295/4294967295", "", 200),
        ("GET", "/broadcasts/list/0/10?sort_by=secret", "", 400),
        ("GET", "/broadcasts/list/0/10?search=%zz", "", 400),
        ("GET", "/broadcasts/s/token?type=play", "", 400),
        ("GET", "/broadcasts/s/token?type=admin&expireDate=1", "", 400),
        ("GET", "/broadcasts/s/token?type=play&expireDate=1e9", "", 400),
        ("GET", "/broadcasts/s/token?type=play&expireDate=1&roomId=a/b", "", 400),
        ("POST", "/broadcasts/create", "{", 400),
        ("POST", "/broadcasts/create", "[]", 400),
        ("POST", "/broadcasts/create", "\"s\"", 400),
        ("POST", "/broadcasts/create", &deep, 400),
        ("POST", "/broadcasts/create", &many, 400),
        ("POST", "/broadcasts/create", &large, 400),
        ("POST", "/broadcasts/create", r#"{"streamId":"../../etc/passwd"}"#, 400),
        ("POST", "/broadcasts/create", r#"{"streamId":7}"#, 400),
        ("POST", "/broadcasts/create", r#"{"webRTCViewerLimit":"7"}"#, 400),
        ("POST", "/broadcasts/create", r#"{"webRTCViewerLimit":99999999999}"#, 400),
        ("POST", "/broadcasts/create", r#"{"listenerHookURL":"file:///etc/passwd"}"#, 400),
        ("POST", "/broadcasts/create", r#"{"mainTrackStreamId":"a/b"}"#, 400),
        ("POST", "/broadcasts/conference-rooms", r#"{"roomStreamList":["a/b"]}"#, 400),
        ("POST", "/broadcasts/validate-token", "{}", 400),
        ("PUT", "/broadcasts/s/subscribers/abcd/block/-1/play", "", 400),
        ("PUT", "/broadcasts/s/subscribers/abcd/block/1/all", "", 400),
        ("PATCH", "/broadcasts/s", "", 405),
        ("TRACE", "/broadcasts/s", "", 405),
        ("get", "/broadcasts/s", "", 405),
        ("DELETE", "/broadcasts/create", "", 405),
        ("GET", "/broadcasts", "", 404),
        ("GET", "/", "", 404),
        ("GET", "/nothing", "", 404),
    ] {
        let answer = asks(at, method, path, body);
        let shown: String = path.chars().take(60).collect();
        assert_eq!(answer.status, status, "{method} {shown}: {}", answer.body());
        if status != 200 && method != "HEAD" {
            let result: Value =
                serde_json::from_str(&answer.body()).unwrap_or_else(|error| panic!("{method} {shown}: {error}"));
            let why = result["message"].as_str().expect("a message");
            assert!(!why.is_empty() && why.len() < 300 && result["success"] == false, "{method} {shown}: {result}");
        }
        assert_eq!(answer.all("allow").len(), usize::from(status == 405), "{method} {shown}");
    }
    let typed =
        http::exchange(at, "POST", &format!("{BASE}/broadcasts/create"), &[("Content-Type", "text/plain")], b"{}");
    assert_eq!(typed.expect("an answer").status, 415, "pages of elsewhere cannot send it unasked");
    let huge = vec![b' '; 3 << 20];
    let headers = [("Content-Type", "application/json")];
    if let Ok(answer) = http::exchange(at, "POST", &format!("{BASE}/broadcasts/create"), &headers, &huge) {
        assert_eq!(answer.status, 413);
    }
    assert_eq!(gets(at, "GET", "/broadcasts/count", "")["number"], 0, "nothing of it was kept");
    assert!(!server.log().contains("passwd"), "{}", server.log());
}
