//! What no transcript can bring about: causes of other parts of the server, answers to nothing, timers that ring late.

use std::time::Duration;

use patchbay_core::{Kind, Phrase};
use patchbay_dialect_kit::testing::strange_events;
use patchbay_dialect_kit::{OutFrame, Outbox, Random};

use super::*;

struct Zero;

impl Random for Zero {
    fn next_u64(&mut self) -> u64 {
        0
    }
}

struct Bench {
    session: AntSession,
    out: Outbox,
    now: Moment,
}

fn name(text: &str) -> Name {
    wire::stream_name(text).expect("a name")
}

impl Bench {
    fn new() -> Self {
        let session = AntSession::new(Lang(2), Arc::new(Settings::default()), Seats::default());
        let mut bench = Self { session, out: Outbox::new(), now: Moment::from_micros(5_000_000) };
        bench.turn(|session, ctx| session.on_open(ctx));
        bench
    }

    /// What the session said, and the commands it gave.
    fn turn(&mut self, call: impl FnOnce(&mut AntSession, &mut Ctx<'_>)) -> (Vec<String>, Vec<(Tag, Command)>) {
        self.out.clear();
        let mut ctx = Ctx { now: self.now, unix_ms: 0, rng: &mut Zero, out: &mut self.out };
        call(&mut self.session, &mut ctx);
        let commands = self.out.take_commands().collect();
        let said = self.out.frames().map(|frame| match frame {
            OutFrame::Text(text) => String::from_utf8(text.to_vec()).expect("messages are UTF-8"),
            OutFrame::Ping => "ping".to_owned(),
        });
        (said.collect(), commands)
    }

    fn says(&mut self, text: &str) -> Vec<(Tag, Command)> {
        self.turn(|session, ctx| session.on_frame(Frame::Text(text), ctx)).1
    }

    fn told(&mut self, event: Event) -> Vec<String> {
        let (said, commands) = self.turn(|session, ctx| session.on_event(event, ctx));
        assert!(commands.is_empty(), "law 1");
        said
    }

    fn deadline(&mut self) -> (Vec<String>, Vec<(Tag, Command)>) {
        self.turn(|session, ctx| session.on_deadline(ctx))
    }

    /// Publishes or plays `s`, as that link.
    fn holds(&mut self, command: &str, link: u64) {
        let asked = self.says(&format!(r#"{{"command":"{command}","streamId":"s"}}"#));
        let (tag, link) = (asked[0].0, LinkId::new(link));
        self.told(if command == "play" {
            Event::Viewing { tag, link }
        } else {
            Event::Reserved { tag, link, restored: false }
        });
    }

    fn ends(&mut self, link: u64, cause: impl Into<Cause>) -> Vec<String> {
        self.told(Event::LegEnded { tag: Tag(0), link: LinkId::new(link), cause: cause.into() })
    }
}

fn finished(definition: &str) -> String {
    format!(r#"{{"command":"notification","definition":"{definition}","streamId":"s"}}"#)
}

fn error(definition: &str) -> String {
    format!(r#"{{"command":"error","definition":"{definition}","streamId":"s"}}"#)
}

#[test]
fn other_parts_of_the_server_may_end_a_publish_in_the_dialects_words() {
    for definition in ["no_encoder_settings", "license_suspended_please_renew_license", "notSetLocalDescription"] {
        let mut bench = Bench::new();
        bench.holds("publish", 1);
        let cause = Cause { phrase: Phrase::new(definition), ..CauseKind::Declined.into() };
        assert_eq!(bench.ends(1, cause.clone()), [error(definition)]);
        assert!(bench.ends(1, cause).is_empty(), "it is over once");
    }
}

#[test]
fn what_has_started_finishes_with_every_cause() {
    for kind in CauseKind::ALL {
        for (command, definition) in [("publish", "publish_finished"), ("play", "play_finished")] {
            let mut bench = Bench::new();
            bench.holds(command, 1);
            bench.told(Event::Flowing { link: LinkId::new(1) });
            assert_eq!(bench.ends(1, kind).last(), Some(&finished(definition)), "{kind:?}");
            // What has not may end with an error alone.
            bench.holds(command, 2);
            assert_eq!(bench.ends(2, kind).len(), 1, "{kind:?}");
        }
    }
}

#[test]
fn an_answer_to_nothing_is_ignored() {
    let mut bench = Bench::new();
    for refusal in Refusal::ALL {
        for tag in 0..4 {
            assert!(bench.told(Event::Refused { tag: Tag(tag), refusal }).is_empty());
        }
    }
    for event in strange_events(Lang(2)) {
        let told = format!("{event:?}");
        let heard = bench.told(event.clone());
        assert_eq!(heard.len(), usize::from(matches!(event, Event::Live { .. })), "{told}");
    }
    assert_eq!(bench.session.legs.len(), 0);
}

#[test]
fn an_answer_comes_once() {
    let mut bench = Bench::new();
    let asked = bench.says(r#"{"command":"publish","streamId":"s"}"#);
    let refused = Event::Refused { tag: asked[0].0, refusal: Refusal::StreamTaken };
    assert_eq!(bench.told(refused.clone()), [error("streamIdInUse")]);
    assert!(bench.told(refused).is_empty());
    assert!(bench.session.asked.is_empty());
}

#[test]
fn a_timer_that_rings_late_gives_up_once() {
    let mut bench = Bench::new();
    bench.holds("publish", 1);
    let timeout = Settings::default().publish_timeout;
    assert_eq!(bench.session.deadline(), Some(bench.now + timeout));
    bench.now = bench.now + timeout - Duration::from_micros(1);
    assert!(bench.deadline().1.is_empty(), "it rang early");
    bench.now = bench.now + Duration::from_secs(1);
    let given = bench.deadline().1;
    assert!(matches!(&given[..], [(UNHEARD, Command::Hangup { .. })]), "{given:?}");
    assert!(bench.deadline().1.is_empty());
    // Media that comes in between is too late: the hub has ended it.
    assert_eq!(bench.ends(1, CauseKind::TimedOut), [error("publishTimeoutError")]);
}

#[test]
fn several_changes_of_tracks_are_told_to_the_page_at_once() {
    let mut bench = Bench::new();
    bench.holds("play", 1);
    let change = |track: &str| Event::TrackChanged { link: LinkId::new(1), track: name(track), added: true };
    assert_eq!(bench.told(change("cam1")).len(), 1);
    assert_eq!(bench.told(change("cam2")).len(), 1);
    assert!(bench.told(change("s")).is_empty(), "the main stream itself is no track of it");
    assert_eq!(bench.session.deadline(), Some(Moment::START));
    assert!(matches!(&bench.deadline().1[..], [(UNHEARD, Command::Say { binary: false, .. })]));
    assert!(bench.deadline().1.is_empty());
}

#[test]
fn nothing_is_measured_before_the_start_or_without_media() {
    let mut bench = Bench::new();
    bench.holds("play", 1);
    let link = LinkId::new(1);
    let measured = |audio_bps, video_bps| {
        let report = Report { audio_bps, video_bps, target_bps: 9, ..Report::default() };
        Event::Measured { link, report }
    };
    assert!(bench.told(measured(1, 1)).is_empty());
    bench.told(Event::Flowing { link });
    assert!(bench.told(measured(0, 0)).is_empty());
    assert_eq!(bench.told(measured(1, 0)).len(), 1);
    assert_eq!(bench.told(measured(0, 1)).len(), 1);
}

#[test]
fn an_offer_of_nothing_still_has_a_mapping_and_its_candidates_an_id() {
    let mut bench = Bench::new();
    bench.holds("play", 1);
    let described = |sdp: &str, sections| {
        let (link, kind) = (LinkId::new(1), DescriptionKind::Offer);
        Event::Described { link, kind, sdp: Arc::from(sdp), sections }
    };
    let said = bench.told(described("v=0\r\na=candidate:1\r\n", vec![]));
    assert!(said[0].ends_with(r#""idMapping":{}}"#), "{said:?}");
    assert!(said[1].ends_with(r#""label":0,"id":"0","candidate":"candidate:1"}"#), "{said:?}");
    let section = Section { mid: "7".to_owned(), kind: Some(Kind::Audio), source: Some(name("s")) };
    let said = bench.told(described("v=0\r\nm=audio\r\na=mid:7\r\na=candidate:1\r\n", vec![section]));
    assert_eq!(said.len(), 1, "candidates come with the first description alone");
    assert!(said[0].contains(r#""idMapping":{"7":"ARDAMSas"}"#), "{said:?}");
}

#[test]
fn a_page_is_told_who_speaks_last() {
    let mut bench = Bench::new();
    bench.holds("play", 1);
    let speaks = |track: &str, level| Event::Speaker { link: LinkId::new(1), track: name(track), level };
    assert!(bench.told(speaks("s", 30)).is_empty(), "a stream of its own has one voice");
    assert!(bench.session.deadline() > Some(Moment::START));
    assert!(bench.told(speaks("cam1", 20)).is_empty());
    // The levels of RFC 6464: silence is nobody, and the weakest speech is above what older pages take for it.
    for (level, told) in [(0, 254), (30, 194), (50, 154), (126, 2), (127, 0), (255, 0)] {
        assert!(bench.told(speaks("cam2", level)).is_empty());
        let said = bench.deadline().1;
        let [(UNHEARD, Command::Say { binary: false, bytes, .. })] = &said[..] else { panic!("{said:?}") };
        let expected = format!(
            r#"{{"command":"event","streamId":"s","eventType":"AUDIO_TRACK_ASSIGNMENT","payload":[{{"audioLabel":"cam2","trackId":"cam2","audioLevel":{told}}}]}}"#
        );
        assert_eq!(std::str::from_utf8(bytes), Ok(&*expected));
    }
}

#[test]
fn one_of_two_is_told_of_each_that_comes_even_if_lists_are_late() {
    let mut bench = Bench::new();
    let asked = bench.says(r#"{"command":"join","streamId":"s"}"#);
    let own = name("0000000000000000");
    let joined = Event::Joined { tag: asked[0].0, room: RoomId::new(4), room_name: name("s"), name: own.clone() };
    assert_eq!(bench.told(joined), [finished("joined")]);
    let list = |bench: &mut Bench, others: &[&str]| {
        let names = std::iter::once(own.clone()).chain(others.iter().map(|other| name(other))).collect();
        let list = Arc::new(patchbay_core::MemberList::new(1, names, Vec::new(), Vec::new()));
        bench.told(Event::Members { room: RoomId::new(4), room_name: name("s"), list, replaceable: false })
    };
    let (start, stop) = (r#"{"command":"start","streamId":"s"}"#, r#"{"command":"stop","streamId":"s"}"#);
    assert!(list(&mut bench, &["a"]).is_empty(), "who came second waits for the offer");
    assert_eq!(list(&mut bench, &["b"]), [stop, start], "one has gone and another come");
    assert!(list(&mut bench, &["b"]).is_empty());
    assert_eq!(list(&mut bench, &[]), [stop]);
    assert_eq!(list(&mut bench, &["c"]), [start]);
}

mod gate;
