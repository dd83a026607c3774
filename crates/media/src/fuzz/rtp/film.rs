//! The same bytes as packets of H.264: pictures, fragments and messages of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::burst::Packet;
use crate::fragments::Fragments;
use crate::fragments::pictures::{PICTURE, Pictures};
use crate::fragments::records::MESSAGE;
use crate::fuzz::input::Input;

/// Units of Baseline, 320 × 240, with which something begins.
const KEY: &[u8] =
    &[0x78, 0, 8, 0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xe4, 0, 4, 0x68, 0xce, 0x3c, 0x80, 0, 3, 0x65, 0x88, 0x5a];

/// # Panics
/// If something is too large, does not begin with a key frame, or is no row of records.
pub(super) fn target(data: &[u8]) {
    let (mut input, mut now) = (Input::new(data), Instant::now());
    let (mut pictures, mut fragments) = (Pictures::default(), Fragments::default());
    let (mut seq, mut time, mut made, mut bytes) = (1_000_u64, 0_u32, Vec::new(), Vec::new());
    while !input.is_over() {
        let [how, length, step] = input.bytes();
        seq = seq.saturating_add(u64::from(step & 7)).saturating_sub(2);
        time = time.wrapping_add(u32::from(step >> 3) * 1_000);
        now += Duration::from_millis(u64::from(how >> 4));
        match how & 0xf {
            0 => pictures.reset(),
            1 => pictures.skip(true),
            _ => {}
        }
        let own = if how & 2 == 0 { KEY } else { input.take(usize::from(length)) };
        let payload: Arc<[u8]> = own.into();
        let packet = Packet { seq, time, marker: how & 1 == 0, payload, level: None, voice: false, rotation: None };
        pictures.push(&packet, now, &mut made);
        for picture in made.drain(..) {
            assert!(picture.data.len() <= PICTURE, "a picture is too large");
            assert!(picture.key == picture.parameters.is_some(), "key frames tell what the stream is");
            for message in fragments.make(&picture) {
                assert!(!message.is_empty() && message.len() <= MESSAGE, "a message of {} bytes", message.len());
                bytes.extend(message);
            }
        }
    }
    let (mut rest, mut first) = (&bytes[..], true);
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        assert!((0xf9..=0xff).contains(&head[0]) && length <= behind.len(), "a record");
        assert!(!std::mem::take(&mut first) || head[0] == 0xfa, "what the stream is comes first");
        rest = &behind[length..];
    }
    assert!(rest.is_empty(), "a whole number of records");
}
