//! The queue of one party: what may be merged, and what may not.

use std::time::Duration;

use patchbay_core::{
    Address, Body, Command, Effect, Effects, Event, EventQueue, Hub, Join, Lang, Limits, Merge, Moment, Name, PartyId,
    Profile, Realm, RealmLimits, RoomId, Signal, SignalKind, Tag,
};

/// A hub with one listener, `z`, and others who come and go in rooms `r` and `s`.
struct Source {
    hub: Hub,
    out: Effects,
    now: Moment,
    listener: PartyId,
    others: Vec<PartyId>,
    rooms: Vec<RoomId>,
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a short name")
}

impl Source {
    /// The listener is in `r` and `s`, with this policy.
    fn new(merge: Merge) -> (Self, Vec<Event>) {
        let limits = RealmLimits { window: Duration::from_millis(50), ..RealmLimits::default() };
        let mut hub = Hub::new(0, Limits { realms: vec![limits] });
        let mut out = Effects::new();
        let profile = Profile {
            realm: Realm(0),
            lang: Lang(1),
            peer_to_peer: true,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        };
        let listener = hub.attach(profile, &mut out);
        let others = (0..4).map(|_| hub.attach(profile, &mut out)).collect();
        let now = Moment::from_micros(1_000_000);
        let mut source = Self { hub, out, now, listener, others, rooms: Vec::new() };
        let mut heard = source.join(listener, "r", "z", merge);
        heard.extend(source.join(listener, "s", "z", merge));
        (source, heard)
    }

    fn join(&mut self, party: PartyId, room: &str, own: &str, merge: Merge) -> Vec<Event> {
        let join = Join { room: name(room), name: name(own), merge, card: None, kind: patchbay_core::RoomKind::Open };
        self.hub.handle(self.now, party, Tag(1), Command::Join(join), &mut self.out);
        let heard = self.heard();
        let ids = heard.iter().filter_map(|event| match event {
            Event::Joined { room, .. } => Some(*room),
            _ => None,
        });
        self.rooms.extend(ids);
        heard
    }

    /// Another party enters; the window is over each time.
    fn comes(&mut self, other: usize, room: &str) -> Vec<Event> {
        self.now = self.now + Duration::from_secs(1);
        self.join(self.others[other], room, &format!("o{other}"), Merge::WINDOW)
    }

    fn signals(&mut self, other: usize) -> Vec<Event> {
        let signal = Signal { kind: SignalKind::Offer, body: Body::new(Lang(1), b"some payload") };
        let to = Address::Member { room: self.rooms[0], name: name("z") };
        self.hub.handle(self.now, self.others[other], Tag(2), Command::Signal { to, signal }, &mut self.out);
        self.heard()
    }

    /// What the listener is told.
    fn heard(&mut self) -> Vec<Event> {
        let listener = self.listener;
        let told = self.out.drain().filter_map(|effect| match effect {
            Effect::Tell(party, event) if party == listener => Some(event),
            _ => None,
        });
        told.collect()
    }
}

fn fill(queue: &mut EventQueue, events: Vec<Event>) {
    events.into_iter().for_each(|event| queue.push(event));
}

fn lines(queue: &mut EventQueue) -> Vec<String> {
    let line = |event| match event {
        Event::Joined { room_name, .. } => format!("joined {}", room_name.as_str()),
        Event::Members { room_name, list, replaceable, .. } => {
            let kind = if replaceable { "has" } else { "must have" };
            format!("{} {kind} {}", room_name.as_str(), list.names.len())
        }
        Event::MemberSignal { from, .. } => format!("signal of {}", from.as_str()),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| queue.pop()).map(line).collect()
}

#[test]
fn a_newer_list_takes_the_place_of_the_waiting_one_at_the_tail() {
    let (mut source, heard) = Source::new(Merge::WINDOW);
    let mut queue = EventQueue::new();
    fill(&mut queue, heard);
    fill(&mut queue, source.comes(0, "r"));
    fill(&mut queue, source.signals(0));
    fill(&mut queue, source.comes(1, "r"));
    // The list never overtakes an edge: not `joined`, and not the signal of somebody whom an older list named.
    assert_eq!(lines(&mut queue), ["joined r", "joined s", "s has 1", "signal of o0", "r has 3"]);
}

#[test]
fn a_list_of_another_room_stays_where_it_is() {
    let (mut source, heard) = Source::new(Merge::WINDOW);
    let mut queue = EventQueue::new();
    fill(&mut queue, heard);
    fill(&mut queue, source.comes(0, "s"));
    fill(&mut queue, source.comes(1, "r"));
    fill(&mut queue, source.comes(2, "s"));
    assert_eq!(lines(&mut queue), ["joined r", "joined s", "r has 2", "s has 3"]);
}

#[test]
fn a_list_that_may_not_be_replaced_is_kept() {
    let (mut source, heard) = Source::new(Merge::EVERY);
    let mut queue = EventQueue::new();
    fill(&mut queue, heard);
    fill(&mut queue, source.comes(0, "r"));
    fill(&mut queue, source.comes(1, "r"));
    // The joiner's own first list is a level; those it wants each are not.
    assert_eq!(lines(&mut queue), ["joined r", "r has 1", "joined s", "s has 1", "r must have 2", "r must have 3"]);
}

#[test]
fn a_list_that_was_asked_for_neither_replaces_nor_is_replaced() {
    let (mut source, heard) = Source::new(Merge::WINDOW);
    let mut queue = EventQueue::new();
    fill(&mut queue, heard);
    fill(&mut queue, source.comes(0, "r"));
    fill(&mut queue, source.comes(0, "r"));
    fill(&mut queue, source.comes(1, "r"));
    fill(&mut queue, source.comes(2, "r"));
    assert_eq!(lines(&mut queue), ["joined r", "joined s", "s has 1", "r must have 2", "r has 4"]);
}

#[test]
fn the_bytes_of_what_waits_are_counted_and_return_to_zero() {
    let (mut source, heard) = Source::new(Merge::WINDOW);
    let mut queue = EventQueue::new();
    assert_eq!((queue.bytes(), queue.len()), (0, 0));
    fill(&mut queue, heard);
    let mut last = queue.bytes();
    for other in 0..3 {
        let list = source.comes(other, "r");
        fill(&mut queue, list);
        assert!(queue.bytes() > last && queue.len() == 4, "a longer list in the place of a shorter one");
        last = queue.bytes();
    }
    let before = queue.bytes();
    let signal = source.signals(0);
    let weight: usize = signal.iter().map(Event::weight).sum();
    assert!(weight > b"some payload".len());
    fill(&mut queue, signal);
    assert_eq!(queue.bytes(), before + weight);
    let mut left = queue.bytes();
    while let Some(event) = queue.pop() {
        left -= event.weight();
        assert_eq!(queue.bytes(), left, "after {event:?}");
    }
    assert_eq!((queue.bytes(), queue.len(), queue.is_empty()), (0, 0, true));
}
