//! Messages outside of calls (RFC 3428).

use patchbay_sip::digest::Attempt;
use patchbay_sip::uri::Uri;
use patchbay_sip::{address, message, reason};

use super::respond::Reply;
use super::send::{Draft, Home, Owner};
use super::{Core, Effect, Origin, Path, Target, challenge};
use crate::api::{LineNews, Text};
use crate::wire::{Message, Method};

impl Core {
    pub(super) fn text_out(&mut self, id: u64, tag: u64, to: &Uri, content_type: String, body: String) {
        if body.len() > message::BODY_BYTES {
            return self.text_done(id, tag, 413, "Request Entity Too Large");
        }
        let (call_id, from_tag, routes) = (format!("{}{}", self.word(), self.word()), self.word(), self.proxy_route());
        let proxy = self.settings.proxy.as_ref().map(|proxy| proxy.uri().clone());
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.text_seq += 1;
        let from = address::write(line.account.display.as_deref(), line.account.aor.uri());
        let own = to.host().eq_ignore_ascii_case(line.account.aor.domain());
        let draft = Draft {
            owner: Owner::Text(id, tag),
            method: Method::Message,
            uri: to.to_string(),
            from: format!("{from};tag={from_tag}"),
            to: address::write(None, to),
            call_id,
            seq: 1,
            routes,
            contact: None,
            user_agent: line.account.user_agent.clone(),
            lines: Vec::new(),
            body: Some((content_type, body.into_bytes())),
            target: Target::of(proxy.as_ref().unwrap_or(to)),
            home: if own || proxy.is_some() { Home::Yes } else { Home::No },
            attempt: Attempt::default(),
        };
        let path = line.path.clone();
        self.submit(draft, path.as_ref());
    }

    pub(super) fn text_answered(&mut self, id: u64, tag: u64, draft: Draft, path: &Path, response: &Message) {
        let Some(status) = response.status().filter(|status| *status >= 200) else { return };
        if !matches!(status, 401 | 407) {
            return self.text_done(id, tag, status, response.phrase());
        }
        let with = (draft.seq + 1, (self.random)());
        let Some(line) = self.lines.get_mut(&id) else { return };
        match challenge::answer(Some(&mut line.digest), draft, path, response, with) {
            Ok(draft) => self.submit(draft, Some(path)),
            Err(reason) => {
                let code = super::caller::ended_by(reason.clone()).code;
                self.effects.push(Effect::Line(id, LineNews::Sent { tag, code, reason }));
            }
        }
    }

    pub(super) fn text_done(&mut self, id: u64, tag: u64, code: u16, phrase: &str) {
        self.effects.push(Effect::Line(id, LineNews::Sent { tag, code, reason: reason::text(code, phrase) }));
    }

    pub(super) fn text_in(&mut self, key: &str, to: Origin, request: &Message) {
        let Some(id) = self.line_of(request) else { return self.refuse(key, 404, Vec::new()) };
        if request.body.len() > message::BODY_BYTES {
            return self.refuse(key, 413, Vec::new());
        }
        let home = self.lines.get(&id).and_then(|line| line.path.as_ref().map(|path| path.remote));
        let text = Text {
            from: self.sender(request, to, home),
            content_type: request.content_type().unwrap_or_else(|| "text/plain".to_owned()),
            body: request.text(),
            call_id: request.call_id().to_owned(),
        };
        self.effects.push(Effect::Text { line: id, key: key.to_owned(), text });
    }

    /// Whether the owner has room for a message: its sender is told.
    pub(crate) fn text_taken(&mut self, key: &str, taken: bool) {
        match taken {
            true => self.respond(key, 200, "OK", Reply::default()),
            false => self.refuse(key, 480, Vec::new()),
        }
    }
}
