//! Calls that come in (RFC 3261 section 13.3), until they are answered or refused.

use std::time::Duration;

use patchbay_core::Moment;
use patchbay_sip::digest::Digest;
use patchbay_sip::reason;
use patchbay_sip::timers::{self, Asking, INTERVAL, LEAST, SessionExpires};

use super::call::{Call, Pending, Phase, allowed, lines, target_of, without_tag};
use super::respond::Reply;
use super::send::contact;
use super::{Core, Effect, NewCall, Origin, Path, Target};
use crate::api::{By, DialogNews, Ended, LineNews};
use crate::transaction::{T1, T2, TIMEOUT};
use crate::wire::{ALLOW, Message};

/// Provisional answers that must arrive (RFC 3262): one at a time, repeated until its `PRACK` comes.
#[derive(Default)]
pub(super) struct Reliable {
    /// The caller requires it.
    pub(super) required: bool,
    number: u32,
    /// What is repeated.
    open: Option<Open>,
    /// What waits for its turn.
    queue: Vec<(u16, Reply)>,
}

struct Open {
    status: u16,
    again: Moment,
    pause: Duration,
    end: Moment,
}

/// Most provisional answers that wait for the one before. `180` and `183` are two; more adds nothing for the caller.
const QUEUE: usize = 4;

impl Reliable {
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.open.as_ref().map(|open| open.again.min(open.end))
    }
}

impl Core {
    pub(super) fn call_in(&mut self, key: &str, to: Origin, request: &Message) {
        let line = self.line_of(request);
        if line.is_none() && !self.is_own(request) {
            return self.refuse(key, 404, Vec::new());
        }
        if self.open >= self.settings.limits.dialogs || self.stopping {
            return self.refuse(key, 503, vec![("Retry-After", "30".to_owned())]);
        }
        let Some(target) = target_of(request) else {
            return self.refuse(key, 400, Vec::new());
        };
        if request.content_type().is_some() && request.sdp().is_none() {
            return self.refuse(key, 415, vec![("Accept", "application/sdp".to_owned())]);
        }
        let supported = request.has("Supported", "timer") || request.has("Require", "timer");
        let wish = request.value("Session-Expires").and_then(SessionExpires::parse);
        if timers::asked(wish, supported, self.now) == timers::Asked::TooSmall {
            return self.refuse(key, 422, vec![("Min-SE", LEAST.to_string())]);
        }
        let line_path = line.and_then(|line| self.lines.get(&line)?.path.as_ref().map(|path| path.remote));
        let from = self.sender(request, to, line_path);
        if let Some(line) = line
            && self.lines.get(&line).is_some_and(|entry| entry.busy >= self.settings.limits.calls_of_line)
        {
            self.refuse(key, 486, Vec::new());
            return self.effects.push(Effect::Line(line, LineNews::Missed(from)));
        }
        let id = self.next_id();
        let call = self.incoming(key, to, request, line, target);
        self.by_tag.insert((call.call_id.clone(), call.local_tag.clone()), id);
        self.calls.insert(id, call);
        self.open += 1;
        if let Some(entry) = self.servers.get_mut(key) {
            entry.call = Some(id);
        }
        if let Some(line) = line.and_then(|line| self.lines.get_mut(&line)) {
            line.busy += 1;
        }
        // The caller's proxy stops asking again.
        self.respond(key, 100, "Trying", Reply::default());
        self.reschedule_call(id);
        self.effects.push(Effect::Call(Box::new(NewCall {
            line,
            dialog: id,
            from,
            to: super::receive::caller(request.value("To").unwrap_or_default()).uri,
            call_id: request.call_id().to_owned(),
            headers: lines(request),
            sdp: request.sdp(),
        })));
    }

    fn incoming(&mut self, key: &str, to: Origin, request: &Message, line: Option<u64>, target: String) -> Call {
        let proxy = self.settings.proxy.as_ref().map(|proxy| proxy.uri().host().to_owned());
        let realms: Vec<&str> = proxy.iter().map(String::as_str).collect();
        let fallback = self.word();
        let owner = line.and_then(|line| self.lines.get(&line));
        let digest = owner.map(|line| Digest::new(&line.account.aor, line.account.ha1.clone(), &realms));
        let home = owner.and_then(|line| line.path.as_ref().map(|path| path.remote));
        let (transport, remote) = (to.transport, to.remote);
        let host = remote.ip().to_string();
        let hop = Target { host, port: Some(remote.port()), transport: Some(transport), secure: false, stream: false };
        let path = Path { flow: to.flow, transport, remote, local: to.local, target: hop };
        let local_tag = self.servers.get(key).map_or_else(|| fallback.clone(), |entry| entry.tag.clone());
        let reliable = Reliable { required: request.has("Require", "100rel"), ..Reliable::default() };
        Call {
            line,
            caller: false,
            phase: Phase::Ringing,
            heard: true,
            call_id: request.call_id().to_owned(),
            local: without_tag(request.value("To").unwrap_or_default()),
            local_tag,
            remote: without_tag(request.value("From").unwrap_or_default()),
            remote_tag: Some(request.tag("From").unwrap_or_default().to_owned()),
            seq: 0,
            remote_seq: request.cseq().map(|(seq, _)| seq),
            invited: request.cseq().map(|(seq, _)| seq),
            target,
            routes: request.list("Record-Route").map(str::to_owned).collect(),
            contact: owner.map_or(fallback, |line| line.token.clone()),
            path: Some(path),
            home,
            digest,
            user_agent: owner.and_then(|line| line.account.user_agent.clone()),
            invite: None,
            giving_up: false,
            asking: Asking::new(INTERVAL),
            timer: None,
            updates: request.has("Allow", "UPDATE"),
            pending: Some(Pending { key: key.to_owned(), update: false, delayed: request.sdp().is_none() }),
            unacked: None,
            delayed: false,
            change: None,
            retry: None,
            sdp: None,
            early: false,
            forks: Vec::new(),
            ack: None,
            owes_ack: None,
            redirected: false,
            until: Some(self.now + self.settings.ring_timeout),
            reliable,
        }
    }

    /// What every answer of ours that makes a dialog has.
    pub(super) fn dialog_lines(&self, id: u64, key: &str) -> Vec<(String, String)> {
        let (Some(call), Some(entry)) = (self.calls.get(&id), self.servers.get(key)) else { return Vec::new() };
        let routes = entry.request.values("Record-Route").map(|value| ("Record-Route".to_owned(), value.to_owned()));
        let mut lines: Vec<(String, String)> = routes.collect();
        let agent = call.user_agent.clone().unwrap_or_else(|| self.settings.user_agent.clone());
        let secure = entry.request.uri().starts_with("sips:");
        let here = contact(&call.contact, entry.to.local, entry.to.transport.word(), secure);
        lines.push(("Contact".to_owned(), here));
        lines.push(("Allow".to_owned(), ALLOW.to_owned()));
        lines.push(("User-Agent".to_owned(), agent));
        lines
    }

    fn ringing(&self, id: u64) -> Option<String> {
        let call = self.calls.get(&id).filter(|call| call.phase == Phase::Ringing)?;
        call.pending.as_ref().map(|pending| pending.key.clone())
    }

    pub(super) fn ring(&mut self, id: u64) {
        self.provisional(id, 180, None);
    }

    pub(super) fn progress(&mut self, id: u64, sdp: String) {
        self.provisional(id, 183, Some(sdp));
    }

    fn provisional(&mut self, id: u64, status: u16, sdp: Option<String>) {
        let Some(key) = self.ringing(id) else { return };
        let lines = self.dialog_lines(id, &key);
        let body = sdp.map(|sdp| ("application/sdp".to_owned(), sdp.into_bytes()));
        let reply = Reply { lines, body };
        let Some(call) = self.calls.get_mut(&id) else { return };
        if !call.reliable.required {
            return self.respond(&key, status, phrase(status), reply);
        }
        if call.reliable.queue.len() < QUEUE {
            call.reliable.queue.push((status, reply));
        }
        self.next_reliable(id);
    }

    /// Sends the next provisional answer that must arrive, or the answer behind them, unless one is still open.
    fn next_reliable(&mut self, id: u64) {
        let now = self.now;
        let Some(key) = self.ringing(id) else { return };
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.reliable.open.is_some() || call.reliable.queue.is_empty() {
            return;
        }
        let (status, mut reply) = call.reliable.queue.remove(0);
        if status >= 200 {
            return self.accept(id, &key, reply);
        }
        call.reliable.number += 1;
        call.reliable.open = Some(Open { status, again: now + T1, pause: T1, end: now + TIMEOUT });
        reply.lines.push(("Require".to_owned(), "100rel".to_owned()));
        reply.lines.push(("RSeq".to_owned(), call.reliable.number.to_string()));
        self.respond(&key, status, phrase(status), reply);
        self.reschedule_call(id);
    }

    pub(super) fn repeat_reliable(&mut self, id: u64) {
        let now = self.now;
        let Some(key) = self.ringing(id) else { return };
        let Some(open) = self.calls.get_mut(&id).and_then(|call| call.reliable.open.as_mut()) else { return };
        if open.end <= now {
            // RFC 3262 section 3: 5xx.
            return self.reject(id, 504, By::Network);
        }
        if open.again <= now {
            open.pause = (open.pause * 2).min(T2);
            open.again = now + open.pause;
            self.again(&key);
        }
    }

    /// A `PRACK`: whether it is for the provisional answer that is open.
    pub(super) fn on_prack(&mut self, id: u64, rack: &str) -> bool {
        let mut words = rack.split_ascii_whitespace();
        let number: Option<u32> = words.next().and_then(|word| word.parse().ok());
        let Some(call) = self.calls.get_mut(&id) else { return false };
        let seq: Option<u32> = words.next().and_then(|word| word.parse().ok());
        let same = number == Some(call.reliable.number) && seq == call.invited;
        let open = call.reliable.open.take_if(|_| same);
        if let Some(open) = open {
            debug_assert!(open.status < 200);
            self.next_reliable(id);
            self.reschedule_call(id);
            return true;
        }
        false
    }

    pub(super) fn answer(&mut self, id: u64, sdp: String, headers: Vec<(String, String)>) {
        let Some(key) = self.ringing(id) else { return };
        let mut lines = self.dialog_lines(id, &key);
        lines.extend(allowed(&headers));
        if let Some(call) = self.calls.get_mut(&id) {
            call.sdp = Some(sdp.clone());
        }
        let reply = Reply { lines, body: Some(("application/sdp".to_owned(), sdp.into_bytes())) };
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.reliable.open.is_some() && call.reliable.queue.len() < QUEUE {
            call.reliable.queue.push((200, reply));
            return;
        }
        self.accept(id, &key, reply);
    }

    /// The `200` to their `INVITE`, the first or a later one.
    pub(super) fn accept(&mut self, id: u64, key: &str, mut reply: Reply) {
        let now = self.now;
        let (timer, mut more) = self.timer_answer(key, now);
        reply.lines.append(&mut more);
        reply.lines.push(("Supported".to_owned(), "timer".to_owned()));
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(pending) = call.pending.take() else { return };
        call.phase = Phase::Talking;
        call.until = None;
        call.timer = timer;
        call.delayed = pending.delayed;
        if !pending.update {
            call.unacked = Some(key.to_owned());
        }
        self.respond(key, 200, "OK", reply);
        self.reschedule_call(id);
    }

    /// The session timer that a request of theirs asks for, and what its answer says of it.
    pub(super) fn timer_answer(&self, key: &str, now: Moment) -> (Option<timers::Timer>, Vec<(String, String)>) {
        let Some(request) = self.servers.get(key).map(|entry| &entry.request) else { return (None, Vec::new()) };
        let supported = request.has("Supported", "timer") || request.has("Require", "timer");
        let wish = request.value("Session-Expires").and_then(SessionExpires::parse);
        match timers::asked(wish, supported, now) {
            timers::Asked::Timer { answer, require, timer } => {
                let mut lines = vec![("Session-Expires".to_owned(), answer.write())];
                if require {
                    lines.push(("Require".to_owned(), "timer".to_owned()));
                }
                (Some(timer), lines)
            }
            timers::Asked::Nothing | timers::Asked::TooSmall => (None, Vec::new()),
        }
    }

    pub(super) fn reject(&mut self, id: u64, code: u16, by: By) {
        let Some(key) = self.ringing(id) else { return };
        let code = if (300..=699).contains(&code) { code } else { 500 };
        if let Some(call) = self.calls.get_mut(&id) {
            call.pending = None;
        }
        self.respond(&key, code, reason::canonical(code), Reply::default());
        self.end(id, Ended::new(code, "", by));
    }

    /// The caller has given up.
    pub(super) fn cancelled(&mut self, id: u64, key: &str, cancel: &Message) {
        let first = self.calls.get(&id).is_some_and(|call| call.phase == Phase::Ringing);
        self.refuse(key, 487, Vec::new());
        if first {
            // RFC 3326: somebody else has taken the call.
            let taken = |reason: &str| {
                let mut params = reason.split(';').map(str::trim);
                params.next().is_some_and(|name| name.eq_ignore_ascii_case("sip"))
                    && params.any(|param| param.replace(' ', "").eq_ignore_ascii_case("cause=200"))
            };
            let by = if cancel.list("Reason").any(taken) { By::Elsewhere } else { By::Peer };
            return self.end(id, Ended::new(487, "", by));
        }
        // A change that they take back; what the owner answers now is passed over.
        if let Some(call) = self.calls.get_mut(&id) {
            call.pending = None;
            call.until = None;
        }
        self.reschedule_call(id);
    }

    /// The `ACK` of our answer has come.
    pub(super) fn acked(&mut self, id: u64, key: &str, ack: &Message) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.unacked.as_deref() != Some(key) {
            return;
        }
        call.unacked = None;
        let sdp = if std::mem::take(&mut call.delayed) { ack.sdp() } else { None };
        let giving_up = call.giving_up;
        if giving_up {
            return self.bye(id);
        }
        self.tell(id, DialogNews::Acked { sdp });
    }

    /// Our answer was never acknowledged (RFC 3261 section 13.3.1.4).
    pub(super) fn never_acked(&mut self, id: u64, key: &str) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.unacked.as_deref() == Some(key)) else { return };
        call.unacked = None;
        self.bye(id);
        self.end(id, Ended::new(408, "", By::Network));
    }
}

fn phrase(status: u16) -> &'static str {
    match status {
        180 => "Ringing",
        183 => "Session Progress",
        status => reason::canonical(status),
    }
}
