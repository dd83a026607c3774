//! When a picture is shown: a time line of a player's own, by the source's.
//!
//! A fragment is sent before it is known how long its picture stands, so that is guessed: as long as the one before. What the
//! guess was wrong by, the next picture makes up for: its time is where the last one ends, and its span leads to where the
//! source's clock will be. So there are no gaps, over which players stop, and no drift.

/// Ticks of a second, of H.264 in RTP and of our fragments.
pub(crate) const RATE: u32 = 90_000;
/// Longest span of one picture, and how far the two clocks may come apart, in ticks: half a second. Pauses beyond it (a
/// camera that was switched off, a picture that was lost) are left out, since a player that sat through them would be late ever
/// after; pauses below it are kept, since a slow stream would run too fast without them.
const APART: i64 = RATE as i64 / 2;
/// The span of a picture before which there was none: a thirtieth of a second.
const FIRST: i64 = RATE as i64 / 30;
/// No picture is without a span: a thousandth of a second keeps a burst of equal timestamps visible.
const LEAST: i64 = RATE as i64 / 1_000;

/// When a picture is shown, and for how long, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) length: u32,
}

/// The time line so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timing {
    /// The last picture's timestamp, and how far the source's clock was ahead of ours at that moment.
    last: Option<(u32, i64)>,
    /// Where the last picture ends.
    end: u64,
    /// How long pictures stand.
    guess: i64,
}

impl Timing {
    /// The span of the next picture, and the time line with it.
    pub(crate) fn next(self, time: u32) -> (Self, Span) {
        let Some((before, span)) = self.last else {
            let timing = Self { last: Some((time, FIRST)), end: self.end + FIRST as u64, guess: FIRST };
            return (timing, Span { start: self.end, length: FIRST as u32 });
        };
        let passed = i64::from(time.wrapping_sub(before) as i32);
        // The last picture began `span` before `end`; by the source's clock, this one begins `passed` behind it.
        let mut ahead = passed - span;
        let steady = ahead.abs() <= APART && passed > 0;
        let guess = if steady { passed.clamp(LEAST, APART) } else { self.guess };
        if !steady {
            ahead = 0;
        }
        let length = (ahead + guess).clamp(LEAST, 2 * APART);
        // What the source's clock has from this picture's beginning to its own end.
        let timing = Self { last: Some((time, length - ahead)), end: self.end + length as u64, guess };
        (timing, Span { start: self.end, length: length as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts and lengths, in milliseconds, of pictures with these timestamps, in milliseconds.
    fn run(times: &[u32]) -> Vec<(u64, u32)> {
        let mut timing = Timing::default();
        let mut spans = Vec::new();
        for time in times {
            let span;
            (timing, span) = timing.next(time.wrapping_mul(90).wrapping_sub(9_000));
            spans.push(span);
        }
        for pair in spans.windows(2) {
            assert_eq!(pair[0].start + u64::from(pair[0].length), pair[1].start, "no gap: {spans:?}");
        }
        spans.into_iter().map(|span| (span.start / 90, span.length / 90)).collect()
    }

    #[test]
    fn a_steady_source_keeps_its_pace_over_the_wrap_of_its_clock() {
        assert_eq!(run(&[0, 40, 80, 120, 160]), [(0, 33), (33, 46), (80, 40), (120, 40), (160, 40)]);
    }

    #[test]
    fn what_comes_early_or_late_is_made_up_for() {
        let spans = run(&[0, 40, 80, 100, 160, 200, 240]);
        // The fourth picture came after 20 milliseconds instead of 40: what was told cannot be taken back, the rest can.
        assert_eq!(spans[3], (120, 1));
        let last = spans.last().expect("there are some");
        assert!(last.0.abs_diff(240) <= 22, "{spans:?}");
        let end: u64 = run(&(0..1_000).map(|at| at * 33 + at % 7).collect::<Vec<_>>()).last().expect("some").0;
        assert!(end.abs_diff(999 * 33) < 60, "no drift: {end}");
    }

    #[test]
    fn pauses_are_left_out() {
        assert_eq!(run(&[0, 40, 80, 10_080, 10_120]), [(0, 33), (33, 46), (80, 40), (120, 40), (160, 40)]);
        // Another source, whose clock is behind.
        assert_eq!(run(&[10_000, 10_040, 10_080, 40, 80]), [(0, 33), (33, 46), (80, 40), (120, 40), (160, 40)]);
    }
}
