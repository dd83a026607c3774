//! Lines, each said by a player on its command channel.

use std::collections::VecDeque;

use patchbay_core::{Command, Event, Lang, LinkId, Moment, Name, Refusal, Tag};
use patchbay_dialect_kit::{Ctx, Frame, Outbox, Session};

use super::{Nothing, is_json};
use crate::ems::client::Client;
use crate::ems::opening::Opening;

/// What brings a player in.
const ARRIVAL: [&str; 3] = [
    r#"5:::{"name":"ersid"}"#,
    "6:::1+[null]",
    r#"5:::{"name":"clientJoined","args":[{"id":"W","streamName":"s","transport":"srtp"}]}"#,
];
const CHANNEL: &str = "emsCommandChannel";

struct World {
    session: Client,
    out: Outbox,
    closed: bool,
}

impl World {
    /// What the session orders.
    fn call(&mut self, call: impl FnOnce(&mut Client, &mut Ctx<'_>)) -> Vec<(Tag, Command)> {
        self.out.clear();
        let mut ctx = Ctx { now: Moment::from_micros(1), unix_ms: 1_000, rng: &mut Nothing, out: &mut self.out };
        call(&mut self.session, &mut ctx);
        self.closed |= self.out.closing().is_some();
        self.out.take_commands().collect()
    }

    /// Tells it something; what it orders when it may.
    fn tell(&mut self, event: Event) -> Vec<(Tag, Command)> {
        assert!(self.call(|session, ctx| session.on_event(event, ctx)).is_empty(), "law 1");
        let mut all = Vec::new();
        for _ in 0..100 {
            if self.closed || self.session.deadline() != Some(Moment::START) {
                return all;
            }
            all.extend(self.call(Client::on_deadline));
        }
        panic!("a deadline stays in the past");
    }
}

/// Whatever it says, it is told JSON on its channel and nowhere else, and is let go only if it says so.
pub(super) fn said(text: &str) {
    let opening = Opening { number: 1, room: "room".to_owned(), token: String::new() };
    let session = Client::new(Lang(1), opening, &std::sync::Arc::default());
    let mut world = World { session, out: Outbox::new(), closed: false };
    world.call(Client::on_open);
    let orders: Vec<_> = ARRIVAL
        .into_iter()
        .flat_map(|packet| world.call(|session, ctx| session.on_frame(Frame::Text(packet), ctx)))
        .collect();
    let view = orders.iter().find(|(_, command)| matches!(command, Command::View(_)));
    let (tag, link) = (view.expect("it asks for the stream").0, LinkId::new(1));
    let channel = Name::parse(CHANNEL).expect("a name");
    world.tell(Event::Viewing { tag, link });
    world.tell(Event::Channel { link, channel: channel.clone(), open: true });
    for line in text.split('\n') {
        let bytes = line.as_bytes().into();
        let mut orders =
            VecDeque::from(world.tell(Event::Heard { link, channel: channel.clone(), binary: false, bytes }));
        while let Some((tag, command)) = orders.pop_front() {
            match command {
                // It is one of RTP, which the hub refuses to turn.
                Command::Turn { link: of, .. } if of == link => {
                    orders.extend(world.tell(Event::Refused { tag, refusal: Refusal::NoSuchLink }));
                }
                Command::Say { channel: Some(on), bytes, .. } => {
                    let text = std::str::from_utf8(&bytes).expect("text");
                    assert!(on == channel && is_json(text), "{text}");
                }
                Command::Pause { .. } => {}
                other => panic!("{line}: {other:?}"),
            }
        }
        assert!(!world.closed || line.to_ascii_lowercase().contains("stop") || line.contains('\\'), "{line}");
        if world.closed {
            return;
        }
    }
}
