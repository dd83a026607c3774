use super::super::rtp::FIXED;
use super::super::srtp::Master;
use super::*;

struct Sender {
    srtp: Srtp,
    keys: Keys,
}

const PT: u8 = 96;
const RTX: u8 = 97;

impl Sender {
    fn new() -> Self {
        let (ours, theirs) = (Master { key: vec![1; 32], salt: [2; 12] }, Master { key: vec![3; 32], salt: [4; 12] });
        let keys = Keys { ours: theirs.clone(), theirs: ours.clone() };
        Self { srtp: Srtp::new(&str0m::crypto::from_feature_flags(), &ours, true), keys }
    }

    fn packet(&mut self, pt: u8, seq: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; FIXED];
        rtp::write_fixed(packet.first_chunk_mut().unwrap(), pt, false, seq as u16, 0, ssrc);
        let head = packet.clone();
        self.srtp.seal_rtp(&head, seq >> 16, payload, &mut packet).unwrap();
        packet
    }

    fn frame(&mut self, seq: u32, key: bool, frame: u32) -> Vec<Vec<u8>> {
        let part = |index| {
            let (stamp, mut payload) = (Stamp { nanos: 1_000, frame, index, count: 3 }, Vec::new());
            payload::vp8(&mut payload, 100, key, &stamp);
            payload
        };
        (0..3).map(|index| self.packet(PT, seq + u32::from(index), 5, &part(index))).collect()
    }
}

fn receiver(sender: &Sender) -> Receiver {
    let numbers = Numbers { video: vec![PT], rtx: vec![RTX], ..Numbers::default() };
    Receiver::new(&str0m::crypto::from_feature_flags(), &sender.keys, numbers, 0, Instant::now())
}

#[test]
fn a_key_frame_is_whole_when_its_last_packet_is_there_in_whatever_order() {
    let mut sender = Sender::new();
    let (mut receiver, mut tally, now) = (receiver(&sender), Tally::new(), Instant::now());
    let delta = sender.frame(65_530, false, 1);
    let [first, second, third] = sender.frame(65_534, true, 2).try_into().unwrap();
    let mut take = |packet: &[u8]| receiver.rtp(packet, 3_000, now, &mut tally);
    assert!(!delta.iter().any(|packet| take(packet)));
    assert_eq!([&first, &third, &second].map(|packet| take(packet)), [false, false, true]);
    assert!(receiver.key.is_none());
    assert_eq!((tally.packets, tally.unreadable, tally.foreign), (6, 0, 0));
    assert_eq!(tally.delay.max(), Duration::from_nanos(2_000));
    let mut counted = Counted::default();
    receiver.sum(&mut counted);
    assert_eq!((counted.expected, counted.received, counted.reordered), (7, 6, 1));
}

#[test]
fn then_one_packet_in_64_is_opened_and_what_is_altered_is_noticed() {
    let mut sender = Sender::new();
    let (mut receiver, mut tally, now) = (receiver(&sender), Tally::new(), Instant::now());
    for packet in sender.frame(0, true, 0) {
        receiver.rtp(&packet, 0, now, &mut tally);
    }
    let opened = tally.delay.count();
    for seq in 3..3 + 640 {
        receiver.rtp(&sender.packet(PT, seq, 5, b"no stamp"), 0, now, &mut tally);
    }
    assert_eq!((tally.foreign, tally.delay.count()), (10, opened));
    assert!(tally.check().is_err());
}

#[test]
fn what_is_lost_is_asked_for_and_recovered() {
    let mut sender = Sender::new();
    let (mut receiver, mut tally, now) = (receiver(&sender), Tally::new(), Instant::now());
    for seq in [10, 12] {
        receiver.rtp(&sender.packet(PT, seq, 5, &[]), 0, now, &mut tally);
    }
    let later = now + FEEDBACK;
    let sealed = receiver.feedback(later).unwrap().to_vec();
    let mut peer = Srtp::new(&str0m::crypto::from_feature_flags(), &sender.keys.ours, false);
    let mut said = Vec::new();
    peer.open_rtcp(&sealed, &mut said).unwrap();
    assert_eq!(said[8..], [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 11, 0, 0]);
    receiver.rtp(&sender.packet(RTX, 1, 6, &[0, 11, 9, 9]), 0, later, &mut tally);
    let mut counted = Counted::default();
    receiver.sum(&mut counted);
    assert_eq!((counted.expected, counted.received, counted.recovered), (3, 2, 1));
    assert_eq!(counted.loss(), 0.0);
    receiver.rtp(&sender.packet(RTX, 5, 6, &[0, 11, 9, 9]), 0, later, &mut tally);
    assert!(receiver.feedback(later + FEEDBACK).is_none(), "nothing is missing but retransmissions");
}
