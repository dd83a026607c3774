//! Where a telephone's packets may come from, and where it is sent ours.

use std::net::SocketAddr;

/// One way to a telephone: RTP or RTCP of one section.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Source {
    /// What its description says.
    told: Option<SocketAddr>,
    /// Where its packets really come from: behind a translation of addresses, another place.
    heard: Option<SocketAddr>,
}

impl Source {
    /// Its description says so. Another place than before begins anew.
    pub(super) fn tell(&mut self, told: Option<SocketAddr>) {
        if self.told != told {
            *self = Self { told, heard: None };
        }
    }

    /// Whether a packet from there is taken. `proved`: it is sealed by the telephone's key, so that its place is where the
    /// telephone is. Without such a proof, the place that was told counts, else that of the first packet, from then on; if
    /// `strict`, only the one that was told.
    pub(super) fn takes(&mut self, from: SocketAddr, proved: bool, strict: bool) -> bool {
        let known = self.heard == Some(from);
        let takes = proved || known || self.told == Some(from) || (self.heard.is_none() && !strict);
        if takes {
            self.heard = Some(from);
        }
        takes
    }

    /// Where it is sent packets.
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        self.heard.or(self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    fn told() -> Source {
        let mut source = Source::default();
        source.tell(Some(at(1)));
        source
    }

    #[test]
    fn the_place_that_was_told_goes_before_the_first_packet() {
        let mut source = told();
        assert_eq!(source.destination(), Some(at(1)));
        assert!(source.takes(at(1), false, false));
        assert!(!source.takes(at(2), false, false), "it is locked");
        assert_eq!(source.destination(), Some(at(1)));
    }

    #[test]
    fn else_the_first_packet_counts_once() {
        let mut source = told();
        assert!(source.takes(at(2), false, false));
        assert_eq!(source.destination(), Some(at(2)));
        assert!(!source.takes(at(3), false, false));
        assert!(source.takes(at(1), false, false), "who was told is never a stranger");
        assert!(!source.takes(at(2), false, false), "nor is who came first any more");
        source.tell(Some(at(1)));
        assert!(!source.takes(at(2), false, false), "the same again is nothing new");
        source.tell(Some(at(4)));
        assert_eq!(source.destination(), Some(at(4)), "it has moved");
        assert!(source.takes(at(2), false, false));
    }

    #[test]
    fn strictly_only_the_place_that_was_told() {
        let mut source = told();
        assert!(!source.takes(at(2), false, true));
        assert!(source.takes(at(1), false, true));
        let mut nowhere = Source::default();
        assert!(!nowhere.takes(at(2), false, true) && nowhere.takes(at(2), false, false));
    }

    #[test]
    fn a_proof_is_followed() {
        let mut source = told();
        for port in [2, 1, 3] {
            assert!(source.takes(at(port), true, true));
            assert_eq!(source.destination(), Some(at(port)));
        }
    }
}
