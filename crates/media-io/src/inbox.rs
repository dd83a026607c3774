//! What waits for one worker.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use patchbay_core::{MediaOp, SignalKind};
use patchbay_media::PeerMessage;

/// Operations that may wait: a storm of a thousand joins with their candidates. One more is refused, and its leg with
/// it. Closing is never refused: there is one for each leg that exists.
const OPS: usize = 8_192;
/// Bursts of other workers that may wait, some 100 ms of a hundred streams. One more is lost, as a whole.
const BURSTS: usize = 2_048;
/// Other messages that may wait. They are few, but for data; see [`PeerMessage::Data`].
const MESSAGES: usize = 16_384;
/// Negotiations between two looks at the sockets: each takes some 100 microseconds, and media must not wait for more.
pub(crate) const NEGOTIATIONS: usize = 2;
/// Other operations between two looks.
const OTHERS: usize = 64;
/// Messages between two looks.
const PER_TURN: usize = 256;

#[derive(Default)]
pub(crate) struct Inbox {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    ops: VecDeque<MediaOp>,
    bursts: VecDeque<PeerMessage>,
    messages: VecDeque<PeerMessage>,
    /// The worker does not sleep: it will look by itself.
    awake: bool,
    stop: bool,
}

/// What a worker takes at once.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) ops: Vec<MediaOp>,
    pub(crate) messages: Vec<PeerMessage>,
    /// More waits.
    pub(crate) more: bool,
    pub(crate) stop: bool,
}

/// Whether something was put in, and whether the worker has to be woken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Full,
    Taken,
    Wake,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics under this lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn op(&self, op: MediaOp) -> Put {
        let mut inner = self.lock();
        if inner.ops.len() >= OPS && !matches!(op, MediaOp::Close { .. }) {
            return Put::Full;
        }
        inner.ops.push_back(op);
        inner.put()
    }

    pub(crate) fn message(&self, message: PeerMessage) -> Put {
        let mut inner = self.lock();
        let burst = matches!(message, PeerMessage::Burst(_));
        let (queue, most) = if burst { (&mut inner.bursts, BURSTS) } else { (&mut inner.messages, MESSAGES) };
        if queue.len() >= most {
            return Put::Full;
        }
        queue.push_back(message);
        inner.put()
    }

    pub(crate) fn stop(&self) -> Put {
        let mut inner = self.lock();
        inner.stop = true;
        inner.put()
    }

    /// Takes some of what waits.
    pub(crate) fn take(&self, taken: &mut Taken) {
        let mut inner = self.lock();
        inner.awake = true;
        let (mut negotiations, mut others) = (0, 0);
        while let Some(op) = inner.ops.front() {
            let count = if negotiates(op) { &mut negotiations } else { &mut others };
            *count += 1;
            if negotiations > NEGOTIATIONS || others > OTHERS {
                break;
            }
            taken.ops.extend(inner.ops.pop_front());
        }
        for queue in [0, 1] {
            let queue = if queue == 0 { &mut inner.messages } else { &mut inner.bursts };
            let count = queue.len().min(PER_TURN);
            taken.messages.extend(queue.drain(..count));
        }
        taken.more = !inner.ops.is_empty() || !inner.messages.is_empty() || !inner.bursts.is_empty();
        taken.stop = inner.stop;
    }

    /// The worker goes to sleep; `false` if something has come meanwhile.
    pub(crate) fn sleep(&self) -> bool {
        let mut inner = self.lock();
        let idle = inner.ops.is_empty() && inner.messages.is_empty() && inner.bursts.is_empty() && !inner.stop;
        inner.awake = !idle;
        idle
    }
}

impl Inner {
    fn put(&mut self) -> Put {
        if std::mem::replace(&mut self.awake, true) { Put::Taken } else { Put::Wake }
    }
}

fn negotiates(op: &MediaOp) -> bool {
    match op {
        MediaOp::Open(_) | MediaOp::Tracks { .. } => true,
        MediaOp::Remote { signal, .. } => !matches!(signal.kind, SignalKind::Candidate),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use patchbay_core::{Kinds, LegRole, LinkId, Open, PartyId};

    use super::*;

    fn open(number: u64) -> MediaOp {
        MediaOp::Open(Open {
            link: LinkId::new(number),
            owner: PartyId::new(0, 0, 0),
            role: LegRole::Receive { accept: Kinds::ALL, codecs: [].into() },
            says: Vec::new(),
            hears: Vec::new(),
            heeds: Vec::new(),
            report: std::time::Duration::from_secs(1),
            transport: patchbay_core::Transport::default(),
        })
    }

    #[test]
    fn a_sleeper_is_woken_once() {
        let inbox = Inbox::default();
        assert!(inbox.sleep());
        assert_eq!(inbox.op(open(1)), Put::Wake);
        assert_eq!(inbox.op(open(2)), Put::Taken);
        assert!(!inbox.sleep(), "there is work");
    }

    #[test]
    fn negotiations_come_in_small_portions_and_in_order() {
        let inbox = Inbox::default();
        for number in 0..5 {
            inbox.op(open(number));
        }
        inbox.op(MediaOp::Close { link: LinkId::new(0) });
        let mut taken = Taken::default();
        inbox.take(&mut taken);
        assert_eq!((taken.ops.len(), taken.more), (NEGOTIATIONS, true));
        inbox.take(&mut taken);
        inbox.take(&mut taken);
        let links: Vec<_> = taken.ops.iter().map(MediaOp::link).collect();
        assert_eq!(links, [0, 1, 2, 3, 4, 0].map(LinkId::new));
        assert!(!taken.more && inbox.sleep());
    }

    #[test]
    fn a_full_queue_refuses_all_but_an_end() {
        let inbox = Inbox::default();
        (0..OPS as u64).for_each(|number| assert_ne!(inbox.op(open(number)), Put::Full));
        assert_eq!(inbox.op(open(1)), Put::Full);
        assert_ne!(inbox.op(MediaOp::Close { link: LinkId::new(0) }), Put::Full);
        let wanted = || PeerMessage::KeyWanted { source: LinkId::new(1), layer: 0 };
        (0..MESSAGES).for_each(|_| assert_ne!(inbox.message(wanted()), Put::Full));
        assert_eq!(inbox.message(wanted()), Put::Full);
    }
}
