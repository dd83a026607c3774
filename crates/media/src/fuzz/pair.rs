//! A publisher and a viewer of it, connected to one worker by a network without delay.

use std::time::Duration;

use patchbay_core::{Codec, Kinds, LinkId, SignalKind, Track};

use super::engine::Engine;
use super::peer::Peer;

/// The links of the two legs, which are their places as well.
pub(super) const PUBLISHER: usize = 0;
pub(super) const VIEWER: usize = 1;

pub(super) struct Pair {
    pub(super) engine: Engine,
    pub(super) peers: [Peer; 2],
    /// What is to become of the next datagram of that peer.
    pub(super) fate: [Fate; 2],
    /// Nothing reaches the viewer.
    pub(super) blocked: bool,
    held: Vec<(usize, Vec<u8>)>,
}

/// What the network does to a datagram on its way to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fate {
    #[default]
    Arrive,
    Lose,
    Double,
    /// It comes behind the next one.
    Hold,
    Cut(u8),
    Spoil {
        at: u8,
        by: u8,
    },
}

/// Sound and pictures of a publication.
pub(super) fn track(source: u64) -> Track {
    let (audio, video) = (Some(Codec::Opus), Some(Codec::Vp8));
    Track { source: LinkId::new(source), audio, video, layers: 1, pass: Kinds::ALL, height: None, heir_of: None }
}

impl Pair {
    pub(super) fn connected() -> Self {
        let mut engine = Engine::new();
        let now = engine.now;
        let (mut publisher, mut viewer) = (Peer::new(now, 1), Peer::new(now, 2));
        engine.open_receiving(PUBLISHER as u64);
        engine.remote(PUBLISHER as u64, SignalKind::Offer, publisher.offer().as_bytes());
        publisher.accept(&engine.described(PUBLISHER as u64).expect("an answer"));
        engine.open_sending(VIEWER as u64, vec![track(PUBLISHER as u64)]);
        let answer = viewer.answer(&engine.described(VIEWER as u64).expect("an offer"));
        engine.remote(VIEWER as u64, SignalKind::Answer, answer.as_bytes());
        let mut pair =
            Self { engine, peers: [publisher, viewer], fate: [Fate::Arrive; 2], blocked: false, held: Vec::new() };
        for _ in 0..100 {
            if pair.peers.iter().all(|peer| peer.connected && !peer.channels.is_empty()) {
                return pair;
            }
            pair.wait(Duration::from_millis(20));
        }
        panic!("the peers do not connect: {:?}", pair.engine.out.events);
    }

    /// Lets time pass for all three.
    pub(super) fn wait(&mut self, span: Duration) {
        let until = self.engine.now + span;
        loop {
            self.exchange();
            let peers = self.peers.iter().map(|peer| peer.due).min();
            let next = peers.into_iter().chain(self.engine.worker.deadline()).min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            // A millisecond at least: who is due at once is so for a reason that only time takes away.
            let step = next.saturating_duration_since(self.engine.now).max(Duration::from_millis(1));
            self.engine.wait(step);
            for peer in &mut self.peers {
                if peer.due <= self.engine.now {
                    peer.tick(self.engine.now);
                }
            }
        }
        self.engine.wait(until.saturating_duration_since(self.engine.now));
        self.exchange();
    }

    /// Delivers what is on its way, and what that makes.
    pub(super) fn exchange(&mut self) {
        loop {
            let mut quiet = true;
            for index in [PUBLISHER, VIEWER] {
                for datagram in std::mem::take(&mut self.peers[index].out) {
                    quiet = false;
                    self.pass(index, datagram);
                }
            }
            for (destination, datagram) in std::mem::take(&mut self.engine.out.sent) {
                quiet = false;
                let Some(index) = self.peers.iter().position(|peer| peer.address == destination) else { continue };
                if !(self.blocked && index == VIEWER) {
                    self.peers[index].receive(self.engine.now, &datagram);
                }
            }
            if quiet {
                return;
            }
        }
    }

    fn pass(&mut self, index: usize, mut datagram: Vec<u8>) {
        let fate = std::mem::take(&mut self.fate[index]);
        let address = self.peers[index].address;
        match fate {
            Fate::Lose => return,
            Fate::Hold => return self.held.push((index, datagram)),
            Fate::Double => self.engine.receive(address, &datagram),
            Fate::Cut(at) => datagram.truncate(usize::from(at)),
            Fate::Spoil { at, by } => {
                let at = usize::from(at) % datagram.len().max(1);
                if let Some(byte) = datagram.get_mut(at) {
                    *byte ^= by;
                }
            }
            Fate::Arrive => {}
        }
        self.engine.receive(address, &datagram);
        for (index, held) in std::mem::take(&mut self.held) {
            self.engine.receive(self.peers[index].address, &held);
        }
    }
}

#[cfg(test)]
mod tests {
    use str0m::media::MediaKind;

    use super::super::peer::Written;
    use super::*;

    /// Deadlines that come nearer with a packet, and go away again with the next, leave nothing behind.
    #[test]
    fn media_does_not_pile_up_deadlines() {
        let mut pair = Pair::connected();
        let mut most = [0; 2];
        for (half, most) in most.iter_mut().enumerate() {
            for turn in 0..600 {
                let seq = half as u32 * 600 + turn;
                for (kind, bytes) in [(MediaKind::Audio, vec![0x78; 80]), (MediaKind::Video, vec![0x10; 800])] {
                    let time = seq * if kind == MediaKind::Audio { 2_400 } else { 4_500 };
                    let written = Written { kind, seq: seq.into(), time, marker: true, payload: bytes };
                    let now = pair.engine.now;
                    pair.peers[PUBLISHER].write(written, now);
                }
                pair.wait(Duration::from_micros(50_000 + u64::from(seq) * 7_919 % 3_000));
                *most = pair.engine.worker.deadlines().max(*most);
            }
        }
        assert!(pair.peers[VIEWER].got.len() > 2_000, "media flows: {}", pair.peers[VIEWER].got.len());
        assert!(most[1] <= most[0] + 8, "first {}, then {} deadlines for two legs", most[0], most[1]);
    }
}
