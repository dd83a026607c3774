//! What the fuzz target `whip` runs: any text as a fragment, and as offer, fragment and headers of requests that make,
//! change and end a resource (`docs/testing.md`, "Fuzzing").

use std::sync::Arc;

use patchbay_core::{Command, DescriptionKind, Event, Lang, LinkId, Moment, SignalKind, Tag};
use patchbay_dialect_kit::http::{Exchange, Reply, Request};
use patchbay_dialect_kit::{Ctx, Outbox, Random, Session};

use crate::fragment::{Fragment, renewed};
use crate::session::WhipSession;
use crate::{PLAY, PUBLISH, Settings};

const LINK: LinkId = LinkId::new(1);

struct Counting(u64);

impl Random for Counting {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// Runs `data`.
///
/// # Panics
/// If a request is not answered exactly once, a reply cannot be written, or the network of an offer is not the one told.
pub fn target(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(fragment) = Fragment::read(&text) {
        let written = fragment.write("audio 9 x 0", "0");
        assert_eq!(Fragment::read(&written).as_ref(), Some(&fragment), "what was written is read again");
        let offer = "v=0\r\nm=audio 9 x 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\n\
            a=candidate:old\r\na=end-of-candidates\r\n";
        let renewed = renewed(offer, &fragment);
        let found = Fragment::read(&renewed).expect("an offer is a fragment");
        assert_eq!(found.ufrag, fragment.ufrag.or(Some("abcd")));
        assert_eq!(found.candidates, fragment.candidates);
    }
    for endpoint in [PUBLISH, PLAY] {
        life(endpoint, data);
    }
}

/// A resource whose offer, fragments and choices are all the same text.
fn life(endpoint: &str, data: &[u8]) {
    let mut session = WhipSession::new(Lang(0), Arc::new(Settings::default()));
    let mut out = Outbox::new();
    let mut random = Counting(0);
    let good = b"v=0\r\nm=audio 9 x 0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=mid:0\r\n";
    let name = std::str::from_utf8(data).unwrap_or("s");
    for (number, (name, body)) in [(name, good.as_slice()), ("s", data), ("s", good)].into_iter().enumerate() {
        let mut session = WhipSession::new(Lang(0), Arc::new(Settings::default()));
        let replies = ask(&mut session, &mut out, &mut random, endpoint, name, None, "POST", body, number as u64);
        let commands = out.take_commands().count();
        assert_eq!(replies.len() + commands, 1, "it is asked of the hub, or answered");
    }
    assert!(ask(&mut session, &mut out, &mut random, endpoint, "s", None, "POST", good, 0).is_empty());
    drop(out.take_commands().collect::<Vec<_>>());
    let opened = Event::Viewing { tag: Tag(1), link: LINK };
    session.on_event(opened, &mut Ctx { now: Moment::START, unix_ms: 0, rng: &mut random, out: &mut out });
    let now = Moment::START;
    if session.deadline() == Some(now) {
        session.on_deadline(&mut Ctx { now, unix_ms: 0, rng: &mut random, out: &mut out });
    }
    drop(out.take_commands().collect::<Vec<_>>());
    let sdp = Arc::from("v=0\r\nm=audio 9 x 0\r\na=mid:0\r\n");
    let described = Event::Described { link: LINK, kind: DescriptionKind::Answer, sdp, sections: Vec::new() };
    session.on_event(described, &mut Ctx { now, unix_ms: 0, rng: &mut random, out: &mut out });
    assert_eq!(out.take_replies().map(|(_, reply)| reply.status).collect::<Vec<_>>(), [201]);
    for (method, of) in [("PATCH", ""), ("POST", "/layers"), ("GET", name), (name, ""), ("PUT", "")] {
        let replies = ask(&mut session, &mut out, &mut random, endpoint, "s", Some(of), method, data, 1);
        let commands: Vec<_> = out.take_commands().map(|(_, command)| command).collect();
        let offers = commands
            .iter()
            .any(|command| matches!(command, Command::Signal { signal, .. } if signal.kind == SignalKind::Offer));
        assert!(replies.len() == 1 || (replies.is_empty() && (offers || !commands.is_empty())), "{method} {of}");
    }
}

#[expect(clippy::too_many_arguments, reason = "a request has so many parts")]
fn ask(
    session: &mut WhipSession,
    out: &mut Outbox,
    random: &mut Counting,
    endpoint: &str,
    name: &str,
    resource: Option<&str>,
    method: &str,
    body: &[u8],
    exchange: u64,
) -> Vec<Reply> {
    let media_type: &[u8] = match (resource, method) {
        (None, _) => b"application/sdp",
        (_, "PATCH") => b"application/trickle-ice-sdpfrag; charset=utf-8",
        _ => b"application/json",
    };
    let headers = [("content-type", media_type), ("if-match", b"*".as_slice()), ("x", body)];
    let exchange = Exchange(exchange);
    let request = Request {
        exchange,
        method,
        endpoint,
        name,
        query: "",
        resource,
        location: "/whip/s/r",
        admitted: true,
        headers: &headers,
        body,
    };
    session.on_request(&request, &mut Ctx { now: Moment::START, unix_ms: 0, rng: random, out });
    let replies: Vec<_> = out.take_replies().collect();
    for (of, reply) in &replies {
        assert_eq!(*of, exchange);
        assert!((200..600).contains(&reply.status));
        let breaks = |(_, value): &(&str, String)| value.bytes().any(|byte| byte.is_ascii_control());
        assert!(!reply.headers.iter().any(breaks), "a header that cannot be written");
    }
    replies.into_iter().map(|(_, reply)| reply).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_passes() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "whip", super::target);
    }
}
