//! Data messages between legs: what one says reaches all that hear one of its topics, once, in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Worker;
use crate::leg::Queued;
use crate::peer::{Peer, PeerMessage, Said};
use crate::sink::Sink;

impl Worker {
    /// A peer has said something.
    pub(super) fn said(&mut self, index: usize, binary: bool, bytes: Vec<u8>, sink: &mut dyn Sink) {
        let Some(leg) = &self.legs[index] else { return };
        if leg.says.is_empty() {
            return;
        }
        let said = Arc::new(Said { owner: leg.owner, topics: leg.says.clone(), binary, bytes: bytes.into() });
        self.hand_out(&said);
        // Lost only if another worker stands still for so long that its queue is full of what is never dropped: then it
        // has more to care about than this message, and its viewers' channels are shut there.
        if !sink.tell(Peer::Others, PeerMessage::Data(said)) {
            tracing::warn!("a media worker does not keep up with data messages; it may be overloaded");
        }
    }

    /// Hands a message to everybody here who is to hear it.
    pub(super) fn hand_out(&mut self, said: &Said) {
        let hearers: BTreeSet<usize> =
            said.topics.iter().filter_map(|topic| self.hears.get(topic)).flatten().copied().collect();
        for index in hearers {
            let Some(leg) = self.legs[index].as_deref_mut().filter(|leg| leg.owner != said.owner) else { continue };
            leg.say(None, Queued { binary: said.binary, bytes: Arc::clone(&said.bytes) });
            self.touch(index);
        }
    }
}
