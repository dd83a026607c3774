//! Requests inside of calls, theirs and ours, but for the first `INVITE`.

use patchbay_sip::reason;
use patchbay_sip::timers::{self, LEAST, SessionExpires, min_se};
use patchbay_sip::{dtmf, message};

use super::call::{ANSWER, Call, Change, Pending, Phase, target_of};
use super::caller::ended_by;
use super::respond::Reply;
use super::send::{Draft, Inside};
use super::{Core, Origin, Path, challenge};
use crate::api::{By, DialogNews, Ended, Text};
use crate::wire::{ALLOW, Message, Method};

impl Core {
    /// A request of theirs inside of a call.
    pub(super) fn inside(&mut self, id: u64, key: &str, to: Origin, request: &Message) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let seq = request.cseq().map_or(0, |(seq, _)| seq);
        // RFC 3261 section 12.2.2: what is older than what we have had.
        if call.remote_seq.is_some_and(|last| seq < last) {
            return self.refuse(key, 500, Vec::new());
        }
        call.remote_seq = Some(seq);
        match request.method() {
            Some(Method::Bye) => self.on_bye(id, key),
            Some(Method::Invite) => self.on_reinvite(id, key, request, false),
            Some(Method::Update) => self.on_reinvite(id, key, request, true),
            Some(Method::Info) => self.on_info(id, key, request),
            Some(Method::Message) => self.on_text(id, key, to, request),
            Some(Method::Options) => self.options(key),
            Some(Method::Prack) => {
                let rack = request.value("RAck").unwrap_or_default().to_owned();
                if self.on_prack(id, &rack) {
                    self.respond(key, 200, "OK", Reply::default());
                } else {
                    self.refuse(key, 481, Vec::new());
                }
            }
            _ => self.refuse(key, 405, vec![("Allow", ALLOW.to_owned())]),
        }
    }

    fn on_bye(&mut self, id: u64, key: &str) {
        self.respond(key, 200, "OK", Reply::default());
        let Some(call) = self.calls.get_mut(&id) else { return };
        let pending = call.pending.take();
        call.unacked = None;
        if let Some(pending) = pending {
            self.respond(&pending.key, 487, reason::canonical(487), Reply::default());
        }
        self.end(id, Ended::new(200, "OK", By::Peer));
    }

    fn on_reinvite(&mut self, id: u64, key: &str, request: &Message, update: bool) {
        let now = self.now;
        let Some(call) = self.calls.get_mut(&id) else { return };
        // RFC 3261 section 14.2: theirs before the last was answered; ours on its way.
        if call.pending.is_some() {
            return self.refuse(key, 500, vec![("Retry-After", "5".to_owned())]);
        }
        let early = call.phase != Phase::Talking || call.unacked.is_some() || call.owes_ack.is_some();
        if early || call.change.is_some() {
            return self.refuse(key, 491, Vec::new());
        }
        if request.content_type().is_some() && request.sdp().is_none() {
            return self.refuse(key, 415, vec![("Accept", "application/sdp".to_owned())]);
        }
        let supported = request.has("Supported", "timer") || request.has("Require", "timer");
        let wish = request.value("Session-Expires").and_then(SessionExpires::parse);
        if timers::asked(wish, supported, now) == timers::Asked::TooSmall {
            return self.refuse(key, 422, vec![("Min-SE", LEAST.to_string())]);
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        if let Some(target) = target_of(request) {
            call.target = target;
        }
        let sdp = request.sdp();
        if update && sdp.is_none() {
            let (timer, mut lines) = self.timer_answer(key, now);
            lines.extend(self.dialog_lines(id, key));
            if let Some(call) = self.calls.get_mut(&id) {
                call.timer = timer;
            }
            self.respond(key, 200, "OK", Reply { lines, body: None });
            return self.reschedule_call(id);
        }
        call.pending = Some(Pending { key: key.to_owned(), update, delayed: sdp.is_none() });
        call.until = Some(now + ANSWER);
        if let Some(entry) = self.servers.get_mut(key) {
            entry.call = Some(id);
        }
        if !update {
            self.respond(key, 100, "Trying", Reply::default());
        }
        self.tell(id, DialogNews::Reinvite { sdp });
        self.reschedule_call(id);
    }

    pub(super) fn answer_reinvite(&mut self, id: u64, answer: Result<String, u16>) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.phase == Phase::Talking) else { return };
        let Some(key) = call.pending.as_ref().map(|pending| pending.key.clone()) else { return };
        match answer {
            Ok(sdp) => {
                call.sdp = Some(sdp.clone());
                let lines = self.dialog_lines(id, &key);
                self.accept(id, &key, Reply { lines, body: Some(("application/sdp".to_owned(), sdp.into_bytes())) });
            }
            Err(code) => {
                call.pending = None;
                call.until = None;
                let code = if (300..=699).contains(&code) { code } else { 488 };
                self.respond(&key, code, reason::canonical(code), Reply::default());
                self.reschedule_call(id);
            }
        }
    }

    fn on_info(&mut self, id: u64, key: &str, request: &Message) {
        self.respond(key, 200, "OK", Reply::default());
        let Some(content_type) = request.content_type() else { return };
        let body = request.text();
        match dtmf::read(&content_type, &body) {
            Some(press) => self.tell(id, DialogNews::Dtmf(press)),
            None => self.tell(id, DialogNews::Info { content_type, body }),
        }
    }

    fn on_text(&mut self, id: u64, key: &str, to: Origin, request: &Message) {
        if request.body.len() > message::BODY_BYTES {
            return self.refuse(key, 413, Vec::new());
        }
        self.respond(key, 200, "OK", Reply::default());
        let home = self.calls.get(&id).and_then(|call| call.home);
        let text = Text {
            from: self.sender(request, to, home),
            content_type: request.content_type().unwrap_or_else(|| "text/plain".to_owned()),
            body: request.text(),
            call_id: request.call_id().to_owned(),
        };
        self.tell(id, DialogNews::Text(text));
    }

    pub(super) fn inside_sent(&mut self, id: u64, _what: Inside, _key: String, path: Path) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.path = Some(path);
        }
    }

    pub(super) fn ack_sent(&mut self, id: u64, seq: u32, bytes: Vec<u8>, path: Path) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.path = Some(path.clone());
            call.ack = Some((seq, bytes, path));
        }
    }

    pub(super) fn inside_answered(&mut self, id: u64, what: Inside, draft: Draft, path: &Path, response: &Message) {
        let status = response.status().unwrap_or(500);
        let Some(call) = self.calls.get_mut(&id) else { return };
        if status < 200 {
            return;
        }
        // A 2xx once more: its ACK was lost.
        if draft.method == Method::Invite
            && (200..300).contains(&status)
            && let Some((_, bytes, path)) = call.ack.clone().filter(|(seq, ..)| *seq == draft.seq)
        {
            return self.send_alone(&path, bytes);
        }
        if draft.method == Method::Invite && (200..300).contains(&status) && call.is_over() {
            return self.ack_of(id, draft.seq);
        }
        if matches!(status, 401 | 407) {
            call.seq += 1;
            let with = (call.seq, (self.random)());
            return match challenge::answer(call.digest.as_mut(), draft.clone(), path, response, with) {
                Ok(draft) => self.submit(draft, Some(path)),
                Err(reason) => self.inside_done(id, what, &draft, &ended_by(reason), response),
            };
        }
        let ended = Ended::new(status, response.phrase(), By::Peer);
        self.inside_done(id, what, &draft, &ended, response);
    }

    fn inside_done(&mut self, id: u64, what: Inside, draft: &Draft, ended: &Ended, response: &Message) {
        match what {
            Inside::Bye | Inside::Prack => {}
            Inside::Info => {}
            Inside::Text(tag) => {
                self.tell(id, DialogNews::Sent { tag, code: ended.code, reason: ended.reason.clone() });
            }
            Inside::Reinvite | Inside::Refresh => return self.change_done(id, draft, ended, response),
        }
        // RFC 3261 section 12.2.1.2: the peer knows nothing of the call any more.
        if matches!(ended.code, 408 | 481) && what != Inside::Prack {
            self.gone(id, ended.clone());
        }
    }

    fn change_done(&mut self, id: u64, draft: &Draft, ended: &Ended, response: &Message) {
        let (now, random) = (self.now, (self.random)());
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(mut change) = call.change.take() else { return };
        let expires = response.value("Session-Expires").and_then(SessionExpires::parse);
        match ended.code {
            200..=299 => {
                if let Some(target) = target_of(response) {
                    call.target = target;
                }
                call.timer = match call.timer.take() {
                    Some(mut timer) => {
                        _ = timer.on_answer(ended.code, expires, now);
                        Some(timer)
                    }
                    None => call.asking.on_success(expires, now),
                };
                if change.sdp.is_some() && draft.method == Method::Invite {
                    call.sdp.clone_from(&change.sdp);
                }
                if draft.method == Method::Invite {
                    self.ack_of(id, draft.seq);
                }
                if !change.refresh {
                    self.tell(id, DialogNews::Reinvited { sdp: response.sdp() });
                }
            }
            491 if change.glares < GLARES => {
                change.glares += 1;
                call.retry = Some((now + timers::glare(call.caller, random), change));
            }
            422 if change.refresh => {
                let least = response.value("Min-SE").and_then(min_se);
                if let Some(timer) = &mut call.timer {
                    timer.on_422(least, now);
                }
            }
            // It says that it takes them, and does not.
            405 | 501 if draft.method == Method::Update => {
                call.updates = false;
                if let Some(timer) = &mut call.timer {
                    timer.again(now);
                }
            }
            code => {
                if let Some(timer) = call.timer.as_mut().filter(|_| change.refresh) {
                    _ = timer.on_answer(code, expires, now);
                }
                if !change.refresh {
                    self.tell(id, DialogNews::ReinviteFailed { code, reason: ended.reason.clone() });
                }
                if matches!(code, 408 | 481) {
                    return self.gone(id, ended.clone());
                }
            }
        }
        self.reschedule_call(id);
    }

    fn ack_of(&mut self, id: u64, seq: u32) {
        if let Some(ack) = self.inside_draft(id, Method::Ack, Inside::Prack, Some(seq)) {
            self.submit_inside(id, ack);
        }
    }

    fn gone(&mut self, id: u64, ended: Ended) {
        if self.calls.get(&id).is_none_or(Call::is_over) {
            return;
        }
        self.bye(id);
        self.end(id, ended);
    }

    pub(super) fn inside_failed(&mut self, id: u64, what: Inside, draft: &Draft, code: u16) {
        // What could not even be sent says nothing of the call; a timer ends it if it stays so.
        let response = Message::request(Method::Bye, "");
        let ended = Ended::new(code, "", By::Network);
        self.inside_done(id, what, draft, &ended, &response);
    }

    pub(super) fn reinvite(&mut self, id: u64, sdp: String) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let busy = call.phase != Phase::Talking
            || call.change.is_some()
            || call.retry.as_ref().is_some_and(|(_, change)| !change.refresh)
            || call.pending.is_some()
            || call.unacked.is_some()
            || call.owes_ack.is_some();
        if busy {
            let news = DialogNews::ReinviteFailed { code: 491, reason: reason::text(491, "") };
            return self.tell(id, news);
        }
        call.retry = None;
        self.change(id, Change { sdp: Some(sdp), refresh: false, glares: 0 });
    }
}

/// How often a change is tried again that met one of theirs. The pauses are drawn so that once is enough.
const GLARES: u8 = 4;
