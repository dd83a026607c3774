//! What no transcript can bring about: ids that are always taken, refusals that race with an end, timers that ring late.

use patchbay_core::Command;
use patchbay_dialect_kit::testing::strange_events;
use patchbay_dialect_kit::{Close, OutFrame, Outbox};

use super::*;

/// Draws the same number for ever.
struct Stuck;

impl Random for Stuck {
    fn next_u64(&mut self) -> u64 {
        1_234_567
    }
}

struct Bench {
    session: SidSession,
    out: Outbox,
    now: Moment,
}

impl Bench {
    /// A registered client.
    fn new() -> Self {
        let session = SidSession::new(Lang(1), Arc::new(Settings::default()));
        let mut bench = Self { session, out: Outbox::new(), now: Moment::from_micros(5_000_000) };
        bench.turn(|session, ctx| session.on_open(ctx));
        let name = Name::parse("A").expect("a name");
        bench.turn(|session, ctx| session.on_event(Event::Registered { tag: REGISTER, name }, ctx));
        bench
    }

    /// What the session said, and the commands it gave.
    fn turn(&mut self, call: impl FnOnce(&mut SidSession, &mut Ctx<'_>)) -> (Vec<String>, Vec<Command>) {
        self.out.clear();
        let mut ctx = Ctx { now: self.now, unix_ms: 0, rng: &mut Stuck, out: &mut self.out };
        call(&mut self.session, &mut ctx);
        let commands = self.out.take_commands().map(|(_, command)| command).collect();
        let said = self.out.frames().map(|frame| match frame {
            OutFrame::Text(text) => String::from_utf8(text.to_vec()).expect("messages are UTF-8"),
            OutFrame::Ping => "ping".to_owned(),
        });
        (said.collect(), commands)
    }

    fn told(&mut self, event: Event) -> Vec<String> {
        let (said, commands) = self.turn(|session, ctx| session.on_event(event, ctx));
        assert!(commands.is_empty(), "law 1");
        said
    }

    fn deadline(&mut self) -> (Vec<String>, Vec<Command>) {
        self.turn(|session, ctx| session.on_deadline(ctx))
    }
}

#[test]
fn a_session_whose_id_is_always_taken_is_given_up() {
    let mut bench = Bench::new();
    let text = Frame::Text(r#"{"cmd":"session","opponentId":"B"}"#);
    let (_, mut asked) = bench.turn(|session, ctx| session.on_frame(text, ctx));
    for draw in 1.. {
        match asked.as_slice() {
            [Command::Call { token: Some(token), .. }] => assert_eq!(token.as_str(), "01234567"),
            other => panic!("draw {draw}: {other:?}"),
        }
        let said = bench.told(Event::Refused { tag: SESSION, refusal: Refusal::TokenTaken });
        if draw == DRAWS {
            assert_eq!(said, [r#"{"cmd":"error","code":9203}"#]);
            break;
        }
        assert!(said.is_empty(), "{said:?}");
        assert!(bench.out.deaf_until().is_some_and(|until| until > bench.now), "nothing is read before the next draw");
        assert_eq!(bench.session.deadline(), Some(Moment::START));
        asked = bench.deadline().1;
    }
    assert!(bench.deadline().1.is_empty(), "and not asked for any more");
}

#[test]
fn ids_are_drawn_evenly_from_all_of_eight_digits() {
    struct Numbers(Vec<u64>);
    impl Random for Numbers {
        fn next_u64(&mut self) -> u64 {
            self.0.remove(0)
        }
    }
    // 2^64 is no multiple of 10^8: its rest is drawn again.
    let whole = u64::MAX - u64::MAX % 100_000_000;
    let mut numbers = Numbers(vec![u64::MAX, whole, whole - 1, 0, 100_000_001]);
    let drawn: Vec<_> = (0..3).map(|_| session_id(&mut numbers).as_str().to_owned()).collect();
    assert_eq!(drawn, ["99999999", "00000000", "00000001"]);
}

/// Between a look at the mailbox and the hub a call may end: then both commands of a relay are refused.
#[test]
fn a_relay_that_comes_too_late_is_answered_once() {
    let mut bench = Bench::new();
    let refused = |tag| Event::Refused { tag, refusal: Refusal::NoSuchLink };
    assert_eq!(bench.told(refused(IN_SESSION)), [r#"{"cmd":"error","code":9204}"#]);
    assert!(bench.told(refused(UNHEARD)).is_empty());
}

#[test]
fn a_timer_that_rings_late_rings_and_one_that_rings_early_does_not() {
    let mut bench = Bench::new();
    let interval = Settings::default().ping_interval;
    bench.now = bench.now + interval - Duration::from_millis(1);
    assert!(bench.deadline().0.is_empty());
    bench.now = bench.now + Duration::from_millis(500);
    assert_eq!(bench.deadline().0, ["ping"]);
    bench.now = bench.now + interval + Duration::from_millis(500);
    bench.deadline();
    assert_eq!(bench.out.closing(), Some(Close { code: None, cause: CloseCause::Silent }));
}

/// Events of calls that are not the client's, or that this dialect cannot say, leave no frame, not even an empty one.
#[test]
fn of_other_calls_nothing_is_said() {
    for event in strange_events(Lang(1)) {
        let mut bench = Bench::new();
        let told = format!("{event:?}");
        let silent = match &event {
            Event::CallChanged { state, .. } => *state != CallState::New,
            Event::CallSignal { .. } | Event::Ended { .. } => true,
            _ => false,
        };
        if silent {
            assert!(bench.told(event).is_empty(), "{told}");
        }
    }
    // In the call: the same calls of the other hub, which numbers its links as ours does.
    let mut bench = Bench::new();
    let mut in_call = false;
    for event in strange_events(Lang(1)) {
        let told = format!("{event:?}");
        match event {
            Event::CallChanged { token: Some(_), state: CallState::New, caller: true, .. } => {
                assert_eq!(bench.told(event).len(), 2, "{told}");
                in_call = true;
            }
            Event::CallSignal { ref signal, .. } if in_call => {
                let heard = matches!(signal.kind, SignalKind::Offer | SignalKind::Answer | SignalKind::Candidate);
                assert_eq!(bench.told(event).len(), usize::from(heard), "{told}");
            }
            _ => {}
        }
    }
    assert!(in_call);
}
