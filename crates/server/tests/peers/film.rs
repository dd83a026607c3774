//! Pictures of H.264 that are made up, in RTP packets (RFC 6184).

/// Baseline, 320 × 240, and its picture parameters.
const SPS: &[u8] = &[0x67, 0x42, 0xc0, 0x1e, 0xda, 0x05, 0x07, 0xe4];
const PPS: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
const PART: usize = 1_100;

/// The packets of one picture of so many bytes, with a number in it.
pub(crate) fn picture(key: bool, number: u64, bytes: usize) -> Vec<Vec<u8>> {
    let mut unit = vec![if key { 0x65 } else { 0x41 }, 0x88];
    unit.extend(number.to_be_bytes());
    unit.resize(bytes.max(unit.len()), 0x5a);
    let mut packets = Vec::new();
    if key {
        let sets = [SPS, PPS].map(|set| [&(set.len() as u16).to_be_bytes()[..], set].concat()).concat();
        packets.push([&[0x78][..], &sets].concat());
    }
    let last = (unit.len() - 2) / PART;
    for (at, part) in unit[1..].chunks(PART).enumerate() {
        let fu = unit[0] & 0x1f | if at == 0 { 0x80 } else { 0 } | if at == last { 0x40 } else { 0 };
        packets.push([&[unit[0] & 0xe0 | 28, fu], part].concat());
    }
    packets
}

/// What is in a picture that was sent: its number, and whether it is a key frame, before which its parameters stand.
pub(crate) fn read(sample: &[u8]) -> (bool, u64) {
    let (mut rest, mut units) = (sample, Vec::new());
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (unit, behind) = behind.split_at(u32::from_be_bytes(*length) as usize);
        units.push(unit);
        rest = behind;
    }
    let last = units.last().expect("a picture has units");
    let key = last[0] == 0x65;
    if key {
        assert_eq!(units[..units.len() - 1], [SPS, PPS]);
    }
    (key, u64::from_be_bytes(last[2..10].try_into().expect("a number")))
}
