//! Layers: a viewer is sent what its network takes, and sees a whole picture at every change.

use std::time::Duration;

use patchbay_core::{Kind, LinkId, MediaEvent, MediaOp};

use crate::net::Path;
use crate::peer::{Got, vp8};
use crate::world::World;

const RIDS: [&str; 3] = ["l", "m", "h"];
/// Width, height, bytes per frame: 0.2, 0.6 and 1.8 Mbit/s at 25 frames per second.
const LAYERS: [(u16, u16, usize); 3] = [(320, 180, 1_000), (640, 360, 3_000), (1280, 720, 9_000)];
/// Where a payload says which layer it is of: behind all headers.
const MARK: usize = 20;

struct Scene {
    world: World,
    publisher: usize,
    frames: u64,
    seqs: [u64; 3],
    answered: usize,
    video: String,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut world = World::new(1, seed);
        let publisher = world.peer(Path::GOOD, Path::GOOD);
        let viewer = world.peer(Path::GOOD, Path::GOOD);
        let offer = world.peers[publisher].offer_layers(&RIDS);
        let track = world.publish_offer(1, publisher, offer);
        assert_eq!(track.layers, 3);
        let mut scene = Self { world, publisher, frames: 0, seqs: [100, 200, 300], answered: 0, video: String::new() };
        scene.pass(2);
        let sections = scene.world.view(2, viewer, vec![track]);
        let video = sections.iter().find(|section| section.kind == Some(Kind::Video)).expect("a section");
        scene.video = video.mid.clone();
        scene
    }

    /// Sends every layer for so many seconds; a layer's key frame comes first, and when it is asked for.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds * 25 {
            let now = self.world.now;
            let asked: Vec<String> = self.world.peers[self.publisher].asked_of[self.answered..].to_vec();
            self.answered += asked.len();
            for (layer, (width, height, bytes)) in LAYERS.into_iter().enumerate() {
                let key = self.frames == 0 || asked.iter().any(|rid| rid == RIDS[layer]);
                let packets = bytes.div_ceil(1_100);
                for packet in 0..packets {
                    let picture = u16::try_from(self.frames % 0x8000).expect("15 bits");
                    let mut payload = vp8(key, packet == 0, width, height, picture, bytes / packets);
                    payload[MARK] = u8::try_from(layer).expect("few layers");
                    let (seq, time) = (self.seqs[layer], u32::try_from(self.frames * 3_600).expect("short"));
                    self.seqs[layer] += 1;
                    let peer = &mut self.world.peers[self.publisher];
                    peer.write_layer(RIDS[layer], seq, time, now, packet == packets - 1, &payload);
                    peer.tick(now);
                }
            }
            self.frames += 1;
            self.world.pass(Duration::from_millis(40));
        }
    }

    fn got(&self) -> Vec<Got> {
        self.world.peers[1].sorted(&self.video)
    }

    /// The layer of what came last.
    fn layer(&self) -> u8 {
        let got = self.got();
        got.iter().max_by_key(|got| got.at).expect("something came").payload[MARK]
    }
}

#[test]
fn a_viewer_follows_its_network_down_and_up() {
    let mut scene = Scene::new(1);
    scene.pass(20);
    assert_eq!(scene.layer(), 2, "there is room for all: {:?}", scene.world.events.last());
    scene.world.paths[1].1.rate = Some(450_000);
    scene.pass(10);
    assert_eq!(scene.layer(), 0, "{:?}", scene.world.events.last());
    scene.world.paths[1].1.rate = None;
    scene.pass(30);
    assert_eq!(scene.layer(), 2, "{:?}", scene.world.events.last());
    let heights: Vec<u32> = scene
        .world
        .events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::Switched { link, height, .. } if *link == LinkId::new(2) => Some(*height),
            _ => None,
        })
        .collect();
    assert!(heights.contains(&180) && heights.last() == Some(&720), "{heights:?}");
    // Every change begins with a key frame, and numbers go on.
    let got = scene.got();
    for pair in got.windows(2).filter(|pair| pair[0].payload[MARK] != pair[1].payload[MARK]) {
        assert_eq!((pair[1].payload[0] & 0x10, pair[1].payload[4] & 1), (0x10, 0), "{:?}", pair[1].seq);
        assert!(pair[1].time.wrapping_sub(pair[0].time) < 90_000);
    }
}

/// A busy machine: what was due meanwhile is made up for, or no probe could show how wide the network is.
#[test]
fn an_estimate_rises_however_late_the_worker_is_called() {
    for late in [0, 2, 8, 20] {
        let mut scene = Scene::new(1);
        scene.world.late = Duration::from_millis(late);
        scene.pass(10);
        assert_eq!(scene.layer(), 2, "{late} ms late, there is room for all: {:?}", scene.world.events.last());
        scene.world.paths[1].1.rate = Some(300_000);
        scene.pass(10);
        assert_eq!(scene.layer(), 0, "{late} ms late: {:?}", scene.world.events.last());
        scene.world.paths[1].1.rate = None;
        scene.pass(18);
        assert_eq!(scene.layer(), 2, "{late} ms late, it is wide again: {:?}", scene.world.events.last());
    }
}

/// One packet for each tick of the wheel would spread a frame of nine over eighteen milliseconds.
#[test]
fn a_frame_leaves_at_once_where_the_estimate_has_room() {
    let mut scene = Scene::new(4);
    scene.pass(10);
    let got = scene.got();
    let mut frames = std::collections::BTreeMap::<u32, Vec<_>>::new();
    for got in got.iter().filter(|got| got.payload[MARK] == 2) {
        frames.entry(got.time).or_default().push(got.at);
    }
    let whole: Vec<_> = frames.values().filter(|frame| frame.len() == 9).collect();
    assert!(whole.len() > 50, "{}", whole.len());
    let spread = whole.iter().filter_map(|frame| Some(*frame.iter().max()? - *frame.iter().min()?)).max();
    assert!(spread < Some(Duration::from_millis(2)), "{spread:?}");
}

#[test]
fn a_wish_for_a_height_is_met() {
    let mut scene = Scene::new(2);
    scene.pass(5);
    for (height, layer) in [(180, 0), (720, 2), (500, 1), (100, 0)] {
        let source = LinkId::new(1);
        scene.world.op(MediaOp::Prefer { link: LinkId::new(2), source, height: Some(height) });
        scene.pass(3);
        assert_eq!(scene.layer(), layer, "{height} pixels were wished for");
    }
    scene.world.op(MediaOp::Prefer { link: LinkId::new(2), source: LinkId::new(1), height: None });
    scene.pass(15);
    assert_eq!(scene.layer(), 2);
}
