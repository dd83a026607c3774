//! The rendezvous server as it is managed, over sockets: the reference's file, the admin interface, who may use it, and what
//! outlives a kill (ers.md part 5: C13 to C15, T1, T2, T4).

mod common;

use common::device::Device;
use common::http::{self, Response};
use common::process::{Folder, Server};
use common::wire::{Address, Wire};

const NOBODY: &str = r#"6:::1+[null,{"clients":{}}]"#;

fn asks(address: &Address, target: &str, headers: &[(&str, &str)]) -> Response {
    http::exchange(address, "GET", target, headers, b"").unwrap_or_else(|why| panic!("{target}: {why}"))
}

/// The answer to a command, behind its target.
fn command(server: &Server, name: &str, id: &str) -> String {
    let target = format!("/?c={name}&i={id}");
    let answer = asks(&server.own("ers_admin"), &target, &[]);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{target}");
    let head = format!(r#"{{"url":"{target}","status":""#);
    answer.body().strip_prefix(&head).unwrap_or_else(|| panic!("{}", answer.body())).to_owned()
}

fn done(data: &str) -> String {
    format!(r#"SUCCESS","description":"","data":{data}}}"#)
}

const ADMIN: (&str, &str) = ("PATCHBAY_DIALECT__ERS__ADMIN_LISTEN", "127.0.0.1:0");

#[test]
fn rooms_and_tokens_are_managed_while_the_server_runs_and_outlive_a_kill() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let tokens = ("PATCHBAY_DIALECT__ERS__TOKENS_ENABLED", "true");
    let settings = [ADMIN, tokens, ("PATCHBAY_DATA_DIR", data.to_str().expect("text"))];
    let server = Server::start(&settings);
    assert_eq!(command(&server, "version", ""), done(r#"{"version":"2.0.0"}"#));
    let (_one, answer) = Device::joining(&server.address(), "other", r#"{"RMS":true}"#);
    assert_eq!(answer, NOBODY);
    assert_eq!(command(&server, "addRoom", "ok"), done(r#"{"room":"ok"}"#));
    assert_eq!(Device::joining(&server.address(), "other", r#"{"RMS":true}"#).1, r#"6:::1+["invalidRoom"]"#);
    assert_eq!(command(&server, "addEMSToken", "right"), done(r#"{"token":"right"}"#));
    assert_eq!(
        Device::joining(&server.address(), "ok", r#"{"RMS":true,"rmsToken":"wrong"}"#).1,
        r#"6:::1+["invalidRmsToken"]"#
    );
    let (_two, answer) = Device::joining(&server.address(), "ok", r#"{"RMS":true,"rmsToken":"right"}"#);
    assert_eq!(answer, NOBODY);
    let viewer = r#"{"token":"t","streamName":"s"}"#;
    assert_eq!(Device::joining(&server.address(), "ok", viewer).1, r#"6:::1+["invalidToken"]"#);
    assert_eq!(command(&server, "addToken", "t"), done(r#"{"token":"t"}"#));
    let (_player, answer) = Device::joining(&server.address(), "ok", viewer);
    assert!(answer.starts_with(r#"6:::1+[null,{"clients":{""#), "{answer}");
    let rooms = concat!(
        r#"{"rooms":[{"room":"ok","allowed":true,"ems":true,"clients":1},"#,
        r#"{"room":"other","allowed":false,"ems":true,"clients":0}]}"#
    );
    assert_eq!(command(&server, "listRooms", ""), done(rooms));
    drop(server);

    let server = Server::start(&settings);
    assert_eq!(Device::joining(&server.address(), "other", r#"{"RMS":true}"#).1, r#"6:::1+["invalidRoom"]"#);
    assert_eq!(command(&server, "listEMSTokens", ""), done(r#"{"tokens":[{"token":"right"}]}"#));
    let listed = command(&server, "listTokens", "");
    assert!(listed.starts_with(&done(r#"{"tokens":[{"token":"t","used":true,"expires":"#)[..70]), "{listed}");
    // From the same address, within its time.
    assert_eq!(Device::joining(&server.address(), "ok", viewer).1, NOBODY);
    assert_eq!(command(&server, "delRoom", "ok"), done(r#"{"room":"ok"}"#));
    assert_eq!(Device::joining(&server.address(), "other", r#"{"RMS":true,"rmsToken":"right"}"#).1, NOBODY);
}

#[test]
fn a_file_of_the_reference_is_taken_as_it_is() {
    let folder = Folder::new();
    let file = folder.path().join("default.json");
    let text = r#"{"isDev":false,
        "server":{"port":0,"secure":false,"key":null,"cert":null,"password":null,"tokensEnabled":false,"webServerEnabled":true,
                  "adminAccessEnabled":true,"adminIP":"127.0.0.1","adminPort":0},
        "allowedrooms":["den"],"emsTokens":["right"],"stunservers":[{"url":"stun:127.0.0.1:3478"}],
        "turnservers":[{"url":"turn:127.0.0.1:3478","secret":"s3cret"}]}"#;
    std::fs::write(&file, text).expect("writable");
    let server = Server::start(&[("PATCHBAY_DIALECT__ERS__CONFIG", file.to_str().expect("text"))]);
    assert!(server.log().contains("sets what has no effect here: isDev"), "{}", server.log());
    let mut device = Device::connect(&server.own("ers"));
    assert_eq!(device.turn, "127.0.0.1:3478");
    device.send(r#"5:1+::{"name":"join","args":["den",{"EMS":true,"emsToken":"right"}]}"#);
    assert_eq!(device.frame().expect("an answer"), NOBODY);
    assert_eq!(
        Device::joining(&server.address(), "other", r#"{"EMS":true,"emsToken":"right"}"#).1,
        r#"6:::1+["invalidRoom"]"#
    );
    assert_eq!(Device::joining(&server.address(), "den", r#"{"EMS":true}"#).1, r#"6:::1+["invalidEmsToken"]"#);
    assert!(server.own("ers_admin").host().starts_with("127.0.0.1:"), "the administrator is on this machine");
    let rooms = r#"{"rooms":[{"room":"den","allowed":true,"ems":true,"clients":0}]}"#;
    assert_eq!(command(&server, "listRooms", ""), done(rooms));
}

/// T4, and pages of other sites.
#[test]
fn nobody_else_manages_it() {
    let allowed = ("PATCHBAY_DIALECT__ERS__ADMIN_ALLOWED", "127.0.0.2");
    let server = Server::start(&[ADMIN, allowed]);
    let at = server.own("ers_admin");
    let refused = asks(&at, "/?c=addRoom&i=x", &[]);
    assert_eq!((refused.status, refused.header("content-type")), (403, Some("application/json")));
    assert!(
        refused.body().starts_with(r#"{"url":"/?c=addRoom&i=x","status":"FAIL","description":""#),
        "{}",
        refused.body()
    );
    assert_eq!(Device::joining(&server.address(), "other", r#"{"RMS":true}"#).1, NOBODY, "it had no effect");
    let server = Server::start(&[ADMIN]);
    let at = server.own("ers_admin");
    let status = |headers: &[(&str, &str)]| asks(&at, "/?c=version&i=", headers).status;
    assert_eq!(status(&[]), 200);
    assert_eq!(status(&[("X-Forwarded-For", "127.0.0.1")]), 403, "it could be anybody behind that proxy");
    assert_eq!(status(&[("Origin", "http://elsewhere.example")]), 403);
    assert_eq!(status(&[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(status(&[("Origin", &format!("http://{}", at.host()))]), 200);
    // A page of a name that its owner has pointed at this machine.
    let mut wire = Wire::connect(&at).expect("a connection");
    wire.write(b"GET /?c=version&i= HTTP/1.1\r\nHost: evil.example:3030\r\nConnection: close\r\n\r\n")
        .expect("written");
    assert_eq!(http::read_head(&mut wire).expect("an answer").status, 403);
    // Nothing of it is on the common listener, and nothing of that here.
    assert_eq!(asks(&server.address(), "/ersadmin.html", &[]).status, 404);
    let body = asks(&server.address(), "/?c=version&i=", &[]).body();
    assert!(!body.contains("SUCCESS"), "{body}");
    assert_eq!(asks(&at, "/metrics", &[]).status, 404);
    let page = asks(&at, "/ersadmin.html", &[]);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.starts_with("default-src 'none'")));
}
