//! The sid dialect in the simulation: what its server must do (`docs/dialects/sid.md`), written anew.
//!
//! The id of a session is the server's to draw: an expected message has a hole for it until somebody has heard it.

mod moves;

use std::collections::{BTreeMap, VecDeque};

use patchbay_dialect_kit::{Rate, TokenBucket};
use patchbay_server::config::Config;

use crate::dialect::{Dialect, Line, Pushed, Sight, Told, Verdict};
use crate::moment;
use crate::net::Id;
use moves::Meaning;

pub(crate) struct Sid {
    path: String,
    rate: Rate,
    ping_interval: u64,
    register_timeout: u64,
    /// Every list goes out by itself; else some may be left out.
    every_list: bool,
    clients: BTreeMap<Id, Client>,
    names: BTreeMap<String, Id>,
    /// In the order of registration.
    order: Vec<Id>,
    sessions: Vec<Session>,
    lists: Vec<Version>,
    next_serial: u64,
}

struct Session {
    caller: Id,
    callee: Id,
    state: u8,
    token: Option<String>,
}

/// What the list says from a time on.
struct Version {
    list: String,
    from: u64,
}

#[derive(Default)]
struct Client {
    sent: VecDeque<Meaning>,
    opened: u64,
    /// Its name, and when it was registered.
    name: Option<(String, u64)>,
    ponged: u64,
    call: Option<usize>,
    /// What the hub tells it, in order.
    events: VecDeque<Expected>,
    /// Refusals of what it asked for, in order.
    errors: VecDeque<Expected>,
    /// The version of the last list that it heard.
    version: Option<usize>,
    /// What it knows when it makes a move.
    knows: Option<usize>,
    others: Vec<String>,
    registered: bool,
    bucket: Option<TokenBucket>,
    throttled: bool,
}

/// A message: two pieces of text, and between them the id of a session.
struct Expected {
    before: String,
    session: Option<usize>,
    after: String,
    at: u64,
}

const CLOSED: u8 = 4;
/// A connection that registers nothing is closed with this code.
const IDLE: u16 = 1008;

impl Sid {
    pub(crate) fn new(config: &Config) -> Self {
        let sid = &config.dialect.sid;
        Self {
            path: sid.path.clone(),
            rate: Rate { per_second: config.limits.rate_per_second, burst: config.limits.rate_burst },
            ping_interval: sid.ping_interval_ms,
            register_timeout: sid.register_timeout_ms,
            every_list: sid.every_list_up_to >= 200,
            clients: BTreeMap::new(),
            names: BTreeMap::new(),
            order: Vec::new(),
            sessions: Vec::new(),
            lists: Vec::new(),
            next_serial: 0,
        }
    }

    fn client(&mut self, id: Id) -> &mut Client {
        self.clients.entry(id).or_default()
    }

    fn error(&mut self, id: Id, at: u64, code: u16) {
        let before = format!(r#"{{"cmd":"error","code":{code}}}"#);
        self.client(id).errors.push_back(Expected { before, session: None, after: String::new(), at });
    }

    fn tell(&mut self, id: Id, at: u64, before: String, session: Option<usize>, after: String, told: &mut Told) {
        told.edge(id, before.len() + after.len());
        self.expect(id, at, before, session, after);
    }

    fn expect(&mut self, id: Id, at: u64, before: String, session: Option<usize>, after: String) {
        self.client(id).events.push_back(Expected { before, session, after, at });
    }

    fn tell_state(&mut self, session: usize, at: u64, ends: [Id; 2], told: &mut Told) {
        let state = self.sessions[session].state;
        for id in ends {
            let before = r#"{"cmd":"ssu","sessionId":""#.to_owned();
            self.tell(id, at, before, Some(session), format!(r#"","state":{state}}}"#), told);
        }
    }

    /// A new list, to everybody who waits.
    fn changed(&mut self, at: u64, told: &mut Told) {
        let mut list = r#"{"cmd":"clu","list":["#.to_owned();
        for (index, id) in self.order.iter().enumerate() {
            let Some(client) = self.clients.get(id) else { continue };
            let state = if client.call.is_some() { 2 } else { 1 };
            let name = client.name.as_ref().map_or("", |(name, _)| name);
            let comma = if index == 0 { "" } else { "," };
            list += &format!(r#"{comma}{{"state":{state},"sId":"{name}"}}"#);
        }
        list += "]}";
        for id in self.order.clone() {
            if self.clients.get(&id).is_some_and(|client| client.call.is_some()) {
                // It is put into its mailbox all the same, and not shown.
                told.level(id, list.len());
            } else if self.every_list {
                self.tell(id, at, list.clone(), None, String::new(), told);
            } else {
                told.level(id, list.len());
            }
        }
        self.lists.push(Version { list, from: at });
    }

    fn register(&mut self, id: Id, at: u64, name: &str, told: &mut Told) -> Result<(), u16> {
        let name = name.trim();
        if name.is_empty() || name.len() > 256 {
            return Err(9001);
        }
        if self.names.contains_key(name) {
            return Err(9102);
        }
        self.names.insert(name.to_owned(), id);
        self.order.push(id);
        let client = self.client(id);
        client.name = Some((name.to_owned(), at));
        client.ponged = at;
        self.tell(id, at, format!(r#"{{"cmd":"sId","sId":"{name}"}}"#), None, String::new(), told);
        self.changed(at, told);
        Ok(())
    }

    fn session(&mut self, id: Id, at: u64, to: &str, told: &mut Told) -> Result<(), u16> {
        let callee = self.names.get(to).copied().ok_or(9201_u16)?;
        if self.client(id).call.is_some() {
            return Err(9202);
        }
        if self.client(callee).call.is_some() {
            return Err(9203);
        }
        let session = self.sessions.len();
        self.sessions.push(Session { caller: id, callee, state: 1, token: None });
        // One event of the hub becomes two messages for the caller.
        self.expect(id, at, r#"{"cmd":"session","sessionId":""#.to_owned(), Some(session), "\"}".to_owned());
        self.tell_state(session, at, [id, callee], told);
        self.client(id).call = Some(session);
        self.client(callee).call = Some(session);
        self.changed(at, told);
        Ok(())
    }

    /// The session that the client is in, if the token is its.
    fn own(&self, id: Id, token: &str) -> Result<usize, u16> {
        let session = self.clients.get(&id).and_then(|client| client.call).ok_or(9204_u16)?;
        if self.sessions[session].token.as_deref() == Some(token) { Ok(session) } else { Err(9204) }
    }

    fn in_session(
        &mut self,
        id: Id,
        at: u64,
        cmd: &str,
        token: &str,
        payload: &str,
        told: &mut Told,
    ) -> Result<(), u16> {
        let session = self.own(id, token)?;
        let Session { caller, callee, .. } = self.sessions[session];
        let other = if id == caller { callee } else { caller };
        if matches!(cmd, "stop" | "reject") {
            self.end(session, at, id, Some(cmd), told);
            return Ok(());
        }
        let name = self.client(id).name.clone().map(|(name, _)| name).unwrap_or_default();
        let before = format!(r#"{{"cmd":"{cmd}","sessionId":""#);
        self.tell(other, at, before, Some(session), format!(r#"","opponentId":"{name}"{payload}}}"#), told);
        let state = match cmd {
            "call" => 2,
            "accept" => 3,
            _ => return Ok(()),
        };
        if self.sessions[session].state != state {
            self.sessions[session].state = state;
            self.tell_state(session, at, [caller, callee], told);
        }
        Ok(())
    }

    /// Ends a session: `by` says so in a word of its own, or has gone.
    fn end(&mut self, session: usize, at: u64, by: Id, word: Option<&str>, told: &mut Told) {
        let Session { caller, callee, .. } = self.sessions[session];
        let other = if by == caller { callee } else { caller };
        self.sessions[session].state = CLOSED;
        self.client(caller).call = None;
        self.client(callee).call = None;
        let name = self.client(by).name.clone().map(|(name, _)| name).unwrap_or_default();
        let before = format!(r#"{{"cmd":"{}","sessionId":""#, word.unwrap_or("leave"));
        // The other end's event becomes two messages.
        self.expect(other, at, before, Some(session), format!(r#"","opponentId":"{name}"}}"#));
        self.tell_state(session, at, [other, by], told);
        self.changed(at, told);
    }

    fn hear_list(&mut self, id: Id, text: &str, pushed: Pushed) -> Result<(), String> {
        let Self { clients, lists, .. } = self;
        let client = clients.entry(id).or_default();
        let first = client.version.map_or(0, |version| version + 1);
        let fits = |version: &Version| version.list == text;
        if !lists.get(first..).unwrap_or_default().iter().any(fits) {
            let ever = if lists.iter().any(fits) { "it is older than the one before" } else { "it was never true" };
            return Err(format!("a list came that is wrong: {ever}"));
        }
        let fresh = |index: usize| lists.get(index + 1).is_none_or(|next| next.from + 1 >= pushed.at);
        let found = (first..lists.len()).find(|index| fits(&lists[*index]) && (pushed.was_held() || fresh(*index)));
        let Some(version) = found else { return Err("a list came that was no longer true when it left".to_owned()) };
        client.version = Some(version);
        Ok(())
    }

    /// Compares a message with what has to come, and learns the session's id from it.
    fn matches(&mut self, expected: &Expected, text: &str) -> Result<(), String> {
        let shown = || format!("the message was to be: {}…{}", expected.before, expected.after);
        let Some(session) = expected.session else {
            return if expected.before == text { Ok(()) } else { Err(shown()) };
        };
        let token =
            text.strip_prefix(expected.before.as_str()).and_then(|rest| rest.strip_suffix(expected.after.as_str()));
        let token = token.ok_or_else(shown)?;
        if let Some(known) = &self.sessions[session].token {
            return if known == token { Ok(()) } else { Err(format!("the session's id is {known}")) };
        }
        if token.len() != 8 || !token.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{token} is no session's id"));
        }
        let live = |other: &Session| other.state != CLOSED && other.token.as_deref() == Some(token);
        if self.sessions.iter().any(live) {
            return Err("another session has that id".to_owned());
        }
        self.sessions[session].token = Some(token.to_owned());
        Ok(())
    }

    fn hear_event(&mut self, id: Id, text: &str, pushed: Pushed) -> Result<(), String> {
        let expected = self.client(id).events.pop_front().ok_or("nobody caused it, or it came twice")?;
        self.matches(&expected, text)?;
        let closed = expected.after.ends_with(r#""state":4}"#);
        let client = self.client(id);
        if expected.session.is_some() {
            client.knows = if closed { None } else { expected.session };
        }
        client.registered = client.name.is_some();
        pushed.prompt(expected.at)
    }
}

impl Dialect for Sid {
    fn path(&self) -> &str {
        &self.path
    }

    fn opened(&mut self, id: Id, at: u64) {
        self.client(id).opened = at;
    }

    fn act(&mut self, id: Id, sight: &mut Sight<'_>) -> Vec<String> {
        moves::act(self, id, sight)
    }

    fn script(&mut self, id: Id, line: Line<'_>) -> String {
        moves::script(self, id, line)
    }

    fn handle(&mut self, id: Id, at: u64, told: &mut Told) -> Verdict {
        let Some(meaning) = self.client(id).sent.pop_front() else { return Verdict::Stay };
        let rate = self.rate;
        let client = self.client(id);
        let now = moment(at);
        // What is refused is not counted by the server; counting it here makes it no less certain who is not throttled.
        let counted = !matches!(&meaning, Meaning::InSession { cmd: "call" | "accept" | "icecandidate", .. });
        client.throttled |= counted && client.bucket.get_or_insert_with(TokenBucket::full).charge(rate, now) > now;
        let own = self.client(id).name.as_ref().map(|(name, _)| name.clone());
        let done = match (meaning, own) {
            (Meaning::Broken(code), _) => Err(code),
            (Meaning::Register { name }, None) => self.register(id, at, &name, told),
            (_, None) => Err(9100),
            (Meaning::Session { to } | Meaning::Notify { to, .. } | Meaning::Unknown { to }, Some(own))
                if to == own =>
            {
                Err(9200)
            }
            (Meaning::Register { .. }, _) => Err(9101),
            (Meaning::Session { to }, _) => self.session(id, at, &to, told),
            (Meaning::InSession { cmd, token, payload }, _) => self.in_session(id, at, cmd, &token, &payload, told),
            (Meaning::Notify { to, payload }, Some(own)) => match self.names.get(&to).copied() {
                None => Err(9301),
                Some(target) => {
                    let before = format!(r#"{{"cmd":"notify","opponentId":"{own}"{payload}}}"#);
                    self.tell(target, at, before, None, String::new(), told);
                    Ok(())
                }
            },
            (Meaning::Unknown { .. }, _) => Err(9002),
        };
        if let Err(code) = done {
            self.error(id, at, code);
        }
        Verdict::Stay
    }

    fn pong(&mut self, id: Id, at: u64) {
        self.client(id).ponged = at;
    }

    fn gone(&mut self, id: Id, at: u64, told: &mut Told) {
        let client = self.client(id);
        let (call, name) = (client.call, client.name.clone());
        if let Some(session) = call {
            self.end(session, at, id, None, told);
        }
        if let Some((name, _)) = name
            && self.names.get(&name) == Some(&id)
        {
            self.names.remove(&name);
            self.order.retain(|one| *one != id);
            self.changed(at, told);
        }
    }

    fn hear(&mut self, id: Id, text: &str, pushed: Pushed) -> Result<(), String> {
        if text.starts_with(r#"{"cmd":"error""#) {
            let expected = self.client(id).errors.pop_front().ok_or("it answers nothing")?;
            self.matches(&expected, text)?;
            return pushed.prompt(expected.at);
        }
        if text.starts_with(r#"{"cmd":"clu""#) {
            let own = self.client(id).name.clone().map(|(name, _)| name);
            let names = text.split(r#""sId":""#).skip(1).filter_map(|rest| rest.split('"').next());
            self.client(id).others = names.map(str::to_owned).filter(|name| own.as_ref() != Some(name)).collect();
            if !self.every_list {
                return self.hear_list(id, text, pushed);
            }
        }
        self.hear_event(id, text, pushed)
    }

    fn silence(&self, id: Id) -> Option<(u64, u64)> {
        let client = self.clients.get(&id)?;
        let (_, registered) = client.name.as_ref()?;
        let (since, interval) = (client.ponged - registered, self.ping_interval);
        // The first ping after the last pong goes unanswered; a pong in the very moment of a ping may be before or after.
        let until = registered + (since / interval + 2) * interval;
        let in_step = since > 0 && since.is_multiple_of(interval);
        Some((if in_step { until - interval } else { until }, until))
    }

    fn is_throttled(&self, id: Id) -> bool {
        self.clients.get(&id).is_some_and(|client| client.throttled)
    }

    fn idle(&self, id: Id) -> Option<(u16, u64)> {
        let client = self.clients.get(&id)?;
        client.name.is_none().then_some((IDLE, client.opened + self.register_timeout))
    }

    fn stirred(&self, id: Id, now: u64) -> u64 {
        let Some(client) = self.clients.get(&id) else { return now };
        let registered = client.name.as_ref().map_or(now, |(_, at)| *at);
        registered + (now - registered) / self.ping_interval * self.ping_interval
    }

    fn settled(&self, id: Id) -> Result<(), String> {
        let Some(client) = self.clients.get(&id) else { return Ok(()) };
        if let Some(expected) = client.errors.front().or(client.events.front()) {
            return Err(format!("a message did not reach it: {}…{}", expected.before, expected.after));
        }
        if self.every_list || client.name.is_none() || client.call.is_some() {
            return Ok(());
        }
        let told = client.version.map(|version| &self.lists[version].list);
        let truth = self.lists.last().map(|version| &version.list);
        if told == truth { Ok(()) } else { Err(format!("its last list is {told:?}, the truth is {truth:?}")) }
    }
}
