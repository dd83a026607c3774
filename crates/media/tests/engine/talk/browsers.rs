//! Two browsers, of dialects that do not know each other.

use std::time::Duration;

use patchbay_core::{Codec, DescriptionKind, SignalKind};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind};

use super::*;

#[test]
fn two_browsers_talk() {
    let mut world = World::new(2, 1);
    let caller = browser(&mut world);
    // The other one has no Opus.
    let callee = world.peer_with(Path::GOOD, Path::GOOD, |builder| {
        let format = FormatParams::default();
        let mut builder = builder.clear_codecs().enable_pcma(true, false).enable_vp8(true);
        builder.codec_config().add_config(101.into(), None, Name::Tele, Frequency::EIGHT_KHZ, None, format);
        builder
    });
    let offer = world.peers[caller].offer_to(Direction::SendRecv, 1, 1);
    open(&mut world, 1, peer(), WEB);
    world.remote(1, SignalKind::Offer, &offer);
    open(&mut world, 2, ours(1), WEB);
    let offer = world.described(2, DescriptionKind::Offer).0;
    assert!(offer.contains("a=rtcp-fb:96 nack pli") && offer.contains("rtx/90000"), "{offer}");
    let answer = world.peers[callee].give(&offer);
    world.remote(2, SignalKind::Answer, &answer);
    assert_eq!(parsed(&world, 2), Some((Some(Codec::Pcma), Some(Codec::Vp8))));
    let answer = world.described(1, DescriptionKind::Answer).0;
    assert!(answer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 8 126\r\n"), "{answer}");
    world.peers[caller].accept(&answer);
    let now = world.now;
    world.peers.iter_mut().for_each(|peer| peer.tick(now));
    world.pass(Duration::from_millis(500));
    assert!(world.flows(1) && world.flows(2), "{:?}", world.events);
    let mids: Vec<_> =
        [caller, callee].map(|peer| (mid(&world, peer, MediaKind::Audio), mid(&world, peer, MediaKind::Video))).into();
    for step in 0..50_u32 {
        for peer in [caller, callee] {
            let now = world.now;
            let payload = vp8(step == 0, true, 640, 360, step as u16, 700);
            let (audio, video) = mids[peer].clone();
            world.peers[peer].write_as(&audio, 8, 500 + u64::from(step), step * 160, now, &[step as u8, peer as u8]);
            world.peers[peer].write_as(&video, 96, 900 + u64::from(step), step * 3_600, now, &payload);
        }
        world.pass(Duration::from_millis(20));
    }
    for (peer, from) in [(caller, 1), (callee, 0)] {
        let sound = world.peers[peer].sorted(&mids[peer].0);
        assert!(sound.len() >= 48 && sound.iter().all(|got| got.pt == 8 && got.payload[1] == from), "{}", sound.len());
        assert!(world.peers[peer].sorted(&mids[peer].1).len() >= 48);
    }
    // Digits by each one's own number, and key frames from one to the other.
    let now = world.now;
    world.peers[caller].write_as(&mids[caller].0, DIGITS, 550, 8_000, now, b"digi");
    world.peers[callee].ask(&mids[callee].1);
    world.peers[callee].tick(now);
    let asked = world.peers[caller].asked.len();
    world.pass(Duration::from_millis(200));
    let got = world.peers[callee].sorted(&mids[callee].0);
    assert_eq!(got.last().map(|got| (got.pt, got.payload.clone())), Some((110, b"digi".to_vec())), "as it was offered");
    assert_eq!(world.peers[caller].asked.len(), asked + 1, "{:?}", KeyframeRequestKind::Pli);
}
