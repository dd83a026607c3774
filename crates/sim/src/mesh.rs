//! The mesh dialect in the simulation: what its server must do (specs in `docs/dialects/mesh.md`), written anew.

mod moves;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use patchbay_dialect_kit::{Rate, TokenBucket};
use patchbay_server::config::Config;

use crate::dialect::{Dialect, Line, Pushed, Sight, Told, Verdict};
use crate::moment;
use crate::net::Id;
use moves::Meaning;

/// All rooms and all clients of the dialect.
pub(crate) struct Mesh {
    path: String,
    rate: Rate,
    ping_interval: u64,
    pong_timeout: u64,
    most_rooms: usize,
    most_members: usize,
    clients: BTreeMap<Id, Client>,
    rooms: BTreeMap<Rc<str>, Room>,
    /// By incarnation: a room that was deleted and made again is another one.
    histories: Vec<Vec<Version>>,
    next_serial: u64,
    /// Messages that the server has handled.
    handled: u64,
}

struct Room {
    incarnation: usize,
    members: BTreeMap<Rc<str>, Id>,
}

/// What a room's list says from a time on.
struct Version {
    list: String,
    from: u64,
}

#[derive(Default)]
struct Client {
    /// What has been sent and not been handled.
    sent: VecDeque<Meaning>,
    bound: Option<Rc<str>>,
    room: Option<Rc<str>>,
    bucket: Option<TokenBucket>,
    opened: u64,
    ponged: u64,
    /// Answers to what it said, in order.
    answers: VecDeque<Answer>,
    /// What others sent to it, in order.
    relays: VecDeque<Relay>,
    /// The room that it was told it is in.
    heard: Option<Heard>,
    /// What it believes about itself when it makes a move.
    asked: Option<Rc<str>>,
    others: Vec<Rc<str>>,
}

struct Answer {
    text: String,
    at: u64,
    /// The number of the message that it answers.
    number: u64,
    /// The room that it says the client has joined.
    joined: Option<Heard>,
}

struct Relay {
    text: Rc<str>,
    at: u64,
    /// The number of the message that it was.
    number: u64,
    /// The receiver has left meanwhile, and whatever had not been handed out is not for its ears.
    optional: bool,
}

/// A stay in a room.
struct Heard {
    incarnation: usize,
    /// The version that the client's coming made.
    first: usize,
    /// The version of the last list that it heard.
    version: Option<usize>,
    /// When the server handled its leaving.
    left: Option<u64>,
}

impl Mesh {
    pub(crate) fn new(config: &Config) -> Self {
        let mesh = &config.dialect.mesh;
        Self {
            path: mesh.path.clone(),
            rate: Rate { per_second: config.limits.rate_per_second, burst: config.limits.rate_burst },
            ping_interval: mesh.ping_interval_ms,
            pong_timeout: mesh.pong_timeout_ms,
            most_rooms: mesh.rooms,
            most_members: mesh.members,
            clients: BTreeMap::new(),
            rooms: BTreeMap::new(),
            histories: Vec::new(),
            next_serial: 0,
            handled: 0,
        }
    }

    fn client(&mut self, id: Id) -> &mut Client {
        self.clients.entry(id).or_default()
    }

    fn admits(&mut self, id: Id, at: u64) -> bool {
        let rate = self.rate;
        let bucket = &mut self.client(id).bucket;
        bucket.get_or_insert_with(TokenBucket::full).take(rate, moment(at))
    }

    fn answer(&mut self, id: Id, at: u64, text: String) {
        let number = self.handled;
        self.client(id).answers.push_back(Answer { text, at, number, joined: None });
    }

    fn error(&mut self, id: Id, at: u64, code: &str) {
        let room = self.client(id).room.clone().unwrap_or_default();
        let words = words(code);
        let text = format!(r#"{{"type":"error","room":"{room}","from":"","code":"{code}","error":"{words}"}}"#);
        self.answer(id, at, text + "\n");
    }

    /// A new version of a room's list, and who may be told of it.
    fn changed(&mut self, name: &Rc<str>, at: u64, told: &mut Told) {
        let Some(room) = self.rooms.get(name) else { return };
        let mut list = format!(r#"{{"type":"room_members","room":"{name}","from":"","members":["#);
        for (index, member) in room.members.keys().enumerate() {
            list += if index == 0 { "\"" } else { ",\"" };
            list += member;
            list += "\"";
        }
        list += "]}\n";
        for member in room.members.values() {
            told.level(*member, list.len());
        }
        self.histories[room.incarnation].push(Version { list, from: at });
    }

    fn join(&mut self, id: Id, at: u64, name: &str, room: &str, told: &mut Told) -> Result<(), &'static str> {
        let (name, room): (Rc<str>, Rc<str>) = (name.trim().into(), room.trim().into());
        if !is_id(&name) {
            return Err("invalid_id");
        }
        if room.is_empty() || room.len() > 64 || room.chars().any(char::is_control) {
            return Err("invalid_room");
        }
        let client = self.client(id);
        if client.bound.as_ref().is_some_and(|bound| *bound != name) {
            return Err("identity_locked");
        }
        if client.room.as_ref().is_some_and(|current| *current != room) {
            return Err("already_joined");
        }
        match self.rooms.get(&room).map(|found| (found.members.get(&name).copied(), found.members.len())) {
            None if self.rooms.len() >= self.most_rooms => return Err("room_limit_reached"),
            Some((Some(holder), _)) if holder != id => return Err("duplicate_id"),
            Some((None, members)) if members >= self.most_members => return Err("room_full"),
            None => {
                let incarnation = self.histories.len();
                self.histories.push(Vec::new());
                self.rooms.insert(Rc::clone(&room), Room { incarnation, members: BTreeMap::new() });
            }
            Some(_) => {}
        }
        let Some(entered) = self.rooms.get_mut(&room) else { return Err("room_missing") };
        entered.members.insert(Rc::clone(&name), id);
        let incarnation = entered.incarnation;
        let first = self.histories[incarnation].len();
        let joined = Some(Heard { incarnation, first, version: None, left: None });
        let text = format!(r#"{{"type":"joined","room":"{room}","from":"{name}"}}"#) + "\n";
        let number = self.handled;
        let client = self.client(id);
        client.answers.push_back(Answer { text, at, number, joined });
        client.bound = Some(name);
        client.room = Some(Rc::clone(&room));
        told.edge(id, 0);
        self.changed(&room, at, told);
        Ok(())
    }

    fn leave(&mut self, id: Id, at: u64, told: &mut Told) {
        let client = self.client(id);
        let Some(name) = client.room.take() else { return };
        // What waits for it and has not been handed out yet is lost on it.
        client.relays.iter_mut().for_each(|relay| relay.optional = true);
        let waiting = client.answers.iter_mut().filter_map(|answer| answer.joined.as_mut());
        for heard in client.heard.as_mut().into_iter().chain(waiting) {
            heard.left.get_or_insert(at);
        }
        if let Some(room) = self.rooms.get_mut(&name) {
            room.members.retain(|_, member| *member != id);
            if room.members.is_empty() {
                self.rooms.remove(&name);
            } else {
                self.changed(&name, at, told);
            }
        }
    }

    fn relay(
        &mut self,
        id: Id,
        at: u64,
        kind: &str,
        to: &str,
        payload: &str,
        told: &mut Told,
    ) -> Result<(), &'static str> {
        let client = self.client(id);
        let (Some(room), Some(own)) = (client.room.clone(), client.bound.clone()) else { return Err("not_joined") };
        let to = to.trim();
        if !is_id(to) || *to == *own {
            return Err("invalid_target");
        }
        let target = self.rooms.get(&room).and_then(|room| room.members.get(to)).copied();
        let target = target.ok_or("target_not_found")?;
        let text = format!(r#"{{"type":"{kind}","room":"{room}","from":"{own}","to":"{to}"{payload}}}"#) + "\n";
        told.edge(target, payload.len());
        let number = self.handled;
        self.client(target).relays.push_back(Relay { text: text.into(), at, number, optional: false });
        Ok(())
    }

    fn hear_list(&mut self, id: Id, text: &str, pushed: Pushed) -> Result<(), String> {
        let Self { clients, histories, .. } = self;
        let client = clients.entry(id).or_default();
        let heard = client.heard.as_mut().ok_or("a list came before `joined`")?;
        if heard.left.is_some_and(|left| !pushed.may_be_of(left)) {
            return Err("a list of a room that it had left came".to_owned());
        }
        let history = &histories[heard.incarnation];
        let first = heard.version.map_or(heard.first, |version| version + 1);
        let known = history.get(first..).unwrap_or_default();
        let fits = |version: &Version| version.list == text;
        if !known.iter().any(fits) {
            let ever = if history.iter().any(fits) { "it is older than the one before" } else { "it was never true" };
            return Err(format!("a list came that is wrong: {ever}"));
        }
        // Unless the socket was full, a list is made in the moment in which it leaves.
        let fresh = |index: usize| history.get(index + 1).is_none_or(|next| next.from + 1 >= pushed.at);
        let found = (first..history.len()).find(|index| fits(&history[*index]) && (pushed.was_held() || fresh(*index)));
        let Some(version) = found else { return Err("a list came that was no longer true when it left".to_owned()) };
        heard.version = Some(version);
        let own = client.bound.clone().unwrap_or_default();
        let members = text.split("\"members\":[").nth(1).unwrap_or_default().trim_end_matches("]}\n");
        client.others =
            members.split(',').map(|name| Rc::from(name.trim_matches('"'))).filter(|name| *name != own).collect();
        Ok(())
    }

    fn hear_relay(&mut self, id: Id, text: &str, pushed: Pushed) -> Result<(), String> {
        let client = self.client(id);
        while let Some(relay) = client.relays.pop_front() {
            if *relay.text == *text {
                if client.heard.is_none() && !relay.optional {
                    return Err("a relay came before `joined`".to_owned());
                }
                return if relay.optional { Ok(()) } else { pushed.prompt(relay.at) };
            }
            if !relay.optional {
                return Err(format!("another message was to come first: {}", relay.text.trim_end()));
            }
        }
        Err("nobody sent it, or it came twice".to_owned())
    }

    fn hear_answer(&mut self, id: Id, text: &str, pushed: Pushed) -> Result<(), String> {
        let client = self.client(id);
        client.asked = client.room.clone();
        let answer = client.answers.pop_front().ok_or("it answers nothing")?;
        if answer.text != text {
            return Err(format!("the answer was to be: {}", answer.text.trim_end()));
        }
        if let Some(joined) = answer.joined {
            // Who joins again has stayed, and goes on to hear what comes after the list that it knows.
            let stayed = |heard: &Heard| {
                heard.incarnation == joined.incarnation && heard.left.is_none_or(|left| left > answer.at)
            };
            if !client.heard.as_ref().is_some_and(stayed) {
                // What was sent to it in the room before, and did not come before this, is lost.
                client.relays.retain(|relay| !relay.optional || relay.number > answer.number);
                client.heard = Some(joined);
            }
        }
        pushed.prompt(answer.at)
    }
}

impl Dialect for Mesh {
    fn path(&self) -> &str {
        &self.path
    }

    fn opened(&mut self, id: Id, at: u64) {
        let client = self.client(id);
        client.opened = at;
        client.ponged = at;
    }

    fn act(&mut self, id: Id, sight: &mut Sight<'_>) -> Vec<String> {
        moves::act(self, id, sight)
    }

    fn script(&mut self, id: Id, line: Line<'_>) -> String {
        moves::script(self, id, line)
    }

    fn handle(&mut self, id: Id, at: u64, told: &mut Told) -> Verdict {
        self.handled += 1;
        let Some(meaning) = self.client(id).sent.pop_front() else { return Verdict::Stay };
        if let Meaning::Relay { kind, to, payload } = &meaning {
            if let Err(code) = self.relay(id, at, kind, to, payload, told) {
                let code = if self.admits(id, at) { code } else { "rate_limited" };
                self.error(id, at, code);
            }
            return Verdict::Stay;
        }
        if meaning == Meaning::Garbage {
            return Verdict::Close(1007);
        }
        if !self.admits(id, at) {
            self.error(id, at, "rate_limited");
            return Verdict::Stay;
        }
        match meaning {
            Meaning::Join { name, room } => {
                if let Err(code) = self.join(id, at, &name, &room, told) {
                    self.error(id, at, code);
                }
            }
            Meaning::Leave => self.leave(id, at, told),
            Meaning::Ping => self.answer(id, at, "{\"type\":\"pong\",\"room\":\"\",\"from\":\"\"}\n".to_owned()),
            _ => self.error(id, at, "unknown_type"),
        }
        Verdict::Stay
    }

    fn pong(&mut self, id: Id, at: u64) {
        self.client(id).ponged = at;
    }

    fn gone(&mut self, id: Id, at: u64, told: &mut Told) {
        // Nothing that others send still has to reach it.
        self.client(id).relays.iter_mut().for_each(|relay| relay.optional = true);
        self.leave(id, at, told);
    }

    fn hear(&mut self, id: Id, text: &str, pushed: Pushed) -> Result<(), String> {
        let kind = text.strip_prefix("{\"type\":\"").and_then(|rest| rest.split('"').next()).unwrap_or_default();
        match kind {
            "room_members" => self.hear_list(id, text, pushed),
            "offer" | "answer" | "candidate" | "hangup" => self.hear_relay(id, text, pushed),
            _ => self.hear_answer(id, text, pushed),
        }
    }

    fn silence(&self, id: Id) -> Option<(u64, u64)> {
        let at = self.clients.get(&id)?.ponged + self.pong_timeout;
        Some((at, at))
    }

    fn is_throttled(&self, _id: Id) -> bool {
        false
    }

    fn idle(&self, _id: Id) -> Option<(u16, u64)> {
        None
    }

    fn stirred(&self, id: Id, now: u64) -> u64 {
        let opened = self.clients.get(&id).map_or(0, |client| client.opened);
        opened + (now - opened) / self.ping_interval * self.ping_interval
    }

    fn settled(&self, id: Id) -> Result<(), String> {
        let Some(client) = self.clients.get(&id) else { return Ok(()) };
        if let Some(answer) = client.answers.front() {
            return Err(format!("it was not answered: {}", answer.text.trim_end()));
        }
        if let Some(relay) = client.relays.iter().find(|relay| !relay.optional) {
            return Err(format!("a message did not reach it: {}", relay.text.trim_end()));
        }
        let Some(room) = client.room.as_ref().and_then(|room| self.rooms.get(room)) else { return Ok(()) };
        let history = &self.histories[room.incarnation];
        let told = client.heard.as_ref().and_then(|heard| Some(&history.get(heard.version?)?.list));
        let truth = history.last().map(|version| &version.list);
        if told != truth {
            let [told, truth] = [told, truth].map(|list| list.map_or("none", |list| list.trim_end()));
            return Err(format!("its last list is {told}, the truth is {truth}"));
        }
        Ok(())
    }
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// The text that goes with an error's code.
fn words(code: &str) -> &'static str {
    match code {
        "invalid_id" => "invalid client id",
        "invalid_room" => "invalid room name",
        "identity_locked" => "connection identity is immutable",
        "already_joined" => "leave the current room before joining another",
        "duplicate_id" => "client id already exists in room",
        "room_full" => "room is full",
        "room_limit_reached" => "room limit reached",
        "not_joined" => "join a room first",
        "invalid_target" => "invalid target client",
        "target_not_found" => "target client is not in the room",
        "unknown_type" => "unsupported message type",
        "rate_limited" => "too many messages, please slow down",
        other => unreachable!("{other} is no code"),
    }
}
