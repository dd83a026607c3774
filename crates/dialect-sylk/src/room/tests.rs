//! What needs several clients at one moment, or a hub that takes its time: told to one session by hand.

use std::fmt::Write as _;
use std::sync::Arc;

use patchbay_core::{
    Body, Card as Shown, Command, DescriptionKind, Event, Kinds, Lang, LinkId, MemberList, Moment, Name, Refusal,
    RoomId, Signal, SignalKind, Tag,
};
use patchbay_dialect_kit::{Ctx, Frame, OutFrame, Outbox, Random, Session};

use super::FEEDS;
use crate::Settings;
use crate::policy::{Rule, Rules};
use crate::session::SylkSession;
use crate::wire::Subprotocol;
use crate::wire::between::Card;

const LANG: Lang = Lang(3);
const ROOM: RoomId = RoomId::new(7);
const NOTHING: [&str; 0] = [];

/// One session, and what it says.
struct Alone {
    session: SylkSession,
    out: Outbox,
    tags: Vec<Tag>,
}

struct Zeros;

impl Random for Zeros {
    fn next_u64(&mut self) -> u64 {
        0
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn card(since: u64, video: bool, settled: bool) -> Card {
    let (address, display) = ("bob@example.com".into(), "".into());
    Card { since, audio: true, video, settled, hand: None, active: None, address, display }
}

/// At this time of day, for every step.
const NOW: u64 = 1_000;

impl Alone {
    fn new() -> Self {
        let sound = Rule { video_disabled: true, ..Rule::default() };
        let rooms = Rules { rooms: [("sound@h".to_owned(), sound)].into(), ..Rules::default() };
        let settings = Arc::new(Settings { rooms, ..Settings::default() });
        let session = SylkSession::new(LANG, settings, Subprotocol::Two);
        let mut alone = Self { session, out: Outbox::new(), tags: Vec::new() };
        alone.does(|session, ctx| session.on_open(ctx));
        alone.asks("account-add", r#""account":"alice@example.com","password":"0123456789abcdef0123456789abcdef""#);
        alone
    }

    fn does(&mut self, call: impl FnOnce(&mut SylkSession, &mut Ctx<'_>)) -> Vec<String> {
        let ctx = &mut Ctx { now: Moment::START, unix_ms: NOW, rng: &mut Zeros, out: &mut self.out };
        call(&mut self.session, ctx);
        let mut told: Vec<_> = self
            .out
            .frames()
            .map(|frame| match frame {
                OutFrame::Text(text) => String::from_utf8_lossy(text).into_owned(),
                OutFrame::Ping => "ping".to_owned(),
            })
            .collect();
        let commands: Vec<_> = self.out.take_commands().collect();
        for (tag, command) in commands {
            self.tags.push(tag);
            told.push(line(&command));
        }
        self.out.clear();
        told
    }

    fn asks(&mut self, kind: &str, rest: &str) -> Vec<String> {
        let text = format!(r#"{{"sylkrtc":"{kind}","transaction":"t",{rest}}}"#);
        self.does(|session, ctx| session.on_frame(Frame::Text(&text), ctx))
    }

    fn hears(&mut self, event: Event) -> Vec<String> {
        let mut told = self.does(|session, ctx| session.on_event(event, ctx));
        assert!(told.iter().all(|line| line.starts_with('{')), "law 1: {told:?}");
        if self.session.deadline() == Some(Moment::START) {
            told.extend(self.does(|session, ctx| session.on_deadline(ctx)));
        }
        told
    }

    /// The tag of the last command.
    fn tag(&self) -> Tag {
        *self.tags.last().expect("a command")
    }

    fn list(&mut self, cards: &[(&str, Card)], streams: &[&str]) -> Vec<String> {
        let names = std::iter::once("a-1").chain(cards.iter().map(|(own, _)| *own)).map(name).collect();
        let shown = |card: &Card| Shown::new(LANG, card.write().as_bytes()).expect("small");
        let cards = cards.iter().map(|(own, card)| (name(own), shown(card))).collect();
        let list = Arc::new(MemberList::new(1, names, cards, streams.iter().map(|own| name(own)).collect()));
        self.hears(Event::Members { room: ROOM, room_name: name("r"), list, replaceable: true })
    }

    /// Asks for a place, and gets it.
    fn joins(&mut self, room: &str) {
        let rest = format!(r#""session":"a-1","account":"alice@example.com","uri":"{room}","sdp":"v=0""#);
        assert_eq!(self.asks("videoroom-join", &rest).len(), 1, "the hub is asked");
        let (tag, own) = (self.tag(), name("a-1"));
        assert_eq!(self.hears(Event::Joined { tag, room: ROOM, room_name: name(room), name: own }), NOTHING);
    }

    /// And the stream's name.
    fn enters(&mut self, cards: &[(&str, Card)]) -> Vec<String> {
        self.joins("r@h");
        self.list(cards, &[]);
        let (tag, link) = (self.tag(), LinkId::new(1));
        self.hears(Event::Reserved { tag, link, restored: false })
    }

    fn accepted(&mut self) -> Vec<String> {
        let (link, kind) = (LinkId::new(1), DescriptionKind::Answer);
        self.hears(Event::Described { link, kind, sdp: "v=0".into(), sections: Vec::new() })
    }

    fn word(&mut self, from: &str, word: &str) -> Vec<String> {
        let signal = Signal { kind: SignalKind::Info, body: Body::new(LANG, word.as_bytes()) };
        self.hears(Event::MemberSignal { room: ROOM, from: name(from), signal })
    }
}

fn line(command: &Command) -> String {
    let mut out = String::new();
    let _ = match command {
        Command::Publish(publish) => write!(out, "publish {:?}", publish.kinds),
        Command::Hangup { link, .. } => write!(out, "hang up {link:?}"),
        Command::Leave { .. } => write!(out, "leave"),
        Command::Show { card, .. } => {
            write!(out, "show {:?}", Card::read(card.bytes()).map(|card| (card.active, card.hand)))
        }
        Command::Limit { bps, .. } => write!(out, "limit {bps:?}"),
        Command::Signal { signal, .. } => write!(out, "signal {:?}", signal.kind),
        other => write!(out, "{}", format!("{other:?}").split([' ', '(']).next().unwrap_or_default()),
    };
    out
}

/// Who knows what a room has is believed; else the first to come decides, by time and then by id.
#[test]
fn of_several_who_come_at_once_the_first_decides() {
    let earlier = card(NOW - 1, false, false);
    for (room, cards, video) in [
        ("r@h", vec![], true),
        ("r@h", vec![("b-1", earlier.clone())], false),
        ("r@h", vec![("b-1", card(NOW, false, false))], true),
        ("r@h", vec![("0-1", card(NOW, false, false))], false),
        ("r@h", vec![("b-1", card(NOW + 1, false, false))], true),
        ("r@h", vec![("b-1", card(NOW + 1, false, true))], false),
        ("r@h", vec![("b-1", earlier.clone()), ("c-1", card(NOW + 1, true, true))], true),
        ("sound@h", vec![("b-1", card(NOW - 1, true, true))], false),
    ] {
        let mut alone = Alone::new();
        alone.joins(room);
        let told = alone.list(&cards, &[]);
        let publish = format!("publish {:?}", Kinds { audio: true, video });
        assert_eq!(told, ["show Some((None, None))".to_owned(), publish], "{room} {cards:?}");
    }
}

#[test]
fn what_is_asked_behind_a_join_waits_for_its_answer() {
    let ping = |alone: &mut Alone| alone.asks("ping", r#""x":1"#);
    let mut alone = Alone::new();
    alone.joins("r@h");
    assert_eq!(ping(&mut alone), NOTHING);
    alone.list(&[], &[]);
    assert_eq!(ping(&mut alone), NOTHING);
    let tag = alone.tag();
    let told = alone.hears(Event::Reserved { tag, link: LinkId::new(1), restored: false });
    let ack = r#"{"sylkrtc":"ack","transaction":"t"}"#;
    let state = r#"{"sylkrtc":"videoroom-event","session":"a-1","event":"session-state","state":"progress"}"#;
    assert_eq!(told, [state, ack, ack, ack, "signal Offer", "limit Some(2016000)"]);
    // One that comes after the answer, but before those that waited.
    let mut alone = Alone::new();
    let rest = r#""session":"a-1","account":"alice@example.com","uri":"r@h","sdp":"v=0""#;
    alone.asks("videoroom-join", rest);
    ping(&mut alone);
    let tag = alone.tag();
    let told = alone.does(|session, ctx| session.on_event(Event::Refused { tag, refusal: Refusal::RoomFull }, ctx));
    assert_eq!(told, [r#"{"sylkrtc":"error","transaction":"t","error":"room is full"}"#]);
    assert_eq!(alone.session.deadline(), Some(Moment::START), "those that waited are due");
    let last = r#"{"sylkrtc":"ping","transaction":"last"}"#;
    let told = alone.does(|session, ctx| session.on_frame(Frame::Text(last), ctx));
    assert_eq!(told, [ack, r#"{"sylkrtc":"ack","transaction":"last"}"#]);
    assert_eq!(alone.asks("videoroom-leave", r#""session":"a-1""#).len(), 1, "it is unknown");
}

#[test]
fn before_it_has_come_in_a_client_is_told_nothing_of_the_room() {
    let mut alone = Alone::new();
    let bob = Card { hand: Some(1), ..card(NOW - 1, true, true) };
    alone.enters(&[("b-1", bob.clone())]);
    assert_eq!(alone.list(&[("b-1", bob.clone())], &["b-1"]), NOTHING);
    assert_eq!(alone.word("b-1", "message\n5\ntext/plain\nhi"), NOTHING);
    assert_eq!(alone.word("b-1", "mute\n"), NOTHING);
    assert_eq!(alone.word("b-1", "hand\n"), ["show Some((None, Some(1000)))"]);
    let shown = format!("show {:?}", Some((Some((900, 0)), Some(NOW))));
    assert_eq!(alone.word("b-1", "configure\n900\na-1\nb-1"), [shown, "limit Some(1008000)".to_owned()]);
    let told = alone.accepted();
    let events: Vec<_> = told.iter().map(|line| line.split("\"event\":").nth(1).expect("an event")).collect();
    let publisher = r#"{"id":"b-1","uri":"bob@example.com","display_name":""}"#;
    assert_eq!(
        events,
        [
            r#""session-state","state":"accepted","sdp":"v=0","audio":true,"video":true}"#,
            &format!(r#""initial-publishers","publishers":[{publisher}]}}"#),
            r#""configure","originator":"videoroom","active_participants":["a-1","b-1"]}"#,
            r#""raised-hands","raised_hands":["b-1","a-1"]}"#,
        ]
    );
    assert_eq!(alone.accepted(), NOTHING, "it comes in once");
}

#[test]
fn of_several_choices_the_newest_counts_wherever_it_comes_from() {
    let mut alone = Alone::new();
    let marked = |stamp, place| Card { active: Some((stamp, place)), ..card(NOW - 1, true, true) };
    alone.enters(&[("b-1", marked(5, 0)), ("c-1", marked(6, 1)), ("d-1", marked(6, 0))]);
    let told = alone.accepted();
    let configured = |told: &[String], by: &str, active: &str| {
        told.iter().any(|line| line.ends_with(&format!("\"originator\":\"{by}\",\"active_participants\":[{active}]}}")))
    };
    assert!(configured(&told, "videoroom", r#""d-1","c-1""#), "{told:?}");
    assert_eq!(alone.word("b-1", "configure\n5\nb-1"), NOTHING, "an older one, which came late");
    assert!(configured(&alone.word("b-1", "configure\n6\nb-1"), "b-1", r#""b-1""#));
    assert!(configured(&alone.word("c-1", "configure\n6\nc-1"), "c-1", r#""c-1""#), "by the greater id");
    assert_eq!(alone.word("b-1", "configure\n6\nb-1"), NOTHING);
    // The clock of this machine is behind that of who chose last.
    alone.word("c-1", "configure\n5000\nc-1");
    let told = alone.asks("videoroom-configure", r#""session":"a-1","active_participants":["d-1"]"#);
    assert!(configured(&told, "a-1", r#""d-1""#), "{told:?}");
    assert_eq!(told.iter().filter(|line| *line == "signal Info").count(), 3);
}

#[test]
fn who_is_no_member_of_this_dialect_says_nothing_here() {
    let mut alone = Alone::new();
    let bob = card(NOW - 1, true, true);
    alone.enters(&[("b-1", bob)]);
    alone.accepted();
    for (from, lang, kind, text) in [
        ("nobody", LANG, SignalKind::Info, "mute\n"),
        ("b-1", Lang(9), SignalKind::Info, "mute\n"),
        ("b-1", LANG, SignalKind::Progress { early: false }, "mute\n"),
        ("b-1", LANG, SignalKind::Info, "nonsense"),
    ] {
        let signal = Signal { kind, body: Body::new(lang, text.as_bytes()) };
        assert_eq!(alone.hears(Event::MemberSignal { room: ROOM, from: name(from), signal }), NOTHING, "{from} {text}");
    }
    assert_eq!(alone.word("b-1", "mute\n").len(), 1);
    let invite = |alone: &mut Alone, lang, account| {
        let text = format!("invite\n{account}\nr@h\ni\nbob@example.com\n");
        alone.hears(Event::Posted { from: name("n"), body: Body::new(lang, text.as_bytes()) })
    };
    assert_eq!(invite(&mut alone, Lang(9), "alice@example.com"), NOTHING);
    assert_eq!(invite(&mut alone, LANG, "bob@example.com"), NOTHING, "it is not here");
    assert_eq!(invite(&mut alone, LANG, "alice@example.com").len(), 1);
}

#[test]
fn a_feed_that_is_detached_before_the_hub_has_made_it_is_hung_up_on() {
    let mut alone = Alone::new();
    alone.enters(&[]);
    alone.accepted();
    alone.list(&[], &["cam"]);
    let attach = r#""session":"a-1","publisher":"cam","feed":"f-1""#;
    let ack = r#"{"sylkrtc":"ack","transaction":"t"}"#;
    assert_eq!(alone.asks("videoroom-feed-attach", attach), [ack, "View"]);
    let tag = alone.tag();
    let candidate = r#""session":"f-1","candidates":[{"candidate":"c","sdpMid":"0"}]"#;
    assert_eq!(alone.asks("videoroom-session-trickle", candidate), [ack], "there is nobody to tell");
    let told = alone.asks("videoroom-feed-answer", r#""session":"a-1","feed":"f-1","sdp":"v=0""#);
    assert_eq!(told, [r#"{"sylkrtc":"error","transaction":"t","error":"f-1 is not an attached feed of a-1"}"#]);
    assert_eq!(alone.asks("videoroom-feed-detach", r#""session":"a-1","feed":"f-1""#), [ack, "Unview"]);
    let link = LinkId::new(2);
    assert_eq!(alone.hears(Event::Viewing { tag, link }), [format!("hang up {link:?}")]);
    // One that the hub declines is as if it had never been.
    alone.asks("videoroom-feed-attach", attach);
    let tag = alone.tag();
    assert_eq!(alone.hears(Event::Refused { tag, refusal: Refusal::NoSuchStream }), NOTHING);
    assert_eq!(alone.asks("videoroom-feed-attach", attach), [ack, "View"]);
}

#[test]
fn a_connection_has_so_many_feeds_and_no_more() {
    let mut alone = Alone::new();
    alone.enters(&[]);
    alone.accepted();
    let streams: Vec<_> = (0..=FEEDS).map(|number| format!("cam{number}")).collect();
    alone.list(&[], &streams.iter().map(String::as_str).collect::<Vec<_>>());
    let attach = |alone: &mut Alone, number: usize| {
        let rest = format!(r#""session":"a-1","publisher":"cam{number}","feed":"f-{number}""#);
        alone.asks("videoroom-feed-attach", &rest)
    };
    for number in 0..FEEDS {
        assert_eq!(attach(&mut alone, number).len(), 2, "an answer and a command");
    }
    let error = "this connection has 80 feeds, which is the most; detach one";
    assert_eq!(attach(&mut alone, FEEDS), [format!(r#"{{"sylkrtc":"error","transaction":"t","error":"{error}"}}"#)]);
    alone.asks("videoroom-feed-detach", r#""session":"a-1","feed":"f-7""#);
    assert_eq!(attach(&mut alone, FEEDS).len(), 2);
}

#[test]
fn who_invites_many_is_read_no_faster_than_who_asks_as_often() {
    let mut alone = Alone::new();
    alone.enters(&[]);
    let guests: Vec<_> = (0..100).map(|number| format!("\"u{number}@h\"")).collect();
    let rest = format!(r#""session":"a-1","participants":[{}]"#, guests.join(","));
    let text = format!(r#"{{"sylkrtc":"videoroom-invite","transaction":"t",{rest}}}"#);
    let mut invite = || {
        let ctx = &mut Ctx { now: Moment::START, unix_ms: NOW, rng: &mut Zeros, out: &mut alone.out };
        alone.session.on_frame(Frame::Text(&text), ctx);
        let (posts, deaf) = (ctx.out.take_commands().count(), ctx.out.deaf_until().is_some());
        alone.out.clear();
        (posts, deaf)
    };
    assert_eq!(invite(), (100, false));
    assert!((0..10).any(|_| invite() == (100, true)), "a thousand at once");
}
