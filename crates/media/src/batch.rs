//! Datagrams of one leg, gathered for as few system calls as possible.

use std::net::SocketAddr;

use str0m::net::Transmit;

use crate::sink::{Datagrams, Sink};

/// Most bytes of one send: the kernel takes no datagram train of more than 64 kB with its headers.
const BYTES: usize = 60_000;
/// Most datagrams of one send (`UDP_MAX_SEGMENTS` of Linux).
const SEGMENTS: usize = 64;

/// Datagrams that wait to leave together. Generic segmentation offload takes a train of datagrams of one size, of which
/// the last may be shorter: a datagram that is longer than the first, or comes behind a shorter one, begins a new train.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    segment: usize,
    count: usize,
    /// The last one was shorter than the others.
    closed: bool,
    between: Option<(SocketAddr, SocketAddr)>,
}

impl Batch {
    /// Takes a datagram, and sends what must leave before it.
    pub(crate) fn push(&mut self, transmit: &Transmit, sink: &mut dyn Sink) {
        let Transmit { source, destination, contents, .. } = transmit;
        self.room(*source, *destination, contents.len(), sink).copy_from_slice(contents);
    }

    /// Room for a datagram, to be filled; sends what must leave before it.
    pub(crate) fn room(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        length: usize,
        sink: &mut dyn Sink,
    ) -> &mut [u8] {
        let between = Some((source, destination));
        let fits = self.between == between
            && !self.closed
            && length <= self.segment
            && self.count < SEGMENTS
            && self.bytes.len() + length <= BYTES;
        if !fits {
            self.flush(sink);
            self.between = between;
            self.segment = length;
        }
        self.closed = length < self.segment;
        self.count += 1;
        let begin = self.bytes.len();
        self.bytes.resize(begin + length, 0);
        &mut self.bytes[begin..]
    }

    /// The last datagram, of that length, is not to be sent after all.
    pub(crate) fn take_back(&mut self, length: usize) {
        self.bytes.truncate(self.bytes.len().saturating_sub(length));
        self.count -= 1;
        self.closed = false;
        if self.count == 0 {
            self.between = None;
        }
    }

    /// Sends what waits.
    pub(crate) fn flush(&mut self, sink: &mut dyn Sink) {
        if let Some((source, destination)) = self.between.take() {
            sink.send(Datagrams { source, destination, contents: &self.bytes, segment: self.segment });
        }
        self.discard();
    }

    /// Forgets what waits.
    pub(crate) fn discard(&mut self) {
        self.bytes.clear();
        (self.between, self.segment, self.count, self.closed) = (None, 0, 0, false);
    }
}

#[cfg(test)]
mod tests {
    use patchbay_core::MediaEvent;
    use str0m::net::Protocol;

    use super::*;
    use crate::peer::{Peer, PeerMessage};

    #[derive(Default)]
    struct Sent(Vec<(u16, Vec<usize>)>);

    impl Sink for Sent {
        fn send(&mut self, datagrams: Datagrams<'_>) {
            let sizes = datagrams.contents.chunks(datagrams.segment).map(<[u8]>::len).collect();
            self.0.push((datagrams.destination.port(), sizes));
        }

        fn event(&mut self, event: MediaEvent) {
            panic!("{event:?}");
        }

        fn tell(&mut self, _to: Peer, message: PeerMessage) -> bool {
            panic!("{message:?}");
        }
    }

    fn run(datagrams: &[(u16, usize)]) -> Vec<(u16, Vec<usize>)> {
        let (mut batch, mut sent) = (Batch::default(), Sent::default());
        for &(port, length) in datagrams {
            let transmit = Transmit {
                proto: Protocol::Udp,
                source: ([127, 0, 0, 1], 1).into(),
                destination: ([127, 0, 0, 1], port).into(),
                contents: vec![0; length].into(),
            };
            batch.push(&transmit, &mut sent);
        }
        batch.flush(&mut sent);
        batch.flush(&mut sent);
        sent.0
    }

    #[test]
    fn equal_datagrams_leave_together() {
        assert_eq!(run(&[(1, 9), (1, 9), (1, 9)]), [(1, vec![9, 9, 9])]);
        assert_eq!(run(&[(1, 9), (1, 9), (1, 5)]), [(1, vec![9, 9, 5])], "the last may be shorter");
        assert_eq!(run(&[(1, 9), (1, 5), (1, 5)]), [(1, vec![9, 5]), (1, vec![5])], "nothing may follow it");
        assert_eq!(run(&[(1, 5), (1, 9)]), [(1, vec![5]), (1, vec![9])], "none may be longer");
        assert_eq!(run(&[(1, 9), (2, 9)]), [(1, vec![9]), (2, vec![9])]);
    }

    #[test]
    fn what_was_discarded_does_not_leave() {
        let (mut batch, mut sent) = (Batch::default(), Sent::default());
        let [from, to] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        batch.room(from, to, 9, &mut sent);
        batch.discard();
        batch.room(from, to, 5, &mut sent);
        batch.flush(&mut sent);
        assert_eq!(sent.0, [(2, vec![5])]);
    }

    #[test]
    fn what_was_taken_back_does_not_leave() {
        let (mut batch, mut sent) = (Batch::default(), Sent::default());
        let [from, to] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        batch.room(from, to, 9, &mut sent);
        batch.take_back(9);
        batch.flush(&mut sent);
        assert_eq!(sent.0, []);
        for length in [9, 5] {
            batch.room(from, to, length, &mut sent);
        }
        batch.take_back(5);
        batch.room(from, to, 9, &mut sent);
        batch.flush(&mut sent);
        assert_eq!(sent.0, [(2, vec![9, 9])]);
    }

    #[test]
    fn a_train_has_its_bounds() {
        let many = run(&[(1, 100); 65]);
        assert_eq!(many.iter().map(|(_, sizes)| sizes.len()).collect::<Vec<_>>(), [64, 1]);
        let large = run(&[(1, 1_200); 60]);
        assert_eq!(large.iter().map(|(_, sizes)| sizes.len()).collect::<Vec<_>>(), [50, 10]);
    }
}
