use std::time::{Duration, Instant};

use mp4_atom::{Codec, Decode, Ftyp, Header, Moof, Moov};

use super::Fragments;
use super::pictures::{PICTURE, Picture, Pictures};
use super::records::MESSAGE;
use super::testing::{PPS, SPS, lengths, packet, parts, records, stap, unit};
use crate::burst::Packet;

const IDR: u8 = 0x65;
const SLICE: u8 = 0x41;

/// What comes of these packets: `time key bytes` of each picture.
fn run(packets: &[Packet]) -> Vec<String> {
    pictures(packets).iter().map(|one| format!("{} {} {}", one.time, one.key, one.data.len())).collect()
}

fn pictures(packets: &[Packet]) -> Vec<Picture> {
    let (mut pictures, now, mut out) = (Pictures::default(), Instant::now(), Vec::new());
    packets.iter().for_each(|packet| pictures.push(packet, now, &mut out));
    out
}

/// A key frame in one packet, and so many pictures of a packet each.
fn stream(first: u64, pictures: u64) -> Vec<Packet> {
    let key = packet(first, 0, true, &stap(&[SPS, PPS, &unit(IDR, 20)]));
    let rest = (1..=pictures).map(|at| packet(first + at, at as u32 * 3_000, true, &unit(SLICE, 10)));
    std::iter::once(key).chain(rest).collect()
}

#[test]
fn single_units_several_in_one_and_one_in_several_become_pictures() {
    let idr = unit(IDR, 5_000);
    let mut packets = vec![packet(7, 90, false, SPS), packet(8, 90, false, PPS)];
    let last = parts(&idr, 1_200).len() - 1;
    for (at, part) in parts(&idr, 1_200).iter().enumerate() {
        packets.push(packet(9 + at as u64, 90, at == last, part));
    }
    let slices = [unit(SLICE, 30), unit(SLICE, 40)];
    // A delimiter and filling are no part of a sample.
    packets.push(packet(14, 3_090, true, &stap(&[&[0x09, 0xf0], &slices[0], &slices[1], &[0x0c, 0xff, 0x80]])));
    let made = pictures(&packets);
    let [key, delta] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((key.time, key.key, delta.time, delta.key), (90, true, 3_090, false));
    assert_eq!(key.data, lengths(&[SPS, PPS, &idr]));
    assert_eq!(delta.data, lengths(&[&slices[0], &slices[1]]));
    let parameters = key.parameters.as_ref().expect("a key frame tells");
    assert_eq!((parameters.sps.concat(), parameters.pps.concat()), (SPS.to_vec(), PPS.to_vec()));
    assert_eq!((parameters.profile(), parameters.size()), ([0x42, 0xc0, 0x1e], Some((320, 240))));
}

#[test]
fn packets_that_overtake_each_other_are_put_in_order() {
    let mut packets = stream(100, 6);
    packets.swap(2, 3);
    packets.swap(4, 6);
    let expected: Vec<_> = run(&stream(100, 6));
    assert_eq!(expected.len(), 7);
    assert_eq!(run(&packets), expected);
    // Twice is once.
    packets.extend(stream(100, 6));
    assert_eq!(run(&packets), expected);
}

#[test]
fn a_loss_takes_all_until_the_next_key_frame() {
    let start = Instant::now();
    let (mut pictures, mut out) = (Pictures::default(), Vec::new());
    let mut packets = stream(100, 4);
    packets.remove(2);
    packets.iter().for_each(|packet| pictures.push(packet, start, &mut out));
    assert_eq!(out.len(), 2, "what is behind the gap waits");
    assert!(!pictures.is_skipping(), "the packet may still come");
    let later = start + Duration::from_millis(300);
    pictures.push(&packet(105, 15_000, true, &unit(SLICE, 10)), later, &mut out);
    assert_eq!((out.len(), pictures.is_skipping()), (2, true));
    // The one that was missing comes too late, and begins nothing.
    pictures.push(&packet(102, 6_000, true, &unit(SLICE, 10)), later, &mut out);
    stream(106, 2).iter().for_each(|packet| pictures.push(packet, later, &mut out));
    assert_eq!((out.len(), pictures.is_skipping()), (5, false));
    assert!(out[2].key);
}

#[test]
fn a_key_frame_behind_a_loss_is_not_waited_for_again() {
    let start = Instant::now();
    let (mut pictures, mut out) = (Pictures::default(), Vec::new());
    let mut packets = stream(100, 2);
    packets.extend(stream(104, 2));
    packets.iter().for_each(|packet| pictures.push(packet, start, &mut out));
    assert_eq!(out.len(), 3);
    let later = start + Duration::from_millis(300);
    pictures.push(&packet(107, 15_000, true, &unit(SLICE, 10)), later, &mut out);
    assert_eq!(out.iter().map(|one| one.key).collect::<Vec<_>>(), [true, false, false, true, false, false, false]);
}

#[test]
fn what_waits_is_bounded() {
    let (mut pictures, now, mut out) = (Pictures::default(), Instant::now(), Vec::new());
    let mut packets = stream(0, 1_000);
    packets.remove(1);
    packets.iter().for_each(|packet| pictures.push(packet, now, &mut out));
    assert_eq!((out.len(), pictures.is_skipping()), (1, true));
}

#[test]
fn nothing_begins_without_parameter_sets_and_an_idr_picture() {
    let idr = unit(IDR, 20);
    assert!(run(&[packet(1, 0, true, &idr), packet(2, 3_000, true, &unit(SLICE, 10))]).is_empty());
    // An encoder that refreshes its pictures piece by piece.
    let refresh = [packet(1, 0, true, &stap(&[SPS, PPS, &unit(SLICE, 20)])), packet(2, 3_000, true, &unit(SLICE, 10))];
    assert!(run(&refresh).is_empty());
    // They may come alone, and hold until others come.
    let apart = [
        packet(1, 0, true, &stap(&[SPS, PPS])),
        packet(2, 90, true, &idr),
        packet(3, 3_090, true, &unit(SLICE, 10)),
        packet(4, 6_090, true, &idr),
    ];
    let made = pictures(&apart);
    assert_eq!(made.iter().map(|one| one.key).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(made[2].data, lengths(&[SPS, PPS, &idr]), "a key frame has them before it");
}

#[test]
fn garbage_ends_the_picture_and_nothing_else() {
    let begun = || stream(0, 0);
    let bad: [&[u8]; 9] = [
        &[0x78, 0, 9, 1],
        &[0x78, 0, 1, 0x41, 7],
        &[0x7c, 0x41, 1, 2],
        &[0x7c],
        &[0x7c, 0x9c, 1],
        &[0x79, 0, 0],
        &[0x7d, 1],
        &[0x60, 1],
        &[0x7f],
    ];
    for payload in bad {
        let mut packets = begun();
        packets.push(packet(1, 3_000, true, payload));
        packets.push(packet(2, 6_000, true, &unit(SLICE, 10)));
        packets.extend(stream(3, 1));
        assert_eq!(run(&packets), ["0 true 44", "0 true 44", "3000 false 14"], "{payload:?}");
    }
    // A unit within a unit, and one that does not end.
    let pieces = parts(&unit(SLICE, 3_000), 1_000);
    for second in [&unit(SLICE, 10), &pieces[0], &unit(SLICE, 10)] {
        let mut packets = begun();
        packets.push(packet(1, 3_000, false, &pieces[0]));
        packets.push(packet(2, 3_000, true, second));
        packets.push(packet(3, 6_000, true, &unit(SLICE, 10)));
        assert_eq!(run(&packets), ["0 true 44"]);
    }
    // Padding is nothing.
    let mut packets = begun();
    packets.push(packet(1, 3_000, false, &[]));
    packets.push(packet(2, 3_000, true, &unit(SLICE, 10)));
    assert_eq!(run(&packets), ["0 true 44", "3000 false 14"]);
}

#[test]
fn a_picture_without_end_is_let_go_of() {
    let (mut pictures, now, mut out) = (Pictures::default(), Instant::now(), Vec::new());
    pictures.push(&stream(0, 0)[0], now, &mut out);
    let mut piece = parts(&unit(SLICE, 100_000), 1_000);
    piece.truncate(2);
    for seq in 1..u64::try_from(PICTURE / 1_000).expect("small") + 10 {
        pictures.push(&packet(seq, 3_000, false, &piece[usize::from(seq > 1)]), now, &mut out);
    }
    assert!(pictures.is_skipping());
}

/// All that comes of these packets.
fn sent(fragments: &mut Fragments, packets: &[Packet]) -> Vec<Vec<u8>> {
    pictures(packets).iter().flat_map(|picture| fragments.make(picture)).collect()
}

#[test]
fn fragments_are_read_back_box_by_box() {
    let mut packets = stream(0, 2);
    let big = unit(IDR, 40_000);
    packets[0] = packet(0, 0, true, &stap(&[SPS, PPS, &big]));
    let messages = sent(&mut Fragments::default(), &packets);
    assert!(messages.iter().all(|message| message.len() <= MESSAGE), "none is too long");
    assert!(messages.iter().all(|message| message.len() > 100), "and none is for nothing");
    let records = records(&messages);
    let kinds: Vec<_> = records.iter().map(|(kind, _)| *kind).collect();
    let fragment = [0xf9, 0xfc, 0xfb, 0xfe, 0xff];
    assert_eq!(kinds, [&[0xfa][..], &fragment, &fragment, &fragment].concat());
    let (codec, boxes) = records[0].1.split_at(4);
    assert_eq!(codec, [0xf1, 0x42, 0xc0, 0x1e], "pictures alone, avc1.42c01e");
    let mut boxes = boxes;
    Ftyp::decode(&mut boxes).expect("ftyp");
    let moov = Moov::decode(&mut boxes).expect("moov");
    assert!(boxes.is_empty());
    let track = &moov.trak[0];
    let Codec::Avc1(avc1) = &track.mdia.minf.stbl.stsd.codecs[0] else { panic!("{moov:?}") };
    assert_eq!((avc1.visual.width, avc1.visual.height), (320, 240));
    assert_eq!((&avc1.avcc.sequence_parameter_sets[0][..], avc1.avcc.length_size), (SPS, 4));
    assert_eq!(
        (track.mdia.mdhd.timescale, moov.mvex.expect("fragments").trex[0].track_id),
        (90_000, track.tkhd.track_id)
    );
    let mut end = 0;
    for (at, fragment) in records[1..].chunks(5).enumerate() {
        let [_, (_, picture), (_, moof_bytes), (_, mdat), _] = fragment else { panic!("five records") };
        let moof = Moof::decode(&mut &moof_bytes[..]).expect("moof");
        let traf = &moof.traf[0];
        let sample = traf.trun[0].samples.get(0).expect("one sample");
        let start = traf.tfdt.as_ref().expect("a time").base_media_decode_time;
        assert_eq!((moof.mfhd.sequence_number, start), (at as u32 + 1, end), "one behind the other");
        end = start + u64::from(sample.duration.expect("a span"));
        assert_eq!(sample.size, Some(picture.len() as u32));
        assert_eq!(sample.flags, Some(if at == 0 { 0x0200_0000 } else { 0x0101_0000 }));
        assert_eq!(traf.trun[0].data_offset, Some(moof_bytes.len() as i32 + 8));
        let head = Header::decode(&mut &mdat[..]).expect("a head");
        assert_eq!((head.kind, head.size), (b"mdat".into(), Some(picture.len())));
    }
}

#[test]
fn what_is_skipped_ends_with_a_key_frame() {
    let (mut pictures, now, mut out) = (Pictures::default(), Instant::now(), Vec::new());
    let mut packets = stream(0, 3);
    packets.extend(stream(4, 1));
    for (at, packet) in packets.iter().enumerate() {
        pictures.push(packet, now, &mut out);
        if at == 1 {
            pictures.skip(true);
        }
        assert_eq!(pictures.is_skipping(), (1..4).contains(&at), "{at}");
    }
    assert_eq!(out.iter().map(|one| one.key).collect::<Vec<_>>(), [true, false, true, false]);
}

#[test]
fn what_the_stream_is_is_told_at_first_and_when_it_changes() {
    let mut fragments = Fragments::default();
    let kinds = |messages: Vec<Vec<u8>>| records(&messages).iter().filter(|(kind, _)| *kind == 0xfa).count();
    assert_eq!(kinds(sent(&mut fragments, &stream(0, 1))), 1);
    assert_eq!(kinds(sent(&mut fragments, &stream(2, 1))), 0);
    let other = [SPS, &[0]].concat();
    let changed = packet(4, 9_000, true, &stap(&[&other, PPS, &unit(IDR, 20)]));
    assert_eq!(kinds(sent(&mut fragments, &[changed])), 1);
    // Parameter sets without a size are no beginning.
    let empty = packet(90, 0, true, &stap(&[&[0x67, 1], PPS, &unit(IDR, 20)]));
    assert!(pictures(&[empty]).is_empty());
    let delta = Picture { time: 0, key: false, data: vec![0; 9], parameters: None };
    assert!(Fragments::default().make(&delta).is_empty(), "nothing is sent before it");
}
