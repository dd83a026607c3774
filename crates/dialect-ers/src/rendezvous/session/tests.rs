//! A session alone, with a store that takes its time, and a hub that is asked and says nothing.

use patchbay_core::{Command, LinkId, Name, Realm, Refusal, Signal, SignalKind};
use patchbay_dialect_kit::job::{Table, Was};
use patchbay_dialect_kit::{Dialect, OutFrame, Outbox};

use super::*;
use crate::rendezvous::Rendezvous;

struct Ones;

impl Random for Ones {
    fn next_u64(&mut self) -> u64 {
        u64::MAX
    }
}

struct Bench {
    session: RendezvousSession,
    out: Outbox,
    now: Moment,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let from = Some("192.0.2.1".parse().expect("an address"));
        let arrival = Arrival { endpoint: "", from, id: Some("w"), agent: None };
        let session = RendezvousSession::new(Lang(5), Arc::new(settings), Some(&arrival));
        let mut bench = Self { session, out: Outbox::new(), now: Moment::from_micros(7) };
        assert_eq!(bench.call(|session, ctx| session.on_open(ctx)).len(), 4);
        bench
    }

    /// What the client is told.
    fn call(&mut self, call: impl FnOnce(&mut RendezvousSession, &mut Ctx<'_>)) -> Vec<String> {
        self.out.clear();
        let (rng, out) = (&mut Ones, &mut self.out);
        call(&mut self.session, &mut Ctx { now: self.now, unix_ms: 1_790_000_000_000, rng, out });
        let text = |frame| match frame {
            OutFrame::Text(text) => String::from_utf8(text.to_vec()).expect("text"),
            OutFrame::Ping => "ping".to_owned(),
        };
        self.out.frames().map(text).collect()
    }

    fn says(&mut self, text: &str) -> Vec<String> {
        self.call(|session, ctx| session.on_frame(Frame::Text(text), ctx))
    }

    fn told(&mut self, event: Event) -> Vec<String> {
        let told = self.call(|session, ctx| session.on_event(event, ctx));
        assert!(!self.out.has_commands(), "law 1");
        told
    }

    fn done(&mut self, tag: Tag, done: Done) -> Vec<String> {
        self.call(|session, ctx| session.on_job(tag, done, ctx))
    }

    fn job(&mut self) -> Option<(Tag, Job)> {
        let jobs: Vec<_> = self.out.take_jobs().collect();
        assert!(jobs.len() < 2, "{jobs:?}");
        jobs.into_iter().next()
    }

    fn commands(&mut self) -> Vec<Command> {
        self.out.take_commands().map(|(_, command)| command).collect()
    }

    /// What has to be done at once is.
    fn due(&mut self) -> Vec<String> {
        assert_eq!(self.session.deadline(), Some(Moment::START));
        self.call(|session, ctx| session.on_deadline(ctx))
    }
}

const JOIN: &str = r#"5:1+::{"name":"join","args":["room",{"streamName":"s"}]}"#;
const NO_TOKEN: &str = r#"6:::1+["invalidToken"]"#;

fn nothing(count: usize) -> Done {
    Done::Records(vec![None; count])
}

fn record(text: &str) -> Option<Record> {
    Some(Record(Arc::from(text.as_bytes())))
}

#[test]
fn what_is_said_while_the_store_is_asked_waits_in_order_and_signs_of_life_do_not() {
    let mut bench = Bench::new(Settings::default());
    bench.says(JOIN);
    assert!(matches!(bench.job(), Some((READ, Job::Get(keys))) if keys.len() == 2));
    let create = |number: u64| format!(r#"5:{number}+::{{"name":"create","args":["r{number}"]}}"#);
    for number in 2..4 {
        assert!(bench.says(&create(number)).is_empty());
        assert!(!bench.out.has_commands());
    }
    bench.now = bench.now + std::time::Duration::from_secs(20);
    bench.says("2::");
    assert_eq!(bench.session.deadline(), Some(bench.now + std::time::Duration::from_secs(25)), "it was heard");
    bench.done(READ, nothing(2));
    assert!(matches!(&bench.commands()[..], [Command::Register { .. }, Command::Call { .. }]));
    bench.told(Event::Refused { tag: MEET, refusal: Refusal::NoSuchParty });
    // One at a time: each may cause events that the next one has to come behind.
    assert_eq!(bench.due(), [r#"6:::1+[null,{"clients":{}}]"#], "it leaves what it had joined");
    let names = |commands: Vec<Command>| {
        let name = |command| match command {
            Command::Register { name, .. } => Some(name.as_str().to_owned()),
            _ => None,
        };
        commands.into_iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(bench.commands()), ["r2"]);
    // A later one waits behind those that wait.
    assert!(bench.says(&create(4)).is_empty());
    bench.due();
    assert_eq!(names(bench.commands()), ["r3"]);
    bench.due();
    assert_eq!(names(bench.commands()), ["r4"]);
    assert!(bench.session.deadline() > Some(Moment::START));
}

#[test]
fn more_than_may_wait_ends_the_connection() {
    let mut bench = Bench::new(Settings::default());
    bench.says(JOIN);
    for _ in 0..KEPT {
        bench.says(r#"5:::{"name":"trace"}"#);
        assert!(bench.out.closing().is_none());
    }
    bench.says(r#"5:::{"name":"trace"}"#);
    assert_eq!(bench.out.closing().map(|close| close.cause), Some(CloseCause::TooMany));
}

/// Both read that nobody has it; one of them is faster.
#[test]
fn of_two_that_show_a_token_at_once_one_gets_it() {
    let token = r#"5:1+::{"name":"join","args":["room",{"token":"t"}]}"#;
    let settings = Settings { tokens_enabled: true, ..Settings::default() };
    let mut bench = Bench::new(settings.clone());
    bench.says(token);
    let unused = || Done::Records(vec![None, None, record("viewer")]);
    bench.done(READ, unused());
    match bench.job() {
        Some((BIND, Job::Put(changes))) => {
            let [change] = &changes[..] else { panic!("{changes:?}") };
            assert_eq!((change.key.table, &*change.key.key), (Table::Token, "/ers/token/t"));
            assert_eq!(Some(&change.was), record("viewer").map(Was::Exactly).as_ref());
            assert_eq!(change.is, record("viewer 1790000600 192.0.2.1"));
        }
        other => panic!("{other:?}"),
    }
    // Somebody else was.
    bench.done(BIND, Done::Stored(false));
    assert!(matches!(bench.job(), Some((READ, _))), "it is judged anew");
    let taken = Done::Records(vec![None, None, record("viewer 1790000600 192.0.2.2")]);
    assert_eq!(bench.done(READ, taken), [NO_TOKEN]);
    assert!(!bench.out.has_commands());
    // This one was, on another connection: it is its own.
    bench.says(token);
    bench.done(READ, unused());
    bench.done(BIND, Done::Stored(false));
    bench.done(READ, Done::Records(vec![None, None, record("viewer 1790000600 192.0.2.1")]));
    assert!(matches!(&bench.commands()[..], [Command::Register { .. }, Command::Call { .. }]));
    // Whoever is always slower is told to come back.
    let mut bench = Bench::new(settings);
    bench.says(token);
    for _ in 0..TRIES {
        bench.done(READ, unused());
        bench.done(BIND, Done::Stored(false));
    }
    assert!(bench.job().is_none() && !bench.out.has_commands());
    assert!(bench.session.alone.is_some());
}

#[test]
fn a_token_whose_time_is_over_is_deleted_as_it_was_read() {
    let mut bench = Bench::new(Settings { tokens_enabled: true, ..Settings::default() });
    bench.says(r#"5:1+::{"name":"join","args":["room",{"token":"t"}]}"#);
    let old = record("viewer 1790000000 192.0.2.1");
    assert_eq!(bench.done(READ, Done::Records(vec![None, None, old.clone()])), [NO_TOKEN]);
    let Some((END, Job::Put(changes))) = bench.job() else { panic!("nothing is deleted") };
    assert_eq!((Some(&changes[0].was), &changes[0].is), (old.map(Was::Exactly).as_ref(), &None));
}

/// The media server gives its name up, and only then hears of its viewer, whichever of the two greetings comes first.
#[test]
fn the_name_is_given_up_before_the_viewer_is_announced() {
    for early in [false, true] {
        let mut bench = Bench::new(Settings::default());
        bench.says(r#"5:1+::{"name":"join","args":["room",{"RMS":true}]}"#);
        bench.done(READ, nothing(3));
        assert!(matches!(&bench.commands()[..], [Command::Register { .. }]));
        bench.told(Event::Registered { tag: WAIT, name: Name::parse("room").expect("a name") });
        let (link, with) = (LinkId::new(3), Name::parse("room\"v").expect("a name"));
        let state = CallState::New;
        bench.told(Event::CallChanged { tag: Tag(0), link, token: None, with, caller: false, state });
        let body = patchbay_core::Body::new(Lang(5), b"h,\"streamName\":\"s\"");
        let greeting = || Event::CallSignal { link, signal: Signal { kind: SignalKind::Info, body: body.clone() } };
        let joined = r#"5:::{"name":"clientJoined","args":[{"id":"v","streamName":"s","rmsid":"w"}]}"#;
        if early {
            assert!(bench.told(greeting()).is_empty());
        }
        assert_eq!(bench.due(), Vec::from_iter(early.then_some(joined)));
        assert!(matches!(&bench.commands()[..], [Command::Unregister, Command::Signal { .. }]));
        if !early {
            assert_eq!(bench.told(greeting()), [joined]);
        }
    }
}

#[test]
fn a_name_that_misleads_devices_is_warned_of() {
    let warned = |stream: &str| {
        let mut bench = Bench::new(Settings::default());
        bench.says(&format!(r#"5:1+::{{"name":"join","args":["room",{{"streamName":"{stream}"}}]}}"#));
        bench.out.take_warnings().count()
    };
    for (stream, expected) in [("cam", 0), ("offering-cam", 1), ("customerside", 1), ("clients1", 1), ("Offer", 0)] {
        assert_eq!(warned(stream), expected, "{stream}");
    }
}

#[test]
fn ids_that_mislead_devices_are_not_taken() {
    let dialect = Rendezvous::new(Lang(1), Realm(0), Settings::default());
    for (id, expected) in [
        ("AbC-_0123456789xyzAB", true),
        ("xxxofferxxAAAAAAAAAA", false),
        ("AAAAAAAAAA_ersid____", false),
        ("xxxxxxxclientsxxxxxx", false),
        ("xxxxchunkedxxxxxxxxx", false),
        ("xxxxChunkedxxxxxxxxx", true),
    ] {
        assert_eq!(dialect.takes_id(id), expected, "{id}");
    }
}

#[test]
fn ids_of_our_own_have_the_transports_form() {
    struct Sequence(u64);
    impl Random for Sequence {
        fn next_u64(&mut self) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            self.0
        }
    }
    let mut rng = Sequence(1);
    let ids: Vec<_> = std::iter::repeat_with(|| drawn(&mut rng)).take(1_000).collect();
    let plain =
        |id: &str| id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    assert!(ids.iter().all(|id| plain(id) && !wire::misleads(id)));
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
}
