//! Requests to parties that outlive them: who may ask, which resource is meant, and what is answered if nobody else does.

use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use patchbay_dialect_kit::http::{Reply, Target};
use tokio::time::timeout;

use super::{Answer, Caller};
use crate::config::Location;
use crate::door::Place as At;
use crate::metrics::Refused;
use crate::resource::{Asked, Opening, Unheard};
use crate::shell::{Endpoint, Shell, Ticket};
use crate::ws;

/// How long a session may take over an answer: more than any negotiation, less than clients and proxies wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a page may read of an answer (the Fetch standard's response headers).
const READABLE: &str = "accept-patch, accept-post, allow, etag, link, location, retry-after, www-authenticate";

/// Where a request goes: the index of an endpoint that takes requests, and the rest of the path.
pub(super) struct Place {
    endpoint: usize,
    rest: String,
}

/// The endpoint that takes this request, if it is for a party.
pub(super) fn place<B>(shell: &Shell, caller: Caller, request: &Request<B>) -> Option<Place> {
    let path = request.uri().path();
    let found = shell.endpoint(caller.role, path).filter(|endpoint| endpoint.door.requests.is_some())?;
    let rest = match &found.door.at {
        At::Tree(own) => path.strip_prefix(own.as_str())?,
        // Every path is the dialect's.
        At::Own(_) => path,
        At::Path(_) | At::Root => return None,
    };
    let endpoint = shell.endpoints.iter().position(|endpoint| std::ptr::eq(endpoint, found))?;
    Some(Place { endpoint, rest: rest.to_owned() })
}

/// The answer, and whether the request has been read to its end, so that the next one may follow.
pub(super) async fn answer(
    shell: &Arc<Shell>,
    caller: Caller,
    place: Place,
    request: Request<Incoming>,
) -> (Answer, bool) {
    let endpoint = &shell.endpoints[place.endpoint];
    let origin = request.headers().get(header::ORIGIN).cloned();
    let options = request.method() == Method::OPTIONS;
    // Of one length, which every parser understands alike.
    let plain = !request.headers().contains_key(header::TRANSFER_ENCODING)
        && request.headers().get_all(header::CONTENT_LENGTH).iter().count() <= 1
        && request.version() == Version::HTTP_11;
    let empty = !ws::has_body(request.headers());
    let text = |name| request.headers().get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
    let one = request.headers().get_all(header::ORIGIN).iter().count() <= 1;
    let friendly = one && endpoint.door.origins.admits(text(header::ORIGIN), text(header::HOST));
    let (reply, whole) = match judge(shell, caller, endpoint, friendly, &request) {
        Err(reply) => (reply, empty),
        Ok(admitted) => ask(shell, caller, endpoint, &place.rest, admitted, request).await,
    };
    let answer = match origin.filter(|_| friendly) {
        Some(origin) => shared(written(reply), endpoint, &origin, options),
        None => written(reply),
    };
    (answer, whole && (plain || empty))
}

/// Whether the request may be asked at all, and whether it has shown a token.
fn judge(
    shell: &Shell,
    caller: Caller,
    endpoint: &Endpoint,
    friendly: bool,
    request: &Request<Incoming>,
) -> Result<bool, Reply> {
    let door = &endpoint.door;
    let headers = request.headers();
    if !friendly {
        shell.metrics.connection_refused(Refused::Upgrade);
        return Err(Reply::problem(403, "Forbidden", "pages of this origin are not admitted; see allowed_origins"));
    }
    if door.callers.as_ref().is_some_and(|networks| !shell.admits(networks, caller, headers)) {
        shell.metrics.connection_refused(Refused::Upgrade);
        if matches!(door.at, At::Own(_)) {
            return Ok(false);
        }
        let detail = "this interface is for certain addresses only; see dialect.antmedia.rest_allowed";
        return Err(Reply::problem(403, "Forbidden", detail));
    }
    let admitted =
        door.tokens.as_ref().is_none_or(|tokens| ws::bearer(headers).is_some_and(|token| tokens.admit(token)));
    // Browsers ask what they may ask before they show anything (Fetch, CORS-preflight).
    if !admitted && request.method() != Method::OPTIONS {
        shell.metrics.connection_refused(Refused::Upgrade);
        let detail = "show one of the server's tokens, as Authorization: Bearer";
        return Err(Reply::problem(401, "Unauthorized", detail).with("www-authenticate", "Bearer"));
    }
    Ok(admitted)
}

/// Hands the request to the session that it is for, and waits. The reply, and whether the request was read to its end.
async fn ask(
    shell: &Arc<Shell>,
    caller: Caller,
    endpoint: &Endpoint,
    rest: &str,
    admitted: bool,
    request: Request<Incoming>,
) -> (Reply, bool) {
    let (head, body) = request.into_parts();
    let announced = ws::has_body(&head.headers);
    let once = endpoint.door.once;
    let target = if once { Some(Target { name: rest, resource: None }) } else { Target::parse(rest) };
    let Some(target) = target else { return (missing(), !announced) };
    // What may be asked can be told without a resource, and also behind its end: a preflight is no place for news.
    let wanted = target.resource.filter(|_| head.method != Method::OPTIONS);
    let known = wanted.map(|(id, _)| shell.resources.find(id, endpoint.dialect));
    if matches!(known, Some(None)) {
        return (missing(), !announced);
    }
    let body = match read(shell, body).await {
        Ok(body) => body,
        Err(reply) => return (reply, false),
    };
    let own = match &wanted {
        Some((id, _)) => (*id).to_owned(),
        None => shell.resources.draw(shell),
    };
    let asked = Asked {
        method: head.method.as_str().to_owned(),
        endpoint: endpoint.door.requests.unwrap_or_default(),
        name: target.name.to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        resource: target.resource.map(|(_, of)| of.to_owned()),
        location: location(shell, caller, endpoint, &head.headers, target.name, &own),
        admitted,
        headers: head
            .headers
            .iter()
            .filter(|(name, _)| once || *name != header::AUTHORIZATION)
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect(),
        body: body.to_vec(),
    };
    let sent = match known.flatten() {
        Some(resource) => resource.ask(asked),
        None if shell.is_closing() => return (busy("the server is stopping"), true),
        None => match seat(shell, caller, &head.headers) {
            Err(why) => {
                shell.metrics.connection_refused(why);
                return (busy("the server, or this address, has all connections that it may have"), true);
            }
            Ok(ticket) => Opening { shell, dialect: endpoint.dialect, id: own, ticket }.ask(asked),
        },
    };
    let reply = match sent {
        Err(Unheard::Gone) => missing(),
        Err(Unheard::Busy) => busy("this resource has enough to answer"),
        Ok(reply) => match timeout(PATIENCE, reply).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => {
                Reply::problem(500, "Internal Server Error", "the resource ended without an answer; try again")
            }
            Err(_) => Reply::problem(504, "Gateway Timeout", "no answer came in time; try again"),
        },
    };
    (reply, true)
}

/// What a resource takes of `limits.connections`, beside the connection that asks for it.
pub(super) fn seat(shell: &Arc<Shell>, caller: Caller, headers: &HeaderMap) -> Result<Ticket, Refused> {
    let mut ticket = shell.admit(caller)?;
    if let Some(place) = shell.place_of_proxied(caller, headers)? {
        ticket.place = Some(place);
    }
    Ok(ticket)
}

pub(super) async fn read(shell: &Shell, body: Incoming) -> Result<Bytes, Reply> {
    match timeout(shell.head_timeout, Limited::new(body, shell.message_bytes).collect()).await {
        Err(_) => Err(Reply::problem(408, "Request Timeout", "the body did not come in time")),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(Reply::problem(413, "Content Too Large", "the body is longer than limits.message_bytes"))
        }
        Ok(Err(_)) => Err(Reply::problem(400, "Bad Request", "the body broke off")),
    }
}

/// Where the resource is, for this client: by its path, which holds behind every proxy that keeps paths; or as a whole URL,
/// for clients that want one.
fn location(shell: &Shell, caller: Caller, endpoint: &Endpoint, headers: &HeaderMap, name: &str, id: &str) -> String {
    let At::Tree(own) = &endpoint.door.at else { return String::new() };
    let path = format!("{own}/{name}/{id}");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|_| shell.location == Location::Url) else { return path };
    let told = headers.get("x-forwarded-proto").filter(|_| shell.trusts(caller));
    let secure = told.map_or(caller.secure, |scheme| scheme.as_bytes() == b"https");
    format!("{}://{host}{path}", if secure { "https" } else { "http" })
}

fn missing() -> Reply {
    Reply::problem(404, "Not Found", "there is no such resource, or no longer; begin anew with POST")
}

fn busy(detail: &str) -> Reply {
    Reply::problem(503, "Service Unavailable", detail).with("retry-after", "2")
}

pub(super) fn written(reply: Reply) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(reply.body)));
    *answer.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        // Sessions are tested to write nothing else.
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    answer
}

/// With what lets pages of other origins ask and read (the Fetch standard, CORS). No cookie is ever involved.
fn shared(mut answer: Answer, endpoint: &Endpoint, origin: &HeaderValue, options: bool) -> Answer {
    let headers = answer.headers_mut();
    if endpoint.door.origins.admits_everybody() {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(READABLE));
    if options {
        let methods = if endpoint.door.once {
            "DELETE, GET, HEAD, OPTIONS, POST, PUT"
        } else {
            "DELETE, GET, OPTIONS, PATCH, POST"
        };
        let methods = HeaderValue::from_static(methods);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        let asked = HeaderValue::from_static("authorization, content-type, if-match");
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    answer
}
