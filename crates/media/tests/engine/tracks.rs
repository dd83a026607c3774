//! Tracks that come, go, and are switched; and a publisher that changes its network.

use std::time::Duration;

use patchbay_core::{DescriptionKind, Kind, Kinds, LinkId, MediaEvent, MediaOp, SignalKind, Track};
use str0m::media::MediaKind;

use crate::net::Path;
use crate::peer::vp8;
use crate::world::World;

const NO_VIDEO: Kinds = Kinds { audio: true, video: false };

/// Two cameras and a viewer.
struct Scene {
    world: World,
    tracks: Vec<Track>,
    frames: u64,
    answered: [usize; 2],
}

impl Scene {
    fn new(workers: usize) -> Self {
        let mut world = World::new(workers, 5);
        for _ in 0..3 {
            world.peer(Path::GOOD, Path::GOOD);
        }
        let tracks = (0..2).map(|peer| world.publish(1 + peer as u64, peer, true, true)).collect();
        let mut scene = Self { world, tracks, frames: 0, answered: [0; 2] };
        scene.pass(1_000);
        scene
    }

    /// Both cameras send for so many milliseconds.
    fn pass(&mut self, millis: u64) {
        for _ in 0..millis / 40 {
            for peer in 0..2 {
                if self.world.peers[peer].connected.is_none() {
                    continue;
                }
                let asked = self.world.peers[peer].asked.len();
                let key = self.frames < 10 || asked > self.answered[peer];
                self.answered[peer] = asked;
                let (now, time) = (self.world.now, u32::try_from(self.frames * 3_600).expect("short"));
                let mut payload = vp8(key, true, 640, 360, u16::try_from(self.frames).expect("short"), 500);
                payload[20] = u8::try_from(peer).expect("two");
                let sender = &mut self.world.peers[peer];
                sender.write(MediaKind::Video, 100 + self.frames, time, now, true, &payload);
                sender.write(MediaKind::Audio, 100 + self.frames, time, now, false, &[peer as u8; 60]);
            }
            self.frames += 1;
            self.world.pass(Duration::from_millis(40));
        }
    }

    /// Packets that have come in a section.
    fn came(&self, mid: &str) -> usize {
        self.world.peers[2].got.get(mid).map_or(0, Vec::len)
    }

    /// How many more come within a second.
    fn rate(&mut self, mid: &str) -> usize {
        let before = self.came(mid);
        self.pass(1_000);
        self.came(mid) - before
    }
}

#[test]
fn a_track_comes_and_goes_by_new_offers() {
    for workers in [1, 3] {
        let mut scene = Scene::new(workers);
        let first = scene.world.view(9, 2, vec![scene.tracks[0].clone()]);
        scene.pass(1_000);
        let both = scene.tracks.clone();
        scene.world.op(MediaOp::Tracks { link: LinkId::new(9), tracks: both });
        let second = scene.world.negotiate(9, 2);
        assert_eq!(second.len(), first.len() + 2, "one section for each kind");
        assert_eq!(second[..first.len()], first[..], "the others keep their places");
        let mid = |source: u64, kind| {
            let found = second.iter().find(|one| one.source == Some(LinkId::new(source)) && one.kind == Some(kind));
            found.expect("a section").mid.clone()
        };
        let (one, two) = (mid(1, Kind::Video), mid(2, Kind::Video));
        scene.pass(1_000);
        assert!(scene.rate(&one) >= 24 && scene.rate(&two) >= 24);
        let of = |mid: &str, peer: u8| scene.world.peers[2].got[mid].iter().all(|got| got.payload[20] == peer);
        assert!(of(&one, 0) && of(&two, 1), "each section has its own source");
        let rest = vec![scene.tracks[1].clone()];
        scene.world.op(MediaOp::Tracks { link: LinkId::new(9), tracks: rest });
        let third = scene.world.negotiate(9, 2);
        assert_eq!(third.len(), second.len());
        assert!(third.iter().all(|section| section.source != Some(LinkId::new(1))));
        scene.pass(500);
        assert_eq!(scene.rate(&one), 0);
        assert!(scene.rate(&two) >= 24);
    }
}

#[test]
fn tracks_that_change_while_an_offer_is_in_flight_are_offered_next() {
    let mut scene = Scene::new(1);
    scene.world.view(9, 2, vec![scene.tracks[0].clone()]);
    scene.pass(500);
    let both = scene.tracks.clone();
    scene.world.op(MediaOp::Tracks { link: LinkId::new(9), tracks: both.clone() });
    let (offer, _) = scene.world.described(9, DescriptionKind::Offer);
    for tracks in [vec![both[0].clone()], vec![], vec![both[1].clone()]] {
        scene.world.op(MediaOp::Tracks { link: LinkId::new(9), tracks });
    }
    let offers = scene.world.events.iter().filter(|event| matches!(event, MediaEvent::Local { .. }));
    assert_eq!(offers.count(), 0, "one at a time");
    let answer = scene.world.peers[2].answer(&offer);
    scene.world.remote(9, SignalKind::Answer, &answer);
    let sections = scene.world.negotiate(9, 2);
    let sources: Vec<_> = sections.iter().filter_map(|section| section.source).collect();
    assert_eq!(sources, [LinkId::new(2); 2], "the newest list counts");
    let video = sections.iter().find(|one| one.source.is_some() && one.kind == Some(Kind::Video)).expect("a section");
    scene.pass(500);
    assert!(scene.rate(&video.mid.clone()) >= 24);
}

#[test]
fn what_is_switched_on_again_begins_with_a_key_frame() {
    let mut scene = Scene::new(1);
    let (link, source) = (LinkId::new(9), LinkId::new(1));
    let sections = scene.world.view(9, 2, vec![scene.tracks[0].clone()]);
    let mid = |kind| sections.iter().find(|section| section.kind == Some(kind)).expect("a section").mid.clone();
    let (video, audio) = (mid(Kind::Video), mid(Kind::Audio));
    scene.pass(1_000);
    let gate = |pass| MediaOp::Gate { link, source, pass };
    let mute = |pass| MediaOp::Mute { source, pass };
    for (off, on) in [(gate(NO_VIDEO), gate(Kinds::ALL)), (mute(NO_VIDEO), mute(Kinds::ALL))] {
        assert!(scene.rate(&video) >= 24);
        scene.world.op(off);
        scene.pass(200);
        assert_eq!(scene.rate(&video), 0);
        assert!(scene.rate(&audio) >= 24, "sound goes on");
        let before = scene.came(&video);
        scene.world.op(on);
        assert!(scene.rate(&video) >= 20, "it is back within a second");
        let got = scene.world.peers[2].sorted(&video);
        assert_eq!(got[before].payload[4] & 1, 0, "with a key frame");
        assert_eq!(got[before].seq, got[before - 1].seq + 1, "nothing looks lost");
        assert!(got[before].time.wrapping_sub(got[before - 1].time) >= 90_000, "time has passed");
    }
    scene.world.op(gate(Kinds { audio: false, video: true }));
    scene.pass(200);
    assert_eq!(scene.rate(&audio), 0);
}

#[test]
fn a_publisher_restarts_ice_and_goes_on() {
    let mut scene = Scene::new(1);
    let sections = scene.world.view(9, 2, vec![scene.tracks[0].clone()]);
    let video = sections.iter().find(|section| section.kind == Some(Kind::Video)).expect("a section").mid.clone();
    scene.pass(1_000);
    let offer = scene.world.peers[0].restart();
    scene.world.remote(1, SignalKind::Offer, &offer);
    let (answer, _) = scene.world.described(1, DescriptionKind::Answer);
    scene.world.peers[0].accept(&answer);
    let now = scene.world.now;
    scene.world.peers[0].tick(now);
    scene.pass(15_000);
    assert!(scene.rate(&video) >= 24, "{:?}", scene.world.events.last());
}

#[test]
fn who_speaks_is_told_to_who_hears_several() {
    for workers in [1, 2] {
        let mut world = World::new(workers, 3);
        for _ in 0..4 {
            world.peer(Path::GOOD, Path::GOOD);
        }
        let tracks: Vec<_> = (0..2).map(|peer| world.publish(1 + peer as u64, peer, true, false)).collect();
        world.pass(Duration::from_millis(500));
        world.view(8, 2, tracks.clone());
        world.view(9, 3, tracks[..1].to_vec());
        world.pass(Duration::from_millis(500));
        let mut count = 0;
        // Attenuation of each, in decibels.
        let mut talk = |world: &mut World, levels: [i8; 2]| {
            world.events.clear();
            for _ in 0..100 {
                for (peer, level) in levels.into_iter().enumerate() {
                    let now = world.now;
                    world.peers[peer].sound(100 + count, (count * 960) as u32, now, -level, &[peer as u8; 60]);
                }
                count += 1;
                world.pass(Duration::from_millis(20));
            }
            let speakers = world.events.iter().filter_map(|event| match event {
                MediaEvent::Speaker { link, source, level } => Some((*link, *source, *level)),
                _ => None,
            });
            speakers.collect::<Vec<_>>()
        };
        let of = |source, level| (LinkId::new(8), LinkId::new(source), level);
        // Of two seconds, one goes by before it is the speaker.
        let told = talk(&mut world, [30, 70]);
        assert_eq!(told, [of(1, 30); 2], "{workers}: while it speaks, and only to who hears both");
        let told = talk(&mut world, [70, 20]);
        assert_eq!(told.last(), Some(&of(2, 20)));
        let told = talk(&mut world, [70, 70]);
        assert_eq!(told.last(), Some(&of(2, 127)), "once it has ended");
        assert_eq!(talk(&mut world, [70, 70]), [], "in silence the last one stays");
        world.op(MediaOp::Tracks { link: LinkId::new(8), tracks: tracks[..1].to_vec() });
        assert_eq!(talk(&mut world, [30, 30]), [], "there is nobody to tell apart any more");
    }
}

#[test]
fn wishes_are_heard_while_an_offer_is_in_flight() {
    let mut scene = Scene::new(1);
    scene.world.view(9, 2, vec![scene.tracks[0].clone()]);
    scene.pass(500);
    // The first change is offered and not answered yet; the second waits for it.
    let link = LinkId::new(9);
    scene.world.op(MediaOp::Tracks { link, tracks: Vec::new() });
    let (offer, _) = scene.world.described(9, DescriptionKind::Offer);
    scene.world.op(MediaOp::Tracks { link, tracks: scene.tracks.clone() });
    let off = Kinds { audio: true, video: false };
    scene.world.op(MediaOp::Gate { link, source: LinkId::new(2), pass: off });
    let answer = scene.world.peers[2].answer(&offer);
    scene.world.remote(9, SignalKind::Answer, &answer);
    let sections = scene.world.negotiate(9, 2);
    let section = |kind, source| {
        let of = |section: &&patchbay_core::Section<LinkId>| {
            section.kind == Some(kind) && section.source == Some(LinkId::new(source))
        };
        sections.iter().find(of).expect("a section").mid.clone()
    };
    scene.pass(500);
    assert!(scene.rate(&section(Kind::Video, 1)) >= 20);
    assert!(scene.rate(&section(Kind::Audio, 2)) >= 20);
    assert_eq!(scene.rate(&section(Kind::Video, 2)), 0, "it was switched off while its offer waited");
}

/// A publisher that was lost comes back by another leg: its viewers go on where they were, without an offer.
#[test]
fn an_heir_is_sent_in_the_sections_of_the_one_before() {
    for workers in [1, 3] {
        let mut scene = Scene::new(workers);
        let sections = scene.world.view(9, 2, vec![scene.tracks[0].clone()]);
        let mid = |kind| sections.iter().find(|one| one.kind == Some(kind)).expect("a section").mid.clone();
        let (sound, pictures) = (mid(Kind::Audio), mid(Kind::Video));
        scene.pass(1_000);
        scene.world.op(MediaOp::Close { link: LinkId::new(1) });
        assert_eq!((scene.rate(&sound), scene.rate(&pictures)), (0, 0));
        let heir = Track { heir_of: Some(LinkId::new(1)), ..scene.tracks[1].clone() };
        scene.world.op(MediaOp::Tracks { link: LinkId::new(9), tracks: vec![heir] });
        scene.pass(1_000);
        assert!(scene.rate(&sound) >= 24 && scene.rate(&pictures) >= 24);
        assert_eq!(scene.world.peers[2].got[&pictures].last().map(|got| got.payload[20]), Some(1));
        let offers = scene.world.events.iter().filter(|event| matches!(event, MediaEvent::Local { .. }));
        assert_eq!(offers.count(), 0, "{workers}: nothing is negotiated");
        let numbers: Vec<_> = scene.world.peers[2].got[&pictures].iter().map(|got| got.seq).collect();
        assert!(numbers.is_sorted(), "the stream's numbers go on");
    }
}
