//! Lines: accounts at their registrars.

use patchbay_core::Moment;
use patchbay_sip::address;
use patchbay_sip::digest::{Attempt, Digest};
use patchbay_sip::register::{Around, Input, Push, Registration, Response, Step, Told, contact};
use patchbay_sip::uri::Uri;

use super::send::{Draft, Home, Owner};
use super::{Clock, Core, Effect, Path, Target, Unrouted};
use crate::api::{Account, LineNews, LineOrder};
use crate::settings::Transport;
use crate::wire::{Message, Method};

/// One line.
pub(super) struct Line {
    pub(super) account: Account,
    pub(super) digest: Digest,
    /// None before the first path: a contact says where we are.
    registration: Option<Registration>,
    pub(super) path: Option<Path>,
    /// The user of its contact, which nobody can guess: what is sent to it is meant for this line and no other.
    pub(super) token: String,
    call_id: String,
    tag: String,
    /// The request for a path that is under way.
    ask: Option<u64>,
    /// What is to be done once there is one.
    next: Next,
    pub(super) text_seq: u32,
    /// Its owner is gone; it lives until its binding is taken back.
    dropped: bool,
    /// Incoming calls that have not ended.
    pub(super) busy: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Nothing,
    Start,
    Refresh,
    Deadline,
}

impl Core {
    pub(super) fn new_line(&mut self, id: u64, account: Account) {
        let proxy = self.settings.proxy.as_ref().map(|proxy| proxy.uri().host().to_owned());
        let realms: Vec<&str> = proxy.iter().map(String::as_str).collect();
        let digest = Digest::new(&account.aor, account.ha1.clone(), &realms);
        let (token, call_id, tag) = (self.word(), format!("{}{}", self.word(), self.word()), self.word());
        self.tokens.insert(token.clone(), id);
        let line = Line {
            account,
            digest,
            registration: None,
            path: None,
            token,
            call_id,
            tag,
            ask: None,
            next: Next::Nothing,
            text_seq: 0,
            dropped: false,
            busy: 0,
        };
        self.lines.insert(id, line);
    }

    pub(super) fn line_order(&mut self, id: u64, order: LineOrder) {
        let Some(line) = self.lines.get_mut(&id).filter(|line| !line.dropped) else { return };
        match order {
            LineOrder::Start => self.with_path(id, Next::Start),
            LineOrder::Refresh => {
                let registered = line.registration.as_ref().is_some_and(Registration::is_registered);
                if registered {
                    self.with_path(id, Next::Refresh);
                }
            }
            LineOrder::Stop => {
                line.next = Next::Nothing;
                self.register(id, Input::Stop);
            }
            LineOrder::Push(push) => {
                line.account.push = push;
                self.renew_contact(id);
            }
            LineOrder::Text { tag, to, content_type, body } => self.text_out(id, tag, &to, content_type, body),
        }
    }

    pub(super) fn drop_line(&mut self, id: u64) {
        let Some(line) = self.lines.get_mut(&id).filter(|line| !line.dropped) else { return };
        line.dropped = true;
        line.next = Next::Nothing;
        self.tokens.remove(&line.token);
        self.register(id, Input::Stop);
        self.effects.push(Effect::ForgetLine(id));
        self.bury_line(id);
    }

    /// Removes a dropped line once nothing is left to be done for it.
    fn bury_line(&mut self, id: u64) {
        let over = |line: &Line| line.dropped && line.registration.as_ref().is_none_or(Registration::is_over);
        if self.lines.get(&id).is_some_and(over) {
            self.lines.remove(&id);
            self.schedule(Clock::Line(id), None);
        }
    }

    /// Does `next` along the line's path, or looks for one first.
    fn with_path(&mut self, id: u64, next: Next) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        // A start is not forgotten for anything less.
        if line.next != Next::Start {
            line.next = next;
        }
        if line.path.is_some() {
            return self.on_path(id);
        }
        if line.ask.is_none() {
            let target = self.domain_target(id);
            let ask = self.ask(target);
            self.asking.insert(ask, id);
            if let Some(line) = self.lines.get_mut(&id) {
                line.ask = Some(ask);
            }
        }
    }

    /// Where requests of a line go: the proxy, or its own domain.
    fn domain_target(&self, id: u64) -> Target {
        let own = self.lines.get(&id).map(|line| line.account.aor.uri());
        let proxy = self.settings.proxy.as_ref().map(|proxy| proxy.uri());
        let mut target = proxy.or(own).map_or_else(
            || Target { host: String::new(), port: None, transport: None, secure: false, stream: false },
            Target::of,
        );
        target.stream = false;
        target
    }

    pub(super) fn line_routed(&mut self, ask: u64, result: Result<Path, Unrouted>) {
        let Some(id) = self.asking.remove(&ask) else { return };
        let Some(line) = self.lines.get_mut(&id) else { return };
        line.ask = None;
        let next = std::mem::replace(&mut line.next, Next::Nothing);
        match result {
            Ok(path) => {
                line.path = Some(path);
                line.next = next;
                self.on_path(id);
            }
            Err(Unrouted::Lookup(text)) if next == Next::Start => {
                self.effects.push(Effect::Line(id, LineNews::Unresolved(text)));
            }
            Err(_) => {
                // As if the request had been lost: that is told once, and tried again.
                self.registration(id, None);
                let input = if next == Next::Start { Input::Start } else { Input::Refresh };
                let asked = next != Next::Deadline;
                let step = self.step(id, if asked { input } else { Input::Deadline });
                self.tell_line(id, step.tell);
                let step = self.step(id, Input::Unreachable);
                self.tell_line(id, step.tell);
                self.reschedule_line(id);
            }
        }
    }

    fn on_path(&mut self, id: u64) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        let input = match std::mem::replace(&mut line.next, Next::Nothing) {
            Next::Nothing => return,
            Next::Start => Input::Start,
            Next::Refresh => Input::Refresh,
            Next::Deadline => Input::Deadline,
        };
        let path = line.path.clone();
        self.registration(id, path.as_ref());
        self.register(id, input);
    }

    /// Makes the registration, or tells it where we are.
    fn registration(&mut self, id: u64, path: Option<&Path>) {
        let expires = self.settings.expires;
        let Some(line) = self.lines.get_mut(&id) else { return };
        let place = path.map_or((("0.0.0.0").to_owned(), 1, Transport::Udp), |path| {
            let ip = path.local.ip();
            let host = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
            (host, path.local.port(), path.transport)
        });
        let Some(uri) = own_contact(&line.token, &place, line.account.push.as_ref()) else { return };
        match &mut line.registration {
            Some(registration) => registration.set_contact(uri),
            None => line.registration = Some(Registration::new(line.account.aor.domain(), uri, expires)),
        }
    }

    fn renew_contact(&mut self, id: u64) {
        let path = self.lines.get(&id).and_then(|line| line.path.clone());
        if path.is_some() {
            self.registration(id, path.as_ref());
        }
    }

    /// Drives the registration and sends what it wants.
    fn register(&mut self, id: u64, input: Input) {
        let Step { tell, send } = self.step(id, input);
        self.tell_line(id, tell);
        let draft = send.and_then(|send| {
            let line = self.lines.get(&id)?;
            let aor = address::write(line.account.display.as_deref(), line.account.aor.uri());
            let mut lines = vec![
                ("Contact".to_owned(), send.contact),
                ("Expires".to_owned(), send.expires.to_string()),
                ("Supported".to_owned(), "path".to_owned()),
            ];
            lines.extend(send.authorization.into_iter().map(|line| (line.name.to_owned(), line.value)));
            Some(Draft {
                owner: Owner::Register(id),
                method: Method::Register,
                uri: format!("sip:{}", line.account.aor.domain()),
                from: format!("{aor};tag={}", line.tag),
                to: aor,
                call_id: line.call_id.clone(),
                seq: send.cseq,
                routes: self.proxy_route(),
                contact: None,
                user_agent: line.account.user_agent.clone(),
                lines,
                body: None,
                target: self.domain_target(id),
                home: Home::Yes,
                attempt: Attempt::default(),
            })
        });
        if let Some(draft) = draft {
            let path = self.lines.get(&id).and_then(|line| line.path.clone());
            self.submit(draft, path.as_ref());
        }
        self.reschedule_line(id);
        self.bury_line(id);
    }

    fn step(&mut self, id: u64, input: Input) -> Step {
        let random = (self.random)();
        let now: Moment = self.now;
        let Some(line) = self.lines.get_mut(&id) else { return Step::default() };
        let Some(registration) = &mut line.registration else { return Step::default() };
        registration.handle(input, &mut Around { now, digest: &mut line.digest, random })
    }

    fn tell_line(&mut self, id: u64, told: Option<Told>) {
        let news = match told {
            None => return,
            Some(Told::Registering) => LineNews::Registering,
            Some(Told::Registered) => LineNews::Registered,
            Some(Told::Failed(reason)) => LineNews::Failed(reason),
        };
        if self.lines.get(&id).is_some_and(|line| !line.dropped) {
            self.effects.push(Effect::Line(id, news));
        }
    }

    fn reschedule_line(&mut self, id: u64) {
        let due = self.lines.get(&id).and_then(|line| line.registration.as_ref()?.deadline());
        self.schedule(Clock::Line(id), due);
    }

    pub(super) fn line_due(&mut self, id: u64) {
        self.with_path(id, Next::Deadline);
    }

    pub(super) fn register_sent(&mut self, id: u64, path: Path) {
        if let Some(line) = self.lines.get_mut(&id) {
            line.path = Some(path);
        }
    }

    pub(super) fn register_answered(&mut self, id: u64, response: &Message) {
        let Some(status) = response.status().filter(|status| *status >= 200) else { return };
        let contacts: Vec<&str> = response.values("Contact").collect();
        let www: Vec<&str> = response.values("WWW-Authenticate").collect();
        let proxy: Vec<&str> = response.values("Proxy-Authenticate").collect();
        let told = Response {
            status,
            phrase: response.phrase(),
            contacts: &contacts,
            expires: response.number("Expires"),
            min_expires: response.number("Min-Expires"),
            retry_after: response.number("Retry-After"),
            www: &www,
            proxy: &proxy,
        };
        self.register(id, Input::Response(&told));
    }

    pub(super) fn register_failed(&mut self, id: u64, timeout: bool) {
        // Another server of the domain may be up: the next attempt looks again.
        if let Some(line) = self.lines.get_mut(&id) {
            line.path = None;
        }
        self.register(id, if timeout { Input::Timeout } else { Input::Unreachable });
    }

    /// A stream has ended, and with it the place where the registrar finds us.
    pub(super) fn lines_lost(&mut self, flow: u64) {
        let of = |(id, line): (&u64, &mut Line)| {
            let lost = line.path.as_ref().is_some_and(|path| path.flow == flow);
            if lost {
                line.path = None;
            }
            (lost && line.registration.as_ref().is_some_and(Registration::is_registered)).then_some(*id)
        };
        let ids: Vec<u64> = self.lines.iter_mut().filter_map(of).collect();
        ids.into_iter().for_each(|id| self.with_path(id, Next::Refresh));
    }

    /// The preloaded route to the configured proxy.
    pub(super) fn proxy_route(&self) -> Vec<String> {
        self.settings.proxy.iter().map(|proxy| format!("<{};lr>", proxy.uri())).collect()
    }
}

/// A push token that is too long is left out: a telephone that cannot be woken is better than none.
fn own_contact(token: &str, (host, port, transport): &(String, u16, Transport), push: Option<&Push>) -> Option<Uri> {
    let with = |push| contact(token, host, *port, transport.word(), push);
    with(push).or_else(|_| with(None)).ok()
}
