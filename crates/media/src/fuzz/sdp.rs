//! The target `sdp`: a peer's descriptions and candidates, read by our own scan and by legs of both roles.

use std::time::Duration;

use patchbay_core::{LinkId, MediaEvent, MediaOp, SignalKind};

use super::engine::{Engine, line};
use crate::sdp;

const RECEIVING: u64 = 1;
const SENDING: u64 = 2;
/// Texts of one input that are tried: each makes connections, which is slow.
const TEXTS: usize = 8;

/// Runs `data`: texts, separated by zero bytes. Each is an offer to one leg, an answer to the offer of another, and a
/// candidate of both.
///
/// # Panics
/// If a leg panics, an offer is neither answered nor refused, or is both; or if a leg is there that was refused.
pub fn target(data: &[u8]) {
    let mut engine = Engine::new();
    for text in data.split(|byte| *byte == 0).take(TEXTS) {
        scanned(&String::from_utf8_lossy(text));
        if !engine.lives(RECEIVING) {
            engine.open_receiving(RECEIVING);
        }
        engine.remote(RECEIVING, SignalKind::Candidate, text);
        offered(&mut engine, text);
        answered(&mut engine, text);
        engine.wait(Duration::from_millis(20));
    }
}

/// Our own reading of a text: within its bounds, and true to its lines.
fn scanned(text: &str) {
    let way = sdp::one_way(text);
    assert_eq!(sdp::one_way(&way), way, "what is one way stays so");
    assert_eq!(way.lines().count(), text.lines().count());
    if sdp::check(text).is_err() {
        return;
    }
    let (offer, sections) = (sdp::scan(text), text.lines().filter(|line| line.starts_with("m=")).count());
    assert_eq!(sdp::sections(text).count(), sections);
    assert!(offer.audio.is_empty() || offer.kinds.audio);
    assert!(offer.video.is_empty() || offer.kinds.video);
    assert!(offer.layers == 0 || offer.kinds.video);
    assert!(offer.layers <= text.len());
}

/// Exactly one of answer and refusal follows an offer.
fn offered(engine: &mut Engine, text: &[u8]) {
    engine.out.events.clear();
    engine.remote(RECEIVING, SignalKind::Offer, text);
    match engine.out.events.as_slice() {
        [MediaEvent::Parsed { .. }, MediaEvent::Local { sdp, sections, .. }] => {
            assert!(engine.lives(RECEIVING));
            assert_eq!(sdp::sections(sdp).count(), sections.len());
        }
        [MediaEvent::Refused { .. }] => assert!(!engine.lives(RECEIVING), "a leg that was refused is gone"),
        events => panic!("an offer is followed by {events:?}"),
    }
}

/// An answer is taken in silence, or its leg refused. Sections are named in it by their numbers.
fn answered(engine: &mut Engine, text: &[u8]) {
    engine.out.events.clear();
    engine.open_sending(SENDING, vec![super::pair::track(RECEIVING)]);
    let offer = engine.described(SENDING).expect("an offer");
    let mut answer = String::from_utf8_lossy(text).into_owned();
    for (number, (_, mid)) in sdp::sections(&offer).enumerate() {
        answer = answer.replace(&format!("a=mid:{number}"), &format!("a=mid:{mid}"));
    }
    assert!(!line(&offer, "a=ice-ufrag:").is_empty());
    engine.out.events.clear();
    engine.remote(SENDING, SignalKind::Answer, answer.as_bytes());
    match engine.out.events.as_slice() {
        [] => assert!(engine.lives(SENDING)),
        [MediaEvent::Refused { .. }] => assert!(!engine.lives(SENDING), "a leg that was refused is gone"),
        events => panic!("an answer is followed by {events:?}"),
    }
    engine.remote(SENDING, SignalKind::Candidate, text);
    engine.op(MediaOp::Close { link: LinkId::new(SENDING) });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "sdp", super::target);
    }
}
