use super::*;

const MS: Duration = Duration::from_millis(1);

/// A stream of pictures and its clock; the first number is 100.
struct Stream {
    rewriter: Rewriter,
    now: Instant,
}

impl Stream {
    fn new() -> Self {
        Self { rewriter: Rewriter::new(100, 90_000), now: Instant::now() }
    }

    fn switch(&mut self, seq: u64, time: u32) {
        self.rewriter.switch(seq, time, self.now);
    }

    /// The number with which each goes out.
    fn seqs<const N: usize>(&mut self, seqs: [u64; N]) -> [Option<u64>; N] {
        seqs.map(|seq| self.rewriter.map(seq, 0, self.now).map(|(out, _)| out))
    }

    fn time(&mut self, seq: u64, time: u32) -> u32 {
        self.rewriter.map(seq, time, self.now).expect("it goes out").1
    }
}

#[test]
fn nothing_goes_out_before_a_layer_is_chosen() {
    let mut stream = Stream::new();
    stream.rewriter.skipped(3);
    assert_eq!(stream.seqs([0, 1, u64::MAX]), [None; 3]);
    stream.switch(7, 0);
    assert_eq!(stream.seqs([7, 8]), [Some(100), Some(101)]);
}

#[test]
fn the_first_number_has_fifteen_bits() {
    for (first, expected) in [(0, 0), (1, 1), (0x7fff, 0x7fff), (0x8000, 0), (0xffff, 0x7fff)] {
        let mut rewriter = Rewriter::new(first, 90_000);
        let now = Instant::now();
        rewriter.switch(70_000, 5, now);
        assert_eq!(rewriter.map(70_000, 5, now), Some((expected, 5)));
    }
}

#[test]
fn numbers_go_on_where_the_layer_changes() {
    let mut stream = Stream::new();
    stream.switch(65_534, 0);
    assert_eq!(stream.seqs([65_534, 65_535, 65_536]), [Some(100), Some(101), Some(102)]);
    stream.switch(12, 0);
    assert_eq!(stream.seqs([12, 13]), [Some(103), Some(104)]);
    stream.switch(1 << 40, 0);
    assert_eq!(stream.seqs([1 << 40, (1 << 40) + 1, 13, 65_537]), [Some(105), Some(106), None, None]);
    // Twice, with nothing between: no number is lost.
    stream.switch(5, 0);
    stream.switch(500, 0);
    assert_eq!(stream.seqs([500]), [Some(107)]);
}

#[test]
fn what_the_source_lost_stays_missing_and_can_be_filled() {
    let mut stream = Stream::new();
    stream.switch(10, 0);
    assert_eq!(stream.seqs([10, 13, 14]), [Some(100), Some(103), Some(104)]);
    assert_eq!(stream.seqs([12, 11]), [Some(102), Some(101)], "each lands where it belongs");
    assert_eq!(stream.seqs([11, 12, 13, 14, 10]), [None; 5], "once");
    assert_eq!(stream.seqs([15]), [Some(105)]);
}

#[test]
fn what_is_older_than_the_layer_is_refused() {
    let mut stream = Stream::new();
    stream.switch(10, 0);
    assert_eq!(stream.seqs([11, 9, 10, 0]), [Some(101), None, Some(100), None]);
    // The first packet of the new layer is missing; it may come late.
    stream.switch(50, 0);
    assert_eq!(stream.seqs([52, 49, 50, 51]), [Some(104), None, Some(102), Some(103)]);
}

#[test]
fn what_is_left_out_leaves_no_gap() {
    let mut stream = Stream::new();
    stream.switch(10, 0);
    assert_eq!(stream.seqs([10]), [Some(100)]);
    stream.rewriter.skipped(11);
    stream.rewriter.skipped(12);
    assert_eq!(stream.seqs([13, 12, 11, 14]), [Some(101), None, None, Some(102)]);
    stream.rewriter.skipped(15);
    assert_eq!(stream.seqs([16, 13, 17]), [Some(103), None, Some(104)]);
    // Left out late: the gap is there already.
    assert_eq!(stream.seqs([19]), [Some(106)]);
    stream.rewriter.skipped(18);
    assert_eq!(stream.seqs([20, 18]), [Some(107), Some(105)]);
    // The first of a layer.
    stream.switch(900, 0);
    stream.rewriter.skipped(900);
    assert_eq!(stream.seqs([901, 900]), [Some(108), None]);
}

/// Packets that were lost before and behind one that was left out still find their places.
#[test]
fn late_packets_know_what_was_left_out_since() {
    let mut stream = Stream::new();
    stream.switch(10, 0);
    assert_eq!(stream.seqs([10]), [Some(100)]);
    stream.rewriter.skipped(13);
    assert_eq!(stream.seqs([17]), [Some(106)]);
    stream.rewriter.skipped(18);
    assert_eq!(stream.seqs([20]), [Some(108)]);
    assert_eq!(
        stream.seqs([11, 12, 13, 14, 15, 16, 18, 19]),
        [Some(101), Some(102), None, Some(103), Some(104), Some(105), None, Some(107)]
    );
}

#[test]
fn the_memory_of_what_was_left_out_is_bounded() {
    let mut stream = Stream::new();
    stream.switch(0, 0);
    // Of each four, the second is lost and the fourth left out.
    for round in 0..100 {
        assert_eq!(stream.seqs([4 * round, 4 * round + 2]), [Some(100 + 3 * round), Some(102 + 3 * round)]);
        stream.rewriter.skipped(4 * round + 3);
    }
    assert_eq!(stream.rewriter.older.len(), RUNS);
    // A row of them is one.
    for seq in 400..500 {
        stream.rewriter.skipped(seq);
    }
    assert_eq!(stream.rewriter.older[0].from, 4 * (100 - RUNS as u64));
    let forgotten = 100 - RUNS as u64;
    assert_eq!(stream.seqs([4 * forgotten + 1, 4 * forgotten - 3]), [Some(101 + 3 * forgotten), None]);
}

#[test]
fn what_is_too_old_to_know_is_refused() {
    let window = WINDOW as u64;
    let mut stream = Stream::new();
    stream.switch(0, 0);
    for seq in (0..3 * window).step_by(2) {
        assert_eq!(stream.seqs([seq]), [Some(100 + seq)]);
    }
    let last = 3 * window - 2;
    assert_eq!(stream.seqs([last + 1 - window, last - 1 - window, 1]), [Some(101 + last - window), None, None]);
    assert_eq!(stream.seqs([last + 1 - window]), [None], "once");
}

#[test]
fn a_long_gap_is_closed() {
    let mut stream = Stream::new();
    stream.switch(0, 0);
    assert_eq!(stream.seqs([0, LONGEST_GAP + 1]), [Some(100), Some(101 + LONGEST_GAP)]);
    let next = LONGEST_GAP + 2;
    assert_eq!(stream.seqs([next + LONGEST_GAP + 1]), [Some(102 + LONGEST_GAP)], "one more is too many");
    assert_eq!(stream.seqs([next, next + LONGEST_GAP]), [None, None], "nothing of it comes any more");
    // Absurd leaps: what follows goes on, and the viewer's count of cycles is safe.
    assert_eq!(stream.seqs([1 << 20, 1 << 50, u64::MAX - 1]), [103, 104, 105].map(|out| Some(out + LONGEST_GAP)));
    assert_eq!(stream.seqs([u64::MAX, 0, u64::MAX - 1]), [None; 3], "there is no number after the last");
    stream.switch(u64::MAX, 0);
    assert_eq!(stream.seqs([u64::MAX]), [None]);
    stream.rewriter.skipped(u64::MAX);
    stream.switch(3, 0);
    stream.rewriter.skipped(1 << 33);
    assert_eq!(stream.seqs([3, 1 << 33, (1 << 33) + 1]), [None, None, Some(106 + LONGEST_GAP)]);
}

#[test]
fn time_goes_on_as_it_has_passed() {
    let mut stream = Stream::new();
    stream.switch(10, 1_000);
    assert_eq!(stream.time(10, 1_000), 1_000, "the first layer's own");
    stream.now += 33 * MS;
    assert_eq!(stream.time(11, 4_000), 4_000);
    // Another layer, 40 ms later, whose time is anywhere.
    stream.now += 40 * MS;
    stream.switch(70, 0xffff_ff00);
    assert_eq!(stream.time(70, 0xffff_ff00), 4_000 + 3_600);
    assert_eq!(stream.time(71, 0x0000_0100), 7_600 + 0x200, "its own steps, over the wrap");
    // A packet that comes late does not count as the last one, neither its time nor its coming.
    stream.now += 10 * MS;
    assert_eq!(stream.time(74, 0x0000_0200), 7_600 + 0x300);
    stream.now += 10 * MS;
    assert_eq!(stream.time(73, 0x0000_0180), 7_600 + 0x280);
    stream.now += 10 * MS;
    stream.switch(5, 0);
    assert_eq!(stream.time(5, 0), 7_600 + 0x300 + 1_800);
}

#[test]
fn time_never_stands_still_or_runs_back_at_a_change() {
    let mut stream = Stream::new();
    stream.switch(0, u32::MAX);
    assert_eq!(stream.time(0, u32::MAX), u32::MAX);
    stream.switch(100, 5);
    assert_eq!(stream.time(100, 5), 0, "one tick, over the wrap");
    // A moment before the last one.
    stream.now -= 5 * MS;
    stream.switch(200, 5);
    assert_eq!(stream.time(200, 5), 1);
    // A source whose times run back and forth: the largest counts.
    assert_eq!((stream.time(201, 1_005), stream.time(202, 505)), (1_001, 501));
    stream.switch(300, 5);
    assert_eq!(stream.time(300, 5), 1_002);
    // A pause of ten hours is one of three.
    stream.now += Duration::from_secs(36_000);
    stream.switch(400, 5);
    assert_eq!(stream.time(400, 5), 1_002 + (1 << 30));
}

#[test]
fn each_clock_has_its_rate() {
    for (rate, ticks) in [(90_000, 90_000), (48_000, 48_000), (8_000, 8_000)] {
        let (mut rewriter, now) = (Rewriter::new(0, rate), Instant::now());
        rewriter.switch(0, 0, now);
        rewriter.map(0, 0, now);
        let now = now + Duration::from_secs(1);
        rewriter.switch(9, 77, now);
        assert_eq!(rewriter.map(9, 77, now), Some((1, ticks)));
    }
}

mod vp8 {
    use super::*;
    use crate::vp8::{Descriptor, PictureId};

    fn long(value: u16) -> Descriptor {
        let picture_id = Some(PictureId { value, long: true });
        Descriptor { start: true, picture_id, tl0_pic_idx: Some(value as u8), len: 6 }
    }

    fn short(value: u16) -> Descriptor {
        let picture_id = Some(PictureId { value, long: false });
        Descriptor { start: true, picture_id, tl0_pic_idx: None, len: 3 }
    }

    fn bare() -> Descriptor {
        Descriptor { start: true, picture_id: None, tl0_pic_idx: None, len: 1 }
    }

    fn pictures<const N: usize>(rewriter: &mut Vp8Rewriter, descriptors: [Descriptor; N]) -> [Option<u16>; N] {
        descriptors.map(|descriptor| rewriter.map(&descriptor).picture_id)
    }

    #[test]
    fn picture_ids_go_on_where_the_layer_changes() {
        let mut vp8 = Vp8Rewriter::new();
        assert_eq!(pictures(&mut vp8, [long(0x7ffe), long(0x7fff), long(0)]), [0x7ffe, 0x7fff, 0].map(Some));
        vp8.switch();
        assert_eq!(pictures(&mut vp8, [long(500), long(500), long(501)]), [1, 1, 2].map(Some));
        vp8.switch();
        // Over the wrap of the source, and of what goes out.
        assert_eq!(pictures(&mut vp8, [long(0x7fff), long(0), long(2), long(1)]), [3, 4, 6, 5].map(Some));
        vp8.switch();
        assert_eq!(pictures(&mut vp8, [long(9)]), [Some(7)], "a late packet is not the last one");
    }

    #[test]
    fn a_picture_id_keeps_its_width() {
        let mut vp8 = Vp8Rewriter::new();
        assert_eq!(pictures(&mut vp8, [long(0x1234)]), [Some(0x1234)]);
        vp8.switch();
        assert_eq!(pictures(&mut vp8, [short(0), short(127), short(3)]), [0x35, 0x34, 0x38].map(Some));
        vp8.switch();
        assert_eq!(pictures(&mut vp8, [short(100), short(101)]), [0x39, 0x3a].map(Some));
        // The source needs more bits.
        assert_eq!(pictures(&mut vp8, [long(102)]), [Some(0x3b)]);
    }

    #[test]
    fn what_is_not_there_is_not_written() {
        let mut vp8 = Vp8Rewriter::new();
        assert_eq!(vp8.map(&bare()), Vp8Numbers::default());
        assert_eq!(vp8.map(&short(5)), Vp8Numbers { picture_id: Some(5), tl0_pic_idx: None });
        vp8.switch();
        assert_eq!(vp8.map(&bare()), Vp8Numbers::default());
        assert_eq!(
            vp8.map(&long(300)),
            Vp8Numbers { picture_id: Some(6), tl0_pic_idx: Some(44) },
            "its own, the first"
        );
    }

    #[test]
    fn base_layer_numbers_go_on_and_wrap() {
        let mut vp8 = Vp8Rewriter::new();
        let mut base = |value| vp8.map(&long(value)).tl0_pic_idx;
        assert_eq!([base(254), base(255)], [Some(254), Some(255)]);
        vp8.switch();
        let mut base = |value| vp8.map(&long(value)).tl0_pic_idx;
        assert_eq!([base(17), base(18), base(17)], [Some(0), Some(1), Some(0)]);
        vp8.switch();
        assert_eq!(vp8.map(&long(17)).tl0_pic_idx, Some(2));
    }
}
