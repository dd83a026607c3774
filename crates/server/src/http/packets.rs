//! Requests of Socket.IO that come behind others on their connection, and all that poll. What is answered is what the library
//! answers, but not byte for byte: only devices ask for that, and they ask first (`listener/packets.rs`).

use std::sync::Arc;

use http::header::{self, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;

use super::pace::Paced;
use super::party::{self, seat};
use super::{Answer, Caller, plain, refused, with};
use crate::metrics::Refused;
use crate::shell::{Endpoint, Shell, Ticket};
use crate::socketio::{self, Comer, NOT_HANDSHAKEN, Polled, Unanswered, Wanted};
use crate::ws::{self, Headers};

/// Whether this request is one of them.
pub(super) fn is_one(shell: &Shell, caller: Caller, path: &str) -> bool {
    endpoint(shell, caller, path).is_some()
}

fn endpoint<'a>(shell: &'a Shell, caller: Caller, path: &str) -> Option<&'a Endpoint> {
    shell.endpoint(caller.role, path).filter(|endpoint| endpoint.door.socket_io)
}

/// The answer, and whether the request has been read to its end, so that the next one may follow.
pub(super) async fn answer(
    shell: &Arc<Shell>,
    caller: Caller,
    request: Request<Incoming>,
    ticket: impl FnOnce() -> Option<Ticket>,
) -> (Answer, bool) {
    let (uri, whole) = (request.uri().clone(), !ws::has_body(request.headers()));
    let wanted = socketio::wanted(uri.path(), uri.query());
    let (Some(wanted), Some(endpoint)) = (wanted, endpoint(shell, caller, uri.path())) else {
        return (plain(404, "404 page not found\n"), whole);
    };
    let origin = request.headers().get(header::ORIGIN).cloned();
    let one = request.headers().get_all(header::ORIGIN).iter().count() <= 1;
    let text = |name| request.headers().get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let admitted = one && endpoint.door.origins.admits(text(header::ORIGIN), text(header::HOST));
    let shared = |answer| share(answer, origin.filter(|_| admitted).as_ref());
    let asks = matches!(*request.method(), Method::GET | Method::POST);
    match wanted {
        Wanted::Welcome => (said(200, "Welcome to socket.io."), whole),
        Wanted::Version => (said(500, "Protocol version not supported."), whole),
        Wanted::Missing => (plain(404, "404 page not found\n"), whole),
        Wanted::Handshake { jsonp } if !admitted => {
            shell.metrics.connection_refused(Refused::Upgrade);
            (bad_origin(jsonp), whole)
        }
        Wanted::Socket(sid) => (upgrade(shell, caller, endpoint, sid, request, ticket), whole),
        Wanted::Poll(_) | Wanted::Disconnect(_) if !admitted => {
            shell.metrics.connection_refused(Refused::Upgrade);
            (said(403, "handshake bad origin"), whole)
        }
        _ if request.method() == Method::OPTIONS => (shared(preflight()), whole),
        _ if !asks => (with(plain(405, "Method Not Allowed\n"), header::ALLOW, "GET, POST"), whole),
        Wanted::Handshake { .. } if shell.is_closing() => (said(503, "the server is stopping"), whole),
        Wanted::Handshake { jsonp } => {
            let sid = socketio::draw(shell, endpoint.dialect, shell.client(caller, request.headers()));
            let answer = Response::new(Full::new(Bytes::from(socketio::handshake_text(&sid, jsonp))));
            match jsonp {
                Some(_) => (with(answer, header::CONTENT_TYPE, "application/javascript"), whole),
                None => (shared(with(answer, header::CONTENT_TYPE, "text/plain")), whole),
            }
        }
        Wanted::Poll(sid) => {
            let (answer, whole) = exchange(shell, caller, endpoint.dialect, sid, request).await;
            (shared(answer), whole)
        }
        Wanted::Disconnect(sid) => {
            let comer = comer(shell, caller, request.headers());
            let left =
                Polled::ask(shell, endpoint.dialect, sid, comer, socketio::Request::Leave, || Err(Refused::Full));
            let _ended = left.await;
            (shared(Response::new(Full::default())), whole)
        }
    }
}

/// One poll, or one body of packets.
async fn exchange(
    shell: &Arc<Shell>,
    caller: Caller,
    dialect: usize,
    sid: &str,
    request: Request<Incoming>,
) -> (Answer, bool) {
    let (head, body) = request.into_parts();
    // Of one length, which every parser understands alike.
    let of_one_length = !head.headers.contains_key(header::TRANSFER_ENCODING)
        && head.headers.get_all(header::CONTENT_LENGTH).iter().count() <= 1
        && head.version == Version::HTTP_11;
    let (asked, whole) = if head.method == Method::POST {
        let body = match party::read(shell, body).await {
            Ok(body) => body,
            Err(reply) => return (party::written(reply), false),
        };
        let Ok(text) = String::from_utf8(body.to_vec()) else {
            return (plain(400, "Packets are UTF-8\n"), of_one_length);
        };
        (socketio::Request::Post(text), of_one_length)
    } else {
        (socketio::Request::Poll, !ws::has_body(&head.headers))
    };
    let comer = comer(shell, caller, &head.headers);
    let seat = || if shell.is_closing() { Err(Refused::Full) } else { seat(shell, caller, &head.headers) };
    let answer = match Polled::ask(shell, dialect, sid, comer, asked, seat).await {
        Ok(text) => packets(text),
        // With the status of a success, as the library has it.
        Err(Unanswered::NotHandshaken) => packets(NOT_HANDSHAKEN.to_owned()),
        Err(Unanswered::Busy) => with(plain(503, "Service Unavailable\n"), header::RETRY_AFTER, "1"),
        Err(Unanswered::Refused(why)) => {
            shell.metrics.connection_refused(why);
            with(plain(503, "Service Unavailable\n"), header::RETRY_AFTER, "2")
        }
    };
    (answer, whole)
}

fn comer(shell: &Shell, caller: Caller, headers: &HeaderMap) -> Comer {
    Comer::new(shell.client(caller, headers), Headers::values(headers, "user-agent").next())
}

/// Hands the connection over to the session, once hyper has answered.
fn upgrade(
    shell: &Arc<Shell>,
    caller: Caller,
    endpoint: &Endpoint,
    sid: &str,
    mut request: Request<Incoming>,
    ticket: impl FnOnce() -> Option<Ticket>,
) -> Answer {
    let (method, query) = (request.method().as_str(), request.uri().query());
    let judged = match request.version() {
        Version::HTTP_11 => ws::check(method, query, request.headers(), &endpoint.door),
        // HTTP/1.0 has no upgrade.
        _ => Err(ws::Rejection::NoUpgrade),
    };
    let admitted = match judged {
        Ok(admitted) => admitted,
        Err(rejection) => return refused(shell, rejection),
    };
    let place = match shell.place_of_proxied(caller, request.headers()) {
        Ok(place) => place,
        Err(why) => {
            shell.metrics.connection_refused(why);
            return plain(503, "Service Unavailable\n");
        }
    };
    let comer = comer(shell, caller, request.headers());
    let upgrade = hyper::upgrade::on(&mut request);
    let (shell, ticket, dialect, sid) = (Arc::clone(shell), ticket(), endpoint.dialect, sid.to_owned());
    tokio::spawn(async move {
        let parts = match upgrade.await.map(|upgraded| upgraded.downcast::<TokioIo<Paced>>()) {
            Ok(Ok(parts)) => parts,
            Ok(Err(_)) => return tracing::error!("an upgraded connection is not ours; this is a bug"),
            Err(error) => return tracing::debug!(%error, "the upgrade did not come about"),
        };
        let mut early = parts.read_buf.to_vec();
        let (rest, socket) = parts.io.into_inner().into_inner().into_parts();
        early.extend_from_slice(&rest);
        socketio::meet(shell, dialect, sid, comer, socket, early).await;
        drop((ticket, place));
    });
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = with(answer, header::UPGRADE, "websocket");
    let answer = with(answer, header::CONNECTION, "Upgrade");
    with(answer, header::SEC_WEBSOCKET_ACCEPT, &admitted.accept)
}

fn packets(text: String) -> Answer {
    with(Response::new(Full::new(Bytes::from(text))), header::CONTENT_TYPE, "text/plain; charset=UTF-8")
}

/// What the library says, which has no type.
fn said(status: u16, text: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer
}

fn bad_origin(jsonp: Option<&str>) -> Answer {
    const WHY: &str = "handshake bad origin";
    match jsonp {
        // A script that is refused would tell the page nothing.
        Some(number) => {
            let answer = Response::new(Full::new(Bytes::from(socketio::jsonp_error(number, WHY))));
            with(answer, header::CONTENT_TYPE, "application/javascript")
        }
        None => with(said(403, WHY), header::CONTENT_TYPE, "text/plain"),
    }
}

fn preflight() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let answer = with(answer, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
    let answer = with(answer, header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type");
    with(answer, header::ACCESS_CONTROL_MAX_AGE, "600")
}

/// With what lets pages of another origin read it. The library's client asks with credentials, and then only its own origin
/// is understood; no cookie is ever looked at.
fn share(mut answer: Answer, origin: Option<&HeaderValue>) -> Answer {
    if let Some(origin) = origin {
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    answer
}
