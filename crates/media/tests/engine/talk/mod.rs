//! Conversations: a browser on str0m at one end, a scripted telephone or another browser at the other.

mod browsers;
mod calls;
mod changes;
mod control;
mod ends;
mod keys;
mod sources;

use std::time::Duration;

use patchbay_core::{
    Codec, DescriptionKind, Ice, LegRole, LinkId, MediaEvent, MediaFault, MediaOp, Open, PartyId, SignalKind, Srtp,
    Talk, Transport,
};
use str0m::format::{Codec as Name, FormatParams};
use str0m::media::{Direction, Frequency, MediaKind};

use crate::net::Path;
use crate::peer::vp8;
use crate::phone::Phone;
use crate::world::World;

/// The links of the two ends.
pub(super) const BROWSER: u64 = 1;
pub(super) const PHONE: u64 = 2;
/// What the test's browser calls digits.
pub(super) const DIGITS: u8 = 126;

pub(super) fn codecs() -> std::sync::Arc<[Codec]> {
    let h264 = Codec::H264 { profile_level: 0x0042_e01f, mode: 1 };
    [Codec::Opus, Codec::G722, Codec::Pcmu, Codec::Pcma, Codec::Vp8, h264].into()
}

/// A browser that knows what browsers know.
pub(super) fn browser(world: &mut World) -> usize {
    world.peer_with(Path::GOOD, Path::GOOD, |builder| {
        let mut builder = builder.enable_pcmu(true, false).enable_pcma(true, false).enable_raw_packets(true);
        let config = builder.codec_config();
        let format = FormatParams::default();
        config.add_config(DIGITS.into(), None, Name::Tele, Frequency::EIGHT_KHZ, None, format);
        builder
    })
}

pub(super) fn open(world: &mut World, link: u64, talk: Talk, transport: Transport) {
    let owner = PartyId::new(0, u32::try_from(link).expect("few legs"), 0);
    let (says, hears, report) = (vec![], vec![], Duration::from_secs(1));
    let link = LinkId::new(link);
    world.op(MediaOp::Open(Open {
        link,
        owner,
        role: LegRole::Talk(talk),
        says,
        hears,
        heeds: Vec::new(),
        report,
        transport,
    }));
}

pub(super) fn peer() -> Talk {
    Talk::Peer { codecs: codecs() }
}

pub(super) fn ours(with: u64) -> Talk {
    Talk::Ours { with: Some(LinkId::new(with)), codecs: codecs() }
}

pub(super) const WEB: Transport = Transport::WebRtc(Ice::Configured);

/// A browser calls: the offer that the telephone gets.
pub(super) fn ring(world: &mut World, browser: usize, video: bool, srtp: Srtp) -> String {
    let offer = world.peers[browser].offer_to(Direction::SendRecv, 1, usize::from(video));
    open(world, BROWSER, peer(), WEB);
    world.remote(BROWSER, SignalKind::Offer, &offer);
    open(world, PHONE, ours(BROWSER), Transport::Rtp(srtp));
    world.described(PHONE, DescriptionKind::Offer).0
}

/// A telephone's description: for each section its kind, port and formats with what describes them.
pub(super) fn description(sections: &[(&str, u16, &str)]) -> String {
    let mut text = "v=0\r\no=- 1 1 IN IP4 10.2.0.1\r\ns=-\r\nc=IN IP4 10.2.0.1\r\nt=0 0\r\n".to_owned();
    for (kind, port, rest) in sections {
        text.push_str(&format!("m={kind} {port} RTP/AVP {rest}\r\n"));
    }
    text
}

/// Opus and digits, by numbers of its own.
pub(super) const OPUS: &str = "96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000";
/// Pictures, by the same number as its sound.
pub(super) const VP8: &str = "96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:* nack pli";

/// The telephone answers: the answer that the browser gets, which it has accepted.
pub(super) fn pick_up(world: &mut World, browser: usize, answer: &str) -> String {
    world.remote(PHONE, SignalKind::Answer, answer);
    let (text, _) = world.described(BROWSER, DescriptionKind::Answer);
    world.peers[browser].accept(&text);
    let now = world.now;
    world.peers[browser].tick(now);
    text
}

/// A browser calls a telephone, which answers by sound and pictures; both flow.
pub(super) fn connected() -> (World, Phone, Phone) {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, true, Srtp::Off);
    let (audio, video) = (Phone::new(4_000, &offer, 0), Phone::new(4_002, &offer, 1));
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS), ("video", 4_002, VP8)]));
    world.pass(Duration::from_millis(500));
    assert!(world.peers[browser].connected.is_some(), "{:?}", world.events);
    (world, audio, video)
}

/// Both sides send for so many steps of 20 ms: sound each time, pictures each second time.
pub(super) fn converse(world: &mut World, audio: &mut Phone, video: Option<&mut Phone>, first: u64, steps: u64) {
    let mut video = video;
    for step in first..first + steps {
        let now = world.now;
        let time = u32::try_from(step * 960).expect("short");
        world.peers[0].write(MediaKind::Audio, 500 + step, time, now, false, &[step as u8, 1]);
        audio.say(world, 96, false, 960, &[step as u8, 2]);
        if let Some(video) = video.as_deref_mut().filter(|_| step % 2 == 0) {
            let picture = u16::try_from(step).expect("short");
            let time = u32::try_from(step * 1_800).expect("short");
            let payload = vp8(step == 0, true, 640, 360, picture, 700);
            world.peers[0].write(MediaKind::Video, 900 + step / 2, time, now, true, &payload);
            video.say(world, 96, true, 3_600, &payload);
        }
        world.pass(Duration::from_millis(20));
    }
}

/// Sections of a browser, by kind.
pub(super) fn mid(world: &World, browser: usize, kind: MediaKind) -> String {
    let found = world.peers[browser].mids.iter().find(|(_, of)| *of == kind);
    found.expect("a section of that kind").0.to_string()
}

/// Why a leg was refused, if it was.
pub(super) fn fault(world: &World, link: u64) -> Option<MediaFault> {
    world.events.iter().find_map(|event| match event {
        MediaEvent::Refused { link: of, fault } if *of == LinkId::new(link) => Some(*fault),
        _ => None,
    })
}

/// What a leg has read of its peer's description last.
pub(super) fn parsed(world: &World, link: u64) -> Option<(Option<Codec>, Option<Codec>)> {
    world.events.iter().rev().find_map(|event| match event {
        MediaEvent::Parsed { link: of, audio, video, .. } if *of == LinkId::new(link) => Some((*audio, *video)),
        _ => None,
    })
}

/// A telephone offers again, and is answered.
pub(super) fn reinvite(world: &mut World, text: &str) -> String {
    world.remote(PHONE, SignalKind::Offer, text);
    world.described(PHONE, DescriptionKind::Answer).0
}

/// Numbers without a gap, and times that go on.
pub(super) fn steady(numbers: &[(u64, u32)]) -> bool {
    numbers.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1 && pair[1].1.wrapping_sub(pair[0].1) < 1 << 30)
}
