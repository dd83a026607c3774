//! What workers tell each other.

use std::sync::Arc;

use patchbay_core::{LinkId, PartyId, Topic};

use crate::burst::Burst;

/// One worker, by its number, or all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// That one.
    One(usize),
    /// All but the sender.
    Others,
}

/// A message between workers.
#[derive(Clone, Debug)]
pub enum PeerMessage {
    /// The sender has viewers of that source: whose source it is, sends it its bursts from now on.
    Subscribe {
        /// The publication.
        source: LinkId,
        /// Who asks.
        worker: usize,
    },
    /// The sender has no viewer of that source any more.
    Unsubscribe {
        /// The publication.
        source: LinkId,
        /// Who asks.
        worker: usize,
    },
    /// Packets of a source that was subscribed to. May be lost: whole bursts at a time.
    Burst(Arc<Burst>),
    /// What layers a source has, told at a change and once a second.
    Layers {
        /// The publication.
        source: LinkId,
        /// The layers, by their place in the publisher's description.
        layers: Vec<LayerInfo>,
    },
    /// A viewer needs a key frame.
    KeyWanted {
        /// The publication.
        source: LinkId,
        /// Which layer.
        layer: u8,
    },
    /// A data message. Must not be lost.
    Data(Arc<Said>),
}

/// A data message on its way to all who hear one of its topics.
#[derive(Debug)]
pub struct Said {
    /// Whose leg said it.
    pub owner: PartyId,
    /// To whom.
    pub topics: Vec<Topic>,
    /// It is no text.
    pub binary: bool,
    /// The message.
    pub bytes: Arc<[u8]>,
}

/// One layer of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerInfo {
    /// Pixels; 0 until a key frame told.
    pub width: u32,
    /// Pixels; 0 until a key frame told.
    pub height: u32,
    /// Bits per second, over the last second; 0: it sends nothing now.
    pub bps: u32,
    /// Its key frames cannot be recognised: the payload is encrypted end to end, say.
    pub opaque: bool,
}
