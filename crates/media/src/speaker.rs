//! Who speaks: from the audio levels that sources put beside their packets (RFC 6464), so that no sound is decoded.
//!
//! Levels are attenuations in decibels below the loudest possible sound: 0 is the loudest, 127 is silence.

use std::time::{Duration, Instant};

/// How often a source's loudness is told. More often shows every syllable, less often lags behind lips.
pub const PERIOD: Duration = Duration::from_millis(200);
/// What is told of a source that sends nothing.
pub const SILENCE: u8 = 127;

/// The weakest loudness that is taken for speech. Speech into a headset has 20 to 40, a quiet room 60 to 90. Weaker
/// makes fans speakers, louder leaves out who sits far from the microphone.
const SPEECH: u8 = 50;
/// Periods of speech after which a source may become the speaker. More changes late; fewer lets a cough, which may touch
/// three, change the picture of everybody.
const ATTACK: u8 = 4;
/// What of its speech a source is remembered for at most, in periods; each without speech takes one. More lets one who
/// has spoken long return at once, fewer takes every pause for the end.
const REMEMBERED: u8 = 10;
/// Periods without speech after which the speaker is taken to have ended. Fewer hands the place over between two words,
/// more keeps it from who answers.
const RELEASE: u8 = 3;
/// How much louder, in decibels, another has to be while the speaker speaks. More never lets anybody interrupt, less
/// changes to and fro between two who are about as loud.
const LOUDER: u8 = 6;
/// How slowly the loudness follows that is compared: by one part in this many per period. More lets an interruption wait
/// for seconds, less compares words, in which each of two is the louder one by turns.
const SMOOTHING: i32 = 8;

/// The speakers of one conversation. `K` names a source.
///
/// There is at most one *dominant* speaker. It changes when another source has spoken for [`ATTACK`] periods, and the
/// present one has ended or is clearly less loud. In silence the last one stays.
#[derive(Clone, Debug)]
pub struct Speakers<K> {
    sources: Vec<Source<K>>,
    dominant: Option<K>,
    /// When the period that is being heard ends.
    until: Option<Instant>,
}

#[derive(Clone, Debug)]
struct Source<K> {
    key: K,
    /// Of this period: the sum of its levels, and how many.
    sum: u32,
    count: u32,
    /// Of the last period.
    loudness: u8,
    /// Attenuation in sixteenths of a decibel, slowly. All that is no speech counts alike, so that nobody is slower for
    /// having been silent.
    smooth: i32,
    /// Periods of speech, less those of silence.
    spoken: u8,
    /// Periods since the last one of speech.
    silent: u8,
}

impl<K: Copy + PartialEq> Speakers<K> {
    /// Nobody speaks.
    #[must_use]
    pub const fn new() -> Self {
        Self { sources: Vec::new(), dominant: None, until: None }
    }

    /// A packet of `source` has this level; more than 127, which seven bits cannot hold, is silence.
    pub fn hear(&mut self, source: K, level: u8, now: Instant) {
        self.until.get_or_insert(now + PERIOD);
        let level = u32::from(level.min(SILENCE));
        match self.sources.iter_mut().find(|known| known.key == source) {
            Some(known) => {
                known.sum = known.sum.saturating_add(level);
                known.count = known.count.saturating_add(1);
            }
            None => self.sources.push(Source {
                key: source,
                sum: level,
                count: 1,
                loudness: SILENCE,
                smooth: i32::from(SPEECH) * 16,
                spoken: 0,
                silent: RELEASE,
            }),
        }
    }

    /// Only these sources are left.
    pub fn retain(&mut self, is_left: impl Fn(K) -> bool) {
        self.sources.retain(|known| is_left(known.key));
        self.dominant = self.dominant.filter(|dominant| is_left(*dominant));
    }

    /// When [`Speakers::end_period`] is to be called next; never while nobody has been heard.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }

    /// Ends the period if its time is over; whether it was. Then [`loudness`](Self::loudness) and
    /// [`dominant`](Self::dominant) tell something new.
    pub fn end_period(&mut self, now: Instant) -> bool {
        let Some(until) = self.until.filter(|until| *until <= now) else { return false };
        // One period for each call: what nobody looked at in time is not made up for.
        self.until = Some(if now < until + PERIOD { until + PERIOD } else { now + PERIOD });
        for source in &mut self.sources {
            source.end_period();
        }
        let present = self.dominant.and_then(|key| self.sources.iter().find(|source| source.key == key));
        if let Some(challenger) = self.challenger()
            && present.is_none_or(|present| present.yields_to(challenger))
        {
            self.dominant = Some(challenger.key);
        }
        true
    }

    /// The loudness of each source over the last period: the mean of its levels, 0 to 127.
    pub fn loudness(&self) -> impl Iterator<Item = (K, u8)> {
        self.sources.iter().map(|source| (source.key, source.loudness))
    }

    /// Who [`dominant`](Self::dominant) names: how loud it was over the last period, and whether it has not ended yet.
    #[must_use]
    pub fn said(&self) -> Option<(K, u8, bool)> {
        let is_it = |source: &&Source<K>| self.dominant == Some(source.key);
        self.sources.iter().find(is_it).map(|source| (source.key, source.loudness, source.silent < RELEASE))
    }

    /// Who speaks, or spoke last; `None` before anybody did, and after the last speaker has gone.
    #[must_use]
    pub fn dominant(&self) -> Option<K> {
        self.dominant
    }

    /// The loudest of the others that speak; of equals the one that came first.
    fn challenger(&self) -> Option<&Source<K>> {
        let others = self.sources.iter().filter(|source| self.dominant != Some(source.key));
        others.filter(|source| source.spoken >= ATTACK && source.silent == 0).min_by_key(|source| source.smooth)
    }
}

impl<K: Copy + PartialEq> Default for Speakers<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Source<K> {
    fn end_period(&mut self) {
        self.loudness = self.sum.checked_div(self.count).map_or(SILENCE, |mean| mean as u8);
        (self.sum, self.count) = (0, 0);
        self.smooth += (i32::from(self.loudness.min(SPEECH)) * 16 - self.smooth) / SMOOTHING;
        if self.loudness <= SPEECH {
            self.spoken = (self.spoken + 1).min(REMEMBERED);
            self.silent = 0;
        } else {
            self.spoken = self.spoken.saturating_sub(1);
            self.silent = self.silent.saturating_add(1);
        }
    }

    fn yields_to(&self, other: &Self) -> bool {
        self.silent >= RELEASE || self.smooth - other.smooth > i32::from(LOUDER) * 16
    }
}

#[cfg(test)]
mod tests;
