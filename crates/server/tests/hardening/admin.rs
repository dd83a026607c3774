//! Nobody but an operator gets metrics, whatever the request for them looks like.

use super::support::{ask, plain, rest, status};
use crate::common::process::Server;
use crate::common::wire::{Address, Wire};

const TARGETS: [&str; 28] = [
    "/metrics",
    "/metrics/",
    "//metrics",
    "///metrics",
    "/./metrics",
    "/x/../metrics",
    "/%2e/metrics",
    "/%2e%2e/metrics",
    "/.%2e/metrics",
    "/%6detrics",
    "/%6Detrics",
    "/m%65trics",
    "/metrics%20",
    "/metrics%00",
    "/metrics%2f",
    "%2fmetrics",
    "/metrics;x",
    "/;/metrics",
    "/metrics?",
    "/metrics?x=/healthz",
    "/healthz/../metrics",
    "/METRICS",
    "/metrics.txt",
    "\\metrics",
    "http://localhost/metrics",
    "http://127.0.0.1:8081/metrics",
    "https://localhost/metrics?x",
    "/ws/../metrics",
];
const METHODS: [&str; 11] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "PROPFIND"];

/// The whole answer to a request on a connection of its own.
fn answer(address: &Address, request: &str) -> String {
    let mut wire = Wire::connect(address).expect("the server accepts");
    wire.write(request.as_bytes()).expect("the server reads");
    String::from_utf8_lossy(&rest(&mut wire)).into_owned()
}

fn shows_metrics(answer: &str) -> bool {
    answer.contains("patchbay_") || answer.contains("openmetrics") || answer.contains("# EOF")
}

#[test]
fn no_way_of_asking_gives_metrics_to_a_stranger() {
    // Whoever comes through the public Unix socket is no local operator: a proxy stands there.
    let server = Server::start(&[("ADDR", "127.0.0.1:0,unix:public.sock"), ("PATCHBAY_HTTP__TRUSTED_PROXIES", "unix")]);
    let socket = Address::Unix(server.folder().join("public.sock"));
    for target in TARGETS {
        for method in METHODS {
            for host in ["Host: localhost\r\n", "Host: localhost\r\nHost: 127.0.0.1\r\n", ""] {
                let request = format!("{method} {target} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
                let answer = answer(&socket, &request);
                assert!(answer.starts_with("HTTP/1.1 "), "{request:?}: {answer}");
                assert!(!shows_metrics(&answer), "{request:?}: {answer}");
            }
        }
    }
    for headers in [
        "X-Forwarded-For: 127.0.0.1\r\n",
        "X-Forwarded-For: ::1\r\n",
        "X-Real-IP: 127.0.0.1\r\n",
        "Forwarded: for=127.0.0.1\r\n",
        "X-Original-URL: /healthz\r\n",
        "X-Rewrite-URL: /metrics\r\n",
        "X-HTTP-Method-Override: GET\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer \r\n",
        "Authorization: Basic Og==\r\n",
    ] {
        assert_eq!(status(&socket, &plain("/metrics", headers)), 403, "{headers:?}");
    }
    // The same question from an operator, so that the above is no accident.
    assert!(shows_metrics(&answer(&server.address(), &plain("/metrics", "Connection: close\r\n"))));
}

/// What came through a proxy is never local, whoever the proxy is and whatever it says.
#[test]
fn a_trusted_proxy_makes_nobody_an_operator() {
    let server = Server::start(&[("PATCHBAY_HTTP__TRUSTED_PROXIES", "127.0.0.1,::1")]);
    let address = server.address();
    assert_eq!(status(&address, &plain("/metrics", "")), 200);
    for headers in [
        "X-Forwarded-For: 198.51.100.1\r\n",
        "X-Forwarded-For: 127.0.0.1\r\n",
        "X-Forwarded-For: 127.0.0.1, 198.51.100.1\r\n",
        "X-Forwarded-For: 198.51.100.1, 127.0.0.1\r\n",
        "X-Forwarded-For: garbage\r\n",
        "X-Forwarded-For:\r\n",
        "x-forwarded-for: 127.0.0.1\r\n",
        "Via: 1.1 proxy\r\n",
    ] {
        assert_eq!(status(&address, &plain("/metrics", headers)), 403, "{headers:?}");
    }
}

#[test]
fn a_token_must_be_given_once_and_whole() {
    let server = Server::start(&[("PATCHBAY_ADMIN__TOKEN_FILE", "/proc/self/comm")]);
    // The file holds the name of the server's main thread.
    let address = server.address();
    let with = |value: &str| status(&address, &plain("/metrics", &format!("Authorization: {value}\r\n")));
    assert_eq!(with("Bearer patchbay"), 200);
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "bearer patchbay",
        "Bearer patchba",
        "Bearer patchbayy",
        "Bearer  patchbay",
        "Bearer patchbay, Bearer patchbay",
        "Basic patchbay",
        "patchbay",
        "Bearer x\r\nAuthorization: Bearer patchbay",
    ] {
        assert_eq!(with(value), 403, "{value:?}");
    }
    assert_eq!(status(&address, &plain("/metrics?token=patchbay", "")), 403);
    assert_eq!(status(&address, &plain("/metrics", "Cookie: token=patchbay\r\n")), 403);
    let mut wire = Wire::connect(&address).expect("the server accepts");
    assert_eq!(ask(&mut wire, plain("/metrics", "Authorization: Bearer patchbay\r\n").as_bytes()).status, 200);
}
