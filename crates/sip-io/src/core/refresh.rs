//! Changes of ours on their way, and the session timer that makes some of them (RFC 4028).

use patchbay_sip::timers::Due;

use super::Core;
use super::call::{Change, Phase};
use super::send::Inside;
use crate::api::{By, Ended};
use crate::wire::{ALLOW, Method};

impl Core {
    /// Sends a re-INVITE; for a refresh an `UPDATE`, if the peer takes that: it changes nothing else.
    pub(super) fn change(&mut self, id: u64, change: Change) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let update = change.refresh && call.updates;
        let (what, method) = match (change.refresh, update) {
            (true, true) => (Inside::Refresh, Method::Update),
            (true, false) => (Inside::Refresh, Method::Invite),
            (false, _) => (Inside::Reinvite, Method::Invite),
        };
        let sdp = if update { None } else { change.sdp.clone() };
        let ask = match call.timer {
            Some(timer) => timer.ask().write(),
            None => call.asking.interval.to_string(),
        };
        call.change = Some(change);
        let Some(mut draft) = self.inside_draft(id, method, what, None) else { return };
        draft.lines = vec![
            ("Allow".to_owned(), ALLOW.to_owned()),
            ("Supported".to_owned(), "timer".to_owned()),
            ("Session-Expires".to_owned(), ask),
        ];
        draft.body = sdp.map(|sdp| ("application/sdp".to_owned(), sdp.into_bytes()));
        self.submit_inside(id, draft);
    }

    /// Tries a change again that met one of theirs.
    pub(super) fn retry_due(&mut self, id: u64) {
        let now = self.now;
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.phase == Phase::Talking) else { return };
        let Some((at, _)) = &call.retry else { return };
        if *at > now {
            return;
        }
        if call.pending.is_some() || call.change.is_some() || call.unacked.is_some() {
            // Theirs goes first.
            let later = now + patchbay_sip::timers::glare(call.caller, 0).max(crate::transaction::T1);
            if let Some((at, _)) = &mut call.retry {
                *at = later;
            }
            return;
        }
        if let Some((_, change)) = call.retry.take() {
            self.change(id, change);
        }
    }

    pub(super) fn timer_due(&mut self, id: u64) {
        let now = self.now;
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.phase == Phase::Talking) else { return };
        match call.timer.as_mut().and_then(|timer| timer.on_deadline(now)) {
            Some(Due::Bye) => {
                self.bye_when_allowed(id);
                self.end(id, Ended::new(408, "", By::Network));
            }
            // A change of ours or theirs that is on its way refreshes, too.
            Some(Due::Refresh) if call.change.is_none() && call.pending.is_none() && call.retry.is_none() => {
                let sdp = call.sdp.clone();
                self.change(id, Change { sdp, refresh: true, glares: 0 });
            }
            Some(Due::Refresh) | None => {}
        }
    }
}
