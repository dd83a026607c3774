//! Data channels that a party heeds, by their names: what peers do with them is said by methods of the world.

use std::collections::BTreeMap;

use patchbay_core::{MediaEvent, Name};

use super::session_world::SessionWorld;

/// The channels of one leg.
#[derive(Default)]
pub(super) struct Channels {
    heeds: Vec<Name>,
    /// Those that are open, and what was said to the peer on them.
    open: BTreeMap<Name, Vec<String>>,
}

impl Channels {
    pub(super) fn heeding(heeds: Vec<Name>) -> Self {
        Self { heeds, open: BTreeMap::new() }
    }

    /// Something is said to the peer.
    pub(super) fn take(&mut self, channel: &Name, text: String) {
        // Where it is not open it is lost.
        if let Some(said) = self.open.get_mut(channel) {
            said.push(text);
        }
    }
}

impl SessionWorld<'_> {
    /// The peer of a connection's leg opens or closes a data channel of that name.
    ///
    /// # Panics
    /// If there is no such leg.
    pub fn channel(&mut self, connection: usize, stream: &str, channel: &str, open: bool) {
        let channel = Name::parse(channel).expect("a name");
        let (link, channels, events) = self.channels_of(connection, stream);
        if open {
            channels.open.insert(channel.clone(), Vec::new());
        } else {
            channels.open.remove(&channel);
        }
        if channels.heeds.contains(&channel) {
            events.push_back(MediaEvent::Channel { link, channel, open });
        }
        self.engine_told();
    }

    /// The peer says something on a data channel.
    ///
    /// # Panics
    /// If there is no such leg, or the channel is not open.
    pub fn speak(&mut self, connection: usize, stream: &str, channel: &str, text: &str) {
        let channel = Name::parse(channel).expect("a name");
        let (link, channels, events) = self.channels_of(connection, stream);
        assert!(channels.open.contains_key(&channel), "the channel is not open");
        if channels.heeds.contains(&channel) {
            events.push_back(MediaEvent::Heard { link, channel, binary: false, bytes: text.as_bytes().into() });
        }
        self.engine_told();
    }

    /// What was said to the peer on a data channel, since this was last asked.
    ///
    /// # Panics
    /// If there is no such leg.
    pub fn spoken(&mut self, connection: usize, stream: &str, channel: &str) -> Vec<String> {
        let (_, channels, _) = self.channels_of(connection, stream);
        let said = channels.open.iter_mut().find(|(name, _)| name.as_str() == channel);
        said.map(|(_, said)| std::mem::take(said)).unwrap_or_default()
    }
}
