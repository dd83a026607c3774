//! Answers to requests of others.

use super::{Clock, Core, Effect, Origin};
use crate::counts::add;
use crate::transaction::{Due, Server};
use crate::wire::{Message, Method, Via};

/// A server transaction.
pub(super) struct ServerEntry {
    pub(super) machine: Server,
    pub(super) to: Origin,
    /// The request without its body.
    pub(super) request: Message,
    /// Our tag, where the request has none.
    pub(super) tag: String,
    /// The call that it is about.
    pub(super) call: Option<u64>,
    last: Option<Vec<u8>>,
    origin: Option<String>,
}

/// The name of a server transaction (RFC 3261 section 17.2.3).
pub(super) fn key(request: &Message, via: &Via) -> String {
    let method = match request.method() {
        // They belong to the INVITE.
        Some(Method::Ack | Method::Cancel) | None => "INVITE",
        Some(method) => method.as_str(),
    };
    if via.branch.len() > crate::wire::COOKIE.len() && via.branch.starts_with(crate::wire::COOKIE) {
        return format!("{} {} {method}", via.branch, via.sent_by);
    }
    // A peer of RFC 2543: what is always the same.
    let seq = request.cseq().map_or(0, |(seq, _)| seq);
    let tag = request.tag("From").unwrap_or_default();
    format!("{} {tag} {seq} {} {method}", request.call_id(), via.sent_by)
}

/// Who asks whom what, however it came here. Two lines of one account are two: a proxy asks both with one `Call-ID`.
pub(super) fn origin_key(request: &Message) -> Option<String> {
    let (seq, method) = request.cseq()?;
    let tag = request.tag("From").unwrap_or_default();
    request.tag("To").is_none().then(|| format!("{} {tag} {seq} {method} {}", request.call_id(), request.uri()))
}

/// Where answers go (RFC 3261 section 18.2.2, RFC 3581): back along a stream; over UDP to where it came from, or to the
/// port that the sender names.
pub(super) fn back(origin: Origin, via: &Via) -> Origin {
    if origin.transport.is_reliable() || via.rport {
        return origin;
    }
    let mut origin = origin;
    origin.remote.set_port(via.port.unwrap_or(origin.transport.port()));
    origin
}

impl Core {
    /// Begins a transaction.
    pub(super) fn serve(&mut self, key: &str, to: Origin, request: &Message, call: Option<u64>) {
        let invite = request.method() == Some(&Method::Invite);
        let origin = origin_key(request);
        if let Some(origin) = &origin {
            self.origins.insert(origin.clone(), key.to_owned());
        }
        let head = Message { start: request.start.clone(), lines: request.lines.clone(), body: Vec::new() };
        let machine = Server::new(invite, to.transport.is_reliable());
        let tag = self.word();
        let entry = ServerEntry { machine, to, request: head, tag, call, last: None, origin };
        self.servers.insert(key.to_owned(), entry);
    }

    /// Answers a request of a transaction; nothing if that has had its final answer.
    pub(super) fn respond(&mut self, key: &str, status: u16, phrase: &str, with: Reply) {
        let now = self.now;
        let Some(entry) = self.servers.get_mut(key).filter(|entry| entry.machine.is_open()) else { return };
        let tag = (status > 100).then_some(entry.tag.as_str());
        let mut response = Message::response(&entry.request, status, phrase, tag);
        with.lines.iter().for_each(|(name, value)| response.push(name, value.clone()));
        if let Some((content_type, body)) = with.body {
            response.push("Content-Type", content_type);
            response.body = body;
        }
        let bytes = response.write();
        entry.machine.on_answer(status, now);
        entry.last = Some(bytes.clone());
        let (to, due) = (entry.to, entry.machine.deadline());
        add(&self.counters.sent);
        self.effects.push(Effect::Reply { to, bytes });
        self.schedule(Clock::Server(key.to_owned()), due);
    }

    /// Refuses a request of a transaction by itself.
    pub(super) fn refuse(&mut self, key: &str, status: u16, lines: Vec<(&str, String)>) {
        self.refused();
        let lines = lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.respond(key, status, patchbay_sip::reason::canonical(status), Reply { lines, body: None });
    }

    /// Answers a request without remembering it: what cannot be read costs us no more than this.
    pub(super) fn respond_once(&mut self, to: Origin, request: &Message, status: u16, phrase: &str) {
        self.refused();
        if request.method() == Some(&Method::Ack) {
            return;
        }
        let tag = self.word();
        let response = Message::response(request, status, phrase, Some(&tag));
        add(&self.counters.sent);
        self.effects.push(Effect::Reply { to, bytes: response.write() });
    }

    /// The request has come once more.
    pub(super) fn again(&mut self, key: &str) {
        let Some(entry) = self.servers.get(key) else { return };
        if let (true, Some(bytes)) = (entry.machine.on_request(), &entry.last) {
            let effect = Effect::Reply { to: entry.to, bytes: bytes.clone() };
            add(&self.counters.repeated);
            self.effects.push(effect);
        }
    }

    pub(super) fn server_due(&mut self, key: &str) {
        let Some(entry) = self.servers.get_mut(key) else { return };
        match entry.machine.on_deadline(self.now) {
            Due::Nothing => {}
            Due::Again => {
                add(&self.counters.repeated);
                let bytes = entry.last.clone().unwrap_or_default();
                self.effects.push(Effect::Reply { to: entry.to, bytes });
            }
            Due::Over => self.forget_server(key),
            Due::TimedOut => {
                let call = entry.call;
                self.forget_server(key);
                if let Some(call) = call {
                    self.never_acked(call, key);
                }
            }
        }
        if let Some(entry) = self.servers.get(key) {
            self.schedule(Clock::Server(key.to_owned()), entry.machine.deadline());
        }
    }

    pub(super) fn forget_server(&mut self, key: &str) {
        self.schedule(Clock::Server(key.to_owned()), None);
        if let Some(origin) = self.servers.remove(key).and_then(|entry| entry.origin) {
            self.origins.remove(&origin);
        }
    }
}

/// What an answer has besides what all have.
#[derive(Default)]
pub(super) struct Reply {
    pub(super) lines: Vec<(String, String)>,
    /// Type and content.
    pub(super) body: Option<(String, Vec<u8>)>,
}
