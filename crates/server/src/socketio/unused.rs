//! Ids that were given out and that nobody has come with yet.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use patchbay_core::Moment;
use patchbay_dialect_kit::Random;

use crate::places::Source;

/// Characters of an id: with them the handshake's chunk has the length 0x47, as devices know it.
const SID_BYTES: usize = 20;
/// Six bits each.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// How long an id waits for its client: the library's close timeout, which the handshake tells.
const KEPT: Duration = Duration::from_secs(60);
/// Ids that wait, from all clients: 2 MB. At one more the oldest goes, so that who comes now is served even while others
/// only take. Fewer would let a flood outrun a client's round trip, more would keep memory for nobody.
const MOST: usize = 16_384;
/// Of one client's address. At one more its own oldest goes: fewer would let people behind one address (NAT) push each other
/// out, more would let one client push out everybody else's.
const MOST_OF_ONE: usize = 1_024;
/// An id: that of a session, once somebody has come with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sid([u8; SID_BYTES]);

impl Sid {
    /// Before one is drawn.
    pub(super) const BLANK: Self = Self([b'A'; SID_BYTES]);

    /// `None`: this was never one of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; SID_BYTES] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(|byte| ALPHABET.contains(byte)).then_some(Self(bytes))
    }

    pub(crate) fn as_str(&self) -> &str {
        // Of ASCII, as the two ways to make one see to.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// 120 random bits, until its clients can do with them.
    fn draw(rng: &mut dyn Random, suits: impl Fn(&str) -> bool) -> Self {
        loop {
            let sid = Self::of([rng.next_u64(), rng.next_u64()]);
            if suits(sid.as_str()) {
                return sid;
            }
        }
    }

    fn of(words: [u64; 2]) -> Self {
        let mut sid = [0; SID_BYTES];
        for (half, mut word) in sid.chunks_exact_mut(SID_BYTES / 2).zip(words) {
            for byte in half {
                *byte = ALPHABET[(word & 63) as usize];
                word >>= 6;
            }
        }
        Self(sid)
    }
}

/// All of them. One short lock when one is given out, and one when somebody comes with it.
#[derive(Default)]
pub(crate) struct Unused(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Until when each waits, and whose it is.
    waiting: BTreeMap<Sid, (Moment, Option<Source>)>,
    /// The same in the order in which they were given out, those among them that have been used since.
    order: VecDeque<Sid>,
    /// The same by client, for those with an address.
    of: BTreeMap<Source, VecDeque<Sid>>,
}

impl Unused {
    /// Gives out an id to a client.
    pub(crate) fn draw(
        &self,
        now: Moment,
        from: Option<IpAddr>,
        rng: &mut dyn Random,
        suits: impl Fn(&str) -> bool,
    ) -> Sid {
        let sid = Sid::draw(rng, suits);
        let source = from.map(Source::of);
        let mut inner = self.lock();
        inner.expire(now);
        if let Some(source) = source {
            let own = inner.of.entry(source).or_default();
            own.push_back(sid);
            let oldest = if own.len() > MOST_OF_ONE { own.pop_front() } else { None };
            if let Some(oldest) = oldest {
                inner.waiting.remove(&oldest);
            }
        }
        inner.waiting.insert(sid, (now + KEPT, source));
        inner.order.push_back(sid);
        while inner.waiting.len() > MOST {
            inner.drop_oldest();
        }
        // The used ones and those that a client pushed out itself.
        if inner.order.len() > 2 * MOST {
            let Inner { waiting, order, .. } = &mut *inner;
            order.retain(|sid| waiting.contains_key(sid));
        }
        sid
    }

    /// Somebody comes with this one: whether it waits. It does no longer then.
    pub(crate) fn claim(&self, now: Moment, sid: &Sid) -> bool {
        let mut inner = self.lock();
        inner.expire(now);
        inner.forget(sid)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many entries there are of each kind.
    #[cfg(test)]
    pub(crate) fn held(&self) -> (usize, usize, usize) {
        let inner = self.lock();
        (inner.waiting.len(), inner.order.len(), inner.of.values().map(VecDeque::len).sum())
    }
}

impl Inner {
    /// Drops those that have waited long enough.
    fn expire(&mut self, now: Moment) {
        while let Some(oldest) = self.order.front() {
            if self.waiting.get(oldest).is_some_and(|(until, _)| *until > now) {
                return;
            }
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.order.pop_front() {
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, sid: &Sid) -> bool {
        let Some((_, source)) = self.waiting.remove(sid) else { return false };
        if let Some(source) = source
            && let Some(own) = self.of.get_mut(&source)
        {
            own.retain(|other| other != sid);
            if own.is_empty() {
                self.of.remove(&source);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn any(_: &str) -> bool {
        true
    }

    fn at(seconds: u64) -> Moment {
        Moment::START + Duration::from_secs(seconds)
    }

    fn from(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn an_id_is_used_once_and_within_a_minute() {
        let (unused, mut rng) = (Unused::default(), SystemRandom::default());
        let [one, two, three] = [at(0), at(0), at(30)].map(|now| unused.draw(now, from(1), &mut rng, any));
        assert!(unused.claim(at(59), &one) && !unused.claim(at(59), &one));
        assert!(!unused.claim(at(60), &two) && unused.claim(at(60), &three));
        let (waiting, order, of) = unused.held();
        assert!((waiting, of) == (0, 0) && order <= 1, "nothing is left behind: {waiting} {order} {of}");
    }

    #[test]
    fn ids_are_what_devices_can_read() {
        let mut rng = SystemRandom::default();
        for _ in 0..10_000 {
            let sid = Sid::draw(&mut rng, any);
            assert_eq!(Sid::parse(sid.as_str()), Some(sid));
        }
        assert_eq!(Sid::of([0, u64::MAX]).as_str(), "AAAAAAAAAA__________");
        for text in
            ["", "AAAAAAAAAA_________", "AAAAAAAAAA___________", "AAAAAAAAAA__________".replace('A', "é").as_str()]
        {
            assert_eq!(Sid::parse(text), None, "{text}");
        }
    }

    /// One source of numbers after the other.
    struct Given(Vec<u64>);

    impl Random for Given {
        fn next_u64(&mut self) -> u64 {
            self.0.remove(0)
        }
    }

    #[test]
    fn an_id_that_does_not_suit_is_drawn_again() {
        let drawn = Sid::draw(&mut Given(vec![0, 0, 0, 1, 1, 1]), |id| id.starts_with('B'));
        assert_eq!(drawn.as_str(), "BAAAAAAAAABAAAAAAAAA");
    }

    #[test]
    fn who_only_takes_pushes_out_its_own_and_all_are_bounded() {
        let (unused, mut rng) = (Unused::default(), SystemRandom::default());
        let other = unused.draw(at(0), from(2), &mut rng, any);
        let first = unused.draw(at(0), from(1), &mut rng, any);
        for _ in 0..10_000 {
            unused.draw(at(1), from(1), &mut rng, any);
        }
        assert_eq!(unused.held().0, MOST_OF_ONE + 1);
        assert!(!unused.claim(at(1), &first) && unused.claim(at(1), &other));
        for _ in 0..50_000 {
            unused.draw(at(2), None, &mut rng, any);
        }
        let (waiting, order, of) = unused.held();
        assert!(waiting == MOST && order <= 2 * MOST && of <= MOST_OF_ONE, "{waiting} {order} {of}");
        let last = unused.draw(at(2), from(3), &mut rng, any);
        assert!(unused.claim(at(3), &last), "who comes now is served");
        unused.draw(at(100), from(1), &mut rng, any);
        assert_eq!(unused.held(), (1, 1, 1), "all of them expire");
    }
}
