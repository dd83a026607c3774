//! The simulated network: all connections, what is to happen when, and a log of what the server did with them.
//!
//! The log is what makes exact expectations possible: its order is the order in which the server's hub hears of things.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use patchbay_dialect_kit::Random;
use patchbay_server::sim::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::link::{Fin, Link, Mark, Profile, Reader};
use crate::rng::Rng;

/// The number of a connection; never used again.
pub(crate) type Id = usize;

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A chunk arrives at the server.
    Up(Id),
    /// A chunk arrives at the client.
    Down(Id),
    /// A slow client reads.
    Read(Id),
    /// A client that stopped reading goes on.
    Resume(Id),
    /// A client answers a ping.
    Pong(Id),
    /// A client hangs up after the server's close frame.
    HangUp(Id),
    /// A player makes its next move.
    Act(usize),
    /// The media engine has something to tell.
    Media,
}

/// What the server did.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Did {
    /// It has handled the client's bytes up to an offset.
    Handle { id: Id, upto: u64, at: u64 },
    /// It has let the connection go, or reset it.
    Drop { id: Id, reset: bool, at: u64 },
}

pub(crate) struct Net {
    start: Instant,
    links: Vec<Link>,
    /// By time; events of one time in an order that is drawn.
    due: BinaryHeap<Reverse<(u64, u64, Event)>>,
    order: Rng,
    log: Vec<Did>,
    /// Whoever waits for the next event, and until when it means to sleep.
    waiter: Option<(Waker, u64)>,
    /// Calls of the server within one moment, which one, and who is to blame if they do not end.
    calls: u64,
    moment: u64,
    spinning: Option<Id>,
}

/// More calls within one moment mean that the server works on without getting anywhere, and that time stands still.
const MOST_CALLS: u64 = 5_000_000;

/// Everything runs on one thread; the lock is there because the server's streams have to be `Send`.
#[derive(Clone)]
pub(crate) struct Network(Arc<Mutex<Net>>);

impl Network {
    pub(crate) fn new(rng: Rng) -> Self {
        Self(Arc::new(Mutex::new(Net {
            start: Instant::now(),
            links: Vec::new(),
            due: BinaryHeap::new(),
            order: rng,
            log: Vec::new(),
            waiter: None,
            calls: 0,
            moment: 0,
            spinning: None,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Net> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new connection; the server's end.
    pub(crate) fn connect(&self, profile: Profile, reader: Reader, rng: Rng) -> (Id, ServerEnd) {
        let mut net = self.lock();
        net.links.push(Link::new(profile, reader, rng));
        let id = net.links.len() - 1;
        (id, ServerEnd { network: self.clone(), id, reset: Mutex::new(false) })
    }

    /// Sleeps until the next event is due, or until `most`.
    pub(crate) async fn wait(&self, most: u64) {
        loop {
            let (now, due, start) = {
                let net = self.lock();
                (net.now(), net.next().unwrap_or(u64::MAX).min(most), net.start)
            };
            if due <= now || self.lock().spinning.is_some() {
                break;
            }
            let mut sleep = std::pin::pin!(tokio::time::sleep_until(start + std::time::Duration::from_millis(due)));
            std::future::poll_fn(|cx| {
                let mut net = self.lock();
                if net.next().is_some_and(|next| next < due) || net.spinning.is_some() {
                    return Poll::Ready(());
                }
                net.waiter = Some((cx.waker().clone(), due));
                drop(net);
                sleep.as_mut().poll(cx)
            })
            .await;
        }
        self.lock().waiter = None;
    }
}

impl Net {
    /// Milliseconds since the start of the simulation.
    pub(crate) fn now(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.due.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next event, if it is due by `now`.
    pub(crate) fn pop(&mut self, now: u64) -> Option<Event> {
        if self.next()? > now {
            return None;
        }
        self.due.pop().map(|Reverse((.., event))| event)
    }

    pub(crate) fn at(&mut self, at: u64, event: Event) {
        let order = self.order.next_u64();
        self.due.push(Reverse((at, order, event)));
        if self.waiter.as_ref().is_some_and(|(_, until)| at < *until)
            && let Some((waker, _)) = self.waiter.take()
        {
            waker.wake();
        }
    }

    pub(crate) fn link(&mut self, id: Id) -> &mut Link {
        &mut self.links[id]
    }

    pub(crate) fn links(&self) -> &[Link] {
        &self.links
    }

    /// The connection that the server works on without end, if there is one.
    pub(crate) fn spinning(&self) -> Option<Id> {
        self.spinning
    }

    /// Counts a call of the server.
    ///
    /// # Panics
    /// If it has made too many: that ends the connection, and with it the spinning.
    fn count(&mut self, id: Id, now: u64) {
        self.calls = if now == self.moment { self.calls + 1 } else { 0 };
        self.moment = now;
        if self.calls > MOST_CALLS {
            self.spinning.get_or_insert(id);
            if let Some((waker, _)) = self.waiter.take() {
                waker.wake();
            }
            panic!("the server works on #{id} and gets nowhere");
        }
    }

    /// Takes what the server did since the last call.
    pub(crate) fn take_log(&mut self, into: &mut Vec<Did>) {
        into.append(&mut self.log);
    }

    /// Sets out the chunks that can travel.
    pub(crate) fn carry(&mut self, id: Id) {
        let now = self.now();
        let link = &mut self.links[id];
        if link.up_waits() {
            link.up.carrying = true;
            let at = now + link.delay();
            self.at(at, Event::Up(id));
        }
        let link = &mut self.links[id];
        if link.down_waits() {
            link.down.carrying = true;
            let at = now + link.delay();
            self.at(at, Event::Down(id));
        }
    }

    /// The client sends.
    pub(crate) fn send(&mut self, id: Id, bytes: &[u8]) {
        let up = &mut self.links[id].up;
        if up.fin == Fin::No && !up.reset {
            up.bytes.extend(bytes);
            up.sent += bytes.len() as u64;
            self.carry(id);
        }
    }
}

/// The server's end of a connection.
pub(crate) struct ServerEnd {
    network: Network,
    id: Id,
    reset: Mutex<bool>,
}

impl Stream for ServerEnd {
    fn reset_on_drop(&self) {
        *self.reset.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    fn handled(&self, left: usize) {
        let mut net = self.network.lock();
        let (now, id) = (net.now(), self.id);
        let upto = net.links[id].up.read - left as u64;
        net.log.push(Did::Handle { id, upto, at: now });
    }
}

impl AsyncRead for ServerEnd {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut net = self.network.lock();
        let (now, id) = (net.now(), self.id);
        net.count(id, now);
        let up = &mut net.links[id].up;
        // Whoever reads on behind the head has made a connection of it.
        let opened = up.read >= up.head && !std::mem::replace(&mut up.opened, up.read >= up.head);
        let result = if up.reset {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        } else if up.arrived > 0 {
            let length = up.arrived.min(buffer.remaining());
            let (first, second) = up.bytes.as_slices();
            let of_first = first.len().min(length);
            buffer.put_slice(&first[..of_first]);
            buffer.put_slice(&second[..length - of_first]);
            up.bytes.drain(..length);
            up.arrived -= length;
            up.read += length as u64;
            Poll::Ready(Ok(()))
        } else if up.fin == Fin::Arrived {
            Poll::Ready(Ok(()))
        } else {
            up.reader = Some(cx.waker().clone());
            Poll::Pending
        };
        if opened {
            let upto = up.head;
            net.log.push(Did::Handle { id, upto, at: now });
        }
        net.carry(id);
        result
    }
}

impl AsyncWrite for ServerEnd {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut net = self.network.lock();
        let (now, id) = (net.now(), self.id);
        net.count(id, now);
        let link = &mut net.links[id];
        if link.up.reset {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut length = bytes.len().min(link.send_room());
        if length == 0 && !bytes.is_empty() {
            link.block(now);
            link.down.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if length > 1 && link.profile.stingy > 0 && link.rng.percent(link.profile.stingy) {
            length = link.rng.between(1, length as u64) as usize;
        }
        link.down.bytes.extend(&bytes[..length]);
        link.down.pushed += length as u64;
        link.down.progress = now;
        let mark = Mark { end: link.down.pushed, at: now, free: link.down.free };
        link.down.marks.push_back(mark);
        net.carry(id);
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut net = self.network.lock();
        let link = &mut net.links[self.id];
        if link.up.reset {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        if link.down.fin == Fin::No {
            link.down.fin = Fin::Sent;
            net.carry(self.id);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        let reset = *self.reset.lock().unwrap_or_else(PoisonError::into_inner);
        let mut net = self.network.lock();
        let (now, id) = (net.now(), self.id);
        net.links[id].close_by_server(now, reset);
        net.log.push(Did::Drop { id, reset, at: now });
        net.carry(id);
        // A reset is news without a chunk.
        if net.links[id].down.reset {
            net.at(now, Event::Down(id));
        }
    }
}
