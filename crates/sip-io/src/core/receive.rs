//! What comes in, and whom it is for.

use patchbay_sip::text::clean;
use patchbay_sip::uri::Uri;

use super::respond::{Reply, back, key, origin_key};
use super::{Core, Effect, Origin};
use crate::api::Caller;
use crate::counts::add;
use crate::wire::{self, Message, Method, Start, Via};

/// Longest name of a caller, in bytes.
const CALLER_BYTES: usize = 384;

impl Core {
    /// Bytes of one message. What is no SIP, or has nobody who could be answered, is dropped and counted; a request with
    /// a fault is answered with what [`wire::Fault::answer`] says, without a transaction.
    pub(super) fn receive(&mut self, origin: Origin, bytes: &[u8]) {
        let Some((mut message, fault)) = wire::read(bytes) else { return add(&self.counters.unreadable) };
        let Some(via) = message.via() else { return add(&self.counters.unreadable) };
        add(&self.counters.received);
        if message.status().is_some() {
            // RFC 3261 section 8.1.3.3: more than one Via, and it is another's.
            let ours = fault.is_none() && message.list("Via").count() == 1;
            return if ours { self.on_response(origin, message) } else { add(&self.counters.stray) };
        }
        stamp(&mut message, origin);
        let to = back(origin, &via);
        if let Some(fault) = fault.or_else(|| wire::check(&message)) {
            let (status, phrase) = fault.answer();
            return self.respond_once(to, &message, status, &phrase);
        }
        let key = key(&message, &via);
        match message.method() {
            Some(Method::Ack) => self.on_ack(&key, &message),
            Some(Method::Cancel) => self.on_cancel(&key, to, &message, &via),
            _ if self.servers.contains_key(&key) => self.again(&key),
            _ => self.on_request(&key, to, &message),
        }
    }

    fn on_ack(&mut self, key: &str, ack: &Message) {
        let now = self.now;
        // Of a refusal it has the branch of its INVITE; of a 2xx a new one, and is found by its call.
        let call = self.dialog_of(ack);
        let key = match self.servers.contains_key(key) {
            true => key.to_owned(),
            false => {
                let pending = call.and_then(|call| self.calls.get(&call)?.unacked.clone());
                let seq = ack.cseq().map(|(seq, _)| seq);
                let same = |key: &String| {
                    self.servers.get(key).is_some_and(|entry| entry.request.cseq().map(|(seq, _)| seq) == seq)
                };
                match pending.filter(same) {
                    Some(key) => key,
                    None => return add(&self.counters.stray),
                }
            }
        };
        let Some(entry) = self.servers.get_mut(&key) else { return };
        let first = entry.machine.on_ack(now);
        let (due, call) = (entry.machine.deadline(), entry.call);
        self.schedule(super::Clock::Server(key.clone()), due);
        if let (true, Some(call)) = (first, call) {
            self.acked(call, &key, ack);
        }
    }

    fn on_cancel(&mut self, key: &str, to: Origin, cancel: &Message, via: &Via) {
        let Some(entry) = self.servers.get(key).filter(|_| !via.branch.is_empty()) else {
            return self.respond_once(to, cancel, 481, patchbay_sip::reason::canonical(481));
        };
        let (tag, open, call) = (entry.tag.clone(), entry.machine.is_open(), entry.call);
        let response = Message::response(cancel, 200, "OK", Some(&tag));
        add(&self.counters.sent);
        self.effects.push(Effect::Reply { to, bytes: response.write() });
        // RFC 3261 section 9.2: after the final answer it changes nothing.
        if open {
            match call {
                Some(call) => self.cancelled(call, key, cancel),
                None => self.refuse(key, 487, Vec::new()),
            }
        }
    }

    fn on_request(&mut self, key: &str, to: Origin, request: &Message) {
        let inside = request.tag("To").is_some();
        let merged = origin_key(request).is_some_and(|origin| self.origins.contains_key(&origin));
        let call = if inside { self.call_of(request) } else { None };
        // What belongs to a call still gets through.
        if call.is_none() && self.servers.len() + self.clients.len() >= self.settings.limits.transactions {
            return add(&self.counters.dropped);
        }
        self.serve(key, to, request, call);
        if merged {
            return self.refuse(key, 482, Vec::new());
        }
        let unknown: Vec<&str> = match request.method() {
            Some(Method::Cancel | Method::Ack) => Vec::new(),
            _ => request.list("Require").filter(|one| !is_known(one)).collect(),
        };
        if !unknown.is_empty() {
            let list = unknown.join(", ");
            return self.refuse(key, 420, vec![("Unsupported", clean(&list, CALLER_BYTES))]);
        }
        if request.value("Content-Encoding").is_some_and(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            return self.refuse(key, 415, vec![("Accept-Encoding", "identity".to_owned())]);
        }
        match (call, request.method()) {
            (Some(call), _) => self.inside(call, key, to, request),
            (None, Some(Method::Options)) => self.options(key),
            _ if inside => self.refuse(key, 481, Vec::new()),
            (None, Some(Method::Invite)) => self.call_in(key, to, request),
            (None, Some(Method::Message)) => self.text_in(key, to, request),
            (None, Some(Method::Bye | Method::Info | Method::Prack | Method::Update)) => {
                self.refuse(key, 481, Vec::new());
            }
            _ => self.refuse(key, 405, vec![("Allow", wire::ALLOW.to_owned())]),
        }
    }

    /// What we can do (RFC 3261 section 11.2).
    pub(super) fn options(&mut self, key: &str) {
        let lines = [
            ("Allow", wire::ALLOW),
            ("Accept", "application/sdp, application/dtmf-relay, text/plain, message/cpim"),
            ("Accept-Encoding", "identity"),
            ("Accept-Language", "en"),
            ("Supported", "timer"),
        ];
        let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        self.respond(key, 200, "OK", Reply { lines, body: None });
    }

    /// The call that a request is about: by its `Call-ID`, our tag and theirs.
    fn call_of(&self, request: &Message) -> Option<u64> {
        self.dialog_of(request).filter(|id| self.calls.get(id).is_some_and(|call| !call.is_over()))
    }

    /// The same, also if the call is over.
    fn dialog_of(&self, request: &Message) -> Option<u64> {
        let name = (request.call_id().to_owned(), request.tag("To")?.to_owned());
        let id = *self.by_tag.get(&name)?;
        let call = self.calls.get(&id)?;
        let theirs = request.tag("From").unwrap_or_default();
        (call.remote_tag.as_deref().is_none_or(|tag| tag == theirs)).then_some(id)
    }

    /// Who sends a request: `From`, or `P-Asserted-Identity` if it comes from a server that we trust.
    pub(super) fn sender(&self, request: &Message, origin: Origin, proxy: Option<std::net::SocketAddr>) -> Caller {
        let ip = origin.remote.ip().to_canonical();
        let configured = self.settings.proxy.is_some() && proxy.is_some_and(|proxy| proxy.ip().to_canonical() == ip);
        let trusted = configured || self.settings.trusted.iter().any(|one| one.to_canonical() == ip);
        let asserted = if trusted { request.list("P-Asserted-Identity").next() } else { None };
        let from = request.value("From").unwrap_or_default();
        let mut caller = caller(asserted.unwrap_or(from));
        caller.asserted = asserted.is_some();
        if caller.display.is_none() {
            caller.display = self::caller(from).display;
        }
        caller
    }

    /// The line that a request is for, by the user of our contact.
    pub(super) fn line_of(&self, request: &Message) -> Option<u64> {
        let uri = Uri::parse(request.uri()).ok()?;
        self.tokens.get(uri.user()?).copied()
    }

    /// Whether a request is for one of our own domains.
    pub(super) fn is_own(&self, request: &Message) -> bool {
        let Ok(uri) = Uri::parse(request.uri()) else { return false };
        self.settings.domains.iter().any(|domain| domain.eq_ignore_ascii_case(uri.host()))
    }
}

/// The caller that an address names.
pub(super) fn caller(value: &str) -> Caller {
    let uri = wire::uri_of(value);
    let (_, rest) = uri.split_once(':').unwrap_or(("", uri));
    let plain = rest.split([';', '?']).next().unwrap_or_default();
    let display = value.split('<').next().filter(|_| value.contains('<')).unwrap_or_default().trim();
    let display = match patchbay_sip::address::Address::parse(value) {
        Ok(address) => address.display,
        Err(_) => Some(clean(display.trim_matches('"'), 128)).filter(|display| !display.is_empty()),
    };
    Caller { uri: clean(plain, CALLER_BYTES), display, asserted: false }
}

/// Extensions that a request may require.
fn is_known(extension: &str) -> bool {
    ["timer", "100rel"].iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// Writes into the top `Via` where a request came from.
fn stamp(message: &mut Message, origin: Origin) {
    debug_assert!(matches!(message.start, Start::Request { .. }));
    let Some(line) = message.lines.iter_mut().find(|line| line.name.eq_ignore_ascii_case("Via")) else { return };
    let members = patchbay_sip::text::split(&line.value, ',');
    let Some((top, rest)) = members.split_first() else { return };
    let mut value = Via::received(top, origin.remote);
    for member in rest {
        value.push_str(", ");
        value.push_str(member.trim());
    }
    line.value = value;
}
