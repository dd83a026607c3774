//! Keys in descriptions: offered, taken, wanted, and what they protect.

use std::time::Duration;

use patchbay_core::{DescriptionKind, MediaFault, SignalKind, Srtp, Transport};
use patchbay_sdp::crypto::{Crypto, KEY_BYTES, Suite};
use str0m::media::MediaKind;

use super::*;

const OURS: [u8; 30] = [7; 30];

/// `a=crypto` of the telephone, with that tag.
fn crypto(tag: u32, suite: Suite) -> String {
    format!("a=crypto:{}", Crypto::new(tag, suite, &[7; KEY_BYTES]).write())
}

fn secured(port: u16) -> String {
    let key = crypto(1, Suite::AesCm128HmacSha1_80);
    description(&[("audio", port, &format!("{OPUS}\r\n{key}"))])
}

#[test]
fn what_passes_is_encrypted_where_both_have_keys() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, false, Srtp::Optional);
    assert!(offer.contains("RTP/AVP ") && offer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"), "{offer}");
    pick_up(&mut world, browser, &secured(4_000));
    let mut audio = Phone::new(4_000, &offer, 0).secure(&OURS, &offer, 0);
    world.pass(Duration::from_millis(500));
    converse(&mut world, &mut audio, None, 0, 50);
    assert!(audio.passed(&world, &[96]).len() >= 48);
    let sound = mid(&world, 0, MediaKind::Audio);
    assert!(world.peers[0].sorted(&sound).len() >= 48);
    assert!(!audio.control(&world).is_empty(), "reports are sealed, too");
    assert_eq!(world.workers[0].counts().strangers, 0);
}

#[test]
fn only_what_is_sealed_by_the_telephone_is_heard() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, false, Srtp::Optional);
    pick_up(&mut world, browser, &secured(4_000));
    let mut audio = Phone::new(4_000, &offer, 0).secure(&OURS, &offer, 0);
    world.pass(Duration::from_millis(500));
    // From the very address that was told, but without the key.
    let (address, server) = (audio.address, audio.server);
    let mut plain = Phone::new(4_000, &offer, 0);
    let clear = plain.packet(96, false, 960, b"clear");
    world.arrive(address, server, &clear);
    let mut forger = Phone::new(4_000, &offer, 0).secure(&[8; 30], &offer, 0);
    let forged = forger.packet(96, false, 960, b"forged");
    world.arrive(address, server, &forged);
    let genuine = audio.packet(96, false, 960, b"genuine");
    world.arrive(address, server, &genuine);
    world.arrive(address, server, &genuine);
    world.pass(Duration::from_millis(100));
    let got: Vec<_> = world.peers[0].got.values().flatten().map(|got| got.payload.clone()).collect();
    assert_eq!(got, [b"genuine".to_vec()]);
    assert_eq!(world.workers[0].counts().strangers, 3);
}

#[test]
fn a_telephone_without_keys_is_called_plainly_or_not_at_all() {
    let mut world = World::new(1, 1);
    let browser_ = browser(&mut world);
    ring(&mut world, browser_, false, Srtp::Optional);
    pick_up(&mut world, browser_, &description(&[("audio", 4_000, OPUS)]));
    let mut world = World::new(1, 1);
    let browser_ = browser(&mut world);
    let offer = ring(&mut world, browser_, false, Srtp::Mandatory);
    assert!(offer.contains("RTP/SAVP ") && offer.contains("a=crypto:1 "), "{offer}");
    world.remote(PHONE, SignalKind::Answer, &description(&[("audio", 4_000, OPUS)]));
    assert_eq!(fault(&world, PHONE), Some(MediaFault::Description));
    let mut world = World::new(1, 1);
    let browser_ = browser(&mut world);
    let offer = ring(&mut world, browser_, false, Srtp::Off);
    assert!(!offer.contains("crypto"), "{offer}");
    // Keys that nobody asked for mean nothing.
    pick_up(&mut world, browser_, &secured(4_000));
    let mut plain = Phone::new(4_000, &offer, 0);
    world.pass(Duration::from_millis(500));
    plain.say(&mut world, 96, false, 960, b"plain");
    assert!(world.flows(PHONE));
}

/// What a telephone that offers these keys is answered.
fn answered(policy: Srtp, profile: &str, keys: &str) -> Result<String, Option<MediaFault>> {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    open(&mut world, PHONE, peer(), Transport::Rtp(policy));
    let invite = description(&[("audio", 4_000, &format!("{OPUS}{keys}"))]).replace("RTP/AVP", profile);
    world.remote(PHONE, SignalKind::Offer, &invite);
    if fault(&world, PHONE).is_some() {
        return Err(fault(&world, PHONE));
    }
    open(&mut world, BROWSER, ours(PHONE), WEB);
    let offer = world.described(BROWSER, DescriptionKind::Offer).0;
    let answer = world.peers[browser].answer(&offer);
    world.remote(BROWSER, SignalKind::Answer, &answer);
    Ok(world.described(PHONE, DescriptionKind::Answer).0)
}

#[test]
fn a_telephone_s_first_key_is_taken() {
    let keys = format!("\r\n{}\r\n{}", crypto(4, Suite::AesCm128HmacSha1_32), crypto(5, Suite::AesCm128HmacSha1_80));
    let faulty = Err(Some(MediaFault::Description));
    for profile in ["RTP/AVP", "RTP/SAVP"] {
        for policy in [Srtp::Optional, Srtp::Mandatory] {
            let ok = answered(policy, profile, &keys).expect("an answer");
            assert!(ok.contains(&format!("m=audio 20000 {profile} 96")), "{ok}");
            assert_eq!(ok.matches("a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:").count(), 1, "{ok}");
            assert_eq!(ok.matches("a=crypto").count(), 1, "{ok}");
        }
    }
    assert!(!answered(Srtp::Off, "RTP/AVP", &keys).expect("an answer").contains("crypto"));
    assert_eq!(answered(Srtp::Off, "RTP/SAVP", &keys), faulty);
    assert_eq!(answered(Srtp::Mandatory, "RTP/AVP", ""), faulty);
    assert_eq!(answered(Srtp::Optional, "RTP/SAVP", ""), faulty);
}

#[test]
fn a_refresh_keeps_the_keys_and_other_keys_begin_anew() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, false, Srtp::Optional);
    pick_up(&mut world, browser, &secured(4_000));
    let mut audio = Phone::new(4_000, &offer, 0).secure(&OURS, &offer, 0);
    world.pass(Duration::from_millis(500));
    converse(&mut world, &mut audio, None, 0, 20);
    let before = audio.passed(&world, &[96]);
    let ok = reinvite(&mut world, &secured(4_000));
    assert_eq!(crate::phone::key_of(&ok, 0), crate::phone::key_of(&offer, 0), "ours stays");
    converse(&mut world, &mut audio, None, 20, 20);
    let after = audio.passed(&world, &[96]);
    assert!(after.len() >= before.len() + 18);
    let numbers: Vec<_> = after.iter().map(|one| (u64::from(one.seq), one.time)).collect();
    assert!(steady(&numbers), "{numbers:?}");
    // The telephone asks for another key.
    let other = format!("a=crypto:{}", Crypto::new(2, Suite::AesCm128HmacSha1_80, &[9; KEY_BYTES]).write());
    let ok = reinvite(&mut world, &description(&[("audio", 4_000, &format!("{OPUS}\r\n{other}"))]));
    assert_ne!(crate::phone::key_of(&ok, 0), crate::phone::key_of(&offer, 0));
    world.strayed.clear();
    let mut again = Phone::new(4_000, &ok, 0).secure(&[9; 30], &ok, 0);
    converse(&mut world, &mut again, None, 40, 20);
    let renewed = again.passed(&world, &[96]);
    assert!(renewed.len() >= 18 && renewed.iter().all(|one| one.ssrc != after[0].ssrc), "a new key is a new stream");
    let sound = mid(&world, 0, MediaKind::Audio);
    let got: Vec<_> = world.peers[0].sorted(&sound).iter().map(|got| (got.seq, got.time)).collect();
    assert!(got.len() >= 55 && steady(&got), "the browser sees one stream: {got:?}");
}

#[test]
fn a_telephone_is_followed_wherever_it_can_seal() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, false, Srtp::Optional);
    pick_up(&mut world, browser, &secured(4_000));
    let mut audio = Phone::new(4_000, &offer, 0).secure(&OURS, &offer, 0);
    world.pass(Duration::from_millis(500));
    for (round, last) in [(0, 1), (1, 2), (2, 1)] {
        audio.address = std::net::SocketAddr::from(([10, 4, 0, last], 9_000));
        world.strayed.clear();
        converse(&mut world, &mut audio, None, round * 10, 10);
        assert!(audio.passed(&world, &[96]).len() >= 8, "{round}");
    }
    assert_eq!(world.workers[0].counts().strangers, 0);
}

#[test]
fn the_telephone_s_key_alone_may_change() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, false, Srtp::Optional);
    pick_up(&mut world, browser, &secured(4_000));
    let mut audio = Phone::new(4_000, &offer, 0).secure(&OURS, &offer, 0);
    world.pass(Duration::from_millis(500));
    converse(&mut world, &mut audio, None, 0, 20);
    let stream = audio.passed(&world, &[96])[0].ssrc;
    let key = format!("a=crypto:{}", Crypto::new(1, Suite::AesCm128HmacSha1_80, &[9; KEY_BYTES]).write());
    let ok = reinvite(&mut world, &description(&[("audio", 4_000, &format!("{OPUS}\r\n{key}"))]));
    // Its numbers begin anew, ours go on.
    let mut again = Phone::new(4_000, &ok, 0).secure(&[9; 30], &ok, 0);
    converse(&mut world, &mut again, None, 20, 20);
    let heard = again.passed(&world, &[96]);
    let numbers: Vec<_> = heard.iter().map(|one| (u64::from(one.seq), one.time)).collect();
    assert!(heard.len() >= 38 && heard.iter().all(|one| one.ssrc == stream) && steady(&numbers), "{numbers:?}");
    let sound = mid(&world, 0, MediaKind::Audio);
    let got: Vec<_> = world.peers[0].sorted(&sound).iter().map(|got| (got.seq, got.time)).collect();
    assert!(got.len() >= 38 && steady(&got), "{got:?}");
}
