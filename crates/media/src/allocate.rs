//! How one viewer's bandwidth is shared among its tracks.
//!
//! Sound comes first. Then each track of pictures gets its lowest layer, in order, and only when all have it the
//! tracks rise, one layer each per round, as far as there is bandwidth.

use std::time::{Duration, Instant};

use crate::select::LAYERS;

mod loss;

pub use loss::LossEstimate;

/// How much more than the higher layers need, in percent, has to be there before anything rises: rates of layers and
/// estimates vary that much by themselves. More leaves bandwidth unused, less rises and falls by turns, which costs a
/// key frame each time.
const MARGIN: u64 = 15;
/// How long it has to be there, and how long nothing resumes after a fall. Longer shows a worse picture than needed
/// after each dip, shorter takes a peak of the estimate for bandwidth.
const HOLD: Duration = Duration::from_secs(2);
/// Who falls again so soon after a rise has risen in vain: on a network that bears a layer almost, each attempt is a key
/// frame that fills its queue. The next attempt then waits twice as long after the fall as the last one, up to
/// [`PATIENCE`]. A longer trial takes a later dip for the same failure, a shorter one lets the picture change to and fro.
const TRIAL: Duration = Duration::from_secs(12);
/// More spares a narrow network, less finds out sooner that it has become a wide one.
const PATIENCE: Duration = Duration::from_secs(20);

/// One track of pictures that the viewer wants.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Bits per second of each layer, lowest first; 0 where none is sent. More than [`LAYERS`] are not looked at. Over
    /// some seconds rather than one: a key frame is no reason to fall, since that costs another one.
    pub layers: &'a [u64],
    /// The highest layer that may be chosen; where only higher ones are sent, the lowest of them is.
    pub cap: Option<u8>,
    /// The layer to send: as it was before, then as it is decided. `None`: nothing, because there is no bandwidth.
    pub target: Option<u8>,
}

/// Decides which layers one viewer is sent.
///
/// Down at once, when the estimate is less than what is sent needs; up when it has been [`MARGIN`] percent more than
/// the higher layers need for [`HOLD`], and not too soon after a rise in vain ([`TRIAL`]). A track that is new gets its lowest layer at once where it fits, and others
/// fall for it.
#[derive(Clone, Debug)]
pub struct Allocator {
    /// Since when there is enough to rise.
    rising: Option<Instant>,
    fell: Option<Instant>,
    /// When it last rose, as long as that is on trial.
    rose: Option<Instant>,
    /// How long after a fall nothing rises.
    patience: Duration,
    /// Kept to allocate only once.
    scratch: Vec<Option<u8>>,
}

impl Allocator {
    /// Nothing has been decided.
    #[must_use]
    pub const fn new() -> Self {
        Self { rising: None, fell: None, rose: None, patience: HOLD, scratch: Vec::new() }
    }

    /// Sets the target of each track, in the order in which they matter, and returns the bitrate that all of them would
    /// need at their best: what the estimator has reason to probe for. All rates are bits per second; `audio` is what
    /// sound takes. The first track is never paused: a viewer that gets too much for its estimate sees more than one
    /// that gets nothing.
    pub fn allocate(&mut self, now: Instant, estimate: u64, audio: u64, tracks: &mut [Wanted<'_>]) -> u64 {
        let budget = estimate.saturating_sub(audio);
        for track in &mut *tracks {
            track.target = track.target.map(|target| track.nearest(target));
        }
        let need = sum(tracks.iter().map(|track| track.target.map_or(0, |target| track.bps(target))));
        let mut fits = std::mem::take(&mut self.scratch);
        if need > budget {
            fit(budget, tracks, &mut fits);
            for (track, fits) in tracks.iter_mut().zip(&fits) {
                track.target = track.target.min(*fits);
            }
            if self.rose.take().is_some_and(|rose| now.saturating_duration_since(rose) < TRIAL) {
                self.patience = (self.patience * 2).min(PATIENCE);
            }
            (self.rising, self.fell) = (None, Some(now));
        } else {
            if self.rose.take_if(|rose| now.saturating_duration_since(*rose) >= TRIAL).is_some() {
                self.patience = HOLD;
            }
            fit(without_margin(budget), tracks, &mut fits);
            self.begin(now, tracks, &fits);
            self.rise(now, tracks, &fits);
        }
        // Whatever there is, the first one stays.
        if let Some(first) = tracks.first_mut().filter(|track| track.target.is_none()) {
            first.target = Some(first.lowest());
        }
        self.scratch = fits;
        audio.saturating_add(with_margin(sum(tracks.iter().map(Wanted::best))))
    }

    /// Tracks without a layer get their lowest, if all can; the others fall for them as far as it takes.
    fn begin(&self, now: Instant, tracks: &mut [Wanted<'_>], fits: &[Option<u8>]) {
        let settled = self.fell.is_none_or(|fell| now.saturating_duration_since(fell) >= HOLD);
        let begins = tracks.iter().zip(fits).any(|(track, fits)| track.target.is_none() && fits.is_some());
        if !settled || !begins {
            return;
        }
        for (track, fits) in tracks.iter_mut().zip(fits) {
            let lowest = track.lowest();
            track.target = match (track.target, *fits) {
                (None, fits) => fits.map(|_| lowest),
                (Some(target), fits) => Some(target.min(fits.unwrap_or(lowest))),
            };
        }
    }

    fn rise(&mut self, now: Instant, tracks: &mut [Wanted<'_>], fits: &[Option<u8>]) {
        let higher = tracks.iter().zip(fits).any(|(track, fits)| track.target.is_some() && track.target < *fits);
        if !higher {
            self.rising = None;
            return;
        }
        let since = *self.rising.get_or_insert(now);
        let again = self.fell.is_none_or(|fell| now.saturating_duration_since(fell) >= self.patience);
        if !again || now.saturating_duration_since(since) < HOLD {
            return;
        }
        (self.rising, self.rose) = (None, Some(now));
        // Nobody ends here: where somebody fits above the lowest, all fit.
        for (track, fits) in tracks.iter_mut().zip(fits) {
            track.target = *fits;
        }
    }
}

impl Default for Allocator {
    fn default() -> Self {
        Self::new()
    }
}

impl Wanted<'_> {
    /// The layers that are sent and not above the cap, lowest first; if there is none, the lowest that is sent.
    fn choices(&self) -> impl DoubleEndedIterator<Item = u8> {
        let sent = |layer: &u8| self.bps(*layer) > 0;
        let lowest = (0..LAYERS).find(sent).unwrap_or(0);
        let cap = self.cap.map_or(LAYERS - 1, |cap| cap.clamp(lowest, LAYERS - 1));
        (0..=cap).filter(sent)
    }

    /// Of a track that has sent nothing yet, layer 0.
    fn lowest(&self) -> u8 {
        self.choices().next().unwrap_or(0)
    }

    fn best(&self) -> u64 {
        self.choices().map(|layer| self.bps(layer)).max().unwrap_or(0)
    }

    /// The layer itself if it may be chosen, else the next lower, else the lowest.
    fn nearest(&self, layer: u8) -> u8 {
        self.choices().rfind(|choice| *choice <= layer).unwrap_or_else(|| self.lowest())
    }

    fn next_higher(&self, layer: u8) -> Option<u8> {
        self.choices().find(|choice| *choice > layer)
    }

    fn bps(&self, layer: u8) -> u64 {
        self.layers.get(usize::from(layer)).copied().unwrap_or(0)
    }
}

/// The fairest choice that needs at most `budget`, if the lowest layer of the first track does.
fn fit(budget: u64, tracks: &[Wanted<'_>], chosen: &mut Vec<Option<u8>>) {
    let mut left = budget;
    chosen.clear();
    for (index, track) in tracks.iter().enumerate() {
        let need = track.bps(track.lowest());
        let fits = need <= left || index == 0;
        chosen.push(fits.then(|| track.lowest()));
        if fits {
            left = left.saturating_sub(need);
        }
    }
    if chosen.contains(&None) {
        return;
    }
    let mut rose = true;
    while rose {
        rose = false;
        for (track, chosen) in tracks.iter().zip(&mut *chosen) {
            let Some((layer, next)) = chosen.and_then(|layer| Some((layer, track.next_higher(layer)?))) else {
                continue;
            };
            // What the lower one takes is free then.
            let available = left.saturating_add(track.bps(layer));
            if track.bps(next) <= available {
                left = available - track.bps(next);
                *chosen = Some(next);
                rose = true;
            }
        }
    }
}

fn sum(rates: impl Iterator<Item = u64>) -> u64 {
    rates.fold(0, u64::saturating_add)
}

fn with_margin(rate: u64) -> u64 {
    rate.saturating_add(rate / 100 * MARGIN)
}

fn without_margin(rate: u64) -> u64 {
    rate / (100 + MARGIN) * 100
}

#[cfg(test)]
mod tests;
