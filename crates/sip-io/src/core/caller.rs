//! Calls that we make (RFC 3261 section 13.2).

use patchbay_sip::address;
use patchbay_sip::digest::{Attempt, Digest};
use patchbay_sip::reason;
use patchbay_sip::timers::{Asking, INTERVAL, SessionExpires, min_se};
use patchbay_sip::uri::Uri;

use super::call::{Call, FORKS, Phase, RINGING, allowed, lines, target_of};
use super::callee::Reliable;
use super::send::{Draft, Home, Inside, Owner};
use super::{Core, Path, Target, challenge};
use crate::api::{By, DialogNews, Ended, Found, Outgoing};
use crate::wire::{self, Message, Method};

impl Core {
    pub(super) fn call_out(&mut self, id: u64, outgoing: Outgoing) {
        let full = self.open >= self.settings.limits.dialogs;
        let (call_id, local_tag, contact) = (format!("{}{}", self.word(), self.word()), self.word(), self.word());
        let proxy = self.settings.proxy.clone();
        let realms: Vec<&str> = proxy.iter().map(|proxy| proxy.uri().host()).collect();
        let digest = outgoing.ha1.map(|ha1| Digest::new(&outgoing.from, ha1, &realms));
        let call = Call {
            line: None,
            caller: true,
            phase: Phase::Calling,
            heard: true,
            call_id: call_id.clone(),
            local: address::write(outgoing.display.as_deref(), outgoing.from.uri()),
            local_tag: local_tag.clone(),
            remote: address::write(None, &outgoing.to),
            remote_tag: None,
            seq: 1,
            remote_seq: None,
            invited: None,
            target: outgoing.to.to_string(),
            routes: Vec::new(),
            contact,
            path: None,
            home: None,
            digest,
            user_agent: outgoing.user_agent,
            invite: None,
            giving_up: false,
            asking: Asking::new(INTERVAL),
            timer: None,
            updates: false,
            pending: None,
            unacked: None,
            delayed: false,
            change: None,
            retry: None,
            sdp: outgoing.sdp,
            early: false,
            forks: Vec::new(),
            ack: None,
            owes_ack: None,
            redirected: false,
            until: Some(self.now + RINGING),
            reliable: Reliable::default(),
        };
        self.by_tag.insert((call_id, local_tag), id);
        self.calls.insert(id, call);
        self.open += 1;
        if full || self.stopping {
            return self.end(id, Ended::new(503, "", By::Network));
        }
        let own = outgoing.to.host().eq_ignore_ascii_case(outgoing.from.domain());
        let home = if proxy.is_some() || own { Home::Yes } else { Home::No };
        if let Some(mut draft) = self.invite_draft(id, &outgoing.to, home) {
            draft.lines.extend(allowed(&outgoing.headers));
            self.submit(draft, outgoing.way.as_ref().map(|Found(path)| path));
        }
        self.reschedule_call(id);
    }

    fn invite_draft(&mut self, id: u64, to: &Uri, home: Home) -> Option<Draft> {
        let routes = self.proxy_route();
        let target = Target::towards(to, &self.settings);
        let call = self.calls.get(&id)?;
        Some(Draft {
            owner: Owner::Invite(id),
            method: Method::Invite,
            uri: to.to_string(),
            from: format!("{};tag={}", call.local, call.local_tag),
            to: call.remote.clone(),
            call_id: call.call_id.clone(),
            seq: call.seq,
            routes,
            contact: Some(call.contact.clone()),
            user_agent: call.user_agent.clone(),
            lines: timer_lines(call.asking),
            body: call.sdp.as_ref().map(|sdp| ("application/sdp".to_owned(), sdp.clone().into_bytes())),
            target,
            home,
            attempt: Attempt::default(),
        })
    }

    pub(super) fn invite_sent(&mut self, id: u64, key: String, path: Path) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let first = call.invite.replace(key).is_none();
        call.path = Some(path);
        let call_id = call.call_id.clone();
        if first {
            self.tell(id, DialogNews::Calling { call_id });
        }
    }

    pub(super) fn invite_unresolved(&mut self, id: u64, text: &str) {
        self.tell(id, DialogNews::Unresolved(text.to_owned()));
        self.close(id);
    }

    pub(super) fn invite_failed(&mut self, id: u64, code: u16) {
        self.end(id, Ended::new(code, "", By::Network));
    }

    pub(super) fn invite_answered(&mut self, id: u64, draft: Draft, path: &Path, response: &Message) {
        let status = response.status().unwrap_or(500);
        let Some(call) = self.calls.get_mut(&id) else { return };
        match status {
            100..=199 if call.giving_up => {
                if let Some(key) = call.invite.clone() {
                    self.cancel(&key);
                }
            }
            100 => self.tell(id, DialogNews::Trying),
            101..=199 => self.invite_rings(id, status, response),
            200..=299 => self.invite_accepted(id, draft, path, response),
            // RFC 3261 section 9.1: it was cancelled, whatever else is said of it.
            _ if call.is_over() => {}
            300..=399 if !call.redirected => self.redirected(id, &draft, response),
            401 | 407 => {
                call.seq += 1;
                let with = (call.seq, (self.random)());
                match challenge::answer(call.digest.as_mut(), draft, path, response, with) {
                    Ok(draft) => self.submit(draft, Some(path)),
                    Err(reason) => self.end(id, ended_by(reason)),
                }
            }
            422 => {
                let least = response.value("Min-SE").and_then(min_se);
                match call.asking.on_422(least) {
                    Some(asking) => {
                        call.asking = asking;
                        call.seq += 1;
                        let mut draft = Draft { seq: call.seq, ..draft };
                        let ours = ["Session-Expires", "Min-SE", "Supported", "Allow"];
                        draft.lines.retain(|(name, _)| !ours.contains(&name.as_str()));
                        draft.lines.splice(0..0, timer_lines(asking));
                        self.submit(draft, Some(path));
                    }
                    None => self.end(id, Ended::new(status, response.phrase(), By::Peer)),
                }
            }
            _ => self.end(id, Ended::new(status, response.phrase(), By::Peer)),
        }
    }

    fn invite_rings(&mut self, id: u64, status: u16, response: &Message) {
        if let Some(tag) = response.tag("To")
            && response.has("Require", "100rel")
            && let Some(rseq) = response.number("RSeq")
        {
            self.prack(id, tag, rseq, response);
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        // Only the first fork that is heard is heard before the answer.
        let sdp = if call.early { None } else { response.sdp() };
        call.early |= sdp.is_some();
        self.tell(id, DialogNews::Provisional { code: status, phrase: phrase(status, response), sdp });
    }

    /// Acknowledges a reliable provisional answer (RFC 3262), inside of the early dialog that it belongs to.
    fn prack(&mut self, id: u64, tag: &str, rseq: u32, response: &Message) {
        let Some((seq, method)) = response.cseq() else { return };
        let Some(mut draft) = self.fork_draft(id, Method::Prack, tag, response, None) else { return };
        draft.owner = Owner::Inside(id, Inside::Prack);
        draft.lines.push(("RAck".to_owned(), format!("{rseq} {seq} {method}")));
        self.submit_inside(id, draft);
    }

    /// A request inside of the dialog that a response is of, whichever fork that is.
    fn fork_draft(&mut self, id: u64, method: Method, tag: &str, of: &Message, seq: Option<u32>) -> Option<Draft> {
        let call = self.calls.get_mut(&id)?;
        let target = target_of(of).unwrap_or_else(|| call.target.clone());
        let mut routes: Vec<String> = of.list("Record-Route").map(str::to_owned).collect();
        routes.reverse();
        let kept = (call.target.clone(), call.routes.clone(), call.remote_tag.clone());
        (call.target, call.routes, call.remote_tag) = (target, routes, Some(tag.to_owned()));
        let draft = self.inside_draft(id, method, Inside::Prack, seq);
        if let Some(call) = self.calls.get_mut(&id) {
            (call.target, call.routes, call.remote_tag) = kept;
        }
        draft
    }

    fn invite_accepted(&mut self, id: u64, draft: Draft, path: &Path, response: &Message) {
        let now = self.now;
        let Some(call) = self.calls.get_mut(&id) else { return };
        // A peer of RFC 2543 may have none.
        let tag = response.tag("To").unwrap_or_default().to_owned();
        let ours = call.remote_tag.as_ref() == Some(&tag);
        if ours {
            // The ACK was lost, or is still owed.
            if let Some((seq, bytes, path)) = call.ack.clone().filter(|(seq, ..)| *seq == draft.seq) {
                debug_assert_eq!(seq, draft.seq);
                self.send_alone(&path, bytes);
            }
            return;
        }
        if call.remote_tag.is_some() || call.phase != Phase::Calling {
            return self.hang_up_fork(id, &tag, draft.seq, response);
        }
        call.phase = Phase::Talking;
        call.until = None;
        call.remote_tag = Some(tag);
        call.target = target_of(response).unwrap_or_else(|| call.target.clone());
        call.routes = response.list("Record-Route").map(str::to_owned).collect();
        call.routes.reverse();
        call.home = match draft.home {
            Home::Yes => Some(path.remote),
            Home::At(address) => address,
            Home::No => None,
        };
        call.updates = response.has("Allow", "UPDATE");
        let expires = response.value("Session-Expires").and_then(SessionExpires::parse);
        call.timer = call.asking.on_success(expires, now);
        let call_id = call.call_id.clone();
        let delayed = draft.body.is_none();
        call.owes_ack = Some(draft.seq);
        if delayed {
            call.until = Some(now + crate::transaction::TIMEOUT);
        } else {
            self.ack_with(id, None);
        }
        self.tell(id, DialogNews::Accepted { sdp: response.sdp(), call_id, headers: lines(response) });
        self.reschedule_call(id);
    }

    /// Another fork has answered as well, or after we gave up: `ACK` each time, `BYE` once.
    fn hang_up_fork(&mut self, id: u64, tag: &str, seq: u32, response: &Message) {
        if let Some(mut ack) = self.fork_draft(id, Method::Ack, tag, response, Some(seq)) {
            ack.owner = Owner::Nobody;
            self.submit_inside(id, ack);
        }
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.forks.iter().any(|known| known == tag) || call.forks.len() >= FORKS {
            return;
        }
        call.forks.push(tag.to_owned());
        if let Some(mut bye) = self.fork_draft(id, Method::Bye, tag, response, None) {
            bye.owner = Owner::Inside(id, Inside::Bye);
            self.submit_inside(id, bye);
        }
    }

    /// Sends the `ACK` that is owed, with an answer if the offer was theirs.
    pub(super) fn ack_with(&mut self, id: u64, sdp: Option<String>) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(seq) = call.owes_ack.take() else { return };
        if call.phase == Phase::Talking {
            call.until = None;
        }
        if let Some(sdp) = &sdp {
            call.sdp = Some(sdp.clone());
        }
        if let Some(mut draft) = self.inside_draft(id, Method::Ack, Inside::Prack, Some(seq)) {
            draft.body = sdp.map(|sdp| ("application/sdp".to_owned(), sdp.into_bytes()));
            self.submit_inside(id, draft);
        }
        self.reschedule_call(id);
    }

    /// Asks who was named instead, once (RFC 3261 section 8.1.3.4).
    fn redirected(&mut self, id: u64, draft: &Draft, response: &Message) {
        let to = response.list("Contact").find_map(|value| Uri::parse(wire::uri_of(value)).ok());
        let Some(to) = to.filter(|to| to.to_string() != draft.uri) else {
            let status = response.status().unwrap_or(300);
            return self.end(id, Ended::new(status, response.phrase(), By::Peer));
        };
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.redirected = true;
        call.seq += 1;
        let own = call.digest.is_some() && draft.home == Home::Yes;
        // Whoever redirects must not choose who gets our credentials.
        let home =
            if own && (self.settings.proxy.is_some() || same_host(&to, &draft.uri)) { Home::Yes } else { Home::No };
        if let Some(mut next) = self.invite_draft(id, &to, home) {
            let given = draft.lines.iter().filter(|(name, _)| patchbay_sip::header::check(name, "").is_ok());
            next.lines.extend(given.cloned());
            self.submit(next, None);
        }
    }
}

fn same_host(to: &Uri, uri: &str) -> bool {
    Uri::parse(uri).is_ok_and(|uri| uri.host().eq_ignore_ascii_case(to.host()))
}

/// The phrase as received, or the standard's.
fn phrase(status: u16, response: &Message) -> String {
    reason::text(status, response.phrase()).split_once(' ').map(|(_, phrase)| phrase.to_owned()).unwrap_or_default()
}

/// An end whose text is made already.
pub(super) fn ended_by(reason: String) -> Ended {
    let code = reason.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500);
    Ended { code, reason, by: By::Peer }
}

/// What an `INVITE` says of what we can do.
pub(super) fn timer_lines(asking: Asking) -> Vec<(String, String)> {
    vec![
        ("Allow".to_owned(), wire::ALLOW.to_owned()),
        ("Supported".to_owned(), "timer".to_owned()),
        ("Session-Expires".to_owned(), asking.interval.to_string()),
        ("Min-SE".to_owned(), asking.least.to_string()),
    ]
}
