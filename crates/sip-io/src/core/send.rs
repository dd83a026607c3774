//! Requests of ours: from a draft by way of a path to a transaction, and back with its responses.

use std::net::SocketAddr;

use patchbay_sip::digest::{Asked, Attempt, Source};

use super::call::CHANGING;
use super::{Clock, Core, Effect, Origin, Path, Target, Unrouted};
use crate::api::LineNews;
use crate::counts::add;
use crate::transaction::{Client, Due, Heard, TIMEOUT};
use crate::wire::{Message, Method, Via};

/// Longest datagram, in bytes (RFC 3261 section 18.1.1): longer ones are cut to pieces on the way, and lost when one of
/// these is. Above it we look for a stream.
const DATAGRAM: usize = 1_300;

/// For whom a request is sent, and so who hears of its responses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// A line's `REGISTER`.
    Register(u64),
    /// A line's `MESSAGE`, with the tag of the order.
    Text(u64, u64),
    /// The `INVITE` that a call begins with.
    Invite(u64),
    /// A request inside of a call.
    Inside(u64, Inside),
    /// Nobody minds.
    Nobody,
}

/// Requests inside of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// A re-INVITE for the owner.
    Reinvite,
    /// A re-INVITE or UPDATE for the session timer.
    Refresh,
    Bye,
    Info,
    Prack,
    /// A `MESSAGE`, with the tag of the order.
    Text(u64),
}

/// Who may be told credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// The request goes to the account's own domain, or to the proxy that we chose.
    Yes,
    /// It does if it goes to this address.
    At(Option<SocketAddr>),
    No,
}

/// A request without what its path decides: `Via`, `Contact`, credentials.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) owner: Owner,
    pub(super) method: Method,
    pub(super) uri: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) call_id: String,
    pub(super) seq: u32,
    pub(super) routes: Vec<String>,
    /// The user of our contact, where one is written.
    pub(super) contact: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) lines: Vec<(String, String)>,
    /// Type and content.
    pub(super) body: Option<(String, Vec<u8>)>,
    pub(super) target: Target,
    pub(super) home: Home,
    pub(super) attempt: Attempt,
}

/// A request that waits for its path.
pub(super) struct Waiting {
    draft: Draft,
    /// The datagrams that it may take if there is no stream.
    spare: Option<Path>,
}

/// A client transaction.
pub(super) struct ClientEntry {
    pub(super) machine: Client,
    pub(super) draft: Draft,
    pub(super) path: Path,
    /// As it was sent: what `ACK` and `CANCEL` are made from.
    pub(super) request: Message,
    bytes: Vec<u8>,
    /// The `ACK` of a refusal.
    ack: Option<Vec<u8>>,
}

impl Core {
    /// Sends a request along `path` if that leads to its target, else along one that is looked for.
    pub(super) fn submit(&mut self, draft: Draft, path: Option<&Path>) {
        match path.filter(|path| draft.target.is_reached_by(path)) {
            Some(path) => self.launch(draft, path.clone(), false),
            None => self.resolve(draft, None),
        }
    }

    fn resolve(&mut self, draft: Draft, spare: Option<Path>) {
        self.asks += 1;
        let (ask, target) = (self.asks, draft.target.clone());
        self.waiting.insert(ask, Waiting { draft, spare });
        self.effects.push(Effect::Resolve { ask, target });
    }

    pub(super) fn routed(&mut self, ask: u64, result: Result<Path, Unrouted>) {
        let Some(Waiting { mut draft, spare }) = self.waiting.remove(&ask) else {
            return self.line_routed(ask, result);
        };
        draft.target.stream = false;
        match (result, spare) {
            (Ok(path), spare) => {
                let path = Path { target: draft.target.clone(), ..path };
                self.launch(draft, path, spare.is_some());
            }
            (Err(_), Some(spare)) => self.launch(draft, spare, true),
            (Err(unrouted), None) => self.unrouted(&draft, &unrouted),
        }
    }

    /// Asks for a path for something other than a request.
    pub(super) fn ask(&mut self, target: Target) -> u64 {
        self.asks += 1;
        self.effects.push(Effect::Resolve { ask: self.asks, target });
        self.asks
    }

    /// `settled`: a longer request than a datagram should have takes this path all the same.
    fn launch(&mut self, draft: Draft, path: Path, settled: bool) {
        if !self.is_wanted(&draft.owner) {
            return;
        }
        let branch = format!("{}{}", crate::wire::COOKIE, self.word());
        let request = self.compose(&draft, &path, &branch);
        let bytes = request.write();
        if draft.method == Method::Ack {
            // Of a 2xx: nobody answers it, and a copy of the 2xx brings it forth again.
            if let Owner::Inside(call, _) = draft.owner {
                self.ack_sent(call, draft.seq, bytes.clone(), path.clone());
            }
            return self.send_alone(&path, bytes);
        }
        // Who asks for datagrams by name gets them.
        let may = path.target.transport.is_none() && !path.transport.is_reliable() && !settled;
        if bytes.len() > DATAGRAM && may {
            let mut draft = draft;
            draft.target.stream = true;
            return self.resolve(draft, Some(path));
        }
        let key = format!("{branch} {}", draft.method);
        let invite = draft.method == Method::Invite;
        let machine = Client::new(invite, path.transport.is_reliable(), self.now);
        let owner = draft.owner.clone();
        self.schedule(Clock::Client(key.clone()), machine.deadline());
        add(&self.counters.sent);
        self.effects.push(Effect::Send { path: path.clone(), bytes: bytes.clone(), client: Some(key.clone()) });
        let entry = ClientEntry { machine, draft, path: path.clone(), request, bytes, ack: None };
        self.clients.insert(key.clone(), entry);
        match owner {
            Owner::Invite(call) => self.invite_sent(call, key, path),
            Owner::Inside(call, what) => self.inside_sent(call, what, key, path),
            Owner::Register(line) => self.register_sent(line, path),
            Owner::Text(..) | Owner::Nobody => {}
        }
    }

    /// The request as it goes along `path`.
    pub(super) fn compose(&mut self, draft: &Draft, path: &Path, branch: &str) -> Message {
        let mut request = Message::request(draft.method.clone(), &draft.uri);
        request.push("Via", via(path, branch));
        draft.routes.iter().for_each(|route| request.push("Route", route.clone()));
        request.push("Max-Forwards", "70");
        request.push("From", draft.from.clone());
        request.push("To", draft.to.clone());
        request.push("Call-ID", draft.call_id.clone());
        request.push("CSeq", format!("{} {}", draft.seq, draft.method));
        if let Some(user) = &draft.contact {
            let secure = draft.uri.starts_with("sips:");
            request.push("Contact", contact(user, path.local, path.transport.word(), secure));
        }
        let agent = draft.user_agent.clone().unwrap_or_else(|| self.settings.user_agent.clone());
        request.push("User-Agent", agent);
        draft.lines.iter().for_each(|(name, value)| request.push(name, value.clone()));
        if let Some((content_type, body)) = &draft.body {
            request.push("Content-Type", content_type.clone());
            request.body.clone_from(body);
        }
        // RFC 3261 section 22.1: neither of these can be challenged.
        if !matches!(draft.method, Method::Ack | Method::Cancel) {
            self.sign(draft, path, &mut request);
        }
        request
    }

    fn sign(&mut self, draft: &Draft, path: &Path, request: &mut Message) {
        let home = match draft.home {
            Home::Yes => true,
            Home::At(address) => address == Some(path.remote),
            Home::No => false,
        };
        let digest = match draft.owner {
            Owner::Text(line, _) => self.lines.get_mut(&line).map(|line| &mut line.digest),
            Owner::Invite(call) | Owner::Inside(call, _) => {
                self.calls.get_mut(&call).and_then(|call| call.digest.as_mut())
            }
            // A registration writes its own.
            Owner::Register(_) | Owner::Nobody => None,
        };
        let body = draft.body.as_ref().map_or(&[][..], |(_, body)| body.as_slice());
        let asked = Asked { method: draft.method.as_str(), uri: &draft.uri, body };
        let source = if home { Source::Home } else { Source::Foreign };
        for line in digest.map(|digest| digest.headers(&asked, source)).unwrap_or_default() {
            request.push(line.name, line.value);
        }
    }

    /// Whether an owner is still there.
    fn is_wanted(&self, owner: &Owner) -> bool {
        match owner {
            Owner::Register(line) | Owner::Text(line, _) => self.lines.contains_key(line),
            Owner::Invite(call) => self.calls.get(call).is_some_and(|call| !call.is_over()),
            Owner::Inside(call, _) => self.calls.contains_key(call),
            Owner::Nobody => true,
        }
    }

    fn unrouted(&mut self, draft: &Draft, why: &Unrouted) {
        add(&self.counters.unsent);
        match (&draft.owner, why) {
            (Owner::Invite(call), Unrouted::Lookup(text)) => self.invite_unresolved(*call, text),
            (Owner::Text(line, tag), Unrouted::Lookup(text)) => {
                let news = LineNews::Sent { tag: *tag, code: 503, reason: text.clone() };
                self.effects.push(Effect::Line(*line, news));
            }
            (owner, _) => self.failed(&owner.clone(), draft, false),
        }
    }

    /// Sends a message that has no transaction: an `ACK` of a 2xx.
    pub(super) fn send_alone(&mut self, path: &Path, bytes: Vec<u8>) {
        self.effects.push(Effect::Send { path: path.clone(), bytes, client: None });
    }

    pub(super) fn on_response(&mut self, origin: Origin, response: Message) {
        let key = match (response.via(), response.cseq()) {
            (Some(Via { branch, .. }), Some((_, method))) => format!("{branch} {method}"),
            _ => return add(&self.counters.unreadable),
        };
        let (Some(entry), Some(status)) = (self.clients.get_mut(&key), response.status()) else {
            return add(&self.counters.stray);
        };
        // Who guesses a branch is a stranger all the same. Datagrams may come back from another address of a server that has
        // several; but whoever asks for a password is the one that was asked, or it is not told.
        let elsewhere = match entry.path.transport.is_reliable() {
            true => entry.path.flow != origin.flow,
            false => matches!(status, 401 | 407) && entry.path.remote.ip() != origin.remote.ip(),
        };
        if elsewhere {
            return add(&self.counters.stray);
        }
        let heard = entry.machine.on_response(status, self.now);
        if status < 200 && matches!(entry.draft.owner, Owner::Inside(..)) && entry.draft.method == Method::Invite {
            entry.machine.end_within(CHANGING, self.now);
        }
        let deadline = entry.machine.deadline();
        let refused = entry.machine.is_final() && status >= 300 && entry.draft.method == Method::Invite;
        if refused && heard != Heard::Old {
            let ack = entry.ack.get_or_insert_with(|| acknowledge(&entry.request, &response).write()).clone();
            let path = entry.path.clone();
            self.effects.push(Effect::Send { path, bytes: ack, client: None });
        }
        let (draft, path) = (entry.draft.clone(), entry.path.clone());
        self.schedule(Clock::Client(key.clone()), deadline);
        if heard != Heard::New {
            return;
        }
        match draft.owner.clone() {
            Owner::Register(line) => self.register_answered(line, &response),
            Owner::Text(line, tag) => self.text_answered(line, tag, draft, &path, &response),
            Owner::Invite(call) => self.invite_answered(call, draft, &path, &response),
            Owner::Inside(call, what) => self.inside_answered(call, what, draft, &path, &response),
            Owner::Nobody => {}
        }
    }

    pub(super) fn client_due(&mut self, key: &str) {
        let Some(entry) = self.clients.get_mut(key) else { return };
        match entry.machine.on_deadline(self.now) {
            Due::Nothing => {}
            Due::Again => {
                add(&self.counters.repeated);
                let (path, bytes) = (entry.path.clone(), entry.bytes.clone());
                self.effects.push(Effect::Send { path, bytes, client: Some(key.to_owned()) });
            }
            Due::Over => _ = self.clients.remove(key),
            Due::TimedOut => {
                add(&self.counters.timed_out);
                if let Some(entry) = self.clients.remove(key) {
                    self.failed(&entry.draft.owner.clone(), &entry.draft, true);
                }
            }
        }
        if let Some(entry) = self.clients.get(key) {
            self.schedule(Clock::Client(key.to_owned()), entry.machine.deadline());
        }
    }

    /// A request could not be sent.
    pub(crate) fn unsent(&mut self, key: &str) {
        if self.clients.get(key).is_none_or(|entry| entry.machine.is_final()) {
            return;
        }
        add(&self.counters.unsent);
        if let Some(entry) = self.clients.remove(key) {
            self.schedule(Clock::Client(key.to_owned()), None);
            self.failed(&entry.draft.owner.clone(), &entry.draft, false);
        }
    }

    /// A request got no answer: in time, or at all.
    fn failed(&mut self, owner: &Owner, draft: &Draft, timeout: bool) {
        let code = if timeout { 408 } else { 503 };
        match owner {
            Owner::Register(line) => self.register_failed(*line, timeout),
            Owner::Text(line, tag) => self.text_done(*line, *tag, code, ""),
            Owner::Invite(call) => self.invite_failed(*call, code),
            Owner::Inside(call, what) => self.inside_failed(*call, *what, draft, code),
            Owner::Nobody => {}
        }
    }

    /// A stream has ended: what was asked along it gets no answer, what follows needs another.
    pub(super) fn lost(&mut self, flow: u64) {
        let of = |(key, entry): (&String, &ClientEntry)| {
            (entry.path.flow == flow && entry.path.transport.is_reliable()).then(|| key.clone())
        };
        let keys: Vec<String> = self.clients.iter().filter_map(of).collect();
        for call in self.calls.values_mut() {
            if call.path.as_ref().is_some_and(|path| path.flow == flow) {
                call.path = None;
            }
        }
        keys.iter().for_each(|key| self.unsent(key));
        self.lines_lost(flow);
    }

    /// Cancels the `INVITE` of `key` if it rings (RFC 3261 section 9.1: not before).
    pub(super) fn cancel(&mut self, key: &str) -> bool {
        let Some(entry) = self.clients.get_mut(key).filter(|entry| entry.machine.is_proceeding()) else { return false };
        entry.machine.end_within(TIMEOUT, self.now);
        let mut cancel = Message::request(Method::Cancel, entry.request.uri());
        for name in ["Via", "Route", "Max-Forwards", "From", "To", "Call-ID"] {
            entry.request.values(name).for_each(|value| cancel.push(name, value));
        }
        cancel.push("CSeq", format!("{} CANCEL", entry.draft.seq));
        let branch = entry.request.via().map(|via| via.branch).unwrap_or_default();
        let path = entry.path.clone();
        let draft = Draft { owner: Owner::Nobody, method: Method::Cancel, ..entry.draft.clone() };
        let (end, bytes) = (entry.machine.deadline(), cancel.write());
        self.schedule(Clock::Client(key.to_owned()), end);
        let key = format!("{branch} CANCEL");
        let machine = Client::new(false, path.transport.is_reliable(), self.now);
        self.schedule(Clock::Client(key.clone()), machine.deadline());
        add(&self.counters.sent);
        self.effects.push(Effect::Send { path: path.clone(), bytes: bytes.clone(), client: Some(key.clone()) });
        self.clients.insert(key, ClientEntry { machine, draft, path, request: cancel, bytes, ack: None });
        true
    }
}

/// The value of `Via` on `path`.
pub(super) fn via(path: &Path, branch: &str) -> String {
    // RFC 5923: a stream is used in both directions.
    let alias = if path.transport.is_reliable() { ";alias" } else { "" };
    format!("SIP/2.0/{} {};branch={branch};rport{alias}", path.transport.upper(), path.local)
}

/// The value of `Contact`: where we are found, as seen from a path. Who was asked for by `sips` is found by it, too
/// (RFC 3261 section 12.1.1).
pub(super) fn contact(user: &str, local: SocketAddr, transport: &str, secure: bool) -> String {
    if secure { format!("<sips:{user}@{local}>") } else { format!("<sip:{user}@{local};transport={transport}>") }
}

/// The `ACK` of a refusal (RFC 3261 section 17.1.1.3).
fn acknowledge(invite: &Message, response: &Message) -> Message {
    let mut ack = Message::request(Method::Ack, invite.uri());
    for name in ["Via", "Route", "Max-Forwards", "From"] {
        invite.values(name).for_each(|value| ack.push(name, value));
    }
    ack.push("To", response.value("To").unwrap_or_default());
    ack.push("Call-ID", invite.call_id());
    let seq = invite.cseq().map_or(0, |(seq, _)| seq);
    ack.push("CSeq", format!("{seq} ACK"));
    ack
}
