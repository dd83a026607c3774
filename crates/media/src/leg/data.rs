//! A leg's data channels: messages in order, kept until a channel takes them, within bounds; and what its peer says on channels
//! that its owner heeds.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use patchbay_core::Name;
use str0m::Rtc;
use str0m::channel::{ChannelData, ChannelId};

use super::Happened;
use super::heed::Pace;

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

/// A leg's channels. Those that are not heeded are taken as one: what comes on any of them is heard by the same, and what
/// is said goes to the first.
#[derive(Debug, Default)]
pub(crate) struct Data {
    channels: Vec<Channel>,
    waiting: VecDeque<Queued>,
    /// Of all that waits, also for channels by name.
    bytes: usize,
    /// The peer was too slow: nothing more is sent.
    shut: bool,
    heeds: Vec<Name>,
    pace: Pace,
    /// What the leg's worker is to hear next.
    news: Vec<Happened>,
}

#[derive(Debug)]
struct Channel {
    id: ChannelId,
    /// None for one whose name is too long to be anybody's concern.
    name: Option<Name>,
    heeded: bool,
    /// More was said on it than is heard: it is being closed.
    ending: bool,
    /// What is said on this channel alone.
    waiting: VecDeque<Queued>,
}

/// Channels of one peer that are listened to. A page opens one or two; more would each cost memory in str0m, so the ones
/// behind are closed.
const CHANNELS: usize = 8;

impl Data {
    /// Channels, of which those of these names are heeded.
    pub(crate) fn new(heeds: Vec<Name>) -> Self {
        Self { heeds, ..Self::default() }
    }

    /// The connection is a new one, without a channel.
    pub(crate) fn begin_anew(&mut self) {
        for channel in std::mem::take(&mut self.channels) {
            self.tell_closed(channel);
        }
        let (heeds, pace, news) = (&mut self.heeds, self.pace, &mut self.news);
        *self = Self { heeds: std::mem::take(heeds), pace, news: std::mem::take(news), ..Self::default() };
    }

    /// What the leg's worker is to hear next.
    pub(crate) fn news(&mut self) -> impl Iterator<Item = Happened> + '_ {
        self.news.drain(..)
    }

    /// The peer has the channel open; what waited for it goes out. One that it opens after it was too slow is closed like
    /// those before: it would hear only what is said from then on, and take that for all.
    pub(crate) fn opened(&mut self, id: ChannelId, name: &str, rtc: &mut Rtc) {
        if self.shut || self.channels.len() >= CHANNELS {
            return rtc.direct_api().close_data_channel(id);
        }
        let name = Name::parse(name).ok();
        let heeded = name.as_ref().filter(|name| self.heeds.contains(name)).cloned();
        let channel = Channel { id, name, heeded: heeded.is_some(), ending: false, waiting: VecDeque::new() };
        if let Some(channel) = heeded.filter(|name| !self.has(name)) {
            self.news.push(Happened::Channel { channel, open: true });
        }
        self.channels.push(channel);
        if let Some(mut channel) = rtc.channel(id) {
            channel.set_buffered_amount_low_threshold(LOW);
        }
        self.drain(rtc);
    }

    pub(crate) fn closed(&mut self, id: ChannelId) {
        let Some(at) = self.channels.iter().position(|channel| channel.id == id) else { return };
        let channel = self.channels.remove(at);
        self.tell_closed(channel);
    }

    /// A channel has gone from the list.
    fn tell_closed(&mut self, channel: Channel) {
        self.bytes -= channel.waiting.iter().map(|message| message.bytes.len()).sum::<usize>();
        if let Some(channel) = channel.name.filter(|name| channel.heeded && !self.has(name)) {
            self.news.push(Happened::Channel { channel, open: false });
        }
    }

    fn has(&self, name: &Name) -> bool {
        self.channels.iter().any(|channel| channel.name.as_ref() == Some(name))
    }

    /// The peer has said something. Who says more than is heard on a channel that is heeded loses the channel, since a message
    /// that is left out would go unnoticed.
    pub(crate) fn said(&mut self, said: ChannelData, now: Instant, rtc: &mut Rtc) {
        let ChannelData { id, binary, data } = said;
        let Some(channel) = self.channels.iter_mut().find(|channel| channel.id == id && channel.heeded) else {
            return self.news.push(Happened::Said { binary, bytes: data });
        };
        if channel.ending {
            return;
        }
        if let Some(channel) = channel.name.clone().filter(|_| self.pace.takes(data.len(), now)) {
            return self.news.push(Happened::Heard { channel, binary, bytes: data.into() });
        }
        tracing::debug!("a peer says more than is heard on a data channel, which is closed");
        channel.ending = true;
        rtc.direct_api().close_data_channel(id);
    }

    /// Puts a message at the end of what waits, and sends what the channel takes. One for a channel by name is dropped if
    /// that is not open.
    pub(crate) fn push(&mut self, to: Option<&Name>, message: Queued, rtc: Option<&mut Rtc>) {
        if self.shut {
            return;
        }
        let waiting: usize = self.channels.iter().map(|channel| channel.waiting.len()).sum();
        let full = waiting + self.waiting.len() >= MESSAGES || self.bytes + message.bytes.len() > BYTES;
        let queue = match to {
            None => Some(&mut self.waiting),
            Some(_) => {
                let named = self.channels.iter_mut().find(|channel| channel.name.as_ref() == to);
                named.map(|channel| &mut channel.waiting)
            }
        };
        let Some(queue) = queue else { return };
        if full {
            return self.shut(rtc);
        }
        self.bytes += message.bytes.len();
        queue.push_back(message);
        if let Some(rtc) = rtc {
            self.drain(rtc);
        }
    }

    /// Sends what the channels take now.
    pub(crate) fn drain(&mut self, rtc: &mut Rtc) {
        if let Some(channel) = self.channels.iter().find(|channel| !channel.heeded) {
            send(channel.id, &mut self.waiting, &mut self.bytes, rtc);
        }
        for channel in &mut self.channels {
            send(channel.id, &mut channel.waiting, &mut self.bytes, rtc);
        }
    }

    /// Whether its bounds are kept, and nothing waits for a channel that is shut.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn is_sound(&self) -> bool {
        let waiting = || self.channels.iter().flat_map(|channel| &channel.waiting).chain(&self.waiting);
        let bytes: usize = waiting().map(|message| message.bytes.len()).sum();
        let bounded = waiting().count() <= MESSAGES && bytes <= BYTES && self.channels.len() <= CHANNELS;
        bounded && bytes == self.bytes && !(self.shut && (bytes > 0 || !self.channels.is_empty()))
    }

    /// Nothing more is sent.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn is_shut(&self) -> bool {
        self.shut
    }

    fn shut(&mut self, rtc: Option<&mut Rtc>) {
        self.shut = true;
        let channels = std::mem::take(&mut self.channels);
        if let Some(rtc) = rtc {
            channels.iter().for_each(|channel| rtc.direct_api().close_data_channel(channel.id));
        }
        channels.into_iter().for_each(|channel| self.tell_closed(channel));
        self.waiting = VecDeque::new();
        self.bytes = 0;
    }
}

/// Hands a channel what waits for it, as much as it takes: the rest waits for the next one, or for a later moment.
fn send(id: ChannelId, waiting: &mut VecDeque<Queued>, bytes: &mut usize, rtc: &mut Rtc) {
    while let Some(message) = waiting.front() {
        let Some(mut channel) = rtc.channel(id) else { return };
        match channel.write(message.binary, &message.bytes) {
            Ok(true) => {}
            // It is full, or closing.
            Ok(false) | Err(_) => return,
        }
        *bytes -= message.bytes.len();
        waiting.pop_front();
    }
}
