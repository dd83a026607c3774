//! The HTTP routes: the web app, health, metrics, and what refuses or admits an upgrade.

mod folder;
mod pace;
mod packets;
mod pages;
mod party;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use subtle::ConstantTimeEq;

use crate::client;
use crate::door::Place;
use crate::listener::Role;
use crate::metrics::Refused;
use crate::shell::{Endpoint, Shell, Ticket};
use crate::socket::Rewind;
use crate::ws;
use pace::Paced;

type Answer = Response<Full<Bytes>>;

/// A caller, as far as routes have to know.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) role: Role,
    /// `None` for a Unix socket.
    pub(crate) address: Option<IpAddr>,
    /// It came by TLS.
    pub(crate) secure: bool,
}

/// Serves one connection until it ends or becomes a WebSocket.
pub(crate) async fn serve(shell: Arc<Shell>, caller: Caller, ticket: Ticket, stream: Rewind) {
    let (timeout, head_bytes) = (shell.head_timeout, shell.head_bytes);
    let ticket = Arc::new(std::sync::Mutex::new(Some(ticket)));
    let service = service_fn(move |request| {
        let (shell, ticket) = (Arc::clone(&shell), Arc::clone(&ticket));
        async move {
            let ticket = move || ticket.lock().ok().and_then(|mut ticket| ticket.take());
            Ok::<_, Infallible>(answer(&shell, caller, request, ticket).await)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeout)
        .max_header_size(head_bytes)
        .serve_connection(TokioIo::new(Paced::new(stream, timeout)), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "HTTP connection ended");
    }
}

/// Answers a request, and ends the connection behind one after which another parser could see something else than the
/// next request. Only parties take a body, and only of one plain length; else what comes behind a head that announces one
/// is no request of ours. And a proxy that takes our refusal of an upgrade (or of a tunnel) for the opening of one would carry what it has not seen,
/// past its own rules and without its `X-Forwarded-For`.
async fn answer(
    shell: &Arc<Shell>,
    caller: Caller,
    request: Request<Incoming>,
    ticket: impl FnOnce() -> Option<Ticket>,
) -> Answer {
    let two_hosts = request.headers().get_all(header::HOST).iter().count() > 1;
    let tunnel = request.method() == Method::CONNECT || request.headers().contains_key(header::UPGRADE);
    // A server that stops waits for nobody who only keeps a connection for later.
    let mut last = two_hosts || tunnel || shell.is_closing() || ws::has_body(request.headers());
    let answer = if two_hosts {
        plain(400, "Bad Request\n")
    } else if let Some(place) = party::place(shell, caller, &request) {
        let (answer, whole) = Box::pin(party::answer(shell, caller, place, request)).await;
        last = tunnel || shell.is_closing() || !whole;
        answer
    } else if packets::is_one(shell, caller, request.uri().path()) {
        let (answer, whole) = Box::pin(packets::answer(shell, caller, request, ticket)).await;
        last = tunnel || shell.is_closing() || !whole;
        answer
    } else if let Some(page) = folder::page(shell, caller, &request).await {
        page
    } else {
        route(shell, caller, request, ticket)
    };
    let opened = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    if last && !opened { with(answer, header::CONNECTION, "close") } else { answer }
}

fn route(
    shell: &Arc<Shell>,
    caller: Caller,
    mut request: Request<Incoming>,
    ticket: impl FnOnce() -> Option<Ticket>,
) -> Answer {
    let path = request.uri().path().to_owned();
    let role_is_public = caller.role == Role::Public || shell.is_demo(caller.role, &path);
    if let Some(Endpoint { dialect, door }) = shell.endpoint(caller.role, &path) {
        let (method, query) = (request.method().as_str(), request.uri().query());
        let judged = match request.version() {
            Version::HTTP_11 => ws::check(method, query, request.headers(), door),
            // HTTP/1.0 has no upgrade.
            _ => Err(ws::Rejection::NoUpgrade),
        };
        match (judged, door.plain) {
            (Ok(admitted), _) => return upgrade(shell, caller, *dialect, &admitted, &mut request, ticket),
            // The web app is there too.
            (Err(ws::Rejection::NoUpgrade), _) if door.at == Place::Root => {}
            (Err(ws::Rejection::NoUpgrade), Some(text)) => return fixed(text),
            (Err(rejection), _) => return refused(shell, rejection),
        }
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return with(plain(405, "Method Not Allowed\n"), header::ALLOW, "GET, HEAD");
    }
    match path.as_str() {
        "/healthz" if shell.is_closing() => plain(503, "unavailable\n"),
        "/healthz" => plain(200, "ok\n"),
        "/readyz" if shell.is_closing() => plain(503, "closing\n"),
        "/readyz" => plain(200, "ready\n"),
        "/metrics" => metrics(shell, caller, &request),
        "/config.js" if role_is_public => pages::config(&shell.config_js),
        _ if role_is_public => pages::page(&path, &request).unwrap_or_else(|| plain(404, "404 page not found\n")),
        _ => plain(404, "404 page not found\n"),
    }
}

fn refused(shell: &Shell, rejection: ws::Rejection) -> Answer {
    shell.metrics.connection_refused(Refused::Upgrade);
    let (status, body, hint) = rejection.answer();
    let answer = plain(status, body);
    match hint {
        Some((name, value)) => with(answer, HeaderName::from_static(name), value),
        None => answer,
    }
}

/// Hands the connection over to the WebSocket loop, once hyper has answered.
fn upgrade(
    shell: &Arc<Shell>,
    caller: Caller,
    dialect: usize,
    admitted: &ws::Admitted,
    request: &mut Request<Incoming>,
    ticket: impl FnOnce() -> Option<Ticket>,
) -> Answer {
    let place = match shell.place_of_proxied(caller, request.headers()) {
        Ok(place) => place,
        Err(why) => {
            shell.metrics.connection_refused(why);
            return plain(503, "Service Unavailable\n");
        }
    };
    let upgrade = hyper::upgrade::on(request);
    let (shell, ticket, subprotocol) = (Arc::clone(shell), ticket(), admitted.protocol.clone());
    tokio::spawn(async move {
        let parts = match upgrade.await.map(|upgraded| upgraded.downcast::<TokioIo<Paced>>()) {
            Ok(Ok(parts)) => parts,
            Ok(Err(_)) => return tracing::error!("an upgraded connection is not ours; this is a bug"),
            Err(error) => return tracing::debug!(%error, "the upgrade did not come about"),
        };
        let mut early = parts.read_buf.to_vec();
        let (rest, socket) = parts.io.into_inner().into_inner().into_parts();
        early.extend_from_slice(&rest);
        ws::Connection::new(shell, dialect, subprotocol.as_deref(), socket, early).await;
        drop((ticket, place));
    });
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = with(answer, header::UPGRADE, "websocket");
    let answer = with(answer, header::CONNECTION, "Upgrade");
    let answer = with(answer, header::SEC_WEBSOCKET_ACCEPT, &admitted.accept);
    match &admitted.protocol {
        Some(protocol) => with(answer, header::SEC_WEBSOCKET_PROTOCOL, protocol),
        None => answer,
    }
}

fn metrics(shell: &Shell, caller: Caller, request: &Request<Incoming>) -> Answer {
    if !may_administer(shell, caller, request) {
        return plain(403, "Forbidden: ask from the same machine, or set admin.addr or admin.token_file\n");
    }
    shell.metrics.set_store(shell.jobs.store().counts());
    let text = shell.metrics.render(shell.switchboard.snapshot(), shell.switchboard.seat(), &shell.lines);
    let answer = Response::new(Full::new(Bytes::from(text)));
    with(answer, header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")
}

/// With a token, whoever presents it. Without, callers of the admin listener, and callers from this machine that are
/// not a reverse proxy's.
fn may_administer(shell: &Shell, caller: Caller, request: &Request<Incoming>) -> bool {
    if let Some(token) = &shell.admin_token {
        let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let given = given.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
        return bool::from(given.ct_eq(token.as_bytes()));
    }
    let local = caller.address.is_some_and(|address| address.to_canonical().is_loopback());
    caller.role == Role::Admin || (local && !client::is_proxied(request.headers()))
}

/// What a door answers to requests that are no upgrade: as its dialect's own server does, and nothing of ours besides.
fn fixed(text: &'static str) -> Answer {
    with(Response::new(Full::new(Bytes::from_static(text.as_bytes()))), header::CONTENT_TYPE, "text/plain")
}

fn plain(status: u16, body: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let answer = with(answer, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    with(answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff")
}

fn with(mut answer: Answer, name: HeaderName, value: &str) -> Answer {
    // Values are ours: constants, a base64 hash, an entity tag; or a token of RFC 7230.
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}
