//! MT6: who may connect, by WS_ALLOWED_ORIGINS and Origin (DECISIONS 1).

use patchbay_dialect_kit::testing::Handshake;

use crate::common::client::Client;
use crate::common::process::Server;

const ORIGINS: [Option<&str>; 9] = [
    None,
    Some("https://example.com"),
    Some("http://example.com"),
    Some("https://EXAMPLE.com:8443"),
    Some("https://app.example.com"),
    Some("http://localhost:3000"),
    Some("http://127.0.0.1:5000"),
    Some("https://evil.example"),
    Some("null"),
];

#[test]
fn the_list_of_origins_admits_whom_it_names() {
    // One digit per origin above; the Host header is 127.0.0.1 with a port.
    for (list, admitted) in [
        (None, "111111111"),
        (Some("*"), "111111111"),
        (Some("nobody.example, *"), "111111111"),
        (Some("example.com"), "111100000"),
        (Some(" Example.COM , localhost "), "111101000"),
        (Some("https://example.com"), "110000000"),
        (Some("example.com:8443"), "100100000"),
        (Some("https://example.com:8443,https://app.example.com"), "100110000"),
        (Some("same-host"), "100000100"),
    ] {
        let settings: Vec<(&str, &str)> = list.map(|list| ("WS_ALLOWED_ORIGINS", list)).into_iter().collect();
        assert_eq!(admits(&settings), admitted, "{list:?}");
    }
}

#[test]
fn a_request_without_origin_can_be_refused() {
    let settings = [("WS_ALLOWED_ORIGINS", "example.com"), ("PATCHBAY_REQUIRE_ORIGIN", "true")];
    assert_eq!(admits(&settings), "011100000");
}

#[test]
fn a_dialect_may_have_a_list_of_its_own() {
    let own = ("PATCHBAY_DIALECT__MESH__ORIGINS", "evil.example");
    assert_eq!(admits(&[("WS_ALLOWED_ORIGINS", "example.com"), own]), "100000010");
}

#[test]
fn a_server_that_admits_everybody_says_so_at_start() {
    let warns = |settings: &[(&str, &str)]| {
        let server = Server::start(settings);
        let _admitted = Client::new(&server.address());
        server.log().lines().any(|line| line.to_lowercase().contains("warn") && line.contains("rigin"))
    };
    assert!(warns(&[]), "the default is everybody");
    assert!(!warns(&[("WS_ALLOWED_ORIGINS", "example.com")]));
}

/// One digit per origin: 1 admitted, 0 refused with 403.
fn admits(settings: &[(&str, &str)]) -> String {
    let server = Server::start(settings);
    let digit = |origin: &Option<&str>| {
        let handshake = Handshake { origin: origin.map(str::to_owned), ..Handshake::default() };
        match Client::open(&server.address(), &handshake) {
            Ok(_) => '1',
            Err(turned) if turned.status == 403 => '0',
            Err(turned) => panic!("{origin:?}: {turned:?}"),
        }
    };
    ORIGINS.iter().map(digit).collect()
}
