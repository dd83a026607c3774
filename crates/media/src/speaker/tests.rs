use super::*;

/// A conversation of sources with letters for names, with packets every 20 ms.
struct Talk {
    speakers: Speakers<char>,
    now: Instant,
}

impl Talk {
    fn new() -> Self {
        Self { speakers: Speakers::new(), now: Instant::now() }
    }

    /// For so many periods these sources have these levels; who is dominant after each.
    fn go(&mut self, periods: u32, levels: &[(char, u8)]) -> String {
        let mut dominant = String::new();
        for _ in 0..periods {
            for _ in 0..10 {
                for (source, level) in levels {
                    self.speakers.hear(*source, *level, self.now);
                }
                self.now += PERIOD / 10;
            }
            assert!(self.speakers.end_period(self.now));
            dominant.push(self.speakers.dominant().unwrap_or('-'));
        }
        dominant
    }
}

#[test]
fn who_speaks_becomes_dominant_and_stays_in_silence() {
    let mut talk = Talk::new();
    assert_eq!(talk.go(3, &[('a', 90), ('b', SILENCE)]), "---");
    assert_eq!(talk.go(6, &[('a', 90), ('b', 30)]), "---bbb");
    assert_eq!(talk.go(20, &[('a', 90), ('b', 90)]), "b".repeat(20));
    assert_eq!(talk.go(6, &[('a', 30), ('b', 90)]), "bbbaaa");
}

#[test]
fn a_cough_changes_nothing() {
    let mut talk = Talk::new();
    talk.go(20, &[('a', 35), ('b', 80)]);
    assert_eq!(talk.go(3, &[('a', 35), ('b', 0)]), "aaa");
    assert_eq!(talk.go(5, &[('a', 35), ('b', 80)]), "aaaaa");
    assert_eq!(talk.go(3, &[('a', 80), ('b', 0)]), "aaa", "nor in a pause");
    assert_eq!(talk.go(9, &[('a', 80), ('b', 80)]), "aaaaaaaaa");
    // Nor is it the first word of a conversation.
    assert_eq!(Talk::new().go(3, &[('b', 0)]), "---");
}

#[test]
fn a_tie_does_not_flap() {
    let mut talk = Talk::new();
    assert_eq!(talk.go(6, &[('a', 30), ('b', 30)]), "---aaa", "who came first");
    assert_eq!(talk.go(50, &[('b', 29), ('a', 31)]), "a".repeat(50));
    assert_eq!(talk.go(20, &[('b', 29), ('a', 31), ('c', 31)]), "a".repeat(20), "nor is who comes louder");
    for _ in 0..25 {
        assert_eq!(talk.go(2, &[('b', 24), ('a', 36)]), "aa");
        assert_eq!(talk.go(2, &[('b', 36), ('a', 24)]), "aa");
    }
}

#[test]
fn a_clearly_louder_one_interrupts() {
    let mut talk = Talk::new();
    talk.go(20, &[('a', 40), ('b', 80)]);
    assert_eq!(talk.go(20, &[('a', 40), ('b', 34)]), "a".repeat(20), "by six it is not enough");
    let mut talk = Talk::new();
    talk.go(20, &[('a', 40), ('b', 41), ('c', 42)]);
    let dominant = talk.go(20, &[('a', 40), ('b', 32), ('c', 20)]);
    assert!(dominant.starts_with("aa") && dominant.ends_with("cccccccccc") && !dominant.contains('b'), "{dominant}");
}

#[test]
fn pauses_between_words_keep_the_place() {
    let mut talk = Talk::new();
    talk.go(10, &[('a', 30), ('b', 90)]);
    // The other speaks as well, but is less loud; the speaker pauses for two periods at a time.
    for _ in 0..10 {
        assert_eq!(talk.go(2, &[('a', 30), ('b', 45)]), "aa");
        assert_eq!(talk.go(2, &[('a', 48), ('b', 48)]), "aa");
        assert_eq!(talk.go(2, &[('a', 51), ('b', 49)]), "aa");
    }
}

#[test]
fn loudness_is_the_mean_of_a_period() {
    let mut talk = Talk::new();
    for level in [10, 20, 60] {
        talk.speakers.hear('a', level, talk.now);
        talk.speakers.hear('b', 255, talk.now);
    }
    let end = talk.now + PERIOD;
    assert!(!talk.speakers.end_period(end - Duration::from_millis(1)));
    assert_eq!((talk.speakers.deadline(), talk.speakers.end_period(end)), (Some(end), true));
    assert_eq!(talk.speakers.loudness().collect::<Vec<_>>(), [('a', 30), ('b', SILENCE)]);
    // Who sends nothing is silent.
    assert!(talk.speakers.end_period(end + PERIOD));
    assert_eq!(talk.speakers.loudness().collect::<Vec<_>>(), [('a', SILENCE), ('b', SILENCE)]);
    // A call that is late shortens the next period; one that is later ends one only.
    for (late, next) in [(5, 10), (9, 10), (10, 20), (100, 110)] {
        let mut speakers = talk.speakers.clone();
        assert!(speakers.end_period(end + 2 * PERIOD + late * PERIOD / 10));
        assert_eq!(speakers.deadline(), Some(end + 2 * PERIOD + next * PERIOD / 10), "{late}");
    }
}

#[test]
fn who_has_gone_is_forgotten() {
    let mut talk = Talk::new();
    assert_eq!((talk.speakers.deadline(), talk.speakers.end_period(talk.now)), (None, false));
    talk.go(10, &[('a', 30), ('b', 35), ('c', 60)]);
    talk.speakers.retain(|source| source != 'c');
    assert_eq!(talk.speakers.dominant(), Some('a'));
    talk.speakers.retain(|source| source != 'a');
    assert_eq!(talk.speakers.dominant(), None);
    assert_eq!(talk.go(1, &[('b', 35)]), "b");
    assert_eq!(talk.speakers.loudness().count(), 1);
}
