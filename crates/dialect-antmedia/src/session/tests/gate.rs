//! What stands between two answers of the store, which the test world gives at once.

use patchbay_dialect_kit::job::{Done, Job, Key, Record, Table};
use patchbay_dialect_kit::testing::Jobs;

use super::*;
use crate::security::{Checks, Security};

/// A session whose jobs wait until they are done by hand.
struct Slow {
    session: AntSession,
    out: Outbox,
    now: Moment,
    jobs: Vec<(Tag, Job)>,
    knocked: Option<Tag>,
    /// Why the hub does not let it in.
    full: Option<Refusal>,
    /// By which the last publication can be taken up.
    claim: Option<Arc<str>>,
}

fn settings(publish: Checks) -> Arc<Settings> {
    let security = Security { app: Arc::from("live"), stored: true, publish, ..Security::default() };
    Arc::new(Settings { security, ..Settings::default() })
}

fn tokens() -> Arc<Settings> {
    settings(Checks { token: true, ..Checks::default() })
}

/// What the session said, whether it closes, and how many commands it gave.
type Turn = (Vec<String>, Option<u16>, usize);

impl Slow {
    fn new(settings: &Arc<Settings>, seats: &Seats) -> Self {
        let session = AntSession::new(Lang(2), Arc::clone(settings), seats.clone());
        let mut slow = Self {
            session,
            out: Outbox::new(),
            now: Moment::from_micros(5_000_000),
            jobs: Vec::new(),
            knocked: None,
            full: None,
            claim: None,
        };
        slow.turn(|session, ctx| session.on_open(ctx));
        slow
    }

    fn turn(&mut self, call: impl FnOnce(&mut AntSession, &mut Ctx<'_>)) -> Turn {
        self.out.clear();
        let mut ctx = Ctx { now: self.now, unix_ms: 1_790_000_000_000, rng: &mut Zero, out: &mut self.out };
        call(&mut self.session, &mut ctx);
        let mut commands = 0;
        for (tag, command) in self.out.take_commands() {
            match command {
                Command::Knock(_) => self.knocked = Some(tag),
                Command::Publish(publish) => {
                    self.claim = publish.claim;
                    commands += 1;
                }
                _ => commands += 1,
            }
        }
        self.jobs.extend(self.out.take_jobs());
        let said = self.out.frames().filter_map(|frame| match frame {
            OutFrame::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            OutFrame::Ping => None,
        });
        (said.collect(), self.out.closing().and_then(|close| close.code), commands)
    }

    /// What it says, and that the hub lets it in if it knocks, which is no command of these tests.
    fn says(&mut self, text: &str) -> Turn {
        let turn = self.turn(|session, ctx| session.on_frame(Frame::Text(text), ctx));
        self.enters(turn)
    }

    fn enters(&mut self, (mut said, mut close, mut commands): Turn) -> Turn {
        let Some(tag) = self.knocked.take() else { return (said, close, commands) };
        let event = match self.full {
            None => Event::Admitted { tag },
            Some(refusal) => Event::Refused { tag, refusal },
        };
        let refused = self.full.is_some();
        let turn = self.turn(|session, ctx| session.on_event(event, ctx));
        assert!(refused || turn == (vec![], None, 0), "law 1: {turn:?}");
        let rung = self.turn(|session, ctx| session.on_deadline(ctx));
        for turn in [turn, rung] {
            said.extend(turn.0);
            (close, commands) = (close.or(turn.1), commands + turn.2);
        }
        (said, close, commands)
    }

    /// The oldest job is done so.
    fn done(&mut self, store: &mut Jobs) -> Turn {
        let (tag, job) = self.jobs.remove(0);
        let done = store.carry_out(job);
        let turn = self.turn(|session, ctx| session.on_job(tag, done, ctx));
        self.enters(turn)
    }

    /// As long as it has something to do at once.
    fn rings(&mut self) -> Vec<Turn> {
        let mut turns = Vec::new();
        while self.session.deadline() == Some(Moment::START) {
            turns.push(self.turn(|session, ctx| session.on_deadline(ctx)));
        }
        turns
    }
}

const PUBLISH: &str = r#"{"command":"publish","streamId":"s","token":"t"}"#;
const PONG: &str = r#"{"command":"pong"}"#;

fn token() -> (Key, Record) {
    let record = br#"{"tokenId":"t","streamId":"s","expireDate":9999999999,"type":"publish"}"#;
    (Key::new(Table::Token, "live/t"), Record(Arc::from(&record[..])))
}

#[test]
fn what_is_said_meanwhile_waits_in_order_and_pings_do_not() {
    let (mut slow, mut store) = (Slow::new(&settings(Checks::default()), &Seats::default()), Jobs::default());
    assert_eq!(slow.says(PUBLISH), (vec![], None, 0));
    assert_eq!(slow.says(r#"{"command":"getStreamInfo","streamId":"s"}"#), (vec![], None, 0));
    assert_eq!(slow.says(r#"{"command":"publish","streamId":""}"#), (vec![], None, 0));
    assert_eq!(slow.says(r#"{"command":"ping"}"#).0, [PONG]);
    assert!(slow.rings().is_empty(), "nothing is due before the store answers");
    assert_eq!(slow.done(&mut store), (vec![], None, 1), "the publication is asked for");
    // Each in a turn of its own: what it causes comes before the next.
    let turns = slow.rings();
    assert_eq!(turns.len(), 2);
    assert_eq!(turns[0].2, 1);
    assert_eq!(turns[1].0, [r#"{"command":"error","definition":"noStreamNameSpecified"}"#]);
    assert_eq!(slow.says(r#"{"command":"getStreamInfo","streamId":"s"}"#).2, 1, "then all is as before");
}

#[test]
fn a_flood_ends_the_connection() {
    let mut slow = Slow::new(&settings(Checks::default()), &Seats::default());
    slow.says(PUBLISH);
    for _ in 0..64 {
        assert_eq!(slow.says(r#"{"command":"stop","streamId":"s"}"#).1, None);
    }
    assert_eq!(slow.says(r#"{"command":"ping"}"#).1, None, "pings are no flood");
    assert_eq!(slow.says(r#"{"command":"stop","streamId":"s"}"#).1, Some(1008));
    let mut slow = Slow::new(&settings(Checks::default()), &Seats::default());
    slow.says(PUBLISH);
    let much = format!(r#"{{"command":"stop","streamId":"s","x":"{}"}}"#, "x".repeat(600_000));
    assert_eq!(slow.says(&much).1, None);
    assert_eq!(slow.says(&much).1, Some(1008), "nor are many bytes kept");
}

#[test]
fn of_two_who_show_a_token_at_once_one_is_let_in() {
    let (settings, seats, mut store) = (tokens(), Seats::default(), Jobs::default());
    let (key, record) = token();
    store.records.insert(key, record);
    let (mut one, mut two) = (Slow::new(&settings, &seats), Slow::new(&settings, &seats));
    one.says(PUBLISH);
    two.says(PUBLISH);
    // Both find it there, and both order that it be used up.
    assert_eq!((one.done(&mut store).2, two.done(&mut store).2), (0, 0));
    assert_eq!(two.done(&mut store), (vec![], None, 1));
    assert_eq!(one.done(&mut store).0, [error("unauthorized_access")], "the other one had it");
    assert!(store.records.is_empty());
}

/// Whoever finds no place may come again with what he has.
#[test]
fn no_token_is_used_up_where_there_is_no_place() {
    let (mut slow, mut store) = (Slow::new(&tokens(), &Seats::default()), Jobs::default());
    let (key, record) = token();
    store.records.insert(key, record);
    for (refusal, shown) in [
        (Refusal::Overloaded, "highResourceUsage"),
        (Refusal::TracksFull, "main_track_has_max_subtrack_count__not_allowed_to_add_more_subtracks"),
    ] {
        slow.full = None;
        slow.says(PUBLISH);
        slow.full = Some(refusal);
        assert_eq!(slow.done(&mut store), (vec![error(shown)], None, 0));
        assert!(slow.jobs.is_empty() && store.records.len() == 1);
    }
    slow.full = None;
    slow.says(PUBLISH);
    assert_eq!((slow.done(&mut store).2, slow.done(&mut store).2), (0, 1));
    assert!(store.records.is_empty());
}

/// DECISIONS 27.
#[test]
fn a_stream_is_taken_up_by_who_shows_the_same_and_where_nothing_is_shown_by_anybody() {
    let (mut open, mut store) = (Slow::new(&settings(Checks::default()), &Seats::default()), Jobs::default());
    open.says(PUBLISH);
    assert_eq!((open.done(&mut store).2, open.claim.as_deref()), (1, None));
    let (mut tokened, (key, record)) = (Slow::new(&tokens(), &Seats::default()), token());
    store.records.insert(key.clone(), record.clone());
    tokened.says(PUBLISH);
    assert_eq!((tokened.done(&mut store).2, tokened.done(&mut store).2), (0, 1));
    assert_eq!(tokened.claim.as_deref(), Some("t"));
    store.records.insert(key, record);
    let mut known = Slow::new(&tokens(), &Seats::default());
    known.says(r#"{"command":"publish","streamId":"s","token":"t","subscriberId":"alice"}"#);
    assert_eq!((known.done(&mut store).2, known.done(&mut store).2), (0, 1));
    assert_eq!(known.claim.as_deref(), Some("alice"), "whose next token may be another");
}

#[test]
fn a_store_that_fails_lets_nobody_in() {
    let (mut slow, mut store) = (Slow::new(&tokens(), &Seats::default()), Jobs::default());
    let (key, record) = token();
    store.records.insert(key, record);
    slow.says(PUBLISH);
    assert_eq!(slow.done(&mut store), (vec![], None, 0));
    // It goes after the token was found and before it is used up.
    store.gone = true;
    assert_eq!(slow.done(&mut store), (vec![error("data_store_not_available")], None, 0));
    for done in [Done::Failed, Done::Queued, Done::Answered(200), Done::Stored(true)] {
        slow.says(PUBLISH);
        let (tag, _) = slow.jobs.remove(0);
        let turn = slow.turn(|session, ctx| session.on_job(tag, done.clone(), ctx));
        assert_eq!(turn, (vec![error("data_store_not_available")], None, 0), "{done:?}");
    }
    let stray = slow.turn(|session, ctx| session.on_job(Tag(1), Done::Answered(200), ctx));
    assert_eq!(stray, (vec![], None, 0), "an outcome that nobody waits for");
}

/// As over sockets: what is not read waits, and the storm of case 91 of antmedia section 13 passes.
#[test]
fn who_says_much_meanwhile_is_read_no_further() {
    let (mut slow, mut store) = (Slow::new(&settings(Checks::default()), &Seats::default()), Jobs::default());
    slow.says(PUBLISH);
    let (mut said, mut deaf) = (0, Moment::START);
    while deaf <= slow.now {
        assert_eq!(slow.says(r#"{"command":"stop","streamId":"x"}"#).1, None);
        said += 1;
        deaf = slow.out.deaf_until().unwrap_or(deaf);
    }
    assert_eq!(said, 32);
    // It is said again before that is over, for as long as the store takes.
    for _ in 0..100 {
        let again = slow.session.deadline().expect("it has something to do");
        assert!(again < deaf, "somebody would be heard in between");
        slow.now = again;
        slow.turn(|session, ctx| session.on_deadline(ctx));
        deaf = slow.out.deaf_until().expect("it is read no further");
        assert!(deaf > slow.now);
    }
    slow.done(&mut store);
    assert_eq!(slow.rings().len(), 32);
    assert_eq!(slow.out.deaf_until(), None, "then it is");
    assert!(slow.session.deadline().is_some_and(|at| at > deaf));
}

/// Who guesses is read ever more slowly, and alone.
#[test]
fn ten_thousand_wrong_tokens_slow_nobody_else() {
    let (settings, seats, mut store) = (tokens(), Seats::default(), Jobs::default());
    let (mut guesser, mut other) = (Slow::new(&settings, &seats), Slow::new(&settings, &seats));
    let mut deaf = Moment::START;
    for guess in 0..10_000 {
        guesser.says(&format!(r#"{{"command":"publish","streamId":"s","token":"guess{guess}"}}"#));
        assert_eq!(guesser.done(&mut store).0, [error("unauthorized_access")]);
        deaf = guesser.out.deaf_until().unwrap_or(deaf);
    }
    assert!(deaf.since(guesser.now) > Duration::from_secs(1_900), "{:?}", deaf.since(guesser.now));
    let (key, record) = token();
    store.records.insert(key, record);
    other.says(PUBLISH);
    assert_eq!(other.done(&mut store), (vec![], None, 0));
    assert_eq!(other.done(&mut store), (vec![], None, 1));
    assert_eq!(other.out.deaf_until(), None);
    assert_eq!(format!("{seats:?}"), "Seats(0)", "guesses hold no seats");
}

/// A registered stream whose media have just begun to flow; its record, and that of its room.
fn flowing(store: &mut Jobs) -> (Slow, [Key; 2]) {
    let keys = ["live/s", "live/r"].map(|key| Key::new(Table::Broadcast, key));
    let record = |text: &str| Record(Arc::from(text.as_bytes()));
    store.records.insert(keys[0].clone(), record(r#"{"streamId":"s","name":"one"}"#));
    store.records.insert(keys[1].clone(), record(r#"{"streamId":"r"}"#));
    let mut slow = Slow::new(&settings(Checks::default()), &Seats::default());
    slow.says(r#"{"command":"publish","streamId":"s","mainTrack":"r"}"#);
    slow.done(store);
    let (tag, link) = (slow.session.last_tag, LinkId::new(7));
    slow.turn(|session, ctx| session.on_event(Event::Reserved { tag, link, restored: false }, ctx));
    assert!(slow.jobs.is_empty(), "not before media flow");
    let (said, _, commands) = slow.turn(|session, ctx| session.on_event(Event::Flowing { link }, ctx));
    assert_eq!((said.len(), commands, slow.jobs.len()), (1, 0, 2), "the client is told at once: {said:?}");
    (slow, keys)
}

fn kept(store: &Jobs, key: &Key) -> crate::records::Broadcast {
    store.records.get(key).and_then(crate::records::Stored::of).expect("a record")
}

#[test]
fn what_was_made_beforehand_is_kept_as_finished_whoever_else_changes_it() {
    let mut store = Jobs::default();
    let (mut slow, [stream, room]) = flowing(&mut store);
    // Somebody calls it otherwise, between the publication and its media.
    let other = crate::records::Broadcast { name: Some("two".into()), ..kept(&store, &stream) };
    store.records.insert(stream.clone(), crate::records::Stored::record(&other).expect("small"));
    for _ in 0..4 {
        assert_eq!(slow.done(&mut store), (vec![], None, 0));
    }
    assert!(slow.jobs.is_empty());
    let (stream, room) = (kept(&store, &stream), kept(&store, &room));
    assert_eq!((&*stream.status, stream.name.as_deref()), ("finished", Some("two")));
    assert_eq!((stream.start_time, stream.publish_type.as_deref()), (1_790_000_000_000, Some("WebRTC")));
    assert_eq!((&*room.status, room.name), ("finished", None));
}

#[test]
fn what_was_deleted_meanwhile_stays_so_and_a_store_that_is_gone_is_not_waited_for() {
    let mut store = Jobs::default();
    let (mut slow, [stream, room]) = flowing(&mut store);
    store.records.remove(&stream);
    slow.done(&mut store);
    store.gone = true;
    slow.done(&mut store);
    store.gone = false;
    slow.done(&mut store);
    assert!(slow.jobs.is_empty() && !store.records.contains_key(&stream));
    assert_eq!(kept(&store, &room).status, "created", "that could not be told");
    let mut store = Jobs::default();
    let (mut slow, [stream, _]) = flowing(&mut store);
    // Others are always faster: it gives up.
    let mut jobs = 0;
    while !slow.jobs.is_empty() {
        let name = Some(format!("{jobs}"));
        let other = crate::records::Broadcast { name, ..kept(&store, &stream) };
        store.records.insert(stream.clone(), crate::records::Stored::record(&other).expect("small"));
        slow.done(&mut store);
        jobs += 1;
        assert!(jobs < 20, "it goes on for ever");
    }
    assert_eq!(kept(&store, &stream).status, "created");
}
