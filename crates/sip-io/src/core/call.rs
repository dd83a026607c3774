//! One call: what both sides of it know, whoever has called (RFC 3261 section 12).

use std::net::SocketAddr;
use std::time::Duration;

use patchbay_core::Moment;
use patchbay_sip::digest::{Attempt, Digest};
use patchbay_sip::header;
use patchbay_sip::timers::{Asking, Timer};
use patchbay_sip::uri::Uri;

use super::callee::Reliable;
use super::send::{Draft, Home, Inside, Owner};
use super::{Clock, Core, Effect, Path, Target};
use crate::api::{By, DialogNews, DialogOrder, Ended};
use crate::transaction::TIMEOUT;
use crate::wire::{self, Message, Method};

/// How long the owner may take to answer a re-INVITE. Longer would keep the peer's screen in suspense, shorter would
/// refuse what a slow browser was about to answer.
pub(super) const ANSWER: Duration = Duration::from_secs(20);
/// How long an outgoing call may ring. Proxies give up after three minutes (RFC 3261 timer C); longer is nobody's wish.
pub(super) const RINGING: Duration = Duration::from_secs(300);
/// How long a change of ours may take once it was taken in. A person may have to agree to it.
pub(super) const CHANGING: Duration = Duration::from_secs(60);
/// Most forks of one call that are remembered.
pub(super) const FORKS: usize = 16;

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// We have asked, or are about to.
    Calling,
    /// They have asked.
    Ringing,
    /// It is answered.
    Talking,
    /// It has ended; what is still on its way is taken in.
    Over,
}

/// A request of theirs that waits for the owner's answer.
pub(super) struct Pending {
    pub(super) key: String,
    pub(super) update: bool,
    /// It has no offer: ours is in the answer.
    pub(super) delayed: bool,
}

/// A change of ours that is on its way.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) sdp: Option<String>,
    /// It is for the session timer: its owner knows nothing of it.
    pub(super) refresh: bool,
    /// How often it met a change of theirs.
    pub(super) glares: u8,
}

/// One call.
pub(super) struct Call {
    pub(super) line: Option<u64>,
    /// Whether it was ours to call.
    pub(super) caller: bool,
    pub(super) phase: Phase,
    /// Whether its owner is still told of it.
    pub(super) heard: bool,
    pub(super) call_id: String,
    /// Addresses without tags.
    pub(super) local: String,
    pub(super) local_tag: String,
    pub(super) remote: String,
    pub(super) remote_tag: Option<String>,
    pub(super) seq: u32,
    pub(super) remote_seq: Option<u32>,
    /// The number of the `INVITE` that it began with, if it was theirs.
    pub(super) invited: Option<u32>,
    /// Where requests inside of the call are meant to go.
    pub(super) target: String,
    pub(super) routes: Vec<String>,
    /// The user of our contact.
    pub(super) contact: String,
    pub(super) path: Option<Path>,
    /// The address to which credentials may go.
    pub(super) home: Option<SocketAddr>,
    pub(super) digest: Option<Digest>,
    pub(super) user_agent: Option<String>,
    /// The transaction of our `INVITE`.
    pub(super) invite: Option<String>,
    /// It is to end as soon as that is allowed: with the first `1xx`, or with the `ACK`.
    pub(super) giving_up: bool,
    pub(super) asking: Asking,
    pub(super) timer: Option<Timer>,
    /// Whether the peer takes `UPDATE`.
    pub(super) updates: bool,
    pub(super) pending: Option<Pending>,
    /// The server transaction whose 2xx is not acknowledged yet.
    pub(super) unacked: Option<String>,
    /// The `ACK` brings the answer to our offer.
    pub(super) delayed: bool,
    pub(super) change: Option<Change>,
    /// A change that is to be tried again.
    pub(super) retry: Option<(Moment, Change)>,
    /// Our last description.
    pub(super) sdp: Option<String>,
    /// Whether a description of an early dialog was told.
    pub(super) early: bool,
    /// Tags of forks that were hung up.
    pub(super) forks: Vec<String>,
    /// Our last `ACK`, its number and its path.
    pub(super) ack: Option<(u32, Vec<u8>, Path)>,
    /// The `INVITE` whose 2xx waits for [`DialogOrder::Ack`].
    pub(super) owes_ack: Option<u32>,
    pub(super) redirected: bool,
    /// The time by which something must have happened: an answer, or that it is forgotten.
    pub(super) until: Option<Moment>,
    pub(super) reliable: Reliable,
}

impl Call {
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    pub(super) fn is_heard(&self) -> bool {
        self.heard
    }

    /// The request URI, the routes and the next hop of a request inside of the call (RFC 3261 section 12.2.1.1).
    fn next_hop(&self) -> (String, Vec<String>, Option<Target>) {
        let Some(first) = self.routes.first() else {
            return (self.target.clone(), Vec::new(), Uri::parse(&self.target).ok().as_ref().map(Target::of));
        };
        let first = wire::uri_of(first);
        let uri = Uri::parse(first).ok();
        let target = uri.as_ref().map(Target::of);
        if uri.is_none_or(|uri| uri.param("lr").is_some()) {
            return (self.target.clone(), self.routes.clone(), target);
        }
        // A strict router wants its own name in the first line, and gives the last one back.
        let mut routes = self.routes[1..].to_vec();
        routes.push(format!("<{}>", self.target));
        (first.to_owned(), routes, target)
    }
}

impl Core {
    /// A request inside of a call, with the next number (or `seq`, for an `ACK`).
    pub(super) fn inside_draft(&mut self, id: u64, method: Method, what: Inside, seq: Option<u32>) -> Option<Draft> {
        let call = self.calls.get_mut(&id)?;
        let seq = seq.unwrap_or_else(|| {
            call.seq += 1;
            call.seq
        });
        let (uri, routes, target) = call.next_hop();
        let target = target.or_else(|| Some(call.path.as_ref()?.target.clone()))?;
        let tag = call.remote_tag.as_ref().map_or_else(String::new, |tag| format!(";tag={tag}"));
        let contact = matches!(method, Method::Invite | Method::Update).then(|| call.contact.clone());
        Some(Draft {
            owner: Owner::Inside(id, what),
            method,
            uri,
            from: format!("{};tag={}", call.local, call.local_tag),
            to: format!("{}{tag}", call.remote),
            call_id: call.call_id.clone(),
            seq,
            routes,
            contact,
            user_agent: call.user_agent.clone(),
            lines: Vec::new(),
            body: None,
            target,
            home: Home::At(call.home),
            attempt: Attempt::default(),
        })
    }

    /// Sends a request inside of a call.
    pub(super) fn submit_inside(&mut self, id: u64, draft: Draft) {
        let path = self.calls.get(&id).and_then(|call| call.path.clone());
        self.submit(draft, path.as_ref());
    }

    pub(super) fn call_order(&mut self, id: u64, order: DialogOrder) {
        if self.calls.get(&id).is_none_or(Call::is_over) {
            return;
        }
        match order {
            DialogOrder::Ring => self.ring(id),
            DialogOrder::Progress(sdp) => self.progress(id, sdp),
            DialogOrder::Answer { sdp, headers } => self.answer(id, sdp, headers),
            DialogOrder::Reject(code) => self.reject(id, code, By::Here),
            DialogOrder::Hangup => self.hang_up(id),
            DialogOrder::Ack(sdp) => self.ack_with(id, Some(sdp)),
            DialogOrder::Reinvite(sdp) => self.reinvite(id, sdp),
            DialogOrder::AnswerReinvite(answer) => self.answer_reinvite(id, answer),
            DialogOrder::Info { content_type, body } => {
                self.say(id, Method::Info, Inside::Info, content_type, body);
            }
            DialogOrder::Text { tag, content_type, body } => {
                self.say(id, Method::Message, Inside::Text(tag), content_type, body);
            }
        }
    }

    fn say(&mut self, id: u64, method: Method, what: Inside, content_type: String, body: String) {
        if self.calls.get(&id).is_none_or(|call| call.phase != Phase::Talking) {
            return;
        }
        let Some(mut draft) = self.inside_draft(id, method, what, None) else { return };
        draft.body = Some((content_type, body.into_bytes()));
        self.submit_inside(id, draft);
    }

    /// The owner is gone.
    pub(super) fn drop_call(&mut self, id: u64) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.heard = false;
        if call.phase == Phase::Ringing {
            return self.reject(id, 480, By::Here);
        }
        self.hang_up(id);
    }

    pub(super) fn hang_up(&mut self, id: u64) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match call.phase {
            Phase::Over => {}
            Phase::Calling => self.end(id, Ended::new(487, "", By::Here)),
            Phase::Ringing => self.reject(id, 603, By::Here),
            Phase::Talking => {
                call.giving_up = true;
                self.bye_when_allowed(id);
                self.end(id, Ended::new(200, "OK", By::Here));
            }
        }
    }

    /// Sends `BYE`, or waits for the `ACK` that must come first (RFC 3261 section 15).
    pub(super) fn bye_when_allowed(&mut self, id: u64) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.owes_ack.is_some() {
            self.ack_with(id, None);
        } else if call.unacked.is_some() && !call.caller {
            call.giving_up = true;
            return;
        }
        self.bye(id);
    }

    pub(super) fn bye(&mut self, id: u64) {
        if let Some(pending) = self.calls.get_mut(&id).and_then(|call| call.pending.take()) {
            self.refuse(&pending.key, 487, Vec::new());
        }
        if let Some(draft) = self.inside_draft(id, Method::Bye, Inside::Bye, None) {
            self.submit_inside(id, draft);
        }
    }

    /// The call is over: tells the owner, and forgets it when nothing of it can be on its way any more.
    pub(super) fn end(&mut self, id: u64, ended: Ended) {
        if self.calls.get(&id).is_none_or(Call::is_over) {
            return;
        }
        self.tell(id, DialogNews::Ended(ended));
        self.close(id);
    }

    pub(super) fn close(&mut self, id: u64) {
        let until = self.now + TIMEOUT;
        let Some(call) = self.calls.get_mut(&id) else { return };
        self.open -= 1;
        let ringing = call.invite.clone().filter(|_| call.phase == Phase::Calling);
        // Where nothing has rung yet, the first 1xx is cancelled.
        call.giving_up |= ringing.is_some();
        call.phase = Phase::Over;
        call.heard = false;
        (call.timer, call.retry, call.change) = (None, None, None);
        call.reliable = Reliable::default();
        call.until = Some(until);
        if let Some(line) = call.line.filter(|_| !call.caller).and_then(|line| self.lines.get_mut(&line)) {
            line.busy = line.busy.saturating_sub(1);
        }
        if let Some(key) = ringing {
            self.cancel(&key);
        }
        self.effects.push(Effect::ForgetDialog(id));
        self.reschedule_call(id);
    }

    pub(super) fn reschedule_call(&mut self, id: u64) {
        let due = self.calls.get(&id).and_then(|call| {
            let timer = call.timer.map(|timer| timer.deadline());
            let retry = call.retry.as_ref().map(|(at, _)| *at);
            [timer, retry, call.until, call.reliable.deadline()].into_iter().flatten().min()
        });
        self.schedule(Clock::Call(id), due);
    }

    pub(super) fn call_due(&mut self, id: u64) {
        let now = self.now;
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.until.is_some_and(|until| until <= now) {
            call.until = None;
            match call.phase {
                Phase::Over => return self.forget_call(id),
                Phase::Calling => self.end(id, Ended::new(408, "", By::Network)),
                Phase::Ringing => self.reject(id, 480, By::Network),
                Phase::Talking => {
                    if call.owes_ack.is_some() {
                        self.bye_when_allowed(id);
                        self.end(id, Ended::new(408, "", By::Network));
                    } else {
                        // The owner has not answered a change.
                        self.answer_reinvite(id, Err(488));
                    }
                }
            }
        }
        self.repeat_reliable(id);
        self.retry_due(id);
        self.timer_due(id);
        self.reschedule_call(id);
    }

    fn forget_call(&mut self, id: u64) {
        self.schedule(Clock::Call(id), None);
        if let Some(call) = self.calls.remove(&id) {
            self.by_tag.remove(&(call.call_id, call.local_tag));
        }
    }
}

/// All lines of a message, for those who choose among them.
pub(super) fn lines(message: &Message) -> Vec<(String, String)> {
    message.lines.iter().map(|line| (line.name.clone(), line.value.clone())).collect()
}

/// The lines of a client that may be sent.
pub(super) fn allowed(headers: &[(String, String)]) -> Vec<(String, String)> {
    let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    header::outgoing(pairs).into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// An address without its tag.
pub(super) fn without_tag(value: &str) -> String {
    let pieces = patchbay_sip::text::split(value, ';');
    let plain = pieces.iter().enumerate().filter(|(at, piece)| {
        let name = piece.split('=').next().unwrap_or_default();
        *at == 0 || !name.trim().eq_ignore_ascii_case("tag")
    });
    plain.map(|(_, piece)| *piece).collect::<Vec<_>>().join(";")
}

/// The target that a `Contact` gives: its URI, if it is one of ours to reach.
pub(super) fn target_of(message: &Message) -> Option<String> {
    let uri = wire::uri_of(message.list("Contact").next()?).to_owned();
    Uri::parse(&uri).is_ok().then_some(uri)
}
