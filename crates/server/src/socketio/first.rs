//! The first requests of a connection, before hyper has it: a device sends its upgrade behind the handshake, on the same one.

use super::target::{Wanted, wanted};
use super::{Comer, Sid, answer};
use crate::http::Caller;
use crate::random::SystemRandom;
use crate::shell::{Endpoint, Shell};
use crate::ws::{self, Admitted, Headers};

/// What the request that a connection begins with is to us.
pub(crate) enum First {
    /// A handshake: this goes out at a stretch.
    Handshake {
        /// Head and body.
        answer: String,
        /// Another request may follow.
        keep: bool,
    },
    /// An upgrade that is admitted, whether or not anybody waits for this id.
    Socket {
        /// Index of the dialect.
        dialect: usize,
        /// What to answer.
        admitted: Admitted,
        /// The id that it names.
        sid: String,
        /// Who comes.
        comer: Comer,
    },
}

/// Judges the first request of a connection. `None`: it is for the HTTP routes, as everything is that is refused, and
/// whatever another parser could take for something else.
pub(crate) fn first(
    shell: &Shell,
    caller: Caller,
    request: &httparse::Request<'_, '_>,
    endpoint: &Endpoint,
) -> Option<First> {
    let (target, method) = (request.path?, request.method?);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let headers = &*request.headers;
    match wanted(path, query)? {
        Wanted::Handshake { jsonp } => {
            let hosts = headers.values("host").count();
            let upgrades = headers.values("upgrade").next().is_some();
            let plain = matches!(method, "GET" | "POST") && !ws::has_body(headers) && hosts == 1 && !upgrades;
            if request.version != Some(1) || !plain || shell.is_closing() {
                return None;
            }
            let text = |name| match headers.values(name).next() {
                Some(value) => std::str::from_utf8(value).map(Some),
                None => Ok(None),
            };
            let origin = text("origin").ok()?;
            if headers.values("origin").count() > 1 || !endpoint.door.origins.admits(origin, text("host").ok()?) {
                return None;
            }
            let keep = !ws::has_token(headers, "connection", "close");
            let sid = draw(shell, endpoint.dialect, shell.client(caller, headers));
            let unix_ms = shell.clock.unix_ms(shell.clock.now());
            Some(First::Handshake { answer: answer::handshake(&sid, jsonp, origin, unix_ms, keep), keep })
        }
        Wanted::Socket(sid) => {
            let admitted = ws::check(method, query, headers, &endpoint.door).ok()?;
            let from = shell.client(caller, headers);
            let comer = Comer::new(from, headers.values("user-agent").next());
            Some(First::Socket { dialect: endpoint.dialect, admitted, sid: sid.to_owned(), comer })
        }
        _ => None,
    }
}

/// Gives out an id to a client of a dialect.
pub(crate) fn draw(shell: &Shell, dialect: usize, from: Option<std::net::IpAddr>) -> Sid {
    let mut sid = Sid::BLANK;
    shell.entropy.lend(&mut SystemRandom::default(), |rng| {
        let suits = |id: &str| shell.dialects[dialect].takes_id(id);
        sid = shell.socket_io.unused.draw(shell.clock.now(), from, rng, suits);
    });
    sid
}
