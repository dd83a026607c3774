//! Which layer of one track one viewer is sent.
//!
//! Layers are renditions of the same pictures (simulcast), counted from 0, the lowest. A viewer can change to another
//! one only where that one has a key frame. Until it comes, the old layer goes on; where there is none, the viewer
//! looks at a still picture, and everything here is about keeping that short.

use std::time::{Duration, Instant};

/// Layers of a track. A higher one is dropped: no browser sends more than four, and a mask has to hold them.
pub const LAYERS: u8 = 8;

/// How long a viewer whose pictures stand still waits for one layer before another is tried, and how long it takes to
/// begin with one whose key frames cannot be read. Two layers' patience is as long as a picture may stand still: two
/// seconds. Longer would use them up on one; shorter would give up layers whose key frame is on its way, which takes a
/// [`KEY_FRAME_SPACING`](crate::keyframe::KEY_FRAME_SPACING) and a round trip.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// How long a layer is left alone that did not come out whole, though its key frames came. Longer keeps a viewer on a
/// worse rendition than needed, shorter makes its picture stand still for a second as often.
pub const ASIDE: Duration = Duration::from_secs(30);

/// What becomes of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The viewer does not get it.
    Drop,
    /// It continues what the viewer got before.
    Forward,
    /// It is the first of a layer, or the first after a pause: numbers and times have to be based anew.
    Switch,
}

/// One viewer's choice of one track's layers.
///
/// Told what is wanted ([`aim`](Self::aim)) and each burst of each layer ([`offer`](Self::offer)), it decides what
/// passes. Any key frame that is nearer to the wanted layer than what passes is taken: a viewer that begins has a
/// picture early, one that has too much gets less early.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selector {
    aim: Option<u8>,
    current: Option<u8>,
    /// One bit per layer that sends.
    living: u8,
    /// Layers that were asked for a key frame in vain, until one comes.
    mute: u8,
    /// Layers that did not come out whole, until the moment beside.
    broken: u8,
    broken_until: Option<Instant>,
    /// The layer that is waited for, and since when.
    awaited: Option<(u8, Instant)>,
    /// The first and the last complaint of a row without a long break.
    complaints: Option<(Instant, Instant)>,
    opaque: bool,
}

impl Selector {
    /// Paused.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            aim: None,
            current: None,
            living: 0,
            mute: 0,
            broken: 0,
            broken_until: None,
            awaited: None,
            complaints: None,
            opaque: false,
        }
    }

    /// Sets the layer that is wanted, at most `LAYERS - 1`; with `None` nothing passes. What is wanted again after that
    /// begins with a key frame.
    pub fn aim(&mut self, layer: Option<u8>) {
        self.aim = layer.map(|layer| layer.min(LAYERS - 1));
        if self.aim.is_none() {
            (self.current, self.awaited, self.complaints) = (None, None, None);
        }
    }

    /// Decides about one burst of `layer`. `key`: a decoder may begin with it
    /// ([`inspect`](crate::keyframe::inspect)). `late`: it came after younger ones, out of order or sent again; it may
    /// fill a gap, but nothing begins with it, since what followed has been dropped.
    pub fn offer(&mut self, now: Instant, layer: u8, key: bool, late: bool) -> Verdict {
        let same = if self.current == Some(layer) { Verdict::Forward } else { Verdict::Drop };
        if layer >= LAYERS || late {
            return same;
        }
        self.living |= 1 << layer;
        if key {
            self.mute &= !(1 << layer);
        }
        if self.broken_until.is_some_and(|until| until <= now) {
            (self.broken, self.broken_until) = (0, None);
        }
        let Some(goal) = self.goal().filter(|goal| self.current != Some(*goal)) else {
            self.awaited = None;
            return same;
        };
        let since = match self.awaited {
            Some((layer, since)) if layer == goal => since,
            _ => now,
        };
        self.awaited = Some((goal, since));
        let blindly = self.opaque && layer == goal && now.saturating_duration_since(since) >= PATIENCE;
        if blindly || key && self.is_nearer(layer, goal) {
            self.current = Some(layer);
            self.complaints = None;
            if layer == goal {
                self.awaited = None;
            }
            return Verdict::Switch;
        }
        same
    }

    /// The layer whose key frame is waited for: its source has to be asked, again and again
    /// ([`Throttle`](crate::keyframe::Throttle)).
    #[must_use]
    pub fn wants_key(&self) -> Option<u8> {
        self.goal().filter(|goal| self.current != Some(*goal))
    }

    /// The layer that passes.
    #[must_use]
    pub const fn current(&self) -> Option<u8> {
        self.current
    }

    /// `layer` has sent nothing for some time: its viewers change to the next lower living one, or any. The next burst
    /// of it brings it back.
    pub fn silent(&mut self, layer: u8) {
        if layer < LAYERS {
            self.living &= !(1 << layer);
        }
    }

    /// The viewer asked for a key frame: it cannot decode what it gets. One complaint means little, they come with each
    /// loss; but those of a viewer that is not helped by the key frames that it gets come on and on.
    pub fn complain(&mut self, now: Instant) {
        self.complaints = match self.complaints {
            Some((first, last)) if now.saturating_duration_since(last) <= PATIENCE => Some((first, now)),
            _ => Some((now, now)),
        };
    }

    /// Whether the viewer's pictures have stood still for [`PATIENCE`], so that another layer is tried: ask for its key
    /// frame ([`wants_key`](Self::wants_key)). To be called some ten times a second while a key frame is wanted or the
    /// viewer complains.
    pub fn stuck(&mut self, now: Instant) -> bool {
        let long = |since: Instant| now.saturating_duration_since(since) >= PATIENCE;
        let before = self.wants_key();
        if let Some((first, last)) = self.complaints
            && let Some(current) = self.current
            && long(first)
        {
            self.complaints = None;
            // Unless they have ended.
            if !long(last) {
                self.broken |= 1 << current;
                self.broken_until = Some(now + ASIDE);
            }
        }
        if let Some((goal, since)) = self.awaited
            && long(since)
            && !self.opaque
            && !self.moves()
        {
            self.mute |= 1 << goal;
            if self.living & !self.mute & !self.broken == 0 {
                // All were asked in vain: once more from the beginning.
                self.mute = 0;
            }
            self.awaited = Some((goal, now));
        }
        let after = self.wants_key();
        after.is_some() && after != before
    }

    /// Whether the key frames of this source cannot be read
    /// ([`Unreadable`](crate::keyframe::Unreadable)): layers are then changed at any burst, [`PATIENCE`] after they are
    /// wanted. By then a key frame that was asked for has most likely passed, so the viewer's next complaint brings its
    /// pictures.
    pub fn set_opaque(&mut self, opaque: bool) {
        self.opaque = opaque;
    }

    /// The best layer that can be had: what is wanted, else the next lower, else the lowest.
    fn goal(&self) -> Option<u8> {
        let aim = self.aim?;
        if self.living == 0 {
            return Some(aim);
        }
        let usable = self.living & !self.mute & !self.broken;
        let lower = usable & (u8::MAX >> (LAYERS - 1 - aim));
        let lowest = if usable == 0 { self.living } else { usable }.trailing_zeros();
        Some(if lower == 0 { lowest as u8 } else { lower.ilog2() as u8 })
    }

    fn is_nearer(&self, layer: u8, goal: u8) -> bool {
        if layer != goal && self.broken & 1 << layer != 0 {
            return false;
        }
        match self.current.filter(|_| self.moves()) {
            None => layer <= goal,
            Some(current) if current < goal => current < layer && layer <= goal,
            Some(current) => goal <= layer && layer < current,
        }
    }

    /// Whether the viewer sees moving pictures, as far as is known.
    fn moves(&self) -> bool {
        self.current.is_some_and(|current| self.living & !self.broken & 1 << current != 0)
    }
}

#[cfg(test)]
mod tests;
