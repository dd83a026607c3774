//! What the fuzz target `sip` runs; a test replays its corpus (`docs/testing.md`, "Fuzzing").
//!
//! The input is a script of messages, told to an agent with a line, a call of ours and an owner that answers, refuses,
//! rings or lets go. Lines of `=` stand between the messages, each begins with a digit: how long to wait before it. Words
//! that only the agent knows are put in: `%k` the user of the line's contact, and of what it has sent last `%t` its tag,
//! `%b` its branch, `%i` its Call-ID.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use patchbay_core::Moment;
use patchbay_sip::digest::Ha1;
use patchbay_sip::uri::{Aor, Uri};

use crate::api::{Account, DialogOrder, LineOrder, Outgoing};
use crate::core::{Core, Effect, Input, Order, Origin, Path};
use crate::settings::{Limits, Settings, Transport};
use crate::wire;

const SDP: &str = "v=0\r\n";
const HA1: &str = "939e7578ed9e3c518a452acee763bce9";
/// Deadlines in one go: far more than a few calls have, so that more is a loop.
const DEADLINES: usize = 50_000;
/// Longer than any timer of a call or transaction.
const EVER: Duration = Duration::from_secs(4_000);

struct World {
    core: Core,
    now: Moment,
    owner: u8,
    token: String,
    tag: String,
    branch: String,
    call_id: String,
}

/// Runs `data`.
///
/// # Panics
/// If something is sent that is no message or has a line of somebody else's making, or if anything is left when all is over.
pub fn target(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut world = World::new(data.len() as u8);
    for chunk in text.split("\n=\n").take(24) {
        let wait = chunk.chars().next().and_then(|first| first.to_digit(10));
        let message = if wait.is_some() { &chunk[1..] } else { chunk };
        world.pass(Duration::from_millis(u64::from(wait.unwrap_or(0)).pow(4)));
        let known = [("%k", &world.token), ("%t", &world.tag), ("%b", &world.branch), ("%i", &world.call_id)];
        let message = known.iter().fold(message.to_owned(), |text, (word, value)| text.replace(word, value));
        let origin = Origin { flow: 1, transport: Transport::Udp, remote: peer(), local: here() };
        world.input(Input::Received(origin, message.replace('\n', "\r\n").into_bytes()));
    }
    world.input(Input::Order(Order::Stop));
    world.pass(EVER);
    assert_eq!(world.core.left(), [], "something is left");
}

fn peer() -> SocketAddr {
    ([10, 0, 0, 9], 5060).into()
}

fn here() -> SocketAddr {
    ([10, 0, 0, 1], 5062).into()
}

impl World {
    fn new(owner: u8) -> Self {
        let limits = Limits { dialogs: 8, transactions: 32, ..Limits::default() };
        let settings = Settings { limits, domains: vec!["rooms.example".to_owned()], ..Settings::default() };
        let mut count = 0;
        let random = move || {
            count += 1;
            count
        };
        let core = Core::new(Arc::new(settings), Box::new(random), Arc::new(AtomicU64::new(10)), Arc::default());
        let [token, tag, branch, call_id] = [const { String::new() }; 4];
        let mut world = Self { core, now: Moment::START, owner, token, tag, branch, call_id };
        let aor = Aor::parse("alice@example.com").expect("an address");
        let ha1 = Ha1::parse(HA1).expect("an HA1");
        let account = Account { aor: aor.clone(), ha1: ha1.clone(), display: None, user_agent: None, push: None };
        world.input(Input::Order(Order::NewLine(1, Box::new(account))));
        world.input(Input::Order(Order::Line(1, LineOrder::Start)));
        let to = Uri::parse("sip:bob@example.com").expect("a URI");
        let sdp = (owner & 4 == 0).then(|| SDP.to_owned());
        let outgoing = Outgoing {
            from: aor,
            display: None,
            ha1: Some(ha1),
            user_agent: None,
            to,
            sdp,
            headers: vec![],
            way: None,
        };
        world.input(Input::Order(Order::NewDialog(2, Box::new(outgoing))));
        world
    }

    fn input(&mut self, input: Input) {
        self.core.handle(input, self.now);
        while !self.core.effects.is_empty() {
            for effect in std::mem::take(&mut self.core.effects) {
                self.effect(effect);
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Send { bytes, .. } | Effect::Reply { bytes, .. } => self.sent(&bytes),
            Effect::Resolve { ask, target } => {
                let path = Path { flow: 1, transport: Transport::Udp, remote: peer(), local: here(), target };
                self.core.handle(Input::Routed { ask, result: Ok(path) }, self.now);
            }
            Effect::Text { key, .. } => self.core.text_taken(&key, self.owner % 4 != 1),
            Effect::Call(call) => {
                let answer = || DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] };
                let orders = match self.owner % 4 {
                    0 => vec![DialogOrder::Ring, answer()],
                    1 => vec![DialogOrder::Reject(486)],
                    2 => vec![DialogOrder::Ring, DialogOrder::Progress(SDP.to_owned())],
                    _ => vec![answer(), DialogOrder::Reinvite(SDP.to_owned()), DialogOrder::Hangup],
                };
                for order in orders {
                    self.core.handle(Input::Order(Order::Dialog(call.dialog, order)), self.now);
                }
            }
            Effect::Dialog(id, crate::api::DialogNews::Reinvite { .. }) => {
                let answer = if self.owner % 4 == 1 { Err(488) } else { Ok(SDP.to_owned()) };
                self.core.handle(Input::Order(Order::Dialog(id, DialogOrder::AnswerReinvite(answer))), self.now);
            }
            Effect::Dialog(id, crate::api::DialogNews::Accepted { .. }) => {
                let order = if self.owner & 8 == 0 { DialogOrder::Ack(SDP.to_owned()) } else { DialogOrder::Hangup };
                self.core.handle(Input::Order(Order::Dialog(id, order)), self.now);
            }
            Effect::Line(..) | Effect::Dialog(..) | Effect::ForgetLine(_) | Effect::ForgetDialog(_) => {}
        }
    }

    /// What is sent is SIP, and each of its lines is one that we meant.
    fn sent(&mut self, bytes: &[u8]) {
        let (message, fault) = wire::read(bytes).expect("what we send is SIP");
        let head = bytes.split(|byte| *byte == b'\n').take_while(|line| line.len() > 1);
        for line in head {
            let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\r';
            assert!(line.ends_with(b"\r") && !line.iter().any(control), "{:?}", String::from_utf8_lossy(line));
        }
        // A response repeats what its request had, faults and all.
        if message.method().is_some() {
            assert_eq!(fault, None, "{message:?}");
            assert_eq!(message.list("Via").count(), 1, "{message:?}");
            self.branch = message.via().expect("ours").branch;
            message.call_id().clone_into(&mut self.call_id);
            self.tag = message.tag("From").unwrap_or_default().to_owned();
            if message.method() == Some(&wire::Method::Register) {
                let contact = wire::uri_of(message.value("Contact").unwrap_or_default());
                self.token = contact.trim_start_matches("sip:").split('@').next().unwrap_or_default().to_owned();
            }
        } else {
            self.tag = message.tag("To").unwrap_or_default().to_owned();
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..DEADLINES {
            let Some(due) = self.core.deadline().filter(|due| *due <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(due);
            self.input(Input::Deadline);
        }
        panic!("there is always something to do");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_passes() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "sip", super::target);
    }
}
