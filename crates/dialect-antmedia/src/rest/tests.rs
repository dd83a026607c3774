//! The session itself, without sockets: what the store and the hub do to it.

use std::cell::Cell;

use patchbay_core::{Command, Known, Name, Query as Question};
use patchbay_dialect_kit::job::{Change, Job, Record, Table, Was};
use patchbay_dialect_kit::testing::Jobs;
use patchbay_dialect_kit::{Outbox, Random};

use super::*;
use crate::records::{Broadcast, Stored};

struct Counter(u64);

impl Random for Counter {
    fn next_u64(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// A session and what is around it: a store, and a hub in which nothing is published.
struct Bench {
    session: RestSession,
    out: Outbox,
    random: Counter,
    now: Moment,
    jobs: Jobs,
}

impl Bench {
    fn new() -> Self {
        let settings = Arc::new(crate::Settings::default());
        let session = RestSession::new(Arc::from("live"), settings);
        let mut bench =
            Self { session, out: Outbox::new(), random: Counter(0), now: Moment::START, jobs: Jobs::default() };
        bench.call(|session, ctx| session.on_open(ctx));
        bench
    }

    fn call(&mut self, call: impl FnOnce(&mut RestSession, &mut Ctx<'_>)) {
        let (rng, out) = (&mut self.random, &mut self.out);
        call(&mut self.session, &mut Ctx { now: self.now, unix_ms: 1_700_000_000_000, rng, out });
    }

    fn asks(&mut self, method: &str, path: &str, body: &str) {
        let headers: &[(&str, &[u8])] = &[("content-type", b"application/json")];
        let request = Request {
            exchange: Exchange(1),
            method,
            endpoint: ENDPOINT,
            name: path,
            query: "",
            resource: None,
            location: "",
            admitted: true,
            headers,
            body: body.as_bytes(),
        };
        self.call(|session, ctx| session.on_request(&request, ctx));
    }

    /// The jobs and questions that the session has now, with their tags.
    fn said(&mut self) -> (Vec<(Tag, Job)>, Vec<(Tag, Command)>) {
        (self.out.take_jobs().collect(), self.out.take_commands().collect())
    }

    /// Answers the hub's part: nothing is published.
    fn hub(&mut self, tag: Tag, command: Command) {
        let event = match command {
            Command::Query(Question::Streams { .. }) => {
                Event::Streams { tag, streams: Vec::new(), more: false, live: 0 }
            }
            _ => Event::Refused { tag, refusal: patchbay_core::Refusal::NoSuchStream },
        };
        self.call(|session, ctx| session.on_event(event, ctx));
        assert!(!self.out.has_commands() && self.out.take_jobs().next().is_none(), "law 1");
        assert_eq!(self.session.deadline(), Some(Moment::START), "it goes on at once");
        self.call(|session, ctx| session.on_deadline(ctx));
    }

    /// Goes on until there is a reply.
    fn reply(&mut self) -> (u16, String) {
        for _ in 0..100 {
            let reply = self.out.take_replies().next();
            if let Some((Exchange(1), reply)) = reply {
                assert!(self.out.closing().is_some(), "it ends with its reply");
                return (reply.status, String::from_utf8(reply.body).expect("UTF-8"));
            }
            let (jobs, commands) = self.said();
            for (tag, job) in jobs {
                let done = self.jobs.carry_out(job);
                self.call(|session, ctx| session.on_job(tag, done, ctx));
            }
            for (tag, command) in commands {
                self.hub(tag, command);
            }
        }
        panic!("there is no reply");
    }
}

#[test]
fn a_store_that_is_gone_is_told() {
    for (method, path) in [
        ("POST", "/broadcasts/create"),
        ("GET", "/broadcasts/s"),
        ("PUT", "/broadcasts/s"),
        ("DELETE", "/broadcasts/s"),
        ("GET", "/broadcasts/count"),
        ("GET", "/broadcasts/list/0/10"),
        ("GET", "/broadcasts/s/tokens/list/0/10"),
        ("DELETE", "/broadcasts/s/tokens"),
        ("DELETE", "/broadcasts/s/subscribers"),
        ("GET", "/broadcasts/conference-rooms/r"),
    ] {
        let mut bench = Bench::new();
        bench.jobs.gone = true;
        bench.asks(method, path, "");
        let (status, body) = bench.reply();
        assert!(status == 503 && body.contains("data_store_not_available"), "{method} {path}: {status} {body}");
    }
}

#[test]
fn who_is_overtaken_tries_again_and_gives_up_in_the_end() {
    let stored = |name: &str| Broadcast { stream_id: "s".into(), name: Some(name.into()), ..Broadcast::default() };
    for (others, expected) in [(0, 200), (2, 200), (3, 409)] {
        let mut bench = Bench::new();
        let record = stored("first").record().expect("small");
        bench.jobs.put(Table::Broadcast, "live/s", std::str::from_utf8(&record.0).expect("JSON"));
        bench.asks("PUT", "/broadcasts/s", r#"{"description":"mine"}"#);
        let changes = Cell::new(0);
        let status = loop {
            if let Some((_, reply)) = bench.out.take_replies().next() {
                break reply.status;
            }
            let (jobs, _) = bench.said();
            for (tag, job) in jobs {
                if matches!(job, Job::Put(_)) && changes.get() < others {
                    changes.set(changes.get() + 1);
                    let other = stored(&format!("other {}", changes.get())).record().expect("small");
                    let key = crate::records::broadcast_key("live", &Name::parse("s").expect("a name"));
                    bench.jobs.carry_out(Job::Put(vec![Change { key, was: Was::Anything, is: Some(other) }]));
                }
                let done = bench.jobs.carry_out(job);
                bench.call(|session, ctx| session.on_job(tag, done, ctx));
            }
        };
        assert_eq!(status, expected, "{others} others");
        let key = crate::records::broadcast_key("live", &Name::parse("s").expect("a name"));
        let kept = Broadcast::of(&bench.jobs.records[&key]).expect("a broadcast");
        let name = if others == 0 { "first".to_owned() } else { format!("other {others}") };
        assert_eq!(kept.name, Some(name), "what others said is kept");
        assert_eq!(kept.description.is_some(), expected == 200);
    }
}

#[test]
fn nobody_waits_longer_than_has_patience() {
    let mut bench = Bench::new();
    assert_eq!(bench.session.deadline(), Some(Moment::START + PATIENCE));
    bench.asks("GET", "/broadcasts/s", "");
    let (jobs, _) = bench.said();
    assert_eq!(jobs.len(), 1);
    bench.now = Moment::START + PATIENCE;
    bench.call(|session, ctx| session.on_deadline(ctx));
    let (_, reply) = bench.out.take_replies().next().expect("a reply");
    assert_eq!(reply.status, 504);
    assert!(bench.out.closing().is_some());
    // What comes later means nothing.
    bench.call(|session, ctx| session.on_job(jobs[0].0, Done::Records(vec![None]), ctx));
    assert!(bench.out.take_replies().next().is_none() && !bench.out.has_commands());
    // Who asks nothing is let go.
    let mut silent = Bench::new();
    silent.call(|session, ctx| session.on_deadline(ctx));
    assert!(silent.out.closing().is_some());
}

#[test]
fn answers_to_something_else_mean_nothing() {
    let mut bench = Bench::new();
    bench.asks("GET", "/broadcasts/s", "");
    let (jobs, _) = bench.said();
    bench.call(|session, ctx| session.on_job(Tag(99), Done::Records(vec![None]), ctx));
    assert!(bench.said().0.is_empty() && bench.out.take_replies().next().is_none());
    let (tag, _) = jobs[0];
    bench.call(|session, ctx| session.on_job(tag, Done::Records(vec![None]), ctx));
    let (_, commands) = bench.said();
    let [(tag, Command::Query(Question::Stream(_)))] = &commands[..] else { panic!("{commands:?}") };
    let stream = Name::parse("s").expect("a name");
    let known = |tag| Event::Known { tag, stream: stream.clone(), known: Known::default() };
    bench.call(|session, ctx| session.on_event(known(Tag(99)), ctx));
    assert_ne!(bench.session.deadline(), Some(Moment::START));
    bench.call(|session, ctx| session.on_event(known(*tag), ctx));
    bench.call(|session, ctx| session.on_deadline(ctx));
    let (_, reply) = bench.out.take_replies().next().expect("a reply");
    assert_eq!(reply.status, 200, "it is a room");
}

#[test]
fn spoilt_records_are_no_broadcasts() {
    let mut bench = Bench::new();
    bench.jobs.put(Table::Broadcast, "live/s", "no JSON");
    bench.asks("GET", "/broadcasts/s", "");
    assert_eq!(bench.reply().0, 404);
    let mut bench = Bench::new();
    bench.jobs.put(Table::Broadcast, "live/a", "no JSON");
    bench.jobs.put(Table::Broadcast, "live/s", r#"{"streamId":"s"}"#);
    bench.asks("GET", "/broadcasts/list/0/10", "");
    let (status, body) = bench.reply();
    assert!(status == 200 && body.matches("streamId\"").count() == 1, "{body}");
    let large = Broadcast { description: Some("x".repeat(Record::BYTES)), ..Broadcast::default() };
    assert!(large.record().is_none());
}

#[test]
fn the_most_concrete_path_counts() {
    for (method, path, expected) in [
        ("GET", "/broadcasts/count", "countBroadcasts"),
        ("HEAD", "/broadcasts/s", "getBroadcast"),
        ("GET", "/broadcasts/s/", "getBroadcast"),
        ("PUT", "/broadcasts/conference-rooms/add", "updateRoom"),
        ("POST", "/broadcasts/conference-rooms", "createRoom"),
        ("DELETE", "/broadcasts/s/subscribers/a%20b", "deleteSubscriber"),
    ] {
        match routes::find(method, path) {
            Found::Route(route, _) => assert_eq!(route.name, expected, "{method} {path}"),
            _ => panic!("{method} {path} is nothing"),
        }
    }
    let methods = |method, path| match routes::find(method, path) {
        Found::Methods(methods) => methods,
        Found::Route(route, _) => panic!("{path} is {}", route.name),
        Found::Nothing => panic!("{path} is nothing"),
    };
    assert_eq!(methods("POST", "/broadcasts/count"), "GET, HEAD, OPTIONS");
    assert_eq!(methods("PATCH", "/broadcasts/s"), "DELETE, GET, HEAD, OPTIONS, PUT");
}
