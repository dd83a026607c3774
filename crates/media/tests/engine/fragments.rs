//! Views as fragments of MP4 on a data channel: whole, in order, and nobody's burden but their own.

use std::time::Duration;

use patchbay_core::{
    Codec, DescriptionKind, LegRole, LinkId, MediaEvent, MediaFault, MediaOp, Name, SignalKind, Track,
};
use str0m::change::SdpAnswer;
use str0m::channel::ChannelConfig;
use str0m::format::Codec as Format;
use str0m::rtp::RtpWrite;

use crate::net::Path;
use crate::peer::FRAME;
use crate::world::World;

/// Baseline, 320 × 240, and its picture parameters.
const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xe4];
const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
const MESSAGE: usize = 15_000;

/// A camera of H.264.
struct Camera {
    peer: usize,
    track: Track,
    seq: u64,
    frame: u64,
    asked: usize,
}

impl Camera {
    fn new(world: &mut World, link: u64, path: Path) -> Self {
        let peer = world
            .peer_with(path, Path::GOOD, |builder| builder.clear_codecs().enable_opus(true, false).enable_h264(true));
        let track = world.publish(link, peer, false, true);
        assert!(matches!(track.video, Some(Codec::H264 { .. })), "{track:?}");
        world.pass(Duration::from_millis(500));
        Self { peer, track, seq: 100, frame: 0, asked: 0 }
    }

    /// So many pictures of so many bytes each; a key frame first and whenever one is asked for.
    fn films(&mut self, world: &mut World, frames: u64, bytes: usize) {
        for _ in 0..frames {
            let asked = world.peers[self.peer].asked.len();
            let key = self.frame == 0 || asked > self.asked;
            self.asked = asked;
            self.picture(world, key, bytes);
            world.pass(FRAME);
        }
    }

    fn picture(&mut self, world: &mut World, key: bool, bytes: usize) {
        let time = u32::try_from(self.frame * 3_600).expect("short");
        let mut unit = vec![if key { 0x65 } else { 0x41 }, 0x88];
        unit.extend(self.frame.to_be_bytes());
        unit.resize(bytes, 0x5a);
        let mut packets = Vec::new();
        if key {
            let sets = [SPS, PPS].map(|set| [&(set.len() as u16).to_be_bytes()[..], set].concat()).concat();
            packets.push([&[0x78][..], &sets].concat());
        }
        let last = (unit.len() - 2) / 1_100;
        for (at, part) in unit[1..].chunks(1_100).enumerate() {
            let fu = unit[0] & 0x1f | if at == 0 { 0x80 } else { 0 } | if at == last { 0x40 } else { 0 };
            packets.push([&[unit[0] & 0xe0 | 28, fu], part].concat());
        }
        let now = world.now;
        let peer = &mut world.peers[self.peer];
        let params =
            peer.rtc.codec_config().params().iter().find(|params| {
                params.spec().codec == Format::H264 && params.spec().format.packetization_mode == Some(1)
            });
        let pt = params.expect("H.264 is on").pt();
        let mid = peer.mids[0].0;
        let end = packets.len() - 1;
        for (at, payload) in packets.into_iter().enumerate() {
            let write = RtpWrite::new(pt, self.seq.into(), time, now, payload).marker(at == end).nackable(true);
            peer.rtc.direct_api().stream_tx_by_mid(mid, None).expect("a stream").write_rtp(write);
            self.seq += 1;
            peer.tick(now);
        }
        self.frame += 1;
    }
}

/// What came on the channel, taken apart.
#[derive(Debug, Default)]
struct Shown {
    inits: usize,
    /// Whether a picture is a key frame, its number, where it begins and how long it stands.
    pictures: Vec<(bool, u64, u64, u64)>,
}

fn shown(said: &[(bool, Vec<u8>)]) -> Shown {
    assert!(said.iter().all(|(binary, message)| *binary && !message.is_empty() && message.len() <= MESSAGE));
    let bytes: Vec<u8> = said.iter().flat_map(|(_, message)| message.clone()).collect();
    let (mut rest, mut shown, mut video, mut moof, mut open) =
        (&bytes[..], Shown::default(), Vec::new(), vec![], false);
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let Some((payload, behind)) = behind.split_at_checked(length) else { break };
        rest = behind;
        match head[0] {
            0xfa => {
                assert!(!open && payload.starts_with(&[0xf1, 0x42, 0xc0, 0x1e]));
                shown.inits += 1;
            }
            0xf9 => {
                assert!(shown.inits > 0 && !open && payload.is_empty(), "what the stream is comes first");
                (video, moof, open) = (Vec::new(), Vec::new(), true);
            }
            0xfc => video.extend_from_slice(payload),
            0xfb => moof.extend_from_slice(payload),
            0xfe => assert_eq!(payload[..4], (video.len() as u32 + 8).to_be_bytes()),
            0xff => {
                assert!(std::mem::take(&mut open) && payload.is_empty());
                shown.pictures.push(picture(&moof, &video));
            }
            kind => panic!("a record of type {kind:#x}"),
        }
    }
    shown
}

fn picture(moof: &[u8], video: &[u8]) -> (bool, u64, u64, u64) {
    let after = |name: &[u8], skip: usize| {
        let at = moof.windows(4).position(|window| window == name).expect("the box") + 4 + skip;
        &moof[at..]
    };
    let tfdt = after(b"tfdt", 0);
    let start = match tfdt[0] {
        0 => u64::from(u32::from_be_bytes(tfdt[4..8].try_into().expect("four"))),
        _ => u64::from_be_bytes(tfdt[4..12].try_into().expect("eight")),
    };
    // Version and flags, count, offset, what the first sample is; then that sample.
    let length = u64::from(u32::from_be_bytes(after(b"trun", 16)[..4].try_into().expect("four")));
    let mut units = Vec::new();
    let mut rest = video;
    while let Some((size, behind)) = rest.split_first_chunk::<4>() {
        let (unit, behind) = behind.split_at(u32::from_be_bytes(*size) as usize);
        units.push(unit);
        rest = behind;
    }
    let last = units.last().expect("a picture has units");
    let key = last[0] == 0x65;
    if key {
        assert_eq!(units[..2], [SPS, PPS], "a key frame has its parameters before it");
    }
    (key, u64::from_be_bytes(last[2..10].try_into().expect("a number")), start, length)
}

impl Shown {
    /// A key frame first and after every gap; spans without gaps.
    fn is_sound(&self) {
        assert_eq!(self.inits, 1);
        assert!(self.pictures[0].0, "{:?}", self.pictures[0]);
        for pair in self.pictures.windows(2) {
            let ((_, before, start, length), (key, number, next, _)) = (pair[0], pair[1]);
            assert_eq!(start + length, next, "{pair:?}");
            assert!(number == before + 1 || key && number > before, "{pair:?}");
        }
    }
}

fn role(tracks: Vec<Track>, answers: bool) -> LegRole {
    LegRole::Fragments { tracks, label: Name::parse("streams").expect("a name"), answers }
}

/// A viewer of that camera, connected.
fn viewer(world: &mut World, link: u64, camera: &Camera, path: Path) -> usize {
    let peer = world.peer(Path::GOOD, path);
    world.open(link, peer, role(vec![camera.track.clone()], false), vec![], vec![]);
    let sections = world.negotiate(link, peer);
    assert!(matches!(sections.as_slice(), [section] if section.kind.is_none()), "data alone: {sections:?}");
    world.pass(Duration::from_millis(500));
    peer
}

#[test]
fn a_viewer_is_sent_every_picture_from_a_key_frame_on() {
    for workers in [1, 2] {
        let mut world = World::new(workers, 1);
        let mut camera = Camera::new(&mut world, 1, Path::GOOD);
        camera.films(&mut world, 10, 3_000);
        let peer = viewer(&mut world, 2, &camera, Path::GOOD);
        assert!(world.flows(2), "{:?}", world.events);
        camera.films(&mut world, 100, 20_000);
        world.pass(Duration::from_millis(500));
        let shown = shown(&world.peers[peer].said);
        shown.is_sound();
        assert!(shown.pictures.len() >= 95, "{} pictures", shown.pictures.len());
        let (_, first, start, _) = shown.pictures[0];
        let (_, last, end, _) = *shown.pictures.last().expect("some");
        assert_eq!((last - first + 1, start), (shown.pictures.len() as u64, 0), "none is left out");
        assert!(end.abs_diff((last - first) * 3_600) <= 3_600, "at the source's pace: {end}");
        assert!(camera.asked <= 2, "few key frames are asked for");
    }
}

#[test]
fn what_the_publisher_s_network_loses_is_mended_or_skipped() {
    let mut world = World::new(1, 3);
    let mut camera = Camera::new(&mut world, 1, Path::lossy(3));
    let peer = viewer(&mut world, 2, &camera, Path::lossy(2));
    camera.films(&mut world, 300, 12_000);
    world.pass(Duration::from_secs(2));
    let shown = shown(&world.peers[peer].said);
    shown.is_sound();
    assert!(shown.pictures.len() > 250, "{} pictures", shown.pictures.len());
}

#[test]
fn a_slow_viewer_loses_pictures_and_nobody_else_does() {
    let mut world = World::new(1, 1);
    let mut camera = Camera::new(&mut world, 1, Path::GOOD);
    camera.films(&mut world, 2, 3_000);
    let fast = viewer(&mut world, 2, &camera, Path::GOOD);
    let slow = viewer(&mut world, 3, &camera, Path { rate: Some(1_000_000), ..Path::GOOD });
    // Four megabits a second.
    camera.films(&mut world, 250, 20_000);
    world.pass(Duration::from_secs(1));
    let all = shown(&world.peers[fast].said);
    all.is_sound();
    assert!(all.pictures.len() >= 240, "{} pictures", all.pictures.len());
    let few = shown(&world.peers[slow].said);
    few.is_sound();
    let count = few.pictures.len();
    assert!((15..120).contains(&count), "{count} pictures");
    let late = 252 - few.pictures.last().expect("some").1;
    assert!(late < 150, "what it is shown is not much behind: {late} pictures");
    // Afterwards it has enough for what is sent.
    camera.films(&mut world, 200, 1_000);
    let again = shown(&world.peers[slow].said);
    again.is_sound();
    assert!(again.pictures.len() > count + 100, "{} pictures", again.pictures.len() - count);
}

/// 4 MB/s (ers.md case P4).
#[test]
fn large_pictures_come_whole() {
    let mut world = World::new(1, 1);
    let mut camera = Camera::new(&mut world, 1, Path::GOOD);
    let peer = viewer(&mut world, 2, &camera, Path::GOOD);
    camera.films(&mut world, 50, 160_000);
    world.pass(Duration::from_secs(1));
    let shown = shown(&world.peers[peer].said);
    shown.is_sound();
    assert!(shown.pictures.len() >= 45, "{} pictures", shown.pictures.len());
}

#[test]
fn a_peer_that_offers_data_is_answered_and_sent_the_same() {
    let mut world = World::new(1, 1);
    let mut camera = Camera::new(&mut world, 1, Path::GOOD);
    camera.films(&mut world, 2, 3_000);
    let peer = world.peer(Path::GOOD, Path::GOOD);
    let mut api = world.peers[peer].rtc.sdp_api();
    api.add_channel("commands".to_owned());
    let (offer, pending) = api.apply().expect("an offer");
    world.open(2, peer, role(vec![camera.track.clone()], true), vec![], vec![]);
    world.remote(2, SignalKind::Offer, &offer.to_sdp_string());
    let (answer, _) = world.described(2, DescriptionKind::Answer);
    assert!(answer.contains("a=setup:active"), "{answer}");
    let answer = SdpAnswer::from_sdp_string(&answer).expect("an answer");
    world.peers[peer].rtc.sdp_api().accept_answer(pending, answer).expect("it fits");
    let now = world.now;
    world.peers[peer].tick(now);
    world.pass(Duration::from_millis(500));
    camera.films(&mut world, 50, 3_000);
    let shown = shown(&world.peers[peer].said);
    shown.is_sound();
    assert!(shown.pictures.len() >= 45, "{} pictures", shown.pictures.len());
}

#[test]
fn what_cannot_be_sent_so_is_refused_at_once() {
    let mut world = World::new(1, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    assert_eq!(track.video, Some(Codec::Vp8));
    let peer = world.peer(Path::GOOD, Path::GOOD);
    let faulty = |world: &World, of: u64| {
        world.has(|event| {
            matches!(event, MediaEvent::Refused { link, fault: MediaFault::Description } if *link == LinkId::new(of))
        })
    };
    world.open(2, peer, role(vec![track.clone()], false), vec![], vec![]);
    assert!(faulty(&world, 2));
    world.open(3, peer, role(vec![], false), vec![], vec![]);
    assert!(faulty(&world, 3));
    // One that another takes the place of.
    let camera = Camera::new(&mut world, 4, Path::GOOD);
    viewer(&mut world, 5, &camera, Path::GOOD);
    world.op(MediaOp::Tracks { link: LinkId::new(5), tracks: vec![] });
    assert!(!faulty(&world, 5), "another may come");
    world.op(MediaOp::Tracks { link: LinkId::new(5), tracks: vec![track] });
    assert!(faulty(&world, 5));
}

/// The stream goes on where it ended, from a key frame on.
#[test]
fn a_publisher_that_comes_back_is_seen_again() {
    let mut world = World::new(2, 1);
    let mut camera = Camera::new(&mut world, 1, Path::GOOD);
    camera.films(&mut world, 2, 3_000);
    let peer = viewer(&mut world, 2, &camera, Path::GOOD);
    camera.films(&mut world, 20, 3_000);
    world.op(MediaOp::Close { link: LinkId::new(1) });
    let mut again = Camera::new(&mut world, 3, Path::GOOD);
    again.frame = 1_000;
    let track = Track { heir_of: Some(LinkId::new(1)), ..again.track.clone() };
    world.op(MediaOp::Tracks { link: LinkId::new(2), tracks: vec![track] });
    again.picture(&mut world, true, 3_000);
    again.films(&mut world, 20, 3_000);
    let shown = shown(&world.peers[peer].said);
    shown.is_sound();
    let before = shown.pictures.iter().filter(|(_, number, _, _)| *number < 1_000).count();
    let after = shown.pictures.len() - before;
    assert!(before >= 15 && after >= 15, "{before} and {after}");
}

#[test]
fn what_is_switched_off_comes_back_with_a_key_frame() {
    let mut world = World::new(1, 1);
    let mut camera = Camera::new(&mut world, 1, Path::GOOD);
    let peer = viewer(&mut world, 2, &camera, Path::GOOD);
    camera.films(&mut world, 20, 3_000);
    let (link, source) = (LinkId::new(2), LinkId::new(1));
    let gate = |world: &mut World, video| {
        let pass = patchbay_core::Kinds { audio: true, video };
        world.op(MediaOp::Gate { link, source, pass });
    };
    gate(&mut world, false);
    camera.films(&mut world, 20, 3_000);
    let count = shown(&world.peers[peer].said).pictures.len();
    assert!(count <= 20);
    gate(&mut world, true);
    camera.films(&mut world, 20, 3_000);
    let shown = shown(&world.peers[peer].said);
    shown.is_sound();
    assert!(shown.pictures.len() >= count + 15, "{} pictures", shown.pictures.len());
}

/// It would be taken for a record, or wait for ever and shut what the party speaks on.
#[test]
fn what_is_said_to_everybody_has_no_place_among_fragments() {
    let mut world = World::new(1, 1);
    let mut camera = Camera::new(&mut world, 1, Path::GOOD);
    let name = |text| Name::parse(text).expect("a name");
    world.heeds = vec![name("commands")];
    let peer = viewer(&mut world, 2, &camera, Path::GOOD);
    let config = ChannelConfig { label: "commands".to_owned(), ..ChannelConfig::default() };
    let commands = world.peers[peer].rtc.direct_api().create_data_channel(config);
    let now = world.now;
    world.peers[peer].tick(now);
    camera.films(&mut world, 10, 2_000);
    // More than wait for a slow peer.
    for _ in 0..1_100 {
        let bytes = b"to everybody".as_slice().into();
        world.op(MediaOp::Say { link: LinkId::new(2), channel: None, binary: false, bytes });
    }
    let bytes = b"to you".as_slice().into();
    world.op(MediaOp::Say { link: LinkId::new(2), channel: Some(name("commands")), binary: false, bytes });
    camera.films(&mut world, 10, 2_000);
    let (said, on) = (&world.peers[peer].said, &world.peers[peer].said_on);
    let (spoken, records): (Vec<_>, Vec<_>) = said.iter().cloned().zip(on).partition(|(_, on)| **on == commands);
    assert_eq!(spoken, [((false, b"to you".to_vec()), &commands)]);
    let records: Vec<_> = records.into_iter().map(|(record, _)| record).collect();
    let shown = shown(&records);
    shown.is_sound();
    assert!(shown.pictures.len() >= 15, "{}", shown.pictures.len());
}
