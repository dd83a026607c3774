//! One request: a few steps, each of which waits for the store or the hub.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Command as HubCommand, Event, Known, Moment, Name, Presence, Query, Tag};
use patchbay_dialect_kit::http::{Exchange, Reply, Request};
use patchbay_dialect_kit::job::{Change, Done, Job, Key, Record, Table, Was};
use patchbay_dialect_kit::json::write_plain_string;
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session};

use super::command::{self, Command, Thing};
use super::reply;
use crate::rendezvous::Settings;
use crate::rendezvous::gate::{Binding, ROOM, ROOMS, SERVER_TOKEN, SERVER_TOKENS, TOKEN, is_token, number};
use crate::rendezvous::wire;

/// How long the store may take: longer would let callers wait for a disk that hangs, shorter would fail what a busy one
/// still does.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often a change is tried again that somebody else was faster with: each time, somebody's went through.
const TRIES: u8 = 8;

/// Most of one kind of thing: more would let lists take seconds and tens of megabytes, fewer would refuse a service that
/// makes a token for each of its viewers.
const MOST: u64 = 50_000;

/// Records of one page of a list: as many as the store gives; it answers others between two.
const PAGE: usize = 250;

const CLOSE_NORMAL: u16 = 1000;

pub(super) struct AdminSession {
    settings: Arc<Settings>,
    local_names: bool,
    url: String,
    running: Option<(Exchange, Operation)>,
    /// The hub has answered; what follows is done when the event is over (law 1).
    asks: Option<Step>,
    deadline: Option<Moment>,
    step: u64,
    unix: u64,
}

/// What goes on.
enum Operation {
    Change {
        thing: Thing,
        name: String,
        adds: bool,
        tries: u8,
    },
    Tokens {
        out: Vec<u8>,
    },
    ServerTokens {
        found: Vec<String>,
    },
    /// Those of the store, and then those of the hub.
    Rooms {
        found: BTreeMap<String, Room>,
    },
}

/// What is known of a room.
#[derive(Default)]
struct Room {
    listed: bool,
    waits: bool,
    clients: usize,
}

/// What is next.
enum Step {
    Job(Job),
    Ask(Option<Name>),
    Reply(Reply),
}

impl AdminSession {
    pub(super) fn new(settings: Arc<Settings>, local_names: bool) -> Self {
        let (url, running, asks, deadline) = (String::new(), None, None, None);
        Self { settings, local_names, url, running, asks, deadline, step: 0, unix: 0 }
    }

    /// What a request begins, or its answer.
    fn begin(&self, request: &Request<'_>) -> Result<Operation, Reply> {
        let url = &self.url;
        if !request.admitted {
            return Err(reply::forbidden(url, "this interface is for certain addresses only"));
        }
        // A page of another site could ask, and would not even have to read the answer.
        if matches!(request.header("sec-fetch-site"), Some("cross-site" | "same-site")) {
            return Err(reply::forbidden(url, "pages of other sites may not ask"));
        }
        if self.local_names && request.header("host").is_some_and(|host| !is_local(host)) {
            return Err(reply::forbidden(url, "ask this machine as localhost"));
        }
        if request.method != "GET" {
            return Err(reply::wrong_method());
        }
        if let Some(page) = reply::page(request.name) {
            return Err(page);
        }
        if request.name != "/" {
            return Err(reply::missing());
        }
        let named = command::parameter(request.query, "c").unwrap_or_default();
        let id = command::parameter(request.query, "i").unwrap_or_default();
        let Some(command) = command::find(&named) else { return Err(reply::unknown(url, &named)) };
        let change = |thing, adds| {
            let valid = match thing {
                Thing::Room => wire::is_word(&id),
                Thing::Token | Thing::ServerToken => is_token(&id),
            };
            if !valid {
                return Err(reply::failed(url, "Parameter i is missing or invalid"));
            }
            let configured = match thing {
                Thing::Room => self.settings.allowed_rooms.contains(&id),
                Thing::ServerToken => self.settings.server_tokens.iter().any(|own| **own == *id),
                Thing::Token => false,
            };
            match (configured, adds) {
                (true, true) => return Err(reply::failed(url, &exists(thing))),
                (true, false) => return Err(reply::failed(url, "It is set in the configuration; change it there")),
                (false, _) => {}
            }
            Ok(Operation::Change { thing, name: id.clone(), adds, tries: TRIES })
        };
        match command {
            Command::Version => Err(reply::version(url)),
            Command::Add(thing) => change(thing, true),
            Command::Remove(thing) => change(thing, false),
            Command::List(Thing::Token) => Ok(Operation::Tokens { out: Vec::new() }),
            Command::List(Thing::ServerToken) => {
                let found = self.settings.server_tokens.iter().map(|token| (**token).to_owned()).collect();
                Ok(Operation::ServerTokens { found })
            }
            Command::List(Thing::Room) => {
                let configured = self.settings.allowed_rooms.iter().cloned();
                let found = configured.map(|room| (room, Room { listed: true, ..Room::default() })).collect();
                Ok(Operation::Rooms { found })
            }
        }
    }

    /// The first order of what has begun.
    fn first(operation: &Operation) -> Job {
        match operation {
            // Tokens go by themselves, so nobody keeps count.
            Operation::Change { thing: Thing::Token, adds: true, .. } => {
                Job::Count { table: Table::Token, prefix: TOKEN.into() }
            }
            Operation::Change { thing, name, .. } => look(*thing, name),
            Operation::Tokens { .. } => list(Table::Token, TOKEN, None),
            Operation::ServerTokens { .. } => list(Table::Setting, SERVER_TOKEN, None),
            Operation::Rooms { .. } => list(Table::Setting, ROOM, None),
        }
    }

    fn take(&mut self, step: Step, exchange: Exchange, operation: Operation, ctx: &mut Ctx<'_>) {
        match step {
            Step::Job(job) => {
                self.step += 1;
                ctx.out.job(Tag(self.step), job);
                self.running = Some((exchange, operation));
            }
            Step::Ask(after) => {
                self.step += 1;
                ctx.out.command(Tag(self.step), HubCommand::Query(Query::Names { after, most: Known::LISTED }));
                self.running = Some((exchange, operation));
            }
            Step::Reply(reply) => self.end(exchange, reply, ctx),
        }
    }

    fn end(&mut self, exchange: Exchange, reply: Reply, ctx: &mut Ctx<'_>) {
        self.running = None;
        self.deadline = None;
        ctx.out.reply(exchange, reply);
        ctx.out.close(CLOSE_NORMAL, CloseCause::Peer);
    }

    /// What follows what the store has answered.
    fn goes_on(&self, operation: &mut Operation, done: Done) -> Step {
        let url = &self.url;
        let gone = || Step::Reply(reply::failed(url, "The store cannot be reached; try again"));
        match (operation, done) {
            (Operation::Change { thing, name, .. }, Done::Number(number)) => {
                if number as u64 >= MOST {
                    return Step::Reply(reply::failed(url, "There are as many as there may be"));
                }
                Step::Job(look(*thing, name))
            }
            (Operation::Change { thing, name, adds, .. }, Done::Records(records)) => {
                match change(*thing, name, *adds, &records) {
                    Ok(changes) => Step::Job(Job::Put(changes)),
                    Err(why) => Step::Reply(reply::failed(url, &why)),
                }
            }
            (Operation::Change { thing, name, .. }, Done::Stored(true)) => {
                Step::Reply(reply::named(url, thing.key(), name))
            }
            (Operation::Change { thing, name, tries, .. }, Done::Stored(false)) => {
                if *tries == 0 {
                    return Step::Reply(reply::failed(url, "Others changed it at the same time; try again"));
                }
                *tries -= 1;
                Step::Job(look(*thing, name))
            }
            (Operation::Tokens { out }, Done::Page { entries, more }) => {
                let last = entries.last().map(|(key, _)| Arc::clone(key));
                for (key, record) in entries {
                    self.write_token(out, key.strip_prefix(TOKEN).unwrap_or_default(), &record);
                }
                if more {
                    return Step::Job(list(Table::Token, TOKEN, last));
                }
                let data = [b"{\"tokens\":[", out.as_slice(), b"]}"].concat();
                Step::Reply(reply::done(url, &data))
            }
            (Operation::ServerTokens { found }, Done::Page { entries, more }) => {
                let last = entries.last().map(|(key, _)| Arc::clone(key));
                found.extend(entries.iter().filter_map(|(key, _)| Some(key.strip_prefix(SERVER_TOKEN)?.to_owned())));
                if more {
                    return Step::Job(list(Table::Setting, SERVER_TOKEN, last));
                }
                found.sort_unstable();
                let mut data = b"{\"tokens\":[".to_vec();
                for (index, token) in found.iter().enumerate() {
                    data.extend_from_slice(if index == 0 { b"{\"token\":" } else { b",{\"token\":" });
                    write_plain_string(&mut data, token);
                    data.push(b'}');
                }
                data.extend_from_slice(b"]}");
                Step::Reply(reply::done(url, &data))
            }
            (Operation::Rooms { found }, Done::Page { entries, more }) => {
                let last = entries.last().map(|(key, _)| Arc::clone(key));
                for room in entries.iter().filter_map(|(key, _)| key.strip_prefix(ROOM)) {
                    found.entry(room.to_owned()).or_default().listed = true;
                }
                if more {
                    return Step::Job(list(Table::Setting, ROOM, last));
                }
                Step::Ask(None)
            }
            _ => gone(),
        }
    }

    /// One entry of `listTokens`; those whose time is over are as good as gone.
    fn write_token(&self, out: &mut Vec<u8>, token: &str, record: &Record) {
        let until = Binding::read(&record.0).until;
        if until.is_some_and(|until| until <= self.unix) {
            return;
        }
        out.extend_from_slice(if out.is_empty() { b"{\"token\":" } else { b",{\"token\":" });
        write_plain_string(out, token);
        let expires = until.map_or_else(|| "null".to_owned(), |until| until.to_string());
        out.extend_from_slice(format!(",\"used\":{},\"expires\":{expires}}}", until.is_some()).as_bytes());
    }
}

/// Whether a `Host` names this machine to itself.
fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The next page.
fn list(table: Table, prefix: &str, after: Option<Arc<str>>) -> Job {
    Job::List { table, prefix: prefix.into(), after, offset: 0, size: PAGE }
}

fn exists(thing: Thing) -> String {
    format!("This {} exists already", thing.key())
}

/// The record, and the number of its kind, if there is one.
fn keys(thing: Thing, name: &str) -> (Key, Option<Key>) {
    match thing {
        Thing::Token => (Key::new(Table::Token, format!("{TOKEN}{name}")), None),
        Thing::Room => (Key::new(Table::Setting, format!("{ROOM}{name}")), Some(Key::new(Table::Setting, ROOMS))),
        Thing::ServerToken => {
            let key = Key::new(Table::Setting, format!("{SERVER_TOKEN}{name}"));
            (key, Some(Key::new(Table::Setting, SERVER_TOKENS)))
        }
    }
}

fn look(thing: Thing, name: &str) -> Job {
    let (key, count) = keys(thing, name);
    Job::Get(std::iter::once(key).chain(count).collect())
}

/// The changes that add or remove something, given what there is; or why not.
fn change(thing: Thing, name: &str, adds: bool, records: &[Option<Record>]) -> Result<Vec<Change>, String> {
    let found = |at: usize| records.get(at).and_then(Option::clone);
    let (key, count) = keys(thing, name);
    let (was, is) = match (found(0), adds) {
        (Some(_), true) => return Err(exists(thing)),
        (None, false) => return Err(format!("There is no such {}", thing.key())),
        (None, true) => (Was::Nothing, Some(Binding::default().record())),
        (Some(record), false) => (Was::Exactly(record), None),
    };
    let mut changes = vec![Change { key, was, is }];
    if let Some(key) = count {
        let before = number(found(1).as_ref());
        let after = if adds { before + 1 } else { before.saturating_sub(1) };
        if after > MOST {
            return Err("There are as many as there may be".to_owned());
        }
        let was = found(1).map_or(Was::Nothing, Was::Exactly);
        let is = (after > 0).then(|| Record(Arc::from(after.to_string().into_bytes())));
        changes.push(Change { key, was, is });
    }
    Ok(changes)
}

impl Session for AdminSession {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        self.deadline = Some(ctx.now + PATIENCE);
    }

    fn on_frame(&mut self, _frame: Frame<'_>, _ctx: &mut Ctx<'_>) {}

    fn on_request(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) {
        if self.running.is_some() {
            return ctx.out.reply(request.exchange, Reply::problem(409, "Conflict", "one request at a time"));
        }
        self.url = reply::target(request);
        self.unix = ctx.unix_ms / 1_000;
        match self.begin(request) {
            Ok(operation) => self.take(Step::Job(Self::first(&operation)), request.exchange, operation, ctx),
            Err(reply) => self.end(request.exchange, reply, ctx),
        }
    }

    fn on_job(&mut self, tag: Tag, done: Done, ctx: &mut Ctx<'_>) {
        if tag != Tag(self.step) {
            return;
        }
        if let Some((exchange, mut operation)) = self.running.take() {
            let step = self.goes_on(&mut operation, done);
            self.take(step, exchange, operation, ctx);
        }
    }

    fn on_event(&mut self, event: Event, _ctx: &mut Ctx<'_>) {
        let (tag, names, more) = match event {
            Event::Names { tag, names, more } => (tag, names, more),
            Event::Refused { tag, .. } => (tag, Vec::new(), false),
            _ => return,
        };
        let Some((_, Operation::Rooms { found, .. })) = self.running.as_mut().filter(|_| tag == Tag(self.step)) else {
            return;
        };
        for (name, presence) in &names {
            let (room, viewer) = wire::named(name);
            match (viewer, presence) {
                (None, _) => found.entry(room.to_owned()).or_default().waits = true,
                (Some(_), Presence::InCall) => found.entry(room.to_owned()).or_default().clients += 1,
                // It has just been told that nobody is there.
                (Some(_), Presence::Free) => {}
            }
        }
        let after = names.last().filter(|_| more).map(|(name, _)| name.clone());
        self.asks = Some(match after {
            Some(after) => Step::Ask(Some(after)),
            None => Step::Reply(rooms(&self.url, found)),
        });
    }

    fn deadline(&self) -> Option<Moment> {
        if self.asks.is_some() { Some(Moment::START) } else { self.deadline }
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        let asks = self.asks.take();
        match (self.running.take(), asks) {
            (Some((exchange, operation)), Some(step)) => self.take(step, exchange, operation, ctx),
            (Some((exchange, _)), None) => {
                self.end(exchange, reply::failed(&self.url, "The store did not answer in time; try again"), ctx);
            }
            (None, _) => {
                self.deadline = None;
                ctx.out.close(CLOSE_NORMAL, CloseCause::Idle);
            }
        }
    }
}

/// `listRooms`.
fn rooms(url: &str, found: &BTreeMap<String, Room>) -> Reply {
    let restricted = found.values().any(|room| room.listed);
    let mut data = b"{\"rooms\":[".to_vec();
    for (index, (name, Room { listed, waits, clients })) in found.iter().enumerate() {
        data.extend_from_slice(if index == 0 { b"{\"room\":" } else { b",{\"room\":" });
        write_plain_string(&mut data, name);
        let (allowed, server) = (*listed || !restricted, *waits || *clients > 0);
        data.extend_from_slice(format!(",\"allowed\":{allowed},\"ems\":{server},\"clients\":{clients}}}").as_bytes());
    }
    data.extend_from_slice(b"]}");
    reply::done(url, &data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_few_names() {
        for host in [
            "localhost",
            "LOCALHOST:3030",
            "127.0.0.1:3030",
            "127.9.9.9",
            "[::1]:3030",
            "[::1]",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "evil.example:3030",
            "localhost.evil.example",
            "10.0.0.1:3030",
            "127.0.0.1.evil.example",
            "[2001:db8::1]:3030",
            ":3030",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
