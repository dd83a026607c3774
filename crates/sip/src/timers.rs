//! Session timers (RFC 4028): one side says now and then that the call still lives, so that none outlives a side that
//! vanished.

use std::time::Duration;

use patchbay_core::Moment;

/// What we ask for when we call, in seconds. Shorter ones free the lines of vanished telephones sooner, and burden all
/// others with requests.
pub const INTERVAL: u32 = 1_800;
/// Least interval that we take, in seconds, and the least that the standard allows (RFC 4028 section 4).
pub const LEAST: u32 = 90;
/// Longest interval that is believed, in seconds: a day.
const LONGEST: u32 = 86_400;
/// How often a call is tried again with a longer interval (422): each proxy on the way may ask once.
const TOO_SMALL: u8 = 3;

/// Who of a transaction refreshes, as `refresher=` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Who sent the request.
    Uac,
    /// Who answered it.
    Uas,
}

/// A `Session-Expires` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    /// Seconds.
    pub interval: u32,
    /// Who refreshes, if it is said.
    pub refresher: Option<Role>,
}

impl SessionExpires {
    /// Reads the value of `Session-Expires`; other parameters are passed over.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut parts = value.split(';');
        let interval = seconds(parts.next()?)?;
        let refresher = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("refresher").then_some(value.trim())
        });
        let refresher = match refresher.map(str::to_ascii_lowercase).as_deref() {
            Some("uac") => Some(Role::Uac),
            Some("uas") => Some(Role::Uas),
            _ => None,
        };
        Some(Self { interval, refresher })
    }

    /// The value of the line.
    #[must_use]
    pub fn write(self) -> String {
        match self.refresher {
            None => self.interval.to_string(),
            Some(Role::Uac) => format!("{};refresher=uac", self.interval),
            Some(Role::Uas) => format!("{};refresher=uas", self.interval),
        }
    }
}

/// The value of `Min-SE`, in seconds.
#[must_use]
pub fn min_se(value: &str) -> Option<u32> {
    seconds(value.split(';').next()?)
}

/// What our own request asks for: `Supported: timer`, `Session-Expires` and `Min-SE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Seconds, for `Session-Expires`.
    pub interval: u32,
    /// Seconds, for `Min-SE`.
    pub least: u32,
    raised: u8,
}

impl Asking {
    /// A first request, for `interval` seconds ([`INTERVAL`]).
    #[must_use]
    pub fn new(interval: u32) -> Self {
        Self { interval: interval.clamp(LEAST, LONGEST), least: LEAST, raised: 0 }
    }

    /// What the next request asks for after a 422 with this `Min-SE`; `None`: give up.
    #[must_use]
    pub fn on_422(self, min_se: Option<u32>) -> Option<Self> {
        let least = min_se.filter(|least| (self.interval + 1..=LONGEST).contains(least))?;
        (self.raised < TOO_SMALL).then_some(Self { interval: least, least, raised: self.raised + 1 })
    }

    /// The timer that a 2xx agrees to by its `Session-Expires`; without one there is none.
    #[must_use]
    pub fn on_success(self, answer: Option<SessionExpires>, now: Moment) -> Option<Timer> {
        let answer = answer?;
        // Who answers must say who refreshes (RFC 4028 section 9); who does not leaves it to us.
        let ours = answer.refresher != Some(Role::Uas);
        Some(Timer::new(answer.interval, ours, now))
    }
}

/// What follows from an `INVITE` or `UPDATE` of the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// No timer: nobody asks for one.
    Nothing,
    /// Answer 422 with `Min-SE: `[`LEAST`].
    TooSmall,
    /// Answer with this `Session-Expires`, and keep the timer.
    Timer {
        /// The line.
        answer: SessionExpires,
        /// Whether the answer has `Require: timer`: the peer has to refresh.
        require: bool,
        /// The timer from the answer on.
        timer: Timer,
    },
}

/// Reads what the peer's request asks for: its `Session-Expires`, and whether its `Supported` has `timer`.
#[must_use]
pub fn asked(request: Option<SessionExpires>, supported: bool, now: Moment) -> Asked {
    let Some(request) = request else { return Asked::Nothing };
    if request.interval < LEAST {
        // A peer that does not know timers would not understand 422 (RFC 4028 section 9): a proxy asks for it.
        return if supported { Asked::TooSmall } else { answer(LEAST, Role::Uas, now) };
    }
    // RFC 4028 table 2: a peer that does not know timers cannot refresh; one that does may choose, and else does it.
    let refresher = if supported { request.refresher.unwrap_or(Role::Uac) } else { Role::Uas };
    answer(request.interval.min(LONGEST), refresher, now)
}

fn answer(interval: u32, refresher: Role, now: Moment) -> Asked {
    Asked::Timer {
        answer: SessionExpires { interval, refresher: Some(refresher) },
        require: refresher == Role::Uac,
        timer: Timer::new(interval, refresher == Role::Uas, now),
    }
}

/// What is to be done at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Send a re-INVITE that repeats our description, with `Session-Expires` and `refresher=uac`.
    Refresh,
    /// End the call: nobody has refreshed it.
    Bye,
}

/// What follows from the answer to our refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The call goes on; [`Timer::deadline`] says how long without another try.
    On,
    /// The peer knows nothing of the call.
    Bye,
}

/// The timer of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    interval: u32,
    ours: bool,
    /// When the call was last seen to live.
    since: Moment,
    /// When we refresh next; `None` while the peer has to.
    refresh: Option<Moment>,
    /// How often this refresh was refused as too small.
    raised: u8,
}

impl Timer {
    fn new(interval: u32, ours: bool, now: Moment) -> Self {
        let interval = interval.clamp(LEAST, LONGEST);
        let refresh = ours.then(|| now + Duration::from_secs(interval.into()) / 2);
        Self { interval, ours, since: now, refresh, raised: 0 }
    }

    /// Whether we refresh.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// What our refresh says in `Session-Expires`.
    #[must_use]
    pub fn ask(&self) -> SessionExpires {
        let refresher = if self.ours { Role::Uac } else { Role::Uas };
        SessionExpires { interval: self.interval, refresher: Some(refresher) }
    }

    /// The moment of the next [`Timer::on_deadline`].
    #[must_use]
    pub fn deadline(&self) -> Moment {
        self.refresh.unwrap_or_else(|| self.end())
    }

    /// What is to be done at `now`; nothing before the deadline.
    pub fn on_deadline(&mut self, now: Moment) -> Option<Due> {
        if now >= self.end() {
            return Some(Due::Bye);
        }
        let due = self.refresh.is_some_and(|refresh| refresh <= now);
        // The answer sets the next moment; if none comes, the end does.
        due.then(|| {
            self.refresh = None;
            Due::Refresh
        })
    }

    /// Takes in the final answer to our refresh: its status, and its `Session-Expires`.
    pub fn on_answer(&mut self, status: u16, answer: Option<SessionExpires>, now: Moment) -> Refreshed {
        match status {
            200..=299 => {
                let interval = answer.map_or(self.interval, |answer| answer.interval);
                let ours = answer.map_or(self.ours, |answer| answer.refresher != Some(Role::Uas));
                *self = Self::new(interval, ours, now);
                Refreshed::On
            }
            408 | 481 => Refreshed::Bye,
            _ => Refreshed::On,
        }
    }

    /// Takes in a 422 to our refresh: it is sent again at once, with this `Min-SE` for its interval, unless that is no
    /// longer than before or has been asked for too often.
    pub fn on_422(&mut self, min_se: Option<u32>, now: Moment) {
        let least = min_se.filter(|least| (self.interval + 1..=LONGEST).contains(least));
        if let Some(least) = least.filter(|_| self.raised < TOO_SMALL) {
            (self.interval, self.refresh) = (least, Some(now));
            self.raised += 1;
        }
    }

    /// Refresh at `at`, after a refresh that met another request (491).
    pub fn again(&mut self, at: Moment) {
        self.refresh = Some(at);
    }

    /// RFC 4028 section 10: a third of the interval before its end, at most 32 s, so that the end comes before the peer's.
    fn end(&self) -> Moment {
        self.since + Duration::from_secs((self.interval - (self.interval / 3).min(32)).into())
    }
}

/// How long to wait after a 491 (RFC 3261 section 14.1): 2.1 to 4 s for who made the call, 0 to 2 s for the other, in
/// steps of 10 ms, so that the two do not meet again.
#[must_use]
pub fn glare(caller: bool, random: u64) -> Duration {
    let tens = if caller { 210 + random % 191 } else { random % 201 };
    Duration::from_millis(tens * 10)
}

fn seconds(text: &str) -> Option<u32> {
    let text = text.trim();
    // More than fits is as long as can be; `parse` would also take a plus sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
