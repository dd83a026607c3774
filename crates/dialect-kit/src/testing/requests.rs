//! Requests of transcripts, and how replies are heard, both as JSON: `>a {"method":"POST","path":"/whip/cam1",…}`,
//! `<a {"status":201,"headers":{…},"body":"…"}`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::http::{Exchange, Reply, Request, Target};
use crate::{At, Codec, Endpoint, Spec};

/// A request as a transcript writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// It shows no token, although one is asked for.
    #[serde(default)]
    stranger: bool,
}

#[derive(Serialize)]
struct Heard<'a> {
    status: u16,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, Vec<&'a str>>,
    #[serde(skip_serializing_if = "str::is_empty")]
    body: &'a str,
}

/// Whether the dialect speaks in requests.
pub(super) fn speaks(spec: &Spec) -> bool {
    let all_alone = !spec.endpoints.is_empty() && spec.endpoints.iter().all(is_alone);
    all_alone || spec.endpoints.iter().any(|endpoint| endpoint.codec == Codec::Http)
}

/// Whether it is a listener of its own, where each request is a party.
fn is_alone(endpoint: &Endpoint) -> bool {
    endpoint.codec == Codec::Exchange && matches!(endpoint.at, At::Own { .. })
}

/// Hands on the request that a client has written, if it is one for this session; else what the shell would answer.
pub(super) fn with_request(
    spec: &Spec,
    text: &str,
    own: &str,
    new: bool,
    exchange: u64,
    call: impl FnOnce(&Request<'_>),
) -> Result<(), Reply> {
    let Ok(written) = serde_json::from_str::<Written>(text) else { return Err(Reply::new(400)) };
    let (path, query) = written.path.split_once('?').unwrap_or((&written.path, ""));
    if spec.endpoints.iter().any(is_alone) {
        let target = Target { name: path, resource: None };
        return if new { hand_on(&written, "", target, query, "", exchange, call) } else { Err(Reply::new(404)) };
    }
    let found = spec.endpoints.iter().find_map(|endpoint| {
        let At::Below(tail) = endpoint.at else { return None };
        Some((tail, Target::parse(path.strip_prefix(tail)?)?))
    });
    let Some((endpoint, target)) = found else { return Err(Reply::new(404)) };
    if target.resource.map(|(id, _)| id) != (!new).then_some(own) {
        return Err(Reply::new(404));
    }
    hand_on(&written, endpoint, target, query, own, exchange, call)
}

fn hand_on(
    written: &Written,
    endpoint: &str,
    target: Target<'_>,
    query: &str,
    own: &str,
    exchange: u64,
    call: impl FnOnce(&Request<'_>),
) -> Result<(), Reply> {
    let headers: Vec<_> = written.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    call(&Request {
        exchange: Exchange(exchange),
        method: &written.method,
        endpoint,
        name: target.name,
        query,
        resource: target.resource.map(|(_, of)| of),
        location: &format!("{endpoint}/{}/{own}", target.name),
        admitted: !written.stranger,
        headers: &headers,
        body: written.body.as_bytes(),
    });
    Ok(())
}

/// A reply as a client hears it: a header that comes once as a list of one.
pub(super) fn heard(reply: &Reply) -> Vec<u8> {
    let mut headers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, value) in &reply.headers {
        let breaks = value.bytes().any(|byte| byte.is_ascii_control());
        assert!(!breaks, "a header with control characters: {name}");
        headers.entry(*name).or_default().push(value.as_str());
    }
    let body = std::str::from_utf8(&reply.body).expect("a body of text");
    serde_json::to_vec(&Heard { status: reply.status, headers, body }).expect("JSON")
}
