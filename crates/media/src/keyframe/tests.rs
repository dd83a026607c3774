use std::time::{Duration, Instant};

use patchbay_core::Codec;

use super::*;

type Size = Option<(u32, u32)>;

const VP8: Codec = Codec::Vp8;
const VP9: Codec = Codec::Vp9 { profile: 0 };
const H264: Codec = Codec::H264 { profile_level: 0x42_e01f, mode: 1 };
const AV1: Codec = Codec::Av1 { profile: 0 };

const SMALL: Size = Some((322, 182));

/// The beginnings of key frames, coded by libvpx, x264 and libaom, the first three formats put into packets by FFmpeg.
#[rustfmt::skip]
const KEY_FRAMES: [(Codec, &str, Size); 18] = [
    (VP8, "908080010067009d012a4201b6000007088585889984880202b305fd0166cf90", SMALL),
    (VP9, "08824983420014100b560638241c1842000b905fc9f7fbfcdf8bff", SMALL),
    // Profile 1 (4:4:4) and profile 2 (ten bits).
    (VP9, "08a2498342000282016ac0c7048383084001dc5fc9f7fbfcdf8bff", SMALL),
    (VP9, "0892498342000a0805ab031c120e0c290005885f7fdfe2fbeffc2f", SMALL),
    // Baseline, Main, High, High 4:2:2, High 4:4:4, without colour, interlaced, with matrices by name.
    (H264, "1800186742c00dd901519e226c0440000003004000000523c50a92000468cb8cb202790605ffff75dc45", SMALL),
    (H264, "180018674d400dd901519e226c0440000003004000000523c50a92000468ebccb202790605ffff75dc45", SMALL),
    (H264, "1800196764000dacb202a33c44d80880000003008000000a478a1524000568ebccb22c02790605ffff75", SMALL),
    (H264, "18001a677a000bbcb202a33c445e022000000300200000030291e28549000568ebccb22c02790605ffff", SMALL),
    (H264, "18001b67f4000b91964054678f8bc044000003000400000300523c50a920000668ebcc44844002780605", SMALL),
    (H264, "18001b6764000df2c80a8cf1f1780b64000003000400000300523c50a920000568ebccb22c02790605ff", SMALL),
    (H264, "18001a67640015ace4054cf1126022000003000200000300293e285490000568fb8cb22c027b0605ffff", Some((322, 180))),
    (H264, "1800196764000dacb202a33c44d80880000003008000000a478a1524000668ebccb3002c02790605ffff", SMALL),
    (H264, "1800196742c01fd9005005bb011000000300100000030148f1832480000468cb8cb202790605ffff75dc", Some((1280, 720))),
    // An IDR picture alone, as one unit and as the first of several fragments.
    (H264, "6588840a13ff", None),
    (H264, "7c85888409bf1088ac181087e00749198061080002c36d4186000e21bf44bbe5", None),
    // Two elements; one with a size of its own; a still picture with the reduced header.
    (AV1, "280c08000000043d06d4daf90040302bc181400a0a810d870c8", SMALL),
    (AV1, "180a0b0000002d4cffb3ccaf9004", Some((1280, 720))),
    (AV1, "2808081821e836ad80403230b4c8002db6", SMALL),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn key_frames_of_real_encoders_and_their_sizes() {
    for (codec, hex, size) in KEY_FRAMES {
        assert_eq!(inspect(codec, &bytes(hex)), Inspected { key: true, size }, "{codec:?} {hex}");
    }
}

/// Cut anywhere, a payload tells nothing that the whole one does not.
#[test]
fn truncated_payloads_tell_less() {
    for (codec, hex, size) in KEY_FRAMES {
        let whole = bytes(hex);
        let mut told = 0;
        for cut in 0..whole.len() {
            let inspected = inspect(codec, &whole[..cut]);
            assert!(inspected.size.is_none() || inspected.size == size, "{codec:?} {hex} cut at {cut}");
            assert!(!inspected.key || cut > 1, "{codec:?} {hex} cut at {cut}");
            told += usize::from(inspected.key);
        }
        assert!(told > 0, "{codec:?} {hex}: what was cut off did not matter");
    }
}

/// Each byte replaced by each of some values, read as each format: nothing panics, and no size is absurd.
#[test]
fn altered_payloads_do_no_harm() {
    for (_, hex, _) in KEY_FRAMES {
        let whole = bytes(hex);
        for place in 0..whole.len() {
            for value in [0x00, 0x01, 0x03, 0x7f, 0x80, 0xff, whole[place] ^ 0x10, whole[place] ^ 0x40] {
                let mut altered = whole.clone();
                altered[place] = value;
                for codec in [VP8, VP9, H264, AV1] {
                    let Inspected { key, size } = inspect(codec, &altered);
                    assert!(size.is_none_or(|(width, height)| key && width > 0 && height > 0), "{altered:x?}");
                }
            }
        }
    }
}

#[test]
fn other_packets_are_no_key_frames() {
    let table: [(Codec, &str, &str); 22] = [
        (VP8, "808080010067009d012a4201b600", "S is not set"),
        (VP8, "918080010067009d012a4201b600", "the second partition"),
        (VP8, "9080800100670091012a4201b600", "no start code: encrypted, or no VP8"),
        (VP8, "90808001016700", "predicted"),
        (VP8, "10016700", "predicted"),
        (VP9, "48824983420014100b56", "predicted from another picture"),
        (VP9, "00824983420014100b56", "not the begin of a frame"),
        (VP9, "a8050300824983420014100b56", "no begin of frame, with layers: B is set, the spatial layer is 1"),
        (VP9, "08", "only a descriptor"),
        (H264, "41", "a slice"),
        (H264, "419a0205", "a slice"),
        (H264, "650a13", "a later slice of an IDR picture"),
        (H264, "7c05888409bf", "a later fragment"),
        (H264, "7c81888409bf", "a fragmented slice that is predicted"),
        (H264, "7c8508", "the first fragment of a later slice"),
        (H264, "180002410002419a", "slices together"),
        (H264, "1900006588", "another kind of aggregation"),
        (H264, "68cb8cb2", "a picture parameter set"),
        (H264, "67", "an empty parameter set"),
        (AV1, "100c08000000043d06d4daf90040", "no new sequence"),
        (AV1, "880c08000000043d06d4daf90040", "the rest of an element"),
        (AV1, "18", "no element"),
    ];
    for (codec, hex, why) in table {
        assert_eq!(inspect(codec, &bytes(hex)), Inspected::default(), "{codec:?} {hex}: {why}");
        assert_eq!(inspect(codec, &[]), Inspected::default());
    }
}

/// RFC 9628 section 4.2 with everything: fifteen bits of picture id, layers with and without TL0PICIDX, three spatial
/// layers with sizes, a group of pictures with references.
#[test]
fn vp9_descriptors() {
    let structure = "5b 0140 00b4 0280 0168 0500 02d0 02 04 01 08 01 02".replace("5b", "58");
    let table: [(&str, Size, bool); 12] = [
        (&format!("aa 05 00 07 {structure} 82"), Some((1280, 720)), true),
        (&format!("ba 8005 00 {structure} 82"), Some((1280, 720)), true),
        (&format!("aa 05 03 07 {structure} 82"), None, false),
        (&format!("aa 05 08 07 {structure} 82"), None, false),
        (&format!("aa 05 31 07 {structure} 82"), Some((1280, 720)), true),
        ("0a 00 824983420014100b56", SMALL, true),
        ("0a 10 0000 0168 82", None, true),
        ("0a 08 02 04 01 08 01 82", None, false),
        ("88 7f 824983420014100b56", SMALL, true),
        // Frame headers that tell no size: one that is shown again, one that is predicted, one without the sync code.
        ("08 8a4983420014100b56", None, true),
        ("08 864983420014100b56", None, true),
        ("08 824983430014100b56", None, true),
    ];
    for (hex, size, key) in table {
        assert_eq!(inspect(VP9, &bytes(hex)), Inspected { key, size }, "{hex}");
    }
}

/// Bytes written in codes: `1010` for bits, `5:12` for five bits that mean 12, `u7` for an exponential Golomb code. Zeros
/// fill the last byte.
fn coded(fields: &str) -> Vec<u8> {
    let mut bits = String::new();
    for field in fields.split_whitespace() {
        if let Some(code) = field.strip_prefix('u') {
            let code = code.parse::<u64>().expect("a number") + 1;
            let width = 2 * code.ilog2() as usize + 1;
            bits += &format!("{code:0width$b}");
        } else if let Some((width, number)) = field.split_once(':') {
            let (width, number) = (width.parse::<usize>().expect("a width"), number.parse::<u64>().expect("a number"));
            bits += &format!("{number:0width$b}");
        } else {
            bits += field;
        }
    }
    bits += "0000000";
    bits.as_bytes().chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0'))).collect()
}

/// A sequence parameter set of H.264.
fn sps(profile: u8, fields: &str) -> Vec<u8> {
    let mut bytes = vec![0x67, profile, 0, 31];
    for byte in coded(&format!("{fields} 1")) {
        bytes.push(byte);
        // As RFC 6184 senders do: nothing may look like a start code.
        if let [.., 0, 0, last @ 0..=3] = bytes[..] {
            bytes.pop();
            bytes.extend([3, last]);
        }
    }
    bytes
}

#[test]
fn h264_parameter_sets() {
    /// Of 2 x 3 macroblocks, in frames, not cropped.
    const PLAIN: &str = "u1 u2 1 1 0";
    let [short, long] = [16, 64].map(|entries| " u1".repeat(entries));
    let table: [(&str, u8, String, Size); 13] = [
        ("plain", 66, format!("u0 u0 u2 u1 0 {PLAIN}"), Some((32, 48))),
        ("order count 0", 66, format!("u0 u0 u0 u9 u1 0 {PLAIN}"), Some((32, 48))),
        ("order count 1, a cycle of 3", 66, format!("u0 u0 u1 0 u4 u7 u3 u1 u2 u3 u1 0 {PLAIN}"), Some((32, 48))),
        ("a cycle without end", 66, format!("u0 u0 u1 0 u4 u7 u4294967294 u1 u2 u3 u1 0 {PLAIN}"), None),
        ("scaling lists", 100, format!("u0 u1 u0 u0 0 1 0 1{short} 00000 1{long} u0 u2 u1 0 {PLAIN}"), Some((32, 48))),
        ("scaling lists that end", 100, format!("u0 u1 u0 u0 0 1 1 u16 0000000 u0 u2 u1 0 {PLAIN}"), Some((32, 48))),
        ("twelve of them", 244, format!("u0 u3 0 u0 u0 0 1 000000 00000 1 u16 u0 u2 u1 0 {PLAIN}"), Some((32, 48))),
        ("three planes apart", 244, "u0 u3 1 u0 u0 0 0 u0 u2 u1 0 u1 u2 1 1 1 u1 u2 u3 u4".into(), Some((29, 41))),
        ("fields, cropped", 66, "u0 u0 u2 u1 0 u1 u2 0 0 1 1 u1 u2 u3 u4".into(), Some((26, 68))),
        ("cropped to nothing", 66, "u0 u0 u2 u1 0 u1 u2 1 1 1 u8 u8 u0 u0".into(), None),
        ("cropped to less", 66, "u0 u0 u2 u1 0 u1 u2 1 1 1 u0 u0 u20 u20".into(), None),
        ("cropped by absurd numbers", 66, "u0 u0 u2 u1 0 u1 u2 1 1 1 u4294967294 u4294967294 u0 u0".into(), None),
        ("as wide as numbers go", 66, "u0 u0 u2 u1 0 u4294967294 u4294967294 1 1 0".into(), None),
    ];
    for (what, profile, fields, size) in table {
        assert_eq!(inspect(H264, &sps(profile, &fields)), Inspected { key: true, size }, "{what}");
    }
}

#[test]
fn h264_escapes_are_taken_out() {
    // Large numbers begin with zeros, which look like a start code.
    let escaped = sps(66, "u0 u0 u65535 u65535 0 u1 u2 1 1 0");
    assert!(escaped.windows(3).any(|bytes| bytes == [0, 0, 3]));
    assert_eq!(inspect(H264, &escaped).size, Some((32, 48)));
    // Any number may stand before it; a 3 behind less than two zeros is a 3.
    let numbers = (0..5_000).map(|number| sps(66, &format!("u0 u{number} u2 u1 0 u1 u2 1 1 0")));
    assert!(numbers.clone().any(|sps| sps.windows(2).any(|bytes| bytes[0] > 0 && bytes[1] == 3)));
    assert!(numbers.clone().all(|sps| inspect(H264, &sps).size == Some((32, 48))));
    // More than the buffer holds, in scaling lists: the rest is not read.
    let lists: String =
        [16, 16, 16, 16, 16, 16, 64, 64].map(|entries| format!("1{}", " u999999".repeat(entries))).join(" ");
    let long = sps(100, &format!("u0 u1 u0 u0 0 1 {lists} u0 u2 u1 0 u1 u2 1 1 0"));
    assert_eq!((inspect(H264, &long), long.len() > 1024), (Inspected { key: true, size: None }, true));
}

/// Names of the specification: `timing_info_present_flag`, `decoder_model_info_present_flag` and so on.
#[test]
fn av1_sequence_headers() {
    /// Nine and eight bits: 322 x 182.
    const SIDES: &str = "4:8 4:7 9:321 8:181";
    let table: [(&str, String); 9] = [
        ("plain", format!("0000 0 0 0 5:0 12:0 5:5 {SIDES}")),
        ("reduced", format!("0001 1 5:31 {SIDES}")),
        ("a tier", format!("0000 0 0 0 5:0 12:0 5:8 1 {SIDES}")),
        ("no tier", format!("0000 0 0 0 5:0 12:0 5:7 {SIDES}")),
        ("three operating points", format!("0000 0 0 0 5:2 12:4095 5:5 12:257 5:9 0 12:1 5:1 {SIDES}")),
        ("timing", format!("0000 0 1 32:1001 32:30000 0 0 0 5:0 12:0 5:5 {SIDES}")),
        ("equal intervals", format!("0000 0 1 32:1 32:30 1 u5 0 0 5:0 12:0 5:5 {SIDES}")),
        (
            "a decoder model",
            format!("0000 0 1 32:1 32:30 0 1 5:9 32:7 5:3 5:4 0 5:1 12:3 5:5 1 10:900 10:1 1 12:1 5:5 0 {SIDES}"),
        ),
        ("display delays", format!("0000 0 0 1 5:1 12:3 5:5 1 4:9 12:1 5:5 0 {SIDES}")),
    ];
    for (what, fields) in table {
        let header = coded(&fields);
        // As the only element, with an extension, with its own size, and behind another of 130 bytes.
        let long = [&[0x08, 0x82, 0x01, 0x28], &[0xff; 129][..], &[header.len() as u8 + 1, 0x08], &header].concat();
        for (shape, payload) in [
            ("alone", [&[0x18, 0x08], &header[..]].concat()),
            ("extended", [&[0x18, 0x0c, 0x40], &header[..]].concat()),
            ("sized", [&[0x18, 0x0a, header.len() as u8], &header[..], &[0; 5]].concat()),
            ("both", [&[0x18, 0x0e, 0x40, header.len() as u8], &header[..]].concat()),
            ("behind a long one", long),
        ] {
            assert_eq!(inspect(AV1, &payload), Inspected { key: true, size: SMALL }, "{what}, {shape}");
        }
    }
    for (why, hex) in [
        ("a length of four bytes", "08 80808001 08"),
        ("longer than the packet", "08 7f 08 000000043d06d4daf90040"),
        ("no sequence header", "28 02 3000 32bc"),
        ("an element without a header", "08 00 0c 08 000000043d06d4daf90040"),
    ] {
        assert_eq!(inspect(AV1, &bytes(hex)), Inspected { key: true, size: None }, "{why}");
    }
}

#[test]
fn sound_stands_alone() {
    for codec in [Codec::Opus, Codec::Pcmu, Codec::Pcma, Codec::G722] {
        assert_eq!(inspect(codec, &[]), Inspected { key: true, size: None });
    }
}

const MS: Duration = Duration::from_millis(1);

#[test]
fn a_hundred_viewers_in_a_second_cost_two_requests() {
    let start = Instant::now();
    let mut throttle = Throttle::new();
    let mut sent = Vec::new();
    for viewer in 0..100 {
        let now = start + 10 * viewer * MS;
        if throttle.due(now) || throttle.ask(now) == Ask::Send {
            sent.push(now);
        }
    }
    assert_eq!(sent, [start, start + KEY_FRAME_SPACING]);
    assert_eq!(throttle.deadline(), Some(start + 2 * KEY_FRAME_SPACING), "the last ones are waited for");
}

#[test]
fn a_wish_waits_no_longer_than_the_spacing() {
    let start = Instant::now();
    let mut throttle = Throttle::new();
    assert_eq!((throttle.deadline(), throttle.due(start)), (None, false));
    assert_eq!(throttle.ask(start), Ask::Send);
    assert_eq!(throttle.deadline(), None, "who was served waits for nothing");
    let due = start + KEY_FRAME_SPACING;
    assert_eq!(throttle.ask(start + MS), Ask::Wait(due));
    assert_eq!((throttle.due(due - MS), throttle.deadline()), (false, Some(due)));
    assert!(throttle.due(due));
    assert!(!throttle.due(due) && throttle.deadline().is_none(), "once");
    assert_eq!(throttle.ask(due + MS), Ask::Wait(due + KEY_FRAME_SPACING));
    throttle.arrived();
    assert!(!throttle.due(due + KEY_FRAME_SPACING), "the key frame served it");
    assert_eq!(throttle.ask(due + KEY_FRAME_SPACING), Ask::Send);
}

#[test]
fn a_source_is_unreadable_that_sends_and_never_answers() {
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let mut layer = Unreadable::new();
    assert!(!layer.burst(at(100), false), "nobody has asked");
    layer.asked(at(100));
    layer.asked(at(101));
    assert!(!layer.burst(at(102) - MS, false));
    assert!(layer.burst(at(102), false), "two seconds after the first request");
    assert!(layer.burst(at(103), false), "it stays so");
    assert!(!layer.burst(at(104), true), "a key frame was read");
    layer.asked(at(105));
    assert!(!layer.burst(at(117) - MS, false), "one that could be read is given more time");
    assert!(layer.burst(at(117), false));
}
