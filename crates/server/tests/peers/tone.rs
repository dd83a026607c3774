//! Tones, to know whose sound is heard: G.711 (ITU-T G.711, mu-law), and how much of one frequency is in some samples.

use std::f32::consts::TAU;

/// Samples per second.
pub(crate) const RATE: u32 = 8_000;
/// What our own peers say, in hertz: between those of telephones (440 and 523).
pub(crate) const OURS: u32 = 700;

/// A mu-law byte of a sample.
fn encode(sample: i16) -> u8 {
    const BIAS: i32 = 0x84;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let level = i32::from(sample).abs().min(32_635) + BIAS;
    let exponent = (7..15).rev().find(|bit| level >> bit & 1 == 1).unwrap_or(7) - 7;
    let mantissa = level >> (exponent + 3) & 0x0f;
    !(sign | (exponent << 4) | mantissa) as u8
}

fn decode(byte: u8) -> i16 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 0x0f) << 3) + 0x84) << (byte >> 4 & 7);
    let level = (magnitude - 0x84) as i16;
    if byte & 0x80 == 0 { level } else { -level }
}

/// The `number`th 20 ms of a tone, in mu-law.
pub(crate) fn packet(hertz: u32, number: u64) -> Vec<u8> {
    let first = number * 160;
    let sample = |at: u64| (8_000.0 * (TAU * hertz as f32 * (at % u64::from(RATE)) as f32 / RATE as f32).sin()) as i16;
    (first..first + 160).map(|at| encode(sample(at))).collect()
}

pub(crate) fn decoded(payload: &[u8]) -> impl Iterator<Item = i16> + '_ {
    payload.iter().map(|byte| decode(*byte))
}

/// How much of these samples is that frequency: 0 is nothing, 1 is all (Goertzel's algorithm).
pub(crate) fn share(samples: &[i16], rate: u32, hertz: u32) -> f32 {
    let energy: f32 = samples.iter().map(|sample| f32::from(*sample).powi(2)).sum();
    if energy < 1.0 {
        return 0.0;
    }
    let coefficient = 2.0 * (TAU * hertz as f32 / rate as f32).cos();
    let (mut before, mut last) = (0.0_f32, 0.0_f32);
    for sample in samples {
        (before, last) = (last, f32::from(*sample) + coefficient * last - before);
    }
    let power = last.powi(2) + before.powi(2) - coefficient * last * before;
    power / (energy * samples.len() as f32 / 2.0)
}

/// The samples of the first channel of a WAV file of 16 bits, and how many there are in a second.
pub(crate) fn wav(bytes: &[u8]) -> Option<(Vec<i16>, u32)> {
    let number = |at: usize, length: usize| {
        let part = bytes.get(at..at + length)?;
        Some(part.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    let (mut at, mut format) = (12, None);
    loop {
        let (name, length) = (bytes.get(at..at + 4)?, number(at + 4, 4)?);
        match name {
            b"fmt " => format = Some((number(at + 10, 2)?, number(at + 12, 4)?)),
            b"data" => {
                let (channels, rate) = format?;
                // Whoever still writes has not told the length.
                let samples =
                    bytes[at + 8..].chunks_exact(2 * channels).map(|one| i16::from_le_bytes([one[0], one[1]]));
                return Some((samples.collect(), u32::try_from(rate).ok()?));
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
}

#[test]
fn a_tone_is_known_again_and_no_other() {
    let coded: Vec<u8> = (0..50).flat_map(|number| packet(OURS, number)).collect();
    let samples: Vec<i16> = decoded(&coded).collect();
    assert!(share(&samples, RATE, OURS) > 0.95, "{}", share(&samples, RATE, OURS));
    assert!(share(&samples, RATE, 440) < 0.01);
    assert!(share(&vec![0; 8_000], RATE, OURS) < 0.01);
    for sample in [0_i16, 1, -1, 100, -100, 8_000, -8_000, 32_000, -32_000] {
        let known = decode(encode(sample));
        assert!((i32::from(known) - i32::from(sample)).abs() <= 4 + i32::from(sample).abs() / 16, "{sample}: {known}");
    }
}
