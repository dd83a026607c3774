//! A leg's data channel: messages in order, kept until the channel takes them, within bounds.

use std::collections::VecDeque;
use std::sync::Arc;

use str0m::Rtc;
use str0m::channel::ChannelId;

/// Largest message that a peer may send, in bytes: the vendor's own client sends 16 kB at most, browsers accept 256 kB
/// of each other. It is held in memory whole.
pub(crate) const MESSAGE: u32 = 256 * 1024;
/// Bytes that str0m keeps for one peer: some round trips' worth at 10 Mbit/s.
pub(crate) const BUFFERED: usize = 256 * 1024;
/// Messages that wait beside them, for a peer that reads slowly or whose channel is not open yet. At either bound the
/// peer is too slow for what it is sent: its channel is closed, since a message that is left out would go unnoticed.
const MESSAGES: usize = 1_024;
/// Bytes that wait so.
const BYTES: usize = 1024 * 1024;
/// What is left in str0m's buffer when it asks for more.
const LOW: usize = 64 * 1024;

/// A message for the peer.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) binary: bool,
    pub(crate) bytes: Arc<[u8]>,
}

/// A leg's channels, taken as one: what comes on any of them is heard, and what is said goes to the first.
#[derive(Debug, Default)]
pub(crate) struct Data {
    channels: Vec<ChannelId>,
    waiting: VecDeque<Queued>,
    bytes: usize,
    /// The peer was too slow: nothing more is sent.
    shut: bool,
}

/// Channels of one peer that are listened to. A page opens one or two; more would each cost memory in str0m, so the ones
/// behind are closed.
const CHANNELS: usize = 8;

impl Data {
    /// The peer has the channel open; what waited for it goes out. One that it opens after it was too slow is closed like
    /// those before: it would hear only what is said from then on, and take that for all.
    pub(crate) fn opened(&mut self, id: ChannelId, rtc: &mut Rtc) {
        if self.shut || self.channels.len() >= CHANNELS {
            return rtc.direct_api().close_data_channel(id);
        }
        self.channels.push(id);
        if let Some(mut channel) = rtc.channel(id) {
            channel.set_buffered_amount_low_threshold(LOW);
        }
        self.drain(rtc);
    }

    pub(crate) fn closed(&mut self, id: ChannelId) {
        self.channels.retain(|channel| *channel != id);
    }

    /// Puts a message at the end of what waits, and sends what the channel takes.
    pub(crate) fn push(&mut self, message: Queued, rtc: Option<&mut Rtc>) {
        if self.shut {
            return;
        }
        if self.waiting.len() >= MESSAGES || self.bytes + message.bytes.len() > BYTES {
            return self.shut(rtc);
        }
        self.bytes += message.bytes.len();
        self.waiting.push_back(message);
        if let Some(rtc) = rtc {
            self.drain(rtc);
        }
    }

    /// Sends what the channel takes now.
    pub(crate) fn drain(&mut self, rtc: &mut Rtc) {
        let Some(&id) = self.channels.first() else { return };
        while let Some(message) = self.waiting.front() {
            let Some(mut channel) = rtc.channel(id) else { return };
            match channel.write(message.binary, &message.bytes) {
                Ok(true) => {}
                // It is full, or closing: the next one, or a later moment, may take the rest.
                Ok(false) | Err(_) => return,
            }
            self.bytes -= message.bytes.len();
            self.waiting.pop_front();
        }
    }

    /// Whether its bounds are kept, and nothing waits for a channel that is shut.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn is_sound(&self) -> bool {
        let bytes: usize = self.waiting.iter().map(|message| message.bytes.len()).sum();
        let bounded = self.waiting.len() <= MESSAGES && bytes <= BYTES && self.channels.len() <= CHANNELS;
        bounded && bytes == self.bytes && !(self.shut && (bytes > 0 || !self.channels.is_empty()))
    }

    /// Nothing more is sent.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn is_shut(&self) -> bool {
        self.shut
    }

    fn shut(&mut self, rtc: Option<&mut Rtc>) {
        self.shut = true;
        self.waiting = VecDeque::new();
        self.bytes = 0;
        let channels = std::mem::take(&mut self.channels);
        if let Some(rtc) = rtc {
            channels.into_iter().for_each(|id| rtc.direct_api().close_data_channel(id));
        }
    }
}
