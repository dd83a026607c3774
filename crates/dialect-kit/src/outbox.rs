use patchbay_core::{Command, Moment, Tag};

use crate::http::{Exchange, Reply};
use crate::job::Job;
use crate::line::Order;

/// What a session wants done, in order. The shell keeps one per thread and drains it after each call, so that a
/// session allocates nothing for its answers.
#[derive(Default)]
pub struct Outbox {
    text: Vec<u8>,
    frames: Vec<Mark>,
    commands: Vec<(Tag, Command)>,
    replies: Vec<(Exchange, Reply)>,
    orders: Vec<Order>,
    jobs: Vec<(Tag, Job)>,
    warnings: Vec<&'static str>,
    close: Option<Close>,
    deaf_until: Option<Moment>,
}

#[derive(Clone, Copy)]
enum Mark {
    /// A text frame that ends at this offset of `text`.
    Text(usize),
    Ping,
}

/// One frame to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutFrame<'a> {
    /// A WebSocket text message.
    Text(&'a [u8]),
    /// A WebSocket ping without payload.
    Ping,
}

/// How a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close {
    /// The WebSocket close code (RFC 6455, section 7.4); `None` ends the connection without a close frame, for a peer
    /// that is not there to read one.
    pub code: Option<u16>,
    /// Why, for the count.
    pub cause: CloseCause,
}

/// Why a connection ended: the closed label set of `patchbay_connections_closed_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseCause {
    /// The message was no message of the dialect at all.
    BadMessage,
    /// The peer did not say in time who it is.
    Idle,
    /// The transport failed or the peer reset it.
    Lost,
    /// The peer closed it.
    Peer,
    /// The session panicked; a bug of ours.
    Panic,
    /// The peer broke the rules of the transport.
    Protocol,
    /// The server is stopping.
    Shutdown,
    /// The peer answered no ping.
    Silent,
    /// The message was larger than the limit.
    TooLarge,
    /// The peer said more than may wait for what it had asked for before.
    TooMany,
    /// The peer did not read what it was sent.
    TooSlow,
}

impl CloseCause {
    /// Every cause.
    pub const ALL: [Self; 11] = [
        Self::BadMessage,
        Self::Idle,
        Self::Lost,
        Self::Peer,
        Self::Panic,
        Self::Protocol,
        Self::Shutdown,
        Self::Silent,
        Self::TooLarge,
        Self::TooMany,
        Self::TooSlow,
    ];

    /// The cause as a metric label and log field.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::BadMessage => "bad_message",
            Self::Idle => "idle",
            Self::Lost => "lost",
            Self::Peer => "peer",
            Self::Panic => "panic",
            Self::Protocol => "protocol",
            Self::Shutdown => "shutdown",
            Self::Silent => "silent",
            Self::TooLarge => "too_large",
            Self::TooMany => "too_many",
            Self::TooSlow => "too_slow",
        }
    }
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends one text message: what `write` appends.
    pub fn text(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.text);
        self.frames.push(Mark::Text(self.text.len()));
    }

    /// Sends a WebSocket ping.
    pub fn ping(&mut self) {
        self.frames.push(Mark::Ping);
    }

    /// Gives the hub a command; `tag` comes back with its answer.
    pub fn command(&mut self, tag: Tag, command: Command) {
        self.commands.push((tag, command));
    }

    /// Answers a request.
    pub fn reply(&mut self, exchange: Exchange, reply: Reply) {
        self.replies.push((exchange, reply));
    }

    /// Takes the replies out, in order.
    pub fn take_replies(&mut self) -> impl Iterator<Item = (Exchange, Reply)> + '_ {
        self.replies.drain(..)
    }

    /// Asks the telephones' side for something.
    pub fn line(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// Takes the orders out, in order.
    pub fn take_orders(&mut self) -> impl Iterator<Item = Order> + '_ {
        self.orders.drain(..)
    }

    /// Orders what takes its time; `tag` comes back with its outcome.
    pub fn job(&mut self, tag: Tag, job: Job) {
        self.jobs.push((tag, job));
    }

    /// Takes the jobs out, in order.
    pub fn take_jobs(&mut self) -> impl Iterator<Item = (Tag, Job)> + '_ {
        self.jobs.drain(..)
    }

    /// Tells the operator something that only he can do something about. It is a constant, since it goes to the log, where
    /// nothing of a peer belongs; the shell writes each text once.
    pub fn warn(&mut self, text: &'static str) {
        self.warnings.push(text);
    }

    /// Takes the warnings out.
    pub fn take_warnings(&mut self) -> impl Iterator<Item = &'static str> + '_ {
        self.warnings.drain(..)
    }

    /// Ends the connection after what has been sent so far. The first close counts.
    pub fn close(&mut self, code: u16, cause: CloseCause) {
        self.close.get_or_insert(Close { code: Some(code), cause });
    }

    /// Ends the connection at once, without a close frame. The first close counts.
    pub fn abort(&mut self, cause: CloseCause) {
        self.close.get_or_insert(Close { code: None, cause });
    }

    /// Reads nothing more from the peer before that moment: what it sends waits in the network, which slows the peer and
    /// loses nothing. Meant for milliseconds, since nobody hears a pong or a farewell meanwhile. The latest moment counts.
    pub fn deafen(&mut self, until: Moment) {
        self.deaf_until = self.deaf_until.max(Some(until));
    }

    /// The frames, in order.
    pub fn frames(&self) -> impl Iterator<Item = OutFrame<'_>> {
        let mut start = 0;
        self.frames.iter().map(move |mark| match *mark {
            Mark::Text(end) => {
                let text = &self.text[start..end];
                start = end;
                OutFrame::Text(text)
            }
            Mark::Ping => OutFrame::Ping,
        })
    }

    /// Takes the commands out, in order.
    pub fn take_commands(&mut self) -> impl Iterator<Item = (Tag, Command)> + '_ {
        self.commands.drain(..)
    }

    /// Commands wait to be carried out.
    #[must_use]
    pub fn has_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    /// There is more than frames and commands: replies, orders, jobs or warnings. Most calls leave none.
    #[must_use]
    pub fn has_errands(&self) -> bool {
        !(self.replies.is_empty() && self.orders.is_empty() && self.jobs.is_empty() && self.warnings.is_empty())
    }

    /// How the connection is to be ended, if it is.
    #[must_use]
    pub fn closing(&self) -> Option<Close> {
        self.close
    }

    /// Until when nothing is to be read from the peer, if the session said so.
    #[must_use]
    pub fn deaf_until(&self) -> Option<Moment> {
        self.deaf_until
    }

    /// Forgets all but the commands, keeping little memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(KEPT_BYTES);
        self.frames.clear();
        self.replies.clear();
        self.orders.clear();
        self.jobs.clear();
        self.warnings.clear();
        self.close = None;
        self.deaf_until = None;
    }
}

/// What an emptied outbox keeps: enough for any offer, so that it does not allocate per message; a larger list gives
/// its memory back.
const KEPT_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_in_order_and_the_first_close_counts() {
        let mut out = Outbox::new();
        out.text(|text| text.extend_from_slice(b"one"));
        out.ping();
        out.text(|text| text.extend_from_slice(b"two"));
        out.abort(CloseCause::Silent);
        out.close(1007, CloseCause::BadMessage);
        let frames: Vec<_> = out.frames().collect();
        assert_eq!(frames, [OutFrame::Text(b"one"), OutFrame::Ping, OutFrame::Text(b"two")]);
        assert_eq!(out.closing(), Some(Close { code: None, cause: CloseCause::Silent }));
        out.clear();
        assert_eq!(out.frames().count(), 0);
        assert_eq!(out.closing(), None);
    }

    #[test]
    fn labels_are_distinct() {
        let mut labels: Vec<_> = CloseCause::ALL.iter().map(|cause| cause.label()).collect();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), CloseCause::ALL.len());
    }
}
