//! Sources of H.264 that tests make up, and a reader of records.

use std::sync::Arc;

use crate::burst::Packet;

/// Baseline, 320 × 240, and its picture parameters.
pub(crate) const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xe4];
pub(crate) const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];

/// A packet.
pub(crate) fn packet(seq: u64, time: u32, marker: bool, payload: &[u8]) -> Packet {
    Packet { seq, time, marker, payload: Arc::from(payload), level: None, voice: false, rotation: None }
}

/// Several units in one packet.
pub(crate) fn stap(units: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![0x78];
    for unit in units {
        out.extend_from_slice(&u16::try_from(unit.len()).expect("short").to_be_bytes());
        out.extend_from_slice(unit);
    }
    out
}

/// One unit in packets of so many bytes.
pub(crate) fn parts(unit: &[u8], bytes: usize) -> Vec<Vec<u8>> {
    let last = (unit.len() - 2) / bytes;
    let part = |(at, body): (usize, &[u8])| {
        let fu = unit[0] & 0x1f | if at == 0 { 0x80 } else { 0 } | if at == last { 0x40 } else { 0 };
        [&[unit[0] & 0xe0 | 28, fu], body].concat()
    };
    unit[1..].chunks(bytes).enumerate().map(part).collect()
}

/// A unit of that kind and so many bytes.
pub(crate) fn unit(head: u8, bytes: usize) -> Vec<u8> {
    let mut unit = vec![head, 0x88];
    unit.resize(bytes.max(2), 0x5a);
    unit
}

/// Units behind their lengths.
pub(crate) fn lengths(units: &[&[u8]]) -> Vec<u8> {
    units
        .iter()
        .flat_map(|unit| [&u32::try_from(unit.len()).expect("short").to_be_bytes()[..], unit].concat())
        .collect()
}

/// The records in messages put together: type and payload.
pub(crate) fn records(messages: &[Vec<u8>]) -> Vec<(u8, Vec<u8>)> {
    let bytes = messages.concat();
    let (mut rest, mut found) = (&bytes[..], Vec::new());
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let (payload, behind) = behind.split_at(length);
        found.push((head[0], payload.to_vec()));
        rest = behind;
    }
    assert!(rest.is_empty(), "the last record is whole");
    found
}
