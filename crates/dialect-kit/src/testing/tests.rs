//! The runner on a dialect of its own: each text comes back, and `break the law` makes the next event cause a command.

use std::time::Duration;

use patchbay_core::{Command, Event, Join, Lang, Limits, Merge, Moment, Name, Profile, Realm, RealmLimits, Tag};

use super::{Delivery, Failure, Script, SessionWorld, alterations, run};
use crate::{CloseCause, Ctx, Dialect, Frame, Session, Spec};

struct Echo;

#[derive(Default)]
struct EchoSession {
    lawless: bool,
    late: Option<Moment>,
}

impl Dialect for Echo {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec { name: "echo", serves: "tests", endpoints: &[], keys: &[], messages: &[] };
        &SPEC
    }

    fn profile(&self) -> Profile {
        Profile { realm: Realm(0), lang: Lang(9), peer_to_peer: true, one_call: false }
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(EchoSession::default())
    }
}

fn join() -> Command {
    let name = |text| Name::parse(text).expect("a short name");
    Command::Join(Join { room: name("r"), name: name("n"), merge: Merge::WINDOW })
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
            _ => ctx.out.text(|out| out.extend_from_slice(text.as_bytes())),
        }
    }

    fn on_event(&mut self, _event: Event, ctx: &mut Ctx<'_>) {
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
    let limits = Limits { realms: vec![RealmLimits::default()] };
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
