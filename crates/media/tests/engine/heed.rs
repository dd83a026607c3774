//! What peers say on data channels that their parties heed.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{LinkId, MediaEvent, MediaOp, Name};
use str0m::channel::{ChannelConfig, ChannelId};

use crate::join::stream;
use crate::net::Path;
use crate::world::World;

/// What one viewer may say at once, and in a second (`leg/heed.rs`).
const BURST: usize = 100;
const PER_SECOND: usize = 20;
const LARGEST: usize = 16 * 1024;

/// A publisher and a viewer whose party heeds `commands`, as peers 0 and 1 on legs 1 and 2; the viewer's topics are said and
/// heard by the publisher. The viewer has the channel open, besides the one that it was offered.
fn heeded(workers: usize) -> (World, ChannelId) {
    let mut world = World::new(workers, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 5);
    world.heeds = vec![name("commands")];
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    world.view(2, viewer, vec![track]);
    world.pass(Duration::from_millis(500));
    let channel = open(&mut world, "commands");
    (world, channel)
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// The viewer opens a channel of that name.
fn open(world: &mut World, label: &str) -> ChannelId {
    let config = ChannelConfig { label: label.to_owned(), ..ChannelConfig::default() };
    let now = world.now;
    let id = world.peers[1].rtc.direct_api().create_data_channel(config);
    world.peers[1].tick(now);
    world.pass(Duration::from_millis(300));
    id
}

/// The viewer says something.
fn say(world: &mut World, channel: ChannelId, binary: bool, bytes: &[u8]) {
    let now = world.now;
    let peer = &mut world.peers[1];
    assert!(peer.rtc.channel(channel).expect("the channel").write(binary, bytes).expect("it is written"));
    peer.tick(now);
}

/// What the viewer's party is told, in short.
fn told(world: &World) -> Vec<String> {
    let short = |event: &MediaEvent| match event {
        MediaEvent::Channel { link, channel, open } if *link == LinkId::new(2) => {
            Some(format!("{}{}", if *open { '+' } else { '-' }, channel.as_str()))
        }
        MediaEvent::Heard { link, channel, binary, bytes } if *link == LinkId::new(2) => {
            Some(format!("{} {binary} {}", channel.as_str(), String::from_utf8_lossy(bytes)))
        }
        _ => None,
    };
    world.events.iter().filter_map(short).collect()
}

fn tell(world: &mut World, channel: Option<&str>, text: &[u8]) {
    let op = MediaOp::Say { link: LinkId::new(2), channel: channel.map(name), binary: false, bytes: Arc::from(text) };
    world.op(op);
}

#[test]
fn what_is_said_on_a_heeded_channel_is_the_partys_alone() {
    for workers in [1, 2] {
        let (mut world, commands) = heeded(workers);
        assert_eq!(told(&world), ["+commands"], "the channel that was offered is not heeded");
        say(&mut world, commands, false, b"one");
        say(&mut world, commands, true, b"two");
        let offered = world.peers[1].channels.iter().find(|(_, name)| name == "s").expect("it is open").0;
        say(&mut world, offered, false, b"to the publisher");
        world.pass(Duration::from_millis(300));
        assert_eq!(told(&world), ["+commands", "commands false one", "commands true two"]);
        assert_eq!(world.peers[0].said, [(false, b"to the publisher".to_vec())], "topics are as ever");
    }
}

#[test]
fn a_party_speaks_on_the_channel_that_it_names() {
    let (mut world, commands) = heeded(1);
    tell(&mut world, Some("commands"), b"stop");
    tell(&mut world, None, b"whatever");
    tell(&mut world, Some("nowhere"), b"lost");
    world.pass(Duration::from_millis(300));
    let (said, on) = (&world.peers[1].said, &world.peers[1].said_on);
    let at = |text: &[u8]| said.iter().position(|(_, said)| said == text).map(|at| on[at]);
    assert_eq!(said.len(), 2, "what has no channel is dropped");
    assert_eq!(at(b"stop"), Some(commands));
    assert!(at(b"whatever").is_some_and(|channel| channel != commands), "what names none is not for the heeded one");
    // Whoever speaks to all of a stream does not disturb it, either.
    let now = world.now;
    world.peers[0].say(false, b"to viewers", now);
    world.pass(Duration::from_millis(300));
    assert!(world.peers[1].said_on.last().is_some_and(|channel| *channel != commands));
}

#[test]
fn the_end_of_a_channel_is_told_and_what_is_for_it_is_dropped() {
    let (mut world, first) = heeded(1);
    let second = open(&mut world, "commands");
    let close = |world: &mut World, channel| {
        let now = world.now;
        world.peers[1].rtc.direct_api().close_data_channel(channel);
        world.peers[1].tick(now);
        world.pass(Duration::from_millis(300));
    };
    close(&mut world, first);
    assert_eq!(told(&world), ["+commands"], "another of its name is open");
    tell(&mut world, Some("commands"), b"still");
    world.pass(Duration::from_millis(300));
    assert_eq!((&world.peers[1].said[0].1[..], world.peers[1].said_on[0]), (&b"still"[..], second));
    close(&mut world, second);
    assert_eq!(told(&world), ["+commands", "-commands"]);
    tell(&mut world, Some("commands"), b"gone");
    open(&mut world, "commands");
    assert_eq!(told(&world), ["+commands", "-commands", "+commands"]);
    assert_eq!(world.peers[1].said.len(), 1, "a message of before is not for it");
}

#[test]
fn who_says_more_than_is_heard_loses_the_channel_and_nothing_else() {
    let (mut world, commands) = heeded(1);
    for number in 0..BURST + 50 {
        say(&mut world, commands, false, number.to_string().as_bytes());
    }
    world.pass(Duration::from_secs(1));
    let heard = told(&world);
    let count = heard.iter().filter(|line| line.starts_with("commands ")).count();
    assert!((BURST..BURST + PER_SECOND).contains(&count), "{count}");
    assert!(heard[1..=count].iter().enumerate().all(|(number, line)| *line == format!("commands false {number}")));
    assert_eq!(heard[count + 1..], ["-commands"], "and what was behind is not heard as something else's");
    assert!(world.peers[0].said.is_empty());
    stream(&mut world, 0, 60, 25);
    assert!(!world.has(|event| matches!(event, MediaEvent::Lost { .. })));
    let offered = world.peers[1].channels.iter().find(|(_, name)| name == "s").expect("it is open").0;
    say(&mut world, offered, false, b"on");
    world.pass(Duration::from_millis(300));
    assert_eq!(world.peers[0].said, [(false, b"on".to_vec())]);
}

#[test]
fn a_message_that_is_too_large_is_not_heard() {
    let (mut world, commands) = heeded(1);
    say(&mut world, commands, false, &vec![b'x'; LARGEST]);
    world.pass(Duration::from_millis(500));
    assert_eq!(told(&world).len(), 2);
    say(&mut world, commands, false, &vec![b'x'; LARGEST + 1]);
    world.pass(Duration::from_millis(500));
    assert_eq!(told(&world)[2..], ["-commands"]);
}
