//! From where a telephone is heard, and where it is sent to.

use std::net::SocketAddr;
use std::time::Duration;

use patchbay_core::Srtp;
use patchbay_media::Config;

use super::*;

fn call(config: Config) -> (World, Phone) {
    let mut world = World::with(1, 1, config);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, false, Srtp::Off);
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS)]));
    let audio = Phone::new(4_000, &offer, 0);
    world.pass(Duration::from_millis(500));
    (world, audio)
}

fn elsewhere(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 3, 0, 9], port))
}

fn heard(world: &World) -> Vec<Vec<u8>> {
    world.peers[0].got.values().flatten().map(|got| got.payload.clone()).collect()
}

#[test]
fn the_place_that_was_told_goes_first_and_is_locked() {
    let (mut world, mut audio) = call(Config::default());
    audio.say(&mut world, 96, false, 960, b"told");
    let foreign = audio.packet(96, false, 960, b"foreign");
    world.arrive(elsewhere(1), audio.server, &foreign);
    world.pass(Duration::from_millis(100));
    assert_eq!(heard(&world), [b"told".to_vec()]);
    assert_eq!(world.workers[0].counts().strangers, 1);
}

#[test]
fn a_telephone_behind_a_translation_is_heard_and_answered_there() {
    let (mut world, mut audio) = call(Config::default());
    audio.address = elsewhere(7);
    converse(&mut world, &mut audio, None, 0, 20);
    assert!(heard(&world).len() >= 18);
    assert!(audio.passed(&world, &[96]).len() >= 18, "it is sent where it really is");
    let foreign = audio.packet(96, false, 960, b"foreign");
    world.arrive(elsewhere(8), audio.server, &foreign);
    world.pass(Duration::from_millis(100));
    assert!(!heard(&world).contains(&b"foreign".to_vec()), "the first one is locked");
}

#[test]
fn strictly_nobody_else_is_heard() {
    let (mut world, mut audio) = call(Config { strict_source: true, ..Config::default() });
    let foreign = audio.packet(96, false, 960, b"foreign");
    world.arrive(elsewhere(1), audio.server, &foreign);
    audio.say(&mut world, 96, false, 960, b"told");
    world.pass(Duration::from_millis(100));
    assert_eq!((heard(&world), world.workers[0].counts().strangers), (vec![b"told".to_vec()], 1));
}

#[test]
fn the_way_is_opened_and_kept_open() {
    let (mut world, audio) = call(Config::default());
    let openers = audio.heard(&world);
    assert_eq!(openers.len(), 3, "{openers:?}");
    assert!(openers.iter().all(|one| one.pt == 127 && one.payload.len() == 1));
    let numbers: Vec<_> = openers.iter().map(|one| (u64::from(one.seq), one.time)).collect();
    assert!(steady(&numbers), "{numbers:?}");
    world.pass(Duration::from_secs(31));
    assert_eq!(audio.heard(&world).len(), 5, "each 15 s");
    let (now, sound) = (world.now, mid(&world, 0, MediaKind::Audio));
    world.peers[0].write_as(&sound, 111, 700, 9_600, now, b"first");
    world.pass(Duration::from_millis(100));
    let all = audio.heard(&world);
    let last = all.last().expect("something came");
    assert_eq!((last.pt, last.payload.as_slice()), (96, &b"first"[..]));
    let numbers: Vec<_> = all.iter().map(|one| (u64::from(one.seq), one.time)).collect();
    assert!(steady(&numbers) && all.iter().all(|one| one.ssrc == last.ssrc), "it is one stream: {numbers:?}");
    let mut audio = audio;
    converse(&mut world, &mut audio, None, 300, 1_000);
    assert_eq!(audio.passed(&world, &[127]).len(), 5, "what is used is open");
}

#[test]
fn what_comes_too_early_or_to_nobody_is_counted() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, false, Srtp::Off);
    let mut audio = Phone::new(4_000, &offer, 0);
    audio.say(&mut world, 96, false, 960, b"early");
    assert_eq!(world.workers[0].counts().strangers, 1);
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS)]));
    world.pass(Duration::from_millis(500));
    for junk in [&b""[..], b"x", &[0x80; 11], &[0x40; 40], &[0xff; 12]] {
        world.arrive(audio.address, audio.server, junk);
    }
    assert_eq!(world.workers[0].counts().strangers, 6);
    assert!(heard(&world).is_empty() && !world.flows(PHONE));
    audio.say(&mut world, 96, false, 960, b"now");
    world.pass(Duration::from_millis(100));
    assert_eq!(heard(&world), [b"now".to_vec()]);
}
