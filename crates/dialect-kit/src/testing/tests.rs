//! The runner on a dialect of its own: each text comes back, and `break the law` makes the next event cause a command.
//! `publish`, `view`, `offer v=0…` and so on are commands about the stream `s`.

use std::time::Duration;

use patchbay_core::{
    Address, Body, Codec, Command, Event, Join, Kinds, Lang, Limits, LinkId, Merge, Moment, Name, Profile, Publish,
    Realm, RealmLimits, Selection, Signal, SignalKind, Speaks, Tag, View,
};

use super::{Delivery, Failure, Script, SessionWorld, alterations, run};
use crate::{CloseCause, Ctx, Dialect, Frame, Session, Spec};

struct Echo;

#[derive(Default)]
struct EchoSession {
    lawless: bool,
    late: Option<Moment>,
    link: Option<LinkId>,
}

impl Dialect for Echo {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec { name: "echo", serves: "tests", endpoints: &[], keys: &[], messages: &[] };
        &SPEC
    }

    fn profile(&self) -> Profile {
        Profile {
            realm: Realm(0),
            lang: Lang(9),
            peer_to_peer: true,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        }
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(EchoSession::default())
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a short name")
}

/// A command about the stream `s`.
fn about_media(text: &str, link: LinkId) -> Option<Command> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let signal = |kind| {
        // A description has more than one line, a transcript's line has not.
        let signal = Signal { kind, body: Body::new(Lang(9), rest.replace('¶', "\n").as_bytes()) };
        Command::Signal { to: Address::Link(link), signal }
    };
    Some(match word {
        "publish" => Command::Publish(Publish {
            stream: name("s"),
            main: None,
            kinds: Kinds::ALL,
            about: None,
            claim: None,
            tracks: None,
        }),
        "view" => Command::View(View {
            stream: name("s"),
            selection: Selection::ALL,
            except: None,
            speaks: Speaks::ToPublisher,
            viewers: None,
            about: None,
            shape: patchbay_core::Shape::default(),
        }),
        "offer" => signal(SignalKind::Offer),
        "answer" => signal(SignalKind::Answer),
        "candidate" => signal(SignalKind::Candidate),
        "quiet" => Command::Pause { link, track: None, kinds: Kinds { audio: true, video: false }, on: false },
        "small" => Command::Prefer { link, track: None, height: Some(90) },
        "bounded" => Command::Limit { link, bps: Some(100_000) },
        _ => return None,
    })
}

fn join() -> Command {
    Command::Join(Join {
        room: name("r"),
        name: name("n"),
        merge: Merge::WINDOW,
        card: None,
        kind: patchbay_core::RoomKind::Open,
    })
}

impl Session for EchoSession {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        let Frame::Text(text) = frame else { return };
        match text {
            "end" => ctx.out.close(4000, CloseCause::BadMessage),
            "late" => self.late = Some(ctx.now + Duration::from_millis(30)),
            "break the law" => {
                self.lawless = true;
                ctx.out.command(Tag(0), join());
            }
            _ => match about_media(text, self.link.unwrap_or(LinkId::new(0))) {
                Some(command) => ctx.out.command(Tag(0), command),
                None => ctx.out.text(|out| out.extend_from_slice(text.as_bytes())),
            },
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        if let Event::Reserved { link, .. } | Event::Viewing { link, .. } = event {
            self.link = Some(link);
        }
        if self.lawless {
            ctx.out.command(Tag(0), join());
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.late
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.late = None;
        ctx.out.text(|out| out.extend_from_slice(b"{\"late\":true}"));
    }
}

fn play(lines: &str) -> Result<(), Failure> {
    let script = Script::parse("00-test.txt", &format!("# a test\n{lines}"))?;
    let limits = Limits {
        realms: vec![RealmLimits { codecs: Some([Codec::Opus, Codec::Vp8].into()), ..RealmLimits::default() }],
    };
    run(&script, &mut SessionWorld::new(&Echo, limits, Delivery::Eager, 42))
}

fn fails_at(lines: &str) -> Option<usize> {
    play(lines).err().map(|failure| failure.line)
}

#[test]
fn what_comes_as_it_is_written_passes() {
    for lines in [
        "+a\n>a {\"x\":[1,{}]}\n<a {\"x\":[1,{}]}",
        "+a\n>a {\"b\":1, \"a\":2}\n<a {\"a\":2,\"b\":1}",
        "+a\n>a text plain\n<a exactly plain",
        "+a\n>a text end\nxa 4000",
        "+a\n>a text late\n=a nothing 29ms\n<a {\"late\":true}",
        "+a\n>a text late\n~1s\n<a {\"late\":true}",
        "+a\n>a text late\n?a 60ms {\"late\":true}",
        "+a\n-a close 1000",
        "repeat i 0..3\n+c$i\n>c$i {\"i\":\"$i\"}\n<c$i {\"i\":\"$i\"}\nend",
        "+a\n>a {\"x\":\"$fill(ab,3)\"}\n<a {\"x\":\"ababab\"}",
        "only sessions\n+a",
    ] {
        assert_eq!(play(lines), Ok(()), "{lines}");
    }
}

#[test]
fn what_does_not_fails_at_its_line() {
    // Line 1 is the comment.
    for (lines, line) in [
        ("+a\n>a {\"x\":1}\n<a {\"x\":2}", 4),
        ("+a\n>a {\"x\":1,\"y\":1}\n<a {\"x\":1}", 4),
        ("+a\n>a {\"x\":1}\n<a {\"x\":1,\"y\":1}", 4),
        ("+a\n<a {\"x\":1}", 3),
        ("+a\n>a text late\n=a nothing 30ms", 4),
        ("+a\n>a {\"x\":1}\n?a 60ms {\"x\":2}", 4),
        ("+a\n>a text end\nxa 4001", 4),
        ("+a\n>a text end\n<a {\"x\":1}", 4),
        ("+a\nxa 1000", 3),
        ("+a => 403", 2),
        (">a {}", 2),
        ("+a\n>a text end\nxa 4000\n>a {}", 5),
        ("+a\n>a ping", 3),
        ("http GET / => 200", 2),
        // Left over: at the end, after a last wait, and before a connection goes.
        ("+a\n>a {\"x\":1}", 4),
        ("+a\n>a text late", 4),
        ("+a\n>a {\"x\":1}\n-a reset", 4),
        ("+a\n>a text end", 4),
        ("repeat i 0..3\n+c$i\n>c$i {\"i\":\"$i\"}\n<c$i {\"i\":\"1\"}\nend", 5),
    ] {
        assert_eq!(fails_at(lines), Some(line), "{lines}");
    }
}

#[test]
fn a_failure_names_file_line_seed_and_both_sides() {
    let failure = play("+a\n>a {\"x\":1}\n<a {\"x\":2}").expect_err("it differs");
    let expected = "00-test.txt:4: <a {\"x\":2}\n  seed:     42\n  expected: {\"x\":2}\n  got:      {\"x\":1}";
    assert_eq!(failure.to_string(), expected);
}

#[test]
fn lines_of_no_known_form_are_refused_where_they_stand() {
    for line in [
        "a",
        "+",
        "+a b",
        "+a => x",
        ">a nonsense",
        ">a [1]",
        "<a",
        "<a [1]",
        "<a nothing",
        "=a 100ms",
        "=a nothing 5",
        "?a 60ms",
        "xa",
        "xa x",
        "-a",
        "-a close",
        "-a close x",
        "~",
        "~5",
        "http GET /",
        "only",
        "repeat i",
        "end",
        "repeat i 0..2",
        "<a {\"x\":}",
    ] {
        let failure = Script::parse("f", &format!("# a test\n+a\n{line}\n~1s")).expect_err(line);
        assert!(failure.line >= 3, "{line}: {failure}");
    }
    assert_eq!(Script::parse("f", "+a").expect_err("no comment").line, 1);
}

#[test]
#[should_panic(expected = "law 1")]
fn a_session_that_answers_an_event_with_a_command_is_found_out() {
    let _never = play("+a\n>a text break the law");
}

#[test]
fn alterations_reach_every_value_key_and_element() {
    let script =
        Script::parse("f", "# a test\n<a {\"x\":[1,\"y\"],\"z\":null}\n=a nothing 5ms\nxa 1009").expect("it parses");
    let altered: Vec<String> = alterations(&script).into_iter().map(|altered| altered.altered).collect();
    for expected in [
        r#"<a {"extra":1,"x":[1,"y"],"z":null}"#,
        r#"<a {"z":null}"#,
        r#"<a {"x":[1,"y"]}"#,
        r#"<a {"x":[2,"y"],"z":null}"#,
        r#"<a {"x":[1,"y~"],"z":null}"#,
        r#"<a {"x":["y"],"z":null}"#,
        r#"<a {"x":["y",1],"z":null}"#,
        r#"<a {"x":[1,"y","extra"],"z":null}"#,
        r#"<a {"x":[1,"y"],"z":0}"#,
        r#"<a {"never":true}"#,
        "xa 1010",
        "xa none",
        "",
    ] {
        assert!(altered.iter().any(|altered| altered == expected), "{expected} is not among {altered:#?}");
    }
}

/// Publishes `s` with sound and pictures, and views it.
const STREAM: &str = "only sessions\n+a\n>a text publish\n>a text offer v=0 m=\n!gone a up s\n>a text publish\n\
    >a text offer v=0¶m=audio¶m=video\n!flow a up s\n+b\n>b text view\n";

fn with_stream(lines: &str) -> String {
    format!("{STREAM}{lines}")
}

#[test]
fn media_is_as_the_script_says() {
    for lines in [
        "!passes b down s s all\n>b text quiet\n!passes b down s s video",
        "!flow b down s\n!lost b down s\n!gone b down s",
        "!fail a up s internal\n!gone a up s\n!gone b down s",
        "!data a up s hi\n!data a up s binary ho\n!hears b down s hi\n!hears b down s binary ho\n!hears b down s nothing",
        "!data b down s hi\n!hears a up s hi",
        ">b text small\n!prefers b down s s 90",
        "!limit a up s none\n>a text bounded\n!limit a up s 100000",
        ">b text candidate x\n>b text candidate y\n!candidates b down s 2",
        ">b text answer no\n!gone b down s",
        "!report a up s audio=1 video=2 target=3 loss=4 rtt=5 sizes=640x360@7,320x180@8\n!switch b down s s 360",
    ] {
        assert_eq!(play(&with_stream(lines)), Ok(()), "{lines}");
    }
}

#[test]
fn media_that_is_not_fails_at_its_line() {
    for line in [
        "!passes b down s s audio",
        "!passes b down s t all",
        "!prefers b down s s auto",
        "!limit a up s 1",
        "!hears b down s hi",
        "!candidates b down s 1",
        "!gone b down s",
        "!flow b up s",
        "!flow a up t",
        "!switch b down s t 360",
        ">a text publish\n!hears b down s nothing\n!gone b down s",
    ] {
        let count = line.lines().count();
        let at = STREAM.lines().count() + 1 + count;
        assert_eq!(fails_at(&with_stream(line)), Some(at), "{line}");
    }
    for line in ["!data a up s hi\n!hears b down s ho", "!data a up s binary hi\n!hears b down s hi"] {
        assert_eq!(fails_at(&with_stream(line)), Some(STREAM.lines().count() + 3), "{line}");
    }
}

#[test]
fn media_is_scripted_without_sockets_alone() {
    assert_eq!(fails_at("+a\n!flow a up s"), Some(3));
    for line in [
        "!flow",
        "!flow a",
        "!flow a s",
        "!flow a up",
        "!flow a up s now",
        "!fly a up s",
        "!fail a up s",
        "!report a up s audio",
        "!report a up s audio=x",
        "!report a up s sizes=640@1",
        "!switch a down s cam",
        "!passes a down s cam sound",
        "!prefers a down s cam x",
        "!limit a up s much",
        "!candidates a up s some",
    ] {
        assert!(Script::parse("f", &format!("# a test\nonly sessions\n+a\n{line}")).is_err(), "{line}");
    }
}

#[test]
fn every_expectation_of_media_is_altered() {
    let lines = [
        ("!passes a down m cam none", "!passes a down m cam all"),
        ("!passes a down m cam audio", "!passes a down m cam none"),
        ("!prefers a down m cam auto", "!prefers a down m cam 1"),
        ("!prefers a down m cam 360", "!prefers a down m cam 3601"),
        ("!prefers a down m cam 360", "!prefers a down m cam auto"),
        ("!limit a up s none", "!limit a up s 1"),
        ("!limit a up s 7", "!limit a up s 71"),
        ("!hears a down m two words", "!hears a down m two words~"),
        ("!candidates a up s 2", "!candidates a up s 21"),
        ("!gone a up s", "!candidates a up s 0"),
    ];
    let text: Vec<_> = lines.iter().map(|(line, _)| *line).collect();
    let script = Script::parse("f", &format!("# a test\nonly sessions\n+a\n!flow a up s\n{}", text.join("\n")));
    let altered: Vec<_> = alterations(&script.expect("it parses")).into_iter().map(|one| one.altered).collect();
    for (_, expected) in lines {
        assert!(altered.iter().any(|altered| altered == expected), "{expected} is not among {altered:#?}");
    }
    assert_eq!(altered.len(), lines.len() + 2, "two for each line of a size, none for what merely happens");
}
