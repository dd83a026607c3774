//! What waits for one connection: the hub's events, the telephones' news, outcomes of jobs, word that the server will stop,
//! or the order to close.
//!
//! The sender never waits and nobody else notices a slow reader (DESIGN section 3). Two bounds: above the soft one the
//! connection's own clock runs while its socket takes no byte; at the hard one the connection is closed at once and
//! what waited is freed.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use patchbay_core::{Event, EventQueue, Tag};
use patchbay_dialect_kit::CloseCause;
use patchbay_dialect_kit::job::Done;
use patchbay_dialect_kit::line::News;

/// News of telephones that wait; at one more the connection is closed as too slow. More would keep more messages for who
/// does not read, fewer would end who has many accounts in a storm of registrations.
const NEWS: usize = 256;

/// The bounds of every mailbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Messages above which a stalled socket is given a time limit.
    pub(crate) soft_messages: usize,
    /// Messages at which the connection is closed.
    pub(crate) hard_messages: usize,
    /// Bytes at which the connection is closed.
    pub(crate) hard_bytes: usize,
}

#[derive(Default)]
pub(crate) struct Mailbox {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    queue: EventQueue,
    news: VecDeque<News>,
    /// The server will stop, and the owner has not been told.
    drain: bool,
    /// Outcomes, and whether they count against the orders; bounded by the jobs that the owner may order.
    done: VecDeque<(Tag, Done, bool)>,
    /// Jobs that have been ordered, and whose outcome has not been taken.
    orders: usize,
    closed: Option<CloseCause>,
    waker: Option<Waker>,
    /// The owner sleeps and wants to be woken at this many messages; 0 while it is awake.
    wake_at: usize,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under this lock is one in `EventQueue`, whose state stays sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an event in; the waker to be woken, if the owner wants that now.
    pub(crate) fn push(&self, event: Event, bounds: &Bounds) -> Option<Waker> {
        let mut inner = self.lock();
        if inner.closed.is_some() {
            return None;
        }
        inner.queue.push(event);
        if inner.queue.len() >= bounds.hard_messages || inner.queue.bytes() >= bounds.hard_bytes {
            return inner.close(CloseCause::TooSlow);
        }
        let wake = inner.wake_at != 0 && inner.queue.len() >= inner.wake_at;
        if wake { inner.wake() } else { None }
    }

    /// Puts news in; the waker to be woken, if the owner sleeps and could deliver them.
    pub(crate) fn push_news(&self, news: News) -> Option<Waker> {
        let mut inner = self.lock();
        if inner.closed.is_some() {
            return None;
        }
        inner.news.push_back(news);
        if inner.news.len() > NEWS {
            return inner.close(CloseCause::TooSlow);
        }
        if inner.wake_at == 1 { inner.wake() } else { None }
    }

    /// Takes the oldest news.
    pub(crate) fn take_news(&self) -> Option<News> {
        self.lock().news.pop_front()
    }

    /// Tells the owner that the server will stop; the waker to be woken, if it sleeps and could say so.
    pub(crate) fn drain(&self) -> Option<Waker> {
        let mut inner = self.lock();
        inner.drain = true;
        if inner.wake_at == 1 { inner.wake() } else { None }
    }

    /// Whether the owner is to hear that the server will stop; once, and also before an order to close.
    pub(crate) fn take_drain(&self) -> bool {
        std::mem::take(&mut self.lock().drain)
    }

    /// The owner orders a job. How many it has ordered of which it has not taken the outcome, this one among them.
    pub(crate) fn order(&self) -> usize {
        let mut inner = self.lock();
        inner.orders += 1;
        inner.orders
    }

    /// Puts the outcome of a job in; the waker to be woken, if the owner sleeps and could deliver it.
    pub(crate) fn push_done(&self, tag: Tag, done: Done, counts: bool) -> Option<Waker> {
        let mut inner = self.lock();
        if inner.closed.is_some() {
            return None;
        }
        inner.done.push_back((tag, done, counts));
        if inner.wake_at == 1 { inner.wake() } else { None }
    }

    /// Takes the oldest outcome.
    pub(crate) fn take_done(&self) -> Option<(Tag, Done)> {
        let mut inner = self.lock();
        let (tag, done, counts) = inner.done.pop_front()?;
        inner.orders = inner.orders.saturating_sub(usize::from(counts));
        Some((tag, done))
    }

    /// Orders the owner to end its connection.
    pub(crate) fn close(&self, cause: CloseCause) -> Option<Waker> {
        let mut inner = self.lock();
        if inner.closed.is_some() { None } else { inner.close(cause) }
    }

    /// Takes the oldest event, if there is room for it; `Err` is the order to close.
    pub(crate) fn take(&self, room: bool) -> Result<Option<Event>, CloseCause> {
        let mut inner = self.lock();
        inner.wake_at = 0;
        match inner.closed {
            Some(cause) => Err(cause),
            None if room => Ok(inner.queue.pop()),
            None => Ok(None),
        }
    }

    /// The owner goes to sleep until at least `wake_at` messages wait. Whether it may: `false` if they do already, or
    /// if it has been ordered to close.
    pub(crate) fn sleep(&self, wake_at: usize, cx: &Context<'_>) -> bool {
        let mut inner = self.lock();
        let waits = inner.drain || !inner.news.is_empty() || !inner.done.is_empty();
        let news = wake_at == 1 && waits;
        if inner.closed.is_some() || inner.queue.len() >= wake_at || news {
            return false;
        }
        inner.wake_at = wake_at;
        match &mut inner.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        true
    }

    /// How many events wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().queue.len()
    }
}

impl Inner {
    fn close(&mut self, cause: CloseCause) -> Option<Waker> {
        self.closed = Some(cause);
        self.queue = EventQueue::new();
        self.news.clear();
        self.done.clear();
        if self.wake_at == 0 { None } else { self.wake() }
    }

    fn wake(&mut self) -> Option<Waker> {
        self.wake_at = 0;
        self.waker.clone()
    }
}

#[cfg(test)]
mod tests {
    use patchbay_core::{Name, Tag};

    use super::*;

    const BOUNDS: Bounds = Bounds { soft_messages: 2, hard_messages: 4, hard_bytes: 1 << 20 };

    fn event() -> Event {
        Event::Registered { tag: Tag(0), name: Name::parse("a").expect("a name") }
    }

    #[test]
    fn a_sleeper_is_woken_once_and_at_its_mark() {
        let mailbox = Mailbox::default();
        assert!(mailbox.sleep(2, &Context::from_waker(Waker::noop())));
        assert!(mailbox.push(event(), &BOUNDS).is_none(), "below its mark");
        assert!(mailbox.push(event(), &BOUNDS).is_some(), "at its mark");
        assert!(mailbox.push(event(), &BOUNDS).is_none(), "it is awake");
        assert!(!mailbox.sleep(2, &Context::from_waker(Waker::noop())), "there is work");
    }

    #[test]
    fn news_wake_who_can_deliver_them_and_are_bounded() {
        let news = || News::Dialled { tag: Tag(1), party: Err("no".into()) };
        let mailbox = Mailbox::default();
        assert!(mailbox.push_news(news()).is_none(), "it is awake");
        assert!(!mailbox.sleep(1, &Context::from_waker(Waker::noop())), "there is work");
        assert!(mailbox.sleep(2, &Context::from_waker(Waker::noop())), "its socket is full: there is nothing to do");
        assert!(mailbox.push_news(news()).is_none(), "it would not help");
        assert!(mailbox.take_news().is_some() && mailbox.take_news().is_some() && mailbox.take_news().is_none());
        assert!(mailbox.sleep(1, &Context::from_waker(Waker::noop())));
        assert!(mailbox.push_news(news()).is_some());
        for _ in 1..NEWS {
            mailbox.push_news(news());
        }
        assert!(matches!(mailbox.take(true), Ok(None)), "as many as may be");
        mailbox.push_news(news());
        assert_eq!(mailbox.take(true).expect_err("it is closed"), CloseCause::TooSlow);
        assert!(mailbox.take_news().is_none());
    }

    #[test]
    fn who_sleeps_is_woken_to_hear_that_the_server_will_stop_and_hears_it_once() {
        let mailbox = Mailbox::default();
        assert!(mailbox.sleep(1, &Context::from_waker(Waker::noop())));
        assert!(mailbox.drain().is_some());
        assert!(!mailbox.sleep(1, &Context::from_waker(Waker::noop())), "there is work");
        assert!(mailbox.sleep(2, &Context::from_waker(Waker::noop())), "its socket is full: there is nothing to do");
        assert!(mailbox.close(CloseCause::Shutdown).is_some());
        assert!(mailbox.take_drain(), "also when it is to close by now");
        assert!(!mailbox.take_drain());
    }

    #[test]
    fn the_hard_bound_closes_and_frees() {
        let mailbox = Mailbox::default();
        for _ in 0..4 {
            mailbox.push(event(), &BOUNDS);
        }
        assert_eq!(mailbox.take(true).expect_err("it is closed"), CloseCause::TooSlow);
        assert_eq!(mailbox.len(), 0);
        assert!(mailbox.close(CloseCause::Shutdown).is_none(), "the first cause counts");
        assert_eq!(mailbox.take(true).expect_err("it is closed"), CloseCause::TooSlow);
    }
}
