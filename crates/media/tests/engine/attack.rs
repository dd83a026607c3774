//! What strangers, and peers that mean no good, can do: nothing to anybody else.

use std::net::SocketAddr;
use std::time::Duration;

use patchbay_core::{Kinds, LegRole, LinkId, MediaEvent, MediaFault, Name, SignalKind, Topic};
use patchbay_media::Config;

use crate::join::{joined, stream};
use crate::net::Path;
use crate::world::{SERVER, World};

const STRANGER: ([u8; 4], u16) = ([10, 9, 9, 9], 666);

fn server(world: &World) -> SocketAddr {
    assert_eq!(world.workers.len(), 1);
    (SERVER, 10_000).into()
}

fn refused(world: &World, link: u64) -> Option<MediaFault> {
    world.events.iter().find_map(|event| match event {
        MediaEvent::Refused { link: of, fault } if *of == LinkId::new(link) => Some(*fault),
        _ => None,
    })
}

/// A connectivity check for `name` with a password that is wrong.
fn forged_check(name: &str) -> Vec<u8> {
    let user = format!("{name}:evil");
    let mut attributes = vec![0, 6];
    attributes.extend(u16::try_from(user.len()).expect("short").to_be_bytes());
    attributes.extend(user.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    // USE-CANDIDATE, PRIORITY, ICE-CONTROLLING, and an integrity that was guessed.
    attributes.extend([0, 0x25, 0, 0, 0, 0x24, 0, 4, 0x6e, 0, 0, 1, 0x80, 0x2a, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    attributes.extend([0, 8, 0, 20]);
    attributes.extend([9; 20]);
    let mut check = vec![0, 1];
    check.extend(u16::try_from(attributes.len()).expect("short").to_be_bytes());
    check.extend([0x21, 0x12, 0xa4, 0x42]);
    check.extend([7; 12]);
    check.extend(attributes);
    check
}

fn name_of(offer: &str) -> String {
    let line = offer.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    line.expect("a name").to_owned()
}

#[test]
fn strangers_are_heard_by_nobody() {
    let (mut world, _, video) = joined(1);
    let (to, from) = (server(&world), SocketAddr::from(STRANGER));
    let before = world.workers[0].counts();
    let hello: Vec<u8> = [&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 1][..], &[0; 49]].concat();
    let rtp: Vec<u8> = [&[0x80, 96, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4][..], &[5; 100]].concat();
    let rtcp: Vec<u8> = [&[0x80, 200, 0, 6][..], &[0; 24]].concat();
    for datagram in [&hello, &rtp, &rtcp, &forged_check("nobody"), &vec![255; 1_500], &Vec::new()] {
        (0..50).for_each(|_| world.arrive(from, to, datagram));
    }
    assert_eq!(world.workers[0].counts().strangers, before.strangers + 6 * 50);
    let came = world.peers[1].sorted(&video).len();
    stream(&mut world, 0, 55, 25);
    assert!(world.peers[1].sorted(&video).len() >= came + 48, "the stream goes on");
    assert_eq!(world.workers[0].counts().legs, 2);
}

#[test]
fn who_knows_only_the_name_of_a_leg_proves_nothing() {
    let mut world = World::new(1, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[publisher].offer(true, true);
    let role = LegRole::Receive { accept: Kinds::ALL, codecs: Config::default().codecs.into() };
    world.open(1, publisher, role, vec![Topic::new(1)], vec![]);
    world.remote(1, SignalKind::Offer, &offer);
    let (answer, _) = world.described(1, patchbay_core::DescriptionKind::Answer);
    let (to, from) = (server(&world), SocketAddr::from(STRANGER));
    let check = forged_check(&name_of(&answer));
    let hello: Vec<u8> = [&[22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50, 1][..], &[0; 49]].concat();
    for _ in 0..100 {
        world.arrive(from, to, &check);
        world.arrive(from, to, &hello);
    }
    assert_eq!(world.workers[0].counts().strangers, 200);
    world.peers[publisher].accept(&answer);
    let now = world.now;
    world.peers[publisher].tick(now);
    world.pass(Duration::from_secs(1));
    assert!(world.peers[publisher].connected.is_some(), "the genuine peer connects");
}

#[test]
fn bad_tags_and_replays_are_dropped() {
    let (mut world, _, video) = joined(1);
    let (to, from) = (server(&world), world.peers[0].address);
    for number in 0..2_000_u16 {
        let mut rtp = vec![0x80, 96];
        rtp.extend(number.to_be_bytes());
        rtp.extend([0, 0, 0, 0, 1, 2, 3, 4]);
        rtp.resize(200, 5);
        world.arrive(from, to, &rtp);
    }
    world.keep = true;
    stream(&mut world, 0, 55, 25);
    let before = world.peers[1].sorted(&video).len();
    for bytes in std::mem::take(&mut world.kept) {
        world.arrive(from, to, &bytes);
    }
    world.pass(Duration::from_millis(500));
    assert_eq!(world.peers[1].sorted(&video).len(), before, "nothing is forwarded twice");
    stream(&mut world, 0, 80, 25);
    assert!(world.peers[1].sorted(&video).len() >= before + 48);
    assert_eq!(world.workers[0].counts().panics, 0);
}

#[test]
fn absurd_descriptions_are_refused_and_end_their_leg_alone() {
    let (mut world, ..) = joined(1);
    let peer = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[peer].offer(true, true);
    let candidates = "a=candidate:1 1 udp 2130706431 10.0.0.9 1 typ host\r\n".repeat(10_000);
    let absurd = [
        "garbage".to_owned(),
        String::new(),
        "v=0\r\n".to_owned(),
        offer.replace("a=rtpmap:111", "a=rtpmap:200"),
        offer.replace("m=audio", &format!("{candidates}m=audio")),
        offer.replace("a=mid:", "a=mud:"),
        offer.replace("a=fingerprint:", "a=fingerprunt:"),
        offer.replace("a=ice-ufrag:", "a=ice-xfrag:"),
        offer.replace("sha-256 ", "sha-256 zz:"),
        offer
            .replace("opus/48000", "opuz/48000")
            .replace("VP8", "VP7")
            .replace("H26", "X26")
            .replace("VP9", "VP7")
            .replace("AV1", "AV0")
            .replace("PCM", "XCM")
            .replace("G722", "G723"),
        "a=".repeat(300_000),
        format!("v=0\r\n{}", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n".repeat(1_000)),
    ];
    for (number, sdp) in absurd.iter().enumerate() {
        let link = 100 + number as u64;
        let role = LegRole::Receive { accept: Kinds::ALL, codecs: Config::default().codecs.into() };
        world.open(link, peer, role, vec![], vec![]);
        world.remote(link, SignalKind::Offer, sdp);
        assert_eq!(refused(&world, link), Some(MediaFault::Description), "{number}: {:.80}", sdp);
        let role = LegRole::Send { tracks: vec![], may_grow: true, label: Name::parse("s").ok(), narrow: false };
        world.open(link + 100, peer, role, vec![], vec![]);
        world.remote(link + 100, SignalKind::Answer, sdp);
        assert_eq!(refused(&world, link + 100), Some(MediaFault::Description), "answer {number}: {:.80}", sdp);
    }
    assert_eq!((world.workers[0].counts().legs, world.workers[0].counts().panics), (2, 0));
    stream(&mut world, 0, 55, 5);
}

#[test]
fn who_never_answers_is_given_up() {
    let (mut world, ..) = joined(1);
    let role = LegRole::Send { tracks: vec![], may_grow: false, label: Name::parse("s").ok(), narrow: false };
    world.open(9, 1, role, vec![], vec![]);
    let heard =
        |world: &World| world.has(|event| matches!(event, MediaEvent::Lost { link } if *link == LinkId::new(9)));
    stream(&mut world, 0, 55, 725);
    assert!(!heard(&world));
    stream(&mut world, 0, 780, 50);
    assert!(heard(&world));
    assert_eq!(world.workers[0].counts().legs, 2);
}

#[test]
fn a_viewer_that_takes_no_data_loses_its_channel_and_nobody_else_a_message() {
    let (mut world, ..) = joined(1);
    let other = world.peer(Path::GOOD, Path::GOOD);
    let track = world.track.clone().expect("it was published");
    world.view(3, other, vec![track]);
    stream(&mut world, 0, 55, 25);
    world.paths[1].1.loss = 100;
    let messages = 400;
    for number in 0..messages {
        let now = world.now;
        let mut message = vec![b'x'; 10_000];
        message[..4].copy_from_slice(&u32::to_be_bytes(number));
        world.peers[0].say(true, &message, now);
        world.pass(Duration::from_millis(20));
    }
    world.pass(Duration::from_secs(1));
    let heard: Vec<u32> = world.peers[other]
        .said
        .iter()
        .map(|(_, said)| u32::from_be_bytes([said[0], said[1], said[2], said[3]]))
        .collect();
    assert_eq!(heard, (0..messages).collect::<Vec<_>>(), "in order and complete");
    assert!(world.peers[1].said.len() < 200);
    assert_eq!(world.workers[0].counts().panics, 0);
}
