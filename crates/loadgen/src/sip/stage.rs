//! All callers of a load on one thread and one epoll.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

use super::caller::{Caller, Habit, World};
use super::tally::{Echo, Tally};
use crate::Result;
use crate::conn::Scratch;
use crate::sfu::script::Script;
use crate::sfu::socket::Datagrams;
use crate::target::Target;

/// What one read of a WebSocket takes at most.
const READ_BYTES: usize = 64 * 1024;
const TIMER: Token = Token(usize::MAX);
/// How often it is asked whether it is done while nothing comes.
const IDLE_TICK: Duration = Duration::from_millis(50);
/// A caller whose time has come has it again after this at the earliest.
const AGAIN: Duration = Duration::from_micros(50);

pub(super) struct Stage {
    target: Target,
    poll: Poll,
    events: Events,
    /// A poller's own timeout counts in milliseconds, and would have packets leave in lumps.
    timer: OwnedFd,
    scratch: Scratch,
    datagrams: Datagrams,
    pub(super) callers: Vec<Caller>,
    /// When each wants to be turned.
    due: Vec<Instant>,
    pub(super) tally: Tally,
    epoch: Instant,
}

impl Stage {
    pub(super) fn new(target: Target) -> io::Result<Self> {
        let poll = Poll::new()?;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        Ok(Self {
            target,
            poll,
            events: Events::with_capacity(1024),
            timer,
            scratch: Scratch::new(READ_BYTES),
            datagrams: Datagrams::new(),
            callers: Vec::new(),
            due: Vec::new(),
            tally: Tally::default(),
            epoch: Instant::now(),
        })
    }

    /// Has `act` do something with the caller of that number.
    fn with(
        &mut self,
        number: usize,
        now: Instant,
        act: impl FnOnce(&mut Caller, &mut World<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut world = World {
            target: &self.target,
            registry: self.poll.registry(),
            scratch: &mut self.scratch,
            datagrams: &mut self.datagrams,
            tally: &mut self.tally,
            epoch: self.epoch,
            now,
        };
        let caller = &mut self.callers[number];
        act(caller, &mut world).map_err(|error| format!("{}: {error}", caller.state()))?;
        self.due[number] = caller.due().max(now + AGAIN);
        Ok(())
    }

    /// Connects one more caller.
    pub(super) fn add(&mut self, script: Box<dyn Script>, habit: Habit) -> Result<()> {
        let now = Instant::now();
        let world = World {
            target: &self.target,
            registry: self.poll.registry(),
            scratch: &mut self.scratch,
            datagrams: &mut self.datagrams,
            tally: &mut self.tally,
            epoch: self.epoch,
            now,
        };
        let caller = Caller::connect(self.callers.len(), script, habit, &world)?;
        self.due.push(caller.due());
        self.callers.push(caller);
        Ok(())
    }

    /// All callers do something else from now on.
    pub(super) fn change(&mut self, habit: Habit) -> Result<()> {
        for number in 0..self.callers.len() {
            self.with(number, Instant::now(), |caller, world| {
                caller.habit = habit;
                caller.go_on(world)
            })?;
        }
        Ok(())
    }

    /// Packets that are sent from now on count.
    pub(super) fn count(&mut self) {
        self.tally.echo = Some(Echo::from(self.epoch.elapsed().as_nanos() as u64));
    }

    /// Packets that are sent from now on count no more; those before are waited for.
    pub(super) fn stop_counting(&mut self) {
        if let Some(echo) = &mut self.tally.echo {
            echo.close(self.epoch.elapsed().as_nanos() as u64);
        }
    }

    /// Runs until `done` or the moment has come; tells whether it was done.
    ///
    /// # Errors
    /// If a call fails: no load goes on without one of its own.
    pub(super) fn run(&mut self, until: Instant, mut done: impl FnMut(&Self) -> bool) -> Result<bool> {
        loop {
            let now = Instant::now();
            for number in 0..self.callers.len() {
                if self.due[number] <= now {
                    self.with(number, now, Caller::turn)?;
                }
            }
            if done(self) {
                return Ok(true);
            }
            if now >= until {
                return Ok(false);
            }
            self.arm(until)?;
            match self.poll.poll(&mut self.events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
            for event in &events {
                self.handle(event)?;
            }
            self.events = events;
        }
    }

    /// Lets time pass.
    pub(super) fn rest(&mut self, span: Duration) -> Result<()> {
        self.run(Instant::now() + span, |_| false).map(drop)
    }

    fn handle(&mut self, event: &mio::event::Event) -> Result<()> {
        if event.token() == TIMER {
            let _ = rustix::io::read(&self.timer, &mut [0; 8]);
            return Ok(());
        }
        let number = event.token().0 / 2;
        if event.token().0.is_multiple_of(2) {
            self.with(number, Instant::now(), |caller, world| caller.signalled(event, world))
        } else {
            self.with(number, Instant::now(), Caller::received)
        }
    }

    /// Wakes the loop when the next thing is due.
    fn arm(&self, until: Instant) -> Result<()> {
        let now = Instant::now();
        let next = self.due.iter().copied().min().map_or(until, |due| due.min(until)).min(now + IDLE_TICK);
        let span = next.saturating_duration_since(now).max(Duration::from_nanos(1));
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec { tv_sec: span.as_secs() as i64, tv_nsec: i64::from(span.subsec_nanos()) };
        let spec = Itimerspec { it_interval: zero, it_value: value };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        Ok(())
    }
}
